//! `Block`: a stretch of audio, one plane of samples per channel, of one rate and one layout.
//!
//! Samples are `f32` with full scale at ±1.0; a lossy decoder may exceed that, and what is done
//! about it is decided where the programme is mixed. A block holds whole sample frames only: all
//! its planes have the same length. It does not know when it sounds, nor in which track.

use std::sync::Arc;

/// A stretch of audio.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    rate_hz: u32,
    layout: Layout,
    planes: Vec<Vec<f32>>,
}

/// Which speaker each channel is meant for, in the order of the planes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout(Arc<[Speaker]>);

/// Where a channel is meant to be heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// Behind the listener.
    BackCentre,
    /// Behind or beside, left.
    BackLeft,
    /// Behind or beside, right.
    BackRight,
    /// In front, in the middle; also the one channel of mono.
    Centre,
    /// In front, left.
    Left,
    /// The effects channel of low frequencies.
    LowFrequency,
    /// Anywhere else: overhead, wide, unnamed.
    Other,
    /// In front, right.
    Right,
}

impl Block {
    /// A block without sound in it, `sample_frames` long.
    pub fn silent(rate_hz: u32, layout: Layout, sample_frames: usize) -> Self {
        let planes = layout.0.iter().map(|_| vec![0.0; sample_frames]).collect();
        Self { rate_hz, layout, planes }
    }

    /// A block of the given planes, one per speaker of the layout and all of one length; `None`
    /// if they are not.
    pub fn of(rate_hz: u32, layout: Layout, planes: Vec<Vec<f32>>) -> Option<Self> {
        let even = planes.windows(2).all(|pair| pair[0].len() == pair[1].len());
        (even && planes.len() == layout.channels()).then_some(Self { rate_hz, layout, planes })
    }

    /// A stereo block from its two planes, of which the longer is cut to the shorter.
    pub fn stereo(rate_hz: u32, mut left: Vec<f32>, mut right: Vec<f32>) -> Self {
        let sample_frames = left.len().min(right.len());
        left.truncate(sample_frames);
        right.truncate(sample_frames);
        Self { rate_hz, layout: Layout::stereo(), planes: vec![left, right] }
    }

    /// Sample frames per second.
    pub fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    /// What its channels are.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The mean of its louder side, in decibels of full scale.
    pub fn level_db(&self) -> f64 {
        let power = |plane: &Vec<f32>| {
            let sum: f32 = plane.iter().map(|sample| sample * sample).sum();
            #[expect(clippy::cast_precision_loss, reason = "a block is short")]
            let samples = plane.len().max(1) as f64;
            f64::from(sum) / samples
        };
        10.0 * self.planes().iter().map(power).fold(0.0, f64::max).log10()
    }

    /// How many sample frames it holds.
    pub fn sample_frames(&self) -> usize {
        self.planes.first().map_or(0, Vec::len)
    }

    /// All planes, in the order of the layout.
    pub fn planes(&self) -> &[Vec<f32>] {
        &self.planes
    }

    /// The samples of one channel.
    pub fn plane(&self, channel: usize) -> &[f32] {
        &self.planes[channel]
    }

    /// The samples of one channel, to be changed in place.
    pub fn plane_mut(&mut self, channel: usize) -> &mut [f32] {
        &mut self.planes[channel]
    }

    /// The samples of both channels, to be changed in place; `None` if there are not two.
    pub fn sides_mut(&mut self) -> Option<[&mut [f32]; 2]> {
        match &mut self.planes[..] {
            [left, right] => Some([left, right]),
            _ => None,
        }
    }

    /// Drops the first `sample_frames`, or all if it holds fewer.
    pub fn drop_front(&mut self, sample_frames: usize) {
        for plane in &mut self.planes {
            plane.drain(..sample_frames.min(plane.len()));
        }
    }

    /// Keeps the first `sample_frames` and drops the rest.
    pub fn truncate(&mut self, sample_frames: usize) {
        for plane in &mut self.planes {
            plane.truncate(sample_frames);
        }
    }

    /// Appends `other`, which must be of the same rate and layout.
    pub fn append(&mut self, other: &Self) {
        assert_eq!(
            (self.rate_hz, &self.layout),
            (other.rate_hz, &other.layout),
            "only audio of one rate and layout goes into a block"
        );
        for (plane, more) in self.planes.iter_mut().zip(&other.planes) {
            plane.extend_from_slice(more);
        }
    }

    /// Adds the samples of `other`, which must be of the same layout, from the beginning on; where
    /// it is longer, its end is left out.
    pub fn add(&mut self, other: &Self) {
        for (plane, more) in self.planes.iter_mut().zip(&other.planes) {
            for (sample, more) in plane.iter_mut().zip(more) {
                *sample += more;
            }
        }
    }

    /// Multiplies every sample by `gain`.
    pub fn amplify(&mut self, gain: f32) {
        for sample in self.planes.iter_mut().flatten() {
            *sample *= gain;
        }
    }

    /// Takes the first `sample_frames` out of this block, or all if it holds fewer.
    pub fn take_front(&mut self, sample_frames: usize) -> Self {
        let planes =
            self.planes.iter_mut().map(|p| p.drain(..sample_frames.min(p.len())).collect());
        Self { rate_hz: self.rate_hz, layout: self.layout.clone(), planes: planes.collect() }
    }
}

impl Layout {
    /// The layout with these speakers.
    pub fn of(speakers: &[Speaker]) -> Self {
        Self(speakers.into())
    }

    /// One channel.
    pub fn mono() -> Self {
        Self::of(&[Speaker::Centre])
    }

    /// Left and right.
    pub fn stereo() -> Self {
        Self::of(&[Speaker::Left, Speaker::Right])
    }

    /// The speakers in the order of the channels.
    pub fn speakers(&self) -> &[Speaker] {
        &self.0
    }

    /// How many channels there are.
    pub fn channels(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_from_the_front_and_what_stays_are_the_whole() {
        let mut rest = Block::stereo(8_000, vec![1.0, 2.0, 3.0], vec![4.0, 5.0, 6.0]);

        let mut front = rest.take_front(2);

        assert_eq!(front.planes(), [[1.0, 2.0], [4.0, 5.0]]);
        assert_eq!(rest.planes(), [[3.0], [6.0]]);
        front.append(&rest);
        assert_eq!(front.plane(1), [4.0, 5.0, 6.0]);
    }

    #[test]
    fn taking_more_than_there_is_takes_all() {
        let mut block = Block::silent(8_000, Layout::mono(), 3);

        assert_eq!(block.take_front(5).sample_frames(), 3);
        assert_eq!(block.sample_frames(), 0);
    }

    #[test]
    fn blocks_are_added_sample_by_sample() {
        let mut sum = Block::stereo(8_000, vec![1.0, 2.0, 3.0], vec![4.0, 5.0, 6.0]);

        sum.add(&Block::stereo(8_000, vec![0.5, 0.5], vec![-4.0, 0.0]));
        sum.amplify(2.0);

        assert_eq!(sum.planes(), [[3.0, 5.0, 6.0], [0.0, 10.0, 12.0]]);
    }

    #[test]
    fn planes_of_different_length_are_no_block() {
        assert_eq!(Block::of(8_000, Layout::stereo(), vec![vec![0.0], vec![]]), None);
        assert_eq!(Block::of(8_000, Layout::stereo(), vec![vec![0.0]]), None);
    }
}

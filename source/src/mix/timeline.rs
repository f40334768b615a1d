//! The timeline: which track sounds when, to the sample.
//!
//! Audio comes in as it was decoded, in stretches of any length, with a mark where a track
//! begins; it goes out in blocks of one length, joined, within full scale, and each with the
//! track that begins in it. The timeline counts the sample frames it has given out, which is the
//! programme's own time. Where the audio comes from, and when it is wanted, it does not know.

use crate::mix::guard::guard;
use crate::mix::join::Joiner;
use crate::pcm::block::Block;
use std::collections::VecDeque;

/// Tracks, of type `T`, on the programme's time.
#[derive(Debug)]
pub struct Timeline<T> {
    joiner: Joiner,
    /// Joined audio that has not been given out.
    waiting: Block,
    /// Where tracks begin in the audio that is waiting, counted from the programme's start.
    beginnings: VecDeque<(u64, T)>,
    given_sample_frames: u64,
}

impl<T> Timeline<T> {
    /// A timeline at its start.
    pub fn new(rate_hz: u32) -> Self {
        Self {
            joiner: Joiner::new(rate_hz),
            waiting: Block::stereo(rate_hz, Vec::new(), Vec::new()),
            beginnings: VecDeque::new(),
            given_sample_frames: 0,
        }
    }

    /// What is appended from here on is `track`.
    pub fn begin(&mut self, track: T) {
        self.joiner.join();
        let at = self.given_sample_frames + self.waiting_sample_frames() as u64;
        self.beginnings.push_back((at, track));
    }

    /// What is appended from here on does not continue what was before, though no track begins.
    pub fn interrupt(&mut self) {
        self.joiner.join();
    }

    /// Appends `block`, which must be stereo at the timeline's rate.
    pub fn append(&mut self, mut block: Block) {
        self.joiner.pass(&mut block);
        self.waiting.append(&block);
    }

    /// How many sample frames are waiting to be given out.
    pub fn waiting_sample_frames(&self) -> usize {
        self.waiting.sample_frames()
    }

    /// The next `sample_frames`, or fewer if fewer are waiting.
    pub fn take(&mut self, sample_frames: usize) -> Block {
        let mut block = self.waiting.take_front(sample_frames);
        self.given_sample_frames += block.sample_frames() as u64;
        guard(&mut block);
        block
    }

    /// The track that begins next within what has been given out, and where: in sample frames
    /// from the programme's start.
    pub fn begun(&mut self) -> Option<(u64, T)> {
        let (at, _) = self.beginnings.front()?;
        (*at < self.given_sample_frames).then(|| self.beginnings.pop_front())?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tracks_follow_each_other_to_the_sample() {
        let mut timeline = Timeline::new(44_100);
        timeline.begin("a");
        timeline.append(level(0.001, 5));
        timeline.begin("b");
        timeline.append(level(0.002, 3));

        let first = timeline.take(4);
        assert_eq!(timeline.begun(), Some((0, "a")));
        assert_eq!(timeline.begun(), None);
        let second = timeline.take(4);

        assert_eq!(first.plane(0), [0.001; 4]);
        assert_eq!(second.plane(0), [0.001, 0.002, 0.002, 0.002]);
        assert_eq!(timeline.begun(), Some((5, "b")));
        assert_eq!(timeline.take(4).sample_frames(), 0);
    }

    #[test]
    fn a_track_begins_when_its_first_sample_is_given_out_and_not_before() {
        let mut timeline = Timeline::new(44_100);
        timeline.append(level(0.0, 4));
        timeline.begin("a");
        timeline.append(level(0.0, 4));

        timeline.take(4);
        assert_eq!(timeline.begun(), None);
        timeline.take(1);
        assert_eq!(timeline.begun(), Some((4, "a")));
    }

    #[test]
    fn peaks_beyond_full_scale_are_bent_back() {
        let mut timeline: Timeline<()> = Timeline::new(44_100);
        timeline.append(level(0.0, 1));
        timeline.append(level(1.4, 400));

        let block = timeline.take(401);

        assert!(block.plane(0).iter().all(|sample| *sample <= 1.0));
    }

    fn level(level: f32, sample_frames: usize) -> Block {
        Block::stereo(44_100, vec![level; sample_frames], vec![level; sample_frames])
    }
}

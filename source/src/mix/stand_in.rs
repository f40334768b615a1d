//! What stands in when there is no track: it comes and goes without a click.

use crate::mix::crossfade::Curve;
use crate::mix::tone::Filler;
use crate::pcm::block::Block;

/// A sound that is there at any moment, for as long as it is wanted.
pub trait EverReady: Send {
    /// The next `sample_frames` of it, not fewer, in stereo.
    fn next(&mut self, sample_frames: usize) -> Block;
}

impl EverReady for Filler {
    fn next(&mut self, sample_frames: usize) -> Block {
        Self::next(self, sample_frames)
    }
}

/// Such a sound, asked to come and to go.
pub(super) struct StandIn {
    sound: Box<dyn EverReady>,
    /// What takes its place as soon as it is not heard.
    successor: Option<Box<dyn EverReady>>,
    wanted: bool,
    /// How far it has come up, in sample frames: 0 to `glide`.
    up: usize,
    glide: usize,
}

impl StandIn {
    pub(super) fn new(sound: Box<dyn EverReady>, rate_hz: u32) -> Self {
        let glide = (rate_hz * GLIDE_MS / 1_000) as usize;
        Self { sound, successor: None, wanted: false, up: 0, glide }
    }

    /// Lets it come, or go, from wherever it is.
    pub(super) fn want(&mut self, wanted: bool) {
        self.wanted = wanted;
    }

    /// Puts another sound in its place; if it is heard, it goes first.
    pub(super) fn replace(&mut self, sound: Box<dyn EverReady>) {
        self.successor = Some(sound);
    }

    /// Whether nothing of it is heard, nor wanted.
    pub(super) fn is_silent(&self) -> bool {
        self.up == 0 && !self.wanted
    }

    /// The next `sample_frames` of it; `None` while nothing of it is heard.
    pub(super) fn next(&mut self, sample_frames: usize) -> Option<Block> {
        if self.up == 0 {
            if let Some(sound) = self.successor.take() {
                self.sound = sound;
            }
            if !self.wanted {
                return None;
            }
        }
        let mut block = self.sound.next(sample_frames);
        if self.wanted && self.successor.is_none() && self.up == self.glide {
            return Some(block);
        }
        let levels: Vec<f32> = (0..sample_frames).map(|_| self.glide()).collect();
        for channel in 0..block.planes().len() {
            for (sample, level) in block.plane_mut(channel).iter_mut().zip(&levels) {
                *sample *= level;
            }
        }
        Some(block)
    }

    /// The level of the next sample frame.
    fn glide(&mut self) -> f32 {
        #[expect(clippy::cast_precision_loss, reason = "a few thousand sample frames")]
        let level = Curve::Sine.level(self.up as f32 / self.glide as f32);
        let rises = self.wanted && self.successor.is_none();
        self.up = if rises { self.glide.min(self.up + 1) } else { self.up.saturating_sub(1) };
        level
    }
}

/// How long it takes to come, and to go.
const GLIDE_MS: u32 = 200;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mix::tone::Sound;

    #[test]
    fn another_sound_takes_its_place_without_a_step() {
        let filler = |sound| Box::new(Filler::new(sound, 44_100));
        let mut stand_in = StandIn::new(filler(Sound::Tone), 44_100);
        stand_in.want(true);
        let mut heard = stand_in.next(20_000).unwrap().plane(0).to_vec();

        stand_in.replace(filler(Sound::Silence));
        for _ in 0..40 {
            heard.extend_from_slice(stand_in.next(1_152).unwrap().plane(0));
        }

        let steepest = heard.windows(2).map(|two| (two[1] - two[0]).abs()).fold(0.0, f32::max);
        assert!(steepest < 0.007, "the tone itself steps by 0.0063, this by {steepest}");
        assert!(heard[heard.len() - 20_000..].iter().all(|sample| *sample == 0.0));
    }

    #[test]
    fn it_comes_and_goes_without_a_step_even_half_way() {
        let mut stand_in = StandIn::new(Box::new(Filler::new(Sound::Tone, 44_100)), 44_100);
        assert_eq!(stand_in.next(10), None);

        let mut heard = Vec::new();
        for (wanted, length) in [(true, 4_000), (false, 1_000), (true, 20_000), (false, 10_000)] {
            stand_in.want(wanted);
            heard.extend_from_slice(stand_in.next(length).unwrap().plane(0));
        }

        assert_eq!(stand_in.next(10), None);
        let steepest = heard.windows(2).map(|two| (two[1] - two[0]).abs()).fold(0.0, f32::max);
        assert!(steepest < 0.007, "the tone itself steps by 0.0063, this by {steepest}");
        let loudest = heard.iter().copied().fold(0.0, f32::max);
        assert!((0.09..0.101).contains(&loudest), "{loudest}");
        assert!(heard[heard.len() - 100..].iter().all(|sample| *sample == 0.0));
    }
}

//! What holds the mount while there is nothing to play: a quiet tone, another signal, or silence.

use crate::mix::signal::{Generator, Signal};
use crate::pcm::block::Block;

/// What a filler sounds like.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Sound {
    /// This signal.
    Signal(Signal),
    /// Nothing at all.
    Silence,
    /// A tone of 440 Hz at −20 dB, so that somebody who listens knows that the line works.
    #[default]
    Tone,
}

/// Makes it, without an end.
#[derive(Clone, Debug)]
pub struct Filler {
    rate_hz: u32,
    /// None if it is silent.
    generator: Option<Generator>,
}

impl Filler {
    /// A filler for the station's rate.
    pub fn new(sound: Sound, rate_hz: u32) -> Self {
        let generator = match sound {
            Sound::Signal(signal) => Some(Generator::new(signal, rate_hz)),
            Sound::Silence => None,
            Sound::Tone => Some(Generator::new(Signal::default(), rate_hz)),
        };
        Self { rate_hz, generator }
    }

    /// The next stretch of it.
    pub fn next(&mut self, sample_frames: usize) -> Block {
        let plane: Vec<f32> = match &mut self.generator {
            Some(generator) => (0..sample_frames).map(|_| generator.sample()).collect(),
            None => vec![0.0; sample_frames],
        };
        Block::stereo(self.rate_hz, plane.clone(), plane)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tone_is_20_db_below_full_scale_and_goes_on_where_it_was() {
        let mut whole = Filler::new(Sound::Tone, 44_100);
        let mut parts = whole.clone();

        let whole = whole.next(300);

        let mut joined = parts.next(100);
        joined.append(&parts.next(200));
        assert_eq!(joined, whole);
        let peak = whole.plane(0).iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        assert!((0.095..=0.1001).contains(&peak), "{peak}");
    }

    #[test]
    fn silence_is_silent() {
        let block = Filler::new(Sound::Silence, 44_100).next(5);

        assert_eq!(block.plane(1), [0.0; 5]);
    }
}

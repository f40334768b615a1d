//! What holds the mount while there is nothing to play: a quiet tone, or silence.

use crate::pcm::block::Block;
use std::f64::consts::TAU;

/// What a filler sounds like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sound {
    /// Nothing at all.
    Silence,
    /// A tone of [`TONE_HZ`] at [`TONE_DB`], so that somebody who listens knows that the line
    /// works.
    #[default]
    Tone,
}

/// Makes it, without an end.
#[derive(Clone, Debug)]
pub struct Filler {
    rate_hz: u32,
    level: f64,
    /// How far the tone is in its present turn: 0 to 1.
    turn: f64,
}

impl Filler {
    /// A filler for the station's rate.
    pub fn new(sound: Sound, rate_hz: u32) -> Self {
        let level = match sound {
            Sound::Silence => 0.0,
            Sound::Tone => 10_f64.powf(TONE_DB / 20.0),
        };
        Self { rate_hz, level, turn: 0.0 }
    }

    /// The next stretch of it.
    pub fn next(&mut self, sample_frames: usize) -> Block {
        let step = TONE_HZ / f64::from(self.rate_hz);
        let plane: Vec<f32> = (0..sample_frames)
            .map(|_| {
                #[expect(clippy::cast_possible_truncation, reason = "samples are f32")]
                let sample = ((self.turn * TAU).sin() * self.level) as f32;
                self.turn = (self.turn + step).fract();
                sample
            })
            .collect();
        Block::stereo(self.rate_hz, plane.clone(), plane)
    }
}

/// The pitch of the tone.
pub const TONE_HZ: f64 = 440.0;
/// Its peak level below full scale.
pub const TONE_DB: f64 = -20.0;

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

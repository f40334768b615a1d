//! `gain`: louder or softer, and to one side.
//!
//! Panning lowers the side it goes away from and leaves the other as it is, so that nothing gets
//! louder by it. Pure.

use super::dial::{Dial, Unit};
use super::glide::Glide;
use super::{Effect, Stage, amplitude, single};

/// The settings of a `gain`.
#[derive(Clone, Debug, PartialEq)]
pub struct Gain {
    /// How much louder.
    pub gain_db: f64,
    /// From −1, where only the left is heard, to 1, where only the right is.
    pub pan: f64,
}

/// The stage.
#[derive(Debug)]
pub(super) struct GainStage {
    /// By what each side is multiplied.
    factors: [Glide; 2],
}

impl Gain {
    pub(super) fn dials(&mut self) -> Vec<Dial<'_>> {
        vec![
            Dial::new("gain_db", Unit::Decibels, (-60.0, 24.0), &mut self.gain_db),
            Dial::new("pan", Unit::Number, (-1.0, 1.0), &mut self.pan),
        ]
    }

    pub(super) fn stage(&self, rate_hz: u32) -> GainStage {
        GainStage { factors: self.factors().map(|factor| Glide::new(factor, rate_hz)) }
    }

    fn factors(&self) -> [f64; 2] {
        let gain = amplitude(self.gain_db);
        [gain * (1.0 - self.pan).min(1.0), gain * (1.0 + self.pan).min(1.0)]
    }
}

impl Default for Gain {
    fn default() -> Self {
        Self { gain_db: 0.0, pan: 0.0 }
    }
}

impl Stage for GainStage {
    fn process(&mut self, left: &mut [f32], right: &mut [f32]) {
        for (side, factor) in [left, right].into_iter().zip(&mut self.factors) {
            if factor.is_moving() {
                side.iter_mut().for_each(|sample| *sample *= single(factor.next()));
            } else {
                let factor = single(factor.now());
                side.iter_mut().for_each(|sample| *sample *= factor);
            }
        }
    }

    fn take_over(&mut self, effect: &Effect) {
        let Effect::Gain(gain) = effect else { return };
        for (glide, factor) in self.factors.iter_mut().zip(gain.factors()) {
            glide.go(factor);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sound::listening::{heard, level_db, step_max, tone};

    #[test]
    fn it_is_as_much_louder_as_it_says() {
        for gain_db in [-60.0, -6.0, 0.0, 12.0] {
            let effect = Effect::Gain(Gain { gain_db, pan: 0.0 });
            let [left, right] = heard(&effect, &[tone(440.0, -20.0), tone(880.0, -26.0)]);

            assert!((level_db(&left) - (gain_db - 20.0)).abs() < 0.01, "{}", level_db(&left));
            assert!((level_db(&right) - (gain_db - 26.0)).abs() < 0.01, "{}", level_db(&right));
        }
    }

    #[test]
    fn panning_lowers_the_other_side_only() {
        let effect = Effect::Gain(Gain { gain_db: 0.0, pan: 0.5 });
        let [left, right] = heard(&effect, &[tone(440.0, -20.0), tone(440.0, -20.0)]);

        assert!((level_db(&left) + 26.02).abs() < 0.01);
        assert!((level_db(&right) + 20.0).abs() < 0.01);
    }

    #[test]
    fn a_change_while_it_sounds_makes_no_click() {
        let mut stage = Gain::default().stage(44_100);
        let mut sound = tone(100.0, 0.0);
        let mut other = sound.clone();
        let largest = step_max(&sound);

        for (part, (left, right)) in sound.chunks_mut(441).zip(other.chunks_mut(441)).enumerate() {
            let gain_db = if part % 2 == 0 { 0.0 } else { -60.0 };
            stage.take_over(&Effect::Gain(Gain { gain_db, pan: 0.0 }));
            stage.process(left, right);
        }

        // A way of 30 ms adds at most a 1323rd of full scale to each step.
        assert!(step_max(&sound) <= largest + 1.0 / 1_323.0, "{}", step_max(&sound));
    }
}

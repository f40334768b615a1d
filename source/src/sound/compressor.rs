//! `compressor`: what is loud is made softer, so that everything can be louder.
//!
//! It listens to the peaks of both sides together, so the picture between them stands still. What
//! is above the threshold by so many decibels comes out above it by that divided by the ratio; over
//! the width of the knee it goes over from one to the other. The reduction follows with the attack
//! when it grows and with the release when it shrinks, each the time after which 63 % of the way
//! is gone. Pure.

use super::dial::{Dial, Unit};
use super::glide::Glide;
use super::powers::{exp2, log2};
use super::{Effect, Stage, amplitude, single};

/// The settings of a `compressor`.
#[derive(Clone, Debug, PartialEq)]
pub struct Compressor {
    /// What is louder than this is made softer.
    pub threshold_db: f64,
    /// By so much.
    pub ratio: f64,
    /// How wide it goes over from nothing to that.
    pub knee_db: f64,
    /// How fast it gets softer.
    pub attack_s: f64,
    /// How fast it gets louder again.
    pub release_s: f64,
    /// How much louder everything is made then.
    pub makeup_db: f64,
}

/// The stage.
#[derive(Debug)]
pub(super) struct CompressorStage(Squeeze);

/// By how much something is to be made softer that is so loud now.
#[derive(Debug)]
pub(super) struct Squeeze {
    rate_hz: u32,
    threshold_db: Glide,
    /// What is added for each decibel above the threshold; not above 0.
    slope: Glide,
    knee_db: Glide,
    makeup_db: Glide,
    /// The part of its way that the reduction goes in a sample frame.
    attack: f64,
    release: f64,
    /// From this level on something is done.
    begins: f32,
    /// Not above 0.
    reduction_db: f64,
}

impl Compressor {
    /// Its parameters.
    pub fn dials(&mut self) -> Vec<Dial<'_>> {
        vec![
            Dial::new("threshold_db", Unit::Decibels, (-60.0, 0.0), &mut self.threshold_db),
            Dial::new("ratio", Unit::Number, (1.0, 100.0), &mut self.ratio),
            Dial::new("knee_db", Unit::Decibels, (0.0, 24.0), &mut self.knee_db),
            Dial::new("attack", Unit::Seconds, (0.0001, 1.0), &mut self.attack_s),
            Dial::new("release", Unit::Seconds, (0.005, 10.0), &mut self.release_s),
            Dial::new("makeup_db", Unit::Decibels, (-12.0, 24.0), &mut self.makeup_db),
        ]
    }

    pub(super) fn stage(&self, rate_hz: u32) -> CompressorStage {
        CompressorStage(Squeeze::new(self, rate_hz))
    }
}

impl Default for Compressor {
    fn default() -> Self {
        Self {
            threshold_db: -18.0,
            ratio: 3.0,
            knee_db: 6.0,
            attack_s: 0.01,
            release_s: 0.2,
            makeup_db: 0.0,
        }
    }
}

impl Squeeze {
    pub(super) fn new(by: &Compressor, rate_hz: u32) -> Self {
        let glide = |value| Glide::new(value, rate_hz);
        let mut squeeze = Self {
            rate_hz,
            threshold_db: glide(by.threshold_db),
            slope: glide(1.0 / by.ratio - 1.0),
            knee_db: glide(by.knee_db),
            makeup_db: glide(by.makeup_db),
            attack: 0.0,
            release: 0.0,
            begins: 0.0,
            reduction_db: 0.0,
        };
        squeeze.go(by);
        squeeze.settle();
        squeeze
    }

    pub(super) fn go(&mut self, by: &Compressor) {
        let part = |time_s: f64| 1.0 - (-1.0 / (time_s * f64::from(self.rate_hz))).exp();
        (self.attack, self.release) = (part(by.attack_s), part(by.release_s));
        self.threshold_db.go(by.threshold_db);
        self.slope.go(1.0 / by.ratio - 1.0);
        self.knee_db.go(by.knee_db);
        self.makeup_db.go(by.makeup_db);
    }

    /// Makes of how loud up to [`PART`] sample frames are by what they are to be multiplied.
    pub(super) fn factors(&mut self, levels: &mut [f32]) {
        if self.is_moving() {
            for level in levels {
                for glide in [
                    &mut self.threshold_db,
                    &mut self.slope,
                    &mut self.knee_db,
                    &mut self.makeup_db,
                ] {
                    glide.next();
                }
                self.settle();
                self.settled_factors(std::slice::from_mut(level));
            }
        } else {
            self.settled_factors(levels);
        }
    }

    fn settled_factors(&mut self, levels: &mut [f32]) {
        let loudest = levels.iter().fold(0.0_f32, |most, level| most.max(*level));
        if loudest <= self.begins && self.reduction_db == 0.0 {
            return levels.fill(single(self.makeup_db.now() * OCTAVES_PER_DB).exp2());
        }
        // Written as three rows of sums, of which all but the middle one go several at a time.
        let (threshold, slope) = (self.threshold_db.now(), single(self.slope.now()));
        let knee = single(self.knee_db.now().max(KNEE_MIN_DB));
        let threshold = single(threshold);
        for level in &mut *levels {
            let over = log2(*level) * DB_PER_OCTAVE - threshold;
            let within = (over + knee / 2.0).clamp(0.0, knee);
            let above = (over - knee / 2.0).max(0.0);
            *level = slope * (within * within / (2.0 * knee) + above);
        }
        let mut reduction_db = self.reduction_db;
        for wanted_db in &mut *levels {
            let way_db = f64::from(*wanted_db) - reduction_db;
            reduction_db += way_db * if way_db < 0.0 { self.attack } else { self.release };
            *wanted_db = single(reduction_db);
        }
        self.reduction_db = if reduction_db > REDUCTION_MIN_DB { 0.0 } else { reduction_db };
        let makeup_db = single(self.makeup_db.now());
        for reduction_db in levels {
            *reduction_db = exp2((*reduction_db + makeup_db) * single(OCTAVES_PER_DB));
        }
    }

    fn is_moving(&self) -> bool {
        let glides = [&self.threshold_db, &self.slope, &self.knee_db, &self.makeup_db];
        glides.iter().any(|glide| glide.is_moving())
    }

    fn settle(&mut self) {
        self.begins = single(amplitude(self.threshold_db.now() - self.knee_db.now() / 2.0));
    }
}

impl Stage for CompressorStage {
    fn process(&mut self, left: &mut [f32], right: &mut [f32]) {
        let mut levels = [0.0_f32; PART];
        for (left, right) in left.chunks_mut(PART).zip(right.chunks_mut(PART)) {
            let levels = &mut levels[..left.len()];
            for (level, (left, right)) in levels.iter_mut().zip(left.iter().zip(right.iter())) {
                *level = left.abs().max(right.abs());
            }
            self.0.factors(levels);
            for (factor, (left, right)) in levels.iter().zip(left.iter_mut().zip(right)) {
                *left *= factor;
                *right *= factor;
            }
        }
    }

    fn take_over(&mut self, effect: &Effect) {
        let Effect::Compressor(compressor) = effect else { return };
        self.0.go(compressor);
    }
}

/// Sample frames that are reckoned at a time, at most.
pub(super) const PART: usize = 64;
/// The power of two by which a decibel multiplies, and how many decibels two is.
const OCTAVES_PER_DB: f64 = 0.166_096_404_744_368_1;
const DB_PER_OCTAVE: f32 = 6.020_6;
/// A knee is never narrower, so that there is something to divide by.
const KNEE_MIN_DB: f64 = 0.001;
/// A reduction that is nearer to nothing is none.
const REDUCTION_MIN_DB: f64 = -0.000_1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sound::listening::{RATE_HZ, heard, step_max, through, tone};

    #[test]
    fn what_is_above_the_threshold_comes_out_above_it_by_the_ratio() {
        let compressor = Compressor {
            threshold_db: -20.0,
            ratio: 4.0,
            knee_db: 0.0,
            makeup_db: 3.0,
            ..Compressor::default()
        };
        for (level_db, expected_db) in
            [(-40.0, -37.0), (-20.0, -17.0), (-12.0, -15.0), (0.0, -12.0)]
        {
            let out_db = held_db(&compressor, level_db);
            assert!((out_db - expected_db).abs() < 0.01, "{level_db}: {out_db}");
        }
    }

    #[test]
    fn over_the_knee_it_goes_over_from_one_to_the_other() {
        let compressor =
            Compressor { threshold_db: -20.0, ratio: 2.0, knee_db: 12.0, ..Compressor::default() };
        // −1/2 · (level + 20 + 6)² / 24
        for (level_db, expected_db) in [(-26.0, -26.0), (-20.0, -20.75), (-14.0, -17.0)] {
            let out_db = held_db(&compressor, level_db);
            assert!((out_db - expected_db).abs() < 0.01, "{level_db}: {out_db}");
        }
    }

    #[test]
    fn attack_and_release_take_their_time() {
        let compressor = Compressor {
            threshold_db: -20.0,
            ratio: 2.0,
            knee_db: 0.0,
            attack_s: 0.01,
            release_s: 0.1,
            makeup_db: 0.0,
        };
        let mut squeeze = Squeeze::new(&compressor, 1_000);

        // At full scale 10 dB are taken away: 6.32 of them after the attack.
        let mut factor = |level| {
            let mut levels = [level];
            squeeze.factors(&mut levels);
            levels[0]
        };
        let attacked = (0..10).map(|_| factor(1.0)).last().unwrap();
        for _ in 0..1_000 {
            factor(1.0);
        }
        let released = (0..100).map(|_| factor(0.0)).last().unwrap();

        assert!((20.0 * attacked.log10() + 6.32).abs() < 0.01, "{attacked}");
        assert!((20.0 * released.log10() + 3.68).abs() < 0.01, "{released}");
    }

    #[test]
    fn both_sides_are_lowered_alike() {
        let compressor = Compressor { threshold_db: -40.0, ratio: 100.0, ..Compressor::default() };
        let sides = [vec![1.0; 44_100], vec![0.01; 44_100]];

        let [left, right] = heard(&Effect::Compressor(compressor), &sides);

        assert!((left[44_099] / right[44_099] - 100.0).abs() < 0.01);
    }

    #[test]
    fn a_change_while_it_sounds_makes_no_click() {
        let with = |threshold_db, makeup_db| {
            let knee_db = 0.0;
            let (ratio, attack_s, release_s) = (100.0, 0.000_1, 0.005);
            Compressor { threshold_db, ratio, knee_db, attack_s, release_s, makeup_db }
        };
        let mut stage = with(0.0, 0.0).stage(RATE_HZ);
        let sound = vec![0.5_f32; 4_410];
        let mut steps = 0.0_f32;

        for part in 0..20 {
            let (threshold_db, makeup_db) = if part % 2 == 0 { (-40.0, 0.0) } else { (0.0, 6.0) };
            stage.take_over(&Effect::Compressor(with(threshold_db, makeup_db)));
            let [left, _] = through(&mut stage, &[sound.clone(), sound.clone()]);
            steps = steps.max(step_max(&left));
        }

        // 46 dB in 1323 sample frames are 0.4 % in each.
        assert!(steps < 0.005, "{steps}");
        assert!(step_max(&tone(100.0, 0.0)) > steps);
    }

    /// The level that comes out where one goes in that stays as it is.
    fn held_db(compressor: &Compressor, level_db: f64) -> f64 {
        let sound = vec![single(amplitude(level_db)); 2 * 44_100];
        let effect = Effect::Compressor(compressor.clone());
        let [left, _] = heard(&effect, &[sound.clone(), sound]);
        20.0 * f64::from(*left.last().unwrap()).log10()
    }
}

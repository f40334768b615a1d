//! What the tests of effects listen with: sounds to send through, and meters.

use super::{Effect, Stage};

/// A second of a sine of this level at 44.1 kHz.
pub(super) fn tone(pitch_hz: f64, level_db: f64) -> Vec<f32> {
    tone_of(pitch_hz, level_db, usize::try_from(RATE_HZ).unwrap())
}

/// So much of it.
pub(super) fn tone_of(pitch_hz: f64, level_db: f64, sample_frames: usize) -> Vec<f32> {
    let step = pitch_hz / f64::from(RATE_HZ);
    let amplitude = super::amplitude(level_db);
    let turn = |at: usize| (step * at as f64).fract() * std::f64::consts::TAU;
    (0..sample_frames).map(|at| super::single(turn(at).sin() * amplitude)).collect()
}

/// What `effect` makes of two sides, which are sent through twice, so that it has settled when it
/// is listened to.
pub(super) fn heard(effect: &Effect, sides: &[Vec<f32>; 2]) -> [Vec<f32>; 2] {
    let mut stage = effect.stage(RATE_HZ).expect("an effect that sounds");
    through(&mut *stage, sides);
    through(&mut *stage, sides)
}

/// What comes of two sides that are sent through `stage` in cuts.
pub(super) fn through(stage: &mut dyn Stage, sides: &[Vec<f32>; 2]) -> [Vec<f32>; 2] {
    let [mut left, mut right] = sides.clone();
    for (left, right) in left.chunks_mut(1_152).zip(right.chunks_mut(1_152)) {
        stage.process(left, right);
    }
    [left, right]
}

/// The level of a sine, by its mean.
pub(super) fn level_db(samples: &[f32]) -> f64 {
    let squares: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    10.0 * (2.0 * squares / samples.len() as f64).log10()
}

/// The largest step from one sample to the next.
pub(super) fn step_max(samples: &[f32]) -> f32 {
    samples.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
}

pub(super) const RATE_HZ: u32 = 44_100;

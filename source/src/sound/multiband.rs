//! `multiband`: a compressor for each part of the spectrum.
//!
//! The parts are divided by crossovers after Linkwitz and Riley, of 24 dB an octave: a low-pass and
//! a high-pass, each of two Butterworth filters one after the other. What is below a crossover goes
//! through what the crossovers above do to the phase, so that the parts together are as loud at
//! every frequency as what went in. Pure.

use super::biquad::{Coefficients, Memory, Pair, Shape};
use super::compressor::{Compressor, Squeeze};
use super::dial::Dial;
use super::{Effect, Stage, single};

/// The settings of a `multiband`.
#[derive(Clone, Debug, PartialEq)]
pub struct Multiband {
    /// Where one part ends and the next begins, from below.
    pub crossovers_hz: Vec<f64>,
    /// The compressors of the parts, from below: one more than crossovers.
    pub bands: Vec<Compressor>,
}

/// The stage.
#[derive(Debug)]
pub(super) struct MultibandStage {
    crossovers: Vec<Crossover>,
    squeezes: Vec<Squeeze>,
}

/// Divides what is above the crossovers below it.
#[derive(Debug)]
struct Crossover {
    low: Coefficients,
    high: Coefficients,
    lows: [Memory; 2],
    highs: [Memory; 2],
    /// What the phase of the low-pass and the high-pass together is, as one filter.
    all: Coefficients,
    /// For each part below.
    turns: Vec<Memory>,
}

impl Multiband {
    /// With these crossovers, and usual compressors.
    pub fn usual(crossovers_hz: Vec<f64>) -> Self {
        let bands = vec![Compressor::default(); crossovers_hz.len() + 1];
        Self { crossovers_hz, bands }
    }

    pub(super) fn dials(&mut self) -> Vec<Dial<'_>> {
        let bands = self.bands.iter_mut().zip(1..);
        let dials = bands.flat_map(|(band, number)| {
            band.dials().into_iter().map(move |dial| dial.of_band(number))
        });
        dials.collect()
    }

    pub(super) fn stage(&self, rate_hz: u32) -> MultibandStage {
        let crossovers = self.crossovers_hz.iter().enumerate();
        let crossovers = crossovers.map(|(at, hz)| Crossover::new(*hz, at, rate_hz));
        let squeezes = self.bands.iter().map(|band| Squeeze::new(band, rate_hz));
        MultibandStage { crossovers: crossovers.collect(), squeezes: squeezes.collect() }
    }
}

impl Default for Multiband {
    fn default() -> Self {
        Self::usual(vec![200.0, 2_500.0])
    }
}

impl Crossover {
    /// One with so many parts below.
    fn new(frequency_hz: f64, below: usize, rate_hz: u32) -> Self {
        let q = std::f64::consts::FRAC_1_SQRT_2;
        let made = |shape| Coefficients::new(shape, frequency_hz, 0.0, q, rate_hz);
        let low = made(Shape::LowPass);
        let [one, two] = low.a;
        Self {
            low,
            high: made(Shape::HighPass),
            lows: [Memory::default(); 2],
            highs: [Memory::default(); 2],
            all: Coefficients { b: [two, one, 1.0], a: low.a },
            turns: vec![Memory::default(); below],
        }
    }

    /// Leaves in `frames` what is above, and gives what is below to `low`.
    fn divide(&mut self, frames: &mut [Pair], low: &mut [Pair]) {
        low.copy_from_slice(frames);
        self.lows.iter_mut().for_each(|memory| memory.filter(&self.low, low));
        self.highs.iter_mut().for_each(|memory| memory.filter(&self.high, frames));
    }
}

impl Stage for MultibandStage {
    fn process(&mut self, left: &mut [f32], right: &mut [f32]) {
        for (left, right) in left.chunks_mut(STEP).zip(right.chunks_mut(STEP)) {
            let length = left.len();
            let mut parts = [[Pair::default(); STEP]; CROSSOVERS_MAX + 1];
            let mut rest = [Pair::default(); STEP];
            for (frame, (left, right)) in rest.iter_mut().zip(left.iter().zip(right.iter())) {
                *frame = [f64::from(*left), f64::from(*right)];
            }
            for (at, crossover) in self.crossovers.iter_mut().enumerate() {
                let (below, part) = parts.split_at_mut(at);
                crossover.divide(&mut rest[..length], &mut part[0][..length]);
                for (part, memory) in below.iter_mut().zip(&mut crossover.turns) {
                    memory.filter(&crossover.all, &mut part[..length]);
                }
            }
            parts[self.crossovers.len()] = rest;
            let mut sum = [Pair::default(); STEP];
            for (part, squeeze) in parts.iter().zip(&mut self.squeezes) {
                let mut levels = [0.0_f32; STEP];
                for (level, part) in levels.iter_mut().zip(part) {
                    *level = single(part[0].abs().max(part[1].abs()));
                }
                squeeze.factors(&mut levels[..length]);
                for (sum, (part, factor)) in sum.iter_mut().zip(part.iter().zip(levels)) {
                    let factor = f64::from(factor);
                    *sum = [sum[0] + part[0] * factor, sum[1] + part[1] * factor];
                }
            }
            for (sum, (left, right)) in sum.iter().zip(left.iter_mut().zip(right)) {
                (*left, *right) = (single(sum[0]), single(sum[1]));
            }
        }
    }

    fn take_over(&mut self, effect: &Effect) {
        let Effect::Multiband(multiband) = effect else { return };
        for (squeeze, band) in self.squeezes.iter_mut().zip(&multiband.bands) {
            squeeze.go(band);
        }
    }
}

/// Crossovers of a multiband.
pub const CROSSOVERS_MAX: usize = 4;
/// Sample frames that are filtered at a time.
const STEP: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sound::listening::{heard, level_db, tone};

    #[test]
    fn the_parts_together_are_what_went_in_at_every_frequency() {
        for crossovers_hz in
            [vec![1_000.0], vec![200.0, 2_500.0], vec![80.0, 300.0, 2_000.0, 8_000.0]]
        {
            let idle = Compressor { ratio: 1.0, ..Compressor::default() };
            let bands = vec![idle; crossovers_hz.len() + 1];
            let effect = Effect::Multiband(Multiband { crossovers_hz, bands });
            for pitch_hz in [30.0, 80.0, 200.0, 440.0, 1_000.0, 2_500.0, 8_000.0, 15_000.0] {
                let [left, right] = heard(&effect, &[tone(pitch_hz, -20.0), tone(pitch_hz, -30.0)]);
                assert!((level_db(&left) + 20.0).abs() < 0.05, "{pitch_hz}: {}", level_db(&left));
                assert!((level_db(&right) + 30.0).abs() < 0.05, "{pitch_hz}");
            }
        }
    }

    #[test]
    fn each_part_is_squeezed_by_itself() {
        let mut multiband = Multiband::usual(vec![1_000.0]);
        multiband.bands[0].makeup_db = -6.0;
        multiband.bands[1].makeup_db = 6.0;
        let effect = Effect::Multiband(multiband);
        for (pitch_hz, expected) in [(50.0, -46.0), (15_000.0, -34.0)] {
            let [left, _] = heard(&effect, &[tone(pitch_hz, -40.0), tone(pitch_hz, -40.0)]);
            assert!((level_db(&left) - expected).abs() < 0.05, "{pitch_hz}: {}", level_db(&left));
        }
    }
}

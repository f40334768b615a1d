//! The true peak: how high the wave goes that a converter draws through the samples.
//!
//! Between every sample and the next, three more are reckoned, as ITU-R BS.1770 has it, by a
//! low-pass of [`TAPS`] samples for each, which is twice what it asks for. What lies between those
//! four is not seen, and little of what is near half the rate. Pure.

use std::f64::consts::PI;

/// Measures the true peaks of one side.
#[derive(Debug)]
pub(super) struct TruePeak {
    /// What counts of the sums and differences of two samples that are as far from the middle.
    taps: [Taps; TAPS / 2],
    /// The last samples, and then those that are measured.
    samples: [f32; TAPS - 1 + PART],
}

/// The low-passes of three places, of which the last is the first turned round and the middle one
/// is the same from both sides: so the first two halves of it are shared.
#[derive(Debug)]
struct Taps {
    /// Of the sum, in the first place and the last.
    outer: f32,
    /// Of the difference, in the first place; in the last it is taken off.
    slope: f32,
    /// Of the sum, in the middle.
    middle: f32,
}

impl TruePeak {
    pub(super) fn new() -> Self {
        let [first, middle] = [0.25, 0.5].map(phase);
        let taps = std::array::from_fn(|at| {
            let (before, after) = (first[at], first[TAPS - 1 - at]);
            let (outer, slope) = (0.5 * (before + after), 0.5 * (before - after));
            Taps { outer, slope, middle: middle[at] }
        });
        Self { taps, samples: [0.0; TAPS - 1 + PART] }
    }

    /// Raises each of `peaks` to the peak from one sample, which is [`LATENCY`] before, to the
    /// next; of up to [`PART`] `samples`.
    pub(super) fn measure(&mut self, samples: &[f32], peaks: &mut [f32]) {
        let length = samples.len();
        self.samples[TAPS - 1..TAPS - 1 + length].copy_from_slice(samples);
        for (peak, sample) in peaks.iter_mut().zip(&self.samples[TAPS / 2 - 1..]) {
            *peak = peak.max(sample.abs());
        }
        let rows = self.samples.windows(TAPS - 1 + ROW).step_by(ROW);
        for (peaks, samples) in peaks.chunks_mut(ROW).zip(rows) {
            // As many sums as a processor has room for at once.
            let [mut outer, mut slope, mut middle] = [[0.0_f32; ROW]; 3];
            for (at, taps) in self.taps.iter().enumerate() {
                let before = &samples[at..at + ROW];
                let after = &samples[TAPS - 1 - at..TAPS - 1 - at + ROW];
                for place in 0..ROW {
                    let sum = before[place] + after[place];
                    outer[place] += taps.outer * sum;
                    slope[place] += taps.slope * (before[place] - after[place]);
                    middle[place] += taps.middle * sum;
                }
            }
            for ((peak, outer), (slope, middle)) in
                peaks.iter_mut().zip(outer).zip(slope.into_iter().zip(middle))
            {
                let between = (outer.abs() + slope.abs()).max(middle.abs());
                *peak = peak.max(between);
            }
        }
        self.samples.copy_within(length..length + TAPS - 1, 0);
    }
}

/// The low-pass for a place between two samples: a windowed sinc, whose sum is 1.
fn phase(place: f64) -> [f32; TAPS] {
    let half = TAPS as f64 / 2.0;
    let taps: [f64; TAPS] = std::array::from_fn(|at| {
        let from = at as f64 - (half - 1.0) - place;
        let sinc = if from == 0.0 { 1.0 } else { (PI * from).sin() / (PI * from) };
        // Of the windows that were tried, this one sees most of what is above 20 kHz.
        sinc * (PI * from / (2.0 * half + 1.0)).cos().sqrt()
    });
    let sum: f64 = taps.iter().sum();
    taps.map(|tap| super::single(tap / sum))
}

/// Samples that one between them is reckoned from.
pub(super) const TAPS: usize = 24;
/// How many samples before the last the one is whose peak is known.
pub(super) const LATENCY: usize = TAPS / 2;
/// Samples that are measured at a time, at most.
pub(super) const PART: usize = 64;
/// Samples that are reckoned at once.
const ROW: usize = 16;

//! Predictors: what of a sample can be known from those before it.
//!
//! A *fixed* predictor goes on as a straight line or a curve would. A *linear* one weighs the last
//! eight samples at most, with weights (whole numbers, shifted) that suit the block best: they are
//! found from how alike the block is to itself some samples later (autocorrelation, Levinson and
//! Durbin), under a window that lets both ends fade.

use super::rice::Plan;

/// A predictor, with what it leaves over of its block.
pub(super) struct Predicted {
    pub(super) predictor: Predictor,
    /// What is over, without the first [`Predictor::order`] sample frames.
    pub(super) rest: Vec<i32>,
    pub(super) plan: Plan,
    /// How many bits it all will be, nearly.
    pub(super) bits: u64,
}

/// How samples are foretold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Predictor {
    /// By a curve of this order, from 0 to [`FIXED_ORDER_MAX`].
    Fixed(usize),
    /// By weights of [`precision`] bits, the first for the sample just before, whose sum is
    /// divided by two to the power of `shift`.
    Linear { weights: Vec<i32>, shift: u32, precision: u32 },
}

impl Predictor {
    /// How many samples have to be there before it can foretell one.
    pub(super) fn order(&self) -> usize {
        match self {
            Self::Fixed(order) => *order,
            Self::Linear { weights, .. } => weights.len(),
        }
    }

    /// What it leaves over of `samples`; `None` if that is too much for a number of 32 bits.
    fn rest(&self, samples: &[i32], bits: u32) -> Option<Vec<i32>> {
        match self {
            Self::Fixed(order) => {
                let mut rest = samples.to_vec();
                for _ in 0..*order {
                    rest = rest.windows(2).map(|pair| pair[1] - pair[0]).collect();
                }
                Some(rest)
            }
            Self::Linear { weights, shift, .. } => linear_rest(samples, weights, *shift, bits),
        }
    }

    /// How many bits it takes to describe it, with the samples that it needs first.
    fn own_bits(&self, sample_bits: u32) -> u64 {
        match self {
            Self::Fixed(order) => *order as u64 * u64::from(sample_bits),
            Self::Linear { weights, precision, .. } => {
                9 + weights.len() as u64 * u64::from(sample_bits + precision)
            }
        }
    }
}

/// Finds predictors; keeps the window of the last block's length.
#[derive(Default)]
pub(super) struct Prophet {
    window: Vec<f64>,
    windowed: Vec<f64>,
}

impl Prophet {
    /// The better of the predictors for `samples` of so many `bits`; `None` if none is of use.
    pub(super) fn predict(&mut self, samples: &[i32], bits: u32) -> Option<Predicted> {
        let with = |predictor: Predictor| {
            let rest = predictor.rest(samples, bits)?;
            let plan = Plan::new(&rest, predictor.order());
            let bits = plan.bits + predictor.own_bits(bits);
            Some(Predicted { predictor, rest, plan, bits })
        };
        let fixed = fixed_order(samples).and_then(|order| with(Predictor::Fixed(order)));
        let linear = self.linear(samples, bits).and_then(with);
        match (fixed, linear) {
            (Some(fixed), Some(linear)) if linear.bits < fixed.bits => Some(linear),
            (None, linear) => linear,
            (fixed, _) => fixed,
        }
    }

    fn linear(&mut self, samples: &[i32], bits: u32) -> Option<Predictor> {
        if samples.len() < SAMPLE_FRAMES_MIN {
            return None;
        }
        if self.window.len() != samples.len() {
            self.window = window(samples.len());
        }
        self.windowed.clear();
        let windowed = samples.iter().zip(&self.window).map(|(s, w)| f64::from(*s) * w);
        self.windowed.extend(windowed);
        self.windowed.extend([0.0; ORDER_MAX]);
        let alike = autocorrelation(&self.windowed);
        let precision = precision(bits);
        let weights = weights(&alike, samples.len(), bits + precision)?;
        quantised(&weights, precision)
    }
}

/// How many bits a weight has, for samples of so many `bits`.
fn precision(bits: u32) -> u32 {
    if bits <= NARROW_BITS_MAX { 12 } else { 14 }
}

/// A window that is flat in the middle half and fades like a cosine at both ends.
fn window(length: usize) -> Vec<f64> {
    let ramp = length / 4;
    let weight = |at: usize| {
        let from_end = at.min(length - 1 - at);
        if from_end >= ramp {
            return 1.0;
        }
        0.5 - 0.5 * (std::f64::consts::PI * (from_end as f64 + 0.5) / ramp as f64).cos()
    };
    (0..length).map(weight).collect()
}

/// How alike `padded`, which ends in [`ORDER_MAX`] zeros, is to itself so many samples later.
fn autocorrelation(padded: &[f64]) -> [f64; ORDER_MAX + 1] {
    let mut sums = [0.0; ORDER_MAX + 1];
    for later in padded.windows(ORDER_MAX + 1) {
        let later: &[f64; ORDER_MAX + 1] = later.try_into().expect("windows have this length");
        let now = later[0];
        for (sum, later) in sums.iter_mut().zip(later) {
            *sum += now * later;
        }
    }
    sums
}

/// The weights that leave least over, as many as are worth the `bits_each` they take; `None` for
/// silence.
fn weights(alike: &[f64; ORDER_MAX + 1], block: usize, bits_each: u32) -> Option<Vec<f64>> {
    let mut error = alike[0];
    if error <= 0.0 {
        return None;
    }
    let block = block as f64;
    let mut weights = Vec::with_capacity(ORDER_MAX);
    let mut best: Option<(f64, Vec<f64>)> = None;
    for order in 0..ORDER_MAX {
        let known: f64 =
            weights.iter().zip(alike[1..=order].iter().rev()).map(|(w, a)| w * a).sum();
        let reflection = (alike[order + 1] - known) / error;
        let turned: Vec<f64> = weights.iter().rev().map(|w| reflection * w).collect();
        for (weight, turned) in weights.iter_mut().zip(&turned) {
            *weight -= turned;
        }
        weights.push(reflection);
        error *= 1.0 - reflection * reflection;
        let each = (0.5 * (0.5 * error / block).log2()).max(0.0);
        let bits = each * (block - order as f64) + (order + 1) as f64 * f64::from(bits_each);
        if best.as_ref().is_none_or(|(least, _)| bits < *least) {
            best = Some((bits, weights.clone()));
        }
        if error <= 0.0 {
            break;
        }
    }
    best.map(|(_, weights)| weights)
}

/// `weights` as whole numbers of `precision` bits; `None` if they are too small or too large.
fn quantised(weights: &[f64], precision: u32) -> Option<Predictor> {
    let largest = weights.iter().fold(0.0_f64, |all, weight| all.max(weight.abs()));
    if !largest.is_finite() || largest <= 0.0 {
        return None;
    }
    let most = f64::from((1_i32 << (precision - 1)) - 1);
    let shift = (most / largest).log2().floor().clamp(0.0, f64::from(SHIFT_MAX));
    let scale = shift.exp2();
    let mut error = 0.0;
    let whole = weights.iter().map(|weight| {
        // What one is rounded off is made up by the next.
        let exact = weight * scale + error;
        let rounded = exact.round().clamp(-most - 1.0, most);
        error = exact - rounded;
        #[expect(clippy::cast_possible_truncation, reason = "whole, and clamped to 14 bits")]
        let whole = rounded as i32;
        whole
    });
    let weights: Vec<i32> = whole.collect();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole, from 0 to 15"
    )]
    let shift = shift as u32;
    Some(Predictor::Linear { weights, shift, precision })
}

fn linear_rest(samples: &[i32], weights: &[i32], shift: u32, bits: u32) -> Option<Vec<i32>> {
    match weights.len() {
        1 => weighed::<1>(samples, weights, shift, bits),
        2 => weighed::<2>(samples, weights, shift, bits),
        3 => weighed::<3>(samples, weights, shift, bits),
        4 => weighed::<4>(samples, weights, shift, bits),
        5 => weighed::<5>(samples, weights, shift, bits),
        6 => weighed::<6>(samples, weights, shift, bits),
        7 => weighed::<7>(samples, weights, shift, bits),
        8 => weighed::<8>(samples, weights, shift, bits),
        _ => None,
    }
}

/// What `N` weights leave over: with their number known, the compiler unrolls the sum.
fn weighed<const N: usize>(
    samples: &[i32],
    weights: &[i32],
    shift: u32,
    bits: u32,
) -> Option<Vec<i32>> {
    let mut weights: [i32; N] = weights.try_into().ok()?;
    weights.reverse();
    let pasts = samples.windows(N).zip(&samples[N..]);
    if bits <= NARROW_BITS_MAX {
        // 17 bits times 12 bits, eight times, fits in 32.
        let rest = pasts.map(|(past, now)| {
            let past: &[i32; N] = past.try_into().expect("windows have this length");
            let sum: i32 = past.iter().zip(&weights).map(|(past, weight)| past * weight).sum();
            now - (sum >> shift)
        });
        return Some(rest.collect());
    }
    let rest = pasts.map(|(past, now)| {
        let past: &[i32; N] = past.try_into().expect("windows have this length");
        let terms = past.iter().zip(&weights);
        let sum: i64 = terms.map(|(past, weight)| i64::from(*past) * i64::from(*weight)).sum();
        i32::try_from(i64::from(*now) - (sum >> shift)).ok().filter(|rest| *rest != i32::MIN)
    });
    rest.collect()
}

/// The order of the fixed predictor that leaves least over; `None` if the block is too short.
fn fixed_order(samples: &[i32]) -> Option<usize> {
    let sums = curve_sums(samples)?;
    (0..=FIXED_ORDER_MAX).min_by_key(|order| sums[*order])
}

/// What each fixed predictor leaves over of `samples`, without signs, behind the first few.
fn curve_sums(samples: &[i32]) -> Option<[u64; FIXED_ORDER_MAX + 1]> {
    if samples.len() <= FIXED_ORDER_MAX {
        return None;
    }
    let mut sums = [0; FIXED_ORDER_MAX + 1];
    for past in samples.windows(FIXED_ORDER_MAX + 1) {
        let &[a, b, c, d, e] = past else { return None };
        let (first, before) = (e - d, d - c);
        let (second, before_second) = (first - before, before - (c - b));
        let third = second - before_second;
        let fourth = third - (before_second - ((c - b) - (b - a)));
        for (sum, rest) in sums.iter_mut().zip([e, first, second, third, fourth]) {
            *sum += u64::from(rest.unsigned_abs());
        }
    }
    Some(sums)
}

/// How much the curve of second order leaves over of `samples`: a cheap measure of what they cost.
pub(super) fn roughness(samples: impl Iterator<Item = i32>) -> u64 {
    let (mut before, mut last, mut sum) = (0, 0, 0);
    for now in samples {
        sum += u64::from((now - 2 * last + before).unsigned_abs());
        (before, last) = (last, now);
    }
    sum
}

/// The order of the highest fixed predictor.
const FIXED_ORDER_MAX: usize = 4;
/// So many samples are weighed at most, as `flac -5` does.
const ORDER_MAX: usize = 8;
/// Blocks below this are not worth weights.
const SAMPLE_FRAMES_MIN: usize = 64;
/// Samples of more bits are summed up in 64: 16, and one more for the difference of two.
const NARROW_BITS_MAX: u32 = 17;
/// The format has room for this.
const SHIFT_MAX: u32 = 15;

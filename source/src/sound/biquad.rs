//! A biquad: the smallest filter that has a frequency, a width and a gain.
//!
//! The coefficients are those of Robert Bristow-Johnson's *Audio EQ Cookbook*. Samples go through
//! in the transposed direct form II in 64 bits, which is exact enough for low frequencies at any
//! rate and bears coefficients that move. Pure.

use std::f64::consts::TAU;

/// What a filter does to the spectrum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Only what is about its frequency passes.
    BandPass,
    /// What is above its frequency passes.
    HighPass,
    /// What is above its frequency is raised.
    HighShelf,
    /// What is below its frequency passes.
    LowPass,
    /// What is below its frequency is raised.
    LowShelf,
    /// What is about its frequency does not pass.
    Notch,
    /// What is about its frequency is raised.
    Peaking,
}

/// The coefficients of a filter, divided by the first of its feedback.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Coefficients {
    pub(super) b: [f64; 3],
    pub(super) a: [f64; 2],
}

/// A sample frame of two sides, while it is filtered.
pub(super) type Pair = [f64; 2];

/// What a filter remembers of the two sides.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Memory([Pair; 2]);

impl Shape {
    /// Every shape there is, as the configuration calls it.
    pub const ALL: [(&'static str, Self); 7] = [
        ("band-pass", Self::BandPass),
        ("high-pass", Self::HighPass),
        ("high-shelf", Self::HighShelf),
        ("low-pass", Self::LowPass),
        ("low-shelf", Self::LowShelf),
        ("notch", Self::Notch),
        ("peaking", Self::Peaking),
    ];

    /// Whether it raises or lowers something.
    pub fn has_gain(self) -> bool {
        match self {
            Self::HighShelf | Self::LowShelf | Self::Peaking => true,
            Self::BandPass | Self::HighPass | Self::LowPass | Self::Notch => false,
        }
    }
}

impl Coefficients {
    /// What changes nothing.
    const IDLE: Self = Self { b: [1.0, 0.0, 0.0], a: [0.0; 2] };

    /// A filter of this shape; a frequency that there is not at this rate counts as the highest
    /// there is.
    pub(super) fn new(shape: Shape, frequency_hz: f64, gain_db: f64, q: f64, rate_hz: u32) -> Self {
        let turn = (frequency_hz / f64::from(rate_hz)).min(TURN_MAX) * TAU;
        let (sin, cos) = turn.sin_cos();
        let alpha = sin / (2.0 * q);
        let root = 10.0_f64.powf(gain_db / 40.0);
        let shelf = 2.0 * root.sqrt() * alpha;
        let (plus, minus) = (root + 1.0, root - 1.0);
        let pass = [1.0 + alpha, -2.0 * cos, 1.0 - alpha];
        let (b, a) = match shape {
            Shape::BandPass => ([alpha, 0.0, -alpha], pass),
            Shape::HighPass => ([(1.0 + cos) / 2.0, -(1.0 + cos), (1.0 + cos) / 2.0], pass),
            Shape::HighShelf => (
                [
                    root * (plus + minus * cos + shelf),
                    -2.0 * root * (minus + plus * cos),
                    root * (plus + minus * cos - shelf),
                ],
                [
                    plus - minus * cos + shelf,
                    2.0 * (minus - plus * cos),
                    plus - minus * cos - shelf,
                ],
            ),
            Shape::LowPass => ([(1.0 - cos) / 2.0, 1.0 - cos, (1.0 - cos) / 2.0], pass),
            Shape::LowShelf => (
                [
                    root * (plus - minus * cos + shelf),
                    2.0 * root * (minus - plus * cos),
                    root * (plus - minus * cos - shelf),
                ],
                [
                    plus + minus * cos + shelf,
                    -2.0 * (minus + plus * cos),
                    plus + minus * cos - shelf,
                ],
            ),
            Shape::Notch => ([1.0, -2.0 * cos, 1.0], pass),
            Shape::Peaking => (
                [1.0 + alpha * root, -2.0 * cos, 1.0 - alpha * root],
                [1.0 + alpha / root, -2.0 * cos, 1.0 - alpha / root],
            ),
        };
        Self { b: b.map(|it| it / a[0]), a: [a[1] / a[0], a[2] / a[0]] }
    }

    /// Part of the way, from 0 to 1, from here to `other`.
    fn towards(&self, other: &Self, part: f64) -> Self {
        let mixed = |one: f64, other: f64| one + (other - one) * part;
        let (b, a) = (&self.b, &self.a);
        Self {
            b: std::array::from_fn(|at| mixed(b[at], other.b[at])),
            a: std::array::from_fn(|at| mixed(a[at], other.a[at])),
        }
    }
}

impl Memory {
    /// Whether there is nothing in it that could be heard.
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().flatten().all(|it| *it == 0.0)
    }

    /// Filters `frames` in place.
    pub(super) fn filter(&mut self, by: &Coefficients, frames: &mut [Pair]) {
        let Self([mut first, mut second]) = *self;
        for frame in frames {
            (*frame, first, second) = step(by, *frame, first, second);
        }
        self.keep(first, second);
    }

    /// Filters `frames` in place, while the coefficients go from one filter's to another's.
    pub(super) fn filter_moving(
        &mut self,
        from: &Coefficients,
        to: &Coefficients,
        frames: &mut [Pair],
    ) {
        let Self([mut first, mut second]) = *self;
        let length = f64::from(u32::try_from(frames.len()).unwrap_or(u32::MAX));
        for (at, frame) in (1_u32..).zip(frames) {
            let by = from.towards(to, f64::from(at) / length);
            (*frame, first, second) = step(&by, *frame, first, second);
        }
        self.keep(first, second);
    }

    /// Remembers, but for what could no longer be heard and would be dear to reckon with.
    fn keep(&mut self, first: Pair, second: Pair) {
        let heard = |it: f64| if it.abs() < MEMORY_MIN { 0.0 } else { it };
        *self = Self([first.map(heard), second.map(heard)]);
    }
}

/// Filters `frames` in place, by up to [`BANK_MAX`] filters one after the other. Frame by frame, so
/// that while one filter waits for its last sum the others have work.
pub(super) fn filter_all<'f>(
    filters: impl Iterator<Item = (&'f Coefficients, &'f mut Memory)>,
    frames: &mut [Pair],
) {
    let mut bank = [(Coefficients::IDLE, Memory::default()); BANK_MAX];
    let mut places: [Option<&mut Memory>; BANK_MAX] = [const { None }; BANK_MAX];
    let mut length = 0;
    for ((coefficients, memory), (filter, place)) in filters.zip(bank.iter_mut().zip(&mut places)) {
        *filter = (*coefficients, *memory);
        *place = Some(memory);
        length += 1;
    }
    let bank = &mut bank[..length];
    for frame in frames {
        for (by, Memory([first, second])) in &mut *bank {
            (*frame, *first, *second) = step(by, *frame, *first, *second);
        }
    }
    for ((_, Memory([first, second])), place) in bank.iter().zip(places.into_iter().flatten()) {
        place.keep(*first, *second);
    }
}

/// The next frame out, and what is remembered then.
fn step(by: &Coefficients, frame: Pair, first: Pair, second: Pair) -> (Pair, Pair, Pair) {
    let Coefficients { b: [b0, b1, b2], a: [a1, a2] } = *by;
    let out = [b0 * frame[0] + first[0], b0 * frame[1] + first[1]];
    let first = [b1 * frame[0] - a1 * out[0] + second[0], b1 * frame[1] - a1 * out[1] + second[1]];
    let second = [b2 * frame[0] - a2 * out[0], b2 * frame[1] - a2 * out[1]];
    (out, first, second)
}

/// Filters that go one after the other at a time.
pub const BANK_MAX: usize = 16;
/// The highest frequency of a filter, as part of the rate.
const TURN_MAX: f64 = 0.49;
/// What is remembered below this is nothing: 400 dB below full scale.
const MEMORY_MIN: f64 = 1e-20;

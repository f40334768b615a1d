//! `equalizer`: filters one after the other, each with a frequency, a width and perhaps a gain.
//!
//! When one is turned, its frequency, width and gain go over to the new ones step by step, and the
//! coefficients evenly within each step, so it is a filter of its shape all the way. Pure.

use super::biquad::{self, BANK_MAX, Coefficients, Memory, Pair, Shape};
use super::dial::{Dial, Unit};
use super::glide::Glide;
use super::{Effect, Stage, single};

/// The settings of an `equalizer`.
#[derive(Clone, Debug, PartialEq)]
pub struct Equalizer {
    /// Its filters, in their order.
    pub bands: Vec<Band>,
}

/// One filter.
#[derive(Clone, Debug, PartialEq)]
pub struct Band {
    /// What it does.
    pub shape: Shape,
    /// Where.
    pub frequency_hz: f64,
    /// How much, for shapes that have a gain.
    pub gain_db: f64,
    /// How narrow it is: its frequency by its width.
    pub q: f64,
}

/// The stage.
#[derive(Debug)]
pub(super) struct EqualizerStage {
    filters: Vec<Filter>,
}

#[derive(Debug)]
struct Filter {
    shape: Shape,
    rate_hz: u32,
    /// As octaves above 1 Hz, so that it goes as the ear hears it.
    frequency: Glide,
    gain_db: Glide,
    /// As powers of two.
    q: Glide,
    coefficients: Coefficients,
    memory: Memory,
}

impl Equalizer {
    /// Eight filters an octave apart, as slides on a front have it, which raise by so much.
    pub fn slides(gains_db: [f64; 8]) -> Self {
        let bands = SLIDES_HZ.into_iter().zip(gains_db).map(|(frequency_hz, gain_db)| Band {
            shape: Shape::Peaking,
            frequency_hz,
            gain_db,
            q: SLIDE_Q,
        });
        Self { bands: bands.collect() }
    }

    /// The parameters of all its bands.
    pub fn dials(&mut self) -> Vec<Dial<'_>> {
        let bands = self.bands.iter_mut().zip(1..);
        bands.flat_map(|(band, number)| band.dials(number)).collect()
    }

    pub(super) fn stage(&self, rate_hz: u32) -> EqualizerStage {
        let filters = self.bands.iter().map(|band| Filter::new(band, rate_hz));
        EqualizerStage { filters: filters.collect() }
    }
}

impl Default for Equalizer {
    fn default() -> Self {
        Self::slides([0.0; 8])
    }
}

impl Band {
    /// A filter of this shape, as is usual.
    pub fn usual(shape: Shape) -> Self {
        Self { shape, frequency_hz: 1_000.0, gain_db: 0.0, q: std::f64::consts::FRAC_1_SQRT_2 }
    }

    /// Its parameters, as the band of this `number`.
    pub fn dials(&mut self, number: usize) -> Vec<Dial<'_>> {
        let mut dials = vec![
            Dial::new("frequency", Unit::Hertz, (10.0, 22_000.0), &mut self.frequency_hz),
            Dial::new("q", Unit::Number, (0.1, 20.0), &mut self.q),
        ];
        if self.shape.has_gain() {
            dials.push(Dial::new("gain_db", Unit::Decibels, (-24.0, 24.0), &mut self.gain_db));
        }
        dials.into_iter().map(|dial| dial.of_band(number)).collect()
    }
}

impl Filter {
    fn new(band: &Band, rate_hz: u32) -> Self {
        let Band { shape, frequency_hz, gain_db, q } = *band;
        Self {
            shape,
            rate_hz,
            frequency: Glide::new(frequency_hz.log2(), rate_hz),
            gain_db: Glide::new(gain_db, rate_hz),
            q: Glide::new(q.log2(), rate_hz),
            coefficients: Coefficients::new(shape, frequency_hz, gain_db, q, rate_hz),
            memory: Memory::default(),
        }
    }

    fn go(&mut self, band: &Band) {
        self.frequency.go(band.frequency_hz.log2());
        self.gain_db.go(band.gain_db);
        self.q.go(band.q.log2());
    }

    fn is_moving(&self) -> bool {
        self.frequency.is_moving() || self.gain_db.is_moving() || self.q.is_moving()
    }

    /// Whether what goes in comes out as it is.
    fn is_idle(&self) -> bool {
        self.shape.has_gain() && self.gain_db.now() == 0.0 && self.memory.is_empty()
    }

    fn process(&mut self, frames: &mut [Pair]) {
        if self.is_moving() {
            let passed = u32::try_from(frames.len()).unwrap_or(u32::MAX);
            let frequency_hz = self.frequency.skip(passed).exp2();
            let (gain_db, q) = (self.gain_db.skip(passed), self.q.skip(passed).exp2());
            let to = Coefficients::new(self.shape, frequency_hz, gain_db, q, self.rate_hz);
            self.memory.filter_moving(&self.coefficients, &to, frames);
            self.coefficients = to;
        } else if !self.is_idle() {
            self.memory.filter(&self.coefficients, frames);
        }
    }
}

impl Stage for EqualizerStage {
    fn process(&mut self, left: &mut [f32], right: &mut [f32]) {
        let mut frames = [Pair::default(); STEP];
        for (left, right) in left.chunks_mut(STEP).zip(right.chunks_mut(STEP)) {
            let frames = &mut frames[..left.len()];
            for (frame, (left, right)) in frames.iter_mut().zip(left.iter().zip(right.iter())) {
                *frame = [f64::from(*left), f64::from(*right)];
            }
            if self.filters.iter().any(Filter::is_moving) {
                self.filters.iter_mut().for_each(|filter| filter.process(frames));
            } else {
                let resting = |filter: &&mut Filter| !filter.is_idle();
                let filters = self.filters.iter_mut().filter(resting);
                biquad::filter_all(filters.map(|it| (&it.coefficients, &mut it.memory)), frames);
            }
            for (frame, (left, right)) in frames.iter().zip(left.iter_mut().zip(right)) {
                (*left, *right) = (single(frame[0]), single(frame[1]));
            }
        }
    }

    fn take_over(&mut self, effect: &Effect) {
        let Effect::Equalizer(equalizer) = effect else { return };
        for (filter, band) in self.filters.iter_mut().zip(&equalizer.bands) {
            filter.go(band);
        }
    }
}

/// Bands of an equalizer.
pub const BANDS_MAX: usize = BANK_MAX;
/// Sample frames that are filtered at a time, and in which a filter moves by a step.
const STEP: usize = 32;
/// The middles of the eight slides.
const SLIDES_HZ: [f64; 8] = [63.0, 125.0, 250.0, 500.0, 1_000.0, 2_000.0, 4_000.0, 8_000.0];
/// A slide is an octave wide.
const SLIDE_Q: f64 = std::f64::consts::SQRT_2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sound::listening::{RATE_HZ, heard, level_db, step_max, through, tone};
    use std::f64::consts::PI;

    #[test]
    fn each_shape_passes_what_its_analogue_does() {
        for (_, shape) in Shape::ALL {
            for (frequency_hz, gain_db, q) in [(100.0, 9.0, 0.7), (3_000.0, -12.0, 2.0)] {
                let band = Band { shape, frequency_hz, gain_db, q };
                let effect = Effect::Equalizer(Equalizer { bands: vec![band.clone()] });
                for pitch_hz in [31.0, 70.0, 100.0, 440.0, 2_500.0, 3_000.0, 9_000.0, 17_000.0] {
                    let expected = analogue_db(&band, pitch_hz);
                    if expected < -60.0 {
                        continue;
                    }
                    let [left, right] =
                        heard(&effect, &[tone(pitch_hz, -20.0), tone(pitch_hz, -30.0)]);
                    let (left, right) = (level_db(&left) + 20.0, level_db(&right) + 30.0);
                    assert!(
                        (left - expected).abs() < 0.1,
                        "{band:?} at {pitch_hz}: {left} {expected}"
                    );
                    assert!((right - expected).abs() < 0.1, "{band:?} at {pitch_hz}: {right}");
                }
            }
        }
    }

    #[test]
    fn a_notch_lets_nothing_of_its_frequency_pass() {
        let band = Band { frequency_hz: 1_000.0, q: 2.0, ..Band::usual(Shape::Notch) };
        let effect = Effect::Equalizer(Equalizer { bands: vec![band] });

        let [left, _] = heard(&effect, &[tone(1_000.0, 0.0), tone(1_000.0, 0.0)]);

        assert!(level_db(&left) < -100.0, "{}", level_db(&left));
    }

    #[test]
    fn level_slides_change_no_bit() {
        let sound = tone(440.0, -3.0);

        let [left, _] =
            heard(&Effect::Equalizer(Equalizer::default()), &[sound.clone(), sound.clone()]);

        assert!(left == sound, "it is not as it was");
    }

    #[test]
    fn slides_raise_their_octave_and_leave_what_is_far() {
        let effect = Effect::Equalizer(Equalizer::slides([0.0, 0.0, 0.0, 0.0, 6.0, 0.0, 0.0, 0.0]));
        for (pitch_hz, expected) in [(1_000.0, 6.0), (63.0, 0.0), (12_000.0, 0.0)] {
            let [left, _] = heard(&effect, &[tone(pitch_hz, -20.0), tone(pitch_hz, -20.0)]);
            assert!((level_db(&left) + 20.0 - expected).abs() < 0.1, "{pitch_hz}");
        }
    }

    #[test]
    fn a_change_while_it_sounds_makes_no_click() {
        let band = |gain_db, frequency_hz| {
            let band = Band { frequency_hz, gain_db, ..Band::usual(Shape::LowShelf) };
            Effect::Equalizer(Equalizer { bands: vec![band] })
        };
        let mut stage = band(0.0, 100.0).stage(RATE_HZ).unwrap();
        let sound = tone(100.0, -24.0);
        through(&mut *stage, &[sound.clone(), sound.clone()]);
        let mut steps = 0.0_f32;

        for part in 0..40 {
            let (gain_db, frequency_hz) =
                if part % 2 == 0 { (24.0, 2_000.0) } else { (-24.0, 30.0) };
            stage.take_over(&band(gain_db, frequency_hz));
            let [left, _] =
                through(&mut *stage, &[sound[..4_410].to_vec(), sound[..4_410].to_vec()]);
            steps = steps.max(step_max(&left));
        }

        // A sine of 100 Hz at full scale has steps of a seventieth, and the level goes by 48 dB in
        // 1323 sample frames, which is less than 0.5 % of it each.
        assert!(steps < 1.0 / 70.0 + 0.006, "{steps}");
    }

    /// What the filter that the band is made after would do to a sine.
    fn analogue_db(band: &Band, pitch_hz: f64) -> f64 {
        let warped = |hz: f64| (PI * hz / f64::from(RATE_HZ)).tan();
        let turn = warped(pitch_hz) / warped(band.frequency_hz);
        let (a, q) = (10.0_f64.powf(band.gain_db / 40.0), band.q);
        let root = a.sqrt();
        // Powers of s with s = j * turn: real and imaginary part.
        let of = |two: f64, one: f64, none: f64| ((none - two * turn * turn), one * turn);
        let (above, below) = match band.shape {
            Shape::BandPass => (of(0.0, 1.0 / q, 0.0), of(1.0, 1.0 / q, 1.0)),
            Shape::HighPass => (of(1.0, 0.0, 0.0), of(1.0, 1.0 / q, 1.0)),
            Shape::HighShelf => (of(a * a, a * root / q, a), of(1.0, root / q, a)),
            Shape::LowPass => (of(0.0, 0.0, 1.0), of(1.0, 1.0 / q, 1.0)),
            Shape::LowShelf => (of(a, a * root / q, a * a), of(a, root / q, 1.0)),
            Shape::Notch => (of(1.0, 0.0, 1.0), of(1.0, 1.0 / q, 1.0)),
            Shape::Peaking => (of(1.0, a / q, 1.0), of(1.0, 1.0 / (a * q), 1.0)),
        };
        20.0 * (above.0.hypot(above.1) / below.0.hypot(below.1)).log10()
    }
}

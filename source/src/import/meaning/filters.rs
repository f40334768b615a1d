//! Filters of a script, as bands of an equalizer of ours.

use super::inserts::{Making, amplitude, db};
use crate::sound::Effect;
use crate::sound::biquad::Shape;
use crate::sound::equalizer::{BANDS_MAX, Band, Equalizer};

impl Making<'_> {
    /// One of the filters; says whether it is one that is known.
    pub(super) fn filter(&mut self) -> bool {
        let shape = match self.callee {
            "filter" => match self.mode() {
                Some(shape) => shape,
                None => return true,
            },
            "filter.iir.eq.bandpass" => Shape::BandPass,
            "filter.iir.eq.high" | "mic_filter" => Shape::HighPass,
            "filter.iir.eq.highshelf" => Shape::HighShelf,
            "filter.iir.eq.low" => Shape::LowPass,
            "filter.iir.eq.low_high" => {
                self.low_high();
                return true;
            }
            "filter.iir.eq.lowshelf" => Shape::LowShelf,
            "filter.iir.eq.notch" => Shape::Notch,
            "filter.iir.eq.peak" => Shape::Peaking,
            "filter.iir.butterworth.high" => {
                self.butterworth(Shape::HighPass);
                return true;
            }
            "filter.iir.butterworth.low" => {
                self.butterworth(Shape::LowPass);
                return true;
            }
            _ => return false,
        };
        let key = if self.callee == "filter" { "freq" } else { "frequency" };
        let usual_hz = if self.callee == "mic_filter" { 200.0 } else { 1_000.0 };
        let frequency_hz = self.number(key, usual_hz, "frequency");
        let is_shelf = matches!(shape, Shape::HighShelf | Shape::LowShelf);
        if is_shelf && self.given.named("gain").is_none() {
            // Liquidsoap 2.1.3 has no gain for them, and what it does instead is no shelf.
            self.left.push(format!("{}: how much it raises is not said", self.callee));
            self.known.extend(["frequency", "slope"]);
            self.turned.clear();
            return true;
        }
        let gain_db = if shape.has_gain() { self.number("gain", 1.0, "gain_db") } else { 0.0 };
        let q = match shape {
            Shape::HighShelf | Shape::LowShelf => {
                let slope = self.number("slope", 1.0, "q");
                q_of_slope(slope, gain_db)
            }
            Shape::BandPass | Shape::HighPass | Shape::LowPass | Shape::Notch | Shape::Peaking => {
                self.number("q", 1.0, "q")
            }
        };
        // The q of this one is how dull it is, and by how much what passes gets louder.
        let is_dull = matches!(self.callee, "filter" | "mic_filter");
        if is_dull {
            self.turned.retain(|turned| turned.key != "q");
        }
        let band_q = if is_dull { 1.0 / q } else { q };
        let bands = vec![Band { shape, frequency_hz, gain_db, q: band_q }];
        self.push(Effect::Equalizer(Equalizer { bands }));
        if is_dull && shape != Shape::BandPass {
            self.gain(db(q));
        }
        true
    }

    /// The shape of a `filter`.
    fn mode(&mut self) -> Option<Shape> {
        self.known.push("mode");
        self.expect("wetness", 1.0, "all of the sound is filtered");
        let shape = match self.given.text("mode") {
            Some("band") => Some(Shape::BandPass),
            Some("high") => Some(Shape::HighPass),
            Some("low") => Some(Shape::LowPass),
            Some("notch") => Some(Shape::Notch),
            Some(_) | None => None,
        };
        if shape.is_none() {
            self.left.push("filter: its mode".to_owned());
        }
        shape
    }

    /// What is between two frequencies.
    fn low_high(&mut self) {
        let q = self.number("q", 1.0, "q");
        self.turned.clear(); // it is that of two filters
        for (key, shape) in [("high", Shape::LowPass), ("low", Shape::HighPass)] {
            let frequency_hz = self.number(key, 0.0, "frequency");
            if frequency_hz > 0.0 && frequency_hz.is_finite() {
                let bands = vec![Band { shape, frequency_hz, gain_db: 0.0, q }];
                self.push(Effect::Equalizer(Equalizer { bands }));
            }
        }
    }

    /// A filter of a higher order: several, each narrower than the one before.
    fn butterworth(&mut self, shape: Shape) {
        let frequency_hz = self.number("frequency", 1_000.0, "frequency");
        let order = self.number("order", 4.0, "");
        self.turned.clear();
        let filters = (1..=BANDS_MAX).find(|filters| as_float(2 * filters) == order);
        let Some(filters) = filters else {
            return self.left.push(format!("{}: an order of {order}", self.callee));
        };
        let angle = |filter: usize| std::f64::consts::PI * as_float(2 * filter + 1) / order / 2.0;
        let bands = (0..filters).map(|filter| {
            let q = 0.5 / angle(filter).cos();
            Band { shape, frequency_hz, gain_db: 0.0, q }
        });
        self.push(Effect::Equalizer(Equalizer { bands: bands.collect() }));
    }
}

/// The Q of a shelf that is so steep.
fn q_of_slope(slope: f64, gain_db: f64) -> f64 {
    let root = amplitude(gain_db / 2.0);
    1.0 / ((root + 1.0 / root) * (1.0 / slope - 1.0) + 2.0).sqrt()
}

fn as_float(number: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a filter has few parts")]
    let float = number as f64;
    float
}

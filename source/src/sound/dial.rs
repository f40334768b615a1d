//! Dials: the parameters of an effect, each with its name, its unit and how far it can be turned.
//!
//! One list of them serves everybody: who reads the configuration, who tells what the parameters
//! are, and who changes one while it sounds. Pure.

use common::units::parse_duration;
use std::fmt;

/// A parameter of an effect, and its value.
#[derive(Debug)]
pub struct Dial<'e> {
    /// The band that it belongs to, from 1, in an effect that has bands.
    pub band: Option<usize>,
    /// What it is called; a unit that would not be clear is its end: `gain_db`.
    pub key: &'static str,
    /// What its value counts.
    pub unit: Unit,
    /// The least value.
    pub least: f64,
    /// The largest value.
    pub most: f64,
    /// The value.
    pub value: &'e mut f64,
}

/// What a value counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Decibels.
    Decibels,
    /// Turns per second, which may be written `1.5kHz`.
    Hertz,
    /// A part or a ratio.
    Number,
    /// Seconds, which may be written `250ms`.
    Seconds,
    /// 1 is on and 0 is off, which are written `true` and `false`.
    Switch,
}

/// Why a dial cannot be turned to where somebody wants it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum OffScale {
    /// It does not go so far.
    #[error("{value} is not from {least} to {most}{unit}")]
    Beyond {
        /// What was wanted.
        value: f64,
        /// The least that can be.
        least: f64,
        /// The most that can be.
        most: f64,
        /// The unit of all three, with a blank before it.
        unit: &'static str,
    },
    /// It is none of its values at all.
    #[error("`{text}` is not {wanted}")]
    Senseless {
        /// What was wanted.
        text: String,
        /// What would do.
        wanted: &'static str,
    },
}

impl<'e> Dial<'e> {
    /// A dial of an effect's own, from `least` to `most`.
    pub fn new(
        key: &'static str,
        unit: Unit,
        (least, most): (f64, f64),
        value: &'e mut f64,
    ) -> Self {
        Self { band: None, key, unit, least, most, value }
    }

    /// A switch of an effect's own.
    pub(super) fn switch(key: &'static str, value: &'e mut f64) -> Self {
        Self::new(key, Unit::Switch, (0.0, 1.0), value)
    }

    /// The same as one of the band of this number, from 1.
    #[must_use]
    pub(super) fn of_band(self, band: usize) -> Self {
        Self { band: Some(band), ..self }
    }

    /// What it is called within its effect: `gain_db`, or `2.gain_db` in a second band.
    pub fn name(&self) -> String {
        self.band.map_or_else(|| self.key.to_owned(), |band| format!("{band}.{}", self.key))
    }

    /// Whether it stands where it can be turned to.
    pub fn is_on_scale(&self) -> bool {
        (self.least..=self.most).contains(self.value)
    }

    /// Turns it to `value`.
    ///
    /// Fails, and leaves it where it was, if it does not go so far.
    pub fn turn(&mut self, value: f64) -> Result<(), OffScale> {
        // Written so that what is not a number counts as beyond.
        if !(self.least..=self.most).contains(&value) {
            let (least, most, unit) = (self.least, self.most, self.unit.shown());
            return Err(OffScale::Beyond { value, least, most, unit });
        }
        *self.value = value;
        Ok(())
    }
}

impl Unit {
    /// The value that `text` says.
    ///
    /// Fails if it says none.
    pub fn read(self, text: &str) -> Result<f64, OffScale> {
        let text = text.trim();
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|it| it.is_finite());
        let value = match self {
            Self::Decibels => number(strip(text, "db")),
            Self::Hertz => {
                let bare = strip(text, "hz");
                let kilo = strip(bare, "k");
                number(kilo).map(|it| if kilo.len() < bare.len() { it * 1_000.0 } else { it })
            }
            Self::Number => number(text),
            Self::Seconds => {
                number(text).or_else(|| Some(parse_duration(text).ok()?.as_secs_f64()))
            }
            Self::Switch => match text {
                "true" | "on" | "1" => Some(1.0),
                "false" | "off" | "0" => Some(0.0),
                _ => None,
            },
        };
        value.ok_or_else(|| OffScale::Senseless { text: text.to_owned(), wanted: self.wanted() })
    }

    /// How it is shown behind a number.
    pub fn shown(self) -> &'static str {
        match self {
            Self::Decibels => " dB",
            Self::Hertz => " Hz",
            Self::Number | Self::Switch => "",
            Self::Seconds => " s",
        }
    }

    /// What has a value of it.
    pub fn wanted(self) -> &'static str {
        match self {
            Self::Decibels => "a number of decibels such as -3.5",
            Self::Hertz => "a frequency such as 100 or \"1.5kHz\"",
            Self::Number => "a number such as 0.7",
            Self::Seconds => "a duration such as 0.5 (seconds) or \"250ms\"",
            Self::Switch => "true or false",
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Decibels => "decibels",
            Self::Hertz => "hertz",
            Self::Number => "number",
            Self::Seconds => "seconds",
            Self::Switch => "switch",
        })
    }
}

/// `text` without `end`, in capitals or not, if it ends so.
fn strip<'t>(text: &'t str, end: &str) -> &'t str {
    let (front, back) =
        text.split_at_checked(text.len().wrapping_sub(end.len())).unwrap_or((text, ""));
    if back.eq_ignore_ascii_case(end) { front.trim_end() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_are_read_with_their_units() {
        for (unit, text, value) in [
            (Unit::Decibels, "-3.5", -3.5),
            (Unit::Decibels, "6 dB", 6.0),
            (Unit::Hertz, "100", 100.0),
            (Unit::Hertz, "100Hz", 100.0),
            (Unit::Hertz, "1.5 kHz", 1_500.0),
            (Unit::Hertz, "2k", 2_000.0),
            (Unit::Number, " 0.7 ", 0.7),
            (Unit::Seconds, "0.25", 0.25),
            (Unit::Seconds, "250ms", 0.25),
            (Unit::Switch, "true", 1.0),
            (Unit::Switch, "off", 0.0),
        ] {
            assert_eq!(unit.read(text), Ok(value), "{text}");
        }
    }

    #[test]
    fn what_is_no_value_is_refused_with_what_would_do() {
        for (unit, text) in [
            (Unit::Decibels, "loud"),
            (Unit::Hertz, "NaN"),
            (Unit::Number, "inf"),
            (Unit::Seconds, "-1 ms"),
            (Unit::Switch, "2"),
        ] {
            let refusal = unit.read(text).unwrap_err().to_string();
            assert_eq!(refusal, format!("`{text}` is not {}", unit.wanted()));
        }
    }

    #[test]
    fn a_dial_is_not_turned_beyond_its_scale() {
        let mut value = 1.0;
        let mut dial = Dial::new("gain_db", Unit::Decibels, (-6.0, 6.0), &mut value);

        assert_eq!(dial.turn(6.0), Ok(()));
        let refusal = dial.turn(6.5).unwrap_err().to_string();
        assert_eq!(refusal, "6.5 is not from -6 to 6 dB");
        assert!(dial.turn(f64::NAN).is_err());
        assert_eq!(value, 6.0);
    }

    proptest! {
        #[test]
        fn any_text_is_a_finite_value_or_none(text in ".{0,12}") {
            for unit in [Unit::Decibels, Unit::Hertz, Unit::Number, Unit::Seconds, Unit::Switch] {
                prop_assert!(unit.read(&text).unwrap_or_default().is_finite());
            }
        }
    }
}

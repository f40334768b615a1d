//! Byte sizes and durations, with the text forms that an operator writes.
//!
//! A size is a number of bytes, or a number with `B`, `KB`, `KiB`, `MB`, `MiB`, `GB` or `GiB`; a
//! single `k`, `m` or `g` counts in powers of 1 024, as people mean it. A duration is a number of
//! seconds, or a number with `ms`, `s`, `m`, `h` or `d`. A blank before the unit is allowed.

use std::fmt;
use std::time::Duration;

/// Why a text is not a quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {wanted}")]
pub struct NotAQuantity {
    text: String,
    wanted: &'static str,
}

/// The bytes that `text` names: `65536`, `64KiB`, `0.5 MiB`.
pub fn parse_bytes(text: &str) -> Result<u64, NotAQuantity> {
    let fault = || NotAQuantity { text: text.to_owned(), wanted: SIZE_WANTED };
    let (number, unit) = split(text).ok_or_else(fault)?;
    let unit_bytes: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "k" | "kib" => 1 << 10,
        "mb" => 1_000_000,
        "m" | "mib" => 1 << 20,
        "gb" => 1_000_000_000,
        "g" | "gib" => 1 << 30,
        _ => return Err(fault()),
    };
    scaled(number, unit_bytes).ok_or_else(fault)
}

/// The duration that `text` names: `10`, `10s`, `250ms`, `1.5 h`.
pub fn parse_duration(text: &str) -> Result<Duration, NotAQuantity> {
    let fault = || NotAQuantity { text: text.to_owned(), wanted: DURATION_WANTED };
    let (number, unit) = split(text).ok_or_else(fault)?;
    let unit_us: u64 = match unit.to_ascii_lowercase().as_str() {
        "ms" => 1_000,
        "" | "s" => 1_000_000,
        "m" | "min" => 60_000_000,
        "h" => 3_600_000_000,
        "d" => 86_400_000_000,
        _ => return Err(fault()),
    };
    scaled(number, unit_us).map(Duration::from_micros).ok_or_else(fault)
}

/// Shows a number of bytes in the largest unit that keeps it exact or readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            size if size >= 1 << 20 && size % (1 << 20) == 0 => write!(f, "{} MiB", size >> 20),
            size if size >= 1 << 10 && size % (1 << 10) == 0 => write!(f, "{} KiB", size >> 10),
            size => write!(f, "{size} bytes"),
        }
    }
}

fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (!number.is_empty()).then_some((number, unit.trim_start()))
}

/// `number` (digits, at most one point) times `unit`, exact for whole numbers.
fn scaled(number: &str, unit: u64) -> Option<u64> {
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(unit);
    }
    let (whole, fraction) = number.split_once('.')?;
    let whole = if whole.is_empty() { 0 } else { whole.parse::<u64>().ok()? };
    let digits = u32::try_from(fraction.len()).ok().filter(|&digits| digits <= 9)?;
    let fraction = if fraction.is_empty() { 0 } else { fraction.parse::<u64>().ok()? };
    let part = u128::from(fraction) * u128::from(unit) / 10_u128.pow(digits);
    whole.checked_mul(unit)?.checked_add(u64::try_from(part).ok()?)
}

const SIZE_WANTED: &str = "a size such as 65536, 64KiB or 1MiB";
const DURATION_WANTED: &str = "a duration such as 10s, 250ms or 1h";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_bytes_and_with_units() {
        for (text, bytes) in [
            ("0", 0),
            ("65536", 65_536),
            ("64KiB", 65_536),
            ("64 kb", 64_000),
            ("64k", 65_536),
            ("0.5MiB", 524_288),
            ("1g", 1 << 30),
        ] {
            assert_eq!(parse_bytes(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn durations_are_read_in_seconds_and_with_units() {
        for (text, ms) in [("10", 10_000), ("250ms", 250), ("1.5 s", 1_500), ("2m", 120_000)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
    }

    #[test]
    fn what_is_no_quantity_is_named_with_what_would_do() {
        for text in ["", "KiB", "-1", "1.2.3k", "10 parsecs", "99999999999g", "1.0000000001k"] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
        let error = parse_duration("soon").unwrap_err();
        assert_eq!(error.to_string(), "`soon` is not a duration such as 10s, 250ms or 1h");
    }
}

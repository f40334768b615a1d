//! Numbers and flags as Icecast reads them: C's `atoi`, which stops at the first odd character.
//!
//! So ` 1 ` is 1, `1M` is 1, and `yes` is 0. This module reads so, tells whether the text was a
//! plain number, and guesses what its writer meant. It knows no element.

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes of a stream.
    Bytes,
    /// Listeners, ports, levels.
    Count,
    /// Seconds.
    Seconds,
}

impl Unit {
    /// `value` with its unit.
    pub(super) fn of(self, value: i32) -> String {
        let plural = if value == 1 { "" } else { "s" };
        match self {
            Self::Bytes => format!("{value} byte{plural}"),
            Self::Count => value.to_string(),
            Self::Seconds => format!("{value} second{plural}"),
        }
    }
}

/// A text read as `atoi` reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Atoi {
    /// The number at the start of the text, or 0. What exceeds 32 bits is the nearest in them.
    pub(super) value: i32,
    /// Whether the whole text was that number.
    pub(super) plain: bool,
}

/// The number at the start of `text`.
pub(super) fn atoi(text: &str) -> Atoi {
    let text = text.trim_matches(blank);
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let end = digits.bytes().take_while(u8::is_ascii_digit).count();
    let mut wide = 0_i64;
    for digit in digits.bytes().take(end) {
        wide = wide.saturating_mul(10).saturating_add(i64::from(digit - b'0'));
    }
    let wide = if negative { -wide } else { wide };
    let nearest = if negative { i32::MIN } else { i32::MAX };
    let value = i32::try_from(wide);
    Atoi { value: value.unwrap_or(nearest), plain: end > 0 && end == digits.len() && value.is_ok() }
}

/// What the writer of a number with a suffix meant, where that can be guessed: `1M` of bytes are
/// 1048576, `2min` are 120 seconds.
pub(super) fn meant(text: &str, unit: Unit) -> Option<i64> {
    let text = text.trim();
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    let number: i64 = text.get(..end)?.parse().ok()?;
    let suffix = text.get(end..)?.trim().to_ascii_lowercase();
    let factor = match (unit, suffix.as_str()) {
        (Unit::Bytes, "b" | "byte" | "bytes") | (Unit::Seconds, "s" | "sec" | "seconds") => 1,
        (Unit::Bytes, "k" | "kb" | "kib") => 1 << 10,
        (Unit::Bytes, "m" | "mb" | "mib") => 1 << 20,
        (Unit::Seconds, "m" | "min" | "minutes") => 60,
        (Unit::Seconds, "h" | "hours") => 3_600,
        _ => return None,
    };
    number.checked_mul(factor).filter(|meant| *meant <= i64::from(i32::MAX))
}

/// A word that says yes or no, as Icecast 2.5 reads it.
pub(super) fn word(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" => Some(true),
        "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// What C calls a blank.
fn blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_ends_where_its_digits_end() {
        for (text, value, plain) in [
            ("5", 5, true),
            (" 1 \n", 1, true),
            ("-1", -1, true),
            ("+3", 3, true),
            ("1M", 1, false),
            ("30s", 30, false),
            ("yes", 0, false),
            ("", 0, false),
            ("-", 0, false),
            ("1 2", 1, false),
            ("2147483647", i32::MAX, true),
            ("2147483648", i32::MAX, false),
            ("-99999999999999999999", i32::MIN, false),
        ] {
            assert_eq!(atoi(text), Atoi { value, plain }, "{text:?}");
        }
    }

    #[test]
    fn a_suffix_tells_what_was_meant() {
        assert_eq!(meant("1M", Unit::Bytes), Some(1_048_576));
        assert_eq!(meant("64 KiB", Unit::Bytes), Some(65_536));
        assert_eq!(meant("2min", Unit::Seconds), Some(120));
        assert_eq!(meant("1M", Unit::Count), None);
        assert_eq!(meant("many", Unit::Bytes), None);
        assert_eq!(meant("4096M", Unit::Bytes), None);
    }
}

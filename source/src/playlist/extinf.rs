//! `#EXTINF:duration,title`: what an M3U list says about its next file.
//!
//! The duration is `-1` for "unknown", seconds with or without decimals, `mm:ss`, `h:mm:ss`, or
//! arithmetic with them: `(3*60)+45`. Attributes may stand between duration and comma, as IPTV
//! lists have them: `#EXTINF:-1 tvg-name="a, b",title`. Pure.

use crate::playlist::text::text;
use std::sync::Arc;
use std::time::Duration;

/// What the comment says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Extinf {
    /// `None` if it is empty.
    pub(crate) title: Option<Arc<str>>,
    /// `None` if it is unknown, or zero.
    pub(crate) length: Option<Duration>,
}

/// What `comment`, a line without its `#`, says, if it is such a comment.
pub(crate) fn parse(comment: &[u8]) -> Option<Extinf> {
    let (tag, rest) = comment.split_at_checked(TAG.len())?;
    if !tag.eq_ignore_ascii_case(TAG) {
        return None;
    }
    let mut quoted = false;
    let comma = rest.iter().position(|&byte| {
        quoted ^= byte == b'"';
        byte == b',' && !quoted
    });
    let (duration, title) = match comma {
        Some(comma) => (&rest[..comma], rest[comma + 1..].trim_ascii()),
        None => (rest, &rest[..0]),
    };
    let title = text(title);
    Some(Extinf {
        title: (!title.is_empty()).then(|| title.into()),
        length: seconds(duration)
            .filter(|&s| s > 0.0)
            .and_then(|s| Duration::try_from_secs_f64(s).ok()),
    })
}

/// The seconds that stand at the beginning of `text`, before any attributes.
fn seconds(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?;
    let end = text.find(|c: char| c.is_alphabetic() || c == '"').unwrap_or(text.len());
    let seconds = evaluate(text[..end].trim())?;
    (seconds.abs() <= SECONDS_MAX).then_some(seconds)
}

/// The value of `text`: numbers, `mm:ss`, `+ - * /` and parentheses, with the usual precedence.
/// `None` if it is not such an expression, or divides by zero.
pub fn evaluate(text: &str) -> Option<f64> {
    let mut sum = Sum { rest: text, depth: 0 };
    let value = sum.sum()?;
    (sum.peek().is_none() && value.is_finite()).then_some(value)
}

/// An expression that is being read.
struct Sum<'a> {
    rest: &'a str,
    depth: usize,
}

impl Sum<'_> {
    fn peek(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        self.rest.bytes().next()
    }

    fn sum(&mut self) -> Option<f64> {
        let mut value = self.product()?;
        loop {
            match self.peek() {
                Some(b'+') => value += self.after(Self::product)?,
                Some(b'-') => value -= self.after(Self::product)?,
                _ => return Some(value),
            }
        }
    }

    fn product(&mut self) -> Option<f64> {
        let mut value = self.factor()?;
        loop {
            match self.peek() {
                Some(b'*') => value *= self.after(Self::factor)?,
                Some(b'/') => value /= self.after(Self::factor)?,
                _ => return Some(value),
            }
        }
    }

    fn factor(&mut self) -> Option<f64> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        let value = match self.peek()? {
            b'-' => self.after(Self::factor).map(|value| -value),
            b'(' => {
                let value = self.after(Self::sum)?;
                (self.peek()? == b')').then(|| self.step())?;
                Some(value)
            }
            _ => self.number(),
        };
        self.depth -= 1;
        value
    }

    /// A number, or numbers divided by colons, of which each is worth sixty of the next.
    fn number(&mut self) -> Option<f64> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ':');
        let (digits, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        digits
            .split(':')
            .try_fold(0.0, |whole, part| Some(whole * 60.0 + part.parse::<f64>().ok()?))
    }

    fn after(&mut self, part: fn(&mut Self) -> Option<f64>) -> Option<f64> {
        self.step();
        part(self)
    }

    /// Passes over the character that was seen, which is ASCII.
    fn step(&mut self) {
        self.rest = &self.rest[1..];
    }
}

const TAG: &[u8] = b"EXTINF:";
/// Signs and parentheses may be nested this deep.
const DEPTH_MAX: usize = 64;
/// A longer duration, of about three years, is a mistake.
const SECONDS_MAX: f64 = 1e8;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_are_numbers_times_and_arithmetic() {
        for (text, expected) in [
            ("225", 225.0),
            ("-1", -1.0),
            ("180.5", 180.5),
            ("3:45", 225.0),
            ("1:02:03.5", 3_723.5),
            ("(3*60)+45", 225.0),
            ("4*60+30", 270.0),
            ("10-2-3", 5.0),
            ("7/2", 3.5),
            (" 2 * ( 1 + 2 ) ", 6.0),
            ("2*-3", -6.0),
        ] {
            assert_eq!(evaluate(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_not_an_expression_has_no_value() {
        for text in ["", "3-", "(1", "1)", "1/0", "1..2", ":", "1 2", "x", "--", "*3"] {
            assert_eq!(evaluate(text), None, "{text}");
        }
        assert_eq!(evaluate(&"(".repeat(100_000)), None);
        assert_eq!(evaluate(&"-".repeat(100_000)), None);
    }

    #[test]
    fn a_comment_gives_title_and_length_and_either_may_be_missing() {
        for (comment, title, length_s) in [
            ("EXTINF:370,Plaid - Eyen", Some("Plaid - Eyen"), Some(370.0)),
            ("EXTINF:-1,Brian Eno - Snow", Some("Brian Eno - Snow"), None),
            ("EXTINF:0,", None, None),
            ("extinf:(3*60)+45, One, Two ", Some("One, Two"), Some(225.0)),
            ("EXTINF:-1 tvg-name=\"a, b\",X", Some("X"), None),
            ("EXTINF:12 tvg-name=\"a, b\",X", Some("X"), Some(12.0)),
            ("EXTINF:12", None, Some(12.0)),
            ("EXTINF:what,X", Some("X"), None),
        ] {
            let read = parse(comment.as_bytes()).unwrap();

            assert_eq!(read.title.as_deref(), title, "{comment}");
            assert_eq!(read.length.map(|length| length.as_secs_f64()), length_s, "{comment}");
        }
        assert_eq!(parse(b"EXTGRP:x"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_evaluated_or_refused(text in "[-+*/().:0-9 \tx]{0,60}") {
            if let Some(value) = evaluate(&text) {
                prop_assert!(value.is_finite());
            }
        }

        #[test]
        fn any_bytes_may_stand_in_the_comment(
            bytes in proptest::collection::vec(any::<u8>(), 0..60),
        ) {
            prop_assert!(parse(&[TAG, &bytes].concat()).is_some());
        }
    }
}

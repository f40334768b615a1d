//! What a client wants of a file, by what it has of it: conditions and ranges (RFC 9110).
//!
//! Pure: it reads the head of a request and knows the file by its [`Edition`] only.

use common::http::head::RequestHead;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

/// A file as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edition {
    /// What no other edition is called, in quotes.
    pub(super) tag: String,
    /// When it was last changed, to the second.
    pub(super) modified: Timestamp,
    /// How long it is.
    pub(super) length_bytes: u64,
}

/// What a client wants of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// What lies beyond its end.
    Beyond,
    /// To hear that it has not changed.
    Nothing,
    /// The bytes from `from` to `to`, both of them too.
    Part { from: u64, to: u64 },
    /// All of it.
    Whole,
}

impl Wanted {
    /// Where to begin to send, and how many bytes; none where nothing is to be sent.
    pub(super) fn part(self, edition: &Edition) -> Option<(u64, u64)> {
        match self {
            Self::Beyond | Self::Nothing => None,
            Self::Part { from, to } => Some((from, to - from + 1)),
            Self::Whole => Some((0, edition.length_bytes)),
        }
    }
}

/// What the client that sent `request` wants of `edition`.
pub(super) fn wanted(request: &RequestHead, edition: &Edition) -> Wanted {
    let header = |name| request.headers.first(name);
    let unchanged = match (header("if-none-match"), header("if-modified-since")) {
        (Some(tags), _) => has_tag(tags, &edition.tag),
        (None, Some(date)) => date_of(date).is_some_and(|date| edition.modified <= date),
        (None, None) => false,
    };
    if unchanged {
        return Wanted::Nothing;
    }
    // A part is of use only to who has the rest of the same edition.
    let same = header("if-range").is_none_or(|condition| {
        condition == edition.tag || date_of(condition) == Some(edition.modified)
    });
    match header("range") {
        Some(range) if same && request.method == "GET" => ranged(range, edition.length_bytes),
        Some(_) | None => Wanted::Whole,
    }
}

/// What `range` is of a file of `length_bytes`. All of it where the range is in a unit that we do
/// not know, is no range, or is several at once: that is always allowed.
fn ranged(range: &str, length_bytes: u64) -> Wanted {
    let bounds = range
        .split_once('=')
        .filter(|(unit, _)| unit.trim().eq_ignore_ascii_case("bytes"))
        .and_then(|(_, bounds)| bounds.trim().split_once('-'));
    let number = |text: &str| {
        let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_plain.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let (from, to) = match bounds {
        Some(("", last)) => match number(last) {
            Some(last) => (length_bytes.saturating_sub(last), if last == 0 { 0 } else { u64::MAX }),
            None => return Wanted::Whole,
        },
        Some((from, "")) => match number(from) {
            Some(from) => (from, u64::MAX),
            None => return Wanted::Whole,
        },
        Some((from, to)) => match (number(from), number(to)) {
            (Some(from), Some(to)) if from <= to => (from, to),
            (_, _) => return Wanted::Whole,
        },
        None => return Wanted::Whole,
    };
    if from >= length_bytes || to < from {
        return Wanted::Beyond;
    }
    Wanted::Part { from, to: to.min(length_bytes - 1) }
}

/// Whether `tag` is among `tags`, be it marked as weak.
fn has_tag(tags: &str, tag: &str) -> bool {
    tags.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == tag)
}

fn date_of(text: &str) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::http::head::Version;
    use proptest::prelude::*;

    /// What is wanted of twenty bytes of 1 January 1970, 00:01:00.
    fn asked(lines: &[(&str, &str)]) -> Wanted {
        let modified = Timestamp::from_second(60).unwrap();
        let edition = Edition { tag: "\"a-1\"".to_owned(), modified, length_bytes: 20 };
        let headers =
            lines.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (method, target) = ("GET".to_owned(), "/a".to_owned());
        wanted(&RequestHead { method, target, version: Version::Http11, headers }, &edition)
    }

    #[test]
    fn a_range_is_its_bytes_and_no_more() {
        let part = |from, to| Wanted::Part { from, to };
        for (range, wanted) in [
            ("bytes=0-4", part(0, 4)),
            ("bytes=5-9", part(5, 9)),
            ("bytes=15-", part(15, 19)),
            ("bytes=19-19", part(19, 19)),
            ("bytes=10-99999999999999999999", part(10, 19)),
            ("bytes=-5", part(15, 19)),
            ("bytes=-99", part(0, 19)),
            ("Bytes = 0-0", part(0, 0)),
            ("bytes=20-", Wanted::Beyond),
            ("bytes=25-30", Wanted::Beyond),
            ("bytes=-0", Wanted::Beyond),
        ] {
            assert_eq!(asked(&[("Range", range)]), wanted, "{range}");
        }
    }

    #[test]
    fn what_is_no_single_range_of_bytes_is_the_whole_file() {
        for range in
            ["lines=1-2", "bytes=0-1,3-4", "bytes=5-2", "bytes=a-b", "bytes", "bytes=-", ""]
        {
            assert_eq!(asked(&[("Range", range)]), Wanted::Whole, "{range}");
        }
        assert_eq!(ranged("bytes=0-", 0), Wanted::Beyond);
        assert_eq!(ranged("bytes=-1", 0), Wanted::Beyond);
    }

    #[test]
    fn an_unchanged_file_is_not_wanted_again() {
        let nothing = Wanted::Nothing;
        assert_eq!(asked(&[("If-None-Match", "\"b\", W/\"a-1\"")]), nothing);
        assert_eq!(asked(&[("If-None-Match", "*")]), nothing);
        assert_eq!(asked(&[("If-None-Match", "\"b\"")]), Wanted::Whole);
        let date = |time| format!("Thu, 01 Jan 1970 00:{time} GMT");
        assert_eq!(asked(&[("If-Modified-Since", &date("01:00"))]), nothing);
        assert_eq!(asked(&[("If-Modified-Since", &date("00:59"))]), Wanted::Whole);
        assert_eq!(asked(&[("If-Modified-Since", "yesterday")]), Wanted::Whole);
        let both = [("If-None-Match", "\"b\""), ("If-Modified-Since", &date("01:00"))];
        assert_eq!(asked(&both), Wanted::Whole, "the tag counts");
    }

    #[test]
    fn a_part_of_another_edition_is_of_no_use() {
        let range = ("Range", "bytes=0-4");
        let part = Wanted::Part { from: 0, to: 4 };
        assert_eq!(asked(&[range, ("If-Range", "\"a-1\"")]), part);
        assert_eq!(asked(&[range, ("If-Range", "Thu, 01 Jan 1970 00:01:00 GMT")]), part);
        assert_eq!(asked(&[range, ("If-Range", "\"b\"")]), Wanted::Whole);
    }

    proptest! {
        #[test]
        fn a_part_lies_within_its_file(
            range in "(bytes=)?[0-9]{0,21}-?[0-9]{0,21}", length in 0..30_u64,
        ) {
            if let Wanted::Part { from, to } = ranged(&range, length) {
                prop_assert!(from <= to && to < length);
            }
        }
    }
}

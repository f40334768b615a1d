//! Safari's probe: the two bytes that it wants to see before it plays.
//!
//! WebKit and Apple's players first ask for `Range: bytes=0-1`. Icecast 2.4.4 does not know ranges
//! of streams and answers 200 with the stream; then the probe goes on loading beside what is heard,
//! and counts as a second listener (icecast-kh issue 400). icecast-kh and large stations answer 206
//! with two bytes of a stream that claims 1 073 741 823 bytes, and the player asks for
//! `bytes=0-1073741822` of it, all that there seems to be. That is done here too: the probe is
//! answered, joins nothing, and the rest that is asked for then is the stream, under 206, so that
//! the player is told the same each time.
//!
//! But in that second request Apple's players leave out `Icy-MetaData`, so that an app that wanted
//! titles gets none (icecast-kh issue 441); answered 200, they ask again, plainly and for titles.
//! So a probe that asks for titles gets the stream, as from Icecast. So does every other range,
//! among them `bytes=0-`, which other browsers send and are content with 200.
//!
//! Pure: it reads the head of a request.

use crate::answer::Answer;
use crate::mount::on_air::SourceAbout;
use common::format::Format;
use common::http::head::RequestHead;

/// How a request for a stream deals in ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ranged {
    /// It does not, or in a way that is not ours.
    No,
    /// It wants to see the first bytes, so many.
    Probe(usize),
    /// It has seen them, and wants all there is.
    Rest,
}

/// How `request` deals in ranges.
pub(crate) fn ranged(request: &RequestHead) -> Ranged {
    if request.headers.first("icy-metadata").is_some() {
        return Ranged::No;
    }
    match request.headers.first("range") {
        Some("bytes=0-0") => Ranged::Probe(1),
        Some("bytes=0-1") => Ranged::Probe(2),
        Some("bytes=0-1073741822") => Ranged::Rest,
        Some(_) | None => Ranged::No,
    }
}

/// The answer to a probe for `bytes` of what `source` sends: as a frame or page of it begins.
pub(super) fn answer(bytes: usize, source: &SourceAbout, headers: Vec<(String, String)>) -> Answer {
    let beginning: &'static [u8; 2] = match source.format {
        Format::Adts => b"\xff\xf1",
        Format::Flac => b"fL",
        Format::Matroska => b"\x1a\x45",
        Format::Mpeg => b"\xff\xfb",
        Format::Ogg => b"Og",
        Format::Unknown => b"\0\0",
    };
    let beginning = &beginning[..bytes.min(beginning.len())];
    let mut headers = headers;
    headers.push(("Accept-Ranges".to_owned(), "bytes".to_owned()));
    let range = format!("bytes 0-{}/{CLAIMED_BYTES}", beginning.len() - 1);
    headers.push(("Content-Range".to_owned(), range));
    Answer { status: 206, content_type: None, headers, body: Some(beginning.into()) }
}

/// What a stream that has no end claims to have, in bytes, to those who need a number. It is
/// icecast-kh's, so what players do with it is known; at 128 kbit/s it is 18 hours, after which
/// they ask again.
pub(super) const CLAIMED_BYTES: u64 = 1_073_741_823;

#[cfg(test)]
mod tests {
    use super::*;
    use common::http::head::Version;
    use std::net::Ipv4Addr;

    fn asked(lines: &[(&str, &str)]) -> Ranged {
        let headers =
            lines.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (method, target) = ("GET".to_owned(), "/a".to_owned());
        ranged(&RequestHead { method, target, version: Version::Http11, headers })
    }

    #[test]
    fn only_a_probe_without_a_wish_for_titles_is_one() {
        assert_eq!(asked(&[("Range", "bytes=0-1")]), Ranged::Probe(2));
        assert_eq!(asked(&[("Range", "bytes=0-0")]), Ranged::Probe(1));
        assert_eq!(asked(&[("Range", "bytes=0-1"), ("Icy-MetaData", "1")]), Ranged::No);
        for other in ["bytes=0-", "bytes=0-2", "bytes=1-2", "bytes=5-", "bytes=-1"] {
            assert_eq!(asked(&[("Range", other)]), Ranged::No, "{other}");
        }
        assert_eq!(asked(&[]), Ranged::No);
    }

    #[test]
    fn what_is_asked_for_next_is_all_that_was_claimed() {
        let next = format!("bytes=0-{}", CLAIMED_BYTES - 1);

        assert_eq!(asked(&[("Range", &next)]), Ranged::Rest);
    }

    #[test]
    fn a_probe_gets_as_many_bytes_as_it_asks_for() {
        let source =
            SourceAbout::read(&[].into_iter().collect(), "audio/mpeg", Ipv4Addr::LOCALHOST.into());

        let answer = answer(1, &source, Vec::new());

        assert_eq!(answer.body.as_deref(), Some(&b"\xff"[..]));
        assert_eq!(answer.headers[1].1, "bytes 0-0/1073741823");
    }
}

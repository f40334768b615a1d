//! The formats of lists: M3U, PLS, XSPF and CUE sheets, from bytes to entries.
//!
//! What a list is shows in its first line or, where that says nothing, in its name. Everything
//! here is pure: whether an entry names a file that exists is not its business.

mod cue;
mod m3u;
mod pls;
mod xspf;

use crate::playlist::item::Annotations;
use crate::playlist::text::unmarked;
use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What the text of a list says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct List {
    /// What is to be played, in order.
    pub entries: Vec<Entry>,
    /// What the list says of itself: names and values, as `#CURATOR:…` in M3U.
    pub about: Vec<(String, String)>,
    /// Whether it is a list beyond doubt, even without entries: M3U says so in its first line.
    pub is_declared: bool,
}

/// One entry of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entry {
    /// A path or an address, byte for byte.
    pub name: Vec<u8>,
    /// Whether `name` is an address by the rules of its format, with `%20` for a blank.
    pub is_address: bool,
    /// Whether it is only a comment unless a file of this name exists: it begins with `;`.
    pub is_comment_unless_found: bool,
    /// What is ordered for this entry.
    pub annotations: Annotations,
    /// The title, as a hint.
    pub title: Option<Arc<str>>,
    /// The length, as a hint.
    pub length: Option<Duration>,
}

/// Why the text of a list cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAList {
    /// XSPF that is not well-formed.
    #[error("not XSPF: {0}")]
    Xml(String),
}

/// Whether `path` is named like a list.
pub fn is_list(path: &Path) -> bool {
    path.extension().is_some_and(|ext| EXTENSIONS.iter().any(|list| ext.eq_ignore_ascii_case(list)))
}

/// Reads `bytes`, which stand in a file called `path`.
pub fn parse(path: &Path, bytes: &[u8]) -> Result<List, NotAList> {
    let bytes: Cow<'_, [u8]> = unmarked(bytes);
    let start = bytes.trim_ascii_start();
    let named = |extension| path.extension().is_some_and(|ext| ext.eq_ignore_ascii_case(extension));
    if begins(start, b"[playlist]") {
        return Ok(pls::parse(&bytes));
    }
    if begins(start, b"<?xml") || begins(start, b"<playlist") {
        return xspf::parse(&bytes);
    }
    if named("cue") {
        return Ok(cue::parse(&bytes));
    }
    if named("pls") || named("xspf") {
        // A list of this kind without its first line holds nothing that could be relied on.
        return Ok(List::default());
    }
    Ok(m3u::parse(&bytes))
}

fn begins(text: &[u8], with: &[u8]) -> bool {
    text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with))
}

/// The lines of `bytes`, whatever ends them; some may be empty.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|&byte| byte == b'\n' || byte == b'\r')
}

const EXTENSIONS: [&str; 5] = ["cue", "m3u", "m3u8", "pls", "xspf"];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lists_are_known_by_their_names() {
        for name in ["a/X.M3U", "x.m3u8", "x.pls", "x.xspf", "x.Cue"] {
            assert!(is_list(Path::new(name)), "{name}");
        }
        assert!(!is_list(Path::new("m3u")) && !is_list(Path::new("x.mp3")));
    }

    #[test]
    fn the_first_line_tells_more_than_the_name() {
        let pls = parse(Path::new("x.m3u"), b"\n[Playlist]\nFile1=a.mp3\n").unwrap();
        let xspf = parse(Path::new("x.m3u"), XSPF).unwrap();

        assert_eq!((pls.entries.len(), xspf.entries.len()), (1, 1));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(
            start in proptest::sample::select(STARTS),
            bytes in proptest::collection::vec(any::<u8>(), 0..400),
            name in proptest::sample::select(vec!["x.m3u", "x.cue", "x.pls", "x.xspf"]),
        ) {
            let text = [start.as_bytes(), &bytes].concat();
            for entry in parse(Path::new(name), &text).unwrap_or_default().entries {
                prop_assert!(!entry.name.is_empty());
            }
        }

        #[test]
        fn any_words_of_a_cue_sheet_are_read(
            words in proptest::collection::vec(proptest::sample::select(vec![
                "FILE \"a\" WAVE", "TRACK 01 AUDIO", "INDEX 01 00:01:00", "INDEX 00 99:59:74",
                "TITLE \"x", "PERFORMER y", "REM DATE 1999", "INDEX 01 x", "\"", "TRACK",
            ]), 0..40),
        ) {
            parse(Path::new("x.cue"), words.join("\n").as_bytes()).unwrap();
        }
    }

    const STARTS: &[&str] = &["", "[playlist]\nFile1=", "<playlist>", "#EXTM3U\n"];
    const XSPF: &[u8] = b"<?xml version='1.0'?><playlist xmlns='http://xspf.org/ns/0/'>\
        <trackList><track><location>a.mp3</location></track></trackList></playlist>";
}

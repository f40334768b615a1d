//! Content types of files, by the ends of their names.
//!
//! A table of the usual ones is built in. Above it stands what players expect of a radio's files,
//! and above that the system's `/etc/mime.types`, or a file of that form of the operator's own.

use std::io;
use std::path::Path;
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;

/// What the operator's `file` says, or else the system's, as in Icecast.
///
/// It is read each time: it is short, it may change, and files are asked for seldom.
pub(super) async fn further(file: Option<&Path>) -> io::Result<String> {
    let file = file.unwrap_or_else(|| Path::new(USUAL_FURTHER));
    let mut bytes = Vec::new();
    File::open(file).await?.take(FURTHER_BYTES_MAX).read_to_end(&mut bytes).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The content type of the file at `path`, in which the lines of `further` count before others.
pub(super) fn of(path: &Path, further: &str) -> String {
    let Some(end) = path.extension().and_then(|end| end.to_str()) else {
        return UNKNOWN.to_owned();
    };
    let of_radio = || RADIO.iter().find(|(known, _)| known.eq_ignore_ascii_case(end));
    let usual = || mime_guess::from_ext(end).first_raw();
    let found = said(further, end).or_else(|| of_radio().map(|(_, kind)| *kind)).or_else(usual);
    found.unwrap_or(UNKNOWN).to_owned()
}

/// What the lines of `further` say of names with this `end`.
fn said<'a>(further: &'a str, end: &str) -> Option<&'a str> {
    further.lines().find_map(|line| {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_ascii_whitespace();
        // It becomes a line of a head.
        let is_plain =
            |kind: &&str| kind.contains('/') && kind.bytes().all(|byte| byte.is_ascii_graphic());
        let kind = words.next().filter(is_plain)?;
        words.any(|one| one.eq_ignore_ascii_case(end)).then_some(kind)
    })
}

/// Where a system keeps its content types.
const USUAL_FURTHER: &str = "/etc/mime.types";
/// What of the operator's file is read, in bytes; Debian's has 70 000.
const FURTHER_BYTES_MAX: u64 = 1 << 20;
/// The type of what has none.
const UNKNOWN: &str = "application/octet-stream";
/// Where Icecast or players have a word of their own.
const RADIO: [(&str, &str); 7] = [
    ("aac", "audio/aac"),
    ("m3u", "audio/x-mpegurl"),
    ("m3u8", "application/vnd.apple.mpegurl"),
    ("ogg", "application/ogg"),
    ("opus", "audio/ogg"),
    ("pls", "audio/x-scpls"),
    ("xspf", "application/xspf+xml"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_ends_are_known_without_a_file() {
        for (path, kind) in [
            ("a.mp3", "audio/mpeg"),
            ("a.MP3", "audio/mpeg"),
            ("a.css", "text/css"),
            ("a.html", "text/html"),
            ("a/b.png", "image/png"),
            ("a.txt", "text/plain"),
            ("a.ogg", "application/ogg"),
            ("a.m3u", "audio/x-mpegurl"),
            ("a.odd-one", UNKNOWN),
            ("a", UNKNOWN),
        ] {
            assert_eq!(of(Path::new(path), ""), kind, "{path}");
        }
    }

    #[test]
    fn the_operators_file_counts_before_all() {
        let further =
            "# comment mp3\naudio/x-odd  odd ODDER # mp3\n\ntext/x-css\tcss\nnonsense mp3\n";
        let of = |path| of(Path::new(path), further);

        assert_eq!([of("a.odd"), of("a.odder")], ["audio/x-odd", "audio/x-odd"]);
        assert_eq!([of("a.css"), of("a.mp3")], ["text/x-css", "audio/mpeg"]);
    }
}

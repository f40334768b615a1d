//! M3U lists: one file name per line, as every player writes them.
//!
//! A line that begins with `#` is a comment, and `#EXTINF:seconds,title` is a comment that gives
//! the title of the next file. Everything else is a file name, taken byte for byte: blanks, `#`
//! and brackets inside it belong to it. A name that is not absolute starts at the list's folder;
//! `file://` addresses are understood, other addresses are not played.
//!
//! Lists come with CRLF, with a byte order mark, and in the encoding of the machine that wrote
//! them. Text that is not UTF-8 is read as windows-1252, of which Latin-1 is the printable part.
//! A *name* that is not UTF-8 may be the very bytes of the name on disk, or the old text of a
//! name that is UTF-8 on disk: the one that exists is taken.

use crate::playlist::Item;
use common::http::percent;
use encoding_rs::WINDOWS_1252;
use std::ffi::OsStr;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tracing::warn;

/// Whether `path` is named like a list.
pub fn is_list(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ext| ext.eq_ignore_ascii_case("m3u") || ext.eq_ignore_ascii_case("m3u8"))
}

/// The items of the list at `path`.
///
/// Fails if it cannot be read, or is larger than [`LIST_BYTES_MAX`].
pub fn items(path: &Path) -> std::io::Result<Vec<Item>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(LIST_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LIST_BYTES_MAX {
        let what = format!("a list of more than {LIST_BYTES_MAX} bytes");
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, what));
    }
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    Ok(entries(&bytes).into_iter().filter_map(|entry| item(folder, entry)).collect())
}

/// One file in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry<'a> {
    name: &'a [u8],
    title: Option<Arc<str>>,
}

/// The files that the text of a list names, in order.
fn entries(bytes: &[u8]) -> Vec<Entry<'_>> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let mut entries = Vec::new();
    let mut title = None;
    for line in bytes.split(|&byte| byte == b'\n' || byte == b'\r') {
        if let Some(comment) = line.strip_prefix(b"#") {
            if let Some(given) = extinf_title(comment) {
                title = Some(given);
            }
        } else if !line.trim_ascii().is_empty() {
            entries.push(Entry { name: line, title: title.take() });
        }
    }
    entries
}

/// The title in `EXTINF:seconds,title`. Attributes between the two (`tvg-name="a, b"`) are
/// passed over, with the commas in their quotes.
fn extinf_title(comment: &[u8]) -> Option<Arc<str>> {
    let (tag, rest) = comment.split_at_checked(EXTINF.len())?;
    if !tag.eq_ignore_ascii_case(EXTINF) {
        return None;
    }
    let mut quoted = false;
    let comma = rest.iter().position(|&byte| {
        quoted ^= byte == b'"';
        byte == b',' && !quoted
    })?;
    let title = text(rest[comma + 1..].trim_ascii());
    (!title.is_empty()).then(|| title.into())
}

/// `bytes` as text: UTF-8 if they are, else windows-1252.
fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(),
    }
}

/// The item for `entry` of a list in `folder`; `None`, and a word about it, if it is an address.
fn item(folder: &Path, entry: Entry<'_>) -> Option<Item> {
    let found = |name: &[u8]| folder.join(OsStr::from_bytes(name));
    let path: PathBuf = if let Some(address) = entry.name.strip_prefix(b"file://") {
        let address = address.strip_prefix(b"localhost").unwrap_or(address);
        found(&percent::decode(&text(address)))
    } else if is_address(entry.name) {
        warn!(entry = %text(entry.name), "an address in a list is passed over; files are played");
        return None;
    } else {
        let as_written = found(entry.name);
        let translated = text(entry.name);
        if translated.as_bytes() == entry.name || as_written.exists() {
            as_written
        } else {
            found(translated.as_bytes())
        }
    };
    Some(Item { path, listed_title: entry.title })
}

fn is_address(name: &[u8]) -> bool {
    let Some(colon) = name.windows(3).position(|three| three == b"://") else { return false };
    colon > 0 && name[..colon].iter().all(u8::is_ascii_alphanumeric)
}

/// A list may have this many bytes; 16 MiB are about 200 000 files.
pub const LIST_BYTES_MAX: u64 = 16 << 20;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
const EXTINF: &[u8] = b"EXTINF:";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_list_with_titles_is_read() {
        let list = b"#EXTM3U\n#EXTINF:123,Artist - Title\nmusic/a.mp3\n#EXTINF:-1,\nb.mp3\n";

        assert_eq!(
            read(list),
            [("music/a.mp3".into(), Some("Artist - Title".into())), ("b.mp3".into(), None)]
        );
    }

    #[test]
    fn crlf_a_byte_order_mark_blank_lines_and_a_missing_last_line_end_are_no_matter() {
        let list = b"\xEF\xBB\xBF#EXTM3U\r\n\r\n#EXTINF:1,X\r\na.mp3\r\n   \r\nb.mp3";

        assert_eq!(read(list), [("a.mp3".into(), Some("X".into())), ("b.mp3".into(), None)]);
    }

    #[test]
    fn a_name_is_taken_byte_for_byte() {
        let list = b"Disc #1 [live]/ 03 - 100%.mp3 \n";

        assert_eq!(read(list), [("Disc #1 [live]/ 03 - 100%.mp3 ".into(), None)]);
    }

    #[test]
    fn a_title_survives_a_comment_before_its_file_but_not_its_file() {
        let list = b"#EXTINF:1,X\n# a remark\n#EXTGRP:y\na.mp3\nb.mp3\n";

        assert_eq!(read(list), [("a.mp3".into(), Some("X".into())), ("b.mp3".into(), None)]);
    }

    #[test]
    fn commas_in_a_title_and_in_quoted_attributes_are_told_apart() {
        let list = b"#EXTINF:-1 tvg-name=\"a, b\",One, Two\na.mp3\n";

        assert_eq!(read(list)[0].1.as_deref(), Some("One, Two"));
    }

    #[test]
    fn any_arithmetic_may_stand_for_the_seconds() {
        assert_eq!(read(b"#EXTINF:(3*60)+45,X\na\n")[0].1.as_deref(), Some("X"));
    }

    #[test]
    fn a_title_that_is_not_utf_8_is_read_as_windows_1252() {
        let list = b"#EXTINF:1,Bj\xF6rk \x96 J\xF3ga\na.mp3\n";

        assert_eq!(read(list)[0].1.as_deref(), Some("Björk – Jóga"));
    }

    #[test]
    fn an_old_name_finds_the_file_that_exists() {
        let dir = tempfile::tempdir().unwrap();
        let raw = OsStr::from_bytes(b"raw\xE4.mp3");
        std::fs::write(dir.path().join("jóga.mp3"), "").unwrap();
        std::fs::write(dir.path().join(raw), "").unwrap();
        let list = dir.path().join("x.m3u");
        std::fs::write(&list, b"j\xF3ga.mp3\nraw\xE4.mp3\n").unwrap();

        let paths: Vec<_> = items(&list).unwrap().into_iter().map(|item| item.path).collect();

        assert_eq!(paths, [dir.path().join("jóga.mp3"), dir.path().join(raw)]);
    }

    #[test]
    fn names_start_at_the_lists_folder_unless_they_are_absolute() {
        let dir = tempfile::tempdir().unwrap();
        let list = dir.path().join("x.m3u");
        std::fs::write(&list, "a.mp3\n/b.mp3\nfile:///c%20d.mp3\nhttp://x/y.mp3\n").unwrap();

        let paths: Vec<_> = items(&list).unwrap().into_iter().map(|item| item.path).collect();

        assert_eq!(paths, [dir.path().join("a.mp3"), "/b.mp3".into(), "/c d.mp3".into()]);
    }

    #[test]
    fn lists_are_known_by_their_names() {
        assert!(is_list(Path::new("a/X.M3U")) && is_list(Path::new("x.m3u8")));
        assert!(!is_list(Path::new("m3u")) && !is_list(Path::new("x.mp3")));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_list(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            for entry in entries(&bytes) {
                prop_assert!(!entry.name.is_empty());
            }
        }
    }

    fn read(list: &[u8]) -> Vec<(String, Option<String>)> {
        entries(list)
            .into_iter()
            .map(|entry| (text(entry.name), entry.title.map(|title| title.to_string())))
            .collect()
    }
}

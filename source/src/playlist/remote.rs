//! Lists elsewhere: from what was fetched to what is to be played.
//!
//! A name in such a list is read as seen from there: `b.mp3` stands beside the list, where that
//! came from in the end, and `/b.mp3` on its server. What is said to be a file here, by `file://`
//! or by an absolute path that exists, is one.

use crate::fetch::address::HttpAddress;
use crate::fetch::list::FetchedList;
use crate::playlist::file::{Place, gathered, invalid, is_address, place};
use crate::playlist::format::{self, Entry, List};
use crate::playlist::text::text;
use crate::playlist::{Contents, Item};
use encoding_rs::Encoding;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// What `list` holds, which is called by `address`; that itself, if it is a file of audio.
///
/// Fails if it is no list, or has more than [`ENTRIES_MAX`] entries.
pub(super) fn contents(list: &FetchedList, address: &str) -> std::io::Result<Contents> {
    if list.is_audio() {
        return Ok(Contents::of(vec![Item::file(address)]));
    }
    let named = format!("list.{}", ending(list));
    let bytes = in_utf8(list);
    if let Some(other) = something_else(&bytes) {
        return Err(invalid(format_args!("{other}, no list")));
    }
    let parsed: List = format::parse(Path::new(&named), &bytes).map_err(invalid)?;
    if parsed.entries.len() > ENTRIES_MAX {
        return Err(invalid(format_args!("a list of more than {ENTRIES_MAX} entries")));
    }
    let path = PathBuf::from(list.from.to_string());
    Ok(gathered(parsed, &path, |entry| place_from(&list.from, entry)))
}

/// Where an entry of a list that came `from` there is.
fn place_from(from: &HttpAddress, entry: &Entry) -> Place {
    if entry.is_comment_unless_found {
        return Place::Comment;
    }
    if is_address(&entry.name) || entry.name.starts_with(b"file://") {
        return place(Path::new(""), entry);
    }
    if entry.name.starts_with(b"/")
        && let Place::File(path) = place(Path::new("/"), entry)
        && path.exists()
    {
        return Place::File(path);
    }
    match from.join(&reference(entry)) {
        Ok(address) => Place::File(address.to_string().into()),
        Err(_) => Place::Address,
    }
}

/// The name of `entry` as a part of an address. What people write as the name of a file may hold
/// what has a meaning in addresses.
fn reference(entry: &Entry) -> String {
    let name = text(&entry.name);
    if entry.is_address {
        return name;
    }
    let mut reference = String::with_capacity(name.len());
    for (at, letter) in name.char_indices() {
        let is_code = || {
            let code = name.as_bytes().get(at + 1..at + 3);
            code.is_some_and(|code| code.iter().all(u8::is_ascii_hexdigit))
        };
        match letter {
            '#' => reference.push_str("%23"),
            '%' if !is_code() => reference.push_str("%25"),
            letter => reference.write_char(letter).expect("a String takes all"),
        }
    }
    reference
}

/// What kind of list it is, as the ending of a name.
fn ending(list: &FetchedList) -> &str {
    let content_type = common::format::essence(&list.content_type);
    let kinds = [("scpls", "pls"), ("xspf", "xspf"), ("mpegurl", "m3u")];
    let said = kinds.iter().find(|(kind, _)| content_type.contains(kind));
    said.map(|(_, ending)| *ending).or_else(|| list.from.extension()).unwrap_or("m3u")
}

/// The bytes of `list` in UTF-8, if they are not and its server says what they are; XML says so
/// itself.
fn in_utf8(list: &FetchedList) -> Cow<'_, [u8]> {
    let bytes = &list.bytes[..];
    if std::str::from_utf8(bytes).is_ok() || bytes.trim_ascii_start().starts_with(b"<") {
        return Cow::Borrowed(bytes);
    }
    let mut parameters = list.content_type.split(';').skip(1);
    let charset = parameters.find_map(|it| {
        let (name, value) = it.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    });
    match charset.and_then(|charset| Encoding::for_label(charset.as_bytes())) {
        // A list that claims to be UTF-8 and is not is read as lists here are.
        Some(encoding) if encoding != encoding_rs::UTF_8 => {
            Cow::Owned(encoding.decode(bytes).0.into_owned().into_bytes())
        }
        Some(_) | None => Cow::Borrowed(bytes),
    }
}

/// What `bytes` are that came in the place of a list.
fn something_else(bytes: &[u8]) -> Option<&'static str> {
    let holds = |what: &[u8]| bytes.windows(what.len()).any(|some| some == what);
    let start = bytes.trim_ascii_start();
    let begins =
        |what: &[u8]| start.get(..what.len()).is_some_and(|start| start.eq_ignore_ascii_case(what));
    if begins(b"<!doctype html") || begins(b"<html") {
        return Some("a page");
    }
    if begins(b"#EXTM3U") && (holds(b"#EXT-X-TARGETDURATION") || holds(b"#EXT-X-STREAM-INF")) {
        return Some("a stream in pieces (HLS)");
    }
    None
}

/// A list elsewhere may have so many entries.
const ENTRIES_MAX: usize = 200_000;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_read_as_seen_from_where_the_list_came_from() {
        let dir = tempfile::tempdir().unwrap();
        let here = dir.path().join("here.mp3");
        std::fs::write(&here, "").unwrap();
        for (name, expected) in [
            ("b.mp3", "https://h/lists/b.mp3"),
            ("../b #3 100% 50%25.mp3", "https://h/b%20%233%20100%25%2050%25.mp3"),
            ("/b.mp3?token=1", "https://h/b.mp3?token=1"),
            ("ä.mp3", "https://h/lists/%C3%A4.mp3"),
            ("//other/b.mp3", "https://other/b.mp3"),
            ("http://other/b.mp3", "http://other/b.mp3"),
            ("file:///m/b%20c.mp3", "/m/b c.mp3"),
            (here.to_str().unwrap(), here.to_str().unwrap()),
        ] {
            assert_eq!(paths(&fetched("", name.as_bytes())), [Path::new(expected)], "{name}");
        }
    }

    #[test]
    fn what_cannot_be_fetched_is_passed_over_and_so_are_remarks() {
        let list = fetched("", b"; remark\nftp://h/a.mp3\nhttp://u:p@h/a.mp3\nb.mp3\n");

        assert_eq!(paths(&list), [Path::new("https://h/lists/b.mp3")]);
    }

    #[test]
    fn titles_and_orders_come_with_the_entries() {
        let list = b"#EXTM3U\n#EXTINF:9,A - B\nannotate:liq_cue_in=\"3\":b.mp3\n";

        let items = contents(&fetched("audio/x-mpegurl", list), "").unwrap().items;

        assert_eq!(items[0].listed_title.as_deref(), Some("A - B"));
        assert_eq!(items[0].annotations.get("liq_cue_in"), Some("3"));
        assert_eq!(items[0].address(), Some("https://h/lists/b.mp3"));
    }

    #[test]
    fn the_kind_is_what_the_first_line_or_the_server_or_the_name_says() {
        let pls = b"\n[playlist]\nFile1=b.mp3\n";
        let xspf = b"<playlist><trackList><track><location>b%20c.mp3</location></track>\
                     </trackList></playlist>";

        assert_eq!(paths(&fetched("text/plain", pls)).len(), 1);
        assert_eq!(
            paths(&fetched("application/xspf+xml", xspf)),
            [Path::new("https://h/lists/b%20c.mp3")]
        );
        assert!(paths(&fetched("audio/x-scpls", b"b.mp3\n")).is_empty());
        assert_eq!(paths(&fetched("application/octet-stream", b"b.mp3\n")).len(), 1);
    }

    #[test]
    fn a_file_of_audio_is_the_one_that_is_played() {
        assert_eq!(paths(&fetched("audio/mpeg", b"")), [Path::new("https://h/today")]);
    }

    #[test]
    fn the_server_says_what_the_letters_are_unless_they_are_utf_8() {
        let expected = [Path::new("https://h/lists/%D0%96.mp3")];

        for (content_type, bytes) in [
            ("audio/x-mpegurl; charset=windows-1251", &b"\xC6.mp3"[..]),
            ("text/plain; Charset=\"KOI8-R\"", b"\xF6.mp3"),
            ("text/plain; charset=iso-8859-1", "Ж.mp3".as_bytes()),
        ] {
            assert_eq!(paths(&fetched(content_type, bytes)), expected, "{content_type}");
        }
        assert_eq!(
            paths(&fetched("audio/x-mpegurl; charset=utf-8", b"\xE4.mp3")),
            [Path::new("https://h/lists/%C3%A4.mp3")]
        );
    }

    #[test]
    fn what_came_in_the_place_of_a_list_is_none() {
        for (bytes, expected) in [
            (&b" <!DOCTYPE html><p>Not here</p>"[..], "a page, no list"),
            (b"#EXTM3U\n#EXT-X-TARGETDURATION:4\na.ts\n", "a stream in pieces (HLS), no list"),
            (b"<playlist", "not XSPF"),
        ] {
            let error = contents(&fetched("", bytes), "").unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let long = "a\n".repeat(ENTRIES_MAX + 1);
        let error = contents(&fetched("", long.as_bytes()), "").unwrap_err().to_string();
        assert_eq!(error, "a list of more than 200000 entries");
    }

    proptest! {
        #[test]
        fn every_entry_of_any_list_is_a_file_here_or_an_address(
            lines in proptest::collection::vec("\\PC{0,12}", 0..20),
        ) {
            let list = fetched("", lines.join("\n").as_bytes());
            for item in contents(&list, "").map(|it| it.items).unwrap_or_default() {
                let address = item.address().map(HttpAddress::parse);
                prop_assert!(item.path.is_absolute() || matches!(address, Some(Ok(_))), "{item:?}");
            }
        }
    }

    fn paths(list: &FetchedList) -> Vec<PathBuf> {
        contents(list, "https://h/today")
            .unwrap()
            .items
            .into_iter()
            .map(|item: Item| item.path)
            .collect()
    }

    fn fetched(content_type: &str, bytes: &[u8]) -> FetchedList {
        let from = HttpAddress::parse("https://h/lists/today").unwrap();
        FetchedList { from, content_type: content_type.to_owned(), bytes: bytes.to_vec() }
    }
}

//! M3U: one name per line, as every player writes it.
//!
//! A line that begins with `#` is a comment. `#EXTINF:` describes the next file; other lines of
//! the form `#KEY:value` describe the list. Everything else is a name, taken byte for byte:
//! blanks, `#` and brackets inside it belong to it. A line that begins with `;` is a comment too,
//! as some programs write them, unless a file of that name exists.

use super::{Entry, List, begins, lines};
use crate::playlist::annotate;
use crate::playlist::extinf::{self, Extinf};
use crate::playlist::item::Annotations;
use crate::playlist::text::text;

pub(super) fn parse(bytes: &[u8]) -> List {
    let mut list = List { is_declared: begins(bytes.trim_ascii(), HEADER), ..List::default() };
    let mut about_next = Extinf::default();
    for line in lines(bytes) {
        if let Some(comment) = line.strip_prefix(b"#") {
            if let Some(given) = extinf::parse(comment) {
                about_next = given;
            } else if let Some(pair) = about(comment).filter(|_| list.about.len() < ABOUT_MAX) {
                list.about.push(pair);
            }
        } else if line.starts_with(b";") {
            list.entries.push(Entry {
                name: line.to_vec(),
                is_comment_unless_found: true,
                ..Entry::default()
            });
        } else if !line.trim_ascii().is_empty() {
            let (annotations, name) =
                annotate::parse(line).unwrap_or_else(|| (Annotations::default(), line));
            let Extinf { title, length } = std::mem::take(&mut about_next);
            if !name.is_empty() {
                let name = name.to_vec();
                list.entries.push(Entry { name, annotations, title, length, ..Entry::default() });
            }
        }
    }
    list
}

/// `KEY:value` in a comment.
fn about(comment: &[u8]) -> Option<(String, String)> {
    let colon = comment.iter().position(|&byte| byte == b':')?;
    let key = &comment[..colon];
    let is_key = |byte: &u8| byte.is_ascii_uppercase() || b"_-".contains(byte);
    if key.is_empty() || !key.iter().all(is_key) {
        return None;
    }
    Some((text(key), text(comment[colon + 1..].trim_ascii())))
}

const HEADER: &[u8] = b"#EXTM3U";
/// So much is read of what a list says about itself.
const ABOUT_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_list_with_titles_is_read() {
        let list = b"#EXTM3U\n#EXTINF:123,Artist - Title\nmusic/a.mp3\n#EXTINF:-1,\nb.mp3\n";

        assert_eq!(
            read(list),
            [("music/a.mp3".into(), Some("Artist - Title".into())), ("b.mp3".into(), None)]
        );
        assert_eq!(parse(list).entries[0].length, Some(Duration::from_secs(123)));
    }

    #[test]
    fn crlf_blank_lines_and_a_missing_last_line_end_are_no_matter() {
        let list = b"#EXTM3U\r\n\r\n#EXTINF:1,X\r\na.mp3\r\n   \r\nb.mp3";

        assert_eq!(read(list), [("a.mp3".into(), Some("X".into())), ("b.mp3".into(), None)]);
    }

    #[test]
    fn a_name_is_taken_byte_for_byte() {
        let list = b"Disc #1 [live]/ 03 - 100%.mp3 \n";

        assert_eq!(read(list), [("Disc #1 [live]/ 03 - 100%.mp3 ".into(), None)]);
    }

    #[test]
    fn a_title_survives_a_comment_before_its_file_but_not_its_file() {
        let list = b"#EXTINF:1,X\n# a remark\n#EXTGRP:y\n\na.mp3\nb.mp3\n";

        assert_eq!(read(list), [("a.mp3".into(), Some("X".into())), ("b.mp3".into(), None)]);
    }

    #[test]
    fn what_the_list_says_of_itself_is_kept() {
        let list = "#EXTM3U\n#PHASE:Zero Gravity\n#DURATION:6 hours (approx)\n\
                    # === PHASE 1: DAWN ===\n#EXTINF:-1,X - Y\n/a #1.flac\n";

        let list = parse(list.as_bytes());

        let about: Vec<_> = list.about.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(about, [("PHASE", "Zero Gravity"), ("DURATION", "6 hours (approx)")]);
        assert_eq!(list.entries.len(), 1);
    }

    #[test]
    fn a_line_with_a_semicolon_may_be_a_comment_and_leaves_the_title_to_the_next() {
        let list = parse(b"#EXTINF:1,X\n; remark\na.mp3\n");

        assert!(list.entries[0].is_comment_unless_found);
        assert_eq!(list.entries[1].title.as_deref(), Some("X"));
    }

    #[test]
    fn an_annotated_entry_loses_its_annotation() {
        let list = parse(b"annotate:liq_cue_in=\"3\":a: b.mp3\n");

        assert_eq!(list.entries[0].annotations.get("liq_cue_in"), Some("3"));
        assert_eq!(list.entries[0].name, b"a: b.mp3");
    }

    #[test]
    fn only_a_list_that_says_so_is_one_without_entries() {
        assert!(parse(b"#EXTM3U\n").is_declared);
        assert!(parse(b" \r\n#extm3u\r\n").is_declared);
        assert!(!parse(b"").is_declared && !parse(b"\n\n").is_declared);
        assert!(!parse(b"#EXT").is_declared);
    }

    fn read(list: &[u8]) -> Vec<(String, Option<String>)> {
        parse(list)
            .entries
            .into_iter()
            .map(|entry| (text(&entry.name), entry.title.map(|title| title.to_string())))
            .collect()
    }
}

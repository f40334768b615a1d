//! PLS: `File1=`, `Title1=`, `Length1=` below `[playlist]`, in any order and any case.
//!
//! Entries are played in the order of their numbers. Nothing in a value is a comment: a name with
//! `#` in it is a name.

use super::{Entry, List, lines};
use crate::playlist::text::text;
use std::collections::BTreeMap;
use std::time::Duration;

pub(super) fn parse(bytes: &[u8]) -> List {
    let mut entries: BTreeMap<u64, Entry> = BTreeMap::new();
    for line in lines(bytes) {
        let Some(equals) = line.iter().position(|&byte| byte == b'=') else { continue };
        let (key, value) = (text(line[..equals].trim_ascii()), line[equals + 1..].trim_ascii());
        let digits = key.trim_start_matches(|c: char| !c.is_ascii_digit());
        let Ok(number) = digits.parse() else { continue };
        let kind = key[..key.len() - digits.len()].to_ascii_lowercase();
        match kind.as_str() {
            "file" => entries.entry(number).or_default().name = value.to_vec(),
            "title" if !value.is_empty() => {
                entries.entry(number).or_default().title = Some(text(value).into());
            }
            "length" => {
                let length_s = text(value).parse().ok().filter(|&seconds| seconds > 0);
                entries.entry(number).or_default().length = length_s.map(Duration::from_secs);
            }
            _ => {}
        }
    }
    let entries: Vec<_> = entries.into_values().filter(|entry| !entry.name.is_empty()).collect();
    List { entries, is_declared: true, ..List::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_in_the_order_of_their_numbers() {
        let list = parse(
            b"[playlist]\r\nfile10=c #1.mp3\r\nFile2=b.mp3\r\nFILE1 = a.mp3\r\nTitle1=One - Uno\r\n\
              Length1=123\r\nTitle2=\r\nLength2=-1\r\nTitle7=no file\r\nNumberOfEntries=3\r\n",
        );

        let names: Vec<_> = list.entries.iter().map(|entry| text(&entry.name)).collect();
        assert_eq!(names, ["a.mp3", "b.mp3", "c #1.mp3"]);
        assert_eq!(list.entries[0].title.as_deref(), Some("One - Uno"));
        assert_eq!(list.entries[0].length, Some(Duration::from_secs(123)));
        assert_eq!((&list.entries[1].title, list.entries[1].length), (&None, None));
    }
}

//! Rules on the shape of a file: how it opens, how long it is, how wide.
//!
//! Knows nothing of what the code means.

use crate::files::{self, File, assert_none};

/// A longer file holds more than one thing.
const FILE_LINES_MAX: usize = 600;
/// Two files side by side on one screen, and a diff.
const LINE_COLUMNS_MAX: usize = 100;

fn unopened(files: &[File]) -> Vec<String> {
    let what =
        "opens without docs; begin with `//!` and a whole sentence that teaches what is here";
    let files = files.iter().filter(|file| !has_opening_sentence(&file.text));
    files.map(|file| file.offence(1, what)).collect()
}

/// Whether the file opens with `//!` lines of which the first paragraph is a sentence.
fn has_opening_sentence(text: &str) -> bool {
    let paragraph: Vec<_> = text
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(str::trim)
        .take_while(|line| !line.is_empty())
        .collect();
    let paragraph = paragraph.join(" ");
    paragraph.contains(' ') && paragraph.ends_with(['.', ':', '?', '!'])
}

fn too_long(files: &[File]) -> Vec<String> {
    let too_long = |file: &File| {
        let lines = file.without_tests().lines().count();
        (lines > FILE_LINES_MAX).then(|| {
            let what = format!("{lines} lines without its tests; split it, {FILE_LINES_MAX} do");
            file.offence(FILE_LINES_MAX + 1, what)
        })
    };
    files.iter().filter_map(too_long).collect()
}

fn too_wide(files: &[File]) -> Vec<String> {
    let mut offences = Vec::new();
    for file in files {
        for (number, line) in file.text.lines().enumerate() {
            let columns = line.chars().count();
            if columns > LINE_COLUMNS_MAX {
                let what = format!("{columns} columns; break the line, {LINE_COLUMNS_MAX} do");
                offences.push(file.offence(number + 1, what));
            }
        }
    }
    offences
}

#[test]
fn every_file_opens_with_a_sentence_of_documentation() {
    assert_none(&unopened(&files::rust()));
}

#[test]
fn a_file_without_an_opening_sentence_is_seen() {
    let bad =
        ["", "use std::fs;\n", "// One sentence.\n", "//! Words, no end\n//!\n", "//! Word.\n"];
    for text in bad {
        assert_eq!(unopened(&[File::new("a.rs", text)]).len(), 1, "{text:?}");
    }
    let good = "//! A sentence that goes\n//! over two lines.\n//!\n//! More\n";
    assert_none(&unopened(&[File::new("a.rs", good)]));
}

#[test]
fn no_file_is_longer_than_600_lines_without_its_tests() {
    assert_none(&too_long(&files::rust()));
}

#[test]
fn a_file_of_one_line_too_many_is_seen_and_its_tests_are_not_counted() {
    let tests = "#[cfg(test)]\nmod tests {\n}\n";
    let longest = format!("{}{tests}", "\n".repeat(FILE_LINES_MAX));
    let too_long_by_one = format!("\n{longest}");

    assert_none(&too_long(&[File::new("a.rs", &longest)]));
    let offences = too_long(&[File::new("a.rs", &too_long_by_one)]);
    assert_eq!(offences, ["a.rs:601: 601 lines without its tests; split it, 600 do"]);
}

#[test]
fn no_line_is_wider_than_100_columns() {
    assert_none(&too_wide(&files::rust()));
}

#[test]
fn a_line_of_one_column_too_many_is_seen_and_columns_are_characters() {
    let widest = "é".repeat(LINE_COLUMNS_MAX);
    assert_none(&too_wide(&[File::new("a.rs", &widest)]));

    let offences = too_wide(&[File::new("a.rs", &format!("\n{widest}e"))]);
    assert_eq!(offences, ["a.rs:2: 101 columns; break the line, 100 do"]);
}

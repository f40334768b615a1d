//! The paths a Rust file names: `crate::mount::name`, and each of those in a `use` with braces.
//!
//! Works on masked code and resolves nothing: what a glob, a macro or an alias brings in is not
//! seen.

/// A path as written, `use` braces taken apart, and the line of its first word, counted from 1.
#[derive(Debug, PartialEq)]
pub(crate) struct NamedPath {
    pub(crate) line: usize,
    pub(crate) segments: Vec<String>,
}

impl NamedPath {
    pub(crate) fn text(&self) -> String {
        self.segments.join("::")
    }

    /// Whether the path is `prefix`, such as `std::fs`, or something in it.
    pub(crate) fn is_in(&self, prefix: &str) -> bool {
        let mut segments = self.segments.iter();
        prefix.split("::").all(|part| segments.next().is_some_and(|segment| segment == part))
    }
}

/// Every path of at least two segments in `code`, from its first word on.
pub(crate) fn paths(code: &str) -> Vec<NamedPath> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(start) = rest.find(|c: char| c.is_alphabetic() || c == '_') {
        let at = code.len() - rest.len() + start;
        let line = 1 + code[..at].matches('\n').count();
        let mut lists = Vec::new();
        rest = &rest[start + tree(&rest[start..], &[], &mut lists)..];
        let long = lists.into_iter().filter(|segments| segments.len() > 1);
        found.extend(long.map(|segments| NamedPath { line, segments }));
    }
    found
}

/// Reads one path or `use` tree, adds what it names below `prefix` to `found`; its length in bytes.
fn tree(text: &str, prefix: &[String], found: &mut Vec<Vec<String>>) -> usize {
    let mut segments = prefix.to_vec();
    let mut at = 0;
    loop {
        let end = at + word_bytes(&text[at..]);
        if end == at {
            break;
        }
        segments.push(text[at..end].to_owned());
        at = end;
        let Some(after) = text[at..].trim_start().strip_prefix("::").map(str::trim_start) else {
            break;
        };
        at = text.len() - after.len();
        if after.starts_with('{') {
            return at + braces(after, &segments, found);
        }
    }
    found.push(segments);
    at.max(1)
}

/// Reads `{a, b::c}` and adds each part below `prefix` to `found`; its length in bytes.
fn braces(text: &str, prefix: &[String], found: &mut Vec<Vec<String>>) -> usize {
    let mut at = 1;
    while let Some(next) = text[at..].chars().next() {
        match next {
            '}' => return at + 1,
            _ if text[at..].starts_with("as ") => at += "as ".len() + word_bytes(&text[at + 3..]),
            c if c.is_alphabetic() || c == '_' => at += tree(&text[at..], prefix, found),
            c => at += c.len_utf8(),
        }
    }
    at
}

/// The length of the word that `text` begins with; 0 if it begins with none.
fn word_bytes(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '#').unwrap_or(text.len())
}

#[test]
fn a_use_with_braces_names_each_of_its_paths() {
    let code = "use crate::{\n    mount::{self as m, name::MountName},\n    route,\n};\n\n\
        std::fs::read(c)";

    let named: Vec<_> = paths(code).iter().map(|path| (path.line, path.text())).collect();

    let expected = [
        (1, "crate::mount::self"),
        (1, "crate::mount::name::MountName"),
        (1, "crate::route"),
        (6, "std::fs::read"),
    ];
    assert_eq!(named, expected.map(|(line, text)| (line, text.to_owned())));
}

#[test]
fn a_path_is_in_a_module_and_not_in_one_whose_name_merely_begins_so() {
    let path = &paths("std::fs::read")[0];
    assert!(path.is_in("std") && path.is_in("std::fs"));
    assert!(!path.is_in("std::f") && !path.is_in("std::fs::read::x"));
}

//! The files of the repository as the rules see them, and the form in which a rule complains.
//!
//! Knows where the repository is and which folders are not ours; knows no rule.

use std::fs;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::masked::Masked;

/// One text file: its path from the top of the repository, with `/`, and what it holds.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    /// A file as a test would write it down.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether the file is compiled for tests only, by where it stands and what it is called.
    pub(crate) fn is_test(&self) -> bool {
        let is_test = |part: &str| {
            matches!(part, "benches" | "conformance" | "tests" | "tests.rs")
                || part.starts_with("test_")
        };
        self.path.split('/').any(is_test)
    }

    /// Whether the file is of a bench, which keeps real time on purpose.
    pub(crate) fn is_bench(&self) -> bool {
        self.path.split('/').any(|part| part == "benches")
    }

    /// The text without a trailing `#[cfg(test)] mod tests { … }`.
    pub(crate) fn without_tests(&self) -> &str {
        let masked = Masked::new(&self.text);
        let mut start_bytes = 0;
        for line in masked.code.split_inclusive('\n') {
            let rest = masked.code[start_bytes..].trim_start();
            if line.starts_with("#[cfg(test)]") && declares_tests(rest) {
                return &self.text[..start_bytes];
            }
            start_bytes += line.len();
        }
        &self.text
    }

    /// An offence at `line`, counted from 1: what is wrong there, and what would do.
    pub(crate) fn offence(&self, line: usize, what: impl AsRef<str>) -> String {
        format!("{}:{line}: {}", self.path, what.as_ref())
    }
}

/// Whether `code` goes on with `#[cfg(test)] mod tests {`, other attributes aside.
fn declares_tests(code: &str) -> bool {
    code.lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with('#'))
        .is_some_and(|line| line.starts_with("mod tests {"))
}

/// Every text file of the repository, in order of path.
pub(crate) fn all() -> Vec<File> {
    let walk = WalkDir::new(root()).sort_by_file_name().into_iter();
    walk.filter_entry(|entry| !is_foreign(entry.path()))
        .map(|entry| entry.expect("the repository can be read"))
        .filter(|entry| entry.file_type().is_file())
        .filter_map(|entry| {
            // Music is not UTF-8, and there is nothing in it for these rules.
            let text = fs::read_to_string(entry.path()).ok()?;
            Some(File { path: from_root(entry.path()), text })
        })
        .collect()
}

/// Every Rust file of the repository.
pub(crate) fn rust() -> Vec<File> {
    all().into_iter().filter(File::is_rust).collect()
}

/// The names at the top of the repository, folders with a trailing `/`.
pub(crate) fn top_level() -> Vec<String> {
    let walk = WalkDir::new(root()).min_depth(1).max_depth(1).sort_by_file_name().into_iter();
    walk.filter_entry(|entry| !is_foreign(entry.path()))
        .map(|entry| entry.expect("the repository can be read"))
        .map(|entry| {
            let slash = if entry.file_type().is_dir() { "/" } else { "" };
            format!("{}{slash}", from_root(entry.path()))
        })
        .collect()
}

/// Fails with every offence on its own line, if there is one.
#[track_caller]
pub(crate) fn assert_none(offences: &[String]) {
    assert!(offences.is_empty(), "\n{}\n", offences.join("\n"));
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("tests/ has a parent")
}

fn from_root(path: &Path) -> String {
    let path = path.strip_prefix(root()).expect("walked from the root");
    path.to_str().expect("our file names are ASCII").replace('\\', "/")
}

/// What git keeps for itself, what cargo builds, and what the fuzzer finds: none of it is tracked.
fn is_foreign(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let in_fuzz = path.parent().is_some_and(|parent| parent.ends_with("common/fuzz"));
    matches!(name, ".git" | "target")
        || in_fuzz && matches!(name, "artifacts" | "corpus" | "coverage")
}

#[test]
fn trailing_tests_are_not_counted_and_earlier_ones_are() {
    let file = File::new("a.rs", "//! A.\nfn f() {}\n\n#[cfg(test)]\nmod tests {\n}\n");
    assert_eq!(file.without_tests(), "//! A.\nfn f() {}\n\n");

    let file = File::new("a.rs", "#[cfg(test)]\nmod fake;\nfn f() {}\n");
    assert_eq!(file.without_tests(), file.text);
}

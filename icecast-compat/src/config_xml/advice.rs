//! What there is to say about a configuration beside its values, each with its line.
//!
//! Icecast reads past what it does not know and takes `1M` for 1, without a word. The same file is
//! taken here, and the word is said. This module words what can be said by the element's name
//! alone; it knows no file and no log.

use super::number::Unit;

/// One remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// The line of the file, counted from 1.
    pub line: usize,
    /// How much it matters.
    pub severity: Severity,
    /// What is so, and what would do; one line, lower case.
    pub what: String,
}

/// How much a remark matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The configuration contradicts itself or cannot work: nothing should start with it.
    Mistake,
    /// True, and nobody needs to do anything.
    Note,
    /// Somebody might expect otherwise.
    Warning,
}

impl Advice {
    /// A remark that must be heeded before anything starts.
    pub fn mistake(line: usize, what: impl Into<String>) -> Self {
        Self { line, severity: Severity::Mistake, what: what.into() }
    }

    /// A remark for the curious.
    pub fn note(line: usize, what: impl Into<String>) -> Self {
        Self { line, severity: Severity::Note, what: what.into() }
    }

    /// A remark for whoever runs the server.
    pub fn warning(line: usize, what: impl Into<String>) -> Self {
        Self { line, severity: Severity::Warning, what: what.into() }
    }
}

/// A name that Icecast does not know here, with the one it may be a slip of.
pub(super) fn stranger(line: usize, name: &str, known: &[&str]) -> Advice {
    let name = shown(name);
    let what = match nearest(&name, known) {
        Some(known) => {
            format!("<{name}> is not an element of Icecast's here; did you mean <{known}>? ignored")
        }
        None => format!("<{name}> is not an element of Icecast's here; ignored"),
    };
    Advice::warning(line, what)
}

/// A number that is not written as one.
pub(super) fn odd_number(
    line: usize,
    name: &str,
    text: &str,
    value: i32,
    unit: Unit,
    meant: Option<i64>,
) -> Advice {
    let (text, value) = (shown(text), unit.of(value));
    let plainly = match meant {
        Some(meant) => format!("write {meant}"),
        None => "write a plain number".to_owned(),
    };
    Advice::warning(line, format!("<{name}>{text}</{name}> means {value} to Icecast; {plainly}"))
}

/// A word where Icecast wants 0 or 1. To Icecast every word is 0.
pub(super) fn odd_flag(line: usize, name: &str, text: &str, value: bool) -> Advice {
    let text = shown(text);
    let what = if value {
        format!("<{name}>{text}</{name}> means 0 to Icecast and 1 here; write 1")
    } else {
        format!("<{name}>{text}</{name}> means 0; write 0")
    };
    Advice::warning(line, what)
}

/// A number or a flag without any text, on which Icecast 2.4.4 crashes.
pub(super) fn empty(line: usize, name: &str) -> Advice {
    let what = format!("<{name}> is empty, on which Icecast 2.4.4 crashes; its default counts");
    Advice::warning(line, what)
}

/// Text beside the elements of a block, such as what was meant to be a comment.
pub(super) fn loose_text(line: usize, name: &str) -> Advice {
    Advice::warning(line, format!("<{name}> holds text outside of its elements; ignored"))
}

/// `text` on one line, without control characters, and not too long to quote.
fn shown(text: &str) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    let mut shown: String = text.trim().chars().map(clean).take(SHOWN_CHARS_MAX).collect();
    if text.trim().chars().count() > SHOWN_CHARS_MAX {
        shown.push('…');
    }
    shown
}

/// The known name that `name` most likely is a slip of.
fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let distance = |known: &&str| strsim::damerau_levenshtein(name, known);
    let best = known.iter().copied().min_by_key(distance)?;
    (distance(&best) <= best.len().max(name.len()) / 3).then_some(best)
}

/// The most characters of a text that a remark quotes.
const SHOWN_CHARS_MAX: usize = 40;

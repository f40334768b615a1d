//! The differences that are decisions.

use common::config::{Mistakes, read};
use std::collections::BTreeSet;

/// A difference that is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The cases in which it may be seen, as `area/case`; `*` stands for anything.
    pub cases: Vec<String>,
    /// Lines that Icecast sends and we do not; `*` stands for anything.
    pub theirs: Vec<String>,
    /// Lines that we send and Icecast does not.
    pub ours: Vec<String>,
}

/// All differences that are meant, and which of them have been seen.
#[derive(Debug, Default)]
pub struct Meant {
    differences: Vec<Difference>,
    seen: BTreeSet<(usize, String)>,
}

/// The differences in `text`, which stands in `file`: for each, in `[[difference]]`, the `cases`,
/// the lines that are `theirs` only and those that are `ours` only, and `why`.
///
/// Fails with every mistake, such as a difference without a reason.
pub fn parse(file: &str, text: &str) -> Result<Meant, Mistakes> {
    let differences = read(file, text, |top| {
        top.list("difference", |section| {
            let _why: Option<String> = section.required("why");
            Difference {
                cases: section.required("cases").unwrap_or_default(),
                theirs: section.value("theirs").unwrap_or_default(),
                ours: section.value("ours").unwrap_or_default(),
            }
        })
    })?;
    Ok(Meant { differences, seen: BTreeSet::new() })
}

impl Meant {
    /// What of two transcripts of `case` differs without being meant, as lines for a reader; empty
    /// if all is as it should be.
    pub fn unmeant(&mut self, case: &str, theirs: &str, ours: &str) -> Vec<String> {
        let (theirs, ours): (Vec<_>, Vec<_>) = (theirs.lines().collect(), ours.lines().collect());
        let mut found = Vec::new();
        for change in changes(&theirs, &ours) {
            let (sign, line) = match change {
                Change::Ours(line) => ('+', line),
                Change::Theirs(line) => ('-', line),
            };
            if !self.is_meant(case, change) {
                found.push(format!("{case}: {sign} {line}"));
            }
        }
        found
    }

    /// Every case and line of a difference that has not been seen, as lines for a reader.
    pub fn unseen(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (index, difference) in self.differences.iter().enumerate() {
            let all = [&difference.cases, &difference.theirs, &difference.ours];
            let unseen = all.into_iter().flatten().filter(|text| {
                let text = (*text).clone();
                !self.seen.contains(&(index, text))
            });
            found.extend(unseen.map(|text| format!("meant, but not seen: {text}")));
        }
        found
    }

    fn is_meant(&mut self, case: &str, change: Change<'_>) -> bool {
        let mut is_meant = false;
        for (index, difference) in self.differences.iter().enumerate() {
            let (lines, line) = match change {
                Change::Ours(line) => (&difference.ours, line),
                Change::Theirs(line) => (&difference.theirs, line),
            };
            let cases = difference.cases.iter().filter(|pattern| fits(pattern, case));
            let lines = lines.iter().filter(|pattern| fits(pattern, line));
            let (cases, lines): (Vec<_>, Vec<_>) = (cases.collect(), lines.collect());
            if !cases.is_empty() && !lines.is_empty() {
                is_meant = true;
                let seen = cases.into_iter().chain(lines).map(|text| (index, text.clone()));
                self.seen.extend(seen);
            }
        }
        is_meant
    }
}

/// A line that only one of two transcripts has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change<'a> {
    Ours(&'a str),
    Theirs(&'a str),
}

/// The lines that are not common to both, in order; as few as can be.
fn changes<'a>(theirs: &[&'a str], ours: &[&'a str]) -> Vec<Change<'a>> {
    // common[t][o]: how many lines can be common to theirs from t on and ours from o on.
    let mut common = vec![vec![0_usize; ours.len() + 1]; theirs.len() + 1];
    for t in (0..theirs.len()).rev() {
        for o in (0..ours.len()).rev() {
            common[t][o] = match theirs[t] == ours[o] {
                true => common[t + 1][o + 1] + 1,
                false => common[t + 1][o].max(common[t][o + 1]),
            };
        }
    }
    let (mut t, mut o, mut found) = (0, 0, Vec::new());
    while t < theirs.len() || o < ours.len() {
        if t < theirs.len() && o < ours.len() && theirs[t] == ours[o] {
            (t, o) = (t + 1, o + 1);
        } else if o == ours.len() || t < theirs.len() && common[t + 1][o] >= common[t][o + 1] {
            found.push(Change::Theirs(theirs[t]));
            t += 1;
        } else {
            found.push(Change::Ours(ours[o]));
            o += 1;
        }
    }
    found
}

/// Whether `text` is what `pattern` says, in which `*` stands for anything.
pub fn fits(pattern: &str, text: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else { return pattern == text };
    let Some(rest) = text.strip_prefix(before) else { return false };
    (0..=rest.len()).any(|at| rest.is_char_boundary(at) && fits(after, &rest[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(text: &str) -> Meant {
        parse("d.toml", text).unwrap()
    }

    #[test]
    fn a_difference_that_is_not_meant_is_found() {
        let mut none = Meant::default();
        assert_eq!(none.unmeant("c", "a\nb\n", "a\nx\n"), ["c: - b", "c: + x"]);
        assert_eq!(none.unmeant("c", "a\na\n", "a\n"), ["c: - a"]);
        assert_eq!(none.unmeant("c", "a\nb\n", "b\na\n"), ["c: - a", "c: + a"]);

        let mut some =
            meant("[[difference]]\nwhy = 'so'\ncases = ['c*']\ntheirs = ['b']\nours = ['x*y']\n");
        assert!(some.unmeant("c/d", "a\nb\n", "a\nx 1 y\n").is_empty());
        assert_eq!(some.unmeant("d", "b\n", "").len(), 1);
        assert!(some.unseen().is_empty());
    }

    #[test]
    fn a_difference_that_is_meant_and_not_there_is_found() {
        let mut some = meant("[[difference]]\nwhy = 'so'\ncases = ['c']\ntheirs = ['b', 'd']\n");
        assert_eq!(some.unseen().len(), 3);

        let _ = some.unmeant("c", "b\n", "");

        assert_eq!(some.unseen(), ["meant, but not seen: d"]);
    }

    #[test]
    fn a_difference_needs_a_reason() {
        let text = "[[difference]]\ncases = ['a', 'b']\nours = ['x']\n";

        assert!(parse("d.toml", text).is_err());
        assert!(parse("d.toml", &format!("{text}why = 'so'\n")).is_ok());
    }
}

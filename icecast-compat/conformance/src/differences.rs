//! The differences that are decisions.

use common::config::{Mistakes, read};

/// A difference that is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The case in which it is seen.
    pub case: String,
    /// Lines that Icecast sends and we do not.
    pub theirs: Vec<String>,
    /// Lines that we send and Icecast does not.
    pub ours: Vec<String>,
}

/// The differences in `text`, which stands in `file`: for each case, in `[[difference]]`, the
/// lines that are `theirs` only and those that are `ours` only, and `why`.
///
/// Fails with every mistake, such as a difference without a reason.
pub fn parse(file: &str, text: &str) -> Result<Vec<Difference>, Mistakes> {
    read(file, text, |top| {
        let found = top.list("difference", |section| {
            let _why: Option<String> = section.required("why");
            let cases: Vec<String> = section.required("cases").unwrap_or_default();
            let theirs: Vec<String> = section.value("theirs").unwrap_or_default();
            let ours: Vec<String> = section.value("ours").unwrap_or_default();
            cases.into_iter().map(move |case| Difference {
                case,
                theirs: theirs.clone(),
                ours: ours.clone(),
            })
        });
        found.into_iter().flatten().collect()
    })
}

/// What of two transcripts differs without being meant, as lines for a reader; and what is meant
/// and does not differ. Empty if all is as it should be.
pub fn unmeant(case: &str, theirs: &str, ours: &str, meant: &[Difference]) -> Vec<String> {
    let meant: Vec<_> = meant.iter().filter(|difference| difference.case == case).collect();
    let all = |side: fn(&Difference) -> &Vec<String>| -> Vec<&str> {
        meant.iter().flat_map(|difference| side(difference)).map(String::as_str).collect()
    };
    let mut found = Vec::new();
    for (sign, these, those, allowed) in [
        ('-', theirs, ours, all(|difference| &difference.theirs)),
        ('+', ours, theirs, all(|difference| &difference.ours)),
    ] {
        let only: Vec<&str> = extra(these, those);
        let stray = only.iter().filter(|line| !allowed.contains(line));
        found.extend(stray.map(|line| format!("{case}: {sign} {line}")));
        let gone = allowed.iter().filter(|line| !only.contains(line));
        found.extend(gone.map(|line| format!("{case}: meant, but not seen: {sign} {line}")));
    }
    if found.is_empty() && meant.is_empty() && theirs != ours {
        found.push(format!("{case}: the same lines in another order"));
    }
    found
}

/// The lines of `these` that are not in `those`, counting repetitions.
fn extra<'a>(these: &'a str, those: &str) -> Vec<&'a str> {
    let mut others: Vec<&str> = those.lines().collect();
    let is_extra = |line: &&str| match others.iter().position(|other| other == line) {
        Some(at) => {
            others.swap_remove(at);
            false
        }
        None => true,
    };
    these.lines().filter(is_extra).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(theirs: &[&str], ours: &[&str]) -> Vec<Difference> {
        let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
        vec![Difference { case: "c".to_owned(), theirs: lines(theirs), ours: lines(ours) }]
    }

    #[test]
    fn a_difference_that_is_not_meant_is_found() {
        assert_eq!(unmeant("c", "a\nb\n", "a\nx\n", &[]), ["c: - b", "c: + x"]);
        assert!(unmeant("c", "a\nb\n", "a\nx\n", &meant(&["b"], &["x"])).is_empty());
        assert_eq!(unmeant("c", "a\na\n", "a\n", &[]), ["c: - a"]);
        assert_eq!(unmeant("c", "a\nb\n", "b\na\n", &[]).len(), 1);
    }

    #[test]
    fn a_difference_that_is_meant_and_not_there_is_found() {
        let found = unmeant("c", "a\n", "a\n", &meant(&["b"], &[]));

        assert_eq!(found, ["c: meant, but not seen: - b"]);
    }

    #[test]
    fn a_difference_needs_a_reason() {
        let text = "[[difference]]\ncases = ['a', 'b']\nours = ['x']\n";

        assert!(parse("d.toml", text).is_err());
        assert_eq!(parse("d.toml", &format!("{text}why = 'so'\n")).unwrap().len(), 2);
    }
}

//! Rules on single words and paths: what may be said only in one place, or nowhere.
//!
//! Looks for words in code and comments; what stands in a string is nobody's business here.

use crate::files::{self, File, assert_none};
use crate::masked::Masked;
use crate::paths::{NamedPath, paths};

/// Folders which may name the crate of Icecast's shapes: the seam, and that crate with its suite.
const SEAM: [&str; 2] = ["server/src/icecast/", "icecast-compat/"];

/// What `common` must not name: it spawns nothing and opens nothing.
const EFFECTS: [&str; 5] = ["tokio", "std::fs", "std::net", "std::process", "std::thread"];

/// How a task or thread begins: one of these modules and, right after it, one of these names. The
/// allowed way, `tasks.spawn(…)`, is no path.
const SPAWNS_IN: [&str; 3] = ["task", "thread", "tokio"];
const SPAWNS: [&str; 8] = [
    "Builder",
    "JoinSet",
    "LocalSet",
    "TaskTracker",
    "scope",
    "spawn",
    "spawn_blocking",
    "spawn_local",
];
/// The only files in which something may begin to run: tasks, and the source's threads.
const SPAWNERS: [&str; 5] = [
    "server/src/tasks.rs",
    "source/src/playlist/watch.rs",
    "source/src/state.rs",
    "source/src/station.rs",
    "source/src/tasks.rs",
];

/// The only file with `unsafe`; `source/design/unsafe.md` says why it is sound.
const UNSAFE_IN: &str = "source/src/encode/average.rs";

/// Promises to nobody: what is left to do is left out, or done.
const PROMISES: [&str; 3] = ["TODO", "FIXME", "XXX"];
const UNFINISHED: [&str; 2] = ["todo!", "unimplemented!"];

fn icecast_outside_the_seam(files: &[File]) -> Vec<String> {
    let what = "`icecast_compat` outside the seam; only server/src/icecast/ speaks it";
    let files = files.iter().filter(|file| !SEAM.iter().any(|seam| file.path.starts_with(seam)));
    files.flat_map(|file| words_at(file, &["icecast_compat"], what)).collect()
}

fn halves_that_meet(files: &[File]) -> Vec<String> {
    let mut offences = Vec::new();
    for file in files {
        let other = match file.path.split_once("/src/") {
            Some(("server", _)) => ["source", "carrier_source"],
            Some(("source", _)) => ["server", "carrier_server"],
            _ => continue,
        };
        for path in paths(&Masked::new(&file.text).code) {
            if other.iter().any(|other| path.is_in(other)) {
                let what = "the two halves meet only on the wire; share it through `common`";
                offences.push(file.offence(path.line, format!("`{}`: {what}", path.text())));
            }
        }
    }
    offences
}

fn effects_in_common(files: &[File]) -> Vec<String> {
    let what = "`common` spawns nothing and opens nothing; do it in `server` or `source`";
    let effect = |path: &NamedPath| EFFECTS.iter().any(|effect| path.is_in(effect));
    let common = files.iter().filter(|file| file.path.starts_with("common/src/"));
    common.flat_map(|file| paths_at(file, file.without_tests(), effect, what)).collect()
}

fn spawns_elsewhere(files: &[File]) -> Vec<String> {
    let what = "only tasks.rs spawns tasks, and few named files of the source threads; ask them";
    let product = files.iter().filter(|file| file.path.contains("/src/") && !file.is_test());
    let product = product.filter(|file| !SPAWNERS.contains(&file.path.as_str()));
    let spawns = |path: &NamedPath| {
        let mut pairs = path.segments.iter().zip(path.segments.iter().skip(1));
        pairs.any(|(module, name)| {
            SPAWNS_IN.contains(&module.as_str()) && SPAWNS.contains(&name.as_str())
        })
    };
    product.flat_map(|file| paths_at(file, file.without_tests(), spawns, what)).collect()
}

fn unsafe_elsewhere(files: &[File]) -> Vec<String> {
    let what = "only the one call of source/design/unsafe.md; find a safe way or write a note";
    let files = files.iter().filter(|file| file.path != UNSAFE_IN);
    files.flat_map(|file| words_at(file, &["unsafe"], what)).collect()
}

fn promises(files: &[File]) -> Vec<String> {
    let mut offences = Vec::new();
    for file in files {
        let masked = Masked::new(&file.text);
        let what = "a promise; do it, or say in a sentence what is not there and why";
        offences.extend(words_in(file, &masked.comments, &PROMISES, what));
        let what = "not finished; finish it or take it out";
        offences.extend(words_in(file, &masked.code, &UNFINISHED, what));
    }
    offences
}

fn allowed_lints(files: &[File]) -> Vec<String> {
    let what = "use `#[expect(…, reason = \"…\")]`, which says when it is no longer needed";
    let bad = ["#[allow(", "#![allow("];
    files.iter().flat_map(|file| words_at(file, &bad, what)).collect()
}

fn ignored_tests(files: &[File]) -> Vec<String> {
    let what = "a test that does not run is none; mend it, make it quick, or take it out";
    files.iter().flat_map(|file| words_at(file, &["#[ignore"], what)).collect()
}

fn sleeping_tests(files: &[File]) -> Vec<String> {
    let what = "a test waits for an event under a timeout, or moves a paused clock";
    let mut offences = Vec::new();
    for file in files.iter().filter(|file| !file.is_bench()) {
        let tests_at = if file.is_test() { 0 } else { file.without_tests().len() };
        let code = Masked::new(&file.text).code;
        let (product, tests) = code.split_at(tests_at);
        let code = product.replace(|c| c != '\n', " ") + tests;
        offences.extend(words_in(file, &code, &["sleep(", "sleep_until("], what));
    }
    offences
}

/// The offences of every one of `words` in the code of `file`.
fn words_at(file: &File, words: &[&str], what: &str) -> Vec<String> {
    words_in(file, &Masked::new(&file.text).code, words, what)
}

/// The offences of every one of `words` in `view`, a masked view of `file`.
fn words_in(file: &File, view: &str, words: &[&str], what: &str) -> Vec<String> {
    let mut offences = Vec::new();
    for (number, line) in view.lines().enumerate() {
        for word in words.iter().filter(|word| holds_word(line, word)) {
            offences.push(file.offence(number + 1, format!("`{word}`: {what}")));
        }
    }
    offences
}

/// Whether `word` stands in `line` and is not merely a part of a longer word.
fn holds_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let open_ended = !word.ends_with(is_part);
    line.match_indices(word).any(|(at, _)| {
        let before =
            line[..at].chars().next_back().is_some_and(is_part) && word.starts_with(is_part);
        let after = line[at + word.len()..].chars().next().is_some_and(is_part);
        !before && (open_ended || !after)
    })
}

/// The offences of every bad path in `text`, a part of `file` from its start.
fn paths_at(
    file: &File,
    text: &str,
    is_bad: impl Fn(&NamedPath) -> bool,
    what: &str,
) -> Vec<String> {
    let named = paths(&Masked::new(text).code).into_iter().filter(is_bad);
    named.map(|path| file.offence(path.line, format!("`{}`: {what}", path.text()))).collect()
}

#[test]
fn icecast_is_spoken_only_at_the_seam() {
    assert_none(&icecast_outside_the_seam(&files::rust()));
}

#[test]
fn icecast_outside_the_seam_is_seen() {
    let text = "// icecast_compat\nuse icecast_compat::yp;\n";
    let bad = ["server/src/yp.rs", "source/src/push/mod.rs", "tests/it/main.rs"];
    for path in bad {
        assert_eq!(icecast_outside_the_seam(&[File::new(path, text)]).len(), 1, "{path}");
    }
    assert_none(&icecast_outside_the_seam(&[File::new("server/src/icecast/yp.rs", text)]));
}

#[test]
fn the_two_halves_name_each_other_nowhere() {
    assert_none(&halves_that_meet(&files::rust()));
}

#[test]
fn a_half_that_names_the_other_is_seen() {
    let text = "use server::mount;\nuse source::push;\nuse crate::server::Server;\n";
    let offences = halves_that_meet(&[
        File::new("source/src/lib.rs", text),
        File::new("server/src/lib.rs", text),
        File::new("examples/station.rs", text),
    ]);
    let places: Vec<_> = offences.iter().map(|text| text.split(": ").next()).collect();
    assert_eq!(places, [Some("source/src/lib.rs:1"), Some("server/src/lib.rs:2")]);
}

#[test]
fn common_spawns_nothing_and_opens_nothing() {
    assert_none(&effects_in_common(&files::rust()));
}

#[test]
fn an_effect_in_common_is_seen_even_in_braces() {
    let bad = ["use std::{fmt, fs};", "std::net::TcpStream::connect(a)", "use tokio::time;"];
    for text in bad {
        assert_eq!(effects_in_common(&[File::new("common/src/a.rs", text)]).len(), 1, "{text}");
    }
    let good = "use std::net_like;\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n";
    assert_none(&effects_in_common(&[File::new("common/src/a.rs", good)]));
}

#[test]
fn only_tasks_and_station_spawn() {
    assert_none(&spawns_elsewhere(&files::rust()));
}

#[test]
fn a_spawn_elsewhere_is_seen_and_asking_the_tasks_is_none() {
    let bad = ["tokio::spawn(a);", "use tokio::task::{self, JoinSet};", "thread::Builder::new()"];
    for text in bad {
        assert_eq!(spawns_elsewhere(&[File::new("server/src/a.rs", text)]).len(), 1, "{text}");
    }
    for text in ["self.tasks.spawn(a);", "tokio::task::yield_now().await;", "thread::current()"] {
        assert_none(&spawns_elsewhere(&[File::new("server/src/a.rs", text)]));
    }
    assert_none(&spawns_elsewhere(&[File::new("server/src/tasks.rs", bad[0])]));
}

#[test]
fn only_one_call_is_unsafe() {
    assert_none(&unsafe_elsewhere(&files::rust()));
}

#[test]
fn an_unsafe_call_elsewhere_is_seen() {
    let text = "#![forbid(unsafe_code)] // unsafe\nlet a = unsafe { b() };\n";
    assert_eq!(unsafe_elsewhere(&[File::new("server/src/a.rs", text)]).len(), 1);
    assert_none(&unsafe_elsewhere(&[File::new(UNSAFE_IN, text)]));
}

#[test]
fn nothing_is_promised() {
    assert_none(&promises(&files::rust()));
}

#[test]
fn a_promise_is_seen_and_a_string_is_none() {
    let bad = ["// TODO: later", "/* FIXME */", "//! XXX", "todo!()", "unimplemented!(\"a\")"];
    for text in bad {
        assert_eq!(promises(&[File::new("a.rs", text)]).len(), 1, "{text}");
    }
    assert_none(&promises(&[File::new("a.rs", "let a = \"TODO\"; // TODOS of others")]));
}

#[test]
fn no_lint_is_merely_allowed() {
    assert_none(&allowed_lints(&files::rust()));
}

#[test]
fn an_allowed_lint_is_seen() {
    let bad = ["#[allow(dead_code)]", "#![allow(dead_code)]"];
    for text in bad {
        assert_eq!(allowed_lints(&[File::new("a.rs", text)]).len(), 1, "{text}");
    }
    assert_none(&allowed_lints(&[File::new("a.rs", "#[expect(dead_code)] // #[allow(")]));
}

#[test]
fn no_test_is_ignored() {
    assert_none(&ignored_tests(&files::rust()));
}

#[test]
fn an_ignored_test_is_seen() {
    let bad = ["#[ignore]", "#[ignore = \"slow\"]"];
    for text in bad {
        assert_eq!(ignored_tests(&[File::new("a.rs", text)]).len(), 1, "{text}");
    }
}

#[test]
fn no_test_sleeps() {
    assert_none(&sleeping_tests(&files::rust()));
}

#[test]
fn a_sleeping_test_is_seen_and_a_sleeping_product_is_none() {
    let sleep = "tokio::time::sleep(SHORT).await;\n";
    let in_tests = format!("{sleep}#[cfg(test)]\nmod tests {{\n{sleep}}}\n");

    let offences = sleeping_tests(&[
        File::new("server/src/a.rs", &in_tests),
        File::new("server/src/b.rs", sleep),
        File::new("tests/it/c.rs", "thread::sleep(SHORT);"),
        File::new("tests/it/d.rs", "no_sleep(SHORT);"),
    ]);

    let places: Vec<_> = offences.iter().map(|text| text.split(": ").next()).collect();
    assert_eq!(places, [Some("server/src/a.rs:4"), Some("tests/it/c.rs:1")]);
}

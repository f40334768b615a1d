//! Rules on manifests and on the top of the repository: members, lints, who depends on whom.
//!
//! Reads TOML; knows no Rust.

use toml::{Table, Value};

use crate::files::{self, File, assert_none};

/// What the top of the repository holds, beside dot-files. Everything else has a place inside.
const TOP_LEVEL: [&str; 13] = [
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "common/",
    "examples/",
    "icecast-compat/",
    "server/",
    "source/",
    "tests/",
];

/// Our crates in the product, and which of our crates each may depend on.
const DEPENDS_ON: [(&str, &[&str]); 4] = [
    ("common", &[]),
    ("icecast-compat", &["common"]),
    ("server", &["common", "icecast-compat"]),
    ("source", &["common"]),
];
/// Every name by which a manifest may ask for one of our crates.
const OURS: [&str; 9] = [
    "carrier-server",
    "carrier-source",
    "common",
    "conformance",
    "e2e",
    "examples",
    "icecast-compat",
    "server",
    "source",
];
/// The tables of a manifest that make it depend on something.
const TABLES: [&str; 3] = ["build-dependencies", "dependencies", "dev-dependencies"];

fn strangers_at_the_top(names: &[String]) -> Vec<String> {
    let known = |name: &str| name.starts_with('.') || TOP_LEVEL.contains(&name);
    let strangers = names.iter().filter(|name| !known(name));
    strangers
        .map(|name| format!("{name}:1: not of the top level; give it a place inside"))
        .collect()
}

fn members_without_lints(files: &[File]) -> Vec<String> {
    let what = "lints are not the workspace's; add `[lints]` with `workspace = true`";
    let members = files.iter().filter(|file| is_member(file));
    let lax = members.filter(|file| {
        let lints = table(file).remove("lints");
        lints.and_then(|lints| lints.get("workspace")?.as_bool()) != Some(true)
    });
    lax.map(|file| file.offence(1, what)).collect()
}

fn wrong_dependencies(files: &[File]) -> Vec<String> {
    let mut offences = Vec::new();
    for (member, may) in DEPENDS_ON {
        let path = format!("{member}/Cargo.toml");
        let Some(file) = files.iter().find(|file| file.path == path) else { continue };
        for name in ours_in(&table(file)) {
            if !may.contains(&name.as_str()) {
                let what =
                    format!("`{member}` must not depend on `{name}`, only on {may:?} of ours");
                offences.push(file.offence(line_of(file, &name), what));
            }
        }
    }
    offences
}

fn dependencies_from_git(files: &[File]) -> Vec<String> {
    let what = "a dependency from git; take a released version from crates.io";
    let locks = files.iter().filter(|file| file.path == "Cargo.lock");
    let sources =
        locks.flat_map(|file| file.text.lines().enumerate().map(move |line| (file, line)));
    let from_git = sources.filter(|(_, (_, line))| line.starts_with("source = \"git+"));
    from_git.map(|(file, (number, _))| file.offence(number + 1, what)).collect()
}

/// Whether `file` is the manifest of a workspace member; the fuzzing package is none.
fn is_member(file: &File) -> bool {
    file.path.ends_with("/Cargo.toml") && file.path != "common/fuzz/Cargo.toml"
}

fn table(file: &File) -> Table {
    file.text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.path))
}

/// Which of our crates the manifest asks for, in every table, for every target, renamed or not.
fn ours_in(manifest: &Table) -> Vec<String> {
    let mut names = Vec::new();
    for (key, value) in manifest {
        let Value::Table(inner) = value else { continue };
        if TABLES.contains(&key.as_str()) {
            let package = |(name, value): (&String, &Value)| {
                let package = value.get("package").and_then(Value::as_str);
                package.map_or_else(|| name.clone(), str::to_owned)
            };
            names.extend(inner.iter().map(package).filter(|name| OURS.contains(&name.as_str())));
        } else {
            names.extend(ours_in(inner));
        }
    }
    names
}

/// The first line that begins with `name` or mentions it, counted from 1.
fn line_of(file: &File, name: &str) -> usize {
    let begins = file.text.lines().position(|line| line.starts_with(name));
    begins.or_else(|| file.text.lines().position(|line| line.contains(name))).unwrap_or(0) + 1
}

#[test]
fn the_top_level_holds_only_what_the_house_names() {
    assert_none(&strangers_at_the_top(&files::top_level()));
}

#[test]
fn a_stranger_at_the_top_level_is_seen() {
    let names = ["xtask/", "tests", "README.md", ".ci/", "tests/"].map(str::to_owned);
    let offences = strangers_at_the_top(&names);
    let places: Vec<_> = offences.iter().map(|text| text.split(':').next()).collect();
    assert_eq!(places, [Some("xtask/"), Some("tests")]);
}

#[test]
fn every_member_takes_the_lints_of_the_workspace() {
    assert_none(&members_without_lints(&files::all()));
}

#[test]
fn a_member_without_the_lints_is_seen() {
    let offences = members_without_lints(&[
        File::new("a/Cargo.toml", "[package]\n"),
        File::new("b/Cargo.toml", "[lints]\nworkspace = false\n"),
        File::new("c/Cargo.toml", "[lints]\nworkspace = true\n"),
        File::new("Cargo.toml", "[workspace]\n"),
    ]);
    assert_eq!(offences.len(), 2, "{offences:?}");
}

#[test]
fn our_crates_depend_only_downwards_and_the_halves_never_on_each_other() {
    assert_none(&wrong_dependencies(&files::all()));
}

#[test]
fn a_wrong_dependency_is_seen_also_renamed_or_for_tests() {
    let bad = [
        ("server/Cargo.toml", "[dev-dependencies]\nsource.workspace = true\n"),
        (
            "source/Cargo.toml",
            "[dependencies]\nx = { package = \"carrier-server\", path = \"\" }\n",
        ),
        ("source/Cargo.toml", "[target.'cfg(unix)'.dependencies]\nicecast-compat = \"0\"\n"),
        ("common/Cargo.toml", "[build-dependencies]\nserver = \"0\"\n"),
    ];
    for (path, text) in bad {
        let offences = wrong_dependencies(&[File::new(path, text)]);
        assert_eq!(offences.len(), 1, "{path}");
        assert!(offences[0].starts_with(&format!("{path}:2: ")), "{offences:?}");
    }
    let good = "[dependencies]\ncommon.workspace = true\nsource-map = \"1\"\n";
    assert_none(&wrong_dependencies(&[File::new("source/Cargo.toml", good)]));
}

#[test]
fn nothing_is_locked_to_a_git_repository() {
    assert_none(&dependencies_from_git(&files::all()));
}

#[test]
fn a_dependency_from_git_is_seen() {
    let lock = "[[package]]\nname = \"a\"\nsource = \"git+https://a.example/a#1\"\n";
    assert_eq!(dependencies_from_git(&[File::new("Cargo.lock", lock)]).len(), 1);
}

//! Configuration: any text is read, or answered with mistakes that have a place and fit a line.
#![no_main]

use std::time::Duration;

use common::auth::Password;
use common::config::{self, Section, Size};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let lines = text.lines().count().max(1);
    let Err(mistakes) = config::read("station.toml", text, walk) else { return };
    assert!(!mistakes.0.is_empty());
    for mistake in mistakes.0 {
        assert!((1..=lines + 1).contains(&mistake.line), "{mistake} of {lines} lines");
        assert!(!mistake.to_string().contains(['\n', '\r']), "{mistake:?}");
    }
});

/// Asks for every type and every kind of section, under names short enough to be guessed.
fn walk(section: &mut Section<'_>) {
    section.value::<String>("a");
    section.required::<u16>("b");
    section.value::<bool>("c");
    section.value::<f64>("d");
    section.section("e", |section| {
        section.value::<Size>("a");
        section.value::<Duration>("b");
        section.value::<Password>("c");
    });
    section.named("f", |_, section| section.value::<u64>("a"));
    section.list("g", |section| section.value::<Vec<u32>>("a"));
}

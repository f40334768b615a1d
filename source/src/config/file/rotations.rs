//! Reads `[rotations.NAME]`: lists that take turns.

use super::rules;
use super::values::{Names, Texts, called, choice, none_of};
use crate::config::entries::{RotationConfig, RotationOrder};
use crate::playlist::selection::DEPTH_MAX;
use common::config::Section;
use jiff::tz::TimeZone;
use std::iter::repeat;

/// Every rotation of the file, of what is called by one of the names `known` or of rotations
/// above it, so that none can lead back to itself.
pub(super) fn read(
    top: &mut Section<'_>,
    zone: &TimeZone,
    known: &[String],
    names: &mut Names,
) -> Vec<RotationConfig> {
    let mut depths: Vec<(String, usize)> = known.iter().map(|name| (name.clone(), 0)).collect();
    top.named("rotations", |name, section| {
        let rotation = rotation(name, section, zone, names);
        let known: Vec<&str> = depths.iter().map(|(name, _)| name.as_str()).collect();
        for (strange, _) in rotation.play.iter().filter(|(name, _)| !known.contains(&&**name)) {
            section.wrong("play", none_of(strange, &known));
        }
        let inner =
            depths.iter().filter(|(name, _)| rotation.play.iter().any(|(it, _)| it == name));
        let depth = inner.map(|(_, depth)| depth + 1).max().unwrap_or(1);
        if depth >= DEPTH_MAX {
            section.wrong("play", format_args!("rotations stand in rotations {DEPTH_MAX} deep"));
        }
        depths.push((name.to_owned(), depth));
        rotation
    })
}

fn rotation(
    name: &str,
    section: &mut Section<'_>,
    zone: &TimeZone,
    names: &mut Names,
) -> RotationConfig {
    if let Err(what) = names.claim(name, &called("rotation", name)) {
        section.wrong_here(what);
    }
    let Texts(play) = section.required("play").unwrap_or(Texts(Vec::new()));
    if play.is_empty() {
        section.wrong("play", "is empty; name the playlists that take turns");
    }
    let weights: Vec<u32> = section.value("weights").unwrap_or_else(|| vec![1; play.len()]);
    if weights.len() != play.len() {
        let (weights, lists) = (weights.len(), play.len());
        section.wrong("weights", format_args!("{weights} weights for {lists} lists"));
    }
    if weights.contains(&0) {
        section.wrong("weights", "0 is no weight; take the list out instead");
    }
    let seed: Option<u64> = section.value("seed");
    let orders = [("random", RotationOrder::Random { seed }), ("turns", RotationOrder::Turns)];
    let order = choice(section, "order", &orders).unwrap_or_default();
    if seed.is_some() && order == RotationOrder::Turns {
        section.wrong("seed", "is of use only with order = \"random\"");
    }
    RotationConfig {
        name: name.to_owned(),
        play: play.into_iter().zip(weights.into_iter().chain(repeat(1))).collect(),
        order,
        rules: rules::read(section, zone, false),
    }
}

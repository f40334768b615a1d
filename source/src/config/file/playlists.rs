//! Reads `[playlists.NAME]`: what there is to play, in which order, and when it is read again.

use super::rules;
use super::values::{Names, Texts, called, choice, none_of};
use crate::alphabet::TagCharset;
use crate::config::{OrderConfig, PlaylistConfig, ReloadConfig};
use crate::fetch::address::HttpAddress;
use crate::playlist::item::is_http;
use crate::playlist::rules::Rules;
use common::config::{Section, Value};
use common::units::parse_duration;
use jiff::tz::TimeZone;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::de::DeValue;

/// Every playlist of the file.
pub(super) fn read(
    top: &mut Section<'_>,
    folder: &Path,
    zone: &TimeZone,
    tag_charset: Option<TagCharset>,
    names: &mut Names,
) -> Vec<PlaylistConfig> {
    top.named("playlists", |name, section| PlaylistConfig {
        rules: rules::read(section, zone, false),
        tag_charset: super::tag_charset(section).or(tag_charset),
        ..playlist(name, section, folder, names)
    })
}

fn playlist(
    name: &str,
    section: &mut Section<'_>,
    folder: &Path,
    names: &mut Names,
) -> PlaylistConfig {
    let owner = called("playlist", name);
    if let Err(what) = names.claim(name, &owner) {
        section.wrong_here(what);
    }
    let paths = section.required::<Texts>("path").map(|Texts(paths)| paths);
    if paths.as_ref().is_some_and(|paths| paths.iter().all(String::is_empty)) {
        section.wrong("path", "is empty; name a file, a folder or a list");
    }
    let place = |path: &String| {
        if !is_http(path.as_bytes()) {
            return folder.join(path);
        }
        if let Err(error) = HttpAddress::parse(path) {
            section.wrong("path", format_args!("`{path}`: {error}"));
        }
        PathBuf::from(path)
    };
    let paths = paths.unwrap_or_default().iter().map(place).collect();
    PlaylistConfig {
        name: name.to_owned(),
        paths,
        order: order(section),
        reload: section.value::<Reload>("reload").map(|Reload(it)| it).unwrap_or_default(),
        tag_charset: None,
        aliases: names.aliases(section, &owner),
        rules: Rules::always(),
    }
}

fn order(section: &mut Section<'_>) -> OrderConfig {
    let seed: Option<u64> = section.value("seed");
    let choices = [
        ("normal", OrderConfig::Normal),
        ("random", OrderConfig::Random { seed }),
        ("shuffle", OrderConfig::Shuffle { seed }),
    ];
    let order = choice(section, "order", &choices).unwrap_or_default();
    if seed.is_some() && order == OrderConfig::Normal {
        section.wrong("seed", "is of use only with order = \"shuffle\" or \"random\"");
    }
    order
}

struct Reload(ReloadConfig);

impl Value for Reload {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        match value.as_str() {
            Some("never") => return Ok(Self(ReloadConfig::Never)),
            Some("watch") => return Ok(Self(ReloadConfig::Watch)),
            Some(text) if parse_duration(text).is_err() => {
                return Err(format!("{}, nor a time such as \"300s\"", none_of(text, &WORDS)));
            }
            Some(_) | None => {}
        }
        match Duration::read(value)? {
            often if often < RELOAD_MIN => Err(format!(
                "{} ms is too often; {} s is the least",
                often.as_millis(),
                RELOAD_MIN.as_secs()
            )),
            every => Ok(Self(ReloadConfig::Every(every))),
        }
    }
}

const WORDS: [&str; 2] = ["never", "watch"];
/// A playlist is not read more often.
const RELOAD_MIN: Duration = Duration::from_secs(1);

//! The configuration file: `station.toml`.
//!
//! What a key means and what counts without it stands in `examples/station.toml`. Only paths and
//! addresses have no default; the smallest file is
//!
//! ```toml
//! [playlists.music]
//! path = "music/"
//!
//! [[outputs]]
//! url = "http://source:hackme@localhost:8000/live.mp3"
//! ```
//!
//! which is one channel that plays every playlist of the file, the first that has something to
//! play first. All mistakes are reported at once.

mod channels;
mod formats;
mod inputs;
mod outputs;
mod playlists;
mod queues;
mod rotations;
mod rules;
mod sound;
mod tracks;
mod values;

use crate::alphabet::TagCharset;
use crate::config::{Config, ControlConfig, Identity};
use crate::tls;
use common::config::variables::{self, Lookup};
use common::config::{Mistakes, Section, read_with};
use jiff::tz::TimeZone;
use std::path::{Path, PathBuf};
use values::{Names, address};

/// The configuration in `text`, which stands in `file`; relative paths in it start at the file's
/// folder, and variables such as `${PASSWORD}` are those of the environment.
///
/// Fails with every mistake in it.
pub fn parse(file: &Path, text: &str) -> Result<Config, Mistakes> {
    parse_with(file, text, &variables::environment)
}

/// The same with variables that `lookup` knows.
pub fn parse_with(file: &Path, text: &str, lookup: Lookup<'_>) -> Result<Config, Mistakes> {
    let folder = file.parent().unwrap_or_else(|| Path::new(""));
    read_with(&file.display().to_string(), text, Some(lookup), |top| {
        let mut names = Names::default();
        let (identity, zone, state, trust, tags) = top.section("station", |section| {
            let (state, trust) = (state(section, file, lookup), trust(section, folder));
            let tags = tag_charset(section);
            (identity(section, &Identity::default()), zone(section), state, trust, tags)
        });
        let playlists = playlists::read(top, folder, &zone, tags, &mut names);
        let queues = queues::read(top, folder, &zone, tags, &mut names);
        let inputs = inputs::read(top, &zone, &mut names);
        if playlists.is_empty() && queues.is_empty() && inputs.is_empty() {
            top.wrong("playlists", "missing; write [playlists.music] with a path");
        }
        let known = playlists.iter().map(|it| &it.name).chain(queues.iter().map(|it| &it.name));
        let known: Vec<String> = known.cloned().collect();
        let rotations = rotations::read(top, &zone, &known, &mut names);
        let playable = channels::Playable {
            playlists: &playlists,
            queues: &queues,
            inputs: &inputs,
            rotations: &rotations,
        };
        let channels = channels::read(top, folder, &playable);
        let outputs = outputs::read(top, &channels, &identity, &mut names);
        let control = top.section("control", |section| control(section, folder));
        Config {
            identity,
            playlists,
            queues,
            inputs,
            rotations,
            channels,
            outputs,
            control,
            state,
            trust,
        }
    })
}

/// What a section tells listeners; for what it does not say, `usual` counts.
fn identity(section: &mut Section<'_>, usual: &Identity) -> Identity {
    Identity { url: text(section, "url", &usual.url), ..about(section, usual) }
}

/// Where the state is kept: beside the configuration in `file`, or where the system has a place for
/// it, if it does not say.
fn state(section: &mut Section<'_>, file: &Path, lookup: Lookup<'_>) -> Option<PathBuf> {
    let folder = file.parent().unwrap_or_else(|| Path::new(""));
    match section.value::<String>("state").as_deref() {
        Some("") => {
            section.wrong("state", "is empty; name a file, or write \"none\"");
            None
        }
        Some("none") => None,
        Some(path) => Some(folder.join(path)),
        None => {
            let mut name = file.file_stem()?.to_owned();
            name.push(".state");
            // Of several folders, which systemd divides by colons, the first.
            let own = lookup("STATE_DIRECTORY").filter(|folders| !folders.is_empty());
            let own = own.and_then(|folders| folders.split(':').next().map(PathBuf::from));
            Some(own.unwrap_or_else(|| folder.to_owned()).join(name))
        }
    }
}

/// Who is believed besides those whom the system believes.
fn trust(section: &mut Section<'_>, folder: &Path) -> Option<PathBuf> {
    let named = section.value::<String>("trust").filter(|named| !named.is_empty())?;
    let path = folder.join(named);
    if let Err(error) = tls::certificates(&path) {
        let what = "name a PEM file of certificates";
        section.wrong("trust", format_args!("{}: {error}; {what}", path.display()));
    }
    Some(path)
}

/// Where the station's clock hangs: the machine's own zone if it does not say.
fn zone(section: &mut Section<'_>) -> TimeZone {
    let Some(name) = section.value::<String>("time_zone") else { return TimeZone::system() };
    TimeZone::get(&name).unwrap_or_else(|_| {
        section.wrong("time_zone", format_args!("`{name}` is no time zone such as Europe/Berlin"));
        TimeZone::UTC
    })
}

/// What tags are encoded in that do not say so.
fn tag_charset(section: &mut Section<'_>) -> Option<TagCharset> {
    let label = section.value::<String>("tag_charset").filter(|label| !label.is_empty())?;
    let charset = TagCharset::named(&label);
    if charset.is_none() {
        let what = "is no alphabet of old tags; write windows-1250, windows-1251 or the like";
        section.wrong("tag_charset", format_args!("`{label}` {what}"));
    }
    charset
}

/// The same without the home page.
fn about(section: &mut Section<'_>, usual: &Identity) -> Identity {
    Identity {
        name: text(section, "name", &usual.name),
        description: text(section, "description", &usual.description),
        genre: text(section, "genre", &usual.genre),
        url: usual.url.clone(),
        public: section.value("public").unwrap_or(usual.public),
    }
}

fn text(section: &mut Section<'_>, key: &'static str, usual: &str) -> String {
    let text: String = section.value(key).unwrap_or_else(|| usual.to_owned());
    if text.contains(char::is_control) {
        section.wrong(key, "holds a line end or another control character; leave it out");
    }
    text
}

fn control(section: &mut Section<'_>, folder: &Path) -> ControlConfig {
    let control = ControlConfig {
        telnet: address(section, "telnet"),
        http: address(section, "http"),
        socket: section.value::<String>("socket").map(|path| folder.join(path)),
        password: section.value("password"),
    };
    for (key, address) in [("telnet", control.telnet), ("http", control.http)] {
        let is_open = address.is_some_and(|address| !address.ip().is_loopback());
        if is_open && control.password.is_none() {
            section.wrong(key, "lets others than this machine in; set control.password as well");
        }
    }
    control
}

/// The effects that are done to each track, and what is done about silence, as the configuration
/// calls them.
pub const TRACK_EFFECTS: [&str; 4] = ["blank", "loudness", "replaygain", "trim-silence"];

#[cfg(test)]
mod tests;

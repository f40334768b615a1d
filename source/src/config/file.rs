//! The configuration file: `station.toml`.
//!
//! ```toml
//! [station]                       # what listeners and directories are told
//! name = "Räuber FM"
//! description = "Songs from the forest"
//! genre = "folk"
//! url = "https://raeuber.example"
//! public = false
//!
//! [programme]
//! play = ["music", "lists/evening.m3u"]   # files, folders, lists; from this file's folder
//! order = "shuffle"               # or "normal", the default
//! seed = 7                        # the same shuffle in every run; random without it
//! when_empty = "tone"             # or "silence"
//! sample_rate = 44100             # 32000, 44100 or 48000
//!
//! [output]
//! to = "http://source:hackme@localhost:8000/live.mp3"
//! bitrate = 128                   # kbit/s: 64 to 320
//! quality = 3                     # LAME's effort: 0 is best, 9 is fastest
//! method = "source"               # or "put"
//! ```
//!
//! Only `play` and `to` have no default. All mistakes are reported at once.

use crate::config::{
    BITRATE_KBPS, Config, Identity, Method, OrderConfig, Output, ProgrammeConfig, QUALITY, RATE_HZ,
};
use crate::encode::mp3::{BITRATES_KBPS, QUALITY_MAX, RATES_HZ};
use crate::mix::tone::WhenEmpty;
use common::config::{Mistakes, Section, read};
use std::path::Path;

/// The configuration in `text`, which stands in `file`; relative paths in it start at the file's
/// folder.
///
/// Fails with every mistake in it.
pub fn parse(file: &Path, text: &str) -> Result<Config, Mistakes> {
    let folder = file.parent().unwrap_or_else(|| Path::new(""));
    let config = read(&file.display().to_string(), text, |top| {
        let identity = top.section("station", identity);
        let (programme, rate_hz) = top.section("programme", |section| programme(section, folder));
        let output = top.section("output", |section| output(section, rate_hz));
        output.map(|output| Config { identity, programme, output })
    })?;
    Ok(config.expect("an output that is missing has been noted as a mistake"))
}

fn identity(section: &mut Section<'_>) -> Identity {
    let mut text = |key: &'static str| {
        let text: String = section.value(key).unwrap_or_default();
        if text.contains(char::is_control) {
            section.wrong(key, "holds a line end or another control character; leave it out");
        }
        text
    };
    Identity {
        name: text("name"),
        description: text("description"),
        genre: text("genre"),
        url: text("url"),
        public: section.value("public").unwrap_or_default(),
    }
}

fn programme(section: &mut Section<'_>, folder: &Path) -> (ProgrammeConfig, u32) {
    let play: Option<Vec<String>> = section.required("play");
    if play.as_ref().is_some_and(Vec::is_empty) {
        section.wrong("play", "is empty; name at least one file, folder or list");
    }
    let seed: Option<u64> = section.value("seed");
    let order = choice(
        section,
        "order",
        &[("normal", OrderConfig::Normal), ("shuffle", OrderConfig::Shuffle { seed })],
    );
    if seed.is_some() && order == Some(OrderConfig::Normal) {
        section.wrong("seed", "is of use only with order = \"shuffle\"");
    }
    let when_empty = choice(
        section,
        "when_empty",
        &[("silence", WhenEmpty::Silence), ("tone", WhenEmpty::Tone)],
    );
    let rate_hz = one_of(section, "sample_rate", &RATES_HZ, RATE_HZ);
    let programme = ProgrammeConfig {
        play: play.unwrap_or_default().iter().map(|path| folder.join(path)).collect(),
        order: order.unwrap_or_default(),
        when_empty: when_empty.unwrap_or_default(),
    };
    (programme, rate_hz)
}

fn output(section: &mut Section<'_>, rate_hz: u32) -> Option<Output> {
    let to: Option<String> = section.required("to");
    let bitrate_kbps = one_of(section, "bitrate", &BITRATES_KBPS, BITRATE_KBPS);
    let qualities: Vec<u32> = (0..=u32::from(QUALITY_MAX)).collect();
    let quality = one_of(section, "quality", &qualities, QUALITY.into());
    let method = choice(section, "method", &[("put", Method::Put), ("source", Method::Source)]);
    match Output::parse(&to?) {
        Ok(mut output) => {
            output.method = method.unwrap_or_default();
            output.mp3.rate_hz = rate_hz;
            output.mp3.bitrate_kbps = bitrate_kbps;
            output.mp3.quality = quality.try_into().unwrap_or(QUALITY);
            Some(output)
        }
        Err(error) => {
            section.wrong("to", error);
            None
        }
    }
}

/// The one of `choices` that `key` names, if it is there and names one.
fn choice<T: Copy>(
    section: &mut Section<'_>,
    key: &'static str,
    choices: &[(&str, T)],
) -> Option<T> {
    let chosen: String = section.value(key)?;
    let found = choices.iter().find(|(name, _)| *name == chosen).map(|(_, value)| *value);
    if found.is_none() {
        let names: Vec<_> = choices.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        section.wrong(key, format_args!("`{chosen}` is none of {}", names.join(", ")));
    }
    found
}

/// The value of `key`, which has to be one of `allowed`.
fn one_of(section: &mut Section<'_>, key: &'static str, allowed: &[u32], default: u32) -> u32 {
    let Some(value) = section.value(key) else { return default };
    if !allowed.contains(&value) {
        let all: Vec<_> = allowed.iter().map(u32::to_string).collect();
        section.wrong(key, format_args!("{value} is none of {}", all.join(", ")));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn the_smallest_file_has_a_default_for_everything_else() {
        let config = parsed(
            "programme.play = ['music']\noutput.to = 'http://source:x@localhost:8000/live.mp3'",
        )
        .unwrap();

        assert_eq!(config.programme.play, [PathBuf::from("/etc/carrier/music")]);
        assert_eq!(config.programme.order, OrderConfig::Normal);
        assert_eq!(config.programme.when_empty, WhenEmpty::Tone);
        assert_eq!((config.output.mp3.bitrate_kbps, config.output.mp3.rate_hz), (128, 44_100));
        assert_eq!(config.output.method, Method::Source);
        assert_eq!(config.identity, Identity::default());
    }

    #[test]
    fn the_file_in_the_documentation_is_right() {
        let documented: String = include_str!("file.rs")
            .lines()
            .skip_while(|line| !line.contains("```toml"))
            .skip(1)
            .take_while(|line| !line.contains("```"))
            .map(|line| line.trim_start_matches("//!").trim_start().to_owned() + "\n")
            .collect();

        let config = parsed(&documented).unwrap();

        assert_eq!(config.identity.name, "Räuber FM");
        assert_eq!(config.programme.order, OrderConfig::Shuffle { seed: Some(7) });
    }

    #[test]
    fn every_mistake_is_reported_at_once_with_its_line() {
        let mistakes = parsed(
            "[programme]\nplay = []\norder = 'random'\nsample_rate = 8000\nshuffel = true\n\
             [output]\nto = 'http://localhost/live.mp3'\nbitrate = 127\nquality = 10\n",
        )
        .unwrap_err();

        for expected in [
            "station.toml:2: programme.play: is empty; name at least one file, folder or list",
            "station.toml:3: programme.order: `random` is none of \"normal\", \"shuffle\"",
            "station.toml:4: programme.sample_rate: 8000 is none of 32000, 44100, 48000",
            "station.toml:5: programme.shuffel: unknown key",
            "station.toml:7: output.to: no password; write http://source:PASSWORD@HOST:8000",
            "station.toml:8: output.bitrate: 127 is none of 64, 80,",
            "station.toml:9: output.quality: 10 is none of 0, 1,",
        ] {
            assert!(mistakes.contains(expected), "{expected}\nis not in\n{mistakes}");
        }
    }

    #[test]
    fn what_has_no_default_must_be_there() {
        let mistakes = parsed("").unwrap_err();

        assert!(mistakes.contains("programme.play: missing"), "{mistakes}");
        assert!(mistakes.contains("output.to: missing"), "{mistakes}");
    }

    fn parsed(text: &str) -> Result<Config, String> {
        let file = Path::new("/etc/carrier/station.toml");
        parse(file, text).map_err(|mistakes| mistakes.to_string())
    }
}

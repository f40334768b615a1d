//! Reads `[channels.NAME]`: what a programme plays, how, and what sounds when it cannot.

use super::values::{Texts, choice, none_of, one_of};
use crate::config::{CHANNEL, ChannelConfig, Emergency, PlaylistConfig, RATE_HZ, names};
use crate::encode::mp3::RATES_HZ;
use crate::mix::crossfade::{Crossfade, Curve, Mode, OVERLAP_MAX};
use common::config::Section;
use std::path::Path;
use std::time::Duration;

/// Every channel of the file; one that plays everything if it names none.
pub(super) fn read(
    top: &mut Section<'_>,
    folder: &Path,
    playlists: &[PlaylistConfig],
) -> Vec<ChannelConfig> {
    let channels = top.named("channels", |name, section| {
        if let Some(fault) = names::fault(name) {
            section.wrong_here(format_args!("`{name}` {fault}"));
        }
        channel(name, section, folder, playlists)
    });
    if !channels.is_empty() {
        return channels;
    }
    vec![ChannelConfig {
        name: CHANNEL.to_owned(),
        play: playlists.iter().map(|playlist| playlist.name.clone()).collect(),
        emergency: Emergency::default(),
        crossfade: Crossfade::default(),
        replay_gain: false,
        rate_hz: RATE_HZ,
    }]
}

fn channel(
    name: &str,
    section: &mut Section<'_>,
    folder: &Path,
    playlists: &[PlaylistConfig],
) -> ChannelConfig {
    let known: Vec<&str> = playlists.iter().map(|playlist| playlist.name.as_str()).collect();
    let play = section.value::<Texts>("play").map(|Texts(play)| play);
    let play = play.unwrap_or_else(|| known.iter().map(|&name| name.to_owned()).collect());
    for strange in play.iter().filter(|name| !known.contains(&name.as_str())) {
        section.wrong("play", format_args!("the playlist {}", none_of(strange, &known)));
    }
    if play.is_empty() && !known.is_empty() {
        section.wrong("play", "is empty; name at least one playlist, or leave it out for all");
    }
    ChannelConfig {
        name: name.to_owned(),
        play,
        emergency: emergency(section, folder),
        crossfade: section.section("crossfade", crossfade),
        replay_gain: section.value("replay_gain").unwrap_or(false),
        rate_hz: one_of(section, "sample_rate", &RATES_HZ, RATE_HZ),
    }
}

fn emergency(section: &mut Section<'_>, folder: &Path) -> Emergency {
    match section.value::<String>("emergency").as_deref() {
        None | Some("tone") => Emergency::Tone,
        Some("silence") => Emergency::Silence,
        // A word that is no path and no file is a slip of one of the two words.
        Some(text) if !text.contains(['/', '.']) && !folder.join(text).is_file() => {
            let what = none_of(text, &["silence", "tone"]);
            section.wrong("emergency", format_args!("{what}, nor an audio file"));
            Emergency::default()
        }
        Some(path) => Emergency::File(folder.join(path)),
    }
}

/// A crossfade, of which a fade lasts as long as the whole unless it says otherwise.
fn crossfade(section: &mut Section<'_>) -> Crossfade {
    let duration = time(section, "duration", Duration::ZERO, OVERLAP_MAX);
    let fade_in = time(section, "fade_in", duration, OVERLAP_MAX);
    let fade_out = time(section, "fade_out", duration, OVERLAP_MAX);
    let choices = [("equal-power", Curve::EqualPower), ("sine", Curve::Sine)];
    let curve = choice(section, "curve", &choices).unwrap_or_default();
    for (key, fade) in [("fade_in", fade_in), ("fade_out", fade_out)] {
        if fade > duration && fade <= OVERLAP_MAX {
            let (fade_s, duration_s) = (fade.as_secs_f64(), duration.as_secs_f64());
            section.wrong(
                key,
                format_args!("{fade_s} s is longer than the duration of {duration_s} s"),
            );
        }
    }
    let modes = [("simple", Mode::Simple), ("smart", Mode::Smart)];
    let mode = choice(section, "mode", &modes).unwrap_or_default();
    Crossfade { duration, fade_in, fade_out, curve, mode }
}

fn time(section: &mut Section<'_>, key: &'static str, usual: Duration, max: Duration) -> Duration {
    let time: Duration = section.value(key).unwrap_or(usual);
    if time > max {
        let (time_s, max_s) = (time.as_secs_f64(), max.as_secs());
        section.wrong(key, format_args!("{time_s} s; {max_s} s at most"));
    }
    time
}

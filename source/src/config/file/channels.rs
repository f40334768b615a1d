//! Reads `[channels.NAME]`: what a programme plays, how, and what sounds when it cannot.

use super::sound;
use super::values::{Texts, called, choice, none_of, one_of};
use crate::config::entries::{InputConfig, QueueConfig, RotationConfig};
use crate::config::{CHANNEL, ChannelConfig, Emergency, PlaylistConfig, RATE_HZ, names};
use crate::mix::crossfade::{Crossfade, Curve, Mode, OVERLAP_MAX};
use crate::mix::signal::{Signal, Wave};
use crate::playlist::item::is_http;
use crate::playlist::rules::Rules;
use crate::sound::Chain;
use crate::treatment::Treatment;
use common::config::Section;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

/// What channels may play.
pub(super) struct Playable<'c> {
    pub(super) playlists: &'c [PlaylistConfig],
    pub(super) queues: &'c [QueueConfig],
    pub(super) inputs: &'c [InputConfig],
    pub(super) rotations: &'c [RotationConfig],
}

impl Playable<'_> {
    fn names(&self) -> Vec<&str> {
        let playlists = self.playlists.iter().map(|it| it.name.as_str());
        let queues = self.queues.iter().map(|it| it.name.as_str());
        let rotations = self.rotations.iter().map(|it| it.name.as_str());
        let inputs = self.inputs.iter().map(|it| it.name.as_str());
        playlists.chain(queues).chain(inputs).chain(rotations).collect()
    }

    /// What a channel plays that does not say: what is live, requests, what is not always due, then
    /// the rest, each as it stands in the file; what is in a rotation is played by that alone.
    fn all(&self) -> Vec<String> {
        let is_free = |name: &str| {
            let mut played = self.rotations.iter().flat_map(|rotation| &rotation.play);
            played.all(|(played, _)| played != name)
        };
        let inputs = self.inputs.iter().map(|it| (&it.name, false));
        let queues = self.queues.iter().map(|it| (&it.name, false));
        let is_always_due =
            |rules: &Rules| !rules.is_occasional() && rules.timetable.hours.is_empty();
        let rotations = self.rotations.iter().map(|it| (&it.name, is_always_due(&it.rules)));
        let playlists = self.playlists.iter().map(|it| (&it.name, is_always_due(&it.rules)));
        let mut all: Vec<_> = inputs.chain(queues).chain(rotations).chain(playlists).collect();
        all.sort_by_key(|(_, is_always_due)| *is_always_due);
        let free = all.into_iter().filter(|(name, _)| is_free(name));
        free.map(|(name, _)| name.clone()).collect()
    }

    /// Notes the queues that `channel` plays; a request is heard once, so they have one channel.
    fn note_queues(
        &self,
        channel: &ChannelConfig,
        section: &mut Section<'_>,
        taken: &mut Vec<(String, String)>,
    ) {
        let rotations = self.rotations.iter().filter(|it| channel.play.contains(&it.name));
        let inner = rotations.flat_map(|it| it.play.iter().map(|(name, _)| name));
        let played: Vec<&String> = channel.play.iter().chain(inner).collect();
        for queue in self.queues.iter().filter(|queue| played.contains(&&queue.name)) {
            if let Some((_, other)) = taken.iter().find(|(name, _)| *name == queue.name) {
                let what = "a request is heard once, so give this channel a queue of its own";
                let name = &queue.name;
                section
                    .wrong("play", format_args!("`{name}` is played by {other} as well; {what}"));
            }
            taken.push((queue.name.clone(), called("channel", &channel.name)));
        }
    }
}

/// Every channel of the file; one that plays everything if it names none.
pub(super) fn read(
    top: &mut Section<'_>,
    folder: &Path,
    playable: &Playable<'_>,
) -> Vec<ChannelConfig> {
    let mut taken = Vec::new();
    let channels = top.named("channels", |name, section| {
        if let Some(fault) = names::fault(name) {
            section.wrong_here(format_args!("`{name}` {fault}"));
        }
        let channel = channel(name, section, folder, playable);
        playable.note_queues(&channel, section, &mut taken);
        channel
    });
    if !channels.is_empty() {
        return channels;
    }
    vec![ChannelConfig {
        name: CHANNEL.to_owned(),
        play: playable.all(),
        emergency: Emergency::default(),
        crossfade: Crossfade::default(),
        treatment: Treatment::default(),
        sound: Chain::default(),
        blanks: None,
        rate_hz: RATE_HZ,
    }]
}

fn channel(
    name: &str,
    section: &mut Section<'_>,
    folder: &Path,
    playable: &Playable<'_>,
) -> ChannelConfig {
    let known = playable.names();
    let play = section.value::<Texts>("play").map(|Texts(play)| play);
    let play = play.unwrap_or_else(|| playable.all());
    for strange in play.iter().filter(|name| !known.contains(&name.as_str())) {
        section.wrong("play", none_of(strange, &known));
    }
    if play.is_empty() && !known.is_empty() {
        section.wrong("play", "is empty; name at least one playlist, or leave it out for all");
    }
    let (sound, mut tracks) = sound::read(section);
    if section.value("replay_gain").unwrap_or(false) {
        tracks.level_by_tags(section);
    }
    ChannelConfig {
        name: name.to_owned(),
        play,
        emergency: emergency(section, folder),
        crossfade: section.section("crossfade", crossfade),
        treatment: tracks.treatment,
        sound,
        blanks: tracks.blanks,
        rate_hz: one_of(section, "sample_rate", &RATES_HZ, RATE_HZ),
    }
}

fn emergency(section: &mut Section<'_>, folder: &Path) -> Emergency {
    let said = section.value::<String>("emergency");
    let said = said.as_deref().unwrap_or("tone");
    let wave = Wave::ALL.into_iter().find(|(name, _)| *name == said);
    // A tone is a sine that may have another pitch and level as well.
    let wave = wave.map_or(Wave::Sine, |(_, wave)| wave);
    let signal = signal(section, wave);
    let is_signal = said == "tone" || Wave::ALL.iter().any(|(name, _)| *name == said);
    if is_signal {
        return if signal == Signal::default() {
            Emergency::Tone
        } else {
            Emergency::Signal(signal)
        };
    }
    if signal != (Signal { wave, ..Signal::default() }) {
        let what = format_args!("`{said}` has no pitch or level to be set; leave them out");
        section.wrong("emergency", what);
    }
    match said {
        "silence" => Emergency::Silence,
        // A word that is no path and no file is a slip of one of the words.
        text if !text.contains(['/', '.']) && !folder.join(text).is_file() => {
            let waves = Wave::ALL.into_iter().map(|(name, _)| name);
            let known: Vec<_> = ["silence", "tone"].into_iter().chain(waves).collect();
            let what = none_of(text, &known);
            section.wrong("emergency", format_args!("{what}, nor an audio file"));
            Emergency::default()
        }
        path if is_http(path.as_bytes()) => {
            section.wrong("emergency", "is elsewhere; what sounds in an emergency has to be here");
            Emergency::default()
        }
        path => Emergency::File(folder.join(path)),
    }
}

/// A wave, with the pitch and the level that are said.
fn signal(section: &mut Section<'_>, wave: Wave) -> Signal {
    let mut signal = Signal { wave, ..Signal::default() };
    let scales = [
        ("emergency_frequency", PITCHES_HZ, &mut signal.pitch_hz, "Hz"),
        ("emergency_level_db", LEVELS_DB, &mut signal.level_db, "dB"),
    ];
    for (key, scale, value, unit) in scales {
        let Some(said) = section.value::<f64>(key) else { continue };
        if scale.contains(&said) {
            *value = said;
        } else {
            let (least, most) = (scale.start(), scale.end());
            section.wrong(key, format_args!("{said} is not from {least} to {most} {unit}"));
        }
    }
    signal
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

/// The sample rates that a programme may have.
const RATES_HZ: [u32; 6] = [16_000, 22_050, 24_000, 32_000, 44_100, 48_000];
/// How high a signal may be that stands in, and how loud.
const PITCHES_HZ: RangeInclusive<f64> = 20.0..=20_000.0;
const LEVELS_DB: RangeInclusive<f64> = -90.0..=0.0;

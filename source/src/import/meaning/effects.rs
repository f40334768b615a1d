//! What a script does to the sound: of single tracks, about silence, and of a whole programme.

use super::inserts::{Insert, Making};
use super::{Channel, Given, Reader, Source, Value};

/// Something that is done, as far as it has a counterpart.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::import) enum Effect {
    /// Silence is listened for: so long, below this level, and its source is left for another one
    /// if it is not only skipped.
    Blank { after_s: f64, threshold_db: f64, is_left: bool },
    /// The whole programme goes through it.
    Insert(Insert),
    /// All is made equally loud.
    Loudness { target_lufs: f64 },
    /// Tracks are made equally loud where their tags say how.
    ReplayGain,
}

impl Reader {
    /// What one of the calls makes that change the sound, or listen to it.
    pub(super) fn effect(&mut self, callee: &str, given: &Given, line: usize) -> Value {
        let Some(&of) = given.sources().last() else { return Value::Unknown };
        let effect = match callee {
            "amplify" => return self.amplify(given, line),
            "cue_cut" => {
                self.remark("cue points in lists and tags are always minded");
                return given.value_of_source();
            }
            "blank.detect" | "on_blank" => {
                self.leave(line, line, format!("{callee}: nobody is told of silence but the log"));
                return given.value_of_source();
            }
            "normalize" | "normalize.old" => {
                self.remark("tracks are brought to one loudness as a whole, not while they sound");
                Effect::Loudness { target_lufs: given.number("target").unwrap_or(NORMALIZE_LUFS) }
            }
            "replaygain" => Effect::ReplayGain,
            _ => {
                let is_left = matches!(callee, "blank.strip" | "strip_blank");
                if is_left {
                    self.remark("a source that is silent is left for ten minutes");
                }
                Effect::Blank {
                    after_s: given.number("max_blank").unwrap_or(20.0),
                    threshold_db: given.number("threshold").unwrap_or(-40.0),
                    is_left,
                }
            }
        };
        self.source(Source::Effect(of, effect, line))
    }

    /// What `callee` makes of a source that goes through an effect of the programme; nothing if it
    /// is no such call.
    pub(super) fn sounding(&mut self, callee: &str, given: &Given, line: usize) -> Option<Value> {
        let mut making = Making::new(callee, given);
        if !making.make() {
            return None;
        }
        let Some(&of) = given.sources().last() else { return Some(Value::Unknown) };
        let of = match callee {
            "nrj" => {
                let loudness = Effect::Loudness { target_lufs: NORMALIZE_LUFS };
                self.sources.push(Source::Effect(of, loudness, line));
                self.sources.len() - 1
            }
            _ => of,
        };
        Some(self.made(of, making, line))
    }

    /// `of`, as it is behind all that was made.
    fn made(&mut self, mut of: usize, making: Making<'_>, line: usize) -> Value {
        let (inserts, left, remarks) = making.finish();
        left.iter().for_each(|left| self.leave(line, line, left.as_str()));
        remarks.iter().for_each(|remark| self.remark(format!("line {line}: {remark}")));
        for insert in inserts {
            self.sources.push(Source::Effect(of, Effect::Insert(insert), line));
            of = self.sources.len() - 1;
        }
        Value::Source(of)
    }

    /// `amplify`: by a factor, and by what the tags of tracks say.
    fn amplify(&mut self, given: &Given, line: usize) -> Value {
        let Some(&of) = given.sources().last() else { return Value::Unknown };
        // What there is instead of music has its own level.
        if let Some(Source::Signal(mut signal)) = self.sources.get(of).cloned() {
            let factor = given.numbers().first().copied().unwrap_or(1.0);
            signal.level_db = loudness_db(signal.level_db + 20.0 * factor.abs().log10());
            return self.source(Source::Signal(signal));
        }
        if self.sources.get(of) == Some(&Source::Silence) {
            return Value::Source(of);
        }
        let mut of = of;
        if given.text("override").is_some_and(|tag| REPLAY_GAINS.contains(&tag)) {
            self.sources.push(Source::Effect(of, Effect::ReplayGain, line));
            of = self.sources.len() - 1;
        }
        let mut making = Making::new("amplify", given);
        making.amplify();
        self.made(of, making, line)
    }

    /// Lets `channel` have `effect`, if it has none of its kind yet.
    pub(super) fn put(&mut self, channel: &mut Channel, effect: Effect, line: usize) {
        let is_blank = |effect: &Effect| matches!(effect, Effect::Blank { .. });
        if channel.effects.contains(&effect) {
            return;
        }
        if channel.effects.iter().any(|other| is_blank(other) == is_blank(&effect)) {
            return self.leave(line, line, "a second effect of a kind; a channel has one");
        }
        channel.effects.push(effect);
    }
}

impl Effect {
    /// Its keys and values in the configuration.
    pub(in crate::import) fn keys(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Blank { after_s, threshold_db, is_left } => {
                let then = if *is_left { "next" } else { "skip" };
                vec![
                    ("effect", "\"blank\"".to_owned()),
                    ("after", after_s.clamp(1.0, 3_600.0).to_string()),
                    ("threshold_db", threshold_db.clamp(-90.0, -20.0).to_string()),
                    ("then", format!("\"{then}\"")),
                ]
            }
            Self::Insert(insert) => insert.keys(),
            Self::Loudness { target_lufs } => vec![
                ("effect", "\"loudness\"".to_owned()),
                ("target_lufs", target_lufs.clamp(-40.0, -5.0).to_string()),
            ],
            Self::ReplayGain => vec![
                ("effect", "\"replaygain\"".to_owned()),
                ("measured", "false".to_owned()),
                ("prevent_clipping", "false".to_owned()),
            ],
        }
    }
}

/// A level that something may have that stands in.
pub(super) fn loudness_db(level_db: f64) -> f64 {
    let level_db = if level_db.is_nan() { -90.0 } else { level_db.clamp(-90.0, 0.0) };
    (level_db * 1_000.0).round() / 1_000.0
}

/// The calls that are read here.
pub(super) const CALLS: [&str; 11] = [
    "amplify",
    "blank.detect",
    "blank.skip",
    "blank.strip",
    "cue_cut",
    "normalize",
    "normalize.old",
    "on_blank",
    "replaygain",
    "skip_blank",
    "strip_blank",
];
/// The loudness to which `normalize` brings what it hears.
const NORMALIZE_LUFS: f64 = -13.0;
/// Tags that say by how much a track is to be louder, as `amplify` may be told to heed them.
const REPLAY_GAINS: [&str; 2] = ["replay_gain", "replaygain_track_gain"];

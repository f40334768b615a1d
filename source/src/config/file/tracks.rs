//! Reads those of `[[channels.NAME.sound]]` that are done to each track before it is mixed, and
//! what is done about silence on air.

use super::values::choice;
use crate::measure::extent::{LOUDEST_DB, QUIETEST_DB, STEP_DB, Threshold};
use crate::programme::blank::{Blanks, Then};
use crate::treatment::Treatment;
use crate::treatment::levelling::{Levelling, Loudness, ReplayGain};
use crate::treatment::trim::Trim;
use common::config::Section;
use std::ops::RangeInclusive;
use std::time::Duration;

/// What is done to the tracks of a channel, and about silence.
#[derive(Default)]
pub(super) struct Tracks {
    pub(super) treatment: Treatment,
    pub(super) blanks: Option<Blanks>,
    /// Whether a peak that comes out too high is lowered with its whole track, which is so unless
    /// a limiter follows; an order wins over that.
    limit: Option<f32>,
}

impl Tracks {
    /// Reads the effect called `name`; says whether it is one of these. Of each there is one, and
    /// those of tracks stand `before_others`.
    pub(super) fn read(
        &mut self,
        name: &str,
        section: &mut Section<'_>,
        before_others: bool,
    ) -> bool {
        let is_known_already = match name {
            "blank" => self.blanks.replace(blanks(section)).is_some(),
            "loudness" => {
                let said = section.value::<f64>("true_peak_db");
                self.limit = said.map(|_| number(section, "true_peak_db", TRUE_PEAKS_DB, -1.0));
                let target_lufs = number(section, "target_lufs", TARGETS_LUFS, -16.0);
                let true_peak_max_db = Some(self.limit.unwrap_or(-1.0));
                let loudness = Loudness { target_lufs, true_peak_max_db };
                self.level(Levelling::Loudness(loudness))
            }
            "replaygain" => self.level(Levelling::ReplayGain(replay_gain(section))),
            "trim-silence" => self.treatment.trim.replace(trim(section)).is_some(),
            _ => return false,
        };
        if is_known_already {
            let which = match name {
                "loudness" | "replaygain" => "tracks are made equally loud by an effect above",
                _ => "there is one above",
            };
            section.wrong("effect", format_args!("`{name}` once too often: {which}"));
        }
        if !before_others && name != "blank" {
            let what = "is done to each track before it is mixed with others";
            let then = "put it before the effects of the programme";
            section.wrong("effect", format_args!("`{name}` {what}; {then}"));
        }
        true
    }

    /// The same where a limiter follows: peaks are its business, unless somebody said otherwise.
    pub(super) fn limited(&mut self) {
        if let Levelling::Loudness(loudness) = &mut self.treatment.levelling
            && self.limit.is_none()
        {
            loudness.true_peak_max_db = None;
        }
    }

    /// Levels tracks by `replay_gain = true`, which is another way to say it.
    pub(super) fn level_by_tags(&mut self, channel: &mut Section<'_>) {
        if self.level(Levelling::TAGS) {
            let what =
                "and an effect that makes tracks equally loud as well; leave one of them out";
            channel.wrong("replay_gain", what);
        }
    }

    /// Levels tracks so; says whether they were already to be levelled.
    fn level(&mut self, levelling: Levelling) -> bool {
        std::mem::replace(&mut self.treatment.levelling, levelling) != Levelling::AsIs
    }
}

fn replay_gain(section: &mut Section<'_>) -> ReplayGain {
    let modes = [("track", false), ("album", true)];
    ReplayGain {
        is_by_album: choice(section, "mode", &modes).unwrap_or(false),
        is_measured: section.value("measured").unwrap_or(true),
        preamp_db: number(section, "preamp_db", PREAMPS_DB, 0.0),
        prevents_clipping: section.value("prevent_clipping").unwrap_or(true),
    }
}

fn trim(section: &mut Section<'_>) -> Trim {
    let db: f64 = section.value("threshold_db").unwrap_or(TRIM_THRESHOLD_DB);
    let threshold = Threshold::of_db(db).unwrap_or_else(|| {
        let steps = format!("from {QUIETEST_DB} to {LOUDEST_DB} dB in steps of {STEP_DB}");
        section.wrong("threshold_db", format_args!("{db} is not {steps}"));
        Threshold::of_db(TRIM_THRESHOLD_DB).expect("what is usual is one")
    });
    Trim {
        threshold,
        shortest: section.value("shortest").unwrap_or(SHORTEST),
        longest: section.value("longest").unwrap_or(LONGEST),
    }
}

fn blanks(section: &mut Section<'_>) -> Blanks {
    let rest = section.value("rest").unwrap_or(REST);
    let thens = [("skip", Then::Skip), ("next", Then::Next { rest })];
    let after = section.value("after").unwrap_or(AFTER);
    if !AFTERS.contains(&after) {
        let (least, most) = (AFTERS.start().as_secs(), AFTERS.end().as_secs());
        let after_s = after.as_secs_f64();
        section.wrong("after", format_args!("{after_s} s is not from {least} to {most} s"));
    }
    Blanks {
        after,
        threshold_db: number(section, "threshold_db", BLANK_THRESHOLDS_DB, -60.0),
        then: choice(section, "then", &thens).unwrap_or_default(),
    }
}

/// The number that `key` says, which has to be within `allowed`.
fn number(
    section: &mut Section<'_>,
    key: &'static str,
    allowed: RangeInclusive<f32>,
    usual: f32,
) -> f32 {
    let Some(number) = section.value::<f64>(key) else { return usual };
    #[expect(clippy::cast_possible_truncation, reason = "levels need no more digits")]
    let number = number as f32;
    if !allowed.contains(&number) {
        let (from, to) = (allowed.start(), allowed.end());
        section.wrong(key, format_args!("{number} is not from {from} to {to}"));
    }
    number
}

const TARGETS_LUFS: RangeInclusive<f32> = -40.0..=-5.0;
const TRUE_PEAKS_DB: RangeInclusive<f32> = -20.0..=0.0;
const PREAMPS_DB: RangeInclusive<f32> = -20.0..=20.0;
const BLANK_THRESHOLDS_DB: RangeInclusive<f32> = -90.0..=-20.0;
const TRIM_THRESHOLD_DB: f64 = -50.0;
/// Silence that is not longer stays, unless another length is said.
const SHORTEST: Duration = Duration::from_millis(200);
/// So much is cut at most, unless another length is said.
const LONGEST: Duration = Duration::from_secs(600);
const AFTER: Duration = Duration::from_secs(20);
/// Less is a pause in music, and more is no watch.
const AFTERS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3_600);
const REST: Duration = Duration::from_secs(600);

//! Reads the rules of something that is played: its hours, when it comes, and how.

use super::values::{Texts, choice};
use crate::playlist::hours::Timetable;
use crate::playlist::rules::{Every, Interrupted, Rules, Start};
use common::config::{Section, Value};
use common::units::parse_duration;
use jiff::tz::TimeZone;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;
use toml::de::DeValue;

/// The rules in `section`, by clocks in `zone`. What is always there by itself has a hard start to
/// offer only if it `comes_by_itself`, as requests do.
pub(super) fn read(section: &mut Section<'_>, zone: &TimeZone, comes_by_itself: bool) -> Rules {
    rules(section, zone, comes_by_itself, Start::Soft)
}

/// The rules of a live input, which comes in at once if not said otherwise.
pub(super) fn of_input(section: &mut Section<'_>, zone: &TimeZone) -> Rules {
    rules(section, zone, true, Start::Hard)
}

fn rules(section: &mut Section<'_>, zone: &TimeZone, comes_by_itself: bool, usual: Start) -> Rules {
    let rules = Rules {
        timetable: Timetable { hours: several(section, "when"), zone: zone.clone() },
        every: section.value::<Often>("every").map(|Often(every)| every),
        at: several(section, "at"),
        start: choice(section, "start", &[("hard", Start::Hard), ("soft", Start::Soft)])
            .unwrap_or(usual),
        interrupted: choice(section, "interrupted", &INTERRUPTED).unwrap_or_default(),
    };
    let comes = comes_by_itself || rules.is_occasional() || !rules.timetable.hours.is_empty();
    if rules.start == Start::Hard && !comes {
        section.wrong("start", "is of use only with `when`, `every` or `at`; say when it comes");
    }
    if rules.interrupted == Interrupted::Returns && rules.start == Start::Soft {
        section.wrong("interrupted", "is of use only with start = \"hard\"");
    }
    rules
}

/// The texts of `key`, each read as a `T`; those that are none are noted.
fn several<T: FromStr<Err: Display>>(section: &mut Section<'_>, key: &'static str) -> Vec<T> {
    let Texts(texts) = section.value(key).unwrap_or(Texts(Vec::new()));
    let mut read = Vec::new();
    for text in texts {
        match text.parse() {
            Ok(value) => read.push(value),
            Err(error) => section.wrong(key, error),
        }
    }
    read
}

struct Often(Every);

impl Value for Often {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let text = String::read(value)?;
        if let Some((number, "track" | "tracks")) = text.trim().split_once(' ') {
            return match number.parse() {
                Ok(tracks) if tracks > 0 => Ok(Self(Every::Tracks(tracks))),
                _ => Err(format!("`{number}` is no number of tracks from 1 up")),
            };
        }
        match parse_duration(&text) {
            Ok(time) if time >= EVERY_MIN => Ok(Self(Every::Time(time))),
            Ok(time) => Err(format!("{} s is too often; 10 s is the least", time.as_secs_f64())),
            Err(_) => Err(format!("`{text}` is neither \"4 tracks\" nor a time such as \"20min\"")),
        }
    }
}

const INTERRUPTED: [(&str, Interrupted); 2] =
    [("ends", Interrupted::Ends), ("returns", Interrupted::Returns)];
/// Nothing comes more often.
const EVERY_MIN: Duration = Duration::from_secs(10);

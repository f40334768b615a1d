//! Hours of the week: `mon-fri 06:00-12:00`, `sat,sun`, `22:00-06:00`.
//!
//! Hours are those of a clock on the wall. Where the clock is put forward, what falls into the
//! missing hour does not happen; where it is put back, the hour is twice as long. Days come first,
//! and all days are meant if there are none; an end before the beginning is on the next day. Ends
//! are exclusive: `06:00-12:00` ends as the clock strikes twelve. Pure.

use jiff::Timestamp;
use jiff::civil::{DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use std::str::FromStr;

/// When a playlist may be played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timetable {
    /// Within any of these; always if there are none.
    pub hours: Vec<Hours>,
    /// Where the clock hangs.
    pub zone: TimeZone,
}

impl Timetable {
    /// At any time.
    pub fn always() -> Self {
        Self { hours: Vec::new(), zone: TimeZone::UTC }
    }

    /// Whether it may be played at `now`.
    pub fn allows(&self, now: Timestamp) -> bool {
        let wall = self.zone.to_datetime(now);
        self.hours.is_empty() || self.hours.iter().any(|hours| hours.contain(wall))
    }
}

/// Some hours of some days of the week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hours {
    /// From Monday.
    days: [bool; 7],
    from: Time,
    /// Midnight is the end of the day.
    to: Time,
}

/// Why a text does not name hours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` does not name hours; write \"mon-fri 06:00-12:00\", \"sat,sun\" or \"22:00-06:00\"")]
pub struct NoHours(String);

impl Hours {
    /// Whether `now` is within them.
    pub fn contain(&self, now: DateTime) -> bool {
        let today = day_of(now);
        let yesterday = (today + 6) % 7;
        let time = now.time();
        if self.from < self.to || self.to == Time::midnight() {
            let is_before_end = self.to == Time::midnight() || time < self.to;
            return self.days[today] && self.from <= time && is_before_end;
        }
        (self.days[today] && self.from <= time) || (self.days[yesterday] && time < self.to)
    }
}

impl FromStr for Hours {
    type Err = NoHours;

    fn from_str(text: &str) -> Result<Self, NoHours> {
        let parsed = || {
            let mut days = None;
            let mut times = None;
            for word in text.split_ascii_whitespace() {
                if word.starts_with(|c: char| c.is_ascii_digit()) {
                    let (from, to) = word.split_once('-')?;
                    let both = (time(from)?, time(to)?);
                    times.is_none().then(|| times = Some(both))?;
                } else {
                    let named = self::days(word)?;
                    (days.is_none() && times.is_none()).then(|| days = Some(named))?;
                }
            }
            if days.is_none() && times.is_none() {
                return None;
            }
            let (from, to) = times.unwrap_or((Time::midnight(), Time::midnight()));
            // From one moment to the same one is a whole day only from midnight.
            (from != to || from == Time::midnight()).then_some(())?;
            Some(Self { days: days.unwrap_or([true; 7]), from, to })
        };
        parsed().ok_or_else(|| NoHours(text.to_owned()))
    }
}

/// The day of the week, from Monday.
pub(super) fn day_of(now: DateTime) -> usize {
    usize::from(now.weekday().to_monday_zero_offset().unsigned_abs())
}

/// `06:00`, `6:30`; `24:00` is midnight.
pub(super) fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    if minute.len() != 2 || hour.is_empty() || hour.len() > 2 {
        return None;
    }
    match (hour.parse().ok()?, minute.parse().ok()?) {
        (24, 0) => Some(Time::midnight()),
        (hour, minute) => Time::new(hour, minute, 0, 0).ok(),
    }
}

/// `mon`, `sat,sun`, `fri-mon`.
pub(super) fn days(text: &str) -> Option<[bool; 7]> {
    let mut days = [false; 7];
    for part in text.split(',') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (mut at, to) = (day(from)?, day(to)?);
        loop {
            days[at] = true;
            if at == to {
                break;
            }
            at = (at + 1) % 7;
        }
    }
    Some(days)
}

fn day(text: &str) -> Option<usize> {
    let names = Weekday::Monday.cycle_forward().take(7).map(|day| format!("{day:?}"));
    let text = text.to_ascii_lowercase();
    let is_named = |name: String| text.len() >= 2 && name.to_ascii_lowercase().starts_with(&text);
    names.map(is_named).position(|is_named| is_named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hours_begin_on_the_minute_and_end_before_it() {
        let hours = hours("mon-fri 06:00-12:00");

        for (now, is_within) in [
            ("2026-11-25T06:00", true),
            ("2026-11-25T05:59:59", false),
            ("2026-11-25T11:59:59", true),
            ("2026-11-25T12:00", false),
            ("2026-11-28T08:00", false),
        ] {
            assert_eq!(hours.contain(now.parse().unwrap()), is_within, "{now}");
        }
    }

    #[test]
    fn hours_over_midnight_belong_to_the_day_on_which_they_begin() {
        let hours = hours("fri 22:00-06:00");

        for (now, is_within) in [
            ("2026-11-27T23:00", true),
            ("2026-11-28T05:59", true),
            ("2026-11-28T22:00", false),
            ("2026-11-27T05:00", false),
        ] {
            assert_eq!(hours.contain(now.parse().unwrap()), is_within, "{now}");
        }
    }

    #[test]
    fn days_alone_are_whole_days_and_times_alone_are_every_days() {
        assert!(hours("sat,sun").contain("2026-11-29T23:59".parse().unwrap()));
        assert!(!hours("sat,sun").contain("2026-11-30T00:00".parse().unwrap()));
        assert!(hours("18:00-24:00").contain("2026-11-30T23:59".parse().unwrap()));
        assert!(hours("fri-mon").contain("2026-11-30T00:00".parse().unwrap()));
        assert!(!hours("fri-mon").contain("2026-12-01T00:00".parse().unwrap()));
        assert_eq!(hours("Monday 6:00-7:00"), hours("mo 06:00-07:00"));
    }

    #[test]
    fn the_clock_on_the_wall_counts_when_it_is_put_forward_and_back() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let hours = hours("02:00-03:00");
        let minutes = |from: &str| {
            let from: Timestamp = from.parse().unwrap();
            let at = |minute: i64| from + jiff::SignedDuration::from_mins(minute);
            (0..360).filter(|&minute| hours.contain(berlin.to_datetime(at(minute)))).count()
        };

        assert_eq!(minutes("2026-03-28T00:00:00Z"), 60);
        assert_eq!(minutes("2026-03-28T23:00:00Z"), 0, "there is no such hour");
        assert_eq!(minutes("2026-10-24T23:00:00Z"), 120, "there are two of them");
    }

    #[test]
    fn a_timetable_allows_any_of_its_hours_where_its_clock_hangs() {
        let zone = TimeZone::get("America/New_York").unwrap();
        let timetable = Timetable { hours: vec![hours("06:00-07:00"), hours("sun")], zone };

        assert!(timetable.allows("2026-11-25T11:30:00Z".parse().unwrap()));
        assert!(!timetable.allows("2026-11-25T06:30:00Z".parse().unwrap()));
        assert!(timetable.allows("2026-11-30T04:59:00Z".parse().unwrap()));
        assert!(Timetable::always().allows("2026-11-25T06:30:00Z".parse().unwrap()));
    }

    #[test]
    fn what_names_no_hours_is_refused() {
        let wrong = ["", "x", "6-12", "06:00", "06:00-06:00", "25:00-26:00", "mon 06:00-12:00 tue"];
        for text in wrong {
            assert!(text.parse::<Hours>().is_err(), "{text}");
        }
        assert!("06:00-12:00 mon".parse::<Hours>().is_err());
        assert!("t 06:00-12:00".parse::<Hours>().is_err());
    }

    proptest! {
        #[test]
        fn any_text_names_hours_or_does_not(text in any::<String>()) {
            drop(text.parse::<Hours>());
        }
    }

    fn hours(text: &str) -> Hours {
        text.parse().unwrap()
    }
}

//! Set times: `08:00`, `mon-fri 17:30`, and `:15` for a quarter past every hour.
//!
//! Times are those of a clock on the wall. Where the clock is put forward, a time in the missing
//! hour does not come; where it is put back, a time of the day comes once and a minute of the hour
//! in both hours. Pure.

use crate::playlist::hours::{day_of, days, time};
use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use std::str::FromStr;

/// A set time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At {
    /// From Monday.
    days: [bool; 7],
    moment: Moment,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// A minute of every hour.
    Minute(i8),
    /// A time of the day.
    Time(Time),
}

/// Why a text is not a set time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no time; write \"08:00\", \"mon-fri 17:30\", or \":15\" for every hour")]
pub struct NoTime(String);

impl At {
    /// When it was last, up to and with `now` on a clock in `zone`, unless that is
    /// [`LATE_MAX`] ago.
    pub fn latest(&self, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
        let wall = zone.to_datetime(now);
        let moment = match self.moment {
            Moment::Minute(minute) => {
                let minutes = i64::from((wall.minute() - minute).rem_euclid(60));
                let into_minute =
                    i64::from(wall.second()) * 1_000_000_000 + i64::from(wall.subsec_nanosecond());
                let ago = SignedDuration::from_mins(minutes)
                    .checked_add(SignedDuration::from_nanos(into_minute))?;
                now.checked_sub(ago).ok()?
            }
            Moment::Time(time) => {
                let today = wall.date().to_datetime(time);
                let last = if today <= wall { today } else { today.checked_sub(1.day()).ok()? };
                let moment = zone.to_timestamp(last).ok()?;
                let has_come = zone.to_datetime(moment) == last; // else it is in a missing hour
                has_come.then_some(moment)?
            }
        };
        let is_recent = now.duration_since(moment) < LATE_MAX;
        let is_day = self.days[day_of(zone.to_datetime(moment))];
        (is_recent && is_day && moment <= now).then_some(moment)
    }
}

impl FromStr for At {
    type Err = NoTime;

    fn from_str(text: &str) -> Result<Self, NoTime> {
        let parsed = || {
            let mut words = text.split_ascii_whitespace();
            let first = words.next()?;
            let is_day = first.starts_with(|c: char| c.is_ascii_alphabetic());
            let (days, word) =
                if is_day { (days(first)?, words.next()?) } else { ([true; 7], first) };
            if words.next().is_some() {
                return None;
            }
            let moment = match word.strip_prefix(':') {
                Some(minute) if minute.len() == 2 => {
                    let minute = minute.parse().ok().filter(|minute| (0..60).contains(minute))?;
                    Moment::Minute(minute)
                }
                Some(_) => return None,
                None if word.starts_with("24") => return None, // a day begins at 00:00
                None => Moment::Time(time(word)?),
            };
            Some(Self { days, moment })
        };
        parsed().ok_or_else(|| NoTime(text.to_owned()))
    }
}

/// What could not come within this time does not come any more.
pub const LATE_MAX: SignedDuration = SignedDuration::from_mins(45);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_minute_comes_every_hour_and_a_time_every_day() {
        for (text, now, expected) in [
            (":15", "2026-11-25T08:15:00Z", Some("2026-11-25T08:15:00Z")),
            (":15", "2026-11-25T08:14:59.9Z", None),
            (":15", "2026-11-25T08:59:59.5Z", Some("2026-11-25T08:15:00Z")),
            (":15", "2026-11-25T09:00:00Z", None),
            ("08:00", "2026-11-25T08:10:00Z", Some("2026-11-25T08:00:00Z")),
            ("08:00", "2026-11-25T07:59:59Z", None),
            ("23:50", "2026-11-25T00:10:00Z", Some("2026-11-24T23:50:00Z")),
            ("tue 23:50", "2026-11-25T00:10:00Z", Some("2026-11-24T23:50:00Z")),
            ("wed 23:50", "2026-11-25T00:10:00Z", None),
            ("sat,sun :00", "2026-11-25T08:00:00Z", None),
        ] {
            let expected = expected.map(at);
            assert_eq!(latest(text, &TimeZone::UTC, now), expected, "{text} {now}");
        }
    }

    #[test]
    fn a_time_in_the_missing_hour_does_not_come_and_one_in_the_double_hour_comes_once() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let moments = |text: &str, from: &str| {
            let minutes = 0..240;
            let now = |minute| at(from) + SignedDuration::from_mins(minute);
            let mut moments: Vec<_> =
                minutes.filter_map(|minute| parsed(text).latest(&berlin, now(minute))).collect();
            moments.dedup();
            moments.len()
        };

        assert_eq!(moments("02:30", "2026-03-28T23:00:00Z"), 0);
        assert_eq!(moments("02:30", "2026-10-24T23:00:00Z"), 1);
        assert_eq!(moments(":30", "2026-03-28T23:00:00Z"), 5);
        assert_eq!(moments(":30", "2026-10-24T23:00:00Z"), 5);
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "8", "x", ":5", ":60", ":-1", "24:00", "mon", "08:00 mon", "mon 8:00 x"] {
            assert!(text.parse::<At>().is_err(), "{text}");
        }
        assert_eq!(parsed("Monday 8:00"), parsed("mo 08:00"));
    }

    proptest! {
        #[test]
        fn any_text_is_a_time_or_is_not(text in any::<String>()) {
            drop(text.parse::<At>());
        }

        #[test]
        fn the_latest_moment_is_never_to_come(minute in 0..60_i8, seconds in 0..4_000_000_000_i64) {
            let moment = Moment::Minute(minute);
            let now = Timestamp::from_second(seconds).unwrap();
            let latest = At { days: [true; 7], moment }.latest(&TimeZone::UTC, now);
            prop_assert!(latest.is_none_or(|latest| latest <= now));
        }
    }

    fn latest(text: &str, zone: &TimeZone, now: &str) -> Option<Timestamp> {
        parsed(text).latest(zone, at(now))
    }

    fn parsed(text: &str) -> At {
        text.parse().unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }
}

//! Rules: when something in a programme is due, and how it comes in.
//!
//! Hours say when it may be played at all. `every` and `at` make it come now and then instead of
//! always: after so many tracks, after so long, or at set times; with several of them, whichever
//! comes first. What is due is played once, and counts anew from there. Pure: told the time.

use crate::playlist::at::At;
use crate::playlist::hours::Timetable;
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// When something is due, and how it comes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The hours in which it may be played.
    pub timetable: Timetable,
    /// How often it comes, unless it is always there.
    pub every: Option<Every>,
    /// When it comes, unless it is always there.
    pub at: Vec<At>,
    /// How it comes in.
    pub start: Start,
    /// What becomes of the track that a hard start interrupts.
    pub interrupted: Interrupted,
}

/// How often something comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Every {
    /// After so much time.
    Time(Duration),
    /// After so many tracks of what has no such rule.
    Tracks(u32),
}

/// How something comes in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// At once, by a crossfade out of what plays.
    Hard,
    /// When the track that plays has ended.
    #[default]
    Soft,
}

/// What becomes of a track that was interrupted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interrupted {
    /// It has ended; the next one follows.
    #[default]
    Ends,
    /// It goes on where it was.
    Returns,
}

/// Since when something has not been played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// When it began last, or the programme did.
    pub last: Timestamp,
    /// Tracks that count which began since.
    pub tracks: u32,
}

impl Rules {
    /// Always there, coming in softly.
    pub fn always() -> Self {
        Self {
            timetable: Timetable::always(),
            every: None,
            at: Vec::new(),
            start: Start::Soft,
            interrupted: Interrupted::Ends,
        }
    }

    /// Whether it comes now and then, and is not always there.
    pub fn is_occasional(&self) -> bool {
        self.every.is_some() || !self.at.is_empty()
    }

    /// Whether it may and shall be played at `now`, after this `turn`.
    pub fn are_met(&self, turn: &Turn, now: Timestamp) -> bool {
        self.timetable.allows(now) && (!self.is_occasional() || self.is_due(turn, now))
    }

    /// When that may be otherwise though no track has begun, if not at a full minute.
    pub fn due_at(&self, turn: &Turn) -> Option<Timestamp> {
        match self.every? {
            Every::Time(time) => turn.last.checked_add(time).ok(),
            Every::Tracks(_) => None,
        }
    }

    fn is_due(&self, turn: &Turn, now: Timestamp) -> bool {
        let by_count = self.every.is_some_and(|every| match every {
            Every::Time(time) => now.duration_since(turn.last) >= signed(time),
            Every::Tracks(tracks) => turn.tracks >= tracks,
        });
        let by_clock = self.at.iter().filter_map(|at| at.latest(&self.timetable.zone, now));
        by_count || by_clock.into_iter().any(|moment| turn.last < moment)
    }
}

impl Turn {
    /// A turn that begins at `now`.
    pub fn new(now: Timestamp) -> Self {
        Self { last: now, tracks: 0 }
    }

    /// The turn as it is at `now`, which is not before it even if the clock was put back.
    pub fn not_after(&mut self, now: Timestamp) {
        self.last = self.last.min(now);
    }
}

fn signed(time: Duration) -> SignedDuration {
    SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_rule_something_is_always_there() {
        assert!(Rules::always().are_met(&turn("08:00"), at("08:00")));
    }

    #[test]
    fn something_comes_after_so_many_tracks() {
        let rules = Rules { every: Some(Every::Tracks(4)), ..Rules::always() };
        let after = |tracks| Turn { tracks, ..turn("08:00") };

        assert!(!rules.are_met(&after(3), at("09:00")));
        assert!(rules.are_met(&after(4), at("08:01")));
    }

    #[test]
    fn something_comes_after_so_long() {
        let every = Every::Time(Duration::from_secs(20 * 60));
        let rules = Rules { every: Some(every), ..Rules::always() };

        assert!(!rules.are_met(&turn("08:00"), at("08:19:59")));
        assert!(rules.are_met(&turn("08:00"), at("08:20")));
        assert_eq!(rules.due_at(&turn("08:00")), Some(at("08:20")));
    }

    #[test]
    fn something_comes_once_at_a_set_time_and_not_much_later() {
        let rules = Rules { at: vec![":30".parse().unwrap()], ..Rules::always() };

        assert!(!rules.are_met(&turn("08:00"), at("08:29:59")));
        assert!(rules.are_met(&turn("08:00"), at("08:30")));
        assert!(rules.are_met(&turn("08:00"), at("08:40")), "the track before it was long");
        assert!(!rules.are_met(&turn("08:30:01"), at("08:40")), "it was played");
        assert!(rules.are_met(&turn("08:30:01"), at("09:30")));
    }

    #[test]
    fn of_several_rules_the_first_counts_and_hours_limit_all() {
        let rules = Rules {
            every: Some(Every::Tracks(4)),
            at: vec!["09:00".parse().unwrap()],
            timetable: Timetable {
                hours: vec!["06:00-12:00".parse().unwrap()],
                ..Timetable::always()
            },
            ..Rules::always()
        };
        let after = |tracks, last| Turn { tracks, ..turn(last) };

        assert!(rules.are_met(&after(0, "08:50"), at("09:00")));
        assert!(rules.are_met(&after(4, "08:50"), at("08:55")));
        assert!(!rules.are_met(&after(4, "11:50"), at("12:00")));
    }

    #[test]
    fn a_clock_that_was_put_back_does_not_make_a_turn_longer() {
        let mut turn = turn("12:00");

        turn.not_after(at("08:00"));

        let every = Some(Every::Time(Duration::from_secs(60)));
        assert!(Rules { every, ..Rules::always() }.are_met(&turn, at("08:01")));
    }

    fn turn(last: &str) -> Turn {
        Turn::new(at(last))
    }

    fn at(time: &str) -> Timestamp {
        let seconds = if time.len() == 5 { ":00" } else { "" };
        format!("2026-11-25T{time}{seconds}Z").parse().unwrap()
    }
}

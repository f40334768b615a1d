//! The plan: what would play when, if nobody asked for anything else.
//!
//! It asks what plays by the same rules as a station on the air, only that it does not wait: a
//! track is over as soon as it has begun, and the clock is put to its end. Pure: it is told how
//! long tracks are, and the time.

use crate::lookahead::{Known, REST_MIN};
use crate::playlist::selection::{Next, Selection};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Something that would play.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// When it would begin.
    pub at: Timestamp,
    /// How long until the next one begins.
    pub length: Duration,
    /// What it is.
    pub what: What,
}

/// What would play.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// Nothing; the emergency sounds.
    Emergency,
    /// A track.
    Track {
        /// What listeners are told.
        title: Arc<str>,
        /// Where it comes from.
        playlist: Arc<str>,
        /// Whether its length is not known, but assumed.
        is_assumed: bool,
        /// Whether something interrupts it.
        is_interrupted: bool,
    },
}

/// What would play of a selection, for a span of time.
pub struct Plan<'s, L> {
    /// What plays.
    pub selection: &'s mut Selection,
    /// How long two tracks are heard together.
    pub overlap: Duration,
    /// What is known of an item; `None` if it cannot be played.
    pub look_up: L,
}

/// A track that would come next.
struct Coming {
    next: Next,
    known: Known,
}

impl<L: FnMut(&Next) -> Option<Known>> Plan<'_, L> {
    /// What would play from `from`, which is at the moment `now`, for so long; at most
    /// [`PLANNED_MAX`] things.
    pub fn make(mut self, from: Timestamp, now: Instant, span: Duration) -> Vec<Planned> {
        let instant = |wall: Timestamp| now + wall.duration_since(from).unsigned_abs();
        let end = from + span;
        let mut planned: Vec<Planned> = Vec::new();
        let mut wall = from;
        let mut left_at = None;
        let mut coming = self.ask(instant(wall), wall);
        while wall < end && planned.len() < PLANNED_MAX {
            if self.selection.is_overtaken(wall) {
                coming = self.ask(instant(wall), wall);
            }
            let Some(Coming { next, known }) = coming.take() else {
                let look = self.selection.look_at(wall).min(wall + LOOK_AGAIN);
                note_emergency(&mut planned, wall, look);
                wall = look;
                self.selection.retry(instant(wall));
                coming = self.ask(instant(wall), wall);
                continue;
            };
            self.selection.began(wall, left_at.take());
            let length = known.length.unwrap_or(LENGTH_ASSUMED).max(LENGTH_MIN);
            let ends = wall + (length - self.overlap.min(length / 2));
            coming = self.ask(instant(wall), wall);
            let interrupted = self.interruption(&mut coming, wall, ends, instant);
            left_at = interrupted.map(|at| known.cue_in + at.duration_since(wall).unsigned_abs());
            left_at = left_at.filter(|_| interrupted.is_some_and(|at| at + REST_MIN < ends));
            let until = interrupted.unwrap_or(ends);
            planned.push(Planned {
                at: wall,
                length: until.duration_since(wall).unsigned_abs(),
                what: What::Track {
                    title: known.title,
                    playlist: next.playlist,
                    is_assumed: known.length.is_none(),
                    is_interrupted: interrupted.is_some(),
                },
            });
            wall = until;
        }
        planned
    }

    /// Whether and when something interrupts a track that plays from `began` to `ends`; what comes
    /// next may change meanwhile.
    fn interruption(
        &mut self,
        coming: &mut Option<Coming>,
        began: Timestamp,
        ends: Timestamp,
        instant: impl Fn(Timestamp) -> Instant,
    ) -> Option<Timestamp> {
        let mut wall = began;
        loop {
            wall = self.selection.look_at(wall);
            if wall >= ends {
                return None;
            }
            if !self.selection.is_overtaken(wall) {
                continue;
            }
            *coming = self.ask(instant(wall), wall);
            if coming.as_ref().is_some_and(|coming| coming.next.interrupts) {
                return Some(wall);
            }
        }
    }

    /// The next track that can be played.
    fn ask(&mut self, now: Instant, wall: Timestamp) -> Option<Coming> {
        for _ in 0..UNPLAYABLE_MAX {
            let next = self.selection.next_item(now, wall)?;
            let known = (self.look_up)(&next);
            self.selection.tell(known.is_some(), now);
            if let Some(known) = known {
                return Some(Coming { next, known });
            }
        }
        None
    }
}

/// Notes that nothing plays from `from` to `to`.
fn note_emergency(planned: &mut Vec<Planned>, from: Timestamp, to: Timestamp) {
    let length = to.duration_since(from).unsigned_abs();
    match planned.last_mut() {
        Some(last) if last.what == What::Emergency => last.length += length,
        Some(_) | None => planned.push(Planned { at: from, length, what: What::Emergency }),
    }
}

/// A track of which nobody knows the length is taken to be so long.
pub const LENGTH_ASSUMED: Duration = Duration::from_secs(210);
/// A plan is not longer.
pub const PLANNED_MAX: usize = 20_000;
/// No track is taken to be shorter.
const LENGTH_MIN: Duration = Duration::from_secs(1);
/// Where nothing can be played, one looks again after so long.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// After so many files in a row that cannot be played, nothing is taken to be there.
const UNPLAYABLE_MAX: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playlist::order::Order;
    use crate::playlist::rules::{Interrupted, Rules, Start};
    use crate::playlist::selection::Entry;
    use crate::playlist::{Item, Playlist};

    #[test]
    fn tracks_follow_each_other_by_their_lengths_and_overlaps() {
        let mut selection = selection(vec![("music", "abc", Rules::always())]);

        let planned = plan(&mut selection, Duration::from_secs(3), "00:12");

        let expected = ["00:00 a 177", "02:57 b 177", "05:54 c 177", "08:51 a 177", "11:48 b 177"];
        assert_eq!(planned, expected);
    }

    #[test]
    fn hours_set_times_and_interruptions_are_seen() {
        let news = Rules {
            at: vec![":05".parse().unwrap()],
            start: Start::Hard,
            interrupted: Interrupted::Returns,
            ..Rules::always()
        };
        let mut night = Rules::always();
        night.timetable.hours.push("08:00-08:10".parse().unwrap());
        let list = vec![("news", "n", news), ("night", "a", night), ("day", "x", Rules::always())];

        let planned = plan(&mut selection(list), Duration::ZERO, "00:13");

        let expected = ["00:00 a 180", "03:00 a! 120", "05:00 n 180", "08:00 a 180", "11:00 x 180"];
        assert_eq!(planned, expected);
    }

    #[test]
    fn what_is_due_at_a_border_follows_there() {
        let news = Rules { at: vec![":03".parse().unwrap()], ..Rules::always() };
        let list = vec![("news", "n", news), ("music", "ab", Rules::always())];

        let planned = plan(&mut selection(list), Duration::ZERO, "00:09");

        assert_eq!(planned, ["00:00 a 180", "03:00 n 180", "06:00 b 180"]);
    }

    #[test]
    fn what_cannot_be_played_is_passed_over_and_nothing_is_nothing() {
        let mut hours = Rules::always();
        hours.timetable.hours.push("08:02-09:00".parse().unwrap());
        let list = vec![("broken", "?", Rules::always()), ("music", "a", hours)];

        let planned = plan(&mut selection(list), Duration::ZERO, "00:04");

        assert_eq!(planned, ["00:00 - 120", "02:00 a 180"]);
    }

    #[test]
    fn the_same_station_is_planned_the_same_way_twice() {
        let shuffle = || {
            let items = ('a'..='z').map(|name| Item::file(name.to_string())).collect();
            let playlist = Playlist::of_items(items, Order::shuffle(7));
            let entry = Entry::playlist("music", playlist, Rules::always());
            Selection::among(vec![entry], vec![0], at("08:00"))
        };

        let plans = [(); 2].map(|()| plan(&mut shuffle(), Duration::ZERO, "06:00"));

        assert_eq!(plans[0], plans[1]);
        assert_eq!(plans[0].len(), 120);
    }

    /// What is planned from 08:00 for `span`, with tracks of three minutes; one that is called `?`
    /// cannot be played.
    fn plan(selection: &mut Selection, overlap: Duration, span: &str) -> Vec<String> {
        let look_up = |next: &Next| {
            let title: Arc<str> = next.item.path.display().to_string().into();
            let cue_in = next.left_at.unwrap_or_default();
            let length = Some(Duration::from_secs(180));
            (&*title != "?").then_some(Known { title, length, cue_in })
        };
        let (hours, minutes) = span.split_once(':').unwrap();
        let minutes = hours.parse::<u64>().unwrap() * 60 + minutes.parse::<u64>().unwrap();
        let span = Duration::from_secs(minutes * 60);
        let plan = Plan { selection, overlap, look_up }.make(at("08:00"), Instant::now(), span);
        plan.iter().map(shown).collect()
    }

    fn shown(planned: &Planned) -> String {
        let after = planned.at.duration_since(at("08:00")).as_secs();
        let what = match &planned.what {
            What::Emergency => "-".to_owned(),
            What::Track { title, is_interrupted, .. } => {
                format!("{title}{}", if *is_interrupted { "!" } else { "" })
            }
        };
        format!("{:02}:{:02} {what} {}", after / 60, after % 60, planned.length.as_secs())
    }

    fn selection(lists: Vec<(&str, &str, Rules)>) -> Selection {
        let entries: Vec<_> = lists
            .into_iter()
            .map(|(name, files, rules)| {
                let items = files.chars().map(|file| Item::file(file.to_string())).collect();
                Entry::playlist(name, Playlist::of_items(items, Order::normal()), rules)
            })
            .collect();
        let top = (0..entries.len()).collect();
        Selection::among(entries, top, at("08:00"))
    }

    fn at(time: &str) -> Timestamp {
        format!("2026-11-25T{time}:00Z").parse().unwrap()
    }
}

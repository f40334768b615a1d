//! What plays: of several playlists, the first that has something to play.
//!
//! The question is asked anew before every item, so a playlist further up is back as soon as the
//! item that plays has ended. A playlist of which a whole round could not be heard is passed over
//! for [`BARREN_REST`], or until nothing else is left; one that has hours is asked only within
//! them. Told the time and what came of each item.

use crate::playlist::hours::Timetable;
use crate::playlist::{Item, Playlist};
use jiff::Timestamp;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Several playlists, the preferred one first.
pub struct Selection {
    candidates: Vec<Candidate>,
    /// Which of them the last item came from.
    last: usize,
}

/// One playlist, and how it fares.
struct Candidate {
    name: Arc<str>,
    playlist: Playlist,
    timetable: Timetable,
    /// Items in a row that could not be heard.
    unheard: usize,
    /// Items in its present round.
    round: usize,
    /// Not to be asked before, since nothing in it could be heard.
    rests_until: Option<Instant>,
}

/// What a playlist would play next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upcoming {
    /// Its name.
    pub playlist: Arc<str>,
    /// The next files in their order, at most [`UPCOMING_MAX`].
    pub paths: Vec<PathBuf>,
}

/// An item to play, and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Next {
    /// The item.
    pub item: Item,
    /// The name of its playlist.
    pub playlist: Arc<str>,
    /// Whether it is tried again after its playlist could not be heard; what was said about it
    /// then need not be said again.
    pub again: bool,
}

impl Selection {
    /// A selection among `playlists`, each with its name.
    pub fn new(playlists: Vec<(Arc<str>, Playlist)>) -> Self {
        let timed = playlists.into_iter().map(|(name, it)| (name, it, Timetable::always()));
        Self::timed(timed.collect())
    }

    /// A selection among `playlists`, each with its name and its hours.
    pub fn timed(playlists: Vec<(Arc<str>, Playlist, Timetable)>) -> Self {
        let candidates = playlists
            .into_iter()
            .map(|(name, playlist, timetable)| Candidate {
                name,
                playlist,
                timetable,
                unheard: 0,
                round: 0,
                rests_until: None,
            })
            .collect();
        Self { candidates, last: 0 }
    }

    /// What each playlist would play next, in the order of preference.
    pub fn upcoming(&self) -> Vec<Upcoming> {
        let upcoming = self.candidates.iter().map(|candidate| {
            let items = candidate.playlist.rounds().upcoming(UPCOMING_MAX);
            let paths = items.map(|item| item.path.clone()).collect();
            Upcoming { playlist: Arc::clone(&candidate.name), paths }
        });
        upcoming.collect()
    }

    /// The next item; `None` if nothing is left that might be heard now, when the clock on the
    /// wall says `wall`.
    pub fn next_item(&mut self, now: Instant, wall: Timestamp) -> Option<Next> {
        for (number, candidate) in self.candidates.iter_mut().enumerate() {
            if !candidate.timetable.allows(wall) {
                continue;
            }
            let Some(item) = candidate.next_item(now) else { continue };
            self.last = number;
            let again = candidate.rests_until.is_some();
            return Some(Next { item, playlist: Arc::clone(&candidate.name), again });
        }
        None
    }

    /// Takes the last item back, which is not to be heard now.
    pub fn give_back(&mut self) {
        if let Some(candidate) = self.candidates.get_mut(self.last) {
            candidate.playlist.give_back();
        }
    }

    /// Says whether the last item could be heard.
    pub fn tell(&mut self, was_heard: bool, now: Instant) {
        let Some(candidate) = self.candidates.get_mut(self.last) else { return };
        if was_heard {
            candidate.unheard = 0;
            candidate.rests_until = None;
            return;
        }
        candidate.unheard += 1;
        if candidate.unheard >= candidate.round {
            candidate.unheard = 0;
            candidate.rests_until = Some(now + BARREN_REST);
        }
    }

    /// Lets every playlist be asked again, since nothing else is left.
    pub fn retry(&mut self, now: Instant) {
        for candidate in &mut self.candidates {
            candidate.rests_until = candidate.rests_until.map(|until| until.min(now));
        }
    }
}

impl Candidate {
    fn next_item(&mut self, now: Instant) -> Option<Item> {
        if self.rests_until.is_some_and(|until| now < until) {
            return None;
        }
        self.playlist.next_item().or_else(|| {
            self.round = self.playlist.begin_round();
            self.playlist.next_item()
        })
    }
}

/// So many files are told of what comes next.
pub const UPCOMING_MAX: usize = 10;
/// A playlist that could not be heard is asked again after so long.
pub const BARREN_REST: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playlist::order::Order;

    #[test]
    fn the_first_playlist_that_has_something_plays_and_goes_on_from_item_to_item() {
        let mut selection = selection(&[&["a", "b"], &["z"]]);
        let now = Instant::now();

        assert_eq!(heard(&mut selection, now, 3), ["a", "b", "a"]);
    }

    #[test]
    fn what_cannot_be_heard_gives_way_to_the_next_and_is_asked_again_later() {
        let mut selection = selection(&[&["a", "b"], &["y", "z"]]);
        let now = Instant::now();

        assert_eq!(unheard(&mut selection, now, 2), ["a", "b"]);
        assert_eq!(heard(&mut selection, now, 1), ["y"]);
        let later = now + BARREN_REST;
        let again = selection.next_item(later, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!((again.item.path, again.again), (PathBuf::from("a"), true));
        selection.tell(true, later);
        assert_eq!(heard(&mut selection, later, 1), ["b"]);
    }

    #[test]
    fn when_nothing_is_left_there_is_nothing_until_it_is_tried_again() {
        let mut selection = selection(&[&["a"], &[]]);
        let now = Instant::now();
        unheard(&mut selection, now, 1);
        assert_eq!(selection.next_item(now, Timestamp::UNIX_EPOCH), None);

        selection.retry(now);

        assert_eq!(heard(&mut selection, now, 1), ["a"]);
    }

    #[test]
    fn a_playlist_with_hours_is_played_only_within_them() {
        let mut selection = selection(&[&["a"], &["z"]]);
        let hours = vec!["06:00-12:00".parse().unwrap()];
        selection.candidates[0].timetable = Timetable { hours, zone: jiff::tz::TimeZone::UTC };
        let mut at = |wall: &str| {
            let next = selection.next_item(Instant::now(), wall.parse().unwrap()).unwrap();
            next.item.path.display().to_string()
        };

        assert_eq!(at("2026-11-25T05:59:59Z"), "z");
        assert_eq!(at("2026-11-25T06:00:00Z"), "a");
        assert_eq!(at("2026-11-25T12:00:00Z"), "z");
    }

    fn selection(playlists: &[&[&str]]) -> Selection {
        let playlist = |paths: &[&str]| {
            Playlist::new(paths.iter().map(PathBuf::from).collect(), Order::normal())
        };
        Selection::new(playlists.iter().map(|paths| ("p".into(), playlist(paths))).collect())
    }

    fn heard(selection: &mut Selection, now: Instant, count: usize) -> Vec<String> {
        asked(selection, now, count, true)
    }

    fn unheard(selection: &mut Selection, now: Instant, count: usize) -> Vec<String> {
        asked(selection, now, count, false)
    }

    fn asked(selection: &mut Selection, now: Instant, count: usize, heard: bool) -> Vec<String> {
        let next = |_| {
            let next = selection.next_item(now, Timestamp::UNIX_EPOCH).unwrap();
            selection.tell(heard, now);
            next.item.path.display().to_string()
        };
        (0..count).map(next).collect()
    }
}

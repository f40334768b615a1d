//! What one directory has been told, and what it is to be told next.
//!
//! Pure: it is told the time, who is on air, and what the directory answered.

use crate::config::directories::TOUCH_INTERVAL_MIN;
use crate::mount::name::MountName;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// The stations of one directory.
#[derive(Debug)]
pub(super) struct Board {
    stations: BTreeMap<MountName, Station>,
    settle: Duration,
    touch_interval: Duration,
}

/// A station that is on air, or was a moment ago.
#[derive(Debug)]
struct Station {
    /// When it was last seen on air.
    seen: Instant,
    /// What is to be listed of it.
    card: String,
    listing: Listing,
}

/// Where a station stands with the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Listing {
    /// It is listed, as `card` says.
    Listed { sid: String, card: String, touch_at: Instant, touch_every: Duration },
    /// It is to be added.
    Waiting { add_at: Instant },
}

/// Something that the directory is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Errand {
    Add { mount: MountName, card: String },
    Remove { mount: MountName, sid: String },
    Touch { mount: MountName, sid: String },
}

/// What it answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// No, and why.
    No(String),
    /// Yes; what it calls the station, and how often it wants to hear of it.
    Yes { sid: Option<String>, touch_every: Option<Duration> },
}

impl Board {
    /// Nothing has been told yet.
    pub(super) fn new(settle: Duration, touch_interval: Duration) -> Self {
        Self { stations: BTreeMap::new(), settle, touch_interval }
    }

    /// Sees who is on air: the public mounts, and what is to be listed of each.
    pub(super) fn look(
        &mut self,
        on_air: impl IntoIterator<Item = (MountName, String)>,
        now: Instant,
    ) {
        for (mount, card) in on_air {
            let add_at = now + self.settle;
            let station = self.stations.entry(mount).or_insert_with(|| Station {
                seen: now,
                card: String::new(),
                listing: Listing::Waiting { add_at },
            });
            (station.seen, station.card) = (now, card);
        }
        // One that was never listed leaves without a word; its encoder may come back in a moment.
        let absent_max = self.settle.min(ABSENT_MAX);
        self.stations.retain(|_, station| {
            matches!(station.listing, Listing::Listed { .. }) || now - station.seen <= absent_max
        });
    }

    /// What the directory is to be told now.
    pub(super) fn next(&self, now: Instant) -> Option<Errand> {
        let absent_max = self.settle.min(ABSENT_MAX);
        self.stations.iter().find_map(|(mount, station)| {
            let mount = mount.clone();
            match &station.listing {
                Listing::Listed { sid, card, touch_at, .. } => {
                    let sid = sid.clone();
                    if now - station.seen > absent_max || *card != station.card {
                        return Some(Errand::Remove { mount, sid });
                    }
                    (*touch_at <= now).then_some(Errand::Touch { mount, sid })
                }
                Listing::Waiting { add_at } if *add_at <= now && station.seen == now => {
                    Some(Errand::Add { mount, card: station.card.clone() })
                }
                Listing::Waiting { .. } => None,
            }
        })
    }

    /// Notes what the directory answered to an errand.
    pub(super) fn done(&mut self, errand: &Errand, answer: Answer, now: Instant) {
        let usual = self.touch_interval;
        let (Errand::Add { mount, .. }
        | Errand::Remove { mount, .. }
        | Errand::Touch { mount, .. }) = errand;
        let Some(station) = self.stations.get_mut(mount) else { return };
        let often = |every: Option<Duration>, usual: Duration| {
            every.filter(|every| *every >= TOUCH_INTERVAL_MIN).unwrap_or(usual)
        };
        station.listing = match (errand, answer, &station.listing) {
            (Errand::Add { card, .. }, Answer::Yes { sid: Some(sid), touch_every }, _) => {
                Listing::Listed {
                    sid,
                    card: card.clone(),
                    touch_at: now + FIRST_TOUCH,
                    touch_every: often(touch_every, usual),
                }
            }
            (Errand::Add { .. }, Answer::No(_) | Answer::Yes { .. }, _) => {
                Listing::Waiting { add_at: now + ADD_AGAIN }
            }
            (
                Errand::Touch { .. },
                Answer::Yes { touch_every: every, .. },
                Listing::Listed { sid, card, touch_every, .. },
            ) => {
                let touch_every = often(every, *touch_every);
                let (sid, card) = (sid.clone(), card.clone());
                Listing::Listed { sid, card, touch_at: now + touch_every, touch_every }
            }
            // It has forgotten the station, or never wants to hear of it again.
            (Errand::Touch { .. }, Answer::No(_) | Answer::Yes { .. }, _) => {
                Listing::Waiting { add_at: now + FORGOTTEN }
            }
            (Errand::Remove { .. }, Answer::No(_) | Answer::Yes { .. }, _) => {
                Listing::Waiting { add_at: now + self.settle }
            }
        };
    }

    /// The stations that are listed, by the directory's names for them.
    pub(super) fn listed(&self) -> impl Iterator<Item = &str> {
        self.stations.values().filter_map(|station| match &station.listing {
            Listing::Listed { sid, .. } => Some(sid.as_str()),
            Listing::Waiting { .. } => None,
        })
    }
}

/// A station that has been off air for so long is removed; an encoder that comes back is not.
const ABSENT_MAX: Duration = Duration::from_secs(10);
/// A station that has just been added says so soon what it plays; Icecast does it so.
const FIRST_TOUCH: Duration = Duration::from_secs(5);
/// How long a directory that does not want a station is let be; Icecast's wait.
const ADD_AGAIN: Duration = Duration::from_secs(1_200);
/// How long after a directory has forgotten a station it is told again.
const FORGOTTEN: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    const SETTLE: Duration = Duration::from_secs(60);

    fn mount() -> MountName {
        MountName::new("/a").unwrap()
    }

    fn board() -> Board {
        Board::new(SETTLE, Duration::from_secs(600))
    }

    fn look(board: &mut Board, card: &str, now: Instant) {
        board.look([(mount(), card.to_owned())], now);
    }

    fn yes(sid: &str, touch_every: u64) -> Answer {
        let touch_every = Some(Duration::from_secs(touch_every));
        Answer::Yes { sid: Some(sid.to_owned()), touch_every }
    }

    /// A board on which `/a` is listed since `now`.
    fn listed(now: Instant) -> Board {
        let mut board = board();
        look(&mut board, "c", now);
        look(&mut board, "c", now + SETTLE);
        let add = Errand::Add { mount: mount(), card: "c".to_owned() };
        assert_eq!(board.next(now + SETTLE), Some(add.clone()));
        board.done(&add, yes("s", 90), now);
        board
    }

    fn touch() -> Errand {
        Errand::Touch { mount: mount(), sid: "s".to_owned() }
    }

    fn remove() -> Errand {
        Errand::Remove { mount: mount(), sid: "s".to_owned() }
    }

    #[test]
    fn a_station_is_added_once_its_source_has_settled_and_is_there() {
        let (mut board, now) = (board(), Instant::now());
        look(&mut board, "c", now);

        assert_eq!(board.next(now + SETTLE - Duration::from_millis(1)), None);
        assert_eq!(board.next(now + SETTLE), None, "nobody has looked since");
        look(&mut board, "c", now + SETTLE);
        assert!(matches!(board.next(now + SETTLE), Some(Errand::Add { .. })));
    }

    #[test]
    fn a_station_is_touched_soon_and_then_as_often_as_the_directory_says() {
        let now = Instant::now();
        let mut board = listed(now);

        assert_eq!(board.next(now + FIRST_TOUCH - Duration::from_millis(1)), None);
        let first = now + FIRST_TOUCH;
        assert_eq!(board.next(first), Some(touch()));
        board.done(&touch(), Answer::Yes { sid: None, touch_every: None }, first);
        look(&mut board, "c", first + Duration::from_secs(90));
        assert_eq!(board.next(first + Duration::from_secs(89)), None);
        assert_eq!(board.next(first + Duration::from_secs(90)), Some(touch()));
        board.done(&touch(), yes("s", 3), first);
        look(&mut board, "c", first + Duration::from_secs(90));
        assert_eq!(
            board.next(first + Duration::from_secs(3)),
            None,
            "no directory is told so often"
        );
    }

    #[test]
    fn a_station_is_removed_when_it_has_gone_and_not_while_its_encoder_comes_back() {
        let now = Instant::now();
        let mut board = listed(now);
        board.done(&touch(), yes("s", 90), now);
        let seen = now + SETTLE;

        board.look([], seen + ABSENT_MAX);
        assert_eq!(board.next(seen + ABSENT_MAX), None);
        let gone = seen + ABSENT_MAX + Duration::from_millis(1);
        board.look([], gone);
        assert_eq!(board.next(gone), Some(remove()));
        board.done(&remove(), Answer::Yes { sid: None, touch_every: None }, gone);
        board.look([], gone);
        assert_eq!((board.next(gone), board.stations.len()), (None, 0));
    }

    #[test]
    fn a_station_that_says_something_else_of_itself_is_removed_and_added_anew() {
        let now = Instant::now();
        let mut board = listed(now);

        look(&mut board, "other", now);
        assert_eq!(board.next(now), Some(remove()));
        board.done(&remove(), Answer::No("odd".to_owned()), now);
        look(&mut board, "other", now + SETTLE);
        let add = Errand::Add { mount: mount(), card: "other".to_owned() };
        assert_eq!(board.next(now + SETTLE), Some(add));
    }

    #[test]
    fn a_directory_that_says_no_is_let_be_and_one_that_has_forgotten_told_again() {
        let now = Instant::now();
        let mut board = board();
        look(&mut board, "c", now);
        let add = Errand::Add { mount: mount(), card: "c".to_owned() };
        board.done(&add, Answer::No("full".to_owned()), now);
        let later = now + ADD_AGAIN - Duration::from_secs(1);
        look(&mut board, "c", later);
        assert_eq!(board.next(later), None);
        look(&mut board, "c", now + ADD_AGAIN);
        assert_eq!(board.next(now + ADD_AGAIN), Some(add));

        let mut board = listed(now);
        board.done(&touch(), Answer::No("who?".to_owned()), now);
        look(&mut board, "c", now + FORGOTTEN);
        assert!(matches!(board.next(now + FORGOTTEN), Some(Errand::Add { .. })));
        assert_eq!(board.listed().count(), 0);
    }
}

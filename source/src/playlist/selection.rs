//! What plays: of several entries, the first that is due and has something to play.
//!
//! An *entry* is a playlist, a queue of requests, a live input, or a rotation of these; each may
//! have rules that say when it is due. The question is asked anew before every track, so an entry
//! further up is back as soon as the track that plays has ended; one with a hard start interrupts
//! that track. A playlist of which a whole round could not be heard is passed over for
//! [`BARREN_REST`], or until nothing else is left. What was asked for counts only once it has
//! begun. Told the time and what came of each item.

use crate::input::feed::Feed;
use crate::playlist::order::track_key;
use crate::playlist::queue::Queue;
use crate::playlist::rotation::Rotation;
use crate::playlist::rules::{Interrupted, Rules, Start, Turn};
use crate::playlist::{Item, Playlist};
use jiff::Timestamp;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

/// Several entries, the preferred one first.
pub struct Selection {
    entries: Vec<Entry>,
    /// Which of them are asked, one after the other; the others belong to rotations.
    top: Vec<usize>,
    /// Which of them were due when they were asked last.
    asked: Vec<bool>,
    /// What was given out last and has not begun.
    pending: Option<Pending>,
    playing: Option<Playing>,
    /// Tracks that were interrupted and return, the last one first to do so.
    returning: Vec<Returning>,
    /// Files that had not come when it was their turn.
    late: Vec<PathBuf>,
}

/// Something that can be played.
pub struct Entry {
    name: Arc<str>,
    rules: Rules,
    turn: Turn,
    /// When it is passed over, unless nothing else is left: from when, and until when.
    passed_over: Option<(Timestamp, Timestamp)>,
    kind: Kind,
}

enum Kind {
    Live(Feed),
    Playlist(Box<List>),
    Queue(Queue),
    Rotation(Rotation),
}

/// One playlist, and how it fares.
struct List {
    playlist: Playlist,
    /// Items in a row that could not be heard.
    unheard: usize,
    /// Items in its present round.
    round: usize,
    /// Not to be asked before, since nothing in it could be heard.
    rests_until: Option<Instant>,
}

/// What was given out and has not begun.
struct Pending {
    next: Next,
    /// The entries that lead to it.
    path: Vec<usize>,
    /// Whether it is a track that was interrupted.
    is_returning: bool,
}

/// What plays.
struct Playing {
    next: Next,
    path: Vec<usize>,
    /// Which entries were due when it was asked for.
    due: Vec<bool>,
}

/// A track that was interrupted.
struct Returning {
    next: Next,
    path: Vec<usize>,
}

/// What a playlist or queue would play next.
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
    /// The name of its playlist or queue.
    pub playlist: Arc<str>,
    /// Whether it is tried again after its playlist could not be heard; what was said about it
    /// then need not be said again.
    pub again: bool,
    /// What it is remembered by.
    pub key: u64,
    /// Its number, if it was requested.
    pub request: Option<u64>,
    /// Where it comes from, if it is live; then the item is only a name.
    pub live: Option<Feed>,
    /// Whether it begins at once, in the middle of what plays.
    pub interrupts: bool,
    /// The place in its file where it goes on, if it was interrupted.
    pub left_at: Option<Duration>,
}

/// A track that was played before a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past<'p> {
    /// The name of its playlist or queue.
    pub playlist: &'p str,
    /// What it is remembered by.
    pub key: u64,
    /// When it began.
    pub began: Timestamp,
}

impl Entry {
    /// A live input, which is called `name`.
    pub fn live(name: &str, feed: Feed, rules: Rules) -> Self {
        Self::of(name, Kind::Live(feed), rules)
    }

    /// A playlist.
    pub fn playlist(name: &str, playlist: Playlist, rules: Rules) -> Self {
        let list = List { playlist, unheard: 0, round: 0, rests_until: None };
        Self::of(name, Kind::Playlist(Box::new(list)), rules)
    }

    /// A queue of requests.
    pub fn queue(queue: Queue, rules: Rules) -> Self {
        let name = Arc::clone(queue.name());
        Self::of(&name, Kind::Queue(queue), rules)
    }

    /// A rotation of other entries.
    pub fn rotation(name: &str, rotation: Rotation, rules: Rules) -> Self {
        Self::of(name, Kind::Rotation(rotation), rules)
    }

    fn of(name: &str, kind: Kind, rules: Rules) -> Self {
        let turn = Turn::new(Timestamp::UNIX_EPOCH);
        Self { name: name.into(), rules, turn, passed_over: None, kind }
    }

    /// Whether it is there only when somebody sends or asks for something.
    fn comes_by_itself(&self) -> bool {
        matches!(self.kind, Kind::Live(_) | Kind::Queue(_))
    }

    /// Whether it is passed over at `now`. A clock that was put back makes that no longer.
    fn is_passed_over(&self, now: Timestamp) -> bool {
        self.passed_over.is_some_and(|(from, until)| from <= now && now < until)
    }

    /// Whether it is to be played at `now`, as far as that can be known without asking it; some
    /// files are `late`.
    fn is_due(&self, now: Timestamp, late: &[PathBuf]) -> bool {
        let has_something = match &self.kind {
            Kind::Live(feed) => feed.is_ready(),
            Kind::Queue(queue) => queue.has_other_than(late),
            Kind::Playlist(_) | Kind::Rotation(_) => true,
        };
        has_something && !self.is_passed_over(now) && self.rules.are_met(&self.turn, now)
    }
}

impl Selection {
    /// A selection among `playlists`, each with its name.
    pub fn new(playlists: Vec<(Arc<str>, Playlist)>) -> Self {
        let entries = playlists.into_iter();
        let entries: Vec<_> =
            entries.map(|(name, it)| Entry::playlist(&name, it, Rules::always())).collect();
        let top = (0..entries.len()).collect();
        Self::among(entries, top, Timestamp::UNIX_EPOCH)
    }

    /// A selection among those of `entries` at the places `top`, which begins at `now`. Rotations
    /// refer to the places of others, not to their own.
    pub fn among(mut entries: Vec<Entry>, top: Vec<usize>, now: Timestamp) -> Self {
        for entry in &mut entries {
            entry.turn = Turn::new(now);
        }
        let asked = vec![false; entries.len()];
        let (returning, late) = (Vec::new(), Vec::new());
        Self { entries, top, asked, pending: None, playing: None, returning, late }
    }

    /// Lets `wake` be told when there is a request, or a live source.
    pub fn wakes(&self, wake: &SyncSender<()>) {
        for entry in &self.entries {
            match &entry.kind {
                Kind::Live(feed) => feed.wakes(wake),
                Kind::Queue(queue) => queue.wakes(wake),
                Kind::Playlist(_) | Kind::Rotation(_) => {}
            }
        }
    }

    /// Goes on behind what was `played` before a restart, of which the last is the latest.
    pub fn resume(&mut self, played: &[Past<'_>]) {
        for entry in &mut self.entries {
            if let Kind::Playlist(list) = &mut entry.kind {
                let own = played.iter().filter(|past| *past.playlist == *entry.name);
                list.playlist.resume(own.map(|past| past.key));
            }
        }
        for past in played {
            if let Some(path) = self.path_to(past.playlist) {
                self.note_began(&path, past.began);
            }
        }
    }

    /// Goes on in the shuffled round of the playlist called `name`, of which tracks with these
    /// marks were `played` before a restart.
    pub fn resume_round(&mut self, name: &str, played: &[u32]) {
        let mut lists = self.entries.iter_mut().filter(|entry| *entry.name == *name);
        if let Some(Kind::Playlist(list)) = lists.next().map(|entry| &mut entry.kind) {
            list.playlist.resume_round(played);
        }
    }

    /// Goes on in each playlist where `before` is, which plays by another configuration.
    pub fn go_on_from(&mut self, before: &Self) {
        for entry in &mut self.entries {
            let mut known = before.entries.iter().filter(|known| known.name == entry.name);
            if let Kind::Playlist(list) = &mut entry.kind
                && let Some(Kind::Playlist(known)) = known.next().map(|known| &known.kind)
            {
                list.playlist.go_on_from(&known.playlist);
            }
        }
    }

    /// What each playlist and queue would play next, in the order of preference.
    pub fn upcoming(&self) -> Vec<Upcoming> {
        let upcoming = self.entries.iter().filter_map(|entry| {
            let paths = match &entry.kind {
                Kind::Playlist(list) => {
                    let items = list.playlist.rounds().upcoming(UPCOMING_MAX);
                    items.map(|item| item.path.clone()).collect()
                }
                Kind::Live(_) | Kind::Queue(_) | Kind::Rotation(_) => return None,
            };
            Some(Upcoming { playlist: Arc::clone(&entry.name), paths })
        });
        upcoming.collect()
    }

    /// The next items of each playlist, so many of each.
    pub fn likely(&self, count: usize) -> impl Iterator<Item = &Item> {
        let lists = self.entries.iter().filter_map(|entry| match &entry.kind {
            Kind::Playlist(list) => Some(list.playlist.rounds()),
            Kind::Live(_) | Kind::Queue(_) | Kind::Rotation(_) => None,
        });
        lists.flat_map(move |rounds| rounds.upcoming(count))
    }

    /// The next item; `None` if nothing is left that might be heard now, when the clock on the
    /// wall says `wall`.
    pub fn next_item(&mut self, now: Instant, wall: Timestamp) -> Option<Next> {
        let next = self.next_of_all(now, wall);
        if next.is_some() {
            return next;
        }
        let mut were_any = false;
        for entry in &mut self.entries {
            were_any |= entry.passed_over.take().is_some();
            if let Kind::Live(feed) = &entry.kind {
                were_any |= feed.need_not_sound();
            }
        }
        if were_any { self.next_of_all(now, wall) } else { None }
    }

    /// What plays comes from an entry that is passed over from `wall` on for this `time`, or until
    /// nothing else is left; one that is live, until it is louder than `quiet_db` again.
    pub fn pass_over(&mut self, wall: Timestamp, time: Duration, quiet_db: f64) {
        let first = self.playing.as_ref().and_then(|playing| playing.path.first().copied());
        let Some(entry) = first.and_then(|first| self.entries.get_mut(first)) else { return };
        if let Kind::Live(feed) = &entry.kind {
            feed.wait_for_sound(quiet_db);
        } else {
            entry.passed_over = wall.checked_add(time).ok().map(|until| (wall, until));
        }
    }

    fn next_of_all(&mut self, now: Instant, wall: Timestamp) -> Option<Next> {
        self.give_back();
        for entry in &mut self.entries {
            entry.turn.not_after(wall);
            if !entry.is_passed_over(wall) {
                entry.passed_over = None;
            }
        }
        self.asked = self.due(wall);
        for rank in 0..self.top.len() {
            let is_its_turn = |it: &Returning| self.rank(&it.path) <= rank;
            if self.returning.last().is_some_and(is_its_turn) {
                return self.return_to();
            }
            let mut path = vec![self.top[rank]];
            if let Some(mut next) = self.ask(&mut path, now) {
                next.interrupts = self.interrupts(&path, wall);
                self.pending = Some(Pending { next: next.clone(), path, is_returning: false });
                return Some(next);
            }
        }
        self.return_to()
    }

    /// Takes the last item back, which is not to be heard now.
    pub fn give_back(&mut self) {
        let Some(pending) = self.pending.take() else { return };
        if pending.is_returning {
            self.returning.push(Returning { next: pending.next, path: pending.path });
            return;
        }
        match self.leaf(&pending.path) {
            Some(Kind::Playlist(list)) => list.playlist.give_back(),
            Some(Kind::Queue(queue)) => queue.give_back(),
            Some(Kind::Live(_) | Kind::Rotation(_)) | None => {}
        }
    }

    /// Says whether the last item could be heard.
    pub fn tell(&mut self, was_heard: bool, now: Instant) {
        let Some(pending) = &self.pending else { return };
        let path = pending.path.clone();
        if !was_heard && self.pending.take().is_some_and(|pending| pending.is_returning) {
            return;
        }
        match self.leaf(&path) {
            Some(Kind::Playlist(list)) => list.tell(was_heard, now),
            Some(Kind::Queue(queue)) if !was_heard => queue.done(),
            Some(Kind::Live(_) | Kind::Queue(_) | Kind::Rotation(_)) | None => {}
        }
    }

    /// The last item has not come in time. A request keeps its place and is asked for when it has
    /// come; in a playlist it is passed over. Says whether that is new.
    pub fn put_off(&mut self, now: Instant) -> bool {
        let Some(pending) = &self.pending else { return false };
        let (file, path) = (pending.next.item.path.clone(), pending.path.clone());
        let is_new = self.late.len() < LATE_MAX && !self.late.contains(&file);
        if is_new {
            self.late.push(file.clone());
        }
        let is_queue = matches!(self.leaf(&path), Some(Kind::Queue(_)));
        if is_queue && self.late.contains(&file) {
            self.give_back();
        } else {
            self.tell(false, now);
        }
        is_new
    }

    /// Of the files that were late, those are not any more of which `has_come` says so; says
    /// whether there are any.
    pub fn arrived(&mut self, has_come: impl Fn(&Path) -> bool) -> bool {
        let before = self.late.len();
        self.late.retain(|file| !has_come(file));
        self.late.len() < before
    }

    /// The last item has begun to be heard, at `wall`; what played before it was `left_at` this
    /// place in its file, or has ended.
    pub fn began(&mut self, wall: Timestamp, left_at: Option<Duration>) {
        let Some(Pending { next, path, is_returning }) = self.pending.take() else { return };
        if let Some(Kind::Queue(queue)) = self.leaf(&path) {
            queue.done();
        }
        if let Some(left_at) = left_at.filter(|_| next.interrupts) {
            self.keep_interrupted(&path, left_at);
        }
        if !is_returning {
            self.note_began(&path, wall);
        }
        let due = self.asked.clone();
        self.playing = Some(Playing { next, path, due });
    }

    /// Whether other entries are due at `wall` than were when the next item was asked for.
    pub fn is_overtaken(&self, wall: Timestamp) -> bool {
        self.due(wall) != self.asked
    }

    /// When to look next whether that is so: at the next full minute, or when something is due.
    pub fn look_at(&self, wall: Timestamp) -> Timestamp {
        let minute = wall.as_second().div_euclid(60) * 60 + 60;
        let minute = Timestamp::from_second(minute).unwrap_or(wall);
        let due = self.entries.iter().filter_map(|entry| entry.rules.due_at(&entry.turn));
        let due =
            due.chain(self.entries.iter().filter_map(|it| it.passed_over.map(|(_, until)| until)));
        due.filter(|due| *due > wall).fold(minute, Timestamp::min)
    }

    /// Lets every playlist be asked again, since nothing else is left.
    pub fn retry(&mut self, now: Instant) {
        for entry in &mut self.entries {
            if let Kind::Playlist(list) = &mut entry.kind {
                list.rests_until = list.rests_until.map(|until| until.min(now));
            }
        }
    }

    fn due(&self, wall: Timestamp) -> Vec<bool> {
        let entries = self.entries.iter().enumerate();
        let due = entries
            .map(|(at, entry)| entry.is_due(wall, &self.late) || self.is_pending_and_live(at));
        due.collect()
    }

    /// Whether the entry at `at` is live and was given out, so that it is due until it has begun.
    fn is_pending_and_live(&self, at: usize) -> bool {
        let pending = self.pending.as_ref().filter(|pending| pending.next.live.is_some());
        pending.is_some_and(|pending| pending.path.last() == Some(&at))
    }

    /// Asks the entry at the end of `path` for an item, and puts those behind it that lead there.
    fn ask(&mut self, path: &mut Vec<usize>, now: Instant) -> Option<Next> {
        let place = *path.last()?;
        if path.len() > DEPTH_MAX || !*self.asked.get(place)? {
            return None;
        }
        let entry = self.entries.get_mut(place)?;
        let mut live = None;
        let (item, request, again) = match &mut entry.kind {
            Kind::Live(feed) => {
                live = feed.is_ready().then(|| feed.clone());
                live.as_ref()?;
                (Item::file(&*entry.name), None, false)
            }
            Kind::Playlist(list) => (list.next_item(now)?, None, list.rests_until.is_some()),
            Kind::Queue(queue) => {
                let request = queue.take(&self.late)?;
                (request.item, Some(request.id), false)
            }
            Kind::Rotation(rotation) => {
                let children = rotation.children.clone();
                for child in rotation.asked() {
                    path.push(children[child]);
                    let next = self.ask(path, now);
                    if next.is_some() {
                        return next;
                    }
                    path.pop();
                }
                return None;
            }
        };
        let (playlist, key) = (Arc::clone(&entry.name), track_key(&item));
        let (interrupts, left_at) = (false, None);
        Some(Next { item, playlist, again, key, request, live, interrupts, left_at })
    }

    fn return_to(&mut self) -> Option<Next> {
        let Returning { mut next, path } = self.returning.pop()?;
        next.interrupts = false;
        self.pending = Some(Pending { next: next.clone(), path, is_returning: true });
        Some(next)
    }

    /// Whether what `path` leads to begins in the middle of what plays: it has a hard start and
    /// has become due meanwhile, and stands before what plays, or the hours of that are over.
    fn interrupts(&self, path: &[usize], wall: Timestamp) -> bool {
        let Some(playing) = &self.playing else { return false };
        let comes_hard = |&at: &usize| {
            let entry = &self.entries[at];
            entry.rules.start == Start::Hard && (entry.comes_by_itself() || !playing.due[at])
        };
        let is_over = |&at: &usize| !self.entries[at].rules.timetable.allows(wall);
        path.last() != playing.path.last()
            && path.iter().any(comes_hard)
            && (self.rank(path) < self.rank(&playing.path) || playing.path.iter().any(is_over))
    }

    /// Keeps the track that plays for later, if what interrupts it says so.
    fn keep_interrupted(&mut self, path: &[usize], left_at: Duration) {
        let returns = |&at: &usize| {
            let rules = &self.entries[at].rules;
            rules.start == Start::Hard && rules.interrupted == Interrupted::Returns
        };
        if !path.iter().any(returns) || self.returning.len() >= RETURNING_MAX {
            return;
        }
        let is_file = |playing: &mut Playing| playing.next.live.is_none();
        let Some(Playing { mut next, path, .. }) = self.playing.take_if(is_file) else { return };
        next.left_at = Some(left_at);
        self.returning.push(Returning { next, path });
    }

    /// What `path` leads to has begun at `wall`.
    fn note_began(&mut self, path: &[usize], wall: Timestamp) {
        for both in path.windows(2) {
            let [place, child] = *both else { continue };
            if let Kind::Rotation(rotation) = &mut self.entries[place].kind
                && let Some(child) = rotation.children.iter().position(|&at| at == child)
            {
                rotation.began(child);
            }
        }
        let is_occasional = path.iter().any(|&at| self.entries[at].rules.is_occasional());
        for (at, entry) in self.entries.iter_mut().enumerate() {
            if path.contains(&at) {
                entry.turn = Turn::new(wall);
            } else if !is_occasional {
                entry.turn.tracks = entry.turn.tracks.saturating_add(1);
            }
        }
    }

    /// The entries that lead to the one called `name`.
    fn path_to(&self, name: &str) -> Option<Vec<usize>> {
        let mut paths: Vec<Vec<usize>> = self.top.iter().map(|&at| vec![at]).collect();
        while let Some(path) = paths.pop() {
            let entry = &self.entries[*path.last()?];
            if *entry.name == *name {
                return Some(path);
            }
            if let Kind::Rotation(rotation) = &entry.kind
                && path.len() < DEPTH_MAX
            {
                let longer = |&child: &usize| [&path[..], &[child]].concat();
                paths.extend(rotation.children.iter().map(longer));
            }
        }
        None
    }

    /// The place of what `path` leads to in the order of preference.
    fn rank(&self, path: &[usize]) -> usize {
        self.top.iter().position(|at| Some(at) == path.first()).unwrap_or(usize::MAX)
    }

    fn leaf(&mut self, path: &[usize]) -> Option<&mut Kind> {
        path.last().and_then(|&at| self.entries.get_mut(at)).map(|entry| &mut entry.kind)
    }
}

impl List {
    fn next_item(&mut self, now: Instant) -> Option<Item> {
        if self.rests_until.is_some_and(|until| now < until) {
            return None;
        }
        self.playlist.next_item().or_else(|| {
            self.round = self.playlist.begin_round();
            self.playlist.next_item()
        })
    }

    fn tell(&mut self, was_heard: bool, now: Instant) {
        if was_heard {
            self.unheard = 0;
            self.rests_until = None;
            return;
        }
        self.unheard += 1;
        if self.unheard >= self.round {
            self.unheard = 0;
            self.rests_until = Some(now + BARREN_REST);
        }
    }
}

/// So many files are told of what comes next.
pub const UPCOMING_MAX: usize = 10;
/// A playlist that could not be heard is asked again after so long.
pub const BARREN_REST: Duration = Duration::from_secs(30);
/// So many tracks that were interrupted may wait to go on.
pub const RETURNING_MAX: usize = 4;
/// So many files are known to be late; further ones are passed over.
pub const LATE_MAX: usize = 64;
/// Rotations may stand in rotations this deep.
pub const DEPTH_MAX: usize = 8;

#[cfg(test)]
mod tests;

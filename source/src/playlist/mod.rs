//! `Playlist`: what comes next.
//!
//! A playlist is made of what the operator named: audio files, folders, globs and lists (M3U, PLS,
//! XSPF, CUE sheets). One pass through all of it is a *round*; [`rounds`] follow each other for
//! ever. A [`mod@watch`] reads the files, in a thread of its own, whenever they have changed, and
//! what has changed counts from the next item on. A list that cannot be read any more, or that
//! somebody is just writing, leaves the items it had before; one that says to be a list and holds
//! nothing is empty.
//!
//! This part names files; whether they can be played is not its business.

pub mod alike;
pub mod annotate;
pub mod artist;
pub mod at;
pub mod change;
mod contents;
mod copies;
pub mod extinf;
pub mod file;
pub mod folder;
pub mod format;
pub mod hours;
pub mod item;
pub mod order;
pub mod part;
pub mod queue;
mod remote;
pub mod requests;
pub mod rotation;
pub mod rounds;
pub mod rules;
pub mod selection;
pub mod settle;
mod text;
pub mod watch;

use crate::alphabet::TagCharset;
use crate::playlist::change::Change;
use crate::playlist::order::Order;
use crate::playlist::rounds::Rounds;
use crate::playlist::watch::{Reload, Watch};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch::Receiver;
use tracing::{info, warn};

pub use crate::playlist::contents::Contents;
pub use crate::playlist::item::{Annotations, Item};

/// What comes next, for ever.
pub struct Playlist {
    name: Arc<str>,
    rounds: Rounds,
    /// The place before the item that was given out last.
    before: Option<Rounds>,
    /// Whether the next round has been asked for.
    is_begun: bool,
    contents: Receiver<Arc<Contents>>,
    /// What the tags of its items are encoded in that do not say so.
    tag_charset: Option<TagCharset>,
    /// Its files; `None` for audio files alone, which are what they are.
    watch: Option<Watch>,
}

impl Playlist {
    /// A playlist of `paths`, in the given order. Their changes are noticed at once.
    pub fn new(paths: Vec<PathBuf>, order: Order) -> Self {
        Self::called("playlist", paths, order, Reload::Watch)
    }

    /// A playlist of `paths`, which messages call `name`.
    pub fn called(name: &str, paths: Vec<PathBuf>, order: Order, reload: Reload) -> Self {
        if paths.iter().all(|path| is_audio_file(path)) {
            return Self::fixed(name, &paths, order);
        }
        let read_once = paths.clone();
        match Watch::start(name, paths, reload) {
            Ok((watch, _ends_by_itself)) => {
                let contents = watch.contents();
                Self::of(name, order, contents, Some(watch))
            }
            Err(error) => {
                warn!(playlist = name, "no thread to watch it: {error}; it is read once");
                Self::fixed(name, &read_once, order)
            }
        }
    }

    /// A playlist in the given order of what `watch` reads; others may use that too.
    pub fn watching(name: &str, order: Order, watch: &Watch) -> Self {
        Self::of(name, order, watch.contents(), Some(watch.clone()))
    }

    fn fixed(name: &str, paths: &[PathBuf], order: Order) -> Self {
        let parts: Vec<_> = paths.iter().filter_map(|path| Contents::read(path).ok()).collect();
        let (_, contents) = tokio::sync::watch::channel(Arc::new(Contents::joined(parts.iter())));
        Self::of(name, order, contents, None)
    }

    /// A playlist of `items`, for tests.
    #[cfg(test)]
    pub(crate) fn of_items(items: Vec<Item>, order: Order) -> Self {
        let contents = Contents { items, ..Contents::default() };
        let (_, contents) = tokio::sync::watch::channel(Arc::new(contents));
        Self::of("playlist", order, contents, None)
    }

    fn of(
        name: &str,
        order: Order,
        mut contents: Receiver<Arc<Contents>>,
        watch: Option<Watch>,
    ) -> Self {
        let mut rounds = Rounds::new(order);
        rounds.take_over(Arc::clone(&contents.borrow_and_update()));
        Self {
            name: name.into(),
            rounds,
            before: None,
            is_begun: false,
            contents,
            tag_charset: None,
            watch,
        }
    }

    /// The same, whose items have tags in `charset` where they do not say in what.
    #[must_use]
    pub fn tagged_in(self, charset: Option<TagCharset>) -> Self {
        Self { tag_charset: charset, ..self }
    }

    /// The next item of this round; `None` at the end of the round.
    pub fn next_item(&mut self) -> Option<Item> {
        self.take_over();
        if self.rounds.is_at_end() && !self.is_begun {
            return None;
        }
        self.is_begun = false;
        self.before = Some(self.rounds.clone());
        let item = self.rounds.next_item().map(alike::found)?;
        Some(Item { tag_charset: self.tag_charset, ..item })
    }

    /// Takes back the item that was given out last and will not be played: it comes next, unless
    /// the playlist has changed.
    pub fn give_back(&mut self) {
        if let Some(before) = self.before.take() {
            // The item may be the first of a round.
            self.is_begun = before.is_at_end();
            self.rounds = before;
            self.contents.mark_changed();
        }
    }

    /// Lets the next round begin; says how many items there are, which may be none.
    pub fn begin_round(&mut self) -> usize {
        if let Some(watch) = &self.watch {
            watch.refresh(REFRESH_PATIENCE);
        }
        self.take_over();
        self.is_begun = true;
        self.rounds.len()
    }

    /// Goes on behind the last of the tracks that were `played` before a restart, given by their
    /// keys.
    pub fn resume(&mut self, played: impl IntoIterator<Item = u64>) {
        self.rounds.resume(played);
    }

    /// Goes on in a shuffled round of which tracks with these marks were played before a restart.
    pub fn resume_round(&mut self, played: &[u32]) {
        self.rounds.resume_round(played);
    }

    /// Goes on where `before` is, which is the same playlist in another configuration.
    pub fn go_on_from(&mut self, before: &Self) {
        if self.rounds.go_on_from(&before.rounds) {
            self.is_begun = before.is_begun;
        }
    }

    /// Its place, and what comes next there.
    pub fn rounds(&self) -> &Rounds {
        &self.rounds
    }

    /// Its files, if they are watched.
    pub fn watch(&self) -> Option<&Watch> {
        self.watch.as_ref()
    }

    /// Takes over what has changed.
    fn take_over(&mut self) {
        if !self.contents.has_changed().unwrap_or(false) {
            return; // nothing reads it any more, or nothing is new
        }
        let contents = Arc::clone(&self.contents.borrow_and_update());
        let (playlist, items) = (&self.name, contents.items.len());
        match self.rounds.take_over(contents) {
            Change::Edited { .. } => info!(%playlist, items, "edited; it goes on where it is"),
            Change::Other if items == 0 => info!(%playlist, "empty now"),
            Change::Other => {
                info!(%playlist, items, "another list; it begins with its first");
                self.is_begun = true;
            }
            Change::Same => {}
        }
        self.before = None;
    }
}

/// Whether `path` names an audio file, which need not exist, and nothing else.
fn is_audio_file(path: &Path) -> bool {
    folder::is_audio(path) && !path.is_dir() && !folder::is_glob(path)
}

/// Whoever needs to know what was just written waits so long.
pub const REFRESH_PATIENCE: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_folders_and_lists_follow_each_other_and_begin_again() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::create_dir(at("album")).unwrap();
        for name in ["album/b.mp3", "album/a.flac", "album/cover.jpg", "single.ogg"] {
            std::fs::write(at(name), "").unwrap();
        }
        std::fs::write(at("list.m3u"), "single.ogg\n").unwrap();
        let paths = vec![at("single.ogg"), at("album"), at("list.m3u")];
        let mut playlist = Playlist::new(paths, Order::normal());

        for _ in 0..2 {
            assert_eq!(playlist.begin_round(), 4);
            let names: Vec<_> = std::iter::from_fn(|| playlist.next_item())
                .map(|item| item.path.strip_prefix(dir.path()).unwrap().to_owned())
                .collect();
            assert_eq!(
                names,
                ["single.ogg", "album/a.flac", "album/b.mp3", "single.ogg"].map(PathBuf::from)
            );
        }
    }

    #[test]
    fn a_changed_list_is_heard_from_the_next_item_on() {
        let (_dir, list, mut playlist) = of_list("a.mp3\nb.mp3\nc.mp3\n");
        assert_eq!(playlist.begin_round(), 3);
        assert_eq!(name(playlist.next_item()), "a.mp3");

        std::fs::write(&list, "a.mp3\nx.mp3\nb.mp3\nc.mp3\n").unwrap();
        playlist.watch().unwrap().refresh(LONG);
        assert_eq!(name(playlist.next_item()), "x.mp3");

        std::fs::write(&list, "y.mp3\n").unwrap();
        playlist.watch().unwrap().refresh(LONG);
        assert_eq!(name(playlist.next_item()), "y.mp3");
        assert_eq!(playlist.next_item(), None);
    }

    #[test]
    fn before_a_round_begins_what_was_just_written_is_read() {
        let (_dir, list, mut playlist) = of_list("a.mp3\n");
        playlist.begin_round();
        playlist.next_item();

        std::fs::write(&list, "b.mp3\nc.mp3\n").unwrap();

        assert_eq!(playlist.begin_round(), 2);
        assert_eq!(name(playlist.next_item()), "b.mp3");
    }

    #[test]
    fn a_list_that_vanishes_or_is_emptied_keeps_what_it_held() {
        let (_dir, list, mut playlist) = of_list("a.mp3\n");
        assert_eq!(playlist.begin_round(), 1);

        std::fs::write(&list, "").unwrap();
        assert_eq!(playlist.begin_round(), 1);
        std::fs::remove_file(&list).unwrap();
        assert_eq!(playlist.begin_round(), 1);
    }

    #[test]
    fn a_list_that_says_to_be_one_and_holds_nothing_is_empty() {
        let (_dir, list, mut playlist) = of_list("a.mp3\n");
        playlist.begin_round();

        std::fs::write(&list, "#EXTM3U\n").unwrap();
        playlist.watch().unwrap().reload(LONG);

        assert_eq!(playlist.begin_round(), 0);
        assert_eq!(playlist.next_item(), None);
    }

    #[test]
    fn an_item_that_is_given_back_comes_next() {
        let (_dir, list, mut playlist) = of_list("a.mp3\nb.mp3\nc.mp3\n");
        playlist.begin_round();
        playlist.next_item();
        assert_eq!(name(playlist.next_item()), "b.mp3");
        playlist.give_back();
        assert_eq!(name(playlist.next_item()), "b.mp3");

        std::fs::write(&list, "a.mp3\nx.mp3\nb.mp3\nc.mp3\n").unwrap();
        playlist.watch().unwrap().refresh(LONG);
        playlist.give_back();

        assert_eq!(name(playlist.next_item()), "x.mp3", "it stands behind the one that plays");
    }

    #[test]
    fn the_first_item_of_a_round_can_be_given_back() {
        let (_dir, _, mut playlist) = of_list("a.mp3\nb.mp3\n");
        playlist.begin_round();
        playlist.next_item();

        playlist.give_back();

        assert_eq!(name(playlist.next_item()), "a.mp3");
    }

    fn of_list(text: &str) -> (tempfile::TempDir, PathBuf, Playlist) {
        let dir = tempfile::tempdir().unwrap();
        let list = dir.path().join("list.m3u");
        std::fs::write(&list, text).unwrap();
        let playlist = Playlist::new(vec![list.clone()], Order::normal());
        (dir, list, playlist)
    }

    fn name(item: Option<Item>) -> String {
        item.unwrap().path.file_name().unwrap().display().to_string()
    }

    const LONG: Duration = Duration::from_secs(20);
}

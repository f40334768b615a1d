//! `Playlist`: what comes next.
//!
//! A playlist is made of what the operator named: audio files, folders, globs and lists (M3U, PLS,
//! XSPF, CUE sheets). One pass through all of it is a *round*. Rounds follow each other for ever,
//! and before each one lists and folders are read anew, so a change on disk is heard when the
//! round has ended. A list that cannot be read any more, or that somebody is just writing, leaves
//! the items it had before; one that says to be a list and holds nothing is empty.
//!
//! This part names files; whether they can be played is not its business.

pub mod alike;
pub mod annotate;
pub mod artist;
pub mod change;
mod contents;
pub mod extinf;
pub mod file;
pub mod folder;
pub mod format;
pub mod item;
pub mod order;
pub mod rounds;
pub mod settle;
mod text;
pub mod watch;

use crate::playlist::order::{Order, track_key};
use std::collections::VecDeque;
use std::path::PathBuf;
use tracing::warn;

pub use crate::playlist::contents::Contents;
pub use crate::playlist::item::{Annotations, Item};

/// What comes next, for ever.
pub struct Playlist {
    sources: Vec<Source>,
    order: Order,
    /// What is left of this round.
    round: VecDeque<Item>,
    played: Vec<u64>,
}

/// One thing the operator named, and the items it last held.
struct Source {
    path: PathBuf,
    items: Vec<Item>,
}

impl Playlist {
    /// A playlist of `paths`, in the given order. Nothing is read yet.
    pub fn new(paths: Vec<PathBuf>, order: Order) -> Self {
        let sources = paths.into_iter().map(|path| Source { path, items: Vec::new() }).collect();
        Self { sources, order, round: VecDeque::new(), played: Vec::new() }
    }

    /// The next item of this round; `None` at the end of the round.
    pub fn next_item(&mut self) -> Option<Item> {
        let item = self.round.pop_front()?;
        self.played.push(track_key(&item));
        Some(alike::found(item))
    }

    /// Reads everything anew and begins the next round; says how many items it has, which may be
    /// none.
    pub fn begin_round(&mut self) -> usize {
        for source in &mut self.sources {
            source.read();
        }
        let items: Vec<Item> =
            self.sources.iter().flat_map(|source| source.items.iter().cloned()).collect();
        let order = self.order.round(&items, &std::mem::take(&mut self.played));
        self.round = order.into_iter().map(|at| items[at].clone()).collect();
        self.round.len()
    }
}

impl Source {
    fn read(&mut self) {
        let kept = self.items.len();
        match Contents::read(&self.path) {
            Ok(contents) if contents.is_deliberate => self.items = contents.items,
            Ok(_) => warn!(
                list = %self.path.display(), kept,
                "holds nothing at all; what it held before is kept"
            ),
            Err(error) => warn!(
                list = %self.path.display(), kept,
                "cannot be read: {error}; what it held before is kept"
            ),
        }
    }
}

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
    fn a_changed_list_is_heard_in_the_next_round() {
        let dir = tempfile::tempdir().unwrap();
        let list = dir.path().join("list.m3u");
        std::fs::write(&list, "a.mp3\n").unwrap();
        let mut playlist = Playlist::new(vec![list.clone()], Order::normal());
        assert_eq!(playlist.begin_round(), 1);

        std::fs::write(&list, "b.mp3\nc.mp3\n").unwrap();

        assert_eq!(playlist.next_item().unwrap().path, dir.path().join("a.mp3"));
        assert_eq!(playlist.begin_round(), 2);
        assert_eq!(playlist.next_item().unwrap().path, dir.path().join("b.mp3"));
    }

    #[test]
    fn a_list_that_vanishes_or_is_emptied_keeps_what_it_held() {
        let dir = tempfile::tempdir().unwrap();
        let list = dir.path().join("list.m3u");
        std::fs::write(&list, "a.mp3\n").unwrap();
        let mut playlist = Playlist::new(vec![list.clone()], Order::normal());
        playlist.begin_round();

        std::fs::write(&list, "").unwrap();
        assert_eq!(playlist.begin_round(), 1);
        std::fs::remove_file(&list).unwrap();
        assert_eq!(playlist.begin_round(), 1);
    }

    #[test]
    fn a_list_that_says_to_be_one_and_holds_nothing_is_empty() {
        let dir = tempfile::tempdir().unwrap();
        let list = dir.path().join("list.m3u");
        std::fs::write(&list, "a.mp3\n").unwrap();
        let mut playlist = Playlist::new(vec![list.clone()], Order::normal());
        playlist.begin_round();

        std::fs::write(&list, "#EXTM3U\n").unwrap();

        assert_eq!(playlist.begin_round(), 0);
    }
}

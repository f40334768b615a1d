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
pub mod extinf;
pub mod file;
pub mod folder;
pub mod format;
pub mod item;
pub mod order;
mod text;

use crate::playlist::order::Order;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use tracing::warn;

pub use crate::playlist::item::{Annotations, Item};

/// What a list, a folder or anything else that can be named holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contents {
    /// What is to be played, in the order written.
    pub items: Vec<Item>,
    /// What it says of itself: names and values.
    pub about: Vec<(String, String)>,
    /// Whether it is meant as it is. A list without items that does not even say that it is one
    /// is not: it was caught half-written, or emptied by accident.
    pub is_deliberate: bool,
}

impl Contents {
    /// What `path` holds: an audio file, a folder, a glob or a list.
    ///
    /// Fails if it cannot be read.
    pub fn read(path: &Path) -> std::io::Result<Self> {
        if path.is_dir() {
            return Ok(Self::deliberate(folder::items(path)?));
        }
        if folder::is_glob(path) {
            let mut items = Vec::new();
            for found in folder::matches(path)? {
                if found.is_dir() || file::is_list(&found) {
                    items.append(&mut Self::read(&found)?.items);
                } else if folder::is_audio(&found) {
                    items.push(Item::file(found));
                }
            }
            return Ok(Self::deliberate(items));
        }
        if file::is_list(path) {
            return file::contents(path);
        }
        Ok(Self::deliberate(vec![Item::file(path)]))
    }

    fn deliberate(items: Vec<Item>) -> Self {
        Self { items, about: Vec::new(), is_deliberate: true }
    }
}

/// What comes next, for ever.
pub struct Playlist {
    sources: Vec<Source>,
    order: Order,
    /// What is left of this round.
    round: VecDeque<Item>,
    last: Option<PathBuf>,
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
        Self { sources, order, round: VecDeque::new(), last: None }
    }

    /// The next item of this round; `None` at the end of the round.
    pub fn next_item(&mut self) -> Option<Item> {
        let item = self.round.pop_front()?;
        self.last = Some(item.path.clone());
        Some(alike::found(item))
    }

    /// Reads everything anew and begins the next round; says how many items it has, which may be
    /// none.
    pub fn begin_round(&mut self) -> usize {
        for source in &mut self.sources {
            source.read();
        }
        let items: Vec<&Item> = self.sources.iter().flat_map(|source| &source.items).collect();
        let paths: Vec<&Path> = items.iter().map(|item| item.path.as_path()).collect();
        let order = self.order.round(&paths, self.last.as_deref());
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

    #[test]
    fn a_glob_takes_audio_files_lists_and_folders() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::create_dir(at("x-album")).unwrap();
        for name in ["x-album/1.mp3", "x-b.mp3", "x-notes.txt", "y.mp3"] {
            std::fs::write(at(name), "").unwrap();
        }
        std::fs::write(at("x-list.m3u"), "y.mp3\n").unwrap();

        let items = Contents::read(&at("x*")).unwrap().items;

        let paths: Vec<_> = items.into_iter().map(|item| item.path).collect();
        assert_eq!(paths, [at("x-album/1.mp3"), at("x-b.mp3"), at("y.mp3")]);
    }
}

//! `Playlist`: what comes next.
//!
//! A playlist is made of what the operator named: audio files, folders and M3U lists. One pass
//! through all of it is a *round*. Rounds follow each other for ever, and before each one lists
//! and folders are read anew, so a change on disk is heard when the round has ended. A list that
//! cannot be read any more leaves the items it had before.
//!
//! This part names files; whether they can be played is not its business.

pub mod file;
pub mod folder;
pub mod order;

use crate::playlist::order::Order;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tracing::warn;

/// Something to play.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The audio file.
    pub path: PathBuf,
    /// The title that an M3U list gives it, used where the file itself has none.
    pub listed_title: Option<Arc<str>>,
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
        Some(item)
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
        let read = if self.path.is_dir() {
            folder::items(&self.path)
        } else if file::is_list(&self.path) {
            file::items(&self.path)
        } else {
            Ok(vec![Item { path: self.path.clone(), listed_title: None }])
        };
        match read {
            Ok(items) => self.items = items,
            Err(error) => warn!(
                list = %self.path.display(), kept = self.items.len(),
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
    fn a_list_that_vanishes_keeps_what_it_held() {
        let dir = tempfile::tempdir().unwrap();
        let list = dir.path().join("list.m3u");
        std::fs::write(&list, "a.mp3\n").unwrap();
        let mut playlist = Playlist::new(vec![list.clone()], Order::normal());
        playlist.begin_round();

        std::fs::remove_file(&list).unwrap();

        assert_eq!(playlist.begin_round(), 1);
    }
}

//! `Contents`: what a list, a folder or anything else that can be named holds.

use crate::playlist::item::{Item, is_http};
use crate::playlist::{file, folder};
use std::path::Path;

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
    /// What `path` holds: an audio file, here or elsewhere, a folder, a glob or a list.
    ///
    /// Fails if it cannot be read.
    pub fn read(path: &Path) -> std::io::Result<Self> {
        if is_http(path.as_os_str().as_encoded_bytes()) {
            return Ok(Self::of(vec![Item::file(path)]));
        }
        if path.is_dir() {
            return Ok(Self::of(folder::items(path)?));
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
            return Ok(Self::of(items));
        }
        if file::is_list(path) {
            return file::contents(path);
        }
        Ok(Self::of(vec![Item::file(path)]))
    }

    /// These items, meant as they are.
    pub fn of(items: Vec<Item>) -> Self {
        Self { items, about: Vec::new(), is_deliberate: true }
    }

    /// What comes of several, one after the other.
    pub fn joined<'a>(parts: impl Iterator<Item = &'a Self>) -> Self {
        let mut whole = Self::default();
        for part in parts {
            whole.items.extend_from_slice(&part.items);
            whole.about.extend_from_slice(&part.about);
            whole.is_deliberate |= part.is_deliberate;
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

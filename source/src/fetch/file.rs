//! Files that were fetched: on disk without a name, so that nothing is left of them when nobody
//! needs them any more, however this program ends.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A file that was fetched. It is deleted when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Fetched(Arc<Whole>);

#[derive(Debug)]
struct Whole {
    space: Space,
    /// What its server or its name says it is, as an ending such as `mp3`.
    extension: Option<String>,
}

/// Reads a file that was fetched, from its beginning on.
#[derive(Debug)]
pub struct FetchedReader {
    file: Fetched,
    at: u64,
}

/// How many bytes all files have that were fetched; clones count together.
#[derive(Clone, Debug, Default)]
pub(super) struct Held(Arc<AtomicU64>);

/// A file that is being fetched, and what it counts for.
#[derive(Debug)]
pub(super) struct Space {
    file: File,
    held: Held,
    length: u64,
}

impl Fetched {
    /// A reader of its own.
    pub fn reader(&self) -> FetchedReader {
        FetchedReader { file: self.clone(), at: 0 }
    }

    /// What it is likely to be, as the ending of a name.
    pub fn extension(&self) -> Option<&str> {
        self.0.extension.as_deref()
    }

    /// How many bytes it has.
    pub fn length(&self) -> u64 {
        self.0.space.length
    }

    /// Whether somebody else holds it too.
    pub(super) fn is_in_use(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }
}

impl Held {
    /// How many bytes they are now.
    pub(super) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Space {
    /// An empty file without a name in `folder`.
    ///
    /// Fails if there can be none.
    pub(super) fn new(folder: &Path, held: Held) -> Result<Self> {
        Ok(Self { file: tempfile::tempfile_in(folder)?, held, length: 0 })
    }

    /// Puts `bytes` behind the others.
    ///
    /// Fails if the disk does not take them.
    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes)?;
        self.length += bytes.len() as u64;
        self.held.0.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// The file, which is whole.
    pub(super) fn done(self, extension: Option<String>) -> Fetched {
        Fetched(Arc::new(Whole { space: self, extension }))
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        self.held.0.fetch_sub(self.length, Ordering::Relaxed);
    }
}

impl Read for FetchedReader {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let count = self.file.0.space.file.read_at(buffer, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for FetchedReader {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        let at = match to {
            SeekFrom::Current(offset) => self.at.checked_add_signed(offset),
            SeekFrom::End(offset) => self.file.length().checked_add_signed(offset),
            SeekFrom::Start(at) => Some(at),
        };
        self.at = at.ok_or_else(|| Error::from(ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_no_name_and_counts_as_long_as_somebody_holds_it() {
        let (dir, held) = (tempfile::tempdir().unwrap(), Held::default());
        let mut space = Space::new(dir.path(), held.clone()).unwrap();
        space.put(b"hello ").unwrap();
        space.put(b"world").unwrap();
        let file = space.done(None);
        let (mut one, mut two) = (file.reader(), file.reader());

        let (mut text, mut rest) = (String::new(), String::new());
        one.read_to_string(&mut text).unwrap();
        two.seek(SeekFrom::End(-5)).unwrap();
        two.read_to_string(&mut rest).unwrap();

        assert_eq!((text.as_str(), rest.as_str(), held.bytes()), ("hello world", "world", 11));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        drop((file, one));
        assert_eq!(held.bytes(), 11);
        drop(two);
        assert_eq!(held.bytes(), 0);
    }
}

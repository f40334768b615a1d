//! Files of our own that are written whole or not at all.
//!
//! A new file is written beside the old one, brought to the disk and put in its place, so that a
//! crash at any moment leaves the old one or the new one. What is not what it should be is set
//! aside, for somebody to look at.

use std::fmt;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use tracing::warn;

/// What is in the file at `path`; `None` if that is no text, or has more than `bytes_max`.
///
/// Fails if it cannot be read.
pub fn read(path: &Path, bytes_max: u64) -> std::io::Result<Option<String>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(bytes_max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        return Ok(None);
    }
    Ok(String::from_utf8(bytes).ok())
}

/// Puts `content` in the place of what is in the file at `path`.
///
/// Fails if the disk does not take it; then the old file is still there.
pub fn write(path: &Path, content: impl AsRef<[u8]>) -> std::io::Result<()> {
    let new = beside(path, ".new");
    let written = File::create(&new).and_then(|mut file| {
        file.write_all(content.as_ref())?;
        file.sync_all()
    });
    if let Err(error) = written.and_then(|()| std::fs::rename(&new, path)) {
        drop(std::fs::remove_file(&new)); // half a file helps nobody, least on a full disk
        return Err(error);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    // The name has to reach the disk too.
    File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

/// Sets the file at `path` aside because of a `problem`, and says so, and what happens `then`.
pub fn set_aside(path: &Path, problem: &dyn fmt::Display, then: &str) {
    let aside = beside(path, ".broken");
    let (file, to) = (path.display(), aside.display());
    match std::fs::rename(path, &aside) {
        Ok(()) => warn!(%file, "{problem}; it is {to} now, and {then}"),
        Err(error) => warn!(%file, "{problem}, and stays where it is: {error}; {then}"),
    }
}

/// The path with `end` behind its name.
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_leaves_the_old_file_and_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("station.state");
        write(&path, "old").unwrap();
        // Every byte written to it finds the disk full.
        std::os::unix::fs::symlink("/dev/full", beside(&path, ".new")).unwrap();

        let error = write(&path, "new").unwrap_err();

        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_too_long_or_no_text_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        std::fs::write(&path, "12345").unwrap();

        assert_eq!(read(&path, 5).unwrap().as_deref(), Some("12345"));
        assert_eq!(read(&path, 4).unwrap(), None);
        std::fs::write(&path, b"\xFF").unwrap();
        assert_eq!(read(&path, 4).unwrap(), None);
        assert!(read(&dir.path().join("b"), 4).is_err());
    }
}

//! Small files that people edit and the server rewrites: users, bans.
//!
//! Such a file is noticed to have changed by its [`Stamp`], and is replaced as a whole, so that
//! whoever reads it, and whatever happens to the machine, sees the old one or the new one.

use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{fs, process};

/// By what a changed file is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
    inode: u64,
}

impl Stamp {
    /// The stamp of a file; `None` if it cannot be looked at.
    pub(crate) async fn of(path: &Path) -> Option<Self> {
        let about = tokio::fs::metadata(path).await.ok()?;
        Some(Self { modified: about.modified().ok(), bytes: about.len(), inode: about.ino() })
    }
}

/// The text of a file, if it is no longer than `bytes_max`; one that does not exist is empty.
pub(crate) async fn read(path: &Path, bytes_max: u64) -> io::Result<String> {
    let about = match tokio::fs::metadata(path).await {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(String::new()),
        about => about?,
    };
    if !about.is_file() || about.len() > bytes_max {
        let what = format!("not a file of at most {bytes_max} bytes");
        return Err(io::Error::new(ErrorKind::InvalidInput, what));
    }
    Ok(String::from_utf8_lossy(&tokio::fs::read(path).await?).into_owned())
}

/// Makes `text` the content of the file at `path`, which keeps its mode and owner; a new one can
/// be read by its owner alone. A link is followed. Waits for the disk.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let beside = beside(&path);
    let replaced = write_beside(&path, &beside, text).and_then(|()| fs::rename(&beside, &path));
    if replaced.is_err() {
        // It may not even have been made.
        let _ = fs::remove_file(&beside);
    }
    replaced
}

fn write_beside(path: &Path, beside: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(beside)?;
    file.write_all(text.as_bytes())?;
    if let Ok(about) = fs::metadata(path) {
        let own = file.metadata()?;
        if (own.uid(), own.gid()) != (about.uid(), about.gid()) {
            chown(beside, Some(about.uid()), Some(about.gid()))?;
        }
        file.set_permissions(about.permissions())?;
    }
    file.sync_all()
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", process::id()));
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    #[test]
    fn a_replaced_file_keeps_its_mode_and_its_link() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("users"), folder.path().join("link"));
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&path, &link).unwrap();

        replace(&link, "new").unwrap();

        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left beside it");
    }

    #[test]
    fn a_new_file_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users");

        replace(&path, "x").unwrap();

        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(replace(&folder.path().join("no/users"), "x").is_err());
    }

    #[tokio::test]
    async fn a_missing_file_is_empty_and_one_too_long_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users");
        assert_eq!(read(&path, 2).await.unwrap(), "");

        fs::write(&path, "123").unwrap();

        assert!(read(&path, 2).await.is_err() && read(folder.path(), 2).await.is_err());
        assert_eq!(read(&path, 3).await.unwrap(), "123");
    }

    #[tokio::test]
    async fn a_change_is_seen_by_the_stamp() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users");
        assert_eq!(Stamp::of(&path).await, None);
        replace(&path, "a").unwrap();
        let before = Stamp::of(&path).await;

        replace(&path, "b").unwrap();

        assert!(before.is_some() && Stamp::of(&path).await != before);
    }
}

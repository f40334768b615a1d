//! The process: whom it becomes once its sockets are open, and the file that holds its number.

use crate::config::RunAs;
use nix::errno::Errno;
use nix::unistd::{Gid, Group, Uid, User, initgroups, setgid, setgroups, setuid};
use std::ffi::CString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Why the process cannot become somebody else.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BecomeError {
    /// There is no such group.
    #[error("run as: there is no group {0:?} on this machine")]
    NoGroup(String),
    /// There is no such user.
    #[error("run as: there is no user {0:?} on this machine")]
    NoUser(String),
    /// The system refuses.
    #[error("run as: the system refuses: {0}")]
    Refused(#[from] Errno),
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Became {
    /// The process runs as it should.
    Another,
    /// It was not started by root, and stays who it is.
    Same,
    /// It stays root, because nobody else is named.
    Root,
}

/// Becomes whom the configuration names, for good: groups first, because a user may not change
/// them. Must come before any other thread begins.
pub(crate) fn become_user(run_as: Option<&RunAs>) -> Result<Became, BecomeError> {
    if !Uid::effective().is_root() {
        return Ok(Became::Same);
    }
    let Some(RunAs { user, group }) = run_as else { return Ok(Became::Root) };
    let user = user
        .as_ref()
        .map(|name| User::from_name(name)?.ok_or_else(|| BecomeError::NoUser(name.clone())));
    let user = user.transpose()?;
    let group = group
        .as_ref()
        .map(|name| Group::from_name(name)?.ok_or_else(|| BecomeError::NoGroup(name.clone())));
    let group = group.transpose()?.map(|group| group.gid);
    let gid = group.or_else(|| user.as_ref().map(|user| user.gid));
    drop_groups(user.as_ref(), gid)?;
    if let Some(gid) = gid {
        setgid(gid)?;
    }
    if let Some(user) = &user {
        setuid(user.uid)?;
    }
    Ok(if user.is_some_and(|user| !user.uid.is_root()) { Became::Another } else { Became::Root })
}

/// Leaves the groups of root for those of the user, or for the one group alone.
fn drop_groups(user: Option<&User>, gid: Option<Gid>) -> Result<(), BecomeError> {
    match (user.and_then(|user| CString::new(user.name.as_str()).ok()), gid) {
        (Some(name), Some(gid)) => initgroups(&name, gid)?,
        (_, Some(gid)) => setgroups(&[gid])?,
        (_, None) => {}
    }
    Ok(())
}

/// The file that holds the number of the process; removed when this is dropped.
#[derive(Debug)]
pub(crate) struct PidFile(PathBuf);

impl PidFile {
    /// Writes the file at `path`.
    pub(crate) fn write(path: &Path) -> io::Result<Self> {
        fs::write(path, format!("{}\n", std::process::id()))?;
        Ok(Self(path.to_owned()))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // Somebody may have removed it already, and nobody is left to tell.
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pid_file_holds_the_number_and_goes_with_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.pid");

        let file = PidFile::write(&path).unwrap();
        let held = fs::read_to_string(&path).unwrap();
        drop(file);

        assert_eq!(held.trim(), std::process::id().to_string());
        assert!(!path.exists());
    }

    #[test]
    fn a_user_that_does_not_exist_is_named() {
        let run_as = RunAs { user: Some("no-such-user-here".to_owned()), group: None };

        let became = become_user(Some(&run_as));

        // Only root looks the user up.
        match became {
            Err(error) => assert!(error.to_string().contains("no user \"no-such-user-here\"")),
            Ok(became) => assert_eq!(became, Became::Same),
        }
    }
}

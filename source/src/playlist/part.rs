//! A part of a playlist: one of the things that its `path` names, and what that held when it could
//! be read last.

use crate::fetch::address::HttpAddress;
use crate::fetch::list::{FetchedList, Lists, Subscription, Tell};
use crate::playlist::item::is_http;
use crate::playlist::settle::Stamp;
use crate::playlist::{Contents, copies, file, folder, remote};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;
use tracing::{debug, info, warn};

/// Where lists elsewhere come from. By default, from nowhere.
#[derive(Clone, Debug, Default)]
pub struct Elsewhere {
    /// Who fetches them.
    pub lists: Lists,
    /// The folder in which copies of them are kept; none if they are not.
    pub copies: Option<PathBuf>,
}

/// One of the paths, and what it held when it could be read last.
pub(super) struct Part {
    pub(super) path: PathBuf,
    pub(super) contents: Contents,
    /// Whether it could be read; a failure is told once.
    could_be_read: bool,
    remote: Option<Remote>,
}

/// A list elsewhere.
struct Remote {
    address: String,
    subscription: Option<Subscription>,
    copies: Option<PathBuf>,
    /// The list that the part holds.
    known: Option<Arc<FetchedList>>,
    /// Whether it is known what is to be played, or why nothing is.
    is_settled: bool,
}

impl Part {
    /// What is at `path`, which is on this machine or a list elsewhere. That is fetched `every` so
    /// long; its copy is read at once.
    pub(super) fn new(
        path: PathBuf,
        elsewhere: &Elsewhere,
        every: Option<Duration>,
        tell: impl FnOnce() -> Tell,
    ) -> Self {
        let remote = list_elsewhere(&path).map(|address| Remote {
            address: path.display().to_string(),
            subscription: elsewhere.lists.subscribe(address, every, tell()),
            copies: elsewhere.copies.clone(),
            known: None,
            is_settled: false,
        });
        Self { path, contents: Contents::default(), could_be_read: true, remote }
    }

    /// Whether it is a list elsewhere.
    pub(super) fn is_remote(&self) -> bool {
        self.remote.is_some()
    }

    /// Whether it is known what is to be played of it, or why nothing is.
    pub(super) fn is_settled(&self) -> bool {
        self.remote.as_ref().is_none_or(|remote| remote.is_settled)
    }

    /// Whether a look at the file itself tells that it has changed.
    pub(super) fn is_file(&self) -> bool {
        !self.is_remote() && file::is_list(&self.path) && !self.path.is_dir()
    }

    /// Whether what it holds is in files and folders other than itself.
    pub(super) fn is_spread(&self) -> bool {
        !self.is_remote() && (self.path.is_dir() || self.is_glob())
    }

    /// Whether it is a pattern.
    pub(super) fn is_glob(&self) -> bool {
        !self.is_remote() && folder::is_glob(&self.path)
    }

    /// What it holds on this machine; `None` of what is elsewhere.
    pub(super) fn read(&self) -> Option<std::io::Result<Contents>> {
        (!self.is_remote()).then(|| Contents::read(&self.path))
    }

    /// Takes over the copy of a list elsewhere, for a playlist that messages call so.
    pub(super) fn take_copy(&mut self, playlist: &str) {
        let Some(remote) = &mut self.remote else { return };
        let copy = remote.copies.as_ref().and_then(|it| copies::kept(it, &remote.address));
        let read = copy.as_ref().map(|copy| remote::contents(copy, &remote.address));
        if let (Some(copy), Some(Ok(contents))) = (copy, read) {
            debug!(
                playlist,
                path = remote.address,
                items = contents.items.len(),
                "as last fetched"
            );
            (remote.known, remote.is_settled) = (Some(Arc::new(copy)), true);
            self.contents = contents;
        } else if remote.subscription.is_none() {
            remote.is_settled = true;
            let why = std::io::Error::other("it has not been fetched yet");
            self.take_over(playlist, Err(why));
        }
    }

    /// Takes over what has been fetched of a list elsewhere; says whether anything has.
    pub(super) fn take_news(&mut self, playlist: &str) -> bool {
        let Some(remote) = &mut self.remote else { return false };
        let Some(outcome) = remote.subscription.as_mut().and_then(Subscription::news) else {
            return false;
        };
        remote.is_settled = true;
        let list = match outcome {
            Ok(list) => list,
            Err(why) => {
                self.take_over(playlist, Err(std::io::Error::other(&*why)));
                return true;
            }
        };
        let read = remote::contents(&list, &remote.address);
        if read.as_ref().is_ok_and(|contents| contents.is_deliberate) {
            if !self.could_be_read {
                info!(playlist, path = remote.address, "it can be read again");
            }
            remote.keep(playlist, list);
        }
        self.take_over(playlist, read);
        true
    }

    /// Lets a list elsewhere be fetched now; whoever waits for `done` waits until it has come.
    pub(super) fn ask(&self, done: &SyncSender<()>) {
        if let Some(subscription) = self.remote.as_ref().and_then(|it| it.subscription.as_ref()) {
            subscription.ask(done.clone());
        }
    }

    /// Takes over what was read, unless it is no good.
    pub(super) fn take_over(&mut self, playlist: &str, read: std::io::Result<Contents>) {
        let problem = match read {
            Ok(contents) if contents.is_deliberate => {
                self.contents = contents;
                self.could_be_read = true;
                return;
            }
            Ok(_) => "it holds nothing at all".to_owned(),
            Err(error) => format!("it cannot be read: {error}"),
        };
        if self.could_be_read {
            let (path, kept) = (self.path.display(), self.contents.items.len());
            warn!(playlist, %path, kept, "{problem}; what it held before is kept");
        }
        self.could_be_read = false;
    }

    pub(super) fn stamp(&self) -> Option<Stamp> {
        if self.is_remote() {
            return None;
        }
        let about = std::fs::metadata(&self.path).ok()?;
        let modified_ns =
            i128::from(about.mtime()) * 1_000_000_000 + i128::from(about.mtime_nsec());
        Some(Stamp { inode: about.ino(), modified_ns, bytes: about.len() })
    }
}

impl Remote {
    /// Keeps `list`, which can be read, on disk too.
    fn keep(&mut self, playlist: &str, list: Arc<FetchedList>) {
        if self.known.as_ref() == Some(&list) {
            return;
        }
        if let Some(folder) = &self.copies
            && let Err(error) = copies::keep(folder, &self.address, &list)
        {
            let folder = folder.display();
            warn!(playlist, %folder, "no copy of its list, which a restart may need: {error}");
        }
        self.known = Some(list);
    }
}

/// Where the list elsewhere is that `path` names, if it names one; a name of audio is no list.
fn list_elsewhere(path: &Path) -> Option<HttpAddress> {
    let text = path.to_str().filter(|path| is_http(path.as_bytes()))?;
    let address = HttpAddress::parse(text).ok()?;
    let ending = address.extension().map(|ending| format!("a.{ending}"));
    ending.is_none_or(|name| !folder::is_audio(Path::new(&name))).then_some(address)
}

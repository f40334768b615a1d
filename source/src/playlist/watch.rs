//! The files of one playlist, read in a thread of their own whenever they have changed.
//!
//! Changes are noticed in two ways, since neither is enough: the system tells of writers in the
//! folders of the files (not in a file itself, which goes deaf when another one is put in its
//! place), and once in [`POLL`] the files are looked at, which also works on network shares and
//! for files mounted into a container. Folders are walked anew when something happens in them,
//! and every [`RESCAN`] in any case.
//!
//! A list elsewhere cannot be watched: it is fetched again every [`REFETCH`], or as often as is
//! said, by somebody else, whom the thread never waits for.
//!
//! When to read is decided by [`Settling`]. What is read is handed out by a `watch` channel; the
//! thread ends when nobody holds a [`Watch`] any more.

use crate::fetch::list::Tell;
use crate::playlist::Contents;
use crate::playlist::part::{Elsewhere, Part};
use crate::playlist::settle::{Settling, Stamps, Verdict};
use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tracing::{info, warn};

/// How changes on disk are noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// It is read again after so long.
    Every(Duration),
    /// Only when somebody asks for it.
    Never,
    /// At once.
    Watch,
}

/// A playlist's files. When the last clone is dropped, nobody reads them any more.
#[derive(Clone, Debug)]
pub struct Watch {
    words: SyncSender<Word>,
    contents: watch::Receiver<Arc<Contents>>,
    paths: watch::Receiver<Vec<PathBuf>>,
}

impl FirstReading {
    /// Waits for it, but not longer than `until`; if it takes longer, what is read is told when it
    /// is there.
    pub fn wait(&self, until: Instant) {
        wait(&self.0, until.saturating_duration_since(Instant::now()));
    }
}

/// The first time that files are read.
#[derive(Debug)]
pub struct FirstReading(Receiver<()>);

/// What the thread is told.
enum Word {
    /// Lists elsewhere have come, or cannot; those who asked wait until their senders are dropped.
    Fetched(Vec<SyncSender<()>>),
    /// The list is this one from now on.
    Follow(PathBuf),
    /// Something happened to the files: a writer `is_done`, or is at work.
    Touched { is_done: bool },
    /// Somebody wants to know what the files hold now, whether or not they seem changed, and waits
    /// until the sender is dropped.
    Reload(SyncSender<()>),
    /// The same, but only if they have changed.
    Refresh(SyncSender<()>),
}

impl Watch {
    /// Reads what `paths` hold, which is called `name`, and keeps reading. Waits for the first
    /// reading, but not longer than [`FIRST_READING`].
    ///
    /// Fails if the system gives no thread.
    pub fn start(
        name: &str,
        paths: Vec<PathBuf>,
        reload: Reload,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (watch, first, thread) = Self::begin(name, paths, reload, Elsewhere::default())?;
        first.wait(Instant::now() + FIRST_READING);
        Ok((watch, thread))
    }

    /// The same with lists from `elsewhere`, but leaves the wait for the first reading to the
    /// caller, who may begin others meanwhile.
    ///
    /// Fails if the system gives no thread.
    pub fn begin(
        name: &str,
        paths: Vec<PathBuf>,
        reload: Reload,
        elsewhere: Elsewhere,
    ) -> std::io::Result<(Self, FirstReading, JoinHandle<()>)> {
        let (words, said) = sync_channel(WORDS_MAX);
        let (sender, contents) = watch::channel(Arc::new(Contents::default()));
        let (ready, is_ready) = sync_channel(0);
        let (told, told_paths) = watch::channel(paths);
        let reader = Reader::new(name, told, reload, elsewhere, sender, words.clone());
        let thread = std::thread::Builder::new().name("playlist".to_owned());
        let thread = thread.spawn(move || reader.run(&said, ready))?;
        let watch = Self { words, contents, paths: told_paths };
        Ok((watch, FirstReading(is_ready), thread))
    }

    /// What the files hold, and word of changes from now on.
    pub fn contents(&self) -> watch::Receiver<Arc<Contents>> {
        let mut contents = self.contents.clone();
        contents.mark_unchanged();
        contents
    }

    /// Where the files are.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.paths.borrow().clone()
    }

    /// Reads the file or folder at `path` instead of what it read before, if that can be read; the
    /// log says if not. Says whether that could be asked for: not while a file system hangs.
    pub fn follow(&self, path: PathBuf) -> bool {
        self.words.try_send(Word::Follow(path)).is_ok()
    }

    /// Reads the files if they have changed and nobody is writing them, without waiting until
    /// they have settled. Returns when that is done, or after `patience`.
    pub fn refresh(&self, patience: Duration) {
        self.ask(Word::Refresh, patience);
    }

    /// Reads the files in any case. Returns when that is done, or after `patience`.
    pub fn reload(&self, patience: Duration) {
        self.ask(Word::Reload, patience);
    }

    fn ask(&self, word: fn(SyncSender<()>) -> Word, patience: Duration) {
        let (done, is_done) = sync_channel(0);
        if self.words.try_send(word(done)).is_ok() {
            wait(&is_done, patience);
        }
    }
}

/// The thread's own.
struct Reader {
    name: String,
    parts: Vec<Part>,
    /// Where it is told which they are.
    paths: watch::Sender<Vec<PathBuf>>,
    reload: Reload,
    elsewhere: Elsewhere,
    settling: Settling,
    contents: watch::Sender<Arc<Contents>>,
    words: SyncSender<Word>,
    watcher: Option<RecommendedWatcher>,
    quiet: Duration,
    /// When to look for what the system did not tell.
    look_at: Instant,
    /// When to read in any case.
    read_at: Option<Instant>,
}

/// Why the files are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// Somebody asked for it, or it is the first time: what is there is what is meant.
    Asked,
    /// Somebody needs to know now.
    Hurried,
    /// It was time.
    Settled,
}

impl Reader {
    fn new(
        name: &str,
        paths: watch::Sender<Vec<PathBuf>>,
        reload: Reload,
        elsewhere: Elsewhere,
        contents: watch::Sender<Arc<Contents>>,
        words: SyncSender<Word>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            parts: Vec::new(),
            paths,
            reload,
            elsewhere,
            settling: Settling::new(QUIET_LIST),
            contents,
            words,
            watcher: None,
            quiet: QUIET_LIST,
            look_at: Instant::now(),
            read_at: None,
        }
    }

    fn run(mut self, said: &Receiver<Word>, ready: SyncSender<()>) {
        let paths = self.paths.borrow().clone();
        self.take_up(paths.into_iter().map(|path| self.part(path)).collect());
        let mut ready = Some(ready);
        loop {
            if self.parts.iter().all(Part::is_settled) {
                drop(ready.take());
            }
            let wait = self.look_at.saturating_duration_since(Instant::now()).max(WAIT_SHORTEST);
            match said.recv_timeout(wait) {
                Ok(Word::Fetched(asking)) => {
                    self.take_news();
                    drop(asking);
                }
                Ok(Word::Follow(path)) => self.follow(path),
                Ok(Word::Touched { is_done }) => self.touched(is_done),
                Ok(Word::Refresh(done)) => {
                    self.refresh(said);
                    drop(done);
                }
                Ok(Word::Reload(done)) => {
                    self.read(Instant::now(), Reading::Asked);
                    self.parts.iter().for_each(|part| part.ask(&done));
                    drop(done);
                }
                Err(RecvTimeoutError::Timeout) => {
                    // If there were too many words, that of a list was not among them.
                    self.take_news();
                    self.look();
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.contents.is_closed() {
                return;
            }
        }
    }

    /// What is at `path`.
    fn part(&self, path: PathBuf) -> Part {
        let every = match self.reload {
            Reload::Every(time) => Some(time),
            Reload::Never => None,
            Reload::Watch => Some(REFETCH),
        };
        let tell = || -> Tell {
            let words = self.words.clone();
            Box::new(move |asking| drop(words.try_send(Word::Fetched(asking))))
        };
        Part::new(path, &self.elsewhere, every, tell)
    }

    /// Begins to read `parts`.
    fn take_up(&mut self, parts: Vec<Part>) {
        self.quiet = quiet_of(&parts);
        self.settling = Settling::new(self.quiet);
        self.parts = parts;
        self.watcher = None;
        // Watched before it is read, so that nothing is missed between.
        self.watch();
        for part in &mut self.parts {
            part.take_copy(&self.name);
        }
        self.read(Instant::now(), Reading::Asked);
    }

    /// Takes over what has been fetched.
    fn take_news(&mut self) {
        let mut is_news = false;
        for part in &mut self.parts {
            is_news |= part.take_news(&self.name);
        }
        if is_news {
            self.hand_out();
        }
    }

    /// Reads what is at `path` from now on, and nothing else, if it can be read. A list elsewhere
    /// leaves what there was until it has come.
    fn follow(&mut self, path: PathBuf) {
        let mut part = self.part(path.clone());
        if part.is_remote() {
            part.contents = Contents::joined(self.parts.iter().map(|part| &part.contents));
        }
        let problem = match part.read() {
            Some(Ok(contents)) if contents.is_deliberate => None,
            None => None,
            Some(Ok(_)) => Some("it holds nothing at all".to_owned()),
            Some(Err(error)) => Some(format!("it cannot be read: {error}")),
        };
        if let Some(problem) = problem {
            let path = path.display();
            warn!(playlist = %self.name, %path, "{problem}; the playlist stays as it was");
            return;
        }
        self.paths.send_replace(vec![path]);
        self.take_up(vec![part]);
    }

    fn touched(&mut self, is_done: bool) {
        let now = Instant::now();
        self.settling.touched(is_done, now);
        self.look_at = self.look_at.min(now + self.quiet);
    }

    /// Looks at the files, and reads them if it is time.
    fn look(&mut self) {
        let now = Instant::now();
        let is_due = self.read_at.is_some_and(|at| at <= now);
        self.look_at = now + if self.reload == Reload::Watch { POLL } else { POLL_FOR_END };
        if self.reload != Reload::Watch && !is_due {
            return;
        }
        if self.reload == Reload::Watch && self.watcher.is_none() {
            self.watch();
        }
        match self.settling.look(&self.stamps(), now) {
            Verdict::Nothing if is_due && self.parts.iter().any(Part::is_spread) => {
                self.read(now, Reading::Settled);
            }
            Verdict::Nothing if is_due => self.read_at = self.next_reading(now),
            Verdict::Nothing => {}
            Verdict::Read => self.read(now, Reading::Settled),
            Verdict::Wait(until) => self.look_at = until,
        }
    }

    /// Reads the files at once, if they have changed and no writer is at work, or is done soon.
    fn refresh(&mut self, said: &Receiver<Word>) {
        let deadline = Instant::now() + WRITER_GRACE;
        // Others who ask meanwhile get the same answer.
        let mut others = Vec::new();
        let mut is_reload = false;
        while !is_reload {
            // What the system has to tell may be on its way.
            let patience = if self.settling.is_being_written() {
                deadline.saturating_duration_since(Instant::now())
            } else {
                SYSTEM_PATIENCE
            };
            match said.recv_timeout(patience) {
                Ok(Word::Fetched(asking)) => {
                    self.take_news();
                    drop(asking);
                }
                Ok(Word::Follow(path)) => {
                    self.follow(path);
                    return;
                }
                Ok(Word::Touched { is_done }) => self.touched(is_done),
                Ok(Word::Refresh(done)) => others.push(done),
                Ok(Word::Reload(done)) => {
                    others.push(done);
                    is_reload = true;
                }
                Err(RecvTimeoutError::Timeout) if !self.settling.is_being_written() => break,
                Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout) => return,
            }
            if Instant::now() > deadline {
                return;
            }
        }
        if is_reload {
            self.read(Instant::now(), Reading::Asked);
            for done in &others {
                self.parts.iter().for_each(|part| part.ask(done));
            }
        } else if self.reload != Reload::Never
            && self.parts.iter().any(Part::is_file)
            && self.settling.may_read_at_once(&self.stamps())
        {
            self.read(Instant::now(), Reading::Hurried);
        }
    }

    fn read(&mut self, now: Instant, why: Reading) {
        self.read_at = self.next_reading(now);
        let before = self.stamps();
        let fresh: Vec<_> = self.parts.iter().map(Part::read).collect();
        if why != Reading::Asked {
            if before != self.stamps() {
                // It was written meanwhile.
                self.look_at = now;
                return;
            }
            let quiet_for = self.settling.unchanged_for(now);
            if self.is_emptied(&fresh) && quiet_for < QUIET_EMPTY {
                self.look_at = now + (QUIET_EMPTY - quiet_for);
                return;
            }
        }
        for (part, read) in self.parts.iter_mut().zip(fresh) {
            if let Some(read) = read {
                part.take_over(&self.name, read);
            }
        }
        // What was written meanwhile is a change after this.
        self.settling.was_read(before);
        self.hand_out();
    }

    /// Whether a part that held something is now a list without entries.
    fn is_emptied(&self, fresh: &[Option<std::io::Result<Contents>>]) -> bool {
        let is_empty = |read: &Contents| read.is_deliberate && read.items.is_empty();
        let mut both = self.parts.iter().zip(fresh);
        both.any(|(part, read)| {
            let is_empty = read.as_ref().is_some_and(|read| read.as_ref().is_ok_and(is_empty));
            is_empty && !part.contents.items.is_empty()
        })
    }

    /// Tells everybody what there is, if it has changed.
    fn hand_out(&self) {
        let whole = Contents::joined(self.parts.iter().map(|part| &part.contents));
        let items = whole.items.len();
        let is_news = self.contents.send_if_modified(|known| {
            let is_news = **known != whole;
            if is_news {
                *known = Arc::new(whole);
            }
            is_news
        });
        if is_news {
            info!(playlist = %self.name, items, "read");
        }
    }

    /// When to read in any case, after `now`.
    fn next_reading(&self, now: Instant) -> Option<Instant> {
        let spread = self.parts.iter().any(Part::is_spread);
        let globs = self.parts.iter().any(Part::is_glob);
        match self.reload {
            Reload::Every(time) => Some(now + time),
            Reload::Never => None,
            // The system cannot be asked to watch what matches a pattern.
            Reload::Watch if globs => Some(now + RESCAN_GLOB),
            Reload::Watch => spread.then(|| now + RESCAN),
        }
    }

    fn stamps(&self) -> Stamps {
        self.parts.iter().map(Part::stamp).collect()
    }

    /// Asks the system to tell of changes, if it can. If not, there is the poll.
    fn watch(&mut self) {
        if self.reload != Reload::Watch {
            return;
        }
        let wanted: Vec<PathBuf> = self.parts.iter().map(|part| part.path.clone()).collect();
        let words = self.words.clone();
        let tell = move |event: notify::Result<notify::Event>| {
            if let Some(word) = event.ok().and_then(|event| word(&event, &wanted)) {
                // If there are too many words, there is one among them that leads to a look.
                drop(words.try_send(word));
            }
        };
        let Ok(mut watcher) = notify::recommended_watcher(tell) else { return };
        let mut is_watched = true;
        for part in self.parts.iter().filter(|part| !part.is_remote()) {
            let (path, mode) = match part.path.parent() {
                _ if part.path.is_dir() => (part.path.as_path(), RecursiveMode::Recursive),
                Some(parent) if parent.as_os_str().is_empty() => {
                    (Path::new("."), RecursiveMode::NonRecursive)
                }
                Some(parent) => (parent, RecursiveMode::NonRecursive),
                None => continue,
            };
            is_watched &= watcher.watch(path, mode).is_ok();
        }
        self.watcher = is_watched.then_some(watcher);
    }
}

/// How long nothing must have happened to what `parts` name until it is read.
fn quiet_of(parts: &[Part]) -> Duration {
    if parts.iter().any(Part::is_spread) { QUIET_FOLDER } else { QUIET_LIST }
}

/// Waits until the other end of `done` is dropped, but not longer than `patience`.
fn wait(done: &Receiver<()>, patience: Duration) {
    match done.recv_timeout(patience) {
        Ok(()) | Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout) => {}
    }
}

/// What `event` means for those of the `wanted` paths that it is about; `None` if nothing.
fn word(event: &notify::Event, wanted: &[PathBuf]) -> Option<Word> {
    let concerns = |path: &PathBuf| {
        wanted
            .iter()
            .any(|wanted| path.starts_with(wanted) || path.file_name() == wanted.file_name())
    };
    if !event.need_rescan() && !event.paths.iter().any(concerns) {
        return None;
    }
    match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write))
        | EventKind::Create(_)
        | EventKind::Modify(ModifyKind::Name(_))
        | EventKind::Remove(_) => Some(Word::Touched { is_done: true }),
        EventKind::Modify(ModifyKind::Any | ModifyKind::Data(_)) => {
            Some(Word::Touched { is_done: false })
        }
        EventKind::Any | EventKind::Other if event.need_rescan() => {
            Some(Word::Touched { is_done: true })
        }
        EventKind::Access(_)
        | EventKind::Any
        | EventKind::Modify(ModifyKind::Metadata(_) | ModifyKind::Other)
        | EventKind::Other => None,
    }
}

/// A list is read when nothing has happened to it for so long.
pub const QUIET_LIST: Duration = Duration::from_millis(300);
/// A folder is read when nothing has happened in it for so long.
pub const QUIET_FOLDER: Duration = Duration::from_secs(2);
/// That a list which held something is now a list of nothing is believed after so long.
pub const QUIET_EMPTY: Duration = Duration::from_secs(2);
/// Files are looked at so often, whatever the system tells.
pub const POLL: Duration = Duration::from_secs(1);
/// Folders that are watched are walked anew after so long in any case.
pub const RESCAN: Duration = Duration::from_secs(3_600);
/// Globs are matched anew after so long.
pub const RESCAN_GLOB: Duration = Duration::from_secs(60);
/// Lists elsewhere are fetched again after so long.
pub const REFETCH: Duration = Duration::from_secs(60);
/// The start waits so long for what the files hold.
pub const FIRST_READING: Duration = Duration::from_secs(1);
/// Where nothing is watched, the thread notices after so long that nobody needs it.
const POLL_FOR_END: Duration = Duration::from_secs(5);
/// A writer that is at work while somebody needs to know is waited for so long.
const WRITER_GRACE: Duration = Duration::from_millis(40);
/// The system tells what happens to a file so soon.
const SYSTEM_PATIENCE: Duration = Duration::from_millis(5);
/// The thread sleeps at least so long.
const WAIT_SHORTEST: Duration = Duration::from_millis(5);
/// Words that may wait; of more, those that came first count.
const WORDS_MAX: usize = 256;

#[cfg(test)]
mod tests;

//! Files elsewhere: fetched over HTTP ahead of play, and kept until they have been played.
//!
//! Whoever wants a file says so and looks again when he is woken; nobody waits for a server. What
//! has come whole is a file on disk without a name. Everything has a limit: bytes of a file, bytes
//! of all, files at a time, and the time a server may take. A stream that does not end is no file.

pub mod address;
pub mod client;
pub mod file;
pub mod list;

use crate::fetch::address::HttpAddress;
use crate::fetch::client::{Answer, AskError, Client};
use crate::fetch::file::{Fetched, Held, Space};
use crate::tasks::Tasks;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::{Instant, timeout};
use tracing::{debug, warn};

/// What is fetched; clones are the same.
#[derive(Clone, Debug)]
pub struct Fetches {
    files: watch::Sender<Files>,
    orders: mpsc::Sender<Arc<str>>,
}

/// Fetches what is ordered, as a task.
#[derive(Debug)]
pub struct Fetcher {
    files: watch::Sender<Files>,
    orders: mpsc::Receiver<Arc<str>>,
    limits: Limits,
    client: Client,
    tasks: Tasks,
}

/// What may be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Where the files are kept.
    pub folder: PathBuf,
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Bytes of all files.
    pub all_bytes: u64,
    /// How long a server may send nothing.
    pub silence: Duration,
    /// How long a file may take.
    pub time: Duration,
}

/// How it stands with a file.
#[derive(Clone, Debug)]
pub enum Standing {
    /// It is being fetched, or waits for its turn.
    Coming,
    /// It cannot be had, for this reason.
    Failed(Arc<str>),
    /// It is there.
    Here(Fetched),
}

/// Everything that was ordered and not let go.
#[derive(Debug, Default)]
struct Files {
    entries: Vec<Entry>,
    held: Held,
    /// Who is told of changes.
    wakes: Vec<SyncSender<()>>,
}

#[derive(Debug)]
struct Entry {
    address: Arc<str>,
    standing: Standing,
    /// When somebody last asked for it.
    asked: Instant,
}

/// Why a file cannot be had.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error("what was fetched and is not yet played has {0} bytes, which is all it may have")]
    Full(u64),
    #[error("it cannot be kept in {}: {error}", folder.display())]
    Kept { folder: PathBuf, error: std::io::Error },
    #[error("a page ({0}), no audio")]
    Page(String),
    #[error("it takes longer than {} s", .0.as_secs())]
    Slow(Duration),
    #[error("a stream that does not end, no file; it could be an input")]
    Stream,
    #[error("it has more than {0} bytes")]
    TooLong(u64),
}

impl Fetches {
    /// What `client` fetches within `limits`, and the task that does so.
    pub fn new(limits: Limits, client: Client, tasks: &Tasks) -> (Self, Fetcher) {
        let files = watch::Sender::new(Files::default());
        let (order_queue, orders) = mpsc::channel(ORDERS_MAX);
        let tasks = tasks.clone();
        let fetcher = Fetcher { files: files.clone(), orders, limits, client, tasks };
        (Self { files, orders: order_queue }, fetcher)
    }

    /// How it stands with the file at `address`, which is fetched from now on if it was not.
    pub fn want(&self, address: &str) -> Standing {
        let mut standing = Standing::Coming;
        self.files.send_if_modified(|files| {
            let now = Instant::now();
            files.let_go_of_old(now);
            if let Some(known) = files.entries.iter_mut().find(|it| *it.address == *address) {
                known.asked = now;
                standing = known.standing.clone();
                return false;
            }
            let address: Arc<str> = address.into();
            // If too much is ordered, it is ordered when it is asked for again.
            if self.orders.try_send(Arc::clone(&address)).is_ok() {
                files.entries.push(Entry { address, standing: Standing::Coming, asked: now });
            }
            false
        });
        standing
    }

    /// Whether it is known how it stands with the file at `address`: it is there, or cannot be had.
    pub fn is_settled(&self, address: &str) -> bool {
        let files = self.files.borrow();
        let known = files.entries.iter().find(|it| *it.address == *address);
        known.is_none_or(|it| !matches!(it.standing, Standing::Coming))
    }

    /// The file at `address` is not needed any more; whoever has it keeps it until he drops it.
    pub fn let_go(&self, address: &str) {
        self.files.send_if_modified(|files| {
            files
                .entries
                .retain(|it| *it.address != *address || matches!(it.standing, Standing::Coming));
            false
        });
    }

    /// Lets `wake` be told whenever a file has come, or cannot.
    pub fn wakes(&self, wake: &SyncSender<()>) {
        self.files.send_if_modified(|files| {
            files.wakes.push(wake.clone());
            false
        });
    }
}

impl Files {
    fn let_go_of_old(&mut self, now: Instant) {
        self.entries.retain(|it| {
            let is_old = now.duration_since(it.asked) > KEPT_FOR;
            !is_old || matches!(it.standing, Standing::Coming)
        });
    }

    /// Makes room by letting go of what nobody plays, the longest unasked first.
    fn make_room(&mut self, all_bytes: u64) {
        while self.held.bytes() > all_bytes {
            let idle = |it: &&Entry| match &it.standing {
                Standing::Here(file) => !file.is_in_use(),
                Standing::Coming | Standing::Failed(_) => false,
            };
            let oldest = self.entries.iter().filter(idle).map(|it| it.asked).min();
            let Some(oldest) = oldest else { return };
            let place = self.entries.iter().position(|it| it.asked == oldest && idle(&it));
            let Some(place) = place else { return };
            debug!(address = %self.entries[place].address, "let go, to make room");
            self.entries.remove(place);
        }
    }

    fn settle(&mut self, address: &str, standing: Standing) {
        if let Some(entry) = self.entries.iter_mut().find(|it| *it.address == *address) {
            entry.standing = standing;
        }
        self.wakes.retain(|wake| !matches!(wake.try_send(()), Err(TrySendError::Disconnected(()))));
    }
}

impl Fetcher {
    /// Fetches what is ordered until `stop` is dropped.
    pub async fn run(mut self, stop: watch::Receiver<()>) {
        let slots = Arc::new(Semaphore::new(FETCHES_MAX));
        let mut stopped = stop.clone();
        loop {
            let address = tokio::select! {
                address = self.orders.recv() => address,
                _ = stopped.changed() => None,
            };
            let Some(address) = address else { return };
            let fetch = Fetch {
                address,
                files: self.files.clone(),
                limits: self.limits.clone(),
                client: self.client.clone(),
            };
            let (slots, mut stop) = (Arc::clone(&slots), stop.clone());
            self.tasks.spawn(async move {
                let fetching = async {
                    let _slot = slots.acquire().await;
                    fetch.run().await;
                };
                tokio::select! {
                    () = fetching => {}
                    _ = stop.changed() => {}
                }
            });
        }
    }
}

/// One file on its way.
struct Fetch {
    address: Arc<str>,
    files: watch::Sender<Files>,
    limits: Limits,
    client: Client,
}

impl Fetch {
    async fn run(&self) {
        let time = self.limits.time;
        let fetched = timeout(time, self.fetched()).await;
        let standing = match fetched.unwrap_or(Err(FetchError::Slow(time))) {
            Ok(file) => {
                debug!(address = %self.address, bytes = file.length(), "fetched");
                Standing::Here(file)
            }
            Err(error) => Standing::Failed(error.to_string().into()),
        };
        self.files.send_modify(|files| files.settle(&self.address, standing));
    }

    async fn fetched(&self) -> Result<Fetched, FetchError> {
        let address = HttpAddress::parse(&self.address).map_err(AskError::Nowhere)?;
        let mut answer = self.client.ask(address, false).await?;
        let extension = self.checked(&answer)?;
        let Limits { folder, file_bytes, all_bytes, silence, .. } = &self.limits;
        let kept = |error| FetchError::Kept { folder: folder.clone(), error };
        let held = self.files.borrow().held.clone();
        let mut space = Space::new(folder, held).map_err(kept)?;
        while let Some(bytes) = answer.body.next(*silence).await? {
            // A moment of writing to a page cache; a disk that hangs holds up other fetches only.
            space.put(&bytes).map_err(kept)?;
            if space.length() > *file_bytes {
                return Err(FetchError::TooLong(*file_bytes));
            }
            self.make_room(*all_bytes)?;
        }
        Ok(space.done(extension))
    }

    /// What the file is, as the ending of a name, if it is one that can be fetched.
    fn checked(&self, answer: &Answer) -> Result<Option<String>, FetchError> {
        if answer.is_a_stream() {
            return Err(FetchError::Stream);
        }
        let content_type = answer.head.headers.first("content-type");
        let content_type = common::format::essence(content_type.unwrap_or_default());
        if matches!(content_type.as_str(), "text/html" | "application/xhtml+xml") {
            return Err(FetchError::Page(content_type));
        }
        if answer.length().is_some_and(|length| length > self.limits.file_bytes) {
            return Err(FetchError::TooLong(self.limits.file_bytes));
        }
        let named = answer.address.extension().map(str::to_owned);
        Ok(ending(&content_type).map(str::to_owned).or(named))
    }

    fn make_room(&self, all_bytes: u64) -> Result<(), FetchError> {
        let held = self.files.borrow().held.clone();
        if held.bytes() > all_bytes {
            self.files.send_if_modified(|files| {
                files.make_room(all_bytes);
                false
            });
        }
        if held.bytes() > all_bytes { Err(FetchError::Full(all_bytes)) } else { Ok(()) }
    }
}

impl Limits {
    /// The usual limits, in the system's folder for temporary files (`TMPDIR`).
    pub fn usual() -> Self {
        let folder = std::env::temp_dir();
        if !folder.is_dir() {
            warn!(folder = %folder.display(), "no folder for files that are fetched; set TMPDIR");
        }
        Self {
            folder,
            file_bytes: FILE_BYTES_MAX,
            all_bytes: ALL_BYTES_MAX,
            silence: SILENCE_MAX,
            time: FETCH_TIME,
        }
    }
}

/// The ending that files of this type have.
fn ending(content_type: &str) -> Option<&'static str> {
    Some(match content_type {
        "audio/mpeg" | "audio/mp3" => "mp3",
        "audio/aac" | "audio/aacp" | "audio/x-aac" => "aac",
        "audio/flac" | "audio/x-flac" => "flac",
        "audio/mp4" | "audio/x-m4a" | "video/mp4" => "m4a",
        "application/ogg" | "audio/ogg" | "audio/opus" | "audio/vorbis" => "ogg",
        "audio/wav" | "audio/wave" | "audio/x-wav" => "wav",
        "audio/aiff" | "audio/x-aiff" => "aiff",
        _ => return None,
    })
}

/// A file may have so many bytes: four hours of MP3 at 320 kbit/s, or half an hour of WAV.
pub const FILE_BYTES_MAX: u64 = 512 << 20;
/// All files that were fetched may have so many bytes.
pub const ALL_BYTES_MAX: u64 = 1 << 30;
/// A server is given up that sends nothing for so long.
pub const SILENCE_MAX: Duration = Duration::from_secs(15);
/// A file may take so long.
pub const FETCH_TIME: Duration = Duration::from_secs(600);
/// So many are fetched at the same time.
pub const FETCHES_MAX: usize = 4;
/// So many may be ordered and not yet begun.
pub const ORDERS_MAX: usize = 64;
/// What was fetched and nobody has asked for since is kept so long.
pub const KEPT_FOR: Duration = Duration::from_secs(3_600);

#[cfg(test)]
mod tests;

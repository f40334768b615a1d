//! A mount's dump file: what its source sends, written to disk as it is aired.
//!
//! The file is named when the source comes and is appended to, so a source that returns within the
//! same name goes on in the same file. Chunks go through a queue of limited length to a thread of
//! their own. A disk that is full ends the dump and one that is slow leaves gaps in it, of whole
//! chunks; either is said once, and neither is noticed on air.

use crate::mount::name::MountName;
use crate::tasks::Tasks;
use bytes::Bytes;
use jiff::Zoned;
use jiff::fmt::strtime::{BrokenDownTime, Config, PosixCustom};
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::PathBuf;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tracing::{info, warn};

/// What takes a source's chunks for its dump file.
#[derive(Debug)]
pub(crate) struct Archive {
    mount: MountName,
    chunks: mpsc::Sender<Bytes>,
    lost_bytes: u64,
}

impl Archive {
    /// Begins a dump of `mount` to the file that `pattern` names at the time `now`.
    pub(crate) fn begin(mount: MountName, pattern: &str, now: &Zoned, tasks: &Tasks) -> Self {
        let (chunks, received) = mpsc::channel(CHUNKS_WAITING_MAX);
        let (path, name, working) = (named(pattern, now), mount.clone(), tasks.clone());
        tasks.spawn(async move {
            let write = {
                let path = path.clone();
                move || write(received, &path)
            };
            let path = path.display();
            match working.work(write).await {
                Some(Ok(bytes)) => info!(mount = %name, %path, bytes, "dump file closed"),
                Some(Err(error)) => {
                    warn!(mount = %name, %path, %error, "the dump file cannot be written");
                }
                None => {}
            }
        });
        Self { mount, chunks, lost_bytes: 0 }
    }

    /// Takes a chunk, without waiting.
    pub(crate) fn take(&mut self, chunk: &Bytes) {
        match self.chunks.try_send(chunk.clone()) {
            Ok(()) => {}
            Err(TrySendError::Full(chunk)) => {
                if self.lost_bytes == 0 {
                    warn!(mount = %self.mount, "the disk is too slow; the dump file has gaps");
                }
                self.lost_bytes += chunk.len() as u64;
            }
            // The dump has ended, which has been said.
            Err(TrySendError::Closed(_)) => {}
        }
    }
}

impl Drop for Archive {
    fn drop(&mut self) {
        if self.lost_bytes > 0 {
            warn!(mount = %self.mount, lost_bytes = self.lost_bytes, "the dump file has gaps");
        }
    }
}

/// Writes until the source has left; how many bytes.
fn write(mut chunks: mpsc::Receiver<Bytes>, path: &PathBuf) -> io::Result<u64> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    let mut written_bytes = 0;
    while let Some(chunk) = chunks.blocking_recv() {
        file.write_all(&chunk)?;
        written_bytes += chunk.len() as u64;
    }
    Ok(written_bytes)
}

/// The file that `pattern` names: `%Y` and the like are replaced, and what is no such directive
/// stays as it is.
fn named(pattern: &str, now: &Zoned) -> PathBuf {
    let lenient = Config::new().custom(PosixCustom::new()).lenient(true);
    let named = BrokenDownTime::from(now).to_string_with_config(&lenient, pattern);
    PathBuf::from(named.unwrap_or_else(|_| pattern.to_owned()))
}

/// Chunks of one source that may wait for the disk: at 128 kbit/s half a minute at least.
const CHUNKS_WAITING_MAX: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::time::Duration;

    async fn dumped(pattern: &str, chunks: &[&'static [u8]]) {
        let (name, tasks) = (MountName::new("/live").unwrap(), Tasks::default());
        let now = "2026-11-22T07:52:49[UTC]".parse().unwrap();
        let mut archive = Archive::begin(name, pattern, &now, &tasks);
        chunks.iter().for_each(|chunk| archive.take(&Bytes::from_static(chunk)));
        drop(archive);
        assert!(tasks.drain(Duration::from_secs(30)).await);
    }

    #[tokio::test]
    async fn a_dump_is_named_when_its_source_comes_and_appended_to() {
        let folder = tempfile::tempdir().unwrap();
        let pattern = format!("{}/%Y-%m-%d_%H.mp3", folder.path().display());

        dumped(&pattern, &[b"one", b"two"]).await;
        dumped(&pattern, &[b"three"]).await;

        let text = fs::read_to_string(folder.path().join("2026-11-22_07.mp3")).unwrap();
        assert_eq!(text, "onetwothree");
    }

    #[test]
    fn what_is_no_directive_stays_in_the_name() {
        let now = "2026-11-22T07:52:49[UTC]".parse().unwrap();

        assert_eq!(named("/d/100%.mp3", &now), PathBuf::from("/d/100%.mp3"));
        assert_eq!(named("/d/%%-%Y-ü", &now), PathBuf::from("/d/%-2026-ü"));
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_written_ends_the_dump_and_nothing_else() {
        dumped("/no/such/folder/a.mp3", &[b"one"]).await;
        dumped("/dev/full", &[b"one", b"two"]).await;
    }

    #[test]
    fn a_disk_that_does_not_keep_up_makes_nobody_wait() {
        let (chunks, waiting) = mpsc::channel(1);
        let mount = MountName::new("/live").unwrap();
        let mut archive = Archive { mount, chunks, lost_bytes: 0 };

        (0..3).for_each(|_| archive.take(&Bytes::from_static(b"four")));

        assert_eq!((archive.lost_bytes, waiting.len()), (8, 1));
    }
}

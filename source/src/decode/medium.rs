//! What a decoder reads from: a file, and how much may be spent on it without a sound.
//!
//! A reader that has lost its way in a damaged file looks for the next sign of life, through all of
//! it: of a gigabyte that takes seconds. So what is read is counted, and so is the processor's time
//! that goes by meanwhile; when audio comes both begin anew, and when one is used up there is no
//! more to be read, which every reader takes as the end of its search. It bounds the memory that a
//! file can claim as well. Waiting for a slow disk does not count.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use symphonia::core::io::MediaSource;

/// A file of which more is known than that it can be read.
pub(super) struct Medium<F> {
    file: F,
    length: u64,
    is_seekable: bool,
    patience: Patience,
}

/// How much more is spent on a file without audio.
#[derive(Clone)]
pub(super) struct Patience {
    bytes_left: Arc<AtomicU64>,
    /// Nanoseconds of this thread's processor time at which it ends; 0 while that is not known.
    ends_ns: Arc<AtomicU64>,
}

impl<F> Medium<F> {
    /// The `file`, which is so many bytes long.
    pub(super) fn new(file: F, length: u64) -> Self {
        Self { file, length, is_seekable: true, patience: Patience::default() }
    }

    /// Its length in bytes.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Says that it ends sooner.
    pub(super) fn shorten(&mut self, length: u64) {
        self.length = length;
    }

    /// Says that it can only be read on and on.
    pub(super) fn forbid_seeking(&mut self) {
        self.is_seekable = false;
    }

    /// What is to be told of audio that comes of it.
    pub(super) fn patience(&self) -> Patience {
        self.patience.clone()
    }
}

impl Default for Patience {
    /// That with a file that has just been opened.
    fn default() -> Self {
        Self { bytes_left: Arc::new(AtomicU64::new(SILENT_BYTES_MAX)), ends_ns: Arc::default() }
    }
}

impl Patience {
    /// Audio has come.
    pub(super) fn renew(&self) {
        self.set(SILENT_BYTES_MAX, 0);
    }

    /// All of the file may be read before audio comes.
    pub(super) fn last(&self) {
        self.set(u64::MAX, u64::MAX);
    }

    /// Fails if it is at its end.
    fn check(&self) -> io::Result<()> {
        if self.bytes_left.load(Ordering::Relaxed) == 0 {
            let limit_mb = SILENT_BYTES_MAX / 1_000_000;
            return Err(io::Error::other(format!("{limit_mb} MB of it hold no audio")));
        }
        let ends_ns = self.ends_ns.load(Ordering::Relaxed);
        let is_little = self.bytes_left.load(Ordering::Relaxed) > SILENT_BYTES_MAX - UNTIMED_BYTES;
        if is_little || ends_ns == u64::MAX {
            return Ok(());
        }
        let Some(now) = processor_time() else { return Ok(()) };
        let now_ns = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        if ends_ns == 0 {
            self.ends_ns.store(now_ns.saturating_add(SILENT_NS_MAX), Ordering::Relaxed);
        } else if now_ns > ends_ns {
            let limit_ms = SILENT_NS_MAX / 1_000_000;
            return Err(io::Error::other(format!("no audio in it is found within {limit_ms} ms")));
        }
        Ok(())
    }

    fn spend(&self, bytes: u64) {
        let bytes_left = self.bytes_left.load(Ordering::Relaxed).saturating_sub(bytes);
        self.bytes_left.store(bytes_left, Ordering::Relaxed);
    }

    fn set(&self, bytes_left: u64, ends_ns: u64) {
        self.bytes_left.store(bytes_left, Ordering::Relaxed); // one thread reads and decodes
        self.ends_ns.store(ends_ns, Ordering::Relaxed);
    }
}

/// The processor's time that this thread has had; `None` where the system does not say.
pub(super) fn processor_time() -> Option<Duration> {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    times.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

impl<F: Read> Read for Medium<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.patience.check()?;
        let count = self.file.read(buffer)?;
        self.patience.spend(count as u64);
        Ok(count)
    }
}

impl<F: Seek> Seek for Medium<F> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.patience.spend(SEEK_BYTES);
        self.file.seek(to)
    }
}

impl<F: Read + Seek + Send + Sync> MediaSource for Medium<F> {
    fn is_seekable(&self) -> bool {
        self.is_seekable
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.length)
    }
}

/// So much of a file may be read without audio: covers, and the tables of an MP4, which take 17 MB
/// for a day.
const SILENT_BYTES_MAX: u64 = 64_000_000;
/// So much of the processor's time may go by meanwhile: a cover or a table takes a few ms.
const SILENT_NS_MAX: u64 = 150_000_000;
/// Of so much that is read the time is not asked: audio comes after less in every sound file.
const UNTIMED_BYTES: u64 = 256_000;
/// What a jump counts as, lest there be jumps without end.
const SEEK_BYTES: u64 = 1_024;

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn what_is_read_without_audio_is_limited_and_begins_anew_with_audio() {
        let mut medium = Medium::new(io::repeat(0), u64::MAX);
        let mut read = |patience: Option<fn(&Patience)>| {
            patience.into_iter().for_each(|change| change(&medium.patience()));
            let mut buffer = vec![0; 1_000_000];
            (0..=SILENT_BYTES_MAX / 2_000_000).try_for_each(|_| medium.read_exact(&mut buffer))
        };

        assert!(read(None).is_ok());
        assert!(read(Some(Patience::renew)).is_ok());
        let error = read(None).unwrap_err().to_string();
        assert_eq!(error, "64 MB of it hold no audio");
        assert!(read(Some(Patience::last)).is_ok());
        assert!(read(None).is_ok());
    }

    #[test]
    fn so_is_the_time_it_takes() {
        let mut medium = Medium::new(io::repeat(0), u64::MAX);
        if processor_time().is_none() {
            eprintln!("not run: this system does not say what a thread costs");
            return;
        }
        let untimed = usize::try_from(UNTIMED_BYTES).unwrap();
        medium.read_exact(&mut vec![0; untimed]).unwrap();
        medium.read_exact(&mut [0]).unwrap();
        let began = processor_time().unwrap();
        while processor_time().unwrap() - began <= Duration::from_nanos(SILENT_NS_MAX) {}

        let error = medium.read_exact(&mut [0]).unwrap_err().to_string();

        assert_eq!(error, "no audio in it is found within 150 ms");
        medium.patience().renew();
        medium.read_exact(&mut [0]).unwrap();
    }

    #[test]
    fn jumps_are_not_without_end() {
        let mut medium = Medium::new(Cursor::new([0; 9]), 9);

        for _ in 0..=SILENT_BYTES_MAX / SEEK_BYTES {
            medium.rewind().unwrap();
        }

        assert!(medium.read_exact(&mut [0]).is_err());
    }
}

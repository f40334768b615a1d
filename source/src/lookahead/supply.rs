//! The programme's end of the lookahead: where prepared tracks are taken.

use crate::lookahead::Track;
use crate::pcm::block::Block;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

/// What the lookahead has for the programme.
#[derive(Debug)]
pub enum Coming {
    /// There is nothing to play until a track comes.
    Nothing,
    /// The next track.
    Track(Prepared),
}

/// A track whose first audio is there.
#[derive(Debug)]
pub struct Prepared {
    /// The track.
    pub track: Arc<Track>,
    /// Its audio: stereo at the station's rate. The queue ends with the track; when it is dropped,
    /// nothing more of the file is read.
    pub pieces: Receiver<Block>,
    /// How often the programme had reconsidered when this track was chosen.
    pub(super) reconsidered: u64,
}

/// Where the programme takes its tracks. When it is dropped, the lookahead ends.
pub struct Supply {
    coming: Receiver<Coming>,
    desk: Arc<Desk>,
    reconsidered: u64,
}

/// What lookahead, reels and programme tell each other, without ever waiting.
pub(super) struct Desk {
    begun: AtomicU64,
    reconsidered: AtomicU64,
    closed: AtomicBool,
    /// Wakes the lookahead; one word waiting is as good as many.
    wake: SyncSender<()>,
}

impl Supply {
    /// The next thing that comes, if it comes within `patience`.
    pub fn next(&mut self, patience: Duration) -> Option<Coming> {
        let deadline = Instant::now() + patience;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.coming.recv_timeout(left) {
                Ok(Coming::Track(prepared)) if prepared.reconsidered < self.reconsidered => {}
                Ok(coming) => return Some(coming),
                Err(RecvTimeoutError::Timeout) => return None,
                Err(RecvTimeoutError::Disconnected) => return Some(Coming::Nothing),
            }
        }
    }

    /// Says that track `number` has begun, so that the one after it is prepared.
    pub fn began(&self, number: u64) {
        self.desk.begun.store(number, Ordering::Release);
        self.desk.wake();
    }

    /// Lets the playlist be asked again: a track that was prepared and has not begun is not wanted
    /// any more, and goes back to where it came from. Whoever holds it drops it.
    pub fn reconsider(&mut self) {
        self.reconsidered += 1;
        self.desk.reconsidered.store(self.reconsidered, Ordering::Release);
        self.desk.wake();
    }
}

impl Drop for Supply {
    fn drop(&mut self) {
        self.desk.closed.store(true, Ordering::Release);
        self.desk.wake();
    }
}

impl Desk {
    pub(super) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Acquire)
    }

    pub(super) fn reconsidered(&self) -> u64 {
        self.reconsidered.load(Ordering::Acquire)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    pub(super) fn wake(&self) {
        match self.wake.try_send(()) {
            // If it is full, the lookahead is about to wake; without one, nobody sleeps.
            Ok(()) | Err(TrySendError::Disconnected(()) | TrySendError::Full(())) => {}
        }
    }
}

/// Both ends: what the lookahead sends on, what the programme takes from, what both write to, and
/// what wakes the lookahead.
pub(super) fn ends() -> (SyncSender<Coming>, Supply, Arc<Desk>, Receiver<()>) {
    let (coming_queue, coming) = sync_channel(COMING_MAX);
    let (wake, woken) = sync_channel(1);
    let desk = Arc::new(Desk {
        begun: AtomicU64::new(0),
        reconsidered: AtomicU64::new(0),
        closed: AtomicBool::new(false),
        wake,
    });
    let supply = Supply { coming, desk: Arc::clone(&desk), reconsidered: 0 };
    (coming_queue, supply, desk, woken)
}

#[cfg(test)]
impl Supply {
    /// A supply that a test fills.
    pub(crate) fn of_test() -> (SyncSender<Coming>, Self) {
        let (coming, supply, _, _) = ends();
        (coming, supply)
    }
}

#[cfg(test)]
impl Prepared {
    /// A track that a test plays.
    pub(crate) fn of_test(track: Track, pieces: Receiver<Block>) -> Self {
        Self { track: Arc::new(track), pieces, reconsidered: 0 }
    }
}

/// Tracks, or words that there is none, on their way to the programme.
const COMING_MAX: usize = 2;

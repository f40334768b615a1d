//! The programme's end of the lookahead: where prepared tracks are taken.

use crate::lookahead::Track;
use crate::passage::Passage;
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
    /// Its packets, if it is to pass untouched where it can.
    pub passage: Option<Passage>,
    /// What else there is to it if it is live.
    pub live: Option<Live>,
    /// Whether it begins at once, in the middle of what plays.
    pub interrupts: bool,
    /// How often the programme had reconsidered when this track was chosen.
    pub(super) reconsidered: u64,
}

/// What there is to a track that is live.
#[derive(Debug)]
pub struct Live {
    /// How much of it should wait to be heard.
    pub buffer: Duration,
    /// What it is called from some sample frame of its pieces on; each comes before that piece.
    pub titles: Receiver<(u64, Arc<Track>)>,
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
    /// How much of the track before it had been heard then.
    heard_ms: AtomicU64,
    /// The track that was prepared and should not be heard any more.
    overtaken: AtomicU64,
    reconsidered: AtomicU64,
    /// The track of which the list, queue or input is to be passed over.
    passed_over: AtomicU64,
    /// For how long, or if it is live until it is louder than this, as the bits of a number.
    rest_ms: AtomicU64,
    quiet_db: AtomicU64,
    /// Whether the programme needs the next track soon.
    pressed: AtomicBool,
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

    /// Says that track `number` has begun, so that the one after it is prepared; of the track that
    /// played, if one did, `heard` had been heard.
    pub fn began(&self, number: u64, heard: Option<Duration>) {
        let heard_ms = heard.and_then(|heard| u64::try_from(heard.as_millis()).ok());
        let heard_ms = heard_ms.unwrap_or(NOT_HEARD);
        self.desk.heard_ms.store(heard_ms, Ordering::Relaxed); // released with the next one
        self.desk.begun.store(number, Ordering::Release);
        self.desk.wake();
    }

    /// Says whether the next track is needed soon, so that one is taken that is at hand.
    pub fn press(&self, is_pressed: bool) {
        let was_pressed = self.desk.pressed.swap(is_pressed, Ordering::AcqRel);
        if is_pressed && !was_pressed {
            self.desk.wake();
        }
    }

    /// Says that nothing more is wanted for a while from where the track `number` comes from, which
    /// plays. Is heard when the supply reconsiders.
    pub fn pass_over(&self, number: u64, rest: Duration, quiet_db: f64) {
        let rest_ms = u64::try_from(rest.as_millis()).unwrap_or(u64::MAX);
        self.desk.rest_ms.store(rest_ms, Ordering::Relaxed); // released with the next one
        self.desk.quiet_db.store(quiet_db.to_bits(), Ordering::Relaxed);
        self.desk.passed_over.store(number, Ordering::Release);
    }

    /// Whether the track `number`, which was prepared, has been overtaken: something else is due
    /// now. Whoever holds it reconsiders.
    pub fn is_overtaken(&self, number: u64) -> bool {
        self.desk.overtaken.load(Ordering::Relaxed) == number
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

    /// How much of the track before the one that has begun had been heard, if there was one.
    pub(super) fn heard(&self) -> Option<Duration> {
        let heard_ms = Some(self.heard_ms.load(Ordering::Relaxed));
        heard_ms.filter(|&heard_ms| heard_ms != NOT_HEARD).map(Duration::from_millis)
    }

    /// Tells the programme that the track `number` has been overtaken.
    pub(super) fn overtake(&self, number: u64) {
        self.overtaken.store(number, Ordering::Relaxed);
    }

    /// For how long nothing more is wanted from where the track `number` comes from, if that was
    /// said. It is told once.
    pub(super) fn passed_over(&self, number: u64) -> Option<Duration> {
        let said =
            self.passed_over.compare_exchange(number, 0, Ordering::AcqRel, Ordering::Relaxed);
        said.ok().map(|_| Duration::from_millis(self.rest_ms.load(Ordering::Relaxed)))
    }

    /// What is quieter is what something was last passed over for.
    pub(super) fn quiet_db(&self) -> f64 {
        f64::from_bits(self.quiet_db.load(Ordering::Relaxed))
    }

    pub(super) fn reconsidered(&self) -> u64 {
        self.reconsidered.load(Ordering::Acquire)
    }

    /// Whether the programme needs the next track soon.
    pub(super) fn is_pressed(&self) -> bool {
        self.pressed.load(Ordering::Acquire)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// What wakes the lookahead, for others.
    pub(super) fn waker(&self) -> &SyncSender<()> {
        &self.wake
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
        heard_ms: AtomicU64::new(NOT_HEARD),
        overtaken: AtomicU64::new(0),
        reconsidered: AtomicU64::new(0),
        passed_over: AtomicU64::new(0),
        rest_ms: AtomicU64::new(0),
        quiet_db: AtomicU64::new(0),
        pressed: AtomicBool::new(false),
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
        let (track, passage, live) = (Arc::new(track), None, None);
        Self { track, pieces, passage, live, interrupts: false, reconsidered: 0 }
    }
}

/// Tracks, or words that there is none, on their way to the programme.
const COMING_MAX: usize = 2;
/// In place of a time: nothing was.
const NOT_HEARD: u64 = u64::MAX;

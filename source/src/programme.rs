//! The programme: what is heard, as frames, each when it is due.
//!
//! It takes the pieces that were decoded ahead, lays them on the timeline, encodes them, and
//! gives out one frame for every 1 152 sample frames of its own time, whatever happens. When
//! there is nothing to play, or when a piece that should be there is not, the filler is heard
//! instead. Every frame carries the title of what sounds in it, so whoever sends the frame knows
//! what its listeners hear.
//!
//! It does not know where the frames go; it is driven by the clock.

use crate::clock::{Clock, Lateness, Woken};
use crate::encode::Frame;
use crate::encode::mp3::{EncodeError, FRAME_SAMPLE_FRAMES, Mp3, Mp3Encoder};
use crate::lookahead::{Piece, Track};
use crate::mix::timeline::Timeline;
use crate::mix::tone::{Filler, WhenEmpty};
use crate::pcm::block::Block;
use crate::status::OnAir;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tracing::{info, warn};

/// What somebody may want of the programme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// End the track that plays, and begin the next.
    Skip,
}

/// The settings of a programme.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How it is encoded.
    pub mp3: Mp3,
    /// What is heard when there is nothing to play.
    pub when_empty: WhenEmpty,
    /// The title of that; may be empty.
    pub title_when_empty: Arc<str>,
}

/// The programme.
pub struct Programme {
    settings: Settings,
    pieces: Receiver<Piece>,
    /// Pieces already taken from the lookahead: those of a track that is being skipped.
    taken: VecDeque<Piece>,
    /// Whether what was taken still waits for the next track to follow it.
    skipping: bool,
    abandoned: Arc<AtomicU64>,
    timeline: Timeline<Option<Arc<Track>>>,
    filler: Filler,
    encoder: Mp3Encoder,
    supply: Supply,
    /// What begins in which frame, for frames not yet given out.
    beginnings: VecDeque<(u64, Option<Arc<Track>>)>,
    /// The number of the last track that came in.
    last_track: u64,
    /// The track that plays; none while the filler holds the mount.
    track: Option<Arc<Track>>,
    /// The first frame of it.
    on_air_since: u64,
    on_air: OnAir,
}

/// What is to be expected of the lookahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Supply {
    /// Nothing; it has said that there is nothing to play.
    Idle,
    /// Audio, but it has not come in time.
    Late,
    /// Audio.
    Steady,
}

impl Programme {
    /// A programme of `pieces`, which may be skipped by way of `abandoned`.
    ///
    /// Fails if the encoder does not take the settings.
    pub fn new(
        settings: Settings,
        pieces: Receiver<Piece>,
        abandoned: Arc<AtomicU64>,
    ) -> Result<Self, EncodeError> {
        let encoder = Mp3Encoder::new(settings.mp3)?;
        Ok(Self {
            timeline: Timeline::new(settings.mp3.rate_hz),
            filler: Filler::new(settings.when_empty, settings.mp3.rate_hz),
            settings,
            pieces,
            taken: VecDeque::new(),
            skipping: false,
            abandoned,
            encoder,
            supply: Supply::Steady,
            beginnings: VecDeque::new(),
            last_track: 0,
            track: None,
            on_air_since: 0,
            on_air: OnAir::default(),
        })
    }

    /// Gives every frame to `sink` when `clock` says that it is due, until nobody can send
    /// commands any more. The clock is made when the first frame is ready. `sink` says whether it
    /// had room for the frame; a frame without room is lost, not late.
    ///
    /// Fails if the encoder does.
    pub fn run(
        mut self,
        clock: impl FnOnce() -> Clock,
        commands: &Receiver<Command>,
        on_air: &watch::Sender<OnAir>,
        mut sink: impl FnMut(Frame) -> bool,
    ) -> Result<(), EncodeError> {
        let mut frame = self.next_frame(START_PATIENCE)?;
        let mut clock = clock();
        loop {
            match clock.wait(frame.number, commands) {
                Woken::Command(Command::Skip) => self.skip(),
                Woken::Left => return Ok(()),
                Woken::Due => {
                    if let Some(late) = clock.note(frame.number) {
                        let late_s = late.as_secs_f64();
                        warn!("{late_s:.1} s late, which is given up: the machine was too busy");
                    }
                    let number = frame.number;
                    if !sink(frame) {
                        self.on_air.dropped_frames += 1;
                    }
                    self.report(number, clock.lateness(), on_air);
                    frame = self.next_frame(clock.time_left(number + 1))?;
                }
            }
        }
    }

    /// The next frame of the programme, within about `patience`.
    pub fn next_frame(&mut self, patience: Duration) -> Result<Frame, EncodeError> {
        self.next_frame_heard(patience, |_| {})
    }

    /// The next frame, with `hear` told every block before it is encoded.
    fn next_frame_heard(
        &mut self,
        patience: Duration,
        mut hear: impl FnMut(&Block),
    ) -> Result<Frame, EncodeError> {
        let deadline = Instant::now() + patience;
        let bytes = loop {
            if let Some(bytes) = self.encoder.frame() {
                break bytes;
            }
            let block = self.next_block(deadline);
            hear(&block);
            self.encoder.feed(&block)?;
        };
        let number = self.on_air.frames;
        self.on_air.frames += 1;
        while self.beginnings.front().is_some_and(|(at, _)| *at <= number) {
            let track = self.beginnings.pop_front().and_then(|(_, track)| track);
            self.begin(number, track);
        }
        let title = self.track.as_ref().map_or_else(
            || Arc::clone(&self.settings.title_when_empty),
            |track| Arc::clone(&track.title),
        );
        Ok(Frame { number, bytes, title })
    }

    /// Ends the track that plays, as soon as the next one is ready.
    pub fn skip(&mut self) {
        let Some(track) = &self.track else { return };
        self.abandoned.fetch_max(track.number, Ordering::Relaxed);
        self.skipping = true;
        // The lookahead waits for room in its queue. Emptying it lets it go on to the next track,
        // while what was in it keeps the programme going for those moments.
        self.taken.extend(self.pieces.try_iter());
    }

    /// What is on air.
    pub fn on_air(&self) -> &OnAir {
        &self.on_air
    }

    fn begin(&mut self, number: u64, track: Option<Arc<Track>>) {
        if let Some(track) = &track {
            info!(title = %track.title, file = %track.path.display(), "playing");
        }
        self.on_air.title = track.as_ref().map(|track| Arc::clone(&track.title));
        self.on_air.length = track.as_ref().and_then(|track| track.length);
        self.track = track;
        self.on_air.elapsed = Duration::ZERO;
        self.on_air_since = number;
    }

    /// The next 1 152 sample frames, made up with filler if audio does not come before
    /// `deadline`.
    fn next_block(&mut self, deadline: Instant) -> Block {
        while self.timeline.waiting_sample_frames() < FRAME_SAMPLE_FRAMES {
            match self.next_piece(deadline) {
                Some(Piece::Begin(track)) => {
                    self.last_track = track.number;
                    self.timeline.begin(Some(track));
                    self.supply = Supply::Steady;
                }
                Some(Piece::Audio(block)) => {
                    if self.supply != Supply::Steady {
                        self.timeline.interrupt();
                        self.supply = Supply::Steady;
                    }
                    self.timeline.append(block);
                }
                Some(Piece::Idle) => {
                    self.timeline.begin(None);
                    self.supply = Supply::Idle;
                }
                None => self.fill(),
            }
        }
        let block = self.timeline.take(FRAME_SAMPLE_FRAMES);
        while let Some((at, track)) = self.timeline.begun() {
            self.beginnings.push_back((at / FRAME_SAMPLE_FRAMES as u64, track));
        }
        block
    }

    /// Fills up what is missing in the present block.
    fn fill(&mut self) {
        match self.supply {
            Supply::Idle => {}
            Supply::Late => self.on_air.underruns += 1,
            Supply::Steady => {
                warn!("the next audio was not decoded in time; the filler stands in");
                self.on_air.underruns += 1;
                self.timeline.interrupt();
                self.supply = Supply::Late;
            }
        }
        let missing = FRAME_SAMPLE_FRAMES - self.timeline.waiting_sample_frames();
        self.timeline.append(self.filler.next(missing));
    }

    /// The next piece that is wanted, if it comes before `deadline`.
    fn next_piece(&mut self, deadline: Instant) -> Option<Piece> {
        self.drop_skipped();
        if let Some(piece) = self.taken.pop_front() {
            return Some(piece);
        }
        let waits = self.supply != Supply::Idle;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let piece = if waits {
                self.pieces.recv_timeout(left).map_err(|error| error == RecvTimeoutError::Timeout)
            } else {
                self.pieces.try_recv().map_err(|error| error == TryRecvError::Empty)
            };
            match piece {
                Ok(Piece::Audio(_)) if self.is_abandoned(self.last_track) => {}
                Ok(piece) => return Some(piece),
                Err(_) => return None,
            }
        }
    }

    /// While a track is being skipped: once the next one has come in, what is left of it goes.
    fn drop_skipped(&mut self) {
        if !self.skipping {
            return;
        }
        self.taken.extend(self.pieces.try_iter());
        let next = self.taken.iter().position(|piece| match piece {
            Piece::Begin(track) => !self.is_abandoned(track.number),
            Piece::Idle => true,
            Piece::Audio(_) => false,
        });
        if let Some(next) = next {
            self.taken.drain(..next);
            self.skipping = false;
        }
    }

    fn is_abandoned(&self, track: u64) -> bool {
        track <= self.abandoned.load(Ordering::Relaxed)
    }

    fn report(&mut self, number: u64, lateness: Lateness, on_air: &watch::Sender<OnAir>) {
        let sample_frames = (number + 1 - self.on_air_since) * FRAME_SAMPLE_FRAMES as u64;
        let ns = sample_frames * 1_000_000_000 / u64::from(self.settings.mp3.rate_hz);
        self.on_air.elapsed = Duration::from_nanos(ns);
        self.on_air.late_frames = lateness.late_frames;
        self.on_air.latest = lateness.worst;
        self.on_air.given_up = lateness.given_up;
        let begins = number == self.on_air_since;
        if begins || number.is_multiple_of(REPORT_FRAMES) {
            on_air.send_replace(self.on_air.clone());
        }
    }
}

/// The first frame may take this long; the programme's time begins with it.
pub const START_PATIENCE: Duration = Duration::from_secs(5);
/// What is on air is reported every so many frames: about once a second.
const REPORT_FRAMES: u64 = 38;

#[cfg(test)]
mod tests;

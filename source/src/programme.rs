//! The programme: what is heard, as frames, each when it is due.
//!
//! It takes the tracks that were prepared, lays them on the timeline, encodes them, and gives out
//! one frame for every 1 152 sample frames of its own time, whatever happens. When there is
//! nothing to play, or when audio that should be there is not, the filler is heard instead. Every
//! frame carries the title of what sounds in it, so whoever sends the frame knows what its
//! listeners hear.
//!
//! It does not know where the frames go; it is driven by the clock.

use crate::clock::{Clock, Lateness, Woken};
use crate::encode::Frame;
use crate::encode::mp3::{EncodeError, FRAME_SAMPLE_FRAMES, Mp3, Mp3Encoder};
use crate::lookahead::{Coming, Supply, Track};
use crate::mix::crossfade::{Crossfade, Marks, sample_frames};
use crate::mix::timeline::{Side, Step, Timeline};
use crate::mix::tone::{Filler, WhenEmpty};
use crate::pcm::block::Block;
use crate::status::OnAir;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tracing::{info, warn};

/// What somebody may want of the programme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Ask the playlist again what comes after the track that plays, because that has changed.
    Reconsider,
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
    /// How one track goes over into the next.
    pub crossfade: Crossfade,
}

/// The programme.
pub struct Programme {
    settings: Settings,
    supply: Supply,
    timeline: Timeline<Arc<Track>>,
    /// Where the audio of the current track comes from, until all of it has come.
    current: Option<Receiver<Block>>,
    /// Where that of the next one comes from.
    next: Option<Receiver<Block>>,
    encoder: Mp3Encoder,
    /// What begins in which frame, for frames not yet given out.
    beginnings: VecDeque<(u64, Option<Arc<Track>>)>,
    /// The track that plays; none while the filler holds the mount.
    track: Option<Arc<Track>>,
    /// The first frame of it.
    on_air_since: u64,
    /// Whether the filler stood in for missing audio in the last block.
    is_missing: bool,
    on_air: OnAir,
}

impl Programme {
    /// A programme of what `supply` brings.
    ///
    /// Fails if the encoder does not take the settings.
    pub fn new(settings: Settings, supply: Supply) -> Result<Self, EncodeError> {
        let encoder = Mp3Encoder::new(settings.mp3)?;
        let rate_hz = settings.mp3.rate_hz;
        let filler = Filler::new(settings.when_empty, rate_hz);
        Ok(Self {
            timeline: Timeline::new(rate_hz, settings.crossfade, Box::new(filler)),
            settings,
            supply,
            current: None,
            next: None,
            encoder,
            beginnings: VecDeque::new(),
            track: None,
            on_air_since: 0,
            is_missing: false,
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
                Woken::Command(Command::Reconsider) => self.reconsider(),
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

    /// Ends the track that plays. The next one begins with the next block if it is prepared, and
    /// otherwise as soon as it is; until then the old one goes on.
    pub fn skip(&mut self) {
        self.timeline.skip();
    }

    /// Gives the next track back, if it has not begun, and lets the playlist be asked again.
    pub fn reconsider(&mut self) {
        self.timeline.unload();
        self.next = None;
        self.on_air.next = None;
        self.supply.reconsider();
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
        let mut pressing = false;
        let block = loop {
            self.take_in();
            match self.timeline.step(FRAME_SAMPLE_FRAMES, pressing) {
                Step::Begun(track) => {
                    self.current = self.next.take();
                    self.supply.began(track.number);
                }
                Step::GivenUp(track) => {
                    self.current = None;
                    let file = track.path.display();
                    warn!(%file, "ends early: it is not read in time, and the next one is ready");
                }
                Step::WantsAudio(side) => pressing = !self.wait_for_audio(side, deadline),
                Step::WantsTrack => pressing = !self.wait_for_a_track(deadline),
                Step::Whole(block) => break block,
            }
        };
        while let Some((at, track)) = self.timeline.begun() {
            self.beginnings.push_back((at / FRAME_SAMPLE_FRAMES as u64, track));
        }
        self.note_missed_blocks();
        block
    }

    /// Takes whatever has come, as far as there is room for it.
    fn take_in(&mut self) {
        if self.next.is_none() && self.timeline.next().is_none() {
            self.wait_for_a_track(Instant::now());
        }
        for side in [Side::Current, Side::Next] {
            while self.timeline.has_room(side) {
                let Some(pieces) = self.pieces(side) else { break };
                match pieces.try_recv() {
                    Ok(block) => self.timeline.put(side, block),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => self.end(side),
                }
            }
        }
    }

    /// Waits for more audio of a track; says whether it has come before `deadline`.
    fn wait_for_audio(&mut self, side: Side, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        let Some(pieces) = self.pieces(side) else { return false };
        match pieces.recv_timeout(left) {
            Ok(block) => self.timeline.put(side, block),
            Err(RecvTimeoutError::Disconnected) => self.end(side),
            Err(RecvTimeoutError::Timeout) => return false,
        }
        true
    }

    /// Waits for the next track, or for word that there is none; says whether either has come
    /// before `deadline`.
    fn wait_for_a_track(&mut self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.supply.next(left) {
            Some(Coming::Nothing) => self.timeline.expect_nothing(),
            Some(Coming::Track(prepared)) => {
                let rate_hz = self.settings.mp3.rate_hz;
                let length = prepared.track.length;
                let claimed = length.map(|length| sample_frames(length, rate_hz) as u64);
                self.timeline.load(prepared.track, claimed, Marks::default());
                self.next = Some(prepared.pieces);
            }
            None => return false,
        }
        true
    }

    fn pieces(&self, side: Side) -> Option<&Receiver<Block>> {
        match side {
            Side::Current => self.current.as_ref(),
            Side::Next => self.next.as_ref(),
        }
    }

    /// All audio of a track has come.
    fn end(&mut self, side: Side) {
        self.timeline.end(side);
        match side {
            Side::Current => self.current = None,
            Side::Next => self.next = None,
        }
    }

    fn note_missed_blocks(&mut self) {
        let missed = self.timeline.missed_blocks();
        if missed > self.on_air.underruns {
            if !self.is_missing {
                warn!("the next audio was not decoded in time; the filler stands in");
            }
            self.on_air.underruns = missed;
            self.is_missing = true;
        } else {
            self.is_missing = false;
        }
    }

    /// How much of the track on air is still to be heard, if that can be known.
    fn remaining(&self) -> Option<Duration> {
        let on_air = self.track.as_ref()?;
        let (current, left) = self.timeline.left()?;
        if current.number != on_air.number {
            return self.on_air.remaining; // its successor begins within the next frames
        }
        let rate_hz = u64::from(self.settings.mp3.rate_hz);
        left.map(|left| Duration::from_nanos(left.saturating_mul(1_000_000_000) / rate_hz))
    }

    fn report(&mut self, number: u64, lateness: Lateness, on_air: &watch::Sender<OnAir>) {
        let sample_frames = (number + 1 - self.on_air_since) * FRAME_SAMPLE_FRAMES as u64;
        let ns = sample_frames * 1_000_000_000 / u64::from(self.settings.mp3.rate_hz);
        self.on_air.elapsed = Duration::from_nanos(ns);
        self.on_air.next = self.timeline.next().map(|track| Arc::clone(&track.title));
        self.on_air.remaining = self.remaining();
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

//! The programme: what is heard on a channel, cut by cut, each when it is due.
//!
//! It takes the tracks that were prepared, lays them on the timeline, and gives out one cut of
//! [`CUT_SAMPLE_FRAMES`] after the other, whatever happens. When there is nothing to play, or when
//! audio that should be there is not, the emergency is heard instead. Every cut tells the titles
//! that begin in it, so whoever sends what became of it knows what its listeners hear.
//!
//! The [`fan`] encodes the cuts and gives the frames to the outputs; the clock says when.

pub mod blank;
pub mod emergency;
pub mod fan;
mod line;

use crate::clock::{Clock, Lateness, Woken};
use crate::encode::{EncodeError, Title};
use crate::lookahead::{Coming, Live, Supply, Track};
use crate::mix::crossfade::{Crossfade, Marks, sample_frames};
use crate::mix::guard::guard;
use crate::mix::pace::Pace;
use crate::mix::stand_in::EverReady;
use crate::mix::timeline::{Side, Step, Timeline};
use crate::passage::Passage;
use crate::pcm::block::Block;
use crate::pcm::level::Meter;
use crate::programme::blank::{Blanks, Listener, Then};
use crate::programme::fan::{Fan, Outlet};
use crate::programme::line::Line;
use crate::sound::Chain;
use crate::sound::processor::Processor;
use crate::status::{HISTORY_MAX, OnAir, Played, Report};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant, SystemTime};
use tracing::{info, warn};

/// What somebody may want of the programme.
#[derive(Debug)]
pub enum Command {
    /// Ask the playlist again what comes after the track that plays, because that has changed.
    Reconsider,
    /// Take over other settings and outputs.
    Rewire(Box<Rewire>),
    /// End the track that plays, and begin the next.
    Skip,
    /// Go through these effects.
    Sound(Box<Chain>),
}

/// Settings and outputs that a programme takes over between two cuts.
pub struct Rewire {
    /// What outputs that leave are called.
    pub unplug: Vec<Arc<str>>,
    /// Outputs that come.
    pub plug: Vec<Outlet>,
    /// As in the settings.
    pub title_when_empty: Arc<str>,
    /// As in the settings.
    pub crossfade: Crossfade,
    /// As in the settings.
    pub blanks: Option<Blanks>,
    /// What is heard when there is nothing to play, if it is something else now.
    pub emergency: Option<Box<dyn EverReady>>,
}

/// The settings of a programme.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Sample frames per second.
    pub rate_hz: u32,
    /// The title of the emergency; may be empty.
    pub title_when_empty: Arc<str>,
    /// How one track goes over into the next.
    pub crossfade: Crossfade,
    /// When silence of a track is too long, and what is done then.
    pub blanks: Option<Blanks>,
}

/// A stretch of the programme.
#[derive(Debug)]
pub struct Cut {
    /// The how-manieth it is, from 0.
    pub number: u64,
    /// Where in the programme it begins: sample frames from the programme's start.
    pub position: u64,
    /// [`CUT_SAMPLE_FRAMES`] of stereo.
    pub block: Block,
    /// The titles that begin in it, and where in the programme.
    pub titles: Vec<(u64, Title)>,
    /// From where in the programme on a file is heard untouched, whose packets these are, or none
    /// is any more.
    pub passages: Vec<(u64, Option<Passage>)>,
}

impl std::fmt::Debug for Rewire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rewire").field("unplug", &self.unplug).finish_non_exhaustive()
    }
}

/// The programme.
pub struct Programme {
    settings: Settings,
    supply: Supply,
    timeline: Timeline<Arc<Track>>,
    /// Sends what the timeline gives through the channel's effects.
    processor: Processor,
    /// Titles that were told and do not sound yet, because the effects take their time.
    coming: VecDeque<(u64, Title)>,
    /// Where the audio of the current track comes from, until all of it has come.
    current: Option<Line>,
    /// Where that of the next one comes from.
    next: Option<Line>,
    /// Packets of tracks that have not begun, by the numbers of those.
    passages: Vec<(u64, Passage)>,
    /// Whether what is heard is untouched.
    is_untouched: bool,
    /// Cuts made so far.
    cuts: u64,
    /// The track that plays; none while the emergency sounds.
    track: Option<Arc<Track>>,
    /// Where in the programme it began.
    began_at: u64,
    /// Whether the title of the emergency is another one than was told last.
    is_renamed: bool,
    /// Whether the emergency stood in for missing audio in the last block.
    is_missing: bool,
    /// Measures what is given out, from one report to the next.
    meter: Meter,
    /// Listens for silence that is too long.
    listener: Listener,
    on_air: OnAir,
}

impl Programme {
    /// A programme of what `supply` brings, and of `emergency` where that is nothing.
    pub fn new(settings: Settings, supply: Supply, emergency: Box<dyn EverReady>) -> Self {
        Self {
            timeline: Timeline::new(settings.rate_hz, settings.crossfade, emergency),
            processor: Processor::new(Chain::default(), settings.rate_hz),
            coming: VecDeque::new(),
            listener: Listener::new(settings.blanks),
            settings,
            supply,
            current: None,
            next: None,
            passages: Vec::new(),
            is_untouched: false,
            cuts: 0,
            track: None,
            began_at: 0,
            is_renamed: false,
            is_missing: false,
            meter: Meter::default(),
            on_air: OnAir::default(),
        }
    }

    /// The same after what was played before a restart, the latest last.
    #[must_use]
    pub fn after(mut self, history: VecDeque<Played>) -> Self {
        self.on_air.history = history;
        self
    }

    /// The same through the effects of `chain`.
    #[must_use]
    pub fn through(mut self, chain: Chain) -> Self {
        self.processor = Processor::new(chain, self.settings.rate_hz);
        self
    }

    /// Gives every cut to `fan` when `clock` says that it is due, until nobody can send commands
    /// any more. The clock is made when the first cut is ready.
    ///
    /// Fails if an encoder does.
    pub fn run(
        mut self,
        mut fan: Fan,
        clock: impl FnOnce() -> Clock,
        commands: &Receiver<Command>,
        report: &Report<OnAir>,
    ) -> Result<(), EncodeError> {
        let mut cut = self.next_cut(START_PATIENCE);
        let mut clock = clock();
        fan.encode(&mut cut)?;
        loop {
            match clock.wait(cut.number, commands) {
                Woken::Command(Command::Reconsider) => self.reconsider(),
                Woken::Command(Command::Rewire(rewire)) => self.rewire(*rewire, &mut fan),
                Woken::Command(Command::Skip) => self.skip(),
                Woken::Command(Command::Sound(chain)) => self.processor.take_over(*chain),
                Woken::Left => return Ok(()),
                Woken::Due => {
                    if let Some(late) = clock.note(cut.number) {
                        let late_s = late.as_secs_f64();
                        warn!("{late_s:.1} s late, which is given up: the machine was too busy");
                    }
                    self.on_air.dropped_frames += fan.send();
                    self.report(&cut, clock.lateness(), report);
                    cut = self.next_cut(clock.time_left(cut.number + 1));
                    fan.encode(&mut cut)?;
                }
            }
        }
    }

    /// The next cut of the programme, within about `patience`.
    pub fn next_cut(&mut self, patience: Duration) -> Cut {
        let mut block = self.next_block(Instant::now() + patience);
        let (number, position) = (self.cuts, self.cuts * CUT_SAMPLE_FRAMES as u64);
        self.cuts += 1;
        self.processor.process(&mut block);
        guard(&mut block);
        let is_renamed = std::mem::take(&mut self.is_renamed) && self.track.is_none();
        if number == 0 || is_renamed {
            self.coming.push_back((position, self.title_of(None)));
        }
        let later = self.processor.latency() as u64;
        while let Some((at, track)) = self.timeline.begun() {
            // At the very start nothing sounds before.
            let heard_at = if at == 0 { 0 } else { at + later };
            self.coming.push_back((heard_at, self.title_of(track.as_deref())));
            self.begin(at, track);
        }
        let passages = self.untouched(position);
        self.note_missed_blocks();
        let titles = self.titles_before(self.cuts * CUT_SAMPLE_FRAMES as u64);
        self.listen(&block);
        Cut { number, position, block, titles, passages }
    }

    /// From where on a track is heard untouched within the cut that begins at `position`, or none
    /// is any more.
    fn untouched(&mut self, position: u64) -> Vec<(u64, Option<Passage>)> {
        let mut turns = Vec::new();
        if self.is_untouched && !self.processor.is_idle() {
            turns.push((position, None));
        }
        while let Some((at, track)) = self.timeline.untouched() {
            let track = track.filter(|_| self.processor.is_idle());
            let is_its = |of: u64| track.as_ref().is_some_and(|track| track.number == of);
            let place = self.passages.iter().position(|(of, _)| is_its(*of));
            let passage = place.map(|place| self.passages.swap_remove(place).1);
            if let Some(track) = track.filter(|_| passage.is_some()) {
                info!(file = %track.path.display(), "passes untouched");
            }
            turns.push((at, passage));
        }
        // A track that was touched, or has no format that is wanted, needs them no more.
        let playing = self.track.as_ref().map_or(0, |track| track.number);
        if let Some(track) = &self.track
            && self.passages.iter().any(|(of, _)| *of == playing)
        {
            info!(file = %track.path.display(), "is encoded: its sound is changed");
        }
        self.passages.retain(|(of, _)| *of > playing);
        if let Some((_, last)) = turns.last() {
            self.is_untouched = last.is_some();
        }
        turns
    }

    /// The titles that begin to sound before `end`, and where in the programme.
    fn titles_before(&mut self, end: u64) -> Vec<(u64, Title)> {
        let sound = self.coming.iter().take_while(|(at, _)| *at < end).count();
        self.coming.drain(..sound).collect()
    }

    /// Ends the track that plays. The next one begins with the next block if it is prepared, and
    /// otherwise as soon as it is; until then the old one goes on.
    pub fn skip(&mut self) {
        self.timeline.skip();
    }

    /// Gives the next track back, if it has not begun, and lets the playlist be asked again; unless
    /// the track that plays is so near its end that another one might come too late.
    pub fn reconsider(&mut self) {
        if self.is_about_to_end() {
            return;
        }
        self.timeline.unload();
        self.next = None;
        self.passages
            .retain(|(of, _)| self.timeline.left().is_some_and(|(it, _)| it.number == *of));
        self.on_air.next = None;
        self.supply.reconsider();
    }

    /// Takes over other settings, and other outputs from the next cut on.
    fn rewire(&mut self, rewire: Rewire, fan: &mut Fan) {
        let Rewire { unplug, plug, title_when_empty, crossfade, blanks, emergency } = rewire;
        self.is_renamed |= title_when_empty != self.settings.title_when_empty;
        self.settings = Settings { title_when_empty, crossfade, blanks, ..self.settings.clone() };
        self.listener.listen_for(blanks);
        self.timeline.cross_by(crossfade);
        if let Some(emergency) = emergency {
            self.timeline.stand_in_by(emergency);
        }
        let title = self.title_of(self.track.as_deref());
        let position = self.cuts * CUT_SAMPLE_FRAMES as u64;
        for (output, error) in fan.rewire(&unplug, plug, position, &title) {
            warn!(%output, "it cannot be sent: {error}");
        }
    }

    /// What listeners are told while `track` plays, or the emergency.
    fn title_of(&self, track: Option<&Track>) -> Title {
        match track {
            None => Title { shown: Arc::clone(&self.settings.title_when_empty), artist: None },
            Some(track) => Title { shown: Arc::clone(&track.title), artist: track.artist.clone() },
        }
    }

    /// What is on air.
    pub fn on_air(&self) -> &OnAir {
        &self.on_air
    }

    fn begin(&mut self, at: u64, track: Option<Arc<Track>>) {
        if let Some(track) = &track {
            info!(title = %track.title, file = %track.path.display(), "playing");
            self.remember(track);
        }
        self.on_air.title = track.as_ref().map(|track| Arc::clone(&track.title));
        self.on_air.length = track.as_ref().and_then(|track| track.length);
        self.track = track;
        self.on_air.elapsed = Duration::ZERO;
        self.began_at = at;
    }

    fn remember(&mut self, track: &Arc<Track>) {
        if self.on_air.history.len() >= HISTORY_MAX {
            self.on_air.history.pop_front();
        }
        self.on_air.history.push_back(Played {
            id: track.rid,
            track: Arc::clone(track),
            since: SystemTime::now(),
        });
    }

    /// The next [`CUT_SAMPLE_FRAMES`], made up if audio does not come before `deadline`.
    fn next_block(&mut self, deadline: Instant) -> Block {
        let mut pressing = false;
        loop {
            self.take_in();
            match self.timeline.step(CUT_SAMPLE_FRAMES, pressing) {
                Step::Begun(track) => {
                    self.current = self.next.take();
                    self.supply.began(track.number, self.heard());
                }
                Step::GivenUp(track) => {
                    self.current = None;
                    let file = track.path.display();
                    warn!(%file, "ends early: it is not read in time, and the next one is ready");
                }
                Step::Settled(transition) => info!("the next border: {transition}"),
                Step::WantsAudio(side) => pressing = !self.wait_for_audio(side, deadline),
                Step::WantsTrack => pressing = !self.wait_for_a_track(deadline),
                Step::Whole(block) => return block,
            }
        }
    }

    /// Takes whatever has come, as far as there is room for it.
    fn take_in(&mut self) {
        if self.timeline.next().is_some_and(|next| self.supply.is_overtaken(next.number)) {
            self.reconsider();
        }
        if self.next.is_none() && self.timeline.next().is_none() {
            self.supply.press(self.needs_a_track());
            self.wait_for_a_track(Instant::now());
        }
        for side in [Side::Current, Side::Next] {
            while self.timeline.has_room(side) {
                let Some(line) = self.line(side) else { break };
                match line.pieces.try_recv() {
                    Ok(block) => self.put(side, block),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => self.end(side),
                }
            }
        }
    }

    /// Waits for more audio of a track; says whether it has come before `deadline`.
    fn wait_for_audio(&mut self, side: Side, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        let Some(line) = self.line(side) else { return false };
        match line.pieces.recv_timeout(left) {
            Ok(block) => self.put(side, block),
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
                let rate_hz = self.settings.rate_hz;
                let (number, length) = (prepared.track.number, prepared.track.length);
                let claimed = length.map(|length| sample_frames(length, rate_hz) as u64);
                let marks = self.marks(&prepared.track);
                let titles = match prepared.live {
                    Some(Live { buffer, titles }) => {
                        self.timeline.load_live(prepared.track, Pace::new(buffer), marks);
                        Some(titles)
                    }
                    None => {
                        self.timeline.load(prepared.track, claimed, marks);
                        None
                    }
                };
                self.next = Some(Line::new(prepared.pieces, titles));
                self.passages.extend(prepared.passage.map(|passage| (number, passage)));
                self.supply.press(false);
                if prepared.interrupts {
                    self.timeline.skip();
                }
            }
            None => return false,
        }
        true
    }

    /// What is said of `track`, in the timeline's terms.
    fn marks(&self, track: &Track) -> Marks {
        let cues = &track.cues;
        let length =
            |time: Option<Duration>| time.map(|time| sample_frames(time, self.settings.rate_hz));
        Marks {
            gain: cues.factor(track.level.gain),
            overlap: length(cues.overlap),
            fade_in: length(cues.fade_in),
            fade_out: length(cues.fade_out),
        }
    }

    /// Puts on what has come of a track, behind the titles that begin before it.
    fn put(&mut self, side: Side, block: Block) {
        let titles = self.line(side).map(|line| line.titles_before(&block)).unwrap_or_default();
        for track in titles {
            self.timeline.turn_into(side, track);
        }
        self.timeline.put(side, block);
    }

    fn line(&mut self, side: Side) -> Option<&mut Line> {
        match side {
            Side::Current => self.current.as_mut(),
            Side::Next => self.next.as_mut(),
        }
    }

    /// All audio of a track has come.
    fn end(&mut self, side: Side) {
        self.timeline.end(side);
        match side {
            Side::Current => self.current = None,
            Side::Next => {
                let has_left = self.next.take().is_some_and(|line| line.is_live());
                if has_left {
                    self.reconsider(); // nobody wants to hear how somebody left before his turn
                }
            }
        }
    }

    /// Listens to what is given out, and puts an end to silence that is too long.
    fn listen(&mut self, block: &Block) {
        let track = self.track.as_ref().filter(|_| !self.is_missing);
        let Some(blank) = self.listener.hear(block, track.is_some()) else { return };
        let Some(track) = track else { return };
        let silent_s = blank.silent.as_secs_f64();
        let file = track.path.display();
        match blank.then {
            Then::Next { rest } => {
                let playlist = &track.playlist;
                warn!(%file, %playlist, "silent for {silent_s:.1} s: on to what else there is");
                self.supply.pass_over(track.number, rest, f64::from(blank.threshold_db));
                self.reconsider();
            }
            Then::Skip => warn!(%file, "silent for {silent_s:.1} s: on to the next track"),
        }
        self.skip();
    }

    fn note_missed_blocks(&mut self) {
        let missed = self.timeline.missed_blocks();
        if missed > self.on_air.underruns {
            if !self.is_missing {
                warn!("the next audio was not decoded in time; the emergency stands in");
            }
            self.on_air.underruns = missed;
            self.is_missing = true;
        } else {
            self.is_missing = false;
        }
    }

    /// Whether the next track is needed soon: nothing plays, or not for long, or was skipped.
    fn needs_a_track(&self) -> bool {
        let soon = self.settings.crossfade.duration + PRESSED_LEFT;
        match self.timeline.left() {
            None => true,
            Some((_, left)) => {
                let ends_soon = left.is_some_and(|left| self.time(left) < soon);
                ends_soon || self.timeline.is_skipping()
            }
        }
    }

    fn is_about_to_end(&self) -> bool {
        let left = self.timeline.left().and_then(|(_, left)| left);
        left.is_some_and(|left| self.time(left) < RECONSIDER_LEFT)
    }

    /// How much of the track on air has been heard, if there is one.
    fn heard(&self) -> Option<Duration> {
        self.track.as_ref()?;
        let sample_frames = (self.cuts * CUT_SAMPLE_FRAMES as u64).saturating_sub(self.began_at);
        Some(self.time(sample_frames))
    }

    fn time(&self, sample_frames: u64) -> Duration {
        let ns = u128::from(sample_frames) * 1_000_000_000 / u128::from(self.settings.rate_hz);
        Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX))
    }

    /// How much of the track on air is still to be heard, if that can be known.
    fn remaining(&self) -> Option<Duration> {
        let on_air = self.track.as_ref()?;
        let (current, left) = self.timeline.left()?;
        if current.number != on_air.number {
            return self.on_air.remaining; // its successor begins within the next cut
        }
        left.map(|left| self.time(left))
    }

    fn report(&mut self, cut: &Cut, lateness: Lateness, report: &Report<OnAir>) {
        let end = cut.position + CUT_SAMPLE_FRAMES as u64;
        self.on_air.elapsed = self.time(end.saturating_sub(self.began_at));
        self.on_air.next = self.timeline.next().map(Arc::clone);
        self.on_air.remaining = self.remaining();
        self.on_air.live_waiting =
            self.timeline.live_waiting().map(|waiting| self.time(waiting as u64));
        self.on_air.sample_frames = end;
        self.on_air.late_cuts = lateness.late_cuts;
        self.on_air.latest = lateness.worst;
        self.on_air.given_up = lateness.given_up;
        self.meter.measure(&cut.block);
        let begins = !cut.titles.is_empty();
        if begins || cut.number.is_multiple_of(REPORT_CUTS) {
            self.on_air.levels = self.meter.take();
            report.say(self.on_air.clone());
        }
    }
}

/// Sample frames in a cut: the programme's step.
pub const CUT_SAMPLE_FRAMES: usize = 1_152;
/// The first cut may take this long; the programme's time begins with it.
pub const START_PATIENCE: Duration = Duration::from_millis(800);
/// With less than this to its end, a track is followed by what has been prepared.
const RECONSIDER_LEFT: Duration = Duration::from_secs(1);
/// With less than this to the crossfade at its end, the next track must be one that is at hand.
pub const PRESSED_LEFT: Duration = Duration::from_secs(5);
/// What is on air is reported every so many cuts: about once a second.
const REPORT_CUTS: u64 = 38;

#[cfg(test)]
mod tests;

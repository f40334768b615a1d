//! Prepares the next track while the one before it plays.
//!
//! The lookahead runs in a thread of its own. It asks what plays for an item and lets a *reel*
//! play it: a further thread, which opens the file, decodes it, brings it to stereo at the
//! station's rate, and puts pieces of one length into a queue of its own. As soon as the first of
//! them is there, the track is *prepared* and handed to the programme, and when the programme has
//! begun it, the lookahead goes on to the next. So a file that hangs or rots has been reported
//! and passed over before its turn, and holds up nobody but itself: it has its own thread and its
//! own queue. When nothing at all can be played the lookahead says so, and looks again after waits
//! that grow to [`RETRY_LONGEST`].
//!
//! Until a prepared track has begun, it can be taken back: the programme drops it and the playlist
//! is asked again, which is how a changed list or a request is heard after the present track. When
//! hours begin, something is due or a request has come meanwhile, the lookahead lets the programme
//! do so.
//!
//! A file elsewhere is fetched before it is opened. If it has not come when the programme is
//! pressed for the next track, something else is played first. Where the treatment of tracks asks
//! for it, a track is measured before it is opened; if that is not done in time, it is played by
//! what else is known of it.
//!
//! This part does not know the time; how far it gets is up to who takes from the queues.

mod live;
mod reel;
mod studio;
mod supply;

use crate::cues::Cues;
use crate::decode::tags::Tags;
use crate::encode::Format;
use crate::fetch::file::Fetched;
use crate::fetch::{Fetches, Standing};
use crate::input::feed::Feed;
use crate::input::title::LiveTitle;
use crate::lookahead::live::LiveReel;
use crate::lookahead::reel::{Opened, Reel};
use crate::lookahead::supply::Desk;
use crate::measure::{self, Measure, Measures, Wanted};
use crate::playlist::Item;
use crate::playlist::order::track_key;
use crate::playlist::queue::Numbers;
use crate::playlist::selection::{Next, Selection, Upcoming};
use crate::tasks;
use crate::treatment::Treatment;
use crate::treatment::levelling::Level;
use common::backoff::Backoff;
use jiff::Timestamp;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tracing::{debug, warn};

pub use crate::lookahead::reel::Known;
pub use crate::lookahead::studio::PIECE_SAMPLE_FRAMES;
pub use crate::lookahead::supply::{Coming, Live, Prepared, Supply};

/// A track on its way to the programme.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// Tells it from every other track of this programme; later tracks have higher numbers.
    pub number: u64,
    /// What it is known by to people: no other track or request of the station has this number.
    pub rid: u64,
    /// What it is remembered by: the same for the same track in every run.
    pub key: u64,
    /// What listeners are told.
    pub title: Arc<str>,
    /// Who plays, where it is known that `title` begins with that.
    pub artist: Option<Arc<str>>,
    /// The audio file.
    pub path: PathBuf,
    /// The name of the playlist it comes from.
    pub playlist: Arc<str>,
    /// What the file says of itself.
    pub tags: Tags,
    /// How long it plays between its cue points, if the file says so.
    pub length: Option<Duration>,
    /// What is said of it alone.
    pub cues: Cues,
    /// What makes it as loud as others.
    pub level: Level,
}

impl Track {
    /// The place in its file where it was left when so much of it had been `heard`; `None` if that
    /// is practically its end.
    fn left_at(&self, heard: Duration) -> Option<Duration> {
        let has_ended = self.length.is_some_and(|length| heard + REST_MIN >= length);
        (!has_ended).then(|| self.cues.cue_in.unwrap_or_default() + heard)
    }
}

/// What plays, prepared track by track.
pub struct Lookahead {
    selection: Selection,
    /// Where another one comes from.
    selections: Receiver<Selection>,
    /// Where another one may be put.
    other: SyncSender<Selection>,
    /// Where tracks get their numbers.
    numbers: Numbers,
    /// Where files elsewhere come from.
    fetches: Option<Fetches>,
    /// Where tracks are measured.
    measures: Option<Measures>,
    /// What is done to tracks.
    treatment: watch::Receiver<Treatment>,
    /// Which formats files pass in untouched.
    passes: watch::Receiver<Vec<Format>>,
    /// Where it is told what comes next.
    upcoming: watch::Sender<Vec<Upcoming>>,
    rate_hz: u32,
    coming: SyncSender<Coming>,
    desk: Arc<Desk>,
    woken: Receiver<()>,
    /// The number of the track that was prepared last.
    tracks: u64,
    /// The track that plays, or played last.
    playing: Option<Arc<Track>>,
    /// Waits in a row after which there still was nothing.
    barren_waits: u32,
    /// Threads that may still be at work.
    reels: Vec<JoinHandle<()>>,
}

/// The programme has ended.
struct Gone;

/// What became of an item.
enum Outcome {
    /// It is elsewhere and has not come in time.
    Late,
    Prepared(Prepared),
    /// It is not wanted any more.
    Reconsidered,
    Unplayable(String),
}

impl Lookahead {
    /// A lookahead over `selection` that prepares audio at `rate_hz`, and the other end, from which
    /// the programme takes it. Tracks that were not requested get their numbers from `numbers`.
    pub fn new(selection: Selection, rate_hz: u32, numbers: Numbers) -> (Self, Supply) {
        let (coming, supply, desk, woken) = supply::ends();
        let (other, selections) = sync_channel(SELECTIONS_MAX);
        selection.wakes(desk.waker());
        let lookahead = Self {
            upcoming: watch::Sender::new(selection.upcoming()),
            selection,
            selections,
            other,
            numbers,
            fetches: None,
            measures: None,
            treatment: watch::Sender::default().subscribe(),
            passes: watch::Sender::default().subscribe(),
            rate_hz,
            coming,
            desk,
            woken,
            tracks: 0,
            playing: None,
            barren_waits: 0,
            reels: Vec::new(),
        };
        (lookahead, supply)
    }

    /// The same, which gets files elsewhere from `fetches`.
    #[must_use]
    pub fn fetching(mut self, fetches: Fetches) -> Self {
        fetches.wakes(self.desk.waker());
        self.fetches = Some(fetches);
        self
    }

    /// The same, which treats tracks as `treatment` says, by what `measures` find of them.
    #[must_use]
    pub fn treating(mut self, treatment: watch::Receiver<Treatment>, measures: Measures) -> Self {
        measures.wakes(self.desk.waker());
        (self.treatment, self.measures) = (treatment, Some(measures));
        self
    }

    /// The same, which hands out the packets of files in formats that `passes` names.
    #[must_use]
    pub fn passing(self, passes: watch::Receiver<Vec<Format>>) -> Self {
        Self { passes, ..self }
    }

    /// What comes next in each playlist, behind what is prepared.
    pub fn upcoming(&self) -> watch::Receiver<Vec<Upcoming>> {
        self.upcoming.subscribe()
    }

    /// Where another selection may be put, which is taken instead as soon as the programme
    /// reconsiders.
    pub fn selections(&self) -> SyncSender<Selection> {
        self.other.clone()
    }

    /// Prepares track after track, until the supply is dropped.
    pub fn run(mut self) {
        while self.go_on().is_ok() {}
    }

    /// Prepares a track and waits until it has begun, or is not wanted any more.
    fn go_on(&mut self) -> Result<(), Gone> {
        // Before the choice: what changes while it is made is a reason to choose again.
        let reconsidered = self.desk.reconsidered();
        let next = self.next_item()?;
        self.upcoming.send_replace(self.selection.upcoming());
        let track = match self.open(&next, reconsidered)? {
            Outcome::Prepared(prepared) => {
                self.selection.tell(true, Instant::now());
                self.barren_waits = 0;
                let track = Arc::clone(&prepared.track);
                self.tracks = track.number;
                self.coming.send(Coming::Track(prepared)).map_err(|_| Gone)?;
                track
            }
            Outcome::Late => {
                let file = next.item.path.display();
                if self.selection.put_off(Instant::now()) {
                    warn!(%file, "not fetched yet, so something else is played first");
                }
                return Ok(());
            }
            Outcome::Reconsidered => {
                self.selection.give_back();
                return Ok(());
            }
            Outcome::Unplayable(reason) => {
                self.selection.tell(false, Instant::now());
                let file = next.item.path.display();
                if next.again {
                    debug!(%file, "skipped: {reason}"); // it was reported before
                } else {
                    warn!(%file, "skipped: {reason}");
                }
                return Ok(());
            }
        };
        self.wait_for_its_beginning(&track, reconsidered)
    }

    /// Waits until `track`, which is prepared, has begun, or is not wanted any more.
    fn wait_for_its_beginning(
        &mut self,
        track: &Arc<Track>,
        reconsidered: u64,
    ) -> Result<(), Gone> {
        // In this order: what the programme began before it reconsidered is seen as begun.
        while self.desk.reconsidered() == reconsidered && self.desk.begun() < track.number {
            let wall = Timestamp::now();
            if self.is_overtaken() {
                self.desk.overtake(track.number);
            }
            let look = self.selection.look_at(wall).duration_since(wall);
            self.sleep(look.unsigned_abs().min(WAKE_LONGEST))?;
        }
        if self.desk.begun() < track.number {
            self.selection.give_back();
        } else {
            let left_at = self.playing.as_ref().and_then(|it| it.left_at(self.desk.heard()?));
            self.selection.began(Timestamp::now(), left_at);
            self.playing = Some(Arc::clone(track));
            if let (Some(fetches), Some(address)) = (&self.fetches, track.path.to_str()) {
                fetches.let_go(address); // its reel holds it until it has been played
            }
        }
        self.upcoming.send_replace(self.selection.upcoming());
        self.measure_ahead();
        Ok(())
    }

    /// The next item, after a wait if nothing can be played.
    fn next_item(&mut self) -> Result<Next, Gone> {
        loop {
            while let Ok(mut selection) = self.selections.try_recv() {
                selection.go_on_from(&self.selection);
                selection.wakes(self.desk.waker());
                self.selection = selection;
            }
            self.take_in_arrived();
            self.pass_over();
            if let Some(next) = self.selection.next_item(Instant::now(), Timestamp::now()) {
                return Ok(next);
            }
            if self.barren_waits == 0 {
                warn!("nothing to play; the emergency sounds, and playlists are read again soon");
                self.coming.send(Coming::Nothing).map_err(|_| Gone)?;
            }
            self.rest(RETRY.wait(self.barren_waits, 1.0))?;
            self.barren_waits += 1;
            self.selection.retry(Instant::now());
        }
    }

    /// Passes over what is silent, if the programme says so.
    fn pass_over(&mut self) {
        let playing = self.playing.as_ref().map(|playing| playing.number);
        if let Some(rest) = playing.and_then(|number| self.desk.passed_over(number)) {
            let quiet_db = self.desk.quiet_db();
            self.selection.pass_over(Timestamp::now(), rest, quiet_db);
        }
    }

    /// Lets a reel play `item`, and waits until its first audio is there.
    fn open(&mut self, next: &Next, reconsidered: u64) -> Result<Outcome, Gone> {
        if let Some(feed) = &next.live {
            return self.open_live(next, feed, reconsidered);
        }
        let item = &next.item;
        let fetched = match item.address() {
            Some(address) => match self.fetched(address, reconsidered)? {
                Ok(file) => Some(file),
                Err(outcome) => return Ok(outcome),
            },
            None => None,
        };
        let treatment = *self.treatment.borrow();
        let measure = match self.measured(item, fetched.as_ref(), &treatment, reconsidered)? {
            Ok(measure) => measure,
            Err(outcome) => return Ok(outcome),
        };
        self.wait_for_a_reel()?;
        let (piece_queue, pieces) = sync_channel(REEL_PIECES);
        let (answer, opened) = sync_channel(1);
        let reel = Reel {
            item: item.clone(),
            fetched,
            left_at: next.left_at,
            trim: treatment.trim.zip(measure),
            passes: self.passes.borrow().clone(),
            rate_hz: self.rate_hz,
            answer,
            desk: Arc::clone(&self.desk),
            piece_queue,
        };
        match tasks::thread("reel", move || reel.play()) {
            Ok(thread) => self.reels.push(thread),
            Err(error) => return Ok(Outcome::Unplayable(format!("no thread for it: {error}"))),
        }
        let deadline = Instant::now() + OPEN_PATIENCE;
        loop {
            match opened.try_recv() {
                Ok(Ok(Opened { title, artist, tags, length, cues, passage })) => {
                    let track = Arc::new(Track {
                        number: self.tracks + 1,
                        rid: next.request.unwrap_or_else(|| self.numbers.next()),
                        key: next.key,
                        title,
                        artist,
                        path: item.path.clone(),
                        playlist: Arc::clone(&next.playlist),
                        tags,
                        length,
                        cues,
                        level: treatment.levelling.level(&cues, measure.as_ref()),
                    });
                    let (interrupts, live) = (next.interrupts, None);
                    let it = Prepared { track, pieces, passage, live, interrupts, reconsidered };
                    return Ok(Outcome::Prepared(it));
                }
                Ok(Err(reason)) => return Ok(Outcome::Unplayable(reason)),
                Err(TryRecvError::Disconnected) => return Ok(Outcome::Unplayable(CRASHED.into())),
                Err(TryRecvError::Empty) => {}
            }
            if self.desk.reconsidered() != reconsidered {
                return Ok(Outcome::Reconsidered);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let seconds = OPEN_PATIENCE.as_secs();
                return Ok(Outcome::Unplayable(format!("it does not open within {seconds} s")));
            }
            self.sleep(left)?;
        }
    }

    /// Lets a live reel play what comes from `feed`.
    fn open_live(&mut self, next: &Next, feed: &Feed, reconsidered: u64) -> Result<Outcome, Gone> {
        self.wait_for_a_reel()?;
        let Some(taking) = feed.take() else { return Ok(Outcome::Reconsidered) };
        let (piece_queue, pieces) = sync_channel(REEL_PIECES);
        let (title_queue, titles) = sync_channel(TITLES_MAX);
        let name = &next.playlist;
        let number = self.tracks + 1;
        let track = Arc::new(live_track(name, number, self.numbers.next(), taking.title()));
        let (numbers, rate_hz) = (self.numbers.clone(), self.rate_hz);
        let live = Live { buffer: taking.buffer(), titles };
        let called = Arc::clone(name);
        let retitled =
            move |title: &LiveTitle| Arc::new(live_track(&called, number, numbers.next(), title));
        let reel = LiveReel { taking, rate_hz, piece_queue, title_queue, retitled };
        match tasks::thread("reel", move || reel.play()) {
            Ok(thread) => self.reels.push(thread),
            Err(error) => return Ok(Outcome::Unplayable(format!("no thread for it: {error}"))),
        }
        let (passage, live, interrupts) = (None, Some(live), next.interrupts);
        Ok(Outcome::Prepared(Prepared { track, pieces, passage, live, interrupts, reconsidered }))
    }

    /// The file at `address`, as soon as it has come; what else becomes of it if it cannot be had,
    /// or something has to be played before it comes.
    fn fetched(
        &mut self,
        address: &str,
        reconsidered: u64,
    ) -> Result<Result<Fetched, Outcome>, Gone> {
        let Some(fetches) = self.fetches.clone() else {
            let reason = "files elsewhere are not fetched here".to_owned();
            return Ok(Err(Outcome::Unplayable(reason)));
        };
        loop {
            match fetches.want(address) {
                Standing::Coming => {}
                Standing::Failed(reason) => {
                    fetches.let_go(address); // it is tried again at its next turn
                    return Ok(Err(Outcome::Unplayable(reason.to_string())));
                }
                Standing::Here(file) => return Ok(Ok(file)),
            }
            if self.desk.is_pressed() {
                return Ok(Err(Outcome::Late));
            }
            if self.desk.reconsidered() != reconsidered || self.is_overtaken() {
                return Ok(Err(Outcome::Reconsidered));
            }
            self.sleep(WAKE_LONGEST)?;
        }
    }

    /// What was measured of `item`, as soon as that is done if the `treatment` needs it; what was
    /// last known of it, if that is anything, if it has to be played before. Or what else becomes
    /// of it.
    fn measured(
        &mut self,
        item: &Item,
        fetched: Option<&Fetched>,
        treatment: &Treatment,
        reconsidered: u64,
    ) -> Result<Result<Option<Measure>, Outcome>, Gone> {
        let Some(measures) = self.measures.clone() else { return Ok(Ok(None)) };
        let Some(wanted) = wanted(treatment, item, fetched) else { return Ok(Ok(None)) };
        let since = Instant::now();
        loop {
            match measures.want(&wanted) {
                measure::Standing::Coming => {}
                measure::Standing::Known(measure) => return Ok(Ok(Some(measure))),
                measure::Standing::Unknown => return Ok(Ok(None)),
            }
            let first = MEASURE_PATIENCE.saturating_sub(since.elapsed());
            let is_first = self.playing.is_none() && !first.is_zero();
            if self.desk.is_pressed() && !is_first {
                let known = measures.last_known(item);
                let by = if known.is_some() { "what was known of it" } else { "its tags alone" };
                debug!(file = %item.path.display(), "not measured in time; it goes by {by}");
                return Ok(Ok(known));
            }
            if self.desk.reconsidered() != reconsidered || self.is_overtaken() {
                return Ok(Err(Outcome::Reconsidered));
            }
            self.sleep(if is_first { first } else { WAKE_LONGEST })?;
        }
    }

    /// Lets be measured what is likely to be played soon.
    fn measure_ahead(&self) {
        let Some(measures) = &self.measures else { return };
        let treatment = *self.treatment.borrow();
        for item in self.selection.likely(LIKELY) {
            let wanted = wanted(&treatment, item, None).filter(|_| item.address().is_none());
            if let Some(wanted) = wanted.filter(|_| measures.last_known(item).is_none()) {
                measures.order_ahead(wanted);
            }
        }
    }

    /// Whether something else is due now than was when the next item was asked for.
    fn is_overtaken(&mut self) -> bool {
        self.take_in_arrived();
        self.selection.is_overtaken(Timestamp::now())
    }

    /// Files that were late may have come; says whether any have.
    fn take_in_arrived(&mut self) -> bool {
        let Some(fetches) = &self.fetches else { return false };
        self.selection.arrived(|file| file.to_str().is_none_or(|it| fetches.is_settled(it)))
    }

    /// Waits until fewer than [`REELS_MAX`] threads are at work; more can only be if files hang.
    fn wait_for_a_reel(&mut self) -> Result<(), Gone> {
        let mut reported = false;
        loop {
            self.reels.retain(|reel| !reel.is_finished());
            if self.reels.len() < REELS_MAX {
                return Ok(());
            }
            if !reported {
                reported = true;
                let hang = self.reels.len();
                warn!(
                    "{hang} files hang in the file system; no more are opened until one is let go"
                );
            }
            self.sleep(WAKE_LONGEST)?;
        }
    }

    /// Waits for `time`, or until the programme reconsiders or something else is due.
    fn rest(&mut self, time: Duration) -> Result<(), Gone> {
        let reconsidered = self.desk.reconsidered();
        let until = Instant::now() + time;
        while self.desk.reconsidered() == reconsidered {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || self.take_in_arrived() || self.is_overtaken() {
                break;
            }
            self.sleep(left.min(WAKE_LONGEST))?;
        }
        Ok(())
    }

    /// Waits until something has happened, at most for `time`.
    fn sleep(&self, time: Duration) -> Result<(), Gone> {
        if self.desk.is_closed() {
            return Err(Gone);
        }
        // What has happened is looked at, not told.
        match self.woken.recv_timeout(time) {
            Ok(()) | Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout) => {}
        }
        if self.desk.is_closed() { Err(Gone) } else { Ok(()) }
    }
}

/// What is to be measured of `item`, if the `treatment` needs anything.
fn wanted(treatment: &Treatment, item: &Item, fetched: Option<&Fetched>) -> Option<Wanted> {
    treatment.wants_measures().then(|| Wanted {
        item: item.clone(),
        fetched: fetched.cloned(),
        unless_tagged: treatment.goes_by_tags(),
    })
}

/// What is live, as a track: the same `number` for all of a session.
fn live_track(name: &Arc<str>, number: u64, rid: u64, title: &LiveTitle) -> Track {
    let tags = Tags { artist: title.artist.clone(), title: title.title.clone(), ..Tags::default() };
    Track {
        number,
        rid,
        key: track_key(&Item::file(&**name)),
        title: title.shown(name).into(),
        artist: title.artist.as_deref().map(Arc::from),
        path: PathBuf::from(&**name),
        playlist: Arc::clone(name),
        tags,
        length: None,
        cues: Cues::default(),
        level: Level::default(),
    }
}

const CRASHED: &str = "its decoding crashed";
/// Titles of a live source that may wait to be heard; a further one is left out.
const TITLES_MAX: usize = 64;
/// Selections that may wait; the last one counts.
const SELECTIONS_MAX: usize = 4;
/// Pieces that wait in a reel's own queue: less than a second. The rest of what is played ahead
/// is on the timeline's decks.
pub const REEL_PIECES: usize = 8;
/// A file that takes longer to open is passed over.
pub const OPEN_PATIENCE: Duration = Duration::from_secs(10);
/// The first track of a run waits so long for its measure; any other one is measured before it is
/// needed, or played without.
pub const MEASURE_PATIENCE: Duration = Duration::from_millis(500);
/// So many of the next tracks of each playlist are measured ahead.
const LIKELY: usize = 2;
/// Threads that may be at work: for the track that plays, the next, those that leave, and for
/// files that hang.
pub const REELS_MAX: usize = 8;
/// The longest wait before a playlist without anything to play is read again.
pub const RETRY_LONGEST: Duration = Duration::from_secs(30);
const RETRY: Backoff =
    Backoff { first: Duration::from_secs(1), factor: 2.0, longest: RETRY_LONGEST };
/// A track that was interrupted goes on only if at least so much is left of it.
pub const REST_MIN: Duration = Duration::from_secs(5);
/// Sleep ends with a word from the programme or a reel; this is in case one is lost.
const WAKE_LONGEST: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;

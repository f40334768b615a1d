//! The timeline: which track sounds when, to the sample.
//!
//! Every track has a *deck*, on which its audio is put ahead of time. The *current* track is the
//! one whose title listeners see; the *next* one is loaded and does not sound yet; those before
//! the current one may still be *leaving*, each falling in its own time. What is heard is the sum
//! of all decks, and of the emergency, which stands in when there is no track. It goes out in
//! blocks of one length, joined. The timeline counts the sample frames it has
//! given out, which is the programme's own time, and says where in it each track begins.
//!
//! Where a track goes over into the next follows from its end: as soon as no more than the overlap
//! is left of it, the next one begins. So more than the overlap must be on the current deck
//! before it is known that its end is not near; what is missing is asked for by [`Step`], and made
//! do without when time is pressing. Where the audio comes from the timeline does not know.

use crate::mix::crossfade::{Crossfade, Lengths, Marks, Mode, OVERLAP_MAX, sample_frames};
use crate::mix::deck::Deck;
use crate::mix::join::Joiner;
use crate::mix::pace::Pace;
use crate::mix::ramp::Ramp;
use crate::mix::smart::Transition;
use crate::mix::stand_in::{EverReady, StandIn};
use crate::mix::untouched::Untouched;
use crate::pcm::block::Block;
use std::collections::VecDeque;
use std::time::Duration;

/// Tracks, told apart by `T`, on the programme's time.
pub struct Timeline<T> {
    rate_hz: u32,
    crossfade: Crossfade,
    usual: Lengths,
    joiner: Joiner,
    emergency: StandIn,
    is_standing_in: bool,
    current: Option<Deck<T>>,
    next: Option<Deck<T>>,
    leaving: VecDeque<Deck<T>>,
    /// How the current track goes over into the next, once both have been listened to.
    settled: Option<Transition>,
    /// The current track is to end as soon as the next can begin.
    skipping: bool,
    /// No next track is to be expected.
    idle: bool,
    /// Whether listeners know that nothing plays.
    idle_told: bool,
    /// The block that is being made.
    block: Block,
    /// Where tracks begin, or nothing does, in what was not yet asked for.
    beginnings: VecDeque<(u64, Option<T>)>,
    untouched: Untouched<T>,
    given_sample_frames: u64,
    /// When the current deck last got audio, in the programme's time.
    fed_at: u64,
    /// Blocks in which the emergency stood in for a track that should have been there.
    missed_blocks: u64,
    /// Where the last of them began.
    missed_in: Option<u64>,
}

/// A deck that can be fed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// That of the track that plays.
    Current,
    /// That of the track that is loaded.
    Next,
}

/// How far the making of a block has come.
#[derive(Clone, Debug, PartialEq)]
pub enum Step<T> {
    /// The track that was next has become the current one.
    Begun(T),
    /// The current track has stopped coming, so it ends with what there is of it.
    GivenUp(T),
    /// Both sides of the next border have been listened to.
    Settled(Transition),
    /// More of this deck's audio is wanted before it goes on.
    WantsAudio(Side),
    /// A next track is wanted before it goes on.
    WantsTrack,
    /// A block is whole.
    Whole(Block),
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Move {
    /// Begin the next track over so much of the current one.
    Begin(Lengths),
    /// The current track has been heard to its end.
    Drop,
    /// Let the current track fall over all that is left of it, since nothing follows.
    FadeOut,
    /// The current track does not come any more; what is there of it is all.
    GiveUp,
    /// Play so many sample frames.
    Play(usize),
    /// Listen to both sides of the border.
    Settle,
    /// So many sample frames without a track.
    StandIn(usize),
    WantAudio(Side),
    WantTrack,
}

impl<T: Clone> Timeline<T> {
    /// A timeline at its start, on which `emergency` stands in when there is no track.
    pub fn new(rate_hz: u32, crossfade: Crossfade, emergency: Box<dyn EverReady>) -> Self {
        Self {
            rate_hz,
            crossfade,
            usual: crossfade.lengths(rate_hz),
            joiner: Joiner::new(rate_hz),
            emergency: StandIn::new(emergency, rate_hz),
            is_standing_in: false,
            current: None,
            next: None,
            leaving: VecDeque::new(),
            settled: None,
            skipping: false,
            idle: false,
            idle_told: false,
            block: Block::stereo(rate_hz, Vec::new(), Vec::new()),
            beginnings: VecDeque::new(),
            untouched: Untouched::new(),
            given_sample_frames: 0,
            fed_at: 0,
            missed_blocks: 0,
            missed_in: None,
        }
    }

    /// Lets tracks go over into each other by `crossfade` from now on.
    pub fn cross_by(&mut self, crossfade: Crossfade) {
        self.crossfade = crossfade;
        self.usual = crossfade.lengths(self.rate_hz);
        self.settled = None;
    }

    /// Lets `emergency` stand in from now on when there is no track.
    pub fn stand_in_by(&mut self, emergency: Box<dyn EverReady>) {
        self.emergency.replace(emergency);
    }

    /// Loads `track` as the next one, in place of one that was loaded before. It says that it is
    /// `claimed` sample frames long.
    pub fn load(&mut self, track: T, claimed: Option<u64>, marks: Marks) {
        self.next = Some(Deck::new(track, claimed, marks));
        self.settled = None;
        self.idle = false;
    }

    /// Loads `track`, which is live and kept at a `pace`, as the next one.
    pub fn load_live(&mut self, track: T, pace: Pace, marks: Marks) {
        self.load(track, None, marks);
        self.next = self.next.take().map(|deck| deck.live(pace));
    }

    /// From what is put on this deck next on, it is called `track`; listeners see that when they
    /// hear it.
    pub fn turn_into(&mut self, side: Side, track: T) {
        if let Some(deck) = self.deck(side) {
            deck.turn_into(track);
        }
    }

    /// How much audio of the current track waits to be heard, if it is live.
    pub fn live_waiting(&self) -> Option<usize> {
        let current = self.current.as_ref()?;
        current.live_buffer().map(|_| current.waiting())
    }

    /// Takes the next track away, before any of it was heard.
    pub fn unload(&mut self) -> Option<T> {
        self.settled = None;
        self.next.take().map(|deck| deck.track)
    }

    /// No next track is to be expected until one is loaded.
    pub fn expect_nothing(&mut self) {
        self.idle = true;
    }

    /// Ends the current track as soon as the next one can begin; until then it goes on.
    pub fn skip(&mut self) {
        self.skipping = self.current.is_some();
        self.settled = None;
    }

    /// Whether the current track ends as soon as the next one can begin.
    pub fn is_skipping(&self) -> bool {
        self.skipping
    }

    /// Whether there is room for more audio on this deck.
    pub fn has_room(&self, side: Side) -> bool {
        let deck = match side {
            Side::Current => &self.current,
            Side::Next => &self.next,
        };
        let is_live = |deck: &Deck<T>| side == Side::Next && deck.live_buffer().is_some();
        let has_room = |deck: &Deck<T>| is_live(deck) || deck.waiting() < self.ahead(deck);
        deck.as_ref().is_some_and(|deck| !deck.has_ended() && has_room(deck))
    }

    /// Puts `block`, which must be stereo at the timeline's rate, on a deck.
    pub fn put(&mut self, side: Side, block: Block) {
        if side == Side::Current {
            self.fed_at = self.position();
        }
        let (rate_hz, is_next) = (self.rate_hz, side == Side::Next);
        if let Some(deck) = self.deck(side) {
            deck.put(block);
            // What is live and waits for its turn is the latest of it when that comes.
            if let Some(buffer) = deck.live_buffer().filter(|_| is_next) {
                deck.leave_out_front(deck.waiting().saturating_sub(sample_frames(buffer, rate_hz)));
            }
        }
    }

    /// All of the audio of this deck's track has been put on it.
    pub fn end(&mut self, side: Side) {
        if let Some(deck) = self.deck(side) {
            deck.end();
        }
    }

    /// Goes on with a block of `sample_frames`, which is not more than a second. When time is
    /// `pressing`, it makes do with what there is, and ends with a block.
    pub fn step(&mut self, sample_frames: usize, pressing: bool) -> Step<T> {
        loop {
            let missing = sample_frames.saturating_sub(self.block.sample_frames());
            if missing == 0 {
                return Step::Whole(self.whole());
            }
            match self.decide(missing, pressing) {
                Move::Begin(border) => {
                    if let Some(track) = self.begin(border) {
                        return Step::Begun(track);
                    }
                }
                Move::Drop => {
                    self.joiner.join();
                    self.current = None;
                    self.skipping = false;
                }
                Move::FadeOut => self.fade_out(),
                Move::GiveUp => {
                    if let Some(current) = &mut self.current {
                        current.end();
                        return Step::GivenUp(current.track.clone());
                    }
                }
                Move::Play(length) => {
                    self.stand_back();
                    self.play(length);
                }
                Move::Settle => {
                    if let Some(transition) = self.settle() {
                        return Step::Settled(transition);
                    }
                }
                Move::StandIn(length) => {
                    self.stand_in();
                    self.play(length);
                }
                Move::WantAudio(side) => return Step::WantsAudio(side),
                Move::WantTrack => return Step::WantsTrack,
            }
        }
    }

    /// The track that begins next within what has been given out, and where: in sample frames
    /// from the programme's start. `None` in its place is the end of all tracks for now.
    pub fn begun(&mut self) -> Option<(u64, Option<T>)> {
        let (at, _) = self.beginnings.front()?;
        (*at < self.given_sample_frames).then(|| self.beginnings.pop_front())?
    }

    /// The track that is heard untouched from its beginning on, and where, within what has been
    /// given out; `None` in its place is that it is not any more.
    pub fn untouched(&mut self) -> Option<(u64, Option<T>)> {
        self.untouched.next(self.given_sample_frames)
    }

    /// The current track, and how many sample frames of it are still to be heard, if that can be
    /// known.
    pub fn left(&self) -> Option<(&T, Option<u64>)> {
        self.current.as_ref().map(|deck| (&deck.track, deck.left()))
    }

    /// The track that is loaded.
    pub fn next(&self) -> Option<&T> {
        self.next.as_ref().map(|deck| &deck.track)
    }

    /// In how many blocks the emergency stood in for a track that should have been there.
    pub fn missed_blocks(&self) -> u64 {
        self.missed_blocks
    }

    fn deck(&mut self, side: Side) -> Option<&mut Deck<T>> {
        match side {
            Side::Current => self.current.as_mut(),
            Side::Next => self.next.as_mut(),
        }
    }

    /// How much audio is put on a deck ahead of time: enough for [`AHEAD`], for the overlap at its
    /// end, and to see that it is long enough for the one at its beginning.
    fn ahead(&self, deck: &Deck<T>) -> usize {
        if let Some(buffer) = deck.live_buffer() {
            return sample_frames(2 * buffer + SPARE, self.rate_hz);
        }
        let current = self.current.as_ref().and_then(|current| current.marks.overlap);
        let overlaps = [Some(self.usual.overlap), deck.marks.overlap, current];
        let overlap = overlaps.into_iter().flatten().max().unwrap_or(0);
        let longest = sample_frames(OVERLAP_MAX, self.rate_hz);
        let spare = sample_frames(SPARE, self.rate_hz);
        let look = if self.crossfade.mode == Mode::Smart { self.look() } else { 0 };
        let ahead = sample_frames(AHEAD, self.rate_hz);
        ahead.max(2 * overlap.min(longest) + spare).max(look + spare)
    }

    /// How long the current track would be heard together with a long one after it. As long as
    /// that is open, so much that it can be settled in time.
    fn overlap_wanted(&self, current: &Deck<T>) -> usize {
        if let Some(settled) = &self.settled {
            return settled.lengths.overlap;
        }
        let wanted = match (current.marks.overlap, self.crossfade.mode) {
            (Some(overlap), _) => overlap,
            (None, Mode::Simple) => self.usual.overlap,
            (None, Mode::Smart) if self.skipping || self.idle => self.usual.overlap,
            (None, Mode::Smart) => self.look(),
        };
        // Of what is live there is no more than its buffer, and its end comes without a warning.
        let live = current.live_buffer().map(|buffer| sample_frames(buffer / 2, self.rate_hz));
        wanted.min(sample_frames(OVERLAP_MAX, self.rate_hz)).min(live.unwrap_or(usize::MAX))
    }

    /// How much of both sides of a border is listened to.
    fn look(&self) -> usize {
        (self.usual.overlap + sample_frames(SILENCE_MAX, self.rate_hz))
            .min(sample_frames(OVERLAP_MAX, self.rate_hz))
    }

    /// Whether this border is to be listened to, and was not yet. What somebody has said of one of
    /// the tracks goes first.
    fn is_to_be_settled(&self, current: &Deck<T>, next: &Deck<T>) -> bool {
        let is_said = current.marks.overlap.is_some()
            || current.marks.fade_out.is_some()
            || next.marks.fade_in.is_some();
        self.crossfade.mode == Mode::Smart
            && !is_said
            && !self.skipping
            && self.settled.is_none()
            && current.has_ended()
    }

    fn settle(&mut self) -> Option<Transition> {
        let (current, next) = (self.current.as_mut()?, self.next.as_mut()?);
        let transition =
            Transition::between(current.blocks(), next.blocks(), self.rate_hz, self.usual);
        current.leave_out_back(transition.silence_before);
        next.leave_out_front(transition.silence_after);
        self.settled = Some(transition);
        Some(transition)
    }

    /// The one place where it is decided what happens next.
    fn decide(&self, missing: usize, pressing: bool) -> Move {
        let Some(current) = &self.current else {
            return match &self.next {
                Some(_) => Move::Begin(Lengths::NONE),
                None if pressing || self.idle => Move::StandIn(missing),
                None => Move::WantTrack,
            };
        };
        let waiting = current.waiting();
        let wanted = self.overlap_wanted(current);
        if let Some(next) = &self.next
            && self.is_to_be_settled(current, next)
            && waiting <= wanted
        {
            let is_seen = next.has_ended() || next.waiting() >= self.look();
            return if is_seen || pressing { Move::Settle } else { Move::WantAudio(Side::Next) };
        }
        if let Some(next) = &self.next
            && self.has_come(next)
            && (self.skipping || (current.has_ended() && waiting <= wanted))
        {
            let is_long = next.waiting() >= 2 * wanted || next.live_buffer().is_some();
            let is_seen = next.has_ended() || is_long;
            if !is_seen && !pressing {
                return Move::WantAudio(Side::Next);
            }
            let border = self.border(current, next);
            return if self.skipping || waiting <= border.overlap {
                Move::Begin(border)
            } else {
                Move::Play(missing.min(waiting - border.overlap))
            };
        }
        if current.has_ended() {
            return self.towards_the_end(current, missing, pressing);
        }
        if waiting > wanted {
            return Move::Play(missing.min(waiting - wanted));
        }
        if !pressing {
            return Move::WantAudio(Side::Current);
        }
        let dry = usize::try_from(self.position() - self.fed_at).unwrap_or(usize::MAX);
        let live = current.live_buffer().map(|buffer| buffer / 2);
        let stalled_after = live.unwrap_or(STALLED_AFTER).min(STALLED_AFTER);
        let is_stalled = dry > sample_frames(stalled_after, self.rate_hz)
            && waiting <= sample_frames(STALLED_LEFT, self.rate_hz);
        match (&self.next, waiting) {
            (Some(_), _) if is_stalled => Move::GiveUp,
            (_, 0) => Move::StandIn(missing),
            (_, waiting) => Move::Play(missing.min(waiting)),
        }
    }

    /// Whether enough of the next track is there to begin it: of what is live, half its buffer.
    fn has_come(&self, next: &Deck<T>) -> bool {
        next.live_buffer()
            .is_none_or(|buffer| next.waiting() >= sample_frames(buffer / 2, self.rate_hz))
    }

    /// What happens next when all of the current track is on its deck and no next one is there.
    fn towards_the_end(&self, current: &Deck<T>, missing: usize, pressing: bool) -> Move {
        let waiting = current.waiting();
        let keep = if self.idle {
            let fade_out = current.marks.fade_out.unwrap_or(self.usual.fade_out);
            if current.is_falling() { 0 } else { fade_out.min(self.overlap_wanted(current)) }
        } else if pressing {
            0
        } else {
            self.overlap_wanted(current)
        };
        match waiting {
            0 => Move::Drop,
            _ if waiting > keep => Move::Play(missing.min(waiting - keep)),
            _ if self.idle => Move::FadeOut,
            _ => Move::WantTrack,
        }
    }

    /// The border between these two, as the current track's end and both lengths allow it: no
    /// track is heard together with another one for more than half of its length.
    fn border(&self, current: &Deck<T>, next: &Deck<T>) -> Lengths {
        let half_next = next.length() / 2;
        let half_current = if self.skipping { usize::MAX } else { current.length() / 2 };
        let overlap_max = current.waiting().min(half_next).min(half_current);
        let overlap_max = overlap_max.min(self.overlap_wanted(current));
        let settled = self.settled.filter(|_| !self.skipping).map(|settled| settled.lengths);
        settled.unwrap_or(self.usual).between(&current.marks, &next.marks, overlap_max)
    }

    fn begin(&mut self, border: Lengths) -> Option<T> {
        let mut next = self.next.take()?;
        let curve = self.crossfade.curve;
        if let Some(mut old) = self.current.take()
            && border.overlap > 0
        {
            old.fall(Ramp::fall(curve, border.overlap - border.fade_out, border.fade_out));
            self.leaving.push_back(old);
            self.hurry_the_oldest();
        }
        if border.fade_in > 0 {
            next.rise(Ramp::rise(curve, border.fade_in));
        } else {
            self.joiner.join();
        }
        let track = next.track.clone();
        self.beginnings.push_back((self.position(), Some(track.clone())));
        let is_untouched = self.leaving.is_empty() && self.emergency.is_silent() && next.is_fresh();
        self.untouched.begin(self.position(), is_untouched.then(|| track.clone()));
        self.fed_at = self.position();
        self.current = Some(next);
        self.skipping = false;
        self.settled = None;
        self.idle_told = false;
        Some(track)
    }

    /// However fast tracks are skipped, no more than [`LEAVING_MAX`] of them are heard leaving.
    fn hurry_the_oldest(&mut self) {
        let hurry = sample_frames(HURRY, self.rate_hz);
        if self.leaving.len() > LEAVING_MAX
            && let Some(oldest) = self.leaving.iter_mut().find(|deck| deck.heard_for() > hurry)
        {
            oldest.fall(Ramp::fall(self.crossfade.curve, 0, hurry));
        }
    }

    fn fade_out(&mut self) {
        if let Some(current) = &mut self.current {
            current.fall(Ramp::fall(self.crossfade.curve, 0, current.waiting()));
        }
    }

    /// Plays at most `length` of all that sounds.
    fn play(&mut self, length: usize) {
        let length = self.leaving.iter().map(Deck::heard_for).fold(length, usize::min);
        self.turn();
        let is_level = self.current.as_ref().is_some_and(Deck::is_level);
        let is_alone = self.leaving.is_empty() && self.emergency.is_silent();
        self.untouched.go_on(self.position(), is_level && is_alone);
        let current = self.current.as_mut().and_then(|deck| deck.take(length));
        let silent = || Block::stereo(self.rate_hz, vec![0.0; length], vec![0.0; length]);
        let mut sum = current.unwrap_or_else(silent);
        for deck in &mut self.leaving {
            if let Some(block) = deck.take(length) {
                sum.add(&block);
            }
        }
        if let Some(block) = self.emergency.next(length) {
            sum.add(&block);
        }
        self.joiner.pass(&mut sum);
        self.block.append(&sum);
        if self.leaving.iter().any(|deck| deck.heard_for() == 0 && !deck.has_fallen()) {
            self.joiner.join();
        }
        self.leaving.retain(|deck| deck.heard_for() > 0);
    }

    /// The current track may have become another one.
    fn turn(&mut self) {
        let at = self.position();
        while let Some(current) = &mut self.current
            && let Some(track) = current.turned()
        {
            current.track = track.clone();
            self.beginnings.push_back((at, Some(track)));
        }
    }

    /// The emergency is heard from here on, in place of a track.
    fn stand_in(&mut self) {
        if self.idle && self.current.is_none() && !self.idle_told {
            self.idle_told = true;
            self.beginnings.push_back((self.position(), None));
        }
        if !self.idle && self.missed_in != Some(self.given_sample_frames) {
            self.missed_in = Some(self.given_sample_frames);
            self.missed_blocks += 1;
        }
        if !self.is_standing_in {
            self.is_standing_in = true;
            self.emergency.want(true);
            self.joiner.join();
        }
    }

    /// A track is heard again.
    fn stand_back(&mut self) {
        if self.is_standing_in {
            self.is_standing_in = false;
            self.emergency.want(false);
            self.joiner.join();
        }
    }

    fn position(&self) -> u64 {
        self.given_sample_frames + self.block.sample_frames() as u64
    }

    fn whole(&mut self) -> Block {
        let nothing = Block::stereo(self.rate_hz, Vec::new(), Vec::new());
        let block = std::mem::replace(&mut self.block, nothing);
        self.given_sample_frames += block.sample_frames() as u64;
        block
    }
}

/// So much of a track is on its deck ahead of time, or more where a crossfade needs it: 2.8 MB at
/// 44.1 kHz.
pub const AHEAD: Duration = Duration::from_secs(8);
/// What is on a deck beyond what a crossfade needs.
pub const SPARE: Duration = Duration::from_secs(2);
/// Where borders are listened to, so much silence at the end of a track is left out.
pub const SILENCE_MAX: Duration = Duration::from_secs(4);
/// A track is given up for the next one when nothing of it has come for so long …
pub const STALLED_AFTER: Duration = Duration::from_secs(2);
/// … and no more than this is left of what has.
pub const STALLED_LEFT: Duration = Duration::from_millis(500);
/// Tracks that may be heard leaving; a further one hurries the oldest.
pub const LEAVING_MAX: usize = 3;
/// What is left to a track that is hurried.
const HURRY: Duration = Duration::from_millis(20);

#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;

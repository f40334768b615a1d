//! A deck: one track, as far as its audio is known, and the levels it is played at.
//!
//! Audio is put onto a deck ahead of time and taken from it when it is heard. What was taken is
//! never seen again; what was put on is taken once, to the sample.

use crate::mix::crossfade::Marks;
use crate::mix::pace::Pace;
use crate::mix::ramp::Ramp;
use crate::pcm::block::Block;
use std::collections::VecDeque;
use std::time::Duration;

/// One track and its audio.
#[derive(Debug)]
pub(super) struct Deck<T> {
    pub(super) track: T,
    pub(super) marks: Marks,
    /// How long it says it is, in sample frames.
    claimed: Option<u64>,
    waiting: VecDeque<Block>,
    /// Sample frames of the first of them that have been taken.
    offset: usize,
    waiting_sample_frames: usize,
    taken: u64,
    ended: bool,
    rise: Option<Ramp>,
    falls: Vec<Ramp>,
    /// Of live audio, which comes as it is made: the pace that it is kept at.
    pace: Option<Pace>,
    /// Whether nothing of it was left out.
    is_whole: bool,
    /// What the track becomes on its way, and after how many sample frames of it.
    turns: VecDeque<(u64, T)>,
}

impl<T> Deck<T> {
    pub(super) fn new(track: T, claimed: Option<u64>, marks: Marks) -> Self {
        Self {
            track,
            marks,
            claimed,
            waiting: VecDeque::new(),
            offset: 0,
            waiting_sample_frames: 0,
            taken: 0,
            ended: false,
            rise: None,
            falls: Vec::new(),
            pace: None,
            is_whole: true,
            turns: VecDeque::new(),
        }
    }

    /// The same for live audio, which is kept at a `pace`.
    pub(super) fn live(self, pace: Pace) -> Self {
        Self { pace: Some(pace), ..self }
    }

    /// How much live audio should wait, as long as more of it comes.
    pub(super) fn live_buffer(&self) -> Option<Duration> {
        self.pace.filter(|_| !self.ended).map(|pace| pace.buffer())
    }

    /// From what is put on next on, it is called `track`.
    pub(super) fn turn_into(&mut self, track: T) {
        self.turns.push_back((self.taken + self.waiting_sample_frames as u64, track));
    }

    /// What the track has become within what was taken, if it has.
    pub(super) fn turned(&mut self) -> Option<T> {
        let (at, _) = self.turns.front()?;
        if *at > self.taken { None } else { self.turns.pop_front().map(|(_, track)| track) }
    }

    /// Puts on what follows.
    pub(super) fn put(&mut self, block: Block) {
        let block = match &mut self.pace {
            Some(pace) => {
                let waiting = self.waiting_sample_frames as f64 / f64::from(block.rate_hz());
                pace.keep(block, Duration::from_secs_f64(waiting))
            }
            None => block,
        };
        if block.sample_frames() > 0 {
            self.waiting_sample_frames += block.sample_frames();
            self.waiting.push_back(block);
        }
    }

    /// All of the track has been put on.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// How many sample frames are on the deck.
    pub(super) fn waiting(&self) -> usize {
        self.waiting_sample_frames
    }

    /// How many sample frames are still to be heard, as far as can be known.
    pub(super) fn left(&self) -> Option<u64> {
        let waiting = self.waiting_sample_frames as u64;
        if self.ended {
            return Some(waiting);
        }
        self.claimed.map(|claimed| claimed.saturating_sub(self.taken).max(waiting))
    }

    /// The length of the whole track; if that is not known, of what is known of it. What is live
    /// has no end yet.
    pub(super) fn length(&self) -> usize {
        if self.live_buffer().is_some() {
            return usize::MAX;
        }
        let left = self.left().unwrap_or(self.waiting_sample_frames as u64);
        usize::try_from(self.taken + left).unwrap_or(usize::MAX)
    }

    /// Whether it is a recording from its beginning on, at its level, and nothing was taken of it.
    pub(super) fn is_fresh(&self) -> bool {
        self.taken == 0 && self.is_whole && self.pace.is_none() && self.is_level()
    }

    /// Whether its audio is heard at the level of the recording.
    pub(super) fn is_level(&self) -> bool {
        self.marks.gain == 1.0 && self.rise.is_none() && self.falls.is_empty()
    }

    pub(super) fn rise(&mut self, ramp: Ramp) {
        self.rise = Some(ramp);
    }

    pub(super) fn fall(&mut self, ramp: Ramp) {
        self.falls.push(ramp);
    }

    pub(super) fn is_falling(&self) -> bool {
        !self.falls.is_empty()
    }

    /// How many sample frames it is until nothing of a track that falls is heard any more.
    pub(super) fn heard_for(&self) -> usize {
        let falls = self.falls.iter().map(Ramp::left);
        falls.fold(self.waiting_sample_frames, usize::min)
    }

    /// Whether it falls silent by itself rather than because it has no more audio.
    pub(super) fn has_fallen(&self) -> bool {
        self.falls.iter().any(|fall| fall.left() == 0)
    }

    /// All that is on the deck, and maybe a little that was taken before.
    pub(super) fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.waiting.iter()
    }

    /// Leaves out the next `sample_frames`.
    pub(super) fn leave_out_front(&mut self, sample_frames: usize) {
        self.is_whole &= sample_frames == 0;
        if sample_frames > 0
            && let Some(left_out) = self.cut(sample_frames)
        {
            self.waiting_sample_frames -= left_out.sample_frames();
            let length = left_out.sample_frames() as u64;
            self.turns.iter_mut().for_each(|(at, _)| *at = at.saturating_sub(length));
            self.claimed = self.claimed.map(|claimed| claimed.saturating_sub(length));
        }
    }

    /// Leaves out the last `sample_frames` that are on the deck.
    pub(super) fn leave_out_back(&mut self, sample_frames: usize) {
        let mut left = sample_frames.min(self.waiting_sample_frames);
        self.waiting_sample_frames -= left;
        while let Some(last) = self.waiting.back_mut().filter(|_| left > 0) {
            let length = last.sample_frames();
            if length > left {
                last.truncate(length - left);
                return;
            }
            left -= length;
            self.waiting.pop_back();
        }
        if self.waiting.is_empty() {
            self.offset = 0;
        }
    }

    /// Takes the next `sample_frames`, or all if there are fewer, at their level.
    pub(super) fn take(&mut self, sample_frames: usize) -> Option<Block> {
        let mut block = self.cut(sample_frames)?;
        self.taken += block.sample_frames() as u64;
        self.waiting_sample_frames -= block.sample_frames();
        if self.marks.gain != 1.0 {
            block.amplify(self.marks.gain);
        }
        if let Some(rise) = &mut self.rise {
            rise.apply(&mut block);
        }
        if self.rise.as_ref().is_some_and(|rise| rise.left() == 0) {
            self.rise = None;
        }
        for fall in &mut self.falls {
            fall.apply(&mut block);
        }
        Some(block)
    }

    /// The next `sample_frames` as they were put on; a piece of the right length is not copied.
    fn cut(&mut self, sample_frames: usize) -> Option<Block> {
        let first = self.waiting.front()?;
        if self.offset == 0 && first.sample_frames() == sample_frames {
            return self.waiting.pop_front();
        }
        let wanted = sample_frames.min(self.waiting_sample_frames);
        let mut planes = vec![Vec::with_capacity(wanted); first.planes().len()];
        let (rate_hz, layout) = (first.rate_hz(), first.layout().clone());
        while planes[0].len() < wanted {
            let front = self.waiting.front().expect("as much as is counted waits");
            let length = (front.sample_frames() - self.offset).min(wanted - planes[0].len());
            for (plane, source) in planes.iter_mut().zip(front.planes()) {
                plane.extend_from_slice(&source[self.offset..self.offset + length]);
            }
            self.offset += length;
            if self.offset == front.sample_frames() {
                self.waiting.pop_front();
                self.offset = 0;
            }
        }
        Block::of(rate_hz, layout, planes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mix::crossfade::Curve;
    use proptest::prelude::*;

    #[test]
    fn what_is_left_is_what_it_says_until_it_is_known() {
        let mut deck = Deck::new((), Some(10), Marks::default());
        deck.put(counted(0..4));
        assert_eq!((deck.left(), deck.length()), (Some(10), 10));

        deck.take(3);
        assert_eq!((deck.left(), deck.length()), (Some(7), 10));
        deck.put(counted(4..20));
        assert_eq!((deck.left(), deck.length()), (Some(17), 20), "it has more than it says");

        deck.end();
        assert_eq!((deck.left(), deck.length()), (Some(17), 20));
    }

    #[test]
    fn a_track_that_does_not_say_its_length_has_none_until_its_end_is_known() {
        let mut deck = Deck::new((), None, Marks::default());
        deck.put(counted(0..4));
        assert_eq!((deck.left(), deck.length()), (None, 4));

        deck.end();

        assert_eq!(deck.left(), Some(4));
    }

    #[test]
    fn what_is_left_out_at_either_end_is_not_heard() {
        let mut deck = Deck::new((), Some(30), Marks::default());
        for start in [0, 10, 20] {
            deck.put(counted(start..start + 10));
        }
        deck.take(2);

        deck.leave_out_front(3);
        deck.leave_out_back(14);

        assert_eq!(deck.waiting(), 11);
        assert_eq!(deck.take(50).unwrap().plane(0), counted(5..16).plane(0));
        deck.leave_out_back(1);
        deck.put(counted(0..2));
        assert_eq!(deck.take(50).unwrap().plane(0), [0.0, 1.0]);
    }

    #[test]
    fn gain_and_both_ramps_are_one_level() {
        let mut deck = Deck::new((), None, Marks { gain: 0.5, ..Marks::default() });
        deck.put(Block::stereo(44_100, vec![1.0; 8], vec![1.0; 8]));
        deck.rise(Ramp::rise(Curve::Sine, 2));
        deck.fall(Ramp::fall(Curve::Sine, 4, 2));

        assert_eq!(deck.heard_for(), 6);
        let heard = deck.take(8).unwrap();

        let rounded: Vec<f32> = heard.plane(0).iter().map(|s| (s * 1e6).round() / 1e6).collect();
        assert_eq!(rounded, [0.0, 0.25, 0.5, 0.5, 0.5, 0.25, 0.0, 0.0]);
        assert!(deck.has_fallen());
    }

    #[test]
    fn a_track_turns_into_another_where_that_was_put_on() {
        let mut deck = Deck::new("a", None, Marks::default()).live(Pace::new(Duration::ZERO));
        deck.put(counted(0..10));
        deck.turn_into("b");
        deck.put(counted(10..20));

        deck.leave_out_front(4);
        deck.take(5);
        assert_eq!(deck.turned(), None);
        deck.take(1);

        assert_eq!((deck.turned(), deck.turned()), (Some("b"), None));
        assert_eq!(deck.length(), usize::MAX);
        deck.end();
        assert_eq!(deck.length(), 16);
    }

    proptest! {
        #[test]
        fn everything_comes_off_once_and_in_order(
            put in proptest::collection::vec(0..40_usize, 1..20),
            take in proptest::collection::vec(1..50_usize, 1..60),
        ) {
            let mut deck = Deck::new((), None, Marks::default());
            let mut end = 0;
            for length in put {
                deck.put(counted(end..end + length));
                end += length;
            }
            let mut heard = Vec::new();
            for length in take {
                let before = deck.waiting();
                if let Some(block) = deck.take(length) {
                    prop_assert_eq!(block.sample_frames(), length.min(before));
                    heard.extend_from_slice(block.plane(1));
                }
            }
            prop_assert_eq!(heard.len(), end - deck.waiting());
            let expected = counted(0..heard.len());
            prop_assert_eq!(&heard[..], expected.plane(0));
        }
    }

    fn counted(range: std::ops::Range<usize>) -> Block {
        let plane: Vec<f32> = range.map(|at| at as f32).collect();
        Block::stereo(44_100, plane.clone(), plane)
    }
}

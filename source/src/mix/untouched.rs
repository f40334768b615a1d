//! Which stretches of the programme are one recording and nothing else, as it is.
//!
//! Such a stretch begins with the first sample frame of a track and lasts for as long as that is
//! heard alone, at its own level. What was interrupted does not become untouched again.

use std::collections::VecDeque;

/// The stretches that are untouched, as the programme comes to them.
pub(super) struct Untouched<T> {
    /// Whether the present stretch is.
    is: bool,
    /// Where a track begins that is, or none is any more, in what was not yet asked for.
    turns: VecDeque<(u64, Option<T>)>,
}

impl<T> Untouched<T> {
    pub(super) fn new() -> Self {
        Self { is: false, turns: VecDeque::new() }
    }

    /// At this place a track begins, or something else that is touched.
    pub(super) fn begin(&mut self, position: u64, track: Option<T>) {
        if self.is || track.is_some() {
            self.is = track.is_some();
            self.turns.push_back((position, track));
        }
    }

    /// What is heard from this place on is untouched, if it was before, or not.
    pub(super) fn go_on(&mut self, position: u64, is_untouched: bool) {
        if !is_untouched {
            self.begin(position, None);
        }
    }

    /// The next turn before `end`.
    pub(super) fn next(&mut self, end: u64) -> Option<(u64, Option<T>)> {
        let (at, _) = self.turns.front()?;
        (*at < end).then(|| self.turns.pop_front())?
    }
}

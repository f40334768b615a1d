//! `Rounds`: a place in a playlist, and what comes next there.
//!
//! One pass through all of a playlist is a *round*; rounds follow each other for ever. When the
//! playlist changes on disk, it goes on where it is or begins anew, as [`change`] says. Pure: it
//! is told what the playlist holds.

use crate::playlist::change::{Change, change};
use crate::playlist::contents::Contents;
use crate::playlist::item::Item;
use crate::playlist::order::{Order, SEPARATION_MAX, round_mark, track_key};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

/// A place in the rounds of a playlist. A clone is a place to return to.
#[derive(Clone, Debug)]
pub struct Rounds {
    contents: Arc<Contents>,
    order: Order,
    /// Positions in the contents, in the order of this round.
    round: Arc<[usize]>,
    /// How many of the round have been given out.
    given: usize,
    /// The position of the item that was given out last, in the contents as they are.
    last: Option<usize>,
    /// What was given out, the latest last; as much as has to be kept apart.
    played: VecDeque<u64>,
}

impl Rounds {
    /// Rounds in this order of a playlist in which there is nothing yet.
    pub fn new(order: Order) -> Self {
        Self {
            contents: Arc::default(),
            order,
            round: Arc::default(),
            given: 0,
            last: None,
            played: VecDeque::new(),
        }
    }

    /// The next item, of this round or of the one after it; `None` if there is nothing to play.
    pub fn next_item(&mut self) -> Option<Item> {
        if self.is_at_end() {
            let played: Vec<u64> = self.played.iter().copied().collect();
            self.round = self.order.round(&self.contents.items, &played).into();
            self.given = 0;
        }
        let position = *self.round.get(self.given)?;
        self.given += 1;
        self.last = Some(position);
        let item = self.contents.items[position].clone();
        self.note_played(track_key(&item));
        Some(item)
    }

    /// Whether this round is over, so that the next item begins another.
    pub fn is_at_end(&self) -> bool {
        self.given >= self.round.len()
    }

    /// What comes next, as far as this round goes; at most `count` items.
    pub fn upcoming(&self, count: usize) -> impl Iterator<Item = &Item> {
        let rest = self.round.iter().skip(self.given).take(count);
        rest.map(|&position| &self.contents.items[position])
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.contents.items.len()
    }

    /// Whether there is nothing to play.
    pub fn is_empty(&self) -> bool {
        self.contents.items.is_empty()
    }

    /// What it holds.
    pub fn contents(&self) -> &Arc<Contents> {
        &self.contents
    }

    /// Notes that a track was played otherwise, and shall not soon come again.
    pub fn note_played(&mut self, key: u64) {
        self.played.push_back(key);
        if self.played.len() > SEPARATION_MAX {
            self.played.pop_front();
        }
    }

    /// Takes over `contents` in place of what it held: goes on in an edited list where it is, and
    /// begins another one at its first entry.
    pub fn take_over(&mut self, contents: Arc<Contents>) -> Change {
        let keys = |contents: &Contents| contents.items.iter().map(track_key).collect::<Vec<_>>();
        let (old, new) = (keys(&self.contents), keys(&contents));
        let change = change(&old, self.last, &new);
        match change {
            // The entries may have been described anew.
            Change::Same => {}
            Change::Edited { next } if self.order.is_normal() => {
                self.round = (0..new.len()).collect();
                self.given = next;
                self.last = next.checked_sub(1);
            }
            Change::Edited { .. } => self.edit_round(&old, &new),
            Change::Other => {
                self.round = Arc::default();
                self.given = 0;
                self.last = None;
            }
        }
        self.contents = contents;
        change
    }

    /// Keeps what is left of a shuffled round: without what has gone, and with what has come
    /// somewhere among it.
    fn edit_round(&mut self, old: &[u64], new: &[u64]) {
        let mut places: HashMap<u64, VecDeque<usize>> = HashMap::new();
        for (position, &key) in new.iter().enumerate() {
            places.entry(key).or_default().push_back(position);
        }
        let mut moved = |position: usize| places.get_mut(&old[position])?.pop_front();
        let given: Vec<_> = self.round.iter().take(self.given).map(|&at| moved(at)).collect();
        let mut left: Vec<_> =
            self.round.iter().skip(self.given).filter_map(|&at| moved(at)).collect();
        let mut fresh: Vec<_> = places.into_values().flatten().collect();
        fresh.sort_unstable();
        self.order.join(&mut left, fresh);
        self.last = given.last().copied().flatten();
        self.round = left.into();
        self.given = 0;
    }

    /// Goes on in a shuffled round of which tracks with these [`round_mark`]s were played before a
    /// restart. Where nothing is left of it, the next round begins.
    pub fn resume_round(&mut self, played: &[u32]) {
        if !self.order.is_shuffle() || played.is_empty() {
            return;
        }
        let played: HashSet<u32> = played.iter().copied().collect();
        let recent: Vec<u64> = self.played.iter().copied().collect();
        let items = &self.contents.items;
        let mut left = self.order.round(items, &recent);
        left.retain(|&position| !played.contains(&round_mark(track_key(&items[position]))));
        if !left.is_empty() {
            self.round = left.into();
            self.given = 0;
            self.last = None;
        }
    }

    /// Goes on where `before` is, which played the same in another configuration, if both order
    /// their rounds alike. Says whether they do.
    pub fn go_on_from(&mut self, before: &Self) -> bool {
        if !self.order.is_alike(&before.order) {
            return false;
        }
        let contents = Arc::clone(&self.contents);
        *self = before.clone();
        self.take_over(contents);
        true
    }

    /// Goes on behind `last`, which was played before a restart, with these tracks before it.
    pub fn resume(&mut self, played: impl IntoIterator<Item = u64>) {
        for key in played {
            self.note_played(key);
        }
        let Some(&last) = self.played.back() else { return };
        if !self.order.is_normal() {
            return;
        }
        let keys: Vec<_> = self.contents.items.iter().map(track_key).collect();
        // Of equal entries it is the one behind what was played before it.
        let before = self.played.iter().rev().nth(1);
        let places = (0..keys.len()).filter(|&at| keys[at] == last);
        let follows = |at: &usize| at.checked_sub(1).map(|at| &keys[at]) == before;
        let place = places.clone().find(follows).or_else(|| places.clone().next());
        if let Some(place) = place {
            self.round = (0..keys.len()).collect();
            self.given = place + 1;
            self.last = Some(place);
        }
    }
}

#[cfg(test)]
mod tests;

//! What a changed list means for the place at which it is being played.
//!
//! Two things happen to a list that is on the air. Somebody *edits* it: adds, removes or moves a
//! few entries; then the programme goes on behind the entry that plays, wherever that stands now.
//! Or another list takes its *place*, as at the turn of a day's parts; then that is played from
//! its first entry, even if it happens to hold the entry that plays. A list is taken for an edited
//! one if old and new have at least half of the longer one in common. Pure.

use std::collections::HashMap;

/// What the new list is to the old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The old one with some entries added, removed or moved. It goes on at this entry.
    Edited {
        /// The position in the new list.
        next: usize,
    },
    /// Another list, to be played from its first entry.
    Other,
    /// The same entries in the same order.
    Same,
}

/// What has become of the list `old`, of which the entry at `last` was played last, now that it is
/// `new`. Entries are given by what identifies their tracks.
pub fn change(old: &[u64], last: Option<usize>, new: &[u64]) -> Change {
    if old == new {
        return Change::Same;
    }
    let Some(last) = last.filter(|&last| last < old.len() && is_edited(old, new)) else {
        return Change::Other;
    };
    let next = match place(old, last, new) {
        Some(place) => place + 1,
        // The entry itself is gone: the first one behind it that still stands comes next.
        None => (last + 1..old.len()).find_map(|at| place(old, at, new)).unwrap_or(0),
    };
    Change::Edited { next: if next < new.len() { next } else { 0 } }
}

/// Whether the two have at least half of the longer one in common.
fn is_edited(old: &[u64], new: &[u64]) -> bool {
    let mut counts: HashMap<u64, usize> = HashMap::new();
    for &key in old {
        *counts.entry(key).or_default() += 1;
    }
    let common = new.iter().filter(|key| match counts.get_mut(key) {
        Some(count) if *count > 0 => {
            *count -= 1;
            true
        }
        _ => false,
    });
    common.count() * 2 >= old.len().max(new.len())
}

/// Where in `new` the entry is that was at `at` in `old`. Of several that are equal it is the one
/// with the same neighbours or, after that, the nearest.
fn place(old: &[u64], at: usize, new: &[u64]) -> Option<usize> {
    let neighbours = |list: &[u64], at: usize| {
        [at.checked_sub(1), Some(at + 1)].map(|at| at.and_then(|at| list.get(at).copied()))
    };
    let was = neighbours(old, at);
    let strangeness = |place: usize| {
        let is = neighbours(new, place);
        let strangers = was.iter().zip(is).filter(|(was, is)| **was != *is).count();
        (strangers, place.abs_diff(at))
    };
    let places = (0..new.len()).filter(|&place| new[place] == old[at]);
    places.min_by_key(|&place| strangeness(place))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_same_entries_are_no_change() {
        assert_eq!(change(&[1, 2], Some(0), &[1, 2]), Change::Same);
        assert_eq!(change(&[], None, &[]), Change::Same);
    }

    #[test]
    fn an_edited_list_goes_on_behind_the_entry_that_plays() {
        for (new, next) in [
            (&[1, 2, 3, 4, 5][..], 2),
            (&[9, 1, 2, 3, 4], 3),
            (&[2, 3, 4], 1),
            (&[4, 3, 2, 1], 3),
            (&[1, 3, 4, 2], 0),
        ] {
            assert_eq!(change(&[1, 2, 3, 4], Some(1), new), Change::Edited { next }, "{new:?}");
        }
    }

    #[test]
    fn when_the_entry_itself_is_gone_the_next_that_stands_comes() {
        assert_eq!(change(&[1, 2, 3, 4], Some(1), &[1, 4, 5]), Change::Edited { next: 1 });
        assert_eq!(change(&[1, 2, 3], Some(2), &[1, 2]), Change::Edited { next: 0 });
    }

    #[test]
    fn another_list_begins_at_its_first_entry_even_if_it_holds_the_entry_that_plays() {
        assert_eq!(change(&[1, 2, 3, 4], Some(1), &[7, 2, 8, 9]), Change::Other);
        assert_eq!(change(&[1, 2, 3, 4], Some(1), &[]), Change::Other);
        assert_eq!(change(&[1, 2], None, &[1, 2, 3]), Change::Other);
    }

    #[test]
    fn of_equal_entries_the_one_with_the_same_neighbours_is_meant() {
        // A jingle, 9, between all the others.
        let old = [1, 9, 2, 9, 3, 9];

        let changed = change(&old, Some(3), &[9, 1, 9, 2, 9, 3, 9]);

        assert_eq!(changed, Change::Edited { next: 5 });
    }

    proptest! {
        #[test]
        fn it_always_goes_on_within_the_list(
            old in proptest::collection::vec(0_u64..6, 0..9),
            new in proptest::collection::vec(0_u64..6, 0..9),
            last in proptest::option::of(0_usize..9),
        ) {
            if let Change::Edited { next } = change(&old, last, &new) {
                prop_assert!(next < new.len());
            }
        }

        #[test]
        fn what_is_added_behind_does_not_move_the_place(
            old in proptest::collection::vec(0_u64..50, 1..30), more in 0_usize..5,
            last in 0_usize..30,
        ) {
            let last = last % old.len();
            let more_keys = (0..more as u64).map(|number| 100 + number);
            let new: Vec<_> = old.iter().copied().chain(more_keys).collect();
            if more > 0 && more <= old.len() {
                let next = if last + 1 < new.len() { last + 1 } else { 0 };
                prop_assert_eq!(change(&old, Some(last), &new), Change::Edited { next });
            }
        }
    }
}

//! The order of a round: as written, or shuffled.
//!
//! A shuffled round plays everything once before anything twice, and never opens with the track
//! that closed the round before. With the same seed and the same items the order is the same.
//! Pure: it is given the items and says their order.

use std::path::Path;

/// How rounds are ordered.
#[derive(Clone, Debug)]
pub struct Order(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Normal,
    Shuffle(Dice),
}

/// A small generator of even random numbers (SplitMix64); nothing secret hangs on it.
#[derive(Clone, Debug)]
struct Dice(u64);

impl Order {
    /// As written.
    pub fn normal() -> Self {
        Self(Kind::Normal)
    }

    /// Shuffled anew in every round.
    pub fn shuffle(seed: u64) -> Self {
        Self(Kind::Shuffle(Dice(seed)))
    }

    /// The positions in `paths` in the order in which they shall be played, after `last` was.
    pub fn round(&mut self, paths: &[&Path], last: Option<&Path>) -> Vec<usize> {
        let mut order: Vec<usize> = (0..paths.len()).collect();
        let Kind::Shuffle(dice) = &mut self.0 else { return order };
        for at in (1..order.len()).rev() {
            order.swap(at, dice.below(at + 1));
        }
        let opens_again = |order: &[usize]| order.first().map(|&first| paths[first]) == last;
        if last.is_some() && opens_again(&order) {
            let other = order.iter().position(|&at| Some(paths[at]) != last);
            if let Some(other) = other {
                order.swap(0, other);
            }
        }
        order
    }
}

impl Dice {
    /// A number from 0 to `end`, exclusive, which must not be 0. (Its slight unevenness, below
    /// one in 2^44 for a million items, cannot be heard.)
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % end as u64).expect("it is below `end`, which is a usize")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_normal_order_is_as_written() {
        let names = names(4);

        assert_eq!(Order::normal().round(&paths(&names), None), [0, 1, 2, 3]);
    }

    #[test]
    fn a_shuffle_is_not_as_written_and_differs_from_round_to_round() {
        let names = names(20);
        let mut order = Order::shuffle(7);

        let first = order.round(&paths(&names), None);
        let second = order.round(&paths(&names), None);

        assert_ne!(first, (0..20).collect::<Vec<_>>());
        assert_ne!(first, second);
    }

    #[test]
    fn the_same_seed_gives_the_same_order() {
        let names = names(20);

        let rounds = [1, 1, 2].map(|seed| Order::shuffle(seed).round(&paths(&names), None));

        assert_eq!(rounds[0], rounds[1]);
        assert_ne!(rounds[0], rounds[2]);
    }

    proptest! {
        #[test]
        fn a_shuffled_round_plays_everything_once_and_nothing_twice_in_a_row(
            seed in any::<u64>(), count in 0_usize..12,
        ) {
            let names = names(count);
            let paths = paths(&names);
            let mut order = Order::shuffle(seed);
            let mut last: Option<&Path> = None;
            for _ in 0..4 {
                let round = order.round(&paths, last);

                let mut sorted = round.clone();
                sorted.sort_unstable();
                prop_assert_eq!(sorted, (0..count).collect::<Vec<_>>());
                if count > 1 && last.is_some() {
                    prop_assert_ne!(Some(paths[round[0]]), last);
                }
                last = round.last().map(|&at| paths[at]);
            }
        }
    }

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|at| format!("{at}.mp3")).collect()
    }

    fn paths(names: &[String]) -> Vec<&Path> {
        names.iter().map(Path::new).collect()
    }
}

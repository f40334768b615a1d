//! Rotations: several lists that take turns, each as often as its weight says.
//!
//! In *turns*, a list of weight 3 plays three tracks and then lets the next one play. At *random*,
//! one of weight 3 is drawn three times as often as one of weight 1. A list that has nothing is
//! passed over, and its turn with it. Whose turn it is changes only when a track has begun, so to
//! ask twice is to hear the same. Pure.

use crate::playlist::order::Dice;

/// Several lists that take turns.
#[derive(Clone, Debug)]
pub struct Rotation {
    pub(super) children: Vec<usize>,
    weights: Vec<u32>,
    taking: Taking,
}

/// Who takes a turn.
#[derive(Clone, Debug)]
enum Taking {
    /// One drawn from all, and who was.
    Random { dice: Dice, drawn: Option<usize> },
    /// One after the other: whose turn it is, and how many tracks of it were played.
    Turns { turn: usize, played: u32 },
}

impl Rotation {
    /// Lists at these places, with their weights, that take turns one after the other.
    pub fn turns(children: Vec<(usize, u32)>) -> Self {
        Self::of(children, Taking::Turns { turn: 0, played: 0 })
    }

    /// The same, but whose turn it is is drawn.
    pub fn random(children: Vec<(usize, u32)>, seed: u64) -> Self {
        Self::of(children, Taking::Random { dice: Dice::new(seed), drawn: None })
    }

    fn of(children: Vec<(usize, u32)>, taking: Taking) -> Self {
        let (children, weights) = children.into_iter().unzip();
        Self { children, weights, taking }
    }

    /// In which order its lists are to be asked, as places among its children.
    pub(super) fn asked(&mut self) -> Vec<usize> {
        let count = self.children.len();
        match &mut self.taking {
            Taking::Random { dice, drawn } => {
                let first = *drawn.get_or_insert_with(|| draw(&self.weights, dice));
                let mut order: Vec<usize> = (0..count).collect();
                // For when the one that was drawn has nothing: the weightiest of the others.
                order.sort_by_key(|&child| std::cmp::Reverse(self.weights[child]));
                order.retain(|&child| child != first);
                order.insert(0, first);
                order
            }
            Taking::Turns { turn, .. } => (0..count).map(|step| (*turn + step) % count).collect(),
        }
    }

    /// A track of the list at the place `child` has begun.
    pub(super) fn began(&mut self, child: usize) {
        match &mut self.taking {
            Taking::Random { drawn, .. } => *drawn = None,
            Taking::Turns { turn, played } => {
                if *turn != child {
                    (*turn, *played) = (child, 0);
                }
                *played += 1;
                if *played >= self.weights[child] {
                    (*turn, *played) = ((child + 1) % self.children.len(), 0);
                }
            }
        }
    }
}

/// One of these, each as likely as it is heavy.
fn draw(weights: &[u32], dice: &mut Dice) -> usize {
    let sum: u64 = weights.iter().map(|&weight| u64::from(weight)).sum();
    let mut left = dice.below_u64(sum.max(1));
    for (child, &weight) in weights.iter().enumerate() {
        match left.checked_sub(u64::from(weight)) {
            Some(rest) => left = rest,
            None => return child,
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_take_turns_by_their_weights() {
        let mut rotation = Rotation::turns(vec![(5, 1), (6, 3)]);

        let played: Vec<_> = (0..8).map(|_| play(&mut rotation, &[])).collect();

        assert_eq!(played, [0, 1, 1, 1, 0, 1, 1, 1]);
    }

    #[test]
    fn to_ask_twice_is_to_hear_the_same() {
        for mut rotation in
            [Rotation::turns(vec![(0, 1), (1, 1)]), Rotation::random(vec![(0, 1), (1, 1)], 7)]
        {
            assert_eq!(rotation.asked(), rotation.asked());
        }
    }

    #[test]
    fn a_list_that_has_nothing_loses_its_turn() {
        let mut rotation = Rotation::turns(vec![(0, 1), (1, 2), (2, 1)]);

        let played: Vec<_> = (0..4).map(|_| play(&mut rotation, &[0])).collect();

        assert_eq!(played, [1, 1, 2, 1]);
    }

    #[test]
    fn at_random_the_heavier_is_heard_more_often() {
        let mut rotation = Rotation::random(vec![(0, 1), (1, 3)], 3);

        let second = (0..4_000).filter(|_| play(&mut rotation, &[]) == 1).count();

        assert!((2_850..3_150).contains(&second), "{second}");
        assert_eq!(play(&mut rotation, &[1]), 0, "where nothing else is left");
    }

    fn play(rotation: &mut Rotation, empty: &[usize]) -> usize {
        let child = rotation.asked().into_iter().find(|child| !empty.contains(child)).unwrap();
        rotation.began(child);
        child
    }
}

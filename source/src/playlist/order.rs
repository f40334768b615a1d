//! The order of a round: as written, shuffled, or drawn.
//!
//! A *shuffled* round plays everything once before anything twice. Across the seam of two rounds
//! nothing comes again within [`separation`] tracks: half of what there is, and not more than
//! [`SEPARATION_MAX`]. One artist's tracks are spread over the round, and two follow each other
//! only where nothing else is left. A *drawn* round is as long as what there is; each track of it
//! is drawn from everything, as often as its weight says, but never twice in a row.
//!
//! With the same seed and the same items the order is the same. Pure: it is given the items and
//! says their order.

use crate::playlist::artist::artists;
use crate::playlist::item::Item;
use std::collections::{BTreeSet, HashMap};

/// How rounds are ordered.
#[derive(Clone, Debug)]
pub struct Order(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Normal,
    Random(Dice),
    Shuffle(Dice),
}

/// A small generator of even random numbers (SplitMix64); nothing secret hangs on it.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Order {
    /// As written.
    pub fn normal() -> Self {
        Self(Kind::Normal)
    }

    /// Each item drawn from all of them, so that some come again before others are heard. The
    /// annotation `weight` says how often one is drawn, compared with 1.
    pub fn random(seed: u64) -> Self {
        Self(Kind::Random(Dice(seed)))
    }

    /// Shuffled anew in every round.
    pub fn shuffle(seed: u64) -> Self {
        Self(Kind::Shuffle(Dice(seed)))
    }

    /// Whether a round is in the order written.
    pub fn is_normal(&self) -> bool {
        matches!(self.0, Kind::Normal)
    }

    /// Whether every round plays everything once, in another order.
    pub fn is_shuffle(&self) -> bool {
        matches!(self.0, Kind::Shuffle(_))
    }

    /// Whether `other` orders rounds in the same way.
    pub fn is_alike(&self, other: &Self) -> bool {
        std::mem::discriminant(&self.0) == std::mem::discriminant(&other.0)
    }

    /// The positions in `items` in the order in which they shall be played, after the tracks
    /// with these [`track_key`]s, of which the last is the latest.
    pub fn round(&mut self, items: &[Item], played: &[u64]) -> Vec<usize> {
        match &mut self.0 {
            Kind::Normal => (0..items.len()).collect(),
            Kind::Random(dice) => drawn(items, played.last().copied(), dice),
            Kind::Shuffle(dice) => shuffled(items, played, dice),
        }
    }

    /// Puts the positions `fresh`, which have come to a list, among those `left` of its round.
    pub fn join(&mut self, left: &mut Vec<usize>, fresh: Vec<usize>) {
        match &mut self.0 {
            Kind::Normal => left.extend(fresh),
            Kind::Random(dice) | Kind::Shuffle(dice) => {
                for position in fresh {
                    left.insert(dice.below(left.len() + 1), position);
                }
            }
        }
    }
}

/// How many other tracks are between a track and its next time, for `tracks` different ones.
pub fn separation(tracks: usize) -> usize {
    (tracks / 2).min(SEPARATION_MAX)
}

/// What stands for a track where it is remembered: the same for the same path, in every run. An
/// entry of a CUE sheet is one of several tracks in a file.
pub fn track_key(item: &Item) -> u64 {
    let cue_in = item.annotations.get("liq_cue_in").unwrap_or_default();
    let bytes = item.path.as_os_str().as_encoded_bytes().iter().chain(cue_in.as_bytes());
    // FNV-1a.
    bytes.fold(0xCBF2_9CE4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    })
}

/// What stands for a track among those of a round, where half of its key will do: of 20,000 tracks
/// one in 200,000 is taken for another one, and has to wait for the next round.
pub fn round_mark(key: u64) -> u32 {
    u32::try_from(key >> 32).expect("32 bits are left")
}

fn drawn(items: &[Item], last: Option<u64>, dice: &mut Dice) -> Vec<usize> {
    let keys: Vec<u64> = items.iter().map(track_key).collect();
    let mut sum = 0;
    let sums: Vec<u64> = items
        .iter()
        .map(|item| {
            sum += weight(item);
            sum
        })
        .collect();
    if sum == 0 {
        return Vec::new();
    }
    let mut last = last;
    let mut round = Vec::with_capacity(items.len());
    while round.len() < items.len() {
        let mut drawn = 0;
        for _ in 0..DRAWS_MAX {
            let at = dice.below_u64(sum);
            drawn = sums.partition_point(|&sum| sum <= at);
            if Some(keys[drawn]) != last {
                break;
            }
        }
        last = Some(keys[drawn]);
        round.push(drawn);
    }
    round
}

/// How often `item` is drawn, in hundredths.
fn weight(item: &Item) -> u64 {
    let weight = item.annotations.get("weight").and_then(|text| text.trim().parse::<f64>().ok());
    let hundredths = weight.unwrap_or(1.0).clamp(0.0, WEIGHT_MAX) * 100.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    let hundredths = hundredths as u64;
    hundredths
}

fn shuffled(items: &[Item], played: &[u64], dice: &mut Dice) -> Vec<usize> {
    let keys: Vec<u64> = items.iter().map(track_key).collect();
    let groups = groups(items, &keys);
    let mut pool = Pool::new(spread(&groups, dice), groups);
    let distinct = keys.iter().collect::<BTreeSet<_>>().len();
    let apart = separation(distinct);
    // How many tracks ago each was played, where that matters.
    let mut ago: HashMap<u64, usize> = HashMap::new();
    for (tracks_ago, &key) in played.iter().rev().take(apart).enumerate() {
        ago.entry(key).or_insert(tracks_ago + 1);
    }
    let mut round = Vec::with_capacity(items.len());
    while round.len() < items.len() {
        let now = round.len();
        let is_rested = |at: usize| ago.get(&keys[at]).is_none_or(|ago| ago + now > apart);
        let next = pool.take(is_rested);
        round.push(next);
        if now > apart {
            ago.clear();
        }
    }
    round
}

/// The group of each item: those of one artist or, where no artist is known, of one path.
fn groups(items: &[Item], keys: &[u64]) -> Vec<usize> {
    let mut by_artist: HashMap<String, usize> = HashMap::new();
    let mut by_key: HashMap<u64, usize> = HashMap::new();
    let mut groups = 0;
    let mut fresh = || {
        groups += 1;
        groups - 1
    };
    artists(items)
        .into_iter()
        .zip(keys)
        .map(|(artist, &key)| match artist {
            Some(artist) => *by_artist.entry(artist).or_insert_with(&mut fresh),
            None => *by_key.entry(key).or_insert_with(&mut fresh),
        })
        .collect()
}

/// All positions in an order in which the members of a group are spread evenly, from a random
/// beginning and in a random order.
fn spread(groups: &[usize], dice: &mut Dice) -> Vec<usize> {
    let mut order: Vec<usize> = (0..groups.len()).collect();
    for at in (1..order.len()).rev() {
        order.swap(at, dice.below(at + 1));
    }
    let mut sizes = vec![0_u64; groups.len()];
    for &group in groups {
        sizes[group] += 1;
    }
    let starts: Vec<u64> = sizes.iter().map(|&size| dice.below_u64(SPAN / size.max(1))).collect();
    let mut met = vec![0_u64; groups.len()];
    let mut placed: Vec<(u64, usize)> = Vec::with_capacity(order.len());
    for at in order {
        let group = groups[at];
        let step = SPAN / sizes[group];
        let wobble = dice.below_u64(step / 4 + 1);
        placed.push((starts[group] + met[group] * step + wobble, at));
        met[group] += 1;
    }
    placed.sort_unstable();
    placed.into_iter().map(|(_, at)| at).collect()
}

/// What is left of a round while it is made.
struct Pool {
    /// Positions, in the order in which they are wanted, as a chain from the head, which is the
    /// last element: each says which comes after it.
    after: Vec<usize>,
    positions: Vec<usize>,
    /// The group of each position.
    groups: Vec<usize>,
    /// How many are left of each group.
    left: Vec<usize>,
    largest: BTreeSet<(usize, usize)>,
    total: usize,
    last_group: Option<usize>,
}

impl Pool {
    fn new(positions: Vec<usize>, groups: Vec<usize>) -> Self {
        let total = positions.len();
        let mut left = vec![0; total];
        for &group in &groups {
            left[group] += 1;
        }
        let largest = left.iter().copied().enumerate().map(|(group, left)| (left, group)).collect();
        // The head is at `total` and leads to 0; the end is `total` as well.
        let after = (1..=total).chain([0]).collect();
        Self { after, positions, groups, left, largest, total, last_group: None }
    }

    /// Takes the first that is rested and of another group than the last; if a group is so large
    /// that it could not be kept apart later, of that group.
    fn take(&mut self, is_rested: impl Fn(usize) -> bool) -> usize {
        let pressing = self.largest.last().copied();
        let pressing = pressing.filter(|(left, _)| left * 2 > self.total).map(|(_, group)| group);
        let pressing = pressing.filter(|group| Some(*group) != self.last_group);
        let last_group = self.last_group;
        let chosen = pressing
            .and_then(|group| self.find(|of, at| of == group && is_rested(at)))
            .or_else(|| self.find(|of, at| Some(of) != last_group && is_rested(at)))
            .or_else(|| self.find(|_, at| is_rested(at)))
            .or_else(|| self.find(|_, _| true));
        let before = chosen.expect("it is asked only while something is left");
        self.remove(before)
    }

    /// Where in the chain the one before the first stands that is `wanted`.
    fn find(&self, wanted: impl Fn(usize, usize) -> bool) -> Option<usize> {
        let head = self.positions.len();
        let mut before = head;
        loop {
            let link = self.after[before];
            if link == head {
                return None;
            }
            let position = self.positions[link];
            if wanted(self.groups[position], position) {
                return Some(before);
            }
            before = link;
        }
    }

    fn remove(&mut self, before: usize) -> usize {
        let link = self.after[before];
        self.after[before] = self.after[link];
        let position = self.positions[link];
        let group = self.groups[position];
        self.largest.remove(&(self.left[group], group));
        self.left[group] -= 1;
        self.largest.insert((self.left[group], group));
        self.total -= 1;
        self.last_group = Some(group);
        position
    }
}

impl Dice {
    /// Dice that fall the same way for the same `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 to `end`, exclusive, which must not be 0. (Its slight unevenness, below
    /// one in 2^44 for a million items, cannot be heard.)
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.below_u64(end as u64)).expect("it is below `end`, which is a usize")
    }

    /// The same, for longer numbers.
    pub(super) fn below_u64(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        mixed % end
    }
}

/// At most so many other tracks are between a track and its next time.
pub const SEPARATION_MAX: usize = 100;
/// A track is drawn again so often, if it is the one that was drawn before.
const DRAWS_MAX: usize = 64;
/// The largest weight of an item.
const WEIGHT_MAX: f64 = 1e6;
/// The length of a round, on which its tracks are spread.
const SPAN: u64 = 1 << 40;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_normal_order_is_as_written() {
        assert_eq!(Order::normal().round(&numbered(4), &[]), [0, 1, 2, 3]);
    }

    #[test]
    fn a_shuffle_is_not_as_written_and_differs_from_round_to_round() {
        let items = numbered(20);
        let mut order = Order::shuffle(7);

        let first = order.round(&items, &[]);
        let second = order.round(&items, &[]);

        assert_ne!(first, (0..20).collect::<Vec<_>>());
        assert_ne!(first, second);
    }

    #[test]
    fn the_same_seed_gives_the_same_order() {
        let items = numbered(20);

        let rounds = [1, 1, 2].map(|seed| Order::shuffle(seed).round(&items, &[]));

        assert_eq!(rounds[0], rounds[1]);
        assert_ne!(rounds[0], rounds[2]);
    }

    #[test]
    fn a_shuffle_is_even() {
        let items = numbered(5);
        let mut order = Order::shuffle(1);
        let mut counts = [[0_u32; 5]; 5];
        for _ in 0..5_000 {
            for (place, at) in order.round(&items, &[]).into_iter().enumerate() {
                counts[place][at] += 1;
            }
        }
        for count in counts.as_flattened() {
            assert!((850..1_150).contains(count), "{counts:?}");
        }
    }

    #[test]
    fn two_tracks_of_an_artist_follow_each_other_only_where_nothing_else_is_left() {
        let items = by_artists(&[6, 3, 2]);
        for seed in 0..200 {
            let round = Order::shuffle(seed).round(&items, &[]);

            let neighbours = neighbours(&items, &round);
            assert_eq!(neighbours, 0, "{round:?}");
        }
        let round = Order::shuffle(1).round(&by_artists(&[9, 2]), &[]);
        assert_eq!(neighbours(&by_artists(&[9, 2]), &round), 6, "{round:?}");
    }

    #[test]
    fn an_artist_is_spread_over_the_whole_round() {
        let items = by_artists(&[10, 90]);
        let items: Vec<_> = items
            .into_iter()
            .enumerate()
            .map(
                |(at, item)| {
                    if at < 10 { item } else { Item::file(format!("/m/artist{at}/x.mp3")) }
                },
            )
            .collect();
        let mut gaps = Vec::new();
        for seed in 0..50 {
            let round = Order::shuffle(seed).round(&items, &[]);
            let heard: Vec<_> = (0..100).filter(|&place| round[place] < 10).collect();
            gaps.extend(heard.windows(2).map(|two| two[1] - two[0]));
        }
        let close = gaps.iter().filter(|&&gap| gap < 5).count();
        assert!(close * 100 < gaps.len() * 10, "{close} of {} gaps are short", gaps.len());
    }

    #[test]
    fn a_drawn_round_is_as_long_as_the_list_and_repeats_some_but_not_at_once() {
        let mut order = Order::random(7);

        let mut round = order.round(&numbered(20), &[]);

        assert_eq!(round.len(), 20);
        assert!(round.windows(2).all(|two| two[0] != two[1]), "{round:?}");
        round.sort_unstable();
        round.dedup();
        assert!((8..20).contains(&round.len()), "{} different ones", round.len());
        assert_eq!(order.round(&numbered(1), &[track_key(&numbered(1)[0])]), [0]);
    }

    #[test]
    fn what_weighs_more_is_drawn_more_often_and_what_weighs_nothing_never() {
        let mut items = numbered(4);
        items[0].annotations.push("weight", "3");
        items[1].annotations.push("weight", "0");
        items[2].annotations.push("weight", "0.5");
        let mut counts = [0_u32; 4];
        let mut order = Order::random(3);
        for _ in 0..2_000 {
            // What is asked for alone does not know what was drawn before it.
            counts[order.round(&items, &[])[0]] += 1;
        }

        assert_eq!(counts[1], 0);
        assert!((1_200..1_460).contains(&counts[0]), "{counts:?}");
        assert!((160..290).contains(&counts[2]), "{counts:?}");
    }

    #[test]
    fn nothing_that_weighs_anything_is_nothing_to_draw() {
        let mut items = numbered(1);
        items[0].annotations.push("weight", "0");

        assert!(Order::random(3).round(&items, &[]).is_empty());
        assert!(Order::random(3).round(&[], &[]).is_empty());
    }

    #[test]
    fn what_has_come_is_put_among_what_is_left() {
        let mut left = vec![5, 3];
        Order::shuffle(1).join(&mut left, vec![6, 7, 8]);

        assert_ne!(left, [5, 3, 6, 7, 8]);
        left.retain(|&at| at < 6);
        assert_eq!(left, [5, 3]);
    }

    #[test]
    fn the_key_of_a_track_is_the_same_in_every_run() {
        assert_eq!(track_key(&Item::file("a")), 0xAF63_DC4C_8601_EC8C);
    }

    proptest! {
        #[test]
        fn everything_is_played_once_and_nothing_again_too_soon(
            seed in any::<u64>(), artists in proptest::collection::vec(1_usize..6, 0..40),
        ) {
            let items = by_artists(&artists);
            let apart = separation(items.len());
            let mut order = Order::shuffle(seed);
            let mut played: Vec<u64> = Vec::new();
            for _ in 0..4 {
                let round = order.round(&items, &played);

                let mut sorted = round.clone();
                sorted.sort_unstable();
                prop_assert_eq!(sorted, (0..items.len()).collect::<Vec<_>>());
                for at in round {
                    let key = track_key(&items[at]);
                    let recent = &played[played.len().saturating_sub(apart)..];
                    prop_assert!(!recent.contains(&key));
                    played.push(key);
                }
            }
        }
    }

    fn numbered(count: usize) -> Vec<Item> {
        (0..count).map(|at| Item::file(format!("{at}.mp3"))).collect()
    }

    /// So many tracks of each artist.
    fn by_artists(counts: &[usize]) -> Vec<Item> {
        let tracks = |(artist, &count): (usize, &usize)| {
            (0..count).map(move |at| Item::file(format!("/m/artist{artist}/{at}.mp3")))
        };
        counts.iter().enumerate().flat_map(tracks).collect()
    }

    fn neighbours(items: &[Item], round: &[usize]) -> usize {
        let artist = |at: usize| items[at].path.parent();
        round.windows(2).filter(|two| artist(two[0]) == artist(two[1])).count()
    }
}

//! Notices that a channel gives out silence where there should be sound.
//!
//! What plays and is quieter than a threshold for longer than the operator has patience is a
//! *blank*, and calls for what he wants done then. What stands in when nothing plays is there on
//! purpose, silence too, and is none. If everything is silent the patience doubles with every
//! blank until there is sound again, up to [`PATIENCE_MAX`], so that a shelf full of silence does
//! not make the channel race through it. Pure.

use crate::pcm::block::Block;
use std::time::Duration;

/// When there is a blank, and what is done about it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Blanks {
    /// Silence of so long is one.
    pub after: Duration,
    /// What is quieter is silence: the mean of the louder side, in decibels of full scale.
    pub threshold_db: f32,
    /// What is done about it.
    pub then: Then,
}

/// What is done about a blank.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Then {
    /// Something else in the channel's list is played than what is silent, and that is not asked
    /// for so long, unless nothing else is there.
    Next {
        /// How long.
        rest: Duration,
    },
    /// The next track begins.
    #[default]
    Skip,
}

/// A blank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Blank {
    /// How long it has been silent.
    pub silent: Duration,
    /// What it has been quieter than.
    pub threshold_db: f32,
    /// What is done about it.
    pub then: Then,
}

/// Listens for blanks.
#[derive(Clone, Debug, Default)]
pub struct Listener {
    blanks: Option<Blanks>,
    silent: Duration,
    /// Blanks since there was sound.
    in_a_row: u32,
}

impl Listener {
    /// A listener for `blanks`, if there are to be any.
    pub fn new(blanks: Option<Blanks>) -> Self {
        Self { blanks, ..Self::default() }
    }

    /// Listens for others from now on.
    pub fn listen_for(&mut self, blanks: Option<Blanks>) {
        if self.blanks != blanks {
            *self = Self::new(blanks);
        }
    }

    /// Takes `block` into account, in which a track plays, or what stands in for one; says whether
    /// there is a blank with its end.
    pub fn hear(&mut self, block: &Block, is_track: bool) -> Option<Blank> {
        let blanks = self.blanks?;
        if !is_track {
            self.silent = Duration::ZERO;
            return None;
        }
        if block.level_db() >= f64::from(blanks.threshold_db) {
            (self.silent, self.in_a_row) = (Duration::ZERO, 0);
            return None;
        }
        self.silent += length(block);
        let patience = blanks.after.saturating_mul(1 << self.in_a_row.min(DOUBLINGS_MAX));
        if self.silent < patience.min(PATIENCE_MAX.max(blanks.after)) {
            return None;
        }
        let silent = std::mem::take(&mut self.silent);
        self.in_a_row = self.in_a_row.saturating_add(1);
        Some(Blank { silent, threshold_db: blanks.threshold_db, then: blanks.then })
    }
}

fn length(block: &Block) -> Duration {
    let ns = block.sample_frames() as u64 * 1_000_000_000 / u64::from(block.rate_hz().max(1));
    Duration::from_nanos(ns)
}

/// However often there was nothing but silence, it is not listened to for longer than this, or
/// than the operator says.
pub const PATIENCE_MAX: Duration = Duration::from_secs(120);
/// The patience doubles so often at most.
const DOUBLINGS_MAX: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_of_a_track_is_a_blank_when_it_is_long_enough() {
        let mut listener = listener(3);

        assert_eq!(heard(&mut listener, 0.0, 29), []);
        assert_eq!(heard(&mut listener, 0.0, 1), [(0, 3_000)]);
    }

    #[test]
    fn sound_in_between_begins_the_count_anew() {
        let mut listener = listener(3);

        assert_eq!(heard(&mut listener, 0.0, 29), []);
        assert_eq!(heard(&mut listener, 0.1, 1), []);
        assert_eq!(heard(&mut listener, 0.0, 29), []);
    }

    #[test]
    fn what_is_quieter_than_the_threshold_is_silence() {
        let mut listener = listener(3);

        assert_eq!(heard(&mut listener, 0.011, 40), []); // above −40 dB
        assert_eq!(heard(&mut listener, 0.009, 40), [(29, 3_000)]);
    }

    #[test]
    fn what_stands_in_for_a_track_may_be_silent() {
        let mut listener = listener(3);

        for _ in 0..100 {
            assert_eq!(listener.hear(&tenth(0.0), false), None);
        }
        assert_eq!(heard(&mut listener, 0.0, 29), []);
    }

    #[test]
    fn nobody_races_through_what_is_all_silent() {
        let mut listener = listener(3);

        let blanks = heard(&mut listener, 0.0, 36_000); // an hour

        let lengths: Vec<u64> = blanks.iter().map(|(_, silent_ms)| silent_ms / 1_000).collect();
        assert_eq!(lengths[..8], [3, 6, 12, 24, 48, 96, 120, 120]);
        assert!(lengths.len() < 40, "{lengths:?}");
        heard(&mut listener, 0.1, 1);
        assert_eq!(heard(&mut listener, 0.0, 30), [(29, 3_000)], "there was sound");
    }

    #[test]
    fn a_patience_that_is_long_is_kept() {
        let mut listener = listener(200);

        assert_eq!(heard(&mut listener, 0.0, 4_000), [(1_999, 200_000), (3_999, 200_000)]);
    }

    #[test]
    fn without_an_order_nothing_is_a_blank_and_another_order_begins_anew() {
        let mut listener = Listener::default();
        assert_eq!(heard(&mut listener, 0.0, 6_000), []);

        const NEXT: Then = Then::Next { rest: Duration::from_secs(600) };
        let blanks = Blanks { after: Duration::from_secs(1), threshold_db: -40.0, then: NEXT };
        listener.listen_for(Some(blanks));
        assert_eq!(heard(&mut listener, 0.0, 9), []);
        listener.listen_for(Some(blanks)); // the same
        let expected = Blank { silent: Duration::from_secs(1), threshold_db: -40.0, then: NEXT };
        assert_eq!(listener.hear(&tenth(0.0), true), Some(expected));
    }

    fn listener(after_s: u64) -> Listener {
        let after = Duration::from_secs(after_s);
        Listener::new(Some(Blanks { after, threshold_db: -40.0, then: Then::Skip }))
    }

    /// The blanks in so many tenths of a second of a track at this level: in the how-manieth, and
    /// after how many milliseconds.
    fn heard(listener: &mut Listener, level: f32, tenths: usize) -> Vec<(usize, u64)> {
        let blank = |at| listener.hear(&tenth(level), true).map(|blank| (at, ms(blank)));
        (0..tenths).filter_map(blank).collect()
    }

    fn ms(blank: Blank) -> u64 {
        u64::try_from(blank.silent.as_millis()).unwrap()
    }

    fn tenth(level: f32) -> Block {
        Block::stereo(8_000, vec![level; 800], vec![0.0; 800])
    }
}

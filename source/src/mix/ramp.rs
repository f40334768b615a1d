//! A level that moves once, from one sample to another.

use crate::mix::crossfade::Curve;
use crate::pcm::block::Block;

/// A level that waits, then rises from nothing to full, or falls from full to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ramp {
    curve: Curve,
    direction: Direction,
    /// Sample frames until it moves.
    wait: usize,
    /// Sample frames of its way.
    length: usize,
    /// How many of them have passed.
    passed: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Falling,
    Rising,
}

impl Ramp {
    /// Rises over the next `length` sample frames.
    pub(super) fn rise(curve: Curve, length: usize) -> Self {
        Self { curve, direction: Direction::Rising, wait: 0, length, passed: 0 }
    }

    /// Stays full for `wait` sample frames, and falls over the `length` after them.
    pub(super) fn fall(curve: Curve, wait: usize, length: usize) -> Self {
        Self { curve, direction: Direction::Falling, wait, length, passed: 0 }
    }

    /// How many sample frames it is until it has arrived.
    pub(super) fn left(&self) -> usize {
        self.wait + self.length - self.passed
    }

    /// Gives the next samples of `block` this level.
    pub(super) fn apply(&mut self, block: &mut Block) {
        let length = block.sample_frames();
        let waits = self.wait.min(length);
        self.wait -= waits;
        let moves = (self.length - self.passed).min(length - waits);
        let levels: Vec<f32> =
            (self.passed..self.passed + moves).map(|at| self.level(at)).collect();
        self.passed += moves;
        let at_end = self.direction == Direction::Rising;
        for channel in 0..block.planes().len() {
            let (before, rest) = block.plane_mut(channel).split_at_mut(waits);
            let (moving, after) = rest.split_at_mut(moves);
            if self.direction == Direction::Rising {
                before.fill(0.0);
            }
            for (sample, level) in moving.iter_mut().zip(&levels) {
                *sample *= level;
            }
            if !at_end {
                after.fill(0.0);
            }
        }
    }

    fn level(&self, at: usize) -> f32 {
        #[expect(clippy::cast_precision_loss, reason = "a fade lasts seconds, f32 counts to 2^24")]
        let along = at as f32 / self.length as f32;
        match self.direction {
            Direction::Falling => self.curve.level(1.0 - along),
            Direction::Rising => self.curve.level(along),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rises_from_nothing_and_stays() {
        let mut ramp = Ramp::rise(Curve::Sine, 4);

        assert_eq!(heard(&mut ramp, &[3, 3]), [0.0, 0.146_446_6, 0.5, 0.853_553_4, 1.0, 1.0]);
        assert_eq!(ramp.left(), 0);
    }

    #[test]
    fn it_waits_and_then_falls_to_nothing() {
        let mut ramp = Ramp::fall(Curve::Sine, 2, 4);
        assert_eq!(ramp.left(), 6);

        let heard = heard(&mut ramp, &[1, 2, 4]);

        assert_eq!(heard, [1.0, 1.0, 1.0, 0.853_553_4, 0.5, 0.146_446_6, 0.0]);
    }

    #[test]
    fn how_the_audio_is_cut_changes_nothing() {
        let whole = heard(&mut Ramp::fall(Curve::EqualPower, 7, 30), &[50]);

        let pieces = heard(&mut Ramp::fall(Curve::EqualPower, 7, 30), &[3, 5, 1, 20, 0, 15, 6]);

        assert_eq!(pieces, whole);
    }

    fn heard(ramp: &mut Ramp, lengths: &[usize]) -> Vec<f32> {
        lengths
            .iter()
            .flat_map(|&length| {
                let mut block = Block::stereo(44_100, vec![1.0; length], vec![1.0; length]);
                ramp.apply(&mut block);
                assert_eq!(block.plane(0), block.plane(1));
                let round = |sample: &f32| (sample * 1e7).round() / 1e7;
                block.plane(0).iter().map(round).collect::<Vec<_>>()
            })
            .collect()
    }
}

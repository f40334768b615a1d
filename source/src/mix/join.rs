//! Joins two stretches of audio without a click.
//!
//! Where one track ends at one level and the next begins at another, the step between them is
//! heard as a click. A join looks whether the step is larger than those the audio makes by itself
//! around it. If not, the two belong together (an album that plays without gaps) or the step is
//! covered by them, and nothing is touched. Otherwise the new audio is lifted by the step, so
//! that it begins where the old one ended, and the lift fades out within [`BRIDGE_MS`].
//!
//! Pure: it sees samples, and no track.

use crate::pcm::block::Block;

/// Joins what is appended to what came before.
#[derive(Clone, Debug)]
pub struct Joiner {
    bridge_sample_frames: usize,
    sides: [Side; 2],
    /// Whether the next audio begins something new.
    at_join: bool,
}

/// One channel.
#[derive(Clone, Copy, Debug, Default)]
struct Side {
    /// The last samples, oldest first.
    recent: [f32; NEAR_SAMPLES],
    /// What the audio after the join is lifted by at first.
    lift: f32,
    /// How many samples of the fading lift have passed.
    passed: usize,
}

impl Joiner {
    /// A joiner for stereo at `rate_hz`, after silence.
    pub fn new(rate_hz: u32) -> Self {
        let bridge_sample_frames = (rate_hz * BRIDGE_MS / 1_000) as usize;
        Self { bridge_sample_frames, sides: [Side::default(); 2], at_join: true }
    }

    /// What is passed on next begins something new.
    pub fn join(&mut self) {
        self.at_join = true;
    }

    /// Joins `block`, which must be stereo, to what came before.
    pub fn pass(&mut self, block: &mut Block) {
        if block.sample_frames() == 0 {
            return;
        }
        for (channel, side) in self.sides.iter_mut().enumerate() {
            let plane = block.plane_mut(channel);
            if self.at_join {
                side.measure(plane);
            }
            side.fade(plane, self.bridge_sample_frames);
            side.remember(plane);
        }
        self.at_join = false;
    }
}

impl Side {
    /// Decides how much the samples of `plane`, the first after a join, are lifted.
    fn measure(&mut self, plane: &[f32]) {
        let near = &plane[..plane.len().min(NEAR_SAMPLES)];
        let step = self.recent[NEAR_SAMPLES - 1] - near[0];
        let natural = steepest(&self.recent).max(steepest(near)) * NATURAL_STEPS + INAUDIBLE_STEP;
        self.lift = if step.abs() <= natural { 0.0 } else { step };
        self.passed = 0;
    }

    fn fade(&mut self, plane: &mut [f32], bridge_sample_frames: usize) {
        if self.lift == 0.0 {
            return;
        }
        for sample in plane.iter_mut().take(bridge_sample_frames - self.passed) {
            #[expect(clippy::cast_precision_loss, reason = "a few hundred samples")]
            let along = self.passed as f32 / bridge_sample_frames as f32;
            *sample += self.lift * (0.5 + 0.5 * (along * std::f32::consts::PI).cos());
            self.passed += 1;
        }
        if self.passed == bridge_sample_frames {
            self.lift = 0.0;
        }
    }

    fn remember(&mut self, plane: &[f32]) {
        let fresh = plane.len().min(NEAR_SAMPLES);
        self.recent.copy_within(fresh.., 0);
        self.recent[NEAR_SAMPLES - fresh..].copy_from_slice(&plane[plane.len() - fresh..]);
    }
}

fn steepest(samples: &[f32]) -> f32 {
    samples.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
}

/// How long the lift takes to fade.
pub const BRIDGE_MS: u32 = 5;
/// Steps are compared with those among so many samples on either side of the join.
const NEAR_SAMPLES: usize = 32;
/// A step is natural up to so many times the largest near it.
const NATURAL_STEPS: f32 = 1.5;
/// Steps up to here (−54 dB) cannot be heard.
const INAUDIBLE_STEP: f32 = 0.002;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_album_cut_in_the_middle_of_a_tone_is_untouched() {
        let whole = sine(440.0, 0.8, 2_000);
        let (first, second) = whole.split_at(777);

        assert!(joined(first, second) == whole);
    }

    #[test]
    fn a_track_that_ends_high_does_not_click_into_one_that_begins_low() {
        let first = sine(440.0, 0.8, 1_000 + 25); // near a crest
        let second = vec![0.0; 2_000];
        assert!((first[1_024] - second[0]).abs() > 0.5, "the cut would click");

        let whole = joined(&first, &second);

        assert!(steepest(&whole) <= steepest(&first) * 1.01, "{}", steepest(&whole));
    }

    #[test]
    fn after_the_bridge_the_new_track_is_untouched() {
        let first = vec![0.5; 100];
        let second = sine(100.0, 0.1, 1_000);

        let whole = joined(&first, &second);

        assert_eq!(whole[..100], first);
        assert_eq!(whole[100], 0.5);
        assert!(whole[100 + 220..] == second[220..]);
    }

    #[test]
    fn a_join_within_a_bridge_starts_from_what_was_heard() {
        let mut joiner = Joiner::new(44_100);
        let mut heard = Vec::new();
        for (at, level) in [0.5_f32, -0.5, 0.4].into_iter().enumerate() {
            joiner.join();
            let length = if at == 1 { 60 } else { 400 };
            heard.extend(passed(&mut joiner, &vec![level; length]));
        }

        let largest = steepest(&heard[1..]);
        assert!(largest < 0.01, "{largest}");
    }

    #[test]
    fn how_the_audio_is_cut_into_blocks_changes_nothing() {
        let first = vec![0.5; 100];
        let second = sine(100.0, 0.1, 1_000);
        let whole = joined(&first, &second);

        let mut joiner = Joiner::new(44_100);
        joiner.at_join = false;
        let mut heard = passed(&mut joiner, &first);
        joiner.join();
        // The first piece is long enough to see what is natural in it.
        heard.extend(passed(&mut joiner, &second[..40]));
        for piece in second[40..].chunks(7) {
            heard.extend(passed(&mut joiner, piece));
        }

        assert!(heard == whole);
    }

    fn joined(first: &[f32], second: &[f32]) -> Vec<f32> {
        let mut joiner = Joiner::new(44_100);
        joiner.at_join = false; // the first begins as it is
        let mut heard = passed(&mut joiner, first);
        joiner.join();
        heard.extend(passed(&mut joiner, second));
        heard
    }

    fn passed(joiner: &mut Joiner, samples: &[f32]) -> Vec<f32> {
        let mut block = Block::stereo(44_100, samples.to_vec(), samples.to_vec());
        joiner.pass(&mut block);
        assert_eq!(block.plane(0), block.plane(1));
        block.plane(0).to_vec()
    }

    fn sine(pitch_hz: f32, level: f32, length: u16) -> Vec<f32> {
        (0..length)
            .map(|at| level * (f32::from(at) * pitch_hz / 44_100.0 * std::f32::consts::TAU).sin())
            .collect()
    }
}

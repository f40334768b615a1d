//! Listens to both sides of a border and says how to cross it.
//!
//! A crossfade of one length for all borders spoils some of them: it covers the last chord of a
//! song that ends cold, leaves a hole where a file ends in silence, and cuts an album in pieces.
//! Here the level of both sides is followed in steps of 50 ms. From it follow the silence
//! at the very end and the very beginning, and how the sound before it ends: *cold*, *ringing*
//! out, *fading*, or simply *cut* at full level.
//!
//! Pure: it sees samples, and no track.

use crate::mix::crossfade::{Lengths, sample_frames};
use crate::pcm::block::Block;
use std::fmt;
use std::time::Duration;

/// How to go over one border.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transition {
    /// Sample frames of silence that are left out at the end of the old track.
    pub silence_before: usize,
    /// Sample frames of silence that are left out at the beginning of the new one.
    pub silence_after: usize,
    /// How both are heard together.
    pub lengths: Lengths,
    /// Why.
    pub reason: Reason,
    /// Loudness of the end of the old track, in dB below full scale.
    pub loudness_before_db: f32,
    /// Loudness of the beginning of the new one.
    pub loudness_after_db: f32,
}

/// Why a border is crossed as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The old track ends at once and the new one begins at once: one after the other.
    Cold,
    /// The old track goes on to its last sample, and the new one goes on from there.
    Continuous,
    /// The old track is cut while it sounds: both are faded.
    Cut,
    /// The old track fades by itself: the new one begins in its fade.
    Fading,
    /// The old track rings out: the new one begins while it does.
    Ringing,
    /// The new track begins softly: it begins under the end of the old one.
    SoftBeginning,
    /// One of them holds nothing but silence.
    Silent,
}

/// The level of one side, step by step.
struct Levels {
    /// Power of each step.
    steps: Vec<f32>,
    /// Power below which it counts as silence.
    floor: f32,
    /// Mean power of what is no silence.
    loudness: f32,
}

impl Transition {
    /// How to go over from a track that ends with `old` to one that begins with `new`, where a
    /// crossfade would otherwise have the lengths of `usual`.
    pub fn between<'a>(
        old: impl Iterator<Item = &'a Block>,
        new: impl Iterator<Item = &'a Block>,
        rate_hz: u32,
        usual: Lengths,
    ) -> Self {
        let step = sample_frames(Duration::from_millis(STEP_MS), rate_hz).max(1);
        let (end, beginning) = (Levels::of(old, step), Levels::of(new, step));
        let (Some(last), Some(first)) = (end.last_sound(), beginning.first_sound()) else {
            return Self::new(&end, &beginning, Reason::Silent, Lengths::NONE);
        };
        let limited = |steps: usize| (steps * step).min(usual.overlap);
        let short = sample_frames(Duration::from_millis(SHORT_MS), rate_hz);
        let silence_before = (end.steps.len() - 1 - last) * step;
        let silence_after = first * step;
        // How long the sound takes from its level to nothing, and from nothing to its level.
        let fall = end.steps.len() - 1 - end.last_at_level().unwrap_or(last);
        let fall = fall.saturating_sub(end.steps.len() - 1 - last);
        let rise = beginning.first_at_level().unwrap_or(first) - first;
        let unfaded = |overlap| Lengths { overlap, fade_in: 0, fade_out: 0 };

        let is_flush = silence_before == 0 && fall == 0;
        let (reason, lengths) = if is_flush && silence_after == 0 && end.is_like(&beginning) {
            (Reason::Continuous, Lengths::NONE)
        } else if fall * step >= sample_frames(FADING_FROM, rate_hz) {
            (Reason::Fading, unfaded(limited(fall)))
        } else if rise * step >= sample_frames(SOFT_FROM, rate_hz) {
            (Reason::SoftBeginning, unfaded(limited(rise)))
        } else if is_flush {
            (Reason::Cut, usual)
        } else if fall * step > short {
            (Reason::Ringing, unfaded(limited(fall)))
        } else {
            (Reason::Cold, Lengths::NONE)
        };
        let mut transition = Self::new(&end, &beginning, reason, lengths);
        if reason != Reason::Continuous {
            (transition.silence_before, transition.silence_after) = (silence_before, silence_after);
        }
        transition
    }

    fn new(end: &Levels, beginning: &Levels, reason: Reason, lengths: Lengths) -> Self {
        Self {
            silence_before: 0,
            silence_after: 0,
            lengths,
            reason,
            loudness_before_db: decibels(end.loudness),
            loudness_after_db: decibels(beginning.loudness),
        }
    }
}

impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reason, loudness_before_db, loudness_after_db, .. } = self;
        write!(f, "{reason} ({loudness_before_db:.0} dB before, {loudness_after_db:.0} dB after)")
    }
}

impl Levels {
    fn of<'a>(blocks: impl Iterator<Item = &'a Block>, step: usize) -> Self {
        let mut steps = Vec::new();
        let (mut sum, mut count) = (0.0_f32, 0_usize);
        for block in blocks {
            for at in 0..block.sample_frames() {
                sum += block.planes().iter().map(|plane| plane[at] * plane[at]).sum::<f32>();
                count += 1;
                if count == step {
                    steps.push(mean(sum, step * block.planes().len()));
                    (sum, count) = (0.0, 0);
                }
            }
        }
        let loudest = steps.iter().copied().fold(0.0, f32::max);
        let floor = (loudest * power(BELOW_LOUDEST_DB)).max(power(SILENCE_DB));
        let sounding: Vec<f32> = steps.iter().copied().filter(|power| *power > floor).collect();
        let loudness = mean(sounding.iter().sum(), sounding.len().max(1));
        Self { steps, floor, loudness }
    }

    fn first_sound(&self) -> Option<usize> {
        self.steps.iter().position(|power| *power > self.floor)
    }

    fn last_sound(&self) -> Option<usize> {
        self.steps.iter().rposition(|power| *power > self.floor)
    }

    /// The first step that is about as loud as the whole.
    fn first_at_level(&self) -> Option<usize> {
        self.steps.iter().position(|power| *power > self.loudness * power_at_level())
    }

    fn last_at_level(&self) -> Option<usize> {
        self.steps.iter().rposition(|power| *power > self.loudness * power_at_level())
    }

    /// Whether the very end of this is as loud as the very beginning of `next`.
    fn is_like(&self, next: &Self) -> bool {
        let (Some(last), Some(first)) = (self.steps.last(), next.steps.first()) else {
            return false;
        };
        (decibels(*last) - decibels(*first)).abs() < ALIKE_DB
    }
}

fn power_at_level() -> f32 {
    power(AT_LEVEL_DB)
}

fn mean(sum: f32, count: usize) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let count = count as f32;
    sum / count
}

fn power(db: f32) -> f32 {
    10_f32.powf(db / 10.0)
}

fn decibels(power: f32) -> f32 {
    10.0 * power.max(1e-12).log10()
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cold => "the old track ends cold, so the new one follows at once",
            Self::Continuous => "the new track goes on where the old one stops, so they are joined",
            Self::Cut => "the old track is cut while it sounds, so both are faded",
            Self::Fading => "the old track fades by itself, so the new one begins in its fade",
            Self::Ringing => "the old track rings out, so the new one begins meanwhile",
            Self::SoftBeginning => "the new track begins softly, so it begins under the old one",
            Self::Silent => "one of them is silent, so one follows the other",
        })
    }
}

/// Levels are measured over so long.
const STEP_MS: u64 = 50;
/// What is below is silence.
const SILENCE_DB: f32 = -55.0;
/// So is what is so far below the loudest.
const BELOW_LOUDEST_DB: f32 = -40.0;
/// Sound is at its level from so far below its loudness.
const AT_LEVEL_DB: f32 = -9.0;
/// An end and a beginning that differ by less may be one piece.
const ALIKE_DB: f32 = 6.0;
/// An ending that takes longer than this from its level to silence rings out.
const SHORT_MS: u64 = 200;
/// An ending that takes this long is a fade.
const FADING_FROM: Duration = Duration::from_millis(1_000);
/// A beginning that takes this long to its level is soft.
const SOFT_FROM: Duration = Duration::from_millis(750);

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: Lengths = Lengths { overlap: 132_300, fade_in: 88_200, fade_out: 88_200 };

    #[test]
    fn a_cold_ending_is_followed_at_once_and_silence_is_left_out() {
        let transition = between(&[(0.5, 5.0), (0.0, 2.0)], &[(0.0, 0.5), (0.4, 5.0)]);

        assert_eq!(transition.reason, Reason::Cold);
        assert_eq!(transition.lengths, Lengths::NONE);
        assert_eq!(transition.silence_before, 2 * 44_100);
        assert_eq!(transition.silence_after, 22_050);
    }

    #[test]
    fn a_fading_ending_is_overlapped_as_long_as_it_fades_and_is_not_faded_twice() {
        let fade: Vec<(f32, f32)> =
            (0_u16..40).map(|at| (0.5 * 10_f32.powf(-f32::from(at) / 20.0), 0.05)).collect();
        let end = [&[(0.5, 4.0)], fade.as_slice(), &[(0.0, 1.0)]].concat();

        let transition = between(&end, &[(0.4, 5.0)]);

        assert_eq!(transition.reason, Reason::Fading);
        assert_eq!((transition.lengths.fade_in, transition.lengths.fade_out), (0, 0));
        let overlap_s = transition.lengths.overlap as f32 / 44_100.0;
        assert!((1.2..=2.0).contains(&overlap_s), "{overlap_s}");
    }

    #[test]
    fn an_album_that_goes_on_is_joined_and_nothing_is_left_out() {
        let transition = between(&[(0.5, 5.0)], &[(0.45, 5.0)]);

        assert_eq!(transition.reason, Reason::Continuous);
        assert_eq!(transition.lengths, Lengths::NONE);
        assert_eq!((transition.silence_before, transition.silence_after), (0, 0));
    }

    #[test]
    fn what_is_cut_while_it_sounds_is_crossfaded_as_usual() {
        let transition = between(&[(0.5, 5.0)], &[(0.0, 0.3), (0.5, 5.0)]);

        assert_eq!((transition.reason, transition.lengths), (Reason::Cut, USUAL));
        assert_eq!(transition.silence_after, 13_230);
    }

    #[test]
    fn what_rings_out_is_overlapped_by_its_ringing() {
        let ring: Vec<(f32, f32)> =
            (0_u16..10).map(|at| (0.5 * 10_f32.powf(-f32::from(at * 4) / 20.0), 0.05)).collect();
        let end = [&[(0.5, 4.0)], ring.as_slice(), &[(0.0, 0.5)]].concat();

        let transition = between(&end, &[(0.5, 5.0)]);

        assert_eq!(transition.reason, Reason::Ringing);
        let overlap_s = transition.lengths.overlap as f32 / 44_100.0;
        assert!((0.2..=0.5).contains(&overlap_s), "{overlap_s}");
    }

    #[test]
    fn a_soft_beginning_comes_in_under_a_cold_ending() {
        let rise: Vec<(f32, f32)> = (0_u16..40).map(|at| (0.01 * f32::from(at), 0.05)).collect();
        let beginning = [rise.as_slice(), &[(0.5, 4.0)]].concat();

        let transition = between(&[(0.5, 5.0), (0.0, 0.2)], &beginning);

        assert_eq!(transition.reason, Reason::SoftBeginning);
        assert!(transition.lengths.overlap >= 44_100 / 2, "{:?}", transition.lengths);
    }

    #[test]
    fn silence_and_nothing_at_all_are_followed_at_once() {
        for end in [&[(0.0, 3.0)][..], &[]] {
            let transition = between(end, &[(0.5, 5.0)]);
            assert_eq!((transition.reason, transition.lengths), (Reason::Silent, Lengths::NONE));
        }
    }

    #[test]
    fn loudness_is_that_of_what_sounds() {
        let transition = between(&[(0.1, 3.0), (0.0, 3.0)], &[(1.0, 3.0)]);

        assert!((transition.loudness_before_db + 20.0).abs() < 0.5, "{transition:?}");
        assert!(transition.loudness_after_db.abs() < 0.5, "{transition:?}");
    }

    /// The transition between stretches of a level, each lasting some seconds.
    fn between(end: &[(f32, f32)], beginning: &[(f32, f32)]) -> Transition {
        let blocks = |stretches: &[(f32, f32)]| -> Vec<Block> {
            stretches
                .iter()
                .map(|&(level, seconds)| {
                    #[expect(clippy::cast_possible_truncation, reason = "a few seconds")]
                    #[expect(clippy::cast_sign_loss, reason = "a length")]
                    let length = (seconds * 44_100.0).round() as usize;
                    let sign = |at: usize| if at.is_multiple_of(2) { level } else { -level };
                    let plane: Vec<f32> = (0..length).map(sign).collect();
                    Block::stereo(44_100, plane.clone(), plane)
                })
                .collect()
        };
        let (end, beginning) = (blocks(end), blocks(beginning));
        Transition::between(end.iter(), beginning.iter(), 44_100, USUAL)
    }
}

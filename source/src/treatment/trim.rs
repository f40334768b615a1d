//! Silence at the beginning and the end of a track is cut, as if somebody had set cue points.
//!
//! What somebody has set wins. A little is left before the first sound and behind the last, so that
//! an attack or the end of a reverberation is whole. A track that is silent from end to end is left
//! as it is. Pure.

use crate::cues::Cues;
use crate::measure::Measure;
use crate::measure::extent::Threshold;
use std::time::Duration;

/// How silence is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trim {
    /// What is quieter is silence.
    pub threshold: Threshold,
    /// Silence that is not longer stays.
    pub shortest: Duration,
    /// No more than this is cut at either end.
    pub longest: Duration,
}

impl Trim {
    /// The same as `cues`; where they do not say where a track begins or ends, its sound does.
    pub fn cues(&self, cues: Cues, measure: &Measure) -> Cues {
        let Some(sound) = measure.extent.at(self.threshold) else { return cues };
        let (from_ms, to_ms) = (u64::from(sound.from_ms), u64::from(sound.to_ms));
        let end_ms = u64::from(measure.extent.end_ms);
        let cut_before = self.cut(from_ms, KEPT_BEFORE);
        let cut_behind = self.cut(end_ms.saturating_sub(to_ms), KEPT_BEHIND);
        let end = Duration::from_millis(end_ms);
        Cues {
            cue_in: cues.cue_in.or(cut_before),
            cue_out: cues.cue_out.or_else(|| Some(end.saturating_sub(cut_behind?))),
            ..cues
        }
    }

    /// How much of silence that is so long is cut, of which `kept` is left.
    fn cut(&self, silent_ms: u64, kept: Duration) -> Option<Duration> {
        let silent = Duration::from_millis(silent_ms);
        let cut = silent.saturating_sub(kept).min(self.longest);
        (silent > self.shortest && !cut.is_zero()).then_some(cut)
    }
}

/// So much silence is left before the first sound.
pub const KEPT_BEFORE: Duration = Duration::from_millis(10);
/// So much is left behind the last.
pub const KEPT_BEHIND: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::extent::{Extent, Finder};
    use crate::pcm::block::Block;

    #[test]
    fn silence_is_cut_but_for_a_little() {
        let cues = trim().cues(Cues::default(), &measure(1_500, 60_000, 4_000));

        assert_eq!(cues.cue_in, Some(Duration::from_millis(1_490)));
        assert_eq!(cues.cue_out, Some(Duration::from_millis(61_550)));
    }

    #[test]
    fn what_somebody_has_set_wins() {
        let set = Cues {
            cue_in: Some(Duration::from_secs(1)),
            cue_out: Some(Duration::from_secs(50)),
            ..Cues::default()
        };

        assert_eq!(trim().cues(set, &measure(1_500, 60_000, 4_000)), set);
    }

    #[test]
    fn short_silence_stays_and_of_long_silence_what_is_over() {
        let cues = trim().cues(Cues::default(), &measure(200, 10_000, 200));
        assert_eq!(cues, Cues::default());

        let cues = trim().cues(Cues::default(), &measure(25_000, 10_000, 25_000));
        assert_eq!(cues.cue_in, Some(Duration::from_secs(20)));
        assert_eq!(cues.cue_out, Some(Duration::from_secs(40)));
    }

    #[test]
    fn a_track_without_sound_is_left_as_it_is() {
        assert_eq!(trim().cues(Cues::default(), &measure(5_000, 0, 0)), Cues::default());
    }

    /// What is measured of silence, sound and silence of so many milliseconds.
    fn measure(before_ms: usize, sound_ms: usize, behind_ms: usize) -> Measure {
        let mut finder = Finder::new(Duration::ZERO);
        for (ms, level) in [(before_ms, 0.0), (sound_ms, 0.5), (behind_ms, 0.0)] {
            finder.show(&Block::stereo(8_000, vec![level; ms * 8], vec![0.0; ms * 8]));
        }
        let extent: Extent = finder.extent(8_000);
        Measure { loudness_lufs: None, true_peak: 0.5, extent }
    }

    fn trim() -> Trim {
        Trim {
            threshold: Threshold::of_db(-50.0).unwrap(),
            shortest: Duration::from_millis(200),
            longest: Duration::from_secs(20),
        }
    }
}

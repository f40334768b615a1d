//! What of the decoded audio is to be heard: the recording without the encoder's padding, and of
//! that what lies between cue points.

use crate::decode::tags::Gapless;
use crate::pcm::block::Block;
use std::time::Duration;

/// What of a track is to be heard, where the codec does not cut it itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trim {
    /// Sample frames still to be left out.
    pub(super) skip: u64,
    /// Sample frames still to be heard.
    pub(super) keep: u64,
}

/// What of a recording is wanted, in sample frames from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Excerpt {
    pub(super) from: u64,
    pub(super) to: u64,
    /// Where in the recording the decoder is.
    pub(super) at: u64,
}

impl Trim {
    pub(super) const NOTHING: Self = Self { skip: 0, keep: u64::MAX };

    /// Cuts what the decoder gives before the recording begins.
    pub(super) fn lead_in(sample_frames: Option<u32>) -> Self {
        Self { skip: sample_frames.unwrap_or_default().into(), ..Self::NOTHING }
    }

    pub(super) fn told(gapless: &Gapless) -> Self {
        Self { skip: gapless.delay_sample_frames, keep: gapless.sample_frames }
    }

    /// Cuts a track to the length that its container states.
    pub(super) fn to_length(sample_frames: Option<u64>) -> Self {
        Self { skip: 0, keep: sample_frames.unwrap_or(u64::MAX) }
    }

    /// How much is to be heard of so much that is `decoded`.
    pub(super) fn recording(&self, decoded: Option<u64>) -> Option<u64> {
        decoded.map(|decoded| decoded.saturating_sub(self.skip).min(self.keep))
    }

    pub(super) fn apply(&mut self, block: &mut Block) {
        let skipped = self.skip.min(block.sample_frames() as u64);
        self.skip -= skipped;
        block.drop_front(usize::try_from(skipped).unwrap_or(usize::MAX));
        block.truncate(usize::try_from(self.keep).unwrap_or(usize::MAX));
        self.keep -= block.sample_frames() as u64;
    }
}

impl Excerpt {
    pub(super) const ALL: Self = Self { from: 0, to: u64::MAX, at: 0 };

    pub(super) fn apply(&mut self, block: &mut Block) {
        let length = block.sample_frames() as u64;
        let left = self.to.saturating_sub(self.at).min(length);
        block.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        let before = self.from.saturating_sub(self.at);
        block.drop_front(usize::try_from(before).unwrap_or(usize::MAX));
        self.at += length;
    }

    pub(super) fn is_over(&self) -> bool {
        self.at >= self.to
    }
}

/// `time` in sample frames at `rate_hz`, to the nearest.
pub(super) fn sample_frames(time: Duration, rate_hz: u32) -> u64 {
    let rounded = (time.as_nanos() * u128::from(rate_hz) + 500_000_000) / 1_000_000_000;
    u64::try_from(rounded).unwrap_or(u64::MAX)
}

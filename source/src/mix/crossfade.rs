//! How one track goes over into the next.
//!
//! A *crossfade* is what the operator wants of every border: how long both tracks are heard, how
//! long the next one takes to come up, and how long the old one takes to go down. A *border* is
//! what becomes of that between two given tracks. The old track stays as loud as it is and falls
//! over the last `fade_out` of the overlap; the new one rises over its first `fade_in`; what is
//! heard is their sum. This is the shape of Liquidsoap's `crossfade`.
//!
//! Pure: numbers in, numbers out. It sees no sample.

use std::time::Duration;

/// How one track goes over into the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Crossfade {
    /// How long both are heard. Zero is no crossfade: tracks follow each other without a gap.
    pub duration: Duration,
    /// How long the next track takes to come up, from its first sample on.
    pub fade_in: Duration,
    /// How long the track takes to go down, up to its last sample.
    pub fade_out: Duration,
    /// The shape of both.
    pub curve: Curve,
    /// Whether every border is crossed alike.
    pub mode: Mode,
}

/// Whether every border is crossed alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Every border has the same overlap and the same fades.
    #[default]
    Simple,
    /// Both sides of every border are listened to; see [`smart`](crate::mix::smart).
    Smart,
}

/// The shape of a fade.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Curve {
    /// The two powers add up to one: right for tracks that have nothing to do with each other.
    EqualPower,
    /// Half a turn of a sine, as Liquidsoap fades.
    #[default]
    Sine,
}

/// What one track wants otherwise than the rest, in sample frames. `None` is as everywhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Marks {
    /// What its samples are multiplied by.
    pub gain: f32,
    /// How long it is heard together with the track after it.
    pub overlap: Option<usize>,
    /// How long it takes to come up.
    pub fade_in: Option<usize>,
    /// How long it takes to go down.
    pub fade_out: Option<usize>,
}

/// A crossfade in sample frames of the station's rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths {
    /// How long both are heard.
    pub overlap: usize,
    /// How long the next takes to come up.
    pub fade_in: usize,
    /// How long the old one takes to go down.
    pub fade_out: usize,
}

impl Crossfade {
    /// The same in sample frames at `rate_hz`. The overlap is at most [`OVERLAP_MAX`].
    pub fn lengths(&self, rate_hz: u32) -> Lengths {
        Lengths {
            overlap: sample_frames(self.duration.min(OVERLAP_MAX), rate_hz),
            fade_in: sample_frames(self.fade_in, rate_hz),
            fade_out: sample_frames(self.fade_out, rate_hz),
        }
    }
}

impl Curve {
    /// The level `along` a fade that rises: 0 at its beginning, 1 at its end. One that falls goes
    /// the same way back.
    pub fn level(self, along: f32) -> f32 {
        match self {
            Self::EqualPower => (along * std::f32::consts::FRAC_PI_2).sin(),
            Self::Sine => 0.5 - 0.5 * (along * std::f32::consts::PI).cos(),
        }
    }
}

impl Default for Marks {
    fn default() -> Self {
        Self { gain: 1.0, overlap: None, fade_in: None, fade_out: None }
    }
}

impl Lengths {
    /// Tracks that follow each other without an overlap.
    pub const NONE: Self = Self { overlap: 0, fade_in: 0, fade_out: 0 };

    /// The border between a track that wants `old` and one that wants `new`, where all the rest
    /// wants `self`. The overlap is not longer than `overlap_max`, and no fade than the overlap.
    #[must_use]
    pub fn between(&self, old: &Marks, new: &Marks, overlap_max: usize) -> Self {
        let overlap = old.overlap.unwrap_or(self.overlap).min(overlap_max);
        Self {
            overlap,
            fade_in: new.fade_in.unwrap_or(self.fade_in).min(overlap),
            fade_out: old.fade_out.unwrap_or(self.fade_out).min(overlap),
        }
    }
}

/// `duration` in sample frames at `rate_hz`, to the nearest.
pub fn sample_frames(duration: Duration, rate_hz: u32) -> usize {
    let rounded = (duration.as_nanos() * u128::from(rate_hz) + 500_000_000) / 1_000_000_000;
    usize::try_from(rounded).unwrap_or(usize::MAX)
}

/// Two tracks are heard together for no longer than this: twice as much audio of the next one has
/// to be held in memory.
pub const OVERLAP_MAX: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: Lengths = Lengths { overlap: 300, fade_in: 200, fade_out: 250 };

    #[test]
    fn without_marks_a_border_is_as_usual() {
        assert_eq!(USUAL.between(&Marks::default(), &Marks::default(), 1_000), USUAL);
    }

    #[test]
    fn the_old_track_says_how_long_the_overlap_is_and_each_says_its_own_fade() {
        let old = Marks { overlap: Some(400), fade_out: Some(50), ..Marks::default() };
        let new = Marks { overlap: Some(999), fade_in: Some(0), ..Marks::default() };

        let border = USUAL.between(&old, &new, 1_000);

        assert_eq!(border, Lengths { overlap: 400, fade_in: 0, fade_out: 50 });
    }

    #[test]
    fn no_fade_is_longer_than_the_overlap() {
        let border = USUAL.between(&Marks::default(), &Marks::default(), 120);

        assert_eq!(border, Lengths { overlap: 120, fade_in: 120, fade_out: 120 });
    }

    #[test]
    fn the_sine_halves_the_amplitude_in_the_middle_and_equal_power_the_power() {
        for curve in [Curve::Sine, Curve::EqualPower] {
            assert!(curve.level(0.0).abs() < 1e-6);
            assert!((curve.level(1.0) - 1.0).abs() < 1e-6);
        }
        assert!((Curve::Sine.level(0.5) - 0.5).abs() < 1e-6);
        assert!((Curve::EqualPower.level(0.5).powi(2) - 0.5).abs() < 1e-6);
    }

    #[test]
    fn what_rises_and_what_falls_add_up_to_one() {
        for at in 0_u16..=100 {
            let along = f32::from(at) / 100.0;
            let amplitudes = Curve::Sine.level(along) + Curve::Sine.level(1.0 - along);
            assert!((amplitudes - 1.0).abs() < 1e-5, "{along}");
            let power = |along| Curve::EqualPower.level(along).powi(2);
            assert!((power(along) + power(1.0 - along) - 1.0).abs() < 1e-5, "{along}");
        }
    }

    #[test]
    fn lengths_are_rounded_to_the_nearest_sample_frame() {
        assert_eq!(sample_frames(Duration::from_secs(3), 44_100), 132_300);
        assert_eq!(sample_frames(Duration::from_nanos(22_700), 44_100), 1);
        let endless = Crossfade { duration: Duration::MAX, ..Crossfade::default() };
        assert_eq!(endless.lengths(48_000).overlap, 15 * 48_000);
    }
}

//! AAC: what can be asked for. Encoding it is the part of `fdk`, which may be left out of a build.

use crate::encode::Channels;
use std::ops::RangeInclusive;

/// How to encode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aac {
    /// Sample frames per second: one of those of [`Profile::rates_hz`].
    pub rate_hz: u32,
    /// How many channels; HE-AAC v2 has always two.
    pub channels: Channels,
    /// Within [`Profile::bitrates_kbps`] at that rate.
    pub bitrate_kbps: u32,
    /// Which tools a decoder must have.
    pub profile: Profile,
}

/// Which tools a decoder must have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// The treble is described instead of encoded (spectral band replication): good from 28 to
    /// about 80 kbit/s.
    He,
    /// The stereo image is described as well: good below 40 kbit/s.
    HeV2,
    /// Low complexity, which every player knows: good from about 80 kbit/s.
    #[default]
    Lc,
}

impl Profile {
    /// The sample rates it can have.
    pub fn rates_hz(self) -> &'static [u32] {
        match self {
            Self::He | Self::HeV2 => &[32_000, 44_100, 48_000],
            Self::Lc => &[16_000, 22_050, 24_000, 32_000, 44_100, 48_000],
        }
    }

    /// The bit rates it can have at `rate_hz`, in kbit/s.
    pub fn bitrates_kbps(self, rate_hz: u32, channels: Channels) -> RangeInclusive<u32> {
        let stereo = self.stereo_kbps(rate_hz);
        match channels {
            Channels::Mono => stereo.start() * 3 / 4..=stereo.end() / 2,
            Channels::Stereo => stereo,
        }
    }

    fn stereo_kbps(self, rate_hz: u32) -> RangeInclusive<u32> {
        match self {
            Self::He => 16..=128,
            Self::HeV2 => 18..=64,
            // A frame has at most 6 144 bits for each channel, which is 12 bits in stereo for
            // each sample frame; two of them are kept for peaks.
            Self::Lc if rate_hz >= 32_000 => 24..=320,
            Self::Lc => 16..=rate_hz / 100,
        }
    }

    /// The bit rate that is taken if none is asked for, in kbit/s.
    pub fn usual_kbps(self, channels: Channels) -> u32 {
        let stereo = match self {
            Self::He => 48,
            Self::HeV2 => 32,
            Self::Lc => 96,
        };
        match channels {
            Channels::Mono => stereo / 2,
            Channels::Stereo => stereo,
        }
    }

    /// What the configuration calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::He => "he",
            Self::HeV2 => "he-v2",
            Self::Lc => "lc",
        }
    }
}

//! MP3 by LAME, at a constant bit rate, at one that varies with what the sound needs, or at one
//! that does so about a mean.
//!
//! LAME gives bytes when it likes: nothing at first, then more or less than a frame at a time,
//! because it borrows bits across frames. What leaves here are whole frames, one for every 1 152
//! sample frames that went in (MPEG-2, at 24 kHz and below: 576), a few calls later. Where the bit
//! rate varies every frame says how long it is. There is no
//! header frame with a length in it: a stream has none.

use crate::encode::average;
use crate::encode::{Channels, EncodeError, Encoded, Encoder};
use crate::pcm::block::Block;
use bytes::{Bytes, BytesMut};
use common::mpeg::frame::Header;
use mp3lame_encoder as lame;
use std::fmt;
use std::num::NonZeroU32;

/// How to encode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mp3 {
    /// Sample frames per second: one of [`RATES_HZ`].
    pub rate_hz: u32,
    /// How the channels are encoded.
    pub sides: Sides,
    /// How many bits frames have.
    pub bits: Bits,
    /// LAME's effort: 0 is the best and slowest, 9 the fastest. 5 costs about 1 % of a core, 2
    /// about 1.5 %.
    pub quality: u8,
}

/// How the channels are encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sides {
    /// What they have in common is shared, frame by frame, where that helps.
    #[default]
    Joint,
    /// There is one channel.
    Mono,
    /// Each for itself.
    Separate,
}

/// How many bits frames have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bits {
    /// As many as the sound needs, but in the mean as this bit rate makes, in kbit/s: one of
    /// [`bitrates_kbps`] at the sample rate.
    Average(u32),
    /// As many as this bit rate makes, in kbit/s: one of [`bitrates_kbps`] at the sample rate.
    Constant(u32),
    /// As many as this quality takes: 0 is the best (about 245 kbit/s at 44.1 kHz), 2 about 190,
    /// 9 the smallest (about 65).
    Variable(u8),
}

/// The encoder of a whole run.
pub(crate) struct Mp3Encoder {
    lame: lame::Encoder,
    channels: Channels,
    /// What LAME gave that is not yet a whole frame.
    pending: BytesMut,
    scratch: Vec<u8>,
}

impl Mp3 {
    /// At a constant bit rate, in joint stereo.
    pub const fn constant(rate_hz: u32, bitrate_kbps: u32, quality: u8) -> Self {
        Self { rate_hz, sides: Sides::Joint, bits: Bits::Constant(bitrate_kbps), quality }
    }

    /// How many channels it has.
    pub fn channels(&self) -> Channels {
        match self.sides {
            Sides::Joint | Sides::Separate => Channels::Stereo,
            Sides::Mono => Channels::Mono,
        }
    }

    /// Sample frames in a frame: 1 152 in MPEG-1, 576 in MPEG-2.
    pub fn frame_sample_frames(&self) -> u32 {
        if is_mpeg1(self.rate_hz) { 1_152 } else { 576 }
    }
}

/// The bit rates that MP3 has at `rate_hz`, in kbit/s.
pub fn bitrates_kbps(rate_hz: u32) -> &'static [u32] {
    let (low, high) = match rate_hz {
        ..16_000 => (8, 64), // MPEG-2.5
        _ if is_mpeg1(rate_hz) => (32, 320),
        _ => (8, 160),
    };
    let from = BITRATES_KBPS.partition_point(|&kbps| kbps < low);
    let to = BITRATES_KBPS.partition_point(|&kbps| kbps <= high);
    &BITRATES_KBPS[from..to]
}

fn is_mpeg1(rate_hz: u32) -> bool {
    rate_hz >= 32_000
}

impl Mp3Encoder {
    /// An encoder with these settings.
    pub(crate) fn new(settings: Mp3) -> Result<Self, EncodeError> {
        let refused = |reason: String| EncodeError::Refused {
            encoder: ENCODER,
            settings: settings.to_string(),
            reason,
        };
        if !RATES_HZ.contains(&settings.rate_hz) {
            return Err(refused("no sample rate of MP3".to_owned()));
        }
        let quality = *QUALITIES
            .get(usize::from(settings.quality))
            .ok_or_else(|| refused("not a quality from 0 to 9".to_owned()))?;
        let lame = lame::Builder::new().ok_or_else(|| refused("out of memory".to_owned()))?;
        let channels = settings.channels();
        let (count, mode) = match settings.sides {
            Sides::Joint => (2, lame::Mode::JointStereo),
            Sides::Mono => (1, lame::Mode::Mono),
            Sides::Separate => (2, lame::Mode::Stereo),
        };
        let lame = lame
            .with_sample_rate(settings.rate_hz)
            .and_then(|lame| lame.with_output_sample_rate(NonZeroU32::new(settings.rate_hz)))
            .and_then(|lame| lame.with_num_channels(count))
            .and_then(|lame| lame.with_mode(mode))
            .and_then(|lame| lame.with_quality(quality))
            .and_then(|lame| lame.with_to_write_vbr_tag(false))
            .map_err(|error| refused(error.to_string()))?;
        let possible =
            |kbps: u32| Some(kbps).filter(|_| bitrates_kbps(settings.rate_hz).contains(&kbps));
        let lame = match settings.bits {
            Bits::Average(kbps) => {
                let kbps = possible(kbps).and_then(|kbps| u16::try_from(kbps).ok());
                let kbps = kbps.ok_or_else(|| refused(NO_BITRATE.to_owned()))?;
                lame.with_vbr_mode(lame::VbrMode::Abr).and_then(|mut lame| {
                    average::aim_at(&mut lame, kbps)
                        .then_some(lame)
                        .ok_or(lame::BuildError::BadBRate)
                })
            }
            Bits::Constant(kbps) => {
                let bitrate = possible(kbps).and_then(bitrate);
                let bitrate = bitrate.ok_or_else(|| refused(NO_BITRATE.to_owned()))?;
                lame.with_vbr_mode(lame::VbrMode::Off).and_then(|lame| lame.with_brate(bitrate))
            }
            Bits::Variable(quality) => {
                let quality = *QUALITIES
                    .get(usize::from(quality))
                    .ok_or_else(|| refused("not a quality from 0 to 9".to_owned()))?;
                lame.with_vbr_mode(lame::VbrMode::Mtrh)
                    .and_then(|lame| lame.with_vbr_quality(quality))
            }
        };
        let lame =
            lame.and_then(lame::Builder::build).map_err(|error| refused(error.to_string()))?;
        Ok(Self { lame, channels, pending: BytesMut::new(), scratch: Vec::new() })
    }
}

impl fmt::Display for Mp3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bits {
            Bits::Average(kbps) => write!(f, "{kbps} kbit/s in the mean")?,
            Bits::Constant(kbps) => write!(f, "{kbps} kbit/s")?,
            Bits::Variable(quality) => write!(f, "variable bit rate {quality}")?,
        }
        write!(f, " at {} Hz, quality {}", self.rate_hz, self.quality)
    }
}

impl Encoder for Mp3Encoder {
    fn feed(&mut self, block: &Block) -> Result<(), EncodeError> {
        self.scratch.clear();
        self.scratch.reserve(lame::max_required_buffer_size(block.sample_frames()));
        let encoded = match self.channels {
            Channels::Mono => {
                self.lame.encode_to_vec(lame::MonoPcm(block.plane(0)), &mut self.scratch)
            }
            Channels::Stereo => {
                let input = lame::DualPcm { left: block.plane(0), right: block.plane(1) };
                self.lame.encode_to_vec(input, &mut self.scratch)
            }
        };
        encoded
            .map_err(|error| EncodeError::Failed { encoder: ENCODER, reason: error.to_string() })?;
        self.pending.extend_from_slice(&self.scratch);
        Ok(())
    }

    fn frame(&mut self) -> Option<Encoded> {
        let header = Header::mpeg(&self.pending)?;
        (self.pending.len() >= header.frame_bytes).then(|| Encoded {
            bytes: self.pending.split_to(header.frame_bytes).freeze(),
            sample_frames: header.sample_frames,
            head: Bytes::new(),
        })
    }
}

fn bitrate(kbps: u32) -> Option<lame::Bitrate> {
    Some(match kbps {
        8 => lame::Bitrate::Kbps8,
        16 => lame::Bitrate::Kbps16,
        24 => lame::Bitrate::Kbps24,
        32 => lame::Bitrate::Kbps32,
        40 => lame::Bitrate::Kbps40,
        48 => lame::Bitrate::Kbps48,
        64 => lame::Bitrate::Kbps64,
        80 => lame::Bitrate::Kbps80,
        96 => lame::Bitrate::Kbps96,
        112 => lame::Bitrate::Kbps112,
        128 => lame::Bitrate::Kbps128,
        160 => lame::Bitrate::Kbps160,
        192 => lame::Bitrate::Kbps192,
        224 => lame::Bitrate::Kbps224,
        256 => lame::Bitrate::Kbps256,
        320 => lame::Bitrate::Kbps320,
        _ => return None,
    })
}

/// The sample rates of MPEG-2.5, MPEG-2 and MPEG-1.
pub const RATES_HZ: [u32; 9] =
    [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000];
/// The bit rates that LAME has at one sample rate or another.
pub const BITRATES_KBPS: [u32; 16] =
    [8, 16, 24, 32, 40, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
/// The worst quality, of the encoder's effort and of a variable bit rate.
pub const QUALITY_MAX: u8 = 9;
const ENCODER: &str = "LAME";
const NO_BITRATE: &str = "no bit rate of MP3 at this sample rate";
const QUALITIES: [lame::Quality; QUALITY_MAX as usize + 1] = [
    lame::Quality::Best,
    lame::Quality::SecondBest,
    lame::Quality::NearBest,
    lame::Quality::VeryNice,
    lame::Quality::Nice,
    lame::Quality::Good,
    lame::Quality::Decent,
    lame::Quality::Ok,
    lame::Quality::SecondWorst,
    lame::Quality::Worst,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mix::tone::{Filler, Sound};
    use crate::pcm::block::Layout;

    #[test]
    fn every_bit_rate_and_rate_gives_whole_frames_of_that_kind_and_no_more() {
        for rate_hz in RATES_HZ {
            for &kbps in bitrates_kbps(rate_hz) {
                let settings = Mp3::constant(rate_hz, kbps, 7);
                let mut encoder = Mp3Encoder::new(settings).unwrap();

                let frames = encoded(&mut encoder, settings, 60);

                // A frame may have borrowed bits 511 bytes back, and waits until they are there.
                let behind = 511 / frames[0].len() + 6;
                let expected = 60 - behind..=60;
                assert!(expected.contains(&frames.len()), "{settings:?}: {}", frames.len());
                for frame in frames {
                    let header = Header::mpeg(&frame).unwrap();
                    assert_eq!(header.frame_bytes, frame.len());
                    assert_eq!(header.sample_frames, settings.frame_sample_frames());
                    assert_eq!((header.rate_hz, header.channels), (rate_hz, 2));
                    assert!(header.kbps().abs_diff(kbps) <= 1, "{}", header.kbps());
                }
            }
        }
    }

    #[test]
    fn a_variable_bit_rate_gives_frames_of_several_lengths_and_more_for_more_quality() {
        for rate_hz in RATES_HZ {
            let bytes = [0, 4, 9].map(|quality| {
                let bits = Bits::Variable(quality);
                let settings = Mp3 { bits, ..Mp3::constant(rate_hz, 64, 7) };
                let mut encoder = Mp3Encoder::new(settings).unwrap();
                let noise = crate::test_audio::noise(rate_hz as usize);
                let half = noise.len() / 2;
                let calm = vec![0.0; half];
                for samples in [&noise[..half], &calm] {
                    let block = Block::stereo(rate_hz, samples.to_vec(), samples.to_vec());
                    encoder.feed(&block).unwrap();
                }
                let frames: Vec<_> = std::iter::from_fn(|| encoder.frame()).collect();
                let mut lengths: Vec<_> = frames.iter().map(|frame| frame.bytes.len()).collect();
                let whole = lengths.iter().sum::<usize>();
                let played: u32 = frames.iter().map(|frame| frame.sample_frames).sum();
                // Frames wait until what they borrowed, up to 511 bytes, is there: small ones long.
                let missing = rate_hz - played;
                assert!(missing <= 24 * settings.frame_sample_frames(), "{rate_hz}: {missing}");
                lengths.sort_unstable();
                lengths.dedup();
                assert!(lengths.len() > 1, "{rate_hz}: {lengths:?}");
                whole
            });
            assert!(bytes.is_sorted_by(|more, less| more > less), "{rate_hz}: {bytes:?}");
        }
    }

    #[test]
    fn an_average_bit_rate_varies_and_is_kept_in_the_mean_at_every_rate() {
        for rate_hz in RATES_HZ {
            let (lowest, highest) =
                (bitrates_kbps(rate_hz)[1], *bitrates_kbps(rate_hz).last().unwrap());
            let middle = if is_mpeg1(rate_hz) { 128 } else { 32 };
            for kbps in [lowest, middle, highest] {
                let settings = Mp3 { bits: Bits::Average(kbps), ..Mp3::constant(rate_hz, 64, 7) };
                let mut encoder = Mp3Encoder::new(settings).unwrap();
                let noise = crate::test_audio::noise(2 * rate_hz as usize);
                let (left, right) = noise.split_at(rate_hz as usize);
                for _ in 0..10 {
                    let block = Block::stereo(rate_hz, left.to_vec(), right.to_vec());
                    encoder.feed(&block).unwrap();
                }

                let frames: Vec<_> = std::iter::from_fn(|| encoder.frame()).collect();

                let bits = 8 * frames.iter().map(|frame| frame.bytes.len()).sum::<usize>();
                let played: u32 = frames.iter().map(|frame| frame.sample_frames).sum();
                let mean_kbps = bits as f64 / 1_000.0 * f64::from(rate_hz) / f64::from(played);
                let ratio = mean_kbps / f64::from(kbps);
                let first = frames[0].bytes.len();
                assert!(frames.iter().any(|frame| frame.bytes.len() != first), "{rate_hz}, {kbps}");
                assert!((0.85..1.15).contains(&ratio), "{rate_hz} Hz, {kbps}: {mean_kbps}");
            }
        }
    }

    #[test]
    fn one_channel_and_two_apart_are_said_in_every_header() {
        for (sides, mode) in [(Sides::Mono, 3), (Sides::Separate, 0), (Sides::Joint, 1)] {
            let settings = Mp3 { sides, ..Mp3::constant(44_100, 64, 7) };
            let mut encoder = Mp3Encoder::new(settings).unwrap();
            let noise = crate::test_audio::noise(44_100);
            let block = match settings.channels() {
                Channels::Mono => Block::of(44_100, Layout::mono(), vec![noise]).unwrap(),
                Channels::Stereo => Block::stereo(44_100, noise.clone(), noise),
            };
            encoder.feed(&block).unwrap();

            let frames: Vec<_> = std::iter::from_fn(|| encoder.frame()).collect();
            assert!(frames.len() > 30);
            assert!(frames.iter().all(|frame| frame.bytes[3] >> 6 == mode), "{sides:?}");
        }
    }

    #[test]
    fn the_first_frame_is_audio_and_not_a_header_with_a_length() {
        for bits in [Bits::Constant(128), Bits::Variable(2)] {
            let settings = Mp3 { bits, ..Mp3::constant(44_100, 128, 5) };

            let frames = encoded(&mut Mp3Encoder::new(settings).unwrap(), settings, 10);

            for tag in [&b"Xing"[..], b"Info"] {
                assert!(!frames[0].windows(4).any(|four| four == tag));
            }
        }
    }

    #[test]
    fn settings_that_mp3_does_not_have_are_refused_with_a_reason() {
        let usual = Mp3::constant(44_100, 128, 5);
        for settings in [
            Mp3 { bits: Bits::Constant(127), ..usual },
            Mp3 { bits: Bits::Constant(24), ..usual },
            Mp3 { bits: Bits::Average(100), ..usual },
            Mp3 { bits: Bits::Variable(10), ..usual },
            Mp3 { quality: 10, ..usual },
            Mp3 { rate_hz: 44_101, ..usual },
        ] {
            let refused = Mp3Encoder::new(settings).err().unwrap();

            assert!(refused.to_string().contains("LAME refuses"), "{refused}");
        }
    }

    fn encoded(encoder: &mut Mp3Encoder, settings: Mp3, frames: usize) -> Vec<Bytes> {
        let mut tone = Filler::new(Sound::Tone, settings.rate_hz);
        let mut encoded = Vec::new();
        for _ in 0..frames {
            encoder.feed(&tone.next(settings.frame_sample_frames() as usize)).unwrap();
            encoded.extend(std::iter::from_fn(|| encoder.frame()).map(|frame| frame.bytes));
        }
        encoded
    }
}

//! MP3 at a constant bit rate, by LAME.
//!
//! LAME gives bytes when it likes: nothing at first, then more or less than a frame at a time,
//! because it borrows bits across frames. What leaves here are whole frames, one for every 1 152
//! sample frames that went in (MPEG-2, at 24 kHz and below: 576), a few calls later. There is no
//! header frame with a length in it: a stream has none.

use crate::encode::{EncodeError, Encoded, Encoder};
use crate::pcm::block::Block;
use bytes::{Bytes, BytesMut};
use common::mpeg::frame::Header;
use mp3lame_encoder as lame;
use std::num::NonZeroU32;

/// How to encode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mp3 {
    /// Sample frames per second: one of [`RATES_HZ`].
    pub rate_hz: u32,
    /// One of [`bitrates_kbps`] at that rate.
    pub bitrate_kbps: u32,
    /// LAME's effort: 0 is the best and slowest, 9 the fastest. 5 costs about 1 % of a core, 2
    /// about 1.5 %.
    pub quality: u8,
}

/// The encoder of a whole run.
pub(crate) struct Mp3Encoder {
    lame: lame::Encoder,
    /// What LAME gave that is not yet a whole frame.
    pending: BytesMut,
    scratch: Vec<u8>,
}

impl Mp3 {
    /// Sample frames in a frame: 1 152 in MPEG-1, 576 in MPEG-2.
    pub fn frame_sample_frames(&self) -> u32 {
        if is_mpeg1(self.rate_hz) { 1_152 } else { 576 }
    }
}

/// The bit rates that MP3 has at `rate_hz`, in kbit/s.
pub fn bitrates_kbps(rate_hz: u32) -> &'static [u32] {
    let (low, high) = if is_mpeg1(rate_hz) { (32, 320) } else { (8, 160) };
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
            settings: format!(
                "{} kbit/s at {} Hz, quality {}",
                settings.bitrate_kbps, settings.rate_hz, settings.quality
            ),
            reason,
        };
        let bitrate = Some(settings.bitrate_kbps)
            .filter(|kbps| bitrates_kbps(settings.rate_hz).contains(kbps))
            .and_then(bitrate)
            .ok_or_else(|| refused("no bit rate of MP3 at this sample rate".to_owned()))?;
        let quality = *QUALITIES
            .get(usize::from(settings.quality))
            .ok_or_else(|| refused("not a quality from 0 to 9".to_owned()))?;
        let lame = lame::Builder::new().ok_or_else(|| refused("out of memory".to_owned()))?;
        let lame = lame
            .with_sample_rate(settings.rate_hz)
            .and_then(|lame| lame.with_output_sample_rate(NonZeroU32::new(settings.rate_hz)))
            .and_then(|lame| lame.with_num_channels(2))
            .and_then(|lame| lame.with_brate(bitrate))
            .and_then(|lame| lame.with_mode(lame::Mode::JointStereo))
            .and_then(|lame| lame.with_quality(quality))
            .and_then(|lame| lame.with_vbr_mode(lame::VbrMode::Off))
            .and_then(|lame| lame.with_to_write_vbr_tag(false))
            .and_then(lame::Builder::build)
            .map_err(|error| refused(error.to_string()))?;
        Ok(Self { lame, pending: BytesMut::new(), scratch: Vec::new() })
    }
}

impl Encoder for Mp3Encoder {
    fn feed(&mut self, block: &Block) -> Result<(), EncodeError> {
        self.scratch.clear();
        self.scratch.reserve(lame::max_required_buffer_size(block.sample_frames()));
        let input = lame::DualPcm { left: block.plane(0), right: block.plane(1) };
        self.lame
            .encode_to_vec(input, &mut self.scratch)
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

/// The sample rates of MPEG-1 and MPEG-2.
pub const RATES_HZ: [u32; 6] = [16_000, 22_050, 24_000, 32_000, 44_100, 48_000];
/// The bit rates that LAME has at one sample rate or another.
pub const BITRATES_KBPS: [u32; 16] =
    [8, 16, 24, 32, 40, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
/// The worst quality.
pub const QUALITY_MAX: u8 = 9;
const ENCODER: &str = "LAME";
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

    #[test]
    fn every_bit_rate_and_rate_gives_whole_frames_of_that_kind_and_no_more() {
        for rate_hz in RATES_HZ {
            for &bitrate_kbps in bitrates_kbps(rate_hz) {
                let settings = Mp3 { rate_hz, bitrate_kbps, quality: 7 };
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
                    assert!(header.kbps().abs_diff(bitrate_kbps) <= 1, "{}", header.kbps());
                }
            }
        }
    }

    #[test]
    fn the_first_frame_is_audio_and_not_a_header_with_a_length() {
        let settings = Mp3 { rate_hz: 44_100, bitrate_kbps: 128, quality: 5 };

        let frames = encoded(&mut Mp3Encoder::new(settings).unwrap(), settings, 10);

        for tag in [&b"Xing"[..], b"Info"] {
            assert!(!frames[0].windows(4).any(|four| four == tag));
        }
    }

    #[test]
    fn settings_that_mp3_does_not_have_are_refused_with_a_reason() {
        for (rate_hz, bitrate_kbps, quality) in
            [(44_100, 127, 5), (44_100, 24, 5), (44_100, 128, 10), (44_101, 128, 5)]
        {
            let refused = Mp3Encoder::new(Mp3 { rate_hz, bitrate_kbps, quality }).err().unwrap();

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

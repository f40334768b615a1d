//! Frame headers of MPEG audio (ISO 11172-3, 13818-3) and ADTS (ISO 14496-3): length, rate,
//! duration.
//!
//! Both kinds begin with a *sync*, eleven or twelve set bits, which also occurs by chance in
//! audio. One header alone therefore proves little; [`Header::continues`] says whether two may be
//! of one stream, and a reader that looks for a place to begin wants two in a row.
//!
//! Free-format MPEG frames carry no length and are not recognised.

use std::time::Duration;

/// A frame header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Bytes of the frame, its header included; never less than the header.
    pub frame_bytes: usize,
    /// Sample frames it decodes to.
    pub sample_frames: u32,
    /// Sample frames per second.
    pub rate_hz: u32,
    /// Channels it decodes to; 0 where ADTS leaves it to the payload.
    pub channels: u8,
    kind: Kind,
}

/// What must stay the same from frame to frame of one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Adts { mpeg2: bool, profile: u8 },
    Mpeg { version: u8, layer: u8 },
}

impl Header {
    /// The MPEG audio header at the start of `bytes`, of which it needs [`MPEG_HEADER_BYTES`].
    pub fn mpeg(bytes: &[u8]) -> Option<Self> {
        let &[a, b, c, d] = bytes.first_chunk()?;
        if a != 0xFF || b & 0xE0 != 0xE0 {
            return None;
        }
        let (version, layer) = (b >> 3 & 3, b >> 1 & 3);
        let (rate_index, bitrate_index) = (usize::from(c >> 2 & 3), usize::from(c >> 4));
        if version == VERSION_RESERVED || layer == LAYER_RESERVED || d & 3 == EMPHASIS_RESERVED {
            return None;
        }
        let rate_hz = *MPEG1_RATES_HZ.get(rate_index)? >> version_shift(version);
        let row = match (version == VERSION_1, layer) {
            (true, LAYER_1) => 0,
            (true, LAYER_2) => 1,
            (true, _) => 2,
            (false, LAYER_1) => 3,
            (false, _) => 4,
        };
        let kbps: u32 = (*BITRATES_KBPS[row].get(bitrate_index)?).into();
        if kbps == 0 {
            return None;
        }
        let padding = u32::from(c >> 1 & 1);
        let sample_frames = match layer {
            LAYER_1 => 384,
            LAYER_3 if version != VERSION_1 => 576,
            _ => 1_152,
        };
        let frame_bytes = match layer {
            LAYER_1 => (12_000 * kbps / rate_hz + padding) * 4,
            _ => sample_frames / 8 * 1_000 * kbps / rate_hz + padding,
        };
        let channels = if d >> 6 == MODE_MONO { 1 } else { 2 };
        let kind = Kind::Mpeg { version, layer };
        let frame_bytes = usize::try_from(frame_bytes).ok()?;
        Some(Self { frame_bytes, sample_frames, rate_hz, channels, kind })
    }

    /// The ADTS header at the start of `bytes`, of which it needs [`ADTS_HEADER_BYTES`].
    pub fn adts(bytes: &[u8]) -> Option<Self> {
        let &[a, b, c, d, e, f, g] = bytes.first_chunk()?;
        if a != 0xFF || b & 0xF6 != 0xF0 {
            return None;
        }
        let rate_hz = *AAC_RATES_HZ.get(usize::from(c >> 2 & 15))?;
        let frame_bytes = usize::from(d & 3) << 11 | usize::from(e) << 3 | usize::from(f >> 5);
        let with_crc = b & 1 == 0;
        if frame_bytes < ADTS_HEADER_BYTES + if with_crc { 2 } else { 0 } {
            return None;
        }
        let channels = match (c & 1) << 2 | d >> 6 {
            7 => 8,
            configuration => configuration,
        };
        let kind = Kind::Adts { mpeg2: b & 8 != 0, profile: c >> 6 };
        let sample_frames = 1_024 * (u32::from(g & 3) + 1);
        Some(Self { frame_bytes, sample_frames, rate_hz, channels, kind })
    }

    /// Whether a frame with header `next` may follow in the same stream. Bit rate, padding and
    /// channels may change; version, layer or profile, and rate may not.
    pub fn continues(&self, next: &Self) -> bool {
        self.kind == next.kind && self.rate_hz == next.rate_hz
    }

    /// How long the frame plays.
    pub fn plays(&self) -> Duration {
        Duration::from_nanos(
            u64::from(self.sample_frames) * 1_000_000_000 / u64::from(self.rate_hz),
        )
    }

    /// The bit rate that frames of this size make, in kbit/s, rounded.
    pub fn kbps(&self) -> u32 {
        let bits_per_second =
            self.frame_bytes as u64 * 8 * u64::from(self.rate_hz) / u64::from(self.sample_frames);
        u32::try_from((bits_per_second + 500) / 1_000).unwrap_or(u32::MAX)
    }
}

fn version_shift(version: u8) -> u32 {
    match version {
        VERSION_1 => 0,
        VERSION_2 => 1,
        _ => 2,
    }
}

/// Bytes of an MPEG audio header.
pub const MPEG_HEADER_BYTES: usize = 4;
/// Bytes of an ADTS header without checksum.
pub const ADTS_HEADER_BYTES: usize = 7;
/// No frame of either kind is longer: ADTS counts in 13 bits, and the longest MPEG frame has
/// 2 881 bytes.
pub const FRAME_BYTES_MAX: usize = 8_191;

const VERSION_1: u8 = 3;
const VERSION_2: u8 = 2;
const VERSION_RESERVED: u8 = 1;
const LAYER_1: u8 = 3;
const LAYER_2: u8 = 2;
const LAYER_3: u8 = 1;
const LAYER_RESERVED: u8 = 0;
const EMPHASIS_RESERVED: u8 = 2;
const MODE_MONO: u8 = 3;
const MPEG1_RATES_HZ: [u32; 3] = [44_100, 48_000, 32_000];
/// Per row: MPEG-1 layers I, II, III; MPEG-2 layer I, layers II and III. Zero is free format.
const BITRATES_KBPS: [[u16; 15]; 5] = [
    [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];
const AAC_RATES_HZ: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_layer_iii_frame_of_128_kbps_at_44_1_khz_has_417_bytes_and_418_when_padded() {
        let plain = Header::mpeg(&[0xFF, 0xFB, 0x90, 0x64]).unwrap();
        let padded = Header::mpeg(&[0xFF, 0xFB, 0x92, 0x64]).unwrap();

        assert_eq!((plain.frame_bytes, padded.frame_bytes), (417, 418));
        assert_eq!((plain.sample_frames, plain.rate_hz, plain.channels), (1_152, 44_100, 2));
        assert_eq!((plain.kbps(), plain.plays().as_micros()), (128, 26_122));
        assert!(plain.continues(&padded));
    }

    #[test]
    fn lower_rates_and_other_layers_have_their_own_lengths() {
        for (bytes, frame_bytes, sample_frames, rate_hz) in [
            ([0xFF, 0xF3, 0x80, 0xC0], 208, 576, 22_050), // MPEG-2 layer III, 64 kbit/s, mono
            ([0xFF, 0xE3, 0x80, 0x00], 417, 576, 11_025), // MPEG-2.5 layer III, 64 kbit/s
            ([0xFF, 0xFD, 0x84, 0x00], 384, 1_152, 48_000), // layer II, 128 kbit/s
            ([0xFF, 0xFF, 0x42, 0x00], 140, 384, 44_100), // layer I, 128 kbit/s, padded
        ] {
            let header = Header::mpeg(&bytes).unwrap();

            assert_eq!(
                (header.frame_bytes, header.sample_frames, header.rate_hz),
                (frame_bytes, sample_frames, rate_hz),
                "{bytes:x?}"
            );
        }
    }

    #[test]
    fn reserved_values_and_free_format_are_no_header() {
        for bytes in [
            [0xFF, 0xEB, 0x90, 0x00], // version
            [0xFF, 0xF9, 0x90, 0x00], // layer
            [0xFF, 0xFB, 0x9C, 0x00], // rate
            [0xFF, 0xFB, 0xF0, 0x00], // bit rate
            [0xFF, 0xFB, 0x00, 0x00], // free format
            [0xFF, 0xFB, 0x90, 0x02], // emphasis
            [0xFE, 0xFB, 0x90, 0x00], // sync
        ] {
            assert_eq!(Header::mpeg(&bytes), None, "{bytes:x?}");
        }
    }

    #[test]
    fn an_adts_header_tells_length_rate_and_channels() {
        let header = Header::adts(&[0xFF, 0xF1, 0x50, 0x80, 0x2E, 0x7F, 0xFC]).unwrap();

        assert_eq!((header.frame_bytes, header.sample_frames), (371, 1_024));
        assert_eq!((header.rate_hz, header.channels), (44_100, 2));
    }

    #[test]
    fn an_adts_frame_shorter_than_its_header_is_none() {
        assert_eq!(Header::adts(&[0xFF, 0xF1, 0x50, 0x80, 0x00, 0xDF, 0xFC]), None);
        assert!(Header::adts(&[0xFF, 0xF1, 0x50, 0x80, 0x00, 0xFF, 0xFC]).is_some());
    }

    #[test]
    fn mpeg_audio_is_not_taken_for_adts_nor_the_other_way_round() {
        assert_eq!(Header::adts(&[0xFF, 0xFB, 0x90, 0x64, 0, 0, 0]), None);
        assert_eq!(Header::mpeg(&[0xFF, 0xF1, 0x50, 0x80, 0x2E, 0x7F, 0xFC]), None);
    }

    #[test]
    fn a_stream_does_not_go_on_with_another_rate_or_layer() {
        let one = Header::mpeg(&[0xFF, 0xFB, 0x90, 0x64]).unwrap();
        let other_rate = Header::mpeg(&[0xFF, 0xFB, 0x94, 0x64]).unwrap();
        let other_layer = Header::mpeg(&[0xFF, 0xFD, 0x90, 0x64]).unwrap();

        assert!(!one.continues(&other_rate) && !one.continues(&other_layer));
    }

    proptest! {
        #[test]
        fn every_header_tells_a_length_within_the_limit(bytes in any::<[u8; 7]>()) {
            let mut bytes = bytes;
            bytes[0] = 0xFF;
            for header in [Header::mpeg(&bytes), Header::adts(&bytes)].into_iter().flatten() {
                prop_assert!(header.frame_bytes >= MPEG_HEADER_BYTES);
                prop_assert!(header.frame_bytes <= FRAME_BYTES_MAX);
                prop_assert!(header.plays() > Duration::ZERO);
            }
        }
    }
}

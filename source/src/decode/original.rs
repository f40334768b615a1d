//! What a file is encoded as, if its packets can be sent as they are, and those packets.
//!
//! Those of MP3 are frames already. Those of AAC become ADTS frames, since MP4 keeps them without
//! heads; a head says no more than how long the frame is, and what is the same in all of them.

use crate::decode::bitrate::Frames;
use crate::decode::codec::{is_opus, may_be_he_aac};
use crate::passage;
use bytes::Bytes;
use common::mpeg::frame::{ADTS_HEADER_BYTES, FRAME_BYTES_MAX, Header};
use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_AAC, CODEC_ID_FLAC, CODEC_ID_MP3, CODEC_ID_VORBIS,
};
use symphonia::core::packet::Packet;

/// The packets of what was decoded.
pub(super) enum Kept {
    /// Nobody wants them, or one is missing.
    Nothing,
    /// Those since they were last asked for.
    Packets {
        /// What they are packets of.
        kind: Kind,
        /// In their order.
        packets: Vec<passage::Packet>,
    },
}

/// What packets are made of, as far as it matters here.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// AAC, which gets a head that begins so.
    Aac([u8; 4]),
    /// MP3; the last frame said that its bit rate is this, if there was one.
    Mp3(Option<u8>),
    /// Opus, which may hold more than is heard.
    Opus,
    /// They are as they are.
    Plain,
}

/// What an audio track with these parameters is encoded as, in a file that is called `container`
/// and has such `frames`, of which `delay` sample frames are left out at the beginning.
pub(super) fn original(
    parameters: &AudioCodecParameters,
    container: &str,
    frames: Option<Frames>,
    delay: u32,
) -> Option<passage::Original> {
    let rate_hz = parameters.sample_rate?;
    let setup = parameters.extra_data.as_deref();
    let alike = frames.filter(|frames| frames.are_alike);
    let (codec, setup) = match (parameters.codec, container) {
        (CODEC_ID_AAC, "aac" | "isomp4") if is_plain_aac(parameters) => {
            let kbps = alike?.kbps(AAC_SAMPLE_FRAMES, rate_hz)?;
            (passage::Codec::Aac { kbps }, &[][..])
        }
        (CODEC_ID_FLAC, "flac" | "ogg") => {
            (passage::Codec::Flac { bits: parameters.bits_per_sample? }, setup?)
        }
        (CODEC_ID_MP3, "mp3") => {
            let sample_frames = if rate_hz >= MPEG1_RATE_MIN_HZ { 1_152 } else { 576 };
            (passage::Codec::Mp3 { kbps: alike?.kbps(sample_frames, rate_hz)? }, &[][..])
        }
        (CODEC_ID_VORBIS, "ogg") => (passage::Codec::Vorbis, setup?),
        (_, "ogg") if is_opus(parameters) => (passage::Codec::Opus, setup?),
        _ => return None,
    };
    let channels = parameters.channels.as_ref()?.count();
    let setup = Bytes::copy_from_slice(setup);
    Some(passage::Original { codec, rate_hz, channels, setup, delay })
}

/// Whether it is AAC of low complexity, as MP4 says it (ISO 14496-3, `AudioSpecificConfig`): in
/// frames of 1 024 sample frames, which depend on nothing. ADTS says it in each frame.
fn is_plain_aac(parameters: &AudioCodecParameters) -> bool {
    const LOW_COMPLEXITY: u8 = 2;
    const SHORT_DEPENDENT_OR_EXTENDED: u8 = 7;
    /// What may follow, to say whether there is spectral band replication; then it says so.
    const EXTENSION: [u8; 2] = [0x56, 0xe5];
    let is_plain = match parameters.extra_data.as_deref() {
        None => true,
        Some([a, b, rest @ ..]) => {
            let is_extended = match rest {
                [] => false,
                [c, d, is_there, ..] => [*c, *d] != EXTENSION || is_there & 0x80 != 0,
                [_, ..] => true,
            };
            a >> 3 == LOW_COMPLEXITY && b & SHORT_DEPENDENT_OR_EXTENDED == 0 && !is_extended
        }
        Some([] | [_]) => false,
    };
    is_plain && !may_be_he_aac(parameters)
}

impl Kind {
    /// What packets of `original` are made of.
    pub(super) fn of(original: &passage::Original) -> Self {
        match original.codec {
            passage::Codec::Aac { .. } => Self::Aac(adts(original)),
            passage::Codec::Mp3 { .. } => Self::Mp3(None),
            passage::Codec::Opus => Self::Opus,
            passage::Codec::Flac { .. } | passage::Codec::Vorbis => Self::Plain,
        }
    }

    /// What is sent of a packet that is `data`; nothing, if it cannot be.
    fn sent(&mut self, data: &[u8]) -> Option<Bytes> {
        match self {
            Self::Aac(head) => {
                let length = ADTS_HEADER_BYTES + data.len();
                let bits = u32::try_from(length).ok().filter(|_| length <= FRAME_BYTES_MAX)?;
                let [.., high, middle, low] = (bits << 5 | ADTS_FULLNESS_HIGH).to_be_bytes();
                let [a, b, c, d] = *head;
                let head = [a, b, c, d | high, middle, low, ADTS_FULLNESS_LOW];
                Some([&head[..], data].concat().into())
            }
            Self::Mp3(kbps) => {
                let third = *data.get(2)? >> 4;
                let begins = kbps.is_none();
                let is_alike = third == *kbps.get_or_insert(third);
                let may_be_first = !begins || borrows_nothing(data);
                (is_alike && may_be_first).then(|| Bytes::copy_from_slice(data))
            }
            Self::Opus | Self::Plain => Some(Bytes::copy_from_slice(data)),
        }
    }
}

/// How every ADTS head of `original` begins (ISO 14496-3): no checksum, low complexity.
fn adts(original: &passage::Original) -> [u8; 4] {
    const LOW_COMPLEXITY: u8 = 1;
    let rate = ADTS_RATES_HZ.iter().position(|rate_hz| *rate_hz == original.rate_hz);
    let rate = rate.and_then(|rate| u8::try_from(rate).ok()).unwrap_or(ADTS_RATE_UNKNOWN);
    let channels = u8::try_from(original.channels).unwrap_or_default() & 3;
    [0xff, 0xf1, LOW_COMPLEXITY << 6 | rate << 2, channels << 6]
}

/// Whether the frame of MP3 in `data` needs no bytes of those before it.
fn borrows_nothing(data: &[u8]) -> bool {
    let Some(header) = Header::mpeg(data) else { return false };
    let side = if data[1] & 1 == 0 { 6 } else { 4 }; // behind the checksum, if there is one
    match data.get(side..side + 2) {
        Some([first, second]) if header.sample_frames == 1_152 => *first == 0 && second & 0x80 == 0,
        Some([first, _]) => *first == 0,
        _ => false,
    }
}

impl Kept {
    /// Keeps `packet`, if packets are kept, of which so many sample frames are heard. One of Opus
    /// may hold more, which lie before the recording or after it.
    pub(super) fn keep(&mut self, packet: &Packet, heard: usize) {
        let Self::Packets { kind, packets } = self else { return };
        let Some(bytes) = kind.sent(&packet.data) else {
            *self = Self::Nothing;
            return;
        };
        let heard = u32::try_from(heard).unwrap_or(u32::MAX);
        let whole = packet.dur.get() + packet.trim_start.get() + packet.trim_end.get();
        packets.push(passage::Packet {
            bytes,
            sample_frames: match kind {
                Kind::Opus => u32::try_from(whole).unwrap_or(heard),
                Kind::Aac(_) | Kind::Mp3(_) | Kind::Plain => heard,
            },
            heard,
        });
    }

    /// What was kept; `None` if not everything was.
    pub(super) fn take(&mut self) -> Option<Vec<passage::Packet>> {
        match self {
            Self::Nothing => None,
            Self::Packets { packets, .. } => Some(std::mem::take(packets)),
        }
    }
}

const AAC_SAMPLE_FRAMES: u32 = 1_024;
const MPEG1_RATE_MIN_HZ: u32 = 32_000;
/// As ADTS counts them.
const ADTS_RATES_HZ: [u32; 6] = [96_000, 88_200, 64_000, 48_000, 44_100, 32_000];
const ADTS_RATE_UNKNOWN: u8 = 15;
/// That the decoder's buffer is not kept account of, in the bits behind the length, and that the
/// frame holds one packet.
const ADTS_FULLNESS_HIGH: u32 = 0x1f;
const ADTS_FULLNESS_LOW: u8 = 0xfc;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aac_gets_heads_that_say_what_it_is_and_how_long() {
        for (rate_hz, channels) in [(44_100, 2), (48_000, 1), (32_000, 2)] {
            let codec = passage::Codec::Aac { kbps: 96 };
            let (setup, delay) = (Bytes::new(), 0);
            let original = passage::Original { codec, rate_hz, channels, setup, delay };
            let mut kind = Kind::of(&original);

            for length in [1, 300, FRAME_BYTES_MAX - ADTS_HEADER_BYTES] {
                let frame = kind.sent(&vec![0x55; length]).unwrap();

                let header = Header::adts(&frame).unwrap();
                assert_eq!((header.rate_hz, usize::from(header.channels)), (rate_hz, channels));
                assert_eq!((header.frame_bytes, frame.len()), (frame.len(), length + 7));
                assert_eq!(header.sample_frames, 1_024);
            }
            assert_eq!(kind.sent(&[0; FRAME_BYTES_MAX]), None, "too long for a head");
        }
    }

    #[test]
    fn the_first_frame_of_mp3_borrows_nothing_and_no_later_one_has_another_bit_rate() {
        let frame = |third: u8, begin: u8| [0xff, 0xfb, third, 0x64, begin >> 1, begin << 7];
        let mut kind = Kind::Mp3(None);

        assert_eq!(kind.sent(&frame(0x90, 0)).as_deref(), Some(&frame(0x90, 0)[..]));
        assert!(kind.sent(&frame(0x92, 200)).is_some(), "a later one may borrow");
        assert_eq!(kind.sent(&frame(0xa0, 0)), None);
        for begin in [1, 2, 255] {
            assert_eq!(Kind::Mp3(None).sent(&frame(0x90, begin)), None, "{begin}");
        }
        assert_eq!(Kind::Mp3(None).sent(&[0xff, 0xfb, 0x90]), None);
    }

    #[test]
    fn behind_a_checksum_and_in_mpeg_2_the_first_frame_is_known_as_well() {
        let of = |bytes: &[u8]| Kind::Mp3(None).sent(bytes).is_some();

        assert!(of(&[0xff, 0xfa, 0x90, 0x64, 0x12, 0x34, 0, 0]));
        assert!(!of(&[0xff, 0xfa, 0x90, 0x64, 0, 0, 0x12, 0]));
        assert!(of(&[0xff, 0xf3, 0x80, 0xc0, 0, 0xff]));
        assert!(!of(&[0xff, 0xf3, 0x80, 0xc0, 1, 0]));
    }
}

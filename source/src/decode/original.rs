//! What a file is encoded as, if its packets can be sent as they are, and those packets.

use crate::decode::codec::is_opus;
use crate::passage;
use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_FLAC, CODEC_ID_VORBIS};
use symphonia::core::packet::Packet;

/// The packets of what was decoded.
pub(super) enum Kept {
    /// Nobody wants them, or one is missing.
    Nothing,
    /// Those since they were last asked for.
    Packets {
        /// Whether they are Opus.
        is_opus: bool,
        /// In their order.
        packets: Vec<passage::Packet>,
    },
}

/// What an audio track with these parameters is encoded as.
pub(super) fn original(parameters: &AudioCodecParameters) -> Option<passage::Original> {
    let setup = parameters.extra_data.as_deref()?;
    let codec = match parameters.codec {
        CODEC_ID_FLAC => passage::Codec::Flac { bits: parameters.bits_per_sample? },
        CODEC_ID_VORBIS => passage::Codec::Vorbis,
        _ if is_opus(parameters) => passage::Codec::Opus,
        _ => return None,
    };
    Some(passage::Original {
        codec,
        rate_hz: parameters.sample_rate?,
        channels: parameters.channels.as_ref()?.count(),
        setup: bytes::Bytes::copy_from_slice(setup),
    })
}

impl Kept {
    /// Keeps `packet`, if packets are kept, of which so many sample frames are heard. One of Opus
    /// may hold more, which lie before the recording or after it.
    pub(super) fn keep(&mut self, packet: &Packet, heard: usize) {
        let Self::Packets { is_opus, packets } = self else { return };
        let heard = u32::try_from(heard).unwrap_or(u32::MAX);
        let whole = packet.dur.get() + packet.trim_start.get() + packet.trim_end.get();
        packets.push(passage::Packet {
            bytes: bytes::Bytes::copy_from_slice(&packet.data),
            sample_frames: if *is_opus { u32::try_from(whole).unwrap_or(heard) } else { heard },
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

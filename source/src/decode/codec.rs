//! Packets become blocks, by the library that knows their codec best.
//!
//! Symphonia knows most of them. It has no Opus, and of HE-AAC it decodes the lower half of the
//! treble only; those two have decoders of their own here.

use crate::decode::DecodeError;
#[cfg(feature = "aac")]
use crate::decode::he_aac::HeAac;
use crate::decode::opus::Opus;
use crate::pcm::block::{Block, Layout, Speaker};
use symphonia::core::audio::{Channels, GenericAudioBufferRef, Position};
use symphonia::core::codecs::audio::well_known::{CODEC_ID_AAC, CODEC_ID_OPUS};
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as Fault;
use symphonia::core::packet::Packet;

/// What makes blocks of packets.
pub(super) trait Codec: Send {
    /// What `packet` holds; `None` if that is nothing.
    ///
    /// Fails if the packet is damaged; the next may be whole again.
    fn decode(&mut self, packet: &Packet) -> Result<Option<Block>, Fault>;

    /// After the last packet: more that it brought, as long as there is some.
    fn flush(&mut self) -> Option<Block> {
        None
    }

    /// The next packet does not follow the last.
    fn reset(&mut self);

    /// The sample rate of what comes out, where that is not what the file says.
    fn rate_hz(&self) -> Option<u32> {
        None
    }
}

/// Symphonia's own.
struct Usual(Box<dyn AudioDecoder>);

impl Codec for Usual {
    fn decode(&mut self, packet: &Packet) -> Result<Option<Block>, Fault> {
        self.0.decode(packet).map(|samples| block_of(&samples))
    }

    fn reset(&mut self) {
        self.0.reset();
    }
}

/// The decoder for what has these parameters.
pub(super) fn codec_for(
    parameters: Option<&AudioCodecParameters>,
) -> Result<Box<dyn Codec>, DecodeError> {
    let unknown = || DecodeError::NoAudio("an unknown codec".to_owned());
    let parameters = parameters.ok_or_else(unknown)?;
    if is_opus(parameters) {
        return Ok(Box::new(Opus::new(parameters.extra_data.as_deref().unwrap_or_default())?));
    }
    #[cfg(feature = "aac")]
    if may_be_he_aac(parameters) {
        return Ok(Box::new(HeAac::new(parameters)?));
    }
    let made = symphonia::default::get_codecs()
        .make_audio_decoder(parameters, &AudioDecoderOptions::default());
    if parameters.codec == CODEC_ID_AAC && matches!(made, Err(Fault::Unsupported(_))) {
        return Err(DecodeError::NoAudio("HE-AAC, or AAC of more than two channels".to_owned()));
    }
    Ok(Box::new(Usual(made.map_err(super::no_audio)?)))
}

/// Whether it is Opus, of which Symphonia leaves the lead-in of each stream in place.
pub(super) fn is_opus(parameters: &AudioCodecParameters) -> bool {
    parameters.codec == CODEC_ID_OPUS
}

/// AAC of such a low rate is nearly always HE-AAC, which only its packets tell. MP4 may state the
/// rate that it comes out with, so it is asked what goes in (ISO 14496-3, `AudioSpecificConfig`).
pub(super) fn may_be_he_aac(parameters: &AudioCodecParameters) -> bool {
    const SPECTRAL_BAND_REPLICATION: u8 = 5;
    const PARAMETRIC_STEREO: u8 = 29;
    let config = parameters.extra_data.as_deref().and_then(|config| config.first_chunk::<2>());
    let [kind, rate] = config.map_or([0, u8::MAX], |[a, b]| [a >> 3, (a & 7) << 1 | b >> 7]);
    let is_named = [SPECTRAL_BAND_REPLICATION, PARAMETRIC_STEREO].contains(&kind);
    let is_low = parameters.sample_rate.is_some_and(|rate_hz| rate_hz <= AAC_HALVED_RATE_MAX_HZ);
    let is_low_inside = (AAC_HALVED_RATE_FIRST..AAC_RATES).contains(&rate);
    parameters.codec == CODEC_ID_AAC && (is_named || is_low || is_low_inside)
}

fn block_of(samples: &GenericAudioBufferRef<'_>) -> Option<Block> {
    let layout = layout_of(samples.spec().channels());
    let mut planes: Vec<Vec<f32>> = Vec::new();
    samples.copy_to_vecs_planar(&mut planes);
    Block::of(samples.spec().rate(), layout, planes).filter(|block| block.sample_frames() > 0)
}

fn layout_of(channels: &Channels) -> Layout {
    let speakers: Vec<Speaker> = if channels.count() == 1 {
        vec![Speaker::Centre] // whatever the file calls it
    } else if let Channels::Positioned(positions) = channels {
        positions.iter().map(speaker_at).collect()
    } else {
        (0..channels.count()).map(|at| *FRONT.get(at).unwrap_or(&Speaker::Other)).collect()
    };
    Layout::of(&speakers)
}

fn speaker_at(position: Position) -> Speaker {
    match position {
        Position::FRONT_LEFT => Speaker::Left,
        Position::FRONT_RIGHT => Speaker::Right,
        Position::FRONT_CENTER => Speaker::Centre,
        Position::LFE1 | Position::LFE2 => Speaker::LowFrequency,
        Position::REAR_LEFT | Position::SIDE_LEFT => Speaker::BackLeft,
        Position::REAR_RIGHT | Position::SIDE_RIGHT => Speaker::BackRight,
        Position::REAR_CENTER => Speaker::BackCentre,
        _ => Speaker::Other,
    }
}

const AAC_HALVED_RATE_MAX_HZ: u32 = 24_000;
/// The same as `AudioSpecificConfig` counts rates: from the highest, 96 kHz, down to 7 350 Hz.
const AAC_HALVED_RATE_FIRST: u8 = 6;
const AAC_RATES: u8 = 13;
/// What channels without a name are taken for.
const FRONT: [Speaker; 2] = [Speaker::Left, Speaker::Right];

//! HE-AAC, by the Fraunhofer FDK: the treble that is described instead of encoded (spectral band
//! replication), and the stereo image that is described as well in version 2.
//!
//! Nothing but the packets tells that a file at 22.05 kHz is HE-AAC and sounds at 44.1 kHz. So
//! what comes out has the rate and channels that the FDK says, and plain AAC of that rate passes as
//! it is.
//!
//! The FDK is late by some 40 ms, which are cut off at the beginning. At the end it is given silent
//! packets until they have come out.

use crate::decode::DecodeError;
use crate::decode::codec::Codec;
use crate::pcm::block::{Block, Layout};
use fdk_aac::dec::{Decoder, DecoderError, Transport};
use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::errors::Error as Fault;
use symphonia::core::packet::Packet;

/// The decoder of one stream.
pub(super) struct HeAac {
    fdk: Decoder,
    /// What the FDK must know before the first packet.
    config: Vec<u8>,
    /// Sample frames still to be left out, by which the decoder is late; `None` until it says.
    late: Option<usize>,
    /// Sample frames that it still has after the last packet.
    left: usize,
    scratch: Vec<i16>,
}

impl HeAac {
    /// The decoder of a stream with these parameters.
    ///
    /// Fails if the FDK does not take them.
    pub(super) fn new(parameters: &AudioCodecParameters) -> Result<Self, DecodeError> {
        let given = parameters.extra_data.as_deref().map(<[u8]>::to_vec);
        let config = given.or_else(|| plain_config(parameters));
        let config = config.ok_or_else(|| DecodeError::NoAudio("AAC without a rate".to_owned()))?;
        let fdk = started(&config).map_err(|error| DecodeError::NoAudio(error.to_string()))?;
        Ok(Self { fdk, config, late: None, left: 0, scratch: vec![0; SAMPLES_MAX] })
    }

    /// What `bytes`, a raw packet, bring out of the decoder.
    fn brought_out_by(&mut self, bytes: &[u8]) -> Result<Option<Block>, Fault> {
        let damaged = |_| Fault::DecodeError("aac: a damaged packet");
        let taken = self.fdk.fill(bytes).map_err(damaged)?;
        if taken != bytes.len() {
            return Err(Fault::DecodeError("aac: a packet that is too long"));
        }
        self.fdk.decode_frame(&mut self.scratch).map_err(damaged)?;
        let info = self.fdk.stream_info();
        let channels = usize::try_from(info.numChannels).unwrap_or_default();
        let rate_hz = u32::try_from(info.sampleRate).unwrap_or_default();
        let samples = self.scratch.get(..self.fdk.decoded_frame_size()).unwrap_or_default();
        let plane = |channel| {
            let own = samples.iter().skip(channel).step_by(channels);
            own.map(|sample| f32::from(*sample) / 32_768.0).collect()
        };
        let layout = match channels {
            1 => Layout::mono(),
            2 => Layout::stereo(),
            _ => return Err(Fault::DecodeError("aac: neither mono nor stereo")),
        };
        Ok(Block::of(rate_hz, layout, (0..channels).map(plane).collect()))
    }
}

fn started(config: &[u8]) -> Result<Decoder, DecoderError> {
    let mut fdk = Decoder::new(Transport::Raw);
    fdk.config_raw(config)?;
    fdk.set_max_output_channels(2)?;
    Ok(fdk)
}

/// What ADTS says in every header, as MP4 says it once (ISO 14496-3, AudioSpecificConfig).
fn plain_config(parameters: &AudioCodecParameters) -> Option<Vec<u8>> {
    const LOW_COMPLEXITY: u16 = 2;
    let rate_hz = parameters.sample_rate?;
    let rate = RATES_HZ.iter().position(|known| *known == rate_hz)?;
    let channels = parameters.channels.as_ref()?.count();
    let (rate, channels) = (u16::try_from(rate).ok()?, u16::try_from(channels).ok()?);
    (channels <= 2).then(|| (LOW_COMPLEXITY << 11 | rate << 7 | channels << 3).to_be_bytes().into())
}

impl Codec for HeAac {
    fn decode(&mut self, packet: &Packet) -> Result<Option<Block>, Fault> {
        let Some(mut block) = self.brought_out_by(&packet.data)? else { return Ok(None) };
        let late = usize::try_from(self.fdk.stream_info().outputDelay).unwrap_or_default();
        let left_out = self.late.unwrap_or(late).min(block.sample_frames());
        self.late = Some(self.late.unwrap_or(late) - left_out);
        self.left = late;
        block.drop_front(left_out);
        Ok(Some(block).filter(|block| block.sample_frames() > 0))
    }

    fn flush(&mut self) -> Option<Block> {
        let silence = match self.fdk.stream_info().aacNumChannels {
            1 => SILENCE_MONO,
            2 => SILENCE_STEREO,
            _ => return None,
        };
        if self.left == 0 {
            return None;
        }
        let mut block = self.brought_out_by(silence).ok().flatten()?;
        block.truncate(self.left);
        self.left -= block.sample_frames();
        Some(block).filter(|block| block.sample_frames() > 0)
    }

    fn reset(&mut self) {
        // One that cannot be had anew goes on from where it was, which is heard for a moment.
        if let Ok(fdk) = started(&self.config) {
            (self.fdk, self.late, self.left) = (fdk, None, 0);
        }
    }

    fn rate_hz(&self) -> Option<u32> {
        u32::try_from(self.fdk.stream_info().sampleRate).ok().filter(|rate_hz| *rate_hz > 0)
    }
}

/// The most that one packet decodes to: 2 048 sample frames for each of eight channels.
const SAMPLES_MAX: usize = 2_048 * 8;
/// A packet of AAC-LC that holds silence: one channel element without a scale factor band.
const SILENCE_MONO: &[u8] = &[0x00, 0x00, 0x00, 0x07];
/// The same as a pair of channels with a common window.
const SILENCE_STEREO: &[u8] = &[0x21, 0x00, 0x00, 0x00, 0x00, 0x1c];
const RATES_HZ: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];

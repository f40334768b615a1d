//! Opus, by opus-pure: packets of mono, stereo or surround, always at 48 kHz.
//!
//! The head of a stream (RFC 7845) says how many channels there are and how loud it is meant.

use crate::decode::DecodeError;
use crate::decode::codec::Codec;
use crate::pcm::block::{Block, Layout, Speaker};
use opus_pure::{MAX_PACKET_SAMPLES, OpusDecoder, OpusMSDecoder};
use symphonia::core::errors::Error as Fault;
use symphonia::core::packet::Packet;

/// The decoder of one stream.
pub(super) struct Opus {
    streams: Streams,
    layout: Layout,
    /// What every sample is multiplied by.
    gain: f32,
    scratch: Vec<f32>,
}

enum Streams {
    /// Mono or stereo.
    One(Box<OpusDecoder>),
    /// Surround, of several streams side by side.
    Several(Box<OpusMSDecoder>),
}

impl Opus {
    /// The decoder of the stream which `head` begins.
    ///
    /// Fails if that is no head, or has more channels than can be laid out.
    pub(super) fn new(head: &[u8]) -> Result<Self, DecodeError> {
        let wrong = |what: &str| DecodeError::NoAudio(format!("Opus: {what}"));
        let fault = |error: opus_pure::Error| wrong(&error.to_string());
        if head.len() < HEAD_BYTES || !head.starts_with(b"OpusHead") {
            return Err(wrong("it has no head"));
        }
        let channels = usize::from(head[9]);
        let gain_db = f32::from(i16::from_le_bytes([head[16], head[17]])) / 256.0;
        let speakers = LAYOUTS.iter().find(|speakers| speakers.len() == channels);
        let speakers = speakers.ok_or_else(|| wrong(&format!("{channels} channels")))?;
        let streams = match head[18] {
            0 => Streams::One(Box::new(OpusDecoder::new(RATE_HZ, channels).map_err(fault)?)),
            1 => {
                Streams::Several(Box::new(OpusMSDecoder::new(RATE_HZ, channels, 1).map_err(fault)?))
            }
            family => return Err(wrong(&format!("its channels are mapped by family {family}"))),
        };
        Ok(Self {
            streams,
            layout: Layout::of(speakers),
            gain: 10_f32.powf(gain_db / 20.0),
            scratch: vec![0.0; MAX_PACKET_SAMPLES * channels],
        })
    }
}

impl Codec for Opus {
    fn decode(&mut self, packet: &Packet) -> Result<Option<Block>, Fault> {
        let decoded = match &mut self.streams {
            Streams::One(one) => one.decode(&packet.data, MAX_PACKET_SAMPLES, &mut self.scratch),
            Streams::Several(several) => {
                several.decode(&packet.data, MAX_PACKET_SAMPLES, &mut self.scratch)
            }
        };
        let frames = decoded.map_err(|_| Fault::DecodeError("opus: a damaged packet"))?;
        let channels = self.layout.channels();
        let whole = &self.scratch[..frames * channels];
        let planes = match whole.as_chunks() {
            // The usual case, in a way that the compiler does several of at once.
            (pairs, []) if channels == 2 => {
                let side = |at: usize| pairs.iter().map(|pair: &[f32; 2]| pair[at]).collect();
                vec![side(0), side(1)]
            }
            _ => {
                let all = whole.iter();
                let plane = |channel| all.clone().skip(channel).step_by(channels).copied();
                (0..channels).map(|channel| plane(channel).collect()).collect()
            }
        };
        let rate_hz = RATE_HZ.unsigned_abs();
        let Some(mut block) = Block::of(rate_hz, self.layout.clone(), planes) else {
            return Ok(None);
        };
        let padding = usize::try_from(packet.trim_end.get()).unwrap_or(usize::MAX);
        block.truncate(frames.saturating_sub(padding));
        if self.gain != 1.0 {
            block.amplify(self.gain);
        }
        Ok(Some(block).filter(|block| block.sample_frames() > 0))
    }

    fn reset(&mut self) {
        // A decoder that cannot be put back goes on from where it was, which is heard for 80 ms.
        match &mut self.streams {
            Streams::One(one) => drop(one.reset_state()),
            Streams::Several(several) => drop(several.reset_state()),
        }
    }
}

/// What Opus always decodes to.
const RATE_HZ: i32 = 48_000;
const HEAD_BYTES: usize = 19;
/// The speakers of one channel, two, and so on, in Vorbis' order.
const LAYOUTS: [&[Speaker]; 6] = [
    &[Speaker::Centre],
    &[Speaker::Left, Speaker::Right],
    &[Speaker::Left, Speaker::Centre, Speaker::Right],
    &[Speaker::Left, Speaker::Right, Speaker::BackLeft, Speaker::BackRight],
    &[Speaker::Left, Speaker::Centre, Speaker::Right, Speaker::BackLeft, Speaker::BackRight],
    &[
        Speaker::Left,
        Speaker::Centre,
        Speaker::Right,
        Speaker::BackLeft,
        Speaker::BackRight,
        Speaker::LowFrequency,
    ],
];

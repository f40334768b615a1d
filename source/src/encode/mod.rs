//! Blocks of samples become frames for the wire.
//!
//! One encoder serves a whole run: tracks end and begin inside it, so no join costs a gap.

pub mod aac;
#[cfg(feature = "aac")]
mod fdk;
pub mod mp3;
pub mod rack;

use crate::encode::aac::Aac;
use crate::encode::mp3::{Mp3, Mp3Encoder};
use crate::pcm::block::Block;
use bytes::Bytes;
use std::sync::Arc;

/// What a stream is encoded as. Equal formats of one programme are encoded once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// AAC in ADTS frames.
    Aac(Aac),
    /// MP3 at a constant bit rate.
    Mp3(Mp3),
}

/// One frame on its way to the outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Where in the programme it begins: sample frames from the programme's start.
    pub position: u64,
    /// How many sample frames it plays.
    pub sample_frames: u32,
    /// The whole encoded frame.
    pub bytes: Bytes,
    /// The title of what sounds in it; empty if it has none.
    pub title: Arc<str>,
}

/// Why there is no encoding.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// This program was built without that encoder.
    #[error("this program was built without {encoder}; build it with --features {feature}")]
    Absent {
        /// What encodes it.
        encoder: &'static str,
        /// The Cargo feature that brings it.
        feature: &'static str,
    },
    /// The encoder failed in the middle of the stream.
    #[error("{encoder} failed: {reason}")]
    Failed {
        /// What encodes.
        encoder: &'static str,
        /// What it says.
        reason: String,
    },
    /// The encoder does not take these settings.
    #[error("{encoder} refuses {settings}: {reason}")]
    Refused {
        /// What encodes.
        encoder: &'static str,
        /// What was asked for.
        settings: String,
        /// What it says.
        reason: String,
    },
}

/// What turns blocks into frames.
pub(crate) trait Encoder: Send {
    /// Takes in `block`, which must be stereo at the format's rate.
    ///
    /// Fails if the library does, which leaves the stream without a future.
    fn feed(&mut self, block: &Block) -> Result<(), EncodeError>;

    /// The next whole frame and the sample frames it plays, if there is one.
    fn frame(&mut self) -> Option<(Bytes, u32)>;
}

impl Format {
    /// The rate of what goes in, in sample frames per second.
    pub fn rate_hz(&self) -> u32 {
        match self {
            Self::Aac(aac) => aac.rate_hz,
            Self::Mp3(mp3) => mp3.rate_hz,
        }
    }

    /// The nominal bit rate.
    pub fn bitrate_kbps(&self) -> u32 {
        match self {
            Self::Aac(aac) => aac.bitrate_kbps,
            Self::Mp3(mp3) => mp3.bitrate_kbps,
        }
    }

    /// The media type it is announced with.
    pub fn content_type(&self) -> &'static str {
        match self {
            Self::Aac(_) => "audio/aac",
            Self::Mp3(_) => "audio/mpeg",
        }
    }

    /// An encoder for it.
    ///
    /// Fails if the library does not take the settings, or is not there.
    fn encoder(self) -> Result<Box<dyn Encoder>, EncodeError> {
        match self {
            #[cfg(feature = "aac")]
            Self::Aac(settings) => Ok(Box::new(fdk::AacEncoder::new(settings)?)),
            #[cfg(not(feature = "aac"))]
            Self::Aac(_) => Err(EncodeError::Absent { encoder: "AAC", feature: "aac" }),
            Self::Mp3(settings) => Ok(Box::new(Mp3Encoder::new(settings)?)),
        }
    }
}

//! Blocks of samples become frames for the wire.
//!
//! One encoder serves a whole run: tracks end and begin inside it, so no join costs a gap.

pub mod mp3;
pub mod rack;

use crate::encode::mp3::Mp3;
use bytes::Bytes;
use std::sync::Arc;

/// What a stream is encoded as. Equal formats of one programme are encoded once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// MP3 at a constant bit rate.
    Mp3(Mp3),
}

impl Format {
    /// The rate of what goes in, in sample frames per second.
    pub fn rate_hz(&self) -> u32 {
        let Self::Mp3(mp3) = self;
        mp3.rate_hz
    }

    /// The nominal bit rate.
    pub fn bitrate_kbps(&self) -> u32 {
        let Self::Mp3(mp3) = self;
        mp3.bitrate_kbps
    }

    /// The media type it is announced with.
    pub fn content_type(&self) -> &'static str {
        let Self::Mp3(_) = self;
        "audio/mpeg"
    }
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

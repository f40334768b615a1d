//! Blocks of samples become frames for the wire.
//!
//! One encoder serves a whole run: tracks end and begin inside it, so no join costs a gap. What is
//! in Ogg carries its titles itself, each at the head of a stream of its own, or goes on for ever
//! as one stream and leaves the titles to be told aside, as they are for MP3 and AAC.

pub mod aac;
mod average;
#[cfg(feature = "aac")]
mod fdk;
pub mod flac;
pub mod mp3;
mod ogg;
pub mod opus;
pub mod passing;
pub mod rack;
pub mod splice;
pub mod vorbis;

use crate::encode::aac::Aac;
use crate::encode::flac::{Container, Flac, FlacEncoder};
use crate::encode::mp3::{Bits, Mp3, Mp3Encoder};
use crate::encode::opus::{Opus, OpusEncoder};
use crate::encode::vorbis::{Aim, Vorbis, VorbisEncoder};
use crate::pcm::block::Block;
use bytes::Bytes;
use std::sync::Arc;

/// What a stream is encoded as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// AAC in ADTS frames.
    Aac(Aac),
    /// FLAC, in Ogg or by itself.
    Flac(Flac),
    /// MP3.
    Mp3(Mp3),
    /// Opus in Ogg.
    Opus(Opus),
    /// Vorbis in Ogg.
    Vorbis(Vorbis),
}

/// How a programme becomes a stream. Equal encodings of one programme are made once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// What it is encoded as.
    pub format: Format,
    /// Whether files that are in this format already pass through untouched where nothing is done
    /// to their sound.
    pub passthrough: bool,
}

/// How many channels a stream has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Channels {
    /// One, which is both sides at half their level.
    Mono,
    /// Left and right.
    #[default]
    Stereo,
}

/// What sounds, as listeners are told it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Title {
    /// In one text, usually `Artist - Title`; empty if there is none.
    pub shown: Arc<str>,
    /// Who plays, where it is known that `shown` begins with that.
    pub artist: Option<Arc<str>>,
}

/// How listeners learn the titles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Titles {
    /// By a request to the server, beside the audio.
    Aside,
    /// At the head of a stream for each of them.
    #[default]
    InStream,
}

/// One frame on its way to the outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Where in the programme it begins: sample frames from the programme's start.
    pub position: u64,
    /// How many sample frames it plays.
    pub sample_frames: u32,
    /// The whole encoded frame, or several on a page.
    pub bytes: Bytes,
    /// What a server must have been sent before it; nothing, if it can be begun with.
    pub head: Bytes,
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
    /// Takes in `block`, which must have the format's rate and channels.
    ///
    /// Fails if the library does, which leaves the stream without a future.
    fn feed(&mut self, block: &Block) -> Result<(), EncodeError>;

    /// What is fed from here on is called `title`. Of interest only where titles are in the stream.
    ///
    /// Fails as [`Encoder::feed`] does.
    fn begin(&mut self, _title: &Title) -> Result<(), EncodeError> {
        Ok(())
    }

    /// Ends the stream where it is. What is fed from here on, once [`Encoder::begin`] was told, is
    /// another one, which knows nothing of this. Asked only of formats that files pass through.
    ///
    /// Fails as [`Encoder::feed`] does.
    fn end(&mut self) -> Result<(), EncodeError> {
        Ok(())
    }

    /// The next whole frame, if there is one.
    fn frame(&mut self) -> Option<Encoded>;
}

/// What an encoder gives: a frame, or several on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Encoded {
    pub(crate) bytes: Bytes,
    /// How many sample frames it plays.
    pub(crate) sample_frames: u32,
    /// What must have been sent before it.
    pub(crate) head: Bytes,
}

impl Title {
    /// The artist and the title by itself, for formats that keep them apart. Without an artist the
    /// title is all that is shown.
    pub fn apart(&self) -> (Option<&str>, &str) {
        let divided = self.artist.as_deref().and_then(|artist| {
            let title = self.shown.strip_prefix(artist)?.strip_prefix(DIVISION)?;
            (!artist.is_empty()).then_some((Some(artist), title))
        });
        divided.unwrap_or((None, &self.shown))
    }
}

impl From<&str> for Title {
    fn from(shown: &str) -> Self {
        Self { shown: shown.into(), artist: None }
    }
}

impl From<Format> for Encoding {
    /// Encoded throughout.
    fn from(format: Format) -> Self {
        Self { format, passthrough: false }
    }
}

impl Channels {
    /// Their number.
    pub fn count(self) -> usize {
        match self {
            Self::Mono => 1,
            Self::Stereo => 2,
        }
    }
}

impl Format {
    /// How many channels what goes in has.
    pub fn channels(&self) -> Channels {
        match self {
            Self::Aac(aac) => aac.channels,
            Self::Flac(flac) => flac.channels,
            Self::Mp3(mp3) => mp3.channels(),
            Self::Opus(opus) => opus.channels,
            Self::Vorbis(vorbis) => vorbis.channels,
        }
    }

    /// The rate of what goes in, in sample frames per second.
    pub fn rate_hz(&self) -> u32 {
        match self {
            Self::Aac(aac) => aac.rate_hz,
            Self::Flac(flac) => flac.rate_hz,
            Self::Mp3(mp3) => mp3.rate_hz,
            Self::Opus(_) => opus::RATE_HZ,
            Self::Vorbis(vorbis) => vorbis.rate_hz,
        }
    }

    /// The nominal bit rate; `None` if it is what it comes to.
    pub fn bitrate_kbps(&self) -> Option<u32> {
        match self {
            Self::Aac(aac) => Some(aac.bitrate_kbps),
            Self::Flac(_) => None,
            Self::Mp3(mp3) => match mp3.bits {
                Bits::Average(kbps) | Bits::Constant(kbps) => Some(kbps),
                Bits::Variable(_) => None,
            },
            Self::Opus(opus) => Some(opus.bitrate_kbps),
            Self::Vorbis(vorbis) => match vorbis.aim {
                Aim::Bitrate(kbps) => Some(kbps),
                Aim::Quality(_) => None,
            },
        }
    }

    /// The quality that is aimed at, on the scale of the format, where it is that instead of a bit
    /// rate.
    pub fn quality(&self) -> Option<u8> {
        match self {
            Self::Mp3(Mp3 { bits: Bits::Variable(quality), .. }) => Some(*quality),
            Self::Vorbis(Vorbis { aim: Aim::Quality(quality), .. }) => Some(*quality),
            Self::Aac(_) | Self::Flac(_) | Self::Mp3(_) | Self::Opus(_) | Self::Vorbis(_) => None,
        }
    }

    /// The media type it is announced with.
    pub fn content_type(&self) -> &'static str {
        match self {
            Self::Aac(_) => "audio/aac",
            Self::Flac(Flac { container: Container::Native, .. }) => "audio/flac",
            Self::Flac(Flac { container: Container::Ogg(_), .. }) => "audio/ogg",
            Self::Mp3(_) => "audio/mpeg",
            Self::Opus(_) | Self::Vorbis(_) => "audio/ogg",
        }
    }

    /// How its listeners learn the titles.
    pub fn titles(&self) -> Titles {
        match self {
            Self::Aac(_) | Self::Mp3(_) => Titles::Aside,
            Self::Flac(flac) => flac.titles(),
            Self::Opus(opus) => opus.titles,
            Self::Vorbis(vorbis) => vorbis.titles,
        }
    }

    /// An encoder for it.
    ///
    /// Fails if the library does not take the settings, or is not there.
    pub(crate) fn encoder(self) -> Result<Box<dyn Encoder>, EncodeError> {
        match self {
            #[cfg(feature = "aac")]
            Self::Aac(settings) => Ok(Box::new(fdk::AacEncoder::new(settings)?)),
            #[cfg(not(feature = "aac"))]
            Self::Aac(_) => Err(EncodeError::Absent { encoder: "AAC", feature: "aac" }),
            Self::Flac(settings) => Ok(Box::new(FlacEncoder::new(settings)?)),
            Self::Mp3(settings) => Ok(Box::new(Mp3Encoder::new(settings)?)),
            Self::Opus(settings) => Ok(Box::new(OpusEncoder::new(settings)?)),
            Self::Vorbis(settings) => Ok(Box::new(VorbisEncoder::new(settings)?)),
        }
    }
}

/// What stands between artist and title in one text.
const DIVISION: &str = " - ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn artist_and_title_are_told_apart_only_where_the_text_begins_with_the_artist() {
        for (shown, artist, expected) in [
            ("A - B - C", Some("A - B"), (Some("A - B"), "C")),
            ("A - B", None, (None, "A - B")),
            ("Alone - B", Some("A"), (None, "Alone - B")),
            ("A", Some("A"), (None, "A")),
            (" - B", Some(""), (None, " - B")),
            ("", Some("A"), (None, "")),
        ] {
            let title = Title { shown: shown.into(), artist: artist.map(Arc::from) };

            assert_eq!(title.apart(), expected);
        }
    }
}

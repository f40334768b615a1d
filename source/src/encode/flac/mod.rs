//! FLAC, which loses nothing: by itself or in Ogg.
//!
//! The encoder is our own: the crates there are take two to four times the processor of `flac -5`,
//! which this one does not, and a radio wants nothing of them but frames. It looks for predictors
//! as `flac -5` does, with at most eight weights, one window and 32 partitions.
//!
//! The programme is rounded to whole numbers, and not dithered: what was a file of 16 bits, and
//! has not been faded or mixed since, goes out as it was, bit by bit.
//!
//! In Ogg every frame has a page of its own, as the reference encoder makes them. A title is told
//! by ending the stream, to the sample, and beginning another. By itself FLAC has no place for
//! titles within a stream.

mod bits;
mod frame;
mod predict;
mod rice;

use crate::encode::ogg::{self, Stream};
use crate::encode::{Channels, EncodeError, Encoded, Encoder, Title, Titles};
use crate::pcm::block::Block;
use bytes::Bytes;
use frame::Framer;
use std::collections::VecDeque;

/// How to encode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flac {
    /// Sample frames per second: one of [`RATES_HZ`].
    pub rate_hz: u32,
    /// How many channels.
    pub channels: Channels,
    /// How fine the samples are.
    pub depth: Depth,
    /// What the frames are put in.
    pub container: Container,
}

/// How fine samples are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// As on a CD.
    #[default]
    Bits16,
    /// As fine as the programme is mixed.
    Bits24,
}

/// What frames are put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// Nothing: frame comes after frame.
    Native,
    /// Ogg, which can carry titles.
    Ogg(Titles),
}

/// The encoder of a whole run.
pub(super) struct FlacEncoder {
    settings: Flac,
    framer: Framer,
    /// `None` if the frames stand by themselves.
    stream: Option<Stream>,
    /// What begins the stream.
    head: Bytes,
    /// What does not yet fill a block, for each channel.
    samples: Vec<Vec<i32>>,
    /// Sample frames encoded since the stream began.
    encoded: u64,
    /// Sample frames that were given out since the stream began.
    given: u64,
    frames: VecDeque<Encoded>,
}

impl Depth {
    /// Bits of a sample.
    pub fn bits(self) -> u32 {
        match self {
            Self::Bits16 => 16,
            Self::Bits24 => 24,
        }
    }

    /// `sample` as a whole number of so many bits; what exceeds full scale is cut.
    fn level(self, sample: f32) -> i32 {
        let full = 1_i32 << (self.bits() - 1);
        #[expect(clippy::cast_possible_truncation, reason = "a cast of floats cuts at the ends")]
        let level = (sample * full as f32).round_ties_even() as i32;
        level.clamp(-full, full - 1)
    }
}

impl Flac {
    /// How listeners learn the titles.
    pub fn titles(&self) -> Titles {
        match self.container {
            Container::Native => Titles::Aside,
            Container::Ogg(titles) => titles,
        }
    }

    /// Sample frames in a block: 64 to 128 ms.
    fn block_sample_frames(&self) -> usize {
        match self.rate_hz {
            ..16_000 => 1_024,
            16_000..32_000 => 2_048,
            _ => 4_096,
        }
    }
}

impl FlacEncoder {
    /// An encoder with these settings.
    pub(super) fn new(settings: Flac) -> Result<Self, EncodeError> {
        if !RATES_HZ.contains(&settings.rate_hz) {
            return Err(EncodeError::Refused {
                encoder: "FLAC",
                settings: format!("{} Hz", settings.rate_hz),
                reason: "not a sample rate that is made".to_owned(),
            });
        }
        let stream = match settings.container {
            Container::Native => None,
            Container::Ogg(_) => Some(Stream::new(ogg::first_serial())),
        };
        let mut encoder = Self {
            settings,
            framer: Framer::default(),
            stream,
            head: Bytes::new(),
            samples: vec![Vec::new(); settings.channels.count()],
            encoded: 0,
            given: 0,
            frames: VecDeque::new(),
        };
        encoder.begin_stream(&Title::default());
        Ok(encoder)
    }

    /// Writes the head of a stream.
    fn begin_stream(&mut self, title: &Title) {
        self.framer = Framer::default();
        (self.encoded, self.given) = (0, 0);
        let info = frame::stream_info(&self.settings);
        let comments = ogg::comments(title);
        self.head = match &mut self.stream {
            None => described(&info, &comments).concat().into(),
            Some(stream) => ogg::head(stream, &heads(&info, &comments)),
        };
    }

    /// Encodes the first `sample_frames` that wait; the last of a stream if `is_last`.
    fn block(&mut self, sample_frames: usize, is_last: bool) {
        let planes: Vec<&[i32]> =
            self.samples.iter().map(|samples| &samples[..sample_frames]).collect();
        let frame = self.framer.frame(&self.settings, &planes);
        for samples in &mut self.samples {
            samples.drain(..sample_frames);
        }
        self.encoded += sample_frames as u64;
        let Some(stream) = &mut self.stream else { return self.give(frame) };
        let mut page = Vec::new();
        stream.put(&frame, self.encoded, &mut page);
        if is_last {
            stream.end(self.encoded, &mut page);
        } else {
            stream.end_page(&mut page);
        }
        self.give(page);
    }

    /// Gives out `bytes`, which end with the last frame.
    fn give(&mut self, bytes: Vec<u8>) {
        let plays = self.encoded - self.given;
        self.given = self.encoded;
        self.frames.push_back(Encoded {
            bytes: bytes.into(),
            sample_frames: u32::try_from(plays).unwrap_or(u32::MAX),
            head: self.head.clone(),
        });
    }
}

impl Encoder for FlacEncoder {
    fn feed(&mut self, block: &Block) -> Result<(), EncodeError> {
        let depth = self.settings.depth;
        for (samples, plane) in self.samples.iter_mut().zip(block.planes()) {
            samples.extend(plane.iter().map(|sample| depth.level(*sample)));
        }
        let length = self.settings.block_sample_frames();
        while self.samples[0].len() >= length {
            self.block(length, false);
        }
        Ok(())
    }

    fn begin(&mut self, title: &Title) -> Result<(), EncodeError> {
        let Some(mut serial) = self.stream.as_ref().map(Stream::next_serial) else { return Ok(()) };
        if self.settings.titles() == Titles::Aside {
            return Ok(());
        }
        match self.samples[0].len() {
            0 if self.encoded == 0 => serial = serial.wrapping_sub(1), // nothing was given out
            0 => {
                let mut page = Vec::new();
                if let Some(stream) = &mut self.stream {
                    stream.end(self.encoded, &mut page);
                }
                self.give(page);
            }
            waiting => self.block(waiting, true),
        }
        self.stream = Some(Stream::new(serial));
        self.begin_stream(title);
        Ok(())
    }

    fn end(&mut self) -> Result<(), EncodeError> {
        self.begin(&Title::default()) // of what is called another title, if anything is heard
    }

    fn frame(&mut self) -> Option<Encoded> {
        self.frames.pop_front()
    }
}

/// The packets at the head of a stream in Ogg, by its information and its comments.
pub(super) fn heads(info: &[u8], comments: &[u8]) -> Vec<Vec<u8>> {
    let [described, comments] = described(info, comments);
    // Version 1.0 of the mapping; one packet of metadata follows this one.
    vec![[b"\x7FFLAC\x01\x00\x00\x01", described.as_slice()].concat(), comments]
}

/// What a stream begins with: its information, and its comments.
fn described(info: &[u8], comments: &[u8]) -> [Vec<u8>; 2] {
    let info = [b"fLaC".to_vec(), metadata(STREAM_INFO, info)].concat();
    [info, metadata(COMMENTS | LAST, comments)]
}

/// A block of metadata.
fn metadata(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).expect("a title is not that long");
    let mut block = length.to_be_bytes().to_vec();
    block[0] = kind;
    block.extend_from_slice(content);
    block
}

/// The sample rates that are made.
pub const RATES_HZ: [u32; 9] =
    [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000];
/// How long the information on a stream is.
pub(super) const INFO_BYTES: usize = 34;
const STREAM_INFO: u8 = 0;
const COMMENTS: u8 = 4;
/// No more metadata follows.
const LAST: u8 = 0x80;

#[cfg(test)]
mod tests;

//! The packets of a file as a logical Ogg stream, without an encoder.
//!
//! What a decoder has to know is the file's own; title and pages are ours. Packets lose nothing and
//! gain nothing. Where the recording ends, or is left, the last page says so to the sample, which
//! decoders of Vorbis and Opus keep to. FLAC has no such word: a frame that was not heard to its
//! half is left out there, and any other one is heard to its end.

use crate::encode::flac::{self, Container};
use crate::encode::ogg::{self, Stream};
use crate::encode::{Encoded, Format, Title, Titles, splice};
use crate::passage::{Codec, Original, Packet};
use bytes::Bytes;
use std::collections::VecDeque;

/// A logical stream of packets that came from a file.
pub(super) struct Passing {
    codec: Codec,
    stream: Stream,
    /// The pages that begin it.
    head: Bytes,
    /// The last packet that came: it may be the last of all, and the page says so.
    held: Option<Packet>,
    /// Sample frames that a decoder leaves out at the beginning.
    pre_skip: u64,
    /// Where the last packet ends that was put on a page, in sample frames of the stream.
    granule: u64,
    /// Sample frames that the pages given out play.
    paged: u64,
    /// How many of them a page should play.
    page_sample_frames: u64,
    /// What of the page there is so far.
    page: Vec<u8>,
    pages: VecDeque<Encoded>,
}

/// Whether packets of `original` can be sent to who wants `format`.
pub fn suits(format: &Format, original: &Original) -> bool {
    let Original { codec, rate_hz, channels, setup, .. } = original;
    let is_alike = match (format, codec) {
        (Format::Flac(flac), Codec::Flac { bits }) => {
            let is_chained = flac.container == Container::Ogg(Titles::InStream);
            is_chained && flac.depth.bits() == *bits && setup.len() == flac::INFO_BYTES
        }
        (Format::Opus(opus), Codec::Opus) => {
            // Surround, or two streams side by side, is mapped in another way.
            let is_plain = setup.starts_with(b"OpusHead") && setup.get(OPUS_MAPPING) == Some(&0);
            opus.titles == Titles::InStream && is_plain
        }
        (Format::Vorbis(vorbis), Codec::Vorbis) => {
            let books = setup.get(VORBIS_IDENTITY_BYTES..).unwrap_or_default();
            let is_whole = setup.starts_with(b"\x01vorbis") && books.starts_with(b"\x05vorbis");
            vorbis.titles == Titles::InStream && is_whole
        }
        (Format::Aac(_), Codec::Aac { .. }) | (Format::Mp3(_), Codec::Mp3 { .. }) => {
            splice::suits(format, original)
        }
        (
            Format::Aac(_) | Format::Flac(_) | Format::Mp3(_) | Format::Opus(_) | Format::Vorbis(_),
            Codec::Aac { .. }
            | Codec::Flac { .. }
            | Codec::Mp3 { .. }
            | Codec::Opus
            | Codec::Vorbis,
        ) => false,
    };
    is_alike && format.rate_hz() == *rate_hz && format.channels().count() == *channels
}

impl Passing {
    /// A stream called `serial` of the packets of `original`, which suits the format.
    pub(super) fn new(original: &Original, title: &Title, serial: u32) -> Self {
        let Original { codec, setup, .. } = original;
        let rate_hz = u64::from(original.rate_hz);
        let mut stream = Stream::new(serial);
        let comments = ogg::comments(title);
        let (packets, pre_skip, page_sample_frames) = match codec {
            Codec::Aac { .. } | Codec::Mp3 { .. } => (Vec::new(), 0, 0), // they go into a `splice`
            Codec::Flac { .. } => (flac::heads(&unbounded(setup), &comments), 0, 0),
            Codec::Opus => {
                let pre_skip = setup.get(OPUS_PRE_SKIP..).and_then(|rest| rest.first_chunk());
                let pre_skip = pre_skip.map_or(0, |it| u16::from_le_bytes(*it));
                let tags = [b"OpusTags", &comments[..]].concat();
                (vec![setup.to_vec(), tags], pre_skip.into(), rate_hz / 5)
            }
            Codec::Vorbis => {
                let (identity, books) = setup.split_at(VORBIS_IDENTITY_BYTES);
                let comments = [b"\x03vorbis", &comments[..], &[1]].concat();
                (vec![identity.to_vec(), comments, books.to_vec()], 0, rate_hz / 10)
            }
        };
        let head = ogg::head(&mut stream, &packets);
        Self {
            codec: *codec,
            stream,
            head,
            held: None,
            pre_skip,
            granule: 0,
            paged: 0,
            page_sample_frames,
            page: Vec::new(),
            pages: VecDeque::new(),
        }
    }

    /// Adds `packet`, which follows those before.
    pub(super) fn put(&mut self, packet: Packet) {
        let Some(before) = self.held.replace(packet) else { return };
        self.write(&before, u64::MAX);
        if self.played() >= self.paged + self.page_sample_frames {
            self.stream.end_page(&mut self.page);
            self.give();
        }
    }

    /// Ends the stream where `sample_frames` of the recording have been heard.
    pub(super) fn end(&mut self, sample_frames: u64) {
        let end = self.pre_skip + sample_frames;
        if let Some(last) = self.held.take() {
            let heard = end.saturating_sub(self.granule);
            let plays = u64::from(last.sample_frames);
            match self.codec {
                Codec::Flac { .. } if 2 * heard < plays => {}
                Codec::Flac { .. } => self.write(&last, u64::MAX),
                Codec::Aac { .. } | Codec::Mp3 { .. } | Codec::Opus | Codec::Vorbis => {
                    self.write(&last, end);
                }
            }
        }
        if self.granule > 0 {
            self.stream.end(self.granule, &mut self.page);
            self.give();
        }
    }

    /// The next page, if there is one.
    pub(super) fn page(&mut self) -> Option<Encoded> {
        self.pages.pop_front()
    }

    /// Puts `packet` on the page; it counts no further than `end`.
    fn write(&mut self, packet: &Packet, end: u64) {
        self.granule = (self.granule + u64::from(packet.sample_frames)).min(end);
        self.stream.put(&packet.bytes, self.granule, &mut self.page);
    }

    /// Sample frames that are heard of what was put on pages.
    fn played(&self) -> u64 {
        self.granule.saturating_sub(self.pre_skip)
    }

    fn give(&mut self) {
        let plays = self.played() - self.paged;
        self.paged += plays;
        self.pages.push_back(Encoded {
            bytes: std::mem::take(&mut self.page).into(),
            sample_frames: u32::try_from(plays).unwrap_or(u32::MAX),
            head: self.head.clone(),
        });
    }
}

/// The information on a FLAC stream, without its length and checksum: it may be left before.
fn unbounded(info: &[u8]) -> Vec<u8> {
    let mut info = info.to_vec();
    if let Some(length) = info.get_mut(FLAC_LENGTH..) {
        length[0] &= 0xf0;
        length[1..].fill(0);
    }
    info
}

/// Where the head of Opus says how channels are mapped.
const OPUS_MAPPING: usize = 18;
/// Where it says how much is left out at the beginning.
const OPUS_PRE_SKIP: usize = 10;
/// The first packet of Vorbis; in a setup, the packet with the code books follows it.
const VORBIS_IDENTITY_BYTES: usize = 30;
/// Where the length of a FLAC stream begins, in the middle of a byte; its checksum follows.
const FLAC_LENGTH: usize = 13;

#[cfg(test)]
mod tests;

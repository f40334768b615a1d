//! Frames of MPEG audio or ADTS, found in a row.
//!
//! Two headers in a row make a stream of frames; one alone may be chance. Once in step, a frame is
//! passed on as soon as it is whole.

use super::{CHUNK_BYTES_MAX, Found, audio};
use bytes::BytesMut;
use common::mpeg::frame::{self, Header};
use std::time::Duration;

/// Cuts a body between frames.
#[derive(Debug)]
pub(super) struct Frames {
    read: fn(&[u8]) -> Option<Header>,
    header_bytes: usize,
    /// The header of the last frame while in step.
    last: Option<Header>,
}

impl Frames {
    /// For AAC in ADTS frames.
    pub(super) fn adts() -> Self {
        Self { read: Header::adts, header_bytes: frame::ADTS_HEADER_BYTES, last: None }
    }

    /// For MPEG audio.
    pub(super) fn mpeg() -> Self {
        Self { read: Header::mpeg, header_bytes: frame::MPEG_HEADER_BYTES, last: None }
    }

    /// Whole frames in a row, up to [`CHUNK_BYTES_MAX`] or one that is larger.
    pub(super) fn next(&mut self, waiting: &mut BytesMut) -> Found {
        if self.last.is_none() {
            match self.search(waiting) {
                (0, Some(header)) => self.last = Some(header),
                (0, None) => return Found::Nothing,
                (junk, _) => return Found::Junk(junk),
            }
        }
        let (mut end, mut plays) = (0, Duration::ZERO);
        while let Some(last) = self.last {
            let rest = &waiting[end..];
            if rest.len() < self.header_bytes {
                break;
            }
            let Some(header) = (self.read)(rest).filter(|header| last.continues(header)) else {
                self.last = None;
                break;
            };
            let full = end > 0 && end + header.frame_bytes > CHUNK_BYTES_MAX;
            if full || rest.len() < header.frame_bytes {
                break;
            }
            end += header.frame_bytes;
            plays += header.plays();
            self.last = Some(header);
        }
        match end {
            0 if self.last.is_none() => self.next_out_of_step(waiting),
            0 => Found::Nothing,
            _ => Found::Chunk(audio(waiting.split_to(end).freeze(), plays)),
        }
    }

    /// What comes first is no frame of the stream so far; it may begin another one.
    fn next_out_of_step(&self, waiting: &[u8]) -> Found {
        match self.search(waiting) {
            (0, _) => Found::Junk(1),
            (junk, _) => Found::Junk(junk),
        }
    }

    /// How many bytes come before the first frame that is followed by another, and its header;
    /// without a header, how many are certain to come before it.
    fn search(&self, bytes: &[u8]) -> (usize, Option<Header>) {
        let last = (bytes.len() + 1).saturating_sub(self.header_bytes);
        for at in 0..last {
            let Some(header) = (self.read)(&bytes[at..]) else { continue };
            let next = at + header.frame_bytes;
            let Some(next) = bytes.get(next..next + self.header_bytes) else { return (at, None) };
            if (self.read)(next).is_some_and(|next| header.continues(&next)) {
                return (at, Some(header));
            }
        }
        (last, None)
    }
}

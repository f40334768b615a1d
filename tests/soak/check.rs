//! What a listener makes sure of: that every byte it hears is where a decoder expects it.
//!
//! Frames follow each other without a byte between them, from the first byte on, also where the
//! source changed or the listener was moved. Pages have the right checksum; each logical stream
//! begins with its headers, and its pages count up by one. Only behind the headers a listener may
//! be put into the middle.

use bytes::{Buf as _, BytesMut};
use common::mpeg::frame::{ADTS_HEADER_BYTES, Header, MPEG_HEADER_BYTES};
use common::ogg::page::{NoPage, Page};
use common::ogg::stream::{Chain, Role};

/// Checks one listener's stream.
#[derive(Debug)]
pub(crate) struct Check {
    waiting: BytesMut,
    /// Bytes checked so far.
    seen_bytes: u64,
    format: Format,
}

#[derive(Debug)]
enum Format {
    Frames { read: fn(&[u8]) -> Option<Header>, header_bytes: usize, last: Option<Header> },
    Pages(Pages),
}

#[derive(Debug, Default)]
struct Pages {
    chain: Chain,
    current: Option<Current>,
    /// Logical streams that have begun.
    links: u64,
}

/// The logical stream that is heard.
#[derive(Clone, Copy, Debug)]
struct Current {
    serial: u32,
    next_sequence: u32,
    /// Its headers are complete, and nothing has come after them.
    may_jump: bool,
    has_audio: bool,
}

impl Check {
    /// For AAC in ADTS frames.
    pub(crate) fn adts() -> Self {
        Self::frames(Header::adts, ADTS_HEADER_BYTES)
    }

    /// For MP3.
    pub(crate) fn mpeg() -> Self {
        Self::frames(Header::mpeg, MPEG_HEADER_BYTES)
    }

    /// For Ogg.
    pub(crate) fn ogg() -> Self {
        Self::of(Format::Pages(Pages::default()))
    }

    fn frames(read: fn(&[u8]) -> Option<Header>, header_bytes: usize) -> Self {
        Self::of(Format::Frames { read, header_bytes, last: None })
    }

    fn of(format: Format) -> Self {
        Self { waiting: BytesMut::new(), seen_bytes: 0, format }
    }

    /// Logical streams of Ogg that have begun.
    pub(crate) fn links(&self) -> u64 {
        match &self.format {
            Format::Frames { .. } => 0,
            Format::Pages(pages) => pages.links,
        }
    }

    /// Takes what was heard next; else what is wrong with it.
    pub(crate) fn hear(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.waiting.extend_from_slice(bytes);
        loop {
            let checked = match &mut self.format {
                Format::Frames { read, header_bytes, last } => {
                    next_frame(&self.waiting, *read, *header_bytes, last)
                }
                Format::Pages(pages) => pages.next(&self.waiting),
            };
            match checked {
                Ok(0) => return Ok(()),
                Ok(whole) => {
                    self.waiting.advance(whole);
                    self.seen_bytes += whole as u64;
                }
                Err(what) => return Err(format!("at byte {}: {what}", self.seen_bytes)),
            }
        }
    }
}

/// The length of the frame at the start of `bytes`; 0 if its end is yet to come.
fn next_frame(
    bytes: &[u8],
    read: fn(&[u8]) -> Option<Header>,
    header_bytes: usize,
    last: &mut Option<Header>,
) -> Result<usize, String> {
    if bytes.len() < header_bytes {
        return Ok(0);
    }
    let header = read(bytes).filter(|header| last.is_none_or(|last| last.continues(header)));
    let header = header.ok_or_else(|| format!("no frame, but {:02x?}", &bytes[..header_bytes]))?;
    if bytes.len() < header.frame_bytes {
        return Ok(0);
    }
    *last = Some(header);
    Ok(header.frame_bytes)
}

impl Pages {
    /// The length of the page at the start of `bytes`; 0 if its end is yet to come.
    fn next(&mut self, bytes: &[u8]) -> Result<usize, String> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let page = match Page::read(bytes) {
            Ok(Some(page)) => page,
            Ok(None) => return Ok(0),
            Err(NoPage) => {
                return Err(format!("no page, but {:02x?}", &bytes[..27.min(bytes.len())]));
            }
        };
        let role = self.chain.follow(&page);
        if page.begins_stream {
            if let Some(current) = self.current {
                let Current { serial, has_audio, .. } = current;
                if serial == page.serial {
                    return Err(format!("serial {serial} twice in a row"));
                }
                if !has_audio {
                    return Err(format!("serial {serial} ended without audio"));
                }
            }
            self.links += 1;
            let (serial, next_sequence) = (page.serial, page.sequence);
            self.current =
                Some(Current { serial, next_sequence, may_jump: false, has_audio: false });
        }
        let current = self.current.as_mut().ok_or("a page before the first stream")?;
        if page.serial != current.serial {
            return Err(format!("a page of {} within {}", page.serial, current.serial));
        }
        if page.sequence != current.next_sequence && !current.may_jump {
            let (came, due) = (page.sequence, current.next_sequence);
            return Err(format!("page {came} instead of {due} of serial {}", page.serial));
        }
        current.next_sequence = page.sequence.wrapping_add(1);
        current.may_jump = role == Role::LastHeader;
        current.has_audio |= role == Role::Audio;
        Ok(page.bytes.len())
    }
}

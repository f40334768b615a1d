//! Pages of a chain of Ogg streams.
//!
//! A chunk ends where its last packet does, if it can: then a listener may be moved to another
//! mount after any chunk, and a title may be put between any two. Where there are pictures, a
//! chunk begins with each that is whole, and those that do not are the middle of the stream. A
//! packet that stays unfinished
//! when a new link begins is left out, since some players take what follows for its end.

use super::{BadStream, CHUNK_BYTES_MAX, Found, HEADERS_BYTES_MAX, audio};
use bytes::{Bytes, BytesMut};
use common::chunk::{Chunk, Opening};
use common::ogg::comment::Title;
use common::ogg::page::{self, Page};
use common::ogg::retitle::{Retitler, Seam};
use common::ogg::stream::{Chain, Role};
use std::collections::VecDeque;
use std::time::Duration;

/// Cuts a body between pages.
#[derive(Debug, Default)]
pub(super) struct Pages {
    chain: Chain,
    retitler: Retitler,
    /// The headers of the link that is beginning.
    headers: BytesMut,
    /// Bytes of audio at the start of those that wait, in whole pages.
    audio_bytes: usize,
    /// How many of them come before the packet that is unfinished, if one is.
    whole_bytes: usize,
    /// A title that is to be put into the stream as soon as it can be.
    wanted: Option<Title>,
    /// Whether there have been headers.
    has_begun: bool,
    /// What is to go out before anything else.
    due: VecDeque<Chunk>,
}

impl Pages {
    /// Puts `title` into the stream after the next page on which all packets end.
    pub(super) fn retitle(&mut self, title: Title) {
        self.wanted = Some(title);
    }

    /// All headers of a link of the chain, or whole pages of audio in a row.
    pub(super) fn next(&mut self, waiting: &mut BytesMut) -> Result<Found, BadStream> {
        loop {
            if let Some(due) = self.due.pop_front() {
                return Ok(Found::Chunk(due));
            }
            if self.whole_bytes >= CHUNK_BYTES_MAX {
                return Ok(self.air(waiting, self.whole_bytes));
            }
            if self.audio_bytes >= HELD_BYTES_MAX {
                return Ok(self.air(waiting, self.audio_bytes));
            }
            let rest = &mut waiting[self.audio_bytes..];
            let page = match Page::read(rest) {
                Ok(Some(page)) => page,
                Ok(None) if self.whole_bytes > 0 => {
                    return Ok(self.air(waiting, self.whole_bytes));
                }
                Ok(None) => return Ok(Found::Nothing),
                Err(page::NoPage) if self.audio_bytes > 0 => {
                    return Ok(self.air(waiting, self.audio_bytes));
                }
                Err(page::NoPage) => return Ok(Found::Junk(1 + page::junk_bytes(&rest[1..]))),
            };
            if self.audio_bytes > 0 && self.chain.begins_picture(&page) {
                return Ok(self.air(waiting, self.audio_bytes));
            }
            let (page_bytes, ends_packet) = (page.bytes.len(), page.ends_packet());
            let ends_stream = page.ends_stream;
            match self.chain.follow(&page) {
                Role::Audio => {
                    self.retitler.pass(&mut rest[..page_bytes]);
                    self.audio_bytes += page_bytes;
                    if ends_packet {
                        self.whole_bytes = self.audio_bytes;
                    }
                    if ends_packet && !ends_stream && self.wanted.is_some() {
                        self.put_title(&mut rest[..page_bytes]);
                        return Ok(self.air(waiting, self.whole_bytes));
                    }
                }
                Role::Orphan if self.audio_bytes > 0 => {
                    return Ok(self.air(waiting, self.audio_bytes));
                }
                Role::Orphan => return Ok(Found::Junk(page_bytes)),
                Role::HeadersEnded => self.end_headers(),
                role @ (Role::FirstHeader | Role::Header | Role::LastHeader) => {
                    self.take_header(role, waiting, page_bytes)?;
                }
            }
        }
    }

    /// Moves a page of the headers, which stands behind the audio that waits, to the others.
    fn take_header(
        &mut self,
        role: Role,
        waiting: &mut BytesMut,
        page_bytes: usize,
    ) -> Result<(), BadStream> {
        let mut audio = waiting.split_to(self.audio_bytes);
        audio.truncate(self.whole_bytes);
        (self.audio_bytes, self.whole_bytes) = (0, 0);
        if !audio.is_empty() {
            let rest = self.piece(audio.freeze());
            self.due.push_back(rest);
        }
        if role == Role::FirstHeader {
            self.headers.clear();
        }
        self.headers.extend_from_slice(&waiting.split_to(page_bytes));
        if self.headers.len() > HEADERS_BYTES_MAX {
            return Err(BadStream::HeadersTooLong);
        }
        if role == Role::LastHeader {
            self.end_headers();
        }
        Ok(())
    }

    /// The headers are whole.
    fn end_headers(&mut self) {
        let pages = self.headers.split().freeze();
        // What the source says of itself later counts for more than what was said before.
        let early = self.wanted.take().filter(|_| !self.has_begun);
        match self.retitler.begin(&pages, early.as_ref()) {
            Some(seam) => self.begin_with(seam),
            None => self.due.push_back(headers(pages)),
        }
        self.has_begun = true;
    }

    /// Ends the stream with its page `last`; what begins it anew with the title is due then.
    fn put_title(&mut self, last: &mut [u8]) {
        let title = self.wanted.take();
        let seam = title.and_then(|title| self.retitler.retitle(last, &title));
        if let Some(seam) = seam {
            self.begin_with(seam);
        }
    }

    fn begin_with(&mut self, seam: Seam) {
        self.due.push_back(headers(seam.headers.into()));
        if !seam.priming.is_empty() {
            self.due.push_back(audio(seam.priming.into(), Duration::ZERO));
        }
    }

    /// A chunk of the first `bytes` of the audio that waits.
    fn air(&mut self, waiting: &mut BytesMut, bytes: usize) -> Found {
        self.audio_bytes -= bytes;
        self.whole_bytes = 0;
        Found::Chunk(self.piece(waiting.split_to(bytes).freeze()))
    }

    /// A chunk of whole pages. Where there are pictures a decoder begins with one that is whole.
    fn piece(&self, pages: Bytes) -> Chunk {
        let chunk = audio(pages, Duration::ZERO);
        let first = || Page::read(&chunk.bytes).ok().flatten();
        let begins_picture = || first().is_some_and(|page| self.chain.begins_picture(&page));
        match self.chain.has_pictures() && !begins_picture() {
            true => Chunk { opening: Opening::Middle, ..chunk },
            false => chunk,
        }
    }
}

fn headers(bytes: Bytes) -> Chunk {
    Chunk { bytes, opening: Opening::Headers, plays: Duration::ZERO }
}

/// The most bytes that wait for the end of a packet; a large picture of a video has about these.
const HELD_BYTES_MAX: usize = 262_144;

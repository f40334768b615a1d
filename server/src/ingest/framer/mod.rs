//! A source's body into [`Chunk`]s that begin where a decoder may begin.
//!
//! MPEG audio and ADTS are cut between frames ([`frames`]), and so is FLAC without a container
//! ([`flac`]); Ogg between pages on which all packets end, with the header pages of each logical
//! stream kept together ([`pages`]); Matroska and WebM between clusters ([`clusters`]); anything
//! else passes as it comes. Frames and pages go on in order, and unchanged unless a title is put
//! into them. What stands between them (tags, damage) is left out, since it is noise to a decoder.
//!
//! A body that is not what its content type says is refused: one that begins as another container
//! at once, one in which nothing is found after [`JUNK_BYTES_MAX`]. A lenient framer passes it as
//! it comes instead, and somebody may still be able to play it.

mod clusters;
mod flac;
mod frames;
mod pages;

use bytes::{Bytes, BytesMut};
use clusters::Clusters;
use common::chunk::{Chunk, Opening};
use common::format::Format;
use common::ogg::comment::Title;
use flac::FlacFrames;
use frames::Frames;
use pages::Pages;
use std::time::Duration;

/// Cuts one source's body.
#[derive(Debug)]
pub(crate) struct Framer {
    format: Format,
    cut: Cut,
    waiting: BytesMut,
    /// Bytes left out since the last frame or page.
    junk_bytes: usize,
    /// Bytes of a tag that stands in a stream of frames, which may be left out besides.
    tag_bytes: usize,
    /// Whether nothing of the body has been looked at.
    is_fresh: bool,
    /// Whether a body passes that is not of its format.
    is_lenient: bool,
}

#[derive(Debug)]
enum Cut {
    Clusters(Clusters),
    Flac(FlacFrames),
    Frames(Frames),
    /// Anywhere: nothing is known of the format.
    Nowhere,
    Pages(Box<Pages>),
}

/// What is at the start of the bytes that wait.
enum Found {
    Chunk(Chunk),
    /// So many bytes that belong to nothing.
    Junk(usize),
    /// Nothing that is whole.
    Nothing,
}

/// Why a body is not passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadStream {
    /// Its headers do not end.
    #[error("the headers of the stream exceed {HEADERS_BYTES_MAX} bytes")]
    HeadersTooLong,
    /// There is nothing in it of its format.
    #[error(
        "{JUNK_BYTES_MAX} bytes without anything of what the content type says, {}",
        said.described()
    )]
    Nothing {
        /// What its content type says.
        said: Format,
    },
    /// It is of another format.
    #[error(
        "the stream is {}, but its content type says {}",
        is.described(),
        said.described()
    )]
    Other {
        /// What it is.
        is: Format,
        /// What its content type says.
        said: Format,
    },
}

impl Framer {
    /// A framer at the start of a body.
    pub(crate) fn new(format: Format) -> Self {
        let cut = match format {
            Format::Adts => Cut::Frames(Frames::adts()),
            Format::Flac => Cut::Flac(FlacFrames::default()),
            Format::Matroska => Cut::Clusters(Clusters::default()),
            Format::Mpeg => Cut::Frames(Frames::mpeg()),
            Format::Ogg => Cut::Pages(Box::default()),
            Format::Unknown => Cut::Nowhere,
        };
        Self {
            format,
            cut,
            waiting: BytesMut::new(),
            junk_bytes: 0,
            tag_bytes: 0,
            is_fresh: true,
            is_lenient: false,
        }
    }

    /// One that, if it `is_lenient`, passes a body that is not of its format as it comes.
    pub(crate) fn lenient(self, is_lenient: bool) -> Self {
        Self { is_lenient, ..self }
    }

    /// The format that the body was announced to have.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Takes `bytes`, the next of the body.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
    }

    /// The next chunk; `None` until more is pushed.
    pub(crate) fn next(&mut self) -> Result<Option<Chunk>, BadStream> {
        self.look_at_beginning()?;
        loop {
            self.look_for_tag();
            let found = match &mut self.cut {
                Cut::Clusters(clusters) => clusters.next(&mut self.waiting)?,
                Cut::Flac(frames) => frames.next(&mut self.waiting)?,
                Cut::Frames(frames) => frames.next(&mut self.waiting),
                Cut::Nowhere if self.waiting.is_empty() => Found::Nothing,
                Cut::Nowhere => Found::Chunk(audio(self.waiting.split().freeze(), Duration::ZERO)),
                Cut::Pages(pages) => pages.next(&mut self.waiting)?,
            };
            match found {
                Found::Chunk(chunk) => {
                    (self.junk_bytes, self.tag_bytes) = (0, 0);
                    return Ok(Some(chunk));
                }
                Found::Junk(bytes) => {
                    let _ = self.waiting.split_to(bytes);
                    self.junk_bytes += bytes;
                    if self.junk_bytes > JUNK_BYTES_MAX + self.tag_bytes {
                        self.give_up(BadStream::Nothing { said: self.format })?;
                    }
                }
                Found::Nothing => return Ok(None),
            }
        }
    }

    /// Compares what the body begins with to what it should be.
    fn look_at_beginning(&mut self) -> Result<(), BadStream> {
        if !self.is_fresh || self.waiting.len() < MARK_BYTES {
            return Ok(());
        }
        self.is_fresh = false;
        match Format::of_beginning(&self.waiting) {
            Some(is) if is != self.format && self.format != Format::Unknown => {
                self.give_up(BadStream::Other { is, said: self.format })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The body is not of its format, as `what` says.
    fn give_up(&mut self, what: BadStream) -> Result<(), BadStream> {
        if !self.is_lenient {
            return Err(what);
        }
        self.cut = Cut::Nowhere;
        Ok(())
    }

    /// Allows for an ID3 tag between frames, which may hold pictures of any size. It is looked
    /// through nevertheless, since what it says of its size may be wrong.
    fn look_for_tag(&mut self) {
        let has_frames = matches!(self.cut, Cut::Flac(_) | Cut::Frames(_));
        let Some(&[b'I', b'D', b'3', _, _, _, a, b, c, d]) = self.waiting.first_chunk() else {
            return;
        };
        if has_frames {
            let bytes = |sum: usize, byte: &u8| sum << 7 | usize::from(byte & 127);
            self.tag_bytes = [a, b, c, d].iter().fold(0, bytes).min(TAG_BYTES_MAX);
        }
    }

    /// Puts `title` into the stream after its next page, if it is Ogg and can bear it. A title that
    /// comes before the stream is put into its first headers.
    pub(crate) fn retitle(&mut self, title: Title) {
        if let Cut::Pages(pages) = &mut self.cut {
            pages.retitle(title);
        }
    }

    /// Whether the body is passed as it comes, without places for a decoder to begin.
    pub(crate) fn is_blind(&self) -> bool {
        matches!(self.cut, Cut::Nowhere)
    }
}

fn audio(bytes: Bytes, plays: Duration) -> Chunk {
    Chunk { bytes, opening: Opening::Audio, plays }
}

/// A chunk holds frames or pages up to about this many bytes, so that a burst can be cut finely.
const CHUNK_BYTES_MAX: usize = 2_048;
/// After so many bytes without a frame or page, a body is taken for another format.
const JUNK_BYTES_MAX: usize = 262_144;
/// So many bytes show which container it is.
const MARK_BYTES: usize = 4;
/// The most bytes that are believed to be a tag.
const TAG_BYTES_MAX: usize = 16 << 20;
/// The most bytes that the headers of a stream may have; large ones hold pictures.
const HEADERS_BYTES_MAX: usize = 1 << 20;

#[cfg(test)]
mod tests;

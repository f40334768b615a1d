//! A source's body into [`Chunk`]s that begin where a decoder may begin.
//!
//! MPEG audio and ADTS are cut between frames, Ogg between pages with the header pages of each
//! logical stream kept together; anything else passes as it comes. Frames and pages go on
//! unchanged and in order. What stands between them (tags, damage) is left out, since it is noise
//! to a decoder.
//!
//! Two headers in a row make a stream of frames; one alone may be chance. Once in step, a frame is
//! passed on as soon as it is whole. A body in which nothing is found for too long is passed as it
//! comes: its content type was wrong, and somebody may still be able to play it.

use bytes::{Bytes, BytesMut};
use common::chunk::{Chunk, Opening};
use common::format::Format;
use common::mpeg::frame::{self, Header};
use common::ogg::page::{self, Page};
use common::ogg::stream::{Chain, Role};
use std::time::Duration;

/// Cuts one source's body.
#[derive(Debug)]
pub(crate) struct Framer {
    format: Format,
    cut: Cut,
    waiting: BytesMut,
    /// Bytes left out since the last frame or page.
    junk_bytes: usize,
}

#[derive(Debug)]
enum Cut {
    Frames(Frames),
    /// Anywhere: nothing is known of the format.
    Nowhere,
    Pages(Pages),
}

#[derive(Debug)]
struct Frames {
    read: fn(&[u8]) -> Option<Header>,
    header_bytes: usize,
    /// The header of the last frame while in step.
    last: Option<Header>,
}

#[derive(Debug, Default)]
struct Pages {
    chain: Chain,
    /// The headers of the link that is beginning.
    headers: BytesMut,
}

/// What is at the start of the bytes that wait.
enum Found {
    Chunk(Chunk),
    /// So many bytes that belong to nothing.
    Junk(usize),
    /// Nothing that is whole.
    Nothing,
}

/// The headers of an Ogg stream do not end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the headers of the Ogg stream exceed {OGG_HEADERS_BYTES_MAX} bytes")]
pub(crate) struct HeadersTooLong;

impl Framer {
    /// A framer at the start of a body.
    pub(crate) fn new(format: Format) -> Self {
        let cut = match format {
            Format::Adts => Cut::Frames(Frames {
                read: Header::adts,
                header_bytes: frame::ADTS_HEADER_BYTES,
                last: None,
            }),
            Format::Mpeg => Cut::Frames(Frames {
                read: Header::mpeg,
                header_bytes: frame::MPEG_HEADER_BYTES,
                last: None,
            }),
            Format::Ogg => Cut::Pages(Pages::default()),
            Format::Unknown => Cut::Nowhere,
        };
        Self { format, cut, waiting: BytesMut::new(), junk_bytes: 0 }
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
    pub(crate) fn next(&mut self) -> Result<Option<Chunk>, HeadersTooLong> {
        loop {
            let found = match &mut self.cut {
                Cut::Frames(frames) => frames.next(&mut self.waiting),
                Cut::Nowhere if self.waiting.is_empty() => Found::Nothing,
                Cut::Nowhere => Found::Chunk(audio(self.waiting.split().freeze(), Duration::ZERO)),
                Cut::Pages(pages) => pages.next(&mut self.waiting)?,
            };
            match found {
                Found::Chunk(chunk) => {
                    self.junk_bytes = 0;
                    return Ok(Some(chunk));
                }
                Found::Junk(bytes) => {
                    let _ = self.waiting.split_to(bytes);
                    self.junk_bytes += bytes;
                    if self.junk_bytes > JUNK_BYTES_MAX {
                        self.cut = Cut::Nowhere;
                    }
                }
                Found::Nothing => return Ok(None),
            }
        }
    }

    /// Whether the body is passed as it comes, without places for a decoder to begin.
    pub(crate) fn is_blind(&self) -> bool {
        matches!(self.cut, Cut::Nowhere)
    }
}

impl Frames {
    /// Whole frames in a row, up to [`CHUNK_BYTES_MAX`] or one that is larger.
    fn next(&mut self, waiting: &mut BytesMut) -> Found {
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

impl Pages {
    /// All headers of a link of the chain, or whole pages of audio in a row.
    fn next(&mut self, waiting: &mut BytesMut) -> Result<Found, HeadersTooLong> {
        let mut end = 0;
        while end < CHUNK_BYTES_MAX {
            let rest = &waiting[end..];
            let page = match Page::read(rest) {
                Ok(Some(page)) => page,
                Err(page::NoPage) if end == 0 => {
                    return Ok(Found::Junk(1 + page::junk_bytes(&rest[1..])));
                }
                Ok(None) | Err(page::NoPage) => break,
            };
            let page_bytes = page.bytes.len();
            let role = match self.chain.follow(&page) {
                Role::Audio => {
                    end += page_bytes;
                    continue;
                }
                Role::Orphan if end == 0 => return Ok(Found::Junk(page_bytes)),
                Role::Orphan => break,
                role @ (Role::FirstHeader | Role::Header | Role::LastHeader) => role,
            };
            if role == Role::FirstHeader {
                self.headers.clear();
            }
            let aired = waiting.split_to(end);
            self.headers.extend_from_slice(&waiting.split_to(page_bytes));
            if self.headers.len() > OGG_HEADERS_BYTES_MAX {
                return Err(HeadersTooLong);
            }
            if !aired.is_empty() {
                return Ok(Found::Chunk(audio(aired.freeze(), Duration::ZERO)));
            }
            if role == Role::LastHeader {
                let bytes = self.headers.split().freeze();
                let opening = Opening::Headers;
                return Ok(Found::Chunk(Chunk { bytes, opening, plays: Duration::ZERO }));
            }
            end = 0;
        }
        let whole = waiting.split_to(end).freeze();
        Ok(if end > 0 { Found::Chunk(audio(whole, Duration::ZERO)) } else { Found::Nothing })
    }
}

fn audio(bytes: Bytes, plays: Duration) -> Chunk {
    Chunk { bytes, opening: Opening::Audio, plays }
}

/// A chunk holds frames or pages up to about this many bytes, so that a burst can be cut finely.
const CHUNK_BYTES_MAX: usize = 2_048;
/// After so many bytes without a frame or page, a body is passed as it comes.
const JUNK_BYTES_MAX: usize = 262_144;
/// The most bytes that the headers of an Ogg stream may have; large ones hold pictures.
const OGG_HEADERS_BYTES_MAX: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    /// A layer III frame of 128 kbit/s at 44.1 kHz, filled with `fill`.
    fn frame(fill: u8) -> Vec<u8> {
        let mut frame = vec![fill; 417];
        frame[..4].copy_from_slice(&[0xFF, 0xFB, 0x90, 0x64]);
        frame
    }

    fn page(serial: u8, flags: u8, granule: u8, packet: &[u8]) -> Vec<u8> {
        let mut page = vec![b'O', b'g', b'g', b'S', 0, flags, granule, 0, 0, 0, 0, 0, 0, 0];
        page.extend_from_slice(&[serial, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        page.extend_from_slice(&[1, u8::try_from(packet.len()).unwrap()]);
        page.extend_from_slice(packet);
        let crc = page::checksum(&page);
        page[22..26].copy_from_slice(&crc.to_le_bytes());
        page
    }

    fn opus(serial: u8, audio: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut pages = vec![page(serial, 2, 0, b"OpusHead"), page(serial, 0, 0, b"OpusTags")];
        pages.extend(audio.iter().map(|packet| page(serial, 0, 9, packet)));
        pages
    }

    /// All chunks of `body`, pushed `cut` bytes at a time.
    fn chunks(format: Format, body: &[u8], cut: usize) -> Vec<Chunk> {
        let mut framer = Framer::new(format);
        let mut chunks = Vec::new();
        for piece in body.chunks(cut) {
            framer.push(piece);
            while let Some(chunk) = framer.next().unwrap() {
                chunks.push(chunk);
            }
        }
        chunks
    }

    fn joined(chunks: &[Chunk]) -> Vec<u8> {
        chunks.iter().flat_map(|chunk| chunk.bytes.to_vec()).collect()
    }

    #[test]
    fn a_frame_goes_on_as_soon_as_it_is_whole_once_in_step() {
        let mut framer = Framer::new(Format::Mpeg);
        framer.push(&frame(1));
        assert_eq!(framer.next(), Ok(None), "one header may be chance");

        framer.push(&frame(2)[..4]);
        assert_eq!(framer.next().unwrap().unwrap().bytes, frame(1));

        framer.push(&frame(2)[4..416]);
        assert_eq!(framer.next(), Ok(None));

        framer.push(&frame(2)[416..]);
        let chunk = framer.next().unwrap().unwrap();
        assert_eq!(chunk.bytes, frame(2));
        assert_eq!(chunk.plays.as_micros(), 26_122);
    }

    #[test]
    fn tags_and_damage_between_frames_are_left_out() {
        let tag = [b"ID3\x04\0\0\0\0\0\x23TSSE".as_slice(), &[0; 30]].concat();
        let body = [&tag[..], &frame(1), &frame(2), b"TAG\xff\xfbtitle", &frame(3), &frame(4)];

        let heard = joined(&chunks(Format::Mpeg, &body.concat(), 100));

        assert_eq!(heard, [frame(1), frame(2), frame(3), frame(4)].concat());
    }

    #[test]
    fn a_stream_may_go_on_with_another_rate() {
        let mut other = vec![7; 384];
        other[..4].copy_from_slice(&[0xFF, 0xFB, 0x94, 0x64]); // 48 kHz
        let body = [frame(1), frame(2), other.clone(), other.clone(), other].concat();

        assert_eq!(joined(&chunks(Format::Mpeg, &body, 50)), body);
    }

    #[test]
    fn a_body_without_frames_is_passed_as_it_comes_in_the_end() {
        let mut framer = Framer::new(Format::Mpeg);
        framer.push(&vec![0; JUNK_BYTES_MAX]);
        assert_eq!(framer.next(), Ok(None));
        assert!(!framer.is_blind());

        framer.push(b"abcdef");

        assert!(framer.next().unwrap().unwrap().bytes.ends_with(b"def"));
        assert!(framer.is_blind());
        framer.push(b"ghi");
        assert_eq!(framer.next().unwrap().unwrap().bytes, b"ghi".as_slice());
    }

    #[test]
    fn the_headers_of_an_ogg_stream_are_one_chunk() {
        let pages = [opus(1, &[b"a", b"b"]), opus(2, &[b"c"])].concat();

        let chunks = chunks(Format::Ogg, &pages.concat(), usize::MAX);

        let shape: Vec<_> = chunks.iter().map(|chunk| (chunk.opening, chunk.bytes.len())).collect();
        let headers = pages[0].len() + pages[1].len();
        let one = pages[2].len();
        assert_eq!(
            shape,
            [
                (Opening::Headers, headers),
                (Opening::Audio, 2 * one),
                (Opening::Headers, headers),
                (Opening::Audio, one)
            ]
        );
        assert_eq!(joined(&chunks), pages.concat());
    }

    #[test]
    fn a_stream_that_begins_anew_within_its_headers_leaves_the_old_ones_behind() {
        let begun = vec![page(1, 2, 0, b"\x01vorbis"), page(1, 0, 0, b"\x03vorbis")];
        let body = [begun, opus(2, &[b"a"])].concat();

        let heard = joined(&chunks(Format::Ogg, &body.concat(), 10));

        assert_eq!(heard, opus(2, &[b"a"]).concat());
    }

    #[test]
    fn a_damaged_page_is_left_out() {
        let mut pages = opus(1, &[b"a", b"b", b"c"]);
        *pages[3].last_mut().unwrap() ^= 1;

        let heard = joined(&chunks(Format::Ogg, &pages.concat(), 7));

        assert_eq!(heard, [&pages[..3], &pages[4..]].concat().concat());
    }

    #[test]
    fn endless_headers_are_refused() {
        let mut framer = Framer::new(Format::Ogg);
        framer.push(&page(1, 2, 0, b"unknown codec"));
        let header = page(1, 0, 0, &[b'x'; 200]);
        let refused = (0..=OGG_HEADERS_BYTES_MAX / 200).any(|_| {
            framer.push(&header);
            framer.next() == Err(HeadersTooLong)
        });

        assert!(refused);
    }

    proptest! {
        #[test]
        fn how_a_body_is_cut_changes_nothing_of_it(
            fills in vec(any::<u8>(), 2..30),
            before in vec(0..0xFF_u8, 0..50),
            cut in 1..2_000_usize,
        ) {
            let frames: Vec<u8> = fills.iter().flat_map(|&fill| frame(fill & 0x7f)).collect();

            let heard = chunks(Format::Mpeg, &[before, frames.clone()].concat(), cut);

            prop_assert_eq!(joined(&heard), frames);
            prop_assert!(heard.iter().all(|chunk| chunk.bytes.starts_with(&[0xFF, 0xFB])));
        }

        #[test]
        fn no_body_makes_the_framer_panic_or_stand_still(
            pieces in vec(prop_oneof![
                vec(any::<u8>(), 0..300),
                any::<u8>().prop_map(frame),
                any::<u8>().prop_map(|flags| page(flags & 1, flags & 7, flags >> 4, &[flags; 9])),
                Just(b"OggS".to_vec()),
                Just(vec![0xFF, 0xF1, 0x50, 0x80, 0x02, 0x1F, 0xFC]),
            ], 0..30),
        ) {
            for format in [Format::Mpeg, Format::Adts, Format::Ogg, Format::Unknown] {
                let heard = joined(&chunks(format, &pieces.concat(), 64));
                prop_assert!(heard.len() <= pieces.concat().len());
            }
        }
    }
}

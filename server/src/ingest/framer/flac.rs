//! Frames of FLAC without a container.
//!
//! Where a frame ends is known once the next has begun: its checksum is even there, and a header
//! of the same kind follows. A frame whose checksum is not even, but behind which the next one by
//! its number begins, is damaged and left out. A stream whose beginning was missed, such as one
//! that was joined in the middle, gets one that is made from its first frame.

use super::{BadStream, Found, HEADERS_BYTES_MAX, audio};
use bytes::{Bytes, BytesMut};
use common::chunk::{Chunk, Opening};
use common::flac::{self, Block, Header, NoFrame};
use std::time::Duration;

/// Cuts a body between frames.
#[derive(Debug, Default)]
pub(super) struct FlacFrames {
    /// How many of the bytes that wait are headers, while they are not complete.
    headers_bytes: Option<usize>,
    /// Whether there have been headers.
    has_begun: bool,
    /// The frame at the start of the bytes that wait, once its header was read.
    frame: Option<Frame>,
}

/// A frame whose end is looked for.
#[derive(Clone, Copy, Debug)]
struct Frame {
    header: Header,
    /// Bytes that are certain to be part of it.
    looked_bytes: usize,
    /// Their checksum.
    crc: u16,
}

impl FlacFrames {
    /// The headers, or one frame.
    pub(super) fn next(&mut self, waiting: &mut BytesMut) -> Result<Found, BadStream> {
        if let Some(headers_bytes) = self.headers_bytes {
            return self.rest_of_headers(headers_bytes, waiting);
        }
        let Some(frame) = self.frame else { return self.begin(waiting) };
        match frame.end(waiting) {
            Looked::Damaged(bytes) => {
                self.frame = None;
                Ok(Found::Junk(bytes))
            }
            Looked::Open(frame) => {
                self.frame = Some(frame);
                Ok(Found::Nothing)
            }
            Looked::Whole(bytes) => {
                let made = frame.header.beginning().filter(|_| !self.has_begun);
                self.has_begun = true;
                if let Some(made) = made {
                    return Ok(Found::Chunk(headers(made.into())));
                }
                self.frame = None;
                let plays = plays(&frame.header);
                Ok(Found::Chunk(audio(waiting.split_to(bytes).freeze(), plays)))
            }
        }
    }

    /// Finds out what comes first, and goes on with that.
    fn begin(&mut self, waiting: &mut BytesMut) -> Result<Found, BadStream> {
        if waiting.starts_with(flac::MARK) {
            return self.rest_of_headers(flac::MARK.len(), waiting);
        }
        if flac::MARK.starts_with(waiting) {
            return Ok(Found::Nothing);
        }
        match Header::read(waiting) {
            Ok(None) => Ok(Found::Nothing),
            Ok(Some(header)) => {
                let looked_bytes = header.header_bytes;
                let crc = flac::crc16(&waiting[..looked_bytes]);
                self.frame = Some(Frame { header, looked_bytes, crc });
                self.next(waiting)
            }
            Err(NoFrame) => {
                let may_begin = |byte: &u8| *byte == 0xFF || *byte == flac::MARK[0];
                let junk = waiting.iter().skip(1).position(may_begin);
                Ok(Found::Junk(junk.map_or(waiting.len(), |at| at + 1)))
            }
        }
    }

    /// Goes on by whole metadata blocks; the headers, once the last has come.
    fn rest_of_headers(
        &mut self,
        mut headers_bytes: usize,
        waiting: &mut BytesMut,
    ) -> Result<Found, BadStream> {
        while let Some(block) = Block::read(&waiting[headers_bytes..]) {
            let end = headers_bytes + block.whole_bytes;
            if end > HEADERS_BYTES_MAX {
                return Err(BadStream::HeadersTooLong);
            }
            if waiting.len() < end {
                break;
            }
            headers_bytes = end;
            if block.is_last {
                self.headers_bytes = None;
                self.has_begun = true;
                return Ok(Found::Chunk(headers(waiting.split_to(end).freeze())));
            }
        }
        self.headers_bytes = Some(headers_bytes);
        Ok(Found::Nothing)
    }
}

/// What came of looking for the end of a frame.
enum Looked {
    /// So many bytes are no whole frame.
    Damaged(usize),
    /// The end has not come yet.
    Open(Frame),
    /// The frame has so many bytes.
    Whole(usize),
}

impl Frame {
    /// Looks for its end in `waiting`, which begins with it.
    fn end(mut self, waiting: &[u8]) -> Looked {
        while self.looked_bytes < waiting.len() {
            if self.looked_bytes > FRAME_BYTES_MAX {
                return Looked::Damaged(self.looked_bytes);
            }
            let rest = &waiting[self.looked_bytes..];
            if self.crc == 0 && (rest.starts_with(flac::MARK)) {
                return Looked::Whole(self.looked_bytes);
            }
            match Header::read(rest) {
                Ok(None) => return Looked::Open(self),
                Ok(Some(next)) if self.crc == 0 && self.header.continues(&next) => {
                    return Looked::Whole(self.looked_bytes);
                }
                Ok(Some(next)) if self.header.is_before(&next) => {
                    return Looked::Damaged(self.looked_bytes);
                }
                Ok(Some(_)) | Err(NoFrame) => {}
            }
            if self.crc == 0 && flac::MARK.starts_with(rest) {
                return Looked::Open(self);
            }
            self.crc = flac::crc16_of(self.crc, rest[0]);
            self.looked_bytes += 1;
        }
        Looked::Open(self)
    }
}

fn headers(bytes: Bytes) -> Chunk {
    Chunk { bytes, opening: Opening::Headers, plays: Duration::ZERO }
}

fn plays(header: &Header) -> Duration {
    header.rate_hz.map_or(Duration::ZERO, |rate_hz| {
        let nanos = u64::from(header.sample_frames) * 1_000_000_000 / u64::from(rate_hz);
        Duration::from_nanos(nanos)
    })
}

/// The longest frame; a longer one is damage. Four thousand sample frames of eight channels of 24
/// bits have a hundred thousand bytes.
const FRAME_BYTES_MAX: usize = 1 << 19;

#[cfg(test)]
mod tests {
    use super::super::Framer;
    use super::*;
    use common::format::Format;
    use proptest::collection::vec;
    use proptest::prelude::*;

    /// A frame of 4 096 sample frames at 44.1 kHz, two channels of 16 bits.
    fn frame(number: u8, body: &[u8]) -> Vec<u8> {
        let mut frame = vec![0xFF, 0xF8, 0xC9, 0x18, number];
        frame.push(flac::crc8(&frame));
        frame.extend_from_slice(body);
        let crc = flac::crc16(&frame).to_be_bytes();
        [&frame[..], &crc].concat()
    }

    fn beginning(comments: &[u8]) -> Vec<u8> {
        let info = frame_header().beginning().unwrap();
        let length = u8::try_from(comments.len()).unwrap();
        let mut headers = info;
        headers[4] = 0;
        [&headers[..], &[0x84, 0, 0, length], comments].concat()
    }

    fn frame_header() -> Header {
        Header::read(&frame(0, b"")).unwrap().unwrap()
    }

    /// All chunks of `body`, pushed `cut` bytes at a time.
    fn chunks(body: &[u8], cut: usize) -> Vec<Chunk> {
        let mut framer = Framer::new(Format::Flac);
        let mut chunks = Vec::new();
        for piece in body.chunks(cut) {
            framer.push(piece);
            while let Some(chunk) = framer.next().unwrap() {
                chunks.push(chunk);
            }
        }
        chunks
    }

    fn bytes(chunks: &[Chunk]) -> Vec<Vec<u8>> {
        chunks.iter().map(|chunk| chunk.bytes.to_vec()).collect()
    }

    #[test]
    fn a_listener_begins_with_the_headers_and_a_frame() {
        let body = [beginning(b"tags"), frame(0, b"zero"), frame(1, b"one"), frame(2, b"")];

        let heard = chunks(&body.concat(), 5);

        assert_eq!(heard[0].opening, Opening::Headers);
        // Where the last one ends is not known yet.
        assert_eq!(bytes(&heard), body[..3]);
        assert_eq!(heard[1].plays.as_micros(), 92_879);
    }

    #[test]
    fn a_damaged_frame_is_left_out_and_costs_no_other() {
        let mut bad = frame(1, b"one");
        bad[7] ^= 1;
        let body = [beginning(b""), frame(0, b"zero"), bad, frame(2, b"two"), frame(3, b"")];

        let heard = bytes(&chunks(&body.concat(), usize::MAX));

        assert_eq!(heard, [&body[..2], &body[3..4]].concat());
    }

    #[test]
    fn a_stream_that_was_joined_in_the_middle_gets_a_beginning() {
        let body = [b"of a frame".to_vec(), frame(7, b"seven"), frame(8, b"eight"), frame(9, b"")];

        let heard = chunks(&body.concat(), 3);

        let made = frame_header().beginning().unwrap();
        assert_eq!(bytes(&heard), [made, frame(7, b"seven"), frame(8, b"eight")]);
        assert_eq!(heard[0].opening, Opening::Headers);
    }

    #[test]
    fn a_stream_may_begin_anew() {
        let body =
            [beginning(b"a"), frame(0, b"0"), beginning(b"b"), frame(0, b"0"), frame(1, b"")];

        assert_eq!(bytes(&chunks(&body.concat(), 1)), body[..4]);
    }

    #[test]
    fn endless_headers_are_refused() {
        let mut framer = Framer::new(Format::Flac);
        framer.push(b"fLaC");
        let padding = [&[1, 0xFF, 0xFF, 0xFF][..], &[0; 1_000]].concat();
        framer.push(&padding);

        assert_eq!(framer.next(), Err(BadStream::HeadersTooLong));
    }

    #[test]
    fn a_frame_without_end_is_not_waited_for() {
        let mut framer = Framer::new(Format::Flac);
        framer.push(&frame(0, b""));
        framer.push(&[7; FRAME_BYTES_MAX]);
        while framer.next() != Ok(None) {}
        assert!(framer.waiting.len() < 100, "{} bytes wait", framer.waiting.len());
    }

    proptest! {
        #[test]
        fn how_a_body_is_cut_changes_nothing_of_it(
            bodies in vec(vec(any::<u8>(), 0..300), 1..10),
            cut in 1..500_usize,
        ) {
            let frames = bodies.iter().zip(0..).map(|(body, number)| frame(number, body));
            let frames: Vec<_> = [beginning(b"tags")].into_iter().chain(frames).collect();

            let heard = bytes(&chunks(&[frames.concat(), frame(99, b"")].concat(), cut));

            prop_assert_eq!(heard, frames);
        }
    }
}

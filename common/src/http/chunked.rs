//! Chunked transfer coding, both ways (RFC 9112, section 7.1).
//!
//! ffmpeg's plain `http://` output and `curl -T -` send their audio in chunks; Icecast 2.4 takes
//! the framing for audio. Listeners that speak HTTP/1.1 receive chunks from us.

use bytes::{BufMut as _, Bytes, BytesMut};

/// Takes the framing out of a chunked body that arrives piece by piece.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    /// Inside a chunk, with so many bytes of it to come.
    Data { left_bytes: u64 },
    /// After a chunk's last byte, before its line end.
    DataEnd { line_bytes: usize },
    /// The last chunk and its trailers are over.
    Done,
    /// In the line that gives a chunk's size.
    Size { size_bytes: u64, digits: usize, line_bytes: usize, in_extension: bool },
    /// In the trailers after the last chunk.
    Trailer { line_bytes: usize, trailer_bytes: usize },
}

impl Default for State {
    fn default() -> Self {
        Self::Size { size_bytes: 0, digits: 0, line_bytes: 0, in_extension: false }
    }
}

/// Why a body is not a chunked one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChunkedError {
    /// A chunk does not end where its size says.
    #[error("a chunk does not end where its size says")]
    EndMissing,
    /// A size line is longer than [`SIZE_LINE_BYTES_MAX`].
    #[error("a chunk's size line exceeds {SIZE_LINE_BYTES_MAX} bytes")]
    SizeLineTooLong,
    /// A size is not a hexadecimal number of at most 15 digits.
    #[error("a chunk's size is not a hexadecimal number")]
    SizeMalformed,
    /// The trailers are longer than [`TRAILER_BYTES_MAX`].
    #[error("the trailers exceed {TRAILER_BYTES_MAX} bytes")]
    TrailerTooLong,
}

impl Decoder {
    /// Appends to `out` what `input` holds of the body. All of `input` is used, unless the body
    /// ends within it.
    pub fn decode(&mut self, mut input: &[u8], out: &mut BytesMut) -> Result<(), ChunkedError> {
        while !input.is_empty() {
            if let State::Data { left_bytes } = &mut self.state {
                let here = usize::try_from(*left_bytes).unwrap_or(usize::MAX).min(input.len());
                out.extend_from_slice(&input[..here]);
                input = &input[here..];
                *left_bytes -= here as u64;
                if *left_bytes == 0 {
                    self.state = State::DataEnd { line_bytes: 0 };
                }
                continue;
            }
            if self.is_done() {
                return Ok(());
            }
            self.state = self.state.after(input[0])?;
            input = &input[1..];
        }
        Ok(())
    }

    /// Whether the last chunk and its trailers have been read.
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }
}

impl State {
    /// The state after one byte of framing.
    fn after(&self, byte: u8) -> Result<Self, ChunkedError> {
        match *self {
            Self::Data { .. } | Self::Done => unreachable!("only framing is read byte by byte"),
            Self::DataEnd { line_bytes } => match (byte, line_bytes) {
                (b'\n', _) => Ok(Self::default()),
                (b'\r', 0) => Ok(Self::DataEnd { line_bytes: 1 }),
                _ => Err(ChunkedError::EndMissing),
            },
            Self::Size { size_bytes, digits, line_bytes, in_extension } => {
                Self::size_after(byte, size_bytes, digits, line_bytes, in_extension)
            }
            Self::Trailer { line_bytes, trailer_bytes } => match byte {
                b'\n' if line_bytes == 0 => Ok(Self::Done),
                _ if trailer_bytes >= TRAILER_BYTES_MAX => Err(ChunkedError::TrailerTooLong),
                b'\n' => Ok(Self::Trailer { line_bytes: 0, trailer_bytes: trailer_bytes + 1 }),
                b'\r' => Ok(Self::Trailer { line_bytes, trailer_bytes: trailer_bytes + 1 }),
                _ => Ok(Self::Trailer {
                    line_bytes: line_bytes + 1,
                    trailer_bytes: trailer_bytes + 1,
                }),
            },
        }
    }

    fn size_after(
        byte: u8,
        size_bytes: u64,
        digits: usize,
        line_bytes: usize,
        in_extension: bool,
    ) -> Result<Self, ChunkedError> {
        if line_bytes >= SIZE_LINE_BYTES_MAX {
            return Err(ChunkedError::SizeLineTooLong);
        }
        let line_bytes = line_bytes + 1;
        let same = |in_extension| Self::Size { size_bytes, digits, line_bytes, in_extension };
        match (byte, char::from(byte).to_digit(16)) {
            (b'\n', _) if digits == 0 => Err(ChunkedError::SizeMalformed),
            (b'\n', _) if size_bytes == 0 => Ok(Self::Trailer { line_bytes: 0, trailer_bytes: 0 }),
            (b'\n', _) => Ok(Self::Data { left_bytes: size_bytes }),
            (_, _) if in_extension => Ok(same(true)),
            (b'\r', _) => Ok(same(false)),
            (b';' | b' ' | b'\t', _) if digits > 0 => Ok(same(true)),
            (_, Some(digit)) if digits < SIZE_DIGITS_MAX => Ok(Self::Size {
                size_bytes: size_bytes << 4 | u64::from(digit),
                digits: digits + 1,
                line_bytes,
                in_extension,
            }),
            _ => Err(ChunkedError::SizeMalformed),
        }
    }
}

/// The line that opens a chunk of `data_bytes`, into `line`; returns the part of it that is used.
pub fn opening(data_bytes: usize, line: &mut [u8; OPENING_BYTES_MAX]) -> &[u8] {
    let mut start = line.len() - 2;
    line[start..].copy_from_slice(b"\r\n");
    let mut rest = data_bytes;
    loop {
        start -= 1;
        line[start] = b"0123456789abcdef"[rest & 15];
        rest >>= 4;
        if rest == 0 {
            return &line[start..];
        }
    }
}

/// What follows the data of a chunk.
pub const CLOSING: &[u8] = b"\r\n";
/// The chunk that ends a body.
pub const END: &[u8] = b"0\r\n\r\n";
/// The longest opening: 16 hexadecimal digits and a line end.
pub const OPENING_BYTES_MAX: usize = 18;
/// The longest line, extensions included, that may give a chunk's size.
pub const SIZE_LINE_BYTES_MAX: usize = 256;
/// The most bytes that may follow the last chunk.
pub const TRAILER_BYTES_MAX: usize = 8_192;
/// Fifteen hexadecimal digits: no size overflows, and nobody sends an exabyte.
const SIZE_DIGITS_MAX: usize = 15;

/// `bytes` as one chunk; nothing stays nothing, since an empty chunk would be the end.
pub fn whole(bytes: &[u8]) -> Bytes {
    if bytes.is_empty() {
        return Bytes::new();
    }
    let mut whole = BytesMut::with_capacity(OPENING_BYTES_MAX + bytes.len() + CLOSING.len());
    whole.put_slice(opening(bytes.len(), &mut [0; OPENING_BYTES_MAX]));
    whole.put_slice(bytes);
    whole.put_slice(CLOSING);
    whole.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn decoded(input: &[u8]) -> Result<(Vec<u8>, bool), ChunkedError> {
        let mut decoder = Decoder::default();
        let mut out = BytesMut::new();
        decoder.decode(input, &mut out)?;
        Ok((out.to_vec(), decoder.is_done()))
    }

    #[test]
    fn a_body_is_what_its_chunks_hold() {
        let body = b"4\r\nWiki\r\n5;x=y\r\npedia\r\n0\r\nExpires: never\r\n\r\nnot ours";

        assert_eq!(decoded(body), Ok((b"Wikipedia".to_vec(), true)));
    }

    #[test]
    fn an_unfinished_body_is_not_done() {
        assert_eq!(decoded(b"5\r\nped"), Ok((b"ped".to_vec(), false)));
    }

    #[test]
    fn wrong_framing_is_named() {
        assert_eq!(decoded(b"\xff\xfb"), Err(ChunkedError::SizeMalformed));
        assert_eq!(decoded(b"\r\n"), Err(ChunkedError::SizeMalformed));
        assert_eq!(decoded(b"1234567890123456\r\n"), Err(ChunkedError::SizeMalformed));
        assert_eq!(decoded(b"2\r\nabc"), Err(ChunkedError::EndMissing));
        let long = [b"1;".as_slice(), &[b'x'; SIZE_LINE_BYTES_MAX]].concat();
        assert_eq!(decoded(&long), Err(ChunkedError::SizeLineTooLong));
        let long = [b"0\r\n".as_slice(), &[b'x'; TRAILER_BYTES_MAX + 1]].concat();
        assert_eq!(decoded(&long), Err(ChunkedError::TrailerTooLong));
    }

    #[test]
    fn an_opening_gives_the_size_in_hexadecimal() {
        assert_eq!(opening(0x1a1, &mut [0; OPENING_BYTES_MAX]), b"1a1\r\n");
        assert_eq!(opening(usize::MAX, &mut [0; OPENING_BYTES_MAX]), b"ffffffffffffffff\r\n");
    }

    proptest! {
        #[test]
        fn how_a_body_is_cut_changes_nothing(
            chunks in vec(vec(any::<u8>(), 1..40), 0..8),
            cut in 1..30_usize,
        ) {
            let mut body = Vec::new();
            for chunk in &chunks {
                body.extend_from_slice(opening(chunk.len(), &mut [0; OPENING_BYTES_MAX]));
                body.extend_from_slice(chunk);
                body.extend_from_slice(CLOSING);
            }
            body.extend_from_slice(END);

            let mut decoder = Decoder::default();
            let mut out = BytesMut::new();
            for piece in body.chunks(cut) {
                decoder.decode(piece, &mut out).unwrap();
            }

            prop_assert_eq!(out.to_vec(), chunks.concat());
            prop_assert!(decoder.is_done());
        }

        #[test]
        fn no_bytes_make_the_decoder_panic(bytes in vec(any::<u8>(), 0..300)) {
            let _ = decoded(&bytes);
        }
    }
}

//! Chunked bodies: any cut gives the same body, and what was put into chunks comes out again.
#![no_main]

use bytes::BytesMut;
use common::http::chunked::{CLOSING, ChunkedError, Decoder, END, OPENING_BYTES_MAX, opening};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8])| {
    let (step, bytes) = input;
    let step = usize::from(step).max(1);

    let whole = decoded(bytes.chunks(bytes.len().max(1)));
    let pieces = decoded(bytes.chunks(step));
    assert_eq!(whole, pieces);
    assert!(whole.0.len() <= bytes.len());

    let mut body = Vec::new();
    for data in bytes.chunks(step) {
        body.extend(opening(data.len(), &mut [0; OPENING_BYTES_MAX]));
        body.extend([data, CLOSING].concat());
    }
    body.extend(END);
    assert_eq!(decoded([&body[..]].into_iter()), (BytesMut::from(bytes), Ok(true)));
});

/// The body that `pieces` hold together, and whether it ended, or why it is none.
fn decoded<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (BytesMut, Result<bool, ChunkedError>) {
    let mut decoder = Decoder::default();
    let mut out = BytesMut::new();
    for piece in pieces {
        if let Err(error) = decoder.decode(piece, &mut out) {
            return (out, Err(error));
        }
    }
    (out, Ok(decoder.is_done()))
}

//! The framer: whatever a source sends and however it is cut, the same chunks come out, no byte
//! comes from nowhere, and no title breaks the pages.
//!
//! The first byte chooses the format, the second how the body is cut. A fuzzer does not guess
//! checksums, so the target puts the right one into every page it finds.
#![no_main]

use bytes::Bytes;
use common::format::Format;
use common::ogg::comment::Title;
use common::ogg::page::{Page, checksum};
use framer::Framer;
use libfuzzer_sys::fuzz_target;

// It is a part of the server that knows nothing of the server.
#[path = "../../../server/src/ingest/framer/mod.rs"]
mod framer;

fuzz_target!(|bytes: &[u8]| {
    let [choice, cut, body @ ..] = bytes else { return };
    let format = match choice % 5 {
        0 => Format::Adts,
        1 => Format::Matroska,
        2 => Format::Mpeg,
        3 => Format::Ogg,
        _ => Format::Unknown,
    };
    let mut body = body.to_vec();
    if format == Format::Ogg {
        let begins = |at: &usize| body[*at..].starts_with(b"OggS");
        let starts: Vec<_> = (0..body.len()).filter(begins).collect();
        starts.into_iter().for_each(|at| sign(&mut body[at..]));
    }
    let whole = framed(format, &body, usize::MAX, false);
    let pieces = framed(format, &body, 1 + usize::from(*cut), false);
    let joined = |chunks: &[Bytes]| chunks.concat();
    assert!(joined(&whole).len() <= body.len() + 4);
    // A body that is passed as it comes in the end is so from a place that depends on the cut.
    if body.len() < 100_000 {
        assert_eq!(joined(&whole), joined(&pieces));
    }
    if format == Format::Ogg {
        let titled = joined(&framed(format, &body, 1 + usize::from(*cut), true));
        let mut rest = titled.as_slice();
        while !rest.is_empty() {
            let page = Page::read(rest).expect("pages go out whole").expect("and to their end");
            rest = &rest[page.bytes.len()..];
        }
    }
});

/// The chunks of `body`, given `cut` bytes at a time, with a title before each piece if wished.
fn framed(format: Format, body: &[u8], cut: usize, is_titled: bool) -> Vec<Bytes> {
    let mut framer = Framer::new(format);
    let mut chunks = Vec::new();
    for (number, piece) in body.chunks(cut).enumerate() {
        if is_titled {
            let title = Title { artist: None, title: Some(number.to_string()) };
            framer.retitle(title);
        }
        framer.push(piece);
        loop {
            match framer.next() {
                Ok(Some(chunk)) => chunks.push(chunk.bytes),
                Ok(None) => break,
                Err(_) => return chunks,
            }
        }
    }
    assert!(format == Format::Unknown || !framer.is_blind() || body.len() > 100_000);
    chunks
}

/// Puts the right checksum into the page that `bytes` begin with, if it is a whole one.
fn sign(bytes: &mut [u8]) {
    let Some(&segments) = bytes.get(26) else { return };
    let body_start = 27 + usize::from(segments);
    let Some(lacing) = bytes.get(27..body_start) else { return };
    let end = body_start + lacing.iter().copied().map(usize::from).sum::<usize>();
    let Some(page) = bytes.get_mut(..end) else { return };
    let sum = checksum(page);
    page[22..26].copy_from_slice(&sum.to_le_bytes());
}

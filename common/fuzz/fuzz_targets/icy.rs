//! ICY metadata: any cut gives the same audio and titles, and a title survives its block.
#![no_main]

use std::num::NonZeroUsize;

use bytes::BytesMut;
use common::icy::{self, TEXT_BYTES_MAX, UNIT_BYTES, Unweaver};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, u8, &[u8])| {
    let (interval_bytes, step, bytes) = input;
    let interval_bytes = NonZeroUsize::new(interval_bytes.into()).unwrap_or(NonZeroUsize::MIN);

    let (audio, blocks) = unwoven(interval_bytes, bytes.chunks(bytes.len().max(1)));
    let pieces = unwoven(interval_bytes, bytes.chunks(usize::from(step).max(1)));
    assert_eq!((&audio, &blocks), (&pieces.0, &pieces.1));
    assert!(audio.len() <= bytes.len());
    for block in &blocks {
        icy::title(block);
    }

    let Ok(title) = std::str::from_utf8(bytes) else { return };
    let block = icy::block(title);
    let text = &block[1..];
    assert_eq!(text.len(), usize::from(block[0]) * UNIT_BYTES);
    assert!(text.len() <= TEXT_BYTES_MAX);
    let read = icy::title(text).expect("our own block holds a title");
    let plain = !title.contains(|c: char| c.is_ascii_control()) && !title.contains("';");
    if plain && title.len() < TEXT_BYTES_MAX / 2 {
        assert_eq!(read, title);
    }
});

/// The audio that `pieces` hold together, and the texts of the blocks within it.
fn unwoven<'a>(
    interval_bytes: NonZeroUsize,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> (BytesMut, Vec<Vec<u8>>) {
    let (mut audio, mut blocks) = (BytesMut::new(), Vec::new());
    let mut unweaver = Unweaver::new(interval_bytes);
    for piece in pieces {
        unweaver.unweave(piece, &mut audio, |text| blocks.push(text.to_vec()));
    }
    (audio, blocks)
}

//! Ogg: pages and the junk between them are together what came in, and their packets fill them.
//!
//! A fuzzer does not guess checksums, so the target puts the right one into every page it finds.
#![no_main]

use common::ogg::comment::Tags;
use common::ogg::page::{PAGE_BYTES_MAX, Page, checksum, junk_bytes};
use common::ogg::stream::{Chain, packets};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    walk(bytes);

    let mut signed = bytes.to_vec();
    let starts = bytes.windows(4).enumerate().filter(|(_, window)| window == b"OggS");
    for at in starts.map(|(at, _)| at) {
        sign(&mut signed[at..]);
    }
    walk(&signed);
});

/// Reads everything as a listener's stream is read, and counts that no byte is lost.
fn walk(bytes: &[u8]) {
    let (mut rest, mut seen_bytes) = (bytes, 0);
    let (mut chain, mut pages) = (Chain::default(), Vec::new());
    while !rest.is_empty() {
        let used = match Page::read(rest) {
            Ok(None) => break,
            Ok(Some(page)) => {
                assert!(rest.starts_with(page.bytes) && page.bytes.len() <= PAGE_BYTES_MAX);
                let body: usize = page.segments().map(|segment| segment.bytes.len()).sum();
                assert_eq!(page.bytes.len(), 27 + usize::from(page.bytes[26]) + body);
                let ended = page.segments().filter(|segment| segment.ends_packet).count();
                assert_eq!(page.packets_ended(), ended);
                chain.follow(&page);
                pages.extend(page.bytes);
                page.bytes.len()
            }
            Err(_) => 1 + junk_bytes(&rest[1..]),
        };
        (rest, seen_bytes) = (&rest[used..], seen_bytes + used);
    }
    assert_eq!(seen_bytes + rest.len(), bytes.len());
    assert!(rest.len() < PAGE_BYTES_MAX);
    let packed: usize = packets(&pages).iter().map(|(_, packet)| packet.len()).sum();
    assert!(packed <= pages.len());
    Tags::read(&pages);
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

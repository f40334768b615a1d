//! Frame headers: whatever is taken for one has a length within bounds and plays for some time.
#![no_main]

use std::time::Duration;

use common::mpeg::frame::{ADTS_HEADER_BYTES, FRAME_BYTES_MAX, Header, MPEG_HEADER_BYTES};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let readers: [(fn(&[u8]) -> Option<Header>, usize); 2] =
        [(Header::mpeg, MPEG_HEADER_BYTES), (Header::adts, ADTS_HEADER_BYTES)];
    for (read, header_bytes) in readers {
        // Every position, as a reader does that looks for a place to begin.
        for at in 0..bytes.len() {
            let Some(header) = read(&bytes[at..]) else { continue };
            assert!((header_bytes..=FRAME_BYTES_MAX).contains(&header.frame_bytes), "{header:?}");
            assert!(bytes.len() - at >= header_bytes);
            assert!(header.plays() > Duration::ZERO && header.plays() < Duration::from_secs(1));
            assert!(header.continues(&header));
            header.kbps();
        }
    }
});

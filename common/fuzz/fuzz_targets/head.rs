//! Heads: how the network cuts them changes nothing, and no head exceeds its limits.
#![no_main]

use common::http::head::{HeadLimits, HeadReader};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8])| {
    let (step, bytes) = input;
    // Small limits, so that short inputs reach them.
    let limits = HeadLimits { head_bytes_max: 256, headers_max: 4, line_bytes_max: 64 };
    let step = usize::from(step).max(1);
    let cuts: Vec<_> = (0..bytes.len()).step_by(step).chain([bytes.len()]).collect();

    let whole = HeadReader::new(limits).request(bytes);
    let mut reader = HeadReader::new(limits);
    let pieces = cuts.iter().map(|&cut| reader.request(&bytes[..cut]));
    let pieces = pieces.into_iter().find(|read| !matches!(read, Ok(None))).unwrap_or(Ok(None));
    assert_eq!(whole, pieces);
    if let Ok(Some((head, length))) = whole {
        assert!(length <= bytes.len().min(limits.head_bytes_max));
        assert!(head.headers.iter().count() <= limits.headers_max);
        assert!(head.target.starts_with(head.path()) && head.target.ends_with(head.query()));
    }

    let whole = HeadReader::new(limits).response(bytes);
    let mut reader = HeadReader::new(limits);
    let pieces = cuts.iter().map(|&cut| reader.response(&bytes[..cut]));
    let pieces = pieces.into_iter().find(|read| !matches!(read, Ok(None))).unwrap_or(Ok(None));
    assert_eq!(whole, pieces);
});

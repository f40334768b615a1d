//! The PROXY protocol never reads beyond what is there, and does not change its mind when more
//! comes.
#![no_main]

use common::proxy_protocol::read;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let whole = read(bytes);
    if let Ok(Some((_, length))) = whole {
        assert!(length <= bytes.len());
        assert_eq!(read(&bytes[..length]), whole);
    }
    for cut in 0..bytes.len().min(128) {
        match read(&bytes[..cut]) {
            Ok(None) => {}
            early => assert_eq!(early, whole),
        }
    }
});

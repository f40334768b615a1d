//! A stream whose every frame carries a number, and the check that none is missing.
//!
//! The frames are valid layer III frames of 44.1 kHz stereo with empty side information, so that
//! any server takes them; the number stands where a decoder skips.

use bytes::{BufMut as _, Bytes, BytesMut};
use std::time::Duration;

/// How long a frame plays.
pub(crate) const FRAME_PLAYS: Duration = Duration::from_nanos(26_122_449);
/// Bytes of a frame at 128 kbit/s and 44.1 kHz, without padding.
pub(crate) const FRAME_BYTES: usize = 417;
const HEADER: [u8; 4] = [0xFF, 0xFB, 0x90, 0x44];
const NUMBER: std::ops::Range<usize> = 40..48;

/// Frames `numbers`, one after the other.
pub(crate) fn frames(numbers: std::ops::Range<u64>) -> Bytes {
    let mut out = BytesMut::new();
    for number in numbers {
        let start = out.len();
        out.put_slice(&HEADER);
        out.put_bytes(0, FRAME_BYTES - HEADER.len());
        out[start + NUMBER.start..start + NUMBER.end].copy_from_slice(&number.to_be_bytes());
    }
    out.freeze()
}

/// Follows one listener's audio.
#[derive(Debug, Default)]
pub(crate) struct Follower {
    begun: BytesMut,
    last: Option<u64>,
    /// Frames heard.
    pub(crate) heard: u64,
    /// Frames that should have come between two that came.
    pub(crate) lost: u64,
    /// Bytes where a frame should have begun, once in step.
    pub(crate) bad_bytes: u64,
}

impl Follower {
    /// Takes the next audio.
    pub(crate) fn take(&mut self, mut audio: &[u8]) {
        while !audio.is_empty() {
            let missing = FRAME_BYTES - self.begun.len();
            let here = audio.len().min(missing);
            self.begun.put_slice(&audio[..here]);
            audio = &audio[here..];
            if self.begun.len() == FRAME_BYTES {
                self.finish_frame();
            }
        }
    }

    fn finish_frame(&mut self) {
        if self.begun[..HEADER.len()] != HEADER {
            // Icecast does not start at a frame, so the first bytes may be the rest of one.
            self.bad_bytes += u64::from(self.last.is_some());
            let skip = self.begun[1..].iter().position(|&byte| byte == HEADER[0]);
            let _ = self.begun.split_to(skip.map_or(FRAME_BYTES, |skip| skip + 1));
            return;
        }
        let bytes = self.begun[NUMBER].try_into().expect("a number has eight bytes");
        let number = u64::from_be_bytes(bytes);
        self.heard += 1;
        self.lost += self.last.map_or(0, |last| number.saturating_sub(last + 1));
        self.last = Some(number);
        self.begun.clear();
    }
}

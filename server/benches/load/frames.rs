//! A stream whose every frame carries a number and the time it was sent, and the check that none
//! is missing.
//!
//! The frames are valid layer III frames of 44.1 kHz stereo with empty side information, so that
//! any server takes them; number and time stand where a decoder skips.

use bytes::{BufMut as _, Bytes, BytesMut};
use std::time::{Duration, Instant};

/// How long a frame plays.
pub(crate) const FRAME_PLAYS: Duration = Duration::from_nanos(26_122_449);
/// The bit rates of a mixed audience, in kbit/s.
pub(crate) const MIXED_KBPS: [u32; 4] = [64, 128, 192, 320];
const HEADER: [u8; 2] = [0xFF, 0xFB];
const NUMBER: std::ops::Range<usize> = 40..48;
const SENT_AT: std::ops::Range<usize> = 48..56;
/// The bit rates of layer III, in kbit/s.
const BITRATES: [u32; 15] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];

/// Frames of one bit rate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frames {
    header: [u8; 4],
    /// Bytes of each, without padding.
    pub(crate) bytes: usize,
    /// The time that sending times are counted from.
    epoch: Instant,
}

impl Frames {
    /// Frames at `kbps`; times in them count from `epoch`.
    pub(crate) fn new(kbps: u32, epoch: Instant) -> Self {
        let index = BITRATES.iter().position(|bitrate| *bitrate == kbps).expect("a bit rate");
        let index = u8::try_from(index).expect("fifteen of them");
        let bytes = usize::try_from(144_000 * kbps / 44_100).expect("about a thousand");
        Self { header: [HEADER[0], HEADER[1], index << 4, 0x44], bytes, epoch }
    }

    /// Frames `numbers`, one after the other, sent now.
    pub(crate) fn written(&self, numbers: std::ops::Range<u64>) -> Bytes {
        let mut out = BytesMut::new();
        let now_us = u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX);
        for number in numbers {
            let start = out.len();
            out.put_slice(&self.header);
            out.put_bytes(0, self.bytes - self.header.len());
            out[start..][NUMBER].copy_from_slice(&number.to_be_bytes());
            out[start..][SENT_AT].copy_from_slice(&now_us.to_be_bytes());
        }
        out.freeze()
    }
}

/// Follows one listener's audio.
#[derive(Debug)]
pub(crate) struct Follower {
    frames: Frames,
    begun: BytesMut,
    last: Option<u64>,
    /// Frames heard.
    pub(crate) heard: u64,
    /// Frames that should have come between two that came.
    pub(crate) lost: u64,
    /// Bytes where a frame should have begun, once in step.
    pub(crate) bad_bytes: u64,
    /// How long frames were under way, in microseconds; kept if it is asked for.
    pub(crate) delays_us: Option<Vec<u32>>,
}

impl Follower {
    /// Follows a stream of `frames`; with `delays`, notes how long each was under way.
    pub(crate) fn new(frames: Frames, delays: bool) -> Self {
        Self {
            frames,
            begun: BytesMut::new(),
            last: None,
            heard: 0,
            lost: 0,
            bad_bytes: 0,
            delays_us: delays.then(Vec::new),
        }
    }

    /// Takes the next audio.
    pub(crate) fn take(&mut self, mut audio: &[u8]) {
        while !audio.is_empty() {
            let missing = self.frames.bytes - self.begun.len();
            let here = audio.len().min(missing);
            self.begun.put_slice(&audio[..here]);
            audio = &audio[here..];
            if self.begun.len() == self.frames.bytes {
                self.finish_frame();
            }
        }
        if self.begun.is_empty() {
            self.begun = BytesMut::new();
        }
    }

    fn finish_frame(&mut self) {
        if self.begun[..4] != self.frames.header {
            // Icecast does not start at a frame, so the first bytes may be the rest of one.
            self.bad_bytes += u64::from(self.last.is_some());
            let skip = self.begun[1..].iter().position(|&byte| byte == HEADER[0]);
            let _ = self.begun.split_to(skip.map_or(self.frames.bytes, |skip| skip + 1));
            return;
        }
        let field = |range: std::ops::Range<usize>| {
            u64::from_be_bytes(self.begun[range].try_into().expect("eight bytes"))
        };
        let number = field(NUMBER);
        if let Some(delays_us) = &mut self.delays_us {
            let under_way =
                self.frames.epoch.elapsed().saturating_sub(Duration::from_micros(field(SENT_AT)));
            delays_us.push(u32::try_from(under_way.as_micros()).unwrap_or(u32::MAX));
        }
        self.heard += 1;
        self.lost += self.last.map_or(0, |last| number.saturating_sub(last + 1));
        self.last = Some(number);
        self.begun.clear();
    }
}

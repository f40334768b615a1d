//! A stream whose every frame carries a number and the time it was sent, and the check that none
//! is missing.
//!
//! As MP3 they are valid layer III frames of 44.1 kHz stereo with empty side information, so that
//! any server takes them; number and time stand where a decoder skips. As Ogg Opus a frame is a
//! page of five packets, whose number is the page's own and which tells no time.

use bytes::{BufMut as _, Bytes, BytesMut};
use common::ogg::page::{BEGINS_STREAM, Label, Page};
use std::time::{Duration, Instant};

/// How long a frame of MP3 plays.
pub(crate) const FRAME_PLAYS: Duration = Duration::from_nanos(26_122_449);
/// How long a page plays.
const PAGE_PLAYS: Duration = Duration::from_millis(100);
const PAGE_PACKETS: usize = 5;
/// Samples of 48 kHz in a page, which is how Opus counts.
const PAGE_SAMPLES: u64 = 4_800;
/// A packet of one 20 ms frame of stereo begins so.
const PACKET_BEGIN: u8 = 0xFC;
/// The pages before the audio.
const HEADER_PAGES: u32 = 2;
const SERIAL: u32 = 7;
/// The bit rates of a mixed audience, in kbit/s.
pub(crate) const MIXED_KBPS: [u32; 4] = [64, 128, 192, 320];
const HEADER: [u8; 2] = [0xFF, 0xFB];
const NUMBER: std::ops::Range<usize> = 40..48;
const SENT_AT: std::ops::Range<usize> = 48..56;
/// The bit rates of layer III, in kbit/s.
const BITRATES: [u32; 15] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];

/// What the frames are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    /// MP3, in which titles may ride.
    Mp3,
    /// Opus in Ogg.
    Opus,
}

/// Frames of one bit rate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frames {
    /// What they are.
    pub(crate) codec: Codec,
    header: [u8; 4],
    /// Bytes of each frame of MP3, without padding, or of each packet of Opus.
    pub(crate) bytes: usize,
    /// The time that sending times are counted from.
    epoch: Instant,
}

impl Frames {
    /// Pages of Opus packets at `kbps`.
    pub(crate) fn opus(kbps: u32, epoch: Instant) -> Self {
        let bytes = usize::try_from(kbps * 1_000 / 8 / 50).expect("some hundreds in 20 ms");
        Self { codec: Codec::Opus, header: [0; 4], bytes, epoch }
    }

    /// The content type of a stream of them.
    pub(crate) fn content_type(&self) -> &'static str {
        match self.codec {
            Codec::Mp3 => "audio/mpeg",
            Codec::Opus => "audio/ogg",
        }
    }

    /// How long a frame plays.
    pub(crate) fn plays(&self) -> Duration {
        match self.codec {
            Codec::Mp3 => FRAME_PLAYS,
            Codec::Opus => PAGE_PLAYS,
        }
    }

    /// What comes before the first frame.
    pub(crate) fn headers(&self) -> Vec<u8> {
        let page = |sequence, flags, packet: &[u8]| {
            let label = Label { flags, granule: Some(0), serial: SERIAL, sequence };
            label.page(&[u8::try_from(packet.len()).expect("a short packet")], packet)
        };
        match self.codec {
            Codec::Mp3 => Vec::new(),
            Codec::Opus => {
                let head = page(0, BEGINS_STREAM, b"OpusHead\x01\x02\0\0\x80\xBB\0\0\0\0\0");
                [head, page(1, 0, b"OpusTags\x05\0\0\0bench\0\0\0\0")].concat()
            }
        }
    }

    fn page(&self, number: u64) -> Vec<u8> {
        let packet = [&[PACKET_BEGIN][..], &vec![0; self.bytes - 1]].concat();
        let mut lacing = vec![u8::MAX; self.bytes / 255];
        lacing.push(u8::try_from(self.bytes % 255).expect("less than 255"));
        let sequence = HEADER_PAGES + u32::try_from(number).expect("not for years");
        let granule = Some((number + 1) * PAGE_SAMPLES);
        let label = Label { flags: 0, granule, serial: SERIAL, sequence };
        label.page(&lacing.repeat(PAGE_PACKETS), &packet.repeat(PAGE_PACKETS))
    }

    /// Frames at `kbps`; times in them count from `epoch`.
    pub(crate) fn new(kbps: u32, epoch: Instant) -> Self {
        let index = BITRATES.iter().position(|bitrate| *bitrate == kbps).expect("a bit rate");
        let index = u8::try_from(index).expect("fifteen of them");
        let bytes = usize::try_from(144_000 * kbps / 44_100).expect("about a thousand");
        let header = [HEADER[0], HEADER[1], index << 4, 0x44];
        Self { codec: Codec::Mp3, header, bytes, epoch }
    }

    /// Frames `numbers`, one after the other, sent now.
    pub(crate) fn written(&self, numbers: std::ops::Range<u64>) -> Bytes {
        let mut out = BytesMut::new();
        if self.codec == Codec::Opus {
            numbers.for_each(|number| out.put_slice(&self.page(number)));
            return out.freeze();
        }
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
    /// The highest number so far.
    most: u64,
    /// Frames heard.
    pub(crate) heard: u64,
    /// Frames that should have come between two that came.
    pub(crate) lost: u64,
    /// Frames heard that had come before.
    pub(crate) repeated: u64,
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
            most: 0,
            heard: 0,
            lost: 0,
            repeated: 0,
            bad_bytes: 0,
            delays_us: delays.then(Vec::new),
        }
    }

    /// Takes the next audio.
    pub(crate) fn take(&mut self, mut audio: &[u8]) {
        if self.frames.codec == Codec::Opus {
            return self.take_pages(audio);
        }
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

    fn take_pages(&mut self, bytes: &[u8]) {
        self.begun.put_slice(bytes);
        loop {
            let (length, number) = match Page::read(&self.begun) {
                Ok(Some(page)) => (page.bytes.len(), u64::from(page.sequence)),
                Ok(None) => break,
                Err(_) => {
                    self.bad_bytes += 1;
                    (1, 0)
                }
            };
            let _ = self.begun.split_to(length);
            if number >= u64::from(HEADER_PAGES) {
                self.hear(number);
            }
        }
        if self.begun.is_empty() {
            self.begun = BytesMut::new();
        }
    }

    fn hear(&mut self, number: u64) {
        self.heard += 1;
        self.lost += self.last.map_or(0, |last| number.saturating_sub(last + 1));
        self.repeated += u64::from(self.last.is_some() && number <= self.most);
        self.most = self.most.max(number);
        self.last = Some(number);
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
        self.hear(number);
        self.begun.clear();
    }
}

//! What a listener hears, taken apart and told in words.
//!
//! Knows what the sources of the cases send: numbered MP3 frames, a million numbers for each
//! source, so that a listener's bytes tell whom it heard.

use bytes::{Buf as _, BytesMut};
use std::fmt::Write as _;
use std::num::NonZeroUsize;

/// A stream's bytes as they come: audio, and the blocks of metadata between.
#[derive(Debug, Default)]
pub struct Heard {
    /// The audio so far.
    pub audio: Vec<u8>,
    /// The blocks that said something, with their length byte.
    pub blocks: Vec<Vec<u8>>,
    interval_bytes: Option<NonZeroUsize>,
    since_block_bytes: usize,
    rest: BytesMut,
}

impl Heard {
    /// A stream with a block after every `interval_bytes`, or without blocks.
    pub fn new(interval_bytes: Option<NonZeroUsize>) -> Self {
        Self { interval_bytes, ..Self::default() }
    }

    /// Takes what came.
    pub fn take(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        let Some(interval) = self.interval_bytes.map(NonZeroUsize::get) else {
            self.audio.extend_from_slice(&self.rest.split());
            return;
        };
        loop {
            let here = (interval - self.since_block_bytes).min(self.rest.len());
            self.audio.extend_from_slice(&self.rest.split_to(here));
            self.since_block_bytes += here;
            if self.since_block_bytes < interval {
                return;
            }
            let Some(&length) = self.rest.first() else { return };
            let block_bytes = 1 + 16 * usize::from(length);
            if self.rest.len() < block_bytes {
                return;
            }
            if length > 0 {
                self.blocks.push(self.rest[..block_bytes].to_vec());
            }
            self.rest.advance(block_bytes);
            self.since_block_bytes = 0;
        }
    }

    /// The blocks as a list for a reader.
    pub fn blocks_told(&self) -> String {
        let mut out = String::new();
        let mut blocks = self.blocks.clone();
        // One that says the same again says nothing; Icecast does it now and then.
        blocks.dedup();
        for block in &blocks {
            let end = block.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
            let text = &block[1..end.max(1)];
            let _ = writeln!(out, "block of {} bytes: {}", block.len(), text.escape_ascii());
        }
        out
    }

    /// Whom the audio is from, one after the other, as letters: `A` for the frames below a
    /// million, `B` for the next million, and so on.
    pub fn sources_told(&self) -> String {
        let mut letters = String::new();
        for (_, number) in frames_in(&self.audio) {
            let letter = char::from(b'A' + u8::try_from(number / SOURCE_FRAMES).unwrap_or(25));
            if !letters.ends_with(letter) {
                letters.push(letter);
            }
        }
        letters
    }

    /// Where the audio begins, if it is frames of one source without a gap.
    pub fn beginning_told(&self) -> String {
        let Some((at, number)) = frames_in(&self.audio).next() else {
            return format!("{} bytes, no frame", self.audio.len());
        };
        let frames: Vec<_> = frames_in(&self.audio).collect();
        let gapless = frames
            .windows(2)
            .all(|pair| pair[1].0 == pair[0].0 + FRAME_BYTES && pair[1].1 == pair[0].1 + 1);
        let from = usize::try_from(number % SOURCE_FRAMES).unwrap_or(0) * FRAME_BYTES;
        let from = i64::try_from(from).unwrap_or(0) - i64::try_from(at).unwrap_or(0);
        let (place, gaps) = match (at, gapless) {
            (0, true) => ("at a frame", "no gap"),
            (0, false) => ("at a frame", "a gap"),
            (_, true) => ("within a frame", "no gap"),
            (_, false) => ("within a frame", "a gap"),
        };
        format!("begins at byte {from} of the source, {place}, {gaps}")
    }

    /// Whether the frame `number` has come whole.
    pub fn has_frame(&self, number: u64) -> bool {
        frames_in(&self.audio)
            .any(|(at, found)| found == number && self.audio.len() >= at + FRAME_BYTES)
    }
}

/// Where frames begin in `audio`, and their numbers.
fn frames_in(audio: &[u8]) -> impl Iterator<Item = (usize, u64)> + '_ {
    let number_at = |at: usize| {
        let text = audio.get(at + TEXT_AT..at + TEXT_AT + TEXT.len() + DIGITS)?;
        let digits = text.strip_prefix(TEXT)?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    };
    let starts = (0..audio.len()).filter(|&at| audio[at..].starts_with(&HEADER));
    starts.filter_map(move |at| Some((at, number_at(at)?)))
}

/// Frames that a source may send before it would be taken for the next one.
pub const SOURCE_FRAMES: u64 = 1_000_000;
const FRAME_BYTES: usize = 417;
const HEADER: [u8; 4] = [0xFF, 0xFB, 0x90, 0x64];
const TEXT_AT: usize = 36;
const TEXT: &[u8] = b"frame ";
const DIGITS: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use e2e::frames;

    #[test]
    fn whom_a_listener_heard_is_told() {
        let mut heard = Heard::default();
        heard.take(&frames::run(3..5));
        heard.take(&frames::run(SOURCE_FRAMES..SOURCE_FRAMES + 2));

        assert_eq!(heard.sources_told(), "AB");
        assert!(heard.has_frame(SOURCE_FRAMES + 1) && !heard.has_frame(5));
        assert_eq!(heard.beginning_told(), "begins at byte 1251 of the source, at a frame, a gap");
    }

    #[test]
    fn where_a_listener_began_is_told() {
        let mut heard = Heard::default();
        heard.take(&frames::run(3..7)[400..]);

        let told = "begins at byte 1651 of the source, within a frame, no gap";
        assert_eq!(heard.beginning_told(), told);
    }

    #[test]
    fn blocks_are_taken_out_and_told() {
        let mut heard = Heard::new(NonZeroUsize::new(4));
        for byte in b"aaaa\0bbbb\x01StreamTitle='';\0cc" {
            heard.take(&[*byte]);
        }

        assert_eq!(heard.audio, b"aaaabbbbcc");
        assert_eq!(heard.blocks_told(), "block of 17 bytes: StreamTitle=\\'\\';\n");
    }
}

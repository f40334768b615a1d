//! ICY metadata: the title that rides inside an MP3 or AAC stream.
//!
//! A player that sent `Icy-MetaData: 1` receives, after every `icy-metaint` bytes of audio, one
//! *block*: a length byte that counts units of 16 bytes, then so many units of text, padded with
//! zeros. A single zero byte is the block that says "no news". The text reads
//! `StreamTitle='…';`, and apostrophes in the title are not escaped: that is what Icecast sends
//! and what players have learned to read, up to the first `';`.
//!
//! This module makes blocks and takes them out again. It knows no socket, no clock and no mount;
//! where a block falls due in a listener's stream is the listener's own account.

use bytes::{BufMut as _, Bytes, BytesMut};
use std::num::{NonZeroU32, NonZeroUsize};

/// The block that announces `title`.
///
/// Control characters become spaces, since a player may print the title. A title that would
/// exceed the [`TEXT_BYTES_MAX`] of a block is cut between characters.
pub fn block(title: &str) -> Bytes {
    let room = TEXT_BYTES_MAX - BEFORE.len() - AFTER.len();
    let end = (0..=room.min(title.len()))
        .rev()
        .find(|&end| title.is_char_boundary(end))
        .expect("every text has a boundary at 0");
    let text_bytes = BEFORE.len() + end + AFTER.len();
    let units = text_bytes.div_ceil(UNIT_BYTES);

    let mut block = BytesMut::with_capacity(1 + units * UNIT_BYTES);
    block.put_u8(u8::try_from(units).expect("a text of at most 4080 bytes has at most 255 units"));
    block.put_slice(BEFORE);
    block.extend(
        title.as_bytes()[..end].iter().map(|&b| if b.is_ascii_control() { b' ' } else { b }),
    );
    block.put_slice(AFTER);
    block.resize(1 + units * UNIT_BYTES, 0);
    block.freeze()
}

/// `bytes` for a player that has yet to hear `due_in_bytes` before the next block: with a block
/// that says nothing new wherever one falls due. What is due after them is counted on.
pub fn without_news(bytes: &[u8], interval_bytes: NonZeroU32, due_in_bytes: &mut u32) -> Bytes {
    let mut out = BytesMut::with_capacity(bytes.len() + 16);
    let mut rest = bytes;
    while !rest.is_empty() {
        if *due_in_bytes == 0 {
            out.put_slice(NO_NEWS);
            *due_in_bytes = interval_bytes.get();
        }
        let due = usize::try_from(*due_in_bytes).unwrap_or(usize::MAX).min(rest.len());
        let (here, after) = rest.split_at(due);
        out.put_slice(here);
        *due_in_bytes -= u32::try_from(due).expect("no more than was due");
        rest = after;
    }
    out.freeze()
}

/// The title in the text of a block; `None` if it holds none.
///
/// Bytes that are not UTF-8 are read as Windows-1252.
pub fn title(text: &[u8]) -> Option<String> {
    let text = crate::http::head::decoded(text);
    let rest = text.split_once("StreamTitle='")?.1;
    let end = rest.find("';").or_else(|| rest.rfind('\''))?;
    Some(rest[..end].to_owned())
}

/// Takes the blocks out of a stream that arrives piece by piece.
#[derive(Clone, Debug)]
pub struct Unweaver {
    /// Audio bytes between two blocks, as `icy-metaint` promised.
    interval_bytes: NonZeroUsize,
    /// Audio bytes to pass before the next block.
    due_in_bytes: usize,
    /// The block being read, and how many bytes of it are still to come.
    block: Option<(BytesMut, usize)>,
}

impl Unweaver {
    /// An unweaver at the start of a body.
    pub fn new(interval_bytes: NonZeroUsize) -> Self {
        Self { interval_bytes, due_in_bytes: interval_bytes.get(), block: None }
    }

    /// Appends the audio of `input` to `audio`, and hands the text of every block that is not
    /// empty to `news`.
    pub fn unweave(&mut self, mut input: &[u8], audio: &mut BytesMut, mut news: impl FnMut(&[u8])) {
        while !input.is_empty() {
            if let Some((text, left_bytes)) = &mut self.block {
                let here = input.len().min(*left_bytes);
                text.put_slice(&input[..here]);
                input = &input[here..];
                *left_bytes -= here;
                if *left_bytes == 0 {
                    news(text.as_ref().trim_ascii_end().split(|&b| b == 0).next().unwrap_or(&[]));
                    self.block = None;
                }
            } else if self.due_in_bytes == 0 {
                let block_bytes = usize::from(input[0]) * UNIT_BYTES;
                self.block = (block_bytes > 0).then(|| (BytesMut::new(), block_bytes));
                self.due_in_bytes = self.interval_bytes.get();
                input = &input[1..];
            } else {
                let here = input.len().min(self.due_in_bytes);
                audio.put_slice(&input[..here]);
                input = &input[here..];
                self.due_in_bytes -= here;
            }
        }
    }
}

/// The block that says that nothing has changed.
pub const NO_NEWS: &[u8] = b"\0";
/// A block's length is counted in units of so many bytes.
pub const UNIT_BYTES: usize = 16;
/// The most text a block can hold: 255 units.
pub const TEXT_BYTES_MAX: usize = 255 * UNIT_BYTES;
const BEFORE: &[u8] = b"StreamTitle='";
const AFTER: &[u8] = b"';";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    #[test]
    fn a_block_is_padded_to_units_of_sixteen() {
        assert_eq!(block("Blue").as_ref(), b"\x02StreamTitle='Blue';\0\0\0\0\0\0\0\0\0\0\0\0\0");
    }

    #[test]
    fn the_block_of_a_stream_without_title_is_17_bytes_as_icecast_sends_it() {
        assert_eq!(block("").as_ref(), b"\x01StreamTitle='';\0");
    }

    #[test]
    fn a_text_that_fills_its_units_exactly_gets_no_padding() {
        let block = block("a");

        assert_eq!(block.as_ref(), b"\x01StreamTitle='a';");
    }

    #[test]
    fn apostrophes_are_not_escaped() {
        assert_eq!(title(&block("Don't 'stop'")[1..]).as_deref(), Some("Don't 'stop'"));
    }

    #[test]
    fn control_characters_become_spaces() {
        assert_eq!(title(&block("a\r\nb\0c")[1..]).as_deref(), Some("a  b c"));
    }

    #[test]
    fn a_title_too_long_for_a_block_is_cut_between_characters() {
        let long = block(&"é".repeat(3_000));

        assert_eq!((long[0], long.len()), (255, 1 + TEXT_BYTES_MAX));
        assert!(title(&long[1..]).unwrap().chars().all(|c| c == 'é'));
    }

    proptest! {
        #[test]
        fn how_a_woven_stream_is_cut_changes_nothing(
            audio in vec(any::<u8>(), 0..2_000),
            interval in 1..300_usize,
            cut in 1..300_usize,
            titles in vec("[^\u{0}-\u{1f}\u{7f}']{0,40}", 0..9),
        ) {
            let mut woven = Vec::new();
            let mut due = titles.iter();
            let mut sent = Vec::new();
            for part in audio.chunks(interval) {
                woven.extend_from_slice(part);
                if part.len() == interval {
                    match due.next() {
                        Some(title) => {
                            woven.extend_from_slice(&block(title));
                            sent.push(title.clone());
                        }
                        None => woven.extend_from_slice(NO_NEWS),
                    }
                }
            }

            let mut unweaver = Unweaver::new(NonZeroUsize::new(interval).unwrap());
            let (mut out, mut heard) = (BytesMut::new(), Vec::new());
            for piece in woven.chunks(cut) {
                unweaver.unweave(piece, &mut out, |text| heard.extend(title(text)));
            }

            prop_assert_eq!(out.to_vec(), audio);
            prop_assert_eq!(heard, sent);
        }
    }
}

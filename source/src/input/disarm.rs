//! Makes a stream of MPEG audio out of what may be a file: its first frame may tell how long the
//! file is and where it is to be cut, which is wrong for what follows it in a stream.
//!
//! Encoders that send one file after the other, or pass on what a file encoder writes, send such a
//! frame. The letters that mark it are wiped, and it is a frame of silence. Pure.

/// Wipes the mark in the first frame of a stream that comes piece by piece.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disarm {
    /// Bytes seen.
    seen: usize,
    /// The last three of them, in which a mark may have begun.
    tail: [u8; 3],
    /// Bytes of an ID3 tag in front, once it is known.
    front: Option<usize>,
    /// The beginning, as far as it is needed to know that.
    start: [u8; 10],
}

impl Disarm {
    /// Wipes the mark in `bytes`, the next of the stream, if it is there. A mark that is cut in two
    /// by the pieces is wiped in its second half, which is enough.
    pub fn pass(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            if self.seen < self.start.len() {
                self.start[self.seen] = *byte;
            }
            self.seen += 1;
            if self.seen == self.start.len() {
                self.front = Some(front(&self.start));
            }
            let front = self.front.unwrap_or_default();
            if self.front.is_some() && self.seen > front + LOOK_BYTES {
                return;
            }
            let [one, two, three] = self.tail;
            if self.seen > front && MARKS.contains(&[one, two, three, *byte]) {
                *byte = 0;
            }
            self.tail = [two, three, *byte];
        }
    }
}

/// How many bytes an ID3v2 tag takes that begins with `start`.
fn front(start: &[u8; 10]) -> usize {
    if !start.starts_with(b"ID3") {
        return 0;
    }
    start[6..].iter().fold(0, |length, &byte| length << 7 | usize::from(byte & 0x7F)) + 10
}

const MARKS: [[u8; 4]; 3] = [*b"Xing", *b"Info", *b"VBRI"];
/// The mark stands in the first frame, which ends within so many bytes.
const LOOK_BYTES: usize = 2_048;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_mark_is_wiped_however_the_bytes_are_cut(
            tag_bytes in prop_oneof![Just(None), (0..5_000_usize).prop_map(Some)],
            cut in 1..3_000_usize, mark in 0..3_usize,
        ) {
            let mut stream = Vec::new();
            if let Some(length) = tag_bytes {
                let high = u8::try_from(length >> 7).unwrap();
                let low = u8::try_from(length & 0x7F).unwrap();
                stream.extend_from_slice(&[b'I', b'D', b'3', 4, 0, 0, 0, 0, high, low]);
                stream.resize(10 + length, b'x');
            }
            stream.extend_from_slice(&[0xFF, 0xFB, 0x90, 0x64]);
            stream.resize(stream.len() + 32, 0);
            let at = stream.len();
            stream.extend_from_slice(&MARKS[mark]);
            stream.resize(stream.len() + 3_000, b'y');
            stream.extend_from_slice(b"Info of the music");
            let mut passed = stream.clone();
            let mut disarm = Disarm::default();

            for piece in passed.chunks_mut(cut) {
                disarm.pass(piece);
            }

            prop_assert_eq!(passed[at + 3], 0);
            passed[at + 3] = MARKS[mark][3];
            prop_assert_eq!(passed, stream);
        }
    }
}

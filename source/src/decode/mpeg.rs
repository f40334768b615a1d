//! MP3 in free format: at a bit rate that its frames do not name, which hardly any player plays.
//!
//! A frame begins with four bytes: eleven ones, then version, layer, bit rate, sample rate and
//! channels. Where the bit rate is zero, only the distance to the next such header tells how long
//! the frame is. The decoder library takes that for garbage, and would look for a frame that is one
//! in all that follows.

use std::io::{self, Read, Seek, SeekFrom};

/// Whether `file` begins, behind its tags, with two frames in free format.
///
/// Fails if the file cannot be read.
pub(super) fn is_free_format(file: &mut (impl Read + Seek)) -> io::Result<bool> {
    behind_tags(file)?;
    let frames = up_to(file, 2 * FRAME_BYTES_MAX)?;
    let Some((&first, rest)) = frames.split_first_chunk::<4>() else { return Ok(false) };
    let mut later = rest.windows(4).skip(FRAME_BYTES_MIN);
    // Padding and joint stereo come and go from frame to frame.
    let is_alike =
        |[a, b, c, _]: [u8; 4]| [a, b, c & 0xfc] == [first[0], first[1], first[2] & 0xfc];
    let is_second = |window: &[u8]| window.first_chunk::<4>().is_some_and(|it| is_alike(*it));
    Ok(is_free(first) && later.any(is_second))
}

/// Goes to where the tags in front of `file` end.
///
/// Fails if the file cannot be read.
pub(super) fn behind_tags(file: &mut (impl Read + Seek)) -> io::Result<()> {
    file.rewind()?;
    let mut begin = 0;
    for _ in 0..TAGS_MAX {
        let head = up_to(file, 10)?;
        let [b'I', b'D', b'3', _, _, _, length @ ..] = head.as_slice() else { break };
        let length = length.iter().fold(0, |sum, &bits| sum << 7 | u64::from(bits & 0x7f));
        begin += 10 + length;
        file.seek(SeekFrom::Start(begin))?;
    }
    file.seek(SeekFrom::Start(begin)).map(drop)
}

/// Whether `header` is one of layer 3 without a bit rate.
fn is_free([a, b, c, _]: [u8; 4]) -> bool {
    let is_layer_3 = a == 0xff && b & 0xe6 == 0xe2 && b & 0x18 != 0x08;
    is_layer_3 && c & 0xf0 == 0 && c & 0x0c != 0x0c
}

/// The next `bytes` of `file`, or as many as there are.
///
/// Fails if the file cannot be read.
pub(super) fn up_to(file: &mut impl Read, bytes: u64) -> io::Result<Vec<u8>> {
    let mut read = Vec::new();
    file.take(bytes).read_to_end(&mut read)?;
    Ok(read)
}

/// Tags in front of the audio that are jumped over.
const TAGS_MAX: u32 = 4;
/// Side information alone is more than this.
const FRAME_BYTES_MIN: usize = 17;
/// A frame at 640 kbit/s and 32 kHz, the highest that decoders need to know.
const FRAME_BYTES_MAX: u64 = 2_881;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    fn frames(header: [u8; 4]) -> Vec<u8> {
        [&header[..], &[0x55; 1_000]].concat().repeat(3)
    }

    fn is_free(file: &[u8]) -> bool {
        is_free_format(&mut Cursor::new(file)).unwrap()
    }

    #[test]
    fn frames_without_a_bit_rate_are_known_behind_a_tag_too() {
        let free = frames([0xff, 0xfb, 0x00, 0x44]);

        assert!(is_free(&free));
        assert!(is_free(&[b"ID3\x03\0\0\0\0\x01\x02", &[9; 130][..], &free].concat()));
    }

    #[test]
    fn what_has_a_bit_rate_or_no_second_frame_is_something_else() {
        assert!(!is_free(&frames([0xff, 0xfb, 0x90, 0x44])), "128 kbit/s");
        assert!(!is_free(&frames([0xff, 0xfb, 0x0c, 0x44])), "no sample rate");
        assert!(!is_free(&frames([0xff, 0xf1, 0x00, 0x44])), "ADTS");
        assert!(!is_free(&frames([0xff, 0xfb, 0x00, 0x44])[..1_000]));
        assert!(!is_free(b""));
    }

    proptest! {
        #[test]
        fn no_file_makes_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            is_free(&bytes);
            is_free(&[b"ID3", &bytes[..]].concat());
        }
    }
}

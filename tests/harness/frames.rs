//! MP3 frames that carry a running number.
//!
//! Each is a whole, valid frame of 128 kbit/s at 44.1 kHz that decodes to silence: its side
//! information says that there is no audio, so that the rest of it is free. There stands
//! `frame 0000000012 `, again and again, and so a gap, a repeat or a damaged byte can be told from
//! what was heard alone.

use std::ops::Range;

/// The frame `number`.
pub fn frame(number: u64) -> Vec<u8> {
    let mut frame = vec![0; FRAME_BYTES];
    let (header, rest) = frame.split_at_mut(HEADER.len());
    header.copy_from_slice(&HEADER);
    let text = format!("frame {number:010} ");
    for place in rest[SIDE_INFORMATION_BYTES..].chunks_mut(TEXT_BYTES) {
        place.copy_from_slice(&text.as_bytes()[..place.len()]);
    }
    frame
}

/// The frames of these `numbers`.
pub fn run(numbers: Range<u64>) -> Vec<u8> {
    numbers.flat_map(frame).collect()
}

/// The numbers of the frames in `audio`, which begins with a whole frame; the last one may be cut.
///
/// # Errors
///
/// What is wrong, and where: a first byte that begins no frame, or a frame that is not the one
/// after the last.
pub fn heard(audio: &[u8]) -> Result<Range<u64>, String> {
    let first = number(audio).ok_or_else(|| format!("begins with no frame: {}", shown(audio)))?;
    let mut next = first;
    for (index, piece) in audio.chunks(FRAME_BYTES).enumerate() {
        if !frame(next).starts_with(piece) {
            let at_bytes = index * FRAME_BYTES;
            let instead = match number(piece) {
                Some(number) => format!("frame {number}"),
                None => shown(piece),
            };
            return Err(format!("{instead} at byte {at_bytes}, where frame {next} should be"));
        }
        next += 1;
    }
    Ok(first..next)
}

fn number(bytes: &[u8]) -> Option<u64> {
    let text_at = HEADER.len() + SIDE_INFORMATION_BYTES;
    let text = bytes.get(text_at..text_at + TEXT_BYTES)?;
    let digits = text.strip_prefix(b"frame ")?.strip_suffix(b" ")?;
    bytes.starts_with(&HEADER).then(|| std::str::from_utf8(digits).ok()?.parse().ok())?
}

fn shown(bytes: &[u8]) -> String {
    bytes[..bytes.len().min(40)].escape_ascii().to_string()
}

/// Bytes of a frame.
pub const FRAME_BYTES: usize = 417;
/// MPEG-1 layer III, no checksum, 128 kbit/s, 44.1 kHz, no padding, joint stereo.
const HEADER: [u8; 4] = [0xFF, 0xFB, 0x90, 0x64];
const SIDE_INFORMATION_BYTES: usize = 32;
const TEXT_BYTES: usize = "frame 0000000000 ".len();

#[cfg(test)]
mod tests {
    use super::*;
    use common::mpeg::frame::Header;

    #[test]
    fn a_frame_is_as_long_as_its_header_says() {
        assert_eq!(Header::mpeg(&frame(7)).unwrap().frame_bytes, frame(7).len());
    }

    #[test]
    fn a_run_is_heard_as_what_it_is() {
        assert_eq!(heard(&run(5..9)), Ok(5..9));
        assert_eq!(heard(&run(5..9)[..3 * FRAME_BYTES + 1]), Ok(5..9));
    }

    #[test]
    fn gaps_repeats_and_damage_are_told_with_their_place() {
        let gap = [run(0..2), run(3..4)].concat();
        assert_eq!(heard(&gap).unwrap_err(), "frame 3 at byte 834, where frame 2 should be");
        let repeat = [run(0..2), run(1..3)].concat();
        assert_eq!(heard(&repeat).unwrap_err(), "frame 1 at byte 834, where frame 2 should be");
        let mut damaged = run(0..2);
        damaged[FRAME_BYTES + 400] ^= 1;
        assert!(heard(&damaged).unwrap_err().ends_with("where frame 1 should be"));
        assert!(heard(&run(0..1)[1..]).unwrap_err().starts_with("begins with no frame"));
    }
}

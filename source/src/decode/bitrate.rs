//! How many bytes the frames of a file have, as far as that is seen without decoding it.
//!
//! MP3 and AAC in ADTS are frames and nothing else behind the tags, so those at the beginning are
//! looked at. MP4 lists in `stsz` how long each packet is; see `edit_list` for its boxes.

use crate::decode::edit_list::{each_box, words};
use crate::decode::mpeg::{behind_tags, up_to};
use common::mpeg::frame::{ADTS_HEADER_BYTES, Header};
use std::io::{self, Read, Seek, SeekFrom};

/// What frames of a file come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Frames {
    bytes: u64,
    count: u64,
    /// Whether each may follow the others in one stream of our own: frames of MP3 have the same bit
    /// rate, and those of AAC are of low complexity, one packet each.
    pub(super) are_alike: bool,
}

impl Frames {
    /// Their bit rate, in kbit/s, if each plays so many sample frames at `rate_hz`.
    pub(super) fn kbps(&self, sample_frames: u32, rate_hz: u32) -> Option<u32> {
        let played = u128::from(self.count) * u128::from(sample_frames) * 1_000;
        let bits = u128::from(self.bytes) * 8 * u128::from(rate_hz);
        u32::try_from((bits + played / 2).checked_div(played)?).ok()
    }
}

/// What the frames of `file` come to, if it is MP3, or AAC in ADTS or MP4, and says so.
///
/// Fails if the file cannot be read.
pub(super) fn frames(file: &mut (impl Read + Seek)) -> io::Result<Option<Frames>> {
    file.rewind()?;
    if up_to(file, 8)?.ends_with(b"ftyp") {
        let end = file.seek(SeekFrom::End(0))?;
        return listed(file, 0, end, SIZES, &mut false);
    }
    behind_tags(file)?;
    let mut beginning = up_to(file, BEGINNING_BYTES)?;
    if first(&beginning).is_none() {
        return Ok(None);
    }
    beginning.extend(up_to(file, LOOKED_AT_BYTES)?);
    Ok(first(&beginning))
}

/// What frames of MP3 or ADTS `bytes` begin with; nothing if that is something else.
fn first(bytes: &[u8]) -> Option<Frames> {
    let begins = |rest: &[u8]| frame(rest).is_some_and(|it| is_followed(rest, &it));
    let begin = (0..bytes.len().min(JUNK_BYTES_MAX)).find(|at| begins(&bytes[*at..]))?;
    let mut rest = &bytes[begin..];
    let (mut seen, mut kbps) = (Frames { are_alike: true, ..Frames::default() }, None);
    while let Some(header) = frame(rest) {
        let Some((whole, after)) = rest.split_at_checked(header.frame_bytes) else { break };
        rest = after;
        let is_adts = Header::adts(whole).is_some();
        match index_frame(whole) {
            Some(Index::Constant) => continue,
            Some(Index::Varies) => seen.are_alike = false,
            None => {}
        }
        seen.are_alike &= if is_adts {
            whole[2] >> 6 == LOW_COMPLEXITY && whole[6] & 3 == 0
        } else {
            whole[2] >> 4 == *kbps.get_or_insert(whole[2] >> 4)
        };
        seen.bytes += whole.len() as u64;
        seen.count += 1;
    }
    (seen.count > 0).then_some(seen)
}

/// The header of the frame that `bytes` begin with, of MP3 or AAC.
fn frame(bytes: &[u8]) -> Option<Header> {
    let is_layer_3 = bytes.get(1).is_some_and(|b| b >> 1 & 3 == LAYER_3);
    Header::mpeg(bytes).filter(|_| is_layer_3).or_else(|| Header::adts(bytes))
}

/// Whether a frame follows the first of `bytes`, or it is the last.
fn is_followed(bytes: &[u8], first: &Header) -> bool {
    let rest = bytes.get(first.frame_bytes..).unwrap_or_default();
    rest.is_empty() || frame(rest).is_some_and(|next| first.continues(&next))
}

/// A frame that says how long the file is, and holds no sound.
enum Index {
    Constant,
    Varies,
}

/// What `frame` says of the whole file, if it is there for that.
fn index_frame(frame: &[u8]) -> Option<Index> {
    let head = &frame[..frame.len().min(INDEX_BYTES_MAX)];
    let has = |tag: &[u8; 4]| head.windows(4).any(|it| it == tag);
    match (has(b"Info"), has(b"Xing") || has(b"VBRI")) {
        (_, true) => Some(Index::Varies),
        (true, false) => Some(Index::Constant),
        (false, false) => None,
    }
}

/// What the packets of the first track that is sound come to; `path` leads to their list.
fn listed<F: Read + Seek>(
    file: &mut F,
    begin: u64,
    end: u64,
    path: &[&[u8; 4]],
    is_sound: &mut bool,
) -> io::Result<Option<Frames>> {
    let Some((next, further)) = path.split_first() else { return sizes(file) };
    each_box(file, begin, end, &mut |file, found| {
        if &found.kind == b"hdlr" {
            *is_sound = words::<3>(file)?.is_some_and(|it| &it[2] == b"soun");
        }
        if &found.kind != *next || further.is_empty() && !*is_sound {
            return Ok(None);
        }
        let begin = file.stream_position()?;
        listed(file, begin, found.end, further, is_sound)
    })
}

/// What `stsz` lists: how long each packet is, or all of them.
fn sizes(file: &mut impl Read) -> io::Result<Option<Frames>> {
    let Some([_, each, count]) = words::<3>(file)?.map(|it| it.map(u32::from_be_bytes)) else {
        return Ok(None);
    };
    if each > 0 {
        return Ok(Some(Frames { bytes: each.into(), count: 1, are_alike: true }));
    }
    let sizes = up_to(file, 4 * u64::from(count.min(LISTED_MAX)))?;
    let (sizes, _) = sizes.as_chunks::<4>();
    let bytes = sizes.iter().map(|size| u64::from(u32::from_be_bytes(*size))).sum();
    let count = sizes.len() as u64;
    Ok((count > 0).then_some(Frames { bytes, count, are_alike: true }))
}

/// The boxes in which the lengths of packets lie.
const SIZES: &[&[u8; 4]] = &[b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsz"];
/// Packets whose lengths are looked at: twenty minutes and more.
const LISTED_MAX: u32 = 65_536;
/// So much is read to see whether a file is frames: a few of the longest behind what may be none.
const BEGINNING_BYTES: u64 = 16_384;
/// So much more of a file that is: three seconds of the highest bit rate, ten of AAC at 96 kbit/s.
const LOOKED_AT_BYTES: u64 = 120_000;
/// So much behind the tags may be no frame.
const JUNK_BYTES_MAX: usize = 4_096;
/// Within so much of a frame it says that it is an index: behind a header, a checksum and the side
/// information.
const INDEX_BYTES_MAX: usize = 4 + 2 + 32 + 4;
const LAYER_3: u8 = 1;
/// What ADTS calls the profile.
const LOW_COMPLEXITY: u8 = 1;
const _: () = assert!(ADTS_HEADER_BYTES > 6, "where a frame says how many packets it holds");

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    #[test]
    fn frames_of_one_bit_rate_are_alike_whatever_is_padded() {
        let (plain, padded) = (mp3(0x90), mp3(0x92));
        let file = [&plain[..], &padded, &padded, &plain].concat();

        let seen = seen(&file).unwrap();

        assert!(seen.are_alike);
        assert_eq!(seen.kbps(1_152, 44_100), Some(128));
    }

    #[test]
    fn a_bit_rate_that_varies_is_seen_by_its_frames_or_said_in_front() {
        let one = mp3(0x90);
        let other = mp3(0xb0);
        let mut said = one.clone();
        said[36..40].copy_from_slice(b"Xing");
        let mut constant = one.clone();
        constant[36..40].copy_from_slice(b"Info");

        assert!(!seen(&[&one[..], &one, &other].concat()).unwrap().are_alike);
        assert!(!seen(&[&said[..], &one, &one].concat()).unwrap().are_alike);
        let constant = seen(&[&constant[..], &one, &one].concat()).unwrap();
        assert_eq!((constant.are_alike, constant.count), (true, 2));
    }

    #[test]
    fn tags_and_junk_are_no_frames() {
        let file = [b"ID3\x03\0\0\0\0\0\x05", &[0; 5 + 700][..], &mp3(0x90).repeat(3)].concat();

        assert_eq!(seen(&file).map(|it| it.count), Some(3));
        assert_eq!(seen(&[0; 9_000]), None);
        assert_eq!(seen(b""), None);
    }

    #[test]
    fn only_aac_of_low_complexity_with_a_packet_in_each_frame_is_alike() {
        let adts = |profile: u8, packets: u8| {
            let mut frame = vec![0x55; 371];
            let head = [0xff, 0xf1, profile << 6 | 0x10, 0x80, 0x2e, 0x7f, 0xfc | packets];
            frame[..7].copy_from_slice(&head);
            frame.repeat(3)
        };

        let plain = seen(&adts(1, 0)).unwrap();
        assert!(plain.are_alike);
        assert_eq!(plain.kbps(1_024, 44_100), Some(128));
        assert!(!seen(&adts(0, 0)).unwrap().are_alike);
        assert!(!seen(&adts(1, 1)).unwrap().are_alike);
    }

    #[test]
    fn mp4_lists_the_packets_of_its_sound() {
        let sizes = |sizes: &[u32]| {
            let count = u32::try_from(sizes.len()).unwrap();
            let all: Vec<u8> =
                [0, 0, count].iter().chain(sizes).flat_map(|it| it.to_be_bytes()).collect();
            boxed(b"minf", &boxed(b"stbl", &boxed(b"stsz", &all)))
        };
        let track = |kind: &[u8; 4], listed: &[u32]| {
            let hdlr = boxed(b"hdlr", &[&[0; 8][..], kind, &[0; 12]].concat());
            boxed(b"trak", &boxed(b"mdia", &[hdlr, sizes(listed)].concat()))
        };
        let tracks = [track(b"vide", &[9_000]), track(b"soun", &[371, 372])].concat();
        let file = [boxed(b"ftyp", b"M4A "), boxed(b"moov", &tracks)].concat();

        let expected = Frames { bytes: 743, count: 2, are_alike: true };
        assert_eq!(seen(&file), Some(expected));
        let silent = [boxed(b"ftyp", b"M4A "), boxed(b"moov", &track(b"vide", &[9]))].concat();
        assert_eq!(seen(&silent), None);
    }

    proptest! {
        #[test]
        fn no_file_makes_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..90)) {
            let _ = seen(&bytes);
            let _ = seen(&[&[0xff, 0xfb, 0x90, 0x64][..], &bytes].concat());
            let _ = seen(&[&boxed(b"ftyp", b"M4A ")[..], b"\0\0\0\x40moov", &bytes].concat());
        }
    }

    fn seen(file: &[u8]) -> Option<Frames> {
        frames(&mut Cursor::new(file)).unwrap()
    }

    /// A frame of 44.1 kHz, whose third byte this is.
    fn mp3(third: u8) -> Vec<u8> {
        let head = [0xff, 0xfb, third, 0x64];
        let mut frame = vec![0x55; Header::mpeg(&head).unwrap().frame_bytes];
        frame[..4].copy_from_slice(&head);
        frame
    }

    fn boxed(kind: &[u8; 4], inside: &[u8]) -> Vec<u8> {
        let length = u32::try_from(8 + inside.len()).unwrap().to_be_bytes();
        [&length[..], kind, inside].concat()
    }
}

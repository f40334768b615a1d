//! Tags of WAV files: the `INFO` list of a RIFF file; and whether its relative AIFF is whole.
//!
//! The decoder library does not hand these tags out, and would not look behind the audio, where
//! many programs put them. A RIFF file is a row of *chunks*: four letters, a length, and so many
//! bytes, padded to an even number. One of them may be a `LIST` of kind `INFO`, whose chunks are
//! texts: `IART` is the artist and `INAM` the title.

use common::http::head::decoded;
use std::io::{self, Read, Seek, SeekFrom};

/// The artist and the title in a RIFF file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct InfoList {
    /// `IART`.
    pub(crate) artist: Option<String>,
    /// `INAM`.
    pub(crate) title: Option<String>,
}

/// The `INFO` list of `file`; an empty one if it is not RIFF or has none.
///
/// Fails if the file cannot be read.
pub(crate) fn info_list(file: &mut (impl Read + Seek)) -> io::Result<InfoList> {
    let mut start = [0; 12];
    file.rewind()?;
    if file.read_exact(&mut start).is_err() || &start[..4] != b"RIFF" || &start[8..] != b"WAVE" {
        return Ok(InfoList::default());
    }
    for _ in 0..CHUNKS_MAX {
        let Some((id, length)) = chunk_head(file)? else { break };
        if &id != b"LIST" {
            file.seek(SeekFrom::Current(i64::from(length) + i64::from(length & 1)))?;
            continue;
        }
        let mut list = Vec::new();
        file.take(u64::from(length).min(LIST_BYTES_MAX)).read_to_end(&mut list)?;
        if let Some(texts) = list.strip_prefix(b"INFO") {
            return Ok(InfoList::read(texts));
        }
        let rest = i64::from(length) + i64::from(length & 1) - list.len() as i64;
        file.seek(SeekFrom::Current(rest))?;
    }
    Ok(InfoList::default())
}

/// Whether `file`, which is `length` bytes long, is AIFF that should be longer.
///
/// Fails if the file cannot be read.
pub(crate) fn is_cut_aiff(file: &mut (impl Read + Seek), length: u64) -> io::Result<bool> {
    let mut start = [0; 12];
    file.rewind()?;
    let is_aiff = file.read_exact(&mut start).is_ok()
        && &start[..4] == b"FORM"
        && [b"AIFF", b"AIFC"].iter().any(|form| start.ends_with(*form));
    let rest = u32::from_be_bytes([start[4], start[5], start[6], start[7]]);
    Ok(is_aiff && u64::from(rest) + 8 > length)
}

impl InfoList {
    fn read(mut texts: &[u8]) -> Self {
        let mut list = Self::default();
        while let Some((head, rest)) = texts.split_at_checked(8) {
            let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
            let length = usize::try_from(length).unwrap_or(usize::MAX).min(rest.len());
            let text = rest[..length].split(|&byte| byte == 0).next().unwrap_or_default();
            let text = Some(decoded(text).into_owned()).filter(|text| !text.is_empty());
            match &head[..4] {
                b"IART" => list.artist = text,
                b"INAM" => list.title = text,
                _ => {}
            }
            texts = rest.get(length + (length & 1)..).unwrap_or_default();
        }
        list
    }
}

/// The letters and the length of the chunk that begins here; `None` at the end of the file.
fn chunk_head(file: &mut impl Read) -> io::Result<Option<([u8; 4], u32)>> {
    let mut head = [0; 8];
    match file.read_exact(&mut head) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let [a, b, c, d, length @ ..] = head;
    Ok(Some(([a, b, c, d], u32::from_le_bytes(length))))
}

/// Chunks that are looked at; a file has a handful.
const CHUNKS_MAX: usize = 64;
/// The most of a list that is read.
const LIST_BYTES_MAX: u64 = 65_536;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    fn chunk(id: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len()).unwrap().to_le_bytes();
        let padding = &[0][..body.len() % 2];
        [id, &length[..], body, padding].concat()
    }

    fn wav(chunks: &[Vec<u8>]) -> Vec<u8> {
        chunk(b"RIFF", &[b"WAVE".to_vec(), chunks.concat()].concat())
    }

    fn info() -> Vec<u8> {
        let texts = [b"INFO".to_vec(), chunk(b"IART", b"B\xc3\xb6\0"), chunk(b"INAM", b"T\xe4")];
        chunk(b"LIST", &texts.concat())
    }

    fn listed(file: &[u8]) -> InfoList {
        info_list(&mut Cursor::new(file)).unwrap()
    }

    #[test]
    fn tags_are_found_before_and_behind_the_audio() {
        let expected = InfoList { artist: Some("Bö".into()), title: Some("Tä".into()) };
        let audio = chunk(b"data", &[1; 33]);

        assert_eq!(listed(&wav(&[info(), audio.clone()])), expected);
        assert_eq!(listed(&wav(&[audio, chunk(b"LIST", b"adtl123"), info()])), expected);
    }

    #[test]
    fn a_file_that_is_none_or_ends_too_soon_has_no_tags() {
        assert_eq!(listed(b""), InfoList::default());
        assert_eq!(listed(b"ID3 something else entirely"), InfoList::default());
        assert_eq!(listed(&wav(&[info()])[..20]), InfoList::default());
    }

    #[test]
    fn aiff_that_is_shorter_than_it_says_is_known() {
        let is_cut = |file: &[u8], length| is_cut_aiff(&mut Cursor::new(file), length).unwrap();

        assert!(is_cut(b"FORM\0\0\0\x10AIFF", 23));
        assert!(!is_cut(b"FORM\0\0\0\x10AIFC", 24));
        assert!(!is_cut(b"RIFF\0\0\0\x10WAVE", 12));
        assert!(!is_cut(b"FORM", 4));
    }

    proptest! {
        #[test]
        fn no_file_makes_the_reader_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            cut in 0..80_usize,
        ) {
            let mut file = wav(&[chunk(b"data", b"1234"), info()]);
            file.truncate(cut);
            file.extend_from_slice(&bytes);
            let _ = info_list(&mut Cursor::new(file));
        }
    }
}

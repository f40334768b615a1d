//! Texts of ID3 tags whose encoding is not what the tag says.
//!
//! ID3v1 says nothing about its encoding, and what ID3v2 calls Latin-1 is often whatever the
//! computer of its writer spoke: windows-1251, Shift-JIS, UTF-8. The library that reads tags takes
//! the standard's word, and what is no letter there is lost. So the bytes of artist, title and
//! album are read here once more; where the library has read the same bytes, they are read by
//! what they look like, all of a tag together, or as what somebody says that they are. Tags that
//! say that they are Unicode are left alone.

use crate::alphabet::{self, TagCharset};
use crate::decode::tags::{Tags, one_line};
use std::io::{self, Read, Seek, SeekFrom};

/// The bytes of a tag's artist, title and album, where they are in no known encoding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Raw {
    artist: Option<Vec<u8>>,
    title: Option<Vec<u8>>,
    album: Option<Vec<u8>>,
}

/// The tags of `file`, which is so long: ID3v2 at its head, and ID3v1 at its end.
///
/// Fails if it cannot be read.
pub(super) fn raw(file: &mut (impl Read + Seek), length: u64) -> io::Result<[Raw; 2]> {
    file.rewind()?;
    let second = version_2(file)?;
    let mut first = Raw::default();
    if let Some(start) = length.checked_sub(V1_BYTES) {
        file.seek(SeekFrom::Start(start))?;
        let tag = up_to(file, V1_BYTES)?;
        if tag.len() == 128 && tag.starts_with(b"TAG") {
            let text = |from: usize| trimmed(&tag[from..from + 30]);
            first = Raw { title: text(3), artist: text(33), album: text(63) };
        }
    }
    Ok([second, first])
}

/// What an ID3v2 tag at the head of `file` calls Latin-1.
fn version_2(file: &mut (impl Read + Seek)) -> io::Result<Raw> {
    let mut raw = Raw::default();
    let head = up_to(file, 10)?;
    let [b'I', b'D', b'3', version @ 2..=4, _, flags, size @ ..] = &head[..] else {
        return Ok(raw);
    };
    let (is_scrambled, has_extension) = (flags & 0x80 != 0, flags & 0x40 != 0);
    let left = number(size, 7);
    let mut body = Body { file, left, drops_zeros: is_scrambled && *version < 4, was_full: false };
    if has_extension && !skip_extension(*version, &mut body)? {
        return Ok(raw);
    }
    for _ in 0..FRAMES_MAX {
        let (name_bytes, head_bytes) = if *version == 2 { (3, 6) } else { (4, 10) };
        let head = up_to(&mut body, head_bytes)?;
        let Some((name, sizes)) = head.split_at_checked(name_bytes) else { break };
        let Some(size) = sizes.get(..name_bytes) else { break };
        let bytes = number(size, if *version == 4 { 7 } else { 8 });
        // Names of frames are capitals; what follows the last one are zeros.
        if bytes > body.left || !name.first().is_some_and(u8::is_ascii_uppercase) {
            break;
        }
        let place = match name {
            b"TP1" | b"TPE1" => &mut raw.artist,
            b"TT2" | b"TIT2" => &mut raw.title,
            b"TAL" | b"TALB" => &mut raw.album,
            _ => {
                body.skip(bytes)?;
                continue;
            }
        };
        let text = up_to(&mut body, bytes.min(TEXT_BYTES_MAX))?;
        let rest = bytes - bytes.min(TEXT_BYTES_MAX);
        body.skip(rest)?;
        let flags = sizes.get(name_bytes + 1).copied().unwrap_or(0);
        if rest == 0
            && let Some(text) = plain(*version, flags, is_scrambled, text)
            && let Some((0, text)) = text.split_first()
        {
            *place = trimmed(text);
        }
    }
    Ok(raw)
}

/// Passes over what stands between the head of a tag and its frames; says whether that could be.
fn skip_extension(version: u8, body: &mut Body<'_, impl Read + Seek>) -> io::Result<bool> {
    let size = up_to(body, 4)?;
    let bytes = match version {
        3 => Some(number(&size, 8)),
        4 => number(&size, 7).checked_sub(4), // which counts itself
        _ => None,                            // a packed tag, which nobody writes
    };
    let Some(bytes) = bytes.filter(|bytes| *bytes <= body.left) else { return Ok(false) };
    body.skip(bytes)?;
    Ok(true)
}

/// The text of a frame with these `flags` of its format; `None` if it is packed or encrypted.
fn plain(version: u8, flags: u8, is_scrambled: bool, text: Vec<u8>) -> Option<Vec<u8>> {
    let (is_closed, has_group) = match version {
        2 => return Some(text),
        3 => (flags & 0xC0 != 0, flags & 0x20 != 0),
        _ => (flags & 0x0C != 0, flags & 0x40 != 0),
    };
    let has_length = version == 4 && flags & 0x01 != 0;
    let ahead = usize::from(has_group) + if has_length { 4 } else { 0 };
    let text = text.get(ahead..).filter(|_| !is_closed)?;
    // Some say it of the whole tag alone.
    if version == 4 && (is_scrambled || flags & 0x02 != 0) {
        let mut was_full = false;
        Some(text.iter().copied().filter(|byte| !is_put_in(*byte, &mut was_full)).collect())
    } else {
        Some(text.to_vec())
    }
}

/// Whether `byte` is a zero that was put in behind a byte that is full, so that nobody takes the
/// two for the beginning of a frame of audio.
fn is_put_in(byte: u8, was_full: &mut bool) -> bool {
    std::mem::replace(was_full, byte == 0xFF) && byte == 0
}

/// What follows the head of a tag.
struct Body<'f, R> {
    file: &'f mut R,
    /// Bytes of it that have not been read.
    left: u64,
    /// Whether zeros were put in.
    drops_zeros: bool,
    /// Whether the byte before was full.
    was_full: bool,
}

impl<R: Read + Seek> Body<'_, R> {
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        if self.drops_zeros {
            io::copy(&mut self.take(bytes), &mut io::sink())?;
            return Ok(());
        }
        let bytes = bytes.min(self.left);
        self.left -= bytes;
        self.file.seek(SeekFrom::Current(i64::try_from(bytes).unwrap_or_default()))?;
        Ok(())
    }
}

impl<R: Read> Read for Body<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.file.by_ref().take(self.left).read(buffer)?;
            self.left -= count as u64;
            if !self.drops_zeros {
                return Ok(count);
            }
            let mut kept = 0;
            for at in 0..count {
                if !is_put_in(buffer[at], &mut self.was_full) {
                    buffer[kept] = buffer[at];
                    kept += 1;
                }
            }
            if kept > 0 || count == 0 {
                return Ok(kept);
            }
        }
    }
}

impl Raw {
    /// Puts what it says into `tags`, in place of what the library has made of it, by what it looks
    /// like; and forgets what the library has not read.
    pub(super) fn mend(&mut self, tags: &mut Tags) {
        let places = [&tags.artist, &tags.title, &tags.album];
        for (text, read) in self.texts().into_iter().zip(places) {
            *text = text
                .take()
                .filter(|bytes| read.as_ref().is_some_and(|read| is_what_was_read(bytes, read)));
        }
        let all = self.all();
        if !all.is_ascii() {
            let encoding = alphabet::encoding(&all);
            self.put(tags, |bytes| alphabet::read_as(bytes, encoding));
        }
    }

    /// Puts what it says into `tags`, which it has mended, as what is in `charset`; what is UTF-8
    /// stays so.
    pub(super) fn put_as(&mut self, tags: &mut Tags, charset: TagCharset) {
        if charset.changes(&self.all()) {
            self.put(tags, |bytes| charset.read(bytes));
        }
    }

    fn put(&mut self, tags: &mut Tags, read: impl Fn(&[u8]) -> String) {
        let places = [&mut tags.artist, &mut tags.title, &mut tags.album];
        for (text, place) in self.texts().into_iter().zip(places) {
            if let Some(bytes) = text {
                *place = one_line(&read(bytes));
            }
        }
    }

    fn texts(&mut self) -> [&mut Option<Vec<u8>>; 3] {
        [&mut self.artist, &mut self.title, &mut self.album]
    }

    /// All of it, a line each.
    fn all(&mut self) -> Vec<u8> {
        let texts = self.texts().into_iter().flatten();
        texts.flat_map(|text| [text, &b"\n"[..]].concat()).collect()
    }
}

/// Whether the library makes `read` of `bytes`: Latin-1, in which some bytes are no letters.
fn is_what_was_read(bytes: &[u8], read: &str) -> bool {
    let latin: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    let Some(latin) = one_line(&latin) else { return false };
    let is_lost = |c: char| c == char::REPLACEMENT_CHARACTER || c == ' ';
    let is_same = |(own, read): (char, char)| own == read || is_lost(own) && is_lost(read);
    let lost = read.replace(char::REPLACEMENT_CHARACTER, " ");
    let lost = lost.trim();
    latin.chars().count() == lost.chars().count() && latin.chars().zip(lost.chars()).all(is_same)
}

/// A text up to its end, if it is only one and says something.
fn trimmed(text: &[u8]) -> Option<Vec<u8>> {
    let end = text.iter().rposition(|byte| *byte != 0 && *byte != b' ')? + 1;
    let text = &text[..end];
    (!text.contains(&0)).then(|| text.to_vec())
}

/// A number of bytes of which so many bits count.
fn number(bytes: &[u8], bits: u32) -> u64 {
    let mask = (1_u64 << bits) - 1;
    bytes.iter().fold(0, |number, byte| number << bits | u64::from(*byte) & mask)
}

/// The next so many bytes, or fewer at the end of the file.
fn up_to(file: &mut impl Read, bytes: u64) -> io::Result<Vec<u8>> {
    let mut read = Vec::new();
    file.take(bytes).read_to_end(&mut read)?;
    Ok(read)
}

const V1_BYTES: u64 = 128;
/// Frames that are looked at; a tag has some tens.
const FRAMES_MAX: usize = 200;
/// A text that is longer is no name.
const TEXT_BYTES_MAX: u64 = 4_096;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    #[test]
    fn what_calls_itself_latin_1_is_read_by_what_it_looks_like() {
        let (artist, _, _) = encoding_rs::WINDOWS_1251.encode("Кино");
        let (title, _, _) = encoding_rs::WINDOWS_1251.encode("Группа крови");
        for version in [2, 3, 4] {
            let mut file = tag(version, &[(b"TPE1", 0, &artist), (b"TIT2", 0, &title)]);
            file.extend([0xFF; 300]);
            let [mut second, first] = raw_of(&file);

            let mut tags = as_latin(&artist, &title);
            second.mend(&mut tags);
            assert_eq!(tags.artist.as_deref(), Some("Кино"), "version {version}");
            assert_eq!(tags.title.as_deref(), Some("Группа крови"));
            assert_eq!(first, Raw::default());
        }
    }

    #[test]
    fn what_the_library_lost_is_found_again() {
        let (title, _, _) = encoding_rs::SHIFT_JIS.encode("宇多田ヒカル");
        let [mut second, _] = raw_of(&tag(3, &[(b"TIT2", 0, &title)]));
        let mut tags = as_latin(b"", &title);

        second.mend(&mut tags);

        assert_eq!(tags.title.as_deref(), Some("宇多田ヒカル"));
        let [mut second, _] = raw_of(&tag(3, &[(b"TIT2", 0, b"Don\x92t")]));
        let mut tags = as_latin(b"", b"Don\x92t");
        second.mend(&mut tags);
        assert_eq!(tags.title.as_deref(), Some("Don’t"));
    }

    #[test]
    fn the_old_tag_at_the_end_is_read_too() {
        let (title, _, _) = encoding_rs::WINDOWS_1251.encode("Земфира");
        let mut file = vec![0; 100];
        file.extend(b"TAG");
        file.extend(title.iter());
        file.resize(228, 0);

        let [_, mut first] = raw_of(&file);

        let mut tags = as_latin(b"", &title);
        first.mend(&mut tags);
        assert_eq!(tags.title.as_deref(), Some("Земфира"));
    }

    #[test]
    fn what_is_unicode_or_comes_from_elsewhere_is_left_alone() {
        let (title, _, _) = encoding_rs::WINDOWS_1251.encode("Земфира");
        let [second, _] = raw_of(&tag(3, &[(b"TIT2", 3, "Björk".as_bytes())]));
        assert_eq!(second, Raw::default());

        let [mut second, _] = raw_of(&tag(3, &[(b"TIT2", 0, &title)]));
        let mut tags = Tags { title: Some("Zemfira".to_owned()), ..Tags::default() };
        second.mend(&mut tags);
        assert_eq!(tags.title.as_deref(), Some("Zemfira"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_looked_at(
            version in 0_u8..6,
            flags in prop::sample::select(vec![0_u8, 0x40, 0x80, 0xC0]),
            body in prop::collection::vec(
                prop::sample::select(b"TIT2TPE1TT2\0\0\0\x01\x7F\xFF\x80\n".to_vec()), 0..300),
        ) {
            let head = [b'I', b'D', b'3', version, 0, flags, 0, 0, 1, 0x7F];
            raw_of(&[&head[..], &body].concat());
        }
    }

    /// A tag of these frames, each with its encoding, and of a cover between them.
    fn tag(version: u8, frames: &[(&[u8; 4], u8, &[u8])]) -> Vec<u8> {
        let mut body = Vec::new();
        let mut put = |name: &[u8; 4], text: &[u8]| {
            let short: &[u8] = match name {
                b"TPE1" => b"TP1",
                b"TIT2" => b"TT2",
                _ => b"PIC",
            };
            let bytes = u8::try_from(text.len()).unwrap();
            if version == 2 {
                body.extend([short, &[0, 0, bytes]].concat());
            } else {
                body.extend([&name[..], &[0, 0, 0, bytes, 0, 0]].concat());
            }
            body.extend(text);
        };
        for (name, encoding, text) in frames {
            put(b"APIC", &[7; 50]);
            put(name, &[&[*encoding][..], text].concat());
        }
        body.resize(body.len().next_multiple_of(128), 0);
        let size = [0, 0, u8::try_from(body.len() / 128).unwrap(), 0];
        [b"ID3", &[version, 0, 0][..], &size, &body].concat()
    }

    fn raw_of(file: &[u8]) -> [Raw; 2] {
        raw(&mut Cursor::new(file), file.len() as u64).unwrap()
    }

    /// As the library reads them.
    fn as_latin(artist: &[u8], title: &[u8]) -> Tags {
        let latin = |bytes: &[u8]| {
            let letter = |byte: &u8| match byte {
                0x80..=0x9F => char::REPLACEMENT_CHARACTER,
                byte => char::from(*byte),
            };
            one_line(&bytes.iter().map(letter).collect::<String>())
        };
        Tags { artist: latin(artist), title: latin(title), ..Tags::default() }
    }
}

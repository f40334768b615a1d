//! The end of an Ogg file that was cut off, or that something else was put behind.
//!
//! The decoder library looks for the last page of a file to see how long it is, and gives the file
//! up if it finds half a page there. So it is told that the file ends with its last whole page.

use common::ogg::page::{PAGE_BYTES_MAX, Page, junk_bytes};
use std::io::{self, Read, Seek, SeekFrom};

/// Where the last whole page of `file` ends, which is `length` bytes long; its length if it is no
/// Ogg or there is none near its end.
///
/// Fails if the file cannot be read.
pub(super) fn whole_bytes(file: &mut (impl Read + Seek), length: u64) -> io::Result<u64> {
    let mut pattern = Vec::new();
    file.rewind()?;
    file.take(4).read_to_end(&mut pattern)?;
    if pattern != b"OggS" {
        return Ok(length);
    }
    let begin = length.saturating_sub(TAIL_BYTES);
    file.seek(SeekFrom::Start(begin))?;
    let mut tail = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut tail)?;
    let (mut at, mut spoiled) = (0, 0);
    let mut whole = None;
    while let Some(rest) = tail.get(at..).filter(|rest| !rest.is_empty()) {
        match Page::read(rest) {
            Ok(Some(page)) => {
                at += page.bytes.len();
                whole = Some(at);
            }
            // It is not whole, or none begins here: the next may.
            Ok(None) => at += 1 + junk_bytes(&rest[1..]),
            Err(_) if spoiled < SPOILED_MAX => {
                spoiled += 1;
                at += 1 + junk_bytes(&rest[1..]);
            }
            Err(_) => break,
        }
    }
    Ok(whole.map_or(length, |whole| begin + whole as u64))
}

/// Two pages of the longest: one may be half, and the one before it is whole.
const TAIL_BYTES: u64 = 2 * PAGE_BYTES_MAX as u64;
/// After so many things that look like a page and are none, no more are looked at: each costs a
/// checksum.
const SPOILED_MAX: u32 = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use common::ogg::page::Label;
    use std::io::Cursor;

    #[test]
    fn a_file_ends_with_its_last_whole_page() {
        let label = Label { flags: 0, granule: Some(0), serial: 7, sequence: 0 };
        let page = label.page(&[255; 255], &[b'O'; 255 * 255]);
        let pages = page.repeat(5);
        let whole = |file: &[u8]| whole_bytes(&mut Cursor::new(file), file.len() as u64).unwrap();

        assert_eq!(whole(&pages), 5 * page.len() as u64);
        assert_eq!(whole(&pages[..pages.len() - 1]), 4 * page.len() as u64);
        assert_eq!(whole(&pages[..4 * page.len() + 3]), 4 * page.len() as u64);
        assert_eq!(whole(&[&pages[..], b"TAG and OggS\0 more"].concat()), 5 * page.len() as u64);
        assert_eq!(whole(&page[..100]), 100, "there is none");
        assert_eq!(whole(b"fLaC"), 4);
    }
}

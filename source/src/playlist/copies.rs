//! Copies of lists elsewhere on disk, so that a restart plays them while their server is down.
//!
//! A copy is a file of its own: what the list is and where it came from, a line each, an empty
//! line, and then the list as it came. The oldest copies make room for those that are new.

use crate::fetch::address::HttpAddress;
use crate::fetch::list::{FetchedList, LIST_BYTES_MAX};
use crate::playlist::Item;
use crate::playlist::order::track_key;
use crate::whole;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Puts a copy of `list`, which is called by `address`, into `folder`.
///
/// Fails if the disk does not take it; then the copy of before is still there.
pub(super) fn keep(folder: &Path, address: &str, list: &FetchedList) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    make_room(folder)?;
    whole::write(&place(folder, address), written(address, list))
}

/// The copy in `folder` of the list that is called by `address`, if there is one.
pub(super) fn kept(folder: &Path, address: &str) -> Option<FetchedList> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(place(folder, address)).ok()?;
    file.take(LIST_BYTES_MAX + HEAD_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    read(address, &bytes)
}

fn place(folder: &Path, address: &str) -> PathBuf {
    folder.join(format!("{:016x}.{ENDING}", track_key(&Item::file(address))))
}

fn written(address: &str, list: &FetchedList) -> Vec<u8> {
    let FetchedList { from, content_type, bytes } = list;
    let content_type = content_type.replace(char::is_control, " ");
    let head = format!("{FIRST_LINE}\naddress: {address}\nfrom: {from}\ntype: {content_type}\n\n");
    [head.as_bytes(), bytes].concat()
}

/// The list in `bytes`, if they are a copy of the one that is called by `address`.
fn read(address: &str, bytes: &[u8]) -> Option<FetchedList> {
    let end = bytes.windows(2).position(|two| two == b"\n\n")?;
    let mut lines = std::str::from_utf8(&bytes[..end]).ok()?.split('\n');
    let is_ours =
        lines.next()? == FIRST_LINE && lines.next()?.strip_prefix("address: ")? == address;
    if !is_ours {
        return None;
    }
    let from = HttpAddress::parse(lines.next()?.strip_prefix("from: ")?).ok()?;
    let content_type = lines.next()?.strip_prefix("type: ")?.to_owned();
    Some(FetchedList { from, content_type, bytes: bytes[end + 2..].to_vec() })
}

/// Removes the oldest copies in `folder`, if there are too many for one more.
fn make_room(folder: &Path) -> std::io::Result<()> {
    let mut copies: Vec<(SystemTime, PathBuf)> = std::fs::read_dir(folder)?
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|ending| ending == ENDING))
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    copies.sort();
    let too_many = (copies.len() + 1).saturating_sub(COPIES_MAX);
    copies.iter().take(too_many).try_for_each(|(_, copy)| std::fs::remove_file(copy))
}

const FIRST_LINE: &str = "carrier list 1";
const ENDING: &str = "list";
/// So many copies are kept.
const COPIES_MAX: usize = 256;
/// What stands before a list is not longer.
const HEAD_BYTES_MAX: u64 = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_copy_is_found_by_its_address_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("station.lists");
        let list = list("audio/x-mpegurl", b"a.mp3\n");

        keep(&folder, "http://h/a", &list).unwrap();
        keep(&folder, "http://h/a", &FetchedList { bytes: b"b.mp3\n".to_vec(), ..list.clone() })
            .unwrap();

        assert_eq!(kept(&folder, "http://h/a").unwrap().bytes, b"b.mp3\n");
        assert_eq!(kept(&folder, "http://h/b"), None);
        std::fs::rename(place(&folder, "http://h/a"), place(&folder, "http://h/b")).unwrap();
        assert_eq!(kept(&folder, "http://h/b"), None, "it is somebody else's");
    }

    #[test]
    fn the_oldest_copies_make_room() {
        let dir = tempfile::tempdir().unwrap();
        for number in 0..COPIES_MAX + 3 {
            keep(dir.path(), &format!("http://h/{number}"), &list("", b"a.mp3")).unwrap();
        }
        std::fs::write(dir.path().join("mine.txt"), "").unwrap();

        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), COPIES_MAX + 1);
        assert!(kept(dir.path(), &format!("http://h/{}", COPIES_MAX + 2)).is_some());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            content_type in "\\PC{0,20}",
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let list = list(&content_type, &bytes);

            prop_assert_eq!(read("http://h/a", &written("http://h/a", &list)), Some(list));
        }

        #[test]
        fn any_bytes_are_read_or_not(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(read("http://h/a", &bytes), None);
            let bytes = [b"carrier list 1\naddress: http://h/a\n".to_vec(), bytes].concat();
            read("http://h/a", &bytes);
        }
    }

    fn list(content_type: &str, bytes: &[u8]) -> FetchedList {
        let from = HttpAddress::parse("http://h/lists/a").unwrap();
        FetchedList { from, content_type: content_type.to_owned(), bytes: bytes.to_vec() }
    }
}

//! Lists on disk: from the entries of a list to files.
//!
//! A name that is not absolute starts at the list's folder. `file://` addresses are understood, and
//! those of files elsewhere are kept as they are, to be fetched ahead of play; other addresses are
//! passed over, with one line for all of them. A *name* that is not UTF-8 may be the very bytes of
//! the name on disk, or the old text of a name that is UTF-8 on disk: the one that exists is taken.

use crate::fetch::list::LIST_BYTES_MAX;
use crate::playlist::Contents;
use crate::playlist::format::{self, Entry, List};
use crate::playlist::item::{Annotations, Item, is_http};
use crate::playlist::text::text;
use common::http::percent;
use std::ffi::OsStr;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use tracing::warn;

pub use crate::playlist::format::is_list;

/// What the list at `path` holds.
///
/// Fails if it cannot be read, is larger than [`LIST_BYTES_MAX`], or is no list.
pub fn contents(path: &Path) -> std::io::Result<Contents> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(LIST_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LIST_BYTES_MAX {
        return Err(invalid(format_args!("a list of more than {LIST_BYTES_MAX} bytes")));
    }
    let list = format::parse(path, &bytes).map_err(invalid)?;
    drop(bytes);
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    Ok(gathered(list, path, |entry| place(folder, entry)))
}

/// What `list`, which messages call `path`, holds where its entries are in these places.
pub(super) fn gathered(list: List, path: &Path, place: impl Fn(&Entry) -> Place) -> Contents {
    let List { entries, about, is_declared } = list;
    let mut addresses = Addresses::default();
    let mut items = Vec::with_capacity(entries.len());
    for entry in entries {
        match place(&entry) {
            Place::Address => addresses.note(&entry),
            Place::Comment => {}
            Place::File(path) => items.push(Item {
                path,
                annotations: entry.annotations,
                listed_title: entry.title,
                listed_length: entry.length,
                tag_charset: None,
            }),
        }
    }
    addresses.report(path);
    let is_deliberate = is_declared || !items.is_empty();
    Contents { items, about, is_deliberate }
}

/// The item that `uri` names, which somebody asked for: a path, possibly annotated. `None` if it
/// is an address that cannot be played.
pub fn requested(folder: &Path, uri: &str) -> Option<Item> {
    let (annotations, name) = crate::playlist::annotate::parse(uri.as_bytes())
        .unwrap_or_else(|| (Annotations::default(), uri.as_bytes()));
    match place(folder, &Entry { name: name.to_vec(), ..Entry::default() }) {
        Place::File(path) => Some(Item { annotations, ..Item::file(path) }),
        Place::Address | Place::Comment => None,
    }
}

/// What an entry turns out to be.
pub(super) enum Place {
    /// Something that is not a file.
    Address,
    /// A comment after all.
    Comment,
    File(PathBuf),
}

/// Where `entry` of a list in `folder` is.
pub(super) fn place(folder: &Path, entry: &Entry) -> Place {
    let name = &entry.name[..];
    let found = |name: &[u8]| {
        let mut path = folder.join(OsStr::from_bytes(name));
        path.shrink_to_fit(); // there may be many of them
        path
    };
    if let Some(address) = name.strip_prefix(b"file://") {
        let address = address.strip_prefix(b"localhost").unwrap_or(address);
        return Place::File(found(&percent::decode(&text(address))));
    }
    if is_http(name) && !has_password(name) {
        return Place::File(PathBuf::from(text(name)));
    }
    if is_address(name) {
        return Place::Address;
    }
    if entry.is_address {
        return Place::File(found(&percent::decode(&text(name))));
    }
    let as_written = found(name);
    if entry.is_comment_unless_found && !as_written.is_file() {
        return Place::Comment;
    }
    let translated = text(name);
    if translated.as_bytes() == name || as_written.exists() {
        Place::File(as_written)
    } else {
        Place::File(found(translated.as_bytes()))
    }
}

pub(super) fn is_address(name: &[u8]) -> bool {
    let Some(colon) = name.windows(3).position(|three| three == b"://") else { return false };
    colon > 0 && name[..colon].iter().all(u8::is_ascii_alphanumeric)
}

/// Whether the address in `name` has a password in it, which everybody would see.
fn has_password(name: &[u8]) -> bool {
    let server = name.splitn(4, |&byte| byte == b'/').nth(2);
    server.is_some_and(|server| server.contains(&b'@'))
}

pub(super) fn invalid(what: impl std::fmt::Display) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, what.to_string())
}

/// The addresses in a list, which are passed over.
#[derive(Default)]
struct Addresses {
    first: Option<String>,
    count: usize,
}

impl Addresses {
    fn note(&mut self, entry: &Entry) {
        self.count += 1;
        self.first.get_or_insert_with(|| match text(&entry.name).split_once('@') {
            Some((_, behind)) => format!("…@{behind}"),
            None => text(&entry.name),
        });
    }

    fn report(&self, list: &Path) {
        if let Some(first) = &self.first {
            warn!(
                list = %list.display(), addresses = self.count, first,
                "addresses in a list are passed over that are not http or https, or hold a password"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_name_finds_the_file_that_exists() {
        let dir = tempfile::tempdir().unwrap();
        let raw = OsStr::from_bytes(b"raw\xE4.mp3");
        std::fs::write(dir.path().join("jóga.mp3"), "").unwrap();
        std::fs::write(dir.path().join(raw), "").unwrap();
        let list = dir.path().join("x.m3u");
        std::fs::write(&list, b"j\xF3ga.mp3\nraw\xE4.mp3\n").unwrap();

        assert_eq!(paths(&list), [dir.path().join("jóga.mp3"), dir.path().join(raw)]);
    }

    #[test]
    fn names_start_at_the_lists_folder_unless_they_are_absolute() {
        let dir = tempfile::tempdir().unwrap();
        let list = dir.path().join("x.m3u");
        std::fs::write(&list, "a.mp3\n/b.mp3\nfile:///c%20d.mp3\nftp://x/y.mp3\n").unwrap();

        assert_eq!(paths(&list), [dir.path().join("a.mp3"), "/b.mp3".into(), "/c d.mp3".into()]);
    }

    #[test]
    fn a_file_elsewhere_is_kept_by_its_address_if_that_holds_no_password() {
        let dir = tempfile::tempdir().unwrap();
        let list = dir.path().join("x.m3u");
        std::fs::write(&list, "HTTP://h/a%20b.mp3?c@d\nhttps://u:p@h/y.mp3\nhttps://h\n").unwrap();

        let items = contents(&list).unwrap().items;

        let addresses: Vec<_> = items.iter().filter_map(Item::address).collect();
        assert_eq!(addresses, ["HTTP://h/a%20b.mp3?c@d", "https://h"]);
    }

    #[test]
    fn blanks_are_coded_in_the_addresses_of_xspf_and_not_in_the_names_of_m3u() {
        let dir = tempfile::tempdir().unwrap();
        let (m3u, xspf) = (dir.path().join("x.m3u"), dir.path().join("x.xspf"));
        std::fs::write(&m3u, "a%20b.mp3\n").unwrap();
        let track = "<track><location>a%20b.mp3</location></track>";
        let text = format!("<playlist><trackList>{track}</trackList></playlist>");
        std::fs::write(&xspf, text).unwrap();

        assert_eq!(paths(&m3u), [dir.path().join("a%20b.mp3")]);
        assert_eq!(paths(&xspf), [dir.path().join("a b.mp3")]);
    }

    #[test]
    fn a_name_with_a_semicolon_in_front_is_a_file_only_if_there_is_one() {
        let dir = tempfile::tempdir().unwrap();
        let list = dir.path().join("x.m3u");
        std::fs::write(dir.path().join(";a.mp3"), "").unwrap();
        std::fs::write(&list, ";a.mp3\n;b.mp3\n; remark\nc.mp3\n").unwrap();

        assert_eq!(paths(&list), [dir.path().join(";a.mp3"), dir.path().join("c.mp3")]);
    }

    #[test]
    fn a_list_is_deliberate_if_it_holds_files_or_says_that_it_is_one() {
        let dir = tempfile::tempdir().unwrap();
        let list = dir.path().join("x.m3u");
        for (text, is_deliberate) in
            [("", false), ("\n\n", false), ("#EXTM3U\n", true), ("a.mp3", true), ("#EXT", false)]
        {
            std::fs::write(&list, text).unwrap();

            assert_eq!(contents(&list).unwrap().is_deliberate, is_deliberate, "{text:?}");
        }
    }

    #[test]
    fn a_request_may_be_annotated_and_may_be_elsewhere() {
        let folder = Path::new("/music");

        let item = requested(folder, "annotate:title=\"T\":a.mp3").unwrap();

        assert_eq!((item.path, item.annotations.get("title")), ("/music/a.mp3".into(), Some("T")));
        let item = requested(folder, "annotate:title=\"T\":http://h/x.mp3").unwrap();
        assert_eq!(
            (item.address(), item.ordered_title()),
            (Some("http://h/x.mp3"), Some("T".into()))
        );
        assert_eq!(requested(folder, "http://u:p@h/x.mp3"), None);
        assert_eq!(requested(folder, "ftp://h/x.mp3"), None);
    }

    fn paths(list: &Path) -> Vec<PathBuf> {
        contents(list).unwrap().items.into_iter().map(|item| item.path).collect()
    }
}

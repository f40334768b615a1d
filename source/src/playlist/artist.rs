//! Who plays an item, as far as it is known without opening the file.
//!
//! An annotation says it, or the list's hint, or the file's name (`03 - Artist - Title.mp3`), or
//! the folders: below the deepest folder that all items share, the first folder names the artist,
//! as in `music/Artist/Album/01.flac`. Where nothing says it, it is not known. Pure.

use crate::playlist::item::Item;
use std::path::{Component, Path};

/// The artist of each of `items`, in lower case, where it is known.
pub fn artists(items: &[Item]) -> Vec<Option<String>> {
    let shared = shared_folders(items);
    items.iter().map(|item| artist(item, shared)).collect()
}

fn artist(item: &Item, shared_folders: usize) -> Option<String> {
    let listed = || item.listed_artist_and_title().and_then(|(artist, _)| artist);
    let said = item.annotations.get("artist").filter(|name| !name.trim().is_empty());
    let artist = match said.or_else(listed) {
        Some(artist) => artist.to_owned(),
        None => from_name(&item.path).or_else(|| {
            let below: Vec<_> = item.path.components().skip(shared_folders).collect();
            match below.as_slice() {
                [Component::Normal(folder), .., _file] => Some(folder.to_string_lossy().into()),
                _ => None,
            }
        })?,
    };
    Some(artist.trim().to_lowercase())
}

/// The artist in `Artist - Title` and `03 - Artist - Title`; `03 - Title` names none.
fn from_name(path: &Path) -> Option<String> {
    let name = path.file_stem()?.to_string_lossy();
    let is_number = |part: &str| part.chars().all(|c| c.is_ascii_digit() || c == '.');
    let mut parts = name.split(" - ").map(str::trim).skip_while(|part| is_number(part));
    let (artist, _title) = (parts.next()?, parts.next()?);
    (!artist.is_empty()).then(|| artist.to_owned())
}

/// How many folders at the beginning of their paths all items share.
fn shared_folders(items: &[Item]) -> usize {
    let Some((first, rest)) = items.split_first() else { return 0 };
    let folders = |item: &Item| item.path.components().count().saturating_sub(1);
    let shared = |item: &Item| {
        let both = first.path.components().zip(item.path.components());
        both.take_while(|(one, other)| one == other).count().min(folders(item))
    };
    rest.iter().map(shared).fold(folders(first), usize::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_says_it_or_the_name_or_the_folders() {
        let mut items = ["/m/Plaid/Eyen.flac", "/m/Eno/2020 - Snow/09 Snow.flac", "/m/x.mp3"]
            .map(Item::file)
            .to_vec();
        items.push(Item::file("/m/Various/03 - Proem - Deep.mp3"));
        items.push(Item::file("/m/Plaid/04 - Eyen.mp3"));
        items.push(Item { listed_title: Some("ISAN - Birds".into()), ..Item::file("/m/V/1.mp3") });
        let mut annotated = Item::file("/m/V/2.mp3");
        annotated.annotations.push("artist", "Ochre");
        items.push(annotated);

        let artists = artists(&items);

        let artists: Vec<_> = artists.iter().map(Option::as_deref).collect();
        assert_eq!(
            artists,
            [
                Some("plaid"),
                Some("eno"),
                None,
                Some("proem"),
                Some("plaid"),
                Some("isan"),
                Some("ochre")
            ]
        );
    }

    #[test]
    fn one_file_alone_is_in_no_artists_folder() {
        assert_eq!(artists(&[Item::file("/m/Plaid/Eyen.flac")]), [None]);
        assert_eq!(artists(&[]), []);
    }
}

//! `Item`: something to play, with what its list says about it.
//!
//! A list says three kinds of things: where the file is, *annotations*, which are orders and win
//! over what the file says of itself (`annotate:liq_cue_in="3"`, a CUE sheet's cue points), and
//! *hints*, which are used only where the file says nothing (`#EXTINF`).

use crate::alphabet::TagCharset;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Something to play.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Item {
    /// The audio file; or, of one elsewhere, its address.
    pub path: PathBuf,
    /// What the list orders for this item alone.
    pub annotations: Annotations,
    /// Hint: the title that the list gives, often `Artist - Title`.
    pub listed_title: Option<Arc<str>>,
    /// Hint: how long it plays, as the list says.
    pub listed_length: Option<Duration>,
    /// What its tags are encoded in that do not say so themselves; what they look like if not said.
    pub tag_charset: Option<TagCharset>,
}

/// Names and values in the order in which they were written. Of a name written twice the last
/// value counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Annotations(Vec<(Arc<str>, Arc<str>)>);

impl Item {
    /// The file at `path`, about which nothing else is known.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), ..Self::default() }
    }

    /// The address of a file elsewhere, which is to be fetched; `None` for one that is here.
    pub fn address(&self) -> Option<&str> {
        self.path.to_str().filter(|path| is_http(path.as_bytes()))
    }

    /// The artist and the title in the list's hint, which are divided by the first ` - `. Without
    /// that there is no artist.
    pub fn listed_artist_and_title(&self) -> Option<(Option<&str>, &str)> {
        let text = self.listed_title.as_deref()?.trim();
        let divided =
            text.split_once(DIVISION).map(|(artist, title)| (artist.trim(), title.trim()));
        match divided {
            Some((artist, title)) if !artist.is_empty() && !title.is_empty() => {
                Some((Some(artist), title))
            }
            _ => Some((None, text)),
        }
    }

    /// The title that its annotations order, as `Artist - Title`; none without a `title` there.
    pub fn ordered_title(&self) -> Option<String> {
        let annotation = |key| self.annotations.get(key).filter(|value| !value.trim().is_empty());
        let title = annotation("title")?;
        Some(match annotation("artist") {
            Some(artist) => format!("{artist}{DIVISION}{title}"),
            None => title.to_owned(),
        })
    }
}

impl Annotations {
    /// The value of `key`; that of the last one, if there are several.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().rev().find(|(name, _)| &**name == key).map(|(_, value)| &**value)
    }

    /// Adds one at the end.
    pub fn push(&mut self, key: &str, value: &str) {
        self.0.push((key.into(), value.into()));
    }

    /// All of them, as written.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Annotations {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

/// Whether `name` is the address of a file elsewhere.
pub fn is_http(name: &[u8]) -> bool {
    let begins = |scheme: &[u8]| {
        name.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    begins(b"http://") || begins(b"https://")
}

/// What stands between artist and title in one text.
const DIVISION: &str = " - ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn artist_and_title_are_divided_at_the_first_dash_between_blanks() {
        for (text, expected) in [
            ("Brian Eno - Snow", (Some("Brian Eno"), "Snow")),
            ("A - B - C", (Some("A"), "B - C")),
            ("Artist-Hyphen", (None, "Artist-Hyphen")),
            (" - B", (None, "- B")),
        ] {
            let item = Item { listed_title: Some(text.into()), ..Item::file("x.mp3") };

            assert_eq!(item.listed_artist_and_title(), Some(expected), "{text}");
        }
    }

    #[test]
    fn of_a_name_written_twice_the_last_value_counts() {
        let annotations: Annotations = [("a", "1"), ("b", "2"), ("a", "3")].into_iter().collect();

        assert_eq!((annotations.get("a"), annotations.get("c")), (Some("3"), None));
        assert_eq!(annotations.iter().count(), 3);
    }

    #[test]
    fn annotations_order_a_title_and_an_artist_alone_does_not() {
        let with = |pairs: &[(&str, &str)]| Item {
            annotations: pairs.iter().copied().collect(),
            ..Item::file("x.mp3")
        };

        assert_eq!(with(&[("title", "T"), ("artist", "A")]).ordered_title().unwrap(), "A - T");
        assert_eq!(with(&[("title", "T"), ("artist", " ")]).ordered_title().unwrap(), "T");
        assert_eq!(with(&[("artist", "A")]).ordered_title(), None);
    }
}

//! What a live source says that is heard: artist and title, as listeners are told. Pure.

/// What is heard of a live source, as far as it says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiveTitle {
    /// Who plays.
    pub artist: Option<String>,
    /// What is played.
    pub title: Option<String>,
}

impl LiveTitle {
    /// What an encoder says in one text, often `Artist - Title`.
    pub fn song(text: &str) -> Self {
        match text.split_once(" - ") {
            Some((artist, title)) => Self::of(artist, title),
            None => Self::of("", text),
        }
    }

    /// These two; an empty text says nothing.
    pub fn of(artist: &str, title: &str) -> Self {
        let said = |text: &str| {
            let text: String = text.chars().filter(|it| !it.is_control()).take(CHARS_MAX).collect();
            Some(text.trim().to_owned()).filter(|text| !text.is_empty())
        };
        Self { artist: said(artist), title: said(title) }
    }

    /// Both in one line, as listeners are told; `otherwise` if it says nothing.
    pub fn shown(&self, otherwise: &str) -> String {
        match (&self.artist, &self.title) {
            (Some(artist), Some(title)) => format!("{artist} - {title}"),
            (None, Some(one)) | (Some(one), None) => one.clone(),
            (None, None) => otherwise.to_owned(),
        }
    }
}

/// Of longer texts the rest is left out.
const CHARS_MAX: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_song_is_an_artist_and_a_title_if_it_can_be_divided() {
        for (text, artist, title) in [
            ("A - B - C", Some("A"), Some("B - C")),
            ("Just\r\n this ", None, Some("Just this")),
            (" - ", None, None),
        ] {
            let song = LiveTitle::song(text);

            assert_eq!((song.artist.as_deref(), song.title.as_deref()), (artist, title));
        }
        assert_eq!(LiveTitle::song("A - B").shown("live"), "A - B");
        assert_eq!(LiveTitle::song(" ").shown("live"), "live");
    }
}

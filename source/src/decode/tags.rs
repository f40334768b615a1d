//! What a file says of itself, and the title that follows from it.
//!
//! A title is `artist - title` from the tags; without a title in the tags it is what the playlist
//! calls the file; without that, the file's name, less its extension and track number. It is one
//! line of text of bounded length, because it travels in a request line.

use crate::cues::{Cues, Mistake};
use std::path::Path;
use std::sync::Arc;
use symphonia::core::meta::{Metadata, MetadataRevision, RawValue, StandardTag, Tag};

/// What the tags of a file say, as far as it is of use here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags {
    /// Who plays; several are joined by commas.
    pub artist: Option<String>,
    /// What is played.
    pub title: Option<String>,
    /// What it is part of.
    pub album: Option<String>,
    /// What of the decoded audio is to be heard, from iTunes' `iTunSMPB`.
    pub gapless: Option<Gapless>,
    /// Keys and values that say how the track is to be played: those that `Cues` knows.
    pub cues: Vec<(String, String)>,
}

/// Which part of the decoded audio is the recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gapless {
    /// Sample frames of padding before it.
    pub delay_sample_frames: u64,
    /// Sample frames of the recording.
    pub sample_frames: u64,
}

impl Tags {
    /// The tags in `metadata`. ID3v1, which cuts its texts at 30 bytes, only fills what no other
    /// tag says.
    pub(crate) fn of(mut metadata: Metadata<'_>) -> Self {
        let mut tags = Self::default();
        let mut last_resort = Self::default();
        loop {
            if let Some(revision) = metadata.current() {
                let short = revision.info.short_name == "id3v1";
                if short { &mut last_resort } else { &mut tags }.take_in(revision);
            }
            if metadata.pop().is_none() {
                break;
            }
        }
        tags.artist = tags.artist.or(last_resort.artist);
        tags.title = tags.title.or(last_resort.title);
        tags.album = tags.album.or(last_resort.album);
        tags
    }

    fn take_in(&mut self, revision: &MetadataRevision) {
        let per_track = revision.per_track.iter().flat_map(|track| &track.metadata.tags);
        let mut artists: Vec<&str> = Vec::new();
        for tag in revision.media.tags.iter().chain(per_track) {
            if let Some(StandardTag::TrackTitle(title)) = &tag.std {
                self.title = self.title.take().or_else(|| one_line(title));
            } else if let Some(StandardTag::Album(album)) = &tag.std {
                self.album = self.album.take().or_else(|| one_line(album));
            } else if let Some(StandardTag::Artist(artist)) = &tag.std {
                artists.push(artist);
            } else if tag.raw.key.ends_with("iTunSMPB") {
                self.gapless = gapless(tag);
            } else if let Some(cue) = cue(tag) {
                self.cues.push(cue);
            }
        }
        self.artist = self.artist.take().or_else(|| one_line(&artists.join(", ")));
    }

    /// What is said of the track: what `ordered` says, and where that says nothing, what the file
    /// does. And what is wrong with either.
    pub fn cues<'a>(
        &self,
        ordered: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> (Cues, Vec<Mistake>) {
        let (ordered, mut mistakes) = Cues::read(ordered);
        let filed = self.cues.iter().map(|(key, value)| (&**key, &**value));
        let (filed, more) = Cues::read(filed);
        mistakes.extend(more);
        (ordered.or(filed), mistakes)
    }

    /// The title of the file at `path`, which a list calls `listed`.
    pub fn title_for(&self, path: &Path, listed: Option<&str>) -> Arc<str> {
        let title = match (&self.artist, &self.title) {
            (Some(artist), Some(title)) => Some(format!("{artist} - {title}")),
            (None, Some(title)) => Some(title.clone()),
            (_, None) => listed.and_then(one_line),
        };
        let title = title.unwrap_or_else(|| from_name(path));
        title.chars().take(TITLE_CHARS_MAX).collect::<String>().into()
    }
}

/// The title that somebody ordered for a track, as it may travel; `None` if nothing is left.
pub fn ordered(title: &str) -> Option<Arc<str>> {
    one_line(title).map(|title| title.chars().take(TITLE_CHARS_MAX).collect::<String>().into())
}

/// A tag that says how the track is to be played. Its key may be in capitals, and behind a
/// prefix as in `TXXX:REPLAYGAIN_TRACK_GAIN`.
fn cue(tag: &Tag) -> Option<(String, String)> {
    let key = tag.raw.key.rsplit(':').next()?.to_ascii_lowercase();
    let RawValue::String(value) = &tag.raw.value else { return None };
    Cues::knows(&key).then(|| (key, value.to_string()))
}

/// `text` as one line without control characters or blanks around; `None` if nothing is left.
pub(super) fn one_line(text: &str) -> Option<String> {
    let text = text.replace(char::is_control, " ");
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A title from a file name: no extension, no track number in front.
fn from_name(path: &Path) -> String {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().replace('_', " ");
    let bare = without_number(&name);
    one_line(bare).or_else(|| one_line(&name)).unwrap_or_else(|| "untitled".to_owned())
}

/// `03 - Song`, `03. Song`, `03-Song` and `03 Song` without the number; `99 Luftballons` and
/// `50-50` as they are.
fn without_number(name: &str) -> &str {
    let rest = name.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = name.len() - rest.len();
    let bare = rest.trim_start_matches([' ', '-', '.', ')']);
    let between = &rest[..rest.len() - bare.len()];
    let is_number = (1..=3).contains(&digits)
        && !between.is_empty()
        && (between.contains(['-', '.', ')']) || name.starts_with('0'))
        && bare.starts_with(char::is_alphabetic);
    if is_number { bare } else { name }
}

/// Reads ` 00000000 00000840 000001CA 0000000000ABCDEF …`: something, delay, padding, length.
fn gapless(tag: &Tag) -> Option<Gapless> {
    let RawValue::String(text) = &tag.raw.value else { return None };
    let mut numbers = text.split_ascii_whitespace().map(|hex| u64::from_str_radix(hex, 16));
    let (_, delay, _padding, length) =
        (numbers.next()?, numbers.next()?, numbers.next()?, numbers.next()?);
    let gapless = Gapless { delay_sample_frames: delay.ok()?, sample_frames: length.ok()? };
    (gapless.sample_frames > 0).then_some(gapless)
}

/// A title is cut to so many characters; percent-encoded they fit into Icecast's 4 096 bytes.
const TITLE_CHARS_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn artist_and_title_make_the_title() {
        let tags = tags(Some("Sigur Rós"), Some("Ágætis byrjun"));

        assert_eq!(title(&tags, "x.mp3", Some("listed")), "Sigur Rós - Ágætis byrjun");
    }

    #[test]
    fn a_title_without_an_artist_stands_alone() {
        assert_eq!(title(&tags(None, Some("時の流れ")), "x.mp3", None), "時の流れ");
    }

    #[test]
    fn the_lists_title_is_used_where_the_file_has_none() {
        assert_eq!(title(&tags(Some("Somebody"), None), "x.mp3", Some("listed")), "listed");
    }

    #[test]
    fn a_file_name_loses_extension_and_track_number() {
        for (name, expected) in [
            ("03 - Song.mp3", "Song"),
            ("03. Song.v2.flac", "Song.v2"),
            ("07 Song.mp3", "Song"),
            ("1-Song.mp3", "Song"),
            ("12_-_A_Song.ogg", "A Song"),
            ("99 Luftballons.mp3", "99 Luftballons"),
            ("50-50.mp3", "50-50"),
            ("1999.mp3", "1999"),
            ("03 - .mp3", "03 -"),
            ("Song", "Song"),
        ] {
            assert_eq!(title(&Tags::default(), name, None), expected, "{name}");
        }
    }

    #[test]
    fn a_title_is_one_line_of_bounded_length() {
        let long = "ä".repeat(1_000);

        assert_eq!(one_line(" a\r\nb\0 ").as_deref(), Some("a  b"));
        assert_eq!(title(&tags(None, Some(&long)), "x", None).chars().count(), TITLE_CHARS_MAX);
    }

    #[test]
    fn itunes_says_how_much_is_padding() {
        let text = " 00000000 00000840 000001CA 00000000003F31F6 00000000";
        let tag = Tag::new_from_parts("com.apple.iTunes:iTunSMPB", text, None);

        let expected = Gapless { delay_sample_frames: 0x840, sample_frames: 0x3F_31F6 };
        assert_eq!(gapless(&tag), Some(expected));
        assert_eq!(gapless(&Tag::new_from_parts("iTunSMPB", " 0 zz", None)), None);
    }

    fn tags(artist: Option<&str>, title: Option<&str>) -> Tags {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Tags { artist: owned(artist), title: owned(title), ..Tags::default() }
    }

    fn title(tags: &Tags, name: &str, listed: Option<&str>) -> String {
        tags.title_for(Path::new(name), listed).to_string()
    }
}

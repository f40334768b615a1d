//! CUE sheets: the tracks of a recording that is one file.
//!
//! Each track becomes an entry for the whole file, with its cue points as annotations: it begins
//! at its `INDEX 01` (`liq_cue_in`) and ends where the next track of the same file has its
//! `INDEX 00` or, without that, its `INDEX 01` (`liq_cue_out`). Positions are `mm:ss:ff` with 75
//! frames a second, which are whole sample frames at 44.1 kHz.

use super::{Entry, List, lines};
use crate::playlist::item::Annotations;
use crate::playlist::text::text;

/// A track of the sheet.
#[derive(Default)]
struct Track {
    file: Vec<u8>,
    /// Title, artist and what else the sheet says of this track.
    about: Vec<(&'static str, String)>,
    /// Where the gap before it begins.
    gap: Option<u64>,
    /// Where it begins.
    start: Option<u64>,
}

pub(super) fn parse(bytes: &[u8]) -> List {
    let mut file: Vec<u8> = Vec::new();
    let mut album: Vec<(&'static str, String)> = Vec::new();
    let mut tracks: Vec<Track> = Vec::new();
    for line in lines(bytes) {
        let (word, rest) = word(line);
        let (first, after) = argument(rest);
        match word.to_ascii_uppercase().as_slice() {
            b"FILE" => file = first.to_vec(),
            b"TRACK" => {
                let about = vec![("tracknumber", text(first).trim_start_matches('0').to_owned())];
                tracks.push(Track { file: file.clone(), about, ..Track::default() });
            }
            b"INDEX" => {
                let Some(track) = tracks.last_mut() else { continue };
                // A track's own FILE may come after its gap, which then is in the file before.
                match (text(first).parse::<u32>(), position(argument(after).0)) {
                    (Ok(0), Some(at)) => track.gap = Some(at),
                    (Ok(1), Some(at)) => {
                        if track.file != file {
                            track.file.clone_from(&file);
                            track.gap = None;
                        }
                        track.start = Some(at);
                    }
                    _ => {}
                }
            }
            b"REM" => {
                let key = first.to_ascii_uppercase();
                if let Some(&(_, name)) = REMARKS.iter().find(|(remark, _)| key == *remark) {
                    put(&mut tracks, &mut album, name, argument(after).0);
                }
            }
            other => {
                let Some(&(_, in_track, in_sheet)) = WORDS.iter().find(|(w, ..)| other == *w)
                else {
                    continue;
                };
                let name = if tracks.is_empty() { in_sheet } else { in_track };
                put(&mut tracks, &mut album, name, first);
            }
        }
    }
    tracks.retain(|track| track.start.is_some() && !track.file.is_empty());
    let entries = (0..tracks.len()).map(|at| entry(&tracks[at], tracks.get(at + 1), &album));
    List { entries: entries.collect(), is_declared: true, ..List::default() }
}

/// Notes `name` for the last track or, before the first, for all.
fn put(
    tracks: &mut [Track],
    album: &mut Vec<(&'static str, String)>,
    name: &'static str,
    value: &[u8],
) {
    let about = tracks.last_mut().map_or(album, |track| &mut track.about);
    if !name.is_empty() && !value.is_empty() {
        about.push((name, text(value)));
    }
}

fn entry(track: &Track, next: Option<&Track>, album: &[(&'static str, String)]) -> Entry {
    let mut annotations = Annotations::default();
    let own = |name| track.about.iter().any(|(own, _)| *own == name);
    let inherited = album.iter().filter(|(name, _)| !own(*name));
    for (name, value) in inherited.chain(&track.about) {
        annotations.push(name, value);
    }
    let start = track.start.unwrap_or_default();
    if start > 0 {
        annotations.push("liq_cue_in", &seconds(start));
    }
    let end = next.filter(|next| next.file == track.file).and_then(|next| next.gap.or(next.start));
    if let Some(end) = end.filter(|&end| end > start) {
        annotations.push("liq_cue_out", &seconds(end));
    }
    Entry { name: track.file.clone(), annotations, ..Entry::default() }
}

/// The first word of `line`, and the rest.
fn word(line: &[u8]) -> (&[u8], &[u8]) {
    let line = line.trim_ascii();
    line.split_at(line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len()))
}

/// The first argument in `text`, with or without quotes, and the rest.
fn argument(text: &[u8]) -> (&[u8], &[u8]) {
    let text = text.trim_ascii();
    match text.strip_prefix(b"\"") {
        Some(quoted) => {
            let end = quoted.iter().position(|&byte| byte == b'"').unwrap_or(quoted.len());
            (&quoted[..end], quoted.get(end + 1..).unwrap_or_default())
        }
        None => word(text),
    }
}

/// `mm:ss:ff` in frames.
fn position(text: &[u8]) -> Option<u64> {
    let mut parts = std::str::from_utf8(text).ok()?.splitn(3, ':').map(str::parse::<u32>);
    let (minutes, seconds, frames) =
        (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    let seconds = u64::from(minutes) * 60 + u64::from(seconds);
    Some(seconds * FRAMES_PER_S + u64::from(frames))
}

/// `frames` in seconds. Rounded up in the ninth digit, so that a reader who cuts off what is less
/// than a sample frame hits the same one as a reader who rounds.
fn seconds(frames: u64) -> String {
    let ns = (frames % FRAMES_PER_S * 1_000_000_000).div_ceil(FRAMES_PER_S);
    format!("{}.{ns:09}", frames / FRAMES_PER_S)
}

const FRAMES_PER_S: u64 = 75;
/// Words, and what they say within a track and before the first.
const WORDS: [(&[u8], &str, &str); 3] =
    [(b"ISRC", "isrc", ""), (b"PERFORMER", "artist", "artist"), (b"TITLE", "title", "album")];
const REMARKS: [(&[u8], &str); 2] = [(b"DATE", "date"), (b"GENRE", "genre")];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tracks_end_where_the_next_begins_or_its_gap_does() {
        let list = parse(SHEET);

        let cues: Vec<_> = list
            .entries
            .iter()
            .map(|e| {
                (text(&e.name), e.annotations.get("liq_cue_in"), e.annotations.get("liq_cue_out"))
            })
            .collect();
        assert_eq!(
            cues,
            [
                ("a b.flac".into(), None, Some("238.000000000")),
                ("a b.flac".into(), Some("240.013333334"), Some("300.960000000")),
                ("a b.flac".into(), Some("300.960000000"), None),
                ("c.wav".into(), None, None),
            ]
        );
    }

    #[test]
    fn a_track_has_what_the_sheet_says_of_it_and_of_all() {
        let list = parse(SHEET);

        let said = |at: usize, key| list.entries[at].annotations.get(key);
        assert_eq!((said(0, "title"), said(0, "artist")), (Some("One"), Some("Everybody")));
        assert_eq!((said(1, "title"), said(1, "artist")), (Some("Two"), Some("Some \u{e9}")));
        assert_eq!((said(1, "album"), said(1, "date")), (Some("Album"), Some("1999")));
        assert_eq!((said(0, "tracknumber"), said(0, "isrc")), (Some("1"), Some("ABC")));
    }

    #[test]
    fn the_cue_points_are_whole_sample_frames_however_they_are_rounded() {
        for frames in 0..75 {
            let samples = seconds(frames).parse::<f64>().unwrap() * 44_100.0;

            let exact = u32::try_from(frames).unwrap() * 588;
            assert!((samples - f64::from(exact)).abs() < 0.001, "{frames}: {samples}");
            assert!(samples >= f64::from(exact), "{frames}: {samples}");
        }
    }

    #[test]
    fn a_track_without_a_beginning_is_none() {
        assert_eq!(parse(b"TRACK 01 AUDIO\nINDEX 01 0:0:0\n").entries, []);
        assert_eq!(parse(b"FILE x WAVE\nTRACK 01 AUDIO\nINDEX 01 0:0\n").entries, []);
    }

    const SHEET: &[u8] = b"REM DATE 1999\nPERFORMER \"Everybody\"\nTITLE \"Album\"\n\
        FILE \"a b.flac\" WAVE\n  TRACK 01 AUDIO\n    TITLE \"One\"\n    ISRC ABC\n\
        INDEX 01 00:00:00\n  TRACK 02 AUDIO\r\n    TITLE Two\n    PERFORMER \"Some \xE9\"\n\
        INDEX 00 03:58:00\n    INDEX 01 04:00:01\n TRACK 03 AUDIO\n INDEX 01 05:00:72\n\
        FILE c.wav WAVE\n TRACK 04 AUDIO\n INDEX 01 00:00:00\n";
}

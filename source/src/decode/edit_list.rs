//! The edit list of an MP4 file, which says what of the decoded audio is the recording.
//!
//! An MP4 file is a tree of *boxes*: a length, four letters, and either bytes or more boxes. In
//! `moov` stand `mvhd`, which has the clock that the whole is counted by, and a `trak` for each
//! track. In that, `mdia/hdlr` says whether it is sound, `mdia/mdhd` what clock it is counted by,
//! and `edts/elst` from where in it to begin and how long to go on: what AAC encoders put in front
//! is left out so. The decoder library reads these boxes, but does not hand them out.

use crate::decode::trim::Trim;
use std::io::{self, Read, Seek, SeekFrom};

/// What the file says is to be heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EditList {
    /// Where in the track it begins, in ticks of the track.
    begin: u64,
    /// How many of those are a second.
    track_hz: u32,
    /// How long it goes on, in ticks of the whole; 0 to its end.
    duration: u64,
    movie_hz: u32,
}

/// A box, and where what is in it ends.
pub(super) struct Box {
    pub(super) kind: [u8; 4],
    pub(super) end: u64,
}

/// What has been read of a track.
#[derive(Default)]
struct Sound {
    is_sound: bool,
    track_hz: Option<u32>,
    /// Duration and beginning of its only edit.
    edit: Option<(u64, u64)>,
}

impl EditList {
    /// What it cuts off of a track that is `decoded` sample frames long at `rate_hz`.
    pub(super) fn trim(self, decoded: Option<u64>, rate_hz: Option<u32>) -> Trim {
        let Some(rate_hz) = rate_hz else { return Trim::NOTHING };
        let scaled = |ticks: u64, of_hz: u32| {
            let rounded = u128::from(ticks) * u128::from(rate_hz) + u128::from(of_hz / 2);
            u64::try_from(rounded / u128::from(of_hz)).unwrap_or(u64::MAX)
        };
        let skip = scaled(self.begin, self.track_hz);
        // A clock that is coarser than the samples cannot say where the last one is.
        let listed = match self.duration {
            0 => u64::MAX,
            ticks if self.movie_hz >= rate_hz => scaled(ticks, self.movie_hz),
            ticks => scaled(ticks.saturating_add(1), self.movie_hz),
        };
        let keep = decoded.map_or(listed, |decoded| decoded.saturating_sub(skip).min(listed));
        Trim { skip, keep }
    }
}

/// The edit list of the first track in `file` that is sound; `None` if it is no MP4, or has none
/// that is simply one stretch.
///
/// Fails if the file cannot be read.
pub(super) fn edit_list(file: &mut (impl Read + Seek)) -> io::Result<Option<EditList>> {
    let length = file.seek(SeekFrom::End(0))?;
    file.rewind()?;
    let mut is_mp4 = false;
    let listed = each_box(file, 0, length, &mut |file, found| {
        match &found.kind {
            b"ftyp" => is_mp4 = true,
            b"moov" if is_mp4 => return in_movie(file, found.end),
            _ if is_mp4 => {}
            _ => return Ok(Some(None)), // another kind of file
        }
        Ok(None)
    })?;
    Ok(listed.flatten())
}

fn in_movie(file: &mut (impl Read + Seek), end: u64) -> io::Result<Option<Option<EditList>>> {
    let begin = file.stream_position()?;
    let mut movie_hz = None;
    let listed = each_box(file, begin, end, &mut |file, found| {
        if &found.kind == b"mvhd" {
            movie_hz = clock_hz(file)?;
        } else if &found.kind == b"trak" {
            let mut sound = Sound::default();
            in_track(file, found.end, &mut sound, DEPTH_MAX)?;
            return Ok(sound.is_sound.then(|| sound.edits(movie_hz)));
        }
        Ok(None)
    })?;
    Ok(Some(listed.flatten()))
}

fn in_track<F: Read + Seek>(
    file: &mut F,
    end: u64,
    sound: &mut Sound,
    depth_left: u32,
) -> io::Result<()> {
    let begin = file.stream_position()?;
    let whole = each_box(file, begin, end, &mut |file, found| {
        match &found.kind {
            b"mdia" | b"edts" if depth_left > 0 => {
                in_track(file, found.end, sound, depth_left - 1)?;
            }
            b"mdhd" => sound.track_hz = clock_hz(file)?,
            b"hdlr" => sound.is_sound = words::<3>(file)?.is_some_and(|it| &it[2] == b"soun"),
            b"elst" => sound.edit = only_edit(file)?,
            _ => {}
        }
        Ok(None::<()>)
    });
    whole.map(drop)
}

impl Sound {
    fn edits(&self, movie_hz: Option<u32>) -> Option<EditList> {
        let (duration, begin) = self.edit?;
        Some(EditList { begin, track_hz: self.track_hz?, duration, movie_hz: movie_hz? })
    }
}

/// The ticks in a second, of `mvhd` and `mdhd`.
fn clock_hz(file: &mut impl Read) -> io::Result<Option<u32>> {
    let Some([version]) = words::<1>(file)? else { return Ok(None) };
    let found = match version[0] {
        0 => words::<3>(file)?.map(|it| it[2]),
        _ => words::<5>(file)?.map(|it| it[4]),
    };
    Ok(found.map(u32::from_be_bytes).filter(|hz| *hz > 0))
}

/// Duration and beginning of the edit that is no pause, if that is one.
fn only_edit(file: &mut impl Read) -> io::Result<Option<(u64, u64)>> {
    let Some([version, count]) = words::<2>(file)? else { return Ok(None) };
    let mut only = None;
    for _ in 0..u32::from_be_bytes(count).min(EDITS_MAX) {
        let edit = match version[0] {
            0 => words::<3>(file)?.map(|[duration, begin, _]| {
                (u32::from_be_bytes(duration).into(), i32::from_be_bytes(begin).into())
            }),
            _ => words::<5>(file)?.map(|[a, b, c, d, _]| (wide(a, b), wide(c, d).cast_signed())),
        };
        let Some((duration, begin)): Option<(u64, i64)> = edit else { return Ok(None) };
        let Ok(begin) = u64::try_from(begin) else { continue }; // a pause
        if only.replace((duration, begin)).is_some() {
            return Ok(None);
        }
    }
    Ok(only)
}

/// Shows each box between `begin` and `end` to `visit`, which may end that with what it has found.
pub(super) fn each_box<F: Read + Seek, T>(
    file: &mut F,
    begin: u64,
    end: u64,
    visit: &mut dyn FnMut(&mut F, &Box) -> io::Result<Option<T>>,
) -> io::Result<Option<T>> {
    let mut at = begin;
    for _ in 0..BOXES_MAX {
        if at >= end {
            break;
        }
        file.seek(SeekFrom::Start(at))?;
        let Some([length, kind]) = words::<2>(file)? else { break };
        let length = match u32::from_be_bytes(length) {
            0 => end - at,
            1 => words::<2>(file)?.map_or(0, |[high, low]| wide(high, low)),
            length => length.into(),
        };
        if length < 8 {
            break; // it would be in itself
        }
        at = at.saturating_add(length).min(end);
        if let Some(found) = visit(file, &Box { kind, end: at })? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn wide(high: [u8; 4], low: [u8; 4]) -> u64 {
    u64::from(u32::from_be_bytes(high)) << 32 | u64::from(u32::from_be_bytes(low))
}

/// The next `N` times four bytes; `None` if there are not so many.
pub(super) fn words<const N: usize>(file: &mut impl Read) -> io::Result<Option<[[u8; 4]; N]>> {
    let mut words = [[0; 4]; N];
    for word in &mut words {
        match file.read_exact(word) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    Ok(Some(words))
}

/// Boxes that are looked at on each level; a file has a handful.
const BOXES_MAX: u32 = 256;
/// How deep in a track boxes may lie in each other.
const DEPTH_MAX: u32 = 2;
/// Edits that are looked at.
const EDITS_MAX: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    #[test]
    fn what_the_encoder_put_around_the_recording_is_cut_off() {
        let file = mp4(&[track(b"soun", 44_100, &[(1_000, 1_024)])]);

        let listed = listed(&file).unwrap();

        // The length in milliseconds leaves it to the track where the last sample is.
        let trim = listed.trim(Some(1_024 + 44_110), Some(44_100));
        assert_eq!(trim, Trim { skip: 1_024, keep: 44_110 });
        let trim = listed.trim(Some(1_024 + 45_000), Some(44_100));
        assert_eq!(trim, Trim { skip: 1_024, keep: 44_144 });
        assert_eq!(listed.trim(None, None), Trim::NOTHING);
    }

    #[test]
    fn a_track_that_sounds_at_twice_its_clock_is_cut_there() {
        let file = mp4(&[track(b"soun", 22_050, &[(2_000, 1_056)])]);

        let trim = listed(&file).unwrap().trim(Some(90_000), Some(44_100));

        assert_eq!(trim, Trim { skip: 2_112, keep: 90_000 - 2_112 });
    }

    #[test]
    fn a_pause_before_the_recording_is_no_part_of_it() {
        let file = mp4(&[track(b"soun", 44_100, &[(20, -1), (1_000, 512)])]);

        assert_eq!(listed(&file).map(|it| it.begin), Some(512));
    }

    #[test]
    fn only_sound_that_is_one_stretch_has_an_edit_list() {
        let edits = [(1_000, 0)];

        assert!(listed(&mp4(&[track(b"vide", 600, &edits)])).is_none());
        assert!(listed(&mp4(&[track(b"soun", 600, &[(500, 0), (500, 600)])])).is_none());
        assert!(listed(&mp4(&[track(b"soun", 600, &[])])).is_none());
        assert!(listed(&mp4(&[track(b"soun", 0, &edits)])).is_none(), "no clock");
        let both = mp4(&[track(b"vide", 600, &edits), track(b"soun", 44_100, &edits)]);
        assert_eq!(listed(&both).map(|it| it.track_hz), Some(44_100));
        assert!(listed(b"OggS").is_none());
    }

    #[test]
    fn boxes_in_each_other_without_end_are_left_alone() {
        let nested = (0..50_000_u32).flat_map(|depth| {
            let length = (500_000 - depth * 8).to_be_bytes();
            [&length[..], b"mdia"].concat()
        });
        let whole = boxed(b"moov", &boxed(b"trak", &nested.collect::<Vec<u8>>()));

        assert!(listed(&[boxed(b"ftyp", b"M4A "), whole].concat()).is_none());
    }

    proptest! {
        #[test]
        fn no_file_makes_the_reader_panic(
            flips in proptest::collection::vec((0..240_usize, any::<u8>()), 0..8),
            cut in 0..300_usize,
            rate_hz in 1..u32::MAX,
        ) {
            let mut file = mp4(&[track(b"soun", 44_100, &[(20, -1), (1_000, 512)])]);
            for (at, byte) in flips {
                let length = file.len();
                file[at % length] = byte;
            }
            file.truncate(cut);
            if let Some(listed) = listed(&file) {
                let _ = listed.trim(Some(u64::MAX), Some(rate_hz));
            }
        }
    }

    fn listed(file: &[u8]) -> Option<EditList> {
        edit_list(&mut Cursor::new(file)).unwrap()
    }

    fn mp4(tracks: &[Vec<u8>]) -> Vec<u8> {
        let mvhd = boxed(b"mvhd", &[&[0; 12][..], &1_000_u32.to_be_bytes(), &[0; 80]].concat());
        let moov = boxed(b"moov", &[mvhd, tracks.concat()].concat());
        [boxed(b"ftyp", b"M4A "), boxed(b"mdat", &[1; 40]), moov].concat()
    }

    fn track(kind: &[u8; 4], clock_hz: u32, edits: &[(u32, i32)]) -> Vec<u8> {
        let count = u32::try_from(edits.len()).unwrap().to_be_bytes();
        let entries = edits.iter().flat_map(|(duration, begin)| {
            [duration.to_be_bytes(), begin.to_be_bytes(), [0, 1, 0, 0]].concat()
        });
        let elst = [&[0; 4][..], &count, &entries.collect::<Vec<u8>>()].concat();
        let mdhd = boxed(b"mdhd", &[&[0; 12][..], &clock_hz.to_be_bytes(), &[0; 8]].concat());
        let hdlr = boxed(b"hdlr", &[&[0; 8][..], kind, &[0; 12]].concat());
        let inside =
            [boxed(b"edts", &boxed(b"elst", &elst)), boxed(b"mdia", &[mdhd, hdlr].concat())];
        boxed(b"trak", &inside.concat())
    }

    fn boxed(kind: &[u8; 4], inside: &[u8]) -> Vec<u8> {
        let length = u32::try_from(8 + inside.len()).unwrap().to_be_bytes();
        [&length[..], kind, inside].concat()
    }
}

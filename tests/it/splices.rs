//! Files of MP3 and AAC that pass through our source untouched, among others that are encoded:
//! their frames, byte by byte, and what ffmpeg makes of the one stream that they are in.

use crate::passing::play_through;
use crate::programme;
use bytes::Bytes;
use common::mpeg::frame::{ADTS_HEADER_BYTES, Header};
use e2e::{Icecast, Program, Random, recording};
use source::encode::aac::{Aac, Profile};
use source::encode::mp3::Mp3;
use source::encode::{Channels, Format};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[tokio::test]
async fn aac_of_ffmpeg_passes_from_adts_and_mp4_among_tracks_that_are_encoded() {
    let (channels, profile) = (Channels::Stereo, Profile::Lc);
    let format = Format::Aac(Aac { rate_hz: RATE_HZ, channels, bitrate_kbps: 96, profile });
    let mp4 = ["-c:a", "aac", "-b:a", "96k"];
    let low = ["-c:a", "aac", "-b:a", "64k"];
    let kinds = [
        Kind { extension: "m4a", options: &mp4, passes: true },
        Kind { extension: "aac", options: recording::AAC, passes: true },
        Kind { extension: "m4a", options: &low, passes: false },
        Kind { extension: "m4a", options: &mp4, passes: true },
        Kind { extension: "wav", options: &[], passes: false },
    ];
    passes(format, 2_048, &kinds).await;
}

#[tokio::test]
async fn mp3_of_lame_passes_with_and_without_an_index_among_tracks_that_are_encoded() {
    let format = Format::Mp3(Mp3::constant(RATE_HZ, 128, 5));
    let indexed = ["-c:a", "libmp3lame", "-b:a", "128k"];
    let variable = ["-c:a", "libmp3lame", "-q:a", "4"];
    let low = ["-c:a", "libmp3lame", "-b:a", "96k"];
    let kinds = [
        Kind { extension: "mp3", options: &indexed, passes: true },
        Kind { extension: "mp3", options: recording::MP3, passes: true },
        Kind { extension: "mp3", options: &variable, passes: false },
        Kind { extension: "mp3", options: &indexed, passes: true },
        Kind { extension: "mp3", options: &low, passes: false },
    ];
    passes(format, 1_105, &kinds).await;
}

#[tokio::test]
async fn icecast_and_players_hear_mp3_that_passes_over_skips() {
    let Some(icecast) = Icecast::start().await else { return };
    let format = Format::Mp3(Mp3::constant(RATE_HZ, 128, 5));
    let options = ["-c:a", "libmp3lame", "-b:a", "128k"];
    heard_over_skips(&icecast, "/live.mp3", format, &options).await;
}

#[tokio::test]
async fn icecast_and_ffmpeg_hear_aac_that_passes_over_skips() {
    let Some(icecast) = Icecast::start().await else { return };
    let (channels, profile) = (Channels::Stereo, Profile::Lc);
    let format = Format::Aac(Aac { rate_hz: RATE_HZ, channels, bitrate_kbps: 96, profile });
    heard_over_skips(&icecast, "/live.aac", format, recording::AAC).await;
}

/// Plays files that ffmpeg made by `options` to Icecast, and one between that is encoded, skips
/// each of them, and wants players to hear it without a word of complaint.
async fn heard_over_skips(icecast: &Icecast, mount: &str, format: Format, options: &[&str]) {
    let Some(ffmpeg) = Program::find("ffmpeg") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let (_, extension) = mount.split_once('.').expect("a mount with an extension");
    for title in ["A - One", "B - Two", "D - Four"] {
        let name = format!("{title}.{extension}");
        recording::record(&ffmpeg, folder.path(), &name, 30, options).await;
    }
    recording::record(&ffmpeg, folder.path(), "C - Three.wav", 30, &[]).await;
    let mut config = programme::station_config(icecast, folder.path(), mount);
    config.outputs[0].format = format;
    config.outputs[0].passthrough = true;

    let source = source::station::Station::start(&config).expect("a station can start");

    icecast.until_titled(mount, "A - One").await;
    let url = icecast.url(mount);
    let quiet = ["-nostdin", "-hide_banner", "-xerror", "-v", "warning", "-i", &url];
    let mut players = vec![ffmpeg.run(quiet.into_iter().chain(["-t", "6", "-f", "null", "-"]))];
    if extension == "mp3" {
        let mpg123 = Program::find("mpg123");
        players.extend(mpg123.map(|it| it.run(["-q", "-t", "-n", MPG123_FRAMES, &url])));
    }
    icecast.until_listeners(mount, players.len() as u64).await;
    for title in ["B - Two", "C - Three", "D - Four"] {
        assert!(source.skip("main"));
        icecast.until_titled(mount, title).await;
    }
    for player in players {
        let output = player.ended_well(FFMPEG_TIMEOUT).await;
        assert_eq!(output.log, "", "{mount}");
    }
    source.stop().await;
}

/// How a track is encoded.
struct Kind<'k> {
    extension: &'static str,
    options: &'k [&'k str],
    passes: bool,
}

/// Wants short files of all `kinds` to be heard in their turn, where they belong but for half a
/// frame, and those that pass just as they are; our encoder is so `late`.
async fn passes(format: Format, late: usize, kinds: &[Kind<'_>]) {
    let Some(ffmpeg) = Program::find("ffmpeg") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let mut files = Vec::new();
    for number in 0..TRACKS {
        let kind = &kinds[number % kinds.len()];
        let name = format!("{number:02}.{}", kind.extension);
        let wav = folder.path().join("wav");
        let samples = LENGTH + number * 1_009;
        fs::write(&wav, programme::wav("A - Noise", RATE_HZ, noise(number, samples)))
            .expect("our own folder");
        let path = folder.path().join(name);
        let [from, to] = [&wav, &path].map(|path| path.to_str().expect("a path in UTF-8"));
        let input = ["-nostdin", "-y", "-v", "error", "-i", from, "-ac", "2"];
        let arguments = input.into_iter().chain(kind.options.iter().copied()).chain([to]);
        ffmpeg.run(arguments).ended_well(FFMPEG_TIMEOUT).await;
        files.push((path, kind.passes));
    }

    let (played, frames) = play(format, files.iter().map(|(path, _)| path.clone()).collect());

    let whole = frames.concat();
    let frame = Header::mpeg(&whole).or_else(|| Header::adts(&whole)).expect("a first frame");
    let extension = if matches!(format, Format::Aac(_)) { "aac" } else { "mp3" };
    let stream = folder.path().join(format!("stream.{extension}"));
    fs::write(&stream, &whole).expect("our own folder");
    let sent: Vec<_> = frames.iter().map(|frame| frame[head_bytes(frame)..].to_vec()).collect();
    for (file, passes) in
        files.iter().filter(|(file, _)| file.extension().is_some_and(|it| it != "wav"))
    {
        let own = frames_of(&ffmpeg, file).await;
        let passed = passed(&sent, &own);
        let missing = own.len() - passed;
        assert!(
            if *passes { missing < 6 } else { passed == 0 },
            "{passed} of {}: {}",
            own.len(),
            file.display()
        );
    }
    let heard = decoded(&ffmpeg, &stream).await;
    expect_in_place(frame.sample_frames.into(), late, &played, &heard);
}

/// Plays each of `files` once: the programme, with its borders, and what an output would send.
fn play(format: Format, files: Vec<PathBuf>) -> (Played, Vec<Bytes>) {
    let count = files.len();
    let (mut played, mut frames) = (Played::default(), Vec::new());
    let mut cuts_left = 40; // what is held back at the end of the last track comes after it
    play_through(format, files, |rack, cut| {
        let begun = cut.titles.iter().map(|(at, _)| usize::try_from(*at).expect("a minute"));
        played.borders.extend(begun);
        played.borders.dedup(); // at the very start there is another title for no time
        cuts_left -= u32::from(played.borders.len() > count);
        played.samples.extend_from_slice(cut.block.plane(0));
        let fed = rack.feed(&cut.block, |_, frame| frames.push(frame.bytes));
        fed.expect("an encoder that works");
        cuts_left > 0
    });
    (played, frames)
}

/// Noise for each `number`, without treble, so that every place of it is known from every
/// other.
fn noise(number: usize, samples: usize) -> impl Iterator<Item = i16> {
    let mut random = Random::new(number as u64 + 1);
    let mut last = [0_i32; 8];
    (0..samples).map(move |at| {
        last[at % last.len()] = i32::try_from(random.below(20_000)).expect("16 bits") - 10_000;
        i16::try_from(last.iter().sum::<i32>() / 8).expect("16 bits")
    })
}

/// A programme as it was made.
#[derive(Default)]
struct Played {
    samples: Vec<f32>,
    /// Where tracks began.
    borders: Vec<usize>,
}

/// The frames of a file or a stream, without the heads of ADTS, which MP4 does not have, and
/// without the index of MP3.
async fn frames_of(ffmpeg: &Program, path: &Path) -> Vec<Vec<u8>> {
    let bare = path.with_extension(if is_aac(path) { "bare.aac" } else { "bare.mp3" });
    let [from, to] = [path, &bare].map(|path| path.to_str().expect("a path in UTF-8"));
    let mut copy = vec!["-nostdin", "-y", "-v", "error", "-i", from, "-c", "copy"];
    if !is_aac(path) {
        copy.extend(["-write_xing", "0", "-id3v2_version", "0"]);
    }
    ffmpeg.run(copy.into_iter().chain([to])).ended_well(FFMPEG_TIMEOUT).await;
    let whole = fs::read(&bare).expect("a file that was just written");
    frames(&whole).into_iter().map(|frame| frame[head_bytes(frame)..].to_vec()).collect()
}

fn is_aac(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "aac" || extension == "m4a")
}

/// The frames that `stream` is, and nothing else.
fn frames(stream: &[u8]) -> Vec<&[u8]> {
    let (mut frames, mut rest) = (Vec::new(), stream);
    while !rest.is_empty() {
        let header = Header::mpeg(rest).or_else(|| Header::adts(rest)).expect("a frame");
        let (frame, after) = rest.split_at(header.frame_bytes);
        frames.push(frame);
        rest = after;
    }
    frames
}

/// Bytes of ADTS before the packet; none in MP3.
fn head_bytes(frame: &[u8]) -> usize {
    if Header::adts(frame).is_some() { ADTS_HEADER_BYTES } else { 0 }
}

/// How many frames of `own` are in `sent`, one after the other.
fn passed(sent: &[Vec<u8>], own: &[Vec<u8>]) -> usize {
    let middle = own.len() / 2;
    let Some(place) = sent.iter().position(|frame| *frame == own[middle]) else { return 0 };
    let later = own[middle..].iter().zip(&sent[place..]);
    let earlier = own[..middle].iter().rev().zip(sent[..place].iter().rev());
    let is_same = |(one, other): &(&Vec<u8>, &Vec<u8>)| one == other;
    later.take_while(is_same).count() + earlier.take_while(is_same).count()
}

/// The left side of what ffmpeg makes of `stream`, of which it must not complain.
async fn decoded(ffmpeg: &Program, stream: &Path) -> Vec<f32> {
    let raw = stream.with_extension("raw");
    let [from, to] = [stream, &raw].map(|path| path.to_str().expect("a path in UTF-8"));
    let quiet = ["-nostdin", "-y", "-hide_banner", "-xerror", "-v", "warning", "-i", "pipe:0"];
    let arguments = quiet.into_iter().chain(["-f", "f32le", to]);
    let output = ffmpeg.run_on(arguments, from).ended_well(FFMPEG_TIMEOUT).await;
    assert_eq!(output.log, "", "{from}");
    let raw = fs::read(&raw).expect("a file that was just written");
    let left = raw.chunks_exact(8).map(|it| [it[0], it[1], it[2], it[3]]);
    left.map(f32::from_le_bytes).collect()
}

/// Wants each track to be heard as `late` as our encoder is, but for half a frame, from its
/// beginning to its end.
fn expect_in_place(frame: i64, late: usize, played: &Played, heard: &[f32]) {
    let ends = played.borders.iter().skip(1).take(TRACKS);
    assert_eq!(ends.len(), TRACKS);
    for (begin, end) in played.borders.iter().zip(ends) {
        let alike = |from: usize, shift: i64| {
            let at = i64::try_from(from + late).expect("a minute") + shift;
            let at = usize::try_from(at).expect("the first track begins at its place");
            likeness(&played.samples[from..from + WINDOW], &heard[at..at + WINDOW])
        };
        let from = begin + 3_000;
        let best = (-frame..frame).max_by(|a, b| alike(from, *a).total_cmp(&alike(from, *b)));
        let best = best.expect("more than one place");
        assert!(best.abs() <= frame / 2, "at {begin}: shifted by {best}");
        for from in [from, end - 6_000] {
            assert!(alike(from, best) > 0.9, "at {from}: {:.2}", alike(from, best));
        }
    }
}

/// 1 for the same sound at any level, and 0 for another one.
fn likeness(one: &[f32], other: &[f32]) -> f64 {
    let (mut both, mut first, mut second) = (0.0, 0.0, 0.0);
    for (a, b) in one.iter().zip(other) {
        both += a * b;
        first += a * a;
        second += b * b;
    }
    f64::from(both) / f64::from(first * second).sqrt().max(1e-9)
}

const FFMPEG_TIMEOUT: Duration = Duration::from_secs(60);
/// Six seconds of 1 152 sample frames.
const MPG123_FRAMES: &str = "230";
const RATE_HZ: u32 = 44_100;
const TRACKS: usize = 24;
/// Of the shortest file, nearly a second.
const LENGTH: usize = 40_001;
/// So much is compared.
const WINDOW: usize = 512;

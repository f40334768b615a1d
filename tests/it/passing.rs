//! Files of the reference encoders that pass through our source untouched: what ffmpeg makes of the
//! stream, and whether their packets are in it, byte by byte.

use bytes::Bytes;
use e2e::{Program, recording};
use source::clock::PATIENCE_SIMULATED;
use source::encode::flac::{Container, Depth, Flac};
use source::encode::opus::Opus;
use source::encode::rack::Rack;
use source::encode::vorbis::{Aim, Vorbis};
use source::encode::{Channels, Encoding, Format, Titles};
use source::lookahead::Lookahead;
use source::mix::crossfade::Crossfade;
use source::mix::tone::{Filler, Sound};
use source::playlist::Playlist;
use source::playlist::order::Order;
use source::playlist::queue::Numbers;
use source::playlist::selection::Selection;
use source::programme::{Cut, Programme, Settings};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::watch;

#[tokio::test]
async fn vorbis_of_the_reference_encoder_passes_as_it_is() {
    let (rate_hz, channels, titles) = (RATE_HZ, Channels::Stereo, Titles::InStream);
    let format = Format::Vorbis(Vorbis { rate_hz, channels, aim: Aim::Quality(4), titles });
    passes(format, "ogg", recording::VORBIS).await;
}

#[tokio::test]
async fn opus_of_the_reference_encoder_passes_as_it_is() {
    let (channels, titles) = (Channels::Stereo, Titles::InStream);
    passes(Format::Opus(Opus { channels, bitrate_kbps: 96, titles }), "opus", recording::OPUS)
        .await;
}

#[tokio::test]
async fn flac_passes_as_it_is_from_ogg_and_from_files_of_its_own() {
    let (rate_hz, channels, depth) = (RATE_HZ, Channels::Stereo, Depth::Bits16);
    let container = Container::Ogg(Titles::InStream);
    let format = Format::Flac(Flac { rate_hz, channels, depth, container });
    let bits = ["-sample_fmt", "s16"];
    passes(format, "oga", &[recording::OGG_FLAC, &bits].concat()).await;
    passes(format, "flac", &[&["-c:a", "flac"][..], &bits].concat()).await;
}

/// Wants short files that ffmpeg made by `options` to be heard of our stream just as they are.
async fn passes(format: Format, extension: &str, options: &[&str]) {
    let (Some(ffmpeg), Some(ffprobe)) = (Program::find("ffmpeg"), Program::find("ffprobe")) else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let mut files = Vec::new();
    for number in 0..TRACKS {
        let name = format!("{number:02}.{extension}");
        let length = format!("atrim=end_sample={}", LENGTH + number * 1_009 % 5_003);
        let options = [&["-af", &length], options].concat();
        let path = recording::record(&ffmpeg, folder.path(), &name, 3, &options).await;
        files.push(PathBuf::from(path));
    }

    let streams = play(format, files.clone());

    let (one, whole) = (folder.path().join("one"), folder.path().join("whole"));
    let mut sample_frames = 0;
    for (file, stream) in files.iter().zip(&streams) {
        fs::write(&one, stream).expect("our own folder");
        let expected = Heard::of(&ffmpeg, &ffprobe, file).await;
        let heard = Heard::of(&ffmpeg, &ffprobe, &one).await;
        assert!(heard.packets.len() > 10 && heard == expected, "{format:?}: {}", file.display());
        sample_frames += heard.sample_frames;
    }
    fs::write(&whole, streams.concat()).expect("our own folder");
    let heard = Heard::of(&ffmpeg, &ffprobe, &whole).await;
    // ffmpeg plays the first packet of Vorbis where a stream follows another; see `borders`.
    let firsts = if matches!(format, Format::Vorbis(_)) { (TRACKS - 1) * 128 } else { 0 };
    assert_eq!(heard.sample_frames, sample_frames + u64::from(firsts), "{format:?}");
    assert_eq!(heard.log, "", "{format:?}");
}

/// Plays each of `files` once; the streams that an output would send.
fn play(format: Format, files: Vec<PathBuf>) -> Vec<Vec<u8>> {
    let last = files.len();
    let (mut head, mut streams) = (Bytes::new(), Vec::new());
    play_through(format, files, |rack, cut| {
        let fed = rack.feed(&cut.block, |_, frame| {
            if frame.head != head {
                head = frame.head;
                streams.push(head.to_vec());
            }
            let stream = streams.last_mut().expect("a first frame has a head");
            stream.extend_from_slice(&frame.bytes);
        });
        fed.expect("an encoder that works");
        streams.len() <= last
    });
    streams.truncate(last);
    streams
}

/// Plays `files` one after the other, for as long as `feed` wants, which feeds each cut to the rack
/// of an output of `format` that lets them pass.
pub(crate) fn play_through(
    format: Format,
    files: Vec<PathBuf>,
    mut feed: impl FnMut(&mut Rack, &Cut) -> bool,
) {
    let playlist = Playlist::new(files, Order::normal());
    let selection = Selection::new(vec![("p".into(), playlist)]);
    let passes = watch::Sender::new(vec![format]);
    let (lookahead, supply) = Lookahead::new(selection, RATE_HZ, Numbers::default());
    let lookahead = lookahead.passing(passes.subscribe());
    let thread = std::thread::spawn(move || lookahead.run());
    let settings = Settings {
        rate_hz: RATE_HZ,
        title_when_empty: "".into(),
        crossfade: Crossfade::default(),
        blanks: None,
    };
    let emergency = Box::new(Filler::new(Sound::Tone, RATE_HZ));
    let mut programme = Programme::new(settings, supply, emergency);
    let mut rack =
        Rack::new(&[Encoding { format, passthrough: true }]).expect("settings that it takes");
    loop {
        let mut cut = programme.next_cut(PATIENCE_SIMULATED);
        cut.titles.iter().for_each(|(at, title)| rack.title(*at, title));
        cut.passages.drain(..).for_each(|(at, passage)| rack.pass(at, passage));
        if !feed(&mut rack, &cut) {
            break;
        }
    }
    assert_eq!(programme.on_air().underruns, 0);
    drop(programme);
    thread.join().expect("a lookahead that ends");
}

/// What ffmpeg and ffprobe make of a file or a stream.
#[derive(PartialEq)]
struct Heard {
    /// A digest of each packet.
    packets: Vec<String>,
    sample_frames: u64,
    /// What is complained about.
    log: String,
}

impl Heard {
    async fn of(ffmpeg: &Program, ffprobe: &Program, path: &Path) -> Self {
        let path = path.to_str().expect("a path in UTF-8");
        let quiet = ["-hide_banner", "-v", "warning"];
        let show = ["-show_packets", "-show_data_hash", "md5", "-of", "csv=p=0"];
        let digests = ["-show_entries", "packet=data_hash", path];
        let shown = ffprobe.run(quiet.into_iter().chain(show).chain(digests));
        let packets = shown.ended_well(FFMPEG_TIMEOUT).await.out;
        let packets = packets.lines().filter(|line| line.starts_with("MD5:"));
        let packets = packets.map(|line| line.trim_end_matches(',').to_owned()).collect();
        // It reads from where it cannot go back, as from a server.
        let input = ["-nostdin", "-xerror", "-i", "pipe:0", "-af", "asetpts=N/SR/TB"];
        let count = ["-f", "s16le", "-progress", "-", "-y", "/dev/null"];
        let player = ffmpeg.run_on(quiet.into_iter().chain(input).chain(count), path);
        let output = player.ended_well(FFMPEG_TIMEOUT).await;
        let mut sizes = output.out.lines().filter_map(|line| line.strip_prefix("total_size="));
        let bytes: u64 = sizes.next_back().and_then(|size| size.parse().ok()).expect("progress");
        Self { packets, sample_frames: bytes / 4, log: output.log }
    }
}

const FFMPEG_TIMEOUT: Duration = Duration::from_secs(60);
const RATE_HZ: u32 = 44_100;
const TRACKS: u32 = 5;
/// Of the shortest file, a little more than two seconds.
const LENGTH: u32 = 90_001;

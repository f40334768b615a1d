//! What ffmpeg decodes of every format when track follows on track: made by our encoders faster
//! than real time, with borders that lie anywhere in frame and page.
//!
//! A few seconds of each with twelve tracks; with `CARRIER_BORDERS=hour`, an hour with a hundred:
//! `CARRIER_BORDERS=hour cargo test --release -p e2e --test it ffmpeg_decodes_all`.

use bytes::Bytes;
use e2e::Program;
use source::encode::aac::{Aac, Profile};
use source::encode::flac::{Container, Depth, Flac};
use source::encode::mp3::{Bits, Mp3, Sides};
use source::encode::opus::Opus;
use source::encode::rack::Rack;
use source::encode::vorbis::{Aim, Vorbis};
use source::encode::{Channels, Format, Title, Titles};
use source::pcm::block::Block;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::Duration;

#[tokio::test]
async fn ffmpeg_decodes_all_of_our_aac() {
    for profile in [Profile::Lc, Profile::He, Profile::HeV2] {
        let channels = Channels::Stereo;
        let bitrate_kbps = profile.usual_kbps(channels);
        is_decoded(Format::Aac(Aac { rate_hz: RATE_HZ, channels, bitrate_kbps, profile })).await;
    }
}

#[tokio::test]
async fn ffmpeg_decodes_all_of_our_flac() {
    for (depth, container) in [
        (Depth::Bits16, Container::Ogg(Titles::InStream)),
        (Depth::Bits24, Container::Ogg(Titles::InStream)),
        (Depth::Bits16, Container::Native),
    ] {
        let (rate_hz, channels) = (RATE_HZ, Channels::Stereo);
        is_decoded(Format::Flac(Flac { rate_hz, channels, depth, container })).await;
    }
}

#[tokio::test]
async fn ffmpeg_decodes_all_of_our_mp3() {
    let usual = Mp3::constant(RATE_HZ, 128, 5);
    is_decoded(Format::Mp3(usual)).await;
    is_decoded(Format::Mp3(Mp3 { bits: Bits::Average(128), ..usual })).await;
    is_decoded(Format::Mp3(Mp3 { bits: Bits::Variable(4), ..usual })).await;
    is_decoded(Format::Mp3(Mp3 { sides: Sides::Mono, ..Mp3::constant(22_050, 48, 5) })).await;
}

#[tokio::test]
async fn ffmpeg_decodes_all_of_our_opus() {
    for (channels, titles) in
        [(Channels::Stereo, Titles::InStream), (Channels::Mono, Titles::Aside)]
    {
        is_decoded(Format::Opus(Opus { channels, bitrate_kbps: 96, titles })).await;
    }
}

#[tokio::test]
async fn ffmpeg_decodes_all_of_our_vorbis() {
    for (rate_hz, channels, aim) in
        [(RATE_HZ, Channels::Stereo, Aim::Quality(4)), (32_000, Channels::Mono, Aim::Bitrate(64))]
    {
        let titles = Titles::InStream;
        is_decoded(Format::Vorbis(Vorbis { rate_hz, channels, aim, titles })).await;
    }
}

/// The first packet of a Vorbis stream plays nothing, but ffmpeg (5.1) plays it where a stream
/// follows another, and gives it a time before the end of that. Where the last frame there is no
/// longer, it finds its own clock going back. The chains of the reference encoder fare the same.
#[tokio::test]
async fn ffmpeg_counts_back_between_vorbis_streams_of_oggenc_as_it_does_between_ours() {
    let Some(oggenc) = Program::find("oggenc") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let [raw, ogg, theirs, ours] =
        ["raw", "ogg", "theirs", "ours"].map(|name| folder.path().join(name));
    let (rate_hz, channels, titles) = (RATE_HZ, Channels::Stereo, Titles::InStream);
    let vorbis = Format::Vorbis(Vorbis { rate_hz, channels, aim: Aim::Quality(4), titles });
    let plan = Plan { seconds: 20, tracks: 20 };
    let our_plays = encode(vorbis, plan, &ours);
    let (mut sound, mut chain, mut their_plays) = (Sound::default(), Vec::new(), 0);
    for track in 0..plan.tracks {
        let plays = plan.begins(track + 1) - plan.begins(track);
        their_plays += u64::from(plays);
        fs::write(&raw, pcm(&sound.next(plays))).expect("our own folder");
        let rate = rate_hz.to_string();
        let quiet = ["-Q", "-r", "-C", "2", "-B", "16", "-R", &rate, "-q", "4", "-o"];
        let paths = [&ogg, &raw].map(|path| path.to_str().expect("a path of ASCII"));
        oggenc.run(quiet.into_iter().chain(paths)).ended_well(FFMPEG_TIMEOUT).await;
        chain.extend(fs::read(&ogg).expect("what oggenc wrote"));
    }
    fs::write(&theirs, chain).expect("our own folder");

    let Some(theirs) = decoded(&theirs, 2, "anull").await else { return };
    let Some(ours) = decoded(&ours, 2, "anull").await else { return };

    let firsts = u64::from((plan.tracks - 1) * VORBIS_FIRST_SAMPLE_FRAMES);
    assert_eq!(theirs.sample_frames, their_plays + firsts);
    assert_eq!(ours.sample_frames, our_plays + firsts);
    for log in [&theirs.log, &ours.log] {
        assert!(log.lines().all(|line| line.contains("non monotonically increasing dts")), "{log}");
    }
    assert!(!theirs.log.is_empty() || ours.log.is_empty(), "{}", ours.log);
}

/// Wants ffmpeg to decode every sample of `format` without one line of complaint.
async fn is_decoded(format: Format) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("heard");
    let is_long = std::env::var("CARRIER_BORDERS").is_ok_and(|length| length == "hour");
    let (seconds, tracks) = if is_long { (3_600, 100) } else { (10, 12) };
    let plays = encode(format, Plan { seconds, tracks }, &path);

    // See above: for Vorbis it is to count samples, instead of believing its times of packets.
    let (clock, firsts) = match format {
        Format::Vorbis(_) => ("asetpts=N/SR/TB", (tracks - 1) * VORBIS_FIRST_SAMPLE_FRAMES),
        Format::Aac(_) | Format::Flac(_) | Format::Mp3(_) | Format::Opus(_) => ("anull", 0),
    };
    let Some(heard) = decoded(&path, format.channels().count(), clock).await else { return };
    assert_eq!(heard.log, "", "{format:?}");
    assert_eq!(heard.sample_frames, plays + u64::from(firsts), "{format:?}");
}

/// What ffmpeg makes of a stream.
struct Heard {
    /// What it complains about.
    log: String,
    sample_frames: u64,
}

/// What ffmpeg makes of the stream in `path`, whose times go through the filter `clock`.
async fn decoded(path: &Path, channels: usize, clock: &str) -> Option<Heard> {
    let ffmpeg = Program::find("ffmpeg")?;
    // It reads from where it cannot go back, as from a server.
    let quiet = ["-hide_banner", "-nostdin", "-xerror", "-v", "warning", "-i", "pipe:0"];
    let count = ["-af", clock, "-f", "s16le", "-progress", "-", "-y", "/dev/null"];
    let player = ffmpeg.run_on(quiet.into_iter().chain(count), path);
    let output = player.ended_well(FFMPEG_TIMEOUT).await;
    let mut sizes = output.out.lines().filter_map(|line| line.strip_prefix("total_size="));
    let bytes: u64 = sizes.next_back().and_then(|size| size.parse().ok()).expect("its progress");
    Some(Heard { log: output.log, sample_frames: bytes / (2 * channels as u64) })
}

/// Which tracks are played: each begins somewhere else in the cuts of the programme.
#[derive(Clone, Copy)]
struct Plan {
    seconds: u32,
    tracks: u32,
}

impl Plan {
    /// Where a track begins, and the one before it ends.
    fn begins(self, track: u32) -> u32 {
        let even = u64::from(self.seconds * RATE_HZ) * u64::from(track) / u64::from(self.tracks);
        let aside = if track == self.tracks { 0 } else { track * track * 211 % 5_003 };
        u32::try_from(even).expect("an hour of samples") + aside
    }
}

/// Writes what an output of `format` would send; says how many sample frames that plays.
fn encode(format: Format, plan: Plan, path: &Path) -> u64 {
    let mut file = BufWriter::new(File::create(path).expect("our own folder"));
    let mut rack = Rack::new(&[format]).expect("settings that it takes");
    let (mut head, mut plays) = (Bytes::new(), 0);
    let (mut sound, mut track) = (Sound::default(), 0);
    for cut in 0..plan.begins(plan.tracks) / CUT_SAMPLE_FRAMES {
        let end = (cut + 1) * CUT_SAMPLE_FRAMES;
        while track < plan.tracks && plan.begins(track) < end {
            let shown = format!("Artist - Title {track}").into();
            let title = Title { shown, artist: Some("Artist".into()) };
            rack.title(plan.begins(track).into(), &title);
            track += 1;
        }
        let fed = rack.feed(&sound.next(CUT_SAMPLE_FRAMES), |_, frame| {
            plays += u64::from(frame.sample_frames);
            if frame.head != head {
                file.write_all(&frame.head).expect("room on the disk");
                head = frame.head;
            }
            file.write_all(&frame.bytes).expect("room on the disk");
        });
        fed.expect("an encoder that works");
    }
    file.flush().expect("room on the disk");
    plays
}

/// Two tones, another one on each side, and a beat of noise twice a second, so that encoders of
/// every kind change from long blocks to short ones.
#[derive(Default)]
struct Sound {
    at: u32,
    random: u32,
}

impl Sound {
    fn next(&mut self, sample_frames: u32) -> Block {
        let mut sides = [Vec::new(), Vec::new()];
        for _ in 0..sample_frames {
            let beat = (-((self.at % BEAT_SAMPLE_FRAMES) as f32) / 3_000.0).exp();
            let turn = (self.at % RATE_HZ) as f32 / RATE_HZ as f32 * std::f32::consts::TAU;
            for (side, hz) in sides.iter_mut().zip([220.0, 331.0]) {
                self.random = self.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = (self.random >> 8) as f32 / (1 << 23) as f32 - 1.0;
                side.push(0.3 * noise * beat + 0.3 * (turn * hz).sin());
            }
            self.at += 1;
        }
        let [left, right] = sides;
        Block::stereo(RATE_HZ, left, right)
    }
}

/// The same in 16 bits, left, right, left, right.
fn pcm(block: &Block) -> Vec<u8> {
    let sides = block.plane(0).iter().zip(block.plane(1));
    sides.flat_map(|(left, right)| [*left, *right]).flat_map(level).collect()
}

fn level(sample: f32) -> [u8; 2] {
    #[expect(clippy::cast_possible_truncation, reason = "a cast of floats cuts at the ends")]
    let level = (sample * 32_767.0) as i16;
    level.to_le_bytes()
}

const FFMPEG_TIMEOUT: Duration = Duration::from_secs(120);
const RATE_HZ: u32 = 44_100;
const CUT_SAMPLE_FRAMES: u32 = 1_152;
const BEAT_SAMPLE_FRAMES: u32 = 21_000;
/// The first packet of libvorbis is half a short block, which is 256 sample frames.
const VORBIS_FIRST_SAMPLE_FRAMES: u32 = 128;

//! CPU of our encoders, decoders and resampler against the reference programs, for the same audio
//! in the same run.
//!
//! The audio is two minutes of music-like sound, as `CARRIER_BENCH_S` says more or less, in 32 bits
//! float for our encoders and in 16 bits for the others. Ours are fed through the rack, as a
//! programme does it, in cuts of 1 152 sample frames, resampled where a format wants it. Debian has
//! no program with the FDK, so its measure is the library itself, called for each frame with what
//! is 16 bits already. Decoders read the same files, which ffmpeg has made; what ffmpeg needs for a
//! tenth of a second is taken off, since that is for starting. Rounds alternate, and the median of
//! each counts. Of the four parts (`encoders`, `decoders`, `four` outputs together, `resampling`)
//! those are measured that are named. Results are kept in `README.md` beside this file.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a bench is run to see what it prints")]
#![expect(clippy::unwrap_used, reason = "a bench may stop at whatever it does not expect")]

use source::decode::Decoder;
use source::encode::aac::{Aac, Profile};
use source::encode::flac::{Container, Depth, Flac};
use source::encode::mp3::{Bits, Mp3};
use source::encode::opus::{self, Opus};
use source::encode::rack::Rack;
use source::encode::vorbis::{Aim, Vorbis};
use source::encode::{Channels, Format, Titles};
use source::pcm::block::Block;
use source::resample::Resampler;
use std::path::Path;
use std::process::{Command, Stdio};

fn main() {
    let install = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/run");
    let peers = ["peers", "ffmpeg", "flac", "lame", "opus-tools", "vorbis-tools"];
    let installed = Command::new(install).args(peers).stdout(Stdio::null()).status().unwrap();
    assert!(installed.success(), "a program is missing");
    let seconds = std::env::var("CARRIER_BENCH_S").ok().and_then(|text| text.parse().ok());
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::new(dir.path(), seconds.unwrap_or(120));
    println!("| {} s of stereo at {RATE_HZ} Hz | ours | reference | ratio |", bench.seconds);
    println!("|---|---|---|---|");
    let parts: Vec<String> = std::env::args().skip(1).filter(|it| !it.starts_with('-')).collect();
    let is_wanted = |part: &str| parts.is_empty() || parts.iter().any(|it| it == part);
    if is_wanted("encoders") {
        bench.encoders();
    }
    if is_wanted("decoders") {
        bench.decoders();
    }
    if is_wanted("four") {
        bench.four_outputs();
    }
    if is_wanted("resampling") {
        bench.resampling();
    }
}

struct Bench<'a> {
    dir: &'a Path,
    seconds: u32,
    /// What is in `in.wav` in the folder, in cuts.
    blocks: Vec<Block>,
}

impl<'a> Bench<'a> {
    fn new(dir: &'a Path, seconds: u32) -> Self {
        Self { dir, seconds, blocks: material(dir, seconds) }
    }

    fn encoders(&self) {
        for (name, format, reference) in contests() {
            let command = reference[..reference.len().min(3)].join(" ");
            let theirs = || theirs(&reference, self.dir);
            self.compare(name, || ours(&[format], &self.blocks), &command, theirs);
        }
        if let Some((name, format)) = fdk::contest() {
            let bare = || fdk::alone(&self.blocks);
            self.compare(name, || ours(&[format], &self.blocks), "the library alone", bare);
        }
    }

    fn decoders(&self) {
        for (name, file, codec) in [
            ("MP3 192 kbit/s", "in.mp3", ["-c:a", "libmp3lame", "-b:a", "192k"]),
            ("AAC-LC 128 kbit/s", "in.aac", ["-c:a", "aac", "-b:a", "128k"]),
            ("FLAC, 16 bits", "in.flac", ["-c:a", "flac", "-sample_fmt", "s16"]),
            ("Vorbis, quality 4", "in.ogg", ["-c:a", "libvorbis", "-q:a", "4"]),
            ("Opus 96 kbit/s", "in.opus", ["-c:a", "libopus", "-b:a", "96k"]),
        ] {
            let make = ["ffmpeg", "-v", "error", "-y", "-i", "in.wav"];
            theirs(&[&make[..], &codec, &[file]].concat(), self.dir);
            let decode = ["ffmpeg", "-v", "error", "-threads", "1", "-i", file];
            let to_nowhere = ["-c:a", "pcm_f32le", "-f", "null", "-"];
            let whole = || theirs(&[&decode[..], &to_nowhere].concat(), self.dir);
            let start = || theirs(&[&decode[..], &["-t", "0.1"], &to_nowhere].concat(), self.dir);
            let name = format!("decoding {name}");
            let path = self.dir.join(file);
            self.compare(&name, || decoded(&path), "ffmpeg", || whole() - start());
        }
    }

    /// Four outputs of one programme, against the same encoders, each for itself and at its own
    /// rate.
    fn four_outputs(&self) {
        let Some((_, aac)) = fdk::contest() else { return };
        let mp3 = |kbps| Format::Mp3(Mp3::constant(RATE_HZ, kbps, 5));
        let opus = opus_of(96);
        let (mut resampler, mut resampled) = (Resampler::new(RATE_HZ, 48_000).unwrap(), Vec::new());
        for block in &self.blocks {
            resampled.push(resampler.feed(block.clone()));
        }
        resampled.retain(|block| block.sample_frames() > 0);
        let together = || ours(&[mp3(128), mp3(64), aac, opus], &self.blocks);
        let apart = || {
            let own = [mp3(128), mp3(64), aac].map(|format| ours(&[format], &self.blocks));
            own.iter().sum::<f64>() + ours(&[opus], &resampled)
        };
        let name = "MP3 128 and 64, AAC 96, Opus 96 of one channel";
        self.compare(name, together, "each for itself", apart);
    }

    fn resampling(&self) {
        let fast =
            |block: &Block| Block::stereo(96_000, block.plane(0).into(), block.plane(1).into());
        let blocks: Vec<_> = self.blocks.iter().map(fast).collect();
        let plays_s = f64::from(self.seconds) * f64::from(RATE_HZ) / 96_000.0;
        let once = || {
            let before = ticks(OWN);
            let mut resampler = Resampler::new(96_000, RATE_HZ).unwrap();
            let given: usize =
                blocks.iter().map(|block| resampler.feed(block.clone()).sample_frames()).sum();
            assert!(given > 0);
            seconds_of(ticks(OWN) - before) / plays_s
        };
        let share = median((0..ROUNDS).map(|_| once()).collect());
        println!("| 96 kHz to 44.1 kHz | {:.2} % | | |", 100.0 * share);
    }

    /// Prints a line with the shares of a core that `ours` and `theirs` take, in seconds of CPU.
    fn compare(
        &self,
        name: &str,
        ours: impl Fn() -> f64,
        reference: &str,
        theirs: impl Fn() -> f64,
    ) {
        let [mut our_times, mut their_times] = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            our_times.push(ours());
            their_times.push(theirs());
        }
        let [ours, theirs] = [our_times, their_times].map(median);
        let percent = |s: f64| format!("{:.2} %", 100.0 * s / f64::from(self.seconds));
        let ratio = ours / theirs;
        println!("| {name} | {} | {} ({reference}) | {ratio:.2} |", percent(ours), percent(theirs));
    }
}

/// Formats, each with a command that reads `in.wav` and writes `out` beside it.
fn contests() -> Vec<(&'static str, Format, Vec<&'static str>)> {
    let (rate_hz, channels, titles) = (RATE_HZ, Channels::Stereo, Titles::InStream);
    let container = Container::Ogg(titles);
    let flac = |depth| Format::Flac(Flac { rate_hz, channels, depth, container });
    let vorbis = Format::Vorbis(Vorbis { rate_hz, channels, aim: Aim::Quality(4), titles });
    let mp3 = |quality| Format::Mp3(Mp3::constant(rate_hz, 128, quality));
    vec![
        (
            "MP3 128 kbit/s, quality 5",
            mp3(5),
            vec!["lame", "-q5", "--quiet", "-b", "128", "in.wav", "out"],
        ),
        (
            "MP3 128 kbit/s, quality 2",
            mp3(2),
            vec!["lame", "-q2", "--quiet", "-b", "128", "in.wav", "out"],
        ),
        (
            "MP3 of 128 kbit/s in the mean, quality 2",
            Format::Mp3(Mp3 { bits: Bits::Average(128), ..Mp3::constant(rate_hz, 128, 2) }),
            vec!["lame", "-q2", "--quiet", "--abr", "128", "in.wav", "out"],
        ),
        (
            "Opus 96 kbit/s, resampled",
            opus_of(96),
            vec!["opusenc", "--bitrate=96", "--quiet", "in.wav", "out"],
        ),
        ("Vorbis, quality 4", vorbis, vec!["oggenc", "-q4", "-Q", "in.wav", "-o", "out"]),
        (
            "FLAC, 16 bits",
            flac(Depth::Bits16),
            vec!["flac", "-5", "--silent", "-f", "in.wav", "-o", "out"],
        ),
    ]
}

fn opus_of(bitrate_kbps: u32) -> Format {
    let (channels, titles) = (Channels::Stereo, Titles::InStream);
    assert!(opus::BITRATES_KBPS.contains(&bitrate_kbps));
    Format::Opus(Opus { channels, bitrate_kbps, titles })
}

/// The library of AAC, called by itself.
#[cfg(feature = "aac")]
mod fdk {
    use super::*;
    use fdk_aac::enc;

    pub(super) fn contest() -> Option<(&'static str, Format)> {
        let (rate_hz, channels, profile) = (RATE_HZ, Channels::Stereo, Profile::Lc);
        let bitrate_kbps = KBPS;
        Some(("AAC-LC 96 kbit/s", Format::Aac(Aac { rate_hz, channels, bitrate_kbps, profile })))
    }

    /// Seconds of CPU that the library takes.
    pub(super) fn alone(blocks: &[Block]) -> f64 {
        let level = |sample: &f32| {
            #[expect(clippy::cast_possible_truncation, reason = "a cast cuts at the ends")]
            let level = (sample * 32_768.0).round() as i16;
            level
        };
        let samples: Vec<i16> = blocks
            .iter()
            .flat_map(|block| block.plane(0).iter().zip(block.plane(1)))
            .flat_map(|(left, right)| [level(left), level(right)])
            .collect();
        let before = ticks(OWN);
        let encoder = enc::Encoder::new(enc::EncoderParams {
            bit_rate: enc::BitRate::Cbr(KBPS * 1_000),
            sample_rate: RATE_HZ,
            transport: enc::Transport::Adts,
            channels: enc::ChannelMode::Stereo,
            audio_object_type: enc::AudioObjectType::Mpeg4LowComplexity,
        })
        .unwrap();
        let mut out = vec![0; 2_048];
        let mut bytes = 0;
        for frame in samples.chunks_exact(2_048) {
            bytes += encoder.encode(frame, &mut out).unwrap().output_size;
        }
        assert!(bytes > 0);
        seconds_of(ticks(OWN) - before)
    }

    const KBPS: u32 = 96;
}

#[cfg(not(feature = "aac"))]
mod fdk {
    use super::*;

    pub(super) fn contest() -> Option<(&'static str, Format)> {
        None
    }

    pub(super) fn alone(_: &[Block]) -> f64 {
        0.0
    }
}

/// Seconds of CPU that we take to encode `blocks` as all of `formats`.
fn ours(formats: &[Format], blocks: &[Block]) -> f64 {
    let before = ticks(OWN);
    let mut rack = Rack::new(formats).unwrap();
    let mut bytes = 0;
    for block in blocks {
        rack.feed(block, |_, frame| bytes += frame.bytes.len()).unwrap();
    }
    assert!(bytes > 0);
    drop(rack);
    seconds_of(ticks(OWN) - before)
}

/// Seconds of CPU that we take to decode the file at `path`.
fn decoded(path: &Path) -> f64 {
    let before = ticks(OWN);
    let mut decoder = Decoder::open(path).unwrap();
    let mut sample_frames = 0;
    while let Some(block) = decoder.next_block().unwrap() {
        sample_frames += block.sample_frames();
    }
    assert!(sample_frames > 0);
    seconds_of(ticks(OWN) - before)
}

/// Seconds of CPU that `command` takes.
fn theirs(command: &[&str], dir: &Path) -> f64 {
    let before = ticks(OF_CHILDREN);
    let mut process = Command::new(command[0]);
    process.args(&command[1..]).current_dir(dir);
    process.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    assert!(process.status().unwrap().success(), "{command:?}");
    seconds_of(ticks(OF_CHILDREN) - before)
}

/// Pink noise with tones in it, in cuts, and as `in.wav` in `dir`.
fn material(dir: &Path, seconds: u32) -> Vec<Block> {
    let sound = format!(
        "anoisesrc=colour=pink:amplitude=0.3:duration={seconds}[a];\
         sine=220:duration={seconds}[b];sine=3520:duration={seconds}[c];\
         anoisesrc=colour=pink:amplitude=0.2:seed=7:duration={seconds}[d];\
         [a][b][c]amix=inputs=3,tremolo=f=2:d=0.9,asplit[left][m];\
         [d][m]amix=inputs=2[right];[left][right]amerge=inputs=2"
    );
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-filter_complex", &sound, "-ar", &RATE_HZ.to_string()])
        .args(["-ac", "2", "-c:a", "pcm_s16le", "-bitexact"])
        .arg(dir.join("in.wav"))
        .status();
    assert!(made.unwrap().success());
    let bytes = std::fs::read(dir.join("in.wav")).unwrap();
    let (frames, _) = bytes[WAV_HEADER_BYTES..].as_chunks::<4>();
    let level = |low, high| f32::from(i16::from_le_bytes([low, high])) / 32_768.0;
    let cut = |cut: &[[u8; 4]]| {
        let left = cut.iter().map(|frame| level(frame[0], frame[1])).collect();
        Block::stereo(RATE_HZ, left, cut.iter().map(|frame| level(frame[2], frame[3])).collect())
    };
    frames.chunks(CUT_SAMPLE_FRAMES).map(cut).collect()
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// The sum of two counters of this process, in the clock ticks of the kernel.
fn ticks(counters: [usize; 2]) -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    counters.iter().map(|&at| fields[at].parse::<u64>().unwrap()).sum()
}

fn seconds_of(ticks: u64) -> f64 {
    let output = Command::new("getconf").arg("CLK_TCK").output().unwrap();
    let per_second: f64 = String::from_utf8_lossy(&output.stdout).trim().parse().unwrap();
    ticks as f64 / per_second
}

/// User and system time of the process itself.
const OWN: [usize; 2] = [11, 12];
/// The same of its children that have ended.
const OF_CHILDREN: [usize; 2] = [13, 14];
const ROUNDS: usize = 5;
const RATE_HZ: u32 = 44_100;
const CUT_SAMPLE_FRAMES: usize = 1_152;
const WAV_HEADER_BYTES: usize = 44;

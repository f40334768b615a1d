//! CPU of our encoders against the reference program of each format, for the same audio in the
//! same run.
//!
//! The audio is two minutes of music-like sound, as `CARRIER_BENCH_S` says more or less, in 32 bits
//! float for us and in 16 bits for the others. Ours are fed through the rack, as a programme does
//! it, in cuts of 1 152 sample frames, resampled where a format wants it. Rounds alternate, and the
//! median of each counts. Reference programs that are not installed are left out; results are kept
//! in `README.md` beside this file.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a bench is run to see what it prints")]
#![expect(clippy::unwrap_used, reason = "a bench may stop at whatever it does not expect")]

use source::encode::flac::{Container, Depth, Flac};
use source::encode::mp3::Mp3;
use source::encode::opus::Opus;
use source::encode::rack::Rack;
use source::encode::{Channels, Format, Titles};
use source::pcm::block::Block;
use std::path::Path;
use std::process::{Command, Stdio};

fn main() {
    if !is_installed("ffmpeg") {
        println!("not run: ffmpeg is not installed");
        return;
    }
    let seconds = std::env::var("CARRIER_BENCH_S").ok().and_then(|text| text.parse().ok());
    let seconds: u32 = seconds.unwrap_or(120);
    let dir = tempfile::tempdir().unwrap();
    let blocks = material(dir.path(), seconds);
    println!("| {seconds} s of stereo at {RATE_HZ} Hz | ours | reference | ours / reference |");
    println!("|---|---|---|---|");
    for contest in contests() {
        let Contest { name, format, reference } = &contest;
        let Some(format) = format else { continue };
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            times[0].push(ours(*format, &blocks));
            if is_installed(reference[0]) {
                times[1].push(theirs(reference, dir.path()));
            }
        }
        let [ours, theirs] = times.map(|times| median(times).map(|s| s / f64::from(seconds)));
        let percent = |share: f64| format!("{:.2} %", 100.0 * share);
        let ratio = ours.zip(theirs).map(|(ours, theirs)| format!("{:.2}", ours / theirs));
        let [ours, theirs] = [ours, theirs].map(|share| share.map(percent));
        let [ours, theirs, ratio] = [ours, theirs, ratio].map(|cell| cell.unwrap_or_default());
        let command = reference[..reference.len().min(3)].join(" ");
        println!("| {name} | {ours} | {theirs} ({command}) | {ratio} |");
    }
}

/// One format, and who is the measure for it.
struct Contest {
    name: &'static str,
    /// `None` if this build does not have it.
    format: Option<Format>,
    /// A command that reads `in.wav` and writes `out` beside it.
    reference: &'static [&'static str],
}

fn contests() -> Vec<Contest> {
    let flac = |depth| {
        let container = Container::Ogg(Titles::InStream);
        Format::Flac(Flac { rate_hz: RATE_HZ, channels: Channels::Stereo, depth, container })
    };
    let (titles, channels) = (Titles::InStream, Channels::Stereo);
    vec![
        Contest {
            name: "MP3 128 kbit/s, quality 5",
            format: Some(Format::Mp3(Mp3::constant(RATE_HZ, 128, 5))),
            reference: &["lame", "-q5", "--quiet", "-b", "128", "in.wav", "out"],
        },
        Contest {
            name: "Opus 96 kbit/s, resampled",
            format: Some(Format::Opus(Opus { channels, bitrate_kbps: 96, titles })),
            reference: &["opusenc", "--bitrate=96", "--quiet", "in.wav", "out"],
        },
        Contest {
            name: "FLAC, 16 bits",
            format: Some(flac(Depth::Bits16)),
            reference: &["flac", "-5", "--silent", "-f", "in.wav", "-o", "out"],
        },
    ]
}

/// Seconds of CPU that we take.
fn ours(format: Format, blocks: &[Block]) -> f64 {
    let before = ticks(OWN);
    let mut rack = Rack::new(&[format]).unwrap();
    let mut bytes = 0;
    for block in blocks {
        rack.feed(block, |_, frame| bytes += frame.bytes.len()).unwrap();
    }
    assert!(bytes > 0);
    seconds_of(ticks(OWN) - before)
}

/// Seconds of CPU that `reference` takes.
fn theirs(reference: &[&str], dir: &Path) -> f64 {
    let before = ticks(OF_CHILDREN);
    let mut command = Command::new(reference[0]);
    command.args(&reference[1..]).current_dir(dir);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    assert!(command.status().unwrap().success(), "{reference:?}");
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

fn is_installed(program: &str) -> bool {
    let found = Command::new("which").arg(program).stdout(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}

fn median(mut times: Vec<f64>) -> Option<f64> {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied()
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

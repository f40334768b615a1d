//! How soon a damaged file is done with: every format, spoiled in every way, and files made to be
//! costly.
//!
//! What is measured is what a station does before it passes over a file: it is opened, and decoded
//! until a piece of audio is there that can be played, or until it is given up. Each cell is the
//! worst of some rounds in ms of wall time, so what else runs is in it. The rest of a file that
//! begins well is decoded too, to see that it ends. Results are kept in `README.md` beside this
//! file; the formats that `ffmpeg` cannot make here are left out.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a bench is run to see what it prints")]
#![expect(clippy::unwrap_used, reason = "a bench may stop at whatever it does not expect")]

use source::decode::{DecodeError, Decoder};
use source::lookahead::PIECE_SAMPLE_FRAMES;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let mut late = 0;
    println!("| ms until a file can be played or is given up | {} |", WAYS.join(" | "));
    println!("|---|{}", "---|".repeat(WAYS.len()));
    for (name, path) in made(dir.path()) {
        let whole = std::fs::read(&path).unwrap();
        let cells = WAYS.map(|way| {
            let tried = tries(dir.path(), &path, way, &whole);
            late += usize::from(tried.worst > LIMIT);
            format!("{:.1}", ms(tried.worst))
        });
        println!("| {name} | {} |", cells.join(" | "));
    }
    println!("\n| made to be costly | ms | what is said of it |\n|---|---|---|");
    for (name, path) in costly(dir.path()) {
        let tried = tried(&path, COSTLY_ROUNDS);
        late += usize::from(tried.worst > LIMIT);
        println!("| {name} | {:.1} | {} |", ms(tried.worst), tried.line);
        std::fs::remove_file(path).unwrap();
    }
    println!(
        "\n{late} took longer than {} ms; {} kB were held at the most",
        LIMIT.as_millis(),
        peak_kb()
    );
}

/// What became of trying a file.
struct Tried {
    worst: Duration,
    line: String,
}

/// Tries a file spoiled in one `way`, with more than one seed where there is chance in it.
fn tries(dir: &Path, path: &Path, way: &str, whole: &[u8]) -> Tried {
    let extension = path.extension().unwrap().to_str().unwrap();
    let mut worst = Tried { worst: Duration::ZERO, line: String::new() };
    let seeds = if ["flipped bits", "noise inside"].contains(&way) { SEEDS } else { 1 };
    for seed in 1..=seeds {
        let extension = if way == "wrong extension" { other(extension) } else { extension };
        let spoiled_path = dir.join("spoiled").with_extension(extension);
        std::fs::write(&spoiled_path, spoiled(whole, way, seed)).unwrap();
        let tried = tried(&spoiled_path, ROUNDS);
        if tried.worst > worst.worst {
            worst = tried;
        }
    }
    worst
}

fn tried(path: &Path, rounds: usize) -> Tried {
    let mut worst = Duration::ZERO;
    let mut line = String::new();
    for round in 0..rounds {
        let began = Instant::now();
        let mut took = None;
        let end = Decoder::open(path).and_then(|mut decoder| {
            let mut heard = 0;
            while let Some(block) = decoder.next_block()? {
                heard += block.sample_frames();
                if heard >= PIECE_SAMPLE_FRAMES && took.is_none() {
                    took = Some(began.elapsed());
                    if round > 0 {
                        break;
                    }
                }
            }
            Ok(heard)
        });
        worst = worst.max(took.unwrap_or_else(|| began.elapsed()));
        if round > 0 {
            continue;
        }
        line = match end {
            Ok(0) => "it holds no audio".to_owned(),
            Ok(heard) => format!("{heard} sample frames are played"),
            Err(error) => {
                assert!(!matches!(error, DecodeError::Panicked), "{}", path.display());
                error.to_string()
            }
        };
        assert!(!line.contains('\n'), "{}: {line}", path.display());
    }
    Tried { worst, line }
}

/// A file of each format.
fn made(dir: &Path) -> Vec<(&'static str, PathBuf)> {
    let wav = dir.join("sound.wav");
    let sound = format!("anoisesrc=colour=pink:amplitude=0.3:duration={SOUND_S}");
    let mono = ["-v", "error", "-y", "-f", "lavfi", "-i"].map(str::to_owned);
    let ffmpeg = Command::new("ffmpeg").args(mono).arg(sound).args(["-ac", "2"]).arg(&wav).status();
    if !ffmpeg.is_ok_and(|status| status.success()) {
        println!("not run: ffmpeg is not installed");
        return Vec::new();
    }
    let mut all = Vec::new();
    for (name, file, options) in FORMATS {
        let path = dir.join(file);
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "error", "-y", "-i"]).arg(&wav).args(options).arg(&path);
        if ffmpeg.status().unwrap().success() {
            all.push((name, path));
        } else {
            println!("not run: {name}, which this ffmpeg cannot encode");
        }
    }
    #[cfg(feature = "aac")]
    for (name, file, profile) in [
        ("HE-AAC", "he.aac", source::encode::aac::Profile::He),
        ("HE-AAC v2", "he2.aac", source::encode::aac::Profile::HeV2),
    ] {
        let path = dir.join(file);
        he_aac(&wav, &path, profile);
        all.push((name, path));
    }
    all
}

/// Encodes `wav` by our own encoder, as ffmpeg cannot.
#[cfg(feature = "aac")]
fn he_aac(wav: &Path, to: &Path, profile: source::encode::aac::Profile) {
    use source::encode::rack::Rack;
    use source::encode::{Channels, Format, aac::Aac};
    let channels = Channels::Stereo;
    let bitrate_kbps = profile.usual_kbps(channels);
    let format = Format::Aac(Aac { rate_hz: 44_100, channels, bitrate_kbps, profile });
    let mut rack = Rack::new(&[format]).unwrap();
    let mut file = BufWriter::new(File::create(to).unwrap());
    let mut decoder = Decoder::open(wav).unwrap();
    while let Some(block) = decoder.next_block().unwrap() {
        rack.feed(&block, |_, frame| file.write_all(&frame.bytes).unwrap()).unwrap();
    }
}

fn spoiled(whole: &[u8], way: &str, seed: u64) -> Vec<u8> {
    let cut = |percent: usize| whole[..whole.len() * percent / 100].to_vec();
    let mut random = Random(seed);
    match way {
        "whole" | "wrong extension" => whole.to_vec(),
        "0 bytes" => Vec::new(),
        "cut at 1 %" => cut(1),
        "cut at 50 %" => cut(50),
        "flipped bits" => {
            let mut bytes = whole.to_vec();
            for _ in 0..whole.len() / 200 {
                let at = random.below(bytes.len());
                bytes[at] ^= 1 << random.below(8);
            }
            bytes
        }
        "noise inside" => {
            let mut bytes = whole.to_vec();
            let from = random.below(bytes.len().min(4_096));
            bytes[from..].iter_mut().for_each(|byte| *byte = random.byte());
            bytes
        }
        "2 GB claims" => {
            let mut bytes = whole.to_vec();
            for at in (4..bytes.len().min(64)).step_by(4) {
                bytes[at..at + 4].copy_from_slice(&0x7fff_fff0_u32.to_be_bytes());
            }
            bytes
        }
        "no head" => whole[whole.len().min(100)..].to_vec(),
        _ => unreachable!("one of the ways"),
    }
}

/// Files that would keep a reader busy which believes them.
fn costly(dir: &Path) -> Vec<(&'static str, PathBuf)> {
    let sparse = |name: &str, head: &[u8], length: u64| {
        let path = dir.join(name);
        let mut file = File::create(&path).unwrap();
        file.write_all(head).unwrap();
        file.set_len(length).unwrap();
        path
    };
    let random = |name: &str, head: &[u8], bytes: usize| {
        let path = dir.join(name);
        let mut random = Random(1);
        let noise: Vec<u8> = (0..bytes).map(|_| random.byte()).collect();
        std::fs::write(&path, [head, &noise].concat()).unwrap();
        path
    };
    let moov = [&0x20_u32.to_be_bytes()[..], b"ftypM4A \0\0\0\0M4A mp42isom\0\0\0\0"].concat();
    let moov = |length: u32| [&moov[..], &length.to_be_bytes(), b"moov"].concat();
    let id3 = |flags: u8| [b"ID3\x04\0", &[flags][..], &[0x7f; 4]].concat();
    let v3_unsync = b"ID3\x03\0\x80\x7f\x7f\x7f\x7f".to_vec();
    let flac = b"fLaC\0\0\0\x22\x10\0\x10\0\0\0\0\0\0\0\x0a\xc4\x42\xf0\0\0\0\0".to_vec();
    let flac = [&flac[..], &[0; 16], b"\x04\xff\xff\xff"].concat();
    let mp3 = [&b"\xff\xfb\x90\x00"[..], &[0; 413]].concat();
    vec![
        ("500 MB of zeros as .mp3", sparse("z.mp3", b"", 500_000_000)),
        ("500 MB of zeros as .m4a", sparse("z.m4a", b"", 500_000_000)),
        ("500 MB of zeros as .wav", sparse("z.wav", b"", 500_000_000)),
        ("64 MB of noise as .mp3", random("n.mp3", b"", 64_000_000)),
        ("64 MB of noise as .aac", random("n.aac", b"", 64_000_000)),
        ("64 MB of noise as .ogg", random("n.ogg", b"OggS", 64_000_000)),
        ("three MP3 frames, then 500 MB of zeros", sparse("3.mp3", &mp3.repeat(3), 500_000_000)),
        (
            "ADTS sync, then 500 MB of zeros",
            sparse("s.aac", b"\xff\xf1\x50\x80\x2e\x7f\xfc", 500_000_000),
        ),
        ("MP4 whose moov claims 2 GB, 1 kB long", sparse("1.m4a", &moov(0x7fff_ffff), 1_000)),
        (
            "MP4 whose moov claims 2 GB, 2 GB long",
            sparse("2.m4a", &moov(0x7fff_ffff), 2_200_000_000),
        ),
        ("MP4 of noise in a moov of 64 MB", random("3.m4a", &moov(64_000_000), 64_000_000)),
        ("ID3 that claims 256 MB, 1 kB long", sparse("i.mp3", &id3(0), 1_000)),
        ("ID3 that claims 256 MB, 300 MB long", sparse("j.mp3", &id3(0), 300_000_000)),
        ("the same, unsynchronised", sparse("k.mp3", &v3_unsync, 300_000_000)),
        ("ID3 full of tiny frames, 64 MB", tiny_frames(dir)),
        ("FLAC whose comments claim 16 MB", sparse("c.flac", &flac, 64_000_000)),
        ("endless Ogg header pages, 64 MB", ogg_headers(dir)),
        ("64 MB of Ogg streams that only begin", ogg_beginnings(dir)),
        ("64 MB of FLAC sync codes", repeated(dir, "s.flac", &flac[..42], b"\xff\xf8\xc9\x08")),
        ("64 MB of MP3 sync codes", repeated(dir, "s.mp3", b"", b"\xff\xfb\x90\x64")),
        ("64 MB of free-format MP3", repeated(dir, "f.mp3", b"", b"\xff\xfb\x00\x64\0\0\0\0")),
        (
            "RIFF of empty chunks, 64 MB",
            repeated(dir, "e.wav", b"RIFF\xff\xff\xff\x7fWAVE", b"junk\0\0\0\0"),
        ),
        ("MP4 of empty boxes, 64 MB", repeated(dir, "e.m4a", &moov(8)[..32], b"\0\0\0\x08free")),
    ]
}

fn repeated(dir: &Path, name: &str, head: &[u8], what: &[u8]) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, [head, &what.repeat(64_000_000 / what.len())].concat()).unwrap();
    path
}

fn tiny_frames(dir: &Path) -> PathBuf {
    let mut tag = b"ID3\x04\0\0\x1e\x42\x20\x00".to_vec(); // 64 MB in groups of seven bits
    tag.extend(b"TXXX\0\0\0\x04\0\0\x03a\0b".repeat(64_000_000 / 14));
    let path = dir.join("t.mp3");
    std::fs::write(&path, tag).unwrap();
    path
}

/// A Vorbis stream whose comment packet goes on for ever.
fn ogg_headers(dir: &Path) -> PathBuf {
    let mut head =
        b"\x01vorbis\0\0\0\0\x02\x44\xac\0\0\0\0\0\0\0\xee\x02\0\0\0\0\0\xb8\x01".to_vec();
    head.truncate(30);
    let mut file = page(2, 0, &[30], &head);
    let mut body = b"\x03vorbis".to_vec();
    body.resize(255 * 255, b'x');
    for number in 1..=984 {
        file.extend(page(u8::from(number > 1), number, &[255; 255], &body));
    }
    let path = dir.join("h.ogg");
    std::fs::write(&path, file).unwrap();
    path
}

fn ogg_beginnings(dir: &Path) -> PathBuf {
    let head = b"OpusHead\x01\x02\x38\x01\x80\xbb\0\0\0\0\0";
    let file = page(2, 0, &[19], head).repeat(64_000_000 / 47);
    let path = dir.join("b.opus");
    std::fs::write(&path, file).unwrap();
    path
}

fn page(flags: u8, number: u32, lacing: &[u8], body: &[u8]) -> Vec<u8> {
    let mut page = b"OggS\0".to_vec();
    page.push(flags);
    page.extend([0; 8]);
    page.extend(7_u32.to_le_bytes());
    page.extend(number.to_le_bytes());
    page.extend([0; 4]);
    page.push(u8::try_from(lacing.len()).unwrap());
    page.extend(lacing);
    page.extend(body);
    let crc = page.iter().fold(0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| {
            crc << 1 ^ if crc >> 31 == 1 { 0x04c1_1db7 } else { 0 }
        })
    });
    page[22..26].copy_from_slice(&crc.to_le_bytes());
    page
}

/// A linear congruential generator: the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[1]
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next()).unwrap() % limit
    }
}

fn other(extension: &str) -> &'static str {
    if extension == "mp3" { "m4a" } else { "mp3" }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// The most memory that this process has held.
fn peak_kb() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.unwrap_or_default().trim_end_matches("kB").trim().to_owned()
}

const WAYS: [&str; 9] = [
    "whole",
    "0 bytes",
    "cut at 1 %",
    "cut at 50 %",
    "flipped bits",
    "noise inside",
    "2 GB claims",
    "wrong extension",
    "no head",
];
/// A name, a file name, and how ffmpeg makes it.
const FORMATS: [(&str, &str, &[&str]); 16] = [
    ("MP3 CBR", "cbr.mp3", &["-b:a", "192k"]),
    ("MP3 VBR", "vbr.mp3", &["-q:a", "3"]),
    ("AAC, ADTS", "lc.aac", &["-c:a", "aac", "-b:a", "128k"]),
    ("AAC, MP4", "lc.m4a", &["-c:a", "aac", "-b:a", "128k"]),
    ("ALAC", "alac.m4a", &["-c:a", "alac"]),
    ("FLAC 16", "16.flac", &["-c:a", "flac"]),
    ("FLAC 24/192", "24.flac", &["-c:a", "flac", "-sample_fmt", "s32", "-ar", "192000"]),
    ("FLAC, Ogg", "flac.oga", &["-c:a", "flac"]),
    ("Vorbis", "a.ogg", &["-c:a", "libvorbis"]),
    ("Opus", "a.opus", &["-c:a", "libopus", "-b:a", "96k"]),
    ("WAV 16", "16.wav", &["-c:a", "pcm_s16le"]),
    ("WAV float", "f.wav", &["-c:a", "pcm_f32le"]),
    ("AIFF 16", "16.aiff", &["-c:a", "pcm_s16be"]),
    ("AIFF float", "f.aifc", &["-c:a", "pcm_f32be", "-f", "aiff"]),
    ("MP2", "a.mp2", &["-c:a", "mp2"]),
    ("Matroska", "a.mka", &["-c:a", "flac"]),
];
const SOUND_S: u32 = 20;
/// The goal of each.
const LIMIT: Duration = Duration::from_millis(50);
const ROUNDS: usize = 3;
const COSTLY_ROUNDS: usize = 3;
const SEEDS: u64 = 8;

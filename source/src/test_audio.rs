//! Audio files for tests: tones, in every format that can be made here.
//!
//! WAV is written by hand and MP3 by our own encoder; FLAC, Vorbis and AAC come from `ffmpeg`,
//! and where that is not installed they are left out, which is reported.

use crate::encode::mp3::{Mp3, Mp3Encoder};
use crate::encode::rack::Rack;
use crate::encode::{Encoder as _, Format};
use crate::pcm::block::Block;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// How samples stand in a WAV file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Float32,
    Int16,
}

/// A sine at half scale, from phase zero.
pub(crate) fn tone(pitch_hz: f64, rate_hz: u32, sample_frames: usize) -> Vec<f32> {
    let step = pitch_hz / f64::from(rate_hz);
    let mut turn = 0.0_f64;
    (0..sample_frames)
        .map(|_| {
            #[expect(clippy::cast_possible_truncation, reason = "samples are f32")]
            let sample = ((turn * std::f64::consts::TAU).sin() * 0.5) as f32;
            turn = (turn + step).fract();
            sample
        })
        .collect()
}

/// Noise at a tenth of full scale, always the same.
pub(crate) fn noise(sample_frames: usize) -> Vec<f32> {
    let mut state = 1_u32;
    (0..sample_frames)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            #[expect(clippy::cast_precision_loss, reason = "16 bits")]
            let level = (state >> 16) as f32 / 32_768.0 - 1.0;
            level * 0.1
        })
        .collect()
}

/// The formats that can be made here, as rate and extension; `N.wav` has N channels.
pub(crate) fn formats() -> Vec<(u32, &'static str)> {
    let mut formats = vec![
        (44_100, "2.wav"),
        (48_000, "mp3"),
        (22_050, "1.wav"),
        (44_100, "mp3"),
        (96_000, "2.wav"),
        (48_000, "6.wav"),
    ];
    if has_ffmpeg() {
        formats.extend([
            (48_000, "flac"),
            (44_100, "ogg"),
            (44_100, "m4a"),
            (32_000, "flac"),
            (48_000, "opus"),
        ]);
    } else {
        eprintln!("not run: FLAC, Vorbis and AAC, because ffmpeg is not installed");
        assert!(std::env::var_os("CI").is_none(), "CI must have ffmpeg");
    }
    formats
}

/// Writes a tone to `path`, in the format that its extension says.
pub(crate) fn write(path: &Path, pitch_hz: f64, rate_hz: u32, sample_frames: usize) {
    write_samples(path, &tone(pitch_hz, rate_hz, sample_frames), rate_hz);
}

/// Writes `samples` to `path`, in the format that its extension says.
pub(crate) fn write_samples(path: &Path, samples: &[f32], rate_hz: u32) {
    let name = path.file_name().unwrap().to_str().unwrap();
    if name.ends_with(".mp3") {
        write_mp3(path, samples, rate_hz);
    } else if let Some(channels) = name.strip_suffix(".wav").and_then(|name| name.chars().last()) {
        let channels = channels.to_digit(10).and_then(|digit| u16::try_from(digit).ok()).unwrap();
        write_wav(path, samples, channels, rate_hz, Form::Int16);
    } else {
        write_by_ffmpeg(path, samples, rate_hz);
    }
}

/// A file of a tone in `format`, which is in Ogg, so many sample frames long.
pub(crate) fn ogg(format: Format, sample_frames: usize) -> Vec<u8> {
    let mut rack = Rack::new(&[format]).unwrap();
    let mut frames = Vec::new();
    rack.title(0, &"made elsewhere".into());
    rack.title(sample_frames as u64, &"another".into());
    let tone = tone(331.0, format.rate_hz(), sample_frames + 9_000);
    for part in tone.chunks(4_096) {
        let block = Block::stereo(format.rate_hz(), part.to_vec(), part.to_vec());
        rack.feed(&block, |_, frame| frames.push(frame)).unwrap();
    }
    let head = frames[0].head.clone();
    let pages = frames.iter().filter(|frame| frame.head == head);
    head.iter().copied().chain(pages.flat_map(|frame| frame.bytes.to_vec())).collect()
}

/// Writes `samples`, the same on every channel, as WAV.
pub(crate) fn write_wav(path: &Path, samples: &[f32], channels: u16, rate_hz: u32, form: Form) {
    let (tag, sample_bytes) = match form {
        Form::Float32 => (3_u16, 4_u16),
        Form::Int16 => (1, 2),
    };
    let frame_bytes = channels * sample_bytes;
    let data_bytes = u32::try_from(samples.len()).unwrap() * u32::from(frame_bytes);
    let file = std::fs::File::create(path).unwrap();
    let mut file = std::io::BufWriter::new(file);
    let mut put = |bytes: &[u8]| file.write_all(bytes).unwrap();
    put(b"RIFF");
    put(&(36 + data_bytes).to_le_bytes());
    put(b"WAVEfmt \x10\0\0\0");
    put(&tag.to_le_bytes());
    put(&channels.to_le_bytes());
    put(&rate_hz.to_le_bytes());
    put(&(rate_hz * u32::from(frame_bytes)).to_le_bytes());
    put(&frame_bytes.to_le_bytes());
    put(&(sample_bytes * 8).to_le_bytes());
    put(b"data");
    put(&data_bytes.to_le_bytes());
    for &sample in samples {
        for _ in 0..channels {
            match form {
                Form::Float32 => put(&sample.to_le_bytes()),
                Form::Int16 => {
                    #[expect(clippy::cast_possible_truncation, reason = "full scale is ±1")]
                    let level = (sample * 32_767.0).round() as i16;
                    put(&level.to_le_bytes());
                }
            }
        }
    }
}

fn write_mp3(path: &Path, samples: &[f32], rate_hz: u32) {
    let settings = Mp3::constant(rate_hz, 128, 7);
    let mut encoder = Mp3Encoder::new(settings).unwrap();
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    for piece in samples.chunks(1_152) {
        encoder.feed(&Block::stereo(rate_hz, piece.to_vec(), piece.to_vec())).unwrap();
        while let Some(frame) = encoder.frame() {
            file.write_all(&frame.bytes).unwrap();
        }
    }
}

fn write_by_ffmpeg(path: &Path, samples: &[f32], rate_hz: u32) {
    let rate = rate_hz.to_string();
    let mut ffmpeg = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "f32le", "-ar", &rate, "-ac", "1", "-i", "-"])
        .args(["-ac", "2", "-strict", "-2"]) // its own Vorbis encoder counts as experimental
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    ffmpeg.stdin.take().unwrap().write_all(&bytes).unwrap();
    assert!(ffmpeg.wait().unwrap().success(), "{}", path.display());
}

/// Encodes the file `from` to `to`, with `options`; says whether this ffmpeg can.
pub(crate) fn by_ffmpeg(from: &Path, options: &[&str], to: &Path) -> bool {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-y", "-i"]).arg(from).args(options).arg(to);
    ffmpeg.status().is_ok_and(|status| status.success())
}

/// Writes `samples` at 44.1 kHz as HE-AAC in ADTS frames, by our own encoder.
#[cfg(feature = "aac")]
pub(crate) fn write_he_aac(path: &Path, samples: &[f32], version_2: bool) {
    use crate::encode::Format;
    use crate::encode::aac::{Aac, Profile};
    let profile = if version_2 { Profile::HeV2 } else { Profile::He };
    let settings = Aac {
        rate_hz: 44_100,
        channels: crate::encode::Channels::Stereo,
        bitrate_kbps: profile.usual_kbps(crate::encode::Channels::Stereo),
        profile,
    };
    let mut encoder = Format::Aac(settings).encoder().unwrap();
    encoder.feed(&Block::stereo(44_100, samples.to_vec(), samples.to_vec())).unwrap();
    let frames = std::iter::from_fn(|| encoder.frame());
    let bytes: Vec<u8> = frames.flat_map(|frame| frame.bytes.to_vec()).collect();
    std::fs::write(path, bytes).unwrap();
}

pub(crate) fn has_ffmpeg() -> bool {
    let version = Command::new("ffmpeg").arg("-version").stdout(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

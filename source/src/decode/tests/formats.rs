//! Files of every format, made by `ffmpeg` and by our own encoders, against what `ffmpeg` decodes
//! of them; and how soon damaged ones are done with.

use super::*;
use crate::pcm::convert::ToStereo;
use crate::test_audio as audio;
use std::process::{Command, Stdio};
use std::time::Instant;

#[test]
fn every_format_decodes_to_what_ffmpeg_decodes_it_to() {
    if !audio::has_ffmpeg() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for made in made(dir.path()) {
        let name = made.name;
        let ours = match heard(&made.path) {
            Ok(ours) => ours,
            Err(error) => {
                wrong.push(format!("{name}: {error}"));
                continue;
            }
        };
        let theirs = decoded_by_ffmpeg(&made.path);
        let (late, db) = alike(&ours, &theirs, made.off_max);
        if ours.len().abs_diff(theirs.len()) > made.off_max || db < made.alike_db {
            let (ours, theirs) = (ours.len(), theirs.len());
            wrong.push(format!("{name}: {ours} for {theirs}, {db:.1} dB alike, {late} late"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn damaged_files_of_every_format_are_done_with_at_once() {
    if !audio::has_ffmpeg() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for made in made(dir.path()) {
        let whole = std::fs::read(&made.path).unwrap();
        for (what, bytes) in damaged(&whole) {
            let path = dir.path().join("damaged").with_extension(made.path.extension().unwrap());
            std::fs::write(&path, bytes).unwrap();
            let name = format!("{} {what}", made.name);

            let began = Instant::now();
            let end = Decoder::open(&path).and_then(|mut decoder| decoder.next_block().map(drop));
            let took = began.elapsed();

            // Seven times what is allowed, since tests share the machine and are not optimised.
            assert!(took < Duration::from_millis(350), "{name}: {took:?}");
            if let Err(error) = end {
                let line = error.to_string();
                assert!(!line.is_empty() && !line.contains('\n'), "{name}: {line}");
                assert!(!matches!(error, DecodeError::Panicked), "{name}");
            }
        }
    }
}

/// A file, and how well it must be decoded.
struct Made {
    name: &'static str,
    path: std::path::PathBuf,
    /// How far what differs from ffmpeg's samples must be below the sound.
    alike_db: f64,
    /// Sample frames by which the two may be shifted or of different length: where nothing in the
    /// file says how much of it is padding, decoders differ.
    off_max: usize,
}

/// Ways to spoil a file.
fn damaged(whole: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let cut = |part: usize| whole[..whole.len() * part / 100].to_vec();
    let mut flipped = whole.to_vec();
    let mut state = 1_u32;
    for _ in 0..whole.len() / 200 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let at = state as usize % flipped.len();
        flipped[at] ^= 1 << (state >> 29);
    }
    let mut huge = whole.to_vec();
    for at in (4..huge.len().min(64)).step_by(4) {
        huge[at..at + 4].copy_from_slice(&0x7fff_fff0_u32.to_be_bytes());
    }
    vec![
        ("without a byte", Vec::new()),
        ("cut at 1 %", cut(1)),
        ("cut at 50 %", cut(50)),
        ("with flipped bits", flipped),
        ("claiming 2 GB", huge),
        ("without its head", whole[whole.len().min(100)..].to_vec()),
    ]
}

fn made(dir: &Path) -> Vec<Made> {
    let sound = audio::tone(440.0, 44_100, 2 * 44_100);
    let noise = audio::noise(sound.len());
    let sound: Vec<f32> = sound.iter().zip(noise).map(|(tone, noise)| tone + noise).collect();
    let wav = dir.join("sound.wav");
    audio::write_wav(&wav, &sound, 2, 44_100, audio::Form::Int16);
    let file = |name: &str| dir.join(name);
    let mut all = Vec::new();
    let mut ffmpeg = |name: &'static str, options: &[&str], alike_db: f64, off_max: usize| {
        let path = file(name);
        if audio::by_ffmpeg(&wav, options, &path) {
            all.push(Made { name, path, alike_db, off_max });
        } else {
            eprintln!("not run: {name}, which this ffmpeg cannot encode");
        }
    };
    ffmpeg("a.mp3", &["-b:a", "192k"], 100.0, 0);
    ffmpeg("vbr.mp3", &["-q:a", "3"], 100.0, 0);
    ffmpeg("16.flac", &[], 140.0, 0);
    ffmpeg("24.flac", &["-sample_fmt", "s32", "-ar", "96000"], 140.0, 0);
    ffmpeg("flac.oga", &["-c:a", "flac"], 140.0, 0);
    ffmpeg("vorbis.ogg", &["-c:a", "libvorbis"], 110.0, 0);
    ffmpeg("a.opus", &["-c:a", "libopus", "-b:a", "96k"], 90.0, 0);
    ffmpeg("mono.opus", &["-c:a", "libopus", "-ac", "1"], 90.0, 0);
    ffmpeg("lc.m4a", &["-c:a", "aac", "-b:a", "128k"], 90.0, 2_200);
    ffmpeg("lc.aac", &["-c:a", "aac", "-b:a", "128k"], 90.0, 2_200);
    ffmpeg("alac.m4a", &["-c:a", "alac"], 140.0, 0);
    ffmpeg("16.aiff", &[], 140.0, 0);
    ffmpeg("float.wav", &["-c:a", "pcm_f32le"], 140.0, 0);
    ffmpeg("24.wav", &["-c:a", "pcm_s24le"], 140.0, 0);
    #[cfg(feature = "aac")]
    for (name, alike_db) in [("he.aac", 30.0), ("he-v2.aac", 15.0)] {
        // Of noise HE-AAC keeps how much there was, and each decoder makes its own.
        let path = file(name);
        let tone = audio::tone(440.0, 44_100, 2 * 44_100);
        audio::write_he_aac(&path, &tone, name == "he-v2.aac");
        all.push(Made { name, path: path.clone(), alike_db, off_max: 6_200 });
    }
    all
}

/// The left side of what we decode.
fn heard(path: &Path) -> Result<Vec<f32>, DecodeError> {
    let mut decoder = Decoder::open(path)?;
    let mut heard = Vec::new();
    while let Some(block) = decoder.next_block()? {
        heard.extend_from_slice(ToStereo::new(block.layout()).mix(block).plane(0));
    }
    Ok(heard)
}

/// The left side of what ffmpeg decodes.
fn decoded_by_ffmpeg(path: &Path) -> Vec<f32> {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(path)
        .args(["-map", "0:a", "-f", "f32le", "-"])
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let channels = if path.ends_with("mono.opus") { 1 } else { 2 };
    let frames = output.stdout.chunks_exact(4 * channels);
    frames.map(|frame| f32::from_le_bytes(*frame.first_chunk().unwrap())).collect()
}

/// How alike two sounds are where they lie best on each other, at most `off_max` apart; and how
/// much later the second is.
fn alike(ours: &[f32], theirs: &[f32], off_max: usize) -> (isize, f64) {
    let off_max = isize::try_from(off_max).unwrap();
    let probe = |late: isize, from: usize, to: usize| {
        let (mut sound, mut error) = (0.0_f64, 1e-30_f64);
        for at in from..to {
            let Some(other) = at.checked_add_signed(late).and_then(|at| theirs.get(at)) else {
                continue;
            };
            let Some(own) = ours.get(at) else { continue };
            sound += f64::from(*own).powi(2);
            error += f64::from(own - other).powi(2);
        }
        10.0 * (sound / error).log10()
    };
    let middle = ours.len() / 2;
    let best = (-off_max..=off_max)
        .max_by(|a, b| probe(*a, middle, middle + 400).total_cmp(&probe(*b, middle, middle + 400)))
        .unwrap();
    (best, probe(best, ours.len() / 10, ours.len() * 9 / 10))
}

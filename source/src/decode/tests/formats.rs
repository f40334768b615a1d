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
    for made in made(dir.path(), 2) {
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
        let padding = if made.name == "lc.m4a" { FFMPEG_LEAVES } else { 0 };
        let lengths_differ = ours.len().abs_diff(theirs.len() - padding) > made.off_max;
        if lengths_differ || db < made.alike_db {
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
    for made in made(dir.path(), 2) {
        let whole = std::fs::read(&made.path).unwrap();
        for (what, bytes) in damaged(&whole) {
            let extension = made.path.extension().unwrap().to_str().unwrap();
            let other = if extension == "mp3" { "m4a" } else { "mp3" };
            let extension = if what == "with a wrong extension" { other } else { extension };
            let path = dir.path().join("damaged").with_extension(extension);
            std::fs::write(&path, bytes).unwrap();
            let name = format!("{} {what}", made.name);

            let (took, end) = timed(|| {
                Decoder::open(&path).and_then(|mut decoder| decoder.next_block().map(drop))
            });

            assert!(took < TRYING_MAX, "{name}: {took:?}");
            if let Err(error) = end {
                let line = error.to_string();
                assert!(!line.is_empty() && !line.contains('\n'), "{name}: {line}");
                assert!(!matches!(error, DecodeError::Panicked), "{name}");
            }
        }
    }
}

#[test]
fn files_that_claim_what_they_do_not_hold_are_done_with_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let id3 = b"ID3\x04\0\0\x7f\x7f\x7f\x7f"; // 256 MB
    let unsynchronised = b"ID3\x03\0\x80\x7f\x7f\x7f\x7f";
    let moov = b"\0\0\0\x10ftypM4A \0\0\0\0\x7f\xff\xff\xffmoov";
    let mp3 = [&b"\xff\xfb\x90\x00"[..], &[0; 413]].concat().repeat(3);
    for (name, head, length) in [
        ("zeros.mp3", &b""[..], 500_000_000),
        ("tag.mp3", id3, 1_000),
        ("long tag.mp3", id3, 300_000_000),
        ("unsynchronised.mp3", unsynchronised, 300_000_000),
        ("three frames.mp3", &mp3, 500_000_000),
        ("moov.m4a", moov, 1_000),
        ("long moov.m4a", moov, 2_200_000_000),
    ] {
        let path = dir.path().join(name);
        std::fs::write(&path, head).unwrap();
        File::options().write(true).open(&path).unwrap().set_len(length).unwrap();

        let mut heard = 0;
        let (took, end) = timed(|| {
            let mut decoder = Decoder::open(&path)?;
            while let Some(block) = decoder.next_block()? {
                heard += block.sample_frames();
            }
            Ok::<_, DecodeError>(())
        });

        assert!(took < TRYING_MAX, "{name}: {took:?}");
        assert!(heard <= 3 * 1_152, "{name}: {heard}");
        let line = end.expect_err(name).to_string();
        assert!(!line.is_empty() && !line.contains('\n'), "{name}: {line}");
    }
}

#[test]
fn a_file_that_is_cut_off_is_heard_as_far_as_it_goes_and_one_line_says_so() {
    if !audio::has_ffmpeg() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for made in made(dir.path(), 6) {
        let whole = std::fs::read(&made.path).unwrap();
        let extension = made.path.extension().unwrap();
        let path = dir.path().join("cut").with_extension(extension);
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        let mut decoder = match Decoder::open(&path) {
            Ok(decoder) => decoder,
            Err(error) => {
                // What says at its end where the audio lies cannot be played without that end.
                assert!(made.name.ends_with(".m4a"), "{}: {error}", made.name);
                continue;
            }
        };

        let mut heard_s = 0.0;
        let end = loop {
            match decoder.next_block() {
                Ok(Some(block)) => {
                    heard_s += block.sample_frames() as f64 / f64::from(block.rate_hz())
                }
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };

        assert!((1.9..4.0).contains(&heard_s), "{}: {heard_s} s", made.name);
        match end {
            Some(DecodeError::Incomplete(incomplete)) => {
                let line = incomplete.to_string();
                let is_clear = line.starts_with("cut off after ") || line.starts_with("only ");
                assert!(is_clear, "{}: {line}", made.name);
            }
            // Neither says how long it is; one that ends between two frames looks whole.
            None => assert!(made.name.ends_with(".aac"), "{}", made.name),
            Some(error) => panic!("{}: {error}", made.name),
        }
    }
}

#[test]
fn a_chained_file_is_heard_from_its_first_stream_to_its_last() {
    if !audio::has_ffmpeg() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for made in made(dir.path(), 2) {
        if !["flac.oga", "vorbis.ogg", "a.opus"].contains(&made.name) {
            continue;
        }
        let chained = dir.path().join("chained").with_extension(made.path.extension().unwrap());
        // Chained streams must have serial numbers of their own.
        let second = dir.path().join("second").with_extension(made.path.extension().unwrap());
        assert!(audio::by_ffmpeg(&made.path, &["-c", "copy", "-serial_offset", "77"], &second));
        let bytes = [&made.path, &second].map(|path| std::fs::read(path).unwrap());
        std::fs::write(&chained, bytes.concat()).unwrap();

        let ours = heard(&chained).unwrap();

        let alone = heard(&made.path).unwrap();
        assert_eq!(ours.len(), 2 * alone.len(), "{}", made.name);
        assert_eq!(ours[..alone.len()], alone, "{}", made.name);
        let (late, db) = alike(&ours[alone.len()..], &alone, 0);
        assert!(late == 0 && db > 80.0, "{}: {db} dB", made.name);
    }
}

#[test]
fn titles_are_read_from_tags_of_every_kind() {
    let dir = tempfile::tempdir().unwrap();
    let plain = dir.path().join("plain.mp3");
    audio::write(&plain, 440.0, 44_100, 20_000);
    let audio = std::fs::read(&plain).unwrap();
    let utf_16 = |text: &str, order: fn(u16) -> [u8; 2]| -> Vec<u8> {
        text.encode_utf16().flat_map(order).collect()
    };
    let marked = |text: &str| [&b"\x01\xff\xfe"[..], &utf_16(text, u16::to_le_bytes)].concat();
    let bare = |text: &str| [&b"\x02"[..], &utf_16(text, u16::to_be_bytes)].concat();
    let utf_8 = |text: &str| [&b"\x03"[..], text.as_bytes()].concat();
    let id3v1 = {
        let mut tag = b"TAG".to_vec();
        tag.extend(b"Old Song".iter().chain(&[0; 22]));
        tag.extend(b"Old Band".iter().chain(&[0; 22]));
        tag.extend([0; 65]);
        tag
    };
    for (version, title, artist, expected) in [
        (3, b"\0\xc1g\xe6tis".to_vec(), b"\0Sigur R\xf3s".to_vec(), "Sigur Rós - Ágætis"),
        (3, marked("時の流れ"), marked("テレサ"), "テレサ - 時の流れ"),
        (4, bare("Ночь"), bare("Кино"), "Кино - Ночь"),
        (4, utf_8("Ночь"), utf_8("Кино"), "Кино - Ночь"),
    ] {
        let path = dir.path().join("tagged.mp3");
        let tag = id3v2(version, &[(b"TIT2", title), (b"TPE1", artist)]);
        // The old tag behind, which most files have too, is only asked where the new one is silent.
        std::fs::write(&path, [&tag[..], &audio, &id3v1].concat()).unwrap();

        let decoder = Decoder::open(&path).unwrap();

        assert_eq!(&*decoder.about().tags.title_for(&path, None), expected);
        assert_eq!(heard(&path).unwrap(), heard(&plain).unwrap(), "{expected}");
    }
    let path = dir.path().join("old.mp3");
    std::fs::write(&path, [&audio[..], &id3v1].concat()).unwrap();
    let decoder = Decoder::open(&path).unwrap();
    assert_eq!(&*decoder.about().tags.title_for(&path, None), "Old Band - Old Song");
}

#[test]
fn mp3_in_free_format_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("free.mp3");
    std::fs::write(&path, [&b"\xff\xfb\x00\x44"[..], &[0; 1_000]].concat().repeat(20)).unwrap();

    let line = Decoder::open(&path).err().unwrap().to_string();

    assert!(line.contains("MP3 in free format"), "{line}");
}

#[cfg(feature = "aac")]
#[test]
fn the_last_of_an_he_aac_file_is_heard_too() {
    let dir = tempfile::tempdir().unwrap();
    for version_2 in [false, true] {
        let path = dir.path().join("he.aac");
        audio::write_he_aac(&path, &audio::tone(440.0, 44_100, 2 * 44_100), version_2);
        let frames = adts_frames(&std::fs::read(&path).unwrap());

        let heard = heard(&path).unwrap();

        assert_eq!(heard.len(), frames * 2_048, "version 2: {version_2}");
        // The encoder was stopped in the middle of the tone, so the tone goes on up to the end, but
        // for half of the last frame, which the next would have to complete.
        let end = &heard[heard.len() - 2_000..heard.len() - 1_000];
        let peak = end.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        assert!((0.4..0.6).contains(&peak), "version 2: {version_2}: {peak}");
    }
}

/// How many ADTS frames a file has.
#[cfg(feature = "aac")]
fn adts_frames(mut bytes: &[u8]) -> usize {
    let mut frames = 0;
    while let [_, _, _, a, b, c, ..] = bytes {
        let length = usize::from(a & 3) << 11 | usize::from(*b) << 3 | usize::from(c >> 5);
        bytes = &bytes[length..];
        frames += 1;
    }
    frames
}

/// An ID3v2 tag of text frames.
fn id3v2(version: u8, texts: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let frames = texts.iter().flat_map(|(kind, text)| {
        let length = u8::try_from(text.len()).unwrap();
        [&kind[..], &[0, 0, 0, length, 0, 0], text].concat()
    });
    let frames: Vec<u8> = frames.collect();
    [b"ID3", &[version, 0, 0, 0, 0, 0, u8::try_from(frames.len()).unwrap()][..], &frames].concat()
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
        ("with a wrong extension", whole.to_vec()),
    ]
}

/// A file of each format.
fn made(dir: &Path, seconds: usize) -> Vec<Made> {
    let sound = audio::tone(440.0, 44_100, seconds * 44_100);
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
    ffmpeg("lc.m4a", &["-c:a", "aac", "-b:a", "128k"], 90.0, 0);
    ffmpeg("lc.aac", &["-c:a", "aac", "-b:a", "128k"], 90.0, 0);
    ffmpeg("alac.m4a", &["-c:a", "alac"], 140.0, 0);
    ffmpeg("192.flac", &["-sample_fmt", "s32", "-ar", "192000"], 140.0, 0);
    ffmpeg("16.aiff", &[], 140.0, 0);
    ffmpeg("24.aiff", &["-c:a", "pcm_s24be"], 140.0, 0);
    ffmpeg("float.aifc", &["-c:a", "pcm_f32be", "-f", "aiff"], 140.0, 0);
    ffmpeg("float.wav", &["-c:a", "pcm_f32le"], 140.0, 0);
    ffmpeg("24.wav", &["-c:a", "pcm_s24le"], 140.0, 0);
    #[cfg(feature = "aac")]
    for (name, alike_db) in [("he.aac", 30.0), ("he-v2.aac", 15.0)] {
        // Of noise HE-AAC keeps how much there was, and each decoder makes its own.
        let path = file(name);
        let tone = audio::tone(440.0, 44_100, seconds * 44_100);
        audio::write_he_aac(&path, &tone, name == "he-v2.aac");
        // The two align what is described instead of encoded differently by some samples.
        all.push(Made { name, path, alike_db, off_max: HE_AAC_OFF_MAX });
    }
    #[cfg(feature = "aac")]
    {
        let path = file("he.m4a");
        assert!(audio::by_ffmpeg(&file("he.aac"), &["-c", "copy"], &path));
        all.push(Made { name: "he.m4a", path, alike_db: 30.0, off_max: HE_AAC_OFF_MAX });
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

/// What `run` gives, and how much of the processor's time it took: what other tests take does not
/// count where the system can tell.
fn timed<T>(run: impl FnOnce() -> T) -> (Duration, T) {
    let (began, wall) = (medium::processor_time(), Instant::now());
    let outcome = run();
    let took = medium::processor_time().zip(began).map(|(now, began)| now - began);
    (took.unwrap_or_else(|| wall.elapsed()), outcome)
}

/// How long trying a file may take: seven times the goal where the code is not optimised.
const TRYING_MAX: Duration = Duration::from_millis(if cfg!(debug_assertions) { 350 } else { 50 });
/// Sample frames of the encoder's padding that ffmpeg plays behind two seconds of AAC in MP4.
const FFMPEG_LEAVES: usize = 89_088 - 88_200;
/// Sample frames by which ffmpeg and the FDK differ in HE-AAC.
#[cfg(feature = "aac")]
const HE_AAC_OFF_MAX: usize = 6_200;

//! What is heard of a script's effects by Liquidsoap itself, and of what they become by us.

use super::import;
use crate::config::file;
use crate::pcm::block::Block;
use crate::sound::processor::Processor;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn effects_sound_as_they_do_in_liquidsoap() {
    if !has_liquidsoap() {
        eprintln!("not run: what Liquidsoap makes of effects, because it is not installed");
        assert!(std::env::var_os("CARRIER_PEERS").is_none(), "CI must have Liquidsoap");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let sound = sound();
    write_wav(&dir.path().join("in.wav"), &sound);
    by_liquidsoap(dir.path());
    for (number, (call, tolerance_db)) in CALLS.into_iter().enumerate() {
        let theirs = read_wav(&dir.path().join(format!("{number}.wav")));
        let ours = by_us(call, &sound);

        let (theirs, ours) = (levels_db(&theirs), levels_db(&ours));
        // It stops some time within the last one.
        assert!(theirs.len() + 1 >= PARTS.len(), "{call}: {} parts of it", theirs.len());
        for (at, (theirs, ours)) in theirs.iter().zip(&ours).enumerate() {
            let (hz, level_db) = PARTS[at];
            // This one is another filter than ours, which gets off towards the highest pitches.
            if call.starts_with("filter(") && hz > 5_000.0 {
                continue;
            }
            for side in [0, 1] {
                // What rounding to 16 bits adds is of no interest.
                let (theirs, ours) = (theirs[side].max(-55.0), ours[side].max(-55.0));
                let off = (theirs - ours).abs();
                let what = format!("{call}: {hz} Hz at {level_db} dB, side {side}");
                assert!(off <= tolerance_db, "{what}: {theirs:.2} dB there, {ours:.2} dB here");
            }
        }
    }
}

/// A call on a source `s`, and how far its levels may be from ours in decibels.
///
/// What is not here is otherwise on purpose, and remarked: the bands of `compress.multiband` and
/// `sky` cancel each other where they meet, by 12 dB; `echo` makes none and `stereo.width` turns
/// the sides in Liquidsoap 2.1.3. `nrj` is what `normalize` and `compress` are. `swap` ends that
/// Liquidsoap where its source ends ("index out of bounds").
const CALLS: [(&str, f64); 19] = [
    ("amplify(0.5, s)", 0.1),
    (
        "compress(threshold=-20., ratio=4., gain=3., attack=10., release=100., \
         filter.iir.eq.peak(frequency=1000., gain=6., q=2., filter.iir.eq.high(frequency=80., s)))",
        0.1,
    ),
    ("compress(pre_gain=6., knee=6., s)", 0.1),
    ("compress(threshold=-20., ratio=6., gain=6.7, knee=0.3, attack=100., release=200., s)", 0.1),
    ("limit(threshold=-12., s)", 0.1),
    ("begin\n  def f(~by=0.5, x) = amplify(by, limit(threshold=-12., x)) end\n  f(s)\nend", 0.1),
    ("filter.iir.eq.low(frequency=1000., q=0.7, s)", 0.1),
    ("filter.iir.eq.bandpass(frequency=1000., s)", 0.1),
    ("filter.iir.eq.notch(frequency=900., s)", 0.2),
    ("filter.iir.eq.low_high(low=100., high=3000., s)", 0.1),
    ("filter.iir.butterworth.low(frequency=1000., order=4, s)", 0.1),
    ("filter(freq=500., q=1., mode=\"low\", s)", 1.0),
    ("filter(freq=500., q=2., mode=\"high\", s)", 1.0),
    ("filter(freq=500., q=2., mode=\"band\", s)", 1.0),
    ("stereo.pan(pan=0.4, s)", 0.1),
    ("gate(threshold=-25., range=-20., hold=50., release=100., s)", 0.2),
    // A shelf is not quite what is heard of it there.
    ("bass_boost(frequency=200., gain=6., s)", 3.5),
    ("audio_to_stereo(mean(s))", 0.1),
    // There it is cut off at full scale.
    ("audio_to_stereo(mean(normalize=false, s))", 0.2),
];

/// Tones: their pitches, and their levels as peaks below full scale.
const PARTS: [(f64, f64); 17] = [
    (63.0, -12.0),
    (125.0, -12.0),
    (250.0, -12.0),
    (500.0, -12.0),
    (1_000.0, -12.0),
    (2_000.0, -12.0),
    (4_000.0, -12.0),
    (8_000.0, -12.0),
    (12_000.0, -12.0),
    (1_000.0, -40.0),
    (1_000.0, -30.0),
    (1_000.0, -20.0),
    (1_000.0, -15.0),
    (1_000.0, -10.0),
    (1_000.0, -6.0),
    (1_000.0, -3.0),
    (1_000.0, -1.0),
];
const PART_FRAMES: usize = 66_150;
const RATE_HZ: u32 = 44_100;

/// All parts, on the right half as loud.
fn sound() -> [Vec<f32>; 2] {
    let part = |(hz, level_db): (f64, f64)| {
        let tone = crate::test_audio::tone(hz, RATE_HZ, PART_FRAMES).into_iter();
        #[expect(clippy::cast_possible_truncation, reason = "samples are f32")]
        let factor = 2.0 * 10.0_f64.powf(level_db / 20.0) as f32;
        tone.map(move |sample| sample * factor)
    };
    let left: Vec<f32> = PARTS.into_iter().flat_map(part).collect();
    let right = left.iter().map(|sample| sample * 0.5).collect();
    [left, right]
}

/// The levels at the end of each part, when all has settled.
fn levels_db([left, right]: &[Vec<f32>; 2]) -> Vec<[f64; 2]> {
    let level = |side: &[f32]| {
        let end = &side[PART_FRAMES / 2..PART_FRAMES - 4_410];
        let power: f64 = end.iter().map(|sample| f64::from(*sample).powi(2)).sum();
        #[expect(clippy::cast_precision_loss, reason = "some thousand")]
        let mean = power / end.len() as f64;
        10.0 * mean.log10()
    };
    let sides = left.chunks_exact(PART_FRAMES).zip(right.chunks_exact(PART_FRAMES));
    sides.map(|(left, right)| [level(left), level(right)]).collect()
}

fn by_us(call: &str, sound: &[Vec<f32>; 2]) -> [Vec<f32>; 2] {
    let script = format!(
        "s = playlist(id=\"music\", \"/m\")\nradio = {call}\n\
         output.icecast(%mp3, mount=\"m\", password=\"x\", radio)\n"
    );
    let imported = import(&script);
    assert_eq!(imported.left, [""; 0], "{}", imported.toml);
    let config = file::parse(Path::new("station.toml"), &imported.toml).unwrap();
    let mut processor = Processor::new(config.channels[0].sound.clone(), RATE_HZ);
    let mut heard = [Vec::new(), Vec::new()];
    for (left, right) in sound[0].chunks(1_152).zip(sound[1].chunks(1_152)) {
        let mut block = Block::stereo(RATE_HZ, left.to_vec(), right.to_vec());
        processor.process(&mut block);
        for (heard, side) in heard.iter_mut().zip(block.planes()) {
            heard.extend_from_slice(side);
        }
    }
    heard
}

/// Lets Liquidsoap write what it makes of each call.
fn by_liquidsoap(dir: &Path) {
    let dir_name = dir.display();
    let mut script = format!(
        "settings.init.allow_root.set(true)\ns = once(single(\"{dir_name}/in.wav\"))\n\
         clock.assign_new(sync=\"none\", [s])\n"
    );
    for (number, (call, _)) in CALLS.iter().enumerate() {
        let end = if number == 0 { "on_stop=shutdown, " } else { "" };
        script += &format!(
            "output.file(fallible=true, {end}%wav, \"{dir_name}/{number}.wav\", {call})\n"
        );
    }
    std::fs::write(dir.join("script.liq"), script).unwrap();
    let mut liquidsoap = Command::new("timeout");
    liquidsoap.args(["60", "liquidsoap"]).arg(dir.join("script.liq"));
    let output = liquidsoap.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

pub(super) fn has_liquidsoap() -> bool {
    let version = Command::new("liquidsoap").arg("--version").stdout(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

fn write_wav(path: &Path, [left, right]: &[Vec<f32>; 2]) {
    let mut bytes = Vec::new();
    let data_bytes = u32::try_from(left.len() * 8).unwrap();
    bytes.write_all(b"RIFF").unwrap();
    bytes.extend((36 + data_bytes).to_le_bytes());
    bytes.write_all(b"WAVEfmt \x10\0\0\0\x03\0\x02\0").unwrap();
    for number in [RATE_HZ, RATE_HZ * 8, 0x0020_0008, u32::from_le_bytes(*b"data"), data_bytes] {
        bytes.extend(number.to_le_bytes());
    }
    for (left, right) in left.iter().zip(right) {
        bytes.extend(left.to_le_bytes());
        bytes.extend(right.to_le_bytes());
    }
    std::fs::write(path, bytes).unwrap();
}

/// Both sides of a file of 16 bits.
fn read_wav(path: &Path) -> [Vec<f32>; 2] {
    let bytes = std::fs::read(path).unwrap();
    let data = bytes.windows(4).position(|four| four == b"data").unwrap() + 8;
    let side = |at: usize| {
        let samples = bytes[data + at..].chunks(4).filter(|sample| sample.len() >= 2);
        let sample = |two: &[u8]| f32::from(i16::from_le_bytes([two[0], two[1]])) / 32_768.0;
        samples.map(sample).collect()
    };
    [side(0), side(2)]
}

//! What a recording sounds like: how long it is, where it is silent, where it is the emergency.

use e2e::Program;
use std::f64::consts::TAU;
use std::path::Path;
use std::time::Duration;

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sound {
    /// How long it is.
    pub(crate) length: Duration,
    /// The longest silence.
    pub(crate) quiet_longest: Duration,
    /// Where that begins.
    pub(crate) quiet_at: Duration,
    /// The root of the mean square of the quietest second, wherever it begins.
    pub(crate) quietest_dbfs: f64,
    /// Seconds in which there is little beside the tone of the emergency.
    pub(crate) tone_seconds: usize,
}

impl Sound {
    /// The sound of `file`, decoded by ffmpeg.
    pub(crate) async fn of(ffmpeg: &Program, file: &Path) -> Self {
        let raw = file.with_extension("pcm");
        let (file, raw_name) = (file.display().to_string(), raw.display().to_string());
        let rate = RATE_HZ.to_string();
        let input = ["-nostdin", "-hide_banner", "-y", "-i", &file];
        let output = ["-ac", "1", "-ar", &rate, "-f", "s16le", &raw_name];
        ffmpeg.run(input.into_iter().chain(output)).ended_well(DECODE_LIMIT).await;
        let bytes = std::fs::read(&raw).expect("what ffmpeg wrote");
        let samples: Vec<f64> = bytes
            .chunks_exact(2)
            .map(|two| f64::from(i16::from_le_bytes([two[0], two[1]])) / 32_768.0)
            .collect();
        Self::measured(&samples)
    }

    fn measured(samples: &[f64]) -> Self {
        let powers: Vec<f64> = samples
            .chunks_exact(STEP_SAMPLES)
            .map(|step| step.iter().map(|it| it * it).sum::<f64>() / STEP_SAMPLES_F64)
            .collect();
        let quiet_power = 10_f64.powf(QUIET_DBFS / 10.0);
        let (mut longest, mut longest_at, mut quiet) = (0, 0, 0);
        for (step, power) in powers.iter().enumerate() {
            quiet = if *power < quiet_power { quiet + 1 } else { 0 };
            if quiet > longest {
                (longest, longest_at) = (quiet, step + 1 - quiet);
            }
        }
        let seconds = powers.windows(SECOND_STEPS).map(|it| it.iter().sum::<f64>());
        let quietest = seconds.fold(f64::INFINITY, f64::min) / SECOND_STEPS_F64;
        let time = |steps: usize| STEP * u32::try_from(steps).expect("a short recording");
        Self {
            length: time(powers.len()),
            quiet_longest: time(longest),
            quiet_at: time(longest_at),
            quietest_dbfs: 10.0 * quietest.max(1e-12).log10(),
            tone_seconds: samples.chunks_exact(SECOND_SAMPLES).filter(|it| is_tone(it)).count(),
        }
    }
}

/// Whether nearly all of it is the tone of the emergency.
fn is_tone(samples: &[f64]) -> bool {
    let (mut sine, mut cosine, mut all) = (0.0, 0.0, 0.0);
    let mut turn: f64 = 0.0;
    for sample in samples {
        sine += sample * (turn * TAU).sin();
        cosine += sample * (turn * TAU).cos();
        all += sample * sample;
        turn = (turn + TONE_HZ / f64::from(RATE_HZ)).fract();
    }
    let count = f64::from(RATE_HZ);
    2.0 * (sine * sine + cosine * cosine) / count > 0.9 * all && all > 0.0
}

#[test]
fn silence_and_the_tone_of_the_emergency_are_found() {
    let wave = |hz: f64, at: usize| {
        let time = f64::from(u32::try_from(at).expect("a short sound")) / f64::from(RATE_HZ);
        0.1 * (TAU * hz * time).sin()
    };
    let music = (0..3 * SECOND_SAMPLES).map(|at| wave(300.0, at));
    let silence = std::iter::repeat_n(0.0, SECOND_SAMPLES * 6 / 5);
    let tone = (0..2 * SECOND_SAMPLES).map(|at| wave(TONE_HZ, at));
    let samples: Vec<f64> = music.clone().chain(silence).chain(tone).chain(music).collect();

    let sound = Sound::measured(&samples);

    assert_eq!(sound.quiet_longest, Duration::from_millis(1_200));
    assert_eq!(sound.quiet_at, Duration::from_secs(3));
    assert!(sound.quietest_dbfs < -100.0);
    assert_eq!(sound.tone_seconds, 1); // from 4.2 s to 6.2 s, and only the sixth is whole
    assert!(Sound::measured(&samples[..SECOND_SAMPLES]).quietest_dbfs > -24.0);
}

const RATE_HZ: u32 = 8_000;
const SECOND_SAMPLES: usize = 8_000;
/// It is measured in steps of this length.
const STEP: Duration = Duration::from_millis(20);
const STEP_SAMPLES: usize = 160;
const STEP_SAMPLES_F64: f64 = 160.0;
const SECOND_STEPS: usize = 50;
const SECOND_STEPS_F64: f64 = 50.0;
/// What is below this is silence: the music is at -13 dBFS, the emergency's tone at -23.
const QUIET_DBFS: f64 = -50.0;
const TONE_HZ: f64 = 440.0;
/// Twenty minutes take a few seconds.
const DECODE_LIMIT: Duration = Duration::from_secs(120);

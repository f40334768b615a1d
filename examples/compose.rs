//! Composes the short pieces that ship with Carrier, and writes them as WAV files.
//!
//! `cargo run --release --example compose -- FOLDER` writes four pieces, the same each time.
//! A piece is a key, a progression of chords and a tempo; from these follow bass, chords, a melody
//! that walks the chord tones, and a beat. Every voice is additive synthesis: a few sine partials
//! under an envelope, and noise for the drums. `music/encode` makes the files that ship of them.
//!
//! Knows nothing of Carrier: it only makes something pleasant to broadcast.
#![forbid(unsafe_code)]

use std::f64::consts::TAU;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Beats of a bar; a chord lasts one bar, and melody and drums are written in half beats.
const BEATS_PER_BAR: u32 = 4;
/// The loudest sample of a finished piece: -3 dBFS leaves lossy codecs room above.
const PEAK: f64 = 0.708;
/// How long the last notes ring on after the last bar.
const TAIL_SECONDS: f64 = 1.5;

/// What makes one piece different from another.
struct Piece {
    file: &'static str,
    rate_hertz: u32,
    channels: u16,
    beats_per_minute: f64,
    /// The chords, one bar each, as semitones above middle C; played `rounds` times.
    progression: &'static [[i32; 4]],
    rounds: u32,
    /// Which chord tone the melody sings on each half beat of two bars in turn; `.` is a rest.
    melody: [&'static str; 2],
    /// On which half beats of a bar each drum is struck.
    kick: &'static str,
    snare: &'static str,
    hat: &'static str,
    timbre: Timbre,
}

/// The partials of the melody's voice: each a multiple of its note and a loudness.
#[derive(Clone, Copy)]
enum Timbre {
    /// A few inharmonic partials that die away quickly.
    Bell,
    /// Odd partials, as of a clarinet.
    Reed,
    /// The fundamental and little else.
    Soft,
}

impl Timbre {
    fn partials(self) -> &'static [(f64, f64)] {
        match self {
            Self::Bell => &[(1.0, 1.0), (2.76, 0.4), (5.4, 0.15)],
            Self::Reed => &[(1.0, 1.0), (3.0, 0.35), (5.0, 0.12), (7.0, 0.05)],
            Self::Soft => &[(1.0, 1.0), (2.0, 0.25), (3.0, 0.08)],
        }
    }
}

/// One note: when, how high, how long, how loud, and where between left (0) and right (1).
struct Note {
    start_seconds: f64,
    hertz: f64,
    length_seconds: f64,
    loudness: f64,
    pan: f64,
}

/// One stroke of a drum made of noise; `seed` makes each its own.
struct Stroke {
    length_seconds: f64,
    loudness: f64,
    pan: f64,
    seed: u32,
}

/// Two channels of samples that grow as notes are added.
struct Tape {
    rate_hertz: f64,
    sides: [Vec<f64>; 2],
}

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        complain("name the folder to write the pieces into");
        return ExitCode::from(2);
    };
    match compose_all(&folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("{}: {error}", folder.display()));
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "a program for a terminal, with nothing to log")]
fn complain(what: &str) {
    eprintln!("compose: {what}");
}

fn compose_all(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for piece in &PIECES {
        let tape = piece.play();
        tape.write_wav(&folder.join(piece.file), piece)?;
    }
    Ok(())
}

impl Piece {
    fn beat_seconds(&self) -> f64 {
        60.0 / self.beats_per_minute
    }

    fn play(&self) -> Tape {
        let mut tape = Tape { rate_hertz: f64::from(self.rate_hertz), sides: [vec![], vec![]] };
        let bars = self.progression.iter().cycle().zip(0..self.bars());
        for (chord, bar) in bars {
            let start_seconds = f64::from(bar * BEATS_PER_BAR) * self.beat_seconds();
            self.play_chord(&mut tape, chord, start_seconds);
            self.play_melody(&mut tape, chord, bar, start_seconds);
            self.play_drums(&mut tape, bar, start_seconds);
        }
        tape.finish();
        tape
    }

    fn bars(&self) -> u32 {
        let chords = u32::try_from(self.progression.len()).expect("a handful of chords");
        chords * self.rounds
    }

    /// The bass on the first and third beat, and the whole chord spread from left to right.
    fn play_chord(&self, tape: &mut Tape, chord: &[i32; 4], start_seconds: f64) {
        let beat_seconds = self.beat_seconds();
        for beat in [0.0, 2.0] {
            let note = Note {
                start_seconds: start_seconds + beat * beat_seconds,
                hertz: hertz(chord[0] - 24),
                length_seconds: 1.9 * beat_seconds,
                loudness: 0.5,
                pan: 0.5,
            };
            tape.sound(&note, Timbre::Soft.partials(), 1.2);
        }
        for (&semitones, pan) in chord.iter().zip([0.2, 0.4, 0.6, 0.8]) {
            let note = Note {
                start_seconds,
                hertz: hertz(semitones - 12),
                length_seconds: 4.2 * beat_seconds,
                loudness: 0.13,
                pan,
            };
            tape.sound(&note, Timbre::Soft.partials(), 0.4);
        }
    }

    /// Two bars of melody in turn, each tone taken from the chord of its bar.
    fn play_melody(&self, tape: &mut Tape, chord: &[i32; 4], bar: u32, start_seconds: f64) {
        let half_beat_seconds = self.beat_seconds() / 2.0;
        let bar_of_melody = self.melody[usize::from(!bar.is_multiple_of(2))];
        for (step, mark) in (0_u8..).zip(bar_of_melody.bytes()).filter(|(_, mark)| *mark != b'.') {
            let tone = usize::from(mark - b'0');
            let note = Note {
                start_seconds: start_seconds + f64::from(step) * half_beat_seconds,
                hertz: hertz(chord[tone] + 12),
                length_seconds: 1.7 * half_beat_seconds,
                loudness: if step == 0 { 0.3 } else { 0.24 },
                pan: if step.is_multiple_of(2) { 0.42 } else { 0.58 },
            };
            tape.sound(&note, self.timbre.partials(), 3.0);
        }
    }

    fn play_drums(&self, tape: &mut Tape, bar: u32, start_seconds: f64) {
        let half_beat_seconds = self.beat_seconds() / 2.0;
        for step in 0..self.kick.len() {
            let half_beats = u32::try_from(step).expect("a bar");
            let at_seconds = start_seconds + f64::from(half_beats) * half_beat_seconds;
            let struck = |drum: &str| drum[step..].starts_with('x');
            let seed = bar * BEATS_PER_BAR * 4 + half_beats * 2;
            if struck(self.kick) {
                tape.kick(at_seconds);
            }
            if struck(self.snare) {
                let stroke = Stroke { length_seconds: 0.16, loudness: 0.22, pan: 0.45, seed };
                tape.noise(at_seconds, &stroke);
            }
            if struck(self.hat) {
                let seed = seed + 1;
                let stroke = Stroke { length_seconds: 0.05, loudness: 0.07, pan: 0.65, seed };
                tape.noise(at_seconds, &stroke);
            }
        }
    }
}

impl Tape {
    /// Adds `note` with `partials`, dying away by `decay_per_second` nepers.
    fn sound(&mut self, note: &Note, partials: &[(f64, f64)], decay_per_second: f64) {
        let nyquist_hertz = self.rate_hertz / 2.0;
        self.add(note.start_seconds, note.length_seconds, note.pan, |seconds| {
            let swell = (seconds / ATTACK_SECONDS).min(1.0);
            let release = ((note.length_seconds - seconds) / RELEASE_SECONDS).clamp(0.0, 1.0);
            let audible = partials.iter().filter(|(ratio, _)| note.hertz * ratio < nyquist_hertz);
            let wave: f64 = audible
                .map(|(ratio, loudness)| {
                    let fading = (-decay_per_second * ratio.sqrt() * seconds).exp();
                    loudness * fading * (TAU * note.hertz * ratio * seconds).sin()
                })
                .sum();
            note.loudness * swell * release * wave
        });
    }

    /// A bass drum: a sine that falls from 120 to 45 Hz and fades.
    fn kick(&mut self, start_seconds: f64) {
        self.add(start_seconds, 0.25, 0.5, |seconds| {
            let turns = 45.0 * seconds + 75.0 / 30.0 * (1.0 - (-30.0 * seconds).exp());
            0.7 * (-14.0 * seconds).exp() * (TAU * turns).sin()
        });
    }

    /// A stroke of noise, as of a snare or a hi-hat.
    fn noise(&mut self, start_seconds: f64, stroke: &Stroke) {
        let &Stroke { length_seconds, loudness, pan, seed } = stroke;
        let mut state = (seed + 1).wrapping_mul(2_654_435_761) | 1;
        let mut last = 0.0;
        self.add(start_seconds, length_seconds, pan, |seconds| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            let white = f64::from(state) / f64::from(u32::MAX) * 2.0 - 1.0;
            let bright = white - last;
            last = white;
            loudness * (-5.0 * seconds / length_seconds).exp() * bright
        });
    }

    /// Adds `wave`, a function of the seconds since its start, with equal power panning.
    fn add(&mut self, start: f64, length: f64, pan: f64, mut wave: impl FnMut(f64) -> f64) {
        let first = sample_frames(start * self.rate_hertz);
        let count = sample_frames(length * self.rate_hertz);
        let gains = [(pan * TAU / 4.0).cos(), (pan * TAU / 4.0).sin()];
        for side in &mut self.sides {
            side.resize(side.len().max(first + count), 0.0);
        }
        let mut seconds = 0.0;
        for at in first..first + count {
            let sample = wave(seconds);
            seconds += 1.0 / self.rate_hertz;
            for (side, gain) in self.sides.iter_mut().zip(gains) {
                side[at] += gain * sample;
            }
        }
    }

    /// Lets the last notes ring, adds an echo across the sides, and brings the peak to `PEAK`.
    fn finish(&mut self) {
        let length = self.sides[0].len() + sample_frames(TAIL_SECONDS * self.rate_hertz);
        let delay = sample_frames(ECHO_SECONDS * self.rate_hertz);
        for side in &mut self.sides {
            side.resize(length, 0.0);
        }
        for at in delay..length {
            let [left, right] = [self.sides[0][at - delay], self.sides[1][at - delay]];
            self.sides[0][at] += ECHO * right;
            self.sides[1][at] += ECHO * left;
        }
        let peak = self.sides.iter().flatten().fold(0.0_f64, |peak, sample| peak.max(sample.abs()));
        for sample in self.sides.iter_mut().flatten() {
            *sample *= PEAK / peak;
        }
    }

    fn write_wav(&self, path: &Path, piece: &Piece) -> io::Result<()> {
        let mut out = BufWriter::new(File::create(path)?);
        let sample_frames = u32::try_from(self.sides[0].len()).expect("seconds, not hours");
        out.write_all(&wav_header(piece.rate_hertz, piece.channels, sample_frames))?;
        for (left, right) in self.sides[0].iter().zip(&self.sides[1]) {
            if piece.channels == 1 {
                out.write_all(&to_i16((left + right) / 2.0).to_le_bytes())?;
            } else {
                out.write_all(&to_i16(*left).to_le_bytes())?;
                out.write_all(&to_i16(*right).to_le_bytes())?;
            }
        }
        out.flush()
    }
}

/// The 44 bytes before the samples of a 16 bit PCM file.
fn wav_header(rate_hertz: u32, channels: u16, sample_frames: u32) -> Vec<u8> {
    let frame_bytes = channels * 2;
    let data_bytes = sample_frames * u32::from(frame_bytes);
    let mut header = Vec::with_capacity(44);
    header.extend(b"RIFF");
    header.extend((data_bytes + 36).to_le_bytes());
    header.extend(b"WAVEfmt \x10\0\0\0\x01\0");
    header.extend(channels.to_le_bytes());
    header.extend(rate_hertz.to_le_bytes());
    header.extend((rate_hertz * u32::from(frame_bytes)).to_le_bytes());
    header.extend(frame_bytes.to_le_bytes());
    header.extend(b"\x10\0data");
    header.extend(data_bytes.to_le_bytes());
    header
}

/// The frequency of the note `semitones` above middle C, in equal temperament.
fn hertz(semitones: i32) -> f64 {
    440.0 * (f64::from(semitones - 9) / 12.0).exp2()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a piece is far shorter than a usize of samples, and time does not run backwards"
)]
fn sample_frames(count: f64) -> usize {
    count.round() as usize
}

#[expect(clippy::cast_possible_truncation, reason = "clamped to what an i16 holds")]
fn to_i16(sample: f64) -> i16 {
    (sample.clamp(-1.0, 1.0) * f64::from(i16::MAX)).round() as i16
}

/// No note begins or ends at once, or it would click.
const ATTACK_SECONDS: f64 = 0.012;
const RELEASE_SECONDS: f64 = 0.08;
/// One soft echo, from each side to the other.
const ECHO_SECONDS: f64 = 0.31;
const ECHO: f64 = 0.28;

/// The programme: calm, bright, slow, and a short one to sign off with.
const PIECES: [Piece; 4] = [
    Piece {
        file: "first-light.wav",
        rate_hertz: 44_100,
        channels: 2,
        beats_per_minute: 96.0,
        progression: &[[0, 4, 7, 11], [-3, 0, 4, 7], [-7, 0, 4, 9], [-5, 2, 4, 11]],
        rounds: 2,
        melody: ["2.123.2.", "1.232..."],
        kick: "x....x..",
        snare: "..x...x.",
        hat: ".x.x.x.x",
        timbre: Timbre::Soft,
    },
    Piece {
        file: "cafe-on-the-corner.wav",
        rate_hertz: 48_000,
        channels: 2,
        beats_per_minute: 124.0,
        progression: &[[2, 5, 9, 12], [-5, 5, 9, 11], [0, 4, 7, 14], [-3, 4, 7, 13]],
        rounds: 3,
        melody: ["3.2.13.2", ".12.3..."],
        kick: "x..x..x.",
        snare: "....x..x",
        hat: "xxxxxxxx",
        timbre: Timbre::Reed,
    },
    Piece {
        file: "night-ferry.wav",
        rate_hertz: 44_100,
        channels: 2,
        beats_per_minute: 72.0,
        progression: &[[-3, 0, 4, 11], [-7, 0, 5, 9], [-12, 4, 7, 12], [-5, 2, 7, 9]],
        rounds: 2,
        melody: ["3...2.1.", "2.3.1..."],
        kick: "x.......",
        snare: "....x...",
        hat: "..x...xx",
        timbre: Timbre::Bell,
    },
    Piece {
        file: "sign-off.wav",
        rate_hertz: 22_050,
        channels: 1,
        beats_per_minute: 112.0,
        progression: &[[-7, 0, 4, 9], [-5, 2, 5, 11], [-8, 2, 7, 11], [0, 4, 7, 12]],
        rounds: 1,
        melody: ["0.1.2.3.", "3.2.3..."],
        kick: "x...x...",
        snare: "..x...x.",
        hat: "........",
        timbre: Timbre::Bell,
    },
];

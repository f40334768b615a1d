//! Tones in, envelopes out: compared with what Liquidsoap 2.1.3 made of the same tones.
//!
//! The recordings are cut in frames of 40 ms, so a border may lie up to [`PLACING_MS`] from ours,
//! counted from the border before it; every level must be within [`LEVEL_OFF_MAX`].

use super::*;
use crate::mix::tone::{Filler, Sound};

#[test]
fn three_tracks_cross_as_recorded() {
    let recorded = Recorded::read(include_str!("recordings/abc.txt"));

    let heard = Heard::of([track(0), track(1), track(2)], &[]);

    let border = recorded.fits(&heard, 1, 6_900..9_300, 0);
    recorded.fits(&heard, 0, 7_000..10_100, 0);
    let next_border = recorded.fits(&heard, 2, 13_900..16_300, border);
    recorded.fits(&heard, 1, 14_000..17_100, border);
    recorded.fits(&heard, 2, 21_900..23_900, next_border);
    assert_eq!(heard.begun, [0, 7_000, 14_000]);
    assert_eq!(heard.length_ms(), 24_000);
}

#[test]
fn a_skip_crosses_as_recorded() {
    let recorded = Recorded::read(include_str!("recordings/skip.txt"));

    let heard = Heard::of([track(0), track(1), track(2)], &[4_920]);

    let border = recorded.fits(&heard, 1, 4_800..7_200, 0);
    recorded.fits(&heard, 0, 4_800..8_000, 0);
    recorded.fits(&heard, 2, 11_900..14_300, border);
    let begun = heard.begun[1];
    assert!((4_920..=5_020).contains(&begun), "the skip is heard at {begun} ms");
}

#[test]
fn a_track_that_wants_no_crossfade_gets_none() {
    let recorded = Recorded::read(include_str!("recordings/nocross.txt"));
    let alone = Marks { overlap: Some(0), ..Marks::default() };

    let heard = Heard::of([(0, alone), track(1)], &[]);

    recorded.fits(&heard, 0, 9_000..9_900, 0);
    recorded.fits(&heard, 1, 10_100..17_000, 0);
    assert_eq!(heard.begun, [0, 10_000]);
    assert_eq!(heard.length_ms(), 20_000);
}

#[test]
fn a_track_that_wants_a_longer_crossfade_gets_it_at_its_own_border_only() {
    let recorded = Recorded::read(include_str!("recordings/longer.txt"));
    let longer = Marks { overlap: Some(5 * RATE), fade_out: Some(4 * RATE), ..Marks::default() };

    let heard = Heard::of([(0, longer), track(1), track(2)], &[]);

    recorded.fits(&heard, 0, 5_000..10_000, 0);
    assert_eq!(heard.begun, [0, 5_000, 12_000]);
}

#[test]
fn a_track_shorter_than_the_crossfade_is_heard_from_its_beginning_to_its_end() {
    // Liquidsoap cuts such a track off, and the next one enters in the middle of its fade.
    let heard = Heard::of_tones(vec![(0, 10.0), (1, 1.5), (2, 10.0)], &[]);

    assert_eq!(heard.begun, [0, 9_250, 10_000]);
    assert!(heard.level(1, 9_250) < 0.1, "it begins from nothing");
    assert!(heard.level(1, 9_950) > 0.9, "is full in its middle");
    assert!(heard.level(1, 10_650) < 0.1, "and ends in nothing");
    assert!(heard.level(2, 10_000) < 0.1, "the next begins from nothing too");
    assert!(heard.level(2, 10_700) > 0.95);
    assert_eq!(heard.length_ms(), 20_000);
}

/// Levels of tones, window by window.
struct Recorded(Vec<(u64, Vec<f32>)>);

impl Recorded {
    /// Rows that are like the one before them are left out in the text.
    fn read(text: &str) -> Self {
        let rows = text.lines().filter(|line| !line.starts_with('#')).map(|line| {
            let mut numbers = line.split_whitespace();
            let time_ms = numbers.next().unwrap().replace('.', "").parse().unwrap();
            (time_ms, numbers.map(|number| number.parse().unwrap()).collect())
        });
        Self(rows.collect())
    }

    fn level(&self, tone: usize, time_ms: u64) -> f32 {
        let row = self.0.iter().rev().find(|(at, _)| *at <= time_ms).unwrap();
        row.1[tone]
    }

    /// Expects that the level of `tone` moves as recorded between these times, at most
    /// [`PLACING_MS`] from `around` earlier than recorded; says how much earlier.
    fn fits(&self, heard: &Heard, tone: usize, times: std::ops::Range<u64>, around: i64) -> i64 {
        let off = |earlier: i64| {
            let off = |at: u64| {
                let ours = heard.level(tone, at.saturating_add_signed(-earlier));
                (self.level(tone, at) - ours).abs()
            };
            times.clone().step_by(100).map(off).fold(0.0, f32::max)
        };
        let shifts = (around - PLACING_MS..=around + PLACING_MS).step_by(5);
        let all = shifts.map(|earlier| (earlier, off(earlier)));
        let (earlier, off) = all.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
        assert!(off <= LEVEL_OFF_MAX, "tone {tone} is off by {off} in {times:?}");
        earlier
    }
}

struct Heard {
    samples: Vec<f32>,
    /// When each track began, in ms.
    begun: Vec<u64>,
}

impl Heard {
    /// Plays tracks of ten seconds of a tone, and skips at these times.
    fn of<const N: usize>(tracks: [(usize, Marks); N], skips_ms: &[u64]) -> Self {
        Self::played(tracks.map(|(tone, marks)| (tone, 10.0, marks)).to_vec(), skips_ms)
    }

    fn of_tones(tones: Vec<(usize, f64)>, skips_ms: &[u64]) -> Self {
        let tracks = tones.into_iter().map(|(tone, length)| (tone, length, Marks::default()));
        Self::played(tracks.collect(), skips_ms)
    }

    fn played(tracks: Vec<(usize, f64, Marks)>, skips_ms: &[u64]) -> Self {
        let second = Duration::from_secs(1);
        let crossfade = Crossfade {
            duration: 3 * second,
            fade_in: 2 * second,
            fade_out: 2 * second,
            ..Crossfade::default()
        };
        let emergency = Box::new(Filler::new(Sound::Silence, 44_100));
        let mut timeline = Timeline::new(44_100, crossfade, emergency);
        let mut coming = tracks.into_iter();
        let mut skips = skips_ms.iter().copied().peekable();
        let mut heard = Self { samples: Vec::new(), begun: Vec::new() };
        loop {
            if skips.next_if(|at| *at <= heard.length_ms()).is_some() {
                timeline.skip();
            }
            if timeline.next().is_none() {
                match coming.next() {
                    Some((tone, seconds, marks)) => {
                        timeline.load((), None, marks);
                        timeline.put(Side::Next, sine(TONES_HZ[tone], seconds));
                        timeline.end(Side::Next);
                    }
                    None => timeline.expect_nothing(),
                }
            }
            if let Step::Whole(block) = timeline.step(1_152, false) {
                heard.samples.extend_from_slice(block.plane(0));
            }
            while let Some((at, track)) = timeline.begun() {
                if track.is_none() {
                    heard.samples.truncate(usize::try_from(at).unwrap());
                    return heard;
                }
                heard.begun.push(at * 1_000 / 44_100);
            }
        }
    }

    fn length_ms(&self) -> u64 {
        self.samples.len() as u64 * 1_000 / 44_100
    }

    /// The amplitude of a tone, relative to its own, in the 100 ms from `time_ms` on.
    fn level(&self, tone: usize, time_ms: u64) -> f32 {
        let from = usize::try_from(time_ms * 44_100 / 1_000).unwrap();
        let window = &self.samples[from.min(self.samples.len())..];
        let window = &window[..window.len().min(4_410)];
        let turn = TONES_HZ[tone] / RATE as f64 * std::f64::consts::TAU;
        let (mut cosine, mut sine) = (0.0, 0.0);
        for (at, sample) in window.iter().enumerate() {
            cosine += f64::from(*sample) * (turn * at as f64).cos();
            sine += f64::from(*sample) * (turn * at as f64).sin();
        }
        #[expect(clippy::cast_possible_truncation, reason = "between 0 and 1")]
        let level = (2.0 * cosine.hypot(sine) / 4_410.0 / LEVEL) as f32;
        level
    }
}

fn track(tone: usize) -> (usize, Marks) {
    (tone, Marks::default())
}

fn sine(pitch_hz: f64, seconds: f64) -> Block {
    #[expect(clippy::cast_possible_truncation, reason = "a few seconds")]
    #[expect(clippy::cast_sign_loss, reason = "a length")]
    let length = (seconds * RATE as f64).round() as usize;
    let turn = pitch_hz / RATE as f64 * std::f64::consts::TAU;
    #[expect(clippy::cast_possible_truncation, reason = "samples are f32")]
    let plane: Vec<f32> = (0..length).map(|at| (LEVEL * (turn * at as f64).sin()) as f32).collect();
    Block::stereo(44_100, plane.clone(), plane)
}

const TONES_HZ: [f64; 3] = [500.0, 1_500.0, 2_500.0];
/// A little below −6 dBFS, so that two of them stay below the knee of the guard.
const LEVEL: f64 = 0.45;
const RATE: usize = 44_100;
const PLACING_MS: i64 = 60;
const LEVEL_OFF_MAX: f32 = 0.02;

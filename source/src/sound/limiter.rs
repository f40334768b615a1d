//! `limiter`: nothing goes above the ceiling, not even between the samples.
//!
//! It looks ahead: the sound is delayed a little, and when a peak comes, the gain has gone down
//! evenly before it arrives. For that, the least gain that any peak within reach needs is averaged
//! over the look-ahead; afterwards it goes up again with the release. Peaks are true peaks. Gains
//! are whole numbers of a fixed unit, so that their running sum stays exact for years. Pure.

use super::dial::{Dial, Unit};
use super::glide::Glide;
use super::true_peak::{self, PART, TruePeak};
use super::{Effect, Stage, amplitude, single};

/// The settings of a `limiter`.
#[derive(Clone, Debug, PartialEq)]
pub struct Limiter {
    /// How much louder everything is made before.
    pub gain_db: f64,
    /// Nothing goes above this, as a true peak below full scale.
    pub ceiling_db: f64,
    /// How fast it gets louder again after a peak: the time after which 63 % of the way is gone.
    pub release_s: f64,
    /// How far it looks ahead, and how much later it is heard therefore.
    pub lookahead_s: f64,
}

/// The stage.
#[derive(Debug)]
pub(super) struct LimiterStage {
    rate_hz: u32,
    gain: Glide,
    ceiling: f32,
    release: f64,
    peaks: [TruePeak; 2],
    /// The sound that is still to be heard.
    delays: [Line<f32>; 2],
    /// Gains that peaks need, while they are within reach.
    needs: Least,
    /// The gain after the release, as it would be without looking ahead; in parts of [`ONE`].
    released: f64,
    /// The last of those, and their sum.
    gains: Line<u32>,
    sum: u64,
    /// Sample frames since the gain was anything but one.
    rest: usize,
}

/// A line: what goes in comes out after a while.
#[derive(Debug)]
struct Line<T> {
    values: Vec<T>,
    at: usize,
}

/// The least of the last values.
#[derive(Debug)]
struct Least {
    /// Values, each less than all before it, with the numbers of when they came; as a ring.
    ring: Vec<(u64, u32)>,
    first: usize,
    length: usize,
    /// How many values have come.
    come: u64,
    /// Of how many the least is wanted.
    reach: u64,
}

impl Limiter {
    pub(super) fn dials(&mut self) -> Vec<Dial<'_>> {
        vec![
            Dial::new("gain_db", Unit::Decibels, (-24.0, 24.0), &mut self.gain_db),
            Dial::new("ceiling_db", Unit::Decibels, (-24.0, 0.0), &mut self.ceiling_db),
            Dial::new("release", Unit::Seconds, (0.01, 5.0), &mut self.release_s),
        ]
    }

    pub(super) fn stage(&self, rate_hz: u32) -> LimiterStage {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some hundred")]
        let ahead = ((self.lookahead_s * f64::from(rate_hz)) as usize).max(1);
        let mut stage = LimiterStage {
            rate_hz,
            gain: Glide::new(amplitude(self.gain_db), rate_hz),
            ceiling: 0.0,
            release: 0.0,
            peaks: [TruePeak::new(), TruePeak::new()],
            delays: [(); 2].map(|()| Line::new(ahead + true_peak::LATENCY, 0.0)),
            needs: Least::new(ahead + 2),
            released: f64::from(ONE),
            gains: Line::new(ahead, ONE),
            sum: u64::from(ONE) * ahead as u64,
            rest: ahead + 3,
        };
        stage.go(self);
        stage
    }
}

impl Default for Limiter {
    fn default() -> Self {
        Self { gain_db: 0.0, ceiling_db: -1.0, release_s: 0.1, lookahead_s: 0.005 }
    }
}

impl LimiterStage {
    fn go(&mut self, by: &Limiter) {
        self.gain.go(amplitude(by.gain_db));
        self.ceiling = single(amplitude(by.ceiling_db - UNSEEN_DB));
        self.release = 1.0 - (-1.0 / (by.release_s * f64::from(self.rate_hz))).exp();
    }

    /// The next gain, when a peak comes that needs `need`.
    fn next_gain(&mut self, need: u32) -> u64 {
        let least = self.needs.next(need);
        let up = self.released + (f64::from(ONE) - self.released) * self.release;
        self.released = up.min(f64::from(least));
        // What is so near is there.
        if f64::from(ONE) - self.released < NEAR {
            self.released = f64::from(ONE);
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 0 to ONE"
        )]
        let gain = self.released as u32;
        self.sum += u64::from(gain);
        self.sum -= u64::from(self.gains.next(gain));
        self.rest = if gain == ONE { self.rest.saturating_add(1) } else { 0 };
        self.sum
    }

    /// Whether nothing of the past lowers what comes.
    fn is_at_rest(&self) -> bool {
        self.rest > self.gains.values.len() + 2
    }

    /// Up to [`PART`] sample frames.
    fn process_part(&mut self, left: &mut [f32], right: &mut [f32]) {
        let mut peaks = [0.0_f32; PART];
        let peaks = &mut peaks[..left.len()];
        for (side, peak) in [&*left, &*right].into_iter().zip(&mut self.peaks) {
            peak.measure(side, peaks);
        }
        let is_loud = peaks.iter().any(|peak| *peak > self.ceiling);
        for (side, delay) in [&mut *left, &mut *right].into_iter().zip(&mut self.delays) {
            side.iter_mut().for_each(|sample| *sample = delay.next(*sample));
        }
        if !is_loud && self.is_at_rest() {
            // The needs within reach and the gains are all one, and stay so.
            return;
        }
        let one = f64::from(ONE) * self.gains.values.len() as f64;
        for (peak, (left, right)) in peaks.iter().zip(left.iter_mut().zip(right)) {
            let need = if *peak > self.ceiling { part_of_one(self.ceiling / peak) } else { ONE };
            let gain = single(self.next_gain(need) as f64 / one);
            *left *= gain;
            *right *= gain;
        }
    }
}

impl Stage for LimiterStage {
    fn process(&mut self, left: &mut [f32], right: &mut [f32]) {
        for (left, right) in left.chunks_mut(PART).zip(right.chunks_mut(PART)) {
            if self.gain.is_moving() {
                for (left, right) in left.iter_mut().zip(&mut *right) {
                    let gain = single(self.gain.next());
                    *left *= gain;
                    *right *= gain;
                }
            } else {
                let gain = single(self.gain.now());
                left.iter_mut().chain(&mut *right).for_each(|sample| *sample *= gain);
            }
            self.process_part(left, right);
        }
    }

    fn take_over(&mut self, effect: &Effect) {
        let Effect::Limiter(limiter) = effect else { return };
        self.go(limiter);
    }

    fn latency(&self) -> usize {
        self.delays[0].values.len()
    }
}

impl<T: Copy> Line<T> {
    fn new(length: usize, value: T) -> Self {
        Self { values: vec![value; length], at: 0 }
    }

    fn next(&mut self, value: T) -> T {
        let out = std::mem::replace(&mut self.values[self.at], value);
        self.at += 1;
        if self.at == self.values.len() {
            self.at = 0;
        }
        out
    }
}

impl Least {
    fn new(reach: usize) -> Self {
        let ring = vec![(0, ONE); reach + 1];
        Self { ring, first: 0, length: 0, come: 0, reach: reach as u64 }
    }

    fn next(&mut self, value: u32) -> u32 {
        while self.length > 0 && self.ring[self.place(self.length - 1)].1 >= value {
            self.length -= 1;
        }
        let end = self.place(self.length);
        self.ring[end] = (self.come, value);
        self.length += 1;
        self.come += 1;
        if self.ring[self.first].0 + self.reach < self.come {
            self.first = self.place(1);
            self.length -= 1;
        }
        self.ring[self.first].1
    }

    fn place(&self, offset: usize) -> usize {
        let place = self.first + offset;
        if place < self.ring.len() { place } else { place - self.ring.len() }
    }
}

/// A gain as a whole number, not above what it is.
fn part_of_one(gain: f32) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to ONE")]
    let part = (f64::from(gain) * f64::from(ONE)) as u32;
    part.min(ONE)
}

/// The gain that leaves everything as it is.
const ONE: u32 = 1 << 30;
/// A gain this near to one is one: 0.000 1 dB.
const NEAR: f64 = 12_000.0;
/// So much is kept free for what true peaks do not see.
const UNSEEN_DB: f64 = 0.2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sound::listening::{RATE_HZ, level_db, step_max, through, tone, tone_of};
    use std::f64::consts::PI;

    #[test]
    fn no_true_peak_goes_above_the_ceiling() {
        for (what, sound) in nasty() {
            let mut stage = Limiter::default().stage(RATE_HZ);

            let silence = vec![0.0; sound.len()];
            let [left, _] = through(&mut stage, &[sound.clone(), silence]);

            let (meter_db, most_db) = (db(drawn_peak(&left, 4, 12)), db(drawn_peak(&left, 16, 48)));
            assert!(db(drawn_peak(&sound, 4, 12)) > 3.0, "{what} would not be limited");
            assert!(meter_db <= -1.0, "{what}: {meter_db} dBTP by a meter");
            // A converter that draws all up to half the rate may see more of noise up to there.
            assert!(most_db <= -0.3, "{what}: {most_db} dBTP");
            let least_db = if what.starts_with("noise") { -4.0 } else { -2.0 };
            assert!(meter_db >= least_db, "{what}: {meter_db} dBTP is too soft");
        }
    }

    #[test]
    fn what_stays_below_the_ceiling_comes_out_as_it_was_only_later() {
        let sound = tone(997.0, -1.5);
        let mut stage = Limiter::default().stage(RATE_HZ);

        let [left, right] = through(&mut stage, &[sound.clone(), sound.clone()]);

        let later = stage.latency();
        assert_eq!(later, 220 + 12);
        for side in [&left, &right] {
            assert!(side[later..] == sound[..44_100 - later], "it is not as it was");
        }
        assert!(left[..later].iter().all(|sample| *sample == 0.0));
    }

    #[test]
    fn a_peak_lowers_both_sides_before_it_comes_and_then_lets_go() {
        let quiet = vec![0.1_f32; 44_100];
        let mut clicks = quiet.clone();
        clicks[10_000] = 4.0;
        let mut stage = Limiter::default().stage(RATE_HZ);
        let later = stage.latency();

        let [left, right] = through(&mut stage, &[quiet, clicks]);

        let at = 10_000 + later;
        let needed = single(amplitude(-1.2)) / 4.0;
        assert!((left[at] / 0.1 - needed).abs() < 0.01, "{} {needed}", left[at] / 0.1);
        assert!((right[at] - 4.0 * needed).abs() < 0.01, "{}", right[at]);
        assert_eq!(left[at - 300], 0.1, "nothing is done before it is within reach");
        let let_go = left[at + 2 * 44_100 / 3];
        assert!((let_go - 0.1).abs() < 0.000_2, "{let_go}");
        // 12 dB in 5 ms, evenly.
        assert!(step_max(&left[later..]) < 0.1 / 200.0, "{}", step_max(&left[later..]));
    }

    #[test]
    fn after_the_release_it_is_as_it_was_to_the_bit() {
        let mut stage = Limiter::default().stage(RATE_HZ);
        let loud = tone(997.0, 9.0);
        through(&mut stage, &[loud.clone(), loud]);
        let silence = vec![0.0; 2 * 44_100];
        through(&mut stage, &[silence.clone(), silence]);

        let soft = tone(997.0, -3.0);
        let [left, _] = through(&mut stage, &[soft.clone(), soft.clone()]);

        let later = stage.latency();
        assert!(left[later..] == soft[..soft.len() - later], "it is not as it was");
    }

    #[test]
    fn it_makes_louder_what_goes_in_if_it_shall() {
        let sound = tone(997.0, -20.0);
        let mut stage = Limiter { gain_db: 10.0, ..Limiter::default() }.stage(RATE_HZ);

        let [left, _] = through(&mut stage, &[sound.clone(), sound]);

        assert!((level_db(&left[1_000..]) + 10.0).abs() < 0.01);
    }

    #[test]
    fn a_change_while_it_sounds_makes_no_click() {
        let sound = tone(100.0, 0.0);
        let steps = step_max(&sound);
        let mut stage = Limiter::default().stage(RATE_HZ);
        let later = stage.latency();
        let mut heard = Vec::new();

        for (part, sound) in sound.chunks(4_410).enumerate() {
            let ceiling_db = if part % 2 == 0 { -1.0 } else { -24.0 };
            stage.take_over(&Effect::Limiter(Limiter { ceiling_db, ..Limiter::default() }));
            heard.extend(through(&mut stage, &[sound.to_vec(), sound.to_vec()])[0].clone());
        }

        // All of it in 5 ms, which are 220 sample frames.
        let most = steps + 1.0 / 220.0;
        assert!(step_max(&heard[later..]) < most, "{}", step_max(&heard[later..]));
    }

    /// Sounds whose peaks are hard to see.
    fn nasty() -> Vec<(String, Vec<f32>)> {
        let mut all: Vec<(String, Vec<f32>)> = Vec::new();
        let tones =
            [(997.0, 0.0), (7_350.0, 0.125), (11_025.0, 0.25), (18_000.0, 0.1), (20_000.0, 0.3)];
        for (pitch_hz, phase) in tones {
            let turn = |at: u32| phase + pitch_hz * f64::from(at) / f64::from(RATE_HZ);
            let tone = (0..4_410).map(|at| single(2.0 * (2.0 * PI * turn(at)).sin()));
            all.push((format!("a tone of {pitch_hz} Hz"), tone.collect()));
        }
        let mut state = 1_u32;
        let mut random = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / f64::from(1 << 24) * 2.0 - 1.0
        };
        all.push(("noise".to_owned(), (0..4_410).map(|_| single(random() * 4.0)).collect()));
        let signs = (0..4_410).map(|_| single(random().signum() * 2.0));
        all.push(("noise of signs".to_owned(), signs.collect()));
        let square = (0..4_410).map(|at| if at / 37 % 2 == 0 { 1.5 } else { -1.5 });
        all.push(("a square".to_owned(), square.collect()));
        let clicks = (0..4_410).map(|at| if at % 1_000 == 0 { 3.0 } else { 0.0 });
        all.push(("clicks".to_owned(), clicks.collect()));
        let bursts = tone_of(8_000.0, 9.0, 4_410).into_iter().enumerate();
        let bursts = bursts.map(|(at, it)| if at / 500 % 2 == 0 { 0.1 * it } else { it });
        all.push(("bursts".to_owned(), bursts.collect()));
        all.push(("bass".to_owned(), tone_of(40.0, 12.0, 4_410)));
        all
    }

    fn db(peak: f64) -> f64 {
        20.0 * peak.log10()
    }

    /// The peak of the wave, by so many `points` for each sample, from `half` of them on each side.
    fn drawn_peak(samples: &[f32], points: u32, half: i32) -> f64 {
        let mut peak = 0.0_f64;
        for point in 0..points {
            let place = f64::from(point) / f64::from(points);
            let tap = |at: i32| {
                let from = f64::from(at) + 1.0 - place;
                let sinc = if from == 0.0 { 1.0 } else { (PI * from).sin() / (PI * from) };
                sinc * (PI * from / (2.0 * f64::from(half) + 2.0)).cos().powi(2)
            };
            let taps: Vec<f64> = (-half..half).map(tap).collect();
            for window in samples.windows(taps.len()) {
                let products = window.iter().zip(&taps).map(|(it, tap)| f64::from(*it) * tap);
                peak = peak.max(products.sum::<f64>().abs());
            }
        }
        peak
    }
}

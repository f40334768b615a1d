//! Signals: what stands in where there is no music, of a wave or a noise.
//!
//! Waves with edges have them rounded within a sample frame, so that little is heard of what is
//! above half the sample rate. Noises are the same in every run. Nothing is louder than its level
//! as a peak. Pure.

use std::f64::consts::TAU;

/// A signal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Signal {
    /// What it is like.
    pub wave: Wave,
    /// How high, for what has a pitch.
    pub pitch_hz: f64,
    /// Its peak level in decibels of full scale.
    pub level_db: f64,
}

/// What a signal is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wave {
    /// Noise that is 6 dB softer with each octave.
    BrownNoise,
    /// Noise that is 3 dB softer with each octave.
    PinkNoise,
    /// A wave that goes up and falls back.
    Saw,
    /// A pure tone.
    Sine,
    /// A wave of two levels.
    Square,
    /// A wave that goes up and down.
    Triangle,
    /// Noise that is as loud at every pitch.
    WhiteNoise,
}

/// Makes it, without an end.
#[derive(Clone, Debug)]
pub struct Generator {
    wave: Wave,
    level: f64,
    /// How far it goes in a sample frame, and is in its present turn: 0 to 1.
    step: f64,
    turn: f64,
    /// Of the noise.
    seed: u64,
    /// What noises remember.
    past: [f64; 3],
}

impl Wave {
    /// Every wave there is, as the configuration calls it.
    pub const ALL: [(&'static str, Self); 7] = [
        ("brown-noise", Self::BrownNoise),
        ("pink-noise", Self::PinkNoise),
        ("saw", Self::Saw),
        ("sine", Self::Sine),
        ("square", Self::Square),
        ("triangle", Self::Triangle),
        ("white-noise", Self::WhiteNoise),
    ];
}

impl Default for Signal {
    fn default() -> Self {
        Self { wave: Wave::Sine, pitch_hz: 440.0, level_db: -20.0 }
    }
}

impl Generator {
    /// A generator of `signal` at this rate; a pitch that there is not counts as the highest.
    pub fn new(signal: Signal, rate_hz: u32) -> Self {
        let step = (signal.pitch_hz / f64::from(rate_hz)).clamp(0.0, STEP_MAX);
        let level = 10.0_f64.powf(signal.level_db.min(0.0) / 20.0);
        Self { wave: signal.wave, level, step, turn: 0.0, seed: SEED, past: [0.0; 3] }
    }

    /// The next sample.
    pub fn sample(&mut self) -> f32 {
        let turn = self.turn;
        let half = (turn + 0.5).fract();
        let value = match self.wave {
            Wave::BrownNoise => {
                self.past[0] = 0.98 * self.past[0] + 0.1 * self.noise();
                self.past[0]
            }
            Wave::PinkNoise => self.pink(),
            Wave::Saw => 2.0 * half - 1.0 - self.rounded(half),
            Wave::Sine => (turn * TAU).sin(),
            Wave::Square => {
                let level = if turn < 0.5 { 1.0 } else { -1.0 };
                level + self.rounded(turn) - self.rounded(half)
            }
            Wave::Triangle => 1.0 - 4.0 * ((turn + 0.25).fract() - 0.5).abs(),
            Wave::WhiteNoise => self.noise(),
        };
        self.turn = (turn + self.step).fract();
        #[expect(clippy::cast_possible_truncation, reason = "samples are f32")]
        let sample = (value.clamp(-1.0, 1.0) * self.level) as f32;
        sample
    }

    /// What is added to a step from −1 to 1, where `turn` begins anew: two parabolas.
    fn rounded(&self, turn: f64) -> f64 {
        if turn < self.step {
            let part = turn / self.step;
            2.0 * part - part * part - 1.0
        } else if turn > 1.0 - self.step {
            let part = (turn - 1.0) / self.step;
            part * part + 2.0 * part + 1.0
        } else {
            0.0
        }
    }

    /// From −1 to 1, evenly.
    fn noise(&mut self) -> f64 {
        // Marsaglia's xorshift, which never comes to 0.
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        #[expect(clippy::cast_precision_loss, reason = "53 bits are left")]
        let part = (self.seed >> 11) as f64 / (1_u64 << 53) as f64;
        2.0 * part - 1.0
    }

    /// White noise through three filters of Paul Kellet's, which are within 0.5 dB of pink.
    fn pink(&mut self) -> f64 {
        let white = self.noise();
        let shares = [(0.997_65, 0.099_046), (0.963, 0.296_516_4), (0.57, 1.052_691_3)];
        for (past, (keep, take)) in self.past.iter_mut().zip(shares) {
            *past = keep * *past + take * white;
        }
        (self.past.iter().sum::<f64>() + 0.1848 * white) * 0.15
    }
}

/// Nothing is higher than this part of the sample rate.
const STEP_MAX: f64 = 0.45;
const SEED: u64 = 0x2545_F491_4F6C_DD1D;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn waves_have_their_shapes() {
        let up = std::f64::consts::FRAC_1_SQRT_2;
        for (wave, expected) in [
            (Wave::Saw, [0.0, 0.25, 0.5, 0.75, 0.0, -0.75, -0.5, -0.25]),
            (Wave::Sine, [0.0, up, 1.0, up, 0.0, -up, -1.0, -up]),
            (Wave::Square, [0.0, 1.0, 1.0, 1.0, 0.0, -1.0, -1.0, -1.0]),
            (Wave::Triangle, [0.0, 0.5, 1.0, 0.5, 0.0, -0.5, -1.0, -0.5]),
        ] {
            let heard = heard(wave, 1_000.0, 8_000, 16);

            for (at, sample) in heard.iter().enumerate() {
                let wanted = expected[at % 8];
                assert!((sample - wanted).abs() < 1e-3, "{wave:?}: {heard:?}");
            }
        }
    }

    #[test]
    fn edges_leave_little_beside_the_wave_and_its_harmonics() {
        // Turns do not fit into sample frames, so what is folded back is beside the harmonics.
        for wave in [Wave::Saw, Wave::Square, Wave::Triangle] {
            let heard = heard(wave, 1_900.0, 44_100, 44_100);
            let (whole, aside) = (power(&heard, 1_900.0), power(&heard, 700.0));
            assert!(whole > 0.1 && aside < whole * 1e-5, "{wave:?}: {aside} of {whole}");
        }
    }

    #[test]
    fn noises_fall_off_as_their_colours_say() {
        for (wave, octave_db) in
            [(Wave::BrownNoise, -6.0), (Wave::PinkNoise, -3.0), (Wave::WhiteNoise, 0.0)]
        {
            let heard = heard(wave, 440.0, 44_100, 441_000);
            // Tens of narrow bands, an octave apart.
            let band = |from_hz: f64| {
                let bands = (0..40).map(|at| from_hz + f64::from(at) * 5.0);
                bands.map(|hz| power(&heard, hz)).sum::<f64>()
            };
            let off = 10.0 * (band(4_000.0) / band(2_000.0)).log10() - octave_db;
            assert!(off.abs() < 1.5, "{wave:?}: {off}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_louder_than_its_level(
            wave in prop::sample::select(Wave::ALL.map(|(_, wave)| wave).to_vec()),
            pitch_hz in -10.0..40_000.0_f64,
            level_db in -90.0..10.0_f64,
            rate_hz in prop::sample::select(vec![16_000_u32, 44_100]),
        ) {
            let mut generator = Generator::new(Signal { wave, pitch_hz, level_db }, rate_hz);
            let most = 10.0_f64.powf(level_db.min(0.0) / 20.0) + 1e-6;
            for _ in 0..5_000 {
                let sample = f64::from(generator.sample());
                prop_assert!(sample.abs() <= most, "{sample}");
            }
        }
    }

    fn heard(wave: Wave, pitch_hz: f64, rate_hz: u32, count: usize) -> Vec<f64> {
        let mut generator = Generator::new(Signal { wave, pitch_hz, level_db: 0.0 }, rate_hz);
        (0..count).map(|_| f64::from(generator.sample())).collect()
    }

    /// Of what is about this pitch, at 44.1 kHz.
    fn power(heard: &[f64], hz: f64) -> f64 {
        let (mut sin, mut cos) = (0.0, 0.0);
        for (at, sample) in heard.iter().enumerate() {
            let (s, c) = (at as f64 * hz / 44_100.0 * TAU).sin_cos();
            (sin, cos) = (sin + sample * s, cos + sample * c);
        }
        (sin * sin + cos * cos) / (heard.len() as f64).powi(2)
    }
}

//! A tone, found again in what a player decoded.
//!
//! Whether a stream was heard is told by its sound, not by its bytes: a decoder that is out of step
//! gives noise or silence, which has as many samples.

use std::f64::consts::TAU;

/// The samples of raw 16-bit audio of one channel.
pub fn samples(raw: &[u8]) -> Vec<i16> {
    raw.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
}

/// Which part of the energy of `samples`, `rate_hz` of them in a second, is at `tone_hz`: 1 for
/// the tone alone, 0.81 for a square wave of it, 0 for silence.
pub fn share(samples: &[i16], rate_hz: u32, tone_hz: f64) -> f64 {
    let step = TAU * tone_hz / f64::from(rate_hz);
    let (mut cosines, mut sines, mut energy) = (0.0, 0.0, 0.0);
    let mut phase = 0.0_f64;
    for sample in samples {
        let sample = f64::from(*sample);
        cosines += sample * phase.cos();
        sines += sample * phase.sin();
        energy += sample * sample;
        phase += step;
    }
    if energy == 0.0 {
        return 0.0;
    }
    let count = f64::from(u32::try_from(samples.len()).expect("some seconds of sound"));
    2.0 * (cosines * cosines + sines * sines) / (count * energy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::cast_possible_truncation, reason = "a sine is below its amplitude")]
    fn sine(hz: f64) -> Vec<i16> {
        (0..48_000)
            .map(|at| (8_000.0 * (TAU * hz * f64::from(at) / 48_000.0).sin()) as i16)
            .collect()
    }

    #[test]
    fn a_tone_is_told_from_its_neighbours_and_from_silence() {
        assert!(share(&sine(500.0), 48_000, 500.0) > 0.99);
        assert!(share(&sine(520.0), 48_000, 500.0) < 0.01);
        assert!(share(&[0; 1_000], 48_000, 500.0) == 0.0);
    }
}

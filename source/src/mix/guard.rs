//! Keeps samples within full scale, softly.
//!
//! Lossy decoders give peaks above 1.0, and a sample cut off flat there would crackle. What is
//! below the knee passes untouched; what is above approaches full scale and never reaches it.

use crate::pcm::block::Block;

/// Bends whatever exceeds the knee back below full scale.
pub fn guard(block: &mut Block) {
    for channel in 0..block.planes().len() {
        for sample in block.plane_mut(channel) {
            // Written so that what is not a number counts as outside.
            let inside = sample.abs() <= KNEE;
            if !inside {
                *sample = bent(*sample);
            }
        }
    }
}

fn bent(sample: f32) -> f32 {
    let over = (sample.abs() - KNEE) / (1.0 - KNEE);
    let level = KNEE + (1.0 - KNEE) * over.tanh();
    if sample.is_nan() { 0.0 } else { level.copysign(sample) }
}

/// Levels up to here pass untouched: −0.18 dB.
const KNEE: f32 = 0.98;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_below_the_knee_is_untouched() {
        assert_eq!(guarded(&[0.0, -0.5, 0.98, -0.98]), [0.0, -0.5, 0.98, -0.98]);
    }

    #[test]
    fn nothing_exceeds_full_scale_and_louder_stays_louder() {
        let out = guarded(&[0.99, 1.0, 1.02, -1.02, 7.0, f32::INFINITY]);

        assert!(out.iter().all(|sample| sample.abs() <= 1.0), "{out:?}");
        assert!(out[0] < out[1] && out[1] < out[2]);
        assert_eq!(out[3], -out[2]);
    }

    #[test]
    fn what_is_not_a_number_is_silence() {
        assert_eq!(bent(f32::NAN), 0.0);
    }

    fn guarded(samples: &[f32]) -> Vec<f32> {
        let mut block = Block::stereo(44_100, samples.to_vec(), samples.to_vec());
        guard(&mut block);
        block.plane(0).to_vec()
    }
}

//! How loud it is: the peak and the mean of the samples of each side.
//!
//! Both are parts of full scale, which is 1. The mean is the root of the mean square, as meters
//! have it. Pure.

use crate::pcm::block::Block;

/// How loud one side was for a while.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Level {
    /// The largest sample.
    pub peak: f32,
    /// The root of the mean square of all samples.
    pub rms: f32,
}

/// Measures the two sides of what it is shown.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    sides: [Side; 2],
}

#[derive(Clone, Copy, Debug, Default)]
struct Side {
    peak: f32,
    squares: f64,
    samples: u32,
}

impl Level {
    /// The peak in decibels below full scale, never less than [`DBFS_MIN`].
    pub fn peak_dbfs(self) -> f64 {
        dbfs(self.peak)
    }

    /// The mean in decibels below full scale, never less than [`DBFS_MIN`].
    pub fn rms_dbfs(self) -> f64 {
        dbfs(self.rms)
    }
}

impl Meter {
    /// Takes the first two sides of `block` into account.
    pub fn measure(&mut self, block: &Block) {
        for (number, side) in self.sides.iter_mut().enumerate() {
            let samples = block.plane(number);
            let (mut peak, mut squares) = (0.0_f32, 0.0_f32);
            for sample in samples {
                peak = peak.max(sample.abs());
                squares += sample * sample;
            }
            side.peak = side.peak.max(peak);
            side.squares += f64::from(squares);
            side.samples += u32::try_from(samples.len()).unwrap_or(u32::MAX);
        }
    }

    /// The levels, left and right, since they were taken last.
    pub fn take(&mut self) -> [Level; 2] {
        std::mem::take(&mut self.sides).map(Side::level)
    }
}

impl Side {
    fn level(self) -> Level {
        let mean = self.squares / f64::from(self.samples.max(1));
        #[expect(clippy::cast_possible_truncation, reason = "a level needs no more digits")]
        let rms = mean.sqrt() as f32;
        Level { peak: self.peak, rms }
    }
}

fn dbfs(part: f32) -> f64 {
    (20.0 * f64::from(part).log10()).max(DBFS_MIN)
}

/// What counts as silence, for which there is no number of decibels.
pub const DBFS_MIN: f64 = -120.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_audio as audio;

    #[test]
    fn a_sine_has_a_mean_three_decibels_below_its_peak_and_each_side_its_own() {
        let sine: Vec<f32> = audio::tone(441.0, 44_100, 44_100).iter().map(|s| s / 2.0).collect();
        let top = sine.iter().fold(0.0_f32, |top, sample| top.max(sample.abs()));
        let half: Vec<f32> = sine.iter().map(|sample| sample / top / 2.0).collect();
        let mut meter = Meter::default();

        for part in half.chunks(1_152) {
            meter.measure(&Block::stereo(44_100, part.to_vec(), vec![0.0; part.len()]));
        }
        let [left, right] = meter.take();

        assert!((left.peak_dbfs() + 6.02).abs() < 0.01, "{}", left.peak_dbfs());
        assert!((left.rms_dbfs() + 9.03).abs() < 0.01, "{}", left.rms_dbfs());
        assert_eq!((right.peak_dbfs(), right.rms_dbfs()), (DBFS_MIN, DBFS_MIN));
        assert_eq!(meter.take(), [Level::default(); 2], "what was taken is not told again");
    }
}

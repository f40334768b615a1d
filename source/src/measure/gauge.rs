//! Measures one track: how loud it is by EBU R128, how high its true peak, where its sound lies.
//!
//! It is shown the audio block by block and keeps a bounded amount of it, however long the track
//! is: the loudness of its parts is counted in a histogram, in steps of a tenth of a unit. What is
//! measured is what will be heard, which is stereo. Pure.

use super::Measure;
use super::extent::Finder;
use crate::pcm::block::Block;
use crate::pcm::convert::ToStereo;
use ebur128::{EbuR128, Mode};
use std::time::Duration;

/// Measures what it is shown.
pub struct Gauge {
    loudness: Option<EbuR128>,
    finder: Finder,
    to_stereo: Option<ToStereo>,
    rate_hz: u32,
}

/// A sample rate at which loudness cannot be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sample rate of {rate_hz} Hz")]
pub struct UnmeasurableRate {
    rate_hz: u32,
}

impl Gauge {
    /// A gauge that is shown a track from the place `from` in its file on.
    pub fn new(from: Duration) -> Self {
        Self { loudness: None, finder: Finder::new(from), to_stereo: None, rate_hz: 0 }
    }

    /// Takes `block` into account, in whatever layout and rate it is.
    ///
    /// Fails if its rate is out of bounds.
    pub fn show(&mut self, block: Block) -> Result<(), UnmeasurableRate> {
        let mix = match self.to_stereo.take() {
            Some(mix) if mix.suits(block.layout()) => mix,
            _ => ToStereo::new(block.layout()),
        };
        let block = self.to_stereo.insert(mix).mix(block);
        let rate_hz = block.rate_hz();
        let no_rate = |_| UnmeasurableRate { rate_hz };
        let loudness = match self.loudness.take() {
            Some(mut loudness) => {
                loudness.change_parameters(2, rate_hz).map_err(no_rate)?;
                loudness
            }
            None => EbuR128::new(2, rate_hz, Mode::I | Mode::TRUE_PEAK | Mode::HISTOGRAM)
                .map_err(no_rate)?,
        };
        let sides = [block.plane(0), block.plane(1)];
        self.loudness.insert(loudness).add_frames_planar_f32(&sides).map_err(no_rate)?;
        self.finder.show(&block);
        self.rate_hz = rate_hz;
        Ok(())
    }

    /// What was measured; `None` if it was shown nothing.
    pub fn measure(self) -> Option<Measure> {
        let loudness = self.loudness?;
        let lufs = loudness.loudness_global().ok().filter(|lufs| lufs.is_finite());
        let peaks = (0..2).filter_map(|side| loudness.true_peak(side).ok());
        #[expect(clippy::cast_possible_truncation, reason = "it needs no more digits")]
        let measure = Measure {
            loudness_lufs: lufs.map(|lufs| lufs as f32),
            true_peak: peaks.fold(0.0, f64::max) as f32,
            extent: self.finder.extent(self.rate_hz),
        };
        Some(measure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::extent::Threshold;
    use crate::pcm::block::Layout;
    use crate::test_audio as audio;

    #[test]
    fn a_tone_is_as_loud_as_the_standard_says() {
        // EBU Tech 3341, case 1: a stereo sine of 1 kHz at −23 dB is −23 LUFS.
        let level = 10_f32.powf(-23.0 / 20.0) * 2.0; // the tone of tests is at a half
        let tone: Vec<f32> =
            audio::tone(1_000.0, 48_000, 960_000).iter().map(|sample| sample * level).collect();

        let measure = measured(&tone, 48_000);

        assert!((measure.loudness_lufs.unwrap() + 23.0).abs() < 0.1, "{measure:?}");
        let peak_db = 20.0 * measure.true_peak.log10();
        assert!((peak_db + 23.0).abs() < 0.2, "{measure:?}");
        let extent = measure.extent.at(Threshold::of_db(-50.0).unwrap()).unwrap();
        assert_eq!((extent.from_ms, extent.to_ms), (0, 20_000));
    }

    #[test]
    fn silence_is_left_out_of_the_loudness() {
        let tone = audio::tone(1_000.0, 48_000, 240_000);
        let with_silence = [&vec![0.0; 480_000][..], &tone, &vec![0.0; 480_000]].concat();

        let (alone, within) = (measured(&tone, 48_000), measured(&with_silence, 48_000));

        let (alone, within) = (alone.loudness_lufs.unwrap(), within.loudness_lufs.unwrap());
        assert!((alone - within).abs() < 0.5, "{alone} {within}");
    }

    #[test]
    fn a_peak_between_samples_is_seen() {
        // A quarter of the rate, 45 degrees off: no sample is at the crest.
        let samples: Vec<f32> =
            (0..48_000).map(|at| if (at / 2) % 2 == 0 { 0.5 } else { -0.5 }).collect();

        let measure = measured(&samples, 48_000);

        assert!((measure.true_peak - 0.707).abs() < 0.03, "{measure:?}");
    }

    #[test]
    fn mono_is_measured_as_it_is_heard_on_both_sides() {
        let tone = audio::tone(1_000.0, 48_000, 240_000);
        let mut gauge = Gauge::new(Duration::ZERO);
        let mono = Block::of(48_000, Layout::mono(), vec![tone.clone()]).unwrap();
        gauge.show(mono).unwrap();

        assert_eq!(gauge.measure().unwrap(), measured(&tone, 48_000));
    }

    #[test]
    fn silence_has_no_loudness_and_nothing_has_no_measure() {
        assert_eq!(measured(&vec![0.0; 48_000], 48_000).loudness_lufs, None);
        assert_eq!(Gauge::new(Duration::ZERO).measure(), None);
    }

    #[test]
    fn a_file_that_changes_its_rate_is_measured_as_one() {
        let mut gauge = Gauge::new(Duration::ZERO);
        for rate_hz in [44_100_u32, 48_000] {
            let tone = audio::tone(1_000.0, rate_hz, 10 * rate_hz as usize);
            gauge.show(Block::stereo(rate_hz, tone.clone(), tone)).unwrap();
        }

        let measure = gauge.measure().unwrap();

        assert_eq!(measure.extent.end_ms, 20_000);
        assert!((measure.loudness_lufs.unwrap() + 6.0).abs() < 0.2, "{measure:?}");
    }

    #[test]
    fn a_rate_out_of_bounds_is_told() {
        let mut gauge = Gauge::new(Duration::ZERO);
        let block = Block::stereo(5, vec![0.0], vec![0.0]);

        assert_eq!(gauge.show(block).unwrap_err().to_string(), "a sample rate of 5 Hz");
    }

    fn measured(samples: &[f32], rate_hz: u32) -> Measure {
        let mut gauge = Gauge::new(Duration::ZERO);
        for part in samples.chunks(1_152) {
            gauge.show(Block::stereo(rate_hz, part.to_vec(), part.to_vec())).unwrap();
        }
        gauge.measure().unwrap()
    }
}

//! Any sample rate to the station's.
//!
//! A `Resampler` serves one track. It works in the frequency domain, flat to 21 kHz at 44.1 kHz,
//! with one block transformed at a time: shorter blocks would roll off from 19 kHz on. The delay
//! that this costs is cut off at the beginning and made up at the end, so a track comes out as
//! long as it went in, to the sample, and with nothing added.
//!
//! A filter that saw silence around the track would ring at both its ends: where the audio is
//! cut in the middle of a sound, half of the step would be heard inside the track. So it is shown
//! the audio mirrored about its first and last samples instead, which goes on as the sound does.
//!
//! It knows no file and no title.

use crate::pcm::block::Block;
use audioadapter_buffers::direct::SequentialSliceOfVecs;
use rubato::{Fft, FixedSync, Resampler as _, WindowFunction};

/// Brings the blocks of one track to the station's rate.
pub struct Resampler {
    to_hz: u32,
    path: Path,
}

/// What has to be done to the samples.
enum Path {
    /// The track has the station's rate.
    Straight,
    /// It has another one.
    Transform(Box<Transform>),
}

struct Transform {
    fft: Fft<f32>,
    from_hz: u32,
    /// Input sample frames transformed at a time; as many are shown before and after the track.
    chunk_sample_frames: usize,
    /// Input that does not yet fill a chunk.
    waiting: Block,
    /// The last input, no more than is needed for the mirror image.
    recent: Block,
    /// Whether the mirror image before the track has been shown.
    begun: bool,
    /// One chunk of output.
    chunk: Vec<Vec<f32>>,
    /// Output sample frames still to be cut off at the beginning.
    cut: usize,
    taken: u64,
    given: u64,
}

/// A rate that cannot be brought to the station's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sample rate of {rate_hz} Hz; {RATE_MIN_HZ} to {RATE_MAX_HZ} Hz can be played")]
pub struct UnplayableRate {
    rate_hz: u32,
}

impl Resampler {
    /// A resampler for stereo blocks of `from_hz`.
    ///
    /// Fails if the rate is one that no recording has.
    pub fn new(from_hz: u32, to_hz: u32) -> Result<Self, UnplayableRate> {
        if !(RATE_MIN_HZ..=RATE_MAX_HZ).contains(&from_hz) {
            return Err(UnplayableRate { rate_hz: from_hz });
        }
        let path = if from_hz == to_hz {
            Path::Straight
        } else {
            Path::Transform(Box::new(Transform::new(from_hz, to_hz)))
        };
        Ok(Self { to_hz, path })
    }

    /// What can be said at the station's rate now that `block` is known; may be empty.
    pub fn feed(&mut self, block: Block) -> Block {
        match &mut self.path {
            Path::Straight => block,
            Path::Transform(transform) => transform.feed(&block, self.to_hz),
        }
    }

    /// What is left when the track has ended.
    pub fn finish(self) -> Block {
        match self.path {
            Path::Straight => Block::stereo(self.to_hz, Vec::new(), Vec::new()),
            Path::Transform(transform) => transform.finish(self.to_hz),
        }
    }
}

impl Transform {
    fn new(from_hz: u32, to_hz: u32) -> Self {
        let fft = Fft::new_custom(
            from_hz as usize,
            to_hz as usize,
            CHUNK_SAMPLE_FRAMES,
            1,
            2,
            WindowFunction::BlackmanHarris2,
            FixedSync::Both,
        )
        .expect("both rates and the chunk are above zero");
        let chunk = vec![vec![0.0; fft.output_frames_max()]; 2];
        let nothing = Block::stereo(from_hz, Vec::new(), Vec::new());
        Self {
            chunk_sample_frames: fft.input_frames_next(),
            cut: fft.output_delay() + fft.output_frames_next(),
            waiting: nothing.clone(),
            recent: nothing,
            begun: false,
            taken: 0,
            given: 0,
            fft,
            from_hz,
            chunk,
        }
    }

    fn feed(&mut self, block: &Block, to_hz: u32) -> Block {
        self.taken += block.sample_frames() as u64;
        self.waiting.append(block);
        self.recent.append(block);
        let surplus = self.recent.sample_frames().saturating_sub(self.chunk_sample_frames + 1);
        if surplus > 0 {
            self.begin();
            self.recent.drop_front(surplus);
        }
        if self.begun { self.whole_chunks(to_hz) } else { Block::stereo(to_hz, vec![], vec![]) }
    }

    /// Shows the mirror image of the beginning before it, unless that has been done.
    fn begin(&mut self) {
        if self.begun {
            return;
        }
        self.begun = true;
        let planes = self.waiting.planes().iter().map(|plane| {
            let mut before = mirrored(plane.iter(), self.chunk_sample_frames);
            before.reverse();
            before
        });
        let mut before = self.block(planes.collect());
        before.append(&self.waiting);
        self.waiting = before;
    }

    fn whole_chunks(&mut self, to_hz: u32) -> Block {
        let mut out = Block::stereo(to_hz, Vec::new(), Vec::new());
        while self.waiting.sample_frames() >= self.fft.input_frames_next() {
            let chunk_in = self.waiting.take_front(self.fft.input_frames_next());
            let frames_in = chunk_in.sample_frames();
            let frames_out = self.fft.output_frames_next();
            let input = SequentialSliceOfVecs::new(chunk_in.planes(), 2, frames_in)
                .expect("the chunk is as long as it says");
            let mut output = SequentialSliceOfVecs::new_mut(&mut self.chunk, 2, frames_out)
                .expect("the chunk has room for the longest output");
            self.fft
                .process_into_buffer(&input, &mut output, None)
                .expect("both buffers have the lengths asked for");
            let cut = self.cut.min(frames_out);
            self.cut -= cut;
            out.append(&Block::stereo(
                to_hz,
                self.chunk[0][cut..frames_out].to_vec(),
                self.chunk[1][cut..frames_out].to_vec(),
            ));
        }
        self.given += out.sample_frames() as u64;
        out
    }

    fn finish(mut self, to_hz: u32) -> Block {
        self.begin();
        let mut out = self.whole_chunks(to_hz);
        let scaled = u128::from(self.taken) * u128::from(to_hz) * 2;
        let from = u128::from(self.from_hz) * 2;
        let whole = u64::try_from((scaled + from / 2) / from).expect("a track is shorter");
        let planes = self.recent.planes().iter();
        let after = planes.map(|plane| mirrored(plane.iter().rev(), 3 * self.chunk_sample_frames));
        let after = self.block(after.collect());
        self.waiting.append(&after);
        out.append(&self.whole_chunks(to_hz));
        let surplus = self.given.saturating_sub(whole);
        out.truncate(out.sample_frames() - usize::try_from(surplus).expect("a few chunks"));
        out
    }

    fn block(&self, planes: Vec<Vec<f32>>) -> Block {
        let layout = self.waiting.layout().clone();
        Block::of(self.from_hz, layout, planes).expect("planes of one length for each channel")
    }
}

/// The first of `samples` outwards, mirrored about it: as the sound would go on beyond it. Where
/// there are no more, the last value stays.
fn mirrored<'a>(mut samples: impl Iterator<Item = &'a f32>, sample_frames: usize) -> Vec<f32> {
    let edge = samples.next().copied().unwrap_or_default();
    let mut image: Vec<f32> =
        samples.take(sample_frames).map(|sample| 2.0 * edge - sample).collect();
    image.resize(sample_frames, image.last().copied().unwrap_or(edge));
    image
}

/// Input sample frames transformed at a time, rounded up to what the two rates allow.
const CHUNK_SAMPLE_FRAMES: usize = 1_024;
/// The lowest rate played.
pub const RATE_MIN_HZ: u32 = 4_000;
/// The highest rate played.
pub const RATE_MAX_HZ: u32 = 768_000;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_stations_own_rate_passes_untouched() {
        let mut resampler = Resampler::new(44_100, 44_100).unwrap();
        let block = Block::stereo(44_100, vec![0.1, 0.2], vec![0.3, 0.4]);

        assert_eq!(resampler.feed(block.clone()), block);
        assert_eq!(resampler.finish().sample_frames(), 0);
    }

    #[test]
    fn a_tone_keeps_its_level_and_its_place() {
        for from_hz in [8_000, 22_050, 32_000, 48_000, 88_200, 96_000, 192_000] {
            let out = resampled(&tone(from_hz, from_hz as usize, 1_000.0), from_hz, 997);

            let expected = tone(44_100, 44_100, 1_000.0);
            assert_eq!(out.len(), expected.len(), "{from_hz}");
            let worst =
                (2_000..42_000).map(|at| (out[at] - expected[at]).abs()).fold(0.0_f32, f32::max);
            // Half a sample of 8 kHz is the most that the trimmed delay can be off.
            let allowed = if from_hz < 44_100 { 0.05 } else { 0.04 };
            assert!(worst < allowed, "{from_hz} Hz is off by {worst}");
        }
    }

    #[test]
    fn a_track_cut_in_the_middle_of_a_sound_does_not_ring_at_its_ends() {
        for from_hz in [22_050, 48_000, 96_000] {
            let whole = tone(from_hz, from_hz as usize, 440.0);
            // From crest to crest: the worst place to cut.
            let cut = &whole[from_hz as usize / 1_760..from_hz as usize * 9 / 10];

            let out = resampled(cut, from_hz, 4_096);

            let steepest =
                out.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0_f32, f32::max);
            assert!(steepest < 0.033, "{from_hz}: a step of {steepest}");
            assert!((out[0] - cut[0]).abs() < 0.01, "{from_hz}: {} for {}", out[0], cut[0]);
        }
    }

    #[test]
    fn treble_up_to_19_khz_is_kept() {
        let out = resampled(&tone(96_000, 96_000, 19_000.0), 96_000, 4_096);

        let peak = out[4_000..40_000].iter().fold(0.0_f32, |peak, s| peak.max(s.abs()));
        assert!((0.48..0.52).contains(&peak), "{peak}");
    }

    #[test]
    fn a_sweep_stays_within_a_tenth_of_a_db_and_lets_nothing_through_that_does_not_belong() {
        for from_hz in [22_050, 48_000, 88_200, 96_000, 192_000] {
            let heard_hz = f64::from(from_hz.min(44_100)) / 2.0;
            let (mut least, mut most, mut worst) = (f64::MAX, f64::MIN, f64::MIN);
            for step in 0..40 {
                // From 20 Hz to ten elevenths of what either rate can hold, 20 045 Hz of 22 050.
                let pitch_hz = 20.0 * (heard_hz / 22.0).powf(f64::from(step) / 39.0);
                let (gain_db, rest_db) = measured(from_hz, pitch_hz);
                (least, most) = (least.min(gain_db), most.max(gain_db));
                worst = worst.max(rest_db);
            }
            let mut leak = -200.0_f64;
            for step in 1..=20 {
                let above_hz = f64::from(from_hz) / 2.0 - heard_hz;
                let pitch_hz = heard_hz + above_hz * f64::from(step) / 20.5;
                if above_hz > 0.0 {
                    leak = leak.max(measured(from_hz, pitch_hz).1);
                }
            }
            eprintln!(
                "{from_hz} Hz to 44 100 Hz: {least:.4} to {most:.4} dB up to {:.0} Hz, \
                 what else comes out of it {worst:.0} dB, what lies above {leak:.0} dB",
                heard_hz / 1.1
            );

            assert!(most - least <= 0.1 && most.abs() <= 0.1, "{from_hz}: {least} to {most} dB");
            assert!(worst <= -100.0, "{from_hz}: {worst} dB of something else");
            assert!(leak <= -100.0, "{from_hz}: {leak} dB of what lies above");
        }
    }

    /// How loud a tone comes out, in dB of what goes in, and everything else that does.
    fn measured(from_hz: u32, pitch_hz: f64) -> (f64, f64) {
        let sent = tone(from_hz, from_hz as usize / 4, pitch_hz);
        let out = resampled(&sent, from_hz, 4_096);
        // In the middle, where neither end is seen.
        let middle = &out[out.len() / 4..out.len() * 3 / 4];
        let turn = pitch_hz * std::f64::consts::TAU / 44_100.0;
        let waves = |at: usize| (turn * at as f64).sin_cos();
        // The sine and the cosine that come nearest to it, by least squares.
        let mut sums = [0.0; 5];
        for (at, sample) in middle.iter().enumerate() {
            let ((sine, cosine), sample) = (waves(at), f64::from(*sample));
            let parts =
                [sine * sine, cosine * cosine, sine * cosine, sine * sample, cosine * sample];
            sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
        }
        let [ss, cc, sc, sy, cy] = sums;
        let [a, b] = [sy * cc - cy * sc, cy * ss - sy * sc].map(|it| it / (ss * cc - sc * sc));
        let is_heard = pitch_hz < 22_050.0;
        let rest = middle.iter().enumerate().map(|(at, sample)| {
            let (sine, cosine) = waves(at);
            let fitted = if is_heard { a * sine + b * cosine } else { 0.0 };
            (f64::from(*sample) - fitted).powi(2)
        });
        let rest = (rest.sum::<f64>() / middle.len() as f64).sqrt();
        (20.0 * (a.hypot(b) / 0.5).log10(), 20.0 * (rest / 0.5_f64.sqrt().powi(3)).log10())
    }

    #[test]
    fn a_rate_that_no_recording_has_is_refused() {
        for rate_hz in [0, 1, 3_999, 768_001, u32::MAX] {
            assert!(Resampler::new(rate_hz, 44_100).is_err(), "{rate_hz}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn a_track_comes_out_as_long_as_it_went_in(
            from_hz in prop::sample::select(RATES_HZ.to_vec()),
            length in 0_usize..20_000,
            cut in 1_usize..5_000,
        ) {
            let out = resampled(&tone(from_hz, length, 440.0), from_hz, cut);

            let exact = length as f64 * 44_100.0 / f64::from(from_hz);
            let off = (out.len() as f64 - exact).abs();
            prop_assert!(off <= 0.5 + 1e-9, "{} of {exact}", out.len());
        }
    }

    fn resampled(left: &[f32], from_hz: u32, cut: usize) -> Vec<f32> {
        let mut resampler = Resampler::new(from_hz, 44_100).unwrap();
        let mut out = Vec::new();
        for piece in left.chunks(cut) {
            let block = Block::stereo(from_hz, piece.to_vec(), piece.to_vec());
            out.extend_from_slice(resampler.feed(block).plane(0));
        }
        out.extend_from_slice(resampler.finish().plane(0));
        out
    }

    fn tone(rate_hz: u32, sample_frames: usize, pitch_hz: f64) -> Vec<f32> {
        (0..sample_frames)
            .map(|at| {
                let turns = at as f64 * pitch_hz / f64::from(rate_hz);
                #[expect(clippy::cast_possible_truncation, reason = "samples are f32")]
                let sample = (0.5 * (turns * std::f64::consts::TAU).sin()) as f32;
                sample
            })
            .collect()
    }

    const RATES_HZ: [u32; 6] = [8_000, 11_025, 22_050, 32_000, 48_000, 96_000];
}

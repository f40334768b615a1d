//! The processor: what sends a channel's programme through its chain of effects.
//!
//! Another chain may be taken over at any block. Where only parameters differ, the stages go over
//! to them by themselves; another chain is faded to, while both of them sound.

use super::glide::Glide;
use super::{Chain, Insert, Stage, single};
use crate::pcm::block::Block;

/// Sends a programme through a chain of effects.
pub struct Processor {
    rate_hz: u32,
    chain: Chain,
    stages: Stages,
    /// The chain to go over to, once that can be.
    wanted: Option<Chain>,
    /// What sounded before.
    leaving: Option<Leaving>,
    /// Room for what sounds of that.
    aside: [Vec<f32>; 2],
}

/// The stages of the chain before, which still sound.
struct Leaving {
    stages: Stages,
    /// So many sample frames are not faded yet, because nothing comes of the new stages before.
    wait: usize,
    loudness: Glide,
}

/// One for each effect that has one, in their order.
struct Stages(Vec<Option<Box<dyn Stage>>>);

impl Processor {
    /// A processor by `chain`, for blocks of this rate.
    pub fn new(chain: Chain, rate_hz: u32) -> Self {
        let stages = Stages::new(&chain, rate_hz);
        let aside = [Vec::new(), Vec::new()];
        Self { rate_hz, chain, stages, wanted: None, leaving: None, aside }
    }

    /// Goes over to `chain` with the next block.
    pub fn take_over(&mut self, chain: Chain) {
        self.wanted = Some(chain);
    }

    /// How many sample frames later what goes in comes out.
    pub fn latency(&self) -> usize {
        self.stages.0.iter().flatten().map(|stage| stage.latency()).sum()
    }

    /// Whether what comes out is what goes in.
    pub fn is_idle(&self) -> bool {
        self.chain.0.is_empty() && self.leaving.is_none() && self.wanted.is_none()
    }

    /// Sends `block`, which is stereo, through the chain.
    pub fn process(&mut self, block: &mut Block) {
        self.change();
        let Some([left, right]) = block.sides_mut() else { return };
        if self.leaving.is_some() {
            for (room, side) in self.aside.iter_mut().zip([&*left, &*right]) {
                room.clear();
                room.extend_from_slice(side);
            }
        }
        self.stages.process(left, right);
        let Some(Leaving { stages, wait, loudness }) = &mut self.leaving else { return };
        let [aside_left, aside_right] = &mut self.aside;
        stages.process(aside_left, aside_right);
        let pairs = left.iter_mut().zip(right).zip(aside_left.iter().zip(aside_right.iter()));
        for ((left, right), (old_left, old_right)) in pairs {
            let old = if *wait > 0 { loudness.now() } else { loudness.next() };
            *wait = wait.saturating_sub(1);
            let old = single(old);
            *left += (old_left - *left) * old;
            *right += (old_right - *right) * old;
        }
        if !loudness.is_moving() {
            self.leaving = None;
        }
    }

    /// Goes over to the chain that is wanted, if one is and nothing is in the way of it.
    fn change(&mut self) {
        let Some(wanted) = self.wanted.take() else { return };
        if wanted.is_like(&self.chain) {
            self.stages.take_over(&wanted);
            self.chain = wanted;
        } else if self.leaving.is_some() {
            self.wanted = Some(wanted);
        } else {
            let stages = Stages::new(&wanted, self.rate_hz);
            let mut loudness = Glide::new(1.0, self.rate_hz);
            loudness.go(0.0);
            let stages = std::mem::replace(&mut self.stages, stages);
            self.leaving = Some(Leaving { stages, wait: self.latency(), loudness });
            self.chain = wanted;
        }
    }
}

impl Stages {
    fn new(chain: &Chain, rate_hz: u32) -> Self {
        Self(chain.0.iter().map(|insert| insert.effect.stage(rate_hz)).collect())
    }

    fn process(&mut self, left: &mut [f32], right: &mut [f32]) {
        if self.0.is_empty() {
            return;
        }
        clean(left);
        clean(right);
        for stage in self.0.iter_mut().flatten() {
            stage.process(left, right);
            clean(left);
            clean(right);
        }
    }

    fn take_over(&mut self, chain: &Chain) {
        for (stage, Insert { effect, .. }) in self.0.iter_mut().zip(&chain.0) {
            if let Some(stage) = stage {
                stage.take_over(effect);
            }
        }
    }
}

/// Makes silence of what is not a number, or too small to be heard and yet dear to reckon with;
/// and what is too large to be audio as large as audio may be.
fn clean(samples: &mut [f32]) {
    for sample in samples {
        let within = sample.clamp(-SAMPLE_MAX, SAMPLE_MAX);
        // Written so that what is not a number counts as too small.
        *sample = if within.abs() >= SAMPLE_MIN { within } else { 0.0 };
    }
}

/// Nothing is louder than this: 60 dB over full scale.
pub(super) const SAMPLE_MAX: f32 = 1_000.0;
/// Nothing that is not silent is softer than this: 300 dB below full scale.
pub(super) const SAMPLE_MIN: f32 = 1e-15;

#[cfg(test)]
mod tests {
    use super::super::gain::Gain;
    use super::super::{Effect, listening};
    use super::*;

    #[test]
    fn what_is_no_audio_becomes_some() {
        let mut odd =
            [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e-40, -1e-20, 0.5, -0.5, f32::MAX];

        clean(&mut odd);

        assert_eq!(odd, [0.0, SAMPLE_MAX, -SAMPLE_MAX, 0.0, 0.0, 0.5, -0.5, SAMPLE_MAX]);
    }

    #[test]
    fn without_effects_everything_stays_as_it_is() {
        let mut processor = Processor::new(Chain::default(), RATE_HZ);
        let block = Block::stereo(RATE_HZ, vec![0.1, 1e-40], vec![7.0, -0.3]);

        let mut heard = block.clone();
        processor.process(&mut heard);

        assert_eq!(heard, block);
    }

    #[test]
    fn another_chain_is_faded_to() {
        let mut processor = Processor::new(Chain::default(), RATE_HZ);
        let sound = listening::tone(100.0, -6.0);
        let mut heard = Vec::new();

        for (at, part) in sound.chunks(PART).enumerate() {
            if at == 10 {
                processor.take_over(lower("a"));
            }
            if at == 11 {
                processor.take_over(lower("b")); // which waits for its turn
            }
            let mut block = Block::stereo(RATE_HZ, part.to_vec(), part.to_vec());
            processor.process(&mut block);
            heard.extend_from_slice(block.plane(0));
        }

        assert_eq!(heard[..10 * PART], sound[..10 * PART]);
        let steps = listening::step_max(&sound) + 0.5 / 1_323.0;
        assert!(listening::step_max(&heard) <= steps, "{}", listening::step_max(&heard));
        let end = &heard[20 * PART..];
        assert!((listening::level_db(end) + 26.0).abs() < 0.01, "{}", listening::level_db(end));
        assert_eq!(processor.chain.0[0].id, "b");
        assert!(processor.leaving.is_none() && processor.wanted.is_none());
    }

    #[test]
    fn a_chain_that_takes_its_time_is_not_faded_to_before_it_sounds() {
        let with = |gain_db| {
            let mut chain = lower("gain");
            chain.set("gain.gain_db", gain_db).unwrap();
            let effect = Effect::usual("limiter").unwrap();
            chain.0.push(Insert { id: gain_db.to_owned(), effect });
            chain
        };
        let sound = listening::tone(100.0, -6.0);
        let mut processor = Processor::new(with("0"), RATE_HZ);
        let mut heard = Vec::new();

        for (at, part) in sound.chunks(PART).enumerate() {
            if at == 10 {
                processor.take_over(with("-1"));
            }
            let mut block = Block::stereo(RATE_HZ, part.to_vec(), part.to_vec());
            processor.process(&mut block);
            heard.extend_from_slice(block.plane(0));
        }

        let steps = listening::step_max(&sound) + 0.06 / 1_323.0;
        let most = listening::step_max(&heard[processor.latency()..]);
        assert!(most <= steps, "{most}");
    }

    fn lower(id: &str) -> Chain {
        let effect = Effect::Gain(Gain { gain_db: -20.0, pan: 0.0 });
        Chain(vec![Insert { id: id.to_owned(), effect }])
    }

    const RATE_HZ: u32 = 44_100;
    const PART: usize = 1_152;
}

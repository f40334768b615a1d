//! Sound: a chain of effects through which the programme of a channel goes.
//!
//! A [`Chain`] is what the configuration says: effects in an order, each with an *id*, by which
//! commands call it, and with *dials*, its parameters, which may be turned while it sounds. A
//! [`processor::Processor`] is what works by it: one *stage* for each effect that changes the
//! programme as it passes, in place, block by block.
//!
//! What comes out is finite and never denormal, whatever goes in. Nothing here knows tracks,
//! files or time; all of it is pure.

pub mod biquad;
pub mod compressor;
pub mod delay;
pub mod dial;
pub mod equalizer;
pub mod gain;
pub mod gate;
mod glide;
pub mod limiter;
#[cfg(test)]
mod listening;
pub mod multiband;
mod powers;
pub mod processor;
pub mod stereo;
mod true_peak;

use crate::config::names::folded;
use compressor::Compressor;
use delay::Delay;
use dial::{Dial, OffScale, Unit};
use equalizer::Equalizer;
use gain::Gain;
use gate::Gate;
use limiter::Limiter;
use multiband::Multiband;
use stereo::Stereo;

/// The effects of a channel, in their order, as they are set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chain(pub Vec<Insert>);

/// An effect in a chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Insert {
    /// What commands call it; another one for each effect of a channel.
    pub id: String,
    /// The effect.
    pub effect: Effect,
}

/// An effect, as it is set.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// What is loud is made softer.
    Compressor(Compressor),
    /// An echo, or all of it later.
    Delay(Delay),
    /// Filters.
    Equalizer(Equalizer),
    /// Louder or softer, and to one side.
    Gain(Gain),
    /// What is soft is made softer still.
    Gate(Gate),
    /// Nothing goes above its ceiling.
    Limiter(Limiter),
    /// A compressor for each part of the spectrum.
    Multiband(Multiband),
    /// How wide it sounds, or both sides as one, or each on the other.
    Stereo(Stereo),
}

/// A parameter in a chain, as it is set.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// The effect's id, a dot, and what it is called there: `eq.2.gain_db`.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// What that counts.
    pub unit: Unit,
    /// The least it can be.
    pub least: f64,
    /// The most it can be.
    pub most: f64,
}

/// Why a parameter stays as it is.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NotSet {
    /// There is none of this name.
    #[error("there is no such parameter")]
    NoSuch,
    /// It cannot have this value.
    #[error(transparent)]
    OffScale(#[from] OffScale),
}

/// What changes the sound, in place, as it passes.
trait Stage: Send {
    /// Changes the samples of both sides, which are of one length.
    fn process(&mut self, left: &mut [f32], right: &mut [f32]);

    /// Goes over to the parameters of `effect`, which is of the same kind and make, without a
    /// click.
    fn take_over(&mut self, effect: &Effect);

    /// How many sample frames later what goes in comes out.
    fn latency(&self) -> usize {
        0
    }
}

impl Chain {
    /// Whether nothing is done.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All parameters, in the order of the effects.
    pub fn parameters(&self) -> Vec<Parameter> {
        let mut chain = self.clone();
        let dials = chain.dials().into_iter().map(|(id, dial)| Parameter {
            name: format!("{id}.{}", dial.name()),
            value: *dial.value,
            unit: dial.unit,
            least: dial.least,
            most: dial.most,
        });
        dials.collect()
    }

    /// Sets the parameter called `name`, in which dots and underscores are the same, to what
    /// `text` says.
    ///
    /// Fails if there is no such parameter, or it cannot be set so.
    pub fn set(&mut self, name: &str, text: &str) -> Result<(), NotSet> {
        let name = folded(name);
        let dials = self.dials().into_iter();
        let mut found = dials.filter(|(id, dial)| folded(&format!("{id}.{}", dial.name())) == name);
        let (_, mut dial) = found.next().ok_or(NotSet::NoSuch)?;
        dial.turn(dial.unit.read(text)?)?;
        Ok(())
    }

    fn dials(&mut self) -> Vec<(String, Dial<'_>)> {
        let dials = self.0.iter_mut().flat_map(|Insert { id, effect }| {
            effect.dials().into_iter().map(|dial| (id.clone(), dial))
        });
        dials.collect()
    }

    /// Whether it differs from `other` in the values of parameters at most.
    fn is_like(&self, other: &Self) -> bool {
        let mut turned = other.clone();
        for ((_, dial), own) in turned.dials().into_iter().zip(self.parameters()) {
            *dial.value = own.value;
        }
        turned == *self
    }
}

impl Effect {
    /// The effect called `name`, set as is usual; `None` if there is none.
    pub fn usual(name: &str) -> Option<Self> {
        Some(match name {
            "compressor" => Self::Compressor(Compressor::default()),
            "delay" => Self::Delay(Delay::default()),
            "equalizer" => Self::Equalizer(Equalizer::default()),
            "gain" => Self::Gain(Gain::default()),
            "gate" => Self::Gate(Gate::default()),
            "limiter" => Self::Limiter(Limiter::default()),
            "multiband" => Self::Multiband(Multiband::default()),
            "stereo" => Self::Stereo(Stereo::default()),
            _ => return None,
        })
    }

    /// What it is called.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Compressor(_) => "compressor",
            Self::Delay(_) => "delay",
            Self::Equalizer(_) => "equalizer",
            Self::Gain(_) => "gain",
            Self::Gate(_) => "gate",
            Self::Limiter(_) => "limiter",
            Self::Multiband(_) => "multiband",
            Self::Stereo(_) => "stereo",
        }
    }

    /// Its parameters.
    pub fn dials(&mut self) -> Vec<Dial<'_>> {
        match self {
            Self::Compressor(compressor) => compressor.dials(),
            Self::Delay(delay) => delay.dials(),
            Self::Equalizer(equalizer) => equalizer.dials(),
            Self::Gain(gain) => gain.dials(),
            Self::Gate(gate) => gate.dials(),
            Self::Limiter(limiter) => limiter.dials(),
            Self::Multiband(multiband) => multiband.dials(),
            Self::Stereo(stereo) => stereo.dials(),
        }
    }

    /// What does it to a programme of this rate; `None` if it is nothing that is done there.
    fn stage(&self, rate_hz: u32) -> Option<Box<dyn Stage>> {
        Some(match self {
            Self::Compressor(compressor) => Box::new(compressor.stage(rate_hz)),
            Self::Delay(delay) => Box::new(delay.stage(rate_hz)),
            Self::Equalizer(equalizer) => Box::new(equalizer.stage(rate_hz)),
            Self::Gain(gain) => Box::new(gain.stage(rate_hz)),
            Self::Gate(gate) => Box::new(gate.stage(rate_hz)),
            Self::Limiter(limiter) => Box::new(limiter.stage(rate_hz)),
            Self::Multiband(multiband) => Box::new(multiband.stage(rate_hz)),
            Self::Stereo(stereo) => Box::new(stereo.stage(rate_hz)),
        })
    }
}

/// By what samples are multiplied that are to be so much louder.
fn amplitude(db: f64) -> f64 {
    10.0_f64.powf(db / 20.0)
}

/// `value` as precisely as samples are.
fn single(value: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "samples are f32")]
    let single = value as f32;
    single
}

/// Effects of a channel, those of its tracks counted as well.
pub const EFFECTS_MAX: usize = 16;
/// All effects there are, as the configuration calls them.
pub const NAMES: [&str; 8] =
    ["compressor", "delay", "equalizer", "gain", "gate", "limiter", "multiband", "stereo"];

#[cfg(test)]
mod tests {
    use super::biquad::Shape;
    use super::equalizer::Band;
    use super::processor::Processor;
    use super::*;
    use crate::pcm::block::Block;
    use proptest::collection::vec;
    use proptest::prelude::*;

    #[test]
    fn every_effect_there_is_goes_by_its_name() {
        for name in NAMES {
            assert_eq!(Effect::usual(name).map(|effect| effect.name()), Some(name));
        }
        assert_eq!(Effect::usual("zzz"), None);
    }

    #[test]
    fn usual_values_lie_within_their_scales() {
        for name in NAMES {
            for dial in Effect::usual(name).unwrap().dials() {
                let (value, name) = (*dial.value, dial.name());
                assert!((dial.least..=dial.most).contains(&value), "{name}: {value}");
            }
        }
    }

    #[test]
    fn a_parameter_is_set_by_its_name_and_by_no_other() {
        let mut chain = chain();

        assert_eq!(chain.set("vol.gain_db", "-3"), Ok(()));
        assert_eq!(chain.set("vol_gain_db", "-4 dB"), Ok(()));
        assert_eq!(chain.set("gain_db", "-3"), Err(NotSet::NoSuch));
        assert!(matches!(chain.set("vol.gain_db", "-300"), Err(NotSet::OffScale(_))));
        let shown: Vec<_> =
            chain.parameters().iter().map(|it| (it.name.clone(), it.value)).collect();
        assert_eq!(shown, [("vol.gain_db".to_owned(), -4.0), ("vol.pan".to_owned(), 0.0)]);
    }

    #[test]
    fn chains_are_alike_that_differ_in_parameters_alone() {
        let (one, mut other) = (chain(), chain());
        other.set("vol.pan", "1").unwrap();
        assert!(one.is_like(&other));

        other.0[0].id = "volume".to_owned();
        assert!(!one.is_like(&other));
        assert!(!one.is_like(&Chain::default()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn whatever_goes_in_and_however_it_is_turned_what_comes_out_is_audio(
            samples in vec(any::<f32>(), 1..400),
            turns in vec(vec(0.0..=1.0_f64, 150), 3),
            rate_hz in prop::sample::select(vec![16_000_u32, 44_100, 48_000]),
        ) {
            let mut chain = everything();
            let mut processor = Processor::new(chain.clone(), rate_hz);
            for turns in turns {
                for ((_, dial), part) in chain.dials().into_iter().zip(turns.iter().cycle()) {
                    *dial.value = dial.least + (dial.most - dial.least) * part;
                }
                processor.take_over(chain.clone());
                let samples: Vec<f32> = samples.iter().copied().cycle().take(1_152).collect();
                let other = samples.iter().rev().copied().collect();
                for block in [Block::stereo(rate_hz, samples, other), silence(rate_hz)] {
                    let mut block = block;
                    processor.process(&mut block);
                    for sample in block.planes().iter().flatten() {
                        prop_assert!(*sample == 0.0 || sample.is_normal(), "{}", sample);
                    }
                }
            }
        }
    }

    /// Every effect there is, with every filter.
    fn everything() -> Chain {
        let bands = Shape::ALL.map(|(_, shape)| Band::usual(shape)).to_vec();
        let filters = Effect::Equalizer(Equalizer { bands });
        let usual = NAMES.map(|name| Effect::usual(name).unwrap());
        let all = usual.into_iter().chain([filters]).enumerate();
        Chain(all.map(|(at, effect)| Insert { id: at.to_string(), effect }).collect())
    }

    fn silence(rate_hz: u32) -> Block {
        Block::stereo(rate_hz, vec![0.0; 1_152], vec![0.0; 1_152])
    }

    fn chain() -> Chain {
        Chain(vec![Insert { id: "vol".to_owned(), effect: Effect::Gain(Gain::default()) }])
    }
}

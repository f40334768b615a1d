//! What the effects of a channel cost: processor time for each second of the programme, in parts of
//! a core, in stereo at 44.1 kHz.
//!
//! The programme is a minute of noise with a tone, loud enough that compressor and limiter work all
//! the time. It goes through in cuts, as a programme does.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a bench is run to see what it prints")]
#![expect(clippy::unwrap_used, reason = "a bench may stop at whatever it does not expect")]

use source::measure::gauge::Gauge;
use source::pcm::block::Block;
use source::programme::CUT_SAMPLE_FRAMES;
use source::sound::biquad::Shape;
use source::sound::equalizer::{Band, Equalizer};
use source::sound::processor::Processor;
use source::sound::{Chain, Effect, Insert, NAMES};
use std::time::Duration;

fn main() {
    let minute = minute();
    println!("| chain | of a core |");
    println!("|---|---|");
    for name in NAMES {
        show(name, &minute, vec![Effect::usual(name).unwrap()]);
    }
    let bands = [80.0, 250.0, 1_000.0, 4_000.0, 10_000.0];
    let bands = bands.map(|frequency_hz| Band {
        frequency_hz,
        gain_db: 2.0,
        ..Band::usual(Shape::Peaking)
    });
    let equalizer = Effect::Equalizer(Equalizer { bands: bands.to_vec() });
    show("equalizer of 5 bands", &minute, vec![equalizer.clone()]);
    let usual = |name| Effect::usual(name).unwrap();
    let chain = vec![equalizer, usual("compressor"), usual("limiter")];
    show("equalizer of 5 bands, compressor, limiter", &minute, chain);
    let best = (0..RUNS).map(|_| measured(&minute)).min().unwrap();
    line("EBU R128 with true peak, as tracks are measured ahead", best);
}

fn show(what: &str, minute: &[Block], effects: Vec<Effect>) {
    let inserts = effects.into_iter().enumerate();
    let inserts = inserts.map(|(at, effect)| Insert { id: at.to_string(), effect });
    let chain = Chain(inserts.collect());
    line(what, (0..RUNS).map(|_| spent(&chain, minute)).min().unwrap());
}

fn line(what: &str, spent: Duration) {
    let percent = spent.as_secs_f64() / SECONDS as f64 * 100.0;
    println!("| {what} | {percent:.3} % |");
}

fn measured(minute: &[Block]) -> Duration {
    let mut gauge = Gauge::new(Duration::ZERO);
    let minute = minute.to_vec();
    let began = on_processor();
    for block in minute {
        gauge.show(block).unwrap();
    }
    on_processor() - began
}

fn spent(chain: &Chain, minute: &[Block]) -> Duration {
    let mut processor = Processor::new(chain.clone(), RATE_HZ);
    let mut minute = minute.to_vec();
    let began = on_processor();
    for block in &mut minute {
        processor.process(block);
    }
    let spent = on_processor() - began;
    assert!(minute.iter().all(|block| block.plane(0).iter().all(|sample| sample.is_finite())));
    spent
}

/// How long this thread has been on a processor, by the kernel's count.
fn on_processor() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split_whitespace().next().unwrap().parse().unwrap())
}

/// A minute of the programme, in cuts.
fn minute() -> Vec<Block> {
    let mut state = 1_u32;
    let mut side = || {
        let samples = (0..CUT_SAMPLE_FRAMES).map(|at| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = (state >> 16) as f32 / 32_768.0 - 1.0;
            noise * 0.6 + (at as f32 * 0.05).sin() * 0.5
        });
        samples.collect::<Vec<f32>>()
    };
    let cuts = SECONDS * RATE_HZ as usize / CUT_SAMPLE_FRAMES;
    (0..cuts).map(|_| Block::stereo(RATE_HZ, side(), side())).collect()
}

const RATE_HZ: u32 = 44_100;
const SECONDS: usize = 60;
const RUNS: usize = 5;

//! Tests of the programme on its way through the effects of its channel.

use super::*;
use crate::sound::gain::Gain;
use crate::sound::{Effect, Insert};

#[test]
fn peaks_beyond_full_scale_are_bent_back() {
    let mut programme = loud(1.4).through(Chain::default());

    assert!(heard(&mut programme).iter().all(|sample| sample.abs() <= 1.0));
}

#[test]
fn a_programme_goes_through_its_effects_before_it_is_kept_within_full_scale() {
    let mut programme = loud(1.4).through(lower());

    let heard = heard(&mut programme);

    assert!((heard[2_000] - 0.14).abs() < 1e-6, "{}", heard[2_000]);
}

#[test]
fn other_effects_are_taken_over_while_it_plays() {
    let (commands, command_queue) = sync_channel(1);
    let (report, on_air) = Report::new(OnAir::default(), &watch::Sender::new(()));
    let programme = loud(0.5);
    commands.send(Command::Sound(Box::new(lower()))).unwrap();

    let running = std::thread::spawn(move || {
        let clock = || Clock::simulated(Schedule::new(44_100, 1_152));
        programme.run(Fan::new(Vec::new()).unwrap(), clock, &command_queue, &report).unwrap();
    });
    while (on_air.borrow().levels[0].peak - 0.05).abs() > 1e-3 {
        std::thread::yield_now();
    }
    drop(commands);

    running.join().unwrap();
}

/// A programme of one level, which is long enough for every test.
fn loud(level: f32) -> Programme {
    let (coming, supply) = Supply::of_test();
    let (pieces, queue) = sync_channel(1);
    let track = Track {
        number: 1,
        rid: 1,
        key: 0,
        title: "loud".into(),
        path: PathBuf::new(),
        playlist: "p".into(),
        tags: Tags::default(),
        length: None,
        cues: Cues::default(),
        level: crate::treatment::levelling::Level::default(),
    };
    std::thread::spawn(move || {
        while pieces.send(Block::stereo(44_100, vec![level; 4_410], vec![level; 4_410])).is_ok() {}
    });
    coming.send(Coming::Track(Prepared::of_test(track, queue))).unwrap();
    std::mem::forget(coming); // a supply that ended would be another test
    Programme::new(settings(), supply, tone())
}

fn heard(programme: &mut Programme) -> Vec<f32> {
    let cuts = (0..4).map(|_| programme.next_cut(PATIENCE_SIMULATED).block);
    cuts.flat_map(|block| block.plane(0).to_vec()).collect()
}

fn lower() -> Chain {
    let effect = Effect::Gain(Gain { gain_db: -20.0, pan: 0.0 });
    Chain(vec![Insert { id: "gain".to_owned(), effect }])
}

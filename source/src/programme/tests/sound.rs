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

#[test]
fn a_title_is_told_where_its_track_is_heard_though_the_effects_take_their_time() {
    let chain =
        Chain(vec![Insert { id: "limiter".to_owned(), effect: Effect::usual("limiter").unwrap() }]);
    let (coming, supply) = Supply::of_test();
    let mut programme = Programme::new(settings(), supply, tone()).through(chain);
    let level =
        |level: f32, length| Block::stereo(44_100, vec![level; length], vec![level; length]);
    for (number, title, block) in [(1, "a", level(0.1, 2_300)), (2, "b", level(0.5, 9_000))] {
        let (pieces, queue) = sync_channel(1);
        pieces.send(block).unwrap();
        coming.send(Coming::Track(Prepared::of_test(track(number, title), queue))).unwrap();
    }

    let cuts: Vec<Cut> = (0..4).map(|_| programme.next_cut(PATIENCE_SIMULATED)).collect();

    let titles =
        |cut: &Cut| cut.titles.iter().map(|(at, it)| (*at, it.shown.to_string())).collect();
    let titles: Vec<Vec<(u64, String)>> = cuts.iter().map(titles).collect();
    let heard_at = 2_300 + 232;
    assert_eq!(titles[0].last(), Some(&(0, "a".to_owned())));
    assert_eq!(titles[1..3], [vec![], vec![(heard_at as u64, "b".to_owned())]]);
    let heard: Vec<f32> = cuts.iter().flat_map(|cut| cut.block.plane(0).to_vec()).collect();
    let last = heard.iter().rposition(|it| (it - 0.1).abs() < 1e-6).unwrap();
    assert!((heard_at - 1..heard_at + 3).contains(&last), "the first ends at {last}");
}

fn track(number: u64, title: &str) -> Track {
    Track {
        number,
        rid: number,
        key: 0,
        title: title.into(),
        artist: None,
        path: PathBuf::new(),
        playlist: "p".into(),
        tags: Tags::default(),
        length: None,
        cues: Cues::default(),
        level: crate::treatment::levelling::Level::default(),
    }
}

/// A programme of one level, which is long enough for every test.
fn loud(level: f32) -> Programme {
    let (coming, supply) = Supply::of_test();
    let (pieces, queue) = sync_channel(1);
    std::thread::spawn(move || {
        while pieces.send(Block::stereo(44_100, vec![level; 4_410], vec![level; 4_410])).is_ok() {}
    });
    coming.send(Coming::Track(Prepared::of_test(track(1, "loud"), queue))).unwrap();
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

//! Tests of the timeline, sample by sample.

use super::*;
use crate::mix::tone::{Filler, Sound};
use proptest::prelude::*;

#[test]
fn without_a_crossfade_tracks_follow_each_other_to_the_sample() {
    let mut timeline = timeline(Crossfade::default());
    let tracks = [("a", level(0.001, 5)), ("b", level(0.002, 3))];

    let (heard, begun) = played(&mut timeline, &tracks, 4);

    assert_eq!(heard, [[0.001; 5].as_slice(), &[0.002; 3]].concat());
    assert_eq!(begun, [(0, Some("a")), (5, Some("b")), (8, None)]);
}

#[test]
fn a_track_that_is_heard_alone_is_untouched_from_its_beginning_to_its_end() {
    let mut timeline = timeline(Crossfade::default());

    played(&mut timeline, &[("a", level(0.001, 5)), ("b", level(0.002, 3))], 4);

    assert_eq!(untouched(&mut timeline), [(0, Some("a")), (5, Some("b")), (8, None)]);
}

#[test]
fn what_is_faded_or_made_louder_is_not_untouched() {
    let mut timeline = timeline(fades(100, 50, 50));

    played(&mut timeline, &[("a", level(0.1, 1_000)), ("b", level(0.2, 1_000))], 64);

    assert_eq!(untouched(&mut timeline), [(0, Some("a")), (900, None)]);

    let mut timeline = self::timeline(Crossfade::default());
    timeline.load("loud", None, Marks { gain: 1.5, ..Marks::default() });
    timeline.put(Side::Next, level(0.1, 100));
    while !matches!(timeline.step(10, false), Step::Whole(_)) {}

    assert_eq!(untouched(&mut timeline), []);
}

#[test]
fn what_was_interrupted_or_left_does_not_become_untouched_again() {
    let mut timeline = timeline(Crossfade::default());
    timeline.load("a", None, Marks::default());
    timeline.put(Side::Next, level(0.1, 15));
    assert_eq!(timeline.step(1_000, true), Step::Begun("a"));
    for _ in 0..30 {
        timeline.step(1_000, true); // the emergency stands in, and goes when more has come
        timeline.put(Side::Current, level(0.1, 1_000));
    }

    assert_eq!(untouched(&mut timeline), [(0, Some("a")), (15, None)]);

    timeline.load("b", None, Marks::default());
    timeline.put(Side::Next, level(0.1, 5_000));
    timeline.skip();
    while !matches!(timeline.step(1_000, false), Step::Whole(_)) {}

    assert_eq!(timeline.untouched().map(|(_, track)| track), Some(Some("b")), "a new track is");
}

#[test]
fn a_track_begins_when_its_first_sample_is_given_out_and_not_before() {
    let mut timeline = timeline(Crossfade::default());
    timeline.load("a", None, Marks::default());
    timeline.step(4, false);
    timeline.put(Side::Current, level(0.0, 4));
    timeline.load("b", None, Marks::default());
    timeline.put(Side::Next, level(0.0, 4));
    timeline.end(Side::Current);

    assert!(matches!(timeline.step(4, false), Step::Whole(_)));
    assert_eq!(timeline.begun(), Some((0, Some("a"))));
    assert_eq!(timeline.step(1, false), Step::Begun("b"));
    assert_eq!(timeline.begun(), None);
    assert!(matches!(timeline.step(1, false), Step::Whole(_)));
    assert_eq!(timeline.begun(), Some((4, Some("b"))));
}

#[test]
fn more_is_asked_for_only_while_the_end_may_be_near() {
    let mut timeline = timeline(fades(100, 50, 50));
    assert_eq!(timeline.step(10, false), Step::WantsTrack);
    timeline.load("a", None, Marks::default());
    assert_eq!(timeline.step(10, false), Step::Begun("a"));
    assert_eq!(timeline.step(10, false), Step::WantsAudio(Side::Current));

    timeline.put(Side::Current, level(0.5, 109));
    assert_eq!(timeline.step(10, false), Step::WantsAudio(Side::Current));
    timeline.put(Side::Current, level(0.5, 1));
    assert!(matches!(timeline.step(10, false), Step::Whole(_)));

    timeline.end(Side::Current);
    assert_eq!(timeline.step(10, false), Step::WantsTrack, "the overlap would begin here");
    assert!(matches!(timeline.step(10, true), Step::Whole(_)), "but it does not wait for ever");
}

#[test]
fn when_the_next_track_is_late_it_overlaps_with_what_is_left() {
    let mut timeline = timeline(fades(100, 50, 50));
    timeline.load("a", None, Marks::default());
    timeline.step(1, false);
    timeline.put(Side::Current, level(0.5, 1_000));
    timeline.end(Side::Current);
    assert!(matches!(timeline.step(900, false), Step::Whole(_)));
    assert!(matches!(timeline.step(40, true), Step::Whole(_)));

    timeline.load("b", None, Marks::default());
    timeline.put(Side::Next, level(-0.5, 500));

    assert_eq!(timeline.step(100, false), Step::Begun("b"));
    let Step::Whole(block) = timeline.step(100, false) else { panic!("a block is whole") };
    let heard = block.plane(0);
    assert!((heard[9] - 0.5).abs() < 0.1, "the old one is still full: {}", heard[9]);
    assert!((heard[30]).abs() < 1e-3, "in the middle of both fades: {}", heard[30]);
    assert!((heard[60] + 0.5).abs() < 1e-6, "the old one is gone: {}", heard[60]);
}

#[test]
fn the_last_track_fades_out_and_the_filler_comes() {
    let mut timeline = timeline(fades(3_000, 2_000, 2_000));
    let tracks = [("only", level(0.5, 10_000))];

    let (heard, begun) = played(&mut timeline, &tracks, 1_000);
    timeline.step(20_000, true);

    assert!(heard[START..8_000].iter().all(|sample| *sample == 0.5));
    assert!((heard[9_000] - 0.25).abs() < 1e-3, "{}", heard[9_000]);
    assert!(heard[9_999].abs() < 1e-3, "{}", heard[9_999]);
    assert_eq!(begun, [(0, Some("only")), (10_000, None)]);
    assert_eq!(timeline.missed_blocks(), 0, "nothing was expected");
}

#[test]
fn a_skip_crossfades_what_is_there_with_the_next_track() {
    let mut timeline = timeline(fades(300, 200, 200));
    load_both(&mut timeline, 1_000, 5_000);
    timeline.step(400, false); // and the start is over

    timeline.skip();

    assert_eq!(timeline.step(1_000, false), Step::Begun("b"));
    let Step::Whole(block) = timeline.step(1_000, false) else { panic!("a block is whole") };
    let heard = block.plane(0);
    assert!((heard[0] - 0.4).abs() < 1e-3, "the old one is full: {}", heard[0]);
    assert!((heard[100] - 0.4 - 0.1).abs() < 1e-3, "and the new one half: {}", heard[100]);
    assert!((heard[200] - 0.2 - 0.2).abs() < 1e-3, "then the old one half: {}", heard[200]);
    assert!(heard[300..].iter().all(|sample| *sample == 0.2));
    assert_eq!(timeline.begun(), Some((0, Some("a"))));
    assert_eq!(timeline.begun(), Some((400, Some("b"))));
}

#[test]
fn with_nothing_to_skip_to_the_old_track_goes_on() {
    let mut timeline = timeline(fades(300, 200, 200));
    timeline.load("a", None, Marks::default());
    timeline.step(1, false);
    timeline.put(Side::Current, level(0.4, 4_000));

    timeline.skip();

    let Step::Whole(block) = timeline.step(1_000, false) else { panic!("a block is whole") };
    assert!(block.plane(0)[START..].iter().all(|sample| *sample == 0.4));
    timeline.load("b", None, Marks::default());
    timeline.put(Side::Next, level(0.2, 1_000));
    assert_eq!(timeline.step(1_000, false), Step::Begun("b"));
}

#[test]
fn however_often_it_is_skipped_few_tracks_are_heard_at_once_and_none_clicks() {
    let mut timeline = timeline(fades(30_000, 20_000, 20_000));
    let mut heard = Vec::new();
    for track in 0..40 {
        timeline.load(track, None, Marks::default());
        let begun = timeline.step(1_152, true);
        assert!(track == 0 || begun == Step::Begun(track), "{begun:?}");
        let length = if track == 3 { 500 } else { 70_000 };
        timeline.put(Side::Current, level(0.1, length));
        if let Step::Whole(block) = timeline.step(1_152, true) {
            heard.extend_from_slice(block.plane(0));
        }
        assert!(timeline.leaving.len() <= LEAVING_MAX + 1, "{}", timeline.leaving.len());
        timeline.skip();
    }
    let steepest = heard.windows(2).map(|two| (two[1] - two[0]).abs()).fold(0.0, f32::max);
    assert!(steepest < 0.002, "{steepest}");
}

#[test]
fn a_track_that_stalls_is_given_up_for_the_next_before_it_is_missed() {
    let mut timeline = timeline(fades(44_100, 44_100, 44_100));
    load_both(&mut timeline, 2 * 44_100, 5 * 44_100);
    let Some(current) = &mut timeline.current else { panic!("it plays") };
    *current = Deck::new("stalls", None, Marks::default());
    timeline.put(Side::Current, level(0.4, 5 * 44_100));
    timeline.step(START, false);

    let mut steps = Vec::new();
    for _ in 0..300 {
        match timeline.step(1_152, true) {
            Step::Whole(block) => assert!(block.plane(0).iter().all(|sample| *sample > 0.1)),
            step @ (Step::Begun(_)
            | Step::GivenUp(_)
            | Step::Settled(_)
            | Step::WantsAudio(_)
            | Step::WantsTrack) => steps.push(step),
        }
        if timeline.current.as_ref().is_some_and(|current| current.track == "b") {
            timeline.put(Side::Current, level(0.4, 1_152));
        }
    }

    assert_eq!(steps, [Step::GivenUp("stalls"), Step::Begun("b")]);
    assert_eq!(timeline.missed_blocks(), 0);
}

#[test]
fn a_track_without_a_successor_that_stalls_is_bridged_and_goes_on() {
    let mut timeline = timeline(fades(1_000, 500, 500));
    timeline.load("a", None, Marks::default());
    timeline.step(1, true);
    timeline.put(Side::Current, level(0.4, 2_000));

    let mut heard = Vec::new();
    for at in 0..40 {
        if at == 20 {
            timeline.put(Side::Current, level(0.4, 90_000));
        }
        let Step::Whole(block) = timeline.step(1_000, true) else { panic!("a block is whole") };
        heard.extend_from_slice(block.plane(0));
    }

    assert_eq!(timeline.missed_blocks(), 18);
    let steepest = heard.windows(2).map(|two| (two[1] - two[0]).abs()).fold(0.0, f32::max);
    assert!(steepest < 0.004, "{steepest}");
    assert!((heard[39_000] - 0.4).abs() < 1e-6);
}

#[test]
fn what_is_left_of_a_track_is_known_to_the_sample_when_its_end_is() {
    let mut timeline = timeline(fades(300, 200, 200));
    timeline.load("a", Some(10_000), Marks::default());
    timeline.step(1, false);
    timeline.put(Side::Current, level(0.4, 4_000));
    timeline.step(1_000, false);
    assert_eq!(timeline.left(), Some((&"a", Some(9_000))));

    timeline.end(Side::Current);

    assert_eq!(timeline.left(), Some((&"a", Some(3_000))), "it is shorter than it says");
}

#[test]
fn a_border_that_is_listened_to_leaves_out_the_silence_around_it() {
    let mut timeline = timeline(smart());
    let a = [level(0.4, 3 * 44_100), level(0.0, 44_100)];
    let b = [level(0.0, 22_050), level(0.2, 4 * 44_100)];

    let (heard, begun) = played_in_parts(&mut timeline, &[("a", &a), ("b", &b)], 1_152);

    assert_eq!(begun[1], (3 * 44_100, Some("b")));
    let off = heard.len().abs_diff(7 * 44_100);
    assert!(off < 4_410, "{off} sample frames of silence are left");
    let quiet = heard[1_000..6 * 44_100].iter().filter(|sample| sample.abs() < 0.05).count();
    assert_eq!(quiet, 0);
}

#[test]
fn what_goes_on_from_track_to_track_is_not_touched_by_listening() {
    let mut timeline = timeline(smart());
    let (a, b) = ([level(0.4, 3 * 44_100)], [level(0.4, 4 * 44_100)]);

    let (heard, begun) = played_in_parts(&mut timeline, &[("a", &a), ("b", &b)], 1_152);

    assert_eq!(begun[1], (3 * 44_100, Some("b")));
    assert!(heard[1_000..5 * 44_100].iter().all(|sample| *sample == 0.4));
}

#[test]
fn what_is_said_of_a_track_goes_before_what_is_heard_of_it() {
    let mut timeline = timeline(smart());
    timeline.load("a", None, Marks { overlap: Some(0), ..Marks::default() });
    timeline.step(1, false);
    timeline.put(Side::Current, level(0.4, 44_100));
    timeline.put(Side::Current, level(0.0, 44_100));
    timeline.end(Side::Current);
    timeline.load("b", None, Marks::default());
    timeline.put(Side::Next, level(0.4, 44_100));
    timeline.end(Side::Next);

    timeline.step(44_100, false);
    timeline.step(44_099, false);

    assert_eq!(timeline.left(), Some((&"a", Some(1))));
}

proptest! {
    #[test]
    fn nothing_is_lost_or_repeated_outside_an_overlap_and_the_length_is_exact(
        lengths in proptest::collection::vec(1..6_000_usize, 1..8),
        overlap in 0..3_000_usize, fade_in in 0..4_000_usize, fade_out in 0..4_000_usize,
        block in 1..2_500_usize,
    ) {
        let mut timeline = timeline(fades(overlap, fade_in, fade_out));
        let tracks: Vec<_> = lengths.iter().enumerate().map(|(at, &length)| {
            (at, counted(length))
        }).collect();
        let overlaps: Vec<usize> = lengths
            .windows(2)
            .map(|two| overlap.min(two[0] / 2).min(two[1] / 2))
            .collect();

        let (heard, begun) = played(&mut timeline, &tracks, block);

        let total = lengths.iter().sum::<usize>() - overlaps.iter().sum::<usize>();
        prop_assert_eq!(heard.len(), total);
        let expected = counted(6_000);
        let mut at = 0;
        for (track, &length) in lengths.iter().enumerate() {
            prop_assert_eq!(begun[track], (at as u64, Some(track)));
            let before = if track == 0 { 0 } else { overlaps[track - 1] };
            // The last one fades out, since nothing follows it.
            let after = overlaps.get(track).copied().unwrap_or_else(|| fade_out.min(overlap));
            let alone = before..length.saturating_sub(after).max(before);
            let heard = &heard[at + alone.start..at + alone.end];
            prop_assert!(heard == &expected.plane(0)[alone], "of track {}", track);
            at += length - after.min(overlaps.get(track).copied().unwrap_or(0));
        }
    }
}

/// What begins at full level out of nothing is lifted for so long, so that it does not click.
const START: usize = 220;

/// A timeline that stands in with silence.
fn timeline<T: Clone>(crossfade: Crossfade) -> Timeline<T> {
    Timeline::new(44_100, crossfade, Box::new(Filler::new(Sound::Silence, 44_100)))
}

/// A crossfade, said in sample frames at 44.1 kHz.
fn fades(overlap: usize, fade_in: usize, fade_out: usize) -> Crossfade {
    let duration = |length: usize| Duration::from_nanos(length as u64 * 1_000_000_000 / 44_100);
    let crossfade = Crossfade {
        duration: duration(overlap),
        fade_in: duration(fade_in),
        fade_out: duration(fade_out),
        ..Crossfade::default()
    };
    assert_eq!(crossfade.lengths(44_100), Lengths { overlap, fade_in, fade_out });
    crossfade
}

/// All that is heard of `tracks`, in blocks of `block`, and where each began.
fn played<T: Clone>(
    timeline: &mut Timeline<T>,
    tracks: &[(T, Block)],
    block: usize,
) -> (Vec<f32>, Vec<(u64, Option<T>)>) {
    let mut coming = tracks.iter();
    let mut next: Option<&(T, Block)> = None;
    let mut heard = Vec::new();
    let mut begun = Vec::new();
    loop {
        match timeline.step(block, false) {
            Step::Whole(block) => heard.extend_from_slice(block.plane(0)),
            Step::WantsTrack => match coming.next() {
                Some(track) => {
                    timeline.load(track.0.clone(), None, Marks::default());
                    next = Some(track);
                }
                None => timeline.expect_nothing(),
            },
            Step::WantsAudio(Side::Next) => {
                let (_, audio) = next.unwrap();
                timeline.put(Side::Next, audio.clone());
                timeline.end(Side::Next);
                next = None;
            }
            Step::WantsAudio(Side::Current) => {
                let (_, audio) = next.unwrap();
                timeline.put(Side::Current, audio.clone());
                timeline.end(Side::Current);
                next = None;
            }
            Step::Begun(_) => {
                if let Some((_, audio)) = next.take() {
                    timeline.put(Side::Current, audio.clone());
                    timeline.end(Side::Current);
                }
            }
            Step::GivenUp(_) => panic!("nothing stalls"),
            Step::Settled(_) => {}
        }
        while let Some(at) = timeline.begun() {
            begun.push(at);
        }
        if let Some((at, None)) = begun.last() {
            heard.truncate(usize::try_from(*at).unwrap());
            return (heard, begun);
        }
    }
}

fn untouched<T: Clone>(timeline: &mut Timeline<T>) -> Vec<(u64, Option<T>)> {
    std::iter::from_fn(|| timeline.untouched()).collect()
}

/// The same, of tracks in several blocks.
fn played_in_parts<T: Clone>(
    timeline: &mut Timeline<T>,
    tracks: &[(T, &[Block])],
    block: usize,
) -> (Vec<f32>, Vec<(u64, Option<T>)>) {
    let whole = |blocks: &[Block]| {
        let mut blocks = blocks.iter().cloned();
        let first = blocks.next().unwrap();
        blocks.fold(first, |mut whole, block| {
            whole.append(&block);
            whole
        })
    };
    let tracks: Vec<(T, Block)> =
        tracks.iter().map(|(track, blocks)| (track.clone(), whole(blocks))).collect();
    played(timeline, &tracks, block)
}

/// The usual crossfade, but both sides are listened to first.
fn smart() -> Crossfade {
    Crossfade { mode: Mode::Smart, ..fades(132_300, 88_200, 88_200) }
}

/// `a` plays and `b` is loaded, both whole.
fn load_both(timeline: &mut Timeline<&'static str>, a: usize, b: usize) {
    timeline.load("a", None, Marks::default());
    timeline.step(1, false);
    timeline.put(Side::Current, level(0.4, a));
    timeline.end(Side::Current);
    timeline.load("b", None, Marks::default());
    timeline.put(Side::Next, level(0.2, b));
    timeline.end(Side::Next);
}

fn level(level: f32, sample_frames: usize) -> Block {
    Block::stereo(44_100, vec![level; sample_frames], vec![level; sample_frames])
}

/// Samples that are all different, and so quiet that no join touches them.
fn counted(sample_frames: usize) -> Block {
    let plane: Vec<f32> = (1..=sample_frames).map(|at| at as f32 * 1e-7).collect();
    Block::stereo(44_100, plane.clone(), plane)
}

#[test]
fn what_is_live_takes_over_with_the_whole_crossfade_and_leaves_with_what_its_buffer_has() {
    let mut timeline = timeline(fades(100, 100, 100));
    timeline.load("a", None, Marks::default());
    timeline.step(10, false);
    timeline.put(Side::Current, level(0.1, 4_000));
    let buffer = Duration::from_secs_f64(300.0 / 44_100.0);
    timeline.load_live("live", Pace::new(buffer), Marks::default());
    timeline.put(Side::Next, level(0.2, 140));
    timeline.skip();
    assert!(matches!(timeline.step(10, false), Step::Whole(_)), "too little of it is there");
    timeline.put(Side::Next, level(0.2, 160));

    assert_eq!(timeline.step(10, false), Step::Begun("live"));
    for _ in 0..15 {
        assert!(matches!(timeline.step(10, false), Step::Whole(_)));
    }
    assert_eq!(timeline.live_waiting(), Some(150));
    timeline.load("b", None, Marks::default());
    timeline.put(Side::Next, level(0.1, 4_000));
    timeline.end(Side::Current);

    for _ in 0..5 {
        assert!(matches!(timeline.step(10, false), Step::Whole(_)));
    }
    assert_eq!(timeline.step(10, false), Step::Begun("b"), "over the last 100");
}

#[test]
fn what_is_live_and_does_not_come_is_given_up_before_nothing_of_it_is_left() {
    let mut timeline = timeline(Crossfade::default());
    let buffer = Duration::from_secs(2);
    timeline.load_live("live", Pace::new(buffer), Marks::default());
    timeline.put(Side::Next, level(0.2, 2 * 44_100));
    timeline.step(100, false);
    timeline.load("b", None, Marks::default());
    timeline.put(Side::Next, level(0.1, 44_100));

    let mut cuts = 0;
    while matches!(timeline.step(4_410, true), Step::Whole(_)) {
        cuts += 1;
    }

    assert_eq!((cuts, timeline.missed_blocks()), (20, 0));
    assert_eq!(timeline.step(4_410, true), Step::Begun("b"));
}

#[test]
fn what_is_live_and_waits_for_its_turn_is_the_latest_of_it_when_that_comes() {
    let mut timeline = timeline(Crossfade::default());
    timeline.load("a", None, Marks::default());
    timeline.step(10, false);
    timeline.put(Side::Current, level(0.1, 50));
    let buffer = Duration::from_secs_f64(100.0 / 44_100.0);
    timeline.load_live("x", Pace::new(buffer), Marks::default());
    for number in 0..10 {
        assert!(timeline.has_room(Side::Next));
        timeline.put(Side::Next, level(0.001 * number as f32, 40));
        if number == 3 {
            timeline.turn_into(Side::Next, "y");
        }
    }
    timeline.end(Side::Current);
    let begun = loop {
        if let Step::Begun(track) = timeline.step(50, false) {
            break track;
        }
    };
    assert!(matches!(timeline.step(50, false), Step::Whole(_)));

    assert_eq!((begun, timeline.live_waiting()), ("x", Some(50)));
    let begun: Vec<_> = std::iter::from_fn(|| timeline.begun()).map(|(_, track)| track).collect();
    assert_eq!(begun, [Some("a"), Some("x"), Some("y")]);
}

#[test]
fn a_title_of_what_is_live_begins_where_it_is_heard() {
    let mut timeline = timeline(Crossfade::default());
    timeline.load_live("x", Pace::new(Duration::from_secs(1)), Marks::default());
    timeline.put(Side::Next, level(0.2, 20));
    timeline.turn_into(Side::Next, "y");
    timeline.put(Side::Next, level(0.2, 40));
    timeline.step(10, false);
    while matches!(timeline.step(10, false), Step::Whole(_)) {}

    let begun: Vec<_> = std::iter::from_fn(|| timeline.begun()).collect();

    assert_eq!(begun, [(0, Some("x")), (20, Some("y"))]);
    assert_eq!(timeline.left().map(|(track, _)| *track), Some("y"));
}

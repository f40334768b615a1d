//! Tests of the lookahead, with real files and threads.

use super::*;
use crate::playlist::Playlist;
use crate::playlist::order::Order;
use crate::test_audio::{self as audio, Form};
use std::path::Path;

#[test]
fn a_track_is_prepared_before_the_one_before_it_has_ended_but_not_two() {
    let dir = tempfile::tempdir().unwrap();
    let mut supply = lookahead(&[tone(dir.path(), "a", 60), tone(dir.path(), "b", 60)]);

    let first = track(&mut supply);
    assert!(supply.next(Duration::from_millis(50)).is_none(), "the first has not begun");
    supply.began(first.track.number);
    let second = track(&mut supply);

    assert_eq!((&*first.track.title, &*second.track.title), ("a", "b"));
    assert_eq!(first.track.length, Some(Duration::from_secs(60)));
    assert!(second.pieces.recv().is_ok(), "its first audio is there");
}

#[test]
fn files_that_cannot_be_played_are_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let broken = dir.path().join("broken.mp3");
    std::fs::write(&broken, "not music").unwrap();
    let empty = dir.path().join("empty.wav");
    audio::write_wav(&empty, &[], 2, 44_100, Form::Int16);
    let mut supply = lookahead(&[broken, empty, tone(dir.path(), "a", 1)]);

    assert_eq!(&*track(&mut supply).track.title, "a");
}

#[test]
fn a_track_that_nobody_takes_does_not_hold_up_the_one_that_plays() {
    let dir = tempfile::tempdir().unwrap();
    let mut supply = lookahead(&[tone(dir.path(), "a", 5), tone(dir.path(), "b", 60)]);
    let first = track(&mut supply);
    supply.began(first.track.number);
    let _second = track(&mut supply);

    let sample_frames: usize = first.pieces.iter().map(|piece| piece.sample_frames()).sum();

    assert_eq!(sample_frames, 5 * 44_100);
}

#[test]
fn what_was_prepared_and_is_not_wanted_comes_again_when_the_playlist_is_asked_again() {
    let dir = tempfile::tempdir().unwrap();
    let paths = ["a", "b", "c"].map(|name| tone(dir.path(), name, 10));
    let mut supply = lookahead(&paths);
    let first = track(&mut supply);
    supply.began(first.track.number);
    let dropped = track(&mut supply);

    supply.reconsider();

    let again = track(&mut supply);
    assert_eq!((&*dropped.track.title, &*again.track.title), ("b", "b"));
    assert!(again.track.number > dropped.track.number);
    supply.began(again.track.number);
    assert_eq!(&*track(&mut supply).track.title, "c");
}

#[test]
fn reconsidering_does_not_repeat_the_track_that_plays() {
    let dir = tempfile::tempdir().unwrap();
    let paths = ["a", "b"].map(|name| tone(dir.path(), name, 10));
    let mut supply = lookahead(&paths);
    let first = track(&mut supply);

    supply.began(first.track.number);
    supply.reconsider();

    assert_eq!(&*track(&mut supply).track.title, "b");
}

#[test]
fn a_track_chosen_before_it_was_reconsidered_is_not_taken_after() {
    let dir = tempfile::tempdir().unwrap();
    let mut supply = lookahead(&[tone(dir.path(), "a", 10)]);

    for count in 1..=20 {
        supply.reconsider(); // whatever the lookahead is doing at this moment
        assert_eq!(track(&mut supply).reconsidered, count);
    }
}

#[test]
fn when_nothing_can_be_played_it_says_so_and_looks_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("late.wav");
    let mut supply = lookahead(std::slice::from_ref(&path));
    assert!(matches!(supply.next(LIMIT), Some(Coming::Nothing)));

    audio::write_wav(&path, &audio::tone(440.0, 44_100, 44_100), 2, 44_100, Form::Int16);

    assert_eq!(&*track(&mut supply).track.title, "late");
}

#[test]
fn a_reel_ends_when_its_track_is_dropped_and_the_lookahead_with_its_supply() {
    let dir = tempfile::tempdir().unwrap();
    let selection = selection(vec![tone(dir.path(), "a", 60)]);
    let (lookahead, mut supply) = Lookahead::new(selection, 44_100);
    let thread = std::thread::spawn(move || lookahead.run());
    let mut number = 0;

    // More often than there may be reels at work.
    for _ in 0..3 * REELS_MAX {
        let prepared = track(&mut supply);
        number = prepared.track.number;
        supply.began(number);
    }

    drop(supply);
    thread.join().unwrap();
    assert_eq!(number, 3 * REELS_MAX as u64);
}

fn lookahead(paths: &[PathBuf]) -> Supply {
    let (lookahead, supply) = Lookahead::new(selection(paths.to_vec()), 44_100);
    std::thread::spawn(move || lookahead.run());
    supply
}

fn selection(paths: Vec<PathBuf>) -> Selection {
    Selection::new(vec![("p".into(), Playlist::new(paths, Order::normal()))])
}

fn track(supply: &mut Supply) -> Prepared {
    match supply.next(LIMIT) {
        Some(Coming::Track(prepared)) => prepared,
        other => panic!("a track comes, not {other:?}"),
    }
}

fn tone(dir: &Path, name: &str, seconds: usize) -> PathBuf {
    let path = dir.join(format!("{name}.wav"));
    let tone = audio::tone(440.0, 44_100, seconds * 44_100);
    audio::write_wav(&path, &tone, 2, 44_100, Form::Int16);
    path
}

const LIMIT: Duration = Duration::from_secs(20);

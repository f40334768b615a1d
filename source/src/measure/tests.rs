//! What is ordered is measured, kept, and told.

use super::*;
use crate::test_audio::{self as audio, Form};
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

#[test]
fn a_track_is_measured_and_the_next_time_known_from_the_book() {
    let dir = tempfile::tempdir().unwrap();
    let (file, book) = (tone(dir.path(), "a.wav", 0.5), dir.path().join("book"));
    let measured = {
        let desk = Desk::start(Some(&book));
        let measured = desk.settled(&file);
        desk.end();
        measured
    };
    let Standing::Known(measure) = measured else { panic!("{measured:?}") };
    assert!((measure.loudness_lufs.unwrap() + 6.0).abs() < 0.2, "{measure:?}");
    assert!((measure.true_peak - 0.5).abs() < 0.01, "{measure:?}");

    // With another loudness, the same size and the same time: only the book can tell the old one.
    let changed = std::fs::metadata(&file).unwrap().modified().unwrap();
    tone(dir.path(), "a.wav", 0.1);
    std::fs::File::open(&file).unwrap().set_modified(changed).unwrap();
    let desk = Desk::start(Some(&book));

    assert_eq!(desk.settled(&file), measured);
    desk.end();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "nothing else is left");
}

#[test]
fn a_file_that_has_changed_is_measured_again_and_meanwhile_its_old_measure_is_known() {
    let dir = tempfile::tempdir().unwrap();
    let file = tone(dir.path(), "a.wav", 0.5);
    let desk = Desk::start(None);
    let first = desk.settled(&file);

    tone(dir.path(), "a.wav", 0.05);
    let changed = std::time::SystemTime::now() + Duration::from_secs(10);
    std::fs::File::open(&file).unwrap().set_modified(changed).unwrap();

    let known = desk.measures.last_known(&Item::file(&file));
    assert_eq!(known.map(Standing::Known), Some(first));
    let Standing::Known(second) = desk.settled(&file) else { panic!("it can be measured") };
    assert!((second.loudness_lufs.unwrap() + 26.0).abs() < 0.2, "{second:?}");
    desk.end();
}

#[test]
fn what_cannot_be_measured_is_told_and_asked_again_the_next_time() {
    let dir = tempfile::tempdir().unwrap();
    let (rotten, absent) = (dir.path().join("rotten.mp3"), dir.path().join("absent.wav"));
    std::fs::write(&rotten, "no music").unwrap();
    let desk = Desk::start(None);

    assert_eq!(desk.settled(&rotten), Standing::Unknown);
    assert_eq!(desk.settled(&absent), Standing::Unknown);
    tone(dir.path(), "absent.wav", 0.5);
    assert!(matches!(desk.settled(&absent), Standing::Known(_)));
    desk.end();
}

#[test]
fn each_part_of_a_file_has_a_measure_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("two.wav");
    let soft: Vec<f32> = samples().iter().map(|sample| sample * 0.1).collect();
    audio::write_wav(&path, &[soft, samples()].concat(), 2, 44_100, Form::Int16);
    let desk = Desk::start(None);

    let lufs = [("0", "2"), ("2", "4")].map(|(from, to)| {
        let mut item = Item::file(&path);
        item.annotations.push("liq_cue_in", from);
        item.annotations.push("liq_cue_out", to);
        let wanted = Wanted { item, fetched: None, unless_tagged: false };
        match desk.settle(&wanted) {
            Standing::Known(measure) => (measure.loudness_lufs.unwrap(), measure.extent.end_ms),
            Standing::Coming | Standing::Unknown => panic!("it can be measured"),
        }
    });

    assert!((lufs[0].0 + 26.0).abs() < 0.2, "{lufs:?}");
    assert!((lufs[1].0 + 6.0).abs() < 0.2, "{lufs:?}");
    assert_eq!((lufs[0].1, lufs[1].1), (2_000, 4_000));
    desk.end();
}

#[test]
fn what_is_awaited_comes_before_what_is_only_likely() {
    let dir = tempfile::tempdir().unwrap();
    let long = dir.path().join("long.wav");
    audio::write_wav(&long, &audio::tone(440.0, 44_100, 300 * 44_100), 2, 44_100, Form::Int16);
    let short = tone(dir.path(), "short.wav", 0.5);
    let desk = Desk::start(None);
    desk.measures.order_ahead(wanted(&long));

    assert!(matches!(desk.settled(&short), Standing::Known(_)));

    assert_eq!(desk.measures.last_known(&Item::file(&long)), None, "it was put off");
    assert!(matches!(desk.settled(&long), Standing::Known(_)), "and not forgotten");
    desk.end();
}

#[test]
fn what_is_only_likely_is_measured_when_there_is_time() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (tone(dir.path(), "a.wav", 0.5), tone(dir.path(), "b.wav", 0.5));
    let desk = Desk::start(None);

    desk.measures.order_ahead(wanted(&one));
    assert!(matches!(desk.settled(&two), Standing::Known(_)));
    assert!(matches!(desk.settled(&one), Standing::Known(_)));

    assert!(desk.measures.last_known(&Item::file(&one)).is_some());
    desk.end();
}

#[test]
fn a_file_that_is_no_book_is_set_aside_and_tracks_are_measured_anew() {
    let dir = tempfile::tempdir().unwrap();
    let (file, book) = (tone(dir.path(), "a.wav", 0.5), dir.path().join("book"));
    for rotten in [&b"no book"[..], b"\xFF", b"carrier measures 1\nhalf a li"] {
        std::fs::write(&book, rotten).unwrap();
        let desk = Desk::start(Some(&book));

        assert!(matches!(desk.settled(&file), Standing::Known(_)));

        desk.end();
        assert_eq!(std::fs::read(dir.path().join("book.broken")).unwrap(), rotten);
        let text = std::fs::read_to_string(&book).unwrap();
        assert_eq!(Book::parse(&text).unwrap().len(), 1);
    }
}

#[test]
fn a_book_that_cannot_be_written_does_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    let file = tone(dir.path(), "a.wav", 0.5);
    let desk = Desk::start(Some(&dir.path().join("nowhere/book")));

    assert!(matches!(desk.settled(&file), Standing::Known(_)));
    desk.end();
}

#[test]
fn measuring_ends_in_the_middle_of_a_file_when_nobody_wants_it_any_more() {
    let dir = tempfile::tempdir().unwrap();
    let long = dir.path().join("long.wav");
    audio::write_wav(&long, &audio::tone(440.0, 44_100, 600 * 44_100), 1, 44_100, Form::Int16);
    let desk = Desk::start(None);
    assert_eq!(desk.measures.want(&wanted(&long)), Standing::Coming);

    let began = Instant::now();
    desk.end();

    assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
}

#[test]
fn only_what_nobody_has_analysed_is_measured_if_that_is_enough() {
    let dir = tempfile::tempdir().unwrap();
    let file = tone(dir.path(), "a.wav", 0.5);
    let desk = Desk::start(None);
    let mut tagged = Item::file(&file);
    tagged.annotations.push("replaygain_track_gain", "-3 dB");
    let unless_tagged =
        |item: Item| desk.settle(&Wanted { item, fetched: None, unless_tagged: true });

    assert_eq!(unless_tagged(tagged), Standing::Unknown);
    assert!(matches!(unless_tagged(Item::file(&file)), Standing::Known(_)));
    desk.end();
}

/// Somebody who wants things measured.
struct Desk {
    measures: Measures,
    thread: JoinHandle<()>,
    woken: Receiver<()>,
}

impl Desk {
    fn start(book: Option<&Path>) -> Self {
        let (measures, thread) = Measures::start(book.map(Path::to_owned)).unwrap();
        let (wake, woken) = sync_channel(1);
        measures.wakes(&wake);
        Self { measures, thread, woken }
    }

    fn settled(&self, path: &Path) -> Standing {
        self.settle(&wanted(path))
    }

    fn settle(&self, wanted: &Wanted) -> Standing {
        let until = Instant::now() + LIMIT;
        loop {
            match self.measures.want(wanted) {
                Standing::Coming => {}
                settled @ (Standing::Known(_) | Standing::Unknown) => return settled,
            }
            self.woken.recv_timeout(until - Instant::now()).expect("it is settled in time");
        }
    }

    fn end(self) {
        drop(self.measures);
        self.thread.join().unwrap();
    }
}

fn wanted(path: &Path) -> Wanted {
    Wanted { item: Item::file(path), fetched: None, unless_tagged: false }
}

/// Two seconds of a tone whose peak is at `level`.
fn tone(folder: &Path, name: &str, level: f32) -> PathBuf {
    let path = folder.join(name);
    let samples: Vec<f32> = samples().iter().map(|sample| sample * level * 2.0).collect();
    audio::write_wav(&path, &samples, 2, 44_100, Form::Int16);
    path
}

/// Two seconds of a tone at half scale.
fn samples() -> Vec<f32> {
    audio::tone(1_000.0, 44_100, 88_200)
}

const LIMIT: Duration = Duration::from_secs(20);

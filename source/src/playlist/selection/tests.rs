//! Tests of what plays, with lists of names and given times.

use super::*;
use crate::pcm::block::Block;
use crate::playlist::order::Order;
use crate::playlist::queue::Numbers;
use crate::playlist::rules::Every;

#[test]
fn the_first_playlist_that_has_something_plays_and_goes_on_from_item_to_item() {
    let mut selection = selection(&[&["a", "b"], &["z"]]);
    let now = Instant::now();

    assert_eq!(heard(&mut selection, now, 3), ["a", "b", "a"]);
}

#[test]
fn what_cannot_be_heard_gives_way_to_the_next_and_is_asked_again_later() {
    let mut selection = selection(&[&["a", "b"], &["y", "z"]]);
    let now = Instant::now();

    assert_eq!(unheard(&mut selection, now, 2), ["a", "b"]);
    assert_eq!(heard(&mut selection, now, 1), ["y"]);
    let later = now + BARREN_REST;
    let again = selection.next_item(later, Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!((again.item.path, again.again), (PathBuf::from("a"), true));
    selection.tell(true, later);
    selection.began(Timestamp::UNIX_EPOCH, None);
    assert_eq!(heard(&mut selection, later, 1), ["b"]);
}

#[test]
fn when_nothing_is_left_there_is_nothing_until_it_is_tried_again() {
    let mut selection = selection(&[&["a"], &[]]);
    let now = Instant::now();
    unheard(&mut selection, now, 1);
    assert_eq!(selection.next_item(now, Timestamp::UNIX_EPOCH), None);

    selection.retry(now);

    assert_eq!(heard(&mut selection, now, 1), ["a"]);
}

#[test]
fn a_playlist_with_hours_is_played_only_within_them() {
    let mut station = Station::new(&[("day", DAY, hours("06:00-12:00")), ("rest", "z", always())]);

    assert_eq!(station.play("05:59"), "z");
    assert_eq!(station.play("06:00"), "a");
    assert_eq!(station.play("12:00"), "z");
    assert_eq!(station.play("07:00"), "b", "it goes on where it was");
}

#[test]
fn a_jingle_comes_after_so_many_tracks_and_is_none_itself() {
    let every = Rules { every: Some(Every::Tracks(2)), ..always() };
    let mut station = Station::new(&[
        ("ids", "i", every.clone()),
        ("jingles", "j", every),
        ("music", "a", always()),
    ]);

    let played: Vec<_> = (0..8).map(|_| station.play("08:00")).collect();

    assert_eq!(played, ["a", "a", "i", "j", "a", "a", "i", "j"]);
}

#[test]
fn what_is_due_by_the_clock_overtakes_what_was_prepared() {
    let at = Rules { at: vec![":00".parse().unwrap()], ..always() };
    let mut station = Station::new(&[("news", "n", at), ("music", DAY, always())]);
    assert_eq!(station.play("08:10"), "a");
    assert_eq!(station.ask("08:59"), "b");
    assert!(!station.selection.is_overtaken(at_time("08:59:59")));

    assert!(station.selection.is_overtaken(at_time("09:00")));
    station.selection.give_back();

    assert_eq!(station.play("09:00"), "n");
    assert_eq!(station.play("09:03"), "b", "what was given back comes now");
}

#[test]
fn a_soft_start_waits_and_a_hard_one_interrupts_only_what_stands_behind_it() {
    let soft = Rules { at: vec![":00".parse().unwrap()], ..always() };
    let hard = Rules { start: Start::Hard, ..soft.clone() };
    for (rules, interrupts) in [(soft, false), (hard, true)] {
        let mut station = Station::new(&[("news", "n", rules), ("music", "a", always())]);
        station.play("08:10");

        assert_eq!(station.ask("09:00"), "n");
        assert_eq!(station.pending().interrupts, interrupts);
        station.began("09:00");
        assert_eq!(station.ask("09:00"), "a");
        assert!(!station.pending().interrupts);
    }
}

#[test]
fn two_hard_starts_at_one_time_follow_each_other() {
    let at = Rules { at: vec![":00".parse().unwrap()], start: Start::Hard, ..always() };
    let show = Rules { start: Start::Hard, ..hours("09:00-10:00") };
    let mut station =
        Station::new(&[("news", "n", at), ("show", "s", show), ("music", "a", always())]);
    station.play("08:10");

    assert_eq!((station.ask("09:00"), station.pending().interrupts), ("n".to_owned(), true));
    station.began("09:00");
    assert_eq!((station.ask("09:00"), station.pending().interrupts), ("s".to_owned(), false));
}

#[test]
fn what_became_due_too_late_to_change_the_border_interrupts_the_track_behind_it() {
    let show = Rules { start: Start::Hard, ..hours("09:00-10:00") };
    let mut station = Station::new(&[("show", "s", show), ("music", DAY, always())]);
    station.play("08:55");
    assert_eq!(station.ask("08:55"), "b");

    station.began("09:00");

    assert_eq!((station.ask("09:00"), station.pending().interrupts), ("s".to_owned(), true));
}

#[test]
fn a_show_that_begins_hard_ends_one_whose_hours_are_over_though_that_stands_before_it() {
    let morning = hours("06:00-09:00");
    let noon = Rules { start: Start::Hard, ..hours("09:00-12:00") };
    let mut station = Station::new(&[("morning", "m", morning), ("noon", "n", noon)]);
    station.play("08:58");

    assert_eq!((station.ask("09:00"), station.pending().interrupts), ("n".to_owned(), true));
}

#[test]
fn an_interrupted_track_ends_or_returns_where_it_was() {
    const LEFT_AT: Duration = Duration::from_millis(95_500);
    let at = Rules { at: vec![":00".parse().unwrap()], start: Start::Hard, ..always() };
    let returns = Rules { interrupted: Interrupted::Returns, ..at.clone() };
    for (rules, then) in [(at, ("b", None)), (returns, ("a", Some(LEFT_AT)))] {
        let mut station = Station::new(&[("news", "n", rules), ("music", DAY, always())]);
        station.play("08:58");
        station.ask("09:00");
        station.selection.began(at_time("09:00"), Some(LEFT_AT));

        assert_eq!(station.ask("09:02"), then.0);
        assert_eq!(station.pending().left_at, then.1);
        station.selection.give_back();
        assert_eq!(station.play("09:02"), then.0, "also after it was given back");
        assert_eq!(station.play("09:05"), if then.0 == "a" { "b" } else { "a" });
    }
}

#[test]
fn what_is_passed_over_comes_again_after_its_rest_or_when_nothing_else_is_left() {
    let mut station = Station::new(&[("show", "s", always()), ("music", DAY, always())]);
    assert_eq!(station.play("08:00"), "s");

    station.selection.pass_over(at_time("08:00"), Duration::from_secs(600), -60.0);
    assert!(station.selection.is_overtaken(at_time("08:00")), "what was chosen is not wanted");
    assert_eq!(station.play("08:00"), "a");
    assert_eq!(station.play("08:05"), "b");
    assert!(!station.selection.is_overtaken(at_time("08:09")));
    assert_eq!(station.selection.look_at(at_time("08:09")), at_time("08:10"));
    assert!(station.selection.is_overtaken(at_time("08:10")));
    assert_eq!(station.play("08:10"), "s");

    let mut alone = Station::new(&[("show", "s", always())]);
    assert_eq!(alone.play("08:00"), "s");
    alone.selection.pass_over(at_time("08:00"), Duration::from_secs(600), -60.0);
    assert_eq!(alone.play("08:01"), "s");

    station.selection.pass_over(at_time("08:10"), Duration::from_secs(600), -60.0);
    assert_eq!(station.play("07:00"), "s", "the clock was put back");
}

#[test]
fn requests_come_first_in_their_order_and_one_that_cannot_be_heard_is_gone() {
    let (mut station, queue) = Station::with_queue(Start::Soft);
    station.play("08:00");
    assert_eq!(station.ask("08:01"), "b");
    let ids = ["x", "y"].map(|name| queue.push(name).unwrap());

    assert!(station.selection.is_overtaken(at_time("08:02")));
    assert_eq!(station.ask("08:02"), "x");
    assert_eq!(station.pending().request, Some(ids[0]));
    assert!(!station.selection.is_overtaken(at_time("08:03")), "it is asked for");
    station.selection.tell(false, Instant::now());
    assert_eq!(station.ask("08:03"), "y");
    queue.flush();
    assert!(station.selection.is_overtaken(at_time("08:03")), "it is not wanted any more");

    assert_eq!(station.play("08:04"), "b");
}

#[test]
fn a_request_with_a_hard_start_interrupts_music_and_no_other_request() {
    let (mut station, queue) = Station::with_queue(Start::Hard);
    station.play("08:00");
    queue.push("x").unwrap();
    queue.push("y").unwrap();

    assert_eq!((station.ask("08:01"), station.pending().interrupts), ("x".to_owned(), true));
    station.began("08:01");
    assert_eq!((station.ask("08:01"), station.pending().interrupts), ("y".to_owned(), false));
}

#[test]
fn a_rotation_gives_its_lists_their_turns_and_what_is_given_back_keeps_its_own() {
    let mut station = Station::rotating();

    let mut played = Vec::new();
    for _ in 0..6 {
        let asked = station.ask("08:00");
        station.selection.give_back();
        played.push(station.play("08:00"));
        assert_eq!(*played.last().unwrap(), asked);
    }

    assert_eq!(played, ["a", "x", "y", "b", "x", "y"]);
}

#[test]
fn after_a_restart_it_goes_on_behind_what_was_played() {
    let mut before = Station::rotating();
    let past: Vec<_> = (0..2)
        .map(|_| {
            before.ask("08:00");
            let Next { playlist, key, .. } = before.pending().clone();
            before.began("08:00");
            (playlist, key)
        })
        .collect();
    let mut after = Station::rotating();

    let began = at_time("08:00");
    let past = past.iter().map(|(playlist, key)| Past { playlist, key: *key, began });
    after.selection.resume(&past.collect::<Vec<_>>());

    assert_eq!(["08:01"; 2].map(|time| after.play(time)), ["y", "b"]);
}

#[test]
fn one_looks_again_at_every_full_minute_and_when_something_is_due() {
    let every = Some(Every::Time(Duration::from_secs(90)));
    let station = Station::new(&[("j", "j", Rules { every, ..always() })]);

    assert_eq!(station.selection.look_at(at_time("08:05:10")), at_time("08:06"));
    assert_eq!(station.selection.look_at(at_time("08:06")), at_time("08:06:30"));
    assert_eq!(station.selection.look_at(at_time("08:06:30")), at_time("08:07"));
}

/// A selection on a day, asked and told.
struct Station {
    selection: Selection,
}

impl Station {
    /// Playlists of files with one letter as their name.
    fn new(playlists: &[(&str, &str, Rules)]) -> Self {
        let entries: Vec<_> =
            playlists.iter().map(|(name, files, rules)| entry(name, files, rules)).collect();
        let top = (0..entries.len()).collect();
        Self { selection: Selection::among(entries, top, at_time("08:05")) }
    }

    fn with_queue(start: Start) -> (Self, Queue) {
        let queue = Queue::new("requests", PathBuf::new(), Numbers::default());
        let rules = Rules { start, ..always() };
        let entries = vec![Entry::queue(queue.clone(), rules), entry("music", DAY, &always())];
        (Self { selection: Selection::among(entries, vec![0, 1], at_time("08:05")) }, queue)
    }

    /// One track of the first list, and two of the second.
    fn rotating() -> Self {
        let rotation = Rotation::turns(vec![(1, 1), (2, 2)]);
        let entries = vec![
            Entry::rotation("both", rotation, always()),
            entry("first", DAY, &always()),
            entry("second", "xy", &always()),
        ];
        Self { selection: Selection::among(entries, vec![0], at_time("08:05")) }
    }

    fn ask(&mut self, time: &str) -> String {
        let next = self.selection.next_item(Instant::now(), at_time(time)).unwrap();
        next.item.path.display().to_string()
    }

    fn began(&mut self, time: &str) {
        self.selection.tell(true, Instant::now());
        self.selection.began(at_time(time), None);
    }

    fn play(&mut self, time: &str) -> String {
        let played = self.ask(time);
        self.began(time);
        played
    }

    fn pending(&self) -> &Next {
        &self.selection.pending.as_ref().unwrap().next
    }
}

#[test]
fn what_is_live_comes_at_once_when_enough_is_there_and_is_played_once() {
    let input = crate::input::Input::new("live", Duration::from_millis(100));
    let rules = Rules { start: Start::Hard, interrupted: Interrupted::Returns, ..always() };
    let entries =
        vec![Entry::live("live", input.feed("main"), rules), entry("day", DAY, &always())];
    let mut selection = Selection::among(entries, vec![0, 1], at_time("08:00"));
    let began = |selection: &mut Selection| {
        let next = selection.next_item(Instant::now(), at_time("08:00")).unwrap();
        selection.began(at_time("08:00"), Some(Duration::from_secs(9)));
        (next.playlist.to_string(), next.interrupts, next.live)
    };
    assert_eq!(began(&mut selection).0, "day");
    selection.next_item(Instant::now(), at_time("08:00"));

    let session = input.begin("dj", crate::input::title::LiveTitle::default()).unwrap();
    assert!(!selection.is_overtaken(at_time("08:00")), "he is connected, and not yet heard");
    session.put(Block::stereo(1_000, vec![0.0; 100], vec![0.0; 100]));
    assert!(selection.is_overtaken(at_time("08:00")));

    let (name, interrupts, feed) = began(&mut selection);
    assert_eq!((name.as_str(), interrupts), ("live", true));
    let _taking = feed.unwrap().take().unwrap();
    let (name, interrupts, _) = began(&mut selection);
    assert_eq!((name.as_str(), interrupts), ("day", false), "what was interrupted returns");
}

fn entry(name: &str, files: &str, rules: &Rules) -> Entry {
    let paths: Vec<String> = files.chars().map(String::from).collect();
    let paths: Vec<_> = paths.iter().map(String::as_str).collect();
    Entry::playlist(name, playlist(&paths), rules.clone())
}

fn always() -> Rules {
    Rules::always()
}

fn hours(text: &str) -> Rules {
    let mut rules = always();
    rules.timetable.hours.push(text.parse().unwrap());
    rules
}

fn at_time(time: &str) -> Timestamp {
    let seconds = if time.len() == 5 { ":00" } else { "" };
    format!("2026-11-25T{time}{seconds}Z").parse().unwrap()
}

fn playlist(paths: &[&str]) -> Playlist {
    Playlist::of_items(paths.iter().map(Item::file).collect(), Order::normal())
}

fn selection(playlists: &[&[&str]]) -> Selection {
    Selection::new(playlists.iter().map(|paths| ("p".into(), playlist(paths))).collect())
}

fn heard(selection: &mut Selection, now: Instant, count: usize) -> Vec<String> {
    asked(selection, now, count, true)
}

fn unheard(selection: &mut Selection, now: Instant, count: usize) -> Vec<String> {
    asked(selection, now, count, false)
}

fn asked(selection: &mut Selection, now: Instant, count: usize, heard: bool) -> Vec<String> {
    let next = |_| {
        let next = selection.next_item(now, Timestamp::UNIX_EPOCH).unwrap();
        selection.tell(heard, now);
        selection.began(Timestamp::UNIX_EPOCH, None);
        next.item.path.display().to_string()
    };
    (0..count).map(next).collect()
}

const DAY: &str = "ab";

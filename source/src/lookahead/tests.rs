//! Tests of the lookahead, with real files and threads.

use super::*;
use crate::fetch::client::Client;
use crate::measure::extent::Threshold;
use crate::playlist::Playlist;
use crate::playlist::order::Order;
use crate::playlist::queue::Queue;
use crate::playlist::rules::{Interrupted, Rules, Start};
use crate::playlist::selection::Entry;
use crate::test_audio::{self as audio, Form};
use crate::treatment::levelling::{Basis, Levelling, Loudness};
use crate::treatment::trim::Trim;
use std::path::Path;

#[test]
fn a_track_is_prepared_before_the_one_before_it_has_ended_but_not_two() {
    let dir = tempfile::tempdir().unwrap();
    let mut supply = lookahead(&[tone(dir.path(), "a", 60), tone(dir.path(), "b", 60)]);

    let first = track(&mut supply);
    assert!(supply.next(Duration::from_millis(50)).is_none(), "the first has not begun");
    supply.began(first.track.number, None);
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
    supply.began(first.track.number, None);
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
    supply.began(first.track.number, None);
    let dropped = track(&mut supply);

    supply.reconsider();

    let again = track(&mut supply);
    assert_eq!((&*dropped.track.title, &*again.track.title), ("b", "b"));
    assert!(again.track.number > dropped.track.number);
    supply.began(again.track.number, None);
    assert_eq!(&*track(&mut supply).track.title, "c");
}

#[test]
fn titles_are_in_the_charset_of_their_playlist_or_queue() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.mp3");
    audio::write_samples(&path, &[0.1; 44_100], 44_100);
    // In windows-1257, and no other alphabet that could be told from Latin.
    let mut tag = b"TAG\xD0iauliai".to_vec();
    tag.resize(128, 0);
    std::fs::write(&path, [std::fs::read(&path).unwrap(), tag].concat()).unwrap();
    let baltic = crate::alphabet::TagCharset::named("windows-1257");
    let queue = Queue::new("q", dir.path().to_owned(), Numbers::default()).tagged_in(baltic);
    queue.push("a.mp3").unwrap();
    let playlist = |charset| Playlist::new(vec![path.clone()], Order::normal()).tagged_in(charset);

    let entries = vec![Entry::queue(queue, Rules::always())];
    let requested = Selection::among(entries, vec![0], Timestamp::UNIX_EPOCH);
    for (selection, title) in [
        (Selection::new(vec![("p".into(), playlist(baltic))]), "Šiauliai"),
        (requested, "Šiauliai"),
        (Selection::new(vec![("p".into(), playlist(None))]), "Ðiauliai"),
    ] {
        let (lookahead, mut supply) = Lookahead::new(selection, 44_100, Numbers::default());
        let _thread = std::thread::spawn(move || lookahead.run());

        assert_eq!(&*track(&mut supply).track.title, title);
    }
}

#[test]
fn reconsidering_does_not_repeat_the_track_that_plays() {
    let dir = tempfile::tempdir().unwrap();
    let paths = ["a", "b"].map(|name| tone(dir.path(), name, 10));
    let mut supply = lookahead(&paths);
    let first = track(&mut supply);

    supply.began(first.track.number, None);
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
    let (lookahead, mut supply) = Lookahead::new(selection, 44_100, Numbers::default());
    let thread = std::thread::spawn(move || lookahead.run());
    let mut number = 0;

    // More often than there may be reels at work.
    for _ in 0..3 * REELS_MAX {
        let prepared = track(&mut supply);
        number = prepared.track.number;
        supply.began(number, None);
    }

    drop(supply);
    thread.join().unwrap();
    assert_eq!(number, 3 * REELS_MAX as u64);
}

#[test]
fn a_request_overtakes_what_was_prepared_and_one_that_cannot_be_played_is_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let (queue, mut supply) = requested(&dir, Start::Soft);
    let first = track(&mut supply);
    supply.began(first.track.number, None);
    let dropped = track(&mut supply);

    queue.push("nowhere.wav").unwrap();
    let number = queue.push("wish.wav").unwrap();
    until(|| supply.is_overtaken(dropped.track.number));
    supply.reconsider();

    let wish = track(&mut supply);
    assert_eq!((&*wish.track.title, wish.track.rid, wish.interrupts), ("wish", number, false));
    assert_eq!(queue.requests().borrow().waiting().count(), 1, "it waits until it begins");
    supply.began(wish.track.number, None);
    assert_eq!(track(&mut supply).track.title, dropped.track.title);
    assert!(queue.is_empty());
}

#[test]
fn a_request_that_was_prepared_and_is_dropped_is_not_played() {
    let dir = tempfile::tempdir().unwrap();
    let (queue, mut supply) = requested(&dir, Start::Soft);
    let first = track(&mut supply);
    supply.began(first.track.number, None);
    queue.push("wish.wav").unwrap();
    let mut prepared = track(&mut supply);
    if &*prepared.track.title != "wish" {
        until(|| supply.is_overtaken(prepared.track.number));
        supply.reconsider();
        prepared = track(&mut supply);
    }

    queue.flush();
    until(|| supply.is_overtaken(prepared.track.number));
    supply.reconsider();

    assert_eq!(&*track(&mut supply).track.title, "b");
}

#[test]
fn what_was_interrupted_goes_on_in_its_file_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let (queue, mut supply) = requested(&dir, Start::Hard);
    let first = track(&mut supply);
    supply.began(first.track.number, None);
    let dropped = track(&mut supply);
    queue.push("wish.wav").unwrap();
    until(|| supply.is_overtaken(dropped.track.number));
    supply.reconsider();
    let wish = track(&mut supply);
    assert!(wish.interrupts);

    supply.began(wish.track.number, Some(Duration::from_millis(2_500)));

    let rest = track(&mut supply);
    assert_eq!((&rest.track.title, rest.interrupts), (&first.track.title, false));
    assert_eq!(rest.track.length, Some(Duration::from_millis(7_500)));
    supply.began(rest.track.number, Some(Duration::from_secs(1)));
    assert_eq!(track(&mut supply).track.title, dropped.track.title);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_elsewhere_is_fetched_and_played_and_one_that_cannot_be_had_is_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let web = Web::start(std::fs::read(tone(dir.path(), "a", 1)).unwrap());
    let mut station = Elsewhere::start(&dir, &[&web.at("/missing"), &web.at("/a.wav")], &web);

    let first = track(&mut station.supply);
    station.supply.began(first.track.number, None);

    assert_eq!(
        (&*first.track.title, first.pieces.iter().count()),
        ("a", 44_100_usize.div_ceil(PIECE_SAMPLE_FRAMES))
    );
    assert_eq!(first.track.path.to_str(), Some(web.at("/a.wav").as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_not_come_when_the_programme_is_pressed_is_overtaken_and_played_later() {
    let dir = tempfile::tempdir().unwrap();
    let web = Web::start(std::fs::read(tone(dir.path(), "a", 10)).unwrap());
    let local = tone(dir.path(), "local", 10);
    let slow = web.at("/held.wav");
    let mut station = Elsewhere::start(&dir, &[&slow, local.to_str().unwrap()], &web);

    station.supply.press(true);
    let first = track(&mut station.supply);
    station.supply.press(false);
    station.supply.began(first.track.number, None);
    web.release();
    let second = track(&mut station.supply);

    assert_eq!((&*first.track.title, &*second.track.title), ("local", "held"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_late_keeps_its_place_and_overtakes_when_it_has_come() {
    let dir = tempfile::tempdir().unwrap();
    let web = Web::start(std::fs::read(tone(dir.path(), "a", 10)).unwrap());
    let local = tone(dir.path(), "local", 10);
    let mut station = Elsewhere::start(&dir, &[local.to_str().unwrap()], &web);
    station.supply.press(true);
    let first = track(&mut station.supply);
    station.queue.push(&web.at("/held.wav")).unwrap();
    station.supply.began(first.track.number, None);
    let prepared = track(&mut station.supply);
    assert_eq!(&*prepared.track.title, "local", "nothing waits for the request");
    assert!(!station.queue.is_empty());
    station.supply.press(false);

    web.release();
    until(|| station.supply.is_overtaken(prepared.track.number));
    station.supply.reconsider();

    assert_eq!(&*track(&mut station.supply).track.title, "held");
}

/// A lookahead that fetches, over requests and, behind them, a list.
struct Elsewhere {
    queue: Queue,
    supply: Supply,
    _stop: watch::Sender<()>,
}

impl Elsewhere {
    fn start(dir: &tempfile::TempDir, entries: &[&str], web: &Web) -> Self {
        let list = dir.path().join("list.m3u");
        std::fs::write(&list, entries.join("\n")).unwrap();
        let queue = Queue::new("requests", dir.path().to_owned(), Numbers::default());
        let music = Playlist::new(vec![list], Order::normal());
        let entries = vec![
            Entry::queue(queue.clone(), Rules::always()),
            Entry::playlist("music", music, Rules::always()),
        ];
        let selection = Selection::among(entries, vec![0, 1], Timestamp::now());
        let limits = crate::fetch::Limits::usual();
        let (fetches, fetcher) = Fetches::new(limits, Client::default(), &web.tasks);
        let (stop, stopped) = watch::channel(());
        web.tasks.spawn(fetcher.run(stopped));
        let (lookahead, supply) = Lookahead::new(selection, 44_100, Numbers::default());
        let lookahead = lookahead.fetching(fetches);
        std::thread::spawn(move || lookahead.run());
        Self { queue, supply, _stop: stop }
    }
}

/// A server of one file under every name but `/missing`; under `/held.wav` only once it is
/// released.
struct Web {
    address: std::net::SocketAddr,
    release: watch::Sender<bool>,
    tasks: tasks::Tasks,
}

impl Web {
    fn start(file: Vec<u8>) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let (release, released) = watch::channel(false);
        let (tasks, file) = (tasks::Tasks::default(), Arc::<[u8]>::from(file));
        let serving = tasks.clone();
        tasks.spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                serving.spawn(serve(tcp, Arc::clone(&file), released.clone()));
            }
        });
        Self { address, release, tasks }
    }

    fn release(&self) {
        self.release.send_replace(true);
    }

    fn at(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

async fn serve(
    mut tcp: tokio::net::TcpStream,
    file: Arc<[u8]>,
    mut released: watch::Receiver<bool>,
) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        tcp.read_buf(&mut request).await.unwrap();
    }
    let head = if request.starts_with(b"GET /missing ") {
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned()
    } else {
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", file.len())
    };
    tcp.write_all(head.as_bytes()).await.unwrap();
    if request.starts_with(b"GET /held.wav ") {
        drop(released.wait_for(|released| *released).await);
    }
    drop(tcp.write_all(&file).await); // nobody wants it that was refused
}

#[test]
fn a_track_is_as_loud_and_as_long_as_its_measure_says() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    let silence = vec![0.0; 44_100];
    let samples = [&silence[..], &audio::tone(1_000.0, 44_100, 3 * 44_100), &silence].concat();
    audio::write_wav(&path, &samples, 2, 44_100, Form::Int16);
    let (measures, _) = Measures::start(None).unwrap();
    let mut supply = treated(&[path], &measures);

    let first = track(&mut supply); // the programme is not pressed, so it waits
    let level = first.track.level;
    assert_eq!(level.basis, Basis::Measured);
    // From about −6 to −20; what is partly silent counts a little.
    assert!((level.gain.db() + 13.8).abs() < 0.5, "{level:?}");
    assert_eq!(first.track.cues.cue_in, Some(Duration::from_millis(990)));
    assert_eq!(first.track.length, Some(Duration::from_millis(3_060)));
    let sample_frames: usize = first.pieces.iter().map(|piece| piece.sample_frames()).sum();
    assert_eq!(sample_frames, 44_100 * 306 / 100);
}

#[test]
fn a_track_that_is_needed_before_it_is_measured_goes_by_its_tags() {
    let dir = tempfile::tempdir().unwrap();
    let long = tone(dir.path(), "long", 100);
    let list = dir.path().join("list.m3u");
    let entries = "long.wav\nannotate:replaygain_track_gain=\"-4 dB\":long.wav\n";
    std::fs::write(&list, entries).unwrap();
    // It has more to do than it can in the time.
    let (measures, _) = Measures::start(None).unwrap();
    for cue_in in 1..20 {
        let mut item = Item::file(&long);
        item.annotations.push("liq_cue_in", &cue_in.to_string());
        measures.want(&Wanted { item, fetched: None, unless_tagged: false });
    }
    let mut supply = treated(&[list], &measures);
    supply.press(true);

    let first = track(&mut supply);
    assert_eq!(first.track.level, Level::default());
    supply.began(first.track.number, None);
    let second = track(&mut supply);
    assert_eq!(second.track.level.basis, Basis::Tagged);
    assert!((second.track.level.gain.db() + 6.0).abs() < 0.1, "from −14 LUFS to −20");
}

#[test]
fn what_is_passed_over_gives_way_to_what_else_there_is() {
    let dir = tempfile::tempdir().unwrap();
    let list = |name: &str| {
        let paths = ["1", "2"].map(|it| tone(dir.path(), &format!("{name}{it}"), 10)).to_vec();
        (name.into(), Playlist::new(paths, Order::normal()))
    };
    let selection = Selection::new(vec![list("silent"), list("music")]);
    let (lookahead, mut supply) = Lookahead::new(selection, 44_100, Numbers::default());
    std::thread::spawn(move || lookahead.run());
    let first = track(&mut supply);
    supply.began(first.track.number, None);
    assert_eq!(&*track(&mut supply).track.title, "silent2");

    supply.pass_over(first.track.number, Duration::from_secs(60), -60.0);
    supply.reconsider();

    for title in ["music1", "music2", "music1"] {
        let next = track(&mut supply);
        assert_eq!(&*next.track.title, title);
        supply.began(next.track.number, None);
    }
}

/// A lookahead whose tracks are brought to −20 LUFS and cut to their sound.
fn treated(paths: &[PathBuf], measures: &Measures) -> Supply {
    let levelling = Levelling::Loudness(Loudness { target_lufs: -20.0, true_peak_max_db: None });
    let trim = Trim {
        threshold: Threshold::of_db(-50.0).unwrap(),
        shortest: Duration::from_millis(200),
        longest: Duration::from_secs(20),
    };
    let treatment = watch::Sender::new(Treatment { levelling, trim: Some(trim) });
    let (lookahead, supply) = Lookahead::new(selection(paths.to_vec()), 44_100, Numbers::default());
    let lookahead = lookahead.treating(treatment.subscribe(), measures.clone());
    std::thread::spawn(move || lookahead.run());
    supply
}

/// A lookahead over requests and, behind them, two tones of 10 seconds; requests are heard from
/// `start` on, and what they interrupt returns.
fn requested(dir: &tempfile::TempDir, start: Start) -> (Queue, Supply) {
    tone(dir.path(), "wish", 10);
    let paths = ["a", "b"].map(|name| tone(dir.path(), name, 10)).to_vec();
    let queue = Queue::new("requests", dir.path().to_owned(), Numbers::default());
    let rules = Rules { start, interrupted: Interrupted::Returns, ..Rules::always() };
    let music = Playlist::new(paths, Order::normal());
    let entries =
        vec![Entry::queue(queue.clone(), rules), Entry::playlist("music", music, Rules::always())];
    let selection = Selection::among(entries, vec![0, 1], Timestamp::now());
    let (lookahead, supply) = Lookahead::new(selection, 44_100, Numbers::default());
    std::thread::spawn(move || lookahead.run());
    (queue, supply)
}

/// Waits for what another thread does at once.
fn until(is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !is_so() {
        assert!(Instant::now() < deadline, "it takes too long");
        std::thread::yield_now();
    }
}

fn lookahead(paths: &[PathBuf]) -> Supply {
    let (lookahead, supply) = Lookahead::new(selection(paths.to_vec()), 44_100, Numbers::default());
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

//! Tests of the programme as a whole, from files to frames, in simulated time.

mod level;
mod passing;
mod sound;

use super::*;
use crate::clock::{PATIENCE_SIMULATED, Schedule};
use crate::cues::Cues;
use crate::decode::Decoder;
use crate::decode::tags::Tags;
use crate::encode::Format;
use crate::encode::mp3::Mp3;
use crate::encode::rack::Rack;
use crate::lookahead::{Lookahead, Prepared};
use crate::mix::tone::{Filler, Sound};
use crate::playlist::Playlist;
use crate::playlist::order::Order;
use crate::playlist::queue::{Numbers, Queue};
use crate::playlist::rules::{Interrupted, Rules, Start};
use crate::playlist::selection::{Entry, Selection};
use crate::programme::fan::Outlet;
use crate::test_audio::{self as audio, Form};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use tokio::sync::watch;

#[test]
fn thirty_minutes_of_fifty_mixed_tracks_have_no_underrun_no_click_and_no_growth() {
    let dir = tempfile::tempdir().unwrap();
    let tracks = mixed_tracks(dir.path());
    let mut programme = programme(tracks);
    let mut rack = Rack::new(&[Format::Mp3(MP3)]).unwrap();
    let mut recording = Recording::create(&dir.path().join("heard.mp3"));
    let mut ear = Ear::default();
    let mut titles = Vec::new();
    let mut grown_from = 0;

    for number in 0..THIRTY_MINUTES_CUTS {
        let cut = programme.next_cut(PATIENCE_SIMULATED);
        assert_eq!(cut.number, number);
        ear.hear(&cut.block);
        titles.extend(cut.titles.into_iter().map(|(_, title)| title));
        rack.feed(&cut.block, |_, frame| recording.add(&frame.bytes)).unwrap();
        if number == THIRTY_MINUTES_CUTS / 2 {
            // By now every format has been decoded beside every other.
            grown_from = resident_kib();
        }
    }

    assert_eq!(programme.on_air().underruns, 0, "the filler had to stand in");
    let grown = resident_kib().saturating_sub(grown_from);
    // A track that is not let go holds at least its queue of 295 KiB, and twenty-five begin in this
    // half.
    assert!(grown < 4 * 1_024, "memory grew by {grown} KiB");
    assert!(titles.len() >= 50, "only {} tracks were heard", titles.len());
    ear.expect_no_step_over(STEP_MAX);
    let mut decoded = Ear::default();
    let mut decoder = Decoder::open(&recording.finish()).unwrap();
    while let Some(block) = decoder.next_block().unwrap() {
        decoded.hear(&block);
    }
    let heard_s = decoded.heard / 44_100;
    assert!((1_799..=1_801).contains(&heard_s), "{heard_s} s can be decoded");
    decoded.expect_no_step_over(STEP_DECODED_MAX);
}

#[test]
fn an_album_cut_in_the_middle_of_a_tone_plays_as_if_it_were_one_track() {
    let dir = tempfile::tempdir().unwrap();
    let whole = audio::tone(440.0, 44_100, 88_200);
    let cuts = [0, 20_011, 20_500, 61_234, 88_200];
    let paths: Vec<_> = cuts
        .windows(2)
        .enumerate()
        .map(|(number, cut)| {
            let path = dir.path().join(format!("{number}.wav"));
            audio::write_wav(&path, &whole[cut[0]..cut[1]], 2, 44_100, Form::Float32);
            path
        })
        .collect();
    let mut programme = programme(paths);

    let mut heard = Vec::new();
    while heard.len() < whole.len() {
        heard.extend_from_slice(programme.next_cut(PATIENCE_SIMULATED).block.plane(0));
    }

    let off = heard.iter().zip(&whole).map(|(a, b)| (a - b).abs()).fold(0.0_f32, f32::max);
    assert!(off < 1e-6, "{off}");
}

#[test]
fn files_that_cannot_be_played_leave_no_gap() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    audio::write_wav(&at("1.wav"), &audio::tone(440.0, 44_100, 44_100), 2, 44_100, Form::Int16);
    std::fs::write(at("2.mp3"), "not music").unwrap();
    std::fs::write(at("4.flac"), vec![0x55; 300_000]).unwrap();
    std::fs::write(at("5.wav"), "").unwrap();
    audio::write_wav(&at("6.wav"), &audio::tone(440.0, 44_100, 44_100), 2, 44_100, Form::Int16);
    let names = ["1.wav", "2.mp3", "3-is-not-there.ogg", "4.flac", "5.wav", "6.wav"];
    let mut programme = programme(names.map(at).to_vec());

    let mut ear = Ear::default();
    for _ in 0..150 {
        ear.hear(&programme.next_cut(PATIENCE_SIMULATED).block);
    }

    assert_eq!(programme.on_air().underruns, 0);
    assert!(ear.quietest_run < 100, "{} quiet samples in a row", ear.quietest_run);
}

#[test]
fn an_empty_playlist_sounds_the_emergency() {
    let mut programme = programme(vec!["/nowhere/at/all.mp3".into()]);

    let mut ear = Ear::default();
    for _ in 0..200 {
        let cut = programme.next_cut(PATIENCE_SIMULATED);
        ear.hear(&cut.block);
        assert!(cut.titles.iter().all(|(_, title)| &*title.shown == "Carrier"), "{:?}", cut.titles);
    }

    assert_eq!(programme.on_air().underruns, 0, "nothing was expected, so nothing is missing");
    assert!((0.09..0.101).contains(&ear.loudest), "{}", ear.loudest);
}

#[test]
fn another_name_of_the_station_is_told_while_the_emergency_sounds() {
    let mut programme = programme(vec!["/nowhere/at/all.mp3".into()]);
    let mut fan = Fan::new(Vec::new()).unwrap();
    for _ in 0..10 {
        programme.next_cut(PATIENCE_SIMULATED);
    }
    let titled = |title: &str| Rewire {
        unplug: Vec::new(),
        plug: Vec::new(),
        title_when_empty: title.into(),
        crossfade: Crossfade::default(),
        blanks: None,
        emergency: None,
    };

    programme.rewire(titled("Other"), &mut fan);
    programme.rewire(titled("Other"), &mut fan);

    let cut = programme.next_cut(PATIENCE_SIMULATED);
    assert_eq!(cut.titles, [(cut.position, "Other".into())]);
    assert_eq!(programme.next_cut(PATIENCE_SIMULATED).titles, []);
}

#[test]
fn when_there_is_something_to_play_again_it_is_played() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("late.wav");
    let mut programme = programme(vec![path.clone()]);
    let first = programme.next_cut(PATIENCE_SIMULATED);

    audio::write_wav(&path, &audio::tone(440.0, 44_100, 44_100), 2, 44_100, Form::Int16);

    assert!(first.titles.iter().all(|(_, title)| &*title.shown == "Carrier"), "{:?}", first.titles);
    let limit = Instant::now() + PATIENCE_SIMULATED;
    let late = |cut: &Cut| cut.titles.iter().any(|(_, title)| &*title.shown == "late");
    while !late(&programme.next_cut(PATIENCE_SIMULATED)) {
        assert!(Instant::now() < limit, "the file is not noticed");
    }
}

#[test]
fn after_a_skip_the_next_track_follows_without_a_click_or_a_filler() {
    let dir = tempfile::tempdir().unwrap();
    let paths: Vec<_> = ["long.wav", "next.wav"]
        .iter()
        .map(|name| {
            let path = dir.path().join(name);
            let tone = audio::tone(440.0, 44_100, 60 * 44_100);
            audio::write_wav(&path, &tone, 2, 44_100, Form::Int16);
            path
        })
        .collect();
    let mut programme = programme(paths);
    let mut ear = Ear::default();
    for _ in 0..100 {
        ear.hear(&programme.next_cut(PATIENCE_SIMULATED).block);
    }

    programme.skip();

    for _ in 0..SKIP_CUTS_MAX {
        ear.hear(&programme.next_cut(PATIENCE_SIMULATED).block);
    }
    assert_eq!(programme.on_air().title.as_deref(), Some("next"));
    assert_eq!(programme.on_air().underruns, 0);
    ear.expect_no_step_over(STEP_MAX);
}

#[test]
fn a_request_with_a_hard_start_is_heard_at_once_and_the_track_goes_on_behind_it() {
    let dir = tempfile::tempdir().unwrap();
    // A fifth apart: equal tones may cancel each other where they cross, as they happen to meet.
    for (name, hz, seconds) in [("a", 440.0, 60), ("wish", 660.0, 4)] {
        let tone = audio::tone(hz, 44_100, seconds * 44_100);
        audio::write_wav(&dir.path().join(format!("{name}.wav")), &tone, 2, 44_100, Form::Int16);
    }
    let queue = Queue::new("requests", dir.path().to_owned(), Numbers::default());
    let (start, interrupted) = (Start::Hard, Interrupted::Returns);
    let rules = Rules { start, interrupted, ..Rules::always() };
    let music = Playlist::new(vec![dir.path().join("a.wav")], Order::normal());
    let entries =
        vec![Entry::queue(queue.clone(), rules), Entry::playlist("music", music, Rules::always())];
    let selection = Selection::among(entries, vec![0, 1], jiff::Timestamp::now());
    let settings = Settings { crossfade: crossfade(), ..settings() };
    let mut programme = programme_of(selection, settings);
    let mut ear = Ear::default();
    let mut titles = Vec::new();
    let mut play = |programme: &mut Programme, cuts: usize| {
        for _ in 0..cuts {
            let cut = programme.next_cut(PATIENCE_SIMULATED);
            ear.hear(&cut.block);
            titles.extend(cut.titles.into_iter().map(|(_, title)| title.shown.to_string()));
        }
        titles.clone()
    };
    play(&mut programme, 400);

    queue.push("wish.wav").unwrap();
    while play(&mut programme, 1).len() < 4 {
        let number = programme.on_air().history.len();
        assert!(number < 3, "it is heard twice");
        std::thread::yield_now(); // the programme is faster than the disk here
    }

    assert_eq!(play(&mut programme, 1), ["Carrier", "a", "wish", "a"]);
    let rest = programme.on_air().length.unwrap();
    assert!(rest < Duration::from_millis(49_600), "{rest:?} are left of a minute");
    assert_eq!(programme.on_air().underruns, 0);
    assert!(ear.quietest_run < 200, "{} quiet samples in a row", ear.quietest_run);
}

#[test]
fn two_hundred_short_long_and_broken_tracks_with_skips_leave_no_hole() {
    let dir = tempfile::tempdir().unwrap();
    let paths = odd_tracks(dir.path(), 200);
    let mut programme = programme_with(paths, Settings { crossfade: crossfade(), ..settings() });
    let mut dice = 1_u32;
    let mut ear = Ear::default();
    let mut titles = std::collections::HashSet::new();

    for _ in 0..15_000 {
        dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        if dice >> 24 == 0 {
            programme.skip();
        }
        if dice >> 24 == 1 {
            programme.reconsider();
        }
        let cut = programme.next_cut(PATIENCE_SIMULATED);
        ear.hear(&cut.block);
        titles.extend(cut.titles.into_iter().map(|(_, title)| title.shown));
    }

    assert_eq!(programme.on_air().underruns, 0);
    assert!(ear.quietest_run < 200, "{} quiet samples in a row", ear.quietest_run);
    ear.expect_no_step_over(2.0 * STEP_MAX); // two tones at once
    assert!(titles.len() > 150, "only {} titles were heard", titles.len());
}

#[test]
fn what_a_list_says_of_one_track_is_done_to_that_track_alone() {
    let dir = tempfile::tempdir().unwrap();
    let tone = audio::tone(441.0, 44_100, 20 * 44_100);
    for name in ["a", "b", "c"] {
        let path = dir.path().join(format!("{name}.wav"));
        audio::write_wav(&path, &tone, 2, 44_100, Form::Float32);
    }
    let list = dir.path().join("list.m3u");
    let text = "a.wav\n\
        annotate:title=\"Two\",artist=\"Someone\",liq_cue_in=\"12\",liq_cue_out=\"15\",\
        liq_amplify=\"0.5\",liq_cross_duration=\"0\",liq_fade_in=\"0\":b.wav\nc.wav\n";
    std::fs::write(&list, text).unwrap();
    let mut programme =
        programme_with(vec![list], Settings { crossfade: crossfade(), ..settings() });

    let mut heard = Vec::new();
    let mut begun: Vec<(u64, Arc<str>, Option<Duration>)> = Vec::new();
    for _ in 0..33 * 44_100 / 1_152 {
        let cut = programme.next_cut(PATIENCE_SIMULATED);
        heard.extend_from_slice(cut.block.plane(0));
        for (at, title) in cut.titles.into_iter().filter(|(_, title)| &*title.shown != "Carrier") {
            begun.push((at / 44_100, title.shown, programme.on_air().length));
        }
    }

    // Of the 20 s of `a` 1.5 s overlap with `b`, half of whose 3 s that is; `c` follows at once.
    let length = |seconds| Some(Duration::from_secs(seconds));
    let expected = [
        (0, "a".into(), length(20)),
        (18, "Someone - Two".into(), length(3)),
        (21, "c".into(), length(20)),
    ];
    assert_eq!(begun, expected);
    let loudest = |from_s: f64, to_s: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place")]
        let at = |seconds: f64| (seconds * 44_100.0) as usize;
        heard[at(from_s)..at(to_s)].iter().fold(0.0_f32, |loudest, level| loudest.max(level.abs()))
    };
    assert!((loudest(10.0, 18.0) - 0.5).abs() < 0.01, "{}", loudest(10.0, 18.0));
    assert!((loudest(20.1, 21.4) - 0.25).abs() < 0.01, "{}", loudest(20.1, 21.4));
    assert!((loudest(21.6, 30.0) - 0.5).abs() < 0.01, "{}", loudest(21.6, 30.0));
}

#[test]
fn what_remains_of_a_track_goes_down_to_nothing_and_starts_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    audio::write_wav(&path, &audio::tone(440.0, 44_100, 6 * 44_100), 2, 44_100, Form::Int16);
    let settings = Settings { crossfade: crossfade(), ..settings() };
    let mut programme = programme_with(vec![path], settings);
    let (report, on_air) = Report::new(OnAir::default(), &watch::Sender::new(()));
    let mut reported = Vec::new();

    for _ in 0..600 {
        let cut = programme.next_cut(PATIENCE_SIMULATED);
        programme.report(&cut, Lateness::default(), &report);
        let on_air = on_air.borrow();
        reported.push((on_air.elapsed, on_air.remaining, on_air.next.clone()));
    }

    let whole = Duration::from_secs(6);
    for (elapsed, remaining, _) in &reported[2..] {
        // Each new one begins 3 s before the end of the last, so none is seen to its end.
        let remaining = remaining.unwrap();
        assert!(remaining <= whole && remaining >= Duration::from_millis(2_800), "{remaining:?}");
        let off = (*elapsed + remaining).abs_diff(whole);
        assert!(off < Duration::from_millis(120), "{elapsed:?} and {remaining:?}");
    }
    let title = |next: &Option<Arc<Track>>| next.as_ref().map(|track| track.title.to_string());
    assert!(reported.iter().any(|(_, _, next)| title(next).as_deref() == Some("a")));
}

#[test]
fn a_lookahead_that_is_too_slow_is_bridged_and_counted() {
    let (coming, supply) = Supply::of_test();
    let (pieces, queue) = sync_channel(4);
    let mut programme = Programme::new(settings(), supply, tone());
    let track = Track {
        number: 1,
        rid: 1,
        key: 0,
        title: "slow".into(),
        artist: None,
        path: PathBuf::new(),
        playlist: "p".into(),
        tags: Tags::default(),
        length: None,
        cues: Cues::default(),
        level: crate::treatment::levelling::Level::default(),
    };
    pieces.send(Block::stereo(44_100, vec![0.5; 1_152], vec![0.5; 1_152])).unwrap();
    coming.send(Coming::Track(Prepared::of_test(track, queue))).unwrap();

    let mut ear = Ear::default();
    for _ in 0..10 {
        ear.hear(&programme.next_cut(Duration::ZERO).block);
    }

    assert!(programme.on_air().underruns >= 9, "{}", programme.on_air().underruns);
    assert!(ear.steepest < 0.51, "the start itself is a step of 0.5");
}

#[test]
fn the_clock_drives_the_programme_until_nobody_holds_its_controls() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    audio::write_wav(&path, &audio::tone(440.0, 44_100, 44_100), 2, 44_100, Form::Int16);
    let programme = programme(vec![path]);
    let (commands, command_queue) = sync_channel(1);
    let (report, on_air) = Report::new(OnAir::default(), &watch::Sender::new(()));
    let (queue, mut frames) = tokio::sync::mpsc::channel(150);
    let outlet = Outlet { id: "live.mp3".into(), encoding: Format::Mp3(MP3).into(), queue };
    let fan = Fan::new(vec![outlet]).unwrap();

    let running = std::thread::spawn(move || {
        let clock = || Clock::simulated(Schedule::new(44_100, 1_152));
        programme.run(fan, clock, &command_queue, &report).unwrap();
    });
    let mut heard = Vec::new();
    for _ in 0..30 {
        let frame = frames.blocking_recv().unwrap();
        heard.push((frame.position, frame.title));
    }
    while frames.len() < 150 {
        std::thread::yield_now();
    }
    drop(commands);
    running.join().unwrap();

    let expected: Vec<_> = (0..30).map(|number| (number * 1_152, "a".into())).collect();
    assert_eq!(heard, expected);
    let on_air = on_air.borrow();
    assert_eq!(on_air.title.as_deref(), Some("a"));
}

/// A programme of `paths` without crossfades, fed by a lookahead in a thread.
fn programme(paths: Vec<PathBuf>) -> Programme {
    programme_with(paths, settings())
}

fn programme_with(paths: Vec<PathBuf>, settings: Settings) -> Programme {
    let selection = Selection::new(vec![("p".into(), Playlist::new(paths, Order::normal()))]);
    programme_of(selection, settings)
}

fn programme_of(selection: Selection, settings: Settings) -> Programme {
    let (lookahead, supply) = Lookahead::new(selection, settings.rate_hz, Numbers::default());
    std::thread::spawn(move || lookahead.run());
    Programme::new(settings, supply, tone())
}

fn settings() -> Settings {
    Settings {
        rate_hz: 44_100,
        title_when_empty: "Carrier".into(),
        crossfade: Crossfade::default(),
        blanks: None,
    }
}

fn tone() -> Box<dyn EverReady> {
    Box::new(Filler::new(Sound::Tone, 44_100))
}

/// Liquidsoap's usual one.
fn crossfade() -> Crossfade {
    Crossfade {
        duration: Duration::from_secs(3),
        fade_in: Duration::from_secs(2),
        fade_out: Duration::from_secs(2),
        ..Crossfade::default()
    }
}

/// Tracks of 0.1 to 9 s, every seventh of which cannot be played.
fn odd_tracks(dir: &Path, count: usize) -> Vec<PathBuf> {
    (0..count)
        .map(|number| {
            let path = dir.join(format!("odd {number}.wav"));
            let tenths = [1, 2, 5, 15, 31, 90][number % 6];
            match number % 7 {
                3 => std::fs::write(&path, vec![0x55; 5_000]).unwrap(),
                5 if number % 2 == 0 => {} // it is not there
                _ => {
                    let pitch_hz = 300.0 + (number * 2) as f64;
                    let tone = audio::tone(pitch_hz, 44_100, tenths * 4_410 + number);
                    audio::write_wav(&path, &tone, 2, 44_100, Form::Int16);
                }
            }
            path
        })
        .collect()
}

/// Fifty tracks of about 35 s, of every format that can be made here. Each is a tone that ends
/// wherever it happens to be.
fn mixed_tracks(dir: &Path) -> Vec<PathBuf> {
    let formats = audio::formats();
    (0..50_u16)
        .map(|number| {
            let (rate_hz, extension) = formats[usize::from(number) % formats.len()];
            let path = dir.join(format!("{number:02} - track {number}.{extension}"));
            let length = rate_hz as usize * 35 + usize::from(number) * 997;
            audio::write(&path, f64::from(200 + number * 13), rate_hz, length);
            path
        })
        .collect()
}

/// Listens for clicks and gaps.
#[derive(Default)]
struct Ear {
    last: Option<[f32; 2]>,
    /// Sample frames heard so far.
    heard: u64,
    steepest: f32,
    steepest_at: u64,
    loudest: f32,
    quiet_run: u32,
    quietest_run: u32,
}

impl Ear {
    fn hear(&mut self, block: &Block) {
        for (&left, &right) in block.plane(0).iter().zip(block.plane(1)) {
            if let Some([last_left, last_right]) = self.last {
                let step = (left - last_left).abs().max((right - last_right).abs());
                if step > self.steepest {
                    self.steepest = step;
                    self.steepest_at = self.heard;
                }
            }
            self.heard += 1;
            self.last = Some([left, right]);
            self.loudest = self.loudest.max(left.abs()).max(right.abs());
            self.quiet_run = if left.abs() < 0.005 { self.quiet_run + 1 } else { 0 };
            self.quietest_run = self.quietest_run.max(self.quiet_run);
        }
    }
}

impl Ear {
    fn expect_no_step_over(&self, step_max: f32) {
        let at = self.steepest_at;
        let at_s = at as f64 / 44_100.0;
        assert!(self.steepest < step_max, "{} at {at} ({at_s:.3} s) is a click", self.steepest);
    }
}

struct Recording {
    path: PathBuf,
    file: std::io::BufWriter<std::fs::File>,
}

impl Recording {
    fn create(path: &Path) -> Self {
        let file = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
        Self { path: path.to_owned(), file }
    }

    fn add(&mut self, bytes: &[u8]) {
        self.file.write_all(bytes).unwrap();
    }

    fn finish(mut self) -> PathBuf {
        self.file.flush().unwrap();
        self.path
    }
}

/// What this process occupies in memory.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

const MP3: Mp3 = Mp3::constant(44_100, 128, 9);
/// After a skip the next track begins with the next cut, or with the one after it.
const SKIP_CUTS_MAX: usize = 2;
const THIRTY_MINUTES_CUTS: u64 = 30 * 60 * 44_100 / 1_152;
/// The steepest step of the highest tone, 837 Hz at half scale, is 0.06; a bridge adds 0.007, and
/// lossy formats are not exact. Cut as they are, these tones give steps up to 1.
const STEP_MAX: f32 = 0.085;
/// After MP3 and back it may be a little more.
const STEP_DECODED_MAX: f32 = 0.1;

//! Tests of how loud the programme is over tracks of all kinds, and of silence in it.

use super::*;
use crate::measure::extent::Threshold;
use crate::measure::{Measures, Standing, Wanted};
use crate::playlist::Item;
use crate::sound::{Effect, Insert};
use crate::treatment::Treatment;
use crate::treatment::levelling::{Levelling, Loudness};
use crate::treatment::trim::Trim;
use std::process::Command as Program;

#[test]
fn a_mixed_playlist_is_as_loud_as_it_should_be_and_no_peak_is_too_high() {
    if !audio::has_ffmpeg() {
        eprintln!("not run: the loudness of a programme, because ffmpeg is not installed");
        assert!(std::env::var_os("CI").is_none(), "CI must have ffmpeg");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let paths = mixed(dir.path());
    let measures = measured(&paths);
    for crossfade_s in [0, 3] {
        let crossfade = Crossfade {
            duration: Duration::from_secs(crossfade_s),
            fade_in: Duration::from_secs(crossfade_s),
            fade_out: Duration::from_secs(crossfade_s),
            ..Crossfade::default()
        };
        let settings = Settings { crossfade, ..settings() };
        // Two tracks together may come out higher than each of them, which a limiter sees to.
        let (true_peak_max_db, chain) = match crossfade_s {
            0 => (Some(-1.0), Chain::default()),
            _ => (None, limiter()),
        };
        let loudness = Loudness { target_lufs: -16.0, true_peak_max_db };
        let mut programme = treated(paths.clone(), settings, &measures, loudness).through(chain);

        // All of it once, less the overlaps; the list goes on then with what was heard already.
        let seconds = 80 - 8 * crossfade_s;
        let mut heard = Vec::new();
        while heard.len() < usize::try_from(seconds).unwrap() * 44_100 {
            heard.extend_from_slice(programme.next_cut(PATIENCE_SIMULATED).block.plane(0));
        }

        let file = dir.path().join("heard.wav");
        audio::write_wav(&file, &heard, 2, 44_100, Form::Float32);
        let (lufs, peak_db) = by_ffmpeg(&file);
        assert!((lufs + 16.0).abs() <= 0.5, "{lufs} LUFS with a crossfade of {crossfade_s} s");
        assert!(peak_db <= -1.0, "{peak_db} dBTP with a crossfade of {crossfade_s} s");
        assert_eq!(programme.on_air().underruns, 0);
    }
}

#[test]
fn silence_between_tracks_is_cut_and_nothing_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    let silence = vec![0.0; 2 * 44_100];
    let samples = [&silence[..], &audio::tone(440.0, 44_100, 3 * 44_100), &silence].concat();
    audio::write_wav(&path, &samples, 2, 44_100, Form::Int16);
    let measures = measured(std::slice::from_ref(&path));
    let loudness = Loudness { target_lufs: -16.0, true_peak_max_db: None };
    let mut programme = treated(vec![path], settings(), &measures, loudness);

    let mut ear = Ear::default();
    // 15.7 s: five times, and a sixth begins.
    for _ in 0..600 {
        ear.hear(&programme.next_cut(PATIENCE_SIMULATED).block);
    }

    // What is kept at both ends, 10 and 50 ms, and not more.
    assert!((2_500..2_800).contains(&ear.quietest_run), "{}", ear.quietest_run);
    assert_eq!(programme.on_air().history.len(), 6);
}

#[test]
fn a_silent_track_is_skipped_and_what_is_all_silent_is_not_raced_through() {
    let dir = tempfile::tempdir().unwrap();
    let silent = silent(dir.path());
    let loud = dir.path().join("loud.wav");
    audio::write_wav(&loud, &audio::tone(440.0, 44_100, 60 * 44_100), 2, 44_100, Form::Int16);
    let blanks =
        Some(Blanks { after: Duration::from_secs(2), threshold_db: -60.0, then: Then::Skip });
    let settings = Settings { blanks, ..settings() };

    let mut programme = programme_with(vec![silent.clone(), loud], settings.clone());
    let began_s = until_title(&mut programme, "loud");
    assert!((2.0..4.0).contains(&began_s), "{began_s}");

    let mut all_silent = programme_with(vec![silent], settings);
    for _ in 0..60 * 44_100 / CUT_SAMPLE_FRAMES {
        all_silent.next_cut(PATIENCE_SIMULATED);
    }
    // After 2, 4, 8, 16 and 32 s, which are not all within a minute, and at its own end.
    assert!(all_silent.on_air().history.len() <= 6, "{}", all_silent.on_air().history.len());
}

#[test]
fn a_list_that_is_silent_gives_way_to_the_next_one() {
    let dir = tempfile::tempdir().unwrap();
    let (silent, loud) = (silent(dir.path()), dir.path().join("loud.wav"));
    audio::write_wav(&loud, &audio::tone(440.0, 44_100, 10 * 44_100), 2, 44_100, Form::Int16);
    let list = |name: &str, path| (name.into(), Playlist::new(vec![path], Order::normal()));
    let selection = Selection::new(vec![list("show", silent), list("music", loud)]);
    let then = Then::Next { rest: Duration::from_secs(600) };
    let blanks = Some(Blanks { after: Duration::from_secs(2), threshold_db: -60.0, then });
    let mut programme = programme_of(selection, Settings { blanks, ..settings() });

    let began_s = until_title(&mut programme, "loud");
    for _ in 0..20 * 44_100 / CUT_SAMPLE_FRAMES {
        programme.next_cut(PATIENCE_SIMULATED);
        assert_eq!(programme.on_air().title.as_deref(), Some("loud"), "again and again");
    }

    // This time passes faster than that in which the next track is prepared.
    assert!(began_s >= 2.0, "{began_s}");
}

#[test]
fn an_emergency_that_is_silent_is_no_blank() {
    let blanks =
        Some(Blanks { after: Duration::from_secs(1), threshold_db: -60.0, then: Then::Skip });
    let selection = Selection::new(vec![]);
    let (lookahead, supply) = Lookahead::new(selection, 44_100, Numbers::default());
    std::thread::spawn(move || lookahead.run());
    let silence = Box::new(Filler::new(Sound::Silence, 44_100));
    let mut programme = Programme::new(Settings { blanks, ..settings() }, supply, silence);

    for _ in 0..10 * 44_100 / CUT_SAMPLE_FRAMES {
        programme.next_cut(PATIENCE_SIMULATED);
    }

    assert!(!programme.timeline.is_skipping());
}

/// Eight tracks of ten seconds, from very soft to very loud, of tones, noise and syllables.
fn mixed(folder: &Path) -> Vec<PathBuf> {
    let length = 10 * 44_100;
    let tone = audio::tone(440.0, 44_100, length);
    let noise = audio::noise(length);
    let syllables: Vec<f32> = noise
        .iter()
        .enumerate()
        .map(|(at, sample)| {
            #[expect(clippy::cast_precision_loss, reason = "ten seconds")]
            let turn = at as f32 / 11_025.0 * std::f32::consts::TAU;
            sample * (0.55 + 0.45 * turn.sin())
        })
        .collect();
    let kinds = [
        ("1", &tone, 1.0),
        ("2", &noise, 0.15),
        ("3", &syllables, 1.0),
        ("4", &tone, 0.05),
        ("5", &noise, 5.0),
        ("6", &syllables, 0.2),
        ("7", &tone, 0.3),
        ("8", &noise, 0.5),
    ];
    let path = |(name, samples, level): (&str, &Vec<f32>, f32)| {
        let path = folder.join(format!("{name}.wav"));
        let samples: Vec<f32> = samples.iter().map(|sample| sample * level).collect();
        audio::write_wav(&path, &samples, 2, 44_100, Form::Float32);
        path
    };
    kinds.into_iter().map(path).collect()
}

fn silent(folder: &Path) -> PathBuf {
    let path = folder.join("silent.wav");
    audio::write_wav(&path, &vec![0.0; 60 * 44_100], 2, 44_100, Form::Int16);
    path
}

/// Where the tracks at `paths` have been measured.
fn measured(paths: &[PathBuf]) -> Measures {
    let (measures, _) = Measures::start(None).unwrap();
    let (wake, woken) = sync_channel(1);
    measures.wakes(&wake);
    for path in paths {
        let wanted = Wanted { item: Item::file(path), fetched: None, unless_tagged: false };
        while measures.want(&wanted) == Standing::Coming {
            woken.recv_timeout(PATIENCE_SIMULATED).expect("it is measured in time");
        }
    }
    measures
}

/// A limiter as it usually is.
fn limiter() -> Chain {
    let limiter = Effect::usual("limiter").unwrap();
    Chain(vec![Insert { id: "limiter".to_owned(), effect: limiter }])
}

/// A programme whose tracks are brought to a loudness, and cut to their sound.
fn treated(
    paths: Vec<PathBuf>,
    settings: Settings,
    measures: &Measures,
    loudness: Loudness,
) -> Programme {
    let selection = Selection::new(vec![("p".into(), Playlist::new(paths, Order::normal()))]);
    let trim = Trim {
        threshold: Threshold::of_db(-50.0).unwrap(),
        shortest: Duration::from_millis(200),
        longest: Duration::from_secs(20),
    };
    let treatment = Treatment { levelling: Levelling::Loudness(loudness), trim: Some(trim) };
    let treatment = watch::Sender::new(treatment).subscribe();
    let (lookahead, supply) = Lookahead::new(selection, settings.rate_hz, Numbers::default());
    let lookahead = lookahead.treating(treatment, measures.clone());
    std::thread::spawn(move || lookahead.run());
    Programme::new(settings, supply, tone())
}

/// Plays until the track called `title` is on; says after how many seconds.
fn until_title(programme: &mut Programme, title: &str) -> f64 {
    for cuts in 0_u32..10 * 44_100 / 1_152 {
        programme.next_cut(PATIENCE_SIMULATED);
        if programme.on_air().title.as_deref() == Some(title) {
            return f64::from(cuts) * 1_152.0 / 44_100.0;
        }
    }
    panic!("{title} is not heard within 10 s");
}

/// The integrated loudness and the true peak of a file, as ffmpeg finds them.
fn by_ffmpeg(path: &Path) -> (f64, f64) {
    let mut ffmpeg = Program::new("ffmpeg");
    ffmpeg.args(["-hide_banner", "-nostats", "-i"]).arg(path);
    let output = ffmpeg.args(["-af", "ebur128=peak=true", "-f", "null", "-"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let summary = said.rsplit_once("Summary:").expect("ffmpeg sums up").1;
    let number = |key: &str| {
        let line = summary.lines().find(|line| line.trim_start().starts_with(key)).expect("a line");
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    (number("I:"), number("Peak:"))
}

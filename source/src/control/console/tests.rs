//! Tests of the console with parts that are played by the test.

mod variables;

use super::*;
use crate::cues::Cues;
use crate::decode::tags::Tags;
use crate::encode::mp3::Mp3;
use crate::lookahead::Track;
use crate::pcm::level::Level;
use crate::playlist::queue::Numbers;
use crate::playlist::watch::Reload;
use crate::push::link::Link;
use crate::sound::{Chain, Effect, Insert};
use crate::status::Played;
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::SystemTime;

#[test]
fn what_plays_is_shown_with_artist_title_and_album_first() {
    let station = Station::new();

    let shown = station.said("output.icecast.1.metadata");

    assert!(
        shown.starts_with(
            "--- 1 ---\nartist=\"Brian Eno\"\ntitle=\"Emerald And Lime\"\n\
             album=\"Small Craft On A Milk Sea\"\nrid=\"3\"\non_air=\""
        ),
        "{shown}"
    );
    assert!(shown.contains("\nstatus=\"playing\"\nsource=\"library\""), "{shown}");
    assert_eq!(station.said("a.mp3.metadata"), shown);
}

#[test]
fn whoever_asks_what_plays_and_the_programme_that_says_so_never_wait_for_each_other() {
    let station = Station::new();
    let (done, is_done) = sync_channel(1);
    let programme = station.on_air.clone();
    std::thread::spawn(move || {
        while !programme.is_closed() {
            programme.send_replace(on_air());
        }
    });

    std::thread::spawn(move || {
        for _ in 0..3_000 {
            for command in ["a.mp3.metadata", "request.all", "library.next", "library.skip"] {
                station.said(command);
            }
        }
        done.send(()).unwrap();
    });

    assert_eq!(is_done.recv_timeout(Duration::from_secs(60)), Ok(()), "they wait for each other");
}

#[test]
fn another_list_is_played_when_somebody_says_so_and_begins_beside_the_one_of_before() {
    let dir = tempfile::tempdir().unwrap();
    for (name, entry) in [("one.m3u", "1.mp3"), ("two.m3u", "2.mp3")] {
        std::fs::write(dir.path().join(name), entry).unwrap();
    }
    let station = Station::new();
    let parts = station.console.parts();
    let watch = &parts.playlists[1].watch;
    let path = |name: &str| dir.path().join(name).display().to_string();

    assert_eq!(station.said(&format!("library.uri {}", path("one.m3u"))), "OK");
    watch.reload(Duration::from_secs(20)); // and with it, what was said before
    assert_eq!(station.said("library.uri"), path("one.m3u"));
    assert_eq!(station.said("library.uri two.m3u"), "OK");
    watch.reload(Duration::from_secs(20));
    assert_eq!(station.said("library.uri"), path("two.m3u"));
    assert_eq!(watch.contents().borrow().items[0].path, dir.path().join("2.mp3"));
}

#[test]
fn remaining_is_a_number_with_two_digits() {
    assert_eq!(Station::new().said("output_icecast_1.remaining"), "12.34");
}

#[test]
fn requests_are_known_while_they_are_remembered() {
    let station = Station::new();

    assert_eq!(station.said("request.on_air"), "3");
    assert_eq!(station.said("request.all"), "3 9");
    assert_eq!(station.said("request.resolving"), "");
    assert!(station.said("request.metadata 3").starts_with("artist=\"Brian Eno\"\n"));
    assert!(station.said("request.trace 3").ends_with("] Currently on air."));
    assert_eq!(station.said("request.metadata 99999"), "No such request.");
    assert_eq!(station.said("request.metadata"), "ERROR: Failure(\"int_of_string\")");
}

#[test]
fn a_skip_is_for_the_playlist_that_plays_or_one_before_it() {
    let station = Station::new();

    for (command, is_heard) in
        [("stream-queue.skip", true), ("library.skip", true), ("last.skip", false)]
    {
        assert_eq!(station.said(command), "OK", "{command}");
        let wish = station.wishes.try_recv().unwrap();
        assert_eq!(!wish.channels.is_empty(), is_heard, "{command}");
    }
    assert_eq!(station.said("output.icecast.1.skip"), "Done");
    assert!(matches!(station.commands.try_recv(), Ok(Command::Skip)));
}

#[test]
fn too_many_wishes_are_refused_in_words_that_scripts_look_for() {
    let station = Station::new();

    let said: Vec<_> = (0..3).map(|_| station.said("a.mp3.skip")).collect();

    assert_eq!(said[..2], ["Done", "Done"]);
    assert!(said[2].starts_with("ERROR: "), "{}", said[2]);
}

#[test]
fn what_comes_next_begins_with_what_is_ready() {
    let station = Station::new();

    assert_eq!(station.said("library.next"), "[ready] /m/b.mp3\n/m/c.mp3\n/m/d.mp3");
    assert_eq!(station.said("stream-queue.next"), "");
    assert_eq!(station.said("library.uri"), "/m.m3u");
    for no_address in ["ftp://host/list.m3u", "http://u:p@host/list.m3u"] {
        let said = station.said(&format!("library.uri {no_address}"));
        assert!(said.starts_with("ERROR: "), "{said}");
    }
    assert_eq!(station.said("library.uri http://host/list.m3u"), "OK");
}

#[test]
fn an_output_is_stopped_and_started_and_says_how_it_fares() {
    let station = Station::new();

    assert_eq!(station.said("a.mp3.status"), "on, but not connected: refused");
    assert_eq!(station.said("a.mp3.stop"), "OK");
    assert_eq!((station.said("a.mp3.status"), *station.wanted.borrow()), ("off".to_owned(), false));
    assert_eq!(station.said("a.mp3.start"), "OK");
    assert!(*station.wanted.borrow());
}

#[test]
fn what_there_is_not_is_answered_as_recorded() {
    let station = Station::new();

    for command in ["request.foo", "req.uri", "foo", "library.metadata", "other.push x"] {
        assert_eq!(station.said(command), answer::UNKNOWN, "{command}");
    }
    assert_eq!(station.said("var.get amplify"), "Variable not found.");
    assert_eq!(station.said("var.set amplify 1.2"), "Syntax error or variable not found.");
}

#[test]
fn requests_are_pushed_shown_and_taken_out() {
    let station = Station::new();

    assert_eq!(station.said("req.queue"), "");
    assert_eq!(station.said("req.push annotate:title=\"My Title\",artist=\"X\":y.mp3"), "4");
    assert_eq!(station.said("request.push /z.mp3"), "5");
    assert_eq!((station.said("req.push"), station.said("req.push http://h/x.mp3")), both("6", "7"));
    assert_eq!(
        (station.said("req.queue"), station.said("request.all")),
        both("4 5 7", "3 4 5 7 9")
    );
    assert_eq!(
        station.said("request.metadata 4"),
        "artist=\"X\"\ntitle=\"My Title\"\nrid=\"4\"\nstatus=\"ready\"\nsource=\"req\"\n\
         filename=\"/m/y.mp3\"\n\
         initial_uri=\"annotate:title=\\\"My Title\\\",artist=\\\"X\\\":y.mp3\""
    );
    assert!(station.said("request.trace 5").ends_with("] Pushed [\"/z.mp3\";...]."));
    assert_eq!(station.said("request.metadata 6"), "No such request.");
    assert!(station.said("request.metadata 9").contains("\nrid=\"9\"\nstatus=\"ready\"\n"));
    let next = "annotate:title=\"My Title\",artist=\"X\":y.mp3\n/z.mp3\nhttp://h/x.mp3";
    assert_eq!(station.said("req.next"), next);
    assert_eq!(
        (station.said("req.remove 5"), station.said("req.remove 5")),
        both("OK", "No such request.")
    );
    assert!(matches!(station.commands.try_recv(), Ok(Command::Reconsider)));
    assert_eq!((station.said("req.flush_and_skip"), station.said("req.queue")), both("Done.", ""));
    assert!(matches!(station.commands.try_recv(), Ok(Command::Reconsider)));
    assert!(station.commands.try_recv().is_err(), "no request plays, so none is skipped");
    assert_eq!(station.said("req.skip"), "Done.");
    assert_eq!(station.said("req.remove x"), "ERROR: Failure(\"int_of_string\")");
    assert_eq!(
        station.said("help req.push"),
        "Usage: req.push <uri>\r\n  Push a new request in the queue."
    );
}

fn both(one: &str, other: &str) -> (String, String) {
    (one.to_owned(), other.to_owned())
}

/// A console of a channel that plays.
pub(crate) struct Station {
    pub(crate) console: Arc<Console>,
    pub(crate) commands: Receiver<Command>,
    pub(crate) wishes: Receiver<SkipWish>,
    pub(crate) on_air: watch::Sender<OnAir>,
    pub(crate) wanted: watch::Receiver<bool>,
    pub(crate) link: watch::Sender<LinkStatus>,
    pub(crate) reloads: mpsc::Receiver<ReloadWish>,
}

impl Station {
    pub(crate) fn new() -> Self {
        let (command_sender, commands) = sync_channel(2);
        let (reload_sender, reloads) = mpsc::channel(1);
        let (wish_sender, wishes) = sync_channel(4);
        let (on_air_sender, on_air) = watch::channel(on_air());
        let (wanted_sender, wanted) = watch::channel(true);
        let upcoming = Upcoming {
            playlist: "library".into(),
            paths: vec!["/m/c.mp3".into(), "/m/d.mp3".into()],
        };
        let channel = ChannelEnd {
            name: "main".into(),
            play: ["req", "stream-queue", "library", "last"].map(Arc::from).to_vec(),
            rate_hz: 44_100,
            on_air,
            upcoming: watch::channel(vec![upcoming]).1,
            commands: command_sender,
            sound: watch::channel(sound()).0,
        };
        let link = LinkStatus {
            link: Link::new(),
            sent_bytes: 0,
            connections: 0,
            unsent_frames: 0,
            last_error: Some("refused".into()),
        };
        let (link_sender, link) = watch::channel(link);
        let output = OutputEnd {
            id: "a.mp3".into(),
            aliases: vec!["output.icecast.1".to_owned()],
            channel: "main".into(),
            url: "http://host:8000/a.mp3".into(),
            format: Format::Mp3(Mp3::constant(44_100, 128, 3)),
            link,
            wanted: wanted_sender,
        };
        let playlists = ["stream-queue", "library", "last"].map(|name| PlaylistEnd {
            name: name.into(),
            aliases: Vec::new(),
            is_shuffled: false,
            watch: Watch::start(name, vec!["/m.m3u".into()], Reload::Never).unwrap().0,
        });
        let numbers = Numbers::default();
        numbers.begin_behind(3);
        let queue = Queue::new("req", "/m".into(), numbers);
        let queues = vec![QueueEnd { aliases: Vec::new(), queue }];
        let (playlists, channels) = (playlists.to_vec(), vec![channel]);
        let parts = Parts::new("".into(), playlists, queues, channels, vec![output]);
        let console =
            Arc::new(Console::new(watch::channel(Arc::new(parts)).1, wish_sender, reload_sender));
        let on_air = on_air_sender;
        Self { console, commands, wishes, on_air, wanted, link: link_sender, reloads }
    }

    fn said(&self, line: &str) -> String {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        match runtime.block_on(self.console.answer(line)) {
            Said::Body(body) => body,
            Said::Bye => panic!("{line} ends the session"),
        }
    }
}

fn sound() -> Chain {
    let insert =
        |id: &str, name| Insert { id: id.to_owned(), effect: Effect::usual(name).unwrap() };
    Chain(vec![insert("volume", "gain"), insert("stereo", "stereo")])
}

fn on_air() -> OnAir {
    let played = Played {
        id: 3,
        track: track("/m/a.mp3", "Emerald And Lime"),
        since: SystemTime::UNIX_EPOCH,
    };
    OnAir {
        title: Some("Brian Eno - Emerald And Lime".into()),
        remaining: Some(Duration::from_millis(12_340)),
        next: Some(Arc::new(Track { rid: 9, ..Track::clone(&track("/m/b.mp3", "Next")) })),
        history: VecDeque::from([played]),
        levels: [Level { peak: 0.5, rms: 0.355 }, Level { peak: 0.25, rms: 0.176 }],
        ..OnAir::default()
    }
}

fn track(path: &str, title: &str) -> Arc<Track> {
    Arc::new(Track {
        number: 3,
        rid: 3,
        key: 0,
        title: format!("Brian Eno - {title}").into(),
        artist: Some("Brian Eno".into()),
        path: path.into(),
        playlist: "library".into(),
        tags: Tags {
            artist: Some("Brian Eno".to_owned()),
            title: Some(title.to_owned()),
            album: Some("Small Craft On A Milk Sea".to_owned()),
            ..Tags::default()
        },
        length: None,
        cues: Cues::default(),
        level: crate::treatment::levelling::Level::default(),
    })
}

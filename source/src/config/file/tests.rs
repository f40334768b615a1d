//! Tests of the configuration file, as an operator writes it.

mod formats;
mod sound;
mod tracks;

use super::*;
use crate::config::entries::{Origin, RotationOrder};
use crate::config::{CHANNEL, Emergency, Method, OrderConfig, ReloadConfig};
#[cfg(feature = "aac")]
use crate::encode::aac::{Aac, Profile};
use crate::encode::flac::{Container, Depth, Flac};
use crate::encode::mp3::{Bits, Mp3, Sides};
use crate::encode::opus::Opus;
use crate::encode::vorbis::{Aim, Vorbis};
use crate::encode::{Channels, Format, Titles};
use crate::mix::crossfade::{Crossfade, Curve, Mode};
use crate::mix::signal::{Signal, Wave};
use crate::playlist::rules::{Every, Interrupted, Start};
use std::path::PathBuf;
use std::time::Duration;

#[test]
fn the_smallest_file_has_a_default_for_everything_else() {
    let config = parsed(
        "playlists.music.path = 'music'\n[[outputs]]\nurl = 'http://source:x@host/live.mp3'",
    )
    .unwrap();

    let (playlist, channel, output) =
        (&config.playlists[0], &config.channels[0], &config.outputs[0]);
    assert_eq!(playlist.paths, [PathBuf::from("/etc/carrier/music")]);
    assert_eq!((playlist.order, playlist.reload), (OrderConfig::Normal, ReloadConfig::Watch));
    assert_eq!((&*channel.name, &*channel.play), (CHANNEL, &["music".to_owned()][..]));
    assert_eq!(channel.emergency, Emergency::Tone);
    assert_eq!(channel.crossfade.duration, Duration::ZERO);
    assert_eq!((&*output.id, &*output.channel), ("live.mp3", CHANNEL));
    assert_eq!((output.method, output.format), (Method::Source, mp3(44_100, 128, 3)));
    assert_eq!(config.identity, Identity::default());
}

#[test]
fn a_playlist_may_have_hours_by_the_stations_clock() {
    let output = "[[outputs]]\nurl = 'http://source:x@host/live.mp3'\n";
    let config = parsed(&format!(
        "station.time_zone = 'Europe/Berlin'\n[playlists.music]\npath = 'music'\n\
         when = ['mon-fri 06:00-12:00', 'sun']\n{output}"
    ));
    let mistakes = parsed(&format!(
        "station.time_zone = 'Berlin'\n[playlists.music]\npath = 'music'\n\
         when = ['sun', 'noon']\n{output}"
    ));

    let timetable = &config.unwrap().playlists[0].rules.timetable;
    assert_eq!(timetable.hours.len(), 2);
    assert!(timetable.allows("2026-11-25T05:00:00Z".parse().unwrap()));
    assert!(!timetable.allows("2026-11-25T11:00:00Z".parse().unwrap()));
    let mistakes = mistakes.unwrap_err();
    for expected in ["1: station.time_zone: `Berlin` is no", "4: playlists.music.when: `noon` does"]
    {
        assert!(mistakes.contains(expected), "{expected}\nis not in\n{mistakes}");
    }
}

#[test]
fn the_state_is_kept_beside_the_file_or_where_the_system_says() {
    let text = |state: &str| {
        format!("{state}playlists.m.path = 'm'\n[[outputs]]\nurl = 'http://x@h/a.mp3'")
    };
    let file = Path::new("/etc/carrier/night.toml");
    let state = |text: &str, folder: Option<&str>| {
        let lookup = |name: &str| folder.filter(|_| name == "STATE_DIRECTORY").map(str::to_owned);
        parse_with(file, text, &lookup).unwrap().state
    };

    assert_eq!(state(&text(""), None), Some("/etc/carrier/night.state".into()));
    assert_eq!(state(&text(""), Some("/var/lib/x:/y")), Some("/var/lib/x/night.state".into()));
    let own = text("station.state = '../own'\n");
    assert_eq!(state(&own, Some("/var/lib/x")), Some("/etc/carrier/../own".into()));
    assert_eq!(state(&text("station.state = 'none'\n"), None), None);
    assert!(parsed(&text("station.state = ''\n")).unwrap_err().contains("write \"none\""));
}

#[test]
fn rules_queues_and_rotations_are_read() {
    let config = parsed(PROGRAMME).unwrap();

    let [jingles, news, ..] = &config.playlists[..] else { panic!("{config:?}") };
    assert_eq!(jingles.rules.every, Some(Every::Tracks(4)));
    assert_eq!(news.rules.every, Some(Every::Time(Duration::from_secs(5_400))));
    assert_eq!(news.rules.at, [":00".parse().unwrap(), "sun 08:15".parse().unwrap()]);
    let how = (news.rules.start, news.rules.interrupted);
    assert_eq!(how, (Start::Hard, Interrupted::Returns));
    assert_eq!(config.queues[0].folder, Path::new("/etc/carrier/wishes"));
    assert_eq!(config.queues[0].rules.start, Start::Hard);
    let day = &config.rotations[0];
    assert_eq!(day.play, [("hits".to_owned(), 3), ("new".to_owned(), 1)]);
    assert_eq!(day.order, RotationOrder::Random { seed: Some(7) });
}

#[test]
fn a_channel_that_does_not_say_plays_requests_first_then_what_is_due_then_the_rest() {
    let config = parsed(PROGRAMME).unwrap();

    let channel = &config.channels[0];
    assert_eq!(channel.play, ["requests", "jingles", "news", "night"]);
    let all = ["requests", "jingles", "news", "night", "day", "hits", "new", "rest"];
    assert_eq!(config.played_by(channel), all);
}

#[test]
fn mistakes_in_rules_queues_and_rotations_are_told() {
    let mistakes = parsed(
        "[playlists.a]
path = 'a'
every = '0 tracks'
at = ['8']
start = 'hart'
[playlists.b]
path = 'b'
every = '1s'
interrupted = 'returns'
[playlists.c]
path = 'c'
start = 'hard'
[queues.a]
[rotations.r]
play = ['a', 'd', 's']
weights = [1, 0]
seed = 7
[rotations.s]
play = []
order = 'turn'
[queues.q]
[channels.one]
play = ['q', 'c']
[channels.two]
play = ['q', 'music']
[[outputs]]
channel = 'one'
url = 'http://x@h/a.mp3'
",
    )
    .unwrap_err();

    for expected in [
        ":3: playlists.a.every: `0` is no number of tracks from 1 up",
        ":4: playlists.a.at: `8` is no time; write \"08:00\"",
        ":5: playlists.a.start: `hart` is none of \"hard\", \"soft\"; did you mean \"hard\"?",
        ":8: playlists.b.every: 1 s is too often; 10 s is the least",
        ":9: playlists.b.interrupted: is of use only with start = \"hard\"",
        ":12: playlists.c.start: is of use only with `when`, `every` or `at`",
        ":13: queues.a: `a` is what the playlist \"a\" is called",
        ":15: rotations.r.play: `d` is none of \"a\", \"b\"",
        ":15: rotations.r.play: `s` is none of",
        ":16: rotations.r.weights: 2 weights for 3 lists",
        ":16: rotations.r.weights: 0 is no weight",
        ":17: rotations.r.seed: is of use only with order = \"random\"",
        ":19: rotations.s.play: is empty",
        ":20: rotations.s.order: `turn` is none of \"random\", \"turns\"; did you mean",
        ":25: channels.two.play: `q` is played by the channel \"one\" as well",
        ":25: channels.two.play: `music` is none of",
    ] {
        assert!(mistakes.contains(expected), "{expected}\nis not in\n{mistakes}");
    }
}

#[test]
fn the_file_in_the_documentation_is_right() {
    let documented: String = include_str!("../file.rs")
        .lines()
        .skip_while(|line| !line.contains("```toml"))
        .skip(1)
        .take_while(|line| !line.contains("```"))
        .map(|line| line.trim_start_matches("//!").trim_start().to_owned() + "\n")
        .collect();

    assert_eq!(parsed(&documented).unwrap().playlists[0].name, "music");
}

#[test]
fn a_station_with_two_channels_reads_as_it_is_written() {
    let config = parsed(ASTEROID).unwrap();

    let [queue, library] = &config.playlists[..] else { panic!("{:?}", config.playlists) };
    assert_eq!(queue.aliases, ["stream-queue_m3u", "stream-queue.m3u"]);
    assert_eq!(library.order, OrderConfig::Shuffle { seed: None });
    let [curated, shuffle] = &config.channels[..] else { panic!("{:?}", config.channels) };
    assert_eq!((&*curated.name, &*shuffle.name), ("curated", "shuffle"));
    assert_eq!(curated.play, ["stream-queue", "library"]);
    let (duration, fade) = (Duration::from_secs(3), Duration::from_secs(2));
    let (curve, mode) = (Curve::Sine, Mode::Simple);
    let crossfade = Crossfade { duration, fade_in: fade, fade_out: fade, curve, mode };
    assert_eq!((curated.crossfade, shuffle.crossfade), (crossfade, crossfade));
    let ids: Vec<_> = config.outputs.iter().map(|output| output.id.as_str()).collect();
    assert_eq!(ids, ["asteroid.mp3", "asteroid-low.mp3", "asteroid-shuffle.mp3"]);
    assert_eq!(config.outputs[1].format, mp3(44_100, 64, 3));
    assert_eq!(config.outputs[1].aliases, ["output.icecast.1"]);
    assert_eq!(config.outputs[2].identity.name, "Asteroid Radio");
    assert_eq!(config.control.telnet, Some("127.0.0.1:1234".parse().unwrap()));
    assert_eq!(config.control.http, Some("127.0.0.1:1235".parse().unwrap()));
}

#[test]
fn a_signal_may_stand_in_with_a_pitch_and_a_level() {
    for (said, expected) in [
        ("", Emergency::Tone),
        ("emergency = 'sine'\n", Emergency::Tone),
        ("emergency = 'silence'\n", Emergency::Silence),
        ("emergency = 'pink-noise'\n", signal(Wave::PinkNoise, 440.0, -20.0)),
        ("emergency_level_db = -40\n", signal(Wave::Sine, 440.0, -40.0)),
        (
            "emergency = 'square'\nemergency_frequency = 1000\n",
            signal(Wave::Square, 1_000.0, -20.0),
        ),
    ] {
        let config = parsed(&format!("{WITH_ONE_CHANNEL}{said}")).unwrap();
        assert_eq!(config.channels[0].emergency, expected, "{said}");
    }
    for (said, expected) in [
        ("emergency_level_db = 3\n", "emergency_level_db: 3 is not from -90 to 0 dB"),
        (
            "emergency = 'https://h/a.mp3'\n",
            "emergency: is elsewhere; what sounds in an emergency has to be here",
        ),
        ("emergency_frequency = 2\n", "emergency_frequency: 2 is not from 20 to 20000 Hz"),
        (
            "emergency = 'silence'\nemergency_level_db = -3\n",
            "emergency: `silence` has no pitch or level to be set; leave them out",
        ),
    ] {
        let mistakes = parsed(&format!("{WITH_ONE_CHANNEL}{said}")).unwrap_err();
        assert!(mistakes.contains(expected), "{mistakes}");
    }
}

fn signal(wave: Wave, pitch_hz: f64, level_db: f64) -> Emergency {
    Emergency::Signal(Signal { wave, pitch_hz, level_db })
}

const WITH_ONE_CHANNEL: &str = "[playlists.music]\npath = 'music'\n\
     [[outputs]]\nurl = 'http://source:x@localhost:8000/live.mp3'\n\
     [channels.main]\nplay = ['music']\n";

#[test]
fn a_playlist_may_be_elsewhere_by_an_address_that_can_be_fetched() {
    let with = |path: &str| {
        parsed(&format!(
            "[playlists.music]\npath = ['near', '{path}']\n\
             [[outputs]]\nurl = 'http://source:x@localhost:8000/live.mp3'\n"
        ))
    };

    let paths = with("HTTPS://h/x.m3u?a=b").unwrap().playlists[0].paths.clone();
    assert_eq!(paths, [Path::new("/etc/carrier/near"), Path::new("HTTPS://h/x.m3u?a=b")]);
    for (path, expected) in [
        ("http://u:p@h/x.m3u", "`http://u:p@h/x.m3u`: a password in an address is seen by"),
        ("http://h:port/x", "`http://h:port/x`: it is no address such as http://host/"),
    ] {
        let mistakes = with(path).unwrap_err();
        let expected = format!("station.toml:2: playlists.music.path: {expected}");
        assert!(mistakes.contains(&expected), "{mistakes}");
    }
}

#[test]
fn tags_are_in_the_stations_charset_or_in_a_playlists_own() {
    let with = |station: &str, own: &str| {
        parsed(&format!(
            "[station]\ntag_charset = '{station}'\n[playlists.a]\npath = 'a'\n\
             [playlists.b]\npath = 'b'\ntag_charset = '{own}'\n\
             [queues.c]\n[queues.d]\ntag_charset = '{own}'\n\
             [[outputs]]\nurl = 'http://source:x@localhost:8000/live.mp3'\n"
        ))
    };
    let (baltic, arabic) = (TagCharset::named("windows-1257"), TagCharset::named("windows-1256"));

    let config = with("windows-1257", "Windows-1256").unwrap();
    let playlists: Vec<_> = config.playlists.iter().map(|it| it.tag_charset).collect();
    let queues: Vec<_> = config.queues.iter().map(|it| it.tag_charset).collect();
    assert_eq!((playlists, queues), (vec![baltic, arabic], vec![baltic, arabic]));
    assert_eq!(with("", "").unwrap().playlists[0].tag_charset, None);

    let mistakes = with("klingon", "utf-8").unwrap_err();
    for expected in [
        "station.toml:2: station.tag_charset: `klingon` is no alphabet of old tags; write windows-",
        "station.toml:7: playlists.b.tag_charset: `utf-8` is no alphabet of old tags; write",
        "station.toml:10: queues.d.tag_charset: `utf-8` is no",
    ] {
        assert!(mistakes.contains(expected), "{mistakes}");
    }
}

#[test]
fn every_mistake_is_reported_at_once_with_its_line_and_what_would_do() {
    let mistakes = parsed(
        "[playlists.musik]\npath = ''\norder = 'shufle'\nreload = '10ms'\nseeed = 1\n\
         [channels.main]\nplay = ['music']\nemergency = 'ton'\nsample_rate = 8000\n\
         crossfade = { duration = '3s', fade_in = '4s', curve = 'sinus' }\n\
         [[outputs]]\nchannel = 'mian'\nurl = 'http://localhost/live.mp3'\n\
         format = { codec = 'mp2', bitrate = 127, quality = 10 }\nmethod = 'post'\n",
    )
    .unwrap_err();

    for expected in [
        "station.toml:2: playlists.musik.path: is empty; name a file, a folder or a list",
        "station.toml:3: playlists.musik.order: `shufle` is none of \"normal\", \"random\", \
         \"shuffle\"; did you mean \"shuffle\"?",
        "station.toml:4: playlists.musik.reload: 10 ms is too often; 1 s is the least",
        "station.toml:5: playlists.musik.seeed: unknown key; did you mean `seed`?",
        "station.toml:7: channels.main.play: `music` is none of \"musik\"; did you \
         mean \"musik\"?",
        "station.toml:8: channels.main.emergency: `ton` is none of \"silence\", \"tone\", \
         \"brown-noise\", \"pink-noise\", \"saw\", \"sine\", \"square\", \"triangle\", \
         \"white-noise\"; did you mean \"tone\"?, nor an audio file",
        "station.toml:9: channels.main.sample_rate: 8000 is none of 16000,",
        "station.toml:10: channels.main.crossfade.fade_in: 4 s is longer than the duration of 3 s",
        "station.toml:10: channels.main.crossfade.curve: `sinus` is none of",
        "station.toml:12: outputs[1].channel: `mian` is none of \"main\"; did you mean \"main\"?",
        "station.toml:13: outputs[1].url: no password; write http://source:PASSWORD@HOST:8000",
        "station.toml:14: outputs[1].format.codec: `mp2` is none of \"aac\", \"flac\", \"mp3\", \
         \"opus\", \"vorbis\"; did you mean \"mp3\"?",
        "station.toml:14: outputs[1].format.bitrate: 127 is none of 32, 40,",
        "station.toml:14: outputs[1].format.quality: 10 is none of 0, 1,",
        "station.toml:15: outputs[1].method: `post` is none of \"put\", \"source\"",
    ] {
        assert!(mistakes.contains(expected), "{expected}\nis not in\n{mistakes}");
    }
}

#[test]
fn what_has_no_default_must_be_there() {
    let mistakes = parsed("[[outputs]]\n[playlists.a]").unwrap_err();
    assert!(mistakes.contains("outputs[1].url: missing"), "{mistakes}");
    assert!(mistakes.contains("playlists.a.path: missing"), "{mistakes}");

    let mistakes = parsed("").unwrap_err();
    assert!(mistakes.contains("playlists: missing; write [playlists.music]"), "{mistakes}");
    assert!(mistakes.contains("outputs: missing; write [[outputs]]"), "{mistakes}");
}

#[test]
fn a_file_of_trust_that_holds_no_certificate_is_a_mistake() {
    let text = ASTEROID.replacen("[station]\n", "[station]\ntrust = \"/dev/null\"\n", 1);

    let mistakes = parsed(&text).unwrap_err();

    let expected =
        "station.trust: /dev/null: holds no certificate; name a PEM file of certificates";
    assert!(mistakes.contains(expected), "{mistakes}");
}

#[test]
fn an_output_of_several_channels_has_to_say_which() {
    let text = ASTEROID.replacen("channel = \"curated\"\n", "", 1);

    let mistakes = parsed(&text).unwrap_err();

    assert!(mistakes.contains("outputs[1].channel: missing; it is one of curated, shuffle"));
}

#[test]
fn a_name_that_commands_would_not_know_apart_is_refused() {
    for (alias, expected) in [
        ("library", "`library` is what the playlist \"library\" is called"),
        ("stream-queue_m3u", "`stream-queue_m3u` is what the playlist \"stream-queue\" is called"),
        ("output_icecast_1", "is what the output"),
        ("two words", "`two words` holds a blank"),
        ("request", "`request` begins commands of their own"),
    ] {
        let text = ASTEROID.replacen("output.icecast\"", &format!("{alias}\""), 1);
        let mistakes = parsed(&text).unwrap_err();
        assert!(mistakes.contains(expected), "{alias}: {mistakes}");
        assert!(mistakes.contains(".aliases: "), "{alias}: {mistakes}");
    }
}

#[test]
fn the_same_mount_on_two_servers_makes_two_ids() {
    let text = "playlists.m.path = 'm'\n[[outputs]]\nurl = 'http://x@one/a.mp3'\n\
                [[outputs]]\nurl = 'http://x@two/a.mp3'\n";

    let ids: Vec<_> = parsed(text).unwrap().outputs.into_iter().map(|output| output.id).collect();

    assert_eq!(ids, ["a.mp3", "a.mp3.1"]);
}

#[test]
fn an_output_may_tell_its_listeners_something_of_its_own() {
    let text = ASTEROID.replacen("[[outputs]]", "[[outputs]]\nname = 'Low'\npublic = true", 1);

    let outputs = parsed(&text).unwrap().outputs;

    let (own, usual) = (&outputs[0].identity, &outputs[1].identity);
    assert_eq!((&*own.name, own.public, &*own.genre), ("Low", true, &*usual.genre));
    assert_eq!((&*usual.name, usual.public), ("Asteroid Radio", false));
}

#[test]
fn control_from_elsewhere_needs_a_password() {
    let text = ASTEROID.replacen("127.0.0.1:1234", "0.0.0.0:1234", 1);

    let mistakes = parsed(&text).unwrap_err();
    let with = parsed(&format!("{text}password = 's3cret'\n")).unwrap();

    assert!(mistakes.contains("control.telnet: lets others than this machine in"), "{mistakes}");
    assert!(with.control.password.is_some_and(|password| password.matches("s3cret")));
}

#[test]
fn passwords_may_come_from_the_environment() {
    let text = "playlists.m.path = 'm'\n[[outputs]]\nurl = 'http://source:${PASSWORD}@h/a.mp3'";
    let file = Path::new("station.toml");
    let known = |name: &str| (name == "PASSWORD").then(|| "s3cret".to_owned());

    let config = parse_with(file, text, &known).unwrap();
    let mistakes = parse_with(file, text, &|_| None).unwrap_err();

    assert!(config.outputs[0].address.credentials.password.matches("s3cret"));
    assert!(mistakes.to_string().contains("`${PASSWORD}` is not set"), "{mistakes}");
}

fn mp3(rate_hz: u32, bitrate_kbps: u32, quality: u8) -> Format {
    Format::Mp3(Mp3::constant(rate_hz, bitrate_kbps, quality))
}

fn parsed(text: &str) -> Result<Config, String> {
    let file = Path::new("/etc/carrier/station.toml");
    parse(file, text).map_err(|mistakes| mistakes.to_string())
}

const PROGRAMME: &str = "
[playlists.jingles]
path = 'jingles'
every = '4 tracks'
[playlists.news]
path = 'news.mp3'
every = '90min'
at = [':00', 'sun 08:15']
start = 'hard'
interrupted = 'returns'
[playlists.hits]
path = 'hits'
[playlists.new]
path = 'new'
[playlists.rest]
path = 'rest'
[queues.requests]
folder = 'wishes'
start = 'hard'
[rotations.day]
play = ['hits', 'new']
weights = [3, 1]
order = 'random'
seed = 7
[rotations.night]
play = ['day', 'rest']
[[outputs]]
url = 'http://x@h/a.mp3'
";

const ASTEROID: &str = r#"
[station]
name = "Asteroid Radio"
description = "Music for Hackers"
genre = "Electronic/Alternative"
url = "http://localhost:8080/asteroid/"

[playlists.stream-queue]          # commands: stream-queue.*, aliases below
path = "stream-queue.m3u"         # file (m3u, m3u8, pls, xspf, cue), folder, or glob
order = "normal"                  # normal | shuffle | random
reload = "watch"                  # watch | "300s" | "never"
aliases = ["stream-queue_m3u", "stream-queue.m3u"]

[playlists.library]
path = "music/"
order = "shuffle"

[channels.curated]
play = ["stream-queue", "library"]   # the first that has something to play
emergency = "tone"                   # tone | silence | a file
crossfade = { duration = "3s", fade_in = "2s", fade_out = "2s" }

[channels.shuffle]
play = ["library"]
crossfade = { duration = "3s", fade_in = "2s", fade_out = "2s" }

[[outputs]]
channel = "curated"
url = "http://source:hackme@127.0.0.1:8000/asteroid.mp3"
format = { codec = "mp3", bitrate = 128 }
aliases = ["output.icecast"]

[[outputs]]
channel = "curated"
url = "http://source:hackme@127.0.0.1:8000/asteroid-low.mp3"
format = { codec = "mp3", bitrate = 64 }
aliases = ["output.icecast.1"]

[[outputs]]
channel = "shuffle"
url = "http://source:hackme@127.0.0.1:8000/asteroid-shuffle.mp3"
format = { codec = "mp3", bitrate = 96 }

[control]
telnet = "127.0.0.1:1234"
http = "127.0.0.1:1235"
"#;

#[test]
fn a_live_input_lets_a_source_in_or_fetches_a_stream() {
    let text = format!(
        "{SMALL}[inputs.live]\nlisten = '0.0.0.0:8005'\npassword = 'dj'\n\
         [inputs.far]\nurl = 'http://h:8000/x.mp3'\nbuffer = '8s'\nstart = 'soft'\n"
    );
    let config = parse(Path::new("s.toml"), &text).unwrap();

    let [live, far] = &config.inputs[..] else { panic!("two inputs") };
    let Origin::Harbor { listen, mount, credentials } = &live.origin else { panic!("a harbor") };
    assert_eq!(
        (listen.port(), mount.as_str(), credentials.user.as_str()),
        (8_005, "/live", "source")
    );
    assert_eq!((live.buffer, live.rules.start), (Duration::from_secs(5), Start::Hard));
    assert!(matches!(far.origin, Origin::Relay { .. }));
    assert_eq!((far.buffer, far.rules.start), (Duration::from_secs(8), Start::Soft));
    assert_eq!(config.channels[0].play[..2], ["live", "far"]);
}

#[test]
fn mistakes_in_live_inputs_are_all_named() {
    for (lines, mistake) in [
        ("listen = 8005", "password: missing; without one anybody could go on the air"),
        ("listen = 8005\npassword = ''", "password: missing"),
        ("listen = 8005\npassword = 'x'\nmount = 'x y'", "mount: `x y` is no mount such as /live"),
        ("password = 'x'", "has neither `listen`, for a source to come to, nor `url`, to fetch"),
        ("url = 'ftp://h/x'", "url: only http:// and https:// are fetched"),
        ("url = 'http://h/x'\nlisten = 8005", "url: fetches a stream, and `listen` lets one in"),
        ("url = 'http://h/x'\nbuffer = '90s'", "buffer: is not from 0.5 s to 60 s"),
        (
            "listen = 8005\npassword = 'x'\n\
             [inputs.b]\nlisten = 8005\npassword = 'x'\nmount = '/a'",
            "mount: `/a` on 127.0.0.1:8005 is another input's",
        ),
    ] {
        let text = format!("{SMALL}[inputs.a]\n{lines}\n");

        let mistakes = parse(Path::new("s.toml"), &text).unwrap_err().to_string();

        assert!(mistakes.contains(mistake), "{lines}: {mistakes}");
    }
}

const SMALL: &str = "[playlists.p]\npath = 'm'\n[[outputs]]\nurl = 'http://x:y@h/x.mp3'\n";

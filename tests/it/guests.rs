//! Guests with habits of their own: encoders that nobody wrote for us, and odd requests.

use crate::audience::{self, Sound};
use crate::studio::Studio;
use e2e::{FakeSource, Player, Program, SOURCE_PASSWORD, Station, Wire, recording, until};

/// A station whose `/live.mp3` is on air with some frames.
async fn on_air(lines: &str) -> (Station, FakeSource) {
    let station = Station::with(lines);
    let mut source = FakeSource::on(&station, "/live.mp3").await;
    source.play(200).await;
    (station, source)
}

async fn first_line(station: &Station, request: &str) -> String {
    let mut wire = Wire::ask(station.address(), request).await;
    while !wire.received.contains(&b'\n') && wire.more().await {}
    let text = String::from_utf8_lossy(&wire.received).into_owned();
    text.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn odd_requests_are_taken_for_what_they_mean() {
    let (station, _source) =
        on_air("shoutcast = [{ listen = '127.0.0.1:0', mount = '/live.mp3' }]").await;

    for request in [
        "GET /live.mp3; HTTP/1.0",
        "GET /live.mp3;stream.nsv HTTP/1.0",
        "GET /live.mp3/;stream.mp3?x HTTP/1.0",
        "GET /;stream.nsv HTTP/1.0",
        "get /live.mp3 HTTP/1.0",
        "GET http://radio.example:8000/live.mp3 HTTP/1.0",
        "GET icy://radio.example/live.mp3; HTTP/1.0",
    ] {
        let line = first_line(&station, &format!("{request}\r\n\r\n")).await;
        assert_eq!(line, "HTTP/1.0 200 OK", "{request}");
    }
    let absent = first_line(&station, "GET /nobody; HTTP/1.0\r\n\r\n").await;
    assert_eq!(absent, "HTTP/1.0 404 File Not Found");
}

#[tokio::test]
async fn a_program_that_looks_for_icy_gets_it_and_a_stream_without_chunks() {
    let (station, _source) = on_air("server.icy_agents = ['OldRadio*']").await;
    let request = "GET /live.mp3 HTTP/1.1\r\nUser-Agent: OldRadio/1.0\r\n\r\n";

    let mut old = Wire::ask(station.address(), request).await;
    while old.received.len() < 2_000 && old.more().await {}

    assert!(old.received.starts_with(b"ICY 200 OK\r\nServer: "), "{old:?}");
    assert!(!String::from_utf8_lossy(&old.received).contains("chunked"));
    let new = "GET /live.mp3 HTTP/1.1\r\nUser-Agent: New\r\n\r\n";
    assert_eq!(first_line(&station, new).await, "HTTP/1.1 200 OK");
    let mut player = Player::tune_in(&station, "/live.mp3").await;
    assert_eq!(player.hear_frames(20).await.count(), 20);
}

#[tokio::test]
async fn gstreamer_is_heard_by_everybody() {
    let Some(studio) = Studio::open("limits.burst_size = '16KiB'") else { return };
    let Some(gstreamer) = Program::find("gst-launch-1.0") else { return };
    let mp3 = studio.record("a.mp3", recording::MP3).await;
    let (file, port) = (format!("location={mp3}"), studio.station.address().port());
    let (port, password) = (format!("port={port}"), format!("password={SOURCE_PASSWORD}"));

    let _encoder = gstreamer.run([
        "filesrc",
        &file,
        "!",
        "mpegaudioparse",
        "!",
        "shout2send",
        "ip=127.0.0.1",
        &port,
        &password,
        "mount=/gst.mp3",
        "streamname=Gst",
    ]);

    studio.station.until_received("/gst.mp3", 40_000).await;
    assert_eq!(studio.station.stat("/gst.mp3", "server_name").await, "Gst");
    let original = Some(std::fs::read(&mp3).expect("a file that was just written"));
    let sound = Sound { codec: "mp3", original };
    audience::all_hear("GStreamer", &studio.station.url("/gst.mp3"), &sound).await;
}

#[tokio::test]
async fn ices2_is_heard_by_everybody() {
    let Some(studio) = Studio::open("limits.burst_size = '16KiB'") else { return };
    let Some(ices) = Program::find("ices2") else { return };
    let ogg = studio.record("a.ogg", recording::VORBIS).await;
    let list = studio.write("list.txt", &format!("{ogg}\n"));
    let port = studio.station.address().port();
    let config = studio.write(
        "ices.xml",
        &format!(
            "<ices><background>0</background><logpath>{folder}</logpath><logfile>ices.log</logfile>\
             <loglevel>4</loglevel><consolelog>1</consolelog><stream><metadata><name>Ices</name>\
             </metadata><input><module>playlist</module><param name=\"type\">basic</param>\
             <param name=\"file\">{list}</param><param name=\"once\">0</param></input>\
             <instance><hostname>127.0.0.1</hostname><port>{port}</port>\
             <password>{SOURCE_PASSWORD}</password><mount>/ices.ogg</mount></instance></stream>\
             </ices>",
            folder = studio.path("."),
        ),
    );

    let _encoder = ices.run([config]);

    studio.station.until_titled("/ices.ogg", "A moving chord").await;
    studio.station.until_received("/ices.ogg", 40_000).await;
    let sound = Sound { codec: "vorbis", original: None };
    audience::all_hear("ices2", &studio.station.url("/ices.ogg"), &sound).await;
}

#[tokio::test]
async fn mpd_is_heard_by_everybody_as_a_source_of_icecast() {
    mpd("icecast2", "/mpd.mp3").await;
}

#[tokio::test]
async fn mpd_is_heard_by_everybody_as_a_source_of_shoutcast() {
    mpd("shoutcast", "/sc.mp3").await;
}

/// Has MPD play a file to `mount` by `protocol`.
async fn mpd(protocol: &str, mount: &str) {
    let station = Station::with_shoutcast("limits.burst_size = '16KiB'", "/sc.mp3");
    let Some(studio) = Studio::at(station) else { return };
    let (Some(mpd), Some(mpc)) = (Program::find("mpd"), Program::find("mpc")) else { return };
    let tags = ["-metadata", "title=Under", "-metadata", "artist=MPD"];
    let mp3 = ["-c:a", "libmp3lame", "-b:a", "128k"];
    studio.record("a.mp3", &[&mp3[..], &tags].concat()).await;
    let (folder, socket) = (studio.path("."), studio.path("mpd.sock"));
    let port = studio.station.address().port();
    let config = studio.write(
        "mpd.conf",
        &format!(
            "music_directory \"{folder}\"\nbind_to_address \"{socket}\"\n\
             db_file \"{folder}/db\"\nauto_update \"no\"\nzeroconf_enabled \"no\"\n\
             audio_output {{\ntype \"shout\"\nname \"MPD\"\nencoding \"mp3\"\n\
             protocol \"{protocol}\"\nhost \"127.0.0.1\"\nport \"{port}\"\n\
             mount \"{mount}\"\npassword \"{SOURCE_PASSWORD}\"\nbitrate \"128\"\n\
             format \"44100:16:2\"\n}}\n"
        ),
    );

    let mut server = mpd.run(["--no-daemon", "--stderr", &config]);
    let answers = async || {
        assert!(!server.has_ended(), "{}", server.so_far());
        let output = mpc.run(["-h", &socket, "update", "-w"]).ended(e2e::WAIT_MAX).await;
        output.status.success().then_some(())
    };
    until("MPD answers", answers).await;
    mpc.run(["-h", &socket, "repeat", "on"]).ended_well(e2e::WAIT_MAX).await;
    mpc.run(["-h", &socket, "add", "a.mp3"]).ended_well(e2e::WAIT_MAX).await;
    mpc.run(["-h", &socket, "play"]).ended_well(e2e::WAIT_MAX).await;
    // It tells a title once, as a track begins, on a connection of its own; of the very first it
    // may come before the mount is on the air.
    studio.station.until_received(mount, 10_000).await;
    mpc.run(["-h", &socket, "play"]).ended_well(e2e::WAIT_MAX).await;

    studio.station.until_titled(mount, "MPD - Under").await;
    studio.station.until_received(mount, 40_000).await;
    let sound = Sound { codec: "mp3", original: None };
    audience::all_hear(&format!("MPD {protocol}"), &studio.station.url(mount), &sound).await;
}

#[tokio::test]
async fn darkice_is_taken_for_what_it_says() {
    let Some(studio) = Studio::open("") else { return };
    let (Some(env), Some(_)) = (Program::find("env"), Program::find("darkice")) else { return };
    let (home, port) = (studio.path("."), studio.station.address().port());
    // A sound card that nobody has: it gives silence as fast as it is asked.
    studio.write(".asoundrc", "pcm.silence { type null }\n");
    let config = studio.write(
        "darkice.cfg",
        &format!(
            "[general]\nduration = 0\nbufferSecs = 1\nreconnect = no\nrealtime = no\n\
             [input]\ndevice = silence\nsampleRate = 44100\nbitsPerSample = 16\nchannel = 2\n\
             [icecast2-0]\nbitrateMode = cbr\nformat = mp3\nbitrate = 128\nquality = 0.8\n\
             server = 127.0.0.1\nport = {port}\npassword = {SOURCE_PASSWORD}\n\
             mountPoint = dark.mp3\nname = Dark\ngenre = night\npublic = no\n"
        ),
    );

    let _encoder = env.run([&format!("HOME={home}"), "darkice", "-v", "5", "-c", &config]);

    studio.station.until_received("/dark.mp3", 40_000).await;
    let about = studio.station.until_on_air("/dark.mp3").await;
    assert_eq!((&about["server_name"], &about["genre"]), (&"Dark".into(), &"night".into()));
    assert_eq!(about["bitrate"], 128);
}

#[tokio::test]
async fn butt_with_mp3_is_taken_with_its_titles() {
    butt("mp3", "mp3").await;
}

/// It puts the first audio on the page on which the headers end.
#[tokio::test]
async fn butt_with_vorbis_is_taken_with_its_titles() {
    butt("ogg", "vorbis").await;
}

/// Has BUTT send `codec` from a sound card, and its title from a file.
async fn butt(codec: &str, name: &str) {
    let Some(studio) = Studio::open("") else { return };
    let (Some(env), Some(_)) = (Program::find("env"), Program::find("butt")) else { return };
    let Some(screen) = Program::find("Xvfb") else { return };
    let (home, port) = (studio.path("."), studio.station.address().port());
    // A sound card that nobody has: it gives silence as fast as it is asked.
    studio.write(".asoundrc", "pcm.!default { type null }\nctl.!default { type null }\n");
    let title = studio.write("title.txt", "Under the Bridge");
    let config = studio.write(
        "buttrc",
        &format!(
            "[main]\nserver = us\nnum_of_srv = 1\nsrv_ent = us\nconnect_at_startup = 1\n\
             song_path = {title}\nsong_update = 1\ngain = 1.0\n\
             check_for_update = 0\nnum_of_icy = 0\n\
             [audio]\ndevice = default\nsamplerate = 44100\nbitrate = 128\nchannel = 2\n\
             buffer_ms = 50\ncodec = {codec}\n\
             [us]\naddress = 127.0.0.1\nport = {port}\npassword = {SOURCE_PASSWORD}\n\
             type = 1\ntls = 0\nmount = butt\nusr = source\n"
        ),
    );
    let screen = screen.run(["-displayfd", "1", "-screen", "0", "640x480x16"]);
    let display = until("the screen says its number", async || {
        let said = screen.so_far();
        let number = said.lines().find(|line| line.parse::<u16>().is_ok())?;
        Some(format!("DISPLAY=:{number}"))
    });
    let display = display.await;

    let _encoder = env.run([&format!("HOME={home}"), &display, "butt", "-x", "-c", &config]);

    studio.station.until_received("/butt", 40_000).await;
    studio.station.until_titled("/butt", "Under the Bridge").await;
    let url = studio.station.url("/butt");
    let Some(ffprobe) = Program::find("ffprobe") else { return };
    let entries = ["-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", &url];
    let output = ffprobe.run(entries).ended_well(e2e::WAIT_MAX).await;
    assert_eq!(output.out.trim(), name, "{output:?}");
}

//! Live sources into our source: real encoders as DJs, heard on our server.

use crate::programme::{music, station_config};
use crate::studio::Studio;
use e2e::{Program, Station, recording, until};
use source::config::Config;
use source::config::entries::{InputConfig, Origin};
use source::fetch::address::HttpAddress;
use source::playlist::rules::{Rules, Start};
use source::programme::blank::{Blanks, Then};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

#[tokio::test]
async fn a_dj_with_ffmpeg_takes_over_with_his_title_and_the_programme_goes_on_when_he_leaves() {
    let Some(studio) = Studio::open("") else { return };
    for (file, options, how) in [
        ("a.mp3", recording::MP3, ["-f", "mp3", "-legacy_icecast", "1"]),
        ("b.ogg", recording::VORBIS, ["-f", "ogg", "-content_type", "application/ogg"]),
        ("c.opus", recording::OPUS, ["-f", "ogg", "-content_type", "application/ogg"]),
    ] {
        let (folder, source) = on_air(&studio.station, harbor());
        let sound = studio.record(file, options).await;
        let address = source.harbors()[0];
        let url = format!("icecast://source:dj@{address}/live");
        let about = [&how[..], &["-ice_name", "DJ Bob"]].concat();

        let dj = studio.send(&sound, "1", &about, &url);

        until_live(&source).await;
        dj.end().await;
        studio.station.until_titled("/live.mp3", "Only - Track").await;
        let on_air = source.status().channels[0].on_air.clone();
        assert_eq!(on_air.underruns, 0, "{file}");
        source.stop().await;
        drop(folder);
        studio.station.until_off_air("/live.mp3").await;
    }
}

#[tokio::test]
async fn a_dj_with_libshout_or_liquidsoap_is_heard_with_his_title() {
    let Some(studio) = Studio::open("") else { return };
    let Some(liquidsoap) = Program::find("liquidsoap") else { return };
    let Some(ezstream) = Program::find("ezstream") else { return };
    let (_folder, source) = on_air(&studio.station, harbor());
    let address = source.harbors()[0];
    let tags = ["-metadata", "title=Ëzstream", "-metadata", "artist=Libshout"];
    let options = ["-c:a", "libmp3lame", "-b:a", "128k", "-id3v2_version", "3"];
    let mp3 = studio.record("a.mp3", &[&options[..], &tags].concat()).await;
    let config = format!(
        "<ezstream><servers><server><hostname>127.0.0.1</hostname><port>{}</port>\
         <password>dj</password></server></servers><streams><stream><mountpoint>/live</mountpoint>\
         <format>MP3</format></stream></streams><intakes><intake><type>file</type>\
         <filename>{mp3}</filename></intake></intakes></ezstream>",
        address.port()
    );
    let config = studio.write("ezstream.xml", &config);
    // It refuses a file that others can read, since there is a password in it.
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&config, mode).expect("our own file");

    let dj = ezstream.run(["-c", &config]);
    studio.station.until_titled("/live.mp3", "Libshout - Ëzstream").await;
    dj.end().await;
    studio.station.until_titled("/live.mp3", "Only - Track").await;

    let script = format!(
        "settings.init.allow_root.set(true)\n\
         song = single('annotate:title=\"Ünder\",artist=\"The Sóaps\":{mp3}')\n\
         output.icecast(%vorbis(quality=0.4), host=\"127.0.0.1\", port={}, mount=\"live\", \
         password=\"dj\", mksafe(song))\n",
        address.port()
    );
    let _dj = liquidsoap.run([studio.write("dj.liq", &script)]);
    studio.station.until_titled("/live.mp3", "The Sóaps - Ünder").await;
    source.stop().await;
}

#[tokio::test]
async fn a_stream_that_is_fetched_is_heard_until_it_breaks_off_and_again_when_it_is_back() {
    let Some(studio) = Studio::open("") else { return };
    let origin = Station::start();
    let address = HttpAddress::parse(&origin.url("/far.mp3")).expect("an address");
    let (_folder, source) = on_air(&studio.station, Origin::Relay { address });
    let mp3 = studio.record("a.mp3", recording::MP3).await;
    let url = format!("icecast://source:{}@{}/far.mp3", e2e::SOURCE_PASSWORD, origin.address());
    let how = ["-f", "mp3", "-content_type", "audio/mpeg", "-ice_name", "Far"];

    for _ in 0..2 {
        let far = studio.send(&mp3, "1", &how, &url);
        until_live(&source).await;
        far.end().await;
        studio.station.until_titled("/live.mp3", "Only - Track").await;
    }
    source.stop().await;
}

#[tokio::test]
async fn who_has_no_password_or_comes_second_is_turned_away() {
    let station = Station::start();
    let (_folder, source) = on_air(&station, harbor());
    let address = source.harbors()[0];

    assert_eq!(status(address, "SOURCE /live HTTP/1.0\r\n\r\n").await, "401");
    let right = "Authorization: Basic c291cmNlOmRq\r\n";
    assert_eq!(status(address, &format!("SOURCE /other HTTP/1.0\r\n{right}\r\n")).await, "404");
    let mut first = tokio::net::TcpStream::connect(address).await.expect("a port");
    let request = format!("SOURCE /live HTTP/1.0\r\n{right}\r\n");
    say(&mut first, &request).await;
    assert_eq!(heard(&mut first).await, "200");
    assert_eq!(status(address, &request).await, "403");

    drop(first);
    until("the first has left", async || (status(address, &request).await == "200").then_some(()))
        .await;
    source.stop().await;
}

#[tokio::test]
async fn a_dj_who_is_half_dead_makes_way_for_the_next_one() {
    let station = Station::start();
    let (_folder, source) = on_air(&station, harbor());
    let address = source.harbors()[0];
    let request = "SOURCE /live HTTP/1.0\r\nAuthorization: Basic c291cmNlOmRq\r\n\r\n";
    let mut first = tokio::net::TcpStream::connect(address).await.expect("a port");
    say(&mut first, request).await;
    assert_eq!(heard(&mut first).await, "200");
    assert_eq!(status(address, request).await, "403", "he has only just come");

    let wrong = request.replace("OmRq", "OmRx");
    until("the next one is let in", async || {
        assert_eq!(status(address, &wrong).await, "401", "whoever he is");
        (status(address, request).await == "200").then_some(())
    })
    .await;

    use tokio::io::AsyncReadExt as _;
    let mut rest = Vec::new();
    drop(e2e::within("he is sent away", first.read_to_end(&mut rest)).await); // or reset
    source.stop().await;
}

#[tokio::test]
async fn a_dj_who_is_silent_is_left_and_heard_again_when_he_sounds() {
    let Some(studio) = Studio::open("") else { return };
    let folder = music(&["Only - Track"]);
    let mut config = with_input(&studio.station, folder.path(), harbor());
    config.channels[0].blanks = Some(Blanks {
        after: Duration::from_secs(2),
        threshold_db: -50.0,
        then: Then::Next { rest: Duration::from_secs(600) },
    });
    let source = source::station::Station::start(&config).expect("a station can start");
    let sound = studio.path("gap.mp3");
    let tone = "aevalsrc=0.3*sin(2764*t)*(lt(t\\,6)+gt(t\\,16)):d=60";
    let made = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", tone, &sound])
        .status();
    assert!(made.expect("it was found").success());
    let url = format!("icecast://source:dj@{}/live", source.harbors()[0]);
    let about = ["-f", "mp3", "-legacy_icecast", "1", "-ice_name", "DJ Bob"];

    let dj = studio.send(&sound, "1", &about, &url);

    let heard = async |count: usize| {
        until("the next one plays", async || {
            let on_air = &source.status().channels[0].on_air;
            let heard = on_air.history.iter().map(|it| it.track.playlist.to_string());
            let heard: Vec<_> = heard.skip_while(|playlist| playlist != "live").collect();
            (heard.len() >= count).then_some(heard)
        })
        .await
    };
    assert_eq!(heard(1).await[0], "live");
    assert_ne!(heard(2).await[1], "live", "he is silent");
    assert_eq!(heard(3).await[2], "live", "he sounds again");
    // He has ten seconds of silence, and is heard some seconds after what he sends.
    let on_air = source.status().channels[0].on_air.clone();
    let lives = on_air.history.iter().filter(|it| *it.track.playlist == *"live");
    let since: Vec<_> = lives.map(|it| it.since).collect();
    let away = since[1].duration_since(since[0]).expect("a clock that goes on");
    assert!(away > Duration::from_secs(13), "{away:?}: he is still silent");
    assert_eq!(source.status().channels[0].on_air.underruns, 0);
    drop(dj);
    source.stop().await;
}

/// Our source on the air with one track and an input called `live`, which ranks before it.
fn on_air(station: &Station, origin: Origin) -> (tempfile::TempDir, source::station::Station) {
    let folder = music(&["Only - Track"]);
    let config = with_input(station, folder.path(), origin);
    let source = source::station::Station::start(&config).expect("a station can start");
    (folder, source)
}

fn with_input(station: &Station, folder: &Path, origin: Origin) -> Config {
    let mut config = station_config(station, folder, "/live.mp3");
    config.inputs.push(InputConfig {
        name: "live".to_owned(),
        aliases: Vec::new(),
        origin,
        buffer: Duration::from_secs(2),
        silence_max: Duration::from_secs(30),
        rules: Rules { start: Start::Hard, ..Rules::always() },
    });
    config.channels[0].play.insert(0, "live".to_owned());
    config
}

fn harbor() -> Origin {
    let password = common::auth::Password::new("dj");
    let credentials = common::auth::Credentials { user: "source".to_owned(), password };
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    Origin::Harbor { listen, mount: "/live".to_owned(), credentials }
}

/// Waits until what is on air comes from the input.
async fn until_live(source: &source::station::Station) {
    until("the live source is on air", async || {
        let on_air = &source.status().channels[0].on_air;
        let track = on_air.history.back().map(|played| played.track.playlist.to_string());
        (track.as_deref() == Some("live")).then_some(())
    })
    .await;
}

/// The status of the answer to `request`.
async fn status(address: SocketAddr, request: &str) -> String {
    let mut socket = tokio::net::TcpStream::connect(address).await.expect("a port");
    say(&mut socket, request).await;
    heard(&mut socket).await
}

async fn say(socket: &mut tokio::net::TcpStream, request: &str) {
    use tokio::io::AsyncWriteExt as _;
    socket.write_all(request.as_bytes()).await.expect("it listens");
}

async fn heard(socket: &mut tokio::net::TcpStream) -> String {
    use tokio::io::AsyncReadExt as _;
    let mut answer = [0; 12];
    let reading = socket.read_exact(&mut answer);
    e2e::within("an answer", reading).await.expect("an answer");
    String::from_utf8_lossy(&answer[9..]).into_owned()
}

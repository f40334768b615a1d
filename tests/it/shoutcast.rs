//! SHOUTcast: sources that say a password and no mount, and their titles.

use crate::audience::{self, Sound};
use crate::studio::Studio;
use e2e::{ADMIN_PASSWORD, IcecastXml, Player, Program, SOURCE_PASSWORD, Station, Wire, frames};

/// What a source says of itself, with lines that end in `end`.
fn hello(password: &str, end: &str) -> String {
    let lines = ["icy-name:SC Radio", "icy-genre:pop", "icy-pub:0", "icy-br:128", ""];
    [&[password][..], &lines].concat().into_iter().flat_map(|line| [line, end]).collect()
}

async fn source(station: &Station, password: &str, end: &str) -> Wire {
    Wire::ask(station.shoutcast()[0], hello(password, end)).await
}

#[tokio::test]
async fn a_source_with_the_right_password_is_heard_whatever_ends_its_lines() {
    for end in ["\r\n", "\n", "\r\r\n"] {
        let station = Station::with("shoutcast = [{ listen = '127.0.0.1:0', mount = '/sc.mp3' }]");
        let mut source = source(&station, SOURCE_PASSWORD, end).await;

        assert_eq!(source.exactly(20).await, "OK2\r\nicy-caps:11\r\n\r\n", "{end:?}");
        source.send(frames::run(0..200)).await;

        let about = station.until_on_air("/sc.mp3").await;
        assert_eq!((&about["server_name"], &about["genre"]), (&"SC Radio".into(), &"pop".into()));
        let mut player = Player::tune_in(&station, "/sc.mp3").await;
        assert_eq!(player.hear_frames(50).await.count(), 50);
    }
}

#[tokio::test]
async fn a_wrong_password_is_closed_on_and_a_second_source_told_that_the_mount_is_in_use() {
    let refuse = "[mounts.'/sc.mp3']\non_source_conflict = 'refuse'";
    let shoutcast = "shoutcast = [{ listen = '127.0.0.1:0', mount = '/sc.mp3' }]";
    let station = Station::with(&format!("{shoutcast}\n{refuse}"));

    assert_eq!(source(&station, "guessed", "\r\n").await.rest().await, "");
    let get = "GET /sc.mp3 HTTP/1.0\r\n\r\n";
    assert_eq!(Wire::ask(station.shoutcast()[0], get).await.rest().await, "");
    let mut first = source(&station, SOURCE_PASSWORD, "\r\n").await;
    first.exactly(20).await;
    station.until_on_air("/sc.mp3").await;
    let mut second = source(&station, SOURCE_PASSWORD, "\r\n").await;

    second.exactly(20).await;
    let answer = second.answer().await;
    assert_eq!((answer.status(), answer.text()), (403, "Mountpoint in use\r\n"));
}

#[tokio::test]
async fn a_title_comes_by_admin_cgi_with_the_password_of_the_source_or_the_administrator() {
    let station = Station::with("shoutcast = [{ listen = '127.0.0.1:0', mount = '/sc.mp3' }]");
    let asked = async |query: &str| station.get(&format!("/admin.cgi?{query}"), None).await;
    let title = |password: &str, song: &str| format!("mode=updinfo&pass={password}&song={song}");
    let early = asked(&title(SOURCE_PASSWORD, "Early")).await;
    assert_eq!((early.status(), early.text().contains("Source does not exist")), (400, true));
    let mut source = source(&station, SOURCE_PASSWORD, "\r\n").await;
    source.send(frames::run(0..20)).await;
    station.until_on_air("/sc.mp3").await;

    let set = asked(&title(SOURCE_PASSWORD, "SC+Song")).await;
    assert_eq!(
        set.text(),
        "<html><head><title>Admin request successful</title></head><body><p>Metadata update \
         successful</p></body></html>"
    );
    station.until_titled("/sc.mp3", "SC Song").await;
    assert_eq!(asked(&title(ADMIN_PASSWORD, "Boss")).await.status(), 200);
    station.until_titled("/sc.mp3", "Boss").await;
    assert_eq!(asked(&title("guessed", "No")).await.status(), 401);
    for (query, sentence) in [
        ("mode=updinfo&song=x", "missing pass parameter"),
        (&format!("mode=updinfo&pass={SOURCE_PASSWORD}"), "Missing parameter"),
    ] {
        let answer = asked(query).await;
        assert_eq!((answer.status(), answer.text().contains(sentence)), (400, true), "{query}");
    }
}

#[tokio::test]
async fn the_elements_of_icecast_open_the_port_above_or_make_a_port_one_for_shoutcast() {
    let xml = IcecastXml::new();
    let config = server::config_file::read(
        &xml.clone()
            .and(
                "<shoutcast-mount>/sc</shoutcast-mount>\
         <listen-socket><port>8100</port><shoutcast-mount>/own</shoutcast-mount></listen-socket>\
         <listen-socket><port>8200</port><shoutcast-compat>1</shoutcast-compat></listen-socket>",
            )
            .write(([127, 0, 0, 1], 8_000).into()),
    )
    .config
    .unwrap();

    let sockets: Vec<_> = config
        .shoutcast
        .iter()
        .map(|socket| format!("{} {}", socket.address.port(), socket.mount))
        .collect();
    assert_eq!(sockets, ["8101 /own", "8200 /sc"]);
    let ports: Vec<_> = config.listen.iter().map(|socket| socket.address.port()).collect();
    assert_eq!(ports, [8_000, 8_100]);
}

#[tokio::test]
async fn liquidsoap_as_a_shoutcast_source_is_heard_and_its_title_seen() {
    let Some(studio) = Studio::at(Station::with_shoutcast("", "/sc.mp3")) else { return };
    let Some(liquidsoap) = Program::find("liquidsoap") else { return };
    let wav = studio.record("a.wav", &[]).await;
    let port = studio.station.address().port();
    let script = studio.write(
        "station.liq",
        &format!(
            "settings.init.allow_root.set(true)\n\
             song = single('annotate:title=\"Under\",artist=\"Soaps\":{wav}')\n\
             output.shoutcast(%mp3(bitrate=128), host=\"127.0.0.1\", port={port}, \
             password=\"{SOURCE_PASSWORD}\", name=\"Soap\", mksafe(song))\n"
        ),
    );

    let _encoder = liquidsoap.run([script]);

    // It takes its time to begin, and says its title later.
    studio.station.until_on_air("/sc.mp3").await;
    studio.station.until_titled("/sc.mp3", "Soaps - Under").await;
    studio.station.until_received("/sc.mp3", 40_000).await;
    let sound = Sound { codec: "mp3", original: None };
    audience::all_hear("Liquidsoap SHOUTcast", &studio.station.url("/sc.mp3"), &sound).await;
}

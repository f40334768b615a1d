//! Statistics: in the shapes in which scripts, players and web pages have read them for years.

use e2e::{FakeSource, Player, Station, pages, until};
use serde_json::Value;

#[tokio::test]
async fn status_json_has_no_source_then_an_object_then_an_array() {
    let station = Station::start();

    assert!(station.status().await["source"].is_null());
    let _b = FakeSource::on(&station, "/b.mp3").await;
    station.until_on_air("/b.mp3").await;
    assert!(station.status().await["source"].is_object());
    let _a = FakeSource::on(&station, "/a.mp3").await;
    station.until_on_air("/a.mp3").await;
    let status = station.status().await;

    let urls: Vec<_> =
        status["source"].as_array().unwrap().iter().map(|one| &one["listenurl"]).collect();
    let port = station.address().port();
    assert_eq!(
        urls,
        [
            &Value::from(format!("http://localhost:{port}/a.mp3")),
            &Value::from(format!("http://localhost:{port}/b.mp3")),
        ]
    );
    let one = station.get("/status-json.xsl?mount=/b.mp3", None).await.json();
    assert!(one["icestats"]["source"].is_object());
}

#[tokio::test]
async fn status_json_needs_no_password_and_may_be_read_by_every_web_page() {
    let station = Station::start();

    let answer = station.get("/status-json.xsl", None).await;

    assert_eq!(answer.header("content-type"), "application/json; charset=UTF-8");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.json()["icestats"]["dummy"], Value::Null);
}

#[tokio::test]
async fn status_json_says_of_a_source_what_icecast_says() {
    let station = Station::start();
    let (_source, _) = FakeSource::dial(&station, recorded_source()).await;

    let about = station.until_on_air("/live.mp3").await;

    let names: Vec<_> = about.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, PUBLIC_NAMES);
    assert_eq!(about["audio_info"], "ice-samplerate=44100;ice-bitrate=128;ice-channels=2");
    assert_eq!((&about["bitrate"], &about["ice-samplerate"]), (&128.into(), &44_100.into()));
    assert_eq!(about["server_description"], "A description");
    assert_eq!(about["server_url"], "http://radio.test/");
}

#[tokio::test]
async fn the_statistics_stand_on_one_line_in_icecasts_order() {
    let station = Station::start();
    let empty = station.admin("/admin/stats").await;
    let (_source, _) = FakeSource::dial(&station, recorded_source()).await;
    station.until_on_air("/live.mp3").await;
    let one = station.admin("/admin/stats").await;
    let by_file_name = station.admin("/admin/stats.xml").await;

    let opening = "<?xml version=\"1.0\"?>\n<icestats>";
    assert_eq!(empty.header("content-type"), "text/xml; charset=utf-8");
    assert!(empty.text().starts_with(opening) && empty.text().ends_with("</icestats>\n"));
    assert_eq!(elements(empty.text()), SERVER_NAMES);
    assert_eq!(one.text().lines().count(), 2);
    let (server, source) = one.text().split_once("<source mount=\"/live.mp3\">").unwrap();
    assert_eq!(elements(server), SERVER_NAMES);
    let (source, rest) = source.split_once("</source>").unwrap();
    assert_eq!(elements(source), PRIVATE_NAMES);
    assert_eq!(rest, "</icestats>\n");
    assert_eq!(elements(by_file_name.text()), elements(one.text()));
}

#[tokio::test]
async fn scripts_that_search_the_statistics_find_what_they_look_for() {
    let station = Station::start();
    let mut first = FakeSource::on(&station, "/asteroid.mp3").await;
    let _second = FakeSource::on(&station, "/asteroid-low.mp3").await;
    let song = "Simon%20%26%20Garfunkel%20-%20%3CMrs.%20Robinson%3E";
    let target = format!("/admin/metadata?mode=updinfo&mount=/asteroid.mp3&song={song}");
    station.as_source(&target).await;
    first.play(10).await;
    let _listeners = [
        Player::tune_in(&station, "/asteroid.mp3").await,
        Player::tune_in(&station, "/asteroid.mp3").await,
        Player::tune_in(&station, "/asteroid-low.mp3").await,
    ];
    station.until_listeners("/asteroid.mp3", 2).await;
    station.until_listeners("/asteroid-low.mp3", 1).await;

    let stats = station.admin("/admin/stats").await;

    let text = stats.text();
    // The first count of listeners in the document is the server's.
    assert_eq!(between(text, "<listeners>", "</listeners>"), "3");
    let section = between(text, "<source mount=\"/asteroid.mp3\">", "</source>");
    assert_eq!(between(section, "<listeners>", "</listeners>"), "2");
    assert_eq!(between(section, "<listener_peak>", "</listener_peak>"), "2");
    assert_eq!(between(section, "<server_name>", "</server_name>"), "Unspecified name");
    let title = between(section, "<title>", "</title>");
    assert_eq!(title, "Simon &amp; Garfunkel - &lt;Mrs. Robinson&gt;");
    assert!(!section.contains('\n'));
    assert!(text.find("<listeners>") < text.find("<source "));
}

#[tokio::test]
async fn the_statistics_of_one_mount_may_be_asked_for_alone_and_not_by_its_source() {
    let station = Station::start();
    let _a = FakeSource::on(&station, "/a.mp3").await;
    let _b = FakeSource::on(&station, "/b.mp3").await;
    station.until_on_air("/b.mp3").await;

    let answer = station.admin("/admin/stats?mount=/b.mp3").await;

    let sources: Vec<_> = answer.text().match_indices("<source mount=\"").collect();
    assert_eq!((answer.status(), sources.len()), (200, 1));
    assert!(answer.text().contains("<source mount=\"/b.mp3\">"));
    assert_eq!(station.admin("/admin/stats?mount=/c.mp3").await.status(), 400);
    assert_eq!(station.as_source("/admin/stats?mount=/b.mp3").await.status(), 401);
}

#[tokio::test]
async fn the_list_of_mounts_is_icecasts() {
    let station = Station::start();
    assert_eq!(
        station.admin("/admin/listmounts").await.text(),
        "<?xml version=\"1.0\"?>\n<icestats/>\n"
    );

    let _a = FakeSource::on(&station, "/a.mp3").await;
    station.until_on_air("/a.mp3").await;
    let one = station.admin("/admin/listmounts").await;
    let _b = FakeSource::of(&station, "/b.ogg", "application/ogg").await;
    station.until_on_air("/b.ogg").await;
    let two = station.admin("/admin/listmounts").await;

    let a = "<source mount=\"/a.mp3\"><fallback></fallback><listeners>0</listeners>\
        <Connected>0</Connected><content-type>audio/mpeg</content-type></source>";
    let b = "<source mount=\"/b.ogg\"><fallback></fallback><listeners>0</listeners>\
        <Connected>0</Connected><content-type>application/ogg</content-type></source>";
    let document =
        |sources: &str| format!("<?xml version=\"1.0\"?>\n<icestats>{sources}</icestats>\n");
    assert_eq!(at_once(one.text()), document(a));
    assert_eq!(at_once(two.text()), document(&[a, b].concat()));
}

#[tokio::test]
async fn an_ogg_stream_is_described_by_its_headers() {
    let station = Station::start();
    let mut source = FakeSource::of(&station, "/a.opus", "audio/ogg").await;
    source.send(pages::opus_headers(1, "A title")).await;
    station.until_titled("/a.opus", "A title").await;

    assert_eq!(station.mount("/a.opus").await.unwrap()["subtype"], "Opus");
}

#[tokio::test]
async fn bytes_are_counted_on_both_sides() {
    let station = Station::start();
    let mut source = FakeSource::on(&station, "/a.mp3").await;
    source.play(100).await;
    let mut player = Player::tune_in(&station, "/a.mp3").await;
    player.hear_frames(100).await;

    assert_eq!(station.stat("/a.mp3", "total_bytes_read").await, "41700");
    // Beside the frames there is the head, and the framing of chunks. What was sent is counted
    // after it was.
    until("what was sent is counted", async || {
        let sent: u64 = station.stat("/a.mp3", "total_bytes_sent").await.parse().ok()?;
        (41_700..43_500).contains(&sent).then_some(())
    })
    .await;
    assert_eq!(station.stat("/a.mp3", "source_ip").await, "127.0.0.1");
}

#[tokio::test]
async fn the_status_page_is_where_people_look_for_it() {
    let station = Station::start();

    for path in ["/", "/status.xsl"] {
        let page = station.get(path, None).await;
        assert_eq!(page.status(), 200, "{path}");
        assert!(page.header("content-type").starts_with("text/html"), "{path}");
    }
}

/// The head with which the recorded statistics of Icecast 2.4.4 were made.
fn recorded_source() -> String {
    FakeSource::request(
        "/live.mp3",
        &[
            ("Content-Type", "audio/mpeg"),
            ("User-Agent", "capture/1.0"),
            ("Host", "127.0.0.1:18000"),
            ("Ice-Public", "0"),
            ("Ice-Name", "Test Radio"),
            ("Ice-Description", "A description"),
            ("Ice-Genre", "ambient"),
            ("Ice-URL", "http://radio.test/"),
            ("Ice-Bitrate", "128"),
            ("Ice-Audio-Info", "ice-samplerate=44100;ice-bitrate=128;ice-channels=2"),
        ],
    )
}

/// The names of all elements in `xml` that hold text, in order.
fn elements(xml: &str) -> Vec<&str> {
    let opened = xml.split('<').filter_map(|piece| piece.split_once('>'));
    let named = opened.map(|(name, _)| name);
    named.filter(|name| !name.starts_with(['/', '?']) && *name != "icestats").collect()
}

/// What stands between the first `before` and the next `after`, as a search finds it.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let rest = text.split_once(before).unwrap_or_else(|| panic!("{before} not in {text}")).1;
    rest.split_once(after).unwrap_or_else(|| panic!("{after} not in {rest}")).0
}

/// `text` as if every source had connected within this second.
fn at_once(text: &str) -> String {
    let mut pieces = text.split("<Connected>");
    let mut whole = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (seconds, rest) = piece.split_once('<').expect("an element ends");
        assert!(seconds.parse::<u32>().is_ok(), "{seconds} seconds");
        whole.push_str("<Connected>0<");
        whole.push_str(rest);
    }
    whole
}

/// What Icecast 2.4.4 says of itself, in its order.
const SERVER_NAMES: [&str; 18] = [
    "admin",
    "client_connections",
    "clients",
    "connections",
    "file_connections",
    "host",
    "listener_connections",
    "listeners",
    "location",
    "server_id",
    "server_start",
    "server_start_iso8601",
    "source_client_connections",
    "source_relay_connections",
    "source_total_connections",
    "sources",
    "stats",
    "stats_connections",
];
/// What it says to the administrator of the recorded source.
const PRIVATE_NAMES: [&str; 22] = [
    "audio_info",
    "bitrate",
    "genre",
    "ice-bitrate",
    "ice-channels",
    "ice-samplerate",
    "listener_peak",
    "listeners",
    "listenurl",
    "max_listeners",
    "public",
    "server_description",
    "server_name",
    "server_type",
    "server_url",
    "slow_listeners",
    "source_ip",
    "stream_start",
    "stream_start_iso8601",
    "total_bytes_read",
    "total_bytes_sent",
    "user_agent",
];
/// What it says to everybody.
const PUBLIC_NAMES: [&str; 16] = [
    "audio_info",
    "bitrate",
    "dummy",
    "genre",
    "ice-bitrate",
    "ice-channels",
    "ice-samplerate",
    "listener_peak",
    "listeners",
    "listenurl",
    "server_description",
    "server_name",
    "server_type",
    "server_url",
    "stream_start",
    "stream_start_iso8601",
];

//! What Asteroid Radio, a web programme in Lisp, reads from this server.
//!
//! It takes the statistics apart with regular expressions, which are written here as they stand
//! there, and runs its server with an `icecast.xml` of its own, from which these tests start.

use e2e::{ADMIN_PASSWORD, FakeSource, Player, SOURCE_PASSWORD, Station, Wire, until};
use regex_lite::Regex;
use server::{Config, config_file};
use std::time::Duration;

#[tokio::test]
async fn the_first_count_of_listeners_is_that_of_the_server() {
    let (station, _folder) = asteroid();
    let _mp3 = on_air(&station, "/asteroid.mp3").await;
    let _low = on_air(&station, "/asteroid-low.mp3").await;
    let _one = Player::tune_in(&station, "/asteroid.mp3").await;
    let _two = Player::tune_in(&station, "/asteroid.mp3").await;
    let _three = Player::tune_in(&station, "/asteroid-low.mp3").await;
    station.until_listeners("/asteroid.mp3", 2).await;
    station.until_listeners("/asteroid-low.mp3", 1).await;

    for path in ["/admin/stats.xml", "/admin/stats"] {
        let answer = station.admin(path).await;

        assert_eq!((answer.status(), answer.header("content-type")), (200, XML));
        assert_eq!(found(r"<listeners>(\d+)</listeners>", answer.text()), "3", "{path}");
    }
}

#[tokio::test]
async fn a_mount_is_found_by_its_literal_tag_and_all_of_it_stands_on_one_line() {
    let (station, _folder) = asteroid();
    let _mp3 = on_air(&station, "/asteroid.mp3").await;
    let _low = on_air(&station, "/asteroid-low.mp3").await;
    let _player = Player::tune_in(&station, "/asteroid.mp3").await;
    titled(
        &station,
        "/asteroid.mp3",
        "Bj%C3%B6rk+-+It%27s+%3COh%3E+%26+so",
        "Björk - It's <Oh> & so",
    )
    .await;
    station.until_listeners("/asteroid.mp3", 1).await;

    let stats = station.admin("/admin/stats.xml").await;

    let text = stats.text();
    let start = text.find(r#"<source mount="/asteroid.mp3">"#).expect("the literal tag");
    let section = &text[start..start + text[start..].find("</source>").expect("its end")];
    assert_eq!(
        found(r".*<title>(.*?)</title>.*", section),
        "Bj&#xF6;rk - It's &lt;Oh&gt; &amp; so"
    );
    assert_eq!(found(r"<listeners>(\d+)</listeners>", section), "1");
    assert_eq!(found(r"<listener_peak>(\d+)</listener_peak>", section), "1");
    assert_eq!(found(r"<server_name>(.*?)</server_name>", section), "Asteroid Radio");
    let all = pattern(r#"<source mount="([^"]+)">(.*?)</source>"#);
    let mounts: Vec<_> = all.captures_iter(text).map(|found| found[1].to_owned()).collect();
    assert_eq!(mounts, ["/asteroid-low.mp3", "/asteroid.mp3"]);
}

#[tokio::test]
async fn the_statistics_are_xml_for_readers_that_parse_them() {
    let (station, _folder) = asteroid();
    let _mp3 = on_air(&station, "/asteroid.mp3").await;
    titled(
        &station,
        "/asteroid.mp3",
        "Anna+%E2%80%93+%E6%97%A5%E6%9C%AC+%26+so",
        "Anna – 日本 & so",
    )
    .await;

    let stats = station.admin("/admin/stats.xml").await;

    let document = roxmltree::Document::parse(stats.text()).expect("XML");
    let sources: Vec<_> =
        document.descendants().filter(|node| node.attribute("mount").is_some()).collect();
    let [source] = sources[..] else { panic!("one source with a mount: {}", stats.text()) };
    let title = source.children().find(|node| node.has_tag_name("title"));
    assert_eq!(title.and_then(|title| title.text()), Some("Anna – 日本 & so"));
}

#[tokio::test]
async fn the_addresses_of_listeners_are_listed() {
    let (station, _folder) = asteroid();
    let _mp3 = on_air(&station, "/asteroid.mp3").await;
    let _player = Player::tune_in(&station, "/asteroid.mp3").await;
    station.until_listeners("/asteroid.mp3", 1).await;

    let listed = station.admin("/admin/listclients?mount=/asteroid.mp3").await;
    let absent = station.admin("/admin/listclients?mount=/absent.mp3").await;

    assert_eq!(found("<IP>([^<]+)</IP>", listed.text()), "127.0.0.1");
    assert_eq!(absent.status(), 400);
}

#[tokio::test]
async fn whoever_only_asks_whether_the_server_runs_needs_no_password() {
    let (station, _folder) = asteroid();

    for path in ["/status-json.xsl", "/status.xsl", "/"] {
        let asked = tokio::time::timeout(Duration::from_secs(2), station.get(path, None)).await;
        assert_eq!(asked.expect("an answer within two seconds").status(), 200, "{path}");
    }
    let refused = station.get("/admin/stats.xml", Some(("admin", "wrong"))).await;
    assert_eq!(refused.status(), 401);
    assert!(refused.header("www-authenticate").starts_with("Basic realm="));
}

#[tokio::test]
async fn its_check_scripts_and_its_web_player_are_answered() {
    let (station, _folder) = asteroid();
    let _mp3 = on_air(&station, "/asteroid.mp3").await;
    let head = |method: &str, path: &str| {
        let lines = "Host: x\r\nOrigin: http://web.test\r\nConnection: close";
        format!("{method} {path} HTTP/1.1\r\n{lines}\r\n\r\n")
    };

    let checked = Wire::ask(station.address(), head("HEAD", "/asteroid.mp3")).await.head().await;
    let asked = Wire::ask(station.address(), head("OPTIONS", "/asteroid.mp3")).await.head().await;
    let stream = Wire::ask(station.address(), head("GET", "/asteroid.mp3?t=17")).await.head().await;
    let stats = Wire::ask(station.address(), head("GET", "/status-json.xsl")).await.head().await;

    assert_eq!((checked.status, checked.headers.first("content-type")), (200, Some("audio/mpeg")));
    assert_eq!((asked.status, stream.status), (204, 200));
    assert!(asked.headers.lists("access-control-allow-methods", "GET"));
    for name in ["Origin", "Accept", "X-Requested-With", "Content-Type"] {
        assert!(asked.headers.lists("access-control-allow-headers", name), "{name}");
    }
    for answer in [&asked, &checked, &stream, &stats] {
        assert_eq!(answer.headers.first("access-control-allow-origin"), Some("*"));
    }
}

#[tokio::test]
async fn with_one_more_line_in_the_file_a_player_stays_while_a_source_leaves_and_returns() {
    // As the file stands the player is let go, as by Icecast.
    let (config, _folder) =
        config_with(|text| text.replace("</limits>", "<source-grace>5</source-grace></limits>"));
    let station = Station::of(config);
    let source = on_air(&station, "/asteroid.mp3").await;
    let mut player = Player::tune_in(&station, "/asteroid.mp3").await;
    assert_eq!(player.hear_frames(20).await, 0..20);

    drop(source);
    station.until_off_air("/asteroid.mp3").await;
    let mut source = FakeSource::on(&station, "/asteroid.mp3").await.from_frame(20);
    source.play(20).await;

    assert_eq!(player.hear_frames(20).await, 20..40);
}

#[tokio::test]
async fn the_statistics_are_there_again_when_the_server_is() {
    let (mut station, _folder) = asteroid();

    station.stop();
    station.start_again();

    let again = async || (station.admin("/admin/stats.xml").await.status() == 200).then_some(());
    until("the statistics are there again", again).await;
}

#[test]
fn the_limits_are_those_of_its_file() {
    let (config, _folder) = config();

    assert_eq!((config.limits.clients_max, config.limits.sources_max), (100, 5));
    assert_eq!(config.limits.header_timeout, Duration::from_secs(15));
    let usual = &config.mounts.usual.limits;
    assert_eq!((usual.queue_bytes, usual.burst_bytes), (524_288, 65_535));
    assert_eq!(usual.source_timeout, Duration::from_secs(10));
}

/// A server that was started from Asteroid's file, and the folder of its logs.
fn asteroid() -> (Station, tempfile::TempDir) {
    let (config, folder) = config();
    (Station::of(config), folder)
}

/// What stands in Asteroid's file, with the passwords and the places of these tests.
fn config() -> (Config, tempfile::TempDir) {
    config_with(|text| text)
}

fn config_with(change: impl FnOnce(String) -> String) -> (Config, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let text = include_str!("../../server/src/icecast/config/fixtures/station.xml")
        .replace("<source-password>source<", &format!("<source-password>{SOURCE_PASSWORD}<"))
        .replace("<admin-password>admin<", &format!("<admin-password>{ADMIN_PASSWORD}<"))
        .replace("/var/log/icecast", &folder.path().display().to_string());
    let path = folder.path().join("icecast.xml");
    std::fs::write(&path, change(text)).expect("our own folder");
    let config = config_file::read(&path).config.unwrap_or_else(|mistakes| panic!("{mistakes}"));
    (Config { run_as: None, pid_file: None, ..config }, folder)
}

async fn on_air(station: &Station, mount: &str) -> FakeSource {
    let lines = [("Content-Type", "audio/mpeg"), ("ice-name", "Asteroid Radio")];
    let (mut source, head) = FakeSource::dial(station, FakeSource::request(mount, &lines)).await;
    assert_eq!(head.status, 200);
    source.play(20).await;
    station.until_on_air(mount).await;
    source
}

/// Sets the title of `mount` to what `encoded` says, and waits until it is `shown`.
async fn titled(station: &Station, mount: &str, encoded: &str, shown: &str) {
    let update = format!("/admin/metadata?mount={mount}&mode=updinfo&charset=UTF-8&song={encoded}");
    assert_eq!(station.as_source(&update).await.status(), 200);
    station.until_titled(mount, shown).await;
}

/// What the first group of `pattern` holds where it first fits.
fn found(pattern: &str, text: &str) -> String {
    let found = self::pattern(pattern).captures(text);
    found.unwrap_or_else(|| panic!("{pattern} is nowhere in {text}"))[1].to_owned()
}

fn pattern(pattern: &str) -> Regex {
    Regex::new(pattern).expect("it is one in Lisp")
}

const XML: &str = "text/xml; charset=utf-8";

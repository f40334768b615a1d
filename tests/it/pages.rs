//! Playlists, health, metrics and the pages for people.

use e2e::{FakeSource, Player, SOURCE_PASSWORD, Station, Wire, until};
use serde_json::json;
use server::config::Compat;

/// A station with `/a.mp3` on air and a hidden `/h.mp3`.
async fn on_air() -> (Station, FakeSource, FakeSource) {
    let station = Station::with("mounts.'/h.mp3'.hidden = true\nmounts.'/off.mp3'.user = 'x'");
    let lines = [("Content-Type", "audio/mpeg"), ("Ice-Name", "A & B"), ("Ice-Bitrate", "128")];
    let (shown, _) = FakeSource::dial(&station, FakeSource::request("/a.mp3", &lines)).await;
    let hidden = FakeSource::on(&station, "/h.mp3").await;
    station.until_on_air("/a.mp3").await;
    (station, shown, hidden)
}

#[tokio::test]
async fn a_mount_has_playlists_with_what_is_known_of_it() {
    let (station, _shown, _hidden) = on_air().await;

    let xspf = station.get("/a.mp3.xspf", None).await;
    let vclt = station.get("/a.mp3.vclt", None).await;

    assert_eq!(xspf.header("content-type"), "application/xspf+xml; charset=UTF-8");
    assert!(xspf.text().contains("Stream Title: A &amp; B\n"), "{}", xspf.text());
    assert_eq!(vclt.header("content-type"), "audio/x-vclt; charset=UTF-8");
    assert!(vclt.text().contains("\nSERVER_NAME=A & B\n"), "{}", vclt.text());
    for absent in ["/h.mp3.xspf", "/nope.xspf"] {
        let list = station.get(absent, None).await;
        assert_eq!((list.status(), list.text().len()), (200, 143), "{absent}: as recorded");
    }
    assert_eq!(station.get("/h.mp3.vclt", None).await.text(), "");
}

#[tokio::test]
async fn a_playlist_with_credentials_holds_them_and_no_lines_of_others() {
    let station = Station::start();
    let port = station.address().port();
    let target = "/admin/buildm3u?mount=/live.mp3&username=u%20x%0d%0ab&password=p%40ss";

    let list = station.get(target, None).await;

    let expected = format!("http://u%20x%0D%0Ab:p%40ss@localhost:{port}/live.mp3\r\n");
    assert_eq!(list.text(), expected);
    assert_eq!(list.header("content-disposition"), "attachment; filename=\"listen.m3u\"");
    let missing = station.get("/admin/buildm3u?mount=/live.mp3", None).await;
    let nameless = station.get("/admin/buildm3u?username=u&password=p", None).await;
    assert_eq!((missing.status(), nameless.status()), (400, 401), "as Icecast");
    let broken = station.get(&target.replace("live.mp3", "a%0d%0aX:b"), None).await;
    assert_eq!((broken.status(), broken.header("x")), (400, ""));
}

#[tokio::test]
async fn a_server_that_runs_is_well() {
    let station = Station::start();

    let health = station.get("/health", None).await;

    assert_eq!((health.status(), &health.json()["status"]), (200, &"ok".into()));
    assert!(health.json()["uptime_seconds"].is_u64());
}

#[tokio::test]
async fn metrics_show_hidden_mounts_to_the_administrator_only() {
    let (station, _shown, _hidden) = on_air().await;
    let _player = Player::tune_in(&station, "/a.mp3").await;

    let open = station.get("/metrics", None).await;
    let admin = station.admin("/metrics").await;
    let wrong = station.get("/metrics", Some(("admin", "wrong"))).await;

    let has = |line: &str| open.text().lines().any(|one| one == line);
    assert!(open.header("content-type").starts_with("text/plain; version=0.0.4"));
    assert!(has("carrier_mount_listeners{mount=\"/a.mp3\"} 1"), "{}", open.text());
    assert!(has("carrier_mount_source_connected{mount=\"/a.mp3\"} 1"));
    assert!(has("carrier_mount_source_connected{mount=\"/off.mp3\"} 0"));
    assert!(has("carrier_mount_bitrate_bits_per_second{mount=\"/a.mp3\"} 128000"));
    assert!(has("carrier_sources 2") && !open.text().contains("/h.mp3"));
    assert!(admin.text().contains("carrier_mount_listeners{mount=\"/h.mp3\"} 0"));
    assert_eq!(wrong.status(), 401);
}

#[tokio::test]
async fn safari_sees_its_two_bytes_and_then_hears_the_stream() {
    let station = Station::start();
    let mut source = FakeSource::on(&station, "/a.mp3").await;
    source.play(5).await;
    let ask = async |lines: &str| {
        let request = format!("GET /a.mp3 HTTP/1.1\r\nHost: x\r\n{lines}\r\n");
        Wire::ask(station.address(), request).await
    };

    let probe = ask("Range: bytes=0-1\r\n").await.answer().await;
    let heard_nothing = station.mount("/a.mp3").await.unwrap()["listener_peak"].clone();
    let rest = ask("Range: bytes=0-1073741822\r\n").await.head().await;
    let open = ask("Range: bytes=0-\r\n").await.head().await;
    let titled = ask("Range: bytes=0-1\r\nIcy-MetaData: 1\r\n").await.head().await;

    assert_eq!((probe.status(), &probe.body[..]), (206, &b"\xff\xfb"[..]));
    assert_eq!(probe.header("content-range"), "bytes 0-1/1073741823");
    assert_eq!(heard_nothing, 0, "a probe is no listener");
    assert_eq!(rest.status, 206);
    assert_eq!(rest.headers.first("content-range"), Some("bytes 0-1073741822/1073741823"));
    assert_eq!((open.status, open.headers.first("content-range")), (200, None));
    assert_eq!((titled.status, titled.headers.first("icy-metaint")), (200, Some("16000")));
}

#[tokio::test]
async fn strictly_a_title_of_digits_is_a_number_and_the_json_stays_valid() {
    let station = Station::changed("", |config| config.compat = Compat::Strict);
    let _source = FakeSource::on(&station, "/a.mp3").await;
    let titles = [("1979", json!(1979)), ("12.", json!("12.")), ("true", json!(true))];
    for (title, shown) in titles {
        let target = format!("/admin/metadata?mount=/a.mp3&mode=updinfo&song={title}");
        assert_eq!(station.admin(&target).await.status(), 200);
        let is_shown = async || {
            let json = station.get("/status-json.xsl?mount=/a.mp3", None).await.json();
            (json["icestats"]["source"]["title"] == shown).then_some(())
        };
        until(&format!("the title {title} is shown as {shown}"), is_shown).await;
    }
}

#[tokio::test]
async fn every_command_has_a_page() {
    let (station, _shown, _hidden) = on_air().await;
    let _player = Player::tune_in(&station, "/a.mp3").await;
    for (target, text) in [
        ("/admin/", "<h2>/a.mp3</h2>"),
        ("/admin/stats.xsl", "A &amp; B"),
        ("/admin/listmounts.xsl", "<h2>/h.mp3</h2>"),
        ("/admin/listclients.xsl?mount=/a.mp3", "name=\"id\""),
        ("/admin/moveclients.xsl?mount=/a.mp3", "name=\"destination\" value=\"/h.mp3\""),
        ("/admin/updatemetadata.xsl?mount=/a.mp3", "name=\"song\""),
        ("/admin/metadata.xsl?mount=/a.mp3&mode=updinfo&song=x", "Metadata update successful"),
        ("/admin/killclient.xsl?mount=/a.mp3&id=999999", "Client 999999 not found"),
        ("/admin/killsource.xsl?mount=/h.mp3", "Source Removed"),
    ] {
        let page = station.admin(target).await;

        assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{target}");
        assert!(page.text().contains(text), "{target}: {}", page.text());
        assert!(page.header("content-security-policy").contains("default-src 'none'"));
    }
    assert_eq!(station.get("/admin/", None).await.status(), 401);
    assert_eq!(station.get("/server_version.xsl", None).await.status(), 200);
}

#[tokio::test]
async fn a_page_of_another_site_cannot_send_a_browser_to_give_a_command() {
    let (station, _shown, _hidden) = on_air().await;
    let ask = async |command: &str, site: &str| {
        let credentials = e2e::basic("source", SOURCE_PASSWORD);
        let request = format!(
            "GET /admin/{command}?mount=/a.mp3&mode=updinfo&song=x HTTP/1.1\r\nHost: x\r\n\
             Authorization: {credentials}\r\nSec-Fetch-Site: {site}\r\n\r\n"
        );
        Wire::ask(station.address(), request).await.answer().await.status()
    };

    assert_eq!(ask("metadata", "cross-site").await, 403);
    assert_eq!(ask("metadata.xsl", "cross-site").await, 403);
    assert_eq!(ask("metadata.xsl", "same-origin").await, 200);
    assert_eq!(ask("updatemetadata.xsl", "cross-site").await, 200, "it changes nothing");
}

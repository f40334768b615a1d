//! What heads say: configured lines, what web pages of others may read, and Icecast's strict ways.

use e2e::{FakeSource, Player, Station, Wire};
use server::config::Compat;
use server::config::files::HttpHeader;

fn line(name: &str, value: &str, status: Option<u16>) -> HttpHeader {
    HttpHeader { name: name.to_owned(), value: value.to_owned(), status }
}

/// What stands under `name` in the head of the answer to `request`, each time that it does.
async fn all(station: &Station, request: &str, name: &str) -> Vec<String> {
    let head = Wire::ask(station.address(), format!("{request}\r\nHost: x\r\n\r\n")).await;
    let head = { head }.head().await;
    let lines = head.headers.iter().filter(|line| line.0.eq_ignore_ascii_case(name));
    lines.map(|(_, value)| value.to_owned()).collect()
}

#[tokio::test]
async fn a_configured_origin_stands_once_and_instead_of_ours() {
    let name = "Access-Control-Allow-Origin";
    let station = Station::changed("", |config| {
        config.http_headers = vec![line(name, "https://radio.test", None)];
    });
    let mut source = FakeSource::on(&station, "/a.mp3").await;
    source.play(5).await;

    for request in [
        "GET /a.mp3 HTTP/1.1",
        "HEAD /a.mp3 HTTP/1.1",
        "GET /status-json.xsl HTTP/1.1",
        "GET /absent HTTP/1.1",
        "OPTIONS /a.mp3 HTTP/1.1",
        "OPTIONS * HTTP/1.1",
    ] {
        assert_eq!(all(&station, request, name).await, ["https://radio.test"], "{request}");
    }
}

#[tokio::test]
async fn a_page_of_anybodys_may_read_what_a_stream_says_of_itself() {
    let station = Station::start();
    let _source = FakeSource::on(&station, "/a.mp3").await;

    let get = "GET /a.mp3 HTTP/1.1\r\nOrigin: http://x";
    let exposed = all(&station, get, "Access-Control-Expose-Headers").await;

    assert!(exposed[0].contains("Icy-MetaInt") && exposed[0].contains("Icy-Name"), "{exposed:?}");
    assert_eq!(all(&station, get, "Access-Control-Allow-Origin").await, ["*"]);
}

#[tokio::test]
async fn lines_of_a_mount_are_for_its_listeners_only() {
    let station = Station::changed("", |config| {
        config.http_headers = vec![line("X-Absent", "1", Some(404)), line("X-All", "1", None)];
        config.mounts.usual.http_headers = vec![line("X-Mount", "1", None)];
        config.server_id = Some("Radio 1".to_owned());
    });
    let _source = FakeSource::on(&station, "/a.mp3").await;

    let player = Player::tune_in(&station, "/a.mp3").await;
    let absent = station.get("/b.mp3", None).await;

    let heard = |name| player.head.headers.first(name);
    assert_eq!((heard("x-mount"), heard("x-all"), heard("x-absent")), (Some("1"), Some("1"), None));
    let names = ["x-mount", "x-all", "x-absent", "server"];
    assert_eq!(names.map(|name| absent.header(name)), ["", "1", "1", "Radio 1"]);
    assert_eq!(station.status().await["server_id"], "Radio 1");
}

#[tokio::test]
async fn strictly_a_server_answers_no_more_than_icecast_does() {
    let station = Station::changed("", |config| config.compat = Compat::Strict);
    let _source = FakeSource::on(&station, "/a.mp3").await;
    let ask = async |method: &str| {
        let request = format!("{method} /a.mp3 HTTP/1.1\r\nHost: x\r\n\r\n");
        Wire::ask(station.address(), request).await
    };

    let mut refused = ask("HEAD").await;
    let mut heard = ask("GET").await.head().await;
    let json = "GET /status-json.xsl HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut status = Wire::ask(station.address(), json.repeat(2)).await;

    assert_eq!(ask("OPTIONS").await.rest().await, "");
    assert_eq!(refused.head().await.status, 400);
    assert!(refused.rest().await.starts_with(b"<html><head><title>Error 400</title>"));
    let header = |name: &str| heard.headers.first(name);
    assert_eq!(header("transfer-encoding"), None);
    assert_eq!(header("access-control-allow-origin"), None);
    assert_eq!(status.answer().await.header("connection"), "Close");
    assert_eq!(status.rest().await, "", "there is one answer, whatever was asked in one breath");
    heard = ask("PUT").await.head().await;
    assert_eq!(heard.status, 401);
}

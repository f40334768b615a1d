//! Files of a webroot, served beside the streams.

use e2e::{Answer, FakeSource, Player, Station, Wire};
use server::config::files::Alias;
use std::path::Path;
use tempfile::TempDir;

/// A station with a webroot, in which there is `a.txt` of twenty bytes.
fn station() -> (Station, TempDir) {
    let folder = tempfile::tempdir().expect("a folder to write in");
    let root = folder.path().join("web");
    std::fs::create_dir_all(root.join("sub")).expect("a folder to write in");
    std::fs::write(folder.path().join("secret.txt"), "not for you").expect("a folder to write in");
    for (name, text) in [
        ("a.txt", "0123456789abcdefghij"),
        (".hidden", "not for you"),
        ("status.xsl", "<xsl:stylesheet/>"),
        ("sub/page.html", "<p>hi</p>"),
        ("live.mp3", "a file"),
        ("made.m3u", "http://elsewhere/\r\n"),
    ] {
        std::fs::write(root.join(name), text).expect("a folder to write in");
    }
    (with_webroot(&root, true), folder)
}

fn with_webroot(root: &Path, serve: bool) -> Station {
    Station::changed("", |config| {
        config.files.webroot = Some(root.to_owned());
        config.files.serve = serve;
        let alias = |source: &str, destination: &str, port| Alias {
            source: source.to_owned(),
            destination: destination.to_owned(),
            port,
            bind_address: None,
        };
        config.files.aliases = vec![alias("/x", "/nowhere", Some(1)), alias("/x", "/a.txt", None)];
    })
}

async fn ask(station: &Station, method: &str, path: &str, lines: &str) -> Answer {
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{lines}\r\n");
    let mut wire = Wire::ask(station.address(), request).await;
    if method == "HEAD" {
        return Answer { head: wire.head().await, body: wire.rest().await };
    }
    wire.answer().await
}

#[tokio::test]
async fn a_file_is_served_with_its_type_and_its_length() {
    let (station, _folder) = station();

    let file = ask(&station, "GET", "/a.txt?x=1", "").await;
    let head = ask(&station, "HEAD", "/a.txt", "").await;
    let page = ask(&station, "GET", "/sub/page.html", "").await;

    assert_eq!((file.status(), file.text()), (200, "0123456789abcdefghij"));
    let lines = ["content-type", "content-length", "accept-ranges", "cache-control"];
    assert_eq!(lines.map(|name| file.header(name)), ["text/plain", "20", "bytes", "no-cache"]);
    assert_eq!(lines.map(|name| head.header(name)), lines.map(|name| file.header(name)));
    assert_eq!(head.text(), "");
    assert_eq!((page.header("content-type"), page.text()), ("text/html", "<p>hi</p>"));
    let counted = station.admin("/admin/stats").await;
    assert!(counted.text().contains("<file_connections>3</file_connections>"));
}

#[tokio::test]
async fn a_range_is_exactly_its_bytes() {
    let (station, _folder) = station();
    for (range, status, told, body) in [
        ("bytes=0-4", 206, "bytes 0-4/20", "01234"),
        ("bytes=5-9", 206, "bytes 5-9/20", "56789"),
        ("bytes=15-", 206, "bytes 15-19/20", "fghij"),
        ("bytes=-5", 206, "bytes 15-19/20", "fghij"),
        ("bytes=25-", 416, "bytes */20", "Request Range Not Satisfiable\r\n"),
        ("lines=1-2", 200, "", "0123456789abcdefghij"),
    ] {
        let answer = ask(&station, "GET", "/a.txt", &format!("Range: {range}\r\n")).await;

        let seen = (answer.status(), answer.header("content-range"), answer.text());
        assert_eq!(seen, (status, told, body), "{range}");
    }
}

#[tokio::test]
async fn what_a_client_has_is_not_sent_again() {
    let (station, _folder) = station();
    let first = ask(&station, "GET", "/a.txt", "").await;
    let tag = format!("If-None-Match: {}\r\n", first.header("etag"));
    let date = format!("If-Modified-Since: {}\r\n", first.header("last-modified"));

    let mut kept = Wire::dial(station.address()).await;
    for lines in [&tag, &date, &tag] {
        kept.send(format!("GET /a.txt HTTP/1.1\r\nHost: x\r\n{lines}\r\n")).await;
        let head = kept.head().await;
        assert_eq!((head.status, head.headers.first("content-length")), (304, None));
        assert_eq!(head.headers.first("etag"), Some(first.header("etag")));
    }

    let other = ask(&station, "GET", "/a.txt", "If-None-Match: \"other\"\r\n").await;
    assert_eq!((other.status(), other.text().len()), (200, 20));
}

#[tokio::test]
async fn nothing_is_served_that_is_not_meant_to_be() {
    let (station, folder) = station();
    std::os::unix::fs::symlink("..", folder.path().join("web/up")).unwrap();
    for path in [
        "/.hidden",
        "/sub",
        "/sub/",
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/sub/../../secret.txt",
        "/%2e%2e%2fsecret.txt",
        "//a.txt",
        "/sub//page.html",
        "/a.txt%00",
        "/a.txt/",
        "/absent.txt",
        "/%2Fetc/passwd",
        "/etc/passwd",
    ] {
        let answer = ask(&station, "GET", path, "").await;
        assert_eq!(answer.status(), 404, "{path}: {}", answer.text());
    }
    let page = ask(&station, "GET", "/status.xsl", "").await;
    assert!(page.text().starts_with("<!DOCTYPE html>"), "the server's own, not the template");
}

#[tokio::test]
async fn a_mount_on_air_goes_before_a_file_and_a_file_before_a_playlist() {
    let (station, _folder) = station();
    assert_eq!(ask(&station, "GET", "/live.mp3", "").await.text(), "a file");
    assert_eq!(ask(&station, "GET", "/made.m3u", "").await.text(), "http://elsewhere/\r\n");

    let mut source = FakeSource::on(&station, "/live.mp3").await;
    source.play(5).await;

    let mut player = Player::tune_in(&station, "/live.mp3").await;
    assert_eq!(player.hear_frames(5).await, 0..5);
    let other = ask(&station, "GET", "/live.mp3.m3u", "").await;
    assert!(other.text().ends_with("/live.mp3\r\n"));
}

#[tokio::test]
async fn no_files_are_served_where_that_is_turned_off() {
    let (_station, folder) = station();
    let station = with_webroot(&folder.path().join("web"), false);

    assert_eq!(ask(&station, "GET", "/a.txt", "").await.status(), 404);
    assert_eq!(ask(&station, "GET", "/status.xsl", "").await.status(), 200);
}

#[tokio::test]
async fn an_alias_is_another_name_of_a_file() {
    let (station, _folder) = station();

    let answer = ask(&station, "GET", "/x?query", "").await;

    assert_eq!(answer.text(), "0123456789abcdefghij", "the first that fits counts, not port 1's");
}

#[tokio::test]
async fn a_large_file_arrives_whole_and_the_connection_stays() {
    let (station, folder) = station();
    let large: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[n as usize % 3]).collect();
    std::fs::write(folder.path().join("web/large.bin"), &large).unwrap();
    let mut wire =
        Wire::narrow(station.address(), "GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n").await;

    let answer = wire.answer().await;
    wire.send("GET /a.txt HTTP/1.1\r\nHost: x\r\n\r\n").await;

    assert!(answer.body == large, "{} bytes", answer.body.len());
    assert_eq!(wire.answer().await.text().len(), 20);
}

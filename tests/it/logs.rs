//! The logs: what is written for whom, and what never is.

use e2e::{FakeSource, Icecast, Station, Wire, basic, until, within};
use server::config::logs::{LogTo, Logs};
use std::fs;
use std::path::{Path, PathBuf};

#[tokio::test]
async fn every_finished_request_is_a_line_as_icecast_writes_it() {
    let Some(icecast) = Icecast::start().await else { return };
    let folder = tempfile::tempdir().expect("a folder for the logs");
    let station = with_access_log(folder.path());

    visit(&icecast).await;
    visit(&station).await;

    let there = async || lines(&icecast.access_log());
    let here = async || lines(&text(&access_log(folder.path())));
    let theirs = until("the lines of Icecast", there).await;
    let ours = until("our lines", here).await;
    assert_eq!(ours, theirs);
}

#[tokio::test]
async fn a_listeners_line_counts_every_byte_that_it_was_sent() {
    let folder = tempfile::tempdir().expect("a folder for the logs");
    let station = with_access_log(folder.path());
    let mut source = FakeSource::on(&station, "/live").await;
    source.play(40).await;
    let mut wire = Wire::ask(station.address(), "GET /live HTTP/1.1\r\n\r\n").await;
    assert!(wire.more().await);

    drop(source);
    let mut received = 0;
    while wire.more().await {}
    received += wire.received.len();

    let line = until("the line", async || line_of(folder.path(), "\"GET /live ")).await;
    assert!(line.contains(&format!("\" 200 {received} \"")), "{received}: {line}");
}

#[tokio::test]
async fn no_password_reaches_the_access_log() {
    let folder = tempfile::tempdir().expect("a folder for the logs");
    let station = with_access_log(folder.path());
    let wrong = basic("source", "wrong-secret");
    let requests = [
        "GET /live?pass=wrong-secret HTTP/1.1\r\n\r\n".to_owned(),
        "GET http://dj:wrong-secret@h/live HTTP/1.1\r\nReferer: http://a:wrong-secret@h/\r\n\r\n"
            .to_owned(),
        format!("SOURCE /live HTTP/1.0\r\nAuthorization: {wrong}\r\n\r\n"),
        format!("GET /admin/stats HTTP/1.0\r\nAuthorization: {wrong}\r\n\r\n"),
        "SOURCE /live ICE/1.0\r\nice-password: wrong-secret\r\n\r\n".to_owned(),
    ];

    for request in &requests {
        Wire::ask(station.address(), request).await.head().await;
    }

    let all = async || {
        let text = text(&access_log(folder.path()));
        (text.lines().count() == requests.len()).then_some(text)
    };
    let text = until("all lines", all).await;
    assert!(!text.contains("secret"), "{text}");
    assert!(!text.contains(wrong.split_once(' ').expect("Basic").1), "{text}");
}

#[tokio::test]
async fn each_title_is_a_line_with_those_who_heard_it_begin() {
    let folder = tempfile::tempdir().expect("a folder for the logs");
    let path = folder.path().join("playlist.log");
    let station = Station::changed("", |config| {
        config.logs.playlist = LogTo::File(path.clone());
    });
    let mut source = FakeSource::on(&station, "/live").await;
    source.play(20).await;
    let _listener = Wire::ask(station.address(), "GET /live HTTP/1.1\r\n\r\n").await;
    station.until_listeners("/live", 1).await;

    for title in ["First+%7C+one", "First+%7C+one", "Second%0A%c3%bc"] {
        let target = format!("/admin/metadata?mount=/live&mode=updinfo&song={title}");
        station.as_source(&target).await;
    }

    let all = async || {
        let text = text(&path);
        let after = |line: &str| line.split_once('|').map(|(_, rest)| rest.to_owned());
        let lines: Vec<_> = text.lines().filter_map(after).collect();
        (lines.len() == 2).then_some(lines)
    };
    let lines = until("both titles", all).await;
    assert_eq!(lines, ["/live|1|First | one", "/live|1|Second ü"]);
}

/// One of each: a source, a listener, commands, refusals.
async fn visit(station: &Station) {
    let address = station.address();
    let mut source = FakeSource::on(station, "/live.mp3").await;
    source.play(200).await;
    station.until_on_air("/live.mp3").await;
    let listen = "GET /live.mp3?user=x HTTP/1.0\r\nUser-Agent: Agent \"q\" \\ ` ü\r\n\
                  Referer: http://ref.test/p?a=\"b\"\r\nAuthorization: Basic dTpwdw==\r\n\r\n";
    let mut listener = Wire::ask(address, listen).await;
    assert!(listener.more().await);
    drop(listener);
    // Writing to it shows that it is gone.
    let gone = async || {
        source.play(20).await;
        (station.stat("/live.mp3", "listeners").await == "0").then_some(())
    };
    until("the listener is gone", gone).await;
    let admin = basic("admin", e2e::ADMIN_PASSWORD);
    let wrong = basic("source", "wrong");
    for request in [
        format!(
            "GET /admin/listclients?mount=/live.mp3 HTTP/1.0\r\nAuthorization: {admin}\r\n\r\n"
        ),
        "GET /admin/stats HTTP/1.0\r\nUser-Agent: curl/8.5\r\n\r\n".to_owned(),
        "GET /no!p\"e HTTP/1.0\r\nUser-Agent:\r\n\r\n".to_owned(),
        format!("SOURCE /other.mp3 HTTP/1.0\r\nAuthorization: {wrong}\r\n\r\n"),
    ] {
        let mut wire = Wire::ask(address, request).await;
        wire.head().await;
        within("the rest", wire.rest()).await;
    }
    drop(source);
    station.until_off_air("/live.mp3").await;
}

/// The lines about what [`visit`] asked, in the order of their requests; `None` until all are
/// there. What differs by nature is masked: dates, lengths of heads and documents, seconds.
fn lines(log: &str) -> Option<Vec<String>> {
    let about =
        ["\"GET /live.mp3", "\"GET /admin/listclients", "curl/8.5", "\"GET /no", "\"SOURCE"];
    let lines = log.lines().filter(|line| about.iter().any(|text| line.contains(text)));
    let masked = lines.map(|line| {
        let (before, rest) = line.split_once('[').expect("a date");
        let (_, rest) = rest.split_once("] ").expect("a date");
        let (rest, _) = rest.rsplit_once(' ').expect("seconds");
        let mut fields: Vec<_> = rest.split(' ').map(str::to_owned).collect();
        if fields[0] != "\"SOURCE" || fields[3] != "200" {
            fields[4] = "BYTES".to_owned();
        }
        format!("{before}[DATE] {} SECONDS", fields.join(" "))
    });
    let mut lines: Vec<_> = masked.collect();
    lines.sort();
    (lines.len() == 6).then_some(lines)
}

fn with_access_log(folder: &Path) -> Station {
    Station::changed("limits.source_grace = '0'", |config| {
        config.logs = Logs { access: LogTo::File(access_log(folder)), ..Logs::default() };
    })
}

fn access_log(folder: &Path) -> PathBuf {
    folder.join("access.log")
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn line_of(folder: &Path, what: &str) -> Option<String> {
    text(&access_log(folder)).lines().find(|line| line.contains(what)).map(str::to_owned)
}

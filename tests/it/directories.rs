//! Directories of public stations: what they are told, and that nobody waits for them.

use e2e::{Asked, FakeSource, FakeWeb, Station, Wire, basic};
use std::net::TcpListener;

/// A directory that lists whatever it is told.
fn welcoming(asked: &Asked) -> Option<String> {
    let sid = if asked.body.starts_with("action=add") { "SID: sid-7\r\n" } else { "" };
    Some(format!("200 OK\r\nYPResponse: 1\r\nYPMessage: ok\r\n{sid}TouchFreq: 30\r\n"))
}

/// A section for the directory at `url` that announces at once.
fn section(url: &str) -> String {
    format!("[[directory]]\nurl = '{url}'\nsettle = '100ms'\n")
}

/// A source of `mount` that may be listed, or not.
async fn source(station: &Station, mount: &str, public: u8) -> Wire {
    let authorization = basic("source", e2e::SOURCE_PASSWORD);
    let request = format!(
        "SOURCE {mount} HTTP/1.0\r\nAuthorization: {authorization}\r\n\
         Content-Type: audio/mpeg\r\nice-public: {public}\r\nice-name: Test & Radio\r\n\
         ice-bitrate: 128\r\nice-audio-info: ice-channels=2\r\n\r\n"
    );
    let mut source = Wire::ask(station.address(), request).await;
    assert_eq!(source.head().await.status, 200);
    source
}

#[tokio::test]
async fn a_public_station_is_added_touched_with_its_title_and_removed() {
    let directory = FakeWeb::start(welcoming).await;
    let station = Station::with(&section(&directory.url("/cgi-bin/yp-cgi")));
    let _private = source(&station, "/private.mp3", 0).await;
    let source = source(&station, "/pub.mp3", 1).await;

    let added = directory.until_asked("action=add").await;
    let title = "/admin/metadata?mount=/pub.mp3&mode=updinfo&song=Vor%C3%B6l";
    assert_eq!(station.admin(title).await.status(), 200);
    let touched = directory.until_asked("action=touch").await.body;
    drop(source);
    let removed = directory.until_asked("action=remove").await.body;

    let port = station.address().port();
    assert_eq!(
        added.body,
        format!(
            "action=add&sn=Test%20%26%20Radio&genre=various&cpswd=&\
             desc=Unspecified%20description&url=&\
             listenurl=http%3a%2f%2flocalhost%3a{port}%2fpub%2emp3&type=audio%2fmpeg&stype=&b=128\
             &ice%2dchannels%3d2\r\n"
        )
    );
    assert_eq!(
        (added.head.method.as_str(), added.head.target.as_str()),
        ("POST", "/cgi-bin/yp-cgi")
    );
    assert_eq!(
        touched,
        "action=touch&sid=sid-7&st=Vor%c3%b6l&listeners=0&max_listeners=10000&stype=\r\n"
    );
    assert_eq!(removed, "action=remove&sid=sid-7");
    let asked = directory.asked();
    assert!(asked.iter().all(|asked| !asked.body.contains("private")), "{asked:#?}");
}

#[tokio::test]
async fn the_configuration_decides_what_is_public_and_what_is_hidden_never_is() {
    let directory = FakeWeb::start(welcoming).await;
    let mounts = "[mounts.'/a.mp3']\npublic = true\ncluster_password = 'c'\n\
                  [mounts.'/b.mp3']\npublic = false\n[mounts.'/c.mp3']\nhidden = true";
    let station = Station::with(&(section(&directory.url("/")) + mounts));
    let _sources = [
        source(&station, "/b.mp3", 1).await,
        source(&station, "/c.mp3", 1).await,
        source(&station, "/a.mp3", 0).await,
    ];

    let added = directory.until_asked("action=add").await.body;
    directory.until_asked("action=touch").await;

    assert!(added.contains("%2fa%2emp3&") && added.contains("&cpswd=c&"), "{added}");
    assert_eq!(directory.asked().iter().filter(|a| a.body.starts_with("action=add")).count(), 1);
}

// The directory answers while the test waits for the station to stop.
#[tokio::test(flavor = "multi_thread")]
async fn each_directory_is_told_by_itself_over_tls_too_and_a_dead_one_delays_nobody() {
    let folder = tempfile::tempdir().expect("a folder for a certificate");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let trust = folder.path().join("cert.pem");
    std::fs::write(&trust, made.cert.pem()).unwrap();
    let pem = made.signing_key.serialize_pem() + &made.cert.pem();
    let secure = FakeWeb::start_secure(&pem, welcoming).await;
    let silent = FakeWeb::start(|_| None).await;
    let dead = TcpListener::bind("127.0.0.1:0").unwrap();
    let dead_url = format!("http://{}/", dead.local_addr().unwrap());
    drop(dead);
    let sections = [dead_url, silent.url("/"), secure.url("/")].map(|url| section(&url)).concat();
    let mut station = Station::with(&format!("tls.trust = '{}'\n{sections}", trust.display()));
    let _source = source(&station, "/pub.mp3", 1).await;
    let mut other = FakeSource::on(&station, "/other.mp3").await;

    secure.until_asked("action=add").await;
    silent.until_asked("action=add").await;
    other.play(10).await;
    assert_eq!(station.get("/status-json.xsl", None).await.status(), 200);

    // It knows its name by then.
    secure.until_asked("action=touch&sid=sid-7").await;
    // A server that stops takes its stations off.
    station.stop();
    secure.until_asked("action=remove&sid=sid-7").await;
}

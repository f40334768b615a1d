//! Who is turned away, with which status and which sentence.

use e2e::{Answer, FakeSource, Station, Wire, basic};
use std::time::Duration;

#[tokio::test]
async fn a_source_with_a_wrong_password_is_challenged() {
    let station = Station::start();
    let wrong = basic("source", "guessed");

    for request in [
        format!("PUT /a.mp3 HTTP/1.1\r\nAuthorization: {wrong}\r\nExpect: 100-continue\r\n\r\n"),
        format!("SOURCE /a.mp3 HTTP/1.0\r\nAuthorization: {wrong}\r\n\r\n"),
        "SOURCE /a.mp3 ICE/1.0\r\n\r\n".to_owned(),
    ] {
        let answer = asked(&station, &request).await;

        assert_eq!(answer.status(), 401, "{request}");
        assert_eq!(answer.header("www-authenticate"), "Basic realm=\"Icecast2 Server\"");
        assert_eq!(answer.text(), "You need to authenticate\r\n");
    }
    assert!(station.mount("/a.mp3").await.is_none());
}

#[tokio::test]
async fn a_mount_in_use_is_refused_and_its_source_goes_on() {
    let station = Station::start();
    let mut first = FakeSource::on(&station, "/a.mp3").await;
    first.play(10).await;

    for method in ["SOURCE", "PUT"] {
        let request = FakeSource::request("/a.mp3", &[("Content-Type", "audio/mpeg")]);
        // Whoever comes waits for a sign that the first is still there.
        let request = request.replacen("SOURCE", method, 1);
        let plays = first.play_paced(10, 1, Duration::from_millis(100));
        let (answer, ()) = tokio::join!(asked(&station, &request), plays);
        assert_eq!((answer.status(), answer.text()), (403, "Mountpoint in use\r\n"));
    }

    let received = first.next_frame() * 417;
    first.play(10).await;
    station.until_received("/a.mp3", received + 4_170).await;
}

#[tokio::test]
async fn the_password_is_asked_before_it_is_told_that_a_mount_is_in_use() {
    let station = Station::start();
    let _first = FakeSource::on(&station, "/a.mp3").await;

    let answer = asked(&station, "SOURCE /a.mp3 HTTP/1.0\r\n\r\n").await;

    assert_eq!(answer.status(), 401);
}

#[tokio::test]
async fn what_is_no_stream_is_refused_by_its_content_type() {
    let station = Station::start();
    let typed = |content_type| FakeSource::request("/a", &[("Content-Type", content_type)]);

    let html = asked(&station, &typed("text/html")).await;
    let untyped =
        asked(&station, &FakeSource::request("/a", &[]).replacen("SOURCE", "PUT", 1)).await;

    assert_eq!(html.status(), 415);
    assert!(html.text().starts_with("content type text/html is not a stream; send"), "{html:?}");
    assert_eq!((untyped.status(), untyped.text()), (403, "No Content-type given\r\n"));
}

#[tokio::test]
async fn a_name_that_no_mount_can_have_is_refused() {
    let station = Station::start();

    for name in ["/", "/a/", "/a/../b", "/admin/x", "a.mp3", "/%00"] {
        let answer = asked(&station, &FakeSource::request(name, &[])).await;

        assert_eq!(answer.status(), 400, "{name}: {answer:?}");
        assert!(answer.text().contains("mount name"), "{name}: {answer:?}");
    }
}

#[tokio::test]
async fn a_head_beyond_its_limits_is_refused_with_the_limit() {
    let station = Station::start();
    let line = format!("X: {}\r\n", "y".repeat(1_000));

    for (head, sentence) in [
        (format!("GET / HTTP/1.1\r\n{}", line.repeat(17)), "the head exceeds 16384 bytes"),
        (
            format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "y".repeat(8_200)),
            "line 2 of the head exceeds 8192 bytes",
        ),
        (
            format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(65)),
            "the head has more than 64 header lines",
        ),
    ] {
        let answer = asked(&station, &head).await;

        assert_eq!((answer.status(), answer.text().trim_end()), (431, sentence));
    }
}

#[tokio::test]
async fn what_is_no_request_is_told_so() {
    let station = Station::start();

    for bytes in ["\x16\x03\x01\x02\0\r\n\r\n", "hello\r\n\r\n", "GET /\r\n\r\n"] {
        assert_eq!(asked(&station, bytes).await.status(), 400, "{bytes:?}");
    }
}

#[tokio::test]
async fn a_head_that_is_not_complete_in_time_ends_the_connection() {
    let station = Station::with("limits.header_timeout = '200ms'");

    let mut silent = Wire::dial(station.address()).await;
    let mut slow = Wire::ask(station.address(), "GET / HTTP/1.1\r\nX: ").await;

    assert_eq!(silent.rest().await, "");
    assert_eq!(slow.rest().await, "");
}

#[tokio::test]
async fn a_body_in_an_unknown_coding_is_refused() {
    let station = Station::start();
    let lines = [("Content-Type", "audio/mpeg"), ("Transfer-Encoding", "gzip")];

    let answer = asked(&station, &FakeSource::request("/a.mp3", &lines)).await;

    assert_eq!(answer.status(), 501);
    assert!(answer.text().starts_with("transfer encoding gzip is not supported"), "{answer:?}");
}

#[tokio::test]
async fn one_client_too_many_is_answered_503_at_once() {
    let station = Station::changed("limits.clients = 2", |config| {
        config.limits.clients_reserved = 0;
    });
    let _first = FakeSource::on(&station, "/a.mp3").await;
    let _second = FakeSource::on(&station, "/b.mp3").await;

    let mut third = Wire::dial(station.address()).await;

    let answer = third.answer().await;
    assert_eq!((answer.status(), answer.text()), (503, "connection limit reached\r\n"));
}

#[tokio::test]
async fn one_source_too_many_is_refused() {
    let station = Station::with("limits.sources = 1");
    let _first = FakeSource::on(&station, "/a.mp3").await;

    let answer = asked(&station, &FakeSource::request("/b.mp3", &[])).await;

    assert_eq!((answer.status(), answer.text()), (403, "too many sources connected\r\n"));
}

#[tokio::test]
async fn one_listener_too_many_on_a_mount_is_refused_and_there_is_room_on_others() {
    let station = Station::with("mounts.'/small.mp3'.max_listeners = 1");
    let _sources = [
        FakeSource::on(&station, "/small.mp3").await,
        FakeSource::on(&station, "/large.mp3").await,
    ];
    let mut first = Wire::ask(station.address(), "GET /small.mp3 HTTP/1.1\r\n\r\n").await;
    assert_eq!(first.head().await.status, 200);

    assert_eq!(station.get("/small.mp3", None).await.status(), 403);
    let mut other = Wire::ask(station.address(), "GET /large.mp3 HTTP/1.1\r\n\r\n").await;
    assert_eq!(other.head().await.status, 200);
}

#[tokio::test]
async fn a_mount_of_its_own_password_does_not_take_the_servers() {
    let station = Station::with("mounts.'/own.mp3'.password = 'particular'");

    let general = asked(&station, &FakeSource::request("/own.mp3", &[])).await;
    let own = basic("source", "particular");
    let request = format!("SOURCE /own.mp3 HTTP/1.0\r\nAuthorization: {own}\r\n\r\n");
    let (_source, head) = FakeSource::dial(&station, request).await;

    assert_eq!((general.status(), head.status), (401, 200));
}

#[tokio::test]
async fn commands_are_for_the_administrator_and_a_mounts_own_source() {
    let station = Station::start();
    let _source = FakeSource::on(&station, "/a.mp3").await;
    let metadata = "/admin/metadata?mode=updinfo&mount=/a.mp3&song=x";

    for target in ["/admin/stats", "/admin/listmounts", metadata, "/admin/killsource?mount=/a.mp3"]
    {
        let answer = station.get(target, Some(("admin", "guessed"))).await;
        assert_eq!(answer.status(), 401, "{target}");
        assert_eq!(answer.header("www-authenticate"), "Basic realm=\"Icecast2 Server\"");
    }
    for target in ["/admin/stats", "/admin/listmounts"] {
        assert_eq!(station.as_source(target).await.status(), 401, "{target}");
    }
    assert_eq!(station.as_source(metadata).await.status(), 200);
}

async fn asked(station: &Station, request: &str) -> Answer {
    Wire::ask(station.address(), request).await.answer().await
}

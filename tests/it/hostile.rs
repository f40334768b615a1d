//! What strangers send who mean no good, or do not know better: never a crash, never a hang, and
//! nothing that stays.
//!
//! The requests are those which were sent to the real Icecast to see what it does; it closes on
//! most of them without a word, where we say what is wrong.

use e2e::{FakeSource, Player, SOURCE_PASSWORD, Station, Wire, basic, pages, until};
use std::time::Duration;
use tokio::time::timeout;

#[tokio::test]
async fn whatever_comes_is_answered_or_closed_on_and_the_server_goes_on() {
    let station = Station::with("limits.header_timeout = '2s'");
    let mut source = FakeSource::on(&station, "/x.mp3").await;
    source.play(10).await;

    for (request, statuses) in requests() {
        let shown = String::from_utf8_lossy(&request[..request.len().min(60)]).into_owned();
        let mut wire = Wire::dial(station.address()).await;
        // The server may have seen enough, and closed, before all is sent.
        let _ = wire.try_send(&request).await;
        wire.finish().await;
        let answer = wire.rest().await;
        let status = answer
            .get(9..12)
            .map_or(0, |digits| String::from_utf8_lossy(digits).parse::<u16>().unwrap_or(1));
        assert!(statuses.contains(&status), "{shown:?}: {status}, not one of {statuses:?}");
    }

    assert_eq!(station.get("/status-json.xsl", None).await.status(), 200);
    source.play(10).await;
    until("only the source and who asks are there", async || clients(&station, 2).await).await;
}

#[tokio::test]
async fn a_crowd_that_says_nothing_or_too_little_is_gone_at_the_header_timeout() {
    let station = Station::with("limits.header_timeout = '1s'");
    let mut crowd = Vec::new();
    for number in 0..200 {
        let mut wire = Wire::dial(station.address()).await;
        if number % 2 == 0 {
            wire.send("GET /x.mp3 HTTP/1.1\r\nHost: x\r\nX-A: ").await;
        }
        crowd.push(wire);
    }
    assert_eq!(station.get("/status-json.xsl", None).await.status(), 200, "others are served");

    for wire in &mut crowd {
        wire.rest().await;
    }

    until("the crowd is gone", async || clients(&station, 1).await).await;
}

#[tokio::test]
async fn a_head_that_comes_drop_by_drop_has_no_more_time_than_others() {
    let station = Station::with("limits.header_timeout = '1s'");
    let mut wire = Wire::ask(station.address(), "GET /x.mp3 HTTP/1.1\r\nX: ").await;

    // Each drop comes well within the timeout.
    let mut drops = 0;
    while timeout(Duration::from_millis(50), wire.more()).await != Ok(false) {
        drops += 1;
        assert!(drops < 300, "still waiting for a head after {drops} drops");
        if wire.try_send("a").await.is_err() {
            break;
        }
    }
}

#[tokio::test]
async fn what_follows_a_good_request_is_a_request_of_its_own() {
    let station = Station::start();
    let good = "GET /status-json.xsl HTTP/1.1\r\nHost: x\r\n\r\n";

    let mut wire = Wire::ask(station.address(), format!("{good}{good}\0\0\0garbage\r\n\r\n")).await;

    assert_eq!(wire.answer().await.status(), 200);
    assert_eq!(wire.answer().await.status(), 200);
    assert_eq!(wire.answer().await.status(), 400);
    assert_eq!(wire.rest().await, "", "closed");
}

#[tokio::test]
async fn requests_without_end_in_a_row_are_answered_one_by_one() {
    let station = Station::start();
    let good = "GET /nothing.mp3 HTTP/1.1\r\nHost: x\r\n\r\n";

    let mut wire = Wire::ask(station.address(), good.repeat(500)).await;

    for _ in 0..500 {
        assert_eq!(wire.answer().await.status(), 404);
    }
}

#[tokio::test]
async fn nothing_that_is_sent_ends_a_header_line_of_ours() {
    let station = Station::start();
    let odd = "/a%0d%0aX-Injected:%201";

    for target in [odd.to_owned(), format!("{odd}.m3u"), format!("/admin/stats?mount={odd}")] {
        let request = format!("GET {target} HTTP/1.0\r\nHost: a:1%0d%0aX-Injected: 1\r\n\r\n");
        let mut wire = Wire::ask(station.address(), request).await;
        let head = wire.head().await;
        assert_eq!(head.headers.first("x-injected"), None, "{target}");
    }
    let request = format!(
        "SOURCE /x.mp3 HTTP/1.0\r\nAuthorization: {}\r\nContent-Type: audio/mpeg\r\n\
         ice-name: a\x0bb\r\nice-genre: <b>&\"'\r\n\r\n",
        basic("source", SOURCE_PASSWORD)
    );
    let (mut source, head) = FakeSource::dial(&station, request).await;
    assert_eq!(head.status, 200);
    source.play(10).await;
    let status = station.until_on_air("/x.mp3").await;
    assert_eq!(status["genre"], "<b>&\"'", "JSON keeps it");
    let stats = station.admin("/admin/stats").await;
    assert!(stats.text().contains("<genre>&lt;b&gt;&amp;\"'</genre>"), "{}", stats.text());
}

#[tokio::test]
async fn a_source_that_lies_about_its_body_takes_nobody_with_it() {
    let station = Station::start();
    let mut good = FakeSource::on(&station, "/good.mp3").await;
    let authorization = basic("source", SOURCE_PASSWORD);
    let head = |lines: &str| {
        format!("PUT /x.mp3 HTTP/1.1\r\nAuthorization: {authorization}\r\n{lines}\r\n").into_bytes()
    };
    let (mp3, ogg) = ("Content-Type: audio/mpeg\r\n", "Content-Type: application/ogg\r\n");
    let chunked = "Transfer-Encoding: chunked\r\n";

    for body in [
        [head(&format!("{mp3}{chunked}")), b"ffffffffffffffff\r\nabc".to_vec()].concat(),
        [head(&format!("{mp3}{chunked}")), vec![b'0'; 70_000]].concat(),
        [head(mp3), vec![0xff; 300_000]].concat(),
        [head(ogg), b"OggS".repeat(50_000)].concat(),
        [head(ogg), b"OggS\0\x02".to_vec(), vec![0xff; 300_000]].concat(),
    ] {
        let mut wire = Wire::dial(station.address()).await;
        let _ = wire.try_send(&body).await;
        wire.finish().await;
        wire.rest().await;
        station.until_off_air("/x.mp3").await;
    }

    good.play(10).await;
    station.until_on_air("/good.mp3").await;
}

#[tokio::test]
async fn damaged_and_lost_pages_of_ogg_cost_only_themselves() {
    let station = Station::start();
    let mut source = FakeSource::of(&station, "/a.opus", "audio/ogg").await;
    let mut listener = Player::tune_in(&station, "/a.opus").await;
    let headers = pages::opus_headers(1, "A title");
    let mut bad = pages::audio(1, 1);
    bad[100] ^= 1;
    // The third is lost, too.
    let kept = [pages::audio(1, 0), pages::audio(1, 3), pages::audio(1, 4)];

    source.send([&headers[..], &kept[0], &bad, b"no page", &kept[1], &kept[2]].concat()).await;

    let heard = [headers, kept.concat()].concat();
    assert_eq!(listener.hear(heard.len()).await, heard);
}

#[tokio::test]
async fn headers_without_end_are_cut_off_and_listeners_of_others_notice_nothing() {
    let station = Station::start();
    let mut good = FakeSource::on(&station, "/good.mp3").await;
    let mut listener = Player::tune_in(&station, "/good.mp3").await;
    let padding = [&[1, 0xFF, 0xFF, 0xFF][..], &[0; 60_000]].concat();
    let of_flac = [b"fLaC".to_vec(), padding].concat();
    let of_ogg = pages::page(1, 2, 0, b"unknown");
    let of_webm = b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\x80\x16\x54\xae\x6b\x18\0\0\0";

    for (content_type, beginning, more) in [
        ("audio/ogg", of_ogg.as_slice(), pages::page(1, 0, 0, &[7; 250]).repeat(240)),
        ("audio/flac", of_flac.as_slice(), vec![0; 60_000]),
        ("video/webm", of_webm.as_slice(), vec![0; 60_000]),
    ] {
        let request = FakeSource::request("/bad", &[("Content-Type", content_type)]);
        let mut wire = Wire::ask(station.address(), request).await;
        assert_eq!(wire.head().await.status, 200);
        let mut sent_bytes = beginning.len();
        let mut is_taken = wire.try_send(beginning).await.is_ok();
        while is_taken {
            is_taken = wire.try_send(&more).await.is_ok();
            sent_bytes += more.len();
            // What the system holds for both sides, and the mebibyte that headers may have.
            assert!(sent_bytes < 16 << 20, "{content_type}: {sent_bytes} bytes were taken");
        }
        station.until_off_air("/bad").await;
        good.play(20).await;
        listener.hear_frames(20).await;
    }
}

#[tokio::test]
async fn a_stream_that_is_another_than_its_type_says_is_cut_off() {
    let station = Station::start();
    let ogg = [pages::opus_headers(1, "A title"), pages::audio(1, 0)].concat();
    let mp3 = e2e::frames::run(0..700);
    for (content_type, body) in [
        ("audio/mpeg", &ogg),
        ("audio/aac", &ogg),
        ("audio/flac", &ogg),
        ("video/webm", &ogg),
        ("audio/ogg", &mp3),
        ("audio/flac", &mp3),
        ("video/webm", &mp3),
        ("audio/aac", &mp3),
    ] {
        let mut source = FakeSource::of(&station, "/x", content_type).await;
        source.send(body).await;

        source.until_closed().await;
        station.until_off_air("/x").await;
    }
}

#[tokio::test]
async fn strictly_a_stream_that_is_another_than_its_type_says_passes_as_it_comes() {
    let station = Station::changed("", |config| config.compat = server::config::Compat::Strict);
    let mut source = FakeSource::of(&station, "/x", "audio/mpeg").await;
    let mut listener = Player::tune_in(&station, "/x").await;
    let ogg = [pages::opus_headers(1, "A title"), pages::audio(1, 0)].concat();

    source.send(&ogg).await;

    assert_eq!(listener.hear(ogg.len()).await, ogg);
}

/// `Some` when the server counts `expected` clients, of which the one who asks is one.
async fn clients(station: &Station, expected: u64) -> Option<()> {
    let stats = station.admin("/admin/stats").await;
    let count = stats.text().split("<clients>").nth(1)?.split('<').next()?;
    (count.parse() == Ok(expected)).then_some(())
}

/// Statuses of which each would do.
type Statuses = &'static [u16];

/// What is sent, and the statuses that may come back; 0 stands for nothing at all.
fn requests() -> Vec<(Vec<u8>, Statuses)> {
    let of = |text: &str, statuses: Statuses| (text.as_bytes().to_vec(), statuses);
    let get =
        |target: &str, statuses: Statuses| of(&format!("GET {target} HTTP/1.0\r\n\r\n"), statuses);
    let headed = |line: String, statuses: Statuses| {
        (format!("GET /status-json.xsl HTTP/1.0\r\n{line}\r\n\r\n").into_bytes(), statuses)
    };
    let all_bytes: Vec<u8> = (0..=255).collect();
    // The beginning of a TLS connection.
    let hello = [b"\x16\x03\x01\x00\xc4\x01\x00\x00\xc0\x03\x03".as_slice(), &[7; 190]].concat();
    vec![
        (all_bytes.repeat(4), &[0, 400]),
        ([all_bytes.as_slice(), b"\r\n\r\n"].concat(), &[0, 400]),
        ([0_u8; 8_000].to_vec(), &[0, 400, 431]),
        (hello, &[0, 400]),
        (Vec::new(), &[0]),
        of("\r\n\r\n\r\n\r\n", &[0, 400]),
        of("GET", &[0, 400]),
        of("GET\r\n\r\n", &[0, 400]),
        of("GET / HTTP/\r\n\r\n", &[0, 400]),
        of("GET / HTTP\r\n\r\n", &[0, 400]),
        of("GET / HTTP/9.9\r\n\r\n", &[0, 400]),
        of("GET /plain.txt HTTP/1.0\rHost: x\r\r", &[0, 400]),
        of("CONNECT x:80 HTTP/1.1\r\n\r\n", &[400, 405]),
        of("OPTIONS * HTTP/1.1\r\nConnection: close\r\n\r\n", &[204]),
        of("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &[0, 400, 405]),
        get("plain.txt", &[0, 400, 404]),
        get("http://127.0.0.1/plain.txt", &[0, 400, 404]),
        get("/%zz", &[400, 404]),
        get("/a%", &[400, 404]),
        get("/%00", &[400, 404]),
        get("/x.mp3%00.txt", &[400, 404]),
        get("/%2e%2e/%2e%2e/etc/passwd", &[400, 404]),
        get("/..%2f..%2fetc%2fpasswd", &[400, 404]),
        get("/../../../../etc/passwd", &[400, 404]),
        get("/./x.mp3", &[400, 404]),
        get("/sub//page.html", &[400, 404]),
        get("/<script>alert(1)</script>", &[400, 404]),
        get("/.hidden", &[400, 404]),
        get("/status-json.xsl?&&=&mount", &[200, 404]),
        get("/status-json.xsl?", &[200]),
        get("/admin/stats?mount=%ff%fe&mount", &[401]),
        headed("X: a\0b".to_owned(), &[0, 400]),
        headed("nocolonhere".to_owned(), &[0, 200, 400]),
        headed("X: a\r\n b".to_owned(), &[0, 200, 400]),
        headed("Host:".to_owned(), &[200]),
        headed(format!("X: {}", "a".repeat(20_000)), &[400, 431]),
        headed("X: a\r\n".repeat(1_000), &[400, 431]),
        headed("A: b\r\n".repeat(100_000), &[400, 431]),
        headed("Authorization: Basic ////".to_owned(), &[200]),
        headed(format!("Authorization: Basic {}", "QQ".repeat(3_000)), &[200]),
        headed("Content-Length: 99999999999999999999".to_owned(), &[200, 400]),
        headed("Range: bytes=-1,-1,99999999999999999999-".to_owned(), &[200, 416]),
        headed("X-Forwarded-For: , ,, 1.2.3.4.5, [::".to_owned(), &[200]),
        of("SOURCE /x.mp3 ICE/1.0\r\ncontent-type: audio/mpeg\r\n\r\n", &[401]),
        of("SOURCE /%00 ICE/1.0\r\n\r\n", &[400, 401, 403]),
        of("SOURCE / HTTP/1.0\r\n\r\n", &[400, 401, 403]),
        of("PUT /y.mp3 HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\nzz\r\n", &[401]),
    ]
}

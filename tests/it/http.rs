//! The ways of speaking: versions, line ends, kept connections, `HEAD`, `OPTIONS`, and the dances
//! of encoders that cannot be installed everywhere, byte by byte as they were recorded.

use e2e::{FakeSource, Player, Station, Wire, frames};

#[tokio::test]
async fn http_1_1_gets_chunks_and_http_1_0_the_plain_bytes() {
    let station = Station::start();
    let mut source = FakeSource::on(&station, "/a.mp3").await;
    source.play(20).await;
    station.until_received("/a.mp3", 20 * 417).await;

    let mut modern = Player::tune_in(&station, "/a.mp3").await;
    let mut old = Player::ask(&station, "GET /a.mp3 HTTP/1.0\r\n\r\n").await;

    assert_eq!(modern.head.headers.first("transfer-encoding"), Some("chunked"));
    assert_eq!(old.head.headers.first("transfer-encoding"), None);
    assert_eq!(modern.hear_frames(20).await, 0..20);
    assert_eq!(old.hear_frames(20).await, 0..20);
}

#[tokio::test]
async fn a_stream_is_never_cached_and_open_to_every_web_page() {
    let station = Station::start();
    let _source = FakeSource::on(&station, "/a.mp3").await;

    let player = Player::tune_in(&station, "/a.mp3").await;

    let header = |name| player.head.headers.first(name);
    assert_eq!(header("cache-control"), Some("no-cache, no-store"));
    assert_eq!(header("access-control-allow-origin"), Some("*"));
    assert_eq!(header("content-length"), None);
}

#[tokio::test]
async fn what_a_source_says_of_itself_is_told_to_its_listeners() {
    let station = Station::start();
    let lines = [
        ("Content-Type", "audio/mpeg"),
        ("Ice-Name", "Ünïversal"),
        ("Ice-Genre", "ambient"),
        ("Ice-Bitrate", "128"),
        ("Ice-Password", "secret"),
    ];
    let (_source, _) = FakeSource::dial(&station, FakeSource::request("/a.mp3", &lines)).await;

    let player = Player::with_titles(&station, "/a.mp3").await;

    let header = |name| player.head.headers.first(name);
    assert_eq!(header("content-type"), Some("audio/mpeg"));
    assert_eq!(header("icy-name"), Some("Ünïversal"));
    assert_eq!(header("icy-genre"), Some("ambient"));
    assert_eq!(header("icy-br"), Some("128"));
    assert_eq!(header("icy-metaint"), Some("16000"));
    assert_eq!(header("icy-password"), None);
}

#[tokio::test]
async fn head_tells_of_a_stream_without_sending_it() {
    let station = Station::start();
    let lines = [("Content-Type", "audio/aac"), ("Ice-Name", "A station")];
    let (_source, _) = FakeSource::dial(&station, FakeSource::request("/a.aac", &lines)).await;

    let request = "HEAD /a.aac HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let mut there = Wire::ask(station.address(), request).await;
    let absent = request.replace("a.aac", "b.aac");
    let mut absent = Wire::ask(station.address(), absent).await;

    let head = there.head().await;
    assert_eq!((head.status, head.headers.first("content-type")), (200, Some("audio/aac")));
    assert_eq!(head.headers.first("icy-name"), Some("A station"));
    assert_eq!(there.rest().await, "");
    assert_eq!(absent.head().await.status, 404);
    assert_eq!(absent.rest().await, "");
}

#[tokio::test]
async fn head_tells_of_the_mount_that_stands_in_for_another() {
    let station = Station::with("mounts.'/a.mp3'.fallback = '/b.mp3'");
    let lines = [("Content-Type", "audio/mpeg"), ("Ice-Name", "Stands in")];
    let (_source, _) = FakeSource::dial(&station, FakeSource::request("/b.mp3", &lines)).await;

    let request = "HEAD /a.mp3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let head = Wire::ask(station.address(), request).await.head().await;

    assert_eq!((head.status, head.headers.first("icy-name")), (200, Some("Stands in")));
}

#[tokio::test]
async fn a_connection_is_kept_for_further_questions() {
    let station = Station::start();
    let mut wire = Wire::dial(station.address()).await;

    for target in ["/", "/status-json.xsl", "/nothing.mp3"] {
        wire.send(format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n")).await;
        let answer = wire.answer().await;
        assert_eq!(answer.status(), if target == "/nothing.mp3" { 404 } else { 200 });
    }
    // Two questions at once are answered one after the other.
    let question = "GET /status-json.xsl HTTP/1.1\r\nHost: x\r\n\r\n";
    wire.send(question.repeat(2)).await;
    assert_eq!([wire.answer().await.status(), wire.answer().await.status()], [200, 200]);

    wire.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert_eq!(wire.answer().await.header("connection").to_lowercase(), "close");
    assert_eq!(wire.rest().await, "");
}

#[tokio::test]
async fn http_1_0_is_parted_from_after_one_answer() {
    let station = Station::start();

    let mut wire = Wire::ask(station.address(), "GET /status-json.xsl HTTP/1.0\r\n\r\n").await;

    assert_eq!(wire.answer().await.status(), 200);
    assert_eq!(wire.rest().await, "");
}

#[tokio::test]
async fn a_web_page_may_ask_what_it_may_ask() {
    let station = Station::start();

    let mut wire =
        Wire::ask(station.address(), "OPTIONS /a.mp3 HTTP/1.1\r\nOrigin: http://x\r\n\r\n").await;

    let head = wire.head().await;
    assert_eq!(head.status, 204);
    assert_eq!(head.headers.first("access-control-allow-origin"), Some("*"));
    assert!(head.headers.lists("access-control-allow-methods", "GET"));
    assert!(head.headers.lists("access-control-allow-headers", "icy-metadata"));
}

#[tokio::test]
async fn a_query_on_a_mount_is_ignored() {
    let station = Station::start();
    let mut source = FakeSource::on(&station, "/a.mp3").await;
    source.play(5).await;

    let mut player = Player::tune_in(&station, "/a.mp3?t=1700000000").await;

    assert_eq!(player.hear_frames(5).await.end, 5);
}

#[tokio::test]
async fn a_source_that_waits_for_100_is_told_to_go_on() {
    let station = Station::start();
    let lines = [("Content-Type", "audio/mpeg"), ("Expect", "100-continue")];
    let request = FakeSource::request("/a.mp3", &lines)
        .replacen("SOURCE", "PUT", 1)
        .replacen("1.0", "1.1", 1);

    let mut wire = Wire::ask(station.address(), request).await;

    assert_eq!(wire.head().await.status, 100);
    assert_eq!(wire.head().await.status, 200);
    wire.send(frames::run(0..5)).await;
    station.until_received("/a.mp3", 5 * 417).await;
}

#[tokio::test]
async fn a_chunked_body_arrives_without_its_chunks_and_ends_where_it_says() {
    let station = Station::with("limits.source_grace = '0'");
    let lines = [("Content-Type", "audio/mpeg"), ("Transfer-Encoding", "chunked")];
    let request = FakeSource::request("/a.mp3", &lines)
        .replacen("SOURCE", "PUT", 1)
        .replacen("1.0", "1.1", 1);
    let (mut source, head) = FakeSource::dial(&station, request).await;
    assert_eq!(head.status, 200);
    let mut player = Player::tune_in(&station, "/a.mp3").await;

    let body = frames::run(0..30);
    for piece in body.chunks(999) {
        source.send(format!("{:x};name=value\r\n", piece.len())).await;
        source.send(piece).await;
        source.send("\r\n").await;
    }
    source.send("0\r\nTrailer: x\r\n\r\n").await;

    assert_eq!(frames::heard(&player.hear_all().await), Ok(0..30));
}

#[tokio::test]
async fn darkice_whose_lines_end_in_a_bare_lf_is_taken() {
    let station = Station::with("mounts.'/dark.mp3'.password = 'H1tn31EhsyLrfRmo'");
    // DarkIce 1.3: everything ends in LF, and only the last, empty line in CRLF.
    let recorded = "SOURCE /dark.mp3 HTTP/1.0\nContent-type: audio/mpeg\n\
        Authorization: Basic c291cmNlOkgxdG4zMUVoc3lMcmZSbW8=\n\
        User-Agent: DarkIce/1.3 (http://code.google.com/p/darkice/)\nice-bitrate: 128\n\
        ice-public: 1\nice-name: Dark name\nice-description: Dëscr\nice-url: http://x/\n\
        ice-genre: Rock\r\n\r\n";

    // It sends audio at once, and in one piece with the end of its head.
    let opening = [recorded.as_bytes(), &frames::run(0..40)].concat();
    let (_source, head) = FakeSource::dial(&station, opening).await;

    assert_eq!(head.status, 200);
    let about = station.until_on_air("/dark.mp3").await;
    assert_eq!((&about["server_name"], &about["bitrate"]), (&"Dark name".into(), &128.into()));
    assert_eq!(about["server_description"], "Dëscr");
    let mut player = Player::with_titles(&station, "/dark.mp3").await;
    assert_eq!(player.hear_frames(40).await, 0..40);
}

#[tokio::test]
async fn libshout_finds_its_way_through_all_its_questions() {
    let station = Station::with("mounts.'/ez.mp3'.password = 'sourcepw'");
    let mut wire = Wire::dial(station.address()).await;
    let agent = "Host: 127.0.0.1:18005\r\nUser-Agent: libshout/2.4.6\r\n";

    // Whether there is TLS, then what kind of server this is, then with which authentication.
    let upgrade = "Connection: Upgrade\r\nUpgrade: TLS/1.0, HTTP/1.1\r\n";
    wire.send(format!("OPTIONS * HTTP/1.1\r\n{agent}{upgrade}\r\n")).await;
    let options = wire.head().await;
    assert_eq!((options.status, options.headers.first("upgrade")), (204, None));
    wire.send(format!("GET /admin/!POKE HTTP/1.1\r\n{agent}\r\n")).await;
    assert_eq!(wire.answer().await.status(), 400);
    wire.send(format!(
        "SOURCE /ez.mp3 HTTP/1.0\r\n{agent}Content-Type: audio/mpeg\r\nContent-Length: 0\r\n\
         Connection: Keep-Alive\r\nice-public: 0\r\nice-name: EZ\r\nPrefer: return=minimal\r\n\r\n"
    ))
    .await;
    assert_eq!(wire.answer().await.status(), 401);
    wire.send(format!(
        "SOURCE /ez.mp3 HTTP/1.0\r\nAuthorization: Basic c291cmNlOnNvdXJjZXB3\r\n{agent}\
         Content-Type: audio/mpeg\r\nice-public: 0\r\nice-name: EZ\r\n\
         Prefer: return=minimal\r\n\r\n"
    ))
    .await;

    assert_eq!(wire.head().await.status, 200);
    wire.send(frames::run(0..12)).await;
    assert_eq!(station.until_on_air("/ez.mp3").await["server_name"], "EZ");
    let mut player = Player::tune_in(&station, "/ez.mp3").await;
    assert_eq!(player.hear_frames(12).await, 0..12);
}

#[tokio::test]
async fn a_mount_has_a_playlist_that_names_it_as_the_client_does() {
    let station = Station::start();
    let asked = async |host: &str| {
        let request = format!("GET /a%20b.mp3.m3u HTTP/1.0\r\n{host}\r\n");
        Wire::ask(station.address(), request).await.answer().await
    };

    let named = asked("Host: radio.test:81\r\n").await;
    let unnamed = asked("Host: radio.test\r\n").await;
    let hostile = asked("Host: a:1/\"><script>\r\n").await;

    let port = station.address().port();
    assert_eq!(named.header("content-type"), "audio/x-mpegurl");
    assert_eq!(named.text(), "http://radio.test:81/a%20b.mp3\r\n");
    assert_eq!(unnamed.text(), format!("http://localhost:{port}/a%20b.mp3\r\n"));
    assert_eq!(hostile.text(), unnamed.text());
}

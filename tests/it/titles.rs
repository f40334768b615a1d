//! Titles: where they stand in a stream, who may change them, and how they are spelled.

use common::ogg::stream;
use e2e::{FakeSource, Player, Station, Wire, pages};

#[tokio::test]
async fn a_block_comes_after_every_16000_bytes_and_a_title_only_once() {
    let station = Station::start();
    let mut source = FakeSource::on(&station, "/a.mp3").await;
    // A title is aired with what comes after it.
    station.as_source("/admin/metadata?mode=updinfo&mount=/a.mp3&song=Blue").await;
    station.until_titled("/a.mp3", "Blue").await;
    source.play(150).await;
    station.until_received("/a.mp3", 150 * 417).await;

    let request = "GET /a.mp3 HTTP/1.1\r\nIcy-MetaData: 1\r\n\r\n";
    let mut wire = Wire::ask(station.address(), request).await;
    let head = wire.head().await;

    assert_eq!(head.headers.first("icy-metaint"), Some("16000"));
    assert_eq!(head.headers.first("transfer-encoding"), None);
    let mut heard = wire.exactly(16_000).await.to_vec();
    assert_eq!(wire.exactly(33).await, b"\x02StreamTitle='Blue';\0\0\0\0\0\0\0\0\0\0\0\0\0"[..]);
    heard.extend_from_slice(&wire.exactly(16_000).await);
    assert_eq!(wire.exactly(1).await, b"\0"[..]);
    heard.extend_from_slice(&wire.exactly(16_000).await);
    assert_eq!(wire.exactly(1).await, b"\0"[..]);
    assert_eq!(e2e::frames::heard(&heard), Ok(0..116));
}

#[tokio::test]
async fn a_stream_without_a_title_says_so_in_its_first_block() {
    let station = Station::start();
    let mut source = FakeSource::on(&station, "/a.mp3").await;
    source.play(80).await;

    let mut player = Player::with_titles(&station, "/a.mp3").await;
    player.hear_frames(80).await;

    assert_eq!(player.titles, [""]);
}

#[tokio::test]
async fn source_and_administrator_may_both_change_the_title() {
    let station = Station::start();
    let mut source = FakeSource::on(&station, "/a.mp3").await;
    let mut player = Player::with_titles(&station, "/a.mp3").await;
    let target = |song| format!("/admin/metadata?mode=updinfo&mount=/a.mp3&song={song}");

    let by_source = station.as_source(&target("First%20song")).await;
    source.play(80).await;
    player.until_title("First song").await;
    let by_admin = station.admin(&target("Second+song")).await;
    source.play(80).await;
    player.until_title("Second song").await;

    let answer = "<?xml version=\"1.0\"?>\n<iceresponse><message>Metadata update successful\
        </message><return>1</return></iceresponse>\n";
    assert_eq!([by_source.text(), by_admin.text()], [answer, answer]);
    assert_eq!(by_source.header("content-type"), "text/xml; charset=utf-8");
    assert_eq!(station.mount("/a.mp3").await.unwrap()["title"], "Second song");
}

#[tokio::test]
async fn a_source_may_send_its_title_as_soon_as_it_is_accepted() {
    let station = Station::with("limits.sources = 100");
    let mut sources = Vec::new();

    for number in 0..100 {
        sources.push(FakeSource::on(&station, &format!("/{number}.mp3")).await);
        let target = format!("/admin/metadata?mode=updinfo&mount=/{number}.mp3&song=x");
        let answer = station.as_source(&target).await;
        assert_eq!(answer.status(), 200, "mount {number}: {answer:?}");
    }
}

#[tokio::test]
async fn titles_arrive_as_they_were_meant_whatever_their_charset() {
    let station = Station::start();
    let mut source = FakeSource::on(&station, "/a.mp3").await;
    let mut player = Player::with_titles(&station, "/a.mp3").await;

    for (sent, meant) in [
        ("song=Bj%C3%B6rk%20%E2%80%93%20J%C3%B3ga&charset=UTF-8", "Björk – Jóga"),
        ("song=Bj%F6rk%20-%20J%F3ga&charset=ISO-8859-1", "Björk - Jóga"),
        ("song=Sigur%20R%C3%B3s", "Sigur Rós"),
        ("song=Bj%F6rk", "Björk"),
        ("song=%CA%E8%ED%EE&charset=windows-1251", "Кино"),
        ("artist=AC%2FDC&title=Back%20%26%20Forth%20%3Cmix%3E", "AC/DC - Back & Forth <mix>"),
        ("song=%E5%9D%82%E6%9C%AC&charset=utf-8", "坂本"),
        ("song=Don't%20stop", "Don't stop"),
    ] {
        let target = format!("/admin/metadata?mode=updinfo&mount=/a.mp3&{sent}");
        assert_eq!(station.as_source(&target).await.status(), 200, "{sent}");
        source.play(80).await;

        player.until_title(meant).await;
        assert_eq!(station.mount("/a.mp3").await.unwrap()["title"], meant);
    }
}

#[tokio::test]
async fn a_newcomer_is_told_the_title_of_what_it_hears_first() {
    let station = Station::start();
    let mut source = FakeSource::on(&station, "/a.mp3").await;
    let mut early = Player::tune_in(&station, "/a.mp3").await;
    let target = |song| format!("/admin/metadata?mode=updinfo&mount=/a.mp3&song={song}");
    station.as_source(&target("old")).await;
    source.play(60).await;
    early.hear_frames(60).await;
    station.as_source(&target("new")).await;
    source.play(80).await;
    early.hear_frames(80).await;

    let mut player = Player::with_titles(&station, "/a.mp3").await;
    player.hear_frames(140).await;

    assert_eq!(player.titles, ["old", "new"]);
}

#[tokio::test]
async fn an_update_without_a_title_changes_nothing_and_for_a_mount_that_is_not_there_is_refused() {
    let station = Station::start();
    let _source = FakeSource::on(&station, "/a.mp3").await;

    for target in [
        "/admin/metadata?mode=updinfo&mount=/b.mp3&song=x",
        "/admin/metadata?mode=updinfo&song=x",
        "/admin/metadata?mount=/a.mp3&song=x",
    ] {
        assert_eq!(station.admin(target).await.status(), 400, "{target}");
    }

    station.admin("/admin/metadata?mode=updinfo&mount=/a.mp3&song=Stays").await;
    for (rest, said) in [("updinfo", "Metadata update successful"), ("x", "No such action")] {
        let answer = station.admin(&format!("/admin/metadata?mount=/a.mp3&mode={rest}")).await;
        assert_eq!((answer.status(), answer.text().contains(said)), (200, true), "{answer:?}");
    }
    assert_eq!(station.stat("/a.mp3", "title").await, "Stays");
}

#[tokio::test]
async fn a_title_goes_into_an_ogg_stream_until_the_source_says_otherwise() {
    let station = Station::start();
    let mut source = FakeSource::of(&station, "/a.opus", "audio/ogg").await;
    source.send([pages::opus_headers(1, "From the headers"), pages::audio(1, 0)].concat()).await;
    station.until_titled("/a.opus", "From the headers").await;
    let mut listener = Player::tune_in(&station, "/a.opus").await;

    let target = "/admin/metadata?mode=updinfo&mount=/a.opus&artist=Somebody&title=Outside";
    let answer = station.as_source(target).await;
    assert!(answer.text().contains("Metadata update successful"), "{answer:?}");
    station.until_titled("/a.opus", "Outside").await;
    source.send([pages::audio(1, 1), pages::audio(1, 2)].concat()).await;

    assert_eq!(station.mount("/a.opus").await.unwrap()["artist"], "Somebody");
    source.send([pages::opus_headers(7, "The next link"), pages::audio(7, 0)].concat()).await;
    station.until_titled("/a.opus", "The next link").await;
    drop(source);

    let heard = listener.hear_all().await;
    let packets = stream::packets(&heard);
    let serials: Vec<_> = packets.iter().map(|(serial, _)| *serial).collect();
    assert_eq!(serials, [1, 1, 1, 1, 2, 2, 2, 7, 7, 7]);
    assert!(
        String::from_utf8_lossy(&packets[5].1).ends_with("ARTIST=Somebody\x0d\0\0\0TITLE=Outside")
    );
    assert!(packets[6].1.starts_with(b"page 2"));
}

#[tokio::test]
async fn a_stream_of_an_unknown_codec_takes_no_title() {
    let station = Station::start();
    let mut source = FakeSource::of(&station, "/a.ogg", "audio/ogg").await;
    let audio = [pages::page(1, 0, 9, b"audio"), pages::page(1, 0, 18, b"audio")].concat();
    source.send([pages::page(1, 2, 0, b"unknown"), audio].concat()).await;
    // Once a listener hears the headers, the mount has read them.
    let mut listener = Player::tune_in(&station, "/a.ogg").await;
    listener.hear(pages::page(1, 2, 0, b"unknown").len()).await;

    let target = "/admin/metadata?mode=updinfo&mount=/a.ogg&song=Outside";
    let answer = station.as_source(target).await;

    assert!(answer.text().contains("Mountpoint will not accept URL updates"), "{answer:?}");
}

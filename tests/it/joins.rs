//! What a listener gets that joins late, in the formats that cannot be decoded from anywhere: the
//! headers first, and then what a decoder may begin with.

use common::flac;
use e2e::{FakeSource, Icecast, IcecastXml, Player, Station, pages};

#[tokio::test]
async fn a_listener_of_flac_gets_the_header_and_then_whole_frames() {
    let station = Station::with(SMALL_BURST);
    let _source = flac_on(&station).await;

    begins_with_flac(&station, "/a.flac", &flac_beginning()).await;
}

#[tokio::test]
async fn a_listener_of_flac_is_shown_titles_between_header_and_frames() {
    let station = Station::with(SMALL_BURST);
    let mut source = flac_on(&station).await;
    let target = "/admin/metadata?mode=updinfo&mount=/a.flac&song=Blue";
    assert_eq!(station.as_source(target).await.status(), 200);
    station.until_titled("/a.flac", "Blue").await;
    let mut player = Player::with_titles(&station, "/a.flac").await;
    let frames: Vec<_> = (40..80).map(flac_frame).collect();
    source.send(frames.concat()).await;

    assert_eq!(player.hear(42).await, flac_beginning());
    player.until_title("Blue").await;
}

#[tokio::test]
async fn a_listener_of_flac_at_an_edge_gets_the_header_too() {
    let origin = Station::with(SMALL_BURST);
    let _source = flac_on(&origin).await;

    let edge = relaying(&origin, "/a.flac");
    edge.until_on_air("/a.flac").await;
    edge.until_received("/a.flac", 3_000).await;

    begins_with_flac(&edge, "/a.flac", &flac_beginning()).await;
}

#[tokio::test]
async fn flac_that_is_fetched_from_an_icecast_has_a_header_at_last() {
    let burst = "<limits><burst-size>4096</burst-size></limits>";
    let Some(icecast) = Icecast::with(&IcecastXml::new().and(burst)).await else { return };
    let mut source = flac_on(&icecast).await;

    let edge = relaying(&icecast, "/a.flac");
    icecast.until_listeners("/a.flac", 1).await;
    source.send((40..200).flat_map(flac_frame).collect::<Vec<_>>()).await;
    edge.until_received("/a.flac", 60_000).await;

    let frame = flac::Header::read(&flac_frame(0)).unwrap().unwrap();
    begins_with_flac(&edge, "/a.flac", &frame.beginning().unwrap()).await;
}

#[tokio::test]
async fn a_listener_of_webm_gets_the_headers_and_then_a_cluster_that_needs_no_other() {
    let station = Station::with(SMALL_BURST);
    let _source = webm_on(&station).await;

    begins_with_webm(&station).await;
}

#[tokio::test]
async fn a_listener_of_webm_at_an_edge_gets_the_headers_too() {
    let origin = Station::with(SMALL_BURST);
    let _source = webm_on(&origin).await;

    let edge = relaying(&origin, "/a.webm");
    edge.until_on_air("/a.webm").await;
    edge.until_received("/a.webm", 3_000).await;

    begins_with_webm(&edge).await;
}

#[tokio::test]
async fn a_listener_of_theora_gets_all_headers_and_then_a_whole_picture() {
    let station = Station::with(SMALL_BURST);
    let mut source = FakeSource::of(&station, "/a.ogv", "video/ogg").await;
    let headers = [
        pages::page(1, 2, 0, b"\x80theora"),
        pages::page(2, 2, 0, b"OpusHead\x01\x02\x38\x01\x80\xbb\0\0\0\0\0"),
        pages::page(1, 0, 0, b"\x81theora"),
        pages::page(1, 0, 0, b"\x82theora"),
        pages::page(2, 0, 0, b"OpusTags\0\0\0\0\0\0\0\0"),
    ];
    source.send(headers.concat()).await;
    let mut sent_bytes = headers.concat().len() as u64;
    for number in 0..128_u64 {
        let pages = [picture(number), pages::audio(2, number)].concat();
        sent_bytes += pages.len() as u64;
        source.send(pages).await;
        // By then the beginning has left the burst.
        if number < 110 {
            continue;
        }
        station.until_received("/a.ogv", sent_bytes).await;

        let mut player = Player::tune_in(&station, "/a.ogv").await;

        assert_eq!(player.hear(headers.concat().len()).await, headers.concat());
        let page = player.hear(picture(0).len()).await;
        assert_eq!((&page[14..18], page[28]), (&[1, 0, 0, 0][..], WHOLE), "{number}: {page:?}");
    }
}

/// A page with a picture; one in eight is whole.
fn picture(number: u64) -> Vec<u8> {
    let kind = if number.is_multiple_of(8) { WHOLE } else { DIFFERENCE };
    pages::page(1, 0, number + 1, &[&[kind][..], &[7; 200]].concat())
}

/// A station that fetches `mount` from `origin`.
fn relaying(origin: &Station, mount: &str) -> Station {
    let what = format!("server = '{}', mount = '{mount}'", origin.address());
    Station::with(&format!("{SMALL_BURST}\nrelay = [{{ {what} }}]"))
}

/// A source of FLAC that has sent more than the burst.
async fn flac_on(station: &Station) -> FakeSource {
    let mut source = FakeSource::of(station, "/a.flac", "audio/flac").await;
    source.send(flac_beginning()).await;
    source.send((0..40).flat_map(flac_frame).collect::<Vec<_>>()).await;
    station.until_received("/a.flac", 16_000).await;
    source
}

async fn begins_with_flac(station: &Station, mount: &str, beginning: &[u8]) {
    let mut player = Player::tune_in(station, mount).await;

    assert_eq!(player.hear(beginning.len()).await, beginning);
    let frame = player.hear(flac_frame(0).len()).await;
    let header = flac::Header::read(&frame)
        .expect("a frame that was just made")
        .expect("a frame that was just made");
    assert_eq!(frame, flac_frame(u8::try_from(header.number).expect("a frame that was just made")));
    assert!(header.number > 10, "frame {}", header.number);
}

/// The frame `number`, below 128, of 4 096 sample frames; nobody decodes it.
fn flac_frame(number: u8) -> Vec<u8> {
    let number = number % 128;
    let mut frame = vec![0xFF, 0xF8, 0xC9, 0x18, number];
    frame.push(flac::crc8(&frame));
    frame.resize(400, number);
    let crc = flac::crc16(&frame).to_be_bytes();
    [&frame[..], &crc].concat()
}

/// A beginning with a length in it, which a made one has not.
fn flac_beginning() -> Vec<u8> {
    let frame = flac::Header::read(&flac_frame(0))
        .expect("a frame that was just made")
        .expect("a frame that was just made");
    let mut beginning = frame.beginning().expect("a frame that was just made");
    beginning[25] = 77;
    beginning
}

/// A source of WebM with sound and pictures that has sent more than the burst; every third of its
/// clusters begins with a whole picture.
async fn webm_on(station: &Station) -> FakeSource {
    let mut source = FakeSource::of(station, "/a.webm", "video/webm").await;
    source.send(webm_headers()).await;
    for number in 0..30 {
        source.send(webm_cluster(number)).await;
    }
    station.until_received("/a.webm", 15_000).await;
    source
}

async fn begins_with_webm(station: &Station) {
    let mut player = Player::tune_in(station, "/a.webm").await;

    assert_eq!(player.hear(webm_headers().len()).await, webm_headers());
    let cluster = player.hear(webm_cluster(0).len()).await;
    let number = cluster[cluster.len() - 1];
    assert_eq!(cluster, webm_cluster(number));
    assert!(number > 15 && number.is_multiple_of(3), "cluster {number}");
}

fn webm_headers() -> Vec<u8> {
    let track = |number, kind| {
        let inside = [element(b"\xd7", &[number]), element(b"\x83", &[kind])];
        element(b"\xae", &inside.concat())
    };
    let segment = b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff".to_vec();
    let tracks = element(b"\x16\x54\xae\x6b", &[track(1, 2), track(2, 1)].concat());
    [element(b"\x1a\x45\xdf\xa3", b"webm"), segment, tracks].concat()
}

fn webm_cluster(number: u8) -> Vec<u8> {
    let flags = if number.is_multiple_of(3) { 0x80 } else { 0 };
    let sound = element(b"\xa3", &[&[0x81, 0, 0, 0x80][..], &[number; 200]].concat());
    let picture = element(b"\xa3", &[&[0x82, 0, 0, flags][..], &[number; 300]].concat());
    element(b"\x1f\x43\xb6\x75", &[sound, picture].concat())
}

fn element(id: &[u8], body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u64).to_be_bytes();
    [id, &[1], &length[1..], body].concat()
}

const SMALL_BURST: &str = "limits.burst_size = '4KiB'";
const WHOLE: u8 = 0x30;
const DIFFERENCE: u8 = 0x40;

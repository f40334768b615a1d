//! What a listener hears: where it starts, that nothing is missing, and that a slow one is alone
//! with its trouble.

use e2e::{FakeSource, Player, Station, Wire, frames, pages, until};

#[tokio::test]
async fn a_late_listener_hears_the_burst_and_then_what_is_live() {
    let station = Station::start();
    let mut source = FakeSource::on(&station, "/a.mp3").await;
    let mut early = Player::tune_in(&station, "/a.mp3").await;
    source.play(400).await;
    assert_eq!(early.hear_frames(400).await, 0..400);

    let mut player = Player::tune_in(&station, "/a.mp3").await;
    let first = player.hear_frames(1).await.start;
    source.play(50).await;
    let rest = usize::try_from(450 - first - 1).unwrap();

    assert_eq!(player.hear_frames(rest).await, first + 1..450);
    let burst_bytes = (400 - first) * 417;
    // The burst is at most what was configured and at least that less one chunk of frames.
    assert!((63_000..=65_536).contains(&burst_bytes), "a burst of {burst_bytes} bytes");
}

#[tokio::test]
async fn a_listener_starts_at_a_frame_however_the_source_cuts_its_writes() {
    let station = Station::start();
    let mut source = FakeSource::on(&station, "/a.mp3").await;
    for piece in frames::run(0..300).chunks(1_000) {
        source.send(piece).await;
    }
    station.until_received("/a.mp3", 300 * 417).await;

    let mut player = Player::tune_in(&station, "/a.mp3").await;

    assert_eq!(player.hear_frames(150).await.count(), 150);
}

#[tokio::test]
async fn a_listener_of_ogg_gets_the_headers_and_then_whole_pages() {
    let station = Station::with("limits.burst_size = '4KiB'");
    let mut source = FakeSource::of(&station, "/a.opus", "application/ogg").await;
    let headers = pages::opus_headers(1, "A title");
    source.send(&headers).await;
    let mut early = Player::tune_in(&station, "/a.opus").await;
    let audio: Vec<_> = (0..100).map(|number| pages::audio(1, number)).collect();
    for piece in audio.concat().chunks(777) {
        source.send(piece).await;
    }
    early.hear(headers.len() + audio.concat().len()).await;

    let mut player = Player::tune_in(&station, "/a.opus").await;

    assert_eq!(player.hear(headers.len()).await, headers);
    let page = player.hear(audio[0].len()).await;
    let first = audio.iter().position(|sent| *sent == page).expect("a page that was sent");
    assert!((80..100).contains(&first), "page {first}");
    for sent in &audio[first + 1..] {
        assert_eq!(player.hear(sent.len()).await, *sent);
    }
}

#[tokio::test]
async fn an_unknown_format_passes_as_it_comes() {
    let station = Station::start();
    let mut source = FakeSource::of(&station, "/a.nsv", "video/nsv").await;
    source.send(b"anything at all").await;
    station.until_received("/a.nsv", 15).await;

    let mut player = Player::tune_in(&station, "/a.nsv").await;

    assert_eq!(player.hear(15).await, "anything at all");
}

#[tokio::test]
async fn a_slow_listener_is_dropped_at_its_queue_and_the_others_lose_nothing() {
    let station = Station::with("limits.flush_delay = '0'\nlimits.queue_size = '128KiB'");
    let mut source = FakeSource::on(&station, "/a.mp3").await;
    source.play(10).await;
    let mut good =
        [Player::tune_in(&station, "/a.mp3").await, Player::with_titles(&station, "/a.mp3").await];
    let slow = Wire::narrow(station.address(), "GET /a.mp3 HTTP/1.0\r\n\r\n").await;
    station.until_listeners("/a.mp3", 3).await;

    // The system takes some megabytes for a connection that nobody reads; then the queue fills.
    let mut heard = 0;
    let dropped = until("the slow listener is dropped", async || {
        source.play(BATCH).await;
        for player in &mut good {
            let frames = usize::try_from(source.next_frame() - heard).unwrap();
            assert_eq!(player.hear_frames(frames).await, heard..source.next_frame());
        }
        heard = source.next_frame();
        (station.stat("/a.mp3", "slow_listeners").await == "1").then_some(heard)
    });
    let dropped = dropped.await;

    assert!(dropped > BATCH, "dropped before it could be slow");
    station.until_listeners("/a.mp3", 2).await;
    drop(slow);
}

/// Frames at a time: less than the queue, so that nobody is slow for the source's haste.
const BATCH: u64 = 200;

//! Sources that leave and return, are taken off, fall silent, and servers that stop and start.

use e2e::{FakeSource, Player, Station, frames, until};
use server::Outcome;

#[tokio::test]
async fn listeners_of_a_source_that_returns_in_time_hear_no_gap() {
    let station = Station::start();
    let mut source = FakeSource::on(&station, "/a.mp3").await;
    let mut plain = Player::tune_in(&station, "/a.mp3").await;
    let mut icy = Player::with_titles(&station, "/a.mp3").await;
    source.play(100).await;
    assert_eq!(plain.hear_frames(100).await, 0..100);

    for _ in 0..3 {
        let next = source.next_frame();
        drop(source);
        station.until_off_air("/a.mp3").await;
        source = FakeSource::on(&station, "/a.mp3").await.from_frame(next);
        source.play(100).await;
        assert_eq!(plain.hear_frames(100).await, next..next + 100);
    }

    assert_eq!(icy.hear_frames(400).await, 0..400);
    station.until_listeners("/a.mp3", 2).await;
}

#[tokio::test]
async fn a_newcomer_may_join_while_the_source_is_away() {
    let station = Station::start();
    let mut source = FakeSource::on(&station, "/a.mp3").await;
    source.play(20).await;
    station.until_received("/a.mp3", 20 * 417).await;
    drop(source);
    station.until_off_air("/a.mp3").await;

    let mut player = Player::tune_in(&station, "/a.mp3").await;
    let mut source = FakeSource::on(&station, "/a.mp3").await.from_frame(20);
    source.play(20).await;

    assert_eq!(player.hear_frames(40).await, 0..40);
}

#[tokio::test]
async fn when_the_source_stays_away_its_listeners_are_told_that_the_stream_is_over() {
    let station = Station::with("limits.source_grace = '100ms'");
    let mut source = FakeSource::on(&station, "/a.mp3").await;
    let mut chunked = Player::tune_in(&station, "/a.mp3").await;
    let mut icy = Player::with_titles(&station, "/a.mp3").await;
    source.play(30).await;
    drop(source);

    assert_eq!(frames::heard(&chunked.hear_all().await), Ok(0..30));
    assert_eq!(frames::heard(&icy.hear_all().await), Ok(0..30));
    until("the mount is forgotten", async || {
        (station.get("/a.mp3", None).await.status() == 404).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_killed_source_is_closed_and_its_listeners_end_after_the_grace() {
    let station = Station::with("limits.source_grace = '100ms'");
    let mut source = FakeSource::on(&station, "/a.mp3").await;
    source.play(30).await;
    let mut player = Player::tune_in(&station, "/a.mp3").await;
    assert_eq!(player.hear_frames(30).await, 0..30);

    let answer = station.admin("/admin/killsource?mount=/a.mp3").await;

    assert_eq!(
        answer.text(),
        "<?xml version=\"1.0\"?>\n<iceresponse><message>Source Removed</message>\
         <return>1</return></iceresponse>\n"
    );
    source.until_closed().await;
    assert!(player.hear_all().await.is_empty());
    assert_eq!(station.admin("/admin/killsource?mount=/a.mp3").await.status(), 400);
}

#[tokio::test]
async fn a_silent_source_is_given_up_and_its_mount_is_free_again() {
    let station = Station::with("limits.source_timeout = '200ms'\nlimits.source_grace = '10s'");
    let mut silent = FakeSource::on(&station, "/a.mp3").await;
    silent.play(10).await;

    silent.until_closed().await;

    station.until_off_air("/a.mp3").await;
    let _next = FakeSource::on(&station, "/a.mp3").await;
}

#[tokio::test]
async fn a_source_of_another_format_gets_the_mount_and_the_old_listeners_end() {
    let station = Station::with("limits.source_grace = '20s'");
    let mut mp3 = FakeSource::on(&station, "/a").await;
    let mut player = Player::tune_in(&station, "/a").await;
    mp3.play(10).await;
    assert_eq!(player.hear_frames(10).await, 0..10);
    drop(mp3);
    station.until_off_air("/a").await;

    let _ogg = FakeSource::of(&station, "/a", "application/ogg").await;

    assert!(player.hear_all().await.is_empty());
    assert_eq!(station.until_on_air("/a").await["server_type"], "application/ogg");
}

#[tokio::test]
async fn a_server_that_is_started_again_has_its_port_and_takes_its_source_back() {
    let mut station = Station::start();
    let mut source = FakeSource::on(&station, "/a.mp3").await;
    source.play(10).await;
    let mut player = Player::tune_in(&station, "/a.mp3").await;
    assert_eq!(player.hear_frames(10).await, 0..10);
    let address = station.address();

    assert_eq!(station.stop(), Outcome::Drained);
    assert!(player.hear_all().await.is_empty());
    source.until_closed().await;
    station.start_again();

    assert_eq!(station.address(), address);
    let mut source = FakeSource::on(&station, "/a.mp3").await;
    source.play(10).await;
    let mut player = Player::tune_in(&station, "/a.mp3").await;
    assert_eq!(player.hear_frames(10).await, 0..10);
}

//! Many listeners at once: what one hears, all hear.

use e2e::{FakeSource, Player, Station};
use std::time::Duration;
use tokio::task::JoinSet;

#[tokio::test]
async fn three_hundred_listeners_with_and_without_titles_hear_every_frame_in_order() {
    // On a busy machine the listeners may hear the last frames long after they were sent.
    let station = Station::with("limits.source_timeout = '60s'");
    let mut source = FakeSource::on(&station, "/a.mp3").await;
    source.play(50).await;
    station.until_received("/a.mp3", 50 * 417).await;
    let mut players = Vec::new();
    for number in 0..LISTENERS {
        players.push(match number % 3 {
            0 => Player::with_titles(&station, "/a.mp3").await,
            1 => Player::tune_in(&station, "/a.mp3").await,
            _ => Player::ask(&station, "GET /a.mp3 HTTP/1.0\r\n\r\n").await,
        });
    }
    station.until_listeners("/a.mp3", LISTENERS).await;

    let mut listening = JoinSet::new();
    for mut player in players {
        listening.spawn(async move {
            let mut end = 0;
            while end < FRAMES {
                let heard = player.hear_frames(50).await;
                assert_eq!(heard.start, end);
                end = heard.end;
            }
            player.titles
        });
    }
    // Three seconds; five times as fast as it would be heard.
    source.play_paced(FRAMES - 50, 19, Duration::from_millis(100)).await;

    let titles = listening.join_all().await;
    assert_eq!(titles.iter().filter(|titles| **titles == [""]).count(), 100);
    assert_eq!(station.stat("/a.mp3", "slow_listeners").await, "0");
    assert_eq!(station.stat("/a.mp3", "listener_peak").await, LISTENERS.to_string());
}

const LISTENERS: u64 = 300;
const FRAMES: u64 = 650;

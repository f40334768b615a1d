//! Tests of sessions, byte for byte, with a console that has no parts.

use super::*;
use std::sync::mpsc::sync_channel;
use tokio::io::DuplexStream;
use tokio::sync::oneshot::error::TryRecvError;

#[tokio::test]
async fn every_command_is_answered_in_order_also_after_the_other_side_has_no_more_to_say() {
    within_limit(async {
        let (mut client, _server) = session(None);
        client.write_all(b"uptime\r\n\n\nfoo\r  uptime\nuptime  \n").await.unwrap();
        client.shutdown().await.unwrap();

        assert_eq!(all(&mut client).await, format!("{UPTIME}{UNKNOWN}{UNKNOWN}{UPTIME}"));
    })
    .await;
}

#[tokio::test]
async fn a_command_that_comes_in_pieces_waits_for_its_end() {
    within_limit(async {
        let (mut client, _server) = session(None);
        client.write_all(b"upt").await.unwrap();
        yield_now().await;
        client.write_all(b"ime\n").await.unwrap();
        client.shutdown().await.unwrap();

        assert_eq!(all(&mut client).await, UPTIME);
    })
    .await;
}

#[tokio::test]
async fn after_exit_nothing_is_said_any_more() {
    for word in ["exit", "quit"] {
        within_limit(async {
            let (mut client, _server) = session(None);
            client.write_all(format!("uptime\n{word}\nuptime\n").as_bytes()).await.unwrap();

            assert_eq!(all(&mut client).await, format!("{UPTIME}Bye!\r\n"));
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn silence_of_thirty_seconds_ends_a_session() {
    let (mut client, _server) = session(None);
    let before = Instant::now();

    let said = all(&mut client).await;

    assert_eq!(said, "Connection timed out.. Bye!\r\n");
    assert_eq!(before.elapsed().as_secs(), 30);
}

#[tokio::test]
async fn a_line_without_an_end_is_refused_before_it_fills_the_memory() {
    within_limit(async {
        let (mut client, _server) = session(None);
        let (mut reading, mut writing) = tokio::io::split(&mut client);
        let endless = async { while writing.write_all(&[b'a'; 1_000]).await.is_ok() {} };
        let mut said = String::new();
        let (_, read) = tokio::join!(endless, reading.read_to_string(&mut said));

        read.unwrap();
        assert_eq!(said, "ERROR: a line of more than 8192 bytes.\r\nEND\r\n");
    })
    .await;
}

#[tokio::test]
async fn where_a_password_is_wanted_nothing_is_answered_before_it() {
    within_limit(async {
        let (mut client, _server) = session(Some(Password::new("s3cret")));
        client.write_all(b"uptime\nlogin wrong\nlogin s3cret\nuptime\nexit\n").await.unwrap();

        let refused = "ERROR: say \"login PASSWORD\" first.\r\nEND\r\n";
        assert_eq!(
            all(&mut client).await,
            format!("{refused}{refused}OK\r\nEND\r\n{UPTIME}Bye!\r\n")
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn where_there_is_no_room_the_one_that_has_been_silent_longest_makes_it() {
    let mut sessions = Sessions::default();
    let mut places: Vec<Place> = Vec::new();
    for _ in 0..SESSIONS_MAX {
        places.push(sessions.room().await);
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    places[0].spoke.send_replace(Instant::now());
    let has_ended = |place: &mut Place| place.end.try_recv() == Err(TryRecvError::Closed);

    let mut fresh = sessions.room().await;

    let ended: Vec<bool> = places.iter_mut().map(has_ended).collect();
    assert_eq!(ended.iter().filter(|ended| **ended).count(), 1);
    assert!(ended[1], "the second is silent longest, since the first has spoken");
    assert!(!has_ended(&mut fresh));
    drop(places.swap_remove(5));
    drop(sessions.room().await);
    assert!(!has_ended(&mut places[2]), "there was room again");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_has_just_come_is_given_time_to_say_what_it_came_for() {
    let mut sessions = Sessions::default();
    let mut crowd: Vec<Place> = Vec::new();
    let began = Instant::now();
    while crowd.len() < SESSIONS_MAX {
        crowd.push(sessions.room().await);
    }
    assert_eq!(began.elapsed(), Duration::ZERO);

    let _fresh = sessions.room().await;

    assert_eq!(began.elapsed(), SETTLING);
    let has_ended = |place: &mut Place| place.end.try_recv() == Err(TryRecvError::Closed);
    assert_eq!(crowd.iter_mut().filter_map(|place| has_ended(place).then_some(())).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_room_comes_in_as_soon_as_another_leaves() {
    let mut sessions = Sessions::default();
    let mut crowd: Vec<Place> = Vec::new();
    while crowd.len() < SESSIONS_MAX {
        crowd.push(sessions.room().await);
    }
    let began = Instant::now();
    let leaves = async {
        yield_now().await;
        drop(crowd.swap_remove(7));
    };

    let (_fresh, ()) = tokio::join!(sessions.room(), leaves);

    assert_eq!(began.elapsed(), Duration::ZERO);
    let has_ended = |place: &mut Place| place.end.try_recv() == Err(TryRecvError::Closed);
    assert!(!crowd.iter_mut().any(has_ended), "nobody had to make room");
}

fn session(password: Option<Password>) -> (DuplexStream, Tasks) {
    let (client, server) = tokio::io::duplex(4_096);
    let (wishes, _) = sync_channel(1);
    let console = Arc::new(Console::new(
        watch::channel(Arc::default()).1,
        wishes,
        tokio::sync::mpsc::channel(1).0,
    ));
    let spoke = watch::Sender::new(Instant::now());
    let session = Session { console, password, lines: Lines::default(), spoke };
    let tasks = Tasks::default();
    tasks.spawn(session.run(server));
    (client, tasks)
}

async fn all(client: &mut DuplexStream) -> String {
    let mut said = String::new();
    client.read_to_string(&mut said).await.unwrap();
    said
}

async fn within_limit(test: impl Future<Output = ()>) {
    timeout(Duration::from_secs(20), test).await.expect("it is done in time");
}

const UPTIME: &str = "0d 00h 00m 00s\r\nEND\r\n";
const UNKNOWN: &str = "ERROR: unknown command, type \"help\" to get a list of commands.\r\nEND\r\n";

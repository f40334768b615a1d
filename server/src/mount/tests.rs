//! The owner of a mount, asked by message, with time in our hands.

use super::*;
use common::http::head::Headers;
use std::net::Ipv4Addr;
use stream::{After, Link};

const PATIENCE: Patience =
    Patience { source_timeout: Duration::from_secs(10), source_grace: Duration::from_secs(5) };

fn mount(tasks: &Tasks) -> Mount {
    let name = MountName::new("/x").unwrap();
    Mount::start(name, MountLimits::default(), PATIENCE, Arc::default(), &Logs::none(), tasks)
}

fn source(content_type: &str) -> Box<SourceAbout> {
    let ip = Ipv4Addr::LOCALHOST.into();
    Box::new(SourceAbout::read(&Headers::default(), content_type, ip))
}

async fn attach(mount: &Mount) -> SourceLine {
    mount.attach(source("audio/mpeg")).await.unwrap().unwrap()
}

async fn air(line: &SourceLine, bytes: &'static [u8]) {
    let bytes = Bytes::from_static(bytes);
    let chunk = Chunk { bytes, opening: Opening::Audio, plays: Duration::ZERO };
    line.chunks.send(chunk).await.unwrap();
}

fn title(title: &str) -> TitleText {
    TitleText { artist: None, title: Some(title.to_owned()) }
}

/// What has been aired behind `link`.
fn heard(link: &Arc<Link>) -> Vec<u8> {
    let mut link = Arc::clone(link);
    let mut heard = Vec::new();
    while let After::Link(next) = link.after() {
        let next = Arc::clone(next);
        heard.extend_from_slice(&next.bytes);
        link = next;
    }
    heard
}

/// Lets time pass, in which every task does what it has to.
async fn pass(time: Duration) {
    let nothing = std::future::pending::<()>();
    assert!(tokio::time::timeout(time, nothing).await.is_err());
}

/// Waits until the owner has done all that it was told.
async fn settled() {
    pass(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_second_source_is_refused_while_the_first_is_on_air() {
    let mount = mount(&Tasks::default());
    let _first = attach(&mount).await;

    let second = mount.attach(source("audio/mpeg")).await;

    assert_eq!(second.unwrap_err(), Refusal::MountTaken);
}

#[tokio::test(start_paused = true)]
async fn listeners_wait_for_a_source_that_left_and_hear_it_go_on() {
    let mount = mount(&Tasks::default());
    let line = attach(&mount).await;
    let listener = mount.join().await.unwrap();
    air(&line, b"before ").await;
    drop(line);
    settled().await;
    assert!(mount.on_air().is_none());

    pass(PATIENCE.source_grace - Duration::from_millis(10)).await;
    let back = attach(&mount).await;
    air(&back, b"after").await;
    settled().await;

    assert_eq!(heard(&listener.start.link), b"before after");
}

#[tokio::test(start_paused = true)]
async fn a_mount_whose_source_stays_away_ends_with_its_stream() {
    let mount = mount(&Tasks::default());
    drop(attach(&mount).await);
    let listener = mount.join().await.unwrap();

    pass(PATIENCE.source_grace + Duration::from_millis(10)).await;

    assert!(mount.has_ended());
    assert!(matches!(listener.start.link.after(), After::End));
    assert_eq!(mount.join().await.unwrap_err(), Refusal::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_returns_with_another_format_gets_a_new_mount() {
    let mount = mount(&Tasks::default());
    drop(attach(&mount).await);
    settled().await;

    let other = mount.attach(source("audio/aac")).await;

    assert!(other.unwrap().is_none());
    settled().await;
    assert!(mount.has_ended());
}

#[tokio::test(start_paused = true)]
async fn an_administrator_does_not_keep_a_silent_source_on_air() {
    let mount = mount(&Tasks::default());
    let line = attach(&mount).await;

    for second in 0..11 {
        mount.announce(title(&format!("title {second}"))).await;
        pass(Duration::from_secs(1)).await;
    }

    assert!(mount.on_air().is_none());
    assert!(line.chunks.is_closed(), "the mount has hung up");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_sends_now_and_then_stays_on_air() {
    let mount = mount(&Tasks::default());
    let line = attach(&mount).await;

    for _ in 0..3 {
        pass(PATIENCE.source_timeout - Duration::from_millis(10)).await;
        air(&line, b"a").await;
        settled().await;
    }

    assert!(mount.on_air().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_title_is_announced_once_and_forgotten_with_its_source() {
    let mount = mount(&Tasks::default());
    let line = attach(&mount).await;
    air(&line, b"a").await;
    settled().await;
    mount.announce(title("Blue")).await;
    mount.announce(title("Blue")).await;
    settled().await;
    air(&line, b"b").await;
    settled().await;

    let start = mount.join().await.unwrap().start;
    let After::Link(second) = start.link.after() else { panic!("two chunks were aired") };

    assert_eq!(mount.on_air().unwrap().title, title("Blue"));
    assert_eq!(second.title.serial, start.link.title.serial + 1);

    drop(line);
    settled().await;
    let _back = attach(&mount).await;

    assert_eq!(mount.on_air().unwrap().title, TitleText::default());
}

#[tokio::test(start_paused = true)]
async fn a_killed_source_is_hung_up_on() {
    let mount = mount(&Tasks::default());
    let line = attach(&mount).await;

    mount.kill_source().await;
    line.chunks.closed().await;

    settled().await;
    assert!(mount.on_air().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_full_mount_takes_no_listener_until_one_has_left() {
    let limits = MountLimits { listeners_max: Some(1), ..MountLimits::default() };
    let name = MountName::new("/x").unwrap();
    let (logs, tasks) = (Logs::none(), Tasks::default());
    let mount = Mount::start(name, limits, PATIENCE, Arc::default(), &logs, &tasks);
    let _line = attach(&mount).await;
    let first = mount.join().await.unwrap();

    assert_eq!(mount.join().await.unwrap_err(), Refusal::ListenersFull);

    drop(first);

    assert!(mount.join().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_mount_without_a_source_so_far_takes_no_listener() {
    let mount = mount(&Tasks::default());

    assert_eq!(mount.join().await.unwrap_err(), Refusal::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_mount_ends_when_the_server_stops() {
    let tasks = Tasks::default();
    let mount = mount(&tasks);
    let line = attach(&mount).await;

    assert!(tasks.drain(Duration::from_secs(1)).await);

    assert!(mount.has_ended() && line.chunks.is_closed());
}

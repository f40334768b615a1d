//! The owner of a mount, asked by message, with time in our hands.

use super::*;
use crate::config::mounts::SourceConflict;
use bytes::Bytes;
use common::chunk::Opening;
use common::http::head::Headers;
use std::net::Ipv4Addr;
use std::time::Duration;
use stream::{After, Link};
use tokio::time::Instant;

const SOURCE_TIMEOUT: Duration = Duration::from_secs(10);
const SOURCE_GRACE: Duration = Duration::from_secs(5);
/// As long as small chunks wait for more at most.
const GATHERED: Duration = Duration::from_millis(200);

/// A mount whose events nobody hears.
fn mount(tasks: &Tasks) -> Mount {
    mount_with(MountConfig::default(), tasks).0
}

/// A mount, and what it says.
fn mount_with(config: MountConfig, tasks: &Tasks) -> (Mount, mpsc::Receiver<Event>) {
    let (events, said) = mpsc::channel(8);
    let mount =
        Mount::start(name("/x"), Arc::new(config), Arc::default(), events, &Logs::none(), tasks);
    (mount, said)
}

fn name(name: &str) -> MountName {
    MountName::new(name).unwrap()
}

fn source(content_type: &str) -> SourceArrival {
    let ip = Ipv4Addr::LOCALHOST.into();
    SourceArrival { about: SourceAbout::read(&Headers::default(), content_type, ip), intro: None }
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
    let first = attach(&mount).await;

    let second = async { mount.attach(source("audio/mpeg")).await };
    let plays = async {
        pass(Duration::from_secs(1)).await;
        air(&first, b"a").await;
    };
    let (second, ()) = tokio::join!(second, plays);

    assert_eq!(second.unwrap_err(), Refusal::MountTaken);
}

#[tokio::test(start_paused = true)]
async fn a_source_takes_the_place_of_one_that_has_fallen_silent() {
    let mount = mount(&Tasks::default());
    let first = attach(&mount).await;
    air(&first, b"before ").await;
    settled().await;
    let listener = mount.join(Hearer::Player).await.unwrap();
    let began = Instant::now();

    let second = attach(&mount).await;
    air(&second, b"after").await;
    settled().await;

    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert!(first.chunks.is_closed(), "the mount has hung up on the first");
    assert_eq!(heard(&listener.start.link), b"after");
}

#[tokio::test(start_paused = true)]
async fn a_source_of_another_format_or_where_it_is_not_wanted_takes_no_place() {
    let tasks = Tasks::default();
    let refusing =
        MountConfig { on_source_conflict: SourceConflict::Refuse, ..MountConfig::default() };
    for (config, content_type) in [(MountConfig::default(), "audio/aac"), (refusing, "audio/mpeg")]
    {
        let (mount, _said) = mount_with(config, &tasks);
        let _first = attach(&mount).await;

        let second = mount.attach(source(content_type)).await;

        assert_eq!(second.unwrap_err(), Refusal::MountTaken);
    }
}

#[tokio::test(start_paused = true)]
async fn a_mount_says_when_its_source_is_heard_and_when_it_has_left() {
    let tasks = Tasks::default();
    let (mount, mut said) = mount_with(MountConfig::default(), &tasks);
    let line = attach(&mount).await;
    settled().await;
    assert!(said.try_recv().is_err(), "nothing to hear yet");

    air(&line, b"a").await;
    air(&line, b"b").await;
    drop(line);

    assert_eq!(said.recv().await, Some(Event::Returned(name("/x"))));
    let content_type = "audio/mpeg".to_owned();
    assert_eq!(said.recv().await, Some(Event::Lost { mount: name("/x"), content_type }));
}

#[tokio::test(start_paused = true)]
async fn a_mount_waits_for_its_listeners_to_be_moved_and_then_ends_without_grace() {
    let mut config = MountConfig::default();
    config.limits.source_grace = Duration::ZERO;
    let (mount, _said) = mount_with(config, &Tasks::default());
    drop(attach(&mount).await);

    pass(Duration::from_secs(1)).await;
    assert!(!mount.has_ended());
    mount.settle().await;
    settled().await;

    assert!(mount.has_ended());
}

#[tokio::test(start_paused = true)]
async fn listeners_wait_for_a_source_that_left_and_hear_it_go_on() {
    let mount = mount(&Tasks::default());
    let line = attach(&mount).await;
    let listener = mount.join(Hearer::Player).await.unwrap();
    air(&line, b"before ").await;
    drop(line);
    settled().await;
    assert!(mount.on_air().is_none());

    pass(SOURCE_GRACE - Duration::from_millis(10)).await;
    let back = attach(&mount).await;
    air(&back, b"after").await;
    settled().await;

    assert_eq!(heard(&listener.start.link), b"before after");
}

#[tokio::test(start_paused = true)]
async fn a_mount_whose_source_stays_away_ends_with_its_stream() {
    let mount = mount(&Tasks::default());
    drop(attach(&mount).await);
    let listener = mount.join(Hearer::Player).await.unwrap();

    pass(SOURCE_GRACE + Duration::from_millis(10)).await;

    assert!(mount.has_ended());
    assert!(matches!(listener.start.link.after(), After::End));
    assert_eq!(mount.join(Hearer::Player).await.unwrap_err(), Refusal::NotFound);
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
        pass(SOURCE_TIMEOUT - Duration::from_millis(10)).await;
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
    pass(GATHERED).await;

    let start = mount.join(Hearer::Player).await.unwrap().start;
    let After::Link(second) = start.link.after() else { panic!("two chunks were aired") };

    assert_eq!(mount.on_air().unwrap().title, title("Blue"));
    assert!(second.title.serial > start.link.title.serial);

    drop(line);
    settled().await;
    let _back = attach(&mount).await;

    assert_eq!(mount.on_air().unwrap().title, TitleText::default());
}

#[tokio::test(start_paused = true)]
async fn small_chunks_are_aired_together_and_none_waits_for_long() {
    let mount = mount(&Tasks::default());
    let line = attach(&mount).await;
    air(&line, b"first").await;
    settled().await;
    let listener = mount.join(Hearer::Player).await.unwrap();

    for bytes in [b"a", b"b", b"c"] {
        air(&line, bytes).await;
    }
    settled().await;
    assert_eq!(heard(&listener.start.link), b"");
    pass(GATHERED).await;

    let After::Link(second) = listener.start.link.after() else { panic!("it has been aired") };
    assert_eq!(second.bytes, "abc");
}

#[tokio::test(start_paused = true)]
async fn what_was_gathered_is_aired_before_a_title_and_when_the_source_leaves() {
    let mount = mount(&Tasks::default());
    let line = attach(&mount).await;
    air(&line, b"first ").await;
    settled().await;
    let listener = mount.join(Hearer::Player).await.unwrap();

    air(&line, b"old ").await;
    settled().await;
    mount.announce(title("Blue")).await;
    settled().await;
    assert_eq!(heard(&listener.start.link), b"old ");

    air(&line, b"new").await;
    settled().await;
    drop(line);
    settled().await;
    assert_eq!(heard(&listener.start.link), b"old new");
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
    let mut config = MountConfig::default();
    config.limits.listeners_max = Some(1);
    let (mount, _said) = mount_with(config, &Tasks::default());
    let _line = attach(&mount).await;
    let first = mount.join(Hearer::Player).await.unwrap();

    assert_eq!(mount.join(Hearer::Player).await.unwrap_err(), Refusal::ListenersFull);

    drop(first);

    assert!(mount.join(Hearer::Player).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_mount_without_a_source_so_far_takes_no_listener() {
    let mount = mount(&Tasks::default());

    assert_eq!(mount.join(Hearer::Player).await.unwrap_err(), Refusal::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_mount_ends_when_the_server_stops() {
    let tasks = Tasks::default();
    let mount = mount(&tasks);
    let line = attach(&mount).await;

    assert!(tasks.drain(Duration::from_secs(1)).await);

    assert!(mount.has_ended() && line.chunks.is_closed());
}

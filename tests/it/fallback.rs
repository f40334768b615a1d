//! Mounts that stand in for others: listeners move there and back, and hear whole frames only.

use e2e::{FakeSource, Player, Station, frames, until, within};
use server::config::mounts::{MountConfig, MountPattern};
use server::{Config, MountName};
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

/// Main frames count from 0, those of the fallback from here.
const OTHER: u64 = 1_000_000;

/// A station whose `/main.mp3` falls back to `/spare.mp3`, and is changed by `change`.
fn station(change: impl Fn(&mut MountConfig)) -> Station {
    Station::changed("limits.source_grace = 0", |config| {
        rule(config, "/main.mp3", |mount| {
            mount.fallback = MountName::new("/spare.mp3").ok();
            mount.fallback_override = true;
            change(mount);
        });
    })
}

fn rule(config: &mut Config, name: &str, change: impl FnOnce(&mut MountConfig)) {
    let mut mount = config.mounts.usual.clone();
    change(&mut mount);
    let pattern = MountPattern::new(name).expect("a mount's name");
    config.mounts.rules.push((pattern, mount));
}

/// The runs of frames that a player hears up to frame `last`.
async fn runs(player: &mut Player, last: u64) -> Vec<Range<u64>> {
    let mut runs: Vec<Range<u64>> = Vec::new();
    loop {
        let heard = player.hear_frames(1).await.start;
        match runs.last_mut() {
            Some(run) if run.end == heard => run.end += 1,
            _ => runs.push(heard..heard + 1),
        }
        if heard == last {
            return runs;
        }
    }
}

/// One run.
fn only(run: Range<u64>) -> Vec<Range<u64>> {
    std::iter::once(run).collect()
}

#[tokio::test]
async fn listeners_go_to_the_fallback_and_back_and_hear_whole_frames_and_the_right_titles() {
    let station = station(|_| {});
    let mut spare = FakeSource::on(&station, "/spare.mp3").await.from_frame(OTHER);
    spare.play(40).await;
    station.until_received("/spare.mp3", 40 * 417).await;
    station.admin("/admin/metadata?mount=/spare.mp3&mode=updinfo&song=Spare").await;
    let mut main = FakeSource::on(&station, "/main.mp3").await;
    station.admin("/admin/metadata?mount=/main.mp3&mode=updinfo&song=Main").await;
    let mut icy = Player::with_titles(&station, "/main.mp3").await;
    let mut chunked = Player::tune_in(&station, "/main.mp3").await;
    main.play(50).await;
    assert_eq!((icy.hear_frames(50).await, chunked.hear_frames(50).await), (0..50, 0..50));

    drop(main);
    station.until_listeners("/spare.mp3", 2).await;
    spare.play(60).await;
    let last = spare.next_frame() - 1;
    for player in [&mut icy, &mut chunked] {
        let runs = runs(player, last).await;
        assert_eq!(runs.len(), 1, "{runs:?}");
        assert!(runs[0].start > OTHER, "no burst: its player is ahead already");
    }
    let mut main = FakeSource::on(&station, "/main.mp3").await.from_frame(50);
    main.play(60).await;
    station.until_listeners("/main.mp3", 2).await;
    main.play(60).await;

    for player in [&mut icy, &mut chunked] {
        let runs = runs(player, 169).await;
        assert_eq!((runs.len(), runs[0].end), (1, 170), "{runs:?}");
    }
    assert_eq!(station.stat("/spare.mp3", "listeners").await, "0");
    assert_eq!(station.stat("/spare.mp3", "listener_peak").await, "2");
    assert!(icy.titles.contains(&"Spare".to_owned()), "{:?}", icy.titles);
}

#[tokio::test]
async fn who_asked_for_the_fallback_stays_there_and_without_override_everybody_does() {
    let station = station(|_| {});
    let spare = FakeSource::on(&station, "/spare.mp3").await;
    let _regular = Player::tune_in(&station, "/spare.mp3").await;
    let _guest = Player::tune_in(&station, "/main.mp3").await;
    station.until_listeners("/spare.mp3", 2).await;

    let mut main = FakeSource::on(&station, "/main.mp3").await;
    main.play(10).await;

    station.until_listeners("/main.mp3", 1).await;
    station.until_listeners("/spare.mp3", 1).await;

    drop(spare);
    drop(main);
    let staying = self::station(|mount| mount.fallback_override = false);
    let mut spare = FakeSource::on(&staying, "/spare.mp3").await.from_frame(OTHER);
    let mut guest = Player::tune_in(&staying, "/main.mp3").await;
    let mut main = FakeSource::on(&staying, "/main.mp3").await;
    main.play(10).await;
    staying.until_received("/main.mp3", 10 * 417).await;
    spare.play(10).await;
    assert_eq!(runs(&mut guest, OTHER + 9).await, only(OTHER..OTHER + 10));

    // When the fallback ends too, a guest goes home rather than away.
    drop(spare);
    staying.until_listeners("/main.mp3", 1).await;
}

#[tokio::test]
async fn the_move_takes_less_than_a_tenth_of_a_second() {
    let station = station(|mount| mount.limits.flush_delay = Duration::ZERO);
    let _spare = FakeSource::on(&station, "/spare.mp3").await;
    let main = FakeSource::on(&station, "/main.mp3").await;
    let _player = Player::tune_in(&station, "/main.mp3").await;

    let began = Instant::now();
    drop(main);
    station.until_listeners("/spare.mp3", 1).await;

    assert!(began.elapsed() < Duration::from_millis(100), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_mount_without_a_source_or_a_seat_is_answered_by_the_next_in_the_chain() {
    let station = Station::changed("limits.source_grace = 0", |config| {
        let falls = |to: &'static str| {
            move |mount: &mut MountConfig| {
                mount.fallback = MountName::new(to).ok();
                mount.fallback_when_full = true;
                mount.limits.listeners_max = Some(1);
            }
        };
        rule(config, "/a.mp3", falls("/b.mp3"));
        rule(config, "/b.mp3", falls("/c.mp3"));
        rule(config, "/c.mp3", falls("/a.mp3"));
    });
    let named = [("Content-Type", "audio/mpeg"), ("ice-name", "The last")];
    let request = FakeSource::request("/c.mp3", &named);
    let (_last, _) = FakeSource::dial(&station, request).await;

    let first = Player::tune_in(&station, "/a.mp3").await;
    assert_eq!(first.head.headers.first("icy-name"), Some("The last"));
    assert_eq!(station.get("/a.mp3", None).await.status(), 403, "all are full");

    let _middle = FakeSource::on(&station, "/b.mp3").await;
    let _second = Player::tune_in(&station, "/a.mp3").await;
    station.until_listeners("/b.mp3", 1).await;
    let text = station.admin("/admin/stats").await;
    let a = "<source mount=\"/a.mp3\"><listeners>0</listeners><listenurl>";
    assert!(text.text().contains(a), "{}", text.text());
}

#[tokio::test]
async fn listeners_whose_decoder_could_not_go_on_are_not_moved() {
    let station = station(|mount| mount.limits.source_grace = Duration::ZERO);
    let _spare = FakeSource::of(&station, "/spare.mp3", "audio/aac").await;
    let mut main = FakeSource::on(&station, "/main.mp3").await;
    let mut player = Player::tune_in(&station, "/main.mp3").await;
    main.play(10).await;

    drop(main);

    assert_eq!(frames::heard(&player.hear_all().await), Ok(0..10));
}

#[tokio::test]
async fn a_fallback_may_be_a_file_which_plays_in_time_again_and_again() {
    let folder = tempfile::tempdir().expect("a folder");
    write_frames(&folder.path().join("spare.mp3"), OTHER..OTHER + 400);
    let webroot = folder.path().to_owned();
    let station = Station::changed("limits.source_grace = 0", |config| {
        config.files.webroot = Some(webroot);
        rule(config, "/main.mp3", |mount| {
            mount.fallback = MountName::new("/spare.mp3").ok();
            mount.fallback_override = true;
        });
    });
    let began = Instant::now();
    let mut player = Player::tune_in(&station, "/main.mp3").await;

    // 400 frames are 10.4 s, of which 4 are given ahead.
    let runs = runs(&mut player, OTHER + 399).await;
    assert_eq!(runs, only(OTHER..OTHER + 400));
    assert!(began.elapsed() > Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(player.hear_frames(10).await.start, OTHER, "it begins again");
    assert!(station.status().await["source"]["listenurl"].as_str().unwrap().ends_with("/main.mp3"));

    let mut main = FakeSource::on(&station, "/main.mp3").await;
    main.play(10).await;
    station.until_listeners("/main.mp3", 1).await;
}

#[tokio::test]
async fn an_intro_is_heard_before_the_stream_and_its_burst() {
    let folder = tempfile::tempdir().expect("a folder");
    write_frames(&folder.path().join("hello.mp3"), OTHER..OTHER + 30);
    let webroot = folder.path().to_owned();
    let station = Station::changed("", |config| {
        config.files.webroot = Some(webroot);
        rule(config, "/main.mp3", |mount| mount.intro = Some("/hello.mp3".into()));
    });
    let mut main = FakeSource::on(&station, "/main.mp3").await;
    main.play(40).await;
    station.until_received("/main.mp3", 40 * 417).await;

    let mut plain = Player::tune_in(&station, "/main.mp3").await;
    let mut icy = Player::with_titles(&station, "/main.mp3").await;
    main.play(10).await;

    for player in [&mut plain, &mut icy] {
        assert_eq!(runs(player, 49).await, [OTHER..OTHER + 30, 0..50]);
    }
}

#[tokio::test]
async fn the_administrator_moves_listeners_and_they_stay_moved() {
    let station = station(|_| {});
    let mut spare = FakeSource::on(&station, "/spare.mp3").await.from_frame(OTHER);
    let mut main = FakeSource::on(&station, "/main.mp3").await;
    let mut player = Player::with_titles(&station, "/main.mp3").await;
    main.play(30).await;
    assert_eq!(player.hear_frames(30).await, 0..30);

    let moving = "/admin/moveclients?mount=/main.mp3&destination=/spare.mp3";
    let answer = station.admin(moving).await;
    assert!(answer.text().contains("Clients moved from /main.mp3 to /spare.mp3"));
    spare.play(10).await;
    assert_eq!(runs(&mut player, OTHER + 9).await, only(OTHER..OTHER + 10));

    drop(main);
    let mut main = FakeSource::on(&station, "/main.mp3").await;
    main.play(10).await;
    station.until_received("/main.mp3", 10 * 417).await;
    spare.play(10).await;
    assert_eq!(runs(&mut player, OTHER + 19).await, only(OTHER + 10..OTHER + 20));
    assert_eq!(station.stat("/main.mp3", "listeners").await, "0");
}

#[tokio::test]
async fn a_fallback_set_by_the_administrator_counts() {
    let station = Station::with("limits.source_grace = 0");
    let _spare = FakeSource::on(&station, "/spare.mp3").await;
    let main = FakeSource::on(&station, "/main.mp3").await;
    let _player = Player::tune_in(&station, "/main.mp3").await;

    let set = station.admin("/admin/fallbacks?mount=/main.mp3&fallback=/spare.mp3").await;
    assert!(set.text().contains("<p>Fallback configured</p>"), "{}", set.text());
    let listed = station.admin("/admin/listmounts").await;
    assert!(listed.text().contains("<fallback>/spare.mp3</fallback>"), "{}", listed.text());
    drop(main);

    station.until_listeners("/spare.mp3", 1).await;
}

#[tokio::test]
async fn a_mount_may_be_hidden_closed_to_listeners_or_limited_in_time() {
    let station = Station::changed("", |config| {
        rule(config, "/hidden.mp3", |mount| mount.hidden = true);
        rule(config, "/closed.mp3", |mount| mount.direct = false);
        rule(config, "/short.mp3", |mount| {
            mount.limits.listener_duration_max = Some(Duration::from_millis(300));
        });
    });
    let _hidden = FakeSource::on(&station, "/hidden.mp3").await;
    let _closed = FakeSource::on(&station, "/closed.mp3").await;
    let _short = FakeSource::on(&station, "/short.mp3").await;

    let _heard = Player::tune_in(&station, "/hidden.mp3").await;
    assert!(station.mount("/hidden.mp3").await.is_none(), "it can be heard and is not listed");
    assert!(station.admin("/admin/stats").await.text().contains("mount=\"/hidden.mp3\""));
    let closed = station.get("/closed.mp3", None).await;
    assert_eq!((closed.status(), closed.text()), (403, "mountpoint unavailable\r\n"));
    let mut short = Player::with_titles(&station, "/short.mp3").await;
    within("the end of its time", short.hear_all()).await;
}

#[tokio::test]
async fn a_source_that_has_fallen_silent_gives_way_and_its_listeners_notice_nothing() {
    let station = Station::start();
    let mut dead = FakeSource::on(&station, "/a.mp3").await;
    let mut player = Player::tune_in(&station, "/a.mp3").await;
    dead.play(20).await;
    assert_eq!(player.hear_frames(20).await, 0..20);

    let mut again = FakeSource::on(&station, "/a.mp3").await.from_frame(20);
    again.play(20).await;

    assert_eq!(player.hear_frames(20).await, 20..40);
    dead.until_closed().await;
    until("one source remains", async || {
        let text = station.admin("/admin/stats").await;
        text.text().contains("<sources>1</sources>").then_some(())
    })
    .await;
}

fn write_frames(path: &Path, numbers: Range<u64>) {
    std::fs::write(path, frames::run(numbers)).expect("our own folder");
}

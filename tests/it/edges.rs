//! One origin and its edges: who listens to what is known at the origin, and what happens to
//! listeners when one of the servers dies.

use e2e::{FakeSource, Icecast, Player, RELAY_PASSWORD, Station, Wire, until, within};
use server::config::mounts::ListenerAuth;
use std::time::Duration;
use tokio::task::JoinSet;

#[tokio::test]
async fn the_origins_statistics_show_who_listens_on_all_servers_together() {
    let origin = origin("");
    let mut source = FakeSource::on(&origin, "/live.mp3").await;
    source.play(200).await;
    let (one, mut other) = (edge(&origin, ""), edge(&origin, ""));
    let here = Player::tune_in(&origin, "/live.mp3").await;
    let on_one = [listener(&one).await, listener(&one).await];
    let on_other = [listener(&other).await];

    origin.until_listeners("/live.mp3", 4).await;

    let mount = origin.mount("/live.mp3").await.expect("it is on air");
    assert_eq!(
        (mount["listeners_on_edges"].as_u64(), mount["listener_peak"].as_u64()),
        (Some(3), Some(4))
    );
    let stats = origin.admin("/admin/stats").await;
    assert!(stats.text().contains("<listeners>4</listeners><location>"), "{}", stats.text());
    let edges = origin.admin("/admin/edges").await;
    let two = "<source mount=\"/live.mp3\"><listeners>2</listeners></source>";
    assert!(edges.text().contains("<icestats><listeners>3</listeners><edge>"), "{}", edges.text());
    assert!(edges.text().contains(two), "{}", edges.text());
    let page = origin.admin("/admin/edges.xsl").await;
    assert!(page.text().contains("<td>/live.mp3</td><td>2</td>"), "{}", page.text());
    let metrics = origin.get("/metrics", None).await;
    let name = format!("localhost:{}", one.address().port());
    let line = format!(
        "carrier_edge_listeners{{edge=\"{name}\",address=\"127.0.0.1\",mount=\"/live.mp3\"}} 2"
    );
    assert!(metrics.text().contains(&line), "{}", metrics.text());
    assert!(metrics.text().contains("carrier_mount_listeners{mount=\"/live.mp3\"} 1\n"));

    // Who leaves is counted off; an edge that stops says so.
    drop(on_one);
    origin.until_listeners("/live.mp3", 2).await;
    drop(on_other);
    other.stop();
    origin.until_listeners("/live.mp3", 1).await;
    drop(here);
    origin.until_listeners("/live.mp3", 0).await;
    assert!(origin.mount("/live.mp3").await.unwrap()["listeners_on_edges"].is_null());
}

#[tokio::test]
async fn an_edge_passes_on_what_its_own_edges_report() {
    let origin = origin("");
    let mut source = FakeSource::on(&origin, "/live.mp3").await;
    source.play(200).await;
    let middle = edge(&origin, &format!("passwords.relay = '{RELAY_PASSWORD}'"));
    middle.until_on_air("/live.mp3").await;
    let outer = edge(&middle, "");
    let (_near, _far) = (listener(&middle).await, listener(&outer).await);

    middle.until_listeners("/live.mp3", 2).await;
    origin.until_listeners("/live.mp3", 2).await;
}

#[tokio::test]
async fn an_edge_that_dies_is_forgotten_at_the_end_of_its_lease() {
    let origin = origin("");
    let mut source = FakeSource::on(&origin, "/live.mp3").await;
    source.play(200).await;
    let mut dying = edge(&origin, "");
    let _player = listener(&dying).await;
    origin.until_listeners("/live.mp3", 1).await;

    dying.kill();

    origin.until_listeners("/live.mp3", 0).await;
    let edges = origin.admin("/admin/edges").await;
    assert!(edges.text().contains("<icestats><listeners>0</listeners></icestats>"));
}

#[tokio::test]
async fn a_limit_of_the_origin_holds_on_its_edges() {
    let origin = origin("mounts.'/live.mp3'.max_listeners = 2");
    let mut source = FakeSource::on(&origin, "/live.mp3").await;
    source.play(200).await;
    // The connections of edges are no listeners; there could be two of these.
    let edges = [edge(&origin, ""), edge(&origin, ""), edge(&origin, "")];
    let first = listener(&edges[0]).await;
    let _second = Player::tune_in(&origin, "/live.mp3").await;

    for edge in &edges[1..] {
        edge.until_on_air("/live.mp3").await;
        // An edge that has yet to hear of the limit has a listener more, who leaves again.
        let is_full = async || (status(edge).await == 403).then_some(());
        until("the edge is full", is_full).await;
    }
    assert_eq!(status(&origin).await, 403);

    // There is room again once somebody has gone.
    drop(first);
    origin.until_listeners("/live.mp3", 1).await;
    let has_room = async || (status(&edges[1]).await == 200).then_some(());
    until("the edge has room again", has_room).await;
}

#[tokio::test]
async fn how_long_a_listener_may_stay_is_the_origins_to_say_and_no_edge_has_to_go() {
    let origin = origin("mounts.'/live.mp3'.max_listener_duration = '2s'");
    let mut source = FakeSource::on(&origin, "/live.mp3").await;
    source.play(200).await;
    let edge = edge(&origin, "");
    edge.until_on_air("/live.mp3").await;
    let connected = async || {
        let clients = origin.admin("/admin/listclients?mount=/live.mp3").await;
        let (_, rest) = clients.text().split_once("<Connected>")?;
        rest.split_once('<')?.0.parse::<u64>().ok().filter(|seconds| *seconds >= 4)
    };

    until("the edge stays", connected).await;
    let mut player = Player::ask(&edge, "GET /live.mp3 HTTP/1.0\r\n\r\n").await;
    let began = tokio::time::Instant::now();
    player.hear_all().await;

    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[tokio::test]
async fn an_edge_does_not_pass_on_what_is_only_for_some() {
    let folder = tempfile::tempdir().expect("a folder for users");
    let file = folder.path().join("users");
    std::fs::write(&file, "").expect("our own folder");
    let relay = format!("passwords.relay = '{RELAY_PASSWORD}'");
    let origin = Station::changed(&relay, |config| {
        config.mounts.usual.listeners =
            Some(ListenerAuth::Htpasswd { file: file.clone(), duplicates: true });
    });
    let request = format!(
        "GET /live.mp3 HTTP/1.0\r\nCarrier-Edge: x\r\nAuthorization: {}\r\n\r\n",
        e2e::basic("relay", RELAY_PASSWORD)
    );
    let mut source = FakeSource::on(&origin, "/live.mp3").await;
    source.play(200).await;

    let mut wire = Wire::ask(origin.address(), request).await;

    assert_eq!(wire.head().await.status, 401);
}

#[tokio::test]
async fn who_does_not_know_the_password_reports_nothing_and_is_a_listener() {
    let origin = origin("");
    let mut source = FakeSource::on(&origin, "/live.mp3").await;
    source.play(200).await;
    let report = "/admin/report?edge=x&name=x&lease=100&/live.mp3=1000000";

    assert_eq!(origin.get(report, None).await.status(), 401);
    assert_eq!(origin.as_source(report).await.status(), 401);
    assert_eq!(origin.get("/admin/edges", None).await.status(), 401);
    let none = origin.get("/admin/report", Some(("relay", RELAY_PASSWORD))).await;
    assert_eq!(none.status(), 400);
    let request = "GET /live.mp3 HTTP/1.0\r\nCarrier-Edge: x\r\n\r\n";
    let _player = Player::ask(&origin, request).await;
    origin.until_listeners("/live.mp3", 1).await;
}

#[tokio::test]
async fn an_icecast_as_origin_is_told_nothing() {
    let Some(icecast) = Icecast::start().await else { return };
    let mut source = FakeSource::on(&icecast, "/live.mp3").await;
    source.play(200).await;
    let edge = edge(&icecast, "");
    let _player = listener(&edge).await;
    let asked = async || {
        let log = icecast.access_log();
        (log.matches("/admin/streamlist.txt").count() > 3).then_some(())
    };

    until("the edge has asked for the streams several times", asked).await;

    let log = icecast.access_log();
    assert!(!log.contains("/admin/report"), "{log}");
    icecast.until_listeners("/live.mp3", 1).await;
}

#[tokio::test]
async fn an_edge_and_the_origin_die_in_turn_and_nobody_else_loses_a_frame() {
    let mut origin = origin("limits.source_timeout = '60s'");
    let mut source = FakeSource::on(&origin, "/live.mp3").await;
    source.play(200).await;
    let more = "limits.source_grace = '60s'\nlimits.source_timeout = '60s'";
    let mut edges = [edge(&origin, more), edge(&origin, more), edge(&origin, more)];
    let mut listening = [JoinSet::new(), JoinSet::new(), JoinSet::new()];
    for (edge, listening) in edges.iter().zip(&mut listening) {
        edge.until_on_air("/live.mp3").await;
        for _ in 0..EACH {
            let player = listener(edge).await;
            listening.spawn(hear_until_cut_or(player, LAST));
        }
    }
    let [dying, others @ ..] = &mut listening;
    let all = u64::try_from(edges.len() * EACH).unwrap();
    origin.until_listeners("/live.mp3", all).await;

    // An edge dies: its listeners are cut off, the others hear on, and it is counted off.
    edges[0].kill();
    source.play(200).await;
    while let Some(heard) = dying.join_next().await {
        assert_eq!(heard.unwrap(), Heard::CutOff);
    }
    origin.until_listeners("/live.mp3", all - u64::try_from(EACH).unwrap()).await;

    // The origin dies and comes back: the listeners of the edges left wait for it.
    origin.kill();
    origin.start_again();
    let mut source = FakeSource::on(&origin, "/live.mp3").await.from_frame(AFTER);
    // Six seconds: as the edges dial again they find the first frames in their burst.
    source.play_paced(LAST + 1 - AFTER, 5, Duration::from_millis(100)).await;
    for listening in others {
        while let Some(heard) = within("all hear the last frame", listening.join_next()).await {
            assert_eq!(heard.unwrap(), Heard::Last);
        }
    }
}

/// How it ended with a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    /// Its connection ended.
    CutOff,
    /// It has heard the last frame.
    Last,
}

/// Hears frames until the one numbered `last` or the end.
///
/// # Panics
///
/// If one is missing that the origin had sent, or comes twice.
async fn hear_until_cut_or(mut player: Player, last: u64) -> Heard {
    let mut next = None;
    loop {
        while player.waiting() < e2e::frames::FRAME_BYTES {
            if !player.more().await {
                return Heard::CutOff;
            }
        }
        let heard = player.hear_frames(1).await.start;
        // The origin that died took along what it had not sent yet.
        let goes_on = next.is_none_or(|next| heard == next || heard == AFTER);
        assert!(goes_on, "frame {heard} comes after {next:?}");
        if heard == last {
            return Heard::Last;
        }
        next = Some(heard + 1);
    }
}

fn origin(more: &str) -> Station {
    Station::with(&format!("passwords.relay = '{RELAY_PASSWORD}'\n{more}"))
}

fn edge(origin: &Station, more: &str) -> Station {
    Station::with(&format!(
        "master.server = '{}'\nmaster.password = '{RELAY_PASSWORD}'\n\
         master.update_interval = '1s'\nmaster.report_interval = '500ms'\n{more}",
        origin.address()
    ))
}

/// What a listener is answered, who then leaves.
async fn status(server: &Station) -> u16 {
    let mut wire = Wire::ask(server.address(), "GET /live.mp3 HTTP/1.0\r\n\r\n").await;
    wire.head().await.status
}

async fn listener(edge: &Station) -> Player {
    edge.until_on_air("/live.mp3").await;
    Player::tune_in(edge, "/live.mp3").await
}

/// Listeners of each edge.
const EACH: usize = 20;
/// The first frame of the source after the origin's death, and the last.
const AFTER: u64 = 5_000;
const LAST: u64 = 5_299;

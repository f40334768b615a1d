//! Who may be here and do what: users of a mount, those who guess passwords, the banned, and those
//! whom a proxy brings.

use e2e::{ADMIN_PASSWORD, FakeSource, SOURCE_PASSWORD, Station, Wire, basic, until};
use server::Config;
use server::config::mounts::ListenerAuth;
use std::fs;
use tempfile::TempDir;

#[tokio::test]
async fn only_a_user_in_the_file_hears_a_guarded_mount() {
    let (_folder, station) = guarded(true);
    let mut source = FakeSource::on(&station, "/x.mp3").await;
    source.play(10).await;

    for authorization in ["", &with("alice", "guessed"), &with("bob", "secret")] {
        let mut turned_away = listen(&station, authorization).await;
        let head = turned_away.head().await;
        assert_eq!(head.status, 401, "{authorization:?}");
        assert_eq!(head.headers.first("www-authenticate"), Some(CHALLENGE));
    }
    let by_query = station.get("/x.mp3?user=alice&pass=secret", None).await;
    assert_eq!(by_query.status(), 401);

    let mut alice = listen(&station, &with("alice", "secret")).await;
    assert_eq!(alice.head().await.status, 200);
    let listed = station.admin("/admin/listclients?mount=/x.mp3").await;
    let text = listed.text();
    assert!(text.contains("</ID><username>alice</username></listener>"), "{text}");
    let mounts = station.admin("/admin/listmounts").await;
    let expected = "<listeners>1</listeners><authenticator>htpasswd</authenticator><Connected>";
    assert!(mounts.text().contains(expected), "{}", mounts.text());
    assert_eq!(station.until_on_air("/x.mp3").await["authenticator"], "htpasswd");
}

#[tokio::test]
async fn without_a_source_a_user_finds_nothing_and_a_stranger_is_asked_who_it_is() {
    let (_folder, station) = guarded(true);

    assert_eq!(station.get("/x.mp3", Some(("alice", "secret"))).await.status(), 404);
    assert_eq!(station.get("/x.mp3", None).await.status(), 401);
}

#[tokio::test]
async fn a_user_who_may_listen_once_is_asked_again_until_it_has_left() {
    let (_folder, station) = guarded(false);
    let mut source = FakeSource::on(&station, "/x.mp3").await;
    source.play(10).await;
    let mut first = listen(&station, &with("alice", "secret")).await;
    assert_eq!(first.head().await.status, 200);

    let mut second = listen(&station, &with("alice", "secret")).await;
    assert_eq!(second.head().await.status, 401);

    drop(first);
    station.until_listeners("/x.mp3", 0).await;
    let mut third = listen(&station, &with("alice", "secret")).await;
    assert_eq!(third.head().await.status, 200);
}

#[tokio::test]
async fn users_are_managed_in_icecasts_words_and_form() {
    let (folder, station) = guarded(true);
    let said = async |more: &str| {
        let answer = station.admin(&format!("/admin/manageauth?mount=/x.mp3{more}")).await;
        let text = answer.text();
        assert_eq!(answer.status(), 200, "{text}");
        let message = text.split("<message>").nth(1).and_then(|rest| rest.split('<').next());
        let users = text.split("<username>").skip(1).filter_map(|rest| rest.split('<').next());
        (message.unwrap_or_default().to_owned(), users.collect::<Vec<_>>().join(" "))
    };
    let is = |message: &str, users: &str| (message.to_owned(), users.to_owned());

    assert_eq!(said("").await, is("", "alice"));
    let add = "&action=add&username=bob&password=pw";
    assert_eq!(said(add).await, is("User added", "alice bob"));
    assert_eq!(said(add).await, is("User already exists - not added", "alice bob"));
    let file = folder.path().join("users");
    let bob = "bob:8fe4c11451281c094a6578e6ddbf5eed\n";
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("{ALICE}{bob}"));
    assert_eq!(station.get("/x.mp3", Some(("bob", "pw"))).await.status(), 404, "known, no source");

    assert_eq!(said("&action=delete&username=bob").await, is("User deleted", "alice"));
    assert_eq!(said("&action=delete&username=zed").await, is("User deleted", "alice"));
    assert_eq!(fs::read_to_string(&file).unwrap(), ALICE);
    assert_eq!(station.get("/x.mp3", Some(("bob", "pw"))).await.status(), 401);
}

#[tokio::test]
async fn what_cannot_be_a_user_is_refused_and_the_file_stays() {
    let (folder, station) = guarded(true);
    let _source = FakeSource::on(&station, "/open.mp3").await;

    for (target, sentence) in [
        ("/x.mp3&action=add&username=bob", "400 - missing parameter"),
        ("/x.mp3&action=delete", "400 - missing parameter"),
        ("/x.mp3&action=add&username=a%3ab&password=x", "400 - a user's name is"),
        ("/x.mp3&action=add&username=a%0aroot&password=x", "400 - a user's name is"),
        ("/open.mp3", "400 - missing parameter"),
        ("/nobody.mp3", "400 - Source does not exist"),
    ] {
        let answer = station.admin(&format!("/admin/manageauth?mount={target}")).await;
        assert!(answer.text().contains(sentence), "{target}: {}", answer.text());
    }
    assert_eq!(fs::read_to_string(folder.path().join("users")).unwrap(), ALICE);
}

#[tokio::test]
async fn who_guesses_too_often_is_refused_even_with_the_right_password() {
    let (_folder, station) = station(|config| config.limits.failed_logins_per_minute = Some(3));
    let source = basic("source", "guessed");
    let stats = "/admin/stats";
    assert_eq!(station.get(stats, Some(("admin", "guessed"))).await.status(), 401);
    assert_eq!(station.get("/x.mp3", Some(("alice", "guessed"))).await.status(), 401);
    assert_eq!(station.admin(stats).await.status(), 200, "two have failed, three may");
    let request = format!("SOURCE /x.mp3 HTTP/1.0\r\nAuthorization: {source}\r\n\r\n");
    assert_eq!(Wire::ask(station.address(), &request).await.answer().await.status(), 401);

    let refused = station.admin(stats).await;

    assert_eq!(refused.status(), 429);
    assert!(refused.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds <= 61));
    let sentence = "too many wrong passwords from your address; try again in";
    assert!(refused.text().starts_with(sentence), "{}", refused.text());
    let right = basic("source", SOURCE_PASSWORD);
    for request in [
        format!("SOURCE /x.mp3 HTTP/1.0\r\nAuthorization: {right}\r\n\r\n"),
        format!("GET /x.mp3 HTTP/1.0\r\nAuthorization: {}\r\n\r\n", basic("alice", "secret")),
    ] {
        assert_eq!(Wire::ask(station.address(), &request).await.answer().await.status(), 429);
    }
    assert_eq!(station.get("/status-json.xsl", None).await.status(), 200);
    // 127.0.0.2 is this machine too, and another address.
    let authorization = basic("admin", ADMIN_PASSWORD);
    let request = format!("GET {stats} HTTP/1.0\r\nAuthorization: {authorization}\r\n\r\n");
    assert_eq!(from(2, &station, &request).await.answer().await.status(), 200);
}

#[tokio::test]
async fn one_address_has_no_more_listeners_than_it_may() {
    let (_folder, station) = station(|config| config.limits.listeners_per_ip = Some(2));
    let mut source = FakeSource::on(&station, "/y.mp3").await;
    source.play(10).await;
    let request = "GET /y.mp3 HTTP/1.0\r\n\r\n";
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut listener = Wire::ask(station.address(), request).await;
        assert_eq!(listener.head().await.status, 200);
        held.push(listener);
    }

    let refused = Wire::ask(station.address(), request).await.answer().await;
    let mut other = Wire::ask_from("127.0.0.2".parse().unwrap(), station.address(), request).await;

    assert_eq!(refused.status(), 403);
    assert!(refused.text().contains("2 listeners already"), "{}", refused.text());
    assert_eq!(other.head().await.status, 200);
    drop(held);
    station.until_listeners("/y.mp3", 1).await;
    let mut again = Wire::ask(station.address(), request).await;
    assert_eq!(again.head().await.status, 200);
}

#[tokio::test]
async fn who_is_denied_gets_not_a_byte() {
    let (folder, station) = denying("127.0.0.2\n# a remark\n127.0.0.3 2100-01-01T00:00:00Z\n");
    let request = "GET /status-json.xsl HTTP/1.0\r\n\r\n";

    assert_eq!(from(2, &station, request).await.rest().await, "");
    assert_eq!(from(3, &station, request).await.rest().await, "");
    assert_eq!(from(4, &station, request).await.answer().await.status(), 200);

    fs::write(folder.path().join("deny"), "127.0.0.4\n").expect("the file");
    let is_open = async |last| from(last, &station, request).await.rest().await.len() > 1;
    until("the file counts", async || (!is_open(4).await).then_some(())).await;
    assert!(is_open(2).await && is_open(3).await);
}

#[tokio::test]
async fn a_ban_sends_listeners_away_and_keeps_them_out_until_it_is_lifted() {
    let (folder, station) = denying("");
    let mut source = FakeSource::on(&station, "/x.mp3").await;
    source.play(10).await;
    let listen = "GET /x.mp3 HTTP/1.0\r\n\r\n";
    let mut banned = from(2, &station, listen).await;
    assert_eq!(banned.head().await.status, 200);
    let mut other = from(3, &station, listen).await;
    assert_eq!(other.head().await.status, 200);

    let said = station.admin("/admin/ban?address=127.0.0.2").await;

    let message = "<message>127.0.0.2 banned, 1 listeners removed</message><return>1</return>";
    assert!(said.text().contains(message), "{}", said.text());
    banned.rest().await;
    station.until_listeners("/x.mp3", 1).await;
    assert_eq!(from(2, &station, listen).await.rest().await, "");
    assert_eq!(fs::read_to_string(folder.path().join("deny")).unwrap(), "127.0.0.2\n");
    let list = station.admin("/admin/bans").await;
    let listed = "<bans>1</bans><ban><address>127.0.0.2</address></ban>";
    assert!(list.text().contains(listed), "{}", list.text());

    let said = station.admin("/admin/unban?address=127.0.0.2").await;

    assert!(said.text().contains("<message>127.0.0.2 no longer banned"), "{}", said.text());
    assert_eq!(from(2, &station, listen).await.head().await.status, 200);
    assert!(station.admin("/admin/unban?address=127.0.0.2").await.text().contains("not banned"));
}

#[tokio::test]
async fn a_program_is_refused_by_its_name() {
    let station = Station::changed("", |config| {
        config.access.deny_agents = vec!["*Ripper*".to_owned()];
    });
    let asked = async |agent: &str| {
        let request = format!("GET /status-json.xsl HTTP/1.0\r\nUser-Agent: {agent}\r\n\r\n");
        Wire::ask(station.address(), request).await.answer().await
    };

    let refused = asked("streamripper/1.2").await;
    assert_eq!((refused.status(), refused.text()), (403, "this program is not welcome here\r\n"));
    assert_eq!(asked("VLC/3").await.status(), 200);

    station.admin("/admin/ban?agent=VLC*&seconds=600").await;
    assert_eq!(asked("VLC/3").await.status(), 403);
    station.admin("/admin/unban?agent=VLC*").await;
    assert_eq!(asked("VLC/3").await.status(), 200);
}

#[tokio::test]
async fn only_the_administrator_bans_and_never_itself_or_everybody() {
    let station = Station::start();
    let _source = FakeSource::on(&station, "/x.mp3").await;
    let ban = "/admin/ban?address=192.0.2.1";

    assert_eq!(station.get(ban, None).await.status(), 401);
    assert_eq!(station.as_source(&format!("{ban}&mount=/x.mp3")).await.status(), 401);
    for (wrong, sentence) in [
        ("/admin/ban?address=127.0.0.0/8", "127.0.0.0/8 is where you are"),
        ("/admin/ban?address=0.0.0.0/0", "0.0.0.0/0 is where you are"),
        ("/admin/ban?address=host", "address is one such as"),
        ("/admin/ban?agent=*", "agent is a pattern"),
        ("/admin/ban?address=192.0.2.1&seconds=0", "seconds is a number"),
        ("/admin/ban?address=192.0.2.1&agent=x", "give an address or an agent, not both"),
        ("/admin/ban", "Missing parameter"),
    ] {
        let answer = station.admin(wrong).await;
        assert!(answer.text().contains(&format!("400 - {sentence}")), "{}", answer.text());
    }
    let list = station.admin("/admin/bans").await;
    assert!(list.text().contains("<bans>0</bans>"), "{}", list.text());
}

#[tokio::test]
async fn behind_a_trusted_proxy_a_client_is_known_by_its_own_address() {
    let station = Station::changed("", |config| {
        config.access.trusted_proxies = vec!["127.0.0.1/32".parse().expect("a network")];
        config.access.deny = vec!["192.0.2.66/32".parse().expect("a network")];
    });
    let mut source = FakeSource::on(&station, "/x.mp3").await;
    source.play(10).await;
    let asked = |lines: &str| format!("GET /x.mp3 HTTP/1.0\r\n{lines}\r\n");
    let told = asked("X-Forwarded-For: 8.8.8.8, 192.0.2.7\r\n");
    let mut behind = Wire::ask(station.address(), &told).await;
    assert_eq!(behind.head().await.status, 200);
    let mut liar = from(2, &station, &told).await;
    assert_eq!(liar.head().await.status, 200);

    let listed = station.admin("/admin/listclients?mount=/x.mp3").await;

    let text = listed.text();
    assert!(text.contains("<IP>192.0.2.7</IP>") && text.contains("<IP>127.0.0.2</IP>"), "{text}");
    let banned = asked("Forwarded: for=192.0.2.66\r\n");
    assert_eq!(Wire::ask(station.address(), &banned).await.rest().await, "");
}

#[tokio::test]
async fn a_proxy_may_say_first_whose_connection_it_is() {
    let station = Station::changed("", |config| {
        config.access.trusted_proxies = vec!["127.0.0.2/31".parse().expect("a network")];
        config.access.deny = vec!["192.0.2.66/32".parse().expect("a network")];
        config.access.proxy_protocol = true;
    });
    let mut source = FakeSource::on(&station, "/x.mp3").await;
    source.play(10).await;
    let v1 = |ip: &str| format!("PROXY TCP4 {ip} 198.51.100.1 4711 8000\r\n").into_bytes();
    let v2 = [b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".as_slice(), &[192, 0, 2, 8], &[0; 8]].concat();
    let request = b"GET /x.mp3 HTTP/1.0\r\n\r\n";
    let mut listeners = Vec::new();
    for header in [v1("192.0.2.7"), v2] {
        let mut listener = from(2, &station, [&header, request.as_slice()].concat()).await;
        assert_eq!(listener.head().await.status, 200);
        listeners.push(listener);
    }

    let listed = station.admin("/admin/listclients?mount=/x.mp3").await;

    let text = listed.text();
    assert!(text.contains("<IP>192.0.2.7</IP>") && text.contains("<IP>192.0.2.8</IP>"), "{text}");
    let banned = [&v1("192.0.2.66"), request.as_slice()].concat();
    for closed in [banned, request.to_vec(), b"PROXY nonsense\r\n".to_vec()] {
        assert_eq!(from(3, &station, closed).await.rest().await, "");
    }
}

#[tokio::test]
async fn a_full_server_can_be_looked_after_and_answers_others_at_once() {
    let station = Station::changed("", |config| {
        config.limits.clients_max = 2;
        config.limits.clients_reserved = 1;
    });
    let mut source = FakeSource::on(&station, "/x.mp3").await;
    source.play(10).await;
    let listen = "GET /x.mp3 HTTP/1.0\r\n\r\n";
    let mut listener = Wire::ask(station.address(), listen).await;
    assert_eq!(listener.head().await.status, 200);

    let stats = station.admin("/admin/stats").await;

    assert_eq!(stats.status(), 200);
    let no_place = until("the reserved place is free", async || {
        let answer = Wire::ask(station.address(), listen).await.answer().await;
        (answer.status() == 503).then_some(answer)
    });
    assert_eq!(no_place.await.text(), "connection limit reached\r\n");
    // Nobody sits on the reserved place, and who comes while it is taken is answered too.
    let mut idle = Wire::dial(station.address()).await;
    let refused = Wire::ask(station.address(), listen).await.answer().await;
    assert_eq!(refused.status(), 503);
    idle.rest().await;
    let is_free = async || (station.admin("/admin/stats").await.status() == 200).then_some(());
    until("the reserved place is free again", is_free).await;
}

/// A server with a file of addresses that may not connect.
fn denying(text: &str) -> (TempDir, Station) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("deny");
    fs::write(&file, text).expect("a file in the folder");
    let station = Station::changed("", |config| config.access.deny_file = Some(file));
    (folder, station)
}

/// Somebody at 127.0.0.`last` who sends `bytes`.
async fn from(last: u8, station: &Station, bytes: impl AsRef<[u8]>) -> Wire {
    Wire::ask_from([127, 0, 0, last].into(), station.address(), bytes).await
}

/// A server on which listeners of `/x.mp3` have to be in a file of users, in which alice is.
fn guarded(duplicates: bool) -> (TempDir, Station) {
    station(|config| {
        for (_, mount) in &mut config.mounts.rules {
            let Some(ListenerAuth::Htpasswd { duplicates: may, .. }) = &mut mount.listeners else {
                continue;
            };
            *may = duplicates;
        }
    })
}

/// The same, with the configuration changed by `change`.
fn station(change: impl FnOnce(&mut Config)) -> (TempDir, Station) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("users");
    fs::write(&file, ALICE).expect("a file in the folder");
    let station = Station::changed("[mounts.'/x.mp3']", |config| {
        let (_, mount) = config.mounts.rules.first_mut().expect("the mount of the file");
        mount.listeners = Some(ListenerAuth::Htpasswd { file, duplicates: true });
        change(config);
    });
    (folder, station)
}

/// Somebody who asks for `/x.mp3`.
async fn listen(station: &Station, lines: &str) -> Wire {
    Wire::ask(station.address(), format!("GET /x.mp3 HTTP/1.0\r\n{lines}\r\n")).await
}

fn with(user: &str, password: &str) -> String {
    format!("Authorization: {}\r\n", basic(user, password))
}

/// Her password is `secret`.
const ALICE: &str = "alice:5ebe2294ecd0e0f08eab7690d2a6ee69\n";
const CHALLENGE: &str = "Basic realm=\"Icecast2 Server\"";

//! Who may do what: users of a mount, and those who guess passwords.

use e2e::{ADMIN_PASSWORD, FakeSource, SOURCE_PASSWORD, Station, Wire, basic};
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
    let from = "127.0.0.2".parse().unwrap();
    let authorization = basic("admin", ADMIN_PASSWORD);
    let request = format!("GET {stats} HTTP/1.0\r\nAuthorization: {authorization}\r\n\r\n");
    let mut other = Wire::ask_from(from, station.address(), &request).await;
    assert_eq!(other.answer().await.status(), 200);
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

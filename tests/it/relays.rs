//! Relays: streams fetched from the packaged Icecast and from ourselves, and given to it.

use e2e::{FakeSource, Icecast, IcecastXml, Player, RELAY_PASSWORD, Station, pages, until, within};
use server::config::TlsFiles;
use std::fs;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

fn relaying(address: SocketAddr, more: &str) -> Station {
    let what = format!("server = '{address}', mount = '/live.mp3', local_mount = '/here.mp3'");
    Station::with(&format!("relay = [{{ {what}, {more} }}]"))
}

#[tokio::test]
async fn a_stream_of_icecast_is_fetched_with_its_titles_and_without_a_broken_frame() {
    let Some(icecast) = Icecast::start().await else { return };
    let mut source = FakeSource::on(&icecast, "/live.mp3").await;
    source.play(100).await;
    let station = relaying(icecast.address(), "titles = true");

    station.until_on_air("/here.mp3").await;
    let mut player = Player::with_titles(&station, "/here.mp3").await;
    let url = "/admin/metadata?mode=updinfo&mount=/live.mp3&song=Blue";
    assert_eq!(icecast.admin(url).await.status(), 200);
    source.play(400).await;

    let heard = player.hear_frames(300).await;
    assert_eq!(heard.count(), 300);
    player.until_title("Blue").await;
    station.until_titled("/here.mp3", "Blue").await;
}

#[tokio::test]
async fn listeners_are_kept_while_the_upstream_is_away() {
    let Some(mut icecast) = Icecast::start().await else { return };
    let mut source = FakeSource::on(&icecast, "/live.mp3").await;
    source.play(100).await;
    let station = relaying(icecast.address(), "titles = false");
    station.until_on_air("/here.mp3").await;
    let mut player = Player::tune_in(&station, "/here.mp3").await;
    assert_eq!(player.hear_frames(50).await.count(), 50);

    icecast.kill().await;
    station.until_off_air("/here.mp3").await;
    icecast.start_again().await;
    let mut source = FakeSource::on(&icecast, "/live.mp3").await.from_frame(5_000);
    source.play(200).await;

    // What came before the loss is heard first, then what comes after it.
    let mut last = 0;
    while last < 5_100 {
        last = player.hear_frames(1).await.end;
    }
}

#[tokio::test]
async fn a_stream_whose_connection_breaks_goes_on_where_it_was() {
    let origin = Station::with("limits.flush_delay = 0");
    let mut source = FakeSource::on(&origin, "/live.mp3").await;
    source.play(300).await;
    let station = relaying(origin.address(), "");
    station.until_on_air("/here.mp3").await;
    let mut player = Player::tune_in(&station, "/here.mp3").await;
    let mut heard = player.hear_frames(50).await.end;

    break_off(&origin, "/live.mp3").await;
    source.play(100).await;

    // The burst of the new connection was heard already.
    while heard < 390 {
        let frame = player.hear_frames(1).await;
        assert_eq!(frame.start, heard);
        heard = frame.end;
    }
}

#[tokio::test]
async fn an_ogg_stream_whose_connection_breaks_goes_on_where_it_was() {
    let origin = Station::with("limits.flush_delay = 0");
    let mut source = FakeSource::of(&origin, "/live.opus", "audio/ogg").await;
    let headers = pages::opus_headers(1, "Blue");
    let page = |number| pages::audio(1, number);
    source.send([headers.clone(), (0..100).flat_map(page).collect()].concat()).await;
    let address = origin.address();
    let relay = format!("server = '{address}', mount = '/live.opus', local_mount = '/here.opus'");
    let station = Station::with(&format!("relay = [{{ {relay} }}]\nlimits.flush_delay = 0"));
    station.until_on_air("/here.opus").await;
    let mut player = Player::tune_in(&station, "/here.opus").await;
    assert_eq!(player.hear(headers.len()).await, headers);
    for number in 0..100 {
        assert_eq!(player.hear(page(number).len()).await, page(number));
    }

    break_off(&origin, "/live.opus").await;
    source.send((100..150).flat_map(page).collect::<Vec<_>>()).await;

    for number in 100..150 {
        assert_eq!(player.hear(page(number).len()).await, page(number), "page {number}");
    }
    station.until_titled("/here.opus", "Blue").await;
    // Who comes now has the headers, and the burst from before the break.
    let mut newcomer = Player::tune_in(&station, "/here.opus").await;
    assert_eq!(newcomer.hear(headers.len()).await, headers);
    assert_eq!(newcomer.hear(page(0).len()).await, page(0));
}

/// Cuts the one listener of `mount` off, and waits until it is there again.
async fn break_off(origin: &Station, mount: &str) {
    let clients = origin.admin(&format!("/admin/listclients?mount={mount}")).await;
    let clients = clients.text().to_owned();
    let id = clients.split_once("<ID>").and_then(|(_, rest)| rest.split_once('<'));
    let (id, _) = id.expect("the relay is a client");
    origin.admin(&format!("/admin/killclient?mount={mount}&id={id}")).await;
    origin.until_listeners(mount, 0).await;
    origin.until_listeners(mount, 1).await;
}

#[tokio::test]
async fn a_stream_on_demand_is_fetched_for_the_first_listener_and_left_by_the_last() {
    let upstream = Station::start();
    let mut source = FakeSource::on(&upstream, "/live.mp3").await;
    source.play(200).await;
    let station = relaying(upstream.address(), "on_demand = true");
    upstream.until_listeners("/live.mp3", 0).await;

    let mut player = Player::tune_in(&station, "/here.mp3").await;
    assert_eq!(player.hear_frames(20).await.count(), 20);
    upstream.until_listeners("/live.mp3", 1).await;
    drop(player);

    upstream.until_listeners("/live.mp3", 0).await;
    let mut again = Player::tune_in(&station, "/here.mp3").await;
    assert_eq!(again.hear_frames(20).await.count(), 20);
}

#[tokio::test]
async fn a_slave_of_icecast_has_all_its_streams_and_icecast_can_be_ours() {
    let password = RELAY_PASSWORD;
    let Some(icecast) = Icecast::start().await else { return };
    let mut source = FakeSource::on(&icecast, "/live.mp3").await;
    source.play(200).await;

    let station = Station::with(&format!(
        "passwords.relay = '{password}'\nmaster.server = '{}'\nmaster.user = 'relay'\n\
         master.password = '{password}'\nmaster.update_interval = '1s'\n",
        icecast.address()
    ));
    station.until_on_air("/live.mp3").await;
    let mut player = Player::tune_in(&station, "/live.mp3").await;
    assert_eq!(player.hear_frames(50).await.count(), 50);

    let slave = format!(
        "<master-server>127.0.0.1</master-server><master-server-port>{}</master-server-port>\
         <master-update-interval>1</master-update-interval><master-username>relay\
         </master-username><master-password>{password}</master-password>",
        station.address().port()
    );
    let Some(slave) = Icecast::with(&IcecastXml::new().and(&slave)).await else { return };
    slave.until_on_air("/live.mp3").await;
}

#[tokio::test]
async fn a_redirect_is_followed_and_the_password_stays_at_home() {
    let upstream = Station::start();
    let mut source = FakeSource::on(&upstream, "/live.mp3").await;
    source.play(200).await;
    let front = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = front.local_addr().unwrap();
    let station = relaying(address, "user = 'me', password = 'secret'");

    let (mut asked, _) = within("the relay dials", front.accept()).await.unwrap();
    let mut request = [0; 4_096];
    let length = within("it asks", asked.read(&mut request)).await.unwrap();
    let request = String::from_utf8_lossy(&request[..length]).into_owned();
    let to = upstream.url("/live.mp3");
    let answer = format!("HTTP/1.0 302 Found\r\nLocation: {to}\r\n\r\n");
    asked.write_all(answer.as_bytes()).await.unwrap();

    assert!(request.contains("\r\nAuthorization: Basic bWU6c2VjcmV0\r\n"), "{request}");
    station.until_on_air("/here.mp3").await;
    let mut player = Player::tune_in(&station, "/here.mp3").await;
    assert_eq!(player.hear_frames(50).await.count(), 50);
    until("the upstream has a listener", async || {
        (upstream.stat("/live.mp3", "listeners").await == "1").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_stream_is_fetched_over_tls_only_from_a_server_that_somebody_vouches_for() {
    let folder = tempfile::tempdir().expect("a folder for a certificate");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    fs::write(&certificate, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let files = TlsFiles { certificate: certificate.clone(), key };
    // Its port takes plain connections too, so that its source need not speak TLS.
    let upstream = Station::changed("", |config| config.tls = Some(files));
    let mut source = FakeSource::on(&upstream, "/live.mp3").await;
    source.play(200).await;
    let server = format!("tls://localhost:{}", upstream.address().port());
    let relay = |local: &str| {
        format!("relay = [{{ server = '{server}', mount = '/live.mp3', local_mount = '{local}' }}]")
    };

    let trusting = format!("{}\ntls.trust = '{}'", relay("/here.mp3"), certificate.display());
    let (trusting, wary) = (Station::with(&trusting), Station::with(&relay("/there.mp3")));

    trusting.until_on_air("/here.mp3").await;
    let mut player = Player::tune_in(&trusting, "/here.mp3").await;
    assert_eq!(player.hear_frames(50).await.count(), 50);
    assert_eq!(upstream.stat("/live.mp3", "listeners").await, "1");
    assert_eq!(wary.get("/there.mp3", None).await.status(), 404);
}

#[tokio::test]
async fn a_server_is_dialled_from_the_address_that_the_relay_names() {
    let upstream = Station::start();
    let mut source = FakeSource::on(&upstream, "/live.mp3").await;
    source.play(200).await;

    let station = relaying(upstream.address(), "bind_address = '127.0.0.3'");

    station.until_on_air("/here.mp3").await;
    let listed = upstream.admin("/admin/listclients?mount=/live.mp3").await;
    assert!(listed.text().contains("<IP>127.0.0.3</IP>"), "{}", listed.text());
}

#[tokio::test]
async fn a_relay_on_demand_that_rests_is_in_the_statistics_and_not_on_air() {
    let upstream = Station::start();
    let mut source = FakeSource::on(&upstream, "/live.mp3").await;
    source.play(200).await;
    let station = relaying(upstream.address(), "on_demand = true");

    let rests =
        async || (station.stat("/here.mp3", "max_listeners").await == "unlimited").then_some(());
    until("the relay is known", rests).await;
    assert_eq!(station.stat("/here.mp3", "stream_start").await, "");
    assert!(station.mount("/here.mp3").await.is_none(), "the public is told of what plays");
    let listed = station.admin("/admin/listclients?mount=/here.mp3").await;
    assert!(listed.text().contains("<Listeners>0</Listeners>"), "{}", listed.text());
    let mounts = station.admin("/admin/listmounts").await;
    let resting =
        "<source mount=\"/here.mp3\"><fallback></fallback><listeners>0</listeners></source>";
    assert!(mounts.text().contains(resting), "{}", mounts.text());

    let mut player = Player::tune_in(&station, "/here.mp3").await;
    assert_eq!(player.hear_frames(20).await.count(), 20);
    assert!(!station.mount("/here.mp3").await.unwrap()["stream_start"].is_null());
    let stats = station.admin("/admin/stats").await;
    let relayed = "<source_relay_connections>1</source_relay_connections>";
    assert!(stats.text().contains(relayed), "{}", stats.text());
}

#[tokio::test]
async fn servers_that_relay_each_other_do_not_hear_themselves() {
    // Each is told where the other is before it runs.
    let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (hold, other) = (free(), free());
    let (a, b) = (hold.local_addr().unwrap(), other.local_addr().unwrap());
    drop((hold, other));
    let relay = |to: SocketAddr| {
        format!("relay = [{{ server = '{to}', mount = '/x.mp3', on_demand = true }}]")
    };
    let a = Station::at_address(a, &relay(b));
    let b = Station::at_address(b, &relay(a.address()));

    let began = tokio::time::Instant::now();
    let answer = a.get("/x.mp3", None).await;

    assert_eq!(answer.status(), 404);
    assert!(began.elapsed() < std::time::Duration::from_secs(5), "{:?}", began.elapsed());
    let sources = |stats: &str| stats.contains("<source_relay_connections>0<");
    assert!(sources(a.admin("/admin/stats").await.text()));
    assert!(sources(b.admin("/admin/stats").await.text()));
}

#[tokio::test]
async fn a_server_may_relay_itself_under_another_name() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let relay = format!(
        "relay = [{{ server = '{address}', mount = '/live.mp3', local_mount = '/copy.mp3' }}]"
    );
    let station = Station::at_address(address, &relay);
    let mut source = FakeSource::on(&station, "/live.mp3").await;
    source.play(200).await;

    station.until_on_air("/copy.mp3").await;
    let mut player = Player::tune_in(&station, "/copy.mp3").await;
    assert_eq!(player.hear_frames(20).await.count(), 20);
}

//! URL authentication: a backend that is asked and told, by Icecast and by us in the same words.

use e2e::{
    Asked, FakeSource, FakeWeb, Icecast, IcecastXml, SOURCE_PASSWORD, Station, Wire, basic, within,
};
use std::time::Duration;
use tokio::time::Instant;

/// The line that says yes.
const YES: &str = "icecast-auth-user: 1\r\n";

fn yes(_: &Asked) -> Option<String> {
    Some(format!("200 OK\r\n{YES}"))
}

/// The block of a mount whose backend is `web`, as Icecast reads it.
fn xml(web: &FakeWeb, more: &str) -> IcecastXml {
    let actions = [("listener_add", "/la"), ("listener_remove", "/lr"), ("mount_add", "/ma")];
    let actions = actions.into_iter().chain([("mount_remove", "/mr")]);
    let option = |(name, path)| format!("<option name=\"{name}\" value=\"{}\"/>", web.url(path));
    let options: String = actions.map(option).collect();
    IcecastXml::new().and(&format!(
        "<mount><mount-name>/a.mp3</mount-name><authentication type=\"url\">{options}{more}\
         </authentication></mount>"
    ))
}

/// A station whose mount `/a.mp3` has this section `url_auth`.
fn station(lines: &str) -> Station {
    Station::with(&format!("[mounts.'/a.mp3'.url_auth]\n{lines}"))
}

async fn listen(station: &Station, target: &str, lines: &str) -> Wire {
    let request = format!("GET {target} HTTP/1.0\r\nUser-Agent: Agent/1 (x)\r\n{lines}\r\n");
    Wire::ask(station.address(), request).await
}

/// A listener comes and goes, and then the source; what the backend was asked, in Icecast's order
/// of fields, without what differs from run to run.
async fn a_visit(station: &Station, web: &FakeWeb) -> Vec<String> {
    let mut source = FakeSource::on(station, "/a.mp3").await;
    source.play(100).await;
    web.until_asked("action=mount_add").await;
    let authorization = basic("u@x", "p&w");
    let lines = format!("Authorization: {authorization}\r\nX-Token: t k\r\nCookie: a=b; c=d\r\n");
    let mut listener = listen(station, "/a.mp3?token=a%20b&x=1", &lines).await;
    assert_eq!(listener.head().await.status, 200);
    let listed = station.admin("/admin/listclients?mount=/a.mp3").await;
    assert!(listed.text().contains("<username>u@x</username>"), "{}", listed.text());
    drop(listener);
    web.until_asked("action=listener_remove").await;
    drop(source);
    web.until_asked("action=mount_remove").await;
    let port = format!("&port={}", station.address().port());
    let told = web.asked().into_iter().map(|asked| {
        let body = asked.body.replace(&port, "&port=P");
        let fields = body.split('&').map(|field| match field.split_once('=') {
            Some((name @ ("client" | "duration"), _)) => format!("{name}=N"),
            _ => field.to_owned(),
        });
        let who = asked.head.headers.first("authorization").unwrap_or_default();
        let body = fields.collect::<Vec<_>>().join("&");
        format!("{} {} {who} {body}", asked.head.method, asked.head.target)
    });
    told.collect()
}

#[tokio::test]
async fn a_backend_hears_from_us_what_it_hears_from_icecast() {
    let more = "<option name=\"headers\" value=\"x-token,cookie\"/>\
                <option name=\"header_prefix\" value=\"ClientHeader.\"/>";
    let ours = FakeWeb::start(yes).await;
    let elements = xml(&ours, more);
    let station = Station::with_xml(&elements).unwrap();

    let told = a_visit(&station, &ours).await;

    let add = "POST /la Basic dUB4OnAmdw== action=listener_add&server=localhost&port=P&client=N\
               &mount=%2fa%2emp3%3ftoken%3da%2520b%26x%3d1&user=u%40x&pass=p%26w\
               &ip=127%2e0%2e0%2e1&agent=Agent%2f1%20%28x%29\
               &ClientHeader.x-token=t%20k&ClientHeader.cookie=a%3db%3b%20c%3dd";
    assert!(told.contains(&add.to_owned()), "{told:#?}");
    let theirs = FakeWeb::start(yes).await;
    let Some(icecast) = Icecast::with(&xml(&theirs, more)).await else { return };
    let told_by_icecast = a_visit(&icecast, &theirs).await;
    assert_eq!(told, told_by_icecast);
}

#[tokio::test]
async fn whom_the_backend_turns_away_is_asked_again_or_told_why() {
    let web = FakeWeb::start(|asked| {
        let answer = match &asked.body {
            body if body.contains("banned") => {
                "403 No\r\nicecast-auth-message: pay first\r\n".to_owned()
            }
            body if body.contains("unpaid") => "200 OK\r\nicecast-auth-message: no\r\n".to_owned(),
            _ => format!("500 Oh\r\n{YES}"),
        };
        Some(answer)
    })
    .await;
    let station = station(&format!("listener_add = '{}'", web.url("/la")));
    let mut source = FakeSource::on(&station, "/a.mp3").await;
    source.play(100).await;

    let unpaid = listen(&station, "/a.mp3?unpaid", "").await.answer().await;
    assert_eq!(unpaid.status(), 401);
    let banned = listen(&station, "/a.mp3?banned", "").await.answer().await;
    assert_eq!((banned.status(), banned.text()), (403, "pay first\r\n"));
    let head = "HEAD /a.mp3?unpaid HTTP/1.0\r\n\r\n";
    assert_eq!(Wire::ask(station.address(), head).await.head().await.status, 401);

    // Only the line counts, as in Icecast.
    assert_eq!(listen(&station, "/a.mp3", "").await.head().await.status, 200);
    station.until_listeners("/a.mp3", 0).await;
    let mounts = station.admin("/admin/listmounts").await;
    assert!(mounts.text().contains("<authenticator>url</authenticator>"), "{}", mounts.text());
}

#[tokio::test]
async fn a_listener_is_let_go_when_the_time_that_it_was_given_is_over() {
    let limited = |_: &Asked| Some(format!("200 OK\r\n{YES}icecast-auth-timelimit: 1\r\n"));
    let web = FakeWeb::start(limited).await;
    let lines = [
        format!("listener_add = '{}'", web.url("/la")),
        format!("listener_remove = '{}'", web.url("/lr")),
    ];
    let station = station(&lines.join("\n"));
    let mut source = FakeSource::on(&station, "/a.mp3").await;
    source.play(100).await;
    let began = Instant::now();
    let mut listener = listen(&station, "/a.mp3", "").await;

    listener.rest().await;

    assert!(began.elapsed() >= Duration::from_secs(1));
    let told = web.until_asked("action=listener_remove").await.body;
    assert!(told.contains("&duration=1&"), "{told}");
}

#[tokio::test]
async fn a_backend_that_does_not_answer_delays_only_whom_it_is_asked_about() {
    let web =
        FakeWeb::start(|asked| (!asked.body.contains("slow")).then(|| format!("200 OK\r\n{YES}")))
            .await;
    let station = station(&format!("listener_add = '{}'\ntimeout = '2s'", web.url("/la")));
    let mut source = FakeSource::on(&station, "/a.mp3").await;
    source.play(100).await;
    let mut slow = listen(&station, "/a.mp3?slow", "").await;
    web.until_asked("action=listener_add").await;

    let mut quick = listen(&station, "/a.mp3", "").await;
    let quick = within("the other listener is let in", quick.head()).await;
    let open = Wire::ask(station.address(), "GET /status-json.xsl HTTP/1.0\r\n\r\n").await;

    assert_eq!(quick.status, 200);
    assert!(slow.received.is_empty() && { open }.answer().await.status() == 200);
    let refused = slow.answer().await;
    assert_eq!(refused.status(), 503, "{}", refused.text());
}

#[tokio::test]
async fn a_listener_is_let_in_past_a_dead_backend_if_the_station_wishes_so() {
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("listener_add = 'http://{}/la'", dead.local_addr().unwrap());
    drop(dead);
    let station = station(&format!("{address}\non_silence = 'admit'"));
    let mut source = FakeSource::on(&station, "/a.mp3").await;
    source.play(100).await;

    assert_eq!(listen(&station, "/a.mp3", "").await.head().await.status, 200);
}

#[tokio::test]
async fn a_source_is_let_in_and_may_change_the_title_by_the_word_of_the_backend() {
    let web = FakeWeb::start(|asked| {
        let is_good = asked.body.contains("user=dj&pass=pw");
        Some(if is_good { format!("200 OK\r\n{YES}") } else { "200 OK\r\n".to_owned() })
    })
    .await;
    let station = station(&format!("stream_auth = '{}'", web.url("/sa")));
    let send = async |user, password| {
        let authorization = basic(user, password);
        let lines = format!("Authorization: {authorization}\r\nContent-Type: audio/mpeg\r\n");
        let request = format!("SOURCE /a.mp3 HTTP/1.0\r\n{lines}\r\n");
        let mut wire = Wire::ask(station.address(), request).await;
        (wire.head().await.status, wire)
    };

    assert_eq!(send("source", SOURCE_PASSWORD).await.0, 401, "the backend's word counts");
    let (status, _source) = send("dj", "pw").await;
    assert_eq!(status, 200);
    let asked = web.until_asked("action=stream_auth&mount=%2fa%2emp3&ip=127%2e0%2e0%2e1").await;
    assert!(!asked.body.contains("admin"), "{}", asked.body);

    let title = "/admin/metadata?mount=/a.mp3&mode=updinfo&song=Blue";
    assert_eq!(station.get(title, Some(("dj", "wrong"))).await.status(), 401);
    assert_eq!(station.get(title, Some(("dj", "pw"))).await.status(), 200);
    assert!(web.asked().last().is_some_and(|asked| asked.body.ends_with("&pass=pw&admin=1")));
    station.until_titled("/a.mp3", "Blue").await;
}

#[tokio::test]
async fn a_backend_is_told_of_every_listener_and_source_when_the_server_stops() {
    let web = FakeWeb::start(yes).await;
    let actions = ["listener_add", "listener_remove", "mount_add", "mount_remove"];
    let lines = actions.map(|action| format!("{action} = '{}'\n", web.url("/x"))).concat();
    let mut station = station(&lines);
    let mut source = FakeSource::on(&station, "/a.mp3").await;
    source.play(100).await;
    let mut listeners = Vec::new();
    for _ in 0..LISTENERS {
        let mut listener = listen(&station, "/a.mp3", "").await;
        assert_eq!(listener.head().await.status, 200);
        listeners.push(listener);
    }

    let stopped = tokio::task::spawn_blocking(move || station.stop());
    let outcome = within("the server stops", stopped).await.expect("it does not panic");

    assert_eq!(outcome, server::Outcome::Drained);
    let told =
        |action: &str| web.asked().iter().filter(|asked| asked.body.starts_with(action)).count();
    assert_eq!(told("action=listener_remove"), LISTENERS);
    assert_eq!(told("action=mount_remove"), 1);
}

#[tokio::test]
async fn a_backend_is_told_that_a_relayed_mount_is_gone_when_the_server_stops() {
    let upstream = Station::start();
    let mut source = FakeSource::on(&upstream, "/live.mp3").await;
    source.play(100).await;
    let web = FakeWeb::start(yes).await;
    let address = upstream.address();
    let relay = format!("server = '{address}', mount = '/live.mp3', local_mount = '/a.mp3'");
    let mut station = Station::with(&format!(
        "relay = [{{ {relay} }}]\n[mounts.'/a.mp3'.url_auth]\nmount_remove = '{}'\n",
        web.url("/x")
    ));
    station.until_on_air("/a.mp3").await;

    let stopped = tokio::task::spawn_blocking(move || station.stop());
    within("the server stops", stopped).await.expect("it does not panic");

    let asked = web.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(asked[0].body.starts_with("action=mount_remove"), "{asked:?}");
}

#[tokio::test]
async fn a_dead_backend_keeps_a_server_from_stopping_for_a_few_seconds_at_most() {
    let web = FakeWeb::start(|asked: &Asked| {
        (!asked.body.starts_with("action=listener_remove")).then(|| format!("200 OK\r\n{YES}"))
    })
    .await;
    let address = web.url("/x");
    let mut station =
        station(&format!("listener_add = '{address}'\nlistener_remove = '{address}'"));
    let mut source = FakeSource::on(&station, "/a.mp3").await;
    source.play(100).await;
    let mut listener = listen(&station, "/a.mp3", "").await;
    assert_eq!(listener.head().await.status, 200);

    let began = Instant::now();
    let stopped = tokio::task::spawn_blocking(move || station.stop());
    let outcome = within("the server stops", stopped).await.expect("it does not panic");

    assert_eq!(outcome, server::Outcome::Drained);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

/// More than a backend is told at once.
const LISTENERS: usize = 30;

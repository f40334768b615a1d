//! Tests of the HTTP server, by real sockets, of a console whose parts the test plays.

use super::*;
use crate::control::console::tests::Station;
use crate::programme::Command;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

#[tokio::test]
async fn the_state_is_told_as_json() {
    let served = Served::new(None).await;

    let state = served.json("GET", "/status").await;

    let channel = &state["channels"][0];
    assert_eq!(channel["playing"]["artist"], "Brian Eno");
    assert_eq!(channel["playing"]["since"], "1970-01-01T00:00:00Z");
    assert_eq!(channel["remaining_seconds"], 12.34);
    assert_eq!(channel["next"]["path"], "/m/b.mp3");
    assert_eq!(channel["coming"][0]["paths"], json!(["/m/c.mp3", "/m/d.mp3"]));
    assert_eq!(channel["levels"]["left"]["peak_dbfs"], -6.0);
    let output = &state["outputs"][0];
    assert_eq!((&output["link"], &output["last_error"]), (&json!("dialling"), &json!("refused")));
    assert_eq!(served.json("GET", "/channels/main").await, *channel);
    assert_eq!(served.json("GET", "/outputs/output_icecast_1").await, *output);
    assert_eq!(served.json("GET", "/playlists/library").await["items"], 0);
}

#[tokio::test]
async fn what_is_told_is_done() {
    let served = Served::new(None).await;

    assert_eq!(served.json("POST", "/channels/main/skip").await, json!({ "done": true }));
    assert!(matches!(served.station.commands.try_recv(), Ok(Command::Skip)));
    assert_eq!(served.json("POST", "/playlists/library/skip").await, json!({ "done": true }));
    assert_eq!(served.station.wishes.try_recv().unwrap().channels.len(), 1);
    assert_eq!(served.json("POST", "/outputs/a%2Emp3/stop").await, json!({ "done": true }));
    assert!(!*served.station.wanted.borrow());
    let said = served.post("/command", r#"{ "line": "a.mp3.status" }"#).await;
    assert!(said.ends_with(r#"{"reply":"off"}"#), "{said}");
}

#[tokio::test]
async fn effects_are_told_and_turned() {
    let served = Served::new(None).await;
    let turn = "/channels/main/sound";

    let said = served.post(turn, r#"{ "parameter": "volume.gain_db", "value": -3.5 }"#).await;
    assert!(said.ends_with(r#"{"done":true}"#), "{said}");
    assert!(matches!(served.station.commands.try_recv(), Ok(Command::Sound(_))));
    let said = served.post(turn, r#"{ "parameter": "stereo.mono", "value": true }"#).await;
    assert!(said.ends_with(r#"{"done":true}"#), "{said}");

    let sound = served.json("GET", turn).await;
    assert_eq!(
        sound["parameters"][0],
        json!({
            "parameter": "volume.gain_db",
            "value": -3.5,
            "unit": "decibels",
            "least": -60.0,
            "most": 24.0,
        })
    );
    assert_eq!(sound["parameters"][3]["value"], 1.0);
    for (body, status, reason) in [
        (r#"{ "parameter": "volume.gain_db", "value": 40 }"#, "422", "40 is not from -60 to 24 dB"),
        (r#"{ "parameter": "volume.x", "value": 1 }"#, "404", "no parameter called `volume.x`"),
    ] {
        let said = served.post(turn, body).await;
        assert!(said.starts_with(&format!("HTTP/1.0 {status} ")), "{said}");
        assert!(said.contains(reason), "{said}");
    }
}

#[tokio::test]
async fn a_track_is_asked_for_and_waits_in_its_queue() {
    let served = Served::new(None).await;

    let said = served.post("/queues/req/push", r#"{ "uri": "y.mp3" }"#).await;

    assert!(said.ends_with(r#"{"request":4}"#), "{said}");
    let queue = served.json("GET", "/queues/req").await;
    assert_eq!(
        (&queue["requests"][0]["id"], &queue["requests"][0]["uri"]),
        (&json!(4), &json!("y.mp3"))
    );
    assert_eq!(served.json("GET", "/status").await["queues"], json!([queue]));
    let said = served.post("/queues/other/push", r#"{ "uri": "y.mp3" }"#).await;
    assert!(said.contains("no queue called `other`"), "{said}");
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_with_its_status_and_a_reason() {
    let served = Served::new(None).await;
    for _ in 0..2 {
        served.json("POST", "/channels/main/skip").await;
    }
    let long = format!("{{\"line\": \"{}\"}}", "x".repeat(BODY_BYTES_MAX));

    for (said, status, reason) in [
        (served.say("POST", "/channels/main/skip").await, "503", "too many wishes are waiting"),
        (served.say("GET", "/channels/other").await, "404", "no channel called `other`"),
        (served.say("GET", "/channels").await, "404", "/openapi.json says what there is"),
        (served.say("GET", "/channels/main/skip").await, "405", "this takes POST only"),
        (served.post("/command", "skip").await, "400", "the body is not what is expected"),
        (served.post("/command", &long).await, "413", "larger than 65536 bytes"),
    ] {
        assert!(said.starts_with(&format!("HTTP/1.0 {status} ")), "{said}");
        assert!(said.contains("{\"error\":\"") && said.contains(reason), "{said}");
    }
}

#[tokio::test]
async fn another_configuration_is_told_of_line_by_line_and_so_are_its_mistakes() {
    let mut served = Served::new(None).await;
    for (outcome, status, expected) in [
        (Ok(vec!["output b: added".to_owned()]), 200, r#"{"lines":["output b: added"]}"#),
        (Err("a:1: x\na:2: y".to_owned()), 422, r#"{"error":"a:1: x\na:2: y"}"#),
    ] {
        let mut socket = served.connected().await;
        socket.write_all(b"POST /reload HTTP/1.0\r\n\r\n").await.unwrap();
        let wish = served.station.reloads.recv().await.unwrap();
        wish.outcome.send(outcome).unwrap();
        let mut said = String::new();
        socket.read_to_string(&mut said).await.unwrap();

        assert!(said.starts_with(&format!("HTTP/1.0 {status} ")), "{said}");
        assert!(said.ends_with(expected), "{said}");
    }
}

#[tokio::test]
async fn where_a_password_is_needed_nothing_is_told_without_it() {
    let served = Served::new(Some(Password::new("s3cret"))).await;

    let without = served.say("GET", "/status").await;
    let with = served.sent("GET /status HTTP/1.0\r\nAuthorization: Bearer s3cret\r\n\r\n").await;

    assert!(without.starts_with("HTTP/1.0 401 "), "{without}");
    assert!(without.contains("www-authenticate: Basic") && !without.contains("Brian"), "{without}");
    assert!(with.starts_with("HTTP/1.0 200 "), "{with}");
}

#[tokio::test]
async fn a_page_of_another_site_is_kept_out() {
    let served = Served::new(None).await;

    let said = served
        .sent("POST /channels/main/skip HTTP/1.0\r\nHost: localhost\r\nOrigin: http://evil\r\n\r\n")
        .await;

    assert!(said.starts_with("HTTP/1.0 403 "), "{said}");
    assert!(served.station.commands.try_recv().is_err());
}

#[tokio::test]
async fn a_follower_hears_the_state_and_then_what_changes_in_it() {
    let served = Served::new(None).await;
    let mut socket = served.connected().await;
    socket.write_all(b"GET /events?kinds=status,link HTTP/1.0\r\n\r\n").await.unwrap();
    let mut heard = String::new();
    until(&mut socket, &mut heard, "\n\n").await;

    served.station.link.send_modify(|link| link.last_error = Some("no route".into()));
    served.changes.send_replace(());
    until(&mut socket, &mut heard, "no route").await;

    let events: Vec<_> = heard.split_once("\r\n\r\n").unwrap().1.split("\n\n").collect();
    assert!(events[0].starts_with("event: status\ndata: {\"station\":"), "{heard}");
    assert!(events[1].starts_with("event: link\ndata: {\"output\":\"a.mp3\","), "{heard}");
}

#[tokio::test]
async fn one_connection_too_many_is_turned_away_and_a_place_that_gets_free_is_given() {
    let served = Served::new(None).await;
    let mut held = Vec::new();
    for _ in 0..CONNECTIONS_MAX {
        let mut socket = served.connected().await;
        socket.write_all(b"GET /events HTTP/1.0\r\n\r\n").await.unwrap();
        until(&mut socket, &mut String::new(), "\n\n").await;
        held.push(socket);
    }

    let mut left_over = served.connected().await;
    assert_eq!(left_over.read(&mut [0; 1]).await.unwrap_or(0), 0);
    held.clear();

    while served.server.connections.available_permits() == 0 {
        tokio::task::yield_now().await;
    }
    assert!(served.say("GET", "/status").await.starts_with("HTTP/1.0 200 "));
}

#[tokio::test]
async fn prometheus_gets_its_counts() {
    let served = Served::new(None).await;

    let said = served.say("GET", "/metrics").await;

    assert!(said.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{said}");
    for line in [
        "carrier_source_channel_on_air{channel=\"main\"} 1",
        "carrier_source_channel_peak_dbfs{channel=\"main\",side=\"right\"} -12",
        "carrier_source_output_connected{output=\"a.mp3\"} 0",
        "carrier_source_playlist_items{playlist=\"library\"} 0",
    ] {
        assert!(said.contains(&format!("\n{line}\n")), "{line}\nis not in\n{said}");
    }
}

#[tokio::test]
async fn the_description_names_every_route_and_describes_what_it_names() {
    let served = Served::new(None).await;

    let described = served.json("GET", "/openapi.json").await;

    let skip = &described["paths"]["/channels/{channel}/skip"]["post"];
    let schema = &skip["responses"]["200"]["content"]["application/json"]["schema"];
    assert_eq!(schema["$ref"], "#/components/schemas/Done");
    assert_eq!(skip["parameters"][0]["name"], "channel");
    let line = &described["paths"]["/command"]["post"]["requestBody"];
    assert_eq!(line["content"]["application/json"]["schema"]["$ref"], "#/components/schemas/Line");
    let text = described.to_string();
    let named = text.split("\"#/components/schemas/").skip(1);
    for name in named.filter_map(|rest| rest.split('"').next()) {
        assert!(described["components"]["schemas"].get(name).is_some(), "{name}");
    }
    let state = &described["components"]["schemas"]["State"]["properties"]["uptime_seconds"];
    assert_eq!(state["description"], "How long it has run.");
}

/// A server, and the parts it shows.
struct Served {
    station: Station,
    server: Http,
    address: std::net::SocketAddr,
    changes: watch::Sender<()>,
    _stop: watch::Sender<()>,
}

impl Served {
    async fn new(password: Option<Password>) -> Self {
        let station = Station::new();
        let (changes, changed) = watch::channel(());
        let (stop, stopped) = watch::channel(());
        let tasks = Tasks::default();
        let console = Arc::clone(&station.console);
        let server = Http::new(console, password, changed, stopped, tasks.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tasks.spawn(server.clone().serve(listener));
        Self { station, server, address, changes, _stop: stop }
    }

    async fn connected(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Everything that is answered to `request`.
    async fn sent(&self, request: &str) -> String {
        let mut socket = self.connected().await;
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut said = String::new();
        let reading = socket.read_to_string(&mut said);
        timeout(Duration::from_secs(20), reading).await.expect("it is answered").unwrap();
        said
    }

    async fn say(&self, verb: &str, path: &str) -> String {
        self.sent(&format!("{verb} {path} HTTP/1.0\r\n\r\n")).await
    }

    async fn post(&self, path: &str, body: &str) -> String {
        let length = body.len();
        self.sent(&format!("POST {path} HTTP/1.0\r\nContent-Length: {length}\r\n\r\n{body}")).await
    }

    async fn json(&self, verb: &str, path: &str) -> Value {
        let said = self.say(verb, path).await;
        let (head, body) = said.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.0 200 "), "{path}: {said}");
        assert!(head.contains("content-type: application/json"), "{path}: {head}");
        serde_json::from_str(body).unwrap()
    }
}

/// Reads from `socket` until what was `heard` holds `wanted`.
async fn until(socket: &mut TcpStream, heard: &mut String, wanted: &str) {
    let mut read = vec![0; 4_096];
    while !heard.contains(wanted) {
        let reading = timeout(Duration::from_secs(20), socket.read(&mut read));
        let length = reading.await.expect("it is said in time").unwrap();
        assert!(length > 0, "{wanted} is not in {heard}");
        heard.push_str(&String::from_utf8_lossy(&read[..length]));
    }
}

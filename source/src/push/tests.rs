//! Tests of an output against a server that is played by the test. Frames come from the test, so
//! no clock is involved.

use super::*;
use crate::config::{Address, Config, Method};
use crate::encode::Format;
use crate::encode::opus::Opus;
use bytes::Bytes;
use tokio::net::{TcpListener, TcpStream};

#[tokio::test]
async fn frames_and_their_titles_reach_the_server() {
    within_limit(async {
        let mut station = Playing::start(Method::Source).await;
        station.send("Ágætis byrjun").await;

        let (head, mut audio) = station.server.accept().await;
        assert!(head.starts_with("SOURCE /live.mp3 HTTP/1.0\r\n"), "{head}");
        answer(&mut audio, "HTTP/1.0 200 OK").await;
        station.until_on_air().await;
        station.send("Ágætis byrjun").await;

        let (request, mut metadata) = station.server.accept().await;
        assert!(request.contains("song=%C3%81g%C3%A6tis%20byrjun HTTP/1.0"), "{request}");
        answer(&mut metadata, "HTTP/1.0 200 OK").await;
        assert_eq!(read(&mut audio, FRAME.len()).await, FRAME);
    })
    .await;
}

#[tokio::test]
async fn a_title_is_told_once_and_again_after_a_reconnection() {
    within_limit(async {
        let mut station = Playing::start(Method::Source).await;
        for [now, then] in [["one", "two"], ["two", "three"]] {
            let (_, mut audio) = station.server.accept().await;
            answer(&mut audio, "HTTP/1.0 200 OK").await;
            station.until_on_air().await;
            for _ in 0..3 {
                station.send(now).await;
            }
            let (request, mut metadata) = station.server.accept().await;
            assert!(request.contains(&format!("song={now} ")), "{now}: {request}");
            answer(&mut metadata, "HTTP/1.0 200 OK").await;
            read(&mut audio, 3 * FRAME.len()).await;

            station.send(then).await;
            let (request, mut metadata) = station.server.accept().await;
            assert!(request.contains(&format!("song={then} ")), "{then}: {request}");
            answer(&mut metadata, "HTTP/1.0 200 OK").await;
        }
    })
    .await;
}

#[tokio::test]
async fn every_connection_is_sent_the_head_of_its_stream_first_and_no_titles_beside_it() {
    within_limit(async {
        let mut station = Playing::start_with(Method::Source, OGG).await;
        for head in ["head of one", "head of two"] {
            let (_, mut audio) = station.server.accept().await;
            answer(&mut audio, "HTTP/1.0 200 OK").await;
            station.until_on_air().await;
            for head in [head, head, "head of three"] {
                let head = Bytes::from_static(head.as_bytes());
                station.frames.send(Frame { head, ..frame("title") }).await.unwrap();
            }

            let expected = [head.as_bytes(), FRAME, FRAME, b"head of three", FRAME].concat();
            assert_eq!(read(&mut audio, expected.len()).await, expected);
        } // the connection breaks
        let (head, _) = station.server.accept().await;
        assert!(head.starts_with("SOURCE"), "no title is told aside: {head}");
    })
    .await;
}

#[tokio::test]
async fn a_server_that_does_not_know_the_mount_yet_is_told_the_title_again() {
    within_limit(async {
        let mut station = Playing::start(Method::Source).await;
        let (_, mut audio) = station.server.accept().await;
        answer(&mut audio, "HTTP/1.0 200 OK").await;
        station.until_on_air().await;
        station.send("early").await;

        for status in ["400 Source does not exist", "200 OK"] {
            let (request, mut metadata) = station.server.accept().await;
            assert!(request.contains("song=early"), "{request}");
            answer(&mut metadata, &format!("HTTP/1.0 {status}")).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_server_that_is_slow_to_take_a_title_does_not_hold_up_the_audio() {
    within_limit(async {
        let mut station = Playing::start(Method::Source).await;
        let (_, mut audio) = station.server.accept().await;
        answer(&mut audio, "HTTP/1.0 200 OK").await;
        station.until_on_air().await;
        station.send("one").await;
        let (_, _never_answered) = station.server.accept().await;

        for _ in 0..100 {
            station.send("one").await;
        }

        read(&mut audio, 101 * FRAME.len()).await;
        station.send("two").await;
        let (request, _) = station.server.accept().await;
        assert!(request.contains("song=two"), "a newer title is told at once: {request}");
    })
    .await;
}

#[tokio::test]
async fn put_waits_for_the_servers_word_before_it_sends() {
    within_limit(async {
        let mut station = Playing::start(Method::Put).await;
        let (head, mut audio) = station.server.accept().await;
        assert!(head.starts_with("PUT /live.mp3 HTTP/1.1\r\nExpect: 100-continue\r\n"), "{head}");
        audio.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.unwrap();
        station.until_on_air().await;
        station.send("").await;

        assert_eq!(read(&mut audio, FRAME.len()).await, FRAME);
    })
    .await;
}

#[tokio::test]
async fn what_a_server_says_when_it_says_no_is_passed_on() {
    within_limit(async {
        let mut station = Playing::start(Method::Source).await;
        let (_, mut audio) = station.server.accept().await;
        let answer = "HTTP/1.0 403 Forbidden\r\n\r\n<b>Mountpoint in use</b>";
        audio.write_all(answer.as_bytes()).await.unwrap();
        drop(audio);

        station
            .reports
            .wait_for(|status| matches!(status.link, Link::Waiting { refusals: 1, .. }))
            .await
            .unwrap();

        let status = station.reports.borrow().clone();
        let said = status.last_error.unwrap();
        assert_eq!(&*said, "the server says 403 Forbidden: Mountpoint in use");
    })
    .await;
}

#[tokio::test]
async fn what_is_due_while_nobody_listens_is_dropped_and_the_stream_begins_with_what_is_live() {
    within_limit(async {
        let mut station = Playing::start(Method::Source).await;
        let (_, mut audio) = station.server.accept().await;
        for _ in 0..2 * QUEUE_FRAMES {
            station.send("missed").await; // more than the queue holds, and nothing waits
        }
        answer(&mut audio, "HTTP/1.0 200 OK").await;
        station.until_on_air().await;

        station.send("live").await;

        let (request, _) = station.server.accept().await;
        assert!(request.contains("song=live"), "{request}");
        assert_eq!(read(&mut audio, FRAME.len()).await, FRAME);
        let unsent = station.reports.borrow().unsent_frames;
        assert_eq!(unsent, 2 * QUEUE_FRAMES as u64);
    })
    .await;
}

#[tokio::test]
async fn a_server_that_stops_reading_is_given_up_and_costs_no_more_than_the_queue() {
    within_limit(async {
        let mut station = Playing::start(Method::Source).await;
        let (_, mut audio) = station.server.accept().await;
        answer(&mut audio, "HTTP/1.0 200 OK").await;
        station.until_on_air().await;

        // Fill what the kernel holds, and then the queue; the server reads nothing.
        let moves = Duration::from_millis(300);
        while let Ok(sent) = timeout(moves, station.frames.send(frame(""))).await {
            sent.unwrap();
        }
        tokio::time::pause(); // from here on waiting costs no time
        let given_up =
            station.reports.wait_for(|status| status.last_error.as_deref() == Some(STALLED)).await;

        assert!(given_up.is_ok());
    })
    .await;
}

#[tokio::test]
async fn when_the_programme_ends_the_server_sees_the_end() {
    within_limit(async {
        let Playing { server, frames, mut reports, tasks, switch: _ } =
            Playing::start(Method::Source).await;
        let (_, mut audio) = server.accept().await;
        answer(&mut audio, "HTTP/1.0 200 OK").await;
        reports.wait_for(|status| matches!(status.link, Link::Streaming { .. })).await.unwrap();
        frames.send(frame("")).await.unwrap();

        drop(frames);

        tasks.ended().await;
        let mut all = Vec::new();
        audio.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, FRAME);
    })
    .await;
}

#[tokio::test]
async fn an_output_that_is_stopped_leaves_the_server_and_one_that_is_started_comes_back() {
    within_limit(async {
        let mut station = Playing::start(Method::Source).await;
        let (_, mut audio) = station.server.accept().await;
        answer(&mut audio, "HTTP/1.0 200 OK").await;
        station.until_on_air().await;

        station.switch.send_replace(false);
        let mut rest = Vec::new();
        audio.read_to_end(&mut rest).await.unwrap();
        station.reports.wait_for(|status| status.link == Link::Stopped).await.unwrap();
        for _ in 0..2 * QUEUE_FRAMES {
            station.send("unheard").await; // nothing waits
        }
        station.switch.send_replace(true);

        let (head, _) = station.server.accept().await;
        assert!(head.starts_with("SOURCE /live.mp3"), "{head}");
    })
    .await;
}

/// An output whose programme and server are played by the test.
struct Playing {
    server: Server,
    frames: mpsc::Sender<Frame>,
    switch: watch::Sender<bool>,
    reports: watch::Receiver<LinkStatus>,
    tasks: Tasks,
}

impl Playing {
    async fn start(method: Method) -> Self {
        Self::start_with(method, None).await
    }

    async fn start_with(method: Method, format: Option<Format>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let url = format!("http://source:hackme@{address}/live.mp3");
        let address = Address::parse(&url).unwrap();
        let mut output = Config::simple(Vec::new(), address).outputs.remove(0);
        output.method = method;
        output.format = format.unwrap_or(output.format);
        let (frames, queue) = mpsc::channel(QUEUE_FRAMES);
        let tasks = Tasks::default();
        let (switch, wanted) = watch::channel(true);
        let output = watch::channel(Arc::new(output)).1;
        let (push, reports) =
            Push::new(output, queue, wanted, &watch::Sender::new(()), &Tls::default(), &tasks);
        tasks.spawn(push.run());
        Self { server: Server(listener), frames, switch, reports, tasks }
    }

    async fn until_on_air(&mut self) {
        let on_air = |status: &LinkStatus| matches!(status.link, Link::Streaming { .. });
        self.reports.wait_for(on_air).await.unwrap();
        // What waits in the queue is dropped before the first frame is sent.
        while self.frames.capacity() < QUEUE_FRAMES {
            tokio::task::yield_now().await;
        }
    }

    async fn send(&self, title: &str) {
        self.frames.send(frame(title)).await.unwrap();
    }
}

struct Server(TcpListener);

impl Server {
    /// The head of the next request, and its connection.
    async fn accept(&self) -> (String, TcpStream) {
        let (mut socket, _) = self.0.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(socket.read_u8().await.unwrap());
        }
        (String::from_utf8(head).unwrap(), socket)
    }
}

fn frame(title: &str) -> Frame {
    Frame {
        position: 0,
        sample_frames: 1_152,
        bytes: Bytes::from_static(FRAME),
        head: Bytes::new(),
        title: title.into(),
    }
}

async fn answer(socket: &mut TcpStream, status_line: &str) {
    socket.write_all(format!("{status_line}\r\n\r\n").as_bytes()).await.unwrap();
}

async fn read(socket: &mut TcpStream, bytes: usize) -> Vec<u8> {
    let mut read = vec![0; bytes];
    socket.read_exact(&mut read).await.unwrap();
    read
}

/// No test here hangs: what takes longer than this has failed.
async fn within_limit(test: impl Future<Output = ()>) {
    let limit = Duration::from_secs(20);
    timeout(limit, test).await.expect("it is done in time");
}

const OGG: Option<Format> = Some(Format::Opus(Opus {
    channels: crate::encode::Channels::Stereo,
    bitrate_kbps: 96,
    titles: Titles::InStream,
}));
const FRAME: &[u8] = &[0x55; 418];
const STALLED: &str = "the server has stopped reading for 10 s";

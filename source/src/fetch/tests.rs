//! Tests of fetching, with a server that answers as they say.

use super::*;
use crate::fetch::file::FetchedReader;
use std::io::Read as _;
use std::sync::mpsc::{Receiver, sync_channel};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

#[tokio::test]
async fn a_file_is_fetched_once_and_kept_until_it_is_let_go() {
    let web =
        Web::start("HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nContent-Length: 5\r\n\r\nhello")
            .await;
    let fetching = Fetching::start(LIMITS);

    let Standing::Here(file) = fetching.settled(&web.at("/a")).await else { panic!("it comes") };
    assert!(matches!(fetching.fetches.want(&web.at("/a")), Standing::Here(_)));
    fetching.fetches.let_go(&web.at("/a"));

    assert_eq!(
        (text(file.reader()), file.extension(), file.length()),
        ("hello".into(), Some("mp3"), 5)
    );
    assert_eq!(*web.asked.borrow(), 1);
    assert_eq!(fetching.held.bytes(), 5);
    drop(file);
    assert_eq!(fetching.held.bytes(), 0);
    assert_eq!(std::fs::read_dir(fetching.dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn chunks_and_bodies_without_a_length_are_files_too() {
    for answer in [
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\n\r\nhello",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more",
    ] {
        let web = Web::start(answer).await;

        let standing = Fetching::start(LIMITS).settled(&web.at("/x.ogg")).await;

        let Standing::Here(file) = standing else { panic!("{standing:?}") };
        assert_eq!((text(file.reader()), file.extension()), ("hello".into(), Some("ogg")));
    }
}

#[tokio::test]
async fn a_file_is_fetched_from_where_its_server_sends_us() {
    let web = Web::start("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx").await;
    let sending = format!("HTTP/1.1 302 Found\r\nLocation: {}\r\n\r\n", web.at("/b.flac"));
    let first = Web::start(&sending).await;

    let standing = Fetching::start(LIMITS).settled(&first.at("/a")).await;

    let Standing::Here(file) = standing else { panic!("{standing:?}") };
    assert_eq!(file.extension(), Some("flac"));
}

#[tokio::test]
async fn what_is_no_file_or_does_not_come_whole_is_refused_with_a_reason() {
    for (answer, reason) in [
        ("HTTP/1.1 404 Not Found\r\n\r\n", "the server answers 404 Not Found"),
        ("HTTP/1.1 302 Found\r\nLocation: /a\r\n\r\n", "one place to another, 5 times"),
        ("HTTP/1.1 301 Away\r\nLocation: file:///a\r\n\r\n", "the server sends us on to nowhere"),
        ("SSH-2.0-OpenSSH\r\n\r\n", "its answer is not HTTP"),
        ("", "unexpected end of file"),
        ("HTTP/1.0 200 OK\r\nicy-name: x\r\n\r\nabc", "a stream that does not end, no file"),
        ("ICY 200 OK\r\nicy-metaint: 8192\r\n\r\nabc", "a stream that does not end, no file"),
        ("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=x\r\n\r\n<p>", "a page (text/html)"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", "4 bytes are missing"),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n",
            "last chunk is missing",
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", "it has more than 100 bytes"),
    ] {
        let web = Web::start(answer).await;

        let failed = Fetching::start(LIMITS).failed(&web.at("/a")).await;

        assert!(failed.contains(reason), "{answer:?}: {failed}");
    }
    let long = format!("HTTP/1.0 200 OK\r\n\r\n{}", "x".repeat(101));
    let web = Web::start(&long).await;
    assert_eq!(Fetching::start(LIMITS).failed(&web.at("/a")).await, "it has more than 100 bytes");
}

#[tokio::test]
async fn a_server_that_stalls_or_dawdles_is_given_up() {
    let web = Web::start_stalling("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort").await;
    let (short, long) = (Duration::from_millis(50), Duration::from_secs(60));

    let silent = Limits { silence: short, time: long, ..limits(LIMITS) };
    let slow = Limits { silence: long, time: short, ..limits(LIMITS) };

    assert_eq!(Fetching::within(silent).failed(&web.at("/a")).await, "nothing has come for 0 s");
    assert_eq!(Fetching::within(slow).failed(&web.at("/a")).await, "it takes longer than 0 s");
    assert_eq!(
        Fetching::start(LIMITS).failed("http://127.0.0.1:1/a").await,
        "Connection refused (os error 111)"
    );
}

#[tokio::test]
async fn there_is_room_for_so_many_bytes_and_what_nobody_plays_makes_room() {
    let body = "x".repeat(60);
    let web = Web::start(&format!("HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n{body}")).await;
    let fetching = Fetching::start((100, 130));

    let Standing::Here(first) = fetching.settled(&web.at("/1")).await else { panic!("it comes") };
    let second = fetching.settled(&web.at("/2")).await;
    drop(second);
    let Standing::Here(third) = fetching.settled(&web.at("/3")).await else { panic!("it comes") };
    assert_eq!(fetching.held.bytes(), 120, "the second one was let go");

    let failed = fetching.failed(&web.at("/4")).await;

    assert!(failed.contains("has 130 bytes, which is all it may have"), "{failed}");
    drop((first, third));
}

/// Fetches, with what they need.
struct Fetching {
    fetches: Fetches,
    woken: Receiver<()>,
    held: Held,
    dir: tempfile::TempDir,
    _stop: watch::Sender<()>,
}

impl Fetching {
    /// Fetches within so many bytes for one and for all.
    fn start(bytes: (u64, u64)) -> Self {
        Self::within(limits(bytes))
    }

    fn within(mut limits: Limits) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let tasks = Tasks::default();
        dir.path().clone_into(&mut limits.folder);
        let (fetches, fetcher) = Fetches::new(limits, Client::default(), &tasks);
        let (stop, stopped) = watch::channel(());
        tasks.spawn(fetcher.run(stopped));
        let (wake, woken) = sync_channel(1);
        fetches.wakes(&wake);
        let held = fetches.files.borrow().held.clone();
        Self { fetches, woken, held, dir, _stop: stop }
    }

    async fn settled(&self, address: &str) -> Standing {
        let mut files = self.fetches.files.subscribe();
        self.fetches.want(address);
        let settled = files.wait_for(|_| self.fetches.is_settled(address));
        drop(timeout(LIMIT, settled).await.expect("it is settled").unwrap());
        self.woken.try_recv().expect("whoever waits is woken");
        self.fetches.want(address)
    }

    async fn failed(&self, address: &str) -> String {
        match self.settled(address).await {
            Standing::Failed(reason) => reason.to_string(),
            other @ (Standing::Coming | Standing::Here(_)) => {
                panic!("it fails, instead of {other:?}")
            }
        }
    }
}

/// A server that answers everything alike.
struct Web {
    address: String,
    asked: watch::Receiver<u32>,
    _tasks: JoinSet<()>,
}

impl Web {
    async fn start(answer: &str) -> Self {
        Self::of(answer, false).await
    }

    /// One that does not hang up.
    async fn start_stalling(answer: &str) -> Self {
        Self::of(answer, true).await
    }

    async fn of(answer: &str, stalls: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (count, asked) = watch::channel(0);
        let (answer, mut tasks) = (answer.to_owned(), JoinSet::new());
        tasks.spawn(async move {
            let mut kept = Vec::new();
            while let Ok((mut tcp, _)) = listener.accept().await {
                count.send_modify(|count| *count += 1);
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n")
                    && tcp.read_buf(&mut request).await.unwrap() > 0
                {}
                tcp.write_all(answer.as_bytes()).await.unwrap();
                if stalls {
                    kept.push(tcp);
                }
            }
        });
        Self { address, asked, _tasks: tasks }
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }
}

fn limits((file_bytes, all_bytes): (u64, u64)) -> Limits {
    let (folder, silence, time) = (PathBuf::new(), LIMIT, LIMIT);
    Limits { folder, file_bytes, all_bytes, silence, time }
}

fn text(mut reader: FetchedReader) -> String {
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    text
}

const LIMITS: (u64, u64) = (100, 1_000);
const LIMIT: Duration = Duration::from_secs(20);

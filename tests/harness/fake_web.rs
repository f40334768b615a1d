//! A web server that answers as the test decides, and keeps what it was asked: a station's own
//! backend, or a directory.

use crate::wait::{until, within};
use bytes::BytesMut;
use common::http::head::{HeadLimits, HeadReader, RequestHead};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The server. It is gone when this is dropped.
#[derive(Debug)]
pub struct FakeWeb {
    address: SocketAddr,
    asked: watch::Receiver<Vec<Asked>>,
    #[expect(dead_code, reason = "held for what it runs")]
    tasks: JoinSet<()>,
}

/// A request to it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The head.
    pub head: RequestHead,
    /// The body, as it came.
    pub body: String,
}

impl FakeWeb {
    /// Starts one that gives each request the header lines and the status that `answer` says;
    /// `None` for no answer at all, on a connection that stays open.
    pub async fn start(answer: impl Fn(&Asked) -> Option<String> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a socket has an address");
        let (record, asked) = watch::channel(Vec::new());
        let (record, answer) = (Arc::new(record), Arc::new(answer));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut clients = JoinSet::new();
            while let Ok((tcp, _)) = listener.accept().await {
                let (record, answer) = (Arc::clone(&record), Arc::clone(&answer));
                clients.spawn(async move { serve(tcp, &record, &*answer).await });
            }
        });
        Self { address, asked, tasks }
    }

    /// The address of `path`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.borrow().clone()
    }

    /// The first request whose body begins with `text`, as soon as it comes.
    pub async fn until_asked(&self, text: &str) -> Asked {
        let found = async || self.asked().into_iter().find(|asked| asked.body.starts_with(text));
        until(&format!("somebody asks {text}"), found).await
    }
}

/// Answers one request; further ones on the same connection are not.
async fn serve(
    mut tcp: TcpStream,
    record: &watch::Sender<Vec<Asked>>,
    answer: &(impl Fn(&Asked) -> Option<String> + ?Sized),
) {
    let (mut received, mut reader) = (BytesMut::new(), HeadReader::new(HeadLimits::default()));
    let head = loop {
        match reader.request(&received).expect("what we are asked is HTTP") {
            Some((head, length)) => {
                let _ = received.split_to(length);
                break head;
            }
            None => match tcp.read_buf(&mut received).await {
                Ok(1..) => {}
                Ok(0) | Err(_) => return,
            },
        }
    };
    let length = head.headers.first("content-length").map_or(Ok(0), str::parse);
    let length: usize = length.expect("a length is a number");
    while received.len() < length {
        within("the body comes", tcp.read_buf(&mut received)).await.expect("the body comes");
    }
    let asked = Asked { head, body: String::from_utf8_lossy(&received).into_owned() };
    let answer = answer(&asked);
    record.send_modify(|record| record.push(asked));
    match answer {
        Some(answer) => {
            let answer = format!("HTTP/1.1 {answer}Content-Length: 0\r\n\r\n");
            // Whoever has gone does without.
            let _ = tcp.write_all(answer.as_bytes()).await;
        }
        None => std::future::pending().await,
    }
}

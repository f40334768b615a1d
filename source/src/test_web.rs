//! A web server for tests, which gives every request the answer of the moment.

use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// The server. It is gone when this is dropped.
pub(crate) struct Web {
    address: String,
    answer: watch::Sender<String>,
    asked: watch::Receiver<Vec<String>>,
    _tasks: JoinSet<()>,
}

impl Web {
    /// One that gives `answer`, a whole one with its head.
    pub(crate) async fn start(answer: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (answer, now) = watch::channel(answer.to_owned());
        let (record, asked) = watch::channel(Vec::new());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            while let Ok((mut tcp, _)) = listener.accept().await {
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n")
                    && tcp.read_buf(&mut request).await.unwrap_or(0) > 0
                {}
                let answer = now.borrow().clone();
                // Whoever has gone does without.
                let _ = tcp.write_all(answer.as_bytes()).await;
                let request = String::from_utf8_lossy(&request).into_owned();
                record.send_modify(|asked: &mut Vec<String>| asked.push(request));
            }
        });
        Self { address, answer, asked, _tasks: tasks }
    }

    /// One that gives this list, and what further lines its head has.
    pub(crate) async fn of_list(list: &str, head_lines: &str) -> Self {
        Self::start(&listed(list, head_lines)).await
    }

    /// Gives `answer` from now on.
    pub(crate) fn answer(&self, answer: &str) {
        self.answer.send_replace(answer.to_owned());
    }

    /// Gives this list from now on.
    pub(crate) fn list(&self, list: &str) {
        self.answer(&listed(list, ""));
    }

    /// The address of `path`.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    /// What it was asked, as soon as that is so often.
    pub(crate) async fn asked(&self, times: usize) -> Vec<String> {
        let mut asked = self.asked.clone();
        let asked = timeout(LIMIT, asked.wait_for(|asked| asked.len() >= times)).await;
        asked.expect("it is asked so often").unwrap().clone()
    }
}

fn listed(list: &str, head_lines: &str) -> String {
    let length = list.len();
    format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{head_lines}\r\n{list}")
}

const LIMIT: Duration = Duration::from_secs(20);

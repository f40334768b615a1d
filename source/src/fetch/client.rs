//! Asking a server over HTTP for a file or a stream, from wherever it sends us.
//!
//! A server is spoken to in HTTP/1.1, in TLS where its address says so; who vouches for it is the
//! system's to say. What it answers is read as it comes; an answer in ICY, of an old stream server,
//! is one too. Nothing here tries again.

use crate::fetch::address::{HttpAddress, NotAnAddress};
use crate::tls::{Line, Tls};
use bytes::{Bytes, BytesMut};
use common::http::chunked::{self, ChunkedError};
use common::http::head::{HeadLimits, HeadReader, ResponseHead};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::either::Either;

/// Asks servers. Clones share what is known of who vouches for whom.
#[derive(Clone, Debug, Default)]
pub struct Client {
    tls: Tls,
}

/// An answer that has begun, with status 200.
pub struct Answer {
    /// Its head.
    pub head: ResponseHead,
    /// Where it came from in the end.
    pub address: HttpAddress,
    /// What follows.
    pub body: Body,
}

/// What follows a head.
pub struct Body {
    line: Line,
    received: BytesMut,
    coding: Coding,
}

/// How a body ends.
enum Coding {
    Chunked(Box<chunked::Decoder>),
    /// After so many bytes more.
    Length(u64),
    /// With the connection.
    Open,
}

/// Why there is no answer to go on with.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Its body is not what its head says.
    #[error("the answer breaks off: {0}")]
    BrokenOff(String),
    /// The server does not say where to go.
    #[error("the server sends us on to nowhere: {0}")]
    Nowhere(NotAnAddress),
    /// Something else answers there.
    #[error("its answer is not HTTP")]
    NotHttp,
    /// The server does not give it.
    #[error("the server answers {status} {reason}")]
    Refused {
        /// The status.
        status: u16,
        /// What the server calls it.
        reason: String,
    },
    /// It goes round in circles.
    #[error("the server sends us from one place to another, {REDIRECTS_MAX} times")]
    SentAround,
    /// Nothing comes.
    #[error("nothing has come for {} s", .0.as_secs())]
    Silent(Duration),
    /// There is no connection.
    #[error("{0}")]
    Unreachable(#[from] io::Error),
}

impl Client {
    /// A client that makes its connections in TLS by `tls`.
    pub fn new(tls: Tls) -> Self {
        Self { tls }
    }

    /// The answer to a request for what is at `address`; with `wants_titles`, ICY titles may be in
    /// it.
    ///
    /// Fails if the server cannot be reached, does not answer in time, or refuses.
    pub async fn ask(&self, address: HttpAddress, wants_titles: bool) -> Result<Answer, AskError> {
        self.ask_for(address, if wants_titles { "Icy-MetaData: 1\r\n" } else { "" }).await
    }

    /// The same with these further lines in the head of the request, each with its end.
    ///
    /// Fails if the server cannot be reached, does not answer in time, or refuses; that nothing has
    /// changed is a refusal with status 304.
    pub async fn ask_for(
        &self,
        mut address: HttpAddress,
        head_lines: &str,
    ) -> Result<Answer, AskError> {
        for _ in 0..=REDIRECTS_MAX {
            let asking = self.answer(address.clone(), head_lines);
            let answer = timeout(ANSWER_TIME, asking).await;
            let answer = answer.map_err(|_| AskError::Silent(ANSWER_TIME))??;
            let (status, headers) = (answer.head.status, &answer.head.headers);
            match (status, headers.first("location")) {
                (200, _) => return Ok(answer),
                (301 | 302 | 303 | 307 | 308, Some(location)) => {
                    address = address.join(location).map_err(AskError::Nowhere)?;
                }
                _ => return Err(AskError::Refused { status, reason: answer.head.reason }),
            }
        }
        Err(AskError::SentAround)
    }

    async fn answer(&self, address: HttpAddress, head_lines: &str) -> Result<Answer, AskError> {
        let tcp = TcpStream::connect((address.host.as_str(), address.port)).await?;
        let mut line = match address.is_secure {
            false => Either::Left(tcp),
            true => self.tls.over(tcp, &address.host).await?,
        };
        line.write_all(request(&address, head_lines).as_bytes()).await?;
        line.flush().await?;
        let (mut received, mut reader) = (BytesMut::new(), HeadReader::new(HeadLimits::default()));
        loop {
            match reader.response(&received) {
                Ok(Some((head, length))) => {
                    let _ = received.split_to(length);
                    // What is no more than a word on the way is followed by the answer.
                    if !(100..200).contains(&head.status) {
                        let coding = Coding::of(&head);
                        return Ok(Answer { head, address, body: Body { line, received, coding } });
                    }
                    reader = HeadReader::new(HeadLimits::default());
                    continue;
                }
                Ok(None) => {}
                Err(_) => return Err(AskError::NotHttp),
            }
            if line.read_buf(&mut received).await? == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
        }
    }
}

impl Answer {
    /// How many bytes follow, if that is known.
    pub fn length(&self) -> Option<u64> {
        match self.body.coding {
            Coding::Length(length) => Some(length),
            Coding::Chunked(_) | Coding::Open => None,
        }
    }

    /// Whether it is a stream that does not end.
    pub fn is_a_stream(&self) -> bool {
        let is_icy = |(name, _): (&str, &str)| name.to_ascii_lowercase().starts_with("icy-");
        self.length().is_none() && self.head.headers.iter().any(is_icy)
    }
}

impl Body {
    /// The next of it; `None` at its end.
    ///
    /// Fails if it ends before its end, or nothing comes for `silence_max`.
    pub async fn next(&mut self, silence_max: Duration) -> Result<Option<Bytes>, AskError> {
        loop {
            if let Some(bytes) = self.decoded()? {
                return Ok(Some(bytes));
            }
            match &self.coding {
                Coding::Chunked(decoder) if decoder.is_done() => return Ok(None),
                Coding::Length(0) => return Ok(None),
                Coding::Chunked(_) | Coding::Length(_) | Coding::Open => {}
            }
            self.received.reserve(READ_BYTES);
            let reading = timeout(silence_max, self.line.read_buf(&mut self.received)).await;
            let is_at_end = match reading.map_err(|_| AskError::Silent(silence_max))? {
                Ok(count) => count == 0,
                // Some servers in TLS do not take leave; where that may be the end, it is.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => true,
                Err(error) => return Err(error.into()),
            };
            if is_at_end {
                return match self.coding {
                    Coding::Open => Ok(None),
                    Coding::Length(left) => {
                        Err(AskError::BrokenOff(format!("{left} bytes are missing")))
                    }
                    Coding::Chunked(_) => {
                        Err(AskError::BrokenOff("its last chunk is missing".to_owned()))
                    }
                };
            }
        }
    }

    /// What has been received of the body.
    fn decoded(&mut self) -> Result<Option<Bytes>, AskError> {
        if self.received.is_empty() {
            return Ok(None);
        }
        let bytes = match &mut self.coding {
            Coding::Chunked(decoder) => {
                let mut out = BytesMut::new();
                let broken = |error: ChunkedError| AskError::BrokenOff(error.to_string());
                decoder.decode(&self.received.split(), &mut out).map_err(broken)?;
                out
            }
            Coding::Length(left) => {
                let here = usize::try_from(*left).unwrap_or(usize::MAX).min(self.received.len());
                *left -= here as u64;
                self.received.split_to(here)
            }
            Coding::Open => self.received.split(),
        };
        Ok((!bytes.is_empty()).then(|| bytes.freeze()))
    }
}

impl Coding {
    fn of(head: &ResponseHead) -> Self {
        if head.headers.lists("transfer-encoding", "chunked") {
            return Self::Chunked(Box::default());
        }
        let length = head.headers.first("content-length");
        length.and_then(|it| it.trim().parse().ok()).map_or(Self::Open, Self::Length)
    }
}

fn request(address: &HttpAddress, head_lines: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Carrier/{version}\r\nAccept: */*\r\n\
         Accept-Encoding: identity\r\n{head_lines}Connection: close\r\n\r\n",
        path = address.path,
        host = address.authority(),
    )
}

/// A server has so long to be connected to and to begin its answer.
pub const ANSWER_TIME: Duration = Duration::from_secs(10);
/// How often a server may send us on.
pub const REDIRECTS_MAX: usize = 5;
/// So much is read at a time.
const READ_BYTES: usize = 32 << 10;

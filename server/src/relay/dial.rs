//! Asking another server: for a stream, or for the list of its streams.

use crate::config::relays::Upstream;
use bytes::BytesMut;
use common::auth::Credentials;
use common::http::basic;
use common::http::head::{HeadLimits, HeadReader, ResponseHead};
use std::io;
use std::net::IpAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What is asked, and of whom.
#[derive(Clone, Debug)]
pub(super) struct Wish<'a> {
    pub(super) server: Upstream,
    pub(super) path: String,
    pub(super) credentials: Option<&'a Credentials>,
    pub(super) titles: bool,
    /// What we call ourselves.
    pub(super) agent: &'a str,
}

/// An answer that has begun.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) head: ResponseHead,
    pub(super) socket: TcpStream,
    /// What has come of the body.
    pub(super) received: BytesMut,
    pub(super) ip: IpAddr,
}

/// Why there is no answer to go on with.
#[derive(Debug, thiserror::Error)]
pub(super) enum DialError {
    #[error("{0}: its answer is not HTTP")]
    NotHttp(Upstream),
    #[error("{server}: it answers {status} {reason}")]
    Refused { server: Upstream, status: u16, reason: String },
    #[error("{0}: no answer within {time} s", time = DIAL_TIMEOUT.as_secs())]
    Silent(Upstream),
    #[error("{0}: it sends us from one place to another, {REDIRECTS_MAX} times")]
    SentAround(Upstream),
    #[error("{server}: {error}")]
    Unreachable { server: Upstream, error: io::Error },
}

/// The answer to `wish`, from wherever the server sends us.
pub(super) async fn ask(mut wish: Wish<'_>) -> Result<Answered, DialError> {
    for _ in 0..=REDIRECTS_MAX {
        let answering = timeout(DIAL_TIMEOUT, ask_once(&wish)).await;
        let answered = answering.map_err(|_| DialError::Silent(wish.server.clone()))??;
        let (status, reason) = (answered.head.status, answered.head.reason.clone());
        let location = answered.head.headers.first("location").and_then(place);
        match (status, location) {
            (200, _) => return Ok(answered),
            (301 | 302 | 303 | 307 | 308, Some((server, path))) => {
                // The password was meant for the first server alone.
                if server != wish.server {
                    wish.credentials = None;
                }
                (wish.server, wish.path) = (server, path);
            }
            _ => return Err(DialError::Refused { server: wish.server, status, reason }),
        }
    }
    Err(DialError::SentAround(wish.server))
}

/// The whole answer to `wish`, up to `bytes_max`.
pub(super) async fn page(wish: Wish<'_>, bytes_max: usize) -> Result<String, DialError> {
    let server = wish.server.clone();
    let Answered { socket, mut received, .. } = ask(wish).await?;
    let mut rest = socket.take(bytes_max as u64);
    let reading = async {
        while rest.read_buf(&mut received).await? > 0 {}
        Ok(())
    };
    match timeout(DIAL_TIMEOUT, reading).await {
        Ok(Ok(())) => Ok(String::from_utf8_lossy(&received).into_owned()),
        Ok(Err(error)) => Err(DialError::Unreachable { server, error }),
        Err(_) => Err(DialError::Silent(server)),
    }
}

async fn ask_once(wish: &Wish<'_>) -> Result<Answered, DialError> {
    let unreachable = |error| DialError::Unreachable { server: wish.server.clone(), error };
    let Upstream { host, port } = &wish.server;
    let mut socket = TcpStream::connect((host.as_str(), *port)).await.map_err(unreachable)?;
    let ip = socket.peer_addr().map_err(unreachable)?.ip();
    socket.write_all(written(wish).as_bytes()).await.map_err(unreachable)?;
    let (mut received, mut reader) = (BytesMut::new(), HeadReader::new(HeadLimits::default()));
    loop {
        match reader.response(&received) {
            Ok(Some((head, length))) => {
                let _ = received.split_to(length);
                return Ok(Answered { head, socket, received, ip });
            }
            Ok(None) => {}
            Err(_) => return Err(DialError::NotHttp(wish.server.clone())),
        }
        if socket.read_buf(&mut received).await.map_err(unreachable)? == 0 {
            return Err(unreachable(io::ErrorKind::UnexpectedEof.into()));
        }
    }
}

/// The request, as Icecast's relays write it, but with the port in `Host`, as HTTP wants it.
fn written(wish: &Wish<'_>) -> String {
    let Wish { server, path, credentials, titles, agent } = wish;
    let titles = if *titles { "Icy-MetaData: 1\r\n" } else { "" };
    let authorization = credentials
        .map(|credentials| format!("Authorization: {}\r\n", basic::written(credentials)))
        .unwrap_or_default();
    let who = format!("User-Agent: {agent}\r\nHost: {server}\r\n");
    format!("GET {path} HTTP/1.0\r\n{who}{titles}{authorization}\r\n")
}

/// The server and path of an `http` address.
pub(super) fn place(url: &str) -> Option<(Upstream, String)> {
    let (scheme, rest) = url.trim().split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") {
        return None;
    }
    let (authority, path) = match rest.find('/') {
        Some(slash) => (&rest[..slash], &rest[slash..]),
        None => (rest, "/"),
    };
    let authority = authority.rsplit_once('@').map_or(authority, |(_, server)| server);
    let server = Upstream::parse(authority)
        .or_else(|| Upstream::parse(&format!("{authority}:{HTTP_PORT}")))?;
    let fits = path.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| (server, path.to_owned()))
}

/// A server is given up that does not answer for so long.
pub(super) const DIAL_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a server may send us on; Icecast's limit.
const REDIRECTS_MAX: usize = 10;
const HTTP_PORT: u16 = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_is_icecasts() {
        let wish = Wish {
            server: Upstream { host: "radio.example".to_owned(), port: 8_000 },
            path: "/live.mp3".to_owned(),
            credentials: None,
            titles: true,
            agent: "Carrier",
        };

        assert_eq!(
            written(&wish),
            "GET /live.mp3 HTTP/1.0\r\nUser-Agent: Carrier\r\nHost: radio.example:8000\r\n\
             Icy-MetaData: 1\r\n\r\n"
        );
    }

    #[test]
    fn a_place_is_an_http_address() {
        let said = |url| place(url).map(|(server, path)| format!("{server} {path}"));

        assert_eq!(said("http://a:8000/x?y").as_deref(), Some("a:8000 /x?y"));
        assert_eq!(said("HTTP://a").as_deref(), Some("a:80 /"));
        assert_eq!(said("http://u:p@[::1]:9/x").as_deref(), Some("[::1]:9 /x"));
        for odd in ["https://a/x", "/x", "http:///x", "http://a/b c"] {
            assert_eq!(said(odd), None, "{odd}");
        }
    }
}

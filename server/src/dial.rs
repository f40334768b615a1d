//! Asking other servers over HTTP: for a stream, for a page, or with a form.
//!
//! Streams and pages are asked for as Icecast's relays ask, in HTTP/1.0; a server may send us on.
//! Forms are posted in HTTP/1.1, and of the answer only the head matters. A server is spoken to in
//! TLS where its address says so; who vouches for it is the system's to say, and the
//! configuration's. Nothing here tries again: whoever asks knows when.

use crate::config::upstream::{HttpAddress, Upstream};
use crate::tasks::Tasks;
use bytes::BytesMut;
use common::auth::Credentials;
use common::http::basic;
use common::http::head::{HeadLimits, HeadReader, ResponseHead};
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::sync::OnceCell;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;
use tracing::warn;

/// Dials other servers. Clones share what is known of who vouches for whom.
#[derive(Clone)]
pub(crate) struct Dialler {
    trust: Option<PathBuf>,
    connector: Arc<OnceCell<TlsConnector>>,
    tasks: Tasks,
}

/// What is asked, and of whom.
#[derive(Clone, Debug)]
pub(crate) struct Wish<'a> {
    pub(crate) address: HttpAddress,
    pub(crate) credentials: Option<&'a Credentials>,
    pub(crate) titles: bool,
    /// What we call ourselves.
    pub(crate) agent: &'a str,
    /// The address of ours to dial from.
    pub(crate) bind: Option<IpAddr>,
    /// On whose behalf, as a `Via` line says it.
    pub(crate) via: Option<&'a str>,
    /// What we are known by, where we say how many listen to us.
    pub(crate) edge: Option<&'a str>,
}

/// A form that is posted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form<'a> {
    pub(crate) address: &'a HttpAddress,
    /// The value of the `Authorization` line, if there is to be one.
    pub(crate) authorization: Option<&'a str>,
    /// What we call ourselves.
    pub(crate) agent: &'a str,
    /// `name=value` pairs, encoded.
    pub(crate) body: &'a str,
    /// How long the answer may take.
    pub(crate) time_max: Duration,
}

/// A connection to another server.
pub(crate) type Line = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// An answer that has begun.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) head: ResponseHead,
    pub(crate) line: Line,
    /// What has come of the body.
    pub(crate) received: BytesMut,
    pub(crate) ip: IpAddr,
}

/// Why there is no answer to go on with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    #[error("{0}: its answer is not HTTP")]
    NotHttp(Upstream),
    #[error("{server}: it answers {status} {reason}")]
    Refused { server: Upstream, status: u16, reason: String },
    #[error("{server}: no answer within {time:?}")]
    Silent { server: Upstream, time: Duration },
    #[error("{0}: it sends us from one place to another, {REDIRECTS_MAX} times")]
    SentAround(Upstream),
    #[error("{file}: no certificate in PEM form: {error}")]
    Trust { file: String, error: pem::Error },
    #[error("{server}: {error}")]
    Unreachable { server: Upstream, error: io::Error },
}

impl Dialler {
    /// A dialler that believes those whom the system believes, and the certificates in the file
    /// `trust`.
    pub(crate) fn new(trust: Option<PathBuf>, tasks: &Tasks) -> Self {
        Self { trust, connector: Arc::default(), tasks: tasks.clone() }
    }

    /// The answer to `wish`, from wherever the server sends us.
    pub(crate) async fn ask(&self, mut wish: Wish<'_>) -> Result<Answered, DialError> {
        for _ in 0..=REDIRECTS_MAX {
            let text = written(&wish);
            let asking = self.answer(&wish.address.server, wish.bind, &text);
            let answered = in_time(&wish.address.server, DIAL_TIMEOUT, asking).await?;
            let (status, reason) = (answered.head.status, answered.head.reason.clone());
            let location = answered.head.headers.first("location").and_then(HttpAddress::parse);
            match (status, location) {
                (200, _) => return Ok(answered),
                (301 | 302 | 303 | 307 | 308, Some(address)) => {
                    // The password was meant for the first server alone.
                    if address.server != wish.address.server {
                        wish.credentials = None;
                    }
                    wish.address = address;
                }
                _ => {
                    let server = wish.address.server;
                    return Err(DialError::Refused { server, status, reason });
                }
            }
        }
        Err(DialError::SentAround(wish.address.server))
    }

    /// The whole answer to `wish`: its head, and up to `bytes_max` of its text.
    pub(crate) async fn page(
        &self,
        wish: Wish<'_>,
        bytes_max: usize,
    ) -> Result<(ResponseHead, String), DialError> {
        let server = wish.address.server.clone();
        let Answered { head, line, mut received, .. } = self.ask(wish).await?;
        let mut rest = line.take(bytes_max as u64);
        let reading = async {
            while rest.read_buf(&mut received).await.map_err(unreachable(&server))? > 0 {}
            Ok(())
        };
        in_time(&server, DIAL_TIMEOUT, reading).await?;
        Ok((head, String::from_utf8_lossy(&received).into_owned()))
    }

    /// The head of the answer to a form, whatever its status.
    pub(crate) async fn post(&self, form: Form<'_>) -> Result<ResponseHead, DialError> {
        let Form { address: HttpAddress { server, path }, authorization, agent, body, .. } = form;
        let authorization = authorization.map(|value| format!("Authorization: {value}\r\n"));
        let text = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\n{authorization}User-Agent: {agent}\r\n\
             Accept: */*\r\nConnection: close\r\nContent-Length: {length}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}",
            host = server.authority(),
            authorization = authorization.unwrap_or_default(),
            length = body.len(),
        );
        let answered = in_time(server, form.time_max, self.answer(server, None, &text)).await?;
        Ok(answered.head)
    }

    /// The answer of `server` to the request in `text`.
    async fn answer(
        &self,
        server: &Upstream,
        bind: Option<IpAddr>,
        text: &str,
    ) -> Result<Answered, DialError> {
        let unreachable = |error| DialError::Unreachable { server: server.clone(), error };
        let tcp = dial(server, bind).await.map_err(unreachable)?;
        let ip = tcp.peer_addr().map_err(unreachable)?.ip();
        let mut line = match server.tls {
            false => Either::Left(tcp),
            true => Either::Right(Box::new(self.secured(server, tcp).await?)),
        };
        line.write_all(text.as_bytes()).await.map_err(unreachable)?;
        line.flush().await.map_err(unreachable)?;
        let (mut received, mut reader) = (BytesMut::new(), HeadReader::new(HeadLimits::default()));
        loop {
            match reader.response(&received) {
                Ok(Some((head, length))) => {
                    let _ = received.split_to(length);
                    // What is no more than a word on the way is followed by the answer.
                    if !(100..200).contains(&head.status) {
                        return Ok(Answered { head, line, received, ip });
                    }
                    reader = HeadReader::new(HeadLimits::default());
                    continue;
                }
                Ok(None) => {}
                Err(_) => return Err(DialError::NotHttp(server.clone())),
            }
            if line.read_buf(&mut received).await.map_err(unreachable)? == 0 {
                return Err(unreachable(io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }

    async fn secured(
        &self,
        server: &Upstream,
        tcp: TcpStream,
    ) -> Result<TlsStream<TcpStream>, DialError> {
        let connector = self.connector.get_or_try_init(|| self.connector()).await?;
        let unreachable = |error| DialError::Unreachable { server: server.clone(), error };
        let name = ServerName::try_from(server.host.clone());
        let name = name.map_err(|error| unreachable(io::Error::other(error)))?;
        connector.connect(name, tcp).await.map_err(unreachable)
    }

    /// Learns who vouches for whom, which the first connection in TLS waits for.
    async fn connector(&self) -> Result<TlsConnector, DialError> {
        let trust = self.trust.clone();
        let roots = self.tasks.work(move || roots(trust.as_deref())).await;
        let roots = roots.unwrap_or_else(|| Ok(RootCertStore::empty()))?;
        if roots.is_empty() {
            warn!("nobody vouches for servers in TLS; install ca-certificates or set tls.trust");
        }
        // Named, because two providers among the dependencies would leave none as the default.
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider knows the ciphers of TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

impl std::fmt::Debug for Dialler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dialler").field("trust", &self.trust).finish_non_exhaustive()
    }
}

/// The certificates that are believed: the system's, and those in the file `trust`.
fn roots(trust: Option<&Path>) -> Result<RootCertStore, DialError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(file) = trust {
        let own: Result<Vec<_>, _> =
            CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
        let wrong = |error| DialError::Trust { file: file.display().to_string(), error };
        let own = own.map_err(wrong)?;
        let (_, odd) = roots.add_parsable_certificates(own);
        if odd > 0 {
            warn!(file = %file.display(), odd, "certificates that cannot vouch for anybody");
        }
    }
    Ok(roots)
}

/// Connects to `server`, from the address `bind` if there is one.
async fn dial(server: &Upstream, bind: Option<IpAddr>) -> io::Result<TcpStream> {
    let place = (server.host.as_str(), server.port);
    let Some(bind) = bind else { return TcpStream::connect(place).await };
    let mut last = io::Error::new(io::ErrorKind::AddrNotAvailable, "no address of this family");
    for address in lookup_host(place).await?.filter(|to| to.is_ipv4() == bind.is_ipv4()) {
        let socket = if bind.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.bind(SocketAddr::new(bind, 0))?;
        match socket.connect(address).await {
            Ok(tcp) => return Ok(tcp),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn unreachable(server: &Upstream) -> impl Fn(io::Error) -> DialError + '_ {
    |error| DialError::Unreachable { server: server.clone(), error }
}

/// What comes of `asking`, unless it takes longer than `time`.
async fn in_time<T>(
    server: &Upstream,
    time: Duration,
    asking: impl Future<Output = Result<T, DialError>>,
) -> Result<T, DialError> {
    let silent = |_| DialError::Silent { server: server.clone(), time };
    timeout(time, asking).await.map_err(silent)?
}

/// The request, as Icecast's relays write it, but with the port in `Host`, as HTTP wants it.
fn written(wish: &Wish<'_>) -> String {
    let Wish { address: HttpAddress { server, path }, credentials, titles, agent, .. } = wish;
    let titles = if *titles { "Icy-MetaData: 1\r\n" } else { "" };
    let authorization = credentials
        .map(|credentials| format!("Authorization: {}\r\n", basic::written(credentials)))
        .unwrap_or_default();
    let who = format!("User-Agent: {agent}\r\nHost: {}\r\n", server.authority());
    let via = wish.via.map(|via| format!("Via: {via}\r\n")).unwrap_or_default();
    let edge = wish.edge.map(|edge| format!("{EDGE_HEADER}: {edge}\r\n")).unwrap_or_default();
    format!("GET {path} HTTP/1.0\r\n{who}{titles}{authorization}{via}{edge}\r\n")
}

/// The line in which an edge says what it is known by.
pub(crate) const EDGE_HEADER: &str = "Carrier-Edge";
/// The line in which an origin answers what it is known by, so that the edge knows it for one.
pub(crate) const ORIGIN_HEADER: &str = "Carrier-Origin";
/// A server is given up that does not answer for so long.
pub(crate) const DIAL_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a server may send us on; Icecast's limit.
const REDIRECTS_MAX: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[test]
    fn the_request_is_icecasts() {
        let wish = Wish {
            address: HttpAddress::parse("http://radio.example:8000/live.mp3").unwrap(),
            credentials: None,
            titles: true,
            agent: "Carrier",
            bind: None,
            via: None,
            edge: None,
        };

        assert_eq!(
            written(&wish),
            "GET /live.mp3 HTTP/1.0\r\nUser-Agent: Carrier\r\nHost: radio.example:8000\r\n\
             Icy-MetaData: 1\r\n\r\n"
        );
    }

    #[tokio::test]
    async fn of_the_answer_to_a_form_the_head_is_read_and_a_word_on_the_way_passed_over() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let address = HttpAddress::parse(&format!("http://{address}/a?b")).unwrap();
        let dialler = Dialler::new(None, &Tasks::default());
        let form = Form {
            address: &address,
            authorization: Some("Basic Og=="),
            agent: "Carrier",
            body: "a=b",
            time_max: DIAL_TIMEOUT,
        };

        let answering = async {
            let (mut tcp, _) = listener.accept().await.unwrap();
            let mut asked = vec![0; 1_024];
            let mut length = 0;
            while !asked[..length].ends_with(b"a=b") {
                length += tcp.read(&mut asked[length..]).await.unwrap();
            }
            let heads = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403 No\r\nX: y\r\n\r\n";
            tcp.write_all(heads).await.unwrap();
            String::from_utf8_lossy(&asked[..length]).into_owned()
        };
        let both = async { tokio::join!(dialler.post(form), answering) };
        let (head, asked) = timeout(DIAL_TIMEOUT, both).await.unwrap();

        let head = head.unwrap();
        assert_eq!((head.status, head.headers.first("x")), (403, Some("y")));
        assert!(asked.starts_with("POST /a?b HTTP/1.1\r\nHost: 127.0.0.1:"), "{asked}");
        assert!(asked.contains("\r\nAuthorization: Basic Og==\r\n"), "{asked}");
    }
}

//! A web server that answers as the test decides, and keeps what it was asked: a station's own
//! backend, or a directory.

use crate::wait::{until, within};
use bytes::BytesMut;
use common::http::head::{HeadLimits, HeadReader, RequestHead};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The server. It is gone when this is dropped.
#[derive(Debug)]
pub struct FakeWeb {
    address: SocketAddr,
    is_secure: bool,
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
        Self::of(None, answer).await
    }

    /// Starts one that speaks TLS and shows the certificate of `localhost` in `pem`, with its key.
    pub async fn start_secure(
        pem: &str,
        answer: impl Fn(&Asked) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
        let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider knows them")
            .with_no_client_auth()
            .with_single_cert(chain.expect("a certificate"), key)
            .expect("they belong together");
        Self::of(Some(TlsAcceptor::from(Arc::new(config))), answer).await
    }

    async fn of(
        tls: Option<TlsAcceptor>,
        answer: impl Fn(&Asked) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let is_secure = tls.is_some();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a socket has an address");
        let (record, asked) = watch::channel(Vec::new());
        let (record, answer) = (Arc::new(record), Arc::new(answer));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut clients = JoinSet::new();
            while let Ok((tcp, _)) = listener.accept().await {
                let (record, answer) = (Arc::clone(&record), Arc::clone(&answer));
                let tls = tls.clone();
                clients.spawn(async move {
                    match tls {
                        None => serve(tcp, &record, &*answer).await,
                        // Whoever does not trust us goes away.
                        Some(tls) => {
                            if let Ok(tls) = tls.accept(tcp).await {
                                serve(tls, &record, &*answer).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, is_secure, asked, tasks }
    }

    /// The address of `path`.
    pub fn url(&self, path: &str) -> String {
        match self.is_secure {
            false => format!("http://{}{path}", self.address),
            true => format!("https://localhost:{}{path}", self.address.port()),
        }
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
    mut tcp: impl AsyncRead + AsyncWrite + Unpin,
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
            let _ = tcp.shutdown().await;
        }
        None => std::future::pending().await,
    }
}

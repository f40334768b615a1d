//! Many listeners in one task each, and what they saw.

use super::frames::{Codec, Follower, Frames};
use bytes::BytesMut;
use common::http::head::{HeadLimits, HeadReader};
use common::icy::Unweaver;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// What a crowd of listeners saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Listeners that were answered 200 and heard audio to the end.
    pub(crate) live: usize,
    /// Frames lost, over all listeners.
    pub(crate) lost: u64,
    /// Frames that came again, over all listeners.
    pub(crate) repeated: u64,
    /// Bytes where a frame should have begun.
    pub(crate) bad_bytes: u64,
    /// The longest time without audio of each listener, sorted.
    pub(crate) silences: Vec<Duration>,
    /// Time from connecting to the first byte of audio, sorted.
    pub(crate) first_audio: Vec<Duration>,
    /// How long frames were under way, in microseconds, sorted; if it was asked for.
    pub(crate) delays_us: Vec<u32>,
}

/// What each listener of a crowd does.
#[derive(Clone)]
pub(crate) struct Wish {
    /// The mount.
    pub(crate) mount: String,
    /// What it sends.
    pub(crate) frames: Frames,
    /// Whether to note how long frames are under way.
    pub(crate) delays: bool,
    /// Whether to read nothing after asking.
    pub(crate) stalls: bool,
    /// Whom to believe that it is the server, if it is to be spoken to over TLS.
    pub(crate) tls: Option<TlsConnector>,
}

/// A crowd that listens until it is told to leave.
pub(crate) struct Crowd {
    listeners: JoinSet<Option<Listener>>,
    leave: watch::Sender<bool>,
}

impl Crowd {
    /// Listeners with these numbers, who arrive at `per_second`.
    pub(crate) fn gather(
        to: SocketAddr,
        wish: &Wish,
        indices: std::ops::Range<usize>,
        per_second: u32,
    ) -> Self {
        let (leave, leaving) = watch::channel(false);
        let (mut listeners, start) = (JoinSet::new(), Instant::now());
        for (nth, index) in indices.enumerate() {
            let nth = u32::try_from(nth).expect("fewer than four thousand million listeners");
            let arrival = start + Duration::from_secs(1) * nth / per_second;
            let mut leaving = leaving.clone();
            let mut listener = Listener {
                wish: wish.clone(),
                follower: Follower::new(wish.frames, false),
                first_audio: None,
                is_cut_off: false,
                last_audio: None,
                silence: Duration::ZERO,
            };
            listeners.spawn(async move {
                sleep_until(arrival).await;
                tokio::select! {
                    // Whoever is cut off before being told to leave was lost.
                    _ = listener.listen(to, index) => listener.is_cut_off = true,
                    _ = leaving.changed() => {}
                }
                (!listener.is_cut_off).then_some(listener)
            });
        }
        Self { listeners, leave }
    }

    /// Sends everybody home and asks what they saw.
    pub(crate) async fn dismiss(mut self) -> Seen {
        self.leave.send_replace(true);
        let mut seen = Seen::default();
        while let Some(ended) = self.listeners.join_next().await {
            let Ok(Some(Listener { follower, first_audio, silence, .. })) = ended else { continue };
            seen.repeated += follower.repeated;
            seen.silences.push(silence);
            seen.live += usize::from(follower.heard > 0);
            seen.lost += follower.lost;
            seen.bad_bytes += follower.bad_bytes;
            seen.first_audio.extend(first_audio);
            seen.delays_us.extend(follower.delays_us.unwrap_or_default());
        }
        seen.silences.sort_unstable();
        seen.first_audio.sort_unstable();
        seen.delays_us.sort_unstable();
        seen
    }
}

struct Listener {
    wish: Wish,
    follower: Follower,
    first_audio: Option<Duration>,
    last_audio: Option<Instant>,
    /// The longest time without audio.
    silence: Duration,
    is_cut_off: bool,
}

impl Listener {
    async fn listen(&mut self, to: SocketAddr, index: usize) -> io::Result<()> {
        let start = Instant::now();
        let mut stream = self.connect(to, index).await?;
        let mount = &self.wish.mount;
        let request = format!("GET {mount} HTTP/1.0\r\nHost: bench\r\nIcy-MetaData: 1\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        if self.wish.stalls {
            std::future::pending::<()>().await;
        }
        let (mut received, mut scratch) = (BytesMut::new(), BytesMut::new());
        let mut head = HeadReader::new(HeadLimits::default());
        let mut unweaver = loop {
            stream.read(&mut received).await?;
            let Ok(Some((head, length))) = head.response(&received) else { continue };
            let _ = received.split_to(length);
            let interval = head.headers.first("icy-metaint").and_then(|value| value.parse().ok());
            let interval = interval.and_then(NonZeroUsize::new);
            if head.status != 200 || interval.is_some() != (self.wish.frames.codec == Codec::Mp3) {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            break interval.map(Unweaver::new);
        };
        loop {
            if !received.is_empty() {
                self.first_audio.get_or_insert_with(|| start.elapsed());
                let now = Instant::now();
                let last = self.last_audio.replace(now).unwrap_or(now);
                self.silence = self.silence.max(now - last);
            }
            if self.wish.delays && self.follower.delays_us.is_none() && start.elapsed() > SETTLING {
                self.follower.delays_us = Some(Vec::new());
            }
            match &mut unweaver {
                Some(unweaver) => {
                    unweaver.unweave(&received, &mut scratch, |_| ());
                    self.follower.take(&scratch);
                }
                None => self.follower.take(&received),
            }
            (received, scratch) = (BytesMut::new(), BytesMut::new());
            stream.read(&mut received).await?;
        }
    }

    async fn connect(&self, to: SocketAddr, index: usize) -> io::Result<Stream> {
        let tcp = connect(to, index).await?;
        match &self.wish.tls {
            None => Ok(Stream::Plain(tcp)),
            Some(connector) => {
                let name = "localhost".try_into().map_err(io::Error::other)?;
                Ok(Stream::Tls(Box::new(connector.connect(name, tcp).await?)))
            }
        }
    }
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.write_all(bytes).await,
            Self::Tls(stream) => stream.write_all(bytes).await,
        }
    }

    /// Appends what there is.
    async fn read(&mut self, received: &mut BytesMut) -> io::Result<()> {
        match self {
            Self::Plain(stream) => read(stream, received).await,
            Self::Tls(stream) => {
                received.reserve(READ_BYTES);
                match stream.read_buf(received).await? {
                    0 => Err(io::ErrorKind::UnexpectedEof.into()),
                    _ => Ok(()),
                }
            }
        }
    }
}

/// A connector that believes whoever shows `certificate`.
pub(crate) fn believing(certificate: &CertificateDer<'static>) -> io::Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).map_err(io::Error::other)?;
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    Ok(Arc::new(config).into())
}

/// Connects from one of many loopback addresses: one has ports for 28,000 only, and the kernel
/// looks for a free one ever longer the more of them are taken, up to milliseconds.
async fn connect(to: SocketAddr, index: usize) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    let block = u8::try_from(index / LISTENERS_OF_ONE_ADDRESS).unwrap_or(u8::MAX);
    socket.bind((Ipv4Addr::new(127, 0, 1 + block, 1), 0).into())?;
    socket.connect(to).await
}

/// Appends what the socket has; memory is held only while there is something.
async fn read(stream: &TcpStream, received: &mut BytesMut) -> io::Result<()> {
    loop {
        stream.readable().await?;
        received.reserve(READ_BYTES);
        match stream.try_read_buf(received) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

const READ_BYTES: usize = 16_384;
const LISTENERS_OF_ONE_ADDRESS: usize = 500;
/// After this time a listener hears what is live.
const SETTLING: Duration = Duration::from_secs(3);

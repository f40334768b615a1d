//! The harbor: a port to which sources come, as to an Icecast server.
//!
//! What a request means is the [`door`]'s to say; here are the sockets. Each
//! connection has a task of its own, and there are so many at a time and no more.

use crate::input::door::{self, Mount, Refusal, Wish};
use crate::input::session::Pipe;
use crate::input::title::LiveTitle;
use crate::input::{Input, Session};
use crate::tasks::Tasks;
use bytes::{Bytes, BytesMut};
use common::http::chunked;
use common::http::head::{HeadLimits, HeadReader, RequestHead};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

/// A port, and the mounts on it.
#[derive(Debug)]
pub struct Harbor {
    listener: TcpListener,
    mounts: Arc<[Berth]>,
    tasks: Tasks,
}

/// A mount, and what a source on it is to.
#[derive(Clone, Debug)]
pub struct Berth {
    /// What is asked of a source.
    pub mount: Mount,
    /// Where what it sends goes.
    pub input: Input,
    /// A source is sent away that sends nothing for so long.
    pub silence_max: Duration,
}

/// A connection on its way.
struct Visit {
    socket: TcpStream,
    from: SocketAddr,
    received: BytesMut,
    mounts: Arc<[Berth]>,
}

/// Why a source has left.
#[derive(Debug, thiserror::Error)]
enum Left {
    #[error("the stream ends")]
    Ended,
    #[error("the connection broke: {0}")]
    Io(#[from] std::io::Error),
    #[error("sent away")]
    Kicked,
    #[error("it has sent nothing for {} s", .0.as_secs())]
    Silent(Duration),
    #[error("it cannot be decoded: {0}")]
    Undecodable(String),
}

impl Harbor {
    /// A harbor at `listener` with these `mounts`.
    pub fn new(listener: TcpListener, mounts: Vec<Berth>, tasks: Tasks) -> Self {
        Self { listener, mounts: mounts.into(), tasks }
    }

    /// Lets sources in until the sender of `stop` is dropped.
    pub async fn serve(self, mut stop: watch::Receiver<()>) {
        let slots = Arc::new(Semaphore::new(VISITS_MAX));
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                _ = stop.changed() => return,
            };
            let (socket, from) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    warn!("no source can come in: {error}");
                    sleep(ACCEPT_REST).await;
                    continue;
                }
            };
            let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else {
                debug!(%from, "too many connections; this one is dropped");
                continue;
            };
            let (received, mounts) = (BytesMut::new(), Arc::clone(&self.mounts));
            let visit = Visit { socket, from, received, mounts };
            let mut stop = stop.clone();
            self.tasks.spawn(async move {
                tokio::select! {
                    () = visit.run() => {}
                    _ = stop.changed() => {}
                }
                drop(slot);
            });
        }
    }
}

impl Visit {
    async fn run(mut self) {
        let head = timeout(HEAD_TIME, self.head()).await;
        let Ok(Some(head)) = head else { return };
        let mounts: Vec<Mount> = self.mounts.iter().map(|berth| berth.mount.clone()).collect();
        match door::wish(&head, &mounts) {
            Err(refusal) => self.refuse(&head, refusal).await,
            Ok(Wish::Tell(mount, title)) => {
                self.mounts[mount].input.retitle(title);
                self.say(door::TOLD.as_bytes()).await;
            }
            Ok(wish @ Wish::Send { .. }) => self.send(&head, wish).await,
        }
    }

    /// The head of the request; `None` if it is none, which is answered.
    async fn head(&mut self) -> Option<RequestHead> {
        let mut reader = HeadReader::new(HeadLimits::default());
        loop {
            match reader.request(&self.received) {
                Ok(Some((head, length))) => {
                    let _ = self.received.split_to(length);
                    return Some(head);
                }
                Ok(None) => {}
                Err(_) => {
                    self.say(Refusal::Malformed.answer().as_bytes()).await;
                    return None;
                }
            }
            if self.socket.read_buf(&mut self.received).await.ok()? == 0 {
                return None;
            }
        }
    }

    async fn refuse(&mut self, head: &RequestHead, refusal: Refusal) {
        // Many encoders come without a password first, and libshout asks whether it may use TLS.
        let says_password = head.headers.first("authorization").is_some();
        let is_usual = head.method == "OPTIONS" || refusal == Refusal::Unauthorized;
        if says_password || !is_usual {
            let (method, path) = (&head.method, head.path());
            warn!(from = %self.from, method, path, "refused: {refusal}");
        }
        if refusal == Refusal::Unauthorized {
            sleep(WRONG_PASSWORD_REST).await;
        }
        self.say(refusal.answer().as_bytes()).await;
    }

    /// Says something and takes leave.
    async fn say(&mut self, answer: &[u8]) {
        let saying = async {
            self.socket.write_all(answer).await?;
            self.socket.shutdown().await
        };
        drop(timeout(HEAD_TIME, saying).await); // whoever does not listen is gone
    }

    /// Takes in what a source sends, until it leaves.
    async fn send(mut self, head: &RequestHead, wish: Wish) {
        let Wish::Send { mount, content_type, title, waits, is_chunked, length } = wish else {
            return;
        };
        let berth = self.mounts[mount].clone();
        let (name, from) = (Arc::clone(berth.input.name()), self.from);
        let Some(session) = begin(&berth.input, from, title).await else {
            return self.refuse(head, Refusal::Taken).await;
        };
        let accepted =
            if waits { [door::CONTINUE, door::ACCEPTED].concat() } else { door::ACCEPTED.to_vec() };
        let kicked = session.kicked();
        let mut pipe = match Pipe::start(session, &content_type) {
            Ok(pipe) => pipe,
            Err(error) => return warn!(input = %name, "no source can come in: {error}"),
        };
        if self.socket.write_all(&accepted).await.is_err() {
            return;
        }
        let agent = head.headers.first("user-agent").unwrap_or_default();
        info!(input = %name, %from, content_type, agent, "a live source has come");
        let body = Body { is_chunked, left: length, decoder: chunked::Decoder::default() };
        let left = tokio::select! {
            left = self.take_in(body, &mut pipe, &berth) => left,
            () = kicked => Left::Kicked,
        };
        match pipe.end().await {
            Some(problem) => {
                let left = Left::Undecodable(problem);
                warn!(input = %name, %from, "the live source is sent away: {left}");
            }
            None => info!(input = %name, %from, "the live source has left: {left}"),
        }
    }

    async fn take_in(&mut self, mut body: Body, pipe: &mut Pipe, berth: &Berth) -> Left {
        let silence_max = berth.silence_max;
        loop {
            match body.decoded(&mut self.received) {
                Ok(bytes) if bytes.is_empty() => {}
                Ok(bytes) => {
                    if let Err(problem) = pipe.put(bytes).await {
                        return Left::Undecodable(problem);
                    }
                }
                Err(problem) => return Left::Undecodable(problem),
            }
            if body.is_over() {
                return Left::Ended;
            }
            self.received.reserve(READ_BYTES);
            berth.input.awaits(true);
            match timeout(silence_max, self.socket.read_buf(&mut self.received)).await {
                Err(_) => return Left::Silent(silence_max),
                Ok(Err(error)) => return error.into(),
                Ok(Ok(0)) => return Left::Ended,
                Ok(Ok(_)) => berth.input.awaits(false),
            }
        }
    }
}

/// Lets a source in; one that is connected and has been half dead for a while makes way for it.
async fn begin(input: &Input, from: SocketAddr, title: LiveTitle) -> Option<Session> {
    let source = from.ip().to_string();
    if let Ok(session) = input.begin(&source, title.clone()) {
        return Some(session);
    }
    let quiet = input.quiet();
    if quiet < HALF_DEAD {
        return None;
    }
    let (input_name, quiet_s) = (input.name(), quiet.as_secs_f64());
    let what = "takes over from a source that has sent nothing";
    warn!(input = %input_name, %from, "{what} for {quiet_s:.1} s");
    input.kick();
    let mut state = input.state();
    let left = timeout(LEAVING_MAX, state.wait_for(|state| state.source.is_none())).await;
    drop(left); // if it is not away by then, the next attempt is better off
    input.begin(&source, title).ok()
}

/// The body of a request, as it comes.
struct Body {
    is_chunked: bool,
    decoder: chunked::Decoder,
    left: Option<u64>,
}

impl Body {
    /// What has been `received` of it.
    fn decoded(&mut self, received: &mut BytesMut) -> Result<Bytes, String> {
        if self.is_chunked {
            let mut out = BytesMut::new();
            let decoded = self.decoder.decode(&received.split(), &mut out);
            return decoded.map(|()| out.freeze()).map_err(|error| error.to_string());
        }
        let here = received.len();
        let Some(left) = &mut self.left else { return Ok(received.split().freeze()) };
        let here = usize::try_from(*left).unwrap_or(usize::MAX).min(here);
        *left -= here as u64;
        Ok(received.split_to(here).freeze())
    }

    fn is_over(&self) -> bool {
        if self.is_chunked { self.decoder.is_done() } else { self.left == Some(0) }
    }
}

/// Connections at a time, on one port.
pub const VISITS_MAX: usize = 32;
/// A source that has sent nothing for so long makes way for another one; long before it is sent
/// away by itself, so that somebody whose line broke can come back.
pub const HALF_DEAD: Duration = Duration::from_secs(5);
/// It has so long for that.
const LEAVING_MAX: Duration = Duration::from_secs(2);
/// A request has so long to be made, and an answer to be taken.
pub const HEAD_TIME: Duration = Duration::from_secs(10);
/// Whoever says a wrong password is kept waiting so long.
pub const WRONG_PASSWORD_REST: Duration = Duration::from_millis(500);
/// Without sockets to give, the system is asked again after so long.
const ACCEPT_REST: Duration = Duration::from_millis(500);
/// So much is read at a time.
const READ_BYTES: usize = 16 << 10;

//! The telnet server: lines of commands by TCP or a Unix socket, as Liquidsoap takes them.
//!
//! There is no greeting. Every line that is a command gets a reply, in the order of the lines, also
//! after the other side has said that it will send nothing more. `exit` ends a session, and so does
//! silence of [`IDLE_MAX`]. Where [`SESSIONS_MAX`] are open and one more comes, the one that has
//! been silent for longest makes room: whoever forgets to hang up keeps nobody out. One that has
//! just come is given [`SETTLING`] to say what it came for; whoever comes then waits so long, or
//! until one ends.
//!
//! Where anybody but this machine may connect, a session begins with `login PASSWORD`.

pub mod lines;

use crate::control::answer;
use crate::control::console::{Console, Said};
use crate::control::telnet::lines::{LINE_BYTES_MAX, Lines};
use crate::tasks::Tasks;
use common::auth::Password;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{oneshot, watch};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::{debug, warn};

/// Takes sessions, from whichever sockets it is given.
#[derive(Clone, Debug)]
pub struct Telnet {
    console: Arc<Console>,
    /// What a session has to begin with, if anything.
    password: Option<Password>,
    /// Everything ends when the sender of this is dropped.
    stop: watch::Receiver<()>,
    tasks: Tasks,
}

impl Telnet {
    /// A server for `console` that ends when the sender of `stop` is dropped.
    pub fn new(
        console: Arc<Console>,
        password: Option<Password>,
        stop: watch::Receiver<()>,
        tasks: Tasks,
    ) -> Self {
        Self { console, password, stop, tasks }
    }

    /// Takes sessions by TCP.
    pub async fn serve_tcp(self, listener: TcpListener) {
        let mut sessions = Sessions::default();
        let mut stop = self.stop.clone();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((socket, from)) => {
                        debug!(%from, "telnet session");
                        self.begin(socket, self.password.clone(), sessions.room().await);
                    }
                    Err(error) => rest_after(&error).await,
                },
                _ = stop.changed() => return,
            }
        }
    }

    /// Takes sessions by a Unix socket, whose file says who may.
    pub async fn serve_unix(self, listener: UnixListener) {
        let mut sessions = Sessions::default();
        let mut stop = self.stop.clone();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((socket, _)) => self.begin(socket, None, sessions.room().await),
                    Err(error) => rest_after(&error).await,
                },
                _ = stop.changed() => return,
            }
        }
    }

    /// Begins a session.
    fn begin(
        &self,
        socket: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        password: Option<Password>,
        place: Place,
    ) {
        let Place { mut end, spoke } = place;
        let console = Arc::clone(&self.console);
        let mut stop = self.stop.clone();
        self.tasks.spawn(async move {
            let session = Session { console, password, lines: Lines::default(), spoke };
            tokio::select! {
                () = session.run(socket) => {}
                _ = &mut end => {}
                _ = stop.changed() => {}
            }
        });
    }
}

/// The sessions of a socket.
#[derive(Debug, Default)]
struct Sessions {
    open: Vec<OpenSession>,
    /// Whether one had to make room when the last one came.
    is_crowded: bool,
}

/// A session, from here.
#[derive(Debug)]
struct OpenSession {
    /// When it said something last.
    spoke: watch::Receiver<Instant>,
    /// Dropped, so that the session ends.
    end: oneshot::Sender<()>,
}

/// A session's place among them.
#[derive(Debug)]
struct Place {
    /// Ends when the session is to end.
    end: oneshot::Receiver<()>,
    /// Takes when it says something.
    spoke: watch::Sender<Instant>,
}

impl Sessions {
    /// Makes room for one more.
    async fn room(&mut self) -> Place {
        self.open.retain(|session| !session.end.is_closed());
        let was_crowded = std::mem::replace(&mut self.is_crowded, self.open.len() >= SESSIONS_MAX);
        if self.is_crowded {
            if !was_crowded {
                warn!(
                    "{SESSIONS_MAX} telnet sessions are open; the one that has been silent longest \
                     makes room for one more"
                );
            }
            let spoke = |session: &OpenSession| *session.spoke.borrow();
            let longest = self.open.iter().map(spoke).min().unwrap_or_else(Instant::now);
            tokio::select! {
                () = sleep_until(longest + SETTLING) => {}
                () = any_ends(&mut self.open) => {}
            }
            // Some may have ended meanwhile, or spoken.
            self.open.retain(|session| !session.end.is_closed());
            let places = 0..self.open.len();
            let longest = places.min_by_key(|place| spoke(&self.open[*place]));
            if let Some(longest) = longest.filter(|_| self.open.len() >= SESSIONS_MAX) {
                self.open.swap_remove(longest);
            }
        }
        let (end, ends) = oneshot::channel();
        let (spoke, speaks) = watch::channel(Instant::now());
        self.open.push(OpenSession { spoke: speaks, end });
        Place { end: ends, spoke }
    }
}

/// Resolves when one of `sessions` has ended.
async fn any_ends(sessions: &mut [OpenSession]) {
    poll_fn(|context| {
        let mut ends = sessions.iter_mut().map(|session| session.end.poll_closed(context));
        if ends.any(|end| end.is_ready()) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// One connection.
struct Session {
    console: Arc<Console>,
    /// What has yet to be said before anything is answered.
    password: Option<Password>,
    lines: Lines,
    /// Takes when something was said last.
    spoke: watch::Sender<Instant>,
}

impl Session {
    async fn run(mut self, mut socket: impl AsyncRead + AsyncWrite + Unpin) {
        let mut received = Vec::with_capacity(READ_BYTES);
        loop {
            received.clear();
            let read = timeout(IDLE_MAX, socket.read_buf(&mut received)).await;
            let (text, is_over) = match read {
                Err(_) => ("Connection timed out.. Bye!\r\n".to_owned(), true),
                Ok(Ok(0) | Err(_)) => return,
                Ok(Ok(_)) => self.replies(&received).await,
            };
            // Whoever does not read replies is not waited for.
            let wrote = timeout(WRITE_MAX, socket.write_all(text.as_bytes())).await;
            if is_over || !matches!(wrote, Ok(Ok(()))) {
                drop(timeout(WRITE_MAX, socket.shutdown()).await);
                return;
            }
        }
    }

    /// What is said to `received`, and whether nothing is said any more.
    async fn replies(&mut self, received: &[u8]) -> (String, bool) {
        self.lines.feed(received);
        let mut text = String::new();
        loop {
            match self.lines.next_line() {
                Ok(None) => return (text, false),
                Ok(Some(line)) => {
                    self.spoke.send_replace(Instant::now());
                    match self.answer(&line).await {
                        Said::Body(body) => text.push_str(&answer::reply(&body)),
                        Said::Bye => return (text + "Bye!\r\n", true),
                    }
                    // Who sends many at once takes turns with everybody else.
                    yield_now().await;
                }
                Err(lines::TooLong) => {
                    let what = format!("ERROR: a line of more than {LINE_BYTES_MAX} bytes.");
                    return (text + &answer::reply(&what), true);
                }
            }
        }
    }

    async fn answer(&mut self, line: &str) -> Said {
        let Some(password) = &self.password else { return self.console.answer(line).await };
        match line.split_once(' ') {
            Some(("login", guess)) if password.matches(guess.trim()) => {
                self.password = None;
                Said::Body("OK".to_owned())
            }
            _ if line == "exit" || line == "quit" => Said::Bye,
            _ => Said::Body("ERROR: say \"login PASSWORD\" first.".to_owned()),
        }
    }
}

/// Lets the system recover, which has no more sockets for us.
async fn rest_after(error: &std::io::Error) {
    warn!("a telnet session cannot begin: {error}");
    sleep(ACCEPT_REST).await;
}

/// A session that says nothing for so long is ended.
pub const IDLE_MAX: Duration = Duration::from_secs(30);
/// Sessions of a socket at a time.
pub const SESSIONS_MAX: usize = 64;
/// A session that has just come makes no room for another for so long.
pub const SETTLING: Duration = Duration::from_millis(300);
/// A reply may take so long to be taken.
pub const WRITE_MAX: Duration = Duration::from_secs(5);
const READ_BYTES: usize = 1_024;
const ACCEPT_REST: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests;

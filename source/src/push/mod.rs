//! Sends the programme to one server.
//!
//! The frames come when they are due. What comes within [`GATHER`] is sent at once: a frame lasts
//! 26 ms, and to be woken for each costs more than to send it. While there is no connection they
//! are dropped: a listener who comes back wants what is on air now. Where the frames have a head,
//! as those of Ogg do, each connection is sent it first, and again whenever it changes. What
//! happens to the connection is told to [`link`], which says what to do next; how a server is
//! greeted is in [`handshake`]; titles are the business of [`metadata`].
//!
//! A server that stops reading fills the queue of [`QUEUE_FRAMES`] and no more; after
//! [`STALL_MAX`] without progress it is given up and dialled again.

pub mod handshake;
pub mod link;
pub mod metadata;

use crate::config::Output;
use crate::encode::{Frame, Titles};
use crate::push::handshake::DialError;
use crate::push::link::{Event, Link};
use crate::push::metadata::Announcement;
use crate::status::{LinkStatus, Report};
use crate::tasks::Tasks;
use crate::tls::{Line, Tls};
use bytes::{Bytes, BytesMut};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{debug, info, warn};

/// One output.
pub struct Push {
    /// What it is; the server hears of a change at the next connection.
    output: watch::Receiver<Arc<Output>>,
    frames: mpsc::Receiver<Frame>,
    /// Whether it is to be on the air.
    wanted: watch::Receiver<bool>,
    titles: watch::Sender<Announcement>,
    report: Report<LinkStatus>,
    status: LinkStatus,
    tls: Tls,
}

/// The programme has ended.
struct Ended;

/// Why a stream broke off.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the server closed the connection")]
    Closed,
    #[error("the connection broke: {0}")]
    Io(#[from] std::io::Error),
    #[error("the server has stopped reading for {} s", STALL_MAX.as_secs())]
    Stalled,
}

impl Push {
    /// An output that sends `frames` while it is `wanted`, and reports how it fares, touching
    /// `any`. The titles are sent by a task of its own, started here.
    pub fn new(
        output: watch::Receiver<Arc<Output>>,
        frames: mpsc::Receiver<Frame>,
        wanted: watch::Receiver<bool>,
        any: &watch::Sender<()>,
        tls: &Tls,
        tasks: &Tasks,
    ) -> (Self, watch::Receiver<LinkStatus>) {
        let status = LinkStatus {
            link: if *wanted.borrow() { Link::new() } else { Link::Stopped },
            sent_bytes: 0,
            connections: 0,
            unsent_frames: 0,
            last_error: None,
        };
        let (report, reports) = Report::new(status.clone(), any);
        let (titles, announcements) = watch::channel(Announcement::default());
        tasks.spawn(metadata::announce_all(output.clone(), announcements, tls.clone()));
        (Self { output, frames, wanted, titles, report, status, tls: tls.clone() }, reports)
    }

    /// Keeps the server supplied until the programme ends, while that is wanted.
    pub async fn run(mut self) {
        let mut wanted = self.wanted.clone();
        loop {
            if self.status.link == Link::Stopped {
                let Ok(()) = self.step().await else { break };
            } else {
                tokio::select! {
                    done = self.step() => if done.is_err() { break },
                    () = said(&mut wanted, false) => self.happened(Event::Stopped),
                }
            }
            self.report.say(self.status.clone());
        }
        debug!(server = %self.output().address.server, "the programme has ended");
    }

    /// Does what the link wants done, and tells it what came of that.
    async fn step(&mut self) -> Result<(), Ended> {
        let event = match self.status.link {
            Link::Dialling { .. } => {
                let (output, tls) = (self.output(), self.tls.clone());
                let dialled = async move { handshake::dial(&output, &tls).await };
                let dialled = self.off_air(dialled).await?;
                match dialled {
                    Ok(socket) => return self.on_air(socket).await,
                    Err(error) => self.refused(&error),
                }
            }
            Link::Stopped => {
                let mut wanted = self.wanted.clone();
                self.off_air(said(&mut wanted, true)).await?;
                Event::Started
            }
            Link::Streaming { .. } => unreachable!("a stream is left only by its end"),
            Link::Waiting { until, .. } => {
                self.off_air(sleep_until(until.into())).await?;
                Event::Rested
            }
        };
        self.happened(event);
        Ok(())
    }

    /// What it is now.
    fn output(&self) -> Arc<Output> {
        Arc::clone(&self.output.borrow())
    }

    fn happened(&mut self, event: Event) {
        let now = Instant::now().into_std();
        self.status.link = self.status.link.after(event, now, random());
    }

    /// Says why the server could not be had, unless it is the same as before.
    fn refused(&mut self, error: &DialError) -> Event {
        let text: Arc<str> = error.to_string().into();
        let output = self.output();
        let (mount, server) = (&output.address.mount, &output.address.server);
        if self.status.last_error.as_ref() == Some(&text) {
            debug!(%mount, %server, "still off air: {text}");
        } else {
            warn!(%mount, %server, "off air: {text}; trying again");
        }
        self.status.last_error = Some(text);
        match error {
            DialError::NoAnswer(_) | DialError::Unreachable(_) => Event::Unreachable,
            DialError::Insecure(_)
            | DialError::Refused { .. }
            | DialError::WrongPassword { .. } => Event::Refused,
            DialError::NotHttp(_) | DialError::Silent => Event::Refused,
        }
    }

    /// Waits for `done` while the frames that are due are dropped.
    async fn off_air<T>(&mut self, done: impl Future<Output = T>) -> Result<T, Ended> {
        tokio::pin!(done);
        loop {
            tokio::select! {
                done = &mut done => return Ok(done),
                frame = self.frames.recv() => {
                    frame.ok_or(Ended)?;
                    self.status.unsent_frames += 1;
                }
            }
        }
    }

    /// Streams on `socket` until it breaks.
    async fn on_air(&mut self, socket: Line) -> Result<(), Ended> {
        self.happened(Event::Accepted);
        self.status.connections += 1;
        self.status.last_error = None;
        self.report.say(self.status.clone());
        let output = self.output();
        let address = &output.address;
        info!(mount = %address.mount, server = %address.server, "on air");
        // What has waited in the queue while the server was being greeted is no longer due.
        while self.frames.try_recv().is_ok() {
            self.status.unsent_frames += 1;
        }
        let broken = self.stream(socket).await?;
        warn!(mount = %address.mount, server = %address.server, "off air: {broken}");
        self.status.last_error = Some(broken.to_string().into());
        self.happened(Event::Lost);
        Ok(())
    }

    async fn stream(&mut self, mut socket: Line) -> Result<Broken, Ended> {
        let (mut frames, mut head_sent) = (Vec::with_capacity(GATHERED_MAX), Bytes::new());
        let (mut together, mut frames_unreported) = (BytesMut::new(), 0);
        loop {
            tokio::select! {
                count = self.frames.recv_many(&mut frames, GATHERED_MAX) => if count == 0 {
                    drop(socket.shutdown().await); // a server that is gone is no concern now
                    return Err(Ended);
                },
                closed = closed(&mut socket) => return Ok(closed),
            }
            let next = Instant::now() + GATHER;
            frames_unreported += frames.len();
            for frame in frames.drain(..) {
                self.announce(&frame.title);
                if frame.head != head_sent {
                    head_sent = frame.head;
                    together.extend_from_slice(&head_sent);
                }
                together.extend_from_slice(&frame.bytes);
            }
            if let Err(broken) = self.send(&mut socket, &together).await {
                return Ok(broken);
            }
            together.clear();
            if frames_unreported >= REPORT_FRAMES {
                frames_unreported = 0;
                self.report.say(self.status.clone());
            }
            tokio::select! {
                () = sleep_until(next) => {}
                closed = closed(&mut socket) => return Ok(closed),
            }
        }
    }

    async fn send(&mut self, socket: &mut Line, bytes: &[u8]) -> Result<(), Broken> {
        let sending = async {
            socket.write_all(bytes).await?;
            socket.flush().await // in TLS, what was written may still be here
        };
        match timeout(STALL_MAX, sending).await {
            Err(_) => Err(Broken::Stalled),
            Ok(Err(error)) if is_stall(&error) => Err(Broken::Stalled),
            Ok(Err(error)) => Err(error.into()),
            Ok(Ok(())) => {
                self.status.sent_bytes += bytes.len() as u64;
                Ok(())
            }
        }
    }

    /// Lets `title` be told to the server, unless it is in the stream, or this connection was told
    /// it already.
    fn announce(&self, title: &Arc<str>) {
        if self.output.borrow().format.titles() == Titles::InStream {
            return;
        }
        let connection = self.status.connections;
        self.titles.send_if_modified(|now| {
            let news = now.connection != connection || now.title != *title;
            if news {
                *now = Announcement { connection, title: Arc::clone(title) };
            }
            news
        });
    }
}

/// Waits until somebody has said whether the output is `wanted`; for ever if nobody can any more.
async fn said(wanted: &mut watch::Receiver<bool>, to_be: bool) {
    if wanted.wait_for(|now| *now == to_be).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Waits until the server closes the connection; what it says meanwhile is of no interest.
async fn closed(socket: &mut Line) -> Broken {
    let mut ignored = [0; 512];
    loop {
        match socket.read(&mut ignored).await {
            Ok(0) => return Broken::Closed,
            Ok(_) => {}
            Err(error) if is_stall(&error) => return Broken::Stalled,
            Err(error) => return error.into(),
        }
    }
}

/// Whether the kernel gave up because nothing was taken for [`STALL_MAX`].
fn is_stall(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::TimedOut
}

/// An even random number from 0 to 1, for spreading waits.
fn random() -> f64 {
    let bits = getrandom::u32().unwrap_or_default(); // without randomness, the shortest wait
    f64::from(bits) / f64::from(u32::MAX)
}

/// Frames that may wait for an output: about eight seconds.
pub const QUEUE_FRAMES: usize = 306;
/// A server that takes nothing for so long is given up.
pub const STALL_MAX: Duration = Duration::from_secs(10);
/// Progress is reported every so many frames: about once a second.
const REPORT_FRAMES: usize = 38;
/// Frames are sent ten times a second at most.
pub const GATHER: Duration = Duration::from_millis(100);
/// So many are sent at once at most.
const GATHERED_MAX: usize = 64;

#[cfg(test)]
mod tests;

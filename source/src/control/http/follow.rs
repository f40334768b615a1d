//! `/events`: what happens, as Server-Sent Events.
//!
//! An event is its kind and one line of JSON. What a follower is told is the difference between
//! the state it was told of last and the state now, so whoever reads slowly hears less often of
//! what changed, and nothing waits for them in memory but the few events of [`QUEUE_EVENTS`].

use crate::control::console::Console;
use crate::control::news::{News, news};
use crate::control::state::{Moment, State};
use bytes::Bytes;
use hyper::body::{Body, Frame};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout_at};

/// The events of one follower, on their way to the socket.
pub(super) struct Events(mpsc::Receiver<Bytes>);

/// What a follower wants to hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kinds(Option<Vec<String>>);

impl Kinds {
    /// What `query` asks for; everything if it names nothing.
    pub(super) fn read(query: &str) -> Self {
        let kinds = query.split('&').find_map(|pair| pair.strip_prefix("kinds="));
        Self(kinds.map(|kinds| kinds.split(',').map(str::to_owned).collect()))
    }

    fn wants(&self, news: &News) -> bool {
        self.0.as_ref().is_none_or(|kinds| kinds.iter().any(|kind| kind == news.kind()))
    }

    /// Those of `all` that are wanted, as events.
    fn written(&self, all: &[News]) -> String {
        all.iter().filter(|news| self.wants(news)).map(written).collect()
    }
}

impl Events {
    /// Events without any, and where to put them.
    pub(super) fn new() -> (mpsc::Sender<Bytes>, Self) {
        let (sender, events) = mpsc::channel(QUEUE_EVENTS);
        (sender, Self(events))
    }
}

impl Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|event| event.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// Tells a follower what happens, whenever `changes` says that something may have, until they
/// have left or nothing can happen any more.
pub(super) async fn follow(
    console: Arc<Console>,
    kinds: Kinds,
    mut changes: watch::Receiver<()>,
    events: mpsc::Sender<Bytes>,
) {
    let mut told = State::of(&console, Moment::now());
    let mut text = kinds.written(&[News::Status(Box::new(told.clone()))]);
    let mut alive_until = Instant::now() + KEPT_ALIVE;
    loop {
        if !text.is_empty() {
            alive_until = Instant::now() + KEPT_ALIVE;
            if events.send(text.into()).await.is_err() {
                return;
            }
        }
        tokio::select! {
            () = events.closed() => return,
            changed = timeout_at(alive_until, changes.changed()) => match changed {
                Ok(Ok(())) => {
                    let now = State::of(&console, Moment::now());
                    text = kinds.written(&news(&told, &now));
                    told = now;
                }
                Ok(Err(_)) => return,
                Err(_) => text = ALIVE.to_owned(),
            },
        }
    }
}

/// One event.
fn written(news: &News) -> String {
    let json = serde_json::to_string(news).expect("our values have no keys but texts");
    format!("event: {}\ndata: {json}\n\n", news.kind())
}

/// A comment, which is no event.
const ALIVE: &str = ":\n\n";
/// Events that may wait for a follower's socket.
const QUEUE_EVENTS: usize = 4;
/// Something is sent at least so often, so that whoever is between does not hang up.
pub(super) const KEPT_ALIVE: Duration = Duration::from_secs(15);

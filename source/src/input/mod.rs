//! Live inputs: a source that comes to us, as to an Icecast server, or a stream that is fetched.
//!
//! A *session* is one source from its coming to its leaving. A thread of its own decodes what it
//! sends and puts it into a *feed* for each channel that may play the input; the channel takes it
//! when enough is there, as it takes any track, and plays it until the session ends. A session
//! never waits for a channel but when it sends faster than it plays, and no channel for a session.
//!
//! The [`harbor`] lets sources in; the [`relay`] fetches.

pub mod disarm;
pub mod door;
pub mod feed;
pub mod harbor;
pub mod relay;
pub mod reservoir;
pub mod session;
pub mod title;

use crate::input::feed::Feed;
use crate::input::reservoir::Heard;
use crate::input::title::LiveTitle;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::watch;
use tokio::time::Instant;

/// An input; clones are the same.
#[derive(Clone, Debug)]
pub struct Input {
    name: Arc<str>,
    /// So much is there before it is played.
    buffer: Duration,
    feeds: watch::Sender<Vec<(Arc<str>, Feed)>>,
    state: watch::Sender<State>,
    /// Since when the source is waited for to send something, if it is.
    awaited: watch::Sender<Option<Instant>>,
}

/// How an input fares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Who sends, if somebody does: an address, or that of the stream.
    pub source: Option<Arc<str>>,
    /// Since when that one is connected.
    pub since: Option<SystemTime>,
    /// The number of the session, from 1; of the last one, if none runs.
    pub session: u64,
    /// Sessions up to this number are not wanted any more.
    kicked: u64,
    /// Whether it is to fetch its stream.
    is_stopped: bool,
    /// What the source last said that is heard.
    title: Arc<LiveTitle>,
}

/// A session that runs; it is over when this is dropped.
#[derive(Debug)]
pub struct Session {
    input: Input,
    number: u64,
}

/// Somebody else sends already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("another source is connected")]
pub struct Taken;

impl Input {
    /// An input called `name` that nobody sends to yet.
    pub fn new(name: &str, buffer: Duration) -> Self {
        let feeds = watch::Sender::new(Vec::new());
        let (state, awaited) = (watch::Sender::default(), watch::Sender::default());
        Self { name: name.into(), buffer, feeds, state, awaited }
    }

    /// What it is called.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// How much of it is there before it is played.
    pub fn buffer(&self) -> Duration {
        self.buffer
    }

    /// How it fares.
    pub fn state(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// Where the channel called `channel` takes what comes.
    pub fn feed(&self, channel: &str) -> Feed {
        let mut found = None;
        self.feeds.send_if_modified(|feeds| {
            let known = feeds.iter().find(|(name, _)| **name == *channel);
            let feed = known.map(|(_, feed)| feed.clone());
            let is_new = feed.is_none();
            let feed = feed.unwrap_or_else(|| Feed::new(self.buffer));
            if is_new {
                feeds.push((channel.into(), feed.clone()));
            }
            found = Some(feed);
            is_new
        });
        found.unwrap_or_else(|| Feed::new(self.buffer))
    }

    /// How long that plays which has come and was not taken by a channel yet.
    pub fn waiting(&self) -> Duration {
        let feeds = self.feeds.borrow();
        feeds.iter().map(|(_, feed)| feed.length()).max().unwrap_or_default()
    }

    /// For how long the source that is connected has sent nothing.
    pub fn quiet(&self) -> Duration {
        self.awaited.borrow().map(|since| since.elapsed()).unwrap_or_default()
    }

    /// Lets a source in, from `source`.
    ///
    /// Fails if another one is connected.
    pub fn begin(&self, source: &str, title: LiveTitle) -> Result<Session, Taken> {
        let mut number = Err(Taken);
        self.state.send_if_modified(|state| {
            let is_free = state.source.is_none();
            if is_free {
                state.source = Some(source.into());
                state.since = Some(SystemTime::now());
                state.session += 1;
                state.title = Arc::new(title);
                number = Ok(state.session);
            }
            is_free
        });
        let number = number?;
        self.awaited.send_replace(None);
        Ok(Session { input: self.clone(), number })
    }

    /// What is heard of the session that runs is called `title` from now on.
    pub fn retitle(&self, title: LiveTitle) {
        let title = Arc::new(title);
        let is_new = self.state.send_if_modified(|state| {
            let is_new = state.title != title;
            state.title = Arc::clone(&title);
            is_new
        });
        if is_new {
            let number = self.state.borrow().session;
            self.put(number, &Heard::Title(title));
        }
    }

    /// The source that is connected is to send something, or has.
    pub fn awaits(&self, is_awaited: bool) {
        self.awaited.send_replace(is_awaited.then(Instant::now));
    }

    /// Sends away the source that is connected.
    pub fn kick(&self) {
        self.state.send_modify(|state| state.kicked = state.session);
    }

    /// Lets it fetch its stream, or not any more.
    pub fn want(&self, is_wanted: bool) {
        self.state.send_modify(|state| {
            state.is_stopped = !is_wanted;
            if !is_wanted {
                state.kicked = state.session;
            }
        });
    }

    fn put(&self, number: u64, heard: &Heard) {
        let title = Arc::clone(&self.state.borrow().title);
        for (_, feed) in self.feeds.borrow().iter() {
            feed.put(number, heard, &title);
        }
    }
}

impl State {
    /// Whether it is to fetch its stream.
    pub fn is_wanted(&self) -> bool {
        !self.is_stopped
    }
}

impl Session {
    /// Takes in audio.
    pub fn put(&self, audio: crate::pcm::block::Block) {
        self.input.put(self.number, &Heard::Audio(audio));
    }

    /// The input.
    pub fn input(&self) -> &Input {
        &self.input
    }

    /// Whether so much waits that no more should be taken in for now.
    pub fn is_full(&self) -> bool {
        self.input.feeds.borrow().iter().any(|(_, feed)| feed.is_full(self.number))
    }

    /// Whether the source was sent away.
    pub fn is_kicked(&self) -> bool {
        self.input.state.borrow().kicked >= self.number
    }

    /// Waits until the source is sent away.
    pub fn kicked(&self) -> impl Future<Output = ()> + Send + use<> {
        let (mut state, number) = (self.input.state.subscribe(), self.number);
        async move {
            drop(state.wait_for(|state| state.kicked >= number).await); // the input lives with us
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for (_, feed) in self.input.feeds.borrow().iter() {
            feed.end(self.number);
        }
        self.input.state.send_modify(|state| (state.source, state.since) = (None, None));
    }
}

//! A relay: an input that fetches its stream, and fetches it again when it breaks off.

use crate::fetch::address::HttpAddress;
use crate::fetch::client::{Answer, AskError, Client};
use crate::input::Input;
use crate::input::session::Pipe;
use crate::input::title::LiveTitle;
use bytes::{Bytes, BytesMut};
use common::backoff::Backoff;
use common::icy::{self, Unweaver};
use std::num::NonZeroUsize;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tracing::{debug, info, warn};

/// An input and where its stream is.
#[derive(Clone, Debug)]
pub struct Relay {
    /// Where what comes goes.
    pub input: Input,
    /// Where the stream is.
    pub address: HttpAddress,
    /// A server is given up that sends nothing for so long.
    pub silence_max: Duration,
    /// What asks.
    pub client: Client,
}

/// Why a stream has come to its end.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error("the stream ends")]
    Ended,
    #[error("sent away")]
    Kicked,
    #[error("no thread for it: {0}")]
    Thread(std::io::Error),
    #[error("it cannot be decoded: {0}")]
    Undecodable(String),
}

impl Relay {
    /// Fetches the stream whenever it is wanted, until the sender of `stop` is dropped.
    pub async fn run(self, mut stop: watch::Receiver<()>) {
        tokio::select! {
            () = self.keep() => {}
            _ = stop.changed() => {}
        }
    }

    async fn keep(&self) {
        let (mut failures, mut last) = (0, None);
        let mut state = self.input.state();
        loop {
            if state.wait_for(|state| state.is_wanted()).await.is_err() {
                return;
            }
            let began = Instant::now();
            let broken = self.fetch().await;
            let (name, text) = (self.input.name(), broken.to_string());
            if last.as_ref() == Some(&text) {
                debug!(input = %name, address = %self.address, "still no stream: {text}");
            } else {
                warn!(input = %name, address = %self.address, "no stream: {text}; trying again");
            }
            last = Some(text);
            failures = if began.elapsed() > RETRY.longest { 0 } else { failures + 1 };
            sleep(RETRY.wait(failures, 1.0)).await;
        }
    }

    /// Takes in the stream until it breaks off.
    async fn fetch(&self) -> Broken {
        match self.taken_in().await {
            Ok(never) => match never {},
            Err(broken) => broken,
        }
    }

    async fn taken_in(&self) -> Result<std::convert::Infallible, Broken> {
        let mut answer = self.client.ask(self.address.clone(), true).await?;
        let header = |name| answer.head.headers.first(name);
        let content_type = header("content-type").unwrap_or("audio/mpeg").to_owned();
        let title = LiveTitle::of("", header("icy-name").unwrap_or_default());
        let interval = header("icy-metaint").and_then(|it| it.trim().parse::<NonZeroUsize>().ok());
        let mut unweaver = interval.map(Unweaver::new);
        let source = self.address.to_string();
        // Nobody else sends to an input of this kind.
        let session = self.input.begin(&source, title).map_err(|_| Broken::Kicked)?;
        let kicked = session.kicked();
        let mut pipe = Pipe::start(session, &content_type).map_err(Broken::Thread)?;
        info!(input = %self.input.name(), address = source, content_type, "the stream has come");
        let pass = self.pass(&mut answer, &mut unweaver, &mut pipe);
        let broken = tokio::select! {
            broken = pass => broken,
            () = kicked => Broken::Kicked,
        };
        Err(pipe.end().await.map_or(broken, Broken::Undecodable))
    }

    async fn pass(
        &self,
        answer: &mut Answer,
        unweaver: &mut Option<Unweaver>,
        pipe: &mut Pipe,
    ) -> Broken {
        loop {
            let bytes = match answer.body.next(self.silence_max).await {
                Ok(Some(bytes)) => bytes,
                Ok(None) => return Broken::Ended,
                Err(error) => return error.into(),
            };
            let audio = match unweaver {
                Some(unweaver) => self.unwoven(&bytes, unweaver),
                None => bytes,
            };
            if !audio.is_empty()
                && let Err(problem) = pipe.put(audio).await
            {
                return Broken::Undecodable(problem);
            }
        }
    }

    fn unwoven(&self, bytes: &[u8], unweaver: &mut Unweaver) -> Bytes {
        let (mut audio, mut title) = (BytesMut::new(), None);
        unweaver.unweave(bytes, &mut audio, |text| {
            title = icy::title(text).or_else(|| title.take());
        });
        if let Some(title) = title {
            self.input.retitle(LiveTitle::song(&title));
        }
        audio.freeze()
    }
}

const RETRY: Backoff =
    Backoff { first: Duration::from_secs(1), factor: 2.0, longest: Duration::from_secs(30) };

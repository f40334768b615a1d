//! Directories: public stations are announced in them, so that they are found.
//!
//! Each directory has a task of its own, which looks who is on air, tells the directory what it
//! does not know yet ([`board`]), and keeps nobody waiting. One that cannot be reached is left in
//! peace for a time that grows; stations that leave meanwhile are taken off when it answers again.
//! When the server stops it takes its stations off, as far as that can be done within
//! [`PARTING_TIMEOUT`].

mod board;

use crate::answer;
use crate::config::directories::DirectoryConfig;
use crate::dial::{DialError, Form};
use crate::icecast::yp;
use crate::mount::name::MountName;
use crate::parts::Parts;
use crate::status::snapshot::Snapshot;
use board::{Answer, Board, Errand};
use common::backoff::Backoff;
use common::http::head::ResponseHead;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, info, warn};

/// Keeps a task for each directory of the configuration until the server stops.
pub(crate) async fn run(parts: Arc<Parts>) {
    let mut live_config = parts.live_config.clone();
    let mut running: Vec<(DirectoryConfig, watch::Sender<bool>)> = Vec::new();
    loop {
        let wished = live_config.now().directories.clone();
        running.retain(|(config, stop)| {
            let stays = wished.contains(config);
            if !stays {
                stop.send_replace(true);
            }
            stays
        });
        for config in wished {
            if running.iter().any(|(other, _)| *other == config) {
                continue;
            }
            let (stop, stopped) = watch::channel(false);
            running.push((config.clone(), stop));
            let directory = Directory::new(config, Arc::clone(&parts));
            parts.tasks.spawn(directory.run(stopped));
        }
        tokio::select! {
            () = live_config.changed() => {}
            () = parts.tasks.stopping() => return,
        }
    }
}

/// One directory.
struct Directory {
    config: DirectoryConfig,
    parts: Arc<Parts>,
    board: Board,
    /// Errands in a row to which there was no answer.
    silences: u32,
    /// Until when the directory is left in peace.
    rest_until: Instant,
}

impl Directory {
    fn new(config: DirectoryConfig, parts: Arc<Parts>) -> Self {
        let board = Board::new(config.settle, config.touch_interval);
        Self { config, parts, board, silences: 0, rest_until: Instant::now() }
    }

    async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let parts = Arc::clone(&self.parts);
        tokio::select! {
            () = self.keep() => {}
            _ = stop.wait_for(|stop| *stop) => {}
            () = parts.tasks.stopping() => {}
        }
        // What it does not hear now it notices when it is no longer touched.
        let _ = timeout(PARTING_TIMEOUT, self.part()).await;
    }

    async fn keep(&mut self) {
        loop {
            let now = Instant::now();
            let snapshot = self.parts.snapshot().await;
            self.board.look(yp::cards(&snapshot), now);
            while self.rest_until <= now
                && let Some(errand) = self.board.next(now)
            {
                self.go(errand, &snapshot, now).await;
            }
            sleep(LOOK_EVERY.min(self.config.settle.max(LOOK_EVERY_MIN))).await;
        }
    }

    /// Tells the directory something, and notes what it says.
    async fn go(&mut self, errand: Errand, snapshot: &Snapshot, looked: Instant) {
        let (mount, body) = match &errand {
            Errand::Add { mount, card } => (mount, card.clone()),
            Errand::Remove { mount, sid } => (mount, yp::remove(sid)),
            Errand::Touch { mount, sid } => (mount, yp::touch(sid, mount, snapshot)),
        };
        let answer = match self.post(&body).await {
            Ok(head) => read(&head),
            Err(error) => return self.rest(&error, looked),
        };
        if std::mem::take(&mut self.silences) > 0 {
            info!(directory = %self.config.url, "it answers again");
        }
        tell(&errand, &answer, mount, &self.config);
        self.board.done(&errand, answer, Instant::now());
    }

    /// Leaves the directory in peace for a while, with a word in the log the first time.
    fn rest(&mut self, error: &DialError, now: Instant) {
        let wait = REST.wait(self.silences, random());
        self.rest_until = now + wait;
        match self.silences {
            0 => warn!("directory {}: {error}; again in {wait:.0?}", self.config.url),
            _ => debug!("directory {}: {error}; again in {wait:.0?}", self.config.url),
        }
        self.silences = self.silences.saturating_add(1);
    }

    /// Takes off the directory what it lists.
    async fn part(&self) {
        for sid in self.board.listed() {
            if let Err(error) = self.post(&yp::remove(sid)).await {
                debug!("directory {}: {error}", self.config.url);
                return;
            }
        }
    }

    async fn post(&self, body: &str) -> Result<ResponseHead, DialError> {
        let config = self.parts.config();
        let form = Form {
            address: &self.config.url,
            authorization: None,
            agent: answer::server_id(&config),
            body,
            time_max: self.config.timeout,
        };
        self.parts.dialler.post(form).await
    }
}

/// What the head of an answer says.
fn read(head: &ResponseHead) -> Answer {
    let said = |name: &str| head.headers.first(name).map(str::trim);
    if said("ypresponse") != Some("1") {
        let why = said("ypmessage").filter(|why| !why.is_empty());
        let why = why.map_or_else(|| format!("{} {}", head.status, head.reason), str::to_owned);
        return Answer::No(why.chars().filter(|c| !c.is_control()).take(WHY_CHARS_MAX).collect());
    }
    let sid = said("sid").filter(|sid| !sid.is_empty() && sid.len() <= SID_BYTES_MAX);
    let touch_every = said("touchfreq").and_then(|seconds| seconds.parse().ok());
    Answer::Yes { sid: sid.map(str::to_owned), touch_every: touch_every.map(Duration::from_secs) }
}

/// Logs what a person may want to know.
fn tell(errand: &Errand, answer: &Answer, mount: &MountName, config: &DirectoryConfig) {
    let directory = &config.url;
    match (errand, answer) {
        (Errand::Add { .. }, Answer::Yes { sid: Some(_), .. }) => {
            info!(%directory, %mount, "listed");
        }
        (Errand::Add { .. }, Answer::Yes { sid: None, .. }) => {
            warn!(%directory, %mount, "not listed: it gives no SID");
        }
        (Errand::Add { .. }, Answer::No(why)) => warn!(%directory, %mount, why, "not listed"),
        (Errand::Remove { .. }, Answer::Yes { .. } | Answer::No(_)) => {
            info!(%directory, %mount, "no longer listed");
        }
        (Errand::Touch { .. }, Answer::Yes { .. }) => debug!(%directory, %mount, "touched"),
        (Errand::Touch { .. }, Answer::No(why)) => {
            warn!(%directory, %mount, why, "it no longer lists this; added again in a minute");
        }
    }
}

/// An even random number from 0 to 1, for spreading waits.
fn random() -> f64 {
    let bits = getrandom::u32().unwrap_or_default(); // without randomness, the shortest wait
    f64::from(bits) / f64::from(u32::MAX)
}

/// How often it is looked who is on air.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Likewise, where stations are announced sooner than that.
const LOOK_EVERY_MIN: Duration = Duration::from_millis(100);
/// How long a directory is left in peace that does not answer.
const REST: Backoff =
    Backoff { first: Duration::from_secs(60), factor: 2.0, longest: Duration::from_secs(1_800) };
/// How long a server that stops takes its stations off a directory.
const PARTING_TIMEOUT: Duration = Duration::from_secs(2);
/// The most characters of a directory's reason that are logged.
const WHY_CHARS_MAX: usize = 200;
/// The longest name that a directory may give a station.
const SID_BYTES_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use common::http::head::{Headers, Version};

    fn said(status: u16, lines: &[(&str, &str)]) -> Answer {
        let headers: Headers =
            lines.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (reason, version) = ("Oh".to_owned(), Version::Http11);
        read(&ResponseHead { status, reason, version, headers })
    }

    #[test]
    fn the_recorded_answer_is_read() {
        let lines =
            [("YPResponse", "1"), ("YPMessage", "Added"), ("SID", "s"), ("TouchFreq", "30")];

        let touch_every = Some(Duration::from_secs(30));
        assert_eq!(said(200, &lines), Answer::Yes { sid: Some("s".to_owned()), touch_every });
    }

    #[test]
    fn whatever_does_not_say_yes_says_no() {
        let no = |why: &str| Answer::No(why.to_owned());

        assert_eq!(
            said(200, &[("YPResponse", "0"), ("YPMessage", "bad\u{1b} url")]),
            no("bad url")
        );
        assert_eq!(said(502, &[]), no("502 Oh"));
        let odd = [("YPResponse", "1"), ("SID", ""), ("TouchFreq", "often")];
        assert_eq!(said(200, &odd), Answer::Yes { sid: None, touch_every: None });
    }
}

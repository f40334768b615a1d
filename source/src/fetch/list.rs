//! Lists elsewhere: fetched over HTTP when they are due, and whenever somebody asks.
//!
//! Whoever plays a list *subscribes* to it. It is fetched at once, again after its interval, and
//! after a failure again and again, each time a little later; a server that says that nothing has
//! changed sends nothing. Each subscription has a task, which ends with it. What a list holds is
//! not its business, nor where it is kept.

use crate::fetch::SILENCE_MAX;
use crate::fetch::address::HttpAddress;
use crate::fetch::client::{Answer, AskError, Client};
use crate::tasks::Tasks;
use bytes::BytesMut;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

/// Where lists are ordered; clones are the same. By default there is nobody who fetches any.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    orders: Option<mpsc::Sender<Order>>,
}

/// Fetches the lists that are ordered, as a task.
#[derive(Debug)]
pub struct ListFetcher {
    orders: mpsc::Receiver<Order>,
    client: Client,
    tasks: Tasks,
}

/// A list, as it came. What turned out to be one file of audio is not fetched here, and has no
/// bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedList {
    /// Where it came from in the end.
    pub from: HttpAddress,
    /// What its server says it is; empty if it does not say.
    pub content_type: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// What came of fetching a list: the list, or why there is none.
pub type Outcome = Result<Arc<FetchedList>, Arc<str>>;

/// A list that is fetched as long as this is held.
#[derive(Debug)]
pub struct Subscription {
    asks: mpsc::Sender<SyncSender<()>>,
    outcome: watch::Receiver<Option<Outcome>>,
}

/// Tells the subscriber that there is an outcome, and who asked for it: they wait until what he is
/// given is dropped.
pub type Tell = Box<dyn Fn(Vec<SyncSender<()>>) + Send>;

/// A subscription, as its task has it.
struct Order {
    address: HttpAddress,
    every: Option<Duration>,
    asks: mpsc::Receiver<SyncSender<()>>,
    outcome: watch::Sender<Option<Outcome>>,
    tell: Tell,
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
enum ListError {
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error("{0}, no list")]
    NoList(String),
    #[error("it takes longer than {} s", LIST_TIME.as_secs())]
    Slow,
    #[error("a stream that does not end, no list; it could be an input")]
    Stream,
    #[error("it has more than {LIST_BYTES_MAX} bytes")]
    TooLong,
}

impl Lists {
    /// What `client` fetches, and the task that does so.
    pub fn new(client: Client, tasks: &Tasks) -> (Self, ListFetcher) {
        let (sender, orders) = mpsc::channel(ORDERS_MAX);
        let fetcher = ListFetcher { orders, client, tasks: tasks.clone() };
        (Self { orders: Some(sender) }, fetcher)
    }

    /// Whether there is somebody who fetches lists.
    pub fn are_fetched(&self) -> bool {
        self.orders.is_some()
    }

    /// The list at `address` from now on, fetched again `every` so long, or only if somebody asks.
    /// `None` if nobody fetches it, or too many are ordered at a time.
    pub fn subscribe(
        &self,
        address: HttpAddress,
        every: Option<Duration>,
        tell: Tell,
    ) -> Option<Subscription> {
        let (sender, asks) = mpsc::channel(ASKS_MAX);
        let (outcome, told) = watch::channel(None);
        let order = Order { address, every, asks, outcome, tell };
        self.orders.as_ref()?.try_send(order).ok()?;
        Some(Subscription { asks: sender, outcome: told })
    }
}

impl FetchedList {
    /// Whether it is a file of audio, and no list.
    pub fn is_audio(&self) -> bool {
        kind(&self.content_type) == Kind::Audio
    }
}

impl Subscription {
    /// Fetches it now; whoever waits for `done` waits until that has come to an end. If too many
    /// ask at a time, he does not wait.
    pub fn ask(&self, done: SyncSender<()>) {
        drop(self.asks.try_send(done));
    }

    /// What came of fetching it last, if that is not known here yet.
    pub fn news(&mut self) -> Option<Outcome> {
        if !self.outcome.has_changed().unwrap_or(false) {
            return None;
        }
        self.outcome.borrow_and_update().clone()
    }
}

impl ListFetcher {
    /// Fetches what is ordered until `stop` is dropped.
    pub async fn run(mut self, stop: watch::Receiver<()>) {
        let mut stopped = stop.clone();
        loop {
            let order = tokio::select! {
                order = self.orders.recv() => order,
                _ = stopped.changed() => None,
            };
            let Some(order) = order else { return };
            let (client, mut stop) = (self.client.clone(), stop.clone());
            self.tasks.spawn(async move {
                tokio::select! {
                    () = order.carried_out(&client) => {}
                    _ = stop.changed() => {}
                }
            });
        }
    }
}

impl Order {
    /// Fetches the list whenever it is due or asked for, until nobody wants it any more.
    async fn carried_out(mut self, client: &Client) {
        let mut due = Some(Instant::now());
        let (mut failures, mut known) = (0, Known::default());
        loop {
            let mut asking = Vec::new();
            tokio::select! {
                ask = self.asks.recv() => match ask {
                    Some(done) => asking.push(done),
                    None => return,
                },
                () = until(due) => {}
            }
            while let Ok(done) = self.asks.try_recv() {
                asking.push(done);
            }
            let fetched = timeout(LIST_TIME, fetched(client, &self.address, &known)).await;
            match fetched.unwrap_or(Err(ListError::Slow)) {
                Ok(Some((list, validators))) => {
                    (failures, known) = (0, validators);
                    self.outcome.send_replace(Some(Ok(Arc::new(list))));
                }
                // What was told last is so still, or again.
                Ok(None) => {
                    let was_lost = std::mem::take(&mut failures) > 0;
                    if was_lost {
                        known = Known::default();
                        due = Some(Instant::now());
                        continue;
                    }
                }
                Err(error) => {
                    failures += 1;
                    self.outcome.send_replace(Some(Err(error.to_string().into())));
                }
            }
            due = rest(self.every, failures).map(|rest| Instant::now() + rest);
            (self.tell)(asking);
        }
    }
}

/// What is known of a list that was fetched, by which its server can tell whether it has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Known {
    head_lines: String,
}

impl Known {
    fn of(answer: &Answer) -> Self {
        let lines = [("etag", "If-None-Match"), ("last-modified", "If-Modified-Since")];
        let said = lines.iter().filter_map(|(theirs, ours)| {
            let value = answer.head.headers.first(theirs)?;
            let is_plain = value.len() <= VALIDATOR_BYTES_MAX && !value.contains(char::is_control);
            is_plain.then(|| format!("{ours}: {value}\r\n"))
        });
        Self { head_lines: said.collect() }
    }
}

/// The list at `address`; `None` if it is as it was when what is `known` was said.
async fn fetched(
    client: &Client,
    address: &HttpAddress,
    known: &Known,
) -> Result<Option<(FetchedList, Known)>, ListError> {
    let mut answer = match client.ask_for(address.clone(), &known.head_lines).await {
        Err(AskError::Refused { status: 304, .. }) if *known != Known::default() => {
            return Ok(None);
        }
        answer => answer?,
    };
    if answer.is_a_stream() {
        return Err(ListError::Stream);
    }
    let content_type = answer.head.headers.first("content-type").unwrap_or_default().to_owned();
    match kind(&content_type) {
        Kind::Audio => {
            let list = FetchedList { from: answer.address, content_type, bytes: Vec::new() };
            return Ok(Some((list, Known::default())));
        }
        Kind::List => {}
        Kind::Other(what) => {
            let essence = common::format::essence(&content_type);
            return Err(ListError::NoList(format!("{what} ({essence})")));
        }
    }
    if answer.length().is_some_and(|length| length > LIST_BYTES_MAX) {
        return Err(ListError::TooLong);
    }
    let mut bytes = BytesMut::new();
    while let Some(more) = answer.body.next(SILENCE_MAX).await? {
        bytes.extend_from_slice(&more);
        if bytes.len() as u64 > LIST_BYTES_MAX {
            return Err(ListError::TooLong);
        }
    }
    let known = Known::of(&answer);
    Ok(Some((FetchedList { from: answer.address, content_type, bytes: bytes.into() }, known)))
}

/// What something is by its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Audio,
    /// A list, or something that may well be one.
    List,
    /// Neither.
    Other(&'static str),
}

fn kind(content_type: &str) -> Kind {
    let essence = common::format::essence(content_type);
    if ["mpegurl", "scpls", "xspf"].iter().any(|list| essence.contains(list)) {
        return Kind::List;
    }
    match essence.split('/').next().unwrap_or_default() {
        "audio" => Kind::Audio,
        "image" | "video" => Kind::Other("a file"),
        _ if matches!(&*essence, "text/html" | "application/xhtml+xml") => Kind::Other("a page"),
        _ if essence == "application/ogg" => Kind::Audio,
        _ => Kind::List,
    }
}

/// How long it is until a list is due again that has failed so often in a row; `None` for ever.
fn rest(every: Option<Duration>, failures: u32) -> Option<Duration> {
    let Some(doublings) = failures.checked_sub(1) else { return every };
    let rest = RETRY_FIRST.saturating_mul(1 << doublings.min(16));
    Some(rest.min(RETRY_LAST).min(every.unwrap_or(RETRY_LAST)))
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// A list may have so many bytes; 16 MiB are about 200 000 files.
pub const LIST_BYTES_MAX: u64 = 16 << 20;
/// A list may take so long.
pub const LIST_TIME: Duration = Duration::from_secs(60);
/// A list that cannot be had is tried again after so long, then after twice as long, and so on.
pub const RETRY_FIRST: Duration = Duration::from_secs(1);
/// And at last so often, or as often as it is fetched anyway.
pub const RETRY_LAST: Duration = Duration::from_secs(60);
/// So many lists may be ordered and not yet begun.
pub const ORDERS_MAX: usize = 256;
/// So many may ask for a list at a time.
const ASKS_MAX: usize = 16;
/// What is longer is not repeated to a server.
const VALIDATOR_BYTES_MAX: usize = 1_024;

#[cfg(test)]
mod tests;

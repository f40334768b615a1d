//! A queue of requests, as everybody holds it: control pushes, the programme takes.
//!
//! What is pushed can be seen at once by whoever asks. The queue is the one owner of its requests;
//! its handles only tell it what to do, and wait for nothing.

use crate::alphabet::TagCharset;
use crate::playlist::Item;
use crate::playlist::file::requested;
use crate::playlist::requests::{Request, Requests, TooMany};
use jiff::Timestamp;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use tokio::sync::watch;
use tracing::{info, warn};

/// A queue of requests; clones are the same queue.
#[derive(Clone, Debug)]
pub struct Queue {
    name: Arc<str>,
    /// Where relative names begin.
    folder: PathBuf,
    numbers: Numbers,
    /// What the tags of what is requested are encoded in that do not say so.
    tag_charset: Option<TagCharset>,
    requests: watch::Sender<Requests>,
    /// Who plays it, and is told of changes.
    wake: watch::Sender<Option<SyncSender<()>>>,
}

/// Where the tracks and requests of a station get their numbers; clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Numbers(Arc<AtomicU64>);

impl Queue {
    /// An empty queue called `name`, in which relative names begin at `folder`.
    pub fn new(name: &str, folder: PathBuf, numbers: Numbers) -> Self {
        let requests = watch::Sender::new(Requests::default());
        let (name, wake) = (name.into(), watch::Sender::new(None));
        Self { name, folder, numbers, tag_charset: None, requests, wake }
    }

    /// The same for requests of files that have tags in `charset` where they do not say in what.
    #[must_use]
    pub fn tagged_in(self, charset: Option<TagCharset>) -> Self {
        Self { tag_charset: charset, ..self }
    }

    /// What it is called.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Asks for `uri`, a path that may be annotated: the request's number. What cannot be played
    /// has a number as well, and is named in the log.
    ///
    /// Fails if too many are waiting.
    pub fn push(&self, uri: &str) -> Result<u64, TooMany> {
        let id = self.numbers.next();
        let since = Timestamp::now();
        self.put(id, uri, since)?;
        info!(queue = %self.name, request = id, uri, "requested");
        Ok(id)
    }

    /// Puts back what waited before a restart.
    pub fn restore(&self, id: u64, uri: &str, since: Timestamp) {
        if self.put(id, uri, since).is_err() {
            warn!(queue = %self.name, request = id, uri, "left out: {TooMany}");
        }
    }

    fn put(&self, id: u64, uri: &str, since: Timestamp) -> Result<(), TooMany> {
        let problem = match requested(&self.folder, uri) {
            _ if uri.trim().is_empty() => "it names nothing",
            None => "only http:// and https:// are fetched, and without a password",
            Some(item) => {
                let item = Item { tag_charset: self.tag_charset, ..item };
                let mut outcome = Ok(());
                self.change(|requests| {
                    outcome = requests.push(Request { id, uri: uri.into(), item, since });
                    outcome.is_ok()
                });
                return outcome;
            }
        };
        warn!(queue = %self.name, request = id, uri, "skipped: {problem}");
        Ok(())
    }

    /// Takes a request out; says whether it was there.
    pub fn remove(&self, id: u64) -> bool {
        self.change(|requests| requests.remove(id))
    }

    /// Takes all requests out that have not begun; says whether there were any.
    pub fn flush(&self) -> bool {
        self.change(|requests| requests.flush() > 0)
    }

    /// The requests as they are, and word of changes from now on.
    pub fn requests(&self) -> watch::Receiver<Requests> {
        self.requests.subscribe()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.requests.borrow().is_empty()
    }

    /// Whether one waits that is not among those that are `late`.
    pub(super) fn has_other_than(&self, late: &[PathBuf]) -> bool {
        self.requests.borrow().waiting().any(|request| !late.contains(&request.item.path))
    }

    /// Lets `wake` be told of every change, and nobody else any more: a queue is played by one
    /// channel, though another configuration may give it to another one.
    pub(super) fn wakes(&self, wake: &SyncSender<()>) {
        self.wake.send_replace(Some(wake.clone()));
    }

    /// The next request that is not among those that are `late`, to be prepared.
    pub(super) fn take(&self, late: &[PathBuf]) -> Option<Request> {
        let mut taken = None;
        self.requests.send_modify(|requests| taken = requests.take(late));
        taken
    }

    /// What was prepared has not begun, and waits again.
    pub(super) fn give_back(&self) {
        self.requests.send_modify(Requests::give_back);
    }

    /// What was prepared has begun, or cannot be played.
    pub(super) fn done(&self) {
        self.requests.send_modify(Requests::done);
    }

    fn change(&self, change: impl FnOnce(&mut Requests) -> bool) -> bool {
        let is_changed = self.requests.send_if_modified(change);
        if is_changed && let Some(wake) = &*self.wake.borrow() {
            match wake.try_send(()) {
                // If it is full, the lookahead is about to wake; without one, nobody plays.
                Ok(()) | Err(TrySendError::Disconnected(()) | TrySendError::Full(())) => {}
            }
        }
        is_changed
    }
}

impl Numbers {
    /// A number that nobody has yet, from 1.
    pub fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Gives out none up to `last` any more, since they were given before a restart.
    pub fn begin_behind(&self, last: u64) {
        self.0.fetch_max(last, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{TryRecvError, sync_channel};

    #[test]
    fn a_request_is_seen_at_once_and_wakes_whoever_plays_it() {
        let queue = queue();
        let (wake, woken) = sync_channel(1);
        queue.wakes(&wake);

        let id = queue.push("annotate:title=\"T\":a.mp3").unwrap();

        assert_eq!((id, woken.try_recv()), (1, Ok(())));
        let requests = queue.requests().borrow().clone();
        let item = &requests.waiting().next().unwrap().item;
        assert_eq!(item.path, PathBuf::from("/music/a.mp3"));
        assert_eq!(item.annotations.get("title"), Some("T"));
    }

    #[test]
    fn whoever_plays_it_now_is_woken_and_who_did_before_is_not() {
        let queue = queue();
        let ((before, not_woken), (now, woken)) = (sync_channel(1), sync_channel(1));
        queue.wakes(&before);
        queue.wakes(&now);

        queue.push("a.mp3").unwrap();

        assert_eq!(woken.try_recv(), Ok(()));
        assert_eq!(not_woken.try_recv(), Err(TryRecvError::Empty));
    }

    #[test]
    fn what_names_nothing_that_can_be_played_has_a_number_and_does_not_wait() {
        let queue = queue();

        assert_eq!((queue.push(""), queue.push("ftp://host/x.mp3")), (Ok(1), Ok(2)));

        assert!(queue.is_empty());
    }

    #[test]
    fn numbers_go_on_behind_those_of_before() {
        let numbers = Numbers::default();

        numbers.begin_behind(41);

        assert_eq!((numbers.next(), numbers.next()), (42, 43));
    }

    fn queue() -> Queue {
        Queue::new("requests", "/music".into(), Numbers::default())
    }
}

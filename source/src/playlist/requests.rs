//! Requests: what somebody wants to hear before everything else, one after the other.
//!
//! A request has a number from the moment it is pushed. It *waits* until it begins, also while it
//! is prepared; what was prepared and has not begun waits at its old place. Pure.

use crate::playlist::item::Item;
use jiff::Timestamp;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

/// The requests of a queue that have not begun.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Requests {
    queue: VecDeque<Request>,
    /// Given out to be played, and not begun.
    prepared: Option<Request>,
}

/// What somebody wants to hear.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Its number.
    pub id: u64,
    /// What was asked for, as it was written.
    pub uri: Arc<str>,
    /// What that is.
    pub item: Item,
    /// When it was asked for.
    pub since: Timestamp,
}

/// There are [`REQUESTS_MAX`] requests already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{REQUESTS_MAX} requests are waiting already; remove some, or let them be played")]
pub struct TooMany;

impl Requests {
    /// Puts a request behind the others.
    ///
    /// Fails if there are too many.
    pub fn push(&mut self, request: Request) -> Result<(), TooMany> {
        if self.queue.len() >= REQUESTS_MAX {
            return Err(TooMany);
        }
        self.queue.push_back(request);
        Ok(())
    }

    /// Those that have not begun, the next first.
    pub fn waiting(&self) -> impl Iterator<Item = &Request> {
        self.prepared.iter().chain(&self.queue)
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.prepared.is_none() && self.queue.is_empty()
    }

    /// Takes a request out; says whether it was there. One that plays goes on.
    pub fn remove(&mut self, id: u64) -> bool {
        let before = self.waiting().count();
        self.queue.retain(|request| request.id != id);
        self.prepared.take_if(|request| request.id == id);
        self.waiting().count() < before
    }

    /// Takes all of them out: how many there were.
    pub fn flush(&mut self) -> usize {
        let count = self.waiting().count();
        self.queue.clear();
        self.prepared = None;
        count
    }

    /// The next one that is not among those that are `late`, to be prepared.
    pub fn take(&mut self, late: &[PathBuf]) -> Option<Request> {
        self.give_back();
        let place = self.queue.iter().position(|request| !late.contains(&request.item.path))?;
        self.prepared = self.queue.remove(place);
        self.prepared.clone()
    }

    /// What was prepared has not begun, and waits again.
    pub fn give_back(&mut self) {
        if let Some(request) = self.prepared.take() {
            self.queue.push_front(request);
        }
    }

    /// What was prepared waits no more: it has begun, or cannot be played.
    pub fn done(&mut self) {
        self.prepared = None;
    }
}

/// So many requests may wait.
pub const REQUESTS_MAX: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_played_in_order() {
        let mut requests = pushed(&[1, 2]);

        assert_eq!(take(&mut requests), Some(1));
        requests.done();
        assert_eq!(waiting(&requests), [2]);
        assert_eq!(take(&mut requests), Some(2));
        requests.done();
        assert_eq!(take(&mut requests), None);
        assert!(requests.is_empty());
    }

    #[test]
    fn what_has_not_begun_waits_in_its_place() {
        let mut requests = pushed(&[1, 2]);

        take(&mut requests);
        assert_eq!(waiting(&requests), [1, 2]);
        requests.give_back();

        assert_eq!(take(&mut requests), Some(1));
    }

    #[test]
    fn those_that_are_late_are_overtaken_by_the_next_and_keep_their_place() {
        let mut requests = pushed(&[1, 2, 3]);
        let late = [PathBuf::from("1.mp3")];

        assert_eq!(requests.take(&late).map(|request| request.id), Some(2));
        requests.done();
        assert_eq!(waiting(&requests), [1, 3]);
        assert_eq!(take(&mut requests), Some(1), "it has come");
    }

    #[test]
    fn requests_can_be_taken_out_until_they_begin() {
        let mut requests = pushed(&[1, 2, 3]);
        take(&mut requests);

        assert!(requests.remove(2) && !requests.remove(2));
        assert!(requests.remove(1), "it is prepared, but has not begun");
        requests.give_back();
        assert_eq!(waiting(&requests), [3]);
        assert_eq!((requests.flush(), requests.flush()), (1, 0));
    }

    #[test]
    fn there_is_an_end_to_requests() {
        let mut requests = pushed(&(0..REQUESTS_MAX as u64).collect::<Vec<_>>());

        assert_eq!(requests.push(request(7)), Err(TooMany));
        assert_eq!(requests.waiting().count(), REQUESTS_MAX);
    }

    fn pushed(ids: &[u64]) -> Requests {
        let mut requests = Requests::default();
        for &id in ids {
            requests.push(request(id)).unwrap();
        }
        requests
    }

    fn request(id: u64) -> Request {
        let uri = format!("{id}.mp3");
        let since = Timestamp::UNIX_EPOCH;
        Request { id, item: Item::file(&uri), uri: uri.into(), since }
    }

    fn take(requests: &mut Requests) -> Option<u64> {
        requests.take(&[]).map(|request| request.id)
    }

    fn waiting(requests: &Requests) -> Vec<u64> {
        requests.waiting().map(|request| request.id).collect()
    }
}

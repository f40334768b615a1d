//! A feed: where one channel takes what comes from a live input.

use crate::input::reservoir::{Heard, Reservoir};
use crate::input::title::LiveTitle;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::watch;

/// Where a channel takes what comes; clones are the same.
#[derive(Clone, Debug)]
pub struct Feed {
    buffer: Duration,
    /// What has come of the latest session, and its number.
    latest: watch::Sender<Option<(u64, watch::Sender<Basin>)>>,
    /// Who is told when it is ready, or not any more.
    wake: Arc<OnceLock<SyncSender<()>>>,
}

/// What has come of one session.
#[derive(Debug)]
struct Basin {
    reservoir: Reservoir,
    /// Wakes whoever plays it; one word waiting is as good as many.
    wake: Option<SyncSender<()>>,
}

/// A session that is being played. When it is dropped, the feed is ready again as soon as enough
/// has come.
#[derive(Debug)]
pub struct Taking {
    basin: watch::Sender<Basin>,
    woken: Receiver<()>,
    title: Arc<LiveTitle>,
    buffer: Duration,
}

impl PartialEq for Feed {
    /// Whether they are the same feed.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.wake, &other.wake)
    }
}

impl Feed {
    /// A feed to which nothing has come, and which is ready when so much has.
    pub fn new(buffer: Duration) -> Self {
        Self { buffer, latest: watch::Sender::new(None), wake: Arc::default() }
    }

    /// Whether it can be played now.
    pub fn is_ready(&self) -> bool {
        let latest = self.latest.borrow();
        latest.as_ref().is_some_and(|(_, basin)| basin.borrow().reservoir.is_ready())
    }

    /// Takes it to be played, if it is ready.
    pub fn take(&self) -> Option<Taking> {
        let (_, basin) = self.latest.borrow().clone()?;
        let (wake, woken) = sync_channel(1);
        let mut title = None;
        basin.send_modify(|basin| {
            title = basin.reservoir.take();
            if title.is_some() {
                basin.wake = Some(wake);
            }
        });
        Some(Taking { basin, woken, title: title?, buffer: self.buffer })
    }

    /// A `session` that is taken before anything of it has come.
    #[cfg(test)]
    pub(crate) fn taken(&self, session: u64) -> Taking {
        let mut reservoir = Reservoir::new(self.buffer, Arc::default());
        reservoir.take_in_any_case();
        let (wake, woken) = sync_channel(1);
        let basin = watch::Sender::new(Basin { reservoir, wake: Some(wake) });
        self.latest.send_replace(Some((session, basin.clone())));
        Taking { basin, woken, title: Arc::default(), buffer: self.buffer }
    }

    /// Lets `wake` be told when it is ready, or not any more.
    pub fn wakes(&self, wake: &SyncSender<()>) {
        drop(self.wake.set(wake.clone())); // a feed has one channel
    }

    /// What comes is left until it is louder than this again, since it is silent.
    pub fn wait_for_sound(&self, quiet_db: f64) {
        let latest = self.latest.borrow().clone();
        if let Some((_, basin)) = latest {
            self.change(&basin, |reservoir| reservoir.wait_for_sound(quiet_db));
        }
    }

    /// What comes is played as quiet as it is; says whether it was waited for.
    pub fn need_not_sound(&self) -> bool {
        let latest = self.latest.borrow().clone();
        let Some((_, basin)) = latest else { return false };
        let was_waited_for = basin.borrow().reservoir.waits_for_sound();
        if was_waited_for {
            self.change(&basin, Reservoir::need_not_sound);
        }
        was_waited_for
    }

    /// How long that plays which waits.
    pub fn length(&self) -> Duration {
        let latest = self.latest.borrow();
        latest.as_ref().map(|(_, basin)| basin.borrow().reservoir.length()).unwrap_or_default()
    }

    /// Takes in what has come in a `session`; what is heard there is called `title`.
    pub(super) fn put(&self, session: u64, heard: &Heard, title: &Arc<LiveTitle>) {
        let basin = self.basin(session).unwrap_or_else(|| {
            let reservoir = Reservoir::new(self.buffer, Arc::clone(title));
            let basin = watch::Sender::new(Basin { reservoir, wake: None });
            self.latest.send_replace(Some((session, basin.clone())));
            basin
        });
        self.change(&basin, |reservoir| reservoir.put(heard.clone()));
    }

    /// A `session` is over.
    pub(super) fn end(&self, session: u64) {
        if let Some(basin) = self.basin(session) {
            self.change(&basin, Reservoir::end);
        }
    }

    /// Whether so much of a `session` waits that no more should come for now.
    pub(super) fn is_full(&self, session: u64) -> bool {
        self.basin(session).is_some_and(|basin| basin.borrow().reservoir.is_full())
    }

    fn basin(&self, session: u64) -> Option<watch::Sender<Basin>> {
        let latest = self.latest.borrow();
        latest.as_ref().filter(|(number, _)| *number == session).map(|(_, basin)| basin.clone())
    }

    fn change(&self, basin: &watch::Sender<Basin>, change: impl FnOnce(&mut Reservoir)) {
        let mut is_news = false;
        basin.send_modify(|basin| {
            let was_ready = basin.reservoir.is_ready();
            change(&mut basin.reservoir);
            is_news = basin.reservoir.is_ready() != was_ready;
            basin.wake.iter().for_each(wake);
        });
        if is_news {
            self.wake.get().into_iter().for_each(wake);
        }
    }
}

impl Taking {
    /// What it is called at its beginning.
    pub fn title(&self) -> &Arc<LiveTitle> {
        &self.title
    }

    /// How much of it there is when it is taken, and should be from then on.
    pub fn buffer(&self) -> Duration {
        self.buffer
    }

    /// The next of it, which is waited for; `None` if nothing more comes.
    pub fn next(&self) -> Option<Heard> {
        loop {
            let (mut next, mut is_over) = (None, false);
            self.basin.send_modify(|basin| {
                next = basin.reservoir.take_next();
                is_over = basin.reservoir.is_over();
            });
            if next.is_some() || is_over {
                return next;
            }
            // What has happened is looked at, not told.
            match self.woken.recv_timeout(LOOK) {
                Ok(()) | Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

impl Drop for Taking {
    fn drop(&mut self) {
        self.basin.send_modify(|basin| {
            basin.reservoir.give_back();
            basin.wake = None;
        });
    }
}

fn wake(wake: &SyncSender<()>) {
    match wake.try_send(()) {
        // If it is full, whoever sleeps is about to wake; without one, nobody sleeps.
        Ok(()) | Err(TrySendError::Disconnected(()) | TrySendError::Full(())) => {}
    }
}

/// Sleep ends with a word; this is in case one is lost.
const LOOK: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pcm::block::Block;

    #[test]
    fn a_session_is_taken_once_and_after_it_the_next() {
        let feed = Feed::new(Duration::from_millis(100));
        let (wake, woken) = sync_channel(1);
        feed.wakes(&wake);
        feed.put(1, &audio(1.0), &Arc::default());
        assert_eq!((feed.is_ready(), woken.try_recv()), (true, Ok(())));

        let taking = feed.take().unwrap();
        assert!(feed.take().is_none() && !feed.is_ready());
        feed.end(1);
        feed.put(2, &audio(2.0), &Arc::default());

        assert_eq!((taking.next(), taking.next()), (Some(audio(1.0)), None));
        assert_eq!(feed.take().unwrap().next(), Some(audio(2.0)), "the other is still held");
    }

    #[test]
    fn what_is_dropped_is_ready_again_when_enough_has_come() {
        let feed = Feed::new(Duration::from_millis(100));
        feed.put(1, &audio(1.0), &Arc::default());
        let taking = feed.take().unwrap();
        taking.next();
        drop(taking);
        assert!(!feed.is_ready());

        feed.put(1, &audio(2.0), &Arc::default());

        assert!(feed.is_ready());
    }

    /// A tenth of a second.
    fn audio(level: f32) -> Heard {
        Heard::Audio(Block::stereo(1_000, vec![level; 100], vec![level; 100]))
    }
}

//! The server's tasks: spawned here and nowhere else, so that a stop can wait for all of them.

use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A handle on all tasks of one server. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tasks {
    tracker: TaskTracker,
    stopping: CancellationToken,
}

impl Tasks {
    /// Runs `task` until it ends. A task that waits for a peer must also wait for
    /// [`Tasks::stopping`].
    #[expect(clippy::disallowed_methods, reason = "this is the one place that spawns")]
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(self.tracker.track_future(task));
    }

    /// Does `work`, which keeps a processor or waits for a disk, where nothing else waits for it.
    /// `None` if it panicked.
    pub(crate) async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        self.tracker.track_future(tokio::task::spawn_blocking(work)).await.ok()
    }

    /// Resolves once the server is to stop; at once if it already is.
    pub(crate) fn stopping(&self) -> impl Future<Output = ()> + Send + '_ {
        self.stopping.cancelled()
    }

    /// Whether the server is to stop.
    pub(crate) fn are_stopping(&self) -> bool {
        self.stopping.is_cancelled()
    }

    /// Tells all tasks to end and waits for them, at most for `grace`. Whether all have ended.
    pub(crate) async fn drain(&self, grace: Duration) -> bool {
        self.stopping.cancel();
        self.tracker.close();
        tokio::time::timeout(grace, self.tracker.wait()).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_drain_waits_for_a_task_that_ends_in_time() {
        let tasks = Tasks::default();
        let inside = tasks.clone();
        tasks.spawn(async move { inside.stopping().await });

        assert!(tasks.drain(Duration::from_secs(1)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_drain_does_not_wait_longer_than_its_grace() {
        let tasks = Tasks::default();
        tasks.spawn(std::future::pending());

        assert!(!tasks.drain(Duration::from_secs(1)).await);
    }
}

//! Spawning tasks, and waiting for them: the only place that does. Threads are started here too.

use std::future::Future;
use std::thread::JoinHandle;
use tokio_util::task::TaskTracker;

/// The tasks of a station.
#[derive(Clone, Debug, Default)]
pub struct Tasks(TaskTracker);

impl Tasks {
    /// Starts a task, which must end by itself when the station stops.
    #[expect(clippy::disallowed_methods, reason = "this is the place that spawns")]
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        drop(tokio::spawn(self.0.track_future(task)));
    }

    /// Waits until all tasks have ended.
    pub async fn ended(&self) {
        self.0.close();
        self.0.wait().await;
    }
}

/// What comes of `work` that may wait for a disk; `None` if it panics.
pub async fn work<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

/// Starts a thread, which must end by itself when nobody needs it any more.
///
/// Fails if the system gives us none.
pub fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work)
}

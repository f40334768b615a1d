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

/// The same for work that is in no hurry: where the system allows it, others come first.
///
/// Fails if the system gives us none.
pub fn idle_thread(
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> std::io::Result<JoinHandle<()>> {
    thread(name, move || {
        // Elsewhere the whole process would be slowed down.
        #[cfg(target_os = "linux")]
        if let Err(error) = rustix::process::setpriority_process(None, IDLE_NICE) {
            tracing::debug!("work in the background has the usual priority: {error}");
        }
        work();
    })
}

/// The niceness of those who wait for everybody else.
#[cfg(target_os = "linux")]
const IDLE_NICE: i32 = 19;

#[cfg(test)]
mod tests {
    #[test]
    #[cfg(target_os = "linux")]
    fn work_in_no_hurry_lets_others_go_first_and_leaves_them_as_they_are() {
        let nice = || rustix::process::getpriority_process(None).unwrap();
        let before = nice();
        let (tell, told) = std::sync::mpsc::sync_channel(1);

        let thread = super::idle_thread("idle", move || tell.send(nice()).unwrap()).unwrap();

        assert_eq!(told.recv(), Ok(super::IDLE_NICE));
        thread.join().unwrap();
        assert_eq!(nice(), before);
    }
}

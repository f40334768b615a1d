//! A log's file: appended to, put aside when it is full, opened anew when that is ordered.
//!
//! Lines go through a queue of limited length to a thread of their own, so a slow disk makes
//! nobody wait: what finds the queue full is lost, and counted, and the count is logged when the
//! disk keeps up again. A file that can no longer be written is complained of on standard error
//! once, and then tried again with each line.

use crate::config::logs::{LogTo, Logs};
use common::logging::LINES_WAITING_MAX;
use jiff::Zoned;
use std::fs::{File, OpenOptions, rename};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use tracing::warn;
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};

/// Where a log goes, and when its file is put aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogPlan {
    to: LogTo,
    rotate_bytes: Option<u64>,
    archive: bool,
}

/// A log file that cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("{log} {path}: cannot be opened for writing: {error}", path = path.display())]
pub(crate) struct LogError {
    log: &'static str,
    path: PathBuf,
    error: io::Error,
}

/// Takes the lines of a log, without ever waiting. Clones are cheap.
#[derive(Clone, Debug)]
pub(crate) struct LogQueue {
    lines: NonBlocking,
    orders: SyncSender<LogPlan>,
}

/// Keeps a log's thread going; what is still waiting is written when this is dropped.
#[derive(Debug)]
#[must_use = "the log ends when this is dropped"]
pub(crate) struct LogKeeper(#[expect(dead_code, reason = "held for its drop")] WorkerGuard);

impl LogPlan {
    /// The plan for one of the logs of a configuration.
    pub(crate) fn new(to: &LogTo, logs: &Logs) -> Self {
        Self { to: to.clone(), rotate_bytes: logs.rotate_bytes, archive: logs.archive }
    }
}

impl LogQueue {
    /// Opens `log` and starts its thread; `None` if it goes nowhere.
    pub(crate) fn open(
        log: &'static str,
        plan: LogPlan,
    ) -> Result<Option<(Self, LogKeeper)>, LogError> {
        if plan.to == LogTo::Nowhere {
            return Ok(None);
        }
        let lost = Arc::new(OnceLock::new());
        let (orders, ordered) = sync_channel(ORDERS_WAITING_MAX);
        let file = LogFile::open(log, plan, ordered, Arc::clone(&lost))?;
        let (lines, keeper) = NonBlockingBuilder::default()
            .buffered_lines_limit(LINES_WAITING_MAX)
            .lossy(true)
            .thread_name(log)
            .finish(file);
        // The writer counts what it was not given; it cannot know the counter before it exists.
        let _ = lost.set(lines.error_counter());
        Ok(Some((Self { lines, orders }, LogKeeper(keeper))))
    }

    /// Takes a line, with its end.
    pub(crate) fn write(&self, line: &str) {
        // It is lost, and counted, when the queue is full.
        let _ = self.lines.clone().write_all(line.as_bytes());
    }

    /// For a subscriber, which writes whole lines.
    pub(crate) fn lines(&self) -> NonBlocking {
        self.lines.clone()
    }

    /// Has the log opened anew, by `plan`; one that goes nowhere from now on changes nothing.
    pub(crate) fn reopen(&self, plan: LogPlan) {
        // With so many orders waiting, the log is about to be opened anew.
        let _ = self.orders.try_send(plan);
        // The writer looks for orders when it has written; so it is given nothing to write.
        self.write("");
    }
}

/// The file, in the hands of its thread.
struct LogFile {
    log: &'static str,
    plan: LogPlan,
    out: Out,
    orders: Receiver<LogPlan>,
    lost: Arc<OnceLock<ErrorCounter>>,
    /// Lines lost of which has been told.
    told_lost: usize,
    /// Whether the last write failed, which has been told.
    fails: bool,
}

/// Where lines go.
enum Out {
    /// A file, its length as far as we know, and the length at which it is put aside.
    File {
        file: File,
        bytes: u64,
        full_bytes: u64,
    },
    Stderr,
    Stdout,
}

impl LogFile {
    fn open(
        log: &'static str,
        plan: LogPlan,
        orders: Receiver<LogPlan>,
        lost: Arc<OnceLock<ErrorCounter>>,
    ) -> Result<Self, LogError> {
        let out = Out::open(&plan);
        let out = out.map_err(|(path, error)| LogError { log, path, error })?;
        Ok(Self { log, plan, out, orders, lost, told_lost: 0, fails: false })
    }

    fn carry_out_orders(&mut self) {
        let Some(plan) = self.orders.try_iter().last().filter(|plan| plan.to != LogTo::Nowhere)
        else {
            return;
        };
        match Out::open(&plan) {
            Ok(out) => (self.plan, self.out) = (plan, out),
            Err((path, error)) => {
                complain(self.log, &format!("{}: cannot be opened anew: {error}", path.display()));
            }
        }
    }

    fn put(&mut self, line: &[u8]) -> io::Result<()> {
        self.put_aside_if_full();
        match &mut self.out {
            Out::File { file, bytes, .. } => {
                *bytes += line.len() as u64;
                file.write_all(line)
            }
            Out::Stderr => io::stderr().write_all(line),
            Out::Stdout => io::stdout().write_all(line).and_then(|()| io::stdout().flush()),
        }
    }

    fn put_aside_if_full(&mut self) {
        let (Out::File { file, bytes, full_bytes }, LogTo::File(path), Some(rotate_bytes)) =
            (&mut self.out, &self.plan.to, self.plan.rotate_bytes)
        else {
            return;
        };
        if *bytes <= *full_bytes {
            return;
        }
        // Somebody else may have cut the file short.
        *bytes = file.metadata().map_or(*bytes, |metadata| metadata.len());
        if *bytes <= *full_bytes {
            return;
        }
        let aside = aside(path, self.plan.archive, &Zoned::now());
        let put_aside =
            rename(path, &aside).and_then(|()| Out::open(&self.plan).map_err(|(_, error)| error));
        match put_aside {
            Ok(out) => self.out = out,
            Err(error) => {
                // It is written on, and put aside when it has grown by as much again.
                *full_bytes = *bytes + rotate_bytes;
                complain(self.log, &format!("{}: cannot be put aside: {error}", path.display()));
            }
        }
    }

    fn tell_lost(&mut self) {
        let lost = self.lost.get().map_or(0, ErrorCounter::dropped_lines);
        if lost > self.told_lost {
            let lines = lost - self.told_lost;
            self.told_lost = lost;
            warn!(log = self.log, lines, "lines are lost: the log was not written fast enough");
        }
    }
}

impl Write for LogFile {
    /// Never fails: a log that cannot be written stops nobody.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.carry_out_orders();
        match self.put(line) {
            Ok(()) => self.fails = false,
            Err(_) if self.fails => {}
            Err(error) => {
                self.fails = true;
                complain(self.log, &format!("cannot be written, lines are lost: {error}"));
            }
        }
        Ok(line.len())
    }

    /// Called when all that waited is written.
    fn flush(&mut self) -> io::Result<()> {
        self.carry_out_orders();
        self.tell_lost();
        Ok(())
    }
}

impl Out {
    fn open(plan: &LogPlan) -> Result<Self, (PathBuf, io::Error)> {
        match &plan.to {
            LogTo::File(path) => {
                let opened = OpenOptions::new().append(true).create(true).open(path);
                let file = opened.map_err(|error| (path.clone(), error))?;
                let bytes = file.metadata().map_or(0, |metadata| metadata.len());
                Ok(Self::File { file, bytes, full_bytes: plan.rotate_bytes.unwrap_or(u64::MAX) })
            }
            LogTo::Nowhere | LogTo::Stderr => Ok(Self::Stderr),
            LogTo::Stdout => Ok(Self::Stdout),
        }
    }
}

/// Where a full file goes: to `NAME.old`, or to a name of its own.
fn aside(path: &Path, archive: bool, now: &Zoned) -> PathBuf {
    let named = |ending: String| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    if !archive {
        return named(".old".to_owned());
    }
    let time = now.strftime("%Y%m%d_%H%M%S");
    let plain = named(format!(".{time}"));
    let numbered = (1..ARCHIVES_A_SECOND_MAX).map(|number| named(format!(".{time}_{number}")));
    // What was put aside in the same second is not to be overwritten.
    [plain.clone()].into_iter().chain(numbered).find(|name| !name.exists()).unwrap_or(plain)
}

fn complain(log: &str, what: &str) {
    // Nobody may be there to read it; there is nowhere else to say it.
    let _ = writeln!(io::stderr(), "carrier-server: {log}: {what}");
}

/// Orders to open a log anew that may wait.
const ORDERS_WAITING_MAX: usize = 8;
/// Files that may be put aside within one second without overwriting each other.
const ARCHIVES_A_SECOND_MAX: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use tempfile::TempDir;

    fn plan(folder: &TempDir, name: &str, rotate_bytes: Option<u64>, archive: bool) -> LogPlan {
        LogPlan { to: LogTo::File(folder.path().join(name)), rotate_bytes, archive }
    }

    fn opened(plan: LogPlan) -> (LogFile, SyncSender<LogPlan>) {
        let (orders, ordered) = sync_channel(ORDERS_WAITING_MAX);
        (LogFile::open("test log", plan, ordered, Arc::default()).unwrap(), orders)
    }

    fn text(folder: &TempDir, name: &str) -> String {
        fs::read_to_string(folder.path().join(name)).unwrap()
    }

    #[test]
    fn a_log_goes_on_where_the_last_run_ended() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.log"), "before\n").unwrap();

        opened(plan(&folder, "a.log", None, false)).0.write_all(b"now\n").unwrap();

        assert_eq!(text(&folder, "a.log"), "before\nnow\n");
    }

    #[test]
    fn a_full_file_is_put_aside_and_takes_the_place_of_the_last_one() {
        let folder = tempfile::tempdir().unwrap();
        let (mut log, _orders) = opened(plan(&folder, "a.log", Some(4), false));

        for line in ["1..\n", "2..\n", "3..\n", "4..\n", "5..\n"] {
            log.write_all(line.as_bytes()).unwrap();
        }

        assert_eq!(text(&folder, "a.log"), "5..\n");
        assert_eq!(text(&folder, "a.log.old"), "3..\n4..\n");
    }

    #[test]
    fn archived_files_pile_up_under_the_time_at_which_they_were_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let (mut log, _orders) = opened(plan(&folder, "a.log", Some(0), true));

        for line in ["1\n", "2\n", "3\n"] {
            log.write_all(line.as_bytes()).unwrap();
        }

        let names = fs::read_dir(folder.path()).unwrap();
        let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), 3, "{names:?}");
        let now: Zoned = "2026-11-22T07:52:45[UTC]".parse().unwrap();
        let name = aside(Path::new("/l/a.log"), true, &now);
        assert_eq!(name, Path::new("/l/a.log.20261122_075245"));
    }

    #[test]
    fn a_log_that_was_moved_away_is_opened_anew_when_that_is_ordered() {
        let folder = tempfile::tempdir().unwrap();
        let to = plan(&folder, "a.log", None, false);
        let (mut log, orders) = opened(to.clone());
        log.write_all(b"1\n").unwrap();
        rename(folder.path().join("a.log"), folder.path().join("moved")).unwrap();
        log.write_all(b"2\n").unwrap();

        orders.try_send(to).unwrap();
        log.flush().unwrap();

        assert_eq!(text(&folder, "a.log"), "", "at once, without a line");
        log.write_all(b"3\n").unwrap();
        assert_eq!(
            (text(&folder, "moved"), text(&folder, "a.log")),
            ("1\n2\n".into(), "3\n".into())
        );
    }

    #[test]
    fn a_log_that_cannot_be_opened_anew_is_written_on() {
        let folder = tempfile::tempdir().unwrap();
        let (mut log, orders) = opened(plan(&folder, "a.log", None, false));

        orders.try_send(plan(&folder, "no/such/folder", None, false)).unwrap();
        log.write_all(b"1\n").unwrap();

        assert_eq!(text(&folder, "a.log"), "1\n");
    }

    #[test]
    fn a_full_disk_stops_nobody() {
        let to = LogTo::File("/dev/full".into());
        let (mut log, _orders) = opened(LogPlan { to, rotate_bytes: None, archive: false });

        assert!(log.write_all(b"lost\n").is_ok() && log.fails);
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_one_clear_line() {
        let to = LogTo::File("/no/such/folder/a.log".into());
        let plan = LogPlan { to, rotate_bytes: None, archive: false };

        let error = LogQueue::open("access log", plan).unwrap_err().to_string();

        let expected = "access log /no/such/folder/a.log: cannot be opened for writing: No such";
        assert!(error.starts_with(expected), "{error}");
    }

    #[test]
    fn a_flood_waits_for_nobody_and_what_is_lost_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let (queue, keeper) = LogQueue::open("test log", plan(&folder, "a.log", None, false))
            .unwrap()
            .expect("it goes to a file");
        let lines = 20 * LINES_WAITING_MAX;

        (0..lines).for_each(|_| queue.write("x\n"));

        drop(keeper);
        let lost = queue.lines.error_counter().dropped_lines();
        assert_eq!(text(&folder, "a.log").lines().count() + lost, lines);
    }
}

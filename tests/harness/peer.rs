//! Other people's programs: found, started, watched, and gone when the test is.
//!
//! A program that is not installed does not fail a test: it says that it was not run. Where all of
//! them must be there, on a build machine, `CARRIER_PEERS=required` makes it fail.

use crate::wait::{until, within_limit};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// A program in `PATH` or `/usr/sbin`.
#[derive(Clone, Debug)]
pub struct Program {
    name: String,
    path: PathBuf,
}

/// A program that runs. It is killed when this is dropped.
#[derive(Debug)]
pub struct Peer {
    child: Child,
    /// What was typed, for messages.
    line: String,
    /// Holds what it prints.
    folder: TempDir,
}

/// How a program ended, and what it printed.
#[derive(Clone, Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// What it printed as its result.
    pub out: String,
    /// How many bytes that was, before it was read as text.
    pub out_bytes: usize,
    /// What it printed beside.
    pub log: String,
}

impl Program {
    /// The program `name`; `None`, which has been said, if it is not installed.
    ///
    /// # Panics
    ///
    /// If it is not installed and `CARRIER_PEERS` is `required`.
    #[expect(
        clippy::print_stdout,
        reason = "a test that was not run must not look like one that was"
    )]
    pub fn find(name: &str) -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        // Servers stand where only root looks by itself.
        let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
        let mut places = folders.map(|folder| folder.join(name));
        let Some(path) = places.find(|place| place.is_file()) else {
            let is_required = std::env::var_os("CARRIER_PEERS").is_some_and(|v| v == "required");
            assert!(!is_required, "{name} is not installed, and CARRIER_PEERS=required");
            println!("not run: {name} is not installed");
            return None;
        };
        Some(Self { name: name.to_owned(), path })
    }

    /// The program at `path`, which is there.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self { name: path.display().to_string(), path }
    }

    /// Starts it with `arguments` and without input.
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Peer {
        self.start(arguments, Stdio::null())
    }

    /// Starts it with `arguments` and the file `input`.
    pub fn run_on<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
        input: impl AsRef<Path>,
    ) -> Peer {
        let input = input.as_ref();
        let file = File::open(input).unwrap_or_else(|error| panic!("{}: {error}", input.display()));
        self.start(arguments, file.into())
    }

    fn start<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>, input: Stdio) -> Peer {
        let folder = tempfile::tempdir().expect("a folder for what a program prints");
        // Files, not pipes: a pipe that nobody reads stops the program, and one that a child of
        // it holds open never ends.
        let file = |name| File::create(folder.path().join(name)).expect("a file in a new folder");
        let mut command = Command::new(&self.path);
        command.args(arguments).stdin(input).stdout(file(OUT)).stderr(file(LOG));
        command.kill_on_drop(true);
        let typed = command.as_std().get_args().map(|a| a.to_string_lossy().into_owned());
        let line = format!("{} {}", self.name, typed.collect::<Vec<_>>().join(" "));
        let child = command.spawn().unwrap_or_else(|error| panic!("{line}: {error}"));
        Peer { child, line, folder }
    }
}

impl Peer {
    /// Waits until it has ended, at most for `limit`, whatever the outcome.
    pub async fn ended(mut self, limit: Duration) -> Output {
        let status = match tokio::time::timeout(limit, self.child.wait()).await {
            Ok(status) => status.expect("a child can be waited for"),
            Err(_) => panic!("not ended within {limit:?}: {}", self.so_far()),
        };
        self.output(status)
    }

    /// Waits until it has ended, at most for `limit`.
    ///
    /// # Panics
    ///
    /// If it says that it did not do what it should.
    pub async fn ended_well(self, limit: Duration) -> Output {
        let line = self.line.clone();
        let output = self.ended(limit).await;
        let Output { status, out, log, .. } = &output;
        assert!(status.success(), "{line}: {status}\n{out}\n{log}");
        output
    }

    /// Waits until it has printed `text`.
    pub async fn until_says(&self, text: &str) {
        let has = async || {
            let said = [OUT, LOG].iter().any(|name| self.printed(name).contains(text));
            said.then_some(())
        };
        until(&format!("{} prints {text}", self.line), has).await;
    }

    /// Ends it, and waits until it has.
    pub async fn end(mut self) -> Output {
        let killed = within_limit(KILL_TIMEOUT, "a killed program ends", self.child.kill()).await;
        killed.expect("a child of ours can be killed");
        let status = self.child.wait().await.expect("a child can be waited for");
        self.output(status)
    }

    /// The number of its process; `None` once it has ended.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child can be asked").is_some()
    }

    /// How many of its threads wait for something; one that has not begun yet does not. 0 where
    /// the system does not tell, or once it has ended.
    pub fn threads_waiting(&self) -> usize {
        let Some(id) = self.child.id() else { return 0 };
        let Ok(threads) = fs::read_dir(format!("/proc/{id}/task")) else { return 0 };
        let waits = |thread: &fs::DirEntry| {
            let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            // Number, name in parentheses, state.
            stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('S'))
        };
        threads.filter_map(Result::ok).filter(waits).count()
    }

    /// What was typed and what has been printed, for a message.
    pub fn so_far(&self) -> String {
        format!("{}\n{}\n{}", self.line, self.printed(OUT), self.printed(LOG))
    }

    fn output(&self, status: ExitStatus) -> Output {
        let out_bytes = fs::metadata(self.folder.path().join(OUT)).map_or(0, |file| file.len());
        let out_bytes = usize::try_from(out_bytes).unwrap_or(usize::MAX);
        Output { status, out: self.printed(OUT), out_bytes, log: self.printed(LOG) }
    }

    fn printed(&self, name: &str) -> String {
        let bytes = fs::read(self.folder.path().join(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Peer {
    #[expect(
        clippy::print_stderr,
        reason = "beside a test's failure stands what its programs said"
    )]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.so_far());
        }
    }
}

const OUT: &str = "out";
const LOG: &str = "log";
const KILL_TIMEOUT: Duration = Duration::from_secs(5);

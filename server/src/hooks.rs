//! Hooks: programs that the operator has run when a source comes and when it leaves.
//!
//! A program is started as Icecast starts it: with the name of the mount as its only argument,
//! without a shell, with the environment of the server. Two variables tell it what its argument
//! does not, so that one program can serve for all: `CARRIER_EVENT`, which is `connect` or
//! `disconnect`, and `CARRIER_MOUNT`. It gets no input, its output goes nowhere, and it inherits
//! no connection. One that fails is logged, and nobody waits for any of them; when the server
//! stops, programs that still run are left to themselves.

use crate::config::mounts::MountConfig;
use crate::mount::name::MountName;
use crate::tasks::Tasks;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::{debug, warn};

/// Runs hooks. Clones share the limits.
#[derive(Clone, Debug)]
pub(crate) struct Hooks {
    tasks: Tasks,
    /// Room for hooks that wait or run.
    room: Arc<Semaphore>,
    /// Room for hooks that run.
    slots: Arc<Semaphore>,
    time_max: Duration,
}

/// What happened to a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// It came.
    Connect,
    /// It left.
    Disconnect,
}

/// How a hook ended.
#[derive(Debug)]
enum End {
    /// By itself.
    Exited(ExitStatus),
    /// It took too long and was ended.
    Killed,
    /// The server stops, and it runs on.
    Left,
}

impl Hooks {
    /// Hooks that run as `tasks`.
    pub(crate) fn new(tasks: &Tasks) -> Self {
        Self::within(tasks, TIME_MAX)
    }

    fn within(tasks: &Tasks, time_max: Duration) -> Self {
        let [room, slots] = [HOOKS_MAX, HOOKS_AT_ONCE_MAX].map(|max| Arc::new(Semaphore::new(max)));
        Self { tasks: tasks.clone(), room, slots, time_max }
    }

    /// Runs what `config` has for `event` on `mount`, if it has anything.
    pub(crate) fn run(&self, config: &MountConfig, mount: &MountName, event: Event) {
        let program = match event {
            Event::Connect => &config.on_connect,
            Event::Disconnect => &config.on_disconnect,
        };
        let Some(program) = program.clone() else { return };
        let Ok(room) = Arc::clone(&self.room).try_acquire_owned() else {
            let program = program.display();
            warn!(%mount, %program, "too many hooks wait already; this one is not run");
            return;
        };
        let (hooks, mount) = (self.clone(), mount.clone());
        self.tasks.spawn(async move {
            hooks.supervise(program, &mount, event).await;
            drop(room);
        });
    }

    async fn supervise(&self, program: PathBuf, mount: &MountName, event: Event) {
        let Ok(_slot) = self.slots.acquire().await else { return };
        let path = program.display().to_string();
        let command = (program, mount.clone());
        // A program on a disk that does not answer is waited for by a thread that has the time.
        let started = self.tasks.work(move || start(&command.0, &command.1, event)).await;
        let ended = match started {
            Some(Ok(child)) => self.wait(child).await,
            Some(Err(error)) => Err(error),
            None => return,
        };
        match ended {
            Ok(End::Exited(status)) if status.success() => {
                debug!(%mount, program = path, ?event, "hook done");
            }
            Ok(End::Exited(status)) => {
                warn!(%mount, program = path, ?event, %status, "a hook failed");
            }
            Ok(End::Killed) => {
                let time_max = self.time_max;
                warn!(%mount, program = path, ?event, ?time_max, "a hook took too long; killed");
            }
            Ok(End::Left) => {}
            Err(error) => {
                warn!(%mount, program = path, ?event, %error, "a hook cannot be run");
            }
        }
    }

    /// Waits for a program, so that it leaves no zombie.
    async fn wait(&self, mut child: Child) -> io::Result<End> {
        tokio::select! {
            ended = timeout(self.time_max, child.wait()) => if let Ok(status) = ended {
                return status.map(End::Exited);
            },
            () = self.tasks.stopping() => return Ok(End::Left),
        }
        child.kill().await.map(|()| End::Killed)
    }
}

fn start(program: &Path, mount: &MountName, event: Event) -> io::Result<Child> {
    let event = match event {
        Event::Connect => "connect",
        Event::Disconnect => "disconnect",
    };
    Command::new(program)
        .arg(mount.as_str())
        .env("CARRIER_EVENT", event)
        .env("CARRIER_MOUNT", mount.as_str())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

/// Hooks that may run at once.
const HOOKS_AT_ONCE_MAX: usize = 32;
/// Hooks that may run or wait; sources that come and go in a hurry have no more run.
const HOOKS_MAX: usize = 512;
/// How long a hook may run: long, because some record for as long as the source is there.
const TIME_MAX: Duration = Duration::from_secs(86_400);

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;
    use tempfile::TempDir;

    fn script(folder: &TempDir, lines: &str) -> PathBuf {
        let path = folder.path().join("hook");
        fs::write(&path, format!("#!/bin/sh\n{lines}\n")).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn mount() -> MountName {
        MountName::new("/a b;$(x)").unwrap()
    }

    #[tokio::test]
    async fn a_program_gets_the_mount_as_its_only_argument_and_no_shell_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let program = script(&folder, "echo \"$#:$1:$CARRIER_MOUNT:$CARRIER_EVENT\" > \"$0.out\"");
        let hooks = Hooks::new(&Tasks::default());

        hooks.supervise(program.clone(), &mount(), Event::Disconnect).await;

        let written = fs::read_to_string(program.with_extension("out")).unwrap();
        assert_eq!(written, "1:/a b;$(x):/a b;$(x):disconnect\n");
    }

    #[tokio::test]
    async fn a_program_that_takes_too_long_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let program = script(&folder, "exec sleep 1000");
        let hooks = Hooks::within(&Tasks::default(), Duration::from_millis(20));
        let child = start(&program, &mount(), Event::Connect).unwrap();

        let end = hooks.wait(child).await.unwrap();

        assert!(matches!(end, End::Killed), "{end:?}");
    }

    #[tokio::test]
    async fn how_a_program_failed_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let program = script(&folder, "exit 3");
        let hooks = Hooks::new(&Tasks::default());

        let end = hooks.wait(start(&program, &mount(), Event::Connect).unwrap()).await.unwrap();

        assert!(matches!(end, End::Exited(status) if status.code() == Some(3)), "{end:?}");
        let missing = start(Path::new("/no/such/program"), &mount(), Event::Connect);
        assert_eq!(missing.unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[tokio::test]
    async fn a_server_that_stops_waits_for_no_hook() {
        let folder = tempfile::tempdir().unwrap();
        let program = script(&folder, "exec sleep 3");
        let (tasks, config) = (Tasks::default(), MountConfig::default());
        let config = MountConfig { on_connect: Some(program), ..config };

        Hooks::new(&tasks).run(&config, &mount(), Event::Connect);

        assert!(tasks.drain(Duration::from_secs(2)).await);
    }
}

//! Where log lines go, and which of them.
//!
//! One line per event, to standard error, with the time in UTC. `CARRIER_LOG` chooses what is
//! shown in the syntax of `tracing`'s filters (`debug`, `server::mount=debug,info`); without it,
//! everything from `info` up, but nothing of Symphonia's, which has much to say about every odd
//! file and nothing that its caller does not say better. Passwords are kept out by their type:
//! [`crate::auth::Password`] does not print itself.
//!
//! Lines are written by a thread of their own. Whoever reads them may stop reading (a pager, a full
//! disk behind a pipe), and the programme must not stop with him: then up to [`LINES_WAITING_MAX`]
//! lines wait, and further ones are lost.

use std::io::IsTerminal as _;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

/// Keeps the log going; what is still waiting is written when it is dropped, if somebody reads.
#[derive(Debug)]
#[must_use = "logging ends when this is dropped"]
pub struct Logging {
    _writer: WorkerGuard,
}

/// Starts logging for this process. A second start changes nothing.
pub fn start() -> Logging {
    let (lines, writer) = NonBlockingBuilder::default()
        .buffered_lines_limit(LINES_WAITING_MAX)
        .lossy(true)
        .thread_name("log")
        .finish(std::io::stderr());
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter(LEVEL_USUAL))
        .with_writer(lines)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .try_init();
    // Only an earlier start can be in the way, and then there is nothing left to do.
    drop(started);
    Logging { _writer: writer }
}

/// Chooses what is logged: what the environment says, else everything from `level` up.
pub fn filter(level: &str) -> EnvFilter {
    let usual = || format!("{level},symphonia=off").into();
    EnvFilter::try_from_env(FILTER_VARIABLE).unwrap_or_else(|_| usual())
}

/// The environment variable that chooses what is logged.
pub const FILTER_VARIABLE: &str = "CARRIER_LOG";
/// Lines that may wait for whoever reads the log: a few megabytes.
pub const LINES_WAITING_MAX: usize = 16_384;
/// The lowest level of what is logged without it, where nothing else is said.
const LEVEL_USUAL: &str = "info";

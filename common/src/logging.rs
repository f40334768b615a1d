//! Where log lines go, and which of them.
//!
//! One line per event, to standard error, with the time in UTC. `CARRIER_LOG` chooses what is
//! shown in the syntax of `tracing`'s filters (`debug`, `server::mount=debug,info`); without it,
//! everything from `info` up, but nothing of Symphonia's, which has much to say about every odd
//! file and nothing that its caller does not say better. Passwords are kept out by their type:
//! [`crate::auth::Password`] does not print itself.

use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// Starts logging for this process. A second call changes nothing.
pub fn start() {
    let filter = EnvFilter::try_from_env(FILTER_VARIABLE).unwrap_or_else(|_| USUAL.into());
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .try_init();
    // Only an earlier start can be in the way, and then there is nothing left to do.
    drop(started);
}

/// The environment variable that chooses what is logged.
pub const FILTER_VARIABLE: &str = "CARRIER_LOG";
/// What is logged without it.
const USUAL: &str = "info,symphonia=off";

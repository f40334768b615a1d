//! The logs of requests and titles: opened together, opened anew together, each written by a
//! thread of its own.
//!
//! The log of events ([`events`]) is the process's, not the server's, and is started by the command
//! line.

pub(crate) mod access;
pub(crate) mod events;
pub(crate) mod file;
pub(crate) mod playlist;

use crate::config::logs::Logs as Plan;
use access::AccessLog;
use file::{LogError, LogKeeper, LogPlan, LogQueue};
use playlist::PlaylistLog;

/// The logs. Clones are cheap.
#[derive(Clone, Debug)]
pub(crate) struct Logs {
    /// One line for each finished request.
    pub(crate) access: AccessLog,
    /// One line for each title.
    pub(crate) playlist: PlaylistLog,
}

/// Keeps the logs going; what is still waiting is written when this is dropped.
#[derive(Debug)]
#[must_use = "the logs end when this is dropped"]
pub(crate) struct LogKeepers(#[expect(dead_code, reason = "held for its drop")] Vec<LogKeeper>);

impl Logs {
    /// Opens the logs of a configuration.
    pub(crate) fn open(plan: &Plan) -> Result<(Self, LogKeepers), LogError> {
        let mut keepers = Vec::new();
        let mut open = |log, to| {
            let opened = LogQueue::open(log, LogPlan::new(to, plan))?;
            Ok(opened.map(|(queue, keeper)| {
                keepers.push(keeper);
                queue
            }))
        };
        let access = AccessLog::new(open("access log", &plan.access)?, plan.json);
        let playlist = PlaylistLog::new(open("playlist log", &plan.playlist)?);
        Ok((Self { access, playlist }, LogKeepers(keepers)))
    }

    /// Has all of them opened anew, as the configuration now says: what somebody moved away is
    /// written no longer. A log that went nowhere begins only with the next start.
    pub(crate) fn reopen(&self, plan: &Plan) {
        self.access.reopen(LogPlan::new(&plan.access, plan));
        self.playlist.reopen(LogPlan::new(&plan.playlist, plan));
    }

    /// No logs at all.
    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self { access: AccessLog::new(None, false), playlist: PlaylistLog::new(None) }
    }
}

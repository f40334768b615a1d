//! What is logged, where to, and when a file is put aside.

use std::path::PathBuf;

/// The logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logs {
    /// One line for each finished request, in Icecast's format.
    pub access: LogTo,
    /// Events.
    pub error: LogTo,
    /// One line for each title.
    pub playlist: LogTo,
    /// The lowest level of events that are logged, unless `CARRIER_LOG` says otherwise.
    pub level: Level,
    /// Whether events and requests are written as JSON, one object on each line.
    pub json: bool,
    /// A file of more bytes than this is put aside; `None` for never.
    pub rotate_bytes: Option<u64>,
    /// Whether files put aside keep the time in their name and pile up, or only the last is kept,
    /// as `NAME.old`.
    pub archive: bool,
}

/// Where a log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogTo {
    /// This file, which is appended to.
    File(PathBuf),
    /// Nowhere.
    Nowhere,
    /// Standard error.
    Stderr,
    /// Standard output.
    Stdout,
}

/// How grave an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// What is needed to find a fault.
    Debug,
    /// What keeps the server from doing its work.
    Error,
    /// Arrivals, departures, titles.
    Info,
    /// What a person could act on.
    Warn,
}

impl Default for Logs {
    fn default() -> Self {
        Self {
            access: LogTo::Nowhere,
            error: LogTo::Stderr,
            playlist: LogTo::Nowhere,
            level: Level::Info,
            json: false,
            rotate_bytes: None,
            archive: false,
        }
    }
}

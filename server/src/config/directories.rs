//! Directories of public stations, in which this server's are announced.

use super::upstream::HttpAddress;
use std::time::Duration;

/// A directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryConfig {
    /// Where it takes announcements.
    pub url: HttpAddress,
    /// How long an answer may take.
    pub timeout: Duration,
    /// How often it is told how a station is, where it does not say itself.
    pub touch_interval: Duration,
    /// How long a source must have been on air before its station is announced, so that one that
    /// fails at once is not.
    pub settle: Duration,
}

impl DirectoryConfig {
    /// The directory at `url`, with what is usual.
    pub fn at(url: HttpAddress) -> Self {
        Self { url, timeout: TIMEOUT, touch_interval: TOUCH_INTERVAL, settle: SETTLE }
    }
}

/// How long an answer may take; Icecast's limit.
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// How often a directory is told how a station is.
pub const TOUCH_INTERVAL: Duration = Duration::from_secs(600);
/// Icecast waits so long too.
pub const SETTLE: Duration = Duration::from_secs(60);
/// No directory is told more often, whatever it says.
pub const TOUCH_INTERVAL_MIN: Duration = Duration::from_secs(30);

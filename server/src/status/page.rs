//! The server's own status page: mounts, titles, listeners, and a player.
//!
//! The page is one file without anything from elsewhere; it reads the public statistics and
//! renews itself from them.

use crate::answer::Answer;

/// The page.
pub(crate) fn answer() -> Answer {
    Answer::ok("text/html; charset=utf-8", PAGE)
}

const PAGE: &str = include_str!("page.html");

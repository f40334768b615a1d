//! The log of titles: one line for each title of each mount, as Icecast writes it.
//!
//! `22/Nov/2026:07:52:45 +0000|/live.mp3|1|Artist - Title`: when, on which mount, how many heard
//! it begin, and what it is called. A title may hold any character but a line break.

use super::file::{LogPlan, LogQueue};
use crate::mount::name::MountName;
use jiff::Zoned;

/// The log of titles. Clones are cheap.
#[derive(Clone, Debug)]
pub(crate) struct PlaylistLog {
    /// `None` when there is no such log.
    queue: Option<LogQueue>,
}

impl PlaylistLog {
    /// A log whose lines go to `queue`.
    pub(crate) fn new(queue: Option<LogQueue>) -> Self {
        Self { queue }
    }

    /// Has the log opened anew.
    pub(crate) fn reopen(&self, plan: LogPlan) {
        if let Some(queue) = &self.queue {
            queue.reopen(plan);
        }
    }

    /// Writes the line of a title that goes on air; no title has none.
    pub(crate) fn write(&self, mount: &MountName, listeners: u64, title: &str) {
        if let (Some(queue), false) = (&self.queue, title.is_empty()) {
            queue.write(&line(&Zoned::now(), mount, listeners, title));
        }
    }
}

fn line(now: &Zoned, mount: &MountName, listeners: u64, title: &str) -> String {
    let title: String = title.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let time = now.strftime("%d/%b/%Y:%H:%M:%S %z");
    format!("{time}|{mount}|{listeners}|{title}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_the_one_that_icecast_wrote_and_never_two() {
        let now = "2026-11-22T07:52:45[UTC]".parse().unwrap();
        let mount = MountName::new("/live.mp3").unwrap();

        assert_eq!(
            line(&now, &mount, 1, "Log | Song ü"),
            "22/Nov/2026:07:52:45 +0000|/live.mp3|1|Log | Song ü\n"
        );
        assert!(line(&now, &mount, 0, "a\nb\r").ends_with("|0|a b \n"));
    }
}

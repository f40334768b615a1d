//! When a file that is being written may be read.
//!
//! Programs write lists in many ways: in one go, line by line, by emptying the file first, or by
//! putting another file in its place. A file is read when it has been as it is for a while and no
//! writer is known to hold it; a writer who holds it and does nothing is not waited for for ever.
//! Pure: it is told the time, what is on disk, and what the system says of writers.

use std::time::{Duration, Instant};

/// What can be seen of a file without reading it. Two that are equal are the same text, or else
/// the system tells of the change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Which file it is, since another one may be put in its place.
    pub inode: u64,
    /// When it was written last.
    pub modified_ns: i128,
    /// How long it is.
    pub bytes: u64,
}

/// The stamps of all files a playlist is made of; `None` where there is none.
pub type Stamps = Vec<Option<Stamp>>;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing has changed.
    Nothing,
    /// It may be read.
    Read,
    /// To look again at this time.
    Wait(Instant),
}

/// Decides when to read.
#[derive(Clone, Debug)]
pub struct Settling {
    quiet: Duration,
    /// What was there when it was read last.
    read: Option<Stamps>,
    /// What is there instead, and since when.
    changed: Option<(Stamps, Instant)>,
    /// The system said that it was written, and has not said that it was closed.
    writing_since: Option<Instant>,
    /// When the system last said that something happened to it, since it was read.
    touched_at: Option<Instant>,
}

impl Settling {
    /// Files are read when nothing has happened to them for `quiet`.
    pub fn new(quiet: Duration) -> Self {
        Self { quiet, read: None, changed: None, writing_since: None, touched_at: None }
    }

    /// The system says that a writer is at work; or, if it `is_done`, that it was.
    pub fn touched(&mut self, is_done: bool, now: Instant) {
        self.touched_at = Some(now);
        self.writing_since = (!is_done).then_some(now);
    }

    /// What to do, now that the files are as `stamps` say.
    pub fn look(&mut self, stamps: &Stamps, now: Instant) -> Verdict {
        if !self.is_changed(stamps) {
            self.changed = None;
            return Verdict::Nothing;
        }
        let since = match (&self.changed, self.touched_at) {
            (Some((as_before, since)), touched_at) if as_before == stamps => {
                touched_at.map_or(*since, |at| at.max(*since))
            }
            // The system has told when it happened.
            (_, Some(at)) => at,
            (_, None) => now,
        };
        self.changed = Some((stamps.clone(), since));
        let writer = self.writing_since.map(|since| since + WRITER_PATIENCE);
        let ready = writer.unwrap_or(since + self.quiet).max(since + self.quiet);
        if now >= ready { Verdict::Read } else { Verdict::Wait(ready) }
    }

    /// Whether the files may be read without waiting, because somebody needs to know: they have
    /// changed, and no writer is at work on them.
    pub fn may_read_at_once(&self, stamps: &Stamps) -> bool {
        self.is_changed(stamps) && self.writing_since.is_none()
    }

    /// Whether a writer is at work.
    pub fn is_being_written(&self) -> bool {
        self.writing_since.is_some()
    }

    /// How long the files have been as they are, as far as they differ from what was read.
    pub fn unchanged_for(&self, now: Instant) -> Duration {
        let since = self.changed.as_ref().map_or(now, |(_, since)| *since);
        now.saturating_duration_since(since)
    }

    /// They were read while they were as `stamps` say.
    pub fn was_read(&mut self, stamps: Stamps) {
        self.read = Some(stamps);
        self.changed = None;
        self.writing_since = None;
        self.touched_at = None;
    }

    fn is_changed(&self, stamps: &Stamps) -> bool {
        self.touched_at.is_some() || self.read.as_ref() != Some(stamps)
    }
}

/// A writer who holds a file open and does nothing is waited for so long.
pub const WRITER_PATIENCE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_when_it_has_been_quiet_and_then_not_again() {
        let (mut settling, start) = fresh();

        assert_eq!(settling.look(&stamp(1), start), Verdict::Wait(start + QUIET));
        assert_eq!(settling.look(&stamp(1), start + QUIET), Verdict::Read);
        settling.was_read(stamp(1));
        assert_eq!(settling.look(&stamp(1), start + 9 * QUIET), Verdict::Nothing);
    }

    #[test]
    fn every_change_begins_the_wait_anew() {
        let (mut settling, start) = fresh();
        settling.look(&stamp(1), start);
        let later = start + QUIET / 2;

        assert_eq!(settling.look(&stamp(2), later), Verdict::Wait(later + QUIET));
    }

    #[test]
    fn what_goes_back_to_what_it_was_has_not_changed() {
        let (mut settling, start) = fresh();
        settling.was_read(stamp(1));
        settling.look(&stamp(2), start);

        assert_eq!(settling.look(&stamp(1), start + QUIET), Verdict::Nothing);
    }

    #[test]
    fn a_writer_is_waited_for_until_it_is_done() {
        let (mut settling, start) = fresh();
        settling.was_read(stamp(0));
        settling.touched(false, start);
        settling.look(&stamp(1), start);
        let long = start + 4 * QUIET;
        assert_eq!(settling.look(&stamp(1), long), Verdict::Wait(start + WRITER_PATIENCE));
        assert!(!settling.may_read_at_once(&stamp(1)));

        settling.touched(true, long);

        assert_eq!(settling.look(&stamp(1), long), Verdict::Wait(long + QUIET));
        assert!(settling.may_read_at_once(&stamp(1)));
        assert_eq!(settling.look(&stamp(1), long + QUIET), Verdict::Read);
    }

    #[test]
    fn a_writer_who_does_nothing_is_not_waited_for_for_ever() {
        let (mut settling, start) = fresh();
        settling.touched(false, start);
        settling.look(&stamp(1), start);

        assert_eq!(settling.look(&stamp(1), start + WRITER_PATIENCE), Verdict::Read);
    }

    #[test]
    fn what_the_system_tells_is_read_even_if_the_file_looks_the_same() {
        let (mut settling, start) = fresh();
        settling.was_read(stamp(1));

        settling.touched(true, start);

        assert_eq!(settling.look(&stamp(1), start), Verdict::Wait(start + QUIET));
        assert_eq!(settling.look(&stamp(1), start + QUIET), Verdict::Read);
    }

    fn fresh() -> (Settling, Instant) {
        (Settling::new(QUIET), Instant::now())
    }

    fn stamp(bytes: u64) -> Stamps {
        vec![Some(Stamp { inode: 1, modified_ns: 1, bytes }), None]
    }

    const QUIET: Duration = Duration::from_millis(300);
}

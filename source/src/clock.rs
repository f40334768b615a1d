//! The clock: the only thing that drives the programme.
//!
//! Cut *n* of the programme is due `n × 1152 / rate` after its start: every cut is measured
//! from the start and none from the one before, so nothing adds up and an hour is an hour. A
//! cut is never early. When the programme is late (the machine was busy), cuts that are due
//! go out at once until it is on time again; if it is later than [`LATE_MAX`] (the machine
//! slept), the missing time is given up and counted, since nobody wants it any more.
//!
//! In simulated time every cut is due at once, and an hour takes as long as the work in it.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// When cuts are due. Pure: it is told the time since the programme's start.
#[derive(Clone, Debug)]
pub struct Schedule {
    rate_hz: u32,
    cut_sample_frames: u32,
    /// Time that was given up, in whole: it moves the start.
    given_up: Duration,
}

/// How late the programme was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lateness {
    /// Cuts that went out more than [`LATE_NOTED`] after they were due.
    pub late_cuts: u64,
    /// The latest of them.
    pub worst: Duration,
    /// Time that was given up for good.
    pub given_up: Duration,
}

/// Waits until cuts are due, and listens meanwhile.
#[derive(Debug)]
pub struct Clock {
    schedule: Schedule,
    time: Time,
    lateness: Lateness,
}

#[derive(Debug)]
enum Time {
    Real { start: Instant },
    Simulated,
}

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken<C> {
    /// Somebody wants something.
    Command(C),
    /// The cut is due.
    Due,
    /// Nobody can want anything any more.
    Left,
}

impl Schedule {
    /// The schedule of cuts of `cut_sample_frames` at `rate_hz`.
    pub fn new(rate_hz: u32, cut_sample_frames: u32) -> Self {
        Self { rate_hz, cut_sample_frames, given_up: Duration::ZERO }
    }

    /// When cut `number`, counted from 0, is due, after the programme's start.
    pub fn due(&self, number: u64) -> Duration {
        let sample_frames = u128::from(number) * u128::from(self.cut_sample_frames);
        let ns = sample_frames * 1_000_000_000 / u128::from(self.rate_hz);
        self.given_up + Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX))
    }

    /// Says that cut `number` goes out at `now` after the start, and hears how late it is;
    /// beyond [`LATE_MAX`] the missing time is given up, so that the cut counts as on time.
    pub fn late(&mut self, number: u64, now: Duration) -> Duration {
        let late = now.saturating_sub(self.due(number));
        if late > LATE_MAX {
            self.given_up += late;
        }
        late
    }
}

impl Clock {
    /// A clock that starts now and keeps the time of the world.
    pub fn real(schedule: Schedule) -> Self {
        Self::of(schedule, Time::Real { start: Instant::now() })
    }

    /// A clock for which everything is due at once.
    pub fn simulated(schedule: Schedule) -> Self {
        Self::of(schedule, Time::Simulated)
    }

    fn of(schedule: Schedule, time: Time) -> Self {
        Self { schedule, time, lateness: Lateness::default() }
    }

    /// How long it is until cut `number` is due: what there is to prepare it. In simulated
    /// time, work may take as long as it takes, up to [`PATIENCE_SIMULATED`].
    pub fn time_left(&self, number: u64) -> Duration {
        match self.time {
            Time::Real { start } => self.schedule.due(number).saturating_sub(start.elapsed()),
            Time::Simulated => PATIENCE_SIMULATED,
        }
    }

    /// Waits until cut `number` is due or a command comes. After a command, wait again.
    pub fn wait<C>(&self, number: u64, commands: &Receiver<C>) -> Woken<C> {
        let left = match self.time {
            Time::Real { .. } => self.time_left(number),
            Time::Simulated => Duration::ZERO,
        };
        match commands.recv_timeout(left) {
            Ok(command) => Woken::Command(command),
            Err(RecvTimeoutError::Timeout) => Woken::Due,
            Err(RecvTimeoutError::Disconnected) => Woken::Left,
        }
    }

    /// Notes that cut `number` goes out now; says how much time had to be given up, if any.
    pub fn note(&mut self, number: u64) -> Option<Duration> {
        let Time::Real { start } = self.time else { return None };
        let late = self.schedule.late(number, start.elapsed());
        if late > LATE_NOTED {
            self.lateness.late_cuts += 1;
            self.lateness.worst = self.lateness.worst.max(late);
        }
        self.lateness.given_up = self.schedule.given_up;
        (late > LATE_MAX).then_some(late)
    }

    /// How late the programme was so far.
    pub fn lateness(&self) -> Lateness {
        self.lateness
    }
}

/// Lateness up to here is made up by sending what is due; beyond it, time is given up.
pub const LATE_MAX: Duration = Duration::from_secs(5);
/// Lateness up to here is a machine's ordinary jitter and not counted.
pub const LATE_NOTED: Duration = Duration::from_millis(50);
/// In simulated time a cut may take this long to prepare before it counts as missing.
pub const PATIENCE_SIMULATED: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::sync_channel;

    #[test]
    fn after_an_hour_the_stream_is_within_one_frame_of_the_time() {
        for rate_hz in [32_000, 44_100, 48_000] {
            let schedule = Schedule::new(rate_hz, 1_152);
            let hour = Duration::from_secs(3_600);

            let sent = (0..).take_while(|&number| schedule.due(number) < hour).count() as u64;

            let cut = Duration::from_secs_f64(1_152.0 / f64::from(rate_hz));
            assert!(schedule.due(sent).abs_diff(hour) < cut, "{rate_hz}");
            let played = sent * 1_152;
            assert!(played.abs_diff(3_600 * u64::from(rate_hz)) <= 1_152, "{rate_hz}");
        }
    }

    #[test]
    fn frames_are_evenly_spaced_even_after_a_year() {
        let schedule = Schedule::new(44_100, 1_152);
        let year = 365 * 86_400 * 44_100 / 1_152;

        let gap = schedule.due(year + 1) - schedule.due(year);

        assert!((26_122_448..=26_122_449).contains(&gap.as_nanos()), "{gap:?}");
    }

    #[test]
    fn what_is_a_little_late_is_caught_up_and_what_is_very_late_is_given_up() {
        let mut schedule = Schedule::new(44_100, 1_152);
        let before = schedule.due(100);

        assert_eq!(schedule.late(100, before + LATE_MAX), LATE_MAX);
        assert_eq!(schedule.due(100), before, "the schedule stands, so the rest catches up");

        let slept = Duration::from_secs(600);
        assert_eq!(schedule.late(100, before + slept), slept);
        assert_eq!(schedule.due(100), before + slept, "nobody wants ten minutes at once");
    }

    #[test]
    fn a_frame_is_never_early() {
        let (_keep, commands) = sync_channel::<()>(1);
        let clock = Clock::real(Schedule::new(44_100, 1_152));

        assert_eq!(clock.wait(2, &commands), Woken::Due);

        assert_eq!(clock.time_left(2), Duration::ZERO);
    }

    #[test]
    fn a_command_ends_the_wait() {
        let (control, commands) = sync_channel(1);
        control.send('s').unwrap();
        let clock = Clock::real(Schedule::new(44_100, 1_152));

        assert_eq!(clock.wait(1_000_000, &commands), Woken::Command('s'));
        drop(control);
        assert_eq!(clock.wait(1_000_000, &commands), Woken::Left);
    }

    #[test]
    fn in_simulated_time_everything_is_due_at_once() {
        let (_keep, commands) = sync_channel::<()>(1);
        let mut clock = Clock::simulated(Schedule::new(44_100, 1_152));

        assert_eq!(clock.wait(u64::from(u32::MAX), &commands), Woken::Due);
        assert_eq!(clock.note(7), None);
        assert_eq!(clock.lateness(), Lateness::default());
    }
}

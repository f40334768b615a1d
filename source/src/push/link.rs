//! The connection to one server, as a state machine.
//!
//! Pure: it is told the time and what happened, and says what to do. The task in `push` dials
//! and sends; the policy is all here, and so are its tests.
//!
//! Where nobody answers, the server is down or being restarted, and it is dialled two or three
//! times a second, so that the mount is back at once. A server that answers and says no is left in
//! peace for longer and longer, up to [`REFUSED_LONGEST`]; so is one that takes the stream and
//! drops it within [`SETTLED`].

use common::backoff::Backoff;
use std::time::{Duration, Instant};

/// What the connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Opening a connection, after being turned away `refusals` times in a row.
    Dialling {
        /// How often in a row.
        refusals: u32,
    },
    /// On air.
    Streaming {
        /// Since when.
        since: Instant,
        /// How often in a row the server had turned us away before.
        refusals: u32,
    },
    /// Told not to be on air.
    Stopped,
    /// Letting the server rest before the next try.
    Waiting {
        /// Until when.
        until: Instant,
        /// How often in a row the server has turned us away.
        refusals: u32,
    },
}

/// What happened to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The server takes the stream.
    Accepted,
    /// The stream broke off.
    Lost,
    /// The server answered, and said no.
    Refused,
    /// The wait is over.
    Rested,
    /// It is to be on air again.
    Started,
    /// It is not to be on air.
    Stopped,
    /// Nobody answered.
    Unreachable,
}

impl Link {
    /// A connection that has yet to be opened.
    pub fn new() -> Self {
        Self::Dialling { refusals: 0 }
    }

    /// The state after `event`. The one place where a connection changes state. `random`, drawn
    /// evenly from 0 to 1, spreads the waits.
    #[must_use]
    pub fn after(self, event: Event, now: Instant, random: f64) -> Self {
        match (self, event) {
            (Self::Dialling { refusals }, Event::Accepted) => {
                Self::Streaming { since: now, refusals }
            }
            (Self::Dialling { refusals }, Event::Refused) => {
                Self::turned_away(refusals, now, random)
            }
            (Self::Dialling { .. }, Event::Unreachable) => {
                Self::Waiting { until: now + UNREACHABLE.wait(0, random), refusals: 0 }
            }
            (Self::Streaming { since, refusals }, Event::Lost) if now - since < SETTLED => {
                Self::turned_away(refusals, now, random)
            }
            (Self::Streaming { .. }, Event::Lost) => Self::new(),
            (_, Event::Stopped) => Self::Stopped,
            (Self::Stopped, Event::Started) => Self::new(),
            (Self::Waiting { refusals, .. }, Event::Rested) => Self::Dialling { refusals },
            (state, event) => unreachable!("{event:?} while {state:?}"),
        }
    }

    fn turned_away(refusals: u32, now: Instant, random: f64) -> Self {
        Self::Waiting { until: now + REFUSED.wait(refusals, random), refusals: refusals + 1 }
    }
}

impl Default for Link {
    fn default() -> Self {
        Self::new()
    }
}

/// The longest wait for a server that says no.
pub const REFUSED_LONGEST: Duration = Duration::from_secs(30);
/// A stream that lasted so long was meant; a shorter one counts as a refusal.
pub const SETTLED: Duration = Duration::from_secs(3);
const REFUSED: Backoff =
    Backoff { first: Duration::from_secs(1), factor: 2.0, longest: REFUSED_LONGEST };
/// A third to two thirds of a second: whatever the spread, wait and greeting together take less
/// than a second once the port is open, and a refused connection costs the server's machine nothing
/// that could be noticed.
const UNREACHABLE: Backoff =
    Backoff { first: UNREACHABLE_LONGEST, factor: 1.0, longest: UNREACHABLE_LONGEST };
const UNREACHABLE_LONGEST: Duration = Duration::from_millis(660);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_server_that_does_not_answer_is_dialled_two_or_three_times_a_second_for_ever() {
        let mut link = Link::new();
        let mut now = Instant::now();
        for _ in 0..100 {
            for random in [0.0, 1.0] {
                link = link.after(Event::Unreachable, now, random);
                let wait = waits(link, now);
                assert!((0.33..=0.66).contains(&wait.as_secs_f64()), "{wait:?}");
                now += wait;
                link = link.after(Event::Rested, now, 0.0);
            }
        }
    }

    #[test]
    fn a_server_that_says_no_is_asked_less_and_less_often() {
        let now = Instant::now();
        let mut link = Link::new();
        let waits: Vec<u64> = (0..8)
            .map(|_| {
                link = link.after(Event::Refused, now, 1.0);
                let wait = waits(link, now).as_secs();
                link = link.after(Event::Rested, now, 0.0);
                wait
            })
            .collect();

        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30]);
    }

    #[test]
    fn when_the_port_closes_the_refusals_are_forgotten() {
        let now = Instant::now();
        let link = Link::Dialling { refusals: 9 }.after(Event::Unreachable, now, 0.0);

        assert_eq!(link.after(Event::Rested, now, 0.0), Link::new());
    }

    #[test]
    fn a_stream_that_breaks_off_is_dialled_again_at_once() {
        let now = Instant::now();
        let link = Link::new().after(Event::Accepted, now, 0.0);

        assert_eq!(link.after(Event::Lost, now + SETTLED, 0.0), Link::new());
    }

    #[test]
    fn a_server_that_takes_the_stream_and_drops_it_is_not_hammered() {
        let now = Instant::now();
        let mut link = Link::new();
        let mut wait = Duration::ZERO;
        for _ in 0..10 {
            link = link.after(Event::Accepted, now, 1.0).after(Event::Lost, now, 1.0);
            wait = waits(link, now);
            link = link.after(Event::Rested, now, 1.0);
        }

        assert_eq!(wait, REFUSED_LONGEST);
    }

    proptest! {
        #[test]
        fn no_wait_is_shorter_than_a_third_of_a_second_or_longer_than_the_longest(
            events in proptest::collection::vec((0_u8..3, 0.0_f64..1.0, 0_u64..5), 1..60),
        ) {
            let mut now = Instant::now();
            let mut link = Link::new();
            for (kind, random, lasted_s) in events {
                link = match kind {
                    0 => link.after(Event::Unreachable, now, random),
                    1 => link.after(Event::Refused, now, random),
                    _ => {
                        link = link.after(Event::Accepted, now, random);
                        now += Duration::from_secs(lasted_s);
                        link.after(Event::Lost, now, random)
                    }
                };
                if let Link::Waiting { until, .. } = link {
                    prop_assert!(until - now >= UNREACHABLE_LONGEST / 2);
                    prop_assert!(until - now <= REFUSED_LONGEST);
                    link = link.after(Event::Rested, until, random);
                }
            }
        }
    }

    fn waits(link: Link, now: Instant) -> Duration {
        match link {
            Link::Waiting { until, .. } => until - now,
            Link::Dialling { .. } | Link::Stopped | Link::Streaming { .. } => {
                panic!("{link:?} does not wait")
            }
        }
    }
}

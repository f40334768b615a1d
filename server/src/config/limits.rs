//! Every limit of the server, with unit, default and reason.

use std::time::Duration;

/// The limits of one server.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Connections at once, of every kind; a further one is answered 503 at once. Ten thousand
    /// listeners cost a core or two, and a home line a handful.
    pub clients_max: usize,
    /// Sources at once.
    pub sources_max: usize,
    /// Time from connecting, or from the last answer on a kept connection, to the end of a
    /// request's head.
    pub header_timeout: Duration,
    /// Connections of listeners at once from one address; `None` for no limit. Off by default,
    /// because a school or a mobile network may stand behind one address.
    pub listeners_per_ip: Option<usize>,
    /// Connections beyond `clients_max` that are taken in all the same and may only give an
    /// administrator's commands or ask for statistics, so that a full server can be looked after.
    pub clients_reserved: usize,
    /// Wrong passwords from one address that are answered at once, per minute; beyond them the
    /// answer is a refusal without a look at the password. `None` for no limit.
    pub failed_logins_per_minute: Option<u32>,
    /// Time that connections have to end when the server stops.
    pub drain_grace: Duration,
}

/// The limits of one mount.
#[derive(Clone, Debug, PartialEq)]
pub struct MountLimits {
    /// Bytes that a new listener gets at once, so that its player starts without waiting;
    /// 65 536 are four seconds at 128 kbit/s.
    pub burst_bytes: usize,
    /// A listener that falls further behind is dropped. Also the most that a mount keeps.
    pub queue_bytes: usize,
    /// Time over which what a source sends is gathered before listeners get it. Each write costs
    /// about the same, whatever its size; longer means cheaper, 0 means at once. It comes on top
    /// of what the burst already holds and is not heard.
    pub flush_delay: Duration,
    /// Listeners at once; `None` for as many as there are connections.
    pub listeners_max: Option<usize>,
    /// Time after which a listener is let go; `None` for never.
    pub listener_duration_max: Option<Duration>,
    /// Time without a byte after which a source is given up.
    pub source_timeout: Duration,
    /// Time that listeners of a mount without a fallback are kept waiting for a source that left.
    /// Icecast lets them go at once; players take a short silence for a slow network and go on.
    pub source_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            clients_max: 10_000,
            sources_max: 64,
            header_timeout: Duration::from_secs(15),
            listeners_per_ip: None,
            clients_reserved: 16,
            failed_logins_per_minute: Some(30),
            drain_grace: Duration::from_secs(5),
        }
    }
}

impl MountLimits {
    /// The flush delay beside a burst, where nobody says another: the whole for the usual burst,
    /// less for less, and none without one. Whoever turns the burst down wants to be live.
    pub(crate) fn flush_delay_beside(burst_bytes: usize) -> Duration {
        let Self { burst_bytes: whole, flush_delay, .. } = Self::default();
        let milliseconds = flush_delay.as_millis() * burst_bytes.min(whole) as u128 / whole as u128;
        Duration::from_millis(u64::try_from(milliseconds).unwrap_or(u64::MAX))
    }
}

impl Default for MountLimits {
    fn default() -> Self {
        Self {
            burst_bytes: 65_536,
            queue_bytes: 524_288,
            flush_delay: Duration::from_millis(750),
            listeners_max: None,
            listener_duration_max: None,
            source_timeout: Duration::from_secs(10),
            source_grace: Duration::from_secs(5),
        }
    }
}

/// The most bytes a mount's queue may be given: what a listener at 1.4 Mbit/s hears in over a
/// minute.
pub const QUEUE_BYTES_MAX: u64 = 1 << 28;
/// The longest flush delay; beyond it a listener would wait for what it should be hearing.
pub const FLUSH_DELAY_MAX: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flush_delay_shrinks_with_the_burst() {
        let beside = |burst_bytes| MountLimits::flush_delay_beside(burst_bytes).as_millis();

        assert_eq!(
            (beside(0), beside(16_384), beside(65_536), beside(1 << 20)),
            (0, 187, 750, 750)
        );
    }
}

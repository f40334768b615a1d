//! Logins that failed, counted for each client's network and minute.
//!
//! Whoever has given too many wrong passwords is turned away without a look at the next one, until
//! the minute is over. Guesses that are under way at the same moment may pass together; there are
//! never more of them than connections. What was refused is told in the log once a minute.

use crate::access::network_of;
use crate::config::reload::LiveConfig;
use crate::refusal::Refusal;
use crate::tasks::Tasks;
use common::auth::Credentials;
use ipnet::IpNet;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use tracing::warn;

/// A handle on the counts. Clones are cheap.
#[derive(Clone, Debug)]
pub(crate) struct Logins {
    requests: mpsc::Sender<Request>,
}

#[derive(Debug)]
enum Request {
    Failed(IpNet),
    /// Answered with the rest of the minute if the network is refused.
    IsRefused {
        from: IpNet,
        reply: oneshot::Sender<Option<Duration>>,
    },
}

/// Somebody who wants to be let in, with credentials that may be looked at.
#[derive(Debug)]
pub(crate) struct Attempt<'a> {
    logins: &'a Logins,
    from: IpNet,
    given: Option<Credentials>,
}

impl Logins {
    /// Starts the task that counts.
    pub(crate) fn start(config: LiveConfig, tasks: &Tasks) -> Self {
        let (requests, mut asked) = mpsc::channel(REQUESTS_WAITING_MAX);
        let inside = tasks.clone();
        tasks.spawn(async move {
            let (mut failures, mut until) = (Failures::default(), Instant::now() + MINUTE);
            loop {
                tokio::select! {
                    // However many guesses wait, the minute ends.
                    biased;
                    () = sleep_until(until) => {
                        report(&std::mem::take(&mut failures));
                        until = Instant::now() + MINUTE;
                    }
                    request = asked.recv() => match request {
                        Some(Request::Failed(from)) => failures.failed(from),
                        Some(Request::IsRefused { from, reply }) => {
                            let max = config.now().limits.failed_logins_per_minute;
                            let refused = max.is_some_and(|max| failures.refuses(from, max));
                            let rest = refused.then(|| until.duration_since(Instant::now()));
                            // Who asked and went away needs no answer.
                            let _ = reply.send(rest);
                        }
                        None => return,
                    },
                    () = inside.stopping() => return,
                }
            }
        });
        Self { requests }
    }

    /// An attempt of the client at `ip`; refused if it has failed too often.
    pub(crate) async fn attempt(
        &self,
        ip: IpAddr,
        given: Option<Credentials>,
    ) -> Result<Attempt<'_>, Refusal> {
        let from = network_of(ip);
        if given.is_some() {
            let (reply, answer) = oneshot::channel();
            let sent = self.requests.send(Request::IsRefused { from, reply }).await;
            sent.map_err(|_| Refusal::ServerStopping)?;
            if let Some(rest) = answer.await.map_err(|_| Refusal::ServerStopping)? {
                let wait_seconds = rest.as_secs() + 1;
                return Err(Refusal::LoginsFailed { wait_seconds });
            }
        }
        Ok(Attempt { logins: self, from, given })
    }
}

impl Attempt<'_> {
    /// The credentials, if there are any.
    pub(crate) fn given(&self) -> Option<&Credentials> {
        self.given.as_ref()
    }

    /// Counts the attempt as failed if there were credentials; what the client is told.
    pub(crate) async fn failed(self) -> Refusal {
        if self.given.is_some() {
            let _ = self.logins.requests.send(Request::Failed(self.from)).await;
        }
        Refusal::Unauthorized
    }
}

/// What has failed within a minute.
#[derive(Debug, Default)]
struct Failures(HashMap<IpNet, Tally>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    failed: u32,
    refused: u32,
}

impl Failures {
    fn failed(&mut self, from: IpNet) {
        if self.0.len() < NETWORKS_MAX || self.0.contains_key(&from) {
            let tally = self.0.entry(from).or_default();
            tally.failed = tally.failed.saturating_add(1);
        }
    }

    /// Whether a network that may fail `max` times is refused; if it is, that is counted.
    fn refuses(&mut self, from: IpNet, max: u32) -> bool {
        let tally = self.0.get_mut(&from).filter(|tally| tally.failed >= max);
        tally.map(|tally| tally.refused = tally.refused.saturating_add(1)).is_some()
    }
}

fn report(failures: &Failures) {
    let refused = || failures.0.iter().filter(|(_, tally)| tally.refused > 0);
    for (from, Tally { failed, refused }) in refused().take(REPORTS_MAX) {
        warn!(%from, failed, refused, "wrong passwords; further logins were refused for a minute");
    }
    let networks = refused().count().saturating_sub(REPORTS_MAX);
    if networks > 0 {
        warn!(networks, "wrong passwords from further addresses; logins were refused");
    }
}

/// The time over which failures are counted.
const MINUTE: Duration = Duration::from_secs(60);
/// Requests that may wait; a login beyond waits to ask.
const REQUESTS_WAITING_MAX: usize = 256;
/// Networks that are counted within a minute. Guesses from yet others are not limited until it is
/// over, since a table that a crowd of attackers can grow would be one that they can fill.
const NETWORKS_MAX: usize = 65_536;
/// Networks that have a line of their own in the log, each minute.
const REPORTS_MAX: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use common::auth::Password;

    fn given() -> Option<Credentials> {
        Some(Credentials { user: "a".to_owned(), password: Password::new("b") })
    }

    fn logins(max: Option<u32>) -> Logins {
        let mut config = Config::trial().unwrap();
        config.limits.failed_logins_per_minute = max;
        Logins::start(LiveConfig::new(config).0, &Tasks::default())
    }

    #[tokio::test(start_paused = true)]
    async fn who_fails_too_often_is_refused_until_the_minute_is_over() {
        let logins = logins(Some(2));
        let (here, there) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        for _ in 0..2 {
            let attempt = logins.attempt(here, given()).await.unwrap();
            assert_eq!(attempt.failed().await, Refusal::Unauthorized);
        }

        let refused = logins.attempt(here, given()).await.unwrap_err();
        assert!(matches!(refused, Refusal::LoginsFailed { wait_seconds: 1..=61 }), "{refused:?}");
        assert!(logins.attempt(there, given()).await.is_ok(), "another address");
        assert!(logins.attempt(here, None).await.is_ok(), "without credentials");

        tokio::time::advance(MINUTE + Duration::from_secs(1)).await;
        assert!(logins.attempt(here, given()).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_without_credentials_fails_without_being_counted() {
        let logins = logins(Some(1));
        let here = "192.0.2.1".parse().unwrap();

        let attempt = logins.attempt(here, None).await.unwrap();
        assert_eq!(attempt.failed().await, Refusal::Unauthorized);

        assert!(logins.attempt(here, given()).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_limit_nobody_is_refused() {
        let logins = logins(None);
        let here = "192.0.2.1".parse().unwrap();

        for _ in 0..100 {
            logins.attempt(here, given()).await.unwrap().failed().await;
        }
    }

    #[test]
    fn the_table_grows_no_further_than_its_limit() {
        let mut failures = Failures::default();
        for number in 0..u32::try_from(NETWORKS_MAX).unwrap() + 10 {
            failures.failed(network_of(IpAddr::from(number.to_be_bytes())));
        }

        assert_eq!(failures.0.len(), NETWORKS_MAX);
    }
}

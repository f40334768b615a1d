//! Waiting: for something to happen, and never for longer than a limit.

use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// What `happens` comes to, within [`WAIT_MAX`].
///
/// # Panics
///
/// If it takes longer; `what` says what did not happen.
pub async fn within<T>(what: &str, happens: impl Future<Output = T>) -> T {
    within_limit(WAIT_MAX, what, happens).await
}

/// What `happens` comes to, within `limit`.
///
/// # Panics
///
/// If it takes longer; `what` says what did not happen.
pub async fn within_limit<T>(limit: Duration, what: &str, happens: impl Future<Output = T>) -> T {
    match timeout(limit, happens).await {
        Ok(value) => value,
        Err(_) => panic!("not within {limit:?}: {what}"),
    }
}

/// Asks again and again until there is an answer, within [`WAIT_MAX`].
///
/// # Panics
///
/// If it takes longer; `what` says what did not happen.
pub async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let asking = async {
        let mut again = interval(ASK_AGAIN);
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            again.tick().await;
            if let Some(answer) = ask().await {
                return answer;
            }
        }
    };
    within(what, asking).await
}

/// The longest wait for one event: far more than any takes, even on a busy machine.
pub const WAIT_MAX: Duration = Duration::from_secs(30);
/// Time between two questions.
const ASK_AGAIN: Duration = Duration::from_millis(20);

//! `/health`: whether the server serves, for whatever starts and restarts it.

use crate::answer::Answer;
use jiff::Timestamp;

/// The answer: 200 while the server runs, 503 while it stops. New connections are not taken any
/// more then, so only a client that is connected already hears of it.
pub(crate) fn answer(started: Timestamp, now: Timestamp, stopping: bool) -> Answer {
    let uptime_seconds = now.as_second() - started.as_second();
    let (status, word) = if stopping { (503, "stopping") } else { (200, "ok") };
    let body = format!("{{\"status\":\"{word}\",\"uptime_seconds\":{uptime_seconds}}}\n");
    Answer { status, ..Answer::ok("application/json", body) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_well_until_it_stops() {
        let at = |second| Timestamp::from_second(second).unwrap();

        let (running, stopping) = (answer(at(10), at(70), false), answer(at(10), at(70), true));

        assert_eq!((running.status, stopping.status), (200, 503));
        assert_eq!(running.body.unwrap(), "{\"status\":\"ok\",\"uptime_seconds\":60}\n");
    }
}

//! The log of events: to standard error for a person, to a file in the shape of Icecast's
//! error.log, or anywhere as JSON.
//!
//! Events come from `tracing` and are chosen by the level of the configuration, unless the
//! environment says otherwise ([`common::logging`]).

use super::Plan;
use super::file::{LogError, LogKeeper, LogPlan, LogQueue};
use crate::config::logs::{Level, LogTo};
use common::logging;
use jiff::Zoned;
use std::fmt;
use std::io::IsTerminal as _;
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The log of events, which goes on until this is dropped.
#[derive(Debug)]
#[must_use = "logging ends when this is dropped"]
pub(crate) struct EventLog {
    /// `None` when events go nowhere.
    opened: Option<(LogQueue, LogKeeper)>,
}

impl EventLog {
    /// Starts logging for this process. A second start changes nothing.
    pub(crate) fn start(plan: &Plan) -> Result<Self, LogError> {
        let opened = LogQueue::open("error log", LogPlan::new(&plan.error, plan))?;
        if let Some((queue, _)) = &opened {
            // Only an earlier start can be in the way, and then there is nothing left to do.
            let _ = tracing::subscriber::set_global_default(subscriber(queue, plan));
        }
        Ok(Self { opened })
    }

    /// Has the log opened anew, as the configuration now says. Its level and its shape stay.
    pub(crate) fn reopen(&self, plan: &Plan) {
        if let Some((queue, _)) = &self.opened {
            queue.reopen(LogPlan::new(&plan.error, plan));
        }
    }
}

fn subscriber(queue: &LogQueue, plan: &Plan) -> Box<dyn Subscriber + Send + Sync> {
    let filter = logging::filter(match plan.level {
        Level::Debug => "debug",
        Level::Error => "error",
        Level::Info => "info",
        Level::Warn => "warn",
    });
    let is_terminal = plan.error == LogTo::Stderr && std::io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(queue.lines())
        .with_ansi(is_terminal)
        .with_target(false);
    match &plan.error {
        _ if plan.json => Box::new(builder.json().flatten_event(true).finish()),
        LogTo::File(_) => Box::new(builder.event_format(IcecastShape).finish()),
        LogTo::Nowhere | LogTo::Stderr | LogTo::Stdout => Box::new(builder.finish()),
    }
}

/// Writes events as Icecast does, so that what reads its error.log reads ours.
struct IcecastShape;

impl<S, N> FormatEvent<S, N> for IcecastShape
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut text = String::new();
        context.format_fields(Writer::new(&mut text), event)?;
        let metadata = event.metadata();
        writer.write_str(&line(&Zoned::now(), *metadata.level(), metadata.target(), &text))
    }
}

/// A line: local time with two blanks in it, level, module and what is inside it, text.
fn line(now: &Zoned, level: tracing::Level, target: &str, text: &str) -> String {
    let level = match level {
        tracing::Level::ERROR => "EROR",
        tracing::Level::WARN => "WARN",
        tracing::Level::INFO => "INFO",
        tracing::Level::DEBUG | tracing::Level::TRACE => "DBUG",
    };
    let mut segments = target.rsplit("::");
    let inner = segments.next().unwrap_or(target);
    let outer = segments.next().unwrap_or(inner);
    // What a peer sent may be in the text; it cannot begin a line of its own.
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("[{}] {level} {outer}/{inner} {text}\n", now.strftime("%Y-%m-%d  %H:%M:%S"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use tracing::{debug, info, warn};

    fn logged(plan: impl FnOnce(&mut Plan), events: impl FnOnce()) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("error.log");
        let mut whole = Plan { error: LogTo::File(path.clone()), ..Plan::default() };
        plan(&mut whole);
        let (queue, keeper) =
            LogQueue::open("error log", LogPlan::new(&whole.error, &whole)).unwrap().unwrap();

        tracing::subscriber::with_default(subscriber(&queue, &whole), events);

        drop(keeper);
        fs::read_to_string(path).unwrap()
    }

    #[test]
    fn a_line_has_the_shape_of_icecasts() {
        let now = "2026-11-22T07:52:49[UTC]".parse().unwrap();

        assert_eq!(
            line(&now, tracing::Level::INFO, "server::mount::fan", "joined mount=/live"),
            "[2026-11-22  07:52:49] INFO mount/fan joined mount=/live\n"
        );
        assert_eq!(
            line(&now, tracing::Level::ERROR, "symphonia", "a\nb\u{1b}[0m"),
            "[2026-11-22  07:52:49] EROR symphonia/symphonia a b [0m\n"
        );
    }

    #[test]
    fn events_go_to_the_file_from_the_level_of_the_configuration_up() {
        let text = logged(
            |plan| plan.level = Level::Warn,
            || {
                info!("quiet");
                warn!(mount = "/a", "loud");
            },
        );

        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains("] WARN events/tests loud mount=\"/a\""), "{text}");
    }

    #[test]
    fn events_are_objects_of_json_when_that_is_wanted() {
        let text = logged(
            |plan| plan.json = true,
            || {
                debug!("below the usual level");
                info!(listener = 3, "joined");
            },
        );

        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&value["level"], &value["message"]), (&"INFO".into(), &"joined".into()));
        assert_eq!(value["listener"], 3);
    }
}

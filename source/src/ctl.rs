//! `carrier-source ctl`: asks a running station, and tells it what to do, from a command line.
//!
//! It speaks to the station's HTTP control, or in lines to its Unix socket or telnet, which take
//! the same commands but tell neither the whole state nor events. Where the station is, the user
//! says, or the station's own configuration file does.

mod place;
mod show;

use crate::cli::{Ctl, CtlCommand, QueueCommand, VarCommand};
use crate::config::file;
use crate::control::state::State;
use crate::ctl::place::Place;
use std::io::{BufRead as _, Write};
use std::path::Path;

pub use crate::ctl::place::Trouble;

/// Why nothing came of it.
#[derive(Debug, thiserror::Error)]
pub enum CtlError {
    /// The station answers, and says no.
    #[error("{0}")]
    Refused(String),
    /// The station cannot be asked, or does not answer.
    #[error(transparent)]
    Trouble(#[from] Trouble),
    /// The user's mistake.
    #[error("{0}")]
    Usage(String),
}

/// Does what `ctl` says, and writes what there is to see to `out`, until nobody reads it any more.
///
/// Fails if the station cannot be reached, or refuses.
pub(crate) fn run(ctl: &Ctl, out: &mut impl Write) -> Result<(), CtlError> {
    let place = place(ctl)?;
    match &ctl.command {
        CtlCommand::Status { json } => {
            let text = place.get("/status")?;
            if *json {
                say(out, &text);
                return Ok(());
            }
            let state: State =
                serde_json::from_str(&text).map_err(|error| Trouble::OtherVersion { error })?;
            say(out, show::state(&state).trim_end());
        }
        CtlCommand::Follow { kinds } => follow(&place, kinds, out)?,
        CtlCommand::Metadata { .. }
        | CtlCommand::Queue(_)
        | CtlCommand::Reload { .. }
        | CtlCommand::Say { .. }
        | CtlCommand::Skip { .. }
        | CtlCommand::Start { .. }
        | CtlCommand::Stop { .. }
        | CtlCommand::Var(_) => {
            let line = line(&ctl.command)?;
            let reply = place.told(&line)?;
            if is_refusal(&reply) {
                return Err(CtlError::Refused(format!("{line}: {}", refusal(&reply))));
            }
            say(out, &reply);
        }
    }
    Ok(())
}

/// Where the station is.
fn place(ctl: &Ctl) -> Result<Place, CtlError> {
    if let Some(text) = &ctl.to {
        return Place::parse(text).map_err(|error| CtlError::Usage(format!("--to: {error}")));
    }
    match &ctl.config {
        Some(path) => configured(path),
        None => Place::parse(PLACE).map_err(CtlError::Usage),
    }
}

/// Where the station of the configuration file at `path` is.
fn configured(path: &Path) -> Result<Place, CtlError> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| CtlError::Usage(format!("{shown}: {error}")))?;
    let config =
        file::parse(path, &text).map_err(|mistakes| CtlError::Usage(mistakes.to_string()))?;
    Place::of(&config.control).ok_or_else(|| {
        CtlError::Usage(format!("{shown}: [control] has neither http, nor socket, nor telnet"))
    })
}

/// The line of telnet that does what `command` says; empty for those that are none.
fn line(command: &CtlCommand) -> Result<String, CtlError> {
    let line = match command {
        CtlCommand::Follow { .. } | CtlCommand::Status { .. } => String::new(),
        CtlCommand::Metadata { output } => format!("{output}.metadata"),
        CtlCommand::Queue(QueueCommand::Flush { queue }) => format!("{queue}.flush_and_skip"),
        CtlCommand::Queue(QueueCommand::List { queue }) => format!("{queue}.next"),
        CtlCommand::Queue(QueueCommand::Push { queue, uri }) => format!("{queue}.push {uri}"),
        CtlCommand::Queue(QueueCommand::Remove { queue, request }) => {
            format!("{queue}.remove {request}")
        }
        CtlCommand::Reload { playlist: None } => "reload".to_owned(),
        CtlCommand::Reload { playlist: Some(playlist) } => format!("{playlist}.reload"),
        CtlCommand::Say { words } => words.join(" "),
        CtlCommand::Skip { name } => format!("{name}.skip"),
        CtlCommand::Start { output } => format!("{output}.start"),
        CtlCommand::Stop { output } => format!("{output}.stop"),
        CtlCommand::Var(VarCommand::Get { name }) => format!("var.get {name}"),
        CtlCommand::Var(VarCommand::List) => "var.list".to_owned(),
        CtlCommand::Var(VarCommand::Set { name, value }) => format!("var.set {name} = {value}"),
    };
    if line.contains(char::is_control) {
        return Err(CtlError::Usage(
            "a command is one line, without control characters".to_owned(),
        ));
    }
    Ok(line)
}

/// Whether a reply of telnet says no.
fn is_refusal(reply: &str) -> bool {
    ["ERROR", "No such ", "Syntax error", "Variable not found"]
        .iter()
        .any(|no| reply.starts_with(no))
}

/// Why a reply of telnet says no; all of it if it is a list of mistakes.
fn refusal(reply: &str) -> &str {
    match reply.strip_prefix("ERROR: ") {
        Some(why) => why,
        None => reply.lines().next().unwrap_or_default(),
    }
}

/// Shows events, a line each, until the station ends or nobody reads them any more.
fn follow(place: &Place, kinds: &str, out: &mut impl Write) -> Result<(), CtlError> {
    let mut kind = String::new();
    for line in place.follow(&format!("/events?kinds={kinds}"))?.lines() {
        let line = line.map_err(|error| Trouble::Broken { error })?;
        if let Some(name) = line.strip_prefix("event: ") {
            name.clone_into(&mut kind);
        } else if let Some(data) = line.strip_prefix("data: ")
            && writeln!(out, "{kind} {data}").and_then(|()| out.flush()).is_err()
        {
            return Ok(());
        }
    }
    Ok(())
}

fn say(out: &mut impl Write, text: &str) {
    drop(writeln!(out, "{text}")); // whoever asked no longer listens
}

/// Where a station is, unless somebody says otherwise.
const PLACE: &str = "http://127.0.0.1:1235";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_become_lines_of_telnet() {
        let words = vec!["queue.push".to_owned(), "/m/a b.mp3".to_owned()];
        for (command, expected) in [
            (CtlCommand::Skip { name: "library".to_owned() }, "library.skip"),
            (CtlCommand::Metadata { output: "a.mp3".to_owned() }, "a.mp3.metadata"),
            (CtlCommand::Reload { playlist: None }, "reload"),
            (
                CtlCommand::Queue(QueueCommand::Push {
                    queue: "req".to_owned(),
                    uri: "/m/a b.mp3".to_owned(),
                }),
                "req.push /m/a b.mp3",
            ),
            (
                CtlCommand::Var(VarCommand::Set {
                    name: "eq.1.q".to_owned(),
                    value: "-3".to_owned(),
                }),
                "var.set eq.1.q = -3",
            ),
            (CtlCommand::Say { words }, "queue.push /m/a b.mp3"),
        ] {
            assert_eq!(line(&command).unwrap(), expected);
        }
    }

    #[test]
    fn a_name_cannot_smuggle_in_another_command() {
        let command = CtlCommand::Skip { name: "a\nb".to_owned() };

        assert!(matches!(line(&command), Err(CtlError::Usage(_))));
    }

    #[test]
    fn what_telnet_refuses_is_known_as_a_refusal() {
        for no in [
            crate::control::answer::UNKNOWN,
            crate::control::answer::NO_NUMBER,
            crate::control::answer::NO_REQUEST,
            crate::control::answer::NO_VARIABLE,
            crate::control::answer::NO_SUCH_SETTING,
        ] {
            assert!(is_refusal(no), "{no}");
        }
        assert!(!is_refusal("OK") && !is_refusal("Done") && !is_refusal(""));
    }
}

//! What is said to whoever asks, in the bytes of Liquidsoap's telnet server.
//!
//! A reply is its body, and then `END` in a line of its own. Bodies have lines that end in LF, but
//! for that of `help`. Pure: what is to be said in, text out.

use std::fmt::Write as _;
use std::time::Duration;

/// What is known of a track that was or is on the air.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// Names and values in the order in which they are shown; empty values are not.
    pub values: Vec<(&'static str, String)>,
}

/// The reply with this `body`.
pub fn reply(body: &str) -> String {
    format!("{body}\r\nEND\r\n")
}

/// The list of all commands.
pub fn help(commands: &[(String, &'static str)]) -> String {
    let mut body = "Available commands:\r\n".to_owned();
    for (usage, _) in commands {
        body.push_str("| ");
        body.push_str(usage);
        body.push_str("\r\n");
    }
    body + "\r\nType \"help <command>\" for more information."
}

/// What there is to know of the command `wanted`; all of them if there is none of that name.
pub fn help_for(wanted: &str, commands: &[(String, &'static str)]) -> String {
    // Dots and underscores in the name of a part mean the same.
    let known_by = |command: &str| {
        let (part, verb) = command.rsplit_once('.').unwrap_or(("", command));
        (part.replace('.', "_"), verb.to_owned())
    };
    let is_wanted = |usage: &str| usage.split(' ').next().map(known_by) == Some(known_by(wanted));
    match commands.iter().find(|(usage, _)| is_wanted(usage)) {
        Some((usage, what)) => format!("Usage: {usage}\r\n  {what}"),
        None => format!("No such command: {wanted}\r\n{}", help(commands)),
    }
}

/// How long the station has run: `0d 00h 01m 21s`.
pub fn uptime(time: Duration) -> String {
    let seconds = time.as_secs();
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    let (minutes, seconds) = (seconds / 60 % 60, seconds % 60);
    format!("{days}d {hours:02}h {minutes:02}m {seconds:02}s")
}

/// How long a track still plays.
pub fn remaining(time: Option<Duration>) -> String {
    time.map_or_else(|| "(undef)".to_owned(), |time| format!("{:.2}", time.as_secs_f64()))
}

/// The value of a variable, which may be a switch: `1.000`, or `true`.
pub fn value(value: f64, is_switch: bool) -> String {
    if is_switch {
        return (value > 0.5).to_string();
    }
    let usual = format!("{value:.3}");
    if usual.parse() == Ok(value) { usual } else { value.to_string() }
}

/// Numbers in a row.
pub fn numbers(numbers: impl IntoIterator<Item = u64>) -> String {
    let numbers: Vec<_> = numbers.into_iter().map(|number| number.to_string()).collect();
    numbers.join(" ")
}

/// The numbers of requests, each once, in the order of the alphabet.
pub fn requests(numbers: impl IntoIterator<Item = u64>) -> String {
    let mut numbers: Vec<_> = numbers.into_iter().map(|number| number.to_string()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers.join(" ")
}

/// What has happened to a request that waits.
pub fn pushed(date: &str, uri: &str) -> String {
    format!("[{date}] Pushed [{};...].", quoted(uri))
}

/// The last tracks, the oldest first; the newest one is number 1.
pub fn history(tracks: &[About]) -> String {
    let mut body = String::new();
    for (at, about) in tracks.iter().enumerate() {
        let number = tracks.len() - at;
        let end = if number > 1 { "\n" } else { "" };
        write!(body, "--- {number} ---\n{}{end}", about.text()).expect("a string takes any text");
    }
    body
}

impl About {
    /// One line for each value: `title="…"`.
    pub fn text(&self) -> String {
        let shown = self.values.iter().filter(|(_, value)| !value.is_empty());
        let lines: Vec<_> =
            shown.map(|(name, value)| format!("{name}={}", quoted(value))).collect();
        lines.join("\n")
    }
}

/// `value` in quotes, on one line, and never what divides the tracks of a history.
fn quoted(value: &str) -> String {
    let mut quoted = "\"".to_owned();
    for c in value.replace("---", "—").chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            c if c.is_control() => {}
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// What there is to say to a command that there is not.
pub const UNKNOWN: &str = "ERROR: unknown command, type \"help\" to get a list of commands.";
/// What there is to say where a number is wanted.
pub const NO_NUMBER: &str = "ERROR: Failure(\"int_of_string\")";
/// What there is to say of a track that nobody knows.
pub const NO_REQUEST: &str = "No such request.";
/// What there is to say of a variable that there is not.
pub const NO_VARIABLE: &str = "Variable not found.";
/// What there is to say where such a one is to be changed.
pub const NO_SUCH_SETTING: &str = "Syntax error or variable not found.";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use regex_lite::Regex;

    #[test]
    fn replies_are_framed_as_recorded() {
        assert_eq!(reply(""), "\r\nEND\r\n");
        assert_eq!(
            reply(UNKNOWN),
            "ERROR: unknown command, type \"help\" to get a list of commands.\r\nEND\r\n"
        );
        assert_eq!(reply(NO_NUMBER), "ERROR: Failure(\"int_of_string\")\r\nEND\r\n");
        assert_eq!(reply(&uptime(Duration::from_secs(52))), "0d 00h 00m 52s\r\nEND\r\n");
        assert_eq!(reply(&remaining(Some(Duration::from_millis(15_491)))), "15.49\r\nEND\r\n");
        assert_eq!(reply(&numbers([10, 4, 7])), "10 4 7\r\nEND\r\n");
        assert_eq!(reply(&value(1.0, false)), "1.000\r\nEND\r\n");
        assert_eq!(reply(&value(1.0, true)), "true\r\nEND\r\n");
        assert_eq!(value(0.000_1, false), "0.0001");
        assert_eq!(reply(&requests([7, 8, 10, 4, 7, 9])), "10 4 7 8 9\r\nEND\r\n");
        assert_eq!(
            reply(&pushed("2026/11/22 07:33:49", "/app/music/05 Plaid - vorbis48k.ogg")),
            "[2026/11/22 07:33:49] Pushed [\"/app/music/05 Plaid - vorbis48k.ogg\";...].\r\nEND\r\n"
        );
    }

    #[test]
    fn help_is_laid_out_as_recorded() {
        let commands = [("help [<command>]".to_owned(), "Get information on available commands.")];

        assert_eq!(
            reply(&help(&commands)),
            "Available commands:\r\n| help [<command>]\r\n\r\n\
             Type \"help <command>\" for more information.\r\nEND\r\n"
        );
        assert_eq!(
            reply(&help_for("help", &commands)),
            "Usage: help [<command>]\r\n  Get information on available commands.\r\nEND\r\n"
        );
        let commands = [("a_m3u.skip".to_owned(), "Skip current song in the playlist.")];
        assert!(help_for("a.m3u.skip", &commands).starts_with("Usage: a_m3u.skip\r\n"));
        assert!(help_for("x.y", &commands).starts_with("No such command: x.y\r\nAvailable com"));
    }

    #[test]
    fn an_uptime_of_days_is_shown_in_days() {
        assert_eq!(uptime(Duration::from_secs(86_400 * 12 + 3_600 * 3 + 61)), "12d 03h 01m 01s");
    }

    #[test]
    fn a_history_is_read_as_asteroid_reads_it() {
        let about = |artist: &str, title: &str, album: &str| About {
            values: vec![
                ("artist", artist.to_owned()),
                ("title", title.to_owned()),
                ("album", album.to_owned()),
                ("filename", "/x/--- 1 ---.mp3".to_owned()),
            ],
        };
        let newest = about("Brian Eno", "Emerald And Lime", "Small Craft On A Milk Sea");

        let shown = reply(&history(&[about("", "The \"first\"", ""), newest]));

        assert!(shown.starts_with("--- 2 ---\ntitle=\"The \\\"first\\\"\"\nfilename="), "{shown}");
        let last = Regex::new(r"---\s*\d+\s*---").unwrap().split(&shown).last().unwrap();
        for (pattern, expected) in [
            (r#"artist="([^"]+)""#, "Brian Eno"),
            (r#"title="([^"]+)""#, "Emerald And Lime"),
            (r#"album="([^"]+)""#, "Small Craft On A Milk Sea"),
        ] {
            assert_eq!(&Regex::new(pattern).unwrap().captures(last).unwrap()[1], expected);
        }
    }

    proptest! {
        #[test]
        fn no_value_breaks_its_line_or_its_frame(value in "(?s).{0,40}") {
            let text = About { values: vec![("title", value)] }.text();

            prop_assert!(!text.contains(['\n', '\r']));
            prop_assert!(!text.contains("---"));
        }
    }
}

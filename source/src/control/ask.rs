//! What somebody wants, read from a line as Liquidsoap's telnet server reads it.
//!
//! A command is the text up to the first blank, and knows capitals; the rest is its argument.
//! Commands of parts are the part's name, a dot and a verb: `stream-queue.skip`. Names are compared
//! as [`names::folded`], so dots and underscores in them are the same.
//!
//! Pure: a line and the names in, a wish out.

use crate::config::names;

/// What somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// To leave.
    Exit,
    /// To know the commands, or one of them.
    Help(String),
    /// Something of the input at this place in the configuration.
    Input(usize, OfInput),
    /// Something of the output at this place in the configuration.
    Output(usize, OfOutput),
    /// Something of the playlist at this place in the configuration.
    Playlist(usize, OfPlaylist),
    /// Something of the queue at this place in the configuration.
    Queue(usize, OfQueue),
    /// To have the configuration read again.
    Reload,
    /// Something about tracks, which are called requests here.
    Request(OfRequest),
    /// Nothing that there is.
    Unknown,
    /// To know how long the station has run.
    Uptime,
    /// To know the value of the variable of this name.
    VarGet(String),
    /// To know the variables.
    VarList,
    /// To set the variable of this name to this value; both empty if it was not said so.
    VarSet(String, String),
    /// To know what runs.
    Version,
}

/// What a live input can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfInput {
    /// Tell how many seconds of it wait to be heard.
    BufferLength,
    /// Fetch its stream.
    Start,
    /// Tell whether somebody sends.
    Status,
    /// Send away who does, or fetch its stream no more.
    Stop,
    /// Tell where its stream is.
    Url,
}

/// What an output can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfOutput {
    /// Tell what its last tracks are.
    Metadata,
    /// Tell how long the present one still plays.
    Remaining,
    /// End it.
    Skip,
    /// Go on the air.
    Start,
    /// Tell whether it is on the air.
    Status,
    /// Leave the air.
    Stop,
}

/// What a playlist can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OfPlaylist {
    /// Tell what comes next.
    Next,
    /// Read its files again.
    Reload,
    /// End the track that plays.
    Skip,
    /// Tell where its files are; with a text, take them from there.
    Uri(String),
}

/// What a queue of requests can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OfQueue {
    /// Drop its requests, and end the one that plays.
    FlushAndSkip,
    /// Tell what comes next.
    Next,
    /// Take this in as a request.
    Push(String),
    /// Drop the request of this number; `None` if what was said is no number.
    Remove(Option<u64>),
    /// End the request that plays.
    Skip,
    /// Tell the numbers of those that wait.
    Waiting,
}

/// What can be asked about tracks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfRequest {
    /// The numbers of all of them.
    All,
    /// What is known of one of them; `None` if what was said is no number.
    Metadata(Option<u64>),
    /// The numbers of those on the air.
    OnAir,
    /// The numbers of those that are being fetched.
    Resolving,
    /// What happened to one of them.
    Trace(Option<u64>),
}

/// What the parts of a station are called, in the order of the configuration; the first name of
/// each is its own, the rest are aliases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Of the inputs.
    pub inputs: Vec<Vec<String>>,
    /// Of the outputs.
    pub outputs: Vec<Vec<String>>,
    /// Of the playlists.
    pub playlists: Vec<Vec<String>>,
    /// Of the queues.
    pub queues: Vec<Vec<String>>,
}

impl Ask {
    /// What `line`, which has no line end, wants of parts with these `names`.
    pub fn read(line: &str, names: &Names) -> Self {
        let (command, argument) = line.split_once(' ').unwrap_or((line, ""));
        let argument = argument.trim();
        let id = || argument.parse().ok();
        match command {
            "exit" | "quit" => Self::Exit,
            "help" => Self::Help(argument.to_owned()),
            "reload" => Self::Reload,
            "request.alive" | "request.all" => Self::Request(OfRequest::All),
            "request.metadata" => Self::Request(OfRequest::Metadata(id())),
            "request.on_air" => Self::Request(OfRequest::OnAir),
            "request.resolving" => Self::Request(OfRequest::Resolving),
            // People say so where there is one queue that is not called like this.
            "request.push" | "request.queue" | "request.skip" if !names.queues.is_empty() => {
                let (_, verb) = command.split_once('.').unwrap_or_default();
                of_queue(verb, argument).map_or(Self::Unknown, |wish| Self::Queue(0, wish))
            }
            "request.trace" => Self::Request(OfRequest::Trace(id())),
            "uptime" => Self::Uptime,
            "var.get" => Self::VarGet(argument.to_owned()),
            "var.list" => Self::VarList,
            "var.set" => {
                let parts = argument.split_once('=').or_else(|| argument.split_once(' '));
                let (name, value) = parts.unwrap_or_default();
                Self::VarSet(name.trim().to_owned(), value.trim().to_owned())
            }
            "version" => Self::Version,
            _ => Self::of_part(command, argument, names).unwrap_or(Self::Unknown),
        }
    }

    fn of_part(command: &str, argument: &str, names: &Names) -> Option<Self> {
        let (part, verb) = command.rsplit_once('.')?;
        if let Some(output) = found(part, &names.outputs) {
            let verb = match verb {
                "metadata" => OfOutput::Metadata,
                "remaining" => OfOutput::Remaining,
                "skip" => OfOutput::Skip,
                "start" => OfOutput::Start,
                "status" => OfOutput::Status,
                "stop" => OfOutput::Stop,
                _ => return None,
            };
            return Some(Self::Output(output, verb));
        }
        if let Some(input) = found(part, &names.inputs) {
            let verb = match verb {
                "buffer_length" => OfInput::BufferLength,
                "kick" | "stop" => OfInput::Stop,
                "start" => OfInput::Start,
                "status" => OfInput::Status,
                "url" => OfInput::Url,
                _ => return None,
            };
            return Some(Self::Input(input, verb));
        }
        if let Some(queue) = found(part, &names.queues) {
            return of_queue(verb, argument).map(|wish| Self::Queue(queue, wish));
        }
        let verb = match verb {
            "next" => OfPlaylist::Next,
            "reload" => OfPlaylist::Reload,
            "skip" => OfPlaylist::Skip,
            "uri" => OfPlaylist::Uri(argument.to_owned()),
            _ => return None,
        };
        Some(Self::Playlist(found(part, &names.playlists)?, verb))
    }
}

impl Names {
    /// Every command there is, as help shows it, and what it does, by the alphabet.
    pub fn commands(&self) -> Vec<(String, &'static str)> {
        let mut commands: Vec<(String, &'static str)> =
            STATION.iter().map(|&(usage, what)| (usage.to_owned(), what)).collect();
        for (parts, verbs) in [
            (&self.inputs, INPUT),
            (&self.outputs, OUTPUT),
            (&self.playlists, PLAYLIST),
            (&self.queues, QUEUE),
        ] {
            for name in parts.iter().flatten() {
                commands.extend(verbs.iter().map(|(verb, what)| (format!("{name}.{verb}"), *what)));
            }
        }
        commands.sort();
        commands
    }
}

/// What `verb` wants of a queue.
fn of_queue(verb: &str, argument: &str) -> Option<OfQueue> {
    Some(match verb {
        "flush_and_skip" => OfQueue::FlushAndSkip,
        "next" => OfQueue::Next,
        "push" => OfQueue::Push(argument.to_owned()),
        "queue" => OfQueue::Waiting,
        "remove" => OfQueue::Remove(argument.parse().ok()),
        "skip" => OfQueue::Skip,
        _ => return None,
    })
}

/// Which of `parts` is called `name`.
fn found(name: &str, parts: &[Vec<String>]) -> Option<usize> {
    let name = names::folded(name);
    parts.iter().position(|part| part.iter().any(|own| names::folded(own) == name))
}

const STATION: &[(&str, &str)] = &[
    ("exit", "Exit current server session."),
    ("help [<command>]", "Get information on available commands."),
    ("quit", "Exit current server session."),
    ("reload", "Read the configuration again and apply what has changed."),
    ("request.alive", "Display the list of current alive request IDs."),
    ("request.all", "Display the list of all request IDs."),
    ("request.metadata <rid>", "Display all the metadata associated to the RID."),
    ("request.on_air", "Get the list of requests currently on air."),
    ("request.resolving", "Display the list of current resolving request IDs."),
    ("request.trace <rid>", "Display the log associated to the RID."),
    ("uptime", "Print server's uptime."),
    ("var.get <name>", "Get the value of a variable."),
    ("var.list", "List available interactive variables."),
    ("var.set <name> = <value>", "Set the value of a variable."),
    ("version", "Print the version of the program."),
];
const INPUT: &[(&str, &str)] = &[
    ("buffer_length", "Get the number of seconds that wait to be heard."),
    ("start", "Fetch the stream, if it is one that is fetched."),
    ("status", "Display whether a source is connected, and from where."),
    ("stop", "Disconnect the source."),
    ("url", "Print where the stream is fetched from."),
];
const OUTPUT: &[(&str, &str)] = &[
    ("metadata", "Print the metadata of the last tracks, the newest last."),
    ("remaining", "Display estimated remaining time."),
    ("skip", "Skip current song."),
    ("start", "Start the output."),
    ("status", "Get the status of the output."),
    ("stop", "Stop the output."),
];
const PLAYLIST: &[(&str, &str)] = &[
    ("next", "Return up to 10 next URIs to be played."),
    ("reload", "Reload the playlist."),
    ("skip", "Skip current song in the playlist."),
    ("uri [<uri>]", "Print playlist URI if called without an argument, otherwise set a new one."),
];
const QUEUE: &[(&str, &str)] = &[
    ("flush_and_skip", "Drop all requests, and skip the one that plays."),
    ("next", "Return the URIs of the requests to be played."),
    ("push <uri>", "Push a new request in the queue."),
    ("queue", "Display the IDs of the requests that wait."),
    ("remove <rid>", "Remove a request that waits from the queue."),
    ("skip", "Skip the request that plays."),
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parts_are_known_by_every_name_with_dots_or_underscores() {
        for (command, expected) in [
            ("stream-queue.skip", Ask::Playlist(0, OfPlaylist::Skip)),
            ("stream-queue_m3u.skip", Ask::Playlist(0, OfPlaylist::Skip)),
            ("stream-queue.m3u.skip extra args", Ask::Playlist(0, OfPlaylist::Skip)),
            ("stream-queue.m3u.uri", Ask::Playlist(0, OfPlaylist::Uri(String::new()))),
            ("library.next", Ask::Playlist(1, OfPlaylist::Next)),
            ("output.icecast.1.remaining", Ask::Output(1, OfOutput::Remaining)),
            ("output_icecast.metadata", Ask::Output(0, OfOutput::Metadata)),
            ("a.mp3.status", Ask::Output(0, OfOutput::Status)),
            ("live.status", Ask::Input(0, OfInput::Status)),
            ("live.kick", Ask::Input(0, OfInput::Stop)),
            ("live.buffer_length", Ask::Input(0, OfInput::BufferLength)),
        ] {
            assert_eq!(Ask::read(command, &names()), expected, "{command}");
        }
    }

    #[test]
    fn a_queue_takes_all_that_follows_the_verb_as_one_address() {
        let push = |uri: &str| OfQueue::Push(uri.to_owned());
        for (command, expected) in [
            ("req.push /a b.mp3 ", push("/a b.mp3")),
            ("request_queue.push annotate:a=\"1\":x y.mp3", push("annotate:a=\"1\":x y.mp3")),
            ("req.push", push("")),
            ("request.push x.mp3", push("x.mp3")),
            ("req.queue", OfQueue::Waiting),
            ("request.queue", OfQueue::Waiting),
            ("req.remove 7", OfQueue::Remove(Some(7))),
            ("req.remove x", OfQueue::Remove(None)),
            ("req.flush_and_skip", OfQueue::FlushAndSkip),
        ] {
            assert_eq!(Ask::read(command, &names()), Ask::Queue(0, expected), "{command}");
        }
        let none = Names { queues: Vec::new(), ..names() };
        assert_eq!(Ask::read("request.push x.mp3", &none), Ask::Unknown);
        assert_eq!(Ask::read("req.uri", &names()), Ask::Unknown);
    }

    #[test]
    fn a_command_begins_the_line_knows_capitals_and_ends_at_a_blank() {
        for line in ["  uptime", "UPTIME", "foo", "stream-queue", "library.metadata", ".skip", "."]
        {
            assert_eq!(Ask::read(line, &names()), Ask::Unknown, "{line}");
        }
        assert_eq!(Ask::read("uptime  ", &names()), Ask::Uptime);
        assert_eq!(Ask::read("help  a b ", &names()), Ask::Help("a b".to_owned()));
    }

    #[test]
    fn a_request_that_is_no_number_is_none() {
        let metadata = |id| Ask::Request(OfRequest::Metadata(id));
        assert_eq!(Ask::read("request.metadata 12", &names()), metadata(Some(12)));
        for line in ["request.metadata", "request.metadata abc", "request.metadata -1"] {
            assert_eq!(Ask::read(line, &names()), metadata(None), "{line}");
        }
    }

    #[test]
    fn help_shows_nothing_that_is_not_understood() {
        for (usage, _) in names().commands() {
            assert_ne!(Ask::read(&usage, &names()), Ask::Unknown, "{usage}");
        }
    }

    proptest! {
        #[test]
        fn any_line_means_something_or_nothing(line in ".{0,60}") {
            Ask::read(&line, &names());
        }
    }

    fn names() -> Names {
        let own = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Names {
            inputs: vec![own(&["live"])],
            outputs: vec![own(&["a.mp3", "output.icecast"]), own(&["b.mp3", "output.icecast.1"])],
            playlists: vec![own(&["stream-queue", "stream-queue.m3u"]), own(&["library"])],
            queues: vec![own(&["req", "request.queue"])],
        }
    }
}

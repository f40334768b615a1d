//! What the user said on the command line, and nothing that follows from it.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Plays files, folders and playlists to an Icecast-compatible server, as internet radio.
#[derive(Debug, Parser)]
#[command(name = "carrier-source", version, arg_required_else_help = true)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// Play as this file says.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Read a configuration file, say what is wrong with it, and do nothing else.
    Check {
        /// The file.
        file: PathBuf,
    },
    /// Ask a running station, or tell it what to do.
    Ctl(Ctl),
    /// Turn the Liquidsoap script of a station into a configuration file, and write that out.
    Import {
        /// The script.
        script: PathBuf,
    },
    /// Say what would play when, as a configuration file says and a station left it.
    Plan {
        /// The file.
        file: PathBuf,
        /// For how long: `6h`, `90min`, `2d`.
        #[arg(long = "for", value_name = "TIME", default_value = "6h")]
        span: String,
        /// From when on, by the station's clock: `2026-11-26T08:00`; from now on if not said.
        #[arg(long, value_name = "WHEN")]
        from: Option<String>,
    },
    /// Play what is named here.
    Play(Play),
}

/// A running station, and what is asked of it.
#[derive(Debug, Args)]
pub(crate) struct Ctl {
    /// Where the station is: http://127.0.0.1:1235 (the default), http://:PASSWORD@HOST:PORT,
    /// telnet://HOST:PORT, or the path of its socket.
    #[arg(long, value_name = "PLACE", env = "CARRIER_CONTROL", hide_env_values = true)]
    pub(crate) to: Option<String>,
    /// Ask the station of this configuration file.
    #[arg(short, long, value_name = "FILE", conflicts_with = "to")]
    pub(crate) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: CtlCommand,
}

/// What is asked of a running station.
#[derive(Debug, Subcommand)]
pub(crate) enum CtlCommand {
    /// Show what happens, a line each: the kind of the event, and JSON.
    Follow {
        /// Only these kinds: status, track, next, link, levels, trouble.
        #[arg(long, value_name = "KINDS", default_value = "track,next,link,trouble,status")]
        kinds: String,
    },
    /// Show the last tracks of an output, the newest last.
    Metadata {
        /// The output.
        output: String,
    },
    /// Look at a queue of requests, or change it.
    #[command(subcommand)]
    Queue(QueueCommand),
    /// Read the station's configuration again and apply what has changed, or the files of a
    /// playlist.
    Reload {
        /// The playlist; the configuration if not said.
        playlist: Option<String>,
    },
    /// Say anything that telnet understands: `ctl say request.on_air`.
    Say {
        /// The command and its argument.
        #[arg(required = true)]
        words: Vec<String>,
    },
    /// End the track that plays.
    Skip {
        /// The playlist or output whose track it is.
        name: String,
    },
    /// Put an output on the air.
    Start {
        /// The output.
        output: String,
    },
    /// Show what the station is doing.
    Status {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Take an output off the air.
    Stop {
        /// The output.
        output: String,
    },
    /// Look at the parameters of effects, or turn one.
    #[command(subcommand)]
    Var(VarCommand),
}

/// What is done with parameters of effects.
#[derive(Debug, Subcommand)]
pub(crate) enum VarCommand {
    /// Show the value of one.
    Get {
        /// The parameter: `volume.gain_db`, or `main.volume.gain_db`.
        name: String,
    },
    /// Show what there are.
    List,
    /// Turn one, until the configuration is read again with other effects.
    Set {
        /// The parameter.
        name: String,
        /// Its value: `-3`, `250ms`, `1.5kHz`, `true`.
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
}

/// What is done with a queue.
#[derive(Debug, Subcommand)]
pub(crate) enum QueueCommand {
    /// Drop all requests, and skip the one that plays.
    Flush {
        /// The queue.
        queue: String,
    },
    /// Show what waits.
    List {
        /// The queue.
        queue: String,
    },
    /// Ask for a track; says its number.
    Push {
        /// The queue.
        queue: String,
        /// Its file, which may be annotated.
        uri: String,
    },
    /// Take out a request that waits.
    Remove {
        /// The queue.
        queue: String,
        /// Its number.
        request: u64,
    },
}

/// What is to be played, and where to.
#[derive(Debug, Args)]
pub(crate) struct Play {
    /// Audio files, folders of them, or playlists; files and playlists may be http:// or https://.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// The mount to play to: `http://source:PASSWORD@HOST:PORT/live.mp3`. In the environment it
    /// does not show in the list of processes.
    #[arg(long, value_name = "URL", env = "CARRIER_TO", hide_env_values = true)]
    pub(crate) to: String,
    /// Bit rate in kbit/s, from 32 to 320; 128 if not said.
    #[arg(long, value_name = "KBPS")]
    pub(crate) bitrate: Option<u32>,
    /// Play in random order, another one in every round.
    #[arg(long)]
    pub(crate) shuffle: bool,
    /// Be silent when there is nothing to play, instead of sounding a tone.
    #[arg(long)]
    pub(crate) silence: bool,
    /// The station's name.
    #[arg(long, default_value = "")]
    pub(crate) name: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}

//! What the user said on the command line, and the configuration that follows from it.
//!
//! Reading the file that `-c` names is the only thing done here; starting is `run`'s business.

use crate::config::{Config, Identity, OrderConfig, Output, ProgrammeConfig, file};
use crate::encode::mp3::BITRATES_KBPS;
use crate::mix::tone::WhenEmpty;
use clap::{Args, Parser, Subcommand};
use std::path::{Path, PathBuf};

/// Plays files, folders and playlists to an Icecast-compatible server, as internet radio.
#[derive(Debug, Parser)]
#[command(name = "carrier-source", version, arg_required_else_help = true)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// Play as this file says.
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read a configuration file, say what is wrong with it, and do nothing else.
    Check {
        /// The file.
        file: PathBuf,
    },
    /// Play what is named here.
    Play(Play),
}

#[derive(Debug, Args)]
struct Play {
    /// Audio files, folders of them, or M3U playlists.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The mount to play to: `http://source:PASSWORD@HOST:PORT/live.mp3`. In the environment it
    /// does not show in the list of processes.
    #[arg(long, value_name = "URL", env = "CARRIER_TO", hide_env_values = true)]
    to: String,
    /// Bit rate in kbit/s: 64, 80, 96, 112, 128, 160, 192, 224, 256 or 320.
    #[arg(long, value_name = "KBPS", default_value_t = crate::config::BITRATE_KBPS)]
    bitrate: u32,
    /// Play in random order, another one in every round.
    #[arg(long)]
    shuffle: bool,
    /// Be silent when there is nothing to play, instead of sounding a quiet tone.
    #[arg(long)]
    silence: bool,
    /// The station's name.
    #[arg(long, default_value = "")]
    name: String,
}

/// What is to be done.
#[derive(Debug)]
pub enum Task {
    /// The configuration was only to be checked, and is right.
    Checked(PathBuf),
    /// Play.
    Play(Box<Config>),
}

/// Why nothing can be done: the user's mistake, one line or several.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(String);

impl Cli {
    /// What the user wants done.
    pub fn task(self) -> Result<Task, UsageError> {
        match (self.config, self.command) {
            (_, Some(Command::Check { file })) => {
                read(&file)?;
                Ok(Task::Checked(file))
            }
            (_, Some(Command::Play(play))) => Ok(Task::Play(Box::new(play.config()?))),
            (Some(file), None) => Ok(Task::Play(Box::new(read(&file)?))),
            (None, None) => Err(UsageError("nothing to do; see --help".to_owned())),
        }
    }
}

impl Play {
    fn config(self) -> Result<Config, UsageError> {
        let mut output =
            Output::parse(&self.to).map_err(|error| UsageError(format!("--to: {error}")))?;
        if !BITRATES_KBPS.contains(&self.bitrate) {
            let all: Vec<_> = BITRATES_KBPS.iter().map(u32::to_string).collect();
            let what = format!("--bitrate: {} is none of {}", self.bitrate, all.join(", "));
            return Err(UsageError(what));
        }
        output.mp3.bitrate_kbps = self.bitrate;
        if let Some(absent) = self.paths.iter().find(|path| !path.exists()) {
            let what = format!("{}: there is no such file or folder", absent.display());
            return Err(UsageError(what));
        }
        if self.name.contains(char::is_control) {
            return Err(UsageError("--name: holds a control character; leave it out".to_owned()));
        }
        let order =
            if self.shuffle { OrderConfig::Shuffle { seed: None } } else { OrderConfig::Normal };
        let when_empty = if self.silence { WhenEmpty::Silence } else { WhenEmpty::Tone };
        Ok(Config {
            identity: Identity { name: self.name, ..Identity::default() },
            programme: ProgrammeConfig { play: self.paths, order, when_empty },
            output,
        })
    }
}

fn read(path: &Path) -> Result<Config, UsageError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| UsageError(format!("{}: {error}", path.display())))?;
    file::parse(path, &text).map_err(|mistakes| UsageError(mistakes.to_string()))
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

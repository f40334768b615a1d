//! Runs a station from a command line until it is told to stop.
//!
//! This is the part of the program that faces the terminal: the live line, the signals, the exit
//! code. Everything it shows comes from the station's status.

mod reload;

use crate::cli::{Cli, Command, Ctl, Play};
use crate::config::{
    Address, BITRATE_KBPS, Config, Emergency, OrderConfig, QUALITY, RATE_HZ, file,
};
use crate::ctl::{self, CtlError};
use crate::encode::Format;
use crate::encode::mp3::{Mp3, bitrates_kbps};
use crate::import::{Imported, import};
use crate::playlist::item::is_http;
use crate::station::command::reload::Reload;
use crate::station::planning::{moment, plan};
use crate::station::{Happening, StartError, Station};
use clap::Parser as _;
use common::units::parse_duration;
use jiff::Timestamp;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info};

/// Does what the command line says; returns when it is done.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(usage) => {
            drop(usage.print()); // a closed terminal is no reason for another exit code
            return ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(EXIT_USAGE));
        }
    };
    match task(cli) {
        Ok(Task::Checked(file)) => {
            say(&format!("{}: no mistakes", file.display()));
            ExitCode::SUCCESS
        }
        Ok(Task::Ctl(ctl)) => match ctl::run(&ctl, &mut std::io::stdout()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                complain(&error.to_string());
                let is_usage = matches!(error, CtlError::Usage(_));
                if is_usage { ExitCode::from(EXIT_USAGE) } else { ExitCode::FAILURE }
            }
        },
        Ok(Task::Imported(imported)) => {
            say(imported.toml.trim_end());
            for left in imported.left {
                complain(&format!("not taken over: {left}"));
            }
            ExitCode::SUCCESS
        }
        Ok(Task::Plan { config, from, span }) => match plan(&config, from, span) {
            Ok(plan) => {
                say(plan.trim_end());
                ExitCode::SUCCESS
            }
            Err(error) => {
                complain(&error.to_string());
                ExitCode::FAILURE
            }
        },
        Ok(Task::Play { config, file }) => play(*config, file),
        Err(usage) => {
            complain(&usage.to_string());
            ExitCode::from(EXIT_USAGE)
        }
    }
}

fn play(config: Config, file: Option<PathBuf>) -> ExitCode {
    let _logging = common::logging::start();
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let payload = panic.payload();
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        error!(place, "a part crashed: {}", text.unwrap_or("no message"));
    }));
    // The network has a thread of its own, so that a terminal that is held (Ctrl-S) holds up the
    // live line and not the stream.
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => {
            let outcome = runtime.block_on(until_told_to_stop(config, file));
            // A look-up of a name may still hang; nobody waits for its answer.
            runtime.shutdown_background();
            outcome
        }
        Err(error) => Err(StartError::from(error).to_string()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            complain(&why);
            ExitCode::FAILURE
        }
    }
}

/// Plays until somebody says that it is enough, and reads `file` again when somebody wants that.
///
/// Fails, with the reason, if the station cannot start, or a part of it ends by itself.
async fn until_told_to_stop(config: Config, file: Option<PathBuf>) -> Result<(), String> {
    let words = |error: StartError| error.to_string();
    let on = |kind| signal(kind).map_err(|error| words(error.into()));
    let (mut interrupt, mut terminate) =
        (on(SignalKind::interrupt())?, on(SignalKind::terminate())?);
    // Without a file, a terminal that is closed ends the programme, as it does for any program.
    let mut hangup = file.as_ref().map(|_| on(SignalKind::hangup())).transpose()?;
    let mut station = Station::start(&config).map_err(words)?;
    let mut reload = Reload::new(file);
    let live = std::io::stdout().is_terminal();
    let outcome = loop {
        tokio::select! {
            _ = interrupt.recv() => break Ok(()),
            _ = terminate.recv() => break Ok(()),
            () = hung_up(&mut hangup) => reload.begin(&station, None),
            read = reload.done() => reload.finish(&mut station, read),
            happening = station.happens() => match happening {
                Happening::Changed if live => {
                    show(&station.status().line(Instant::now(), LINE_COLUMNS));
                }
                Happening::Changed => {}
                Happening::Ended(why) => break Err(why),
                Happening::Reload(wish) => reload.begin(&station, Some(wish)),
            }
        }
    };
    if live {
        show("");
    }
    info!("stopping");
    station.stop().await;
    outcome
}

/// Waits for the signal to read the configuration again, if that is listened to.
async fn hung_up(hangup: &mut Option<Signal>) {
    match hangup {
        Some(hangup) => drop(hangup.recv().await),
        None => std::future::pending().await,
    }
}

/// Replaces the live line. The cursor goes back to its beginning, so that a line of the log
/// takes its place instead of following it.
fn show(line: &str) {
    let mut terminal = std::io::stdout();
    drop(write!(terminal, "\x1b[2K{line}\r")); // a closed terminal does not end the programme
    drop(terminal.flush());
}

fn say(line: &str) {
    drop(writeln!(std::io::stdout(), "{line}")); // whoever asked no longer listens
}

fn complain(lines: &str) {
    drop(writeln!(std::io::stderr(), "{lines}")); // as above; the exit code says it too
}

/// What is to be done.
#[derive(Debug)]
enum Task {
    /// The configuration was only to be checked, and is right.
    Checked(PathBuf),
    /// A running station is to be asked or told something.
    Ctl(Ctl),
    /// A script was to be turned into a configuration, and this is it.
    Imported(Imported),
    /// Say what would play from a moment on, for so long.
    Plan { config: Box<Config>, from: Timestamp, span: Duration },
    /// Play.
    Play {
        /// What.
        config: Box<Config>,
        /// The file that says it, if one does.
        file: Option<PathBuf>,
    },
}

/// Why nothing can be done: the user's mistake, one line or several.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
struct UsageError(String);

/// What the user wants done.
fn task(cli: Cli) -> Result<Task, UsageError> {
    match (cli.config, cli.command) {
        (_, Some(Command::Check { file })) => {
            read(&file)?;
            Ok(Task::Checked(file))
        }
        (_, Some(Command::Ctl(ctl))) => Ok(Task::Ctl(ctl)),
        (_, Some(Command::Import { script })) => {
            let text = std::fs::read(&script)
                .map_err(|error| UsageError(format!("{}: {error}", script.display())))?;
            Ok(Task::Imported(import(&String::from_utf8_lossy(&text))))
        }
        (_, Some(Command::Plan { file, span, from })) => {
            let config = Box::new(read(&file)?);
            let span =
                parse_duration(&span).map_err(|error| UsageError(format!("--for: {error}")))?;
            if span > PLAN_MAX {
                let days = PLAN_MAX.as_secs() / 86_400;
                return Err(UsageError(format!("--for: a plan is for at most {days} days")));
            }
            let from = match from {
                None => Timestamp::now(),
                Some(text) => moment(&text, &config.zone()).ok_or_else(|| {
                    let what = "is no moment such as 2026-11-26T08:00";
                    UsageError(format!("--from: `{text}` {what}"))
                })?,
            };
            Ok(Task::Plan { config, from, span })
        }
        (_, Some(Command::Play(play))) => {
            Ok(Task::Play { config: Box::new(said(play)?), file: None })
        }
        (Some(file), None) => Ok(Task::Play { config: Box::new(read(&file)?), file: Some(file) }),
        (None, None) => Err(UsageError("nothing to do; see --help".to_owned())),
    }
}

/// The configuration that follows from what the user said.
fn said(play: Play) -> Result<Config, UsageError> {
    let address = Address::parse(&play.to).map_err(|error| UsageError(format!("--to: {error}")))?;
    let bitrate_kbps = play.bitrate.unwrap_or(BITRATE_KBPS);
    let allowed = bitrates_kbps(RATE_HZ);
    if !allowed.contains(&bitrate_kbps) {
        let all: Vec<_> = allowed.iter().map(u32::to_string).collect();
        let what = format!("--bitrate: {bitrate_kbps} is none of {}", all.join(", "));
        return Err(UsageError(what));
    }
    let is_elsewhere = |path: &Path| is_http(path.as_os_str().as_encoded_bytes());
    if let Some(absent) = play.paths.iter().find(|path| !is_elsewhere(path) && !path.exists()) {
        let what = format!("{}: there is no such file or folder", absent.display());
        return Err(UsageError(what));
    }
    if play.name.contains(char::is_control) {
        return Err(UsageError("--name: holds a control character; leave it out".to_owned()));
    }
    let mut config = Config::simple(play.paths, address);
    for playlist in &mut config.playlists {
        if play.shuffle {
            playlist.order = OrderConfig::Shuffle { seed: None };
        }
    }
    for channel in &mut config.channels {
        channel.emergency = if play.silence { Emergency::Silence } else { Emergency::Tone };
    }
    for output in &mut config.outputs {
        output.format = Format::Mp3(Mp3::constant(RATE_HZ, bitrate_kbps, QUALITY));
        output.identity.name.clone_from(&play.name);
    }
    config.identity.name = play.name;
    Ok(config)
}

fn read(path: &Path) -> Result<Config, UsageError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| UsageError(format!("{}: {error}", path.display())))?;
    file::parse(path, &text).map_err(|mistakes| UsageError(mistakes.to_string()))
}

/// The exit code for a mistake of the user's.
const EXIT_USAGE: u8 = 2;
/// Nobody plans further ahead.
const PLAN_MAX: Duration = Duration::from_secs(14 * 86_400);
/// The live line is kept within a terminal of the usual width.
const LINE_COLUMNS: usize = 79;

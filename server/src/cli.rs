//! The command line: what the user said, and the messages that answer it.

use crate::config::reload::Reloader;
use crate::config::{Config, ListenSocket};
use crate::config_file::{self, ConfigFile};
use crate::logs::events::EventLog;
use crate::process::{self, Became, PidFile};
use crate::server::{Outcome, Server};
use crate::tls;
use clap::{Parser, Subcommand};
use std::convert::Infallible;
use std::fmt::Display;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tracing::{debug, error, info, warn};

/// Serves internet radio: takes sources (SOURCE, PUT) and gives their streams to players, as
/// Icecast does.
#[derive(Clone, Debug, Parser)]
#[command(name = "carrier-server", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// The configuration: TOML, or the icecast.xml of an Icecast server. Without one the server
    /// starts on 127.0.0.1:8000 with random passwords, which it prints.
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Listen here instead of where the configuration says; may be repeated. Port 0 takes any
    /// free one, which the log names.
    #[arg(short, long, value_name = "ADDRESS:PORT")]
    listen: Vec<ListenSocket>,
    /// Read the configuration, report every mistake in it and what would be done otherwise than
    /// it says, and exit: 0 if there is no mistake, else 2.
    #[arg(long, requires = "config")]
    check: bool,
}

/// What else the user may want.
#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// Write an icecast.xml as TOML that says the same, with a comment on what is not done here.
    Import {
        /// The icecast.xml.
        file: PathBuf,
        /// Write here instead of beside it. What is there already stays.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

impl Cli {
    /// Does what the user said.
    pub fn run(self) -> ExitCode {
        if let Some(Command::Import { file, output }) = self.command {
            return import(&file, output.as_deref());
        }
        let ConfigFile { config, warnings, notes } = match &self.config {
            Some(path) => config_file::read(path),
            None => match Config::trial() {
                Ok(config) => ConfigFile::plain(config),
                Err(error) => return refuse(format_args!("no random passwords: {error}")),
            },
        };
        let mut config = match config {
            Ok(config) => config,
            Err(mistakes) => {
                return refuse(
                    [mistakes].into_iter().chain(warnings).collect::<Vec<_>>().join("\n"),
                );
            }
        };
        if let (true, Some(path)) = (self.check, &self.config) {
            if let Some(Err(error)) = config.tls.as_ref().map(tls::load) {
                return refuse(error);
            }
            shown(&warnings).iter().for_each(say);
            say(format_args!("{}: no mistakes", path.display()));
            return ExitCode::SUCCESS;
        }
        if !self.listen.is_empty() {
            config.listen.clone_from(&self.listen);
        }
        // Ports below 1024 are root's to open, and all that is opened later is the user's.
        let server = match Server::bind(config.clone()) {
            Ok(server) => server,
            Err(error) => return refuse(error),
        };
        let became = match process::become_user(config.run_as.as_ref()) {
            Ok(became) => became,
            Err(error) => return refuse(error),
        };
        let events = match EventLog::start(&config.logs) {
            Ok(events) => events,
            Err(error) => return refuse(error),
        };
        warnings.iter().for_each(|warning| warn!("{warning}"));
        notes.iter().for_each(|note| debug!("{note}"));
        tell(became, &config);
        let _pid_file = config.pid_file.as_deref().and_then(pid_file);
        if self.config.is_none() {
            introduce(&config, server.addresses());
        }
        serve(server, &Reread { path: self.config, listen: self.listen, events })
    }
}

/// Says who the process is, where somebody could act on it.
fn tell(became: Became, config: &Config) {
    match became {
        Became::Another | Became::Same if config.run_as.is_none() => {}
        Became::Another => info!("runs as another user from here on"),
        Became::Same => debug!("run_as is not needed: the server was not started by root"),
        Became::Root => {
            warn!("the server runs as root; name a user with run_as_user, or start it as one");
        }
    }
}

/// Writes the number of the process to `path`. A server without it can do its work.
fn pid_file(path: &Path) -> Option<PidFile> {
    let written = PidFile::write(path);
    written.inspect_err(|error| warn!(path = %path.display(), %error, "no pid file")).ok()
}

/// What is read again when the process gets SIGHUP.
struct Reread {
    /// The configuration file, if there is one.
    path: Option<PathBuf>,
    /// Where the command line says to listen instead.
    listen: Vec<ListenSocket>,
    /// The log of events, which is opened anew then.
    events: EventLog,
}

impl Reread {
    /// Reads the file again and puts it into force; one with mistakes changes nothing.
    fn reload(&self, reloader: &Reloader) {
        let Some(path) = &self.path else {
            info!("there is no configuration file to read again");
            return;
        };
        let ConfigFile { config, warnings, notes } = config_file::read(path);
        let mut config = match config {
            Ok(config) => config,
            Err(mistakes) => {
                mistakes.lines().for_each(|mistake| error!("{mistake}"));
                error!("the configuration stays as it was");
                return;
            }
        };
        warnings.iter().for_each(|warning| warn!("{warning}"));
        notes.iter().for_each(|note| debug!("{note}"));
        if !self.listen.is_empty() {
            config.listen.clone_from(&self.listen);
        }
        let changes = reloader.replace(config);
        for name in &changes.at_next_start {
            warn!("{name} changed; takes effect at the next start");
        }
        info!(%changes, "configuration read again");
    }
}

/// Writes a configuration as TOML, and says where. The passwords are in that file alone.
fn import(file: &Path, output: Option<&Path>) -> ExitCode {
    match config_file::import(file, output) {
        Ok((output, warnings)) => {
            shown(&warnings).iter().for_each(say);
            say(format_args!("{}: written; only its owner may read it", output.display()));
            ExitCode::SUCCESS
        }
        Err(reasons) => refuse(reasons),
    }
}

/// Runs the server until the process is told to stop.
fn serve(server: Server, reread: &Reread) -> ExitCode {
    let built = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = match built {
        Ok(runtime) => runtime,
        Err(error) => return refuse(format_args!("no runtime: {error}")),
    };
    let outcome = runtime.block_on(async {
        let stop = stop_signal()?;
        let reloader = server.reloader();
        let reopen_logs = server.log_reopener();
        let hung_up = on_hangup(|| {
            reread.reload(&reloader);
            // Whatever came of it: somebody may have moved the logs away.
            reread.events.reopen(&reloader.config().logs);
            reopen_logs();
        })?;
        tokio::select! {
            outcome = server.run(stop) => outcome,
            never = hung_up => match never {},
        }
    });
    // What did not end in time is not waited for again.
    runtime.shutdown_background();
    match outcome {
        Ok(Outcome::Drained | Outcome::GraceOver) => ExitCode::SUCCESS,
        Err(error) => refuse(error),
    }
}

/// Resolves when the process gets SIGTERM or SIGINT.
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Does `what` each time the process gets SIGHUP. Reading a file holds up nobody: this runs on the
/// thread that otherwise only waits for the end.
fn on_hangup(what: impl Fn()) -> std::io::Result<impl Future<Output = Infallible>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        loop {
            match hangup.recv().await {
                Some(()) => what(),
                None => std::future::pending().await,
            }
        }
    })
}

/// Warnings as they stand beside mistakes.
fn shown(warnings: &[String]) -> Vec<String> {
    warnings.iter().map(|warning| format!("warning: {warning}")).collect()
}

/// Tells somebody who tries the server how to use it. The passwords are seen here and nowhere else.
fn introduce(config: &Config, addresses: &[SocketAddr]) {
    let address = addresses.first().map(ToString::to_string).unwrap_or_default();
    let password = |password: &Option<common::auth::Password>| {
        password.as_ref().map(|password| password.reveal().to_owned()).unwrap_or_default()
    };
    say(format_args!(
        "carrier-server is on http://{address}/ with passwords made for this run:\n  \
         source  source  {}\n  admin   {}   {}\nSend a stream to it, for example:\n  \
         ffmpeg -re -i music.mp3 -c copy -f mp3 -content_type audio/mpeg \
         icecast://source:{}@{address}/live.mp3",
        password(&config.mounts.usual.password),
        config.passwords.admin_user,
        password(&config.passwords.admin),
        password(&config.mounts.usual.password),
    ));
}

/// One clear line, or one per mistake, and the exit code for a start that cannot be.
fn refuse(message: impl Display) -> ExitCode {
    #[expect(clippy::print_stderr, reason = "the answer to who started the program")]
    {
        eprintln!("carrier-server: {message}");
    }
    ExitCode::from(EXIT_REFUSED)
}

fn say(message: impl Display) {
    #[expect(clippy::print_stdout, reason = "the answer to who started the program")]
    {
        println!("{message}");
    }
}

/// The exit code when the configuration or the machine does not let the server start.
const EXIT_REFUSED: u8 = 2;

//! The command line: what the user said, and the messages that answer it.

use crate::config::Config;
use crate::config_file::{self, ConfigFile};
use crate::server::{Outcome, Server};
use clap::Parser;
use common::logging;
use std::fmt::Display;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use tracing::{debug, warn};

/// Serves internet radio: takes sources (SOURCE, PUT) and gives their streams to players, as
/// Icecast does.
#[derive(Clone, Debug, Parser)]
#[command(name = "carrier-server", version)]
pub struct Cli {
    /// The configuration: TOML, or the icecast.xml of an Icecast server. Without one the server
    /// starts on 127.0.0.1:8000 with random passwords, which it prints.
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Listen here instead of where the configuration says; may be repeated. Port 0 takes any
    /// free one, which the log names.
    #[arg(short, long, value_name = "ADDRESS:PORT")]
    listen: Vec<SocketAddr>,
    /// Read the configuration, report every mistake in it and what would be done otherwise than
    /// it says, and exit: 0 if there is no mistake, else 2.
    #[arg(long, requires = "config")]
    check: bool,
}

impl Cli {
    /// Does what the user said.
    pub fn run(self) -> ExitCode {
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
            shown(&warnings).iter().for_each(say);
            say(format_args!("{}: no mistakes", path.display()));
            return ExitCode::SUCCESS;
        }
        if !self.listen.is_empty() {
            config.listen = self.listen;
        }
        let _logging = logging::start();
        warnings.iter().for_each(|warning| warn!("{warning}"));
        notes.iter().for_each(|note| debug!("{note}"));
        let server = match Server::bind(config.clone()) {
            Ok(server) => server,
            Err(error) => return refuse(error),
        };
        if self.config.is_none() {
            introduce(&config, server.addresses());
        }
        serve(server)
    }
}

/// Runs the server until the process is told to stop.
fn serve(server: Server) -> ExitCode {
    let built = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = match built {
        Ok(runtime) => runtime,
        Err(error) => return refuse(format_args!("no runtime: {error}")),
    };
    let outcome = runtime.block_on(async {
        let stop = stop_signal()?;
        server.run(stop).await
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

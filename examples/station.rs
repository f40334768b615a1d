//! A whole station from one command: our server and our source, playing files and folders.
//!
//! `cargo run --release --example station -- [PATH…] [--port 8000]`
//!
//! Without paths it plays the pieces in `examples/music`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it speaks to who started it")]
#![forbid(unsafe_code)]

use clap::Parser;
use common::auth::Password;
use common::logging;
use server::Server;
use source::config::{Address, Config, OrderConfig};
use source::station::{Happening, Station};
use std::error::Error;
use std::io::{IsTerminal as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// Plays music as internet radio on this machine.
#[derive(Debug, Parser)]
struct Arguments {
    /// Audio files, folders of them, or M3U playlists; without any, what comes with Carrier.
    paths: Vec<PathBuf>,
    /// The port to listen on, on 127.0.0.1.
    #[arg(long, default_value_t = 8_000)]
    port: u16,
    /// Play in random order.
    #[arg(long)]
    shuffle: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("station: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    if let Some(absent) = arguments.paths.iter().find(|path| !path.exists()) {
        return Err(format!("{}: there is no such file or folder", absent.display()).into());
    }
    let mut config = server::Config::trial()?;
    config.listen = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.port)).into()];
    let password = config.mounts.usual.password.clone().ok_or("the trial has a source password")?;
    let server = Server::bind(config)?;
    let address = server.addresses().first().copied().ok_or("the server has no address")?;

    let shown_live = std::io::stdout().is_terminal();
    let _logging = (!shown_live).then(logging::start);
    println!("Stream: http://{address}{MOUNT}\nStatus: http://{address}/\nStop:   Ctrl-C\n");

    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = server.run(async move {
        // A sender that is gone says the same as one that speaks.
        let _ = stopped.await;
    });
    let playing = async move {
        let mut station = Station::start(&programme(arguments, address, &password)?)?;
        let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
        loop {
            tokio::select! {
                _ = &mut interrupted => break,
                happening = station.happens() => if let Happening::Ended(why) = happening {
                    eprintln!("station: {why}");
                    break;
                },
            }
            if shown_live {
                print!("\r\x1b[2K{}", station.status().line(Instant::now(), LINE_COLUMNS));
                std::io::stdout().flush()?;
            }
        }
        station.stop().await;
        drop(stop);
        Ok::<(), Box<dyn Error>>(())
    };
    let (outcome, played) = tokio::join!(running, playing);
    outcome?;
    println!();
    played
}

/// What is played, and the way to our own server.
fn programme(
    arguments: Arguments,
    address: SocketAddr,
    password: &Password,
) -> Result<Config, Box<dyn Error>> {
    let comes_with = || vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("music")];
    let play = if arguments.paths.is_empty() { comes_with() } else { arguments.paths };
    let url = format!("http://source:{}@{address}{MOUNT}", password.reveal());
    let mut config = Config::simple(play, Address::parse(&url)?);
    if arguments.shuffle {
        config.playlists[0].order = OrderConfig::Shuffle { seed: None };
    }
    "My station".clone_into(&mut config.identity.name);
    config.outputs[0].identity = config.identity.clone();
    Ok(config)
}

const MOUNT: &str = "/station.mp3";
/// The live line is kept within a terminal of the usual width.
const LINE_COLUMNS: usize = 79;

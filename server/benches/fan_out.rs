//! What listeners cost: this server, the packaged Icecast, and a bare loop of writes, in one run.
//!
//! `cargo bench -p carrier-server --bench fan_out -- [SCENARIO …] [--runs 3] [--seconds 10]`
//!
//! Without a name all scenarios are run, which takes about twenty minutes; `README.md` beside
//! this file says what each of them is. Every listener checks every frame that it hears.
#![expect(clippy::print_stdout, reason = "a bench speaks to who started it")]
#![forbid(unsafe_code)]

mod load {
    pub(crate) mod edges;
    pub(crate) mod floor;
    pub(crate) mod frames;
    pub(crate) mod listeners;
    pub(crate) mod scenarios;
    pub(crate) mod servers;
    pub(crate) mod source;
}

use clap::Parser as _;
use load::{floor, scenarios, servers};
use std::io;

/// What is to be measured, and how often.
#[derive(Clone, Debug, clap::Parser)]
struct Options {
    /// `cost`, `crowd`, `storm`, `full`, `stalls`, `idle`, `delay`, `mixed`, `ogg`, `tls`,
    /// `edges`; all of them by default.
    scenarios: Vec<String>,
    /// Runs of each; the medians are shown.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Seconds over which processor time is taken.
    #[arg(long, default_value_t = 10)]
    seconds: u32,
    /// Said by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> io::Result<()> {
    rlimit::increase_nofile_limit(u64::MAX)?;
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("floor") {
        let mut number = || arguments.next().and_then(|number| number.parse::<u64>().ok());
        let (port, count) = (number().unwrap_or_default(), number().unwrap_or_default());
        let port = u16::try_from(port).map_err(io::Error::other)?;
        return floor::serve(port, usize::try_from(count).map_err(io::Error::other)?);
    }
    let options = Options::parse();
    servers::install_icecast()?;
    println!("| figure | measured | goal |\n|---|---|---|");
    for (name, scenario) in scenarios::ALL {
        if options.scenarios.is_empty() || options.scenarios.iter().any(|wanted| wanted == name) {
            // On loopback a sender pays for waking a receiver that has gone to sleep since the last
            // send, so that who is a microsecond slower pays much more. Listeners on one thread
            // are never done before the next send, and the servers are compared without that.
            let threads = if name == "cost" { 1 } else { 2 };
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(threads)
                .enable_all()
                .build()?;
            let runs = (0..options.runs)
                .map(|_| runtime.block_on(scenario(options.seconds)))
                .collect::<io::Result<Vec<_>>>()?;
            for figures in scenarios::medians(&runs) {
                println!("{figures}");
            }
        }
    }
    Ok(())
}

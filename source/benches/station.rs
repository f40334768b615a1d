//! What a whole station costs and how quick it is: carrier-source and Liquidsoap, in one run.
//!
//! `cargo bench -p carrier-source --bench station -- [SCENARIO …] [--seconds 60] [--minutes 60]`
//!
//! Both play Asteroid Radio's own script (Liquidsoap as it is, carrier-source as its `import`
//! translates it) or a station of one list, with generated files, into the packaged Icecast or into
//! a server that notes when each byte came. `README.md` beside this file says what each scenario
//! is, and keeps the figures. What is missing of `ffmpeg`, `icecast2` and `liquidsoap` is installed
//! first.
#![expect(clippy::print_stdout, reason = "a bench is run to see what it prints")]
#![expect(clippy::unwrap_used, reason = "a bench may stop at whatever it does not expect")]
#![forbid(unsafe_code)]

mod air {
    pub(crate) mod material;
    pub(crate) mod programs;
    pub(crate) mod scenarios;
    pub(crate) mod sink;
}

use air::scenarios::{self, Spans};
use clap::Parser as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// What is to be measured, and for how long.
#[derive(clap::Parser)]
struct Options {
    /// `cost`, `memory`, `skip`, `start`, `telnet`, `restart`; all of them by default.
    scenarios: Vec<String>,
    /// Seconds over which processor time is taken.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Minutes over which memory is watched.
    #[arg(long, default_value_t = 60)]
    minutes: u32,
    /// Said by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let options = Options::parse();
    let install = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/run");
    let peers = ["peers", "ffmpeg", "icecast2", "liquidsoap"];
    let installed = Command::new(install).args(peers).stdout(Stdio::null()).status().unwrap();
    assert!(installed.success(), "a program is missing");
    println!("| figure | measured | goal |\n|---|---|---|");
    let spans = Spans { seconds: options.seconds, minutes: options.minutes };
    for (name, scenario) in scenarios::ALL {
        if options.scenarios.is_empty() || options.scenarios.iter().any(|wanted| wanted == name) {
            for [what, measured, goal] in scenario(spans) {
                println!("| {what} | {measured} | {goal} |");
            }
        }
    }
}

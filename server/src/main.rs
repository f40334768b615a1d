//! The binary: the command line, and an exit code.
#![forbid(unsafe_code)]

use clap::Parser as _;
use server::cli::Cli;
use std::process::ExitCode;

fn main() -> ExitCode {
    Cli::parse().run()
}

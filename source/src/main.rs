//! The `carrier-source` program.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    source::station::command::run()
}

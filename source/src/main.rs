//! The `carrier-source` program.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    source::process::share_one_arena();
    source::station::command::run()
}

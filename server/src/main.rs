//! The binary: arguments, configuration, run, exit code.
#![forbid(unsafe_code)]
fn main() {}

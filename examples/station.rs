//! A whole station from one command.
#![forbid(unsafe_code)]
fn main() {}

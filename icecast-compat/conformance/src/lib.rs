//! The same script against the packaged Icecast and against `carrier-server`.
//!
//! A *case* sends a few bytes and keeps what comes back. Its [`transcript`] is that answer without
//! what changes from run to run. What Icecast answered is kept in `recordings/`, so that the suite
//! has something to hold us against where no Icecast is installed; where one is, the recording is
//! held against it too. Every difference of ours is a decision and stands in `differences.toml`
//! with its reason ([`differences`]); one that is no longer there fails the suite, so that the
//! list does not outlive its reasons.
#![forbid(unsafe_code)]

pub mod differences;
pub mod transcript;

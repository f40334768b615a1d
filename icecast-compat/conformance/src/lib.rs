//! The same cases against the packaged Icecast and against `carrier-server`.
//!
//! A *case* is a few steps: sources that come, listeners, requests, faults. Its [`transcript`] is
//! what came back without what changes from run to run. What Icecast answered is kept in
//! `recordings/`, so that the suite has something to hold us against where no Icecast is
//! installed; where one is, the recording is held against it too. Every difference of ours is a
//! decision and stands in `differences.toml` with its reason ([`differences`]); one that is no
//! longer there fails the suite, so that the list does not outlive its reasons.
#![forbid(unsafe_code)]

pub mod differences;
pub mod stream;
pub mod transcript;

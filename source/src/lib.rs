//! A playlist source client for Icecast-compatible servers: files in, internet radio out.
#![forbid(unsafe_code)]

pub mod clock;
pub mod config;
pub mod decode;
pub mod encode;
pub mod lookahead;
pub mod mix;
pub mod pcm;
pub mod playlist;
pub mod programme;
pub mod push;
pub mod resample;
pub mod tasks;

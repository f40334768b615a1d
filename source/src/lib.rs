//! A playlist source client for Icecast-compatible servers: files in, internet radio out.
#![forbid(unsafe_code)]

pub mod decode;
pub mod mix;
pub mod pcm;
pub mod playlist;
pub mod resample;

//! What both halves of Carrier need, and nothing else.
//!
//! The server and the source client meet only on the wire, so what they share is what travels on
//! it: heads and their limits ([`http`]), titles ([`icy`]), the audio formats and where a decoder
//! may begin in them ([`mpeg`], [`ogg`], [`ebml`], [`flac`], [`mod@format`], [`chunk`]); and what
//! an operator meets on both sides: [`config`], [`units`], [`auth`], [`logging`], [`metrics`], and
//! how long to wait before dialling again ([`backoff`]).
//!
//! Everything here is a function of bytes, events and a given time. This crate spawns nothing,
//! opens nothing and reads no clock; only the log, once started, has a thread that writes it.
#![forbid(unsafe_code)]

pub mod auth;
pub mod backoff;
pub mod chunk;
pub mod config;
pub mod ebml;
pub mod flac;
pub mod format;
pub mod http;
pub mod icy;
pub mod logging;
pub mod metrics;
pub mod mpeg;
pub mod ogg;
pub mod proxy_protocol;
pub mod units;

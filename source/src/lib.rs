//! A playlist source client for Icecast-compatible servers: files in, internet radio out.
//!
//! Bytes flow one way:
//!
//! ```text
//! playlist → decode → pcm → resample ─► lookahead ─► mix ─► programme → encode ─► push
//!                              (thread per channel)    (thread per channel)   (task per output)
//! ```
//!
//! [`playlist`] says what comes next; [`decode`], [`pcm`] and [`resample`] make it stereo at the
//! channel's rate, ahead of time, in the [`lookahead`]; [`mix`] lets one track go over into the
//! next; the [`programme`] sends each cut of it through the channel's [`sound`], and gives it out
//! when the [`clock`] says that it is due, for ever, whatever happens to files or servers;
//! [`encode`] makes frames of it, once for all outputs that want the same; [`push`] sends the
//! frames that a server is there for. [`station`]
//! builds all of it and is what a program embeds:
//!
//! ```no_run
//! # async fn embedded() -> Result<(), Box<dyn std::error::Error>> {
//! use source::config::file;
//! use source::station::Station;
//! use std::path::Path;
//!
//! let text = std::fs::read_to_string("station.toml")?;
//! let station = Station::start(&file::parse(Path::new("station.toml"), &text)?)?;
//! println!("{:?}", station.status().channels[0].on_air.title);
//! station.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! Nothing but the clock drives the programme, nothing but [`tasks`] spawns tasks and threads, and
//! every queue has a bound.
#![deny(unsafe_code)] // one call needs it: design/unsafe.md

pub mod alphabet;
pub mod cli;
pub mod clock;
pub mod config;
pub mod control;
pub mod ctl;
pub mod cues;
pub mod decode;
pub mod encode;
pub mod fetch;
pub mod import;
pub mod input;
pub mod lookahead;
pub mod measure;
pub mod mix;
pub mod passage;
pub mod pcm;
pub mod plan;
pub mod playlist;
pub mod process;
pub mod programme;
pub mod push;
pub mod resample;
pub mod sound;
pub mod state;
pub mod station;
pub mod status;
pub mod tasks;
#[cfg(test)]
mod test_audio;
#[cfg(test)]
mod test_web;
pub mod tls;
pub mod treatment;
pub mod whole;

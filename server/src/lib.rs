//! `carrier-server`: an Icecast-compatible streaming server.
//!
//! A *source* puts a stream on a *mount*; *listeners* hear it. One port speaks to everybody:
//!
//! ```text
//! accept → connection → route ─┬─ ingest ──► mount::stream ──► mount::fan
//!                              ├─ listener (joins mount::stream)
//!                              └─ admin, status  (ask owners, read counters)
//! ```
//!
//! Bytes flow one way. A mount's owner is one task and is asked by message; audio hangs on a chain
//! that every listener walks by itself, without a lock of ours. Mounts know nothing of each other:
//! they say when a source leaves or returns, and the `switchboard` moves listeners to the mount
//! that stands in, and back. What exists only because Icecast did it so is behind the `icecast`
//! module.
//!
//! To embed a server: [`Server::bind`] a [`Config`], then [`Server::run`] it. A [`Reloader`] gives
//! another configuration to one that runs.
#![forbid(unsafe_code)]

mod accept;
mod access;
mod admin;
mod answer;
mod auth;
pub mod cli;
mod client;
pub mod config;
pub mod config_file;
mod connection;
mod dial;
mod directory;
mod door;
mod edges;
mod files;
mod guest;
mod hooks;
mod icecast;
mod ingest;
mod kept_file;
mod listener;
mod logs;
mod mount;
mod parts;
mod process;
mod refusal;
mod relay;
mod route;
mod server;
mod shoutcast;
mod socket;
mod status;
mod switchboard;
mod tasks;
mod tls;
mod via;

pub use accept::ListenError;
pub use config::Config;
pub use config::reload::{Changes, Reloader};
pub use mount::name::{MountName, MountNameError};
pub use server::{Outcome, Server, StartError};
pub use tls::CertificateError;

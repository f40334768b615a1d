//! What end-to-end tests stand on: a station of ours, sources and players that do as they are
//! told, and other people's programs.
//!
//! - [`Station`]: our server, running in this process on a port that the system chose.
//! - [`FakeSource`]: a source whose every byte the test decides; what it sends is numbered.
//! - [`Player`]: a listener that takes the wrapping off a stream and keeps the titles.
//! - [`Wire`]: a bare connection, for what the two above would never do.
//! - [`FakeWeb`]: a web server that a server asks and tells things.
//! - [`Icecast`]: the packaged one, for what must be the same there.
//! - [`IcecastXml`]: one configuration for both.
//! - [`Random`]: numbers that are the same in every run with one seed.
//! - [`Program`] and [`Peer`]: a real encoder or player, found in `PATH` and watched.
//! - [`Browser`]: one that plays streams, and hears whether a tone is in them.
//! - [`tone`]: a tone, found again in what a player decoded.
//! - [`frames`] and [`pages`]: audio that says of itself which piece it is.
//!
//! Every wait is for an event and has a limit ([`within`]), nothing is found on a fixed port, and
//! whatever was started ends when its owner is dropped. The harness knows our server by the wire
//! alone, except for how to start it.
#![forbid(unsafe_code)]

mod answer;
mod browser;
mod fake_source;
mod fake_web;
pub mod frames;
mod icecast;
mod icecast_xml;
pub mod pages;
mod peer;
mod player;
mod random;
pub mod recording;
mod station;
pub mod tone;
mod wait;
mod wire;

pub use answer::Answer;
pub use browser::Browser;
pub use fake_source::FakeSource;
pub use fake_web::{Asked, FakeWeb};
pub use icecast::Icecast;
pub use icecast_xml::{IcecastXml, RELAY_PASSWORD};
pub use peer::{Output, Peer, Program};
pub use player::Player;
pub use random::Random;
pub use station::{ADMIN_PASSWORD, SOURCE_PASSWORD, Station, basic};
pub use wait::{WAIT_MAX, until, within, within_limit};
pub use wire::Wire;

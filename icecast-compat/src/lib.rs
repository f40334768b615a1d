//! What exists only because Icecast did it so.
//!
//! Programs around a station have learned the shapes of Icecast's documents: that the statistics
//! stand on one line, that a single source is an object and several are an array, which fields
//! there are and in what order. Stations have written files in the shape of its configuration. This
//! crate holds these shapes and nothing else: it turns given values into documents, and the text of
//! a configuration into values, and knows no task, no socket and no clock. It speaks for Icecast
//! 2.4.4, whose answers were recorded on the wire.
//!
//! The server imports it in one place, its `icecast` module.
#![forbid(unsafe_code)]

pub mod admin_xml;
pub mod auth_url;
pub mod config_xml;
pub mod fields;
pub mod playlists;
pub mod stats_xml;
pub mod status_json;
pub mod xml;
pub mod yp;

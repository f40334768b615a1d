//! Blocks of samples become frames for the wire.
//!
//! One encoder serves a whole run: tracks end and begin inside it, so no join costs a gap.

pub mod mp3;

use bytes::Bytes;
use std::sync::Arc;

/// One frame on its way to the outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its place in the programme, from 0; it plays from `number * 1152` sample frames on.
    pub number: u64,
    /// The whole encoded frame.
    pub bytes: Bytes,
    /// The title of what sounds in it; empty if it has none.
    pub title: Arc<str>,
}

//! Blocks of samples become frames for the wire.
//!
//! One encoder serves a whole run: tracks end and begin inside it, so no join costs a gap.

pub mod mp3;

//! The programme's audio: tracks joined and crossfaded, without clicks and within scale.

pub mod crossfade;
mod deck;
pub mod guard;
pub mod join;
pub mod pace;
mod ramp;
pub mod signal;
pub mod smart;
pub mod stand_in;
pub mod timeline;
pub mod tone;
mod untouched;

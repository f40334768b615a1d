//! The programme's audio: tracks joined one after the other, without clicks and within scale.

pub mod guard;
pub mod join;
pub mod timeline;
pub mod tone;

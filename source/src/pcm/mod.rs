//! Audio as samples: what lies between a decoder and an encoder.
//!
//! A *sample* is one number of one channel; a *sample frame* is one sample of every channel. This
//! part knows neither files nor formats.

pub mod block;
pub mod convert;
pub mod level;

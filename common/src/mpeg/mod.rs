//! MPEG audio and ADTS: streams of self-contained frames, each with a header that tells its
//! length.

pub mod frame;

//! icecast-compat: laid out, to be filled.
#![forbid(unsafe_code)]

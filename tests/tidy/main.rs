//! The style as tests.
#![forbid(unsafe_code)]

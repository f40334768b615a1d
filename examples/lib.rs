//! Nothing here: the examples stand beside this file, one per file.
#![forbid(unsafe_code)]

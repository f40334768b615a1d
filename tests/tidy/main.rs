//! The style of Carrier as tests: what a reviewer would otherwise have to look for every time.
//!
//! Each rule is a function of the files of the repository that returns its offences, and one test
//! that runs it over the real files. Beside each rule a second test feeds it a small bad file, so
//! that a rule which has stopped seeing is noticed. The rules read text; they compile nothing and
//! know no type, so what rustc and clippy can say is left to them.
#![forbid(unsafe_code)]

mod examples;
mod files;
mod layers;
mod manifest;
mod masked;
mod paths;
mod purity;
mod text;
mod words;

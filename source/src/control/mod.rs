//! Control: what people and programs ask of a running station, and tell it to do.
//!
//! A line of text or a request becomes an [`ask::Ask`] by the names of the station's parts; the
//! [`console`] carries it out, and answers from what the parts have published. Nothing here waits
//! for the disk, for a server or for the audio: whoever asks is answered at once, however badly
//! the rest fares.

pub mod answer;
pub mod ask;
pub mod console;
pub mod http;
pub mod news;
pub mod state;
pub mod telnet;

//! Where a programme goes: its blocks to the encoders, and their frames to the outputs.
//!
//! Each output has a queue of its own. A frame that a queue has no room for is lost to that output
//! and to no other, and nothing waits for it.

use crate::encode::rack::Rack;
use crate::encode::{EncodeError, Format, Frame};
use crate::programme::Cut;
use std::sync::Arc;
use tokio::sync::mpsc;

/// The encoders and the queues of the outputs.
pub struct Fan {
    rack: Rack,
    outlets: Vec<(usize, Outlet)>,
    /// Frames that are ready to go out, with the lines that made them.
    ready: Vec<(usize, Frame)>,
}

/// An output as the programme sees it.
#[derive(Debug)]
pub struct Outlet {
    /// What the output is called.
    pub id: Arc<str>,
    /// What it wants.
    pub format: Format,
    /// Where it takes its frames from.
    pub queue: mpsc::Sender<Frame>,
}

impl Fan {
    /// A fan to `outlets`.
    ///
    /// Fails if an encoder does not take its settings.
    pub fn new(outlets: Vec<Outlet>) -> Result<Self, EncodeError> {
        let formats: Vec<Format> = outlets.iter().map(|outlet| outlet.format).collect();
        let rack = Rack::new(&formats)?;
        let line = |outlet: &Outlet| rack.line_of(outlet.format).unwrap_or_default();
        let outlets = outlets.into_iter().map(|outlet| (line(&outlet), outlet)).collect();
        Ok(Self { rack, outlets, ready: Vec::new() })
    }

    /// Encodes `cut`; the frames that come of it wait for [`Fan::send`].
    ///
    /// Fails if an encoder does.
    pub fn encode(&mut self, cut: &Cut) -> Result<(), EncodeError> {
        for (position, title) in &cut.titles {
            self.rack.title(*position, title);
        }
        self.rack.feed(&cut.block, |line, frame| self.ready.push((line, frame)))
    }

    /// Gives out the frames that are ready; says how many found no room.
    pub fn send(&mut self) -> u64 {
        let mut dropped = 0;
        for (line, frame) in self.ready.drain(..) {
            for (_, outlet) in self.outlets.iter().filter(|(of, _)| *of == line) {
                dropped += u64::from(outlet.queue.try_send(frame.clone()).is_err());
            }
        }
        dropped
    }
}

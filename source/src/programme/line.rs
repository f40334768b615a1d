//! A line: where the audio of one track comes from, and the titles of one that is live.

use crate::lookahead::Track;
use crate::pcm::block::Block;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

/// Where the audio of a track comes from.
pub(super) struct Line {
    pub(super) pieces: Receiver<Block>,
    titles: Option<Receiver<(u64, Arc<Track>)>>,
    /// A title that has come before its turn.
    title: Option<(u64, Arc<Track>)>,
    /// Sample frames that have come.
    come: u64,
}

impl Line {
    pub(super) fn new(
        pieces: Receiver<Block>,
        titles: Option<Receiver<(u64, Arc<Track>)>>,
    ) -> Self {
        Self { pieces, titles, title: None, come: 0 }
    }

    /// Whether it is live.
    pub(super) fn is_live(&self) -> bool {
        self.titles.is_some()
    }

    /// What the track becomes before `block`, which is the next of it.
    pub(super) fn titles_before(&mut self, block: &Block) -> Vec<Arc<Track>> {
        let mut before = Vec::new();
        if let Some(titles) = &self.titles {
            while let Some((at, track)) = self.title.take().or_else(|| titles.try_recv().ok()) {
                if at > self.come {
                    self.title = Some((at, track));
                    break;
                }
                before.push(track);
            }
        }
        self.come += block.sample_frames() as u64;
        before
    }
}

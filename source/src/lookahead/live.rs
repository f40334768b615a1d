//! A live reel: what comes from a live source, brought into the station's form as it comes.

use crate::input::feed::Taking;
use crate::input::reservoir::Heard;
use crate::input::title::LiveTitle;
use crate::lookahead::Track;
use crate::lookahead::studio::Studio;
use crate::pcm::block::Block;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use tracing::warn;

/// What is needed to play what is live.
pub(super) struct LiveReel<R> {
    pub(super) taking: Taking,
    pub(super) rate_hz: u32,
    /// Where the audio goes. When nobody takes from it any more, the reel ends.
    pub(super) piece_queue: SyncSender<Block>,
    /// Where titles go, with the sample frame from which on they are true.
    pub(super) title_queue: SyncSender<(u64, Arc<Track>)>,
    /// The track that it becomes with another title.
    pub(super) retitled: R,
}

impl<R: Fn(&LiveTitle) -> Arc<Track>> LiveReel<R> {
    /// Plays it until the source leaves, or nobody takes it any more.
    pub(super) fn play(self) {
        let mut studio = Studio::new(self.rate_hz);
        let mut sent_sample_frames = 0;
        let mut send = |piece: Block| {
            sent_sample_frames += piece.sample_frames() as u64;
            self.piece_queue.send(piece).map(|()| sent_sample_frames)
        };
        let mut position = 0;
        while let Some(heard) = self.taking.next() {
            match heard {
                Heard::Audio(block) => {
                    if let Err(problem) = studio.take_in(block) {
                        warn!("a live source ends: {problem}");
                        break;
                    }
                }
                Heard::Title(title) => {
                    // What there is no room for comes too often to be read.
                    drop(self.title_queue.try_send((position, (self.retitled)(&title))));
                }
            }
            while let Some(piece) = studio.whole_piece() {
                let Ok(sent) = send(piece) else { return };
                position = sent;
            }
        }
        studio.end();
        while let Some(piece) = studio.whole_piece().or_else(|| studio.rest()) {
            if send(piece).is_err() {
                return;
            }
        }
    }
}

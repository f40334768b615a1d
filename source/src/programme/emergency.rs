//! The emergency: what is heard when there is nothing to play. It is always ready.
//!
//! A tone or silence is made on the spot. A file comes decoded from a lookahead of its own, which
//! plays it again and again, from where it was when the last emergency ended; where that gives
//! nothing, because the file is gone or damaged, the tone stands in, so there is sound whatever
//! happens.

use crate::lookahead::{Coming, Supply};
use crate::mix::stand_in::EverReady;
use crate::mix::tone::{Filler, Sound};
use crate::pcm::block::Block;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

/// A file that is heard when there is nothing to play.
pub struct Looped {
    supply: Supply,
    /// The round that plays, until all of it has come.
    pieces: Option<Receiver<Block>>,
    /// Audio that came and was not heard yet.
    waiting: Block,
    tone: Filler,
}

impl Looped {
    /// What `supply` brings, which is stereo at `rate_hz`, and a tone where nothing comes.
    pub fn new(supply: Supply, rate_hz: u32) -> Self {
        let waiting = Block::stereo(rate_hz, Vec::new(), Vec::new());
        Self { supply, pieces: None, waiting, tone: Filler::new(Sound::Tone, rate_hz) }
    }

    /// The next piece, if it is there.
    fn piece(&mut self) -> Option<Block> {
        for _ in 0..ENDS_MAX {
            if let Some(pieces) = &self.pieces {
                match pieces.try_recv() {
                    Ok(block) => return Some(block),
                    Err(TryRecvError::Empty) => return None,
                    Err(TryRecvError::Disconnected) => self.pieces = None,
                }
            }
            match self.supply.next(Duration::ZERO)? {
                Coming::Nothing => {}
                Coming::Track(prepared) => {
                    self.supply.began(prepared.track.number, None);
                    self.pieces = Some(prepared.pieces);
                }
            }
        }
        None
    }
}

impl EverReady for Looped {
    fn next(&mut self, sample_frames: usize) -> Block {
        while self.waiting.sample_frames() < sample_frames {
            let Some(block) = self.piece() else { break };
            self.waiting.append(&block);
        }
        let mut block = self.waiting.take_front(sample_frames);
        let missing = sample_frames - block.sample_frames();
        if missing > 0 {
            block.append(&self.tone.next(missing));
        }
        block
    }
}

/// So many rounds may end within one stretch; a file that is shorter sounds with gaps of tone.
const ENDS_MAX: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cues::Cues;
    use crate::decode::tags::Tags;
    use crate::lookahead::{Prepared, Track};
    use std::path::PathBuf;
    use std::sync::mpsc::sync_channel;

    #[test]
    fn a_file_is_heard_and_where_it_fails_the_tone() {
        let (coming, supply) = Supply::of_test();
        let mut looped = Looped::new(supply, 44_100);
        let (queue, pieces) = sync_channel(2);
        let track = Track {
            number: 1,
            rid: 1,
            key: 0,
            title: "loop".into(),
            artist: None,
            path: PathBuf::new(),
            playlist: "emergency".into(),
            tags: Tags::default(),
            length: None,
            cues: Cues::default(),
            level: crate::treatment::levelling::Level::default(),
        };
        coming.send(Coming::Track(Prepared::of_test(track, pieces))).unwrap();
        queue.send(Block::stereo(44_100, vec![0.5; 5], vec![0.5; 5])).unwrap();

        let first = looped.next(3);
        let second = looped.next(4);

        assert_eq!(first.plane(0), [0.5; 3]);
        assert_eq!(second.plane(0)[..2], [0.5; 2]);
        assert_eq!(second.plane(0)[2..], Filler::new(Sound::Tone, 44_100).next(2).plane(0)[..]);
    }
}

//! Brings whatever a file holds into the station's form.

use crate::pcm::block::Block;
use crate::pcm::convert::ToStereo;
use crate::resample::Resampler;

/// Brings the blocks of one track into the station's form.
pub(super) struct Studio {
    rate_hz: u32,
    to_stereo: Option<ToStereo>,
    /// The resampler in use, and the rate it is for; chained files change it.
    resampler: Option<(u32, Resampler)>,
    ready: Block,
}

impl Studio {
    pub(super) fn new(rate_hz: u32) -> Self {
        let ready = Block::stereo(rate_hz, Vec::new(), Vec::new());
        Self { rate_hz, to_stereo: None, resampler: None, ready }
    }

    pub(super) fn take_in(&mut self, block: Block) -> Result<(), String> {
        let mix = match self.to_stereo.take() {
            Some(mix) if mix.suits(block.layout()) => mix,
            _ => ToStereo::new(block.layout()),
        };
        let from_hz = block.rate_hz();
        let stereo = self.to_stereo.insert(mix).mix(block);
        if self.resampler.as_ref().is_none_or(|(of_hz, _)| *of_hz != from_hz) {
            self.end();
            let fresh = Resampler::new(from_hz, self.rate_hz).map_err(|error| error.to_string())?;
            self.resampler = Some((from_hz, fresh));
        }
        if let Some((_, resampler)) = &mut self.resampler {
            self.ready.append(&resampler.feed(stereo));
        }
        Ok(())
    }

    /// Nothing more comes at the present rate.
    pub(super) fn end(&mut self) {
        if let Some((_, resampler)) = self.resampler.take() {
            self.ready.append(&resampler.finish());
        }
    }

    pub(super) fn whole_piece(&mut self) -> Option<Block> {
        (self.ready.sample_frames() >= PIECE_SAMPLE_FRAMES)
            .then(|| self.ready.take_front(PIECE_SAMPLE_FRAMES))
    }

    pub(super) fn rest(&mut self) -> Option<Block> {
        (self.ready.sample_frames() > 0).then(|| self.ready.take_front(PIECE_SAMPLE_FRAMES))
    }
}

/// Sample frames of a piece of audio: a tenth of a second, so that a reel is woken ten times in
/// one.
pub const PIECE_SAMPLE_FRAMES: usize = 4_608;

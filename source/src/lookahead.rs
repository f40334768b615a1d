//! Plays the playlist ahead of the programme, so that the next track is ready before it is due.
//!
//! This runs in a thread of its own: it opens files, decodes them, brings them to stereo at the
//! station's rate, and puts pieces of one length into a queue of [`LOOKAHEAD_PIECES`], about
//! eight seconds. While a track plays its last seconds the next one is open and decoded; a file
//! that cannot be played has been reported and passed over long before its turn. When nothing at
//! all can be played it says so, and looks again after waits that grow to [`RETRY_LONGEST`].
//!
//! It does not know the time; how far it gets is up to who takes from the queue.

use crate::decode::Decoder;
use crate::pcm::block::Block;
use crate::pcm::convert::ToStereo;
use crate::playlist::{Item, Playlist};
use crate::resample::Resampler;
use common::backoff::Backoff;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;
use tracing::{debug, warn};

/// A track on its way to the programme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// The how-manieth it is since the station started, from 1.
    pub number: u64,
    /// What listeners are told.
    pub title: Arc<str>,
    /// The audio file.
    pub path: PathBuf,
    /// How long it plays, if the file says so.
    pub length: Option<Duration>,
}

/// What goes through the queue.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// Audio of the track that began last: stereo at the station's rate, [`PIECE_SAMPLE_FRAMES`]
    /// long or, at a track's end, shorter.
    Audio(Block),
    /// A track begins with the next audio.
    Begin(Arc<Track>),
    /// There is nothing to play until the next track begins.
    Idle,
}

/// The playlist, played into a queue.
pub struct Lookahead {
    playlist: Playlist,
    rate_hz: u32,
    pieces: SyncSender<Piece>,
    /// Tracks up to this number are not wanted any more.
    abandoned: Arc<AtomicU64>,
    tracks: u64,
}

/// Nobody takes from the queue any more.
struct Gone;

impl Lookahead {
    /// A lookahead over `playlist` that fills `pieces` with audio at `rate_hz`, and gives up any
    /// track whose number is not above `abandoned`.
    pub fn new(
        playlist: Playlist,
        rate_hz: u32,
        pieces: SyncSender<Piece>,
        abandoned: Arc<AtomicU64>,
    ) -> Self {
        Self { playlist, rate_hz, pieces, abandoned, tracks: 0 }
    }

    /// Plays round after round, until nobody takes from the queue or `stop` is dropped.
    pub fn run(mut self, stop: &Receiver<()>) {
        let mut barren_rounds = 0;
        loop {
            match self.round(barren_rounds > 0) {
                Err(Gone) => return,
                Ok(tracks) if tracks > 0 => {
                    barren_rounds = 0;
                    continue;
                }
                Ok(_) => {}
            }
            let wait = RETRY.wait(barren_rounds, 1.0);
            if barren_rounds == 0 {
                warn!("nothing to play; the mount is held, and the playlist is read again soon");
                if self.pieces.send(Piece::Idle).is_err() {
                    return;
                }
            }
            barren_rounds += 1;
            if stop.recv_timeout(wait) != Err(RecvTimeoutError::Timeout) {
                return;
            }
        }
    }

    /// Plays every item once; says how many of them could be heard. In a `retry` after a round
    /// without sound, what was reported then is not reported again.
    fn round(&mut self, retry: bool) -> Result<u64, Gone> {
        let before = self.tracks;
        self.playlist.begin_round();
        while let Some(item) = self.playlist.next_item() {
            let heard = self.tracks;
            let problem = self.play(&item)?;
            match problem {
                Some(reason) if retry => debug!(file = %item.path.display(), "skipped: {reason}"),
                Some(reason) if self.tracks == heard => {
                    warn!(file = %item.path.display(), "skipped: {reason}");
                }
                Some(reason) => warn!(file = %item.path.display(), "ends early: {reason}"),
                None if self.tracks == heard && !retry => {
                    warn!(file = %item.path.display(), "skipped: it holds no audio");
                }
                None => {}
            }
        }
        Ok(self.tracks - before)
    }

    /// Plays one item into the queue; says what was wrong with it, if anything was.
    fn play(&mut self, item: &Item) -> Result<Option<String>, Gone> {
        let mut decoder = match Decoder::open(&item.path) {
            Ok(decoder) => decoder,
            Err(error) => return Ok(Some(error.to_string())),
        };
        let about = decoder.about();
        if let Some(warning) = about.warning {
            warn!(file = %item.path.display(), "{warning}");
        }
        let track = Arc::new(Track {
            number: self.tracks + 1,
            title: about.tags.title_for(&item.path, item.listed_title.as_deref()),
            path: item.path.clone(),
            length: about.length,
        });
        let mut studio = Studio::new(self.rate_hz);
        let problem = loop {
            if self.abandoned.load(Ordering::Relaxed) >= track.number {
                return Ok(None);
            }
            match decoder.next_block() {
                Ok(Some(block)) => {
                    if let Err(problem) = studio.take_in(block) {
                        break Some(problem);
                    }
                }
                Ok(None) => break None,
                Err(error) => break Some(error.to_string()),
            }
            while let Some(piece) = studio.whole_piece() {
                self.send(&track, piece)?;
            }
        };
        studio.end();
        while let Some(piece) = studio.whole_piece().or_else(|| studio.rest()) {
            self.send(&track, piece)?;
        }
        Ok(problem)
    }

    /// Sends a piece of `track`, after the word that it begins if this is its first.
    fn send(&mut self, track: &Arc<Track>, piece: Block) -> Result<(), Gone> {
        if self.tracks < track.number {
            self.tracks = track.number;
            self.pieces.send(Piece::Begin(Arc::clone(track))).map_err(|_| Gone)?;
        }
        self.pieces.send(Piece::Audio(piece)).map_err(|_| Gone)
    }
}

/// Brings the blocks of one track into the station's form.
struct Studio {
    rate_hz: u32,
    to_stereo: Option<ToStereo>,
    /// The resampler in use, and the rate it is for; chained files change it.
    resampler: Option<(u32, Resampler)>,
    ready: Block,
}

impl Studio {
    fn new(rate_hz: u32) -> Self {
        let ready = Block::stereo(rate_hz, Vec::new(), Vec::new());
        Self { rate_hz, to_stereo: None, resampler: None, ready }
    }

    fn take_in(&mut self, block: Block) -> Result<(), String> {
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
    fn end(&mut self) {
        if let Some((_, resampler)) = self.resampler.take() {
            self.ready.append(&resampler.finish());
        }
    }

    fn whole_piece(&mut self) -> Option<Block> {
        (self.ready.sample_frames() >= PIECE_SAMPLE_FRAMES)
            .then(|| self.ready.take_front(PIECE_SAMPLE_FRAMES))
    }

    fn rest(&mut self) -> Option<Block> {
        (self.ready.sample_frames() > 0).then(|| self.ready.take_front(PIECE_SAMPLE_FRAMES))
    }
}

/// Sample frames of a piece of audio.
pub const PIECE_SAMPLE_FRAMES: usize = 1_152;
/// Pieces that may wait in the queue: about eight seconds at 44.1 kHz, in 2.8 MB.
pub const LOOKAHEAD_PIECES: usize = 306;
/// The longest wait before a playlist without anything to play is read again.
pub const RETRY_LONGEST: Duration = Duration::from_secs(30);
const RETRY: Backoff =
    Backoff { first: Duration::from_secs(1), factor: 2.0, longest: RETRY_LONGEST };

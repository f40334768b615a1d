//! One endless run of frames of MP3 or AAC, which an encoder makes and files bring by turns.
//!
//! Frames follow each other without a hole, so what begins anywhere in the programme is heard up to
//! half a frame too early or too late. A decoder gives some *delay* first: what the encoder put in
//! front of the sound, which is not the same for every file. Each sound is as late as that of our
//! own encoder makes it, so a source whose delay is longer takes over sooner. Nothing adds up: each
//! turn counts from the programme.
//!
//! In AAC a frame can do without those before it, so a file begins one frame before its sound. In
//! MP3 its first is needed, since later ones may lie in its bytes; it borrows from none itself.
//!
//! A decoder adds the second half of each frame to the first of the next. Where they come from two
//! encoders the edge is soft for the length of a frame. It lies before the first sample of the
//! sound that begins.

use crate::encode::aac::{Aac, Profile};
use crate::encode::mp3::{self, Bits, Mp3};
use crate::encode::{Channels, Encoded, Encoding, Format};
use crate::passage::{Codec, Original};
use bytes::Bytes;
use std::collections::VecDeque;

/// A run of frames, of which some wait for their time.
pub(super) struct Splice {
    grid: Grid,
    /// Frames taken in, of whoever made them.
    taken: u64,
    /// Frames given out.
    given: u64,
    /// Of the present source, frames that are still to be left out.
    left_out: u64,
    /// What was taken in and not given out.
    waiting: VecDeque<Bytes>,
    is_passing: bool,
}

/// Where another source takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seam {
    /// The first frame of it, counted from the first of all.
    at: u64,
    /// Frames of it that lie before that one.
    left_out: u64,
}

/// How frames of a format lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Grid {
    /// Sample frames in each.
    frame: u32,
    /// Sample frames that decoders give before what went into our encoder.
    late: u64,
    /// Whether a frame can be left out without those after it being the worse for it.
    is_free: bool,
    /// How many frames a new encoder is behind at most; all wait that long, so that the stream goes
    /// on when it takes over from a file.
    held: u32,
}

/// Why no file ever passes in `format`, if that is so.
pub fn never_passes(format: &Format) -> Option<&'static str> {
    match format {
        Format::Aac(Aac { profile: Profile::He | Profile::HeV2, .. }) => {
            Some("HE-AAC is always encoded; files pass in AAC of the profile lc")
        }
        Format::Aac(Aac { rate_hz, .. }) if *rate_hz < AAC_RATE_MIN_HZ => {
            Some("AAC below 32000 Hz is always encoded: such files may be HE-AAC")
        }
        Format::Mp3(Mp3 { bits: Bits::Average(_) | Bits::Variable(_), .. }) => {
            Some("MP3 whose bit rate varies is always encoded; files pass with mode = \"cbr\"")
        }
        Format::Aac(_) | Format::Flac(_) | Format::Mp3(_) | Format::Opus(_) | Format::Vorbis(_) => {
            None
        }
    }
}

/// Whether frames of a file that is `original` may stand in a stream of `format`, which has its
/// rate and channels: whether its bit rate is that which servers and directories are told, and its
/// delay no longer than that of our encoder, but for half a frame.
pub(super) fn suits(format: &Format, original: &Original) -> bool {
    let encoding = Encoding { format: *format, passthrough: true };
    let Some(Splice { grid, .. }) = Splice::of(encoding) else { return false };
    let is_alike = match (format.bitrate_kbps(), original.codec) {
        (Some(wanted), Codec::Aac { kbps }) => {
            100 * kbps.abs_diff(wanted) <= AAC_BITRATE_PERCENT * wanted
        }
        // Frames are whole bytes.
        (Some(wanted), Codec::Mp3 { kbps }) => kbps.abs_diff(wanted) <= 1,
        (None, _) | (_, Codec::Flac { .. } | Codec::Opus | Codec::Vorbis) => false,
    };
    let (frame, delay) = (u64::from(grid.frame), u64::from(original.delay));
    is_alike && delay - grid.left_out(delay) * frame <= grid.late + frame / 2
}

/// How many frames LAME holds back until they are whole: what they borrow is in others.
fn held_by_lame(mp3: &Mp3) -> u32 {
    let frame = mp3.frame_sample_frames();
    let kbps = Format::Mp3(*mp3).bitrate_kbps().unwrap_or(mp3::BITRATES_KBPS[0]);
    let frame_bytes = frame / 8 * 1_000 * kbps / mp3.rate_hz;
    let (borrowed_bytes_max, side_bytes) = match (frame, mp3.channels()) {
        (1_152, Channels::Mono) => (511, 17),
        (1_152, Channels::Stereo) => (511, 32),
        (_, Channels::Mono) => (255, 9),
        (_, Channels::Stereo) => (255, 17),
    };
    let main_bytes = frame_bytes.saturating_sub(side_bytes + 4).max(1);
    u32::div_ceil(borrowed_bytes_max, main_bytes) + LAME_HELD_SAMPLE_FRAMES / frame
}

impl Grid {
    /// How many frames are left out at the beginning of what is delayed by so much. One frame
    /// before the sound is needed for the first of it, as its other half.
    fn left_out(&self, delay: u64) -> u64 {
        let before = (delay / u64::from(self.frame)).saturating_sub(1);
        if self.is_free { before } else { 0 }
    }
}

impl Splice {
    /// That of a line which makes `encoding`, if it is one in which files pass as frames.
    pub(super) fn of(encoding: Encoding) -> Option<Self> {
        let Encoding { format, passthrough } = encoding;
        if !passthrough || never_passes(&format).is_some() {
            return None;
        }
        let grid = match format {
            Format::Aac(_) => {
                Grid { frame: AAC_SAMPLE_FRAMES, late: FDK_DELAY, is_free: true, held: FDK_HELD }
            }
            Format::Mp3(mp3) => Grid {
                frame: mp3.frame_sample_frames(),
                late: LAME_DELAY,
                is_free: false,
                held: held_by_lame(&mp3),
            },
            Format::Flac(_) | Format::Opus(_) | Format::Vorbis(_) => return None,
        };
        let waiting = VecDeque::new();
        Some(Self { grid, taken: 0, given: 0, left_out: 0, waiting, is_passing: false })
    }

    /// Whether frames come from a file.
    pub(super) fn is_passing(&self) -> bool {
        self.is_passing
    }

    /// Sample frames in a frame.
    pub(super) fn frame_sample_frames(&self) -> u32 {
        self.grid.frame
    }

    /// Adds the next `frame` of the present source.
    pub(super) fn put(&mut self, frame: Bytes) {
        if self.left_out > 0 {
            self.left_out -= 1;
            return;
        }
        self.waiting.push_back(frame);
        self.taken += 1;
    }

    /// The next frame that is due when the programme has come to `place`, if there is one.
    pub(super) fn frame(&mut self, place: u64) -> Option<Encoded> {
        let over = self.given + 1 + u64::from(self.grid.held);
        if over * u64::from(self.grid.frame) > place {
            return None;
        }
        let bytes = self.waiting.pop_front()?;
        self.given += 1;
        Some(Encoded { bytes, sample_frames: self.grid.frame, head: Bytes::new() })
    }

    /// Where a file takes over that is `original`, or a new encoder if it is none, for what is
    /// heard from `place` in the programme on.
    pub(super) fn seam(&self, place: u64, original: Option<&Original>) -> Seam {
        let (frame, late) = (u64::from(self.grid.frame), self.grid.late);
        let delay = original.map_or(late, |original| original.delay.into());
        let left_out = self.grid.left_out(delay);
        let due = (place + late + left_out * frame).saturating_sub(delay);
        let at = (due + frame / 2) / frame;
        Seam { at: at.max(self.given), left_out }
    }

    /// Whether the present source has not yet brought all that lies before `seam`.
    pub(super) fn is_before(&self, seam: Seam) -> bool {
        self.taken < seam.at
    }

    /// Another source takes over at `seam`, or sooner if the one before it had no more frames.
    pub(super) fn turn(&mut self, seam: Seam, is_passing: bool) {
        let kept = usize::try_from(seam.at - self.given).unwrap_or(usize::MAX);
        self.waiting.truncate(kept);
        self.taken = self.given + self.waiting.len() as u64;
        self.left_out = seam.left_out;
        self.is_passing = is_passing;
    }
}

/// By so much at most the mean bit rate of a file of AAC differs from that of the output.
const AAC_BITRATE_PERCENT: u32 = 15;
const AAC_SAMPLE_FRAMES: u32 = 1_024;
/// A file of a lower rate may be HE-AAC, and sound at twice of it.
const AAC_RATE_MIN_HZ: u32 = 32_000;
/// What the FDK puts in front of AAC of low complexity: a frame that its look-ahead needs, and one
/// that has only its second half.
const FDK_DELAY: u64 = 2_048;
/// What LAME puts in front, and a decoder.
const LAME_DELAY: u64 = 576 + 529;
/// How many frames the FDK is behind: its first is left out.
const FDK_HELD: u32 = 1;
/// How far LAME is behind, beside the frames that it holds back until what they borrowed is there.
const LAME_HELD_SAMPLE_FRAMES: u32 = 4_608;
/// Packets of the file before that are wanted at a turn, at most: as many as the encoder's delay,
/// the look-ahead and what is rounded come to.
pub(super) const RUN_OUT_PACKETS: usize = 8;
/// Frames of silence that an encoder is given at a turn, at most, to bring out what it holds back.
pub(super) const DRAIN_FRAMES_MAX: u32 = 256;

#[cfg(test)]
mod tests;

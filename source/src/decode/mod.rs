//! `Decoder`: an opened file becomes blocks of samples and what its tags say.
//!
//! Decoding is symphonia's work; here its results become ours. Where the codec leaves the
//! encoder's padding in (AAC in MP4), it is cut off if the file says how much it is, so that
//! albums play without gaps. A damaged packet is left out; a file that is nothing but damage
//! ends. The libraries read bytes that strangers wrote, so a panic in them is caught and ends
//! the file, not the programme.
//!
//! Samples leave this part at the file's own rate and layout. It knows no other track, no clock
//! and no station.

mod codec;
#[cfg(feature = "aac")]
mod he_aac;
mod opus;
mod riff;
pub mod tags;

use crate::decode::codec::{Codec, codec_for, is_opus, may_be_he_aac};
use crate::decode::riff::InfoList;
use crate::decode::tags::{Gapless, Tags};
use crate::pcm::block::Block;
use std::fs::File;
use std::io::{Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;
use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known::CODEC_ID_AAC;
use symphonia::core::common::Limit;
use symphonia::core::errors::Error as Fault;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, SeekMode, SeekTo, Track, TrackType};
use symphonia::core::io::{
    MediaSource, MediaSourceStream, MediaSourceStreamOptions, ReadOnlySource,
};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;
use symphonia::core::units::{Time, TimeBase, Timestamp};

/// A file that is being decoded.
pub struct Decoder {
    reader: Box<dyn FormatReader>,
    codec: Box<dyn Codec>,
    /// What was read at the beginning to see what it decodes to, and is to be decoded first.
    first: Option<Packet>,
    track_id: u32,
    /// Sample frames per second, if the file's head says so.
    rate_hz: Option<u32>,
    /// Damaged packets since the last good one.
    damaged: u32,
    trim: Trim,
    /// What of the rest is wanted.
    excerpt: Excerpt,
    /// Whether what is decoded next lies somewhere in the file, and its packet says where.
    jumped: bool,
    about: About,
    /// Whether the tags are others than they were.
    has_fresh_tags: bool,
}

/// What is known of a file before it is played.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// What its tags say.
    pub tags: Tags,
    /// How long it plays, if it says so; damaged files lie.
    pub length: Option<Duration>,
    /// Something the operator should know of it: it plays, but not well.
    pub warning: Option<&'static str>,
}

/// Why a file cannot be played, or not any further.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Too many packets in a row could not be decoded.
    #[error("damaged: {packets} packets in a row cannot be decoded ({last})")]
    Damaged {
        /// How many they were.
        packets: u32,
        /// What was wrong with the last.
        last: String,
    },
    /// The file cannot be read.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// It holds nothing that can be decoded.
    #[error("no audio that can be decoded ({0})")]
    NoAudio(String),
    /// It is a folder, a pipe or a device.
    #[error("not a regular file")]
    NotAFile,
    /// The decoding library gave up in the middle of itself.
    #[error("the decoder crashed on it")]
    Panicked,
}

/// What of a track is to be heard, where the codec does not cut it itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Trim {
    /// Sample frames still to be left out.
    skip: u64,
    /// Sample frames still to be heard.
    keep: u64,
}

/// What of a recording is wanted, in sample frames from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Excerpt {
    from: u64,
    to: u64,
    /// Where in the recording the decoder is.
    at: u64,
}

/// A file of which more is known than that it can be read.
struct OpenedFile<F> {
    file: F,
    length: u64,
}

impl<F: Read> Read for OpenedFile<F> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.file.read(buffer)
    }
}

impl<F: Seek> Seek for OpenedFile<F> {
    fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
        self.file.seek(to)
    }
}

impl<F: Read + Seek + Send + Sync> MediaSource for OpenedFile<F> {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.length)
    }
}

impl Decoder {
    /// Opens the file at `path` and reads its head and tags.
    ///
    /// Fails if it is not a file that holds audio we can decode.
    pub fn open(path: &Path) -> Result<Self, DecodeError> {
        guarded(|| Self::opened(path))
    }

    /// Reads the head and tags of a file that was opened, and that `extension` says what it is.
    ///
    /// Fails if it holds no audio we can decode.
    pub fn of(
        file: impl Read + Seek + Send + Sync + 'static,
        length: u64,
        extension: Option<&str>,
    ) -> Result<Self, DecodeError> {
        guarded(|| Self::read(OpenedFile { file, length }, extension))
    }

    /// Reads the head of a stream that comes as it is made, and that `extension` says what it is.
    ///
    /// Fails if it holds no audio we can decode.
    pub fn live(
        stream: impl Read + Send + Sync + 'static,
        extension: Option<&str>,
    ) -> Result<Self, DecodeError> {
        guarded(|| {
            let stream = Box::new(ReadOnlySource::new(stream));
            let stream = MediaSourceStream::new(stream, MediaSourceStreamOptions::default());
            let mut decoder = Self::probed(stream, extension, InfoList::default())?;
            decoder.has_fresh_tags = true;
            // What a file says of its length is not true of what follows it.
            decoder.about.length = None;
            Ok(decoder)
        })
    }

    /// The tags, if there are others since this was last asked.
    pub fn fresh_tags(&mut self) -> Option<&Tags> {
        std::mem::take(&mut self.has_fresh_tags).then_some(&self.about.tags)
    }

    /// What is known of the file.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Plays only what lies between `from` and `to`, both counted from the beginning of the
    /// recording, to the sample. Must be said before anything is decoded. What lies far before
    /// `from` is not decoded where the format allows it.
    ///
    /// Fails if the file cannot be read, or does not say its sample rate.
    pub fn play_only(&mut self, from: Duration, to: Option<Duration>) -> Result<(), DecodeError> {
        let no_rate = || DecodeError::NoAudio("no sample rate to count cue points by".to_owned());
        let rate_hz = self.rate_hz.ok_or_else(no_rate)?;
        let to = to.map_or(u64::MAX, |to| sample_frames(to, rate_hz));
        self.excerpt = Excerpt { from: sample_frames(from, rate_hz), to, at: 0 };
        if from >= JUMP_FROM {
            guarded(|| self.jump(from.saturating_sub(JUMP_LEAD)))?;
        }
        Ok(())
    }

    /// The next stretch of the file's audio, of any length but none; `None` at its end.
    ///
    /// Fails if the file is too damaged to go on; the decoder must then be dropped.
    pub fn next_block(&mut self) -> Result<Option<Block>, DecodeError> {
        guarded(|| self.decoded())
    }

    fn opened(path: &Path) -> Result<Self, DecodeError> {
        if !std::fs::metadata(path)?.is_file() {
            return Err(DecodeError::NotAFile);
        }
        let extension = path.extension().and_then(|extension| extension.to_str());
        Self::read(File::open(path)?, extension)
    }

    fn read(
        mut file: impl MediaSource + 'static,
        extension: Option<&str>,
    ) -> Result<Self, DecodeError> {
        let listed = riff::info_list(&mut file)?;
        file.rewind()?;
        let stream = MediaSourceStream::new(Box::new(file), MediaSourceStreamOptions::default());
        Self::probed(stream, extension, listed)
    }

    fn probed(
        stream: MediaSourceStream<'static>,
        extension: Option<&str>,
        listed: InfoList,
    ) -> Result<Self, DecodeError> {
        let mut hint = Hint::new();
        if let Some(extension) = extension {
            hint.with_extension(extension);
        }
        let mut tag_limits = MetadataOptions::default();
        tag_limits.limit_visual_bytes = Limit::Maximum(0); // covers cost memory and are not played
        let mut reader = symphonia::default::get_probe()
            .probe(&hint, stream, FormatOptions::default(), tag_limits)
            .map_err(unknown_format)?;
        let mut tags = Tags::of(reader.metadata());
        tags.artist = tags.artist.or(listed.artist);
        tags.title = tags.title.or(listed.title);
        let track = playable(reader.as_ref())?;
        let (track_id, length) = (track.id, length_of(track));
        let parameters = audio_parameters(track);
        let is_low = parameters.is_some_and(may_be_he_aac);
        let warning = (is_low && !cfg!(feature = "aac")).then_some(HALVED);
        let codec = codec_for(parameters)?;
        let mut rate_hz = parameters.and_then(|parameters| parameters.sample_rate);
        let (is_opus, delay) = (parameters.is_some_and(is_opus), track.delay);
        let is_cut = track.delay.is_some() || track.padding.is_some();
        let is_aac_in_mp4 = parameters.is_some_and(|it| is_aac_in_mp4(reader.as_ref(), it));
        let mut first = None;
        if is_low && cfg!(feature = "aac") {
            let mut trial = codec_for(parameters)?;
            first = reader.next_packet().map_err(no_audio)?;
            if let Some(packet) = &first {
                drop(trial.decode(packet)); // damage is met again when it is played
            }
            rate_hz = trial.rate_hz().or(rate_hz);
        }
        let trim = match &tags.gapless {
            _ if is_opus => Trim::lead_in(delay),
            _ if is_cut => Trim::NOTHING,
            Some(gapless) => Trim::told(gapless),
            None if is_aac_in_mp4 => Trim::to_length(length, rate_hz),
            None => Trim::NOTHING,
        };
        let about = About { tags, length, warning };
        let excerpt = Excerpt::ALL;
        Ok(Self {
            reader,
            codec,
            first,
            track_id,
            rate_hz,
            damaged: 0,
            trim,
            excerpt,
            jumped: false,
            about,
            has_fresh_tags: false,
        })
    }

    /// Goes on at `to`, or a little before. A file that cannot is decoded from its beginning.
    fn jump(&mut self, to: Duration) -> Result<(), DecodeError> {
        let time = i128::try_from(to.as_nanos()).ok().and_then(Time::try_from_nanos_i128);
        let (Some(time), Some(_)) = (time, self.time_base()) else { return Ok(()) };
        let to = SeekTo::Time { time, track_id: Some(self.track_id) };
        match self.reader.seek(SeekMode::Accurate, to) {
            Ok(_) => {
                self.codec.reset();
                self.first = None;
                self.jumped = true;
                Ok(())
            }
            // Nothing was moved; or it is at its end, and there is nothing to be heard.
            Err(Fault::SeekError(_) | Fault::Unsupported(_)) => Ok(()),
            Err(fault) => Err(no_audio(fault)),
        }
    }

    /// After a jump: counts from where `pts` says that the decoder is.
    fn land(&mut self, pts: Timestamp) {
        self.jumped = false;
        let time = self.time_base().and_then(|base| base.calc_time(pts));
        let time = time.and_then(|time| u64::try_from(time.as_nanos()).ok());
        let (Some(ns), Some(rate_hz)) = (time, self.rate_hz) else { return };
        let decoded = sample_frames(Duration::from_nanos(ns), rate_hz);
        let at = decoded.saturating_sub(self.trim.skip);
        self.trim = Trim { skip: 0, keep: self.trim.keep.saturating_sub(at) };
        self.excerpt.at = at;
    }

    fn time_base(&self) -> Option<TimeBase> {
        let mut tracks = self.reader.tracks().iter();
        tracks.find(|track| track.id == self.track_id)?.time_base
    }

    fn decoded(&mut self) -> Result<Option<Block>, DecodeError> {
        while !self.excerpt.is_over() {
            let next = self.first.take().map(|first| Ok(Some(first)));
            let packet = match next.unwrap_or_else(|| self.reader.next_packet()) {
                Ok(Some(packet)) if packet.track_id == self.track_id => packet,
                Ok(Some(_)) => continue,
                Ok(None) => return Ok(None),
                Err(Fault::ResetRequired) => {
                    self.chain()?;
                    continue;
                }
                // The file is shorter than it says; what there was has been heard.
                Err(Fault::IoError(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                    return Ok(None);
                }
                Err(fault) => return Err(no_audio(fault)),
            };
            match self.codec.decode(&packet) {
                Ok(decoded) => {
                    self.damaged = 0;
                    let Some(mut block) = decoded else { continue };
                    if self.jumped {
                        self.land(packet.pts);
                    }
                    self.trim.apply(&mut block);
                    self.excerpt.apply(&mut block);
                    if block.sample_frames() > 0 {
                        return Ok(Some(block));
                    }
                }
                Err(fault) => self.note_damage(&fault)?,
            }
        }
        Ok(None)
    }

    /// Goes on with the next stream of a chained Ogg file.
    fn chain(&mut self) -> Result<(), DecodeError> {
        let track = playable(self.reader.as_ref())?;
        self.track_id = track.id;
        let parameters = audio_parameters(track);
        if parameters.is_some_and(is_opus) {
            self.trim = Trim::lead_in(track.delay);
        }
        self.codec = codec_for(parameters)?;
        let mut metadata = self.reader.metadata();
        metadata.skip_to_latest();
        self.about.tags = Tags::of(metadata);
        self.has_fresh_tags = true;
        Ok(())
    }

    fn note_damage(&mut self, fault: &Fault) -> Result<(), DecodeError> {
        self.damaged += 1;
        if self.damaged < DAMAGED_PACKETS_MAX {
            return Ok(());
        }
        Err(DecodeError::Damaged { packets: self.damaged, last: fault.to_string() })
    }
}

impl Trim {
    const NOTHING: Self = Self { skip: 0, keep: u64::MAX };

    /// Cuts what the decoder gives before the recording begins.
    fn lead_in(sample_frames: Option<u32>) -> Self {
        Self { skip: sample_frames.unwrap_or_default().into(), ..Self::NOTHING }
    }

    fn told(gapless: &Gapless) -> Self {
        Self { skip: gapless.delay_sample_frames, keep: gapless.sample_frames }
    }

    /// Cuts a track to the length that its container states.
    fn to_length(length: Option<Duration>, rate_hz: Option<u32>) -> Self {
        let (Some(length), Some(rate_hz)) = (length, rate_hz) else { return Self::NOTHING };
        Self { skip: 0, keep: sample_frames(length, rate_hz) }
    }

    fn apply(&mut self, block: &mut Block) {
        let skipped = self.skip.min(block.sample_frames() as u64);
        self.skip -= skipped;
        block.drop_front(usize::try_from(skipped).unwrap_or(usize::MAX));
        block.truncate(usize::try_from(self.keep).unwrap_or(usize::MAX));
        self.keep -= block.sample_frames() as u64;
    }
}

impl Excerpt {
    const ALL: Self = Self { from: 0, to: u64::MAX, at: 0 };

    fn apply(&mut self, block: &mut Block) {
        let length = block.sample_frames() as u64;
        let left = self.to.saturating_sub(self.at).min(length);
        block.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        let before = self.from.saturating_sub(self.at);
        block.drop_front(usize::try_from(before).unwrap_or(usize::MAX));
        self.at += length;
    }

    fn is_over(&self) -> bool {
        self.at >= self.to
    }
}

/// `time` in sample frames at `rate_hz`, to the nearest.
fn sample_frames(time: Duration, rate_hz: u32) -> u64 {
    let rounded = (time.as_nanos() * u128::from(rate_hz) + 500_000_000) / 1_000_000_000;
    u64::try_from(rounded).unwrap_or(u64::MAX)
}

/// Runs the library's code; a panic in it becomes an error.
fn guarded<T>(run: impl FnOnce() -> Result<T, DecodeError>) -> Result<T, DecodeError> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or(Err(DecodeError::Panicked))
}

fn playable(reader: &dyn FormatReader) -> Result<&Track, DecodeError> {
    let track = reader.default_track(TrackType::Audio);
    track.ok_or_else(|| DecodeError::NoAudio("no audio track".to_owned()))
}

fn audio_parameters(track: &Track) -> Option<&AudioCodecParameters> {
    track.codec_params.as_ref().and_then(|parameters| parameters.audio())
}

fn unknown_format(fault: Fault) -> DecodeError {
    if matches!(fault, Fault::Unsupported(_)) {
        return DecodeError::NoAudio("not a format that is known here".to_owned());
    }
    no_audio(fault)
}

fn no_audio(fault: Fault) -> DecodeError {
    match fault {
        Fault::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            DecodeError::NoAudio("it ends before any audio".to_owned())
        }
        Fault::IoError(error) => DecodeError::Io(error),
        Fault::DecodeError(_)
        | Fault::LimitError(_)
        | Fault::ResetRequired
        | Fault::SeekError(_)
        | Fault::Unsupported(_)
        | _ => DecodeError::NoAudio(fault.to_string()),
    }
}

fn length_of(track: &Track) -> Option<Duration> {
    let seconds = track.time_base?.calc_duration(track.duration?)?;
    u64::try_from(seconds.as_nanos()).ok().map(Duration::from_nanos)
}

/// Whether it is AAC in MP4, where the encoder's padding at the end is decoded as well, but the
/// container's length leaves it out.
fn is_aac_in_mp4(reader: &dyn FormatReader, parameters: &AudioCodecParameters) -> bool {
    parameters.codec == CODEC_ID_AAC && reader.format_info().short_name == "isomp4"
}

/// After so many damaged packets in a row the file is given up; 50 are about a second.
const DAMAGED_PACKETS_MAX: u32 = 50;
/// A cue point before this is reached by decoding up to it.
const JUMP_FROM: Duration = Duration::from_secs(10);
/// So much is decoded before a cue point that was jumped to: the first packets after a jump lack
/// what came before them.
const JUMP_LEAD: Duration = Duration::from_secs(1);
const HALVED: &str = "AAC at 24 kHz or less is most likely HE-AAC, which plays without its treble";

#[cfg(test)]
mod tests;

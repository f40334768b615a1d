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

mod bitrate;
mod codec;
mod edit_list;
#[cfg(feature = "aac")]
mod he_aac;
mod id3;
pub mod loss;
mod medium;
mod mpeg;
mod ogg;
mod opus;
mod original;
mod riff;
pub mod tags;
mod trim;

use crate::alphabet::TagCharset;
use crate::decode::bitrate::Frames;
use crate::decode::codec::{Codec, codec_for, is_opus, may_be_he_aac};
use crate::decode::edit_list::EditList;
use crate::decode::loss::{Incomplete, Loss};
use crate::decode::medium::{Medium, Patience};
use crate::decode::original::{Kept, Kind};
use crate::decode::riff::InfoList;
use crate::decode::tags::Tags;
use crate::decode::trim::{Excerpt, Trim, sample_frames};
use crate::passage;
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
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions, ReadOnlySource};
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
    loss: Loss,
    patience: Patience,
    has_ended: bool,
    trim: Trim,
    /// What of the rest is wanted.
    excerpt: Excerpt,
    /// Whether what is decoded next lies somewhere in the file, and its packet says where.
    jumped: bool,
    kept: Kept,
    /// Its tags in no known encoding.
    raw: [id3::Raw; 2],
    /// How long the frames of the file are, where that is easily seen.
    frames: Option<Frames>,
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
    #[error("{packets} packets in a row cannot be decoded ({last})")]
    Damaged {
        /// How many they were.
        packets: u32,
        /// What was wrong with the last.
        last: String,
    },
    /// All that could be decoded has been, and it was not all that there should be.
    #[error("{0}")]
    Incomplete(#[from] Incomplete),
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

/// What is known of a file before the library reads it.
#[derive(Default)]
struct Foreword {
    listed: InfoList,
    edits: Option<EditList>,
    frames: Option<Frames>,
    /// Of ID3v2, and of ID3v1.
    raw: [id3::Raw; 2],
    patience: Patience,
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
        guarded(|| Self::read(Medium::new(file, length), extension))
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
            let mut decoder = Self::probed(stream, extension, Foreword::default())?;
            decoder.has_fresh_tags = true;
            // What a file says of its length is not true of what follows it.
            decoder.about.length = None;
            decoder.loss = Loss::of_stream();
            Ok(decoder)
        })
    }

    /// The tags, if there are others since this was last asked.
    pub fn fresh_tags(&mut self) -> Option<&Tags> {
        std::mem::take(&mut self.has_fresh_tags).then_some(&self.about.tags)
    }

    /// Reads what its tags do not say the encoding of, or call Latin-1, as what is in `charset`;
    /// what is UTF-8 stays so.
    pub fn read_tags_as(&mut self, charset: TagCharset) {
        self.raw.iter_mut().for_each(|raw| raw.put_as(&mut self.about.tags, charset));
    }

    /// What is known of the file.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// What the file is encoded as, if its packets can be sent as they are. Asked before anything
    /// is decoded.
    pub fn original(&self) -> Option<passage::Original> {
        let mut tracks = self.reader.tracks().iter();
        let track = tracks.find(|track| track.id == self.track_id)?;
        let delay = match &self.trim {
            Trim { skip: 0, .. } => track.delay.unwrap_or_default(),
            Trim { skip, .. } => u32::try_from(*skip).unwrap_or(u32::MAX),
        };
        let container = self.reader.format_info().short_name;
        original::original(audio_parameters(track)?, container, self.frames, delay)
    }

    /// Keeps the packets of what is decoded from now on, if they can be sent as they are.
    pub fn keep_packets(&mut self) {
        self.kept = match self.original() {
            Some(original) => Kept::Packets { kind: Kind::of(&original), packets: Vec::new() },
            None => Kept::Nothing,
        };
    }

    /// The packets of all that was decoded since this was last asked; `None` if one was damaged, or
    /// what follows is a stream of its own.
    pub fn packets(&mut self) -> Option<Vec<passage::Packet>> {
        self.kept.take()
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
            self.patience.last(); // some formats are read up to where they go on
            guarded(|| self.jump(from.saturating_sub(JUMP_LEAD)))?;
            self.patience.renew();
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
        let metadata = std::fs::metadata(path)?;
        if !metadata.is_file() {
            return Err(DecodeError::NotAFile);
        }
        let extension = path.extension().and_then(|extension| extension.to_str());
        Self::read(Medium::new(File::open(path)?, metadata.len()), extension)
    }

    fn read(
        mut file: Medium<impl Read + Seek + Send + Sync + 'static>,
        extension: Option<&str>,
    ) -> Result<Self, DecodeError> {
        if mpeg::is_free_format(&mut file)? {
            return Err(DecodeError::NoAudio(FREE_FORMAT.to_owned()));
        }
        let length = file.length();
        let whole_bytes = ogg::whole_bytes(&mut file, length)?;
        file.shorten(whole_bytes);
        if riff::is_cut_aiff(&mut file, length)? {
            file.forbid_seeking(); // else the library looks behind the audio, and gives it up
        }
        let patience = file.patience();
        let foreword = Foreword {
            listed: riff::info_list(&mut file)?,
            edits: edit_list::edit_list(&mut file)?,
            frames: bitrate::frames(&mut file)?,
            raw: id3::raw(&mut file, length)?,
            patience: patience.clone(),
        };
        file.rewind()?;
        patience.renew();
        let stream = MediaSourceStream::new(Box::new(file), MediaSourceStreamOptions::default());
        Self::probed(stream, extension, foreword)
    }

    fn probed(
        stream: MediaSourceStream<'static>,
        extension: Option<&str>,
        foreword: Foreword,
    ) -> Result<Self, DecodeError> {
        let Foreword { listed, edits, frames, mut raw, patience } = foreword;
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
        raw.iter_mut().for_each(|raw| raw.mend(&mut tags));
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
        let is_certain = match reader.format_info().short_name {
            "aac" => false,                                 // estimated
            "mp1" | "mp2" | "mp3" => track.delay.is_some(), // else estimated
            _ => true,
        };
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
        let decoded = length.zip(rate_hz).map(|(length, rate_hz)| sample_frames(length, rate_hz));
        let trim = match (&tags.gapless, edits) {
            _ if is_opus => Trim::lead_in(delay),
            _ if is_cut => Trim::NOTHING,
            (Some(gapless), _) => Trim::told(gapless),
            (None, Some(edits)) => edits.trim(decoded, rate_hz),
            (None, None) if is_aac_in_mp4 => Trim::to_length(decoded),
            (None, None) => Trim::NOTHING,
        };
        let promised = trim.recording(decoded).filter(|_| is_certain);
        let about = About { tags, length, warning };
        let excerpt = Excerpt::ALL;
        Ok(Self {
            reader,
            codec,
            first,
            track_id,
            rate_hz,
            loss: Loss::new(promised),
            patience,
            has_ended: false,
            trim,
            excerpt,
            jumped: false,
            kept: Kept::Nothing,
            raw,
            frames,
            about,
            has_fresh_tags: false,
        })
    }

    /// Goes on at `to`, or a little before. A file that cannot is decoded from its beginning.
    fn jump(&mut self, to: Duration) -> Result<(), DecodeError> {
        let time = i128::try_from(to.as_nanos()).ok().and_then(Time::try_from_nanos_i128);
        let (Some(time), Some(_)) = (time, self.time_base()) else { return Ok(()) };
        if self.reader.format_info().short_name == "ogg" && self.reader.tracks().len() > 1 {
            return Ok(()); // the library would stay for ever at a packet of another track
        }
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
        while !self.has_ended && !self.excerpt.is_over() {
            let next = self.first.take().map(|first| Ok(Some(first)));
            let packet = match next.unwrap_or_else(|| self.reader.next_packet()) {
                Ok(Some(packet)) if packet.track_id == self.track_id => packet,
                Ok(Some(_)) => continue,
                Ok(None) => {
                    self.has_ended = true;
                    break;
                }
                Err(Fault::ResetRequired) => {
                    self.chain()?;
                    continue;
                }
                // The file is shorter than it says; what there was has been heard.
                Err(Fault::IoError(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                    self.loss.note_cut();
                    self.has_ended = true;
                    break;
                }
                Err(fault) => return Err(no_audio(fault)),
            };
            match self.codec.decode(&packet) {
                Ok(decoded) => {
                    self.loss.note_whole_packet();
                    self.patience.renew();
                    if self.jumped && decoded.is_some() {
                        self.land(packet.pts);
                    }
                    let wanted = decoded.and_then(|block| self.wanted(block));
                    let heard = wanted.as_ref().map_or(0, Block::sample_frames);
                    self.kept.keep(&packet, heard);
                    if wanted.is_some() {
                        return Ok(wanted);
                    }
                }
                Err(fault) => {
                    self.kept = Kept::Nothing;
                    self.loss.note_damaged_packet(&fault)?;
                }
            }
        }
        while !self.excerpt.is_over() {
            let Some(block) = self.codec.flush() else { break };
            if let Some(block) = self.wanted(block) {
                return Ok(Some(block));
            }
        }
        let is_over = self.excerpt.is_over();
        self.loss.sum_up(self.excerpt.at, is_over, self.rate_hz)?;
        Ok(None)
    }

    /// What of `block` is to be heard, if anything is.
    fn wanted(&mut self, mut block: Block) -> Option<Block> {
        self.trim.apply(&mut block);
        self.excerpt.apply(&mut block);
        (block.sample_frames() > 0).then_some(block)
    }

    /// Goes on with the next stream of a chained Ogg file.
    fn chain(&mut self) -> Result<(), DecodeError> {
        let track = playable(self.reader.as_ref())?;
        self.track_id = track.id;
        self.kept = Kept::Nothing;
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

/// A cue point before this is reached by decoding up to it.
const JUMP_FROM: Duration = Duration::from_secs(10);
/// So much is decoded before a cue point that was jumped to: the first packets after a jump lack
/// what came before them.
const JUMP_LEAD: Duration = Duration::from_secs(1);
const FREE_FORMAT: &str = "MP3 in free format; encode it anew at a bit rate of the standard";
const HALVED: &str = "AAC at 24 kHz or less is most likely HE-AAC, which plays without its treble";

#[cfg(test)]
mod tests;

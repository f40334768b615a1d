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

mod riff;
pub mod tags;

use crate::decode::tags::{Gapless, Tags};
use crate::pcm::block::{Block, Layout, Speaker};
use std::fs::File;
use std::io::Seek as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;
use symphonia::core::audio::{Channels, GenericAudioBufferRef, Position};
use symphonia::core::codecs::audio::well_known::CODEC_ID_AAC;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::common::Limit;
use symphonia::core::errors::Error as Fault;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;

/// A file that is being decoded.
pub struct Decoder {
    reader: Box<dyn FormatReader>,
    codec: Box<dyn AudioDecoder>,
    track_id: u32,
    /// Damaged packets since the last good one.
    damaged: u32,
    trim: Trim,
    about: About,
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

impl Decoder {
    /// Opens the file at `path` and reads its head and tags.
    ///
    /// Fails if it is not a file that holds audio we can decode.
    pub fn open(path: &Path) -> Result<Self, DecodeError> {
        guarded(|| Self::opened(path))
    }

    /// What is known of the file.
    pub fn about(&self) -> &About {
        &self.about
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
        let mut file = File::open(path)?;
        let listed = riff::info_list(&mut file)?;
        file.rewind()?;
        let stream = MediaSourceStream::new(Box::new(file), MediaSourceStreamOptions::default());
        let mut hint = Hint::new();
        if let Some(extension) = path.extension().and_then(|extension| extension.to_str()) {
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
        let warning = parameters.and_then(halved);
        let trim = match (&tags.gapless, parameters) {
            _ if track.delay.is_some() || track.padding.is_some() => Trim::NOTHING,
            (Some(gapless), _) => Trim::told(gapless),
            (None, Some(parameters)) if is_aac_in_mp4(reader.as_ref(), parameters) => {
                Trim::to_length(length, parameters.sample_rate)
            }
            (None, _) => Trim::NOTHING,
        };
        let codec = codec_for(parameters)?;
        let about = About { tags, length, warning };
        Ok(Self { reader, codec, track_id, damaged: 0, trim, about })
    }

    fn decoded(&mut self) -> Result<Option<Block>, DecodeError> {
        loop {
            let packet = match self.reader.next_packet() {
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
                Ok(samples) => {
                    self.damaged = 0;
                    let Some(mut block) = block_of(&samples) else { continue };
                    self.trim.apply(&mut block);
                    if block.sample_frames() > 0 {
                        return Ok(Some(block));
                    }
                }
                Err(fault) => self.note_damage(&fault)?,
            }
        }
    }

    /// Goes on with the next stream of a chained Ogg file.
    fn chain(&mut self) -> Result<(), DecodeError> {
        let track = playable(self.reader.as_ref())?;
        self.track_id = track.id;
        self.codec = codec_for(audio_parameters(track))?;
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

    fn told(gapless: &Gapless) -> Self {
        Self { skip: gapless.delay_sample_frames, keep: gapless.sample_frames }
    }

    /// Cuts a track to the length that its container states.
    fn to_length(length: Option<Duration>, rate_hz: Option<u32>) -> Self {
        let (Some(length), Some(rate_hz)) = (length, rate_hz) else { return Self::NOTHING };
        let sample_frames = (length.as_nanos() * u128::from(rate_hz) + 500_000_000) / 1_000_000_000;
        Self { skip: 0, keep: u64::try_from(sample_frames).unwrap_or(u64::MAX) }
    }

    fn apply(&mut self, block: &mut Block) {
        let skipped = self.skip.min(block.sample_frames() as u64);
        self.skip -= skipped;
        block.drop_front(usize::try_from(skipped).unwrap_or(usize::MAX));
        block.truncate(usize::try_from(self.keep).unwrap_or(usize::MAX));
        self.keep -= block.sample_frames() as u64;
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

fn codec_for(
    parameters: Option<&AudioCodecParameters>,
) -> Result<Box<dyn AudioDecoder>, DecodeError> {
    let unknown = || DecodeError::NoAudio("an unknown codec".to_owned());
    let parameters = parameters.ok_or_else(unknown)?;
    let made = symphonia::default::get_codecs()
        .make_audio_decoder(parameters, &AudioDecoderOptions::default());
    if parameters.codec == CODEC_ID_AAC && matches!(made, Err(Fault::Unsupported(_))) {
        return Err(DecodeError::NoAudio("HE-AAC, or AAC of more than two channels".to_owned()));
    }
    made.map_err(no_audio)
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

/// AAC of such a low rate is nearly always HE-AAC, whose upper half we cannot decode.
fn halved(parameters: &AudioCodecParameters) -> Option<&'static str> {
    let low = parameters.sample_rate.is_some_and(|rate_hz| rate_hz <= AAC_HALVED_RATE_MAX_HZ);
    (parameters.codec == CODEC_ID_AAC && low)
        .then_some("AAC at 24 kHz or less is most likely HE-AAC, which plays without its treble")
}

fn block_of(samples: &GenericAudioBufferRef<'_>) -> Option<Block> {
    let layout = layout_of(samples.spec().channels());
    let mut planes: Vec<Vec<f32>> = Vec::new();
    samples.copy_to_vecs_planar(&mut planes);
    Block::of(samples.spec().rate(), layout, planes).filter(|block| block.sample_frames() > 0)
}

fn layout_of(channels: &Channels) -> Layout {
    let speakers: Vec<Speaker> = if channels.count() == 1 {
        vec![Speaker::Centre] // whatever the file calls it
    } else if let Channels::Positioned(positions) = channels {
        positions.iter().map(speaker_at).collect()
    } else {
        (0..channels.count()).map(|at| *FRONT.get(at).unwrap_or(&Speaker::Other)).collect()
    };
    Layout::of(&speakers)
}

fn speaker_at(position: Position) -> Speaker {
    match position {
        Position::FRONT_LEFT => Speaker::Left,
        Position::FRONT_RIGHT => Speaker::Right,
        Position::FRONT_CENTER => Speaker::Centre,
        Position::LFE1 | Position::LFE2 => Speaker::LowFrequency,
        Position::REAR_LEFT | Position::SIDE_LEFT => Speaker::BackLeft,
        Position::REAR_RIGHT | Position::SIDE_RIGHT => Speaker::BackRight,
        Position::REAR_CENTER => Speaker::BackCentre,
        _ => Speaker::Other,
    }
}

/// After so many damaged packets in a row the file is given up; 50 are about a second.
const DAMAGED_PACKETS_MAX: u32 = 50;
const AAC_HALVED_RATE_MAX_HZ: u32 = 24_000;
/// What channels without a name are taken for.
const FRONT: [Speaker; 2] = [Speaker::Left, Speaker::Right];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wav_file_comes_out_as_it_went_in() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.wav");
        let samples: Vec<i16> = (0..3_000).map(|at| at * 7 - 9_000).collect();
        std::fs::write(&path, wav(&samples, 8_000)).unwrap();
        let mut decoder = Decoder::open(&path).unwrap();

        let mut heard = Vec::new();
        while let Some(block) = decoder.next_block().unwrap() {
            assert_eq!((block.rate_hz(), block.layout()), (8_000, &Layout::mono()));
            heard.extend_from_slice(block.plane(0));
        }

        let sent: Vec<f32> = samples.iter().map(|&sample| f32::from(sample) / 32_768.0).collect();
        assert_eq!(heard, sent);
        assert_eq!(decoder.about().length, Some(Duration::from_millis(375)));
    }

    #[test]
    fn what_is_not_audio_is_refused_with_a_reason() {
        let dir = tempfile::tempdir().unwrap();
        let text = dir.path().join("a.mp3");
        std::fs::write(&text, "just words, and not even many").unwrap();
        let empty = dir.path().join("b.mp3");
        std::fs::write(&empty, "").unwrap();

        let reason = |path: &Path| Decoder::open(path).err().unwrap().to_string();

        assert!(reason(&text).starts_with("no audio that can be decoded"), "{}", reason(&text));
        assert!(reason(&empty).starts_with("no audio that can be decoded"), "{}", reason(&empty));
        assert_eq!(reason(dir.path()), "not a regular file");
        assert!(reason(&dir.path().join("c.mp3")).contains("No such file"));
    }

    #[test]
    fn a_truncated_file_plays_as_far_as_it_goes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.wav");
        let whole = wav(&[1_000; 4_000], 8_000);
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        let mut decoder = Decoder::open(&path).unwrap();

        let mut heard = 0;
        while let Ok(Some(block)) = decoder.next_block() {
            heard += block.sample_frames();
        }

        assert!((1_500..=2_000).contains(&heard), "{heard}");
    }

    #[test]
    fn a_panic_is_an_error() {
        let panicking = || -> Result<(), DecodeError> { panic!("inside the library") };

        assert!(matches!(guarded(panicking), Err(DecodeError::Panicked)));
    }

    #[test]
    fn padding_that_the_file_tells_of_is_cut_off() {
        let mut trim = Trim { skip: 3, keep: 4 };
        let mut blocks = [vec![1.0, 2.0], vec![3.0, 4.0, 5.0], vec![6.0, 7.0, 8.0]]
            .map(|plane| Block::of(8_000, Layout::mono(), vec![plane]).unwrap());

        let heard: Vec<f32> = blocks
            .iter_mut()
            .flat_map(|block| {
                trim.apply(block);
                block.plane(0).to_vec()
            })
            .collect();

        assert_eq!(heard, [4.0, 5.0, 6.0, 7.0]);
    }

    fn wav(samples: &[i16], rate_hz: u32) -> Vec<u8> {
        let data_bytes = u32::try_from(samples.len() * 2).unwrap();
        let mut file = Vec::new();
        file.extend_from_slice(b"RIFF");
        file.extend_from_slice(&(36 + data_bytes).to_le_bytes());
        file.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
        file.extend_from_slice(&rate_hz.to_le_bytes());
        file.extend_from_slice(&(rate_hz * 2).to_le_bytes());
        file.extend_from_slice(b"\x02\0\x10\0data");
        file.extend_from_slice(&data_bytes.to_le_bytes());
        file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
        file
    }
}

//! Tests of packets on their way past the encoders, decoded again.

use super::*;
use crate::decode::Decoder;
use crate::encode::Encoding;
use crate::encode::flac::{Depth, Flac};
use crate::encode::mp3::Mp3;
use crate::encode::opus::Opus;
use crate::encode::rack::Rack;
use crate::encode::vorbis::{Aim, Vorbis};
use crate::encode::{Channels, Frame};
use crate::passage::{Feeder, Passage, passage};
use crate::pcm::block::Block;
use crate::resample::Resampler;
use crate::test_audio::{self as audio, ogg};
use common::ogg::comment::Tags;
use common::ogg::stream::packets;

#[test]
fn what_passes_is_decoded_to_what_the_file_is_decoded_to() {
    for (format, programme_hz) in
        [(vorbis(), 44_100), (flac(), 44_100), (opus(), 48_000), (opus(), 44_100)]
    {
        let file = ogg(format, 100_003);
        let mut programme = Programme::new(format, programme_hz);

        programme.play("before", 10_001);
        programme.pass("file", &file, usize::MAX);
        programme.pass("again", &file, usize::MAX);
        programme.encode("after");
        programme.play("after", 20_001);
        programme.encode("end");
        programme.play("end", 2_000);

        let streams = programme.streams();
        let titles: Vec<_> = streams.iter().map(|it| it[0].title.to_string()).collect();
        assert_eq!(titles, ["before", "file", "again", "after"], "{format:?}");
        for stream in &streams {
            assert_eq!(Tags::read(&stream[0].head).title.as_deref(), Some(&*stream[0].title));
            assert!(stream.iter().all(|frame| frame.title == stream[0].title), "{format:?}");
        }
        let expected = decoded(&file);
        assert_eq!(expected.len(), 100_003);
        for passed in &streams[1..3] {
            let passed = bytes(passed);
            assert!(decoded(&passed) == expected, "{format:?} is not the same");
            let audio = |file| packets(file).into_iter().map(|(_, it)| it).skip(heads(format));
            assert!(audio(&passed).eq(audio(&file)), "{format:?}: these are not its packets");
        }
        let is_exact = programme_hz == format.rate_hz();
        for (at, programme) in [(0, 10_001_u64), (3, 20_001)] {
            let own = programme * u64::from(format.rate_hz()) / u64::from(programme_hz);
            let played = decoded(&bytes(&streams[at])).len() as u64;
            assert!(played.abs_diff(own) <= u64::from(!is_exact), "{played} instead of {own}");
        }
        expect_no_hole(&streams.concat(), is_exact);
    }
}

#[test]
fn a_file_that_is_left_ends_where_it_was_left() {
    for format in [vorbis(), opus(), flac()] {
        for heard in [1, 700, 30_001, 60_000] {
            let file = ogg(format, 100_003);
            let mut programme = Programme::new(format, format.rate_hz());
            programme.play("before", 5_000);

            programme.pass("file", &file, heard);
            programme.encode("after");
            programme.play("after", 20_001);
            programme.encode("end");
            programme.play("end", 2_000);

            let streams = programme.streams();
            let passed = streams.iter().find(|stream| &*stream[0].title == "file");
            let expected = decoded(&file);
            match (format, passed) {
                (Format::Flac(_), None) => assert!(heard < 2_048, "{heard}"),
                (Format::Flac(_), Some(passed)) => {
                    let passed = decoded(&bytes(passed));
                    assert!(passed.len().abs_diff(heard) <= 2_048, "{heard}");
                    assert!(passed == expected[..passed.len()], "{heard}");
                }
                (Format::Aac(_) | Format::Mp3(_) | Format::Opus(_) | Format::Vorbis(_), passed) => {
                    let passed = decoded(&bytes(passed.unwrap()));
                    assert!(passed == expected[..heard], "{format:?}, {heard}: {}", passed.len());
                }
            }
            let after = streams.last().unwrap();
            assert_eq!((&*after[0].title, after[0].position), ("after", 5_000 + heard as u64));
        }
    }
}

#[test]
fn what_is_missing_of_a_file_is_encoded() {
    for format in [vorbis(), opus(), flac()] {
        let file = ogg(format, 100_003);
        let mut programme = Programme::new(format, format.rate_hz());
        programme.play("before", 5_000);
        let (packets, samples) = opened(&file);
        let half = packets.len() / 2;
        let (mut feeder, passage) = passage_of(&file);
        feeder.put(packets[..half].to_vec()).unwrap();
        feeder.send().unwrap();

        programme.begin("file", Some(passage));
        for part in samples.chunks(1_152) {
            programme.feed(part);
        }
        programme.encode("end");
        programme.play("end", 2_000);

        let streams = programme.streams();
        let titles: Vec<_> = streams.iter().map(|it| it[0].title.to_string()).collect();
        assert_eq!(titles, ["before", "file", "file"], "{format:?}");
        let first = decoded(&bytes(&streams[1]));
        assert!(first.len() > 40_000 && first == samples[..first.len()], "{format:?}");
        let played = first.len() + decoded(&bytes(&streams[2])).len();
        assert!(played.abs_diff(100_003) <= if format == flac() { 2_048 } else { 0 }, "{played}");
        expect_no_hole(&streams.concat(), format != flac());
    }
}

#[test]
fn who_does_not_let_files_pass_hears_no_difference() {
    let file = ogg(vorbis(), 100_003);
    let plain = Format::Mp3(Mp3::constant(44_100, 128, 9));
    let heard = |encodings: &[Encoding]| {
        let mut programme = Programme::of(encodings, 44_100);
        programme.play("before", 5_000);
        programme.pass("file", &file, usize::MAX);
        programme.encode("after");
        programme.play("after", 9_000);
        programme.frames.into_iter().filter(|(line, _)| *line == 0).map(|(_, it)| it).collect()
    };
    let alone: Vec<Frame> = heard(&[plain.into()]);

    let beside: Vec<Frame> = heard(&[plain.into(), passing(vorbis()), passing(opus())]);

    assert!(alone.len() > 90 && alone == beside);
}

#[test]
fn only_files_pass_that_are_what_the_format_is() {
    let original = |file: &[u8]| passage_of(file).1.original().clone();
    let of_vorbis = original(&ogg(vorbis(), 5_000));
    let of_opus = original(&ogg(opus(), 5_000));
    let of_flac = original(&ogg(flac(), 5_000));
    let (rate_hz, channels) = (44_100, Channels::Stereo);
    let (low, titles) = (Aim::Bitrate(64), Titles::InStream);
    let other_vorbis = Format::Vorbis(Vorbis { rate_hz, channels, aim: low, titles });

    assert!(suits(&vorbis(), &of_vorbis) && suits(&other_vorbis, &of_vorbis));
    assert!(suits(&opus(), &of_opus) && suits(&flac(), &of_flac));
    for (format, original) in [(vorbis(), &of_vorbis), (opus(), &of_opus), (flac(), &of_flac)] {
        let strange = Original { setup: original.setup.slice(1..), ..original.clone() };
        assert!(!suits(&format, &strange), "a setup that another container writes in another way");
    }

    let format =
        |rate_hz, channels, titles| Format::Vorbis(Vorbis { rate_hz, channels, aim: low, titles });
    assert!(!suits(&format(48_000, Channels::Stereo, Titles::InStream), &of_vorbis));
    assert!(!suits(&format(44_100, Channels::Mono, Titles::InStream), &of_vorbis));
    assert!(!suits(&format(44_100, Channels::Stereo, Titles::Aside), &of_vorbis));
    assert!(!suits(&vorbis(), &of_opus) && !suits(&opus(), &of_flac));
    let flac = |depth, container| Format::Flac(Flac { rate_hz, channels, depth, container });
    assert!(!suits(&flac(Depth::Bits24, Container::Ogg(titles)), &of_flac));
    assert!(!suits(&flac(Depth::Bits16, Container::Native), &of_flac));
}

/// A programme of tones and files, and what comes of it in one or more encodings.
struct Programme {
    rack: Rack,
    rate_hz: u32,
    file_hz: u32,
    position: u64,
    frames: Vec<(usize, Frame)>,
}

impl Programme {
    fn new(format: Format, rate_hz: u32) -> Self {
        Self::of(&[passing(format)], rate_hz)
    }

    fn of(encodings: &[Encoding], rate_hz: u32) -> Self {
        let rack = Rack::new(encodings).unwrap();
        let file_hz = encodings[encodings.len().min(2) - 1].format.rate_hz();
        Self { rack, rate_hz, file_hz, position: 0, frames: Vec::new() }
    }

    /// From here on this is heard, and packets of a file if it is one.
    fn begin(&mut self, title: &str, passage: Option<Passage>) {
        self.rack.title(self.position, &title.into());
        self.rack.pass(self.position, passage);
    }

    fn encode(&mut self, title: &str) {
        self.begin(title, None);
    }

    fn feed(&mut self, samples: &[f32]) {
        let block = Block::stereo(self.rate_hz, samples.to_vec(), samples.to_vec());
        self.rack.feed(&block, |line, frame| self.frames.push((line, frame))).unwrap();
        self.position += samples.len() as u64;
    }

    fn play(&mut self, title: &str, sample_frames: usize) {
        if self.position == 0 {
            self.rack.title(0, &title.into());
        }
        for part in audio::tone(440.0, self.rate_hz, sample_frames).chunks(1_152) {
            self.feed(part);
        }
    }

    /// Plays `file`, or no more than so much of it.
    fn pass(&mut self, title: &str, file: &[u8], sample_frames: usize) {
        let (packets, samples) = opened(file);
        let (mut feeder, passage) = passage_of(file);
        feeder.put(packets).unwrap();
        feeder.send().unwrap();
        drop(feeder);
        let mut resampler = Resampler::new(self.file_hz, self.rate_hz).unwrap();
        let file = Block::stereo(self.file_hz, samples.clone(), samples);
        let mut own = resampler.feed(file);
        own.append(&resampler.finish());
        self.begin(title, Some(passage));
        for part in own.plane(0)[..sample_frames.min(own.sample_frames())].chunks(1_152) {
            self.feed(part);
        }
    }

    /// The frames by the streams they are in, but for the last, which has no end.
    fn streams(&self) -> Vec<Vec<Frame>> {
        let frames: Vec<_> = self.frames.iter().map(|(_, frame)| frame.clone()).collect();
        let mut streams: Vec<_> =
            frames.chunk_by(|one, next| one.head == next.head).map(<[Frame]>::to_vec).collect();
        if streams.last().is_some_and(|last| &*last[0].title == "end") {
            streams.pop();
        }
        streams
    }
}

/// Wants each frame to begin where the one before it ended, but for what is rounded.
fn expect_no_hole(frames: &[Frame], is_exact: bool) {
    for pair in frames.windows(2) {
        let ends = pair[0].position + u64::from(pair[0].sample_frames);
        if is_exact {
            assert_eq!(pair[1].position, ends);
        }
        assert!(pair[1].position > pair[0].position);
    }
}

fn bytes(frames: &[Frame]) -> Vec<u8> {
    let pages = frames.iter().flat_map(|frame| frame.bytes.to_vec());
    frames[0].head.iter().copied().chain(pages).collect()
}

fn decoder(file: &[u8]) -> Decoder {
    let length = file.len() as u64;
    Decoder::of(std::io::Cursor::new(file.to_vec()), length, Some("ogg")).unwrap()
}

fn passage_of(file: &[u8]) -> (Feeder, Passage) {
    passage(decoder(file).original().unwrap())
}

/// The packets of `file` and what they decode to.
fn opened(file: &[u8]) -> (Vec<Packet>, Vec<f32>) {
    let mut decoder = decoder(file);
    decoder.keep_packets();
    let (mut packets, mut samples) = (Vec::new(), Vec::new());
    while let Some(block) = decoder.next_block().unwrap() {
        packets.extend(decoder.packets().unwrap());
        samples.extend_from_slice(block.plane(0));
    }
    (packets, samples)
}

fn decoded(file: &[u8]) -> Vec<f32> {
    opened(file).1
}

/// How many packets are no audio.
fn heads(format: Format) -> usize {
    match format {
        Format::Vorbis(_) => 3,
        Format::Aac(_) | Format::Flac(_) | Format::Mp3(_) | Format::Opus(_) => 2,
    }
}

fn passing(format: Format) -> Encoding {
    Encoding { format, passthrough: true }
}

fn vorbis() -> Format {
    let (rate_hz, channels, titles) = (44_100, Channels::Stereo, Titles::InStream);
    Format::Vorbis(Vorbis { rate_hz, channels, aim: Aim::Quality(4), titles })
}

fn opus() -> Format {
    let (channels, titles) = (Channels::Stereo, Titles::InStream);
    Format::Opus(Opus { channels, bitrate_kbps: 96, titles })
}

fn flac() -> Format {
    let (rate_hz, channels, depth) = (44_100, Channels::Stereo, Depth::Bits16);
    let container = Container::Ogg(Titles::InStream);
    Format::Flac(Flac { rate_hz, channels, depth, container })
}

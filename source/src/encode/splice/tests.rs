//! Tests of frames that come from encoders and files by turns: which they are, and when what they
//! decode to is heard.

use super::*;
use crate::decode::Decoder;
use crate::encode::rack::Rack;
use crate::encode::{Channels, Frame};
use crate::passage::{Packet, passage};
use crate::pcm::block::Block;

#[test]
fn frames_of_files_pass_as_they_are_and_are_heard_in_their_place() {
    let slow = Format::Mp3(Mp3::constant(24_000, 96, 7));
    for format in formats().into_iter().chain([slow]) {
        let mut station = Station::new(format);
        station.encode(30_011);
        let mut files = Vec::new();
        let longest = LEAD_MAX.min(grid(format).frame as usize / 2);
        for (number, lead) in [0, 64, longest, 0].into_iter().enumerate() {
            let file = File::new(format, 40_003 + number * 1_777, lead);
            station.pass(&file, usize::MAX);
            files.push(file);
            if number == 1 {
                station.encode(50_021);
            }
        }
        station.encode(60_007);

        let heard = station.heard();
        for file in &files {
            assert!(heard.passed(file) > file.frames.len() - 5, "{format:?}");
        }
        heard.expect_in_place(format);
    }
}

#[test]
fn nothing_adds_up_over_many_tracks() {
    for format in formats() {
        let mut station = Station::new(format);
        for number in 0..24 {
            let file = File::new(format, 9_000 + number * 337, number % 3 * (LEAD_MAX / 2));
            station.pass(&file, usize::MAX);
        }
        station.encode(40_000);

        station.heard().expect_in_place(format);
    }
}

#[test]
fn a_file_whose_sound_begins_much_later_in_it_than_in_ours_passes_only_where_frames_are_free() {
    for format in formats() {
        let Grid { frame, late, is_free, .. } = grid(format);
        let passes = |delay| {
            let codec = codec(format);
            let setup = Bytes::new();
            suits(&format, &Original { codec, rate_hz: RATE_HZ, channels: 2, setup, delay })
        };
        let (half, late) = (frame / 2, u32::try_from(late).unwrap());

        assert!(passes(0) && passes(late) && passes(late + half));
        assert_eq!(passes(late + half + 1), is_free);
        assert_eq!(passes(late + 9 * half), is_free);
    }
}

#[test]
fn the_bit_rate_of_a_file_is_that_of_the_output() {
    for format in formats() {
        let own = format.bitrate_kbps().unwrap();
        let passes = |kbps| {
            let codec = codec_of(format, kbps);
            let setup = Bytes::new();
            suits(&format, &Original { codec, rate_hz: RATE_HZ, channels: 2, setup, delay: 0 })
        };
        let aside = if matches!(format, Format::Aac(_)) { own * 15 / 100 } else { 1 };

        assert!(passes(own - aside) && passes(own) && passes(own + aside));
        assert!(!passes(own - aside - 1) && !passes(own + aside + 1));
    }
}

#[test]
fn the_pace_is_steady_at_every_bit_rate() {
    for rate_hz in [11_025, 24_000, 48_000] {
        for &kbps in mp3::bitrates_kbps(rate_hz) {
            let format = Format::Mp3(Mp3::constant(rate_hz, kbps, 9));
            let mut station = Station::new(format);
            station.encode(30_011);
            station.pass(&File::new(format, 30_003, 0), usize::MAX);
            station.encode(30_011);
            assert!(station.frames.len() > 40, "{kbps}: {}", station.frames.len());
        }
    }
}

#[test]
fn a_file_that_is_left_ends_there_however_soon_that_is() {
    for format in formats() {
        for left in [1, 1_700, 30_001] {
            let mut station = Station::new(format);
            let file = File::new(format, 40_003, 0);
            station.encode(20_011);
            station.pass(&file, left);
            station.pass(&File::new(format, 40_003, 64), left);
            station.encode(40_000);

            let frames = left / grid(format).frame as usize;
            let heard = station.heard();
            let passed = file.frames[2..].iter().filter(|it| heard.frames.contains(it)).count();
            assert!(passed.abs_diff(frames) <= 2, "{format:?}, {left}: {passed}");
            heard.expect_in_place(format);
            assert!(heard.complaint.is_none(), "{format:?}, {left}: {:?}", heard.complaint);
        }
    }
}

/// What a file was made of, its frames, and what a decoder gives before that.
struct File {
    samples: Vec<f32>,
    frames: Vec<Bytes>,
    delay: u32,
}

impl File {
    /// A file of noise by our own encoder, with `lead` more sample frames in front than that puts
    /// there.
    fn new(format: Format, sample_frames: usize, lead: usize) -> Self {
        let samples = noise(sample_frames);
        let silence = |count| vec![0.0; count];
        let fed = [&silence(lead)[..], &samples, &silence(9_000)].concat();
        let mut encoder = format.encoder().unwrap();
        for part in fed.chunks(1_152) {
            encoder.feed(&Block::stereo(format.rate_hz(), part.to_vec(), part.to_vec())).unwrap();
        }
        let frames = std::iter::from_fn(|| encoder.frame()).map(|it| it.bytes);
        let Grid { frame, late, .. } = grid(format);
        let delay = u32::try_from(late).unwrap() + u32::try_from(lead).unwrap();
        let count = (delay as usize + sample_frames).div_ceil(frame as usize);
        let frames = frames.take(count).collect();
        Self { samples, frames, delay }
    }

    fn original(&self, format: Format) -> Original {
        let (codec, setup, rate_hz) = (codec(format), Bytes::new(), format.rate_hz());
        Original { codec, rate_hz, channels: 2, setup, delay: self.delay }
    }
}

/// A programme, and what comes of it.
struct Station {
    format: Format,
    grid: Grid,
    rack: Rack,
    /// All that was played.
    programme: Vec<f32>,
    /// Where something began.
    borders: Vec<usize>,
    frames: Vec<Frame>,
}

impl Station {
    fn new(format: Format) -> Self {
        let rack = Rack::new(&[Encoding { format, passthrough: true }]).unwrap();
        let (programme, borders, frames) = (Vec::new(), Vec::new(), Vec::new());
        Self { format, grid: grid(format), rack, programme, borders, frames }
    }

    fn play(&mut self, samples: &[f32]) {
        self.borders.push(self.programme.len());
        let format = self.format;
        for part in samples.chunks(1_152) {
            let block = Block::stereo(format.rate_hz(), part.to_vec(), part.to_vec());
            self.rack.feed(&block, |_, frame| self.frames.push(frame)).unwrap();
            self.programme.extend_from_slice(part);
            let over = self.programme.len() / self.grid.frame as usize;
            let due = over.saturating_sub(self.grid.held as usize);
            assert_eq!(self.frames.len(), due, "{format:?}: not at a steady pace");
        }
    }

    fn encode(&mut self, sample_frames: usize) {
        self.rack.pass(self.programme.len() as u64, None);
        self.play(&noise(sample_frames));
    }

    fn pass(&mut self, file: &File, heard: usize) {
        let (mut feeder, passage) = passage(file.original(self.format));
        let frame = u64::from(grid(self.format).frame);
        let length = file.samples.len() as u64;
        let packets = file.frames.iter().zip(0..).map(|(bytes, at)| {
            let within = |at: u64| at.saturating_sub(file.delay.into()).min(length);
            let heard = u32::try_from(within((at + 1) * frame) - within(at * frame)).unwrap();
            Packet { bytes: bytes.clone(), sample_frames: heard, heard }
        });
        feeder.put(packets.collect()).unwrap();
        feeder.send().unwrap();
        self.rack.pass(self.programme.len() as u64, Some(passage));
        self.play(&file.samples[..heard.min(file.samples.len())]);
    }

    fn heard(self) -> Heard {
        let mut at = 0;
        for frame in &self.frames {
            assert_eq!(frame.position, at, "there is a hole");
            at += u64::from(frame.sample_frames);
        }
        let frames: Vec<Bytes> = self.frames.into_iter().map(|frame| frame.bytes).collect();
        let (samples, complaint) = decoded(self.format, &frames.concat());
        Heard { programme: self.programme, borders: self.borders, frames, samples, complaint }
    }
}

/// What is heard of a programme.
struct Heard {
    programme: Vec<f32>,
    borders: Vec<usize>,
    frames: Vec<Bytes>,
    samples: Vec<f32>,
    complaint: Option<String>,
}

impl Heard {
    /// How many frames of `file` are in it, one after the other.
    fn passed(&self, file: &File) -> usize {
        let middle = file.frames.len() / 2;
        let is_middle = |frame: &Bytes| *frame == file.frames[middle];
        let Some(place) = self.frames.iter().position(is_middle) else { return 0 };
        let later = file.frames[middle..].iter().zip(&self.frames[place..]);
        let earlier = file.frames[..middle].iter().rev().zip(self.frames[..place].iter().rev());
        let is_same = |(one, other): &(&Bytes, &Bytes)| one == other;
        later.take_while(is_same).count() + earlier.take_while(is_same).count()
    }

    /// Wants what was played after each border to be heard after it by as much as the encoder is
    /// late, but for half a frame: from its first sample on, and to its last, but for a frame and
    /// a half and what the next delay is longer than our own.
    fn expect_in_place(&self, format: Format) {
        let Grid { frame, late, .. } = grid(format);
        let (frame, late) = (i64::from(frame), usize::try_from(late).unwrap());
        let ends = self.borders.iter().skip(1).copied().chain([self.samples.len() - 6_000]);
        for (begin, end) in self.borders.iter().copied().zip(ends) {
            if begin + 6_000 > end {
                continue;
            }
            let alike = |from: usize, shift: i64| {
                let wanted = &self.programme[from..from + WINDOW];
                let at = usize::try_from(i64::try_from(from + late).unwrap() + shift).unwrap();
                let there = self.samples.get(at..at + WINDOW).unwrap_or_default();
                let both: f32 = wanted.iter().zip(there).map(|(one, other)| one * other).sum();
                both / wanted.iter().map(|it| it * it).sum::<f32>()
            };
            let middle = begin + 3_000;
            let best = (-2 * frame..2 * frame)
                .max_by(|a, b| alike(middle, *a).total_cmp(&alike(middle, *b)))
                .unwrap();
            assert!(best.abs() <= frame / 2, "at {begin}: shifted by {best}");
            let last = end - usize::try_from(frame * 3 / 2).unwrap() - LEAD_MAX - WINDOW;
            for from in [begin, middle, last] {
                let alike = alike(from, best);
                assert!(alike > 0.8, "{format:?}: {from} of {begin} to {end}: {alike}");
            }
        }
    }
}

fn codec(format: Format) -> Codec {
    codec_of(format, format.bitrate_kbps().unwrap())
}

fn codec_of(format: Format, kbps: u32) -> Codec {
    if matches!(format, Format::Aac(_)) { Codec::Aac { kbps } } else { Codec::Mp3 { kbps } }
}

fn decoded(format: Format, stream: &[u8]) -> (Vec<f32>, Option<String>) {
    let extension = if matches!(format, Format::Aac(_)) { "aac" } else { "mp3" };
    let file = std::io::Cursor::new(stream.to_vec());
    let mut decoder = Decoder::of(file, stream.len() as u64, Some(extension)).unwrap();
    let mut samples = Vec::new();
    loop {
        match decoder.next_block() {
            Ok(Some(block)) => samples.extend_from_slice(block.plane(0)),
            Ok(None) => return (samples, None),
            Err(error) => return (samples, Some(error.to_string())),
        }
    }
}

/// Noise that is another one each time, without much treble, which encoders leave out.
fn noise(sample_frames: usize) -> Vec<f32> {
    use std::sync::atomic::{AtomicU32, Ordering};
    static STATE: AtomicU32 = AtomicU32::new(1);
    let mut state = STATE.fetch_add(0x9e37_79b9, Ordering::Relaxed);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from(u16::try_from(state >> 16).unwrap()) / 327_680.0 - 0.1
    };
    let mut last = 0.0;
    (0..sample_frames).map(|_| std::mem::replace(&mut last, next()) + last).collect()
}

fn grid(format: Format) -> Grid {
    Splice::of(Encoding { format, passthrough: true }).unwrap().grid
}

fn formats() -> Vec<Format> {
    let mut formats = vec![Format::Mp3(Mp3::constant(RATE_HZ, 192, 7))];
    if cfg!(feature = "aac") {
        let (channels, profile) = (Channels::Stereo, Profile::Lc);
        formats.push(Format::Aac(Aac { rate_hz: RATE_HZ, channels, bitrate_kbps: 160, profile }));
    }
    formats
}

const RATE_HZ: u32 = 44_100;
/// How much longer the delay of a file is than our own, at most.
const LEAD_MAX: usize = 500;
/// So many sample frames are compared.
const WINDOW: usize = 512;

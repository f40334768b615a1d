//! Vorbis in Ogg, by libvorbis with the tunings called aoTuV and Lancer.
//!
//! The library writes pages itself, of four or five packets, which is 90 to 120 ms at 44.1 kHz and
//! less where the sound is lively. A title is told by ending the stream, to the sample, and
//! beginning another; both are the library's business too.
//!
//! Its encoder may not go from one thread to another, and ours do, with the programme. So it stays
//! in a thread of its own, which has nothing to do but what it is asked, and is waited for.

use crate::encode::{Channels, EncodeError, Encoded, Encoder, Title, Titles, ogg};
use crate::pcm::block::Block;
use crate::tasks::thread;
use bytes::Bytes;
use common::ogg::page::Page;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::io::Write;
use std::num::{NonZeroU8, NonZeroU32};
use std::ops::RangeInclusive;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use vorbis_rs::{VorbisBitrateManagementStrategy as Strategy, VorbisEncoderBuilder, VorbisError};

/// How to encode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vorbis {
    /// Sample frames per second: one of [`RATES_HZ`].
    pub rate_hz: u32,
    /// How many channels.
    pub channels: Channels,
    /// How well, or how much.
    pub aim: Aim,
    /// How listeners learn the titles.
    pub titles: Titles,
}

/// What an encoder aims at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// This bit rate, within [`bitrates_kbps`]; what is needed varies about it.
    Bitrate(u32),
    /// This quality, from 0 to [`QUALITY_MAX`]: 3 is about 112 kbit/s of stereo at 44.1 kHz, and
    /// each step costs 16 kbit/s there.
    Quality(u8),
}

/// The encoder of a whole run.
pub(super) struct VorbisEncoder {
    titles: Titles,
    orders: SyncSender<Order>,
    answers: Receiver<Result<Vec<u8>, VorbisError>>,
    /// The name of the stream.
    serial: u32,
    /// The pages that begin it.
    head: Bytes,
    /// Sample frames fed since it began.
    fed: u64,
    /// Sample frames that the pages given out play.
    paged: u64,
    pages: VecDeque<Encoded>,
}

/// What the thread of the library is asked for. It answers with the pages that are ready by then.
enum Order {
    /// Begins a stream of this name and title, after the one before, which it leaves as it is.
    Begin(u32, Title),
    /// Ends the stream.
    End,
    /// Encodes these channels.
    Feed(Vec<Vec<f32>>),
}

/// The bit rates that Vorbis has at `rate_hz`, in kbit/s.
pub fn bitrates_kbps(rate_hz: u32, channels: Channels) -> RangeInclusive<u32> {
    let (mono, stereo) = match rate_hz {
        ..9_000 => (8..=42, 10..=84),
        9_000..15_000 => (14..=50, 16..=100),
        15_000..19_000 => (16..=100, 20..=200),
        19_000..26_000 => (22..=90, 28..=180),
        26_000..40_000 => (26..=190, 28..=380),
        _ => (28..=240, 32..=500),
    };
    match channels {
        Channels::Mono => mono,
        Channels::Stereo => stereo,
    }
}

impl fmt::Display for Aim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bitrate(kbps) => write!(f, "{kbps} kbit/s"),
            Self::Quality(quality) => write!(f, "quality {quality}"),
        }
    }
}

impl VorbisEncoder {
    /// An encoder with these settings.
    pub(super) fn new(settings: Vorbis) -> Result<Self, EncodeError> {
        let refused = |reason: String| EncodeError::Refused {
            encoder: ENCODER,
            settings: format!("{} at {} Hz", settings.aim, settings.rate_hz),
            reason,
        };
        if !RATES_HZ.contains(&settings.rate_hz) {
            return Err(refused("not a sample rate that is made".to_owned()));
        }
        let (orders, asked) = sync_channel::<Order>(1);
        let (answer, answers) = sync_channel(1);
        let work = move || {
            let mut studio = Studio { settings, pages: Pages::default(), encoder: None };
            while let Ok(order) = asked.recv() {
                if answer.send(studio.answer(order)).is_err() {
                    break;
                }
            }
        };
        drop(thread("vorbis", work).map_err(|error| refused(error.to_string()))?);
        let mut encoder = Self {
            titles: settings.titles,
            orders,
            answers,
            serial: ogg::first_serial(),
            head: Bytes::new(),
            fed: 0,
            paged: 0,
            pages: VecDeque::new(),
        };
        encoder.begin_stream(&Title::default()).map_err(|error| refused(error.to_string()))?;
        Ok(encoder)
    }

    fn begin_stream(&mut self, title: &Title) -> Result<(), EncodeError> {
        self.head = self.ask(Order::Begin(self.serial, title.clone()))?.into();
        (self.fed, self.paged) = (0, 0);
        Ok(())
    }

    /// What the thread answers to `order`.
    fn ask(&mut self, order: Order) -> Result<Vec<u8>, EncodeError> {
        let ended = || failed("its thread has ended");
        self.orders.send(order).map_err(|_| ended())?;
        self.answers.recv().map_err(|_| ended())?.map_err(failed)
    }

    /// Gives out `pages`, one by one.
    fn give(&mut self, pages: Vec<u8>) -> Result<(), EncodeError> {
        let mut rest = Bytes::from(pages);
        while let Some(page) = Page::read(&rest).map_err(failed)? {
            let plays = page.granule.unwrap_or(0).saturating_sub(self.paged);
            let length = page.bytes.len();
            self.paged += plays;
            self.pages.push_back(Encoded {
                bytes: rest.split_to(length),
                sample_frames: u32::try_from(plays).unwrap_or(u32::MAX),
                head: self.head.clone(),
            });
        }
        Ok(())
    }
}

impl Encoder for VorbisEncoder {
    fn feed(&mut self, block: &Block) -> Result<(), EncodeError> {
        if block.sample_frames() == 0 {
            return Ok(()); // to the library that is the end
        }
        self.fed += block.sample_frames() as u64;
        let pages = self.ask(Order::Feed(block.planes().to_vec()))?;
        self.give(pages)
    }

    fn begin(&mut self, title: &Title) -> Result<(), EncodeError> {
        if self.titles == Titles::Aside {
            return Ok(());
        }
        if self.fed > 0 {
            let pages = self.ask(Order::End)?;
            self.give(pages)?;
            self.serial = self.serial.wrapping_add(1);
        }
        self.begin_stream(title)
    }

    fn end(&mut self) -> Result<(), EncodeError> {
        self.begin(&Title::default())
    }

    fn frame(&mut self) -> Option<Encoded> {
        self.pages.pop_front()
    }
}

/// The library, in its thread.
struct Studio {
    settings: Vorbis,
    pages: Pages,
    /// `None` before the first stream, and between two.
    encoder: Option<vorbis_rs::VorbisEncoder<Pages>>,
}

/// Where the library puts its pages.
#[derive(Clone, Default)]
struct Pages(Rc<RefCell<Vec<u8>>>);

impl Write for Pages {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Studio {
    /// Does what was asked for; the pages that are ready by then.
    fn answer(&mut self, order: Order) -> Result<Vec<u8>, VorbisError> {
        match order {
            Order::Begin(serial, title) => {
                drop(self.encoder.take());
                self.pages.0.borrow_mut().clear(); // of a stream in which nothing was heard
                self.encoder = Some(self.begun(serial, &title)?);
            }
            Order::End => {
                if let Some(encoder) = self.encoder.take() {
                    encoder.finish()?;
                }
            }
            Order::Feed(planes) => {
                if let Some(encoder) = &mut self.encoder {
                    encoder.encode_audio_block(planes)?;
                }
            }
        }
        Ok(self.pages.0.take())
    }

    /// An encoder that has written the head of its stream.
    fn begun(
        &self,
        serial: u32,
        title: &Title,
    ) -> Result<vorbis_rs::VorbisEncoder<Pages>, VorbisError> {
        let rate_hz = NonZeroU32::new(self.settings.rate_hz).unwrap_or(NonZeroU32::MIN);
        let channels = match self.settings.channels {
            Channels::Mono => NonZeroU8::MIN,
            Channels::Stereo => NonZeroU8::MIN.saturating_add(1),
        };
        let (sink, serial) = (self.pages.clone(), serial.cast_signed());
        let mut builder = VorbisEncoderBuilder::new_with_serial(rate_hz, channels, sink, serial);
        builder.bitrate_management_strategy(match self.settings.aim {
            Aim::Bitrate(kbps) => Strategy::Vbr {
                target_bitrate: NonZeroU32::new(kbps * 1_000).unwrap_or(NonZeroU32::MIN),
            },
            Aim::Quality(quality) => {
                Strategy::QualityVbr { target_quality: f32::from(quality) / 10.0 }
            }
        });
        // As short as the library makes them.
        builder.minimum_page_data_size(Some(0));
        for (name, text) in ogg::named(title) {
            builder.comment_tag(name, text)?;
        }
        builder.build()
    }
}

fn failed(reason: impl fmt::Display) -> EncodeError {
    EncodeError::Failed { encoder: ENCODER, reason: reason.to_string() }
}

/// The sample rates that are made.
pub const RATES_HZ: [u32; 9] =
    [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000];
/// The best quality.
pub const QUALITY_MAX: u8 = 10;
/// The quality that is taken if nothing is asked for.
pub const USUAL_QUALITY: u8 = 4;
const ENCODER: &str = "Vorbis";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_audio as audio;
    use common::ogg::comment::Tags;

    #[test]
    fn titles_split_the_programme_into_streams_that_together_play_all_of_it() {
        let tone = audio::tone(440.0, 44_100, 90_000);
        let mut encoder = VorbisEncoder::new(settings(Titles::InStream)).unwrap();
        for (title, from, to) in
            [("one", 0, 30_001), ("two", 30_001, 30_002), ("three", 30_002, 90_000)]
        {
            encoder.begin(&title.into()).unwrap();
            for part in tone[from..to].chunks(1_152) {
                encoder.feed(&stereo(part)).unwrap();
            }
        }
        encoder.begin(&"four".into()).unwrap();

        let given: Vec<_> = std::iter::from_fn(|| encoder.frame()).collect();
        let streams: Vec<_> = given.chunk_by(|one, next| one.head == next.head).collect();

        let plays = |stream: &&[Encoded]| stream.iter().map(|it| it.sample_frames).sum::<u32>();
        assert_eq!(streams.iter().map(plays).collect::<Vec<_>>(), [30_001, 1, 59_998]);
        for (stream, title) in streams.iter().zip(["one", "two", "three"]) {
            assert_eq!(Tags::read(&stream[0].head).title.as_deref(), Some(title));
            let last = stream.last().unwrap();
            assert!(page(&last.bytes).ends_stream);
            let serials = stream.iter().map(|it| page(&it.bytes).serial);
            assert!(serials.into_iter().all(|serial| serial == page(&stream[0].head).serial));
        }
        assert_ne!(page(&streams[0][0].head).serial, page(&streams[1][0].head).serial);
    }

    #[test]
    fn what_is_heard_over_a_border_of_titles_is_what_was_played() {
        let tone = audio::tone(440.0, 44_100, 60_000);
        let mut encoder = VorbisEncoder::new(settings(Titles::InStream)).unwrap();
        encoder.begin(&"one".into()).unwrap();
        encoder.feed(&stereo(&tone[..30_001])).unwrap();
        encoder.begin(&"two".into()).unwrap();
        encoder.feed(&stereo(&tone[30_001..])).unwrap();
        encoder.begin(&"three".into()).unwrap();
        let given: Vec<_> = std::iter::from_fn(|| encoder.frame()).collect();
        let mut heard = Vec::new();
        for stream in given.chunk_by(|one, next| one.head == next.head) {
            heard.extend(decoded(stream));
        }

        assert_eq!(heard.len(), tone.len());
        let off = heard.iter().zip(&tone).map(|(a, b)| (a - b).abs()).fold(0.0_f32, f32::max);
        assert!(off < 0.05, "off by {off}");
    }

    #[test]
    fn without_titles_in_it_the_stream_never_ends_and_a_page_comes_often() {
        for rate_hz in RATES_HZ {
            let settings = Vorbis { rate_hz, ..settings(Titles::Aside) };
            for samples in [audio::noise(2 * rate_hz as usize), vec![0.0; 2 * rate_hz as usize]] {
                let mut encoder = VorbisEncoder::new(settings).unwrap();
                encoder.begin(&"not told".into()).unwrap();
                encoder.feed(&Block::stereo(rate_hz, samples.clone(), samples)).unwrap();

                let pages: Vec<_> = std::iter::from_fn(|| encoder.frame()).collect();
                let played: u32 = pages.iter().map(|page| page.sample_frames).sum();
                assert!(played > 3 * rate_hz / 2, "{rate_hz} Hz: {played}");
                for it in &pages {
                    assert!(!page(&it.bytes).ends_stream);
                    assert!(it.sample_frames < rate_hz * 4 / 10, "{rate_hz}: {}", it.sample_frames);
                }
                assert_eq!(Tags::read(&pages[0].head).title, None);
            }
        }
    }

    #[test]
    fn every_rate_has_the_bit_rates_and_qualities_that_the_library_has() {
        for rate_hz in RATES_HZ {
            for channels in [Channels::Mono, Channels::Stereo] {
                let opens = |aim| {
                    let settings = Vorbis { rate_hz, channels, aim, titles: Titles::Aside };
                    VorbisEncoder::new(settings).map(drop)
                };
                let all = bitrates_kbps(rate_hz, channels);
                for kbps in [*all.start(), *all.end()] {
                    assert_eq!(opens(Aim::Bitrate(kbps)), Ok(()), "{rate_hz} Hz {channels:?}");
                }
                for kbps in [all.start() - 1, all.end() + 1] {
                    let refused = opens(Aim::Bitrate(kbps)).unwrap_err().to_string();
                    assert!(refused.starts_with("Vorbis refuses"), "{rate_hz}: {refused}");
                }
                for quality in 0..=QUALITY_MAX {
                    assert_eq!(opens(Aim::Quality(quality)), Ok(()), "{rate_hz} Hz {quality}");
                }
            }
        }
    }

    fn settings(titles: Titles) -> Vorbis {
        let (rate_hz, channels) = (44_100, Channels::Stereo);
        Vorbis { rate_hz, channels, aim: Aim::Quality(USUAL_QUALITY), titles }
    }

    fn stereo(samples: &[f32]) -> Block {
        Block::stereo(44_100, samples.to_vec(), samples.to_vec())
    }

    fn page(bytes: &[u8]) -> Page<'_> {
        Page::read(bytes).unwrap().unwrap()
    }

    fn decoded(stream: &[Encoded]) -> Vec<f32> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.ogg");
        let pages = stream.iter().map(|page| &page.bytes[..]);
        let whole: Vec<_> = [&stream[0].head[..]].into_iter().chain(pages).collect();
        std::fs::write(&path, whole.concat()).unwrap();
        let mut decoder = crate::decode::Decoder::open(&path).unwrap();
        let mut heard = Vec::new();
        while let Some(block) = decoder.next_block().unwrap() {
            heard.extend_from_slice(block.plane(0));
        }
        heard
    }
}

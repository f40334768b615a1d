//! Opus in Ogg, by opus-pure.
//!
//! Opus works at 48 kHz in packets of 20 ms; ten of them make a page. What a decoder gives out
//! begins with what the encoder was still waiting for, so a stream says how much is to be left out
//! at its head (*pre-skip*).
//!
//! A title is told by ending the stream and beginning another, to the sample: the last page says
//! how much of its last packet counts, and the new stream is given the 80 ms before its beginning
//! as well, to be left out, so that its decoder has found its feet when it is heard. What fills up
//! the last packet is the mirror image of the sound: a sudden silence there would be heard before
//! it comes.

use crate::encode::ogg::{self, Stream};
use crate::encode::{Channels, EncodeError, Encoded, Encoder, Title, Titles};
use crate::pcm::block::Block;
use bytes::Bytes;
use opus_pure::{Application, MAX_PACKET_BYTES};
use std::collections::VecDeque;
use std::ops::RangeInclusive;

/// How to encode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opus {
    /// How many channels.
    pub channels: Channels,
    /// Within [`BITRATES_KBPS`]; what is needed varies about it.
    pub bitrate_kbps: u32,
    /// How listeners learn the titles.
    pub titles: Titles,
}

/// The encoder of a whole run.
pub(super) struct OpusEncoder {
    settings: Opus,
    codec: opus_pure::OpusEncoder,
    stream: Stream,
    /// The pages that begin the stream.
    head: Bytes,
    /// What does not yet fill a packet: left, right, left, right; or one channel.
    samples: Vec<f32>,
    /// The last that was fed, no more than a new stream is led in with.
    recent: VecDeque<f32>,
    /// Sample frames to be left out at the beginning of the stream.
    pre_skip: u64,
    /// Sample frames fed since the stream began.
    fed: u64,
    /// Sample frames of all packets of the stream, those to be left out included.
    encoded: u64,
    /// Sample frames that the pages given out so far play.
    paged: u64,
    pages: VecDeque<Encoded>,
    scratch: Vec<u8>,
}

impl OpusEncoder {
    /// An encoder with these settings.
    pub(super) fn new(settings: Opus) -> Result<Self, EncodeError> {
        if !BITRATES_KBPS.contains(&settings.bitrate_kbps) {
            return Err(EncodeError::Refused {
                encoder: ENCODER,
                settings: format!("{} kbit/s", settings.bitrate_kbps),
                reason: "not a bit rate of Opus".to_owned(),
            });
        }
        let mut encoder = Self {
            codec: codec(settings)?,
            settings,
            stream: Stream::new(ogg::first_serial()),
            head: Bytes::new(),
            samples: Vec::new(),
            recent: VecDeque::new(),
            pre_skip: 0,
            fed: 0,
            encoded: 0,
            paged: 0,
            pages: VecDeque::new(),
            scratch: vec![0; MAX_PACKET_BYTES],
        };
        encoder.begin_stream(&Title::default());
        Ok(encoder)
    }

    fn channels(&self) -> usize {
        self.settings.channels.count()
    }

    /// Samples of all channels in a packet.
    fn packet_samples(&self) -> usize {
        PACKET_SAMPLE_FRAMES * self.channels()
    }

    /// Writes the head of a stream which is led in by `samples`.
    fn begin_stream(&mut self, title: &Title) {
        let lead_in = self.samples.len() / self.channels();
        let pre_skip = self.codec.lookahead() + lead_in;
        self.pre_skip = pre_skip as u64;
        (self.fed, self.encoded, self.paged) = (0, 0, 0);
        let pre_skip = u16::try_from(pre_skip).unwrap_or(u16::MAX);
        let channels = u8::try_from(self.channels()).unwrap_or(u8::MAX);
        let mut head = b"OpusHead\x01".to_vec();
        head.push(channels);
        head.extend_from_slice(&pre_skip.to_le_bytes());
        head.extend_from_slice(&RATE_HZ.to_le_bytes());
        head.extend_from_slice(&[0; 3]); // no gain, and the usual order of channels
        let tags = [b"OpusTags".to_vec(), ogg::comments(title)].concat();
        self.head = ogg::head(&mut self.stream, &[head, tags]);
    }

    /// Ends the stream exactly where the last sample was fed.
    fn end_stream(&mut self) -> Result<(), EncodeError> {
        let end = self.pre_skip + self.fed;
        let needed = end.saturating_sub(self.encoded).div_ceil(PACKET_SAMPLE_FRAMES as u64);
        let needed = usize::try_from(needed).unwrap_or_default() * self.packet_samples();
        let missing = needed.saturating_sub(self.samples.len());
        let channels = self.channels();
        let silence = std::iter::repeat(&0.0);
        let image = self.recent.make_contiguous().rchunks_exact(channels).flatten().chain(silence);
        self.samples.extend(image.take(missing));
        let mut pages = Vec::new();
        while self.samples.len() >= self.packet_samples() {
            self.packet(end, &mut pages)?;
        }
        self.stream.end(end, &mut pages);
        self.give(pages, end);
        self.samples.clear();
        Ok(())
    }

    /// Encodes one packet, which counts no further than `end`.
    fn packet(&mut self, end: u64, pages: &mut Vec<u8>) -> Result<(), EncodeError> {
        let packet_samples = self.packet_samples();
        let samples = &self.samples[..packet_samples];
        let length = self
            .codec
            .encode(samples, PACKET_SAMPLE_FRAMES, &mut self.scratch)
            .map_err(|error| failed(&error))?;
        self.samples.drain(..packet_samples);
        self.encoded += PACKET_SAMPLE_FRAMES as u64;
        self.stream.put(&self.scratch[..length], self.encoded.min(end), pages);
        Ok(())
    }

    /// Gives out `pages`, the last of which ends at `granule`.
    fn give(&mut self, pages: Vec<u8>, granule: u64) {
        let plays = granule.saturating_sub(self.pre_skip) - self.paged;
        self.paged += plays;
        self.pages.push_back(Encoded {
            bytes: pages.into(),
            sample_frames: u32::try_from(plays).unwrap_or(u32::MAX),
            head: self.head.clone(),
        });
    }
}

impl Encoder for OpusEncoder {
    fn feed(&mut self, block: &Block) -> Result<(), EncodeError> {
        let planes = block.planes();
        for at in 0..block.sample_frames() {
            self.samples.extend(planes.iter().map(|plane| plane[at]));
            self.recent.extend(planes.iter().map(|plane| plane[at]));
        }
        let surplus = self.recent.len().saturating_sub(LEAD_IN_SAMPLE_FRAMES * self.channels());
        self.recent.drain(..surplus);
        self.fed += block.sample_frames() as u64;
        while self.samples.len() >= self.packet_samples() {
            let mut pages = Vec::new();
            self.packet(u64::MAX, &mut pages)?;
            if self.stream.packets() >= PAGE_PACKETS {
                self.stream.end_page(&mut pages);
                self.give(pages, self.encoded);
            }
        }
        Ok(())
    }

    fn begin(&mut self, title: &Title) -> Result<(), EncodeError> {
        if self.settings.titles == Titles::Aside {
            return Ok(());
        }
        let mut serial = self.stream.next_serial();
        if self.fed > 0 {
            self.end_stream()?;
            self.codec = codec(self.settings)?;
            self.samples.extend(&self.recent);
        } else {
            serial = serial.wrapping_sub(1); // nothing of the stream was given out
        }
        self.stream = Stream::new(serial);
        self.begin_stream(title);
        Ok(())
    }

    fn end(&mut self) -> Result<(), EncodeError> {
        self.begin(&Title::default())?;
        self.recent.clear();
        self.samples.clear(); // what was heard so long before leads nothing in
        Ok(())
    }

    fn frame(&mut self) -> Option<Encoded> {
        self.pages.pop_front()
    }
}

fn codec(settings: Opus) -> Result<opus_pure::OpusEncoder, EncodeError> {
    let rate_hz = i32::try_from(RATE_HZ).unwrap_or(i32::MAX);
    let mut codec =
        opus_pure::OpusEncoder::new(rate_hz, settings.channels.count(), Application::Audio)
            .map_err(|error| failed(&error))?;
    codec.bitrate_bps = i32::try_from(settings.bitrate_kbps * 1_000).unwrap_or(i32::MAX);
    codec.complexity = 10;
    Ok(codec)
}

fn failed(error: &opus_pure::Error) -> EncodeError {
    EncodeError::Failed { encoder: ENCODER, reason: error.to_string() }
}

/// Opus is always encoded at this rate.
pub const RATE_HZ: u32 = 48_000;
/// The bit rates that may be asked for.
pub const BITRATES_KBPS: RangeInclusive<u32> = 16..=510;
/// The bit rate that is taken if none is asked for.
pub const USUAL_KBPS: u32 = 96;
const ENCODER: &str = "Opus";
/// 20 ms.
const PACKET_SAMPLE_FRAMES: usize = 960;
/// A page of 200 ms: at 64 kbit/s it costs 2 % more than the packets alone.
const PAGE_PACKETS: usize = 10;
/// 80 ms, which is what RFC 7845 wants before a place where decoding begins.
const LEAD_IN_SAMPLE_FRAMES: usize = 3_840;

#[cfg(test)]
mod tests {
    use super::*;
    use common::ogg::comment::Tags;
    use common::ogg::page::Page;

    #[test]
    fn titles_split_the_programme_into_streams_that_together_play_all_of_it() {
        let mut encoder = OpusEncoder::new(settings(Titles::InStream)).unwrap();
        let tone = crate::test_audio::tone(440.0, RATE_HZ, 100_000);
        let mut given = Vec::new();
        let (shown, artist) = ("A - one".into(), Some("A".into()));
        encoder.begin(&Title { shown, artist }).unwrap();
        for (title, from, to) in [("two", 0, 30_001), ("three", 30_001, 30_500)] {
            encoder.feed(&stereo(&tone[from..to])).unwrap();
            encoder.begin(&title.into()).unwrap();
        }
        encoder.feed(&stereo(&tone[30_500..])).unwrap();
        given.extend(std::iter::from_fn(|| encoder.frame()));

        let mut heads: Vec<(Tags, u32)> = Vec::new();
        for page in &given {
            let tags = Tags::read(&page.head);
            match heads.last_mut() {
                Some((last, plays)) if *last == tags => *plays += page.sample_frames,
                _ => heads.push((tags, page.sample_frames)),
            }
        }
        let titles: Vec<_> = heads.iter().map(|(tags, _)| tags.title.as_deref().unwrap()).collect();
        assert_eq!(titles, ["one", "two", "three"]);
        let artists = heads.iter().map(|(tags, _)| tags.artist.as_deref());
        assert_eq!(artists.collect::<Vec<_>>(), [Some("A"), None, None]);
        assert_eq!((heads[0].1, heads[1].1), (30_001, 499));
        assert!((50_000..=69_500).contains(&heads[2].1), "{}", heads[2].1);
        let mut serials = Vec::new();
        let mut whole = Vec::new();
        for page in &given {
            if !whole.ends_with(&page.head) && serials.last() != Some(&first(&page.head).serial) {
                serials.push(first(&page.head).serial);
                whole.extend_from_slice(&page.head);
            }
            whole.extend_from_slice(&page.bytes);
        }
        assert_eq!(serials.len(), 3);
        serials.dedup();
        assert_eq!(serials.len(), 3);
        assert!(first(&given[given.len() - 1].bytes).granule.is_some());
    }

    #[test]
    fn without_titles_in_it_the_stream_never_ends() {
        let mut encoder = OpusEncoder::new(settings(Titles::Aside)).unwrap();
        for title in ["one", "two"] {
            encoder.begin(&title.into()).unwrap();
            encoder.feed(&stereo(&crate::test_audio::noise(48_000))).unwrap();
        }

        let pages: Vec<_> = std::iter::from_fn(|| encoder.frame()).collect();
        assert_eq!(pages.len(), 10);
        assert!(pages.iter().all(|page| page.head == pages[0].head));
        assert!(pages.iter().all(|page| !first(&page.bytes).ends_stream));
        assert_eq!(pages[1].sample_frames, 9_600);
        assert_eq!(Tags::read(&pages[0].head).title, None);
    }

    #[test]
    fn the_bit_rate_is_what_was_asked_for() {
        for bitrate_kbps in [24, 96, 256] {
            let settings = Opus { bitrate_kbps, ..settings(Titles::InStream) };
            let mut encoder = OpusEncoder::new(settings).unwrap();
            encoder.feed(&stereo(&crate::test_audio::noise(5 * 48_000))).unwrap();

            let pages: Vec<_> = std::iter::from_fn(|| encoder.frame()).collect();
            let bytes: usize = pages.iter().map(|page| page.bytes.len()).sum();
            let kbps = bytes as f64 * 8.0 / 5_000.0;
            let off = kbps / f64::from(bitrate_kbps) - 1.0;
            assert!(off.abs() < 0.15, "{bitrate_kbps}: {kbps:.1}");
        }
        let refused = OpusEncoder::new(Opus { bitrate_kbps: 5, ..settings(Titles::Aside) });
        assert!(refused.err().unwrap().to_string().contains("Opus refuses 5 kbit/s"));
    }

    fn settings(titles: Titles) -> Opus {
        Opus { channels: Channels::Stereo, bitrate_kbps: 96, titles }
    }

    fn stereo(samples: &[f32]) -> Block {
        Block::stereo(RATE_HZ, samples.to_vec(), samples.to_vec())
    }

    fn first(pages: &[u8]) -> Page<'_> {
        Page::read(pages).unwrap().unwrap()
    }
}

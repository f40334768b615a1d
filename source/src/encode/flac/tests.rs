//! What the frames decode to, and how streams of them follow each other.

use super::*;
use crate::decode::Decoder;
use crate::pcm::block::Layout;
use crate::test_audio as audio;
use common::ogg::comment::Tags;
use common::ogg::page::Page;
use proptest::prelude::*;
use std::f32::consts::TAU;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn what_goes_in_comes_out_again_to_the_last_bit(
        settings in settings(),
        sounds in [sound(), sound()],
        length in prop_oneof![0_usize..40, 4_000_usize..10_000, Just(8_192)],
        cut in 1_usize..5_000,
    ) {
        let planes = sounds.map(|sound| sound.samples(length, settings.depth));
        let planes = &planes[..settings.channels.count()];
        let mut encoder = FlacEncoder::new(settings).unwrap();
        let layout = match settings.channels {
            Channels::Mono => Layout::mono(),
            Channels::Stereo => Layout::stereo(),
        };
        let mut rest = Block::of(settings.rate_hz, layout, planes.to_vec()).unwrap();
        while rest.sample_frames() > 0 {
            encoder.feed(&rest.take_front(cut)).unwrap();
        }
        encoder.begin(&"next".into()).unwrap();

        let decoded = decoded(&whole(&given(&mut encoder)));

        // By itself a block has to be full; in Ogg the last one ends with the title.
        let heard = match settings.container {
            Container::Native => length - length % settings.block_sample_frames(),
            Container::Ogg(_) => length,
        };
        for (came, went) in decoded.iter().zip(planes) {
            prop_assert_eq!(came.len(), heard);
            prop_assert!(*came == went[..heard], "{:?}", sounds);
        }
        prop_assert!(decoded.len() == planes.len() || heard == 0);
    }
}

#[test]
fn a_tone_takes_much_less_than_its_samples_and_silence_next_to_nothing() {
    let settings = flac(Depth::Bits16, Container::Native);
    for (samples, bytes_max) in [
        (audio::tone(440.0, 44_100, 44_100), 60_000),
        (vec![0.0; 44_100], 200),
        // Noise cannot be foretold, but costs no more than it is.
        (audio::noise(44_100), 4 * 44_100 + 300),
    ] {
        let mut encoder = FlacEncoder::new(settings).unwrap();
        encoder.feed(&Block::stereo(44_100, samples.clone(), samples)).unwrap();

        let bytes: usize = given(&mut encoder).iter().map(|frame| frame.bytes.len()).sum();
        assert!(bytes <= bytes_max, "{bytes} of {bytes_max}");
    }
}

#[test]
fn what_has_16_bits_takes_no_more_in_24() {
    let bytes = |depth| {
        let mut encoder = FlacEncoder::new(flac(depth, Container::Native)).unwrap();
        let coarse: Vec<f32> = audio::noise(44_100)
            .iter()
            .map(|sample| (sample * 3_000.0).round() / 32_768.0)
            .collect();
        encoder.feed(&Block::stereo(44_100, coarse.clone(), coarse)).unwrap();
        given(&mut encoder).iter().map(|frame| frame.bytes.len()).sum::<usize>()
    };

    let (coarse, fine) = (bytes(Depth::Bits16), bytes(Depth::Bits24));

    assert!(fine <= coarse + coarse / 50, "{fine} for {coarse}");
}

#[test]
fn titles_split_the_programme_into_streams_that_together_play_all_of_it() {
    let settings = flac(Depth::Bits16, Container::Ogg(Titles::InStream));
    let mut encoder = FlacEncoder::new(settings).unwrap();
    let mut tone = audio::tone(440.0, 44_100, 30_000);
    for (title, length) in [("one", 10_001), ("two", 1), ("three", 19_998)] {
        encoder.begin(&title.into()).unwrap();
        let part: Vec<f32> = tone.drain(..length).collect();
        encoder.feed(&Block::stereo(44_100, part.clone(), part)).unwrap();
    }
    encoder.begin(&"four".into()).unwrap();

    let given = given(&mut encoder);
    let streams: Vec<_> = given.chunk_by(|one, next| one.head == next.head).collect();

    let plays = |stream: &&[Encoded]| stream.iter().map(|page| page.sample_frames).sum::<u32>();
    assert_eq!(streams.iter().map(plays).collect::<Vec<_>>(), [10_001, 1, 19_998]);
    let mut serials: Vec<_> = given.iter().map(|page| first(&page.head).serial).collect();
    serials.dedup();
    assert_eq!(serials.len(), 3);
    for (stream, title) in streams.iter().zip(["one", "two", "three"]) {
        assert_eq!(Tags::read(&stream[0].head).title.as_deref(), Some(title));
        assert!(pages(&whole(stream)).last().unwrap().ends_stream);
    }
    let last = decoded(&whole(streams[2]));
    assert_eq!(last[0].len(), 19_998);
}

#[test]
fn a_page_comes_at_least_every_quarter_of_a_second() {
    for rate_hz in RATES_HZ {
        let container = Container::Ogg(Titles::Aside);
        let settings = Flac { rate_hz, ..flac(Depth::Bits16, container) };
        let mut encoder = FlacEncoder::new(settings).unwrap();
        encoder.begin(&"not told".into()).unwrap();
        let noise = audio::noise(2 * rate_hz as usize);
        encoder.feed(&Block::stereo(rate_hz, noise.clone(), noise)).unwrap();

        let given = given(&mut encoder);
        assert!(given.len() >= 7, "{rate_hz}: {}", given.len());
        for page in &given {
            assert!(page.sample_frames <= rate_hz * 26 / 100, "{rate_hz}");
            assert!(!first(&page.bytes).ends_stream);
        }
        assert_eq!(Tags::read(&given[0].head).title, None);
    }
}

/// A sound that encoders treat in a way of its own.
#[derive(Clone, Copy, Debug)]
enum Sound {
    Constant(f32),
    Noise(f32),
    /// From one end of the scale to the other.
    Square,
    Tone(f32),
}

impl Sound {
    /// So many samples, which are whole numbers in `depth`.
    fn samples(self, length: usize, depth: Depth) -> Vec<f32> {
        let full = (1_u32 << (depth.bits() - 1)) as f32;
        let noise = audio::noise(length);
        let sample = |at: usize| match self {
            Self::Constant(level) => level,
            Self::Noise(level) => noise[at] * level,
            Self::Square if (at / 100).is_multiple_of(2) => -1.0,
            Self::Square => 1.0,
            Self::Tone(level) => level * (at as f32 / 50.0 * TAU).sin(),
        };
        let whole = |at| (sample(at) * full).round().clamp(-full, full - 1.0) / full;
        (0..length).map(whole).collect()
    }
}

fn sound() -> impl Strategy<Value = Sound> {
    let level = 0.0_f32..4.0;
    prop_oneof![
        (-1.0_f32..1.0).prop_map(Sound::Constant),
        level.clone().prop_map(Sound::Noise),
        Just(Sound::Noise(0.000_1)),
        Just(Sound::Square),
        level.prop_map(Sound::Tone),
    ]
}

fn settings() -> impl Strategy<Value = Flac> {
    let rates = prop::sample::select(RATES_HZ.to_vec());
    (rates, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(rate_hz, a, b, c)| Flac {
        rate_hz,
        channels: if a { Channels::Mono } else { Channels::Stereo },
        depth: if b { Depth::Bits16 } else { Depth::Bits24 },
        container: if c { Container::Native } else { Container::Ogg(Titles::InStream) },
    })
}

fn flac(depth: Depth, container: Container) -> Flac {
    Flac { rate_hz: 44_100, channels: Channels::Stereo, depth, container }
}

fn given(encoder: &mut FlacEncoder) -> Vec<Encoded> {
    std::iter::from_fn(|| encoder.frame()).collect()
}

/// The head of a stream and all of it that was given.
fn whole(given: &[Encoded]) -> Vec<u8> {
    let head = given.first().map(|frame| &frame.head[..]).unwrap_or_default();
    [head]
        .into_iter()
        .chain(given.iter().map(|frame| &frame.bytes[..]))
        .collect::<Vec<_>>()
        .concat()
}

/// Every channel of a file with these bytes.
fn decoded(bytes: &[u8]) -> Vec<Vec<f32>> {
    let mut planes = Vec::new();
    if bytes.is_empty() {
        return planes;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.flac");
    std::fs::write(&path, bytes).unwrap();
    let mut decoder = Decoder::open(&path).unwrap();
    while let Some(block) = decoder.next_block().unwrap() {
        planes.resize(block.planes().len(), Vec::new());
        for (all, plane) in planes.iter_mut().zip(block.planes()) {
            all.extend_from_slice(plane);
        }
    }
    planes
}

fn pages(mut bytes: &[u8]) -> Vec<Page<'_>> {
    let mut pages = Vec::new();
    while let Some(page) = Page::read(bytes).unwrap() {
        bytes = &bytes[page.bytes.len()..];
        pages.push(page);
    }
    pages
}

fn first(pages: &[u8]) -> Page<'_> {
    Page::read(pages).unwrap().unwrap()
}

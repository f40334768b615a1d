//! Tests of files that pass through a programme untouched.

use super::*;
use crate::encode::mp3::Mp3;
use crate::encode::vorbis::{Aim, Vorbis};
use crate::encode::{Channels, Encoding, Frame, Titles};
use crate::sound::gain::Gain;
use crate::sound::{Effect, Insert};
use crate::test_audio::ogg;
use common::mpeg::frame::Header;
use common::ogg::stream::packets;

#[test]
fn files_in_the_format_of_the_output_pass_and_others_are_encoded() {
    let dir = tempfile::tempdir().unwrap();
    let mut studio = Studio::new(dir.path());

    let heard = studio.play(700);

    let streams = heard.chunk_by(|one, next| one.head == next.head);
    let streams: Vec<(&str, bool)> =
        streams.map(|stream| (&*stream[0].title, studio.is_from_the_file(stream))).collect();
    let expected = [("a", true), ("b", false), ("c", true), ("a", true), ("b", false)];
    assert_eq!(streams[..5], expected);
    let mut at = 0;
    for frame in &heard {
        assert_eq!(frame.position, at);
        at += u64::from(frame.sample_frames);
    }
}

#[test]
fn a_skip_ends_what_passes_and_the_next_file_passes_from_its_beginning() {
    let dir = tempfile::tempdir().unwrap();
    let mut studio = Studio::new(dir.path());
    let mut heard = studio.play(20);

    studio.skip();
    heard.extend(studio.play(150));
    studio.skip();
    heard.extend(studio.play(150));

    let streams: Vec<_> = heard.chunk_by(|one, next| one.head == next.head).collect();
    let titles: Vec<_> = streams.iter().map(|stream| &*stream[0].title).collect();
    assert_eq!(titles[..4], ["a", "b", "c", "a"]);
    let played: u32 = streams[0].iter().map(|frame| frame.sample_frames).sum();
    assert!((20..=22).contains(&(played / 1_152)), "{played} sample frames");
    assert!(studio.is_from_the_file(streams[0]) && studio.is_from_the_file(streams[2]));
}

#[test]
fn nothing_passes_through_effects() {
    let dir = tempfile::tempdir().unwrap();
    let mut studio = Studio::new(dir.path());
    let mut heard = studio.play(20);
    let effect = Effect::Gain(Gain { gain_db: -20.0, pan: 0.0 });

    studio.programme.processor.take_over(Chain(vec![Insert { id: "gain".to_owned(), effect }]));
    heard.extend(studio.play(400));

    let streams: Vec<_> = heard.chunk_by(|one, next| one.head == next.head).collect();
    let titles: Vec<_> = streams.iter().map(|stream| &*stream[0].title).collect();
    assert_eq!(titles[..4], ["a", "a", "b", "c"]);
    let passed: Vec<_> = streams.iter().map(|stream| studio.is_from_the_file(stream)).collect();
    assert_eq!(passed[..4], [true, false, false, false]);
}

#[test]
fn a_request_that_interrupts_passes_and_what_is_left_of_the_track_is_encoded() {
    let dir = tempfile::tempdir().unwrap();
    let noise = audio::noise(20 * 44_100);
    let back: Vec<f32> = noise.iter().rev().take(4 * 44_100).copied().collect();
    audio::write_samples(&dir.path().join("a.mp3"), &noise, 44_100);
    audio::write_samples(&dir.path().join("wish.mp3"), &back, 44_100);
    let queue = Queue::new("requests", dir.path().to_owned(), Numbers::default());
    let (start, interrupted) = (Start::Hard, Interrupted::Returns);
    let rules = Rules { start, interrupted, ..Rules::always() };
    let music = Playlist::new(vec![dir.path().join("a.mp3")], Order::normal());
    let entries =
        vec![Entry::queue(queue.clone(), rules), Entry::playlist("music", music, Rules::always())];
    let selection = Selection::among(entries, vec![0, 1], jiff::Timestamp::now());
    let format = Format::Mp3(Mp3::constant(44_100, 128, 7));
    let passes = watch::Sender::new(vec![format]);
    let (lookahead, supply) = Lookahead::new(selection, 44_100, Numbers::default());
    let lookahead = lookahead.passing(passes.subscribe());
    std::thread::spawn(move || lookahead.run());
    let mut studio = Studio {
        programme: Programme::new(settings(), supply, tone()),
        rack: Rack::new(&[Encoding { format, passthrough: true }]).unwrap(),
        file: Vec::new(),
        _passes: passes,
    };

    let mut heard = studio.play(200);
    queue.push("wish.mp3").unwrap();
    while studio.programme.on_air().history.len() < 3 {
        heard.extend(studio.play(1));
        assert!(heard.len() < 700, "it is not heard");
        std::thread::yield_now();
    }
    heard.extend(studio.play(100));

    let of = |name| frames(&std::fs::read(dir.path().join(name)).unwrap());
    let [track, wish] = [of("a.mp3"), of("wish.mp3")].map(|file| {
        let from = |frame: &Frame| file.contains(&frame.bytes);
        heard.iter().map(from).collect::<Vec<bool>>()
    });
    let (begin, end) = (wish.iter().position(|is| *is).unwrap(), wish.iter().rposition(|is| *is));
    let end = end.unwrap();
    let missing = of("wish.mp3").len() - (end + 1 - begin);
    assert!((190..400).contains(&begin) && missing < 3, "{begin} to {end}");
    // One frame of the encoder goes before, as late as it is: the file does not say what it is.
    assert!(track[1..begin].iter().all(|is| *is), "before");
    assert!(wish[begin..end].iter().all(|is| *is), "meanwhile");
    assert!(heard.len() > end + 90 && track[end + 1..].iter().all(|is| !is), "afterwards");
}

/// The frames that `file` is.
fn frames(file: &[u8]) -> Vec<bytes::Bytes> {
    let (mut frames, mut rest) = (Vec::new(), file);
    while let Some(header) = Header::mpeg(rest) {
        let (frame, after) = rest.split_at(header.frame_bytes);
        frames.push(bytes::Bytes::copy_from_slice(frame));
        rest = after;
    }
    frames
}

/// A programme of two Vorbis files and another one between them, which pass where they can.
struct Studio {
    programme: Programme,
    rack: Rack,
    file: Vec<u8>,
    /// Keeps who speaks of formats.
    _passes: watch::Sender<Vec<Format>>,
}

impl Studio {
    fn new(dir: &Path) -> Self {
        let vorbis = Vorbis {
            rate_hz: 44_100,
            channels: Channels::Stereo,
            aim: Aim::Quality(4),
            titles: Titles::InStream,
        };
        let format = Format::Vorbis(vorbis);
        let file = ogg(format, 150_007);
        let of_another_kind = ogg(Format::Vorbis(Vorbis { rate_hz: 48_000, ..vorbis }), 150_007);
        let [a, b, c] = ["a.ogg", "b.ogg", "c.ogg"].map(|name| dir.join(name));
        for (path, file) in [(&a, &file), (&b, &of_another_kind), (&c, &file)] {
            std::fs::write(path, file).unwrap();
        }
        let items = [a, b, c].map(|path| {
            let mut item = crate::playlist::Item::file(path.clone());
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            item.annotations.push("title", &name);
            item
        });
        let playlist = Playlist::of_items(items.to_vec(), Order::normal());
        let selection = Selection::new(vec![("p".into(), playlist)]);
        let passes = watch::Sender::new(vec![format]);
        let (lookahead, supply) = Lookahead::new(selection, 44_100, Numbers::default());
        let lookahead = lookahead.passing(passes.subscribe());
        std::thread::spawn(move || lookahead.run());
        let programme = Programme::new(settings(), supply, tone());
        let rack = Rack::new(&[Encoding { format, passthrough: true }]).unwrap();
        Self { programme, rack, file, _passes: passes }
    }

    fn play(&mut self, cuts: usize) -> Vec<Frame> {
        let mut frames = Vec::new();
        for _ in 0..cuts {
            let mut cut = self.programme.next_cut(PATIENCE_SIMULATED);
            cut.titles.iter().for_each(|(at, title)| self.rack.title(*at, title));
            cut.passages.drain(..).for_each(|(at, passage)| self.rack.pass(at, passage));
            self.rack.feed(&cut.block, |_, frame| frames.push(frame)).unwrap();
        }
        frames
    }

    /// Skips to the next track, as soon as that is prepared.
    fn skip(&mut self) {
        while self.programme.timeline.next().is_none() {
            self.programme.take_in();
            std::thread::yield_now();
        }
        self.programme.skip();
    }

    /// Whether the packets in `stream` are those of the file, from its first one on.
    fn is_from_the_file(&self, stream: &[Frame]) -> bool {
        let pages: Vec<u8> = stream.iter().flat_map(|frame| frame.bytes.to_vec()).collect();
        let file = packets(&self.file).into_iter().skip(VORBIS_HEADS);
        packets(&pages).into_iter().zip(file).all(|((_, one), (_, other))| one == other)
    }
}

/// Packets of Vorbis that are no audio.
const VORBIS_HEADS: usize = 3;

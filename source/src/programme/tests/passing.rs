//! Tests of files that pass through a programme untouched.

use super::*;
use crate::encode::vorbis::{Aim, Vorbis};
use crate::encode::{Channels, Encoding, Frame, Titles};
use crate::sound::gain::Gain;
use crate::sound::{Effect, Insert};
use crate::test_audio::ogg;
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

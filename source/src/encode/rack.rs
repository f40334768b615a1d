//! The encoders of one programme: one for each different format, all fed with the same blocks.
//!
//! Formats cut the programme into frames of different lengths (1 152 sample frames in MP3 at
//! 44.1 kHz, 576 at 22.05 kHz, 1 024 or 2 048 in AAC), and some have a sample rate of their own or
//! one channel, to which the programme is brought first. So each encoder counts its own frames, and
//! a title is tied to a place in the programme: the frame in which that place lies is the first to
//! carry it.
//!
//! A file that suits an encoding with `passthrough` goes past its encoder, which rests meanwhile:
//! its packets are given out as the programme gets to them. How far that has come, and which title
//! it has, is counted as ever. In Ogg it is a stream of its own (`passing`); in MP3 and AAC its
//! frames go into the one that there is (`splice`).

use crate::encode::passing::{self, Passing};
use crate::encode::splice::{self, Splice};
use crate::encode::{Channels, EncodeError, Encoded, Encoder, Encoding, Frame, Title, ogg};
use crate::passage::{Original, Packet, Passage};
use crate::pcm::block::{Block, Layout};
use crate::resample::Resampler;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

/// The encoders of one programme.
pub struct Rack {
    lines: Vec<Line>,
    /// Where in the programme the next block begins.
    position: u64,
    /// From where in the programme on a file can pass, or cannot any more.
    turns: VecDeque<(u64, Option<Passage>)>,
    /// The file that passes on some line, and where in the programme it began.
    passage: Option<(u64, Passage)>,
}

/// One encoder, and the titles that its next frames will carry.
struct Line {
    encoding: Encoding,
    encoder: Box<dyn Encoder>,
    /// What is given out while the encoder rests, in Ogg.
    passing: Option<Passing>,
    /// Where frames of files come between those of the encoder.
    splice: Option<Splice>,
    /// The name of the next stream that passes.
    serial: u32,
    /// Brings the programme to the format's rate; made with the first block.
    resampler: Option<Resampler>,
    /// The programme's rate; known with the first block.
    programme_hz: u32,
    /// Where in the programme it joined.
    joined: u64,
    /// Sample frames fed to the encoder or passed, at the format's rate.
    fed: u64,
    /// Sample frames of the frames given out, at the format's rate.
    given: u64,
    title: Arc<str>,
    /// The title that was told to the encoder last.
    told: Title,
    /// Titles still to be told to the encoder, with the places in the programme where they begin.
    untold: VecDeque<(u64, Title)>,
    /// Titles still to come in a frame.
    coming: VecDeque<(u64, Arc<str>)>,
    /// Frames that nobody has taken yet.
    frames: VecDeque<Frame>,
}

impl Rack {
    /// A rack that makes each of `encodings` once, however often it is named.
    ///
    /// Fails if an encoder does not take its settings.
    pub fn new(encodings: &[impl Copy + Into<Encoding>]) -> Result<Self, EncodeError> {
        let (lines, turns) = (Vec::new(), VecDeque::new());
        let mut rack = Self { lines, position: 0, turns, passage: None };
        for &encoding in encodings {
            rack.add(encoding, 0, &Title::default())?;
        }
        Ok(rack)
    }

    /// Adds an encoder for `encoding`, which begins at `position` with `title`, unless there is
    /// one; says which line it is.
    ///
    /// Fails if the encoder does not take its settings.
    pub fn add(
        &mut self,
        encoding: impl Into<Encoding>,
        position: u64,
        title: &Title,
    ) -> Result<usize, EncodeError> {
        let encoding = encoding.into();
        if let Some(line) = self.line_of(encoding) {
            return Ok(line);
        }
        let mut encoder = encoding.format.encoder()?;
        encoder.begin(title)?;
        self.lines.push(Line {
            encoding,
            encoder,
            passing: None,
            splice: Splice::of(encoding),
            serial: ogg::first_serial(),
            resampler: None,
            programme_hz: encoding.format.rate_hz(),
            joined: position,
            fed: 0,
            given: 0,
            title: Arc::clone(&title.shown),
            told: title.clone(),
            untold: VecDeque::new(),
            coming: VecDeque::new(),
            frames: VecDeque::new(),
        });
        Ok(self.lines.len() - 1)
    }

    /// Takes away encoders of what is not `wanted`; says for each line that there was which one it
    /// is now, if it is still there.
    pub fn keep(&mut self, wanted: impl Fn(Encoding) -> bool) -> Vec<Option<usize>> {
        let mut left = 0;
        let places = self.lines.iter().map(|line| {
            wanted(line.encoding).then(|| {
                left += 1;
                left - 1
            })
        });
        let places = places.collect();
        self.lines.retain(|line| wanted(line.encoding));
        places
    }

    /// The line that makes `encoding`, if there is one.
    pub fn line_of(&self, encoding: impl Into<Encoding>) -> Option<usize> {
        let encoding = encoding.into();
        self.lines.iter().position(|line| line.encoding == encoding)
    }

    /// From `position` in the programme on, `title` is what sounds. Told in the order of the
    /// programme, before the block in which the position lies.
    pub fn title(&mut self, position: u64, title: &Title) {
        for line in &mut self.lines {
            line.untold.push_back((position, title.clone()));
            line.coming.push_back((position, Arc::clone(&title.shown)));
        }
    }

    /// From `position` in the programme on, what is heard is the recording of `passage` from its
    /// beginning, and nothing else; or without one, something else again. Told after the titles
    /// that begin there, and before the block in which the position lies.
    pub fn pass(&mut self, position: u64, passage: Option<Passage>) {
        self.turns.push_back((position, passage));
    }

    /// Feeds the next `block` of the programme to every encoder, and gives every frame that is
    /// whole by then to `take`, with the line that made it.
    ///
    /// Fails if an encoder does, which leaves its stream without a future.
    pub fn feed(
        &mut self,
        block: &Block,
        mut take: impl FnMut(usize, Frame),
    ) -> Result<(), EncodeError> {
        self.lines.iter_mut().for_each(|line| line.programme_hz = block.rate_hz());
        let mut rest = Cow::Borrowed(block);
        while let Some((at, _)) = self.turns.front() {
            let before = usize::try_from(at.saturating_sub(self.position)).unwrap_or(usize::MAX);
            if before >= rest.sample_frames() {
                break;
            }
            if before > 0 {
                let front = rest.to_mut().take_front(before);
                self.feed_part(&front)?;
            }
            let passage = self.turns.pop_front().and_then(|(_, passage)| passage);
            self.turn(passage, block.rate_hz())?;
        }
        self.feed_part(&rest)?;
        for (number, line) in self.lines.iter_mut().enumerate() {
            line.frames.drain(..).for_each(|frame| take(number, frame));
        }
        Ok(())
    }

    /// Feeds `part` of a block, within which nothing turns.
    fn feed_part(&mut self, part: &Block) -> Result<(), EncodeError> {
        let end = self.position + part.sample_frames() as u64;
        if let Some((began, passage)) = &mut self.passage {
            let rate_hz = passage.original().rate_hz;
            let heard = scaled(end.saturating_sub(*began), part.rate_hz(), rate_hz);
            if passage.holds(heard) {
                while let Some(packet) = passage.next_within(heard) {
                    self.lines.iter_mut().for_each(|line| line.put(&packet));
                }
            } else {
                self.turn(None, part.rate_hz())?; // the samples are there, so they are encoded
            }
        }
        for line in &mut self.lines {
            line.feed(part, end)?;
        }
        self.position = end;
        Ok(())
    }

    /// From here on `passage` is heard, if it is one; the programme has this rate.
    fn turn(&mut self, passage: Option<Passage>, programme_hz: u32) -> Result<(), EncodeError> {
        let passage = passage.and_then(|mut it| it.has_begun().then_some(it));
        let mut ended = Ended { heard: 0, run_out: Vec::new() };
        if let Some((began, mut passage)) = self.passage.take() {
            let rate_hz = passage.original().rate_hz;
            ended.heard = passage.heard(scaled(self.position - began, programme_hz, rate_hz));
            ended.run_out = passage.run_out(splice::RUN_OUT_PACKETS);
        }
        for line in &mut self.lines {
            line.turn(self.position, &ended, passage.as_ref().map(Passage::original))?;
        }
        let passes = self.lines.iter().any(Line::is_passing);
        self.passage = passage.filter(|_| passes).map(|passage| (self.position, passage));
        Ok(())
    }
}

/// A file that is heard no more.
struct Ended {
    /// Sample frames of it that were.
    heard: u64,
    /// The packets that would have come next.
    run_out: Vec<Packet>,
}

impl Line {
    /// Whether a file passes.
    fn is_passing(&self) -> bool {
        self.passing.is_some() || self.splice.as_ref().is_some_and(Splice::is_passing)
    }

    /// Feeds `block`, which ends at this place in the programme.
    fn feed(&mut self, block: &Block, end: u64) -> Result<(), EncodeError> {
        if self.is_passing() {
            self.fed = self.own(end);
        } else {
            let own = self.at_own_rate(block)?;
            self.encode(own)?;
        }
        self.collect();
        Ok(())
    }

    /// Adds a packet of the file that passes, if one does here.
    fn put(&mut self, packet: &Packet) {
        if let Some(passing) = &mut self.passing {
            passing.put(packet.clone());
        }
        if let Some(splice) = self.splice.as_mut().filter(|splice| splice.is_passing()) {
            splice.put(packet.bytes.clone());
        }
    }

    /// From `position` on, a file is heard that is `original`, or none; the one before it has
    /// `ended`.
    fn turn(
        &mut self,
        position: u64,
        ended: &Ended,
        original: Option<&Original>,
    ) -> Result<(), EncodeError> {
        let original = original.filter(|original| {
            self.encoding.passthrough && passing::suits(&self.encoding.format, original)
        });
        let was_passing = self.is_passing();
        if !was_passing {
            if original.is_none() {
                return Ok(());
            }
            self.rest(position)?;
        }
        if let Some(passing) = &mut self.passing {
            passing.end(ended.heard);
        }
        self.collect();
        self.fed = self.own(position); // a recording that was resampled is rounded
        while self.untold.front().is_some_and(|(at, _)| *at <= position) {
            self.told = self.untold.pop_front().map(|(_, title)| title).unwrap_or_default();
        }
        if self.splice.is_some() {
            return self.splice(was_passing, ended, original);
        }
        self.given = self.fed;
        self.passing = original.map(|original| Passing::new(original, &self.told, self.serial));
        if self.passing.is_some() {
            self.serial = self.serial.wrapping_add(1);
        } else {
            self.encoder.begin(&self.told)?;
        }
        Ok(())
    }

    /// Goes on with frames of a file that is `original`, or of a new encoder, once whoever made
    /// them so far has brought all that lies before.
    fn splice(
        &mut self,
        was_passing: bool,
        ended: &Ended,
        original: Option<&Original>,
    ) -> Result<(), EncodeError> {
        let Some(splice) = &mut self.splice else { return Ok(()) };
        let seam = splice.seam(self.fed, original);
        if was_passing {
            ended.run_out.iter().for_each(|packet| splice.put(packet.bytes.clone()));
        } else {
            let format = self.encoding.format;
            let silence =
                silence(format.rate_hz(), format.channels(), splice.frame_sample_frames());
            for _ in 0..splice::DRAIN_FRAMES_MAX {
                if !splice.is_before(seam) {
                    break;
                }
                self.encoder.feed(&silence)?;
                while let Some(encoded) = self.encoder.frame() {
                    splice.put(encoded.bytes);
                }
            }
        }
        splice.turn(seam, original.is_some());
        if original.is_none() {
            self.encoder = self.encoding.format.encoder()?;
        }
        Ok(())
    }

    /// Lets the encoder end at `position`.
    fn rest(&mut self, position: u64) -> Result<(), EncodeError> {
        if let Some(resampler) = self.resampler.take() {
            let mut tail = resampler.finish();
            let left = self.own(position).saturating_sub(self.fed);
            tail.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            self.encode(Cow::Owned(tail))?;
        }
        self.encoder.end()
    }

    /// Encodes `rest`, which is at the format's rate.
    fn encode(&mut self, mut rest: Cow<'_, Block>) -> Result<(), EncodeError> {
        if self.encoding.format.channels() == Channels::Mono {
            rest = Cow::Owned(mono(&rest));
        }
        while let Some((at, _)) = self.untold.front() {
            let at = self.own(*at).saturating_sub(self.fed);
            let Some(before) = usize::try_from(at).ok().filter(|at| *at < rest.sample_frames())
            else {
                break;
            };
            if before > 0 {
                let front = rest.to_mut().take_front(before);
                self.encoder.feed(&front)?;
                self.fed += before as u64;
            }
            if let Some((_, title)) = self.untold.pop_front() {
                self.encoder.begin(&title)?;
                self.told = title;
            }
        }
        self.encoder.feed(&rest)?;
        self.fed += rest.sample_frames() as u64;
        Ok(())
    }

    /// `block` at the format's rate, or what there is of it by now.
    fn at_own_rate<'b>(&mut self, block: &'b Block) -> Result<Cow<'b, Block>, EncodeError> {
        let (from_hz, to_hz) = (block.rate_hz(), self.encoding.format.rate_hz());
        if from_hz == to_hz {
            return Ok(Cow::Borrowed(block));
        }
        let resampler = match &mut self.resampler {
            Some(resampler) => resampler,
            none => none.insert(Resampler::new(from_hz, to_hz).map_err(|error| {
                EncodeError::Refused {
                    encoder: "the resampler",
                    settings: format!("{from_hz} Hz to {to_hz} Hz"),
                    reason: error.to_string(),
                }
            })?),
        };
        Ok(Cow::Owned(resampler.feed(block.clone())))
    }

    /// A place in the programme as sample frames at the format's rate, counted from where the line
    /// joined: the first that is not before it.
    fn own(&self, place: u64) -> u64 {
        let since = place.saturating_sub(self.joined);
        scaled(since, self.programme_hz, self.encoding.format.rate_hz())
    }

    /// The place in the programme of a sample frame that the line has made.
    fn place(&self, own: u64) -> u64 {
        let since = u128::from(own) * u128::from(self.programme_hz);
        let since = since / u128::from(self.encoding.format.rate_hz());
        self.joined + u64::try_from(since).unwrap_or(u64::MAX)
    }

    /// Takes what is ready, from whoever makes it at present.
    fn collect(&mut self) {
        if let Some(splice) = self.splice.as_mut().filter(|splice| !splice.is_passing()) {
            while let Some(encoded) = self.encoder.frame() {
                splice.put(encoded.bytes);
            }
        }
        while let Some(encoded) = match (&mut self.passing, &mut self.splice) {
            (Some(passing), _) => passing.page(),
            (None, Some(splice)) => splice.frame(self.fed),
            (None, None) => self.encoder.frame(),
        } {
            let frame = self.framed(encoded);
            self.frames.push_back(frame);
        }
    }

    /// What was `encoded`, with its place in the programme and its title.
    fn framed(&mut self, encoded: Encoded) -> Frame {
        let position = self.place(self.given);
        self.given += u64::from(encoded.sample_frames);
        while self.coming.front().is_some_and(|(at, _)| self.own(*at) < self.given) {
            if let Some((_, title)) = self.coming.pop_front() {
                self.title = title;
            }
        }
        Frame {
            position,
            sample_frames: encoded.sample_frames,
            bytes: encoded.bytes,
            head: encoded.head,
            title: Arc::clone(&self.title),
        }
    }
}

/// `sample_frames` of one rate at another; what is begun counts as whole.
fn scaled(sample_frames: u64, from_hz: u32, to_hz: u32) -> u64 {
    let scaled = (u128::from(sample_frames) * u128::from(to_hz)).div_ceil(from_hz.into());
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

/// So much silence.
fn silence(rate_hz: u32, channels: Channels, sample_frames: u32) -> Block {
    let plane = vec![0.0; sample_frames as usize];
    match channels {
        Channels::Mono => Block::of(rate_hz, Layout::mono(), vec![plane]),
        Channels::Stereo => Some(Block::stereo(rate_hz, plane.clone(), plane)),
    }
    .expect("one plane for one channel")
}

/// Both sides of `block` at half their level: what is the same on both keeps its own.
fn mono(block: &Block) -> Block {
    let sides = block.plane(0).iter().zip(block.plane(1));
    let middle = sides.map(|(left, right)| 0.5 * (left + right)).collect();
    Block::of(block.rate_hz(), Layout::mono(), vec![middle]).expect("one plane for one channel")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::mp3::Mp3;
    use crate::encode::opus::Opus;
    use crate::encode::{Format, Titles};
    use crate::mix::tone::{Filler, Sound};
    use common::ogg::comment::Tags;

    #[test]
    fn equal_formats_are_encoded_once() {
        let rack = Rack::new(&[mp3(44_100, 128), mp3(44_100, 64), mp3(44_100, 128)]).unwrap();

        assert_eq!(rack.lines.len(), 2);
        assert_eq!(rack.line_of(mp3(44_100, 64)), Some(1));
        assert_eq!(rack.line_of(mp3(44_100, 96)), None);
    }

    #[test]
    fn frames_of_every_format_cover_the_programme_without_a_hole() {
        for rate_hz in [22_050, 44_100] {
            let mut rack = Rack::new(&[mp3(rate_hz, 64), mp3(rate_hz, 128)]).unwrap();

            let frames = fed(&mut rack, rate_hz, 100, 1_000);

            for line in 0..2 {
                let mut next = 0;
                for (_, frame) in frames.iter().filter(|(of, _)| *of == line) {
                    assert_eq!(frame.position, next);
                    next += u64::from(frame.sample_frames);
                }
                assert!((93_000..=100_000).contains(&next), "{next} sample frames came out");
            }
        }
    }

    #[test]
    fn a_title_comes_with_the_frame_in_which_it_begins() {
        let mut rack = Rack::new(&[mp3(44_100, 128)]).unwrap();
        rack.title(0, &"a".into());
        rack.title(1_151, &"b".into());
        rack.title(2_304, &"c".into());

        let frames = fed(&mut rack, 44_100, 20, 1_152);

        let titles: Vec<&str> = frames.iter().take(4).map(|(_, frame)| &*frame.title).collect();
        assert_eq!(titles, ["b", "b", "c", "c"]);
    }

    #[test]
    fn an_encoder_that_joins_later_knows_where_it_is_and_what_sounds() {
        let mut rack = Rack::new(&[mp3(44_100, 128)]).unwrap();
        fed(&mut rack, 44_100, 10, 1_152);

        let line = rack.add(mp3(44_100, 64), 11_520, &"now".into()).unwrap();

        let frames = fed(&mut rack, 44_100, 10, 1_152);
        let (_, first) = frames.iter().find(|(of, _)| *of == line).unwrap();
        assert_eq!((first.position, &*first.title), (11_520, "now"));
    }

    #[test]
    fn an_encoder_that_nobody_wants_any_more_leaves_the_others_as_they_are() {
        let mut rack = Rack::new(&[mp3(44_100, 128), mp3(44_100, 64), mp3(44_100, 96)]).unwrap();
        let before = fed(&mut rack, 44_100, 10, 1_152);

        let places = rack.keep(|it| it != mp3(44_100, 64).into());

        let after = fed(&mut rack, 44_100, 10, 1_152);
        assert_eq!(places, [Some(0), None, Some(1)]);
        for (line, place) in [(0, 0), (2, 1)] {
            let of = |frames: &[(usize, Frame)], of| {
                let own = frames.iter().filter(|(line, _)| *line == of);
                own.map(|(_, frame)| frame.position).collect::<Vec<_>>()
            };
            let last = of(&before, line).last().copied().unwrap();
            assert_eq!(of(&after, place)[0], last + 1_152);
        }
    }

    #[test]
    fn a_format_of_another_rate_is_brought_to_it_and_knows_its_titles_to_the_sample() {
        let opus = Format::Opus(Opus {
            channels: Channels::Stereo,
            bitrate_kbps: 64,
            titles: Titles::InStream,
        });
        let mut rack = Rack::new(&[mp3(44_100, 128), opus]).unwrap();
        rack.title(0, &"a".into());
        rack.title(44_100, &"b".into());

        let frames = fed(&mut rack, 44_100, 90, 1_000);

        let opus: Vec<_> = frames.iter().filter(|(line, _)| *line == 1).collect();
        let plays = |title: &str| -> u32 {
            let own = opus.iter().filter(|(_, frame)| &*frame.title == title);
            own.map(|(_, frame)| frame.sample_frames).sum()
        };
        assert_eq!(plays("a"), 48_000);
        assert!((30_000..=48_900).contains(&plays("b")), "{}", plays("b"));
        for (_, frame) in &opus {
            assert_eq!(Tags::read(&frame.head).title.as_deref(), Some(&*frame.title));
        }
        let (_, first) = opus.iter().find(|(_, frame)| &*frame.title == "b").unwrap();
        assert_eq!(first.position, 44_100);
    }

    fn mp3(rate_hz: u32, bitrate_kbps: u32) -> Format {
        Format::Mp3(Mp3::constant(rate_hz, bitrate_kbps, 9))
    }

    fn fed(rack: &mut Rack, rate_hz: u32, blocks: usize, length: usize) -> Vec<(usize, Frame)> {
        let mut tone = Filler::new(Sound::Tone, rate_hz);
        let mut frames = Vec::new();
        for _ in 0..blocks {
            rack.feed(&tone.next(length), |line, frame| frames.push((line, frame))).unwrap();
        }
        frames
    }
}

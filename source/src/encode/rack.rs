//! The encoders of one programme: one for each different format, all fed with the same blocks.
//!
//! Formats cut the programme into frames of different lengths (1 152 sample frames in MP3 at
//! 44.1 kHz, 576 at 22.05 kHz, 1 024 or 2 048 in AAC), and some have a sample rate of their own or
//! one channel, to which the programme is brought first. So each encoder counts its own frames, and
//! a title is tied to a place in the programme: the frame in which that place lies is the first to
//! carry it.

use crate::encode::{Channels, EncodeError, Encoder, Format, Frame, Title};
use crate::pcm::block::{Block, Layout};
use crate::resample::Resampler;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

/// The encoders of one programme.
pub struct Rack {
    lines: Vec<Line>,
}

/// One encoder, and the titles that its next frames will carry.
struct Line {
    format: Format,
    encoder: Box<dyn Encoder>,
    /// Brings the programme to the format's rate; made with the first block.
    resampler: Option<Resampler>,
    /// The programme's rate.
    programme_hz: u32,
    /// Where in the programme it joined.
    joined: u64,
    /// Sample frames fed to the encoder, at the format's rate.
    fed: u64,
    /// Sample frames of the frames given out, at the format's rate.
    given: u64,
    title: Arc<str>,
    /// Titles still to be told to the encoder, with the places in the programme where they begin.
    untold: VecDeque<(u64, Title)>,
    /// Titles still to come in a frame.
    coming: VecDeque<(u64, Arc<str>)>,
}

impl Rack {
    /// A rack that makes each of `formats` once, however often it is named.
    ///
    /// Fails if an encoder does not take its settings.
    pub fn new(formats: &[Format]) -> Result<Self, EncodeError> {
        let mut rack = Self { lines: Vec::new() };
        for &format in formats {
            rack.add(format, 0, &Title::default())?;
        }
        Ok(rack)
    }

    /// Adds an encoder for `format`, which begins at `position` with `title`, unless there is one;
    /// says which line it is.
    ///
    /// Fails if the encoder does not take its settings.
    pub fn add(
        &mut self,
        format: Format,
        position: u64,
        title: &Title,
    ) -> Result<usize, EncodeError> {
        if let Some(line) = self.line_of(format) {
            return Ok(line);
        }
        let mut encoder = format.encoder()?;
        encoder.begin(title)?;
        self.lines.push(Line {
            format,
            encoder,
            resampler: None,
            programme_hz: format.rate_hz(),
            joined: position,
            fed: 0,
            given: 0,
            title: Arc::clone(&title.shown),
            untold: VecDeque::new(),
            coming: VecDeque::new(),
        });
        Ok(self.lines.len() - 1)
    }

    /// Takes away the encoders of formats that are not `wanted`; says for each line that there was
    /// which one it is now, if it is still there.
    pub fn keep(&mut self, wanted: impl Fn(Format) -> bool) -> Vec<Option<usize>> {
        let mut left = 0;
        let places = self.lines.iter().map(|line| {
            wanted(line.format).then(|| {
                left += 1;
                left - 1
            })
        });
        let places = places.collect();
        self.lines.retain(|line| wanted(line.format));
        places
    }

    /// The line that makes `format`, if there is one.
    pub fn line_of(&self, format: Format) -> Option<usize> {
        self.lines.iter().position(|line| line.format == format)
    }

    /// From `position` in the programme on, `title` is what sounds. Told in the order of the
    /// programme, before the block in which the position lies.
    pub fn title(&mut self, position: u64, title: &Title) {
        for line in &mut self.lines {
            line.untold.push_back((position, title.clone()));
            line.coming.push_back((position, Arc::clone(&title.shown)));
        }
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
        for (number, line) in self.lines.iter_mut().enumerate() {
            line.feed(block)?;
            while let Some(frame) = line.next_frame() {
                take(number, frame);
            }
        }
        Ok(())
    }
}

impl Line {
    fn feed(&mut self, block: &Block) -> Result<(), EncodeError> {
        let mut rest = self.at_own_rate(block)?;
        if self.format.channels() == Channels::Mono {
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
            }
        }
        self.encoder.feed(&rest)?;
        self.fed += rest.sample_frames() as u64;
        Ok(())
    }

    /// `block` at the format's rate, or what there is of it by now.
    fn at_own_rate<'b>(&mut self, block: &'b Block) -> Result<Cow<'b, Block>, EncodeError> {
        let (from_hz, to_hz) = (block.rate_hz(), self.format.rate_hz());
        if from_hz == to_hz {
            return Ok(Cow::Borrowed(block));
        }
        self.programme_hz = from_hz;
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
        let since = u128::from(place.saturating_sub(self.joined));
        let own = (since * u128::from(self.format.rate_hz())).div_ceil(self.programme_hz.into());
        u64::try_from(own).unwrap_or(u64::MAX)
    }

    /// The place in the programme of a sample frame that the line has made.
    fn place(&self, own: u64) -> u64 {
        let since = u128::from(own) * u128::from(self.programme_hz);
        let since = since / u128::from(self.format.rate_hz());
        self.joined + u64::try_from(since).unwrap_or(u64::MAX)
    }

    fn next_frame(&mut self) -> Option<Frame> {
        let encoded = self.encoder.frame()?;
        let position = self.place(self.given);
        self.given += u64::from(encoded.sample_frames);
        while self.coming.front().is_some_and(|(at, _)| self.own(*at) < self.given) {
            self.title = self.coming.pop_front().map(|(_, title)| title)?;
        }
        Some(Frame {
            position,
            sample_frames: encoded.sample_frames,
            bytes: encoded.bytes,
            head: encoded.head,
            title: Arc::clone(&self.title),
        })
    }
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
    use crate::encode::Titles;
    use crate::encode::mp3::Mp3;
    use crate::encode::opus::Opus;
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

        let places = rack.keep(|format| format != mp3(44_100, 64));

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

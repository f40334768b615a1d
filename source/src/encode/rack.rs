//! The encoders of one programme: one for each different format, all fed with the same blocks.
//!
//! Formats cut the programme into frames of different lengths (1 152 sample frames in MP3 at
//! 44.1 kHz, 576 at 22.05 kHz, 1 024 or 2 048 in AAC), so each encoder counts its own frames, and
//! a title is tied to a place in the programme: the frame in which that place lies is the first to
//! carry it.

use crate::encode::{EncodeError, Encoder, Format, Frame};
use crate::pcm::block::Block;
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
    /// Where its next frame begins in the programme.
    position: u64,
    title: Arc<str>,
    /// Titles still to come, with the places where they begin.
    coming: VecDeque<(u64, Arc<str>)>,
}

impl Rack {
    /// A rack that makes each of `formats` once, however often it is named.
    ///
    /// Fails if an encoder does not take its settings.
    pub fn new(formats: &[Format]) -> Result<Self, EncodeError> {
        let mut rack = Self { lines: Vec::new() };
        for &format in formats {
            rack.add(format, 0, &Arc::from(""))?;
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
        title: &Arc<str>,
    ) -> Result<usize, EncodeError> {
        if let Some(line) = self.line_of(format) {
            return Ok(line);
        }
        self.lines.push(Line {
            format,
            encoder: format.encoder()?,
            position,
            title: Arc::clone(title),
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
    pub fn title(&mut self, position: u64, title: &Arc<str>) {
        for line in &mut self.lines {
            line.coming.push_back((position, Arc::clone(title)));
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
            line.encoder.feed(block)?;
            while let Some(frame) = line.next_frame() {
                take(number, frame);
            }
        }
        Ok(())
    }
}

impl Line {
    fn next_frame(&mut self) -> Option<Frame> {
        let (bytes, sample_frames) = self.encoder.frame()?;
        let position = self.position;
        self.position += u64::from(sample_frames);
        while self.coming.front().is_some_and(|(at, _)| *at < self.position) {
            self.title = self.coming.pop_front().map(|(_, title)| title)?;
        }
        Some(Frame { position, sample_frames, bytes, title: Arc::clone(&self.title) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::mp3::Mp3;
    use crate::mix::tone::{Filler, Sound};

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

    fn mp3(rate_hz: u32, bitrate_kbps: u32) -> Format {
        Format::Mp3(Mp3 { rate_hz, bitrate_kbps, quality: 9 })
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

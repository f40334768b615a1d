//! Where a programme goes: its blocks to the encoders, and their frames to the outputs.
//!
//! Each output has a queue of its own. A frame that a queue has no room for is lost to that output
//! and to no other, and nothing waits for it.

use crate::encode::rack::Rack;
use crate::encode::{EncodeError, Encoding, Frame, Title};
use crate::programme::Cut;
use std::sync::Arc;
use tokio::sync::mpsc;

/// The encoders and the queues of the outputs.
pub struct Fan {
    rack: Rack,
    outlets: Vec<(usize, Outlet)>,
    /// Frames that are ready to go out, with the lines that made them.
    ready: Vec<(usize, Frame)>,
}

/// An output as the programme sees it.
#[derive(Debug)]
pub struct Outlet {
    /// What the output is called.
    pub id: Arc<str>,
    /// What it wants.
    pub encoding: Encoding,
    /// Where it takes its frames from.
    pub queue: mpsc::Sender<Frame>,
}

impl Fan {
    /// A fan to `outlets`.
    ///
    /// Fails if an encoder does not take its settings.
    pub fn new(outlets: Vec<Outlet>) -> Result<Self, EncodeError> {
        let encodings: Vec<Encoding> = outlets.iter().map(|outlet| outlet.encoding).collect();
        let rack = Rack::new(&encodings)?;
        let line = |outlet: &Outlet| rack.line_of(outlet.encoding).unwrap_or_default();
        let outlets = outlets.into_iter().map(|outlet| (line(&outlet), outlet)).collect();
        Ok(Self { rack, outlets, ready: Vec::new() })
    }

    /// Lets the outputs called `unplug` go, and those of `plug` come, from `position` in the
    /// programme on, where the next cut begins and `title` sounds. The frames of all others go on
    /// as if nothing had happened.
    ///
    /// Fails for those whose encoder does not take its settings; they are left out.
    pub fn rewire(
        &mut self,
        unplug: &[Arc<str>],
        plug: Vec<Outlet>,
        position: u64,
        title: &Title,
    ) -> Vec<(Arc<str>, EncodeError)> {
        let mut faults = Vec::new();
        self.outlets.retain(|(_, outlet)| !unplug.contains(&outlet.id));
        for outlet in plug {
            match self.rack.add(outlet.encoding, position, title) {
                Ok(line) => self.outlets.push((line, outlet)),
                Err(error) => faults.push((outlet.id, error)),
            }
        }
        let outlets = &mut self.outlets;
        let places = self.rack.keep(|it| outlets.iter().any(|(_, outlet)| outlet.encoding == it));
        let place = |line: usize| places.get(line).copied().flatten();
        outlets.retain_mut(|(line, _)| place(*line).map(|place| *line = place).is_some());
        self.ready.retain_mut(|(line, _)| place(*line).map(|place| *line = place).is_some());
        faults
    }

    /// Encodes `cut`, from which it takes what passes untouched; the frames that come of it wait
    /// for [`Fan::send`].
    ///
    /// Fails if an encoder does.
    pub fn encode(&mut self, cut: &mut Cut) -> Result<(), EncodeError> {
        for (position, title) in &cut.titles {
            self.rack.title(*position, title);
        }
        for (position, passage) in cut.passages.drain(..) {
            self.rack.pass(position, passage);
        }
        self.rack.feed(&cut.block, |line, frame| self.ready.push((line, frame)))
    }

    /// Gives out the frames that are ready; says how many found no room.
    pub fn send(&mut self) -> u64 {
        let mut dropped = 0;
        for (line, frame) in self.ready.drain(..) {
            for (_, outlet) in self.outlets.iter().filter(|(of, _)| *of == line) {
                dropped += u64::from(outlet.queue.try_send(frame.clone()).is_err());
            }
        }
        dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::Format;
    use crate::encode::mp3::Mp3;
    use crate::mix::tone::{Filler, Sound};
    use crate::programme::CUT_SAMPLE_FRAMES;
    use std::sync::Arc;

    #[test]
    fn who_stays_hears_no_break_when_others_come_and_go() {
        let (stays, mut heard) = outlet("stays", 128);
        let (goes, mut left) = outlet("goes", 64);
        let (comes, mut fresh) = outlet("comes", 96);
        let (joins, mut joined) = outlet("joins", 128);
        let mut studio = Studio::new(vec![goes, stays]);
        studio.play(20);

        studio.rewire(&["goes".into()], vec![comes, joins]);
        studio.play(20);

        let heard = all(&mut heard);
        let undisturbed = {
            let (only, mut undisturbed) = outlet("only", 128);
            Studio::new(vec![only]).play(40);
            all(&mut undisturbed)
        };
        assert_eq!(heard, undisturbed, "the same bytes as if it had been alone");
        assert!(all(&mut left).iter().all(|frame| frame.position < 20 * 1_152));
        assert!(left.is_closed(), "nothing comes any more");
        let fresh = all(&mut fresh);
        assert_eq!((fresh[0].position, &*fresh[0].title), (21 * 1_152, "now"));
        let joined = all(&mut joined);
        assert_eq!(joined[..], heard[heard.len() - joined.len()..]);
        assert!(joined.len() >= 20, "{}", joined.len());
    }

    /// A fan, fed with a tone as the programme does it: a cut is encoded before it is due.
    struct Studio {
        fan: Fan,
        tone: Filler,
        cuts: u64,
    }

    impl Studio {
        fn new(outlets: Vec<Outlet>) -> Self {
            let fan = Fan::new(outlets).unwrap();
            let mut studio = Self { fan, tone: Filler::new(Sound::Tone, 44_100), cuts: 0 };
            studio.encode();
            studio
        }

        fn encode(&mut self) {
            let position = self.cuts * CUT_SAMPLE_FRAMES as u64;
            let block = self.tone.next(CUT_SAMPLE_FRAMES);
            let (titles, passages) = (Vec::new(), Vec::new());
            let mut cut = Cut { number: self.cuts, position, block, titles, passages };
            self.fan.encode(&mut cut).unwrap();
            self.cuts += 1;
        }

        fn play(&mut self, cuts: usize) {
            for _ in 0..cuts {
                assert_eq!(self.fan.send(), 0);
                self.encode();
            }
        }

        fn rewire(&mut self, unplug: &[Arc<str>], plug: Vec<Outlet>) {
            let position = self.cuts * CUT_SAMPLE_FRAMES as u64;
            let faults = self.fan.rewire(unplug, plug, position, &"now".into());
            assert!(faults.is_empty());
        }
    }

    fn outlet(id: &str, bitrate_kbps: u32) -> (Outlet, mpsc::Receiver<Frame>) {
        let (queue, frames) = mpsc::channel(100);
        let encoding = Format::Mp3(Mp3::constant(44_100, bitrate_kbps, 9)).into();
        (Outlet { id: id.into(), encoding, queue }, frames)
    }

    fn all(frames: &mut mpsc::Receiver<Frame>) -> Vec<Frame> {
        std::iter::from_fn(|| frames.try_recv().ok()).collect()
    }
}

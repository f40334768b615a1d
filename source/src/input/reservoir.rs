//! What has come of a live source and is not yet played: a bounded stretch of audio, with titles.
//!
//! As long as nobody takes it, only the latest of it is kept, so that who takes over is heard as he
//! is now. Pure.

use crate::input::title::LiveTitle;
use crate::pcm::block::Block;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Something that comes from a live source.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// Audio, at the source's rate.
    Audio(Block),
    /// What it is called from here on.
    Title(Arc<LiveTitle>),
}

/// What has come and is not yet played.
#[derive(Clone, Debug)]
pub struct Reservoir {
    waiting: VecDeque<Heard>,
    length: Duration,
    /// So much has to be there before it is played.
    buffer: Duration,
    /// What the audio at its front is called.
    title: Arc<LiveTitle>,
    is_taken: bool,
    has_ended: bool,
    /// It is not ready before it is as loud as this again.
    wanted_db: Option<f64>,
    /// How long it has been so loud.
    sounding: Duration,
}

impl Reservoir {
    /// An empty one, of which so much has to be there before it is played.
    pub fn new(buffer: Duration, title: Arc<LiveTitle>) -> Self {
        let (is_taken, has_ended) = (false, false);
        Self {
            waiting: VecDeque::new(),
            length: Duration::ZERO,
            buffer,
            title,
            is_taken,
            has_ended,
            wanted_db: None,
            sounding: Duration::ZERO,
        }
    }

    /// Takes in what has come.
    pub fn put(&mut self, heard: Heard) {
        self.listen(&heard);
        self.length += length(&heard);
        self.waiting.push_back(heard);
        while !self.is_taken
            && let Some(front) = self.waiting.front()
            && (self.length.saturating_sub(length(front)) >= self.buffer
                || matches!(front, Heard::Title(_)))
        {
            self.take_next();
        }
    }

    /// It was left because it was quieter than this, and is ready as soon as it sounds again.
    pub fn wait_for_sound(&mut self, quiet_db: f64) {
        (self.wanted_db, self.sounding) = (Some(quiet_db), Duration::ZERO);
    }

    /// Whether it has to sound before it is ready.
    pub fn waits_for_sound(&self) -> bool {
        self.wanted_db.is_some()
    }

    /// It may be as quiet as it is.
    pub fn need_not_sound(&mut self) {
        self.wanted_db = None;
    }

    fn listen(&mut self, heard: &Heard) {
        let (Some(wanted_db), Heard::Audio(block)) = (self.wanted_db, heard) else { return };
        self.sounding = if block.level_db() >= wanted_db {
            self.sounding + length(heard)
        } else {
            self.sounding.saturating_sub(length(heard))
        };
        if self.sounding >= SOUND_MIN {
            self.wanted_db = None;
        }
    }

    /// The source has left; what has come is still heard by who has taken it.
    pub fn end(&mut self) {
        self.has_ended = true;
    }

    /// Whether it can be played: enough is there, more comes, and nobody plays it.
    pub fn is_ready(&self) -> bool {
        !self.is_taken && !self.has_ended && !self.waits_for_sound() && self.length >= self.buffer
    }

    /// Whether so much waits that no more should be taken in for now. What nobody plays is never
    /// full, since the old makes room.
    pub fn is_full(&self) -> bool {
        self.is_taken && self.length >= self.buffer
    }

    /// Takes it to be played, if it is ready: what it is called.
    pub fn take(&mut self) -> Option<Arc<LiveTitle>> {
        let is_ready = self.is_ready();
        self.is_taken |= is_ready;
        is_ready.then(|| Arc::clone(&self.title))
    }

    /// Takes it, however little is there.
    #[cfg(test)]
    pub(super) fn take_in_any_case(&mut self) {
        self.is_taken = true;
    }

    /// Gives it back; more of it may be wanted later.
    pub fn give_back(&mut self) {
        self.is_taken = false;
    }

    /// The next of it.
    pub fn take_next(&mut self) -> Option<Heard> {
        let next = self.waiting.pop_front()?;
        self.length = self.length.saturating_sub(length(&next));
        if let Heard::Title(title) = &next {
            self.title = Arc::clone(title);
        }
        Some(next)
    }

    /// Whether nothing more comes.
    pub fn is_over(&self) -> bool {
        self.has_ended && self.waiting.is_empty()
    }

    /// How long that plays which waits.
    pub fn length(&self) -> Duration {
        self.length
    }
}

fn length(heard: &Heard) -> Duration {
    match heard {
        Heard::Audio(block) => {
            let ns = block.sample_frames() as u64 * 1_000_000_000 / u64::from(block.rate_hz());
            Duration::from_nanos(ns)
        }
        Heard::Title(_) => Duration::ZERO,
    }
}

/// A click is no sound: so much more than silence has to come.
const SOUND_MIN: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_ready_when_enough_is_there_and_keeps_the_latest() {
        let mut reservoir = Reservoir::new(ms(200), titled(""));
        reservoir.put(audio(1.0));
        assert!(!reservoir.is_ready());
        reservoir.put(Heard::Title(titled("a")));
        reservoir.put(audio(2.0));
        assert!(reservoir.is_ready());
        reservoir.put(audio(3.0));

        assert_eq!((reservoir.length(), reservoir.is_full()), (ms(200), false));
        assert_eq!(reservoir.take(), Some(titled("a")));
        assert_eq!((reservoir.take(), reservoir.is_full()), (None, true));
        assert_eq!(
            (reservoir.take_next(), reservoir.take_next()),
            (Some(audio(2.0)), Some(audio(3.0)))
        );
        assert_eq!((reservoir.take_next(), reservoir.is_over()), (None, false));
    }

    #[test]
    fn who_has_taken_it_hears_all_and_then_it_is_over() {
        let mut reservoir = Reservoir::new(ms(100), titled(""));
        reservoir.put(audio(1.0));
        reservoir.take();
        reservoir.put(audio(2.0));
        reservoir.put(Heard::Title(titled("b")));
        reservoir.end();

        let heard: Vec<_> = std::iter::from_fn(|| reservoir.take_next()).collect();

        assert_eq!(heard, [audio(1.0), audio(2.0), Heard::Title(titled("b"))]);
        assert!(reservoir.is_over() && !reservoir.is_ready());
    }

    #[test]
    fn what_was_given_back_is_ready_again_when_enough_has_come() {
        let mut reservoir = Reservoir::new(ms(100), titled(""));
        reservoir.put(audio(1.0));
        reservoir.take();
        reservoir.take_next();
        reservoir.give_back();
        assert!(!reservoir.is_ready());

        reservoir.put(audio(2.0));

        assert!(reservoir.is_ready());
        reservoir.end();
        assert!(!reservoir.is_ready(), "the source has left");
    }

    #[test]
    fn what_was_left_for_silence_is_ready_when_it_sounds_again_and_not_by_a_click() {
        let mut reservoir = Reservoir::new(ms(100), titled(""));
        reservoir.put(audio(0.0));
        reservoir.take();
        reservoir.wait_for_sound(-40.0);
        reservoir.give_back();
        for _ in 0..50 {
            reservoir.put(audio(0.5));
            reservoir.put(audio(0.001));
            reservoir.put(audio(0.001));
        }
        assert!(!reservoir.is_ready(), "a click now and then");

        for _ in 0..4 {
            reservoir.put(audio(0.5));
        }
        assert!(!reservoir.is_ready(), "not for long enough");
        reservoir.put(audio(0.5));
        assert!(reservoir.is_ready());
        reservoir.put(audio(0.0));
        assert!(reservoir.is_ready(), "silence has to be noticed anew");

        reservoir.wait_for_sound(-40.0);
        assert!(!reservoir.is_ready());
        reservoir.need_not_sound();
        assert!(reservoir.is_ready());
    }

    /// A tenth of a second.
    fn audio(level: f32) -> Heard {
        Heard::Audio(Block::stereo(1_000, vec![level; 100], vec![level; 100]))
    }

    fn titled(title: &str) -> Arc<LiveTitle> {
        Arc::new(LiveTitle { title: Some(title.to_owned()), ..LiveTitle::default() })
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }
}

//! A listener's place in a stream, and what to write next.
//!
//! A listener is sent pieces of the shared stream, and between them what is its own: the head of
//! the answer, ICY blocks, or the framing of HTTP/1.1 chunks. Nothing of the stream is copied: the
//! pieces are borrowed for one vectored write, and then the place is moved by as many bytes as
//! the socket took.
//!
//! Pure: this module knows no socket. It plans a write, is told how much of it was taken, and says
//! how far behind the listener is.

use crate::mount::stream::{After, Link, Start};
use bytes::Bytes;
use common::{http::chunked, icy};
use std::io::IoSlice;
use std::num::NonZeroU32;
use std::sync::Arc;

/// How the stream is wrapped for a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrapping {
    /// HTTP/1.1 chunks; the end of the stream is said, not guessed.
    Chunked,
    /// A block after every so many bytes of audio.
    Icy(NonZeroU32),
    /// The bytes as they are, until the connection closes.
    Plain,
}

/// A listener's place.
#[derive(Debug)]
pub(crate) struct Feed {
    /// What goes out before anything else: the head, or the rest of a piece begun.
    owed: Bytes,
    link: Arc<Link>,
    place: Place,
    /// Where it leaves what it hears now; rare, and boxed so that it costs others nothing.
    jump: Option<Box<Jump>>,
}

/// The end of one stream for a listener that goes on with another.
#[derive(Clone, Copy, Debug)]
struct Jump {
    /// The listener leaves when it has been sent so much of the stream, at the end of a link.
    after_bytes: u64,
    landing: Landing,
}

/// Where in the other stream a listener goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Landing {
    /// Where a newcomer would: what it heard before was short.
    Burst,
    /// At its newest link: its player still holds what it was ahead before.
    Newest,
}

/// Where a listener stands, within or after the link that it holds.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// Bytes of the link's audio that have been sent.
    used_bytes: usize,
    wrap: Wrap,
    /// Whether it has nothing of the stream yet, and passes over links that are no entry.
    awaits_entry: bool,
}

/// Where a listener stands in its wrapping.
#[derive(Clone, Copy, Debug)]
enum Wrap {
    Chunked(Part),
    /// `told` is the serial of the last title sent.
    Icy {
        interval_bytes: NonZeroU32,
        due_in_bytes: u32,
        told: u64,
    },
    Plain,
}

impl Wrap {
    /// The stream headers `headers`, wrapped, which go out before the audio.
    fn headers(&mut self, headers: Bytes) -> Bytes {
        match self {
            Self::Chunked(_) => chunked::whole(&headers),
            Self::Icy { interval_bytes, due_in_bytes, .. } => {
                icy::without_news(&headers, *interval_bytes, due_in_bytes)
            }
            Self::Plain => headers,
        }
    }
}

/// What of a link comes next to a chunked listener.
#[derive(Clone, Copy, Debug)]
enum Part {
    Audio,
    Closing,
    Opening,
    /// The end of the body has been said.
    Over,
    /// Nothing: the link has been sent.
    Sent,
}

/// The next piece, and where the listener stands once it is sent.
enum Step<'a> {
    CaughtUp,
    End,
    Follow(&'a Arc<Link>, Place),
    Piece { bytes: &'a [u8], is_audio: bool, then: Place },
}

/// What a plan comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// All that has been aired is sent, and more will come.
    CaughtUp,
    /// All is sent, and nothing more will come.
    End,
    /// All is sent of what comes before the other stream; it goes on with [`Feed::land`].
    Land(Landing),
    /// So many bytes are in so many slices.
    Write { slices: usize, bytes: usize },
}

impl Feed {
    /// A listener that is to get `head` and then the stream from `start` on, beginning with the
    /// stream headers that it needs.
    pub(crate) fn new(head: &[u8], start: Start, wrapping: Wrapping) -> Self {
        let mut wrap = match wrapping {
            Wrapping::Chunked if start.before_link => Wrap::Chunked(Part::Opening),
            Wrapping::Chunked => Wrap::Chunked(Part::Sent),
            Wrapping::Icy(interval_bytes) => {
                Wrap::Icy { interval_bytes, due_in_bytes: interval_bytes.get(), told: 0 }
            }
            Wrapping::Plain => Wrap::Plain,
        };
        let used_bytes = if start.before_link { 0 } else { start.link.bytes.len() };
        let owed = [head, &wrap.headers(start.headers)].concat().into();
        let place = Place { used_bytes, wrap, awaits_entry: !start.before_link };
        Self { owed, link: start.link, place, jump: None }
    }

    /// A listener that is to get `head`, then the intro from `start` up to its end at
    /// `intro_bytes`, and then the stream. The intro's title is not its listeners' business.
    pub(crate) fn with_intro(
        head: &[u8],
        start: Start,
        intro_bytes: u64,
        wrapping: Wrapping,
    ) -> Self {
        let serial = start.link.title.serial;
        let mut feed = Self::new(head, start, wrapping);
        if let Wrap::Icy { told, .. } = &mut feed.place.wrap {
            *told = serial;
        }
        feed.jump = Some(Box::new(Jump { after_bytes: intro_bytes, landing: Landing::Burst }));
        feed
    }

    /// Lets the listener leave its stream once it has been sent the first `after_bytes` of it.
    /// One that is still in an intro goes from there to wherever it is by then.
    pub(crate) fn leave_after(&mut self, after_bytes: u64) {
        if self.jump.is_none() {
            self.jump = Some(Box::new(Jump { after_bytes, landing: Landing::Newest }));
        }
    }

    /// Takes [`Feed::leave_after`] back.
    pub(crate) fn stay(&mut self) {
        self.jump.take_if(|jump| jump.landing == Landing::Newest);
    }

    /// Goes on from `start` in the other stream, after [`Plan::Land`].
    pub(crate) fn land(&mut self, start: Start) {
        let Start { link, before_link, headers } = start;
        self.jump = None;
        self.place.awaits_entry = !before_link;
        self.place.used_bytes = if before_link { 0 } else { link.bytes.len() };
        if let Wrap::Chunked(part) = &mut self.place.wrap {
            *part = if before_link { Part::Opening } else { Part::Sent };
        }
        self.owed = self.place.wrap.headers(headers);
        self.link = link;
    }

    /// Where the listener is to land, if it has been sent all that comes before.
    fn landing(&self, link: &Link, place: &Place) -> Option<Landing> {
        let jump = self.jump.as_ref().filter(|jump| link.end_bytes >= jump.after_bytes)?;
        let sent = match place.wrap {
            Wrap::Chunked(part) => matches!(part, Part::Sent),
            Wrap::Icy { .. } | Wrap::Plain => place.used_bytes == link.bytes.len(),
        };
        sent.then_some(jump.landing)
    }

    /// Fills `slices` with what comes next, up to about `bytes_max`.
    pub(crate) fn plan<'a>(
        &'a self,
        slices: &mut [IoSlice<'a>; SLICES_MAX],
        bytes_max: usize,
    ) -> Plan {
        let (mut used, mut planned) = (0, 0);
        if !self.owed.is_empty() {
            slices[0] = IoSlice::new(&self.owed);
            (used, planned) = (1, self.owed.len());
        }
        let (mut link, mut place) = (&self.link, self.place);
        while planned < bytes_max && used < SLICES_MAX {
            match (self.landing(link, &place), planned) {
                (Some(landing), 0) => return Plan::Land(landing),
                (Some(_), _) => break,
                (None, _) => {}
            }
            match place.step(link) {
                Step::CaughtUp if planned == 0 => return Plan::CaughtUp,
                Step::End if planned == 0 => return Plan::End,
                Step::CaughtUp | Step::End => break,
                Step::Follow(next, then) => (link, place) = (next, then),
                Step::Piece { bytes, then, .. } => {
                    slices[used] = IoSlice::new(bytes);
                    used += 1;
                    planned += bytes.len();
                    place = then;
                }
            }
        }
        Plan::Write { slices: used, bytes: planned }
    }

    /// Moves the place by `bytes`, which have been written of the last plan.
    pub(crate) fn advance(&mut self, mut bytes: usize) {
        let owed = bytes.min(self.owed.len());
        self.owed = self.owed.split_off(owed);
        bytes -= owed;

        let (mut link, mut place) = (&self.link, self.place);
        while bytes > 0 {
            match place.step(link) {
                Step::CaughtUp | Step::End => unreachable!("more was written than was planned"),
                Step::Follow(next, then) => (link, place) = (next, then),
                Step::Piece { bytes: piece, then, .. } if piece.len() <= bytes => {
                    bytes -= piece.len();
                    place = then;
                }
                Step::Piece { is_audio: true, .. } => {
                    place.pass_audio(bytes);
                    bytes = 0;
                }
                Step::Piece { bytes: piece, then, .. } => {
                    self.owed = Bytes::copy_from_slice(&piece[bytes..]);
                    place = then;
                    bytes = 0;
                }
            }
        }
        self.place = place;
        if !Arc::ptr_eq(link, &self.link) {
            self.link = Arc::clone(link);
        }
    }

    /// How far the listener is behind a stream that ends at `edge_bytes`; in an intro, which is
    /// kept anyway, it is not behind.
    pub(crate) fn behind_bytes(&self, edge_bytes: u64) -> u64 {
        let edge_bytes = match self.jump.as_deref() {
            None => edge_bytes,
            Some(Jump { landing: Landing::Burst, .. }) => return 0,
            Some(Jump { landing: Landing::Newest, after_bytes }) => *after_bytes,
        };
        let unsent = (self.link.bytes.len() - self.place.used_bytes) as u64;
        edge_bytes.saturating_sub(self.link.end_bytes - unsent)
    }
}

impl Place {
    fn step(self, link: &Arc<Link>) -> Step<'_> {
        let audio = &link.bytes[self.used_bytes..];
        match self.wrap {
            Wrap::Chunked(Part::Opening) => {
                self.framing(&link.chunk_opening, Wrap::Chunked(Part::Audio))
            }
            Wrap::Chunked(Part::Audio) => {
                let then = Self {
                    used_bytes: link.bytes.len(),
                    wrap: Wrap::Chunked(Part::Closing),
                    ..self
                };
                Step::Piece { bytes: audio, is_audio: true, then }
            }
            Wrap::Chunked(Part::Closing) => {
                self.framing(chunked::CLOSING, Wrap::Chunked(Part::Sent))
            }
            Wrap::Chunked(Part::Over) => Step::End,
            Wrap::Chunked(Part::Sent) => match link.after() {
                After::Nothing => Step::CaughtUp,
                After::End => self.framing(chunked::END, Wrap::Chunked(Part::Over)),
                After::Link(next) => self.follow(next, Wrap::Chunked(Part::Opening)),
            },
            Wrap::Icy { interval_bytes, due_in_bytes: 0, told } => {
                let title = &link.title;
                let block = if title.serial == told { icy::NO_NEWS } else { &title.block };
                let due_in_bytes = interval_bytes.get();
                self.framing(block, Wrap::Icy { interval_bytes, due_in_bytes, told: title.serial })
            }
            Wrap::Icy { due_in_bytes, .. } if !audio.is_empty() => {
                let due = usize::try_from(due_in_bytes).unwrap_or(usize::MAX);
                let bytes = &audio[..audio.len().min(due)];
                let mut then = self;
                then.pass_audio(bytes.len());
                Step::Piece { bytes, is_audio: true, then }
            }
            Wrap::Plain if !audio.is_empty() => {
                let then = Self { used_bytes: link.bytes.len(), ..self };
                Step::Piece { bytes: audio, is_audio: true, then }
            }
            Wrap::Icy { .. } | Wrap::Plain => match link.after() {
                After::Nothing => Step::CaughtUp,
                After::End => Step::End,
                After::Link(next) => self.follow(next, self.wrap),
            },
        }
    }

    fn framing(self, bytes: &[u8], wrap: Wrap) -> Step<'_> {
        Step::Piece { bytes, is_audio: false, then: Self { wrap, ..self } }
    }

    /// Goes on to `next`, at whose start the wrapping is `wrap`.
    fn follow(self, next: &Arc<Link>, wrap: Wrap) -> Step<'_> {
        if self.awaits_entry && !next.is_entry {
            return Step::Follow(next, Self { used_bytes: next.bytes.len(), ..self });
        }
        Step::Follow(next, Self { used_bytes: 0, wrap, awaits_entry: false })
    }

    /// Some audio of the link has been sent.
    fn pass_audio(&mut self, bytes: usize) {
        self.used_bytes += bytes;
        if let Wrap::Icy { due_in_bytes, .. } = &mut self.wrap {
            *due_in_bytes -= u32::try_from(bytes).expect("no more than was due");
        }
    }
}

/// The most slices in one write; the kernel takes 1 024.
pub(crate) const SLICES_MAX: usize = 64;

#[cfg(test)]
mod tests;

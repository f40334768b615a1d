//! A mount's stream: one writer, any number of readers, and no lock of ours between them.
//!
//! The stream is a chain of *links*, each a chunk; a decoder may begin with those that are entries,
//! which all are where there are no pictures. The writer hangs each new link on the last; a
//! reader is only a place in the chain. So a burst needs
//! no machinery: a new listener is a reader that starts a little in the past. A link is freed when
//! nobody can reach it any more, so what a stream costs is what its slowest reader has yet to
//! read; whoever keeps a reader bounds that by how far it is [`Link::end_bytes`] behind.
//!
//! What a listener needs beside audio hangs on the same chain: each link knows the title that
//! was announced when it was aired, and the stream headers that a decoder needs before it. A
//! listener that starts in the past therefore sees the past's title first, as it should.

use bytes::Bytes;
use common::chunk::{Chunk, Opening};
use common::http::chunked;
use common::icy;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use tokio::sync::watch;

/// One chunk of the stream, with what hangs on it.
#[derive(Debug)]
pub(crate) struct Link {
    /// The audio.
    pub(crate) bytes: Bytes,
    /// Where it ends, in bytes since the stream began.
    pub(crate) end_bytes: u64,
    /// The line that opens it as a chunk of an HTTP/1.1 body.
    pub(crate) chunk_opening: Bytes,
    /// The title when it was aired.
    pub(crate) title: Arc<Title>,
    /// The headers that a decoder needs before it; empty if it needs none.
    pub(crate) headers: Bytes,
    /// Whether a decoder with the headers may begin with it.
    pub(crate) is_entry: bool,
    next: OnceLock<Next>,
}

#[derive(Debug)]
enum Next {
    /// The stream is over.
    End,
    Link(Arc<Link>),
}

/// What follows a link.
#[derive(Debug)]
pub(crate) enum After<'a> {
    /// The stream is over.
    End,
    /// The next link.
    Link(&'a Arc<Link>),
    /// Nothing yet.
    Nothing,
}

/// A title as it rides in the stream.
#[derive(Debug)]
pub(crate) struct Title {
    /// Counts the titles of all streams from 1 on, so that a listener knows whether it was told
    /// this one, also after it was moved from one stream to another.
    pub(crate) serial: u64,
    /// Its ICY block.
    pub(crate) block: Bytes,
}

impl Title {
    fn new(text: &str) -> Self {
        static SERIALS: AtomicU64 = AtomicU64::new(1);
        Self { serial: SERIALS.fetch_add(1, Ordering::Relaxed), block: icy::block(text) }
    }
}

impl Link {
    /// What follows.
    pub(crate) fn after(&self) -> After<'_> {
        match self.next.get() {
            None => After::Nothing,
            Some(Next::End) => After::End,
            Some(Next::Link(link)) => After::Link(link),
        }
    }
}

impl Drop for Link {
    /// Takes a long chain apart link by link; left to itself it would do so by recursion.
    fn drop(&mut self) {
        let mut next = self.next.take();
        while let Some(Next::Link(link)) = next {
            next = Arc::into_inner(link).and_then(|mut link| link.next.take());
        }
    }
}

/// The end of the stream that grows. There is one, and only the mount's owner has it.
#[derive(Debug)]
pub(crate) struct Writer {
    tail: Arc<Link>,
    /// The links that a new listener may start with, oldest first; at most `burst_bytes`.
    recent: VecDeque<Arc<Link>>,
    recent_bytes: usize,
    burst_bytes: usize,
    headers: Bytes,
    /// Headers that have come, and no audio after them yet.
    waiting_headers: Option<Chunk>,
    title: Arc<Title>,
    /// Where the stream ends now; readers wait on it.
    tip: watch::Sender<Tip>,
}

/// Where a stream ends at one moment, and where a listener may start that comes at it.
#[derive(Clone, Debug)]
pub(crate) struct Tip {
    /// Bytes since the stream began.
    pub(crate) bytes: u64,
    /// The start of a listener that gets the burst.
    pub(crate) burst: Start,
    /// The start of one that comes from another stream and has its burst from there.
    pub(crate) newest: Start,
}

impl Writer {
    /// An empty stream without a title. A new listener will get up to `burst_bytes` of the past.
    pub(crate) fn new(burst_bytes: usize) -> Self {
        let title = Arc::new(Title::new(""));
        let tail = Arc::new(Link {
            bytes: Bytes::new(),
            end_bytes: 0,
            chunk_opening: Bytes::new(),
            title: Arc::clone(&title),
            headers: Bytes::new(),
            is_entry: false,
            next: OnceLock::new(),
        });
        let nothing = Start { link: Arc::clone(&tail), before_link: false, headers: Bytes::new() };
        let tip = Tip { bytes: 0, burst: nothing.clone(), newest: nothing };
        Self {
            tail,
            recent: VecDeque::new(),
            recent_bytes: 0,
            burst_bytes,
            headers: Bytes::new(),
            waiting_headers: None,
            title,
            tip: watch::Sender::new(tip),
        }
    }

    /// Airs `chunk`. An empty one is nothing, nor are headers that are known. Others wait for the
    /// audio that they belong to: a listener that came or left between the two would have a stream
    /// without audio.
    pub(crate) fn air(&mut self, chunk: Chunk) {
        if chunk.bytes.is_empty() || chunk.opening == Opening::KnownHeaders {
            return;
        }
        if chunk.opening == Opening::Headers {
            self.waiting_headers = Some(chunk);
            return;
        }
        if let Some(headers) = self.waiting_headers.take() {
            self.link(headers);
        }
        self.link(chunk);
        self.trim();
        let newest = match self.tail.is_entry {
            true => Start::before(&self.tail),
            false => self.start_at(self.recent.iter().rfind(|link| link.is_entry)),
        };
        let bytes = self.tail.end_bytes;
        self.tip.send_replace(Tip { bytes, burst: self.start(), newest });
    }

    fn link(&mut self, chunk: Chunk) {
        let headers = match chunk.opening {
            Opening::Audio | Opening::Middle => self.headers.clone(),
            Opening::Headers | Opening::KnownHeaders => Bytes::new(),
        };
        if chunk.opening == Opening::Headers {
            // Copied, so that they do not keep the buffer of the audio around them.
            self.headers = Bytes::copy_from_slice(&chunk.bytes);
        }
        let is_entry = chunk.opening != Opening::Middle;
        let end_bytes = self.tail.end_bytes + chunk.bytes.len() as u64;
        let opening = &mut [0; chunked::OPENING_BYTES_MAX];
        let link = Arc::new(Link {
            chunk_opening: Bytes::copy_from_slice(chunked::opening(chunk.bytes.len(), opening)),
            bytes: chunk.bytes,
            end_bytes,
            title: Arc::clone(&self.title),
            headers,
            is_entry,
            next: OnceLock::new(),
        });
        self.hang(Next::Link(Arc::clone(&link)));
        self.recent_bytes += link.bytes.len();
        self.recent.push_back(Arc::clone(&link));
        self.tail = link;
    }

    /// Lets new listeners start with what comes next, whose headers may be others.
    pub(crate) fn forget_past(&mut self) {
        self.recent.clear();
        self.recent_bytes = 0;
        self.headers = Bytes::new();
        self.waiting_headers = None;
        self.tip.send_modify(|tip| tip.burst = self.start());
    }

    /// Gives new listeners up to `burst_bytes` of the past from now on.
    pub(crate) fn set_burst(&mut self, burst_bytes: usize) {
        self.burst_bytes = burst_bytes;
        self.trim();
    }

    fn trim(&mut self) {
        while self.recent_bytes > self.burst_bytes {
            let Some(oldest) = self.recent.pop_front() else { break };
            self.recent_bytes -= oldest.bytes.len();
        }
    }

    /// Announces `title` with the next link.
    pub(crate) fn announce(&mut self, title: &str) {
        self.title = Arc::new(Title::new(title));
    }

    /// The place where a new listener starts: at most `burst_bytes` in the past, and where a
    /// decoder may begin.
    pub(crate) fn start(&self) -> Start {
        self.start_at(self.recent.iter().find(|link| link.is_entry))
    }

    /// The start at `entry`, or at the next that comes if there is none in the burst.
    fn start_at(&self, entry: Option<&Arc<Link>>) -> Start {
        match entry {
            Some(link) => Start::before(link),
            None => {
                let (link, headers) = (Arc::clone(&self.tail), self.headers.clone());
                Start { link, before_link: false, headers }
            }
        }
    }

    /// Where the stream ends, now and from now on.
    pub(crate) fn tip(&self) -> watch::Receiver<Tip> {
        self.tip.subscribe()
    }

    fn hang(&self, next: Next) {
        assert!(self.tail.next.set(next).is_ok(), "only its one writer extends a stream");
    }
}

impl Drop for Writer {
    /// Ends the stream, so that its readers know that nothing more will come.
    fn drop(&mut self) {
        self.hang(Next::End);
        self.tip.send_modify(|_| ());
    }
}

/// Where a new listener starts.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    /// The link that it holds first.
    pub(crate) link: Arc<Link>,
    /// Whether that link is the first to send; else all of it is past, and so is all that comes
    /// before the next entry.
    pub(crate) before_link: bool,
    /// The stream headers that its decoder needs first.
    pub(crate) headers: Bytes,
}

impl Start {
    fn before(link: &Arc<Link>) -> Self {
        Self { link: Arc::clone(link), before_link: true, headers: link.headers.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn audio(text: &'static str) -> Chunk {
        let bytes = Bytes::from_static(text.as_bytes());
        Chunk { bytes, opening: Opening::Audio, plays: Duration::ZERO }
    }

    fn headers(text: &'static str) -> Chunk {
        Chunk { opening: Opening::Headers, ..audio(text) }
    }

    /// All that a listener who starts there would hear, by link.
    fn heard(start: &Start) -> Vec<Bytes> {
        let mut link = Arc::clone(&start.link);
        let mut heard = Vec::new();
        if start.before_link {
            heard.push(link.bytes.clone());
        }
        while let After::Link(next) = link.after() {
            let next = Arc::clone(next);
            heard.push(next.bytes.clone());
            link = next;
        }
        heard
    }

    #[test]
    fn a_listener_starts_where_a_decoder_may_begin() {
        let mut writer = Writer::new(7);
        let middle = |text| Chunk { opening: Opening::Middle, ..audio(text) };
        writer.air(audio("key"));
        writer.air(middle("a"));
        assert_eq!(heard(&writer.start()), ["key", "a"]);

        writer.air(middle("bbbb"));
        assert!(!writer.start().before_link, "the key is past");

        writer.air(audio("key"));
        writer.air(middle("c"));
        assert_eq!(heard(&writer.start()), ["key", "c"]);
        assert_eq!(heard(&writer.tip().borrow().newest), ["key", "c"]);
    }

    #[test]
    fn a_listener_starts_with_whole_chunks_that_fit_the_burst() {
        let mut writer = Writer::new(7);
        for text in ["aaa", "bbbb", "ccc"] {
            writer.air(audio(text));
        }

        assert_eq!(heard(&writer.start()), ["bbbb", "ccc"]);

        writer.air(audio("d"));

        assert_eq!(heard(&writer.start()), ["ccc", "d"], "bbbb would make it 8");
    }

    #[test]
    fn without_a_burst_a_listener_starts_with_what_comes_next() {
        let mut writer = Writer::new(0);
        writer.air(audio("aaa"));
        let start = writer.start();

        writer.air(audio("bbb"));

        assert_eq!(heard(&start), ["bbb"]);
    }

    #[test]
    fn a_listener_of_an_empty_stream_hears_it_from_the_beginning() {
        let mut writer = Writer::new(100);
        let start = writer.start();

        writer.air(audio("aaa"));

        assert_eq!(heard(&start), ["aaa"]);
    }

    #[test]
    fn a_link_knows_the_headers_before_it_unless_it_is_them() {
        let mut writer = Writer::new(9);
        writer.air(headers("HEAD1"));
        writer.air(audio("aaa"));
        let with_headers = writer.start();
        writer.air(audio("bbbbb"));
        let later = writer.start();
        writer.air(headers("HEAD2"));
        writer.air(audio("c"));

        assert_eq!(heard(&with_headers)[..2], ["HEAD1", "aaa"]);
        assert_eq!(with_headers.link.headers, "");
        assert_eq!((&later.link.bytes[..], &later.link.headers[..]), (&b"aaa"[..], &b"HEAD1"[..]));
        assert_eq!(writer.start().link.headers, "", "it starts with HEAD2 itself");
        assert_eq!(writer.headers, "HEAD2");
    }

    #[test]
    fn headers_are_aired_with_the_audio_that_follows_them_and_not_before() {
        let mut writer = Writer::new(100);
        writer.air(audio("aaa"));
        let (tip, start) = (writer.tip(), writer.start());

        writer.air(headers("HEAD1"));
        assert_eq!((tip.borrow().bytes, heard(&start).len()), (3, 1));
        writer.air(headers("HEAD2"));
        writer.air(audio("b"));

        assert_eq!(heard(&start), ["aaa", "HEAD2", "b"], "nothing belonged to HEAD1");
        assert_eq!(tip.borrow().bytes, 9);
    }

    #[test]
    fn when_the_past_is_forgotten_a_new_listener_starts_with_what_comes_next() {
        let mut writer = Writer::new(100);
        writer.air(headers("HEAD1"));
        writer.air(audio("aaa"));
        let earlier = writer.start();

        writer.forget_past();
        let start = writer.start();
        writer.air(headers("HEAD2"));
        writer.air(audio("b"));

        assert_eq!((heard(&start), start.headers.len()), (heard(&writer.start()), 0));
        assert_eq!(heard(&earlier), ["HEAD1", "aaa", "HEAD2", "b"]);
    }

    #[test]
    fn a_title_belongs_to_what_is_aired_after_it() {
        let mut writer = Writer::new(100);
        writer.air(audio("aaa"));
        writer.announce("New");
        writer.air(audio("bbb"));

        let start = writer.start();
        let After::Link(second) = start.link.after() else { panic!("bbb was aired") };

        assert!(start.link.title.serial < second.title.serial);
        assert_eq!(second.title.block, icy::block("New"));
    }

    #[test]
    fn readers_learn_that_the_stream_has_ended() {
        let mut writer = Writer::new(100);
        writer.air(audio("aaa"));
        let start = writer.start();
        let tip = writer.tip();

        drop(writer);

        assert!(matches!(start.link.after(), After::End));
        assert!(tip.has_changed().is_err());
    }

    #[test]
    fn a_million_links_are_freed_without_recursion() {
        let mut writer = Writer::new(0);
        let start = writer.start();
        for _ in 0..1_000_000 {
            writer.air(audio("a"));
        }

        drop(writer);
        drop(start);
    }

    #[test]
    fn links_that_nobody_can_reach_are_freed() {
        let mut writer = Writer::new(2);
        writer.air(audio("aa"));
        let first = Arc::downgrade(&writer.start().link);

        writer.air(audio("bb"));

        assert!(first.upgrade().is_none());
    }
}

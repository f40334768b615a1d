//! Titles put into a live chain of Ogg pages.
//!
//! Ogg has no place for a new title within a logical stream: the stream is ended, and one with new
//! headers goes on in its place. [`Retitler`] does that to the pages of a source that does not do
//! it itself. The packets stay as they are, but for the one with the comments; the pages of the
//! stream that goes on get its serial, their own numbers and the checksum that fits.
//!
//! A decoder begins anew at each link of the chain, and what it would leave out there is cared
//! for. Vorbis is silent for the first packet, so the last one of the old link is sent again.
//! Opus leaves out as many samples as its header says, which is then none. Positions go on from
//! link to link, so that a player's clock does.
//!
//! Some encoders (BUTT's Vorbis) put the first audio on the page on which the headers end, where a
//! listener that comes later must not get it; it gets a page of its own.
//!
//! The serial that listeners have got is never sent twice in a row, even if the source does so:
//! most players take the second set of headers for damaged audio.

use super::comment::Title;
use super::page::{self, Label, Page};
use super::stream;

/// Puts titles into one source's chain.
#[derive(Clone, Debug, Default)]
pub struct Retitler {
    /// The link that is being sent; `None` before the first and for one that bears no titles of
    /// ours: more than one stream side by side, or a codec that we do not know.
    link: Option<Link>,
    /// The serial that listeners have got last.
    last_serial: Option<u32>,
}

/// What goes out where a stream begins, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seam {
    /// Its header pages.
    pub headers: Vec<u8>,
    /// A page of audio with which the decoder comes to where it is to go on; empty where none is
    /// needed.
    pub priming: Vec<u8>,
}

/// A logical stream that is being sent.
#[derive(Clone, Debug)]
struct Link {
    codec: Codec,
    /// Its header packets.
    packets: Vec<Vec<u8>>,
    /// Audio that stood on the page of the last of them.
    early_audio: Vec<Vec<u8>>,
    /// What the source calls it.
    source_serial: u32,
    serial: u32,
    /// What is added to the source's numbers of its pages.
    shift: u32,
    next_sequence: u32,
    /// Where it has come to.
    granule: u64,
    /// The last packet of Vorbis that has ended, and what there is of the next.
    last_packet: Vec<u8>,
    open_packet: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Codec {
    Flac,
    Opus,
    Vorbis,
}

impl Retitler {
    /// Takes the header pages with which the source begins a link. What is to be sent instead of
    /// them, if they cannot go out as they are; `title` is put into them if it is given.
    pub fn begin(&mut self, header_pages: &[u8], title: Option<&Title>) -> Option<Seam> {
        let Some(mut link) = Link::read(header_pages) else {
            self.link = None;
            return None;
        };
        if let Some(title) = title {
            link.put(title);
        }
        if self.last_serial == Some(link.source_serial) {
            link.serial = link.serial.wrapping_add(1);
        }
        self.last_serial = Some(link.serial);
        let source_pages = link.next_sequence;
        let is_other = title.is_some() || link.serial != link.source_serial;
        let replaced = is_other || !link.early_audio.is_empty();
        let seam = replaced.then(|| {
            let (headers, priming) = (link.header_pages(), link.early_page());
            link.shift = link.next_sequence.wrapping_sub(source_pages);
            Seam { headers, priming }
        });
        self.link = Some(link);
        seam
    }

    /// Passes on a whole page of audio, changed in its place if it belongs to another stream than
    /// the source believes.
    pub fn pass(&mut self, bytes: &mut [u8]) {
        let Some(link) = &mut self.link else { return };
        let Ok(Some(page)) = Page::read(bytes) else { return };
        if page.serial != link.source_serial {
            return;
        }
        link.note(&page);
        let sequence = page.sequence.wrapping_add(link.shift);
        link.next_sequence = sequence.wrapping_add(1);
        if link.serial != link.source_serial || link.shift != 0 {
            page::reissue(bytes, link.serial, sequence);
        }
    }

    /// Ends the stream that is being sent with `last`, the page that was passed on last and on
    /// which all packets end, and goes on with one that bears `title`: what comes behind that page.
    /// `None` if the stream cannot bear it.
    pub fn retitle(&mut self, last: &mut [u8], title: &Title) -> Option<Seam> {
        let link = self.link.as_mut()?;
        link.put(title);
        page::end_stream(last);
        // The source counts on from the page that it sent last.
        let source_next = link.next_sequence.wrapping_sub(link.shift);
        link.serial = link.serial.wrapping_add(1);
        if let (Codec::Opus, Some(first)) = (link.codec, link.packets.first_mut()) {
            first[OPUS_PRE_SKIP].fill(0);
        }
        let headers = link.header_pages();
        let priming = link.priming_page();
        link.shift = link.next_sequence.wrapping_sub(source_next);
        self.last_serial = Some(link.serial);
        Some(Seam { headers, priming })
    }
}

/// Whether a title can be put into a stream with these header pages.
pub fn can_bear_titles(header_pages: &[u8]) -> bool {
    Link::read(header_pages).is_some()
}

impl Link {
    /// Reads header pages of one stream of a codec that we know.
    fn read(header_pages: &[u8]) -> Option<Self> {
        let first = Page::read(header_pages).ok()??;
        let (mut rest, mut next_sequence) = (header_pages, first.sequence);
        let (mut granule, mut is_whole) = (0, true);
        while let Ok(Some(page)) = Page::read(rest) {
            if page.serial != first.serial {
                return None;
            }
            next_sequence = page.sequence.wrapping_add(1);
            granule = page.granule.unwrap_or(granule);
            is_whole = page.ends_packet();
            rest = &rest[page.bytes.len()..];
        }
        let mut packets: Vec<_> =
            stream::packets(header_pages).into_iter().map(|(_, packet)| packet).collect();
        let codec = match packets.first()?.as_slice() {
            [0x7f, b'F', b'L', b'A', b'C', ..] => Codec::Flac,
            [b'O', b'p', b'u', b's', b'H', b'e', b'a', b'd', ..] => Codec::Opus,
            [1, b'v', b'o', b'r', b'b', b'i', b's', ..] => Codec::Vorbis,
            _ => return None,
        };
        let headers = match codec {
            Codec::Flac => packets.len(),
            Codec::Opus => 2,
            Codec::Vorbis => 3,
        };
        let is_long_enough = codec != Codec::Opus || packets[0].len() >= OPUS_PRE_SKIP.end;
        let early_audio = packets.split_off(headers.min(packets.len()));
        let fits = packets.len() == headers && is_whole && is_long_enough;
        // The comments are the second packet of each of these codecs.
        let fits = fits && Title::default().put_into(packets.get(1)?).is_some();
        fits.then_some(Self {
            codec,
            packets,
            early_audio,
            source_serial: first.serial,
            serial: first.serial,
            shift: 0,
            next_sequence,
            granule,
            last_packet: Vec::new(),
            open_packet: Vec::new(),
        })
    }

    /// Puts `title` into the headers.
    fn put(&mut self, title: &Title) {
        let packet = self.packets.get_mut(1);
        let packet = packet.expect("only a stream with comments is made a link");
        if let Some(retitled) = title.put_into(packet) {
            *packet = retitled;
        }
    }

    /// The header pages, with which the numbers of the pages begin anew.
    fn header_pages(&mut self) -> Vec<u8> {
        let (first, others) = self.packets.split_first().expect("its headers were read");
        let mut pages = Vec::new();
        let mut sequence = 0;
        for packets in [std::slice::from_ref(first), others] {
            let body = packets.concat();
            let lacing: Vec<u8> = packets.iter().flat_map(|packet| laced(packet)).collect();
            let (mut body, mut continues) = (body.as_slice(), false);
            for lacing in lacing.chunks(SEGMENTS_MAX) {
                let (here, rest) = body.split_at(lacing.iter().copied().map(usize::from).sum());
                let ends = lacing.iter().any(|&length| length < u8::MAX);
                let begins = if sequence == 0 { page::BEGINS_STREAM } else { 0 };
                let flags = begins | if continues { page::CONTINUES_PACKET } else { 0 };
                let granule = ends.then_some(0);
                let label = Label { flags, granule, serial: self.serial, sequence };
                pages.extend(label.page(lacing, here));
                continues = lacing.last() == Some(&u8::MAX);
                body = rest;
                sequence += 1;
            }
        }
        self.next_sequence = sequence;
        pages
    }

    /// The page of the audio that stood among the headers; nothing if there was none.
    fn early_page(&mut self) -> Vec<u8> {
        let packets = std::mem::take(&mut self.early_audio);
        let Some(last) = packets.last() else { return Vec::new() };
        self.last_packet.clone_from(last);
        // They come from one page, so they fit on one.
        let lacing: Vec<u8> = packets.iter().flat_map(|packet| laced(packet)).collect();
        let (granule, sequence) = (Some(self.granule), self.next_sequence);
        self.next_sequence += 1;
        Label { flags: 0, granule, serial: self.serial, sequence }.page(&lacing, &packets.concat())
    }

    /// The page that primes a decoder of Vorbis: its last packet again, which it plays nothing of.
    fn priming_page(&mut self) -> Vec<u8> {
        let lacing: Vec<u8> = laced(&self.last_packet).collect();
        if self.last_packet.is_empty() || lacing.len() > SEGMENTS_MAX {
            return Vec::new();
        }
        let (granule, sequence) = (Some(self.granule), self.next_sequence);
        self.next_sequence += 1;
        Label { flags: 0, granule, serial: self.serial, sequence }.page(&lacing, &self.last_packet)
    }

    /// Remembers of `page` what a seam after it needs.
    fn note(&mut self, page: &Page<'_>) {
        if let Some(granule) = page.granule {
            self.granule = granule;
        }
        if self.codec != Codec::Vorbis {
            return;
        }
        if !page.continues_packet {
            self.open_packet.clear();
        }
        for segment in page.segments() {
            if self.open_packet.len() <= PRIMING_BYTES_MAX {
                self.open_packet.extend_from_slice(segment.bytes);
            }
            if segment.ends_packet {
                std::mem::swap(&mut self.open_packet, &mut self.last_packet);
                self.open_packet.clear();
            }
        }
    }
}

/// The lacing values of a packet.
fn laced(packet: &[u8]) -> impl Iterator<Item = u8> + use<> {
    let last = u8::try_from(packet.len() % 255).expect("a remainder of 255 is a byte");
    std::iter::repeat_n(u8::MAX, packet.len() / 255).chain([last])
}

/// The most segments of a page.
const SEGMENTS_MAX: usize = 255;
/// A longer packet than a page holds is not kept for priming.
const PRIMING_BYTES_MAX: usize = 255 * 255;
/// Where the first packet of Opus says how many samples a decoder leaves out.
const OPUS_PRE_SKIP: std::ops::Range<usize> = 10..12;

#[cfg(test)]
mod tests {
    use super::super::comment::Tags;
    use super::super::page::fixture::{laced as laced_page, page};
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    const BOS: u8 = 2;

    /// The title alone.
    fn titled(title: &str) -> Title {
        Title { artist: None, title: Some(title.to_owned()) }
    }

    /// A packet of comments that say nothing, with room for a vendor.
    fn comments(start: &[u8]) -> Vec<u8> {
        [start, b"\x01\0\0\0v\x01\0\0\0\x07\0\0\0ALBUM=a"].concat()
    }

    fn headers(codec: Codec, serial: u32) -> Vec<u8> {
        let packets = match codec {
            Codec::Flac => vec![b"\x7fFLAC\x01\0\0\x01fLaC".to_vec(), {
                let mut packet = comments(b"\x84\0\0\0");
                packet[3] = u8::try_from(packet.len() - 4).unwrap();
                packet
            }],
            Codec::Opus => vec![b"OpusHead\x01\x02\x38\x01".to_vec(), comments(b"OpusTags")],
            Codec::Vorbis => vec![
                b"\x01vorbis".to_vec(),
                [comments(b"\x03vorbis"), b"\x01".to_vec()].concat(),
                [b"\x05vorbis".to_vec(), vec![7; 700]].concat(),
            ],
        };
        let others: Vec<_> = packets[1..].iter().map(Vec::as_slice).collect();
        let first = numbered(page(serial, BOS, 0, &[&packets[0]]), 0);
        [first, numbered(page(serial, 0, 0, &others), 1)].concat()
    }

    fn numbered(mut bytes: Vec<u8>, sequence: u32) -> Vec<u8> {
        let serial = Page::read(&bytes).unwrap().unwrap().serial;
        page::reissue(&mut bytes, serial, sequence);
        bytes
    }

    fn read(pages: &[u8]) -> Vec<Page<'_>> {
        let (mut rest, mut all) = (pages, Vec::new());
        while !rest.is_empty() {
            let page = Page::read(rest).unwrap().unwrap();
            rest = &rest[page.bytes.len()..];
            all.push(page);
        }
        all
    }

    fn whole(seam: Seam) -> Vec<u8> {
        [seam.headers, seam.priming].concat()
    }

    fn passed(retitler: &mut Retitler, bytes: Vec<u8>) -> Vec<u8> {
        let mut bytes = bytes;
        retitler.pass(&mut bytes);
        bytes
    }

    #[test]
    fn a_source_that_titles_its_stream_itself_is_not_touched() {
        let mut retitler = Retitler::default();
        for serial in [1, 5] {
            assert_eq!(retitler.begin(&headers(Codec::Opus, serial), None), None);
            let audio = numbered(page(serial, 0, 960, &[b"audio"]), 2);
            assert_eq!(passed(&mut retitler, audio.clone()), audio);
        }
    }

    #[test]
    fn a_new_title_ends_the_stream_and_begins_one_that_bears_it() {
        let mut retitler = Retitler::default();
        retitler.begin(&headers(Codec::Opus, 1), None);
        let mut last = passed(&mut retitler, numbered(page(1, 0, 960, &[b"one"]), 2));

        let seam = retitler.retitle(&mut last, &titled("New")).unwrap();
        let next = passed(&mut retitler, numbered(page(1, 0, 1_920, &[b"two"]), 3));

        let last = read(&last)[0];
        assert_eq!((last.ends_stream, last.serial, last.sequence), (true, 1, 2));
        let headers = read(&seam.headers);
        let numbers: Vec<_> = headers.iter().map(|page| (page.serial, page.sequence)).collect();
        assert_eq!((headers[0].begins_stream, numbers), (true, vec![(2, 0), (2, 1)]));
        assert_eq!(Tags::read(&seam.headers).title.as_deref(), Some("New"));
        let pre_skip = &stream::packets(&seam.headers)[0].1[OPUS_PRE_SKIP];
        assert_eq!((pre_skip, seam.priming.len()), (&[0, 0][..], 0));
        let next = read(&next)[0];
        assert_eq!((next.serial, next.sequence, next.granule), (2, 2, Some(1_920)));
    }

    #[test]
    fn vorbis_is_primed_with_its_last_packet() {
        let mut retitler = Retitler::default();
        retitler.begin(&headers(Codec::Vorbis, 1), None);
        let mut last = passed(&mut retitler, numbered(page(1, 0, 64, &[b"one", b"two"]), 2));

        let seam = retitler.retitle(&mut last, &titled("New")).unwrap();

        let priming = read(&seam.priming)[0];
        assert_eq!((priming.granule, priming.sequence), (Some(64), 2));
        assert_eq!(stream::packets(&seam.priming), [(2, b"two".to_vec())]);
        let audio = passed(&mut retitler, numbered(page(1, 0, 128, &[b"three"]), 3));
        assert_eq!(read(&audio)[0].sequence, 3);
    }

    #[test]
    fn audio_that_stands_among_the_headers_gets_a_page_of_its_own() {
        let mut packets = stream::packets(&headers(Codec::Vorbis, 1));
        packets.push((1, b"early".to_vec()));
        let packets: Vec<_> = packets.iter().map(|(_, packet)| packet.as_slice()).collect();
        let first = numbered(page(1, BOS, 0, &packets[..1]), 0);
        let both = [first, numbered(page(1, 0, 0, &packets[1..]), 1)].concat();
        let mut retitler = Retitler::default();

        let seam = retitler.begin(&both, None).unwrap();
        let mut last = passed(&mut retitler, numbered(page(1, 0, 64, &[b"one"]), 2));

        assert_eq!(seam.headers, headers(Codec::Vorbis, 1));
        assert_eq!(stream::packets(&seam.priming), [(1, b"early".to_vec())]);
        assert_eq!((read(&seam.priming)[0].sequence, read(&last)[0].sequence), (2, 3));
        assert!(can_bear_titles(&both));
        assert!(retitler.retitle(&mut last, &titled("New")).is_some());
    }

    #[test]
    fn a_serial_is_not_sent_twice_in_a_row() {
        let mut retitler = Retitler::default();
        retitler.begin(&headers(Codec::Flac, 1), None);

        let again = retitler.begin(&headers(Codec::Flac, 1), None).unwrap().headers;
        let audio = passed(&mut retitler, numbered(page(1, 0, 5, &[b"a"]), 2));

        assert!(read(&again).iter().all(|page| page.serial == 2));
        assert_eq!(stream::packets(&again).len(), 2);
        assert_eq!((read(&audio)[0].serial, read(&audio)[0].sequence), (2, 2));
    }

    #[test]
    fn a_title_may_come_before_the_stream() {
        let mut retitler = Retitler::default();

        let seam = retitler.begin(&headers(Codec::Vorbis, 1), Some(&titled("New"))).unwrap();
        let pages = seam.headers;

        assert_eq!(Tags::read(&pages).title.as_deref(), Some("New"));
        assert!(read(&pages).iter().all(|page| page.serial == 1));
    }

    #[test]
    fn streams_side_by_side_bear_no_titles_of_ours() {
        let mut retitler = Retitler::default();
        let both = [headers(Codec::Opus, 1), page(2, BOS, 0, &[b"\x80theora"])].concat();

        assert_eq!(retitler.begin(&both, Some(&titled("New"))), None);
        assert!(!can_bear_titles(&both) && can_bear_titles(&headers(Codec::Opus, 1)));
        assert_eq!(retitler.retitle(&mut page(1, 0, 9, &[b"a"]), &titled("New")), None);
    }

    /// What happens to a chain.
    #[derive(Clone, Debug)]
    enum Step {
        Audio(Vec<Vec<u8>>),
        Begin(Codec, u32),
        Retitle(String),
    }

    fn step() -> impl Strategy<Value = Step> {
        let codec = prop_oneof![Just(Codec::Flac), Just(Codec::Opus), Just(Codec::Vorbis)];
        prop_oneof![
            4 => vec(vec(any::<u8>(), 0..600), 1..4).prop_map(Step::Audio),
            1 => (codec, 1..4_u32).prop_map(|(codec, serial)| Step::Begin(codec, serial)),
            1 => (0..800_usize).prop_map(|length| Step::Retitle("t".repeat(length))),
        ]
    }

    proptest! {
        #[test]
        fn every_link_is_whole_and_no_packet_of_audio_is_changed(
            steps in vec(step(), 0..40),
        ) {
            let mut retitler = Retitler::default();
            let (mut serial, mut sequence, mut granule) = (1, 2, 0);
            let (mut sent, mut heard, mut priming) = (Vec::new(), Vec::new(), 0);
            let first = headers(Codec::Opus, serial);
            let mut out = retitler.begin(&first, None).map_or(first, whole);
            let mut last_page = None;
            for step in steps {
                match step {
                    Step::Audio(packets) => {
                        granule += 960;
                        let slices: Vec<_> = packets.iter().map(Vec::as_slice).collect();
                        let page = numbered(page(serial, 0, granule, &slices), sequence);
                        sequence += 1;
                        sent.extend(packets);
                        last_page = Some(out.len());
                        out.extend(passed(&mut retitler, page));
                    }
                    Step::Begin(codec, new) => {
                        (serial, sequence, last_page) = (new, 2, None);
                        let pages = headers(codec, serial);
                        out.extend(retitler.begin(&pages, None).map_or(pages, whole));
                    }
                    Step::Retitle(title) => {
                        let Some(last) = last_page else { continue };
                        let seam = retitler.retitle(&mut out[last..], &titled(&title)).unwrap();
                        last_page = None;
                        prop_assert_eq!(Tags::read(&seam.headers).title, Some(title));
                        priming += usize::from(!seam.priming.is_empty());
                        out.extend([seam.headers, seam.priming].concat());
                    }
                }
            }

            let (mut current, mut next, mut headers_due) = (0, 0, 0);
            for page in read(&out) {
                if page.begins_stream {
                    prop_assert_ne!(page.serial, current);
                    (current, next) = (page.serial, 0);
                    headers_due = if page.segments().next().unwrap().bytes[0] == 1 { 3 } else { 2 };
                }
                prop_assert_eq!((page.serial, page.sequence), (current, next));
                next += 1;
                for segment in page.segments() {
                    prop_assert!(segment.ends_packet);
                    if headers_due > 0 {
                        headers_due -= 1;
                    } else {
                        heard.push(segment.bytes.to_vec());
                    }
                }
            }
            prop_assert_eq!(heard.len(), sent.len() + priming);
            let mut heard = heard.into_iter();
            prop_assert!(sent.iter().all(|packet| heard.any(|other| other == *packet)));
        }

        #[test]
        fn no_pages_make_the_retitler_panic(
            kinds in vec((0..6_u8, any::<u8>(), vec(any::<u8>(), 0..40)), 0..20),
        ) {
            let mut retitler = Retitler::default();
            for (kind, flags, bytes) in kinds {
                let starts = [&b"OpusHead"[..], b"OpusTags", b"\x01vorbis", b""];
                let start = starts[usize::from(kind) % 4];
                let packet = [start, &bytes].concat();
                let lacing = [u8::try_from(packet.len()).unwrap()];
                let mut page = laced_page(1, flags & 7, 9, &lacing, &packet);
                match kind {
                    0 | 1 => drop(retitler.begin(&page, None)),
                    2 => drop(retitler.begin(&[page.clone(), page].concat(), None)),
                    3 => drop(retitler.retitle(&mut page, &titled("x"))),
                    _ => retitler.pass(&mut page),
                }
            }
        }
    }
}

//! Where a reader may begin in a chain of Ogg pages.
//!
//! A decoder needs the header packets of every logical stream before it can use a later page.
//! Each codec says how many there are. The pages from the first one that begins a stream to the
//! one on which the last header packet ends are the *headers* of this link of the chain; after
//! them a reader may begin at any page.

use super::page::Page;

/// Follows the pages of a chain and tells headers from audio.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    streams: Vec<Stream>,
    /// Pages that begin a stream may still follow: no other page has come since the first.
    opening: bool,
}

/// What a page is to a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Audio; a reader with the headers may begin here.
    Audio,
    /// The first page of new headers; whatever came of earlier ones is past.
    FirstHeader,
    /// A page of the headers, with more of them to come.
    Header,
    /// The last page of the headers.
    LastHeader,
    /// The headers ended with the page before; this one is yet to be followed, as one of audio.
    HeadersEnded,
    /// A page of a stream that never began; of no use to any decoder.
    Orphan,
}

#[derive(Clone, Debug)]
struct Stream {
    serial: u32,
    headers: Headers,
    has_pictures: bool,
}

/// The header packets that a logical stream has yet to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Headers {
    /// So many; at 0 they are complete.
    Packets(usize),
    /// All pages up to the first with a position, for codecs that we do not know; or up to the last
    /// page of the stream, since the skeleton that some encoders put before others is nothing but
    /// headers; or up to the audio of another stream, before which RFC 3533 wants all headers.
    UntilPosition,
    /// FLAC that does not say how many: up to the metadata block that is marked as the last.
    UntilLastFlacBlock,
}

impl Chain {
    /// What `page`, the next one of the chain, is to a reader.
    pub fn follow(&mut self, page: &Page<'_>) -> Role {
        if page.begins_stream {
            let role = if self.opening { Role::Header } else { Role::FirstHeader };
            if !self.opening {
                self.streams.clear();
                self.opening = true;
            }
            let has_pictures = first_packet(page).starts_with(THEORA);
            let headers = Headers::announced(page);
            let mut stream = Stream { serial: page.serial, headers, has_pictures };
            stream.headers = stream.headers.after(page);
            self.streams.retain(|other| other.serial != page.serial);
            if self.streams.len() < STREAMS_MAX {
                self.streams.push(stream);
            }
            return role;
        }
        let had_headers = self.opening || self.complete();
        let was_complete = had_headers && !self.opening;
        if !was_complete && self.is_audio_before_unknown_headers(page) {
            for stream in &mut self.streams {
                stream.headers = Headers::Packets(0);
            }
            self.opening = false;
            return Role::HeadersEnded;
        }
        let Some(stream) = self.streams.iter_mut().find(|stream| stream.serial == page.serial)
        else {
            return Role::Orphan;
        };
        stream.headers = stream.headers.after(page);
        self.opening = false;
        match (was_complete, self.complete()) {
            (true, _) => Role::Audio,
            (false, true) => Role::LastHeader,
            (false, false) => Role::Header,
        }
    }

    /// Whether there are pictures, of which most only say what has changed since the last.
    pub fn has_pictures(&self) -> bool {
        self.streams.iter().any(|stream| stream.has_pictures)
    }

    /// Whether a whole picture comes first on `page`, for which nothing before it is needed.
    pub fn begins_picture(&self, page: &Page<'_>) -> bool {
        let mut begun = page.segments().skip(usize::from(page.continues_packet));
        let is_of_pictures =
            self.streams.iter().any(|stream| stream.has_pictures && stream.serial == page.serial);
        // Two bits: no header, and no difference to another.
        let is_whole = begun.next().and_then(|segment| segment.bytes.first()).map(|b| b >> 6);
        is_of_pictures && is_whole == Some(0)
    }

    /// Whether `page` is of a stream whose headers are complete, and so are those of all others of
    /// which it is known how many there are.
    fn is_audio_before_unknown_headers(&self, page: &Page<'_>) -> bool {
        let own = self.streams.iter().find(|stream| stream.serial == page.serial);
        let or_unknown = [Headers::Packets(0), Headers::UntilPosition];
        has_position(page)
            && own.is_some_and(|stream| stream.headers == Headers::Packets(0))
            && self.streams.iter().all(|stream| or_unknown.contains(&stream.headers))
    }

    fn complete(&self) -> bool {
        self.streams.iter().all(|stream| stream.headers == Headers::Packets(0))
    }
}

impl Headers {
    /// What the page that begins a stream says about its headers.
    fn announced(page: &Page<'_>) -> Self {
        let first = first_packet(page);
        if let Some(rest) = first.strip_prefix(b"\x7fFLAC") {
            return match rest.get(2..4).map(|count| u16::from_be_bytes([count[0], count[1]])) {
                None | Some(0) => Self::UntilLastFlacBlock,
                Some(count) => Self::Packets(1 + usize::from(count)),
            };
        }
        match first {
            [1, b'v', b'o', b'r', b'b', b'i', b's', ..] => Self::Packets(3),
            [0x80, b't', b'h', b'e', b'o', b'r', b'a', ..] => Self::Packets(3),
            [b'O', b'p', b'u', b's', b'H', b'e', b'a', b'd', ..] => Self::Packets(2),
            [b'S', b'p', b'e', b'e', b'x', b' ', b' ', b' ', ..] => Self::Packets(2),
            _ => Self::UntilPosition,
        }
    }

    fn after(self, page: &Page<'_>) -> Self {
        match self {
            Self::Packets(count) => Self::Packets(count.saturating_sub(page.packets_ended())),
            Self::UntilPosition if has_position(page) || page.ends_stream => Self::Packets(0),
            Self::UntilLastFlacBlock if !page.begins_stream => {
                let last = page.segments().any(|segment| {
                    segment.bytes.first().is_some_and(|kind| kind & 0x80 != 0)
                        && segment.ends_packet
                });
                if last { Self::Packets(0) } else { self }
            }
            Self::UntilPosition | Self::UntilLastFlacBlock => self,
        }
    }
}

fn has_position(page: &Page<'_>) -> bool {
    page.granule.is_some_and(|granule| granule > 0)
}

fn first_packet<'p>(page: &Page<'p>) -> &'p [u8] {
    page.segments().next().map_or(&[][..], |segment| segment.bytes)
}

/// The packets of `pages` (whole pages, one after the other) with the serial of their stream, in
/// the order in which they end.
pub fn packets(pages: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let mut open: Vec<(u32, Vec<u8>)> = Vec::new();
    let mut ended = Vec::new();
    let mut rest = pages;
    while let Ok(Some(page)) = Page::read(rest) {
        rest = &rest[page.bytes.len()..];
        for segment in page.segments() {
            let begun = open.iter().position(|(serial, _)| *serial == page.serial);
            let (serial, mut packet) =
                begun.map_or_else(|| (page.serial, Vec::new()), |at| open.swap_remove(at));
            packet.extend_from_slice(segment.bytes);
            let to = if segment.ends_packet { &mut ended } else { &mut open };
            to.push((serial, packet));
        }
    }
    ended
}

/// What a stream of Theora begins with.
const THEORA: &[u8] = b"\x80theora";
/// The most logical streams side by side; further ones are left out of the headers.
const STREAMS_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::super::page::fixture::{laced, page};
    use super::*;

    const BOS: u8 = 2;
    const EOS: u8 = 4;

    fn roles(pages: &[Vec<u8>]) -> Vec<Role> {
        let mut chain = Chain::default();
        pages.iter().map(|page| chain.follow(&Page::read(page).unwrap().unwrap())).collect()
    }

    #[test]
    fn vorbis_has_three_header_packets_whatever_pages_they_are_on() {
        use Role::{Audio, FirstHeader, Header, LastHeader};
        let first = page(1, BOS, 0, &[b"\x01vorbis"]);

        let two_pages = [first.clone(), page(1, 0, 0, &[b"\x03vorbis", b"\x05vorbis"])];
        let spread = [
            first,
            page(1, 0, 0, &[b"\x03vorbis"]),
            laced(1, 0, u64::MAX, &[255], &[5; 255]),
            laced(1, 1, 0, &[3], b"end"),
            page(1, 0, 64, &[b"audio"]),
        ];

        assert_eq!(roles(&two_pages), [FirstHeader, LastHeader]);
        assert_eq!(roles(&spread), [FirstHeader, Header, Header, LastHeader, Audio]);
    }

    #[test]
    fn a_new_logical_stream_has_headers_again() {
        use Role::{Audio, FirstHeader, LastHeader};

        let pages = [
            page(1, BOS, 0, &[b"OpusHead"]),
            page(1, 0, 0, &[b"OpusTags"]),
            page(1, 4, 960, &[b"audio"]),
            page(2, BOS, 0, &[b"OpusHead"]),
            page(2, 0, 0, &[b"OpusTags"]),
            page(2, 0, 960, &[b"audio"]),
        ];

        assert_eq!(roles(&pages), [FirstHeader, LastHeader, Audio, FirstHeader, LastHeader, Audio]);
    }

    #[test]
    fn flac_says_how_many_headers_it_has_or_marks_the_last() {
        use Role::{Audio, FirstHeader, Header, LastHeader};
        let begun = |count: u8| page(1, BOS, 0, &[&[0x7f, b'F', b'L', b'A', b'C', 1, 0, 0, count]]);
        let rest = [
            page(1, 0, 0, &[&[4, 0]]),
            page(1, 0, 0, &[&[0x81, 0]]),
            page(1, 0, 9, &[&[255, 0xf8]]),
        ];

        let counted = [vec![begun(2)], rest.to_vec()].concat();
        let uncounted = [vec![begun(0)], rest.to_vec()].concat();

        assert_eq!(roles(&counted), [FirstHeader, Header, LastHeader, Audio]);
        assert_eq!(roles(&uncounted), [FirstHeader, Header, LastHeader, Audio]);
    }

    #[test]
    fn streams_side_by_side_are_complete_together() {
        use Role::{Audio, FirstHeader, Header, LastHeader};

        let pages = [
            page(1, BOS, 0, &[b"\x80theora"]),
            page(2, BOS, 0, &[b"OpusHead"]),
            page(1, 0, 0, &[b"\x81theora", b"\x82theora"]),
            page(2, 0, 0, &[b"OpusTags"]),
            page(1, 0, 1, &[b"frame"]),
        ];

        assert_eq!(roles(&pages), [FirstHeader, Header, Header, LastHeader, Audio]);
    }

    #[test]
    fn a_whole_picture_is_told_from_a_difference_and_from_sound() {
        let mut chain = Chain::default();
        let follow = |chain: &mut Chain, bytes: &[u8]| {
            let page = Page::read(bytes).unwrap().unwrap();
            (chain.follow(&page), chain.begins_picture(&page)).1
        };
        follow(&mut chain, &page(1, BOS, 0, &[b"\x80theora"]));
        assert!(chain.has_pictures());
        follow(&mut chain, &page(2, BOS, 0, &[b"OpusHead"]));

        assert!(!follow(&mut chain, &page(1, 0, 0, &[b"\x81theora", b"\x82theora"])));
        assert!(follow(&mut chain, &page(1, 0, 64, &[b"\x30whole", b"\x40"])));
        assert!(!follow(&mut chain, &page(1, 0, 65, &[b"\x40difference"])));
        assert!(!follow(&mut chain, &page(1, 0, 65, &[b""])), "the last picture once more");
        assert!(!follow(&mut chain, &page(2, 0, 960, &[b"\x30sound"])));
    }

    #[test]
    fn an_unknown_codec_has_headers_up_to_its_first_position() {
        use Role::{Audio, FirstHeader, Header, LastHeader};

        let pages = [
            page(1, BOS, 0, &[b"something"]),
            page(1, 0, 0, &[b"header"]),
            page(1, 0, 5, &[b"first"]),
            page(1, 0, 6, &[b"second"]),
        ];

        assert_eq!(roles(&pages), [FirstHeader, Header, LastHeader, Audio]);
    }

    #[test]
    fn a_skeleton_is_headers_to_its_end() {
        use Role::{Audio, FirstHeader, Header, LastHeader};

        let pages = [
            page(1, BOS, 0, &[b"fishead"]),
            page(2, BOS, 0, &[b"OpusHead"]),
            page(1, 0, 0, &[b"fisbone"]),
            page(2, 0, 0, &[b"OpusTags"]),
            page(1, EOS, 0, &[b""]),
            page(2, 0, 960, &[b"audio"]),
        ];

        assert_eq!(roles(&pages), [FirstHeader, Header, Header, Header, LastHeader, Audio]);
    }

    #[test]
    fn the_audio_of_one_stream_ends_the_headers_of_those_that_are_not_known() {
        let mut chain = Chain::default();
        let mut role = |bytes: &[u8]| chain.follow(&Page::read(bytes).unwrap().unwrap());

        assert_eq!(role(&page(1, BOS, 0, &[b"OpusHead"])), Role::FirstHeader);
        assert_eq!(role(&page(2, BOS, 0, &[b"\x80kate"])), Role::Header);
        assert_eq!(role(&page(1, 0, 0, &[b"OpusTags"])), Role::Header);
        assert_eq!(role(&page(2, 0, 0, &[b"\x81kate"])), Role::Header);
        let audio = page(1, 0, 960, &[b"audio"]);
        assert_eq!(role(&audio), Role::HeadersEnded);
        assert_eq!(role(&audio), Role::Audio);
        assert_eq!(role(&page(2, 0, 5, &[b"a line"])), Role::Audio);
    }

    #[test]
    fn a_page_of_a_stream_that_never_began_is_an_orphan() {
        assert_eq!(roles(&[page(3, 0, 5, &[b"late"])]), [Role::Orphan]);
    }

    #[test]
    fn packets_are_put_together_across_pages_and_streams() {
        let pages = [
            laced(1, BOS, u64::MAX, &[255], &[7; 255]),
            page(2, BOS, 0, &[b"other"]),
            laced(1, 1, 0, &[2, 1], b"abc"),
        ]
        .concat();

        let found = packets(&pages);

        assert_eq!(found[0], (2, b"other".to_vec()));
        assert_eq!(found[1], (1, [[7; 255].as_slice(), b"ab"].concat()));
        assert_eq!(found[2], (1, b"c".to_vec()));
    }
}

//! One logical Ogg stream, as it is written: packets become pages.
//!
//! A packet is cut into segments of 255 bytes and a shorter last one; a page holds at most 255
//! segments, and says at which position its last whole packet ends. What a packet is and what a
//! position counts is the codec's business.

use crate::encode::Title;
use bytes::Bytes;
use common::ogg::page::{BEGINS_STREAM, CONTINUES_PACKET, ENDS_STREAM, Label};

/// A logical stream.
pub(super) struct Stream {
    serial: u32,
    /// The number of the next page.
    sequence: u32,
    lacing: Vec<u8>,
    body: Vec<u8>,
    /// Where the last whole packet of the page ends; `None` if there is none yet.
    granule: Option<u64>,
    /// Whether the page begins within a packet.
    continues: bool,
    /// How many packets end in the page.
    packets: usize,
}

impl Stream {
    /// A stream that is called `serial`.
    pub(super) fn new(serial: u32) -> Self {
        Self {
            serial,
            sequence: 0,
            lacing: Vec::new(),
            body: Vec::new(),
            granule: None,
            continues: false,
            packets: 0,
        }
    }

    /// What a stream that follows this one in a chain is to be called.
    pub(super) fn next_serial(&self) -> u32 {
        self.serial.wrapping_add(1)
    }

    /// How many packets end in the page that is not yet closed.
    pub(super) fn packets(&self) -> usize {
        self.packets
    }

    /// Adds `packet`, which ends at `granule`. Pages that are full go to `out`.
    pub(super) fn put(&mut self, packet: &[u8], granule: u64, out: &mut Vec<u8>) {
        let mut rest = packet;
        loop {
            if self.lacing.len() == SEGMENTS_MAX {
                self.close(0, out);
                self.continues = rest.len() < packet.len();
            }
            let (segment, after) = rest.split_at(rest.len().min(SEGMENT_BYTES_MAX));
            self.lacing.push(u8::try_from(segment.len()).unwrap_or(u8::MAX));
            self.body.extend_from_slice(segment);
            rest = after;
            if segment.len() < SEGMENT_BYTES_MAX {
                break;
            }
        }
        self.granule = Some(granule);
        self.packets += 1;
    }

    /// Closes the page, if there is anything in it.
    pub(super) fn end_page(&mut self, out: &mut Vec<u8>) {
        if !self.lacing.is_empty() {
            self.close(0, out);
        }
    }

    /// Closes the last page, which may be empty but for saying so.
    pub(super) fn end(&mut self, granule: u64, out: &mut Vec<u8>) {
        self.granule = Some(granule);
        self.close(ENDS_STREAM, out);
    }

    fn close(&mut self, mut flags: u8, out: &mut Vec<u8>) {
        if self.sequence == 0 {
            flags |= BEGINS_STREAM;
        }
        if self.continues {
            flags |= CONTINUES_PACKET;
        }
        let (granule, serial, sequence) = (self.granule, self.serial, self.sequence);
        let label = Label { flags, granule, serial, sequence };
        out.extend_from_slice(&label.page(&self.lacing, &self.body));
        self.sequence += 1;
        self.lacing.clear();
        self.body.clear();
        self.granule = None;
        self.continues = false;
        self.packets = 0;
    }
}

/// The pages at the head of `stream`: the first of `packets` on a page of its own, the others on
/// pages that nothing else is on.
pub(super) fn head(stream: &mut Stream, packets: &[Vec<u8>]) -> Bytes {
    let mut pages = Vec::new();
    for (number, packet) in packets.iter().enumerate() {
        stream.put(packet, 0, &mut pages);
        if number == 0 {
            stream.end_page(&mut pages);
        }
    }
    stream.end_page(&mut pages);
    pages.into()
}

/// A list of Vorbis comments with `title`, unless that is empty.
pub(super) fn comments(title: &Title) -> Vec<u8> {
    let mut list = Vec::new();
    put_counted(&mut list, VENDOR);
    let comments: Vec<_> = named(title).collect();
    let count = u32::try_from(comments.len()).expect("an artist and a title");
    list.extend_from_slice(&count.to_le_bytes());
    for (name, text) in comments {
        put_counted(&mut list, &format!("{name}={text}"));
    }
    list
}

/// The comments that tell `title`.
pub(super) fn named(title: &Title) -> impl Iterator<Item = (&'static str, &str)> {
    let (artist, title) = title.apart();
    let title = Some(title).filter(|title| !title.is_empty());
    let comments = [("ARTIST", artist), ("TITLE", title)];
    comments.into_iter().filter_map(|(name, text)| Some((name, text?)))
}

fn put_counted(list: &mut Vec<u8>, text: &str) {
    let length = u32::try_from(text.len()).expect("a title is not that long");
    list.extend_from_slice(&length.to_le_bytes());
    list.extend_from_slice(text.as_bytes());
}

/// A name for the first stream of a run, which no other run is likely to have.
pub(super) fn first_serial() -> u32 {
    getrandom::u32().unwrap_or(1) // a chain is told apart by its other serials as well
}

const VENDOR: &str = concat!("carrier-source ", env!("CARGO_PKG_VERSION"));
const SEGMENT_BYTES_MAX: usize = 255;
const SEGMENTS_MAX: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;
    use common::ogg::{page::Page, stream::packets};
    use proptest::collection::vec;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn packets_of_any_length_come_out_as_they_went_in(
            lengths in vec(length(), 1..8), page_every in 1_usize..4,
        ) {
            let mut stream = Stream::new(7);
            let mut written = Vec::new();
            let sent: Vec<Vec<u8>> = lengths.iter().copied().enumerate().map(packet).collect();
            for (number, packet) in sent.iter().enumerate() {
                stream.put(packet, number as u64 + 1, &mut written);
                if number % page_every == 0 {
                    stream.end_page(&mut written);
                }
            }
            stream.end(sent.len() as u64, &mut written);

            let came: Vec<_> = packets(&written).into_iter().map(|(_, packet)| packet).collect();
            prop_assert_eq!(came, sent);
            let (mut rest, mut number, mut last, mut is_within) = (&written[..], 0, 0, false);
            while let Some(page) = Page::read(rest).unwrap() {
                prop_assert_eq!((page.serial, page.sequence), (7, number));
                prop_assert_eq!(page.begins_stream, number == 0);
                prop_assert_eq!(page.continues_packet, is_within);
                is_within = !page.ends_packet();
                let ends = page.packets_ended() > 0 || page.ends_stream;
                prop_assert_eq!(page.granule.is_some(), ends);
                last = page.granule.unwrap_or(last);
                rest = &rest[page.bytes.len()..];
                prop_assert_eq!(page.ends_stream, rest.is_empty());
                number += 1;
            }
            prop_assert_eq!(last, lengths.len() as u64);
        }
    }

    /// Shorter and longer than a segment and than a page, and just as long.
    fn length() -> impl Strategy<Value = usize> {
        prop_oneof![0_usize..600, Just(255), Just(65_025), 60_000_usize..140_000]
    }

    fn packet((number, length): (usize, usize)) -> Vec<u8> {
        (0..length).map(|at| u8::try_from((at * 7 + number) % 251).unwrap()).collect()
    }
}

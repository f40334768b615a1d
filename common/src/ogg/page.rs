//! One Ogg page: its header, its lacing, its checksum.

/// A whole page, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page<'a> {
    /// The page from its capture pattern to its last byte.
    pub bytes: &'a [u8],
    /// It begins a logical stream.
    pub begins_stream: bool,
    /// Its first packet began on an earlier page.
    pub continues_packet: bool,
    /// It ends its logical stream.
    pub ends_stream: bool,
    /// The position at the end of its last complete packet, in the codec's unit; `None` if no
    /// packet ends here.
    pub granule: Option<u64>,
    /// Its number among the pages of its logical stream.
    pub sequence: u32,
    /// The number of its logical stream.
    pub serial: u32,
    lacing: &'a [u8],
    body: &'a [u8],
}

/// The bytes do not begin with a page: another pattern, another version, or a wrong checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no Ogg page begins here")]
pub struct NoPage;

/// A part of a packet within one page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// The bytes of the packet that stand in this page.
    pub bytes: &'a [u8],
    /// Whether the packet ends here.
    pub ends_packet: bool,
}

impl<'a> Page<'a> {
    /// The page at the start of `bytes`, or `None` if its end is yet to come.
    pub fn read(bytes: &'a [u8]) -> Result<Option<Self>, NoPage> {
        let seen = bytes.len().min(CAPTURE.len());
        if bytes[..seen] != CAPTURE[..seen] || bytes.get(4).is_some_and(|&version| version != 0) {
            return Err(NoPage);
        }
        let Some(&segments) = bytes.get(26) else { return Ok(None) };
        let body_start = HEADER_BYTES + usize::from(segments);
        let Some(lacing) = bytes.get(HEADER_BYTES..body_start) else { return Ok(None) };
        let end = body_start + lacing.iter().copied().map(usize::from).sum::<usize>();
        let Some(page) = bytes.get(..end) else { return Ok(None) };
        if little_endian(&page[22..26]) != u64::from(checksum(page)) {
            return Err(NoPage);
        }
        let granule = little_endian(&page[6..14]);
        Ok(Some(Self {
            bytes: page,
            begins_stream: page[5] & BEGINS_STREAM != 0,
            continues_packet: page[5] & CONTINUES_PACKET != 0,
            ends_stream: page[5] & ENDS_STREAM != 0,
            granule: (granule != u64::MAX).then_some(granule),
            sequence: u32::from_le_bytes([page[18], page[19], page[20], page[21]]),
            serial: u32::from_le_bytes([page[14], page[15], page[16], page[17]]),
            lacing,
            body: &page[body_start..],
        }))
    }

    /// How many packets end on this page.
    pub fn packets_ended(&self) -> usize {
        self.lacing.iter().filter(|&&length| length < u8::MAX).count()
    }

    /// Whether a reader of this page is left without an unfinished packet.
    pub fn ends_packet(&self) -> bool {
        self.lacing.last().is_none_or(|&length| length < u8::MAX)
    }

    /// The packets of this page, or what of them stands in it.
    pub fn segments(&self) -> impl Iterator<Item = Segment<'a>> {
        let (mut lacing, mut body) = (self.lacing, self.body);
        std::iter::from_fn(move || {
            if lacing.is_empty() {
                return None;
            }
            let full = lacing.iter().take_while(|&&length| length == u8::MAX).count();
            let ends_packet = full < lacing.len();
            let (here, rest) = lacing.split_at(if ends_packet { full + 1 } else { full });
            let length = here.iter().copied().map(usize::from).sum();
            let (bytes, after) = body.split_at(length);
            (lacing, body) = (rest, after);
            Some(Segment { bytes, ends_packet })
        })
    }
}

/// What a page that we write says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// What it is within its stream and its first packet: [`BEGINS_STREAM`] and its like, together.
    pub flags: u8,
    /// The position at the end of its last complete packet; `None` if no packet ends on it.
    pub granule: Option<u64>,
    /// The number of its logical stream.
    pub serial: u32,
    /// Its number among the pages of that stream.
    pub sequence: u32,
}

impl Label {
    /// The page with this label that holds `body`, which `lacing` divides.
    ///
    /// `lacing` has at most 255 values, which add up to the length of `body`.
    pub fn page(self, lacing: &[u8], body: &[u8]) -> Vec<u8> {
        let segments = u8::try_from(lacing.len()).expect("a page has at most 255 segments");
        let mut page = Vec::with_capacity(HEADER_BYTES + lacing.len() + body.len());
        page.extend_from_slice(CAPTURE);
        page.extend_from_slice(&[0, self.flags]);
        page.extend_from_slice(&self.granule.unwrap_or(u64::MAX).to_le_bytes());
        page.extend_from_slice(&self.serial.to_le_bytes());
        page.extend_from_slice(&self.sequence.to_le_bytes());
        page.extend_from_slice(&[0, 0, 0, 0, segments]);
        page.extend_from_slice(lacing);
        page.extend_from_slice(body);
        sign(&mut page);
        page
    }
}

/// Gives a whole page another number, in another logical stream, and the checksum that fits.
pub fn reissue(page: &mut [u8], serial: u32, sequence: u32) {
    page[14..18].copy_from_slice(&serial.to_le_bytes());
    page[18..22].copy_from_slice(&sequence.to_le_bytes());
    sign(page);
}

/// Makes a whole page the last of its logical stream.
pub fn end_stream(page: &mut [u8]) {
    page[5] |= ENDS_STREAM;
    sign(page);
}

fn sign(page: &mut [u8]) {
    let sum = checksum(page);
    page[22..26].copy_from_slice(&sum.to_le_bytes());
}

/// How many bytes from the start of `bytes` cannot begin a page; what is left may.
pub fn junk_bytes(bytes: &[u8]) -> usize {
    let may_begin = |at: &usize| {
        let here = &bytes[*at..];
        let seen = here.len().min(CAPTURE.len());
        here[..seen] == CAPTURE[..seen]
    };
    (0..bytes.len()).find(may_begin).unwrap_or(bytes.len())
}

/// The checksum of a page, taken as if its own field were zero: CRC-32 with the generator
/// `0x04c11db7`, not reflected, from zero.
pub fn checksum(page: &[u8]) -> u32 {
    let step = |crc: u32, byte: u8| {
        let index = usize::try_from(crc >> 24).expect("a byte is an index") ^ usize::from(byte);
        crc << 8 ^ CRC_TABLE[index]
    };
    let field = |at: usize| (22..26).contains(&at);
    let bytes = page.iter().enumerate().map(|(at, &byte)| if field(at) { 0 } else { byte });
    bytes.fold(0, step)
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte))
}

/// The flag of a page whose first packet began on an earlier one.
pub const CONTINUES_PACKET: u8 = 1;
/// The flag of a page that begins a logical stream.
pub const BEGINS_STREAM: u8 = 2;
/// The flag of a page that ends its logical stream.
pub const ENDS_STREAM: u8 = 4;
/// The longest page: a header, 255 lacing values and 255 segments of 255 bytes.
pub const PAGE_BYTES_MAX: usize = HEADER_BYTES + 255 + 255 * 255;
const HEADER_BYTES: usize = 27;
const CAPTURE: &[u8] = b"OggS";

const CRC_TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < table.len() {
        #[expect(clippy::cast_possible_truncation, reason = "an index below 256")]
        let mut crc = (index as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000_0000 != 0 { crc << 1 ^ 0x04c1_1db7 } else { crc << 1 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
};

/// Pages for tests.
#[cfg(test)]
pub(crate) mod fixture {
    use super::Label;

    /// A page with `packets`, all of which end in it.
    pub(crate) fn page(serial: u32, flags: u8, granule: u64, packets: &[&[u8]]) -> Vec<u8> {
        let mut lacing = Vec::new();
        for packet in packets {
            lacing.extend(std::iter::repeat_n(255, packet.len() / 255));
            lacing.push(u8::try_from(packet.len() % 255).unwrap());
        }
        laced(serial, flags, granule, &lacing, &packets.concat())
    }

    pub(crate) fn laced(
        serial: u32,
        flags: u8,
        granule: u64,
        lacing: &[u8],
        body: &[u8],
    ) -> Vec<u8> {
        let granule = (granule != u64::MAX).then_some(granule);
        Label { flags, granule, serial, sequence: 0 }.page(lacing, body)
    }
}

#[cfg(test)]
mod tests {
    use super::fixture::{laced, page};
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    #[test]
    fn a_page_tells_what_it_holds() {
        let bytes = [page(7, 2, 0, &[b"one", &[9; 300]]), b"more".to_vec()].concat();

        let page = Page::read(&bytes).unwrap().unwrap();

        assert_eq!((page.serial, page.begins_stream, page.ends_stream), (7, true, false));
        assert_eq!((page.granule, page.packets_ended()), (Some(0), 2));
        assert_eq!(page.bytes.len(), bytes.len() - 4);
        let packets: Vec<_> = page.segments().map(|s| (s.bytes.len(), s.ends_packet)).collect();
        assert_eq!(packets, [(3, true), (300, true)]);
    }

    #[test]
    fn a_packet_that_goes_on_does_not_end_on_its_page() {
        let bytes = laced(1, 0, u64::MAX, &[255, 255], &[5; 510]);

        let page = Page::read(&bytes).unwrap().unwrap();

        assert_eq!((page.granule, page.packets_ended()), (None, 0));
        let packets: Vec<_> = page.segments().map(|s| (s.bytes.len(), s.ends_packet)).collect();
        assert_eq!(packets, [(510, false)]);
    }

    #[test]
    fn a_packet_of_exactly_255_bytes_ends_with_an_empty_segment() {
        let bytes = page(1, 0, 0, &[&[5; 255], b""]);

        let page = Page::read(&bytes).unwrap().unwrap();

        let packets: Vec<_> = page.segments().map(|s| (s.bytes.len(), s.ends_packet)).collect();
        assert_eq!(packets, [(255, true), (0, true)]);
    }

    #[test]
    fn a_damaged_page_is_none() {
        let good = page(7, 2, 0, &[b"one"]);
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;

            assert!(!matches!(Page::read(&bad), Ok(Some(_))), "byte {at}");
        }
    }

    #[test]
    fn the_checksum_is_the_one_that_libogg_writes() {
        let page = LIBOGG_PAGE;

        assert_eq!(u64::from(checksum(page)), little_endian(&page[22..26]));
        assert_eq!(checksum(page), reference_crc(page));
    }

    /// The first page of a Vorbis stream, as oggenc writes it.
    const LIBOGG_PAGE: &[u8] = b"\
        \x4f\x67\x67\x53\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x4e\x61\xbc\x00\x00\x00\
        \x00\x00\xee\x39\x88\x46\x01\x1e\x01\x76\x6f\x72\x62\x69\x73\x00\x00\x00\x00\x02\
        \x44\xac\x00\x00\x00\x00\x00\x00\x80\xb5\x01\x00\x00\x00\x00\x00\xb8\x01";

    /// The same division, bit by bit, so that the table is checked against the definition.
    fn reference_crc(page: &[u8]) -> u32 {
        let mut crc = 0_u32;
        for (at, &byte) in page.iter().enumerate() {
            let byte = if (22..26).contains(&at) { 0 } else { byte };
            for bit in (0..8).rev() {
                let top = crc >> 31 ^ u32::from(byte >> bit & 1);
                crc = crc << 1 ^ if top == 1 { 0x04c1_1db7 } else { 0 };
            }
        }
        crc
    }

    #[test]
    fn junk_reaches_to_where_a_page_may_begin() {
        assert_eq!(junk_bytes(b"abcOggS"), 3);
        assert_eq!(junk_bytes(b"abcOg"), 3);
        assert_eq!(junk_bytes(b"abcOgx"), 6);
        assert_eq!(junk_bytes(b""), 0);
    }

    #[test]
    fn a_page_that_is_reissued_differs_in_its_numbers_only() {
        let original = page(7, 0, 960, &[b"audio", &[1; 300]]);
        let mut bytes = original.clone();

        reissue(&mut bytes, 8, 70_000);

        let page = Page::read(&bytes).unwrap().unwrap();
        assert_eq!((page.serial, page.sequence, page.granule), (8, 70_000, Some(960)));
        assert_eq!(bytes[26..], original[26..]);
    }

    proptest! {
        #[test]
        fn an_unfinished_page_is_awaited(
            packet in vec(any::<u8>(), 0..700),
            cut in 0..100_usize,
        ) {
            let bytes = page(1, 0, 5, &[&packet]);
            let cut = cut * (bytes.len() - 1) / 100;

            prop_assert_eq!(Page::read(&bytes[..cut]), Ok(None));
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in vec(any::<u8>(), 0..200)) {
            let _ = Page::read(&[CAPTURE, &[0], &bytes].concat());
            let _ = junk_bytes(&bytes);
        }
    }
}

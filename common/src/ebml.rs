//! EBML elements (RFC 8794), of which Matroska and WebM (RFC 9559) are made.
//!
//! An *element* is a number that says what it is, a length, and so many bytes. Elements stand
//! within elements. One whose length is said to be unknown, as live streams do, ends where an
//! element comes that cannot stand within it.

/// The beginning of an element: what it is and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element {
    /// What it is, with the bits that mark its length, as it is usually written.
    pub id: u32,
    /// Bytes of the number and of the length.
    pub head_bytes: usize,
    /// Bytes that follow; `None` if that is not known.
    pub body_bytes: Option<u64>,
}

/// The bytes do not begin with an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no EBML element begins here")]
pub struct NoElement;

impl Element {
    /// The element at the start of `bytes`, or `None` if its beginning is not whole yet.
    pub fn read(bytes: &[u8]) -> Result<Option<Self>, NoElement> {
        let Some(&first) = bytes.first() else { return Ok(None) };
        let id_bytes = length_of(first, ID_BYTES_MAX)?;
        let Some(&size_first) = bytes.get(id_bytes) else { return Ok(None) };
        let size_bytes = length_of(size_first, SIZE_BYTES_MAX)?;
        let head_bytes = id_bytes + size_bytes;
        let Some(size) = bytes.get(id_bytes..head_bytes) else { return Ok(None) };
        let number = |bytes: &[u8]| bytes.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte));
        let id = u32::try_from(number(&bytes[..id_bytes])).map_err(|_| NoElement)?;
        // The mark of the length is no part of the number.
        let unknown = (1 << (7 * size_bytes)) - 1;
        let size = number(size) & unknown;
        Ok(Some(Self { id, head_bytes, body_bytes: (size != unknown).then_some(size) }))
    }
}

/// The elements in `bytes`, one after the other, each with its body; those that are not whole are
/// left out, but for the last of unknown length, which has the rest.
pub fn elements(bytes: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let Element { id, head_bytes, body_bytes } = Element::read(rest).ok().flatten()?;
        let body = rest.get(head_bytes..)?;
        let length = match body_bytes {
            Some(length) => usize::try_from(length).ok()?,
            None => body.len(),
        };
        let (body, after) = body.split_at_checked(length)?;
        rest = after;
        Some((id, body))
    })
}

/// The number that is the body of an element; no larger ones are needed.
pub fn number(body: &[u8]) -> u64 {
    body.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// How many bytes a number has, which its first byte says.
fn length_of(first: u8, bytes_max: usize) -> Result<usize, NoElement> {
    let bytes = 1 + usize::try_from(first.leading_zeros()).map_err(|_| NoElement)?;
    if bytes > bytes_max { Err(NoElement) } else { Ok(bytes) }
}

/// Begins a file or stream.
pub const HEADER: u32 = 0x1A45_DFA3;
/// Holds everything else.
pub const SEGMENT: u32 = 0x1853_8067;
/// Holds some seconds of audio and video.
pub const CLUSTER: u32 = 0x1F43_B675;
/// What may stand in a cluster: its time, the blocks, and what says where it is.
pub const WITHIN_CLUSTER: [u32; 8] = [0xE7, 0xA3, 0xA0, 0xAB, 0xA7, 0xEC, 0xBF, 0x5854];
/// Holds what tracks there are.
pub const TRACKS: u32 = 0x1654_AE6B;
/// Holds what one track is.
pub const TRACK: u32 = 0xAE;
/// The number of a track, within it.
pub const TRACK_NUMBER: u32 = 0xD7;
/// What a track holds: 1 for pictures, 2 for sound.
pub const TRACK_TYPE: u32 = 0x83;
/// A block that says itself whether it can be decoded alone.
pub const SIMPLE_BLOCK: u32 = 0xA3;
/// Holds a block and what is to be known of it.
pub const BLOCK_GROUP: u32 = 0xA0;
/// A block within a group.
pub const BLOCK: u32 = 0xA1;
/// Names another block of the track, within a group, without which this one means nothing.
pub const REFERENCE: u32 = 0xFB;
const ID_BYTES_MAX: usize = 4;
const SIZE_BYTES_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    #[test]
    fn an_element_tells_what_it_is_and_how_long() {
        let cluster = Element::read(b"\x1f\x43\xb6\x75\x41\x02rest").unwrap().unwrap();
        assert_eq!(cluster, Element { id: CLUSTER, head_bytes: 6, body_bytes: Some(0x102) });

        let live = Element::read(b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff").unwrap();
        assert_eq!(live, Some(Element { id: SEGMENT, head_bytes: 12, body_bytes: None }));

        let block = Element::read(b"\xa3\xff").unwrap();
        assert_eq!(block, Some(Element { id: 0xA3, head_bytes: 2, body_bytes: None }));
    }

    #[test]
    fn what_begins_with_a_zero_is_no_element() {
        assert_eq!(Element::read(b"\0\0\0"), Err(NoElement));
        assert_eq!(Element::read(b"\x08\0\0"), Err(NoElement));
        assert_eq!(Element::read(b"\xa3\0"), Err(NoElement));
    }

    proptest! {
        #[test]
        fn more_bytes_do_not_change_an_element(
            bytes in vec(any::<u8>(), 0..14),
            cut in 0..14_usize,
        ) {
            let whole = Element::read(&bytes);
            let start = Element::read(&bytes[..cut.min(bytes.len())]);

            prop_assert!(start == Ok(None) || start == whole);
        }
    }
}

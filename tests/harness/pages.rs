//! Ogg pages, written by hand.
//!
//! A stream made of them has the shape of Opus in Ogg, two header pages and then audio, which is
//! all that a server looks at; a decoder would not make anything of its packets.

use common::ogg::page;

/// A page of one packet, which may have up to 254 bytes.
pub fn page(serial: u32, flags: u8, granule: u64, packet: &[u8]) -> Vec<u8> {
    let length = u8::try_from(packet.len()).ok().filter(|&length| length < u8::MAX);
    let length = length.expect("a packet of less than 255 bytes");
    let mut page = b"OggS\0".to_vec();
    page.push(flags);
    page.extend_from_slice(&granule.to_le_bytes());
    page.extend_from_slice(&serial.to_le_bytes());
    page.extend_from_slice(&[0; 8]); // the page's number and its checksum
    page.extend_from_slice(&[1, length]);
    page.extend_from_slice(packet);
    let checksum = page::checksum(&page);
    page[22..26].copy_from_slice(&checksum.to_le_bytes());
    page
}

/// The header pages of an Opus stream with `title`.
pub fn opus_headers(serial: u32, title: &str) -> Vec<u8> {
    let head = b"OpusHead\x01\x02\x38\x01\x80\xbb\0\0\0\0\0";
    let comment = format!("TITLE={title}");
    let mut tags = b"OpusTags".to_vec();
    let lengths = [&[0_u8; 4][..], &1_u32.to_le_bytes(), &four_bytes(comment.len())].concat();
    tags.extend_from_slice(&lengths);
    tags.extend_from_slice(comment.as_bytes());
    [page(serial, BEGINS_STREAM, 0, head), page(serial, 0, 0, &tags)].concat()
}

/// The audio page `number` of a stream.
pub fn audio(serial: u32, number: u64) -> Vec<u8> {
    page(serial, 0, 960 * (number + 1), format!("{:200}", format!("page {number}")).as_bytes())
}

fn four_bytes(length: usize) -> [u8; 4] {
    u32::try_from(length).expect("a short text").to_le_bytes()
}

const BEGINS_STREAM: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use common::ogg::comment::Tags;
    use common::ogg::page::Page;

    #[test]
    fn a_written_page_can_be_read() {
        let bytes = audio(7, 3);

        let page = Page::read(&bytes).unwrap().unwrap();

        assert_eq!((page.serial, page.granule, page.packets_ended()), (7, Some(3_840), 1));
        assert_eq!(Tags::read(&opus_headers(7, "Blue")).title.as_deref(), Some("Blue"));
    }
}

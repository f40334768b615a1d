//! How bodies are cut, by what comes out of them.

use super::*;
use common::ogg::comment::Tags;
use common::ogg::page::{self, Page};
use proptest::collection::vec;
use proptest::prelude::*;

const FORMATS: [Format; 6] =
    [Format::Adts, Format::Flac, Format::Matroska, Format::Mpeg, Format::Ogg, Format::Unknown];

/// A layer III frame of 128 kbit/s at 44.1 kHz, filled with `fill`.
fn frame(fill: u8) -> Vec<u8> {
    let mut frame = vec![fill; 417];
    frame[..4].copy_from_slice(&[0xFF, 0xFB, 0x90, 0x64]);
    frame
}

fn body_of_frames(fills: std::ops::Range<u8>) -> Vec<u8> {
    fills.flat_map(frame).collect()
}

fn page(serial: u8, flags: u8, granule: u8, packet: &[u8]) -> Vec<u8> {
    let mut page = vec![b'O', b'g', b'g', b'S', 0, flags, granule, 0, 0, 0, 0, 0, 0, 0];
    page.extend_from_slice(&[serial, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    page.extend_from_slice(&[1, u8::try_from(packet.len()).unwrap()]);
    page.extend_from_slice(packet);
    let crc = page::checksum(&page);
    page[22..26].copy_from_slice(&crc.to_le_bytes());
    page
}

fn opus(serial: u8, audio: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut pages = vec![page(serial, 2, 0, b"OpusHead"), page(serial, 0, 0, b"OpusTags")];
    pages.extend(audio.iter().map(|packet| page(serial, 0, 9, packet)));
    pages
}

/// All chunks of `body`, pushed `cut` bytes at a time.
fn chunks(format: Format, body: &[u8], cut: usize) -> Vec<Chunk> {
    let mut framer = Framer::new(format);
    let mut chunks = Vec::new();
    for piece in body.chunks(cut) {
        framer.push(piece);
        while let Some(chunk) = framer.next().unwrap() {
            chunks.push(chunk);
        }
    }
    chunks
}

fn joined(chunks: &[Chunk]) -> Vec<u8> {
    chunks.iter().flat_map(|chunk| chunk.bytes.to_vec()).collect()
}

#[test]
fn a_frame_goes_on_as_soon_as_it_is_whole_once_in_step() {
    let mut framer = Framer::new(Format::Mpeg);
    framer.push(&frame(1));
    assert_eq!(framer.next(), Ok(None), "one header may be chance");

    framer.push(&frame(2)[..4]);
    assert_eq!(framer.next().unwrap().unwrap().bytes, frame(1));

    framer.push(&frame(2)[4..416]);
    assert_eq!(framer.next(), Ok(None));

    framer.push(&frame(2)[416..]);
    let chunk = framer.next().unwrap().unwrap();
    assert_eq!(chunk.bytes, frame(2));
    assert_eq!(chunk.plays.as_micros(), 26_122);
}

#[test]
fn tags_and_damage_between_frames_are_left_out() {
    let tag = [b"ID3\x04\0\0\0\0\0\x22TSSE".as_slice(), &[0; 30]].concat();
    let body = [&tag[..], &frame(1), &frame(2), b"TAG\xff\xfbtitle", &frame(3), &frame(4)];

    let heard = joined(&chunks(Format::Mpeg, &body.concat(), 100));

    assert_eq!(heard, [frame(1), frame(2), frame(3), frame(4)].concat());
}

#[test]
fn a_stream_may_go_on_with_another_rate() {
    let mut other = vec![7; 384];
    other[..4].copy_from_slice(&[0xFF, 0xFB, 0x94, 0x64]); // 48 kHz
    let body = [frame(1), frame(2), other.clone(), other.clone(), other].concat();

    assert_eq!(joined(&chunks(Format::Mpeg, &body, 50)), body);
}

#[test]
fn a_body_without_frames_is_refused_in_the_end() {
    let mut framer = Framer::new(Format::Mpeg);
    framer.push(&vec![0; JUNK_BYTES_MAX]);
    assert_eq!(framer.next(), Ok(None));

    framer.push(b"abcdef");

    assert_eq!(framer.next(), Err(BadStream::Nothing { said: Format::Mpeg }));
}

#[test]
fn why_a_body_is_refused_is_said_in_one_line() {
    let other = BadStream::Other { is: Format::Ogg, said: Format::Mpeg }.to_string();
    let nothing = BadStream::Nothing { said: Format::Flac }.to_string();

    assert_eq!(
        other,
        "the stream is Ogg (audio/ogg), but its content type says MPEG audio (audio/mpeg)"
    );
    assert_eq!(
        nothing,
        "262144 bytes without anything of what the content type says, \
         FLAC without a container (audio/flac)"
    );
}

#[test]
fn a_body_that_begins_as_another_container_is_refused_at_once() {
    let bodies: [(Format, &[u8]); 3] =
        [(Format::Ogg, b"OggS"), (Format::Flac, b"fLaC"), (Format::Matroska, &webm(&[])[..4])];
    for (said, (is, body)) in FORMATS.into_iter().flat_map(|said| bodies.map(|body| (said, body))) {
        let mut framer = Framer::new(said);
        framer.push(body);

        let is_refused = framer.next() == Err(BadStream::Other { is, said });

        assert_eq!(is_refused, is != said && said != Format::Unknown, "{is:?} as {said:?}");
    }
}

#[test]
fn a_tag_of_any_size_costs_no_frame() {
    let tag = [&b"ID3\x03\0\0\0\x20\0\x03"[..], &vec![0xFF; 0x20 << 14 | 3]].concat();
    let body = [&tag[..], &frame(1), &frame(2), &tag, &frame(3), &frame(4)].concat();

    assert_eq!(joined(&chunks(Format::Mpeg, &body, 1_000)), body_of_frames(1..5));
}

#[test]
fn a_lenient_framer_passes_a_body_without_frames_as_it_comes_in_the_end() {
    let mut framer = Framer::new(Format::Mpeg).lenient(true);
    framer.push(&vec![0; JUNK_BYTES_MAX]);
    assert_eq!(framer.next(), Ok(None));
    assert!(!framer.is_blind());

    framer.push(b"abcdef");

    assert!(framer.next().unwrap().unwrap().bytes.ends_with(b"def"));
    assert!(framer.is_blind());
    framer.push(b"ghi");
    assert_eq!(framer.next().unwrap().unwrap().bytes, b"ghi".as_slice());
}

#[test]
fn the_headers_of_an_ogg_stream_are_one_chunk() {
    let pages = [opus(1, &[b"a", b"b"]), opus(2, &[b"c"])].concat();

    let chunks = chunks(Format::Ogg, &pages.concat(), usize::MAX);

    let shape: Vec<_> = chunks.iter().map(|chunk| (chunk.opening, chunk.bytes.len())).collect();
    let headers = pages[0].len() + pages[1].len();
    let one = pages[2].len();
    assert_eq!(
        shape,
        [
            (Opening::Headers, headers),
            (Opening::Audio, 2 * one),
            (Opening::Headers, headers),
            (Opening::Audio, one)
        ]
    );
    assert_eq!(joined(&chunks), pages.concat());
}

#[test]
fn a_stream_that_begins_anew_within_its_headers_leaves_the_old_ones_behind() {
    let begun = vec![page(1, 2, 0, b"\x01vorbis"), page(1, 0, 0, b"\x03vorbis")];
    let body = [begun, opus(2, &[b"a"])].concat();

    let heard = joined(&chunks(Format::Ogg, &body.concat(), 10));

    assert_eq!(heard, opus(2, &[b"a"]).concat());
}

/// An Opus stream whose headers have a list of comments, with pages of `audio`.
fn tagged(serial: u8, audio: &[&[u8]]) -> Vec<u8> {
    let first = page(serial, 2, 0, b"OpusHead\x01\x02\x38\x01");
    let tags = page(serial, 0, 0, b"OpusTags\x01\0\0\0v\0\0\0\0");
    let audio = audio.iter().map(|packet| page(serial, 0, 9, packet));
    [first, tags].into_iter().chain(audio).flatten().collect()
}

fn title(title: &str) -> Title {
    Title { artist: None, title: Some(title.to_owned()) }
}

/// A page on whose end its packet goes on.
fn open_page(serial: u8) -> Vec<u8> {
    let mut page = page(serial, 0, 255, &[7; 255]);
    page[6..14].fill(255);
    let crc = page::checksum(&page);
    page[22..26].copy_from_slice(&crc.to_le_bytes());
    page
}

#[test]
fn a_chunk_ends_where_a_packet_does() {
    let mut framer = Framer::new(Format::Ogg);
    framer.push(&[tagged(1, &[b"a"]), open_page(1)].concat());
    assert_eq!(framer.next().unwrap().unwrap().opening, Opening::Headers);
    assert_eq!(framer.next().unwrap().unwrap().bytes, page(1, 0, 9, b"a"));
    assert_eq!(framer.next(), Ok(None));

    framer.push(&page(1, 1, 9, b"rest"));

    let whole = [open_page(1), page(1, 1, 9, b"rest")].concat();
    assert_eq!(framer.next().unwrap().unwrap().bytes, whole);
}

#[test]
fn a_packet_that_the_source_does_not_end_is_left_out() {
    let body = [tagged(1, &[b"a"]), open_page(1), tagged(2, &[b"b"])].concat();

    let heard = joined(&chunks(Format::Ogg, &body, 50));

    assert_eq!(heard, [tagged(1, &[b"a"]), tagged(2, &[b"b"])].concat());
}

#[test]
fn a_packet_without_end_does_not_wait_for_ever() {
    let mut framer = Framer::new(Format::Ogg);
    framer.push(&tagged(1, &[]));
    framer.next().unwrap();

    let waits = (0..2_000).take_while(|_| {
        framer.push(&open_page(1));
        framer.next() == Ok(None)
    });

    assert_eq!(waits.count(), 262_144 / open_page(1).len());
}

#[test]
fn a_title_is_put_in_where_a_packet_ends() {
    let mut framer = Framer::new(Format::Ogg);
    framer.push(&[tagged(1, &[b"a"]), open_page(1)].concat());
    let mut chunks = vec![framer.next().unwrap().unwrap(), framer.next().unwrap().unwrap()];

    framer.retitle(title("New"));
    framer.push(&[page(1, 1, 9, b"rest"), page(1, 0, 9, b"b")].concat());

    while let Some(chunk) = framer.next().unwrap() {
        chunks.push(chunk);
    }

    let titles: Vec<_> = chunks
        .iter()
        .filter(|chunk| chunk.opening == Opening::Headers)
        .map(|chunk| Tags::read(&chunk.bytes).title)
        .collect();
    assert_eq!(titles, [None, Some("New".to_owned())]);
    let body = joined(&chunks);
    let packets: Vec<_> = common::ogg::stream::packets(&body).into_iter().skip(2).collect();
    assert_eq!(packets[0], (1, b"a".to_vec()));
    assert_eq!(packets[1].1, [&[7; 255][..], b"rest"].concat());
    assert_eq!((packets[1].0, packets[2].0), (1, 2));
    assert_eq!(packets[4], (2, b"b".to_vec()));
}

#[test]
fn what_the_source_says_of_itself_later_wins() {
    let mut framer = Framer::new(Format::Ogg);
    framer.retitle(title("Early"));
    framer.push(&[tagged(1, &[b"a"]), tagged(2, &[b"b"])].concat());

    let mut titles = Vec::new();
    while let Some(chunk) = framer.next().unwrap() {
        if chunk.opening == Opening::Headers {
            titles.push(Tags::read(&chunk.bytes).title);
        }
    }

    assert_eq!(titles, [Some("Early".to_owned()), None]);
}

#[test]
fn a_damaged_page_is_left_out() {
    let mut pages = opus(1, &[b"a", b"b", b"c"]);
    *pages[3].last_mut().unwrap() ^= 1;

    let heard = joined(&chunks(Format::Ogg, &pages.concat(), 7));

    assert_eq!(heard, [&pages[..3], &pages[4..]].concat().concat());
}

/// An element with a length of eight bytes, which is unknown for `None`.
fn element(id: &[u8], body: Option<&[u8]>) -> Vec<u8> {
    let length = body.map_or([0xff; 8], |body| (body.len() as u64).to_be_bytes());
    [id, &[1], &length[1..], body.unwrap_or_default()].concat()
}

/// Headers and clusters of which each has a block of audio.
fn webm(clusters: &[Vec<u8>]) -> Vec<u8> {
    let header = element(b"\x1a\x45\xdf\xa3", Some(b"webm"));
    let segment = element(b"\x18\x53\x80\x67", None);
    let tracks = element(b"\x16\x54\xae\x6b", Some(b"tracks"));
    [header, segment, tracks, clusters.concat()].concat()
}

fn cluster(block: &[u8], is_known: bool) -> Vec<u8> {
    let inside = [element(b"\xe7", Some(b"\0")), element(b"\xa3", Some(block))].concat();
    match is_known {
        true => element(b"\x1f\x43\xb6\x75", Some(&inside)),
        false => [element(b"\x1f\x43\xb6\x75", None), inside].concat(),
    }
}

#[test]
fn a_listener_of_webm_begins_with_the_headers_and_a_cluster() {
    let clusters = [cluster(b"one", true), cluster(b"two", false), cluster(b"three", true)];
    let mut framer = Framer::new(Format::Matroska);
    framer.push(&webm(&clusters));

    let mut chunks = Vec::new();
    while let Some(chunk) = framer.next().unwrap() {
        chunks.push(chunk);
    }

    assert_eq!(chunks[0].opening, Opening::Headers);
    assert_eq!(chunks[0].bytes, webm(&[]));
    let heard: Vec<_> = chunks[1..].iter().map(|chunk| chunk.bytes.to_vec()).collect();
    assert_eq!(heard, clusters);
}

#[test]
fn a_cluster_with_pictures_is_an_entry_if_the_first_needs_no_other() {
    let track = |number, kind| {
        let inside = [element(b"\xd7", Some(&[number])), element(b"\x83", Some(&[kind]))];
        element(b"\xae", Some(&inside.concat()))
    };
    let headers = [
        element(b"\x1a\x45\xdf\xa3", Some(b"webm")),
        element(b"\x18\x53\x80\x67", None),
        element(b"\x16\x54\xae\x6b", Some(&[track(1, 2), track(2, 1)].concat())),
    ];
    let block = |track: u8, flags| element(b"\xa3", Some(&[0x80 | track, 0, 0, flags, 7]));
    let of = |blocks: &[Vec<u8>]| element(b"\x1f\x43\xb6\x75", Some(&blocks.concat()));
    let group = |inside: &[Vec<u8>]| element(b"\xa0", Some(&inside.concat()));
    let inner = element(b"\xa1", Some(&[0x82, 0, 0, 0, 7]));
    let clusters = [
        of(&[block(1, 0x80), block(2, 0x80)]),
        of(&[block(1, 0x80), block(2, 0)]),
        of(&[block(1, 0x80)]),
        of(&[group(std::slice::from_ref(&inner))]),
        of(&[group(&[inner, element(b"\xfb", Some(b"\x01"))])]),
    ];
    let body = [headers.concat(), clusters.concat()].concat();

    let openings: Vec<_> =
        chunks(Format::Matroska, &body, 9).iter().skip(1).map(|chunk| chunk.opening).collect();

    use Opening::{Audio, Middle};
    assert_eq!(openings, [Audio, Middle, Middle, Audio, Middle]);
}

#[test]
fn a_chunk_begins_with_every_whole_picture_of_theora() {
    let sound = page(2, 0, 9, b"sound");
    let pages = [
        page(1, 2, 0, b"\x80theora"),
        page(2, 2, 0, b"OpusHead"),
        page(1, 0, 0, b"\x81theora"),
        page(1, 0, 0, b"\x82theora"),
        page(2, 0, 0, b"OpusTags"),
        page(1, 0, 64, b"\x30whole"),
        sound.clone(),
        page(1, 0, 65, b"\x40difference"),
        page(1, 0, 128, b"\x30whole"),
        sound.clone(),
    ];

    let chunks = chunks(Format::Ogg, &pages.concat(), usize::MAX);

    let shape: Vec<_> = chunks.iter().map(|chunk| (chunk.opening, chunk.bytes.len())).collect();
    let expected = [
        (Opening::Headers, pages[..5].concat()),
        (Opening::Audio, pages[5..8].concat()),
        (Opening::Audio, pages[8..].concat()),
    ];
    assert_eq!(shape, expected.map(|(opening, bytes)| (opening, bytes.len())));
    let mut framer = Framer::new(Format::Ogg);
    framer.push(&pages[..5].concat());
    framer.next().unwrap();
    framer.push(&sound);
    assert_eq!(framer.next().unwrap().unwrap().opening, Opening::Middle);
}

#[test]
fn what_stands_between_clusters_is_left_out() {
    let cues = element(b"\x1c\x53\xbb\x6b", Some(b"places"));
    let body = [webm(&[cluster(b"one", true)]), cues, cluster(b"two", true)].concat();

    let heard = joined(&chunks(Format::Matroska, &body, 20));

    assert_eq!(heard, webm(&[cluster(b"one", true), cluster(b"two", true)]));
}

#[test]
fn endless_headers_of_webm_are_refused() {
    let mut framer = Framer::new(Format::Matroska);
    framer.push(&webm(&[]));

    framer.push(&element(b"\x16\x54\xae\x6b", Some(&vec![0; HEADERS_BYTES_MAX])));

    assert_eq!(framer.next(), Err(BadStream::HeadersTooLong));
}

#[test]
fn endless_headers_are_refused() {
    let mut framer = Framer::new(Format::Ogg);
    framer.push(&page(1, 2, 0, b"unknown codec"));
    let header = page(1, 0, 0, &[b'x'; 200]);
    let refused = (0..=HEADERS_BYTES_MAX / 200).any(|_| {
        framer.push(&header);
        framer.next() == Err(BadStream::HeadersTooLong)
    });

    assert!(refused);
}

proptest! {
    #[test]
    fn how_a_body_is_cut_changes_nothing_of_it(
        fills in vec(any::<u8>(), 2..30),
        before in vec(0..0xFF_u8, 0..50),
        cut in 1..2_000_usize,
    ) {
        let frames: Vec<u8> = fills.iter().flat_map(|&fill| frame(fill & 0x7f)).collect();

        let heard = chunks(Format::Mpeg, &[before, frames.clone()].concat(), cut);

        prop_assert_eq!(joined(&heard), frames);
        prop_assert!(heard.iter().all(|chunk| chunk.bytes.starts_with(&[0xFF, 0xFB])));
    }

    #[test]
    fn how_a_titled_body_is_cut_changes_nothing_of_it(
        packets in vec(vec(any::<u8>(), 0..200), 1..20),
        cut in 1..500_usize,
    ) {
        let slices: Vec<_> = packets.iter().map(Vec::as_slice).collect();
        let retitled = |cut: usize| {
            let mut framer = Framer::new(Format::Ogg);
            framer.push(&tagged(1, &[b"first"]));
            framer.retitle(title("New"));
            let audio = &tagged(1, &slices)[tagged(1, &[]).len()..];
            let mut heard = Vec::new();
            for piece in audio.chunks(cut) {
                framer.push(piece);
                while let Some(chunk) = framer.next().unwrap() {
                    heard.extend(chunk.bytes);
                }
            }
            heard
        };

        let heard = retitled(cut);

        prop_assert_eq!(&heard, &retitled(usize::MAX));
        let mut rest = heard.as_slice();
        while !rest.is_empty() {
            rest = &rest[Page::read(rest).unwrap().unwrap().bytes.len()..];
        }
    }

    #[test]
    fn how_webm_is_cut_changes_nothing_of_it(
        blocks in vec((vec(any::<u8>(), 0..300), any::<bool>()), 1..10),
        cut in 1..500_usize,
    ) {
        let clusters = blocks.iter().map(|(block, is_known)| cluster(block, *is_known));
        // Only what follows says where a cluster of unknown length ends.
        let clusters: Vec<_> = clusters.chain([cluster(b"last", true)]).collect();

        let heard = chunks(Format::Matroska, &webm(&clusters), cut);

        prop_assert_eq!(joined(&heard), webm(&clusters));
        prop_assert_eq!(heard.len(), 1 + clusters.len());
    }

    #[test]
    fn no_body_makes_the_framer_panic_or_stand_still(
        pieces in vec(prop_oneof![
            vec(any::<u8>(), 0..300),
            any::<u8>().prop_map(frame),
            any::<u8>().prop_map(|flags| page(flags & 1, flags & 7, flags >> 4, &[flags; 9])),
            Just(b"OggS".to_vec()),
            Just(vec![0xFF, 0xF1, 0x50, 0x80, 0x02, 0x1F, 0xFC]),
            any::<bool>().prop_map(|is_known| cluster(b"block", is_known)),
            Just(webm(&[])),
        ], 0..30),
    ) {
        for format in FORMATS {
            let mut framer = Framer::new(format);
            let mut heard = 0;
            'body: for piece in pieces.concat().chunks(64) {
                framer.push(piece);
                loop {
                    match framer.next() {
                        Ok(Some(chunk)) => heard += chunk.bytes.len(),
                        Ok(None) => break,
                        Err(_) => break 'body,
                    }
                }
            }
            prop_assert!(heard <= pieces.concat().len());
        }
    }
}

//! What a listener is given, step by step.

use super::*;
use crate::mount::stream::Writer;
use common::chunk::{Chunk, Opening};
use proptest::collection::vec;
use proptest::prelude::*;
use std::time::Duration;

const ICY_4: Wrapping = Wrapping::Icy(NonZeroU32::new(4).unwrap());

fn air(writer: &mut Writer, bytes: &[u8]) {
    let bytes = Bytes::copy_from_slice(bytes);
    writer.air(Chunk { bytes, opening: Opening::Audio, plays: Duration::ZERO });
}

fn feed(writer: &Writer, wrapping: Wrapping) -> Feed {
    Feed::new(b"HEAD|", writer.start(), wrapping)
}

/// Writes until the feed has nothing more; each write takes at most `taken` bytes.
fn written(feed: &mut Feed, taken: usize) -> (Vec<u8>, Plan) {
    let mut out = Vec::new();
    loop {
        let (plan, whole) = planned(feed);
        if !matches!(plan, Plan::Write { .. }) {
            return (out, plan);
        }
        let taken = whole.len().min(taken);
        out.extend_from_slice(&whole[..taken]);
        feed.advance(taken);
    }
}

fn planned(feed: &Feed) -> (Plan, Vec<u8>) {
    let mut slices = [IoSlice::new(&[]); SLICES_MAX];
    let plan = feed.plan(&mut slices, 50);
    let whole: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
    if let Plan::Write { bytes, .. } = plan {
        assert_eq!(whole.len(), bytes);
    }
    (plan, whole)
}

#[test]
fn a_plain_listener_gets_the_head_and_the_bytes_as_they_are() {
    let mut writer = Writer::new(100);
    air(&mut writer, b"aaa");
    let mut listener = feed(&writer, Wrapping::Plain);
    air(&mut writer, b"bb");

    assert_eq!(written(&mut listener, 4), (b"HEAD|aaabb".to_vec(), Plan::CaughtUp));

    air(&mut writer, b"c");
    drop(writer);

    assert_eq!(written(&mut listener, 4), (b"c".to_vec(), Plan::End));
}

#[test]
fn a_title_comes_after_one_interval_and_only_once() {
    let mut writer = Writer::new(100);
    air(&mut writer, b"aaaa");
    writer.announce("Blue");
    let mut listener = feed(&writer, ICY_4);
    air(&mut writer, b"bbbbcc");

    let (heard, _) = written(&mut listener, usize::MAX);

    let first = b"HEAD|aaaa\x01StreamTitle='';\0".as_slice();
    let second = b"bbbb\x02StreamTitle='Blue';\0\0\0\0\0\0\0\0\0\0\0\0\0cc";
    assert_eq!(heard, [first, second].concat());

    air(&mut writer, b"ddee");

    assert_eq!(written(&mut listener, usize::MAX).0, b"dd\0ee");
}

#[test]
fn an_http_1_1_listener_gets_chunks_and_is_told_the_end() {
    let mut writer = Writer::new(100);
    air(&mut writer, b"aaaaaaaaaaaaaaaa");
    let mut listener = feed(&writer, Wrapping::Chunked);
    air(&mut writer, b"b");
    drop(writer);

    let (heard, plan) = written(&mut listener, 3);

    assert_eq!(heard, b"HEAD|10\r\naaaaaaaaaaaaaaaa\r\n1\r\nb\r\n0\r\n\r\n");
    assert_eq!(plan, Plan::End);
}

/// Writes all, and lands in `other` when it is time to.
fn written_across(feed: &mut Feed, other: &Writer, taken: usize) -> Vec<u8> {
    let (mut out, plan) = written(feed, taken);
    if let Plan::Land(landing) = plan {
        let tip = other.tip().borrow().clone();
        feed.land(if landing == Landing::Burst { tip.burst } else { tip.newest });
        out.extend(written(feed, taken).0);
    }
    out
}

#[test]
fn a_listener_that_leaves_hears_all_that_was_aired_and_then_the_newest_of_the_other_stream() {
    let (mut main, mut other) = (Writer::new(100), Writer::new(100));
    air(&mut main, b"aaaa");
    other.announce("Other");
    air(&mut other, b"old old");
    air(&mut other, b"bbbb");
    for (wrapping, expected) in [
        (Wrapping::Plain, b"HEAD|aaaabbbb".as_slice()),
        (Wrapping::Chunked, b"HEAD|4\r\naaaa\r\n4\r\nbbbb\r\n"),
        (ICY_4, b"HEAD|aaaa\x02StreamTitle='Other';\0\0\0\0\0\0\0\0\0\0\0\0bbbb\0"),
    ] {
        let mut listener = feed(&main, wrapping);

        listener.leave_after(4);

        assert_eq!(written_across(&mut listener, &other, 3), expected);
    }
}

#[test]
fn a_listener_that_leaves_gets_the_headers_of_the_other_stream() {
    let (mut main, mut other) = (Writer::new(100), Writer::new(100));
    air(&mut main, b"aaaa");
    let headers = Bytes::from_static(b"OPUS");
    other.air(Chunk { bytes: headers, opening: Opening::Headers, plays: Duration::ZERO });
    air(&mut other, b"old");
    air(&mut other, b"bbbb");
    let mut plain = feed(&main, Wrapping::Plain);
    let mut in_chunks = feed(&main, Wrapping::Chunked);

    plain.leave_after(4);
    in_chunks.leave_after(4);

    assert_eq!(written_across(&mut plain, &other, 3), b"HEAD|aaaaOPUSbbbb");
    let expected = b"HEAD|4\r\naaaa\r\n4\r\nOPUS\r\n4\r\nbbbb\r\n";
    assert_eq!(written_across(&mut in_chunks, &other, 3), expected);
}

#[test]
fn a_listener_that_found_no_entry_waits_for_the_next() {
    let mut writer = Writer::new(0);
    let air_middle = |writer: &mut Writer| {
        let bytes = Bytes::from_static(b"middle");
        writer.air(Chunk { bytes, opening: Opening::Middle, plays: Duration::ZERO });
    };
    air_middle(&mut writer);
    let mut plain = feed(&writer, Wrapping::Plain);
    let mut in_chunks = feed(&writer, Wrapping::Chunked);
    air_middle(&mut writer);
    assert_eq!(written(&mut plain, 9), (b"HEAD|".to_vec(), Plan::CaughtUp));

    air(&mut writer, b"key");
    air_middle(&mut writer);

    assert_eq!(written(&mut plain, 9).0, b"keymiddle");
    let expected = b"HEAD|3\r\nkey\r\n6\r\nmiddle\r\n";
    assert_eq!(written(&mut in_chunks, 3).0, expected);
}

#[test]
fn headers_are_counted_where_blocks_stand_between_them() {
    let (mut main, mut other) = (Writer::new(100), Writer::new(100));
    for (writer, text) in [(&mut main, b"fLaC-6"), (&mut other, b"fLaC-7")] {
        writer.announce("");
        let bytes = Bytes::from_static(text);
        let opening = Opening::Headers;
        writer.air(Chunk { bytes, opening, plays: Duration::ZERO });
        air(writer, b"past");
        writer.set_burst(4);
    }
    let empty = b"\x01StreamTitle='';\0";
    let mut listener = feed(&main, ICY_4);

    let (before, _) = written(&mut listener, 3);
    assert_eq!(before, [b"HEAD|fLaC\0-6pa", &empty[..], b"st"].concat());

    listener.leave_after(10);
    let after = [b"fL\0aC-7", &empty[..], b"past\0"].concat();
    assert_eq!(written_across(&mut listener, &other, 3), after);
}

#[test]
fn an_intro_comes_first_and_then_the_stream_with_its_burst() {
    let (mut intro, mut main) = (Writer::new(usize::MAX), Writer::new(100));
    air(&mut intro, b"int");
    air(&mut intro, b"ro");
    air(&mut main, b"aaaa");
    air(&mut main, b"bbbb");
    let mut listener = Feed::with_intro(b"HEAD|", intro.start(), 5, Wrapping::Plain);
    drop(intro);

    assert_eq!(listener.behind_bytes(1_000_000), 0);
    assert_eq!(written_across(&mut listener, &main, 3), b"HEAD|introaaaabbbb");
}

#[test]
fn how_far_a_listener_is_behind_counts_audio_only() {
    let mut writer = Writer::new(100);
    air(&mut writer, b"aaaa");
    let mut listener = feed(&writer, ICY_4);
    air(&mut writer, b"bbbb");

    assert_eq!(listener.behind_bytes(8), 8);

    listener.advance(b"HEAD|aa".len());

    assert_eq!(listener.behind_bytes(8), 6);

    written(&mut listener, usize::MAX);

    assert_eq!(listener.behind_bytes(8), 0);
}

fn wrapping() -> impl Strategy<Value = Wrapping> {
    prop_oneof![
        Just(Wrapping::Plain),
        Just(Wrapping::Chunked),
        (1..40_u32).prop_map(|bytes| Wrapping::Icy(NonZeroU32::new(bytes).unwrap())),
    ]
}

proptest! {
    #[test]
    fn how_much_the_socket_takes_changes_nothing(
        chunks in vec((vec(any::<u8>(), 1..60), any::<bool>()), 0..20),
        wrapping in wrapping(),
        burst in 0..200_usize,
        joined in 0..20_usize,
        takes in vec(1..50_usize, 1..9),
    ) {
        let mut writer = Writer::new(burst);
        let mut listeners = None;
        for (index, (bytes, titled)) in chunks.iter().enumerate() {
            if index == joined.min(chunks.len() - 1) {
                listeners = Some((feed(&writer, wrapping), feed(&writer, wrapping)));
            }
            if *titled {
                writer.announce(&format!("title {index}"));
            }
            air(&mut writer, bytes);
        }
        drop(writer);
        let Some((mut greedy, mut picky)) = listeners else { return Ok(()) };

        let whole = written(&mut greedy, usize::MAX).0;
        let mut pieces = Vec::new();
        for take in takes.iter().cycle() {
            let (Plan::Write { bytes, .. }, plan) = planned(&picky) else { break };
            pieces.extend_from_slice(&plan[..bytes.min(*take)]);
            picky.advance(bytes.min(*take));
        }

        prop_assert_eq!(whole, pieces);
    }
}

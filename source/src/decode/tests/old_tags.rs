//! Tags of MP3 files in alphabets of old, in every form that ID3v2 has.

use super::*;
use crate::test_audio as audio;
use encoding_rs::{Encoding, WINDOWS_1250, WINDOWS_1251, WINDOWS_1256, WINDOWS_1257};

#[test]
fn old_alphabets_are_read_in_every_form_of_a_tag() {
    let (_dir, music) = music();
    let (artist, title) = ("Земляне", "Новая яхта, моя яя");
    // Of these letters one is a full byte, before others that a zero has to part it from.
    assert!(scrambled(&in_old(title, WINDOWS_1251)).len() > in_old(title, WINDOWS_1251).len());
    for form in FORMS {
        let frames =
            [(b"TPE1", in_old(artist, WINDOWS_1251)), (b"TIT2", in_old(title, WINDOWS_1251))];
        let tags = opened(&music, &tag(form, &frames)).about().tags.clone();

        assert_eq!(
            (tags.artist.as_deref(), tags.title.as_deref()),
            (Some(artist), Some(title)),
            "{form:?}"
        );
    }
}

#[test]
fn tags_are_read_as_what_somebody_says_that_they_are() {
    let (_dir, music) = music();
    for (encoding, artist, title) in [
        (WINDOWS_1250, "Dvořák", "Žluťoučký kůň"),
        (WINDOWS_1257, "Ķīlis", "Lauž šķiļ ēģ"),
        (WINDOWS_1256, "فيروز", "نسم علينا الهوى"),
        (encoding_rs::ISO_2022_JP, "宇多田ヒカル", "光"),
    ] {
        for form in FORMS {
            let frames = [(b"TPE1", in_old(artist, encoding)), (b"TIT2", in_old(title, encoding))];
            let mut decoder = opened(&music, &tag(form, &frames));

            decoder.read_tags_as(TagCharset::named(encoding.name()).unwrap());

            let tags = &decoder.about().tags;
            assert_eq!(
                (tags.artist.as_deref(), tags.title.as_deref()),
                (Some(artist), Some(title)),
                "{form:?} in {}",
                encoding.name()
            );
        }
    }
}

#[test]
fn what_is_utf_8_or_ascii_or_says_what_it_is_stays_so() {
    let (_dir, music) = music();
    let unicode = [&[3][..], "Žluťoučký".as_bytes()].concat();
    for title in [unicode, in_utf_8("Žluťoučký"), in_utf_8("Zlutoucky")] {
        let mut decoder = opened(&music, &tag(FORMS[0], &[(b"TIT2", title)]));
        let before = decoder.about().tags.clone();

        decoder.read_tags_as(TagCharset::named("windows-1250").unwrap());

        assert_eq!(decoder.about().tags, before);
        assert!(before.title.is_some());
    }
}

#[test]
fn the_old_tag_at_the_end_is_read_as_what_somebody_says_too() {
    let (_dir, music) = music();
    let mut end = b"TAG".to_vec();
    end.extend(&in_old("Dvořák", WINDOWS_1250)[1..]);
    end.resize(128, 0);
    let music = [music, end].concat();
    let mut decoder = opened(&music, b"");
    assert_eq!(decoder.about().tags.title.as_deref(), Some("Dvoøák"));

    decoder.read_tags_as(TagCharset::named("windows-1250").unwrap());

    assert_eq!(decoder.about().tags.title.as_deref(), Some("Dvořák"));
}

/// A form of a tag: its version, whether zeros are put in, and what else there is of it.
#[derive(Clone, Copy, Debug)]
struct Form {
    version: u8,
    is_scrambled: bool,
    /// With a head of its own behind the head.
    is_extended: bool,
    /// Flags of its frames.
    flags: u8,
}

const FORMS: [Form; 14] = [
    form(3, false, false, 0),
    form(2, false, false, 0),
    form(2, true, false, 0),
    form(3, true, false, 0),
    form(3, false, true, 0),
    form(3, true, true, 0),
    form(3, false, false, 0x20),
    form(4, false, false, 0),
    form(4, false, true, 0),
    form(4, false, false, 0x02),
    form(4, true, false, 0x03),
    form(4, true, true, 0x43),
    form(4, false, false, 0x41),
    form(4, true, true, 0x02),
];

const fn form(version: u8, is_scrambled: bool, is_extended: bool, flags: u8) -> Form {
    Form { version, is_scrambled, is_extended, flags }
}

/// A tag of these frames, each behind a picture that has full bytes.
fn tag(form: Form, frames: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let Form { version, is_scrambled, is_extended, flags } = form;
    let mut body = match (is_extended, version) {
        (false, _) => Vec::new(),
        (true, 3) => vec![0, 0, 0, 10, 0x80, 0, 0, 0, 0, 0, 1, 2, 0xFF, 0xE0],
        (true, _) => vec![0, 0, 0, 12, 1, 0x20, 5, 1, 2, 3, 4, 5],
    };
    let picture = [&b"\0image/jpeg\0\x03\0\xFF\xD8\xFF\xE0\xFF\x00"[..], &[0xFF; 40]].concat();
    for (name, text) in frames.iter().flat_map(|frame| [(b"APIC", &picture), (frame.0, &frame.1)]) {
        if version == 2 {
            let short: &[u8] = match &name[..] {
                b"TPE1" => b"TP1",
                b"TIT2" => b"TT2",
                _ => b"XXX",
            };
            body.extend([short, &[0, 0, u8::try_from(text.len()).unwrap()], text].concat());
            continue;
        }
        let is_own = version == 4 && flags & 0x02 != 0;
        let text = if is_own { scrambled(text) } else { text.clone() };
        let has_group = flags & if version == 3 { 0x20 } else { 0x40 } != 0;
        let group: &[u8] = if has_group { &[7] } else { &[] };
        let has_length = version == 4 && flags & 1 != 0;
        let length: &[u8] = if has_length { &[0, 0, 0, 9] } else { &[] };
        let bytes = u8::try_from(group.len() + length.len() + text.len()).unwrap();
        assert!(bytes < 128);
        body.extend([&name[..], &[0, 0, 0, bytes, 0, flags], group, length, &text].concat());
    }
    if is_scrambled && version < 4 {
        body = scrambled(&body);
    }
    body.resize(body.len().next_multiple_of(128) + 128, 0);
    let size = [0, 0, u8::try_from(body.len() / 128).unwrap(), 0];
    let flags = u8::from(is_scrambled) << 7 | u8::from(is_extended) << 6;
    [b"ID3", &[version, 0, flags][..], &size, &body].concat()
}

/// `bytes` with the zeros that are put in.
fn scrambled(bytes: &[u8]) -> Vec<u8> {
    let mut scrambled = Vec::new();
    for (at, &byte) in bytes.iter().enumerate() {
        scrambled.push(byte);
        let next = bytes.get(at + 1);
        if byte == 0xFF && next.is_none_or(|next| *next >= 0xE0 || *next == 0) {
            scrambled.push(0);
        }
    }
    scrambled
}

/// `text` as tags have it that call it Latin-1.
fn in_old(text: &str, encoding: &'static Encoding) -> Vec<u8> {
    let (bytes, _, is_lossy) = encoding.encode(text);
    assert!(!is_lossy);
    [&[0][..], &bytes].concat()
}

fn in_utf_8(text: &str) -> Vec<u8> {
    [&[0][..], text.as_bytes()].concat()
}

fn opened(music: &[u8], tag: &[u8]) -> Decoder {
    let file = [tag, music].concat();
    let length = file.len() as u64;
    Decoder::of(std::io::Cursor::new(file), length, Some("mp3")).unwrap()
}

/// A second of MP3.
fn music() -> (tempfile::TempDir, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.mp3");
    audio::write_samples(&path, &vec![0.1; 44_100], 44_100);
    let bytes = std::fs::read(&path).unwrap();
    (dir, bytes)
}

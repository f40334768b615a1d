//! Tests of decoding: what comes out of a file is what went in.

mod formats;
mod old_tags;

use super::*;
use crate::pcm::block::Layout;
use crate::test_audio as audio;

#[test]
fn a_wav_file_comes_out_as_it_went_in() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    let samples: Vec<i16> = (0..3_000).map(|at| at * 7 - 9_000).collect();
    std::fs::write(&path, wav(&samples, 8_000)).unwrap();
    let mut decoder = Decoder::open(&path).unwrap();

    let mut heard = Vec::new();
    while let Some(block) = decoder.next_block().unwrap() {
        assert_eq!((block.rate_hz(), block.layout()), (8_000, &Layout::mono()));
        heard.extend_from_slice(block.plane(0));
    }

    let sent: Vec<f32> = samples.iter().map(|&sample| f32::from(sample) / 32_768.0).collect();
    assert_eq!(heard, sent);
    assert_eq!(decoder.about().length, Some(Duration::from_millis(375)));
}

#[test]
fn what_is_not_audio_is_refused_with_a_reason() {
    let dir = tempfile::tempdir().unwrap();
    let text = dir.path().join("a.mp3");
    std::fs::write(&text, "just words, and not even many").unwrap();
    let empty = dir.path().join("b.mp3");
    std::fs::write(&empty, "").unwrap();

    let reason = |path: &Path| Decoder::open(path).err().unwrap().to_string();

    assert!(reason(&text).starts_with("no audio that can be decoded"), "{}", reason(&text));
    assert!(reason(&empty).starts_with("no audio that can be decoded"), "{}", reason(&empty));
    assert_eq!(reason(dir.path()), "not a regular file");
    assert!(reason(&dir.path().join("c.mp3")).contains("No such file"));
}

#[test]
fn a_truncated_file_plays_as_far_as_it_goes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    let whole = wav(&[1_000; 4_000], 8_000);
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let mut decoder = Decoder::open(&path).unwrap();

    let mut heard = 0;
    while let Ok(Some(block)) = decoder.next_block() {
        heard += block.sample_frames();
    }

    assert!((1_500..=2_000).contains(&heard), "{heard}");
}

#[test]
fn cue_points_are_kept_to_the_sample_whether_they_are_jumped_to_or_not() {
    let dir = tempfile::tempdir().unwrap();
    for (number, (rate_hz, extension)) in audio::formats().into_iter().enumerate() {
        let path = dir.path().join(format!("{number}.{extension}"));
        audio::write_samples(&path, &audio::noise(15 * rate_hz as usize), rate_hz);
        let whole = heard(Decoder::open(&path).unwrap());

        for (from_ms, to_ms) in [(0, 1_500), (1_234, 1_235), (12_345, 13_001), (14_000, 60_000)] {
            let time = Duration::from_millis;
            let at = |ms| usize::try_from(sample_frames(time(ms), rate_hz)).unwrap();
            let mut decoder = Decoder::open(&path).unwrap();
            decoder.play_only(time(from_ms), Some(time(to_ms))).unwrap();

            let excerpt = heard(decoder);

            let expected = &whole[at(from_ms)..at(to_ms).min(whole.len())];
            let what = format!("{from_ms} to {to_ms} ms of {extension} at {rate_hz} Hz");
            assert_eq!(excerpt.len(), expected.len(), "{what}");
            let off = excerpt.iter().zip(expected).map(|(a, b)| (a - b).abs());
            let off = off.fold(0.0, f32::max);
            assert!(off < 1e-4, "{what} is off by {off}");
        }
    }
}

#[test]
fn what_begins_after_the_end_is_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    std::fs::write(&path, wav(&[1_000; 8_000], 8_000)).unwrap();

    for seconds in [1, 5, 60] {
        let mut decoder = Decoder::open(&path).unwrap();
        decoder.play_only(Duration::from_secs(seconds), None).unwrap();
        assert_eq!(decoder.next_block().unwrap(), None, "from {seconds} s on");
    }
}

#[test]
fn a_panic_is_an_error() {
    let panicking = || -> Result<(), DecodeError> { panic!("inside the library") };

    assert!(matches!(guarded(panicking), Err(DecodeError::Panicked)));
}

#[test]
fn padding_that_the_file_tells_of_is_cut_off() {
    let mut trim = Trim { skip: 3, keep: 4 };
    let mut blocks = [vec![1.0, 2.0], vec![3.0, 4.0, 5.0], vec![6.0, 7.0, 8.0]]
        .map(|plane| Block::of(8_000, Layout::mono(), vec![plane]).unwrap());

    let heard: Vec<f32> = blocks
        .iter_mut()
        .flat_map(|block| {
            trim.apply(block);
            block.plane(0).to_vec()
        })
        .collect();

    assert_eq!(heard, [4.0, 5.0, 6.0, 7.0]);
}

/// The first channel of all that a decoder gives.
fn heard(mut decoder: Decoder) -> Vec<f32> {
    let mut heard = Vec::new();
    while let Some(block) = decoder.next_block().unwrap() {
        heard.extend_from_slice(block.plane(0));
    }
    heard
}

fn wav(samples: &[i16], rate_hz: u32) -> Vec<u8> {
    let data_bytes = u32::try_from(samples.len() * 2).unwrap();
    let mut file = Vec::new();
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(36 + data_bytes).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend_from_slice(&rate_hz.to_le_bytes());
    file.extend_from_slice(&(rate_hz * 2).to_le_bytes());
    file.extend_from_slice(b"\x02\0\x10\0data");
    file.extend_from_slice(&data_bytes.to_le_bytes());
    file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    file
}

#[test]
fn tags_of_an_old_mp3_are_read_in_the_alphabet_they_were_written_in() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("1.mp3");
    audio::write(&path, 440.0, 44_100, 44_100);
    let sound = std::fs::read(&path).unwrap();
    let frame = |name: &[u8; 4], text: &[u8]| {
        let length = u8::try_from(text.len() + 1).unwrap();
        [name, &[0, 0, 0, length, 0, 0, 0][..], text].concat()
    };
    for (encoding, artist, title) in [
        (encoding_rs::WINDOWS_1251, "Кино", "Группа крови"),
        (encoding_rs::SHIFT_JIS, "宇多田ヒカル", "桜流し"),
        (encoding_rs::WINDOWS_1252, "Björk", "Don’t – Jóga"),
        (encoding_rs::UTF_8, "Mylène Farmer", "Désenchantée"),
    ] {
        let (artist_bytes, _, _) = encoding.encode(artist);
        let (title_bytes, _, _) = encoding.encode(title);
        let frames = [frame(b"TPE1", &artist_bytes), frame(b"TIT2", &title_bytes)].concat();
        let head = [b"ID3\x03\0\0\0\0\0", &[u8::try_from(frames.len()).unwrap()][..]].concat();
        std::fs::write(&path, [head, frames, sound.clone()].concat()).unwrap();

        let decoder = Decoder::open(&path).unwrap();

        let tags = &decoder.about().tags;
        let heard = (tags.artist.as_deref(), tags.title.as_deref());
        assert_eq!(heard, (Some(artist), Some(title)), "{}", encoding.name());
    }
}

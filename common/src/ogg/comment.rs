//! Vorbis comments: the tags of Ogg streams, titles among them.
//!
//! The same list of `NAME=value` stands in the second header packet of Vorbis and of Opus, and in
//! a metadata block of FLAC. Names are compared without case; values are UTF-8.

use super::stream;
use std::borrow::Cow;

/// What the headers of a stream say about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags {
    /// `ARTIST`; several are joined by `, `.
    pub artist: Option<String>,
    /// `TITLE`.
    pub title: Option<String>,
    /// What the audio is, where the first packet tells.
    pub audio: Option<Audio>,
    /// What the pictures are, if there are any.
    pub video: Option<Video>,
    /// The codecs of all streams side by side, in the order in which they begin.
    pub codecs: Vec<&'static str>,
}

/// What Theora says of its pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Video {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// Pictures in a second: so many
    pub pictures: u32,
    /// in so many seconds.
    pub seconds: u32,
    /// Bits per second that the codec aims at.
    pub bitrate_bps: u32,
    /// How well it is to look, from 0 to 63.
    pub quality: u8,
}

/// A codec's own description of its audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audio {
    /// `Vorbis`, `Opus`, `FLAC` or `Speex`.
    pub codec: &'static str,
    /// Channels.
    pub channels: u8,
    /// Sample frames per second.
    pub rate_hz: u32,
    /// Bits per second that the codec aims at, where it says.
    pub bitrate_bps: Option<u32>,
    /// Which way of packing FLAC into Ogg it is: the major number and the minor.
    pub flac_version: Option<(u8, u8)>,
}

/// A title with what is known of its artist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Title {
    /// The artist, where it was given apart.
    pub artist: Option<String>,
    /// The title.
    pub title: Option<String>,
}

impl Title {
    /// What a player shows: `artist - title`, or the one that there is.
    pub fn shown(&self) -> String {
        match (&self.artist, &self.title) {
            (Some(artist), Some(title)) => format!("{artist} - {title}"),
            (Some(only), None) | (None, Some(only)) => only.clone(),
            (None, None) => String::new(),
        }
    }

    /// The comment packet `packet` with this title instead of its own; all other comments stay.
    /// `None` if that is no comment packet of Vorbis, Opus or FLAC, or its list is broken.
    pub fn put_into(&self, packet: &[u8]) -> Option<Vec<u8>> {
        let list_start = list_start(packet)?;
        let (start, mut list) = packet.split_at_checked(list_start)?;
        let vendor = counted(&mut list)?;
        let count = number(&mut list)?;
        let mut comments = Vec::new();
        for _ in 0..count {
            let comment = counted(&mut list)?;
            let name = comment.split(|&byte| byte == b'=').next().unwrap_or_default();
            if !name.eq_ignore_ascii_case(b"artist") && !name.eq_ignore_ascii_case(b"title") {
                comments.push(Cow::Borrowed(comment));
            }
        }
        for (name, value) in [("ARTIST", &self.artist), ("TITLE", &self.title)] {
            comments.extend(value.iter().map(|text| Cow::Owned(format!("{name}={text}").into())));
        }
        let mut out = start.to_vec();
        put_counted(&mut out, vendor);
        out.extend_from_slice(&u32::try_from(comments.len()).ok()?.to_le_bytes());
        comments.iter().for_each(|comment| put_counted(&mut out, comment));
        out.extend_from_slice(list);
        if list_start == FLAC_BLOCK_HEADER_BYTES {
            let length = u32::try_from(out.len() - FLAC_BLOCK_HEADER_BYTES).ok()?.to_be_bytes();
            (length[0] == 0).then(|| out[1..4].copy_from_slice(&length[1..]))?;
        }
        Some(out)
    }
}

/// Where the list of comments begins in `packet`; `None` if it holds none.
fn list_start(packet: &[u8]) -> Option<usize> {
    let starts = [VORBIS_COMMENT, OPUS_COMMENT];
    let marked = starts.into_iter().find(|start| packet.starts_with(start)).map(<[u8]>::len);
    let is_flac = || packet.first().is_some_and(|kind| kind & 0x7f == FLAC_COMMENT_BLOCK);
    marked.or_else(|| is_flac().then_some(FLAC_BLOCK_HEADER_BYTES))
}

fn put_counted(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).expect("a comment is shorter than its packet");
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(bytes);
}

impl Tags {
    /// Reads the header pages of a stream.
    pub fn read(header_pages: &[u8]) -> Self {
        let mut tags = Self::default();
        for (_, packet) in stream::packets(header_pages) {
            let audio = Audio::read(&packet);
            let video = Video::read(&packet);
            tags.codecs.extend(audio.map(|audio| audio.codec));
            tags.codecs.extend(video.map(|_| "Theora"));
            tags.codecs.extend(packet.starts_with(b"fishead\0").then_some("Skeleton"));
            tags.audio = tags.audio.or(audio);
            tags.video = tags.video.or(video);
            if let Some(list) = list_start(&packet).and_then(|start| packet.get(start..)) {
                tags.read_list(list);
            }
        }
        tags
    }

    fn read_list(&mut self, mut list: &[u8]) {
        let Some(_vendor) = counted(&mut list) else { return };
        let Some(count) = number(&mut list) else { return };
        for _ in 0..count.min(COMMENTS_MAX) {
            let Some(comment) = counted(&mut list) else { return };
            let Ok(comment) = std::str::from_utf8(comment) else { continue };
            let Some((name, value)) = comment.split_once('=') else { continue };
            match (name.to_ascii_lowercase().as_str(), &mut self.artist) {
                ("artist", Some(artists)) => artists.extend([", ", value]),
                ("artist", none) => *none = Some(value.to_owned()),
                ("title", _) if self.title.is_none() => self.title = Some(value.to_owned()),
                _ => {}
            }
        }
    }
}

impl Video {
    fn read(packet: &[u8]) -> Option<Self> {
        let fields = packet.strip_prefix(b"\x80theora")?;
        let big = |at: usize, bytes: usize| {
            let bytes = fields.get(at..at + bytes)?;
            Some(bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
        };
        Some(Self {
            width: big(7, 3)?,
            height: big(10, 3)?,
            pictures: big(15, 4)?,
            seconds: big(19, 4)?,
            bitrate_bps: big(30, 3)?,
            quality: fields.get(33)? >> 2,
        })
    }
}

impl Audio {
    fn read(packet: &[u8]) -> Option<Self> {
        let little = |at: usize| {
            let bytes = packet.get(at..at + 4)?;
            Some(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
        };
        if packet.starts_with(b"\x01vorbis") {
            let bitrate_bps = little(20).filter(|&bps| bps > 0 && bps <= BITRATE_BPS_MAX);
            let (channels, rate_hz) = (*packet.get(11)?, little(12)?);
            return Some(Self { bitrate_bps, ..Self::plain("Vorbis", channels, rate_hz) });
        }
        if packet.starts_with(b"OpusHead") {
            let channels = *packet.get(9)?;
            return Some(Self::plain("Opus", channels, OPUS_RATE_HZ));
        }
        if packet.starts_with(b"Speex   ") {
            let channels = u8::try_from(little(48)?).ok()?;
            return Some(Self::plain("Speex", channels, little(36)?));
        }
        if packet.starts_with(b"\x7fFLAC") {
            let &[a, b, c] = packet.get(27..30)?.first_chunk()?;
            let rate_hz = u32::from(a) << 12 | u32::from(b) << 4 | u32::from(c >> 4);
            let flac_version = Some((packet[5], packet[6]));
            return Some(Self { flac_version, ..Self::plain("FLAC", (c >> 1 & 7) + 1, rate_hz) });
        }
        None
    }

    fn plain(codec: &'static str, channels: u8, rate_hz: u32) -> Self {
        Self { codec, channels, rate_hz, bitrate_bps: None, flac_version: None }
    }
}

fn number(list: &mut &[u8]) -> Option<u32> {
    let (number, rest) = list.split_first_chunk()?;
    *list = rest;
    Some(u32::from_le_bytes(*number))
}

/// A byte string with its length before it.
fn counted<'a>(list: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(number(list)?).ok()?;
    let (bytes, rest) = list.split_at_checked(length)?;
    *list = rest;
    Some(bytes)
}

/// Opus always decodes at this rate, whatever was encoded.
const OPUS_RATE_HZ: u32 = 48_000;
/// The most comments that are looked at.
const COMMENTS_MAX: u32 = 10_000;
/// No codec aims higher; a larger number is an encoder's way to say that it does not know.
const BITRATE_BPS_MAX: u32 = 10_000_000;
const VORBIS_COMMENT: &[u8] = b"\x03vorbis";
const OPUS_COMMENT: &[u8] = b"OpusTags";
const FLAC_COMMENT_BLOCK: u8 = 4;
/// The kind of a FLAC metadata block and its length.
const FLAC_BLOCK_HEADER_BYTES: usize = 4;

#[cfg(test)]
mod tests {
    use super::super::page::fixture::page;
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn list(comments: &[&str]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut put = |text: &str| {
            out.extend_from_slice(&u32::try_from(text.len()).unwrap().to_le_bytes());
            out.extend_from_slice(text.as_bytes());
        };
        put("vendor");
        for comment in comments {
            put(comment);
        }
        out.splice(10..10, u32::try_from(comments.len()).unwrap().to_le_bytes());
        out
    }

    #[test]
    fn vorbis_headers_tell_artist_title_and_audio() {
        let first = b"\x01vorbis\0\0\0\0\x02\x44\xac\0\0\0\0\0\0\0\x77\x01\0\0\0\0\0\xb8\x01";
        let second = [b"\x03vorbis".to_vec(), list(&["TITLE=Ä", "artist=A", "Artist=B"])].concat();
        let pages = [page(1, 2, 0, &[first]), page(1, 0, 0, &[&second])].concat();

        let tags = Tags::read(&pages);

        assert_eq!(tags.title.as_deref(), Some("Ä"));
        assert_eq!(tags.artist.as_deref(), Some("A, B"));
        let audio = Audio::plain("Vorbis", 2, 44_100);
        assert_eq!(tags.audio, Some(Audio { bitrate_bps: Some(96_000), ..audio }));
    }

    #[test]
    fn theora_tells_what_its_pictures_are() {
        // 160 x 120 pictures, 15 in a second, 200 kbit/s, quality 12, as libtheora writes it.
        let theora = b"\x80theora\x03\x02\x01\0\x0a\0\x08\0\0\xa0\0\0\x78\0\x08\
            \0\0\0\x0f\0\0\0\x01\0\0\x01\0\0\x01\0\x03\x0d\x40\x31\xc0";
        let speex =
            [b"Speex   ".as_slice(), &[0; 28], &32_000_u32.to_le_bytes(), &[0; 8], &[1, 0, 0, 0]];
        let pages = [page(1, 2, 0, &[theora]), page(2, 2, 0, &[&speex.concat()])].concat();

        let tags = Tags::read(&pages);

        let (width, height, pictures, seconds) = (160, 120, 15, 1);
        let video = Video { width, height, pictures, seconds, bitrate_bps: 200_000, quality: 12 };
        assert_eq!((tags.video, tags.audio), (Some(video), Some(Audio::plain("Speex", 1, 32_000))));
        assert_eq!(tags.codecs, ["Theora", "Speex"]);
    }

    #[test]
    fn opus_and_flac_tags_are_read_too() {
        let opus = [b"OpusTags".to_vec(), list(&["title=O"])].concat();
        let flac = [vec![0x84, 0, 0, 0], list(&["title=F"])].concat();

        assert_eq!(Tags::read(&page(1, 0, 0, &[&opus])).title.as_deref(), Some("O"));
        assert_eq!(Tags::read(&page(1, 0, 0, &[&flac])).title.as_deref(), Some("F"));
    }

    #[test]
    fn a_player_is_shown_artist_and_title() {
        let shown = |artist: Option<&str>, title: Option<&str>| {
            Title { artist: artist.map(str::to_owned), title: title.map(str::to_owned) }.shown()
        };

        assert_eq!(shown(Some("A"), Some("T")), "A - T");
        assert_eq!(shown(None, Some("T")), "T");
        assert_eq!(shown(None, None), "");
    }

    #[test]
    fn a_title_takes_the_place_of_the_old_one_and_of_nothing_else() {
        let title = Title { artist: Some("Ä".to_owned()), title: Some("New".to_owned()) };
        let old = ["title=Old", "album=X", "Artist=B", "TITLE=Older", "no name"];
        let new = ["album=X", "no name", "ARTIST=Ä", "TITLE=New"];

        let vorbis = |comments: &[&str]| [b"\x03vorbis", &list(comments)[..], b"\x01"].concat();
        let opus = |comments: &[&str]| [b"OpusTags", &list(comments)[..], b"padding"].concat();
        let flac = |comments: &[&str]| {
            let list = list(comments);
            [&[0x84, 0, 0, u8::try_from(list.len()).unwrap()], &list[..]].concat()
        };

        assert_eq!(title.put_into(&vorbis(&old)), Some(vorbis(&new)));
        assert_eq!(title.put_into(&opus(&old)), Some(opus(&new)));
        assert_eq!(title.put_into(&flac(&old)), Some(flac(&new)));
        assert_eq!(Title::default().put_into(&opus(&["TITLE=x"])), Some(opus(&[])));
    }

    #[test]
    fn a_broken_list_is_not_touched() {
        let whole = [b"OpusTags".to_vec(), list(&["title=O"])].concat();

        for end in 0..whole.len() {
            assert_eq!(Title::default().put_into(&whole[..end]), None, "{end}");
        }
    }

    proptest! {
        #[test]
        fn no_packet_makes_the_reader_panic(
            bytes in vec(any::<u8>(), 0..200),
            cut in 0..60_usize,
        ) {
            let mut whole = list(&["title=O", "artist=P"]);
            whole.truncate(cut);
            whole.extend_from_slice(&bytes);
            let starts: [&[u8]; 5] =
                [b"\x03vorbis", b"\x01vorbis", b"OpusHead", b"\x7fFLAC", b"\x04\0\0\0"];
            for start in starts {
                let packet = [start, &whole].concat();
                let _ = Tags::read(&page(1, 2, 0, &[&packet]));
                let _ = Title::default().put_into(&packet);
            }
        }
    }
}

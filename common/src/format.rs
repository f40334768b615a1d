//! The stream formats we know, from a source's content type.

/// A format by what framing it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// AAC in ADTS frames.
    Adts,
    /// FLAC frames without a container.
    Flac,
    /// Matroska or WebM clusters.
    Matroska,
    /// MPEG audio, layers I to III.
    Mpeg,
    /// Ogg pages, whatever is in them.
    Ogg,
    /// Anything else passes through as bytes.
    Unknown,
}

impl Format {
    /// The format that `content_type` promises; its parameters and its case do not matter.
    ///
    /// Icecast compares the whole value, so `Audio/Ogg` or `audio/ogg; codecs=opus` are not Ogg
    /// to it and no listener can join such a stream in the middle.
    pub fn of(content_type: &str) -> Self {
        match essence(content_type).as_str() {
            "audio/aac"
            | "audio/aacp"
            | "audio/x-aac"
            | "audio/aac-adts"
            | "audio/x-hx-aac-adts" => Self::Adts,
            "audio/flac" | "audio/x-flac" => Self::Flac,
            "audio/mpeg" | "audio/mp3" | "audio/x-mpeg" | "audio/x-mp3" | "audio/mpg"
            | "audio/mpeg3" | "audio/x-mpg" => Self::Mpeg,
            "application/ogg" | "application/x-ogg" | "audio/ogg" | "audio/vorbis"
            | "audio/opus" | "audio/speex" | "audio/x-vorbis+ogg" | "video/ogg" => Self::Ogg,
            "audio/webm" | "video/webm" | "audio/x-matroska" | "video/x-matroska" => Self::Matroska,
            _ => Self::Unknown,
        }
    }

    /// The format of a body that begins with `bytes`, where that is beyond doubt: that of a
    /// container, which begins with its mark.
    pub fn of_beginning(bytes: &[u8]) -> Option<Self> {
        match bytes.first_chunk()? {
            b"OggS" => Some(Self::Ogg),
            b"fLaC" => Some(Self::Flac),
            [0x1A, 0x45, 0xDF, 0xA3] => Some(Self::Matroska),
            _ => None,
        }
    }

    /// What it is called, with the content type under which it is sent.
    pub fn described(self) -> &'static str {
        match self {
            Self::Adts => "AAC in ADTS frames (audio/aac)",
            Self::Flac => "FLAC without a container (audio/flac)",
            Self::Matroska => "Matroska or WebM (video/x-matroska, audio/webm)",
            Self::Mpeg => "MPEG audio (audio/mpeg)",
            Self::Ogg => "Ogg (audio/ogg)",
            Self::Unknown => "of an unknown format",
        }
    }

    /// Whether a title rides inside the stream as ICY blocks; a container carries its own.
    pub fn takes_icy(self) -> bool {
        !matches!(self, Self::Matroska | Self::Ogg)
    }
}

/// A content type without its parameters, in lower case.
pub fn essence(content_type: &str) -> String {
    let essence = content_type.split_once(';').map_or(content_type, |(essence, _)| essence);
    essence.trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_and_case_do_not_hide_a_format() {
        assert_eq!(Format::of("Audio/Ogg; codecs=opus"), Format::Ogg);
        assert_eq!(Format::of("audio/mpeg"), Format::Mpeg);
        assert_eq!(Format::of("audio/aacp"), Format::Adts);
        assert_eq!(Format::of("audio/x-flac"), Format::Flac);
        assert_eq!(Format::of("video/webm"), Format::Matroska);
        assert_eq!(Format::of("video/mp4"), Format::Unknown);
    }

    #[test]
    fn a_container_is_known_by_its_mark() {
        assert_eq!(Format::of_beginning(b"OggS\0\x02"), Some(Format::Ogg));
        assert_eq!(Format::of_beginning(b"\x1a\x45\xdf\xa3"), Some(Format::Matroska));
        assert_eq!(Format::of_beginning(b"\xff\xfb\x90\x64"), None, "which may be chance");
        assert_eq!(Format::of_beginning(b"fLa"), None);
    }
}

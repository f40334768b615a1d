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
}

//! `Chunk`: bytes that begin where a decoder may begin, or that say that it may not.

use bytes::Bytes;
use std::time::Duration;

/// A piece of a stream. Chunks follow each other without a gap; together they are the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Whole frames or pages; for a format that we do not know, whatever arrived.
    pub bytes: Bytes,
    /// What these bytes are to a decoder that begins with them.
    pub opening: Opening,
    /// How long they play; zero where it is not known.
    pub plays: Duration,
}

/// What the first byte of a [`Chunk`] is to a decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// Audio, which makes sense to a decoder that has read the stream's headers, if it has any.
    Audio,
    /// What makes sense only to a decoder that has read what comes before: pictures that say what
    /// has changed since the last.
    Middle,
    /// All headers of a logical stream, and nothing else. Whoever joins later needs them first.
    Headers,
    /// The headers of a logical stream that goes on after its connection broke: who listens has
    /// them, so they are not aired again.
    KnownHeaders,
}

impl Opening {
    /// Whether the chunk is headers and nothing to hear.
    pub fn is_headers(self) -> bool {
        matches!(self, Self::Headers | Self::KnownHeaders)
    }
}

//! A listener that takes the wrapping off a stream.

use crate::frames;
use crate::station::Station;
use crate::wire::Wire;
use bytes::{Bytes, BytesMut};
use common::http::chunked::Decoder;
use common::http::head::ResponseHead;
use common::icy::{self, Unweaver};
use std::net::SocketAddr;
use std::ops::Range;

/// A player: what it was answered, what it hears, and what it is shown.
#[derive(Debug)]
pub struct Player {
    /// The head of the answer.
    pub head: ResponseHead,
    /// The titles so far, oldest first.
    pub titles: Vec<String>,
    wire: Wire,
    wrapping: Wrapping,
    /// What has been unwrapped and was not taken yet.
    audio: BytesMut,
}

#[derive(Debug)]
enum Wrapping {
    Chunked(Decoder),
    Icy(Unweaver),
    Plain,
}

impl Player {
    /// A player that speaks HTTP/1.1 and wants no titles.
    pub async fn tune_in(station: &Station, mount: &str) -> Self {
        Self::ask(station, &format!("GET {mount} HTTP/1.1\r\nHost: x\r\n\r\n")).await
    }

    /// A player that speaks HTTP/1.0 and wants titles.
    pub async fn with_titles(station: &Station, mount: &str) -> Self {
        Self::ask(station, &format!("GET {mount} HTTP/1.0\r\nIcy-MetaData: 1\r\n\r\n")).await
    }

    /// A player that sends `request`, and is answered with a stream.
    pub async fn ask(station: &Station, request: &str) -> Self {
        Self::ask_at(station.address(), request).await
    }

    /// A player that sends `request` to whoever listens at `address`, and is answered with a
    /// stream.
    pub async fn ask_at(address: SocketAddr, request: &str) -> Self {
        let mut wire = Wire::ask(address, request).await;
        let head = wire.head().await;
        assert_eq!(head.status, 200, "{head:?}");
        let wrapping = match head.headers.first("icy-metaint") {
            Some(interval) => {
                let interval_bytes = interval.parse().expect("an interval is a number");
                Wrapping::Icy(Unweaver::new(interval_bytes))
            }
            None if head.headers.lists("transfer-encoding", "chunked") => {
                Wrapping::Chunked(Decoder::default())
            }
            None => Wrapping::Plain,
        };
        let mut player = Self { head, titles: Vec::new(), wire, wrapping, audio: BytesMut::new() };
        player.unwrap();
        player
    }

    /// The next `length` bytes of audio.
    pub async fn hear(&mut self, length: usize) -> Bytes {
        while self.audio.len() < length {
            let here = self.audio.len();
            assert!(self.more().await, "the stream ends after {here} of {length} bytes");
        }
        self.audio.split_to(length).freeze()
    }

    /// The numbers of the next `count` frames.
    ///
    /// # Panics
    ///
    /// If one is missing, comes twice or is damaged.
    pub async fn hear_frames(&mut self, count: usize) -> Range<u64> {
        let audio = self.hear(count * frames::FRAME_BYTES).await;
        frames::heard(&audio).unwrap_or_else(|what| panic!("{what}"))
    }

    /// All audio up to the end of the stream.
    ///
    /// # Panics
    ///
    /// If the end was to be said, and was not.
    pub async fn hear_all(&mut self) -> Bytes {
        while self.more().await {}
        if let Wrapping::Chunked(decoder) = &self.wrapping {
            assert!(decoder.is_done(), "the connection ended before the stream");
        }
        self.audio.split().freeze()
    }

    /// Listens until the title `wanted` is shown; the audio that came before and with it is gone.
    pub async fn until_title(&mut self, wanted: &str) {
        while !self.titles.iter().any(|title| title == wanted) {
            self.audio.clear();
            assert!(self.more().await, "the stream ends; titles were {:?}", self.titles);
        }
    }

    /// Bytes of audio that have come and were not taken yet.
    pub fn waiting(&self) -> usize {
        self.audio.len()
    }

    /// Waits for more audio; false at the end of the stream.
    pub async fn more(&mut self) -> bool {
        if matches!(&self.wrapping, Wrapping::Chunked(decoder) if decoder.is_done()) {
            return false;
        }
        let more = self.wire.more().await;
        self.unwrap();
        more
    }

    fn unwrap(&mut self) {
        let received = self.wire.received.split();
        match &mut self.wrapping {
            Wrapping::Chunked(decoder) => {
                decoder.decode(&received, &mut self.audio).expect("well-formed chunks");
            }
            Wrapping::Icy(unweaver) => {
                let news = |text: &[u8]| self.titles.extend(icy::title(text));
                unweaver.unweave(&received, &mut self.audio, news);
            }
            Wrapping::Plain => self.audio.unsplit(received),
        }
    }
}

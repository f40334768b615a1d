//! A source whose every byte the test decides.

use crate::frames;
use crate::station::{SOURCE_PASSWORD, Station, basic};
use crate::wire::Wire;
use common::http::head::ResponseHead;
use std::time::Duration;
use tokio::time::interval;

/// A source that sends numbered MP3 frames ([`frames`]), or whatever it is told to.
#[derive(Debug)]
pub struct FakeSource {
    wire: Wire,
    /// The number of the next frame.
    next: u64,
}

impl FakeSource {
    /// A source of MP3 on `mount`, which has been accepted.
    pub async fn on(station: &Station, mount: &str) -> Self {
        Self::of(station, mount, "audio/mpeg").await
    }

    /// A source of `content_type` on `mount`, which has been accepted.
    pub async fn of(station: &Station, mount: &str, content_type: &str) -> Self {
        let request = Self::request(mount, &[("Content-Type", content_type)]);
        let (source, head) = Self::dial(station, &request).await;
        assert_eq!(head.status, 200, "{head:?}");
        source
    }

    /// A source that opens with `request`, and what it is answered.
    pub async fn dial(station: &Station, request: impl AsRef<[u8]>) -> (Self, ResponseHead) {
        let mut wire = Wire::ask(station.address(), request).await;
        let head = wire.head().await;
        (Self { wire, next: 0 }, head)
    }

    /// The head of a `SOURCE` request with the right password and the header `lines`.
    pub fn request(mount: &str, lines: &[(&str, &str)]) -> String {
        let authorization = basic("source", SOURCE_PASSWORD);
        let mut head = format!("SOURCE {mount} HTTP/1.0\r\nAuthorization: {authorization}\r\n");
        for (name, value) in lines {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head + "\r\n"
    }

    /// Goes on with frame `number`.
    #[must_use]
    pub fn from_frame(mut self, number: u64) -> Self {
        self.next = number;
        self
    }

    /// The number of the next frame.
    pub fn next_frame(&self) -> u64 {
        self.next
    }

    /// Sends the next `count` frames.
    pub async fn play(&mut self, count: u64) {
        let numbers = self.next..self.next + count;
        self.next += count;
        self.wire.send(frames::run(numbers)).await;
    }

    /// Sends `count` frames, `at_once` of them at every `period`.
    pub async fn play_paced(&mut self, count: u64, at_once: u64, period: Duration) {
        let mut beat = interval(period);
        let end = self.next + count;
        while self.next < end {
            beat.tick().await;
            self.play(at_once.min(end - self.next)).await;
        }
    }

    /// Sends `bytes`.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.wire.send(bytes).await;
    }

    /// Waits until the server closes the connection.
    pub async fn until_closed(mut self) {
        while self.wire.more().await {}
    }
}

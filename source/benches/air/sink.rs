//! A server that takes a stream and notes when each byte of it came.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

/// A server for one source.
pub(crate) struct Sink {
    pub(crate) port: u16,
    pieces: Receiver<Piece>,
}

/// What came at once, and when.
struct Piece {
    at: Instant,
    bytes: Vec<u8>,
}

/// A stream as it came.
#[derive(Default)]
pub(crate) struct Recording {
    pub(crate) bytes: Vec<u8>,
    /// Where in the bytes each piece ends, and when it came.
    ends: Vec<(usize, Instant)>,
}

impl Sink {
    pub(crate) fn new() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        let (send, pieces) = channel();
        std::thread::spawn(move || {
            for stream in socket.incoming() {
                let send = send.clone();
                std::thread::spawn(move || serve(stream.unwrap(), &send));
            }
        });
        Self { port, pieces }
    }

    /// What has come so far and not been taken.
    pub(crate) fn take(&self, into: &mut Recording) {
        for piece in self.pieces.try_iter() {
            into.bytes.extend(piece.bytes);
            into.ends.push((into.bytes.len(), piece.at));
        }
    }
}

impl Recording {
    /// When the byte at `index` came.
    pub(crate) fn came(&self, index: usize) -> Instant {
        let at = self.ends.partition_point(|(end, _)| *end <= index);
        self.ends[at].1
    }
}

/// Answers as Icecast does, and passes on what a source sends.
fn serve(mut stream: TcpStream, send: &Sender<Piece>) {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    if head.starts_with("get") {
        drop(stream.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"));
        return;
    }
    let is_asking = head.contains("100-continue");
    let answer: &[u8] =
        if is_asking { b"HTTP/1.1 100 Continue\r\n\r\n" } else { b"HTTP/1.0 200 OK\r\n\r\n" };
    stream.write_all(answer).unwrap();
    let mut buffer = [0; 16 << 10];
    while let Ok(read) = stream.read(&mut buffer) {
        let piece = Piece { at: Instant::now(), bytes: buffer[..read].to_vec() };
        if read == 0 || send.send(piece).is_err() {
            return;
        }
    }
}

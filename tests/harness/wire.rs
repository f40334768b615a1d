//! A bare connection to a server: bytes out, and what came back, read piece by piece.

use crate::answer::Answer;
use crate::wait::within;
use bytes::{Bytes, BytesMut};
use common::http::head::{HeadLimits, HeadReader, ResponseHead};
use std::net::{IpAddr, SocketAddr};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

/// A connection.
#[derive(Debug)]
pub struct Wire {
    socket: TcpStream,
    /// What has come and was not taken yet.
    pub received: BytesMut,
}

impl Wire {
    /// Connects to `address`.
    pub async fn dial(address: SocketAddr) -> Self {
        let dialled = within("a connection", TcpStream::connect(address)).await;
        let socket = dialled.unwrap_or_else(|error| panic!("{address}: {error}"));
        // Small writes are meant to go out one by one.
        socket.set_nodelay(true).expect("a connected socket takes the option");
        Self { socket, received: BytesMut::new() }
    }

    /// Connects to `address` and sends `bytes`.
    pub async fn ask(address: SocketAddr, bytes: impl AsRef<[u8]>) -> Self {
        let mut wire = Self::dial(address).await;
        wire.send(bytes).await;
        wire
    }

    /// Connects to `address` from another address of this machine and sends `bytes`.
    pub async fn ask_from(from: IpAddr, address: SocketAddr, bytes: impl AsRef<[u8]>) -> Self {
        let mut wire = Self::dial_from(from, address).await;
        wire.send(bytes).await;
        wire
    }

    /// Connects to `address` from another address of this machine.
    pub async fn dial_from(from: IpAddr, address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from((from, 0))).unwrap_or_else(|error| panic!("{from}: {error}"));
        let dialled = within("a connection", socket.connect(address)).await;
        let socket = dialled.unwrap_or_else(|error| panic!("{address}: {error}"));
        Self { socket, received: BytesMut::new() }
    }

    /// Connects to `address` with as little room for what comes as the system allows, and sends
    /// `bytes`.
    pub async fn narrow(address: SocketAddr, bytes: impl AsRef<[u8]>) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(NARROW_BYTES).expect("a new socket takes the option");
        let dialled = within("a connection", socket.connect(address)).await;
        let socket = dialled.unwrap_or_else(|error| panic!("{address}: {error}"));
        let mut wire = Self { socket, received: BytesMut::new() };
        wire.send(bytes).await;
        wire
    }

    /// Sends `bytes`, all of them.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let sent = self.try_send(bytes).await;
        sent.expect("the other side takes what is sent");
    }

    /// Sends `bytes`; an error if the other side has closed.
    pub async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        within("the other side takes bytes", self.socket.write_all(bytes.as_ref())).await
    }

    /// Says that nothing more will be sent; what comes back can still be read.
    pub async fn finish(&mut self) {
        // The other side may have closed already.
        let _ = self.socket.shutdown().await;
    }

    /// Waits for more bytes; false once the other side has closed.
    pub async fn more(&mut self) -> bool {
        self.received.reserve(READ_BYTES);
        let read = within("bytes", self.socket.read_buf(&mut self.received)).await;
        // A reset is an end too: the other side was not interested in what was sent last.
        matches!(read, Ok(1..))
    }

    /// The next head.
    pub async fn head(&mut self) -> ResponseHead {
        let mut reader = HeadReader::new(HeadLimits::default());
        loop {
            match reader.response(&self.received) {
                Ok(Some((head, length))) => {
                    let _ = self.received.split_to(length);
                    return head;
                }
                Ok(None) => assert!(self.more().await, "closed within a head: {self:?}"),
                Err(error) => panic!("{error}: {self:?}"),
            }
        }
    }

    /// The next answer: a head and a body of the length that it says, or up to the end.
    pub async fn answer(&mut self) -> Answer {
        let head = self.head().await;
        let body = match head.headers.first("content-length") {
            Some(length) => {
                let length = length.parse().expect("a length is a number");
                self.exactly(length).await
            }
            None => self.rest().await,
        };
        Answer { head, body }
    }

    /// The next `length` bytes.
    pub async fn exactly(&mut self, length: usize) -> Bytes {
        while self.received.len() < length {
            let here = self.received.len();
            assert!(self.more().await, "closed after {here} of {length} bytes");
        }
        self.received.split_to(length).freeze()
    }

    /// All that comes until the other side closes.
    pub async fn rest(&mut self) -> Bytes {
        while self.more().await {}
        self.received.split().freeze()
    }
}

/// Less than this the system does not give.
const NARROW_BYTES: u32 = 2_048;
/// Room made at a time for what comes.
const READ_BYTES: usize = 65_536;

//! A client's connection: reading its head, sending it an answer, parting from it.

use crate::answer::{Answer, Manner};
use crate::logs::access::Asked;
use crate::refusal::Refusal;
use crate::socket::Socket;
use crate::status::counters::ClientSeat;
use bytes::BytesMut;
use common::http::head::{HeadLimits, HeadReader, RequestHead};
use jiff::Timestamp;
use std::io;
use std::net::IpAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

/// A client.
#[derive(Debug)]
pub(crate) struct Client {
    /// Its connection.
    pub(crate) socket: Socket,
    /// Its address: the peer's, or that of the client for which a trusted proxy speaks.
    pub(crate) ip: IpAddr,
    /// The address at the other end of the connection, or that which a PROXY header gave.
    pub(crate) peer: IpAddr,
    /// Whether it has one of the places beyond the limit that are there for administrators.
    pub(crate) is_reserved: bool,
    /// Its number among all connections.
    pub(crate) id: u64,
    /// Its seat among the server's clients.
    pub(crate) seat: ClientSeat,
    /// What it has sent beyond its last head.
    pub(crate) received: BytesMut,
    /// What the access log will say of its last request.
    pub(crate) asked: Option<Asked>,
}

/// Why there is no head.
#[derive(Debug)]
pub(crate) enum NoHead {
    /// The client left, broke off, or took too long.
    Gone,
    /// What it sent is no head that we take.
    Refused(Refusal),
}

impl Client {
    /// The client's next head; it has `limit` from now on to send it.
    pub(crate) async fn head(&mut self, limit: Duration) -> Result<RequestHead, NoHead> {
        timeout(limit, self.read_head()).await.unwrap_or(Err(NoHead::Gone))
    }

    async fn read_head(&mut self) -> Result<RequestHead, NoHead> {
        let mut reader = HeadReader::new(HeadLimits::default());
        loop {
            let read = reader.request(&self.received);
            if let Some((head, length)) = read.map_err(|error| NoHead::Refused(error.into()))? {
                let _ = self.received.split_to(length);
                return Ok(head);
            }
            self.received.reserve(HEAD_BYTES_USUAL);
            match self.socket.read_buf(&mut self.received).await {
                Ok(0) | Err(_) => return Err(NoHead::Gone),
                Ok(_) => {}
            }
        }
    }

    /// Sends an answer; the client has [`ANSWER_TIMEOUT`] to take it. How many bytes it was.
    pub(crate) async fn send(&mut self, answer: &Answer, manner: Manner<'_>) -> io::Result<u64> {
        let bytes = answer.written(manner, Timestamp::now());
        self.send_bytes(&bytes).await?;
        Ok(bytes.len() as u64)
    }

    /// Sends `bytes`; the client has [`ANSWER_TIMEOUT`] to take them.
    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        timeout(ANSWER_TIMEOUT, self.socket.write_all(bytes)).await?
    }

    /// Parts from the client, which has had its last answer.
    ///
    /// A refused source may be in the middle of sending. To close on it at once would reset the
    /// connection, and the answer would be lost on the way; so what it sends is thrown away for a
    /// moment, until it has read the answer and closes itself.
    pub(crate) async fn dismiss(mut self) {
        // A reserved place is wanted by others; for its sake an answer may be lost.
        if self.is_reserved || self.socket.shutdown().await.is_err() {
            return;
        }
        let drained = async {
            let (mut thrown_bytes, mut scrap) = (0, [0; 4_096]);
            while let Ok(count @ 1..) = self.socket.read(&mut scrap).await {
                thrown_bytes += count;
                if thrown_bytes > PARTING_BYTES_MAX {
                    break;
                }
            }
        };
        // Whether it closed or the time was over, the connection ends here.
        let _ = timeout(PARTING_TIMEOUT, drained).await;
    }
}

/// Room made at a time for a head; few are longer.
const HEAD_BYTES_USUAL: usize = 1_024;
/// How long a client may take to read an answer.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a dismissed client may take to close.
const PARTING_TIMEOUT: Duration = Duration::from_secs(2);
/// How much a dismissed client may still send.
const PARTING_BYTES_MAX: usize = 1 << 20;

//! A listener that tunes in, checks what it hears for a while, leaves, and tunes in again.

use crate::Run;
use crate::check::Check;
use crate::material::Kind;
use bytes::{Buf as _, BytesMut};
use common::http::chunked::Decoder;
use common::http::head::{HeadLimits, HeadReader};
use e2e::Random;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

/// How the stream is wrapped.
#[derive(Debug)]
enum Wrapping {
    Chunked(Decoder),
    Icy { interval_bytes: usize, due_in_bytes: usize },
    Plain,
}

/// How a visit ended.
enum Visit {
    /// The listener had enough.
    Left,
    /// The server ended it.
    Ended,
    /// There was no stream.
    Refused,
    /// Nothing came.
    Stalled,
}

/// Comes and goes until the run is over.
pub(crate) async fn come_and_go(mut run: Run, number: u64, kind: Kind, mut random: Random) {
    if !run.rest(random.time(0, 10_000)).await {
        return;
    }
    let mut over = run.over.clone();
    loop {
        let stay = random.time(2_000, 90_000);
        // A few prefer the mount that others fall back to.
        let mount = kind.mount(random.below(10) == 0);
        let visit = tokio::select! {
            visit = visit(&run, number, kind, mount, stay) => visit,
            _ = over.wait_for(|over| *over) => return,
        };
        match visit {
            Ok(Visit::Left) => {}
            Ok(Visit::Ended) => run.tally.ended.add(1),
            Ok(Visit::Refused) => run.tally.refused.add(1),
            Ok(Visit::Stalled) => run.tally.stalls.add(1),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                run.fault(format!("listener {number} on {mount}: {error}"));
            }
            // The connection broke: an administrator's kill may look like that.
            Err(_) => run.tally.ended.add(1),
        }
        if !run.rest(random.time(100, 2_000)).await {
            return;
        }
    }
}

async fn visit(
    run: &Run,
    number: u64,
    kind: Kind,
    mount: &str,
    stay: Duration,
) -> io::Result<Visit> {
    let until = Instant::now() + stay;
    let mut socket = TcpStream::connect(run.server.address).await?;
    let request = match number / 4 % 3 {
        0 => format!("GET {mount} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        1 => format!("GET {mount} HTTP/1.0\r\nIcy-MetaData: 1\r\n\r\n"),
        _ => format!("GET {mount} HTTP/1.0\r\n\r\n"),
    };
    socket.write_all(request.as_bytes()).await?;
    let mut received = BytesMut::new();
    let mut reader = HeadReader::new(HeadLimits::default());
    let head = loop {
        match reader.response(&received).map_err(invalid)? {
            Some((head, bytes)) => {
                received.advance(bytes);
                break head;
            }
            None if read(&mut socket, &mut received, until).await? == Some(0) => {
                return Ok(Visit::Ended);
            }
            None => {}
        }
    };
    if head.status != 200 {
        return Ok(Visit::Refused);
    }
    run.tally.joined.add(1);
    let interval_bytes = head.headers.first("icy-metaint").and_then(|text| text.parse().ok());
    let mut wrapping = match interval_bytes {
        Some(bytes) => Wrapping::Icy { interval_bytes: bytes, due_in_bytes: bytes },
        None if head.headers.lists("transfer-encoding", "chunked") => {
            Wrapping::Chunked(Decoder::default())
        }
        None => Wrapping::Plain,
    };
    let mut check = match kind {
        Kind::Aac => Check::adts(),
        Kind::Mp3 => Check::mpeg(),
        Kind::Opus | Kind::Vorbis => Check::ogg(),
    };
    let mut heard = Instant::now();
    loop {
        let audio = wrapping.unwrap(&mut received).map_err(invalid)?;
        run.tally.heard_bytes.add(audio.len() as u64);
        let links = check.links();
        check.hear(&audio).map_err(invalid)?;
        run.tally.links.add(check.links() - links);
        match read(&mut socket, &mut received, until).await? {
            None if heard.elapsed() > STALL_MIN => return Ok(Visit::Stalled),
            None => return Ok(Visit::Left),
            Some(0) => return Ok(Visit::Ended),
            Some(_) => heard = Instant::now(),
        }
    }
}

/// Reads more; `None` once it is `until`.
async fn read(
    socket: &mut TcpStream,
    received: &mut BytesMut,
    until: Instant,
) -> io::Result<Option<usize>> {
    match timeout_at(until, socket.read_buf(received)).await {
        Ok(read) => read.map(Some),
        Err(_) => Ok(None),
    }
}

impl Wrapping {
    /// The audio in what was received.
    fn unwrap(&mut self, received: &mut BytesMut) -> Result<BytesMut, String> {
        match self {
            Self::Plain => Ok(received.split()),
            Self::Chunked(decoder) => {
                let mut audio = BytesMut::new();
                let bytes = received.split();
                decoder.decode(&bytes, &mut audio).map_err(|error| error.to_string())?;
                Ok(audio)
            }
            Self::Icy { interval_bytes, due_in_bytes } => {
                let mut audio = BytesMut::new();
                loop {
                    let here = received.len().min(*due_in_bytes);
                    audio.extend_from_slice(&received.split_to(here));
                    *due_in_bytes -= here;
                    let Some(&units) = received.first().filter(|_| *due_in_bytes == 0) else {
                        return Ok(audio);
                    };
                    let block_bytes = 1 + 16 * usize::from(units);
                    if received.len() < block_bytes {
                        return Ok(audio);
                    }
                    let block = received.split_to(block_bytes);
                    if units > 0 && !block[1..].starts_with(b"StreamTitle='") {
                        return Err(format!("no title, but {:02x?}", &block[..17]));
                    }
                    *due_in_bytes = *interval_bytes;
                }
            }
        }
    }
}

fn invalid(what: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// A pause in a live stream that a listener would call a stall: longer than a source grace.
const STALL_MIN: Duration = Duration::from_secs(15);

//! How a source is read: woken by the system, or looked at now and then.
//!
//! A source sends a frame at a time, some forty in a second, and to be woken for each costs more
//! than all else that is done with it, since a processor with nothing else to do has gone to sleep
//! meanwhile. Its listeners are not told of each frame so soon anyway. So an ordinary connection
//! is taken away from what wakes us, and is looked at whenever it has been left to *rest*. What
//! comes meanwhile waits in the system's buffer.

use crate::socket::Socket;
use bytes::BytesMut;
use std::io::{self, ErrorKind, Read as _};
use std::net::TcpStream as StdTcpStream;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, sleep_until};

/// How long to leave a source alone beside a `flush_delay`; not at all where that is so short that
/// looking would be more work than being woken.
pub(super) fn rest(flush_delay: Duration) -> Duration {
    let rest = flush_delay / RESTS_IN_FLUSH_DELAY;
    if rest < REST_MIN { Duration::ZERO } else { rest }
}

/// A source's connection.
pub(super) enum Intake {
    /// The system tells when there is something.
    Awaited(Box<dyn AsyncRead + Send + Unpin>),
    /// It is looked at.
    Polled(StdTcpStream),
}

impl Intake {
    /// A client's connection: looked at, unless it is encrypted or cannot be.
    pub(super) fn of(socket: Socket) -> io::Result<Self> {
        match socket {
            Socket::Plain(tcp) => Ok(Self::Polled(tcp.into_std()?)),
            socket @ Socket::Tls(_) => Ok(Self::Awaited(Box::new(socket))),
        }
    }

    /// Reads what has come into `received`, at most `bytes_max`, once there is something, but not
    /// before `rested`; how many bytes it was, and 0 at the end. Between two looks it rests for
    /// `rest`; if that is nothing, the system is to tell.
    pub(super) async fn read(
        &mut self,
        received: &mut BytesMut,
        bytes_max: usize,
        rested: Instant,
        rest: Duration,
    ) -> io::Result<usize> {
        sleep_until(rested).await;
        if let Self::Polled(tcp) = self
            && rest.is_zero()
        {
            *self = Self::Awaited(Box::new(TcpStream::from_std(tcp.try_clone()?)?));
        }
        match self {
            Self::Awaited(stream) => {
                received.reserve(bytes_max);
                stream.read_buf(received).await
            }
            Self::Polled(tcp) => loop {
                received.resize(bytes_max, 0);
                let read = tcp.read(received);
                received.truncate(read.as_ref().copied().unwrap_or_default());
                match read {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => sleep(rest).await,
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    read => return read,
                }
            },
        }
    }
}

/// A source is left alone for so small a part of the flush delay: 150 ms by default.
const RESTS_IN_FLUSH_DELAY: u32 = 5;
/// The shortest rest; two frames of MP3 are as long.
const REST_MIN: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::TcpListener;
    use tokio::io::AsyncWriteExt as _;
    use tokio::time::{advance, timeout};

    const REST: Duration = Duration::from_millis(100);

    fn connected() -> (StdTcpStream, Intake) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let source = StdTcpStream::connect(listener.local_addr().unwrap()).unwrap();
        source.set_nodelay(true).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        accepted.set_nonblocking(true).unwrap();
        let accepted = TcpStream::from_std(accepted).unwrap();
        (source, Intake::of(Socket::Plain(accepted)).unwrap())
    }

    async fn read(intake: &mut Intake, rested: Instant, rest: Duration) -> Vec<u8> {
        let mut received = BytesMut::new();
        let reading = intake.read(&mut received, 64, rested, rest);
        let count = timeout(Duration::from_secs(60), reading).await.unwrap().unwrap();
        assert_eq!(count, received.len());
        received.to_vec()
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_is_left_alone_for_a_while_and_then_read_of_all_that_it_sent() {
        let (mut source, socket) = tokio::io::duplex(64);
        let began = Instant::now();
        source.write_all(b"aa").await.unwrap();
        let mut intake = Intake::Awaited(Box::new(socket));
        let later = async {
            advance(REST / 2).await;
            source.write_all(b"bb").await.unwrap();
        };

        let (read, ()) = tokio::join!(read(&mut intake, began + REST, REST), later);

        assert_eq!(read, b"aabb");
        assert_eq!(began.elapsed(), REST);
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_has_sent_nothing_is_looked_at_again_after_each_rest() {
        let (mut source, mut intake) = connected();
        let began = Instant::now();
        let later = async {
            for _ in 0..5 {
                advance(REST / 2).await;
            }
            Write::write_all(&mut source, b"aa").unwrap();
        };

        let (read, ()) = tokio::join!(read(&mut intake, began, REST), later);

        assert_eq!(read, b"aa");
        assert_eq!(began.elapsed(), REST * 3);
    }

    #[test]
    fn a_rest_is_a_part_of_the_flush_delay_or_none() {
        let rest = |flush_delay| rest(Duration::from_millis(flush_delay)).as_millis();

        assert_eq!([rest(750), rest(250), rest(249), rest(0)], [150, 50, 0, 0]);
    }

    #[tokio::test]
    async fn without_a_rest_the_system_tells_when_there_is_something() {
        let (mut source, mut intake) = connected();
        Write::write_all(&mut source, b"aa").unwrap();

        assert_eq!(read(&mut intake, Instant::now(), Duration::ZERO).await, b"aa");
        assert!(matches!(intake, Intake::Awaited(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_a_source_is_seen() {
        let (source, mut intake) = connected();
        drop(source);

        assert_eq!(read(&mut intake, Instant::now(), REST).await, b"");
    }
}

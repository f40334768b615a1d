//! A client's connection: TCP, or TLS on it.
//!
//! Everybody but the fan reads and writes it as any stream. The fan serves thousands and waits for
//! none of them, so it *tries*: what cannot be read or written now is [`ErrorKind::WouldBlock`].
//! What has been encrypted and not yet sent is kept here, at most [`ENCRYPTED_BYTES_MAX`] of it.

use rustls::{ServerConfig, ServerConnection};
use socket2::SockRef;
use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice, Read as _, Write as _};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

/// A connection.
#[derive(Debug)]
pub(crate) enum Socket {
    /// What is sent can be read on the way.
    Plain(TcpStream),
    /// Encrypted; boxed so that it costs others nothing.
    Tls(Box<Tls>),
}

/// An encrypted connection whose handshake is over.
#[derive(Debug)]
pub(crate) struct Tls {
    tcp: TcpStream,
    state: ServerConnection,
}

/// A socket for those who want to be told to wait instead of waiting.
struct Trying<'a>(&'a TcpStream);

impl Socket {
    /// Makes an encrypted connection of a plain one, from which `received` has been read already;
    /// one that is encrypted stays as it is.
    pub(crate) async fn secured(
        self,
        with: Arc<ServerConfig>,
        received: &[u8],
    ) -> io::Result<Self> {
        match self {
            Self::Plain(tcp) => Ok(Self::Tls(Box::new(Tls::agree(tcp, with, received).await?))),
            Self::Tls(_) => Ok(self),
        }
    }

    /// Whether nobody can read on the way what is sent.
    pub(crate) fn is_secure(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(_) => true,
        }
    }

    /// The address at which it was accepted.
    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp().local_addr()
    }

    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => &tls.tcp,
        }
    }

    /// Reads what there is, without waiting.
    pub(crate) fn try_read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.try_read(into),
            Self::Tls(tls) => tls.try_read(into),
        }
    }

    /// Writes of `slices` what can be written without waiting.
    pub(crate) fn try_write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            // `sendmsg` and `send` cost the kernel less than `writev`, which takes a socket for a
            // file with a position.
            Self::Plain(tcp) => tcp.try_io(Interest::WRITABLE, || match slices {
                [one] => SockRef::from(&*tcp).send(one),
                slices => SockRef::from(&*tcp).send_vectored(slices),
            }),
            Self::Tls(tls) => tls.try_write(slices),
        }
    }

    /// Sends what has been written and not sent. [`ErrorKind::WouldBlock`] if some of it remains.
    pub(crate) fn try_flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(tls) => tls.try_flush(),
        }
    }

    /// Says that nothing more will be written, where that can be said before the connection
    /// closes. What cannot be sent at once is not sent.
    pub(crate) fn part(&mut self) {
        if let Self::Tls(tls) = self {
            tls.state.send_close_notify();
            // Whoever has gone does without.
            let _ = tls.try_flush();
        }
    }
}

impl Tls {
    /// Shakes hands on `tcp`, from which `received` has been read already.
    async fn agree(tcp: TcpStream, config: Arc<ServerConfig>, received: &[u8]) -> io::Result<Self> {
        let mut state = ServerConnection::new(config).map_err(io::Error::other)?;
        state.set_buffer_limit(Some(ENCRYPTED_BYTES_MAX));
        let (mut tls, mut received) = (Self { tcp, state }, received);
        loop {
            poll_fn(|context| tls.poll_flush(context)).await?;
            if !tls.state.is_handshaking() && received.is_empty() {
                return Ok(tls);
            }
            let read = if received.is_empty() {
                tls.state.read_tls(&mut Trying(&tls.tcp))
            } else {
                tls.state.read_tls(&mut received)
            };
            match read {
                Err(error) if error.kind() == ErrorKind::WouldBlock => tls.tcp.readable().await?,
                Err(error) => return Err(error),
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(_) => {
                    if let Err(error) = tls.state.process_new_packets() {
                        // What was wrong is said to the other side, if it still listens.
                        let _ = tls.try_flush();
                        return Err(io::Error::other(error));
                    }
                }
            }
        }
    }

    fn try_read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.state.reader().read(into) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // A connection that ends without a word is over all the same.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(0),
                read => return read,
            }
            if self.state.read_tls(&mut Trying(&self.tcp))? == 0 {
                return Ok(0);
            }
            self.state.process_new_packets().map_err(io::Error::other)?;
        }
    }

    fn try_write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.try_flush()?;
        let taken = self.state.writer().write_vectored(slices)?;
        match self.try_flush() {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            Ok(()) | Err(_) => Ok(taken),
        }
    }

    fn try_flush(&mut self) -> io::Result<()> {
        while self.state.wants_write() {
            self.state.write_tls(&mut Trying(&self.tcp))?;
        }
        Ok(())
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            match self.try_flush() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    ready!(self.tcp.poll_write_ready(context))?;
                }
                flushed => return Poll::Ready(flushed),
            }
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let tls = match self.get_mut() {
            Self::Plain(tcp) => return Pin::new(tcp).poll_read(context, into),
            Self::Tls(tls) => tls,
        };
        loop {
            match tls.try_read(into.initialize_unfilled()) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    ready!(tls.tcp.poll_read_ready(context))?;
                }
                Err(error) => return Poll::Ready(Err(error)),
                Ok(count) => {
                    into.advance(count);
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let tls = match self.get_mut() {
            Self::Plain(tcp) => return Pin::new(tcp).poll_write(context, bytes),
            Self::Tls(tls) => tls,
        };
        loop {
            match tls.try_write(&[IoSlice::new(bytes)]) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    ready!(tls.tcp.poll_write_ready(context))?;
                }
                written => return Poll::Ready(written),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(context),
            Self::Tls(tls) => tls.poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let tcp = match self.get_mut() {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => {
                tls.state.send_close_notify();
                ready!(tls.poll_flush(context))?;
                &mut tls.tcp
            }
        };
        Pin::new(tcp).poll_shutdown(context)
    }
}

impl io::Read for Trying<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(into)
    }
}

impl io::Write for Trying<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Bytes that may be encrypted ahead of what the network takes.
const ENCRYPTED_BYTES_MAX: usize = 65_536;

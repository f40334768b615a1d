//! A source that sends numbered frames in real time.

use super::frames::Frames;
use super::servers::PASSWORD;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};

/// Sends `frames` to `mount`, until it is dropped: each as soon as it has played, and those of the
/// first `ahead` at once.
pub(crate) async fn feed(
    to: SocketAddr,
    mount: String,
    frames: Frames,
    ahead: Duration,
) -> io::Result<()> {
    feed_since(to, mount, frames, ahead, Instant::now()).await
}

/// The same for a programme that began at `start`: of what has played before only the last `ahead`
/// is sent.
pub(crate) async fn feed_since(
    to: SocketAddr,
    mount: String,
    frames: Frames,
    ahead: Duration,
    start: Instant,
) -> io::Result<()> {
    let mut stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    let credentials = common::auth::Credentials {
        user: "source".to_owned(),
        password: common::auth::Password::new(PASSWORD),
    };
    let authorization = common::http::basic::written(&credentials);
    let content_type = frames.content_type();
    let head = format!(
        "SOURCE {mount} HTTP/1.0\r\nAuthorization: {authorization}\r\n\
         Content-Type: {content_type}\r\nice-name: bench\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    let mut answer = [0; 19];
    stream.read_exact(&mut answer).await?;
    if answer != *b"HTTP/1.0 200 OK\r\n\r\n" {
        return Err(io::Error::other("the source was refused"));
    }
    stream.write_all(&frames.headers()).await?;
    let plays = frames.plays();
    let played = u64::try_from(start.elapsed().as_nanos() / plays.as_nanos());
    let mut sent = played.map_err(io::Error::other)?;
    loop {
        let played = start.elapsed() + ahead;
        let due = u64::try_from(played.as_nanos() / plays.as_nanos()).map_err(io::Error::other)?;
        stream.write_all(&frames.written(sent..due)).await?;
        sent = due;
        sleep_until(start + plays * u32::try_from(due + 1).unwrap_or(u32::MAX) - ahead).await;
    }
}

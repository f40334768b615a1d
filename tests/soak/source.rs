//! A source that comes, plays for a while, leaves, and comes again.

use crate::Run;
use crate::material::Material;
use crate::server::SOURCE;
use e2e::Random;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// Feeds the mount of `material`, or the one that it falls back to, until the run is over.
pub(crate) async fn feed(
    mut run: Run,
    material: Arc<Material>,
    is_backup: bool,
    mut random: Random,
) {
    let mount = material.kind.mount(is_backup);
    // The one that others fall back to stays longer.
    let (stay_min_ms, stay_max_ms) = if is_backup { (60_000, 180_000) } else { (8_000, 60_000) };
    loop {
        let stay = random.time(stay_min_ms, stay_max_ms);
        let bytes = material.encoded(&mut random);
        if let Ok(Some(socket)) = dial(&run, mount, material.kind.content_type()).await {
            run.tally.sources.add(1);
            // A kick, or the end of the run; either way it is over.
            let _ = play(&run, socket, &bytes, material.tenth_bytes(), stay).await;
        }
        let pause = random.time(500, 8_000);
        if !run.rest(pause).await {
            return;
        }
    }
}

/// A connection on which the server takes audio; `None` if it does not.
async fn dial(run: &Run, mount: &str, content_type: &str) -> io::Result<Option<TcpStream>> {
    let mut socket = TcpStream::connect(run.server.address).await?;
    let head = format!(
        "SOURCE {mount} HTTP/1.0\r\nAuthorization: {SOURCE}\r\nContent-Type: {content_type}\r\n\
         ice-name: Soak\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await?;
    let mut answer = [0; ACCEPTED.len()];
    let read = timeout(Duration::from_secs(10), socket.read_exact(&mut answer)).await;
    let accepted = matches!(read, Ok(Ok(_))) && answer == *ACCEPTED;
    Ok(accepted.then_some(socket))
}

/// Sends `bytes` again and again in the time that they play, for as long as it stays.
async fn play(
    run: &Run,
    mut socket: TcpStream,
    bytes: &[u8],
    tenth_bytes: usize,
    stay: Duration,
) -> io::Result<()> {
    let until = Instant::now() + stay;
    let mut beat = interval(Duration::from_millis(100));
    beat.set_missed_tick_behavior(MissedTickBehavior::Burst);
    while Instant::now() < until {
        for piece in bytes.chunks(tenth_bytes) {
            beat.tick().await;
            if Instant::now() >= until || *run.over.borrow() {
                return Ok(());
            }
            socket.write_all(piece).await?;
        }
    }
    Ok(())
}

const ACCEPTED: &[u8] = b"HTTP/1.0 200 OK\r\n\r\n";

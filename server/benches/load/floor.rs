//! The floor: a server that does nothing but `write`.
//!
//! It takes in so many listeners, gives each a head, and then writes to each of them, as often as
//! the server does and spread over time, the bytes that are due: the same bytes for all, from one
//! buffer, whose ICY blocks were put in beforehand. What a real server needs beyond that is its own
//! doing. This runs as a process of its own, so that its processor time can be taken.

use super::frames::{FRAME_PLAYS, Frames};
use bytes::{BufMut as _, BytesMut};
use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::num::NonZeroUsize;
use std::thread;
use std::time::{Duration, Instant};

/// Serves `count` listeners on `port` until it is killed, on as many threads as there are
/// processors: what the other servers do, and what the loopback's receivers are woken by.
pub(crate) fn serve(port: u16, count: usize) -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    let threads = thread::available_parallelism()?.get();
    let mut shares: Vec<Vec<TcpStream>> = (0..threads).map(|_| Vec::new()).collect();
    let mut taken = 0;
    while taken < count {
        let (stream, _) = listener.accept()?;
        // Whoever looks whether somebody listens says nothing.
        if welcome(&stream).is_ok() {
            shares[taken % threads].push(stream);
            taken += 1;
        }
    }
    let stream = woven(Frames::new(128, Instant::now()));
    thread::scope(|scope| {
        for share in &shares {
            scope.spawn(|| write(&stream, share));
        }
    });
    Ok(())
}

/// Writes what is due of `stream` to a sixteenth of the `listeners` at each tick.
#[expect(clippy::disallowed_methods, reason = "a bare loop sleeps between its ticks")]
fn write(stream: &[u8], listeners: &[TcpStream]) {
    let (start, mut places, tick) = (Instant::now(), [0; SLOTS], FLUSH_DELAY / 16);
    for number in 1_u32.. {
        thread::sleep((tick * number).saturating_sub(start.elapsed()));
        let slot = number as usize % SLOTS;
        let due_bytes = start.elapsed().as_micros() * BYTES_PER_SECOND / 1_000_000;
        let due = usize::try_from(due_bytes).unwrap_or(usize::MAX).min(stream.len());
        for mut listener in listeners.iter().skip(slot).step_by(SLOTS) {
            // Whoever has left is not missed.
            let _ = listener.write(&stream[places[slot]..due]);
        }
        places[slot] = due;
    }
}

fn welcome(mut stream: &TcpStream) -> io::Result<()> {
    let mut request = [0; 1_024];
    if stream.read(&mut request)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    stream
        .write_all(b"HTTP/1.0 200 OK\r\nContent-Type: audio/mpeg\r\nicy-metaint: 16000\r\n\r\n")?;
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)
}

/// Two minutes of frames with an empty block after every 16 000 bytes.
fn woven(frames: Frames) -> Vec<u8> {
    let count = Duration::from_secs(120).as_nanos() / FRAME_PLAYS.as_nanos();
    let audio = frames.written(0..u64::try_from(count).expect("a few thousand"));
    let mut out = BytesMut::new();
    for part in audio.chunks(INTERVAL_BYTES.get()) {
        out.put_slice(part);
        if part.len() == INTERVAL_BYTES.get() {
            out.put_u8(0);
        }
    }
    out.to_vec()
}

const INTERVAL_BYTES: NonZeroUsize = NonZeroUsize::new(16_000).unwrap();
/// The server's default, so that both send as often.
const FLUSH_DELAY: Duration = Duration::from_millis(750);
const SLOTS: usize = 16;
const BYTES_PER_SECOND: u128 = 16_000;

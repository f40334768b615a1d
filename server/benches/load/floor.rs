//! The floor: a server that does nothing but `write`.
//!
//! It takes in so many listeners, gives each a head, and then writes to each of them, twice a
//! second and spread over time, the bytes that are due: the same bytes for all, from one buffer,
//! whose ICY blocks were put in beforehand. What a real server needs beyond that is its own doing.
//! This runs as a process of its own, so that its processor time can be taken.

use super::frames::{FRAME_PLAYS, Frames};
use bytes::{BufMut as _, BytesMut};
use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

/// Serves `count` listeners on `port` until it is killed.
#[expect(clippy::disallowed_methods, reason = "a bare loop sleeps between its ticks")]
pub(crate) fn serve(port: u16, count: usize) -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    let mut slots: Vec<Vec<TcpStream>> = (0..SLOTS).map(|_| Vec::new()).collect();
    let mut taken = 0;
    while taken < count {
        let (stream, _) = listener.accept()?;
        // Whoever looks whether somebody listens says nothing.
        if welcome(&stream).is_ok() {
            slots[taken % SLOTS].push(stream);
            taken += 1;
        }
    }
    let stream = woven(Frames::new(128, Instant::now()));
    let (start, mut places, tick) = (Instant::now(), [0; SLOTS], FLUSH_DELAY / 16);
    for number in 1_u32.. {
        std::thread::sleep((tick * number).saturating_sub(start.elapsed()));
        let slot = number as usize % SLOTS;
        let due = usize::try_from(start.elapsed().as_micros() * BYTES_PER_SECOND / 1_000_000)
            .map_err(io::Error::other)?
            .min(stream.len());
        for mut listener in &slots[slot] {
            let _ = listener.write(&stream[places[slot]..due]);
        }
        places[slot] = due;
    }
    Ok(())
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
const FLUSH_DELAY: Duration = Duration::from_millis(500);
const SLOTS: usize = 16;
const BYTES_PER_SECOND: u128 = 16_000;

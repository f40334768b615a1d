//! Clients of telnet: one who asks again and again and takes the time, and those who misbehave.

use crate::Run;
use crate::files::noise;
use e2e::Random;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// How well whoever asked was answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Replies {
    /// How long replies took, the shortest first.
    pub(crate) times: Vec<Duration>,
    /// When the longest came, in seconds of the run.
    pub(crate) worst_at: f64,
    /// Replies that did not come, or were wrong, with the second of the run.
    pub(crate) faults: Vec<String>,
}

/// Asks by a new connection each time, as `nc` does, until the run is over.
pub(crate) async fn ask_again_and_again(mut run: Run, telnet: SocketAddr) -> Replies {
    let mut replies = Replies::default();
    let mut worst = Duration::ZERO;
    let mut commands = COMMANDS.iter().cycle();
    while run.rest(ASK_EVERY).await {
        let command = commands.next().expect("they begin again");
        let began = Instant::now();
        let asked = timeout(REPLY_LIMIT, ask(telnet, command)).await;
        let took = began.elapsed();
        let said = asked.map_err(|_| "nothing".to_owned());
        let said = said.and_then(|said| said.map_err(|error| error.to_string()));
        match said {
            Ok(reply) if !reply.starts_with("ERROR") => {
                if took > worst {
                    (worst, replies.worst_at) = (took, run.seconds());
                }
                replies.times.push(took);
            }
            Ok(what) | Err(what) => {
                replies.faults.push(format!("{:.1} s: {command}: {what:?}", run.seconds()));
            }
        }
    }
    replies.times.sort_unstable();
    replies
}

/// The reply to `command`, up to the end of `END`.
pub(crate) async fn ask(telnet: SocketAddr, command: &str) -> io::Result<String> {
    let mut socket = TcpStream::connect(telnet).await?;
    socket.write_all(format!("{command}\n").as_bytes()).await?;
    let mut reply = Vec::new();
    while !reply.ends_with(b"\r\nEND\r\n") {
        if socket.read_buf(&mut reply).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(String::from_utf8_lossy(&reply).into_owned())
}

/// How a client can misbehave.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Misbehaviour {
    /// More come than there is room for, and say nothing.
    Crowd,
    /// A line that does not end.
    EndlessLine,
    /// Commands, as fast as they are taken, and no reply is read.
    Flood,
    /// Half a line, and then nothing.
    HalfLine,
    /// Bytes that mean nothing.
    Noise,
    /// One comes after the other and is gone.
    Storm,
}

impl Misbehaviour {
    /// Does it, for some seconds at most.
    pub(crate) async fn happen(
        self,
        run: &mut Run,
        to: SocketAddr,
        random: &mut Random,
    ) -> io::Result<()> {
        match self {
            Self::Crowd => {
                let mut crowd = Vec::new();
                for _ in 0..CROWD {
                    crowd.push(TcpStream::connect(to).await?);
                }
                run.rest(STAY).await;
            }
            Self::EndlessLine => {
                let mut socket = TcpStream::connect(to).await?;
                for _ in 0..100 {
                    socket.write_all(&[b'a'; 10_000]).await?;
                }
            }
            Self::Flood => {
                let socket = TcpSocket::new_v4()?;
                socket.set_recv_buffer_size(2_048)?;
                let mut socket = socket.connect(to).await?;
                let flood = async {
                    loop {
                        socket.write_all(&b"help\ngood.mp3.metadata\n".repeat(100)).await?;
                    }
                };
                return timeout(STAY, flood).await.unwrap_or(Ok(()));
            }
            Self::HalfLine => {
                let mut socket = TcpStream::connect(to).await?;
                socket.write_all(b"list.sk").await?;
                run.rest(STAY).await;
            }
            Self::Noise => {
                let mut socket = TcpStream::connect(to).await?;
                socket.write_all(&noise(5_000, random)).await?;
                run.rest(STAY / 4).await;
            }
            Self::Storm => {
                for _ in 0..STORM {
                    let mut socket = TcpStream::connect(to).await?;
                    let _ = socket.write_all(b"uptime\n").await;
                }
            }
        }
        Ok(())
    }
}

const COMMANDS: [&str; 6] = [
    "uptime",
    "good.mp3.remaining",
    "list.next",
    "good.mp3.metadata",
    "requests.queue",
    "moody.mp3.status",
];
const ASK_EVERY: Duration = Duration::from_millis(100);
/// What takes longer does not come.
const REPLY_LIMIT: Duration = Duration::from_secs(2);
/// More than there is room for.
const CROWD: usize = 80;
const STORM: usize = 300;
const STAY: Duration = Duration::from_secs(5);

//! Servers that do not do their duty: one that dies and is started again, and some with moods.

use crate::Run;
use crate::files::noise;
use e2e::{Random, SOURCE_PASSWORD, Station};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// The servers.
#[derive(Debug)]
pub(crate) struct Rude {
    /// Where the one is that dies.
    dying: SocketAddr,
    kills: mpsc::Sender<Duration>,
    /// Those with moods, and where they are.
    moody: Vec<(SocketAddr, watch::Sender<Mood>)>,
}

/// What a server does with whoever comes and whoever is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Answers with noise.
    Babbles,
    /// Says 403.
    Forbids,
    /// Closes at once.
    HangsUp,
    /// Begins an answer that has no end.
    Rambles,
    /// Says 401.
    Rejects,
    /// Resets the connection.
    Resets,
    /// Accepts, and neither reads nor says anything; takes no more from whoever is there.
    Stalls,
    /// Takes the stream.
    Takes,
}

impl Rude {
    /// Starts them.
    pub(crate) async fn start(run: &Run, tasks: &mut JoinSet<()>) -> Self {
        let station = Station::start();
        let dying = station.address();
        let (kills, killed) = mpsc::channel(1);
        tasks.spawn(die_again_and_again(run.clone(), station, killed));
        let mut moody = Vec::new();
        for _ in 0..MOODY {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let address = listener.local_addr().expect("a bound socket has an address");
            let (mood, moods) = watch::channel(Mood::Takes);
            tasks.spawn(serve(listener, moods));
            moody.push((address, mood));
        }
        Self { dying, kills, moody }
    }

    /// The addresses of the outputs to them, by their names.
    pub(crate) fn urls(&self) -> Vec<(&'static str, String)> {
        let url = |to: &SocketAddr, mount| format!("http://source:{SOURCE_PASSWORD}@{to}/{mount}");
        let mounts = ["moody.mp3", "moody.aac", "moody.opus"];
        let moody = self.moody.iter().zip(mounts).map(|((to, _), name)| (name, url(to, name)));
        moody.chain([("dying.mp3", url(&self.dying, "dying.mp3"))]).collect()
    }

    /// Kills the one that dies, and lets it be dead for `time`.
    pub(crate) fn kill(&self, time: Duration) {
        let _ = self.kills.try_send(time); // it may be dead already
    }

    /// Puts one of the others in this mood.
    pub(crate) fn put_in(&self, mood: Mood, random: &mut Random) -> usize {
        let which = random.below(self.moody.len());
        self.moody[which].1.send_replace(mood);
        which
    }

    /// Puts one of the others right.
    pub(crate) fn cheer(&self, which: usize) {
        self.moody[which].1.send_replace(Mood::Takes);
    }

    /// Puts all right.
    pub(crate) fn cheer_all(&self) {
        (0..self.moody.len()).for_each(|which| self.cheer(which));
    }
}

async fn die_again_and_again(
    mut run: Run,
    mut station: Station,
    mut kills: mpsc::Receiver<Duration>,
) {
    while let Some(time) = kills.recv().await {
        tokio::task::block_in_place(|| station.stop());
        run.rest(time).await;
        tokio::task::block_in_place(|| station.start_again());
    }
}

async fn serve(listener: TcpListener, mood: watch::Receiver<Mood>) {
    let mut clients = JoinSet::new();
    loop {
        let Ok((socket, _)) = listener.accept().await else { continue };
        clients.spawn(receive(socket, mood.clone()));
        while clients.try_join_next().is_some() {}
    }
}

/// Treats one client as the mood is.
async fn receive(mut socket: TcpStream, mut mood: watch::Receiver<Mood>) -> io::Result<()> {
    let now = *mood.borrow_and_update();
    match now {
        Mood::Babbles => {
            socket.write_all(&noise(5_000, &mut Random::new(5))).await?;
        }
        Mood::Forbids => {
            head(&mut socket).await?;
            socket.write_all(b"HTTP/1.0 403 Mountpoint in use\r\n\r\n").await?;
        }
        Mood::HangsUp => {}
        Mood::Rambles => loop {
            socket.write_all(b"HTTP/1.0 200 OK\r\nX-More: ").await?;
            socket.write_all(&[b'a'; 10_000]).await?;
        },
        Mood::Rejects => {
            head(&mut socket).await?;
            socket.write_all(b"HTTP/1.0 401 Authentication Required\r\n\r\n").await?;
        }
        Mood::Resets => socket.set_zero_linger()?,
        Mood::Stalls => drop(mood.changed().await),
        Mood::Takes => {
            let is_stream = !head(&mut socket).await?.starts_with(b"GET ");
            socket.write_all(b"HTTP/1.0 200 OK\r\n\r\n").await?;
            if is_stream {
                take(&mut socket, &mut mood).await?;
            }
        }
    }
    Ok(())
}

/// Takes a stream until the mood is another.
async fn take(socket: &mut TcpStream, mood: &mut watch::Receiver<Mood>) -> io::Result<()> {
    let mut audio = vec![0; 65_536];
    loop {
        tokio::select! {
            read = socket.read(&mut audio) => if read? == 0 { return Ok(()) },
            _ = mood.changed() => match *mood.borrow_and_update() {
                Mood::Takes => {}
                Mood::Resets => return socket.set_zero_linger(),
                Mood::Stalls => break,
                Mood::Babbles | Mood::Forbids | Mood::HangsUp | Mood::Rambles | Mood::Rejects => {
                    return Ok(());
                }
            },
        }
    }
    drop(mood.changed().await);
    Ok(())
}

async fn head(socket: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() < HEAD_BYTES_MAX {
        if socket.read_buf(&mut head).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(head)
}

const MOODY: usize = 3;
const HEAD_BYTES_MAX: usize = 8_192;

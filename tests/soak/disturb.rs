//! The administrator and the strangers: who kills, moves, titles, reloads, and talks nonsense.

use crate::Run;
use crate::material::Kind;
use e2e::Random;
use std::io;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Disturbs the server until the run is over.
#[derive(Debug)]
pub(crate) struct Disturber {
    /// The run.
    pub(crate) run: Run,
    /// Where its ideas come from.
    pub(crate) random: Random,
    /// Whether the configuration is read again at times.
    pub(crate) reload: bool,
}

impl Disturber {
    /// Does something every second or two.
    pub(crate) async fn disturb(mut self) {
        let mut strangers = JoinSet::new();
        let mut variant = 0;
        loop {
            let pause = self.random.time(500, 2_500);
            if !self.run.rest(pause).await {
                return;
            }
            while strangers.try_join_next().is_some() {}
            let kind = Kind::ALL[self.random.below(4)];
            let is_backup = self.random.below(2) == 0;
            let (mount, other) = (kind.mount(is_backup), kind.mount(!is_backup));
            let done = match self.random.below(12) {
                0 | 1 => self.kill_listener(mount).await,
                2 => self.ask(&format!("/admin/killsource?mount={mount}")).await,
                3 | 4 => {
                    self.ask(&format!("/admin/moveclients?mount={mount}&destination={other}")).await
                }
                5 | 6 => self.give_title(mount).await,
                7 if self.reload => {
                    variant += 1;
                    self.run.server.reload(variant).await
                }
                7 | 8 => self.ask("/status-json.xsl").await,
                9 => {
                    strangers.spawn(stay_silent(self.run.clone(), mount));
                    Ok(())
                }
                _ => {
                    strangers.spawn(talk_nonsense(self.run.clone(), self.random.fork()));
                    Ok(())
                }
            };
            self.run.tally.disturbances.add(1);
            if let Err(error) = done {
                self.run.fault(format!("the administrator is not answered: {error}"));
            }
        }
    }

    async fn ask(&self, target: &str) -> io::Result<()> {
        self.run.server.ask(target).await.map(|_| ())
    }

    async fn kill_listener(&mut self, mount: &str) -> io::Result<()> {
        let list = self.run.server.ask(&format!("/admin/listclients?mount={mount}")).await?;
        let ids: Vec<_> =
            list.split("<ID>").skip(1).filter_map(|rest| rest.split('<').next()).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let id = ids[self.random.below(ids.len())];
        self.ask(&format!("/admin/killclient?mount={mount}&id={id}")).await
    }

    async fn give_title(&mut self, mount: &str) -> io::Result<()> {
        let number = self.random.below(10_000);
        let title = format!("artist=Somebody&title=Song%20{number}");
        self.ask(&format!("/admin/metadata?mode=updinfo&mount={mount}&{title}")).await
    }
}

/// Asks for a stream and does not read it.
async fn stay_silent(mut run: Run, mount: &str) -> io::Result<()> {
    let mut socket = TcpStream::connect(run.server.address).await?;
    socket.write_all(format!("GET {mount} HTTP/1.1\r\n\r\n").as_bytes()).await?;
    run.rest(Duration::from_secs(40)).await;
    Ok(())
}

/// Sends what no client should, and leaves at some time.
async fn talk_nonsense(mut run: Run, mut random: Random) -> io::Result<()> {
    let mut socket = TcpStream::connect(run.server.address).await?;
    let nonsense = match random.below(5) {
        0 => (0..4_096).map(|_| random.number().to_le_bytes()[0]).collect(),
        1 => b"GET /a.mp3 HTTP/1.1\r\nX-Half: a he".to_vec(),
        2 => [b"GET / HTTP/1.1\r\nX: ".to_vec(), vec![b'x'; 100_000]].concat(),
        3 => b"PUT /a.mp3 HTTP/1.1\r\nContent-Type: audio/mpeg\r\n\r\nno password".to_vec(),
        _ => b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03".to_vec(),
    };
    // A refusal may come before the end of it.
    let _ = socket.write_all(&nonsense).await;
    run.rest(random.time(10, 20_000)).await;
    Ok(())
}

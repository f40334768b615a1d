//! The packaged Icecast, running beside us as a program of its own.

use crate::icecast_xml::IcecastXml;
use crate::peer::{Peer, Program};
use crate::station::Station;
use crate::wait::until;
use std::net::TcpListener;
use std::ops::Deref;
use std::path::PathBuf;
use tokio::net::TcpStream;

/// A running Icecast with the passwords and limits of a [`Station`], which it can be asked like.
#[derive(Debug)]
pub struct Icecast {
    program: Program,
    peer: Option<Peer>,
    station: Station,
    config: PathBuf,
    /// Holds its files.
    xml: IcecastXml,
}

impl Icecast {
    /// Starts it; `None`, which has been said, if it is not installed.
    pub async fn start() -> Option<Self> {
        Self::with(&IcecastXml::new()).await
    }

    /// Starts it with the configuration `xml`; `None`, which has been said, if it is not installed.
    pub async fn with(xml: &IcecastXml) -> Option<Self> {
        let program = Program::find("icecast2")?;
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("a socket has an address");
        drop(free);
        xml.copy_icecasts_pages();
        let config = xml.write(address);
        let mut icecast =
            Self { program, peer: None, station: Station::at(address), config, xml: xml.clone() };
        icecast.start_again().await;
        Some(icecast)
    }

    /// Starts it again on its port, after [`Icecast::kill`].
    pub async fn start_again(&mut self) {
        assert!(self.peer.is_none(), "it is running");
        let config = self.config.clone();
        let run = || self.program.run(["-c".as_ref(), config.as_os_str()]);
        let mut peer = run();
        // Of those who connect before all its threads have begun, about one in twenty brings it
        // down. We wait before we do; a source that dials again and again does not.
        let all_wait = async || {
            if peer.has_ended() {
                peer = run();
            }
            (peer.threads_waiting() >= THREADS).then_some(())
        };
        until("the threads of Icecast have begun", all_wait).await;
        self.peer = Some(peer);
        let address = self.address();
        let listens = async || TcpStream::connect(address).await.ok().map(drop);
        until("Icecast listens", listens).await;
        // Its statistics fill up in its first moments; this is what it adds last.
        let counts = async || {
            let stats = self.admin("/admin/stats").await;
            let has = |name: &str| stats.text().contains(name);
            (has("<file_connections>") && has("<server_id>") && has("<location>")).then_some(())
        };
        until("Icecast counts", counts).await;
    }

    /// Its access log so far.
    pub fn access_log(&self) -> String {
        std::fs::read_to_string(self.xml.folder().join("access.log")).unwrap_or_default()
    }

    /// Ends it without giving it time to say anything.
    pub async fn kill(&mut self) {
        self.peer.take().expect("it is running").end().await;
    }
}

impl Deref for Icecast {
    type Target = Station;

    fn deref(&self) -> &Station {
        &self.station
    }
}

/// The least threads of Icecast 2.4.4: for clients, statistics, relays, directories.
const THREADS: usize = 4;

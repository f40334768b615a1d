//! The packaged Icecast, running beside us as a program of its own.

use crate::peer::{Peer, Program};
use crate::station::{ADMIN_PASSWORD, SOURCE_PASSWORD, Station};
use crate::wait::until;
use std::fs::{self, Permissions};
use std::net::{SocketAddr, TcpListener};
use std::ops::Deref;
use std::os::unix::fs::PermissionsExt as _;
use tempfile::TempDir;
use tokio::net::TcpStream;

/// A running Icecast with the passwords and limits of a [`Station`], which it can be asked like.
#[derive(Debug)]
pub struct Icecast {
    program: Program,
    peer: Option<Peer>,
    station: Station,
    folder: TempDir,
}

impl Icecast {
    /// Starts it; `None`, which has been said, if it is not installed.
    pub async fn start() -> Option<Self> {
        let program = Program::find("icecast2")?;
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("a socket has an address");
        drop(free);
        let folder = tempfile::tempdir().expect("a folder for its files");
        // It runs as somebody else, who is to write its logs.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).expect("our own folder");
        fs::write(folder.path().join(CONFIG), config(address, &folder)).expect("our own folder");
        let mut icecast = Self { program, peer: None, station: Station::at(address), folder };
        icecast.start_again().await;
        Some(icecast)
    }

    /// Starts it again on its port, after [`Icecast::kill`].
    pub async fn start_again(&mut self) {
        assert!(self.peer.is_none(), "it is running");
        let config = self.folder.path().join(CONFIG);
        let run = || self.program.run(["-c".as_ref(), config.as_os_str()]);
        let mut peer = run();
        // Of those who connect before all its threads have begun, about one in twenty brings it
        // down. We wait before we do; a source that dials again and again does not.
        let all_wait = async || {
            if peer.has_ended() {
                peer = run();
            }
            (peer.threads_waiting() == THREADS).then_some(())
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
        fs::read_to_string(self.folder.path().join("access.log")).unwrap_or_default()
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

fn config(address: SocketAddr, folder: &TempDir) -> String {
    let (ip, port, logs) = (address.ip(), address.port(), folder.path().display());
    format!(
        "<icecast><location>Earth</location><admin>icemaster@localhost</admin>\
         <hostname>localhost</hostname>\
         <limits><clients>100</clients><sources>10</sources><queue-size>524288</queue-size>\
         <header-timeout>15</header-timeout><source-timeout>10</source-timeout>\
         <burst-size>65536</burst-size></limits>\
         <authentication><source-password>{SOURCE_PASSWORD}</source-password>\
         <admin-user>admin</admin-user><admin-password>{ADMIN_PASSWORD}</admin-password>\
         </authentication>\
         <listen-socket><port>{port}</port><bind-address>{ip}</bind-address></listen-socket>\
         <http-headers><header name=\"Access-Control-Allow-Origin\" value=\"*\" /></http-headers>\
         <paths><basedir>/usr/share/icecast2</basedir><logdir>{logs}</logdir>\
         <webroot>/usr/share/icecast2/web</webroot><adminroot>/usr/share/icecast2/admin</adminroot>\
         </paths>\
         <logging><accesslog>access.log</accesslog><errorlog>error.log</errorlog>\
         <loglevel>3</loglevel></logging>\
         <security><chroot>0</chroot><changeowner><user>nobody</user><group>nogroup</group>\
         </changeowner></security></icecast>"
    )
}

const CONFIG: &str = "icecast.xml";
/// The threads of Icecast 2.4.4 without relays: for clients, statistics, relays, directories.
const THREADS: usize = 4;

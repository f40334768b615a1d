//! The server under test: its configuration, its process, and what it says of itself.

use crate::material::Kind;
use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::{interval, timeout};

/// A server that runs.
#[derive(Debug)]
pub(crate) struct Server {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    pid: u32,
    config: PathBuf,
    /// Asks for the process to be waited for.
    exit: watch::Receiver<Option<Option<i32>>>,
}

/// What it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Listeners now.
    pub(crate) listeners: u64,
    /// Sources now.
    pub(crate) sources: u64,
    /// Connections now, the one that asks included.
    pub(crate) clients: u64,
}

impl Server {
    /// Starts `binary` with a configuration in `folder`, and waits until it answers.
    pub(crate) async fn start(binary: &Path, folder: &Path) -> io::Result<Self> {
        let free = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let config = folder.join("icecast.xml");
        std::fs::write(&config, Self::config(free.port(), folder, 0))?;
        let log = std::fs::File::create("/tmp/soak-server.log")?;
        let child = Command::new(binary)
            .arg("-c")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        let pid = child.id().ok_or_else(|| io::Error::other("the server has ended at once"))?;
        let server = Self { address: free, pid, config, exit: waited_for(child) };
        let mut beat = interval(Duration::from_millis(100));
        for _ in 0..100 {
            beat.tick().await;
            if server.ask("/status-json.xsl").await.is_ok() {
                return Ok(server);
            }
        }
        Err(io::Error::other("the server does not answer"))
    }

    /// A configuration in which every format has a mount and one to fall back to. The
    /// `variant`th differs a little from the one before.
    fn config(port: u16, folder: &Path, variant: u64) -> String {
        let folder = folder.display();
        let mut text = format!(
            "<icecast><limits><clients>3000</clients><sources>20</sources>\
             <burst-size>{burst}</burst-size><source-timeout>5</source-timeout></limits>\n\
             <authentication><source-password>{PASSWORD}</source-password>\
             <admin-user>admin</admin-user><admin-password>{PASSWORD}</admin-password>\
             </authentication>\n<hostname>localhost</hostname><listen-socket><port>{port}</port>\
             <bind-address>127.0.0.1</bind-address></listen-socket>\n<paths><logdir>{folder}\
             </logdir><webroot>{folder}</webroot><adminroot>{folder}</adminroot></paths>\
             <logging><accesslog>access.log</accesslog><errorlog>error.log</errorlog>\
             <loglevel>2</loglevel></logging>\n",
            burst = 32_768 * (1 + variant % 2),
        );
        for kind in Kind::ALL {
            let (mount, backup) = (kind.mount(false), kind.mount(true));
            let _ = writeln!(
                text,
                "<mount type=\"normal\"><mount-name>{mount}</mount-name><fallback-mount>{backup}\
                 </fallback-mount><fallback-override>1</fallback-override></mount>"
            );
        }
        text + "</icecast>\n"
    }

    /// Changes the configuration and has it read again.
    pub(crate) async fn reload(&self, variant: u64) -> io::Result<()> {
        let folder = self.config.parent().ok_or_else(|| io::Error::other("no folder"))?;
        std::fs::write(&self.config, Self::config(self.address.port(), folder, variant))?;
        self.signal("-HUP").await
    }

    async fn signal(&self, signal: &str) -> io::Result<()> {
        Command::new("kill").args([signal, &self.pid.to_string()]).status().await.map(|_| ())
    }

    /// The administrator's request for `target`: the body of the answer.
    pub(crate) async fn ask(&self, target: &str) -> io::Result<String> {
        let asked = async {
            let mut socket = TcpStream::connect(self.address).await?;
            let request = format!("GET {target} HTTP/1.0\r\nAuthorization: {ADMIN}\r\n\r\n");
            socket.write_all(request.as_bytes()).await?;
            let mut answer = Vec::new();
            socket.read_to_end(&mut answer).await?;
            Ok(String::from_utf8_lossy(&answer).into_owned())
        };
        timeout(ANSWER_MAX, asked).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    /// What it counts now.
    pub(crate) async fn counts(&self) -> io::Result<Counts> {
        let stats = self.ask("/admin/stats").await?;
        // The server's own counts come before the mounts'.
        let of = |name: &str| {
            let (_, rest) = stats.split_once(&format!("<{name}>"))?;
            rest.split_once('<')?.0.parse().ok()
        };
        let missing = || io::Error::other(format!("no counts in {stats:?}"));
        Ok(Counts {
            listeners: of("listeners").ok_or_else(missing)?,
            sources: of("sources").ok_or_else(missing)?,
            clients: of("clients").ok_or_else(missing)?,
        })
    }

    /// Waits until nobody is left, but not for ever; what is left.
    pub(crate) async fn until_empty(&self) -> io::Result<Counts> {
        let mut beat = interval(Duration::from_millis(500));
        for _ in 0..60 {
            beat.tick().await;
            let counts = self.counts().await?;
            if counts.listeners == 0 && counts.sources == 0 && counts.clients <= 1 {
                return Ok(counts);
            }
        }
        self.counts().await
    }

    /// Its memory now.
    pub(crate) fn memory_kib(&self) -> io::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        number.ok_or_else(|| io::Error::other("no VmRSS"))
    }

    /// Ends it as a service manager would; its exit code.
    pub(crate) async fn stop(&self) -> io::Result<Option<i32>> {
        self.signal("-TERM").await?;
        let mut exit = self.exit.clone();
        let ended = timeout(Duration::from_secs(30), exit.wait_for(Option::is_some)).await;
        Ok(ended.ok().and_then(Result::ok).and_then(|code| *code).flatten())
    }
}

/// Waits for `child` beside everything else; what it ended with.
fn waited_for(mut child: Child) -> watch::Receiver<Option<Option<i32>>> {
    let (ended, exit) = watch::channel(None);
    let mut waiting = tokio::task::JoinSet::new();
    waiting.spawn(async move {
        let code = child.wait().await.ok().and_then(|status| status.code());
        ended.send_replace(Some(code));
    });
    waiting.detach_all();
    exit
}

/// The password of sources and of the administrator.
pub(crate) const PASSWORD: &str = "soak";
/// `source:soak`, as a client says it.
pub(crate) const SOURCE: &str = "Basic c291cmNlOnNvYWs=";
/// `admin:soak`.
const ADMIN: &str = "Basic YWRtaW46c29haw==";
/// The longest time that an answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(10);

//! The programs that are compared, each a process of its own, and what the kernel counts of them.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

/// A program that is killed when it is no longer wanted.
pub(crate) struct Running {
    child: Child,
    /// What it says.
    log: PathBuf,
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill()); // it may have ended
        drop(self.child.wait());
    }
}

/// What a process has used.
#[derive(Clone, Copy)]
pub(crate) struct Usage {
    /// Processor time, user and system.
    pub(crate) cpu: Duration,
    pub(crate) rss_mb: f64,
}

impl Usage {
    /// Of this very process.
    pub(crate) fn own() -> Self {
        Self::at(Path::new("/proc/self")).unwrap()
    }

    /// Of a program that must be running.
    pub(crate) fn of(running: &Running) -> Self {
        Self::if_running(running).unwrap_or_else(|last_words| panic!("it has ended: {last_words}"))
    }

    /// Of a program; its last words if it has ended.
    pub(crate) fn if_running(running: &Running) -> Result<Self, String> {
        let process = Path::new("/proc").join(running.child.id().to_string());
        Self::at(&process).ok_or_else(|| {
            let said = std::fs::read_to_string(&running.log).unwrap_or_default();
            said.lines().next_back().unwrap_or_default().to_owned()
        })
    }

    fn at(process: &Path) -> Option<Self> {
        let stat = std::fs::read_to_string(process.join("stat")).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        let ticks: u32 =
            [11, 12].iter().map(|&at: &usize| fields[at].parse::<u32>().unwrap()).sum();
        let status = std::fs::read_to_string(process.join("status")).unwrap();
        let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kib: f64 = rss.trim().split(' ').next().unwrap().parse().unwrap();
        let cpu = Duration::from_secs(1) * ticks / TICKS_PER_SECOND;
        Some(Self { cpu, rss_mb: kib * 1_024.0 / 1e6 })
    }
}

/// Which of the two plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Carrier,
    Liquidsoap,
}

/// Both, in the order of the tables.
pub(crate) const BOTH: [Who; 2] = [Who::Carrier, Who::Liquidsoap];

impl Who {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Carrier => "carrier-source",
            Self::Liquidsoap => "Liquidsoap",
        }
    }

    /// Puts the station of `script`, a script of Liquidsoap's, on the air: as it is, or as `import`
    /// translates it.
    pub(crate) fn play(self, folder: &Path, script: &str) -> Running {
        let path = folder.join(format!("{}.liq", self.name()));
        std::fs::write(&path, script).unwrap();
        match self {
            Self::Liquidsoap => start(Command::new("liquidsoap").arg(&path), &path),
            Self::Carrier => start(carrier().arg("--config").arg(translated(&path)), &path),
        }
    }
}

/// The configuration that `script` becomes.
pub(crate) fn translated(script: &Path) -> PathBuf {
    let output = carrier().arg("import").arg(script).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let config = script.with_extension("toml");
    std::fs::write(&config, output.stdout).unwrap();
    config
}

fn carrier() -> Command {
    Command::new(env!("CARGO_BIN_EXE_carrier-source"))
}

/// The packaged Icecast at `port`, once it listens.
pub(crate) fn icecast(folder: &Path, port: u16) -> Running {
    let config = folder.join("icecast.xml");
    let text = format!(
        "<icecast><limits><sources>20</sources></limits>\
         <authentication><source-password>hackme</source-password>\
         <admin-user>admin</admin-user><admin-password>hackme</admin-password></authentication>\
         <hostname>localhost</hostname>\
         <listen-socket><port>{port}</port><bind-address>127.0.0.1</bind-address></listen-socket>\
         <paths><logdir>{dir}</logdir><webroot>/usr/share/icecast2/web</webroot>\
         <adminroot>/usr/share/icecast2/admin</adminroot></paths>\
         <logging><accesslog>a</accesslog><errorlog>e</errorlog></logging></icecast>",
        dir = folder.display()
    );
    std::fs::write(&config, text).unwrap();
    let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    let mut command = if is_root {
        let mut command = Command::new("setpriv"); // Icecast does not run as root
        command.args(["--reuid=nobody", "--clear-groups", "icecast2"]);
        command
    } else {
        Command::new("icecast2")
    };
    let running = start(command.arg("-c").arg(&config), &config);
    until("Icecast listens", || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok());
    running
}

/// What Icecast at `port` says of its mounts.
pub(crate) fn statistics(port: u16) -> String {
    let mut page = String::new();
    if let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
        let request = "GET /status-json.xsl HTTP/1.0\r\n\r\n";
        drop(stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_string(&mut page)));
    }
    page
}

/// Asks over and over until it is so, or for a minute.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "in vain: {what}");
        pass(Duration::from_millis(5));
    }
    began.elapsed()
}

/// Lets time pass; what is measured runs in real time.
pub(crate) fn pass(time: Duration) {
    let (_keep, never) = channel::<()>();
    assert!(never.recv_timeout(time).is_err(), "nobody sends");
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Starts `command`, which is configured by `config`; what it says goes beside that.
fn start(command: &mut Command, config: &Path) -> Running {
    let log = config.with_extension("log");
    let (out, errors) = (File::create(&log).unwrap(), File::options().append(true).open(&log));
    let command = command.stdin(Stdio::null()).stdout(out).stderr(errors.unwrap());
    Running { child: command.spawn().unwrap(), log }
}

const PATIENCE: Duration = Duration::from_secs(60);
/// `USER_HZ`, which the kernel promises to programs.
const TICKS_PER_SECOND: u32 = 100;

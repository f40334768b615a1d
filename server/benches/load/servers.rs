//! The two servers, each as a process of its own on a port of its own.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server that runs until it is forgotten.
pub(crate) struct Running {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Where it speaks TLS, if it does.
    pub(crate) tls_address: Option<SocketAddr>,
    /// Its files.
    _folder: tempfile::TempDir,
}

/// What a process has used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// Processor time, user and system.
    pub(crate) cpu: Duration,
    /// Memory in use.
    pub(crate) rss_kib: u64,
}

/// Installs the packaged Icecast unless it is here, as `tests/run` does for the tests.
///
/// Fails if that cannot be done.
pub(crate) fn install_icecast() -> io::Result<()> {
    let run = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/run");
    let status = Command::new(run).args(["peers", "icecast2"]).stdout(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other("icecast2 cannot be installed")) }
}

impl Running {
    /// Our server, built as this bench is.
    pub(crate) fn carrier(clients_max: usize, more: &str) -> io::Result<Self> {
        Self::carrier_on(free_address()?, clients_max, more)
    }

    /// Our server at `address`.
    pub(crate) fn carrier_on(
        address: SocketAddr,
        clients_max: usize,
        more: &str,
    ) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let config = folder.path().join("server.toml");
        let text = format!(
            "[server]\nlisten = ['{address}']\n\
             [passwords]\nsource = '{PASSWORD}'\nadmin = '{PASSWORD}'\n\
             relay = '{PASSWORD}'\n[limits]\nclients = {clients_max}\n{more}"
        );
        std::fs::write(&config, text)?;
        Self::start(carrier_at(&config), address, folder)
    }

    /// Our server, with a certificate.
    pub(crate) fn carrier_tls(clients_max: usize, certificate: &Certificate) -> io::Result<Self> {
        let path = certificate.path().display().to_string();
        let more = format!("[tls]\ncertificate = '{path}'\n");
        let mut running = Self::carrier(clients_max, &more)?;
        running.tls_address = Some(running.address);
        Ok(running)
    }

    /// The bare write loop, for so many listeners.
    pub(crate) fn floor(listeners: usize) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let address = free_address()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["floor", &address.port().to_string(), &listeners.to_string()]);
        Self::start(command, address, folder)
    }

    /// The packaged Icecast, with its own defaults but for the number of clients, and with a port
    /// for TLS if there is a certificate.
    pub(crate) fn icecast(
        clients_max: usize,
        certificate: Option<&Certificate>,
    ) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let address = free_address()?;
        let path = folder.path().display().to_string();
        let config = folder.path().join("icecast.xml");
        let certificate = certificate.map(|certificate| {
            let port = free_address()?;
            Ok::<_, io::Error>((port, certificate.path().display().to_string()))
        });
        let certificate = certificate.transpose()?;
        let tls = certificate.as_ref().map(|(address, path)| (*address, path.as_str()));
        std::fs::write(&config, icecast_xml(address, clients_max, &path, tls))?;
        // It refuses to run as root and writes its logs as the user that it changes to.
        Command::new("chmod").args(["-R", "a+rwX"]).arg(folder.path()).status()?;
        let mut command = Command::new("icecast2");
        command.arg("-c").arg(&config);
        let mut running = Self::start(command, address, folder)?;
        running.tls_address = tls.map(|(address, _)| address);
        Ok(running)
    }

    fn start(
        mut command: Command,
        address: SocketAddr,
        folder: tempfile::TempDir,
    ) -> io::Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn()?;
        let running = Self { child, address, tls_address: None, _folder: folder };
        let patience = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(address).is_err() {
            if Instant::now() > patience {
                return Err(io::Error::other(format!("nobody listens on {address}")));
            }
            std::thread::yield_now();
        }
        Ok(running)
    }

    /// What it has used so far.
    pub(crate) fn usage(&self) -> io::Result<Usage> {
        let process = Path::new("/proc").join(self.child.id().to_string());
        let stat = std::fs::read_to_string(process.join("stat"))?;
        let fields = stat.rsplit(") ").next().unwrap_or_default().split_whitespace();
        let ticks: u64 =
            fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        let status = std::fs::read_to_string(process.join("status"))?;
        let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let rss_kib = rss.and_then(|rss| rss.trim().split(' ').next()?.parse().ok());
        let cpu = Duration::from_secs(ticks) / TICKS_PER_SECOND;
        Ok(Usage { cpu, rss_kib: rss_kib.unwrap_or_default() })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address that nobody listens on.
pub(crate) fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

fn carrier_at(config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_carrier-server"));
    command.arg("-c").arg(config).env("CARRIER_LOG", "warn");
    command
}

/// A certificate for `localhost`, on disk as both servers take it.
pub(crate) struct Certificate {
    folder: tempfile::TempDir,
    /// The certificate alone.
    pub(crate) der: rustls::pki_types::CertificateDer<'static>,
}

impl Certificate {
    /// Makes one.
    pub(crate) fn new() -> io::Result<Self> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]);
        let made = made.map_err(io::Error::other)?;
        let folder = tempfile::tempdir()?;
        let pem = made.cert.pem() + &made.signing_key.serialize_pem();
        std::fs::write(folder.path().join(PEM), pem)?;
        // Icecast reads it as the user that it changes to.
        Command::new("chmod").args(["-R", "a+rX"]).arg(folder.path()).status()?;
        Ok(Self { folder, der: made.cert.der().clone() })
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(PEM)
    }
}

fn icecast_xml(
    address: SocketAddr,
    clients_max: usize,
    folder: &str,
    tls: Option<(SocketAddr, &str)>,
) -> String {
    let (ip, port) = (address.ip(), address.port());
    let (socket, certificate) = tls.map_or_else(Default::default, |(address, certificate)| {
        let port = address.port();
        (
            format!("<listen-socket><port>{port}</port><ssl>1</ssl></listen-socket>"),
            format!("<ssl-certificate>{certificate}</ssl-certificate>"),
        )
    });
    format!(
        "<icecast><limits><clients>{clients_max}</clients><sources>10</sources>\
         <queue-size>524288</queue-size><burst-size>65536</burst-size></limits>\
         <authentication><source-password>{PASSWORD}</source-password>\
         <admin-user>admin</admin-user><admin-password>{PASSWORD}</admin-password>\
         </authentication><hostname>localhost</hostname>\
         <listen-socket><port>{port}</port><bind-address>{ip}</bind-address></listen-socket>\
         {socket}<paths>{certificate}<logdir>{folder}</logdir>\
         <webroot>{folder}</webroot><adminroot>{folder}</adminroot>\
         <basedir>{folder}</basedir></paths>\
         <logging><accesslog>access.log</accesslog><errorlog>error.log</errorlog>\
         <loglevel>1</loglevel></logging>\
         <security><chroot>0</chroot><changeowner><user>nobody</user><group>nogroup</group>\
         </changeowner></security></icecast>"
    )
}

/// The source's password on both servers.
pub(crate) const PASSWORD: &str = "hackme";
const PEM: &str = "cert.pem";
/// Linux counts processor time in hundredths of a second, whatever its own tick.
const TICKS_PER_SECOND: u32 = 100;

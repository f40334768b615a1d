//! Edges behind the balancers that people put in front of them: HAProxy and nginx.

use e2e::{FakeSource, Peer, Player, Program, RELAY_PASSWORD, Station, Wire, basic, until};
use std::fs::{self, Permissions};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use tempfile::TempDir;
use tokio::net::TcpStream;

/// Where the listener of these tests is.
const LISTENER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 5));

#[tokio::test]
async fn an_edge_behind_haproxy_knows_its_listeners_by_the_proxy_protocol() {
    let (origin, _source) = origin().await;
    for version in ["send-proxy", "send-proxy-v2"] {
        let edge = edge(&origin, "access.proxy_protocol = true");
        let servers = format!("server edge {} {version}", edge.address());
        let Some(balancer) = Balancer::haproxy("tcp", &servers).await else { return };

        let is_heard = async || {
            let mut wire = listen_from_elsewhere(&balancer).await;
            (wire.head().await.status == 200).then_some(wire)
        };
        let _listens = until("the edge is heard through the balancer", is_heard).await;

        let clients = listed(&balancer).await;
        assert!(clients.contains("<IP>127.0.0.5</IP>"), "{version}: {clients}");
    }
}

#[tokio::test]
async fn an_edge_behind_haproxy_knows_its_listeners_by_x_forwarded_for() {
    let (origin, _source) = origin().await;
    let edge = edge(&origin, "");
    edge.until_on_air("/live.mp3").await;
    let servers = format!("option forwardfor\n server edge {}", edge.address());
    let Some(balancer) = Balancer::haproxy("http", &servers).await else { return };

    let mut wire = listen_from_elsewhere(&balancer).await;

    assert_eq!(wire.head().await.status, 200);
    let clients = edge.admin("/admin/listclients?mount=/live.mp3").await;
    assert!(clients.text().contains("<IP>127.0.0.5</IP>"), "{}", clients.text());
}

#[tokio::test]
async fn haproxy_sends_listeners_to_the_edge_that_is_left() {
    let (origin, mut source) = origin().await;
    let (mut one, other) = (edge(&origin, ""), edge(&origin, ""));
    one.until_on_air("/live.mp3").await;
    other.until_on_air("/live.mp3").await;
    let check = "check inter 100ms rise 1 fall 3";
    let servers = format!(
        "option httpchk GET /health\n option redispatch\n retries 3\n balance leastconn\n \
         server one {} {check}\n server other {} {check}",
        one.address(),
        other.address()
    );
    let Some(balancer) = Balancer::haproxy("http", &servers).await else { return };
    let mut players = Vec::new();
    let listeners = async |edge: &Station| {
        let mount = edge.mount("/live.mp3").await;
        mount.and_then(|mount| mount["listeners"].as_u64()).unwrap_or_default()
    };
    // Two would do, unless the balancer took one of the edges for dead for a moment.
    while listeners(&one).await == 0 || listeners(&other).await == 0 {
        assert!(players.len() < 20, "all are sent to the same edge");
        let mut player = listen_from_elsewhere(&balancer).await;
        assert_eq!(player.head().await.status, 200);
        players.push(player);
    }
    let before = listeners(&other).await;

    one.kill();
    let is_served = async || {
        let mut wire = listen_from_elsewhere(&balancer).await;
        (wire.head().await.status == 200).then_some(wire)
    };
    let _served = until("a listener is sent to the other", is_served).await;

    source.play(10).await;
    other.until_listeners("/live.mp3", before + 1).await;
}

#[tokio::test]
async fn an_edge_behind_nginx_is_heard_with_titles_and_knows_its_listeners() {
    let (origin, mut source) = origin().await;
    let edge = edge(&origin, "");
    edge.until_on_air("/live.mp3").await;
    let Some(balancer) = Balancer::nginx(edge.address()).await else { return };

    let mut wire = listen_from_elsewhere(&balancer).await;
    assert_eq!(wire.head().await.status, 200);
    let clients = edge.admin("/admin/listclients?mount=/live.mp3").await;
    assert!(clients.text().contains("<IP>127.0.0.5</IP>"), "{}", clients.text());

    let request = "GET /live.mp3 HTTP/1.0\r\nIcy-MetaData: 1\r\n\r\n";
    let mut player = Player::ask_at(balancer.address, request).await;
    let url = "/admin/metadata?mode=updinfo&mount=/live.mp3&song=Blue";
    assert_eq!(origin.admin(url).await.status(), 200);
    source.play(600).await;
    player.until_title("Blue").await;
}

/// A balancer that runs.
struct Balancer {
    address: SocketAddr,
    _peer: Peer,
    _folder: TempDir,
}

impl Balancer {
    /// HAProxy in `mode`, with these lines on where to; `None`, which has been said, if it is not
    /// installed.
    async fn haproxy(mode: &str, servers: &str) -> Option<Self> {
        let program = Program::find("haproxy")?;
        let text = |address| {
            format!(
                "global\n maxconn 200\ndefaults\n mode {mode}\n timeout connect 5s\n \
                 timeout client 1h\n timeout server 1h\nlisten radio\n bind {address}\n {servers}\n"
            )
        };
        Some(
            Self::start(&program, text, |file| vec!["-db".to_owned(), "-f".to_owned(), file]).await,
        )
    }

    /// nginx in front of `server`; `None`, which has been said, if it is not installed.
    async fn nginx(server: SocketAddr) -> Option<Self> {
        let program = Program::find("nginx")?;
        // As `examples/edges/README.md` has it; and one process, which ends when it is killed.
        let text = |address| {
            format!(
                "master_process off;\ndaemon off;\npid nginx.pid;\nerror_log stderr;\n\
                 events {{}}\nhttp {{\n access_log off;\n client_body_temp_path body;\n \
                 proxy_temp_path proxy;\n fastcgi_temp_path fastcgi;\n uwsgi_temp_path uwsgi;\n \
                 scgi_temp_path scgi;\n server {{\n  listen {address};\n  location / {{\n   \
                 proxy_pass http://{server};\n   proxy_http_version 1.1;\n   \
                 proxy_set_header Host $http_host;\n   \
                 proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n   \
                 proxy_buffering off;\n   proxy_read_timeout 1h;\n  }}\n }}\n}}\n"
            )
        };
        let arguments = |file: String| {
            let folder = file.rsplit_once('/').expect("a file in a folder").0.to_owned();
            ["-e", "stderr", "-p", &folder, "-c", &file].map(str::to_owned).to_vec()
        };
        Some(Self::start(&program, text, arguments).await)
    }

    async fn start(
        program: &Program,
        text: impl Fn(SocketAddr) -> String,
        arguments: impl Fn(String) -> Vec<String>,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder for a configuration");
        fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).expect("our own folder");
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("a socket has an address");
        drop(free);
        let file = folder.path().join("balancer.cfg");
        fs::write(&file, text(address)).expect("our own folder");
        let peer = program.run(arguments(file.display().to_string()));
        let listens = async || TcpStream::connect(address).await.ok().map(drop);
        until("the balancer listens", listens).await;
        Self { address, _peer: peer, _folder: folder }
    }
}

async fn origin() -> (Station, FakeSource) {
    let origin = Station::with(&format!("passwords.relay = '{RELAY_PASSWORD}'"));
    let mut source = FakeSource::on(&origin, "/live.mp3").await;
    source.play(200).await;
    (origin, source)
}

fn edge(origin: &Station, more: &str) -> Station {
    Station::with(&format!(
        "master.server = '{}'\nmaster.password = '{RELAY_PASSWORD}'\n\
         master.update_interval = '1s'\naccess.trusted_proxies = ['127.0.0.1']\n{more}",
        origin.address()
    ))
}

async fn listen_from_elsewhere(balancer: &Balancer) -> Wire {
    let request = "GET /live.mp3 HTTP/1.1\r\nHost: radio\r\n\r\n";
    Wire::ask_from(LISTENER, balancer.address, request).await
}

/// The listeners of an edge that can be reached through its balancer alone.
async fn listed(balancer: &Balancer) -> String {
    let authorization = basic("admin", e2e::ADMIN_PASSWORD);
    let request = format!(
        "GET /admin/listclients?mount=/live.mp3 HTTP/1.0\r\nAuthorization: {authorization}\r\n\r\n"
    );
    Wire::ask(balancer.address, request).await.answer().await.text().to_owned()
}

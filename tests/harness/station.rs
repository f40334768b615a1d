//! Our server, running in this process.

use crate::answer::Answer;
use crate::icecast_xml::IcecastXml;
use crate::wait::until;
use crate::wire::Wire;
use common::auth::{Credentials, Password};
use common::http;
use serde_json::Value;
use server::{Config, Outcome, Server, config_file};
use std::net::{SocketAddr, TcpListener};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

/// A running server, stopped when it is dropped.
#[derive(Debug)]
pub struct Station {
    address: SocketAddr,
    /// Where it takes SHOUTcast sources.
    shoutcast: Vec<SocketAddr>,
    /// The configuration; `None` for a server of somebody else's.
    config: Option<Config>,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    stop: oneshot::Sender<Ending>,
    thread: JoinHandle<Outcome>,
}

/// How a server is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// In the middle of whatever it does, as when its machine fails.
    Killed,
    /// Asked to, so that it can take its leave.
    Stopped,
}

impl Station {
    /// Starts a server with the default limits on a port that the system chooses.
    pub fn start() -> Self {
        Self::with("")
    }

    /// Starts a server whose configuration has `lines` too, such as `limits.clients = 3`.
    pub fn with(lines: &str) -> Self {
        Self::changed(lines, |_| {})
    }

    /// Starts a server whose configuration has `lines` too and is then changed by `change`.
    pub fn changed(lines: &str, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Self::config(lines);
        change(&mut config);
        Self::of(config)
    }

    fn config(lines: &str) -> Config {
        let passwords =
            format!("passwords.source = '{SOURCE_PASSWORD}'\npasswords.admin = '{ADMIN_PASSWORD}'");
        let text = format!("server.listen = ['127.0.0.1:0']\n{passwords}\n{lines}\n");
        let config = Config::read("station.toml", &text);
        config.unwrap_or_else(|mistakes| panic!("{mistakes}"))
    }

    /// Starts a server at `address`, which was free a moment ago; its configuration has `lines`.
    pub fn at_address(address: SocketAddr, lines: &str) -> Self {
        let config = Some(Self::config(lines));
        let mut station = Self { address, shoutcast: vec![], config, running: None };
        station.start_again();
        station
    }

    /// Starts a server that takes SHOUTcast sources of `mount` on the port above its own, as their
    /// encoders expect; its configuration has `lines` too.
    pub fn with_shoutcast(lines: &str, mount: &str) -> Self {
        let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).ok();
        let pair = || {
            let low = free(0)?;
            let address = low.local_addr().ok()?;
            let above = SocketAddr::from(([127, 0, 0, 1], address.port().checked_add(1)?));
            free(above.port()).map(|_| (address, above))
        };
        let pairs = std::iter::repeat_with(pair).take(PORT_TRIES_MAX);
        let (address, above) = pairs.flatten().next().expect("two free ports in a row");
        let sockets = format!("{lines}\n[[shoutcast]]\nlisten = '{above}'\nmount = '{mount}'");
        let config = Self::config(&sockets);
        let mut station = Self { address, shoutcast: vec![], config: Some(config), running: None };
        station.start_again();
        station
    }

    /// Starts a server with a configuration of Icecast's.
    ///
    /// # Errors
    ///
    /// Every mistake in the configuration.
    pub fn with_xml(xml: &IcecastXml) -> Result<Self, String> {
        let read = config_file::read(&xml.write(SocketAddr::from(([127, 0, 0, 1], 8_000))));
        // It shares this process with the test, which stays who it is.
        Ok(Self::of(Config { run_as: None, pid_file: None, ..read.config? }))
    }

    /// Starts a server with `config`, on a port that the system chooses.
    pub fn of(config: Config) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut station = Self { address, shoutcast: vec![], config: Some(config), running: None };
        station.start_again();
        station
    }

    /// A server of somebody else's at `address`, which can be asked and not started.
    pub(crate) fn at(address: SocketAddr) -> Self {
        Self { address, shoutcast: vec![], config: None, running: None }
    }

    /// Starts the stopped server again, on the port that it had.
    pub fn start_again(&mut self) {
        assert!(self.running.is_none(), "the server is running");
        let mut config = self.config.clone().expect("a server of ours");
        // Further ones are those of a test that knows where, for TLS.
        let mut is_first = true;
        config.listen.retain(|socket| std::mem::take(&mut is_first) || socket.tls_only);
        config.listen[0].address = self.address;
        let server = Server::bind(config);
        let server = server.unwrap_or_else(|error| panic!("{error}"));
        self.address = server.addresses()[0];
        self.shoutcast = server.shoutcast_addresses().expect("sockets have addresses");
        let (stop, stopped) = oneshot::channel();
        let run = move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(SERVER_THREADS)
                .enable_all()
                .build()
                .expect("a runtime for the server");
            let (kill, killed) = oneshot::channel::<()>();
            // A station that is dropped without a word is to stop too.
            let run = server.run(async {
                if stopped.await == Ok(Ending::Killed) {
                    let _ = kill.send(());
                    std::future::pending::<()>().await;
                }
            });
            let outcome = runtime.block_on(async {
                tokio::select! {
                    outcome = run => outcome,
                    Ok(()) = killed => Ok(Outcome::GraceOver),
                }
            });
            // Whatever still runs ends where it is; a hook may keep its thread.
            runtime.shutdown_timeout(KILL_TIME_MAX);
            outcome.expect("the runtime takes the server's sockets")
        };
        let thread = std::thread::Builder::new().name("station".to_owned()).spawn(run);
        self.running = Some(Running { stop, thread: thread.expect("a thread for the server") });
    }

    /// Stops the server and waits until it has; how it ended.
    pub fn stop(&mut self) -> Outcome {
        self.end(Ending::Stopped)
    }

    /// Ends the server as if its machine had failed: it says goodbye to nobody.
    pub fn kill(&mut self) {
        self.end(Ending::Killed);
    }

    fn end(&mut self, ending: Ending) -> Outcome {
        let Running { stop, thread } = self.running.take().expect("the server is running");
        let _ = stop.send(ending);
        thread.join().expect("the server does not panic")
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it takes SHOUTcast sources.
    pub fn shoutcast(&self) -> &[SocketAddr] {
        &self.shoutcast
    }

    /// The address of `path`, for another program.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The answer to `GET` of `target`, with credentials if there are.
    pub async fn get(&self, target: &str, credentials: Option<(&str, &str)>) -> Answer {
        let authorization = credentials
            .map(|(user, password)| format!("Authorization: {}\r\n", basic(user, password)))
            .unwrap_or_default();
        let request =
            format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{authorization}\r\n");
        Wire::ask(self.address, request).await.answer().await
    }

    /// The answer to the administrator's `GET` of `target`.
    pub async fn admin(&self, target: &str) -> Answer {
        self.get(target, Some(("admin", ADMIN_PASSWORD))).await
    }

    /// The answer to a source's `GET` of `target`.
    pub async fn as_source(&self, target: &str) -> Answer {
        self.get(target, Some(("source", SOURCE_PASSWORD))).await
    }

    /// The public statistics.
    pub async fn status(&self) -> Value {
        let answer = self.get("/status-json.xsl", None).await;
        if self.running.is_none() {
            // Icecast's are no JSON in its first moments.
            return serde_json::from_str(answer.text())
                .map_or(Value::Null, |mut status: Value| status["icestats"].take());
        }
        answer.json()["icestats"].take()
    }

    /// What the public statistics say of `mount`; `None` if it is not on air.
    pub async fn mount(&self, mount: &str) -> Option<Value> {
        // One source is an object, several are an array, none is nothing.
        let found = match self.status().await["source"].take() {
            Value::Array(sources) => sources,
            one @ Value::Object(_) => vec![one],
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
        };
        let is_it =
            |source: &Value| source["listenurl"].as_str().is_some_and(|url| url.ends_with(mount));
        found.into_iter().find(is_it)
    }

    /// Waits until `mount` is on air; what the statistics say of it.
    pub async fn until_on_air(&self, mount: &str) -> Value {
        until(&format!("{mount} is on air"), async || self.mount(mount).await).await
    }

    /// Waits until `mount` is off air.
    pub async fn until_off_air(&self, mount: &str) {
        let is_off = async || self.mount(mount).await.is_none().then_some(());
        until(&format!("{mount} is off air"), is_off).await;
    }

    /// Waits until `mount` shows `title`.
    pub async fn until_titled(&self, mount: &str, title: &str) {
        let is_shown = async || {
            let source = self.mount(mount).await?;
            (source["title"].as_str() == Some(title)).then_some(())
        };
        until(&format!("{mount} shows {title}"), is_shown).await;
    }

    /// Waits until `mount` has `count` listeners.
    pub async fn until_listeners(&self, mount: &str, count: u64) {
        let are_there = async || {
            let source = self.mount(mount).await?;
            (source["listeners"].as_u64() == Some(count)).then_some(())
        };
        until(&format!("{mount} has {count} listeners"), are_there).await;
    }

    /// What the administrator's statistics say of `mount` under `name`; empty if it is not there.
    pub async fn stat(&self, mount: &str, name: &str) -> String {
        let stats = self.admin("/admin/stats").await;
        let text = stats.text();
        let within = |text: &str, before: &str, after: &str| {
            let rest = text.split_once(before)?.1;
            Some(rest.split_once(after)?.0.to_owned())
        };
        let source = within(text, &format!("<source mount=\"{mount}\">"), "</source>");
        let (before, after) = (format!("<{name}>"), format!("</{name}>"));
        source.and_then(|source| within(&source, &before, &after)).unwrap_or_default()
    }

    /// Waits until `mount` has received `bytes` from its source.
    pub async fn until_received(&self, mount: &str, bytes: u64) {
        let has = async || {
            let received: u64 = self.stat(mount, "total_bytes_read").await.parse().ok()?;
            (received >= bytes).then_some(())
        };
        until(&format!("{mount} has received {bytes} bytes"), has).await;
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        if let Some(Running { stop, thread }) = self.running.take() {
            let _ = stop.send(Ending::Stopped);
            // A panic of the server is the test's failure, unless it has failed already.
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "the server panicked");
        }
    }
}

/// The value of an `Authorization` header.
pub fn basic(user: &str, password: &str) -> String {
    let password = Password::new(password);
    http::basic::written(&Credentials { user: user.to_owned(), password })
}

/// The password of every station's sources.
pub const SOURCE_PASSWORD: &str = "for-sources";
/// The password of every station's administrator.
pub const ADMIN_PASSWORD: &str = "for-the-administrator";
/// What a killed server's threads have to end.
const KILL_TIME_MAX: Duration = Duration::from_secs(2);
/// How often two free ports in a row are looked for.
const PORT_TRIES_MAX: usize = 100;
/// Threads of a server's runtime: enough that its fans run beside each other, as they would.
const SERVER_THREADS: usize = 2;

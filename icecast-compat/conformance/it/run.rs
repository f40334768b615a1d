//! Carrying out the steps of a case, and writing down what comes back.
//!
//! Nothing here fails because a server does not do what it should: that stands in the transcript,
//! so that it is a difference like any other. Nothing waits longer than [`PATIENCE`].

use crate::script::{Case, Hear, Keep, Request, Step, Surroundings};
use conformance::stream::Heard;
use conformance::transcript::{log_line, transcript};
use e2e::{Asked, Program, Station, Wire, frames};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;
use tokio::time::{interval, timeout};

/// A server, the connections to it, and what came back.
pub(crate) struct Stage<'a> {
    station: &'a Station,
    /// Where its logs are.
    folder: &'a Path,
    /// What is around it.
    around: &'a Surroundings,
    open: BTreeMap<&'static str, Line>,
    /// The id of a listener that was seen last.
    id: String,
    out: String,
}

/// A connection that stays.
struct Line {
    wire: Wire,
    heard: Heard,
    /// Whether the body comes in chunks.
    chunks: Option<common::http::chunked::Decoder>,
    /// The mount of a source.
    mount: Option<&'static str>,
    /// Whether it sends a frame now and then while others connect.
    plays: bool,
}

impl<'a> Stage<'a> {
    pub(crate) fn new(station: &'a Station, around: &'a Surroundings) -> Self {
        let (open, id, out) = (BTreeMap::new(), String::new(), String::new());
        Self { station, folder: around.xml.folder(), around, open, id, out }
    }

    /// Carries out `steps`; what stands open afterwards stays.
    pub(crate) async fn stand(&mut self, steps: &[Step]) {
        for step in steps {
            self.step(step).await;
        }
        assert!(!self.out.contains("(never"), "{}", self.out);
    }

    /// The transcript of `case`. What it opened is closed, and is gone.
    pub(crate) async fn run(&mut self, case: &Case) -> String {
        self.out.clear();
        let standing: Vec<_> = self.open.keys().copied().collect();
        for step in &case.steps {
            self.step(step).await;
        }
        let mut mounts = Vec::new();
        self.open.retain(|name, line| {
            let stays = standing.contains(name);
            mounts.extend(line.mount.filter(|_| !stays));
            stays
        });
        for mount in mounts {
            self.until_gone(mount).await;
        }
        std::mem::take(&mut self.out)
    }

    async fn step(&mut self, step: &Step) {
        match step {
            Step::Ask(request, keep) => self.ask(request, *keep).await,
            Step::AskSecurely(path) => self.ask_securely(path).await,
            Step::AskThereOpenly(line) => self.ask_there_openly(line).await,
            Step::Ends(name) => self.ends(name).await,
            Step::Hear(name, what) => self.hear(name, what).await,
            Step::KeepPlaying(name) => {
                if let Some(line) = self.open.get_mut(name) {
                    line.plays = true;
                }
            }
            Step::Leave(name) => {
                self.note(&format!("> {name} leaves"));
                self.open.remove(name);
            }
            Step::Log(file, text, count) => self.log(file, text, *count).await,
            Step::OnAir(mount, request) => self.on_air(mount, request).await,
            Step::Open(name, request) => self.connect(name, request).await,
            Step::Send(name, bytes) => {
                let Some(line) = self.open.get_mut(name) else { return self.absent(name) };
                // Whether it is still wanted is told by what follows.
                let _ = timeout(PATIENCE, line.wire.try_send(bytes)).await;
            }
            Step::Told(text) => self.told(text).await,
            Step::UntilGone(mount) => self.until_gone(mount).await,
            Step::UntilListeners(mount, count) => self.until_listeners(mount, *count).await,
            Step::UntilStats(mount, text) => self.until_stats(mount, text).await,
        }
    }

    async fn dial(&self, request: &Request) -> Wire {
        let address = self.station.address();
        let mut wire = match request.from {
            Some(from) => Wire::dial_from(from.into(), address).await,
            None => Wire::dial(address).await,
        };
        // A server that turns clients away may have closed before everything was sent.
        let _ = wire.try_send(request.bytes(&self.id)).await;
        wire
    }

    async fn ask(&mut self, request: &Request, keep: Keep) {
        self.note(&format!("> {}", request.told()));
        let mut wire = self.dial(request).await;
        let end = timeout(PATIENCE, until_answered(&mut wire)).await;
        let answer = wire.received.split();
        self.remember_id(&answer);
        let text = transcript(&answer, self.station.address().port());
        let text = match keep {
            Keep::All => text,
            Keep::Head => {
                text.split_once("\n\n").map_or_else(|| text.clone(), |(head, _)| head.to_owned())
            }
            Keep::Lines(part) => {
                let lines: Vec<_> = text.lines().filter(|line| line.contains(part)).collect();
                lines.join("\n")
            }
            Keep::Status => text.lines().next().unwrap_or_default().to_owned(),
        };
        let text = text.replace(&format!("Client {} ", self.id), "Client ID ");
        self.note(text.trim_end_matches('\n'));
        self.note(match end {
            Ok(End::Closed) => "(closed)",
            Ok(End::Kept) => "(kept)",
            Err(_) => "(open)",
        });
    }

    async fn ask_securely(&mut self, path: &str) {
        let (Some(address), Some(curl)) = (self.around.tls, Program::find("curl")) else {
            return self.note("(no TLS)");
        };
        let url = format!("https://localhost:{}{path}", address.port());
        let arguments = ["-sS", "-i", "-k", "--http1.0", "-m", "8", &url];
        let answer = curl.run(arguments).ended(PATIENCE).await;
        self.note(&format!("> GET {path}, over TLS"));
        let text = transcript(answer.out.as_bytes(), self.station.address().port());
        let text = text.replace(&format!(":{}", address.port()), ":TLS");
        self.note(text.trim_end_matches('\n'));
    }

    async fn ask_there_openly(&mut self, line: &str) {
        let Some(address) = self.around.tls else { return self.note("(no TLS)") };
        let mut wire = Wire::dial(address).await;
        let _ = wire.try_send(format!("{line} HTTP/1.0\r\n\r\n")).await;
        let end = timeout(PATIENCE, until_answered(&mut wire)).await;
        self.note(&format!("> {line}, without TLS"));
        let text = transcript(&wire.received, address.port());
        self.note(text.trim_end_matches('\n'));
        self.note(if end.is_ok() { "(closed)" } else { "(open)" });
    }

    async fn connect(&mut self, name: &'static str, request: &Request) {
        self.note(&format!("> {name}: {}", request.told()));
        let mut wire = self.dial(request).await;
        let opening = async {
            let mut beat = interval(ASK_AGAIN);
            loop {
                tokio::select! {
                    length = until_open(&mut wire) => return length,
                    _ = beat.tick() => self.play_on().await,
                }
            }
        };
        let opened = timeout(PATIENCE, opening).await;
        let Ok(Some(length)) = opened else {
            let end = if opened.is_err() { "(open)" } else { "(closed)" };
            let text = transcript(&wire.received, self.station.address().port());
            self.note(text.trim_end_matches('\n'));
            return self.note(end);
        };
        let head = wire.received.split_to(length);
        let text = transcript(&head, self.station.address().port());
        self.note(text.trim_end_matches('\n'));
        let header = |name: &str| {
            let text = String::from_utf8_lossy(&head).into_owned();
            let mut lines = text.lines().filter_map(|line| line.split_once(':'));
            lines
                .find(|(found, _)| found.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.trim().to_owned())
        };
        let metaint = header("icy-metaint").and_then(|value| value.parse().ok());
        let chunks = header("transfer-encoding").map(|_| Default::default());
        let is_source = request.line.starts_with("SOURCE") || request.line.starts_with("PUT");
        let target = request.line.split([' ', '?']).nth(1).unwrap_or_default();
        let mount = is_source.then(|| -> &'static str { target.to_owned().leak() });
        let line = Line { wire, heard: Heard::new(metaint), chunks, mount, plays: false };
        self.open.insert(name, line);
    }

    /// A frame from each source that plays on.
    async fn play_on(&mut self) {
        for line in self.open.values_mut().filter(|line| line.plays) {
            let _ = line.wire.try_send(frames::frame(0)).await;
        }
    }

    async fn on_air(&mut self, mount: &'static str, request: &Request) {
        let mut wire = self.dial(request).await;
        let _ = timeout(PATIENCE, until_open(&mut wire)).await;
        let line =
            Line { wire, heard: Heard::default(), chunks: None, mount: Some(mount), plays: false };
        self.open.insert(mount, line);
        let (station, target) = (self.station, format!("/admin/listclients?mount={mount}"));
        let is_there = async || station.admin(&target).await.status() == 200;
        if !patient(is_there).await {
            self.note(&format!("(never on air: {mount})"));
        }
    }

    async fn hear(&mut self, name: &'static str, what: &Hear) {
        let Some(line) = self.open.get_mut(name) else { return self.absent(name) };
        let done = |heard: &Heard| match what {
            Hear::Beginning(frame) | Hear::Sources(frame) | Hear::TitlesBefore(frame) => {
                heard.has_frame(*frame)
            }
            Hear::Bytes(count) => heard.audio.len() >= *count,
            Hear::Titles(text) => {
                heard.blocks.iter().any(|block| String::from_utf8_lossy(block).contains(text))
            }
        };
        let listening = async {
            loop {
                line.unwrap();
                if done(&line.heard) {
                    return true;
                }
                if !line.wire.more().await {
                    line.unwrap();
                    return done(&line.heard);
                }
            }
        };
        let heard_it = timeout(PATIENCE, listening).await;
        let end = match heard_it {
            Ok(true) => "",
            Ok(false) => "(never; closed)",
            Err(_) => "(never; open)",
        };
        let told = match what {
            Hear::Beginning(frame) => {
                format!("> {name} hears up to frame {frame}\n{}", line.heard.beginning_told())
            }
            Hear::Bytes(count) => {
                let audio = &line.heard.audio;
                let mut audio = audio[..audio.len().min(*count)].to_vec();
                // The number of an Ogg stream is drawn anew, and the checksum follows from it.
                if audio.starts_with(b"OggS") && audio.len() > OGG_HEADER_BYTES {
                    audio[14..18].fill(b'N');
                    audio[22..26].fill(b'C');
                }
                format!("> {name} hears {count} bytes\n{}", audio.escape_ascii())
            }
            Hear::Sources(frame) => {
                format!("> {name} hears up to frame {frame}\nof {}", line.heard.sources_told())
            }
            Hear::TitlesBefore(frame) => {
                // Whether there was time for a block without a title is left to chance.
                line.heard.blocks.retain(|block| !block.starts_with(b"\x01StreamTitle='';"));
                format!("> {name} is shown up to frame {frame}\n{}", line.heard.blocks_told())
            }
            Hear::Titles(text) => {
                format!("> {name} is shown {text}\n{}", line.heard.blocks_told())
            }
        };
        self.note(told.trim_end_matches('\n'));
        if !end.is_empty() {
            self.note(end);
        }
    }

    async fn ends(&mut self, name: &'static str) {
        let Some(line) = self.open.get_mut(name) else { return self.absent(name) };
        let closing = async { while line.wire.more().await {} };
        let closed = timeout(PATIENCE, closing).await;
        self.note(&format!("> {name} ends"));
        self.note(if closed.is_ok() { "(closed)" } else { "(open)" });
    }

    async fn log(&mut self, file: &str, text: &str, count: usize) {
        let path = self.folder.join(file);
        let mut lines: Vec<String> = Vec::new();
        let has = async || {
            let log = std::fs::read(&path).unwrap_or_default();
            let log = String::from_utf8_lossy(&log).into_owned();
            lines = log.lines().filter(|line| line.contains(text)).map(str::to_owned).collect();
            lines.len() >= count
        };
        let has_all = patient(has).await;
        self.note(&format!("> {file}, lines with {text}"));
        for line in &lines {
            let line = log_line(line, self.station.address().port());
            self.note(&line);
        }
        if !has_all {
            self.note("(never)");
        }
    }

    async fn told(&mut self, text: &str) {
        let Some(directory) = &self.around.directory else { return self.note("(no directory)") };
        let asking = async {
            let mut beat = interval(PLAY_AGAIN);
            loop {
                beat.tick().await;
                self.play_on().await;
                let asked =
                    directory.asked().into_iter().find(|asked| asked.body.starts_with(text));
                if let Some(asked) = asked {
                    return asked;
                }
            }
        };
        let asked = timeout(DIRECTORY_PATIENCE, asking).await;
        self.note(&format!("> the directory is told {text}"));
        let Ok(Asked { head, body }) = asked else { return self.note("(never)") };
        let port = format!("%3a{}%2f", self.station.address().port());
        let body = body.trim_end().replace(&port, "%3aPORT%2f");
        let content_type = head.headers.first("content-type").unwrap_or_default();
        self.note(&format!("{} {}\nContent-Type: {content_type}", head.method, head.target));
        self.note(&body.replace('&', "\n&"));
    }

    async fn until_gone(&mut self, mount: &str) {
        let (station, text) = (self.station, format!("mount=\"{mount}\""));
        let is_gone = async || !station.admin("/admin/listmounts").await.text().contains(&text);
        if !patient(is_gone).await {
            self.note(&format!("(never gone: {mount})"));
        }
    }

    async fn until_listeners(&mut self, mount: &str, count: usize) {
        let (station, target) = (self.station, format!("/admin/listclients?mount={mount}"));
        let text = format!("<Listeners>{count}<");
        let are_there = async || station.admin(&target).await.text().contains(&text);
        if !patient(are_there).await {
            self.note(&format!("(never with {count} listeners: {mount})"));
        }
    }

    async fn until_stats(&mut self, mount: &str, text: &str) {
        let (station, target) = (self.station, format!("/admin/stats?mount={mount}"));
        let has = async || station.admin(&target).await.text().contains(text);
        if !patient(has).await {
            self.note(&format!("(never in the statistics: {text})"));
        }
    }

    fn remember_id(&mut self, answer: &[u8]) {
        let text = String::from_utf8_lossy(answer);
        if let Some((_, rest)) = text.rsplit_once("<ID>") {
            self.id = rest.split('<').next().unwrap_or_default().to_owned();
        }
    }

    fn absent(&mut self, name: &str) {
        self.note(&format!("(no connection {name})"));
    }

    fn note(&mut self, text: &str) {
        let _ = writeln!(self.out, "{text}");
    }
}

impl Line {
    fn unwrap(&mut self) {
        let received = self.wire.received.split();
        match &mut self.chunks {
            Some(decoder) => {
                let mut out = bytes::BytesMut::new();
                let _ = decoder.decode(&received, &mut out);
                self.heard.take(&out);
            }
            None => self.heard.take(&received),
        }
    }
}

/// How an answer ended.
enum End {
    Closed,
    Kept,
}

/// Reads until the other side has closed, or has said that it will not.
async fn until_answered(wire: &mut Wire) -> End {
    loop {
        if !wire.more().await {
            return End::Closed;
        }
        let text = String::from_utf8_lossy(&wire.received).to_ascii_lowercase();
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.and_then(|length| length.parse().ok()).unwrap_or(0);
            let is_whole = wire.received.len() >= head.len() + 4 + length;
            if is_whole && head.contains("connection: keep-alive") {
                return End::Kept;
            }
        }
    }
}

/// Reads until there is a whole head that lets a stream begin, whose length this is; `None` if the
/// other side closes instead.
async fn until_open(wire: &mut Wire) -> Option<usize> {
    loop {
        let mut at = 0;
        while let Some(end) = wire.received[at..].windows(4).position(|b| b == b"\r\n\r\n") {
            let status = wire.received[at..].get(9..12).unwrap_or_default();
            match status {
                b"100" => at += end + 4,
                b"200" => return Some(at + end + 4),
                _ => break,
            }
        }
        if !wire.more().await {
            return None;
        }
    }
}

/// Asks again and again, for a while; whether it was so in the end.
async fn patient(mut ask: impl AsyncFnMut() -> bool) -> bool {
    let asking = async {
        let mut again = interval(ASK_AGAIN);
        loop {
            again.tick().await;
            if ask().await {
                return;
            }
        }
    };
    timeout(PATIENCE, asking).await.is_ok()
}

/// The longest wait for one event: far more than any takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(8);
/// A directory is told of a station a minute after that began, and how it is a while later.
const DIRECTORY_PATIENCE: Duration = Duration::from_secs(85);
/// Time between two frames of a source that plays on.
const PLAY_AGAIN: Duration = Duration::from_millis(500);
/// Bytes of an Ogg page before its table of lengths.
const OGG_HEADER_BYTES: usize = 27;
/// Time between two questions.
const ASK_AGAIN: Duration = Duration::from_millis(20);

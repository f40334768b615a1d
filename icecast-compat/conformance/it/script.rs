//! How a case is written down: its steps, as short as they can be said.
//!
//! A step that talks to the server leaves what came back in the transcript, under a line that
//! begins with `>` and says what was done. Connections that stay open have a name; that of a
//! source which is merely there is its mount.

use e2e::{
    ADMIN_PASSWORD, Asked, FakeWeb, IcecastXml, RELAY_PASSWORD, SOURCE_PASSWORD, basic, frames,
};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// Cases that share one server.
pub(crate) struct Group {
    pub(crate) xml: IcecastXml,
    pub(crate) standing: Vec<Step>,
    pub(crate) cases: Vec<Case>,
    /// Whether the server announces its stations in a directory of ours.
    announces: bool,
    /// Whether it has a port for TLS too.
    is_encrypted: bool,
}

/// What a server finds around it.
pub(crate) struct Surroundings {
    pub(crate) xml: IcecastXml,
    /// A directory that lists whatever it is told.
    pub(crate) directory: Option<FakeWeb>,
    /// Where it is to take TLS.
    pub(crate) tls: Option<SocketAddr>,
}

/// A name, and what is done.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) steps: Vec<Step>,
}

/// Something that is done.
#[derive(Clone)]
pub(crate) enum Step {
    /// Asks on a connection of its own; kept is all that comes.
    Ask(Request, Keep),
    /// Asks for a path over TLS, by curl; kept is all that comes.
    AskSecurely(&'static str),
    /// Asks at the port for TLS without it.
    AskThereOpenly(&'static str),
    /// The server closes the connection.
    Ends(&'static str),
    /// A listener hears something.
    Hear(&'static str, Hear),
    /// Not in the transcript: from now on the source sends frames while others connect.
    KeepPlaying(&'static str),
    /// Closes the connection.
    Leave(&'static str),
    /// Lines of a log that hold a text, once there are so many.
    Log(&'static str, &'static str, usize),
    /// Not in the transcript: a source of MP3 that is there, with a number of frames, and its own
    /// header lines.
    OnAir(&'static str, Request),
    /// Opens a connection that stays; kept is the head.
    Open(&'static str, Request),
    /// Sends bytes on a connection.
    Send(&'static str, Vec<u8>),
    /// The directory is told something whose text begins so.
    Told(&'static str),
    /// Not in the transcript: the mount is gone.
    UntilGone(&'static str),
    /// Not in the transcript: the mount has so many listeners.
    UntilListeners(&'static str, usize),
    /// Not in the transcript: the statistics of a mount hold a text.
    UntilStats(&'static str, String),
}

/// What of an answer is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    All,
    Head,
    /// The lines that hold a text.
    Lines(&'static str),
    Status,
}

/// What a listener waits for, and what is told of it.
#[derive(Clone)]
pub(crate) enum Hear {
    /// The frame; where the audio begins in the source.
    Beginning(u64),
    /// So many bytes of the body, as they are.
    Bytes(usize),
    /// The frame; from which sources the audio was.
    Sources(u64),
    /// A block that holds the text; all blocks.
    Titles(&'static str),
    /// The frame; all blocks before it.
    TitlesBefore(u64),
}

/// What is sent first on a connection.
#[derive(Clone, Default)]
pub(crate) struct Request {
    /// The first line; without one the body is all there is.
    pub(crate) line: String,
    pub(crate) lines: Vec<String>,
    pub(crate) as_whom: Whom,
    pub(crate) body: Vec<u8>,
    /// The address it comes from, where that is not the usual one.
    pub(crate) from: Option<Ipv4Addr>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Whom {
    Admin,
    #[default]
    Nobody,
    Other(&'static str, &'static str),
    Relay,
    Source,
    Stranger,
}

pub(crate) use Whom::{Admin, Nobody, Other, Relay, Source, Stranger};

impl Group {
    /// Cases on a server with these `elements` beside the usual ones.
    pub(crate) fn with(elements: &str) -> Self {
        // What stands from the first case on is silent for longer than usual.
        let patient = "<limits><source-timeout>60</source-timeout></limits>";
        let xml = IcecastXml::new().and(patient).and(elements);
        let (standing, cases) = (Vec::new(), Vec::new());
        Self { xml, standing, cases, announces: false, is_encrypted: false }
    }

    /// With a directory in which its stations are announced.
    pub(crate) fn announcing(mut self) -> Self {
        self.announces = true;
        self
    }

    /// With a port for TLS beside the usual one.
    pub(crate) fn encrypted(mut self) -> Self {
        self.is_encrypted = true;
        self
    }

    /// What is to be there before the server starts, and the configuration that names it.
    pub(crate) async fn surroundings(&self) -> Surroundings {
        let mut around = Surroundings { xml: self.xml.clone(), directory: None, tls: None };
        if self.announces {
            let web = FakeWeb::start(|_: &Asked| Some(LISTED.to_owned())).await;
            around.xml = around.xml.and(&format!(
                "<directory><yp-url>{}</yp-url><yp-url-timeout>5</yp-url-timeout></directory>",
                web.url("/cgi-bin/yp-cgi")
            ));
            around.directory = Some(web);
        }
        if self.is_encrypted {
            let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]);
            let made = made.expect("a certificate");
            let pem = made.signing_key.serialize_pem() + &made.cert.pem();
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
            let address = free.local_addr().expect("a socket has an address");
            around.xml = around.xml.file("server.pem", pem).and(&format!(
                "<listen-socket><port>{}</port><bind-address>127.0.0.1</bind-address><ssl>1</ssl>\
                 </listen-socket><paths><ssl-certificate>{{folder}}/server.pem</ssl-certificate>\
                 </paths>",
                address.port()
            ));
            around.tls = Some(address);
        }
        around
    }

    /// A file in the folder of the server.
    pub(crate) fn file(mut self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.xml = self.xml.file(name, bytes);
        self
    }

    /// What has been done before the first case.
    pub(crate) fn standing(mut self, steps: impl IntoIterator<Item = Step>) -> Self {
        self.standing.extend(steps);
        self
    }

    /// Adds a case of several steps.
    pub(crate) fn case(
        mut self,
        name: &'static str,
        steps: impl IntoIterator<Item = Step>,
    ) -> Self {
        self.cases.push(Case { name, steps: steps.into_iter().collect() });
        self
    }

    /// Adds a case of one request.
    pub(crate) fn ask(self, name: &'static str, line: &str, as_whom: Whom) -> Self {
        self.case(name, [ask(line).by(as_whom)])
    }
}

impl Request {
    fn new(line: &str) -> Self {
        Self { line: line.to_owned(), ..Self::default() }
    }

    /// The bytes on the wire; `{id}` in the first line is the `id` that was seen last.
    pub(crate) fn bytes(&self, id: &str) -> Vec<u8> {
        if self.line.is_empty() {
            return self.body.clone();
        }
        let (user, password) = match self.as_whom {
            Admin => ("admin", ADMIN_PASSWORD),
            Nobody => ("", ""),
            Other(user, password) => (user, password),
            Relay => ("relay", RELAY_PASSWORD),
            Source => ("source", SOURCE_PASSWORD),
            Stranger => ("source", "wrong"),
        };
        let line = self.line.replace("{id}", id);
        // Without a version it is the oldest one, after whose answer the connection is closed.
        let version =
            if line.contains(" HTTP/") || line.contains(" ICE/") { "" } else { " HTTP/1.0" };
        let mut head = format!("{line}{version}\r\n");
        for line in &self.lines {
            head.push_str(&format!("{line}\r\n"));
        }
        if self.as_whom != Nobody {
            head.push_str(&format!("Authorization: {}\r\n", basic(user, password)));
        }
        [head.as_bytes(), b"\r\n", &self.body].concat()
    }

    /// What it is, for the transcript.
    pub(crate) fn told(&self) -> String {
        let whom = match self.as_whom {
            Admin => ", the administrator",
            Nobody => "",
            Other(..) => ", another user",
            Relay => ", a relay",
            Source => ", a source",
            Stranger => ", a stranger",
        };
        let line = match self.line.is_empty() {
            true => self.body[..self.body.len().min(60)].escape_ascii().to_string(),
            false => self.line.clone(),
        };
        format!("{line}{whom}")
    }
}

impl Step {
    fn request(&mut self) -> &mut Request {
        match self {
            Self::Ask(request, _) | Self::OnAir(_, request) | Self::Open(_, request) => request,
            Self::AskSecurely(_)
            | Self::AskThereOpenly(_)
            | Self::Ends(_)
            | Self::Hear(..)
            | Self::KeepPlaying(_)
            | Self::Leave(_)
            | Self::Log(..)
            | Self::Send(..)
            | Self::Told(_)
            | Self::UntilGone(_)
            | Self::UntilListeners(..)
            | Self::UntilStats(..) => panic!("a step that asks nothing"),
        }
    }

    /// With the credentials of somebody.
    pub(crate) fn by(mut self, whom: Whom) -> Self {
        self.request().as_whom = whom;
        self
    }

    /// With a header line.
    pub(crate) fn line(mut self, line: &str) -> Self {
        self.request().lines.push(line.to_owned());
        self
    }

    /// With bytes after the head.
    pub(crate) fn body(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.request().body = bytes.as_ref().to_vec();
        self
    }

    /// From another address of this machine.
    pub(crate) fn from(mut self, last: u8) -> Self {
        self.request().from = Some(Ipv4Addr::new(127, 0, 0, last));
        self
    }

    /// Keeps of the answer only its head.
    pub(crate) fn head(self) -> Self {
        self.keeping(Keep::Head)
    }

    /// Keeps of the answer only the lines that hold `text`.
    pub(crate) fn only(self, text: &'static str) -> Self {
        self.keeping(Keep::Lines(text))
    }

    /// Keeps of the answer only its first line.
    pub(crate) fn status(self) -> Self {
        self.keeping(Keep::Status)
    }

    fn keeping(mut self, keep: Keep) -> Self {
        if let Self::Ask(_, kept) = &mut self {
            *kept = keep;
        }
        self
    }
}

/// Asks, as HTTP/1.0 if the line does not say otherwise.
pub(crate) fn ask(line: &str) -> Step {
    Step::Ask(Request::new(line), Keep::All)
}

/// Asks for `path` over TLS.
pub(crate) fn ask_securely(path: &'static str) -> Step {
    Step::AskSecurely(path)
}

/// Asks at the port for TLS without it.
pub(crate) fn ask_there_openly(line: &'static str) -> Step {
    Step::AskThereOpenly(line)
}

/// Sends these bytes and nothing else.
pub(crate) fn raw(bytes: impl AsRef<[u8]>) -> Step {
    Step::Ask(Request::new(""), Keep::All).body(bytes)
}

/// A source that is there, with the frames 0 to 9.
pub(crate) fn on_air(mount: &'static str) -> Step {
    let step = Step::OnAir(mount, Request::new(&format!("SOURCE {mount}")));
    step.by(Source).line("Content-Type: audio/mpeg").body(frames::run(0..10))
}

/// A source that is there, of another content type, with these bytes.
pub(crate) fn on_air_as(mount: &'static str, content_type: &str, bytes: &[u8]) -> Step {
    let step = Step::OnAir(mount, Request::new(&format!("SOURCE {mount}")));
    step.by(Source).line(&format!("Content-Type: {content_type}")).body(bytes)
}

/// Opens the connection `name` as a source.
pub(crate) fn source(name: &'static str, line: &str) -> Step {
    Step::Open(name, Request::new(line)).by(Source)
}

/// Opens the connection `name` as a listener.
pub(crate) fn listen(name: &'static str, line: &str) -> Step {
    Step::Open(name, Request::new(line))
}

/// Sends the frames with these numbers on the connection `name`.
pub(crate) fn play(name: &'static str, numbers: std::ops::Range<u64>) -> Step {
    Step::Send(name, frames::run(numbers))
}

/// Sends `bytes` on the connection `name`.
pub(crate) fn send(name: &'static str, bytes: impl AsRef<[u8]>) -> Step {
    Step::Send(name, bytes.as_ref().to_vec())
}

/// The listener `name` hears something.
pub(crate) fn hear(name: &'static str, what: Hear) -> Step {
    Step::Hear(name, what)
}

/// From now on the source `name` sends frames while others connect.
pub(crate) fn keep_playing(name: &'static str) -> Step {
    Step::KeepPlaying(name)
}

/// Closes the connection `name`.
pub(crate) fn leave(name: &'static str) -> Step {
    Step::Leave(name)
}

/// The server closes the connection `name`.
pub(crate) fn ends(name: &'static str) -> Step {
    Step::Ends(name)
}

/// The lines of a log that hold `text`, once there are `count`.
pub(crate) fn log(file: &'static str, text: &'static str, count: usize) -> Step {
    Step::Log(file, text, count)
}

/// What the directory is told, once that begins with `text`; sources that play on do so meanwhile.
pub(crate) fn told(text: &'static str) -> Step {
    Step::Told(text)
}

/// Waits until the mount is gone.
pub(crate) fn until_gone(mount: &'static str) -> Step {
    Step::UntilGone(mount)
}

/// Waits until the mount has so many listeners.
pub(crate) fn until_listeners(mount: &'static str, count: usize) -> Step {
    Step::UntilListeners(mount, count)
}

/// Waits until the administrator's statistics of `mount` hold `text`.
pub(crate) fn until_stats(mount: &'static str, text: &str) -> Step {
    Step::UntilStats(mount, text.to_owned())
}

/// What the directory answers: that whatever it is told is listed, and when to tell it again.
const LISTED: &str =
    "200 OK\r\nYPResponse: 1\r\nYPMessage: Added\r\nSID: sid-7\r\nTouchFreq: 30\r\n";

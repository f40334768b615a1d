//! How a server is greeted: a connection, a request head, and what the server says to it.
//!
//! `SOURCE` is what Icecast and its relatives understood first and understand to this day; the
//! server answers `200` and from then on everything sent is audio. `PUT` is the standard's word
//! for it; it asks with `Expect: 100-continue` whether the audio may come, and audio may follow
//! once the server says so, or says nothing for [`EXPECT_WAIT`].

use crate::config::{Method, Output, Server};
use crate::encode::Format;
use crate::tls::{Line, Tls};
use common::http::basic;
use common::http::head::{HeadLimits, HeadReader, ResponseHead};
use std::fmt::Write as _;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_util::either::Either;

/// Why a server does not take the stream.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The server does not speak TLS, or is not who it says it is.
    #[error(
        "no TLS with it: {0}; is this the right port, and does the system, or a file named by \
         `trust` in [station], vouch for its certificate?"
    )]
    Insecure(#[source] std::io::Error),
    /// The connection broke before the server had answered.
    #[error("no answer: {0}")]
    NoAnswer(#[source] std::io::Error),
    /// What answers is not a streaming server.
    #[error("the answer is not HTTP ({0}); is this the right port?")]
    NotHttp(String),
    /// The server said no, for another reason than the password.
    #[error("the server says {status} {reason}")]
    Refused {
        /// The status of its answer.
        status: u16,
        /// What it says in words.
        reason: String,
    },
    /// The server took the connection and said nothing.
    #[error("the server does not answer for {} s", ANSWER_MAX.as_secs())]
    Silent,
    /// Nobody answers there.
    #[error("cannot be reached: {0}")]
    Unreachable(#[source] std::io::Error),
    /// The server does not know the user or the password.
    #[error(
        "the server refuses the password of user `{user}` for {mount}; compare it with \
         source-password (or that mount's own) in the server's configuration"
    )]
    WrongPassword {
        /// The user.
        user: String,
        /// The mount.
        mount: String,
    },
}

/// Opens a connection on which the server awaits audio.
pub async fn dial(output: &Output, tls: &Tls) -> Result<Line, DialError> {
    let mut socket = connect(&output.address.server, tls).await?;
    let head = request_head(output);
    socket.write_all(head.as_bytes()).await.map_err(DialError::NoAnswer)?;
    socket.flush().await.map_err(DialError::NoAnswer)?;
    let patience = match output.method {
        Method::Put => EXPECT_WAIT,
        Method::Source => ANSWER_MAX,
    };
    match timeout(patience, answer(&mut socket)).await {
        Ok(answer) => {
            let (head, rest) = answer?;
            if head.status == 100 || (200..300).contains(&head.status) {
                return Ok(socket);
            }
            Err(refusal(output, &head, socket, rest).await)
        }
        Err(_) if output.method == Method::Put => Ok(socket),
        Err(_) => Err(DialError::Silent),
    }
}

/// A connection to `server`, in TLS if that is how it is spoken to.
pub(crate) async fn connect(server: &Server, tls: &Tls) -> Result<Line, DialError> {
    let tcp = tcp(&server.host, server.port).await?;
    if !server.is_secure {
        return Ok(Either::Left(tcp));
    }
    match timeout(CONNECT_MAX, tls.over(tcp, &server.host)).await {
        Ok(secured) => secured.map_err(DialError::Insecure),
        Err(_) => Err(DialError::Insecure(std::io::ErrorKind::TimedOut.into())),
    }
}

/// A connection to the first address of `host` that answers, set up for audio.
async fn tcp(host: &str, port: u16) -> Result<TcpStream, DialError> {
    let none = || std::io::Error::new(std::io::ErrorKind::NotFound, "the name has no address");
    let addresses = timeout(CONNECT_MAX, lookup_host((host, port)))
        .await
        .map_err(|_| DialError::Unreachable(std::io::ErrorKind::TimedOut.into()))?
        .map_err(DialError::Unreachable)?;
    let mut last = none();
    for address in addresses {
        let socket = match address {
            std::net::SocketAddr::V4(_) => TcpSocket::new_v4(),
            std::net::SocketAddr::V6(_) => TcpSocket::new_v6(),
        };
        let socket = socket.map_err(DialError::Unreachable)?;
        // A small buffer here, so that a server that stops reading is noticed soon.
        drop(socket.set_send_buffer_size(SEND_BUFFER_BYTES)); // a wish; without it, noticed later
        match timeout(CONNECT_MAX, socket.connect(address)).await {
            Ok(Ok(stream)) => {
                prepare(&stream);
                return Ok(stream);
            }
            Ok(Err(error)) => last = error,
            Err(_) => last = std::io::ErrorKind::TimedOut.into(),
        }
    }
    Err(DialError::Unreachable(last))
}

/// Frames shall leave when they are due, and a peer that vanishes shall be noticed.
fn prepare(stream: &TcpStream) {
    drop(stream.set_nodelay(true)); // a wish; without it, frames travel in pairs
    #[cfg(target_os = "linux")]
    {
        let stall = Some(super::STALL_MAX);
        drop(socket2::SockRef::from(stream).set_tcp_user_timeout(stall)); // a wish, as above
    }
}

/// The head that opens a stream.
fn request_head(output: &Output) -> String {
    let mut head = String::new();
    let mut line = |text: std::fmt::Arguments<'_>| {
        head.write_fmt(text).expect("a string takes any text");
        head.push_str("\r\n");
    };
    match output.method {
        Method::Put => {
            line(format_args!("PUT {} HTTP/1.1", output.address.mount));
            line(format_args!("Expect: 100-continue"));
        }
        Method::Source => line(format_args!("SOURCE {} HTTP/1.0", output.address.mount)),
    }
    line(format_args!("Host: {}", output.address.server));
    line(format_args!("Authorization: {}", basic::written(&output.address.credentials)));
    line(format_args!("User-Agent: {USER_AGENT}"));
    line(format_args!("Content-Type: {}", output.format.content_type()));
    let identity = &output.identity;
    for (name, value) in [
        ("name", &identity.name),
        ("description", &identity.description),
        ("genre", &identity.genre),
        ("url", &identity.url),
    ] {
        if !value.is_empty() {
            line(format_args!("ice-{name}: {value}"));
        }
    }
    line(format_args!("ice-public: {}", u8::from(identity.public)));
    if let Some(bitrate_kbps) = output.format.bitrate_kbps() {
        line(format_args!("ice-bitrate: {bitrate_kbps}"));
    }
    line(format_args!("ice-audio-info: {}", audio_info(&output.format)));
    line(format_args!(""));
    head
}

/// What the audio is, of which Icecast makes a figure each in its statistics.
fn audio_info(format: &Format) -> String {
    let (channels, rate_hz) = (format.channels().count(), format.rate_hz());
    let mut info = format!("channels={channels};samplerate={rate_hz}");
    if let Some(bitrate_kbps) = format.bitrate_kbps() {
        info.push_str(&format!(";bitrate={bitrate_kbps}"));
    }
    if let Some(quality) = format.quality() {
        info.push_str(&format!(";quality={quality}"));
    }
    info
}

/// The head of the server's answer, and what came after it.
pub(crate) async fn answer(socket: &mut Line) -> Result<(ResponseHead, Vec<u8>), DialError> {
    let mut reader = HeadReader::new(HeadLimits::default());
    let mut received = Vec::new();
    loop {
        let read = socket.read_buf(&mut received).await.map_err(DialError::NoAnswer)?;
        match reader.response(&received) {
            Ok(Some((head, length))) => return Ok((head, received.split_off(length))),
            Ok(None) if read == 0 => {
                return Err(DialError::NoAnswer(std::io::ErrorKind::UnexpectedEof.into()));
            }
            Ok(None) => {}
            Err(error) => return Err(DialError::NotHttp(error.to_string())),
        }
    }
}

/// Why the server said no, with as much of its explanation as fits into a line.
async fn refusal(
    output: &Output,
    head: &ResponseHead,
    mut socket: Line,
    mut body: Vec<u8>,
) -> DialError {
    if head.status == 401 {
        return DialError::WrongPassword {
            user: output.address.credentials.user.clone(),
            mount: output.address.mount.clone(),
        };
    }
    let rest = async {
        let mut limited = (&mut socket).take(EXPLANATION_BYTES_MAX);
        limited.read_to_end(&mut body).await
    };
    // What comes in time is shown; the status alone will do if nothing does.
    drop(timeout(EXPLANATION_WAIT, rest).await);
    let words = plain(&String::from_utf8_lossy(&body));
    let reason = match (head.reason.as_str(), words.as_str()) {
        (reason, "") => reason.to_owned(),
        (reason, words) => format!("{reason}: {words}"),
    };
    DialError::Refused { status: head.status, reason }
}

/// The text of `html` without its tags, as one line.
fn plain(html: &str) -> String {
    let mut in_tag = false;
    let text: String = html
        .chars()
        .map(|c| {
            in_tag = (in_tag || c == '<') && c != '>';
            if in_tag || c == '>' || c.is_control() { ' ' } else { c }
        })
        .collect();
    text.split_whitespace().take(EXPLANATION_WORDS_MAX).collect::<Vec<_>>().join(" ")
}

/// What this program calls itself.
pub const USER_AGENT: &str = concat!("carrier-source/", env!("CARGO_PKG_VERSION"));
/// A server has so long to take the connection.
pub const CONNECT_MAX: Duration = Duration::from_secs(5);
/// A server has so long to answer a request.
pub const ANSWER_MAX: Duration = Duration::from_secs(10);
/// A server that says nothing to `Expect: 100-continue` for so long is sent audio.
pub const EXPECT_WAIT: Duration = Duration::from_secs(2);
/// Audio that the kernel may hold for a server: about four seconds at 128 kbit/s.
const SEND_BUFFER_BYTES: u32 = 64 * 1_024;
const EXPLANATION_BYTES_MAX: u64 = 1_024;
const EXPLANATION_WORDS_MAX: usize = 30;
const EXPLANATION_WAIT: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Address, Config, Identity};

    #[test]
    fn the_head_says_what_icecast_wants_to_know() {
        let mut output = output("http://source:hackme@example.org:8000/live.mp3");
        output.identity = Identity {
            name: "Räuber FM".to_owned(),
            genre: "folk".to_owned(),
            public: true,
            ..Identity::default()
        };

        let head = request_head(&output);

        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            head,
            format!(
                "SOURCE /live.mp3 HTTP/1.0\r\n\
                 Host: example.org:8000\r\n\
                 Authorization: Basic c291cmNlOmhhY2ttZQ==\r\n\
                 User-Agent: carrier-source/{version}\r\n\
                 Content-Type: audio/mpeg\r\n\
                 ice-name: Räuber FM\r\n\
                 ice-genre: folk\r\n\
                 ice-public: 1\r\n\
                 ice-bitrate: 128\r\n\
                 ice-audio-info: channels=2;samplerate=44100;bitrate=128\r\n\r\n"
            )
        );
    }

    #[test]
    fn put_asks_before_it_sends() {
        let mut output = output("http://source:hackme@[::1]:8000/live.mp3");
        output.method = Method::Put;

        let head = request_head(&output);

        assert!(head.starts_with("PUT /live.mp3 HTTP/1.1\r\nExpect: 100-continue\r\n"), "{head}");
        assert!(head.contains("Host: [::1]:8000\r\n"), "{head}");
    }

    #[test]
    fn an_explanation_in_html_becomes_a_line() {
        let html = "<html><head><title>Error 403</title></head>\r\n\
                    <body><b>403 - Mountpoint in use</b></body></html>";

        assert_eq!(plain(html), "Error 403 403 - Mountpoint in use");
    }

    fn output(url: &str) -> Output {
        Config::simple(Vec::new(), Address::parse(url).unwrap()).outputs.remove(0)
    }
}

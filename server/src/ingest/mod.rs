//! A source: somebody who puts a stream on a mount.
//!
//! It says `SOURCE` or `PUT`, proves that it may, is seated on its mount, and is then read for as
//! long as it sends. A stream that is fetched from another server is a source too. What comes is
//! cut into chunks ([`framer`]) that go to the mount's owner.

mod archive;
pub(crate) mod file;
mod framer;
mod intake;
mod intro;
pub(crate) mod rejoin;

use crate::auth;
use crate::client::Client;
use crate::config::Compat;
use crate::dial::Line;
use crate::hooks::Event;
use crate::logs::access::Asked;
use crate::mount::gather::Gather;
use crate::mount::name::MountName;
use crate::mount::on_air::{SourceAbout, TitleText};
use crate::mount::{Mount, SourceArrival, SourceLine};
use crate::parts::Parts;
use crate::refusal::Refusal;
use crate::status::counters::SourceSeat;
use archive::Archive;
use bytes::BytesMut;
use common::chunk::Chunk;
use common::format::{self, Format};
use common::http::chunked::Decoder;
use common::http::head::{Headers, RequestHead};
use common::icy::{self, Unweaver};
use framer::Framer;
use intake::Intake;
use jiff::Zoned;
use rejoin::Rejoin;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::time::Duration;
use tokio::time::Instant;
use tracing::warn;

/// A source that has left.
pub(crate) struct Departed {
    /// Its address.
    pub(crate) ip: IpAddr,
    /// What the access log will say of its request.
    pub(crate) asked: Option<Asked>,
    /// How many bytes it was sent.
    pub(crate) sent_bytes: u64,
}

/// Makes `client` a source of the mount `name` until it leaves; gives it back if that cannot be.
pub(crate) async fn run(
    client: Client,
    head: &RequestHead,
    name: MountName,
    parts: &Parts,
) -> Result<Departed, (Box<Client>, Refusal)> {
    if let Err(refusal) = admit(&client, head, &name, parts).await {
        return Err((Box::new(client), refusal));
    }
    let accepted = if head.headers.lists("expect", "100-continue") {
        [CONTINUE, ACCEPTED].concat()
    } else {
        ACCEPTED.to_vec()
    };
    begin(client, head, name, &accepted, parts).await
}

/// Makes `client`, who may send, a source of the mount `name` until it leaves; it is told
/// `accepted` first. Gives it back if it cannot be one.
pub(crate) async fn begin(
    mut client: Client,
    head: &RequestHead,
    name: MountName,
    accepted: &[u8],
    parts: &Parts,
) -> Result<Departed, (Box<Client>, Refusal)> {
    let (body, seat) = match seat(&client, head, &name, parts).await {
        Ok(seated) => seated,
        Err(refusal) => return Err((Box::new(client), refusal)),
    };
    let attendance = parts.backends.attend();
    let presence = Presence::begin(&name, parts);
    let sent = client.send_bytes(accepted).await;
    let Client { socket, received, ip, asked, .. } = client;
    match sent.and_then(|()| Intake::of(socket)) {
        Ok(intake) => body.read(intake, received, parts).await,
        Err(error) => warn!(mount = %name, %error, "the source's connection broke"),
    }
    drop((seat, presence, attendance));
    Ok(Departed { ip, asked, sent_bytes: accepted.len() as u64 })
}

/// Lets a source in that proves that it may send.
async fn admit(
    client: &Client,
    head: &RequestHead,
    name: &MountName,
    parts: &Parts,
) -> Result<(), Refusal> {
    let attempt = parts.logins.attempt(client.ip, auth::credentials(head)).await?;
    if !parts.authority.is_source(name, attempt.given(), client.ip, false).await {
        if attempt.given().is_some() {
            warn!(mount = %name, ip = %client.ip, "a source gave a wrong user or password");
        }
        return Err(attempt.failed().await);
    }
    Ok(())
}

/// Seats a source that may be one, with all that is needed to read it.
async fn seat(
    client: &Client,
    head: &RequestHead,
    name: &MountName,
    parts: &Parts,
) -> Result<(Body<'static>, SourceSeat), Refusal> {
    let content_type = content_type(head)?;
    let chunked = is_chunked(head)?;
    let sources_max = parts.config().limits.sources_max;
    let Some(seat) = SourceSeat::new(&parts.counters, sources_max) else {
        // Which of the two it is matters to whoever sent it; Icecast says this first.
        let found = parts.registry.find(name.clone()).await;
        let taken = found.is_some_and(|mount| mount.on_air().is_some());
        return Err(if taken { Refusal::MountTaken } else { Refusal::SourcesFull });
    };
    let about = SourceAbout::read(&head.headers, content_type, client.ip);
    let framer = framer(about.format, parts);
    let unweaver = inline_titles(head, about.format).map(Unweaver::new);
    let decoder = chunked.then(Decoder::default);
    let (mount, line, archive) = attached(about, name, parts).await?;
    let gather = gather(name, parts);
    let rejoin = None;
    Ok((Body { framer, decoder, unweaver, rejoin, gather, mount, line, archive }, seat))
}

/// Puts a source on the mount `name`, with its intro and, where it is to be kept, its archive.
async fn attached(
    about: SourceAbout,
    name: &MountName,
    parts: &Parts,
) -> Result<(Mount, SourceLine, Option<Archive>), Refusal> {
    let config = parts.config();
    let intro = intro::load(&config, name, about.format).await;
    let (mount, line) = attach(SourceArrival { about, intro }, name.clone(), parts).await?;
    let begin =
        |pattern: &String| Archive::begin(name.clone(), pattern, &Zoned::now(), &parts.tasks);
    let archive = config.mount(name).dump_file.as_ref().map(begin);
    Ok((mount, line, archive))
}

/// A stream that we fetch ourselves, once its server has begun to send it.
pub(crate) struct Pulled<'a> {
    /// What the server says of it.
    pub(crate) headers: &'a Headers,
    /// The server's address.
    pub(crate) ip: IpAddr,
    /// The connection.
    pub(crate) line: Line,
    /// What has come of the stream.
    pub(crate) received: BytesMut,
    /// What was aired of it before its connection broke.
    pub(crate) rejoin: &'a mut Rejoin,
}

/// Makes `pulled` the source of the mount `name`, until it ends or `unwanted` resolves. Says
/// `on_air` once it is seated; else why it cannot be.
pub(crate) async fn pull(
    pulled: Pulled<'_>,
    name: &MountName,
    on_air: impl FnOnce(),
    unwanted: impl Future<Output = ()>,
    parts: &Parts,
) -> Result<(), Refusal> {
    let Pulled { headers, ip, line: upstream, received, rejoin } = pulled;
    let content_type = headers.first("content-type").unwrap_or("audio/mpeg");
    let about = SourceAbout::read(headers, content_type, ip);
    let framer = framer(about.format, parts);
    let interval = headers.first("icy-metaint").and_then(|interval| interval.trim().parse().ok());
    let unweaver = interval.filter(|_| about.format.takes_icy()).map(Unweaver::new);
    let sources_max = parts.config().limits.sources_max;
    let seat = SourceSeat::new(&parts.counters, sources_max).ok_or(Refusal::SourcesFull)?;
    let (mount, line, archive) = attached(about, name, parts).await?;
    parts.counters.relay_connections.add(1);
    let attendance = parts.backends.attend();
    let presence = Presence::begin(name, parts);
    on_air();
    let gather = gather(name, parts);
    if mount.counters.read_bytes.now() == 0 {
        rejoin.forget(); // a new mount, whose listeners want the burst
    }
    rejoin.reconnected();
    let rejoin = Some(rejoin);
    let body = Body { framer, decoder: None, unweaver, rejoin, gather, mount, line, archive };
    tokio::select! {
        () = body.read(Intake::Awaited(Box::new(upstream)), received, parts) => {}
        () = unwanted => {}
    }
    drop((seat, presence, attendance));
    Ok(())
}

/// A mount's source is there. Its programs and its backend are told so, and that it has gone,
/// however it goes: a relay is let go in the middle of its stream.
struct Presence<'a> {
    name: &'a MountName,
    parts: &'a Parts,
}

impl<'a> Presence<'a> {
    fn begin(name: &'a MountName, parts: &'a Parts) -> Self {
        let presence = Self { name, parts };
        presence.tell(Event::Connect);
        presence
    }

    fn tell(&self, event: Event) {
        self.parts.hooks.run(self.parts.config().mount(self.name), self.name, event);
        self.parts.backends.tell_of_mount(self.name, event == Event::Connect);
    }
}

impl Drop for Presence<'_> {
    fn drop(&mut self) {
        self.tell(Event::Disconnect);
    }
}

/// What frames a body of `format`. Icecast passes on what is not of its type, and so do we where
/// that is wanted.
fn framer(format: Format, parts: &Parts) -> Framer {
    Framer::new(format).lenient(parts.config().compat == Compat::Strict)
}

fn gather(name: &MountName, parts: &Parts) -> Gather {
    Gather::new((&parts.config().mount(name).limits).into())
}

/// Seats a source on the mount `name`, which is made if it does not exist.
async fn attach(
    arrival: SourceArrival,
    name: MountName,
    parts: &Parts,
) -> Result<(Mount, SourceLine), Refusal> {
    // A mount may end between being found and being asked; then there is a new one next time.
    for _ in 0..ATTACH_TRIES_MAX {
        let found = parts.registry.find_or_make(name.clone()).await;
        let mount = found.ok_or(Refusal::ServerStopping)?;
        if let Some(line) = mount.attach(arrival.clone()).await? {
            return Ok((mount, line));
        }
    }
    Err(Refusal::MountTaken)
}

/// What a source sends, on its way to the mount.
struct Body<'a> {
    framer: Framer,
    decoder: Option<Decoder>,
    /// Takes out the titles of a source that weaves them into its audio.
    unweaver: Option<Unweaver>,
    /// Knows what was aired before, where it is fetched again.
    rejoin: Option<&'a mut Rejoin>,
    /// Makes few messages of what was read at once.
    gather: Gather,
    mount: Mount,
    line: SourceLine,
    archive: Option<Archive>,
}

impl Body<'_> {
    /// Reads until the source leaves, the mount hangs up, or the server stops.
    async fn read(mut self, mut intake: Intake, mut received: BytesMut, parts: &Parts) {
        let mut was_blind = self.framer.is_blind();
        let mut live_config = parts.live_config.clone();
        let mut rest = self.rest(parts);
        let mut rested = Instant::now();
        loop {
            if !self.take(&received).await {
                return;
            }
            // A source that has sent much may have sent more.
            if received.len() < READ_BYTES / 2 && !received.is_empty() {
                rested = Instant::now() + rest;
            }
            if self.framer.is_blind() && !was_blind {
                was_blind = true;
                warn!(
                    mount = %self.mount.name,
                    "what the source sends is not of its content type; passed on as it comes"
                );
            }
            received.clear();
            tokio::select! {
                read = intake.read(&mut received, READ_BYTES, rested, rest) => match read {
                    Ok(0) => return,
                    Ok(_) => {}
                    Err(error) => {
                        warn!(mount = %self.mount.name, %error, "the source's connection broke");
                        return;
                    }
                },
                () = live_config.changed() => {
                    rest = self.rest(parts);
                    self.gather.limit((&parts.config().mount(&self.mount.name).limits).into());
                    let format = self.framer.format();
                    let intro = intro::load(&parts.config(), &self.mount.name, format).await;
                    self.mount.set_intro(intro).await;
                }
                () = self.line.chunks.closed() => return,
                () = parts.tasks.stopping() => return,
            }
        }
    }

    /// How long to leave a source alone that has nothing more to read.
    fn rest(&self, parts: &Parts) -> Duration {
        intake::rest(parts.config().mount(&self.mount.name).limits.flush_delay)
    }

    /// Gives the framer what is audio in `received`, and the mount what is a title.
    async fn push(&mut self, received: &[u8]) {
        let Some(unweaver) = &mut self.unweaver else { return self.framer.push(received) };
        let (mut audio, mut title) = (BytesMut::with_capacity(received.len()), None);
        unweaver.unweave(received, &mut audio, |text| {
            title = icy::title(text).or_else(|| title.take())
        });
        self.framer.push(&audio);
        if let Some(title) = title {
            self.mount.announce(TitleText { artist: None, title: Some(title) }).await;
        }
    }

    /// Airs what of `chunk` was not aired before. Whether there is to be more.
    async fn air(&mut self, chunk: Chunk, now: Instant) -> bool {
        let Some(rejoin) = &mut self.rejoin else { return self.air_fresh(chunk, now).await };
        for chunk in rejoin.fresh(chunk) {
            if !self.air_fresh(chunk, now).await {
                return false;
            }
        }
        true
    }

    async fn air_fresh(&mut self, chunk: Chunk, now: Instant) -> bool {
        if let Some(archive) = &mut self.archive {
            archive.take(&chunk.bytes);
        }
        let whole = self.gather.take(chunk, now);
        self.send(whole).await
    }

    /// Sends chunks to the mount. Whether it takes more.
    async fn send(&self, chunks: impl IntoIterator<Item = Option<Chunk>>) -> bool {
        for chunk in chunks.into_iter().flatten() {
            if self.line.chunks.send(chunk).await.is_err() {
                return false;
            }
        }
        true
    }

    /// Passes on what was received. Whether there is to be more.
    async fn take(&mut self, received: &[u8]) -> bool {
        self.mount.counters.read_bytes.add(received.len() as u64);
        // It waits for what the source sends, since only that keeps a source on air.
        if self.line.titles.has_changed().unwrap_or_default() {
            let title = self.line.titles.borrow_and_update().clone();
            self.framer.retitle(title);
        }
        match &mut self.decoder {
            None => self.push(received).await,
            Some(decoder) => {
                let mut plain = BytesMut::with_capacity(received.len());
                if let Err(error) = decoder.decode(received, &mut plain) {
                    warn!(mount = %self.mount.name, %error, "the source's body is broken; dropped");
                    return false;
                }
                self.push(&plain).await;
            }
        }
        let now = Instant::now();
        loop {
            match self.framer.next() {
                Ok(Some(chunk)) => {
                    if !self.air(chunk, now).await {
                        return false;
                    }
                }
                Ok(None) => {
                    let rest = self.gather.flush();
                    let is_done = self.decoder.as_ref().is_some_and(Decoder::is_done);
                    return self.send([rest]).await && !is_done;
                }
                Err(error) => {
                    warn!(mount = %self.mount.name, %error, "the source is dropped");
                    return false;
                }
            }
        }
    }
}

/// What the source sends. `SOURCE` without a content type means MP3, as it always has. Icecast
/// takes any type; what a browser would take for a page or a document is refused here, since it
/// would be one of the server's own.
fn content_type(head: &RequestHead) -> Result<&str, Refusal> {
    let Some(given) = head.headers.first("content-type").filter(|given| !given.is_empty()) else {
        return if head.method == "SOURCE" {
            Ok("audio/mpeg")
        } else {
            Err(Refusal::ContentTypeMissing)
        };
    };
    let essence = format::essence(given);
    let fits = match essence.split_once('/') {
        Some(("" | "image" | "multipart" | "text", _) | (_, "")) | None => false,
        Some(("application", kind)) => {
            !matches!(kind, "json" | "pdf" | "x-www-form-urlencoded") && !kind.ends_with("xml")
        }
        Some(_) => true,
    };
    if fits { Ok(given) } else { Err(Refusal::ContentTypeUnfit(essence)) }
}

/// After how many bytes of audio a source that sends titles in between sends one each.
fn inline_titles(head: &RequestHead, format: Format) -> Option<NonZeroUsize> {
    let interval = head.headers.first("icy-metaint")?.trim().parse().ok()?;
    format.takes_icy().then_some(interval)
}

fn is_chunked(head: &RequestHead) -> Result<bool, Refusal> {
    match head.headers.first("transfer-encoding") {
        None => Ok(false),
        Some(coding) if coding.eq_ignore_ascii_case("identity") => Ok(false),
        Some(coding) if coding.eq_ignore_ascii_case("chunked") => Ok(true),
        Some(coding) => Err(Refusal::TransferEncoding(coding.to_owned())),
    }
}

/// What a source is told that may send: Icecast's 19 bytes, on which encoders rely.
const ACCEPTED: &[u8] = b"HTTP/1.0 200 OK\r\n\r\n";
/// What comes before, for a source that waits for it.
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n";
/// Room made at a time for what a source sends.
const READ_BYTES: usize = 16_384;
/// How often a source asks for its mount while old ones of the name are ending.
const ATTACH_TRIES_MAX: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use common::http::head::{Headers, Version};

    fn head(method: &str, lines: &[(&str, &str)]) -> RequestHead {
        let headers: Headers =
            lines.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (method, target) = (method.to_owned(), "/x".to_owned());
        RequestHead { method, target, version: Version::Http11, headers }
    }

    #[test]
    fn a_source_without_a_content_type_sends_mp3_but_a_put_must_say() {
        assert_eq!(content_type(&head("SOURCE", &[])), Ok("audio/mpeg"));
        assert_eq!(content_type(&head("PUT", &[])), Err(Refusal::ContentTypeMissing));
    }

    #[test]
    fn what_is_no_stream_is_refused_by_its_type() {
        for fit in
            ["x-odd/thing", "audio/mpeg", "Audio/Ogg; codecs=opus", "video/webm", "application/ogg"]
        {
            assert_eq!(content_type(&head("PUT", &[("Content-Type", fit)])), Ok(fit));
        }
        for unfit in ["text/html", "image/png", "mp3", "application/xhtml+xml", "audio/"] {
            let head = head("PUT", &[("Content-Type", unfit)]);
            assert_eq!(content_type(&head), Err(Refusal::ContentTypeUnfit(unfit.to_owned())));
        }
    }

    #[test]
    fn only_chunked_is_decoded() {
        let coded = |coding| is_chunked(&head("PUT", &[("Transfer-Encoding", coding)]));

        assert_eq!(coded("Chunked"), Ok(true));
        assert_eq!(coded("identity"), Ok(false));
        assert_eq!(coded("gzip"), Err(Refusal::TransferEncoding("gzip".to_owned())));
        assert_eq!(is_chunked(&head("PUT", &[])), Ok(false));
    }
}

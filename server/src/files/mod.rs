//! Files of the webroot, served beside the streams.
//!
//! A request that no mount and no page answers may name a file. It is found ([`place`]), held
//! against what the client has of it and wants of it ([`wanted`]), named by its content type
//! ([`kinds`]), and sent piece by piece, so that a file of gigabytes costs no more memory than one
//! piece. The disk is asked on threads of its own and by a limited number of clients at a time: a
//! disk that hangs delays other files, never the audio.
//!
//! Other than Icecast 2.4.4, which takes only the beginning of a range for serious, a range is
//! answered with its bytes and no more, and an unchanged file is not sent again.

mod kinds;
mod place;
mod wanted;

use crate::answer::{self, Answer};
use crate::client::{ANSWER_TIMEOUT, Client};
use crate::config::Compat;
use crate::parts::Parts;
use crate::refusal::Refusal;
use bytes::BytesMut;
use common::http::head::RequestHead;
use std::io;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::debug;
use wanted::{Edition, Wanted};

/// The answer that tells of a file, and what of it is to follow.
#[derive(Debug)]
pub(crate) struct Found {
    /// The answer, without the file.
    pub(crate) answer: Answer,
    /// What is to follow; none for `HEAD`, and where the client has it.
    pub(crate) part: Option<Part>,
}

impl From<Answer> for Found {
    fn from(answer: Answer) -> Self {
        Self { answer, part: None }
    }
}

/// A part of a file, to be sent.
#[derive(Debug)]
pub(crate) struct Part {
    file: File,
    bytes: u64,
}

/// Who may ask the disk, a limited number at a time.
#[derive(Debug)]
pub(crate) struct Disk(Semaphore);

impl Default for Disk {
    fn default() -> Self {
        Self(Semaphore::new(DISK_READS_MAX))
    }
}

impl Disk {
    /// Does `work`, once it is its turn; an error if the disk does not get to it or does not
    /// answer in time.
    async fn ask<T>(&self, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        let in_turn = async {
            let _turn = self.0.acquire().await.map_err(io::Error::other)?;
            work.await
        };
        timeout(ANSWER_TIMEOUT, in_turn).await?
    }
}

/// The file under the path of `request`, as far as it is wanted.
pub(crate) async fn find(request: &RequestHead, parts: &Parts) -> Result<Found, Refusal> {
    let config = parts.config();
    let (Some(webroot), true) = (&config.files.webroot, config.files.serve) else {
        return Err(Refusal::NotFound);
    };
    let path = place::below_webroot(request.path()).ok_or(Refusal::NotFound)?;
    let not_found = |error: io::Error| {
        debug!(path = %path.display(), %error, "no file is served");
        Refusal::NotFound
    };
    let (mut file, edition) =
        parts.disk.ask(place::open(webroot, &path)).await.map_err(not_found)?;
    let kinds = parts.disk.ask(kinds::further(config.files.mime_types.as_deref())).await;
    let kind = kinds::of(&path, &kinds.unwrap_or_default());
    parts.counters.file_connections.add(1);
    let wanted = wanted::wanted(request, &edition);
    let answer = told(&wanted, &edition, kind, config.compat);
    let part = match wanted.part(&edition) {
        Some((from, bytes)) if request.method == "GET" => {
            let sought = parts.disk.ask(file.seek(io::SeekFrom::Start(from))).await;
            sought.map_err(not_found)?;
            file.set_max_buf_size(PIECE_BYTES);
            Some(Part { file, bytes })
        }
        Some(_) | None => None,
    };
    Ok(Found { answer, part })
}

/// The answer to who wants `wanted` of `edition`.
fn told(wanted: &Wanted, edition: &Edition, kind: String, compat: Compat) -> Answer {
    let length_bytes = edition.length_bytes;
    let mut headers = Vec::new();
    let mut say = |name: &str, value: String| headers.push((name.to_owned(), value));
    if matches!(wanted, Wanted::Beyond) {
        say("Content-Range", format!("bytes */{length_bytes}"));
        let body = Some("Request Range Not Satisfiable\r\n".into());
        return Answer {
            status: 416,
            content_type: Some("text/plain; charset=utf-8"),
            headers,
            body,
        };
    }
    let part = wanted.part(edition);
    if let Some((_, bytes)) = part {
        say("Content-Type", kind);
        say("Accept-Ranges", "bytes".to_owned());
        say("Content-Length", bytes.to_string());
    }
    if let Wanted::Part { from, to } = wanted {
        say("Content-Range", format!("bytes {from}-{to}/{length_bytes}"));
    }
    say("ETag", edition.tag.clone());
    say("Last-Modified", answer::http_date(edition.modified));
    if compat == Compat::Sensible {
        // To be asked for again each time, and then not sent again; Icecast forbids to keep it.
        say("Cache-Control", "no-cache".to_owned());
    }
    let status = match wanted {
        Wanted::Nothing => 304,
        Wanted::Part { .. } => 206,
        Wanted::Beyond | Wanted::Whole => 200,
    };
    Answer { status, content_type: None, headers, body: None }
}

impl Part {
    /// Sends it to `client`, which has [`ANSWER_TIMEOUT`] to take some of it each time. How many
    /// bytes went out, and how it ended; after an error the connection cannot be used any more.
    ///
    /// # Errors
    ///
    /// If the client does not take it, the file has become shorter, or the server stops.
    pub(crate) async fn send(
        mut self,
        client: &mut Client,
        parts: &Parts,
    ) -> (u64, io::Result<()>) {
        let all_bytes = self.bytes;
        let ended = tokio::select! {
            ended = self.send_pieces(client, &parts.disk) => ended,
            () = parts.tasks.stopping() => Err(io::ErrorKind::Interrupted.into()),
        };
        (all_bytes - self.bytes, ended)
    }

    async fn send_pieces(&mut self, client: &mut Client, disk: &Disk) -> io::Result<()> {
        let mut piece = BytesMut::with_capacity(PIECE_BYTES);
        while self.bytes > 0 {
            piece.clear();
            let mut rest = (&mut self.file).take(self.bytes);
            if disk.ask(rest.read_buf(&mut piece)).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            while !piece.is_empty() {
                match timeout(ANSWER_TIMEOUT, client.socket.write_buf(&mut piece)).await?? {
                    0 => return Err(io::ErrorKind::WriteZero.into()),
                    taken => self.bytes -= taken as u64,
                }
            }
            piece.reserve(PIECE_BYTES);
        }
        Ok(())
    }
}

/// Bytes that are read and sent at a time.
const PIECE_BYTES: usize = 65_536;
/// Clients that ask the disk at the same time. There are more threads for that, 512 by default;
/// password files, logs and names of hosts need some of them.
const DISK_READS_MAX: usize = 32;

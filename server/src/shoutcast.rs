//! Sources of the SHOUTcast kind, version 1.
//!
//! On a socket of its own such a source says the password, alone on a line. If it is right it is
//! told `OK2`, says lines of the form `icy-name:…` up to an empty one, and then sends its stream.
//! It names no mount; that is the socket's. A wrong password is closed on without a word, as
//! Icecast does it. Titles come by `/admin.cgi` on the port below.

use crate::answer::Manner;
use crate::client::Client;
use crate::door;
use crate::icecast::answers;
use crate::ingest::{self, Departed};
use crate::logs::access::{Asked, Finished};
use crate::mount::name::MountName;
use crate::parts::Parts;
use bytes::BytesMut;
use common::auth::{Credentials, Password};
use common::http::head::{Headers, RequestHead, Version, decoded};
use std::sync::Arc;
use tokio::io::AsyncReadExt as _;
use tokio::time::{Instant, timeout};
use tracing::{debug, warn};

/// Makes `client` a source of `mount`, if it knows the password.
pub(crate) async fn serve(client: Client, mount: MountName, parts: Arc<Parts>) {
    let client = tokio::select! {
        client = door::greet(client, false, &parts) => client,
        () = parts.tasks.stopping() => return,
    };
    let Some(mut client) = client.filter(|client| !client.is_reserved) else { return };
    let began = Instant::now();
    let head = tokio::select! {
        head = agree(&mut client, &mount, &parts) => head,
        () = parts.tasks.stopping() => return,
    };
    let Some(head) = head else { return };
    let config = parts.config();
    client.asked = parts.logs.access.asked(&head, || Some(config.mount(&mount).user.clone()));
    let user_agent = head.headers.first("user-agent");
    let log = |ip, asked: Option<&Asked>, status, sent_bytes| {
        let finished = Finished { ip, user_agent, status, sent_bytes, stayed: began.elapsed() };
        parts.logs.access.write(asked, finished);
    };
    match ingest::begin(client, &head, mount.clone(), &[], &parts).await {
        Ok(Departed { ip, asked, sent_bytes }) => log(ip, asked.as_ref(), 200, sent_bytes),
        Err((mut client, refusal)) => {
            debug!(%mount, ip = %client.ip, %refusal, "a SHOUTcast source is turned away");
            let answer = answers::refused(&refusal);
            // Whoever has gone does without.
            let sent = client.send(&answer, Manner::parting(&config)).await;
            log(client.ip, client.asked.as_ref(), answer.status, sent.unwrap_or_default());
            client.dismiss().await;
        }
    }
}

/// Hears the password and what the source says of itself, as the head of a request would.
async fn agree(client: &mut Client, mount: &MountName, parts: &Parts) -> Option<RequestHead> {
    let config = parts.config();
    let limit = config.limits.header_timeout;
    let line = timeout(limit, hear(client, line)).await.ok()??;
    let user = config.mount(mount).user.clone();
    let given = Credentials { user, password: Password::new(&line) };
    let attempt = parts.logins.attempt(client.ip, Some(given)).await.ok()?;
    if !parts.authority.is_source(mount, attempt.given(), client.ip, false).await {
        warn!(%mount, ip = %client.ip, "a SHOUTcast source gave a wrong password");
        attempt.failed().await;
        return None;
    }
    client.send_bytes(ACCEPTED).await.ok()?;
    let headers = timeout(limit, hear(client, headers)).await.ok()??;
    let method = "SOURCE".to_owned();
    Some(RequestHead { method, target: mount.to_string(), version: Version::Ice10, headers })
}

/// Reads until `said` finds something whole; `None` if the source leaves, or says too much.
async fn hear<T>(
    client: &mut Client,
    mut said: impl FnMut(&mut BytesMut) -> Option<T>,
) -> Option<T> {
    loop {
        if let Some(whole) = said(&mut client.received) {
            return Some(whole);
        }
        if client.received.len() > SAID_BYTES_MAX {
            return None;
        }
        client.received.reserve(READ_BYTES);
        if client.socket.read_buf(&mut client.received).await.ok()? == 0 {
            return None;
        }
    }
}

/// Takes a line out of `received`, without its end, once it is whole. Ends are `\n`, `\r\n`, and
/// `\r\r\n` as NSV encoders send it.
fn line(received: &mut BytesMut) -> Option<String> {
    let end = received.iter().position(|byte| *byte == b'\n')?;
    let line = received.split_to(end + 1);
    let text = decoded(&line[..end]);
    Some(text.trim_end_matches('\r').to_owned())
}

/// Takes the lines up to an empty one out of `received`, once it is there.
fn headers(received: &mut BytesMut) -> Option<Headers> {
    let mut rest = received.clone();
    let mut headers = Vec::new();
    loop {
        let line = line(&mut rest)?;
        if line.is_empty() {
            *received = rest;
            return Some(headers.into_iter().take(HEADERS_MAX).collect());
        }
        if let Some((name, value)) = line.split_once(':') {
            headers.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
}

/// What a source is told whose password is right: that it may send, and of what we are capable.
const ACCEPTED: &[u8] = b"OK2\r\nicy-caps:11\r\n\r\n";
/// The most that a source may say before its stream.
const SAID_BYTES_MAX: usize = 16_384;
/// The most lines of it that are looked at.
const HEADERS_MAX: usize = 64;
/// Room made at a time for what it says.
const READ_BYTES: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_ends_in_any_of_the_three_ways() {
        for end in ["\n", "\r\n", "\r\r\n"] {
            let mut received = BytesMut::from(format!("secret{end}icy").as_str());

            assert_eq!(line(&mut received).as_deref(), Some("secret"), "{end:?}");
            assert_eq!(received, "icy");
        }
        assert_eq!(line(&mut BytesMut::from("secret\r")), None);
    }

    #[test]
    fn what_follows_the_empty_line_is_the_stream() {
        let said = "icy-name:SC: Radio\r\r\nodd\r\r\ncontent-type: audio/mpeg\r\r\n\r\r\n\u{ff}";
        let mut received = BytesMut::from(said.as_bytes());

        let headers = headers(&mut received).unwrap();

        assert_eq!(headers.first("icy-name"), Some("SC: Radio"));
        assert_eq!(headers.first("content-type"), Some("audio/mpeg"));
        assert_eq!((headers.iter().count(), &received[..]), (2, "\u{ff}".as_bytes()));
    }

    proptest! {
        #[test]
        fn how_the_source_cuts_its_writes_changes_nothing(
            said in "(icy-[a-z]{1,4}:[a-z]{0,4}\r?\n|\r\n|[a-z\r:]{0,3}){0,8}", cut in 0..60_usize,
        ) {
            let mut whole = BytesMut::from(said.as_bytes());
            let mut pieces = BytesMut::from(&said.as_bytes()[..cut.min(said.len())]);
            let first = headers(&mut pieces);
            let read = headers(&mut whole);

            if first.is_some() {
                pieces.extend_from_slice(&said.as_bytes()[cut.min(said.len())..]);
                prop_assert_eq!(first, read);
            } else {
                pieces.extend_from_slice(&said.as_bytes()[cut.min(said.len())..]);
                prop_assert_eq!(headers(&mut pieces), read);
            }
            prop_assert_eq!(pieces, whole);
        }
    }
}

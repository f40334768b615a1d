//! Tells a server the titles of an MP3 stream, each on a connection of its own.
//!
//! `GET /admin/metadata?mode=updinfo&mount=…&song=…` is the request that Icecast and its
//! relatives understand. A server that has only just taken the stream may not know the mount
//! yet and refuse, so a title is tried [`TRIES_MAX`] times in about five seconds. A newer title
//! ends the trying. All this is beside the audio and cannot hold it up.

use crate::config::Output;
use crate::push::handshake::{self, DialError, USER_AGENT};
use crate::tls::Tls;
use common::backoff::Backoff;
use common::http::{basic, percent};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

/// A title that a connection is to be told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Announcement {
    /// Which connection, counted from 1: a new one has to be told again.
    pub connection: u64,
    /// The title; an empty one is not told.
    pub title: Arc<str>,
}

/// Tells the server of `output` every title, until nobody announces any more.
pub async fn announce_all(
    output: watch::Receiver<Arc<Output>>,
    mut titles: watch::Receiver<Announcement>,
    tls: Tls,
) {
    while titles.changed().await.is_ok() {
        let title = Arc::clone(&titles.borrow_and_update().title);
        if title.is_empty() {
            continue;
        }
        let output = Arc::clone(&output.borrow());
        tokio::select! {
            () = announce(&output, &title, &tls) => {}
            // The next round of this loop sees the change, or that nobody announces any more.
            changed = superseded(&mut titles) => if changed.is_err() { return },
        }
    }
}

/// Waits for a newer announcement and leaves it unseen.
async fn superseded(
    titles: &mut watch::Receiver<Announcement>,
) -> Result<(), watch::error::RecvError> {
    titles.changed().await?;
    titles.mark_changed();
    Ok(())
}

async fn announce(output: &Output, title: &str, tls: &Tls) {
    let mut problem = String::new();
    for attempt in 0..TRIES_MAX {
        if attempt > 0 {
            sleep(RETRY.wait(attempt - 1, 1.0)).await;
        }
        match timeout(TRY_MAX, tell(output, title, tls)).await {
            Ok(Ok(())) => {
                let address = &output.address;
                debug!(mount = %address.mount, server = %address.server, title, "title told");
                return;
            }
            Ok(Err(error)) => problem = error.to_string(),
            Err(_) => problem = format!("no answer for {} s", TRY_MAX.as_secs()),
        }
    }
    let (mount, server) = (&output.address.mount, &output.address.server);
    warn!(%mount, %server, title, "the server does not take the title: {problem}");
}

async fn tell(output: &Output, title: &str, tls: &Tls) -> Result<(), DialError> {
    let mut socket = handshake::connect(&output.address.server, tls).await?;
    let request = request(output, title);
    socket.write_all(request.as_bytes()).await.map_err(DialError::NoAnswer)?;
    socket.flush().await.map_err(DialError::NoAnswer)?;
    let (head, _) = handshake::answer(&mut socket).await?;
    if (200..300).contains(&head.status) {
        return Ok(());
    }
    Err(DialError::Refused { status: head.status, reason: head.reason })
}

fn request(output: &Output, title: &str) -> String {
    format!(
        "GET /admin/metadata?mode=updinfo&mount={}&charset={}&song={} HTTP/1.0\r\n\
         Host: {}\r\n\
         Authorization: {}\r\n\
         User-Agent: {USER_AGENT}\r\n\r\n",
        percent::encode_path(&percent::decode(&output.address.mount)),
        percent::encode(output.charset.label().as_bytes()),
        percent::encode(&output.charset.encode(title)),
        output.address.server,
        basic::written(&output.address.credentials),
    )
}

/// A title is tried so many times.
pub const TRIES_MAX: u32 = 8;
/// One try may take this long.
pub const TRY_MAX: Duration = Duration::from_secs(10);
const RETRY: Backoff =
    Backoff { first: Duration::from_millis(100), factor: 1.7, longest: Duration::from_secs(2) };

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::charset::Charset;
    use crate::config::{Address, Config};

    #[test]
    fn a_server_of_old_is_told_titles_in_its_own_charset() {
        let address = Address::parse("http://source:hackme@localhost:8000/a.mp3").unwrap();
        let mut output = Config::simple(Vec::new(), address).outputs.remove(0);
        output.charset = Charset::named("ISO-8859-1").unwrap();

        let request = request(&output, "Sigur Rós");

        assert!(request.contains("&charset=ISO-8859-1&song=Sigur%20R%F3s HTTP"), "{request}");
    }

    #[test]
    fn the_request_carries_the_title_in_utf_8() {
        let url = "http://source:hackme@localhost:8000/a%20b.mp3";
        let address = Address::parse(url).unwrap();
        let output = Config::simple(Vec::new(), address).outputs.remove(0);

        let request = request(&output, "Sigur Rós & 時");

        let line = request.lines().next().unwrap();
        assert_eq!(
            line,
            "GET /admin/metadata?mode=updinfo&mount=/a%20b.mp3&charset=UTF-8\
             &song=Sigur%20R%C3%B3s%20%26%20%E6%99%82 HTTP/1.0"
        );
        assert!(request.contains("\r\nAuthorization: Basic c291cmNlOmhhY2ttZQ==\r\n"));
        assert!(request.ends_with("\r\n\r\n"));
    }
}

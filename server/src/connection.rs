//! One client, from its first byte to its role.
//!
//! A head is read within the header timeout and routed; then the connection becomes a source, is
//! handed to a fan as a listener, or gets an answer and, if it asked to be kept, may ask again.

use crate::admin::{carry_out, cgi};
use crate::answer::{Answer, Manner};
use crate::auth;
use crate::client::{Client, NoHead};
use crate::config::{Compat, Config};
use crate::door;
use crate::files::{self, Found};
use crate::guest;
use crate::icecast::answers;
use crate::ingest::{self, Departed};
use crate::listener;
use crate::logs::access::{self, Finished};
use crate::parts::Parts;
use crate::refusal::Refusal;
use crate::route::{Playlist, Route, route};
use crate::status::metrics::{self, Process};
use crate::status::{health, page};
use common::http::head::{RequestHead, Version};
use jiff::Timestamp;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::debug;

/// Serves a client until it leaves or has found its role.
pub(crate) async fn serve(client: Client, tls_only: bool, parts: Arc<Parts>) {
    let connected = Instant::now();
    let welcome = tokio::select! {
        welcome = door::greet(client, tls_only, &parts) => welcome,
        () = parts.tasks.stopping() => return,
    };
    if let Some(client) = welcome {
        answer_all(client, connected, parts).await;
    }
}

async fn answer_all(mut client: Client, connected: Instant, parts: Arc<Parts>) {
    // The first request counts from connecting on, further ones from their heads on.
    let mut connected = Some(connected);
    loop {
        let head = tokio::select! {
            head = door::head(&mut client, &parts) => head,
            () = parts.tasks.stopping() => return,
        };
        let mut head = match head {
            Ok(head) => head,
            Err(NoHead::Refused(refusal)) => {
                client.asked = parts.logs.access.unreadable();
                let config = parts.config();
                let manner = Manner::parting(&config);
                let (found, began) = (answers::refused(&refusal).into(), Instant::now());
                let _ = conclude(&mut client, None, found, manner, began, &parts).await;
                return client.dismiss().await;
            }
            Err(NoHead::Gone) => return,
        };
        let began = connected.take().unwrap_or_else(Instant::now);
        if !door::admits(&mut client, &head, &parts) {
            return;
        }
        if door::wishes_tls(&client, &head, &parts) {
            // What it asked for is answered all the same, and over TLS already.
            let Some(secured) = door::upgrade(client, &parts).await else { return };
            client = secured;
        }
        let target = access::without_credentials(head.path());
        debug!(client = client.id, method = head.method, %target, "request");
        let config = parts.config();
        let meant = meant(&head, &client, &config);
        let route = route(meant.as_ref().unwrap_or(&head), config.compat);
        client.asked = parts.logs.access.asked(&head, || user(&route, &head, &parts));
        let route = door::hear(&client, &head, route, &parts);
        head = meant.unwrap_or(head);
        if config.compat == Compat::Strict {
            // Icecast speaks HTTP/1.0 whatever it is asked in: no chunks, and no second request.
            head.version = Version::Http10;
        }
        let Some((same, found)) = respond(client, route, &head, began, &parts).await else {
            return;
        };
        client = same;
        parts.counters.other_requests.add(1);
        let kept = config.compat == Compat::Sensible && is_kept(&head) && !client.is_reserved;
        // Icecast refuses HEAD, and sends the whole page that says so.
        let head_only = config.compat == Compat::Sensible && head.method == "HEAD";
        let manner = Manner { config: &config, version: head.version, kept, head_only };
        if conclude(&mut client, Some(&head), found, manner, began, &parts).await.is_err() {
            return;
        }
        if !kept {
            return client.dismiss().await;
        }
    }
}

/// The request that `head` is meant to be, if it is written oddly or its path is another's alias.
fn meant(head: &RequestHead, client: &Client, config: &Config) -> Option<RequestHead> {
    let plain = guest::meant(head, config);
    aliased(plain.as_ref().unwrap_or(head), client, config).or(plain)
}

fn aliased(head: &RequestHead, client: &Client, config: &Config) -> Option<RequestHead> {
    if config.files.aliases.is_empty() || !matches!(head.method.as_str(), "GET" | "HEAD") {
        return None;
    }
    let local = client.socket.local_addr().ok()?;
    let path = config.files.meant(head.path(), local)?;
    let query = &head.target[head.path().len()..];
    Some(RequestHead { target: path + query, ..head.clone() })
}

/// Lets the client have what it asks for. Gives it back with its answer, unless it has become a
/// source or a listener.
async fn respond(
    mut client: Client,
    route: Result<Route, Refusal>,
    head: &RequestHead,
    began: Instant,
    parts: &Arc<Parts>,
) -> Option<(Client, Found)> {
    let answered = match route {
        Ok(Route::Nothing) => return None,
        Ok(Route::Source(mount)) => match ingest::run(client, head, mount, parts).await {
            Ok(Departed { ip, asked, sent_bytes }) => {
                let (user_agent, stayed) = (head.headers.first("user-agent"), began.elapsed());
                let finished = Finished { ip, user_agent, status: 200, sent_bytes, stayed };
                parts.logs.access.write(asked.as_ref(), finished);
                return None;
            }
            Err((given_back, refusal)) => {
                client = *given_back;
                Err(refusal)
            }
        },
        Ok(Route::Listen(name)) if head.method == "GET" => {
            match listener::probed(&client, head, &name, parts).await {
                Some(answered) => answered,
                None => match listener::join(client, head, name, parts).await {
                    Ok(()) => return None,
                    Err((given_back, refusal)) => {
                        client = *given_back;
                        Err(refusal)
                    }
                },
            }
        }
        Ok(route) => {
            // These are made, unless there are such files.
            let made = matches!(route, Route::Playlist(..) | Route::StatusPage);
            let file = if made { files::find(head, parts).await.ok() } else { None };
            match file {
                Some(found) => return Some((client, found)),
                None => answer(route, head, &client, parts).await,
            }
        }
        Err(refusal) => Err(refusal),
    };
    let found = match answered {
        Err(Refusal::NotFound) => files::find(head, parts).await,
        answered => answered.map(Found::from),
    };
    Some((client, found.unwrap_or_else(|refusal| answers::refused(&refusal).into())))
}

/// Sends an answer and the file that goes with it, and logs the request that they end.
async fn conclude(
    client: &mut Client,
    head: Option<&RequestHead>,
    found: Found,
    manner: Manner<'_>,
    began: Instant,
    parts: &Parts,
) -> io::Result<()> {
    let Found { answer, part } = found;
    let mut sent = client.send(&answer, manner).await;
    if let (Ok(sent_bytes), Some(part)) = (&mut sent, part) {
        let (bytes, ended) = part.send(client, parts).await;
        *sent_bytes += bytes;
        if let Err(error) = ended {
            debug!(client = client.id, %error, "a file was not sent to its end");
            log(client, head, answer.status, *sent_bytes, began.elapsed(), parts);
            return Err(error);
        }
    }
    let sent_bytes = sent.as_ref().copied().unwrap_or_default();
    log(client, head, answer.status, sent_bytes, began.elapsed(), parts);
    sent.map(drop)
}

fn log(
    client: &Client,
    head: Option<&RequestHead>,
    status: u16,
    sent_bytes: u64,
    stayed: Duration,
    parts: &Parts,
) {
    let user_agent = head.and_then(|head| head.headers.first("user-agent"));
    let finished = Finished { ip: client.ip, user_agent, status, sent_bytes, stayed };
    parts.logs.access.write(client.asked.as_ref(), finished);
}

/// Whom the access log names: as in Icecast, the user of a mount that asks who listens.
fn user(route: &Result<Route, Refusal>, head: &RequestHead, parts: &Parts) -> Option<String> {
    let Ok(Route::Listen(name)) = route else { return None };
    let config = parts.config();
    let mount = config.mount(name);
    if mount.listeners.is_none() && mount.url_auth.is_none() {
        return None;
    }
    Some(auth::credentials(head)?.user)
}

/// Whether the connection can stay open after an answer: the client wishes it, and no body of
/// its request can be on the way.
fn is_kept(head: &RequestHead) -> bool {
    let wishes = match head.version {
        Version::Http11 => !head.headers.lists("connection", "close"),
        Version::Http10 | Version::Ice10 => head.headers.lists("connection", "keep-alive"),
    };
    let length = head.headers.first("content-length");
    let coded = head.headers.first("transfer-encoding").is_some();
    let bodiless = match head.method.as_str() {
        "GET" | "HEAD" | "OPTIONS" => length.is_none_or(|length| length == "0") && !coded,
        // A source that waits for 100 has sent nothing yet; one that announces nothing, neither.
        _ => head.headers.lists("expect", "100-continue") || length == Some("0"),
    };
    wishes && bodiless
}

async fn answer(
    route: Route,
    head: &RequestHead,
    client: &Client,
    parts: &Parts,
) -> Result<Answer, Refusal> {
    match route {
        Route::Admin(command) => {
            let answer = carry_out::answer(&command, head, client.ip, parts).await?;
            Ok(match &command.page {
                Some(name) => answers::as_page(name, answer),
                None => answer,
            })
        }
        Route::AdminCgi(query) => cgi::answer(&query, client, parts).await,
        Route::Health => {
            let stopping = parts.tasks.are_stopping();
            Ok(health::answer(parts.started, Timestamp::now(), stopping))
        }
        Route::Listen(name) => {
            listener::admission::identify(client, head, &name, parts).await?;
            let source = listener::heard(&name, parts).await?;
            Ok(listener::answer_to_head(&source, parts.config().mount(&name)))
        }
        Route::Options => Ok(answers::options()),
        Route::Metrics => metrics(head, client, parts).await,
        Route::Playlist(Playlist::M3u, name) => {
            let config = parts.config();
            let host = format!("{}:{}", config.hostname, parts.port);
            let (said, is_secure) = (head.headers.first("host"), client.socket.is_secure());
            Ok(answers::m3u(&name, said, is_secure, (config.scheme(), &host)))
        }
        Route::Playlist(Playlist::Vclt, name) => Ok(answers::vclt(&parts.snapshot().await, &name)),
        Route::Playlist(Playlist::Xspf, name) => Ok(answers::xspf(&parts.snapshot().await, &name)),
        Route::StatusPage => Ok(page::answer()),
        Route::StatusJson(mount) => {
            Ok(answers::status_json(&parts.snapshot().await, mount.as_deref()))
        }
        Route::Version => Ok(answers::version(&parts.snapshot().await)),
        Route::Nothing | Route::Source(_) => unreachable!("these have their own way"),
    }
}

/// The counts, of hidden mounts too for the administrator.
async fn metrics(head: &RequestHead, client: &Client, parts: &Parts) -> Result<Answer, Refusal> {
    let mut is_admin = false;
    if let Some(given) = auth::credentials(head) {
        let attempt = parts.logins.attempt(client.ip, Some(given)).await?;
        is_admin = parts.authority.is_admin(attempt.given());
        if !is_admin {
            return Err(attempt.failed().await);
        }
    }
    let snapshot = parts.snapshot().await;
    Ok(metrics::answer(&snapshot, &parts.config(), Process::now(), is_admin))
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::http::head::Headers;

    fn kept(method: &str, version: Version, lines: &[(&str, &str)]) -> bool {
        let headers: Headers =
            lines.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (method, target) = (method.to_owned(), "/x".to_owned());
        is_kept(&RequestHead { method, target, version, headers })
    }

    #[test]
    fn a_connection_is_kept_when_the_client_wishes_it() {
        assert!(kept("GET", Version::Http11, &[]));
        assert!(!kept("GET", Version::Http11, &[("Connection", "close")]));
        assert!(!kept("GET", Version::Http10, &[]));
        assert!(kept("GET", Version::Http10, &[("Connection", "Keep-Alive")]));
    }

    #[test]
    fn a_connection_on_which_a_body_may_follow_is_not_kept() {
        let alive = ("Connection", "Keep-Alive");
        assert!(!kept("SOURCE", Version::Http10, &[alive]));
        assert!(kept("SOURCE", Version::Http10, &[alive, ("Content-Length", "0")]));
        assert!(kept("PUT", Version::Http11, &[("Expect", "100-continue")]));
        assert!(!kept("PUT", Version::Http11, &[]));
        assert!(!kept("GET", Version::Http11, &[("Content-Length", "5")]));
    }
}

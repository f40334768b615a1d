//! One client, from its first byte to its role.
//!
//! A head is read within the header timeout and routed; then the connection becomes a source, is
//! handed to a fan as a listener, or gets an answer and, if it asked to be kept, may ask again.

use crate::admin::carry_out;
use crate::answer::{Answer, Manner};
use crate::auth;
use crate::client::{Client, NoHead};
use crate::door;
use crate::icecast::answers;
use crate::ingest;
use crate::listener;
use crate::logs::access::{self, Finished};
use crate::parts::Parts;
use crate::refusal::Refusal;
use crate::route::{Route, route};
use crate::status::page;
use common::http::head::{RequestHead, Version};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::debug;

/// Serves a client until it leaves or has found its role.
pub(crate) async fn serve(mut client: Client, parts: Arc<Parts>) {
    let connected = Instant::now();
    let is_welcome = tokio::select! {
        is_welcome = door::greet(&mut client, &parts) => is_welcome,
        () = parts.tasks.stopping() => return,
    };
    if is_welcome {
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
        let head = match head {
            Ok(head) => head,
            Err(NoHead::Refused(refusal)) => {
                client.asked = parts.logs.access.unreadable();
                let manner = Manner { version: Version::Http10, kept: false, head_only: false };
                let (answer, began) = (answers::refused(&refusal), Instant::now());
                let _ = conclude(&mut client, None, &answer, manner, began, &parts).await;
                return client.dismiss().await;
            }
            Err(NoHead::Gone) => return,
        };
        let began = connected.take().unwrap_or_else(Instant::now);
        if !door::admits(&mut client, &head, &parts) {
            return;
        }
        let target = access::without_credentials(head.path());
        debug!(client = client.id, method = head.method, %target, "request");
        let route = route(&head);
        client.asked = parts.logs.access.asked(&head, || user(&route, &head, &parts));
        let route = door::hear(&client, &head, route, &parts);
        let answer = match route {
            Ok(Route::Source(mount)) => {
                match ingest::run(&mut client, &head, mount, &parts).await {
                    Ok(sent_bytes) => {
                        let stayed = began.elapsed();
                        return log(&client, Some(&head), 200, sent_bytes, stayed, &parts);
                    }
                    Err(refusal) => answers::refused(&refusal),
                }
            }
            Ok(Route::Listen(name)) if head.method == "GET" => {
                match listener::join(client, &head, name, &parts).await {
                    Ok(()) => return,
                    Err((given_back, refusal)) => {
                        client = *given_back;
                        answers::refused(&refusal)
                    }
                }
            }
            Ok(route) => {
                answer(route, &head, &client, &parts).await.unwrap_or_else(|r| answers::refused(&r))
            }
            Err(refusal) => answers::refused(&refusal),
        };
        parts.counters.other_requests.add(1);
        let kept = is_kept(&head) && !client.is_reserved;
        let manner = Manner { version: head.version, kept, head_only: head.method == "HEAD" };
        if conclude(&mut client, Some(&head), &answer, manner, began, &parts).await.is_err() {
            return;
        }
        if !kept {
            return client.dismiss().await;
        }
    }
}

/// Sends an answer, and logs the request that it ends.
async fn conclude(
    client: &mut Client,
    head: Option<&RequestHead>,
    answer: &Answer,
    manner: Manner,
    began: Instant,
    parts: &Parts,
) -> io::Result<()> {
    let sent = client.send(answer, manner).await;
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
    parts.config().mount(name).listeners.as_ref()?;
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
        Route::Admin(command) => carry_out::answer(&command, head, client.ip, parts).await,
        Route::Listen(name) => {
            listener::admission::identify(client.ip, head, &name, parts).await?;
            let found = parts.registry.find(name.clone()).await.and_then(|mount| mount.on_air());
            let source = found.ok_or(Refusal::NotFound)?.source;
            Ok(listener::answer_to_head(&source, parts.config().mount(&name)))
        }
        Route::Options => Ok(answers::options()),
        Route::Playlist(name) => {
            let usual = format!("{}:{}", parts.config().hostname, parts.port);
            Ok(answers::playlist(&name, head.headers.first("host"), &usual))
        }
        Route::StatusPage => Ok(page::answer()),
        Route::StatusJson(mount) => {
            Ok(answers::status_json(&parts.snapshot().await, mount.as_deref()))
        }
        Route::Source(_) => unreachable!("a source has its own way"),
    }
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

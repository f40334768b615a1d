//! URL authentication: asking a backend about listeners and sources, and telling it of them.
//!
//! A *backend* is a web server of the station's own. Whoever is asked about waits for its answer
//! and nobody else does; what it is merely told waits in a line of its own, so that a crowd that
//! leaves keeps no newcomer waiting. Each backend has its own lines, with limits: one that is dead
//! or slow is nothing to the listeners of another. One task knows the backends; it asks none.

use crate::config::reload::LiveConfig;
use crate::config::upstream::{HttpAddress, Upstream};
use crate::config::url_auth::UrlAuth;
use crate::dial::{DialError, Dialler, Form};
use crate::icecast::auth_url;
use crate::mount::name::MountName;
use crate::tasks::Tasks;
use common::auth::{Credentials, Password};
use common::http::basic;
use common::http::head::ResponseHead;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, info, warn};

/// A handle on the backends. Clones are cheap.
#[derive(Clone, Debug)]
pub(crate) struct Backends {
    requests: mpsc::Sender<Request>,
    /// Knows whether somebody is left of whose going a backend is to be told.
    attended: Arc<watch::Sender<()>>,
    dialler: Dialler,
    config: LiveConfig,
    port: u16,
}

/// While this is held, there may be something to tell, even when the server stops.
#[derive(Debug)]
pub(crate) struct Attendance(#[expect(dead_code, reason = "held")] watch::Receiver<()>);

/// Where the server is, for those who are told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Here {
    pub(crate) hostname: String,
    pub(crate) port: u16,
}

/// Somebody who wants to listen.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    /// Its number among all connections.
    pub(crate) client: u64,
    /// What it asked for, as it wrote it.
    pub(crate) target: String,
    /// Who it says that it is.
    pub(crate) given: Option<Credentials>,
    /// Its address.
    pub(crate) ip: IpAddr,
    /// Its program, if it said so.
    pub(crate) agent: Option<String>,
    /// Lines of its request, each named as the backend is to see it.
    pub(crate) passed_on: Vec<(String, String)>,
}

/// Somebody who wants to send to a mount, or to give a command for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Applicant<'a> {
    pub(crate) mount: &'a MountName,
    pub(crate) ip: IpAddr,
    pub(crate) given: &'a Credentials,
    /// Whether it is a command.
    pub(crate) is_command: bool,
}

/// What a backend says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// No, and why, if it says so.
    No {
        /// Whether other credentials would not help.
        is_final: bool,
        /// Its reason.
        message: Option<String>,
    },
    /// Nothing, within the time that it has.
    Silence,
    /// Yes, for so long if it is not for ever.
    Yes(Option<Duration>),
}

/// A listener whose going the backend is told of: this is dropped when it goes.
#[derive(Debug)]
pub(crate) struct Visit {
    visitor: Visitor,
    auth: Arc<UrlAuth>,
    here: Here,
    began: Instant,
    requests: mpsc::Sender<Request>,
    /// Let go of after it has said so.
    #[expect(dead_code, reason = "held until this is dropped")]
    attendance: Attendance,
}

#[derive(Debug)]
enum Request {
    Find { server: Upstream, reply: oneshot::Sender<Arc<Backend>> },
    Tell(Telling),
}

/// Something that a backend is told.
#[derive(Debug)]
struct Telling {
    address: HttpAddress,
    authorization: String,
    body: String,
    time_max: Duration,
}

/// A backend's lines.
#[derive(Debug)]
struct Backend {
    server: Upstream,
    /// Turns of those who ask.
    asking: Semaphore,
    /// Turns of what it is told.
    telling: Semaphore,
    /// Room for what waits to be told.
    room: Arc<Semaphore>,
    /// Whether it answered when it was last spoken to.
    is_well: AtomicBool,
}

impl Backends {
    /// Starts the task that knows them, for a server on `port`.
    pub(crate) fn start(dialler: Dialler, config: LiveConfig, port: u16, tasks: &Tasks) -> Self {
        let (requests, mut asked) = mpsc::channel(REQUESTS_WAITING_MAX);
        let attended = Arc::new(watch::Sender::new(()));
        let backends = Self { requests, attended, dialler, config, port };
        let (teller, inside) = (backends.clone(), tasks.clone());
        tasks.spawn(async move {
            let mut known = Known::default();
            let over = async {
                inside.stopping().await;
                // Whoever is let go now is still to be told of.
                teller.attended.closed().await;
            };
            tokio::pin!(over);
            loop {
                let request = tokio::select! {
                    biased;
                    request = asked.recv() => request,
                    () = &mut over => break,
                };
                let Some(request) = request else { return };
                teller.serve(request, &mut known, &inside);
            }
            while let Ok(request) = asked.try_recv() {
                teller.serve(request, &mut known, &inside);
            }
        });
        backends
    }

    fn serve(&self, request: Request, known: &mut Known, tasks: &Tasks) {
        match request {
            Request::Find { server, reply } => {
                // Who asked and went away does without.
                let _ = reply.send(known.find(server));
            }
            Request::Tell(telling) => {
                let backend = known.find(telling.address.server.clone());
                self.tell(telling, backend, tasks);
            }
        }
    }

    /// Lets backends be told of something until this is dropped, even when the server stops.
    pub(crate) fn attend(&self) -> Attendance {
        Attendance(self.attended.subscribe())
    }

    /// Whether `visitor` may listen; yes, where nobody is to be asked.
    pub(crate) async fn admit(&self, auth: &UrlAuth, visitor: &Visitor) -> Verdict {
        let Some(address) = &auth.listener_add else { return Verdict::Yes(None) };
        let body = auth_url::listener_add(visitor, &self.here());
        self.ask(auth, address, visitor.given.as_ref(), &body).await
    }

    /// Whether `applicant` may send; `None` where nobody is to be asked.
    pub(crate) async fn engage(&self, auth: &UrlAuth, applicant: Applicant<'_>) -> Option<Verdict> {
        let address = auth.stream_auth.as_ref()?;
        let body = auth_url::stream_auth(&applicant, &self.here());
        Some(self.ask(auth, address, None, &body).await)
    }

    /// What tells the backend when `visitor` goes; `None` if it does not want to know.
    pub(crate) fn visit(&self, auth: &Arc<UrlAuth>, visitor: Visitor) -> Option<Box<Visit>> {
        auth.listener_remove.as_ref()?;
        let (auth, requests) = (Arc::clone(auth), self.requests.clone());
        let (here, began, attendance) = (self.here(), Instant::now(), self.attend());
        Some(Box::new(Visit { visitor, auth, here, began, requests, attendance }))
    }

    /// Tells the backend of `mount`, if there is one, that it has a source or has lost it.
    pub(crate) fn tell_of_mount(&self, mount: &MountName, has_source: bool) {
        let config = self.config.now();
        let Some(auth) = &config.mount(mount).url_auth else { return };
        let address = if has_source { &auth.mount_add } else { &auth.mount_remove };
        let Some(address) = address else { return };
        let body = auth_url::mount(mount.as_str(), has_source, &self.here());
        send(&self.requests, Telling::of(auth, address, None, body));
    }

    fn here(&self) -> Here {
        Here { hostname: self.config.now().hostname.clone(), port: self.port }
    }

    async fn ask(
        &self,
        auth: &UrlAuth,
        address: &HttpAddress,
        given: Option<&Credentials>,
        body: &str,
    ) -> Verdict {
        let (reply, found) = oneshot::channel();
        let find = Request::Find { server: address.server.clone(), reply };
        let asking = async {
            self.requests.send(find).await.ok()?;
            let backend = found.await.ok()?;
            let answering = async {
                let _turn = backend.asking.acquire().await;
                let authorization = authorization(auth, given);
                self.post(address, &authorization, body, auth.timeout).await
            };
            let silent =
                || DialError::Silent { server: address.server.clone(), time: auth.timeout };
            let answer = timeout(auth.timeout, answering).await;
            let answer = answer.unwrap_or_else(|_| Err(silent()));
            backend.note(answer.as_ref().err());
            answer.ok()
        };
        asking.await.map_or(Verdict::Silence, |head| verdict(&head, auth))
    }

    /// Has a backend told, in a task of its own that nobody waits for.
    fn tell(&self, telling: Telling, backend: Arc<Backend>, tasks: &Tasks) {
        let Ok(room) = Arc::clone(&backend.room).try_acquire_owned() else {
            let server = &backend.server;
            debug!(%server, "it has {TELLINGS_WAITING_MAX} things to be told; this one is not");
            return;
        };
        let (backends, stopping) = (self.clone(), tasks.clone());
        tasks.spawn(async move {
            let telling = async {
                let _turn = backend.telling.acquire().await;
                let Telling { address, authorization, body, time_max } = &telling;
                let answer = backends.post(address, authorization, body, *time_max).await;
                backend.note(answer.as_ref().err());
            };
            let over = async {
                stopping.stopping().await;
                sleep(FAREWELL_TIME_MAX).await;
            };
            tokio::select! {
                _ = timeout(TELLING_TIME_MAX, telling) => {}
                () = over => {}
            }
            drop(room);
        });
    }

    async fn post(
        &self,
        address: &HttpAddress,
        authorization: &str,
        body: &str,
        time_max: Duration,
    ) -> Result<ResponseHead, DialError> {
        let config = self.config.now();
        let agent = crate::answer::server_id(&config);
        let form = Form { address, authorization: Some(authorization), agent, body, time_max };
        self.dialler.post(form).await
    }
}

impl Telling {
    fn of(
        auth: &UrlAuth,
        address: &HttpAddress,
        given: Option<&Credentials>,
        body: String,
    ) -> Self {
        let (address, time_max) = (address.clone(), auth.timeout);
        Self { address, authorization: authorization(auth, given), body, time_max }
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let Self { visitor, auth, here, began, requests, attendance: _ } = self;
        let Some(address) = &auth.listener_remove else { return };
        let body = auth_url::listener_remove(visitor, began.elapsed().as_secs(), here);
        send(requests, Telling::of(auth, address, visitor.given.as_ref(), body));
    }
}

/// Sends without waiting: whoever sends has listeners to serve.
fn send(requests: &mpsc::Sender<Request>, telling: Telling) {
    if requests.try_send(Request::Tell(telling)).is_err() {
        debug!("a backend is not told: the server stops, or {REQUESTS_WAITING_MAX} wait already");
    }
}

/// Who we are: whom the configuration says, else the listener, else nobody, as Icecast has it.
fn authorization(auth: &UrlAuth, given: Option<&Credentials>) -> String {
    let nobody = Credentials { user: String::new(), password: Password::new("") };
    basic::written(auth.credentials.as_ref().or(given).unwrap_or(&nobody))
}

/// What an answer means. Only its lines count, whatever its status; but a backend that says 403
/// does not want to be asked again.
fn verdict(head: &ResponseHead, auth: &UrlAuth) -> Verdict {
    let says_yes = head.headers.iter().any(|(name, value)| {
        let begins = value.get(..auth.yes.value.len());
        name.eq_ignore_ascii_case(&auth.yes.name)
            && begins.is_some_and(|begins| begins.eq_ignore_ascii_case(&auth.yes.value))
    });
    if says_yes {
        let limit = head.headers.first(&auth.time_limit_header);
        let seconds = limit.and_then(|limit| limit.trim().parse().ok());
        return Verdict::Yes(seconds.filter(|seconds| *seconds > 0).map(Duration::from_secs));
    }
    let message = head.headers.first(MESSAGE_HEADER).map(shown).filter(|text| !text.is_empty());
    Verdict::No { is_final: head.status == FORBIDDEN, message }
}

/// A text of the backend's, in one line of reasonable length.
fn shown(text: &str) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    text.trim().chars().map(clean).take(MESSAGE_CHARS_MAX).collect()
}

impl Backend {
    fn new(server: Upstream) -> Self {
        Self {
            server,
            asking: Semaphore::new(ASKING_AT_ONCE_MAX),
            telling: Semaphore::new(TELLING_AT_ONCE_MAX),
            room: Arc::new(Semaphore::new(TELLINGS_WAITING_MAX)),
            is_well: AtomicBool::new(true),
        }
    }

    /// Notes how it is: the log says when that changes, not each time.
    fn note(&self, error: Option<&DialError>) {
        let was_well = self.is_well.swap(error.is_none(), Ordering::Relaxed);
        let server = &self.server;
        match error {
            Some(error) if was_well => warn!("URL authentication: {error}"),
            Some(error) => debug!("URL authentication: {error}"),
            None if !was_well => info!(%server, "URL authentication: it answers again"),
            None => {}
        }
    }
}

/// The backends that have been spoken to.
#[derive(Debug, Default)]
struct Known(HashMap<Upstream, Arc<Backend>>);

impl Known {
    fn find(&mut self, server: Upstream) -> Arc<Backend> {
        if self.0.len() >= BACKENDS_MAX && !self.0.contains_key(&server) {
            // Those that nobody asks are forgotten.
            self.0.retain(|_, backend| Arc::strong_count(backend) > 1);
        }
        let backend = self.0.entry(server);
        Arc::clone(backend.or_insert_with_key(|server| Arc::new(Backend::new(server.clone()))))
    }
}

/// The line of an answer that says why.
const MESSAGE_HEADER: &str = "icecast-auth-message";
/// The most characters of that reason that are told and logged.
const MESSAGE_CHARS_MAX: usize = 200;
const FORBIDDEN: u16 = 403;
/// Questions to one backend at once; a further listener waits its turn, within the time that it
/// has. A web server with a pool of workers is not overrun by a crowd that returns.
const ASKING_AT_ONCE_MAX: usize = 64;
/// Things that one backend is told at once.
const TELLING_AT_ONCE_MAX: usize = 8;
/// Things that may wait to be told to one backend; further ones are not told.
const TELLINGS_WAITING_MAX: usize = 10_000;
/// How long something may wait and be told; after that nobody needs to know it.
const TELLING_TIME_MAX: Duration = Duration::from_secs(120);
/// How long the server, once it stops, waits for a backend to be told what there is to tell; the
/// drain grace ends it too.
const FAREWELL_TIME_MAX: Duration = Duration::from_secs(3);
/// Requests that may wait for the task that knows the backends.
const REQUESTS_WAITING_MAX: usize = 16_384;
/// Backends that are remembered.
const BACKENDS_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use common::http::head::{Headers, Version};

    fn head(status: u16, lines: &[(&str, &str)]) -> ResponseHead {
        let headers: Headers =
            lines.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        ResponseHead { status, reason: String::new(), version: Version::Http11, headers }
    }

    fn said(status: u16, lines: &[(&str, &str)]) -> Verdict {
        verdict(&head(status, lines), &UrlAuth::default())
    }

    #[test]
    fn only_the_line_says_yes_whatever_the_status_and_its_case() {
        for (status, line) in [
            (200, ("icecast-auth-user", "1")),
            (403, ("Icecast-Auth-User", "1")),
            (200, ("ICECAST-AUTH-USER", "1 and more")),
        ] {
            assert_eq!(said(status, &[line]), Verdict::Yes(None), "{line:?}");
        }
        for line in [("icecast-auth-user", "0"), ("icecast-auth-user", ""), ("x", "1")] {
            let no = Verdict::No { is_final: false, message: None };
            assert_eq!(said(200, &[line]), no, "{line:?}");
        }
    }

    #[test]
    fn a_yes_may_be_for_so_many_seconds() {
        let yes = ("icecast-auth-user", "1");
        let limited = |seconds| said(200, &[yes, ("Icecast-Auth-Timelimit", seconds)]);

        assert_eq!(limited(" 90 "), Verdict::Yes(Some(Duration::from_secs(90))));
        for odd in ["0", "-1", "soon", ""] {
            assert_eq!(limited(odd), Verdict::Yes(None), "{odd}");
        }
    }

    #[test]
    fn a_no_may_give_its_reason_and_be_final() {
        let message = Some("pay first".to_owned());
        let line = ("icecast-auth-message", "pay\tfirst");

        assert_eq!(said(200, &[line]), Verdict::No { is_final: false, message: message.clone() });
        assert_eq!(said(403, &[line]), Verdict::No { is_final: true, message });
    }

    #[test]
    fn backends_that_nobody_asks_are_forgotten() {
        let mut known = Known::default();
        let server = |port| Upstream { host: "a".to_owned(), port, tls: false };
        let held = known.find(server(1));

        for port in 2..2_000 {
            known.find(server(port));
        }

        assert!(known.0.len() <= BACKENDS_MAX, "{}", known.0.len());
        assert!(Arc::ptr_eq(&held, &known.find(server(1))));
    }
}

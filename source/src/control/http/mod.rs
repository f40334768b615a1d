//! Control by HTTP: the state and the commands as JSON, events as they happen, and counts.
//!
//! `GET /status` is the whole state, `GET /events` what changes in it, `GET /metrics` what
//! Prometheus collects; `POST` does something. What there is stands in `routes`, and is told to
//! whoever asks for `/openapi.json`. HTTP itself is the library's; what stands here are the limits:
//! of connections, of heads, bodies and time.
//!
//! Answers are made from what the parts of the station told last, so nobody waits for a part.

mod follow;
mod guard;
mod metrics;
mod refusal;
mod routes;

use crate::control::console::{Console, Said};
use crate::control::http::follow::{Events, Kinds, follow};
use crate::control::http::guard::{Asker, Guard};
use crate::control::http::refusal::{Problem, Refusal, status};
use crate::control::http::routes::{Call, Does, Found, Page, Route, find};
use crate::control::state::Moment;
use crate::tasks::Tasks;
use bytes::Bytes;
use common::auth::Password;
use http_body_util::{BodyExt as _, Either, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

pub use routes::{Done, Line, Reloaded, Reply, Requested, Wanted};

/// Takes connections, from whichever sockets it is given.
#[derive(Clone)]
pub struct Http {
    console: Arc<Console>,
    routes: Arc<[Route]>,
    guard: Arc<Guard>,
    connections: Arc<Semaphore>,
    /// Touched when anything has changed.
    changes: watch::Receiver<()>,
    /// Everything ends when the sender of this is dropped.
    stop: watch::Receiver<()>,
    tasks: Tasks,
}

type Answer = Response<Either<Full<Bytes>, Events>>;

impl Http {
    /// A server for `console` that ends when the sender of `stop` is dropped, and asks for
    /// `password` if there is one; `changes` is touched when anything has changed.
    pub fn new(
        console: Arc<Console>,
        password: Option<Password>,
        changes: watch::Receiver<()>,
        stop: watch::Receiver<()>,
        tasks: Tasks,
    ) -> Self {
        let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let guard = Arc::new(Guard::new(password));
        Self { console, routes: routes::routes().into(), guard, connections, changes, stop, tasks }
    }

    /// Takes connections.
    pub async fn serve(self, listener: TcpListener) {
        let mut stop = self.stop.clone();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((socket, _)) => self.begin(socket),
                    Err(error) => {
                        warn!("a connection for control cannot begin: {error}");
                        sleep(ACCEPT_REST).await; // the system has no more sockets for us
                    }
                },
                _ = stop.changed() => return,
            }
        }
    }

    /// Begins a connection, if there is room for one more; one without room is closed at once.
    fn begin(&self, socket: TcpStream) {
        let Ok(place) = Arc::clone(&self.connections).try_acquire_owned() else {
            warn!("more than {CONNECTIONS_MAX} connections for control; one more is turned away");
            return;
        };
        prepare(&socket);
        let server = self.clone();
        let mut stop = self.stop.clone();
        self.tasks.spawn(async move {
            let service = service_fn(|request| {
                let server = server.clone();
                async move { Ok::<_, Infallible>(server.answer(request).await) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_MAX)
                .max_buf_size(HEAD_BYTES_MAX)
                .max_headers(HEADERS_MAX)
                .serve_connection(TokioIo::new(socket), service);
            tokio::select! {
                served = connection => if let Err(error) = served {
                    debug!("a connection for control has ended: {error}");
                },
                _ = stop.changed() => {}
            }
            drop(place);
        });
    }

    async fn answer(&self, request: Request<Incoming>) -> Answer {
        match self.carried_out(request).await {
            Ok(answer) => answer,
            Err(refusal) => refused(&refusal).await,
        }
    }

    async fn carried_out(&self, request: Request<Incoming>) -> Result<Answer, Refusal> {
        let (head, body) = request.into_parts();
        self.guard.admit(asker(&head.headers))?;
        let (route, name) = match find(&self.routes, head.method.as_str(), head.uri.path()) {
            Found::Route(route, name) => (route, name),
            Found::OtherVerb(allowed) => return Err(Refusal::Method { allowed }),
            Found::Nothing => return Err(Refusal::NoSuchPath),
        };
        let body = whole(body).await?;
        match &route.does {
            Does::Answer(run) => {
                let (console, parts) = (Arc::clone(&self.console), self.console.parts());
                let page = run(&Call { console, parts, name, body, now: Moment::now() })?;
                Ok(shown(page))
            }
            Does::Describe => Ok(shown(Page::json(&routes::described(&self.routes)))),
            Does::Reload => {
                let lines = self.console.reload().await?;
                Ok(shown(Page::json(&Reloaded { lines })))
            }
            Does::Say => {
                let Line { line } = routes::read(&body)?;
                let reply = match self.console.answer(line.trim()).await {
                    Said::Body(body) => body,
                    Said::Bye => String::new(),
                };
                Ok(shown(Page::json(&Reply { reply })))
            }
            Does::Follow => {
                let (sender, events) = Events::new();
                let kinds = Kinds::read(head.uri.query().unwrap_or_default());
                let console = Arc::clone(&self.console);
                self.tasks.spawn(follow(console, kinds, self.changes.clone(), sender));
                Ok(answer(StatusCode::OK, "text/event-stream", Either::Right(events)))
            }
        }
    }
}

/// A peer that vanishes, or does not read, shall be noticed.
fn prepare(socket: &TcpStream) {
    drop(socket.set_nodelay(true)); // a wish; without it, events travel late
    #[cfg(target_os = "linux")]
    drop(socket2::SockRef::from(socket).set_tcp_user_timeout(Some(WRITE_MAX))); // a wish, too
}

fn asker(headers: &HeaderMap) -> Asker<'_> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    Asker {
        authorization: text(header::AUTHORIZATION),
        host: text(header::HOST),
        origin: text(header::ORIGIN),
    }
}

/// All of a body.
async fn whole(body: Incoming) -> Result<Bytes, Refusal> {
    match timeout(BODY_MAX, Limited::new(body, BODY_BYTES_MAX).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(_)) => Err(Refusal::BodyTooLarge { bytes_max: BODY_BYTES_MAX }),
        Err(_) => Err(Refusal::BodySlow { seconds: BODY_MAX.as_secs() }),
    }
}

fn shown(page: Page) -> Answer {
    answer(StatusCode::OK, page.content_type, Either::Left(page.text.into()))
}

fn answer(
    status: StatusCode,
    content_type: &'static str,
    body: Either<Full<Bytes>, Events>,
) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

/// What is said to a refused request; after a wrong password not at once, and the connection ends.
async fn refused(refusal: &Refusal) -> Answer {
    let page = Page::json(&Problem { error: refusal.to_string() });
    let status = StatusCode::from_u16(status(refusal)).unwrap_or(StatusCode::BAD_REQUEST);
    let mut answer = answer(status, page.content_type, Either::Left(page.text.into()));
    let headers = answer.headers_mut();
    if status == StatusCode::UNAUTHORIZED {
        sleep(GUESS_REST).await;
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    if let Refusal::Method { allowed } = refusal {
        headers.insert(header::ALLOW, HeaderValue::from_static(allowed));
    }
    answer
}

/// Connections at a time; more are turned away.
pub const CONNECTIONS_MAX: usize = 64;
/// A head may take so long, and so may the wait for the next one.
pub const HEAD_MAX: Duration = Duration::from_secs(30);
/// Bytes of a head.
pub const HEAD_BYTES_MAX: usize = 16 * 1_024;
/// Lines of a head.
pub const HEADERS_MAX: usize = 64;
/// Bytes of a body.
pub const BODY_BYTES_MAX: usize = 64 * 1_024;
/// A body may take so long.
pub const BODY_MAX: Duration = Duration::from_secs(5);
/// A peer that takes nothing for so long is given up.
pub const WRITE_MAX: Duration = Duration::from_secs(10);
/// Whoever guesses passwords has to wait so long after each.
pub const GUESS_REST: Duration = Duration::from_secs(1);
const ACCEPT_REST: Duration = Duration::from_millis(200);
const CHALLENGE: &str = "Basic realm=\"carrier-source\", charset=\"UTF-8\"";

#[cfg(test)]
mod tests;

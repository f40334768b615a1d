//! What can be asked by HTTP: one table, from which requests are led and the description is made.
//!
//! A line of the table holds the function that answers, and the types of what it takes and gives
//! are taken from that function, so the description cannot say anything else than what is done.

use super::metrics;
use super::refusal::{Problem, Refusal};
use crate::control::console::{
    ChannelEnd, Console, OutputEnd, Parts, PlaylistEnd, QueueEnd, Refused,
};
use crate::control::news::News;
use crate::control::state::{
    ChannelState, Moment, OutputState, PlaylistState, QueueState, SoundState, State,
};
use crate::programme::Command;
use bytes::Bytes;
use common::http::percent;
use common::metrics::CONTENT_TYPE;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// One request, as the function that answers it sees it.
pub(super) struct Call {
    pub(super) console: Arc<Console>,
    pub(super) parts: Arc<Parts>,
    /// What stands in the place of the braces in the path.
    pub(super) name: String,
    pub(super) body: Bytes,
    pub(super) now: Moment,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) content_type: &'static str,
    pub(super) text: String,
}

/// Something that can be asked.
pub(super) struct Route {
    verb: &'static str,
    /// Its path; a segment in braces is a name.
    path: &'static str,
    what: &'static str,
    takes: Option<SchemaOf>,
    gives: Gives,
    pub(super) does: Does,
}

/// How a request is answered.
pub(super) enum Does {
    /// At once.
    Answer(Run),
    /// By the description of all this.
    Describe,
    /// By events, as they happen.
    Follow,
    /// By [`Reloaded`], once the configuration has been read again.
    Reload,
    /// By the [`Reply`] to a [`Line`].
    Say,
}

/// What an answer is.
enum Gives {
    Events(SchemaOf),
    Json(SchemaOf),
    Text(&'static str),
}

/// Answers at once.
type Run = Box<dyn Fn(&Call) -> Result<Page, Refusal> + Send + Sync>;
type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// A line as telnet takes it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The line, such as `stream-queue.skip`.
    pub line: String,
}

/// A track that somebody wants to hear.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// Its file, which may be annotated: `annotate:title="Mine":/music/a.mp3`.
    pub uri: String,
}

/// Where somebody wants a parameter of an effect.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Turned {
    /// What it is called: the effect's id, a dot, and its own name.
    pub(super) parameter: String,
    /// What it shall be.
    pub(super) value: Wish,
}

/// What a parameter shall be.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Wish {
    /// This number, in the parameter's unit.
    Number(f64),
    /// On or off.
    Switch(bool),
    /// What a configuration would say, such as `250ms`.
    Text(String),
}

/// That a track is asked for.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Requested {
    /// The number of the request.
    pub request: u64,
}

/// What telnet says to a line.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Reply {
    /// The reply, without its frame.
    pub reply: String,
}

/// What has become of another configuration.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Reloaded {
    /// What was applied, and what needs a restart, a line each.
    pub lines: Vec<String>,
}

/// That something is done, or will be at once.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Done {
    /// True.
    pub done: bool,
}

/// What a request asks for.
pub(super) enum Found<'r> {
    /// This route, with this name in the place of the braces.
    Route(&'r Route, String),
    /// It is there, but takes another method.
    OtherVerb(&'static str),
    /// It is not there.
    Nothing,
}

/// Everything that can be asked.
pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/channels/{channel}", "What a channel is doing.", |call| {
            call.channel().map(ChannelState::of)
        }),
        post("/channels/{channel}/skip", "Ends the track that plays on a channel.", |call| {
            done(call.channel()?.wish(Command::Skip))
        }),
        get("/channels/{channel}/sound", "What a channel's effects are set to.", |call| {
            call.channel().map(SoundState::of)
        }),
        post_with("/channels/{channel}/sound", TURN, |call, Turned { parameter, value }| {
            let text = match value {
                Wish::Number(value) => value.to_string(),
                Wish::Switch(is_on) => is_on.to_string(),
                Wish::Text(text) => text,
            };
            let turned = call.channel()?.turn(&parameter, &text);
            turned.map_err(|error| Refusal::not_turned(&parameter, error))?;
            done(Ok(()))
        }),
        say("/command", "Does what a line of telnet would."),
        other("/events", EVENTS, Gives::Events(schema_of::<News>), Does::Follow),
        metrics_page(),
        other(
            "/openapi.json",
            "This description.",
            Gives::Json(schema_of::<Value>),
            Does::Describe,
        ),
        get("/outputs/{output}", "What an output is doing.", |call| {
            Ok(OutputState::of(call.output()?, call.now))
        }),
        post("/outputs/{output}/start", "Puts an output on the air.", |call| {
            call.output()?.wanted.send_replace(true);
            done(Ok(()))
        }),
        post("/outputs/{output}/stop", "Takes an output off the air.", |call| {
            call.output()?.wanted.send_replace(false);
            done(Ok(()))
        }),
        get("/playlists/{playlist}", "What a playlist is made of.", |call| {
            call.playlist().map(PlaylistState::of)
        }),
        post("/playlists/{playlist}/reload", "Reads a playlist's files again.", |call| {
            call.playlist()?.watch.reload(Duration::ZERO);
            done(Ok(()))
        }),
        post("/playlists/{playlist}/skip", SKIP, |call| done(call.console.skip(call.playlist()?))),
        get("/queues/{queue}", "What waits in a queue.", |call| call.queue().map(QueueState::of)),
        post_with("/queues/{queue}/push", "Asks for a track.", |call, Wanted { uri }| {
            let request = call.queue()?.queue.push(&uri);
            request.map(|request| Requested { request }).map_err(|_| Refused::Busy.into())
        }),
        reload("/reload", RELOAD),
        get("/status", "The whole state.", |call| Ok(State::of(&call.console, call.now))),
    ]
}

/// The one of `routes` that a request with this `verb` and `path` is for.
pub(super) fn find<'r>(routes: &'r [Route], verb: &str, path: &str) -> Found<'r> {
    let verb = if verb == "HEAD" { "GET" } else { verb };
    let mut other = Found::Nothing;
    for route in routes {
        match route.name_in(path) {
            Some(name) if route.verb == verb => return Found::Route(route, name),
            Some(_) => other = Found::OtherVerb(route.verb),
            None => {}
        }
    }
    other
}

/// The description of `routes`, as OpenAPI 3.1 has it.
pub(super) fn described(routes: &[Route]) -> Value {
    let settings = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into());
    let mut generator = settings.into_generator();
    let mut paths = serde_json::Map::new();
    for route in routes {
        let operation = route.operation(&mut generator);
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.verb.to_lowercase()] = operation;
    }
    let schemas = generator.take_definitions(true);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "carrier-source",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What a station is doing, and how to tell it to do something else.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "basic": { "type": "http", "scheme": "basic" },
                "bearer": { "type": "http", "scheme": "bearer" },
            },
        },
        "security": [{}, { "bearer": [] }, { "basic": [] }],
    })
}

impl Route {
    /// What stands in `path` for the name in braces; empty if there are none; `None` if the path
    /// is another one.
    fn name_in(&self, path: &str) -> Option<String> {
        let mut name = String::new();
        let (mut own, mut other) = (self.path.split('/'), path.split('/'));
        loop {
            match (own.next(), other.next()) {
                (None, None) => return Some(name),
                (Some(braces), Some(segment)) if braces.starts_with('{') => {
                    name = String::from_utf8_lossy(&percent::decode(segment)).into_owned();
                }
                (Some(own), Some(other)) if own == other => {}
                (_, _) => return None,
            }
        }
    }

    /// The name of what stands in braces.
    fn braced(&self) -> Option<&'static str> {
        let rest = self.path.split_once('{')?.1;
        rest.split_once('}').map(|(name, _)| name)
    }

    fn operation(&self, generator: &mut SchemaGenerator) -> Value {
        let (media_type, schema) = match self.gives {
            Gives::Events(of) => ("text/event-stream", of(generator)),
            Gives::Json(of) => ("application/json", of(generator)),
            Gives::Text(media_type) => (media_type, generator.subschema_for::<String>()),
        };
        let problem = generator.subschema_for::<Problem>();
        let content =
            |media_type: &str, schema: Schema| json!({ media_type: { "schema": schema } });
        let mut operation = json!({
            "summary": self.what,
            "responses": {
                "200": { "description": "Done.", "content": content(media_type, schema) },
                "default": {
                    "description": "Why it is not.",
                    "content": content("application/json", problem),
                },
            },
        });
        if let Some(name) = self.braced() {
            let named = json!({ "name": name, "in": "path", "required": true });
            operation["parameters"] = json!([named]);
            operation["parameters"][0]["schema"] = json!({ "type": "string" });
        }
        if matches!(self.does, Does::Follow) {
            let kinds = json!({ "name": "kinds", "in": "query", "schema": { "type": "string" } });
            operation["parameters"] = json!([kinds]);
        }
        if let Some(of) = self.takes {
            let content = content("application/json", of(generator));
            operation["requestBody"] = json!({ "required": true, "content": content });
        }
        operation
    }
}

impl Call {
    fn channel(&self) -> Result<&ChannelEnd, Refusal> {
        self.parts.channel(&self.name).ok_or_else(|| self.no_such("channel"))
    }

    fn output(&self) -> Result<&OutputEnd, Refusal> {
        self.parts.output(&self.name).ok_or_else(|| self.no_such("output"))
    }

    fn playlist(&self) -> Result<&PlaylistEnd, Refusal> {
        self.parts.playlist(&self.name).ok_or_else(|| self.no_such("playlist"))
    }

    fn queue(&self) -> Result<&QueueEnd, Refusal> {
        self.parts.queue(&self.name).ok_or_else(|| self.no_such("queue"))
    }

    fn no_such(&self, kind: &'static str) -> Refusal {
        Refusal::NoSuch { kind, name: self.name.clone() }
    }
}

impl Page {
    /// `value` as JSON.
    pub(super) fn json(value: &impl Serialize) -> Self {
        let text = serde_json::to_string(value).expect("our values have no keys but texts");
        Self { content_type: "application/json", text }
    }
}

fn get<T: Serialize + JsonSchema + 'static>(
    path: &'static str,
    what: &'static str,
    answer: fn(&Call) -> Result<T, Refusal>,
) -> Route {
    let run = move |call: &Call| answer(call).map(|it| Page::json(&it));
    other(path, what, Gives::Json(schema_of::<T>), Does::Answer(Box::new(run)))
}

fn post<T: Serialize + JsonSchema + 'static>(
    path: &'static str,
    what: &'static str,
    answer: fn(&Call) -> Result<T, Refusal>,
) -> Route {
    Route { verb: "POST", ..get(path, what, answer) }
}

fn post_with<B: DeserializeOwned + JsonSchema + 'static, T: Serialize + JsonSchema + 'static>(
    path: &'static str,
    what: &'static str,
    answer: fn(&Call, B) -> Result<T, Refusal>,
) -> Route {
    let run = move |call: &Call| answer(call, read(&call.body)?).map(|it| Page::json(&it));
    let takes: Option<SchemaOf> = Some(schema_of::<B>);
    let (gives, does) = (Gives::Json(schema_of::<T>), Does::Answer(Box::new(run)));
    Route { verb: "POST", path, what, takes, gives, does }
}

/// What a body says.
pub(super) fn read<B: DeserializeOwned>(body: &[u8]) -> Result<B, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::NotJson(error.to_string()))
}

fn say(path: &'static str, what: &'static str) -> Route {
    let (takes, gives): (SchemaOf, SchemaOf) = (schema_of::<Line>, schema_of::<Reply>);
    let route = other(path, what, Gives::Json(gives), Does::Say);
    Route { verb: "POST", takes: Some(takes), ..route }
}

fn reload(path: &'static str, what: &'static str) -> Route {
    Route { verb: "POST", ..other(path, what, Gives::Json(schema_of::<Reloaded>), Does::Reload) }
}

fn other(path: &'static str, what: &'static str, gives: Gives, does: Does) -> Route {
    Route { verb: "GET", path, what, takes: None, gives, does }
}

fn metrics_page() -> Route {
    let run = |call: &Call| {
        let state = State::of(&call.console, call.now);
        let text = metrics::written(&state, metrics::Process::now());
        Ok(Page { content_type: CONTENT_TYPE, text })
    };
    let what = "Counts and levels for Prometheus.";
    other("/metrics", what, Gives::Text(CONTENT_TYPE), Does::Answer(Box::new(run)))
}

fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

fn done(outcome: Result<(), Refused>) -> Result<Done, Refusal> {
    outcome?;
    Ok(Done { done: true })
}

const EVENTS: &str = "\
    Events as they happen, each with its kind and JSON: first `status`, then `track`, `next`, \
    `link`, `levels` and `trouble`; `?kinds=track,link` asks for some of them.";
const RELOAD: &str = "\
    Reads the configuration again and applies what has changed in it. If it has mistakes, nothing \
    changes, and `error` names them, a line each.";
const TURN: &str = "\
    Sets a parameter of a channel's effects, without a click, until the configuration is read \
    again with other effects.";
const SKIP: &str = "\
    Ends the track that plays, wherever this playlist comes no later than what plays, once what \
    was just written to it has been read.";

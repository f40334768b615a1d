//! The layers of the two halves: which module may know which other of its crate.
//!
//! A table says it for each module, and the paths in the code are held against the table. Bytes
//! flow one way, so a module knows what lies downstream of it or beside it, never upstream. Tests
//! inside a module may use what they like; other crates are no business of these tables.

use crate::files::{self, File, assert_none};
use crate::masked::Masked;
use crate::paths::{NamedPath, paths};

/// A module and the modules of its crate it may use, beside itself and what is inside it.
type Layer = (&'static str, &'static [&'static str]);

/// May use every module: what builds the whole from its parts.
const EVERYTHING: &[&str] = &["*"];

/// The server. A module within a module follows its parent, unless it has a line of its own.
const SERVER: &[Layer] = &[
    (
        "accept",
        &[
            "answer",
            "client",
            "connection",
            "door",
            "icecast::answers",
            "parts",
            "mount::name",
            "refusal",
            "shoutcast",
            "socket",
            "status::counters",
        ],
    ),
    ("access", &["config", "kept_file", "tasks"]),
    ("admin", &["mount::on_air", "refusal"]),
    ("admin::bans", &["access", "admin", "answer", "icecast::answers", "parts", "refusal"]),
    (
        "admin::carry_out",
        &[
            "admin",
            "answer",
            "auth",
            "config",
            "dial",
            "icecast::answers",
            "mount",
            "parts",
            "refusal",
        ],
    ),
    (
        "admin::cgi",
        &[
            "admin",
            "answer",
            "client",
            "config",
            "icecast::answers",
            "mount::name",
            "parts",
            "refusal",
        ],
    ),
    ("admin::edges", &["admin", "answer", "edges::wording", "mount::name", "parts", "refusal"]),
    (
        "admin::users",
        &[
            "admin",
            "answer",
            "auth",
            "config",
            "icecast::answers",
            "mount::name",
            "parts",
            "refusal",
        ],
    ),
    ("answer", &["config"]),
    (
        "auth",
        &[
            "access",
            "answer",
            "config",
            "dial",
            "icecast::auth_url",
            "kept_file",
            "mount::name",
            "refusal",
            "tasks",
        ],
    ),
    ("cli", &["config", "config_file", "logs::events", "process", "server", "tls"]),
    ("client", &["answer", "logs::access", "refusal", "socket", "status::counters"]),
    ("config", &["mount::name"]),
    ("config_file", &["config", "icecast::config"]),
    (
        "connection",
        &[
            "admin",
            "answer",
            "auth",
            "client",
            "config",
            "door",
            "files",
            "guest",
            "icecast::answers",
            "ingest",
            "listener",
            "logs::access",
            "mount",
            "parts",
            "refusal",
            "route",
            "status",
        ],
    ),
    ("dial", &["config", "tasks"]),
    ("directory", &["answer", "config", "dial", "icecast::yp", "mount::name", "parts", "status"]),
    ("directory::board", &["config", "mount::name"]),
    ("door", &["access", "client", "config", "parts", "refusal", "route"]),
    ("edges", &["mount::name", "tasks"]),
    ("edges::table", &["mount::name"]),
    ("edges::wording", &["edges::table", "mount::name"]),
    ("files", &["answer", "client", "config", "parts", "refusal"]),
    ("files::kinds", &[]),
    ("files::place", &["files::wanted"]),
    ("files::wanted", &[]),
    ("guest", &["access", "config"]),
    ("hooks", &["config", "mount::name", "tasks"]),
    ("icecast", &[]),
    (
        "icecast::answers",
        &[
            "access::list",
            "admin",
            "answer",
            "auth",
            "config",
            "edges::table",
            "icecast::pages",
            "mount::fan",
            "mount::name",
            "refusal",
            "status",
        ],
    ),
    ("icecast::auth_url", &["auth"]),
    ("icecast::config", &["config", "mount::name"]),
    ("icecast::pages", &["answer"]),
    ("icecast::yp", &["icecast::answers", "mount::name", "status"]),
    (
        "ingest",
        &[
            "auth",
            "client",
            "config",
            "dial",
            "hooks",
            "logs::access",
            "mount",
            "parts",
            "refusal",
            "socket",
            "status::counters",
        ],
    ),
    ("ingest::archive", &["mount::name", "tasks"]),
    ("ingest::framer", &[]),
    ("ingest::session", &[]),
    ("kept_file", &[]),
    ("lib", EVERYTHING),
    (
        "listener",
        &[
            "access",
            "answer",
            "auth",
            "client",
            "config",
            "dial",
            "guest",
            "mount",
            "parts",
            "refusal",
            "status::counters",
            "switchboard",
            "via",
        ],
    ),
    ("logs", &["config", "mount::name"]),
    ("main", EVERYTHING),
    (
        "mount",
        &[
            "auth::census",
            "auth::url",
            "config",
            "logs",
            "refusal",
            "socket",
            "status::counters",
            "tasks",
        ],
    ),
    ("mount::fallback", &["mount::name"]),
    ("mount::feed", &["mount::stream"]),
    ("mount::name", &[]),
    ("mount::on_air", &[]),
    ("mount::stream", &[]),
    (
        "parts",
        &[
            "access",
            "auth",
            "config",
            "dial",
            "edges",
            "files",
            "hooks",
            "logs",
            "mount::registry",
            "relay",
            "status",
            "mount::name",
            "tasks",
            "tls",
            "via",
        ],
    ),
    ("process", &["config"]),
    ("refusal", &["mount::name"]),
    (
        "relay",
        &[
            "answer",
            "config",
            "dial",
            "edges::wording",
            "ingest",
            "mount",
            "parts",
            "refusal",
            "status::counters",
            "tasks",
        ],
    ),
    ("route", &["admin", "config", "mount::name", "refusal"]),
    ("server", EVERYTHING),
    (
        "shoutcast",
        &[
            "answer",
            "client",
            "door",
            "icecast::answers",
            "ingest",
            "logs::access",
            "mount::name",
            "parts",
        ],
    ),
    ("socket", &[]),
    ("status", &["answer", "config", "edges::table", "mount"]),
    ("status::counters", &[]),
    ("switchboard", &["config", "ingest", "mount", "parts"]),
    ("tasks", &[]),
    ("tls", &["config", "kept_file", "tasks"]),
    ("via", &["mount::name"]),
];

/// The source client, in the order of the alphabet; its bytes go from `playlist` to `push`.
const SOURCE: &[Layer] = &[
    ("alphabet", &[]),
    ("cli", &["config"]),
    ("clock", &[]),
    (
        "config",
        &[
            "alphabet",
            "encode",
            "fetch::address",
            "measure::extent",
            "mix::crossfade",
            "mix::signal",
            "playlist::hours",
            "playlist::item",
            "playlist::rules",
            "playlist::selection",
            "programme::blank",
            "sound",
            "tls",
            "treatment",
        ],
    ),
    (
        "control",
        &[
            "config::names",
            "encode",
            "fetch::address",
            "input",
            "lookahead",
            "playlist",
            "programme",
            "sound",
            "status",
        ],
    ),
    ("control::answer", &[]),
    ("control::ask", &["config::names"]),
    ("control::http", &["control", "programme", "tasks"]),
    ("control::news", &["control::state"]),
    (
        "control::state",
        &["control::console", "lookahead", "pcm", "playlist", "push::link", "status"],
    ),
    ("control::telnet", &["control", "tasks"]),
    ("control::telnet::lines", &[]),
    ("ctl", &["cli", "config", "control"]),
    ("cues", &[]),
    ("decode", &["alphabet", "cues", "passage", "pcm"]),
    ("encode", &["passage", "pcm", "resample", "tasks"]),
    ("fetch", &["tasks", "tls"]),
    ("fetch::address", &[]),
    ("import", &["alphabet", "config", "encode", "fetch::address", "mix::signal", "sound"]),
    ("input", &["decode", "fetch", "pcm", "tasks"]),
    ("input::disarm", &[]),
    ("input::door", &["input::title"]),
    ("input::reservoir", &["input::title", "pcm"]),
    ("input::title", &[]),
    ("lib", EVERYTHING),
    (
        "lookahead",
        &[
            "cues",
            "decode",
            "encode",
            "fetch",
            "input",
            "measure",
            "passage",
            "pcm",
            "playlist",
            "resample",
            "tasks",
            "treatment",
        ],
    ),
    ("main", EVERYTHING),
    ("measure", &["decode", "fetch::file", "pcm", "playlist", "tasks", "whole"]),
    ("measure::book", &["measure"]),
    ("measure::extent", &["measure", "pcm"]),
    ("measure::gauge", &["measure", "pcm"]),
    ("mix", &["pcm"]),
    ("passage", &[]),
    ("pcm", &[]),
    ("plan", &["lookahead", "playlist"]),
    ("playlist", &["alphabet", "fetch::address", "fetch::list", "input::feed", "whole"]),
    ("process", &[]),
    ("programme", &["clock", "encode", "lookahead", "mix", "passage", "pcm", "sound", "status"]),
    ("programme::blank", &["pcm"]),
    ("push", &["config", "encode", "status", "tasks", "tls"]),
    ("push::link", &[]),
    ("resample", &["pcm"]),
    ("sound", &["config::names", "pcm"]),
    ("state", &["playlist", "tasks", "whole"]),
    ("station", EVERYTHING),
    ("status", &["lookahead", "pcm", "push::link"]),
    ("tasks", &[]),
    ("tls", &["tasks"]),
    ("treatment", &["cues", "measure"]),
    ("whole", &[]),
];

/// Where `file` breaks the layers of the crate in `folder`, such as `server/src/`.
fn broken_layers(files: &[File], folder: &str, layers: &[Layer]) -> Vec<String> {
    let mut offences = Vec::new();
    for file in files.iter().filter(|file| !file.is_test()) {
        let Some(module) = file.path.strip_prefix(folder).map(module_of) else { continue };
        let Some((layer, may)) = layer_of(&module, layers) else {
            let what =
                "has no place among the layers; add it, with what it may use, to the table of";
            offences.push(file.offence(1, format!("`{module}` {what} tests/tidy/layers.rs")));
            continue;
        };
        for path in paths(&Masked::new(file.without_tests()).code) {
            let Some(used) = within_crate(&path, &module) else { continue };
            let allowed = |may: &str| may == "*" || used.is_in(may);
            if !used.is_in(layer) && !may.iter().any(|may| allowed(may)) {
                let what = format!("`{layer}` may use only {may:?}; see tests/tidy/layers.rs");
                offences.push(file.offence(path.line, format!("`{}`: {what}", used.text())));
            }
        }
    }
    offences
}

/// The module which a file holds, by its path inside `src/`.
fn module_of(path: &str) -> String {
    let path = path.strip_suffix(".rs").unwrap_or(path);
    path.strip_suffix("/mod").unwrap_or(path).replace('/', "::")
}

/// The line of the table which `module` follows: its own, or the nearest one around it.
fn layer_of(module: &str, layers: &[Layer]) -> Option<Layer> {
    let mut name = module;
    loop {
        if let Some(layer) = layers.iter().find(|layer| layer.0 == name) {
            return Some(*layer);
        }
        name = name.rsplit_once("::")?.0;
    }
}

/// The path inside our own crate that `path` means when `module` says it; `None` for other crates.
fn within_crate(path: &NamedPath, module: &str) -> Option<NamedPath> {
    let mut segments = path.segments.as_slice();
    let mut base: Vec<_> = module.split("::").map(str::to_owned).collect();
    match segments[0].as_str() {
        "crate" => (segments, base) = (&segments[1..], Vec::new()),
        "super" => {
            while segments.first().is_some_and(|segment| segment == "super") {
                base.pop();
                segments = &segments[1..];
            }
        }
        _ => return None,
    }
    Some(NamedPath { line: path.line, segments: [&base, segments].concat() })
}

#[test]
fn the_modules_of_the_server_know_only_what_their_layer_may() {
    assert_none(&broken_layers(&files::rust(), "server/src/", SERVER));
}

#[test]
fn the_modules_of_the_source_know_only_what_their_layer_may() {
    assert_none(&broken_layers(&files::rust(), "source/src/", SOURCE));
}

#[test]
fn a_module_that_looks_upstream_is_seen_however_it_says_it() {
    let bad = [
        ("server/src/mount/stream.rs", "use crate::listener::Feed;"),
        ("server/src/mount/stream.rs", "use super::registry::Registry;"),
        ("server/src/mount/mod.rs", "fn f() { super::ingest::open() }"),
        ("server/src/route.rs", "use crate::{config::Config, mount::{name::MountName, stream}};"),
        ("server/src/tasks.rs", "use crate::VERSION;"),
    ];
    for (path, text) in bad {
        let offences = broken_layers(&[File::new(path, text)], "server/src/", SERVER);
        assert_eq!(offences.len(), 1, "{path}: {text}: {offences:?}");
    }
}

#[test]
fn a_module_may_know_its_layer_itself_and_its_parts() {
    let good = [
        ("server/src/mount/registry.rs", "use super::stream::Writer;\nuse crate::mount::name;"),
        ("server/src/mount/mod.rs", "use crate::{mount::fallback::next, tasks::Tasks};"),
        (
            "server/src/listener/feed.rs",
            "// crate::ingest\nuse std::io;\nlet a = \"crate::relay\";",
        ),
        ("server/src/route.rs", "#[cfg(test)]\nmod tests {\n    use crate::relay;\n}\n"),
        ("server/src/server.rs", "use crate::relay;"),
        ("server/src/route/tests.rs", "use crate::relay;"),
        ("source/src/clock.rs", "use crate::push;"),
    ];
    for (path, text) in good {
        assert_none(&broken_layers(&[File::new(path, text)], "server/src/", SERVER));
    }
}

#[test]
fn a_module_without_a_layer_is_told_where_to_get_one() {
    let offences = broken_layers(&[File::new("server/src/new/a.rs", "")], "server/src/", SERVER);
    assert!(
        offences[0].starts_with("server/src/new/a.rs:1: `new::a` has no place"),
        "{offences:?}"
    );
}

#[test]
fn every_layer_names_only_modules_of_its_table() {
    for layers in [SERVER, SOURCE] {
        for (layer, may) in layers {
            for may in may.iter().filter(|may| **may != "*") {
                assert!(
                    layer_of(may, layers).is_some(),
                    "{layer} may use {may}, which has no layer"
                );
            }
        }
    }
}

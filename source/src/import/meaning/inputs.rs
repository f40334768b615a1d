//! Live inputs: `input.harbor` and `input.http`.

use super::{Given, Reader, Rules, Source, Value, unblanked, whole};

/// Where something live comes from.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::import) struct Input {
    pub(in crate::import) id: String,
    /// Keys of the configuration, with their texts.
    pub(in crate::import) keys: Vec<(&'static str, String)>,
    pub(in crate::import) rules: Rules,
}

impl Reader {
    /// `input.harbor(…)` or `input.http(…)`.
    pub(super) fn input(&mut self, callee: &str, given: &Given, line: usize) -> Value {
        let of_harbor = callee == "input.harbor";
        let keys = if of_harbor { self.harbor(given, line) } else { self.fetched(given, line) };
        let Some(mut keys) = keys else { return Value::Unknown };
        for (key, name, least, most) in
            [("buffer", "buffer", 0.5, 60.0), ("silence_max", "timeout", 1.0, 3_600.0)]
        {
            if let Some(seconds) = given.number(name) {
                keys.push((key, crate::import::seconds(seconds.clamp(least, most))));
            }
        }
        for (name, _) in &given.names {
            if UNHEARD.contains(&name.as_str()) {
                self.leave(line, line, format!("{callee}: {name} has no counterpart"));
            }
        }
        let id = given.text("id").map_or_else(|| callee.to_owned(), unblanked);
        let id = self.free(&id);
        self.meaning.inputs.push(Input { id, keys, rules: Rules::default() });
        self.source(Source::Live(self.meaning.inputs.len() - 1))
    }

    fn harbor(&mut self, given: &Given, line: usize) -> Option<Vec<(&'static str, String)>> {
        let text = |key: &str, usual: &str| match given.named(key) {
            None => Some(usual.to_owned()),
            Some(Value::Text(text)) => Some(text.clone()),
            Some(_) => None,
        };
        let texts = given.texts();
        let port = whole::<u16>(given.number("port").unwrap_or(8_005.0)).filter(|&port| port > 0);
        let (Some(mount), Some(port), Some(user), Some(password)) =
            (texts.first(), port, text("user", "source"), text("password", "hackme"))
        else {
            self.leave(line, line, "input.harbor: its mount, port, user or password");
            return None;
        };
        if given.named("password").is_none() {
            self.remark("the password for live sources is \"hackme\", as in the script; change it");
        }
        if given.named("icy") == Some(&Value::Bool(true)) {
            self.leave(line, line, "input.harbor: icy=true, for encoders of SHOUTcast");
        }
        let mount = format!("/{}", mount.trim_start_matches('/'));
        let listen = format!("0.0.0.0:{port}");
        Some(vec![("listen", listen), ("mount", mount), ("user", user), ("password", password)])
    }

    fn fetched(&mut self, given: &Given, line: usize) -> Option<Vec<(&'static str, String)>> {
        match given.texts().first() {
            Some(url) if url.starts_with("http://") || url.starts_with("https://") => {
                Some(vec![("url", url.clone())])
            }
            Some(_) | None => {
                self.leave(line, line, "input.http: where its stream is");
                None
            }
        }
    }

    /// Lets a live source begin at once, since its fallback does not wait for the end of a track.
    pub(super) fn let_live_interrupt(&mut self, number: usize) {
        self.meaning.inputs[number].rules.is_hard = true;
        self.remark(
            "what a live source interrupts does not go on behind it; interrupted = \"returns\" \
             would let it",
        );
    }
}

/// What of an input would be heard or done, and is not here.
const UNHEARD: [&str; 6] =
    ["auth", "dumpfile", "metadata_charset", "on_connect", "on_disconnect", "transport"];

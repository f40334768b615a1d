//! A configuration written as the TOML that says the same.
//!
//! What counts anyway is left out. Passwords stand in the text as they are, so it belongs in a file
//! that nobody else can read. Nothing here knows where a configuration came from.

mod mount;

use super::access::Access;
use super::directories::DirectoryConfig;
use super::files::{Files, HttpHeader};
use super::limits::{Limits, MountLimits};
use super::logs::{Level, LogTo, Logs};
use super::mounts::{MountConfig, Mounts};
use super::relays::{REPORT_INTERVAL, Relays};
use super::{
    ADMIN_USER, CONTACT, Compat, Config, HOSTNAME, LOCATION, Passwords, RELAY_USER, SOURCE_USER,
};
use common::auth::{Credentials, Password};
use common::config::variables;
use ipnet::IpNet;
use std::path::Path;
use std::time::Duration;
use toml::Value;

/// `config` as TOML, under a comment of these lines.
pub(crate) fn toml(config: &Config, comment: &[String]) -> String {
    let mut page = Page::default();
    comment.iter().for_each(|line| page.comment(line));
    let Config { mounts: Mounts { usual, rules }, .. } = config;
    page.section("[server]", "Where to listen, and what the server says of itself.", |page| {
        server(page, config);
    });
    for socket in &config.shoutcast {
        page.section("[[shoutcast]]", "Where SHOUTcast sources are taken.", |page| {
            page.line("listen", socket.address.to_string());
            page.line("mount", variables::escaped(socket.mount.as_str()));
        });
    }
    page.section("[tls]", "The certificate that is shown, and who is believed.", |page| {
        if let Some(tls) = &config.tls {
            page.path("certificate", Some(&tls.certificate), None);
            page.path("key", Some(&tls.key), Some(&tls.certificate));
        }
        page.path("trust", config.trust.as_deref(), None);
    });
    let about = "For sources without a password of their own, administrators and relays.";
    page.section("[passwords]", about, |page| passwords(page, &config.passwords, usual));
    let about = "Of the server, and of every mount that does not say otherwise.";
    page.section("[limits]", about, |page| {
        limits(page, &config.limits);
        mount::limits(page, &usual.limits, &MountLimits::default());
    });
    files(&mut page, &config.files);
    headers(&mut page, "[[http_header]]", &config.http_headers);
    page.section("[logs]", "Where they go, and when a file is put aside.", |page| {
        logs(page, &config.logs);
    });
    relays(&mut page, &config.relays);
    directories(&mut page, &config.directories);
    page.section("[access]", "Who may connect at all.", |page| access(page, &config.access));
    let plain = MountConfig {
        user: usual.user.clone(),
        password: usual.password.clone(),
        limits: usual.limits.clone(),
        ..MountConfig::default()
    };
    let about = "What holds for every mount that does not say otherwise.";
    mount::write(&mut page, "mount_defaults", about, usual, &plain);
    for (pattern, config) in rules {
        let name = format!("mounts.{}", quoted(pattern.as_str()));
        mount::write(&mut page, &name, "", config, usual);
    }
    page.text
}

fn relays(page: &mut Page, relays: &Relays) {
    for relay in &relays.each {
        page.section("[[relay]]", "A stream that is fetched from another server.", |page| {
            page.line("server", relay.server.to_string());
            page.line("mount", variables::escaped(&relay.mount));
            page.line("local_mount", variables::escaped(relay.local.as_str()));
            credentials(page, relay.credentials.as_ref());
            page.line("titles", relay.titles);
            page.line("on_demand", relay.on_demand);
            if let Some(bind) = relay.bind {
                page.line("bind_address", bind.to_string());
            }
        });
    }
    if let Some(master) = &relays.master {
        page.section("[master]", "The server whose every stream is fetched.", |page| {
            page.line("server", master.server.to_string());
            page.duration("update_interval", master.update_interval);
            credentials(page, master.credentials.as_ref());
            page.line("on_demand", master.on_demand);
            let interval = master.report_interval.unwrap_or_default();
            page.duration_unless("report_interval", interval, REPORT_INTERVAL);
        });
    }
}

fn directories(page: &mut Page, directories: &[DirectoryConfig]) {
    for directory in directories {
        page.section("[[directory]]", "Where public stations are announced.", |page| {
            let usual = DirectoryConfig::at(directory.url.clone());
            page.line("url", variables::escaped(&directory.url.to_string()));
            page.duration_unless("timeout", directory.timeout, usual.timeout);
            page.duration_unless("touch_interval", directory.touch_interval, usual.touch_interval);
            page.duration_unless("settle", directory.settle, usual.settle);
        });
    }
}

fn credentials(page: &mut Page, credentials: Option<&Credentials>) {
    if let Some(Credentials { user, password }) = credentials {
        page.line("user", variables::escaped(user));
        page.password("password", Some(password));
    }
}

fn server(page: &mut Page, config: &Config) {
    let usual = Config::of(Vec::new(), config.mounts.clone());
    let listen = config.listen.iter().map(|address| Value::from(address.to_string()));
    page.line("listen", Value::Array(listen.collect()));
    page.text_unless("hostname", &config.hostname, HOSTNAME);
    page.text_unless("location", &config.location, LOCATION);
    page.text_unless("contact", &config.contact, CONTACT);
    page.optional("server_id", config.server_id.as_deref(), usual.server_id.as_deref());
    page.texts("icy_agents", &config.icy_agents);
    if config.compat == Compat::Strict {
        page.line("compat", "strict");
    }
    page.path("pid_file", config.pid_file.as_deref(), None);
    if let Some(run_as) = &config.run_as {
        page.optional("run_as_user", run_as.user.as_deref(), None);
        page.optional("run_as_group", run_as.group.as_deref(), None);
    }
}

fn passwords(page: &mut Page, passwords: &Passwords, usual: &MountConfig) {
    page.text_unless("source_user", &usual.user, SOURCE_USER);
    page.password("source", usual.password.as_ref());
    page.text_unless("admin_user", &passwords.admin_user, ADMIN_USER);
    page.password("admin", passwords.admin.as_ref());
    page.text_unless("relay_user", &passwords.relay_user, RELAY_USER);
    page.password("relay", passwords.relay.as_ref());
}

fn limits(page: &mut Page, limits: &Limits) {
    let usual = Limits::default();
    page.number_unless("clients", limits.clients_max, usual.clients_max);
    page.number_unless("clients_reserved", limits.clients_reserved, usual.clients_reserved);
    page.number_unless("sources", limits.sources_max, usual.sources_max);
    page.number_unless("listeners_per_ip", limits.listeners_per_ip.unwrap_or_default(), 0);
    if limits.failed_logins_per_minute != usual.failed_logins_per_minute {
        let most = limits.failed_logins_per_minute.unwrap_or_default();
        page.line("failed_logins_per_minute", i64::from(most));
    }
    page.duration_unless("header_timeout", limits.header_timeout, usual.header_timeout);
    page.duration_unless("drain_grace", limits.drain_grace, usual.drain_grace);
}

fn files(page: &mut Page, files: &Files) {
    page.section("[files]", "What is served beside the streams.", |page| {
        page.path("webroot", files.webroot.as_deref(), None);
        if files.webroot.is_some() && !files.serve {
            page.line("serve", false);
        }
        page.path("mime_types", files.mime_types.as_deref(), None);
    });
    for alias in &files.aliases {
        page.section("[[files.alias]]", "", |page| {
            page.line("source", variables::escaped(&alias.source));
            page.line("destination", variables::escaped(&alias.destination));
            if let Some(port) = alias.port {
                page.line("port", i64::from(port));
            }
            if let Some(address) = alias.bind_address {
                page.line("bind_address", address.to_string());
            }
        });
    }
}

fn headers(page: &mut Page, heading: &str, headers: &[HttpHeader]) {
    for header in headers {
        page.section(heading, "", |page| {
            page.line("name", variables::escaped(&header.name));
            page.line("value", variables::escaped(&header.value));
            if let Some(status) = header.status {
                page.line("status", i64::from(status));
            }
        });
    }
}

fn logs(page: &mut Page, logs: &Logs) {
    let usual = Logs::default();
    let mut to = |key, to: &LogTo, usual: &LogTo| {
        if to != usual {
            page.line(
                key,
                match to {
                    LogTo::File(file) => variables::escaped(&file.to_string_lossy()),
                    LogTo::Nowhere => "none".to_owned(),
                    LogTo::Stderr => "stderr".to_owned(),
                    LogTo::Stdout => "stdout".to_owned(),
                },
            );
        }
    };
    to("access", &logs.access, &usual.access);
    to("error", &logs.error, &usual.error);
    to("playlist", &logs.playlist, &usual.playlist);
    if logs.level != usual.level {
        page.line(
            "level",
            match logs.level {
                Level::Debug => "debug",
                Level::Error => "error",
                Level::Info => "info",
                Level::Warn => "warn",
            },
        );
    }
    if logs.json {
        page.line("format", "json");
    }
    if let Some(bytes) = logs.rotate_bytes {
        page.line("rotate_size", i64::try_from(bytes).unwrap_or(i64::MAX));
    }
    page.flag_unless("archive", logs.archive, usual.archive);
}

fn access(page: &mut Page, access: &Access) {
    let mut networks = |key, networks: &[IpNet]| {
        let texts: Vec<_> = networks.iter().map(ToString::to_string).collect();
        page.texts(key, &texts);
    };
    networks("deny", &access.deny);
    networks("allow", &access.allow);
    networks("trusted_proxies", &access.trusted_proxies);
    page.path("deny_file", access.deny_file.as_deref(), None);
    page.path("allow_file", access.allow_file.as_deref(), None);
    page.texts("deny_agents", &access.deny_agents);
    page.flag_unless("proxy_protocol", access.proxy_protocol, false);
}

/// A text that grows section by section.
#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn comment(&mut self, line: &str) {
        let line = line.replace(char::is_control, " ");
        self.text.push_str(format!("# {line}").trim_end());
        self.text.push('\n');
    }

    /// Writes a section and what `write` puts into it; nothing at all if that is nothing.
    fn section(&mut self, heading: &str, comment: &str, write: impl FnOnce(&mut Self)) {
        let mut inside = Self::default();
        write(&mut inside);
        if !inside.text.is_empty() {
            self.heading(heading, comment);
            self.text.push_str(&inside.text);
        }
    }

    fn heading(&mut self, heading: &str, comment: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        if !comment.is_empty() {
            self.comment(comment);
        }
        self.text.push_str(heading);
        self.text.push('\n');
    }

    fn line(&mut self, key: &str, value: impl Into<Value>) {
        self.text.push_str(&format!("{key} = {}\n", on_one_line(&value.into())));
    }

    fn text_unless(&mut self, key: &str, text: &str, usual: &str) {
        if text != usual {
            self.line(key, variables::escaped(text));
        }
    }

    /// An optional text; an empty one undoes the usual.
    fn optional(&mut self, key: &str, text: Option<&str>, usual: Option<&str>) {
        if text != usual {
            self.line(key, variables::escaped(text.unwrap_or_default()));
        }
    }

    fn path(&mut self, key: &str, path: Option<&Path>, usual: Option<&Path>) {
        if path != usual {
            let path = path.map(Path::to_string_lossy).unwrap_or_default();
            self.line(key, variables::escaped(&path));
        }
    }

    fn password(&mut self, key: &str, password: Option<&Password>) {
        if let Some(password) = password {
            self.line(key, variables::escaped(password.reveal()));
        }
    }

    fn number_unless(&mut self, key: &str, number: usize, usual: usize) {
        if number != usual {
            self.line(key, i64::try_from(number).unwrap_or(i64::MAX));
        }
    }

    fn flag_unless(&mut self, key: &str, flag: bool, usual: bool) {
        if flag != usual {
            self.line(key, flag);
        }
    }

    fn duration_unless(&mut self, key: &str, duration: Duration, usual: Duration) {
        if duration != usual {
            self.duration(key, duration);
        }
    }

    fn duration(&mut self, key: &str, duration: Duration) {
        let seconds = duration.as_secs();
        let text = if Duration::from_secs(seconds) == duration {
            format!("{seconds}s")
        } else {
            format!("{}ms", duration.as_millis())
        };
        self.line(key, text);
    }

    fn texts(&mut self, key: &str, texts: &[String]) {
        if !texts.is_empty() {
            let texts = texts.iter().map(|text| Value::from(variables::escaped(text)));
            self.line(key, Value::Array(texts.collect()));
        }
    }
}

/// `value` on one line, whatever texts are in it.
fn on_one_line(value: &Value) -> String {
    match (value.as_str(), value.as_array()) {
        (Some(text), _) => quoted(text),
        (_, Some(items)) => {
            let items: Vec<_> = items.iter().map(on_one_line).collect();
            format!("[{}]", items.join(", "))
        }
        _ => value.to_string(),
    }
}

/// `text` in quotes, as a value or a step of a heading.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests;

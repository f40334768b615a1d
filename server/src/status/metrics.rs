//! `/metrics`: the server's counts in the text format of Prometheus.
//!
//! The names are stable; what is added is added under new ones:
//!
//! | name | labels | what |
//! |---|---|---|
//! | `carrier_info` | `version` | 1 |
//! | `carrier_start_time_seconds` | | when the server started, as Unix time |
//! | `carrier_clients` | | connections now, of every kind |
//! | `carrier_connections_total` | | connections accepted |
//! | `carrier_file_connections_total` | | requests that a file answered |
//! | `carrier_listeners` | | players now, of this server, on mounts that are hidden too |
//! | `carrier_listener_connections_total` | | listeners that joined |
//! | `carrier_sources` | | sources now, on mounts that are hidden too |
//! | `carrier_source_connections_total` | | sources that were accepted |
//! | `carrier_mount_source_connected` | `mount` | 1, or 0 for a configured mount off air |
//! | `carrier_mount_source_start_time_seconds` | `mount` | when its source came |
//! | `carrier_mount_bitrate_bits_per_second` | `mount` | what the source says it sends |
//! | `carrier_mount_listeners` | `mount` | players now, of this server |
//! | `carrier_mount_listener_peak` | `mount` | the most listeners at once |
//! | `carrier_mount_slow_listeners_total` | `mount` | listeners dropped for falling behind |
//! | `carrier_mount_received_bytes_total` | `mount` | bytes of the source's body |
//! | `carrier_mount_sent_bytes_total` | `mount` | bytes written to listeners |
//! | `carrier_edge_listeners` | `edge`, `address`, `mount` | players now, as the edge says |
//! | `carrier_edge_report_age_seconds` | `edge`, `address` | since it said anything |
//! | `process_resident_memory_bytes` | | memory of the process |
//! | `process_open_fds`, `process_max_fds` | | open files, and how many there may be |
//!
//! Like the status page it is open to everybody, since a scraper seldom has credentials; hidden
//! mounts are shown to the administrator only. A mount's counts begin anew with each source, as
//! counters in Prometheus may. Counts of listeners are of this server alone, so that those of an
//! origin and of its edges can be added up; Icecast's statistics show the sum.

use crate::answer::Answer;
use crate::config::Config;
use crate::status::snapshot::{MountSnapshot, Snapshot};
use common::metrics::{CONTENT_TYPE, Page};
use std::collections::BTreeMap;

/// What the system knows of this process; none of it where there is no `/proc`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Process {
    resident_bytes: Option<u64>,
    open_files: Option<u64>,
    open_files_max: Option<u64>,
}

impl Process {
    /// Looks at this process. It asks the system, not a disk, and takes microseconds.
    pub(crate) fn now() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes =
            resident.and_then(|rest| rest.split_ascii_whitespace().next()?.parse().ok());
        // The length of this folder is the number of open files, without a look at each, from
        // Linux 6.2 on; before that it is 0.
        let files = std::fs::metadata("/proc/self/fd").map(|about| about.len()).ok();
        Self {
            resident_bytes: kibibytes.map(|kibibytes: u64| kibibytes * 1_024),
            open_files: files.filter(|&files| files > 0),
            open_files_max: rlimit::Resource::NOFILE.get().ok().map(|(soft, _)| soft),
        }
    }
}

/// The counts, of hidden mounts too if `all`.
pub(crate) fn answer(snapshot: &Snapshot, config: &Config, process: Process, all: bool) -> Answer {
    Answer::ok(CONTENT_TYPE, written(snapshot, config, process, all))
}

fn written(snapshot: &Snapshot, config: &Config, process: Process, all: bool) -> String {
    let mut page = Page::default();
    let version = env!("CARGO_PKG_VERSION");
    page.one("carrier_info", "gauge", "The running program.", [(&[("version", version)][..], 1)]);
    let counters = &snapshot.counters;
    for (name, kind, help, value) in [
        ("start_time_seconds", "gauge", "When the server started.", seconds(snapshot.started)),
        ("clients", "gauge", "Connections now.", counters.clients.now()),
        ("connections_total", "counter", "Connections accepted.", counters.connections.now()),
        (
            "file_connections_total",
            "counter",
            "Requests that a file answered.",
            counters.file_connections.now(),
        ),
        ("listeners", "gauge", "Listeners now.", counters.players()),
        (
            "listener_connections_total",
            "counter",
            "Listeners that joined.",
            counters.listener_connections.now(),
        ),
        ("sources", "gauge", "Sources now.", counters.sources.now()),
        (
            "source_connections_total",
            "counter",
            "Sources that were accepted.",
            counters.source_connections.now(),
        ),
    ] {
        page.one(&format!("carrier_{name}"), kind, help, [(&[][..], value)]);
    }
    put_mounts(&mut page, snapshot, config, all);
    put_edges(&mut page, snapshot, config, all);
    for (name, help, value) in [
        ("process_resident_memory_bytes", "Memory of the process.", process.resident_bytes),
        ("process_open_fds", "Open files.", process.open_files),
        ("process_max_fds", "Open files that there may be.", process.open_files_max),
    ] {
        page.one(name, "gauge", help, value.map(|value| (&[][..], value)));
    }
    page.into_text()
}

fn put_mounts(page: &mut Page, snapshot: &Snapshot, config: &Config, all: bool) {
    let shown: Vec<_> =
        snapshot.mounts.iter().filter(|mount| all || !config.mount(&mount.name).hidden).collect();
    let on_air = |name: &str| snapshot.mounts.iter().any(|mount| mount.name.as_str() == name);
    let configured = config.mounts.rules.iter().filter(|(_, rule)| all || !rule.hidden);
    let named = configured.filter_map(|(pattern, _)| pattern.name());
    let mut connected: Vec<_> = named
        .map(|name| name.to_string())
        .filter(|name| !on_air(name))
        .map(|name| (name, 0))
        .collect();
    connected.extend(shown.iter().map(|mount| (mount.name.to_string(), 1)));
    connected.sort();
    connected.dedup();
    let labels: Vec<_> =
        connected.iter().map(|(name, value)| ([("mount", name.as_str())], *value)).collect();
    page.one(
        "carrier_mount_source_connected",
        "gauge",
        "Whether the mount has a source.",
        labels.iter().map(|(label, value)| (&label[..], *value)),
    );
    type Value = fn(&MountSnapshot) -> Option<u64>;
    let values: [(&str, &str, &str, Value); 7] = [
        ("source_start_time_seconds", "gauge", "When its source came.", |mount| {
            Some(seconds(mount.on_air.since))
        }),
        ("bitrate_bits_per_second", "gauge", "What the source says it sends.", |mount| {
            mount.on_air.source.kbps()?.parse::<u64>().ok()?.checked_mul(1_000)
        }),
        ("listeners", "gauge", "Listeners now.", |mount| Some(mount.counters.players())),
        ("listener_peak", "gauge", "The most listeners at once.", |mount| {
            Some(mount.counters.listener_peak.now())
        }),
        ("slow_listeners_total", "counter", "Listeners dropped for falling behind.", |mount| {
            Some(mount.counters.slow_listeners.now())
        }),
        ("received_bytes_total", "counter", "Bytes of the source's body.", |mount| {
            Some(mount.counters.read_bytes.now())
        }),
        ("sent_bytes_total", "counter", "Bytes written to listeners.", |mount| {
            Some(mount.counters.sent_bytes.now())
        }),
    ];
    for (name, kind, help, value) in values {
        let lines: Vec<_> = shown
            .iter()
            .filter_map(|mount| Some(([("mount", mount.name.as_str())], value(mount)?)))
            .collect();
        let lines = lines.iter().map(|(label, value)| (&label[..], *value));
        page.one(&format!("carrier_mount_{name}"), kind, help, lines);
    }
}

fn put_edges(page: &mut Page, snapshot: &Snapshot, config: &Config, all: bool) {
    // Two edges that call themselves the same behind one address are shown as one.
    let (mut listeners, mut ages) = (BTreeMap::<_, u64>::new(), BTreeMap::new());
    for edge in &snapshot.edges.edges {
        let (name, ip) = (edge.name.as_str(), edge.ip.to_string());
        ages.insert((name, ip.clone()), edge.heard.elapsed().as_secs());
        let shown = edge.listeners.iter().filter(|(mount, _)| all || !config.mount(mount).hidden);
        for (mount, count) in shown {
            *listeners.entry((name, ip.clone(), mount.as_str())).or_default() += count;
        }
    }
    let lines: Vec<_> = listeners
        .iter()
        .map(|((name, ip, mount), count)| {
            ([("edge", *name), ("address", ip.as_str()), ("mount", *mount)], *count)
        })
        .collect();
    let lines = lines.iter().map(|(labels, count)| (&labels[..], *count));
    page.one("carrier_edge_listeners", "gauge", "Players now, as the edge says.", lines);
    let lines: Vec<_> = ages
        .iter()
        .map(|((name, ip), age)| ([("edge", *name), ("address", ip.as_str())], *age))
        .collect();
    let lines = lines.iter().map(|(labels, age)| (&labels[..], *age));
    page.one("carrier_edge_report_age_seconds", "gauge", "Since it said anything.", lines);
}

fn seconds(time: jiff::Timestamp) -> u64 {
    u64::try_from(time.as_second()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_and_open_files() {
        let process = Process::now();

        assert!(process.resident_bytes.is_some_and(|bytes| bytes > 100_000));
        assert!(process.open_files.is_none_or(|files| files > 2));
        assert!(process.open_files_max.is_some_and(|files| files > 2));
    }
}

//! `/metrics`: the counts of a station in the text format of Prometheus.
//!
//! The names are stable; what is added is added under new ones:
//!
//! | name | labels | what |
//! |---|---|---|
//! | `carrier_source_info` | `version` | 1 |
//! | `carrier_source_uptime_seconds` | | how long the station has run |
//! | `carrier_source_channel_on_air` | `channel` | 1, or 0 while the emergency sounds |
//! | `carrier_source_channel_played_seconds_total` | `channel` | given out since the start |
//! | `carrier_source_channel_underruns_total` | `channel` | stretches the emergency stood in for |
//! | `carrier_source_channel_dropped_frames_total` | `channel` | frames that found no room |
//! | `carrier_source_channel_late_stretches_total` | `channel` | given out late |
//! | `carrier_source_channel_lateness_seconds_max` | `channel` | how late the latest was |
//! | `carrier_source_channel_given_up_seconds_total` | `channel` | the machine slept |
//! | `carrier_source_channel_peak_dbfs`, `…_rms_dbfs` | `channel`, `side` | levels |
//! | `carrier_source_playlist_items` | `playlist` | what it holds |
//! | `carrier_source_output_connected` | `output` | whether it is on the air |
//! | `carrier_source_output_wanted` | `output` | whether it is to be |
//! | `carrier_source_output_connections_total` | `output` | how often it was taken |
//! | `carrier_source_output_sent_bytes_total` | `output` | audio sent |
//! | `carrier_source_output_unsent_frames_total` | `output` | due without a connection |
//! | `process_resident_memory_bytes`, `process_open_fds` | | of the process |

use crate::control::state::{ChannelState, LevelState, LinkState, OutputState, State};
use common::metrics::Page;

/// What the system knows of this process; none of it where there is no `/proc`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Process {
    resident_bytes: Option<u64>,
    open_files: Option<u64>,
}

impl Process {
    /// Looks at this process. It asks the system, not a disk, and takes microseconds.
    pub(super) fn now() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes: Option<u64> =
            resident.and_then(|rest| rest.split_ascii_whitespace().next()?.parse().ok());
        let files = std::fs::metadata("/proc/self/fd").map(|about| about.len()).ok();
        Self {
            resident_bytes: kibibytes.map(|kibibytes| kibibytes * 1_024),
            open_files: files.filter(|&files| files > 0), // it is not told before Linux 6.2
        }
    }
}

/// The counts in `state`, and those of the process.
pub(super) fn written(state: &State, process: Process) -> String {
    let mut page = Page::default();
    let version = [("version", state.version.as_str())];
    page.one("carrier_source_info", "gauge", "The running program.", [(&version[..], 1)]);
    let uptime = [(&[][..], state.uptime_seconds)];
    page.one("carrier_source_uptime_seconds", "gauge", "How long it has run.", uptime);
    channels(&mut page, &state.channels);
    let items: Vec<_> = state
        .playlists
        .iter()
        .map(|list| ([("playlist", list.playlist.as_str())], list.items))
        .collect();
    let items = items.iter().map(|(label, items)| (&label[..], *items));
    page.one("carrier_source_playlist_items", "gauge", "What it holds.", items);
    outputs(&mut page, &state.outputs);
    for (name, help, value) in [
        ("process_resident_memory_bytes", "Memory of the process.", process.resident_bytes),
        ("process_open_fds", "Open files.", process.open_files),
    ] {
        page.one(name, "gauge", help, value.map(|value| (&[][..], value)));
    }
    page.into_text()
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus counts in floating point")]
fn channels(page: &mut Page, channels: &[ChannelState]) {
    type Value = fn(&ChannelState) -> f64;
    let values: [(&str, &str, &str, Value); 7] = [
        ("on_air", "gauge", "Whether a track plays.", |it| f64::from(it.playing.is_some())),
        ("played_seconds_total", "counter", "Given out.", |it| it.played_seconds),
        ("underruns_total", "counter", "The emergency stood in.", |it| it.underruns as f64),
        ("dropped_frames_total", "counter", "No room for them.", |it| it.dropped_frames as f64),
        ("late_stretches_total", "counter", "Given out late.", |it| it.late_stretches as f64),
        ("lateness_seconds_max", "gauge", "The latest of them.", |it| it.latest_seconds),
        ("given_up_seconds_total", "counter", "The machine slept.", |it| it.given_up_seconds),
    ];
    for (name, kind, help, value) in values {
        let lines: Vec<_> =
            channels.iter().map(|it| ([("channel", it.channel.as_str())], value(it))).collect();
        let lines = lines.iter().map(|(label, value)| (&label[..], *value));
        page.one(&format!("carrier_source_channel_{name}"), kind, help, lines);
    }
    type Measure = fn(LevelState) -> f64;
    let measures: [(&str, &str, Measure); 2] = [
        ("peak_dbfs", "The largest sample of the last second.", |level| level.peak_dbfs),
        ("rms_dbfs", "The mean of the last second.", |level| level.rms_dbfs),
    ];
    for (name, help, measure) in measures {
        let sides = channels.iter().flat_map(|it| {
            let (channel, levels) = (it.channel.as_str(), it.levels);
            [("left", levels.left), ("right", levels.right)]
                .map(|(side, level)| ([("channel", channel), ("side", side)], measure(level)))
        });
        let sides: Vec<_> = sides.collect();
        let lines = sides.iter().map(|(labels, value)| (&labels[..], *value));
        page.one(&format!("carrier_source_channel_{name}"), "gauge", help, lines);
    }
}

fn outputs(page: &mut Page, outputs: &[OutputState]) {
    type Value = fn(&OutputState) -> u64;
    let values: [(&str, &str, &str, Value); 5] = [
        ("connected", "gauge", "Whether it is on the air.", |it| {
            u64::from(it.link == LinkState::OnAir)
        }),
        ("wanted", "gauge", "Whether it is to be on the air.", |it| u64::from(it.wanted)),
        ("connections_total", "counter", "How often a server took it.", |it| it.connections),
        ("sent_bytes_total", "counter", "Audio sent.", |it| it.sent_bytes),
        ("unsent_frames_total", "counter", "Due without a connection.", |it| it.unsent_frames),
    ];
    for (name, kind, help, value) in values {
        let lines: Vec<_> =
            outputs.iter().map(|it| ([("output", it.output.as_str())], value(it))).collect();
        let lines = lines.iter().map(|(label, value)| (&label[..], *value));
        page.one(&format!("carrier_source_output_{name}"), kind, help, lines);
    }
}

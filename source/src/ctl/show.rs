//! The state of a station as somebody at a terminal reads it. Pure.

use crate::control::state::{
    ChannelState, InputState, LinkState, OutputState, PlaylistState, State,
};
use std::fmt::Write as _;

/// A few lines for each channel, and one for each output and playlist.
pub(super) fn state(state: &State) -> String {
    let name = if state.station.is_empty() { "a station" } else { &state.station };
    let uptime = state.uptime_seconds;
    let (days, hours, minutes) = (uptime / 86_400, uptime / 3_600 % 24, uptime / 60 % 60);
    let version = &state.version;
    let mut text =
        format!("{name}: carrier-source {version}, up {days}d {hours:02}h {minutes:02}m\n");
    for channel in &state.channels {
        text.push_str(&of_channel(channel));
        for output in state.outputs.iter().filter(|it| it.channel == channel.channel) {
            text.push_str(&of_output(output));
        }
    }
    text.push('\n');
    for queue in &state.queues {
        let waiting = queue.requests.len();
        text.push_str(&format!("{}: {waiting} requests wait\n", queue.queue));
    }
    for input in &state.inputs {
        text.push_str(&of_input(input));
    }
    for playlist in &state.playlists {
        text.push_str(&of_playlist(playlist));
    }
    text
}

fn of_channel(channel: &ChannelState) -> String {
    let name = &channel.channel;
    let mut text = match &channel.playing {
        Some(playing) => {
            let place = clockwork(channel.elapsed_seconds);
            let left = channel.remaining_seconds.map(|left| format!(", {} left", clockwork(left)));
            let (shown, playlist) = (&playing.track.shown, &playing.track.playlist);
            let left = left.unwrap_or_default();
            format!("\n{name}: {shown}\n  {place}{left}, from {playlist}\n")
        }
        None => format!("\n{name}: NOTHING TO PLAY, the emergency sounds\n"),
    };
    let mut line = |args: std::fmt::Arguments<'_>| {
        text.write_fmt(args).expect("a string takes any text");
        text.push('\n');
    };
    if let Some(next) = &channel.next {
        line(format_args!("  next: {}, from {}", next.shown, next.playlist));
    }
    let (left, right) = (channel.levels.left, channel.levels.right);
    line(format_args!(
        "  level: {:.1} and {:.1} dB, peak {:.1} and {:.1} dB",
        left.rms_dbfs, right.rms_dbfs, left.peak_dbfs, right.peak_dbfs
    ));
    for (count, what) in [
        (channel.underruns, "stretches were not decoded in time"),
        (channel.dropped_frames, "frames found no room in an output's queue"),
        (channel.late_stretches, "stretches went out late"),
    ] {
        if count > 0 {
            line(format_args!("  {count} {what}"));
        }
    }
    text
}

fn of_output(output: &OutputState) -> String {
    let OutputState { output: name, url, content_type, bitrate_kbps, .. } = output;
    let how = match output.link {
        _ if !output.wanted => "stopped".to_owned(),
        LinkState::OnAir => {
            let since = output.since.as_deref().unwrap_or("now");
            let lost = match output.connections {
                0 | 1 => String::new(),
                connections => format!(", {} reconnections", connections - 1),
            };
            format!("on air since {since}{lost}")
        }
        LinkState::Dialling | LinkState::Stopped | LinkState::Waiting => {
            format!("OFF AIR: {}", output.last_error.as_deref().unwrap_or("dialling"))
        }
    };
    let rate = match bitrate_kbps {
        Some(kbps) => format!("{kbps} kbit/s"),
        None => format!("{content_type} at no set bit rate"),
    };
    format!("  {name}: {how} ({url}, {rate})\n")
}

fn of_input(input: &InputState) -> String {
    let InputState { input: name, source, since, on_air, url, .. } = input;
    let Some(source) = source else {
        let nobody = url.as_ref().map_or_else(
            || "nobody is connected".to_owned(),
            |url| format!("nothing comes from {url}"),
        );
        return format!("{name}: {nobody}\n");
    };
    let since = since.as_deref().unwrap_or("now");
    let place = match &on_air[..] {
        [] => "waiting".to_owned(),
        channels => format!("on air on {}", channels.join(", ")),
    };
    format!("{name}: {source} since {since}, {place}\n")
}

fn of_playlist(playlist: &PlaylistState) -> String {
    let paths: Vec<_> = playlist.paths.iter().map(|path| path.display().to_string()).collect();
    format!("{}: {} items in {}\n", playlist.playlist, playlist.items, paths.join(", "))
}

fn clockwork(seconds: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a length, shown in seconds"
    )]
    let seconds = seconds.max(0.0) as u64;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::console::InputEnd;
    use crate::control::console::tests::Station;
    use crate::control::state::Moment;
    use crate::input::Input;
    use crate::input::title::LiveTitle;
    use std::time::Duration;

    #[test]
    fn a_station_is_shown_with_what_plays_what_follows_and_how_its_links_fare() {
        let station = Station::new();

        let text = state(&State::of(&station.console, Moment::now()));

        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            text,
            format!(
                "a station: carrier-source {version}, up 0d 00h 00m\n\
                 \n\
                 main: Brian Eno - Emerald And Lime\n  \
                   0:00, 0:12 left, from library\n  \
                   next: Brian Eno - Next, from library\n  \
                   level: -9.0 and -15.1 dB, peak -6.0 and -12.0 dB\n  \
                   a.mp3: OFF AIR: refused (http://host:8000/a.mp3, 128 kbit/s)\n\
                 \n\
                 req: 0 requests wait\n\
                 stream-queue: 0 items in /m.m3u\n\
                 library: 0 items in /m.m3u\n\
                 last: 0 items in /m.m3u\n"
            )
        );
    }

    #[test]
    fn an_input_says_who_is_connected_since_when_and_whether_he_is_heard() {
        let station = Station::new();
        let (library, dj) = (input("library"), input("dj"));
        let parts = station.console.parts();
        let mut state = State::of(&station.console, Moment::now());
        let shown = |end: &InputEnd| InputState::of(end, &parts.channels);
        state.inputs = vec![shown(&library), shown(&dj)];
        assert!(super::state(&state).contains("\nlibrary: nobody is connected\ndj: nobody"));

        let _sessions =
            [&library, &dj].map(|it| it.input.begin("10.0.0.7", LiveTitle::default()).unwrap());
        state.inputs = vec![shown(&library), shown(&dj)];

        let text = super::state(&state);
        // What plays in this station comes from what is called `library`.
        let lines: Vec<_> = text.lines().filter(|line| line.contains("10.0.0.7 since 2")).collect();
        assert!(lines[0].starts_with("library: ") && lines[0].ends_with("Z, on air on main"));
        assert!(lines[1].starts_with("dj: ") && lines[1].ends_with("Z, waiting"), "{text}");
    }

    fn input(name: &str) -> InputEnd {
        let input = Input::new(name, Duration::from_secs(1));
        InputEnd { aliases: Vec::new(), url: None, input }
    }
}

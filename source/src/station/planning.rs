//! Plans a station: what would play when, as lines for people and programs.
//!
//! Files are opened for what they say of themselves and not decoded. Nothing is changed: the state
//! of a station that runs is read, so the plan begins behind its last track, and not written.

use crate::config::{ChannelConfig, Config, OrderConfig};
use crate::fetch::list::Lists;
use crate::lookahead::Known;
use crate::mix::crossfade::Mode;
use crate::plan::{Plan, Planned, What};
use crate::playlist::selection::Next;
use crate::state::State;
use crate::station::StartError;
use crate::station::shelf::{self, Shelf};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// What would play on each channel of a station, from `from` on and for so long: a table.
///
/// Fails as a start of the station does.
pub(super) fn plan(config: &Config, from: Timestamp, span: Duration) -> Result<String, StartError> {
    let state = config.state.as_deref().and_then(|path| std::fs::read_to_string(path).ok());
    let state = state.and_then(|text| State::parse(&text).ok()).unwrap_or_default();
    let elsewhere = shelf::elsewhere(config, Lists::default());
    let shelf = Shelf::new(config, state, elsewhere, Some(SEED))?;
    let mut text = String::new();
    for channel in &config.channels {
        let mut selection = shelf.selection(channel, from)?;
        let look_up = |next: &Next| Known::of(&next.item, next.left_at).ok();
        let plan = Plan { selection: &mut selection, overlap: overlap(channel), look_up };
        let planned = plan.make(from, Instant::now(), span);
        head(&mut text, config, channel);
        for it in &planned {
            line(&mut text, it, &config.zone());
        }
    }
    Ok(text)
}

/// The moment that `text` names on a clock in `zone`, or with an offset of its own.
pub(super) fn moment(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let by_itself = text.parse::<Timestamp>().ok();
    by_itself.or_else(|| zone.to_timestamp(text.parse::<DateTime>().ok()?).ok())
}

/// How long two tracks are taken to be heard together; a smart channel decides that by ear.
fn overlap(channel: &ChannelConfig) -> Duration {
    match channel.crossfade.mode {
        Mode::Simple => channel.crossfade.duration,
        Mode::Smart => channel.crossfade.duration / 2,
    }
}

fn head(text: &mut String, config: &Config, channel: &ChannelConfig) {
    let played = config.played_by(channel);
    let by_chance =
        config.playlists.iter().filter(|it| played.contains(&it.name)).any(|it| match it.order {
            OrderConfig::Normal => false,
            OrderConfig::Random { seed } | OrderConfig::Shuffle { seed } => seed.is_none(),
        });
    let note = if by_chance { " (shuffled without a seed: the order is an example)" } else { "" };
    writeln!(text, "# {}{note}", channel.name).expect("a String takes all that is written to it");
}

fn line(text: &mut String, planned: &Planned, zone: &TimeZone) {
    let at = planned.at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S");
    let seconds = planned.length.as_secs();
    let length = format!("{}:{:02}", seconds / 60, seconds % 60);
    let (playlist, title, mark) = match &planned.what {
        What::Emergency => ("-", "(emergency)", ""),
        What::Track { title, playlist, is_assumed, is_interrupted } => {
            let mark = match (is_interrupted, is_assumed) {
                (true, _) => "  (interrupted)",
                (false, true) => "  (length not known)",
                (false, false) => "",
            };
            (&**playlist, &**title, mark)
        }
    };
    writeln!(text, "{at}  {length:>7}  {playlist}  {title}{mark}")
        .expect("a String takes all that is written to it");
}

/// Shuffles without a seed begin with this one, so that a plan is the same when it is made twice.
const SEED: u64 = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Address;
    use crate::test_audio::{self as audio, Form};

    #[test]
    fn a_station_is_planned_by_what_its_files_say() {
        let dir = tempfile::tempdir().unwrap();
        for (name, seconds) in [("a.wav", 90), ("b.wav", 30)] {
            let silence = vec![0.0; seconds * 8_000];
            audio::write_wav(&dir.path().join(name), &silence, 1, 8_000, Form::Int16);
        }
        std::fs::write(dir.path().join("broken.mp3"), "").unwrap();
        let address = Address::parse("http://x@h/a.mp3").unwrap();
        let config = Config::simple(vec![dir.path().to_owned()], address);
        let zone = config.zone();
        let from = moment("2026-11-25 08:00", &zone).unwrap();

        let text = plan(&config, from, Duration::from_secs(125)).unwrap();

        assert_eq!(
            text,
            "# main\n2026-11-25 08:00:00     1:30  playlist  a\n\
             2026-11-25 08:01:30     0:30  playlist  b\n\
             2026-11-25 08:02:00     1:30  playlist  a\n"
        );
    }

    #[test]
    fn a_moment_is_on_the_stations_clock_unless_it_says_otherwise() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();

        let wall = moment("2026-07-01T08:00", &berlin);

        assert_eq!(wall, "2026-07-01T06:00:00Z".parse().ok());
        assert_eq!(moment("2026-07-01T08:00:00+02:00", &TimeZone::UTC), wall);
        assert_eq!(moment("tomorrow", &berlin), None);
    }
}

//! What is said about live inputs, and what is done with them.

use super::{InputEnd, Parts};
use crate::control::ask::OfInput;
use std::time::Duration;

impl Parts {
    /// What there is to say to a `wish` for an input, which is carried out.
    pub(super) fn input_told(&self, end: &InputEnd, wish: OfInput) -> String {
        let input = &end.input;
        match wish {
            OfInput::BufferLength => format!("{:.2}", self.waiting_of(end).as_secs_f64()),
            OfInput::Start => {
                input.want(true);
                "Done".to_owned()
            }
            OfInput::Status => status(end),
            OfInput::Stop => {
                if end.url.is_some() {
                    input.want(false);
                } else {
                    input.kick();
                }
                "Done".to_owned()
            }
            OfInput::Url => end.url.as_deref().unwrap_or_default().to_owned(),
        }
    }

    /// How long that plays which has come of an input and was not heard yet.
    fn waiting_of(&self, end: &InputEnd) -> Duration {
        let name = end.input.name();
        let ahead = self.channels.iter().filter_map(|channel| {
            let on_air = channel.on_air.borrow();
            let plays = on_air.playing().is_some_and(|it| it.track.playlist == *name);
            on_air.live_waiting.filter(|_| plays)
        });
        end.input.waiting() + ahead.max().unwrap_or_default()
    }
}

/// Whether somebody sends, in Liquidsoap's words.
fn status(end: &InputEnd) -> String {
    let state = end.input.state();
    let state = state.borrow();
    match (&end.url, &state.source) {
        (Some(url), Some(_)) => format!("connected {url}"),
        (Some(_), None) if state.is_wanted() => "polling".to_owned(),
        (Some(_), None) => "stopped".to_owned(),
        (None, Some(from)) => format!("source client connected from {from}"),
        (None, None) => "no source client connected".to_owned(),
    }
}

//! The administrator's commands, read from a request.
//!
//! A command names what it is about by text; whether that exists, and whether the client may, is
//! decided where it is carried out ([`crate::connection`]).

use crate::mount::on_air::TitleText;
use crate::refusal::Refusal;
use common::http::{head, percent};
use std::collections::BTreeMap;

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Take the source off a mount.
    KillSource { mount: String },
    /// List the mounts.
    ListMounts,
    /// Change the title of a mount.
    Metadata { mount: String, title: TitleText },
    /// Show the statistics, of one mount if it is named.
    Stats { mount: Option<String> },
}

impl Command {
    /// The command `name` with the parameters of `query`.
    pub(crate) fn read(name: &str, query: &str) -> Result<Self, Refusal> {
        let mut parameters = text_parameters(query);
        let mut named = |name: &str| parameters.remove(name).ok_or(Refusal::ParameterMissing);
        match name {
            "killsource" => Ok(Self::KillSource { mount: named("mount")? }),
            "listmounts" => Ok(Self::ListMounts),
            "metadata" => {
                let (mount, mode) = (named("mount")?, named("mode")?);
                if mode != "updinfo" {
                    return Err(Refusal::ParameterMissing);
                }
                Ok(Self::Metadata { mount, title: title(query)? })
            }
            "stats" | "stats.xml" => Ok(Self::Stats { mount: named("mount").ok() }),
            _ => Err(Refusal::UnknownCommand),
        }
    }

    /// The mount that it is about, as the client wrote it. Whoever may send to that mount may
    /// give the command; without one only the administrator may.
    pub(crate) fn mount(&self) -> Option<&str> {
        match self {
            Self::KillSource { mount } | Self::Metadata { mount, .. } => Some(mount),
            Self::Stats { mount } => mount.as_deref(),
            Self::ListMounts => None,
        }
    }
}

/// The parameters of a query as text; of several with one name the last counts, as in Icecast.
pub(crate) fn text_parameters(query: &str) -> BTreeMap<String, String> {
    let text = |bytes: Vec<u8>| head::decoded(&bytes).into_owned();
    percent::parameters(query).into_iter().map(|(name, value)| (text(name), text(value))).collect()
}

/// The title that a metadata update gives: `song`, or `artist` and `title`.
///
/// `charset` says how its bytes are to be read. Without it they are UTF-8 where that is valid
/// and Windows-1252 otherwise; Icecast takes them for ISO 8859-1 always, so that titles from
/// today's programs arrive garbled.
fn title(query: &str) -> Result<TitleText, Refusal> {
    let parameters: BTreeMap<_, _> = percent::parameters(query).into_iter().collect();
    let charset = parameters.get(b"charset".as_slice());
    let encoding = charset.and_then(|label| encoding_rs::Encoding::for_label(label));
    let text = |name: &[u8]| {
        let bytes = parameters.get(name)?;
        let text = match encoding {
            Some(encoding) => encoding.decode_without_bom_handling(bytes).0,
            None => head::decoded(bytes),
        };
        Some(text.trim().to_owned())
    };
    let (song, artist, title) = (text(b"song"), text(b"artist"), text(b"title"));
    match (song, artist, title) {
        (Some(song), _, _) => Ok(TitleText { artist: None, title: Some(song) }),
        (None, None, None) => Err(Refusal::ParameterMissing),
        (None, artist, title) => {
            let given = |text: Option<String>| text.filter(|text| !text.is_empty());
            let shown = TitleText { artist: given(artist), title: given(title) }.shown();
            Ok(TitleText { artist: None, title: Some(shown) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titled(query: &str) -> Result<String, Refusal> {
        let command = Command::read("metadata", &format!("mount=/x&mode=updinfo&{query}"))?;
        let Command::Metadata { title, .. } = command else { panic!("{command:?}") };
        Ok(title.shown())
    }

    #[test]
    fn a_song_wins_over_artist_and_title() {
        assert_eq!(titled("song=S&artist=A&title=T").unwrap(), "S");
        assert_eq!(titled("artist=A&title=T").unwrap(), "A - T");
        assert_eq!(titled("title=T&artist=").unwrap(), "T");
        assert_eq!(titled("song=").unwrap(), "");
        assert_eq!(titled("url=x"), Err(Refusal::ParameterMissing));
    }

    #[test]
    fn a_title_is_read_in_its_charset_and_else_as_utf_8_where_that_is_valid() {
        assert_eq!(titled("song=%c3%84&charset=UTF-8").unwrap(), "Ä");
        assert_eq!(titled("song=%c3%84").unwrap(), "Ä");
        assert_eq!(titled("song=%c4").unwrap(), "Ä");
        assert_eq!(titled("song=%c4&charset=windows-1251").unwrap(), "Д");
        assert_eq!(titled("song=%c3%84&charset=nonsense").unwrap(), "Ä");
    }

    #[test]
    fn a_command_without_what_it_needs_is_refused() {
        assert_eq!(Command::read("killsource", ""), Err(Refusal::ParameterMissing));
        assert_eq!(Command::read("metadata", "mount=/x&song=y"), Err(Refusal::ParameterMissing));
        assert_eq!(Command::read("nope", ""), Err(Refusal::UnknownCommand));
    }

    #[test]
    fn of_two_parameters_with_one_name_the_last_counts() {
        let command = Command::read("killsource", "mount=/a&mount=%2fb+c").unwrap();

        assert_eq!(command.mount(), Some("/b c"));
    }
}

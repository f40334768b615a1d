//! The administrator's commands, read from a request.
//!
//! A command names what it is about by text; whether that exists, and whether the client may, is
//! decided where it is carried out ([`carry_out`], and what is about [`users`] and [`bans`]).

pub(crate) mod bans;
pub(crate) mod carry_out;
pub(crate) mod cgi;
pub(crate) mod edges;
pub(crate) mod users;

use crate::mount::on_air::TitleText;
use crate::refusal::Refusal;
use common::http::{head, percent};
use encoding_rs::Encoding;
use std::collections::BTreeMap;

/// A command, with what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    /// What is to be done.
    pub(crate) kind: Kind,
    /// The command's name, if the answer is to be a page for people.
    pub(crate) page: Option<String>,
    /// The mount that it is about, as the client wrote it. Whoever may send to that mount may
    /// give the command; without one only the administrator may.
    pub(crate) mount: Option<String>,
    query: String,
}

/// What can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Keep an address or a program out.
    Ban,
    /// List who is kept out.
    Bans,
    /// Make a playlist with credentials in it.
    BuildM3u,
    /// List the edges, and how many listen on each.
    Edges,
    /// Let the mount fall back to another until the configuration is read again.
    Fallbacks,
    /// Let a listener of the mount go.
    KillClient,
    /// Take the source off the mount.
    KillSource,
    /// List the mount's listeners.
    ListClients,
    /// List the users who may listen to the mount, or change them.
    ManageAuth,
    /// List the mounts.
    ListMounts,
    /// Change the title of the mount.
    Metadata,
    /// Let the mount's listeners go on with another mount.
    MoveClients,
    /// Say, as an edge, how many listen there.
    Report,
    /// Show the statistics, of one mount if it is named.
    Stats,
    /// Name the mounts, one on each line, for a server that relays this one.
    StreamList,
    /// Let an address or a program in again.
    Unban,
    /// Ask for a title.
    UpdateMetadata,
}

impl Kind {
    /// Whether this changes what is on air, who hears it, or who may.
    pub(crate) fn changes(self) -> bool {
        match self {
            Self::Ban
            | Self::Fallbacks
            | Self::KillClient
            | Self::KillSource
            | Self::ManageAuth
            | Self::Metadata
            | Self::MoveClients
            | Self::Unban => true,
            Self::Bans
            | Self::BuildM3u
            | Self::Edges
            | Self::ListClients
            | Self::ListMounts
            | Self::Report
            | Self::Stats
            | Self::StreamList
            | Self::UpdateMetadata => false,
        }
    }

    /// Whether only the administrator may, whatever mount is named.
    pub(crate) fn is_administrators(self) -> bool {
        matches!(self, Self::Ban | Self::Bans | Self::Edges | Self::Unban)
    }

    /// Whether a mount's source may give this command for its mount. Icecast lets it do whatever
    /// can be done to a mount, from listing the listeners' addresses to moving them away.
    pub(crate) fn is_for_sources(self) -> bool {
        matches!(self, Self::Metadata | Self::UpdateMetadata)
    }
}

impl Command {
    /// The command `name` with the parameters of `query`. Whether these suffice is seen when it
    /// is carried out, since a client that may not give it is not told what is missing.
    pub(crate) fn read(name: &str, query: &str) -> Result<Self, Refusal> {
        let (name, is_page) = match name {
            "" => ("stats", true),
            name => name.strip_suffix(".xsl").map_or((name, false), |name| (name, true)),
        };
        let kind = match name {
            "ban" => Kind::Ban,
            "bans" => Kind::Bans,
            "buildm3u" => Kind::BuildM3u,
            "edges" => Kind::Edges,
            "fallback" | "fallbacks" => Kind::Fallbacks,
            "killclient" => Kind::KillClient,
            "killsource" => Kind::KillSource,
            "listclients" => Kind::ListClients,
            "listmounts" | "streamlist" => Kind::ListMounts,
            "manageauth" => Kind::ManageAuth,
            "metadata" => Kind::Metadata,
            "moveclients" => Kind::MoveClients,
            "report" => Kind::Report,
            "stats" | "stats.xml" => Kind::Stats,
            "streamlist.txt" => Kind::StreamList,
            "unban" => Kind::Unban,
            "updatemetadata" => Kind::UpdateMetadata,
            _ => return Err(Refusal::UnknownCommand),
        };
        let mount = text_parameters(query).remove("mount");
        let page = is_page.then(|| name.to_owned());
        Ok(Self { kind, page, mount, query: query.to_owned() })
    }

    /// The number of the listener that the command is about; 0, which nobody has, if it is none.
    pub(crate) fn listener_id(&self) -> Result<u64, Refusal> {
        let id = text_parameters(&self.query).remove("id").ok_or(Refusal::ParameterMissing)?;
        Ok(id.trim().parse().unwrap_or_default())
    }

    /// What the command says under `name`.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        text_parameters(&self.query).remove(name)
    }

    /// All that the command says.
    pub(crate) fn query(&self) -> &str {
        &self.query
    }

    /// The title that a metadata update gives: `song`, or `artist` and `title`.
    ///
    /// `charset` says how its bytes are to be read, or else `usual`. Without either they are UTF-8
    /// where that is valid and Windows-1252 otherwise; Icecast takes them for ISO 8859-1, so that
    /// titles from today's programs arrive garbled.
    ///
    /// `None` if it gives no title, such as a `url` alone, which Icecast takes and ignores.
    pub(crate) fn title(
        &self,
        usual: Option<&'static Encoding>,
    ) -> Result<Option<TitleText>, Refusal> {
        let parameters: BTreeMap<_, _> = percent::parameters(&self.query).into_iter().collect();
        let parameter = |name: &[u8]| parameters.get(name);
        match parameter(b"mode") {
            None => return Err(Refusal::ParameterMissing),
            Some(mode) if mode != b"updinfo" => return Err(Refusal::NoSuchAction),
            Some(_) => {}
        }
        let said = parameter(b"charset").and_then(|label| Encoding::for_label(label));
        let encoding = said.or(usual);
        let text = |name: &[u8]| {
            let bytes = parameter(name)?;
            let text = match encoding {
                Some(encoding) => encoding.decode_without_bom_handling(bytes).0,
                None => head::decoded(bytes),
            };
            Some(text.trim().to_owned())
        };
        match (text(b"song"), text(b"artist"), text(b"title")) {
            (Some(song), _, _) => Ok(Some(TitleText { artist: None, title: Some(song) })),
            (None, None, None) => Ok(None),
            (None, artist, title) => {
                let given = |text: Option<String>| text.filter(|text| !text.is_empty());
                Ok(Some(TitleText { artist: given(artist), title: given(title) }))
            }
        }
    }
}

/// The parameters of a query as text; of several with one name the last counts, as in Icecast.
pub(crate) fn text_parameters(query: &str) -> BTreeMap<String, String> {
    let text = |bytes: Vec<u8>| head::decoded(&bytes).into_owned();
    percent::parameters(query).into_iter().map(|(name, value)| (text(name), text(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titled(query: &str) -> Option<String> {
        let query = format!("mount=/x&mode=updinfo&{query}");
        let command = Command::read("metadata", &query).unwrap();
        command.title(None).unwrap().map(|title| title.shown())
    }

    #[test]
    fn a_song_wins_over_artist_and_title() {
        assert_eq!(titled("song=S&artist=A&title=T").unwrap(), "S");
        assert_eq!(titled("artist=A&title=T").unwrap(), "A - T");
        assert_eq!(titled("title=T&artist=").unwrap(), "T");
        assert_eq!(titled("song=").unwrap(), "");
        assert_eq!(titled("url=x"), None);
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
    fn a_title_is_changed_only_in_the_mode_that_says_so() {
        let titled = |query| Command::read("metadata", query).unwrap().title(None);

        assert_eq!(titled("mount=/x&song=y"), Err(Refusal::ParameterMissing));
        assert_eq!(titled("mount=/x&song=y&mode=other"), Err(Refusal::NoSuchAction));
        assert!(titled("mount=/x&song=y&mode=updinfo").is_ok());
    }

    #[test]
    fn a_command_with_the_end_of_a_page_is_the_same_as_a_page() {
        let read = |name| Command::read(name, "").map(|command| (command.kind, command.page));

        assert_eq!(read("listmounts"), Ok((Kind::ListMounts, None)));
        assert_eq!(read("listmounts.xsl"), Ok((Kind::ListMounts, Some("listmounts".to_owned()))));
        assert_eq!(read(""), Ok((Kind::Stats, Some("stats".to_owned()))));
        assert_eq!(read(".xsl"), Err(Refusal::UnknownCommand));
    }

    #[test]
    fn what_is_no_command_is_refused() {
        assert_eq!(Command::read("nope", ""), Err(Refusal::UnknownCommand));
    }

    #[test]
    fn of_two_parameters_with_one_name_the_last_counts() {
        let command = Command::read("killsource", "mount=/a&mount=%2fb+c").unwrap();

        assert_eq!(command.mount.as_deref(), Some("/b c"));
    }
}

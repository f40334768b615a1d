//! Answers of the `/admin/` commands.

use crate::xml;
use std::fmt::Write as _;

/// The answer to a command: a sentence, and whether it was carried out.
pub fn response(message: &str, done: bool) -> String {
    let mut out = String::from(xml::DECLARATION);
    out.push_str("<iceresponse>");
    xml::element(&mut out, "message", message);
    xml::element(&mut out, "return", if done { "1" } else { "0" });
    out.push_str("</iceresponse>\n");
    out
}

/// One mount in the answer to `listmounts`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedMount {
    /// The mount, with its leading slash.
    pub mount: String,
    /// The mount its listeners go to when the source leaves; empty if there is none.
    pub fallback: String,
    /// Listeners now.
    pub listeners: u64,
    /// How its listeners say who they are, if they have to.
    pub authenticator: Option<&'static str>,
    /// Seconds since the source connected, if there is one.
    pub connected_seconds: Option<u64>,
    /// The source's content type, likewise.
    pub content_type: Option<String>,
}

/// The answer to `listmounts`, and to `moveclients` for the mount `current`.
pub fn mounts(current: Option<&str>, mounts: &[ListedMount]) -> String {
    let mut out = String::from(xml::DECLARATION);
    if mounts.is_empty() && current.is_none() {
        out.push_str("<icestats/>\n");
        return out;
    }
    out.push_str("<icestats>");
    if let Some(current) = current {
        xml::element(&mut out, "current_source", current);
    }
    for mount in mounts {
        out.push_str("<source mount=\"");
        xml::attribute(&mut out, &mount.mount);
        out.push_str("\">");
        xml::element(&mut out, "fallback", &mount.fallback);
        let _ = write!(out, "<listeners>{}</listeners>", mount.listeners);
        if let Some(authenticator) = mount.authenticator {
            xml::element(&mut out, "authenticator", authenticator);
        }
        if let Some(seconds) = mount.connected_seconds {
            let _ = write!(out, "<Connected>{seconds}</Connected>");
        }
        if let Some(content_type) = &mount.content_type {
            xml::element(&mut out, "content-type", content_type);
        }
        out.push_str("</source>");
    }
    out.push_str("</icestats>\n");
    out
}

/// The answer to `updatemetadata` for `mount`.
pub fn mount_alone(mount: &str) -> String {
    let mut out = String::from(xml::DECLARATION);
    out.push_str("<icestats><source mount=\"");
    xml::attribute(&mut out, mount);
    out.push_str("\"/></icestats>\n");
    out
}

/// The page that says that a command was carried out.
pub fn success_page(sentence: &str) -> String {
    let mut escaped = String::new();
    xml::text(&mut escaped, sentence);
    format!(
        "<html><head><title>Admin request successful</title></head><body><p>{escaped}</p></body>\
         </html>"
    )
}

/// One listener in the answer to `listclients`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedListener {
    /// Its address.
    pub ip: String,
    /// Its program; `Unknown` if it did not say.
    pub user_agent: String,
    /// Seconds since it connected.
    pub connected_seconds: u64,
    /// Its number, by which `killclient` knows it.
    pub id: u64,
    /// Who it is, where listeners have to say so.
    pub user: Option<String>,
}

/// The answer to `listclients` for `mount`.
pub fn listeners(mount: &str, listeners: &[ListedListener]) -> String {
    let mut out = String::from(xml::DECLARATION);
    out.push_str("<icestats><source mount=\"");
    xml::attribute(&mut out, mount);
    let _ = write!(out, "\"><Listeners>{}</Listeners>", listeners.len());
    for listener in listeners {
        out.push_str("<listener>");
        xml::element(&mut out, "IP", &listener.ip);
        xml::element(&mut out, "UserAgent", &listener.user_agent);
        let _ = write!(out, "<Connected>{}</Connected>", listener.connected_seconds);
        let _ = write!(out, "<ID>{}</ID>", listener.id);
        if let Some(user) = &listener.user {
            xml::element(&mut out, "username", user);
        }
        out.push_str("</listener>");
    }
    out.push_str("</source></icestats>\n");
    out
}

/// One edge in the answer to `edges`, a command that Icecast has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedEdge {
    /// What it calls itself.
    pub name: String,
    /// Its address.
    pub ip: String,
    /// Seconds since it said anything.
    pub heard_seconds: u64,
    /// How many listen there to each mount.
    pub listeners: Vec<(String, u64)>,
}

/// The answer to `edges`, in the style of Icecast's.
pub fn edges(edges: &[ListedEdge]) -> String {
    let mut out = String::from(xml::DECLARATION);
    let all: u64 = edges.iter().flat_map(|edge| &edge.listeners).map(|(_, count)| count).sum();
    let _ = write!(out, "<icestats><listeners>{all}</listeners>");
    for edge in edges {
        out.push_str("<edge>");
        xml::element(&mut out, "name", &edge.name);
        xml::element(&mut out, "IP", &edge.ip);
        let _ = write!(out, "<heard>{}</heard>", edge.heard_seconds);
        for (mount, listeners) in &edge.listeners {
            out.push_str("<source mount=\"");
            xml::attribute(&mut out, mount);
            let _ = write!(out, "\"><listeners>{listeners}</listeners></source>");
        }
        out.push_str("</edge>");
    }
    out.push_str("</icestats>\n");
    out
}

/// The answer to `manageauth` for `mount`: its users, and what became of a change.
pub fn users<'a>(
    mount: &str,
    names: impl Iterator<Item = &'a str>,
    message: Option<&str>,
) -> String {
    let mut out = String::from(xml::DECLARATION);
    out.push_str("<icestats><source mount=\"");
    xml::attribute(&mut out, mount);
    out.push_str("\">");
    for name in names {
        out.push_str("<User>");
        xml::element(&mut out, "username", name);
        out.push_str("</User>");
    }
    out.push_str("</source>");
    if let Some(message) = message {
        out.push_str("<iceresponse>");
        xml::element(&mut out, "message", message);
        out.push_str("</iceresponse>");
    }
    out.push_str("</icestats>\n");
    out
}

/// One ban in the answer to `bans`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedBan {
    /// Who is kept out.
    pub banned: ListedBanned,
    /// Seconds until it ends; `None` if it does not.
    pub rest_seconds: Option<u64>,
}

/// Who is kept out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListedBanned {
    /// An address or network.
    Address(String),
    /// Programs, by a pattern.
    Agent(String),
}

/// The answer to `bans`, in the manner of Icecast, which has no such command.
pub fn bans(bans: &[ListedBan]) -> String {
    let mut out = String::from(xml::DECLARATION);
    out.push_str("<icestats>");
    let _ = write!(out, "<bans>{}</bans>", bans.len());
    for ban in bans {
        out.push_str("<ban>");
        match &ban.banned {
            ListedBanned::Address(address) => xml::element(&mut out, "address", address),
            ListedBanned::Agent(pattern) => xml::element(&mut out, "agent", pattern),
        }
        if let Some(seconds) = ban.rest_seconds {
            let _ = write!(out, "<seconds>{seconds}</seconds>");
        }
        out.push_str("</ban>");
    }
    out.push_str("</icestats>\n");
    out
}

/// The page that goes with a 400 or 404.
pub fn error_page(status: u16, sentence: &str) -> String {
    let mut escaped = String::new();
    xml::text(&mut escaped, sentence);
    format!(
        "<html><head><title>Error {status}</title></head><body><b>{status} - {escaped}</b></body>\
         </html>\r\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_what_icecast_sends() {
        assert_eq!(
            response("Metadata update successful", true),
            "<?xml version=\"1.0\"?>\n<iceresponse><message>Metadata update successful</message>\
             <return>1</return></iceresponse>\n"
        );
        assert_eq!(response("Metadata update successful", true).len(), 113, "as recorded");
    }

    #[test]
    fn a_listed_mount_is_what_icecast_sends() {
        let mount = ListedMount {
            mount: "/aac.aac".to_owned(),
            fallback: String::new(),
            listeners: 0,
            authenticator: None,
            connected_seconds: Some(8),
            content_type: Some("audio/aac".to_owned()),
        };

        assert_eq!(
            mounts(None, &[mount]),
            "<?xml version=\"1.0\"?>\n<icestats><source mount=\"/aac.aac\"><fallback></fallback>\
             <listeners>0</listeners><Connected>8</Connected>\
             <content-type>audio/aac</content-type></source></icestats>\n"
        );
    }

    #[test]
    fn the_users_of_a_mount_are_what_icecast_sends() {
        let list = users("/auth.mp3", ["alice"].into_iter(), None);
        assert_eq!(
            list,
            "<?xml version=\"1.0\"?>\n<icestats><source mount=\"/auth.mp3\"><User><username>alice\
             </username></User></source></icestats>\n"
        );
        assert_eq!(list.len(), 118, "as recorded");

        let added = users("/auth.mp3", ["alice", "bob"].into_iter(), Some("User added"));
        assert!(added.ends_with(
            "</source><iceresponse><message>User added</message></iceresponse></icestats>\n"
        ));
        assert_eq!(added.len(), 211, "as recorded");
    }

    #[test]
    fn without_mounts_the_list_is_an_empty_element() {
        assert_eq!(mounts(None, &[]), "<?xml version=\"1.0\"?>\n<icestats/>\n");
    }

    #[test]
    fn a_listed_listener_is_what_icecast_sends() {
        let listener = ListedListener {
            ip: "127.0.0.1".to_owned(),
            user_agent: "Mozilla/5.0 (X11; Linux) \"x\"".to_owned(),
            connected_seconds: 7,
            id: 13,
            user: None,
        };
        let known = ListedListener { user: Some("alice".to_owned()), ..listener.clone() };

        assert_eq!(
            listeners("/live.mp3", &[listener]),
            "<?xml version=\"1.0\"?>\n<icestats><source mount=\"/live.mp3\">\
             <Listeners>1</Listeners><listener><IP>127.0.0.1</IP>\
             <UserAgent>Mozilla/5.0 (X11; Linux) \"x\"</UserAgent>\
             <Connected>7</Connected><ID>13</ID></listener></source></icestats>\n"
        );
        assert!(
            listeners("/live.mp3", &[known]).ends_with(
                "<ID>13</ID><username>alice</username></listener></source></icestats>\n"
            )
        );
    }

    #[test]
    fn an_error_page_is_what_icecast_sends() {
        assert_eq!(error_page(400, "Unrecognised command").len(), 98, "as recorded");
    }
}

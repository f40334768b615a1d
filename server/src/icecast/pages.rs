//! `/admin/NAME.xsl`: the answer to a command as a page for people.
//!
//! Icecast makes these pages from the raw answer by a style sheet; so does this module, for every
//! command alike: it knows the elements that answers are made of, not the commands. A page is plain
//! HTML in one piece, works without scripts, and goes out as `text/html`; Icecast's go out as
//! `text/xml`, which browsers then have to find out to be XHTML, and other programs do not.
//!
//! Titles and names of programs come from strangers and stand on an administrator's page, so every
//! text is escaped, and the page allows itself no script at all.

use crate::answer::Answer;
use common::http::percent;
use icecast_compat::xml;
use roxmltree::{Document, Node};
use std::fmt::Write as _;

/// The page that shows the raw `answer` to the command `name`; an answer that is no XML is a page
/// already.
pub(crate) fn page(name: &str, answer: Answer) -> Answer {
    let is_raw = answer.content_type.is_some_and(|kind| kind.starts_with("text/xml"));
    let raw = answer.body.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
    let Some(document) = is_raw.then(|| Document::parse(&raw).ok()).flatten() else {
        return answer;
    };
    let title = title(name);
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title} – Carrier</title>\n<link rel=\"icon\" href=\"data:,\">\n\
         <style>{STYLE}</style>\n</head>\n<body>\n\
         <header><p>Carrier</p><nav aria-label=\"Administration\"><a href=\"/admin/stats.xsl\">\
         Statistics</a> <a href=\"/admin/listmounts.xsl\">Mounts</a> <a \
         href=\"/admin/edges.xsl\">Edges</a> <a href=\"/status.xsl\">Status page</a></nav>\
         </header>\n<main>\n<h1>{title}</h1>\n"
    );
    put_content(&mut out, name, document.root_element());
    out.push_str("</main>\n</body>\n</html>\n");
    let headers = vec![("Content-Security-Policy".to_owned(), POLICY.to_owned())];
    Answer { headers, ..Answer::ok("text/html; charset=utf-8", out) }
}

fn title(name: &str) -> &'static str {
    match name {
        "edges" => "Edges",
        "killclient" | "killsource" | "metadata" => "Result",
        "listclients" => "Listeners",
        "listmounts" => "Mounts",
        "manageauth" => "Users",
        "moveclients" => "Move listeners",
        "server_version" => "About this server",
        "updatemetadata" => "Change the title",
        _ => "Statistics",
    }
}

fn put_content(out: &mut String, name: &str, root: Node<'_, '_>) {
    for message in root.descendants().filter(|node| node.has_tag_name("message")) {
        let _ = writeln!(out, "<p class=\"message\" role=\"status\">{}</p>", text(message));
    }
    let current = child(root, "current_source");
    if let Some(current) = current {
        let _ = writeln!(out, "<p>Where are the listeners of <b>{}</b> to go?</p>", text(current));
    }
    let facts: Vec<_> = root.children().filter(|node| is_fact(*node)).collect();
    if !facts.is_empty() && current.is_none() && root.has_tag_name("icestats") {
        put_facts(out, &facts);
    }
    if name == "edges" {
        return put_edges(out, root);
    }
    let sources = root.children().filter(|node| node.has_tag_name("source"));
    let mut any = false;
    for source in sources {
        any = true;
        put_source(out, name, source, current);
    }
    if !any && root.has_tag_name("icestats") && name != "server_version" {
        out.push_str("<p>No source is connected.</p>\n");
    }
}

fn put_source(
    out: &mut String,
    name: &str,
    source: Node<'_, '_>,
    moved_from: Option<Node<'_, '_>>,
) {
    let mount = source.attribute("mount").unwrap_or_default();
    let _ = writeln!(out, "<section>\n<h2>{}</h2>", escaped(mount));
    if let Some(from) = moved_from {
        let from = from.text().unwrap_or_default();
        put_button(out, "moveclients", &[("mount", from), ("destination", mount)], "Move here");
    } else {
        put_links(out, source, mount);
    }
    let facts: Vec<_> = source.children().filter(|node| is_fact(*node)).collect();
    put_facts(out, &facts);
    let of = |tag: &'static str| source.children().filter(move |node| node.has_tag_name(tag));
    let listeners: Vec<_> = of("listener").collect();
    if !listeners.is_empty() {
        put_listeners(out, mount, &listeners);
    }
    if name == "manageauth" {
        put_users(out, mount, of("User"));
    }
    if name == "updatemetadata" {
        let _ = writeln!(
            out,
            "<form action=\"/admin/metadata.xsl\"><input type=\"hidden\" name=\"mount\" \
             value=\"{}\"><input type=\"hidden\" name=\"mode\" value=\"updinfo\"><input \
             type=\"hidden\" name=\"charset\" value=\"UTF-8\"><label>Title <input name=\"song\" \
             required></label> <button>Change</button></form>",
            escaped(mount)
        );
    }
    out.push_str("</section>\n");
}

/// Where to go from a mount, and what to do with it.
fn put_links(out: &mut String, source: Node<'_, '_>, mount: &str) {
    let query = percent::encode(mount.as_bytes());
    out.push_str("<p class=\"links\">");
    let mut places = vec![
        ("stats", "Statistics"),
        ("listclients", "Listeners"),
        ("moveclients", "Move listeners"),
        ("updatemetadata", "Change the title"),
    ];
    if child(source, "authenticator").is_some() {
        places.push(("manageauth", "Users"));
    }
    for (command, label) in places {
        let _ = write!(out, "<a href=\"/admin/{command}.xsl?mount={query}\">{label}</a> ");
    }
    let path = percent::encode_path(mount.as_bytes());
    let _ = writeln!(out, "<a href=\"{path}\">Listen</a></p>");
    if let Some(fallback) = child(source, "fallback") {
        let _ = writeln!(
            out,
            "<form action=\"/admin/fallbacks.xsl\"><input type=\"hidden\" name=\"mount\" \
             value=\"{}\"><label>Fallback <input name=\"fallback\" value=\"{}\"></label> \
             <button>Set</button></form>",
            escaped(mount),
            text(fallback)
        );
    }
    // Twice to be clicked: it takes a station off the air.
    out.push_str("<details><summary>Disconnect the source</summary>");
    put_button(out, "killsource", &[("mount", mount)], "Disconnect now");
    out.push_str("</details>\n");
}

/// What is known of the server or of a mount, a row for each.
fn put_facts(out: &mut String, facts: &[Node<'_, '_>]) {
    if facts.is_empty() {
        return;
    }
    out.push_str("<table>\n");
    for fact in facts {
        let name = escaped(fact.tag_name().name());
        let _ = writeln!(out, "<tr><th scope=\"row\">{name}</th><td>{}</td></tr>", text(*fact));
    }
    out.push_str("</table>\n");
}

fn put_listeners(out: &mut String, mount: &str, listeners: &[Node<'_, '_>]) {
    out.push_str("<table>\n<thead><tr>");
    for heading in ["Address", "Program", "User", "Seconds", "Number", ""] {
        let _ = write!(out, "<th scope=\"col\">{heading}</th>");
    }
    out.push_str("</tr></thead>\n");
    for listener in listeners {
        out.push_str("<tr>");
        for names in [
            ["IP", "ip"],
            ["UserAgent", "useragent"],
            ["username", "user"],
            ["Connected", "connected"],
            ["ID", "id"],
        ] {
            let found = names.iter().find_map(|name| child(*listener, name));
            let _ = write!(out, "<td>{}</td>", found.map(text).unwrap_or_default());
        }
        out.push_str("<td>");
        let id = child(*listener, "ID").and_then(|id| id.text()).unwrap_or_default();
        put_button(out, "killclient", &[("mount", mount), ("id", id)], "Disconnect");
        out.push_str("</td></tr>\n");
    }
    out.push_str("</table>\n");
}

fn put_users<'a>(out: &mut String, mount: &str, users: impl Iterator<Item = Node<'a, 'a>>) {
    out.push_str("<table>\n<thead><tr><th scope=\"col\">User</th><th></th></tr></thead>\n");
    for user in users {
        let Some(name) = child(user, "username").and_then(|name| name.text()) else { continue };
        let _ = write!(out, "<tr><td>{}</td><td>", escaped(name));
        let parameters = [("mount", mount), ("action", "delete"), ("username", name)];
        put_button(out, "manageauth", &parameters, "Delete");
        out.push_str("</td></tr>\n");
    }
    let _ = writeln!(
        out,
        "</table>\n<form action=\"/admin/manageauth.xsl\"><input type=\"hidden\" name=\"mount\" \
         value=\"{}\"><input type=\"hidden\" name=\"action\" value=\"add\"><label>Name <input \
         name=\"username\" required></label> <label>Password <input type=\"password\" \
         name=\"password\" autocomplete=\"new-password\" required></label> <button>Add</button>\
         </form>",
        escaped(mount)
    );
}

/// The edges, and how many listen on each.
fn put_edges(out: &mut String, root: Node<'_, '_>) {
    out.push_str("<table>\n<thead><tr>");
    for heading in ["Edge", "Address", "Seconds ago", "Mount", "Listeners"] {
        let _ = write!(out, "<th scope=\"col\">{heading}</th>");
    }
    out.push_str("</tr></thead>\n");
    for edge in root.children().filter(|node| node.has_tag_name("edge")) {
        for source in edge.children().filter(|node| node.has_tag_name("source")) {
            out.push_str("<tr>");
            for name in ["name", "IP", "heard"] {
                let _ = write!(out, "<td>{}</td>", child(edge, name).map(text).unwrap_or_default());
            }
            let mount = escaped(source.attribute("mount").unwrap_or_default());
            let count = child(source, "listeners").map(text).unwrap_or_default();
            let _ = writeln!(out, "<td>{mount}</td><td>{count}</td></tr>");
        }
    }
    out.push_str("</table>\n");
}

/// A button that gives a command.
fn put_button(out: &mut String, command: &str, parameters: &[(&str, &str)], label: &str) {
    let _ = write!(out, "<form action=\"/admin/{command}.xsl\">");
    for (name, value) in parameters {
        let value = escaped(value);
        let _ = write!(out, "<input type=\"hidden\" name=\"{name}\" value=\"{value}\">");
    }
    let _ = writeln!(out, "<button>{label}</button></form>");
}

/// Whether `node` is a name with a value, and not a list of its own or a message.
fn is_fact(node: Node<'_, '_>) -> bool {
    node.is_element()
        && !node.children().any(|inner| inner.is_element())
        && !["message", "return", "source", "User"].contains(&node.tag_name().name())
}

fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|child| child.has_tag_name(name))
}

fn text(node: Node<'_, '_>) -> String {
    escaped(node.text().unwrap_or_default())
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    xml::attribute(&mut out, text);
    out
}

/// No scripts, nothing from elsewhere, and no place inside somebody else's page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8886}\
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:1.5rem auto;padding:0 1rem}\
header{display:flex;flex-wrap:wrap;gap:.5rem 1.5rem;align-items:baseline;\
border-bottom:1px solid var(--line)}\
header p{font-weight:bold;margin:.5rem 0}nav a,.links a{margin-right:1rem}\
section{border:1px solid var(--line);border-radius:8px;padding:0 1rem 1rem;margin:1rem 0}\
table{border-collapse:collapse;margin:.5rem 0;width:100%}\
th,td{text-align:left;vertical-align:top;padding:.2rem .8rem .2rem 0;\
border-bottom:1px solid var(--line);overflow-wrap:anywhere}\
th[scope=row]{width:14rem;font-weight:normal;opacity:.8}\
form{margin:.3rem 0}.message{border-left:4px solid #2a8f5c;padding:.5rem 1rem;font-weight:bold}";

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(name: &str, raw: &str) -> String {
        let raw = format!("<?xml version=\"1.0\"?>\n{raw}\n");
        let page = page(name, Answer::ok("text/xml; charset=utf-8", raw));
        assert_eq!(page.content_type, Some("text/html; charset=utf-8"));
        String::from_utf8(page.body.unwrap().to_vec()).unwrap()
    }

    #[test]
    fn statistics_are_a_table_of_the_server_and_one_for_each_mount() {
        let page = shown(
            "stats",
            "<icestats><admin>a@b</admin><source mount=\"/a b\"><title>T</title></source>\
             </icestats>",
        );

        assert!(page.contains("<tr><th scope=\"row\">admin</th><td>a@b</td></tr>"), "{page}");
        assert!(page.contains("<h2>/a b</h2>"));
        assert!(page.contains("<tr><th scope=\"row\">title</th><td>T</td></tr>"));
        assert!(page.contains("href=\"/admin/listclients.xsl?mount=%2Fa%20b\""));
        assert!(!page.contains("manageauth"), "the mount has no users");
        let mounts = "<icestats><source mount=\"/a\"><fallback>/b</fallback></source></icestats>";
        assert!(shown("listmounts", mounts).contains("name=\"fallback\" value=\"/b\""));
    }

    #[test]
    fn a_listener_has_a_row_and_a_button_to_let_it_go() {
        let page = shown(
            "listclients",
            "<icestats><source mount=\"/a\"><Listeners>1</Listeners><listener><IP>::1</IP>\
             <UserAgent>mpv</UserAgent><Connected>7</Connected><ID>13</ID></listener></source>\
             </icestats>",
        );

        assert!(page.contains("<tr><td>::1</td><td>mpv</td><td></td><td>7</td><td>13</td><td>"));
        assert!(page.contains("name=\"id\" value=\"13\""));
    }

    #[test]
    fn what_strangers_say_stays_text() {
        let hostile = "&lt;script&gt;alert(1)&lt;/script&gt;\"'";
        let page = shown(
            "listclients",
            &format!(
                "<icestats><source mount=\"/&quot;&gt;&lt;img&gt;\"><title>{hostile}</title>\
                 <listener><UserAgent>{hostile}</UserAgent><ID>\"&gt;</ID></listener></source>\
                 </icestats>"
            ),
        );

        assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
        assert!(page.contains("value=\"/&quot;&gt;&lt;img&gt;\""));
    }

    #[test]
    fn results_moves_titles_and_users_have_their_forms() {
        let done = "<iceresponse><message>Source Removed</message><return>1</return></iceresponse>";
        let moves = "<icestats><current_source>/a</current_source><source mount=\"/b\">\
            <listeners>0</listeners></source></icestats>";
        let users = "<icestats><source mount=\"/a\"><User><username>eve</username></User></source>\
            <iceresponse><message>User added</message></iceresponse></icestats>";

        assert!(shown("killsource", done).contains("role=\"status\">Source Removed</p>"));
        let moves = shown("moveclients", moves);
        assert!(moves.contains("name=\"mount\" value=\"/a\""));
        assert!(moves.contains("name=\"destination\" value=\"/b\""));
        assert!(
            shown("updatemetadata", "<icestats><source mount=\"/a\"/></icestats>").contains("song")
        );
        let users = shown("manageauth", users);
        assert!(users.contains("User added") && users.contains("name=\"username\" value=\"eve\""));
        assert!(shown("listmounts", "<icestats/>").contains("No source is connected."));
    }

    #[test]
    fn what_is_no_xml_is_a_page_already() {
        let answer = Answer::ok("text/html", "<p>Fallback configured</p>");

        assert_eq!(page("fallbacks", answer.clone()), answer);
    }
}

//! XSPF: the XML list of Xiph. Of a track, its first `location`, `creator`, `title` and
//! `duration` are read, whatever namespace they are in.

use super::{Entry, List, NotAList};
use crate::playlist::text::text;
use roxmltree::{Document, Node};
use std::time::Duration;

pub(super) fn parse(bytes: &[u8]) -> Result<List, NotAList> {
    let text = text(bytes);
    let document = Document::parse(&text).map_err(|error| NotAList::Xml(error.to_string()))?;
    let root = document.root_element();
    let tracks = root.children().find(|node| node.tag_name().name() == "trackList");
    let mut list = List { is_declared: tracks.is_some(), ..List::default() };
    for key in ["title", "creator", "annotation"] {
        list.about.extend(child(root, key).map(|value| (key.to_owned(), value)));
    }
    let tracks = tracks.into_iter().flat_map(|tracks| tracks.children());
    for track in tracks.filter(|node| node.tag_name().name() == "track") {
        let Some(location) = child(track, "location") else { continue };
        let title = match (child(track, "creator"), child(track, "title")) {
            (Some(artist), Some(title)) => Some(format!("{artist} - {title}")),
            (_, title) => title,
        };
        let length_ms =
            child(track, "duration").and_then(|ms| ms.parse().ok()).filter(|&ms| ms > 0);
        list.entries.push(Entry {
            name: location.into_bytes(),
            is_address: true,
            title: title.map(Into::into),
            length: length_ms.map(Duration::from_millis),
            ..Entry::default()
        });
    }
    Ok(list)
}

/// The text of the first child called `name`; none if it is empty.
fn child(node: Node<'_, '_>, name: &str) -> Option<String> {
    let child = node.children().find(|child| child.tag_name().name() == name)?;
    let text = child.text().unwrap_or_default().trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tracks_have_location_title_and_length() {
        let list = parse(
            br#"<?xml version="1.0" encoding="UTF-8"?>
            <playlist version="1" xmlns="http://xspf.org/ns/0/"><title>Evening</title><trackList>
            <track><location>file:///app/music/x%20y.mp3</location><title>Tit &amp; le</title>
            <creator>Art</creator><duration>123500</duration></track>
            <track><title>nowhere</title></track>
            <track><location> z.ogg </location></track></trackList></playlist>"#,
        )
        .unwrap();

        assert_eq!(list.about, [("title".to_owned(), "Evening".to_owned())]);
        assert_eq!(list.entries.len(), 2);
        assert_eq!(list.entries[0].name, b"file:///app/music/x%20y.mp3");
        assert_eq!(list.entries[0].title.as_deref(), Some("Art - Tit & le"));
        assert_eq!(list.entries[0].length, Some(Duration::from_millis(123_500)));
        assert_eq!(list.entries[1].name, b"z.ogg");
    }

    #[test]
    fn half_a_document_is_no_list() {
        let half = b"<?xml version='1.0'?><playlist><trackList><track><location>a</location>";

        assert!(matches!(parse(half), Err(NotAList::Xml(_))));
    }
}

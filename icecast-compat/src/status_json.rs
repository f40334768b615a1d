//! `/status-json.xsl` with its habits.
//!
//! There is no `source` without sources; it is an object for one, an array for several. A source
//! ends in `"dummy":null`, and so does the document where there is none. Two habits of Icecast's
//! are not kept, because they are faults: a title of digits stays a string here, and the document
//! is always valid JSON.

use crate::fields::{Field, Fields, SourceFields};
use std::fmt::Write as _;

/// The document.
pub fn document(server: &Fields, sources: &[SourceFields]) -> String {
    let mut out = String::from("{\"icestats\":{");
    put(&mut out, server);
    match sources {
        [] => out.push_str("\"dummy\":null"),
        [source] => {
            out.push_str("\"source\":");
            put_source(&mut out, source);
        }
        several => {
            out.push_str("\"source\":[");
            for (index, source) in several.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                put_source(&mut out, source);
            }
            out.push(']');
        }
    }
    out.push_str("}}");
    out
}

fn put_source(out: &mut String, source: &SourceFields) {
    out.push('{');
    put(out, &source.fields);
    out.push_str("\"dummy\":null}");
}

fn put(out: &mut String, fields: &Fields) {
    for (name, value) in fields.iter() {
        string(out, name);
        out.push(':');
        match value {
            Field::Number(number) => {
                let _ = write!(out, "{number}");
            }
            Field::Text(text) => string(out, text),
        }
        out.push(',');
    }
}

fn string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1f}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn source(mount: &str, title: &str) -> SourceFields {
        let mut fields = Fields::default();
        fields.add("bitrate", 128).add("title", title);
        SourceFields { mount: mount.to_owned(), fields }
    }

    #[test]
    fn no_source_is_no_key_one_is_an_object_and_several_are_an_array() {
        let mut server = Fields::default();
        server.add("admin", "a@b");

        assert_eq!(document(&server, &[]), r#"{"icestats":{"admin":"a@b","dummy":null}}"#);
        assert_eq!(
            document(&server, &[source("/a", "A \"q\" \\")]),
            concat!(
                r#"{"icestats":{"admin":"a@b","source":{"bitrate":128,"title":"A \"q\" \\","#,
                r#""dummy":null}}}"#
            )
        );
        assert_eq!(
            document(&server, &[source("/a", "A"), source("/b", "B")]),
            concat!(
                r#"{"icestats":{"admin":"a@b","source":[{"bitrate":128,"title":"A","dummy":null},"#,
                r#"{"bitrate":128,"title":"B","dummy":null}]}}"#
            )
        );
    }

    proptest! {
        #[test]
        fn every_title_survives_the_round_trip(title in any::<String>()) {
            let document = document(&Fields::default(), &[source("/a", &title)]);

            let read: Value = serde_json::from_str(&document).unwrap();

            prop_assert_eq!(read["icestats"]["source"]["title"].as_str(), Some(title.as_str()));
        }
    }
}

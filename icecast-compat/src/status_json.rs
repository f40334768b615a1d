//! `/status-json.xsl` with its habits.
//!
//! There is no `source` without sources; it is an object for one, an array for several. A source
//! ends in `"dummy":null`, and so does the document where there is none. The document is always
//! valid JSON, which Icecast's is not after titles such as `-` or `.5`. Its other habit with
//! titles, that one of digits becomes a number, is kept only where that is asked for.

use crate::fields::{Field, Fields, SourceFields};
use std::fmt::Write as _;

/// How texts are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Texts {
    /// As Icecast writes them: those that are a number, `true` or `false` in JSON stand as that.
    AsIcecast,
    /// As texts, whatever they say.
    Kept,
}

/// The document.
pub fn document(server: &Fields, sources: &[SourceFields], texts: Texts) -> String {
    let mut out = String::from("{\"icestats\":{");
    put(&mut out, server, texts);
    match sources {
        [] => out.push_str("\"dummy\":null"),
        [source] => {
            out.push_str("\"source\":");
            put_source(&mut out, source, texts);
        }
        several => {
            out.push_str("\"source\":[");
            for (index, source) in several.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                put_source(&mut out, source, texts);
            }
            out.push(']');
        }
    }
    out.push_str("}}");
    out
}

fn put_source(out: &mut String, source: &SourceFields, texts: Texts) {
    out.push('{');
    put(out, &source.fields, texts);
    out.push_str("\"dummy\":null}");
}

fn put(out: &mut String, fields: &Fields, texts: Texts) {
    for (name, value) in fields.iter() {
        string(out, name);
        out.push(':');
        match value {
            Field::Number(number) => {
                let _ = write!(out, "{number}");
            }
            Field::Decimal(text) => out.push_str(text),
            Field::Text(text) if texts == Texts::AsIcecast && is_word_of_json(text) => {
                out.push_str(text);
            }
            Field::Text(text) => string(out, text),
        }
        out.push(',');
    }
}

/// Whether `text`, but for blanks around it, is a number, `true` or `false` in JSON.
fn is_word_of_json(text: &str) -> bool {
    let text = text.trim_matches(' ');
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (number, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let whole = whole.strip_prefix('-').unwrap_or(whole);
    let is_plain = whole == "0" || !whole.starts_with('0');
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    matches!(text, "true" | "false")
        || (digits(whole) && is_plain && digits(fraction) && digits(exponent))
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

        assert_eq!(
            document(&server, &[], Texts::Kept),
            r#"{"icestats":{"admin":"a@b","dummy":null}}"#
        );
        assert_eq!(
            document(&server, &[source("/a", "A \"q\" \\")], Texts::Kept),
            concat!(
                r#"{"icestats":{"admin":"a@b","source":{"bitrate":128,"title":"A \"q\" \\","#,
                r#""dummy":null}}}"#
            )
        );
        assert_eq!(
            document(&server, &[source("/a", "A"), source("/b", "B")], Texts::Kept),
            concat!(
                r#"{"icestats":{"admin":"a@b","source":[{"bitrate":128,"title":"A","dummy":null},"#,
                r#"{"bitrate":128,"title":"B","dummy":null}]}}"#
            )
        );
    }

    #[test]
    fn icecasts_numbers_are_those_that_json_knows() {
        let shown = |title: &str| {
            let text = document(&Fields::default(), &[source("/a", title)], Texts::AsIcecast);
            let title = text.split_once("\"title\":").unwrap().1.split_once(",\"dummy").unwrap().0;
            title.to_owned()
        };
        for number in ["1979", "1e5", "true", "false", "-3.5", "12345678901234567890", " 12 ", "0"]
        {
            assert_eq!(shown(number), number, "as recorded");
        }
        for text in ["007", "0x10", "1.2.3", " lead", ".5", "12.", "-", "-.", "", " ", "1e", "True"]
        {
            assert_eq!(
                shown(text),
                format!("\"{text}\""),
                "{text} is none, or would break the JSON"
            );
        }
    }

    proptest! {
        #[test]
        fn the_document_is_json_with_icecasts_numbers_too(title in "[-+0-9eE. truefals]{0,8}") {
            let document = document(&Fields::default(), &[source("/a", &title)], Texts::AsIcecast);

            prop_assert!(serde_json::from_str::<Value>(&document).is_ok(), "{document}");
        }

        #[test]
        fn every_title_survives_the_round_trip(title in any::<String>()) {
            let document = document(&Fields::default(), &[source("/a", &title)], Texts::Kept);

            let read: Value = serde_json::from_str(&document).unwrap();

            prop_assert_eq!(read["icestats"]["source"]["title"].as_str(), Some(title.as_str()));
        }
    }
}

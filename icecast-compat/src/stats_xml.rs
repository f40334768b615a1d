//! The statistics tree as `/admin/stats` prints it: on one line, names in order, the server's own
//! values before the sources.
//!
//! Readers search it with regular expressions, so its spelling matters to the byte:
//! `<source mount="/live.mp3">` has one attribute in double quotes, and no line ends between the
//! values.

use crate::fields::{Field, Fields, SourceFields};
use crate::xml;

/// The document.
pub fn document(server: &Fields, sources: &[SourceFields]) -> String {
    let mut out = String::from(xml::DECLARATION);
    out.push_str("<icestats>");
    put(&mut out, server);
    for source in sources {
        out.push_str("<source mount=\"");
        xml::attribute(&mut out, &source.mount);
        out.push_str("\">");
        put(&mut out, &source.fields);
        out.push_str("</source>");
    }
    out.push_str("</icestats>\n");
    out
}

fn put(out: &mut String, fields: &Fields) {
    for (name, value) in fields.iter().filter(|(name, _)| xml::is_name(name)) {
        match value {
            Field::Number(number) => xml::element(out, name, &number.to_string()),
            Field::Decimal(text) | Field::Text(text) => xml::element(out, name, text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_stands_on_one_line_with_the_server_first() {
        let mut server = Fields::default();
        server.add("listeners", 2).add("admin", "a@b");
        let mut fields = Fields::default();
        fields.add("title", "Ä & B").add("listeners", 2);

        let document = document(&server, &[SourceFields { mount: "/live.mp3".to_owned(), fields }]);

        assert_eq!(
            document,
            "<?xml version=\"1.0\"?>\n<icestats><admin>a@b</admin><listeners>2</listeners>\
             <source mount=\"/live.mp3\"><listeners>2</listeners><title>&#xC4; &amp; B</title>\
             </source></icestats>\n"
        );
    }

    #[test]
    fn a_name_that_is_no_element_name_is_left_out() {
        let mut server = Fields::default();
        server.add("a b", "x").add("</icestats>", "y").add("ok", "z");

        assert!(document(&server, &[]).ends_with("\n<icestats><ok>z</ok></icestats>\n"));
    }
}

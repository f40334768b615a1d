//! Text as Icecast writes it into XML.
//!
//! Its XML is declared without an encoding, and everything beyond ASCII is written as a character
//! reference, so that readers of any persuasion take it.

use std::fmt::Write as _;

/// The declaration that every document begins with.
pub const DECLARATION: &str = "<?xml version=\"1.0\"?>\n";

/// Appends `text` to `out`, escaped for an element's content.
pub fn text(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\t' | '\n' | ' '..='~' => out.push(c),
            '\r' => out.push_str("&#13;"),
            '\u{7f}'.. => referred(out, c),
            // What else is below a space may not stand in XML 1.0 in any form.
            _ => out.push(' '),
        }
    }
}

/// Appends `text` to `out`, escaped for an attribute in double quotes.
pub fn attribute(out: &mut String, value: &str) {
    for part in value.split_inclusive(['"', '\n', '\t']) {
        let (plain, last) = part.split_at(part.len() - part.ends_with(['"', '\n', '\t']) as usize);
        text(out, plain);
        match last {
            "\"" => out.push_str("&quot;"),
            "\n" => out.push_str("&#10;"),
            "\t" => out.push_str("&#9;"),
            _ => {}
        }
    }
}

/// Appends `<name>content</name>` to `out`.
pub fn element(out: &mut String, name: &str, content: &str) {
    let _ = write!(out, "<{name}>");
    text(out, content);
    let _ = write!(out, "</{name}>");
}

/// Whether `name` may be the name of an element; names that sources send are checked with it.
pub fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

fn referred(out: &mut String, c: char) {
    // U+FFFE and U+FFFF are characters to Rust and none to XML.
    if matches!(c, '\u{fffe}' | '\u{ffff}') {
        out.push(' ');
    } else {
        let _ = write!(out, "&#x{:X};", u32::from(c));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(plain: &str) -> String {
        let mut out = String::new();
        text(&mut out, plain);
        out
    }

    #[test]
    fn everything_beyond_ascii_is_a_reference() {
        assert_eq!(escaped("Ä & <b> 本"), "&#xC4; &amp; &lt;b&gt; &#x672C;");
    }

    #[test]
    fn what_xml_cannot_hold_becomes_a_space() {
        assert_eq!(escaped("a\0b\u{1b}c\u{ffff}"), "a b c ");
    }

    #[test]
    fn an_attribute_keeps_its_quotes_and_lines() {
        let mut out = String::new();
        attribute(&mut out, "/a\"b\n<");

        assert_eq!(out, "/a&quot;b&#10;&lt;");
    }

    #[test]
    fn a_name_begins_with_a_letter() {
        assert!(is_name("ice-bitrate") && is_name("_x.1"));
        assert!(!is_name("") && !is_name("1x") && !is_name("a b") && !is_name("a>"));
    }
}

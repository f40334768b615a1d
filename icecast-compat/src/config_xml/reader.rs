//! From the bytes of a file to a tree of elements, each with its line.
//!
//! The text is decoded as its declaration says (`encoding="ISO-8859-1"`); without one it is
//! UTF-8. A DOCTYPE is refused, and with it every entity that could grow. This module knows no
//! element of Icecast's but the outermost.

use encoding_rs::Encoding;
use roxmltree::{Node, ParsingOptions};

/// Why a file is no configuration at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Fault {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong, and what would do.
    pub what: String,
}

/// The elements of a file.
pub(super) struct Tree<'t> {
    document: roxmltree::Document<'t>,
    /// Where lines end, in bytes of the decoded text.
    line_ends: Vec<usize>,
}

impl<'t> Tree<'t> {
    /// Reads a decoded text.
    pub(super) fn parse(text: &'t str) -> Result<Self, Fault> {
        let line_ends: Vec<_> = text.match_indices('\n').map(|(at, _)| at).collect();
        let options = ParsingOptions { nodes_limit: NODES_MAX, ..ParsingOptions::default() };
        let document = roxmltree::Document::parse_with_options(text, options)
            .map_err(|error| fault(&error))?;
        let tree = Self { document, line_ends };
        let root = tree.document.root_element();
        let name = root.tag_name().name();
        if name != ROOT {
            let what = format!("the outermost element is <{name}>, where <{ROOT}> is wanted");
            return Err(Fault { line: tree.line(root), what });
        }
        Ok(tree)
    }

    /// The outermost element.
    pub(super) fn root(&self) -> Node<'_, 't> {
        self.document.root_element()
    }

    /// The line in which `node` begins.
    pub(super) fn line(&self, node: Node<'_, '_>) -> usize {
        let start = node.range().start;
        self.line_ends.partition_point(|end| *end < start) + 1
    }
}

/// The text of an element, without what comments and elements in it say.
pub(super) fn text_of(node: Node<'_, '_>) -> String {
    node.children().filter(Node::is_text).filter_map(|text| text.text()).collect()
}

/// The bytes of a file as text.
pub(super) fn decode(bytes: &[u8]) -> Result<String, Fault> {
    if bytes.len() > DOCUMENT_BYTES_MAX {
        let what =
            format!("{} bytes; a configuration has {DOCUMENT_BYTES_MAX} at most", bytes.len());
        return Err(Fault { line: 1, what });
    }
    let encoding = match declared_encoding(bytes) {
        None => encoding_rs::UTF_8,
        Some(label) => Encoding::for_label(label.as_bytes()).ok_or_else(|| Fault {
            line: 1,
            what: format!("the encoding `{label}` is not known; UTF-8 is the best choice"),
        })?,
    };
    // A byte order mark, if there is one, knows better than the declaration.
    let (text, encoding, damaged) = encoding.decode(bytes);
    if damaged {
        let good = text.split('\u{fffd}').next().unwrap_or_default();
        let line = good.matches('\n').count() + 1;
        let name = encoding.name();
        let what = format!(
            "a character is not {name}; save the file as {name}, or declare its encoding in the \
             first line: <?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>"
        );
        return Err(Fault { line, what });
    }
    Ok(text.into_owned())
}

/// What an XML declaration at the start of `bytes` calls the encoding.
fn declared_encoding(bytes: &[u8]) -> Option<String> {
    let start = &bytes[..bytes.len().min(DECLARATION_BYTES_MAX)];
    let start = String::from_utf8_lossy(start);
    let declaration = start.trim_start_matches('\u{feff}').strip_prefix("<?xml")?;
    let (declaration, _) = declaration.split_once("?>")?;
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (label, _) = value[1..].split_once(quote)?;
    Some(label.trim().to_owned())
}

fn fault(error: &roxmltree::Error) -> Fault {
    let line = usize::try_from(error.pos().row).unwrap_or(usize::MAX);
    let what = if matches!(error, roxmltree::Error::DtdDetected) {
        "a DOCTYPE is not read; remove it, and write out what its entities stand for".to_owned()
    } else {
        let place = format!(" at {}", error.pos());
        format!("not well-formed XML: {}", error.to_string().replace(&place, ""))
    };
    Fault { line, what }
}

/// The outermost element.
const ROOT: &str = "icecast";
/// The longest file, in bytes; ten thousand mounts need less.
pub const DOCUMENT_BYTES_MAX: usize = 8 << 20;
/// The most nodes, so that a file of nothing but tags costs bounded memory.
const NODES_MAX: u32 = 1_000_000;
/// The longest declaration that is looked at, in bytes.
const DECLARATION_BYTES_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_decoded_as_it_declares() {
        let latin = b"<?xml version='1.0' encoding=\"ISO-8859-1\"?><icecast>K\xf6ln</icecast>";

        assert!(decode(latin).unwrap().ends_with("<icecast>Köln</icecast>"));
        assert_eq!(decode("\u{feff}<icecast>ö".as_bytes()).unwrap(), "<icecast>ö");
        let wide: Vec<_> = "\u{feff}<icecast>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(decode(&wide).unwrap(), "<icecast>");
    }

    #[test]
    fn what_cannot_be_decoded_is_a_fault_with_its_line() {
        let latin = decode(b"<icecast>\n<location>K\xf6ln</location></icecast>").unwrap_err();
        let klingon = decode(b"<?xml version='1.0' encoding='klingon'?><icecast/>").unwrap_err();
        let endless = decode(&vec![b' '; DOCUMENT_BYTES_MAX + 1]).unwrap_err();

        assert_eq!(latin.line, 2);
        assert!(latin.what.starts_with("a character is not UTF-8; save the file"), "{latin}");
        assert_eq!(klingon.what, "the encoding `klingon` is not known; UTF-8 is the best choice");
        assert_eq!(endless.line, 1);
    }

    #[test]
    fn what_is_no_configuration_is_a_fault_with_its_line() {
        let fault = |text| Tree::parse(text).err().map(|fault| (fault.line, fault.what)).unwrap();

        let (line, what) = fault("<icecast>\n<limits>\n</icecast>");
        assert_eq!(line, 3);
        assert!(what.starts_with("not well-formed XML: expected 'limits' tag"), "{what}");
        assert_eq!(
            fault("\n<html/>"),
            (2, "the outermost element is <html>, where <icecast> is wanted".to_owned())
        );
        let (_, bomb) = fault("<!DOCTYPE icecast [<!ENTITY a 'aa'>]><icecast>&a;</icecast>");
        assert!(bomb.starts_with("a DOCTYPE is not read"), "{bomb}");
        assert!(fault("").1.starts_with("not well-formed XML"));
    }

    #[test]
    fn tags_in_tags_without_end_do_not_exhaust_the_stack() {
        let deep = "<icecast>".to_owned() + &"<a>".repeat(200_000) + &"</a>".repeat(200_000);

        assert!(Tree::parse(&(deep + "</icecast>")).is_ok());
    }
}

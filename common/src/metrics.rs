//! The text format of Prometheus, in which counts are told to whoever collects them.
//!
//! A metric has a name, a kind and a help text, and one line for each of its values, which labels
//! tell apart. Version 0.0.4 of the format, which every collector reads.

use std::fmt::{Display, Write as _};

/// A page of metrics as it grows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page(String);

impl Page {
    /// Writes one metric of the given `kind`, with a line for each of its values, which are told
    /// apart by labels; nothing without any values.
    pub fn one<'a>(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        values: impl IntoIterator<Item = (&'a [(&'a str, &'a str)], impl Display)>,
    ) {
        let mut values = values.into_iter().peekable();
        if values.peek().is_none() {
            return;
        }
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in values {
            self.0.push_str(name);
            for (index, (label, text)) in labels.iter().enumerate() {
                let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
                let before = if index == 0 { '{' } else { ',' };
                let _ = write!(self.0, "{before}{label}=\"{text}\"");
            }
            let after = if labels.is_empty() { "" } else { "}" };
            let _ = writeln!(self.0, "{after} {value}");
        }
    }

    /// The whole page.
    pub fn into_text(self) -> String {
        self.0
    }
}

/// The media type of a page.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_written_as_prometheus_reads_it() {
        let mut page = Page::default();
        let odd = [("mount", "/a\"\\\n")];
        page.one("x_total", "counter", "What it is.", [(&odd[..], 1), (&[][..], 2)]);
        let nothing: [(&[(&str, &str)], u64); 0] = [];
        page.one("y", "gauge", "Nothing.", nothing);

        let expected = "# HELP x_total What it is.\n# TYPE x_total counter\n\
            x_total{mount=\"/a\\\"\\\\\\n\"} 1\nx_total 2\n";
        assert_eq!(page.into_text(), expected);
    }
}

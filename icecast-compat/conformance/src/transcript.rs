//! An answer, without what changes from run to run.

use common::http::head::decoded;

/// The answer as text: dates, ports, counts and what a server calls itself are replaced by a name,
/// and a document of one line is broken between its elements, so that a difference can be seen.
pub fn transcript(answer: &[u8], port: u16) -> String {
    let text = decoded(answer).replace("\r\n", "\n").replace(&format!(":{port}"), ":PORT");
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let mut out = String::new();
    for line in head.lines() {
        out.push_str(&head_line(line));
        out.push('\n');
    }
    out.push('\n');
    for line in body.replace("><", ">\n<").replace(",\"", ",\n\"").lines() {
        out.push_str(&body_line(line));
        out.push('\n');
    }
    out
}

fn head_line(line: &str) -> String {
    match line.split_once(": ") {
        Some(("Date", _)) => "Date: DATE".to_owned(),
        Some(("Server", _)) => "Server: SERVER".to_owned(),
        Some(("Content-Length", _)) => "Content-Length: LENGTH".to_owned(),
        Some(_) | None => line.to_owned(),
    }
}

/// A line of XML (`<name>value</name>`) or JSON (`"name":value`) with its value named.
fn body_line(line: &str) -> String {
    for (name, value) in VARIABLE {
        let (xml, xml_end) = (format!("<{name}>"), format!("</{name}>"));
        let json = format!("\"{name}\":");
        if let (Some(at), Some(end)) = (line.find(&xml), line.find(&xml_end)) {
            return format!("{}{xml}{value}{}", &line[..at], &line[end..]);
        }
        if let Some(at) = line.find(&json) {
            let end = if line.ends_with(',') { "," } else { "" };
            return format!("{}{json}{value}{end}", &line[..at]);
        }
    }
    line.to_owned()
}

/// The values that change from run to run.
const VARIABLE: [(&str, &str); 17] = [
    ("Connected", "SECONDS"),
    ("client_connections", "COUNT"),
    ("clients", "COUNT"),
    ("connections", "COUNT"),
    ("file_connections", "COUNT"),
    ("listener_connections", "COUNT"),
    ("server_id", "SERVER"),
    ("server_start", "DATE"),
    ("server_start_iso8601", "DATE"),
    ("source_client_connections", "COUNT"),
    ("source_total_connections", "COUNT"),
    ("stats", "COUNT"),
    ("stats_connections", "COUNT"),
    ("stream_start", "DATE"),
    ("stream_start_iso8601", "DATE"),
    ("total_bytes_read", "BYTES"),
    ("total_bytes_sent", "BYTES"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_from_run_to_run_is_named() {
        let answer = b"HTTP/1.0 200 OK\r\nDate: now\r\nServer: X/1\r\n\r\n\
            <a><clients>3</clients><listenurl>http://h:81/x</listenurl></a>";

        assert_eq!(
            transcript(answer, 81),
            "HTTP/1.0 200 OK\nDate: DATE\nServer: SERVER\n\n\
             <a>\n<clients>COUNT</clients>\n<listenurl>http://h:PORT/x</listenurl>\n</a>\n"
        );
    }

    #[test]
    fn values_of_json_are_named_too() {
        let answer =
            b"HTTP/1.0 200 OK\r\n\r\n{\"i\":{\"host\":\"h\",\"server_id\":\"X\",\"dummy\":null}}";

        assert_eq!(
            transcript(answer, 81),
            "HTTP/1.0 200 OK\n\n{\"i\":{\"host\":\"h\",\n\"server_id\":SERVER,\n\"dummy\":null}}\n"
        );
    }
}

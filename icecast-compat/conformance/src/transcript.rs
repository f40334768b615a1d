//! What came back, without what changes from run to run.

use common::http::head::decoded;

/// An answer as text: dates, ports, counts and what a server calls itself are replaced by a name,
/// and a document of one line is broken between its elements, so that a difference can be seen.
pub fn transcript(answer: &[u8], port: u16) -> String {
    let text = answered(answer);
    let text = text.replace("\r\n", "\n").replace(&format!(":{port}"), ":PORT");
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let mut out = String::new();
    for line in head.lines() {
        out.push_str(&head_line(line));
        out.push('\n');
    }
    // What Icecast sends twice, as after `100 Continue`, is a head both times.
    if head.contains(" 100 ") && body.starts_with("HTTP/") {
        return out + "\n" + &transcript(body.as_bytes(), port);
    }
    if !head.is_empty() {
        out.push('\n');
    }
    for line in body.replace("><", ">\n<").replace(",\"", ",\n\"").lines() {
        out.push_str(&body_line(line));
        out.push('\n');
    }
    out
}

/// A line of a log, with what changes from run to run named.
pub fn log_line(line: &str, port: u16) -> String {
    let line = line.replace(&format!(":{port}"), ":PORT");
    if let (Some(from), Some(to)) = (line.find(" - - ["), line.find("] \"")) {
        // Access: `… [date] "request" status bytes "referer" "agent" seconds`.
        let mut words: Vec<&str> = line[to + 2..].split(' ').collect();
        let count = words.len();
        if let Some(seconds) = words.get_mut(count - 1) {
            *seconds = "SECONDS";
        }
        let is_number = |word: &str| word.parse::<u64>().is_ok();
        let pair = words.windows(2).position(|pair| is_number(pair[0]) && is_number(pair[1]));
        if let Some(bytes) = pair.and_then(|at| words.get_mut(at + 1)) {
            *bytes = "BYTES";
        }
        return format!("{} - - [DATE] {}", &line[..from], words.join(" "));
    }
    match line.split_once('|') {
        Some((_date, rest)) => format!("DATE|{rest}"),
        None => line,
    }
}

/// The answer as text; a body that is none is written with escapes.
fn answered(answer: &[u8]) -> String {
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let (head, body) = answer.split_at(end.map_or(answer.len(), |end| end + 4));
    let is_text = |byte: &u8| matches!(byte, b'\t' | b'\r' | b'\n' | b' '..=b'~' | 0x80..);
    match body.iter().all(is_text) {
        true => decoded(answer).into_owned(),
        false => format!("{}{}", decoded(head), body.escape_ascii()),
    }
}

fn head_line(line: &str) -> String {
    match line.split_once(": ") {
        Some(("Date", _)) => "Date: DATE".to_owned(),
        Some(("Server", _)) => "Server: SERVER".to_owned(),
        Some(("Content-Length", "0")) => line.to_owned(),
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
const VARIABLE: [(&str, &str); 18] = [
    ("Connected", "SECONDS"),
    ("ID", "ID"),
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

    #[test]
    fn both_heads_after_100_continue_are_heads() {
        let answer = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\nDate: now\r\n\r\n";

        assert_eq!(
            transcript(answer, 81),
            "HTTP/1.1 100 Continue\n\nHTTP/1.0 200 OK\nDate: DATE\n\n"
        );
    }

    #[test]
    fn what_changes_in_a_log_is_named() {
        let access =
            "::1 - - [22/Nov/2026:07:52:45 +0000] \"GET /a HTTP/1.1\" 200 63 \"-\" \"A 1 2 3\" 1";
        assert_eq!(
            log_line(access, 81),
            "::1 - - [DATE] \"GET /a HTTP/1.1\" 200 BYTES \"-\" \"A 1 2 3\" SECONDS"
        );
        let playlist = "22/Nov/2026:07:52:45 +0000|/live.mp3|1|A | B";
        assert_eq!(log_line(playlist, 81), "DATE|/live.mp3|1|A | B");
    }
}

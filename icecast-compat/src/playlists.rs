//! Playlists of mounts that players open: XSPF, an XML of tracks, and VCLT, RoarAudio's list of
//! `NAME=value` lines. What Icecast makes with style sheets, made by hand.

use crate::fields::{Field, Fields, SourceFields};
use crate::xml;
use std::fmt::Write as _;

/// The XSPF playlist of `sources`.
pub fn xspf(sources: &[SourceFields]) -> String {
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <playlist xmlns=\"http://xspf.org/ns/0/\" version=\"1\">\n  <title/>\n  <creator/>\n",
    );
    if sources.is_empty() {
        out.push_str("  <trackList/>\n</playlist>\n");
        return out;
    }
    out.push_str("  <trackList>\n");
    for source in sources {
        put_track(&mut out, &source.fields);
    }
    out.push_str("  </trackList>\n</playlist>\n");
    out
}

fn put_track(out: &mut String, fields: &Fields) {
    out.push_str("    <track>\n");
    let said = |name| said(fields, name);
    for (name, content) in [
        ("location", said("listenurl")),
        ("creator", said("artist")),
        ("title", Some(said("title").unwrap_or_default())),
        ("annotation", Some(annotation(fields))),
        ("info", said("server_url")),
    ] {
        match content.as_deref() {
            None => continue,
            Some("") => {
                let _ = write!(out, "      <{name}/>");
            }
            Some(content) => {
                out.push_str("      ");
                xml::element(out, name, content);
            }
        }
        out.push('\n');
    }
    out.push_str("    </track>\n");
}

/// What is known of the stream, a line for each.
fn annotation(fields: &Fields) -> String {
    let lines = [
        ("Stream Title: ", "server_name"),
        ("Stream Description: ", "server_description"),
        ("Content Type:", "server_type"),
        ("Bitrate: ", "bitrate"),
        ("Quality: ", "quality"),
        ("Video Quality: ", "video_quality"),
        ("Framesize: ", "frame_size"),
        ("Framerate: ", "frame_rate"),
        ("Current Listeners: ", "listeners"),
        ("Peak Listeners: ", "listener_peak"),
        ("Stream Genre: ", "genre"),
    ];
    let known =
        lines.iter().filter_map(|(label, name)| Some(format!("{label}{}", said(fields, name)?)));
    known.collect::<Vec<_>>().join("\n")
}

/// The VCLT playlist of `sources`.
pub fn vclt(sources: &[SourceFields]) -> String {
    let mut out = String::new();
    for SourceFields { fields, .. } in sources {
        let mut line = |label: &str, value: Option<String>| {
            if let Some(value) = value {
                // A line's end in a title would begin a line of its own making.
                let _ = writeln!(out, "{label}={}", value.replace(char::is_control, " "));
            }
        };
        let said = |name| said(fields, name);
        line("STREAMURL", said("listenurl"));
        line("ARTIST", said("artist"));
        line("TITLE", said("title"));
        line("SERVER_NAME", said("server_name"));
        line("DESCRIPTION", said("server_description"));
        let is_ogg = said("server_type").as_deref() == Some("application/ogg");
        let codec = match (is_ogg, said("subtype").as_deref()) {
            (true, Some("Vorbis")) => "codec:ogg_vorbis",
            (true, _) => "codec:ogg_general",
            (false, _) => "",
        };
        line("SIGNALINFO", Some(codec.to_owned()));
        line("GENRE", said("genre"));
        out.push_str("==\n");
    }
    out
}

fn said(fields: &Fields, name: &str) -> Option<String> {
    match fields.iter().find(|(known, _)| *known == name)?.1 {
        Field::Number(number) => Some(number.to_string()),
        Field::Decimal(text) | Field::Text(text) => Some(text.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live() -> SourceFields {
        let mut fields = Fields::default();
        fields
            .add("bitrate", 128)
            .add("genre", "ambient")
            .add("listener_peak", 1)
            .add("listeners", 1)
            .add("listenurl", "http://radio.test:18000/live.mp3")
            .add("server_description", "A description")
            .add("server_name", "Test Radio")
            .add("server_type", "audio/mpeg")
            .add("server_url", "http://radio.test/")
            .add("title", "\"");
        SourceFields { mount: "/live.mp3".to_owned(), fields }
    }

    #[test]
    fn an_xspf_playlist_is_what_icecast_sends() {
        let recorded = r#"<?xml version="1.0" encoding="UTF-8"?>
<playlist xmlns="http://xspf.org/ns/0/" version="1">
  <title/>
  <creator/>
  <trackList>
    <track>
      <location>http://radio.test:18000/live.mp3</location>
      <title>"</title>
      <annotation>Stream Title: Test Radio
Stream Description: A description
Content Type:audio/mpeg
Bitrate: 128
Current Listeners: 1
Peak Listeners: 1
Stream Genre: ambient</annotation>
      <info>http://radio.test/</info>
    </track>
  </trackList>
</playlist>
"#;
        assert_eq!(xspf(&[live()]), recorded);
        assert_eq!(xspf(&[live()]).len(), 491, "as recorded");
        assert_eq!(xspf(&[]).len(), 143, "as recorded");
    }

    #[test]
    fn a_vclt_playlist_is_what_icecast_sends() {
        let recorded = "STREAMURL=http://radio.test:18000/live.mp3\nTITLE=\"\n\
            SERVER_NAME=Test Radio\nDESCRIPTION=A description\nSIGNALINFO=\nGENRE=ambient\n==\n";
        assert_eq!(vclt(&[live()]), recorded);
        assert_eq!(recorded.len(), 129, "as recorded");
        assert_eq!(vclt(&[]), "");
    }

    #[test]
    fn a_title_adds_no_lines_and_no_elements() {
        let mut hostile = live();
        hostile.fields.add("title", "a\nSTREAMURL=http://evil/ <b>");

        assert!(vclt(&[hostile.clone()]).contains("\nTITLE=a STREAMURL=http://evil/ <b>\n"));
        assert!(xspf(&[hostile]).contains("<title>a\nSTREAMURL=http://evil/ &lt;b&gt;</title>"));
    }
}

//! The protocol of directories of public stations, byte for byte as Icecast 2.4.4 speaks it.
//!
//! A station is *added*, *touched* again and again so that the directory knows that it is still
//! there and what it plays, and *removed*. Each is a posted form; what the directory says stands
//! in the head of its answer. Values are coded as in [`super::auth_url`].

use crate::auth_url::encoded;

/// What a directory lists of a station.
#[derive(Clone, Copy, Debug, Default)]
pub struct Card<'a> {
    /// The station's name.
    pub name: &'a str,
    /// Its genre.
    pub genre: &'a str,
    /// What tells the directory that several stations are one.
    pub cluster_password: &'a str,
    /// About the station.
    pub description: &'a str,
    /// Its home page.
    pub url: &'a str,
    /// Where it is heard.
    pub listen_url: &'a str,
    /// The content type.
    pub content_type: &'a str,
    /// The codec.
    pub subtype: &'a str,
    /// Kilobits per second.
    pub bitrate: &'a str,
    /// `name=value` pairs between semicolons, as the source said them.
    pub audio_info: &'a str,
}

/// How a station is at the moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct State<'a> {
    /// What it plays.
    pub title: &'a str,
    /// Listeners.
    pub listeners: u64,
    /// The most there may be.
    pub listeners_max: u64,
    /// The codec.
    pub subtype: &'a str,
}

/// The form that adds a station.
pub fn add(card: &Card<'_>) -> String {
    let pairs = [
        ("sn", card.name),
        ("genre", card.genre),
        ("cpswd", card.cluster_password),
        ("desc", card.description),
        ("url", card.url),
        ("listenurl", card.listen_url),
        ("type", card.content_type),
        ("stype", card.subtype),
        ("b", card.bitrate),
    ];
    let fields = pairs.map(|(name, value)| format!("&{name}={}", encoded(value))).concat();
    format!("action=add{fields}&{}\r\n", encoded(card.audio_info))
}

/// The form that touches the station that the directory calls `sid`.
pub fn touch(sid: &str, state: &State<'_>) -> String {
    format!(
        "action=touch&sid={sid}&st={title}&listeners={listeners}&max_listeners={max}\
         &stype={subtype}\r\n",
        sid = sid_as_sent(sid),
        title = encoded(state.title),
        listeners = state.listeners,
        max = state.listeners_max,
        subtype = encoded(state.subtype),
    )
}

/// The form that removes it.
pub fn remove(sid: &str) -> String {
    format!("action=remove&sid={}", sid_as_sent(sid))
}

/// The directory's own name for a station goes back as it came, but for what would be another
/// field or line.
fn sid_as_sent(sid: &str) -> String {
    sid.chars().filter(|c| c.is_ascii_graphic() && !matches!(c, '&' | '=' | '%')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_station_is_added_as_icecast_was_recorded() {
        let vorbis = Card {
            name: "V & R",
            genre: "various",
            description: "Unspecified description",
            listen_url: "http://radio.test:18000/pub.ogg",
            content_type: "application/ogg",
            subtype: "Vorbis",
            bitrate: "96",
            ..Card::default()
        };
        let mp3 = Card {
            name: "Test Radio",
            genre: "ambient",
            cluster_password: "clus ter",
            description: "A description",
            url: "http://radio.test/",
            listen_url: "http://radio.test:18000/pub.mp3",
            content_type: "audio/mpeg",
            bitrate: "128",
            audio_info: "ice-samplerate=44100;ice-bitrate=128;ice-channels=2",
            ..Card::default()
        };

        assert_eq!(
            add(&vorbis),
            "action=add&sn=V%20%26%20R&genre=various&cpswd=&desc=Unspecified%20description&url=\
             &listenurl=http%3a%2f%2fradio%2etest%3a18000%2fpub%2eogg&type=application%2fogg\
             &stype=Vorbis&b=96&\r\n"
        );
        assert_eq!(
            add(&mp3),
            "action=add&sn=Test%20Radio&genre=ambient&cpswd=clus%20ter&desc=A%20description\
             &url=http%3a%2f%2fradio%2etest%2f\
             &listenurl=http%3a%2f%2fradio%2etest%3a18000%2fpub%2emp3&type=audio%2fmpeg&stype=\
             &b=128&ice%2dsamplerate%3d44100%3bice%2dbitrate%3d128%3bice%2dchannels%3d2\r\n"
        );
    }

    #[test]
    fn a_station_is_touched_and_removed_as_icecast_was_recorded() {
        let state = State {
            title: "V\u{f6}rbis Artist - Vorbis Title",
            listeners: 0,
            listeners_max: 100,
            subtype: "Vorbis",
        };

        assert_eq!(
            touch("sid-12345", &state),
            "action=touch&sid=sid-12345&st=V%c3%b6rbis%20Artist%20%2d%20Vorbis%20Title&listeners=0\
             &max_listeners=100&stype=Vorbis\r\n"
        );
        assert_eq!(remove("sid-12345"), "action=remove&sid=sid-12345");
        assert_eq!(remove("a&b=c\r\n%d"), "action=remove&sid=abcd");
    }
}

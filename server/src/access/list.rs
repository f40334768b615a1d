//! Files of addresses: one address or network on each line, as Icecast's lists have them.
//!
//! After an address the time at which its ban ends may stand, as `2026-12-24T18:00:00Z`; Icecast
//! takes such a line for nobody's address. So it does a line `agent PATTERN`, which bans programs
//! by their names. What follows a `#` is for people.
//!
//! Pure: text in, text out.

use ipnet::IpNet;
use jiff::Timestamp;
use std::fmt;
use std::net::IpAddr;

/// A ban.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ban {
    /// Who is kept out.
    pub(crate) banned: Banned,
    /// When that ends; `None` for never.
    pub(crate) until: Option<Timestamp>,
}

/// Who is kept out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Banned {
    /// Programs whose names fit a pattern of `*` and `?`.
    Agent(String),
    /// A network.
    Network(IpNet),
}

impl Banned {
    /// An address or network.
    pub(crate) fn network(text: &str) -> Option<Self> {
        let network = match text.parse::<IpAddr>() {
            Ok(ip) => IpNet::from(ip.to_canonical()),
            Err(_) => text.parse::<IpNet>().ok()?.trunc(),
        };
        Some(Self::Network(network))
    }

    /// A pattern of programs; none that fits every program, and none that would not fit on a line.
    pub(crate) fn agent(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_one = text.len() <= AGENT_BYTES_MAX
            && text.contains(|c| !matches!(c, '*' | '?' | ' '))
            && !text.contains(|c: char| c.is_control() || c == '#');
        is_one.then(|| Self::Agent(text.to_owned()))
    }
}

impl fmt::Display for Banned {
    /// As it stands in a file; a single address without its length, as Icecast wants it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agent(pattern) => write!(f, "{AGENT}{pattern}"),
            Self::Network(network) if network.prefix_len() == network.max_prefix_len() => {
                write!(f, "{}", network.addr())
            }
            Self::Network(network) => write!(f, "{network}"),
        }
    }
}

impl fmt::Display for Ban {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.banned.fmt(f)?;
        self.until.map_or(Ok(()), |until| write!(f, " {until:.0}"))
    }
}

/// Reads the text of a file: its bans, and how many lines are none.
pub(crate) fn read(text: &str) -> (Vec<Ban>, usize) {
    let (mut bans, mut odd_lines) = (Vec::new(), 0);
    for line in text.lines().filter(|line| !without_remark(line).is_empty()) {
        match ban(line) {
            Some(ban) => bans.push(ban),
            None => odd_lines += 1,
        }
    }
    (bans, odd_lines)
}

/// `text` with `ban` in place of what it said of the same; without bans that ended before `now`.
pub(crate) fn with(text: &str, new: &Ban, now: Timestamp) -> String {
    let mut text = without(text, &new.banned, now);
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    format!("{text}{new}\n")
}

/// `text` without bans of `banned` and without bans that ended before `now`; all else stays.
pub(crate) fn without(text: &str, banned: &Banned, now: Timestamp) -> String {
    let stays = |line: &&str| {
        ban(line).is_none_or(|ban| ban.banned != *banned && ban.until.is_none_or(|end| now < end))
    };
    text.split_inclusive('\n').filter(stays).collect()
}

fn ban(line: &str) -> Option<Ban> {
    let line = without_remark(line);
    if let Some(pattern) = line.strip_prefix(AGENT) {
        return Some(Ban { banned: Banned::agent(pattern)?, until: None });
    }
    let mut words = line.split_whitespace();
    let banned = Banned::network(words.next()?)?;
    let until = match words.next() {
        Some(until) => Some(until.parse().ok()?),
        None => None,
    };
    words.next().is_none().then_some(Ban { banned, until })
}

fn without_remark(line: &str) -> &str {
    line.split('#').next().unwrap_or_default().trim()
}

/// What a line about a program begins with.
const AGENT: &str = "agent ";
/// The longest pattern of programs, in bytes.
const AGENT_BYTES_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(text: &str) -> Vec<String> {
        read(text).0.iter().map(Ban::to_string).collect()
    }

    #[test]
    fn addresses_networks_times_and_programs_are_read() {
        let text = "# ours\n192.0.2.1\n 2001:db8::1 # a remark\r\n198.51.100.7/24\n\n\
                    ::ffff:192.0.2.2\n10.0.0.1 2026-12-24T18:00:00Z\nagent *ripper*\n";

        let expected = [
            "192.0.2.1",
            "2001:db8::1",
            "198.51.100.0/24",
            "192.0.2.2",
            "10.0.0.1 2026-12-24T18:00:00Z",
            "agent *ripper*",
        ];
        assert_eq!(lines(text), expected);
        assert_eq!(lines(&expected.join("\n")), expected);
    }

    #[test]
    fn odd_lines_are_counted_and_kept() {
        let text = "192.168.*\n1.2.3.4 soon\n1.2.3.4 2026-12-24T18:00:00Z x\nagent *\nhost\n";
        assert_eq!(read(text), (Vec::new(), 5));

        let banned = Banned::network("1.2.3.4").unwrap();
        assert_eq!(without(text, &banned, Timestamp::UNIX_EPOCH), text);
    }

    #[test]
    fn a_change_leaves_the_rest_and_drops_what_has_ended() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let text = "# a\n1.1.1.1\n2.2.2.2 2025-01-01T00:00:00Z\n3.3.3.3 2027-01-01T00:00:00Z";
        let new = Ban { banned: Banned::network("1.1.1.1").unwrap(), until: Some(now) };

        let changed = with(text, &new, now);

        assert_eq!(changed, "# a\n3.3.3.3 2027-01-01T00:00:00Z\n1.1.1.1 2026-01-01T00:00:00Z\n");
    }

    #[test]
    fn no_pattern_bans_every_program() {
        for text in ["", "*", "?*", " ** ", "a\nb", "a # b", &"x".repeat(AGENT_BYTES_MAX + 1)] {
            assert_eq!(Banned::agent(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_can_be_read_and_changed(text in "(?s).{0,200}", number: [u8; 4]) {
            let banned = Banned::network(&IpAddr::from(number).to_string()).unwrap();
            let ban = Ban { banned: banned.clone(), until: None };
            let now = Timestamp::UNIX_EPOCH;

            let changed = with(&text, &ban, now);

            prop_assert!(read(&changed).0.contains(&ban));
            prop_assert!(!read(&without(&changed, &banned, now)).0.contains(&ban));
        }
    }
}

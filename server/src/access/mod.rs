//! Who is kept out: addresses and programs.
//!
//! The configuration names networks and patterns, and files with more of them ([`list`]); the
//! administrator bans at run time ([`keeper`], who owns all of it). What comes of it is one set of
//! [`Rules`], which every connection is held against without asking anybody.

pub(crate) mod keeper;
pub(crate) mod list;

use glob::{MatchOptions, Pattern};
use ipnet::IpNet;
use jiff::Timestamp;
use list::{Ban, Banned};
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

/// Who may connect, at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rules {
    /// These may not.
    deny: Networks,
    /// If there is a list, only these may.
    allow: Option<Networks>,
    /// Programs that may not.
    agents: Vec<(Pattern, Option<Timestamp>)>,
    /// Proxies whose word about a client's address counts.
    trusted_proxies: Vec<IpNet>,
    /// Whether those proxies begin with a PROXY protocol header.
    pub(crate) proxy_protocol: bool,
}

impl Rules {
    /// Whether the client at `ip` may connect.
    pub(crate) fn admit(&self, ip: IpAddr, now: Timestamp) -> bool {
        let is_allowed = self.allow.as_ref().is_none_or(|allow| allow.hold(ip, now));
        is_allowed && !self.deny.hold(ip, now)
    }

    /// Whether a client that calls itself `agent` may ask for anything.
    pub(crate) fn admit_agent(&self, agent: &str, now: Timestamp) -> bool {
        let options = MatchOptions { case_sensitive: false, ..MatchOptions::new() };
        let mut agents = self.agents.iter().filter(|(_, until)| holds(*until, now));
        !agents.any(|(pattern, _)| pattern.matches_with(agent, options))
    }

    /// Whether the word of the peer at `ip` counts.
    pub(crate) fn trust(&self, ip: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(&ip))
    }

    fn ban(&mut self, ban: &Ban) {
        match &ban.banned {
            Banned::Agent(pattern) => {
                self.agents.extend(agent_pattern(pattern).map(|pattern| (pattern, ban.until)))
            }
            Banned::Network(network) => self.deny.add(*network, ban.until),
        }
    }
}

/// Networks, each for some time or for good, found by an address in a few look-ups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Networks {
    until: HashMap<IpNet, Option<Timestamp>>,
    /// How long the prefixes are that there are.
    prefixes_bits: BTreeSet<(bool, u8)>,
}

impl Networks {
    fn add(&mut self, network: IpNet, until: Option<Timestamp>) {
        let network = network.trunc();
        self.prefixes_bits.insert((is_v4(network.addr()), network.prefix_len()));
        let longest = match (self.until.get(&network), until) {
            (None, until) => until,
            (Some(Some(known)), Some(until)) => Some(until.max(*known)),
            (Some(_), _) => None,
        };
        self.until.insert(network, longest);
    }

    fn hold(&self, ip: IpAddr, now: Timestamp) -> bool {
        let is_v4 = is_v4(ip);
        self.prefixes_bits.iter().filter(|(of_v4, _)| *of_v4 == is_v4).any(|(_, bits)| {
            let network = IpNet::new(ip, *bits).map(|network| self.until.get(&network.trunc()));
            matches!(network, Ok(Some(until)) if holds(*until, now))
        })
    }
}

impl FromIterator<IpNet> for Networks {
    fn from_iter<T: IntoIterator<Item = IpNet>>(networks: T) -> Self {
        let mut all = Self::default();
        networks.into_iter().for_each(|network| all.add(network, None));
        all
    }
}

fn is_v4(ip: IpAddr) -> bool {
    ip.is_ipv4()
}

/// Whether what ends at `until` goes on at `now`.
fn holds(until: Option<Timestamp>, now: Timestamp) -> bool {
    until.is_none_or(|until| now < until)
}

/// A pattern of programs' names: `*` and `?` stand for others, everything else for itself.
pub(crate) fn agent_pattern(text: &str) -> Option<Pattern> {
    // `[` has a meaning for the matcher that nobody expects in a program's name.
    Pattern::new(&text.replace('[', "[[]")).ok()
}

/// The network that is taken for one client: an IPv4 address, or the /64 of an IPv6 address, since
/// a household has one such and as many addresses in it as it likes.
pub(crate) fn network_of(ip: IpAddr) -> IpNet {
    let ip = ip.to_canonical();
    let prefix_bits = if ip.is_ipv4() { 32 } else { 64 };
    IpNet::new_assert(ip, prefix_bits).trunc()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    fn denying(networks: &[&str]) -> Rules {
        Rules { deny: networks.iter().map(|text| net(text)).collect(), ..Rules::default() }
    }

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn who_is_denied_is_kept_out_and_nobody_else() {
        let rules = denying(&["192.0.2.7/32", "198.51.100.0/24", "2001:db8::/32"]);
        let admitted = |text| rules.admit(ip(text), NOW);

        assert!(!admitted("192.0.2.7") && admitted("192.0.2.8"));
        assert!(!admitted("198.51.100.255") && admitted("198.51.101.0"));
        assert!(!admitted("2001:db8:ffff::1") && admitted("2001:db9::"));
    }

    #[test]
    fn where_some_are_allowed_only_they_may_and_a_ban_comes_first() {
        let rules = Rules {
            allow: Some([net("10.0.0.0/8")].into_iter().collect()),
            ..denying(&["10.0.0.1/32"])
        };

        assert!(rules.admit(ip("10.0.0.2"), NOW));
        assert!(!rules.admit(ip("10.0.0.1"), NOW) && !rules.admit(ip("192.0.2.1"), NOW));
    }

    #[test]
    fn a_ban_ends_at_its_time_and_the_longest_counts() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut rules = Rules::default();
        let ban = |until| Ban { banned: Banned::Network(net("192.0.2.1/32")), until };
        rules.ban(&ban(Some(at(10))));
        rules.ban(&ban(Some(at(5))));

        assert!(!rules.admit(ip("192.0.2.1"), at(9)) && rules.admit(ip("192.0.2.1"), at(10)));
        rules.ban(&ban(None));
        rules.ban(&ban(Some(at(5))));
        assert!(!rules.admit(ip("192.0.2.1"), at(1_000_000)));
    }

    #[test]
    fn a_program_is_known_by_a_pattern_whatever_its_case() {
        let mut rules = Rules::default();
        for pattern in ["*Ripper*", "bad [x]?"] {
            rules.ban(&Ban { banned: Banned::Agent(pattern.to_owned()), until: None });
        }

        assert!(!rules.admit_agent("stream-ripper/1.0", NOW) && rules.admit_agent("VLC/3", NOW));
        assert!(!rules.admit_agent("Bad [x]1", NOW) && rules.admit_agent("Bad x1", NOW));
        assert!(rules.admit_agent("", NOW));
    }

    #[test]
    fn a_household_is_one_client() {
        let network = |text: &str| network_of(ip(text)).to_string();

        assert_eq!(network("192.0.2.7"), "192.0.2.7/32");
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7/32");
        assert_eq!(network("2001:db8:1:2:3::4"), "2001:db8:1:2::/64");
    }

    proptest! {
        #[test]
        fn a_look_up_finds_what_a_search_finds(
            networks in proptest::collection::vec((any::<IpAddr>(), 0..=32_u8), 0..20),
            other: IpAddr,
        ) {
            let networks: Vec<_> =
                networks.into_iter().map(|(ip, bits)| IpNet::new_assert(ip, bits)).collect();
            let table: Networks = networks.iter().copied().collect();

            for ip in networks.iter().map(IpNet::addr).chain([other]) {
                let searched = networks.iter().any(|network| network.contains(&ip));
                prop_assert_eq!(table.hold(ip, NOW), searched);
            }
        }
    }
}

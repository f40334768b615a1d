//! How an edge and its origin speak: the report in a query, and the terms in lines of text.
//!
//! A report is `GET /admin/report?edge=ID&name=NAME&lease=SECONDS&/MOUNT=LISTENERS&…`, with the
//! password for relays. Its answer has a line for each mount that it names and that has terms:
//! `/MOUNT?elsewhere=LISTENERS&listeners_max=…&duration_max=SECONDS`.

use super::table::Report;
use crate::mount::name::MountName;
use common::http::percent;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

/// What an origin says of one of its mounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Terms {
    /// How many listen to it, but for those of the edge that is told.
    pub(crate) elsewhere: u64,
    /// How many may, on all servers together; `None` for any number.
    pub(crate) listeners_max: Option<u64>,
    /// How long each may; `None` for ever.
    pub(crate) duration_max: Option<Duration>,
}

/// The paths that say what is in `listeners`, each no longer than a head may have it; one, if
/// there is nothing in it.
pub(crate) fn report_paths(
    edge: &str,
    name: &str,
    lease: Duration,
    listeners: &[(MountName, u64)],
) -> Vec<String> {
    let (edge, name) = (percent::encode(edge.as_bytes()), percent::encode(name.as_bytes()));
    let begin = format!("{PATH}?edge={edge}&name={name}&lease={}", lease.as_secs());
    let mut paths = vec![begin.clone()];
    for (mount, count) in listeners {
        let more = format!("&{}={count}", percent::encode_path(mount.as_str().as_bytes()));
        let last = paths.last_mut().expect("there is one from the start");
        if last.len() + more.len() > PATH_BYTES_MAX && *last != begin {
            paths.push(begin.clone() + &more);
        } else {
            last.push_str(&more);
        }
    }
    paths
}

/// The report in `query`, which came from `ip`; `None` if it is none.
pub(crate) fn report(query: &str, ip: IpAddr) -> Option<Report> {
    let (mut edge, mut name, mut lease, mut listeners) = (None, None, None, Vec::new());
    for (key, value) in percent::parameters(query) {
        let (key, value) = (String::from_utf8(key).ok()?, String::from_utf8(value).ok()?);
        match key.as_str() {
            "edge" => edge = Some(value),
            "lease" => lease = Some(Duration::from_secs(value.parse().ok()?)),
            "name" => name = Some(value),
            _ if key.starts_with('/') => {
                listeners.push((MountName::new(&key).ok()?, value.parse().ok()?));
            }
            _ => {}
        }
    }
    let fits = |text: &String| !text.is_empty() && text.len() <= NAME_BYTES_MAX;
    let (edge, name) = (edge.filter(fits)?, name.filter(fits)?);
    Some(Report { edge, name, ip, lease: lease?, listeners })
}

/// The lines that say `terms`.
pub(crate) fn terms_written(terms: &[(MountName, Terms)]) -> String {
    let mut text = String::new();
    for (mount, Terms { elsewhere, listeners_max, duration_max }) in terms {
        let path = percent::encode_path(mount.as_str().as_bytes());
        let _ = write!(text, "{path}?elsewhere={elsewhere}");
        if let Some(max) = listeners_max {
            let _ = write!(text, "&listeners_max={max}");
        }
        if let Some(max) = duration_max {
            let _ = write!(text, "&duration_max={}", max.as_secs());
        }
        text.push_str("\r\n");
    }
    text
}

/// The terms in the lines of `text`; what cannot be read is passed over.
pub(crate) fn terms(text: &str) -> Vec<(MountName, Terms)> {
    let line = |line: &str| {
        let (path, query) = line.split_once('?')?;
        let mount = MountName::of_path(path).ok()?;
        let mut terms = Terms::default();
        for (key, value) in percent::parameters(query) {
            let number: u64 = String::from_utf8(value).ok()?.parse().ok()?;
            match key.as_slice() {
                b"duration_max" => terms.duration_max = Some(Duration::from_secs(number)),
                b"elsewhere" => terms.elsewhere = number,
                b"listeners_max" => terms.listeners_max = Some(number),
                _ => {}
            }
        }
        Some((mount, terms))
    };
    text.lines().filter_map(|text| line(text.trim())).collect()
}

/// Where reports go.
const PATH: &str = "/admin/report";
/// The longest path of a report: what a server takes of a request's first line.
const PATH_BYTES_MAX: usize = 6_000;
/// The longest name of an edge.
const NAME_BYTES_MAX: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::net::Ipv4Addr;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const LEASE: Duration = Duration::from_secs(15);

    fn mount(name: &str) -> MountName {
        MountName::new(name).unwrap()
    }

    #[test]
    fn a_report_is_one_path_with_a_number_for_each_mount() {
        let listeners = [(mount("/a b.mp3"), 7), (mount("/c&d"), 0)];

        let paths = report_paths("carrier-1", "e:80", LEASE, &listeners);

        let written = "/admin/report?edge=carrier-1&name=e%3A80&lease=15&/a%20b.mp3=7&/c%26d=0";
        assert_eq!(paths, [written]);
        let read = report(written.split_once('?').unwrap().1, HERE).unwrap();
        assert_eq!((read.edge.as_str(), read.name.as_str()), ("carrier-1", "e:80"));
        assert_eq!((read.lease, read.listeners), (LEASE, listeners.to_vec()));
        assert_eq!(report_paths("e", "n", Duration::ZERO, &[]).len(), 1);
    }

    #[test]
    fn what_is_no_report_is_none() {
        for odd in [
            "",
            "edge=a&name=b",
            "edge=&name=b&lease=1",
            "edge=a&name=b&lease=-1",
            "edge=a&name=b&lease=1&/x=many",
            "edge=a&name=b&lease=1&/a/../b=1",
            "edge=%ff&name=b&lease=1",
        ] {
            assert_eq!(report(odd, HERE), None, "{odd}");
        }
        assert!(report("edge=a&name=b&lease=1&more=x", HERE).is_some());
    }

    #[test]
    fn terms_are_a_line_for_each_mount() {
        let all = [
            (mount("/a b"), Terms { elsewhere: 3, ..Terms::default() }),
            (
                mount("/c"),
                Terms { elsewhere: 0, listeners_max: Some(9), duration_max: Some(LEASE) },
            ),
        ];

        let text = terms_written(&all);

        let lines = "/a%20b?elsewhere=3\r\n/c?elsewhere=0&listeners_max=9&duration_max=15\r\n";
        assert_eq!(text, lines);
        assert_eq!(terms(&text), all);
        assert_eq!(
            terms("nonsense\n/x?elsewhere=y\n/y?later=1"),
            [(mount("/y"), Terms::default())]
        );
    }

    proptest! {
        #[test]
        fn what_is_reported_arrives_in_however_many_paths(
            names in vec("[ -~]{1,200}", 0..100),
            count in any::<u64>(),
        ) {
            let names = names.iter().filter_map(|name| MountName::new(&format!("/{name}")).ok());
            let all: Vec<_> = names.map(|name| (name, count)).collect();

            let paths = report_paths("carrier-1", "edge", LEASE, &all);

            let mut arrived = Vec::new();
            for path in &paths {
                prop_assert!(path.len() <= PATH_BYTES_MAX + 1_000);
                let read = report(path.split_once('?').unwrap().1, HERE).unwrap();
                arrived.extend(read.listeners);
            }
            prop_assert_eq!(arrived, all);
        }

        #[test]
        fn no_text_is_too_odd_to_be_looked_at(text in ".{0,200}") {
            let _ = (report(&text, HERE), terms(&text));
        }
    }
}

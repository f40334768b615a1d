//! Which servers a stream has come through, so that none fetches it from itself.
//!
//! A relay says in a `Via` line for which mount of which server it asks, and before it all those
//! on whose behalf; the answer says likewise through which mounts the stream has come. Each is one
//! item of the form `1.0 carrier-ID/MOUNT`. A server that finds the mount that it is asked for, or
//! that it fetches for, among them would hear itself. Other proxies may add items of their own.
//!
//! Pure.

use crate::mount::name::MountName;
use common::http::percent;

/// A server among all there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Instance(Box<str>);

impl Instance {
    /// One that is known by `number`, which nobody else has.
    pub(crate) fn new(number: u64) -> Self {
        Self(format!("carrier-{number:016x}").into())
    }

    /// What it is known by.
    pub(crate) fn id(&self) -> &str {
        &self.0
    }

    /// The line that adds this server's `mount` to those in `before`. The first items of a line
    /// that grows too long are left out.
    pub(crate) fn add(&self, mount: &MountName, before: Option<&str>) -> String {
        let own = self.item(mount);
        let before: Vec<_> = before.into_iter().flat_map(items).collect();
        let kept = before.len().saturating_sub(ITEMS_MAX - 1);
        let all = before[kept..].iter().copied().chain([own.as_str()]);
        all.map(|item| format!("1.0 {item}")).collect::<Vec<_>>().join(", ")
    }

    /// Whether this server's `mount` is among those in `line`.
    pub(crate) fn is_in(&self, mount: &MountName, line: &str) -> bool {
        let own = self.item(mount);
        items(line).any(|item| item == own)
    }

    fn item(&self, mount: &MountName) -> String {
        format!("{}{}", self.0, percent::encode_path(mount.as_str().as_bytes()))
    }
}

/// Whether `line` is that of a relay of our kind.
pub(crate) fn is_relays(line: &str) -> bool {
    items(line).any(|item| item.starts_with("carrier-"))
}

/// What the items of a line name, without their protocols.
fn items(line: &str) -> impl Iterator<Item = &str> {
    line.split(',').filter_map(|item| item.split_whitespace().nth(1))
}

/// The most items of a line: far more than any chain of servers is long.
const ITEMS_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(name: &str) -> MountName {
        MountName::new(name).unwrap()
    }

    #[test]
    fn a_mount_is_found_among_those_that_a_stream_has_come_through() {
        let (a, b) = (Instance::new(1), Instance::new(2));
        let line = b.add(&mount("/y"), Some(&a.add(&mount("/a, b"), Some("1.1 proxy, 1.0 other"))));

        assert_eq!(
            line,
            "1.0 proxy, 1.0 other, 1.0 carrier-0000000000000001/a%2C%20b, \
             1.0 carrier-0000000000000002/y"
        );
        assert!(a.is_in(&mount("/a, b"), &line) && b.is_in(&mount("/y"), &line));
        assert!(!a.is_in(&mount("/y"), &line) && !Instance::new(3).is_in(&mount("/y"), &line));
        assert!(is_relays(&line) && !is_relays("1.1 proxy"));
    }

    #[test]
    fn a_line_grows_no_longer_than_it_may() {
        let mut line = None;
        for number in 0..100 {
            line = Some(Instance::new(number).add(&mount("/x"), line.as_deref()));
        }

        assert_eq!(items(&line.unwrap()).count(), ITEMS_MAX);
    }
}

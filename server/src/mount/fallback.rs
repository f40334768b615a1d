//! Where listeners go when a source leaves, and who comes back when one returns.
//!
//! Pure: mounts are names here, and what falls back to what is asked of the caller.

use super::name::MountName;

/// The mounts that stand in for `name`, nearest first, without itself. A chain ends where it would
/// meet a mount again, and after [`CHAIN_MAX`].
pub(crate) fn chain(
    name: &MountName,
    fallback: impl Fn(&MountName) -> Option<MountName>,
) -> Vec<MountName> {
    let mut chain: Vec<MountName> = Vec::new();
    let mut at = name.clone();
    while let Some(next) = fallback(&at) {
        if chain.len() == CHAIN_MAX || next == *name || chain.contains(&next) {
            break;
        }
        chain.push(next.clone());
        at = next;
    }
    chain
}

/// The homes of listeners who may go on with `returned` now that it has a source: itself, and of
/// `others`, which have none, those that it stands in for.
pub(crate) fn homes(
    returned: &MountName,
    others: impl IntoIterator<Item = MountName>,
    fallback: impl Fn(&MountName) -> Option<MountName>,
) -> Vec<MountName> {
    let through = others.into_iter().filter(|other| chain(other, &fallback).contains(returned));
    std::iter::once(returned.clone()).chain(through).collect()
}

/// The most mounts in a chain of fallbacks, as in Icecast.
const CHAIN_MAX: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> MountName {
        MountName::new(text).unwrap()
    }

    /// `a` falls back to `b`, `b` to `c`, and so on through `letters`.
    fn falls(letters: &'static str) -> impl Fn(&MountName) -> Option<MountName> {
        move |from| {
            let at = letters.find(&from.as_str()[1..])?;
            letters[at + 1..].chars().next().map(|next| name(&format!("/{next}")))
        }
    }

    #[test]
    fn a_chain_is_followed_to_its_end() {
        assert_eq!(chain(&name("/a"), falls("abc")), [name("/b"), name("/c")]);
        assert!(chain(&name("/c"), falls("abc")).is_empty());
    }

    #[test]
    fn a_loop_is_left_and_a_long_chain_cut() {
        let in_a_circle =
            |from: &MountName| Some(name(if from.as_str() == "/a" { "/b" } else { "/a" }));

        assert_eq!(chain(&name("/a"), in_a_circle), [name("/b")]);
        assert_eq!(chain(&name("/x"), in_a_circle), [name("/a"), name("/b")]);
        assert_eq!(chain(&name("/a"), falls("abcdefghijklmnopqrst")).len(), CHAIN_MAX);
        assert_eq!(chain(&name("/a"), |from| Some(from.clone())), []);
    }

    #[test]
    fn those_come_back_whose_way_leads_through_what_returned() {
        let others = ["/a", "/x"].map(name);

        assert_eq!(homes(&name("/b"), others, falls("abc")), [name("/b"), name("/a")]);
    }
}

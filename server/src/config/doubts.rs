//! What can hardly be meant in a configuration that could be in force all the same.
//!
//! Pure: each doubt names the rule it is about; where that stands in a file its reader knows.

use super::Config;
use super::mounts::MountConfig;
use crate::mount::name::MountName;

/// Something that can hardly be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Doubt {
    /// The rule for mounts that it is about, by its place; `None` for what holds for all.
    pub(crate) rule: Option<usize>,
    /// What is so, and what would do.
    pub(crate) what: String,
}

/// Every doubt about `config`.
pub(crate) fn of(config: &Config) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    let rules = config.mounts.rules.iter().enumerate();
    let rules = rules.map(|(rule, (pattern, mount))| (Some(rule), pattern.as_str(), mount));
    for (rule, name, mount) in rules.chain([(None, "all", &config.mounts.usual)]) {
        // What a rule has from the usual is said once, of the usual.
        let own = |differs: bool| rule.is_none() || differs;
        let mut doubt = |what: String| doubts.push(Doubt { rule, what });
        let whose = if rule.is_some() { format!("mount {name}") } else { "all mounts".to_owned() };
        let usual = &config.mounts.usual;
        if mount.intro.is_some()
            && config.files.webroot.is_none()
            && own(mount.intro != usual.intro)
        {
            doubt(format!("{whose}: the intro stands in a webroot, and there is none"));
        }
        if mount.fallback_when_full && mount.fallback.is_none() && own(!usual.fallback_when_full) {
            doubt(format!("{whose}: listeners go to a fallback when it is full; it has none"));
        }
    }
    doubts.extend(circles(config));
    doubts
}

/// Fallbacks that lead back to where they began, each circle once.
fn circles(config: &Config) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    let mut seen: Vec<MountName> = Vec::new();
    for (rule, (pattern, mount)) in config.mounts.rules.iter().enumerate() {
        let Some(name) = pattern.name().filter(|name| !seen.contains(name)) else { continue };
        let Some(circle) = circle(config, &name, mount) else { continue };
        let chain: Vec<_> = circle.iter().map(MountName::as_str).collect();
        let what = format!(
            "mount {name}: its fallbacks lead back to it: {} → {name}; without a source on any of \
             them its listeners have nowhere to go",
            chain.join(" → ")
        );
        // A fallback for all mounts leads back to itself by nobody's intent.
        if circle.len() > 1 || mount.fallback != config.mounts.usual.fallback {
            doubts.push(Doubt { rule: Some(rule), what });
        }
        seen.extend(circle);
    }
    doubts
}

/// The mounts from `start` back to it.
fn circle(config: &Config, start: &MountName, mount: &MountConfig) -> Option<Vec<MountName>> {
    let mut chain = vec![start.clone()];
    let mut next = mount.fallback.as_ref()?;
    while next != start {
        if chain.contains(next) {
            return None; // a circle further on, which its own mounts tell of
        }
        chain.push(next.clone());
        next = config.mount(next).fallback.as_ref()?;
    }
    Some(chain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::mounts::{MountPattern, Mounts};

    fn config(usual: Option<&str>, mounts: &[(&str, Option<&str>)]) -> Config {
        let with = |fallback: Option<&str>| MountConfig {
            fallback: fallback.map(|name| MountName::new(name).unwrap()),
            ..MountConfig::default()
        };
        let rule = |(name, fallback): &(&str, Option<&str>)| {
            (MountPattern::new(name).unwrap(), with(*fallback))
        };
        let rules = mounts.iter().map(rule).collect();
        Config::of(Vec::new(), Mounts { usual: with(usual), rules })
    }

    fn said(config: &Config) -> Vec<String> {
        of(config).into_iter().map(|doubt| doubt.what).collect()
    }

    #[test]
    fn fallbacks_that_lead_in_a_circle_are_named_once_with_their_chain() {
        let config = config(
            None,
            &[("/x", Some("/a")), ("/a", Some("/b")), ("/b", Some("/c")), ("/c", Some("/a"))],
        );

        let doubts = of(&config);

        assert_eq!(doubts.len(), 1, "{doubts:?}");
        assert_eq!(doubts[0].rule, Some(1));
        assert!(doubts[0].what.contains("/a → /b → /c → /a;"), "{doubts:?}");
    }

    #[test]
    fn a_mount_that_falls_back_to_itself_is_named_unless_all_fall_back_to_it() {
        assert_eq!(said(&config(None, &[("/a", Some("/a"))])).len(), 1);
        assert!(said(&config(Some("/a"), &[("/a", Some("/a")), ("/b", Some("/a"))])).is_empty());
        assert!(said(&config(None, &[("/a", Some("/b")), ("/b", None)])).is_empty());
    }

    #[test]
    fn an_intro_without_a_webroot_and_fullness_without_a_fallback_are_named() {
        let mut config = config(None, &[("/a", None), ("/b", None)]);
        config.mounts.rules[0].1.intro = Some("i.mp3".into());
        config.mounts.rules[1].1.fallback_when_full = true;

        let rules: Vec<_> = of(&config).into_iter().map(|doubt| doubt.rule).collect();

        assert_eq!(rules, [Some(0), Some(1)]);
        config.files.webroot = Some("/w".into());
        assert_eq!(of(&config).len(), 1);
    }
}

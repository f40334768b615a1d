//! The names by which commands call playlists and outputs.
//!
//! Liquidsoap makes dots of some names into underscores, and which ones depends on its version, so
//! people have both in their scripts: `stream-queue.m3u.skip`, `stream-queue_m3u.skip`. Here the
//! two mean the same, whichever way the name was written.

/// The form in which names are compared.
pub fn folded(name: &str) -> String {
    name.replace('.', "_")
}

/// What is wrong with `name`, if anything is; commands are split at blanks and lines.
pub fn fault(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("is empty; give it a name");
    }
    name.contains(|c: char| c.is_whitespace() || c.is_control())
        .then_some("holds a blank, which no command can; write `-` or `_` instead")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_and_underscores_are_the_same() {
        assert_eq!(folded("stream-queue.m3u"), folded("stream-queue_m3u"));
        assert_ne!(folded("stream-queue"), folded("stream_queue"));
    }

    #[test]
    fn a_name_that_no_command_could_say_is_refused() {
        assert_eq!(fault("stream-queue.m3u"), None);
        for name in ["", "a b", "a\n", "\u{a0}"] {
            assert!(fault(name).is_some(), "{name:?}");
        }
    }
}

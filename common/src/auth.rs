//! Credentials, compared in constant time and never printed.

use std::fmt;
use subtle::ConstantTimeEq as _;

/// A user and the password given with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The user, as sent.
    pub user: String,
    /// The password, which no log shows.
    pub password: Password,
}

/// A password. It does not show itself in `Debug` and has no `Display`.
#[derive(Clone)]
pub struct Password(Box<str>);

impl Password {
    /// Keeps `text` as a password.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// Whether `guess` is this password, in a time that does not tell how much of it was right,
    /// nor how long it is. A password over [`PASSWORD_BYTES_MAX`] matches nothing.
    pub fn matches(&self, guess: &str) -> bool {
        let (Some(ours), Some(theirs)) = (padded(&self.0), padded(guess)) else { return false };
        bool::from(ours.ct_eq(&theirs) & self.0.len().ct_eq(&guess.len()))
    }

    /// The text itself, for the wire. Not for a log.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Password {
    /// Whether two configured passwords are the same text.
    fn eq(&self, other: &Self) -> bool {
        bool::from(self.0.as_bytes().ct_eq(other.0.as_bytes()))
    }
}

impl Eq for Password {}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

fn padded(text: &str) -> Option<[u8; PASSWORD_BYTES_MAX]> {
    let mut padded = [0; PASSWORD_BYTES_MAX];
    padded.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
    Some(padded)
}

/// The longest password that can match.
pub const PASSWORD_BYTES_MAX: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_password_matches() {
        let password = Password::new("hackme");

        assert!(password.matches("hackme"));
        for wrong in ["", "hackm", "hackme\0", "Hackme", "hackmee"] {
            assert!(!password.matches(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn a_password_over_the_limit_matches_nothing() {
        let long = "x".repeat(PASSWORD_BYTES_MAX + 1);

        assert!(!Password::new(&long).matches(&long));
        assert!(Password::new(&long[1..]).matches(&long[1..]));
    }

    #[test]
    fn a_password_does_not_show_itself() {
        let credentials = Credentials { user: "a".to_owned(), password: Password::new("secret") };

        assert!(!format!("{credentials:?}").contains("secret"));
    }
}

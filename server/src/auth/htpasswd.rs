//! Users and hashes of their passwords, as they stand in a file that Icecast can read too.
//!
//! A line is `user:hash`. Icecast's own hash is the MD5 of the password, unsalted, in hexadecimal
//! digits; whoever steals such a file has the passwords. So lines with a hash that is made to be
//! slow are read as well, as `htpasswd -B` (bcrypt) and everything that writes PHC strings
//! (Argon2) make them. A file in which there is an MD5 line may be Icecast's, and new lines are
//! written so that it stays readable for it; any other file gets Argon2.
//!
//! Pure: text in, text out. Who owns the file is [`super::users`].

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use common::auth::PASSWORD_BYTES_MAX;
use md5::{Digest as _, Md5};
use std::collections::BTreeMap;
use std::fmt;

/// The users of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Users {
    by_name: BTreeMap<String, Hash>,
    /// Lines that say nothing that we understand.
    pub(crate) odd_lines: usize,
}

/// What is kept of a password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Hash {
    /// A PHC string of the Argon2 family.
    Argon2(String),
    /// What `htpasswd -B` writes.
    Bcrypt(String),
    /// Icecast's.
    Md5([u8; 16]),
}

/// Why a user cannot be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UserError {
    /// The name cannot stand in the file, or cannot be sent with Basic credentials.
    #[error("a user's name is 1 to {USER_BYTES_MAX} bytes without colons and control characters")]
    Name,
    /// The password is empty or too long.
    #[error("a user's password is 1 to {PASSWORD_BYTES_MAX} bytes")]
    Password,
}

impl Users {
    /// Reads a file's text. Of two lines for one user the first counts.
    pub(crate) fn read(text: &str) -> Self {
        let mut users = Self::default();
        for line in text.lines().map(str::trim).filter(|line| !is_remark(line)) {
            match line.rsplit_once(':').and_then(|(user, hash)| Some((user, Hash::read(hash)?))) {
                Some((user, hash)) => {
                    users.by_name.entry(user.to_owned()).or_insert(hash);
                }
                None => users.odd_lines += 1,
            }
        }
        users
    }

    /// The names, in their order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// Whether there is a user of this name.
    pub(crate) fn has(&self, user: &str) -> bool {
        self.by_name.contains_key(user)
    }

    /// What a password of `user` is to be held against. For a name that is not there it is
    /// somebody's slow hash, with `false`: how long an answer takes is not to tell who is there.
    pub(crate) fn hash(&self, user: &str) -> Option<(&Hash, bool)> {
        let found = self.by_name.get(user).map(|hash| (hash, true));
        found.or_else(|| Some((self.by_name.values().find(|hash| hash.is_slow())?, false)))
    }

    /// Whether new lines are to be in Icecast's form.
    fn is_icecasts(&self) -> bool {
        self.by_name.values().any(|hash| !hash.is_slow())
    }

    /// The line for a new user, with the kind of hash that suits this file. Takes long.
    pub(crate) fn line_for(&self, user: &str, password: &str) -> Result<String, UserError> {
        let named = (1..=USER_BYTES_MAX).contains(&user.len())
            && user == user.trim()
            && !user.starts_with('#')
            && !user.contains(|c: char| c == ':' || c.is_control());
        if !named {
            return Err(UserError::Name);
        }
        if !(1..=PASSWORD_BYTES_MAX).contains(&password.len()) {
            return Err(UserError::Password);
        }
        let hash = match self.is_icecasts() {
            true => Hash::Md5(Md5::digest(password).into()),
            false => {
                let made = Argon2::default().hash_password(password.as_bytes());
                Hash::Argon2(made.map_err(|_| UserError::Password)?.to_string())
            }
        };
        Ok(format!("{user}:{hash}"))
    }
}

/// `text` with `line` at its end.
pub(crate) fn with_line(text: &str, line: &str) -> String {
    let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    format!("{text}{gap}{line}\n")
}

/// `text` without the lines of `user`; everything else stays as it is.
pub(crate) fn without_user(text: &str, user: &str) -> String {
    let is_other = |line: &&str| {
        let line = line.trim();
        is_remark(line) || line.rsplit_once(':').is_none_or(|(name, _)| name != user)
    };
    text.split_inclusive('\n').filter(is_other).collect()
}

fn is_remark(line: &str) -> bool {
    line.is_empty() || line.starts_with('#')
}

impl Hash {
    fn read(text: &str) -> Option<Self> {
        if text.starts_with("$argon2") {
            return PasswordHash::new(text).is_ok().then(|| Self::Argon2(text.to_owned()));
        }
        if text.starts_with("$2") {
            return text
                .parse::<bcrypt::HashParts>()
                .is_ok()
                .then(|| Self::Bcrypt(text.to_owned()));
        }
        let mut digest = [0; 16];
        if text.len() != 2 * digest.len() || !text.is_ascii() {
            return None;
        }
        for (at, byte) in digest.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        Some(Self::Md5(digest))
    }

    /// Whether to hold a password against it takes long.
    pub(crate) fn is_slow(&self) -> bool {
        !matches!(self, Self::Md5(_))
    }

    /// Whether it is the hash of `password`. Takes long for a slow hash.
    pub(crate) fn is_of(&self, password: &str) -> bool {
        if password.len() > PASSWORD_BYTES_MAX {
            return false;
        }
        match self {
            Self::Argon2(text) => PasswordHash::new(text).is_ok_and(|hash| {
                Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()
            }),
            Self::Bcrypt(text) => bcrypt::verify(password, text).unwrap_or(false),
            // What a comparison in varying time could tell is a digest that nobody can choose.
            Self::Md5(digest) => Md5::digest(password).as_slice() == digest,
        }
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argon2(text) | Self::Bcrypt(text) => f.write_str(text),
            Self::Md5(digest) => digest.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
        }
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hash(…)")
    }
}

/// The longest name of a user, in bytes.
const USER_BYTES_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As the recorded Icecast wrote it: alice's password is `secret`.
    const ICECASTS: &str = "alice:5ebe2294ecd0e0f08eab7690d2a6ee69\n";
    /// A test vector of crypt_blowfish: carol's password is `U*U`.
    const BCRYPT: &str = "carol:$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

    fn opens(text: &str, user: &str, password: &str) -> bool {
        let users = Users::read(text);
        users.hash(user).is_some_and(|(hash, is_there)| hash.is_of(password) & is_there)
    }

    #[test]
    fn icecasts_file_is_read() {
        assert!(opens(ICECASTS, "alice", "secret"));
        assert!(!opens(ICECASTS, "alice", "Secret") && !opens(ICECASTS, "bob", "secret"));
        assert_eq!(Users::read(ICECASTS).names().collect::<Vec<_>>(), ["alice"]);
    }

    #[test]
    fn remarks_and_blank_lines_are_passed_over_and_odd_lines_counted() {
        let users = Users::read("# users\n\nnobody\nx:12\ny:$argon2id$\nz:\u{e4}\u{e4}\n");

        assert_eq!((users.names().count(), users.odd_lines), (0, 4));
    }

    #[test]
    fn slow_hashes_are_read_beside_icecasts() {
        let line = Users::default().line_for("dave", "pw").unwrap();
        let text = format!("{ICECASTS}{BCRYPT}\n{line}\n");

        assert!(opens(&text, "carol", "U*U") && !opens(&text, "carol", "wrong"));
        assert!(opens(&text, "dave", "pw") && !opens(&text, "dave", "secret"));
        assert!(opens(&text, "alice", "secret"));
    }

    #[test]
    fn a_new_line_is_icecasts_only_in_a_file_that_may_be_icecasts() {
        let line = Users::read(ICECASTS).line_for("bob", "pw").unwrap();
        assert_eq!(line, "bob:8fe4c11451281c094a6578e6ddbf5eed");

        assert!(Users::read("").line_for("bob", "pw").unwrap().starts_with("bob:$argon2id$"));
        assert!(Users::read(BCRYPT).line_for("bob", "pw").unwrap().starts_with("bob:$argon2id$"));
    }

    #[test]
    fn a_name_that_would_break_the_file_is_no_name() {
        for name in ["", "a:b", "a\nroot:x", " a", "#a", &"x".repeat(USER_BYTES_MAX + 1)] {
            assert_eq!(Users::default().line_for(name, "pw"), Err(UserError::Name), "{name:?}");
        }
        assert_eq!(Users::default().line_for("a", ""), Err(UserError::Password));
    }

    #[test]
    fn taking_a_user_out_leaves_the_rest_as_it_was() {
        let text = format!("# ours\nbob:x\n{ICECASTS}bob:y");

        assert_eq!(without_user(&text, "bob"), format!("# ours\n{ICECASTS}"));
        assert_eq!(without_user(&text, "zed"), text);
        assert_eq!(with_line("a:b", "c:d"), "a:b\nc:d\n");
    }

    #[test]
    fn the_time_for_an_unknown_user_is_that_of_a_known_one() {
        let users = Users::read(BCRYPT);

        assert!(users.hash("nobody").is_some_and(|(hash, is_there)| hash.is_slow() && !is_there));
    }

    #[test]
    fn a_hash_does_not_show_itself() {
        assert!(!format!("{:?}", Users::read(ICECASTS)).contains("5ebe"));
    }

    proptest! {
        #[test]
        fn any_text_can_be_read_and_changed(text in "(?s).{0,200}", user in "[a-z]{1,4}") {
            let gone = without_user(&text, &user);

            prop_assert!(!Users::read(&gone).has(&user));
        }
    }
}

//! Basic credentials in a header (RFC 7617).
//!
//! Icecast takes the scheme only when it is spelled `Basic `; RFC 7235 says that its case does
//! not matter, and so it is here. Unpadded base64 is accepted, since some encoders send it.

use crate::auth::{Credentials, Password};
use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// The credentials in the value of an `Authorization` header; `None` if it holds no Basic ones.
pub fn read(authorization: &str) -> Option<Credentials> {
    let (scheme, encoded) = authorization.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let plain = LENIENT.decode(encoded.trim()).ok()?;
    let text = crate::http::head::decoded(&plain);
    let (user, password) = text.split_once(':')?;
    Some(Credentials { user: user.to_owned(), password: Password::new(password) })
}

/// The value of an `Authorization` header that carries `credentials`.
pub fn written(credentials: &Credentials) -> String {
    let plain = format!("{}:{}", credentials.user, credentials.password.reveal());
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(plain))
}

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_may_hold_colons() {
        let credentials = read("Basic c291cmNlOmE6Yg==").unwrap();

        assert_eq!(credentials.user, "source");
        assert!(credentials.password.matches("a:b"));
    }

    #[test]
    fn missing_padding_and_another_case_of_the_scheme_are_forgiven() {
        assert!(read("basic c291cmNlOmE6Yg").unwrap().password.matches("a:b"));
    }

    #[test]
    fn other_schemes_and_broken_values_hold_no_credentials() {
        assert!(read("Bearer abc").is_none());
        assert!(read("Basic").is_none());
        assert!(read("Basic ###").is_none());
        assert!(read("Basic YWJj").is_none(), "no colon");
    }

    #[test]
    fn what_is_written_is_read_back() {
        let credentials = Credentials { user: "dj".to_owned(), password: Password::new("pä ss") };

        let back = read(&written(&credentials)).unwrap();

        assert_eq!(back.user, "dj");
        assert!(back.password.matches("pä ss"));
    }
}

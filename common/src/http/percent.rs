//! Percent coding of paths and queries (RFC 3986), and query parameters.
//!
//! Parameters are bytes, not text: a metadata update says in `charset=` how to read them.

/// Decodes `%xx`; anything that is not two hex digits after a `%` stays as it is.
pub fn decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match (byte, bytes.get(at + 1).and_then(hex), bytes.get(at + 2).and_then(hex)) {
            (b'%', Some(high), Some(low)) => {
                out.push(high << 4 | low);
                at += 3;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

/// Encodes every byte but the unreserved characters (letters, digits, `-._~`) as `%XX`.
pub fn encode(bytes: &[u8]) -> String {
    encode_but(bytes, b"-._~")
}

/// Encodes a path: like [`encode`], and `/` stays.
pub fn encode_path(bytes: &[u8]) -> String {
    encode_but(bytes, b"-._~/")
}

/// The parameters of a query in order, decoded; `+` is a space. A name without `=` has an empty
/// value.
pub fn parameters(query: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(&name.replace('+', " ")), decode(&value.replace('+', " "))))
        .collect()
}

fn encode_but(bytes: &[u8], kept: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || kept.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX_DIGITS[usize::from(byte >> 4)]));
            out.push(char::from(HEX_DIGITS[usize::from(byte & 15)]));
        }
    }
    out
}

fn hex(digit: &u8) -> Option<u8> {
    char::from(*digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

const HEX_DIGITS: &[u8; 16] = b"0123456789ABCDEF";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    #[test]
    fn libshouts_metadata_query_is_read() {
        let query = "mode=updinfo&mount=%2fls%2emp3&song=%c3%9cn%c3%af%20%26+c";

        let read = parameters(query);

        assert_eq!(read[1], (b"mount".to_vec(), b"/ls.mp3".to_vec()));
        assert_eq!(read[2], (b"song".to_vec(), "Ünï & c".as_bytes().to_vec()));
    }

    #[test]
    fn a_percent_without_two_digits_stays() {
        assert_eq!(decode("100%&%4"), b"100%&%4");
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_itself(bytes in vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(decode(&encode(&bytes)), bytes.clone());
            prop_assert_eq!(decode(&encode_path(&bytes)), bytes);
        }
    }
}

//! `annotate:title="A \"song\"",liq_cue_in="3":music/a.mp3`, as Liquidsoap and AzuraCast write it.
//!
//! Values stand in double quotes, with `\"` and `\\` inside; a value without quotes ends at the
//! next comma or colon. What follows the colon after the last value is the address, which may be
//! annotated again. Pure.

use crate::playlist::item::Annotations;

/// The annotations of `entry` and the address behind them; `None` if it is not annotated, or not
/// in this form.
pub fn parse(entry: &[u8]) -> Option<(Annotations, &[u8])> {
    let mut annotations = Annotations::default();
    let mut rest = entry.strip_prefix(SCHEME)?;
    let mut pairs = 0;
    loop {
        let (key, value, after) = pair(rest)?;
        annotations.push(&key, &value);
        pairs += 1;
        rest = match after.split_first()? {
            (b',', rest) if pairs < PAIRS_MAX => rest,
            (b':', rest) => match rest.strip_prefix(SCHEME) {
                Some(again) if pairs < PAIRS_MAX => again,
                _ => return Some((annotations, rest)),
            },
            _ => return None,
        };
    }
}

/// One `key="value"`, and what follows it.
fn pair(text: &[u8]) -> Option<(String, String, &[u8])> {
    let text = text.trim_ascii_start();
    let equals = text.iter().position(|&byte| byte == b'=')?;
    let key = std::str::from_utf8(text[..equals].trim_ascii()).ok()?;
    let named = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    if key.is_empty() || !key.bytes().all(named) {
        return None;
    }
    let text = text[equals + 1..].trim_ascii_start();
    let (value, rest) = match text.strip_prefix(b"\"") {
        Some(text) => quoted(text)?,
        None => {
            let end = text.iter().position(|byte| b",:".contains(byte))?;
            (text[..end].trim_ascii().to_vec(), &text[end..])
        }
    };
    let value = String::from_utf8_lossy(&value).into_owned();
    Some((key.to_owned(), value, rest.trim_ascii_start()))
}

/// The value whose opening quote has been read, and what follows its closing quote.
fn quoted(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut value = Vec::new();
    let mut at = 0;
    loop {
        match *text.get(at)? {
            b'"' => return Some((value, &text[at + 1..])),
            b'\\' => {
                value.push(match *text.get(at + 1)? {
                    b'n' => b'\n',
                    b't' => b'\t',
                    other => other,
                });
                at += 2;
            }
            byte => {
                value.push(byte);
                at += 1;
            }
        }
    }
}

const SCHEME: &[u8] = b"annotate:";
/// So many annotations are read of one entry.
const PAIRS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_may_hold_quotes_commas_and_colons() {
        let (annotations, address) =
            read(r#"annotate:title="Q \"x\", y: \\z",artist="a":/app/music/q.mp3"#).unwrap();

        assert_eq!(annotations.get("title"), Some(r#"Q "x", y: \z"#));
        assert_eq!(annotations.get("artist"), Some("a"));
        assert_eq!(address, "/app/music/q.mp3");
    }

    #[test]
    fn values_without_quotes_and_blanks_between_are_understood() {
        let (annotations, address) = read("annotate: liq_cue_in = 3.5 , b=\"2\" :a b.mp3").unwrap();

        assert_eq!(annotations.iter().collect::<Vec<_>>(), [("liq_cue_in", "3.5"), ("b", "2")]);
        assert_eq!(address, "a b.mp3");
    }

    #[test]
    fn an_annotated_address_may_be_annotated_again() {
        let (annotations, address) = read(r#"annotate:a="1":annotate:b="2":http://h/x"#).unwrap();

        assert_eq!(annotations.iter().collect::<Vec<_>>(), [("a", "1"), ("b", "2")]);
        assert_eq!(address, "http://h/x");
    }

    #[test]
    fn what_is_not_in_this_form_is_a_name() {
        for name in ["a.mp3", "annotate:", "annotate:x", "annotate:a=\"1", "annotate:a=\"1\"b:c"] {
            assert_eq!(read(name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_may_follow_the_scheme(bytes in proptest::collection::vec(any::<u8>(), 0..99)) {
            let entry = [SCHEME, &bytes].concat();
            if let Some((annotations, address)) = parse(&entry) {
                prop_assert!(!annotations.is_empty() && entry.ends_with(address));
            }
        }

        #[test]
        fn what_is_written_is_read_back(value in any::<String>()) {
            let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
            let entry = format!("annotate:k=\"{escaped}\":x");
            let (annotations, _) = read(&entry).unwrap();
            prop_assert_eq!(annotations.get("k"), Some(value.as_str()));
        }
    }

    fn read(entry: &str) -> Option<(Annotations, &str)> {
        parse(entry.as_bytes())
            .map(|(annotations, rest)| (annotations, std::str::from_utf8(rest).unwrap()))
    }
}

//! Variables in the values of a configuration: `${NAME}` stands for what the environment calls
//! `NAME`, and `$${` for the two characters `${` themselves.
//!
//! So a file may be shared while its passwords are not. This module knows no environment; it asks
//! whoever looks names up.

use std::borrow::Cow;

/// Looks a variable up: its value, if it has one.
pub type Lookup<'l> = &'l dyn Fn(&str) -> Option<String>;

/// `text` with its variables filled in; else what is wrong, and what would do. A value is never
/// part of the message.
pub fn filled<'t>(text: &'t str, lookup: Lookup<'_>) -> Result<Cow<'t, str>, String> {
    if !text.contains(OPEN) {
        return Ok(Cow::Borrowed(text));
    }
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(OPEN) {
        if let Some(before) = before.strip_suffix('$') {
            filled.push_str(before);
            filled.push_str(OPEN);
            rest = after;
            continue;
        }
        let (name, after) = after
            .split_once('}')
            .filter(|(name, _)| is_name(name))
            .ok_or("`${` begins no variable such as `${NAME}`; write `$${` for these characters")?;
        let value = lookup(name).ok_or_else(|| {
            format!("`${{{name}}}` is not set in the environment; set it, or write the value")
        })?;
        filled.push_str(before);
        filled.push_str(&value);
        rest = after;
    }
    filled.push_str(rest);
    Ok(Cow::Owned(filled))
}

/// `text` so that [`filled`] gives it back as it is.
pub fn escaped(text: &str) -> String {
    text.replace(OPEN, "$${")
}

/// What the process's environment says.
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// How a variable begins.
const OPEN: &str = "${";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(text: &str) -> Result<String, String> {
        let lookup = |name: &str| (name == "A_1").then(|| "${x}".to_owned());
        filled(text, &lookup).map(Cow::into_owned)
    }

    #[test]
    fn a_variable_is_replaced_and_its_value_is_not_looked_at_again() {
        assert_eq!(of("<${A_1}>${A_1}").as_deref(), Ok("<${x}>${x}"));
        assert_eq!(of("a$b$$ {c} $").as_deref(), Ok("a$b$$ {c} $"));
    }

    #[test]
    fn two_dollars_stand_for_the_characters_themselves() {
        assert_eq!(of("$${A_1} $$${A_1}").as_deref(), Ok("${A_1} $${A_1}"));
    }

    #[test]
    fn a_variable_that_is_not_set_is_named_and_so_is_what_is_no_variable() {
        assert!(of("x${B}").unwrap_err().starts_with("`${B}` is not set in the environment"));
        for odd in ["${", "${}", "${a b}", "${1}", "${A_1"] {
            assert!(of(odd).unwrap_err().starts_with("`${` begins no variable"), "{odd}");
        }
    }

    proptest! {
        #[test]
        fn what_is_escaped_comes_back_as_it_was(text in "[${}ab]{0,12}") {
            prop_assert_eq!(of(&escaped(&text)), Ok(text));
        }

        #[test]
        fn any_text_is_filled_or_refused(text in ".{0,40}") {
            let _ = of(&text);
        }
    }
}

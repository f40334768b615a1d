//! The named values that Icecast's statistics are made of.

use std::collections::BTreeMap;

/// A value, with the type it has in JSON. In XML all are text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// A count, a rate, a number of bytes.
    Number(u64),
    /// Everything else.
    Text(String),
}

impl Field {
    /// `text` as a number if it is one that Icecast would show as such (digits only), else as
    /// text. For values such as `ice-bitrate` that a source sends as text.
    pub fn guessed(text: &str) -> Self {
        let plain = !text.starts_with('0') || text == "0";
        match text.parse() {
            Ok(number) if plain && text.bytes().all(|byte| byte.is_ascii_digit()) => {
                Self::Number(number)
            }
            _ => Self::Text(text.to_owned()),
        }
    }
}

impl From<u64> for Field {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<String> for Field {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Field {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// The values of one node. Icecast keeps them in the order of their names (`Connected` before
/// `admin`: by byte).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(BTreeMap<String, Field>);

impl Fields {
    /// Adds a value; a later one of the same name takes its place.
    pub fn add(&mut self, name: impl Into<String>, value: impl Into<Field>) -> &mut Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// Adds a value if there is one.
    pub fn add_some(
        &mut self,
        name: impl Into<String>,
        value: Option<impl Into<Field>>,
    ) -> &mut Self {
        if let Some(value) = value {
            self.add(name, value);
        }
        self
    }

    /// The values in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Field)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

/// The statistics of one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFields {
    /// The mount, with its leading slash.
    pub mount: String,
    /// Its values.
    pub fields: Fields,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_digits_are_guessed_to_be_a_number() {
        assert_eq!(Field::guessed("128"), Field::Number(128));
        assert_eq!(Field::guessed("0"), Field::Number(0));
        for text in ["", "-", "12.", ".5", "007", "+1", "0.4", " 1", "99999999999999999999"] {
            assert_eq!(Field::guessed(text), Field::Text(text.to_owned()));
        }
    }
}

//! The named values that Icecast's statistics are made of.

use std::collections::BTreeMap;

/// A value, with the type it has in JSON. In XML all are text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// A number with a fraction, as its source wrote it.
    Decimal(String),
    /// A count, a rate, a number of bytes.
    Number(u64),
    /// Everything else.
    Text(String),
}

impl Field {
    /// `text` as a number if it is one that Icecast would show as such and that JSON knows, else
    /// as text. For values such as `ice-bitrate` that a source sends as text.
    pub fn guessed(text: &str) -> Self {
        let are_digits =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let is_whole = |text: &str| are_digits(text) && (!text.starts_with('0') || text == "0");
        match (text.split_once('.'), text.parse()) {
            (None, Ok(number)) if is_whole(text) => Self::Number(number),
            (Some((whole, part)), _) if is_whole(whole) && are_digits(part) => {
                Self::Decimal(text.to_owned())
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
    fn only_what_json_takes_for_a_number_is_guessed_to_be_one() {
        assert_eq!(Field::guessed("128"), Field::Number(128));
        assert_eq!(Field::guessed("0"), Field::Number(0));
        assert_eq!(Field::guessed("5.50"), Field::Decimal("5.50".to_owned()));
        assert_eq!(Field::guessed("0.4"), Field::Decimal("0.4".to_owned()));
        for text in ["", "-", "12.", ".5", "007", "00.4", "+1", "1.2.3", " 1", "1e5"] {
            assert_eq!(Field::guessed(text), Field::Text(text.to_owned()));
        }
    }
}

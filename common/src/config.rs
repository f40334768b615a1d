//! Reading a configuration file so that every mistake in it is found at once.
//!
//! A file is TOML. Its reader walks it section by section and asks for each key by name and type;
//! whatever is wrong is noted with its place and the walk goes on. Keys that nobody asked for are
//! mistakes too, with a suggestion where a known key is near. At the end there is either a value
//! or all [`Mistakes`], each as one line: `station.toml:12: limits.queue_size: what, and what
//! would do`.
//!
//! This module reads text; the file is its caller's, and so is what [`variables`] stand for.

pub mod variables;

use crate::auth::Password;
use crate::units;
use std::fmt;
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use variables::Lookup;

/// One mistake, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The file as the operator named it.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The key, with the sections it stands in: `limits.queue_size`. Empty if the text is not
    /// TOML at all.
    pub key: String,
    /// What is wrong, and what would do.
    pub what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.what)
    }
}

/// All mistakes of a file, in the order of its lines; one line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.0.iter().enumerate() {
            let end = if index + 1 < self.0.len() { "\n" } else { "" };
            write!(f, "{mistake}{end}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

/// Reads `text`, which stands in `file`, with `walk`. Variables in it are not looked at.
pub fn read<T>(
    file: &str,
    text: &str,
    walk: impl FnOnce(&mut Section<'_>) -> T,
) -> Result<T, Mistakes> {
    read_with(file, text, None, walk)
}

/// The same with variables in the values, which `lookup` knows.
pub fn read_with<T>(
    file: &str,
    text: &str,
    lookup: Option<Lookup<'_>>,
    walk: impl FnOnce(&mut Section<'_>) -> T,
) -> Result<T, Mistakes> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut mistakes: Vec<Mistake> = Vec::new();
    for error in errors {
        let line = line_of(text, error.span().map_or(0, |span| span.start));
        if mistakes.last().is_some_and(|last| last.line == line) {
            continue; // what follows the first slip of a line is only its echo
        }
        let what = error.message().trim().replace('\n', ", ");
        mistakes.push(Mistake { file: file.to_owned(), line, key: String::new(), what });
    }
    if !mistakes.is_empty() {
        return Err(Mistakes(mistakes));
    }
    let whole = Text { file, text, lookup };
    let value = visit(whole, String::new(), 1, table.get_ref(), &mut mistakes, walk);
    if mistakes.is_empty() {
        return Ok(value);
    }
    mistakes.sort_by_key(|mistake| mistake.line);
    Err(Mistakes(mistakes))
}

/// The file that is read.
#[derive(Clone, Copy)]
struct Text<'a> {
    file: &'a str,
    text: &'a str,
    lookup: Option<Lookup<'a>>,
}

/// One section of the file during the walk.
pub struct Section<'a> {
    whole: Text<'a>,
    /// The keys that lead here, joined by dots; empty at the top.
    path: String,
    /// Where this section is named; 1 if the file does not name it.
    line: usize,
    table: &'a DeTable<'a>,
    known: Vec<&'static str>,
    mistakes: &'a mut Vec<Mistake>,
}

impl Section<'_> {
    /// The value of `key`; `None` if it is absent, or wrong and noted.
    pub fn value<T: Value>(&mut self, key: &'static str) -> Option<T> {
        self.known.push(key);
        let (_, value) = self.table.iter().find(|(name, _)| name.get_ref() == key)?;
        match read_filled(value.get_ref(), self.whole.lookup) {
            Ok(value) => Some(value),
            Err(what) => {
                self.wrong(key, what);
                None
            }
        }
    }

    /// The value of `key`, which must be there; `None` if it is absent or wrong, and noted.
    pub fn required<T: Value>(&mut self, key: &'static str) -> Option<T> {
        let present = self.table.iter().any(|(name, _)| name.get_ref() == key);
        if !present {
            self.wrong(key, "missing; it has no default");
        }
        self.value(key)
    }

    /// Says that `key` is known here, though nobody wants its value now.
    pub fn known(&mut self, key: &'static str) {
        self.known.push(key);
    }

    /// Reads the section `key`; where the file has none, `walk` sees an empty one, so that
    /// defaults stand in one place.
    pub fn section<T>(&mut self, key: &'static str, walk: impl FnOnce(&mut Section<'_>) -> T) -> T {
        self.known.push(key);
        let path = self.full(key);
        let line = self.line_of(key);
        let empty = DeTable::new();
        let found = self.table.iter().find(|(name, _)| name.get_ref() == key);
        let table = found.map_or(Some(&empty), |(_, value)| value.get_ref().as_table());
        if let (None, Some((_, value))) = (table, found) {
            self.wrong(key, wanted(value.get_ref(), "a section"));
        }
        let table = table.unwrap_or(&empty);
        visit(self.whole, path, line, table, self.mistakes, walk)
    }

    /// Reads every section below `key`, which the operator names: `[mounts."/live.mp3"]`, in the
    /// order of the file.
    pub fn named<T>(
        &mut self,
        key: &'static str,
        mut walk: impl FnMut(&str, &mut Section<'_>) -> T,
    ) -> Vec<T> {
        self.known.push(key);
        let Some((_, value)) = self.table.iter().find(|(name, _)| name.get_ref() == key) else {
            return Vec::new();
        };
        let Some(table) = value.get_ref().as_table() else {
            self.wrong(key, wanted(value.get_ref(), "a section of named sections"));
            return Vec::new();
        };
        let mut read = Vec::new();
        let mut table: Vec<_> = table.iter().collect();
        table.sort_by_key(|(name, _)| name.span().start);
        for (name, value) in table {
            let path = format!("{}.{}", self.full(key), quoted(name.get_ref()));
            let line = line_of(self.whole.text, name.span().start);
            let Some(table) = value.get_ref().as_table() else {
                self.note(line, path, wanted(value.get_ref(), "a section"));
                continue;
            };
            let walk = |section: &mut Section<'_>| walk(name.get_ref(), section);
            read.push(visit(self.whole, path, line, table, self.mistakes, walk));
        }
        read
    }

    /// Reads every section of the list `key`: `[[outputs]]`.
    pub fn list<T>(
        &mut self,
        key: &'static str,
        mut walk: impl FnMut(&mut Section<'_>) -> T,
    ) -> Vec<T> {
        self.known.push(key);
        let Some((_, value)) = self.table.iter().find(|(name, _)| name.get_ref() == key) else {
            return Vec::new();
        };
        let Some(items) = value.get_ref().as_array() else {
            self.wrong(key, wanted(value.get_ref(), "a list of sections"));
            return Vec::new();
        };
        let mut read = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let path = format!("{}[{}]", self.full(key), index + 1);
            let line = line_of(self.whole.text, item.span().start);
            let Some(table) = item.get_ref().as_table() else {
                self.note(line, path, wanted(item.get_ref(), "a section"));
                continue;
            };
            read.push(visit(self.whole, path, line, table, self.mistakes, &mut walk));
        }
        read
    }

    /// Notes that the value of `key`, present or not, is wrong.
    pub fn wrong(&mut self, key: &str, what: impl fmt::Display) {
        self.note(self.line_of(key), self.full(key), what.to_string());
    }

    /// Notes that this section itself is wrong.
    pub fn wrong_here(&mut self, what: impl fmt::Display) {
        self.note(self.line, self.path.clone(), what.to_string());
    }

    /// The line in which `key` stands, or else the line of this section.
    pub fn line_of(&self, key: &str) -> usize {
        let found = self.table.iter().find(|(name, _)| name.get_ref() == key);
        found.map_or(self.line, |(name, _)| line_of(self.whole.text, name.span().start))
    }

    /// `key` with the sections it stands in.
    fn full(&self, key: &str) -> String {
        if self.path.is_empty() { quoted(key) } else { format!("{}.{}", self.path, quoted(key)) }
    }

    fn note(&mut self, line: usize, key: String, what: String) {
        self.mistakes.push(Mistake { file: self.whole.file.to_owned(), line, key, what });
    }

    /// Notes every key that the walk did not ask for.
    fn close(mut self) {
        let strangers: Vec<_> = self
            .table
            .iter()
            .filter(|(name, _)| !self.known.contains(&&**name.get_ref()))
            .map(|(name, _)| {
                (name.get_ref().to_string(), line_of(self.whole.text, name.span().start))
            })
            .collect();
        for (name, line) in strangers {
            let what = match nearest(&name, &self.known) {
                Some(known) => format!("unknown key; did you mean `{known}`?"),
                None => format!("unknown key; known here: {}", self.known.join(", ")),
            };
            let key = self.full(&name);
            self.note(line, key, what);
        }
    }
}

/// A type that a key's value can be read as.
pub trait Value: Sized {
    /// The value; else what is wrong with it and what would do.
    fn read(value: &DeValue<'_>) -> Result<Self, String>;
}

/// A number of bytes, written as `65536` or `"64KiB"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

impl Value for String {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        value.as_str().map(str::to_owned).ok_or_else(|| wanted(value, "a text in quotes"))
    }
}

impl Value for Password {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        match value.as_str() {
            Some("") => Err("an empty password would let everybody in".to_owned()),
            Some(text) if text.len() > crate::auth::PASSWORD_BYTES_MAX => Err(format!(
                "a password of {} bytes; {} at most",
                text.len(),
                crate::auth::PASSWORD_BYTES_MAX
            )),
            Some(text) => Ok(Self::new(text)),
            None => Err(wanted(value, "a text in quotes")),
        }
    }
}

impl Value for bool {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        value.as_bool().ok_or_else(|| wanted(value, "true or false"))
    }
}

impl Value for u64 {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let integer = value.as_integer().ok_or_else(|| wanted(value, "a whole number"))?;
        Self::from_str_radix(integer.as_str(), integer.radix())
            .map_err(|_| format!("{integer} is not a whole number from 0 up"))
    }
}

impl Value for u32 {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let wide = u64::read(value)?;
        wide.try_into().map_err(|_| format!("{wide} exceeds {}", Self::MAX))
    }
}

impl Value for u16 {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let wide = u64::read(value)?;
        wide.try_into().map_err(|_| format!("{wide} exceeds {}", Self::MAX))
    }
}

impl Value for f64 {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let text = value.as_float().map(toml::de::DeFloat::as_str);
        let text = text.or_else(|| value.as_integer().map(toml::de::DeInteger::as_str));
        let number = text.and_then(|text| text.parse::<Self>().ok());
        number.filter(|number| number.is_finite()).ok_or_else(|| wanted(value, "a number"))
    }
}

impl Value for Size {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        match value.as_str() {
            Some(text) => units::parse_bytes(text).map(Self).map_err(|fault| fault.to_string()),
            None => u64::read(value)
                .map(Self)
                .map_err(|_| wanted(value, "a size such as 65536 or \"64KiB\"")),
        }
    }
}

impl Value for Duration {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        match value.as_str() {
            Some(text) => units::parse_duration(text).map_err(|fault| fault.to_string()),
            None => f64::read(value)
                .ok()
                .and_then(|seconds| Self::try_from_secs_f64(seconds).ok())
                .ok_or_else(|| wanted(value, "a duration such as 10 (seconds) or \"250ms\"")),
        }
    }
}

impl<T: Value> Value for Vec<T> {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let items = value.as_array().ok_or_else(|| wanted(value, "a list in brackets"))?;
        items.iter().map(|item| T::read(item.get_ref())).collect()
    }
}

fn visit<'a, T>(
    whole: Text<'a>,
    path: String,
    line: usize,
    table: &'a DeTable<'a>,
    mistakes: &'a mut Vec<Mistake>,
    walk: impl FnOnce(&mut Section<'a>) -> T,
) -> T {
    let mut section = Section { whole, path, line, table, known: Vec::new(), mistakes };
    let value = walk(&mut section);
    section.close();
    value
}

/// Reads a value after its variables are filled in.
fn read_filled<T: Value>(value: &DeValue<'_>, lookup: Option<Lookup<'_>>) -> Result<T, String> {
    let filled = lookup.map(|lookup| filled(value, lookup)).transpose()?.flatten();
    let Some(filled) = filled else { return T::read(value) };
    T::read(&filled).or_else(|what| {
        // A number comes out of the environment as a text.
        let text = filled.as_str().unwrap_or_default();
        let parsed = DeValue::parse(text).ok();
        parsed.and_then(|parsed| T::read(parsed.get_ref()).ok()).ok_or(what)
    })
}

/// The value with its variables filled in, if it holds texts.
fn filled(value: &DeValue<'_>, lookup: Lookup<'_>) -> Result<Option<DeValue<'static>>, String> {
    if let Some(text) = value.as_str() {
        let text = variables::filled(text, lookup)?.into_owned();
        return Ok(Some(DeValue::String(text.into())));
    }
    let Some(items) = value.as_array() else { return Ok(None) };
    let mut texts = toml::de::DeArray::new();
    for item in items {
        let Some(text) = filled(item.get_ref(), lookup)? else { return Ok(None) };
        texts.push(Spanned::new(item.span(), text));
    }
    Ok(Some(DeValue::Array(texts)))
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|&&byte| byte == b'\n').count() + 1
}

fn wanted(value: &DeValue<'_>, wanted: &str) -> String {
    let kind = value.type_str();
    let article = if kind.starts_with(['a', 'i', 'o']) { "an" } else { "a" };
    format!("{article} {kind}, but {wanted} is wanted here")
}

fn quoted(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if key.chars().all(bare) { key.to_owned() } else { format!("{key:?}") }
}

/// The one of `known` that `name` most likely is a slip of.
pub fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let distance = |key: &&str| strsim::damerau_levenshtein(name, key);
    let best = known.iter().copied().min_by_key(distance)?;
    (distance(&best) <= best.len().max(name.len()) / 3).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Sample {
        name: Option<String>,
        queue: Option<Size>,
        wait: Option<Duration>,
        mounts: Vec<(String, Option<u32>)>,
    }

    fn sample(text: &str) -> Result<Sample, String> {
        read("a.toml", text, |top| Sample {
            name: top.required("name"),
            queue: top.section("limits", |limits| limits.value("queue_size")),
            wait: top.value("wait"),
            mounts: top.named("mounts", |name, mount| (name.to_owned(), mount.value("listeners"))),
        })
        .map_err(|mistakes| mistakes.to_string())
    }

    #[test]
    fn values_are_read_with_their_units() {
        let text = "name = 'x'\nwait = '250ms'\n[limits]\nqueue_size = '1KiB'\n\
                    [mounts.'/a.mp3']\nlisteners = 3";

        let read = sample(text).unwrap();

        assert_eq!(
            read,
            Sample {
                name: Some("x".to_owned()),
                queue: Some(Size(1_024)),
                wait: Some(Duration::from_millis(250)),
                mounts: vec![("/a.mp3".to_owned(), Some(3))],
            }
        );
    }

    #[test]
    fn every_mistake_is_reported_with_its_line() {
        let text =
            "wait = true\n\n[limits]\nqueue_sise = 1\n[mounts.'/a.mp3']\nlisteners = -3\nzzz = 1";

        let mistakes = sample(text).unwrap_err();

        assert_eq!(
            mistakes.lines().collect::<Vec<_>>(),
            [
                "a.toml:1: name: missing; it has no default",
                "a.toml:1: wait: a boolean, but a duration such as 10 (seconds) or \"250ms\" \
                 is wanted here",
                "a.toml:4: limits.queue_sise: unknown key; did you mean `queue_size`?",
                "a.toml:6: mounts.\"/a.mp3\".listeners: -3 is not a whole number from 0 up",
                "a.toml:7: mounts.\"/a.mp3\".zzz: unknown key; known here: listeners",
            ]
        );
    }

    #[test]
    fn a_variable_stands_for_a_text_or_for_what_is_read_from_one() {
        let lookup = |name: &str| match name {
            "NAME" => Some("7".to_owned()),
            "LIST" => Some("[1, 2]".to_owned()),
            _ => None,
        };
        let walk = |top: &mut Section<'_>| {
            let texts = top.value::<Vec<String>>("texts");
            (top.value::<String>("a"), top.value::<u32>("b"), top.value::<Vec<u32>>("c"), texts)
        };
        let text = "a = '${NAME}'\nb = '${NAME}0'\nc = '${LIST}'\ntexts = ['x${NAME}', '$${']";

        let (a, b, c, texts) = read_with("a.toml", text, Some(&lookup), walk).unwrap();

        assert_eq!((a.as_deref(), b, c), (Some("7"), Some(70), Some(vec![1, 2])));
        assert_eq!(texts.unwrap(), ["x7", "${"]);
        let mistakes = read_with("a.toml", "\na = '${B}'", Some(&lookup), walk).unwrap_err();
        assert!(mistakes.to_string().starts_with("a.toml:2: a: `${B}` is not set"), "{mistakes}");
    }

    #[test]
    fn named_sections_keep_the_order_of_the_file() {
        let text = "m.z.a = 1\nm.b.a = 2\nm.k.a = 3";
        let walk = |top: &mut Section<'_>| top.named("m", |_, section| section.value::<u32>("a"));

        assert_eq!(read("a.toml", text, walk).unwrap(), [Some(1), Some(2), Some(3)]);
    }

    #[test]
    fn text_that_is_not_toml_is_named_by_its_line() {
        let mistakes = sample("name = 'x'\nwait = = 3").unwrap_err();

        assert!(mistakes.starts_with("a.toml:2: "), "{mistakes}");
        assert_eq!(mistakes.lines().count(), 1, "{mistakes}");
    }

    #[test]
    fn a_value_of_the_wrong_kind_where_a_section_is_wanted_is_a_mistake() {
        let mistakes = sample("name = 'x'\nlimits = 3\nmounts = []").unwrap_err();

        assert!(mistakes.contains("a.toml:2: limits: an integer, but a section is wanted here"));
        assert!(mistakes.contains(
            "a.toml:3: mounts: an array, but a section of named sections is wanted here"
        ));
    }

    #[test]
    fn an_empty_password_is_a_mistake() {
        let read = read("a.toml", "p = ''", |top| top.value::<Password>("p"));

        assert!(read.unwrap_err().to_string().contains("an empty password"));
    }
}

//! The words of a Liquidsoap script.
//!
//! Any text has words: what is none is a [`Word::Strange`], for the parser to stumble over. Pure.

/// A word, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) word: Word,
    /// Counted from 1.
    pub(super) line: usize,
    /// Whether blanks or a line's end stand before it.
    pub(super) is_apart: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word {
    /// `%mp3`, without its percent sign.
    Encoder(String),
    /// `radio`, `def`, `true`.
    Name(String),
    Number(f64),
    /// What stands between quotes, with escapes undone.
    Text(String),
    /// Brackets, operators: up to three characters.
    Mark(&'static str),
    /// `6h`, `11h30`, `2w`: a moment of a day or a week.
    Moment(String),
    Strange(char),
}

/// All words of `script`.
pub(super) fn tokens(script: &str) -> Vec<Token> {
    let mut lexer = Lexer { rest: script, line: 1 };
    let mut tokens = Vec::new();
    loop {
        let is_apart = lexer.pass_blanks();
        let line = lexer.line;
        let Some(word) = lexer.word() else { return tokens };
        tokens.push(Token { word, line, is_apart: is_apart || tokens.is_empty() });
    }
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Lexer<'a> {
    /// Passes over blanks and comments; says whether there were any.
    fn pass_blanks(&mut self) -> bool {
        let before = self.rest.len();
        loop {
            let blanks = self.rest.len() - self.rest.trim_start().len();
            self.pass(blanks);
            if self.rest.starts_with("#<") {
                let end = self.rest.find(">#").map_or(self.rest.len(), |at| at + 2);
                self.pass(end);
            } else if self.rest.starts_with('#') {
                self.pass(self.rest.find('\n').unwrap_or(self.rest.len()));
            } else {
                return self.rest.len() != before;
            }
        }
    }

    fn word(&mut self) -> Option<Word> {
        let first = self.rest.chars().next()?;
        if first == '"' || first == '\'' {
            return Some(self.text(first));
        }
        if first.is_ascii_digit() {
            return Some(self.number());
        }
        if first.is_alphabetic() || first == '_' {
            return Some(Word::Name(self.take(is_of_name).to_owned()));
        }
        let after_percent = self.rest.strip_prefix('%').and_then(|rest| rest.chars().next());
        if after_percent.is_some_and(char::is_alphabetic) {
            self.pass(1);
            return Some(Word::Encoder(self.take(|c| is_of_name(c) || c == '.').to_owned()));
        }
        if let Some(mark) = MARKS.iter().find(|mark| self.rest.starts_with(**mark)) {
            self.pass(mark.len());
            return Some(Word::Mark(mark));
        }
        self.pass(first.len_utf8());
        Some(Word::Strange(first))
    }

    /// The text that begins with `quote`; without its end, all that is left.
    fn text(&mut self, quote: char) -> Word {
        let mut text = String::new();
        let mut length = quote.len_utf8();
        let mut chars = self.rest[length..].chars();
        while let Some(c) = chars.next() {
            length += c.len_utf8();
            if c == quote {
                break;
            }
            if c != '\\' {
                text.push(c);
                continue;
            }
            let Some(escaped) = chars.next() else { break };
            length += escaped.len_utf8();
            match escaped {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                'r' => text.push('\r'),
                other => text.push(other),
            }
        }
        self.pass(length);
        Word::Text(text)
    }

    /// A number, or a moment such as `11h30`.
    fn number(&mut self) -> Word {
        let digits = self.take(|c| c.is_ascii_digit() || c == '_');
        let unit = self.rest.chars().next().filter(|c| "wdhms".contains(*c));
        if let Some(unit) = unit {
            let after = self.rest[1..].chars().next();
            if after.is_none_or(|c| c.is_ascii_digit() || "wdhms".contains(c) || !is_of_name(c)) {
                self.pass(1);
                let rest = self.take(|c| c.is_ascii_digit() || "wdhms".contains(c));
                return Word::Moment(format!("{digits}{unit}{rest}"));
            }
        }
        let mut number = digits.replace('_', "");
        // `3.` and `3.5` are numbers; in `3.foo` the dot belongs to what follows.
        let fraction = self.rest.strip_prefix('.');
        let is_fraction = |rest: &str| !rest.starts_with(|c: char| c.is_alphabetic() || c == '.');
        if fraction.is_some_and(is_fraction) {
            self.pass(1);
            number.push('.');
            number.push_str(self.take(|c| c.is_ascii_digit()));
        }
        number.parse().map_or(Word::Strange('0'), Word::Number)
    }

    fn take(&mut self, is_part: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let taken = &self.rest[..end];
        self.pass(end);
        taken
    }

    fn pass(&mut self, bytes: usize) {
        let (passed, rest) = self.rest.split_at(bytes);
        self.line += passed.matches('\n').count();
        self.rest = rest;
    }
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '\''
}

/// The longest first.
const MARKS: [&str; 30] = [
    "...", "->", "??", ":=", "==", "!=", "<=", ">=", "?.", "::", "(", ")", "[", "]", "{", "}", ",",
    ";", ":", "?", "=", "<", ">", "+", "-", "*", "/", "^", "!", ".",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_has_words_with_their_lines() {
        let script =
            "#!/usr/bin/liquidsoap\nradio = playlist(mode=\"a \\\"b\\\"\", 3.0) # c\n%mp3()";

        let tokens = tokens(script);

        let words: Vec<_> = tokens.iter().map(|token| (token.word.clone(), token.line)).collect();
        let name = |name: &str| Word::Name(name.to_owned());
        assert_eq!(
            words,
            [
                (name("radio"), 2),
                (Word::Mark("="), 2),
                (name("playlist"), 2),
                (Word::Mark("("), 2),
                (name("mode"), 2),
                (Word::Mark("="), 2),
                (Word::Text("a \"b\"".to_owned()), 2),
                (Word::Mark(","), 2),
                (Word::Number(3.0), 2),
                (Word::Mark(")"), 2),
                (Word::Encoder("mp3".to_owned()), 3),
                (Word::Mark("("), 3),
                (Word::Mark(")"), 3),
            ]
        );
        assert!(tokens[2].is_apart && !tokens[3].is_apart);
    }

    #[test]
    fn numbers_fields_and_moments_are_told_apart() {
        let words: Vec<_> = tokens("1. 2.5 3.x 6h-11h30 2w 44100").into_iter().collect();

        let words: Vec<_> = words.into_iter().map(|token| token.word).collect();
        assert_eq!(
            words,
            [
                Word::Number(1.0),
                Word::Number(2.5),
                Word::Number(3.0),
                Word::Mark("."),
                Word::Name("x".to_owned()),
                Word::Moment("6h".to_owned()),
                Word::Mark("-"),
                Word::Moment("11h30".to_owned()),
                Word::Moment("2w".to_owned()),
                Word::Number(44_100.0),
            ]
        );
    }
}

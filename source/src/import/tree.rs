//! The sentences of a Liquidsoap script: definitions and expressions, of the kind that stations
//! write. Whatever is not understood becomes a [`Kind::Strange`] with its line, and reading goes
//! on with the next line that is not inside brackets. Pure.

use super::lexer::{Token, Word, tokens};
use std::rc::Rc;

/// A sentence of the script.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Sentence {
    /// `name = value`, or a function by `def`.
    Let { name: String, value: Expr, line: usize },
    /// An expression that is there for what it does.
    Do(Expr),
    /// What could not be read; the lines it takes.
    Strange { first: usize, last: usize },
}

/// An expression and its line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Expr {
    pub(super) kind: Kind,
    pub(super) line: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// `begin … end`: sentences, of which the last is the value.
    Block(Vec<Sentence>),
    Bool(bool),
    /// A function applied to arguments.
    Call(Box<Expr>, Vec<Argument>),
    /// Two expressions and what stands between them.
    Compound(&'static str, Box<Expr>, Box<Expr>),
    /// `%mp3(bitrate=128)`.
    Encoder(String, Vec<Argument>),
    /// `settings.server`.
    Field(Box<Expr>, String),
    Function(Rc<Function>),
    /// `if a then b else c`, `a ? b : c`.
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `m["title"]`.
    Index(Box<Expr>, Box<Expr>),
    List(Vec<Expr>),
    Name(String),
    Number(f64),
    /// `{6h-12h}`: the words in braces.
    Predicate(String),
    /// `{frequency = 200., gain = 3.}`.
    Record(Vec<(String, Expr)>),
    Text(String),
    Tuple(Vec<Expr>),
}

/// A function by `def` or `fun`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Function {
    /// What it takes; `None` if that is not understood.
    pub(super) parameters: Option<Vec<Parameter>>,
    /// What it does, of which the last is its value.
    pub(super) body: Vec<Sentence>,
}

/// What a function takes: `s`, `(s:source)`, `~gain`, `~gain=1.`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parameter {
    pub(super) name: String,
    /// Whether it is given by its name.
    pub(super) is_labelled: bool,
    pub(super) default: Option<Expr>,
}

/// What stands between the parentheses of a call.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Argument {
    pub(super) name: Option<String>,
    pub(super) value: Expr,
}

/// The sentences of `script`.
pub(super) fn sentences(script: &str) -> Vec<Sentence> {
    let tokens = tokens(script);
    let mut parser = Parser { tokens: &tokens, at: 0, depth: 0, links: 0 };
    let mut sentences = Vec::new();
    while let Some(line) = parser.line() {
        let start = parser.at;
        (parser.depth, parser.links) = (0, 0);
        match parser.sentence() {
            Some(sentence) => sentences.push(sentence),
            None => {
                parser.at = start;
                let last = parser.pass_strange();
                sentences.push(Sentence::Strange { first: line, last });
            }
        }
        while parser.takes(";") {}
    }
    sentences
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    /// How many expressions the present one is inside of.
    depth: usize,
    /// How many links the chains of the present sentence have: `a.b.c`, `a + b + c`.
    links: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Word> {
        self.tokens.get(self.at).map(|token| &token.word)
    }

    fn line(&self) -> Option<usize> {
        self.tokens.get(self.at).map(|token| token.line)
    }

    /// Whether the next word stands right behind the last one.
    fn is_close(&self) -> bool {
        self.tokens.get(self.at).is_some_and(|token| !token.is_apart)
    }

    fn is_at(&self, mark: &str) -> bool {
        matches!(self.peek(), Some(Word::Mark(is)) if *is == mark)
    }

    fn takes(&mut self, mark: &str) -> bool {
        let is_at = self.is_at(mark);
        self.at += usize::from(is_at);
        is_at
    }

    fn is_at_name(&self, name: &str) -> bool {
        matches!(self.peek(), Some(Word::Name(is)) if is == name)
    }

    fn takes_name(&mut self, name: &str) -> bool {
        let is_at = self.is_at_name(name);
        self.at += usize::from(is_at);
        is_at
    }

    fn name(&mut self) -> Option<String> {
        let Some(Word::Name(name)) = self.peek() else { return None };
        let name = name.clone();
        self.at += 1;
        Some(name)
    }

    /// Passes over what cannot be read, up to the next line that begins outside of brackets; says
    /// which line was the last.
    fn pass_strange(&mut self) -> usize {
        let mut depth = 0_usize;
        let mut last = self.line().unwrap_or_default();
        while let Some(token) = self.tokens.get(self.at) {
            if depth == 0 && token.line > last {
                break;
            }
            last = token.line;
            match &token.word {
                Word::Mark("(" | "[" | "{") => depth += 1,
                Word::Mark(")" | "]" | "}") => depth = depth.saturating_sub(1),
                Word::Name(name) if ["def", "begin", "if"].contains(&name.as_str()) => depth += 1,
                Word::Name(name) if name == "end" => depth = depth.saturating_sub(1),
                Word::Encoder(_)
                | Word::Mark(_)
                | Word::Moment(_)
                | Word::Name(_)
                | Word::Number(_)
                | Word::Strange(_)
                | Word::Text(_) => {}
            }
            self.at += 1;
        }
        last
    }

    fn sentence(&mut self) -> Option<Sentence> {
        let line = self.line()?;
        if self.takes_name("def") {
            self.takes_name("rec");
            let mut name = self.name()?;
            while self.takes(".") {
                name = format!("{name}.{}", self.name()?);
            }
            let kind = if self.takes("(") {
                let parameters = self.parameters()?;
                self.takes("=");
                let body = self.body()?;
                Kind::Function(Rc::new(Function { parameters, body }))
            } else {
                self.takes("=");
                Kind::Block(self.body()?)
            };
            return Some(Sentence::Let { name, value: Expr { kind, line }, line });
        }
        self.takes_name("let");
        let second = self.tokens.get(self.at + 1).map(|token| &token.word);
        let is_let =
            matches!((self.peek(), second), (Some(Word::Name(_)), Some(Word::Mark("=" | ":="))));
        if is_let {
            let name = self.name()?;
            self.at += 1;
            return Some(Sentence::Let { name, value: self.expression()?, line });
        }
        self.expression().map(Sentence::Do)
    }

    /// The sentences up to `end`.
    fn body(&mut self) -> Option<Vec<Sentence>> {
        let mut body = Vec::new();
        self.inside(|parser| {
            let links = parser.links;
            while !parser.takes_name("end") {
                // Each has its own.
                parser.links = links;
                body.push(parser.sentence()?);
                while parser.takes(";") {}
            }
            Some(body)
        })
    }

    /// The parameters of a function, up to the closing parenthesis; what is not understood among
    /// them is passed over, and then there are none.
    fn parameters(&mut self) -> Option<Option<Vec<Parameter>>> {
        let start = self.at;
        let mut parameters = Vec::new();
        loop {
            if self.takes(")") {
                return Some(Some(parameters));
            }
            let Some(parameter) = self.parameter() else { break };
            parameters.push(parameter);
            if !self.takes(",") && !self.is_at(")") {
                break;
            }
        }
        self.at = start;
        self.pass_parameters()?;
        Some(None)
    }

    fn parameter(&mut self) -> Option<Parameter> {
        let is_labelled = self.peek() == Some(&Word::Strange('~'));
        self.at += usize::from(is_labelled);
        let is_typed = !is_labelled && self.takes("(");
        let name = self.name()?;
        if is_typed {
            self.takes(":").then_some(())?;
            self.pass_parameters()?;
        }
        let default = if self.takes("=") { Some(self.expression()?) } else { None };
        Some(Parameter { name, is_labelled, default })
    }

    /// Passes over what stands in parentheses, the closing one included.
    fn pass_parameters(&mut self) -> Option<()> {
        let mut depth = 1_usize;
        while depth > 0 {
            let word = self.peek()?;
            if let Word::Mark("(" | "[" | "{") = word {
                depth += 1;
            } else if let Word::Mark(")" | "]" | "}") = word {
                depth -= 1;
            }
            self.at += 1;
        }
        Some(())
    }

    /// Reads something inside of what is being read, unless that goes too deep.
    fn inside<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        self.depth += 1;
        let read = if self.depth > DEPTH_MAX { None } else { read(self) };
        self.depth -= 1;
        read
    }

    /// Adds a link to a chain, unless there are too many.
    fn link(&mut self) -> Option<()> {
        self.links += 1;
        (self.links <= LINKS_MAX).then_some(())
    }

    fn expression(&mut self) -> Option<Expr> {
        self.inside(|parser| {
            let condition = parser.binary(0)?;
            if !parser.takes("?") {
                return Some(condition);
            }
            let yes = parser.expression()?;
            parser.takes(":").then_some(())?;
            let no = parser.expression()?;
            let line = condition.line;
            let kind = Kind::If(Box::new(condition), Box::new(yes), Box::new(no));
            Some(Expr { kind, line })
        })
    }

    /// An expression of operators that bind at least as tightly as those of this level.
    fn binary(&mut self, level: usize) -> Option<Expr> {
        let Some(operators) = OPERATORS.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        loop {
            let operator = operators.iter().copied().find(|operator| match *operator {
                "and" | "or" => self.is_at_name(operator),
                mark => self.is_at(mark),
            });
            let Some(operator) = operator else { return Some(left) };
            self.at += 1;
            self.link()?;
            let right = self.binary(level + 1)?;
            let line = left.line;
            left = Expr { kind: Kind::Compound(operator, Box::new(left), Box::new(right)), line };
        }
    }

    fn unary(&mut self) -> Option<Expr> {
        let line = self.line()?;
        if self.takes("-") {
            let value = self.inside(Self::unary)?;
            let Kind::Number(number) = value.kind else { return None };
            return Some(Expr { kind: Kind::Number(-number), line });
        }
        if self.takes("!") || self.takes_name("not") {
            return self.inside(Self::unary);
        }
        let mut value = self.atom()?;
        loop {
            if self.takes(".") || self.takes("?.") {
                self.link()?;
                let kind = Kind::Field(Box::new(value), self.name()?);
                value = Expr { kind, line };
            } else if self.is_close() && self.takes("(") {
                self.link()?;
                let kind = Kind::Call(Box::new(value), self.arguments()?);
                value = Expr { kind, line };
            } else if self.is_close() && self.takes("[") {
                self.link()?;
                let key = self.expression()?;
                self.takes("]").then_some(())?;
                value = Expr { kind: Kind::Index(Box::new(value), Box::new(key)), line };
            } else {
                return Some(value);
            }
        }
    }

    /// The arguments of a call, up to the closing parenthesis.
    fn arguments(&mut self) -> Option<Vec<Argument>> {
        let mut arguments = Vec::new();
        while !self.takes(")") {
            let next = self.tokens.get(self.at + 1).map(|token| &token.word);
            let name = match (self.peek()?, next) {
                (Word::Name(_), Some(Word::Mark("="))) => {
                    let name = self.name();
                    self.at += 1;
                    name
                }
                _ => None,
            };
            arguments.push(Argument { name, value: self.expression()? });
            if !self.takes(",") && !self.is_at(")") {
                return None;
            }
        }
        Some(arguments)
    }

    fn atom(&mut self) -> Option<Expr> {
        let line = self.line()?;
        let word = self.peek()?.clone();
        self.at += 1;
        let kind = match word {
            Word::Encoder(name) => {
                let is_called = self.is_close() && self.takes("(");
                Kind::Encoder(name, if is_called { self.arguments()? } else { Vec::new() })
            }
            Word::Mark("(") => {
                let mut parts = self.parts(")")?;
                match parts.pop() {
                    Some(only) if parts.is_empty() => return Some(only),
                    last => Kind::Tuple(parts.into_iter().chain(last).collect()),
                }
            }
            Word::Mark("[") => Kind::List(self.parts("]")?),
            Word::Mark("{") => self.braces()?,
            Word::Name(name) => return self.named(name, line),
            Word::Number(number) => Kind::Number(number),
            Word::Text(text) => Kind::Text(text),
            Word::Mark(_) | Word::Moment(_) | Word::Strange(_) => return None,
        };
        Some(Expr { kind, line })
    }

    /// What begins with a word of letters.
    fn named(&mut self, name: String, line: usize) -> Option<Expr> {
        let kind = match name.as_str() {
            "true" => Kind::Bool(true),
            "false" => Kind::Bool(false),
            "fun" => {
                self.takes("(").then_some(())?;
                let parameters = self.parameters()?;
                self.takes("->").then_some(())?;
                let body = vec![Sentence::Do(self.expression()?)];
                Kind::Function(Rc::new(Function { parameters, body }))
            }
            "begin" => Kind::Block(self.body()?),
            "if" => return self.condition(line),
            "def" | "do" | "else" | "elsif" | "end" | "let" | "then" | "try" | "while" => {
                return None;
            }
            _ => Kind::Name(name),
        };
        Some(Expr { kind, line })
    }

    /// `if a then b elsif c then d else e end`, of which the branches are single expressions.
    fn condition(&mut self, line: usize) -> Option<Expr> {
        self.inside(|parser| {
            let condition = parser.expression()?;
            parser.takes_name("then").then_some(())?;
            let yes = parser.expression()?;
            let no = if parser.takes_name("elsif") {
                parser.condition(line)?
            } else {
                let no = if parser.takes_name("else") { Some(parser.expression()?) } else { None };
                parser.takes_name("end").then_some(())?;
                no.unwrap_or(Expr { kind: Kind::Tuple(Vec::new()), line })
            };
            let kind = Kind::If(Box::new(condition), Box::new(yes), Box::new(no));
            Some(Expr { kind, line })
        })
    }

    /// Expressions with commas between them, up to `end`.
    fn parts(&mut self, end: &str) -> Option<Vec<Expr>> {
        let mut parts = Vec::new();
        while !self.takes(end) {
            parts.push(self.expression()?);
            if !self.takes(",") && !self.is_at(end) {
                return None;
            }
        }
        Some(parts)
    }

    /// `{6h-12h}`, `{a = 1., b = 2.}`, or an expression in braces.
    fn braces(&mut self) -> Option<Kind> {
        let second = self.tokens.get(self.at + 1).map(|token| &token.word);
        if matches!((self.peek(), second), (Some(Word::Name(_)), Some(Word::Mark("=")))) {
            return self.record();
        }
        let mut words = Vec::new();
        let start = self.at;
        let mut has_moment = false;
        while !self.is_at("}") {
            match self.peek()? {
                Word::Moment(moment) => {
                    has_moment = true;
                    words.push(moment.clone());
                }
                Word::Name(name) => words.push(name.clone()),
                Word::Mark(mark) => words.push((*mark).to_owned()),
                Word::Encoder(_) | Word::Number(_) | Word::Strange(_) | Word::Text(_) => break,
            }
            self.at += 1;
        }
        if has_moment && self.takes("}") {
            return Some(Kind::Predicate(words.join(" ")));
        }
        self.at = start;
        let value = self.expression()?;
        self.takes("}").then_some(())?;
        Some(value.kind)
    }

    /// Fields with commas between them, up to the closing brace.
    fn record(&mut self) -> Option<Kind> {
        let mut fields = Vec::new();
        while !self.takes("}") {
            let name = self.name()?;
            self.takes("=").then_some(())?;
            fields.push((name, self.expression()?));
            if !self.takes(",") && !self.is_at("}") {
                return None;
            }
        }
        Some(Kind::Record(fields))
    }
}

/// What binds least comes first.
const OPERATORS: [&[&str]; 6] = [
    &["??"],
    &["or"],
    &["and"],
    &["==", "!=", "<=", ">=", "<", ">"],
    &["+", "-", "^"],
    &["*", "/"],
];
/// Expressions may be nested this deep.
const DEPTH_MAX: usize = 100;
/// The chains of a sentence may have so many links.
const LINKS_MAX: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn definitions_and_calls_are_read() {
        let read = sentences("a = playlist(mode=\"normal\", \"x.m3u\")\noutput.icecast(%mp3, a)\n");

        let Sentence::Let { name, value, line: 1 } = &read[0] else { panic!("{read:?}") };
        assert_eq!(name, "a");
        let Kind::Call(_, arguments) = &value.kind else { panic!("{value:?}") };
        assert_eq!(arguments[0].name.as_deref(), Some("mode"));
        assert_eq!(arguments[1].value.kind, Kind::Text("x.m3u".to_owned()));
        assert!(matches!(&read[1], Sentence::Do(Expr { line: 2, .. })));
    }

    #[test]
    fn what_cannot_be_read_takes_its_lines_and_no_more() {
        let script = "a = 1\nx = try foo(\n  1,\n  2) catch\nb = 2\ndef f(x) =\n @\nend\nc = 3\n";

        let read = sentences(script);

        let strange: Vec<_> =
            read.iter().filter(|s| matches!(s, Sentence::Strange { .. })).collect();
        assert_eq!(
            strange,
            [&Sentence::Strange { first: 2, last: 4 }, &Sentence::Strange { first: 6, last: 8 }]
        );
        assert_eq!(read.len(), 5);
    }

    #[test]
    fn functions_conditions_and_predicates_are_read() {
        for script in [
            "s = switch([({6h-12h}, a), ({22h00-6h and (6w or 7w)}, b), ({true}, c)])",
            "m = map_metadata(fun(m) -> [(\"t\", m[\"t\"] == \"\" ? \"U\" : m[\"t\"])], r)",
            "u = environment.get(\"A\") ?? \"b\"",
            "def f(~x=1, y) =\n  z = x\n  print(\"a\"); y\nend",
            "x = if a == 1 then b elsif c then d else e end",
            "s.on_track(fun(m) -> print(\"#{m}\"))",
            "settings.server.telnet.port.set(1234)",
            "c = compress.multiband(s, [{frequency = 200., gain = !g}, {frequency=9., x = f()}])",
        ] {
            let read = sentences(script);

            assert_eq!(read.len(), 1, "{read:?}");
            assert!(!matches!(read[0], Sentence::Strange { .. }), "{script}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in any::<String>()) {
            sentences(&text);
        }

        #[test]
        fn any_words_are_read_to_their_end(
            words in proptest::collection::vec(proptest::sample::select(WORDS), 0..60),
        ) {
            let lines = words.join(" ").matches('\n').count() + 1;
            for sentence in sentences(&words.join(" ")) {
                if let Sentence::Strange { first, last } = sentence {
                    prop_assert!(first <= last && last <= lines);
                }
            }
        }
    }

    #[test]
    fn what_is_nested_too_deep_is_strange() {
        for open in ["(", "[", "{", "f(", "- ", "! ", "if ", "begin ", "fun(x) -> ", "a ? "] {
            sentences(&open.repeat(50_000));
        }
        for chain in [".a", " + a", "()", "[1]", " ^ (a"] {
            sentences(&format!("a{}", chain.repeat(50_000)));
        }
    }

    const WORDS: &[&str] = &[
        "def", "end", "=", "(", ")", "[", "]", "{", "}", "\n", "if", "then", "else", "a", "f(",
        ",", "\"x\"", "1.", "6h", "fun", "->", "?", ":", "not", "-", "%mp3", ".", "begin", "??",
        ";",
    ];
}

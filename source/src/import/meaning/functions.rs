//! Functions of the script, and what names stand for.
//!
//! A function is read anew wherever it is called, with its parameters bound to what it is given.
//! Other names in it mean what they meant where it was defined, so that it cannot call itself; its
//! own definitions are seen by nobody else.

use super::{Given, Reader, Value, path};
use crate::import::tree::{Argument, Expr, Function, Kind, Sentence};
use std::collections::HashMap;
use std::rc::Rc;

/// A function, and where it was defined.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Closure {
    function: Rc<Function>,
    scope: Scope,
}

/// What names stand for.
#[derive(Default)]
pub(super) struct Names {
    /// Of the script itself, each with how many names had been defined before.
    defined: HashMap<String, Vec<(usize, Value)>>,
    count: usize,
    /// The function that is read; none for the script itself.
    scope: Option<Scope>,
}

/// What can be seen in a function.
#[derive(Clone, Debug, Default, PartialEq)]
struct Scope {
    /// Its parameters and definitions, and those of the functions that it stands in.
    own: Vec<(String, Value)>,
    /// How many names of the script were defined where it was.
    defined: usize,
}

impl Names {
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        let horizon = match &self.scope {
            None => self.count,
            Some(scope) => {
                if let Some((_, value)) = scope.own.iter().rev().find(|(own, _)| own == name) {
                    return Some(value);
                }
                scope.defined
            }
        };
        let defined = self.defined.get(name)?.iter().rev();
        defined.clone().find(|(before, _)| *before < horizon).map(|(_, value)| value)
    }

    fn insert(&mut self, name: &str, value: Value) {
        if let Some(scope) = &mut self.scope {
            scope.own.push((name.to_owned(), value));
        } else {
            self.defined.entry(name.to_owned()).or_default().push((self.count, value));
            self.count += 1;
        }
    }
}

impl Reader {
    /// Lets `name` stand for `value`; gives the source that it is, if it is one.
    pub(super) fn let_be(&mut self, name: &str, value: &Expr) -> Option<usize> {
        let mut value = self.value(value);
        if let Value::Live { name: nameless @ None, .. } = &mut value {
            *nameless = Some(name.to_owned());
        }
        let source = if let Value::Source(source) = value { Some(source) } else { None };
        self.names.insert(name, value);
        source
    }

    /// The function that is called by `callee`, if it is one of the script's.
    pub(super) fn function(&mut self, callee: &Expr) -> Option<Rc<Closure>> {
        if let Kind::Function(function) = &callee.kind {
            let Value::Function(closure) = self.closure(function) else { return None };
            return Some(closure);
        }
        let Some(Value::Function(closure)) = self.names.get(&path(callee)) else { return None };
        Some(Rc::clone(closure))
    }

    /// `function`, as it is defined here.
    pub(super) fn closure(&self, function: &Rc<Function>) -> Value {
        let here = || Scope { own: Vec::new(), defined: self.names.count };
        let scope = self.names.scope.clone().unwrap_or_else(here);
        Value::Function(Rc::new(Closure { function: Rc::clone(function), scope }))
    }

    /// What becomes of `arguments` by `function`, which is called `callee`; if it is called only
    /// for what it `does`, that is done.
    pub(super) fn apply(
        &mut self,
        callee: &Expr,
        function: &Rc<Closure>,
        arguments: &[Argument],
        does: bool,
    ) -> Value {
        let given = Given::new(self, arguments);
        let name = if path(callee).is_empty() { "this function".to_owned() } else { path(callee) };
        let line = callee.line;
        self.calls += 1;
        if self.calls > CALLS_MAX {
            self.leave(line, line, format!("{name}: of calls of functions, {CALLS_MAX} are read"));
            return given.value_of_source();
        }
        let outer = self.names.scope.replace(function.scope.clone());
        let value = match self.bind(&function.function, &given) {
            Ok(()) => Ok(self.run(&function.function.body, does)),
            Err(why) => Err(why),
        };
        self.names.scope = outer;
        match value {
            Ok(Value::Unknown) if !does && !given.sources().is_empty() => {
                self.leave(line, line, format!("{name}: what it makes is not understood"));
                given.value_of_source()
            }
            Ok(value) => value,
            Err(why) => {
                self.leave(line, line, format!("{name}: {why}"));
                given.value_of_source()
            }
        }
    }

    /// Binds the parameters of `function` to what it is `given`.
    ///
    /// Fails, with the reason, if they do not match.
    fn bind(&mut self, function: &Function, given: &Given) -> Result<(), String> {
        let Some(parameters) = &function.parameters else {
            return Err("what it takes is not understood".to_owned());
        };
        let is_labelled =
            |name: &str| parameters.iter().any(|it| it.is_labelled && it.name == name);
        if let Some((name, _)) = given.names.iter().find(|(name, _)| !is_labelled(name)) {
            return Err(format!("it takes nothing called {name}"));
        }
        let mut values = given.values.iter();
        for parameter in parameters {
            let name = &parameter.name;
            let value = match parameter.is_labelled {
                true => given.named(name),
                false => values.next(),
            };
            let value = match (value, &parameter.default) {
                (Some(value), _) => value.clone(),
                (None, Some(default)) => self.value(default),
                (None, None) => return Err(format!("{name} is not given")),
            };
            self.names.insert(name, value);
        }
        match values.count() {
            0 => Ok(()),
            more => Err(format!("it is given {more} more than it takes")),
        }
    }

    /// What the sentences of a `begin … end` make.
    pub(super) fn block(&mut self, body: &[Sentence]) -> Value {
        let here = Scope { own: Vec::new(), defined: self.names.count };
        let outer = self.names.scope.clone();
        self.names.scope.get_or_insert(here);
        let value = self.run(body, false);
        self.names.scope = outer;
        value
    }

    /// Does what the sentences of `body` say; the value of the last, which is only done if the body
    /// is there for what it `does`.
    fn run(&mut self, body: &[Sentence], does: bool) -> Value {
        for (at, sentence) in body.iter().enumerate() {
            let is_value = at + 1 == body.len() && !does;
            match sentence {
                Sentence::Do(expr) if is_value => return self.value(expr),
                Sentence::Do(expr) => {
                    // What is no call does nothing.
                    if matches!(expr.kind, Kind::Call(..)) {
                        self.act(expr);
                    }
                }
                Sentence::Let { name, value, .. } => {
                    self.let_be(name, value);
                }
                Sentence::Strange { first, last } => {
                    self.leave(*first, *last, "this is not understood");
                }
            }
        }
        Value::Unknown
    }

    /// `arguments` in which a name of a format is that format.
    pub(super) fn with_formats(&self, arguments: &[Argument]) -> Vec<Argument> {
        let with_format = |argument: &Argument| {
            let Argument { name, value } = argument;
            if let Kind::Name(called) = &value.kind
                && let Some(Value::Encoder(format)) = self.names.get(called)
            {
                return Argument { name: name.clone(), value: (**format).clone() };
            }
            argument.clone()
        };
        arguments.iter().map(with_format).collect()
    }
}

/// So many calls of functions are read in a script.
const CALLS_MAX: usize = 1_000;

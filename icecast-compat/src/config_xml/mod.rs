//! `icecast.xml`, read as Icecast 2.4.4 reads it, with a word on whatever is odd.
//!
//! A file is walked block by block: `<limits>` is a block, and so is each `<mount>`. The walk asks
//! a [`Block`] for elements by name and says of others that they come [later](Block::later) or are
//! [not needed](Block::needless). When a block has been walked, every element in it that nobody
//! asked for becomes an [`Advice`], so that nothing an operator wrote is passed over in silence.
//! The rules are Icecast's: a later scalar wins, blocks of settings merge, numbers end where their
//! digits end. Variables in texts are filled in by the caller's rule.
//!
//! This module turns a text into values. It opens no file, and knows no server.

pub mod advice;
mod number;
pub mod reader;
pub mod schema;

use advice::{Advice, Severity};
use reader::{Fault, Tree, text_of};
use roxmltree::Node;
use schema::{Content, Element, Standing};

pub use number::Unit;

/// Puts what the environment says in the place of variables in a text; else what is wrong.
pub type Fill<'f> = &'f dyn Fn(&str) -> Result<String, String>;

/// Reads the bytes of a file with `walk`: its value, and all advice in the order of the lines.
/// Every text that is asked for is passed through `fill`.
pub fn read<T>(
    bytes: &[u8],
    fill: Fill<'_>,
    walk: impl FnOnce(&mut Block<'_, '_>) -> T,
) -> Result<(T, Vec<Advice>), Fault> {
    let text = reader::decode(bytes)?;
    let tree = Tree::parse(&text)?;
    let root = tree.root();
    let mut advice = Vec::new();
    let mut block = Block {
        tree: &tree,
        nodes: vec![root],
        line: tree.line(root),
        elements: schema::ROOT,
        asked: Vec::new(),
        later: &[],
        needless: &[],
        fill,
        advice: &mut advice,
    };
    let value = walk(&mut block);
    block.close();
    advice.sort_by_key(|advice| advice.line);
    Ok((value, advice))
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said<T> {
    /// The value.
    pub value: T,
    /// The line of its element, counted from 1.
    pub line: usize,
    /// Grows from element to element through the file, also within a line.
    pub order: usize,
}

impl<T> Said<T> {
    /// The value turned into another one.
    pub fn map<U>(self, turn: impl FnOnce(T) -> U) -> Said<U> {
        Said { value: turn(self.value), line: self.line, order: self.order }
    }
}

/// An element's name, and a remark on it.
pub type Remark = (&'static str, &'static str);

/// One block during the walk: an element, or several that merge into one.
pub struct Block<'t, 'a> {
    tree: &'t Tree<'t>,
    nodes: Vec<Node<'t, 't>>,
    line: usize,
    elements: &'static [Element],
    asked: Vec<&'static str>,
    later: &'static [Remark],
    needless: &'static [Remark],
    fill: Fill<'a>,
    advice: &'a mut Vec<Advice>,
}

impl<'t> Block<'t, '_> {
    /// The line in which this block begins, or the one around it if the file has no such block.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The number in the element `name`; `None` if it is absent, or empty and noted.
    pub fn number(&mut self, name: &'static str) -> Option<Said<i32>> {
        let said = self.scalar(name)?;
        let read = number::atoi(&said.value);
        if !read.plain {
            let unit = match self.element(name).content {
                Content::Number(unit, _) => unit,
                Content::Block(_) | Content::Flag(_) | Content::Text => Unit::Count,
            };
            let meant = number::meant(&said.value, unit);
            let (line, text) = (said.line, &said.value);
            self.advice.push(advice::odd_number(line, name, text, read.value, unit, meant));
        }
        Some(said.map(|_| read.value))
    }

    /// The number in the element `name`, or Icecast's default for it.
    pub fn number_or_usual(&mut self, name: &'static str) -> Said<i32> {
        let usual = match self.element(name).content {
            Content::Number(_, usual) => usual.unwrap_or_default(),
            Content::Block(_) | Content::Flag(_) | Content::Text => 0,
        };
        let absent = Said { value: usual, line: self.line, order: 0 };
        self.number(name).unwrap_or(absent)
    }

    /// Whether the element `name` says yes; `None` if it is absent, or empty and noted.
    pub fn flag(&mut self, name: &'static str) -> Option<Said<bool>> {
        let said = self.scalar(name)?;
        let read = number::atoi(&said.value);
        let word = number::word(&said.value);
        let value = word.unwrap_or(read.value != 0);
        if !read.plain {
            self.advice.push(advice::odd_flag(said.line, name, &said.value, value));
        }
        Some(said.map(|_| value))
    }

    /// The text in the element `name`, with the blanks around it; `None` if it is absent.
    pub fn text(&mut self, name: &'static str) -> Option<Said<String>> {
        self.asked.push(name);
        let found = self.children(name);
        let (last, earlier) = found.split_last()?;
        let line = self.tree.line(*last);
        for node in earlier {
            let what = format!("<{name}> stands again in line {line}, which counts");
            self.advice.push(Advice::warning(self.tree.line(*node), what));
        }
        for node in &found {
            strangers(self.tree, *node, &[], self.advice);
        }
        let order = last.range().start;
        let value = self.filled(line, &text_of(*last));
        Some(Said { value, line, order })
    }

    /// Walks the block `name`, into which all of that name merge; without one, an empty block.
    pub fn block<T>(
        &mut self,
        name: &'static str,
        walk: impl FnOnce(&mut Block<'t, '_>) -> T,
    ) -> T {
        self.asked.push(name);
        let nodes = self.children(name);
        self.visit(name, nodes, walk)
    }

    /// Walks every block `name` by itself, in the order of the file.
    pub fn each<T>(
        &mut self,
        name: &'static str,
        mut walk: impl FnMut(&mut Block<'t, '_>) -> T,
    ) -> Vec<T> {
        self.asked.push(name);
        let nodes = self.children(name);
        nodes.into_iter().map(|node| self.visit(name, vec![node], &mut walk)).collect()
    }

    /// The text directly in this block.
    pub fn own_text(&mut self) -> String {
        let text: String = self.nodes.iter().copied().map(text_of).collect();
        self.filled(self.line, &text)
    }

    /// The attribute `name` of this block.
    pub fn attribute(&mut self, name: &str) -> Option<String> {
        let text = self.nodes.iter().rev().find_map(|node| node.attribute(name))?;
        Some(self.filled(self.line, text))
    }

    /// `text` with its variables filled in; what is wrong with them is noted.
    fn filled(&mut self, line: usize, text: &str) -> String {
        (self.fill)(text).unwrap_or_else(|what| {
            self.advice.push(Advice::mistake(line, what));
            text.to_owned()
        })
    }

    /// What happens as long as these elements are not acted on; a warning, unless an element says
    /// only what counts without it.
    pub fn later(&mut self, remarks: &'static [Remark]) {
        self.later = remarks;
    }

    /// Why nobody needs to act on these elements.
    pub fn needless(&mut self, remarks: &'static [Remark]) {
        self.needless = remarks;
    }

    /// Adds a remark of the caller's.
    pub fn advise(&mut self, advice: Advice) {
        self.advice.push(advice);
    }

    /// The text of a number or a flag; an empty one is noted and absent.
    fn scalar(&mut self, name: &'static str) -> Option<Said<String>> {
        let said = self.text(name)?;
        if said.value.trim().is_empty() {
            self.advice.push(advice::empty(said.line, name));
            return None;
        }
        Some(said)
    }

    fn children(&self, name: &str) -> Vec<Node<'t, 't>> {
        let children = self.nodes.iter().flat_map(Node::children);
        children.filter(|child| child.is_element() && child.tag_name().name() == name).collect()
    }

    fn element(&self, name: &'static str) -> &'static Element {
        schema::find(self.elements, name).expect("only elements of the schema are asked for")
    }

    fn visit<T>(
        &mut self,
        name: &'static str,
        nodes: Vec<Node<'t, 't>>,
        walk: impl FnOnce(&mut Block<'t, '_>) -> T,
    ) -> T {
        let elements = match self.element(name).content {
            Content::Block(elements) => elements,
            Content::Flag(_) | Content::Number(..) | Content::Text => &[],
        };
        let line = nodes.first().map_or(self.line, |node| self.tree.line(*node));
        let mut block = Block {
            tree: self.tree,
            nodes,
            line,
            elements,
            asked: Vec::new(),
            later: &[],
            needless: &[],
            fill: self.fill,
            advice: &mut *self.advice,
        };
        let value = walk(&mut block);
        block.close();
        value
    }

    /// Remarks on every element that nobody asked for, and on text that belongs to none.
    fn close(self) {
        for node in self.nodes.iter().filter(|_| !self.elements.is_empty()) {
            if !text_of(*node).trim().is_empty() {
                self.advice.push(advice::loose_text(self.tree.line(*node), node.tag_name().name()));
            }
        }
        for node in self.nodes.iter().flat_map(Node::children).filter(Node::is_element) {
            let (name, line) = (node.tag_name().name(), self.tree.line(node));
            let Some(element) = schema::find(self.elements, name) else {
                let known: Vec<_> = self.elements.iter().map(|element| element.name).collect();
                self.advice.push(advice::stranger(line, name, &known));
                continue;
            };
            if let Standing::Obsolete(instead) = element.standing {
                self.advice.push(Advice::warning(line, format!("<{name}> is obsolete; {instead}")));
            }
            if self.asked.contains(&name) {
                continue;
            }
            let (severity, what) = unheeded(element, node, self.later, self.needless);
            self.advice.push(Advice { line, severity, what });
            if let Content::Block(elements) = element.content {
                strangers(self.tree, node, elements, self.advice);
            }
        }
    }
}

/// What to say of an element that nobody asked for.
fn unheeded(
    element: &Element,
    node: Node<'_, '_>,
    later: &[Remark],
    needless: &[Remark],
) -> (Severity, String) {
    let name = element.name;
    let remark =
        |remarks: &[Remark]| remarks.iter().find(|remark| remark.0 == name).map(|remark| remark.1);
    if let Some(why) = remark(needless) {
        return (Severity::Note, format!("<{name}> is not needed here: {why}"));
    }
    match element.standing {
        Standing::Foreign(version) => {
            (Severity::Warning, format!("<{name}> is an element of {version}, not of 2.4; ignored"))
        }
        Standing::Idle => (Severity::Note, format!("<{name}> has no effect in Icecast either")),
        Standing::Current | Standing::Obsolete(_) | Standing::Own
            if says_the_usual(element, node) =>
        {
            (Severity::Note, format!("<{name}> says what counts without it"))
        }
        Standing::Current | Standing::Obsolete(_) | Standing::Own => {
            let what = format!("<{name}> is understood and not acted on yet");
            let what = remark(later).map_or_else(|| what.clone(), |then| format!("{what}; {then}"));
            (Severity::Warning, what)
        }
    }
}

/// Whether nothing would differ without this element.
fn says_the_usual(element: &Element, node: Node<'_, '_>) -> bool {
    let text = text_of(node);
    let read = number::atoi(&text);
    match element.content {
        Content::Block(_) => !node.has_children() && node.attributes().len() == 0,
        Content::Flag(usual) => number::word(&text).unwrap_or(read.value != 0) == usual,
        Content::Number(_, usual) => read.plain && Some(read.value) == usual,
        Content::Text => text.trim().is_empty() && node.attributes().len() == 0,
    }
}

/// Names the elements that no Icecast knows inside a block which nobody walked.
fn strangers(
    tree: &Tree<'_>,
    block: Node<'_, '_>,
    elements: &'static [Element],
    advice: &mut Vec<Advice>,
) {
    let known: Vec<_> = elements.iter().map(|element| element.name).collect();
    for node in block.children().filter(Node::is_element) {
        let name = node.tag_name().name();
        match schema::find(elements, name).map(|element| element.content) {
            None => advice.push(advice::stranger(tree.line(node), name, &known)),
            Some(Content::Block(elements)) => strangers(tree, node, elements, advice),
            Some(Content::Flag(_) | Content::Number(..) | Content::Text) => {}
        }
    }
}

#[cfg(test)]
mod tests;

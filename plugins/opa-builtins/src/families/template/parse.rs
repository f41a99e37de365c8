//! From a template's text to its nodes.

use std::collections::BTreeMap;

use super::{datum::Datum, words::Words};
use crate::Fault;

/// Nested actions and parentheses: as deep as the stack of a guest bears with room to spare.
pub(super) const MAX_DEPTH: usize = 100;

/// All templates of one text; the unnamed one is run.
#[derive(Debug, Default)]
pub(super) struct Templates {
    pub(super) named: BTreeMap<String, Vec<Node>>,
    pub(super) main: Vec<Node>,
}

#[derive(Clone, Debug)]
pub(super) enum Node {
    Text(String),
    Action(Pipeline),
    If(Branch),
    With(Branch),
    Range(Branch),
    Template(String, Option<Pipeline>),
    Break,
    Continue,
}

#[derive(Clone, Debug)]
pub(super) struct Branch {
    pub(super) pipeline: Pipeline,
    pub(super) then: Vec<Node>,
    pub(super) otherwise: Vec<Node>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Pipeline {
    pub(super) variables: Vec<String>,
    /// `=` rather than `:=`.
    pub(super) assigns: bool,
    pub(super) commands: Vec<Vec<Operand>>,
}

#[derive(Clone, Debug)]
pub(super) enum Operand {
    Dot,
    Nil,
    Constant(Datum),
    Function(String),
    Variable(String),
    Pipeline(Pipeline),
    /// Fields of what stands before them.
    Fields(Box<Operand>, Vec<String>),
}

pub(super) fn parse(text: &str) -> Result<Templates, Fault> {
    let mut parser = Parser { pieces: pieces(text)?.into_iter(), templates: Templates::default(), depth: 0, loops: 0 };
    let mut variables = vec!["$".to_owned()];
    let (nodes, end) = parser.nodes(&mut variables)?;
    if !matches!(end, Stop::Text) {
        return Err("the template ends or turns what it never began".into());
    }
    parser.templates.main = nodes;
    Ok(parser.templates)
}

/// Text, or what stands between two braces.
enum Piece<'t> {
    Text(&'t str),
    Action(&'t str),
}

fn pieces(mut rest: &str) -> Result<Vec<Piece<'_>>, Fault> {
    let mut pieces = Vec::new();
    while let Some(open) = rest.find("{{") {
        let (mut before, mut action) = (&rest[..open], &rest[open + 2..]);
        if action.starts_with('-') && action[1..].starts_with(BLANKS) {
            before = before.trim_end_matches(BLANKS);
            action = &action[1..];
        }
        pieces.push(Piece::Text(before));
        let comment = action.trim_start_matches(BLANKS);
        let length = if comment.starts_with("/*") {
            let end = comment.find("*/").ok_or("a comment is not closed")?;
            action = &comment[end + 2..];
            let trims = action.starts_with(BLANKS) && action.trim_start_matches(BLANKS).starts_with("-}}");
            if !trims && !action.starts_with("}}") {
                return Err("a comment ends before its action does".into());
            }
            action.find("}}").ok_or("an action is not closed")?
        } else {
            let length = action_length(action)?;
            let inner = &action[..length];
            pieces
                .push(Piece::Action(inner.strip_suffix('-').filter(|inner| inner.ends_with(BLANKS)).unwrap_or(inner)));
            length
        };
        let trims = action[..length].strip_suffix('-').is_some_and(|inner| inner.ends_with(BLANKS));
        rest = &action[length + 2..];
        if trims {
            rest = rest.trim_start_matches(BLANKS);
        }
    }
    pieces.push(Piece::Text(rest));
    Ok(pieces)
}

pub(super) const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

/// Where the action ends; braces within its strings do not count.
fn action_length(action: &str) -> Result<usize, Fault> {
    let mut quote = None;
    let mut escaped = false;
    for (at, letter) in action.char_indices() {
        match quote {
            None if action[at..].starts_with("}}") => return Ok(at),
            None if matches!(letter, '"' | '`' | '\'') => quote = Some(letter),
            None => {}
            Some(_) if escaped => escaped = false,
            Some(open) if letter == '\\' && open != '`' => escaped = true,
            Some(open) if letter == open => quote = None,
            Some(_) => {}
        }
    }
    Err("an action is not closed".into())
}

/// What ended a list of nodes.
enum Stop {
    Text,
    End,
    Else(String),
}

struct Parser<'t> {
    pieces: std::vec::IntoIter<Piece<'t>>,
    templates: Templates,
    depth: usize,
    loops: usize,
}

impl Parser<'_> {
    fn nodes(&mut self, variables: &mut Vec<String>) -> Result<(Vec<Node>, Stop), Fault> {
        let mut nodes = Vec::new();
        while let Some(piece) = self.pieces.next() {
            let action = match piece {
                Piece::Text("") => continue,
                Piece::Text(text) => {
                    nodes.push(Node::Text(text.to_owned()));
                    continue;
                }
                Piece::Action(action) => action.trim_matches(BLANKS),
            };
            let length = action.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(action.len());
            let (word, rest) = action.split_at(length);
            match word {
                "end" if rest.is_empty() => return Ok((nodes, Stop::End)),
                "else" => return Ok((nodes, Stop::Else(rest.trim_matches(BLANKS).to_owned()))),
                _ => nodes.extend(self.action(word, rest, action, variables)?),
            }
        }
        Ok((nodes, Stop::Text))
    }

    fn action(
        &mut self,
        word: &str,
        rest: &str,
        action: &str,
        variables: &mut Vec<String>,
    ) -> Result<Option<Node>, Fault> {
        Ok(Some(match word {
            "if" => Node::If(self.branch(rest, variables, word)?),
            "with" => Node::With(self.branch(rest, variables, word)?),
            "range" => Node::Range(self.branch(rest, variables, word)?),
            "define" => return self.define(rest).map(|()| None),
            "block" => {
                let (name, pipeline) = self.call(rest, variables)?;
                self.define_as(name.clone())?;
                Node::Template(name, Some(pipeline.ok_or("a block has no value")?))
            }
            "template" => {
                let (name, pipeline) = self.call(rest, variables)?;
                Node::Template(name, pipeline)
            }
            "break" | "continue" if rest.is_empty() => {
                if self.loops == 0 {
                    return Err("a break or continue stands outside of any range".into());
                }
                if word == "break" { Node::Break } else { Node::Continue }
            }
            _ => Node::Action(self.pipeline(action, variables)?),
        }))
    }

    fn branch(&mut self, text: &str, variables: &mut Vec<String>, kind: &str) -> Result<Branch, Fault> {
        self.deeper()?;
        let known = variables.len();
        let pipeline = Words::new(text).whole_pipeline(variables, kind == "range")?;
        self.loops += usize::from(kind == "range");
        let (then, end) = self.nodes(variables)?;
        self.loops -= usize::from(kind == "range");
        let otherwise = match end {
            Stop::End => Vec::new(),
            Stop::Text => return Err(format!("{kind} has no end").into()),
            Stop::Else(rest) if rest.is_empty() => {
                let (otherwise, end) = self.nodes(variables)?;
                if !matches!(end, Stop::End) {
                    return Err("an else has no end".into());
                }
                otherwise
            }
            Stop::Else(rest) => {
                let word = kind;
                let rest = rest.strip_prefix(word).filter(|rest| rest.starts_with(BLANKS) && word != "range");
                let branch = self.branch(rest.ok_or("an else is followed by something")?, variables, word)?;
                vec![if word == "if" { Node::If(branch) } else { Node::With(branch) }]
            }
        };
        variables.truncate(known);
        self.depth -= 1;
        Ok(Branch { pipeline, then, otherwise })
    }

    fn deeper(&mut self) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err("the template nests too deep".into()) } else { Ok(()) }
    }

    fn call(&mut self, text: &str, variables: &mut Vec<String>) -> Result<(String, Option<Pipeline>), Fault> {
        let mut words = Words::new(text);
        let Some(Operand::Constant(Datum::Text(name))) = words.operand(&[])? else {
            return Err("a template is called by no name".into());
        };
        words.blanks();
        if words.rest.is_empty() {
            return Ok((name, None));
        }
        Ok((name, Some(words.whole_pipeline(variables, false)?)))
    }

    fn define(&mut self, text: &str) -> Result<(), Fault> {
        let (name, pipeline) = self.call(text, &mut Vec::new())?;
        if pipeline.is_some() || self.depth > 0 {
            return Err("a definition has a value, or stands within an action".into());
        }
        self.define_as(name)
    }

    fn define_as(&mut self, name: String) -> Result<(), Fault> {
        self.deeper()?;
        let loops = std::mem::take(&mut self.loops);
        let (nodes, end) = self.nodes(&mut vec!["$".to_owned()])?;
        self.loops = loops;
        self.depth -= 1;
        if !matches!(end, Stop::End) {
            return Err(format!("the template {name:?} has no end").into());
        }
        let is_empty =
            |nodes: &[Node]| nodes.iter().all(|node| matches!(node, Node::Text(text) if text.trim().is_empty()));
        match self.templates.named.get(&name) {
            Some(known) if !is_empty(known) && !is_empty(&nodes) => {
                Err(format!("multiple definition of template {name:?}").into())
            }
            Some(known) if !is_empty(known) => Ok(()),
            _ => {
                self.templates.named.insert(name, nodes);
                Ok(())
            }
        }
    }

    fn pipeline(&mut self, text: &str, variables: &mut Vec<String>) -> Result<Pipeline, Fault> {
        Words::new(text).whole_pipeline(variables, false)
    }
}

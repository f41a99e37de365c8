//! From a template's text to its nodes.

use std::collections::BTreeMap;

use super::datum::Datum;
use crate::{Fault, text};

/// Nested actions and parentheses: as deep as the stack of a guest bears with room to spare.
const MAX_DEPTH: usize = 100;

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
    if !matches!(end, End::Text) {
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
            if !action.starts_with("}}")
                && !(action.starts_with(BLANKS) && action.trim_start_matches(BLANKS).starts_with("-}}"))
            {
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

const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

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
enum End {
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
    fn nodes(&mut self, variables: &mut Vec<String>) -> Result<(Vec<Node>, End), Fault> {
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
                "end" if rest.is_empty() => return Ok((nodes, End::End)),
                "else" => return Ok((nodes, End::Else(rest.trim_matches(BLANKS).to_owned()))),
                _ => nodes.extend(self.action(word, rest, action, variables)?),
            }
        }
        Ok((nodes, End::Text))
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
            End::End => Vec::new(),
            End::Text => return Err(format!("{kind} has no end").into()),
            End::Else(rest) if rest.is_empty() => {
                let (otherwise, end) = self.nodes(variables)?;
                if !matches!(end, End::End) {
                    return Err("an else has no end".into());
                }
                otherwise
            }
            End::Else(rest) => {
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
        if !matches!(end, End::End) {
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

/// Walks through one action.
struct Words<'t> {
    rest: &'t str,
    depth: usize,
}

impl<'t> Words<'t> {
    fn new(rest: &'t str) -> Self {
        Self { rest, depth: 0 }
    }

    fn blanks(&mut self) -> bool {
        let before = self.rest.len();
        self.rest = self.rest.trim_start_matches(BLANKS);
        before != self.rest.len()
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.rest.strip_prefix(text);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    fn word(&mut self) -> &'t str {
        let length =
            self.rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(length);
        self.rest = rest;
        word
    }

    fn whole_pipeline(mut self, variables: &mut Vec<String>, pairs: bool) -> Result<Pipeline, Fault> {
        let pipeline = self.pipeline(variables, pairs)?;
        if self.rest.is_empty() { Ok(pipeline) } else { Err(format!("unexpected {:?} in an action", self.rest).into()) }
    }

    fn pipeline(&mut self, variables: &mut Vec<String>, pairs: bool) -> Result<Pipeline, Fault> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("the template nests too deep".into());
        }
        let mut pipeline = Pipeline::default();
        self.declaration(&mut pipeline, variables, pairs)?;
        loop {
            let command = self.command(variables)?;
            // What takes the result of the command before it must be a function.
            let callable = matches!(
                command[0],
                Operand::Function(_) | Operand::Fields(..) | Operand::Variable(_) | Operand::Pipeline(_)
            );
            if !pipeline.commands.is_empty() && !callable {
                return Err("a constant cannot take a value".into());
            }
            pipeline.commands.push(command);
            self.blanks();
            if !self.take("|") {
                break;
            }
        }
        if !pipeline.assigns {
            variables.extend(pipeline.variables.iter().cloned());
        }
        self.depth -= 1;
        Ok(pipeline)
    }

    /// `$x :=`, `$x =`, and `$i, $x :=` in a range.
    fn declaration(&mut self, pipeline: &mut Pipeline, known: &[String], pairs: bool) -> Result<(), Fault> {
        self.blanks();
        let before = self.rest;
        let mut names = Vec::new();
        while self.take("$") {
            names.push(format!("${}", self.word()));
            self.blanks();
            if names.len() == 2 || !pairs || !self.take(",") {
                break;
            }
            self.blanks();
        }
        let declares = self.take(":=");
        if names.is_empty() || !declares && !self.take("=") {
            self.rest = before;
            return Ok(());
        }
        if !declares && names.iter().any(|name| !known.contains(name)) {
            return Err("a variable is not defined".into());
        }
        (pipeline.variables, pipeline.assigns) = (names, !declares);
        Ok(())
    }

    fn command(&mut self, variables: &[String]) -> Result<Vec<Operand>, Fault> {
        let mut operands = Vec::new();
        self.blanks();
        while let Some(operand) = self.operand(variables)? {
            operands.push(operand);
            if !self.blanks() {
                break;
            }
        }
        if operands.is_empty() { Err("a command is missing".into()) } else { Ok(operands) }
    }

    /// Nothing where no operand begins.
    fn operand(&mut self, variables: &[String]) -> Result<Option<Operand>, Fault> {
        self.blanks();
        let Some(first) = self.rest.chars().next() else { return Ok(None) };
        let operand = match first {
            '|' | ')' => return Ok(None),
            '(' => {
                self.take("(");
                let inner = self.pipeline(&mut variables.to_vec(), false)?;
                self.blanks();
                if !self.take(")") {
                    return Err("a parenthesis is not closed".into());
                }
                Operand::Pipeline(inner)
            }
            '.' if !self.rest[1..].starts_with(|next: char| next.is_alphanumeric() || next == '_') => {
                self.take(".");
                Operand::Dot
            }
            '.' if !self.rest[1..].starts_with(|next: char| next.is_ascii_digit()) => Operand::Dot,
            '$' => {
                self.take("$");
                let name = format!("${}", self.word());
                if !variables.contains(&name) {
                    return Err(format!("the variable {name} is not defined").into());
                }
                Operand::Variable(name)
            }
            '"' | '`' | '\'' => self.quoted(first)?,
            letter if letter.is_alphabetic() || letter == '_' => named(self.word())?,
            _ => self.number()?,
        };
        let mut fields = Vec::new();
        while self.rest.starts_with('.') && self.rest[1..].starts_with(|next: char| next.is_alphabetic() || next == '_')
        {
            self.take(".");
            fields.push(self.word().to_owned());
        }
        match (fields.is_empty(), &operand) {
            (true, _) => Ok(Some(operand)),
            (false, Operand::Constant(_) | Operand::Nil) => Err("a constant has no fields".into()),
            _ => Ok(Some(Operand::Fields(Box::new(operand), fields))),
        }
    }

    fn quoted(&mut self, quote: char) -> Result<Operand, Fault> {
        let inner = &self.rest[1..];
        if quote == '`' {
            let (raw, rest) = inner.split_once('`').ok_or("a string is not closed")?;
            self.rest = rest;
            return Ok(Operand::Constant(Datum::Text(raw.to_owned())));
        }
        let (string, length) = text::unquote(inner, quote).ok_or("a string is not closed or escapes what it cannot")?;
        self.rest = &inner[length..];
        if quote == '"' {
            return Ok(Operand::Constant(Datum::Text(string)));
        }
        let mut characters = string.chars();
        match (characters.next(), characters.next()) {
            (Some(character), None) => Ok(Operand::Constant(Datum::Int(u32::from(character).into()))),
            _ => Err("a character constant is not one character".into()),
        }
    }

    fn number(&mut self) -> Result<Operand, Fault> {
        let length =
            self.rest.find(|letter: char| BLANKS.contains(&letter) || "|)".contains(letter)).unwrap_or(self.rest.len());
        let (number, rest) = self.rest.split_at(length);
        self.rest = rest;
        constant(number).map(Operand::Constant).ok_or_else(|| Fault::new(format!("unexpected {number:?}")))
    }
}

/// A number as Go writes one in its source, with a radix and underscores where it likes.
fn constant(number: &str) -> Option<Datum> {
    let (negative, plain) = match number.strip_prefix('-') {
        Some(plain) => (true, plain),
        None => (false, number.strip_prefix('+').unwrap_or(number)),
    };
    let plain = plain.replace('_', "");
    let radix = [("0x", 16), ("0X", 16), ("0b", 2), ("0B", 2), ("0o", 8), ("0O", 8)];
    let octal = plain.len() > 1 && plain.starts_with('0') && plain.bytes().all(|digit| digit.is_ascii_digit());
    let int = match radix.into_iter().find(|(prefix, _)| plain.starts_with(prefix)) {
        Some((_, radix)) => i64::from_str_radix(&plain[2..], radix).ok()?,
        None if octal => i64::from_str_radix(&plain, 8).ok()?,
        None if plain.starts_with(|digit: char| digit.is_ascii_digit() || digit == '.')
            && plain.contains(['.', 'e', 'E']) =>
        {
            let float = plain.parse::<f64>().ok().filter(|float| float.is_finite())?;
            return Some(Datum::Float(if negative { -float } else { float }));
        }
        None => plain.parse().ok()?,
    };
    Some(Datum::Int(if negative { -int } else { int }))
}

fn named(word: &str) -> Result<Operand, Fault> {
    Ok(match word {
        "true" => Operand::Constant(Datum::Bool(true)),
        "false" => Operand::Constant(Datum::Bool(false)),
        "nil" => Operand::Nil,
        name if super::functions::is_known(name) => Operand::Function(name.to_owned()),
        other => return Err(format!("function {other:?} not defined").into()),
    })
}

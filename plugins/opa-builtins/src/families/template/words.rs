//! The words of one action: operands, commands, pipelines, declarations.

use super::{
    datum::Datum,
    parse::{BLANKS, MAX_DEPTH, Operand, Pipeline},
};
use crate::{Fault, text};

/// Walks through one action.
pub(super) struct Words<'t> {
    pub(super) rest: &'t str,
    depth: usize,
}

impl<'t> Words<'t> {
    pub(super) fn new(rest: &'t str) -> Self {
        Self { rest, depth: 0 }
    }

    pub(super) fn blanks(&mut self) -> bool {
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

    pub(super) fn whole_pipeline(mut self, variables: &mut Vec<String>, pairs: bool) -> Result<Pipeline, Fault> {
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
    pub(super) fn operand(&mut self, variables: &[String]) -> Result<Option<Operand>, Fault> {
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

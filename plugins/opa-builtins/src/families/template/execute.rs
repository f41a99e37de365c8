//! Runs the nodes of a template over its data.

use super::{
    datum::Datum,
    functions,
    parse::{Branch, Node, Operand, Pipeline, Templates},
};
use crate::{Fault, registry::MAX_RESULT_BYTES};

/// Nodes that one rendering may run: far more than any message has, and over in a second.
const MAX_STEPS: usize = 1_000_000;

/// Templates that call each other; Go allows 100,000, on a stack that grows.
const MAX_CALLS: usize = 64;

pub(super) fn execute(templates: &Templates, data: Datum) -> Result<String, Fault> {
    let variables = vec![("$".to_owned(), data.clone())];
    let mut run = Run { templates, variables, out: String::new(), steps: 0, calls: 0 };
    run.nodes(&templates.main, &data)?;
    Ok(run.out)
}

#[derive(PartialEq, Eq)]
enum Flow {
    On,
    Break,
    Continue,
}

struct Run<'t> {
    templates: &'t Templates,
    variables: Vec<(String, Datum)>,
    out: String,
    steps: usize,
    calls: usize,
}

impl Run<'_> {
    fn nodes(&mut self, nodes: &[Node], dot: &Datum) -> Result<Flow, Fault> {
        for node in nodes {
            self.steps += 1;
            if self.steps > MAX_STEPS || self.out.len() > MAX_RESULT_BYTES {
                return Err("the template takes too long or writes too much".into());
            }
            let flow = self.node(node, dot)?;
            if flow != Flow::On {
                return Ok(flow);
            }
        }
        Ok(Flow::On)
    }

    fn node(&mut self, node: &Node, dot: &Datum) -> Result<Flow, Fault> {
        match node {
            Node::Text(text) => self.out.push_str(text),
            Node::Action(pipeline) => {
                let value = self.declared(pipeline, dot)?;
                if pipeline.variables.is_empty() {
                    self.put(&value);
                }
            }
            Node::If(branch) => return self.scoped(|run| run.branch(branch, dot, None)),
            Node::With(branch) => return self.scoped(|run| run.branch(branch, dot, Some(()))),
            Node::Range(branch) => return self.scoped(|run| run.range(branch, dot)),
            Node::Template(name, pipeline) => self.call(name, pipeline.as_ref(), dot)?,
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::On)
    }

    fn put(&mut self, value: &Datum) {
        // What is nil is no value where it stands alone, and nil within a list.
        let shown = if matches!(value, Datum::Nil) { Datum::Missing.shown() } else { value.shown() };
        self.out.push_str(&shown);
    }

    fn scoped(&mut self, run: impl FnOnce(&mut Self) -> Result<Flow, Fault>) -> Result<Flow, Fault> {
        let known = self.variables.len();
        let flow = run(self);
        self.variables.truncate(known);
        flow
    }

    /// `with` moves the dot, `if` does not.
    fn branch(&mut self, branch: &Branch, dot: &Datum, moves: Option<()>) -> Result<Flow, Fault> {
        let value = self.declared(&branch.pipeline, dot)?;
        if value.is_true() {
            return self.nodes(&branch.then, if moves.is_some() { &value } else { dot });
        }
        self.nodes(&branch.otherwise, dot)
    }

    fn range(&mut self, branch: &Branch, dot: &Datum) -> Result<Flow, Fault> {
        let value = self.pipeline(&branch.pipeline, dot)?;
        let pairs: Box<dyn Iterator<Item = (Datum, Datum)>> = match value {
            Datum::List(items) => Box::new((0..).map(Datum::Int).zip(items)),
            Datum::Map(members) => Box::new(members.into_iter().map(|(key, value)| (Datum::Text(key), value))),
            Datum::Int(count) => Box::new((0..count).map(|index| (Datum::Int(index), Datum::Int(index)))),
            Datum::Missing | Datum::Nil => Box::new(std::iter::empty()),
            other => return Err(format!("range can't iterate over {}", other.shown()).into()),
        };
        let mut ran = false;
        for (key, item) in pairs {
            ran = true;
            let known = self.variables.len();
            match branch.pipeline.variables.as_slice() {
                [] => {}
                [value] => self.set(value, item.clone(), branch.pipeline.assigns),
                [index, value, ..] => {
                    self.set(index, key, branch.pipeline.assigns);
                    self.set(value, item.clone(), branch.pipeline.assigns);
                }
            }
            let flow = self.nodes(&branch.then, &item)?;
            self.variables.truncate(known);
            self.steps += 1;
            if flow == Flow::Break {
                break;
            }
            if self.steps > MAX_STEPS {
                return Err("the template takes too long".into());
            }
        }
        if ran { Ok(Flow::On) } else { self.nodes(&branch.otherwise, dot) }
    }

    fn call(&mut self, name: &str, pipeline: Option<&Pipeline>, dot: &Datum) -> Result<(), Fault> {
        let templates = self.templates;
        let nodes = templates.named.get(name).ok_or_else(|| Fault::new(format!("template {name:?} not defined")))?;
        let data = pipeline.map_or(Ok(Datum::Missing), |pipeline| self.declared(pipeline, dot))?;
        self.calls += 1;
        if self.calls > MAX_CALLS {
            return Err("templates call each other too deep".into());
        }
        let outer = std::mem::replace(&mut self.variables, vec![("$".to_owned(), data.clone())]);
        self.nodes(nodes, &data)?;
        self.variables = outer;
        self.calls -= 1;
        Ok(())
    }

    fn set(&mut self, name: &str, value: Datum, assigns: bool) {
        match self.variables.iter_mut().rev().find(|(known, _)| assigns && known == name) {
            Some((_, known)) => *known = value,
            None => self.variables.push((name.to_owned(), value)),
        }
    }

    /// A pipeline's value, remembered under its name.
    fn declared(&mut self, pipeline: &Pipeline, dot: &Datum) -> Result<Datum, Fault> {
        let value = self.pipeline(pipeline, dot)?;
        for name in &pipeline.variables {
            self.set(name, value.clone(), pipeline.assigns);
        }
        Ok(value)
    }

    fn pipeline(&mut self, pipeline: &Pipeline, dot: &Datum) -> Result<Datum, Fault> {
        let mut value = None;
        for command in &pipeline.commands {
            value = Some(self.command(command, dot, value)?);
        }
        value.ok_or_else(|| Fault::new("a pipeline is empty"))
    }

    fn command(&mut self, command: &[Operand], dot: &Datum, last: Option<Datum>) -> Result<Datum, Fault> {
        let (first, rest) = command.split_first().ok_or("a command is empty")?;
        let Operand::Function(name) = first else {
            if matches!(first, Operand::Nil) {
                return Err("nil is not a command".into());
            }
            if !rest.is_empty() || last.is_some() {
                return Err("arguments stand behind what is no function".into());
            }
            return self.operand(first, dot);
        };
        if matches!(name.as_str(), "and" | "or") {
            return self.short_circuit(name == "or", rest, dot, last);
        }
        let mut arguments = rest.iter().map(|operand| self.operand(operand, dot)).collect::<Result<Vec<_>, _>>()?;
        arguments.extend(last);
        functions::call(name, &arguments)
    }

    /// The first argument that decides, else the last one; those behind it are never looked at.
    fn short_circuit(
        &mut self,
        until: bool,
        rest: &[Operand],
        dot: &Datum,
        last: Option<Datum>,
    ) -> Result<Datum, Fault> {
        let mut value = None;
        for operand in rest {
            let next = self.operand(operand, dot)?;
            if next.is_true() == until {
                return Ok(next);
            }
            value = Some(next);
        }
        last.or(value).ok_or_else(|| Fault::new("wrong number of arguments: want at least 1"))
    }

    fn operand(&mut self, operand: &Operand, dot: &Datum) -> Result<Datum, Fault> {
        match operand {
            Operand::Dot => Ok(dot.clone()),
            Operand::Nil => Ok(Datum::Nil),
            Operand::Constant(value) => Ok(value.clone()),
            Operand::Function(name) => functions::call(name, &[]),
            Operand::Pipeline(pipeline) => self.scoped_value(pipeline, dot),
            Operand::Variable(name) => {
                let found = self.variables.iter().rev().find(|(known, _)| known == name);
                found.map(|(_, value)| value.clone()).ok_or_else(|| Fault::new(format!("undefined variable: {name}")))
            }
            Operand::Fields(of, names) => {
                let mut value = self.operand(of, dot)?;
                for name in names {
                    value = field(value, name)?;
                }
                Ok(value)
            }
        }
    }

    fn scoped_value(&mut self, pipeline: &Pipeline, dot: &Datum) -> Result<Datum, Fault> {
        let known = self.variables.len();
        let value = self.declared(pipeline, dot);
        self.variables.truncate(known);
        value
    }
}

fn field(value: Datum, name: &str) -> Result<Datum, Fault> {
    match value {
        Datum::Map(mut members) => Ok(members.remove(name).unwrap_or(Datum::Missing)),
        Datum::Missing => Ok(Datum::Missing),
        other => Err(format!("can't evaluate field {name} in {}", other.shown()).into()),
    }
}

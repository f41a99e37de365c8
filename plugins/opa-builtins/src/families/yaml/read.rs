//! Reads the first document of a stream; what follows must be YAML too.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use super::scalar::Scalar;
use crate::{Fault, Value, families::encoding};

/// How deep collections may nest: each level is a call on the stack.
const MAX_DEPTH: usize = 512;

/// How many values anchors and aliases may add: a few lines of aliases to aliases stand for billions of values.
const MAX_ALIASED: usize = 1_000_000;

#[derive(Clone)]
enum Node {
    Scalar(Scalar),
    Sequence(Vec<Node>),
    Mapping(Vec<(Node, Node)>),
}

/// Null where there is no document.
pub fn document(text: &str) -> Result<Value, Fault> {
    if text.trim_start_matches([' ', '\r', '\n']).starts_with('\t') {
        return Err(Fault::new("reading YAML: a tab is no indentation"));
    }
    let mut reader = Reader { parser: Parser::new_from_str(text), anchors: BTreeMap::new(), depth: 0, aliased: 0 };
    let mut first = None;
    loop {
        match reader.event()? {
            Event::StreamEnd => break,
            Event::DocumentStart(_) => {
                let event = reader.event()?;
                let node = reader.node(event)?;
                first.get_or_insert(node);
            }
            _ => {}
        }
    }
    first.map_or(Ok(Value::Null), value)
}

struct Reader<'t> {
    parser: Parser<'t, saphyr_parser::StrInput<'t>>,
    anchors: BTreeMap<usize, Node>,
    depth: usize,
    aliased: usize,
}

impl<'t> Reader<'t> {
    fn event(&mut self) -> Result<Event<'t>, Fault> {
        match self.parser.next_event() {
            Some(Ok((event, _))) => Ok(event),
            Some(Err(error)) => Err(Fault::new(format!("reading YAML: {error}"))),
            None => Ok(Event::StreamEnd),
        }
    }

    fn node(&mut self, event: Event<'t>) -> Result<Node, Fault> {
        if self.depth == MAX_DEPTH {
            return Err(Fault::new(format!("the YAML nests deeper than {MAX_DEPTH}")));
        }
        self.depth += 1;
        let (anchor, node) = match event {
            Event::Alias(anchor) => (0, self.alias(anchor)?),
            Event::Scalar(text, style, anchor, tag) => (anchor, Node::Scalar(scalar(&text, style, tag.as_deref())?)),
            Event::SequenceStart(anchor, _) => (anchor, self.sequence()?),
            Event::MappingStart(anchor, _) => (anchor, self.mapping()?),
            _ => return Err(Fault::new("reading YAML: a value is missing")),
        };
        self.depth -= 1;
        if anchor != 0 {
            let copy = self.copy(&node)?;
            self.anchors.insert(anchor, copy);
        }
        Ok(node)
    }

    fn alias(&mut self, anchor: usize) -> Result<Node, Fault> {
        let node = self.anchors.remove(&anchor).ok_or("an alias names no anchor that ends before it")?;
        let copy = self.copy(&node)?;
        self.anchors.insert(anchor, node);
        Ok(copy)
    }

    fn copy(&mut self, node: &Node) -> Result<Node, Fault> {
        self.aliased += size(node);
        match self.aliased > MAX_ALIASED {
            true => Err(Fault::new(format!("anchors and aliases stand for more than {MAX_ALIASED} values"))),
            false => Ok(node.clone()),
        }
    }

    fn sequence(&mut self) -> Result<Node, Fault> {
        let mut items = Vec::new();
        loop {
            match self.event()? {
                Event::SequenceEnd => return Ok(Node::Sequence(items)),
                event => items.push(self.node(event)?),
            }
        }
    }

    fn mapping(&mut self) -> Result<Node, Fault> {
        let mut members = Vec::new();
        loop {
            match self.event()? {
                Event::MappingEnd => return Ok(Node::Mapping(members)),
                event => {
                    let key = self.node(event)?;
                    let event = self.event()?;
                    members.push((key, self.node(event)?));
                }
            }
        }
    }
}

fn size(node: &Node) -> usize {
    1 + match node {
        Node::Scalar(_) => 0,
        Node::Sequence(items) => items.iter().map(size).sum(),
        Node::Mapping(members) => members.iter().map(|(key, value)| size(key) + size(value)).sum(),
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Scalar, Fault> {
    let meant = Scalar::plain(text);
    let Some(tag) = tag else {
        return Ok(if style == ScalarStyle::Plain { meant } else { Scalar::Text(text.to_owned()) });
    };
    if !tag.is_yaml_core_schema() {
        return Ok(Scalar::Text(text.to_owned()));
    }
    match (tag.suffix.as_str(), meant) {
        ("null", meant @ Scalar::Null) | ("bool", meant @ Scalar::Bool(_)) => Ok(meant),
        ("int", meant @ Scalar::Int(_)) | ("float", meant @ Scalar::Float(_)) => Ok(meant),
        ("float", Scalar::Int(number)) => Ok(Scalar::Float(number as f64)),
        ("merge", _) => Ok(Scalar::Merge),
        ("binary", _) => {
            let bytes = encoding::from_base64(text)?;
            Ok(Scalar::Text(String::from_utf8_lossy(&bytes).into_owned()))
        }
        (tag @ ("null" | "bool" | "int" | "float" | "timestamp"), _) => {
            Err(Fault::new(format!("a scalar is no {tag}, though its tag says so")))
        }
        _ => Ok(Scalar::Text(text.to_owned())),
    }
}

fn value(node: Node) -> Result<Value, Fault> {
    match node {
        Node::Scalar(scalar) => scalar.value(),
        Node::Sequence(items) => Ok(Value::Array(items.into_iter().map(value).collect::<Result<_, _>>()?)),
        Node::Mapping(members) => Ok(Value::Object(object(members)?)),
    }
}

/// The last of two equal keys stands. A key of the mapping itself stands before merged ones, the first of these before
/// the others.
fn object(members: Vec<(Node, Node)>) -> Result<BTreeMap<Value, Value>, Fault> {
    let (mut own, mut merged) = (BTreeMap::new(), BTreeMap::new());
    for (key, member) in members {
        match key {
            Node::Scalar(Scalar::Merge) => merge(&mut merged, member)?,
            Node::Scalar(key) => {
                let key = key.key().ok_or("null cannot be the key of a JSON object")?;
                own.insert(key.into(), value(member)?);
            }
            _ => return Err(Fault::new("a collection cannot be the key of a JSON object")),
        }
    }
    merged.extend(own);
    Ok(merged)
}

fn merge(merged: &mut BTreeMap<Value, Value>, node: Node) -> Result<(), Fault> {
    let sources = match node {
        Node::Sequence(items) => items,
        single => vec![single],
    };
    for source in sources {
        let Node::Mapping(members) = source else { return Err(Fault::new("only mappings can be merged")) };
        for (key, value) in object(members)? {
            merged.entry(key).or_insert(value);
        }
    }
    Ok(())
}

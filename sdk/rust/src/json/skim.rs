//! Reads pieces of JSON text into a small tree, as far as they go.

use super::is_blank;
use super::skip::Skip;

/// Deeper values are skipped. The longest path that a recognition rule asks for has four steps.
const DEEPEST: usize = 8;

/// A value as far as it was seen.
#[derive(Debug)]
pub(crate) enum Node {
    Object(Vec<(String, Node)>),
    /// Only the first element is kept.
    Array(Option<Box<Node>>),
    Text(String),
    Number(f64),
    Bool(bool),
    Null,
    /// Something stood there, but not all of it was seen.
    Cut,
}

impl Node {
    pub fn child(&self, step: &str) -> Option<&Node> {
        match self {
            // Of two members of one name the last counts, as for all readers.
            Node::Object(members) => members.iter().rev().find(|(name, _)| name == step).map(|(_, node)| node),
            Node::Array(first) if step == "0" => first.as_deref(),
            _ => None,
        }
    }

    /// Adds the members that were seen at the file's other end.
    pub fn complete_with(&mut self, last_members: Vec<(String, Node)>) {
        if let Node::Object(members) = self {
            members.extend(last_members);
        }
    }
}

/// Reads the start of a file.
pub(crate) fn head(text: &str) -> Node {
    Reader { text, at: 0 }.value(0).unwrap_or(Node::Cut)
}

/// Reads the end of a file that is an object: its last members. Whether the piece starts inside a string is not known, so
/// both are tried, and the one that reads less nonsense is believed.
pub(crate) fn tail(text: &str) -> Vec<(String, Node)> {
    let best = [Start::Outside, Start::InText].map(|start| survey(text, start)).into_iter().min_by_key(|s| s.nonsense);
    let Some(first_member) = best.and_then(|survey| survey.first_member) else { return Vec::new() };
    Reader { text, at: first_member }.members(0)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    Outside,
    InText,
}

struct Survey {
    /// Characters outside strings that JSON does not know, or everything if the piece does not end as an object.
    nonsense: usize,
    /// Behind the first comma between members of the top-level object.
    first_member: Option<usize>,
}

/// Counts brackets from an unknown depth: the end is depth 0, so the depths before it are known afterwards.
fn survey(text: &str, start: Start) -> Survey {
    let mut first_comma_by_depth = std::collections::BTreeMap::new();
    let (mut depth, mut nonsense, mut in_text, mut escaped) = (0i64, 0, start == Start::InText, false);
    let mut last = 0;
    for (at, byte) in text.bytes().enumerate() {
        if in_text {
            in_text = byte != b'"' || escaped;
            escaped = byte == b'\\' && !escaped;
            continue;
        }
        match byte {
            b' ' | b'\n' | b'\r' | b'\t' | b'\0' => continue,
            b'"' => in_text = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            b',' => drop(first_comma_by_depth.entry(depth).or_insert(at + 1)),
            b':' | b'+' | b'-' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'E' => {}
            _ => nonsense += 1,
        }
        last = byte;
    }
    if in_text || last != b'}' {
        nonsense = usize::MAX;
    }
    // Words outside strings are letters too, so prose can look sound; but then commas and quotes do not fit a member.
    let first_member = first_comma_by_depth.get(&(depth + 1)).copied();
    let fits = first_member.is_none_or(|at| text[at..].trim_start_matches(is_blank).starts_with('"'));
    Survey { nonsense: if fits { nonsense } else { usize::MAX }, first_member: first_member.filter(|_| last == b'}') }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    /// The value here; `None` where there is none.
    fn value(&mut self, depth: usize) -> Option<Node> {
        let byte = self.peek()?;
        if depth > DEEPEST && matches!(byte, b'{' | b'[') {
            self.skip();
            return Some(Node::Cut);
        }
        match byte {
            b'{' => {
                self.at += 1;
                Some(Node::Object(self.members(depth)))
            }
            b'[' => {
                self.at += 1;
                Some(Node::Array(self.elements(depth).map(Box::new)))
            }
            b'}' | b']' | b',' | b':' => None,
            _ => Some(self.scalar()),
        }
    }

    /// Members up to the closing brace or the end of the text.
    fn members(&mut self, depth: usize) -> Vec<(String, Node)> {
        let mut members = Vec::new();
        while self.peek() == Some(b'"') {
            let Node::Text(name) = self.scalar() else { break };
            if self.peek() != Some(b':') {
                break;
            }
            self.at += 1;
            let value = self.value(depth + 1).unwrap_or(Node::Cut);
            members.push((name, value));
            if self.peek() != Some(b',') {
                break;
            }
            self.at += 1;
        }
        self.close(b'}');
        members
    }

    fn elements(&mut self, depth: usize) -> Option<Node> {
        let first = self.value(depth + 1);
        while self.peek() == Some(b',') {
            self.at += 1;
            self.skip();
        }
        self.close(b']');
        first
    }

    fn close(&mut self, bracket: u8) {
        if self.peek() == Some(bracket) {
            self.at += 1;
        }
    }

    fn scalar(&mut self) -> Node {
        let start = self.at;
        if !self.skip() {
            return Node::Cut;
        }
        let text = &self.text[start..self.at];
        match serde_json::from_str(text) {
            Ok(serde_json::Value::String(text)) => Node::Text(text),
            Ok(serde_json::Value::Number(number)) => number.as_f64().map_or(Node::Cut, Node::Number),
            Ok(serde_json::Value::Bool(value)) => Node::Bool(value),
            Ok(serde_json::Value::Null) => Node::Null,
            _ => Node::Cut,
        }
    }

    /// Moves behind the value; false if it is cut.
    fn skip(&mut self) -> bool {
        let end = Skip::default().advance(&self.text.as_bytes()[self.at..]);
        self.at = end.map_or(self.text.len(), |end| self.at + end);
        end.is_some()
    }

    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(|byte| is_blank(char::from(*byte))) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }
}

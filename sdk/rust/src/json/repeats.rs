//! Looks for a member name that stands twice in one object. Only values that did not parse at the first attempt come here:
//! in the others serde's derived structs, [`Table`](crate::lenient::Table) and the walk have looked already.

use std::collections::BTreeSet;

use super::pointer::Step;
use super::skip::Skip;

/// An object or array that the scan stands in.
struct Level {
    /// Of an object; absent for an array.
    names: Option<BTreeSet<String>>,
    expects_name: bool,
    step: Step,
}

/// The path of the first repeated member, from the value on; its last step is the name. No recursion, so no depth hides one.
pub(super) fn repeated_member(text: &str) -> Option<Vec<Step>> {
    let bytes = text.as_bytes();
    let mut levels: Vec<Level> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let mut length = 1;
        match bytes[at] {
            b'"' => {
                length = Skip::default().advance(&bytes[at..])?;
                if let Some(level) = levels.last_mut().filter(|level| level.expects_name)
                    && !level.take_name(&text[at..at + length])
                {
                    return Some(levels.into_iter().map(|level| level.step).collect());
                }
            }
            b'{' => {
                levels.push(Level { names: Some(BTreeSet::new()), expects_name: true, step: Step::Name(String::new()) })
            }
            b'[' => levels.push(Level { names: None, expects_name: false, step: Step::Index(0) }),
            b'}' | b']' => drop(levels.pop()),
            b',' => levels.last_mut().map(Level::next).unwrap_or_default(),
            _ => {}
        }
        at += length;
    }
    None
}

impl Level {
    /// False if the name was there before. Escapes are no disguise.
    fn take_name(&mut self, quoted: &str) -> bool {
        let name: String = serde_json::from_str(quoted).unwrap_or_else(|_| quoted.trim_matches('"').to_owned());
        self.expects_name = false;
        self.step = Step::Name(name.clone());
        self.names.as_mut().is_none_or(|names| names.insert(name))
    }

    fn next(&mut self) {
        self.expects_name = self.names.is_some();
        if let Step::Index(index) = &mut self.step {
            *index += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::pointer::render;
    use super::*;

    #[test]
    fn a_repeated_member_is_found_at_any_depth_and_behind_escapes() {
        let found = |text: &str| repeated_member(text).map(|path| render(&path));
        assert_eq!(found(r#"{"a": {"a": "a"}, "b": [{"a": 1}, {"a": ["a", "a"]}], "c": "{\"b\": 1}"}"#), None);
        assert_eq!(found(r#"{"b": [0, {"a": "x", "\u0061": 2}]}"#).as_deref(), Some("/b/1/a"));
        assert_eq!(found(r#"{"x/y": {}, "x/y": []}"#).as_deref(), Some("/x~1y"));
        let deep = format!("{}{}{}", r#"{"a":"#.repeat(10_000), r#"{"b": 1, "b": 2}"#, "}".repeat(10_000));
        assert!(repeated_member(&deep).is_some_and(|path| path.len() == 10_001));
    }
}

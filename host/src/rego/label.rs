//! What a component that was made of an OPA module says of itself: a custom section, so that the file alone tells its
//! entrypoints wherever it came from. It grants nothing; a lie in it costs its author's own policy its default settings.

use serde::{Deserialize, Serialize};
use wasmparser::{Parser, Payload};

const SECTION: &str = "palisade:opa-policy";

/// What was wrapped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// OPA's ABI, such as `1.3`.
    pub abi: String,
    pub entrypoints: Vec<String>,
    /// Builtins that the policy calls outside of its module.
    pub builtins: Vec<String>,
    pub data_bytes: u64,
    /// SHA-256 of the module.
    pub module: String,
}

impl Label {
    /// The component with this label.
    pub fn attach(&self, mut component: Vec<u8>) -> Vec<u8> {
        let text = serde_json::to_vec(self).expect("plain data always serializes");
        let mut section = Vec::new();
        leb128(SECTION.len(), &mut section);
        section.extend_from_slice(SECTION.as_bytes());
        section.extend_from_slice(&text);
        // Section 0: custom, allowed anywhere in a component.
        component.push(0);
        leb128(section.len(), &mut component);
        component.extend_from_slice(&section);
        component
    }

    /// The label of a component; absent for one that is no OPA policy.
    pub fn of(component: &[u8]) -> Option<Self> {
        if !Parser::is_component(component) {
            return None;
        }
        let mut depth = 0;
        for payload in Parser::new(0).parse_all(component) {
            match payload.ok()? {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth -= 1,
                Payload::CustomSection(section) if depth == 0 && section.name() == SECTION => {
                    return serde_json::from_slice(section.data()).ok();
                }
                _ => {}
            }
        }
        None
    }
}

fn leb128(mut value: usize, out: &mut Vec<u8>) {
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            return out.push(byte);
        }
        out.push(byte | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The smallest component there is: empty.
    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    #[test]
    fn a_label_is_read_from_the_component_that_carries_it() {
        let label = Label { abi: "1.3".into(), entrypoints: vec!["a/b".into(); 40], ..Label::default() };
        let component = label.attach(EMPTY.to_vec());
        assert_eq!(Label::of(&component), Some(label));
        assert_eq!(Label::of(EMPTY), None);
        assert_eq!(Label::of(b"\0asm\x01\0\0\0"), None);
    }
}

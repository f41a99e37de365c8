//! A look at both ends of a JSON file, for `recognize`.

use crate::json::skim::{Node, head, tail};
use crate::ranged::{Ranged, read_range};
use crate::text::marked_encoding;

/// What is read from each end: enough for the first element of any array, and for what Grype, Syft and npm 6 write last.
const END: usize = 64 * 1024;

/// What the first and last 64 KiB of a JSON file show: members, short paths such as `descriptor.name`, and the first
/// element of arrays. Cut text is no obstacle. What stands in the middle of a large file is not seen, so an answer of
/// "absent" means "not seen".
///
/// A path names members from the top, with dots between them, and `0` for the first element of an array; the empty path is
/// the top level. For JSON lines and concatenated values the top level is the first value.
pub struct Skimmer {
    top: Node,
}

/// A value as far as it was seen.
#[derive(Clone, Debug, PartialEq)]
pub enum Skimmed {
    /// An object, with the names of the members that were seen.
    Object(Vec<String>),
    /// An array; its first element has the path `….0`.
    Array,
    /// A string.
    Text(String),
    /// A number.
    Number(f64),
    /// A bool.
    Bool(bool),
    /// `null`.
    Null,
}

impl Skimmer {
    pub(crate) fn over(source: &dyn Ranged) -> Skimmer {
        let size = source.size();
        if size <= 2 * END as u64 {
            let whole = read_range(source, 0, 2 * END);
            return Skimmer { top: head(&decode(&whole, &whole)) };
        }
        let first = read_range(source, 0, END);
        // An even offset keeps the two halves of UTF-16 together.
        let last = read_range(source, (size - END as u64) & !1, END + 1);
        let mut top = head(&decode(&first, &first));
        top.complete_with(tail(&decode(&last, &first)));
        Skimmer { top }
    }

    /// The value at a path, if it was seen.
    pub fn value(&self, path: &str) -> Option<Skimmed> {
        Some(match self.find(path)? {
            Node::Object(members) => Skimmed::Object(members.iter().map(|(name, _)| name.clone()).collect()),
            Node::Array(_) => Skimmed::Array,
            Node::Text(text) => Skimmed::Text(text.clone()),
            Node::Number(number) => Skimmed::Number(*number),
            Node::Bool(value) => Skimmed::Bool(*value),
            Node::Null => Skimmed::Null,
            Node::Cut => return None,
        })
    }

    /// Whether there is something at the path, even if its value was cut off.
    pub fn has(&self, path: &str) -> bool {
        self.find(path).is_some()
    }

    /// The string at a path.
    pub fn text(&self, path: &str) -> Option<&str> {
        match self.find(path)? {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number at a path.
    pub fn number(&self, path: &str) -> Option<f64> {
        match self.find(path)? {
            Node::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// Whether there is an array at the path.
    pub fn is_array(&self, path: &str) -> bool {
        matches!(self.find(path), Some(Node::Array(_)))
    }

    /// Whether there is an object at the path.
    pub fn is_object(&self, path: &str) -> bool {
        matches!(self.find(path), Some(Node::Object(_)))
    }

    fn find(&self, path: &str) -> Option<&Node> {
        path.split('.').filter(|step| !step.is_empty()).try_fold(&self.top, |node, step| node.child(step))
    }
}

/// The mark stands at the file's start only, and says how to read its end as well.
fn decode(bytes: &[u8], start_of_file: &[u8]) -> String {
    let Some((encoding, mark)) = marked_encoding(start_of_file) else {
        return String::from_utf8_lossy(bytes).into_owned();
    };
    let bytes = if std::ptr::eq(bytes, start_of_file) { &bytes[mark..] } else { bytes };
    encoding.decode_without_bom_handling(bytes).0.into_owned()
}

#[cfg(test)]
mod tests {
    use crate::Artifact;
    use crate::skimmer::{END, Skimmed};

    fn skim(text: &str) -> crate::Skimmer {
        Artifact::in_memory("a/b.json", text).skim()
    }

    #[test]
    fn short_paths_and_first_elements_are_seen() {
        let seen = skim(
            r#"{"matches": [{"vulnerability": {"id": "CVE-1"}, "artifact": {}}, {"x": 1}], "descriptor": {"name": "grype"}}"#,
        );
        assert_eq!(seen.text("descriptor.name"), Some("grype"));
        assert_eq!(seen.text("matches.0.vulnerability.id"), Some("CVE-1"));
        assert!(seen.has("matches.0.artifact") && !seen.has("matches.0.x") && seen.is_array("matches"));
        assert_eq!(seen.value(""), Some(Skimmed::Object(vec!["matches".into(), "descriptor".into()])));
    }

    #[test]
    fn text_may_be_cut_anywhere() {
        let text = r#"{"runs": [{"tool": "x\"y", "n": -1.5e3}], "ok": true, "none": null, "version": "2.1.0"}"#;
        for cut in 0..text.len() {
            let seen = skim(&text[..cut]);
            assert!(cut < 12 || seen.has("runs"), "cut at {cut}");
            assert!(seen.text("version").is_none_or(|version| version == "2.1.0"), "cut at {cut}");
        }
    }

    #[test]
    fn members_at_the_end_of_a_large_file_are_seen_wherever_the_window_starts() {
        let filler = r#"{"a": "text with \"quotes\", {braces}: and [brackets]", "b": [1, {"descriptor": "no"}]}"#;
        for shift in 0..filler.len() {
            let elements = vec![filler; 3 * END / filler.len()].join(",");
            let text = format!(
                r#"{{"matches": [{elements}], "pad": "{}", "descriptor": {{"name": "grype", "list": [1]}}, "last": 7}}"#,
                "x".repeat(shift)
            );
            let seen = skim(&text);
            assert_eq!(
                (seen.text("descriptor.name"), seen.number("last")),
                (Some("grype"), Some(7.0)),
                "shift {shift}"
            );
            assert!(seen.has("matches.0.b") && !seen.has("a") && !seen.has("b"));
        }
    }

    #[test]
    fn both_ends_of_utf16_are_read() {
        let text = format!(r#"{{"pad": "{}", "descriptor": {{"name": "é"}}}}"#, "é".repeat(3 * END));
        let bytes: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        assert_eq!(Artifact::in_memory("a/b.json", bytes).skim().text("descriptor.name"), Some("é"));
    }

    #[test]
    fn deep_nesting_and_other_files_are_no_danger() {
        assert!(skim(&"[".repeat(100_000)).is_array("0.0.0"));
        assert!(skim(&r#"{"a":"#.repeat(50_000)).has("a.a.a"));
        assert!(!skim("plain text, no JSON").has("a"));
        assert!(!skim("").has("a"));
    }
}

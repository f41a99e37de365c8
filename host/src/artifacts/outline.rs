//! What a file is made of: its syntax, and the members by which a normalizer recognises its format.
//! Goes wrong softly: a file that breaks off keeps its syntax and what was read so far. Never recurses.

mod json;
mod xml;

use crate::model::{Outline, Syntax};
use std::borrow::Cow;

/// More than any format's top level has; a map with thousands of keys is data, not a header.
const MOST_MEMBERS: usize = 256;
/// Names and values by which formats are recognised are short.
const LONGEST_VALUE: usize = 256;
/// What `serde_json` and its kin in other languages read without complaint.
const DEEPEST: usize = 128;

/// Looks through the whole file once: what tells a format may be its last member.
pub fn outline(bytes: &[u8]) -> Outline {
    let Decoded { text, encoding, sound } = decode(bytes);
    let start = text.trim_start_matches(BLANKS);
    let mut outline = match start.as_bytes().first() {
        Some(b'{') => json::outline(&text),
        Some(b'[') if json::may_be_array(start) => json::outline(&text),
        Some(b'<') => xml::outline(&text),
        _ if sound && !text.contains('\0') => blank(Syntax::Text),
        _ => return Outline { encoding: "binary".to_owned(), ..blank(Syntax::Binary) },
    };
    outline.encoding = encoding.to_owned();
    outline.well_formed &= sound;
    outline
}

/// JSON's white space; XML's is the same.
const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

fn blank(syntax: Syntax) -> Outline {
    Outline { syntax, encoding: String::new(), members: Vec::new(), root: None, cut: false, well_formed: true }
}

/// Keeps at most [`MOST_MEMBERS`] and says when there were more.
fn remember(outline: &mut Outline, name: &str, value: Option<&str>) {
    if outline.members.len() == MOST_MEMBERS || name.len() > LONGEST_VALUE {
        outline.cut = true;
        return;
    }
    let short = value.filter(|value| value.len() <= LONGEST_VALUE);
    outline.cut |= short.is_none();
    outline.members.push((name.to_owned(), short.map(ToOwned::to_owned)));
}

struct Decoded<'a> {
    text: Cow<'a, str>,
    encoding: &'static str,
    /// False if the text holds replacements.
    sound: bool,
}

fn decode(bytes: &[u8]) -> Decoded<'_> {
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest),
        [0xff, 0xfe, rest @ ..] => utf16("utf-16le", rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16("utf-16be", rest, u16::from_be_bytes),
        // UTF-16 only by its mark: plugins decode in the same way, and must not be told of members that they cannot read.
        _ => utf8(bytes),
    }
}

/// Bad bytes are replaced, as plugins do it: what tells a format may stand behind them.
fn utf8(bytes: &[u8]) -> Decoded<'_> {
    let text = String::from_utf8_lossy(bytes);
    Decoded { sound: matches!(text, Cow::Borrowed(_)), text, encoding: "utf-8" }
}

fn utf16(encoding: &'static str, bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Decoded<'static> {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let mut sound = bytes.len().is_multiple_of(2);
    let text: String = char::decode_utf16(units)
        .map(|decoded| {
            decoded.unwrap_or_else(|_| {
                sound = false;
                char::REPLACEMENT_CHARACTER
            })
        })
        .collect();
    Decoded { text: text.into(), encoding, sound }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One line that says everything about an outline.
    fn shown(bytes: &[u8]) -> String {
        let outline = outline(bytes);
        let members =
            outline.members.iter().map(|(name, value)| format!(" {name}={}", value.as_deref().unwrap_or("?")));
        format!(
            "{:?} {}{}{}{}{}",
            outline.syntax,
            outline.encoding,
            outline.root.map(|root| format!(" <{root}>")).unwrap_or_default(),
            members.collect::<String>(),
            if outline.cut { " cut" } else { "" },
            if outline.well_formed { "" } else { " broken" },
        )
    }

    #[test]
    fn files_are_told_apart() {
        let cases: &[(&[u8], &str)] = &[
            (b"", "Text utf-8"),
            (b"hello, world\n", "Text utf-8"),
            (b"true", "Text utf-8"),
            (b"[INFO] starting", "Text utf-8"),
            (b"\x7fELF\x00\xff", "Binary binary"),
            (b"text\0", "Binary binary"),
            (
                b" {\"a\": 1.50, \"b\": \"x\", \"c\": {\"a\": 2}, \"d\": [1], \"e\": null}",
                "Json utf-8 a=1.50 b=\"x\" c={ d=[ e=null",
            ),
            (b"[1, {\"a\": 2}]\n", "Json utf-8"),
            (b"{}", "Json utf-8"),
            (b"\xef\xbb\xbf{\"a\": true}", "Json utf-8 a=true"),
            ("{\"é\\u00e9\\n\": 1}".as_bytes(), "Json utf-8 éé\n=1"),
            (b"{\"a\": 1}\n{\"b\": 2}\n", "JsonLines utf-8 a=1"),
            (b"{\"a\": 1}\n{\"b\": 2", "JsonLines utf-8 a=1 broken"),
            (b"{\"a\": 1} garbage", "Json utf-8 a=1 broken"),
            (b"{\"a\": 1, \"b\": [1, 2", "Json utf-8 a=1 b=[ broken"),
            (b"{\"a\": 01}", "Json utf-8 broken"),
            (b"{\"a\": \"\xff\"}", "Json utf-8 a=\"\u{fffd}\" broken"),
            (b"{\"a\": 1,}", "Json utf-8 a=1 broken"),
            (b"{\"a\" 1}", "Json utf-8 broken"),
            (
                b"<?xml version=\"1.0\"?>\n<!-- c --><c:bom xmlns:c='urn:x' v=\"1 &lt; 2\"><a/></c:bom>\n",
                "Xml utf-8 <bom> xmlns:c=urn:x v=1 < 2",
            ),
            (b"<a x='1'><b></a>", "Xml utf-8 <a> x=1 broken"),
            (b"<a x='1'><b>", "Xml utf-8 <a> x=1 broken"),
            (b"<a/><b/>", "Xml utf-8 <a> broken"),
            (b"<a/>text", "Xml utf-8 <a> broken"),
            (b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x y='1'>&e;</x>", "Xml utf-8 <x> y=1"),
            (b"<", "Xml utf-8 broken"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(shown(bytes), *expected, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn utf_16_is_read_by_its_mark_and_only_by_it() {
        let units: Vec<u16> = "{\"a\": \"é\"}".encode_utf16().collect();
        let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        assert!(!shown(&little).contains("a=") && !shown(&big).contains("a="));
        assert_eq!(shown(&[&[0xff, 0xfe], &little[..]].concat()), "Json utf-16le a=\"é\"");
        assert_eq!(shown(&[&[0xfe, 0xff], &big[..big.len() - 1]].concat()), "Json utf-16be a=\"é\" broken");
    }

    #[test]
    fn many_members_and_long_values_are_cut() {
        let many: String = (0..300).map(|n| format!("\"k{n}\": {n},")).collect();
        let many = outline(format!("{{{many} \"last\": 1}}").as_bytes());
        assert_eq!((many.members.len(), many.cut, many.well_formed), (256, true, true));
        let long = outline(format!("{{\"a\": \"{}\", \"b\": 1}}", "x".repeat(300)).as_bytes());
        assert_eq!(long.members, [("a".to_owned(), None), ("b".to_owned(), Some("1".to_owned()))]);
        assert!(long.cut && long.well_formed);
        let attributes: String = (0..300).map(|n| format!(" a{n}='1'")).collect();
        let attributes = outline(format!("<r{attributes}/>").as_bytes());
        assert_eq!((attributes.members.len(), attributes.cut), (256, true));
    }

    #[test]
    fn depth_ends_the_reading_and_not_the_host() {
        for open in ["[", "{\"a\":", "<a>"] {
            let deep = outline(open.repeat(200_000).as_bytes());
            assert!(deep.cut && !deep.well_formed, "{open}");
        }
        let fine = outline(format!("{}{}", "[".repeat(128), "]".repeat(128)).as_bytes());
        assert!(!fine.cut && fine.well_formed);
    }

    #[test]
    fn json_is_judged_as_serde_json_judges_it() {
        let cases = [
            "{\"a\": -0.5e+10}",
            "{\"a\": 1e}",
            "{\"a\": -}",
            "{\"a\": .5}",
            "{\"a\": 1.}",
            "{\"a\": nul}",
            "{\"a\": tru}",
            "{\"a\": \"\\x\"}",
            "{\"a\": \"\\u12g4\"}",
            "{\"a\": \"\\ud83d\\ude00\"}",
            "{\"a\": \"\t\"}",
            "{\"a\": [}]",
            "{\"a\": [1,]}",
            "{,}",
            "{\"a\":1 \"b\":2}",
            "{'a': 1}",
            "{\"a\": {\"b\": {}}}",
            "{\"a\": [[], [[]]]}",
            "{\"a\":1}}",
            "[",
            "[]",
            "[\"a\", -1, true, false, null]",
            "[1 2]",
            "{\"a\": 00}",
            "{\"a\": 0}",
            "{\"a\": -01}",
            "{\"\":\"\"}",
        ];
        for text in cases {
            let expected = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
            assert_eq!(outline(text.as_bytes()).well_formed, expected, "{text}");
        }
    }
}

//! The outline of a file, for tests: what the host computes for all plugins.

use crate::json::{Kind, outline_of};
use crate::notes::Notes;
use crate::text::{decode, marked_encoding};
use crate::types::{Outline, Syntax};

/// As the host caps them.
const MOST_MEMBERS: usize = 256;
const LONGEST_VALUE: usize = 256;

pub(crate) fn of(bytes: &[u8]) -> Outline {
    let encoding = marked_encoding(bytes).map_or("utf-8", |(encoding, _)| match encoding.name() {
        "UTF-16LE" => "utf-16le",
        "UTF-16BE" => "utf-16be",
        _ => "utf-8",
    });
    let mut outline = Outline {
        syntax: Syntax::Text,
        encoding: encoding.to_owned(),
        members: Vec::new(),
        root: None,
        cut: false,
        well_formed: true,
    };
    let text = decode(bytes.to_vec(), &Notes::default());
    match text.trim_start().as_bytes().first() {
        Some(b'{' | b'[') => json(&mut outline, &text),
        Some(b'<') => xml(&mut outline, &text),
        _ if encoding == "utf-8" && bytes.contains(&0) => outline.syntax = Syntax::Binary,
        _ => {}
    }
    outline
}

fn json(outline: &mut Outline, text: &str) {
    outline.syntax = Syntax::Json;
    let (members, cut) = (&mut outline.members, &mut outline.cut);
    let ending = outline_of(text, |name, kind, scalar| {
        let value = match (kind, scalar) {
            (Kind::Object, _) => Some("{".to_owned()),
            (Kind::Array, _) => Some("[".to_owned()),
            (_, scalar) => scalar.filter(|text| text.len() <= LONGEST_VALUE),
        };
        *cut |= value.is_none() || members.len() == MOST_MEMBERS;
        if members.len() < MOST_MEMBERS {
            members.push((name.to_owned(), value));
        }
    });
    match ending {
        Ok(rest) if rest.starts_with(['{', '[']) => {
            outline.syntax = Syntax::JsonLines;
            outline.members.clear();
        }
        Ok(rest) => outline.well_formed = rest.is_empty(),
        Err(_) => outline.well_formed = false,
    }
}

/// Root element and its attributes; enough of XML for that.
fn xml(outline: &mut Outline, text: &str) {
    outline.syntax = Syntax::Xml;
    let Some(tag) = root_tag(text) else {
        outline.well_formed = false;
        return;
    };
    let name_end = tag.find(|c: char| c.is_whitespace() || c == '/').unwrap_or(tag.len());
    let name = &tag[..name_end];
    outline.root = Some(name.rsplit(':').next().unwrap_or(name).to_owned());
    let mut rest = &tag[name_end..];
    while let Some((attribute, value, behind)) = next_attribute(rest) {
        outline.members.push((attribute.to_owned(), Some(value.to_owned())));
        rest = behind;
    }
    outline.well_formed = text.trim_end().ends_with('>');
}

/// What stands between `<` and `>` of the first element, behind declaration, comments and DOCTYPE.
fn root_tag(text: &str) -> Option<&str> {
    let mut rest = text;
    loop {
        rest = &rest[rest.find('<')?..];
        let close = match rest {
            _ if rest.starts_with("<!--") => "-->",
            _ if rest.starts_with("<?") => "?>",
            _ if rest.starts_with("<!") => ">",
            _ => return rest.get(1..rest.find('>')?),
        };
        rest = &rest[rest.find(close)? + close.len()..];
    }
}

fn next_attribute(text: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = text.split_once('=')?;
    let rest = rest.trim_start();
    let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let (value, behind) = rest[1..].split_once(quote)?;
    Some((name.trim(), value, behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_show_short_scalars_as_json_text() {
        let outline = of(br#"{"n": 2, "s": "2", "o": {"x": 1}, "a": [1, 2], "t": true, "z": null}"#);
        let shown: Vec<_> =
            outline.members.iter().map(|(n, v)| format!("{n}={}", v.as_deref().unwrap_or("?"))).collect();
        assert_eq!(shown.join(" "), r#"n=2 s="2" o={ a=[ t=true z=null"#);
        assert!(outline.well_formed && !outline.cut && outline.syntax == Syntax::Json);
        assert_eq!(
            (outline.number("n"), outline.text("n"), outline.text("s")),
            (Some(2.0), None, Some("2".to_owned()))
        );
        assert!(outline.is_object("o") && outline.is_array("a"));
    }

    #[test]
    fn a_truncated_file_keeps_what_was_read() {
        let outline = of(br#"{"SchemaVersion": 2, "Results": [{"#);
        assert!(!outline.well_formed && outline.has("SchemaVersion") && outline.is_array("Results"));
    }

    #[test]
    fn json_lines_and_xml_and_text_are_told_apart() {
        assert_eq!(of(b"{\"a\": 1}\n{\"a\": 2}\n").syntax, Syntax::JsonLines);
        let xml = of(b"<?xml version='1.0'?><!-- <no> --><c:bom xmlns:c=\"http://cyclonedx.org/schema/bom/1.5\" version='1'>x</c:bom>");
        assert_eq!((xml.syntax, xml.root.as_deref()), (Syntax::Xml, Some("bom")));
        assert_eq!(xml.text("xmlns:c").as_deref(), Some("http://cyclonedx.org/schema/bom/1.5"));
        assert_eq!(of(b"SPDXVersion: SPDX-2.3\n").syntax, Syntax::Text);
        assert_eq!(of(b"\x7fELF\0\0").syntax, Syntax::Binary);
    }
}

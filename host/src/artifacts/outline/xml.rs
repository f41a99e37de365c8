//! The root element of an XML file, and whether the rest of it holds together. Entities are never expanded.

use super::{BLANKS, DEEPEST, blank, remember};
use crate::model::{Outline, Syntax};
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

pub(super) fn outline(text: &str) -> Outline {
    let mut outline = blank(Syntax::Xml);
    outline.well_formed = scan(text, &mut outline).is_some();
    outline
}

/// `None` where the file goes wrong.
fn scan(text: &str, outline: &mut Outline) -> Option<()> {
    let mut reader = Reader::from_str(text);
    let mut depth = 0_usize;
    loop {
        match reader.read_event().ok()? {
            Event::Start(element) => {
                enter(&element, depth, outline)?;
                depth += 1;
                if depth > DEEPEST {
                    outline.cut = true;
                    return None;
                }
            }
            Event::Empty(element) => enter(&element, depth, outline)?,
            Event::End(_) => depth = depth.checked_sub(1)?,
            Event::Text(text) if depth == 0 && !text.trim_matches(BLANKS).is_empty() => return None,
            Event::CData(_) | Event::GeneralRef(_) if depth == 0 => return None,
            Event::Eof => return (depth == 0 && outline.root.is_some()).then_some(()),
            _ => {}
        }
    }
}

fn enter(element: &BytesStart<'_>, depth: usize, outline: &mut Outline) -> Option<()> {
    if depth > 0 {
        return Some(());
    }
    if outline.root.is_some() {
        return None;
    }
    outline.root = Some(element.local_name().into_inner().chars().take(super::LONGEST_VALUE).collect());
    // Comparing each name with all others is quadratic; a doubled attribute is the reader's business.
    for attribute in element.attributes().with_checks(false) {
        let attribute = attribute.ok()?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
        remember(outline, attribute.key.into_inner(), Some(&value));
    }
    Some(())
}

//! The keywords that need no other schema.

use std::collections::BTreeMap;

use super::{
    findings::{Findings, Item},
    format,
    keywords::{Members, array, get, is_multiple, normal_text, number, string, type_name},
};
use crate::{Number, Value, families::yaml::scalar::yaml_float};

pub fn wrong_type(schema: &Members, value: &Value) -> Option<String> {
    let expected: Vec<&str> = match get(schema, "type")? {
        Value::String(name) => vec![name],
        Value::Array(_) => array(schema, "type")
            .iter()
            .filter_map(|name| match name {
                Value::String(name) => Some(name.as_str()),
                _ => None,
            })
            .collect(),
        _ => return None,
    };
    let given = type_name(value);
    let fits = |name: &&str| *name == given || *name == "number" && given == "integer";
    if expected.is_empty() || expected.iter().any(fits) {
        return None;
    }
    let expected = if let [one] = expected[..] { one.to_owned() } else { format!("[{}]", expected.join(",")) };
    Some(format!("Invalid type. Expected: {expected}, given: {given}"))
}

pub fn unique(items: &[Value], item: Item<'_>, findings: &mut Findings) {
    let mut index_by_text = BTreeMap::new();
    for (index, value) in items.iter().enumerate() {
        if let Some(earlier) = index_by_text.insert(normal_text(value), index) {
            findings.add(item.field, "unique", format!("array items[{earlier},{index}] must be unique"));
        }
    }
}

pub fn numbers(schema: &Members, item: Item<'_>, findings: &mut Findings) {
    let Value::Number(held) = item.value else { return };
    let shown = |limit: &Number| yaml_float(limit.to_f64());
    if let Some(multiple) = number(schema, "multipleOf").filter(|multiple| !is_multiple(held, multiple)) {
        findings.add(item.field, "multiple_of", format!("Must be a multiple of {}", shown(multiple)));
    }
    let limit = |name: &str, exclusive: &str| match get(schema, exclusive) {
        Some(Value::Bool(true)) => (None, number(schema, name)),
        _ => (number(schema, name), number(schema, exclusive)),
    };
    let (most, below) = limit("maximum", "exclusiveMaximum");
    if let Some(most) = most.filter(|most| held > *most) {
        findings.add(item.field, "number_lte", format!("Must be less than or equal to {}", shown(most)));
    }
    if let Some(below) = below.filter(|below| held >= *below) {
        findings.add(item.field, "number_lt", format!("Must be less than {}", shown(below)));
    }
    let (least, above) = limit("minimum", "exclusiveMinimum");
    if let Some(least) = least.filter(|least| held < *least) {
        findings.add(item.field, "number_gte", format!("Must be greater than or equal to {}", shown(least)));
    }
    if let Some(above) = above.filter(|above| held <= *above) {
        findings.add(item.field, "number_gt", format!("Must be greater than {}", shown(above)));
    }
}

pub fn common(schema: &Members, item: Item<'_>, findings: &mut Findings) {
    // Draft 4 has no constants; a schema that has one says so by its draft.
    if let Some(constant) = get(schema, "const") {
        let allowed = normal_text(constant);
        if normal_text(item.value) != allowed {
            findings.add(item.field, "const", format!("{} does not match: {allowed}", item.field));
        }
    }
    if get(schema, "enum").is_some() {
        let allowed: Vec<String> = array(schema, "enum").iter().map(normal_text).collect();
        if !allowed.contains(&normal_text(item.value)) {
            let allowed = allowed.join(", ");
            findings.add(item.field, "enum", format!("{} must be one of the following: {allowed}", item.field));
        }
    }
    if let (Some(name), Value::String(text)) = (string(schema, "format"), item.value)
        && !format::fits(name, text)
    {
        findings.add(item.field, "format", format!("Does not match format '{name}'"));
    }
    findings.score += 1;
}

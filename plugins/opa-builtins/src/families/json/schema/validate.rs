//! Holds a document against a schema, keyword by keyword in the order of OPA's library. How far a document got decides
//! which of several alternatives is reported, so each step counts.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use regex::Regex;

use super::{
    format,
    keywords::{Draft, Members, array, count, get, is_multiple, normal_text, number, object, string, type_name},
    pattern, reference,
};
use crate::{Fault, Value, families::yaml::scalar::yaml_float};

/// How deep document and references may nest: each level is a call on the stack.
const MAX_DEPTH: usize = 512;

/// How many times a value is held against a schema: alternatives within alternatives multiply.
const MAX_STEPS: usize = 2_000_000;

/// How many errors are told; OPA tells all.
const MAX_ERRORS: usize = 10_000;

pub struct Error {
    pub kind: &'static str,
    pub field: String,
    pub description: String,
}

/// What was found wrong, and how well the document fits nevertheless.
#[derive(Default)]
pub struct Findings {
    pub errors: Vec<Error>,
    score: i64,
}

impl Findings {
    fn is_valid(&self) -> bool {
        self.errors.is_empty()
    }

    fn fits_better_than(&self, other: Option<&Self>) -> bool {
        other.is_none_or(|other| self.score > other.score)
    }

    fn take_over(&mut self, other: Self) {
        self.errors.extend(other.errors);
        self.score += other.score;
    }

    fn add(&mut self, field: &str, kind: &'static str, description: impl Into<String>) {
        self.errors.push(Error { kind, field: field.to_owned(), description: description.into() });
        self.score -= 2;
    }
}

pub struct Validator<'s> {
    root: &'s Value,
    draft: Draft,
    patterns: RefCell<BTreeMap<&'s str, Option<Rc<Regex>>>>,
    steps: RefCell<usize>,
}

/// A value, and where it stands.
#[derive(Clone, Copy)]
struct Item<'v> {
    value: &'v Value,
    field: &'v str,
    depth: usize,
}

pub const ROOT: &str = "(Root)";

fn below(field: &str, key: &str) -> String {
    if field == ROOT { key.to_owned() } else { format!("{field}.{key}") }
}

impl<'s> Validator<'s> {
    pub fn new(root: &'s Value, draft: Draft) -> Self {
        Self { root, draft, patterns: RefCell::default(), steps: RefCell::default() }
    }

    pub fn findings(&self, document: &Value) -> Result<Findings, Fault> {
        self.hold(self.root, Item { value: document, field: ROOT, depth: 0 })
    }

    fn hold(&self, schema: &'s Value, item: Item<'_>) -> Result<Findings, Fault> {
        let mut findings = Findings::default();
        self.hold_into(schema, item, &mut findings)?;
        if findings.errors.len() > MAX_ERRORS {
            return Err(Fault::new(format!("the document breaks the schema in more than {MAX_ERRORS} places")));
        }
        Ok(findings)
    }

    fn hold_into(&self, schema: &'s Value, item: Item<'_>, findings: &mut Findings) -> Result<(), Fault> {
        let steps = self.steps.replace_with(|steps| *steps + 1);
        if steps > MAX_STEPS || item.depth > MAX_DEPTH {
            return Err(Fault::new("holding the document against the schema goes too deep or takes too many steps"));
        }
        let schema = match schema {
            Value::Object(schema) => schema,
            Value::Bool(false) => {
                findings.add(item.field, "false", "False always fails validation");
                return Ok(());
            }
            _ => return Ok(()),
        };
        let item = Item { depth: item.depth + 1, ..item };
        if let Some(reference) = string(schema, "$ref") {
            return self.hold_into(reference::resolve(self.root, reference)?, item, findings);
        }
        if let Some(description) = wrong_type(schema, item.value) {
            findings.add(item.field, "invalid_type", description);
            return Ok(());
        }
        self.combinations(schema, item, findings)?;
        match item.value {
            Value::Object(members) => self.members(schema, members, item, findings)?,
            Value::Array(items) => self.items(schema, items, item, findings)?,
            Value::Number(_) => {
                numbers(schema, item, findings);
                findings.score += 1;
            }
            _ => {}
        }
        common(schema, item, findings);
        match item.value {
            Value::String(text) => self.text(schema, text, item, findings),
            Value::Object(members) => self.properties(schema, members, item, findings)?,
            _ => {}
        }
        findings.score += 1;
        Ok(())
    }

    fn combinations(&self, schema: &'s Members, item: Item<'_>, findings: &mut Findings) -> Result<(), Fault> {
        self.any_of(schema, item, findings)?;
        self.one_of(schema, item, findings)?;
        let mut all_valid = true;
        for inner in array(schema, "allOf") {
            let found = self.hold(inner, item)?;
            all_valid &= found.is_valid();
            findings.take_over(found);
        }
        if !all_valid {
            findings.add(item.field, "number_all_of", "Must validate all the schemas (allOf)");
        }
        if let Some(inner) = get(schema, "not")
            && self.hold(inner, item)?.is_valid()
        {
            findings.add(item.field, "number_not", "Must not validate the schema (not)");
        }
        self.dependencies(schema, item, findings)?;
        self.condition(schema, item, findings)?;
        findings.score += 1;
        Ok(())
    }

    fn any_of(&self, schema: &'s Members, item: Item<'_>, findings: &mut Findings) -> Result<(), Fault> {
        let mut best: Option<Findings> = None;
        for inner in array(schema, "anyOf") {
            let found = self.hold(inner, item)?;
            if found.is_valid() {
                return Ok(());
            }
            if found.fits_better_than(best.as_ref()) {
                best = Some(found);
            }
        }
        if let Some(best) = best {
            findings.add(item.field, "number_any_of", "Must validate at least one schema (anyOf)");
            findings.take_over(best);
        }
        Ok(())
    }

    fn one_of(&self, schema: &'s Members, item: Item<'_>, findings: &mut Findings) -> Result<(), Fault> {
        let (mut valid, mut best) = (0, None);
        let alternatives = array(schema, "oneOf");
        for inner in alternatives {
            let found = self.hold(inner, item)?;
            if found.is_valid() {
                valid += 1;
            } else if valid == 0 && found.fits_better_than(best.as_ref()) {
                best = Some(found);
            }
        }
        if valid != 1 && !alternatives.is_empty() {
            findings.add(item.field, "number_one_of", "Must validate one and only one schema (oneOf)");
            findings.take_over(best.filter(|_| valid == 0).unwrap_or_default());
        }
        Ok(())
    }

    fn dependencies(&self, schema: &'s Members, item: Item<'_>, findings: &mut Findings) -> Result<(), Fault> {
        let (Some(dependencies), Value::Object(members)) = (object(schema, "dependencies"), item.value) else {
            return Ok(());
        };
        for (_, dependency) in dependencies.iter().filter(|(key, _)| members.contains_key(key)) {
            match dependency {
                Value::Array(names) => {
                    for name in names.iter().filter(|name| !members.contains_key(name)) {
                        let description = format!("Has a dependency on {}", super::super::key_text(name));
                        findings.add(item.field, "missing_dependency", description);
                    }
                }
                inner => self.hold_into(inner, item, findings)?,
            }
        }
        Ok(())
    }

    fn condition(&self, schema: &'s Members, item: Item<'_>, findings: &mut Findings) -> Result<(), Fault> {
        let Some(condition) = get(schema, "if").filter(|_| self.draft >= Draft::Seven) else { return Ok(()) };
        let (branch, kind, description) = match self.hold(condition, item)?.is_valid() {
            true => ("then", "condition_then", "Must validate \"then\" as \"if\" was valid"),
            false => ("else", "condition_else", "Must validate \"else\" as \"if\" was not valid"),
        };
        if let Some(inner) = get(schema, branch) {
            let found = self.hold(inner, item)?;
            if !found.is_valid() {
                findings.add(item.field, kind, description);
                findings.take_over(found);
            }
        }
        Ok(())
    }

    fn items(
        &self,
        schema: &'s Members,
        items: &[Value],
        item: Item<'_>,
        findings: &mut Findings,
    ) -> Result<(), Fault> {
        let inner = |index: usize| match get(schema, "items")? {
            Value::Array(schemas) if schemas.is_empty() => None,
            Value::Array(schemas) => schemas.get(index).or_else(|| get(schema, "additionalItems")),
            single => Some(single),
        };
        let positional = array(schema, "items").len();
        for (index, value) in items.iter().enumerate() {
            match inner(index) {
                Some(Value::Bool(false)) if positional > 0 && index >= positional => {
                    findings.add(item.field, "array_no_additional_items", "No additional items allowed on array");
                    break;
                }
                Some(inner) => {
                    let field = below(item.field, &index.to_string());
                    findings.take_over(self.hold(inner, Item { value, field: &field, depth: item.depth })?);
                }
                None => {}
            }
        }
        if let Some(least) = count(schema, "minItems").filter(|least| items.len() < *least) {
            findings.add(item.field, "array_min_items", format!("Array must have at least {least} items"));
        }
        if let Some(most) = count(schema, "maxItems").filter(|most| items.len() > *most) {
            findings.add(item.field, "array_max_items", format!("Array must have at most {most} items"));
        }
        if get(schema, "uniqueItems") == Some(&Value::Bool(true)) {
            unique(items, item, findings);
        }
        self.contains(schema, items, item, findings)?;
        findings.score += 1;
        Ok(())
    }

    fn contains(
        &self,
        schema: &'s Members,
        items: &[Value],
        item: Item<'_>,
        findings: &mut Findings,
    ) -> Result<(), Fault> {
        let Some(inner) = get(schema, "contains").filter(|_| self.draft >= Draft::Six) else { return Ok(()) };
        let mut best: Option<Findings> = None;
        for (index, value) in items.iter().enumerate() {
            let field = below(item.field, &index.to_string());
            let found = self.hold(inner, Item { value, field: &field, depth: item.depth })?;
            if found.is_valid() {
                return Ok(());
            }
            if found.fits_better_than(best.as_ref()) {
                best = Some(found);
            }
        }
        findings.add(item.field, "contains", "At least one of the items must match");
        findings.take_over(best.unwrap_or_default());
        Ok(())
    }

    fn members(
        &self,
        schema: &'s Members,
        members: &Members,
        item: Item<'_>,
        findings: &mut Findings,
    ) -> Result<(), Fault> {
        if let Some(least) = count(schema, "minProperties").filter(|least| members.len() < *least) {
            findings.add(item.field, "array_min_properties", format!("Must have at least {least} properties"));
        }
        if let Some(most) = count(schema, "maxProperties").filter(|most| members.len() > *most) {
            findings.add(item.field, "array_max_properties", format!("Must have at most {most} properties"));
        }
        for name in array(schema, "required") {
            match members.contains_key(name) {
                true => findings.score += 1,
                false => {
                    findings.add(item.field, "required", format!("{} is required", super::super::key_text(name)));
                }
            }
        }
        for (key, value) in members {
            self.member(schema, &super::super::key_text(key), Item { value, ..item }, findings)?;
        }
        if let Some(inner) = get(schema, "propertyNames").filter(|_| self.draft >= Draft::Six) {
            for key in members.keys() {
                let found = self.hold(inner, Item { value: key, ..item })?;
                if !found.is_valid() {
                    let key = super::super::key_text(key);
                    let description = format!("Property name of \"{key}\" does not match");
                    findings.add(item.field, "invalid_property_name", description);
                    findings.take_over(found);
                }
            }
        }
        findings.score += 1;
        Ok(())
    }

    /// One member against the patterns, and where neither they nor the properties name it, as an additional one.
    fn member(&self, schema: &'s Members, key: &str, item: Item<'_>, findings: &mut Findings) -> Result<(), Fault> {
        let field = below(item.field, key);
        let mut is_named = object(schema, "properties").is_some_and(|known| known.contains_key(&key.into()));
        let mut matched = false;
        for (pattern, inner) in object(schema, "patternProperties").into_iter().flatten() {
            let Value::String(pattern) = pattern else { continue };
            if self.pattern(pattern).is_some_and(|pattern| pattern.is_match(key)) {
                matched = true;
                findings.take_over(self.hold(inner, Item { field: &field, ..item })?);
            }
        }
        findings.score += i64::from(matched);
        is_named |= matched;
        match get(schema, "additionalProperties").filter(|_| !is_named) {
            Some(Value::Bool(false)) => findings.add(
                item.field,
                "additional_property_not_allowed",
                format!("Additional property {key} is not allowed"),
            ),
            Some(inner @ Value::Object(_)) => {
                findings.take_over(self.hold(inner, Item { field: &field, ..item })?);
            }
            _ => {}
        }
        Ok(())
    }

    fn properties(
        &self,
        schema: &'s Members,
        members: &Members,
        item: Item<'_>,
        findings: &mut Findings,
    ) -> Result<(), Fault> {
        for (key, inner) in object(schema, "properties").into_iter().flatten() {
            if let Some(value) = members.get(key) {
                let field = below(item.field, &super::super::key_text(key));
                self.hold_into(inner, Item { value, field: &field, depth: item.depth }, findings)?;
            }
        }
        Ok(())
    }

    fn text(&self, schema: &'s Members, text: &str, item: Item<'_>, findings: &mut Findings) {
        let length = text.chars().count();
        if let Some(least) = count(schema, "minLength").filter(|least| length < *least) {
            let description = format!("String length must be greater than or equal to {least}");
            findings.add(item.field, "string_gte", description);
        }
        if let Some(most) = count(schema, "maxLength").filter(|most| length > *most) {
            findings.add(item.field, "string_lte", format!("String length must be less than or equal to {most}"));
        }
        if let Some(pattern) = string(schema, "pattern")
            && !self.pattern(pattern).is_some_and(|pattern| pattern.is_match(text))
        {
            findings.add(item.field, "pattern", format!("Does not match pattern '{pattern}'"));
        }
        findings.score += 1;
    }

    fn pattern(&self, pattern: &'s str) -> Option<Rc<Regex>> {
        let mut patterns = self.patterns.borrow_mut();
        patterns.entry(pattern).or_insert_with(|| pattern::compile(pattern).ok().map(Rc::new)).clone()
    }
}

fn wrong_type(schema: &Members, value: &Value) -> Option<String> {
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

fn unique(items: &[Value], item: Item<'_>, findings: &mut Findings) {
    let mut index_by_text = BTreeMap::new();
    for (index, value) in items.iter().enumerate() {
        if let Some(earlier) = index_by_text.insert(normal_text(value), index) {
            findings.add(item.field, "unique", format!("array items[{earlier},{index}] must be unique"));
        }
    }
}

fn numbers(schema: &Members, item: Item<'_>, findings: &mut Findings) {
    let Value::Number(held) = item.value else { return };
    let shown = |limit: &crate::Number| yaml_float(limit.to_f64());
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

fn common(schema: &Members, item: Item<'_>, findings: &mut Findings) {
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

//! Whether a schema is one: the first thing that OPA's library finds wrong, in its words.

use std::collections::BTreeSet;

use super::{
    keywords::{Draft, Members, get, normal_text},
    pattern, reference,
};
use crate::Value;

/// How deep schemas nest: each level is a call on the stack.
const MAX_DEPTH: usize = 256;

const TYPES: [&str; 7] = ["array", "boolean", "integer", "number", "null", "object", "string"];

pub struct Check<'s> {
    root: &'s Value,
    draft: Draft,
    seen: BTreeSet<&'s str>,
    depth: usize,
}

type Finding = Result<(), String>;

fn invalid_type(expected: &str, keyword: &str) -> Finding {
    Err(format!("Invalid type. Expected: {expected}, given: {keyword}"))
}

impl<'s> Check<'s> {
    pub fn new(root: &'s Value, draft: Draft) -> Self {
        Self { root, draft, seen: BTreeSet::new(), depth: 0 }
    }

    pub fn schema(&mut self, schema: &'s Value) -> Finding {
        if self.depth == MAX_DEPTH {
            return Err(format!("schemas nest deeper than {MAX_DEPTH}"));
        }
        self.depth += 1;
        let finding = match schema {
            Value::Bool(_) if self.draft >= Draft::Six => Ok(()),
            Value::Object(members) => self.members(members),
            _ => Err("Expected: Valid Schema, given: Invalid JSON".to_owned()),
        };
        self.depth -= 1;
        finding
    }

    /// In the order in which OPA's library reads keywords.
    fn members(&mut self, schema: &'s Members) -> Finding {
        let id = if self.draft == Draft::Four || get(schema, "id").is_some() && self.draft == Draft::Hybrid {
            "id"
        } else {
            "$id"
        };
        text(schema, id)?;
        self.definitions(schema)?;
        text(schema, "title")?;
        text(schema, "description")?;
        text(schema, "$ref")?;
        if let Some(Value::String(reference)) = get(schema, "$ref")
            && self.seen.insert(reference)
        {
            return self.schema(reference::resolve(self.root, reference)?);
        }
        types(schema)?;
        self.objects(schema)?;
        self.arrays(schema)?;
        numbers(schema, self.draft)?;
        sizes(schema)?;
        self.combinations(schema)
    }

    fn definitions(&mut self, schema: &'s Members) -> Finding {
        match get(schema, "definitions") {
            None => Ok(()),
            Some(Value::Object(definitions)) => definitions.values().try_for_each(|definition| match definition {
                Value::Bool(_) | Value::Object(_) => self.schema(definition),
                _ => invalid_type("Array Of Schemas", "definitions"),
            }),
            Some(_) => invalid_type("Array Of Schemas", "definitions"),
        }
    }

    fn objects(&mut self, schema: &'s Members) -> Finding {
        match get(schema, "properties") {
            None => {}
            Some(Value::Object(properties)) => properties.values().try_for_each(|property| self.schema(property))?,
            Some(_) => return Err("Properties must be of type object".to_owned()),
        }
        self.bool_or_schema(schema, "additionalProperties")?;
        match get(schema, "patternProperties") {
            None => {}
            Some(Value::Object(properties)) => {
                for (key, property) in properties {
                    let Value::String(key) = key else { continue };
                    pattern::compile(key).map_err(|_| format!("Invalid regex pattern '{key}'"))?;
                    self.schema(property)?;
                }
            }
            Some(_) => return invalid_type("Valid Schema", "patternProperties"),
        }
        match get(schema, "propertyNames").filter(|_| self.draft >= Draft::Six) {
            None => {}
            Some(names @ (Value::Bool(_) | Value::Object(_))) => self.schema(names)?,
            Some(_) => return invalid_type("Valid Schema", "patternProperties"),
        }
        self.dependencies(schema)
    }

    fn dependencies(&mut self, schema: &'s Members) -> Finding {
        const WRONG: &str = "Dependency must be of type Schema Or Array Of Strings";
        match get(schema, "dependencies") {
            None => Ok(()),
            Some(Value::Object(dependencies)) => dependencies.values().try_for_each(|dependency| match dependency {
                Value::Bool(_) | Value::Object(_) => self.schema(dependency),
                Value::Array(names) if names.iter().all(|name| matches!(name, Value::String(_))) => Ok(()),
                _ => Err(WRONG.to_owned()),
            }),
            Some(_) => Err("dependencies must be of type object".to_owned()),
        }
    }

    fn bool_or_schema(&mut self, schema: &'s Members, keyword: &str) -> Finding {
        match get(schema, keyword) {
            None | Some(Value::Bool(_)) => Ok(()),
            Some(inner @ Value::Object(_)) => self.schema(inner),
            Some(_) => invalid_type("boolean/Valid Schema", keyword),
        }
    }

    fn arrays(&mut self, schema: &'s Members) -> Finding {
        let items: &[Value] = match get(schema, "items") {
            None => &[],
            Some(Value::Array(items)) => items,
            Some(single) => std::slice::from_ref(single),
        };
        for item in items {
            match item {
                Value::Bool(_) | Value::Object(_) => self.schema(item)?,
                _ => return invalid_type("Valid Schema/Array Of Schemas", "items"),
            }
        }
        self.bool_or_schema(schema, "additionalItems")
    }

    fn combinations(&mut self, schema: &'s Members) -> Finding {
        if let Some(contains) = get(schema, "contains").filter(|_| self.draft >= Draft::Six) {
            self.schema(contains)?;
        }
        let mut seen = BTreeSet::new();
        if !list(schema, "enum")?.iter().all(|value| seen.insert(normal_text(value))) {
            return Err("enum items must be unique".to_owned());
        }
        for keyword in ["oneOf", "anyOf", "allOf"] {
            list(schema, keyword)?.iter().try_for_each(|inner| self.schema(inner))?;
        }
        let conditions = if self.draft >= Draft::Seven { &["not", "if", "then", "else"][..] } else { &["not"] };
        for keyword in conditions {
            match get(schema, keyword) {
                None => {}
                Some(inner @ (Value::Bool(_) | Value::Object(_))) => self.schema(inner)?,
                Some(_) => return Err(format!("{keyword} must be of an object")),
            }
        }
        Ok(())
    }
}

fn text(schema: &Members, keyword: &str) -> Finding {
    match get(schema, keyword) {
        None | Some(Value::String(_)) => Ok(()),
        Some(_) => invalid_type("string", keyword),
    }
}

fn list<'s>(schema: &'s Members, keyword: &str) -> Result<&'s [Value], String> {
    match get(schema, keyword) {
        None => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(format!("{keyword} must be of an array")),
    }
}

fn types(schema: &Members) -> Finding {
    let types: &[Value] = match get(schema, "type") {
        None => &[],
        Some(Value::Array(types)) => types,
        Some(single) => std::slice::from_ref(single),
    };
    let mut seen = BTreeSet::new();
    for name in types {
        let Value::String(name) = name else { return invalid_type("type", "string/Array Of Strings") };
        if !TYPES.contains(&name.as_str()) {
            let valid = TYPES.join(" ");
            return Err(format!(
                "has a primitive type that is NOT VALID -- given: /{name}/ Expected valid values are:[{valid}]"
            ));
        }
        if !seen.insert(name) {
            return Err(format!("{name} type is duplicated"));
        }
    }
    Ok(())
}

fn numbers(schema: &Members, draft: Draft) -> Finding {
    match get(schema, "multipleOf") {
        None => {}
        Some(Value::Number(number)) if *number > 0_usize.into() => {}
        Some(Value::Number(_)) => return Err("multipleOf must be strictly greater than 0".to_owned()),
        Some(_) => return invalid_type("Number", "multipleOf"),
    }
    for (limit, exclusive) in [("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")] {
        let has_limit = match get(schema, limit) {
            None => false,
            Some(Value::Number(_)) => true,
            Some(_) => return Err(format!("{limit} must be of a Number")),
        };
        match (get(schema, exclusive), draft) {
            (None, _) => {}
            (Some(Value::Bool(_)), Draft::Four | Draft::Hybrid) if has_limit => {}
            (Some(Value::Bool(_)), Draft::Four | Draft::Hybrid) => {
                return Err(format!("{exclusive} cannot be used without {limit}"));
            }
            (Some(_), Draft::Four) => return invalid_type("boolean", exclusive),
            (Some(Value::Number(_)), _) => {}
            (Some(_), Draft::Hybrid) => return invalid_type("boolean/number", exclusive),
            (Some(_), _) => return invalid_type("number", exclusive),
        }
    }
    Ok(())
}

fn sizes(schema: &Members) -> Finding {
    if size(schema, "minLength")? > size(schema, "maxLength")?.or(Some(i64::MAX)) {
        return Err("minLength cannot be greater than maxLength".to_owned());
    }
    text(schema, "pattern")?;
    if let Some(Value::String(text)) = get(schema, "pattern") {
        pattern::compile(text).map_err(|_| "pattern must be a valid regex".to_owned())?;
    }
    text(schema, "format")?;
    if size(schema, "minProperties")? > size(schema, "maxProperties")?.or(Some(i64::MAX)) {
        return Err("minProperties cannot be greater than maxProperties".to_owned());
    }
    let mut seen = BTreeSet::new();
    for name in list(schema, "required")? {
        match name {
            Value::String(name) if seen.insert(name) => {}
            Value::String(_) => return Err("required items must be unique".to_owned()),
            _ => return invalid_type("string", "required"),
        }
    }
    size(schema, "minItems")?;
    size(schema, "maxItems")?;
    match get(schema, "uniqueItems") {
        None | Some(Value::Bool(_)) => Ok(()),
        Some(_) => Err("uniqueItems must be of a boolean".to_owned()),
    }
}

fn size(schema: &Members, keyword: &str) -> Result<Option<i64>, String> {
    let Some(value) = get(schema, keyword) else { return Ok(None) };
    let size = match value {
        Value::Number(number) => number.to_big_int().and_then(|size| i64::try_from(size).ok()),
        _ => None,
    };
    match size {
        None => Err(format!("{keyword} must be of an integer")),
        Some(..0) => Err(format!("{keyword} must be greater than or equal to 0")),
        size => Ok(size),
    }
}

//! Turns GitHub's OpenAPI descriptions into JSON Schema 2020-12: the operations that the fake serves and the webhooks
//! that concern Palisade, with the definitions that they reach.

use crate::server::ROUTES;
use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::path::Path;

/// The file that the conversion writes.
pub(super) const CONVERTED: &str = "converted.json";
const EVENTS: [&str; 9] = [
    "pull-request-",
    "workflow-run-",
    "check-run-",
    "check-suite-",
    "merge-group-",
    "installation-",
    "issue-comment-",
    "push",
    "ping",
];
/// Words about a schema that say nothing about values, or nothing that JSON Schema knows.
const DROPPED: [&str; 10] = [
    "description",
    "title",
    "example",
    "examples",
    "discriminator",
    "xml",
    "default",
    "externalDocs",
    "deprecated",
    "nullable",
];

/// Reads `openapi.json` and `webhooks.json` in a directory, writes `converted.json` beside them.
pub(super) fn convert(directory: &Path) -> Result<()> {
    let read = |name: &str| -> Result<Value> {
        let text = std::fs::read_to_string(directory.join(name)).with_context(|| format!("reading {name}"))?;
        serde_json::from_str(&text).with_context(|| format!("parsing {name}"))
    };
    let api = Source { document: read("openapi.json")?, prefix: "api" };
    let hooks = Source { document: read("webhooks.json")?, prefix: "hook" };
    let mut roots = Map::new();
    for route in ROUTES {
        let operation = &api.document["paths"][route.path][route.method.to_lowercase()];
        api.operation(&format!("{} {}", route.method, route.path), operation, &mut roots);
    }
    let webhooks = hooks.document["webhooks"].as_object().context("webhooks.json has no webhooks")?;
    for (name, webhook) in webhooks.iter().filter(|(name, _)| EVENTS.iter().any(|event| name.starts_with(event))) {
        let schema = &webhook["post"]["requestBody"]["content"]["application/json"]["schema"];
        roots.insert(format!("webhook {name}"), hooks.schema(schema));
    }
    let mut definitions = Map::new();
    for root in roots.values() {
        add_reached(&[&api, &hooks], references(root), &mut definitions);
    }
    let converted = json!({ "roots": roots, "$defs": definitions });
    std::fs::write(directory.join(CONVERTED), converted.to_string()).context("writing the converted schemas")
}

fn add_reached(sources: &[&Source], mut open: Vec<String>, definitions: &mut Map<String, Value>) {
    while let Some(name) = open.pop() {
        if definitions.contains_key(&name) {
            continue;
        }
        let Some(schema) = sources.iter().find_map(|source| source.definition(&name)) else { continue };
        open.extend(references(&schema));
        definitions.insert(name, schema);
    }
}

/// The names under `$defs` that a schema refers to.
pub(super) fn references(schema: &Value) -> Vec<String> {
    let mut found = BTreeSet::new();
    collect_references(schema, &mut found);
    found.into_iter().collect()
}

fn collect_references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                match value.as_str().and_then(|text| text.strip_prefix("#/$defs/")) {
                    Some(name) if key == "$ref" => drop(found.insert(name.to_owned())),
                    _ => collect_references(value, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect_references(value, found)),
        _ => {}
    }
}

/// One of the two documents. They define different things under equal names, hence the prefix.
struct Source {
    document: Value,
    prefix: &'static str,
}

impl Source {
    fn operation(&self, name: &str, operation: &Value, roots: &mut Map<String, Value>) {
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        if !body.is_null() {
            roots.insert(format!("{name} request"), self.schema(body));
        }
        for (status, response) in operation["responses"].as_object().into_iter().flatten() {
            let response = self.resolved(response);
            let schema = &response["content"]["application/json"]["schema"];
            // Errors are mostly undescribed: only answers that succeed are held against schemas.
            if status.starts_with('2') && !schema.is_null() {
                roots.insert(format!("{name} {status}"), self.schema(schema));
            }
        }
    }

    fn resolved<'a>(&'a self, response: &'a Value) -> &'a Value {
        let pointer = response["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
        pointer.and_then(|pointer| self.document.pointer(pointer)).unwrap_or(response)
    }

    fn definition(&self, name: &str) -> Option<Value> {
        let own = name.strip_prefix(self.prefix)?.strip_prefix('.')?;
        Some(self.schema(self.document["components"]["schemas"].get(own)?))
    }

    fn schema(&self, schema: &Value) -> Value {
        let Value::Object(fields) = schema else { return schema.clone() };
        let mut converted = Map::new();
        for (key, value) in fields {
            if !DROPPED.contains(&key.as_str()) && !key.starts_with("x-") {
                converted.insert(key.clone(), self.keyword(key, value));
            }
        }
        if fields.get("nullable") == Some(&json!(true)) { nullable(converted) } else { Value::Object(converted) }
    }

    fn keyword(&self, key: &str, value: &Value) -> Value {
        match (key, value) {
            ("$ref", Value::String(reference)) => {
                let name = reference.rsplit('/').next().unwrap_or_default();
                json!(format!("#/$defs/{}.{name}", self.prefix))
            }
            ("properties" | "patternProperties", Value::Object(properties)) => {
                properties.iter().map(|(name, schema)| (name.clone(), self.schema(schema))).collect()
            }
            ("items" | "additionalProperties" | "not", _) => self.schema(value),
            ("allOf" | "anyOf" | "oneOf", Value::Array(schemas)) => schemas.iter().map(|s| self.schema(s)).collect(),
            _ => value.clone(),
        }
    }
}

/// OpenAPI 3.0 says `nullable: true` where JSON Schema adds `null` to the types and values.
fn nullable(mut schema: Map<String, Value>) -> Value {
    let combined = ["$ref", "allOf", "anyOf", "oneOf"].iter().any(|key| schema.contains_key(*key));
    match schema.get("type") {
        Some(Value::String(kind)) if !combined => {
            let kinds = json!([kind, "null"]);
            schema.insert("type".to_owned(), kinds);
            if let Some(Value::Array(values)) = schema.get_mut("enum") {
                values.push(Value::Null);
            }
            Value::Object(schema)
        }
        _ => json!({ "anyOf": [schema, { "type": "null" }] }),
    }
}

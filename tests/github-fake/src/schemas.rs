//! GitHub's own schemas, fetched on demand: every request received, answer given and webhook sent can be held against
//! them. Nothing of them is committed, and without them nothing is checked and one line says so.

mod convert;
mod fetch;

pub use fetch::{fetch, is_fetched};

use crate::server::Route;
use anyhow::{Context, Result};
use jsonschema::Validator;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Operations that no answer can satisfy: `GET /app/installations` merges user and enterprise with `allOf`.
const DEFECTIVE: [&str; 1] = ["GET /app/installations 200"];
/// Where GitHub really answers `null` for a deleted fork, though its schemas do not know.
const NULL_FOR_DELETED_FORKS: [&str; 2] = ["/head/repo", "/head_repository"];

/// Something that was received or sent, and the schema that it belongs to.
#[derive(Debug)]
pub(crate) struct Exchange {
    key: String,
    value: Value,
}

impl Exchange {
    pub fn request(route: &Route, body: Value) -> Self {
        Self { key: format!("{} {} request", route.method, route.path), value: body }
    }

    pub fn response(route: &Route, status: u16, body: Option<Value>) -> Self {
        Self { key: format!("{} {} {status}", route.method, route.path), value: body.unwrap_or_default() }
    }

    pub fn webhook(event: &str, action: Option<&str>, payload: Value) -> Self {
        let name = action.map_or_else(|| event.to_owned(), |action| format!("{event}-{action}"));
        Self { key: format!("webhook {}", name.replace('_', "-")), value: payload }
    }
}

/// The converted schemas of one directory; validators are compiled when first used.
#[derive(Debug)]
pub struct Schemas {
    roots: Map<String, Value>,
    definitions: Map<String, Value>,
    validators: Mutex<BTreeMap<String, Arc<Validator>>>,
}

impl Schemas {
    /// The schemas under `directory`, read once per process; an error when they were not fetched.
    pub fn open(directory: &Path) -> Result<&'static Schemas> {
        static OPEN: OnceLock<Mutex<BTreeMap<PathBuf, &'static Schemas>>> = OnceLock::new();
        let mut open = OPEN.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(schemas) = open.get(directory) {
            return Ok(schemas);
        }
        // Leaked on purpose: once per directory and process, and compiled validators are worth keeping for all tests.
        let schemas: &'static Schemas = Box::leak(Box::new(Self::read(directory)?));
        open.insert(directory.to_owned(), schemas);
        Ok(schemas)
    }

    fn read(directory: &Path) -> Result<Self> {
        let path = directory.join(convert::CONVERTED);
        let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let mut document: Value = serde_json::from_str(&text).context("parsing the converted schemas")?;
        let mut take = |name: &str| match document[name].take() {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        Ok(Self { roots: take("roots"), definitions: take("$defs"), validators: Mutex::default() })
    }

    /// Whether a schema of this name exists: `POST /repos/{owner}/{repo}/check-runs request`,
    /// `GET /app 200`, `webhook pull-request-opened`.
    pub fn knows(&self, key: &str) -> bool {
        self.roots.contains_key(key)
    }

    /// What is wrong with a value; empty when it fits, or when GitHub describes no such thing.
    pub fn violations(&self, key: &str, value: &Value) -> Vec<String> {
        if !self.knows(key) || DEFECTIVE.contains(&key) {
            return Vec::new();
        }
        let validator = match self.validator(key) {
            Ok(validator) => validator,
            Err(error) => return vec![format!("{key}: the schema does not compile: {error:#}")],
        };
        let errors = validator.iter_errors(value).map(|error| (error.instance_path().to_string(), error.to_string()));
        errors
            .filter(|(path, _)| !NULL_FOR_DELETED_FORKS.iter().any(|end| path.ends_with(end)))
            .map(|(path, message)| format!("{key}: {path}: {}", message.chars().take(400).collect::<String>()))
            .collect()
    }

    fn validator(&self, key: &str) -> Result<Arc<Validator>> {
        let mut validators = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(validator) = validators.get(key) {
            return Ok(validator.clone());
        }
        let root = &self.roots[key];
        let mut schema = json!({ "$defs": self.reached_from(root) });
        schema["allOf"] = json!([root]);
        let validator = jsonschema::draft202012::options()
            .should_validate_formats(true)
            .build(&schema)
            .map_err(|error| anyhow::anyhow!("{error}"))?;
        let validator = Arc::new(validator);
        validators.insert(key.to_owned(), validator.clone());
        Ok(validator)
    }

    /// Only what a schema needs: compiling all definitions for each would take seconds.
    fn reached_from(&self, root: &Value) -> Map<String, Value> {
        let mut names = BTreeSet::new();
        let mut open = convert::references(root);
        while let Some(name) = open.pop() {
            if let Some(definition) = self.definitions.get(&name)
                && names.insert(name)
            {
                open.extend(convert::references(definition));
            }
        }
        names.into_iter().map(|name| (name.clone(), self.definitions[&name].clone())).collect()
    }

    /// What is wrong with a number of exchanges.
    pub(crate) fn check(&self, exchanges: &[Exchange]) -> Vec<String> {
        let without_body = |exchange: &&Exchange| !(exchange.value.is_null() && exchange.key.ends_with(" request"));
        exchanges.iter().filter(without_body).flat_map(|e| self.violations(&e.key, &e.value)).collect()
    }
}

/// Where the schemas are kept: `PALISADE_GITHUB_SCHEMAS`, else `github-schemas` in the workspace's `target`.
pub fn default_directory() -> PathBuf {
    match std::env::var_os("PALISADE_GITHUB_SCHEMAS") {
        Some(directory) => directory.into(),
        None => default_target().join(fetch::DIRECTORY),
    }
}

/// The workspace's `target`, whatever directory cargo builds into: what was fetched is worth sharing.
pub fn default_target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target")
}

/// GitHub's examples of webhooks: a list of `{name, examples: [payload]}`.
pub fn examples(directory: &Path) -> Result<Value> {
    let path = directory.join("examples.json");
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    serde_json::from_str(&text).context("parsing the examples of webhooks")
}

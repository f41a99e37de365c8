//! Settings of plugins: the plugin's own overlaid by the check's, held against the plugin's JSON Schema. An unknown key
//! is told with the nearest known one.

use super::AvailablePlugin;
use crate::config::nearest;
use crate::model::{Broken, BrokenKind};
use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use serde_json::{Map, Value};

/// How many problems one message names; the first ones are enough to go on.
const PROBLEMS_NAMED: usize = 5;

/// The settings as a JSON object, and what is wrong with them.
pub(super) fn settings(plugin: &AvailablePlugin, overlay: &Value) -> (String, Option<Broken>) {
    let (settings, problems) = match overlaid(&plugin.settings, overlay) {
        Ok(settings) => {
            let problems = problems(plugin, &settings);
            (settings, problems)
        }
        Err(problem) => (Map::new(), vec![problem]),
    };
    (Value::Object(settings).to_string(), broken(plugin, problems))
}

/// What holds where nobody says anything, by the plugin's own schema; none where it does not tell.
pub(super) fn default_of(plugin: &AvailablePlugin, key: &str) -> Option<Value> {
    let schema: Option<Value> = plugin.settings_schema.as_deref().and_then(|schema| serde_json::from_str(schema).ok());
    schema?.get("properties")?.get(key)?.get("default").cloned()
}

/// The keys that the plugin's schema names.
pub(super) fn keys(plugin: &AvailablePlugin) -> Vec<String> {
    let schema: Option<Value> = plugin.settings_schema.as_deref().and_then(|schema| serde_json::from_str(schema).ok());
    let keys = schema.and_then(|schema| Some(schema.get("properties")?.as_object()?.keys().cloned().collect()));
    keys.unwrap_or_default()
}

/// Key by key: a key of the check replaces the plugin's, whole.
fn overlaid(own: &Value, overlay: &Value) -> Result<Map<String, Value>, String> {
    let mut settings = object(own)?;
    settings.extend(object(overlay)?);
    Ok(settings)
}

fn object(value: &Value) -> Result<Map<String, Value>, String> {
    match value {
        Value::Null => Ok(Map::new()),
        Value::Object(members) => Ok(members.clone()),
        _ => Err("settings are not a table of keys and values".to_owned()),
    }
}

pub(super) fn problems(plugin: &AvailablePlugin, settings: &Map<String, Value>) -> Vec<String> {
    let Some(schema) = &plugin.settings_schema else {
        let unknown = |key: &String| format!("`/{key}` is not a setting: the plugin has none");
        return if plugin.broken.is_some() { Vec::new() } else { settings.keys().map(unknown).collect() };
    };
    let schema: Value = match serde_json::from_str(schema) {
        Ok(schema) => schema,
        Err(error) => return vec![format!("the plugin's settings schema is not JSON: {error}")],
    };
    let validator = match jsonschema::draft202012::new(&schema) {
        Ok(validator) => validator,
        Err(error) => return vec![format!("the plugin's settings schema is not a JSON Schema: {error}")],
    };
    let instance = Value::Object(settings.clone());
    validator.iter_errors(&instance).map(|error| told(&schema, &error)).collect()
}

/// One problem as a sentence with the key, as a JSON pointer.
fn told(schema: &Value, error: &ValidationError<'_>) -> String {
    let at = error.instance_path().as_str();
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            let known = known_keys(schema, error.schema_path().as_str());
            let told: Vec<String> = unexpected.iter().map(|key| unknown_key(at, key, &known)).collect();
            told.join("; ")
        }
        _ if at.is_empty() => error.to_string(),
        _ => format!("`{at}`: {error}"),
    }
}

fn unknown_key(at: &str, key: &str, known: &[String]) -> String {
    match nearest(key, known.iter().map(String::as_str)) {
        Some(meant) => format!("`{at}/{key}` is not a setting: is `{meant}` meant?"),
        None => format!("`{at}/{key}` is not a setting: known are {}", known.join(", ")),
    }
}

/// The properties that stand beside the keyword that complained.
fn known_keys(schema: &Value, keyword_path: &str) -> Vec<String> {
    let parent = keyword_path.rsplit_once('/').map_or("", |(parent, _)| parent);
    let properties = schema.pointer(parent).and_then(|schema| schema.get("properties")).and_then(Value::as_object);
    properties.map(|properties| properties.keys().cloned().collect()).unwrap_or_default()
}

fn broken(plugin: &AvailablePlugin, mut problems: Vec<String>) -> Option<Broken> {
    if problems.is_empty() {
        return None;
    }
    let more = problems.len().saturating_sub(PROBLEMS_NAMED);
    problems.truncate(PROBLEMS_NAMED);
    if more > 0 {
        problems.push(format!("and {more} more"));
    }
    let message = format!("settings of `{}`: {}", plugin.name, problems.join("; "));
    let hint =
        format!("correct them in the check or under the plugin; `palisade plugin inspect {}` lists them", plugin.name);
    Some(Broken::new(BrokenKind::Settings, message).hint(hint))
}

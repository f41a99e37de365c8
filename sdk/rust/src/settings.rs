//! Settings as JSON: parsed into the author's type, described by a schema, and refused with the place of the mistake.

use std::any::TypeId;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::json::pointer_at;
use crate::types::{Failure, SettingProblem};

/// For plugins without settings: every key is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoSettings {}

/// JSON Schema (2020-12) of the settings; `None` for a plugin without settings.
pub(crate) fn schema<S: JsonSchema + 'static>() -> Option<String> {
    if has_none::<S>() {
        return None;
    }
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<S>();
    Some(schema.to_value().to_string())
}

/// Parses the settings; an empty text counts as an empty object.
pub(crate) fn parse<S: DeserializeOwned + 'static>(text: &str) -> Result<S, SettingProblem> {
    let text = if text.trim().is_empty() { "{}" } else { text };
    // The unit type stands for no settings, but serde reads it from `null` only.
    let reading_as = if TypeId::of::<S>() == TypeId::of::<()>() && is_empty_object(text)? { "null" } else { text };
    serde_json::from_str(reading_as).map_err(|error| problem(text, &error))
}

/// What is wrong with the settings; empty means nothing.
pub(crate) fn check<S: DeserializeOwned + 'static>(
    text: &str,
    validate: impl FnOnce(&S) -> Vec<SettingProblem>,
) -> Vec<SettingProblem> {
    match parse::<S>(text) {
        Ok(settings) => validate(&settings),
        Err(problem) => vec![problem],
    }
}

/// The same problem as the answer of a call that needed the settings.
pub(crate) fn failure(problem: SettingProblem) -> Failure {
    let place = if problem.pointer.is_empty() { String::new() } else { format!("{}: ", problem.pointer) };
    Failure::Settings(format!("{place}{}", problem.message))
}

fn has_none<S: 'static>() -> bool {
    [TypeId::of::<()>(), TypeId::of::<NoSettings>()].contains(&TypeId::of::<S>())
}

fn is_empty_object(text: &str) -> Result<bool, SettingProblem> {
    match serde_json::from_str::<NoSettings>(text) {
        Ok(_) => Ok(true),
        Err(error) => Err(problem(text, &error)),
    }
}

fn problem(text: &str, error: &serde_json::Error) -> SettingProblem {
    let message = error.to_string();
    // The place is given as a pointer; line and column of a JSON text that nobody wrote by hand would only confuse.
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
    SettingProblem::new(pointer_at(text, error.line(), error.column()), message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields, default)]
    #[derive(Default)]
    struct Settings {
        /// Licences that may be used.
        allow: Vec<String>,
        limits: Limits,
    }

    #[derive(Debug, Default, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields, default)]
    struct Limits {
        high: u32,
    }

    fn problem_of(text: &str) -> SettingProblem {
        parse::<Settings>(text).unwrap_err()
    }

    #[test]
    fn a_wrong_type_is_named_by_its_pointer() {
        let problem = problem_of(r#"{"allow": ["MIT", 7], "limits": {"high": 1}}"#);
        assert_eq!(problem.pointer, "/allow/1");
        let problem = problem_of(r#"{"limits": {"high": "many"}}"#);
        assert_eq!((problem.pointer.as_str(), problem.message.contains("many")), ("/limits/high", true));
    }

    #[test]
    fn an_unknown_key_is_named() {
        let problem = problem_of(r#"{"limits": {"hihg": 1}}"#);
        assert_eq!(problem.pointer, "/limits/hihg");
        assert!(problem.message.contains("unknown field `hihg`"), "{}", problem.message);
    }

    #[test]
    fn a_plugin_without_settings_refuses_every_key() {
        assert!(parse::<()>("{}").is_ok() && parse::<()>("").is_ok() && parse::<NoSettings>("{}").is_ok());
        assert_eq!(parse::<()>(r#"{"allow": 1}"#).unwrap_err().pointer, "/allow");
        assert!(parse::<NoSettings>(r#"{"allow": 1}"#).is_err());
        assert_eq!((schema::<()>(), schema::<NoSettings>()), (None, None));
    }

    #[test]
    fn the_schema_carries_the_comments_of_the_fields() {
        let schema = schema::<Settings>().unwrap();
        assert!(schema.contains("2020-12") && schema.contains("Licences that may be used."), "{schema}");
    }
}

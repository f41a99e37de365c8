//! Environment variables: Polly's real names, its documents' short ones, OpenTelemetry's, and Palisade's own. The real name
//! beats the alias; both set and different is a warning that names them, never their values. Empty means unset.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

enum Kind {
    Text,
    Number,
    Flag,
    /// A flag that counts only where it has this value, and then says no.
    NoWhen(bool),
    /// A whole number of milliseconds, as OpenTelemetry has durations.
    Milliseconds,
    /// A number from 0 to 1.
    Fraction,
    /// Texts separated by commas where the name is plural; else one text, commas and all.
    List,
    Port,
    /// `debug`, `warn`, `error`; anything else is `info`.
    Level,
    /// `24h`; an unreadable one is a warning and keeps the default.
    Duration,
    /// Known to Polly, without effect here until the room it belongs to exists: said so when set.
    NotYet,
    /// Without effect in Polly as well; with what does the same here.
    Dead(&'static str),
}

struct Variable {
    names: &'static [&'static str],
    key: &'static str,
    kind: Kind,
}

const fn variable(names: &'static [&'static str], key: &'static str, kind: Kind) -> Variable {
    Variable { names, key, kind }
}

/// Names in order of precedence, the key that they set, and how the value is read.
const VARIABLES: &[Variable] = &[
    variable(&["PALISADE_ADDRESS"], "server.address", Kind::Text),
    variable(&["POLLY_PORT", "PALISADE_PORT"], "server.port", Kind::Port),
    variable(&["PALISADE_PUBLIC_URL"], "server.public_url", Kind::Text),
    variable(&["POLLY_GITHUB_APP_ID", "PALISADE_GITHUB_APP_ID"], "github.app_id", Kind::Number),
    variable(&["POLLY_GITHUB_PRIVATE_KEY", "PALISADE_GITHUB_PRIVATE_KEY"], "github.private_key", Kind::Text),
    variable(
        &["POLLY_GITHUB_PRIVATE_KEY_PATH", "PALISADE_GITHUB_PRIVATE_KEY_PATH"],
        "github.private_key_path",
        Kind::Text,
    ),
    variable(&["POLLY_GITHUB_BASE_URL", "PALISADE_GITHUB_BASE_URL"], "github.base_url", Kind::Text),
    variable(
        &["PALISADE_WEBHOOK_SECRETS", "PALISADE_WEBHOOK_SECRET", "POLLY_WEBHOOK_SECRET", "POLLY_GITHUB_WEBHOOK_SECRET"],
        "github.webhook_secrets",
        Kind::List,
    ),
    variable(&["PALISADE_ALLOW_UNSIGNED_WEBHOOKS"], "github.allow_unsigned_webhooks", Kind::Flag),
    variable(&["POLLY_STORAGE_TYPE"], "state.backend", Kind::Text),
    variable(&["POLLY_STORAGE_DEFAULT_KEY_EXPIRATION"], "state.expiry", Kind::Duration),
    variable(&["PALISADE_ARTIFACTS_DIRECTORY"], "artifacts.directory", Kind::Text),
    variable(&["PALISADE_CACHE_DIRECTORY"], "runtime.cache_directory", Kind::Text),
    variable(&["POLLY_LOGGER_LEVEL", "PALISADE_LOG"], "log.level", Kind::Level),
    variable(&["POLLY_LOGGER_JSON_OUTPUT"], "log.json", Kind::Flag),
    variable(
        &["POLLY_GITHUB_INSTALLATION_ID", "PALISADE_GITHUB_INSTALLATION_ID"],
        "github.installation_id",
        Kind::Number,
    ),
    variable(&["POLLY_GITHUB_TOKEN", "PALISADE_GITHUB_TOKEN"], "github.token", Kind::Text),
    variable(&["PALISADE_GITHUB_CLIENT_ID"], "github.client_id", Kind::Text),
    variable(&["PALISADE_GITHUB_CA_FILE"], "github.ca_file", Kind::Text),
    variable(
        &["POLLY_GITHUB_UPLOAD_URL"],
        "",
        Kind::Dead("Palisade uploads nothing to GitHub; what it asks goes to github.base_url"),
    ),
    variable(&["POLLY_OPA_SERVER_URL", "PALISADE_OPA_SERVER_URL"], "opa.server_url", Kind::Text),
    variable(
        &["POLLY_OPA_POLICY_PATH"],
        "",
        Kind::Dead("policies of an OPA server are asked by `settings.entrypoint`"),
    ),
    variable(&["POLLY_OPA_BUNDLE_PATH"], "", Kind::Dead("a bundle is a plugin's `file`")),
    variable(&["POLLY_OPA_BUNDLE_REFRESH_INTERVAL"], "", Kind::Dead("bundles are read at start")),
    variable(&["POLLY_LOGGER_ADD_SOURCE"], "log.source", Kind::Flag),
    variable(&["OTEL_EXPORTER_OTLP_ENDPOINT", "POLLY_OTLP_ENDPOINT"], "telemetry.endpoint", Kind::Text),
    variable(&["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"], "telemetry.traces_endpoint", Kind::Text),
    variable(&["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"], "telemetry.metrics_endpoint", Kind::Text),
    variable(&["OTEL_EXPORTER_OTLP_HEADERS"], "telemetry.headers", Kind::Text),
    variable(&["OTEL_EXPORTER_OTLP_PROTOCOL"], "telemetry.protocol", Kind::Text),
    variable(&["OTEL_EXPORTER_OTLP_TIMEOUT"], "telemetry.timeout", Kind::Milliseconds),
    variable(&["OTEL_METRIC_EXPORT_INTERVAL"], "telemetry.metrics_interval", Kind::Milliseconds),
    variable(&["OTEL_TRACES_EXPORTER"], "telemetry.traces_exporter", Kind::Text),
    variable(&["OTEL_METRICS_EXPORTER"], "telemetry.metrics_exporter", Kind::Text),
    variable(&["OTEL_SERVICE_NAME", "POLLY_SERVICE_NAME"], "telemetry.service_name", Kind::Text),
    variable(&["POLLY_SERVICE_VERSION"], "telemetry.service_version", Kind::Text),
    variable(&["OTEL_RESOURCE_ATTRIBUTES"], "telemetry.resource_attributes", Kind::Text),
    variable(&["OTEL_TRACES_SAMPLER"], "telemetry.sampler", Kind::Text),
    variable(&["OTEL_TRACES_SAMPLER_ARG"], "telemetry.sampler_argument", Kind::Fraction),
    variable(&["POLLY_OTLP_ENABLE_OTLP_EXPORTER"], "telemetry.export", Kind::Flag),
    // Behind the one that can say yes: each of these can only say no.
    variable(&["POLLY_OTLP_ENABLE_OTLP", "POLLY_OTLP_ENABLED"], "telemetry.export", Kind::NoWhen(false)),
    variable(&["OTEL_SDK_DISABLED"], "telemetry.export", Kind::NoWhen(true)),
    variable(&["POLLY_OTLP_OTLP_STDOUT"], "", Kind::Dead("log lines carry the trace's id; send traces to a collector")),
    variable(
        &["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_METRICS_HEADERS"],
        "",
        Kind::Dead("OTEL_EXPORTER_OTLP_HEADERS is for both"),
    ),
    variable(
        &["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL"],
        "",
        Kind::Dead("OTEL_EXPORTER_OTLP_PROTOCOL is for both"),
    ),
    variable(
        &["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT"],
        "",
        Kind::Dead("OTEL_EXPORTER_OTLP_TIMEOUT is for both"),
    ),
    variable(&["OTEL_EXPORTER_OTLP_COMPRESSION"], "", Kind::Dead("what is sent is not compressed")),
    variable(
        &[
            "POLLY_STORAGE_POLICY_CACHE_ENABLED",
            "POLLY_STORAGE_POLICY_CACHE_TTL",
            "POLLY_STORAGE_POLICY_CACHE_MAX_SIZE",
        ],
        "",
        Kind::NotYet,
    ),
];

/// Families of names whose members are known, without effect while the backend that they configure is not chosen.
const FAMILIES: &[&str] = &["POLLY_STORAGE_VALKEY_", "POLLY_VALKEY_"];

/// Names that are read where they are needed, and belong to no key.
const ELSEWHERE: &[&str] = &["PALISADE_OPA"];

/// The values that the variables set, as a nested object, and what should be said about them.
pub fn read(variables: &BTreeMap<String, String>) -> (Value, Vec<String>) {
    let mut values = Value::Object(Map::new());
    let mut warnings = Vec::new();
    for variable in VARIABLES {
        let set: Vec<(&str, &str)> = variable
            .names
            .iter()
            .filter_map(|name| variables.get(*name).map(|value| (*name, value.as_str())))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        let Some((name, value)) = set.first().copied() else { continue };
        for (alias, other) in &set[1..] {
            if *other != value {
                warnings.push(format!("{name} and {alias} differ; {name} is used"));
            }
        }
        match (parse(&variable.kind, name, value), &variable.kind) {
            (Ok(Some(Value::Null)), _) => {}
            (Ok(Some(parsed)), _) => place(&mut values, variable.key, parsed),
            (Ok(None), Kind::Dead(instead)) => warnings.push(format!("{name} is set and has no effect: {instead}")),
            (Ok(None), _) => warnings.push(format!("{name} is set and has no effect in this version")),
            (Err(reason), _) => warnings.push(format!("{name}: {reason}; it is ignored")),
        }
    }
    warnings.extend(unknown(variables));
    (values, warnings)
}

/// The keys of secrets that the variables set. What the environment says cannot change while the process runs.
pub fn secrets(values: &Value) -> Vec<&'static str> {
    let set = |key: &&str| key.split('.').try_fold(values, |value, part| value.get(part)).is_some();
    ["github.webhook_secrets", "github.private_key"].into_iter().filter(set).collect()
}

fn parse(kind: &Kind, name: &str, value: &str) -> Result<Option<Value>, String> {
    Ok(Some(match kind {
        Kind::Text => json!(value),
        Kind::Number => json!(value.trim().parse::<u64>().map_err(|_| "not a whole number".to_owned())?),
        Kind::Flag => json!(flag(value)?),
        Kind::NoWhen(no) if flag(value)? == *no => json!(false),
        Kind::NoWhen(_) => Value::Null,
        Kind::Milliseconds => {
            let milliseconds = value.trim().parse::<u64>().map_err(|_| "not a number of milliseconds".to_owned())?;
            json!(format!("{milliseconds}ms"))
        }
        Kind::Fraction => json!(value.trim().parse::<f64>().map_err(|_| "not a number".to_owned())?),
        Kind::List if !name.ends_with('S') => json!([value]),
        Kind::List => json!(value.split(',').map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>()),
        Kind::Port => {
            json!(value.trim().parse::<u16>().map_err(|_| "not a port".to_owned())?)
        }
        Kind::Level => match value {
            "debug" | "warn" | "error" => json!(value),
            other if other.contains(['=', ',']) => json!(other),
            _ => json!("info"),
        },
        Kind::Duration => super::duration::parse(value).map(|_| json!(value))?,
        Kind::NotYet | Kind::Dead(_) => return Ok(None),
    }))
}

fn flag(value: &str) -> Result<bool, String> {
    match value.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err("neither true nor false".to_owned()),
    }
}

fn place(values: &mut Value, key: &str, value: Value) {
    let mut target = values;
    for part in key.split('.') {
        target = &mut target[part];
    }
    *target = value;
}

fn unknown(variables: &BTreeMap<String, String>) -> Vec<String> {
    let known: Vec<&str> = VARIABLES.iter().flat_map(|variable| variable.names.iter().copied()).collect();
    variables
        .keys()
        .filter(|name| name.starts_with("POLLY_") || name.starts_with("PALISADE_"))
        .filter(|name| !known.contains(&name.as_str()) && !ELSEWHERE.contains(&name.as_str()))
        .filter(|name| !FAMILIES.iter().any(|family| name.starts_with(family)))
        .map(|name| match super::nearest(name, known.iter().copied()) {
            Some(near) => format!("{name} is unknown and ignored; did you mean {near}?"),
            None => format!("{name} is unknown and ignored"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> (Value, Vec<String>) {
        read(&pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    /// Proves R37.
    #[test]
    fn the_real_name_beats_the_alias_and_values_are_not_told() {
        let (values, warnings) = of(&[("PALISADE_WEBHOOK_SECRETS", "a,b"), ("POLLY_WEBHOOK_SECRET", "c")]);
        assert_eq!(values, json!({"github": {"webhook_secrets": ["a", "b"]}}));
        assert_eq!(
            warnings,
            ["PALISADE_WEBHOOK_SECRETS and POLLY_WEBHOOK_SECRET differ; PALISADE_WEBHOOK_SECRETS is used"]
        );
    }

    #[test]
    fn a_single_secret_may_hold_a_comma() {
        let (values, _) = of(&[("POLLY_WEBHOOK_SECRET", "x,long secret")]);
        assert_eq!(values, json!({"github": {"webhook_secrets": ["x,long secret"]}}));
    }

    /// Proves R37, W42.
    #[test]
    fn an_unknown_name_is_a_warning_with_the_nearest_one() {
        let (_, warnings) = of(&[("POLLY_PROT", "1")]);
        assert_eq!(warnings, ["POLLY_PROT is unknown and ignored; did you mean POLLY_PORT?"]);
    }

    #[test]
    fn an_unreadable_duration_keeps_the_default_and_says_so() {
        let (values, warnings) = of(&[("POLLY_STORAGE_DEFAULT_KEY_EXPIRATION", "later")]);
        assert_eq!(values, json!({}));
        assert_eq!(warnings.len(), 1);
    }

    /// Proves W42.
    #[test]
    fn pollys_opa_server_is_taken_and_its_dead_variables_say_what_to_do() {
        let (values, warnings) =
            of(&[("POLLY_OPA_SERVER_URL", "http://localhost:8181"), ("POLLY_OPA_BUNDLE_PATH", "/v1/bundles")]);
        assert_eq!(values, json!({"opa": {"server_url": "http://localhost:8181"}}));
        assert_eq!(warnings, ["POLLY_OPA_BUNDLE_PATH is set and has no effect: a bundle is a plugin's `file`"]);
    }

    #[test]
    fn opentelemetry_s_variables_come_before_polly_s_and_any_no_wins() {
        let (values, warnings) = of(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"),
            ("POLLY_OTLP_ENDPOINT", "other:4318"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "1500"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
            ("POLLY_OTLP_ENABLE_OTLP_EXPORTER", "true"),
            ("OTEL_SDK_DISABLED", "true"),
            ("POLLY_OTLP_ENABLE_OTLP", "true"),
        ]);
        assert_eq!(
            values,
            json!({"telemetry": {
                "endpoint": "http://collector:4318", "timeout": "1500ms", "sampler_argument": 0.25, "export": false
            }})
        );
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        let (values, _) = of(&[("POLLY_OTLP_ENABLE_OTLP_EXPORTER", "true"), ("OTEL_SDK_DISABLED", "false")]);
        assert_eq!(values, json!({"telemetry": {"export": true}}));
        let (values, _) = of(&[("POLLY_OTLP_ENABLED", "false")]);
        assert_eq!(values, json!({"telemetry": {"export": false}}));
    }

    #[test]
    fn empty_means_unset() {
        assert_eq!(of(&[("POLLY_GITHUB_APP_ID", "")]), (json!({}), vec![]));
    }
}

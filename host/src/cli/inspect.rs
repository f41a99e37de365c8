//! `palisade plugin inspect FILE`: what it is, what it exports, imports, needs and is refused, its settings, its digest.
//! An OPA policy is shown as the component that becomes of it.

use super::opa_data::OpaData;
use crate::app;
use crate::model::{Broken, PluginName};
use crate::plugins::{self, Component, Opened, Origin, PluginConfig, PluginSource};
use crate::rego::label::Label;
use crate::runtime::{Inspection, LimitOverrides, Plugin, PluginKind, PluginOptions, Runtime, RuntimeOptions};
use anyhow::{Result, anyhow};
use clap::Args;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub struct Options {
    /// A component, an OPA module or bundle, or a directory of Rego files.
    file: PathBuf,
    #[command(flatten)]
    opa: OpaData,
    /// A capability to look at it with, as `plugins.<name>.grants` would.
    #[arg(long, value_name = "CAPABILITY")]
    grant: Vec<String>,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
}

pub async fn run(options: &Options) -> Result<ExitCode> {
    let runtime = Runtime::new(RuntimeOptions::default())?;
    let config = config(options)?;
    let (origin, opened) = plugins::open(&runtime, &config, &app::first_party()).await;
    let component = match opened {
        Ok(Opened::Component(component)) => component,
        Ok(Opened::Server(_)) => return Err(anyhow!("a file is inspected, not a server")),
        Err(broken) => return refused(options, origin.as_ref(), &broken),
    };
    let inspection = runtime.inspect(&component.wasm).map_err(|broken| {
        let hint = broken.hint.map(|hint| format!("; {hint}")).unwrap_or_default();
        anyhow!("{}: {}{hint}", options.file.display(), broken.message)
    })?;
    let plugin_options = PluginOptions { grants: config.grants.clone(), ..PluginOptions::default() };
    let loaded = runtime.load(&config.name, &component.wasm, &plugin_options).await;
    let mut shown = document(&inspection, &loaded);
    shown["policy"] = policy(origin.as_ref(), &component);
    if options.json {
        println!("{}", serde_json::to_string_pretty(&shown)?);
    } else {
        print!("{}{}", policy_text(&shown["policy"]), text(&shown, &inspection));
    }
    Ok(if loaded.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

/// The file as the configuration would name it.
fn config(options: &Options) -> Result<PluginConfig> {
    let stem = options.file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_lowercase();
    Ok(PluginConfig {
        name: PluginName::parse(&stem).or_else(|_| PluginName::parse("plugin"))?,
        source: PluginSource::File(options.file.clone()),
        grants: options.grant.iter().cloned().collect(),
        limits: LimitOverrides::default(),
        settings: Value::Null,
        bind: Vec::new(),
        opa: options.opa.options(),
    })
}

/// A file that does not even become a component.
fn refused(options: &Options, origin: Option<&Origin>, broken: &Broken) -> Result<ExitCode> {
    let hint = broken.hint.as_deref().unwrap_or_default();
    let Some(origin) = origin else {
        return Err(anyhow!("{}{}{hint}", broken.message, if hint.is_empty() { "" } else { "; " }));
    };
    let shown =
        json!({ "policy": origin, "refused": { "kind": broken.kind, "message": broken.message, "hint": hint } });
    if options.json {
        println!("{}", serde_json::to_string_pretty(&shown)?);
    } else {
        println!("{}{:<12} {}: {}", policy_text(&shown["policy"]), "REFUSED", broken.kind, broken.message);
        print!("{}", if hint.is_empty() { String::new() } else { format!("{:<12} {hint}\n", "way out") });
    }
    Ok(ExitCode::from(2))
}

/// The OPA policy in it, if there is one; null for any other plugin.
fn policy(origin: Option<&Origin>, component: &Component<'_>) -> Value {
    let Component { label, .. } = component;
    let mut policy = json!(origin);
    if let Some(Label { abi, entrypoints, builtins, data_bytes, module }) = label {
        let known = json!({
            "abi": abi, "entrypoints": entrypoints, "builtins": builtins, "data_bytes": data_bytes, "module_sha256": module
        });
        match (policy.as_object_mut(), known) {
            (Some(policy), Value::Object(known)) => policy.extend(known),
            (_, known) => policy = known,
        }
    }
    policy
}

fn policy_text(policy: &Value) -> String {
    let mut text = String::new();
    let mut line = |label: &str, value: String| {
        if !value.is_empty() {
            text.push_str(&format!("{label:<12} {value}\n"));
        }
    };
    let word = |key: &str| policy[key].as_str().unwrap_or_default().to_owned();
    line("policy", [word("what"), words(&policy["parts"])].join(" ").trim().to_owned());
    line("ABI", word("abi"));
    for entrypoint in policy["entrypoints"].as_array().into_iter().flatten() {
        line("entrypoint", entrypoint.as_str().unwrap_or_default().to_owned());
    }
    line("builtins", words(&policy["builtins"]));
    line(
        "data",
        policy["data_bytes"].as_u64().map(|size| format!("{size} bytes {}", word("data_file"))).unwrap_or_default(),
    );
    line("revision", word("revision"));
    line("signature", word("signature"));
    line("module", word("module_sha256"));
    text
}

/// Everything that is known, also of a plugin that cannot be loaded.
fn document(inspection: &Inspection, loaded: &Result<Plugin, Broken>) -> Value {
    let kind = match inspection.kind {
        Some(PluginKind::Normalizer) => json!("normalizer"),
        Some(PluginKind::Evaluator) => json!("evaluator"),
        None => Value::Null,
    };
    let imports: Vec<Value> =
        inspection.imports.0.iter().map(|(name, class)| json!({ "name": name, "class": class.word() })).collect();
    let mut shown = json!({
        "sha256": inspection.digest,
        "size_bytes": inspection.size_bytes,
        "kind": kind,
        "contract": inspection.contract,
        "core_modules": inspection.core_modules,
        "exports": inspection.exports,
        "imports": imports,
    });
    match loaded {
        Ok(plugin) => {
            let info = plugin.info();
            shown["name"] = json!(info.name);
            shown["version"] = json!(info.version);
            shown["description"] = json!(info.description);
            shown["homepage"] = json!(info.homepage);
            shown["reads"] = json!(info.reads);
            let formats = info.formats.iter().map(|format| json!({ "name": format.name, "covers": format.covers }));
            shown["formats"] = formats.collect();
            let schema = info.settings_schema.as_deref().map(serde_json::from_str::<Value>);
            shown["settings_schema"] = schema.and_then(Result::ok).unwrap_or(Value::Null);
        }
        Err(broken) => {
            shown["refused"] = json!({ "kind": broken.kind, "message": broken.message, "hint": broken.hint });
        }
    }
    shown
}

fn text(shown: &Value, inspection: &Inspection) -> String {
    let mut text = String::new();
    let mut line = |label: &str, value: &str| {
        if !value.is_empty() {
            text.push_str(&format!("{label:<12} {value}\n"));
        }
    };
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    line("name", format!("{} {}", word(&shown["name"]), word(&shown["version"])).trim());
    line("what", &word(&shown["description"]));
    line("kind", &word(&shown["kind"]));
    line("contract", &word(&shown["contract"]));
    line("homepage", &word(&shown["homepage"]));
    line("sha256", &inspection.digest.to_string());
    line("size", &format!("{} bytes, {} core modules", inspection.size_bytes, inspection.core_modules));
    for format in shown["formats"].as_array().into_iter().flatten() {
        line("format", &format!("{}: {}", word(&format["name"]), words(&format["covers"])));
    }
    line("reads", &words(&shown["reads"]));
    for export in &inspection.exports {
        line("export", export);
    }
    for (name, class) in &inspection.imports.0 {
        line("import", &format!("{name} ({})", class.word()));
    }
    for (name, setting) in shown["settings_schema"]["properties"].as_object().into_iter().flatten() {
        let about = word(&setting["description"]);
        let default = setting.get("default").map(|default| format!(" [default {default}]")).unwrap_or_default();
        line("setting", &format!("{name}{default} {}", about.lines().next().unwrap_or_default()));
    }
    if let Some(refused) = shown.get("refused") {
        line("REFUSED", &format!("{}: {}", word(&refused["kind"]), word(&refused["message"])));
        line("way out", &word(&refused["hint"]));
    }
    text
}

fn words(list: &Value) -> String {
    let words: Vec<&str> = list.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    words.join(", ")
}

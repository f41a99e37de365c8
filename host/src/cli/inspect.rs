//! `palisade plugin inspect FILE`: what it is, what it exports, imports, needs and is refused, its settings, its digest.

use crate::model::PluginName;
use crate::runtime::{Inspection, Plugin, PluginKind, PluginOptions, Runtime, RuntimeOptions};
use anyhow::{Context, Result, anyhow};
use clap::Args;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub struct Options {
    /// The component.
    file: PathBuf,
    /// A capability to look at it with, as `plugins.<name>.grants` would.
    #[arg(long, value_name = "CAPABILITY")]
    grant: Vec<String>,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
}

pub async fn run(options: &Options) -> Result<ExitCode> {
    let wasm = std::fs::read(&options.file).with_context(|| format!("reading {}", options.file.display()))?;
    let runtime = Runtime::new(RuntimeOptions::default())?;
    let inspection = runtime.inspect(&wasm).map_err(|broken| {
        let hint = broken.hint.map(|hint| format!("; {hint}")).unwrap_or_default();
        anyhow!("{}: {}{hint}", options.file.display(), broken.message)
    })?;
    let plugin_options = PluginOptions { grants: options.grant.iter().cloned().collect(), ..PluginOptions::default() };
    // The name in messages is what the configuration would call it.
    let stem = options.file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_lowercase();
    let name = PluginName::parse(&stem).or_else(|_| PluginName::parse("plugin"))?;
    let loaded = runtime.load(&name, &wasm, &plugin_options).await;
    let shown = document(&inspection, &loaded);
    if options.json {
        println!("{}", serde_json::to_string_pretty(&shown)?);
    } else {
        print!("{}", text(&shown, &inspection));
    }
    Ok(if loaded.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

/// Everything that is known, also of a plugin that cannot be loaded.
fn document(inspection: &Inspection, loaded: &Result<Plugin, crate::model::Broken>) -> Value {
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

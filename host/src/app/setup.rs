//! From the configuration as typed to what the rooms take: plugins, limits, checks, waivers.

mod listener;
mod selection;
mod trust;

pub use listener::{listener_options, listener_problem};
pub use trust::attester;

use crate::config::{Check, Config, VerificationKey};
use crate::model::plan::{
    BaselineMissing, Conclusion, DRY_RUN, DRY_RUN_NAME_CHARACTERS, Judges, PushedCommits, WaitFor,
};
use crate::model::report::Coverage;
use crate::model::{CheckName, PluginName};
use crate::plugins::{Catalogue, Engine, Entry, KeyFile, OpaOptions, PluginConfig, PluginSource};
use crate::policy::{
    self, AvailableKind, AvailablePlugin, CheckConfig, Entrypoints, KnobOverrides, PolicyConfig, PolicyUse, Rules,
    WaiverConfig,
};
use crate::report::Presentation;
use crate::runtime::{LimitOverrides, Limits, PluginInfo, PluginKind};
use anyhow::{Context, Result, anyhow};
use serde_json::{Map, Value, json};

/// What a host checks that is told nothing: name and policy.
pub const DEFAULT_CHECKS: &[(&str, &str)] =
    &[("Vulnerability Scan Check", "vulnerability"), ("License Check", "license")];

/// The default checks of a host whose policies an OPA server keeps: name, the plugin that stands for the server, and the
/// rule that it is asked for.
pub const SERVER_CHECKS: &[(&str, &str, &str)] = &[
    ("Vulnerability Scan Check", "opa-vulnerability", "compliance/vulnerability_report"),
    ("License Check", "opa-license", "compliance/license_report"),
];

/// The defaults with what a section of the configuration says.
pub fn limits(section: &str, values: &Map<String, Value>) -> Result<Limits> {
    Limits::default().with(&overrides(section, values)?).map_err(|problem| anyhow!("{section}: {problem}"))
}

fn overrides(section: &str, values: &Map<String, Value>) -> Result<LimitOverrides> {
    serde_json::from_value(Value::Object(values.clone())).map_err(|problem| anyhow!("{section}: {problem}"))
}

/// First-party plugins that are not switched off, and those of the configuration.
pub fn plugins(config: &Config) -> Result<Vec<PluginConfig>> {
    let mut names: Vec<&str> = super::first_party().iter().map(|(name, _)| *name).collect();
    names.extend(config.plugins.keys().map(String::as_str));
    names.sort_unstable();
    names.dedup();
    let plugins = names.into_iter().map(|name| plugin(config, name)).collect::<Result<Vec<_>>>()?;
    Ok(plugins.into_iter().flatten().chain(server_plugins(config)?).collect())
}

/// The plugins that stand for the server of `opa.server_url`, but for names that the configuration gives itself.
fn server_plugins(config: &Config) -> Result<Vec<PluginConfig>> {
    let Some(url) = &config.opa.server_url else { return Ok(Vec::new()) };
    let free = SERVER_CHECKS.iter().filter(|(_, plugin, _)| !config.plugins.contains_key(*plugin));
    let plugins = free.map(|(_, plugin, entrypoint)| {
        Ok(PluginConfig {
            name: PluginName::parse(plugin)?,
            source: PluginSource::OpaServer(url.clone()),
            grants: Default::default(),
            limits: LimitOverrides::default(),
            settings: json!({ "entrypoint": entrypoint }),
            bind: Vec::new(),
            opa: OpaOptions::default(),
        })
    });
    plugins.collect()
}

fn plugin(config: &Config, name: &str) -> Result<Option<PluginConfig>> {
    let section = config.plugins.get(name).cloned().unwrap_or_default();
    let built_in = super::first_party().iter().any(|(built_in, _)| *built_in == name);
    let source = match (section.file, section.opa_server, built_in) {
        (Some(_), Some(_), _) => {
            return Err(anyhow!("plugins.{name} has both `file` and `opa_server`; remove one of them"));
        }
        (Some(file), None, _) => PluginSource::File(file),
        (None, Some(url), _) => PluginSource::OpaServer(url),
        (None, None, true) => PluginSource::BuiltIn(name.to_owned()),
        (None, None, false) => return Err(no_source(name)),
    };
    if section.disabled {
        return Ok(None);
    }
    Ok(Some(PluginConfig {
        name: PluginName::parse(name).with_context(|| format!("plugins.{name}"))?,
        source,
        grants: section.grants.into_iter().collect(),
        limits: overrides(&format!("plugins.{name}.limits"), &section.limits)?,
        settings: Value::Object(section.settings),
        bind: section.bind,
        opa: OpaOptions {
            data: section.data,
            verification_key: section.verification_key,
            verification_algorithm: section.verification_algorithm,
            verification_scope: section.verification_scope,
            verification_keys: section.verification_keys.into_iter().map(|(id, key)| (id, key_file(key))).collect(),
        },
    }))
}

fn key_file(key: VerificationKey) -> KeyFile {
    let VerificationKey { file, algorithm, scope } = key;
    KeyFile { file, algorithm, scope }
}

fn no_source(name: &str) -> anyhow::Error {
    let known: Vec<&str> = super::first_party().iter().map(|(name, _)| *name).collect();
    let near = crate::config::nearest(name, known.iter().copied());
    let hint = near.map(|near| format!("; did you mean plugins.{near}?")).unwrap_or_default();
    anyhow!("plugins.{name}.file is missing: this is no first-party plugin{hint}")
}

/// What every job's plan is made from, and everything that is wrong with it: a host does not start on rules that say so.
pub fn rules(config: &Config, catalogue: &Catalogue) -> (Rules, Vec<String>) {
    let mut problems = Vec::new();
    let mut waivers = Vec::new();
    for waiver in &config.waivers {
        let waiver = WaiverConfig {
            id: waiver.id.clone(),
            package: waiver.package.clone(),
            rules: waiver.rules.clone(),
            reason: waiver.reason.clone().unwrap_or_default(),
            owner: waiver.owner.clone(),
            until: waiver.until.clone(),
            unless_fixed: waiver.unless_fixed,
        };
        match policy::waiver(&waiver) {
            Ok(waiver) => waivers.push(waiver),
            Err(problem) => problems.push(problem),
        }
    }
    for pattern in config.artifacts.evidence.iter().chain(&config.artifacts.workflows) {
        if let Err(error) = globset::Glob::new(pattern) {
            problems.push(format!("artifacts: {error}"));
        }
    }
    for pattern in config.commits.branches.iter().chain(&config.commits.tags) {
        if let Err(error) = globset::Glob::new(pattern) {
            problems.push(format!("commits: {error}"));
        }
    }
    let checks = check_configs(config, &mut problems);
    problems.extend(trust::attestation_problem(config, &checks));
    let available: Vec<AvailablePlugin> = available(catalogue);
    let broken = available.iter().filter_map(|plugin| plugin.broken.as_ref().map(|broken| (&plugin.name, broken)));
    for (name, broken) in broken {
        let hint = broken.hint.as_deref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        problems.push(format!("plugin {name}: {}{hint}", broken.message));
    }
    let names: Vec<CheckName> = checks.iter().map(|check| check.name.clone()).collect();
    let rules = Rules::new(
        PolicyConfig {
            checks,
            waivers,
            evidence_globs: config.artifacts.evidence.clone(),
            workflows: config.artifacts.workflows.clone(),
            events: config.artifacts.events.clone(),
            trusted_workflows: trust::workflows(&config.artifacts.trusted_workflows, &mut problems),
            no_run_deadline: config.artifacts.no_run_deadline,
            evidence_deadline: config.artifacts.evidence_deadline,
            fail_closed: selection::fail_closed(config.fail_closed),
            groups: selection::groups(config, &names, &mut problems),
            overlay: selection::overlay(config, &available, &mut problems),
            commits: PushedCommits { branches: config.commits.branches.clone(), tags: config.commits.tags.clone() },
        },
        available,
    );
    for check in &rules.whole().checks {
        for policy in &check.policies {
            if let Some(broken) = &policy.broken
                && !catalogue.iter().any(|entry| entry.config.name == policy.plugin && entry.broken().is_some())
            {
                let hint = broken.hint.as_deref().map(|hint| format!(" ({hint})")).unwrap_or_default();
                problems.push(format!("check {:?}: {}{hint}", check.name.as_str(), broken.message));
            }
        }
    }
    (rules, problems)
}

/// How results are shown. Names that are none were refused with the plan.
pub fn presentation(config: &Config) -> Presentation {
    let uncommented = config.checks.iter().filter(|(_, check)| check.comment == Some(false));
    Presentation {
        public_url: config.server.public_url.clone(),
        pages: config.server.pages,
        annotations: config.output.annotations,
        uncommented: uncommented.filter_map(|(name, _)| CheckName::parse(name).ok()).collect(),
    }
}

fn available(catalogue: &Catalogue) -> Vec<AvailablePlugin> {
    catalogue.iter().map(available_plugin).collect()
}

fn available_plugin(entry: &Entry) -> AvailablePlugin {
    let plugin = entry.loaded();
    let info = plugin.map(|plugin| plugin.info());
    AvailablePlugin {
        name: entry.config.name.clone(),
        kind: match plugin.map(|plugin| plugin.kind()) {
            Some(PluginKind::Normalizer) => AvailableKind::Normalizer,
            _ => AvailableKind::Evaluator,
        },
        digest: entry.digest(),
        settings_schema: settings_schema(entry),
        formats: info.map_or_else(Vec::new, |info| {
            info.formats.iter().map(|format| (format.name.clone(), format.covers.clone())).collect()
        }),
        reads: info.map_or_else(Vec::new, |info| info.reads.clone()),
        entrypoints: entrypoints(entry),
        settings: entry.config.settings.clone(),
        bind: entry.config.bind.clone(),
        broken: entry.broken().cloned(),
    }
}

fn settings_schema(entry: &Entry) -> Option<String> {
    match entry.engine()? {
        Engine::OpaServer(_) => Some(crate::rego::reading::schema()),
        Engine::Component(plugin) => {
            let schema = plugin.info().settings_schema.as_deref()?;
            Some(entry.settings_schema(schema).into_owned())
        }
    }
}

fn entrypoints(entry: &Entry) -> Option<Entrypoints> {
    match (entry.engine()?, &entry.label) {
        (Engine::OpaServer(_), _) => Some(Entrypoints::Named),
        (Engine::Component(_), Some(label)) => Some(Entrypoints::Listed(label.entrypoints.clone())),
        (Engine::Component(_), None) if entry.runs_rego() => Some(Entrypoints::Open),
        (Engine::Component(plugin), None) => without_label(plugin.info()),
    }
}

/// The entrypoints of an OPA policy that lost its label, as a tool that rewrites components may do, or of the plugin
/// `rego` from a file. What they say of themselves must be enough: a Rego rule over no evidence is not a pass. Any other
/// evaluator may read every kind.
fn without_label(info: &PluginInfo) -> Option<Entrypoints> {
    let named = info.properties.iter().filter(|(name, _)| name == "entrypoint");
    let entrypoints: Vec<String> = named.map(|(_, entrypoint)| entrypoint.clone()).collect();
    match (info.reads.is_empty(), info.name.as_str(), entrypoints.is_empty()) {
        (true, _, false) => Some(Entrypoints::Listed(entrypoints)),
        (true, "opa" | "rego", true) => Some(Entrypoints::Open),
        _ => None,
    }
}

/// The checks as typed, or the default ones; problems are added to the list.
pub fn check_configs(config: &Config, problems: &mut Vec<String>) -> Vec<CheckConfig> {
    let typed: Vec<(String, Check)> = if config.checks.is_empty() {
        let check = |policy: &str| Check { policies: vec![policy.to_owned()], ..Check::default() };
        let here = DEFAULT_CHECKS.iter().copied();
        let there = SERVER_CHECKS.iter().map(|(name, plugin, _)| (*name, *plugin));
        let checks: Vec<_> = if config.opa.server_url.is_some() { there.collect() } else { here.collect() };
        checks.into_iter().map(|(name, policy)| (name.to_owned(), check(policy))).collect()
    } else {
        config.checks.iter().map(|(name, check)| (name.clone(), check.clone())).collect()
    };
    let mut checks = Vec::new();
    for (name, check) in typed {
        match check_config(&name, &check) {
            Ok(check) => checks.push(check),
            Err(problem) => problems.push(format!("checks.{name:?}: {problem:#}")),
        }
    }
    checks
}

fn check_config(name: &str, check: &Check) -> Result<CheckConfig> {
    let reads = check.reads.as_ref().map(|words| words.iter().map(|word| coverage(word)).collect()).transpose()?;
    if check.policies.is_empty() {
        return Err(anyhow!("policies is empty; name an evaluator plugin"));
    }
    if name.ends_with(DRY_RUN) || name.chars().count() > DRY_RUN_NAME_CHARACTERS {
        let most = DRY_RUN_NAME_CHARACTERS;
        return Err(anyhow!(
            "a check's name has at most {most} characters and does not end in {DRY_RUN:?}, for its dry run"
        ));
    }
    for named in check.settings.keys() {
        if !check.policies.contains(named) {
            return Err(anyhow!("settings.{named}: {named} is none of this check's policies"));
        }
    }
    let policy = |plugin: &String| -> Result<PolicyUse> {
        let settings = check.settings.get(plugin).cloned().map_or(Value::Null, Value::Object);
        Ok(PolicyUse { plugin: PluginName::parse(plugin)?, settings, reads: Option::clone(&reads) })
    };
    Ok(CheckConfig {
        name: CheckName::parse(name)?,
        policies: check.policies.iter().map(policy).collect::<Result<_>>()?,
        fail_closed: check.fail_closed.map(selection::fail_closed),
        mode: selection::mode(&check.mode)?.unwrap_or_default(),
        knobs: KnobOverrides {
            on_partial: conclusion("on_partial", &check.on_partial)?,
            on_warn: conclusion("on_warn", &check.on_warn)?,
            on_broken: conclusion("on_broken", &check.on_broken)?,
            on_outage: conclusion("on_outage", &check.on_outage)?,
            on_missing: conclusion("on_missing", &check.on_missing)?,
            on_workflow: conclusion("on_workflow", &check.on_workflow)?,
        },
        wait_for: match check.wait_for.as_deref() {
            None => None,
            Some("covered") => Some(WaitFor::Covered),
            Some("all") => Some(WaitFor::All),
            Some(other) => return Err(anyhow!("wait_for: {other:?} is neither `covered` nor `all`")),
        },
        min_provenance: check.min_provenance.as_deref().map(trust::minimum).transpose()?,
        judges: match check.judge.as_deref() {
            None | Some("all") => Judges::All,
            Some("introduced") => Judges::Introduced,
            Some(other) => return Err(anyhow!("judge: {other:?} is neither `all` nor `introduced`")),
        },
        baseline_missing: match check.baseline_missing.as_deref() {
            None => None,
            Some("warn") => Some(BaselineMissing::Warn),
            Some("fail") => Some(BaselineMissing::Fail),
            Some(other) => return Err(anyhow!("baseline_missing: {other:?} is neither `warn` nor `fail`")),
        },
    })
}

fn conclusion(key: &str, word: &Option<String>) -> Result<Option<Conclusion>> {
    Ok(match word.as_deref() {
        None => None,
        Some("success") => Some(Conclusion::Success),
        Some("neutral") => Some(Conclusion::Neutral),
        Some("failure") => Some(Conclusion::Failure),
        Some("cancelled") if key == "on_workflow" => Some(Conclusion::Cancelled),
        Some(other) => return Err(anyhow!("{key}: {other:?} is none of `success`, `neutral`, `failure`")),
    })
}

fn coverage(word: &str) -> Result<Coverage> {
    Coverage::from_word(word).ok_or_else(|| {
        let known: Vec<&str> = Coverage::ALL.iter().map(|coverage| coverage.word()).collect();
        match crate::config::nearest(word, known.iter().copied()) {
            Some(near) => anyhow!("reads: there is no kind {word:?}; did you mean `{near}`?"),
            None => anyhow!("reads: there is no kind {word:?}; known: {}", known.join(", ")),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(name: &str, entrypoints: &[&str], reads: &[Coverage]) -> PluginInfo {
        PluginInfo {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            description: String::new(),
            homepage: None,
            settings_schema: None,
            formats: Vec::new(),
            reads: reads.to_vec(),
            properties: entrypoints.iter().map(|name| ("entrypoint".to_owned(), (*name).to_owned())).collect(),
        }
    }

    #[test]
    fn a_rego_policy_is_known_by_what_it_says_of_itself() {
        let listed = Some(Entrypoints::Listed(vec!["main/deny".to_owned()]));
        assert_eq!(without_label(&info("opa", &["main/deny"], &[])), listed);
        assert_eq!(without_label(&info("renamed", &["main/deny"], &[])), listed);
        assert_eq!(without_label(&info("opa", &[], &[])), Some(Entrypoints::Open));
        assert_eq!(without_label(&info("rego", &[], &[])), Some(Entrypoints::Open));
    }

    #[test]
    fn any_other_evaluator_may_read_everything_or_say_what_it_reads() {
        assert_eq!(without_label(&info("judge", &[], &[])), None);
        assert_eq!(without_label(&info("opa", &["main/deny"], &[Coverage::Licenses])), None);
    }
}

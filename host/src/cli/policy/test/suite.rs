//! One policy's tests and cases, run.

use super::super::{compile, version};
use super::stand_in::stand_in;
use crate::app;
use crate::documents::{JsonDocument, Shape};
use crate::model::verdict::{Effect, Outcome, Verdict, Violation};
use crate::model::{Broken, PluginName};
use crate::plugins::{self, OpaOptions, Opened, PluginConfig, PluginSource};
use crate::rego::bundle::{self, Sources};
use crate::rego::case::{self, Case, Expected};
use crate::report::{FileCoverage, TestKind, TestResult, Tested, TestedPolicy};
use crate::runtime::{Call, LimitOverrides, Plugin, PluginOptions, Runtime, RuntimeOptions};
use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// All tests of a policy run in one call, and nobody waits for a check meanwhile.
const WALL: Duration = Duration::from_secs(60);
/// The input of a case, and its data, may be as large as a bundle.
const MEMORY: u64 = 512 << 20;

/// Whether cases are also judged by the policy as OPA compiles it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compiled {
    No,
    Too,
}

/// What all policies are tested with.
pub struct Bench {
    runtime: Runtime,
    rego: Plugin,
    compiled: Compiled,
}

/// A policy that can be asked, with the settings that make it this one.
struct Engine {
    plugin: Plugin,
    settings: Map<String, Value>,
    kind: TestKind,
}

impl Bench {
    pub async fn new(options: RuntimeOptions, compiled: Compiled) -> Result<Self> {
        if compiled == Compiled::Too && version(&crate::config::opa_command()).is_none() {
            bail!("--compiled needs the command `opa`, which is not there; install it, or name it by PALISADE_OPA");
        }
        let runtime = Runtime::new(options)?;
        let (_, wasm) =
            app::first_party().into_iter().find(|(name, _)| *name == "rego").context("there is no plugin rego")?;
        let rego = load(&runtime, wasm).await?;
        Ok(Self { runtime, rego, compiled })
    }

    /// Runs everything that stands beside the policy and has this in its name.
    pub async fn test(&self, directory: &Path, wanted: Option<&str>) -> Result<TestedPolicy> {
        let begun = Instant::now();
        let sources = bundle::read_sources(directory)?;
        let wants = |name: &str| wanted.is_none_or(|wanted| name.contains(wanted));
        let (mut tests, coverage) = self.rules(&sources).await?;
        tests.retain(|test| wants(&test.name));
        let cases: Vec<Case> = case::cases(directory)?.into_iter().filter(|case| wants(&case.name)).collect();
        for case in &cases {
            tests.push(self.case(&self.interpreted(&sources, case)?, case).await);
        }
        if self.compiled == Compiled::Too {
            tests.extend(self.compiled_cases(&sources, &cases).await?);
        }
        let name = directory.canonicalize()?.file_name().map(|name| name.to_string_lossy().into_owned());
        Ok(TestedPolicy { name: name.unwrap_or_default(), tests, coverage, took: begun.elapsed() })
    }

    async fn rules(&self, sources: &Sources) -> Result<(Vec<Tested>, Vec<FileCoverage>)> {
        let data: Value = serde_json::from_str(&sources.data).context("reading its data")?;
        let mut settings = interpreter_settings(sources, data);
        settings.insert("run_tests".to_owned(), Value::Bool(true));
        let settings = Value::Object(settings).to_string();
        let answer = self
            .runtime
            .evaluate(&Call::new(None, "test"), &self.rego, &Arc::new(stand_in(&Value::Null)), &settings)
            .await;
        let verdict = answer.map_err(|broken| told(&broken))?;
        let tests: Vec<Tested> = verdict.violations.iter().filter_map(tested).collect();
        let ran = verdict.judged.iter().find(|(what, _)| what == "tests").map_or(0, |(_, count)| *count);
        if ran != tests.len() as u64 {
            bail!("it has {ran} tests, more than one run can tell; split it into several directories");
        }
        Ok((tests, coverage(&verdict)))
    }

    fn interpreted(&self, sources: &Sources, case: &Case) -> Result<Engine> {
        let data = serde_json::from_str(&sources.data).context("reading its data")?;
        let settings = interpreter_settings(sources, case::overlaid(data, &case.data));
        Ok(Engine { plugin: self.rego.clone(), settings, kind: TestKind::Case })
    }

    /// One compilation per data, with the entrypoints of all cases.
    async fn compiled_cases(&self, sources: &Sources, cases: &[Case]) -> Result<Vec<Tested>> {
        let entrypoints: BTreeSet<&str> = cases.iter().map(|case| case.entrypoint.as_str()).collect();
        let mut engines: BTreeMap<String, Engine> = BTreeMap::new();
        let mut tests = Vec::new();
        for case in cases {
            let data: Value = serde_json::from_str(&sources.data).context("reading its data")?;
            let data = case::overlaid(data, &case.data).to_string();
            if !engines.contains_key(&data) {
                engines.insert(data.clone(), self.compiled(sources, &data, &entrypoints).await?);
            }
            tests.push(self.case(&engines[&data], case).await);
        }
        Ok(tests)
    }

    async fn compiled(&self, sources: &Sources, data: &str, entrypoints: &BTreeSet<&str>) -> Result<Engine> {
        let scratch = tempfile::tempdir().context("making a temporary directory")?;
        let directory = scratch.path().join("policy");
        write_sources(&directory, sources, data)?;
        let entrypoints: Vec<String> = entrypoints.iter().map(|name| (*name).to_owned()).collect();
        let bundle = compile(&directory, &entrypoints, scratch.path())?;
        let (_, opened) = plugins::open(&self.runtime, &config(&bundle)?, &app::first_party()).await;
        let Opened::Component(component) = opened.map_err(|broken| told(&broken))? else {
            bail!("a bundle gave no component");
        };
        let plugin = load(&self.runtime, &component.wasm).await?;
        Ok(Engine { plugin, settings: Map::new(), kind: TestKind::CompiledCase })
    }

    async fn case(&self, engine: &Engine, case: &Case) -> Tested {
        let mut complaints = Vec::new();
        match self.ask(engine, case, Some("value")).await {
            Ok(verdict) => complaints.extend(difference(&case.expected, &verdict)),
            Err(broken) => complaints.push(told(&broken).to_string()),
        }
        if let Some(expected) = &case.outcome {
            let outcome = match self.ask(engine, case, None).await {
                Ok(verdict) => (word(verdict.outcome), verdict.title),
                Err(broken) => ("broken", told(&broken).to_string()),
            };
            if outcome.0 != expected {
                complaints.push(format!("the outcome is {} ({}), expected {expected}", outcome.0, outcome.1));
            }
        }
        Tested {
            name: format!("{}: {}", case.name, case.description),
            kind: engine.kind,
            file: format!("cases/{}.json", case.name),
            line: None,
            result: if complaints.is_empty() { TestResult::Passed } else { TestResult::Failed },
            message: complaints.join("\n"),
        }
    }

    async fn ask(&self, engine: &Engine, case: &Case, form: Option<&str>) -> Result<Verdict, Broken> {
        let mut settings = engine.settings.clone();
        settings.insert("entrypoint".to_owned(), Value::from(case.entrypoint.clone()));
        if let Some(form) = form {
            settings.insert("result".to_owned(), Value::from(form));
        }
        let input = serde_json::from_str(case.input.get()).expect("a case's input is JSON");
        let evidence = Arc::new(stand_in(&input));
        let document = |name: &str| JsonDocument { name: name.to_owned(), json: case.input.get().to_owned().into() };
        self.runtime.give_documents(&evidence, Shape::Evidence, vec![document("evidence")]);
        let reports = vec![document("vulnerability/0"), document("sbom/0")];
        self.runtime.give_documents(&evidence, Shape::Compliance, reports);
        let settings = Value::Object(settings).to_string();
        self.runtime.evaluate(&Call::new(None, "test"), &engine.plugin, &evidence, &settings).await
    }
}

/// What a case's answer differs in, as a sentence.
fn difference(expected: &Expected, answer: &Verdict) -> Option<String> {
    if answer.summary.is_empty() {
        return match expected {
            Expected::Undefined => None,
            Expected::Value(expected) => Some(format!("it is undefined, expected {expected}")),
        };
    }
    let given: Value = match serde_json::from_str(&answer.summary) {
        Ok(given) => given,
        Err(_) => return Some("its answer is too long to be compared: a verdict shows 64 KiB".to_owned()),
    };
    match expected {
        Expected::Undefined => Some(format!("it answers {given}, expected undefined")),
        Expected::Value(expected) if case::same(expected, &given) => None,
        Expected::Value(expected) => Some(format!("it answers {given}\nexpected {expected}")),
    }
}

fn interpreter_settings(sources: &Sources, data: Value) -> Map<String, Value> {
    let mut settings = Map::new();
    settings.insert("modules".to_owned(), json!(sources.modules));
    settings.insert("data".to_owned(), data);
    if let Some(version) = sources.rego_version {
        settings.insert("rego_version".to_owned(), Value::from(format!("v{version}")));
    }
    settings
}

/// Back to files, for `opa build`: what was read, with the case's data.
fn write_sources(directory: &Path, sources: &Sources, data: &str) -> Result<()> {
    for (name, text) in &sources.modules {
        let path = directory.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).with_context(|| format!("creating {}", parent.display()))?;
        }
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
    }
    if let Some(version) = sources.rego_version {
        let manifest = json!({"rego_version": version, "roots": [""]}).to_string();
        std::fs::write(directory.join(".manifest"), manifest).context("writing the manifest")?;
    }
    std::fs::write(directory.join("data.json"), data).context("writing the data")
}

/// The plugin `rego` answers with one violation per test.
fn tested(violation: &Violation) -> Option<Tested> {
    let result = match violation.rule.as_str() {
        "passed" => TestResult::Passed,
        "failed" => TestResult::Failed,
        "skipped" => TestResult::Skipped,
        _ => return None,
    };
    debug_assert_eq!(violation.effect == Effect::Deny, result == TestResult::Failed);
    let location = violation.location.as_ref();
    Some(Tested {
        name: violation.subject.clone().unwrap_or_default(),
        kind: TestKind::Rule,
        file: location.map(|location| location.path.clone()).unwrap_or_default(),
        line: location.and_then(|location| location.start_line),
        result,
        message: violation.message.clone(),
    })
}

/// And with two per file about its lines. What only tests hold is no policy.
fn coverage(verdict: &Verdict) -> Vec<FileCoverage> {
    let mut files: BTreeMap<&str, FileCoverage> = BTreeMap::new();
    for violation in &verdict.violations {
        let file = violation.subject.as_deref().unwrap_or_default();
        if file.ends_with("_test.rego") || !["covered", "not-covered"].contains(&violation.rule.as_str()) {
            continue;
        }
        let entry = files.entry(file).or_insert_with(|| FileCoverage {
            file: file.to_owned(),
            covered: Vec::new(),
            not_covered: Vec::new(),
        });
        let lines = if violation.rule == "covered" { &mut entry.covered } else { &mut entry.not_covered };
        lines.extend(violation.message.split(',').filter_map(range).flatten());
    }
    files.into_values().collect()
}

/// `3` or `5-8`.
fn range(text: &str) -> Option<std::ops::RangeInclusive<u32>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some(first.parse().ok()?..=last.parse().ok()?)
}

async fn load(runtime: &Runtime, wasm: &[u8]) -> Result<Plugin> {
    let limits = LimitOverrides { wall: Some(WALL), memory: Some(MEMORY), ..LimitOverrides::default() };
    let options = PluginOptions { limits, ..PluginOptions::default() };
    runtime.load(&PluginName::parse("policy")?, wasm, &options).await.map_err(|broken| told(&broken))
}

fn config(bundle: &Path) -> Result<PluginConfig> {
    Ok(PluginConfig {
        name: PluginName::parse("policy")?,
        source: PluginSource::File(bundle.to_owned()),
        grants: BTreeSet::new(),
        limits: LimitOverrides::default(),
        settings: Value::Null,
        bind: Vec::new(),
        opa: OpaOptions::default(),
    })
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::Warn => "warn",
        Outcome::Fail => "fail",
        Outcome::NotApplicable => "not-applicable",
    }
}

fn told(broken: &Broken) -> anyhow::Error {
    let hint = broken.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
    anyhow!("{}: {}{hint}", broken.kind, broken.message)
}

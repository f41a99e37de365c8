//! The catalogue: which plugins are configured, where their code comes from, whether they loaded and why not. A plugin
//! that does not load is an entry that says so, never an error of the host. Never runs a plugin on evidence.

use crate::model::{Broken, BrokenKind, PluginName};
use crate::rego;
use crate::runtime::{LimitOverrides, Plugin, PluginKind, PluginOptions, Runtime, limits};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

/// One plugin as the operator configured it.
#[derive(Clone, Debug)]
pub struct PluginConfig {
    pub name: PluginName,
    pub source: PluginSource,
    pub grants: BTreeSet<String>,
    pub limits: LimitOverrides,
    /// A JSON object; null stands for `{}`.
    pub settings: serde_json::Value,
    /// Globs of artifacts that this normalizer reads, whatever it recognises.
    pub bind: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PluginSource {
    /// One that comes with the host, by its name.
    BuiltIn(String),
    File(PathBuf),
}

/// All configured plugins, by name.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    entries: BTreeMap<PluginName, Entry>,
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub config: PluginConfig,
    /// The settings as the plugin gets them: a JSON object.
    pub settings: String,
    pub state: State,
}

#[derive(Clone, Debug)]
pub enum State {
    Loaded(Plugin),
    Failed(Broken),
}

/// One line for `doctor` and the API.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Status {
    pub name: String,
    pub kind: Option<String>,
    pub version: Option<String>,
    pub digest: Option<String>,
    /// Why it did not load, and the way out.
    pub problem: Option<String>,
}

impl Entry {
    pub fn loaded(&self) -> Option<&Plugin> {
        match &self.state {
            State::Loaded(plugin) => Some(plugin),
            State::Failed(_) => None,
        }
    }

    /// Why it did not load.
    pub fn broken(&self) -> Option<&Broken> {
        match &self.state {
            State::Loaded(_) => None,
            State::Failed(broken) => Some(broken),
        }
    }
}

impl Catalogue {
    /// Loads every plugin, side by side; the runtime lets two compile at once. `first_party` is what comes with the host.
    pub async fn load(runtime: &Runtime, plugins: Vec<PluginConfig>, first_party: &[(&str, &[u8])]) -> Self {
        let entries = plugins.into_iter().map(|config| async {
            let settings = settings_text(&config.settings);
            let state = match load(runtime, &config, &settings, first_party).await {
                Ok(plugin) => State::Loaded(plugin),
                Err(broken) => {
                    tracing::warn!(plugin = %config.name, kind = %broken.kind, "a plugin did not load: {}", broken.message);
                    State::Failed(broken)
                }
            };
            (config.name.clone(), Entry { config, settings, state })
        });
        Self { entries: futures::future::join_all(entries).await.into_iter().collect() }
    }

    /// The plugin of this name, if it loaded.
    pub fn get(&self, name: &PluginName) -> Option<&Plugin> {
        self.entry(name)?.loaded()
    }

    /// What is known of the plugin of this name, loaded or not.
    pub fn entry(&self, name: &PluginName) -> Option<&Entry> {
        self.entries.get(name)
    }

    /// All entries, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// Those that loaded and normalize.
    pub fn normalizers(&self) -> impl Iterator<Item = &Plugin> {
        self.iter().filter_map(Entry::loaded).filter(|plugin| plugin.kind() == PluginKind::Normalizer)
    }

    /// Whether every plugin loaded.
    pub fn is_whole(&self) -> bool {
        self.iter().all(|entry| entry.loaded().is_some())
    }

    pub fn status(&self) -> Vec<Status> {
        self.iter().map(status).collect()
    }
}

fn status(entry: &Entry) -> Status {
    let plugin = entry.loaded();
    let problem = entry.broken().map(|broken| match &broken.hint {
        Some(hint) => format!("{}; {hint}", broken.message),
        None => broken.message.clone(),
    });
    Status {
        name: entry.config.name.to_string(),
        kind: plugin.map(|plugin| plugin.kind().to_string()),
        version: plugin.map(|plugin| plugin.info().version.clone()),
        digest: plugin.map(|plugin| plugin.digest().to_string()),
        problem,
    }
}

fn settings_text(settings: &serde_json::Value) -> String {
    match settings {
        serde_json::Value::Null => "{}".to_owned(),
        settings => settings.to_string(),
    }
}

async fn load(
    runtime: &Runtime,
    config: &PluginConfig,
    settings: &str,
    first_party: &[(&str, &[u8])],
) -> Result<Plugin, Broken> {
    let wasm = code(config, first_party)?;
    if let Some(explanation) = rego::explain(&wasm) {
        return Err(Broken::new(BrokenKind::Unsupported, format!("`{}`: {explanation}", config.name)));
    }
    let options = PluginOptions { limits: config.limits.clone(), grants: config.grants.clone() };
    let plugin = runtime.load(&config.name, &wasm, &options).await?;
    let problems = runtime.validate_settings(&plugin, settings).await?;
    match problems.first() {
        None => Ok(plugin),
        Some(problem) => {
            let key = format!("plugins.{}.settings{}", config.name, problem.pointer.replace('/', "."));
            let more = if problems.len() > 1 { format!(" (and {} more)", problems.len() - 1) } else { String::new() };
            let message = format!("`{key}`: {}{more}", problem.message);
            Err(Broken::new(BrokenKind::Settings, message).hint(format!("change `{key}` in the configuration")))
        }
    }
}

fn code<'a>(config: &PluginConfig, first_party: &[(&str, &'a [u8])]) -> Result<Cow<'a, [u8]>, Broken> {
    match &config.source {
        PluginSource::File(path) => read(&config.name, path).map(Cow::Owned),
        PluginSource::BuiltIn(name) => match first_party.iter().find(|(known, _)| known == name) {
            Some((_, wasm)) => Ok(Cow::Borrowed(wasm)),
            None => {
                let known: Vec<_> = first_party.iter().map(|(name, _)| *name).collect();
                let message =
                    format!("`plugins.{}` names the built-in plugin `{name}`, which does not exist", config.name);
                Err(Broken::new(BrokenKind::Settings, message)
                    .hint(format!("built-in plugins are {}; any other needs a `file`", known.join(", "))))
            }
        },
    }
}

/// No more of the file than a plugin may have, and one byte to see that there is more.
fn read(name: &PluginName, path: &Path) -> Result<Vec<u8>, Broken> {
    let mut wasm = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(limits::PLUGIN_SIZE + 1).read_to_end(&mut wasm));
    match read {
        Ok(_) => Ok(wasm),
        Err(error) => {
            let message = format!("reading plugin `{name}` from {}: {error}", path.display());
            Err(Broken::new(BrokenKind::Settings, message).hint(format!("correct `plugins.{name}.file`")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::RuntimeOptions;

    fn config(name: &str, source: PluginSource) -> PluginConfig {
        PluginConfig {
            name: PluginName::parse(name).unwrap(),
            source,
            grants: BTreeSet::new(),
            limits: LimitOverrides::default(),
            settings: serde_json::Value::Null,
            bind: Vec::new(),
        }
    }

    async fn problem(source: PluginSource) -> String {
        let runtime = Runtime::new(RuntimeOptions { concurrency: 1, ..RuntimeOptions::default() }).unwrap();
        let catalogue = Catalogue::load(&runtime, vec![config("scan", source)], &[("trivy", b"")]).await;
        assert!(!catalogue.is_whole() && catalogue.normalizers().next().is_none());
        catalogue.status()[0].problem.clone().unwrap()
    }

    #[tokio::test]
    async fn a_missing_file_names_the_path_and_the_key() {
        let problem = problem(PluginSource::File("nowhere/scan.wasm".into())).await;
        assert!(problem.starts_with("reading plugin `scan` from nowhere/scan.wasm: "), "{problem}");
        assert!(problem.ends_with("correct `plugins.scan.file`"), "{problem}");
    }

    #[tokio::test]
    async fn an_unknown_built_in_plugin_names_the_known_ones() {
        let problem = problem(PluginSource::BuiltIn("trivvy".to_owned())).await;
        assert!(problem.contains("`trivvy`, which does not exist; built-in plugins are trivy"), "{problem}");
    }

    #[tokio::test]
    async fn a_file_that_is_not_a_component_says_what_it_is() {
        assert_eq!(problem(PluginSource::BuiltIn("trivy".to_owned())).await, "`scan` is not WebAssembly");
    }
}

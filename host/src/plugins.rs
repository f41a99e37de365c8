//! The catalogue: which plugins are configured, where their code comes from, whether they loaded and why not. A plugin
//! that does not load is an entry that says so, never an error of the host. Never runs a plugin on evidence.

mod opa;
mod source;

pub use source::Origin;

use crate::model::{Broken, BrokenKind, Digest, PluginName};
use crate::rego::label::Label;
use crate::rego::remote::OpaServer;
use crate::runtime::{LimitOverrides, Plugin, PluginKind, PluginOptions, Runtime};
use opa::Sources;
use source::{Code, Found};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

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
    pub opa: OpaOptions,
}

/// What is said of an OPA policy beside its file.
#[derive(Clone, Debug, Default)]
pub struct OpaOptions {
    pub data: Option<PathBuf>,
    pub verification_key: Option<PathBuf>,
    pub verification_algorithm: Option<String>,
    pub verification_scope: Option<String>,
    /// By key id, in the place of the one key above.
    pub verification_keys: BTreeMap<String, KeyFile>,
}

/// A key that bundles are signed with.
#[derive(Clone, Debug)]
pub struct KeyFile {
    pub file: PathBuf,
    pub algorithm: Option<String>,
    pub scope: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PluginSource {
    /// One that comes with the host, by its name.
    BuiltIn(String),
    /// A component, an OPA module, an OPA bundle, or a directory of Rego files.
    File(PathBuf),
    /// The address of an OPA server.
    OpaServer(String),
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
    /// Where an OPA policy comes from.
    pub origin: Option<Origin>,
    /// What a component says of the OPA module that it was made of.
    pub label: Option<Label>,
    sources: Option<Sources>,
}

#[derive(Clone, Debug)]
pub enum State {
    Loaded(Plugin),
    /// An engine outside of this host.
    Server(OpaServer),
    Failed(Broken),
}

/// Who is asked for a verdict.
#[derive(Clone, Copy, Debug)]
pub enum Engine<'a> {
    Component(&'a Plugin),
    OpaServer(&'a OpaServer),
}

/// One line for `doctor` and the API.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Status {
    pub name: String,
    pub kind: Option<String>,
    pub version: Option<String>,
    pub digest: Option<String>,
    /// Where an OPA policy comes from.
    pub origin: Option<String>,
    /// Why it did not load, and the way out.
    pub problem: Option<String>,
}

impl Entry {
    pub fn loaded(&self) -> Option<&Plugin> {
        match &self.state {
            State::Loaded(plugin) => Some(plugin),
            State::Server(_) | State::Failed(_) => None,
        }
    }

    /// Who answers for it, if anybody can.
    pub fn engine(&self) -> Option<Engine<'_>> {
        match &self.state {
            State::Loaded(plugin) => Some(Engine::Component(plugin)),
            State::Server(server) => Some(Engine::OpaServer(server)),
            State::Failed(_) => None,
        }
    }

    /// Of all that decides about its answers: code, data and sources, or a server's address.
    pub fn digest(&self) -> Option<Digest> {
        let engine = match self.engine()? {
            Engine::Component(plugin) => plugin.digest(),
            Engine::OpaServer(server) => server.digest(),
        };
        Some(match &self.sources {
            Some(sources) => Digest::of(format!("{engine} over {}", sources.digest).as_bytes()),
            None => engine,
        })
    }

    /// The settings that a plan holds, with what the plugin gets beside them.
    pub fn whole_settings<'a>(&self, settings: &'a str) -> Cow<'a, str> {
        match &self.sources {
            Some(sources) => Cow::Owned(sources.under(settings)),
            None => Cow::Borrowed(settings),
        }
    }

    /// The schema of its component's settings, without what it gets beside the configuration's.
    pub fn settings_schema<'a>(&self, schema: &'a str) -> Cow<'a, str> {
        match &self.sources {
            Some(sources) => Cow::Owned(sources.taken_from(schema)),
            None => Cow::Borrowed(schema),
        }
    }

    /// Whether it runs Rego files that the configuration names.
    pub fn has_sources(&self) -> bool {
        self.sources.is_some()
    }

    /// Whether it runs Rego, from files or from its settings.
    pub fn runs_rego(&self) -> bool {
        self.has_sources() || self.config.source == PluginSource::BuiltIn(opa::REGO.to_owned())
    }

    /// Where an OPA policy comes from, for people.
    pub fn told_origin(&self) -> Option<String> {
        self.origin.as_ref().map(|origin| opa::told(origin, self.label.as_ref()))
    }

    /// Why it did not load.
    pub fn broken(&self) -> Option<&Broken> {
        match &self.state {
            State::Loaded(_) | State::Server(_) => None,
            State::Failed(broken) => Some(broken),
        }
    }
}

impl Catalogue {
    /// Loads every plugin, side by side; the runtime lets two compile at once. `first_party` is what comes with the host.
    pub async fn load(runtime: &Runtime, plugins: Vec<PluginConfig>, first_party: &[(&str, &[u8])]) -> Self {
        let entries = plugins.into_iter().map(|config| async {
            let entry = entry(runtime, config, first_party).await;
            if let Some(broken) = entry.broken() {
                let (plugin, kind) = (&entry.config.name, broken.kind);
                tracing::warn!(%plugin, %kind, "a plugin did not load: {}", broken.message);
            }
            (entry.config.name.clone(), entry)
        });
        let entries = futures::future::join_all(entries).await.into_iter().collect();
        runtime.all_loaded();
        Self { entries }
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

    /// The OPA servers that are asked, each with the plugin's name.
    pub fn servers(&self) -> impl Iterator<Item = (&PluginName, &OpaServer)> {
        self.iter().filter_map(|entry| match &entry.state {
            State::Server(server) => Some((&entry.config.name, server)),
            _ => None,
        })
    }

    /// Those that loaded and normalize.
    pub fn normalizers(&self) -> impl Iterator<Item = &Plugin> {
        self.iter().filter_map(Entry::loaded).filter(|plugin| plugin.kind() == PluginKind::Normalizer)
    }

    /// Whether every plugin loaded.
    pub fn is_whole(&self) -> bool {
        self.iter().all(|entry| entry.engine().is_some())
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
        digest: entry.digest().map(|digest| digest.to_string()),
        origin: entry.told_origin(),
        problem,
    }
}

fn settings_text(settings: &serde_json::Value) -> String {
    match settings {
        serde_json::Value::Null => "{}".to_owned(),
        settings => settings.to_string(),
    }
}

/// A plugin's file, ready to be loaded.
#[derive(Debug)]
pub enum Opened<'a> {
    Component(Component<'a>),
    Server(OpaServer),
}

/// A component, and what is known of the policy in it.
#[derive(Debug)]
pub struct Component<'a> {
    pub wasm: Cow<'a, [u8]>,
    /// What it says of the OPA module that it was made of.
    pub label: Option<Label>,
    sources: Option<Sources>,
}

/// Reads what the configuration names; an OPA policy becomes a component. Where it comes from is told also of what
/// cannot be loaded.
pub async fn open<'a>(
    runtime: &Runtime,
    config: &PluginConfig,
    first_party: &[(&str, &'a [u8])],
) -> (Option<Origin>, Result<Opened<'a>, Broken>) {
    match source::find(config, first_party) {
        Ok(Found { code, origin }) => (origin, opened(runtime, config, code, first_party).await),
        Err(broken) => (None, Err(broken)),
    }
}

async fn opened<'a>(
    runtime: &Runtime,
    config: &PluginConfig,
    code: Code<'a>,
    first_party: &[(&str, &'a [u8])],
) -> Result<Opened<'a>, Broken> {
    let (wasm, sources) = match code {
        Code::Server(server) => return Ok(Opened::Server(server)),
        Code::Component(wasm) => (wasm, None),
        Code::Module { wasm, data } => (Cow::Owned(opa::component(runtime, &config.name, wasm, data).await?), None),
        Code::Sources { modules, data, rego_version } => {
            let sources = Sources::new(&modules, &data, rego_version);
            refuse_in_settings(config, &sources)?;
            let rego = source::built_in(&config.name, opa::REGO, first_party)?;
            (Cow::Borrowed(rego), Some(sources))
        }
    };
    Ok(Opened::Component(Component { label: Label::of(&wasm), wasm, sources }))
}

/// Loads one plugin. What is known of it stays, also where it does not load.
async fn entry(runtime: &Runtime, config: PluginConfig, first_party: &[(&str, &[u8])]) -> Entry {
    let (origin, opened) = open(runtime, &config, first_party).await;
    let mut entry = Entry {
        settings: settings_text(&config.settings),
        config,
        state: State::Failed(Broken::new(BrokenKind::Other, "not loaded")),
        origin,
        label: None,
        sources: None,
    };
    let loaded = match opened {
        Ok(Opened::Server(server)) => Ok(State::Server(server)),
        Ok(Opened::Component(component)) => {
            (entry.label, entry.sources) = (component.label, component.sources);
            load(runtime, &entry, &component.wasm).await.map(State::Loaded)
        }
        Err(broken) => Err(broken),
    };
    entry.state = loaded.unwrap_or_else(State::Failed);
    entry
}

async fn load(runtime: &Runtime, entry: &Entry, wasm: &[u8]) -> Result<Plugin, Broken> {
    let options = PluginOptions { limits: entry.config.limits.clone(), grants: entry.config.grants.clone() };
    let plugin = runtime.load(&entry.config.name, wasm, &options).await?;
    let problems = runtime.validate_settings(&plugin, &entry.whole_settings(&entry.settings)).await?;
    match problems.first() {
        None => Ok(plugin),
        Some(problem) => {
            let key = format!("plugins.{}.settings{}", entry.config.name, problem.pointer.replace('/', "."));
            let more = if problems.len() > 1 { format!(" (and {} more)", problems.len() - 1) } else { String::new() };
            let message = format!("`{key}`: {}{more}", problem.message);
            Err(Broken::new(BrokenKind::Settings, message).hint(format!("change `{key}` in the configuration")))
        }
    }
}

fn refuse_in_settings(config: &PluginConfig, sources: &Sources) -> Result<(), Broken> {
    let both = sources.keys.iter().find(|key| config.settings.get(**key).is_some());
    both.map_or(Ok(()), |key| {
        let setting = format!("plugins.{}.settings.{key}", config.name);
        Err(Broken::new(BrokenKind::Settings, format!("`{setting}` and `file` both give `{key}`"))
            .hint(format!("remove `{setting}`")))
    })
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
            opa: OpaOptions::default(),
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
    async fn an_opa_server_is_not_given_what_only_this_host_looks_at() {
        let runtime = Runtime::new(RuntimeOptions { concurrency: 1, ..RuntimeOptions::default() }).unwrap();
        let server = || config("ours", PluginSource::OpaServer("http://127.0.0.1:1".to_owned()));
        let limits = LimitOverrides { findings: Some(1), ..LimitOverrides::default() };
        let cases = [
            (None, server()),
            (Some("plugins.ours.limits"), PluginConfig { limits, ..server() }),
            (Some("plugins.ours.grants"), PluginConfig { grants: BTreeSet::from(["http".to_owned()]), ..server() }),
            (Some("plugins.ours.bind"), PluginConfig { bind: vec!["*.json".to_owned()], ..server() }),
        ];
        for (key, config) in cases {
            let problem = Catalogue::load(&runtime, vec![config], &[]).await.status()[0].problem.clone();
            let expected = key.map(|key| {
                format!("`{key}` is for what runs in this host, and an OPA server does not; change `{key}`")
            });
            assert_eq!(problem, expected);
        }
    }

    #[tokio::test]
    async fn a_file_that_is_not_a_component_says_what_it_is() {
        assert_eq!(problem(PluginSource::BuiltIn("trivy".to_owned())).await, "`scan` is not WebAssembly");
    }
}

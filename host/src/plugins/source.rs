//! From what the configuration names to what can be loaded: a component, an OPA module with its data, Rego sources, or
//! the address of an OPA server. Reads files; compiles and runs nothing.

use super::{KeyFile, OpaOptions, PluginConfig, PluginSource};
use crate::model::{Broken, BrokenKind, PluginName};
use crate::rego;
use crate::rego::bundle::signature::{Key, Signature, Verification};
use crate::rego::bundle::{self, Bundle, Program};
use crate::rego::remote::OpaServer;
use crate::runtime::{LimitOverrides, limits};
use anyhow::Context as _;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a configured plugin is made of.
#[derive(Debug)]
pub enum Code<'a> {
    Component(Cow<'a, [u8]>),
    Module { wasm: Vec<u8>, data: String },
    Sources { modules: BTreeMap<String, String>, data: String, rego_version: Option<u64> },
    Server(OpaServer),
}

/// Where a policy comes from, for people.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Origin {
    /// `OPA module`, `OPA bundle`, `Rego sources`, `OPA server`.
    pub what: &'static str,
    /// Files of Rego, or the module's path in its bundle, or the server's address.
    pub parts: Vec<String>,
    pub data_bytes: usize,
    /// The file that the data came from, where it is one of its own.
    pub data_file: Option<PathBuf>,
    pub revision: Option<String>,
    /// Of a bundle.
    pub signature: Option<String>,
}

/// What a configured plugin turned out to be.
#[derive(Debug)]
pub struct Found<'a> {
    pub code: Code<'a>,
    pub origin: Option<Origin>,
}

impl<'a> Found<'a> {
    fn component(wasm: impl Into<Cow<'a, [u8]>>) -> Self {
        Self { code: Code::Component(wasm.into()), origin: None }
    }
}

/// Reads what the configuration names.
pub fn find<'a>(config: &PluginConfig, first_party: &[(&str, &'a [u8])]) -> Result<Found<'a>, Broken> {
    let found = match &config.source {
        PluginSource::File(path) => file(config, path)?,
        PluginSource::BuiltIn(name) => Found::component(built_in(&config.name, name, first_party)?),
        PluginSource::OpaServer(url) => server(&config.name, url)?,
    };
    refuse_what_has_no_effect(config, &found)?;
    Ok(found)
}

/// One that comes with the host.
pub fn built_in<'a>(plugin: &PluginName, name: &str, first_party: &[(&str, &'a [u8])]) -> Result<&'a [u8], Broken> {
    match first_party.iter().find(|(known, _)| *known == name) {
        Some((_, wasm)) => Ok(wasm),
        None => {
            let known: Vec<_> = first_party.iter().map(|(name, _)| *name).collect();
            let message = format!("`plugins.{plugin}` names the built-in plugin `{name}`, which does not exist");
            Err(Broken::new(BrokenKind::Settings, message)
                .hint(format!("built-in plugins are {}; any other needs a `file`", known.join(", "))))
        }
    }
}

fn file(config: &PluginConfig, path: &Path) -> Result<Found<'static>, Broken> {
    let told = |error: anyhow::Error| {
        let message = format!("reading plugin `{}` from {}: {error:#}", config.name, path.display());
        Broken::new(BrokenKind::Settings, message).hint(format!("correct `plugins.{}.file`", config.name))
    };
    let options = &config.opa;
    if path.is_dir() {
        return directory(path, options).map_err(told);
    }
    let bytes = bundle::read_file(path, limits::PLUGIN_SIZE.max(bundle::MOST_BYTES)).map_err(told)?;
    if bytes.starts_with(GZIP) {
        let verification = verification(options).map_err(told)?;
        let bundle = bundle::read(&bytes, verification.as_ref()).map_err(told)?;
        if bundle.signature == Signature::NotChecked {
            tracing::warn!(plugin = %config.name, "a signed bundle is loaded without a check: no verification_key is configured");
        }
        return Ok(of_bundle(bundle, "OPA bundle", None));
    }
    if rego::is_opa_module(&bytes) {
        let (bundle, data) = bundle::of_module(path, bytes, options.data.as_deref()).map_err(told)?;
        return Ok(of_bundle(bundle, "OPA module", data));
    }
    Ok(Found::component(bytes))
}

/// What every gzip stream begins with.
const GZIP: &[u8] = &[0x1f, 0x8b];

fn directory(path: &Path, options: &OpaOptions) -> anyhow::Result<Found<'static>> {
    let mut bundle = bundle::read_directory(path)?;
    if let Some(file) = &options.data {
        let mut data = bundle::document::Document::parse_json(bundle.data.as_bytes())?;
        let left = bundle::MOST_DATA_BYTES.saturating_sub(bundle.data.len() as u64);
        data.merge(bundle::data_file(file, left)?, "")?;
        bundle.data = data.canonical();
    }
    Ok(of_bundle(bundle, "Rego sources", options.data.clone()))
}

fn of_bundle(bundle: Bundle, what: &'static str, data_file: Option<PathBuf>) -> Found<'static> {
    let (data_bytes, data) = (bundle.data.len(), bundle.data);
    let (parts, code) = match bundle.program {
        Program::Module { path, wasm } => (vec![path], Code::Module { wasm, data }),
        Program::Rego(modules) => {
            let rego_version = bundle.rego_version;
            (modules.keys().cloned().collect(), Code::Sources { modules, data, rego_version })
        }
    };
    let signature = (what == "OPA bundle").then(|| bundle.signature.to_string());
    let origin = Origin { what, parts, data_bytes, data_file, revision: bundle.revision, signature };
    Found { code, origin: Some(origin) }
}

fn verification(options: &OpaOptions) -> anyhow::Result<Option<Verification>> {
    let (algorithm, scope) = (options.verification_algorithm.as_deref(), options.verification_scope.as_deref());
    if let Some(path) = &options.verification_key {
        let key = key(path, algorithm, scope);
        return key.map(|key| Some(Verification::One(key))).with_context(|| "verification_key");
    }
    let mut keys = BTreeMap::new();
    for (id, KeyFile { file, algorithm, scope }) in &options.verification_keys {
        let key = key(file, algorithm.as_deref(), scope.as_deref());
        keys.insert(id.clone(), key.with_context(|| format!("verification_keys.{id}"))?);
    }
    Ok((!keys.is_empty()).then_some(Verification::ById(keys)))
}

fn key(path: &Path, algorithm: Option<&str>, scope: Option<&str>) -> anyhow::Result<Key> {
    let bytes = bundle::read_file(path, MOST_KEY_BYTES)?;
    Key::new(&bytes, algorithm, scope).with_context(|| path.display().to_string())
}

/// A chain of certificates has some thousand bytes.
const MOST_KEY_BYTES: u64 = 64 << 10;

fn server(name: &PluginName, url: &str) -> Result<Found<'static>, Broken> {
    let server = OpaServer::new(url).map_err(|error| {
        Broken::new(BrokenKind::Settings, format!("`plugins.{name}.opa_server`: {error:#}"))
            .hint(format!("correct `plugins.{name}.opa_server`"))
    })?;
    let origin = Origin {
        what: "OPA server",
        parts: vec![server.url().to_owned()],
        data_bytes: 0,
        data_file: None,
        revision: None,
        signature: None,
    };
    Ok(Found { code: Code::Server(server), origin: Some(origin) })
}

/// A key that changes nothing is a mistake: somebody who configures a key believes that it is checked.
fn refuse_what_has_no_effect(config: &PluginConfig, found: &Found<'_>) -> Result<(), Broken> {
    let what = found.origin.as_ref().map_or("plugin", |origin| origin.what);
    let options = &config.opa;
    let signature_only = options.verification_algorithm.is_some() || options.verification_scope.is_some();
    let has_keys = !options.verification_keys.is_empty();
    let problem = if has_keys && (options.verification_key.is_some() || signature_only) {
        Some(("verification_keys", "stands beside the keys for a single one; each of its keys says its own".to_owned()))
    } else if has_keys && what != "OPA bundle" {
        Some(("verification_keys", format!("is for OPA bundles, and this is an {what}")))
    } else if options.verification_key.is_some() && what != "OPA bundle" {
        Some(("verification_key", format!("is for OPA bundles, and this is an {what}")))
    } else if signature_only && options.verification_key.is_none() {
        Some(("verification_key", "is missing; an algorithm or a scope alone checks nothing".to_owned()))
    } else if options.data.is_some() && !matches!(what, "OPA module" | "Rego sources") {
        Some(("data", format!("is for OPA modules and Rego sources, and this is an {what}")))
    } else if matches!(found.code, Code::Server(_)) {
        for_this_host_only(config)
            .map(|key| (key, "is for what runs in this host, and an OPA server does not".to_owned()))
    } else {
        None
    };
    match problem {
        None => Ok(()),
        Some((key, said)) => {
            let key = format!("plugins.{}.{key}", config.name);
            Err(Broken::new(BrokenKind::Settings, format!("`{key}` {said}")).hint(format!("change `{key}`")))
        }
    }
}

/// The first key that is set and that nobody outside of this host looks at.
fn for_this_host_only(config: &PluginConfig) -> Option<&'static str> {
    let set = [
        ("limits", config.limits != LimitOverrides::default()),
        ("grants", !config.grants.is_empty()),
        ("bind", !config.bind.is_empty()),
    ];
    set.into_iter().find_map(|(key, is_set)| is_set.then_some(key))
}

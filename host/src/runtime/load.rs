//! From a file's bytes to a plugin that can be called: refused early with a reason, compiled or taken from the cache,
//! linked once, asked what it is. Judges nothing with it.

use super::call::{Entry, Template, enter_at_load};
use super::contract::{guest, types};
use super::imports::{self, Inspection};
use super::limits::{self, Limits};
use super::state::State;
use super::{FormatInfo, Plugin, PluginInfo, PluginKind, PluginOptions, Runtime, SettingProblem};
use crate::model::{Broken, BrokenKind, Digest, PluginName};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::sync::Arc;
use wasmtime::component::{Component, Instance};
use wasmtime::{Engine, Store};

/// The exports of one kind of plugin, looked up once.
pub enum Exports {
    Normalizer(guest::normalize::GuestIndices),
    Evaluator(guest::evaluate::GuestIndices),
}

impl Runtime {
    /// Makes a plugin of these bytes, or says why not. The name is the operator's.
    pub async fn load(&self, name: &PluginName, wasm: &[u8], options: &PluginOptions) -> Result<Plugin, Broken> {
        let inspection = self.accept(name.as_str(), wasm, &options.grants)?;
        let limits = self.0.limits.with(&options.limits).map_err(|error| {
            Broken::new(BrokenKind::Settings, format!("`plugins.{name}.limits`: {error}"))
                .hint(format!("lower it in `plugins.{name}.limits`"))
        })?;
        let component = self.component(name, wasm, &inspection.digest).await?;
        let pre = self.0.linker.instantiate_pre(&component).map_err(|error| unlinkable(name, &inspection, &error))?;
        let kind = inspection.kind.expect("an inspection without a kind was refused above");
        let plugin_exports = guest::plugin::GuestIndices::new(&pre);
        let exports = match kind {
            PluginKind::Normalizer => guest::normalize::GuestIndices::new(&pre).map(Exports::Normalizer),
            PluginKind::Evaluator => guest::evaluate::GuestIndices::new(&pre).map(Exports::Evaluator),
        };
        let exports = exports.map_err(|error| unlinkable(name, &inspection, &error))?;
        let common = Arc::new(plugin_exports.map_err(|error| unlinkable(name, &inspection, &error))?);
        let template =
            Template { name: name.clone(), pre, limits: Arc::new(limits), seed: seed(&inspection.digest).into() };
        let info = enter_at_load(&self.0.site, &template, Describe(Arc::clone(&common))).await?;
        Ok(Plugin::new(super::Loaded {
            template,
            digest: inspection.digest,
            kind,
            info,
            imports: inspection.imports,
            common,
            exports,
        }))
    }

    /// What a file is, also when it cannot be loaded.
    pub fn inspect(&self, wasm: &[u8]) -> Result<Inspection, Broken> {
        readable("this file", wasm)?;
        imports::inspect(wasm, &BTreeSet::new()).map_err(|error| Broken::new(BrokenKind::Abi, error))
    }

    pub async fn validate_settings(&self, plugin: &Plugin, settings: &str) -> Result<Vec<SettingProblem>, Broken> {
        let asked = Validate { exports: Arc::clone(&plugin.loaded().common), settings: settings.to_owned() };
        enter_at_load(&self.0.site, plugin.template(), asked).await
    }

    /// A component made of an OPA module, kept from an earlier start. `source` is the digest of all that it was made from.
    pub fn wrapped(&self, source: &Digest) -> Option<Vec<u8>> {
        self.0.cache.find_wrapped(source)
    }

    /// Keeps such a component for the next start.
    pub fn keep_wrapped(&self, source: &Digest, component: &[u8]) {
        self.0.cache.keep_wrapped(source, component);
    }

    fn accept(&self, name: &str, wasm: &[u8], grants: &BTreeSet<String>) -> Result<Inspection, Broken> {
        if let Some(grant) = imports::unknown_grants(grants).first() {
            let message = format!("`plugins.{name}.grants` names the unknown capability {grant:?}");
            return Err(Broken::new(BrokenKind::Settings, message)
                .hint(format!("capabilities are {}", imports::CAPABILITIES.join(", "))));
        }
        readable(&format!("`{name}`"), wasm)?;
        let inspection = imports::inspect(wasm, grants)
            .map_err(|error| Broken::new(BrokenKind::Abi, format!("`{name}` cannot be read: {error}")))?;
        match inspection.refusal(name) {
            Some(refusal) => Err(refusal),
            None => Ok(inspection),
        }
    }

    async fn component(&self, name: &PluginName, wasm: &[u8], digest: &Digest) -> Result<Component, Broken> {
        let engine = self.0.site.engine.clone();
        if let Some(component) = self.0.cache.find(&engine, digest) {
            return Ok(component);
        }
        let permit = Arc::clone(&self.0.compiles).acquire_owned().await;
        let (bytes, cache, digest) = (wasm.to_vec(), Arc::clone(&self.0.cache), *digest);
        let compiled = tokio::task::spawn_blocking(move || {
            // The permit stays with the work: a compilation that is given up still takes its core.
            let _permit = permit;
            let component = Component::from_binary(&engine, &bytes)?;
            cache.keep(&digest, &component);
            Ok::<_, wasmtime::Error>(component)
        });
        match tokio::time::timeout(limits::COMPILE_TIME, compiled).await {
            Ok(Ok(Ok(component))) => Ok(component),
            Ok(Ok(Err(error))) => {
                Err(Broken::new(BrokenKind::Abi, format!("`{name}` does not compile: {}", error.root_cause())))
            }
            Ok(Err(error)) => Err(Broken::new(BrokenKind::Abi, format!("`{name}` makes the compiler fail: {error}"))),
            Err(_) => {
                let took = limits::show_duration(limits::COMPILE_TIME);
                Err(Broken::new(BrokenKind::Abi, format!("`{name}` took longer than {took} to compile"))
                    .limit("compile"))
            }
        }
    }
}

/// Bytes that may be read as a component at all.
fn readable(what: &str, wasm: &[u8]) -> Result<(), Broken> {
    let refuse = |message: String| Err(Broken::new(BrokenKind::Abi, message));
    if wasm.len() as u64 > limits::PLUGIN_SIZE {
        let (is, most) = (limits::show_size(wasm.len() as u64), limits::show_size(limits::PLUGIN_SIZE));
        return refuse(format!("{what} has {is}, a plugin has at most {most}"))
            .map_err(|broken| broken.limit("plugin_size"));
    }
    if Engine::detect_precompiled(wasm).is_some() {
        return refuse(format!("{what} is native code; only WebAssembly components are loaded"));
    }
    if wasmparser::Parser::is_core_wasm(wasm) {
        return refuse(format!("{what} is a core module, not a component"))
            .map_err(|broken| broken.hint("build it for wasm32-wasip2, or wrap it with `wasm-tools component new`"));
    }
    if !wasmparser::Parser::is_component(wasm) {
        return refuse(format!("{what} is not WebAssembly"));
    }
    Ok(())
}

fn unlinkable(name: &PluginName, inspection: &Inspection, error: &wasmtime::Error) -> Broken {
    match inspection.contract.as_deref().filter(|version| imports::is_newer(version)) {
        Some(version) => {
            let (major, minor, patch) = imports::CONTRACT_VERSION;
            let message =
                format!("`{name}` needs {} {version}, this host offers {major}.{minor}.{patch}", imports::CONTRACT);
            Broken::new(BrokenKind::Abi, message).hint("update the host, or build the plugin with an older SDK")
        }
        None => Broken::new(BrokenKind::Abi, format!("`{name}` does not fit the contract: {error:#}"))
            .hint("build it with the SDK of this host's version"),
    }
}

/// Where a guest's random numbers come from: the same for the same code, so that a replay gives the same. 256 bytes,
/// repeated; nothing secret is ever drawn from them.
fn seed(digest: &Digest) -> Vec<u8> {
    let block = |number: u8| Sha256::new().chain_update(digest.as_bytes()).chain_update([number]).finalize();
    (0..8).flat_map(block).collect()
}

struct Describe(Arc<guest::plugin::GuestIndices>);

impl Entry for Describe {
    type Answer = PluginInfo;

    async fn enter(&self, store: &mut Store<State>, instance: &Instance) -> wasmtime::Result<PluginInfo> {
        let info = self.0.load(&mut *store, instance)?.call_describe(&mut *store).await?;
        Ok(described(info, &store.data().limits))
    }
}

fn described(info: types::PluginInfo, limits: &Limits) -> PluginInfo {
    let short = |mut text: String| {
        super::builder::shorten(&mut text, limits.texts.description);
        text
    };
    let format = |format: types::FormatInfo| FormatInfo {
        name: short(format.name),
        covers: format.covers.into_iter().map(Into::into).collect(),
    };
    PluginInfo {
        name: short(info.name),
        version: short(info.version),
        description: short(info.description),
        homepage: info.homepage.map(short),
        // Half a schema is none; its size is bounded by what may cross at once.
        settings_schema: info.settings_schema,
        formats: info.formats.into_iter().take(limits.texts.others).map(format).collect(),
        reads: info.reads.into_iter().map(Into::into).collect(),
        properties: info
            .properties
            .into_iter()
            .take(limits.texts.properties)
            .map(|(a, b)| (short(a), short(b)))
            .collect(),
    }
}

struct Validate {
    exports: Arc<guest::plugin::GuestIndices>,
    settings: String,
}

impl Entry for Validate {
    type Answer = Vec<SettingProblem>;

    async fn enter(&self, store: &mut Store<State>, instance: &Instance) -> wasmtime::Result<Vec<SettingProblem>> {
        let guest = self.exports.load(&mut *store, instance)?;
        let problems = guest.call_validate_settings(&mut *store, &self.settings).await?.err().unwrap_or_default();
        let limits = &store.data().limits;
        let problem = |mut problem: guest::plugin::SettingProblem| {
            super::builder::shorten(&mut problem.pointer, limits.texts.path);
            super::builder::shorten(&mut problem.message, limits.texts.message);
            SettingProblem { pointer: problem.pointer, message: problem.message }
        };
        Ok(problems.into_iter().take(limits.texts.others).map(problem).collect())
    }
}

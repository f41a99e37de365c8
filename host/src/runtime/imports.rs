//! What a component exports and imports, read without compiling it: its imports are its manifest. Says what is served,
//! what is served closed, what was granted and what is refused, with the line that would grant it. Links nothing.

use super::PluginKind;
use crate::model::{Broken, BrokenKind, Digest};
use std::collections::BTreeSet;
use wasmparser::{Parser, Payload};

/// The contract's package and the version that this host offers.
pub const CONTRACT: &str = "palisade:plugin";
pub const CONTRACT_VERSION: (u64, u64, u64) = (0, 1, 0);

/// Capabilities that an operator may name in `plugins.<name>.grants`.
pub const CAPABILITIES: [&str; 3] = ["http", "kv", "phase-data"];

/// Interfaces of WASI that every Rust std component imports, served without variables, arguments, input or real time.
const BASELINE: [&str; 4] = ["wasi:cli", "wasi:io", "wasi:clocks", "wasi:random"];
/// Linked so that every call is denied: Python guests import them unasked.
const CLOSED: [&str; 2] = ["wasi:filesystem", "wasi:sockets"];

/// How one import is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportClass {
    Baseline,
    Closed,
    Palisade,
    /// A capability, by its name in `grants`.
    Granted(&'static str),
    NotGranted(&'static str),
    /// A version of the contract that this host does not offer.
    OtherContract,
    Unknown,
}

impl ImportClass {
    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            ImportClass::Baseline => "baseline",
            ImportClass::Closed => "closed",
            ImportClass::Palisade => "palisade",
            ImportClass::Granted(_) => "granted",
            ImportClass::NotGranted(_) => "not granted",
            ImportClass::OtherContract => "other contract version",
            ImportClass::Unknown => "unknown",
        }
    }
}

/// Names of imported interfaces with how each is served, in the component's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imports(pub Vec<(String, ImportClass)>);

/// What can be said of a file without running or compiling it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    pub digest: Digest,
    pub size_bytes: u64,
    /// Absent where it exports neither or both of the contract's two.
    pub kind: Option<PluginKind>,
    pub exports: Vec<String>,
    pub imports: Imports,
    /// The contract's version that it was built for, as far as it names one.
    pub contract: Option<String>,
    /// Core modules, memories and so on that it brings along.
    pub core_modules: u32,
}

/// Reads the outermost level of a component.
pub fn inspect(wasm: &[u8], grants: &BTreeSet<String>) -> Result<Inspection, String> {
    let (mut exports, mut names, mut core_modules, mut depth) = (Vec::new(), Vec::new(), 0, 0_u32);
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.map_err(|error| format!("not a WebAssembly component: {error}"))? {
            Payload::ModuleSection { .. } => {
                core_modules += 1;
                depth += 1;
            }
            Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                let found = section.into_iter().filter_map(Result::ok).map(|import| import.name.name.to_owned());
                names.extend(found);
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                let found = section.into_iter().filter_map(Result::ok).map(|export| export.name.name.to_owned());
                exports.extend(found);
            }
            _ => {}
        }
    }
    let of_contract = exports.iter().chain(&names).find_map(|name| version_of(name, CONTRACT));
    Ok(Inspection {
        digest: Digest::of(wasm),
        size_bytes: wasm.len() as u64,
        kind: kind(&exports),
        contract: of_contract.map(str::to_owned),
        imports: Imports(names.into_iter().map(|name| (name.clone(), class(&name, grants))).collect()),
        exports,
        core_modules,
    })
}

impl Inspection {
    /// Why this component cannot be loaded by its exports and imports alone.
    pub fn refusal(&self, plugin: &str) -> Option<Broken> {
        if let Some(version) = self.contract.as_deref().filter(|version| !offered(version)) {
            return Some(other_contract(plugin, version));
        }
        if let Some(refusal) = self.imports.refusal(plugin) {
            return Some(refusal);
        }
        if self.kind.is_none() {
            let found = if self.exports.is_empty() { "nothing".to_owned() } else { self.exports.join(", ") };
            let message = format!(
                "`{plugin}` is not a plugin: it has to export one of {CONTRACT}/normalize and {CONTRACT}/evaluate, \
                 and exports {found}"
            );
            return Some(Broken::new(BrokenKind::Abi, message).hint("build it with the SDK's `export!` macro"));
        }
        None
    }
}

impl Imports {
    fn of<'a>(&'a self, wanted: impl Fn(ImportClass) -> bool + 'a) -> impl Iterator<Item = (&'a str, ImportClass)> {
        self.0.iter().filter(move |(_, class)| wanted(*class)).map(|(name, class)| (name.as_str(), *class))
    }

    fn refusal(&self, plugin: &str) -> Option<Broken> {
        let missing: Vec<_> = self.of(|class| matches!(class, ImportClass::NotGranted(_))).collect();
        let unknown: Vec<_> = self.of(|class| class == ImportClass::Unknown).map(|(name, _)| name).collect();
        let unserved: Vec<_> =
            self.of(|class| matches!(class, ImportClass::Granted(_))).map(|(name, _)| name).collect();
        let mut reasons = Vec::new();
        if !missing.is_empty() {
            let names: Vec<_> = missing.iter().map(|(name, _)| *name).collect();
            reasons.push(format!("required and not granted: {}", names.join(", ")));
        }
        if !unknown.is_empty() {
            reasons.push(format!("required and unknown: {}", unknown.join(", ")));
        }
        if !unserved.is_empty() {
            reasons.push(format!("granted, but not offered by this host yet: {}", unserved.join(", ")));
        }
        if reasons.is_empty() {
            return None;
        }
        let broken = Broken::new(BrokenKind::Denied, format!("`{plugin}` is refused; {}", reasons.join("; ")));
        let grants: BTreeSet<_> = missing
            .iter()
            .filter_map(|(_, class)| match class {
                ImportClass::NotGranted(capability) => Some(format!("{capability:?}")),
                _ => None,
            })
            .collect();
        Some(match grants.is_empty() {
            true => broken.hint("build the plugin without these imports, or update the host"),
            false => {
                let list = grants.into_iter().collect::<Vec<_>>().join(", ");
                broken.hint(format!("to grant it, write `plugins.{plugin}.grants = [{list}]`"))
            }
        })
    }
}

/// Grants that name no capability: an error, never silently ignored.
pub fn unknown_grants(grants: &BTreeSet<String>) -> Vec<&str> {
    grants.iter().map(String::as_str).filter(|grant| !CAPABILITIES.contains(grant)).collect()
}

pub fn other_contract(plugin: &str, version: &str) -> Broken {
    let track = version.split('.').take(2).collect::<Vec<_>>().join(".");
    let (major, minor, _) = CONTRACT_VERSION;
    let message = format!("`{plugin}` needs {CONTRACT} {track}, this host offers {major}.{minor}");
    Broken::new(BrokenKind::Abi, message)
        .hint(format!("update the host, or build the plugin with the SDK for {major}.{minor}"))
}

fn kind(exports: &[String]) -> Option<PluginKind> {
    let has = |interface: &str| exports.iter().any(|name| package_and_interface(name).1 == interface && ours(name));
    match (has("normalize"), has("evaluate")) {
        (true, false) => Some(PluginKind::Normalizer),
        (false, true) => Some(PluginKind::Evaluator),
        _ => None,
    }
}

fn class(name: &str, grants: &BTreeSet<String>) -> ImportClass {
    let (package, interface) = package_and_interface(name);
    if let Some(capability) = capability(package, interface) {
        return match grants.contains(capability) {
            true => ImportClass::Granted(capability),
            false => ImportClass::NotGranted(capability),
        };
    }
    match package {
        CONTRACT if version_of(name, CONTRACT).is_some_and(offered) => known_interface(interface),
        CONTRACT => ImportClass::OtherContract,
        _ if !name.split_once('@').is_none_or(|(_, version)| version.starts_with("0.2.")) => ImportClass::Unknown,
        _ if BASELINE.contains(&package) => ImportClass::Baseline,
        _ if CLOSED.contains(&package) => ImportClass::Closed,
        _ => ImportClass::Unknown,
    }
}

fn known_interface(interface: &str) -> ImportClass {
    match interface {
        "types" | "artifacts" | "documents" | "reports" | "evidence" | "verdicts" | "logging" => ImportClass::Palisade,
        _ => ImportClass::Unknown,
    }
}

/// The capability behind an interface: ours, and the WASI interfaces that people know it by.
fn capability(package: &str, interface: &str) -> Option<&'static str> {
    match (package, interface) {
        ("wasi:http", _) => Some("http"),
        ("wasi:keyvalue", _) => Some("kv"),
        (CONTRACT, interface) => CAPABILITIES.into_iter().find(|capability| *capability == interface),
        _ => None,
    }
}

/// `wasi:io/poll@0.2.6` is `wasi:io` and `poll`.
fn package_and_interface(name: &str) -> (&str, &str) {
    let plain = name.split_once('@').map_or(name, |(plain, _)| plain);
    plain.split_once('/').unwrap_or((plain, ""))
}

fn ours(name: &str) -> bool {
    package_and_interface(name).0 == CONTRACT
}

fn version_of<'a>(name: &'a str, package: &str) -> Option<&'a str> {
    (package_and_interface(name).0 == package).then(|| name.split_once('@'))?.map(|(_, version)| version)
}

/// Below 1.0 the minor number is the major one; a pre-release matches nothing but itself.
fn offered(version: &str) -> bool {
    let mut numbers = version.splitn(3, '.').map(str::parse::<u64>);
    let (major, minor, _) = CONTRACT_VERSION;
    matches!((numbers.next(), numbers.next(), numbers.next()), (Some(Ok(a)), Some(Ok(b)), Some(Ok(_))) if (a, b) == (major, minor))
}

/// Whether a plugin was built for a later version of the same track than this host's.
pub fn is_newer(version: &str) -> bool {
    offered(version) && version.rsplit('.').next().and_then(|patch| patch.parse().ok()) > Some(CONTRACT_VERSION.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imports(names: &[&str], grants: &[&str]) -> Imports {
        let grants = grants.iter().map(|grant| (*grant).to_owned()).collect();
        Imports(names.iter().map(|name| ((*name).to_owned(), class(name, &grants))).collect())
    }

    #[test]
    fn an_import_is_baseline_closed_palisade_granted_refused_or_unknown() {
        let names = [
            "wasi:cli/environment@0.2.6",
            "wasi:filesystem/types@0.2.6",
            "palisade:plugin/reports@0.1.4",
            "wasi:http/outgoing-handler@0.2.0",
            "acme:disk/raw@1.0.0",
            "wasi:io/poll@0.3.0",
        ];
        let classes: Vec<_> = imports(&names, &[]).0.into_iter().map(|(_, class)| class.word()).collect();
        assert_eq!(classes, ["baseline", "closed", "palisade", "not granted", "unknown", "unknown"]);
        assert_eq!(imports(&names[3..4], &["http"]).0[0].1, ImportClass::Granted("http"));
    }

    #[test]
    fn a_refusal_lists_what_is_missing_and_the_line_that_grants_it() {
        let refused = imports(&["wasi:http/types@0.2.0", "acme:disk/raw@1.0.0"], &[]).refusal("scan").unwrap();
        assert_eq!(
            refused.message,
            "`scan` is refused; required and not granted: wasi:http/types@0.2.0; required and unknown: acme:disk/raw@1.0.0"
        );
        assert_eq!(refused.hint.unwrap(), "to grant it, write `plugins.scan.grants = [\"http\"]`");
    }

    #[test]
    fn another_version_of_the_contract_is_named_in_one_sentence() {
        assert!(offered("0.1.0") && offered("0.1.7") && is_newer("0.1.7") && !is_newer("0.1.0"));
        assert!(!offered("0.3.0") && !offered("1.0.0") && !offered("0.1.0-rc.1") && !offered("nonsense"));
        let message = other_contract("old", "0.3.0").message;
        assert_eq!(message, "`old` needs palisade:plugin 0.3, this host offers 0.1");
    }

    #[test]
    fn a_grant_that_names_no_capability_is_found() {
        let grants = BTreeSet::from(["http".to_owned(), "htpp".to_owned()]);
        assert_eq!(unknown_grants(&grants), ["htpp"]);
    }
}

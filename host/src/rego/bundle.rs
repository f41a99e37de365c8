//! OPA policies as people have them: a bundle, a directory laid out like one, a bare module with data beside it. Read
//! under caps into one noun, the [`Bundle`], with its signature checked where a key is there. Runs nothing.

pub mod archive;
pub mod document;
pub mod signature;

use super::caps;
use anyhow::{Context, Result, anyhow, bail, ensure};
use archive::Files;
use document::Document;
use serde::Deserialize;
use signature::{Signature, Verification};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How many bytes of a bundle's archive may be read.
pub const MOST_BYTES: u64 = caps::ARCHIVE_BYTES;

/// How many bytes all data of a policy may have.
pub const MOST_DATA_BYTES: u64 = caps::DATA_BYTES;

/// A policy with its data.
#[derive(Clone, Debug)]
pub struct Bundle {
    pub program: Program,
    /// One JSON object, compact.
    pub data: String,
    pub revision: Option<String>,
    /// Entrypoints that the manifest names; a module knows more.
    pub entrypoints: Vec<String>,
    /// 0 or 1, where the manifest says it.
    pub rego_version: Option<u64>,
    pub signature: Signature,
}

/// What is to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// A module that `opa build -t wasm` made.
    Module { path: String, wasm: Vec<u8> },
    /// Rego sources by path; tests are left out.
    Rego(BTreeMap<String, String>),
}

/// The bundle's own description.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Manifest {
    revision: Option<String>,
    roots: Option<Vec<String>>,
    wasm: Vec<Resolver>,
    rego_version: Option<u64>,
}

/// Which module answers for an entrypoint.
#[derive(Debug, Deserialize)]
struct Resolver {
    #[serde(default)]
    entrypoint: String,
    module: String,
}

/// A bundle's archive.
pub fn read(archive: &[u8], verification: Option<&Verification>) -> Result<Bundle> {
    of_files(archive::unpack(archive)?, verification)
}

/// Rego as its authors have it: with its tests.
#[derive(Clone, Debug)]
pub struct Sources {
    pub modules: BTreeMap<String, String>,
    /// One JSON object, compact.
    pub data: String,
    /// 0 or 1, where a manifest says it.
    pub rego_version: Option<u64>,
}

/// A directory of Rego files with the tests beside them.
pub fn read_sources(directory: &Path) -> Result<Sources> {
    let mut walk = Walk { files: Files::new(), bytes: 0 };
    walk.directory(directory, "", 0)?;
    documents_fit(&walk.files)?;
    let manifest = manifest(&walk.files)?;
    let data = data(&walk.files)?.canonical();
    Ok(Sources { modules: texts(walk.files, |_| true)?, data, rego_version: manifest.rego_version })
}

/// A directory laid out like a bundle, or one with Rego files. Signatures are for archives: here none is checked.
pub fn read_directory(directory: &Path) -> Result<Bundle> {
    let mut walk = Walk { files: Files::new(), bytes: 0 };
    walk.directory(directory, "", 0)?;
    of_files(walk.files, None)
}

/// A bare module. The data come from the file that is named, else from one beside the module.
pub fn of_module(module: &Path, wasm: Vec<u8>, data: Option<&Path>) -> Result<(Bundle, Option<PathBuf>)> {
    let found = match data {
        Some(data) => Some(data.to_owned()),
        None => beside(module)?,
    };
    let document = match &found {
        Some(path) => data_file(path, MOST_DATA_BYTES)?,
        None => Document::empty(),
    };
    let path = module.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let bundle = Bundle {
        program: Program::Module { path, wasm },
        data: document.canonical(),
        revision: None,
        entrypoints: Vec::new(),
        rego_version: None,
        signature: Signature::Absent,
    };
    Ok((bundle, found))
}

/// One file of data of at most so many bytes: an object, in JSON or YAML.
pub fn data_file(path: &Path, most: u64) -> Result<Document> {
    let bytes = read_file(path, most)?;
    let name = path.to_string_lossy();
    let parsed = if is_yaml(&name) { Document::parse_yaml(&bytes) } else { Document::parse_json(&bytes) };
    let document = parsed.with_context(|| format!("reading data from {}", path.display()))?;
    ensure!(matches!(document, Document::Object(_)), "reading data from {}: it is no object", path.display());
    Ok(document)
}

fn beside(module: &Path) -> Result<Option<PathBuf>> {
    let directory = module.parent().unwrap_or(Path::new(""));
    let mut found: Vec<PathBuf> =
        DATA_FILES.iter().map(|name| directory.join(name)).filter(|path| path.is_file()).collect();
    ensure!(
        found.len() <= 1,
        "{} and {} lie beside {}; name one with `data`",
        found[0].display(),
        found[found.len() - 1].display(),
        module.display()
    );
    Ok(found.pop())
}

/// No more of a file than may be used, and one byte to see that there is more.
pub fn read_file(path: &Path, most: u64) -> Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes));
    read.with_context(|| format!("reading {}", path.display()))?;
    ensure!(bytes.len() as u64 <= most, "reading {}: it has more than {most} bytes", path.display());
    Ok(bytes)
}

const DATA_FILES: [&str; 3] = ["data.json", "data.yaml", "data.yml"];
const MANIFEST: &str = ".manifest";

/// Files that OPA takes for documents rather than bytes.
fn is_structured(path: &str) -> bool {
    let name = file_name(path);
    name == MANIFEST || name == signature::FILE || DATA_FILES.contains(&name)
}

fn is_yaml(path: &str) -> bool {
    path.ends_with(".yaml") || path.ends_with(".yml")
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn of_files(files: Files, verification: Option<&Verification>) -> Result<Bundle> {
    // Before the signature, which is over the documents as they are read.
    documents_fit(&files)?;
    let signature = signature::check(&files, verification)?;
    ensure!(!files.contains_key("patch.json"), "it is a delta bundle, which says only what changed; build a whole one");
    let manifest = manifest(&files)?;
    let data = data(&files)?;
    within_roots(&data, manifest.roots.as_deref())?;
    let entrypoints = manifest.wasm.iter().map(|resolver| resolver.entrypoint.clone()).collect();
    Ok(Bundle {
        program: program(files, &manifest)?,
        data: data.canonical(),
        revision: manifest.revision.filter(|revision| !revision.is_empty()),
        entrypoints,
        rego_version: manifest.rego_version,
        signature,
    })
}

/// What is read as documents takes more memory than bytes do, so that it has a cap of its own.
fn documents_fit(files: &Files) -> Result<()> {
    let documents = files.iter().filter(|(path, _)| is_structured(path));
    let size: u64 = documents.map(|(_, bytes)| bytes.len() as u64).sum();
    ensure!(
        size <= caps::DATA_BYTES,
        "its data with its manifest have {size} bytes in all, and at most {} may be used; leave out what no rule reads",
        caps::DATA_BYTES
    );
    Ok(())
}

fn manifest(files: &Files) -> Result<Manifest> {
    match files.get(MANIFEST) {
        Some(bytes) => serde_json::from_slice(bytes).with_context(|| format!("reading {MANIFEST}")),
        None => Ok(Manifest::default()),
    }
}

/// All data as one document: a file's directory is its place.
fn data(files: &Files) -> Result<Document> {
    let mut whole = Document::empty();
    for (path, bytes) in files.iter().filter(|(path, _)| DATA_FILES.contains(&file_name(path))) {
        let parsed = if is_yaml(path) { Document::parse_yaml(bytes) } else { Document::parse_json(bytes) };
        let document = parsed.with_context(|| format!("reading {path}"))?;
        let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
        let placed = document.below(directory.split('/').filter(|part| !part.is_empty()));
        whole.merge(placed, "").with_context(|| format!("reading {path}"))?;
    }
    Ok(whole)
}

/// Data may only stand where the manifest says that the bundle owns it.
fn within_roots(data: &Document, roots: Option<&[String]>) -> Result<()> {
    let Some(roots) = roots else { return Ok(()) };
    let roots: Vec<Vec<&str>> =
        roots.iter().map(|root| root.split('/').filter(|part| !part.is_empty()).collect()).collect();
    outside(data, &mut Vec::new(), &roots).map_or(Ok(()), |place| {
        Err(anyhow!("the manifest's roots do not allow data at {place:?}; add it to `roots`, or move the data"))
    })
}

/// The first place that lies in no root.
fn outside<'a>(data: &'a Document, at: &mut Vec<&'a str>, roots: &[Vec<&str>]) -> Option<String> {
    if roots.iter().any(|root| at.starts_with(root)) {
        return None;
    }
    let leads_to_a_root = roots.iter().any(|root| root.starts_with(at));
    match data {
        Document::Object(members) if leads_to_a_root => members.iter().find_map(|(name, value)| {
            at.push(name);
            let found = outside(value, at, roots);
            at.pop();
            found
        }),
        _ => Some(at.join("/")),
    }
}

fn program(mut files: Files, manifest: &Manifest) -> Result<Program> {
    let modules: Vec<String> = files.keys().filter(|path| path.ends_with(".wasm")).cloned().collect();
    match module(&modules, &manifest.wasm)? {
        Some(path) => {
            let wasm = files.remove(&path).ok_or_else(|| anyhow!("the manifest names {path}, which is not there"))?;
            Ok(Program::Module { path, wasm })
        }
        None => sources(files),
    }
}

/// The one module that answers for all entrypoints.
fn module(modules: &[String], resolvers: &[Resolver]) -> Result<Option<String>> {
    let mut named = Vec::new();
    for resolver in resolvers {
        named.push(archive::path(resolver.module.as_bytes())?);
    }
    named.sort();
    named.dedup();
    match (named.as_slice(), modules) {
        ([one], _) => Ok(Some(one.clone())),
        ([], []) => Ok(None),
        ([], [one]) => Ok(Some(one.clone())),
        ([], several) => {
            bail!("it holds several modules, and the manifest does not say which to use: {}", several.join(", "))
        }
        (several, _) => bail!(
            "its entrypoints are answered by several modules: {}; build one module with all entrypoints (`opa build -t wasm -e … -e …`)",
            several.join(", ")
        ),
    }
}

fn sources(files: Files) -> Result<Program> {
    let sources = texts(files, |path| !path.ends_with("_test.rego"))?;
    ensure!(
        !sources.is_empty(),
        "there is neither a policy.wasm nor a .rego file in it; build one with `opa build -t wasm -e <entrypoint> <directory>`"
    );
    Ok(Program::Rego(sources))
}

/// The Rego files that are wanted, as text.
fn texts(files: Files, wanted: impl Fn(&str) -> bool) -> Result<BTreeMap<String, String>> {
    let rego = files.into_iter().filter(|(path, _)| path.ends_with(".rego") && wanted(path));
    let text = |(path, bytes)| match String::from_utf8(bytes) {
        Ok(text) => Ok((path, text)),
        Err(_) => Err(anyhow!("{path} is not UTF-8")),
    };
    rego.map(text).collect()
}

struct Walk {
    files: Files,
    bytes: u64,
}

impl Walk {
    /// Files that matter to a policy; what begins with a dot does not, but for the bundle's own two.
    fn directory(&mut self, directory: &Path, at: &str, depth: usize) -> Result<()> {
        ensure!(
            depth < caps::DIRECTORY_DEPTH,
            "{} lies more than {} levels deep",
            directory.display(),
            caps::DIRECTORY_DEPTH
        );
        let entries = std::fs::read_dir(directory).with_context(|| format!("reading {}", directory.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("reading {}", directory.display()))?;
            let Ok(name) = entry.file_name().into_string() else {
                bail!("reading {}: a name is not UTF-8", entry.path().display());
            };
            let inside = if at.is_empty() { name.clone() } else { format!("{at}/{name}") };
            let path = entry.path();
            let hidden = name.starts_with('.') && name != MANIFEST && name != signature::FILE;
            if hidden {
                continue;
            }
            let kind = entry.file_type().with_context(|| format!("reading {}", path.display()))?;
            // A link to a file is followed: that is how Kubernetes mounts a ConfigMap. Any other one may be where rules
            // are expected, and a policy without them would say less than its owner believes.
            ensure!(
                !kind.is_symlink() || path.is_file(),
                "{} is a link that leads to no file, and links to directories are not followed; put the directory itself there, or remove the link",
                path.display()
            );
            match (kind.is_dir(), path.is_file()) {
                (true, _) => self.directory(&path, &inside, depth + 1)?,
                (false, true) => self.file(&path, inside)?,
                (false, false) => {}
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, inside: String) -> Result<()> {
        if !(inside.ends_with(".rego") || inside.ends_with(".wasm") || is_structured(&inside)) {
            return Ok(());
        }
        ensure!(self.files.len() < caps::ENTRIES, "there are more than {} files in it", caps::ENTRIES);
        let bytes = read_file(path, caps::UNPACKED_BYTES - self.bytes)?;
        self.bytes += bytes.len() as u64;
        self.files.insert(inside, bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests;

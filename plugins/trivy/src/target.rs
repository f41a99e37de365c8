//! What all entries of one result share: the scanned thing, its class and ecosystem, and the packages listed in it.

use std::collections::HashMap;

use palisade_plugin::{ComponentRelation, ComponentScope, Location, lenient::Maybe};

use crate::document::{Layer, Lines};

/// The contract's cap on locations per finding.
pub const LOCATIONS: usize = 20;

/// File names by which Polly told ecosystems, in its order; policies written for it expect these words.
const ECOSYSTEMS: [(&str, &str); 13] = [
    ("package-lock.json", "npm"),
    ("pnpm-lock.yaml", "npm"),
    ("yarn.lock", "npm"),
    ("Gemfile.lock", "rubygems"),
    ("requirements.txt", "pypi"),
    ("Pipfile.lock", "pypi"),
    ("go.mod", "go"),
    ("go.sum", "go"),
    ("Cargo.lock", "cargo"),
    ("composer.lock", "packagist"),
    ("pom.xml", "maven"),
    ("build.gradle", "gradle"),
    ("nuget.config", "nuget"),
];

/// One result without its lists.
#[derive(Debug, Default)]
pub struct Target {
    /// A path in the repository or image, or a label such as `alpine:3.20 (alpine 3.20.1)`.
    pub name: String,
    pub class: String,
    pub kind: String,
    index: usize,
    packages: HashMap<String, ListedPackage>,
}

/// What findings take over from a listed package.
#[derive(Debug)]
pub struct ListedPackage {
    /// Id of the component in the report.
    pub component: String,
    pub scope: ComponentScope,
    pub relation: ComponentRelation,
    pub lines: Vec<Lines>,
}

impl Target {
    pub fn new(name: Option<String>, class: Option<String>, kind: Option<String>, index: usize) -> Target {
        Target {
            name: name.unwrap_or_default(),
            class: class.unwrap_or_default(),
            kind: kind.unwrap_or_default(),
            index,
            packages: HashMap::new(),
        }
    }

    /// JSON pointer to a member of the result.
    pub fn origin(&self, member: &str) -> String {
        format!("/Results/{}/{member}", self.index)
    }

    /// JSON pointer to an entry of a list of the result.
    pub fn entry(&self, list: &str, index: usize) -> String {
        format!("/Results/{}/{list}/{index}", self.index)
    }

    /// The first package of an id stays the one that entries mean.
    pub fn remember(&mut self, id: String, package: ListedPackage) {
        self.packages.entry(id).or_insert(package);
    }

    pub fn package(&self, id: &str) -> Option<&ListedPackage> {
        self.packages.get(id)
    }

    pub fn ecosystem(&self) -> &str {
        let by_name = ECOSYSTEMS.iter().find(|(file, _)| self.name.contains(file)).map(|(_, ecosystem)| *ecosystem);
        match by_name {
            Some(ecosystem) => ecosystem,
            None if self.kind.is_empty() => "unknown",
            None => &self.kind,
        }
    }

    /// Facts about the result that every entry of it carries.
    pub fn properties(&self) -> Vec<(String, String)> {
        let facts = [("trivy:class", &self.class), ("trivy:type", &self.kind)];
        facts
            .into_iter()
            .filter(|(_, fact)| !fact.is_empty())
            .map(|(name, fact)| (name.to_owned(), fact.clone()))
            .collect()
    }

    /// The target first, with the lines that name the package; then the file inside it that the package came from.
    pub fn locations(&self, path: Option<String>, lines: &[Lines], layer: Maybe<Layer>) -> Vec<Location> {
        let layer = layer.0.and_then(Layer::digest);
        let mut locations: Vec<Location> =
            lines.iter().map(|lines| lines.at(self.name.clone(), layer.clone())).take(LOCATIONS - 1).collect();
        if locations.is_empty() && !self.name.is_empty() {
            locations.push(Lines::default().at(self.name.clone(), layer.clone()));
        }
        if let Some(path) = path.filter(|path| *path != self.name) {
            locations.push(Lines::default().at(path, layer));
        }
        locations
    }
}

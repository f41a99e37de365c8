//! What the relationships say about the packages: which one the document is about, what depends on what, what is only
//! needed for development. Never takes a file for a package.

use std::collections::HashMap;

use palisade_plugin::{ComponentRelation, ComponentScope};

use crate::document::Relationship;

/// Packages are meant by their index.
#[derive(Debug, Default)]
pub struct Graph {
    pub relations: Vec<ComponentRelation>,
    /// With the producer's word where it is the reason for a scope.
    pub scopes: Vec<(ComponentScope, Option<&'static str>)>,
    pub dependencies: Vec<Edge>,
}

/// `parent` depends on `child`.
#[derive(Debug, Clone, Copy)]
pub struct Edge {
    pub parent: usize,
    pub child: usize,
    pub scope: ComponentScope,
    word: &'static str,
}

/// The relationships that mean something here, while the packages are not all known yet.
#[derive(Debug, Default)]
pub struct Links(Vec<(Meaning, String, String)>);

impl Links {
    pub fn add(&mut self, relationship: Relationship) {
        let meaning = relationship.kind.0.and_then(|kind| Meaning::of(&kind));
        if let (Some(meaning), Some(element), Some(related)) = (meaning, relationship.element.0, relationship.related.0)
        {
            self.0.push((meaning, element.0, related.0));
        }
    }
}

/// What the document says about itself.
pub struct Described<'a> {
    pub document_id: &'a str,
    pub describes: &'a [String],
}

/// How a relationship is meant.
#[derive(Debug, Clone, Copy)]
enum Meaning {
    /// The element needs the related one.
    Needs,
    /// The related one needs the element.
    NeededBy(ComponentScope, &'static str),
    Contains,
    ContainedBy,
    Describes,
    /// An old Trivy writes `DESCRIBE`, as often as others write it rightly.
    Misspelt,
    DescribedBy,
}

impl Meaning {
    fn of(word: &str) -> Option<Meaning> {
        Some(match word {
            "DEPENDS_ON" => Meaning::Needs,
            "DEPENDENCY_OF" => Meaning::NeededBy(ComponentScope::Unknown, "DEPENDENCY_OF"),
            "DEV_DEPENDENCY_OF" => Meaning::NeededBy(ComponentScope::Development, "DEV_DEPENDENCY_OF"),
            "BUILD_DEPENDENCY_OF" => Meaning::NeededBy(ComponentScope::Build, "BUILD_DEPENDENCY_OF"),
            "TEST_DEPENDENCY_OF" => Meaning::NeededBy(ComponentScope::Test, "TEST_DEPENDENCY_OF"),
            "OPTIONAL_DEPENDENCY_OF" => Meaning::NeededBy(ComponentScope::Optional, "OPTIONAL_DEPENDENCY_OF"),
            "RUNTIME_DEPENDENCY_OF" => Meaning::NeededBy(ComponentScope::Runtime, "RUNTIME_DEPENDENCY_OF"),
            "CONTAINS" => Meaning::Contains,
            "CONTAINED_BY" => Meaning::ContainedBy,
            "DESCRIBES" => Meaning::Describes,
            "DESCRIBE" => Meaning::Misspelt,
            "DESCRIBED_BY" => Meaning::DescribedBy,
            _ => return None,
        })
    }
}

impl Graph {
    /// `index_by_id` knows the packages; everything else that relationships name is a file or dangles.
    pub fn of(links: &Links, described: &Described, index_by_id: &HashMap<&str, usize>, packages: usize) -> Graph {
        let mut dependencies: Vec<Edge> = Vec::new();
        let mut contained: Vec<(usize, usize)> = Vec::new();
        let mut describes: [Vec<usize>; 3] = Default::default();
        for (meaning, element, related) in &links.0 {
            let (left, right) =
                (index_by_id.get(element.as_str()).copied(), index_by_id.get(related.as_str()).copied());
            let edge = |parent, child, scope, word| Edge { parent, child, scope, word };
            match (*meaning, left, right) {
                (Meaning::Needs, Some(parent), Some(child)) => {
                    dependencies.push(edge(parent, child, ComponentScope::Unknown, "DEPENDS_ON"));
                }
                (Meaning::NeededBy(scope, word), Some(child), Some(parent)) => {
                    dependencies.push(edge(parent, child, scope, word));
                }
                (Meaning::Contains, Some(parent), Some(child)) | (Meaning::ContainedBy, Some(child), Some(parent)) => {
                    contained.push((parent, child));
                }
                (Meaning::Describes, _, Some(root)) if element == described.document_id => describes[0].push(root),
                (Meaning::Misspelt, _, Some(root)) if element == described.document_id => describes[1].push(root),
                (Meaning::DescribedBy, Some(root), _) if related == described.document_id => describes[2].push(root),
                _ => {}
            }
        }
        // A package that needs itself occurs and says nothing.
        dependencies.retain(|edge| edge.parent != edge.child);
        let listed = described.describes.iter().filter_map(|id| index_by_id.get(id.as_str()).copied()).collect();
        let candidates = std::iter::once(listed).chain(describes).find(|roots: &Vec<usize>| !roots.is_empty());
        let roots = roots(candidates.unwrap_or_default(), &dependencies, &contained);
        Graph {
            relations: relations(packages, &roots, &dependencies, &contained),
            scopes: scopes(packages, &dependencies),
            dependencies,
        }
    }
}

/// A document about one thing names it. Where it names several, some tools mean the list of all packages: a root then is
/// what leads to others and is reached from none, or policies, which do not judge roots, would judge nothing.
fn roots(mut candidates: Vec<usize>, dependencies: &[Edge], contained: &[(usize, usize)]) -> Vec<usize> {
    candidates.sort_unstable();
    candidates.dedup();
    if candidates.len() < 2 {
        return candidates;
    }
    let edges = || dependencies.iter().map(|edge| (edge.parent, edge.child)).chain(contained.iter().copied());
    let parents: std::collections::HashSet<usize> = edges().map(|(parent, _)| parent).collect();
    let children: std::collections::HashSet<usize> = edges().map(|(_, child)| child).collect();
    candidates.retain(|package| parents.contains(package) && !children.contains(package));
    candidates
}

/// Direct is what a root needs, or contains if nothing says what it needs. What is needed by others only is transitive.
fn relations(
    packages: usize,
    roots: &[usize],
    dependencies: &[Edge],
    contained: &[(usize, usize)],
) -> Vec<ComponentRelation> {
    let mut relations = vec![ComponentRelation::Unknown; packages];
    let mut is_root = vec![false; packages];
    for root in roots {
        is_root[*root] = true;
    }
    for edge in dependencies {
        relations[edge.child] = ComponentRelation::Transitive;
    }
    let mut needed = dependencies.iter().filter(|edge| is_root[edge.parent]).map(|edge| edge.child).peekable();
    if needed.peek().is_some() {
        needed.for_each(|child| relations[child] = ComponentRelation::Direct);
    } else {
        let inside = contained.iter().filter(|(parent, _)| is_root[*parent]).map(|(_, child)| *child);
        inside.for_each(|child| relations[child] = ComponentRelation::Direct);
    }
    for root in roots {
        relations[*root] = ComponentRelation::Root;
    }
    relations
}

/// A package that is also needed plainly is not "only for development": the widest use wins.
fn scopes(packages: usize, dependencies: &[Edge]) -> Vec<(ComponentScope, Option<&'static str>)> {
    const WIDEST_FIRST: [ComponentScope; 6] = [
        ComponentScope::Runtime,
        ComponentScope::Unknown,
        ComponentScope::Optional,
        ComponentScope::Build,
        ComponentScope::Test,
        ComponentScope::Development,
    ];
    let rank = |scope: ComponentScope| WIDEST_FIRST.iter().position(|known| *known == scope).unwrap_or_default();
    let mut widest: Vec<Option<Edge>> = vec![None; packages];
    for edge in dependencies {
        let known = &mut widest[edge.child];
        if known.is_none_or(|known| rank(edge.scope) < rank(known.scope)) {
            *known = Some(*edge);
        }
    }
    let scope = |edge: Option<Edge>| match edge {
        Some(edge) if edge.scope != ComponentScope::Unknown => (edge.scope, Some(edge.word)),
        _ => (ComponentScope::Unknown, None),
    };
    widest.into_iter().map(scope).collect()
}

//! Who depends on whom: how a component got in, and the shortest way from the root down to it. Never walks recursively,
//! and cycles are normal.

use std::collections::VecDeque;

use palisade_plugin::{Component, ComponentRelation};

/// Types that stand for a place where packages come from, such as a lock file or a container's operating system, when
/// they have no package URL: what they list is as direct as if the root listed it.
const PLACES: [&str; 5] = ["application", "operating-system", "platform", "container", "file"];

/// Real ways have up to about twenty steps; longer ones would be copied into every finding.
const LONGEST_WAY: usize = 64;

/// The dependencies of one document, by the index of its components.
#[derive(Debug, Default)]
pub struct Graph {
    children: Vec<Vec<usize>>,
    /// The component through which the shortest way leads; absent for roots and what no root reaches.
    way: Vec<Option<usize>>,
}

impl Graph {
    /// Sets the relation of all components that a root reaches; the others stay unknown.
    pub fn relate(components: &mut [Component], edges: &[(usize, usize)]) -> Graph {
        let mut graph = Graph { children: vec![Vec::new(); components.len()], way: vec![None; components.len()] };
        for (parent, child) in edges {
            graph.children[*parent].push(*child);
        }
        graph.walk(components);
        graph
    }

    fn walk(&mut self, components: &mut [Component]) {
        let is_root = |component: &Component| component.relation == ComponentRelation::Root;
        let mut queue: VecDeque<usize> = (0..components.len()).filter(|at| is_root(&components[*at])).collect();
        while let Some(parent) = queue.pop_front() {
            let relation = match components[parent].relation {
                ComponentRelation::Root => ComponentRelation::Direct,
                ComponentRelation::Direct if is_place(&components[parent]) => ComponentRelation::Direct,
                _ => ComponentRelation::Transitive,
            };
            for &child in &self.children[parent] {
                if components[child].relation != ComponentRelation::Unknown {
                    continue;
                }
                components[child].relation = relation;
                self.way[child] = Some(parent);
                // What a place lists is reached as early as the place itself.
                if is_place(&components[child]) { queue.push_front(child) } else { queue.push_back(child) }
            }
        }
    }

    /// Names from the root down to the one that depends on the component; empty if no root reaches it. Of a way that no
    /// person would follow the lower end is given.
    pub fn way_to(&self, components: &[Component], component: usize) -> Vec<String> {
        let mut names = Vec::new();
        let mut at = component;
        while let Some(parent) = self.way[at].filter(|_| names.len() < LONGEST_WAY) {
            names.push(components[parent].name.clone());
            at = parent;
        }
        names.reverse();
        names
    }
}

fn is_place(component: &Component) -> bool {
    component.purl.is_none() && component.component_type.as_deref().is_some_and(|kind| PLACES.contains(&kind))
}

//! Reachability in graphs: objects from a node to an array or a set of its neighbours.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Builtin, Context, Fault, Value, operands};

pub const BUILTINS: &[(&str, Builtin)] = &[("graph.reachable", reachable), ("graph.reachable_paths", reachable_paths)];

type Graph = BTreeMap<Value, Value>;

/// How many nodes all paths together may have: their number grows exponentially with the graph.
const MAX_PATH_NODES: usize = 1_000_000;

/// How long one path may be: each node on it is a call on the stack.
const MAX_PATH_LENGTH: usize = 2_000;

fn neighbours(edges: &Value) -> Vec<&Value> {
    operands::items(std::slice::from_ref(edges), 0).unwrap_or_default()
}

fn reachable(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let graph = operands::object(arguments, 0)?;
    let mut waiting = operands::items(arguments, 1)?;
    let mut reached = BTreeSet::new();
    while let Some(node) = waiting.pop() {
        if let Some(edges) = graph.get(node)
            && reached.insert(node.clone())
        {
            waiting.extend(neighbours(edges));
        }
    }
    Ok(Value::Set(reached))
}

fn reachable_paths(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let graph = operands::object(arguments, 0)?;
    let mut walk = Walk { graph, path: Vec::new(), found: BTreeSet::new(), nodes: 0 };
    for root in operands::items(arguments, 1)? {
        if let Some(edges) = graph.get(root) {
            walk.path.push(root);
            let neighbours = neighbours(edges);
            if neighbours.is_empty() {
                walk.keep()?;
            }
            // A root that is its own neighbour is visited once more, in OPA too.
            for neighbour in neighbours {
                walk.visit(neighbour)?;
            }
            walk.path.pop();
        }
    }
    Ok(Value::Set(walk.found))
}

struct Walk<'g> {
    graph: &'g Graph,
    path: Vec<&'g Value>,
    found: BTreeSet<Value>,
    nodes: usize,
}

impl<'g> Walk<'g> {
    /// A path ends where there is no way on, at a node that the graph lacks, and in front of a node that is on it already.
    fn visit(&mut self, node: &'g Value) -> Result<(), Fault> {
        let Some(edges) = self.graph.get(node) else { return self.keep() };
        self.path.push(node);
        if self.path.len() > MAX_PATH_LENGTH {
            return Err(Fault::new(format!("a path has more than {MAX_PATH_LENGTH} nodes")));
        }
        let neighbours = neighbours(edges);
        if neighbours.is_empty() {
            self.keep()?;
        }
        for neighbour in neighbours {
            match self.path.contains(&neighbour) {
                true => self.keep()?,
                false => self.visit(neighbour)?,
            }
        }
        self.path.pop();
        Ok(())
    }

    fn keep(&mut self) -> Result<(), Fault> {
        self.nodes += self.path.len();
        if self.nodes > MAX_PATH_NODES {
            return Err(Fault::new(format!("the paths have more than {MAX_PATH_NODES} nodes")));
        }
        self.found.insert(Value::Array(self.path.iter().copied().cloned().collect()));
        Ok(())
    }
}

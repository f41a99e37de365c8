//! From a grafted module to a component of the world `palisade:plugin/evaluator`: lifted by `wit-component`, joined with
//! the glue and the builtins by `wac-graph`. The same parts give the same bytes.

use super::{Parts, RegoError};
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, PackageId};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

const PLUGIN: &str = include_str!("../../../wit/plugin.wit");
const OPA: &str = include_str!("../../../wit/opa/opa.wit");

const POLICY: &str = "palisade:opa/policy@0.1.0";
const BUILTINS: &str = "palisade:opa/builtins@0.1.0";

/// A component of the world `palisade:opa/wrapped`.
pub fn lift(module: Vec<u8>) -> Result<Vec<u8>, RegoError> {
    lifted(module).map_err(|error| RegoError::Wrapping(format!("{error:#}")))
}

fn lifted(mut module: Vec<u8>) -> anyhow::Result<Vec<u8>> {
    let mut resolve = Resolve::default();
    resolve.push_source("plugin.wit", PLUGIN)?;
    let package = resolve.push_source("opa.wit", OPA)?;
    let world = resolve.select_world(&[package], Some("wrapped"))?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    ComponentEncoder::default().validate(true).module(&module)?.encode()
}

/// Joins the policy with the parts that it needs.
pub fn compose(parts: &Parts<'_>, policy: Vec<u8>, builtins: Builtins) -> Result<Vec<u8>, RegoError> {
    joined(parts, policy, builtins).map_err(|error| RegoError::Wrapping(format!("{error:#}")))
}

/// Whether the policy calls any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Builtins {
    Needed,
    NotNeeded,
}

fn joined(parts: &Parts<'_>, policy: Vec<u8>, builtins: Builtins) -> anyhow::Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let wrapped = register(&mut graph, "palisade:policy", policy)?;
    let policy = graph.instantiate(wrapped);
    if builtins == Builtins::Needed {
        let library = register(&mut graph, "palisade:builtins", parts.builtins.to_vec())?;
        let library = graph.instantiate(library);
        let calls = graph.alias_instance_export(library, BUILTINS)?;
        graph.set_instantiation_argument(policy, BUILTINS, calls)?;
    }
    let package = register(&mut graph, "palisade:glue", parts.glue.to_vec())?;
    let exports: Vec<_> = graph.types()[graph[package].ty()].exports.keys().cloned().collect();
    let glue = graph.instantiate(package);
    let evaluation = graph.alias_instance_export(policy, POLICY)?;
    graph.set_instantiation_argument(glue, POLICY, evaluation)?;
    for name in exports {
        let export = graph.alias_instance_export(glue, &name)?;
        graph.export(export, name)?;
    }
    // Whoever compiles the component validates it.
    Ok(graph.encode(EncodeOptions { validate: false, ..EncodeOptions::default() })?)
}

fn register(graph: &mut CompositionGraph, name: &str, component: Vec<u8>) -> anyhow::Result<PackageId> {
    let package = Package::from_bytes(name, None, component, graph.types_mut())?;
    Ok(graph.register_package(package)?)
}

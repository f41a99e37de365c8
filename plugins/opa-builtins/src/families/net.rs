//! Networks and addresses, without asking any name server.

mod merge;
mod network;

use std::{collections::BTreeSet, net::IpAddr};

use crate::{Builtin, Context, Fault, Value, operands};
use network::{Network, address_text, bits};

pub const BUILTINS: &[(&str, Builtin)] = &[
    ("net.cidr_is_valid", is_valid),
    ("net.cidr_contains", contains),
    // Its name before OPA 0.15; old modules still call it so.
    ("net.cidr_overlap", contains),
    ("net.cidr_contains_matches", contains_matches),
    ("net.cidr_intersects", intersects),
    ("net.cidr_expand", expand),
    ("net.cidr_merge", merge),
];

/// As many addresses as one network expands to: a /16 of IPv4. OPA has no such cap and expands until it is cancelled.
const MAX_ADDRESSES: u128 = 1 << 16;

/// How many pairs of networks are compared in one call.
const MAX_PAIRS: usize = 4_000_000;

fn is_valid(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(network(arguments, 0).is_ok().into())
}

fn network(arguments: &[Value], position: usize) -> Result<Network, Fault> {
    Network::parse(operands::string(arguments, position)?)
}

fn contains(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(is_inside(&network(arguments, 0)?, operands::string(arguments, 1)?)?.into())
}

/// Whether an address or a whole network is inside another.
fn is_inside(network: &Network, address_or_network: &str) -> Result<bool, Fault> {
    match address_or_network.parse::<IpAddr>() {
        Ok(address) => Ok(network.holds(bits(address))),
        Err(_) => Ok(network.includes(&Network::parse(address_or_network)?)),
    }
}

fn intersects(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let (left, right) = (network(arguments, 0)?, network(arguments, 1)?);
    Ok((left.holds(right.first()) || right.holds(left.first())).into())
}

fn contains_matches(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let (outer, inner) = (indexed(operands::any(arguments, 0)?)?, indexed(operands::any(arguments, 1)?)?);
    if outer.len().saturating_mul(inner.len()) > MAX_PAIRS {
        return Err(Fault::new(format!("more than {MAX_PAIRS} pairs to compare")));
    }
    let mut matches = BTreeSet::new();
    for (outer_index, text) in &outer {
        let network = inner.first().map(|_| network(std::slice::from_ref(*text), 0)).transpose()?;
        for (inner_index, text) in &inner {
            let address = operands::string(std::slice::from_ref(*text), 0)?;
            if network.as_ref().is_some_and(|network| is_inside(network, address) == Ok(true)) {
                matches.insert(Value::Array(vec![outer_index.clone(), inner_index.clone()]));
            } else if let Some(network) = &network {
                is_inside(network, address)?;
            }
        }
    }
    Ok(Value::Set(matches))
}

/// The networks of an operand, each with what it is called by: its index, its key, or itself.
fn indexed(operand: &Value) -> Result<Vec<(Value, &Value)>, Fault> {
    match operand {
        Value::String(_) => Ok(vec![(operand.clone(), operand)]),
        Value::Array(items) => items.iter().enumerate().map(|(index, item)| Ok((index.into(), named(item)?))).collect(),
        Value::Set(items) => items.iter().map(|item| Ok((item.clone(), named(item)?))).collect(),
        Value::Object(members) => members.iter().map(|(key, item)| Ok((key.clone(), named(item)?))).collect(),
        _ => Ok(Vec::new()),
    }
}

/// A network may be an array of itself and whatever belongs to it.
fn named(item: &Value) -> Result<&Value, Fault> {
    match item {
        Value::String(_) => Ok(item),
        Value::Array(items) => items.first().ok_or_else(|| Fault::new("an empty array names no network")),
        other => Err(Fault::operand(1, "strings or arrays that are not empty", other.kind())),
    }
}

fn expand(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let network = network(arguments, 0)?;
    let (first, last) = (network.first(), network.last());
    if last - first >= MAX_ADDRESSES {
        return Err(Fault::new(format!("the network has more than {MAX_ADDRESSES} addresses")));
    }
    Ok(Value::Set((first..=last).map(|address| address_text(address).into()).collect()))
}

fn merge(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let networks = operands::strings(arguments, 0)?.into_iter().map(Network::parse_or_class);
    let merged = merge::merged(networks.collect::<Result<Vec<_>, _>>()?);
    Ok(Value::Set(merged.into_iter().map(Value::from).collect()))
}

//! The fewest networks with the same addresses.

use super::network::{Network, is_mapped};

struct Range {
    first: u128,
    last: u128,
    /// The network that this range is, until it is merged with another.
    network: Option<Network>,
}

/// The texts of the merged networks. A network that meets no other keeps its spelling; OPA compares those that are spelled
/// `::ffff:a.b.c.d` with none.
pub fn merged(networks: Vec<Network>) -> Vec<String> {
    let (apart, networks): (Vec<_>, Vec<_>) = networks.into_iter().partition(Network::is_spelled_mapped);
    let mut texts: Vec<String> = apart.iter().map(Network::text).collect();
    for range in joined(networks) {
        match range.network {
            Some(network) => texts.push(network.text()),
            None => texts.extend(pieces(&range)),
        }
    }
    texts
}

fn joined(networks: Vec<Network>) -> Vec<Range> {
    let mut ranges: Vec<Range> = networks
        .into_iter()
        .map(|network| Range { first: network.first(), last: network.last(), network: Some(network) })
        .collect();
    ranges.sort_by_key(|range| (range.last, range.first));
    let mut joined: Vec<Range> = Vec::new();
    // From the end: a range that reaches far down swallows all that end within it.
    while let Some(range) = ranges.pop() {
        match joined.last_mut() {
            Some(later) if meets(&range, later) => {
                *later = Range { first: later.first.min(range.first), last: later.last, network: None };
            }
            _ => joined.push(range),
        }
    }
    joined
}

/// Whether two ranges overlap or touch. The first address of IPv4 touches nothing below it, the last nothing above.
fn meets(earlier: &Range, later: &Range) -> bool {
    let begins_family = later.first == 0 || later.first == 0xffff_0000_0000;
    let before = if begins_family { later.first } else { later.first - 1 };
    let leaves_family = is_mapped(earlier.last) && !is_mapped(later.first) && later.first > earlier.last;
    before <= earlier.last && !leaves_family
}

fn pieces(range: &Range) -> Vec<String> {
    let mut texts = Vec::new();
    let mut next = Some(range.first);
    while let Some(first) = next {
        let piece = Network::largest(first, range.last);
        texts.push(piece.text());
        next = piece.last().checked_add(1).filter(|next| *next <= range.last);
    }
    texts
}

//! What fragments lead to.

use std::collections::{BTreeMap, BTreeSet};

use super::{Held, broken};
use crate::families::graphql::tree::{Field, Fragment, QueryDocument, Selection, Selections};

/// Lists of the schema inside lists of the schema: each multiplies the answer.
const MAX_LISTS: usize = 3;

pub fn named<'d>(document: &'d QueryDocument, name: &str) -> Option<&'d Fragment> {
    document.fragments.iter().find(|fragment| fragment.name == name)
}

pub fn are_unique_and_without_cycles(document: &QueryDocument) -> Held {
    let mut spreads = BTreeMap::new();
    for fragment in &document.fragments {
        let mut names = BTreeSet::new();
        spreads_in(&fragment.selections, &mut names);
        if spreads.insert(fragment.name.as_str(), names.into_iter().collect::<Vec<_>>()).is_some() {
            return broken(format!("fragment {} is defined twice", fragment.name));
        }
    }
    // Depth first, without recursion: fragments may form a chain as long as the text.
    let names: Vec<&str> = spreads.keys().copied().collect();
    for name in names {
        let mut path = vec![name];
        while let Some(at) = path.last().copied() {
            match spreads.get_mut(at).and_then(Vec::pop) {
                Some(next) if path.contains(&next) => {
                    return broken(format!("fragment {next} spreads itself"));
                }
                Some(next) => path.push(next),
                None => {
                    path.pop();
                }
            }
        }
    }
    Ok(())
}

fn spreads_in<'d>(selections: &'d Selections, names: &mut BTreeSet<&'d str>) {
    for selection in &selections.0 {
        match selection {
            Selection::Field(field) => spreads_in(&field.selections, names),
            Selection::Inline(inline) => spreads_in(&inline.selections, names),
            Selection::Spread(spread) => {
                names.insert(&spread.name);
            }
        }
    }
}

/// The fragments that selections lead to, through others, too.
pub fn spread_below<'d>(
    document: &'d QueryDocument,
    selections: impl Iterator<Item = &'d Selections>,
) -> BTreeSet<&'d str> {
    let (mut names, mut found) = (BTreeSet::new(), BTreeSet::new());
    selections.for_each(|selections| spreads_in(selections, &mut found));
    while let Some(name) = found.pop_first() {
        if names.insert(name)
            && let Some(fragment) = named(document, name)
        {
            spreads_in(&fragment.selections, &mut found);
        }
    }
    names
}

/// The names of the fields at the top, through all fragments.
pub fn field_names<'d>(document: &'d QueryDocument, selections: &'d Selections) -> BTreeSet<&'d str> {
    let (mut seen, mut names, mut open) = (BTreeSet::new(), BTreeSet::new(), vec![selections]);
    while let Some(selections) = open.pop() {
        for selection in &selections.0 {
            match selection {
                Selection::Field(field) => {
                    names.insert(field.name.as_str());
                }
                Selection::Inline(inline) => open.push(&inline.selections),
                Selection::Spread(spread) => {
                    let fragment = named(document, &spread.name).filter(|fragment| seen.insert(&fragment.name));
                    open.extend(fragment.map(|fragment| &fragment.selections));
                }
            }
        }
    }
    names
}

/// A question about the schema that does not multiply itself.
pub fn is_shallow(document: &QueryDocument, field: &Field) -> Held {
    let mut steps = 0;
    let mut open = vec![(&field.selections, usize::from(is_a_list(field)))];
    while let Some((selections, lists)) = open.pop() {
        steps += 1;
        if lists >= MAX_LISTS || steps > super::merging::MAX_STEPS {
            return broken("a question about the schema nests too many lists");
        }
        for selection in &selections.0 {
            match selection {
                Selection::Field(field) => open.push((&field.selections, lists + usize::from(is_a_list(field)))),
                Selection::Inline(inline) => open.push((&inline.selections, lists)),
                Selection::Spread(spread) => {
                    open.extend(named(document, &spread.name).map(|fragment| (&fragment.selections, lists)));
                }
            }
        }
    }
    Ok(())
}

fn is_a_list(field: &Field) -> bool {
    ["fields", "interfaces", "possibleTypes", "inputFields"].contains(&field.name.as_str())
}

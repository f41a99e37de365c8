//! Packages that stand in several modules. The interpreter (regorus 0.14) takes a package for evaluated once the first of
//! its modules is: to whoever imports the package, rules of the other modules that lean on each other are undefined. A
//! module of ours in front of them asks for every rule by its own path first, and defines nothing itself.

use regorus::unstable::{Module, Ref, Rule, RuleHead};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// What the names of our modules begin with; no file is called so.
const NAME: &str = "<package ";

/// The modules that belong in front of these, by name.
pub fn in_front(modules: &[Ref<Module>]) -> BTreeMap<String, String> {
    let mut by_package: BTreeMap<String, Vec<&Module>> = BTreeMap::new();
    for module in modules {
        by_package.entry(module.package.refr.span().text().to_owned()).or_default().push(module);
    }
    let several = by_package.into_iter().filter(|(_, modules)| modules.len() > 1);
    several.map(|(package, modules)| (format!("{NAME}{package}>"), text(&package, &modules))).collect()
}

pub fn is_ours(file: &str) -> bool {
    file.starts_with(NAME)
}

fn text(package: &str, modules: &[&Module]) -> String {
    let rules: BTreeSet<String> =
        modules.iter().flat_map(|module| &module.policy).filter_map(|rule| path(rule)).collect();
    let mut text = format!("package {package}\n\nimport rego.v1\n\n__palisade_all if {{\n");
    for rule in rules {
        let _ = writeln!(text, "\t_ := [true | data.{package}{rule}]");
    }
    text + "\tfalse\n}\n"
}

/// Where a rule stands below its package, up to the first part that is worked out; nothing for a function.
fn path(rule: &Rule) -> Option<String> {
    let name = match rule {
        Rule::Spec { head: RuleHead::Compr { refr, .. } | RuleHead::Set { refr, .. }, .. } => refr.span().text(),
        Rule::Default { refr, args, .. } if args.is_empty() => refr.span().text(),
        _ => return None,
    };
    let name = name.split('[').next().unwrap_or_default();
    Some(name.split('.').map(|part| format!("[{}]", serde_json::Value::from(part.trim()))).collect())
}

//! The tests that stand beside a policy: rules whose names begin with `test_`, as `opa test` finds them.

use regorus::unstable::{Module, Ref, Rule, RuleHead};
use std::collections::BTreeSet;

/// One rule to be held true.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TestRule {
    pub file: String,
    pub line: u32,
    /// `data.compliance.test_a_clean_report_passes`.
    pub query: String,
    /// Named `todo_test_…`: counted, not run.
    pub skipped: bool,
}

pub fn of(modules: &[Ref<Module>]) -> Vec<TestRule> {
    let mut seen = BTreeSet::new();
    let mut tests: Vec<TestRule> = modules.iter().flat_map(|module| of_module(module)).collect();
    tests.sort();
    // A rule with several bodies is one test.
    tests.retain(|test| seen.insert(test.query.clone()));
    tests
}

fn of_module(module: &Module) -> Vec<TestRule> {
    let package = module.package.refr.span().text().to_owned();
    let rules = module.policy.iter().filter_map(|rule| {
        let Rule::Spec { head: RuleHead::Compr { refr, .. }, .. } = rule.as_ref() else { return None };
        let (span, name) = (refr.span(), refr.span().text());
        let skipped = name.starts_with("todo_test_");
        (skipped || name.starts_with("test_")).then(|| TestRule {
            file: span.source.file().to_owned(),
            line: span.line,
            query: format!("data.{package}.{name}"),
            skipped,
        })
    });
    rules.collect()
}

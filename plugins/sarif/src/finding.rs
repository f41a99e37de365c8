//! Results as findings. Never copies a snippet, and no message where a secret may be quoted in it.

use std::collections::HashMap;
use std::mem::take;

use palisade_plugin::lenient::{List, Maybe, Text};
use palisade_plugin::{
    CodeIssue, Detail, Finding, Fix, Location, Misconfiguration, PackageRef, Secret, ToolStatus, Vulnerability, words,
};

use crate::document::{FixEntry, ResultEntry, Rule, Suppression};
use crate::kind::{self, Driver, Kind};
use crate::package;
use crate::place::Places;
use crate::rule::{self, Rulebook};

/// The fingerprint that GitHub compares, which comes first.
const LINE_HASH: &str = "primaryLocationLineHash";
/// Linters' rules about secrets quote what they found: `Possible hardcoded password: '…'`.
const QUOTING: [&str; 8] =
    ["hardcoded", "hard-coded", "hard_coded", "secret", "password", "credential", "api-key", "private-key"];
/// What gitleaks puts among its fingerprints about the commit and the person behind it.
const PERSONAL: [&str; 4] = ["author", "email", "date", "commitMessage"];
/// The contract's cap on locations.
const LOCATIONS: usize = 20;
/// The contract's cap on aliases, the longest of a finding's lists.
const LIST: usize = 64;

/// What a run says about all its results.
pub struct Surroundings<'a> {
    pub driver: &'a Driver,
    pub rules: &'a Rulebook,
    pub places: &'a Places,
    /// By the id that results state. Logs repeat a few rules thousands of times.
    named: HashMap<String, Named<'a>>,
}

/// What an id and its rule say about all results that state them.
#[derive(Clone, Copy)]
struct Named<'a> {
    rule: Option<&'a Rule>,
    kind_by_tag: Option<Kind>,
    names_vulnerability: bool,
    quotes_secrets: bool,
}

impl<'a> Surroundings<'a> {
    pub fn new(driver: &'a Driver, rules: &'a Rulebook, places: &'a Places) -> Surroundings<'a> {
        Surroundings { driver, rules, places, named: HashMap::new() }
    }

    fn named(&mut self, id: &str, rule: Option<&'a Rule>) -> Named<'a> {
        let is_same = |known: &&Named| known.rule.map(std::ptr::from_ref) == rule.map(std::ptr::from_ref);
        if let Some(known) = self.named.get(id).filter(is_same) {
            return *known;
        }
        let named = Named {
            rule,
            kind_by_tag: kind::of_tags(rule::tags(rule, None)),
            names_vulnerability: kind::names_vulnerability(id),
            quotes_secrets: quotes_secrets(id, rule),
        };
        self.named.insert(id.to_owned(), named);
        named
    }
}

/// A result that reports a problem, and what its rule makes of it.
struct Problem<'a> {
    id: String,
    result: ResultEntry,
    rule: Option<&'a Rule>,
    kind: Kind,
    /// Its texts may quote a secret.
    may_quote: bool,
}

/// The finding, and what it shows about the run; `None` for a result that reports no problem.
pub fn finding(
    result: ResultEntry,
    pointer: String,
    surroundings: &mut Surroundings,
) -> Option<(Option<Kind>, Finding)> {
    if !is_problem(&result) {
        return None;
    }
    let rule = surroundings.rules.find(&result);
    let id = rule::stated_id(&result).or(rule.and_then(|rule| rule.id.as_filled())).unwrap_or("unknown").to_owned();
    let named = surroundings.named(&id, rule);
    let by_tag = named.kind_by_tag.or_else(|| kind::of_tags(rule::tags(None, Some(&result))));
    let kind = by_tag.unwrap_or_else(|| surroundings.driver.kind(named.names_vulnerability));
    let may_quote = kind == Kind::Secret || named.quotes_secrets;
    let shown = surroundings.driver.shows(kind, named.names_vulnerability);
    Some((shown, written(Problem { id, result, rule, kind, may_quote }, pointer, surroundings)))
}

fn written(mut problem: Problem, pointer: String, surroundings: &Surroundings) -> Finding {
    let rule = problem.rule;
    let message = take(&mut problem.result.message).0.and_then(|message| surroundings.rules.text(message, rule));
    let told = message.as_deref().map(|message| package::told(surroundings.driver, message)).unwrap_or_default();
    let message = message.filter(|_| !problem.may_quote);
    let (locations, raw_path) = locations(&problem.result, surroundings.places);
    let how_to_fix = how_to_fix(take(&mut problem.result.fixes), surroundings.rules);
    let judgement = rule::severity(&problem.result, rule);
    Finding {
        severity: judgement.severity,
        severity_raw: judgement.raw,
        severity_source: judgement.source,
        title: title(rule, message.as_deref(), &problem.id),
        description: message.or_else(|| rule.and_then(described)),
        package: package_of(&problem.result, rule, told.package),
        locations,
        how_to_fix: how_to_fix.filter(|_| !problem.may_quote),
        references: rule.and_then(|rule| rule.help_uri.as_filled()).map(str::to_owned).into_iter().collect(),
        tool_status: tool_status(&problem.result.suppressions),
        origin: Some(pointer),
        properties: properties(&problem, raw_path),
        detail: detail(&problem, surroundings.driver, told.fix),
        fingerprints: fingerprints(problem.result),
        id: problem.id,
    }
}

fn properties(problem: &Problem, raw_path: Option<String>) -> Vec<(String, String)> {
    let name = problem.rule.and_then(|rule| rule.name.as_filled()).filter(|name| *name != problem.id);
    let facts = [
        ("baseline-state", problem.result.baseline_state.as_filled().map(str::to_owned)),
        ("rule-name", name.map(str::to_owned)),
        ("path-raw", raw_path),
    ];
    facts.into_iter().filter_map(|(name, fact)| Some((name.to_owned(), fact?))).collect()
}

/// Passed, open and informational results are no problems, nor is one that is gone since the baseline. An unknown word
/// stands for a problem: better one too many.
fn is_problem(result: &ResultEntry) -> bool {
    const NONE: [&str; 5] = ["pass", "notapplicable", "informational", "review", "open"];
    let is_one_of = |text: &Maybe<Text>, words: &[&str]| {
        text.as_filled().is_some_and(|text| words.iter().any(|word| text.trim().eq_ignore_ascii_case(word)))
    };
    !is_one_of(&result.kind, &NONE) && !is_one_of(&result.baseline_state, &["absent"])
}

fn quotes_secrets(id: &str, rule: Option<&Rule>) -> bool {
    let name = rule.and_then(|rule| rule.name.as_filled()).unwrap_or_default();
    let names = format!("{id} {name}").to_ascii_lowercase();
    QUOTING.iter().any(|part| names.contains(part))
}

fn title(rule: Option<&Rule>, message: Option<&str>, id: &str) -> String {
    let short = rule.and_then(|rule| rule.short_description.as_ref()).and_then(|text| text.text.as_filled());
    let name = rule.and_then(|rule| rule.name.as_filled());
    words::title(&[short, name, message, Some(id)], || "unknown".to_owned())
}

fn described(rule: &Rule) -> Option<String> {
    let description = rule.full_description.as_ref().or(rule.short_description.as_ref())?;
    description.text.as_filled().map(str::to_owned)
}

fn how_to_fix(fixes: List<FixEntry>, rules: &Rulebook) -> Option<String> {
    fixes.into_iter().find_map(|fix| rules.text(fix.description.0?, None))
}

fn locations(result: &ResultEntry, places: &Places) -> (Vec<Location>, Option<String>) {
    let located = result.locations.iter().filter_map(|entry| places.locate(entry.physical_location.as_ref()?));
    let (mut locations, mut raw_path) = (Vec::new(), None);
    for (location, raw) in located.take(LOCATIONS) {
        if locations.is_empty() {
            raw_path = raw;
        }
        add_distinct(&mut locations, [location]);
    }
    (locations, raw_path)
}

/// From a package URL where one stands by itself, else from a known tool's message.
fn package_of(result: &ResultEntry, rule: Option<&Rule>, told: Option<PackageRef>) -> Option<PackageRef> {
    let logical = result.locations.iter().flat_map(|entry| &entry.logical_locations);
    let by_place = logical.filter_map(|place| place.fully_qualified_name.as_filled()).find_map(package::of_purl);
    let purls = rule.and_then(|rule| rule.properties.as_ref()).map(|properties| &properties.purls.0[..]);
    let by_rule = || match purls {
        Some([purl]) => package::of_purl(purl),
        _ => None,
    };
    by_place.or_else(by_rule).or(told)
}

fn fingerprints(result: ResultEntry) -> Vec<(String, String)> {
    let maps = result.partial_fingerprints.0.into_iter().chain(result.fingerprints.0);
    let pairs = maps.flat_map(|map| map.0).filter(|(name, _)| !PERSONAL.contains(&name.as_str()));
    let mut fingerprints = Vec::new();
    add_distinct(&mut fingerprints, pairs.filter_map(|(name, value)| Some((name, value.filled()?))));
    fingerprints.sort_by_key(|(name, _)| name != LINE_HASH);
    fingerprints
}

/// One suppression that is under review or rejected keeps the result alive, as the specification says.
fn tool_status(suppressions: &[Suppression]) -> Option<ToolStatus> {
    let is_accepted = |suppression: &Suppression| {
        suppression.status.as_filled().is_none_or(|word| word.trim().eq_ignore_ascii_case("accepted"))
    };
    let first = suppressions.first().filter(|_| suppressions.iter().all(is_accepted))?;
    Some(ToolStatus {
        by: first.kind.as_filled().map(str::to_owned),
        reason: suppressions.iter().find_map(|suppression| suppression.justification.as_filled()).map(str::to_owned),
        ..ToolStatus::suppressed("accepted")
    })
}

fn detail(problem: &Problem, driver: &Driver, fix: Fix) -> Detail {
    let Problem { id, result, rule, .. } = problem;
    match problem.kind {
        Kind::Vulnerability => Detail::Vulnerability(Vulnerability {
            aliases: aliases(id, *rule),
            cwes: rule::cwes(result, *rule),
            fix,
            ..Vulnerability::default()
        }),
        Kind::Secret => Detail::Secret(Secret::found_by(&*driver.name)),
        Kind::Misconfiguration => Detail::Misconfiguration(Misconfiguration::failed()),
        Kind::Code => Detail::Code(CodeIssue { cwes: rule::cwes(result, *rule), precision: precision(problem) }),
    }
}

fn precision(problem: &Problem) -> Option<String> {
    let of_rule = problem.rule.and_then(|rule| rule.properties.as_ref());
    let of_rule = of_rule.and_then(|properties| properties.precision.as_filled());
    let of_result = problem.result.properties.as_ref().and_then(|properties| properties.precision.as_filled());
    of_rule.or(of_result).map(str::to_owned)
}

/// Public ids inside of the rule's id, and the names that osv-scanner keeps as its former ones.
fn aliases(id: &str, rule: Option<&Rule>) -> Vec<String> {
    let mut aliases = kind::public_ids(id);
    let former = rule.into_iter().flat_map(|rule| &rule.deprecated_ids).flat_map(|id| kind::public_ids(id));
    add_distinct(&mut aliases, former);
    aliases.retain(|alias| alias != id);
    aliases
}

/// Appends what is not there yet, up to the number that the contract takes.
pub fn add_distinct<T: PartialEq>(list: &mut Vec<T>, items: impl IntoIterator<Item = T>) {
    for item in items {
        if list.len() < LIST && !list.contains(&item) {
            list.push(item);
        }
    }
}

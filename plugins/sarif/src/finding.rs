//! Results as findings. Never copies a snippet, and no message where a secret may be quoted in it.

use palisade_plugin::lenient::{Maybe, Text};
use palisade_plugin::{
    CodeIssue, Detail, Finding, Fix, Location, Misconfiguration, PackageRef, Secret, ToolStatus, Vulnerability,
    words,
};

use crate::document::{ResultEntry, Rule, Suppression};
use crate::kind::{self, Kind};
use crate::package::{self, Told};
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
    pub driver: &'a str,
    pub rules: &'a Rulebook,
    pub places: &'a Places,
}

/// The finding and its kind; `None` for a result that reports no problem.
pub fn finding(result: &ResultEntry, pointer: String, surroundings: &Surroundings) -> Option<(Kind, Finding)> {
    if !is_problem(result) {
        return None;
    }
    let rule = surroundings.rules.find(result);
    let named = rule.and_then(|rule| rule.id.as_filled());
    let id = rule::stated_id(result).or(named).unwrap_or("unknown");
    let kind = kind::of_rule(id, rule::tags(rule, Some(result)), surroundings.driver);
    let message = result.message.as_ref().and_then(|message| surroundings.rules.text(message, rule));
    let told = message.as_deref().map(|message| package::told(surroundings.driver, message)).unwrap_or_default();
    let may_quote = kind == Kind::Secret || quotes_secrets(id, rule);
    let message = message.filter(|_| !may_quote);
    let (locations, raw_path) = locations(result, surroundings.places);
    let judgement = rule::severity(result, rule);
    let name = rule.and_then(|rule| rule.name.as_filled());

    let mut properties = Vec::new();
    let mut property =
        |name: &str, value: Option<&str>| properties.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    property("baseline-state", result.baseline_state.as_filled());
    property("rule-name", name.filter(|name| *name != id));
    property("path-raw", raw_path.as_deref());

    let finding = Finding {
        severity: judgement.severity,
        severity_raw: judgement.raw,
        severity_source: judgement.source,
        title: title(rule, message.as_deref(), id),
        description: message.or_else(|| rule.and_then(described)),
        package: package_of(result, rule, &told),
        locations,
        how_to_fix: how_to_fix(result, surroundings.rules).filter(|_| !may_quote),
        references: rule.and_then(|rule| rule.help_uri.as_filled()).map(str::to_owned).into_iter().collect(),
        fingerprints: fingerprints(result),
        tool_status: tool_status(&result.suppressions),
        origin: Some(pointer),
        properties,
        detail: detail(kind, &Problem { id, result, rule }, surroundings.driver, told.fix),
        id: id.to_owned(),
    };
    Some((kind, finding))
}

/// Passed, open and informational results are no problems, nor is one that is gone since the baseline. An unknown word
/// stands for a problem: better one too many.
fn is_problem(result: &ResultEntry) -> bool {
    const NONE: [&str; 5] = ["pass", "notapplicable", "informational", "review", "open"];
    let lower = |text: &Maybe<Text>| text.as_filled().map(|word| word.trim().to_ascii_lowercase()).unwrap_or_default();
    !NONE.contains(&lower(&result.kind).as_str()) && lower(&result.baseline_state) != "absent"
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

fn how_to_fix(result: &ResultEntry, rules: &Rulebook) -> Option<String> {
    result.fixes.iter().find_map(|fix| rules.text(fix.description.as_ref()?, None))
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
fn package_of(result: &ResultEntry, rule: Option<&Rule>, told: &Told) -> Option<PackageRef> {
    let logical = result.locations.iter().flat_map(|entry| &entry.logical_locations);
    let by_place = logical.filter_map(|place| place.fully_qualified_name.as_filled()).find_map(package::of_purl);
    let purls = rule.and_then(|rule| rule.properties.as_ref()).map(|properties| &properties.purls.0[..]);
    let by_rule = || match purls {
        Some([purl]) => package::of_purl(purl),
        _ => None,
    };
    by_place.or_else(by_rule).or_else(|| told.package.clone())
}

fn fingerprints(result: &ResultEntry) -> Vec<(String, String)> {
    let maps = result.partial_fingerprints.iter().chain(result.fingerprints.iter());
    let pairs = maps
        .flat_map(|map| &map.0)
        .filter(|(name, _)| !PERSONAL.contains(&name.as_str()))
        .filter_map(|(name, value)| Some((name.clone(), value.as_filled()?.to_owned())));
    let mut fingerprints = Vec::new();
    add_distinct(&mut fingerprints, pairs);
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

/// A result and the rule that it refers to.
struct Problem<'a> {
    id: &'a str,
    result: &'a ResultEntry,
    rule: Option<&'a Rule>,
}

fn detail(kind: Kind, problem: &Problem, driver: &str, fix: Fix) -> Detail {
    let Problem { id, result, rule } = *problem;
    match kind {
        Kind::Vulnerability => Detail::Vulnerability(Vulnerability {
            aliases: aliases(id, rule),
            cwes: rule::cwes(result, rule),
            fix,
            ..Vulnerability::default()
        }),
        Kind::Secret => Detail::Secret(Secret::found_by(driver)),
        Kind::Misconfiguration => Detail::Misconfiguration(Misconfiguration::failed()),
        Kind::Code => Detail::Code(CodeIssue { cwes: rule::cwes(result, rule), precision: precision(problem) }),
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

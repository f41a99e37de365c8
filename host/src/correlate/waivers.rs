//! Waivers that hide findings. A waiver matches the id and the aliases that the finding's own report states: links
//! that only another artifact claims merge the count, never the hiding, and the notice names the id to add.

use super::groups::{OwnNames, upper};
use super::{counted, finding_at};
use crate::model::Unix;
use crate::model::evidence::{AssessedFinding, Hidden, HiddenBy, SourcedReport};
use crate::model::plan::Waiver;
use crate::model::report::{Detail, Finding, FixState};
use crate::policy::packages::PackagePattern;
use std::collections::{BTreeSet, HashMap};

/// Hides what the waivers without rules cover; those with rules are held against violations. Answers what people
/// should know.
pub(super) fn apply(
    reports: &[SourcedReport],
    findings: &mut [AssessedFinding],
    waivers: &[Waiver],
    now: Unix,
) -> Vec<String> {
    let mut tallies: Vec<Tally> = waivers.iter().filter(|waiver| waiver.rules.is_empty()).map(Tally::new).collect();
    if tallies.is_empty() || reports.is_empty() {
        return Vec::new();
    }
    let names_by_group = names_by_group(reports, findings);
    for assessed in findings {
        let finding = finding_at(reports, assessed);
        let names = Names { own: OwnNames::of(finding), of_group: &names_by_group[&assessed.group] };
        for tally in &mut tallies {
            let covers = tally.judge(finding, &names, now);
            if covers && assessed.hidden.is_none() {
                assessed.hidden = Some(hidden(tally.waiver));
            }
        }
    }
    tallies.into_iter().flat_map(|tally| tally.notices(now)).collect()
}

/// How many findings that count today these waivers would hide.
pub(super) fn would_hide(
    reports: &[SourcedReport],
    findings: &[AssessedFinding],
    waivers: &[Waiver],
    now: Unix,
) -> usize {
    let mut after = findings.to_vec();
    apply(reports, &mut after, waivers, now);
    findings.iter().zip(&after).filter(|(before, after)| before.hidden.is_none() && after.hidden.is_some()).count()
}

/// Active exactly while now < until.
pub(super) fn active(waiver: &Waiver, now: Unix) -> bool {
    waiver.until.is_none_or(|until| now < until)
}

/// The waiver's subject, for people.
pub(super) fn described(waiver: &Waiver) -> String {
    let mut parts = Vec::new();
    parts.extend(waiver.id.clone());
    if !waiver.rules.is_empty() {
        parts.push(format!("rule {}", waiver.rules.join(", ")));
    }
    parts.extend(waiver.package.clone());
    let source = waiver.source.as_ref().map(|source| format!(", of {source},")).unwrap_or_default();
    format!("the waiver for {}{source}", parts.join(" in "))
}

/// `2026-03-01`, or with the time where it is not midnight.
pub fn date(time: Unix) -> String {
    let Ok(timestamp) = jiff::Timestamp::from_second(time.min(i64::MAX as u64) as i64) else {
        return time.to_string();
    };
    let text = timestamp.to_string();
    text.strip_suffix("T00:00:00Z").map(str::to_owned).unwrap_or(text)
}

pub(super) fn fix_is_available(finding: &Finding) -> bool {
    match &finding.detail {
        Detail::Vulnerability(vulnerability) => {
            let fix = &vulnerability.fix;
            fix.state == FixState::Fixed || !fix.versions.is_empty() || fix.suggested.is_some()
        }
        _ => false,
    }
}

/// What a waiver's id says of one finding.
#[derive(PartialEq)]
pub(super) enum IdMatch {
    Matches,
    /// The finding stands for several CVEs, of which the waiver names one.
    OneOfSeveral,
    No,
}

/// The id is upper-cased, as the names are.
pub(super) fn id_match(id: &str, names: &OwnNames) -> IdMatch {
    if names.linking.contains(id) {
        IdMatch::Matches
    } else if names.all.contains(id) {
        IdMatch::OneOfSeveral
    } else {
        IdMatch::No
    }
}

fn hidden(waiver: &Waiver) -> Hidden {
    Hidden { by: HiddenBy::Waiver, who: waiver.owner.clone(), why: waiver.reason.clone(), until: waiver.until }
}

fn names_by_group(reports: &[SourcedReport], findings: &[AssessedFinding]) -> HashMap<u32, BTreeSet<String>> {
    let mut names: HashMap<u32, BTreeSet<String>> = HashMap::new();
    for assessed in findings {
        names.entry(assessed.group).or_default().extend(OwnNames::of(finding_at(reports, assessed)).all);
    }
    names
}

/// The names of one finding, and those of its group, which other artifacts may claim.
struct Names<'a> {
    own: OwnNames,
    of_group: &'a BTreeSet<String>,
}

/// One waiver, and what became of it over all findings.
struct Tally<'a> {
    waiver: &'a Waiver,
    id: Option<String>,
    /// `None` where the waiver names no package; an unreadable pattern matches nothing and says so.
    package: Option<Result<PackagePattern, String>>,
    covered: u32,
    expired: u32,
    lapsed: u32,
    /// Ids to add, each with its reason.
    to_add: BTreeSet<(String, &'static str)>,
}

impl<'a> Tally<'a> {
    fn new(waiver: &'a Waiver) -> Self {
        let package = waiver.package.as_deref().map(PackagePattern::parse);
        let id = waiver.id.as_deref().map(upper);
        Self { waiver, id, package, covered: 0, expired: 0, lapsed: 0, to_add: BTreeSet::new() }
    }

    fn judge(&mut self, finding: &Finding, names: &Names<'_>, now: Unix) -> bool {
        let to_add = match self.id_match(names) {
            IdMatch::Matches => None,
            IdMatch::OneOfSeveral => Some("it stands for several CVEs"),
            IdMatch::No if self.group_says_otherwise(names) => {
                Some("only another artifact says that the two are the same")
            }
            IdMatch::No => return false,
        };
        if !self.package_matches(finding) {
            return false;
        }
        if let Some(reason) = to_add {
            self.to_add.insert((finding.id.clone(), reason));
            return false;
        }
        if !active(self.waiver, now) {
            self.expired += 1;
            return false;
        }
        if self.waiver.unless_fixed && fix_is_available(finding) {
            self.lapsed += 1;
            return false;
        }
        self.covered += 1;
        true
    }

    fn package_matches(&self, finding: &Finding) -> bool {
        match &self.package {
            None => true,
            Some(Err(_)) => false,
            Some(Ok(pattern)) => finding
                .package
                .as_ref()
                .and_then(|package| package.purl.as_deref())
                .is_some_and(|purl| pattern.matches(purl)),
        }
    }

    /// A waiver without an id is one for a package.
    fn id_match(&self, names: &Names<'_>) -> IdMatch {
        match &self.id {
            Some(id) => id_match(id, &names.own),
            None if self.package.is_some() => IdMatch::Matches,
            None => IdMatch::No,
        }
    }

    fn group_says_otherwise(&self, names: &Names<'_>) -> bool {
        self.id.as_ref().is_some_and(|id| names.of_group.contains(id))
    }

    fn notices(&self, now: Unix) -> Vec<String> {
        let subject = described(self.waiver);
        let mut notices = Vec::new();
        if let Some(Err(problem)) = &self.package {
            notices.push(format!("{subject} has no effect: {problem}"));
        }
        if let Some(until) = self.waiver.until.filter(|_| !active(self.waiver, now)) {
            let effect = match self.expired {
                0 => "it matches nothing and can be removed".to_owned(),
                count => format!("{} again", counted(count, "finding counts", "findings count")),
            };
            notices.push(format!("{subject} expired on {}: {effect}", date(until)));
        } else if self.covered == 0
            && self.lapsed == 0
            && self.to_add.is_empty()
            && !matches!(self.package, Some(Err(_)))
        {
            notices.push(format!("{subject} matches nothing in this evidence"));
        }
        if self.lapsed > 0 {
            let findings = counted(self.lapsed, "finding", "findings");
            notices.push(format!("{subject} no longer covers {findings}: a fix is available"));
        }
        for (id, reason) in &self.to_add {
            notices.push(format!("{subject} does not cover {id}: {reason}. Add {id} if it is meant"));
        }
        notices
    }
}

//! New, newly disclosed, existing, fixed: the findings of a commit held against those of its baseline, by identity and
//! never by line, column or commit. Counts decide: of three where two were before, one is new. Where there is nothing to
//! compare with, nothing is called new and nothing existing.

mod identity;
mod reduced;
mod sides;

#[cfg(test)]
mod tests;

pub use reduced::reduced;

use super::groups;
use super::records::{kind, package_name};
use crate::model::baseline::{AgeCounts, Baseline, BaselineRecord, Comparison, FixedRecord};
use crate::model::evidence::{Age, Evidence, ItemRef, SourcedReport};
use crate::model::report::{Coverage, Finding};
use identity::{Occurrence, Package, Problem, occurrences, packages};
use sides::{Side, differences};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::Hash;

/// More than this nobody reads in a check's text; the counts are whole.
const FIXED_KEPT: usize = 500;

/// Gives every finding its age, and the evidence its baseline. Answers what people should know.
pub fn compare(evidence: &mut Evidence, comparison: Comparison) -> BaselineRecord {
    let Comparison { branch, baseline, outage } = comparison;
    let Some(Baseline { runs, reports }) = baseline else {
        let counts = counts(evidence);
        return BaselineRecord { branch, outage, counts, ..BaselineRecord::default() };
    };
    let here = Side::of(&evidence.reports, &evidence.unreadable);
    let there = Side::of(&reports, &[]);
    let vocabulary = groups::Vocabulary::of(&reports);
    let before = occurrences(&reports, &groups::assess(&reports).0, &vocabulary);
    let now = occurrences(&evidence.reports, &evidence.findings, &vocabulary);
    let pairing = Pairing::of(&now, &before, (&here, &there));
    let known = Known {
        packages: packages(&reports),
        problems: before.iter().map(|occurrence| &occurrence.problem).collect(),
        side: &there,
    };
    for (occurrence, is_paired) in now.iter().zip(&pairing.existing) {
        let age = if *is_paired { Age::Existing } else { known.age(occurrence) };
        for &member in &occurrence.members {
            evidence.findings[member].age = age;
        }
    }
    let mut counts = counts(evidence);
    let fixed = fixed(&reports, &before, &pairing.gone);
    for gone in &fixed {
        counts.entry(gone.kind).or_default().fixed += 1;
    }
    let differences = differences(&here, &there);
    let named = |sourced: &SourcedReport| (sourced.source.path.clone(), sourced.digest, sourced.normalizer.clone());
    let named = reports.iter().map(named).collect();
    evidence.baseline = Some(reports);
    BaselineRecord {
        branch,
        runs,
        outage,
        reports: named,
        counts,
        fixed: fixed.into_iter().take(FIXED_KEPT).collect(),
        differences,
    }
}

/// What the baseline knows of.
struct Known<'a> {
    packages: HashSet<Package>,
    problems: HashSet<&'a Problem>,
    side: &'a Side,
}

impl Known<'_> {
    /// The age of what was not there before.
    fn age(&self, occurrence: &Occurrence) -> Age {
        match &occurrence.package {
            _ if !self.side.covers(occurrence.kind) => Age::Unknown,
            Some(package) if self.packages.contains(package) && !self.problems.contains(&occurrence.problem) => {
                Age::Disclosed
            }
            _ => Age::Introduced,
        }
    }
}

/// Which occurrences of now were there before, and which of before are gone.
struct Pairing {
    existing: Vec<bool>,
    gone: Vec<usize>,
}

impl Pairing {
    /// First by everything, then whatever the version, then whatever the place: what moved is existing.
    fn of(now: &[Occurrence], before: &[Occurrence], (here, there): (&Side, &Side)) -> Self {
        let mut existing = vec![false; now.len()];
        let mut left = vec![true; before.len()];
        let mut pass = Pass { now, before, existing: &mut existing, left: &mut left };
        pass.pair(|one| Some((&one.problem, &one.tool, &one.place, one.version())));
        pass.pair(|one| Some((&one.problem, &one.tool, &one.place)));
        pass.pair(|one| one.may_move.then_some((&one.problem, &one.tool)));
        other_tools(now, before, there, &mut existing);
        let still_here: HashSet<_> = now.iter().map(|one| &one.problem).collect();
        let is_gone = |one: &Occurrence| match here.has_tool(&one.tool) {
            true => here.tells_of_absence(one.kind),
            // Another tool looks now: it can say that the problem is there, not that it is not.
            false => here.tells_of_absence(one.kind) && one.any_tool && !still_here.contains(&one.problem),
        };
        let gone = (0..before.len()).filter(|&at| left[at] && is_gone(&before[at])).collect();
        Self { existing, gone }
    }
}

/// Pairs what is not paired yet.
struct Pass<'a, 'b> {
    now: &'a [Occurrence],
    before: &'a [Occurrence],
    existing: &'b mut [bool],
    left: &'b mut [bool],
}

impl<'a> Pass<'a, '_> {
    fn pair<K: Hash + Eq>(&mut self, key: impl Fn(&'a Occurrence) -> Option<K>) {
        let mut free: HashMap<K, Vec<usize>> = HashMap::new();
        // From the end, so that the first of them is taken first.
        for at in (0..self.before.len()).rev().filter(|&at| self.left[at]) {
            if let Some(key) = key(&self.before[at]) {
                free.entry(key).or_default().push(at);
            }
        }
        for (at, occurrence) in self.now.iter().enumerate().filter(|(at, _)| !self.existing[*at]).collect::<Vec<_>>() {
            let partner = key(occurrence).and_then(|key| free.get_mut(&key)?.pop());
            if let Some(partner) = partner {
                self.existing[at] = true;
                self.left[partner] = false;
            }
        }
    }
}

/// What a tool says that the baseline does not have is held against what all its tools said: the places of two tools
/// do not compare.
fn other_tools(now: &[Occurrence], before: &[Occurrence], there: &Side, existing: &mut [bool]) {
    let mut groups_before: HashMap<_, BTreeSet<u32>> = HashMap::new();
    for occurrence in before.iter().filter(|occurrence| occurrence.any_tool) {
        groups_before.entry(&occurrence.problem).or_default().insert(occurrence.group);
    }
    let mut groups_now: HashMap<_, BTreeSet<u32>> = HashMap::new();
    for (at, occurrence) in now.iter().enumerate() {
        if existing[at] || there.has_tool(&occurrence.tool) || !occurrence.any_tool {
            continue;
        }
        let most = groups_before.get(&occurrence.problem).map_or(0, BTreeSet::len);
        let taken = groups_now.entry((&occurrence.problem, &occurrence.tool)).or_default();
        if taken.contains(&occurrence.group) || taken.len() < most {
            taken.insert(occurrence.group);
            existing[at] = true;
        }
    }
}

/// Live groups by kind; a group is as new as its newest member.
fn counts(evidence: &Evidence) -> BTreeMap<Coverage, AgeCounts> {
    let mut newest: BTreeMap<u32, (Coverage, Age)> = BTreeMap::new();
    for assessed in evidence.findings.iter().filter(|assessed| assessed.hidden.is_none()) {
        let of = (kind(super::finding_at(&evidence.reports, assessed)), assessed.age);
        let known = newest.entry(assessed.group).or_insert(of);
        known.1 = newer(known.1, assessed.age);
    }
    let mut counts: BTreeMap<Coverage, AgeCounts> = BTreeMap::new();
    for (kind, age) in newest.into_values() {
        let counts = counts.entry(kind).or_default();
        match age {
            Age::Unknown => counts.unknown += 1,
            Age::Existing => counts.existing += 1,
            Age::Introduced => counts.introduced += 1,
            Age::Disclosed => counts.disclosed += 1,
        }
    }
    counts
}

/// Of two ages the one that weighs more.
pub(super) fn newer(one: Age, other: Age) -> Age {
    let weight = |age: Age| match age {
        Age::Existing => 0,
        Age::Disclosed => 1,
        Age::Unknown => 2,
        Age::Introduced => 3,
    };
    if weight(other) > weight(one) { other } else { one }
}

/// One entry for each group that is gone.
fn fixed(reports: &[SourcedReport], before: &[Occurrence], gone: &[usize]) -> Vec<FixedRecord> {
    let mut groups = HashSet::new();
    let fixed = gone.iter().map(|&at| &before[at]).filter(|occurrence| groups.insert(occurrence.group));
    let mut fixed: Vec<FixedRecord> = fixed
        .map(|occurrence| {
            let finding = finding(reports, occurrence.at);
            FixedRecord {
                kind: occurrence.kind,
                id: finding.id.clone(),
                package: package_name(finding),
                path: finding.locations.first().map(|location| location.path.clone()),
            }
        })
        .collect();
    fixed.sort();
    fixed
}

fn finding(reports: &[SourcedReport], at: ItemRef) -> &Finding {
    &reports[at.report as usize].report.findings[at.index as usize]
}

/// The ages of components: a package with the same licence claims was there before, whatever its version.
pub(super) struct ComponentAges {
    known: HashSet<identity::Licensed>,
    packages: HashSet<Package>,
    covered: bool,
}

impl ComponentAges {
    pub(super) fn of(baseline: Option<&[SourcedReport]>) -> Self {
        let reports = baseline.unwrap_or_default();
        let components = || reports.iter().flat_map(|sourced| &sourced.report.components);
        Self {
            known: components().map(identity::licensed).collect(),
            packages: packages(reports),
            covered: components().next().is_some(),
        }
    }

    pub(super) fn age(&self, component: &crate::model::report::Component) -> Age {
        if !self.covered {
            Age::Unknown
        } else if self.known.contains(&identity::licensed(component)) {
            Age::Existing
        } else if identity::package_of(component).is_some_and(|package| self.packages.contains(&package)) {
            Age::Disclosed
        } else {
            Age::Introduced
        }
    }
}

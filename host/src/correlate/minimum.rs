//! Evidence below a check's minimum is no evidence for it: neither findings nor components nor statements nor coverage.
//! What was left out, and why, is told; where nothing else is left, there is no verdict.

use super::judgement::reads_one_of;
use super::named;
use crate::model::artifact::UnreadableArtifact;
use crate::model::evidence::{Evidence, ItemRef, SourcedReport};
use crate::model::plan::PolicyPlan;
use crate::model::provenance::{Attestation, LeftOut, meets};
use crate::model::report::{Coverage, Provenance};
use crate::model::verdict::{EvidenceRef, Judged, Verdict};
use crate::model::{Broken, BrokenKind, Judgement};

/// What a check with a minimum sees of the evidence of its commit.
#[derive(Debug)]
pub struct View {
    pub left_out: Vec<LeftOut>,
    /// For each of its reports, which one of the whole evidence it is.
    place: Vec<u32>,
}

/// The parts of the whole that are good enough, correlated anew by `correlate`.
pub fn at_least(
    whole: &Evidence,
    minimum: Provenance,
    correlate: impl FnOnce(Vec<SourcedReport>, Vec<UnreadableArtifact>) -> Evidence,
) -> (Evidence, View) {
    let counts = |provenance: Option<Provenance>| meets(provenance, Some(minimum));
    let (reports, low_reports): (Vec<_>, Vec<_>) =
        whole.reports.iter().cloned().partition(|sourced| counts(sourced.source.provenance));
    let (unreadable, low_files): (Vec<_>, Vec<_>) =
        whole.unreadable.iter().cloned().partition(|file| counts(file.provenance));
    let evidence = correlate(reports, unreadable);
    let is =
        |one: &SourcedReport, other: &SourcedReport| (one.digest, &one.normalizer) == (other.digest, &other.normalizer);
    let place = evidence.reports.iter().map(|report| {
        let found = whole.reports.iter().position(|candidate| is(candidate, report));
        found.expect("the view has no report that the whole has not") as u32
    });
    let place = place.collect();
    let left_out = low_reports.iter().map(left_out_report).chain(low_files.iter().map(left_out_file)).collect();
    (evidence, View { left_out, place })
}

fn left_out_report(sourced: &SourcedReport) -> LeftOut {
    let run = sourced.source.run.as_ref();
    LeftOut {
        path: sourced.source.path.clone(),
        digest: Some(sourced.digest),
        provenance: sourced.source.provenance.expect("only evidence with a provenance is left out"),
        because: run.map_or_else(String::new, |run| run.because.clone()),
        unread: run.is_some_and(|run| run.unread),
        covers: sourced.report.covers.clone(),
    }
}

/// A file that nobody could read says nothing, and neither does where it came from: it is in nobody's way here.
fn left_out_file(file: &UnreadableArtifact) -> LeftOut {
    LeftOut {
        path: file.path.clone(),
        digest: file.digest,
        provenance: file.provenance.expect("only evidence with a provenance is left out"),
        because: format!("and it cannot be read: {}", file.reason),
        unread: false,
        covers: file.covers.clone(),
    }
}

impl View {
    /// Why a policy cannot be asked at all: of a kind that it reads, everything is left out.
    pub fn refusal(&self, evidence: &Evidence, policy: &PolicyPlan, minimum: Provenance) -> Option<Judgement> {
        let concerns = |covers: &[Coverage]| covers.is_empty() || reads_one_of(policy, covers);
        let trusted = |kind: &Coverage| evidence.reports.iter().any(|sourced| sourced.report.covers.contains(kind));
        let is_missing = |kind: &Coverage| (policy.reads.is_empty() || policy.reads.contains(kind)) && !trusted(kind);
        let lacks = |low: &LeftOut| match low.covers.is_empty() {
            // Of a file that nobody could read nobody knows what it would have covered.
            true => !evidence.reports.iter().any(|sourced| reads_one_of(policy, &sourced.report.covers)),
            false => low.covers.iter().any(is_missing),
        };
        let low: Vec<&LeftOut> = self.left_out.iter().filter(|low| concerns(&low.covers) && lacks(low)).collect();
        if low.is_empty() {
            return None;
        }
        let verdict = match low.iter().find(|low| low.unread) {
            Some(unread) => Judged::Outage(format!("{}: {}", unread.path, unread.because), None),
            None => Judged::Broken(untrusted(&low, minimum), None),
        };
        Some(Judgement { plugin: policy.plugin.to_string(), verdict, notices: Vec::new() })
    }

    /// The judgement with its references into the whole evidence, which is what the Record lists.
    pub fn renumbered(&self, mut judgement: Judgement) -> Judgement {
        let verdict: Option<&mut Verdict> = match &mut judgement.verdict {
            Judged::Verdict(verdict) => Some(verdict),
            Judged::Broken(_, verdict) | Judged::Outage(_, verdict) => verdict.as_mut(),
        };
        let place = |report: u32| self.place.get(report as usize).copied().unwrap_or(report);
        for reference in
            verdict.into_iter().flat_map(|verdict| &mut verdict.violations).flat_map(|one| &mut one.evidence)
        {
            *reference = match *reference {
                EvidenceRef::Finding(ItemRef { report, index }) => {
                    EvidenceRef::Finding(ItemRef { report: place(report), index })
                }
                EvidenceRef::Component(ItemRef { report, index }) => {
                    EvidenceRef::Component(ItemRef { report: place(report), index })
                }
                EvidenceRef::Report(report) => EvidenceRef::Report(place(report)),
                of_baseline => of_baseline,
            };
        }
        judgement
    }
}

fn untrusted(low: &[&LeftOut], minimum: Provenance) -> Broken {
    let paths: Vec<&str> = low.iter().map(|low| low.path.as_str()).collect();
    let best = low.iter().max_by_key(|low| low.provenance).expect("there is something");
    let because = if best.because.is_empty() { String::new() } else { format!(", because {}", best.because) };
    let message = format!("{} is {}{because}; this check asks for {minimum}", named(&paths), best.provenance);
    Broken::new(BrokenKind::Untrusted, message).hint(way_up(best.provenance, minimum))
}

/// What would raise the tier, for people.
fn way_up(tier: Provenance, minimum: Provenance) -> &'static str {
    match (tier, minimum) {
        (Provenance::Fork, _) => {
            "a fork's evidence never gets further by itself; push the change to a branch of this repository"
        }
        (_, Provenance::Attested) => {
            "have the run that makes it attest it with `actions/attest-build-provenance`, signed by a workflow as the \
             default branch has it or by one of `artifacts.trusted_workflows`"
        }
        (Provenance::ChangedWorkflow, _) => {
            "leave workflows and actions as they are on the base branch, and bring the branch up to date with it"
        }
        (_, Provenance::TrustedWorkflow) => "have it made by a reusable workflow of `artifacts.trusted_workflows`",
        _ => "nothing raises it further",
    }
}

/// One sentence for each run whose evidence is worth less than the repository's own, and why.
pub fn of_low_provenance(evidence: &Evidence) -> Vec<String> {
    let mut told = std::collections::BTreeMap::new();
    for sourced in &evidence.reports {
        let (Some(provenance), Some(run)) = (sourced.source.provenance, &sourced.source.run) else { continue };
        if provenance < Provenance::Repository {
            let (_, paths) = told.entry(run.id).or_insert((run, Vec::new()));
            paths.push(sourced.source.path.as_str());
        }
    }
    let sentence = |(run, paths): (&crate::model::artifact::RunSource, Vec<&str>)| {
        let tier = if run.is_fork() { Provenance::Fork } else { Provenance::ChangedWorkflow };
        let because = if run.because.is_empty() { String::new() } else { format!(", because {}", run.because) };
        format!("{} of workflow run {} ({}) is {tier}{because}", named(&paths), run.id, run.workflow_path)
    };
    told.into_values().map(sentence).collect()
}

/// One sentence for each report whose attestations do not hold: somebody signed something, and it raised nothing.
pub fn refused_attestations(evidence: &Evidence) -> Vec<String> {
    let refused = evidence.reports.iter().filter_map(|sourced| {
        match sourced.source.run.as_ref().and_then(|run| run.attestation.as_ref()) {
            Some(Attestation::Refused { because }) => {
                Some(format!("the attestation of {} does not count: {because}", sourced.source.path))
            }
            Some(Attestation::Verified { .. }) | None => None,
        }
    });
    refused.collect()
}

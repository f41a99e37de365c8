//! What is read of the repository beside the artifacts, at the same time as them.

use super::bases::{MOST_BASES, Standpoint, bases};
use super::branches::Branches;
use super::overlays::{Base, Overlay};
use super::provenance::{Seen, Tiers, question};
use super::{Failure, Inputs, Pipeline, at};
use crate::github::GitHubError;
use crate::model::changes::{Changes, Extent};
use crate::model::{ChangedLines, Plan, WorkflowRun};
use crate::policy::Target;
use crate::policy::overlay::{Found, Layers, refused, unreachable};
use crate::queue::Lease;
use crate::state::CommitState;
use std::collections::BTreeMap;

/// The commit's surroundings as a judgement needs them.
#[derive(Debug)]
pub struct Around {
    /// How far the uploads of each run can be trusted.
    pub tiers: Tiers,
    /// What each open pull request changes, by number.
    pub changes: BTreeMap<u64, Result<Changes, GitHubError>>,
    /// What repository and organisation add to the plan.
    pub overlay: Overlay,
    /// One for each base branch.
    pub standpoints: Vec<Standpoint>,
    /// Nothing was read: somebody opened more pull requests of this commit than anybody needs.
    pub too_many_bases: bool,
}

impl Pipeline {
    /// Reads everything at once. What cannot be had is told in the answer; only a rate limit makes the job wait.
    pub(super) async fn look_around(
        &self,
        lease: &Lease,
        commit: &CommitState,
        runs: &[WorkflowRun],
    ) -> Result<Around, Failure> {
        if bases(commit).len() > MOST_BASES {
            return Ok(Around {
                tiers: Tiers::default(),
                changes: BTreeMap::new(),
                overlay: Overlay::Layers { layers: Layers::default(), base: Base::DoesNot },
                standpoints: Vec::new(),
                too_many_bases: true,
            });
        }
        let at = at(lease);
        let branches = &Branches::new(&self.github, lease, commit);
        let question = question((&at, branches), &lease.commit.sha, commit, (runs, &self.plan.trusted_workflows));
        let overlay = self.overlay(lease, commit, branches);
        let read = async { Ok(futures::try_join!(self.comparer.compare(&question), overlay)?) };
        let ((compared, overlay), standpoints) = futures::try_join!(read, self.standpoints(lease, commit, branches))?;
        let changed = changed(lease, commit, &compared.changes);
        let overlay = self.overlays.propose(&self.github, lease, overlay, changed.as_deref()).await?;
        let overlay = self.with_good_ones(lease, commit, overlay).await?;
        let (tiers, changes) = (compared.tiers, compared.changes);
        Ok(Around { tiers, changes, overlay, standpoints, too_many_bases: false })
    }

    /// The last read: which of the uploads are attested, where anybody asks.
    pub(super) async fn attest(
        &self,
        lease: &Lease,
        commit: &CommitState,
        plan: &Plan,
        inputs: &mut Inputs,
    ) -> Result<(), Failure> {
        let Some(attester) = &self.attester else { return Ok(()) };
        let default_branch = commit.origin.as_ref().and_then(|origin| origin.default_branch.as_deref());
        let at = at(lease);
        Ok(attester.attest(Seen { at: &at, default_branch, plan }, inputs).await?)
    }

    /// Keeps the text of files without fault, and gives those with one their last text without.
    async fn with_good_ones(
        &self,
        lease: &Lease,
        commit: &CommitState,
        mut overlay: Overlay,
    ) -> Result<Overlay, Failure> {
        let Overlay::Layers { layers, .. } = &mut overlay else { return Ok(overlay) };
        let plan = self.plan_for(lease, commit);
        for layer in layers.organisation.iter_mut().chain(&mut layers.repository) {
            let place = layer.place.clone();
            match &layer.found {
                Found::Text(text) if self.rules.is_good(&plan, layer, lease.now()) => {
                    self.state.remember_good_overlay(&place, text).await?;
                }
                Found::Text(_) | Found::Unusable(_) => layer.last_good = self.state.good_overlay(&place).await?,
                // Whoever removes the file does so on purpose.
                Found::Absent | Found::Refused(_) => {}
            }
        }
        Ok(overlay)
    }

    async fn overlay(
        &self,
        lease: &Lease,
        commit: &CommitState,
        branches: &Branches<'_>,
    ) -> Result<Overlay, GitHubError> {
        match self.rules.reads_overlays() {
            true => self.overlays.read(&self.github, (lease, commit), branches).await,
            false => Ok(Overlay::Layers { layers: Layers::default(), base: Base::DoesNot }),
        }
    }

    /// What the operator's configuration asks of this commit, before anything of it is read: whatever depends on files
    /// that change applies.
    pub(super) fn plan_for(&self, lease: &Lease, commit: &CommitState) -> Plan {
        self.rules.plan(&target(lease, commit, None))
    }

    /// The same with what was read.
    pub(super) fn plan_within(&self, lease: &Lease, commit: &CommitState, around: &Around) -> Plan {
        let changed = changed(lease, commit, &around.changes);
        let plan = self.rules.plan(&target(lease, commit, changed.as_deref()));
        if around.too_many_bases {
            return refused(plan, "the commit is the head of pull requests into more than eight branches: close some");
        }
        match &around.overlay {
            Overlay::Layers { layers, .. } => self.rules.overlaid(plan, layers, lease.job().now),
            Overlay::Outage(why) => unreachable(plan, why),
        }
    }
}

fn target<'a>(lease: &'a Lease, commit: &'a CommitState, changed: Option<&'a [String]>) -> Target<'a> {
    let origin = commit.origin.as_ref();
    Target {
        repository: &lease.commit.repository,
        topics: origin.map_or(&[], |origin| &origin.topics),
        language: origin.and_then(|origin| origin.language.as_deref()),
        changed,
    }
}

impl Around {
    /// Every path that one of the commit's pull requests touches, each once and in order; absent where one is unknown.
    pub fn changed_paths(&self, lease: &Lease, commit: &CommitState) -> Option<Vec<String>> {
        let mut paths = changed(lease, commit, &self.changes)?;
        paths.sort_unstable();
        paths.dedup();
        Some(paths)
    }

    /// The lines that the pull request changes. Of several pull requests with this head the first one's: they share it.
    pub fn changed_lines(&self, commit: &CommitState) -> Option<ChangedLines> {
        let number = commit.pull_requests.keys().next()?;
        let changes = self.changes.get(number)?.as_ref().ok()?;
        let files = changes.files.iter().map(|file| (file.path.as_str(), file.patch.as_deref()));
        Some(ChangedLines::of(files))
    }
}

/// Every path that one of the commit's pull requests touches. Unknown if one of them cannot be read, is too large for
/// GitHub to list, or is of another head; so it is for a commit without a pull request, and for an empty list, which
/// does not say of which head it is.
fn changed(
    lease: &Lease,
    commit: &CommitState,
    changes: &BTreeMap<u64, Result<Changes, GitHubError>>,
) -> Option<Vec<String>> {
    let mut paths = Vec::new();
    for number in commit.pull_requests.keys() {
        let changes = changes.get(number)?.as_ref().ok()?;
        if changes.extent == Extent::Cut || changes.head_sha.as_ref() != Some(&lease.commit.sha) {
            return None;
        }
        paths.extend(changes.paths().map(str::to_owned));
    }
    let known = commit.merge_group.is_none() && !paths.is_empty();
    known.then_some(paths)
}

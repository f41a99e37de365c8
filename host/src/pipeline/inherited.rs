//! A merge group that would bring in exactly what a pull request's head holds: where the operator says so, a check that
//! passed there has passed here. The tree of files decides, not the number in the queue's branch: that is only a hint where
//! to look.

use super::rules_changed::LOOKS;
use super::{Failure, Pipeline, at};
use crate::github::GitHubError;
use crate::model::event::MergeGroup;
use crate::model::plan::Conclusion;
use crate::model::publication::{CheckPublication, CheckState};
use crate::model::{CheckName, CommitKey, HeadSha, JobId, Plan};
use crate::queue::Lease;
use crate::report;
use crate::state::CommitState;

/// What becomes of a merge group's checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MergeGroups {
    /// Each is judged by what the group's own runs bring.
    #[default]
    Reevaluate,
    /// What passed on a pull request's head with the same tree has passed.
    InheritIfSameTree,
}

impl Pipeline {
    /// Ends the checks of a merge group that have passed on its pull request's head, if both hold the same files. Looked
    /// for once, when the group is first heard of: what is judged later on the head changes nothing.
    pub(super) async fn inherit(&self, lease: &Lease, commit: &mut CommitState) -> Result<(), Failure> {
        let Some(group) = commit.merge_group.clone() else { return Ok(()) };
        if self.merge_groups != MergeGroups::InheritIfSameTree || commit.sought_same_tree {
            return Ok(());
        }
        if let Some(head) = self.head_with_same_tree(lease, &group).await? {
            let passed = self.passed_at(lease, &head, commit).await?;
            for (publication, job) in &passed {
                commit.decisions.insert(publication.check.clone(), job.clone());
                commit.inherited.insert(publication.check.clone());
            }
            let publications: Vec<CheckPublication> = passed.into_iter().map(|(publication, _)| publication).collect();
            self.publisher.send(lease, commit, &publications).await?;
        }
        commit.sought_same_tree = true;
        Ok(self.state.remember_commit(&lease.commit, commit).await?)
    }

    async fn head_with_same_tree(&self, lease: &Lease, group: &MergeGroup) -> Result<Option<HeadSha>, Failure> {
        let Some(number) = number_of(&group.head_ref) else { return Ok(None) };
        let at = at(lease);
        let pull = match self.github.pull_request(&at, number).await {
            Ok(pull) if pull.base_branch == group.base_branch => pull,
            Ok(_) | Err(GitHubError::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let trees = futures::try_join!(self.github.tree(&at, &group.head_sha), self.github.tree(&at, &pull.head_sha))?;
        match trees {
            (Some(ours), Some(theirs)) if ours == theirs => Ok(Some(pull.head_sha)),
            _ => Ok(None),
        }
    }

    /// The checks of this commit that passed at another one, as they are shown there.
    async fn passed_at(
        &self,
        lease: &Lease,
        head: &HeadSha,
        commit: &CommitState,
    ) -> Result<Vec<(CheckPublication, JobId)>, Failure> {
        let key = CommitKey { sha: head.clone(), ..lease.commit.clone() };
        let judged = self.state.commit(&key).await?;
        let plan = self.plan_for(lease, commit);
        let policy = plan.policy();
        // What passed by other rules says nothing here. After a change of `.palisade.yml` the head is looked at again, and
        // that takes its fingerprint away.
        if judged.fingerprint.is_none() || judged.policy.as_ref() != Some(&policy) {
            return Ok(Vec::new());
        }
        if self.state.is_look_claimed(&key, &LOOKS).await? {
            return Ok(Vec::new());
        }
        let mut passed = Vec::new();
        for check in plan.checks {
            let state = judged.checks.get(&check.name).map(|handle| handle.state);
            let (Some(CheckState::Completed(Conclusion::Success)), Some(job)) =
                (state, judged.decisions.get(&check.name))
            else {
                continue;
            };
            if let Some(publication) = self.shown_at(head, &check.name, job).await? {
                let publication = CheckPublication { policy: Some(policy.clone()), ..publication };
                passed.push((publication, job.clone()));
            }
        }
        Ok(passed)
    }

    async fn shown_at(
        &self,
        head: &HeadSha,
        check: &CheckName,
        job: &JobId,
    ) -> Result<Option<CheckPublication>, Failure> {
        let Some(mut record) = self.state.decision(job).await? else { return Ok(None) };
        let sha = &head.as_str()[..12];
        record
            .notices
            .insert(0, format!("inherited from {sha} because it has the same tree of files and passed there"));
        let shown = report::render(&record, &self.publisher.presentation).into_iter();
        let passed = CheckState::Completed(Conclusion::Success);
        // The decision may have been made for fewer checks, or its record be of an older one.
        Ok(shown.into_iter().find(|publication| publication.check == *check && publication.state == passed))
    }
}

/// Takes out of a plan what a merge group has from its pull request's head.
pub(super) fn keep_uninherited(plan: &mut Plan, commit: &CommitState) {
    plan.checks.retain(|check| !commit.inherited.contains(&check.name));
}

/// Of `refs/heads/gh-readonly-queue/main/pr-17-<sha>`.
fn number_of(head_ref: &str) -> Option<u64> {
    head_ref.rsplit('/').next()?.strip_prefix("pr-")?.split('-').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_s_branch_names_its_last_pull_request() {
        assert_eq!(number_of("refs/heads/gh-readonly-queue/release/1.x/pr-17-abc"), Some(17));
        assert_eq!(number_of("refs/heads/gh-readonly-queue/main/other"), None);
    }
}

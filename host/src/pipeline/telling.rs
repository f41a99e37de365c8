//! A decision is told: its checks, then its comment. It is recorded before, so that what a limit, an outage or a restart
//! keeps from being written is written later, and nothing is judged twice for it.

use super::{Failure, Pipeline};
use crate::model::{CheckName, Digest, Plan, Record};
use crate::queue::Lease;
use crate::report;
use crate::state::{CommitState, Owed};
use std::collections::BTreeSet;
use std::time::Instant;

impl Pipeline {
    /// The decision that is still to be told, if it is the one that would be made now.
    pub(super) async fn owed(
        &self,
        lease: &Lease,
        commit: &mut CommitState,
        (fingerprint, asked): (&Digest, &BTreeSet<CheckName>),
    ) -> Result<Option<(Owed, Record)>, Failure> {
        let is_owed = is_owed(lease, commit, asked);
        let Some(owed) = commit.owed.take().filter(|owed| is_owed && owed.fingerprint == *fingerprint) else {
            return Ok(None);
        };
        // A record that is gone is made again.
        let record = self.state.decision(&owed.job).await?;
        Ok(record.map(|record| (owed, record)))
    }

    /// Writes what a record says to GitHub, and remembers that it did.
    pub(super) async fn tell(
        &self,
        lease: &Lease,
        mut commit: CommitState,
        (owed, record): (Owed, Record),
    ) -> Result<(), Failure> {
        let mut publications = report::render(&record, &self.publisher.presentation);
        let undecided = report::undecided(&record);
        let policy = undecided.is_none().then(|| self.plan_for(lease, &commit).policy());
        publications.iter_mut().for_each(|shown| shown.policy = policy.clone());
        publications.extend(owed.left_over.iter().map(|check| report::not_evaluated(check, LEFT_OVER)));
        // What was no decision is better made than told late.
        commit.owed = undecided.is_none().then(|| owed.clone());
        if publications.iter().any(|publication| !commit.checks.contains_key(&publication.check)) {
            // An overlay gives a check its enforced name: it may have been created before.
            self.publisher.adopt(lease, &mut commit).await?;
        }
        let publishing = Instant::now();
        self.publisher.send(lease, &mut commit, &publications).await?;
        commit.owed = None;
        self.publisher.comment(lease, &mut commit, &record).await;
        self.metrics.job_seconds.with_label_values(&["publish"]).observe(publishing.elapsed().as_secs_f64());
        if owed.partly && undecided.is_none() {
            return Ok(self.state.remember_commit(&lease.commit, &commit).await?);
        }
        commit.policy = policy;
        self.settle(lease, commit, owed.fingerprint, undecided).await
    }
}

/// Whether a decision is still to be told that answers what is asked for now. Who asks anew gets a new one.
pub(super) fn is_owed(lease: &Lease, commit: &CommitState, asked: &BTreeSet<CheckName>) -> bool {
    let same_request = |owed: &Owed| asked.is_empty() || lease.jobs.iter().any(|job| job.id == owed.job);
    commit.owed.as_ref().is_some_and(|owed| owed.asked == *asked && same_request(owed))
}

const LEFT_OVER: &str = "it does not apply here any more, or goes by another name";

/// Checks that were opened and are not planned any more: one that left dry-run goes by another name.
pub(super) fn left_over(commit: &CommitState, plan: &Plan) -> Vec<CheckName> {
    let planned = |name: &CheckName| plan.checks.iter().any(|check| check.name == *name);
    let open = commit.checks.iter().filter(|(name, handle)| handle.is_open() && !planned(name));
    open.map(|(name, _)| name.clone()).collect()
}

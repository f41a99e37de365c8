//! A push that changes `.palisade.yml` where it counts: the open pull requests that it counts for are judged again, a few at
//! a time, and each once however many pushes there are.

use super::branches::Branches;
use super::overlays::ORGANISATION_S;
use super::{Failure, Pipeline, own_job};
use crate::model::event::{PushEvent, RulesFile};
use crate::model::{CommitKey, JobKind};
use crate::queue::Lease;
use crate::state::{CommitState, HeadsOf, KnownHead};
use std::time::Duration;

/// A fifth of the 5,000 requests that the smallest installation has in an hour, at about ten for each judgement.
const MOST_HEADS: u64 = 100;
/// Between two of them: five requests a second leave room for what goes on beside them.
const EVERY_S: u64 = 2;

/// What a look is claimed for: the file of the repository, and that of the organisation.
pub(super) const LOOKS: [&str; 2] = ["repository", "organisation"];

/// The organisation's repository, whose file counts for all of its repositories.
const ORGANISATION: &str = ".github";

/// Which pull requests a changed file counts for.
enum Concerned<'a> {
    /// Those into this protected branch.
    Into(&'a str),
    /// Those of the repository whose own base branch does not count.
    Others { default: &'a str },
    /// All of the owner's.
    Everywhere,
}

impl Pipeline {
    /// Has heads judged again for which a file counts that one of the lease's pushes changed.
    pub(super) async fn tell_of_changed_rules(&self, lease: &Lease, commit: &CommitState) -> Result<(), Failure> {
        let branches = Branches::new(&self.github, lease, commit);
        for job in &lease.jobs {
            let JobKind::Push(event) = &job.kind else { continue };
            if event.rules == RulesFile::Untouched || !self.rules.reads_overlays() {
                continue;
            }
            if let Some(concerned) = concerned(lease, event, &branches).await? {
                self.judge_again(lease, &concerned).await?;
            }
        }
        Ok(())
    }

    async fn judge_again(&self, lease: &Lease, concerned: &Concerned<'_>) -> Result<(), Failure> {
        let (of, first) = match concerned {
            Concerned::Into(_) | Concerned::Others { .. } => (HeadsOf::Repository(&lease.commit.repository), 0),
            // As long as an instance may still believe what the file said before.
            Concerned::Everywhere => (HeadsOf::Owner(lease.commit.repository.owner()), ORGANISATION_S),
        };
        let now = self.clock.now();
        let (mut looks, mut left_out): (u64, u64) = (0, 0);
        for known in self.state.known_heads(of).await? {
            let commit = commit_of(lease, &known);
            if !self.is_concerned(&commit, &known, concerned).await? {
                continue;
            }
            if looks >= MOST_HEADS {
                left_out += 1;
                continue;
            }
            let after_s = first + looks * EVERY_S;
            // One look stands for all that are wanted for one file until it comes.
            let [repository, organisation] = LOOKS;
            let why = if first == 0 { repository } else { organisation };
            let claim = (why, Duration::from_secs(after_s));
            if after_s == 0 || self.state.claim_look(&commit, claim).await? {
                let due = now + after_s;
                self.queue.schedule(own_job(&commit, JobKind::RulesChanged, due), due).await?;
            }
            looks += 1;
        }
        if left_out > 0 {
            tracing::warn!(left_out, "pull requests are judged by the changed rules at their next event only");
        }
        tracing::info!(looks, "the rules of a repository changed: open pull requests are judged again");
        Ok(())
    }

    async fn is_concerned(
        &self,
        commit: &CommitKey,
        known: &KnownHead,
        concerned: &Concerned<'_>,
    ) -> Result<bool, Failure> {
        let state = self.state.commit(commit).await?;
        let Some(pull) = state.pull_requests.get(&known.pull_request) else { return Ok(false) };
        Ok(match concerned {
            Concerned::Everywhere => true,
            Concerned::Into(branch) => pull.base_branch == *branch,
            Concerned::Others { default } => {
                let known = self.state.protection(&commit.repository, &pull.base_branch).await?;
                pull.base_branch == *default || known != Some(true)
            }
        })
    }
}

/// Whom a changed file on the branch counts for, if it counts at all.
async fn concerned<'a>(
    lease: &Lease,
    event: &'a PushEvent,
    branches: &Branches<'_>,
) -> Result<Option<Concerned<'a>>, Failure> {
    let Some(branch) = event.reference.strip_prefix("refs/heads/") else { return Ok(None) };
    if branches.default_branch() != Some(branch) {
        return Ok(branches.is_trusted(branch).await?.then_some(Concerned::Into(branch)));
    }
    let everywhere = lease.commit.repository.name() == ORGANISATION;
    Ok(Some(if everywhere { Concerned::Everywhere } else { Concerned::Others { default: branch } }))
}

fn commit_of(lease: &Lease, known: &KnownHead) -> CommitKey {
    let (repository, sha) = (known.repository.clone(), known.head.sha.clone());
    CommitKey { installation: lease.commit.installation, repository, sha }
}

//! Who asks for which checks again: GitHub's *Re-run* and *Re-run all*, and our own buttons.

use super::accept::{Press, accept};
use super::{Failure, Pipeline, at};
use crate::model::event::{CheckRunEvent, CheckRunRequest, CheckSuiteAction};
use crate::model::plan::{Conclusion, configured_name};
use crate::model::provenance::AcceptKey;
use crate::model::publication::{Button, CheckState};
use crate::model::{CheckName, JobKind, Plan};
use crate::publish::check_of;
use crate::queue::Lease;
use crate::report;
use crate::state::CommitState;
use crate::telemetry::audit::{Act, Line, tell};
use std::collections::BTreeSet;

/// What *Re-run all checks* means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RerunScope {
    #[default]
    All,
    /// Those whose last conclusion was not success.
    Failed,
}

impl Pipeline {
    /// The checks that somebody who may do so asked for again. Nothing is created for it: a check that is not on GitHub
    /// is not asked for.
    pub(super) async fn asked_again(
        &self,
        lease: &Lease,
        commit: &mut CommitState,
    ) -> Result<BTreeSet<CheckName>, Failure> {
        let mut asked = BTreeSet::new();
        if !lease.jobs.iter().any(|job| is_request(&job.kind)) {
            return Ok(asked);
        }
        let plan = self.plan_for(lease, commit);
        if plan.checks.iter().any(|check| !commit.checks.contains_key(&check.name)) {
            self.publisher.adopt(lease, commit).await?;
        }
        for job in &lease.jobs {
            match &job.kind {
                JobKind::CheckRun(event) => {
                    let check = self.one_check(lease, commit, &plan, event).await?;
                    let press = check.clone().zip(accept_key(&event.request));
                    asked.extend(match press {
                        Some(pressed) => self.accept(lease, commit, (pressed, event)).await?,
                        None => check,
                    });
                }
                JobKind::CheckSuite(event) if event.action == CheckSuiteAction::Rerequested => {
                    asked.extend(of_suite(&plan, commit, self.rerun_scope));
                }
                _ => {}
            }
        }
        asked.retain(|check| commit.checks.contains_key(check));
        Ok(asked)
    }

    /// Shows how the last decision came about, in the check itself. Nothing is judged for it.
    async fn explain(
        &self,
        lease: &Lease,
        commit: &mut CommitState,
        (check, event): (&CheckName, &CheckRunEvent),
    ) -> Result<(), Failure> {
        let sender = event.sender.as_deref().unwrap_or_default();
        let may = self.github.may_write(&at(lease), sender).await?;
        tracing::info!(%check, button = "explain", sender, allowed = may, "a button was pressed");
        let stands = commit.checks.get(check).map(|handle| handle.state);
        let (Some(job), Some(stands), true) = (commit.decisions.get(check), stands, may) else { return Ok(()) };
        let record = self.state.decision(job).await?;
        let presentation = &self.publisher.presentation;
        let shown = record.and_then(|record| report::explained(&record, check, presentation));
        match shown {
            // What is explained is what stands: an older result never comes back this way.
            Some(shown) if shown.state != stands => Ok(()),
            Some(mut shown) => {
                shown.policy = commit.policy.clone().filter(|_| commit.fingerprint.is_some());
                Ok(self.publisher.send(lease, commit, &[shown]).await?)
            }
            None => {
                tracing::info!(%check, "the decision is not kept any more: a re-run makes it anew");
                Ok(())
            }
        }
    }

    async fn one_check(
        &self,
        lease: &Lease,
        commit: &mut CommitState,
        plan: &Plan,
        event: &CheckRunEvent,
    ) -> Result<Option<CheckName>, Failure> {
        let Some(check) = named(plan, lease, event) else {
            tracing::info!(name = event.name, "a check is asked for that is not ours or not configured any more");
            return Ok(None);
        };
        let known = commit.checks.contains_key(&check);
        let CheckRunRequest::Button(button) = &event.request else { return Ok(known.then_some(check)) };
        match Button::from_identifier(button) {
            Some(Button::Rerun) => {
                let sender = event.sender.as_deref().unwrap_or_default();
                let may = self.github.may_write(&at(lease), sender).await?;
                tracing::info!(%check, button, sender, allowed = may, "a button was pressed");
                Ok((known && may).then_some(check))
            }
            Some(Button::Explain) => {
                self.explain(lease, commit, (&check, event)).await?;
                Ok(None)
            }
            Some(Button::Accept(_)) => Ok(known.then_some(check)),
            None => {
                tracing::info!(%check, button, "a button was pressed that does nothing");
                Ok(None)
            }
        }
    }
}

impl Pipeline {
    /// Somebody presses *Accept evidence*. A press that has no effect is only told in the log.
    async fn accept(
        &self,
        lease: &Lease,
        commit: &mut CommitState,
        ((check, key), event): ((CheckName, AcceptKey), &CheckRunEvent),
    ) -> Result<Option<CheckName>, Failure> {
        let by = event.sender.as_deref().unwrap_or_default();
        let may_write = self.github.may_write(&at(lease), by).await?;
        let press = Press { by, may_write, key, at: lease.job().now };
        match accept(press, commit, commit.waiting.get(&check)) {
            Ok(acceptance) => {
                tracing::info!(%check, by, evidence = %acceptance.evidence, "evidence was accepted");
                let before = commit.accepted.insert(check.clone(), acceptance);
                self.state.remember_commit(&lease.commit, commit).await?;
                // A job that comes again accepts what is accepted.
                if before.as_ref() != commit.accepted.get(&check) {
                    let line =
                        Line { result: "accepted", actor: Some(by), commit: Some(&lease.commit), ..Line::default() };
                    tell(Act::Accept, &Line { check: Some(&check), ..line });
                }
                Ok(Some(check))
            }
            Err(refused) => {
                tracing::info!(%check, by, %refused, "evidence was not accepted");
                Ok(None)
            }
        }
    }
}

fn accept_key(request: &CheckRunRequest) -> Option<AcceptKey> {
    match request {
        CheckRunRequest::Button(button) => AcceptKey::from_identifier(button),
        CheckRunRequest::Rerun => None,
    }
}

pub(super) fn is_request(kind: &JobKind) -> bool {
    match kind {
        JobKind::CheckRun(_) => true,
        JobKind::CheckSuite(event) => event.action == CheckSuiteAction::Rerequested,
        _ => false,
    }
}

/// By what we wrote into the run; by its exact name where that is gone.
fn named(plan: &Plan, lease: &Lease, event: &CheckRunEvent) -> Option<CheckName> {
    let check = match &event.external_id {
        Some(id) => check_of(&lease.commit, id),
        None => CheckName::parse(&event.name).ok(),
    };
    // A check that its repository took out of dry-run goes by the name without it.
    check.filter(|check| plan.checks.iter().any(|planned| planned.configured_name() == configured_name(check)))
}

fn of_suite(plan: &Plan, commit: &CommitState, scope: RerunScope) -> Vec<CheckName> {
    let passed = |check: &CheckName| {
        commit.checks.get(check).is_some_and(|handle| handle.state == CheckState::Completed(Conclusion::Success))
    };
    let names = plan.checks.iter().map(|check| &check.name);
    names.filter(|check| scope == RerunScope::All || !passed(check)).cloned().collect()
}

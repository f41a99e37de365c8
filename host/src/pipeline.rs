//! The straight line for one commit: remember, plan, open, fetch, judge, record, publish. Reads GitHub before it
//! judges and writes to it afterwards; between them lies a function of data.

mod accept;
mod around;
mod baselines;
mod bases;
mod branches;
mod failure;
mod heads;
mod inherited;
mod judge;
mod material;
mod minimum;
mod overlays;
mod provenance;
mod remember;
mod reports;
mod requests;
mod rules_changed;
mod telling;

pub use baselines::Seeking;
pub use bases::{Asked, judge_from, standpoints_of};
pub use failure::Failure;
pub use inherited::MergeGroups;
pub use judge::{Case, Inputs, Judge, Unclaimed, Uploads};
pub use material::Gone;
pub use overlays::OverlayReader;
pub use provenance::{Attester, Comparer, Tiers};
pub use reports::{Reader, Readings};
pub use requests::RerunScope;

use crate::artifacts::Fetcher;
use crate::github::{GitHub, GitHubError, RepositoryAt};
use crate::model::event::PullRequestAction;
use crate::model::plan::{CheckPlan, configured_name};
use crate::model::record::Runs;
use crate::model::{CheckName, Clock, CommitKey, Digest, Job, JobId, JobKind, Plan, Unix, WorkflowRun};
use crate::plugins::Catalogue;
use crate::policy::Rules;
use crate::publish::Publisher;
use crate::queue::{JobQueue, Lease};
use crate::report::{self, Undecided};
use crate::runtime::{Call, Runtime};
use crate::state::{CheckHandle, CommitState, Owed, State};
use crate::telemetry::{Metrics, spans};
use futures::future::try_join_all;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What the line needs of the world. One for the process, shared by all workers.
#[derive(Debug)]
pub struct Pipeline {
    pub clock: Arc<dyn Clock>,
    pub github: GitHub,
    pub state: State,
    pub queue: Arc<dyn JobQueue>,
    pub fetcher: Arc<Fetcher>,
    pub comparer: Comparer,
    /// Absent where the operator names no roots of trust.
    pub attester: Option<Attester>,
    pub runtime: Arc<Runtime>,
    pub catalogue: Arc<Catalogue>,
    pub judge: Judge,
    /// What every job's plan is made from.
    pub rules: Arc<Rules>,
    pub overlays: OverlayReader,
    /// With every check, for what is the same in all repositories.
    pub plan: Arc<Plan>,
    pub seeking: Seeking,
    /// What *Re-run all checks* means.
    pub rerun_scope: RerunScope,
    pub merge_groups: MergeGroups,
    pub publisher: Publisher,
    pub metrics: Metrics,
}

impl Pipeline {
    /// Judges one commit: read, judge, write, in that order and once each.
    pub async fn judge(&self, lease: &Lease) -> Result<(), Failure> {
        if !self.state.serves(&lease.commit).await? {
            tracing::info!("nothing is done: the installation was removed, suspended, or lost this repository");
            return Ok(());
        }
        self.github.ready(lease.commit.installation)?;
        let mut commit = self.recollect(lease).await?;
        self.supersede_older_heads(lease).await?;
        self.tell_of_changed_rules(lease, &commit).await?;
        self.find_pull_requests(lease, &mut commit).await?;
        let asked = self.asked_again(lease, &mut commit).await?;
        if asked.is_empty() {
            if let Some(reason) = commit.superseded.clone() {
                return self.end(lease, &mut commit, &reason).await;
            }
            if !remember::wants_checks(&commit, &self.plan) {
                self.remember_baselines(lease, &commit).await;
                return Ok(());
            }
        }
        self.look_for_missed_runs(lease, &mut commit).await?;
        self.find_forgotten_bases(lease, &mut commit).await?;
        self.doubt(lease, &mut commit).await?;
        if asked.is_empty() {
            let plan = self.plan_for(lease, &commit);
            self.open(lease, &mut commit, &plan).await?;
        } else if !telling::is_owed(lease, &commit, &asked) {
            self.start_again(lease, &mut commit, &asked).await?;
        }
        self.remember_baselines(lease, &commit).await;
        self.inherit(lease, &mut commit).await?;
        let superseded = commit.superseded.clone();
        self.decide(lease, commit, asked).await?;
        if let Some(reason) = superseded {
            // Who asked for one check in the last moment gets it; nobody judges the others any more.
            let mut commit = self.state.commit(&lease.commit).await?;
            self.end(lease, &mut commit, &reason).await?;
        }
        self.watch(lease).await
    }

    /// Something about the checks on GitHub made somebody look: what is known of them may not be all. A creation that
    /// was given up may have taken effect since.
    async fn doubt(&self, lease: &Lease, commit: &mut CommitState) -> Result<(), Failure> {
        let found =
            |job: &Job| matches!(&job.kind, JobKind::PullRequest(event) if event.action == PullRequestAction::Found);
        if !lease.jobs.iter().any(found) || commit.checks.is_empty() {
            return Ok(());
        }
        let known = std::mem::take(&mut commit.checks);
        self.publisher.adopt(lease, commit).await?;
        for (check, handle) in known {
            let newer = commit.checks.get(&check).is_some_and(|found| found.id > handle.id);
            if newer {
                commit.fingerprint = None;
            } else {
                commit.checks.insert(check, handle);
            }
        }
        Ok(self.state.remember_commit(&lease.commit, commit).await?)
    }

    /// The evidence is fetched, judged and told; nothing of it twice for the same inputs, unless somebody asks.
    async fn decide(&self, lease: &Lease, mut commit: CommitState, asked: BTreeSet<CheckName>) -> Result<(), Failure> {
        // Who asks for an inherited check again wants it judged.
        commit.inherited.retain(|check| !asked.contains(check));
        let mut plan = self.plan_for(lease, &commit);
        inherited::keep_uninherited(&mut plan, &commit);
        if plan.checks.is_empty() && !commit.inherited.is_empty() {
            return Ok(());
        }
        let runs: Vec<WorkflowRun> = remember::accepted_runs(&commit, &plan).into_iter().cloned().collect();
        let mut standing = remember::standing(&commit, &runs.iter().collect::<Vec<_>>(), &plan, lease.now());
        // Who asks for a check of which no run is known gets an answer now.
        standing.overdue |= !asked.is_empty() && runs.is_empty();
        let fingerprint = fingerprint(&plan, &commit, &runs, standing.overdue);
        let unchanged = commit.fingerprint == Some(fingerprint);
        if unchanged && asked.is_empty() {
            return Ok(self.publisher.comment_again(lease, &mut commit).await?);
        }
        if standing.ended == 0 && !standing.overdue {
            self.show_waiting(lease, &mut commit, &plan, &standing).await?;
            self.prepare_baselines(lease, &commit).await;
            return Ok(());
        }
        if let Some((owed, record)) = self.owed(lease, &mut commit, (&fingerprint, &asked)).await? {
            return self.tell(lease, commit, (owed, record)).await;
        }
        self.wait_for_circuits(lease, &plan)?;
        // Where nothing has changed for the others, only what is asked for: they go on waiting, or stay as they ended.
        let only_asked = unchanged || runs.is_empty() || commit.superseded.is_some();
        let partly = !asked.is_empty() && only_asked;
        let (uploads, around) = tokio::try_join!(self.fetch(lease, &runs), self.look_around(lease, &commit, &runs))?;
        let mut inputs = Inputs::of(&uploads, &commit, &around.tiers);
        let mut plan = self.plan_within(lease, &commit, &around);
        inherited::keep_uninherited(&mut plan, &commit);
        self.attest(lease, &commit, &plan, &mut inputs).await?;
        let left_over = telling::left_over(&commit, &plan);
        if partly {
            keep_only(&mut plan, &asked);
        }
        let call = Call::new(Some(lease.commit.installation), &lease.job().id.0);
        let changed = around.changed_paths(lease, &commit);
        let case = Case::of_commit(lease, &commit, &plan, standing, inputs).changing(changed);
        let mut files = case.files();
        let bench = Asked { judge: &self.judge, call: &call, answers: None };
        let mut record = judge_from(bench, case, &around.standpoints).await; // cannot fail: broken is an answer
        bases::keep(&mut record, &around.standpoints, &mut files);
        record.changed_lines = around.changed_lines(&commit);
        record.request = lease.trail().request.clone();
        self.state.record(&record, &files).await?; // before anybody sees it
        remember::remember_waiting(&mut commit, &record);
        for check in &record.checks {
            commit.decisions.insert(check.check.clone(), record.job.clone());
        }
        let owed = Owed { job: record.job.clone(), fingerprint, asked, partly, left_over };
        self.tell(lease, commit, (owed, record)).await // the only writes to GitHub
    }

    /// Sets the checks that somebody asked for in progress again, whatever they said before.
    async fn start_again(
        &self,
        lease: &Lease,
        commit: &mut CommitState,
        asked: &BTreeSet<CheckName>,
    ) -> Result<(), Failure> {
        if commit.opened_at.is_none() {
            commit.opened_at = Some(lease.job().now);
            self.set_deadline(lease, self.plan.evidence_deadline_s).await?;
        }
        let openings: Vec<_> = asked.iter().map(report::opening).collect();
        let span = step(spans::start_checks(), lease);
        Ok(spans::within(span, self.publisher.send(lease, commit, &openings)).await?)
    }

    /// While a check of the commit is open somebody looks at it now and then, whatever comes or does not come.
    async fn watch(&self, lease: &Lease) -> Result<(), Failure> {
        let commit = self.state.commit(&lease.commit).await?;
        if commit.checks.values().any(CheckHandle::is_open) {
            let now = self.clock.now();
            let due = now + remember::patience(&commit, &self.plan, now);
            self.state.remember_undecided(&lease.commit, due).await?;
        }
        Ok(())
    }

    /// Opens the checks that a commit should have: within two seconds of the event, a required check is there.
    async fn open(&self, lease: &Lease, commit: &mut CommitState, plan: &Plan) -> Result<(), Failure> {
        let is_new = commit.opened_at.is_none();
        let is_missing = |check: &CheckPlan, commit: &CommitState| is_new || !commit.checks.contains_key(&check.name);
        if !plan.checks.iter().any(|check| is_missing(check, commit)) {
            return Ok(());
        }
        commit.ended = false;
        if is_new {
            // The deadlines are set before the checks exist: whatever dies in between, somebody looks again.
            commit.opened_at = Some(lease.job().now);
            self.set_deadline(lease, plan.no_run_deadline_s).await?;
            self.set_deadline(lease, plan.evidence_deadline_s).await?;
        }
        let known = commit.checks.len();
        if known < plan.checks.len() {
            self.publisher.adopt(lease, commit).await?;
        }
        if commit.checks.len() > known {
            // The state was lost: so were the runs.
            self.look_for_runs(lease, commit).await?;
        }
        let undecided = |check: &&CheckPlan| match commit.checks.get(&check.name) {
            // What was found decided stays so until it is judged again.
            Some(handle) if known == 0 && handle.is_decided() => false,
            Some(_) => is_new,
            None => true,
        };
        let missing: Vec<_> = plan.checks.iter().filter(undecided).map(|check| report::opening(&check.name)).collect();
        let span = step(spans::create_checks(), lease);
        Ok(spans::within(span, self.publisher.send(lease, commit, &missing)).await?)
    }

    /// Somebody looks at the commit again after so many seconds, whatever comes or does not come.
    async fn set_deadline(&self, lease: &Lease, after_s: u64) -> Result<(), Failure> {
        let now = lease.job().now;
        Ok(self.queue.schedule(own_job(&lease.commit, JobKind::Deadline, now), now + after_s).await?)
    }

    /// Evidence is being made anew: a check that had ended goes on.
    async fn show_waiting(
        &self,
        lease: &Lease,
        commit: &mut CommitState,
        plan: &Plan,
        runs: &Runs,
    ) -> Result<(), Failure> {
        if runs.going + runs.awaiting_approval == 0 {
            return Ok(());
        }
        // Whatever was decided before does not count any more, also if the same runs come back.
        commit.fingerprint = None;
        let waiting: Vec<_> = plan.checks.iter().map(|check| report::opening(&check.name)).collect();
        Ok(self.publisher.send(lease, commit, &waiting).await?)
    }

    /// Ends open checks without a judgement.
    async fn end(&self, lease: &Lease, commit: &mut CommitState, reason: &str) -> Result<(), Failure> {
        let is_known = |check: &CheckPlan| commit.checks.contains_key(&check.name);
        if !commit.ended && !self.plan_for(lease, commit).checks.iter().all(is_known) {
            // Opened by a request whose answer never came, or by a host that forgot.
            self.publisher.adopt(lease, commit).await?;
        }
        let open = commit.checks.iter().filter(|(_, handle)| handle.is_open()).map(|(check, _)| check);
        let publications: Vec<_> = open.map(|check| report::not_evaluated(check, reason)).collect();
        spans::within(step(spans::end_checks(), lease), self.publisher.send(lease, commit, &publications)).await?;
        // No decision: if the commit becomes a head again, it is opened and judged anew.
        commit.opened_at = None;
        commit.fingerprint = None;
        commit.ended = true;
        Ok(self.state.remember_commit(&lease.commit, commit).await?)
    }

    /// A plugin whose circuit is open is not asked: the job waits, and the check says so by staying in progress.
    fn wait_for_circuits(&self, lease: &Lease, plan: &Plan) -> Result<(), Failure> {
        let policies = plan.checks.iter().flat_map(|check| &check.policies).map(|policy| &policy.plugin);
        let plugins = policies.chain(plan.normalizers.iter().map(|normalizer| &normalizer.plugin));
        let waits = plugins.filter_map(|name| {
            let plugin = self.catalogue.get(name)?;
            self.runtime.blocked(lease.commit.installation, plugin).map(|patience| (name, patience))
        });
        match waits.max_by_key(|(_, patience)| *patience) {
            Some((plugin, patience)) => Err(Failure::Wait {
                reason: format!("plugin {plugin} failed five times in a row for this installation"),
                patience: patience.max(Duration::from_secs(1)),
            }),
            None => Ok(()),
        }
    }

    /// What the ended runs uploaded. What cannot be had is in the answer; only a rate limit makes the job wait.
    async fn fetch(&self, lease: &Lease, runs: &[WorkflowRun]) -> Result<Uploads, Failure> {
        let started = Instant::now();
        let at = at(lease);
        let ended = runs.iter().filter(|run| run.state.ended());
        let fetched = ended.map(|run| async {
            let span = spans::workflow_artifacts();
            span.record("github.workflow_run_id", run.id.0);
            let fetched = spans::within(span.clone(), self.fetcher.fetch(&self.github, &at, run)).await;
            if let Ok(fetched) = &fetched {
                span.record("artifacts.total", fetched.listed.len());
                span.record("security_files.found", fetched.files.len());
            }
            match fetched {
                Err(limited @ GitHubError::RateLimited { .. }) => Err(limited),
                fetched => Ok((run.clone(), fetched)),
            }
        });
        Ok(Uploads { runs: try_join_all(fetched).await?, took: started.elapsed() })
    }

    /// Remembers the decision, or when to look again where there was none.
    async fn settle(
        &self,
        lease: &Lease,
        mut commit: CommitState,
        fingerprint: Digest,
        undecided: Option<Undecided>,
    ) -> Result<(), Failure> {
        commit.decision = Some(lease.job().id.clone());
        commit.fingerprint = undecided.is_none().then_some(fingerprint);
        let first_wait_s = match undecided {
            None => {
                commit.looks = 0;
                self.state.remember_commit(&lease.commit, &commit).await?;
                return Ok(self.state.forget_undecided(&lease.commit).await?);
            }
            Some(Undecided::Outage) => FIRST_LOOK_S,
            Some(Undecided::Deadline) => self.plan.no_run_deadline_s,
        };
        self.look_again(lease, &mut commit, first_wait_s).await
    }

    /// The sweep looks again, each time after twice as long, and at last no more: only an event can help then.
    async fn look_again(&self, lease: &Lease, commit: &mut CommitState, first_wait_s: u64) -> Result<(), Failure> {
        // Nothing, one, three, seven minutes more, ….
        let wait_s = first_wait_s + 60 * ((1 << commit.looks.min(MOST_LOOKS)) - 1);
        commit.looks += 1;
        self.state.remember_commit(&lease.commit, commit).await?;
        if commit.looks <= MOST_LOOKS {
            self.state.remember_undecided(&lease.commit, self.clock.now() + wait_s).await?;
        }
        Ok(())
    }

    /// The last attempt failed: what can still be said is said, and the sweep looks at the commit again.
    pub async fn give_up(&self, lease: &Lease, failure: &Failure) {
        let told = async {
            let mut commit = self.state.commit(&lease.commit).await?;
            let is_open = |name: &CheckName| commit.checks.get(name).is_some_and(CheckHandle::is_open);
            let plan = self.plan_for(lease, &commit);
            let open = plan.checks.iter().filter(|check| is_open(&check.name));
            let publications: Vec<_> = open.map(|check| report::outage_of(check, &failure.to_string())).collect();
            commit.fingerprint = None;
            self.look_again(lease, &mut commit, FIRST_LOOK_S).await?;
            self.publisher.send(lease, &mut commit, &publications).await?;
            Ok::<_, anyhow::Error>(())
        };
        if let Err(error) = told.await {
            tracing::error!(%error, "a check could not be told that its job failed");
        }
    }
}

/// An outage is over when somebody looks again: as soon as the sweep comes by.
const FIRST_LOOK_S: u64 = 0;
/// Twelve doublings of a minute are three days, as long as GitHub redelivers.
const MOST_LOOKS: u32 = 12;

fn at(lease: &Lease) -> RepositoryAt {
    RepositoryAt { installation: lease.commit.installation, repository: lease.commit.repository.clone() }
}

fn step(span: tracing::Span, lease: &Lease) -> tracing::Span {
    span.record("github.sha", lease.commit.sha.as_str());
    span
}

fn own_job(commit: &CommitKey, kind: JobKind, now: Unix) -> Job {
    let id = JobId(uuid::Uuid::now_v7().to_string());
    Job { id, commit: commit.clone(), kind, now, delivery: None, trail: Default::default(), attempt: 0 }
}

/// What a decision is made from, as far as events can change it: an ended run's artifacts do not change.
fn fingerprint(plan: &Plan, commit: &CommitState, runs: &[WorkflowRun], overdue: bool) -> Digest {
    let runs: Vec<_> = runs.iter().map(|run| (run.id, run.attempt, &run.state)).collect();
    let bases: Vec<_> = commit.pull_requests.values().map(|pull| (pull.number, &pull.base_branch)).collect();
    let group = commit.merge_group.as_ref().map(|group| &group.base_sha);
    let trust = (&commit.bases, &commit.accepted);
    Digest::of(&serde_json::to_vec(&(plan, runs, bases, group, trust, overdue)).expect("plans and runs are plain data"))
}

/// Only these checks, by whatever name they go now.
fn keep_only(plan: &mut Plan, checks: &BTreeSet<CheckName>) {
    let asked = |check: &CheckPlan| checks.iter().any(|name| configured_name(name) == check.configured_name());
    plan.checks.retain(asked);
}

//! Compares GitHub's open pull requests with our checks on their heads, in rounds: what has none, what did not end, what
//! ended without a decision and what was decided by another policy is looked at. A host that forgot everything finds its
//! work again this way; one that starts with another policy judges again what the one before it had decided.

use super::budget::{Budget, Purpose};
use super::heads::{Standing, by_runs, by_state};
use crate::github::{GitHub, GitHubError, RepositoryAt};
use crate::model::event::{Origin, PullRequest, PullRequestAction, PullRequestEvent};
use crate::model::{Clock, CommitKey, InstallationId, Job, JobId, JobKind, Plan, Unix};
use crate::policy::{Rules, Target};
use crate::queue::JobQueue;
use crate::state::{Looked, Round, State, Turn};
use crate::telemetry::Metrics;
use anyhow::{Result, ensure};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A check that is younger is somebody's: events about it are on their way.
const YOUNG_S: u64 = 10 * 60;
/// A round that GitHub or the budget ended goes on so much later.
const GOES_ON_S: u64 = 60;
/// Pull requests of one installation that are judged again at a time, for a new policy alone.
const STAGE: u32 = 10;
/// What judging a commit again costs at most with the usual two checks: its runs, check runs and uploads, what the pull
/// request changes, the base's files, two results and a comment.
const CALLS_OF_A_JUDGEMENT: u64 = 12;
/// So many repositories in a row that GitHub does not answer for are not their own fault.
const AWAY: usize = 3;
const PULLS_PER_PAGE: usize = 100;

#[derive(Clone, Debug)]
pub struct Reconcile {
    pub github: GitHub,
    pub queue: Arc<dyn JobQueue>,
    pub state: State,
    pub clock: Arc<dyn Clock>,
    pub rules: Arc<Rules>,
    pub metrics: Metrics,
    pub budget: Arc<Budget>,
    /// From the beginning of a round to that of the next.
    pub every: Duration,
    /// While more jobs wait nothing is added to them: deliveries need the queue's room.
    pub most_waiting: usize,
    /// The App's id, to know our own runs by.
    pub app_id: u64,
    /// Results older than the policy that wait for a later round, as this instance knows.
    pub left: Arc<Mutex<BTreeMap<InstallationId, u32>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// If the time has come.
    Due,
    /// Whatever the time, and though somebody will look by himself: somebody wants to know.
    Now,
}

/// One installation's round, as far as this look takes it.
struct Walk<'a> {
    turn: &'a Turn,
    installation: InstallationId,
    round: Round,
    when: When,
    /// Of this look.
    again: u32,
    unanswered: Vec<Origin>,
}

enum Step {
    On,
    /// For now: there are no calls left, or GitHub is away.
    Stopped,
    Done,
}

/// Where a head stands, and what is worth remembering of it once its job is scheduled.
struct Seen {
    standing: Standing,
    looked: Option<Looked>,
}

impl From<Standing> for Seen {
    fn from(standing: Standing) -> Self {
        Seen { standing, looked: None }
    }
}

struct Head<'a> {
    at: &'a RepositoryAt,
    commit: CommitKey,
    pull: &'a PullRequest,
    plan: &'a Plan,
}

impl Reconcile {
    /// Goes on with the rounds that are under way and begins those that are due. Of all instances one at a time.
    pub async fn once(&self, when: When) -> Result<()> {
        if when == When::Due && self.clock.now() < self.state.next_round().await? {
            return Ok(());
        }
        let Some(turn) = self.state.take_turn("reconcile").await? else { return Ok(()) };
        let looked = self.look(&turn, when).await;
        self.state.end_turn(turn).await?;
        looked
    }

    async fn look(&self, turn: &Turn, when: When) -> Result<()> {
        let began = self.clock.now();
        let mut unfinished = false;
        let mut walks = VecDeque::new();
        let installations = self.github.installations().await?;
        self.forget_left_of_others(&installations);
        for installation in installations {
            match self.walk(turn, installation, when).await {
                Ok(walk) => walks.extend(walk),
                Err(error) if is_limited(&error) => {
                    unfinished = true;
                    tracing::info!(%installation, %error, "the round begins later");
                }
                Err(error) => {
                    unfinished |= passes(&error);
                    tracing::warn!(%error, %installation, "an installation's repositories are not known");
                }
            }
        }
        // One repository of each in turn: a large installation does not hold up a small one.
        while let Some(mut walk) = walks.pop_front() {
            if !self.state.keep_turn(turn).await? {
                return Ok(());
            }
            let step = self.step(&mut walk).await;
            if !self.state.keep_turn(turn).await? {
                return Ok(());
            }
            match step {
                Step::On => walks.push_back(walk),
                Step::Stopped => {
                    unfinished = true;
                    self.stop(&walk).await?;
                }
                Step::Done => self.stop(&walk).await?,
            }
        }
        if !self.state.keep_turn(turn).await? {
            return Ok(());
        }
        let pause = if unfinished { GOES_ON_S } else { self.every.as_secs() };
        Ok(self.state.remember_next_round(began + pause).await?)
    }

    /// The round that an installation is in, or a new one; none while the last one is young.
    async fn walk<'a>(&self, turn: &'a Turn, installation: InstallationId, when: When) -> Result<Option<Walk<'a>>> {
        let now = self.clock.now();
        let round = match self.state.round(installation).await? {
            Some(round) if !round.rest.is_empty() => round,
            Some(round) if when == When::Due && now < round.began + self.every.as_secs() => return Ok(None),
            _ => {
                if !self.may_look(installation, 1) {
                    return Ok(None);
                }
                let rest = VecDeque::from(self.github.repositories_with_pull_requests(installation).await?);
                self.keep(turn).await?;
                self.state.note_listed(installation, rest.iter().map(|origin| &origin.repository), now).await?;
                let round = Round { began: now, rest, ..Round::default() };
                self.state.remember_round(installation, &round).await?;
                round
            }
        };
        Ok(Some(Walk { turn, installation, round, when, again: 0, unanswered: Vec::new() }))
    }

    /// Compares one repository. One that cannot be read is told and left out.
    async fn step(&self, walk: &mut Walk<'_>) -> Step {
        let Some(origin) = walk.round.rest.pop_front() else { return Step::Done };
        let compared = self.repository(&origin, walk).await;
        match &compared {
            Ok(true) => walk.unanswered.clear(),
            // The next look goes on here, not at the beginning.
            Ok(false) => {
                walk.round.rest.push_front(origin);
                return Step::Stopped;
            }
            Err(error) if is_limited(error) => {
                tracing::info!(installation = %walk.installation, %error, "the round goes on later");
                walk.round.rest.push_front(origin);
                return Step::Stopped;
            }
            Err(error) => {
                tracing::warn!(%error, repository = %origin.repository, "not reconciled");
                if passes(error) {
                    walk.unanswered.push(origin);
                }
            }
        }
        if walk.unanswered.len() == AWAY {
            self.put_back(walk);
            return Step::Stopped;
        }
        if walk.round.rest.is_empty() { Step::Done } else { Step::On }
    }

    /// Behind the others: those that are never answered for hold up nobody. Once the next round is due it lists them anyway.
    fn put_back(&self, walk: &mut Walk<'_>) {
        if self.clock.now() < walk.round.began + self.every.as_secs() {
            walk.round.rest.extend(walk.unanswered.drain(..));
        }
    }

    /// Fails where another instance sweeps by now.
    async fn keep(&self, turn: &Turn) -> Result<()> {
        ensure!(self.state.keep_turn(turn).await?, "another instance compares pull requests by now");
        Ok(())
    }

    async fn stop(&self, walk: &Walk<'_>) -> Result<()> {
        let Round { found, again, left, .. } = walk.round;
        let repositories_left = walk.round.rest.len();
        if found + left > 0 {
            let installation = walk.installation;
            tracing::info!(%installation, found, again, left, repositories_left, "open pull requests are looked at again");
        }
        self.tell_left(walk.installation, left);
        Ok(self.state.remember_round(walk.installation, &walk.round).await?)
    }

    /// What an installation that is gone or suspended left behind waits for nobody.
    fn forget_left_of_others(&self, installations: &[InstallationId]) {
        let mut lefts = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        lefts.retain(|installation, _| installations.contains(installation));
        self.show_left(&lefts);
    }

    fn tell_left(&self, installation: InstallationId, left: u32) {
        let mut lefts = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        lefts.insert(installation, left);
        self.show_left(&lefts);
    }

    fn show_left(&self, lefts: &BTreeMap<InstallationId, u32>) {
        self.metrics.results_older_than_policy.set(lefts.values().map(|left| i64::from(*left)).sum());
    }

    /// False if there were not enough calls, or not enough room for jobs, left for all of it.
    async fn repository(&self, origin: &Origin, walk: &mut Walk<'_>) -> Result<bool> {
        let at = RepositoryAt { installation: origin.installation, repository: origin.repository.clone() };
        let plan = self.rules.plan(&Target {
            repository: &origin.repository,
            topics: &origin.topics,
            language: origin.language.as_deref(),
            changed: None,
        });
        if plan.checks.is_empty() {
            return Ok(true);
        }
        if self.is_queue_full().await || !self.may_look(walk.installation, 1) {
            return Ok(false);
        }
        let pulls = self.github.open_pull_requests(&at).await?;
        // Of a second page is known only afterwards.
        self.may_look(walk.installation, (pulls.len() / PULLS_PER_PAGE) as u64);
        for pull in &pulls {
            let commit = CommitKey {
                installation: origin.installation,
                repository: origin.repository.clone(),
                sha: pull.head_sha.clone(),
            };
            let head = Head { at: &at, commit, pull, plan: &plan };
            self.keep(walk.turn).await?;
            if self.is_queue_full().await {
                return Ok(false);
            }
            let Some(seen) = self.standing(&head, walk.when).await? else { return Ok(false) };
            self.metrics.reconciled.with_label_values(&[seen.standing.word()]).inc();
            self.keep(walk.turn).await?;
            if self.is_to_be_judged(seen.standing, walk) {
                self.queue.schedule(self.job(origin, &head), 0).await?;
            }
            // Only now: whatever dies before, the next round looks again.
            if let Some(looked) = seen.looked {
                self.state.remember_looked(&head.commit, &looked).await?;
            }
        }
        Ok(true)
    }

    async fn is_queue_full(&self) -> bool {
        self.queue.depth().await.waiting > self.most_waiting
    }

    fn may_look(&self, installation: InstallationId, calls: u64) -> bool {
        self.spend(Purpose::Look, installation, calls)
    }

    fn spend(&self, purpose: Purpose, installation: InstallationId, calls: u64) -> bool {
        let hour = (self.clock.now(), self.github.calls_an_hour(installation));
        self.budget.spend((purpose, installation), calls, hour)
    }

    /// What nobody decided is judged in any case. What another policy decided still holds a merge or lets it through:
    /// some at a time, within the budget.
    fn is_to_be_judged(&self, standing: Standing, walk: &mut Walk<'_>) -> bool {
        match standing {
            Standing::Current | Standing::LookedAfter => return false,
            Standing::Undecided | Standing::Incomplete | Standing::Missing => {}
            Standing::Older => {
                let (purpose, installation) = (Purpose::JudgeAgain, walk.installation);
                if walk.again == STAGE || !self.spend(purpose, installation, CALLS_OF_A_JUDGEMENT) {
                    walk.round.left += 1;
                    return false;
                }
                walk.again += 1;
                walk.round.again += 1;
            }
        }
        walk.round.found += 1;
        true
    }

    /// None if GitHub has to be asked and there is no call left for it.
    async fn standing(&self, head: &Head<'_>, when: When) -> Result<Option<Seen>> {
        let known = self.state.commit(&head.commit).await?;
        let standing = by_state(&known, head.pull, head.plan);
        if standing == Some(Standing::Current) {
            return Ok(standing.map(Seen::from));
        }
        if self.queue.is_busy(&head.commit).await {
            return Ok(Some(Standing::LookedAfter.into()));
        }
        match standing {
            Some(Standing::Undecided | Standing::Incomplete)
                if when == When::Due && self.is_looked_after(head, known.opened_at).await? =>
            {
                Ok(Some(Standing::LookedAfter.into()))
            }
            Some(standing) => Ok(Some(standing.into())),
            None => self.standing_on_github(head).await,
        }
    }

    async fn is_looked_after(&self, head: &Head<'_>, opened_at: Option<Unix>) -> Result<bool> {
        let is_young = opened_at.is_some_and(|at| self.clock.now() < at + YOUNG_S);
        Ok(is_young || self.state.is_looked_after(&head.commit).await?)
    }

    async fn standing_on_github(&self, head: &Head<'_>) -> Result<Option<Seen>> {
        let policy = head.plan.policy();
        match self.state.looked(&head.commit).await? {
            Some(looked) if looked.policy == policy && !looked.older => {
                return Ok(Some(Standing::LookedAfter.into()));
            }
            Some(_) => return Ok(Some(Standing::Older.into())),
            None => {}
        }
        if !self.may_look(head.at.installation, 1) {
            return Ok(None);
        }
        let runs = self.github.own_check_runs(head.at, &head.commit.sha, self.app_id).await?;
        let standing = by_runs(&head.commit, head.plan, &runs);
        // What is to be judged in any case is known by its job, and by its state once that is done.
        let is_decided = matches!(standing, Standing::Current | Standing::Older);
        let looked = is_decided.then_some(Looked { policy, older: standing == Standing::Older });
        Ok(Some(Seen { standing, looked }))
    }

    fn job(&self, origin: &Origin, head: &Head<'_>) -> Job {
        let event = PullRequestEvent {
            origin: origin.clone(),
            action: PullRequestAction::Found,
            pull_request: head.pull.clone(),
            before: None,
        };
        Job {
            id: JobId(uuid::Uuid::now_v7().to_string()),
            commit: head.commit.clone(),
            kind: JobKind::PullRequest(event),
            now: self.clock.now(),
            delivery: None,
            trail: Default::default(),
            attempt: 0,
        }
    }
}

fn is_limited(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(GitHubError::RateLimited { .. }))
}

/// What may be over in a minute.
fn passes(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(GitHubError::RateLimited { .. } | GitHubError::Unavailable(_)))
}

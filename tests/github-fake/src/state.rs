//! Everything the fake knows, behind one lock, and the news that it changed. It never does I/O.

use crate::actions::{Artifact, Grant, WorkflowRun};
use crate::checks::{CheckRun, CheckSuite};
use crate::comments::Comment;
use crate::faults::{Effect, Fault};
use crate::journal::Journal;
use crate::pulls::PullRequest;
use crate::registration::Pending;
use crate::repositories::{Commit, Repository};
use crate::schemas::Exchange;
use crate::tokens::{App, Installation, Limits, Token};
use crate::webhooks::{Delivery, Outbox};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// All that the fake GitHub holds. Tests look at it through `Fake::wait_until` and `Fake::look`.
#[derive(Debug)]
pub struct State {
    pub(crate) app: App,
    /// `http://127.0.0.1:PORT/api/v3`
    pub(crate) api_url: String,
    /// `http://127.0.0.1:PORT`
    pub(crate) blob_url: String,
    pub(crate) installations: Vec<Installation>,
    pub(crate) tokens: Vec<Token>,
    /// Personal access tokens, with whose they are.
    pub(crate) people: BTreeMap<String, String>,
    /// Manifests that wait for their code to be used.
    pub(crate) manifests: Vec<Pending>,
    pub(crate) limits: Limits,
    pub(crate) repositories: Vec<Repository>,
    pub(crate) commits: BTreeMap<String, Commit>,
    pub(crate) pull_requests: Vec<PullRequest>,
    pub(crate) suites: Vec<CheckSuite>,
    pub(crate) check_runs: Vec<CheckRun>,
    pub(crate) comments: Vec<Comment>,
    pub(crate) workflow_runs: Vec<WorkflowRun>,
    pub(crate) artifacts: Vec<Artifact>,
    pub(crate) grants: BTreeMap<String, Grant>,
    pub(crate) outbox: Outbox,
    pub(crate) deliveries: Vec<Delivery>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) journal: Journal,
    /// What has still to be held against GitHub's schemas; `None` when there are none.
    pub(crate) exchanges: Option<Vec<Exchange>>,
    pub(crate) pad_payloads: Option<usize>,
    pub(crate) keep_journal: bool,
    /// How long every answer of the API takes.
    pub(crate) latency: Option<Duration>,
    /// Requests that failed as they were told to, by class.
    pub(crate) struck: BTreeMap<&'static str, usize>,
    pub(crate) echo_check_events: bool,
    /// How far the `Date` of answers is ahead of the real time.
    pub(crate) date_ahead: SignedDuration,
    clock_offset: SignedDuration,
    last_id: u64,
    user_ids: BTreeMap<String, u64>,
}

impl State {
    pub(crate) fn new(app: App, api_url: String, blob_url: String) -> Self {
        Self {
            app,
            api_url,
            blob_url,
            installations: Vec::new(),
            tokens: Vec::new(),
            people: BTreeMap::new(),
            manifests: Vec::new(),
            limits: Limits::default(),
            repositories: Vec::new(),
            commits: BTreeMap::new(),
            pull_requests: Vec::new(),
            suites: Vec::new(),
            check_runs: Vec::new(),
            comments: Vec::new(),
            workflow_runs: Vec::new(),
            artifacts: Vec::new(),
            grants: BTreeMap::new(),
            outbox: Outbox::default(),
            deliveries: Vec::new(),
            faults: Vec::new(),
            journal: Journal::default(),
            exchanges: None,
            pad_payloads: None,
            keep_journal: true,
            latency: None,
            struck: BTreeMap::new(),
            echo_check_events: true,
            date_ahead: SignedDuration::ZERO,
            clock_offset: SignedDuration::ZERO,
            // Ids that look like ids: nobody should mistake a pull request's number for one.
            last_id: 1_000,
            user_ids: BTreeMap::new(),
        }
    }

    /// All check runs of all repositories, oldest first.
    pub fn check_runs(&self) -> &[CheckRun] {
        &self.check_runs
    }

    /// All comments that were not deleted, oldest first.
    pub fn comments(&self) -> &[Comment] {
        &self.comments
    }

    /// Every attempt to deliver a webhook, oldest first.
    pub fn deliveries(&self) -> &[Delivery] {
        &self.deliveries
    }

    /// Every request so far.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::now() + self.clock_offset
    }

    pub(crate) fn advance_clock(&mut self, by: SignedDuration) {
        self.clock_offset += by;
    }

    pub(crate) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    pub(crate) fn user_id(&mut self, login: &str) -> u64 {
        if let Some(id) = self.user_ids.get(login) {
            return *id;
        }
        let id = self.next_id();
        self.user_ids.insert(login.to_owned(), id);
        id
    }

    /// The id of a user who was named before; 0 for a stranger.
    pub(crate) fn known_user_id(&self, login: &str) -> u64 {
        self.user_ids.get(login).copied().unwrap_or_default()
    }

    pub(crate) fn new_sha(&mut self) -> String {
        let id = self.next_id();
        sha_of(format!("commit {id}").as_bytes())
    }

    pub(crate) fn strike(&mut self, method: &str, path: &str) -> Option<Effect> {
        // Every fault counts its matches, also when an earlier one has struck.
        let struck: Vec<(&'static str, Effect)> = self
            .faults
            .iter_mut()
            .filter_map(|fault| fault.strikes(method, path).then(|| (fault.class(), fault.effect.clone())))
            .collect();
        let (class, effect) = struck.into_iter().next()?;
        *self.struck.entry(class).or_default() += 1;
        Some(effect)
    }

    pub(crate) fn exchange(&mut self, make: impl FnOnce() -> Exchange) {
        if let Some(exchanges) = &mut self.exchanges {
            exchanges.push(make());
        }
    }
}

/// Forty hex digits that stand for these bytes: unique like git's, and not git's.
pub(crate) fn sha_of(bytes: &[u8]) -> String {
    let mut digits = hex::encode(Sha256::digest(bytes));
    digits.truncate(40);
    digits
}

/// The state, shared between the servers, the deliverer and the handles.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    version: watch::Sender<u64>,
}

impl Shared {
    pub fn new(state: State) -> Self {
        Self { state: Mutex::new(state), version: watch::Sender::new(0) }
    }

    /// Changes the state, then wakes everybody who waits for a change.
    pub fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let outcome = change(&mut self.lock());
        self.version.send_modify(|version| *version += 1);
        outcome
    }

    pub fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.lock())
    }

    pub fn changes(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A test that panicked while looking must not hide its message behind a poisoned lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

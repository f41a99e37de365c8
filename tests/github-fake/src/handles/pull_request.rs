//! A pull request in the hands of a test: pushed to, judged, commented, closed.

use super::repository::{announce_suite, show, with_files};
use super::run::{Run, Workflow, start};
use super::wait_until;
use crate::checks::{self, CheckRun};
use crate::comments::Comment;
use crate::pulls;
use crate::repositories::NewCommit;
use crate::state::{Shared, State};
use crate::wire;
use jiff::SignedDuration;
use serde_json::json;
use std::sync::Arc;

/// Where a pull request's commits come from.
#[derive(Clone, Debug, Default)]
pub enum Head {
    /// A branch of the repository itself, named after the pull request.
    #[default]
    Branch,
    /// A branch of this name in the repository itself.
    NamedBranch(String),
    /// A branch of a fork that belongs to this user.
    Fork(String),
    /// A fork that was deleted since: its repository is `null`.
    DeletedFork(String),
}

/// How a pull request is opened; a title alone will often do.
#[derive(Clone, Debug, Default)]
pub struct PullRequestOptions {
    pub title: String,
    pub head: Head,
    /// The head's commit, when it shall be one that exists already.
    pub head_sha: Option<String>,
    /// `main` unless given.
    pub base: Option<String>,
    /// The owner of the head's repository unless given.
    pub author: Option<String>,
    pub draft: bool,
    /// Files that the head has besides those of the base.
    pub files: Vec<(String, Vec<u8>)>,
    /// Files of the base that the head has no more.
    pub removed: Vec<String>,
}

impl From<&str> for PullRequestOptions {
    fn from(title: &str) -> Self {
        Self { title: title.to_owned(), ..Self::default() }
    }
}

/// A pull request.
#[derive(Clone, Debug)]
pub struct PullRequest {
    shared: Arc<Shared>,
    repository: u64,
    id: u64,
    number: u64,
}

impl PullRequest {
    pub(super) fn new(shared: Arc<Shared>, (repository, id, number): (u64, u64, u64)) -> Self {
        Self { shared, repository, id, number }
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }

    pub fn number(&self) -> u64 {
        self.number
    }

    pub fn head_sha(&self) -> String {
        self.shared.look(|state| state.pull_request(self.id).head_sha.clone())
    }

    pub fn head_branch(&self) -> String {
        self.shared.look(|state| state.pull_request(self.id).head_branch.clone())
    }

    /// Pushes a commit on top and sends `pull_request.synchronize`; returns the new head.
    pub fn push(&self) -> String {
        self.push_files(&[])
    }

    /// Pushes a commit that writes these files.
    pub fn push_files(&self, files: &[(&str, &[u8])]) -> String {
        let files: Vec<_> = files.iter().map(|(path, content)| ((*path).to_owned(), content.to_vec())).collect();
        self.shared.change(|state| synchronize(state, self.id, &files))
    }

    /// Replaces the head and forgets the old commit: GitHub answers 422 for it from now on.
    pub fn force_push(&self) -> String {
        self.shared.change(|state| {
            let before = state.pull_request(self.id).head_sha.clone();
            let sha = synchronize(state, self.id, &[]);
            let base = state.pull_request(self.id).base_sha.clone();
            if let Some(old) = state.commits.get_mut(&before) {
                old.reachable_in.clear();
            }
            if let Some(new) = state.commits.get_mut(&sha) {
                new.parent = Some(base);
            }
            sha
        })
    }

    /// Force-pushes an older commit that is still there: it is the head again.
    pub fn push_back_to(&self, sha: &str) {
        self.shared.change(|state| {
            let pull = state.pull_request(self.id).clone();
            let repository = pull.head_repository.expect("nobody can push to a deleted fork");
            state.advance_clock(SignedDuration::from_secs(1));
            show(state, pull.repository, (repository, &pull.head_branch), sha);
            let now = state.now();
            let changed = state.pull_request_mut(self.id);
            (changed.head_sha, changed.updated_at) = (sha.to_owned(), now);
            announce_suite(state, self.id);
            state.pull_request_event(self.id, "synchronize", Some(&pull.head_sha));
        });
    }

    /// Gives it another title; sends `pull_request.edited`.
    pub fn edit_title(&self, title: &str) {
        self.edit("title", |pull| json!({ "from": std::mem::replace(&mut pull.title, title.to_owned()) }));
    }

    /// Wants it merged into another branch; sends `pull_request.edited`.
    pub fn change_base(&self, branch: &str) {
        let repository = self.repository;
        let sha = self.shared.look(|state| state.repository(repository).branches.get(branch).cloned());
        let sha = sha.expect("the branch exists");
        self.edit("base", |pull| {
            let before = (
                std::mem::replace(&mut pull.base_branch, branch.to_owned()),
                std::mem::replace(&mut pull.base_sha, sha),
            );
            json!({ "ref": { "from": before.0 }, "sha": { "from": before.1 } })
        });
    }

    fn edit(&self, what: &str, change: impl FnOnce(&mut pulls::PullRequest) -> serde_json::Value) {
        self.shared.change(|state| {
            state.advance_clock(SignedDuration::from_secs(1));
            let now = state.now();
            let pull = state.pull_request_mut(self.id);
            pull.updated_at = now;
            let from = change(pull);
            state.edited_event(self.id, what, from);
        });
    }

    /// Makes a draft of it, or calls for reviews; sends `pull_request.converted_to_draft` or `ready_for_review`.
    pub fn set_draft(&self, draft: bool) {
        self.shared.change(|state| {
            state.advance_clock(SignedDuration::from_secs(1));
            let now = state.now();
            let pull = state.pull_request_mut(self.id);
            (pull.draft, pull.updated_at) = (draft, now);
            let action = if draft { "converted_to_draft" } else { "ready_for_review" };
            state.pull_request_event(self.id, action, None);
        });
    }

    /// Closes without merging; sends `pull_request.closed`.
    pub fn close(&self) {
        self.end(|pull| pull.merged = false);
    }

    /// Merges; sends `pull_request.closed`.
    pub fn merge(&self) {
        self.end(|pull| pull.merged = true);
    }

    fn end(&self, change: impl FnOnce(&mut pulls::PullRequest)) {
        self.shared.change(|state| {
            let now = state.now();
            let pull = state.pull_request_mut(self.id);
            (pull.open, pull.closed_at, pull.updated_at) = (false, Some(now), now);
            change(pull);
            state.pull_request_event(self.id, "closed", None);
        });
    }

    pub fn reopen(&self) {
        self.shared.change(|state| {
            let now = state.now();
            let pull = state.pull_request_mut(self.id);
            (pull.open, pull.closed_at, pull.updated_at) = (true, None, now);
            state.pull_request_event(self.id, "reopened", None);
        });
    }

    /// Starts a run of a workflow on the head; sends `workflow_run.requested`.
    pub fn start_run(&self, workflow: impl Into<Workflow>) -> Run {
        let sha = self.head_sha();
        start(&self.shared, (self.repository, &sha, Some(self.id)), workflow.into())
    }

    /// All check runs on the head, oldest first, those of other Apps included.
    pub fn check_runs(&self) -> Vec<CheckRun> {
        self.shared.look(|state| on_head(state, self.id).cloned().collect())
    }

    /// The newest check run of this name that the App wrote on the head.
    pub fn check_run(&self, name: &str) -> Option<CheckRun> {
        self.shared.look(|state| own(state, self.id, name).cloned())
    }

    /// Waits for the App's check run of this name to exist on the head.
    pub async fn check_run_opened(&self, name: &str) -> CheckRun {
        let what = format!("check run {name:?} on #{}", self.number);
        wait_until(&self.shared, &what, |state| own(state, self.id, name).cloned()).await
    }

    /// Waits for the App's check run of this name on the head to be completed.
    pub async fn check_run_completed(&self, name: &str) -> CheckRun {
        let what = format!("check run {name:?} on #{} to be completed", self.number);
        let completed = |run: &&CheckRun| run.status == "completed";
        wait_until(&self.shared, &what, |state| own(state, self.id, name).filter(completed).cloned()).await
    }

    /// Waits until the App's check run of this name on the head was completed so many times: for re-runs.
    pub async fn check_run_completed_times(&self, name: &str, times: usize) -> CheckRun {
        let what = format!("check run {name:?} on #{} to be completed {times} times", self.number);
        let enough = |run: &&CheckRun| run.status == "completed" && run.completions >= times;
        wait_until(&self.shared, &what, |state| own(state, self.id, name).filter(enough).cloned()).await
    }

    /// Waits until the App's check run of this name on the head reads like this: `success: License Check - Passed`.
    pub async fn check_run_shows(&self, name: &str, expected: &str) -> CheckRun {
        let what = format!("check run {name:?} on #{} to be {expected:?}", self.number);
        let as_expected = |run: &&CheckRun| run.to_string() == expected;
        wait_until(&self.shared, &what, |state| own(state, self.id, name).filter(as_expected).cloned()).await
    }

    /// Comments on the pull request, oldest first.
    pub fn comments(&self) -> Vec<Comment> {
        let here = |c: &&Comment| c.repository == self.repository && c.pull_request == self.number;
        self.shared.look(|state| state.comments.iter().filter(here).cloned().collect())
    }

    /// Waits for the App's first comment on the pull request.
    pub async fn comment_by_app(&self) -> Comment {
        let what = format!("a comment of the App on #{}", self.number);
        let ours = |c: &&Comment| c.by_app && c.repository == self.repository && c.pull_request == self.number;
        wait_until(&self.shared, &what, |state| state.comments.iter().find(ours).cloned()).await
    }

    /// A comment that somebody writes.
    pub fn comment_as(&self, login: &str, body: &str) -> Comment {
        self.shared.change(|state| state.comment((self.repository, self.number), login, body.to_owned()).clone())
    }

    /// A comment of the App of which GitHub does not say that an App wrote it.
    pub fn comment_as_unnamed_app(&self, body: &str) -> Comment {
        let login = self.shared.look(|state| format!("{}[bot]", state.app.slug));
        let comment = self.comment_as(&login, body);
        self.shared.change(|state| {
            let written = state.comments.iter_mut().find(|written| written.id == comment.id).expect("just written");
            written.names_app = false;
        });
        comment
    }

    /// Somebody deletes a comment.
    pub fn delete_comment(&self, id: u64) {
        self.shared.change(|state| state.comments.retain(|comment| comment.id != id));
    }

    /// Waits until the App's comment on the pull request contains these words.
    pub async fn comment_says(&self, words: &str) -> Comment {
        let what = format!("the App's comment on #{} to say {words:?}", self.number);
        let says = |c: &&Comment| {
            c.by_app && c.repository == self.repository && c.pull_request == self.number && c.body.contains(words)
        };
        wait_until(&self.shared, &what, |state| state.comments.iter().find(says).cloned()).await
    }

    /// Somebody presses *Re-run* at the App's check of this name: the suite goes back to queued, the run does not.
    pub fn rerequest(&self, check_name: &str) {
        self.shared.change(|state| {
            let run = own(state, self.id, check_name).expect("the check run exists").clone();
            requeue(state, run.suite);
            state.check_run_event(run.id, "rerequested");
        });
    }

    /// Somebody presses *Re-run all checks* of the App.
    pub fn rerequest_all(&self, login: &str) {
        self.shared.change(|state| {
            let (head, app_id) = (state.pull_request(self.id).head_sha.clone(), state.app.id);
            let suite = state.ensure_suite(self.repository, &head, app_id);
            requeue(state, suite);
            state.check_suite_event(suite, "rerequested", login);
        });
    }

    /// Somebody presses a button of the App's check of this name.
    pub fn press(&self, check_name: &str, identifier: &str, login: &str) {
        self.shared.change(|state| {
            state.user_id(login);
            let run = own(state, self.id, check_name).expect("the check run exists").clone();
            let mut payload = json!({ "check_run": wire::check_run(state, &run) });
            payload["requested_action"] = checks::pressed(identifier);
            state.emit(("check_run", "requested_action"), self.repository, login, payload);
        });
    }
}

fn requeue(state: &mut State, suite: u64) {
    if let Some(suite) = state.suites.iter_mut().find(|known| known.id == suite) {
        (suite.status, suite.conclusion) = ("queued".to_owned(), None);
    }
}

fn on_head(state: &State, id: u64) -> impl DoubleEndedIterator<Item = &CheckRun> {
    let pull = state.pull_request(id);
    state.check_runs.iter().filter(|run| run.repository == pull.repository && run.head_sha == pull.head_sha)
}

fn own<'a>(state: &'a State, id: u64, name: &str) -> Option<&'a CheckRun> {
    on_head(state, id).rev().find(|run| run.app_id == state.app.id && run.name == name)
}

fn synchronize(state: &mut State, id: u64, files: &[(String, Vec<u8>)]) -> String {
    let pull = state.pull_request(id).clone();
    let repository = pull.head_repository.expect("nobody can push to a deleted fork");
    let files = with_files(state, Some(&pull.head_sha), files);
    // GitHub's times have seconds: without a step, old and new would be equally old.
    state.advance_clock(SignedDuration::from_secs(1));
    let parent = Some(pull.head_sha.clone());
    let sha = state.commit(NewCommit { repository, parent, message: "More", author: &pull.author, files });
    show(state, pull.repository, (repository, &pull.head_branch), &sha);
    let now = state.now();
    let changed = state.pull_request_mut(id);
    (changed.head_sha, changed.updated_at) = (sha.clone(), now);
    announce_suite(state, id);
    state.pull_request_event(id, "synchronize", Some(&pull.head_sha));
    sha
}

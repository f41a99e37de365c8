//! A repository in the hands of a test, and how a pull request comes to be in it.

use super::pull_request::{Head, PullRequest, PullRequestOptions};
use super::run::{Run, Workflow, start};
use super::wait_until;
use crate::checks::CheckRun;
use crate::pulls;
use crate::repositories::{Files, NewCommit};
use crate::state::{Shared, State};
use crate::wire;
use serde_json::{Value, json};
use std::sync::Arc;

/// The App that runs on GitHub under this id is GitHub Actions; here it stands for every other App.
const ANOTHER_APP: u64 = 15_368;

/// A repository.
#[derive(Clone, Debug)]
pub struct Repository {
    shared: Arc<Shared>,
    id: u64,
}

impl Repository {
    pub(super) fn new(shared: Arc<Shared>, id: u64) -> Self {
        Self { shared, id }
    }

    pub fn id(&self) -> u64 {
        self.id
    }

    /// `owner/name`
    pub fn full_name(&self) -> String {
        self.shared.look(|state| state.repository(self.id).full_name())
    }

    /// The head of a branch.
    pub fn branch_sha(&self, branch: &str) -> Option<String> {
        self.shared.look(|state| state.repository(self.id).branches.get(branch).cloned())
    }

    /// Commits one file to the default branch; returns the new head.
    pub fn write_file(&self, path: &str, content: &[u8]) -> String {
        let branch = self.shared.look(|state| state.repository(self.id).default_branch.clone());
        self.write_file_to(&branch, path, content)
    }

    /// Commits one file to a branch; returns the new head.
    pub fn write_file_to(&self, branch: &str, path: &str, content: &[u8]) -> String {
        let file = (path.to_owned(), content.to_vec());
        self.shared.change(|state| {
            let repository = state.repository(self.id);
            let owner = repository.owner.clone();
            let parent = repository.branches.get(branch).cloned();
            let files = with_files(state, parent.as_deref(), &[file]);
            let sha = state.commit(NewCommit { repository: self.id, parent, message: path, author: &owner, files });
            state.repository_mut(self.id).branches.insert(branch.to_owned(), sha.clone());
            sha
        })
    }

    /// Says that a reference, `refs/heads/main` or `refs/tags/v1`, was pushed to a commit.
    pub fn announce_push(&self, reference: &str, sha: &str) {
        self.shared.change(|state| {
            let owner = state.repository(self.id).owner.clone();
            let mut commit = wire::simple_commit(&state.commits[sha]);
            commit["distinct"] = json!(true);
            commit["url"] = json!(format!("{}/commit/{sha}", wire::page_of(state, self.id)));
            for (member, paths) in changed_by(state, sha) {
                commit[member] = json!(paths);
            }
            let payload = json!({
                "ref": reference,
                "before": state.commits[sha].parent.clone().unwrap_or_else(|| "0".repeat(40)),
                "after": sha,
                "created": false,
                "deleted": false,
                "forced": false,
                "base_ref": null,
                "compare": format!("{}/compare", wire::page_of(state, self.id)),
                "commits": [commit.clone()],
                "head_commit": commit,
                "pusher": { "name": owner },
            });
            state.emit(("push", ""), self.id, &owner, payload);
        });
    }

    /// Puts a file into a commit that only a tag of this name points to.
    pub fn tag_file(&self, tag: &str, path: &str, content: &[u8]) {
        self.shared.change(|state| {
            let default = state.repository(self.id).default_branch.clone();
            let parent = state.repository(self.id).branches.get(&default).cloned();
            let files = with_files(state, parent.as_deref(), &[(path.to_owned(), content.to_vec())]);
            let new = NewCommit { repository: self.id, parent, message: "Tagged", author: "mona", files };
            let sha = state.commit(new);
            state.repository_mut(self.id).tags.insert(tag.to_owned(), sha);
        });
    }

    /// Puts a branch under a rule.
    pub fn protect_branch(&self, branch: &str) {
        self.shared.change(|state| {
            state.repository_mut(self.id).protected.insert(branch.to_owned());
        });
    }

    /// What events say of the repository from now on.
    pub fn describe(&self, topics: &[&str], language: Option<&str>) {
        self.shared.change(|state| {
            let repository = state.repository_mut(self.id);
            repository.topics = topics.iter().map(|topic| (*topic).to_owned()).collect();
            repository.language = language.map(str::to_owned);
        });
    }

    /// Cuts a branch from the default branch.
    pub fn create_branch(&self, branch: &str) {
        self.shared.change(|state| {
            let repository = state.repository_mut(self.id);
            let sha = repository.branches[&repository.default_branch].clone();
            repository.branches.insert(branch.to_owned(), sha);
        });
    }

    /// Gives a user `read`, `triage`, `write`, `maintain` or `admin`.
    pub fn add_collaborator(&self, login: &str, level: &str) {
        self.shared.change(|state| {
            state.user_id(login);
            state.repository_mut(self.id).collaborators.insert(login.to_owned(), level.to_owned());
        });
    }

    /// Keeps a Sigstore bundle about what has this SHA-256.
    pub fn attest(&self, sha256: &str, bundle: Value) {
        self.shared.change(|state| {
            let attestations = &mut state.repository_mut(self.id).attestations;
            attestations.entry(sha256.to_owned()).or_default().push(bundle);
        });
    }

    /// Opens a pull request and sends `pull_request.opened`.
    pub fn open_pull_request(&self, options: impl Into<PullRequestOptions>) -> PullRequest {
        let options = options.into();
        let (id, number) = self.shared.change(|state| open(state, self.id, options));
        PullRequest::new(self.shared.clone(), (self.id, id, number))
    }

    /// Starts a run on any commit, for `push`, `schedule` and the like; sends `workflow_run.requested`.
    pub fn start_run(&self, sha: &str, workflow: impl Into<Workflow>) -> Run {
        start(&self.shared, (self.id, sha, None), workflow.into())
    }

    /// Waits until the App's check run of this name on a commit is completed.
    pub async fn check_run_completed(&self, sha: &str, name: &str) -> CheckRun {
        let what = format!("check run {name:?} on {sha} to be completed");
        let is_it = |run: &&CheckRun| run.head_sha == sha && run.name == name && run.status == "completed";
        wait_until(&self.shared, &what, |state| state.check_runs.iter().rev().find(is_it).cloned()).await
    }

    /// A check run that another App completed on a commit.
    pub fn foreign_check_run(&self, sha: &str, name: &str, conclusion: &str) -> CheckRun {
        self.shared.change(|state| {
            let id = state.open_check_run((self.id, sha), name, ANOTHER_APP);
            state.apply_to_check_run(id, &json!({ "conclusion": conclusion }));
            state.check_runs.iter().find(|run| run.id == id).cloned().expect("just opened")
        })
    }

    /// Puts a commit before a merge queue and sends `merge_group.checks_requested`; returns the group's head.
    pub fn request_merge_group(&self, pull_request: &PullRequest) -> String {
        self.request_merge_group_with(pull_request, &[])
    }

    /// The same with what others brought into the base meanwhile.
    pub fn request_merge_group_with(&self, pull_request: &PullRequest, others: &[(String, Vec<u8>)]) -> String {
        self.shared.change(|state| {
            let pull = state.pull_request(pull_request.id()).clone();
            let files = with_files(state, Some(&pull.head_sha), others);
            let parent = Some(pull.base_sha.clone());
            let new = NewCommit { repository: self.id, parent, message: "Merge", author: &pull.author, files };
            let sha = state.commit(new);
            let payload = merge_group(state, &sha, &pull);
            state.repository_mut(self.id).branches.insert(queue_branch(&pull), sha.clone());
            state.emit(("merge_group", "checks_requested"), self.id, &pull.author, payload);
            sha
        })
    }

    /// Ends a merge group for `merged`, `invalidated` or `dequeued`; sends `merge_group.destroyed`.
    pub fn destroy_merge_group(&self, pull_request: &PullRequest, head_sha: &str, reason: &str) {
        self.shared.change(|state| {
            let pull = state.pull_request(pull_request.id()).clone();
            let mut payload = merge_group(state, head_sha, &pull);
            payload["reason"] = json!(reason);
            state.repository_mut(self.id).branches.remove(&queue_branch(&pull));
            state.emit(("merge_group", "destroyed"), self.id, &pull.author, payload);
        });
    }
}

/// What a commit did to files, as a push tells it.
fn changed_by(state: &State, sha: &str) -> [(&'static str, Vec<String>); 3] {
    let commit = &state.commits[sha];
    let now = &commit.files;
    let before = commit.parent.as_ref().and_then(|parent| state.commits.get(parent)).map(|parent| parent.files.clone());
    let before = before.unwrap_or_default();
    let named = |paths: &mut dyn Iterator<Item = &String>| paths.cloned().collect();
    [
        ("added", named(&mut now.keys().filter(|path| !before.contains_key(*path)))),
        ("removed", named(&mut before.keys().filter(|path| !now.contains_key(*path)))),
        ("modified", named(&mut now.keys().filter(|path| before.get(*path).is_some_and(|old| *old != now[*path])))),
    ]
}

fn queue_branch(pull: &pulls::PullRequest) -> String {
    format!("gh-readonly-queue/{}/pr-{}-{}", pull.base_branch, pull.number, pull.base_sha)
}

fn merge_group(state: &State, sha: &str, pull: &pulls::PullRequest) -> Value {
    json!({ "merge_group": {
        "head_sha": sha,
        "head_ref": format!("refs/heads/{}", queue_branch(pull)),
        "base_sha": pull.base_sha,
        "base_ref": format!("refs/heads/{}", pull.base_branch),
        "head_commit": wire::simple_commit(&state.commits[sha]),
    } })
}

pub(super) fn with_files(state: &State, parent: Option<&str>, added: &[(String, Vec<u8>)]) -> Files {
    let mut files = parent.and_then(|sha| state.commits.get(sha)).map(|c| (*c.files).clone()).unwrap_or_default();
    files.extend(added.iter().map(|(path, content)| (path.clone(), Arc::from(content.as_slice()))));
    Arc::new(files)
}

fn open(state: &mut State, repository: u64, options: PullRequestOptions) -> (u64, u64) {
    let base = state.repository(repository).clone();
    let number = 1 + state.pull_requests.iter().filter(|pull| pull.repository == repository).count() as u64;
    let fork = |state: &mut State, owner: &str| {
        let id = state.ensure_repository(&format!("{owner}/{}", base.name), Some(repository));
        (id, owner.to_owned(), format!("change-{number}"))
    };
    let (head_repository, head_owner, head_branch) = match &options.head {
        Head::Branch => (repository, base.owner.clone(), format!("change-{number}")),
        Head::NamedBranch(branch) => (repository, base.owner.clone(), branch.clone()),
        Head::Fork(owner) | Head::DeletedFork(owner) => fork(state, owner),
    };
    let author = options.author.unwrap_or_else(|| head_owner.clone());
    state.user_id(&author);
    let base_branch = options.base.unwrap_or_else(|| base.default_branch.clone());
    let base_sha = base.branches.get(&base_branch).cloned().expect("the base branch was created before");
    let head_sha = options.head_sha.unwrap_or_else(|| {
        // A pull request changes something, unless a test says what.
        let own = [(format!("changes/{number}.txt"), options.title.clone().into_bytes())];
        let added = if options.files.is_empty() { &own[..] } else { &options.files[..] };
        let mut files = with_files(state, Some(&base_sha), added);
        Arc::make_mut(&mut files).retain(|path, _| !options.removed.contains(path));
        let parent = Some(base_sha.clone());
        state.commit(NewCommit { repository: head_repository, parent, message: &options.title, author: &author, files })
    });
    show(state, repository, (head_repository, &head_branch), &head_sha);
    let now = state.now();
    let pull = pulls::PullRequest {
        id: state.next_id(),
        number,
        repository,
        title: options.title,
        body: None,
        author,
        open: true,
        merged: false,
        draft: options.draft,
        base_branch,
        base_sha,
        head_branch,
        head_sha,
        head_repository: (!matches!(options.head, Head::DeletedFork(_))).then_some(head_repository),
        head_owner,
        created_at: now,
        updated_at: now,
        closed_at: None,
    };
    let id = pull.id;
    state.pull_requests.push(pull);
    announce_suite(state, id);
    state.pull_request_event(id, "opened", None);
    (id, number)
}

/// A branch moves to a commit, and the pull request's own reference makes the commit reachable in the base.
pub(super) fn show(state: &mut State, base: u64, (head_repository, branch): (u64, &str), sha: &str) {
    state.repository_mut(head_repository).branches.insert(branch.to_owned(), sha.to_owned());
    if let Some(commit) = state.commits.get_mut(sha) {
        commit.reachable_in.extend([base, head_repository]);
    }
}

/// A push to the repository itself opens a suite for the App; a push to a fork does not.
pub(super) fn announce_suite(state: &mut State, id: u64) {
    let pull = state.pull_request(id).clone();
    if !pull.is_from_fork() {
        let app_id = state.app.id;
        let suite = state.ensure_suite(pull.repository, &pull.head_sha, app_id);
        state.check_suite_event(suite, "requested", &pull.author);
    }
}

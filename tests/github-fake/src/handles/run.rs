//! Workflow runs and artifacts in the hands of a test.

use crate::actions::{self, Trouble};
use crate::faults::Gate;
use crate::state::{Shared, State};
use bytes::Bytes;
use jiff::SignedDuration;
use std::io::Write;
use std::sync::Arc;
use zip::write::SimpleFileOptions;

/// The App behind GitHub Actions, which owns the suites of workflow runs.
const ACTIONS_APP: u64 = 15_368;

/// Which workflow runs, and why.
#[derive(Clone, Debug)]
pub struct Workflow {
    /// `.github/workflows/ci.yml`
    pub path: String,
    pub name: String,
    /// `pull_request`, `push`, ….
    pub event: String,
    /// The repository's owner unless given.
    pub actor: Option<String>,
    /// Reusable workflows that it calls: `owner/repository/.github/workflows/file.yml@ref`, and the sha of that version.
    pub referenced: Vec<(String, String)>,
    /// The name of the branch or tag that it runs for; the commit's own unless given.
    pub branch: Option<String>,
}

/// `ci.yml` is `.github/workflows/ci.yml`, named `ci`, run for `pull_request`.
impl From<&str> for Workflow {
    fn from(file: &str) -> Self {
        let path = if file.contains('/') { file.to_owned() } else { format!(".github/workflows/{file}") };
        let file = path.rsplit('/').next().unwrap_or_default();
        let name = file.split('.').next().unwrap_or_default().to_owned();
        let event = "pull_request".to_owned();
        Self { path, name, event, actor: None, referenced: Vec::new(), branch: None }
    }
}

impl Workflow {
    /// The same for another event.
    pub fn on(self, event: &str) -> Self {
        Self { event: event.to_owned(), ..self }
    }

    /// The same, started by somebody.
    pub fn by(self, login: &str) -> Self {
        Self { actor: Some(login.to_owned()), ..self }
    }

    /// The same, calling a reusable workflow.
    pub fn calling(mut self, path: &str, sha: &str) -> Self {
        self.referenced.push((path.to_owned(), sha.to_owned()));
        self
    }

    /// The same for a branch or a tag of this name, whatever the commit is on.
    pub fn for_branch(self, branch: &str) -> Self {
        Self { branch: Some(branch.to_owned()), ..self }
    }
}

/// A workflow run.
#[derive(Clone, Debug)]
pub struct Run {
    shared: Arc<Shared>,
    id: u64,
}

/// Starts a run; `about` is the repository, the commit and the pull request that it is for.
pub(super) fn start(shared: &Arc<Shared>, about: (u64, &str, Option<u64>), workflow: Workflow) -> Run {
    let id = shared.change(|state| {
        let id = begin(state, about, workflow);
        state.workflow_run_event(id, "requested");
        id
    });
    Run { shared: shared.clone(), id }
}

fn begin(state: &mut State, (repository, sha, pull): (u64, &str, Option<u64>), workflow: Workflow) -> u64 {
    let pull = pull.map(|id| state.pull_request(id).clone());
    let actor = workflow.actor.unwrap_or_else(|| state.repository(repository).owner.clone());
    state.user_id(&actor);
    let branches = &state.repository(repository).branches;
    let own_branch = branches.iter().find(|(_, head)| *head == sha).map(|(name, _)| name.clone());
    let same = state.workflow_runs.iter().find(|r| r.repository == repository && r.path == workflow.path);
    let known = same.map(|run| run.workflow_id);
    let number = state.workflow_runs.iter().filter(|run| run.repository == repository).count() as u64 + 1;
    let now = state.now();
    let run = actions::WorkflowRun {
        id: state.next_id(),
        repository,
        attempt: 1,
        number,
        workflow_id: known.unwrap_or_else(|| state.next_id()),
        name: workflow.name,
        path: workflow.path,
        event: workflow.event,
        status: "queued".to_owned(),
        conclusion: None,
        head_sha: sha.to_owned(),
        head_branch: workflow.branch.or(pull.as_ref().map(|pull| pull.head_branch.clone())).or(own_branch),
        head_repository: pull.as_ref().map_or(Some(repository), |pull| pull.head_repository),
        title: pull.map_or_else(|| "Run".to_owned(), |pull| pull.title),
        triggering_actor: actor.clone(),
        actor,
        referenced: workflow.referenced,
        suite: state.ensure_suite(repository, sha, ACTIONS_APP),
        created_at: now,
        started_at: now,
        updated_at: now,
    };
    let id = run.id;
    state.workflow_runs.push(run);
    id
}

impl Run {
    pub fn id(&self) -> u64 {
        self.id
    }

    pub fn attempt(&self) -> u64 {
        self.shared.look(|state| state.workflow_run(self.id).attempt)
    }

    /// Sends `workflow_run.in_progress`.
    pub fn in_progress(&self) {
        self.turn("in_progress", None);
    }

    /// Ends the run with GitHub's word for it, `success` or another; sends `workflow_run.completed`.
    pub fn complete(&self, conclusion: &str) {
        self.turn("completed", Some(conclusion));
    }

    fn turn(&self, status: &str, conclusion: Option<&str>) {
        self.shared.change(|state| {
            let now = state.now();
            let run = state.workflow_run_mut(self.id);
            (run.status, run.conclusion) = (status.to_owned(), conclusion.map(str::to_owned));
            run.updated_at = now;
            state.workflow_run_event(self.id, status);
        });
    }

    /// Starts the next attempt, a second later; the artifacts stay listed. Sends `workflow_run.requested`.
    pub fn rerun(&self) {
        let actor = self.shared.look(|state| state.workflow_run(self.id).actor.clone());
        self.rerun_by(&actor);
    }

    /// The same, asked for by somebody.
    pub fn rerun_by(&self, login: &str) {
        self.shared.change(|state| {
            state.user_id(login);
            // GitHub's times have seconds: without a step, old artifacts would not be older than the attempt.
            state.advance_clock(SignedDuration::from_secs(1));
            let now = state.now();
            let run = state.workflow_run_mut(self.id);
            run.attempt += 1;
            run.triggering_actor = login.to_owned();
            (run.started_at, run.updated_at) = (now, now);
            (run.status, run.conclusion) = ("queued".to_owned(), None);
            state.workflow_run_event(self.id, "requested");
        });
    }

    /// Uploads files as upload-artifact does: a zip that was written as a stream.
    pub fn upload(&self, name: &str, files: &[(&str, &[u8])]) -> Artifact {
        self.upload_zip(name, zip_stream(files))
    }

    /// Uploads bytes as a zip, whatever they are.
    pub fn upload_zip(&self, name: &str, bytes: impl Into<Bytes>) -> Artifact {
        self.add(name, (bytes.into(), "application/zip"))
    }

    /// Uploads one file without an archive, as upload-artifact v7 can.
    pub fn upload_raw(&self, name: &str, bytes: impl Into<Bytes>) -> Artifact {
        self.add(name, (bytes.into(), "application/octet-stream"))
    }

    fn add(&self, name: &str, content: (Bytes, &'static str)) -> Artifact {
        let id = self.shared.change(|state| state.add_artifact(self.id, name, content));
        Artifact { shared: self.shared.clone(), id }
    }
}

/// Zip entries with zero sizes in the local header and a data descriptor behind (flag bit 3).
fn zip_stream(files: &[(&str, &[u8])]) -> Vec<u8> {
    const IN_MEMORY: &str = "writing to memory does not fail";
    let mut bytes = Vec::new();
    let mut archive = zip::ZipWriter::new_stream(&mut bytes);
    for (name, content) in files {
        archive.start_file(*name, SimpleFileOptions::default()).expect("names of test files are valid");
        archive.write_all(content).expect(IN_MEMORY);
    }
    archive.finish().expect(IN_MEMORY);
    bytes
}

/// An uploaded artifact.
#[derive(Clone, Debug)]
pub struct Artifact {
    shared: Arc<Shared>,
    id: u64,
}

impl Artifact {
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Of its bytes as they were uploaded.
    pub fn sha256(&self) -> String {
        let digest = |state: &State| state.artifacts.iter().find(|a| a.id == self.id).and_then(|a| a.digest.clone());
        self.shared.look(digest).unwrap_or_default().trim_start_matches("sha256:").to_owned()
    }

    /// What is wrong with it from now on; a later call replaces an earlier one.
    pub fn trouble(&self, trouble: Trouble) -> &Self {
        self.shared.change(|state| state.trouble(self.id, trouble));
        self
    }

    /// The download answers 410.
    pub fn expire(&self) -> &Self {
        self.trouble(Trouble::Expired)
    }

    /// The bytes stop half way until the gate opens.
    pub fn slow(&self) -> Gate {
        let gate = Gate::closed();
        self.trouble(Trouble::Slow(gate.clone()));
        gate
    }
}

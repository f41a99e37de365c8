//! Workflow runs, their artifacts, and the second address that serves the artifacts' bytes.

use crate::faults::Gate;
use crate::server::{Answer, Call, Refusal, Reply};
use crate::state::State;
use crate::wire;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A download address is good for one minute.
const GRANT_LIFETIME: SignedDuration = SignedDuration::from_secs(60);
/// Artifacts are kept for 90 days unless somebody says otherwise.
const RETENTION: SignedDuration = SignedDuration::from_hours(24 * 90);

#[derive(Clone, Debug)]
pub(crate) struct WorkflowRun {
    pub id: u64,
    pub repository: u64,
    pub attempt: u64,
    pub number: u64,
    pub workflow_id: u64,
    pub name: String,
    pub path: String,
    pub event: String,
    pub status: String,
    pub conclusion: Option<String>,
    pub head_sha: String,
    pub head_branch: Option<String>,
    pub head_repository: Option<u64>,
    pub title: String,
    pub actor: String,
    /// Who started this attempt.
    pub triggering_actor: String,
    /// Reusable workflows that it called: path with `@ref`, and sha.
    pub referenced: Vec<(String, String)>,
    pub suite: u64,
    pub created_at: Timestamp,
    pub started_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Clone, Debug)]
pub(crate) struct Artifact {
    pub id: u64,
    pub repository: u64,
    pub run: u64,
    pub name: String,
    pub bytes: Bytes,
    pub content_type: &'static str,
    pub digest: Option<String>,
    /// What the listing says, which a hostile artifact may contradict.
    pub declared_size: u64,
    pub created_at: Timestamp,
    pub trouble: Option<Trouble>,
}

/// What is wrong with an artifact.
#[derive(Clone, Debug)]
pub enum Trouble {
    /// Listed as expired; the download answers 410.
    Expired,
    /// Listed, but the download answers 404.
    Missing,
    /// The listed digest is another one.
    WrongDigest,
    /// No digest is listed, as on GitHub Enterprise Server 3.17 to 3.19.
    NoDigest,
    /// Only half of the bytes come, and the answer claims that this is all.
    Truncated,
    /// The connection breaks after half of the bytes.
    Broken,
    /// The blob host refuses the first download address with 403, and serves the second.
    RefusedOnce,
    /// The bytes stop half way until the gate opens.
    Slow(Gate),
    /// The listing claims this size.
    DeclaredSize(u64),
}

/// A short-lived address at the blob host.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub artifact: u64,
    pub expires_at: Timestamp,
    pub refused: bool,
}

impl State {
    pub(crate) fn add_artifact(&mut self, run: u64, name: &str, content: (Bytes, &'static str)) -> u64 {
        let (bytes, content_type) = content;
        let artifact = Artifact {
            id: self.next_id(),
            repository: self.workflow_run(run).repository,
            run,
            name: name.to_owned(),
            digest: Some(format!("sha256:{}", hex::encode(Sha256::digest(&bytes)))),
            declared_size: bytes.len() as u64,
            bytes,
            content_type,
            created_at: self.now(),
            trouble: None,
        };
        let id = artifact.id;
        self.artifacts.push(artifact);
        id
    }

    pub(crate) fn trouble(&mut self, artifact: u64, trouble: Trouble) {
        let artifact = self.artifacts.iter_mut().find(|a| a.id == artifact).expect("artifacts are never removed");
        match &trouble {
            Trouble::WrongDigest => artifact.digest = Some(format!("sha256:{}", "0".repeat(64))),
            Trouble::NoDigest => artifact.digest = None,
            Trouble::DeclaredSize(size) => artifact.declared_size = *size,
            _ => {}
        }
        artifact.trouble = Some(trouble);
    }

    pub(crate) fn workflow_run(&self, id: u64) -> &WorkflowRun {
        self.workflow_runs.iter().find(|run| run.id == id).expect("workflow runs are never removed")
    }

    pub(crate) fn workflow_run_mut(&mut self, id: u64) -> &mut WorkflowRun {
        self.workflow_runs.iter_mut().find(|run| run.id == id).expect("workflow runs are never removed")
    }

    /// What a download address leads to.
    pub(crate) fn blob(&mut self, secret: &str) -> Result<Artifact, Refusal> {
        let now = self.now();
        let grant = self.grants.get(secret).cloned().ok_or_else(|| Refusal::new(404, "BlobNotFound"))?;
        if grant.refused || grant.expires_at <= now {
            return Err(Refusal::new(403, "AuthenticationFailed"));
        }
        let artifact = self.artifacts.iter().find(|artifact| artifact.id == grant.artifact);
        artifact.cloned().ok_or_else(|| Refusal::new(404, "BlobNotFound"))
    }
}

pub(crate) fn list_runs(state: &mut State, call: &Call) -> Reply {
    let query = |name: &str| call.query.get(name).map(String::as_str);
    let found = state.workflow_runs.iter().rev().filter(|run| {
        run.repository == call.repository
            && query("head_sha").is_none_or(|sha| sha == run.head_sha)
            && query("event").is_none_or(|event| event == run.event)
            && query("branch").is_none_or(|branch| Some(branch) == run.head_branch.as_deref())
            && query("status").is_none_or(|s| s == run.status || Some(s) == run.conclusion.as_deref())
    });
    let runs: Vec<Value> = found.map(|run| wire::workflow_run(state, run)).collect();
    Ok(call.counted_page(state, "workflow_runs", runs))
}

pub(crate) fn get_run(state: &mut State, call: &Call) -> Reply {
    Ok(Answer::ok(wire::workflow_run(state, find_run(state, call)?)))
}

fn find_run<'a>(state: &'a State, call: &Call) -> Result<&'a WorkflowRun, Refusal> {
    let id = call.number("run_id")?;
    state.workflow_runs.iter().find(|r| r.repository == call.repository && r.id == id).ok_or_else(Refusal::not_found)
}

pub(crate) fn list_jobs(state: &mut State, call: &Call) -> Reply {
    find_run(state, call)?;
    Ok(call.counted_page(state, "jobs", Vec::new()))
}

pub(crate) fn list_run_artifacts(state: &mut State, call: &Call) -> Reply {
    let run = find_run(state, call)?.id;
    list(state, call, state.artifacts.iter().filter(|artifact| artifact.run == run).collect())
}

pub(crate) fn list_artifacts(state: &mut State, call: &Call) -> Reply {
    list(state, call, state.artifacts.iter().filter(|artifact| artifact.repository == call.repository).collect())
}

fn list(state: &State, call: &Call, mut artifacts: Vec<&Artifact>) -> Reply {
    artifacts.retain(|artifact| call.query.get("name").is_none_or(|name| *name == artifact.name));
    if call.query.get("direction").is_none_or(|direction| direction == "desc") {
        artifacts.reverse();
    }
    let artifacts = artifacts.into_iter().map(|artifact| wire::artifact(state, artifact)).collect();
    Ok(call.counted_page(state, "artifacts", artifacts))
}

pub(crate) fn get_artifact(state: &mut State, call: &Call) -> Reply {
    Ok(Answer::ok(wire::artifact(state, find_artifact(state, call)?)))
}

fn find_artifact<'a>(state: &'a State, call: &Call) -> Result<&'a Artifact, Refusal> {
    let id = call.number("artifact_id")?;
    state.artifacts.iter().find(|a| a.repository == call.repository && a.id == id).ok_or_else(Refusal::not_found)
}

/// 302 to the blob host, 410 once expired.
pub(crate) fn download(state: &mut State, call: &Call) -> Reply {
    let artifact = find_artifact(state, call)?;
    if call.param("archive_format") != "zip" {
        return Err(Refusal::not_found());
    }
    match artifact.trouble {
        Some(Trouble::Expired) => return Err(Refusal::new(410, "Artifact has expired")),
        Some(Trouble::Missing) => return Err(Refusal::not_found()),
        _ => {}
    }
    let (id, once) = (artifact.id, matches!(artifact.trouble, Some(Trouble::RefusedOnce)));
    let refused = once && !state.grants.values().any(|grant| grant.artifact == id);
    let secret = uuid::Uuid::new_v4().simple().to_string();
    let expires_at = state.now() + GRANT_LIFETIME;
    state.grants.insert(secret.clone(), Grant { artifact: id, expires_at, refused });
    let location = format!("{}/blob/{secret}?sig={id}", state.blob_url);
    Ok(Answer { status: 302, headers: vec![("location".to_owned(), location)], body: None })
}

/// When an artifact goes away.
pub(crate) fn expires_at(artifact: &Artifact) -> Timestamp {
    artifact.created_at + RETENTION
}

/// The workflow that a run belongs to, as `workflow_run` webhooks carry it.
pub(crate) fn workflow(state: &State, run: &WorkflowRun) -> Value {
    let url = wire::url_of(state, run.repository);
    let page = wire::page_of(state, run.repository);
    json!({
        "id": run.workflow_id,
        "node_id": wire::node_id("W", run.workflow_id),
        "name": run.name,
        "path": run.path,
        "state": "active",
        "created_at": wire::time(run.created_at),
        "updated_at": wire::time(run.created_at),
        "url": format!("{url}/actions/workflows/{}", run.workflow_id),
        "html_url": format!("{page}/blob/main/{}", run.path),
        "badge_url": format!("{page}/workflows/{}/badge.svg", run.name),
    })
}

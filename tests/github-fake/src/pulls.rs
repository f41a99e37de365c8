//! Pull requests as GitHub lists them.

use crate::repositories::changed_files;
use crate::server::{Answer, Call, Refusal, Reply};
use crate::state::State;
use crate::wire;
use jiff::Timestamp;
use serde_json::{Value, json};

#[derive(Clone, Debug)]
pub(crate) struct PullRequest {
    pub id: u64,
    pub number: u64,
    /// The base repository.
    pub repository: u64,
    pub title: String,
    pub body: Option<String>,
    pub author: String,
    pub open: bool,
    pub merged: bool,
    pub draft: bool,
    pub base_branch: String,
    pub base_sha: String,
    pub head_branch: String,
    pub head_sha: String,
    /// The head's repository; `None` once the fork was deleted.
    pub head_repository: Option<u64>,
    pub head_owner: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub closed_at: Option<Timestamp>,
}

impl PullRequest {
    pub fn is_from_fork(&self) -> bool {
        self.head_repository != Some(self.repository)
    }
}

impl State {
    pub(crate) fn pull_request(&self, id: u64) -> &PullRequest {
        self.pull_requests.iter().find(|p| p.id == id).expect("pull requests are never removed")
    }

    pub(crate) fn pull_request_mut(&mut self, id: u64) -> &mut PullRequest {
        self.pull_requests.iter_mut().find(|p| p.id == id).expect("pull requests are never removed")
    }

    /// Open pull requests of the repository's own branches with this head: forks are never listed.
    pub(crate) fn associated(&self, repository: u64, sha: &str) -> Vec<&PullRequest> {
        let here = self.pull_requests.iter().filter(|p| p.repository == repository && p.open);
        here.filter(|p| p.head_sha == sha && !p.is_from_fork()).collect()
    }
}

pub(crate) fn list(state: &mut State, call: &Call) -> Reply {
    let query = |name: &str| call.query.get(name).map(String::as_str);
    let wanted = query("state").unwrap_or("open");
    if !["open", "closed", "all"].contains(&wanted) {
        return Err(Refusal::unprocessable("state is not one of open, closed, all"));
    }
    let mut found: Vec<&PullRequest> = state
        .pull_requests
        .iter()
        .filter(|p| p.repository == call.repository)
        .filter(|p| wanted == "all" || (wanted == "open") == p.open)
        .filter(|p| query("head").is_none_or(|head| head == format!("{}:{}", p.head_owner, p.head_branch)))
        .filter(|p| query("base").is_none_or(|base| base == p.base_branch))
        .collect();
    if query("sort") == Some("updated") {
        found.sort_by_key(|p| (p.updated_at, p.number));
    }
    // Newest first, unless a sort other than by creation is asked for without a direction.
    let ascending = query("direction").map_or(query("sort").is_some_and(|s| s != "created"), |d| d == "asc");
    if !ascending {
        found.reverse();
    }
    let pulls: Vec<Value> = found.into_iter().map(|p| wire::pull_request(state, p)).collect();
    Ok(call.page(state, pulls))
}

pub(crate) fn get(state: &mut State, call: &Call) -> Reply {
    Ok(Answer::ok(wire::full_pull_request(state, find(state, call)?)))
}

pub(crate) fn list_files(state: &mut State, call: &Call) -> Reply {
    let pull = find(state, call)?;
    let files = changed_files(state, &pull.base_sha, &pull.head_sha);
    let entries = files.iter().map(|file| wire::changed_file(state, call.repository, &pull.head_sha, file)).collect();
    Ok(call.page(state, entries))
}

pub(crate) fn list_for_commit(state: &mut State, call: &Call) -> Reply {
    let sha = call.param("commit_sha");
    let commit = state.resolve(call.repository, sha).ok_or_else(|| Refusal::no_commit(sha))?;
    let pulls = state.associated(call.repository, &commit.sha);
    let pulls: Vec<Value> = pulls.into_iter().map(|p| wire::pull_request(state, p)).collect();
    Ok(call.page(state, pulls))
}

fn find<'a>(state: &'a State, call: &Call) -> Result<&'a PullRequest, Refusal> {
    let number = call.number("pull_number")?;
    let found = state.pull_requests.iter().find(|p| p.repository == call.repository && p.number == number);
    found.ok_or_else(Refusal::not_found)
}

/// The short form that runs, suites and checks carry: empty for forks.
pub(crate) fn short_list(state: &State, repository: u64, sha: &str) -> Value {
    let short = |p: &&PullRequest| {
        let repository = state.repository(repository);
        let url = wire::url_of(state, repository.id);
        let repo = json!({ "id": repository.id, "url": url, "name": repository.name });
        json!({
            "id": p.id,
            "number": p.number,
            "url": format!("{url}/pulls/{}", p.number),
            "head": { "ref": p.head_branch, "sha": p.head_sha, "repo": repo },
            "base": { "ref": p.base_branch, "sha": p.base_sha, "repo": repo },
        })
    };
    state.associated(repository, sha).iter().map(short).collect()
}

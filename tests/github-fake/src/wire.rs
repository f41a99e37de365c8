//! The state in GitHub's JSON: one function per thing, complete enough for GitHub's schemas of API and webhooks.

use crate::actions::{self, Artifact, Trouble, WorkflowRun};
use crate::checks::{Annotation, CheckRun, CheckSuite};
use crate::comments::Comment;
use crate::pulls::{PullRequest, short_list};
use crate::repositories::{Changed, Commit, Repository};
use crate::state::{State, sha_of};
use crate::tokens::Installation;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// GitHub's times have seconds, no fractions.
pub(crate) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

pub(crate) fn node_id(kind: &str, id: u64) -> String {
    format!("{kind}_{id:016x}")
}

/// The repository's address in the API.
pub(crate) fn url_of(state: &State, repository: u64) -> String {
    format!("{}/repos/{}", state.api_url, state.repository(repository).full_name())
}

/// The repository's address for people.
pub(crate) fn page_of(state: &State, repository: u64) -> String {
    format!("{}/{}", site(state), state.repository(repository).full_name())
}

fn site(state: &State) -> &str {
    state.api_url.trim_end_matches("/api/v3")
}

pub(crate) fn user(state: &State, login: &str) -> Value {
    let id = state.known_user_id(login);
    // The brackets of `palisade[bot]` are escaped in addresses.
    let escaped = login.replace('[', "%5B").replace(']', "%5D");
    let mut user = links(&format!("{}/users/{escaped}", state.api_url), &USER_LINKS);
    let bot = login.ends_with("[bot]");
    user.extend(object(json!({
        "login": login,
        "id": id,
        "node_id": node_id("U", id),
        "avatar_url": format!("{}/avatars/{id}", site(state)),
        "gravatar_id": "",
        "html_url": format!("{}/{escaped}", site(state)),
        "type": if bot { "Bot" } else { "User" },
        "site_admin": false,
    })));
    Value::Object(user)
}

const USER_LINKS: [(&str, &str); 10] = [
    ("url", ""),
    ("followers_url", "/followers"),
    ("following_url", "/following{/other_user}"),
    ("gists_url", "/gists{/gist_id}"),
    ("starred_url", "/starred{/owner}{/repo}"),
    ("subscriptions_url", "/subscriptions"),
    ("organizations_url", "/orgs"),
    ("repos_url", "/repos"),
    ("events_url", "/events{/privacy}"),
    ("received_events_url", "/received_events"),
];

const REPOSITORY_LINKS: [(&str, &str); 38] = [
    ("url", ""),
    ("archive_url", "/{archive_format}{/ref}"),
    ("assignees_url", "/assignees{/user}"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("branches_url", "/branches{/branch}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("comments_url", "/comments{/number}"),
    ("commits_url", "/commits{/sha}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("contents_url", "/contents/{+path}"),
    ("contributors_url", "/contributors"),
    ("deployments_url", "/deployments"),
    ("downloads_url", "/downloads"),
    ("events_url", "/events"),
    ("forks_url", "/forks"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("hooks_url", "/hooks"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("issue_events_url", "/issues/events{/number}"),
    ("issues_url", "/issues{/number}"),
    ("keys_url", "/keys{/key_id}"),
    ("labels_url", "/labels{/name}"),
    ("languages_url", "/languages"),
    ("merges_url", "/merges"),
    ("milestones_url", "/milestones{/number}"),
    ("notifications_url", "/notifications{?since,all,participating}"),
    ("pulls_url", "/pulls{/number}"),
    ("releases_url", "/releases{/id}"),
    ("stargazers_url", "/stargazers"),
    ("statuses_url", "/statuses/{sha}"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("tags_url", "/tags"),
    ("teams_url", "/teams"),
    ("trees_url", "/git/trees{/sha}"),
    ("svn_url", ""),
];

fn links(base: &str, names: &[(&str, &str)]) -> Map<String, Value> {
    names.iter().map(|(name, rest)| ((*name).to_owned(), json!(format!("{base}{rest}")))).collect()
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

pub(crate) fn repository(state: &State, repository: &Repository) -> Value {
    let page = page_of(state, repository.id);
    let created_at = time(repository.created_at);
    // Pull requests are issues, too.
    let open = state.pull_requests.iter().filter(|pull| pull.repository == repository.id && pull.open).count();
    let mut fields = links(&url_of(state, repository.id), &REPOSITORY_LINKS);
    fields.extend(object(json!({
        "id": repository.id,
        "node_id": node_id("R", repository.id),
        "name": repository.name,
        "full_name": repository.full_name(),
        "owner": user(state, &repository.owner),
        "private": false,
        "visibility": "public",
        "html_url": page,
        "clone_url": format!("{page}.git"),
        "git_url": format!("{page}.git"),
        "ssh_url": format!("git@127.0.0.1:{}.git", repository.full_name()),
        "mirror_url": null,
        "description": null,
        "homepage": null,
        "language": repository.language,
        "license": null,
        "topics": repository.topics,
        "fork": repository.fork_of.is_some(),
        "default_branch": repository.default_branch,
        "archived": false,
        "disabled": false,
        "is_template": false,
        "allow_forking": true,
        "web_commit_signoff_required": false,
    })));
    fields.extend(object(json!({
        "has_issues": true,
        "has_projects": false,
        "has_downloads": false,
        "has_wiki": false,
        "has_pages": false,
        "has_discussions": false,
        "size": 1,
        "forks": 0,
        "forks_count": 0,
        "open_issues": open,
        "open_issues_count": open,
        "stargazers_count": 0,
        "watchers": 0,
        "watchers_count": 0,
        "network_count": 0,
        "subscribers_count": 0,
        "created_at": created_at,
        "updated_at": created_at,
        "pushed_at": created_at,
    })));
    Value::Object(fields)
}

pub(crate) fn app(state: &State) -> Value {
    let app = &state.app;
    integration(state, (app.id, &app.slug, &app.client_id), json!(app.permissions))
}

/// The same, with what it is subscribed to: in webhooks GitHub's own schemas do not know all events.
pub(crate) fn registered_app(state: &State) -> Value {
    let mut shown = app(state);
    shown["events"] = json!(state.app.events);
    shown
}

/// The App under test, or the one behind GitHub Actions for every other id.
pub(crate) fn app_of(state: &State, app_id: u64) -> Value {
    if app_id == state.app.id {
        return app(state);
    }
    integration(state, (app_id, "github-actions", "Iv1.actions"), json!({ "checks": "write", "metadata": "read" }))
}

fn integration(state: &State, (id, slug, client_id): (u64, &str, &str), permissions: Value) -> Value {
    let page = format!("{}/apps/{slug}", site(state));
    // Any moment before the fake's own will do.
    let created_at = "2024-01-01T00:00:00Z";
    json!({
        "id": id,
        "slug": slug,
        "client_id": client_id,
        "node_id": node_id("A", id),
        "owner": user(state, slug),
        "name": slug,
        "description": null,
        "external_url": page,
        "html_url": page,
        "created_at": created_at,
        "updated_at": created_at,
        "permissions": permissions,
        "events": ["check_run", "check_suite", "pull_request", "workflow_run"],
    })
}

pub(crate) fn installation(state: &State, installation: &Installation) -> Value {
    let now = time(state.now());
    let url = format!("{}/app/installations/{}", state.api_url, installation.id);
    json!({
        "id": installation.id,
        "node_id": node_id("I", installation.id),
        "client_id": state.app.client_id,
        "account": user(state, &installation.account),
        "repository_selection": "all",
        "access_tokens_url": format!("{url}/access_tokens"),
        "repositories_url": format!("{}/installation/repositories", state.api_url),
        "html_url": format!("{}/settings/installations/{}", site(state), installation.id),
        "app_id": state.app.id,
        "app_slug": state.app.slug,
        "target_id": state.known_user_id(&installation.account),
        "target_type": "User",
        "permissions": state.app.permissions,
        "events": ["check_run", "check_suite", "pull_request", "workflow_run"],
        "created_at": "2024-01-01T00:00:00Z",
        "updated_at": now,
        "single_file_name": null,
        "has_multiple_single_files": false,
        "single_file_paths": [],
        "suspended_by": if installation.suspended { user(state, &installation.account) } else { Value::Null },
        "suspended_at": if installation.suspended { json!(now) } else { Value::Null },
    })
}

fn person(login: &str) -> Value {
    json!({ "name": login, "email": format!("{}@example.com", login.trim_end_matches("[bot]")) })
}

pub(crate) fn simple_commit(commit: &Commit) -> Value {
    json!({
        "id": commit.sha,
        "tree_id": commit.tree,
        "message": commit.message,
        "timestamp": time(commit.time),
        "author": person(&commit.author),
        "committer": person(&commit.author),
    })
}

pub(crate) fn commit(state: &State, repository: u64, commit: &Commit) -> Value {
    let base = url_of(state, repository);
    let mut signed = person(&commit.author);
    signed["date"] = json!(time(commit.time));
    let parent = |sha: &String| json!({ "sha": sha, "url": format!("{base}/commits/{sha}") });
    json!({
        "sha": commit.sha,
        "node_id": format!("C_{}", commit.sha),
        "url": format!("{base}/commits/{}", commit.sha),
        "html_url": format!("{}/commit/{}", page_of(state, repository), commit.sha),
        "comments_url": format!("{base}/commits/{}/comments", commit.sha),
        "commit": {
            "url": format!("{base}/git/commits/{}", commit.sha),
            "author": signed,
            "committer": signed,
            "message": commit.message,
            "tree": { "sha": commit.tree, "url": format!("{base}/git/trees/{}", commit.tree) },
            "comment_count": 0,
        },
        "author": user(state, &commit.author),
        "committer": user(state, &commit.author),
        "parents": commit.parent.iter().map(parent).collect::<Vec<_>>(),
    })
}

/// A file's entry without its content.
pub(crate) fn content(url: &str, path: &str, bytes: &[u8]) -> Value {
    json!({
        "type": "file",
        "name": path.rsplit('/').next().unwrap_or(path),
        "path": path,
        "sha": sha_of(bytes),
        "size": bytes.len(),
        "url": url,
        "html_url": null,
        "git_url": null,
        "download_url": null,
        "_links": { "self": url, "html": null, "git": null },
    })
}

/// A directory's entry in the listing of the one above it.
pub(crate) fn directory(url: &str, path: &str, tree: &str) -> Value {
    let mut entry = content(url, path, &[]);
    entry["type"] = json!("dir");
    entry["sha"] = json!(tree);
    entry
}

pub(crate) fn changed_file(state: &State, repository: u64, head: &str, changed: &Changed) -> Value {
    let Changed { path, status, previous, patch } = changed;
    let bytes = state.commits.get(head).and_then(|commit| commit.files.get(path));
    let page = page_of(state, repository);
    let mut file = json!({
        "sha": bytes.map(|bytes| sha_of(bytes)),
        "filename": path,
        "status": status,
        "additions": 1,
        "deletions": 0,
        "changes": 1,
        "blob_url": format!("{page}/blob/{head}/{path}"),
        "raw_url": format!("{page}/raw/{head}/{path}"),
        "contents_url": format!("{}/contents/{path}?ref={head}", url_of(state, repository)),
    });
    if let Some(previous) = previous {
        file["previous_filename"] = json!(previous);
    }
    if let Some(patch) = patch {
        file["patch"] = json!(patch);
    }
    file
}

pub(crate) fn pull_request(state: &State, pull: &PullRequest) -> Value {
    let url = url_of(state, pull.repository);
    let page = format!("{}/pull/{}", page_of(state, pull.repository), pull.number);
    let (own, issue) = (format!("{url}/pulls/{}", pull.number), format!("{url}/issues/{}", pull.number));
    let statuses = format!("{url}/statuses/{}", pull.head_sha);
    let link = |href: &str| json!({ "href": href });
    let mut fields = object(json!({
        "id": pull.id,
        "node_id": node_id("PR", pull.id),
        "number": pull.number,
        "state": if pull.open { "open" } else { "closed" },
        "locked": false,
        "draft": pull.draft,
        "title": pull.title,
        "body": pull.body,
        "user": user(state, &pull.author),
        "author_association": if pull.is_from_fork() { "CONTRIBUTOR" } else { "MEMBER" },
        "assignee": null,
        "assignees": [],
        "requested_reviewers": [],
        "requested_teams": [],
        "labels": [],
        "milestone": null,
        "active_lock_reason": null,
        "auto_merge": null,
        "merge_commit_sha": null,
        "created_at": time(pull.created_at),
        "updated_at": time(pull.updated_at),
        "closed_at": pull.closed_at.map(time),
        "merged_at": if pull.merged { json!(pull.closed_at.map(time)) } else { Value::Null },
        "head": end(state, pull.head_repository, (&pull.head_owner, &pull.head_branch, &pull.head_sha)),
        "base": end(
            state,
            Some(pull.repository),
            (&state.repository(pull.repository).owner, &pull.base_branch, &pull.base_sha),
        ),
    }));
    fields.extend(object(json!({
        "url": own,
        "html_url": page,
        "diff_url": format!("{page}.diff"),
        "patch_url": format!("{page}.patch"),
        "issue_url": issue,
        "commits_url": format!("{own}/commits"),
        "comments_url": format!("{issue}/comments"),
        "review_comments_url": format!("{own}/comments"),
        "review_comment_url": format!("{url}/pulls/comments{{/number}}"),
        "statuses_url": statuses,
        "_links": {
            "self": link(&own),
            "html": link(&page),
            "issue": link(&issue),
            "comments": link(&format!("{issue}/comments")),
            "review_comments": link(&format!("{own}/comments")),
            "review_comment": link(&format!("{url}/pulls/comments{{/number}}")),
            "commits": link(&format!("{own}/commits")),
            "statuses": link(&statuses),
        },
    })));
    Value::Object(fields)
}

fn end(state: &State, repository_id: Option<u64>, (owner, branch, sha): (&str, &str, &str)) -> Value {
    json!({
        "label": format!("{owner}:{branch}"),
        "ref": branch,
        "sha": sha,
        "user": user(state, owner),
        "repo": repository_id.map(|id| repository(state, state.repository(id))),
    })
}

/// With the fields that only the single pull request and webhooks have.
pub(crate) fn full_pull_request(state: &State, pull: &PullRequest) -> Value {
    let comments =
        state.comments.iter().filter(|c| c.repository == pull.repository && c.pull_request == pull.number).count();
    let mut fields = object(pull_request(state, pull));
    fields.extend(object(json!({
        "merged": pull.merged,
        "merged_by": null,
        "mergeable": null,
        "mergeable_state": "unknown",
        "rebaseable": null,
        "maintainer_can_modify": false,
        "comments": comments,
        "review_comments": 0,
        "commits": 1,
        "additions": 1,
        "deletions": 0,
        "changed_files": crate::repositories::changed_files(state, &pull.base_sha, &pull.head_sha).len(),
    })));
    Value::Object(fields)
}

pub(crate) fn check_run(state: &State, run: &CheckRun) -> Value {
    let url = format!("{}/check-runs/{}", url_of(state, run.repository), run.id);
    let page = format!("{}/runs/{}", page_of(state, run.repository), run.id);
    let suite = state.suites.iter().find(|suite| suite.id == run.suite);
    json!({
        "id": run.id,
        "node_id": node_id("CR", run.id),
        "head_sha": run.head_sha,
        "name": run.name,
        "external_id": run.external_id.clone().unwrap_or_default(),
        "url": url,
        "html_url": page,
        "details_url": run.details_url.clone().unwrap_or_else(|| page.clone()),
        "status": run.status,
        "conclusion": run.conclusion,
        "started_at": time(run.started_at),
        "completed_at": run.completed_at.map(time),
        "output": {
            "title": run.title,
            "summary": run.summary,
            "text": run.text,
            "annotations_count": run.annotations.len(),
            "annotations_url": format!("{url}/annotations"),
        },
        "check_suite": suite.map(|suite| short_suite(state, suite)),
        "app": app_of(state, run.app_id),
        "pull_requests": short_list(state, run.repository, &run.head_sha),
    })
}

/// A suite as its runs carry it, also in webhooks.
fn short_suite(state: &State, suite: &CheckSuite) -> Value {
    let mut fields = object(check_suite(state, suite));
    for heavy in ["head_commit", "latest_check_runs_count", "check_runs_url"] {
        fields.remove(heavy);
    }
    Value::Object(fields)
}

pub(crate) fn check_suite(state: &State, suite: &CheckSuite) -> Value {
    let url = format!("{}/check-suites/{}", url_of(state, suite.repository), suite.id);
    let commit = &state.commits[&suite.head_sha];
    // `null` for forks: the branch is not one of this repository's.
    let branches = &state.repository(suite.repository).branches;
    let branch = branches.iter().find(|(_, sha)| **sha == suite.head_sha).map(|(name, _)| name);
    json!({
        "id": suite.id,
        "node_id": node_id("CS", suite.id),
        "head_branch": branch,
        "head_sha": suite.head_sha,
        "status": suite.status,
        "conclusion": suite.conclusion,
        "url": url,
        "before": commit.parent,
        "after": suite.head_sha,
        "created_at": time(suite.created_at),
        "updated_at": time(suite.created_at),
        "app": app_of(state, suite.app_id),
        "repository": repository(state, state.repository(suite.repository)),
        "head_commit": simple_commit(commit),
        "latest_check_runs_count": state.check_runs.iter().filter(|run| run.suite == suite.id).count(),
        "check_runs_url": format!("{url}/check-runs"),
        "pull_requests": short_list(state, suite.repository, &suite.head_sha),
    })
}

pub(crate) fn annotation(state: &State, run: &CheckRun, annotation: &Annotation) -> Value {
    json!({
        "path": annotation.path,
        "blob_href": format!("{}/blob/{}/{}", page_of(state, run.repository), run.head_sha, annotation.path),
        "start_line": annotation.start_line,
        "end_line": annotation.end_line,
        "start_column": annotation.start_column,
        "end_column": annotation.end_column,
        "annotation_level": annotation.level,
        "title": annotation.title,
        "message": annotation.message,
        "raw_details": annotation.raw_details,
    })
}

pub(crate) fn comment(state: &State, comment: &Comment) -> Value {
    let url = format!("{}/issues", url_of(state, comment.repository));
    let page = format!("{}/pull/{}", page_of(state, comment.repository), comment.pull_request);
    json!({
        "id": comment.id,
        "node_id": node_id("IC", comment.id),
        "url": format!("{url}/comments/{}", comment.id),
        "html_url": format!("{page}#issuecomment-{}", comment.id),
        "issue_url": format!("{url}/{}", comment.pull_request),
        "body": comment.body,
        "user": user(state, &comment.author),
        "author_association": "NONE",
        "created_at": time(comment.created_at),
        "updated_at": time(comment.updated_at),
        "performed_via_github_app": comment.names_app.then(|| app(state)),
    })
}

pub(crate) fn workflow_run(state: &State, run: &WorkflowRun) -> Value {
    let base = url_of(state, run.repository);
    let url = format!("{base}/actions/runs/{}", run.id);
    let own = repository(state, state.repository(run.repository));
    let previous = (run.attempt > 1).then(|| format!("{url}/attempts/{}", run.attempt - 1));
    let head_repository = run.head_repository.map(|id| repository(state, state.repository(id)));
    let referenced: Vec<Value> = run.referenced.iter().map(|(path, sha)| json!({ "path": path, "sha": sha })).collect();
    let mut fields = object(json!({
        "id": run.id,
        "node_id": node_id("WR", run.id),
        "name": run.name,
        "display_title": run.title,
        "run_number": run.number,
        "run_attempt": run.attempt,
        "event": run.event,
        "path": run.path,
        "workflow_id": run.workflow_id,
        "status": run.status,
        "conclusion": run.conclusion,
        "head_branch": run.head_branch,
        "head_sha": run.head_sha,
        "head_commit": state.commits.get(&run.head_sha).map(simple_commit),
        "head_repository": head_repository,
        "repository": own,
        "actor": user(state, &run.actor),
        "triggering_actor": user(state, &run.triggering_actor),
        "pull_requests": short_list(state, run.repository, &run.head_sha),
        "referenced_workflows": referenced,
        "check_suite_id": run.suite,
        "check_suite_node_id": node_id("CS", run.suite),
        "created_at": time(run.created_at),
        "updated_at": time(run.updated_at),
        "run_started_at": time(run.started_at),
    }));
    fields.extend(links(
        &url,
        &[
            ("url", ""),
            ("jobs_url", "/jobs"),
            ("logs_url", "/logs"),
            ("cancel_url", "/cancel"),
            ("rerun_url", "/rerun"),
            ("artifacts_url", "/artifacts"),
        ],
    ));
    fields.extend(object(json!({
        "html_url": format!("{}/actions/runs/{}", page_of(state, run.repository), run.id),
        "check_suite_url": format!("{base}/check-suites/{}", run.suite),
        "workflow_url": format!("{base}/actions/workflows/{}", run.workflow_id),
        "previous_attempt_url": previous,
    })));
    Value::Object(fields)
}

pub(crate) fn artifact(state: &State, artifact: &Artifact) -> Value {
    let run = state.workflow_run(artifact.run);
    let url = format!("{}/actions/artifacts/{}", url_of(state, artifact.repository), artifact.id);
    let mut value = json!({
        "id": artifact.id,
        "node_id": node_id("AR", artifact.id),
        "name": artifact.name,
        "size_in_bytes": artifact.declared_size,
        "url": url,
        "archive_download_url": format!("{url}/zip"),
        "expired": matches!(artifact.trouble, Some(Trouble::Expired)),
        "created_at": time(artifact.created_at),
        "updated_at": time(artifact.created_at),
        "expires_at": time(actions::expires_at(artifact)),
        "workflow_run": {
            "id": run.id,
            "repository_id": run.repository,
            "head_repository_id": run.head_repository.unwrap_or_default(),
            "head_branch": run.head_branch,
            "head_sha": run.head_sha,
        },
    });
    if let Some(digest) = &artifact.digest {
        value["digest"] = json!(digest);
    }
    value
}

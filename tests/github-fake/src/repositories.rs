//! Repositories, commits and files. Commits hold whole trees; nothing here is git.

use crate::server::{Answer, Call, Refusal, Reply};
use crate::state::{State, sha_of};
use crate::wire;
use base64::Engine;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

#[derive(Clone, Debug)]
pub(crate) struct Repository {
    pub id: u64,
    pub owner: String,
    pub name: String,
    pub default_branch: String,
    pub branches: BTreeMap<String, String>,
    pub tags: BTreeMap<String, String>,
    /// Branches that a rule protects.
    pub protected: BTreeSet<String>,
    pub topics: Vec<String>,
    pub language: Option<String>,
    pub fork_of: Option<u64>,
    /// Whether the App is installed on it; if not, the App cannot see it.
    pub installed: bool,
    pub created_at: Timestamp,
    /// `read`, `write`, `admin` by login; everybody else has `none`.
    pub collaborators: BTreeMap<String, String>,
    /// Sigstore bundles by the SHA-256 of what they are about, oldest first.
    pub attestations: BTreeMap<String, Vec<Value>>,
}

/// The workflow that every repository begins with.
const WORKFLOW: &str = "\
name: ci
on: [pull_request, push, merge_group, workflow_dispatch]
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v5
      - run: make reports
      - uses: actions/upload-artifact@v6
        with: { name: reports, path: reports }
";

impl Repository {
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }
}

pub(crate) type Files = Arc<BTreeMap<String, Arc<[u8]>>>;

#[derive(Clone, Debug)]
pub(crate) struct Commit {
    pub sha: String,
    pub tree: String,
    pub parent: Option<String>,
    pub message: String,
    pub author: String,
    pub time: Timestamp,
    pub files: Files,
    /// The repositories that reach it: a fork's commit is reachable in the base once a pull request shows it.
    pub reachable_in: BTreeSet<u64>,
}

impl State {
    pub(crate) fn repository(&self, id: u64) -> &Repository {
        self.repositories.iter().find(|r| r.id == id).expect("repositories are never removed")
    }

    pub(crate) fn repository_mut(&mut self, id: u64) -> &mut Repository {
        self.repositories.iter_mut().find(|r| r.id == id).expect("repositories are never removed")
    }

    /// The repository of this name, created with an empty default branch if it is new.
    pub(crate) fn ensure_repository(&mut self, full_name: &str, fork_of: Option<u64>) -> u64 {
        if let Some(known) = self.repositories.iter().find(|r| r.full_name() == full_name) {
            return known.id;
        }
        let (owner, name) = full_name.split_once('/').expect("a repository's name is owner/name");
        self.user_id(owner);
        let repository = Repository {
            id: self.next_id(),
            owner: owner.to_owned(),
            name: name.to_owned(),
            default_branch: "main".to_owned(),
            branches: BTreeMap::new(),
            tags: BTreeMap::new(),
            protected: BTreeSet::new(),
            topics: Vec::new(),
            language: None,
            fork_of,
            installed: fork_of.is_none(),
            created_at: self.now(),
            collaborators: BTreeMap::from([(owner.to_owned(), "admin".to_owned())]),
            attestations: BTreeMap::new(),
        };
        let id = repository.id;
        self.repositories.push(repository);
        let files: Files = Arc::new(BTreeMap::from([
            ("README.md".to_owned(), Arc::from(full_name.as_bytes())),
            (".github/workflows/ci.yml".to_owned(), Arc::from(WORKFLOW.as_bytes())),
        ]));
        let first = self.commit(NewCommit { repository: id, parent: None, message: "Start", author: owner, files });
        self.repository_mut(id).branches.insert("main".to_owned(), first);
        id
    }

    pub(crate) fn commit(&mut self, new: NewCommit<'_>) -> String {
        self.user_id(new.author);
        let sha = self.new_sha();
        let listing: Vec<String> = new.files.iter().map(|(path, bytes)| format!("{path} {}", sha_of(bytes))).collect();
        let commit = Commit {
            tree: sha_of(listing.join("\n").as_bytes()),
            sha: sha.clone(),
            parent: new.parent,
            message: new.message.to_owned(),
            author: new.author.to_owned(),
            time: self.now(),
            files: new.files,
            reachable_in: BTreeSet::from([new.repository]),
        };
        self.commits.insert(sha.clone(), commit);
        sha
    }

    /// What a branch, `heads/branch` or sha means in this repository.
    pub(crate) fn resolve(&self, repository: u64, reference: &str) -> Option<&Commit> {
        let found = self.repository(repository);
        let short = reference.strip_prefix("refs/").unwrap_or(reference);
        // As git does it: of a tag and a branch with one short name the tag is meant.
        let named = match short.strip_prefix("heads/") {
            Some(branch) => found.branches.get(branch),
            None => found.tags.get(short.strip_prefix("tags/").unwrap_or(short)).or_else(|| found.branches.get(short)),
        };
        let sha = named.map_or(reference, String::as_str);
        self.commits.get(sha).filter(|commit| commit.reachable_in.contains(&repository))
    }

    fn ancestors(&self, sha: &str) -> Vec<&Commit> {
        std::iter::successors(self.commits.get(sha), |commit| self.commits.get(commit.parent.as_deref()?)).collect()
    }
}

pub(crate) struct NewCommit<'a> {
    pub repository: u64,
    pub parent: Option<String>,
    pub message: &'a str,
    pub author: &'a str,
    pub files: Files,
}

pub(crate) fn get(state: &mut State, call: &Call) -> Reply {
    Ok(Answer::ok(wire::repository(state, state.repository(call.repository))))
}

pub(crate) fn get_branch(state: &mut State, call: &Call) -> Reply {
    let name = call.param("branch");
    let repository = state.repository(call.repository);
    let sha = repository.branches.get(name).ok_or_else(|| Refusal::new(404, "Branch not found"))?;
    let commit = &state.commits[sha];
    let protected = repository.protected.contains(name);
    let url = call.url(state, &format!("branches/{name}"));
    Ok(Answer::ok(json!({
        "name": name,
        "commit": wire::commit(state, call.repository, commit),
        "_links": { "self": url, "html": format!("{}/tree/{name}", wire::page_of(state, call.repository)) },
        "protected": protected,
        "protection": { "enabled": protected, "required_status_checks": { "enforcement_level": "off", "contexts": [], "checks": [] } },
        "protection_url": format!("{url}/protection"),
    })))
}

pub(crate) fn get_commit(state: &mut State, call: &Call) -> Reply {
    let commit = state.resolve(call.repository, call.param("ref"));
    let commit = commit.ok_or_else(|| Refusal::no_commit(call.param("ref")))?;
    Ok(Answer::ok(wire::commit(state, call.repository, commit)))
}

/// One file as an object, a directory as a list; a file over 1 MB comes without its content, as GitHub does it.
pub(crate) fn get_contents(state: &mut State, call: &Call) -> Reply {
    const INLINE_BYTES: usize = 1 << 20;
    let default_branch = state.repository(call.repository).default_branch.clone();
    let reference = call.query.get("ref").unwrap_or(&default_branch);
    let commit = state.resolve(call.repository, reference).ok_or_else(Refusal::not_found)?;
    let path = call.param("path").trim_matches('/');
    let link = |path: &str| format!("{}?ref={reference}", call.url(state, &format!("contents/{path}")));
    if let Some(bytes) = commit.files.get(path) {
        let mut file = wire::content(&link(path), path, bytes);
        let inline = bytes.len() <= INLINE_BYTES;
        file["encoding"] = json!(if inline { "base64" } else { "none" });
        let text = base64::engine::general_purpose::STANDARD.encode(bytes);
        file["content"] = json!(if inline { text } else { String::new() });
        return Ok(Answer::ok(file));
    }
    let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
    let inside: Vec<_> = commit.files.iter().filter(|(name, _)| name.starts_with(&prefix)).collect();
    let is_direct = |name: &str| !name[prefix.len()..].contains('/');
    let direct = inside.iter().filter(|(name, _)| is_direct(name));
    let mut entries: Vec<Value> = direct.map(|(name, bytes)| wire::content(&link(name), name, bytes)).collect();
    let directories: BTreeSet<&str> =
        inside.iter().filter_map(|(name, _)| Some(&name[..prefix.len() + name[prefix.len()..].find('/')?])).collect();
    entries
        .extend(directories.into_iter().map(|path| wire::directory(&link(path), path, &tree_of(&commit.files, path))));
    if entries.is_empty() { Err(Refusal::not_found()) } else { Ok(Answer::ok(json!(entries))) }
}

/// What stands for everything below a directory: equal for equal contents, as git's tree ids are.
fn tree_of(files: &Files, directory: &str) -> String {
    let below = files.iter().filter_map(|(name, bytes)| {
        let rest = name.strip_prefix(directory)?.strip_prefix('/')?;
        Some(format!("{rest} {}", sha_of(bytes)))
    });
    sha_of(below.collect::<Vec<_>>().join("\n").as_bytes())
}

pub(crate) fn get_tree(state: &mut State, call: &Call) -> Reply {
    let sha = call.param("tree_sha");
    let here = |commit: &&Commit| commit.reachable_in.contains(&call.repository);
    let commit = state.commits.values().filter(here).find(|c| c.tree == sha || c.sha == sha);
    let commit = commit.or_else(|| state.resolve(call.repository, sha)).ok_or_else(Refusal::not_found)?;
    let entries: Vec<Value> = commit
        .files
        .iter()
        .map(|(path, bytes)| {
            let sha = sha_of(bytes);
            let url = call.url(state, &format!("git/blobs/{sha}"));
            json!({ "path": path, "mode": "100644", "type": "blob", "sha": sha, "size": bytes.len(), "url": url })
        })
        .collect();
    let url = call.url(state, &format!("git/trees/{}", commit.tree));
    Ok(Answer::ok(json!({ "sha": commit.tree, "url": url, "tree": entries, "truncated": false })))
}

/// One file that differs between two trees, in GitHub's words.
pub(crate) struct Changed {
    pub path: String,
    pub status: &'static str,
    /// Before a renaming.
    pub previous: Option<String>,
    pub patch: Option<String>,
}

/// What changed from one tree to another. A file that appears with the bytes of one that went was renamed.
pub(crate) fn changed_files(state: &State, base: &str, head: &str) -> Vec<Changed> {
    let files = |sha: &str| state.commits.get(sha).map(|commit| commit.files.clone()).unwrap_or_default();
    let (base, head) = (files(base), files(head));
    let mut gone: BTreeSet<&String> = base.keys().filter(|path| !head.contains_key(*path)).collect();
    let mut changes = Vec::new();
    for (path, after) in head.iter().filter(|(path, after)| base.get(*path) != Some(*after)) {
        let before = base.get(path);
        let origin = gone.iter().copied().find(|old| before.is_none() && base[*old] == *after);
        if let Some(origin) = origin {
            gone.remove(origin);
        }
        let previous = origin.cloned();
        let status = match (before, &previous) {
            (Some(_), _) => "modified",
            (None, Some(_)) => "renamed",
            (None, None) => "added",
        };
        let patch = if previous.is_some() { None } else { patch(before, Some(after)) };
        changes.push(Changed { path: path.clone(), status, previous, patch });
    }
    let removed = |path: &String| Changed {
        path: path.clone(),
        status: "removed",
        previous: None,
        patch: patch(base.get(path), None),
    };
    changes.extend(gone.into_iter().map(removed));
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    changes
}

/// One hunk over the whole file: all old lines, then all new ones. Not the shortest diff, but a diff; none for bytes that
/// are no text.
fn patch(before: Option<&Arc<[u8]>>, after: Option<&Arc<[u8]>>) -> Option<String> {
    let text =
        |bytes: Option<&Arc<[u8]>>| std::str::from_utf8(bytes.map_or(&[][..], |bytes| bytes)).ok().map(str::to_owned);
    let (before, after) = (text(before)?, text(after)?);
    let (old, new) = (before.lines().count(), after.lines().count());
    let start = |lines: usize| usize::from(lines > 0);
    let mut lines = vec![format!("@@ -{},{old} +{},{new} @@", start(old), start(new))];
    lines.extend(before.lines().map(|line| format!("-{line}")));
    lines.extend(after.lines().map(|line| format!("+{line}")));
    Some(lines.join("\n"))
}

pub(crate) fn compare(state: &mut State, call: &Call) -> Reply {
    let (base, head) = call.param("basehead").split_once("...").ok_or_else(Refusal::not_found)?;
    let base = state.resolve(call.repository, base).ok_or_else(Refusal::not_found)?;
    let head = state.resolve(call.repository, head).ok_or_else(Refusal::not_found)?;
    let (in_base, in_head) = (state.ancestors(&base.sha), state.ancestors(&head.sha));
    let unknown_to = |them: &[&Commit], commit: &Commit| !them.iter().any(|c| c.sha == commit.sha);
    let ahead: Vec<&&Commit> = in_head.iter().filter(|c| unknown_to(&in_base, c)).collect();
    let behind = in_base.iter().filter(|c| unknown_to(&in_head, c)).count();
    let merge_base = in_base.iter().find(|c| !unknown_to(&in_head, c)).copied().unwrap_or(base);
    let status = match (ahead.len(), behind) {
        (0, 0) => "identical",
        (_, 0) => "ahead",
        (0, _) => "behind",
        _ => "diverged",
    };
    let files = changed_files(state, &merge_base.sha, &head.sha);
    let commits: Vec<Value> = ahead.iter().rev().map(|c| wire::commit(state, call.repository, c)).collect();
    let page = format!("{}/compare/{}", wire::page_of(state, call.repository), call.param("basehead"));
    Ok(Answer::ok(json!({
        "url": call.url(state, &format!("compare/{}", call.param("basehead"))),
        "html_url": page,
        "permalink_url": page,
        "diff_url": format!("{page}.diff"),
        "patch_url": format!("{page}.patch"),
        "base_commit": wire::commit(state, call.repository, base),
        "merge_base_commit": wire::commit(state, call.repository, merge_base),
        "status": status,
        "ahead_by": ahead.len(),
        "behind_by": behind,
        "total_commits": ahead.len(),
        "commits": commits,
        "files": files.iter().map(|file| wire::changed_file(state, call.repository, &head.sha, file)).collect::<Vec<_>>(),
    })))
}

pub(crate) fn permission(state: &mut State, call: &Call) -> Reply {
    let login = call.param("username").to_owned();
    let level = state.repository(call.repository).collaborators.get(&login).cloned();
    let level = level.unwrap_or_else(|| "none".to_owned());
    // The coarse answer knows neither `maintain` nor `triage`.
    let coarse = match level.as_str() {
        "maintain" => "write",
        "triage" => "read",
        other => other,
    };
    let mut user = wire::user(state, &login);
    user["role_name"] = json!(level);
    Ok(Answer::ok(json!({ "permission": coarse, "role_name": level, "user": user })))
}

/// The newest first. What was asked for as `provenance` is what all of them are here.
pub(crate) fn attestations(state: &mut State, call: &Call) -> Reply {
    let digest = call.param("subject_digest").trim_start_matches("sha256:");
    let known = state.repository(call.repository).attestations.get(digest);
    let shown = |bundle: &Value| json!({ "bundle": bundle, "repository_id": call.repository });
    let attestations: Vec<Value> = known.into_iter().flatten().rev().map(shown).collect();
    Ok(Answer::ok(json!({ "attestations": attestations })))
}

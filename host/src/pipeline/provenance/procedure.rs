//! Whether the procedure of a run is that of the base branch: its workflow file, the reusable workflows and actions of
//! the repository, and every other local action that the workflow names.

use crate::github::{Entry, EntryKind, FileAt};
use crate::model::HeadSha;
use crate::model::changes::{Changes, Extent};
use serde_json::Value;
use std::collections::BTreeSet;

/// What became of a run's procedure. The texts are the rest of a sentence that begins with the tier and "because".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Procedure {
    Unchanged {
        /// The blob id of the workflow file, where it is known.
        workflow_sha: Option<String>,
    },
    Changed(String),
    Incomparable(String),
    /// GitHub could not be asked.
    Unread(String),
}

/// Where workflows and actions of a repository live; whatever lies below may be part of any procedure.
const DIRECTORIES: [&str; 2] = [".github/workflows", ".github/actions"];

/// A workflow file, and the paths of everything that it uses of its own repository, also by way of others; or why nobody
/// knows them.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    pub file: &'a FileAt,
    pub used: &'a Used,
}

pub type Used = Result<BTreeSet<String>, String>;

/// Of a `pull_request` run: GitHub ran the merge of head and base, so what the pull request does not touch is the
/// base's. `source` is as the base has it.
pub fn of_pull_request(
    (number, changes): (u64, &Changes),
    head: &HeadSha,
    workflow: &str,
    source: Option<Source<'_>>,
) -> Procedure {
    let incomparable = |why: String| Procedure::Incomparable(why);
    let changed = |path: &str| Procedure::Changed(format!("pull request #{number} changes `{path}`"));
    if changes.extent == Extent::Cut {
        return incomparable(format!("pull request #{number} changes more files than GitHub lists"));
    }
    if changes.head_sha.as_ref() != Some(head) {
        return incomparable(format!("GitHub's list of the files of pull request #{number} is of another commit"));
    }
    if let Some(path) = changes.paths().find(|path| DIRECTORIES.iter().any(|place| touches(path, place))) {
        return changed(path);
    }
    let Some(source) = source else { return incomparable(format!("the base branch has no `{workflow}`")) };
    let used = match source.used {
        Ok(used) => used,
        Err(why) => return incomparable(format!("on the base branch {why}")),
    };
    let is_part = |path: &str| is_action_file(path) || used.iter().any(|place| touches(path, place));
    match changes.paths().find(|path| is_part(path)) {
        Some(path) => changed(path),
        None => Procedure::Unchanged { workflow_sha: Some(source.file.blob.clone()) },
    }
}

/// `.github` at a commit and at what it is compared with; none where there is no such directory.
#[derive(Clone, Copy, Debug)]
pub struct Sides<'a> {
    pub head: Option<&'a [Entry]>,
    pub base: Option<&'a [Entry]>,
    /// What the base is called for people.
    pub base_name: &'a str,
}

/// Of a run whose workflow file is the head's own (`push`, `workflow_dispatch`, `merge_group`): a branch that was cut
/// long ago still carries the workflow of that time. `source` is as the head has it.
pub fn of_commit(sides: Sides<'_>, workflow: &str, source: Option<Source<'_>>) -> Procedure {
    let base_name = sides.base_name;
    let tree = |entries: Option<&[Entry]>, path: &str| -> Option<Entry> {
        let name = path.trim_start_matches(".github/");
        entries.unwrap_or_default().iter().find(|entry| entry.name == name).cloned()
    };
    for place in DIRECTORIES {
        let (head, base) = (tree(sides.head, place), tree(sides.base, place));
        if head != base {
            return Procedure::Changed(format!("`{place}` is not as on {base_name}"));
        }
        if head.is_some_and(|entry| entry.kind != EntryKind::Directory) {
            return Procedure::Incomparable(format!("`{place}` is no directory"));
        }
    }
    let Some(source) = source else { return Procedure::Incomparable(format!("`{workflow}` is not in its commit")) };
    match source.used {
        Err(why) => Procedure::Incomparable(why.clone()),
        Ok(used) => match used.iter().find(|path| !is_compared(path)) {
            Some(path) => Procedure::Incomparable(format!(
                "`{workflow}` uses `./{path}`, which is compared for runs of pull requests only"
            )),
            None => Procedure::Unchanged { workflow_sha: Some(source.file.blob.clone()) },
        },
    }
}

/// Whether changing `path` can change what lies at `place`: it is the place, inside it, or above it, where a link or a
/// submodule took a directory's place.
fn touches(path: &str, place: &str) -> bool {
    let inside = |inner: &str, outer: &str| {
        outer.is_empty() || inner == outer || inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'))
    };
    inside(path, place) || inside(place, path)
}

/// Whether the path lies where the trees are compared.
pub fn is_compared(path: &str) -> bool {
    DIRECTORIES
        .iter()
        .any(|place| path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// The files that say what lies at a path which is used: of a workflow itself, of an action one of two.
pub fn files_of(used: &str) -> Vec<String> {
    if used.ends_with(".yml") || used.ends_with(".yaml") {
        return vec![used.to_owned()];
    }
    let inside = |file: &str| if used.is_empty() { file.to_owned() } else { format!("{used}/{file}") };
    ["action.yml", "action.yaml"].map(inside).to_vec()
}

/// What makes a directory an action. It may be used in ways that nobody sees.
fn is_action_file(path: &str) -> bool {
    matches!(path.rsplit('/').next(), Some("action.yml" | "action.yaml"))
}

/// The paths of the repository's own actions and workflows that a workflow or an action uses itself, from the root; none
/// where it cannot be understood, or a path leads out of the repository.
pub fn local_actions(workflow: &[u8]) -> Option<Vec<String>> {
    let document: Value = serde_saphyr::from_slice(workflow).ok()?;
    let mut used = Vec::new();
    collect_uses(&document, &mut used);
    used.into_iter().map(normal).collect()
}

fn collect_uses<'a>(value: &'a Value, used: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member.as_str().filter(|path| name == "uses" && path.starts_with('.')) {
                    Some(path) => used.push(path),
                    None => collect_uses(member, used),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_uses(item, used)),
        _ => {}
    }
}

/// `./tools/scan/` as `tools/scan`.
fn normal(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split(['/', '\\']).filter(|part| !matches!(*part, "" | ".")).collect();
    (!parts.contains(&"..")).then(|| parts.join("/"))
}

//! One case for each way to a tier. No GitHub: what was read is given.

use super::procedure::{self, Procedure, Sides, Source, Used};
use super::*;
use crate::github::{Entry, EntryKind, FileAt};
use crate::model::HeadSha;
use crate::model::changes::{ChangedFile, Changes, Extent};
use crate::model::event::RunState;

const CI: &str = ".github/workflows/ci.yml";
const OWN: Option<u64> = Some(1);

fn sha(digit: &str) -> HeadSha {
    HeadSha::parse(&digit.repeat(40)).unwrap()
}

fn run(head_repository_id: Option<u64>) -> WorkflowRun {
    WorkflowRun {
        id: RunId(1),
        attempt: 1,
        workflow_path: CI.to_owned(),
        workflow_name: "ci".to_owned(),
        event: "pull_request".to_owned(),
        state: RunState::Succeeded,
        head_sha: sha("a"),
        head_repository_id,
        head_owner: None,
        head_branch: None,
        actor: None,
        triggering_actor: None,
        workflow_id: None,
        referenced_workflows: vec![ReferencedWorkflow::of("acme/ci/.github/workflows/scan.yml@main", "5f2a")],
        created_at: 0,
        started_at: 0,
        url: None,
    }
}

fn changes(paths: &[&str]) -> Changes {
    let file = |path: &&str| ChangedFile { path: (*path).to_owned(), previous_path: None, patch: None };
    Changes { files: paths.iter().map(file).collect(), extent: Extent::Whole, head_sha: Some(sha("a")) }
}

fn blob(text: &str) -> FileAt {
    FileAt { blob: "b10b".to_owned(), content: text.as_bytes().to_vec() }
}

fn unchanged() -> Procedure {
    Procedure::Unchanged { workflow_sha: Some("b10b".to_owned()) }
}

/// What a workflow names itself.
fn named(file: &FileAt) -> Used {
    let named = procedure::local_actions(&file.content).ok_or("it cannot be understood")?;
    Ok(named.into_iter().collect())
}

fn of_pull_request(changes: &Changes, file: Option<&FileAt>) -> Procedure {
    let used = file.map_or(Ok(Default::default()), named);
    procedure::of_pull_request((3, changes), &sha("a"), CI, file.map(|file| Source { file, used: &used }))
}

/// What a pull request that touches these paths makes of this workflow of the base.
fn under(paths: &[&str], workflow: &str) -> Procedure {
    of_pull_request(&changes(paths), Some(&blob(workflow)))
}

fn is_changed(procedure: &Procedure) -> bool {
    matches!(procedure, Procedure::Changed(_))
}

#[test]
fn a_fork_s_run_is_a_fork_s_whatever_it_changes_and_whatever_it_calls() {
    let trusted = run(OWN).referenced_workflows;
    for head in [Some(2), None] {
        let tier = tier(&run(head), OWN, &unchanged(), &trusted);
        assert_eq!((tier.provenance, tier.unread), (Provenance::Fork, false));
    }
    assert_eq!(tier(&run(OWN), None, &unchanged(), &trusted).provenance, Provenance::Fork);
}

#[test]
fn an_unchanged_procedure_is_the_repositorys_and_a_named_version_of_a_workflow_more() {
    assert_eq!(tier(&run(OWN), OWN, &unchanged(), &[]).provenance, Provenance::Repository);
    let trusted = run(OWN).referenced_workflows;
    let best = tier(&run(OWN), OWN, &unchanged(), &trusted);
    assert_eq!((best.provenance, best.workflow_sha.as_deref()), (Provenance::TrustedWorkflow, Some("b10b")));
    let other_version = vec![ReferencedWorkflow { sha: "0000".to_owned(), ..trusted[0].clone() }];
    assert_eq!(tier(&run(OWN), OWN, &unchanged(), &other_version).provenance, Provenance::Repository);
}

#[test]
fn whatever_is_not_known_to_be_unchanged_is_changed() {
    let trusted = run(OWN).referenced_workflows;
    let word = || "it could not be seen".to_owned();
    for (procedure, unread) in [
        (Procedure::Changed(word()), false),
        (Procedure::Incomparable(word()), false),
        (Procedure::Unread(word()), true),
    ] {
        let tier = tier(&run(OWN), OWN, &procedure, &trusted);
        assert_eq!((tier.provenance, tier.unread), (Provenance::ChangedWorkflow, unread));
        assert_eq!(tier.because, "it could not be seen");
    }
}

#[test]
fn a_pull_request_changes_the_procedure_by_any_file_of_it() {
    let workflow = "jobs:\n  scan:\n    steps: [{ uses: ./tools/scan/ }, { uses: actions/checkout@v5 }]\n";
    for path in [
        CI,
        ".github/workflows/other.yml",
        ".github/actions/scan/index.js",
        ".github/actions",
        ".github",
        "tools/scan/run.sh",
        "tools/scan",
        "tools",
        "somewhere/else/action.yml",
    ] {
        assert!(is_changed(&under(&["README.md", path], workflow)), "{path}");
    }
    for path in ["tools/scanner/run.sh", ".github/CODEOWNERS", "src/.github/workflows/ci.yml"] {
        assert_eq!(under(&[path], workflow), unchanged(), "{path}");
    }
}

#[test]
fn a_name_before_a_renaming_counts_as_well() {
    let mut renamed = changes(&["ci.yml"]);
    renamed.files[0].previous_path = Some(CI.to_owned());
    assert!(is_changed(&of_pull_request(&renamed, Some(&blob("{}")))));
}

#[test]
fn an_action_at_the_root_is_changed_by_every_change() {
    assert!(is_changed(&under(&["README.md"], "jobs: { scan: { steps: [{ uses: ./ }] } }\n")));
}

#[test]
fn what_cannot_be_compared_says_why() {
    let why = |procedure: Procedure| match procedure {
        Procedure::Incomparable(why) => why,
        other => panic!("{other:?}"),
    };
    let of = |changes: &Changes, blob: Option<&FileAt>| why(of_pull_request(changes, blob));
    let text = blob("{}");
    let cut = Changes { extent: Extent::Cut, ..changes(&["README.md"]) };
    assert!(of(&cut, Some(&text)).contains("more files than GitHub lists"));
    let of_other = Changes { head_sha: Some(sha("c")), ..changes(&["README.md"]) };
    assert!(of(&of_other, Some(&text)).contains("of another commit"));
    assert!(of(&changes(&["README.md"]), None).contains("the base branch has no"));
    for odd in ["jobs: [", "jobs: { a: { steps: [{ uses: ./../elsewhere }] } }\n"] {
        assert!(of(&changes(&["README.md"]), Some(&blob(odd))).contains("cannot be understood"), "{odd}");
    }
}

fn entry(name: &str, sha: &str) -> Entry {
    Entry { name: name.to_owned(), kind: EntryKind::Directory, sha: sha.to_owned() }
}

fn compared(head: &[Entry], base: &[Entry], workflow: Option<&str>) -> Procedure {
    let sides = Sides { head: Some(head), base: Some(base), base_name: "`main`" };
    let file = workflow.map(blob);
    let used = file.as_ref().map_or(Ok(Default::default()), named);
    procedure::of_commit(sides, CI, file.as_ref().map(|file| Source { file, used: &used }))
}

#[test]
fn the_trees_of_workflows_and_actions_must_be_equal() {
    let base = [entry("workflows", "1"), entry("actions", "2")];
    assert_eq!(compared(&base, &base, Some("{}")), unchanged());
    let without_actions = [entry("workflows", "1")];
    assert_eq!(compared(&without_actions, &without_actions, Some("{}")), unchanged());
    for head in [vec![entry("workflows", "9"), entry("actions", "2")], without_actions.to_vec(), Vec::new()] {
        assert!(is_changed(&compared(&head, &base, Some("{}"))), "{head:?}");
    }
}

#[test]
fn a_directory_that_is_a_link_or_a_workflow_that_is_not_there_compares_with_nothing() {
    let link = [Entry { kind: EntryKind::Other, ..entry("workflows", "1") }];
    assert!(matches!(compared(&link, &link, Some("{}")), Procedure::Incomparable(_)));
    let same = [entry("workflows", "1")];
    assert!(matches!(compared(&same, &same, None), Procedure::Incomparable(_)));
}

#[test]
fn an_action_elsewhere_cannot_be_compared_for_a_push() {
    let same = [entry("workflows", "1"), entry("actions", "2")];
    let uses = |path: &str| format!("jobs: {{ scan: {{ steps: [{{ uses: {path} }}] }} }}\n");
    assert_eq!(compared(&same, &same, Some(&uses("./.github/actions/scan"))), unchanged());
    assert!(matches!(compared(&same, &same, Some(&uses("./tools/scan"))), Procedure::Incomparable(_)));
}

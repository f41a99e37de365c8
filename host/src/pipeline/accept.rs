//! Somebody presses *Accept evidence*: whether that has an effect. Pure; what the sender may do was asked before.

use crate::github::Permission;
use crate::model::provenance::{AcceptKey, Acceptance, digest_of};
use crate::model::record::CheckRecord;
use crate::model::verdict::Judged;
use crate::model::{BrokenKind, Unix};
use crate::state::CommitState;

/// One press of the button.
#[derive(Clone, Copy, Debug)]
pub struct Press<'a> {
    /// Who pressed.
    pub by: &'a str,
    pub permission: Permission,
    /// What the button stood for that they saw.
    pub key: AcceptKey,
    pub at: Unix,
}

/// Why a press changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("they have no write access to the repository")]
    MayNotWrite,
    #[error("no open pull request has this commit as its head")]
    NoPullRequest,
    #[error("they opened the pull request, or nobody knows who did")]
    Author,
    #[error("they started or repeated a workflow run of this commit, or nobody knows who did")]
    StartedTheRun,
    #[error("nothing of this commit waits to be accepted for the check")]
    NothingToAccept,
    #[error("the evidence is not the one that the button was shown for")]
    OtherEvidence,
}

/// `decided` is the check as the last decision about the commit has it.
pub fn accept(press: Press<'_>, commit: &CommitState, decided: Option<&CheckRecord>) -> Result<Acceptance, Refused> {
    if press.permission != Permission::Write {
        return Err(Refused::MayNotWrite);
    }
    let is_sender = |login: &Option<String>| login.as_ref().is_none_or(|login| login.eq_ignore_ascii_case(press.by));
    if commit.pull_requests.is_empty() {
        return Err(Refused::NoPullRequest);
    }
    if commit.pull_requests.values().any(|pull| is_sender(&pull.author)) {
        return Err(Refused::Author);
    }
    if commit.runs.values().any(|run| is_sender(&run.actor) || is_sender(&run.triggering_actor)) {
        return Err(Refused::StartedTheRun);
    }
    let decided = decided.filter(|check| waits(check));
    let evidence = digest_of(&decided.ok_or(Refused::NothingToAccept)?.left_out);
    if AcceptKey::of(&evidence) != press.key {
        return Err(Refused::OtherEvidence);
    }
    Ok(Acceptance { by: press.by.to_owned(), at: press.at, evidence })
}

/// Whether a policy of the check has nothing to judge but evidence below the minimum.
fn waits(check: &CheckRecord) -> bool {
    let is_untrusted =
        |verdict: &Judged| matches!(verdict, Judged::Broken(broken, _) if broken.kind == BrokenKind::Untrusted);
    check.judgements.iter().any(|judgement| is_untrusted(&judgement.verdict))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::{PullRequest, RunState, WorkflowRun};
    use crate::model::plan::{Knobs, WaitFor};
    use crate::model::provenance::LeftOut;
    use crate::model::report::Provenance;
    use crate::model::{Broken, CheckName, Digest, HeadSha, Judgement, RunId};

    fn low(bytes: &[u8]) -> LeftOut {
        LeftOut {
            path: "trivy/trivy.json".to_owned(),
            digest: Some(Digest::of(bytes)),
            provenance: Provenance::ChangedWorkflow,
            because: "pull request #3 changes `.github/workflows/ci.yml`".to_owned(),
            unread: false,
            covers: Vec::new(),
        }
    }

    fn decided(left_out: Vec<LeftOut>) -> CheckRecord {
        let untrusted = (!left_out.is_empty()).then(|| Judgement {
            plugin: "license".to_owned(),
            verdict: Judged::Broken(Broken::new(BrokenKind::Untrusted, "it is changed-workflow"), None),
            notices: Vec::new(),
        });
        CheckRecord {
            check: CheckName::parse("License Check").unwrap(),
            knobs: Knobs::default(),
            wait_for: WaitFor::Covered,
            judgements: untrusted.into_iter().collect(),
            reads: Vec::new(),
            min_provenance: Some(Provenance::Repository),
            left_out,
            accepted: None,
        }
    }

    fn sha() -> HeadSha {
        HeadSha::parse(&"a".repeat(40)).unwrap()
    }

    fn commit() -> CommitState {
        let pull = PullRequest {
            number: 3,
            author: Some("author".to_owned()),
            head_sha: sha(),
            head_repository_id: Some(1),
            base_sha: sha(),
            base_branch: "main".to_owned(),
        };
        let run = WorkflowRun {
            id: RunId(1),
            attempt: 2,
            workflow_path: String::new(),
            workflow_name: String::new(),
            event: "pull_request".to_owned(),
            state: RunState::Succeeded,
            head_sha: sha(),
            head_repository_id: Some(1),
            head_owner: None,
            head_branch: None,
            actor: Some("author".to_owned()),
            triggering_actor: Some("restarter".to_owned()),
            workflow_id: None,
            referenced_workflows: Vec::new(),
            created_at: 0,
            started_at: 0,
            url: None,
        };
        CommitState { pull_requests: [(3, pull)].into(), runs: [(1, run)].into(), ..CommitState::default() }
    }

    fn press(by: &str) -> Press<'_> {
        let key = AcceptKey::of(&digest_of(&[low(b"clean")]));
        Press { by, permission: Permission::Write, key, at: 7 }
    }

    #[test]
    fn somebody_else_with_write_access_accepts_exactly_what_they_saw() {
        let accepted = accept(press("maintainer"), &commit(), Some(&decided(vec![low(b"clean")])));
        let evidence = digest_of(&[low(b"clean")]);
        assert_eq!(accepted, Ok(Acceptance { by: "maintainer".to_owned(), at: 7, evidence }));
    }

    #[test]
    fn everybody_else_is_refused_with_the_reason() {
        let seen = decided(vec![low(b"clean")]);
        let refused = |press: Press<'_>, commit: &CommitState| accept(press, commit, Some(&seen)).unwrap_err();
        assert_eq!(refused(press("AUTHOR"), &commit()), Refused::Author);
        assert_eq!(refused(press("restarter"), &commit()), Refused::StartedTheRun);
        let reader = Press { permission: Permission::Less, ..press("maintainer") };
        assert_eq!(refused(reader, &commit()), Refused::MayNotWrite);
        assert_eq!(refused(press("maintainer"), &CommitState::default()), Refused::NoPullRequest);
        let mut unknown = commit();
        unknown.pull_requests.get_mut(&3).unwrap().author = None;
        assert_eq!(refused(press("maintainer"), &unknown), Refused::Author);
    }

    #[test]
    fn other_evidence_than_what_was_shown_is_not_accepted() {
        let accepted = |decided: CheckRecord| accept(press("maintainer"), &commit(), Some(&decided)).unwrap_err();
        assert_eq!(accepted(decided(vec![low(b"swapped")])), Refused::OtherEvidence);
        assert_eq!(accepted(decided(vec![low(b"clean"), low(b"added")])), Refused::OtherEvidence);
        assert_eq!(accepted(decided(Vec::new())), Refused::NothingToAccept);
        assert_eq!(accept(press("maintainer"), &commit(), None), Err(Refused::NothingToAccept));
    }
}

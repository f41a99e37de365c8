//! Somebody presses *Accept evidence*: whether that has an effect. Pure; what the sender may do was asked before.

use crate::model::provenance::{AcceptKey, Acceptance};
use crate::model::{Digest, Unix};
use crate::state::CommitState;

/// One press of the button.
#[derive(Clone, Copy, Debug)]
pub struct Press<'a> {
    /// Who pressed.
    pub by: &'a str,
    /// Whether they may write to the repository.
    pub may_write: bool,
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

/// `waiting` is what the last decision about the commit said that the check waits for.
pub fn accept(press: Press<'_>, commit: &CommitState, waiting: Option<&Digest>) -> Result<Acceptance, Refused> {
    if !press.may_write {
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
    let evidence = *waiting.ok_or(Refused::NothingToAccept)?;
    if AcceptKey::of(&evidence) != press.key {
        return Err(Refused::OtherEvidence);
    }
    Ok(Acceptance { by: press.by.to_owned(), at: press.at, evidence })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::{PullRequest, RunState, WorkflowRun};
    use crate::model::{HeadSha, RunId};

    fn sha() -> HeadSha {
        HeadSha::parse(&"a".repeat(40)).unwrap()
    }

    fn commit() -> CommitState {
        let pull = PullRequest {
            number: 3,
            open: true,
            draft: false,
            author: Some("author".to_owned()),
            head_sha: sha(),
            head_branch: "change".to_owned(),
            updated_at: 0,
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
        Press { by, may_write: true, key: AcceptKey::of(&seen()), at: 7 }
    }

    fn seen() -> Digest {
        Digest::of(b"clean")
    }

    #[test]
    fn somebody_else_with_write_access_accepts_exactly_what_they_saw() {
        let accepted = accept(press("maintainer"), &commit(), Some(&seen()));
        assert_eq!(accepted, Ok(Acceptance { by: "maintainer".to_owned(), at: 7, evidence: seen() }));
    }

    #[test]
    fn everybody_else_is_refused_with_the_reason() {
        let refused = |press: Press<'_>, commit: &CommitState| accept(press, commit, Some(&seen())).unwrap_err();
        assert_eq!(refused(press("AUTHOR"), &commit()), Refused::Author);
        assert_eq!(refused(press("restarter"), &commit()), Refused::StartedTheRun);
        let reader = Press { may_write: false, ..press("maintainer") };
        assert_eq!(refused(reader, &commit()), Refused::MayNotWrite);
        assert_eq!(refused(press("maintainer"), &CommitState::default()), Refused::NoPullRequest);
        let mut unknown = commit();
        unknown.pull_requests.get_mut(&3).unwrap().author = None;
        assert_eq!(refused(press("maintainer"), &unknown), Refused::Author);
    }

    #[test]
    fn other_evidence_than_what_was_shown_is_not_accepted() {
        let refused = |waiting: Option<Digest>| accept(press("maintainer"), &commit(), waiting.as_ref()).unwrap_err();
        assert_eq!(refused(Some(Digest::of(b"swapped"))), Refused::OtherEvidence);
        assert_eq!(refused(None), Refused::NothingToAccept);
    }
}

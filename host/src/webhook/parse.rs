//! What a delivery means. Few fields, nearly all optional: GitHub adds events, actions and fields without notice,
//! and leaves out what everybody takes for granted. The wire structs end here.

mod checks;
mod wire;

use crate::model::event::{
    Origin, PullRequest, PullRequestAction, PullRequestEvent, RunAction, RunState, WorkflowRun, WorkflowRunEvent,
    workflow_file,
};
use crate::model::provenance::ReferencedWorkflow;
use crate::model::{Event, HeadSha, InstallationId, RepositoryName, RunId, Unix};
use serde::de::DeserializeOwned;
use wire::{Head, InstallationWire, PullRequestWire, RepositoryWire, WorkflowRunWire};

/// The body is not what its event should be.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    #[error("the body is not JSON, or a field of it has the wrong type: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the repository has no usable name: {0}")]
    Repository(crate::model::ids::InvalidId),
}

/// Reads the payload of the event with this name. Everything that Palisade does not act on, known or not, is
/// [`Event::Other`]; so is an event without an installation, since nothing could be answered to it.
pub fn parse(event_name: &str, body: &[u8]) -> Result<Event, ParseError> {
    if event_name == "ping" {
        read::<serde::de::IgnoredAny>(body)?;
        return Ok(Event::Ping);
    }
    let Head { action } = read(body)?;
    let action = action.and_then(|action| action.as_str().map(ToOwned::to_owned));
    let understood = match (event_name, action.as_deref()) {
        ("pull_request", Some(word)) => match pull_request_action(word) {
            Some(action) => pull_request(action, body)?,
            None => None,
        },
        ("workflow_run", Some(word)) => match run_action(word) {
            Some(action) => workflow_run(action, body)?,
            None => None,
        },
        ("check_run", Some(word)) => checks::check_run(word, body)?,
        ("check_suite", Some(word)) => checks::check_suite(word, body)?,
        ("merge_group", Some(word)) => checks::merge_group(word, body)?,
        ("push", None) => checks::push(body)?,
        ("installation", Some(word)) => checks::installation(word, body)?,
        ("installation_repositories", Some(_)) => checks::installation_repositories(body)?,
        _ => None,
    };
    Ok(understood.unwrap_or_else(|| Event::Other { name: event_name.to_owned(), action }))
}

/// Whether an event of this name and action can lead to anything, as far as these two say: what cannot needs neither be
/// read again nor delivered again.
pub fn may_matter(event_name: &str, action: Option<&str>) -> bool {
    match (event_name, action) {
        ("pull_request", Some(word)) => pull_request_action(word).is_some(),
        ("workflow_run", Some(word)) => run_action(word).is_some(),
        ("check_run", Some(word)) => matches!(word, "rerequested" | "requested_action"),
        ("check_suite", Some(word)) => matches!(word, "requested" | "rerequested"),
        ("merge_group" | "installation" | "installation_repositories", Some(_)) | ("push", None) => true,
        _ => false,
    }
}

fn pull_request_action(word: &str) -> Option<PullRequestAction> {
    Some(match word {
        "opened" => PullRequestAction::Opened,
        "reopened" => PullRequestAction::Reopened,
        "synchronize" => PullRequestAction::Synchronize,
        "edited" => PullRequestAction::Edited,
        "ready_for_review" => PullRequestAction::ReadyForReview,
        "converted_to_draft" => PullRequestAction::ConvertedToDraft,
        "closed" => PullRequestAction::Closed,
        _ => return None,
    })
}

fn run_action(word: &str) -> Option<RunAction> {
    [RunAction::Requested, RunAction::InProgress, RunAction::Completed]
        .into_iter()
        .find(|action| self::word(*action) == word)
}

/// GitHub's word for it.
pub(super) fn word(action: RunAction) -> &'static str {
    match action {
        RunAction::Requested => "requested",
        RunAction::InProgress => "in_progress",
        RunAction::Completed => "completed",
    }
}

fn pull_request(action: PullRequestAction, body: &[u8]) -> Result<Option<Event>, ParseError> {
    let wire: PullRequestWire = read(body)?;
    // A title or a description changes nothing that is judged.
    let rebased = wire.changes.is_some_and(|changes| changes.base.is_some());
    if action == PullRequestAction::Edited && !rebased {
        return Ok(None);
    }
    let Some(origin) = origin(wire.installation, wire.repository)? else { return Ok(None) };
    let pull = wire.pull_request;
    Ok(Some(Event::PullRequest(PullRequestEvent {
        origin,
        action,
        pull_request: PullRequest {
            number: pull.number,
            // A closed pull request is closed, whatever the copy of its state says.
            open: action != PullRequestAction::Closed,
            draft: pull.draft.unwrap_or(false),
            author: pull.user.and_then(|user| user.login),
            head_sha: pull.head.sha,
            head_branch: pull.head.branch.unwrap_or_default(),
            head_repository_id: pull.head.repo.map(|repository| repository.id),
            base_sha: pull.base.sha,
            base_branch: pull.base.branch,
            updated_at: unix(pull.updated_at.as_deref()).unwrap_or(0),
        },
        before: wire.before.and_then(|before| HeadSha::parse(&before).ok()),
    })))
}

fn workflow_run(action: RunAction, body: &[u8]) -> Result<Option<Event>, ParseError> {
    let wire: WorkflowRunWire = read(body)?;
    let Some(origin) = origin(wire.installation, wire.repository)? else { return Ok(None) };
    let run = wire.workflow_run;
    let path = run.path.or_else(|| wire.workflow.and_then(|workflow| workflow.path)).unwrap_or_default();
    let workflow_path = workflow_file(&path).to_owned();
    // A completed run ended, whatever the copy of its status says.
    let status = if action == RunAction::Completed { Some("completed") } else { run.status.as_deref() };
    let created_at = unix(run.created_at.as_deref()).unwrap_or(0);
    let referenced = run.referenced_workflows.unwrap_or_default().into_iter();
    let (head_repository_id, head_owner) = match run.head_repository {
        Some(repository) => (Some(repository.id), repository.owner.and_then(|owner| owner.login)),
        None => (None, None),
    };
    let numbers = run.pull_requests.unwrap_or_default().into_iter().flatten().filter_map(|pull| pull.number);
    Ok(Some(Event::WorkflowRun(WorkflowRunEvent {
        origin,
        action,
        run: WorkflowRun {
            id: RunId(run.id),
            attempt: run.run_attempt.unwrap_or(1),
            workflow_name: run.name.filter(|name| !name.is_empty()).unwrap_or_else(|| workflow_path.clone()),
            workflow_path,
            event: run.event.unwrap_or_default(),
            state: RunState::of(status, run.conclusion.as_deref()),
            head_sha: run.head_sha,
            head_repository_id,
            head_owner,
            head_branch: run.head_branch,
            actor: run.actor.and_then(|actor| actor.login),
            triggering_actor: run.triggering_actor.and_then(|actor| actor.login),
            workflow_id: run.workflow_id,
            referenced_workflows: referenced.map(|one| ReferencedWorkflow::of(&one.path, &one.sha)).collect(),
            created_at,
            started_at: unix(run.run_started_at.as_deref()).unwrap_or(created_at),
            url: run.html_url,
        },
        pull_requests: numbers.collect(),
    })))
}

fn origin(
    installation: Option<InstallationWire>,
    repository: Option<RepositoryWire>,
) -> Result<Option<Origin>, ParseError> {
    let (Some(installation), Some(repository)) = (installation, repository) else { return Ok(None) };
    let name = RepositoryName::new(&repository.owner.login, &repository.name).map_err(ParseError::Repository)?;
    Ok(Some(Origin {
        installation: InstallationId(installation.id),
        repository: name,
        repository_id: repository.id,
        default_branch: repository.default_branch,
        topics: repository.topics.unwrap_or_default(),
        language: repository.language,
    }))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ParseError> {
    Ok(serde_json::from_slice(body)?)
}

fn unix(text: Option<&str>) -> Option<Unix> {
    let at: jiff::Timestamp = text?.parse().ok()?;
    u64::try_from(at.as_second()).ok()
}

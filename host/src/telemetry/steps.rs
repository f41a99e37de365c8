//! Spans with what is known of an event, a job or a check: which span it is, and its attributes.

use super::spans;
use crate::model::event::{
    CheckRunEvent, CheckRunRequest, CheckSuiteAction, CheckSuiteEvent, Event, Origin, PullRequestEvent, RunAction,
    RunState, WorkflowRunEvent,
};
use crate::model::{CommitKey, HeadSha, Job, JobKind, Trail};
use tracing::Span;
use tracing::field::Empty;

/// The one span of a job, around everything that is done for it; log lines show it.
pub fn job(job: &Job, commit: &CommitKey, (trail, hints): (&Trail, usize)) -> Span {
    let repository = &commit.repository;
    let span = tracing::info_span!(
        target: spans::JOB,
        "job",
        job = %job.id,
        kind = job.kind.name(),
        owner = repository.owner(),
        repo = repository.name(),
        repository = %repository,
        sha = %commit.sha,
        installation = %commit.installation,
        delivery = Empty,
        request_id = Empty,
        trace_id = Empty,
        hints,
        attempt = job.attempt,
        "result" = Empty,
        "error" = Empty,
        "otel.status_code" = Empty,
    );
    if let Some(delivery) = &job.delivery {
        span.record("delivery", delivery.as_str());
    }
    if let Some(request) = &trail.request {
        span.record("request_id", request.as_str());
    }
    span
}

/// What the door does about an event that is acted on.
pub fn arrival(event: &Event) -> Option<Span> {
    let span = match event {
        Event::PullRequest(event) => pull_request(event),
        Event::WorkflowRun(event) => workflow_run(event),
        Event::CheckRun(event) => check_run(event),
        Event::CheckSuite(event) => check_suite(event),
        Event::MergeGroup(event) => of(spans::webhook_handle_merge_group(), &event.origin, &event.group.head_sha),
        Event::Push(event) => of(spans::webhook_handle_push(), &event.origin, &event.head_sha),
        Event::Installation(event) => {
            let span = spans::webhook_handle_installation();
            span.record("github.owner", event.account.as_str());
            span.record("github.id", event.installation.0);
            span
        }
        Event::Ping | Event::Other { .. } => return None,
    };
    Some(span)
}

fn of(span: Span, origin: &Origin, sha: &HeadSha) -> Span {
    span.record("github.owner", origin.repository.owner());
    span.record("github.repo", origin.repository.name());
    span.record("github.sha", sha.as_str());
    span.record("github.id", origin.installation.0);
    span
}

fn pull_request(event: &PullRequestEvent) -> Span {
    let span = of(spans::webhook_handle_pull_request(), &event.origin, &event.pull_request.head_sha);
    span.record("pr.number", event.pull_request.number);
    span.record("pr.action", format!("{:?}", event.action).to_lowercase());
    span
}

fn workflow_run(event: &WorkflowRunEvent) -> Span {
    described(of(spans::webhook_handle_workflow_run(), &event.origin, &event.run.head_sha), event)
}

fn described(span: Span, event: &WorkflowRunEvent) -> Span {
    span.record("github.workflow_run_id", event.run.id.0);
    span.record("workflow.name", event.run.workflow_name.as_str());
    let (action, status) = match event.action {
        RunAction::Requested => ("requested", "queued"),
        RunAction::InProgress => ("in_progress", "in_progress"),
        RunAction::Completed => ("completed", "completed"),
    };
    span.record("workflow.action", action);
    span.record("workflow.status", status);
    span
}

fn check_run(event: &CheckRunEvent) -> Span {
    asked(of(spans::webhook_handle_check_run(), &event.origin, &event.head_sha), event)
}

fn asked(span: Span, event: &CheckRunEvent) -> Span {
    span.record("check_run.id", event.check_run);
    let action = match event.request {
        CheckRunRequest::Rerun => "rerequested",
        CheckRunRequest::Button(_) => "requested_action",
    };
    span.record("check_run.action", action);
    span
}

fn check_suite(event: &CheckSuiteEvent) -> Span {
    let span = of(spans::webhook_handle_check_suite(), &event.origin, &event.head_sha);
    span.record("check_suite_id", event.suite);
    span
}

/// What is done about a suite's action, inside its event's span.
pub fn suite_action(event: &Event) -> Option<Span> {
    let Event::CheckSuite(event) = event else { return None };
    let span = match event.action {
        CheckSuiteAction::Requested => spans::webhook_handle_check_suite_requested(),
        CheckSuiteAction::Rerequested => spans::webhook_handle_check_suite_rerequested(),
        CheckSuiteAction::Completed => spans::webhook_handle_check_suite_completed(),
    };
    span.record("check_suite_id", event.suite);
    Some(span)
}

/// What a job is about, by its newest hint, where Polly has a name for it.
pub fn subject(kind: &JobKind) -> Option<Span> {
    match kind {
        JobKind::WorkflowRun(event) if event.action == RunAction::Completed => {
            let span = described(spans::workflow_completed(), event);
            let conclusion = match &event.run.state {
                RunState::Succeeded => "success",
                RunState::AwaitingApproval => "action_required",
                RunState::Unsuccessful(word) => word,
                RunState::Going => "",
            };
            span.record("workflow.conclusion", conclusion);
            Some(span)
        }
        JobKind::WorkflowRun(event) => Some(described(spans::workflow_started(), event)),
        JobKind::CheckRun(event) => Some(asked(spans::check_run_rerun(), event)),
        _ => None,
    }
}

//! Every span of the host but the job's: name and attributes. They keep Polly's names where Palisade has the same step; what
//! has no counterpart is listed with the reason. An attribute that is not declared here cannot be recorded.

use super::trace;
use std::fmt::Display;
use tracing::Span;
use tracing::field::Empty;
use tracing::instrument::Instrument as _;

/// What spans of steps are told apart by from what log lines show: those have the job's span alone.
pub const STEP: &str = "palisade::step";
/// The job's own span, which log lines show at every level.
pub const JOB: &str = "palisade::job";

/// A span as the table has it. Each also has `result`, and `error` where it failed.
#[derive(Clone, Copy, Debug)]
pub struct SpanInfo {
    pub name: &'static str,
    pub attributes: &'static [&'static str],
}

macro_rules! spans {
    ($($(#[$doc:meta])* $function:ident = $name:literal [$($attribute:literal),* $(,)?];)*) => {
        pub const SPANS: &[SpanInfo] = &[$(SpanInfo { name: $name, attributes: &[$($attribute),*] }),*];
        $(
            $(#[$doc])*
            pub fn $function() -> Span {
                tracing::info_span!(
                    target: STEP,
                    $name,
                    $($attribute = Empty,)*
                    "result" = Empty,
                    "error" = Empty,
                    "otel.status_code" = Empty,
                    "otel.kind" = Empty,
                )
            }
        )*
    };
}

spans! {
    /// A request at the door, from its first byte to its answer.
    webhook_handle = "webhook.handle" ["webhook.event", "webhook.delivery", "github.owner", "github.repo", "request_id"];
    webhook_handle_pull_request = "webhook.handle_pull_request"
        ["github.owner", "github.repo", "github.sha", "github.id", "pr.number", "pr.action"];
    webhook_handle_workflow_run = "webhook.handle_workflow_run"
        ["github.owner", "github.repo", "github.sha", "github.id", "github.workflow_run_id", "workflow.name",
         "workflow.action", "workflow.status"];
    webhook_handle_check_run = "webhook.handle_check_run"
        ["github.owner", "github.repo", "github.sha", "github.id", "check_run.id", "check_run.action"];
    webhook_handle_check_suite = "webhook.handle_check_suite"
        ["github.owner", "github.repo", "github.sha", "github.id", "check_suite_id"];
    webhook_handle_check_suite_requested = "webhook.handle_check_suite_requested" ["check_suite_id"];
    webhook_handle_check_suite_rerequested = "webhook.handle_check_suite_rerequested" ["check_suite_id"];
    webhook_handle_check_suite_completed = "webhook.handle_check_suite_completed" ["check_suite_id"];
    webhook_handle_merge_group = "webhook.handle_merge_group"
        ["github.owner", "github.repo", "github.sha", "github.id"];
    webhook_handle_push = "webhook.handle_push" ["github.owner", "github.repo", "github.sha", "github.id"];
    webhook_handle_installation = "webhook.handle_installation" ["github.owner", "github.id"];

    /// A job whose newest hint is a run that was requested or began.
    workflow_started = "workflow.handle_workflow_started"
        ["github.workflow_run_id", "workflow.name", "workflow.action", "workflow.status"];
    workflow_completed = "workflow.handle_workflow_completed"
        ["github.workflow_run_id", "workflow.name", "workflow.action", "workflow.status", "workflow.conclusion"];
    /// A job whose newest hint is a wish about one check run.
    check_run_rerun = "check_run.handle_rerun" ["check_run.id", "check_run.action"];

    create_checks = "security_check_manager.create_security_check_runs" ["github.sha"];
    start_checks = "security_check_manager.start_existing_checks" ["github.sha"];
    /// Open checks end without a judgement.
    end_checks = "security_check_manager.complete_security_checks_as_neutral" ["github.sha"];
    check_create = "checks.create_check_run" ["check.type", "check.conclusion", "github.check_run_id"];
    check_start = "checks.start_check_run" ["check.type", "github.check_run_id"];
    check_complete = "checks.complete_check_run"
        ["check.type", "check.conclusion", "check.success", "github.check_run_id"];
    comment_write = "comment.write" ["pr.number", "comment.length"];

    policy_evaluate = "policy.evaluate"
        ["policy.type", "policy.compliant", "policy.non_compliant_count"];
    /// A policy that judges vulnerabilities, around its evaluation.
    policy_vulnerability = "policy.check_vulnerability" ["check.type", "input.vulnerability_count"];
    /// A policy that judges an inventory or its licences.
    policy_sbom = "policy.check_sbom" ["check.type", "input.package_count"];
    /// One request to an OPA server.
    opa_request = "opa.request" ["policy.path", "opa.response_code", "opa.status"];

    workflow_artifacts = "security.process_workflow_artifacts"
        ["github.workflow_run_id", "artifacts.total", "security_files.found"];
    /// One file out of an artifact: who recognises it, and what it says.
    artifact_content = "security.check_artifact_for_security_content"
        ["input.tool_name", "cache.hit", "cache.miss_reason"];

    state_get = "state.get_all_state" ["state.key_type", "state.has_value"];
    state_store = "state.store_commit" ["state.key_type"];
    storage_get = "storage.memory.get" ["storage.type", "storage.operation", "cache.hit", "cache.miss_reason"];
    storage_set = "storage.memory.set" ["storage.type", "storage.operation", "cache.size_bytes"];

    health_handle = "health.handle" ["health.status"];
    health_check = "health.check" ["health.status"];
    health_opa = "health.check_opa" ["health.status", "health.dependency"];
    health_storage = "health.check_storage" ["health.status", "health.dependency"];
}

/// Polly's spans that Palisade does not have, and why.
pub const WITHOUT_COUNTERPART: &[(&str, &str)] = &[
    ("webhook.process_security_artifacts", "a webhook only enqueues; the job has security.process_workflow_artifacts"),
    (
        "check_run.restart_vulnerability_check",
        "checks are configured, not built in: checks.start_check_run names the check",
    ),
    ("check_run.restart_license_check", "checks are configured, not built in: checks.start_check_run names the check"),
    ("policy.evaluate_with_factory", "there is no factory: policy.evaluate is every evaluation"),
    ("policy_cache.check_vulnerability", "decisions are compared by fingerprint, verdicts are not cached"),
    ("policy_cache.check_sbom", "decisions are compared by fingerprint, verdicts are not cached"),
    ("state.store_pr", "all that is known of a commit is one value: state.store_commit"),
    ("state.get_pr", "all that is known of a commit is one value: state.get_all_state"),
    ("state.store_vulnerability_check", "all that is known of a commit is one value: state.store_commit"),
    ("state.get_vulnerability_check", "all that is known of a commit is one value: state.get_all_state"),
    ("state.store_license_check", "all that is known of a commit is one value: state.store_commit"),
    ("state.get_license_check", "all that is known of a commit is one value: state.get_all_state"),
    ("state.store_workflow", "all that is known of a commit is one value: state.store_commit"),
    ("state.get_workflow", "all that is known of a commit is one value: state.get_all_state"),
    ("state.store_check_suite", "all that is known of a commit is one value: state.store_commit"),
    ("state.get_check_suite", "all that is known of a commit is one value: state.get_all_state"),
    ("state.get_cached_policy_results", "decisions are compared by fingerprint, verdicts are not cached"),
    ("state.store_cached_policy_results", "decisions are compared by fingerprint, verdicts are not cached"),
    ("storage.memory.store_policy_cache", "decisions are compared by fingerprint, verdicts are not cached"),
    ("storage.memory.get_policy_cache", "decisions are compared by fingerprint, verdicts are not cached"),
    ("valkey.*", "there is no such backend in this version"),
];

/// Runs a step in its span, and says there how it ended.
pub async fn within<T, E: Display>(span: Span, step: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let done = step.instrument(span.clone()).await;
    match &done {
        Ok(_) => well(&span),
        Err(error) => failed(&span, error),
    }
    done
}

/// The step ended as it should; an absent value is no failure.
pub fn well(span: &Span) {
    span.record("result", "success");
}

/// There was nothing to do.
pub fn skipped(span: &Span) {
    span.record("result", "skipped");
}

pub fn failed(span: &Span, error: &dyn Display) {
    span.record("result", "error");
    span.record("error", trace::shortened(&error.to_string()));
    span.record("otel.status_code", "ERROR");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_declared_once_and_either_there_or_explained() {
        for (place, span) in SPANS.iter().enumerate() {
            assert!(SPANS[..place].iter().all(|other| other.name != span.name), "{}", span.name);
            assert!(WITHOUT_COUNTERPART.iter().all(|(name, _)| *name != span.name), "{}", span.name);
        }
    }
}

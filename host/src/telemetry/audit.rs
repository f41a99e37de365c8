//! The audit log: one line for each delivery, each publication and each administrative act, with the target `audit` and the
//! same fields everywhere. Written at every log level. Never a body, never a secret.

use crate::model::{CheckName, CommitKey, DeliveryId, RepositoryName, RequestId, TraceContext};

/// The target that audit lines are filtered by.
pub const TARGET: &str = "audit";

macro_rules! acts {
    ($($(#[$doc:meta])* $act:ident = $word:literal),+ $(,)?) => {
        /// What is told of.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Act {
            $($(#[$doc])* $act),+
        }

        impl Act {
            pub const ALL: &'static [Act] = &[$(Act::$act),+];

            pub fn word(self) -> &'static str {
                match self {
                    $(Act::$act => $word),+
                }
            }
        }
    };
}

acts! {
    /// A request to the webhook was answered.
    Delivery = "delivery",
    /// A check run was created on GitHub, open or ended.
    CheckCreated = "check-created",
    /// A check run that had ended is open again.
    CheckReopened = "check-reopened",
    /// A check run got its conclusion.
    CheckCompleted = "check-completed",
    /// A pull request's comment was created, changed or resolved.
    CommentWritten = "comment-written",
    /// The host listens.
    Start = "start",
    /// The host ends, after its jobs.
    Stop = "stop",
    /// Secrets, keys or configuration were read again.
    Reload = "reload",
    /// Somebody asked for checks again, by GitHub's *Re-run*, *Re-run all* or our button.
    Rerun = "rerun",
    /// Somebody asked how a decision came about.
    Explain = "explain",
    /// Somebody accepts evidence below a check's minimum of trust.
    Accept = "accept-evidence",
    /// GitHub was asked to deliver again.
    Redelivery = "redelivery",
}

/// The fields of a line; those that say nothing are left out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Line<'a> {
    /// What became of it.
    pub result: &'a str,
    /// Who did it, where a person did.
    pub actor: Option<&'a str>,
    pub repository: Option<&'a RepositoryName>,
    pub commit: Option<&'a CommitKey>,
    pub check: Option<&'a CheckName>,
    pub pull_request: Option<u64>,
    /// GitHub's id of what was written.
    pub id: Option<u64>,
    pub delivery: Option<&'a DeliveryId>,
    pub event: Option<&'a str>,
    pub action: Option<&'a str>,
    pub request: Option<&'a RequestId>,
    pub trace: Option<&'a TraceContext>,
    /// The HTTP status of an answer, or a number of things.
    pub status: Option<u16>,
    /// Which of the webhook's secrets matched, counted from 0.
    pub secret_slot: Option<usize>,
}

/// Writes the one line about an act.
pub fn tell(act: Act, line: &Line<'_>) {
    let repository = line.repository.or(line.commit.map(|commit| &commit.repository));
    // `&str` values are quoted and escaped by every format; what comes from outside cannot begin a line of its own.
    tracing::info!(
        target: TARGET,
        act = act.word(),
        result = line.result,
        actor = line.actor,
        repository = repository.map(ToString::to_string),
        sha = line.commit.map(|commit| commit.sha.as_str()),
        check = line.check.map(CheckName::as_str),
        pull_request = line.pull_request,
        id = line.id,
        delivery = line.delivery.map(DeliveryId::as_str),
        event = line.event,
        action = line.action,
        request_id = line.request.map(RequestId::as_str),
        trace_id = line.trace.map(TraceContext::trace_id),
        status = line.status,
        secret_slot = line.secret_slot,
        "{} {}",
        act.word(),
        line.result,
    );
}

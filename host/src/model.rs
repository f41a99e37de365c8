//! The nouns of the line: Delivery → Event → Job → Plan → Artifacts → Reports → Evidence → Verdicts →
//! Record → Publication. Plain data and the clock as a trait; no I/O, no environment, no clock of its own.

pub mod artifact;
pub mod baseline;
pub mod changed_lines;
pub mod changes;
pub mod event;
pub mod evidence;
pub mod ids;
pub mod job;
pub mod material;
pub mod plan;
pub mod provenance;
pub mod publication;
pub mod record;
pub mod report;
pub mod rotation;
pub mod secret;
pub mod trail;
pub mod verdict;

pub use artifact::{Artifact, Outline, Syntax, UnreadableArtifact};
pub use changed_lines::ChangedLines;
pub use event::{Event, PullRequestEvent, WorkflowRun, WorkflowRunEvent};
pub use evidence::Evidence;
pub use ids::{
    CheckName, CommitKey, DeliveryId, Digest, HeadSha, InstallationId, JobId, PluginName, RepositoryName, RunId, Unix,
};
pub use job::{Job, JobKind};
pub use plan::Plan;
pub use record::Record;
pub use report::Report;
pub use rotation::{Rotating, Slot};
pub use secret::Secret;
pub use trail::{RequestId, TraceContext, Trail};
pub use verdict::{Broken, BrokenKind, Judgement, Outcome, Verdict};

/// Where the time comes from. Only `app` names a real one; a job's `now` is fixed when it is enqueued.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Unix seconds, UTC.
    fn now(&self) -> Unix;
}

//! What is read of the repository beside the artifacts, at the same time as them.

use super::{Failure, Pipeline};
use crate::model::WorkflowRun;
use crate::queue::Lease;
use crate::state::CommitState;

/// The commit's surroundings as a judgement needs them.
#[derive(Debug, Default)]
pub struct Around {}

impl Pipeline {
    /// Reads everything at once. What cannot be had is told in the answer; only a rate limit makes the job wait.
    pub(super) async fn look_around(
        &self,
        _lease: &Lease,
        _commit: &CommitState,
        _runs: &[WorkflowRun],
    ) -> Result<Around, Failure> {
        Ok(Around::default())
    }
}

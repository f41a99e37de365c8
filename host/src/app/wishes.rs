//! What people ask for, told in the audit log at the door.

use crate::model::event::{CheckRunRequest, CheckSuiteAction};
use crate::model::publication::Button;
use crate::model::{CommitKey, DeliveryId, Job, JobKind, RequestId};
use crate::telemetry::audit::{Act, Line, tell};

/// Somebody's wish about checks, told once it is accepted: a redelivery is none, and a job may come again.
pub struct Wish {
    act: Act,
    actor: Option<String>,
    commit: CommitKey,
    delivery: Option<DeliveryId>,
    request: Option<RequestId>,
}

impl Wish {
    pub fn tell(&self) {
        let line =
            Line { result: "asked", actor: self.actor.as_deref(), commit: Some(&self.commit), ..Line::default() };
        tell(self.act, &Line { delivery: self.delivery.as_ref(), request: self.request.as_ref(), ..line });
    }
}

/// What somebody asks for with this job, if it is a person who asks.
pub fn wish(job: &Job) -> Option<Wish> {
    let (act, actor) = match &job.kind {
        JobKind::CheckRun(event) => match &event.request {
            CheckRunRequest::Rerun => (Act::Rerun, event.sender.clone()),
            CheckRunRequest::Button(button) => match Button::from_identifier(button)? {
                Button::Rerun => (Act::Rerun, event.sender.clone()),
                Button::Explain => (Act::Explain, event.sender.clone()),
                Button::Accept(_) => (Act::Accept, event.sender.clone()),
            },
        },
        JobKind::CheckSuite(event) if event.action == CheckSuiteAction::Rerequested => {
            (Act::Rerun, event.sender.clone())
        }
        _ => return None,
    };
    let (commit, delivery) = (job.commit.clone(), job.delivery.clone());
    Some(Wish { act, actor, commit, delivery, request: job.trail.request.clone() })
}

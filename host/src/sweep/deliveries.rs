//! Reads the App's log of deliveries again: a host that forgot what it had accepted, or was away, hears it once more.

use crate::github::{DeliveryAttempt, GitHub};
use crate::model::{Clock, DeliveryId};
use crate::webhook::{Accepted, Intake, parse};
use std::collections::BTreeSet;
use std::sync::Arc;

/// How far back: as long as a host may have been away, or sat on what it had accepted.
const LOOK_BACK_S: u64 = 30 * 60;
/// Each costs a call of the App's own budget of some thousands an hour.
const MOST_EVENTS: usize = 1_000;

#[derive(Clone)]
pub struct Deliveries {
    pub github: GitHub,
    pub intake: Arc<dyn Intake>,
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Deliveries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deliveries").field("github", &self.github).finish_non_exhaustive()
    }
}

impl Deliveries {
    /// Hands every event of the last half hour to the intake, oldest first; it knows those that it has already.
    pub async fn once(&self) -> anyhow::Result<()> {
        let since = self.clock.now().saturating_sub(LOOK_BACK_S);
        let attempts = self.github.deliveries_since(since).await?;
        let mut seen = BTreeSet::new();
        let events: Vec<_> = attempts.into_iter().filter(|attempt| seen.insert(attempt.guid.clone())).collect();
        if events.len() > MOST_EVENTS {
            tracing::warn!(
                left_out = events.len() - MOST_EVENTS,
                "deliveries too many to be read again; the newest are"
            );
        }
        let mut heard = 0;
        for attempt in events.into_iter().take(MOST_EVENTS).rev() {
            heard += usize::from(self.hear(&attempt).await?);
        }
        if heard > 0 {
            tracing::info!(heard, "deliveries read again");
        }
        Ok(())
    }

    async fn hear(&self, attempt: &DeliveryAttempt) -> anyhow::Result<bool> {
        let Ok(delivery) = DeliveryId::parse(&attempt.guid) else { return Ok(false) };
        let payload = self.github.delivered(attempt.id).await?.to_string();
        match parse(&attempt.event, payload.as_bytes()) {
            Ok(event) => Ok(matches!(self.intake.accept(delivery, event).await, Accepted::Queued(_) | Accepted::Noted)),
            Err(error) => {
                tracing::warn!(%error, guid = attempt.guid, "a delivery in GitHub's log makes no sense");
                Ok(false)
            }
        }
    }
}

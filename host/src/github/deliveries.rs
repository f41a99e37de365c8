//! The App's own log of what GitHub delivered, or tried to.

use super::calls::{Call, Identity};
use super::{GitHub, GitHubError};
use crate::model::Unix;
use serde::Deserialize;
use serde_json::Value;

/// Ten thousand deliveries: more than the time that is looked back over holds on a busy day.
const MOST_PAGES: usize = 100;

/// One attempt to deliver an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryAttempt {
    pub id: u64,
    /// The event's id, the same for every attempt.
    pub guid: String,
    pub event: String,
    pub delivered_at: Unix,
}

impl GitHub {
    /// Attempts since a time, newest first.
    pub async fn deliveries_since(&self, since: Unix) -> Result<Vec<DeliveryAttempt>, GitHubError> {
        let mut attempts = Vec::new();
        let mut next = Some(Call::get("/app/hook/deliveries?per_page=100".to_owned(), Identity::App));
        for _ in 0..MOST_PAGES {
            let Some(call) = next else { break };
            let (page, following): (Vec<Wire>, _) = self.page(call).await?;
            let before = attempts.len();
            let listed = page.len();
            attempts.extend(page.into_iter().filter_map(Wire::attempt).filter(|attempt| attempt.delivered_at >= since));
            // The log is in order: what follows an older one is older still.
            next = following.filter(|_| attempts.len() - before == listed);
        }
        Ok(attempts)
    }

    /// What was delivered.
    pub async fn delivered(&self, id: u64) -> Result<Value, GitHubError> {
        #[derive(Deserialize)]
        struct Whole {
            request: Request,
        }
        #[derive(Deserialize)]
        struct Request {
            payload: Value,
        }
        let whole: Whole = self.read(Call::get(format!("/app/hook/deliveries/{id}"), Identity::App)).await?;
        Ok(whole.request.payload)
    }
}

#[derive(Deserialize)]
struct Wire {
    id: u64,
    guid: String,
    event: Option<String>,
    delivered_at: Option<jiff::Timestamp>,
}

impl Wire {
    fn attempt(self) -> Option<DeliveryAttempt> {
        let delivered_at = u64::try_from(self.delivered_at?.as_second()).ok()?;
        Some(DeliveryAttempt { id: self.id, guid: self.guid, event: self.event?, delivered_at })
    }
}

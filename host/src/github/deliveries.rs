//! The App's own log of what GitHub delivered, or tried to.

use super::calls::{Call, Identity};
use super::{GitHub, GitHubError};
use crate::model::Unix;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// One attempt to deliver an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryAttempt {
    pub id: u64,
    /// The event's id, the same for every attempt.
    pub guid: String,
    pub event: String,
    pub action: Option<String>,
    pub delivered_at: Unix,
    /// Somebody asked for this attempt.
    pub redelivery: bool,
    /// We answered in time and took it.
    pub arrived: bool,
}

/// How long this GitHub can be asked to deliver something again: three days on github.com, seven on a server of one's own.
pub fn redelivery_window(api_url: &str) -> Duration {
    let host = api_url.split_once("://").map_or(api_url, |(_, rest)| rest);
    let host = host.split(['/', ':']).next().unwrap_or_default();
    let days = if host == "api.github.com" || host.ends_with(".ghe.com") { 3 } else { 7 };
    Duration::from_secs(days * 24 * 3600)
}

impl GitHub {
    /// One page of attempts, newest first: the newest, or where a page before said to go on; with the word for the next
    /// page. Unfiltered, because GitHub's filter for failures knows neither time-outs nor refused connections.
    pub async fn delivery_attempts(
        &self,
        cursor: Option<&str>,
    ) -> Result<(Vec<DeliveryAttempt>, Option<String>), GitHubError> {
        let from = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let call = Call::get(format!("/app/hook/deliveries?per_page=100{from}"), Identity::App);
        let (page, following): (Vec<Wire>, _) = self.page(call).await?;
        let attempts = page.into_iter().filter_map(Wire::attempt).collect();
        Ok((attempts, following.and_then(|next| next.cursor())))
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

    /// Asks GitHub to deliver the same event once more; it does so some time later, and the log tells how it went.
    pub async fn redeliver(&self, id: u64) -> Result<(), GitHubError> {
        let call = Call::post(format!("/app/hook/deliveries/{id}/attempts"), Identity::App, json!({}));
        self.answer(&call).await.map(drop)
    }
}

#[derive(Deserialize)]
struct Wire {
    id: u64,
    guid: String,
    event: Option<String>,
    action: Option<String>,
    delivered_at: Option<jiff::Timestamp>,
    redelivery: Option<bool>,
    status: Option<String>,
    status_code: Option<u16>,
}

impl Wire {
    fn attempt(self) -> Option<DeliveryAttempt> {
        let delivered_at = u64::try_from(self.delivered_at?.as_second()).ok()?;
        let taken = self.status_code.is_some_and(|code| (200..300).contains(&code));
        Some(DeliveryAttempt {
            id: self.id,
            guid: self.guid,
            event: self.event?,
            action: self.action,
            delivered_at,
            redelivery: self.redelivery.unwrap_or(false),
            arrived: taken || self.status.as_deref() == Some("OK"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_of_one_s_own_redelivers_for_longer() {
        let days = |url| redelivery_window(url).as_secs() / (24 * 3600);
        let urls = ["https://api.github.com", "https://api.octo.ghe.com", "https://ghes.example.com/api/v3"];
        assert_eq!(urls.map(days), [3, 3, 7]);
    }
}

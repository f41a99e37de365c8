//! Reads the App's log of deliveries: what did not reach us is delivered again, and a host that forgot what it had accepted
//! hears it once more.

use crate::github::{DeliveryAttempt, GitHub, GitHubError};
use crate::model::{Clock, DeliveryId, Trail, Unix};
use crate::queue::{JobQueue, Outcome};
use crate::state::{FailedDelivery, LogRead, LogRest, State, Turn};
use crate::telemetry::Metrics;
use crate::telemetry::audit::{Act, Line, tell};
use crate::webhook::{Accepted, Intake, may_matter, parse};
use anyhow::Result;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// From one reading to the next.
const EVERY_S: u64 = 120;
/// Read again each time: attempts appear in the log when they have ended, not in the order in which they began.
const OVERLAP_S: u64 = 10 * 60;
/// Pages of a hundred in one reading: with as many redeliveries as below thirty readings an hour stay within the App's own
/// 5,000 calls. What is left is read the next time.
const PAGES: usize = 60;
/// Redeliveries asked for in one reading, the oldest first: what was missed in a long outage comes back bit by bit.
const REDELIVERIES: usize = 100;
/// How long after the attempt before another one is asked for, and how often in all: what we refuse for good reason does
/// not go round for ever, and what a wrong secret or a proxy refused has a chance to be put right in between.
const WAITS_S: [u64; 3] = [0, 10 * 60, 60 * 60];

/// How far back a host that forgot what it had accepted hears it again: as long as it may have sat on it.
const LOOK_BACK_S: u64 = 30 * 60;
/// Each costs a call of the App's own budget of some thousands an hour.
const MOST_HEARD: usize = 1_000;

#[derive(Clone)]
pub struct Deliveries {
    pub github: GitHub,
    pub intake: Arc<dyn Intake>,
    pub queue: Arc<dyn JobQueue>,
    pub state: State,
    pub clock: Arc<dyn Clock>,
    pub metrics: Metrics,
    /// How long GitHub redelivers.
    pub window: Duration,
    /// When a host whose queue forgets everything began, until it has heard again what it may have accepted before.
    pub forgot_at: Arc<AtomicU64>,
}

impl std::fmt::Debug for Deliveries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deliveries").field("github", &self.github).finish_non_exhaustive()
    }
}

impl Deliveries {
    pub async fn if_due(&self) -> Result<()> {
        let until = self.state.log_read().await?.until;
        self.metrics.deliveries_read_until.set(i64::try_from(until).unwrap_or(i64::MAX));
        if self.clock.now() < until + EVERY_S {
            return Ok(());
        }
        self.once().await
    }

    /// Reads what is new in the log, and of what is older as much as there are calls for. Of all instances one at a time.
    pub async fn once(&self) -> Result<()> {
        let Some(turn) = self.state.take_turn("deliveries").await? else { return Ok(()) };
        let swept = self.sweep(&turn).await;
        self.state.end_turn(turn).await?;
        swept
    }

    async fn sweep(&self, turn: &Turn) -> Result<()> {
        let known = self.state.failed_deliveries().await?;
        let mut failed: BTreeMap<DeliveryId, FailedDelivery> =
            known.into_iter().map(|failed| (failed.guid.clone(), failed)).collect();
        let mut log = self.state.log_read().await?;
        let attempts = self.read(&mut log).await?;
        self.hear_again(&attempts).await?;
        self.note(attempts, &mut failed).await?;
        // Only now: what was found is written down.
        self.state.remember_log_read(&log).await?;
        self.metrics.deliveries_read_until.set(i64::try_from(log.until).unwrap_or(i64::MAX));
        self.redeliver(turn, failed).await
    }

    /// What is new first, then the older rest of an earlier reading.
    async fn read(&self, log: &mut LogRead) -> Result<Vec<DeliveryAttempt>, GitHubError> {
        let now = self.clock.now();
        let oldest = now.saturating_sub(self.window.as_secs());
        let since = log.until.saturating_sub(OVERLAP_S).max(oldest);
        let mut reading = Reading { github: &self.github, pages: PAGES, attempts: Vec::new() };
        if let Some(cursor) = reading.walk(None, since).await? {
            let since = log.rest.take().map_or(since, |rest| rest.since.min(since));
            log.rest = Some(LogRest { cursor, since });
        } else if let Some(rest) = log.rest.take() {
            let since = rest.since.max(oldest);
            let left = reading.walk(Some(rest.cursor), since).await?;
            log.rest = left.map(|cursor| LogRest { cursor, since });
        }
        if log.rest.is_some() {
            tracing::info!("there is more in the log of deliveries than one reading takes; the next one goes on");
        }
        log.until = now;
        Ok(reading.attempts)
    }

    /// Writes down what failed, and what has arrived since.
    async fn note(
        &self,
        attempts: Vec<DeliveryAttempt>,
        failed: &mut BTreeMap<DeliveryId, FailedDelivery>,
    ) -> Result<()> {
        let mut by_guid: BTreeMap<DeliveryId, Vec<DeliveryAttempt>> = BTreeMap::new();
        for attempt in attempts.into_iter().filter(|one| may_matter(&one.event, one.action.as_deref())) {
            if let Ok(guid) = DeliveryId::parse(&attempt.guid) {
                by_guid.entry(guid).or_default().push(attempt);
            }
        }
        for (guid, attempts) in by_guid {
            let before = failed.get(&guid);
            let after = self.with(before, &guid, &attempts);
            if let Some(after) = after.filter(|after| Some(after) != before) {
                self.state.remember_failed(&after, self.window).await?;
                failed.insert(guid, after);
            }
        }
        Ok(())
    }

    /// What the log says of one event. One that arrived at once needs no note; one that arrived later does, because the
    /// attempt before may still be among what is read next.
    fn with(
        &self,
        before: Option<&FailedDelivery>,
        guid: &DeliveryId,
        attempts: &[DeliveryAttempt],
    ) -> Option<FailedDelivery> {
        let arrived = attempts.iter().any(|attempt| attempt.arrived);
        let oldest = attempts.last()?;
        let redeliveries: BTreeSet<u64> = attempts.iter().filter(|one| one.redelivery).map(|one| one.id).collect();
        if before.is_none() && arrived && redeliveries.is_empty() {
            return None;
        }
        let mut note = before.cloned().unwrap_or_else(|| FailedDelivery {
            guid: guid.clone(),
            event: oldest.event.clone(),
            attempt: oldest.id,
            at: oldest.delivered_at,
            redeliveries: BTreeSet::new(),
            asked: 0,
            asked_at: 0,
            settled: false,
        });
        note.at = note.at.min(oldest.delivered_at);
        note.redeliveries.extend(redeliveries);
        if arrived && !note.settled {
            note.settled = true;
            if note.asked > 0 {
                self.count("arrived");
            }
        }
        if !note.settled && note.redeliveries.len() >= WAITS_S.len() {
            note.settled = true;
            self.count("given_up");
            tracing::warn!(guid = %note.guid, event = note.event, "a delivery failed each time and is not asked for again");
        }
        Some(note)
    }

    async fn redeliver(&self, turn: &Turn, failed: BTreeMap<DeliveryId, FailedDelivery>) -> Result<()> {
        let now = self.clock.now();
        let mut due: Vec<_> = failed.into_values().filter(|note| is_due(note, now)).collect();
        due.sort_by_key(|note| (note.at, note.attempt));
        let mut asked = 0;
        for mut note in due {
            // We may have taken it and answered too late.
            let outcome = self.queue.outcome(&note.guid).await?;
            if matches!(outcome, Some(Outcome::Queued | Outcome::Done)) {
                note.settled = true;
                self.state.remember_failed(&note, self.window).await?;
                self.count("unneeded");
                continue;
            }
            if asked == REDELIVERIES || !self.state.keep_turn(turn).await? {
                break;
            }
            self.ask(note).await?;
            asked += 1;
        }
        if asked > 0 {
            tracing::info!(asked, "deliveries that did not arrive are asked for again");
        }
        Ok(())
    }

    /// Written down before it is sent: whatever dies in between, it is asked for once less and never for ever.
    async fn ask(&self, before: FailedDelivery) -> Result<()> {
        let mut note = before.clone();
        note.asked += 1;
        note.asked_at = self.clock.now();
        self.state.remember_failed(&note, self.window).await?;
        match self.github.redeliver(note.attempt).await {
            Ok(()) => {
                self.count("asked");
                let delivery = DeliveryId::parse(&note.guid.to_string()).ok();
                tell(Act::Redelivery, &Line { result: "asked", delivery: delivery.as_ref(), ..Line::default() });
            }
            // If it took effect all the same, the log will tell.
            Err(error) if concerns_all(&error) => {
                self.state.remember_failed(&before, self.window).await?;
                return Err(error.into());
            }
            Err(error) if is_final(&error) => {
                tracing::warn!(%error, guid = %note.guid, "GitHub does not deliver this again");
                note.settled = true;
                self.state.remember_failed(&note, self.window).await?;
                self.count("refused");
            }
            // Counts as one time: it neither is lost at once nor stands before the others for ever.
            Err(error) => {
                tracing::warn!(%error, guid = %note.guid, "GitHub did not understand that this is to be delivered again");
            }
        }
        Ok(())
    }

    fn count(&self, result: &str) {
        self.metrics.redelivered.with_label_values(&[result]).inc();
    }
}

fn is_due(note: &FailedDelivery, now: Unix) -> bool {
    let tries = note.redeliveries.len().max(note.asked as usize);
    !note.settled && WAITS_S.get(tries).is_some_and(|wait| note.asked_at + wait <= now)
}

/// GitHub's last word about one delivery: no waiting and no other key changes it.
fn is_final(error: &GitHubError) -> bool {
    matches!(error, GitHubError::NotFound(_) | GitHubError::Gone(_) | GitHubError::Unprocessable(_))
}

/// Nothing about the one delivery: any other call would end like this, until the limit or the outage is over or somebody
/// has put the credentials right.
fn concerns_all(error: &GitHubError) -> bool {
    matches!(
        error,
        GitHubError::RateLimited { .. }
            | GitHubError::Unavailable(_)
            | GitHubError::Unauthorized(_)
            | GitHubError::Permission(_)
    )
}

/// One look at the log, with what it may cost.
struct Reading<'a> {
    github: &'a GitHub,
    pages: usize,
    attempts: Vec<DeliveryAttempt>,
}

impl Reading<'_> {
    /// Reads until what is older than `since`; answers where to go on if there are no pages left.
    async fn walk(&mut self, mut cursor: Option<String>, since: Unix) -> Result<Option<String>, GitHubError> {
        while self.pages > 0 {
            self.pages -= 1;
            let (page, next) = self.github.delivery_attempts(cursor.as_deref()).await?;
            // The log is in order: what follows an older one is older still.
            let is_whole = page.iter().all(|attempt| attempt.delivered_at >= since);
            self.attempts.extend(page.into_iter().filter(|attempt| attempt.delivered_at >= since));
            match next {
                Some(next) if is_whole => cursor = Some(next),
                _ => return Ok(None),
            }
        }
        Ok(cursor)
    }
}

impl Deliveries {
    /// Hands to the intake what GitHub believes delivered and the ledger does not know, oldest first: once after a start
    /// without memory.
    async fn hear_again(&self, attempts: &[DeliveryAttempt]) -> Result<()> {
        let forgot_at = self.forgot_at.load(Ordering::Relaxed);
        if forgot_at == 0 {
            return Ok(());
        }
        let since = forgot_at.saturating_sub(LOOK_BACK_S);
        let mut seen = BTreeSet::new();
        let lost = attempts.iter().filter(|one| one.arrived && one.delivered_at >= since);
        let lost = lost.filter(|one| may_matter(&one.event, one.action.as_deref()));
        let lost: Vec<_> = lost.filter(|attempt| seen.insert(&attempt.guid)).collect();
        if lost.len() > MOST_HEARD {
            tracing::warn!(left_out = lost.len() - MOST_HEARD, "deliveries too many to be read again; the newest are");
        }
        let mut heard = 0;
        for attempt in lost.into_iter().take(MOST_HEARD).rev() {
            heard += usize::from(self.hear(attempt).await?);
        }
        if heard > 0 {
            tracing::info!(heard, "deliveries read again");
        }
        self.forgot_at.store(0, Ordering::Relaxed);
        Ok(())
    }

    async fn hear(&self, attempt: &DeliveryAttempt) -> Result<bool> {
        let Ok(delivery) = DeliveryId::parse(&attempt.guid) else { return Ok(false) };
        if self.queue.outcome(&delivery).await?.is_some() {
            return Ok(false);
        }
        let payload = match self.github.delivered(attempt.id).await {
            Ok(payload) => payload.to_string(),
            Err(error) if concerns_all(&error) => return Err(error.into()),
            // One that cannot be read holds up no others.
            Err(error) => {
                tracing::warn!(%error, guid = attempt.guid, "a delivery in GitHub's log cannot be read again");
                return Ok(false);
            }
        };
        match parse(&attempt.event, payload.as_bytes()) {
            Ok(event) => Ok(matches!(
                self.intake.accept(delivery, event, Trail::default()).await,
                Accepted::Queued(_) | Accepted::Noted
            )),
            Err(error) => {
                tracing::warn!(%error, guid = attempt.guid, "a delivery in GitHub's log makes no sense");
                Ok(false)
            }
        }
    }
}

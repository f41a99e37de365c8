//! Secrets, keys and certificates as they count now, read again at SIGHUP and when a file changes. Each kind stands for
//! itself: what is broken in one keeps its old values and holds nothing else back. Nothing but these is read again.

use crate::config::Config;
use crate::github::GitHub;
use crate::listener::{ServerConfig, server_config};
use crate::model::rotation::{Outlook, outlook};
use crate::model::{Clock, Digest, Rotating, Secret, Slot, Unix};
use crate::telemetry::Metrics;
use crate::telemetry::audit::{self, Act, Line};
use anyhow::{Result, bail};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

const SECRETS: &str = "webhook secret";
const KEYS: &str = "private key";
const CERTIFICATE: &str = "TLS certificate";

/// What came of reading everything again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// Kinds that are others now.
    pub changed: Vec<&'static str>,
    /// What could not be taken over, and why.
    pub failed: Vec<String>,
    /// Sections of the configuration that differ and need a restart.
    pub ignored: Vec<&'static str>,
}

pub struct Rotation {
    clock: Arc<dyn Clock>,
    github: GitHub,
    metrics: Metrics,
    secrets: Rotating<Vec<Slot<Secret>>>,
    tls: Option<Rotating<ServerConfig>>,
    /// Locked while everything is read, so that two reloads never mix.
    loaded: Mutex<Loaded>,
}

struct Loaded {
    config: Config,
    keys: Vec<Slot<Secret>>,
    /// Of the certificate's and its key's file.
    tls: Digest,
    /// Of all files that are watched, as they were when they were last read.
    files: Digest,
    /// The ends that were told.
    told: BTreeSet<String>,
}

impl std::fmt::Debug for Rotation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rotation").field("secrets", &self.secrets).finish_non_exhaustive()
    }
}

impl Rotation {
    /// What counts at start. Refuses secrets or keys of which all have ended, and a certificate that cannot be used.
    pub fn start(config: &Config, github: GitHub, clock: Arc<dyn Clock>, metrics: Metrics) -> Result<Self> {
        let now = clock.now();
        let files = digest(&config.reloaded_files());
        let secrets = lasting(SECRETS, config.webhook_secrets()?, now)?;
        let keys = lasting(KEYS, config.private_keys()?, now)?;
        let tls_digest = tls_digest(config);
        let tls = config.server.tls.as_ref().map(|tls| server_config(&tls.certificate, &tls.key)).transpose()?;
        let rotation = Self {
            loaded: Mutex::new(Loaded {
                config: config.clone(),
                keys: keys.clone(),
                tls: tls_digest,
                files,
                told: BTreeSet::new(),
            }),
            clock,
            github,
            metrics,
            secrets: Rotating::new(secrets.clone()),
            tls: tls.map(Rotating::new),
        };
        rotation.show(SECRETS, &secrets);
        rotation.show(KEYS, &keys);
        for notice in ends_soon(SECRETS, &secrets, now).into_iter().chain(ends_soon(KEYS, &keys, now)) {
            tracing::warn!("{notice}");
        }
        Ok(rotation)
    }

    pub fn webhook_secrets(&self) -> Rotating<Vec<Slot<Secret>>> {
        self.secrets.clone()
    }

    pub fn tls(&self) -> Option<Rotating<ServerConfig>> {
        self.tls.clone()
    }

    /// Looks for changes for ever; the caller aborts the task. Zero looks never.
    pub async fn watch(self: Arc<Self>, interval: Duration) {
        if interval.is_zero() {
            return;
        }
        let mut tick = tokio::time::interval(interval);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut last = None;
        loop {
            tick.tick().await;
            last = Some(self.look(last).await);
            self.tell_ends().await;
        }
    }

    /// A change counts once two looks in a row saw the same: a file that is being written is not read by halves.
    async fn look(&self, last: Option<Digest>) -> Digest {
        let (files, known) = {
            let loaded = self.loaded.lock().await;
            (loaded.config.reloaded_files(), loaded.files)
        };
        let now = digest_of(files).await;
        if now != known && last == Some(now) {
            self.reload().await;
        }
        now
    }

    /// Reads everything again, now.
    pub async fn reload(&self) -> Reloaded {
        let mut loaded = self.loaded.lock().await;
        let mut done = Reloaded::default();
        match loaded.config.again() {
            Ok(new) => done.ignored = loaded.config.adopt(new),
            Err(error) => {
                done.failed.push(format!("{error:#}; secrets, keys and certificates are read as it said before"))
            }
        }
        // Before they are read: what changes meanwhile is seen at the next look.
        loaded.files = digest_of(loaded.config.reloaded_files()).await;
        let kinds = [
            (SECRETS, self.reload_secrets(&mut loaded)),
            (KEYS, self.reload_keys(&mut loaded)),
            (CERTIFICATE, self.reload_tls(&mut loaded)),
        ];
        for (kind, result) in kinds {
            match result {
                Ok(true) => done.changed.push(kind),
                Ok(false) => {}
                Err(error) => done.failed.push(format!("{error:#}")),
            }
        }
        self.tell(&done, &loaded.config);
        done
    }

    fn reload_secrets(&self, loaded: &mut Loaded) -> Result<bool> {
        let new = loaded.config.webhook_secrets()?;
        if new == *self.secrets.get() {
            return Ok(false);
        }
        let now = self.clock.now();
        let new = lasting(SECRETS, new, now)?;
        // As at the start: nothing is ever signed with an empty one.
        let usable = new.iter().any(|slot| slot.holds(now) && !slot.value.is_empty());
        if !usable && !loaded.config.github.allow_unsigned_webhooks {
            bail!("github.webhook_secrets is empty; name at least one that is not");
        }
        self.show(SECRETS, &new);
        loaded.told.clear();
        self.secrets.replace(new);
        Ok(true)
    }

    fn reload_keys(&self, loaded: &mut Loaded) -> Result<bool> {
        let new = loaded.config.private_keys()?;
        if new == loaded.keys {
            return Ok(false);
        }
        let new = lasting(KEYS, new, self.clock.now())?;
        self.github.replace_private_keys(&new)?;
        self.show(KEYS, &new);
        loaded.told.clear();
        loaded.keys = new;
        Ok(true)
    }

    fn reload_tls(&self, loaded: &mut Loaded) -> Result<bool> {
        let (Some(current), Some(tls)) = (&self.tls, &loaded.config.server.tls) else { return Ok(false) };
        let digest = tls_digest(&loaded.config);
        if digest == loaded.tls {
            return Ok(false);
        }
        current.replace(server_config(&tls.certificate, &tls.key)?);
        loaded.tls = digest;
        Ok(true)
    }

    fn tell(&self, done: &Reloaded, config: &Config) {
        for problem in &done.failed {
            tracing::error!("not taken over, what counted before still does: {problem}");
        }
        if !done.changed.is_empty() {
            tracing::info!(changed = done.changed.join(", "), "read again");
        }
        if !done.ignored.is_empty() {
            tracing::warn!(sections = done.ignored.join(", "), "changes of the configuration that need a restart");
        }
        if !config.origin.fixed.is_empty() {
            let keys = config.origin.fixed.join(", ");
            tracing::info!(
                "{keys}: set by the environment, which stays as it is until a restart; files can be read again"
            );
        }
        let result = match (done.failed.is_empty(), done.changed.is_empty()) {
            (false, _) => "failed",
            (true, false) => "changed",
            (true, true) => "unchanged",
        };
        self.metrics.credential_reloads.with_label_values(&[result]).inc();
        audit::tell(Act::Reload, &Line { result, ..Line::default() });
    }

    /// Says once of each secret or key that it ended.
    async fn tell_ends(&self) {
        let mut loaded = self.loaded.lock().await;
        let now = self.clock.now();
        for (kind, slots) in [(SECRETS, (*self.secrets.get()).clone()), (KEYS, loaded.keys.clone())] {
            let all = outlook(&slots, now) == Outlook::Ended && !slots.is_empty();
            for slot in slots.iter().filter(|slot| !slot.holds(now)) {
                match (loaded.told.insert(format!("{kind} {}", slot.origin)), all) {
                    (false, _) => {}
                    (true, true) => tracing::error!(slot = slot.origin, "{}", ended(kind)),
                    (true, false) => tracing::warn!(slot = slot.origin, "a {kind} has ended and can be removed"),
                }
            }
        }
    }

    fn show(&self, kind: &str, slots: &[Slot<Secret>]) {
        let gauge = &self.metrics.credential_not_after;
        // Slots that are gone must not stay.
        for slot in 0..=slots.len() + 8 {
            let _ = gauge.remove_label_values(&[kind, &slot.to_string()]);
        }
        for (slot, end) in slots.iter().enumerate().filter_map(|(slot, given)| Some((slot, given.not_after?))) {
            gauge.with_label_values(&[kind, &slot.to_string()]).set(i64::try_from(end).unwrap_or(i64::MAX));
        }
    }
}

/// The slots, unless none of them counts any more.
fn lasting(kind: &str, slots: Vec<Slot<Secret>>, now: Unix) -> Result<Vec<Slot<Secret>>> {
    if !slots.is_empty() && outlook(&slots, now) == Outlook::Ended {
        bail!("{}", ended(kind));
    }
    Ok(slots)
}

fn ended(kind: &str) -> String {
    format!("every {kind} has passed its `not_after`: add one that counts, or move the end")
}

/// What should be known of a kind before it is too late: nothing follows the last of them.
fn ends_soon(kind: &str, slots: &[Slot<Secret>], now: Unix) -> Option<String> {
    match outlook(slots, now) {
        Outlook::Ends(end) => Some(format!("the last {kind} ends at {}: add one that follows", shown(end))),
        Outlook::Lasting | Outlook::Ended => None,
    }
}

/// One line for `doctor`: what there is and until when, or what is wrong with it.
fn examine(kind: &str, slots: &[Slot<Secret>], now: Unix) -> Result<String, String> {
    if !slots.is_empty() && outlook(slots, now) == Outlook::Ended {
        return Err(ended(kind));
    }
    if let Some(problem) = ends_soon(kind, slots, now) {
        return Err(problem);
    }
    let each = slots.iter().map(|slot| match slot.not_after {
        None => slot.origin.clone(),
        Some(end) if slot.holds(now) => format!("{} until {}", slot.origin, shown(end)),
        Some(end) => format!("{} (ended at {}; it can be removed)", slot.origin, shown(end)),
    });
    Ok(each.collect::<Vec<_>>().join(", "))
}

fn shown(end: Unix) -> String {
    let time = i64::try_from(end).ok().and_then(|end| jiff::Timestamp::from_second(end).ok());
    time.map_or_else(|| end.to_string(), |time| time.to_string())
}

fn tls_digest(config: &Config) -> Digest {
    digest(&config.server.tls.iter().flat_map(|tls| [tls.certificate.clone(), tls.key.clone()]).collect::<Vec<_>>())
}

async fn digest_of(files: Vec<PathBuf>) -> Digest {
    // Without the file system's answer there is nothing to compare; the next look finds it.
    tokio::task::spawn_blocking(move || digest(&files)).await.unwrap_or_else(|_| Digest::of(b""))
}

/// Of names and contents. By content, because Kubernetes swaps links and leaves the files' times alone.
fn digest(files: &[PathBuf]) -> Digest {
    let each = files.iter().map(|file| {
        let content = std::fs::read(file).unwrap_or_else(|error| error.kind().to_string().into_bytes());
        format!("{} {}\n", file.display(), Digest::of(&content))
    });
    Digest::of(each.collect::<String>().as_bytes())
}

/// What `doctor` says of secrets and keys.
pub fn examined(config: &Config, now: Unix) -> Vec<(&'static str, Result<String, String>)> {
    let kinds = [("webhook secrets", SECRETS, config.webhook_secrets()), ("private keys", KEYS, config.private_keys())];
    // What cannot be read was told with the configuration.
    let readable = kinds.into_iter().filter_map(|(what, kind, slots)| Some((what, kind, slots.ok()?)));
    let there = readable.filter(|(_, _, slots)| !slots.is_empty());
    there.map(|(what, kind, slots)| (what, examine(kind, &slots, now))).collect()
}

//! The fake as a whole: where it listens, what it delivers, how it fails, what it was asked.

use super::{Repository, wait_until};
use crate::checks::CheckRun;
use crate::faults::Fault;
use crate::journal::Journal;
use crate::registration::HookSettings;
use crate::schemas::Schemas;
use crate::state::{Shared, State};
use crate::tokens::{App, Installation};
use crate::webhooks::{Delivery, Outgoing};
use crate::{schemas, server, webhooks};
use anyhow::{Context, Result};
use jiff::SignedDuration;
use rsa::pkcs1::{EncodeRsaPrivateKey, EncodeRsaPublicKey, LineEnding};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Once, OnceLock};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How the fake starts. `FakeOptions::default()` is an App `palisade` with the permissions of its manifest.
#[derive(Clone, Debug)]
pub struct FakeOptions {
    pub app_id: u64,
    pub client_id: String,
    /// The App's name in addresses; it comments as `<slug>[bot]`.
    pub slug: String,
    /// Signs the webhooks; empty sends them unsigned.
    pub webhook_secret: String,
    /// Level by permission, as the App's manifest asks for them.
    pub permissions: BTreeMap<String, String>,
    /// What the App is subscribed to, as its manifest asks.
    pub events: Vec<String>,
    /// Where its webhooks go by its settings; deliveries go where `deliver_to` says.
    pub hook: HookSettings,
    /// Versions of the API that are taken; another is refused, as GitHub does it.
    pub api_versions: Vec<String>,
    /// Mints installation tokens of about 520 characters with dots, as GitHub does since 2026.
    pub long_tokens: bool,
    /// Requests an hour that each installation and the App have. A load test raises it.
    pub rate_limit: u64,
    /// Pads webhook bodies to at least so many bytes; GitHub's own are about 28,000 long.
    pub pad_payloads: Option<usize>,
    /// Whether every request is remembered. A load test turns it off.
    pub keep_journal: bool,
    /// How long every answer of the API takes, as if it came from far away.
    pub latency: Option<Duration>,
    /// Whether the App hears `check_run.created` and `.completed` of its own runs, as on GitHub.
    pub echo_check_events: bool,
    /// Where GitHub's schemas are; `None` turns checking off without a word.
    pub schemas: Option<PathBuf>,
}

impl Default for FakeOptions {
    fn default() -> Self {
        let permissions = [
            ("checks", "write"),
            ("pull_requests", "write"),
            ("actions", "read"),
            ("contents", "read"),
            ("metadata", "read"),
            ("merge_queues", "read"),
        ];
        Self {
            app_id: 4_711,
            client_id: "Iv23.palisade".to_owned(),
            slug: "palisade".to_owned(),
            webhook_secret: "a secret for tests".to_owned(),
            permissions: permissions.map(|(name, level)| (name.to_owned(), level.to_owned())).into(),
            events: ["merge_group", "pull_request", "push", "workflow_run"].map(str::to_owned).to_vec(),
            hook: HookSettings::default(),
            api_versions: vec!["2022-11-28".to_owned()],
            long_tokens: false,
            // The floor for an installation; the real one grows with its repositories.
            rate_limit: 5_000,
            pad_payloads: None,
            keep_journal: true,
            latency: None,
            echo_check_events: true,
            schemas: Some(schemas::default_directory()),
        }
    }
}

/// What GitHub answers while a secondary limit holds.
#[derive(Clone, Copy, Debug)]
pub struct SecondaryLimit {
    /// 403 or 429.
    pub status: u16,
    /// How long it holds; sent as `retry-after` in whole seconds, rounded up.
    pub retry_after: Duration,
}

/// A running GitHub. Dropping it stops it.
#[derive(Debug)]
pub struct Fake {
    pub(crate) shared: Arc<Shared>,
    options: FakeOptions,
    api_url: String,
    blob_url: String,
    schemas: Option<&'static Schemas>,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Fake {
    /// Listens on two free ports of loopback.
    pub async fn start(options: FakeOptions) -> Result<Fake> {
        let keys = tokio::task::spawn_blocking(keys).await.context("generating the App's key")?;
        let api = TcpListener::bind("127.0.0.1:0").await.context("binding the API's port")?;
        let blobs = TcpListener::bind("127.0.0.1:0").await.context("binding the blob host's port")?;
        let api_url = format!("http://{}/api/v3", api.local_addr().context("asking for the API's port")?);
        let blob_url = format!("http://{}", blobs.local_addr().context("asking for the blob host's port")?);
        let app = App {
            id: options.app_id,
            client_id: options.client_id.clone(),
            slug: options.slug.clone(),
            permissions: options.permissions.clone(),
            events: options.events.clone(),
            hook: options.hook.clone(),
            api_versions: options.api_versions.clone(),
            public_key_pems: vec![keys.public_pem.clone()],
            private_key_pem: keys.private_pem.clone(),
            long_tokens: options.long_tokens,
        };
        let schemas = open_schemas(&options);
        let mut state = State::new(app, api_url.clone(), blob_url.clone());
        state.outbox.secret = options.webhook_secret.clone();
        state.pad_payloads = options.pad_payloads;
        state.limits.limit = options.rate_limit;
        state.keep_journal = options.keep_journal;
        state.latency = options.latency;
        state.echo_check_events = options.echo_check_events;
        state.exchanges = schemas.map(|_| Vec::new());
        for login in [options.slug.clone(), format!("{}[bot]", options.slug), "github-actions[bot]".to_owned()] {
            state.user_id(&login);
        }
        let shared = Arc::new(Shared::new(state));
        let tasks = vec![
            tokio::spawn(server::serve(api, server::api(&shared))),
            tokio::spawn(server::serve(blobs, server::blobs(&shared))),
            tokio::spawn(webhooks::deliver(shared.clone())),
        ];
        Ok(Fake { shared, options, api_url, blob_url, schemas, tasks })
    }

    /// `http://127.0.0.1:PORT/api/v3`
    pub fn api_url(&self) -> &str {
        &self.api_url
    }

    /// `http://127.0.0.1:PORT`, where artifacts come from.
    pub fn blob_url(&self) -> &str {
        &self.blob_url
    }

    pub fn app_id(&self) -> u64 {
        self.options.app_id
    }

    pub fn client_id(&self) -> &str {
        &self.options.client_id
    }

    pub fn webhook_secret(&self) -> &str {
        &self.options.webhook_secret
    }

    /// The App's RSA key in PKCS#1, as GitHub hands it out; one per process, made at run time.
    pub fn private_key_pem(&self) -> &str {
        &keys().private_pem
    }

    /// Everything that must show nowhere, each with what it is: the webhook's secret, the App's key, the tokens that were
    /// minted, the addresses of the blob host.
    pub fn secrets(&self) -> Vec<(&'static str, String)> {
        let lines = self.private_key_pem().lines().filter(|line| !line.starts_with("-----") && line.len() > 20);
        let mut secrets: Vec<_> = lines.map(|line| ("a line of the App's key", line.to_owned())).collect();
        secrets.push(("the webhook's secret", self.webhook_secret().to_owned()));
        self.shared.look(|state| {
            secrets.extend(state.tokens.iter().map(|token| ("an installation token", token.secret.clone())));
            secrets.extend(state.grants.keys().map(|grant| ("a signed address of the blob host", grant.clone())));
        });
        secrets
    }

    /// `http://127.0.0.1:PORT`, what people open.
    pub fn site(&self) -> &str {
        self.api_url.trim_end_matches("/api/v3")
    }

    /// What it calls itself and its blob host in addresses from now on: for a test that stands TLS or a proxy before it.
    pub fn known_as(&self, api_url: &str, blob_url: &str) {
        self.shared.change(|state| {
            state.api_url = api_url.to_owned();
            state.blob_url = blob_url.to_owned();
        });
    }

    /// From now on this token is that person's. It reads every repository; only Apps write checks.
    pub fn add_personal_token(&self, token: &str, login: &str) {
        self.shared.change(|state| {
            state.user_id(login);
            state.people.insert(token.to_owned(), login.to_owned());
        });
    }

    /// Makes the App a further private key, as its owner does before an old one goes.
    pub async fn add_private_key(&self) -> String {
        let keys = tokio::task::spawn_blocking(new_keys).await.expect("making a key does not panic");
        self.shared.change(|state| state.app.public_key_pems.push(keys.public_pem));
        keys.private_pem
    }

    /// Deletes the App's first private key: what it signed is refused.
    pub fn delete_first_private_key(&self) {
        self.shared.change(|state| drop(state.app.public_key_pems.remove(0)));
    }

    /// Signs webhooks with this from now on; those that wait were signed before.
    pub fn rotate_webhook_secret(&self, secret: &str) {
        self.shared.change(|state| state.outbox.secret = secret.to_owned());
    }

    /// The repository `owner/name` with a first commit on `main`, with the App installed for its owner.
    pub fn repository(&self, full_name: &str) -> Repository {
        let id = self.shared.change(|state| {
            let id = state.ensure_repository(full_name, None);
            install(state, id);
            id
        });
        Repository::new(self.shared.clone(), id)
    }

    /// A repository that exists, but on which the App is not installed.
    pub fn hidden_repository(&self, full_name: &str) -> Repository {
        let id = self.shared.change(|state| {
            let id = state.ensure_repository(full_name, None);
            state.repository_mut(id).installed = false;
            id
        });
        Repository::new(self.shared.clone(), id)
    }

    /// A second check run just like this one, as two instances that raced would leave it. Returns its id.
    pub fn duplicate_check_run(&self, id: u64) -> u64 {
        self.shared.change(|state| {
            let original = state.check_runs.iter().find(|run| run.id == id).expect("the check run exists").clone();
            let copy = CheckRun { id: state.next_id(), ..original };
            let id = copy.id;
            state.check_runs.push(copy);
            id
        })
    }

    /// All tokens minted so far are expired from now on.
    pub fn expire_tokens(&self) {
        self.shared.change(|state| {
            let now = state.now();
            state.tokens.iter_mut().for_each(|token| token.expires_at = now);
        });
    }

    /// Moves GitHub's clock: tokens, download addresses and limits run out.
    pub fn advance_clock(&self, by: Duration) {
        let by = SignedDuration::try_from(by).expect("tests advance clocks by less than centuries");
        self.shared.change(|state| state.advance_clock(by));
    }

    /// Answers carry a `Date` that is so far ahead, as if the host's clock were behind.
    pub fn set_date_ahead(&self, by: Duration) {
        let by = SignedDuration::try_from(by).expect("tests use short times");
        self.shared.change(|state| state.date_ahead = by);
    }

    /// All endpoints as method and path, in the words of GitHub's OpenAPI description.
    pub fn endpoints(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        server::ROUTES.iter().map(|route| (route.method, route.path))
    }

    // Deliveries.

    /// Sends webhooks to this address, those that already wait first.
    pub fn deliver_to(&self, url: &str) {
        self.shared.change(|state| state.outbox.target = Some(url.to_owned()));
    }

    /// Webhooks wait until `resume_deliveries`.
    pub fn pause_deliveries(&self) {
        self.shared.change(|state| state.outbox.paused = true);
    }

    pub fn resume_deliveries(&self) {
        self.shared.change(|state| state.outbox.paused = false);
    }

    /// Webhooks that wait, first to be sent first.
    pub fn pending_deliveries(&self) -> Vec<Outgoing> {
        self.shared.look(|state| state.outbox.queue.iter().cloned().collect())
    }

    /// Takes all waiting webhooks away: for a load driver that sends them itself.
    pub fn take_pending_deliveries(&self) -> Vec<Outgoing> {
        self.shared.change(|state| state.outbox.queue.drain(..).collect())
    }

    /// Puts webhooks that were taken away behind those that wait.
    pub fn queue_deliveries(&self, deliveries: Vec<Outgoing>) {
        self.shared.change(|state| state.outbox.queue.extend(deliveries));
    }

    /// Puts waiting webhooks into another order: `order[i]` is the old place of the one that goes `i`-th.
    /// What `order` does not name is lost without a trace, what it names twice is sent twice.
    pub fn reorder_pending_deliveries(&self, order: &[usize]) {
        self.shared.change(|state| {
            let old: Vec<Outgoing> = state.outbox.queue.drain(..).collect();
            state.outbox.queue = order.iter().filter_map(|place| old.get(*place).cloned()).collect();
        });
    }

    /// The next `count` deliveries do not reach the host; the log says so.
    pub fn lose_next_deliveries(&self, count: usize) {
        self.shared.change(|state| state.outbox.lose += count);
    }

    /// From now on deliveries reach the host again.
    pub fn lose_no_more_deliveries(&self) {
        self.shared.change(|state| state.outbox.lose = 0);
    }

    /// The host gets the next `count` deliveries, but GitHub does not get its answers in time.
    pub fn time_out_next_deliveries(&self, count: usize) {
        self.shared.change(|state| state.outbox.answer_late += count);
    }

    /// Puts copies of the first so many waiting webhooks behind the others.
    pub fn repeat_pending_deliveries(&self, count: usize) {
        self.shared.change(|state| {
            let copies: Vec<Outgoing> = state.outbox.queue.iter().take(count).cloned().collect();
            state.outbox.queue.extend(copies);
        });
    }

    /// The next `count` events are delivered twice, under one GUID each.
    pub fn duplicate_next_deliveries(&self, count: usize) {
        self.shared.change(|state| state.outbox.duplicate += count);
    }

    /// Delivers an event of the log again, under its GUID.
    pub fn redeliver(&self, guid: &str) {
        let found = self.shared.change(|state| state.redeliver(guid));
        assert!(found, "there was no delivery {guid}");
    }

    /// Every attempt to deliver so far.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.shared.look(|state| state.deliveries.clone())
    }

    /// Returns once every queued webhook was answered, lost or timed out.
    pub async fn deliveries_settled(&self) {
        self.wait_until("all deliveries to be answered", |state| state.outbox.settled().then_some(())).await;
    }

    pub fn ping(&self) {
        self.shared.change(State::ping);
    }

    /// Sends any event, signed, with the payload as it is.
    pub fn send_event(&self, event: &str, payload: Value) {
        let action = payload["action"].as_str().unwrap_or_default().to_owned();
        self.shared.change(|state| state.queue((event, &action), (None, None), payload));
    }

    /// The `X-Hub-Signature-256` of a body.
    pub fn sign(&self, body: &[u8]) -> String {
        self.shared.look(|state| state.outbox.sign(body))
    }

    // Trouble.

    /// From now on, requests fail as the fault says.
    pub fn fault(&self, fault: Fault) {
        self.shared.change(|state| state.faults.push(fault));
    }

    /// How many requests failed as they were told to, by class.
    pub fn faults_struck(&self) -> BTreeMap<&'static str, usize> {
        self.shared.look(|state| state.struck.clone())
    }

    /// The patterns of faults that no request met.
    pub fn faults_in_vain(&self) -> Vec<String> {
        self.shared.look(|state| state.faults.iter().filter_map(|fault| fault.in_vain().map(str::to_owned)).collect())
    }

    pub fn clear_faults(&self) {
        self.shared.change(|state| state.faults.clear());
    }

    /// So many requests are left to an owner's installation in this hour.
    pub fn set_rate_limit_remaining(&self, owner: &str, remaining: u64) {
        let id = self.installation_id(owner);
        self.shared.change(|state| state.limits.remaining.insert(id, remaining));
    }

    /// When the hour of the primary limit ends, from now.
    pub fn set_rate_limit_reset(&self, from_now: Duration) {
        let from_now = SignedDuration::try_from(from_now).expect("tests use short times");
        self.shared.change(|state| state.limits.reset_at = state.now() + from_now);
    }

    /// Refuses every authenticated request until the limit has passed.
    pub fn secondary_limit(&self, limit: SecondaryLimit) {
        let retry_after = SignedDuration::try_from(limit.retry_after).expect("tests use short times");
        self.shared.change(|state| state.limits.secondary = Some((state.now() + retry_after, limit.status)));
    }

    /// Ends all limits at once.
    pub fn lift_limits(&self) {
        self.shared.change(|state| {
            state.limits.secondary = None;
            state.limits.remaining.clear();
        });
    }

    // Looking and waiting.

    /// Every request so far, with identity and status.
    pub fn journal(&self) -> Journal {
        self.shared.look(|state| state.journal.clone())
    }

    /// Forgets the requests so far, so that a test counts from here.
    pub fn clear_journal(&self) {
        self.shared.change(|state| state.journal.entries.clear());
    }

    /// All check runs, oldest first.
    pub fn check_runs(&self) -> Vec<CheckRun> {
        self.shared.look(|state| state.check_runs.clone())
    }

    pub fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        self.shared.look(look)
    }

    /// Waits until `look` finds something, woken by every change; panics with the journal after a minute.
    pub async fn wait_until<T>(&self, what: &str, look: impl Fn(&State) -> Option<T>) -> T {
        wait_until(&self.shared, what, look).await
    }

    // Schemas.

    /// Whether GitHub's schemas are there to check against.
    pub fn checks_schemas(&self) -> bool {
        self.schemas.is_some()
    }

    /// How requests, answers and webhooks since the last call differ from GitHub's schemas.
    /// The body of a request counts even when it was refused; the refusal itself has no schema.
    pub fn schema_violations(&self) -> Vec<String> {
        let Some(schemas) = self.schemas else { return Vec::new() };
        let exchanges = self.shared.change(|state| state.exchanges.as_mut().map(std::mem::take));
        schemas.check(&exchanges.unwrap_or_default())
    }

    /// Panics if anything differs from GitHub's schemas.
    pub fn assert_schemas(&self) {
        let violations = self.schema_violations();
        assert!(
            violations.is_empty(),
            "{} violations of GitHub's schemas:\n{}",
            violations.len(),
            violations.join("\n")
        );
    }
}

fn install(state: &mut State, repository: u64) {
    let owner = state.repository(repository).owner.clone();
    if !state.installations.iter().any(|installation| installation.account == owner) {
        let id = state.next_id();
        state.installations.push(Installation { id, account: owner, suspended: false });
    }
}

fn open_schemas(options: &FakeOptions) -> Option<&'static Schemas> {
    let directory = options.schemas.as_ref()?;
    if !schemas::is_fetched(directory) {
        skipped(&format!("{} does not hold them; `cargo xtask test` fetches them", directory.display()));
        return None;
    }
    Schemas::open(directory).inspect_err(|error| skipped(&format!("{error:#}"))).ok()
}

/// Says so once per process, however many fakes its tests start.
fn skipped(why: &str) {
    static SAID: Once = Once::new();
    SAID.call_once(|| println!("schemas: skipped, {why}"));
}

struct Keys {
    private_pem: String,
    public_pem: String,
}

/// One key per process: making one takes a noticeable part of a second, and no test gains from its own.
fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(new_keys)
}

fn new_keys() -> Keys {
    // What GitHub generates for Apps.
    const BITS: usize = 2048;
    let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, BITS).expect("2048 bits are a valid size");
    let private_pem = key.to_pkcs1_pem(LineEnding::LF).expect("a fresh key can be written").to_string();
    let public_pem = key.to_public_key().to_pkcs1_pem(LineEnding::LF).expect("a fresh key can be written");
    Keys { private_pem, public_pem }
}

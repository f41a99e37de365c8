//! The harness: a real host, in process, against the small GitHub. Stand-ins only for the world.

pub mod captured;
mod clock;
pub mod collector;
pub mod evidence;
pub mod http;
pub mod logs;
pub mod opa;
pub mod policies;
pub mod process;
pub mod watched;

pub use clock::TestClock;

use anyhow::{Context, Result};
use palisade::app::{self, Host, Shared, World};
use palisade::config::Config;
use palisade_github_fake::{Fake, FakeOptions, Repository};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A host and its GitHub. Dropping it ends both.
#[derive(Debug)]
pub struct TestHost {
    pub github: Fake,
    pub host: Host,
    pub clock: Arc<TestClock>,
}

/// Every feature test holds what client and fake said to each other against GitHub's own schemas.
impl Drop for TestHost {
    fn drop(&mut self) {
        for (what, secret) in self.github.secrets() {
            captured::plant(what, &secret);
        }
        for entry in &self.github.journal().entries {
            captured::keep("what GitHub was told", &entry.body.to_string());
        }
        if !std::thread::panicking() {
            self.github.assert_schemas();
        }
    }
}

impl TestHost {
    /// With App credentials and nothing else.
    pub async fn start() -> Self {
        Self::with("").await
    }

    /// With a configuration file's text.
    pub async fn with(text: &str) -> Self {
        Self::try_with(text, FakeOptions::default()).await.expect("the host starts")
    }

    pub async fn try_with(text: &str, options: FakeOptions) -> Result<Self> {
        Self::started(text, options, |_| ()).await
    }

    /// With a configuration in which a test changes what every other test has the same.
    pub async fn changed(text: &str, options: FakeOptions, change: impl FnOnce(&mut Config)) -> Self {
        Self::started(text, options, change).await.expect("the host starts")
    }

    async fn started(text: &str, options: FakeOptions, change: impl FnOnce(&mut Config)) -> Result<Self> {
        captured::start();
        let github = Fake::start(options).await?;
        let mut config = config(&github, text)?;
        change(&mut config);
        Self::serving(github, config).await
    }

    /// For a GitHub that a test has prepared.
    pub async fn serving(github: Fake, config: Config) -> Result<Self> {
        let clock = Arc::<TestClock>::default();
        let host = app::serve_in(config, World { clock: clock.clone(), shared: None }).await?;
        // What a start looks at would otherwise come in between at some time or other.
        host.reconciled().await;
        github.deliver_to(&format!("http://{}/webhook", host.address));
        Ok(Self { github, host, clock })
    }

    /// The same, with a configuration file's text.
    pub async fn of(github: Fake, text: &str) -> Self {
        let config = config(&github, text).expect("the configuration is right");
        Self::serving(github, config).await.expect("the host starts")
    }

    /// Ends the host as a crash would and starts another for the same GitHub: what was in memory is gone.
    pub async fn restarted(self, text: &str) -> Self {
        let restarted = self.restarted_in_trouble(text).await;
        restarted.host.reconciled().await;
        restarted
    }

    /// The same, while GitHub does not answer well enough to look at anything at once.
    pub async fn restarted_in_trouble(mut self, text: &str) -> Self {
        self.host.end_at_once();
        self.host = self.another(text, None).await;
        self.github.deliver_to(&format!("http://{}/webhook", self.host.address));
        self
    }

    /// One more host for the same GitHub, by the same clock; alone or with what another one has.
    pub async fn another(&self, text: &str, shared: Option<Shared>) -> Host {
        let config = config(&self.github, text).expect("the configuration is right");
        app::serve_in(config, World { clock: self.clock.clone(), shared }).await.expect("the host starts")
    }

    /// Moves GitHub's clock and the host's; what becomes due by it is done once the host has settled.
    pub fn advance(&self, by: Duration) {
        self.github.advance_clock(by);
        self.clock.advance(by);
    }

    /// Waits until every delivery is answered and every job done.
    pub async fn settled(&self) {
        self.github.deliveries_settled().await;
        self.host.idle().await;
    }

    pub fn repository(&self) -> Repository {
        self.github.repository("acme/shop")
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host.address)
    }
}

/// The configuration of a test: the text's, with this GitHub's credentials, on loopback, without waiting for more
/// hints about a commit and without a pace of its own.
pub fn config(github: &Fake, text: &str) -> Result<Config> {
    let mut config: Config = toml::from_str(text).context("reading the test's configuration")?;
    config.server.address = "127.0.0.1:0".to_owned();
    config.github.app_id = github.app_id();
    if config.github.private_keys.is_empty() {
        config.github.private_key = Some(palisade::model::Secret::new(github.private_key_pem()));
    }
    config.github.base_url = github.api_url().to_owned();
    if config.github.webhook_secrets.is_empty() {
        config.github.webhook_secrets = vec![palisade::model::Secret::new(github.webhook_secret()).into()];
    }
    config.github.artifact_hosts = vec!["127.0.0.1".to_owned()];
    config.queue.coalesce = Duration::ZERO;
    // The small GitHub has no secondary limits of its own; tests of the pace set it.
    config.github.write_spacing = Duration::ZERO;
    config.runtime.cache_directory.get_or_insert_with(compiled_code);
    Ok(config)
}

/// Compiled plugins, shared by all tests of this checkout.
pub fn compiled_code() -> PathBuf {
    workspace().join("target").join("test-cache").join("compiled")
}

pub fn workspace() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the workspace").to_owned()
}

/// How many seeds a randomised test tries that fits the hour with 25 of them: `cargo xtask test --seeds N` sets it for all.
pub fn seeds() -> u64 {
    seeds_or(25)
}

/// The same for a test that affords more or fewer.
pub fn seeds_or(default: u64) -> u64 {
    std::env::var("PALISADE_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

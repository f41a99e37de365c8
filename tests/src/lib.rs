//! The harness: a real host, in process, against the small GitHub. Stand-ins only for the world.

pub mod evidence;
pub mod http;
pub mod opa;
pub mod policies;
pub mod process;

use anyhow::{Context, Result};
use palisade::app::{self, Host};
use palisade::config::Config;
use palisade_github_fake::{Fake, FakeOptions, Repository};
use std::path::PathBuf;

/// A host and its GitHub. Dropping it ends both.
#[derive(Debug)]
pub struct TestHost {
    pub github: Fake,
    pub host: Host,
}

/// Every feature test holds what client and fake said to each other against GitHub's own schemas.
impl Drop for TestHost {
    fn drop(&mut self) {
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
        let github = Fake::start(options).await?;
        let host = app::serve(config(&github, text)?).await?;
        // What a start looks at would otherwise come in between at some time or other.
        host.reconciled().await;
        github.deliver_to(&format!("http://{}/webhook", host.address));
        Ok(Self { github, host })
    }

    /// With a configuration in which a test changes what every other test has the same.
    pub async fn changed(text: &str, options: FakeOptions, change: impl FnOnce(&mut Config)) -> Self {
        let github = Fake::start(options).await.expect("the small GitHub starts");
        let mut config = config(&github, text).expect("the configuration is right");
        change(&mut config);
        let host = app::serve(config).await.expect("the host starts");
        host.reconciled().await;
        github.deliver_to(&format!("http://{}/webhook", host.address));
        Self { github, host }
    }

    /// Ends the host as a crash would and starts another for the same GitHub: what was in memory is gone.
    pub async fn restarted(mut self, text: &str) -> Self {
        self.host.end_at_once();
        let config = config(&self.github, text).expect("the configuration is right");
        self.host = app::serve(config).await.expect("the host starts");
        self.github.deliver_to(&format!("http://{}/webhook", self.host.address));
        self.host.reconciled().await;
        self
    }

    /// The same, while GitHub does not answer well enough to look at anything at once.
    pub async fn restarted_in_trouble(mut self, text: &str) -> Self {
        self.host.end_at_once();
        let config = config(&self.github, text).expect("the configuration is right");
        self.host = app::serve(config).await.expect("the host starts");
        self.github.deliver_to(&format!("http://{}/webhook", self.host.address));
        self
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
    config.github.private_key = Some(palisade::model::Secret::new(github.private_key_pem()));
    config.github.base_url = github.api_url().to_owned();
    config.github.webhook_secrets = vec![palisade::model::Secret::new(github.webhook_secret())];
    config.github.artifact_hosts = vec!["127.0.0.1".to_owned()];
    config.queue.coalesce = std::time::Duration::ZERO;
    // The small GitHub has no secondary limits of its own; tests of the pace set it.
    config.github.write_spacing = std::time::Duration::ZERO;
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

/// How many seeds a randomised test tries: `cargo xtask test --seeds N` sets it.
pub fn seeds() -> u64 {
    std::env::var("PALISADE_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10)
}

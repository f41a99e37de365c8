//! Talks to GitHub: authentication, rate limits, and the typed calls that Palisade needs, each once.
//! `octocrab` carries the requests and no other room names it. Wire structs end in the file that parses them.
//! This room decides nothing about checks, and never sends credentials to any host but the configured API.

mod attestations;
mod auth;
mod blobs;
mod calls;
mod changes;
mod checks;
mod comments;
mod connect;
mod contents;
mod counters;
mod deliveries;
mod error;
mod installations;
mod keyring;
mod limits;
mod links;
mod manifest;
mod names;
mod priority;
mod public;
mod registration;
mod runs;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod transport;

pub use blobs::{BlobHosts, Download};
pub use changes::{Entry, EntryKind};
pub use checks::{CheckRun, CheckRunId, CheckRunSummary, CheckRunUpdate, NewCheckRun};
pub use comments::{Comment, CommentId};
pub use contents::{Branch, FileAt};
pub use counters::Counters;
pub use deliveries::{DeliveryAttempt, redelivery_window};
pub use error::GitHubError;
pub use limits::BudgetReport;
pub use manifest::{Converted, EVENTS, Manifest, PERMISSIONS, Permission, Subscription};
pub use names::Publisher;
pub use priority::Priority;
pub use registration::{Hook, Installed, Registration};
pub use runs::ArtifactListing;

use crate::config::Proxies;
use crate::model::{Clock, InstallationId, RepositoryName, Secret, Slot};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The connection to one GitHub, as one App. Cheap to clone; clones share connections, tokens and limits. A handle has a
/// priority, so that no call can be without one: each room is given its own.
#[derive(Clone)]
pub struct GitHub {
    inner: Arc<Inner>,
    priority: Priority,
}

struct Inner {
    transport: transport::Transport,
    blobs: blobs::BlobClient,
    credentials: auth::Credentials,
    limits: limits::Limits,
    counters: Counters,
    pace: Pace,
    personal_token: Option<Secret>,
    app: tokio::sync::OnceCell<App>,
}

/// A repository and the installation through which the App sees it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RepositoryAt {
    pub installation: InstallationId,
    pub repository: RepositoryName,
}

/// The App's own identity, as `GET /app` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    pub id: u64,
    pub slug: String,
}

#[derive(Clone, Debug)]
pub struct GitHubOptions {
    /// `https://api.github.com`, or `https://HOST/api/v3`. Plain http only for a loopback address.
    pub api_url: String,
    pub app_id: u64,
    /// Names the App in place of its id where it is given; GitHub prefers it.
    pub client_id: Option<String>,
    /// PEM, PKCS#1 or PKCS#8; the first that counts signs. None: nothing can be asked as the App.
    pub private_keys: Vec<Slot<Secret>>,
    /// A person's token, which then stands for the App and its installations. It reads what the person may read, and GitHub
    /// refuses what only Apps may write.
    pub personal_token: Option<Secret>,
    pub user_agent: String,
    /// `X-GitHub-Api-Version`.
    pub api_version: String,
    pub blob_hosts: BlobHosts,
    /// PEM; trusted beside the system's roots.
    pub ca_file: Option<PathBuf>,
    pub proxies: Proxies,
    pub pace: Pace,
    pub clock: Arc<dyn Clock>,
}

/// How long calls may take and how soon they are repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    pub connect_timeout: Duration,
    /// A whole API call; for a download, each wait for the next piece.
    pub read_timeout: Duration,
    /// The first wait before a repetition; each further one doubles it.
    pub retry_base: Duration,
    /// What an installation's writes keep from each other once twenty have gone; points and comments keep the same pace.
    /// Zero: no pace of our own.
    pub write_spacing: Duration,
}

impl Default for Pace {
    /// GitHub answers within 10 s or gives up itself, so 30 s means that nothing comes any more.
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(30),
            retry_base: Duration::from_millis(500),
            // GitHub's advice.
            write_spacing: Duration::from_secs(1),
        }
    }
}

impl GitHub {
    /// Needs a running tokio runtime. Does not contact GitHub yet.
    pub fn new(options: GitHubOptions) -> anyhow::Result<Self> {
        let network = connect::Network::new(&options)?;
        let inner = Inner {
            transport: transport::Transport::new(&options, &network)?,
            blobs: blobs::BlobClient::new(&options, &network),
            credentials: auth::Credentials::new(&options)?,
            limits: limits::Limits::new(options.pace.write_spacing, options.clock.clone()),
            counters: Counters::default(),
            pace: options.pace,
            personal_token: options.personal_token,
            app: tokio::sync::OnceCell::new(),
        };
        Ok(Self { inner: Arc::new(inner), priority: Priority::default() })
    }

    /// The same connection for calls of another priority.
    pub fn with_priority(&self, priority: Priority) -> Self {
        Self { inner: self.inner.clone(), priority }
    }

    /// Fails while an installation's calls would be refused, by GitHub or by their own pace: a job that would have to be
    /// given back in the middle is not begun.
    pub fn ready(&self, installation: InstallationId) -> Result<(), GitHubError> {
        self.inner.limits.ready(installation, self.priority, self.inner.credentials.now())
    }

    pub fn is_limited(&self, installation: InstallationId) -> bool {
        self.inner.limits.is_limited(installation, self.inner.credentials.now())
    }

    /// How many calls an installation has in an hour. GitHub says it with each answer; a server without limits never does.
    pub fn calls_an_hour(&self, installation: InstallationId) -> Option<u64> {
        self.inner.limits.calls_an_hour(installation)
    }

    /// What is left to the installations, for telemetry.
    pub fn budget(&self) -> BudgetReport {
        self.inner.limits.report(self.inner.credentials.now())
    }

    /// Who we are, for finding our own check runs and as a proof that the key is right.
    pub async fn app(&self) -> Result<App, GitHubError> {
        Ok(self.registration().await?.app)
    }

    /// As `app`, asked once: who we are does not change while the process lives.
    pub async fn identity(&self) -> Result<&App, GitHubError> {
        self.inner.app.get_or_try_init(|| self.app()).await
    }

    /// Takes these keys in place of those before. One that cannot be read leaves all as they were.
    pub fn replace_private_keys(&self, keys: &[Slot<Secret>]) -> anyhow::Result<()> {
        self.inner.credentials.keys.replace(keyring::Keyring::new(keys)?);
        Ok(())
    }

    /// Which of the private keys GitHub took last, counted from 0.
    pub fn private_key_slot(&self) -> usize {
        self.inner.credentials.keys.get().taken()
    }

    pub fn counters(&self) -> &Counters {
        &self.inner.counters
    }
}

impl std::fmt::Debug for GitHub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GitHub").field("counters", &self.inner.counters).finish_non_exhaustive()
    }
}

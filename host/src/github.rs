//! Talks to GitHub: authentication, rate limits, and the typed calls that Palisade needs, each once.
//! `octocrab` carries the requests and no other room names it. Wire structs end in the file that parses them.
//! This room decides nothing about checks, and never sends credentials to any host but the configured API.

mod auth;
mod blobs;
mod calls;
mod changes;
mod checks;
mod comments;
mod contents;
mod counters;
mod deliveries;
mod error;
mod installations;
mod limits;
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
pub use deliveries::DeliveryAttempt;
pub use error::GitHubError;
pub use runs::ArtifactListing;

use crate::model::{Clock, InstallationId, RepositoryName, Secret};
use std::sync::Arc;
use std::time::Duration;

/// The connection to one GitHub, as one App. Cheap to clone; clones share connections, tokens and limits.
#[derive(Clone)]
pub struct GitHub {
    inner: Arc<Inner>,
}

struct Inner {
    transport: transport::Transport,
    blobs: blobs::BlobClient,
    credentials: auth::Credentials,
    lanes: limits::Lanes,
    counters: Counters,
    pace: Pace,
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
    /// PEM, PKCS#1 or PKCS#8.
    pub private_key: Secret,
    pub user_agent: String,
    /// `X-GitHub-Api-Version`.
    pub api_version: String,
    pub blob_hosts: BlobHosts,
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
}

impl Default for Pace {
    /// GitHub answers within 10 s or gives up itself, so 30 s means that nothing comes any more.
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(30),
            retry_base: Duration::from_millis(500),
        }
    }
}

impl GitHub {
    /// Needs a running tokio runtime. Does not contact GitHub yet.
    pub fn new(options: GitHubOptions) -> anyhow::Result<Self> {
        let inner = Inner {
            transport: transport::Transport::new(&options)?,
            blobs: blobs::BlobClient::new(options.blob_hosts.clone(), options.pace)?,
            credentials: auth::Credentials::new(&options)?,
            lanes: limits::Lanes::default(),
            counters: Counters::default(),
            pace: options.pace,
            app: tokio::sync::OnceCell::new(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Who we are, for `doctor`, for finding our own check runs and as a proof that the key is right.
    pub async fn app(&self) -> Result<App, GitHubError> {
        #[derive(serde::Deserialize)]
        struct Wire {
            id: u64,
            slug: Option<String>,
        }
        let app: Wire = self.read(calls::Call::get("/app".to_owned(), calls::Identity::App)).await?;
        Ok(App { id: app.id, slug: app.slug.unwrap_or_default() })
    }

    /// As `app`, asked once: who we are does not change while the process lives.
    pub async fn identity(&self) -> Result<&App, GitHubError> {
        self.inner.app.get_or_try_init(|| self.app()).await
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

//! Who we are: the App's assertion, and installation tokens scoped to one repository and to reading or writing.
//! One mint per scope, however many ask; the clock is GitHub's where ours is wrong.

use super::calls::{Call, Identity};
use super::counters::count;
use super::error::GitHubError;
use super::keyring::{Key, Keyring};
use super::{GitHub, GitHubOptions, Priority, RepositoryAt, limits};
use crate::model::{Clock, InstallationId, Rotating, Secret, Unix};
use futures::future::{BoxFuture, FutureExt as _};
use jsonwebtoken::{Algorithm, Header};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// GitHub allows ten minutes; nine leave room for a clock that is a little fast.
const ASSERTION_LIFE_S: u64 = 9 * 60;
/// GitHub's advice against clocks that are ahead of its own.
const ASSERTION_BACKDATE_S: u64 = 60;
/// A token must outlive the longest job step that begins with it.
const REFRESH_EARLY_S: u64 = 5 * 60;
/// Tokens live an hour; only an answer without `expires_at` needs this.
const TOKEN_LIFE_S: u64 = 3600;
/// Beyond so many scopes the expired ones are swept out.
const SCOPES_KEPT: usize = 1024;

/// A token can do one of these, never both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Access {
    Read,
    /// Checks, and comments where the App may write them.
    Write,
    /// Signed statements, which an App may read only if it was given that permission.
    Attestations,
}

/// What a token is good for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Scope {
    Repository(RepositoryAt, Access),
    /// Sees all of an installation's repositories and nothing in them.
    Installation(InstallationId),
}

pub(super) struct Credentials {
    issuer: String,
    pub keys: Rotating<Keyring>,
    clock: Arc<dyn Clock>,
    /// GitHub's clock minus ours, as the last refused assertion showed.
    skew_s: AtomicI64,
    cell_by_scope: Mutex<HashMap<Scope, Arc<Cell>>>,
}

#[derive(Default)]
struct Cell {
    /// Mints finished, so that those who waited for a failed one share its failure.
    finished: AtomicU64,
    last: tokio::sync::Mutex<Option<Result<Token, GitHubError>>>,
}

#[derive(Clone)]
pub(super) struct Token {
    pub secret: Secret,
    pub minted: Instant,
    expires_at: Unix,
}

impl Credentials {
    pub fn new(options: &GitHubOptions) -> anyhow::Result<Self> {
        Ok(Self {
            issuer: options.client_id.clone().unwrap_or_else(|| options.app_id.to_string()),
            keys: Rotating::new(Keyring::new(&options.private_keys)?),
            clock: options.clock.clone(),
            skew_s: AtomicI64::new(0),
            cell_by_scope: Mutex::default(),
        })
    }

    /// The time at GitHub, as far as known.
    pub fn now(&self) -> Unix {
        self.clock.now().saturating_add_signed(self.skew_s.load(Ordering::Relaxed))
    }

    /// Takes GitHub's word for the time from an answer's `Date`.
    pub fn correct_clock(&self, headers: &http::HeaderMap) {
        let Some(date) = limits::date(headers) else { return };
        let skew = date.cast_signed().saturating_sub_unsigned(self.clock.now());
        self.skew_s.store(skew, Ordering::Relaxed);
    }

    /// The keys to sign with, one after the other until GitHub takes one. Their ends are by our own clock.
    pub fn keys(&self) -> Result<(Arc<Keyring>, Vec<Arc<Key>>), GitHubError> {
        let ring = self.keys.get();
        let keys = ring.in_order(self.clock.now())?;
        Ok((ring, keys))
    }

    pub fn assertion(&self, key: &Key) -> Result<Secret, GitHubError> {
        #[derive(Serialize)]
        struct Claims<'a> {
            iss: &'a str,
            iat: Unix,
            exp: Unix,
        }
        let unsigned = || GitHubError::Unauthorized("signing with the App's private key".to_owned());
        let now = self.now();
        let claims =
            Claims { iss: &self.issuer, iat: now.saturating_sub(ASSERTION_BACKDATE_S), exp: now + ASSERTION_LIFE_S };
        jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &key.key).map(Secret::new).map_err(|_| unsigned())
    }

    fn cell(&self, scope: &Scope) -> Arc<Cell> {
        let mut cells = self.cell_by_scope.lock().expect("nothing panics while it holds the cells");
        if cells.len() >= SCOPES_KEPT {
            let now = self.now();
            cells.retain(|_, cell| Arc::strong_count(cell) > 1 || cell.holds_fresh(now));
        }
        cells.entry(scope.clone()).or_default().clone()
    }
}

impl Access {
    /// The narrowest scope in which the calls of this room work.
    fn permissions(self) -> serde_json::Value {
        match self {
            Access::Read => serde_json::json!({
                "actions": "read", "checks": "read", "contents": "read", "metadata": "read", "pull_requests": "read",
            }),
            Access::Write => serde_json::json!({ "checks": "write", "metadata": "read", "pull_requests": "write" }),
            Access::Attestations => serde_json::json!({ "attestations": "read", "metadata": "read" }),
        }
    }
}

impl Cell {
    fn holds_fresh(&self, now: Unix) -> bool {
        self.last.try_lock().is_ok_and(|last| matches!(&*last, Some(Ok(token)) if token.fresh(now)))
    }
}

impl Token {
    fn fresh(&self, now: Unix) -> bool {
        now + REFRESH_EARLY_S < self.expires_at
    }
}

impl GitHub {
    /// The token of this scope; minted if there is none, once for all who ask at the same time.
    pub(super) async fn token(&self, scope: &Scope) -> Result<Token, GitHubError> {
        let credentials = &self.inner.credentials;
        let cell = credentials.cell(scope);
        let finished_before = cell.finished.load(Ordering::Acquire);
        let mut last = cell.last.lock().await;
        match &*last {
            Some(Ok(token)) if token.fresh(credentials.now()) => return Ok(token.clone()),
            Some(Err(error)) if cell.finished.load(Ordering::Acquire) > finished_before => return Err(error.clone()),
            _ => {}
        }
        let minted = self.mint(scope).await;
        *last = Some(minted.clone());
        cell.finished.fetch_add(1, Ordering::Release);
        minted
    }

    /// Forgets a token that GitHub no longer takes, unless another caller replaced it already.
    pub(super) async fn forget(&self, scope: &Scope, refused: &Token) {
        let cell = self.inner.credentials.cell(scope);
        let mut last = cell.last.lock().await;
        if matches!(&*last, Some(Ok(token)) if token.secret == refused.secret) {
            *last = None;
        }
    }

    fn mint<'a>(&'a self, scope: &'a Scope) -> BoxFuture<'a, Result<Token, GitHubError>> {
        match scope {
            Scope::Repository(at, access) => self.mint_in(at, *access),
            Scope::Installation(installation) => {
                self.mint_for(*installation, serde_json::json!({ "permissions": { "metadata": "read" } }))
            }
        }
    }

    /// Boxed, because minting is itself a call, and calls need tokens.
    fn mint_in<'a>(&'a self, at: &'a RepositoryAt, access: Access) -> BoxFuture<'a, Result<Token, GitHubError>> {
        let body = |permissions: serde_json::Value| serde_json::json!({ "repositories": [at.repository.name()], "permissions": permissions });
        let whole = self.mint_for(at.installation, body(access.permissions()));
        let narrow = body(serde_json::json!({ "checks": "write", "metadata": "read" }));
        async move {
            match whole.await {
                // An App that may not write comments writes its checks all the same.
                Err(GitHubError::Unprocessable(_)) if access == Access::Write => {
                    self.mint_for(at.installation, narrow).await
                }
                minted => minted,
            }
        }
        .boxed()
    }

    fn mint_for(
        &self,
        installation: InstallationId,
        body: serde_json::Value,
    ) -> BoxFuture<'_, Result<Token, GitHubError>> {
        #[derive(Deserialize)]
        struct Wire {
            token: Secret,
            expires_at: Option<jiff::Timestamp>,
        }
        async move {
            count(&self.inner.counters.mints);
            let path = format!("/app/installations/{installation}/access_tokens");
            // A second token does no harm, so a mint may be repeated although it is a POST.
            // Whoever asks first mints for all: a sweep's turn must not become theirs.
            let first = self.with_priority(Priority::Publish);
            let minted: Wire = first.read(Call::post(path, Identity::App, body).repeatable()).await?;
            let expires_at = minted.expires_at.and_then(|at| u64::try_from(at.as_second()).ok());
            let expires_at = expires_at.unwrap_or_else(|| self.inner.credentials.now() + TOKEN_LIFE_S);
            Ok(Token { secret: minted.token, minted: Instant::now(), expires_at })
        }
        .boxed()
    }
}

//! The App as GitHub has it: who it is, what it may do and hear, where its webhooks go, and what time GitHub thinks it is.

use super::calls::{Answer, Call, Identity, parse};
use super::{App, GitHub, GitHubError};
use crate::model::{InstallationId, RepositoryName, Unix};
use http::{HeaderMap, header};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Ten thousand installations; with more the listing says so.
const MOST_PAGES: usize = 100;

/// `GET /app`, with what its headers say about the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    pub app: App,
    /// The page of the App, as people open it.
    pub page: Option<String>,
    /// Level by permission.
    pub permissions: BTreeMap<String, String>,
    pub events: BTreeSet<String>,
    /// GitHub's clock, to the second.
    pub time: Option<Unix>,
    /// Of a GitHub Enterprise Server.
    pub server_version: Option<String>,
}

/// Where an App's webhooks go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Empty where none is set.
    pub url: String,
    /// `json` or `form`.
    pub content_type: String,
    pub has_secret: bool,
    pub verifies_certificates: bool,
}

/// Where the App is installed, and what was granted there: less than the App asks for until somebody accepts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    pub id: InstallationId,
    pub account: String,
    pub permissions: BTreeMap<String, String>,
    pub suspended: bool,
}

impl GitHub {
    pub async fn registration(&self) -> Result<Registration, GitHubError> {
        self.registered(Call::get("/app".to_owned(), Identity::App)).await
    }

    /// Asks who we are without trying again, as a start does: a server that does not take our version of the API answers so
    /// to every call. What it says is `identity` from then on.
    pub async fn greet(&self) -> Result<Registration, GitHubError> {
        let registration = self.registered(Call::get("/app".to_owned(), Identity::App).once()).await?;
        let _ = self.inner.app.set(registration.app.clone());
        Ok(registration)
    }

    async fn registered(&self, call: Call) -> Result<Registration, GitHubError> {
        #[derive(Deserialize)]
        struct Wire {
            id: u64,
            slug: Option<String>,
            html_url: Option<String>,
            #[serde(default)]
            permissions: BTreeMap<String, String>,
            #[serde(default)]
            events: BTreeSet<String>,
        }
        let Answer { headers, body, .. } = self.answer(&call).await?;
        let wire: Wire = parse(&call, &body)?;
        Ok(Registration {
            app: App { id: wire.id, slug: wire.slug.unwrap_or_default() },
            page: wire.html_url,
            permissions: wire.permissions,
            events: wire.events,
            time: date(&headers),
            server_version: text(&headers, "x-github-enterprise-version"),
        })
    }

    /// Where GitHub sends the App's webhooks, by `GET /app/hook/config`.
    pub async fn hook(&self) -> Result<Hook, GitHubError> {
        #[derive(Deserialize)]
        struct Wire {
            url: Option<String>,
            content_type: Option<String>,
            secret: Option<String>,
            insecure_ssl: Option<serde_json::Value>,
        }
        let wire: Wire = self.read(Call::get("/app/hook/config".to_owned(), Identity::App)).await?;
        // A text or a number, by GitHub's own description.
        let insecure = wire.insecure_ssl.map(|value| value.to_string().trim_matches('"').to_owned());
        Ok(Hook {
            url: wire.url.unwrap_or_default(),
            content_type: wire.content_type.unwrap_or_default(),
            has_secret: wire.secret.is_some_and(|secret| !secret.is_empty()),
            verifies_certificates: insecure.is_none_or(|insecure| insecure == "0"),
        })
    }
}

impl GitHub {
    /// All installations, with what they granted.
    pub async fn installed(&self) -> Result<Vec<Installed>, GitHubError> {
        #[derive(Deserialize)]
        struct Account {
            login: Option<String>,
        }
        #[derive(Deserialize)]
        struct Wire {
            id: u64,
            account: Option<Account>,
            #[serde(default)]
            permissions: BTreeMap<String, String>,
            suspended_at: Option<String>,
        }
        let call = Call::get("/app/installations?per_page=100".to_owned(), Identity::App);
        let pages: Vec<Vec<Wire>> = self.pages(call, MOST_PAGES).await?;
        let installed = pages.into_iter().flatten().map(|wire| Installed {
            id: InstallationId(wire.id),
            account: wire.account.and_then(|account| account.login).unwrap_or_default(),
            permissions: wire.permissions,
            suspended: wire.suspended_at.is_some(),
        });
        Ok(installed.collect())
    }

    /// The login of the person whose token is used.
    pub async fn person(&self) -> Result<String, GitHubError> {
        #[derive(Deserialize)]
        struct Wire {
            login: String,
        }
        let wire: Wire = self.read(Call::get("/user".to_owned(), Identity::App)).await?;
        Ok(wire.login)
    }

    /// The installation that sees a repository, for those whom no webhook told it.
    pub async fn installation_of(&self, repository: &RepositoryName) -> Result<InstallationId, GitHubError> {
        #[derive(Deserialize)]
        struct Wire {
            id: u64,
        }
        let path = format!("/repos/{}/{}/installation", repository.owner(), repository.name());
        let wire: Wire = self.read(Call::get(path, Identity::App)).await?;
        Ok(InstallationId(wire.id))
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned)
}

/// The time in an answer's `Date`.
pub(super) fn date(headers: &HeaderMap) -> Option<Unix> {
    let date = jiff::fmt::rfc2822::parse(&text(headers, header::DATE.as_str())?).ok()?;
    u64::try_from(date.timestamp().as_second()).ok()
}

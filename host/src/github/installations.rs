//! Where the App is installed, and what it may see there.

use super::calls::{Call, Identity};
use super::{GitHub, GitHubError};
use crate::model::event::Origin;
use crate::model::{InstallationId, RepositoryName};
use serde::Deserialize;

/// Ten thousand installations, and as many repositories in each: what is beyond is not looked at, and said.
const MOST_PAGES: usize = 100;

impl GitHub {
    /// Installations that are not suspended.
    pub async fn installations(&self) -> Result<Vec<InstallationId>, GitHubError> {
        let call = Call::get("/app/installations?per_page=100".to_owned(), Identity::App);
        let pages: Vec<Vec<WireInstallation>> = self.pages(call, MOST_PAGES).await?;
        let active = pages.into_iter().flatten().filter(|installation| installation.suspended_at.is_none());
        Ok(active.map(|installation| InstallationId(installation.id)).collect())
    }

    /// The repositories that an installation shows, those that were pushed to last first. Archived ones, where nothing can
    /// be written, are left out.
    pub async fn repositories_of(&self, installation: InstallationId) -> Result<Vec<Origin>, GitHubError> {
        let shown = self.shown_to(installation).await?.into_iter();
        Ok(shown.filter_map(|repository| repository.origin(installation)).collect())
    }

    /// Of these, those that may have open pull requests.
    pub async fn repositories_with_pull_requests(
        &self,
        installation: InstallationId,
    ) -> Result<Vec<Origin>, GitHubError> {
        let shown = self.shown_to(installation).await?.into_iter().filter(WireRepository::may_have_pull_requests);
        Ok(shown.filter_map(|repository| repository.origin(installation)).collect())
    }

    async fn shown_to(&self, installation: InstallationId) -> Result<Vec<WireRepository>, GitHubError> {
        let path = "/installation/repositories?per_page=100".to_owned();
        let pages: Vec<WirePage> =
            self.pages(Call::get(path, Identity::Installation(installation)), MOST_PAGES).await?;
        let repositories = pages.into_iter().flat_map(|page| page.repositories);
        let mut active: Vec<_> = repositories.filter(|repository| !repository.archived.unwrap_or(false)).collect();
        active.sort_by_key(|repository| std::cmp::Reverse(repository.pushed_at));
        Ok(active)
    }
}

#[derive(Deserialize)]
struct WireInstallation {
    id: u64,
    suspended_at: Option<String>,
}

#[derive(Deserialize)]
struct WirePage {
    repositories: Vec<WireRepository>,
}
#[derive(Deserialize)]
struct WireRepository {
    id: u64,
    full_name: String,
    default_branch: Option<String>,
    topics: Option<Vec<String>>,
    language: Option<String>,
    archived: Option<bool>,
    pushed_at: Option<jiff::Timestamp>,
    /// Pull requests are among them.
    open_issues_count: Option<u64>,
}

impl WireRepository {
    fn may_have_pull_requests(&self) -> bool {
        self.open_issues_count != Some(0)
    }

    fn origin(self, installation: InstallationId) -> Option<Origin> {
        let (owner, name) = self.full_name.split_once('/')?;
        Some(Origin {
            installation,
            repository: RepositoryName::new(owner, name).ok()?,
            repository_id: self.id,
            default_branch: self.default_branch,
            topics: self.topics.unwrap_or_default(),
            language: self.language,
        })
    }
}

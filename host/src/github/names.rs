//! Who else publishes check runs, for `doctor`: a name that two publish decides a merge by whoever came last.

use super::calls::{Call, in_query};
use super::{GitHub, GitHubError, RepositoryAt};
use serde::Deserialize;

/// A busy commit has a hundred; what is beyond a thousand is not looked at.
const MOST_PAGES: usize = 10;

/// A check run's name and who published it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publisher {
    pub check: String,
    pub app_id: u64,
    /// `github-actions` for a workflow's job.
    pub app_slug: String,
}

impl GitHub {
    /// The newest check runs on a branch's head, by name.
    pub async fn check_names(&self, at: &RepositoryAt, branch: &str) -> Result<Vec<Publisher>, GitHubError> {
        let path = format!("/commits/{}/check-runs?filter=latest&per_page=100", in_query(branch));
        let pages: Vec<Page> = self.pages(Call::of_repository(at, &path), MOST_PAGES).await?;
        Ok(pages.into_iter().flat_map(|page| page.check_runs).filter_map(Wire::publisher).collect())
    }
}

#[derive(Deserialize)]
struct Page {
    check_runs: Vec<Wire>,
}

#[derive(Deserialize)]
struct Wire {
    name: String,
    app: Option<WireApp>,
}

#[derive(Deserialize)]
struct WireApp {
    id: u64,
    slug: Option<String>,
}

impl Wire {
    fn publisher(self) -> Option<Publisher> {
        let app = self.app?;
        Some(Publisher { check: self.name, app_id: app.id, app_slug: app.slug.unwrap_or_default() })
    }
}

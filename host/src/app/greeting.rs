//! The first word with GitHub: whether an Enterprise Server takes the version of the API that we speak. Every call would
//! be refused else, and no check would ever be opened.

use crate::config::{Addresses, Config, Edition};
use crate::github::{GitHub, GitHubError};
use anyhow::{Result, bail};
use std::time::Duration;

/// A start does not wait for a GitHub that is down: what it would have said shows itself with the first event.
const PATIENCE: Duration = Duration::from_secs(5);

pub async fn greet(config: &Config, github: &GitHub) -> Result<()> {
    if Addresses::parse(&config.github.base_url)?.edition == Edition::Cloud {
        return Ok(());
    }
    match tokio::time::timeout(PATIENCE, github.greet()).await {
        Ok(Ok(registration)) => {
            let version = registration.server_version.unwrap_or_default();
            tracing::info!(
                version,
                api_version = config.github.api_version,
                "the GitHub Enterprise Server takes our API version"
            );
        }
        Ok(Err(error)) if refuses_version(&error) => bail!("{}", wrong_version(config, &error)),
        Ok(Err(error)) => tracing::warn!(%error, "GitHub could not be asked which version of its API it takes"),
        Err(_) => tracing::warn!("GitHub did not say in time which version of its API it takes"),
    }
    Ok(())
}

/// 400 is GitHub's answer to a version that it never had, 410 to one that it has no more.
pub fn refuses_version(error: &GitHubError) -> bool {
    matches!(error, GitHubError::Unprocessable(text) if text.contains("400 ")) || matches!(error, GitHubError::Gone(_))
}

pub fn wrong_version(config: &Config, error: &GitHubError) -> String {
    format!(
        "{} does not take version {} of the API ({error}); set github.api_version to one that its documentation names",
        config.github.base_url, config.github.api_version
    )
}

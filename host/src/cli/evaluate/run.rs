//! What a workflow run uploaded, as files to judge: a way to try Palisade on real evidence with a personal token, or with
//! the App's credentials. Nothing is written to GitHub, and how far the run can be trusted is not looked at.

use crate::app;
use crate::artifacts::{ArtifactStore, Fetched, Fetcher};
use crate::config::Config;
use crate::github::{GitHub, RepositoryAt};
use crate::model::artifact::Source;
use crate::model::{Artifact, InstallationId, RepositoryName, RunId};
use crate::pipeline::Inputs;
use anyhow::{Context as _, Result, bail};
use std::str::FromStr;
use std::sync::Arc;

/// A workflow run as people name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    repository: RepositoryName,
    run: RunId,
}

impl FromStr for Named {
    type Err = String;

    /// `OWNER/REPOSITORY/RUN`, or the address of the run's page.
    fn from_str(text: &str) -> Result<Self, String> {
        let path = text.split(['?', '#']).next().unwrap_or_default();
        let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
        let found = match parts.as_slice() {
            [owner, name, run] => Some((owner, name, run)),
            [.., owner, name, "actions", "runs", run]
            | [.., owner, name, "actions", "runs", run, "attempts" | "job", _] => Some((owner, name, run)),
            _ => None,
        };
        let wrong = || "is neither OWNER/REPOSITORY/RUN nor the address of a workflow run".to_owned();
        let (owner, name, run) = found.ok_or_else(wrong)?;
        let repository = RepositoryName::new(owner, name).map_err(|error| error.to_string())?;
        Ok(Self { repository, run: RunId(run.parse().map_err(|_| wrong())?) })
    }
}

pub async fn inputs(config: &Config, named: &Named) -> Result<Inputs> {
    let (github, installation) = client(config, &named.repository).await?;
    let at = RepositoryAt { installation, repository: named.repository.clone() };
    let run = github.workflow_run(&at, named.run).await?;
    let directory = tempfile::tempdir().context("making a directory for artifacts")?;
    let fetcher = Fetcher::new(ArtifactStore::open(directory.path(), Default::default())?);
    let fetched = fetcher.fetch(&github, &at, &run).await?;
    if fetched.listed.is_empty() {
        bail!("workflow run {} of {} uploaded nothing; name another one", named.run, named.repository);
    }
    Ok(of(&fetched))
}

async fn client(config: &Config, repository: &RepositoryName) -> Result<(GitHub, InstallationId)> {
    let clock = Arc::new(app::SystemClock);
    if config.names_app() {
        let github = GitHub::new(app::github_options(config, clock)?)?;
        let installation = github.installation_of(repository).await.with_context(|| {
            format!("looking for the App's installation on {repository}; install it there, or use github.token")
        })?;
        return Ok((github, installation));
    }
    if config.github.token.is_none() {
        bail!("reading a workflow run needs github.token (POLLY_GITHUB_TOKEN) or the App's id and key");
    }
    // A person's token knows no installations.
    Ok((GitHub::new(app::visitor_options(config, clock)?)?, InstallationId(0)))
}

fn of(fetched: &Fetched) -> Inputs {
    let artifact = |file: &crate::artifacts::FetchedFile| Artifact {
        source: Source { provenance: None, path: file.path.clone(), run: None },
        digest: file.digest,
        bytes: file.bytes.clone(),
        outline: file.outline.clone(),
    };
    Inputs {
        artifacts: fetched.files.iter().map(artifact).collect(),
        unreadable: fetched.unopened.iter().map(|lost| (lost.artifact.clone(), lost.unreadable.clone())).collect(),
        listed: fetched.listed.len() as u32,
        ..Inputs::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_named_by_its_page_or_in_short() {
        let short: Named = "acme/shop/17".parse().unwrap();
        for same in [
            "https://github.com/acme/shop/actions/runs/17",
            "https://github.com/acme/shop/actions/runs/17/",
            "https://github.example/acme/shop/actions/runs/17/attempts/2?pr=3#summary",
            "https://github.com/acme/shop/actions/runs/17/job/99",
        ] {
            assert_eq!(same.parse::<Named>().as_ref(), Ok(&short), "{same}");
        }
        for wrong in ["", "17", "acme/shop", "acme/shop/x", "https://github.com/acme/shop/pull/17"] {
            assert!(wrong.parse::<Named>().is_err(), "{wrong}");
        }
    }
}

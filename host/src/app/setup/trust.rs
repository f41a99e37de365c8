//! How far evidence is to be trusted, from the configuration's words.

use crate::attest::TrustedRoots;
use crate::config::{Config, nearest};
use crate::github::GitHub;
use crate::model::HeadSha;
use crate::model::provenance::ReferencedWorkflow;
use crate::model::report::Provenance;
use crate::pipeline::Attester;
use crate::policy::{CheckConfig, Minimum};
use anyhow::{Context as _, Result, anyhow};

/// `min_provenance` of a check.
pub fn minimum(word: &str) -> Result<Minimum> {
    match Provenance::from_word(word) {
        _ if word == "none" => Ok(Minimum::None),
        // Whatever a run brings is at least a fork's.
        Some(Provenance::Fork) => Ok(Minimum::None),
        Some(provenance) => Ok(Minimum::AtLeast(provenance)),
        None => {
            let known = ["none", "changed-workflow", "repository", "trusted-workflow", "attested"];
            match nearest(word, known) {
                Some(near) => Err(anyhow!("min_provenance: there is no tier {word:?}; did you mean `{near}`?")),
                None => Err(anyhow!("min_provenance: there is no tier {word:?}; known: {}", known.join(", "))),
            }
        }
    }
}

/// Who says in GitHub's name which workflow signed: a tenant of GitHub Enterprise Cloud with data residency has its own.
const ISSUER: &str = "https://token.actions.githubusercontent.com";

/// Verifies attestations, where the operator names whom to trust.
pub fn attester(config: &Config, github: &GitHub) -> Result<Option<Attester>> {
    let Some(roots) = trusted_roots(config)? else { return Ok(None) };
    let runners = config.provenance.runners.clone();
    Ok(Some(Attester { github: github.clone(), roots, issuer: issuer(&config.github.base_url), runners }))
}

fn trusted_roots(config: &Config) -> Result<Option<TrustedRoots>> {
    let Some(path) = &config.provenance.trusted_root else { return Ok(None) };
    let read = || anyhow::Ok(TrustedRoots::parse(&std::fs::read_to_string(path)?)?);
    let roots = read().with_context(|| {
        format!(
            "provenance.trusted_root: {} cannot be used; `gh attestation trusted-root` prints one that can",
            path.display()
        )
    });
    roots.map(Some)
}

/// The roots that cannot be read, or a check that asks for `attested` without any.
pub fn attestation_problem(config: &Config, checks: &[CheckConfig]) -> Option<String> {
    let asks = |check: &&CheckConfig| check.min_provenance == Some(Minimum::AtLeast(Provenance::Attested));
    match (trusted_roots(config), checks.iter().find(asks)) {
        (Err(error), _) => Some(format!("{error:#}")),
        (Ok(None), Some(check)) => Some(format!(
            "checks.{:?}: min_provenance asks for `attested`, and provenance.trusted_root does not say whose signatures \
             count; write what `gh attestation trusted-root` prints into a file and name it there",
            check.name.as_str()
        )),
        (Ok(_), _) => None,
    }
}

fn issuer(api_url: &str) -> String {
    let host = api_url.split("://").nth(1).and_then(|rest| rest.split(['/', ':']).next()).unwrap_or_default();
    match host.strip_prefix("api.").and_then(|tenant| tenant.strip_suffix(".ghe.com")) {
        Some(tenant) => format!("https://token.actions.{tenant}.ghe.com"),
        None => ISSUER.to_owned(),
    }
}

/// `artifacts.trusted_workflows`; what is wrong with one is added to the problems.
pub fn workflows(written: &[String], problems: &mut Vec<String>) -> Vec<ReferencedWorkflow> {
    let mut workflows = Vec::new();
    for text in written {
        match workflow(text) {
            Some(workflow) => workflows.push(workflow),
            None => problems.push(format!(
                "artifacts.trusted_workflows: {text:?} is not `owner/repository/.github/workflows/file.yml@` and a \
                 commit's whole sha; a branch or a tag can be moved to another version"
            )),
        }
    }
    workflows
}

fn workflow(text: &str) -> Option<ReferencedWorkflow> {
    let (path, sha) = text.rsplit_once('@')?;
    let mut parts = path.splitn(3, '/');
    let named = [parts.next()?, parts.next()?].iter().all(|part| !part.is_empty());
    let file = parts.next()?.strip_prefix(".github/workflows/")?;
    let is_file = file.ends_with(".yml") || file.ends_with(".yaml");
    let sha = HeadSha::parse(sha).ok()?;
    (named && is_file).then(|| ReferencedWorkflow { path: path.to_owned(), sha: sha.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_tier_names_the_nearest() {
        let refused = |word: &str| minimum(word).unwrap_err().to_string();
        assert!(refused("repositry").ends_with("did you mean `repository`?"), "{}", refused("repositry"));
        assert_eq!(minimum("none").unwrap(), Minimum::None);
        assert_eq!(minimum("trusted-workflow").unwrap(), Minimum::AtLeast(Provenance::TrustedWorkflow));
    }

    #[test]
    fn a_tenant_of_github_has_an_issuer_of_its_own() {
        assert_eq!(issuer("https://api.github.com"), ISSUER);
        assert_eq!(issuer("https://github.example/api/v3"), ISSUER);
        assert_eq!(issuer("https://api.acme.ghe.com"), "https://token.actions.acme.ghe.com");
    }

    #[test]
    fn a_trusted_workflow_is_named_in_one_version() {
        let sha = "a".repeat(40);
        let mut problems = Vec::new();
        let good = format!("acme/ci/.github/workflows/scan.yml@{sha}");
        let written = [good, "acme/ci/.github/workflows/scan.yml@main".to_owned(), format!("acme/ci/scan.yml@{sha}")];
        let read = workflows(&written, &mut problems);
        assert_eq!(read, [ReferencedWorkflow { path: "acme/ci/.github/workflows/scan.yml".to_owned(), sha }]);
        assert_eq!(problems.len(), 2, "{problems:?}");
    }
}

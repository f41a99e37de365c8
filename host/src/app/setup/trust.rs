//! How far evidence is to be trusted, from the configuration's words.

use crate::config::nearest;
use crate::model::HeadSha;
use crate::model::provenance::ReferencedWorkflow;
use crate::model::report::Provenance;
use crate::policy::Minimum;
use anyhow::{Result, anyhow};

/// `min_provenance` of a check.
pub fn minimum(word: &str) -> Result<Minimum> {
    match Provenance::from_word(word) {
        _ if word == "none" => Ok(Minimum::None),
        Some(Provenance::Attested) => Err(anyhow!(
            "min_provenance: nothing reaches `attested` yet, because signatures are not verified; the most that can be \
             asked for is `trusted-workflow`"
        )),
        // Whatever a run brings is at least a fork's.
        Some(Provenance::Fork) => Ok(Minimum::None),
        Some(provenance) => Ok(Minimum::AtLeast(provenance)),
        None => {
            let known = ["none", "changed-workflow", "repository", "trusted-workflow"];
            match nearest(word, known) {
                Some(near) => Err(anyhow!("min_provenance: there is no tier {word:?}; did you mean `{near}`?")),
                None => Err(anyhow!("min_provenance: there is no tier {word:?}; known: {}", known.join(", "))),
            }
        }
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
    fn a_tier_that_nothing_reaches_is_refused_and_a_misspelt_one_names_the_nearest() {
        let refused = |word: &str| minimum(word).unwrap_err().to_string();
        assert!(refused("attested").contains("signatures are not verified"), "{}", refused("attested"));
        assert!(refused("repositry").ends_with("did you mean `repository`?"), "{}", refused("repositry"));
        assert_eq!(minimum("none").unwrap(), Minimum::None);
        assert_eq!(minimum("trusted-workflow").unwrap(), Minimum::AtLeast(Provenance::TrustedWorkflow));
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

//! What an OPA policy reads. A Rego rule does not say it of itself, and an empty `deny` set over no evidence must not be a
//! pass: it is known by the entrypoint, or the check says it.

use crate::model::report::Coverage;
use crate::model::{Broken, BrokenKind, PluginName};
use crate::rego::reading::{Reading, reading};
use palisade_plugin_policy_results::Problem;

/// Which entrypoints an OPA policy has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entrypoints {
    /// A module's: these.
    Listed(Vec<String>),
    /// A server's: whatever is named.
    Named,
    /// Those of sources, which only their plugin can list.
    Open,
}

/// What the policy reads whose settings these are: what its entrypoint tells, and what the check says beside it. A check
/// adds kinds and takes none away: the rule would judge without them all the same, and pass.
pub(super) fn reads(
    plugin: &PluginName,
    settings: &str,
    entrypoints: &Entrypoints,
    said: Option<&[Coverage]>,
) -> Result<Vec<Coverage>, Broken> {
    let reading = match entrypoints {
        Entrypoints::Listed(known) => {
            Some(reading(settings, Some(known)).map_err(|problem| unusable(plugin, &problem))?)
        }
        Entrypoints::Named => Some(reading(settings, None).map_err(|problem| unusable(plugin, &problem))?),
        Entrypoints::Open => reading(settings, None).ok(),
    };
    let mut reads: Vec<Coverage> = reading.iter().flat_map(kinds).collect();
    for kind in said.unwrap_or_default() {
        if !reads.contains(kind) {
            reads.push(*kind);
        }
    }
    if !reads.is_empty() {
        return Ok(reads);
    }
    let asked = reading.map_or_else(|| "its entrypoint".to_owned(), |reading| format!("`{}`", reading.entrypoint));
    let message = format!("nothing says what evidence `{plugin}` reads by {asked}, and no evidence must not be a pass");
    Err(Broken::new(BrokenKind::Settings, message).hint(
        "say it in the check: `reads = [\"vulnerabilities\"]`, or `licenses`, `components`, `misconfigurations`, …",
    ))
}

fn kinds(reading: &Reading) -> Vec<Coverage> {
    reading.input.reads().iter().filter_map(|word| Coverage::from_word(word)).collect()
}

fn unusable(plugin: &PluginName, problem: &Problem) -> Broken {
    Broken::new(BrokenKind::Settings, format!("settings of `{plugin}`: {problem}"))
        .hint(format!("set `settings.entrypoint` of `{plugin}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(settings: &str, entrypoints: &Entrypoints) -> Result<Vec<Coverage>, String> {
        let plugin = PluginName::parse("opa").unwrap();
        super::reads(&plugin, settings, entrypoints, None).map_err(|broken| broken.message)
    }

    fn listed(names: &[&str]) -> Entrypoints {
        Entrypoints::Listed(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn a_known_entrypoint_says_what_it_reads() {
        let both = listed(&["compliance/license_report", "compliance/vulnerability_report"]);
        let settings = r#"{"entrypoint": "compliance/vulnerability_report"}"#;
        assert_eq!(reads(settings, &both), Ok(vec![Coverage::Vulnerabilities]));
        assert_eq!(reads("{}", &listed(&["compliance/license_report"])), Ok(vec![Coverage::Licenses]));
        let other = r#"{"entrypoint": "main/deny", "input": "vulnerability", "denied": []}"#;
        assert_eq!(reads(other, &Entrypoints::Named), Ok(vec![Coverage::Vulnerabilities]));
    }

    #[test]
    fn a_check_adds_to_what_an_entrypoint_reads_and_takes_nothing_away() {
        let said = |kinds: &[Coverage]| {
            let settings = r#"{"entrypoint": "compliance/vulnerability_report"}"#;
            let plugin = PluginName::parse("opa").unwrap();
            super::reads(&plugin, settings, &Entrypoints::Named, Some(kinds)).map_err(|broken| broken.message)
        };
        assert_eq!(said(&[Coverage::Licenses]), Ok(vec![Coverage::Vulnerabilities, Coverage::Licenses]));
        assert_eq!(said(&[Coverage::Vulnerabilities]), Ok(vec![Coverage::Vulnerabilities]));
        assert_eq!(said(&[]), Ok(vec![Coverage::Vulnerabilities]));
    }

    #[test]
    fn any_other_entrypoint_has_to_be_explained() {
        let said = reads("{}", &listed(&["main/deny"])).unwrap_err();
        assert!(said.contains("reads by `main/deny`"), "{said}");
        assert!(reads("{}", &Entrypoints::Open).unwrap_err().contains("its entrypoint"));
    }

    #[test]
    fn an_entrypoint_that_has_to_be_named_is() {
        assert!(reads("{}", &listed(&["a/x", "a/y"])).unwrap_err().contains("a/x"));
        assert!(reads("{}", &Entrypoints::Named).is_err());
        let plugin = PluginName::parse("opa").unwrap();
        let said = Some([Coverage::Licenses].as_slice());
        assert!(
            super::reads(&plugin, "{}", &listed(&["a/x", "a/y"]), said).is_err(),
            "saying `reads` names no entrypoint"
        );
        assert_eq!(super::reads(&plugin, "{}", &listed(&["a/x"]), said), Ok(vec![Coverage::Licenses]));
    }
}

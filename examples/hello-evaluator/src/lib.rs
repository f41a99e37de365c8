//! Judges that no secret is live: a leaked secret blocks, unless its rule is allowed or something hides the finding
//! (the tool, a VEX statement, a waiver).

use palisade_plugin::{
    Coverage, Detail, Evaluator, Evidence, Failure, FindingParts, PluginInfo, Verdict, Violation, export_evaluator,
};

struct Hello;

export_evaluator!(Hello);

/// What users may set. Palisade checks it with the JSON Schema that is derived from this type.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Rules whose findings are no reason to block.
    #[serde(default)]
    allowed_rules: Vec<String>,
}

impl Evaluator for Hello {
    type Settings = Settings;

    fn describe() -> PluginInfo {
        PluginInfo::new("hello", env!("CARGO_PKG_VERSION"), "No live secrets").reads([Coverage::Secrets])
    }

    fn evaluate(evidence: &Evidence, settings: Settings) -> Result<Verdict, Failure> {
        if evidence.reports_covering(Coverage::Secrets).next().is_none() {
            return Ok(Verdict::not_applicable("No report speaks about secrets"));
        }
        let secrets: Vec<_> = evidence
            .findings_with(FindingParts::LOCATIONS)
            .filter(|assessed| matches!(assessed.finding.detail, Detail::Secret(_)))
            .collect();
        let violations: Vec<Violation> = secrets
            .iter()
            .filter(|assessed| !settings.allowed_rules.contains(&assessed.finding.id))
            .map(|assessed| Violation::deny("no-live-secrets", &*assessed.finding.title).on_finding(assessed))
            .collect();
        let title = match violations.len() {
            0 => "No live secrets".to_owned(),
            count => format!("{count} live secrets"),
        };
        Ok(Verdict::of(title, violations).judged("secrets", secrets.len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use palisade_plugin::testing::{CollectedReport, EvidenceBuilder, evaluate};
    use palisade_plugin::{Finding, HiddenBy, Outcome, Secret};

    fn a_leak() -> EvidenceBuilder {
        let leak = Finding::new("aws-key", "Secret found", Detail::Secret(Secret::found_by("aws-key")));
        EvidenceBuilder::new().report("hello-json", CollectedReport::covering([Coverage::Secrets]).with_finding(leak))
    }

    #[test]
    fn a_live_secret_blocks_and_a_hidden_or_allowed_one_does_not() {
        let outcome = |evidence, settings| evaluate::<Hello>(evidence, settings).unwrap().outcome;
        assert_eq!(outcome(a_leak(), "{}"), Outcome::Fail);
        assert_eq!(outcome(a_leak().hide("aws-key", HiddenBy::Waiver, "a test key"), "{}"), Outcome::Pass);
        assert_eq!(outcome(a_leak(), r#"{"allowed_rules": ["aws-key"]}"#), Outcome::Pass);
        assert_eq!(outcome(EvidenceBuilder::new(), "{}"), Outcome::NotApplicable);
    }
}

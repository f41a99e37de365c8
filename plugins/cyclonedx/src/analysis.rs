//! What somebody found out about a vulnerability, as a VEX statement. Never hides a finding: the host decides whether a
//! statement counts.

use palisade_plugin::{VexProduct, VexStatement, VexStatus};

use crate::document::Analysis;

/// The words of OpenVEX, which policies compare with, for CycloneDX's.
const JUSTIFICATIONS: [(&str, &str); 9] = [
    ("code_not_present", "vulnerable_code_not_present"),
    ("code_not_reachable", "vulnerable_code_not_in_execute_path"),
    ("requires_configuration", "vulnerable_code_cannot_be_controlled_by_adversary"),
    ("requires_dependency", "vulnerable_code_cannot_be_controlled_by_adversary"),
    ("requires_environment", "vulnerable_code_cannot_be_controlled_by_adversary"),
    ("protected_by_compiler", "inline_mitigations_already_exist"),
    ("protected_at_runtime", "inline_mitigations_already_exist"),
    ("protected_at_perimeter", "inline_mitigations_already_exist"),
    ("protected_by_mitigating_control", "inline_mitigations_already_exist"),
];

/// Who speaks, and when, unless an analysis says otherwise.
#[derive(Debug, Default)]
pub struct Speaker {
    pub author: Option<String>,
    pub timestamp: Option<String>,
}

/// What the statement is about.
pub struct Subject {
    pub id: String,
    pub aliases: Vec<String>,
    pub products: Vec<VexProduct>,
    pub how_to_fix: Option<String>,
}

/// `None` for a state that is none of the specification's.
pub fn status(word: &str) -> Option<VexStatus> {
    match word.trim().to_ascii_lowercase().as_str() {
        "resolved" | "resolved_with_pedigree" => Some(VexStatus::Fixed),
        "not_affected" | "false_positive" => Some(VexStatus::NotAffected),
        "exploitable" => Some(VexStatus::Affected),
        "in_triage" => Some(VexStatus::UnderInvestigation),
        _ => None,
    }
}

pub fn statement(subject: Subject, status: VexStatus, analysis: Analysis, speaker: &Speaker) -> VexStatement {
    VexStatement {
        vulnerability: subject.id,
        aliases: subject.aliases,
        products: subject.products,
        status,
        justification: analysis.justification.filled().map(justification),
        statement: impact(analysis.detail.filled(), analysis.response.iter().map(|word| &**word).collect()),
        action: subject.how_to_fix.filter(|_| status == VexStatus::Affected),
        author: speaker.author.clone(),
        timestamp: analysis.first_issued.filled().or_else(|| speaker.timestamp.clone()),
        last_updated: analysis.last_updated.filled(),
    }
}

/// A word of another vocabulary stays as it is.
fn justification(word: String) -> String {
    let known = JUSTIFICATIONS.iter().find(|(theirs, _)| *theirs == word.trim());
    known.map(|(_, ours)| (*ours).to_owned()).unwrap_or(word)
}

fn impact(detail: Option<String>, responses: Vec<&str>) -> Option<String> {
    let response = (!responses.is_empty()).then(|| format!("response: {}", responses.join(", ")));
    match (detail, response) {
        (Some(detail), Some(response)) => Some(format!("{detail} ({response})")),
        (detail, response) => detail.or(response),
    }
}

//! For each cap on a text or a list, an entry that is one byte or one item over it.

use super::palisade::plugin::reports::ReportBuilder;
use super::palisade::plugin::types::{
    Cvss, Detail, Diagnostic, DiagnosticLevel, Fix, FixState, LicenseClaim, LicenseSource, LicenseValue, Location,
    Vulnerability,
};
use super::{component, finding};

/// `name` is that of the cap.
pub fn over(report: &ReportBuilder, name: &str) {
    match name {
        "message" => report.add_diagnostic(&diagnostic(&long(4_096))),
        "diagnostics" => (0..101).for_each(|_| report.add_diagnostic(&diagnostic("odd"))),
        "documents" => {
            for number in 0..65 {
                let _ = report.write_document(&format!("document {number}"), "text/plain", b"x");
            }
        }
        "version" | "purl" | "licence" | "others" => over_in_component(report, name),
        _ => over_in_finding(report, name),
    }
}

fn over_in_component(report: &ReportBuilder, name: &str) {
    let mut entry = component("C");
    match name {
        "version" => entry.version = Some(long(256)),
        "purl" => entry.purl = Some(long(2_048)),
        "licence" => {
            let value = LicenseValue::Expression(long(4_096));
            entry.licenses.push(LicenseClaim { source: LicenseSource::Declared, value });
        }
        _ => entry.hashes = vec!["sha256:00".to_owned(); 257],
    }
    let _ = report.add_components(&[entry]);
}

fn over_in_finding(report: &ReportBuilder, name: &str) {
    let mut entry = finding("F");
    let pair = |value: String| ("name".to_owned(), value);
    match name {
        "title" => entry.title = long(300),
        "description" => entry.description = Some(long(4_096)),
        "id" => entry.id = long(1_024),
        "path" => entry.locations = vec![location(&long(1_024))],
        "locations" => entry.locations = vec![location("a"); 21],
        "property" => entry.properties = vec![pair(long(1_024))],
        "properties" => entry.properties = vec![pair("value".to_owned()); 65],
        "reference" => entry.references = vec![long(2_048)],
        "references" => entry.references = vec!["https://example.com".to_owned(); 21],
        "aliases" => entry.detail = vulnerability(65, 0),
        "ratings" => entry.detail = vulnerability(0, 17),
        _ => entry.title = format!("there is no cap {name}"),
    }
    let _ = report.add_findings(&[entry]);
}

fn long(most: usize) -> String {
    "x".repeat(most + 1)
}

fn diagnostic(message: &str) -> Diagnostic {
    Diagnostic { level: DiagnosticLevel::Note, message: message.to_owned(), pointer: None }
}

fn location(path: &str) -> Location {
    Location {
        path: path.to_owned(),
        start_line: None,
        end_line: None,
        start_column: None,
        end_column: None,
        layer: None,
    }
}

fn vulnerability(aliases: usize, ratings: usize) -> Detail {
    let rating = Cvss { version: "3.1".to_owned(), vector: None, base: Some(9.8), source: None };
    Detail::Vulnerability(Vulnerability {
        aliases: vec!["CVE-2026-0001".to_owned(); aliases],
        ratings: vec![rating; ratings],
        epss: None,
        known_exploited: None,
        cwes: Vec::new(),
        fix: Fix { state: FixState::Unknown, versions: Vec::new(), suggested: None, breaking: None },
        published: None,
        modified: None,
    })
}

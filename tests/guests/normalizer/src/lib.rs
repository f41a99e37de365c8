//! A normalizer that misbehaves as its settings say: `{"do": "many-findings"}`; `recognize`, which gets no settings, does
//! as the artifact's text says. Written against the raw contract. Natively it is empty.
#![cfg(target_arch = "wasm32")]
#![allow(unsafe_code, clippy::all)] // reason: generated exports

wit_bindgen::generate!({ path: "../../../wit", world: "palisade:plugin/normalizer", generate_all });

mod texts;

use exports::palisade::plugin::plugin::{PluginInfo, SettingProblem};
use palisade::plugin::artifacts::Artifact;
use palisade::plugin::reports::ReportBuilder;
use palisade::plugin::types::{
    Attestation, Component, ComponentRelation, ComponentScope, Coverage, Dependency, Detail, Failure, Finding,
    FormatInfo, VexStatement, VexStatus,
};
use std::hint::black_box;

struct Hostile;

impl exports::palisade::plugin::plugin::Guest for Hostile {
    fn describe() -> PluginInfo {
        PluginInfo {
            name: "hostile-normalizer".to_owned(),
            version: "0.1.0".to_owned(),
            description: "Misbehaves as its settings say".to_owned(),
            homepage: None,
            settings_schema: Some("{\"type\": \"object\"}".to_owned()),
            formats: vec![FormatInfo { name: "hostile".to_owned(), covers: vec![Coverage::Vulnerabilities] }],
            reads: Vec::new(),
            properties: Vec::new(),
        }
    }
    fn validate_settings(_: String) -> Result<(), Vec<SettingProblem>> {
        Ok(())
    }
}

impl exports::palisade::plugin::normalize::Guest for Hostile {
    fn recognize(artifact: &Artifact) -> Option<(String, Option<String>)> {
        match artifact.read(0, 64).as_slice() {
            b"loop" => endless(),
            b"not mine" => None,
            b"unlisted" => Some(("unlisted".to_owned(), None)),
            _ => Some(("hostile".to_owned(), Some("1".to_owned()))),
        }
    }

    fn normalize(artifact: &Artifact, report: &ReportBuilder, settings: String) -> Result<(), Failure> {
        let deed = settings.split('"').nth(3).unwrap_or("");
        if deed != "no-covers" {
            report.set_covers(&[Coverage::Vulnerabilities]);
        }
        match deed {
            "loop" => endless(),
            "trap" => core::arch::wasm32::unreachable(),
            "malformed" => return Err(Failure::Malformed("line 3 is torn".to_owned())),
            "many-findings" => {
                let page: Vec<_> = (0..1_000).map(|number| finding(&format!("V-{number}"))).collect();
                // Goes on after the refusal, as a careless plugin would.
                for _ in 0..60 {
                    let _ = report.add_findings(&page);
                }
            }
            "many-components" => {
                let page: Vec<_> = (0..1_000).map(|number| component(&format!("C-{number}"))).collect();
                for _ in 0..51 {
                    let _ = report.add_components(&page);
                }
            }
            "many-dependencies" => {
                let edge = Dependency { parent: "a".to_owned(), child: "b".to_owned(), scope: ComponentScope::Unknown };
                let page = vec![edge; 10_000];
                for _ in 0..21 {
                    let _ = report.add_dependencies(&page);
                }
            }
            "many-statements" => {
                let page = vec![statement(); 1_000];
                for _ in 0..21 {
                    let _ = report.add_vex(&page);
                }
            }
            "many-attestations" => {
                let attestation = Attestation {
                    predicate_type: "https://slsa.dev/provenance/v1".to_owned(),
                    subjects: Vec::new(),
                    builder: None,
                    source: None,
                };
                let _ = report.add_attestations(&vec![attestation; 1_100]);
            }
            "long-id" => {
                let page = [finding(&"x".repeat(5_000)), finding("short")];
                let _ = report.add_findings(&page);
            }
            "huge-page" => {
                let mut fat = finding("fat");
                fat.description = Some("d".repeat(1 << 20));
                let page = vec![fat; 24];
                let _ = report.add_findings(&page);
            }
            "huge-report" => {
                // 20 MiB more than all texts of a report may have, and not too many of anything.
                let mut fat = finding("fat");
                fat.description = Some("d".repeat(4_096));
                let page = vec![fat; 1_000];
                for _ in 0..38 {
                    let _ = report.add_findings(&page);
                }
            }
            over if over.starts_with("over-") => texts::over(report, &over["over-".len()..]),
            "documents" => {
                let chunk = vec![7; 1 << 20];
                for _ in 0..64 {
                    let _ = report.write_document("everything", "application/octet-stream", &chunk);
                }
            }
            "read-beyond" => {
                let beyond = artifact.read(u64::MAX, u32::MAX).len() + artifact.read(artifact.size(), 1).len();
                let most = artifact.read(0, u32::MAX).len();
                report.add_property("beyond", &beyond.to_string());
                report.add_property("most", &most.to_string());
            }
            _ => {
                let _ = report.add_findings(&[finding("V-1")]);
            }
        }
        Ok(())
    }
}

fn finding(id: &str) -> Finding {
    Finding {
        id: id.to_owned(),
        severity: None,
        severity_raw: None,
        severity_source: None,
        title: "something".to_owned(),
        description: None,
        package: None,
        locations: Vec::new(),
        detail: Detail::Other,
        how_to_fix: None,
        references: Vec::new(),
        fingerprints: Vec::new(),
        tool_status: None,
        origin: None,
        properties: Vec::new(),
    }
}

fn component(id: &str) -> Component {
    Component {
        id: id.to_owned(),
        name: "something".to_owned(),
        version: None,
        purl: None,
        component_type: None,
        supplier: None,
        licenses: Vec::new(),
        scope: ComponentScope::Unknown,
        relation: ComponentRelation::Unknown,
        locations: Vec::new(),
        hashes: Vec::new(),
        cpes: Vec::new(),
        published: None,
        deprecated: None,
        origin: None,
        properties: Vec::new(),
    }
}

fn statement() -> VexStatement {
    VexStatement {
        vulnerability: "CVE-2026-0001".to_owned(),
        aliases: Vec::new(),
        products: Vec::new(),
        status: VexStatus::Affected,
        justification: None,
        statement: None,
        action: None,
        author: None,
        timestamp: None,
        last_updated: None,
    }
}

fn endless() -> ! {
    let mut number = 0_u64;
    loop {
        number = black_box(number.wrapping_add(1));
    }
}

export!(Hostile);

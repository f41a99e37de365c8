//! What a policy answers, seen at the check: each form, what is undefined or of another shape, and the evidence that the
//! answer speaks of.

use palisade_github_fake::CheckRun;
use palisade_tests::{TestHost, evidence, opa};
use std::path::{Path, PathBuf};

/// A bundle of one policy with one entrypoint, as `opa build` makes it.
fn bundle(command: &Path, directory: &Path, entrypoint: &str, source: &str) -> PathBuf {
    std::fs::create_dir_all(directory.join("rules")).expect("a directory");
    std::fs::write(directory.join("rules/policy.rego"), source).expect("writing the policy");
    opa::run(command, directory, &["build", "-b", "rules", "-t", "wasm", "-e", entrypoint, "-o", "bundle.tar.gz"]);
    directory.join("bundle.tar.gz")
}

/// The check after CI uploaded these files.
async fn judged(bundle: &Path, reads: &str, files: &[(&str, Vec<u8>)]) -> CheckRun {
    let text = format!(
        "[plugins.ours]\nfile = \"{}\"\n\n[checks.\"Our Check\"]\npolicies = [\"ours\"]\n{reads}\n",
        bundle.display()
    );
    let palisade = TestHost::with(&text).await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let run = pull_request.start_run("ci.yml");
    for (name, bytes) in files {
        run.upload(name, &[(&format!("{name}.json"), bytes.as_slice())]);
    }
    run.complete("success");
    pull_request.check_run_completed("Our Check").await
}

/// Title, text and annotations.
fn told(check: &CheckRun) -> String {
    let annotations = check.annotations.iter().map(|annotation| format!("{annotation:?}"));
    let parts = [Some(check.to_string()), check.summary.clone(), check.text.clone()].into_iter().flatten();
    parts.chain(annotations).collect::<Vec<_>>().join("\n")
}

const LICENSES: &str = r#"package compliance

license_report := {
	"compliant": count(denied) == 0,
	"total_components": count(input.packages),
	"compliant_components": count(input.packages) - count(denied),
	"non_compliant_components": denied,
	"conditional_components": [p | some p in input.packages; p.licenseDeclared == "MPL-2.0"],
} if {
	every p in input.packages { p.licenseDeclared }
}

denied contains p if {
	some p in input.packages
	startswith(p.licenseDeclared, "GPL")
}
"#;

/// Proves R26, W15.
#[tokio::test(flavor = "multi_thread")]
async fn a_license_report_passes_fails_and_is_broken_where_it_is_undefined() {
    let Some(command) = opa::command() else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let bundle = bundle(&command, directory.path(), "compliance/license_report", LICENSES);
    let sbom = |license| vec![("sbom", evidence::spdx(&[("left-pad", license)]))];

    let passed = judged(&bundle, "", &sbom("MPL-2.0")).await;
    assert_eq!(passed.to_string(), "success: Our Check - Passed");
    assert!(told(&passed).contains("MPL-2.0 is allowed under conditions"), "{}", told(&passed));

    let failed = judged(&bundle, "", &sbom("GPL-3.0-only")).await;
    assert_eq!(failed.to_string(), "failure: Our Check - Failed");
    assert!(told(&failed).contains("the license GPL-3.0-only is not allowed"), "{}", told(&failed));
    assert!(told(&failed).contains("pkg:npm/left-pad@1.0.0"), "the component is found: {}", told(&failed));

    let both = [sbom("MIT"), vec![("sbom-of-more", evidence::spdx(&[("right-pad", "GPL-3.0-only")]))]].concat();
    assert_eq!(judged(&bundle, "", &both).await.to_string(), "failure: Our Check - Failed");

    let undefined = [("sbom", evidence::cyclonedx(&[], &[])), ("sbom-of-one", without_license())];
    let broken = judged(&bundle, "", &undefined).await;
    assert_eq!(broken.to_string(), "failure: Our Check - Policy Error");
    assert!(told(&broken).contains("`compliance/license_report` is undefined"), "{}", told(&broken));
}

/// A package that declares nothing.
fn without_license() -> Vec<u8> {
    let text = String::from_utf8(evidence::spdx(&[("left-pad", "MIT")])).expect("JSON is text");
    let lines: Vec<&str> = text.lines().filter(|line| !line.contains("licenseDeclared")).collect();
    lines.join("\n").into_bytes()
}

const CONFTEST: &str = r#"package main

deny contains {"msg": sprintf("%s in %s must go", [f.finding.id, f.finding["package"].name]), "code": "gone", "id": f.finding.id} if {
	some f in input.findings
	f.finding.severity == "critical"
}

warn contains sprintf("%s is worth a look", [f.finding.id]) if {
	some f in input.findings
	f.finding.severity == "medium"
}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_package_of_conftest_denies_warns_and_passes_with_annotations_where_the_finding_is() {
    let Some(command) = opa::command() else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let bundle = bundle(&command, directory.path(), "main", CONFTEST);
    let reads = "reads = [\"vulnerabilities\"]";
    let scan = |severity| vec![("trivy", evidence::trivy(&[("CVE-2026-0001", severity)]))];

    let failed = judged(&bundle, reads, &scan("CRITICAL")).await;
    assert_eq!(failed.to_string(), "failure: Our Check - Failed");
    assert!(told(&failed).contains("CVE-2026-0001 in left-pad must go"), "{}", told(&failed));
    let annotated = failed.annotations.iter().any(|annotation| annotation.path == "package-lock.json");
    assert!(annotated, "{}", told(&failed));

    let warned = judged(&bundle, reads, &scan("MEDIUM")).await;
    assert!(warned.to_string().starts_with("success: "), "{warned}");
    assert!(told(&warned).contains("CVE-2026-0001 is worth a look"), "{}", told(&warned));

    assert_eq!(judged(&bundle, reads, &scan("LOW")).await.to_string(), "success: Our Check - Passed");
}

const VERDICT: &str = r#"package acme

verdict := {
	"outcome": outcome,
	"title": sprintf("%d packages are denied", [count(violations)]),
	"violations": violations,
	"judged": {"packages": count(input.components)},
}

default outcome := "pass"

outcome := "fail" if count(violations) > 0

violations := [v |
	some c in input.components
	c.component.name == "left-pad"
	v := {
		"rule": "denied-package",
		"effect": effect,
		"message": sprintf("%s is denied", [c.component.name]),
		"evidence": [{"component": c.at}],
	}
]

effect := "deny"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_document_stands_as_it_is_and_a_wrong_one_is_named_by_its_pointer() {
    let Some(command) = opa::command() else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let reads = "reads = [\"components\"]";
    let sbom = |name| vec![("sbom", evidence::spdx(&[(name, "MIT")]))];

    let ours = bundle(&command, directory.path(), "acme/verdict", VERDICT);
    let failed = judged(&ours, reads, &sbom("left-pad")).await;
    assert_eq!(failed.to_string(), "failure: Our Check - Failed");
    assert!(told(&failed).contains("left-pad is denied"), "{}", told(&failed));
    assert_eq!(judged(&ours, reads, &sbom("right-pad")).await.to_string(), "success: Our Check - Passed");

    let wrong = bundle(&command, directory.path(), "acme/verdict", &VERDICT.replace("\"deny\"", "\"block\""));
    let broken = judged(&wrong, reads, &sbom("left-pad")).await;
    assert_eq!(broken.to_string(), "failure: Our Check - Policy Error");
    assert!(told(&broken).contains("/violations/0/effect"), "{}", told(&broken));
    assert_eq!(judged(&wrong, reads, &sbom("right-pad")).await.to_string(), "success: Our Check - Passed");
}

//! The conformance cases of Polly-compatible policies from end to end: a workflow uploads what a scanner would have
//! written, and the check shows what the case expects of `policies/compliance`.

use palisade_github_fake::CheckRun;
use palisade_tests::policies::{self, Answer, Case};
use palisade_tests::{TestHost, workspace};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const LICENSES: &str = "compliance/license_report";
const CHECK: &str = "Compatible Check";

/// A host with one check: an entrypoint of the policies in this repository, interpreted from their sources.
async fn host(entrypoint: &str, more: &str) -> TestHost {
    let folder = workspace().join("policies").join("compliance");
    TestHost::with(&format!(
        "[plugins.compatible]\nfile = \"{}\"\nsettings = {{ entrypoint = \"{entrypoint}\"{more} }}\n\
         [checks.\"{CHECK}\"]\npolicies = [\"compatible\"]\n",
        folder.display()
    ))
    .await
}

/// What CI uploads, so that the host gives the policy the case's list.
fn report(case: &Case) -> Vec<u8> {
    let input: Value = serde_json::from_str(&case.input).expect("an input");
    let report = match case.entrypoint.as_str() {
        LICENSES => spdx(&input["packages"]),
        _ => trivy(input["vulnerabilities"].as_array().expect("a list")),
    };
    serde_json::to_vec_pretty(&report).expect("values are serializable")
}

fn spdx(packages: &Value) -> Value {
    json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": "shop",
        "documentNamespace": "https://example.com/spdx/shop",
        "creationInfo": { "created": "2026-01-02T03:04:05Z", "creators": ["Tool: example-1.0"] },
        "packages": packages,
    })
}

fn trivy(vulnerabilities: &[Value]) -> Value {
    let mut by_file: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for entry in vulnerabilities {
        let package = &entry["package"];
        let mut found = json!({
            "VulnerabilityID": entry["id"],
            "PkgName": package["name"],
            "InstalledVersion": package["version"],
            "Severity": entry["severity"],
            "Title": entry["description"],
        });
        if let Some(fixed) = entry["fixed_version"].as_str() {
            found["FixedVersion"] = json!(fixed);
        }
        by_file.entry(entry["location"]["file"].as_str().unwrap_or("package-lock.json")).or_default().push(found);
    }
    let target = |(file, found): (&&str, &Vec<Value>)| json!({ "Target": file, "Class": "lang-pkgs", "Type": "npm", "Vulnerabilities": found });
    let results: Vec<Value> = by_file.iter().map(target).collect();
    json!({ "SchemaVersion": 2, "ArtifactName": ".", "ArtifactType": "filesystem", "Results": results })
}

async fn judged(palisade: &TestHost, report: &[u8]) -> CheckRun {
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let run = pull_request.start_run("ci.yml");
    run.upload("report", &[("report.json", report)]);
    run.complete("success");
    pull_request.check_run_completed(CHECK).await
}

/// Summary and text without Markdown's escapes.
fn told(check: &CheckRun) -> String {
    [&check.summary, &check.text].map(|text| text.clone().unwrap_or_default()).join("\n").replace('\\', "")
}

/// The cases of one number, such as `c01`.
fn case(number: &str) -> Case {
    let compliance = policies::all().into_iter().find(|policy| policy.name == "policies/compliance");
    let cases = compliance.expect("the policies are there").cases;
    cases.into_iter().find(|case| case.name.starts_with(number)).expect("the case is there")
}

/// Conclusion, counts, and everything that the case lists.
async fn hold(number: &str) {
    let case = case(number);
    let palisade = host(&case.entrypoint, "").await;
    let check = judged(&palisade, &report(&case)).await;
    let Answer::Value(expected) = &case.answer else { panic!("{number} has an answer") };
    let (told, compliant) = (told(&check), expected["compliant"] == json!(true));
    let conclusion =
        if compliant { "success: Compatible Check - Passed" } else { "failure: Compatible Check - Failed" };
    assert_eq!(check.to_string(), conclusion, "{number}\n{told}");
    let license = case.entrypoint == LICENSES;
    let (total, good, what) = match license {
        true => (&expected["total_components"], &expected["compliant_components"], "components"),
        false => (&expected["total_vulnerabilities"], &expected["compliant_count"], "vulnerabilities"),
    };
    let counts = format!("{good} of {total} {what} compliant");
    assert!(told.contains(&counts), "{number}: {counts}\n{told}");
    let listed = |member: &str| expected[member].as_array().cloned().unwrap_or_default();
    for license in listed("non_compliant_licenses") {
        assert!(told.contains(license.as_str().expect("a name")), "{number}: {license}\n{told}");
    }
    let denied = if license { listed("non_compliant_components") } else { listed("non_compliant_vulnerabilities") };
    for entry in denied.iter().chain(&listed("conditional_components")) {
        let named = entry.get("id").unwrap_or(&entry["name"]).as_str().expect("a name");
        assert!(told.contains(named), "{number}: {named}\n{told}");
    }
    // What is not compliant without a reason of its own is told once all the same.
    let blocking = if compliant { 0 } else { denied.len().max(1) };
    let row = told.lines().find(|line| line.starts_with("| `compatible` |")).expect("the table of policies");
    let cells: Vec<&str> = row.split('|').map(str::trim).collect();
    assert_eq!(cells[3], blocking.to_string(), "{number}: blocking violations\n{told}");
}

/// Proves C1, C2, C9.
#[tokio::test(flavor = "multi_thread")]
async fn packages_on_the_lists_are_allowed_and_others_are_named() {
    for number in ["c01", "c02", "c09"] {
        hold(number).await;
    }
}

/// Proves C10, C11.
#[tokio::test(flavor = "multi_thread")]
async fn no_packages_and_licenses_that_nobody_knows_are_not_compliant() {
    for number in ["c10", "c11"] {
        hold(number).await;
    }
}

/// Proves C3, C4, C5.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_scan_an_empty_one_and_an_unknown_severity_fail() {
    for number in ["c03", "c04", "c05"] {
        hold(number).await;
    }
}

/// Proves C6, C7, C8.
#[tokio::test(flavor = "multi_thread")]
async fn one_finding_in_two_files_is_listed_once_and_a_blocked_identifier_fails_whatever_its_severity() {
    for number in ["c06", "c07", "c08"] {
        hold(number).await;
    }
}

/// Proves C12, W15.
#[tokio::test(flavor = "multi_thread")]
async fn a_document_without_the_list_is_an_error_and_never_none_of_none() {
    for (entrypoint, input, from) in
        [(LICENSES, "vulnerability", "c07"), ("compliance/vulnerability_report", "sbom", "c09")]
    {
        let palisade = host(entrypoint, &format!(", input = \"{input}\"")).await;
        let check = judged(&palisade, &report(&case(from))).await;
        assert_eq!(check.to_string(), "failure: Compatible Check - Policy Error", "{}", told(&check));
        assert!(told(&check).contains("is undefined") && !told(&check).contains("0 of 0"), "{}", told(&check));
    }
}

//! Plugins from a file: three lines of configuration, and what a check shows when they break.

use palisade_github_fake::PullRequest;
use palisade_tests::{TestHost, evidence, http};
use std::path::Path;

/// A host with the hostile evaluator as a plugin of its own, told what to do.
async fn host_with(directory: &Path, act: &str, more: &str) -> TestHost {
    let file = directory.join("hostile.wasm");
    std::fs::write(&file, palisade_guests::EVALUATOR).expect("writing the plugin");
    let text = format!(
        "{more}\n[plugins.hostile]\nfile = \"{}\"\nsettings = {{ do = \"{act}\" }}\nlimits = {{ wall = \"200ms\" }}\n\n\
         [checks.\"Hostile Check\"]\npolicies = [\"hostile\"]\n\n[checks.\"License Check\"]\npolicies = [\"license\"]\n",
        file.display()
    );
    TestHost::with(&text).await
}

fn after_ci(palisade: &TestHost) -> PullRequest {
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let run = pull_request.start_run("ci.yml");
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "MIT")]))]);
    run.complete("success");
    pull_request
}

/// Proves W39, R17.
#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_breaks_is_shown_as_broken_and_the_check_beside_it_is_judged() {
    for act in ["loop", "trap", "panic", "memory", "contradiction"] {
        let directory = tempfile::tempdir().expect("a directory");
        let palisade = host_with(directory.path(), act, "").await;
        let pull_request = after_ci(&palisade);
        let broken = pull_request.check_run_completed("Hostile Check").await;
        assert_eq!(broken.to_string(), "failure: Hostile Check - Policy Error", "{act}");
        let beside = pull_request.check_run_completed("License Check").await;
        assert_eq!(beside.to_string(), "success: License Check - Passed", "{act}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_never_returns_is_named_with_its_limit() {
    let directory = tempfile::tempdir().expect("a directory");
    let palisade = host_with(directory.path(), "loop", "").await;
    let broken = after_ci(&palisade).check_run_completed("Hostile Check").await;
    let text = format!("{} {}", broken.summary.unwrap_or_default(), broken.text.unwrap_or_default());
    assert!(text.contains("hostile") && text.contains("200 ms"), "{text}");
    assert!(text.contains("limits.wall"), "the way out is named: {text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_plugin_may_end_neutral_if_the_operator_says_so() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("hostile.wasm");
    std::fs::write(&file, palisade_guests::EVALUATOR).expect("writing the plugin");
    let text = format!(
        "[plugins.hostile]\nfile = \"{}\"\nsettings = {{ do = \"trap\" }}\n[checks.\"Hostile Check\"]\n\
         policies = [\"hostile\"]\non_broken = \"neutral\"\n",
        file.display()
    );
    let palisade = TestHost::with(&text).await;
    let broken = after_ci(&palisade).check_run_completed("Hostile Check").await;
    assert_eq!(broken.to_string(), "neutral: Hostile Check - Policy Error");
}

/// Proves R20, W37.
#[tokio::test(flavor = "multi_thread")]
async fn twenty_checks_of_one_commit_cause_one_download() {
    let mut text = String::new();
    for number in 0..20 {
        text.push_str(&format!("[checks.\"License Check {number}\"]\npolicies = [\"license\"]\n"));
    }
    let palisade = TestHost::with(&text).await;
    palisade.host.reconciled().await;
    let pull_request = after_ci(&palisade);
    for number in 0..20 {
        let passed = pull_request.check_run_completed(&format!("License Check {number}")).await;
        assert_eq!(passed.conclusion.as_deref(), Some("success"), "{passed}");
    }
    palisade.settled().await;
    let journal = palisade.github.journal();
    assert_eq!(journal.count("GET /repos/*/actions/artifacts/*/zip"), 1);
    assert_eq!(journal.mints(), 2, "one token that reads and one that writes, however many callers");
    assert!(journal.credentials_at_the_blob_host().is_empty());
}

/// Proves R37.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_with_a_wrong_plugin_setting_or_check_names_it() {
    let cases = [
        ("[plugins.nope]\nfile = \"/nowhere/nope.wasm\"\n", "nope.wasm"),
        ("[plugins.trivvy]\nbind = [\"x\"]\n", "did you mean plugins.trivy?"),
        ("[checks.\"X\"]\npolicies = [\"licence\"]\n", "license"),
        ("[checks.\"X\"]\npolicies = [\"license\"]\nsettings = { license = { alowed = [] } }\n", "allowed"),
        ("[[waivers]]\nid = \"CVE-1\"\n", "reason"),
        ("[plugins.trivy]\nlimits = { wal = \"1s\" }\n", "plugins.trivy.limits"),
        ("[plugins.trivy]\ngrants = [\"htpp\"]\n", "htpp"),
    ];
    for (text, expected) in cases {
        let started = TestHost::try_with(text, Default::default()).await;
        let error = format!("{:#}", started.err().unwrap_or_else(|| panic!("{text} must not start")));
        assert!(error.contains(expected), "{text}\n{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiver_hides_a_finding_from_the_rule_and_not_from_people() {
    let waiver = "[[waivers]]\nid = \"CVE-2026-0001\"\nreason = \"not reachable\"\nowner = \"@team\"\n";
    let palisade = TestHost::with(waiver).await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let run = pull_request.start_run("ci.yml");
    run.upload("trivy", &[("trivy.json", &evidence::trivy(&[("CVE-2026-0001", "CRITICAL")]))]);
    run.complete("success");
    let passed = pull_request.check_run_completed("Vulnerability Scan Check").await;
    assert_eq!(passed.to_string(), "success: Vulnerability Check - Passed");
    let text = format!("{} {}", passed.summary.unwrap_or_default(), passed.text.unwrap_or_default());
    assert!(text.contains("CVE-2026-0001") && text.contains("not reachable"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decoy_file_does_not_pull_a_real_finding_under_a_waiver() {
    // The decoy claims that the waived CVE and the real GHSA are one problem; the real report does not say so.
    let waiver = "[[waivers]]\nid = \"CVE-2026-0009\"\nreason = \"accepted\"\n";
    let palisade = TestHost::with(waiver).await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let run = pull_request.start_run("ci.yml");
    let mut decoy: serde_json::Value =
        serde_json::from_slice(&evidence::trivy(&[("CVE-2026-0009", "LOW")])).expect("JSON");
    decoy["Results"][0]["Vulnerabilities"][0]["VendorIDs"] = serde_json::json!(["GHSA-real-real-real"]);
    let decoy = serde_json::to_vec(&decoy).expect("JSON");
    run.upload("trivy", &[("trivy.json", &evidence::trivy(&[("GHSA-real-real-real", "CRITICAL")]))]);
    run.upload("decoy", &[("decoy.json", &decoy)]);
    run.complete("success");
    let failed = pull_request.check_run_completed("Vulnerability Scan Check").await;
    assert_eq!(failed.to_string(), "failure: Vulnerability Check - Failed");
}

/// Proves R23.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_two_normalizers_claim_is_ambiguous_until_a_binding_decides() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("twin.wasm");
    let trivy = palisade_first_party::all().iter().find(|plugin| plugin.name == "trivy").expect("trivy is built in");
    std::fs::write(&file, trivy.wasm).expect("writing the plugin");
    let twin = format!("[plugins.twin]\nfile = \"{}\"\n", file.display());
    let upload = |palisade: &TestHost| {
        let pull_request = palisade.repository().open_pull_request("Add a feature");
        let run = pull_request.start_run("ci.yml");
        run.upload("trivy", &[("trivy.json", &evidence::clean_trivy())]);
        run.complete("success");
        pull_request
    };
    let palisade = TestHost::with(&twin).await;
    let ambiguous = upload(&palisade).check_run_completed("Vulnerability Scan Check").await;
    assert_eq!(ambiguous.to_string(), "failure: Vulnerability Scan Check - Artifacts Unreadable");
    let bound = TestHost::with(&format!("{twin}bind = [\"trivy/*.json\"]\n")).await;
    let passed = upload(&bound).check_run_completed("Vulnerability Scan Check").await;
    assert_eq!(passed.to_string(), "success: Vulnerability Check - Passed");
    assert_eq!(http::get(&bound.url("/live")).await.expect("an answer").status, 200);
}

//! What `palisade doctor` finds in how GitHub has the App on record.

use super::program::{Said, configured, palisade};
use palisade_github_fake::{Fake, FakeOptions, Fault, HookSettings};
use std::time::Duration;

async fn examined(github: &Fake, more: &str) -> Said {
    let directory = configured(github, github.api_url(), more);
    palisade(directory.path(), &["doctor"], &[]).await
}

const PUBLIC: &str = "[server]\npublic_url = \"https://palisade.example.com\"\n";

async fn github(options: FakeOptions) -> Fake {
    let github = Fake::start(options).await.expect("a GitHub");
    github.repository("acme/shop");
    github
}

/// Proves R31.
#[tokio::test(flavor = "multi_thread")]
async fn an_app_as_its_manifest_asks_for_it_has_nothing_wrong() {
    let github = github(FakeOptions::default()).await;
    let said = examined(&github, PUBLIC).await;
    let lines = ["GitHub: ", "clock: ", "permissions: ", "events: ", "webhook: ", "installations: ", "check names: "];
    for line in lines {
        assert!(said.line(line).starts_with("ok "), "{line}\n{said}");
    }
    assert!(said.line("GitHub: ").contains("Enterprise Server 3.19.0"), "{said}");
    assert!(said.line("required checks: ").contains("shown to nobody without *administration*"), "{said}");
    assert_eq!(said.code, 0, "{said}");
    github.assert_schemas();
}

/// Proves R31.
#[tokio::test(flavor = "multi_thread")]
async fn each_missing_and_each_needless_permission_and_event_is_named_with_its_way_out() {
    let mut options = FakeOptions::default();
    options.permissions.remove("merge_queues");
    options.permissions.insert("checks".to_owned(), "read".to_owned());
    options.permissions.insert("contents".to_owned(), "write".to_owned());
    options.permissions.insert("administration".to_owned(), "read".to_owned());
    options.permissions.insert("attestations".to_owned(), "read".to_owned());
    options.events = ["check_run", "issues", "pull_request", "push"].map(str::to_owned).to_vec();
    let said = examined(&github(options).await, PUBLIC).await;
    assert_eq!(said.code, 2, "{said}");
    for fault in [
        "permissions: checks: write is missing (writes the check runs, and hears of re-runs and buttons); grant it in",
        "permissions: merge_queues: read is missing",
        "permissions: contents: write is more than is needed; make it read in",
        "permissions: administration: read is not needed; take it away in",
        "events: merge_group is missing (checks in merge queues); subscribe to it in",
        "events: workflow_run is missing",
        "events: issues is not needed; unsubscribe from it in",
        "installations: acme: checks: write is missing",
    ] {
        assert!(said.line(fault).starts_with("problem"), "{said}");
    }
    assert!(!said.out.contains("attestations: read"), "what may be granted is no fault\n{said}");
    assert!(!said.out.contains("events: check_run"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_goes_elsewhere_or_is_unsafe_is_told() {
    let hook = HookSettings {
        url: "https://old.example.com/webhook".to_owned(),
        content_type: "form".to_owned(),
        insecure_ssl: true,
        has_secret: false,
    };
    let github = github(FakeOptions { hook, ..FakeOptions::default() }).await;
    let said = examined(&github, PUBLIC).await;
    for fault in [
        "webhook: GitHub sends to https://old.example.com/webhook, and server.public_url is https://palisade.example.com",
        "webhook: its content type is form; choose application/json",
        "webhook: it has no secret",
        "webhook: GitHub does not verify the certificate",
    ] {
        assert!(said.line(fault).starts_with("problem"), "{said}");
    }
    github.assert_schemas();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_off_a_taken_name_and_no_installation_are_told() {
    let github = github(FakeOptions::default()).await;
    github.set_date_ahead(Duration::from_secs(95));
    let repository = github.repository("acme/shop");
    let head = repository.branch_sha("main").expect("a branch");
    repository.foreign_check_run(&head, "License Check", "success");
    let said = examined(&github, PUBLIC).await;
    let clock = said.line("clock: ");
    assert!(clock.starts_with("problem") && clock.contains("s behind GitHub's; let it follow a time server"), "{said}");
    let names = said.line("check names: ");
    assert!(
        names.contains("\"License Check\" by a workflow's job in acme/shop; rename the job or the check"),
        "{said}"
    );

    github.uninstall("acme");
    let said = examined(&github, PUBLIC).await;
    assert!(said.line("installations: there are none").starts_with("problem"), "{said}");
    github.assert_schemas();
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_could_not_be_looked_up_are_not_called_free() {
    let github = github(FakeOptions::default()).await;
    for (pattern, told) in [
        ("GET /repos/*/commits/*/check-runs", "not looked at: the checks of acme/shop cannot be read"),
        ("GET /installation/repositories", "not looked at: the repositories of acme cannot be listed"),
    ] {
        github.fault(Fault::on(pattern).status(403).always());
        let said = examined(&github, PUBLIC).await;
        assert!(said.line("check names: ").starts_with("problem") && said.out.contains(told), "{said}");
        github.clear_faults();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsupported_version_of_the_api_and_another_apps_key_are_told() {
    let old = github(FakeOptions { api_versions: vec!["2021-01-01".to_owned()], ..FakeOptions::default() }).await;
    let said = examined(&old, "").await;
    assert!(said.line("GitHub: ").contains("does not take version 2022-11-28 of the API"), "{said}");

    let github = github(FakeOptions::default()).await;
    let directory = configured(&github, github.api_url(), "");
    let said = palisade(directory.path(), &["doctor"], &[("POLLY_GITHUB_APP_ID", "99")]).await;
    assert!(said.line("GitHub: ").starts_with("problem"), "{said}");
}

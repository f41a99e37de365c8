//! Trying Palisade with a personal access token: it reads what a run uploaded and judges it here, and nothing more.

use super::program::palisade;
use palisade_github_fake::{Fake, FakeOptions, Identity};
use palisade_tests::evidence;

/// Nobody's token, and not of a token's form.
const TOKEN: &str = "a personal token for tests";

/// Proves R31, W42.
#[tokio::test(flavor = "multi_thread")]
async fn a_personal_token_judges_what_a_run_uploaded_and_writes_nothing() {
    let github = Fake::start(FakeOptions::default()).await.expect("a GitHub");
    github.add_personal_token(TOKEN, "mona");
    let pull_request = github.repository("acme/shop").open_pull_request("Add a feature");
    let run = pull_request.start_run("ci.yml");
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "GPL-3.0-only")]))]);
    run.complete("success");
    let directory = tempfile::tempdir().expect("a directory");
    let text = format!("[github]\nbase_url = \"{}\"\nartifact_hosts = [\"127.0.0.1\"]\n", github.api_url());
    std::fs::write(directory.path().join("palisade.toml"), text).expect("writing the configuration");
    let named = format!("acme/shop/{}", run.id());

    let said = palisade(directory.path(), &["evaluate", "--run", &named], &[]).await;
    assert!(said.code == 2 && said.err.contains("POLLY_GITHUB_TOKEN"), "{said}");
    let variables = [("POLLY_GITHUB_TOKEN", TOKEN)];
    let said = palisade(directory.path(), &["evaluate", "--run", &named], &variables).await;
    assert!(said.code == 1 && said.out.contains("GPL-3.0-only"), "{said}");
    let journal = github.journal();
    assert_eq!((journal.writes(), journal.mints()), (0, 0), "{journal}");
    assert!(journal.entries.iter().any(|entry| entry.identity == Identity::Person), "{journal}");
    assert_eq!(journal.credentials_at_the_blob_host().len(), 0, "{journal}");

    let said = palisade(directory.path(), &["serve"], &variables).await;
    assert!(said.code == 2 && said.err.contains("GitHub lets only Apps write check runs"), "{said}");
    let said = palisade(directory.path(), &["doctor"], &variables).await;
    let told = said.line("GitHub: ");
    assert!(
        told.contains("accepts the token of mona") && told.contains("check runs and comments need an App"),
        "{said}"
    );
    assert!(!format!("{said}").contains(TOKEN), "{said}");
    github.assert_schemas();
}

/// Proves W42.
#[tokio::test(flavor = "multi_thread")]
async fn an_app_needs_no_token_to_judge_a_run_and_says_that_one_is_not_used() {
    let github = Fake::start(FakeOptions::default()).await.expect("a GitHub");
    let pull_request = github.repository("acme/shop").open_pull_request("Add a feature");
    let run = pull_request.start_run("ci.yml");
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "MIT")]))]);
    run.complete("success");
    let directory = super::configured(&github, github.api_url(), "");
    let page = format!("{}/acme/shop/actions/runs/{}", github.site(), run.id());
    let said = palisade(directory.path(), &["evaluate", "--run", &page], &[("POLLY_GITHUB_TOKEN", TOKEN)]).await;
    assert_eq!(said.code, 0, "{said}");
    assert!(said.err.contains("github.token is not used"), "{said}");
    assert!(!github.journal().entries.iter().any(|entry| entry.identity == Identity::Person), "{}", github.journal());
}

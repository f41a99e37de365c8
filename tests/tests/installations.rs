//! What the App may see changes: an installation is suspended, removed and made again, repositories are taken from it and
//! given back. What may not be seen is neither asked for nor remembered.

use palisade_github_fake::{PullRequest, Run};
use palisade_tests::{TestHost, evidence};

const LICENSES: &str = "License Check";
const PASSED: &str = "success: License Check - Passed";
const FAILED: &str = "failure: License Check - Failed";

fn ci(pull_request: &PullRequest, license: &str) -> Run {
    let run = pull_request.start_run("ci.yml");
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", license)]))]);
    run.complete("success");
    run
}

/// A pull request that was judged, with nothing left to do.
async fn judged(palisade: &TestHost) -> PullRequest {
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    ci(&pull_request, "MIT");
    pull_request.check_run_shows(LICENSES, PASSED).await;
    palisade.settled().await;
    pull_request
}

/// Sends what waits, the last event first.
fn resume_backwards(palisade: &TestHost) {
    let backwards: Vec<usize> = (0..palisade.github.pending_deliveries().len()).rev().collect();
    palisade.github.reorder_pending_deliveries(&backwards);
    palisade.github.resume_deliveries();
}

/// Proves R8.
#[tokio::test(flavor = "multi_thread")]
async fn a_repository_that_is_taken_from_the_app_is_left_alone_until_it_is_given_back() {
    let palisade = TestHost::start().await;
    let pull_request = judged(&palisade).await;
    let other = palisade.github.repository("acme/other").open_pull_request("Elsewhere");
    palisade.settled().await;
    // The run's events are on their way while the repository is taken away.
    palisade.github.pause_deliveries();
    ci(&pull_request, "GPL-3.0-only");
    palisade.github.remove_repository("acme/shop");
    palisade.github.clear_journal();
    resume_backwards(&palisade);
    palisade.settled().await;
    palisade.host.sweep_now().await.expect("sweeping");
    palisade.settled().await;
    assert_eq!(palisade.github.journal().count("* /repos/acme/shop*"), 0, "nobody asks for what it may not see");
    ci(&other, "MIT");
    other.check_run_shows(LICENSES, PASSED).await;

    palisade.github.add_repository("acme/shop");
    palisade.settled().await;
    ci(&pull_request, "GPL-3.0-only");
    pull_request.check_run_shows(LICENSES, FAILED).await;
    palisade.settled().await;
    assert_eq!(pull_request.check_runs().len(), 2, "the runs of before are found again");
}

/// Proves R8.
#[tokio::test(flavor = "multi_thread")]
async fn a_removed_app_asks_nothing_and_one_that_is_installed_again_works_as_ever() {
    let palisade = TestHost::start().await;
    let pull_request = judged(&palisade).await;
    palisade.github.pause_deliveries();
    ci(&pull_request, "GPL-3.0-only");
    palisade.github.uninstall("acme");
    palisade.github.clear_journal();
    resume_backwards(&palisade);
    palisade.settled().await;
    palisade.host.sweep_now().await.expect("sweeping");
    palisade.settled().await;
    let journal = palisade.github.journal();
    assert!(journal.entries.is_empty(), "{journal}");
    assert_eq!(pull_request.check_run(LICENSES).expect("opened").to_string(), PASSED);

    palisade.github.install_again("acme");
    palisade.settled().await;
    ci(&pull_request, "GPL-3.0-only");
    pull_request.check_run_shows(LICENSES, FAILED).await;
    palisade.settled().await;
    assert_eq!(pull_request.check_runs().len(), 2, "the runs of before are found again");
}

/// Proves R8.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_words_about_an_installation_the_later_one_counts() {
    let palisade = TestHost::start().await;
    let pull_request = judged(&palisade).await;
    palisade.github.pause_deliveries();
    palisade.github.suspend("acme");
    palisade.github.unsuspend("acme");
    resume_backwards(&palisade);
    palisade.settled().await;
    ci(&pull_request, "GPL-3.0-only");
    pull_request.check_run_shows(LICENSES, FAILED).await;
    palisade.settled().await;
}

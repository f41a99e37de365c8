//! A newer head, wherever the work on the older one is: that work stops, its checks end, and nothing of it is written
//! afterwards.

use palisade_github_fake::{CheckRun, Entry, Fault, Gate, PullRequest, Run};
use palisade_tests::{TestHost, evidence};

const PASSED: &str = "success: License Check - Passed";

/// A pull request whose checks are open while CI runs and has uploaded something.
async fn in_progress(palisade: &TestHost) -> (PullRequest, Run) {
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let run = pull_request.start_run("ci.yml");
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "MIT")]))]);
    palisade.settled().await;
    (pull_request, run)
}

fn on(palisade: &TestHost, sha: &str) -> Vec<CheckRun> {
    palisade.github.check_runs().into_iter().filter(|run| run.head_sha == sha).collect()
}

/// Whether a request would change one of these runs, or make another on their commit.
fn writes_to(entry: &Entry, sha: &str, runs: &[CheckRun]) -> bool {
    let of_a_run = runs.iter().any(|run| entry.path.ends_with(&format!("/check-runs/{}", run.id)));
    entry.method != "GET" && (of_a_run || entry.body["head_sha"] == sha)
}

/// Proves R7, W32.
#[tokio::test(flavor = "multi_thread")]
async fn a_newer_head_stops_the_work_on_the_older_one_wherever_it_is() {
    for held in
        ["GET /repos/*/actions/runs/*/artifacts", "GET /repos/*/pulls/*/files", "GET /repos/*/contents/.palisade.yml"]
    {
        let palisade = TestHost::start().await;
        let (pull_request, run) = in_progress(&palisade).await;
        let older = pull_request.head_sha();
        let gate = Gate::closed();
        palisade.github.fault(Fault::on(held).delay(&gate));
        run.complete("success");
        gate.reached().await;
        pull_request.push();
        let sha = older.clone();
        palisade
            .github
            .wait_until("the older head's checks to end while its call is held", move |state| {
                let mut runs = state.check_runs().iter().filter(|run| run.head_sha == sha);
                runs.all(|run| run.conclusion.as_deref() == Some("cancelled")).then_some(())
            })
            .await;
        let before = palisade.github.journal().entries.len();
        gate.open();
        palisade.settled().await;
        let runs = on(&palisade, &older);
        assert_eq!(runs.iter().map(|run| run.completions).collect::<Vec<_>>(), [1, 1], "{held}");
        let journal = palisade.github.journal();
        let late: Vec<_> = journal.entries[before..].iter().filter(|entry| writes_to(entry, &older, &runs)).collect();
        assert!(late.is_empty(), "{held}: {late:?}");
        judged_anew(&palisade, &pull_request).await;
    }
}

async fn judged_anew(palisade: &TestHost, pull_request: &PullRequest) {
    let run = pull_request.start_run("ci.yml");
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "MIT")]))]);
    run.complete("success");
    pull_request.check_run_shows("License Check", PASSED).await;
    palisade.settled().await;
}

/// Proves R7, R11.
#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_is_on_its_way_when_the_head_moves_never_shows_on_the_newer_one() {
    let palisade = TestHost::start().await;
    let (pull_request, run) = in_progress(&palisade).await;
    let older = pull_request.head_sha();
    let gate = Gate::closed();
    palisade.github.fault(Fault::on("PATCH /repos/*/check-runs/*").delay(&gate));
    run.complete("success");
    gate.reached().await;
    pull_request.push();
    let sha = older.clone();
    palisade
        .github
        .wait_until("the older head's checks to end while a result is held", move |state| {
            let mut runs = state.check_runs().iter().filter(|run| run.head_sha == sha);
            runs.all(|run| run.status == "completed").then_some(())
        })
        .await;
    gate.open();
    palisade.settled().await;
    let newer = on(&palisade, &pull_request.head_sha());
    assert!(newer.len() == 2 && newer.iter().all(|run| run.status == "in_progress"), "{newer:?}");
    let ended = on(&palisade, &older);
    assert!(ended.iter().all(|run| run.completions == 1), "{ended:?}");
    let comments: Vec<_> = pull_request.comments().into_iter().filter(|comment| comment.by_app).collect();
    assert!(comments.is_empty(), "{comments:?}");
}

/// Proves R7, W11.
#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_one_check_while_the_head_moves_leaves_no_other_open() {
    let palisade = TestHost::start().await;
    let (pull_request, run) = in_progress(&palisade).await;
    let older = pull_request.head_sha();
    let gate = Gate::closed();
    palisade.github.fault(Fault::on("GET /repos/*/actions/runs/*/artifacts").delay(&gate));
    run.complete("success");
    gate.reached().await;
    pull_request.rerequest("License Check");
    palisade.github.deliveries_settled().await;
    pull_request.push();
    palisade.settled().await;
    gate.open();
    let mut shown: Vec<String> = on(&palisade, &older).iter().map(ToString::to_string).collect();
    shown.sort();
    assert_eq!(shown, ["cancelled: Vulnerability Scan Check - Not Evaluated", PASSED]);
}

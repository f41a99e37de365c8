//! Deliveries that did not arrive come again: once each, a few times at most, by one instance, within bounds.

use palisade::model::Secret;
use palisade_github_fake::{Fault, Gate};
use palisade_tests::{TestHost, config, evidence};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const LICENSES: &str = "License Check";
const ASKED: &str = "POST /app/hook/deliveries/*/attempts";
const LOG: &str = "GET /app/hook/deliveries";
/// Longer than the sweep's turn lasts unless it is kept.
const TURN: Duration = Duration::from_secs(200);
/// More than a test makes.
const ALL: usize = 1_000_000;

fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

async fn redeliver(palisade: &TestHost) {
    palisade.host.redeliver_now().await.expect("GitHub is well");
    palisade.settled().await;
}

fn asked(palisade: &TestHost) -> usize {
    palisade.github.journal().count(ASKED)
}

/// How often each event was sent.
fn attempts(palisade: &TestHost) -> BTreeMap<String, usize> {
    let mut by_guid = BTreeMap::new();
    for delivery in palisade.github.deliveries() {
        *by_guid.entry(delivery.guid).or_default() += 1;
    }
    by_guid
}

/// Proves R4, W35.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_is_delivered_again_once_and_judged() {
    let palisade = TestHost::start().await;
    palisade.github.lose_next_deliveries(ALL);
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let run = pull_request.start_run("ci.yml");
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "MIT")]))]);
    run.complete("success");
    palisade.settled().await;
    assert!(pull_request.check_runs().is_empty(), "nobody heard of it");
    palisade.github.lose_no_more_deliveries();
    redeliver(&palisade).await;
    assert_eq!(pull_request.check_run(LICENSES).expect("opened").to_string(), "success: License Check - Passed");
    let so_far = asked(&palisade);
    assert!(so_far >= 3, "the pull request, and its run's beginning and end: {so_far}");
    redeliver(&palisade).await;
    palisade.advance(minutes(70));
    redeliver(&palisade).await;
    assert_eq!(asked(&palisade), so_far, "what has arrived is not asked for again");
    let metrics = palisade_tests::http::get(&palisade.url("/metrics")).await.expect("an answer").body;
    let counted = |result: &str| format!("palisade_redelivered_total{{result=\"{result}\"}} {so_far}");
    assert!(metrics.contains(&counted("asked")) && metrics.contains(&counted("arrived")), "{metrics}");
}

/// Proves R4.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_each_time_is_asked_for_three_times_with_growing_pauses_and_then_no_more() {
    let palisade = TestHost::start().await;
    let mut other = config(&palisade.github, "").expect("the configuration is right");
    other.github.webhook_secrets = vec![Secret::new("a secret that GitHub does not know").into()];
    let refusing = palisade::app::serve(other).await.expect("the host starts");
    refusing.reconciled().await;
    palisade.github.deliver_to(&format!("http://{}/webhook", refusing.address));
    palisade.repository().open_pull_request("Add a feature");
    palisade.settled().await;
    assert!(palisade.github.deliveries().iter().all(|delivery| delivery.status_code == 401));
    let opened = palisade.github.deliveries().into_iter().find(|delivery| delivery.event == "pull_request");
    let guid = opened.expect("it was announced").guid;
    let mut sent = vec![attempts(&palisade)[&guid]];
    for pause in [0, 2, 10, 10, 60, 60, 600] {
        palisade.advance(minutes(pause));
        redeliver(&palisade).await;
        sent.push(attempts(&palisade)[&guid]);
    }
    assert_eq!(sent, [1, 2, 2, 3, 3, 4, 4, 4], "at once, ten minutes later, an hour later");
    palisade.github.deliver_to(&palisade.url("/webhook"));
    palisade.advance(minutes(600));
    redeliver(&palisade).await;
    assert_eq!(attempts(&palisade)[&guid], 4, "given up");
}

/// Proves R4.
#[tokio::test(flavor = "multi_thread")]
async fn what_we_took_but_answered_too_late_is_not_asked_for_again() {
    let palisade = TestHost::start().await;
    palisade.github.time_out_next_deliveries(ALL);
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    pull_request.check_run_opened(LICENSES).await;
    palisade.settled().await;
    assert!(palisade.github.deliveries().iter().any(|delivery| delivery.event == "pull_request"));
    assert!(palisade.github.deliveries().iter().all(|delivery| delivery.status_code == 0));
    let acted_on: BTreeSet<String> = asked_guids(&palisade, |event| event == "pull_request");
    redeliver(&palisade).await;
    let again = palisade.github.deliveries().into_iter().filter(|delivery| delivery.redelivery);
    let again: Vec<String> = again.map(|delivery| delivery.guid).filter(|guid| acted_on.contains(guid)).collect();
    assert!(again.is_empty(), "{again:?}");
}

fn asked_guids(palisade: &TestHost, is: impl Fn(&str) -> bool) -> BTreeSet<String> {
    palisade.github.deliveries().into_iter().filter(|one| is(&one.event)).map(|one| one.guid).collect()
}

/// Proves R4, W35.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_long_outage_the_oldest_come_first_some_at_a_time_and_the_log_is_read_on_where_it_was() {
    let palisade = TestHost::start().await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    palisade.settled().await;
    palisade.github.lose_next_deliveries(ALL);
    (0..230).for_each(|title| pull_request.edit_title(&format!("Title {title}")));
    palisade.settled().await;
    palisade.github.lose_no_more_deliveries();
    // Echoes of our own check runs may be lost as well, and need not come again.
    let deliveries = palisade.github.deliveries();
    let lost = deliveries.iter().filter(|one| one.status_code == 0 && one.event == "pull_request");
    let in_order: Vec<u64> = lost.map(|one| one.id).collect();
    let mut asked_so_far = Vec::new();
    for expected in [100, 200, 230, 230] {
        palisade.advance(minutes(2));
        palisade.github.clear_journal();
        redeliver(&palisade).await;
        let journal = palisade.github.journal();
        assert!(journal.count(LOG) >= 3, "page by page: {journal}");
        let asked = journal.matching(ASKED).into_iter().filter_map(|entry| entry.path.split('/').nth(4)?.parse().ok());
        asked_so_far.extend(asked.collect::<Vec<u64>>());
        assert_eq!(asked_so_far.len(), expected);
    }
    assert_eq!(asked_so_far, in_order, "the oldest first, each once");
    palisade.advance(minutes(30));
    redeliver(&palisade).await;
    palisade.github.clear_journal();
    palisade.advance(minutes(30));
    redeliver(&palisade).await;
    assert_eq!(palisade.github.journal().count(LOG), 1, "what was read is not read again");
}

/// Proves R12, W35.
#[tokio::test(flavor = "multi_thread")]
async fn what_github_believes_delivered_and_a_crash_lost_is_read_from_the_log() {
    let palisade = TestHost::start().await;
    let repository = palisade.repository();
    let pull_request = repository.open_pull_request("Add a feature");
    palisade.settled().await;
    let gate = Gate::closed();
    palisade.github.fault(Fault::on("POST /repos/*/check-runs").delay(&gate));
    let head = repository.request_merge_group(&pull_request);
    palisade.github.deliveries_settled().await;
    gate.reached().await;
    // No open pull request has this head: only the log knows of it.
    let palisade = palisade.restarted("").await;
    palisade.settled().await;
    let opened = palisade.github.check_runs().into_iter().filter(|run| run.head_sha == head).count();
    assert_eq!(opened, 2);
    assert_eq!(asked(&palisade), 0, "GitHub is not asked to deliver what it believes delivered");
    gate.open();
}

/// Proves R12, W35.
#[tokio::test(flavor = "multi_thread")]
async fn what_came_while_no_host_was_there_is_asked_for_at_start() {
    let mut palisade = TestHost::start().await;
    let repository = palisade.repository();
    let pull_request = repository.open_pull_request("Add a feature");
    palisade.settled().await;
    palisade.host.end_at_once();
    palisade.github.lose_next_deliveries(ALL);
    let head = repository.request_merge_group(&pull_request);
    palisade.github.deliveries_settled().await;
    palisade.github.lose_no_more_deliveries();
    let palisade = palisade.restarted("").await;
    palisade.settled().await;
    let opened = palisade.github.check_runs().into_iter().filter(|run| run.head_sha == head).count();
    assert_eq!(opened, 2);
    assert!(asked(&palisade) > 0);
}

/// Proves R4.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_hosts_that_share_their_state_one_sweeps_at_a_time() {
    let palisade = TestHost::start().await;
    let second = palisade.another("", Some(palisade.host.shared())).await;
    second.reconciled().await;
    palisade.github.lose_next_deliveries(ALL);
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    palisade.settled().await;
    palisade.github.lose_no_more_deliveries();
    palisade.github.clear_journal();
    let gate = Gate::closed();
    palisade.github.fault(Fault::on(LOG).delay(&gate));
    let meanwhile = async {
        gate.reached().await;
        second.redeliver_now().await.expect("it is not its turn");
        assert_eq!(palisade.github.journal().count(LOG), 0, "the other one reads the log");
        gate.open();
    };
    let (swept, ()) = tokio::join!(palisade.host.redeliver_now(), meanwhile);
    swept.expect("GitHub is well");
    palisade.settled().await;
    assert_eq!(palisade.github.journal().count(LOG), 1);
    assert_eq!(pull_request.check_runs().len(), 2);
    let so_far = asked(&palisade);
    second.redeliver_now().await.expect("GitHub is well");
    palisade.settled().await;
    assert!(so_far > 0 && asked(&palisade) == so_far, "what one has asked for the other does not");
}

/// Proves R4.
#[tokio::test(flavor = "multi_thread")]
async fn who_was_away_so_long_that_another_has_swept_asks_for_nothing_any_more() {
    let palisade = TestHost::start().await;
    let second = palisade.another("", Some(palisade.host.shared())).await;
    second.reconciled().await;
    palisade.github.lose_next_deliveries(ALL);
    palisade.repository().open_pull_request("Add a feature");
    palisade.settled().await;
    let missed = palisade.github.deliveries().iter().filter(|one| one.event == "pull_request").count();
    let gate = Gate::closed();
    palisade.github.fault(Fault::on(LOG).delay(&gate));
    let meanwhile = async {
        gate.reached().await;
        palisade.advance(TURN);
        second.redeliver_now().await.expect("the turn ran out");
        palisade.github.deliveries_settled().await;
        gate.open();
    };
    // Still lost, so that the ledger does not know of them.
    let (swept, ()) = tokio::join!(palisade.host.redeliver_now(), meanwhile);
    swept.expect("GitHub is well");
    palisade.github.deliveries_settled().await;
    let pulls = palisade.github.deliveries().iter().filter(|one| one.event == "pull_request").count();
    assert_eq!(pulls, 2 * missed, "each was asked for once");
}

/// Proves R12, W35.
#[tokio::test(flavor = "multi_thread")]
async fn one_delivery_that_cannot_be_read_again_holds_up_no_others() {
    let mut palisade = TestHost::start().await;
    let repository = palisade.repository();
    let pull_request = repository.open_pull_request("Add a feature");
    palisade.settled().await;
    palisade.host.end_at_once();
    palisade.github.lose_next_deliveries(ALL);
    let head = repository.request_merge_group(&pull_request);
    palisade.github.deliveries_settled().await;
    palisade.github.lose_no_more_deliveries();
    let details = "GET /app/hook/deliveries/*";
    palisade.github.fault(Fault::on(details).status(404).always());
    let palisade = palisade.restarted("").await;
    palisade.settled().await;
    assert!(palisade.github.journal().count(details) > 0, "what had arrived is asked for");
    let opened = palisade.github.check_runs().into_iter().filter(|run| run.head_sha == head).count();
    assert_eq!(opened, 2, "what had not arrived is delivered again all the same");
}

/// Proves R4.
#[tokio::test(flavor = "multi_thread")]
async fn what_github_refuses_for_the_apps_credentials_is_asked_for_once_they_are_right() {
    let palisade = TestHost::start().await;
    palisade.github.lose_next_deliveries(ALL);
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    palisade.settled().await;
    palisade.github.lose_no_more_deliveries();
    palisade.github.fault(Fault::on(ASKED).status(401).always());
    let error = palisade.host.redeliver_now().await.expect_err("GitHub does not believe us");
    assert!(error.to_string().contains("does not accept the App's credentials"), "{error:#}");
    assert!(pull_request.check_runs().is_empty());
    palisade.github.clear_faults();
    redeliver(&palisade).await;
    assert_eq!(pull_request.check_runs().len(), 2, "nothing was given up");
}

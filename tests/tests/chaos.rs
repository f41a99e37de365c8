//! Everything goes wrong at once: calls fail before and after their effect, connections break, answers take their time,
//! deliveries come late, twice, in any order or not at all, and the host dies. The end is that of an undisturbed run.
//! By seed: 100 unless `cargo xtask test --seeds N` says otherwise.

use crate::interleavings::Random;
use palisade_github_fake::{FakeOptions, Fault, PullRequest};
use palisade_tests::logs::Logs;
use palisade_tests::{TestHost, evidence, seeds_or};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::task::JoinSet;

/// What CI affords: about a second each.
const SEEDS: u64 = 100;
/// Hosts at once: most of a seed is waiting.
const AT_ONCE: usize = 4;
/// One call in so many fails, for each class of trouble.
const ONE_IN: u64 = 9;
/// Tokens live long, so few are made.
const ONE_MINT_IN: u64 = 3;
/// An outage is looked at again a few times, then GitHub is well.
const LOOKS: usize = 6;
/// Kinds of trouble that calls meet.
const CLASSES: usize = 7;

const PATIENCE: &str = "[queue]\nretry_base = \"5ms\"\n[github]\nretry_base = \"1ms\"\n";

#[derive(Debug, Default)]
struct Disturbed {
    faults: BTreeMap<&'static str, usize>,
    kills: usize,
    lost: usize,
    repeated: usize,
    reordered: usize,
}

/// Proves R40, W11, W12.
#[test]
fn whatever_goes_wrong_every_check_ends_once_as_it_would_have_anyway() {
    let logs = Logs::searching(&[&FakeOptions::default().webhook_secret]);
    let runtime = logs.runtime();
    let all = tracing::dispatcher::with_default(&logs.dispatch(), || runtime.block_on(all_seeds()));
    assert_eq!(all.faults.len(), CLASSES, "a class of faults never struck: {all:?}");
    assert!([all.kills, all.lost, all.repeated, all.reordered].iter().all(|count| *count > 0), "{all:?}");
    println!("{} log lines were searched for credentials", logs.lines());
    assert!(logs.lines() > 0 && logs.leaks().is_empty(), "{:?}", logs.leaks());
}

async fn all_seeds() -> Disturbed {
    let seeds = seeds_or(SEEDS);
    let mut all = Disturbed::default();
    let mut running = JoinSet::new();
    for seed in 0..seeds {
        while running.len() >= AT_ONCE {
            add(&mut all, running.join_next().await.expect("there is one").expect("a seed ends as it should"));
        }
        running.spawn(one(seed));
    }
    while let Some(done) = running.join_next().await {
        add(&mut all, done.expect("a seed ends as it should"));
    }
    println!("{seeds} seeds: {all:#?}");
    all
}

fn add(all: &mut Disturbed, one: Disturbed) {
    for (class, count) in one.faults {
        *all.faults.entry(class).or_default() += count;
    }
    all.kills += one.kills;
    all.lost += one.lost;
    all.repeated += one.repeated;
    all.reordered += one.reordered;
}

async fn one(seed: u64) -> Disturbed {
    let mut random = Random(seed);
    let mut disturbed = Disturbed::default();
    let mut palisade = TestHost::with(PATIENCE).await;
    let (pull_request, older) = events(&palisade);
    disturb_deliveries(&palisade, &mut random, &mut disturbed);
    for ((fault, one_in), salt) in faults().into_iter().zip(1..) {
        palisade.github.fault(fault.randomly(one_in, seed * 31 + salt));
    }
    palisade.github.resume_deliveries();
    for _ in 0..random.below(3) {
        let so_far = palisade.github.journal().entries.len() + 1 + random.below(20);
        let reached = palisade
            .github
            .wait_until("some more requests", move |state| (state.journal().entries.len() >= so_far).then_some(()));
        tokio::select! {
            () = reached => {}
            () = palisade.settled() => {}
        }
        palisade.host.end_at_once();
        disturbed.kills += 1;
        palisade = palisade.restarted_in_trouble(PATIENCE).await;
    }
    palisade.settled().await;
    disturbed.faults = palisade.github.faults_struck();
    palisade.github.clear_faults();
    for _ in 0..LOOKS {
        palisade.host.reconcile_now().await.expect("GitHub is well again");
        palisade.settled().await;
    }
    // A comment that could not be written is tried again by the clock.
    pull_request.comment_by_app().await;
    palisade.settled().await;
    hold(seed, &palisade, &pull_request, &older);
    disturbed
}

/// A pull request whose first head was judged good, or would be, and whose second head is not.
fn events(palisade: &TestHost) -> (PullRequest, String) {
    palisade.github.pause_deliveries();
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let older = pull_request.head_sha();
    let run = pull_request.start_run("ci.yml");
    run.in_progress();
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "MIT")]))]);
    run.complete("success");
    pull_request.push();
    let build = pull_request.start_run("build.yml");
    let scan = pull_request.start_run("scan.yml");
    scan.in_progress();
    build.in_progress();
    build.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "MIT")]))]);
    scan.upload("trivy", &[("trivy.json", &evidence::trivy(&[("CVE-2026-0001", "CRITICAL")]))]);
    build.complete("success");
    scan.complete("success");
    (pull_request, older)
}

fn disturb_deliveries(palisade: &TestHost, random: &mut Random, disturbed: &mut Disturbed) {
    let count = palisade.github.pending_deliveries().len();
    if random.below(2) == 0 {
        palisade.github.reorder_pending_deliveries(&random.shuffled(count));
        disturbed.reordered += 1;
    }
    let repeated = random.below(4);
    palisade.github.repeat_pending_deliveries(repeated);
    disturbed.repeated += repeated;
    let lost = random.below(4);
    palisade.github.lose_next_deliveries(lost);
    disturbed.lost += lost;
}

/// Kinds that share a name are counted together, so each has its own.
fn faults() -> [(Fault, u64); CLASSES] {
    let any = || Fault::on("* /repos/*");
    let mint = || Fault::on("POST /app/installations/*/access_tokens");
    [
        (mint().status(502).named("token refused"), ONE_MINT_IN),
        (mint().drop_after().named("token made and lost"), ONE_MINT_IN),
        (any().status(502), ONE_IN),
        (any().status_after(502), ONE_IN),
        (any().drop_before(), ONE_IN),
        (any().drop_after(), ONE_IN),
        (any().slow(Duration::from_millis(30)), ONE_IN),
    ]
}

fn hold(seed: u64, palisade: &TestHost, pull_request: &PullRequest, older: &str) {
    let told = palisade.github.journal().breakdown();
    let mut shown: Vec<String> = pull_request.check_runs().iter().map(ToString::to_string).collect();
    shown.sort();
    let expected = ["failure: Vulnerability Check - Failed", "success: License Check - Passed"];
    assert_eq!(shown, expected, "seed {seed}: {told:#?}");
    let comments = pull_request.comments().into_iter().filter(|comment| comment.by_app).count();
    assert_eq!(comments, 1, "seed {seed}: {told:#?}");
    let older: Vec<_> = palisade.github.check_runs().into_iter().filter(|run| run.head_sha == older).collect();
    assert!(older.iter().all(|run| run.status == "completed"), "seed {seed}: {older:?}");
    let journal = palisade.github.journal();
    assert!(journal.credentials_at_the_blob_host().is_empty(), "seed {seed}");
    assert!(journal.leaked_credentials().is_empty(), "seed {seed}: {:?}", journal.leaked_credentials());
}

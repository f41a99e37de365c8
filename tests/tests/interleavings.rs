//! Events come late, twice and in any order; the end is the same. Random, by seed: `cargo xtask test --seeds N`.

mod story;

use palisade_tests::{TestHost, evidence, seeds};
use std::collections::BTreeSet;
use story::Story;
use tokio::task::JoinSet;

/// Hosts at once: most of a seed is waiting.
const AT_ONCE: usize = 4;

/// A small generator of our own (Knuth's MMIX constants): the same seed gives the same order on every machine.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % bound
    }

    pub fn shuffled(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            order.swap(last, self.below(last + 1));
        }
        order
    }
}

/// Proves W12, W31, R11.
#[tokio::test(flavor = "multi_thread")]
async fn any_order_and_repetition_of_the_events_ends_in_the_same_checks() {
    let palisade = TestHost::start().await;
    for seed in 0..seeds() {
        let mut random = Random(seed);
        palisade.github.pause_deliveries();
        let repository = palisade.github.repository(&format!("acme/shop-{seed}"));
        let pull_request = repository.open_pull_request("Add a feature");
        let scan = pull_request.start_run("scan.yml");
        let build = pull_request.start_run("build.yml");
        scan.in_progress();
        build.in_progress();
        build.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "MIT")]))]);
        scan.upload("trivy", &[("trivy.json", &evidence::trivy(&[("CVE-2026-0001", "CRITICAL")]))]);
        build.complete("success");
        scan.complete("success");
        let order = random.shuffled(palisade.github.pending_deliveries().len());
        palisade.github.reorder_pending_deliveries(&order);
        palisade.github.duplicate_next_deliveries(random.below(order.len()));
        palisade.github.resume_deliveries();
        palisade.settled().await;

        let mut shown: Vec<String> = pull_request.check_runs().iter().map(ToString::to_string).collect();
        shown.sort();
        assert_eq!(
            shown,
            ["failure: Vulnerability Check - Failed", "success: License Check - Passed"],
            "seed {seed}, order {order:?}"
        );
    }
}

/// Suites, re-runs, buttons, drafts, base edits, closing and reopening, pushes and merge groups, mixed by seed: told in
/// order, and told out of order, twice, late and in part, with a look at what was lost, they end the same.
///
/// Proves R8, R29, W12.
#[tokio::test(flavor = "multi_thread")]
async fn a_life_told_in_any_order_twice_late_or_in_part_ends_as_it_does_in_order() {
    let mut running = JoinSet::new();
    let mut ends = BTreeSet::new();
    for seed in 0..seeds() {
        while running.len() >= AT_ONCE {
            ends.insert(running.join_next().await.expect("there is one").expect("a seed ends as it should"));
        }
        running.spawn(told_twice(seed));
    }
    while let Some(done) = running.join_next().await {
        ends.insert(done.expect("a seed ends as it should"));
    }
    assert!(seeds() < 10 || ends.len() > 2, "every life ends the same: {ends:?}");
}

/// One life in a repository where everything is told in order, and in another where it is not. Answers its end.
async fn told_twice(seed: u64) -> String {
    let palisade = TestHost::start().await;
    let begin = |repository: &str| Story::begin(&palisade, repository, &mut Random(seed));
    let (mut first, mut second) = (begin("acme/in-order"), begin("acme/in-disorder"));
    palisade.settled().await;
    palisade.github.pause_deliveries();
    first.live(&mut Random(seed));
    palisade.github.resume_deliveries();
    palisade.settled().await;
    let in_order = first.ended(&palisade);

    palisade.github.pause_deliveries();
    second.live(&mut Random(seed));
    let told = disturb(&palisade, &mut Random(seed ^ 0x5EED)).await;
    palisade.github.resume_deliveries();
    palisade.settled().await;
    palisade.host.reconcile_now().await.expect("GitHub is well");
    palisade.settled().await;
    let in_disorder = second.ended(&palisade);
    assert_eq!(
        (&in_disorder.head, &in_disorder.groups, in_disorder.left_open.len()),
        (&in_order.head, &in_order.groups, 0),
        "seed {seed}, {told}\n{}",
        palisade.github.journal()
    );
    let comments = in_order.comments.max(in_disorder.comments);
    let told = palisade.github.journal();
    assert!(in_order.left_open.is_empty() && comments <= 1, "seed {seed}: {in_order:?}, {in_disorder:?}\n{told}");
    format!("{:?} {:?}", in_order.head, in_order.groups)
}

/// Mixes what waits; some of it comes later than the rest, some twice, and some is lost.
async fn disturb(palisade: &TestHost, random: &mut Random) -> String {
    let count = palisade.github.pending_deliveries().len();
    let order = random.shuffled(count);
    palisade.github.reorder_pending_deliveries(&order);
    let (late, repeated, lost) = (random.below(count), random.below(4), random.below(4));
    palisade.github.repeat_pending_deliveries(repeated);
    let mut first = palisade.github.take_pending_deliveries();
    let rest = first.split_off(count - late);
    palisade.github.queue_deliveries(first);
    palisade.github.lose_next_deliveries(lost);
    palisade.github.resume_deliveries();
    palisade.settled().await;
    palisade.github.queue_deliveries(rest);
    format!("order {order:?}, {late} late, {repeated} twice, {lost} lost")
}

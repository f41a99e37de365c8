//! Events come late, twice and in any order; the end is the same. Random, by seed: `cargo xtask test --seeds N`.

use palisade_tests::{TestHost, evidence, seeds};

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

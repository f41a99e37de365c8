//! GitHub is down for ten minutes and the deliveries of that time are lost; the host is started again in the middle of it, or
//! another one goes on with its state. What is there ten minutes later is what an undisturbed run gives.

use palisade_github_fake::{CheckRun, Entry, Fault, PullRequest, Run};
use palisade_tests::{TestHost, evidence};
use std::collections::BTreeMap;
use std::time::Duration;

const PATIENCE: &str = "[queue]\nretry_base = \"1ms\"\n[github]\nretry_base = \"1ms\"\n";
const ALL: usize = 1_000_000;
/// The outage, and the time after it until somebody looks whether all is well.
const MINUTES: u64 = 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    None,
    /// GitHub is down, and the host starts again without memory in the fifth minute.
    Restarted,
    /// GitHub is down, and in the fifth minute one of two hosts that share their state dies.
    OneOfTwo,
}

/// What people see of a pull request: its checks with how often each was completed, and how many comments of ours.
type Seen = BTreeMap<String, (Vec<(String, usize)>, usize)>;

struct Story {
    palisade: TestHost,
    trouble: Trouble,
    pulls: BTreeMap<&'static str, PullRequest>,
    runs: BTreeMap<&'static str, Run>,
    /// The other host, while there are two.
    second: Option<palisade::app::Host>,
}

impl Story {
    async fn begin(trouble: Trouble) -> Self {
        let palisade = TestHost::with(PATIENCE).await;
        let mut story = Self { palisade, trouble, pulls: BTreeMap::new(), runs: BTreeMap::new(), second: None };
        if trouble == Trouble::OneOfTwo {
            let second = story.palisade.another(PATIENCE, Some(story.palisade.host.shared())).await;
            second.reconciled().await;
            story.second = Some(second);
        }
        story
    }

    fn open(&mut self, name: &'static str) {
        let pull_request = self.palisade.repository().open_pull_request(name);
        self.pulls.insert(name, pull_request);
        self.start(name);
    }

    fn start(&mut self, name: &'static str) {
        let run = self.pulls[name].start_run("ci.yml");
        run.in_progress();
        self.runs.insert(name, run);
    }

    fn end(&self, name: &str, severity: &str) {
        let run = &self.runs[name];
        run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "MIT")]))]);
        run.upload("trivy", &[("trivy.json", &evidence::trivy(&[("CVE-2026-0001", severity)]))]);
        run.complete("success");
    }

    /// A quiet time, then what happens while GitHub is down.
    async fn before(&mut self) {
        for name in ["good", "bad", "pushed", "waiting", "closed", "left alone"] {
            self.open(name);
            self.palisade.settled().await;
        }
        for (name, severity) in [("good", "LOW"), ("bad", "CRITICAL"), ("pushed", "CRITICAL")] {
            self.end(name, severity);
            self.palisade.settled().await;
        }
    }

    fn in_minute(&mut self, minute: u64) {
        match minute {
            1 => self.end("waiting", "CRITICAL"),
            2 => self.open("opened"),
            3 => {
                self.pulls["pushed"].push();
                self.start("pushed");
            }
            4 => self.pulls["closed"].close(),
            6 => self.end("opened", "LOW"),
            7 => self.end("pushed", "LOW"),
            8 => self.open("opened late"),
            _ => {}
        }
    }

    /// One minute of the clock: what is due is done, as far as GitHub lets it.
    async fn pass(&mut self) {
        self.palisade.advance(Duration::from_secs(60));
        match &self.second {
            Some(second) => {
                let (one, other) = tokio::join!(self.palisade.host.sweep_what_is_due(), second.sweep_what_is_due());
                // Whatever GitHub refused is looked at again the next minute.
                drop((one, other));
            }
            None => drop(self.palisade.host.sweep_what_is_due().await),
        }
        self.palisade.settled().await;
    }

    async fn break_off(mut self) -> Self {
        match self.trouble {
            Trouble::None => {}
            Trouble::Restarted => self.palisade = self.palisade.restarted_in_trouble(PATIENCE).await,
            Trouble::OneOfTwo => {
                self.palisade.host.end_at_once();
                self.palisade.host = self.second.take().expect("there are two");
                self.palisade.github.deliver_to(&self.palisade.url("/webhook"));
            }
        }
        self
    }

    /// How often GitHub took a result for it.
    fn completed(&self, run: &CheckRun) -> usize {
        let journal = self.palisade.github.journal();
        let taken =
            |entry: &&Entry| entry.status.is_some_and(|status| status < 300) && entry.body["status"] == "completed";
        let created = |entry: &&Entry| entry.body["external_id"].as_str() == run.external_id.as_deref();
        let updates = journal.matching(&format!("PATCH /repos/*/check-runs/{}", run.id)).into_iter().filter(taken);
        let creations = journal.matching("POST /repos/*/check-runs").into_iter().filter(taken).filter(created);
        updates.count() + creations.count()
    }

    fn seen(&self) -> Seen {
        let seen = self.pulls.iter().filter(|(name, _)| **name != "closed").map(|(name, pull_request)| {
            let mut checks: Vec<(String, usize)> =
                pull_request.check_runs().iter().map(|run| (run.to_string(), self.completed(run))).collect();
            checks.sort();
            let comments = pull_request.comments().iter().filter(|comment| comment.by_app).count();
            ((*name).to_owned(), (checks, comments))
        });
        seen.collect()
    }
}

async fn tell(trouble: Trouble) -> Story {
    let mut story = Story::begin(trouble).await;
    story.before().await;
    if trouble != Trouble::None {
        story.palisade.github.lose_next_deliveries(ALL);
        story.palisade.github.fault(Fault::on("*").status(502).always());
    }
    for minute in 1..=MINUTES {
        story.in_minute(minute);
        story.pass().await;
        if minute == MINUTES / 2 {
            story = story.break_off().await;
        }
    }
    story.palisade.github.clear_faults();
    story.palisade.github.lose_no_more_deliveries();
    for _ in 0..MINUTES {
        story.pass().await;
    }
    story
}

/// Proves R12, W11, W35.
#[tokio::test(flavor = "multi_thread")]
async fn after_an_outage_with_a_restart_everything_is_as_if_nothing_had_been() {
    let undisturbed = tell(Trouble::None).await.seen();
    let (checks, _) = &undisturbed["waiting"];
    let completed = |title: &str| (title.to_owned(), 1);
    assert_eq!(
        *checks,
        [completed("failure: Vulnerability Check - Failed"), completed("success: License Check - Passed")]
    );
    for trouble in [Trouble::Restarted, Trouble::OneOfTwo] {
        let story = tell(trouble).await;
        assert_eq!(story.seen(), undisturbed, "{trouble:?}");
        let heads: Vec<String> = story.pulls.values().map(PullRequest::head_sha).collect();
        let closed = story.pulls["closed"].head_sha();
        let given_up = |run: &CheckRun| !heads.contains(&run.head_sha) || run.head_sha == closed;
        let left: Vec<_> = story.palisade.github.check_runs().into_iter().filter(given_up).collect();
        assert!(left.iter().all(|run| run.status == "completed"), "{trouble:?}: {left:?}");
        assert_asked_once(&story);
    }
}

/// Nothing is delivered again more often than it was lost.
fn assert_asked_once(story: &Story) {
    let mut arrived: BTreeMap<String, usize> = BTreeMap::new();
    let deliveries = story.palisade.github.deliveries();
    for delivery in deliveries.iter().filter(|delivery| delivery.redelivery) {
        *arrived.entry(delivery.guid.clone()).or_default() += 1;
    }
    assert!(!arrived.is_empty() && arrived.values().all(|count| *count == 1), "{arrived:?}");
}

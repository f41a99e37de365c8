//! Each class of trouble at each call of the line: a pull request's life is watched once undisturbed, and then lived again
//! for each class at each call that was seen. The end is the same, or one of the few that are named here.

use palisade_github_fake::{Fake, FakeOptions, Fault, Host, Journal, PullRequest};
use palisade_tests::{TestHost, evidence};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What a limit's answer names. Half of it is left to answers and requests that cross each other.
const NAMED: Duration = Duration::from_secs(2);
const NAMED_SECONDS: &str = "2";
/// More than fit into one request, so that the line has a second batch.
const ANNOTATIONS: usize = 60;

/// For the comments: less than what the small GitHub itself grants before it gives up.
const PATIENCE: Duration = Duration::from_secs(40);

const WITHOUT_COMMENT: &str = "failure: Vulnerability Check - Failed (60 annotations), success: License Check - Passed (0 annotations); 0 comment";

type Trouble = fn(Fault) -> Fault;

/// The classes of `github.md` 11.5, each as it may strike before and after the effect.
const CLASSES: [(&str, Trouble); 13] = [
    ("no answer", |fault| fault.silent()),
    ("no answer after the effect", |fault| fault.silent_after()),
    ("cut", |fault| fault.drop_before()),
    ("cut after the effect", |fault| fault.drop_after()),
    ("502", |fault| fault.status(502)),
    ("502 after the effect", |fault| fault.status_after(502)),
    ("403 for the hour", |fault| fault.exhausted(NAMED)),
    ("403 for a while", |fault| fault.status(403).header("retry-after", NAMED_SECONDS)),
    ("429", |fault| fault.status(429).header("retry-after", NAMED_SECONDS)),
    ("401", |fault| fault.status(401)),
    ("404", |fault| fault.status(404)),
    ("410", |fault| fault.status(410)),
    ("422", |fault| fault.status(422)),
];

/// One class at one call, in a repository of an owner of its own.
struct Case {
    class: &'static str,
    call: String,
    nth: usize,
    pull_request: PullRequest,
}

impl Case {
    /// What GitHub refuses once it refuses again: nobody tries a second time to comment.
    fn is_refused_its_comment(&self) -> bool {
        let about_comments = self.call.contains("/issues/") && ["404", "410", "422"].contains(&self.class);
        about_comments || self.is_refused_a_token()
    }

    /// A token that may not be had is asked for with less: without comments, if it was the one that writes. Which one it is
    /// depends on what timed out before.
    fn is_refused_a_token(&self) -> bool {
        self.call.ends_with("/access_tokens") && self.class == "422"
    }

    fn may_end_either_way(&self, end: &str) -> bool {
        self.is_refused_a_token() && end == WITHOUT_COMMENT
    }
}

/// Proves R31, W33, W12.
#[tokio::test(flavor = "multi_thread")]
async fn each_class_of_trouble_at_each_call_ends_as_an_undisturbed_run_or_as_named_here() {
    let palisade = impatient().await;
    // What a start asks for is none of the line's.
    palisade.github.clear_journal();
    let calm = palisade.github.repository("calm/shop").open_pull_request("Add a feature");
    live(&palisade, &[&calm]).await;
    calm.comment_by_app().await;
    palisade.settled().await;
    let undisturbed = end_of(&calm);
    let calls = calls_of(&palisade.github.journal());
    println!("undisturbed: {undisturbed}");
    calls.iter().for_each(|(call, count)| println!("  {count} × {call}"));

    let cases = cases(&palisade.github, &calls);
    palisade.github.resume_deliveries();
    live(&palisade, &cases.iter().map(|case| &case.pull_request).collect::<Vec<_>>()).await;
    // A comment that could not be written is written by a job of its own, in its own time.
    let commented = cases.iter().filter(|case| !case.is_refused_its_comment());
    let commented = futures::future::join_all(commented.map(|case| case.pull_request.comment_by_app()));
    // Whichever is still missing then is told below, with its class and its call.
    let _ = tokio::time::timeout(PATIENCE, commented).await;
    palisade.settled().await;

    let journal = palisade.github.journal();
    let early = journal.before_the_named_time(NAMED / 2);
    assert!(early.is_empty(), "requests before the time that GitHub named: {early:#?}");
    cases.iter().for_each(hold);
    println!("{} cases of {} classes at {} calls", cases.len(), CLASSES.len(), calls.len());
    insta::assert_snapshot!(other_ends(&cases, &undisturbed), @r"
    an artifact cannot be read, and a check says so
      404 at GET /repos/calm/shop/actions/artifacts/?/zip
      410 at GET /repos/calm/shop/actions/artifacts/?/zip
      410 at GET /repos/calm/shop/actions/runs/?/artifacts
      422 at GET /repos/calm/shop/actions/artifacts/?/zip
      422 at GET /repos/calm/shop/actions/runs/?/artifacts
    no comment
      404 at GET /repos/calm/shop/issues/?/comments
      404 at POST /repos/calm/shop/issues/?/comments
      410 at GET /repos/calm/shop/issues/?/comments
      410 at POST /repos/calm/shop/issues/?/comments
      422 at GET /repos/calm/shop/issues/?/comments
      422 at POST /repos/calm/shop/issues/?/comments
    ");
    let in_vain = palisade.github.faults_in_vain();
    assert!(in_vain.is_empty(), "never reached: {in_vain:#?}");
}

/// Proves R20, R21.
#[tokio::test(flavor = "multi_thread")]
async fn each_class_of_trouble_at_the_blob_host_ends_as_an_undisturbed_run_or_as_named_here() {
    let palisade = impatient().await;
    let calm = palisade.github.repository("calm/shop").open_pull_request("Add a feature");
    live(&palisade, &[&calm]).await;
    calm.comment_by_app().await;
    let undisturbed = end_of(&calm);
    let mut other_ends = Vec::new();
    for (number, (class, trouble)) in CLASSES.into_iter().enumerate() {
        let repository = palisade.github.repository(&format!("owner-{number}/shop"));
        palisade.github.fault(trouble(Fault::on("GET /blob/*")));
        let pull_request = repository.open_pull_request("Add a feature");
        live(&palisade, &[&pull_request]).await;
        let end = end_of(&pull_request);
        if end != undisturbed {
            other_ends.push(format!("{class}: {}", named(end)));
        }
    }
    insta::assert_snapshot!(other_ends.join("\n"), @r"
    410: an artifact cannot be read, and a check says so
    422: an artifact cannot be read, and a check says so
    ");
    assert!(palisade.github.faults_in_vain().is_empty());
    assert!(palisade.github.journal().credentials_at_the_blob_host().is_empty());
}

/// Each class at each call, the deliveries of which wait.
fn cases(github: &Fake, calls: &BTreeMap<String, usize>) -> Vec<Case> {
    github.pause_deliveries();
    let places = calls.iter().flat_map(|(call, count)| (1..=*count).map(move |nth| (call, nth)));
    let cases = places.flat_map(|place| CLASSES.map(|class| (place, class))).enumerate();
    let cases = cases.map(|(number, ((call, nth), (class, trouble)))| {
        let owner = format!("owner-{number}");
        let repository = github.repository(&format!("{owner}/shop"));
        github.fault(trouble(Fault::on(&at_home(github, call, &owner)).nth(nth)));
        let pull_request = repository.open_pull_request("Add a feature");
        Case { class, call: call.clone(), nth, pull_request }
    });
    cases.collect()
}

/// Ends that differ from the undisturbed one, each with the classes and calls that lead to it.
fn other_ends(cases: &[Case], undisturbed: &str) -> String {
    let mut cases_by_end: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for case in cases {
        let end = end_of(&case.pull_request);
        if end != undisturbed && !case.may_end_either_way(&end) {
            cases_by_end.entry(named(end)).or_default().insert(format!("  {} at {}", case.class, case.call));
        }
    }
    let told = cases_by_end.into_iter().flat_map(|(end, cases)| std::iter::once(end).chain(cases));
    told.collect::<Vec<_>>().join("\n")
}

async fn impatient() -> TestHost {
    TestHost::changed("", FakeOptions { schemas: None, ..FakeOptions::default() }, |config| {
        config.github.timeout = Duration::from_secs(5);
        config.github.retry_base = Duration::from_millis(10);
        config.queue.retry_base = Duration::from_millis(10);
    })
    .await
}

/// Opens, runs CI with two reports, and waits until everything is told.
async fn live(palisade: &TestHost, pull_requests: &[&PullRequest]) {
    palisade.settled().await;
    let ids: Vec<String> = (0..ANNOTATIONS).map(|number| format!("CVE-2026-{number:04}")).collect();
    let found: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), "9.8")).collect();
    let runs = pull_requests.iter().map(|pull_request| {
        let run = pull_request.start_run("ci.yml");
        run.upload("sarif", &[("scan.sarif", &evidence::vulnerability_sarif(&found))]);
        run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "MIT")]))]);
        run
    });
    let runs: Vec<_> = runs.collect();
    palisade.settled().await;
    runs.iter().for_each(|run| run.complete("success"));
    palisade.settled().await;
}

/// The calls to the API, without what differs between repositories, with how often each is made.
fn calls_of(journal: &Journal) -> BTreeMap<String, usize> {
    let mut calls = BTreeMap::new();
    for entry in journal.entries.iter().filter(|entry| entry.host == Host::Api) {
        let is_id = |part: &str| {
            part.parse::<u64>().is_ok() || (part.len() == 40 && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
        };
        let parts: Vec<&str> = entry.path.split('/').map(|part| if is_id(part) { "?" } else { part }).collect();
        *calls.entry(format!("{} {}", entry.method, parts.join("/"))).or_default() += 1;
    }
    calls
}

/// The pattern of the same call for another owner.
fn at_home(github: &Fake, call: &str, owner: &str) -> String {
    let installation = format!("/app/installations/{}/", github.installation_id(owner));
    call.replace("/repos/calm/", &format!("/repos/{owner}/")).replace("/app/installations/?/", &installation)
}

fn own_comments(pull_request: &PullRequest) -> usize {
    pull_request.comments().iter().filter(|comment| comment.by_app).count()
}

fn end_of(pull_request: &PullRequest) -> String {
    let runs = pull_request.check_runs();
    let mut shown: Vec<_> = runs.iter().map(|run| format!("{run} ({} annotations)", run.annotations.len())).collect();
    shown.sort();
    format!("{}; {} comment", shown.join(", "), own_comments(pull_request))
}

/// The ends that are right besides. Which of two artifacts is asked for first is chance.
fn named(end: String) -> String {
    match end {
        _ if end.contains("Artifacts Unreadable") => "an artifact cannot be read, and a check says so".to_owned(),
        _ if end == WITHOUT_COMMENT => "no comment".to_owned(),
        other => other,
    }
}

/// What no trouble excuses.
fn hold(case: &Case) {
    let what = format!("{} at {}, {}.: {}", case.class, case.call, case.nth, end_of(&case.pull_request));
    let runs = case.pull_request.check_runs();
    let mut names: Vec<&str> = runs.iter().map(|run| run.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), runs.len(), "one run for each check: {what}");
    assert!(runs.iter().all(|run| run.status == "completed"), "every check ends: {what}");
    assert!(runs.iter().all(|run| run.annotations.len() <= ANNOTATIONS), "no annotation is doubled: {what}");
    assert!(own_comments(&case.pull_request) <= 1, "one comment: {what}");
}

use super::super::fixtures::*;
use super::*;
use crate::model::plan::Knobs;
use crate::model::record::Runs;
use crate::model::verdict::{Effect, Judged, Outcome, Violation};
use crate::model::{BrokenKind, CheckName, JobId};

fn about() -> About {
    let generation = Generation { head: Some(10), decision: JobId("02-job".to_owned()) };
    About { app_id: 4711, pull_request: 7, generation }
}

fn commented(record: &Record) -> CommentPublication {
    comment(record, about(), &Presentation::default())
}

/// What people read: everything below the marker.
fn words(record: &Record) -> String {
    let shown = commented(record);
    let (marker, words) = shown.body.split_once('\n').unwrap();
    assert_eq!(marker, format!("<!-- palisade:v1 app=4711 pr=7 sha={} gen=10/02-job -->", "a".repeat(40)));
    words.to_owned()
}

fn with_properties(mut violation: Violation, properties: &[(&str, &str)]) -> Violation {
    violation.properties = properties.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    violation
}

fn named(name: &str, answer: Judged) -> CheckRecord {
    CheckRecord { check: CheckName::parse(name).unwrap(), ..check(vec![answer]) }
}

fn answer(outcome: Outcome, violations: Vec<Violation>) -> Judged {
    let mut verdict = verdict(outcome);
    verdict.violations = violations;
    Judged::Verdict(verdict)
}

fn vulnerable(id: &str, rule: &str) -> Violation {
    let facts =
        [("id", id), ("package", "lodash"), ("version", "4.17.20"), ("score", "7.25"), ("fixed_version", "4.17.21")];
    let violation = with_properties(violation(Effect::Deny), &facts);
    Violation { rule: rule.to_owned(), message: format!("{id} is high, the limit is medium"), ..violation }
}

fn licensed(effect: Effect, rule: &str, facts: &[(&str, &str)]) -> Violation {
    let message = "left-pad@1.0.0: GPL-3.0-only is not what it should be".to_owned();
    let violation = with_properties(violation(effect), facts);
    Violation { rule: rule.to_owned(), message, how_to_fix: None, ..violation }
}

const LEFT_PAD: &[(&str, &str)] = &[
    ("package", "left-pad"),
    ("version", "1.0.0"),
    ("license", "GPL-3.0-only"),
    ("source", "concluded"),
    ("supplier", "Acme"),
    ("id", "SPDXRef-left-pad"),
];

#[test]
fn a_vulnerability_is_one_item_however_many_rules_it_breaks() {
    let violations = vec![vulnerable("CVE-2021-23337", "severity"), vulnerable("CVE-2021-23337", "blocked-id")];
    let record = record(vec![
        named("Vulnerability Scan Check", answer(Outcome::Fail, violations)),
        named("License Check", answered(Outcome::Pass)),
    ]);
    insta::assert_snapshot!(words(&record), @r"
    ### Vulnerability Scan Check

    ❌ **Vulnerability Policy Violation - 1 vulnerability blocked**

    <details>
    <summary>Click to view policy violation details</summary>

    **Package:** `lodash@4.17.20`  
    **Vulnerability:** CVE-2021-23337  
    **Severity:** HIGH  
    **CVSS Score:** 7.2  
    **Fixed Version:** 4.17.21  
    **Why:** CVE-2021-23337 is high, the limit is medium (rule `blocked-id`); CVE-2021-23337 is high, the limit is medium (rule `severity`)

    </details>

    ### License Check

    ✅ **License Check - Passed**: no violations are open.

    Judged at commit `aaaaaaaaaaaa`
    ");
    assert_eq!(commented(&record).standing, Standing::Open);
}

#[test]
fn a_package_shows_the_licence_that_was_judged_and_conditions_are_shown_though_the_check_passes() {
    let conditional = licensed(
        Effect::Info,
        "conditional",
        &[
            ("package", "ui"),
            ("version", "2.0.0"),
            ("license", "MPL-2.0"),
            ("source", "declared"),
            ("condition", "unchanged"),
        ],
    );
    let failing = vec![licensed(Effect::Deny, "denied", LEFT_PAD), conditional.clone()];
    insta::assert_snapshot!(words(&record(vec![named("License Check", answer(Outcome::Fail, failing))])), @r"
    ### License Check

    ❌ **License Violations Found - 1 package**

    The licenses of these packages violate the policy and must be addressed.

    <details>
    <summary>Click to view license violations</summary>

    **Package:** `left-pad@1.0.0`  
    **License Concluded:** GPL-3.0-only  
    **Supplier:** Acme  
    **SPDX ID:** `SPDXRef-left-pad`  
    **Why:** left-pad@1.0.0: GPL-3.0-only is not what it should be (rule `denied`)

    </details>

    ℹ️ **Conditionally Allowed Licenses Found - 1 package requires consideration**

    The licenses of these packages are allowed under conditions; see that you keep them.

    <details>
    <summary>Click to view conditionally allowed licenses</summary>

    **Package:** `ui@2.0.0`  
    **License Declared:** MPL-2.0  
    **Condition:** unchanged  
    **Why:** left-pad@1.0.0: GPL-3.0-only is not what it should be (rule `conditional`)

    </details>

    Judged at commit `aaaaaaaaaaaa`
    ");

    let passing = record(vec![named("License Check", answer(Outcome::Pass, vec![conditional]))]);
    assert_eq!(commented(&passing).standing, Standing::Open);
    assert!(words(&passing).contains("ℹ️ **Conditionally Allowed Licenses Found - 1 package requires consideration**"));
}

#[test]
fn a_check_of_ones_own_lists_its_violations_as_its_text_does() {
    let record = record(vec![named("House Rules", answered(Outcome::Fail))]);
    insta::assert_snapshot!(words(&record), @r"
    ### House Rules

    ❌ **House Rules - 1 blocking violation**

    <details>
    <summary>Click to view policy violation details</summary>

    - **high** `pkg:npm/lodash@4.17.20`: CVE-2021-23337 is high, the limit is medium (rule `severity`)  
      Fix: take 4.17.21  
      Found in `scan/trivy.json`

    </details>

    ⚠️ **House Rules - 1 warning**

    <details>
    <summary>Click to view the warnings</summary>

    - **high** `pkg:npm/lodash@4.17.20`: CVE-2021-23337 is high, the limit is medium (rule `severity`)  
      Fix: take 4.17.21  
      Found in `scan/trivy.json`

    </details>

    Judged at commit `aaaaaaaaaaaa`
    ");
}

#[test]
fn what_came_to_no_judgement_says_why() {
    let mut broken = record(vec![named("License Check", broken(BrokenKind::Timeout))]);
    insta::assert_snapshot!(words(&broken), @r"
    ### License Check

    ❌ **License Check - Policy Error**

    A policy gave no usable result, so nothing can be said for it.

    <details>
    <summary>Click to view the reasons</summary>

    - `vulnerability` gave no result, timeout, limit `wall`: `vulnerability` ran longer than 2 s (raise `limits.wall`)

    </details>

    Judged at commit `aaaaaaaaaaaa`
    ");
    assert_eq!(commented(&broken).standing, Standing::Open);

    broken.checks = vec![named("License Check", answered(Outcome::NotApplicable))];
    insta::assert_snapshot!(words(&broken), @r"
    ### License Check

    ℹ️ **License Check - No Reports Found**

    No license scan reports were found to analyze. 1 artifact and 1 file were looked at; none covers what the check reads.

    Judged at commit `aaaaaaaaaaaa`
    ");
    assert_eq!(commented(&broken).standing, Standing::Noted);
}

#[test]
fn only_what_is_to_be_acted_upon_opens_a_comment() {
    let standing_of = |answer: Judged| commented(&record(vec![check(vec![answer])])).standing;
    assert_eq!(standing_of(answered(Outcome::Fail)), Standing::Open);
    assert_eq!(standing_of(answered(Outcome::Warn)), Standing::Open);
    assert_eq!(standing_of(broken(BrokenKind::Unreadable)), Standing::Open);
    assert_eq!(standing_of(unavailable()), Standing::Noted);
    assert_eq!(standing_of(answered(Outcome::NotApplicable)), Standing::Noted);
    assert_eq!(standing_of(answered(Outcome::Pass)), Standing::Clean);

    let mut closed = check(vec![unavailable()]);
    closed.knobs = Knobs::fail_closed();
    assert_eq!(commented(&record(vec![closed])).standing, Standing::Open);

    let mut waiting = record(vec![check(vec![answered(Outcome::Pass)])]);
    waiting.runs = Runs { going: 1, ..Runs::default() };
    waiting.inputs.clear();
    assert_eq!(commented(&waiting).standing, Standing::Unfinished);
    waiting.checks.push(named("House Rules", answered(Outcome::Fail)));
    assert_eq!(commented(&waiting).standing, Standing::Open);
}

#[test]
fn a_clean_result_resolves_the_whole_comment() {
    let clean = record(vec![
        named("Vulnerability Scan Check", answered(Outcome::Pass)),
        named("License Check", answered(Outcome::Pass)),
    ]);
    insta::assert_snapshot!(words(&clean), @r"
    ✅ **Resolved - no violations are open**

    - ✅ Vulnerability Check - Passed
    - ✅ License Check - Passed

    Judged at commit `aaaaaaaaaaaa`
    ");
}

#[test]
fn a_check_may_stay_out_of_the_comment() {
    let two = record(vec![
        named("Vulnerability Scan Check", answered(Outcome::Fail)),
        named("License Check", answered(Outcome::Pass)),
    ]);
    let uncommented = [CheckName::parse("Vulnerability Scan Check").unwrap()].into();
    let shown = comment(&two, about(), &Presentation { uncommented, ..Presentation::default() });
    assert_eq!(shown.standing, Standing::Clean);
    assert!(!shown.body.contains("Vulnerability"));
}

#[test]
fn another_job_or_page_is_no_other_content_and_another_commit_no_other_verdict() {
    let first = record(vec![check(vec![answered(Outcome::Fail)])]);
    let shown = |record: &Record, url: Option<&str>| {
        comment(
            record,
            about(),
            &Presentation {
                pages: crate::config::Pages::Public,
                public_url: url.map(str::to_owned),
                ..Presentation::default()
            },
        )
    };
    let mut again = first.clone();
    again.job = JobId("another".to_owned());
    let (one, other) = (shown(&first, None), shown(&again, Some("https://palisade.example/")));
    assert_eq!((one.content, one.verdict), (other.content, other.verdict));
    assert!(other.body.contains("[Details](https://palisade.example/decisions/another)"), "{}", other.body);

    let mut pushed = first.clone();
    pushed.commit.sha = crate::model::HeadSha::parse(&"b".repeat(40)).unwrap();
    assert_eq!(shown(&pushed, None).verdict, one.verdict);
    assert_ne!(shown(&pushed, None).content, one.content);
    let fixed = record(vec![check(vec![answered(Outcome::Pass)])]);
    assert_ne!(shown(&fixed, None).verdict, one.verdict);
}

#[test]
fn whatever_is_found_every_check_has_its_place_and_the_rest_is_counted() {
    let flood = |name: &str, count: usize| {
        let one = |n: usize| vulnerable(&format!("CVE-2026-{n}"), "severity");
        let one = |n: usize| Violation { message: format!("{n} *ü* @octocat {}", "<b>|".repeat(40)), ..one(n) };
        named(name, answer(Outcome::Fail, (0..count).map(one).collect()))
    };
    let mut checks: Vec<_> = (0..8).map(|n| flood(&format!("House Rules {n}"), 2_000)).collect();
    checks.push(flood("Vulnerability Scan Check", 3));
    let url = Some("https://palisade.example".to_owned());
    let shown = comment(
        &record(checks),
        about(),
        &Presentation { pages: crate::config::Pages::Public, public_url: url, ..Presentation::default() },
    );
    assert!(shown.body.len() <= COMMENT_BYTES && shown.body.len() > COMMENT_BYTES * 3 / 4, "{}", shown.body.len());
    assert_eq!(shown.body.matches(" more: [details](https://palisade.example/decisions/job)").count(), 8);
    assert_eq!(shown.body.matches("**Vulnerability:** ").count(), 3, "who needs little gets all of it");
    assert_eq!(shown.body.matches("<details>").count(), shown.body.matches("</details>").count());

    let many = (0..300).map(|n| named(&format!("{} {n}", "*ü".repeat(40)), answered(Outcome::Fail))).collect();
    let shown = commented(&record(many));
    assert!(shown.body.len() <= COMMENT_BYTES, "{}", shown.body.len());
    assert!(shown.body.contains("… and 280 more checks"));
}

#[test]
fn room_is_shared_so_that_who_needs_little_gets_it_all() {
    assert_eq!(shares(&[10, 1_000, 500], 400), [10, 195, 195]);
    assert_eq!(shares(&[10, 20], 400), [10, 20]);
    assert_eq!(shares(&[], 400), Vec::<usize>::new());
}

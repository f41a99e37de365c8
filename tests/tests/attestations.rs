//! Signed evidence: an attestation that GitHub keeps is verified to the root of trust that the operator names, or raises
//! nothing. The authority, the log and the root are the test's own.

mod sigstore;

use palisade_github_fake::{FakeOptions, Fault, Head, PullRequest, PullRequestOptions, Run, Workflow};
use palisade_tests::{TestHost, evidence};
use sha2::{Digest, Sha256};
use sigstore::{Claims, Odd, Sigstore};

const CHECK: &str = "Vulnerability Scan Check";
const PASSED: &str = "success: Vulnerability Check - Passed";
const UNTRUSTED: &str = "failure: Vulnerability Scan Check - Evidence Untrusted";
const UNAVAILABLE: &str = "neutral: Vulnerability Check - System Unavailable";
const CI: &str = ".github/workflows/ci.yml";
const ISSUER: &str = "https://token.actions.githubusercontent.com";
const SCAN: &str = "acme/ci/.github/workflows/scan.yml";
const SHA: &str = "5f2ac3b1d0e94c7788a6b5c4d3e2f1a09b8c7d6e";

/// A host that trusts one Sigstore.
struct World {
    palisade: TestHost,
    sigstore: Sigstore,
    _root: tempfile::TempDir,
}

fn asking_for(tier: &str) -> String {
    format!("[checks.\"{CHECK}\"]\npolicies = [\"vulnerability\"]\nmin_provenance = \"{tier}\"\n")
}

fn permitted() -> FakeOptions {
    let mut options = FakeOptions::default();
    options.permissions.insert("attestations".to_owned(), "read".to_owned());
    options
}

impl World {
    async fn asking_for_attested() -> Self {
        Self::with(&asking_for("attested"), "", permitted()).await
    }

    /// `provenance` stands beside the root.
    async fn with(text: &str, provenance: &str, options: FakeOptions) -> Self {
        let sigstore = Sigstore::new();
        let root = tempfile::tempdir().expect("a directory");
        let file = root.path().join("trusted_root.json");
        std::fs::write(&file, sigstore.trusted_root().to_string()).expect("a file");
        let text = format!("{text}\n[provenance]\ntrusted_root = {:?}\n{provenance}", file.display().to_string());
        let palisade = TestHost::try_with(&text, options).await.expect("the host starts");
        Self { palisade, sigstore, _root: root }
    }

    fn open(&self, path: &str) -> PullRequest {
        let change = PullRequestOptions {
            title: "A change".to_owned(),
            author: Some("author".to_owned()),
            files: vec![(path.to_owned(), b"run()".to_vec())],
            ..Default::default()
        };
        self.palisade.repository().open_pull_request(change)
    }

    /// What `ci.yml` says when it signs in a run of this pull request.
    fn claims(&self, pull_request: &PullRequest, run: &Run) -> Claims {
        Claims {
            issuer: ISSUER.to_owned(),
            signer: format!("acme/shop/{CI}@refs/pull/{}/merge", pull_request.number()),
            // Of a pull request's run GitHub signs for the trial merge.
            signer_sha: "1".repeat(40),
            sha: "1".repeat(40),
            runner: "github-hosted".to_owned(),
            repository: "acme/shop".to_owned(),
            repository_id: self.palisade.repository().id(),
            run: run.id(),
        }
    }

    fn attest(&self, sha256: &str, claims: &Claims, odd: Odd) {
        self.palisade.repository().attest(sha256, self.sigstore.sign(sha256, claims, odd));
    }
}

/// A clean scan, uploaded by a run that is still going.
fn scan(pull_request: &PullRequest) -> Run {
    scan_by(pull_request, Workflow::from("ci.yml"))
}

fn scan_by(pull_request: &PullRequest, workflow: Workflow) -> Run {
    let run = pull_request.start_run(workflow.by("author"));
    run.upload("trivy", &[("trivy.json", &evidence::clean_trivy())]);
    run
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn scanned() -> String {
    sha256(&evidence::clean_trivy())
}

/// What the check shows, and its summary without Markdown's marks.
async fn shown(pull_request: &PullRequest) -> (String, String) {
    let check = pull_request.check_run_completed(CHECK).await;
    (check.to_string(), plain(check.summary))
}

fn plain(text: Option<String>) -> String {
    let text = text.unwrap_or_default().replace(['`', '\\'], "");
    // A word that is code stands between two spaces of its own.
    text.replace("  ", " ")
}

/// Proves R22.
#[tokio::test(flavor = "multi_thread")]
async fn evidence_with_a_verified_attestation_is_attested_and_says_so() {
    let world = World::asking_for_attested().await;
    let pull_request = world.open("src/main.js");
    let run = scan(&pull_request);
    world.attest(&scanned(), &world.claims(&pull_request, &run), Odd::Nothing);
    run.complete("success");
    let (shown, summary) = shown(&pull_request).await;
    assert_eq!(shown, PASSED, "{summary}");
    assert!(summary.contains("(attested)"), "{summary}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attestation_of_the_uploaded_archive_counts_for_its_files() {
    let world = World::asking_for_attested().await;
    let pull_request = world.open("src/main.js");
    let run = pull_request.start_run("ci.yml");
    let upload = run.upload("trivy", &[("trivy.json", &evidence::clean_trivy())]);
    world.attest(&upload.sha256(), &world.claims(&pull_request, &run), Odd::Nothing);
    run.complete("success");
    assert_eq!(shown(&pull_request).await.0, PASSED);
}

/// What a check that asks for `attested` says where the statement is made with these claims.
async fn told(change: impl FnOnce(&mut Claims), odd: Odd) -> (String, String) {
    let world = World::asking_for_attested().await;
    let pull_request = world.open("src/main.js");
    let run = scan(&pull_request);
    let mut claims = world.claims(&pull_request, &run);
    change(&mut claims);
    world.attest(&scanned(), &claims, odd);
    run.complete("success");
    shown(&pull_request).await
}

/// Proves R22, W03.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_somebody_else_signed_or_about_something_else_raises_nothing() {
    type Change = fn(&mut Claims);
    let false_claims: [(Change, &str); 7] = [
        (|claims| claims.issuer = "https://accounts.example".to_owned(), "an identity of https://accounts.example"),
        (|claims| claims.repository_id += 1, "in another repository"),
        (|claims| claims.run += 1, "for another commit"),
        (|claims| claims.runner = "self-hosted".to_owned(), "a runner of the kind self-hosted"),
        (|claims| claims.signer = format!("{SCAN}@refs/heads/main"), "signed by acme/ci/"),
        (|claims| claims.signer = format!("acme/shop-floor/{CI}@refs/heads/main"), "signed by acme/shop-floor/"),
        (|claims| claims.signer = "acme/shop/build.yml@refs/heads/main".to_owned(), "signed by acme/shop/build.yml"),
    ];
    for (change, expected) in false_claims {
        let (shown, summary) = told(change, Odd::Nothing).await;
        assert_eq!(shown, UNTRUSTED, "{expected}");
        assert!(summary.contains("its attestation does not count") && summary.contains(expected), "{summary}");
    }
}

/// Proves R22, W03.
#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_that_does_not_hold_raises_nothing_and_the_result_says_why() {
    for (odd, expected) in [
        (Odd::ExpiredWithoutTime, "timestamp"),
        (Odd::ExpiredAtThatTime, "CertExpired"),
        (Odd::Tampered, "signature"),
        (Odd::OwnLog, "log"),
        (Odd::OtherPredicate, "it states https://spdx.dev/Document"),
    ] {
        let (shown, summary) = told(|_| {}, odd).await;
        assert_eq!(shown, UNTRUSTED, "{expected}: {summary}");
        let why = summary.split("its attestation does not count").nth(1).unwrap_or_default();
        assert!(why.contains(expected), "{expected}: {summary}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_about_other_bytes_or_of_an_unknown_authority_raises_nothing() {
    let world = World::asking_for_attested().await;
    let pull_request = world.open("src/main.js");
    let run = scan(&pull_request);
    let claims = world.claims(&pull_request, &run);
    // GitHub keeps each under the digest of the scan; one is about something else, one by somebody else.
    let repository = world.palisade.repository();
    repository.attest(&scanned(), world.sigstore.sign(&sha256(b"something else"), &claims, Odd::Nothing));
    repository.attest(&scanned(), Sigstore::new().sign(&scanned(), &claims, Odd::Nothing));
    run.complete("success");
    let (shown, summary) = shown(&pull_request).await;
    assert_eq!(shown, UNTRUSTED, "{summary}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_statement_that_holds_is_enough_among_others() {
    let world = World::asking_for_attested().await;
    let pull_request = world.open("src/main.js");
    let run = scan(&pull_request);
    let claims = world.claims(&pull_request, &run);
    world.attest(&scanned(), &claims, Odd::Nothing);
    world.attest(&scanned(), &claims, Odd::Tampered);
    run.complete("success");
    assert_eq!(shown(&pull_request).await.0, PASSED);
}

#[tokio::test(flavor = "multi_thread")]
async fn under_a_changed_workflow_only_a_version_that_the_operator_names_signs() {
    let trusted = format!("{}[artifacts]\ntrusted_workflows = [\"{SCAN}@{SHA}\"]\n", asking_for("attested"));
    let own = format!("acme/shop/{CI}");
    for (signer, signer_sha, expected) in [
        (format!("{own}@refs/pull/1/merge"), "1".repeat(40), UNTRUSTED),
        (format!("{own}@refs/heads/change-1"), "1".repeat(40), UNTRUSTED),
        // It may attest whatever its caller hands in.
        (format!("{own}@refs/heads/main"), "1".repeat(40), UNTRUSTED),
        (format!("{SCAN}@refs/heads/main"), SHA.to_owned(), PASSED),
        (format!("{SCAN}@refs/heads/main"), "0".repeat(40), UNTRUSTED),
    ] {
        let world = World::with(&trusted, "", permitted()).await;
        // It changes the workflow that calls: without a signature nothing of this run would be trusted.
        let pull_request = world.open(CI);
        let run = scan(&pull_request);
        let claims = Claims { signer: signer.clone(), signer_sha, ..world.claims(&pull_request, &run) };
        world.attest(&scanned(), &claims, Odd::Nothing);
        run.complete("success");
        let (shown, summary) = shown(&pull_request).await;
        assert_eq!(shown, expected, "{signer}: {summary}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runner_of_ones_own_signs_where_the_operator_says_so() {
    let runners = "runners = [\"github-hosted\", \"self-hosted\"]\n";
    let world = World::with(&asking_for("attested"), runners, permitted()).await;
    let pull_request = world.open("src/main.js");
    let run = scan(&pull_request);
    let claims = Claims { runner: "self-hosted".to_owned(), ..world.claims(&pull_request, &run) };
    world.attest(&scanned(), &claims, Odd::Nothing);
    run.complete("success");
    assert_eq!(shown(&pull_request).await.0, PASSED);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_attestation_or_the_permission_to_read_it_the_result_says_what_to_do() {
    for (options, expected) in
        [(permitted(), "GitHub has no attestation of it"), (FakeOptions::default(), "attestations: read")]
    {
        let world = World::with(&asking_for("attested"), "", options).await;
        let pull_request = world.open("src/main.js");
        scan(&pull_request).complete("success");
        let (shown, summary) = shown(&pull_request).await;
        assert_eq!(shown, UNTRUSTED);
        assert!(summary.contains(expected), "{summary}");
        assert!(summary.contains("attest-build-provenance"), "{summary}");
    }
}

/// Proves R22.
#[tokio::test(flavor = "multi_thread")]
async fn attestations_that_github_cannot_tell_are_an_outage_where_they_are_asked_for_and_nowhere_else() {
    for (tier, expected) in [("attested", UNAVAILABLE), ("repository", PASSED), ("none", PASSED)] {
        let world = World::with(&asking_for(tier), "", permitted()).await;
        world.palisade.github.fault(Fault::on("GET /repos/*/attestations/*").status(502).always());
        let pull_request = world.open("src/main.js");
        scan(&pull_request).complete("success");
        assert_eq!(shown(&pull_request).await.0, expected, "{tier}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_s_evidence_is_not_even_looked_up() {
    let world = World::asking_for_attested().await;
    let from_fork =
        PullRequestOptions { head: Head::Fork("mallory".to_owned()), ..PullRequestOptions::from("From outside") };
    let pull_request = world.palisade.repository().open_pull_request(from_fork);
    let run = scan(&pull_request);
    world.attest(&scanned(), &world.claims(&pull_request, &run), Odd::Nothing);
    run.complete("success");
    assert_eq!(shown(&pull_request).await.0, UNTRUSTED);
    let asked = world.palisade.github.journal().to_string();
    assert!(!asked.contains("/attestations/"), "{asked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_asks_for_attested_without_a_root_of_trust_stops_the_start_with_the_way_out() {
    let refused = |text: String| async move {
        let refused = TestHost::try_with(&text, FakeOptions::default()).await;
        format!("{:#}", refused.expect_err("nobody's signatures count"))
    };
    let error = refused(asking_for("attested")).await;
    assert!(error.contains("provenance.trusted_root") && error.contains("gh attestation trusted-root"), "{error}");
    let directory = tempfile::tempdir().expect("a directory");
    for text in ["", "{}", "no JSON", "{\"certificateAuthorities\": 1}"] {
        let file = directory.path().join("root.json");
        std::fs::write(&file, text).expect("a file");
        let error = refused(format!("[provenance]\ntrusted_root = {:?}\n", file.display().to_string())).await;
        assert!(error.contains("provenance.trusted_root") && error.contains("root.json"), "{text:?}: {error}");
    }
}

/// Proves R22.
#[tokio::test(flavor = "multi_thread")]
async fn policies_are_told_who_signed_and_a_replay_needs_nobody_to_say_it_again() {
    let house = tempfile::tempdir().expect("a directory");
    let path = |name: &str| house.path().join(name);
    std::fs::create_dir_all(path("rules")).expect("a directory");
    let rule = "package main\n\ndeny contains msg if {\n\tsome r in input.reports\n\t\
                msg := sprintf(\"%s by %s\", [r.source.provenance, r.source.attested_by])\n}\n";
    std::fs::write(path("rules/rules.rego"), rule).expect("a policy");
    let text = format!(
        "[records]\ndirectory = {:?}\n[plugins.house]\nfile = {:?}\nsettings = {{ entrypoint = \"main/deny\" }}\n\
         [checks.\"{CHECK}\"]\npolicies = [\"house\"]\nreads = [\"vulnerabilities\"]\nmin_provenance = \"attested\"\n",
        path("records").display().to_string(),
        path("rules").display().to_string(),
    );
    let world = World::with(&text, "", permitted()).await;
    let pull_request = world.open("src/main.js");
    let run = scan(&pull_request);
    world.attest(&scanned(), &world.claims(&pull_request, &run), Odd::Nothing);
    run.complete("success");
    let check = pull_request.check_run_completed(CHECK).await;
    let said = plain(check.text);
    assert!(said.contains(&format!("attested by acme/shop/{CI}@refs/pull/1/merge")), "{said}");
    world.palisade.settled().await;
    let root = world._root.path().join("trusted_root.json").display().to_string();
    std::fs::write(path("palisade.toml"), format!("{text}\n[provenance]\ntrusted_root = {root:?}\n")).expect("a file");
    let record = std::fs::read_dir(path("records/records")).expect("records").next().expect("one").expect("an entry");
    let id = record.file_name().to_string_lossy().trim_end_matches(".json").to_owned();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_palisade-cli"))
        .args(["replay", &id])
        .current_dir(house.path())
        .env_clear()
        .env("PALISADE_CACHE_DIRECTORY", palisade_tests::compiled_code())
        .output()
        .expect("the program starts");
    let told = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(told.ends_with("the same decision\n"), "{told}");
}

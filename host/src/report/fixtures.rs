//! Records for the tests of this room.

use crate::model::artifact::{UnreadableArtifact, UnreadableCause};
use crate::model::evidence::{Hidden, HiddenBy, ItemRef};
use crate::model::plan::{Knobs, Plan, PushedCommits, WaitFor};
use crate::model::record::{CheckRecord, HiddenRecord, InputRecord, Record, Runs};
use crate::model::report::{Coverage, Location, Severity};
use crate::model::verdict::{Effect, EvidenceRef, Judged, Outcome, Violation};
use crate::model::{
    Broken, BrokenKind, CheckName, CommitKey, Digest, HeadSha, InstallationId, JobId, Judgement, RepositoryName,
    Verdict,
};

pub const MARCH: u64 = 1_772_323_200;

pub fn violation(effect: Effect) -> Violation {
    Violation {
        rule: "severity".to_owned(),
        effect,
        severity: Some(Severity::High),
        message: "CVE-2021-23337 is high, the limit is medium".to_owned(),
        subject: Some("pkg:npm/lodash@4.17.20".to_owned()),
        evidence: vec![EvidenceRef::Finding(ItemRef { report: 0, index: 0 })],
        waivable: true,
        how_to_fix: Some("take 4.17.21".to_owned()),
        location: Some(Location { path: "package-lock.json".to_owned(), start_line: Some(12), ..Location::default() }),
        properties: Vec::new(),
        waived: None,
    }
}

pub fn verdict(outcome: Outcome) -> Verdict {
    let violations = match outcome {
        Outcome::Fail => vec![violation(Effect::Warn), violation(Effect::Deny)],
        Outcome::Warn => vec![violation(Effect::Warn)],
        Outcome::Pass | Outcome::NotApplicable => Vec::new(),
    };
    Verdict {
        outcome,
        title: "1 of 7 vulnerabilities blocks".to_owned(),
        summary: String::new(),
        violations,
        judged: vec![("vulnerabilities".to_owned(), 7)],
        valid_until: None,
        properties: Vec::new(),
    }
}

pub fn answered(outcome: Outcome) -> Judged {
    Judged::Verdict(verdict(outcome))
}

pub fn broken(kind: BrokenKind) -> Judged {
    let broken = Broken::new(kind, "`vulnerability` ran longer than 2 s").hint("raise `limits.wall`").limit("wall");
    Judged::Broken(broken, None)
}

pub fn unavailable() -> Judged {
    Judged::Outage("scan: GitHub answered 503".to_owned(), None)
}

/// A check with one policy for each answer, all of which read vulnerabilities.
pub fn check(answers: Vec<Judged>) -> CheckRecord {
    let reads = vec![vec![Coverage::Vulnerabilities]; answers.len()];
    let judgement = |verdict| Judgement { plugin: "vulnerability".to_owned(), verdict, notices: Vec::new() };
    CheckRecord {
        check: CheckName::parse("Vulnerability Scan Check").unwrap(),
        knobs: Knobs::default(),
        wait_for: WaitFor::Covered,
        judgements: answers.into_iter().map(judgement).collect(),
        reads,
        min_provenance: None,
        left_out: Vec::new(),
        accepted: None,
        mode: Default::default(),
        other_paths: None,
        baseline: None,
        notices: Vec::new(),
    }
}

pub fn input(path: &str) -> InputRecord {
    InputRecord {
        path: path.to_owned(),
        digest: Digest::of(path.as_bytes()),
        normalizer: "trivy".to_owned(),
        format: "trivy-json 2".to_owned(),
        covers: vec![Coverage::Vulnerabilities],
        partial: false,
        findings: 7,
        components: 0,
        cut: false,
        tool: Some("trivy 0.60.0".to_owned()),
        provenance: None,
        run: None,
        diagnostics: Vec::new(),
    }
}

pub fn unreadable() -> UnreadableArtifact {
    UnreadableArtifact {
        path: "scan/sbom.json".to_owned(),
        digest: None,
        format: Some("spdx-json".to_owned()),
        covers: vec![Coverage::Components],
        reason: "it breaks off after 12 bytes".to_owned(),
        cause: UnreadableCause::File,
        provenance: None,
    }
}

pub fn hidden() -> HiddenRecord {
    HiddenRecord {
        id: "CVE-2020-8203".to_owned(),
        package: Some("pkg:npm/lodash@4.17.20".to_owned()),
        severity: Some(Severity::High),
        path: "scan/trivy.json".to_owned(),
        hidden: Hidden {
            by: HiddenBy::Waiver,
            who: Some("@team-payments".to_owned()),
            why: "not reachable, see ADR-12".to_owned(),
            until: Some(MARCH),
        },
        kind: Some(Coverage::Vulnerabilities),
    }
}

pub fn record(checks: Vec<CheckRecord>) -> Record {
    Record {
        job: JobId("job".to_owned()),
        commit: CommitKey {
            installation: InstallationId(1),
            repository: RepositoryName::new("acme", "shop").unwrap(),
            sha: HeadSha::parse(&"a".repeat(40)).unwrap(),
        },
        pull_requests: vec![7],
        now: MARCH - 1,
        plan: Plan {
            checks: Vec::new(),
            normalizers: Vec::new(),
            waivers: Vec::new(),
            evidence_globs: Vec::new(),
            workflows: Vec::new(),
            events: Vec::new(),
            trusted_workflows: Vec::new(),
            no_run_deadline_s: 900,
            evidence_deadline_s: 21_600,
            notices: Vec::new(),
            proposed_waivers: Vec::new(),
            commits: PushedCommits::default(),
        },
        runs: Runs { ended: 1, artifacts: 1, files: 1, ..Runs::default() },
        inputs: vec![input("scan/trivy.json")],
        unreadable: Vec::new(),
        material: None,
        checks,
        notices: Vec::new(),
        hidden: [0; 3],
        hidden_findings: Vec::new(),
        remote_answers: Vec::new(),
        changed_lines: None,
        baselines: Vec::new(),
        request: None,
        timings_ms: Vec::new(),
    }
}

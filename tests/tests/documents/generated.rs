//! Evidence that no tool writes, with every member here and there. The same seed gives the same evidence.

use palisade::correlate;
use palisade::model::artifact::{RunSource, Source, UnreadableCause};
use palisade::model::evidence::{Age, Context, Evidence, Hidden, HiddenBy, SourcedReport};
use palisade::model::ids::RunId;
use palisade::model::provenance::Attestation as Signed;
use palisade::model::report::*;
use palisade::model::{Digest, UnreadableArtifact};
use std::sync::Arc;

/// Marsaglia's xorshift: enough to be different, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }
    fn maybe<T>(&mut self, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.roll(2) == 0).then(|| value(self))
    }
    fn some<T>(&mut self, mut value: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.roll(3)).map(|_| value(self)).collect()
    }
    fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len())]
    }
    fn text(&mut self) -> String {
        self.one_of(&["", "a", "pkg:npm/a@1", "SPDXRef-DOCUMENT", "HIGH", "\"\u{1}\\", "ü 🦀", "a/b c"]).to_owned()
    }
    fn number(&mut self) -> u32 {
        self.one_of(&[0, 1, 7, u32::MAX])
    }
    fn fraction(&mut self) -> f64 {
        self.one_of(&[0.0, 0.5, 7.2, 10.0])
    }
    /// Also what no producer means and a broken plugin may hand over.
    fn any_number(&mut self) -> f64 {
        self.one_of(&[0.0, 7.2, f64::NAN, f64::INFINITY])
    }
    fn texts(&mut self) -> Vec<String> {
        self.some(Self::text)
    }
    fn pairs(&mut self) -> Properties {
        let names = ["ecosystem", "filesAnalyzed", "externalRef", "scan-time", "scan-target", "schema-version", "x"];
        self.some(|dice| (dice.one_of(&names).to_owned(), dice.text()))
    }
}

/// Evidence with findings of every kind, hidden in every way, and sometimes a baseline.
pub fn evidence(seed: u64) -> Evidence {
    // Zero would stay zero.
    let dice = &mut Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let reports: Vec<SourcedReport> = (0..dice.roll(4)).map(|index| sourced(dice, index)).collect();
    let unreadable = dice.some(unreadable);
    let mut evidence = correlate::evidence(context(dice), reports, unreadable, &[]);
    for finding in &mut evidence.findings {
        finding.age = dice.one_of(Age::ALL);
        finding.hidden = dice.maybe(hidden);
    }
    evidence.baseline = dice.maybe(|dice| (0..dice.roll(3)).map(|index| sourced(dice, index)).collect());
    evidence.changed_paths = dice.maybe(Dice::texts);
    evidence
}

fn hidden(dice: &mut Dice) -> Hidden {
    Hidden {
        by: dice.one_of(HiddenBy::ALL),
        who: dice.maybe(Dice::text),
        why: dice.text(),
        until: dice.maybe(|dice| u64::from(dice.number())),
    }
}

fn context(dice: &mut Dice) -> Context {
    Context {
        owner: dice.text(),
        repository: dice.text(),
        repository_id: dice.maybe(|dice| u64::from(dice.number())),
        head_sha: dice.text(),
        base_sha: dice.maybe(Dice::text),
        base_branch: dice.maybe(Dice::text),
        pull_requests: dice.some(|dice| u64::from(dice.number())),
        event: dice.maybe(Dice::text),
        now: u64::from(dice.number()),
        properties: dice.pairs(),
    }
}

fn unreadable(dice: &mut Dice) -> UnreadableArtifact {
    UnreadableArtifact {
        path: dice.text(),
        digest: dice.maybe(|dice| Digest::of(dice.text().as_bytes())),
        format: dice.maybe(Dice::text),
        covers: dice.some(|dice| dice.one_of(Coverage::ALL)),
        reason: dice.text(),
        cause: UnreadableCause::File,
        provenance: None,
    }
}

fn sourced(dice: &mut Dice, index: usize) -> SourcedReport {
    let run = dice.maybe(|dice| RunSource {
        stale_attempt: dice.roll(2) > 0,
        workflow_id: dice.maybe(|dice| u64::from(dice.number())),
        workflow_sha: dice.maybe(Dice::text),
        repository_id: dice.maybe(|dice| u64::from(dice.number())),
        head_repository_id: dice.maybe(|dice| u64::from(dice.number())),
        triggering_actor: dice.maybe(Dice::text),
        artifact_id: dice.maybe(|dice| u64::from(dice.number())),
        artifact_digest: dice.maybe(|dice| Digest::of(dice.text().as_bytes())),
        id: RunId(u64::from(dice.number())),
        attempt: dice.number(),
        workflow_path: dice.text(),
        event: dice.text(),
        actor: dice.maybe(Dice::text),
        head_sha: dice.text(),
        created_at: u64::from(dice.number()),
        attestation: dice.maybe(|dice| Signed::Verified { signer: dice.text() }),
        ..RunSource::default()
    });
    let source = Source { provenance: dice.maybe(|dice| dice.one_of(Provenance::ALL)), path: dice.text(), run };
    let report = Arc::new(report(dice));
    // A file of its own, or it would count as the same again.
    SourcedReport { report, source, digest: Digest::of(&[index as u8]), normalizer: "generated".to_owned() }
}

fn report(dice: &mut Dice) -> Report {
    let format = dice.one_of(&["spdx-json", "trivy-json", "cyclonedx-json", "sarif"]).to_owned();
    Report {
        format: Format { name: format, version: dice.maybe(Dice::text) },
        tool: dice.maybe(|dice| (dice.text(), dice.maybe(Dice::text))),
        covers: Coverage::ALL.iter().copied().filter(|_| dice.roll(3) > 0).collect(),
        completeness: dice.one_of(Completeness::ALL),
        properties: dice.pairs(),
        findings: (0..dice.roll(12)).map(|_| finding(dice)).collect(),
        components: (0..dice.roll(6)).map(|_| component(dice)).collect(),
        dependencies: dice.some(|dice| Dependency { parent: dice.text(), child: dice.text(), scope: scope(dice) }),
        vex: dice.some(vex),
        attestations: dice.some(attestation),
        documents: Vec::new(),
        diagnostics: dice.some(|dice| Diagnostic {
            level: dice.one_of(DiagnosticLevel::ALL),
            message: dice.text(),
            pointer: dice.maybe(Dice::text),
        }),
        diagnostics_dropped: 0,
    }
}

fn finding(dice: &mut Dice) -> Finding {
    Finding {
        id: dice.text(),
        severity: dice.maybe(|dice| dice.one_of(Severity::ALL)),
        severity_raw: dice.maybe(Dice::text),
        severity_source: dice.maybe(Dice::text),
        title: dice.text(),
        description: dice.maybe(Dice::text),
        package: dice.maybe(package),
        locations: dice.some(location),
        detail: detail(dice),
        how_to_fix: dice.maybe(Dice::text),
        references: dice.texts(),
        fingerprints: dice.pairs(),
        tool_status: dice.maybe(|dice| ToolStatus {
            suppressed: dice.roll(2) == 0,
            status: dice.maybe(Dice::text),
            by: dice.maybe(Dice::text),
            reason: dice.maybe(Dice::text),
            until: dice.maybe(Dice::text),
        }),
        origin: dice.maybe(Dice::text),
        properties: dice.pairs(),
    }
}

fn detail(dice: &mut Dice) -> Detail {
    let kind = |dice: &mut Dice| dice.maybe(Dice::text);
    match dice.roll(10) {
        0 => Detail::License(claim(dice)),
        1 => Detail::Secret(LeakedSecret { detector: dice.text(), verified: dice.maybe(|dice| dice.roll(2) == 0) }),
        2 => Detail::Misconfiguration(Misconfiguration {
            rule_result: dice.one_of(RuleResult::ALL),
            resource: kind(dice),
            provider: kind(dice),
        }),
        3 => Detail::Code(CodeIssue { cwes: dice.some(Dice::number), precision: kind(dice) }),
        4 => Detail::Score(Score { value: dice.maybe(Dice::any_number), maximum: dice.fraction() }),
        5 => Detail::Change(Change {
            kind: dice.one_of(ChangeKind::ALL),
            field: kind(dice),
            before: kind(dice),
            after: kind(dice),
        }),
        6 => Detail::Other,
        _ => Detail::Vulnerability(vulnerability(dice)),
    }
}

fn vulnerability(dice: &mut Dice) -> Vulnerability {
    Vulnerability {
        aliases: dice.texts(),
        ratings: dice.some(|dice| Cvss {
            version: dice.text(),
            vector: dice.maybe(Dice::text),
            base: dice.maybe(Dice::any_number),
            source: dice.maybe(Dice::text),
        }),
        epss: dice.maybe(Dice::any_number),
        known_exploited: dice.maybe(|dice| dice.roll(2) == 0),
        cwes: dice.some(Dice::number),
        fix: Fix {
            state: dice.one_of(FixState::ALL),
            versions: dice.texts(),
            suggested: dice.maybe(Dice::text),
            breaking: dice.maybe(|dice| dice.roll(2) == 0),
        },
        published: dice.maybe(Dice::text),
        modified: dice.maybe(Dice::text),
    }
}

fn package(dice: &mut Dice) -> PackageRef {
    PackageRef {
        name: dice.text(),
        version: dice.maybe(Dice::text),
        purl: dice.maybe(Dice::text),
        component: dice.maybe(Dice::text),
        scope: scope(dice),
        relation: dice.one_of(ComponentRelation::ALL),
        introduced_by: dice.texts(),
    }
}

fn scope(dice: &mut Dice) -> ComponentScope {
    dice.one_of(ComponentScope::ALL)
}

fn location(dice: &mut Dice) -> Location {
    Location {
        path: dice.text(),
        start_line: dice.maybe(Dice::number),
        end_line: dice.maybe(Dice::number),
        start_column: dice.maybe(Dice::number),
        end_column: dice.maybe(Dice::number),
        layer: dice.maybe(Dice::text),
    }
}

fn claim(dice: &mut Dice) -> LicenseClaim {
    let value = match dice.roll(4) {
        0 => LicenseValue::Name(dice.text()),
        1 => LicenseValue::NoAssertion,
        2 => LicenseValue::NoneStated,
        _ => LicenseValue::Expression(dice.text()),
    };
    LicenseClaim { source: dice.one_of(LicenseSource::ALL), value }
}

fn component(dice: &mut Dice) -> Component {
    Component {
        id: dice.text(),
        name: dice.text(),
        version: dice.maybe(Dice::text),
        purl: dice.maybe(Dice::text),
        component_type: dice.maybe(Dice::text),
        supplier: dice.maybe(Dice::text),
        licenses: dice.some(claim),
        scope: scope(dice),
        relation: dice.one_of(ComponentRelation::ALL),
        locations: dice.some(location),
        hashes: dice.texts(),
        cpes: dice.texts(),
        published: dice.maybe(Dice::text),
        deprecated: dice.maybe(|dice| dice.roll(2) == 0),
        origin: dice.maybe(Dice::text),
        properties: dice.pairs(),
    }
}

fn vex(dice: &mut Dice) -> VexStatement {
    VexStatement {
        vulnerability: dice.text(),
        aliases: dice.texts(),
        products: dice.some(|dice| VexProduct { product: dice.text(), subcomponents: dice.texts() }),
        status: dice.one_of(VexStatus::ALL),
        justification: dice.maybe(Dice::text),
        statement: dice.maybe(Dice::text),
        action: dice.maybe(Dice::text),
        author: dice.maybe(Dice::text),
        timestamp: dice.maybe(Dice::text),
        last_updated: dice.maybe(Dice::text),
    }
}

fn attestation(dice: &mut Dice) -> Attestation {
    Attestation {
        predicate_type: dice.text(),
        subjects: dice.some(|dice| Subject { name: dice.text(), digest: dice.text() }),
        builder: dice.maybe(Dice::text),
        source: dice.maybe(Dice::text),
    }
}

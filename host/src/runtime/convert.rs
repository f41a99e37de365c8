//! Between the contract's generated types and the nouns of `model`. On the way in texts are moved; on the way out
//! they are copied straight into the generated types, without the parts that nobody asked for. Judges nothing.

use super::contract::{artifacts, evidence, types, verdicts};
use crate::model::artifact::{self, Outline, Syntax, UnreadableArtifact};
use crate::model::evidence::{self as seen, Age, Context, HiddenBy, ItemRef, SourcedReport};
use crate::model::report::{self as model, Properties};
use crate::model::verdict::{self as judged, Effect, Outcome};

/// Enums whose cases have the same names on both sides, both ways.
macro_rules! same_cases {
    ($($generated:path = $noun:path { $($case:ident),+ })+) => {
        $(
            impl From<$generated> for $noun {
                fn from(value: $generated) -> Self {
                    match value { $(<$generated>::$case => <$noun>::$case),+ }
                }
            }
            impl From<$noun> for $generated {
                fn from(value: $noun) -> Self {
                    match value { $(<$noun>::$case => <$generated>::$case),+ }
                }
            }
        )+
    };
}
same_cases! {
    types::Severity = model::Severity { Negligible, Low, Medium, High, Critical }
    types::Coverage = model::Coverage {
        Components, Licenses, Vulnerabilities, Secrets, Misconfigurations, Code, Scores, Changes, Vex, Attestations, Other
    }
    types::ComponentScope = model::ComponentScope { Unknown, Runtime, Optional, Development, Test, Build, Excluded }
    types::ComponentRelation = model::ComponentRelation { Unknown, Root, Direct, Transitive }
    types::FixState = model::FixState { Unknown, Fixed, NotFixed, Deferred, WontFix, EndOfLife }
    types::RuleResult = model::RuleResult { Failed, Passed, NotApplicable }
    types::ChangeKind = model::ChangeKind { Added, Removed, Modified }
    types::LicenseSource = model::LicenseSource { Unknown, Declared, Concluded, Detected }
    types::VexStatus = model::VexStatus { NotAffected, Affected, Fixed, UnderInvestigation }
    types::SignatureState = model::SignatureState { Unsigned, Unchecked, Verified, Failed }
    types::Completeness = model::Completeness { Unknown, Complete, Partial, Cut }
    types::Provenance = model::Provenance { Fork, ChangedWorkflow, Repository, TrustedWorkflow, Attested }
    types::DiagnosticLevel = model::DiagnosticLevel { Note, Warning }
    artifacts::Syntax = Syntax { Json, JsonLines, Xml, Text, Binary }
    evidence::HiddenBy = HiddenBy { Tool, Vex, Waiver }
    evidence::Age = Age { Unknown, Existing, Introduced, Disclosed }
    verdicts::Outcome = Outcome { Pass, Warn, Fail, NotApplicable }
    verdicts::Effect = Effect { Info, Warn, Deny }
}

/// Records whose fields have the same names on both sides. `=` moves a field as it is, `~` converts one value,
/// `*` every element of a list.
macro_rules! same_fields {
    ($($generated:path => $noun:path { = $($plain:ident),*; ~ $($one:ident),*; * $($each:ident),* })+) => {
        $(
            impl From<$generated> for $noun {
                fn from(value: $generated) -> Self {
                    Self {
                        $($plain: value.$plain,)*
                        $($one: value.$one.into(),)*
                        $($each: value.$each.into_iter().map(Into::into).collect(),)*
                    }
                }
            }
            impl From<&$noun> for $generated {
                fn from(value: &$noun) -> Self {
                    Self {
                        $($plain: value.$plain.clone(),)*
                        $($one: (&value.$one).into(),)*
                        $($each: value.$each.iter().map(Into::into).collect(),)*
                    }
                }
            }
        )+
    };
}

/// The same for references to enums, which are copied.
macro_rules! copied {
    ($($generated:path = $noun:path),+ $(,)?) => {
        $(impl From<&$noun> for $generated {
            fn from(value: &$noun) -> Self {
                (*value).into()
            }
        })+
    };
}
copied! {
    types::Severity = model::Severity, types::Coverage = model::Coverage, types::ComponentScope = model::ComponentScope,
    types::ComponentRelation = model::ComponentRelation, types::FixState = model::FixState,
    types::RuleResult = model::RuleResult, types::ChangeKind = model::ChangeKind,
    types::LicenseSource = model::LicenseSource, types::VexStatus = model::VexStatus,
    types::DiagnosticLevel = model::DiagnosticLevel,
}

same_fields! {
    types::Location => model::Location {
        = path, start_line, end_line, start_column, end_column, layer; ~; *
    }
    types::PackageRef => model::PackageRef {
        = name, version, purl, component, introduced_by; ~ scope, relation; *
    }
    types::Cvss => model::Cvss { = version, vector, base, source; ~; * }
    types::Fix => model::Fix { = versions, suggested, breaking; ~ state; * }
    types::Misconfiguration => model::Misconfiguration { = resource, provider; ~ rule_result; * }
    types::Secret => model::LeakedSecret { = detector, verified; ~; * }
    types::CodeIssue => model::CodeIssue { = cwes, precision; ~; * }
    types::Score => model::Score { = value, maximum; ~; * }
    types::Change => model::Change { = field, before, after; ~ kind; * }
    types::LicenseClaim => model::LicenseClaim { = ; ~ source, value; * }
    types::ToolStatus => model::ToolStatus { = suppressed, status, by, reason, until; ~; * }
    types::Dependency => model::Dependency { = parent, child; ~ scope; * }
    types::VexProduct => model::VexProduct { = product, subcomponents; ~; * }
    types::VexStatement => model::VexStatement {
        = vulnerability, aliases, justification, statement, action, author, timestamp, last_updated; ~ status; * products
    }
    types::Subject => model::Subject { = name, digest; ~; * }
    types::Attestation => model::Attestation { = predicate_type, builder, source; ~; * subjects }
    types::Diagnostic => model::Diagnostic { = message, pointer; ~ level; * }
}

impl From<types::LicenseValue> for model::LicenseValue {
    fn from(value: types::LicenseValue) -> Self {
        match value {
            types::LicenseValue::Expression(text) => Self::Expression(text),
            types::LicenseValue::Name(text) => Self::Name(text),
            types::LicenseValue::NoAssertion => Self::NoAssertion,
            types::LicenseValue::NoneStated => Self::NoneStated,
        }
    }
}
impl From<&model::LicenseValue> for types::LicenseValue {
    fn from(value: &model::LicenseValue) -> Self {
        match value {
            model::LicenseValue::Expression(text) => Self::Expression(text.clone()),
            model::LicenseValue::Name(text) => Self::Name(text.clone()),
            model::LicenseValue::NoAssertion => Self::NoAssertion,
            model::LicenseValue::NoneStated => Self::NoneStated,
        }
    }
}

impl From<types::Vulnerability> for model::Vulnerability {
    fn from(value: types::Vulnerability) -> Self {
        let types::Vulnerability { aliases, ratings, epss, known_exploited, cwes, fix, published, modified } = value;
        let ratings = ratings.into_iter().map(Into::into).collect();
        Self { aliases, ratings, epss, known_exploited, cwes, fix: fix.into(), published, modified }
    }
}

impl From<types::Detail> for model::Detail {
    fn from(value: types::Detail) -> Self {
        match value {
            types::Detail::Vulnerability(it) => Self::Vulnerability(it.into()),
            types::Detail::License(it) => Self::License(it.into()),
            types::Detail::Secret(it) => Self::Secret(it.into()),
            types::Detail::Misconfiguration(it) => Self::Misconfiguration(it.into()),
            types::Detail::Code(it) => Self::Code(it.into()),
            types::Detail::Score(it) => Self::Score(it.into()),
            types::Detail::Change(it) => Self::Change(it.into()),
            types::Detail::Other => Self::Other,
        }
    }
}

fn detail(value: &model::Detail, parts: types::FindingParts) -> types::Detail {
    match value {
        model::Detail::Vulnerability(it) => types::Detail::Vulnerability(types::Vulnerability {
            aliases: it.aliases.clone(),
            ratings: listed(&it.ratings, parts.contains(types::FindingParts::RATINGS)),
            epss: it.epss,
            known_exploited: it.known_exploited,
            cwes: it.cwes.clone(),
            fix: (&it.fix).into(),
            published: it.published.clone(),
            modified: it.modified.clone(),
        }),
        model::Detail::License(it) => types::Detail::License(it.into()),
        model::Detail::Secret(it) => types::Detail::Secret(it.into()),
        model::Detail::Misconfiguration(it) => types::Detail::Misconfiguration(it.into()),
        model::Detail::Code(it) => types::Detail::Code(it.into()),
        model::Detail::Score(it) => types::Detail::Score(it.into()),
        model::Detail::Change(it) => types::Detail::Change(it.into()),
        model::Detail::Other => types::Detail::Other,
    }
}

/// A list that was asked for, or nothing.
fn listed<'a, T, U: From<&'a T>>(list: &'a [T], asked: bool) -> Vec<U> {
    if asked { list.iter().map(Into::into).collect() } else { Vec::new() }
}

fn pairs(list: &Properties, asked: bool) -> Properties {
    if asked { list.clone() } else { Vec::new() }
}

impl From<types::Finding> for model::Finding {
    fn from(value: types::Finding) -> Self {
        Self {
            id: value.id,
            severity: value.severity.map(Into::into),
            severity_raw: value.severity_raw,
            severity_source: value.severity_source,
            title: value.title,
            description: value.description,
            package: value.package.map(Into::into),
            locations: value.locations.into_iter().map(Into::into).collect(),
            detail: value.detail.into(),
            how_to_fix: value.how_to_fix,
            references: value.references,
            fingerprints: value.fingerprints,
            tool_status: value.tool_status.map(Into::into),
            origin: value.origin,
            properties: value.properties,
        }
    }
}

/// A finding with the parts that were asked for.
pub fn finding(value: &model::Finding, parts: types::FindingParts) -> types::Finding {
    use types::FindingParts as Parts;
    types::Finding {
        id: value.id.clone(),
        severity: value.severity.map(Into::into),
        severity_raw: value.severity_raw.clone(),
        severity_source: value.severity_source.clone(),
        title: value.title.clone(),
        description: value.description.as_ref().filter(|_| parts.contains(Parts::DESCRIPTION)).cloned(),
        package: value.package.as_ref().map(Into::into),
        locations: listed(&value.locations, parts.contains(Parts::LOCATIONS)),
        detail: detail(&value.detail, parts),
        how_to_fix: value.how_to_fix.clone(),
        references: if parts.contains(Parts::REFERENCES) { value.references.clone() } else { Vec::new() },
        fingerprints: pairs(&value.fingerprints, parts.contains(Parts::FINGERPRINTS)),
        tool_status: value.tool_status.as_ref().map(Into::into),
        origin: value.origin.clone(),
        properties: pairs(&value.properties, parts.contains(Parts::PROPERTIES)),
    }
}

impl From<types::Component> for model::Component {
    fn from(value: types::Component) -> Self {
        Self {
            id: value.id,
            name: value.name,
            version: value.version,
            purl: value.purl,
            component_type: value.component_type,
            supplier: value.supplier,
            licenses: value.licenses.into_iter().map(Into::into).collect(),
            scope: value.scope.into(),
            relation: value.relation.into(),
            locations: value.locations.into_iter().map(Into::into).collect(),
            hashes: value.hashes,
            cpes: value.cpes,
            published: value.published,
            deprecated: value.deprecated,
            origin: value.origin,
            properties: value.properties,
        }
    }
}

/// A component with the parts that were asked for.
pub fn component(value: &model::Component, parts: types::ComponentParts) -> types::Component {
    use types::ComponentParts as Parts;
    types::Component {
        id: value.id.clone(),
        name: value.name.clone(),
        version: value.version.clone(),
        purl: value.purl.clone(),
        component_type: value.component_type.clone(),
        supplier: value.supplier.clone(),
        licenses: listed(&value.licenses, parts.contains(Parts::LICENSES)),
        scope: value.scope.into(),
        relation: value.relation.into(),
        locations: listed(&value.locations, parts.contains(Parts::LOCATIONS)),
        hashes: if parts.contains(Parts::HASHES) { value.hashes.clone() } else { Vec::new() },
        cpes: if parts.contains(Parts::CPES) { value.cpes.clone() } else { Vec::new() },
        published: value.published.clone(),
        deprecated: value.deprecated,
        origin: value.origin.clone(),
        properties: pairs(&value.properties, parts.contains(Parts::PROPERTIES)),
    }
}

/// Nobody checks signatures yet, so none is claimed.
pub fn attestation(value: &model::Attestation) -> types::CheckedAttestation {
    types::CheckedAttestation { attestation: value.into(), signature: types::SignatureState::Unsigned, signer: None }
}

pub fn outline(value: &Outline) -> artifacts::Outline {
    artifacts::Outline {
        syntax: value.syntax.into(),
        encoding: value.encoding.clone(),
        members: value.members.clone(),
        root: value.root.clone(),
        cut: value.cut,
        well_formed: value.well_formed,
    }
}

pub fn source(report: &SourcedReport) -> types::Source {
    let artifact::Source { provenance, path, run } = &report.source;
    let run = run.as_ref();
    types::Source {
        provenance: provenance.map(Into::into),
        path: path.clone(),
        sha256: report.digest.to_string(),
        run_id: run.map(|run| run.id.0),
        run_attempt: run.map(|run| run.attempt),
        workflow_path: run.map(|run| run.workflow_path.clone()),
        event: run.map(|run| run.event.clone()),
        actor: run.and_then(|run| run.actor.clone()),
        head_sha: run.map(|run| run.head_sha.clone()),
        created_at: run.map(|run| run.created_at),
        properties: run.map(source_properties).unwrap_or_default(),
    }
}

/// What the contract's record has no member for. What is absent is left out, and so is a stale attempt that is none.
fn source_properties(run: &artifact::RunSource) -> Vec<(String, String)> {
    let number = |number: Option<u64>| number.map(|number| number.to_string());
    let properties = [
        ("stale-attempt", run.stale_attempt.then(|| "true".to_owned())),
        ("is-fork", Some(run.is_fork().to_string())),
        ("workflow-id", number(run.workflow_id)),
        ("workflow-sha", run.workflow_sha.clone()),
        ("repository-id", number(run.repository_id)),
        ("head-repository-id", number(run.head_repository_id)),
        ("triggering-actor", run.triggering_actor.clone()),
        ("artifact-id", number(run.artifact_id)),
        ("artifact-digest", run.artifact_digest.map(|digest| digest.to_string())),
        ("attested-by", run.signer().map(str::to_owned)),
    ];
    properties.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

pub fn context(value: &Context) -> evidence::Context {
    let Context {
        owner,
        repository,
        repository_id,
        head_sha,
        base_sha,
        base_branch,
        pull_requests,
        event,
        now,
        properties,
    } = value.clone();
    evidence::Context {
        owner,
        repository,
        repository_id,
        head_sha,
        base_sha,
        base_branch,
        pull_requests,
        event,
        now,
        properties,
    }
}

pub fn unreadable(value: &UnreadableArtifact) -> evidence::Unreadable {
    evidence::Unreadable {
        path: value.path.clone(),
        sha256: value.digest.map(|digest| digest.to_string()),
        format: value.format.clone(),
        covers: listed(&value.covers, true),
        reason: value.reason.clone(),
    }
}

/// A finding with what the host found out about it; `None` if it points at nothing, which `correlate` never writes.
pub fn assessed(
    value: &seen::AssessedFinding,
    reports: &[SourcedReport],
    parts: types::FindingParts,
) -> Option<evidence::AssessedFinding> {
    let of = reports.get(value.at.report as usize)?.report.findings.get(value.at.index as usize)?;
    Some(evidence::AssessedFinding {
        at: evidence::ItemRef { report: value.at.report, index: value.at.index },
        finding: finding(of, parts),
        group: value.group,
        age: value.age.into(),
        hidden: value.hidden.as_ref().map(|hidden| evidence::Hidden {
            by: hidden.by.into(),
            who: hidden.who.clone(),
            why: hidden.why.clone(),
            until: hidden.until,
        }),
    })
}

impl From<evidence::ItemRef> for ItemRef {
    fn from(value: evidence::ItemRef) -> Self {
        Self { report: value.report, index: value.index }
    }
}

impl From<verdicts::EvidenceRef> for judged::EvidenceRef {
    fn from(value: verdicts::EvidenceRef) -> Self {
        match value {
            verdicts::EvidenceRef::Finding(at) => Self::Finding(at.into()),
            verdicts::EvidenceRef::Component(at) => Self::Component(at.into()),
            verdicts::EvidenceRef::Report(report) => Self::Report(report),
            verdicts::EvidenceRef::BaselineFinding(at) => Self::BaselineFinding(at.into()),
            verdicts::EvidenceRef::BaselineComponent(at) => Self::BaselineComponent(at.into()),
        }
    }
}

impl From<verdicts::Violation> for judged::Violation {
    fn from(value: verdicts::Violation) -> Self {
        Self {
            rule: value.rule,
            effect: value.effect.into(),
            severity: value.severity.map(Into::into),
            message: value.message,
            subject: value.subject,
            evidence: value.evidence.into_iter().map(Into::into).collect(),
            waivable: value.waivable,
            how_to_fix: value.how_to_fix,
            location: value.location.map(Into::into),
            properties: value.properties,
            waived: None,
        }
    }
}

impl From<verdicts::Verdict> for judged::Verdict {
    fn from(value: verdicts::Verdict) -> Self {
        Self {
            outcome: value.outcome.into(),
            title: value.title,
            summary: value.summary,
            violations: value.violations.into_iter().map(Into::into).collect(),
            judged: value.judged,
            valid_until: value.valid_until,
            properties: value.properties,
        }
    }
}

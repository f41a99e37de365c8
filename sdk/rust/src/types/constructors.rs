//! Constructors and defaults of the generated records.
#![allow(clippy::derivable_impls)] // the records are generated: there is no place for a derive

use crate::types::*;

impl Finding {
    /// A finding of which only the identifier (`CVE-…`, a rule's id), a one-line title and the kind are known.
    pub fn new(id: impl Into<String>, title: impl Into<String>, detail: Detail) -> Finding {
        Finding {
            id: id.into(),
            severity: None,
            severity_raw: None,
            severity_source: None,
            title: title.into(),
            description: None,
            package: None,
            locations: Vec::new(),
            detail,
            how_to_fix: None,
            references: Vec::new(),
            fingerprints: Vec::new(),
            tool_status: None,
            origin: None,
            properties: Vec::new(),
        }
    }

    /// Adds a fact that has no field.
    pub fn property(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.properties.push((name.into(), value.into()));
    }

    /// Sets severity and raw word from the producer's word; an unknown word keeps the raw form only, an empty one
    /// nothing.
    pub fn severity_word(&mut self, word: impl Into<String>) {
        let word = word.into();
        self.severity = Severity::from_word(&word);
        self.severity_raw = Some(word).filter(|word| !word.is_empty());
    }

    /// The vulnerability's own facts, if it is one.
    pub fn vulnerability(&self) -> Option<&Vulnerability> {
        match &self.detail {
            Detail::Vulnerability(vulnerability) => Some(vulnerability),
            _ => None,
        }
    }

    /// The licence claim, if the finding is about a licence.
    pub fn license(&self) -> Option<&LicenseClaim> {
        match &self.detail {
            Detail::License(claim) => Some(claim),
            _ => None,
        }
    }
}

impl Detail {
    /// The kind as a word: `vulnerability`, `license`, `secret`, `misconfiguration`, `code`, `score`, `change`, `other`.
    pub fn kind(&self) -> &'static str {
        match self {
            Detail::Vulnerability(_) => "vulnerability",
            Detail::License(_) => "license",
            Detail::Secret(_) => "secret",
            Detail::Misconfiguration(_) => "misconfiguration",
            Detail::Code(_) => "code",
            Detail::Score(_) => "score",
            Detail::Change(_) => "change",
            Detail::Other => "other",
        }
    }
}

impl Component {
    /// A component of which only the producer's identifier (unique in the report) and the name are known.
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Component {
        Component {
            id: id.into(),
            name: name.into(),
            version: None,
            purl: None,
            component_type: None,
            supplier: None,
            licenses: Vec::new(),
            scope: ComponentScope::Unknown,
            relation: ComponentRelation::Unknown,
            locations: Vec::new(),
            hashes: Vec::new(),
            cpes: Vec::new(),
            published: None,
            deprecated: None,
            origin: None,
            properties: Vec::new(),
        }
    }

    /// Adds a fact that has no field.
    pub fn property(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.properties.push((name.into(), value.into()));
    }
}

impl PackageRef {
    /// A package of which only the name is known.
    pub fn new(name: impl Into<String>) -> PackageRef {
        PackageRef { name: name.into(), ..PackageRef::default() }
    }
}

impl Default for PackageRef {
    fn default() -> PackageRef {
        PackageRef {
            name: String::new(),
            version: None,
            purl: None,
            component: None,
            scope: ComponentScope::Unknown,
            relation: ComponentRelation::Unknown,
            introduced_by: Vec::new(),
        }
    }
}

impl Location {
    /// A whole file.
    pub fn at(path: impl Into<String>) -> Location {
        Location { path: path.into(), ..Location::default() }
    }

    /// A line of a file, from 1; a 0, which some tools write, counts as no line.
    pub fn line(path: impl Into<String>, line: u32) -> Location {
        Location { start_line: Some(line).filter(|line| *line > 0), ..Location::at(path) }
    }

    /// Lines of a file, from 1, both inclusive; zeros count as no line.
    pub fn lines(path: impl Into<String>, first: u32, last: u32) -> Location {
        Location { end_line: Some(last).filter(|last| *last > 0), ..Location::line(path, first) }
    }
}

impl Default for Location {
    fn default() -> Location {
        Location {
            path: String::new(),
            start_line: None,
            end_line: None,
            start_column: None,
            end_column: None,
            layer: None,
        }
    }
}

impl Cvss {
    /// A rating of a version (`2.0`, `3.0`, `3.1`, `4.0`) of which nothing else is known yet.
    pub fn new(version: impl Into<String>) -> Cvss {
        Cvss { version: version.into(), vector: None, base: None, source: None }
    }
}

impl Default for Fix {
    fn default() -> Fix {
        Fix { state: FixState::Unknown, versions: Vec::new(), suggested: None, breaking: None }
    }
}

impl Fix {
    /// Fixed in these versions, verbatim; none given means that the state is unknown.
    pub fn in_versions(versions: impl IntoIterator<Item = impl Into<String>>) -> Fix {
        let versions: Vec<String> = versions.into_iter().map(Into::into).collect();
        let state = if versions.is_empty() { FixState::Unknown } else { FixState::Fixed };
        Fix { state, versions, ..Fix::default() }
    }
}

impl Default for Vulnerability {
    fn default() -> Vulnerability {
        Vulnerability {
            aliases: Vec::new(),
            ratings: Vec::new(),
            epss: None,
            known_exploited: None,
            cwes: Vec::new(),
            fix: Fix::default(),
            published: None,
            modified: None,
        }
    }
}

impl Misconfiguration {
    /// A rule that failed.
    pub fn failed() -> Misconfiguration {
        Misconfiguration { rule_result: RuleResult::Failed, resource: None, provider: None }
    }
}

impl Secret {
    /// A secret found by the detector of this name; whether it works is not known.
    pub fn found_by(detector: impl Into<String>) -> Secret {
        Secret { detector: detector.into(), verified: None }
    }
}

impl Default for CodeIssue {
    fn default() -> CodeIssue {
        CodeIssue { cwes: Vec::new(), precision: None }
    }
}

impl Score {
    /// A score out of a maximum; `None` where the check was inconclusive.
    pub fn new(value: Option<f64>, maximum: f64) -> Score {
        Score { value, maximum }
    }
}

impl Change {
    /// A change of which only the direction is known.
    pub fn new(kind: ChangeKind) -> Change {
        Change { kind, field: None, before: None, after: None }
    }
}

impl LicenseClaim {
    /// A claim meant as an SPDX expression. `NOASSERTION` and `NONE` become their own cases.
    pub fn expression(source: LicenseSource, expression: impl Into<String>) -> LicenseClaim {
        let expression = expression.into();
        let value = match expression.trim() {
            "NOASSERTION" => LicenseValue::NoAssertion,
            "NONE" => LicenseValue::NoneStated,
            _ => LicenseValue::Expression(expression),
        };
        LicenseClaim { source, value }
    }

    /// A licence's name in words.
    pub fn name(source: LicenseSource, name: impl Into<String>) -> LicenseClaim {
        LicenseClaim { source, value: LicenseValue::Name(name.into()) }
    }
}

impl ToolStatus {
    /// The tool suppressed the finding; the word is its own for that.
    pub fn suppressed(status: impl Into<String>) -> ToolStatus {
        ToolStatus { suppressed: true, status: Some(status.into()), by: None, reason: None, until: None }
    }
}

impl Dependency {
    /// `parent` depends on `child`, both component ids of the same report; where it is used is not known.
    pub fn new(parent: impl Into<String>, child: impl Into<String>) -> Dependency {
        Dependency { parent: parent.into(), child: child.into(), scope: ComponentScope::Unknown }
    }
}

impl VexStatement {
    /// A statement about every product of its document.
    pub fn new(vulnerability: impl Into<String>, status: VexStatus) -> VexStatement {
        VexStatement {
            vulnerability: vulnerability.into(),
            aliases: Vec::new(),
            products: Vec::new(),
            status,
            justification: None,
            statement: None,
            action: None,
            author: None,
            timestamp: None,
            last_updated: None,
        }
    }
}

impl VexProduct {
    /// A product as a whole: package URL, component id, hash or CPE.
    pub fn new(product: impl Into<String>) -> VexProduct {
        VexProduct { product: product.into(), subcomponents: Vec::new() }
    }
}

impl Diagnostic {
    /// Odd, and nothing is lost by it.
    pub fn note(message: impl Into<String>) -> Diagnostic {
        Diagnostic { level: DiagnosticLevel::Note, message: message.into(), pointer: None }
    }

    /// Odd, and something may be missing because of it.
    pub fn warning(message: impl Into<String>) -> Diagnostic {
        Diagnostic { level: DiagnosticLevel::Warning, message: message.into(), pointer: None }
    }

    /// Says where: a JSON pointer, an element path or `line:12`.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Diagnostic {
        self.pointer = Some(pointer.into()).filter(|pointer: &String| !pointer.is_empty());
        self
    }
}

impl Failure {
    /// The artifact is not what it claims to be. Say where and what.
    pub fn malformed(message: impl std::fmt::Display) -> Failure {
        Failure::Malformed(message.to_string())
    }

    /// A known format in a version or feature that is not supported.
    pub fn unsupported(message: impl std::fmt::Display) -> Failure {
        Failure::Unsupported(message.to_string())
    }

    /// The settings are wrong. Say which key.
    pub fn settings(message: impl std::fmt::Display) -> Failure {
        Failure::Settings(message.to_string())
    }

    /// Anything else, such as "the scanner failed: …".
    pub fn other(message: impl std::fmt::Display) -> Failure {
        Failure::Other(message.to_string())
    }
}

/// A document that is no JSON, or other JSON than expected, is malformed.
impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Failure {
        Failure::Malformed(error.to_string())
    }
}

/// Reading from the host cannot fail; bytes that do not decode are the artifact's fault.
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        Failure::Malformed(error.to_string())
    }
}

impl Verdict {
    /// A verdict with a one-line title (plain text) and nothing else.
    pub fn new(outcome: Outcome, title: impl Into<String>) -> Verdict {
        Verdict {
            outcome,
            title: title.into(),
            summary: String::new(),
            violations: Vec::new(),
            judged: Vec::new(),
            valid_until: None,
            properties: Vec::new(),
        }
    }

    /// Everything is in order.
    pub fn pass(title: impl Into<String>) -> Verdict {
        Verdict::new(Outcome::Pass, title)
    }

    /// Nothing to judge.
    pub fn not_applicable(title: impl Into<String>) -> Verdict {
        Verdict::new(Outcome::NotApplicable, title)
    }

    /// The outcome that the violations ask for: `fail` if one denies, `warn` if one warns, else `pass`.
    pub fn of(title: impl Into<String>, violations: Vec<Violation>) -> Verdict {
        let has = |effect| violations.iter().any(|violation| violation.effect == effect);
        let outcome = match () {
            () if has(Effect::Deny) => Outcome::Fail,
            () if has(Effect::Warn) => Outcome::Warn,
            () => Outcome::Pass,
        };
        Verdict { violations, ..Verdict::new(outcome, title) }
    }

    /// Says how much was looked at, by the policy's own words: `packages` 312.
    #[must_use]
    pub fn judged(mut self, what: impl Into<String>, count: u64) -> Verdict {
        self.judged.push((what.into(), count));
        self
    }

    /// Sets the summary (Markdown; the host sanitises it).
    #[must_use]
    pub fn summary(mut self, markdown: impl Into<String>) -> Verdict {
        self.summary = markdown.into();
        self
    }
}

impl Violation {
    /// A reason that blocks. It may be waived until `waivable` is set to false.
    pub fn deny(rule: impl Into<String>, message: impl Into<String>) -> Violation {
        Violation::new(Effect::Deny, rule, message)
    }

    /// A reason to warn. It may be waived until `waivable` is set to false.
    pub fn warn(rule: impl Into<String>, message: impl Into<String>) -> Violation {
        Violation::new(Effect::Warn, rule, message)
    }

    /// Something for people to know.
    pub fn info(rule: impl Into<String>, message: impl Into<String>) -> Violation {
        Violation::new(Effect::Info, rule, message)
    }

    fn new(effect: Effect, rule: impl Into<String>, message: impl Into<String>) -> Violation {
        Violation {
            rule: rule.into(),
            effect,
            severity: None,
            message: message.into(),
            subject: None,
            evidence: Vec::new(),
            waivable: true,
            how_to_fix: None,
            location: None,
            properties: Vec::new(),
        }
    }

    /// Says what it is about: a purl, a package name, a resource.
    #[must_use]
    pub fn about(mut self, subject: impl Into<String>) -> Violation {
        self.subject = Some(subject.into());
        self
    }

    /// Rests it on a finding: takes over its reference, severity, first location, advice and, where nothing was said
    /// yet, the package as subject.
    #[must_use]
    pub fn on_finding(mut self, finding: &AssessedFinding) -> Violation {
        self.evidence.push(EvidenceRef::Finding(finding.at));
        self.severity = self.severity.max(finding.finding.severity);
        self.location = self.location.or_else(|| finding.finding.locations.first().cloned());
        self.how_to_fix = self.how_to_fix.or_else(|| finding.finding.how_to_fix.clone());
        let package = finding.finding.package.as_ref();
        self.subject = self.subject.or_else(|| package.map(|p| p.purl.clone().unwrap_or_else(|| p.name.clone())));
        self
    }

    /// Rests it on a component of one of the reports.
    #[must_use]
    pub fn on_component(mut self, at: ItemRef) -> Violation {
        self.evidence.push(EvidenceRef::Component(at));
        self
    }
}

impl AssessedFinding {
    /// It counts: neither the tool nor a VEX statement nor a waiver hides it.
    pub fn is_live(&self) -> bool {
        self.hidden.is_none()
    }
}

impl Outline {
    /// The JSON text of a top-level member's value, if it is a short scalar; `{` or `[` for an object or array.
    /// For XML the root element's attribute. `None` for an absent member and for a value that was too long.
    pub fn member(&self, name: &str) -> Option<&str> {
        self.members.iter().find(|(member, _)| member == name).and_then(|(_, value)| value.as_deref())
    }

    /// Whether the top-level object has the member, whatever its value.
    pub fn has(&self, name: &str) -> bool {
        self.members.iter().any(|(member, _)| member == name)
    }

    /// The member's value if it is a JSON string, or the attribute of an XML root.
    pub fn text(&self, name: &str) -> Option<String> {
        let value = self.member(name)?;
        if self.syntax == Syntax::Xml {
            return Some(value.to_owned());
        }
        serde_json::from_str(value).ok()
    }

    /// The member's value if it is a JSON number.
    pub fn number(&self, name: &str) -> Option<f64> {
        serde_json::from_str(self.member(name)?).ok()
    }

    /// Whether the member is an object.
    pub fn is_object(&self, name: &str) -> bool {
        self.member(name) == Some("{")
    }

    /// Whether the member is an array.
    pub fn is_array(&self, name: &str) -> bool {
        self.member(name) == Some("[")
    }
}

//! What a result is about, and what a run therefore covers. A linter's file says nothing about vulnerabilities, whatever it
//! calls its rules.

use palisade_plugin::Coverage;

/// Kinds of results, in the order in which a report names what it covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Vulnerability,
    Secret,
    Misconfiguration,
    Code,
}

impl Kind {
    pub fn coverage(self) -> Coverage {
        match self {
            Kind::Vulnerability => Coverage::Vulnerabilities,
            Kind::Secret => Coverage::Secrets,
            Kind::Misconfiguration => Coverage::Misconfigurations,
            Kind::Code => Coverage::Code,
        }
    }
}

/// Tools that look for one kind of thing only, by a part of the driver's name in lower case. Snyk's IaC stands before its
/// others, and Trivy is not here: what it looks for depends on how it is called.
const TOOLS: [(&str, Kind); 29] = [
    ("gitleaks", Kind::Secret),
    ("trufflehog", Kind::Secret),
    ("ggshield", Kind::Secret),
    ("gitguardian", Kind::Secret),
    ("detect-secrets", Kind::Secret),
    ("noseyparker", Kind::Secret),
    ("snyk iac", Kind::Misconfiguration),
    ("checkov", Kind::Misconfiguration),
    ("tfsec", Kind::Misconfiguration),
    ("kics", Kind::Misconfiguration),
    ("terrascan", Kind::Misconfiguration),
    ("kube-linter", Kind::Misconfiguration),
    ("kubescape", Kind::Misconfiguration),
    ("kubesec", Kind::Misconfiguration),
    ("grype", Kind::Vulnerability),
    ("anchore", Kind::Vulnerability),
    ("snyk open source", Kind::Vulnerability),
    ("snyk container", Kind::Vulnerability),
    ("osv-scanner", Kind::Vulnerability),
    ("dependency-check", Kind::Vulnerability),
    ("dependency-track", Kind::Vulnerability),
    ("npm-audit", Kind::Vulnerability),
    ("npm audit", Kind::Vulnerability),
    ("pip-audit", Kind::Vulnerability),
    ("cargo-audit", Kind::Vulnerability),
    ("govulncheck", Kind::Vulnerability),
    ("docker scout", Kind::Vulnerability),
    ("clair", Kind::Vulnerability),
    ("retire", Kind::Vulnerability),
];

const TAGS: [(&str, Kind); 7] = [
    ("vulnerability", Kind::Vulnerability),
    ("vulnerabilities", Kind::Vulnerability),
    ("secret", Kind::Secret),
    ("secrets", Kind::Secret),
    ("misconfiguration", Kind::Misconfiguration),
    ("misconfigurations", Kind::Misconfiguration),
    ("iac", Kind::Misconfiguration),
];

/// Databases whose ids begin rule ids.
const DATABASES: [&str; 7] = ["CVE-", "GHSA-", "RUSTSEC-", "SNYK-", "OSV-", "PYSEC-", "GO-20"];
/// Snyk's rules for cloud configurations, which share the prefix.
const SNYK_CLOUD: &str = "SNYK-CC-";

/// Trivy, without rules: what its defaults look for.
pub const TRIVY_DEFAULTS: [Kind; 2] = [Kind::Vulnerability, Kind::Secret];

/// The tool behind a run, looked at once: a log holds thousands of results of one driver.
#[derive(Debug, Default)]
pub struct Driver {
    pub name: String,
    /// What a known tool looks for.
    pub purpose: Option<Kind>,
    pub teller: Option<Teller>,
}

/// Tools whose messages name a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Teller {
    Trivy,
    Grype,
}

impl Driver {
    pub fn of(name: &str) -> Driver {
        let lower = name.to_ascii_lowercase();
        let teller = match () {
            () if lower.contains("trivy") => Some(Teller::Trivy),
            () if lower.contains("grype") => Some(Teller::Grype),
            () => None,
        };
        let purpose = TOOLS.iter().find(|(part, _)| lower.contains(part)).map(|(_, kind)| *kind);
        Driver { name: name.to_owned(), purpose, teller }
    }

    /// What a rule or result of this kind shows about the run. A tag alone makes no vulnerability scanner.
    pub fn shows(&self, kind: Kind, is_named: bool) -> Option<Kind> {
        let is_scanner = is_named || self.teller == Some(Teller::Trivy) || self.purpose == Some(Kind::Vulnerability);
        (kind != Kind::Vulnerability || is_scanner).then_some(kind)
    }

    /// The kind of a rule without a telling tag: its id comes first, then the tool.
    pub fn kind(&self, is_named: bool) -> Kind {
        if is_named { Kind::Vulnerability } else { self.purpose.unwrap_or(Kind::Code) }
    }
}

/// What the first telling tag says.
pub fn of_tags<'a>(mut tags: impl Iterator<Item = &'a str>) -> Option<Kind> {
    tags.find_map(|tag| TAGS.iter().find(|(known, _)| tag.trim().eq_ignore_ascii_case(known))).map(|(_, kind)| *kind)
}

/// Whether a rule's id names a vulnerability.
pub fn names_vulnerability(id: &str) -> bool {
    let begins = DATABASES.iter().any(|prefix| id.starts_with(prefix)) && !id.starts_with(SNYK_CLOUD);
    begins || !public_ids(id).is_empty()
}

/// CVE and GHSA ids that stand inside a text: Grype's rules are called `<id>-<package>`.
pub fn public_ids(text: &str) -> Vec<String> {
    let mut ids = Vec::new();
    for (start, _) in text.match_indices("CVE-").chain(text.match_indices("GHSA-")) {
        if text[..start].ends_with(|before: char| before.is_alphanumeric()) {
            continue;
        }
        ids.extend(public_id(&text[start..]).map(str::to_owned));
    }
    ids
}

fn public_id(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let length = if text.starts_with("CVE-") {
        let digits = |from: usize| bytes.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
        (digits(4) == 4 && bytes.get(8) == Some(&b'-') && digits(9) >= 4).then(|| 9 + digits(9))?
    } else {
        // `GHSA-` and three groups of four letters or digits.
        let group =
            |from: usize| bytes.get(from..from + 4).is_some_and(|group| group.iter().all(u8::is_ascii_alphanumeric));
        let dash = |at: usize| bytes.get(at) == Some(&b'-');
        (group(5) && dash(9) && group(10) && dash(14) && group(15)).then_some(19)?
    };
    text.get(..length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_inside_of_rule_ids() {
        assert_eq!(public_ids("CVE-2024-12345-openssl"), ["CVE-2024-12345"]);
        assert_eq!(public_ids("openssl - CVE-2022-0001 (containers)"), ["CVE-2022-0001"]);
        assert_eq!(public_ids("GHSA-aaaa-bbbb-cccc-left-pad"), ["GHSA-aaaa-bbbb-cccc"]);
        assert!(public_ids("CVE-1 XCVE-2024-1234 GHSA-ü CVE-20245-1").is_empty());
    }

    #[test]
    fn tags_come_before_ids_and_ids_before_tools() {
        let kind = |id: &str, tags: &[&str], driver: &str| {
            of_tags(tags.iter().copied()).unwrap_or_else(|| Driver::of(driver).kind(names_vulnerability(id)))
        };
        assert_eq!(kind("CVE-2024-1234", &["secret"], "Grype"), Kind::Secret);
        assert_eq!(kind("CVE-2024-1234", &[], "gitleaks"), Kind::Vulnerability);
        assert_eq!(kind("SNYK-CC-TF-1", &[], "Snyk IaC"), Kind::Misconfiguration);
        assert_eq!(kind("no-eval", &["security"], "ESLint"), Kind::Code);
    }
}

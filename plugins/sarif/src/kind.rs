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

pub fn is_trivy(driver: &str) -> bool {
    driver.to_ascii_lowercase().contains("trivy")
}

/// What a known tool looks for.
pub fn of_tool(driver: &str) -> Option<Kind> {
    let driver = driver.to_ascii_lowercase();
    TOOLS.iter().find(|(part, _)| driver.contains(part)).map(|(_, kind)| *kind)
}

/// Tags come first, then the rule's id, then the tool.
pub fn of_rule<'a>(id: &str, mut tags: impl Iterator<Item = &'a str>, driver: &str) -> Kind {
    let by_tag = tags.find_map(|tag| TAGS.iter().find(|(known, _)| tag.trim().eq_ignore_ascii_case(known)));
    match by_tag {
        Some((_, kind)) => *kind,
        None if names_vulnerability(id) => Kind::Vulnerability,
        None => of_tool(driver).unwrap_or(Kind::Code),
    }
}

/// What a rule or result of this kind shows about the run. A tag alone makes no vulnerability scanner.
pub fn shown(kind: Kind, id: &str, driver: &str) -> Option<Kind> {
    let is_scanner = || names_vulnerability(id) || is_trivy(driver) || of_tool(driver) == Some(Kind::Vulnerability);
    (kind != Kind::Vulnerability || is_scanner()).then_some(kind)
}

fn names_vulnerability(id: &str) -> bool {
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
        assert_eq!(of_rule("CVE-2024-1234", ["secret"].into_iter(), "Grype"), Kind::Secret);
        assert_eq!(of_rule("CVE-2024-1234", [].into_iter(), "gitleaks"), Kind::Vulnerability);
        assert_eq!(of_rule("SNYK-CC-TF-1", [].into_iter(), "Snyk IaC"), Kind::Misconfiguration);
        assert_eq!(of_rule("no-eval", ["security"].into_iter(), "ESLint"), Kind::Code);
    }
}

//! Documents of any size in the shapes that scanners write, compact: the most members per byte. Nothing is random, so
//! that every run reads the same.
#![allow(dead_code)] // reason: each benchmark is a crate of its own and uses a part

use serde_json::{Value, json};

const MB: usize = 1_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Trivy,
    Spdx,
    CycloneDx,
    Sarif,
}

impl Format {
    pub const ALL: [Format; 4] = [Format::Trivy, Format::Spdx, Format::CycloneDx, Format::Sarif];

    /// The plugin that reads it.
    pub fn plugin(self) -> &'static str {
        match self {
            Format::Trivy => "trivy",
            Format::Spdx => "spdx",
            Format::CycloneDx => "cyclonedx",
            Format::Sarif => "sarif",
        }
    }

    pub fn megabytes(self, megabytes: usize) -> Vec<u8> {
        const SAMPLE: usize = 1_000;
        self.entries(megabytes * MB * SAMPLE / self.entries(SAMPLE).len())
    }

    /// A document with so many findings or components.
    pub fn entries(self, count: usize) -> Vec<u8> {
        let (head, middle, foot) = match self {
            Format::Trivy => (TRIVY, None, "]}]}"),
            Format::Spdx => (SPDX, Some("],\"relationships\":["), "]}"),
            Format::CycloneDx => (CYCLONEDX, Some("],\"dependencies\":["), "]}"),
            Format::Sarif => (SARIF, None, "]}]}"),
        };
        let mut text = head.as_bytes().to_vec();
        list(&mut text, count, |index| self.entry(index));
        if let Some(middle) = middle {
            text.extend_from_slice(middle.as_bytes());
            list(&mut text, count, |index| self.edge(index, count));
        }
        text.extend_from_slice(foot.as_bytes());
        text
    }

    fn entry(self, index: usize) -> Value {
        let purl = format!("pkg:npm/%40acme/package-{index}@1.{}.3", index % 50);
        let sha = format!("{index:064x}");
        match self {
            Format::Trivy => vulnerability(index, &purl),
            Format::Spdx => json!({
                "SPDXID": format!("SPDXRef-Package-{index}"), "name": format!("@acme/package-{index}"),
                "versionInfo": format!("1.{}.3", index % 50), "supplier": "Organization: Acme",
                "downloadLocation": format!("https://registry.example.com/package-{index}.tgz"),
                "filesAnalyzed": false, "homepage": "https://example.com/package",
                "licenseConcluded": "NOASSERTION", "licenseDeclared": license(index), "copyrightText": "NOASSERTION",
                "checksums": [{ "algorithm": "SHA256", "checksumValue": sha }],
                "externalRefs": [
                    { "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl },
                ],
            }),
            Format::CycloneDx => json!({
                "bom-ref": purl, "type": "library", "group": "@acme", "name": format!("package-{index}"),
                "version": format!("1.{}.3", index % 50), "purl": purl, "scope": "required",
                "description": "Does one thing, and says in a sentence of usual length what that is.",
                "hashes": [{ "alg": "SHA-256", "content": sha }], "licenses": [{ "expression": license(index) }],
                "properties": [{ "name": "acme:path", "value": format!("node_modules/package-{index}") }],
            }),
            Format::Sarif => json!({
                "ruleId": "acme/no-eval", "ruleIndex": 0, "level": "warning",
                "message": { "text": format!("The argument of `eval` in function {index} comes from a request.") },
                "locations": [{ "physicalLocation": {
                    "artifactLocation": { "uri": format!("src/module-{}/file-{index}.js", index % 97) },
                    "region": { "startLine": index % 900 + 1, "startColumn": 5, "endLine": index % 900 + 3 },
                } }],
                "partialFingerprints": { "primaryLocationLineHash": sha },
            }),
        }
    }

    /// What the entry depends on: a tree with ten children each.
    fn edge(self, index: usize, count: usize) -> Value {
        let purl = |index: usize| format!("pkg:npm/%40acme/package-{index}@1.{}.3", index % 50);
        match self {
            Format::Spdx => json!({
                "spdxElementId": format!("SPDXRef-Package-{}", index / 10), "relationshipType": "DEPENDS_ON",
                "relatedSpdxElement": format!("SPDXRef-Package-{index}"),
            }),
            _ => {
                let children: Vec<_> = (index * 10 + 1..count.min(index * 10 + 11)).map(purl).collect();
                json!({ "ref": purl(index), "dependsOn": children })
            }
        }
    }
}

fn vulnerability(index: usize, purl: &str) -> Value {
    // One in fifty blocks, as in a project that is looked after.
    let severity = if index.is_multiple_of(50) { "HIGH" } else { ["LOW", "MEDIUM"][index % 2] };
    let id = format!("CVE-{}-{}", 2010 + index % 16, 10_000 + index);
    json!({
        "VulnerabilityID": id, "PkgID": format!("package-{index}"), "PkgName": format!("@acme/package-{index}"),
        "PkgIdentifier": { "PURL": purl, "UID": format!("{index:016x}") },
        "InstalledVersion": format!("1.{}.3", index % 50), "FixedVersion": "2.0.0, 1.99.1", "Status": "fixed",
        "Layer": { "DiffID": format!("sha256:{:064x}", index % 12) }, "SeveritySource": "nvd",
        "PrimaryURL": format!("https://example.com/advisories/{id}"),
        "DataSource": { "ID": "ghsa", "Name": "Advisories", "URL": "https://example.com/advisories" },
        "Title": format!("package-{index}: crafted input makes the parser read out of bounds"),
        "Description": "A crafted document makes the parser read behind the end of its buffer.\nAn attacker who can \
            have a document parsed learns what lies behind it, or ends the process. \"Strict\" mode is not affected.",
        "Severity": severity, "CweIDs": ["CWE-125"],
        "CVSS": { "nvd": { "V3Vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:L/I:N/A:L", "V3Score": 5.4 } },
        "References": (0..6).map(|number| format!("https://example.com/{id}/reference/{number}")).collect::<Vec<_>>(),
        "PublishedDate": "2026-01-02T03:04:05Z", "LastModifiedDate": "2026-02-03T04:05:06Z",
    })
}

fn license(index: usize) -> &'static str {
    // Mostly permissive; one in a hundred blocks.
    match index % 100 {
        0 => "GPL-3.0-only",
        1..=5 => "MPL-2.0",
        6..=20 => "(MIT OR Apache-2.0)",
        _ => ["MIT", "ISC", "Apache-2.0", "BSD-3-Clause"][index % 4],
    }
}

fn list(text: &mut Vec<u8>, count: usize, entry: impl Fn(usize) -> Value) {
    for index in 0..count {
        if index > 0 {
            text.push(b',');
        }
        serde_json::to_writer(&mut *text, &entry(index)).expect("writing to memory cannot fail");
    }
}

const TRIVY: &str = r#"{"SchemaVersion":2,"CreatedAt":"2026-01-02T03:04:05Z","ArtifactName":".","ArtifactType":"filesystem","Results":[{"Target":"package-lock.json","Class":"lang-pkgs","Type":"npm","Vulnerabilities":["#;
const SPDX: &str = r#"{"spdxVersion":"SPDX-2.3","dataLicense":"CC0-1.0","SPDXID":"SPDXRef-DOCUMENT","name":"shop","documentNamespace":"https://example.com/spdx/shop","creationInfo":{"created":"2026-01-02T03:04:05Z","creators":["Tool: bench-1.0"]},"documentDescribes":["SPDXRef-Package-0"],"packages":["#;
const CYCLONEDX: &str = r#"{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"metadata":{"timestamp":"2026-01-02T03:04:05Z"},"components":["#;
const SARIF: &str = r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"acme-lint","version":"1.0.0","rules":[{"id":"acme/no-eval","shortDescription":{"text":"No eval"},"defaultConfiguration":{"level":"warning"}}]}},"results":["#;

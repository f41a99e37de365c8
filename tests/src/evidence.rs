//! Small reports of our own, in the shapes that scanners write.

use serde_json::{Value, json};

fn bytes(value: &Value) -> Vec<u8> {
    serde_json::to_vec_pretty(value).expect("values are serializable")
}

/// A Trivy scan of a lock file with these vulnerabilities: id, severity.
pub fn trivy(vulnerabilities: &[(&str, &str)]) -> Vec<u8> {
    let vulnerabilities: Vec<Value> = vulnerabilities
        .iter()
        .map(|(id, severity)| {
            json!({
                "VulnerabilityID": id,
                "PkgName": "left-pad",
                "PkgIdentifier": { "PURL": "pkg:npm/left-pad@1.0.0" },
                "InstalledVersion": "1.0.0",
                "FixedVersion": "1.3.0",
                "Severity": severity,
                "Title": format!("{id} in left-pad"),
                "Status": "fixed",
            })
        })
        .collect();
    bytes(&json!({
        "SchemaVersion": 2,
        "CreatedAt": "2026-01-02T03:04:05Z",
        "ArtifactName": ".",
        "ArtifactType": "filesystem",
        "Results": [{
            "Target": "package-lock.json",
            "Class": "lang-pkgs",
            "Type": "npm",
            "Vulnerabilities": vulnerabilities,
        }],
    }))
}

/// A Trivy scan of a repository with these vulnerabilities of high severity: id, package, version, lock file.
pub fn trivy_of(vulnerabilities: &[(&str, &str, &str, &str)]) -> Vec<u8> {
    let mut vulnerabilities_by_file: std::collections::BTreeMap<&str, Vec<Value>> = Default::default();
    for (id, package, version, file) in vulnerabilities {
        vulnerabilities_by_file.entry(file).or_default().push(json!({
            "VulnerabilityID": id,
            "PkgName": package,
            "PkgIdentifier": { "PURL": format!("pkg:npm/{package}@{version}") },
            "InstalledVersion": version,
            "Severity": "HIGH",
            "Title": format!("{id} in {package}"),
        }));
    }
    let result = |(file, vulnerabilities)| json!({ "Target": file, "Class": "lang-pkgs", "Type": "npm", "Vulnerabilities": vulnerabilities });
    let results: Vec<Value> = vulnerabilities_by_file.into_iter().map(result).collect();
    bytes(&json!({ "SchemaVersion": 2, "ArtifactName": ".", "ArtifactType": "filesystem", "Results": results }))
}

/// A Trivy scan that found nothing at all, as Trivy writes it: without results.
pub fn clean_trivy() -> Vec<u8> {
    bytes(&json!({ "SchemaVersion": 2, "ArtifactName": ".", "ArtifactType": "filesystem" }))
}

/// An SPDX document with these packages: name, declared licence.
pub fn spdx(packages: &[(&str, &str)]) -> Vec<u8> {
    let packages: Vec<Value> = packages
        .iter()
        .map(|(name, license)| {
            json!({
                "SPDXID": format!("SPDXRef-{name}"),
                "name": name,
                "versionInfo": "1.0.0",
                "downloadLocation": "NOASSERTION",
                "licenseDeclared": license,
                "licenseConcluded": "NOASSERTION",
                "externalRefs": [{
                    "referenceCategory": "PACKAGE-MANAGER",
                    "referenceType": "purl",
                    "referenceLocator": format!("pkg:npm/{name}@1.0.0"),
                }],
            })
        })
        .collect();
    bytes(&json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": "shop",
        "documentNamespace": "https://example.com/spdx/shop",
        "creationInfo": { "created": "2026-01-02T03:04:05Z", "creators": ["Tool: example-1.0"] },
        "packages": packages,
    }))
}

/// A CycloneDX document with these components (name, licence) and vulnerabilities (id, severity, component).
pub fn cyclonedx(components: &[(&str, &str)], vulnerabilities: &[(&str, &str, &str)]) -> Vec<u8> {
    let components: Vec<Value> = components
        .iter()
        .map(|(name, license)| {
            json!({
                "type": "library",
                "bom-ref": name,
                "name": name,
                "version": "1.0.0",
                "purl": format!("pkg:npm/{name}@1.0.0"),
                "licenses": [{ "expression": license }],
            })
        })
        .collect();
    let vulnerabilities: Vec<Value> = vulnerabilities
        .iter()
        .map(|(id, severity, component)| {
            json!({ "id": id, "ratings": [{ "severity": severity }], "affects": [{ "ref": component }] })
        })
        .collect();
    bytes(&json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "components": components,
        "vulnerabilities": vulnerabilities,
    }))
}

/// A CycloneDX document that only says how a vulnerability of left-pad stands: `not_affected`, `exploitable`, ….
pub fn cyclonedx_vex(id: &str, state: &str) -> Vec<u8> {
    bytes(&json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "vulnerabilities": [{
            "id": id,
            "analysis": { "state": state, "justification": "code_not_reachable" },
            "affects": [{ "ref": "pkg:npm/left-pad@1.0.0" }],
        }],
    }))
}

/// A linter's SARIF with one result.
pub fn lint_sarif() -> Vec<u8> {
    bytes(&json!({
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "example-lint", "rules": [{ "id": "no-shadow" }] } },
            "results": [{
                "ruleId": "no-shadow",
                "level": "warning",
                "message": { "text": "a name is shadowed" },
                "locations": [{ "physicalLocation": {
                    "artifactLocation": { "uri": "src/main.js" }, "region": { "startLine": 3 },
                } }],
            }],
        }],
    }))
}

/// A dependency scanner's SARIF with these vulnerabilities: id, security severity.
pub fn vulnerability_sarif(vulnerabilities: &[(&str, &str)]) -> Vec<u8> {
    let rule = |(id, severity): &(&str, &str)| json!({ "id": id, "properties": { "security-severity": severity } });
    let result = |(id, _): &(&str, &str)| {
        json!({ "ruleId": id, "message": { "text": format!("{id} in left-pad") }, "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": "package-lock.json" }, "region": { "startLine": 1 },
        } }] })
    };
    bytes(&json!({
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "example-audit",
                "rules": vulnerabilities.iter().map(rule).collect::<Vec<_>>(),
            } },
            "results": vulnerabilities.iter().map(result).collect::<Vec<_>>(),
        }],
    }))
}

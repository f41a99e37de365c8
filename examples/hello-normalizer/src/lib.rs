//! Reads the reports of the made-up scanner `hello-scan`, which looks for secrets:
//! `{"helloScan": "1.2.0", "leaks": [{"rule": "aws-key", "file": "src/main.rs", "line": 3, "severity": "high"}]}`

use palisade_plugin::lenient::{Maybe, Number, Text};
use palisade_plugin::{
    Artifact, Coverage, Detail, Failure, Finding, Format, Location, NoSettings, Normalizer, PluginInfo, ReportBuilder,
    Secret, export_normalizer,
};

struct Hello;

export_normalizer!(Hello);

/// One element of `leaks`. Every member is optional, because real files lack members.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Leak {
    rule: Text,
    file: Maybe<Text>,
    line: Maybe<Number>,
    severity: Maybe<Text>,
}

impl Normalizer for Hello {
    type Settings = NoSettings;

    fn describe() -> PluginInfo {
        PluginInfo::new("hello", env!("CARGO_PKG_VERSION"), "Reads reports of hello-scan")
            .format("hello-json", [Coverage::Secrets])
    }

    fn recognize(artifact: &Artifact) -> Option<Format> {
        let version = artifact.outline().text("helloScan")?;
        Some(Format::versioned("hello-json", version))
    }

    fn normalize(artifact: &Artifact, report: &mut ReportBuilder, _: NoSettings) -> Result<(), Failure> {
        report.set_tool("hello-scan", artifact.outline().text("helloScan").as_deref());
        report.set_covers([Coverage::Secrets]);
        artifact.json()?.members(|name, member| match name {
            "leaks" => member.each::<Leak>(|index, leak| {
                report.finding(finding(index, leak));
                Ok(())
            }),
            _ => Ok(()),
        })
    }
}

fn finding(index: usize, leak: Leak) -> Finding {
    let detail = Detail::Secret(Secret::found_by(&*leak.rule));
    let mut finding = Finding::new(&*leak.rule, format!("Secret found: {}", leak.rule), detail);
    finding.severity_word(leak.severity.0.unwrap_or_default());
    let line = leak.line.0.and_then(Number::as_u32).unwrap_or_default();
    finding.locations.extend(leak.file.0.map(|file| Location::line(file, line)));
    finding.origin = Some(format!("/leaks/{index}"));
    finding
}

#[cfg(test)]
mod tests {
    use super::*;
    use palisade_plugin::{Severity, testing};

    #[test]
    fn a_leak_becomes_a_finding_with_its_place() {
        let file = r#"{"helloScan": "1.2.0", "leaks": [{"rule": "aws-key", "file": "a.rs", "line": "3", "severity": "high"}]}"#;
        assert_eq!(
            testing::recognize::<Hello>("scan/hello.json", file),
            Some(Format::versioned("hello-json", "1.2.0"))
        );
        let report = testing::normalize::<Hello>("scan/hello.json", file, "{}").unwrap();
        assert_eq!((report.findings.len(), report.findings[0].severity), (1, Some(Severity::High)));
        assert_eq!(report.findings[0].locations, [Location::line("a.rs", 3)]);
    }
}

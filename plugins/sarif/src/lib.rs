//! Reads SARIF 2.1.0 logs of linters, secret scanners, configuration scanners and dependency scanners. Never copies source
//! code out of a log, and never takes a linter's file for a vulnerability scan.

mod document;
mod finding;
mod kind;
mod package;
mod place;
mod rule;
mod run;

use std::collections::BTreeSet;

use palisade_plugin::lenient::{Maybe, Text};
use palisade_plugin::{
    Artifact, Coverage, Failure, Format, Json, NoSettings, Normalizer, PluginInfo, ReportBuilder, export_normalizer,
};

use kind::Kind;
use run::Run;

/// Dialects that were published before and after 2.1.0. They are claimed so that they fail by name.
const OTHER_VERSIONS: [&str; 3] = ["1.0.0", "2.0.0", "2.2"];

/// The normalizer.
pub struct Sarif;

export_normalizer!(Sarif);

impl Normalizer for Sarif {
    type Settings = NoSettings;

    fn describe() -> PluginInfo {
        PluginInfo::new("sarif", env!("CARGO_PKG_VERSION"), "Reads SARIF 2.1.0 logs")
            .homepage("https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html")
            // An unreadable log may have been any of these tools'.
            .format(
                "sarif",
                [Kind::Vulnerability, Kind::Secret, Kind::Misconfiguration, Kind::Code].map(Kind::coverage),
            )
    }

    fn recognize(artifact: &Artifact) -> Option<Format> {
        let outline = artifact.outline();
        let version = outline.text("version")?;
        let names_schema =
            || outline.text("$schema").is_some_and(|schema| schema.to_ascii_lowercase().contains("sarif"));
        let is_log = match () {
            () if version.starts_with("2.1") => {
                outline.is_array("runs") || (outline.member("runs").is_some() && names_schema())
            }
            // Other files have a version and runs as well; a run of SARIF names its tool.
            () if OTHER_VERSIONS.iter().any(|other| version.starts_with(other)) => {
                outline.is_array("runs") && (names_schema() || artifact.skim().has("runs.0.tool"))
            }
            () => false,
        };
        is_log.then(|| Format::versioned("sarif", version))
    }

    fn normalize(artifact: &Artifact, report: &mut ReportBuilder, _: NoSettings) -> Result<(), Failure> {
        if let Some(version) = artifact.outline().text("version").filter(|version| !version.starts_with("2.1")) {
            return Err(Failure::unsupported(format!("SARIF {version}")));
        }
        let mut json = artifact.json()?;
        let log = Log::read(&mut json)?;
        if !log.runs.iter().any(|run| run.has_results) {
            return Err(Failure::other("the scan did not run: no run of the log has results"));
        }
        log.write(&mut json, report)
    }
}

#[derive(Default)]
struct Log {
    version: Maybe<Text>,
    runs: Vec<Run>,
}

impl Log {
    fn read(json: &mut Json) -> Result<Log, Failure> {
        let mut log = Log::default();
        json.members(|name, member| {
            match name {
                "version" => log.version = member.parse()?.unwrap_or_default(),
                "runs" => member.elements(|_, element| {
                    log.runs.push(Run::read(element)?);
                    Ok(())
                })?,
                _ => {}
            }
            Ok(())
        })?;
        if log.version.is_none() && log.runs.is_empty() {
            return Err(Failure::malformed("no SARIF log: it has neither version nor runs"));
        }
        Ok(log)
    }

    fn write(self, json: &mut Json, report: &mut ReportBuilder) -> Result<(), Failure> {
        let first = self.runs.iter().map(|run| &run.driver.name).find(|name| !name.is_empty());
        let first_driver = first.map(String::as_str).unwrap_or_default();
        self.head(first_driver, report);
        let mut covered: BTreeSet<Kind> = BTreeSet::new();
        let mut unvisited = &self.runs[..];
        json.members(|name, member| match name {
            "runs" => member.elements(|_, element| {
                if let Some((run, behind)) = unvisited.split_first() {
                    covered.extend(run.write(element, first_driver, report)?);
                    unvisited = behind;
                }
                Ok(())
            }),
            _ => Ok(()),
        })?;
        // A full report ends the walk, but what was cut off is missing from every kind that it speaks about.
        covered.extend(unvisited.iter().flat_map(Run::covered_without_results));
        report.set_covers(covered.into_iter().map(Kind::coverage).collect::<Vec<Coverage>>());
        Ok(())
    }

    fn head(&self, first_driver: &str, report: &mut ReportBuilder) {
        if let Some(version) = self.version.as_deref() {
            report.property("schema-version", version);
        }
        if let Some(run) = self.runs.iter().find(|run| !run.driver.name.is_empty()) {
            report.set_tool(&first_driver.to_lowercase(), run.version.as_deref());
        }
        if let Some(time) = self.runs.iter().flat_map(|run| &run.times).next() {
            report.property("scan-time", time);
        }
        for automation in self.runs.iter().filter_map(|run| run.automation.as_deref()) {
            report.property("automation-id", automation);
        }
    }
}

#[cfg(test)]
mod tests;

//! One run of a log: read whole before anything of it is written, because results may stand in front of the rules and
//! files that they refer to.

use std::collections::BTreeSet;

use palisade_plugin::json::{Kind as JsonKind, Member};
use palisade_plugin::lenient::{Maybe, Text};
use palisade_plugin::{Completeness, Diagnostic, Failure, ReportBuilder};

use crate::document::{ArtifactEntry, AutomationDetails, Invocation, ResultEntry, Tool, VersionControl};
use crate::finding::{self, Surroundings};
use crate::kind::{self, Kind};
use crate::place::Places;
use crate::rule::{self, Rulebook};

/// A run as it is read.
#[derive(Debug, Default)]
pub struct Run {
    pub driver: String,
    pub version: Option<String>,
    pub times: Vec<String>,
    pub automation: Option<String>,
    pub completeness: Option<Diagnostic>,
    /// Absent if the scan did not run; empty if it found nothing.
    results: Option<Vec<(usize, ResultEntry)>>,
    rules: Rulebook,
    places: Places,
    pointer: String,
}

impl Run {
    pub fn read(member: &mut Member<'_, '_>) -> Result<Run, Failure> {
        let mut run = Run { pointer: member.pointer(), ..Run::default() };
        member.members(|name, member| {
            match name {
                "tool" => run.take_tool(member.parse()?.unwrap_or_default()),
                "results" if member.kind()? == JsonKind::Array => {
                    let results = run.results.insert(Vec::new());
                    member.each(|index, result| {
                        results.push((index, result));
                        Ok(())
                    })?;
                }
                "artifacts" => member.elements(|_, element| {
                    // Positions count: a bad one stays as a gap.
                    let entry: ArtifactEntry = element.parse()?.unwrap_or_default();
                    run.places.artifacts.push(entry.location.0.unwrap_or_default());
                    Ok(())
                })?,
                "originalUriBaseIds" => run.places.bases = member.parse()?.unwrap_or_default(),
                "versionControlProvenance" => member.each(|_, entry: VersionControl| {
                    run.places.checkouts.extend(entry.mapped_to.0);
                    Ok(())
                })?,
                "invocations" => member.each(|index, invocation| {
                    run.take_invocation(invocation, index);
                    Ok(())
                })?,
                "automationDetails" => {
                    let details: AutomationDetails = member.parse()?.unwrap_or_default();
                    run.automation = details.id.as_filled().map(str::to_owned);
                }
                _ => {}
            }
            Ok(())
        })?;
        run.places.settle();
        Ok(run)
    }

    fn take_tool(&mut self, tool: Tool) {
        let text = |text: &Maybe<Text>| text.as_filled().map(str::to_owned);
        if let Some(driver) = tool.driver.as_ref() {
            self.driver = text(&driver.name).unwrap_or_default();
            self.version = text(&driver.version).or_else(|| text(&driver.semantic_version));
        }
        self.rules = Rulebook::of(tool);
    }

    fn take_invocation(&mut self, invocation: Invocation, index: usize) {
        let pointer = format!("{}/invocations/{index}", self.pointer);
        let notifications =
            invocation.tool_execution_notifications.iter().chain(&invocation.tool_configuration_notifications);
        let errors = notifications
            .filter(|note| note.level.as_filled().is_some_and(|level| level.eq_ignore_ascii_case("error")))
            .count();
        let trouble = match (invocation.execution_successful.0, errors) {
            (Some(false), _) => Some("the tool says that it failed".to_owned()),
            (_, 0) => None,
            (_, count) => Some(format!("the tool reports {count} errors of its own")),
        };
        self.completeness =
            self.completeness.take().or(trouble.map(|message| Diagnostic::warning(message).at(pointer)));
        let time = invocation.end_time_utc.as_filled().or(invocation.start_time_utc.as_filled());
        self.times.extend(time.map(str::to_owned));
        self.places.checkouts.extend(invocation.working_directory.0);
    }

    pub fn has_run(&self) -> bool {
        self.results.is_some()
    }

    /// Adds all that the run says; answers what it covers.
    pub fn write(self, first_driver: &str, report: &mut ReportBuilder) -> BTreeSet<Kind> {
        if let Some(diagnostic) = self.completeness {
            report.set_completeness(Completeness::Partial);
            report.diagnostic(diagnostic);
        }
        let Some(results) = self.results else {
            report.lost(Diagnostic::warning("a run without results: the scan did not run").at(self.pointer));
            return BTreeSet::new();
        };
        let mut covered = covered_by_rules(&self.driver, &self.rules);
        let surroundings = Surroundings { driver: &self.driver, rules: &self.rules, places: &self.places };
        for (index, result) in results {
            let pointer = format!("{}/results/{index}", self.pointer);
            let Some((kind, mut finding)) = finding::finding(&result, pointer, &surroundings) else { continue };
            covered.extend(kind::shown(kind, &finding.id, &self.driver));
            if self.driver != first_driver {
                finding.property("tool", &*self.driver);
            }
            report.finding(finding);
        }
        if covered.is_empty() {
            covered.extend(covered_by_default(&self.driver, self.pointer, report));
        }
        covered
    }
}

/// Trivy's rules tell what it found, and so what it looked for; a tool with one purpose pursued it in any case.
fn covered_by_rules(driver: &str, rules: &Rulebook) -> BTreeSet<Kind> {
    let mut covered: BTreeSet<Kind> = kind::of_tool(driver).into_iter().collect();
    for rule in rules.iter() {
        let id = rule.id.as_filled().unwrap_or_default();
        covered.extend(kind::shown(kind::of_rule(id, rule::tags(Some(rule), None), driver), id, driver));
    }
    covered
}

fn covered_by_default(driver: &str, pointer: String, report: &mut ReportBuilder) -> Vec<Kind> {
    if kind::is_trivy(driver) {
        let message =
            "Trivy's SARIF does not say what was scanned for; taken for vulnerabilities and secrets, its defaults";
        report.diagnostic(Diagnostic::note(message).at(pointer));
        return kind::TRIVY_DEFAULTS.to_vec();
    }
    vec![Kind::Code]
}

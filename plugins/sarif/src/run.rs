//! One run of a log. Results may stand in front of the rules and files that they refer to, so a log is walked twice: first
//! everything else is read, then the results are, one after the other, and none is kept.

use std::collections::BTreeSet;

use palisade_plugin::json::{Kind as JsonKind, Member};
use palisade_plugin::lenient::{Maybe, Text};
use palisade_plugin::{Completeness, Diagnostic, Failure, ReportBuilder};

use crate::document::{ArtifactEntry, AutomationDetails, Invocation, Tool, VersionControl};
use crate::finding::{self, Surroundings};
use crate::kind::{self, Driver, Kind, Teller};
use crate::place::Places;
use crate::rule::{self, Rulebook};

/// A run as it is read.
#[derive(Debug, Default)]
pub struct Run {
    pub driver: Driver,
    pub version: Option<String>,
    pub times: Vec<String>,
    pub automation: Option<String>,
    pub completeness: Option<Diagnostic>,
    /// False if the scan did not run; a scan that found nothing has an empty list.
    pub has_results: bool,
    rules: Rulebook,
    places: Places,
    pointer: String,
}

impl Run {
    /// The first walk: everything but the results.
    pub fn read(member: &mut Member<'_, '_>) -> Result<Run, Failure> {
        let mut run = Run { pointer: member.pointer(), ..Run::default() };
        member.members(|name, member| {
            match name {
                "tool" => run.take_tool(member.parse()?.unwrap_or_default()),
                "results" => run.has_results = member.kind()? == JsonKind::Array,
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
            self.driver = Driver::of(driver.name.as_filled().unwrap_or_default());
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

    /// The second walk: adds all that the run says, and answers what it covers.
    pub fn write(
        &self,
        member: &mut Member<'_, '_>,
        first_driver: &str,
        report: &mut ReportBuilder,
    ) -> Result<BTreeSet<Kind>, Failure> {
        if let Some(diagnostic) = &self.completeness {
            report.set_completeness(Completeness::Partial);
            report.diagnostic(diagnostic.clone());
        }
        if !self.has_results {
            report.lost(Diagnostic::warning("a run without results: the scan did not run").at(&*self.pointer));
            return Ok(BTreeSet::new());
        }
        let mut covered = self.covered_by_rules();
        let mut surroundings = Surroundings::new(&self.driver, &self.rules, &self.places);
        member.members(|name, member| match name {
            "results" => member.each(|index, result| {
                let pointer = entry(&self.pointer, index);
                let Some((shown, mut finding)) = finding::finding(result, pointer, &mut surroundings) else {
                    return Ok(());
                };
                covered.extend(shown);
                if self.driver.name != first_driver {
                    finding.property("tool", &*self.driver.name);
                }
                report.finding(finding);
                Ok(())
            }),
            _ => Ok(()),
        })?;
        if covered.is_empty() && self.driver.teller == Some(Teller::Trivy) {
            let message =
                "Trivy's SARIF does not say what was scanned for; taken for vulnerabilities and secrets, its defaults";
            report.diagnostic(Diagnostic::note(message).at(&*self.pointer));
        }
        Ok(self.or_default(covered))
    }

    /// What the run speaks about, as far as its rules and its tool tell.
    pub fn covered_without_results(&self) -> BTreeSet<Kind> {
        if self.has_results { self.or_default(self.covered_by_rules()) } else { BTreeSet::new() }
    }

    /// Trivy's rules tell what it found, and so what it looked for; a tool with one purpose pursued it in any case.
    fn covered_by_rules(&self) -> BTreeSet<Kind> {
        let mut covered: BTreeSet<Kind> = self.driver.purpose.into_iter().collect();
        for rule in self.rules.iter() {
            let is_named = kind::names_vulnerability(rule.id.as_filled().unwrap_or_default());
            let kind = kind::of_tags(rule::tags(Some(rule), None)).unwrap_or_else(|| self.driver.kind(is_named));
            covered.extend(self.driver.shows(kind, is_named));
        }
        covered
    }

    fn or_default(&self, covered: BTreeSet<Kind>) -> BTreeSet<Kind> {
        match self.driver.teller {
            _ if !covered.is_empty() => covered,
            Some(Teller::Trivy) => kind::TRIVY_DEFAULTS.into(),
            _ => [Kind::Code].into(),
        }
    }
}

/// JSON pointer to a result. Without `format!`, which costs more than the rest of a plain result.
fn entry(run: &str, index: usize) -> String {
    const LONGEST: usize = "/results/18446744073709551615".len();
    let mut pointer = String::with_capacity(run.len() + LONGEST);
    pointer.push_str(run);
    pointer.push_str("/results/");
    pointer.push_str(&index.to_string());
    pointer
}

//! The violations as SARIF 2.1.0. One run; a rule is `<plugin>/<rule>`, a waiver is a suppression, a policy without a
//! result is a failed invocation.

use super::escape::{line, plain};
use super::wording::report_of;
use crate::model::record::{CheckRecord, Record};
use crate::model::report::Location;
use crate::model::verdict::{Effect, Judged, Violation};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

pub fn sarif(record: &Record) -> String {
    let mut rules: BTreeMap<String, usize> = BTreeMap::new();
    let listed: Vec<Listed<'_>> = record.checks.iter().flat_map(listed).collect();
    for one in &listed {
        rules.entry(one.rule_id()).or_default();
    }
    rules.values_mut().enumerate().for_each(|(place, index)| *index = place);
    let results: Vec<Value> = listed.iter().map(|one| result(record, one, &rules)).collect();
    let notifications: Vec<Value> = record.checks.iter().flat_map(notifications).chain(unreadable(record)).collect();
    let rules: Vec<Value> = rules.keys().map(|id| json!({ "id": id })).collect();
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "Palisade", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": notifications.is_empty(),
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
        }],
    });
    serde_json::to_string_pretty(&document).expect("plain data with text keys always serializes") + "\n"
}

struct Listed<'a> {
    check: &'a str,
    plugin: &'a str,
    violation: &'a Violation,
}

impl Listed<'_> {
    fn rule_id(&self) -> String {
        format!("{}/{}", self.plugin, line(&self.violation.rule))
    }
}

fn listed(check: &CheckRecord) -> impl Iterator<Item = Listed<'_>> {
    check.judgements.iter().flat_map(move |judgement| {
        let verdict = match &judgement.verdict {
            Judged::Verdict(verdict) => Some(verdict),
            Judged::Broken(_, verdict) | Judged::Outage(_, verdict) => verdict.as_ref(),
        };
        verdict.into_iter().flat_map(|verdict| &verdict.violations).map(move |violation| Listed {
            check: check.check.as_str(),
            plugin: &judgement.plugin,
            violation,
        })
    })
}

fn result(record: &Record, one: &Listed<'_>, rules: &BTreeMap<String, usize>) -> Value {
    let violation = one.violation;
    let rule = one.rule_id();
    let mut text = plain(&violation.message);
    if let Some(how) = &violation.how_to_fix {
        text.push_str(&format!(" Fix: {}", plain(how)));
    }
    let mut result = json!({
        "ruleIndex": rules[&rule],
        "ruleId": rule,
        "level": level(violation.effect),
        "message": { "text": text },
        "locations": locations(record, violation),
        "properties": properties(one),
    });
    if let Some(waived) = &violation.waived {
        result["suppressions"] =
            json!([{ "kind": "external", "status": "accepted", "justification": plain(&waived.reason) }]);
    }
    result
}

fn level(effect: Effect) -> &'static str {
    match effect {
        Effect::Deny => "error",
        Effect::Warn => "warning",
        Effect::Info => "note",
    }
}

/// The violation's own place, else the artifacts that it rests on; the subject as a logical place beside it.
fn locations(record: &Record, violation: &Violation) -> Value {
    let own = violation.location.as_ref().map(physical);
    let reports =
        violation.evidence.iter().filter_map(report_of).filter_map(|report| record.inputs.get(report as usize));
    let mut paths: Vec<&str> = reports.map(|input| input.path.as_str()).collect();
    paths.sort_unstable();
    paths.dedup();
    let artifacts = paths.into_iter().map(|path| json!({ "artifactLocation": { "uri": uri(path) } }));
    let physical = own.map_or_else(|| artifacts.collect::<Vec<_>>(), |own| vec![own]);
    let logical = violation.subject.as_deref().map(|subject| json!([{ "fullyQualifiedName": line(subject) }]));
    let place = |physical: Value| match &logical {
        Some(logical) => json!({ "physicalLocation": physical, "logicalLocations": logical }),
        None => json!({ "physicalLocation": physical }),
    };
    match (physical.is_empty(), &logical) {
        (true, Some(logical)) => json!([{ "logicalLocations": logical }]),
        _ => physical.into_iter().map(place).collect(),
    }
}

fn physical(place: &Location) -> Value {
    let mut region = Map::new();
    let lines = [
        ("startLine", place.start_line),
        ("startColumn", place.start_column),
        ("endLine", place.end_line),
        ("endColumn", place.end_column),
    ];
    for (name, value) in lines {
        if let Some(value) = value.filter(|value| *value > 0) {
            region.insert(name.to_owned(), value.into());
        }
    }
    let artifact = json!({ "uri": uri(&place.path) });
    // A region without a first line says nothing, and SARIF does not allow it.
    match region.contains_key("startLine") {
        true => json!({ "artifactLocation": artifact, "region": region }),
        false => json!({ "artifactLocation": artifact }),
    }
}

/// A relative reference: whatever is not plain in a path is percent-encoded.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b'@' | b'+' => {
                uri.push(byte as char)
            }
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

fn properties(one: &Listed<'_>) -> Value {
    let mut properties = json!({ "check": one.check, "waivable": one.violation.waivable });
    if let Some(severity) = one.violation.severity {
        properties["severity"] = severity.word().into();
    }
    properties
}

fn notifications(check: &CheckRecord) -> impl Iterator<Item = Value> {
    check
        .judgements
        .iter()
        .filter_map(|judgement| match &judgement.verdict {
            Judged::Verdict(_) => None,
            Judged::Broken(broken, _) => Some(format!("{}: {broken}", judgement.plugin)),
            Judged::Outage(why, _) => Some(format!("{}: {why}", judgement.plugin)),
        })
        .map(|text| json!({ "level": "error", "message": { "text": plain(&text) } }))
}

fn unreadable(record: &Record) -> impl Iterator<Item = Value> {
    record.unreadable.iter().map(
        |file| json!({ "level": "error", "message": { "text": plain(&format!("{}: {}", file.path, file.reason)) } }),
    )
}

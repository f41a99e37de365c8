//! Entries of `Misconfigurations` as findings. What passed or was excepted is not one.

use palisade_plugin::{Detail, Diagnostic, Finding, Misconfiguration, RuleResult, Severity, words};

use crate::{
    document::{Layer, Lines, MisconfigurationEntry},
    entry,
    target::{LOCATIONS, Target},
};

/// Whether the entry says that nothing is wrong. An unknown word does not.
pub fn is_no_failure(entry: &MisconfigurationEntry) -> bool {
    let status = entry.status.0.as_ref().map_or("", |status| status.trim());
    status.eq_ignore_ascii_case("PASS") || status.eq_ignore_ascii_case("EXCEPTION")
}

pub fn finding(entry: MisconfigurationEntry, target: &Target, origin: String) -> Result<Finding, Diagnostic> {
    let avd_id = entry.avd_id.filled();
    let id = entry.id.filled().or_else(|| avd_id.clone()).ok_or_else(|| entry::nameless(&origin))?;
    let cause = entry.cause.0.unwrap_or_default();
    let description = entry.message.filled().or(entry.description.filled());
    let title = words::title(&[entry.title.as_filled(), description.as_deref()], || id.clone());
    let detail = Detail::Misconfiguration(Misconfiguration {
        rule_result: RuleResult::Failed,
        resource: cause.resource.filled(),
        provider: cause.provider.filled().map(|provider| provider.to_lowercase()),
    });

    let layer = entry.layer.0.and_then(Layer::digest);
    let lines = Lines { start: cause.start, end: cause.end };
    let mut locations = vec![lines.at(target.name.clone(), layer)];
    let occurrences = cause
        .occurrences
        .into_iter()
        .filter_map(|place| Some((place.filename.filled()?, place.lines.0.unwrap_or_default())));
    locations.extend(occurrences.map(|(file, lines)| lines.at(file, None)).take(LOCATIONS - 1));

    let mut finding = Finding::new(id, title, detail);
    finding.severity_raw = entry.severity.filled();
    finding.severity = finding.severity_raw.as_deref().and_then(Severity::from_word);
    finding.description = description;
    finding.locations = locations;
    finding.how_to_fix = entry.resolution.filled();
    finding.references = entry::references(entry.primary_url, entry.references);
    finding.references.extend(avd_id.filter(|avd_id| *avd_id != finding.id));
    finding.origin = Some(origin);
    finding.properties = target.properties();
    let facts = [("trivy:check-type", entry.kind.filled()), ("trivy:service", cause.service.filled())];
    finding.properties.extend(entry::facts(facts));
    Ok(finding)
}

//! Entries of `Secrets` as findings. The secret itself is not even parsed.

use palisade_plugin::{Detail, Diagnostic, Finding, Secret, Severity, words};

use crate::{
    document::{Layer, Lines, SecretEntry},
    entry,
    target::Target,
};

pub fn finding(entry: SecretEntry, target: &Target, origin: String) -> Result<Finding, Diagnostic> {
    let id = entry.rule_id.filled().ok_or_else(|| entry::nameless(&origin))?;
    let title = words::title(&[entry.title.as_filled()], || id.clone());
    let mut finding = Finding::new(id.clone(), title, Detail::Secret(Secret { detector: id, verified: None }));
    let lines = Lines { start: entry.start, end: entry.end };
    finding.severity_raw = entry.severity.filled();
    finding.severity = finding.severity_raw.as_deref().and_then(Severity::from_word);
    finding.locations = vec![lines.at(target.name.clone(), entry.layer.0.and_then(Layer::digest))];
    finding.origin = Some(origin);
    finding.properties = target.properties();
    finding.properties.extend(entry.category.filled().map(|category| ("trivy:category".to_owned(), category)));
    Ok(finding)
}
